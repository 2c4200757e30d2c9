/*
 * span.h - a pointer and a length: how every text is passed.
 *
 * The bytes come from outside: they may contain NUL, are not NUL-terminated,
 * need not be ASCII, and are never written to.  A span owns nothing; it is
 * valid as long as the memory it points to.  {NULL, 0} means "absent"; an empty
 * text that is present has a pointer and n == 0.
 *
 * Here and in ascii.h and scan.h, what runs for each byte or each comparison is
 * inline: the compiler then knows the predicate, and the length of a literal.
 */
#ifndef AVOUCH_LIB_SPAN_H
#define AVOUCH_LIB_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/ascii.h"

struct span {
	const char *p;
	size_t n;
};

#define SPAN(literal)                                                          \
	((struct span){ .p = ("" literal), .n = sizeof(literal) - 1 })
#define SPAN_NONE ((struct span){ .p = NULL, .n = 0 })

/* For printf: ("%.*s", SPAN_FMT(s)). Only for texts known to be printable. */
#define SPAN_FMT(s) (int)(s).n, (s).p != NULL ? (s).p : ""

static inline struct span
span_of(const char *p, size_t n)
{
	return (struct span){ .p = p, .n = n };
}

/* The bytes of a C string; absent for NULL. */
static inline struct span
span_str(const char *text)
{
	return span_of(text, text != NULL ? strlen(text) : 0);
}

/* Between two pointers into one object, from <= to. */
static inline struct span
span_between(const char *from, const char *to)
{
	return span_of(from, (size_t)(to - from));
}

/* All but the first `n` bytes; the first, the last `n`; clamped to the span. */
static inline struct span
span_skip(struct span s, size_t n)
{
	if (n > s.n)
		n = s.n;
	if (n == 0) /* also for an absent span: NULL must not be moved */
		return s;
	return span_of(s.p + n, s.n - n);
}

static inline struct span
span_first(struct span s, size_t n)
{
	return span_of(s.p, n < s.n ? n : s.n);
}

struct span span_last(struct span s, size_t n);

/* Without SP, TAB, CR and LF at either end. */
struct span span_trim(struct span s);

static inline bool
span_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
span_is(struct span s, const char *text)
{
	return span_equal(s, span_str(text));
}

/* These ignore the case of ASCII letters. */
bool span_equal_nocase(struct span a, struct span b);

static inline bool
span_is_nocase(struct span s, const char *text)
{
	struct span t = span_str(text);

	return s.n == t.n && span_equal_nocase(s, t);
}

bool span_starts_nocase(struct span s, const char *text);
bool span_ends_nocase(struct span s, const char *text);

/* Index of the first, the last `c`; s.n if there is none. */
static inline size_t
span_index(struct span s, char c)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

size_t span_rindex(struct span s, char c);

static inline bool
span_has(struct span s, char c)
{
	return span_index(s, c) < s.n;
}

/* Every byte satisfies `is`; true for an empty span. */
static inline bool
span_all(struct span s, bool (*is)(unsigned char))
{
	for (size_t i = 0; i < s.n; i++)
		if (!is((unsigned char)s.p[i]))
			return false;
	return true;
}

#endif
