/*
 * mail_text.h - texts for the tests of parsers: large ones, cut ones, and what
 * happens without memory.
 */
#ifndef AVOUCH_TESTS_SUPPORT_MAIL_TEXT_H
#define AVOUCH_TESTS_SUPPORT_MAIL_TEXT_H

#include <stddef.h>

#include "lib/arena.h"
#include "lib/span.h"
#include "mail/author.h"

enum { MAIL_AUTHOR_SHOWN = 4096 };

/* `begin`, `text` that many times, `end`; in the arena. */
struct span repeat(struct arena *a, const char *begin, const char *text,
    size_t times, const char *end);

/* mail_from_read() of one From field. */
void mail_author_read(
    struct arena *a, struct span value, struct mail_from *from);

/* "b.example +c.example": "+" is a possible one.  `shown` has room for all. */
const char *mail_author_show(
    const struct mail_from *from, char shown[MAIL_AUTHOR_SHOWN]);

/* Parses `text` and writes what it found to `shown`. */
typedef const char *mail_text_show(
    struct arena *a, struct span text, char *shown);

/*
 * The parser must end with `text` cut at every byte, and with each of the
 * first `requests` for memory refused; `shown` then ends with "!".
 */
void cut_and_starved(
    mail_text_show *show, const char *text, unsigned requests, char *shown);

#endif
