/*
 * rfc2047.h - decodes encoded words (RFC 2047): "=?utf-8?q?a=40b?=".
 *
 * According to the RFC they have no meaning in an address, and a field is
 * parsed before they are decoded (section 5).  Some programs decode first, so
 * mail_from_read() also checks what those programs would see.
 */
#ifndef AVOUCH_MAIL_RFC2047_H
#define AVOUCH_MAIL_RFC2047_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/span.h"

/* Marks both ends of decoded text.  It is a control character, because no
 * program takes one for part of a name. */
#define MAIL_WORD_EDGE '\001'

struct mail_decoded {
	struct span text; /* absent: `a` was full */
	size_t n_words;
	bool unreadable; /* a word contains invalid base64, or its charset may
	                    encode ASCII characters as other bytes: other
	                    programs may read it differently */
	bool ambiguous; /* a word contains "?", so `strict` finds other words */
	bool specials;  /* a word contains, or decodes to, a quote, a backslash,
	                   a bracket, a parenthesis or a line end: decoded text
	                   may change how the text around it is read */
};

/*
 * Replaces every encoded word in `text` with the bytes it encodes, and removes
 * the white space between adjacent ones (section 6.2).  This is as lenient as
 * mail programs are: words may touch other text, be in quoted strings and
 * comments, contain spaces, lack base64 padding, and decode to encoded words.
 * If `strict`, a word cannot contain a "?"; otherwise it can.  Other forms of
 * "@", such as U+FF20, become "@".  Takes linear time and a few times text.n
 * bytes of `a`.
 */
void mail_decode_words(
    struct arena *a, struct span text, bool strict, struct mail_decoded *out);

#endif
