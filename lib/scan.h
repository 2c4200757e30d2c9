/*
 * scan.h - a cursor over a span; every parser uses it.
 *
 * It never looks at or past `end`, and each call either advances or stops.
 */
#ifndef AVOUCH_LIB_SCAN_H
#define AVOUCH_LIB_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

struct scan {
	const char *p;
	const char *end;
};

struct scan scan_of(struct span s);

bool scan_done(const struct scan *s);

/* The rest of the text; does not advance. */
struct span scan_rest(const struct scan *s);

/* The next byte as 0..255, or -1 at the end; does not advance. */
int scan_peek(const struct scan *s);

/* The next byte, taken; -1 at the end. */
int scan_next(struct scan *s);

/* Takes the next byte if it is `c`. */
bool scan_byte(struct scan *s, char c);

/* Takes `text` if it comes next, ASCII letters in any case. */
bool scan_text_nocase(struct scan *s, const char *text);

/* The longest run of bytes that satisfy `is`; may be empty. */
struct span scan_while(struct scan *s, bool (*is)(unsigned char));

/* Everything up to the next `c`, which is not taken, or to the end. */
struct span scan_until(struct scan *s, char c);

/*
 * Folding white space, RFC 5322 section 3.2.2 with its obsolete form: SP, TAB,
 * and CRLF or a bare LF where white space follows.  True if any was taken.
 */
bool scan_fws(struct scan *s);

/*
 * A decimal number of at least one digit, at most `max`.  If there is no digit
 * or the number is larger, returns false and takes nothing.
 */
bool scan_number(struct scan *s, uint64_t max, uint64_t *out);

#endif
