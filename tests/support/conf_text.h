/*
 * conf_text.h - configurations from texts, and as texts.
 */
#ifndef AVOUCH_TESTS_SUPPORT_CONF_TEXT_H
#define AVOUCH_TESTS_SUPPORT_CONF_TEXT_H

#include "conf/conf.h"

/* Reads `text`; `errors` gets the errors, to be freed. */
const struct conf *conf_text_read(const char *text, char **errors);

/* The same, and the test fails if there is an error. */
const struct conf *conf_text_good(const char *text);

/* `before`, `each` `n` times with its "@" as 0, 1, 2 ..., `after`; to be freed.
 */
char *conf_text_repeated(
    const char *before, const char *each, size_t n, const char *after);

/* As `avouch config show` prints it; to be freed. */
char *conf_text_shown(const struct conf *c);

struct conf_error_vector {
	const char *text;
	const char *want; /* all errors, a line each */
};

/* `text` must be invalid, with these errors. */
void conf_text_errors(const char *text, const char *want);
void conf_text_each_error(const struct conf_error_vector *v, size_t n);

#endif
