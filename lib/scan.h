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

static inline struct scan
scan_of(struct span s)
{
	static const char nothing[1] = "";

	if (s.p == NULL)
		return (struct scan){ .p = nothing, .end = nothing };
	return (struct scan){ .p = s.p, .end = s.p + s.n };
}

static inline bool
scan_done(const struct scan *s)
{
	return s->p == s->end;
}

/* The rest of the text; does not advance. */
static inline struct span
scan_rest(const struct scan *s)
{
	return span_between(s->p, s->end);
}

/* The next byte as 0..255, or -1 at the end; does not advance. */
static inline int
scan_peek(const struct scan *s)
{
	return scan_done(s) ? -1 : (unsigned char)*s->p;
}

/* The next byte, taken; -1 at the end. */
static inline int
scan_next(struct scan *s)
{
	return scan_done(s) ? -1 : (unsigned char)*s->p++;
}

/* Takes the next byte if it is `c`. */
static inline bool
scan_byte(struct scan *s, char c)
{
	if (scan_done(s) || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* Takes `text` if it comes next, ASCII letters in any case. */
bool scan_text_nocase(struct scan *s, const char *text);

/* The longest run of bytes that satisfy `is`; may be empty. */
static inline struct span
scan_while(struct scan *s, bool (*is)(unsigned char))
{
	const char *from = s->p, *end = s->end, *p = from;

	while (p != end && is((unsigned char)*p))
		p++;
	s->p = p;
	return span_between(from, p);
}

/* Everything up to the next `c`, which is not taken, or to the end. */
static inline struct span
scan_until(struct scan *s, char c)
{
	struct span found =
	    span_first(scan_rest(s), span_index(scan_rest(s), c));

	s->p += found.n;
	return found;
}

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
