#include "mail/encoded.h"

#include <stdint.h>

#include "lib/ascii.h"
#include "lib/base64.h"
#include "lib/buf.h"
#include "lib/scan.h"

struct word {
	unsigned char encoding; /* 'q', 'b' */
	struct span text;
};

/* RFC 2047 section 2; the cursor stays where no encoded word is. */
static bool
take_word(struct scan *s, struct word *out)
{
	struct scan at = *s;

	if (!scan_byte(&at, '=') || !scan_byte(&at, '?') ||
	    scan_until(&at, '?').n == 0 || !scan_byte(&at, '?'))
		return false;
	out->encoding = ascii_lower((unsigned char)scan_next(&at));
	if ((out->encoding != 'q' && out->encoding != 'b') ||
	    !scan_byte(&at, '?'))
		return false;
	out->text = scan_until(&at, '?');
	if (!scan_byte(&at, '?') || !scan_byte(&at, '='))
		return false;
	*s = at;
	return true;
}

/* RFC 2047 section 4.2 */
static void
put_q(struct buf *b, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '=' && text.n - i > 2 &&
		    ascii_is_xdigit((unsigned char)text.p[i + 1]) &&
		    ascii_is_xdigit((unsigned char)text.p[i + 2])) {
			buf_byte(b,
			    (char)(ascii_hex_digit(
				       (unsigned char)text.p[i + 1]) *
				    16 +
				ascii_hex_digit((unsigned char)text.p[i + 2])));
			i += 2;
		} else {
			buf_byte(b, c == '_' ? ' ' : c);
		}
	}
}

/* RFC 2047 section 4.1; what is no base64 stays as it is. */
static void
put_b(struct buf *b, struct arena *a, struct span text)
{
	struct span bytes;

	buf_span(b, base64_decode(a, text, &bytes) ? bytes : text);
}

struct span
mail_encoded_words(struct arena *a, struct span text)
{
	struct scan s = scan_of(text);
	bool any = false, after_word = false;
	struct word word;
	struct buf b;

	if (!span_has(text, '?') || text.n == SIZE_MAX)
		return SPAN_NONE;
	b = buf_in(a, text.n + 1); /* decoded is never longer */
	while (!scan_done(&s)) {
		struct scan at = s;

		if (after_word)
			scan_while(&at, ascii_is_space);
		after_word = take_word(&at, &word);
		if (!after_word) {
			buf_byte(&b, (char)scan_next(&s));
			continue;
		}
		any = true;
		s = at;
		if (word.encoding == 'q')
			put_q(&b, word.text);
		else
			put_b(&b, a, word.text);
	}
	return any && b.p != NULL ? buf_done(&b) : SPAN_NONE;
}
