#include "lib/scan.h"

#include "lib/ascii.h"

struct scan
scan_of(struct span s)
{
	static const char nothing[1] = "";

	if (s.p == NULL)
		return (struct scan){ .p = nothing, .end = nothing };
	return (struct scan){ .p = s.p, .end = s.p + s.n };
}

bool
scan_done(const struct scan *s)
{
	return s->p == s->end;
}

struct span
scan_rest(const struct scan *s)
{
	return span_between(s->p, s->end);
}

int
scan_peek(const struct scan *s)
{
	return scan_done(s) ? -1 : (unsigned char)*s->p;
}

int
scan_next(struct scan *s)
{
	return scan_done(s) ? -1 : (unsigned char)*s->p++;
}

bool
scan_byte(struct scan *s, char c)
{
	if (scan_done(s) || *s->p != c)
		return false;
	s->p++;
	return true;
}

bool
scan_text_nocase(struct scan *s, const char *text)
{
	if (!span_starts_nocase(scan_rest(s), text))
		return false;
	s->p += span_str(text).n;
	return true;
}

struct span
scan_while(struct scan *s, bool (*is)(unsigned char))
{
	const char *from = s->p, *end = s->end, *p = from;

	while (p != end && is((unsigned char)*p))
		p++;
	s->p = p;
	return span_between(from, p);
}

struct span
scan_until(struct scan *s, char c)
{
	struct span found =
	    span_first(scan_rest(s), span_index(scan_rest(s), c));

	s->p += found.n;
	return found;
}

bool
scan_fws(struct scan *s)
{
	const char *from = s->p;

	for (;;) {
		struct scan ahead;

		scan_while(s, ascii_is_wsp);
		ahead = *s;
		scan_byte(&ahead, '\r');
		if (!scan_byte(&ahead, '\n') || scan_done(&ahead) ||
		    !ascii_is_wsp((unsigned char)*ahead.p))
			return s->p != from;
		*s = ahead;
	}
}

bool
scan_number(struct scan *s, uint64_t max, uint64_t *out)
{
	struct scan at = *s;
	struct span digits = scan_while(&at, ascii_is_digit);
	uint64_t value = 0;

	for (size_t i = 0; i < digits.n; i++) {
		uint64_t digit = (uint64_t)(digits.p[i] - '0');

		if (digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (digits.n == 0)
		return false;
	*s = at;
	*out = value;
	return true;
}
