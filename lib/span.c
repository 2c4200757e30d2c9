#include "lib/span.h"

#include <string.h>

#include "lib/ascii.h"

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
span_rindex(struct span s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.n;
}
