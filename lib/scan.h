/*
 * scan.h - a cursor over a span, used by every parser.
 *
 * It never reads at or past `end`, and each call either advances or stops.
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

/* Returns the rest of the text without advancing. */
struct span scan_rest(const struct scan *s);

/* Returns the next byte as 0..255, or -1 at the end, without advancing. */
int scan_peek(const struct scan *s);

/* Reads the next byte.  Returns -1 at the end. */
int scan_next(struct scan *s);

/* Reads the next byte if it is `c`. */
bool scan_byte(struct scan *s, char c);

/* Reads `text` if it comes next, ignoring ASCII case. */
bool scan_text_nocase(struct scan *s, const char *text);

/* Reads the longest run of bytes that satisfy `is`, which may be empty. */
struct span scan_while(struct scan *s, bool (*is)(unsigned char));

/* Reads everything before the next `c`, or up to the end. */
struct span scan_until(struct scan *s, char c);

/*
 * Reads folding white space, RFC 5322 section 3.2.2 with its obsolete form: SP,
 * TAB, and CRLF or a bare LF if white space follows.  Returns whether there was
 * any.
 */
bool scan_fws(struct scan *s);

/*
 * Reads a decimal number of at least one digit.  If there is no digit or the
 * number is larger than `max`, returns false and reads nothing.
 */
bool scan_number(struct scan *s, uint64_t max, uint64_t *out);

#endif
