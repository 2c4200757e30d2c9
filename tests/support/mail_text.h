/*
 * mail_text.h - input for parser tests: large and truncated texts, and failing
 * allocations.
 */
#ifndef AVOUCH_TESTS_SUPPORT_MAIL_TEXT_H
#define AVOUCH_TESTS_SUPPORT_MAIL_TEXT_H

#include <stddef.h>

#include "lib/arena.h"
#include "lib/span.h"
#include "mail/author.h"

enum { MAIL_AUTHOR_SHOWN = 4096 };

/* Returns `begin`, `text` repeated `times` times, and `end`, in the arena. */
struct span repeat(struct arena *a, const char *begin, const char *text,
    size_t times, const char *end);

/* Calls mail_from_read() for one From field. */
void mail_author_read(
    struct arena *a, struct span value, struct mail_from *from);

/* Writes "b.example +c.example"; "+" marks a possible author.  `shown` has room
 * for all of them. */
const char *mail_author_show(
    const struct mail_from *from, char shown[MAIL_AUTHOR_SHOWN]);

/* Parses `text` and writes the result to `shown`. */
typedef const char *mail_text_show(
    struct arena *a, struct span text, char *shown);

/*
 * Calls `show` with `text` cut at every byte, and with each of the first
 * `requests` allocations failing; `shown` must then end with "!".
 */
void cut_and_starved(
    mail_text_show *show, const char *text, unsigned requests, char *shown);

#endif
