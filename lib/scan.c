#include "lib/scan.h"

#include "lib/ascii.h"

bool
scan_text_nocase(struct scan *s, const char *text)
{
	if (!span_starts_nocase(scan_rest(s), text))
		return false;
	s->p += span_str(text).n;
	return true;
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
