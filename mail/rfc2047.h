/*
 * rfc2047.h - encoded words (RFC 2047): "=?utf-8?q?a=40b?=".
 *
 * By the RFC they mean nothing in an address, and a field is parsed before they
 * are decoded (section 5).  Some programs decode first, so mail_from_read()
 * looks at what those would see.
 */
#ifndef AVOUCH_MAIL_RFC2047_H
#define AVOUCH_MAIL_RFC2047_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/span.h"

/* Before and after decoded text: a control character, so that nobody takes it
 * for part of a name. */
#define MAIL_WORD_EDGE '\001'

struct mail_decoded {
	struct span text; /* absent: `a` had no room */
	size_t n_words;
	bool unreadable; /* some word is broken base64, or its charset is not
	                    one in which ASCII bytes are ASCII characters: other
	                    programs may read anything in it */
	bool ambiguous;  /* some word has a "?" in it: `strict` finds others */
	bool specials; /* some word has, or decodes to, a quote, a backslash, a
	                  bracket, a parenthesis or a line end: decoded text may
	                  change how the text around it is read */
};

/*
 * `text` with every encoded word replaced by the bytes it stands for, and
 * without the white space between two of them (section 6.2).  It is lenient as
 * programs are: words may touch other text, stand in quoted strings and
 * comments, hold spaces, lack base64 padding and decode to encoded words.  If
 * `strict`, a "?" ends a word or it is none; else it may be text.  Characters
 * that are another form of "@" become "@".  Takes linear time and a few times
 * text.n bytes of `a`.
 */
void mail_decode_words(
    struct arena *a, struct span text, bool strict, struct mail_decoded *out);

#endif
