/*
 * errors.h - what is wrong with a configuration file, line by line.
 *
 * An error makes the file invalid.  A warning is about an option or a value of
 * an earlier version, which still works or has no effect.
 */
#ifndef AVOUCH_CONF_ERRORS_H
#define AVOUCH_CONF_ERRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/arena.h"

enum {
	CONF_ERRORS_MAX = 100,     /* reported of one file, as of warnings */
	CONF_ERROR_TEXT_MAX = 400, /* bytes of one text */
};

struct conf_error {
	struct conf_error *next;
	unsigned line; /* from 1; 0: the file as a whole */
	const char *text;
};

struct conf_error_list {
	struct conf_error *first; /* sorted by line */
	size_t n;
	bool is_cut; /* there were more than CONF_ERRORS_MAX */
};

struct conf_errors {
	struct arena *arena; /* holds the texts */
	struct conf_error_list errors, warnings;
	bool no_memory; /* as bad as an error */
};

/*
 * Adds an error or a warning, unless the same text is there for the same line.
 * Bytes that are not printable ASCII become "?".
 */
void conf_error_add(struct conf_errors *errors, unsigned line,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
void conf_warning_add(struct conf_errors *errors, unsigned line,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "FILE:LINE: TEXT", one line each. */
void conf_error_list_print(
    const struct conf_error_list *list, const char *file, FILE *out);

/* The errors, and whether memory ran out. */
void conf_errors_print(
    const struct conf_errors *errors, const char *file, FILE *out);

#endif
