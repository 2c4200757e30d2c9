/*
 * ascii.h - the character classes of the RFCs; works on bytes and ignores the
 * locale.
 */
#ifndef AVOUCH_LIB_ASCII_H
#define AVOUCH_LIB_ASCII_H

#include <stdbool.h>

/* Inline because comparing names calls it for each byte. */
static inline unsigned char
ascii_lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

unsigned char ascii_upper(unsigned char c);

/* Whether `c` is below 0x80. */
bool ascii_is_ascii(unsigned char c);

bool ascii_is_alpha(unsigned char c);
bool ascii_is_digit(unsigned char c);
bool ascii_is_alnum(unsigned char c);
bool ascii_is_xdigit(unsigned char c);

/* Returns 0 to 15, or -1 if `c` is not a hexadecimal digit. */
int ascii_hex_digit(unsigned char c);

/* WSP of RFC 5234: SP, TAB. */
bool ascii_is_wsp(unsigned char c);

/* SP, TAB, CR, LF: the bytes of folding white space. */
bool ascii_is_space(unsigned char c);

/* VCHAR of RFC 5234: %x21-7E. */
bool ascii_is_visible(unsigned char c);

/* SP and VCHAR. */
bool ascii_is_print(unsigned char c);

/* atext of RFC 5322 section 3.2.3, and the UTF-8 bytes of RFC 6532 section
 * 3.2. */
bool ascii_is_atext(unsigned char c);

/* ftext of RFC 5322 section 3.6.8: %d33-57 and %d59-126. */
bool ascii_is_ftext(unsigned char c);

/* The bytes of a tag-name (RFC 6376 section 3.2) after the first: ALPHA, DIGIT,
 * "_". */
bool ascii_is_tag(unsigned char c);

/* token of RFC 2045 section 5.1, and the UTF-8 bytes of RFC 6532 section
 * 3.2. */
bool ascii_is_token(unsigned char c);

#endif
