#include "lib/utf8.h"

#include "lib/ascii.h"
#include "lib/enum_names.h"

/* Decodes the character at the start of `s`.  Returns its length in bytes, or
 * 0 if there is no valid character. */
static size_t
decode(struct span s, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = s.n > 0 ? (unsigned char)s.p[0] : 0;
	size_t n = first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c = first & (0x7fU >> n);

	if (first < 0x80) {
		*out = first;
		return s.n > 0;
	}
	if (n == 0 || first > 0xf4 || s.n < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)s.p[i] & 0x3fU);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return n;
}

size_t
utf8_size(struct span s)
{
	uint32_t c;

	return decode(s, &c);
}

bool
utf8_is_xml(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' ||
	    (c >= ' ' && c < 0xd800) || (c >= 0xe000 && c < 0xfffe) ||
	    (c >= 0x10000 && c < 0x110000);
}

size_t
utf8_xml(struct span s)
{
	uint32_t c;
	size_t n = decode(s, &c);

	return n > 0 && utf8_is_xml(c) ? n : 0;
}

size_t
utf8_plain(struct span s)
{
	uint32_t c = 0;
	size_t n = decode(s, &c);

	if (n == 1)
		return ascii_is_print((unsigned char)c);
	if ((c >= 0x80 && c < 0xa0) || c == 0x61c || c == 0x200e ||
	    c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069) || (n > 0 && !utf8_is_xml(c)))
		return 0;
	return n;
}

bool
utf8_has_invisible(struct span text)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		/* sorted */
		{ 0, 0x1f },
		{ 0x7f, 0x9f },
		{ 0xad, 0xad },
		{ 0x34f, 0x34f },
		{ 0x61c, 0x61c },
		{ 0x115f, 0x1160 },
		{ 0x17b4, 0x17b5 },
		{ 0x180b, 0x180f },
		{ 0x200b, 0x200f },
		{ 0x202a, 0x202e },
		{ 0x2060, 0x206f },
		{ 0x3164, 0x3164 },
		{ 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 },
		{ 0xfff0, 0xfff8 },
		{ 0x1bca0, 0x1bca3 },
		{ 0x1d173, 0x1d17a },
		{ 0xe0000, 0xe0fff },
	};

	while (text.n > 0) {
		uint32_t c = 0;
		size_t n = decode(text, &c);

		for (size_t i = 0;
		     n > 0 && i < ARRAY_SIZE(ranges) && c >= ranges[i].first;
		     i++)
			if (c <= ranges[i].last)
				return true;
		text = span_skip(text, n > 0 ? n : 1);
	}
	return false;
}
