/*
 * errors.h - the errors and warnings for a configuration file, sorted by line.
 *
 * An error makes the file invalid.  A warning is about an option or value from
 * an earlier version that still works or is ignored.
 */
#ifndef AVOUCH_CONF_ERRORS_H
#define AVOUCH_CONF_ERRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/arena.h"

enum {
	CONF_ERRORS_MAX =
	    100, /* maximum number of errors, and of warnings, per file */
	CONF_ERROR_TEXT_MAX = 400, /* bytes of one message */
};

struct conf_error {
	struct conf_error *next;
	unsigned line; /* counted from 1; 0: the whole file */
	const char *text;
};

struct conf_error_list {
	struct conf_error *first; /* sorted by line */
	size_t n;
	bool is_cut; /* more than CONF_ERRORS_MAX were found */
};

struct conf_errors {
	struct arena *arena; /* owns the messages */
	struct conf_error_list errors, warnings;
	bool no_memory; /* counts as an error */
};

/*
 * Adds an error or a warning, unless the line already has one with the same
 * text.  Bytes that are not printable ASCII become "?".
 */
void conf_error_add(struct conf_errors *errors, unsigned line,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
void conf_warning_add(struct conf_errors *errors, unsigned line,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Prints "FILE:LINE: TEXT" for each item. */
void conf_error_list_print(
    const struct conf_error_list *list, const char *file, FILE *out);

/* Prints the errors, and a message if memory ran out. */
void conf_errors_print(
    const struct conf_errors *errors, const char *file, FILE *out);

#endif
