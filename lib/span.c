#include "lib/span.h"

#include <string.h>

#include "lib/ascii.h"

struct span
span_of(const char *p, size_t n)
{
	return (struct span){ .p = p, .n = n };
}

struct span
span_str(const char *text)
{
	return span_of(text, text != NULL ? strlen(text) : 0);
}

struct span
span_between(const char *from, const char *to)
{
	return span_of(from, (size_t)(to - from));
}

struct span
span_skip(struct span s, size_t n)
{
	if (n > s.n)
		n = s.n;
	if (n == 0) /* also if `s` is absent: nothing may be added to NULL */
		return s;
	return span_of(s.p + n, s.n - n);
}

struct span
span_first(struct span s, size_t n)
{
	return span_of(s.p, n < s.n ? n : s.n);
}

struct span
span_last(struct span s, size_t n)
{
	return n < s.n ? span_skip(s, s.n - n) : s;
}

struct span
span_trim(struct span s)
{
	while (s.n > 0 && ascii_is_space((unsigned char)s.p[0]))
		s = span_skip(s, 1);
	while (s.n > 0 && ascii_is_space((unsigned char)s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
span_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
span_is(struct span s, const char *text)
{
	return span_equal(s, span_str(text));
}

bool
span_equal_nocase(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] != b.p[i] &&
		    ascii_lower((unsigned char)a.p[i]) !=
			ascii_lower((unsigned char)b.p[i]))
			return false;
	return true;
}

bool
span_is_nocase(struct span s, const char *text)
{
	return span_equal_nocase(s, span_str(text));
}

bool
span_starts_nocase(struct span s, const char *text)
{
	for (size_t i = 0; text[i] != '\0'; i++)
		if (i == s.n ||
		    ascii_lower((unsigned char)s.p[i]) !=
			ascii_lower((unsigned char)text[i]))
			return false;
	return true;
}

bool
span_ends_nocase(struct span s, const char *text)
{
	struct span t = span_str(text);

	return s.n >= t.n && span_equal_nocase(span_last(s, t.n), t);
}

size_t
span_index(struct span s, char c)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

size_t
span_rindex(struct span s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.n;
}

bool
span_has(struct span s, char c)
{
	return span_index(s, c) < s.n;
}

bool
span_all(struct span s, bool (*is)(unsigned char))
{
	for (size_t i = 0; i < s.n; i++)
		if (!is((unsigned char)s.p[i]))
			return false;
	return true;
}
