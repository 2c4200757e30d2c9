/*
 * span.h - a pointer and a length; all strings are passed this way.
 *
 * The bytes are untrusted: they may contain NUL, are not NUL-terminated, need
 * not be ASCII, and are never written to.  A span owns nothing; it is valid as
 * long as the memory it points to.  {NULL, 0} means "absent"; an empty string
 * that is present has a pointer and n == 0.
 */
#ifndef AVOUCH_LIB_SPAN_H
#define AVOUCH_LIB_SPAN_H

#include <stdbool.h>
#include <stddef.h>

struct span {
	const char *p;
	size_t n;
};

#define SPAN(literal)                                                          \
	((struct span){ .p = ("" literal), .n = sizeof(literal) - 1 })
#define SPAN_NONE ((struct span){ .p = NULL, .n = 0 })

/* For printf: ("%.*s", SPAN_FMT(s)).  Use it only if `s` is known to be
 * printable. */
#define SPAN_FMT(s) (int)(s).n, (s).p != NULL ? (s).p : ""

struct span span_of(const char *p, size_t n);

/* Returns the bytes of a C string, or an absent span for NULL. */
struct span span_str(const char *text);

/* Returns the bytes between two pointers into one object, from <= to. */
struct span span_between(const char *from, const char *to);

/* Return all but the first `n` bytes, the first `n`, and the last `n`; `n` is
 * clamped to the length of `s`. */
struct span span_skip(struct span s, size_t n);
struct span span_first(struct span s, size_t n);
struct span span_last(struct span s, size_t n);

/* Removes SP, TAB, CR and LF from both ends. */
struct span span_trim(struct span s);

bool span_equal(struct span a, struct span b);
bool span_is(struct span s, const char *text);

/* These ignore the case of ASCII letters. */
bool span_equal_nocase(struct span a, struct span b);
bool span_is_nocase(struct span s, const char *text);
bool span_starts_nocase(struct span s, const char *text);
bool span_ends_nocase(struct span s, const char *text);

/* Return the index of the first and the last `c`, or s.n if there is none. */
size_t span_index(struct span s, char c);
size_t span_rindex(struct span s, char c);

bool span_has(struct span s, char c);

/* Whether every byte satisfies `is`; true for an empty span. */
bool span_all(struct span s, bool (*is)(unsigned char));

#endif
