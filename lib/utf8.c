#include "lib/utf8.h"

#include "lib/ascii.h"

/* Decodes the character at the start of `s`; returns its bytes, or 0. */
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
