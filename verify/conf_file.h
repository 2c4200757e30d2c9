/*
 * conf_file.h - the text of a configuration file as a list of settings.
 *
 * Here and nowhere else libconfuse is seen.  What a value means is not known
 * here: conf_value.h reads it.
 */
#ifndef AVOUCH_VERIFY_CONF_FILE_H
#define AVOUCH_VERIFY_CONF_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "verify/conf_fault.h"
#include "verify/conf_table.h"

enum {
	CONF_OVERRIDES_MAX = 1000, /* sections in a file */
	CONF_WORDS_MAX = 10000,    /* values of a list */
	CONF_UNKNOWN_MAX = 32,     /* names read past, so as to go on */
};

struct conf_word { /* one value */
	struct conf_word *next;
	const char *text;
	unsigned line; /* 0: a default of a list */
};

struct conf_entry { /* one option that was set */
	struct conf_entry *next;
	const struct conf_option *option;
	const char *title; /* of its section; NULL: that has none */
	unsigned line;     /* 0: not known (an empty list), or a default */
	bool is_default;
	struct conf_word *words, *last;
	size_t n_words;
};

struct conf_title { /* one titled section, in the order of the file */
	struct conf_title *next;
	const char *name;
	unsigned line;
};

struct conf_file {
	struct conf_entry *entries;
	struct conf_title *titles;
	size_t n_titles;
	bool complete; /* read to its end: what is not there is missing */
};

/*
 * `text` is a C string.  Entries live in the arena of `faults`.  What is wrong
 * with the file's form goes to `faults`; libconfuse stops at most such faults,
 * but not at unknown names.  Any thread; readers wait for each other.
 */
void conf_file_parse(
    const char *text, struct conf_faults *faults, struct conf_file *out);

#endif
