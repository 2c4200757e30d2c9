/*
 * import_internal.h - what import.c, which reads and prints, and
 * import_rules.c, which knows the other programs, share.
 */
#ifndef AVOUCH_CLI_IMPORT_INTERNAL_H
#define AVOUCH_CLI_IMPORT_INTERNAL_H

#include <stdint.h>

#include "cli/import.h"
#include "lib/buf.h"

enum { IMPORT_VALUE_MAX = 64 << 10 }; /* bytes of one value of ours */

struct import_file {
	struct import_file *next;
	enum import_program program;
	const char *path;
	struct import_entry *entries;
};

struct import_entry { /* one line of a file, or a default of the other program
	               */
	struct import_entry *next;
	const struct import_file *file;
	struct span name, value;
	unsigned line; /* 0: it is not set, `value` is the default */
};

/* What a note is about; they are printed in this order. */
enum import_note_kind {
	IMPORT_TODO,    /* the operator has to do something */
	IMPORT_CHANGES, /* avouch treats mail differently */
	IMPORT_MOOT,    /* nothing is lost */
	IMPORT_NOTE_KINDS
};

struct import_rule {
	unsigned programs; /* bits of enum import_program */
	const char *name;
	void (*convert)(struct import *im, const struct import_entry *e);
	enum import_note_kind kind; /* of `why` */
	const char *why; /* why there is no equivalent; with no `convert` */
	const char *standard; /* their default, where it matters; or NULL */
};

extern const struct import_rule import_rules[];
extern const size_t import_n_rules;

/* Any case; NULL: not known. */
const struct import_rule *import_rule_find(
    enum import_program program, struct span name);

/* The last entry of that name in the file; NULL: it is not set. */
const struct import_entry *import_entry_find(
    const struct import_file *file, const char *name);

/* Sets an option of ours; `value` is as in our file. */
void import_set(struct import *im, const struct import_entry *e,
    const char *section, const char *name, const char *value);

/* Adds an element to a list option of ours. */
void import_list(struct import *im, const struct import_entry *e,
    const char *section, const char *name, struct span element);

/* An entry that has no equivalent, or not all of it. */
void import_note(struct import *im, const struct import_entry *e,
    enum import_note_kind kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The text of a file that a setting names. */
struct span import_text(struct import *im, struct span path);

/* A text in quotes. */
void import_put_quoted(struct buf *b, struct span text);

#endif
