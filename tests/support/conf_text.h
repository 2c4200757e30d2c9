/*
 * conf_text.h - configurations from texts, and as texts.
 */
#ifndef AVOUCH_TESTS_SUPPORT_CONF_TEXT_H
#define AVOUCH_TESTS_SUPPORT_CONF_TEXT_H

#include "conf/conf.h"

/* What is read from `text`; `errors` gets the faults, to be freed. */
const struct conf *conf_text_read(const char *text, char **errors);

/* The same, and the test fails where there is a fault. */
const struct conf *conf_text_good(const char *text);

/* `each` stands there `n` times between the others, its "@" as 0, 1, 2 ...; to
 * be freed. */
char *conf_text_repeated(
    const char *before, const char *each, size_t n, const char *after);

/* As `avouch config show` tells it; to be freed. */
char *conf_text_shown(const struct conf *c);

#endif
