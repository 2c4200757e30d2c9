#include "lib/ascii.h"

#include <string.h>

unsigned char
ascii_upper(unsigned char c)
{
	return c >= 'a' && c <= 'z' ? (unsigned char)(c - ('a' - 'A')) : c;
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
ascii_is_atext(unsigned char c)
{
	return ascii_is_alnum(c) || c >= 0x80 ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

bool
ascii_is_token(unsigned char c)
{
	return c >= 0x80 ||
	    (ascii_is_visible(c) && strchr("()<>@,;:\\\"/[]?=", c) == NULL);
}
