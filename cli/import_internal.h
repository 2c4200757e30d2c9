/*
 * import_internal.h - shared by import.c, which reads files and prints the
 * result, and import_rules.c, which contains the conversion rules.
 */
#ifndef AVOUCH_CLI_IMPORT_INTERNAL_H
#define AVOUCH_CLI_IMPORT_INTERNAL_H

#include <stdint.h>

#include "cli/import.h"
#include "lib/scan.h"
#include "lib/buf.h"

struct import_file {
	struct import_file *next;
	enum import_program program;
	const char *path;
	struct import_entry *entries;
};

struct import_entry { /* a line of a file, or a default of the other program */
	struct import_entry *next;
	const struct import_file *file;
	struct span name, value;
	unsigned line; /* 0: not in the file; `value` is the default */
};

/* The kind of a note; notes are printed in this order. */
enum import_note_kind {
	IMPORT_TODO,    /* the operator has to do something */
	IMPORT_CHANGES, /* avouch treats mail differently */
	IMPORT_MOOT,    /* avouch does not need the setting */
	IMPORT_NOTE_KINDS
};

struct import_rule {
	unsigned programs; /* bits of enum import_program */
	const char *name;
	void (*convert)(struct import *im, const struct import_entry *e);
	enum import_note_kind kind; /* kind of the note `why` */
	const char
	    *why; /* why this is not converted; NULL if `convert` is set */
	const char *standard; /* the program's default if it matters, or NULL */
	const char *otherwise; /* an option that replaces this default, or NULL
	                        */
};

extern const struct import_rule import_rules[];
extern const size_t import_n_rules;

/* Finds a rule; `name` may be in any case.  Returns NULL if it is unknown. */
const struct import_rule *import_rule_find(
    enum import_program program, struct span name);

/* Returns the last entry in the file with that name, or NULL if there is
 * none. */
const struct import_entry *import_entry_find(
    const struct import_file *file, const char *name);

/* Sets an option of avouch; `value` has the syntax of avouch.conf. */
void import_set(struct import *im, const struct import_entry *e,
    const char *section, const char *name, const char *value);

/* Adds an element to a list option of avouch. */
void import_list(struct import *im, const struct import_entry *e,
    const char *section, const char *name, struct span element);

/* Adds a note about an entry that cannot be fully converted. */
void import_note(struct import *im, const struct import_entry *e,
    enum import_note_kind kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Opens a list in the other program's syntax: "a,b", "csl:a,b", "file:/path" or
 * "/path".  A file has one entry per line and may have comments.  Returns false
 * and adds a note if the list cannot be read.
 */
bool import_list_open(struct import *im, const struct import_entry *e,
    struct scan *s, bool *is_file);

/* Returns false at the end of the list. */
bool import_list_next(struct scan *s, bool is_file, struct span *element);

/* Writes `text` as a quoted string. */
void import_put_quoted(struct buf *b, struct span text);

#endif
