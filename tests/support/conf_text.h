/*
 * conf_text.h - reads configurations from strings and prints them to strings.
 */
#ifndef AVOUCH_TESTS_SUPPORT_CONF_TEXT_H
#define AVOUCH_TESTS_SUPPORT_CONF_TEXT_H

#include "conf/conf.h"

/* Reads `text`.  The caller frees `errors`, which is set to all error
 * messages. */
const struct conf *conf_text_read(const char *text, char **errors);

/* Reads `text`.  Fails the test if there is an error. */
const struct conf *conf_text_good(const char *text);

/* Returns `before`, `n` copies of `each` with its first "@" replaced by
 * 00000000, 00000001 and so on, and `after`.  The caller frees the result. */
char *conf_text_repeated(
    const char *before, const char *each, size_t n, const char *after);

/* Returns the output of `avouch config show`.  The caller frees it. */
char *conf_text_shown(const struct conf *c);

struct conf_error_vector {
	const char *text;
	const char *want; /* all errors, one per line */
};

/* Fail the test unless `text` is invalid, with exactly these errors. */
void conf_text_errors(const char *text, const char *want);
void conf_text_each_error(const struct conf_error_vector *v, size_t n);

#endif
