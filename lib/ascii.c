#include "lib/ascii.h"

#include <string.h>

unsigned char
ascii_upper(unsigned char c)
{
	return c >= 'a' && c <= 'z' ? (unsigned char)(c - ('a' - 'A')) : c;
}

bool
ascii_is_ascii(unsigned char c)
{
	return c < 0x80;
}

bool
ascii_is_alpha(unsigned char c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

bool
ascii_is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

bool
ascii_is_alnum(unsigned char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c);
}

int
ascii_hex_digit(unsigned char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
ascii_is_xdigit(unsigned char c)
{
	return ascii_hex_digit(c) >= 0;
}

bool
ascii_is_wsp(unsigned char c)
{
	return c == ' ' || c == '\t';
}

bool
ascii_is_space(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
ascii_is_visible(unsigned char c)
{
	return c > 0x20 && c < 0x7f;
}

bool
ascii_is_print(unsigned char c)
{
	return c >= 0x20 && c < 0x7f;
}

bool
ascii_is_atext(unsigned char c)
{
	return ascii_is_alnum(c) || c >= 0x80 ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

bool
ascii_is_ftext(unsigned char c)
{
	return ascii_is_visible(c) && c != ':';
}

bool
ascii_is_tag(unsigned char c)
{
	return ascii_is_alnum(c) || c == '_';
}

bool
ascii_is_token(unsigned char c)
{
	return c >= 0x80 ||
	    (ascii_is_visible(c) && strchr("()<>@,;:\\\"/[]?=", c) == NULL);
}
