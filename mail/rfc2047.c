#include "mail/rfc2047.h"

#include <stdint.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/scan.h"
#include "lib/enum_names.h"

enum {
	DEPTH_MAX = 3, /* nested encoded words; some mailers encode twice, none
	                  three times */
	/* bytes of a charset's name; RFC 2978 section 2.3 */
	CHARSET_MAX = 40,
	ESCAPE = 0x1b,
};

/* ---- charsets ---- */

enum charset_kind {
	CHARSET_ASCII, /* a byte below 0x80 is ASCII, or the second byte of a
	                  character, which is never a dot */
	CHARSET_ISO2022_JP, /* ASCII between escape sequences */
};

struct charset {
	const char *name; /* lower case, without spaces and "-_.:" */
	bool prefix;      /* matches all names that begin with `name` */
	enum charset_kind kind;
	const char *at; /* its bytes for U+FF20, FULLWIDTH COMMERCIAL AT */
};

#define UTF8_AT "\xef\xbc\xa0"

/*
 * Charsets that include ASCII, by the names used in mail: those from IANA and
 * Microsoft, and some for "unknown".  A list of the others (UTF-7, UTF-16,
 * EBCDIC and hundreds more) would never be complete.
 */
static const struct charset charsets[] = {
	{ "", false, CHARSET_ASCII, NULL },
	{ "utf8", true, CHARSET_ASCII, UTF8_AT },
	{ "usascii", false, CHARSET_ASCII, NULL },
	{ "ascii", false, CHARSET_ASCII, NULL },
	{ "ansix341968", false, CHARSET_ASCII, NULL },
	{ "ansix341986", false, CHARSET_ASCII, NULL },
	{ "iso8859", true, CHARSET_ASCII, NULL },
	{ "latin1", false, CHARSET_ASCII, NULL },
	{ "latin2", false, CHARSET_ASCII, NULL },
	{ "latin9", false, CHARSET_ASCII, NULL },
	{ "windows125", true, CHARSET_ASCII, NULL },
	{ "cp125", true, CHARSET_ASCII, NULL },
	{ "xcp125", true, CHARSET_ASCII, NULL },
	{ "windows874", false, CHARSET_ASCII, NULL },
	{ "xwindows874", false, CHARSET_ASCII, NULL },
	{ "cp874", false, CHARSET_ASCII, NULL },
	{ "ms874", false, CHARSET_ASCII, NULL },
	{ "tis620", false, CHARSET_ASCII, NULL },
	{ "koi8", true, CHARSET_ASCII, NULL },
	{ "cp437", false, CHARSET_ASCII, NULL },
	{ "cp85", true, CHARSET_ASCII, NULL },
	{ "cp86", true, CHARSET_ASCII, NULL },
	{ "ibm437", false, CHARSET_ASCII, NULL },
	{ "ibm85", true, CHARSET_ASCII, NULL },
	{ "ibm86", true, CHARSET_ASCII, NULL },
	{ "macintosh", false, CHARSET_ASCII, NULL },
	{ "macroman", false, CHARSET_ASCII, NULL },
	{ "xmac", true, CHARSET_ASCII, NULL },
	{ "viscii", false, CHARSET_ASCII, NULL },
	{ "armscii8", false, CHARSET_ASCII, NULL },
	{ "gb2312", true, CHARSET_ASCII, "\xa3\xc0" },
	{ "gbk", false, CHARSET_ASCII, "\xa3\xc0" },
	{ "xgbk", false, CHARSET_ASCII, "\xa3\xc0" },
	{ "cp936", false, CHARSET_ASCII, "\xa3\xc0" },
	{ "windows936", false, CHARSET_ASCII, "\xa3\xc0" },
	{ "gb18030", true, CHARSET_ASCII, "\xa3\xc0" },
	{ "big5", true, CHARSET_ASCII, "\xa2\x49" },
	{ "xxbig5", false, CHARSET_ASCII, "\xa2\x49" },
	{ "cp950", false, CHARSET_ASCII, "\xa2\x49" },
	{ "eucjp", true, CHARSET_ASCII, "\xa1\xf7" },
	{ "xeucjp", false, CHARSET_ASCII, "\xa1\xf7" },
	{ "euckr", false, CHARSET_ASCII, "\xa3\xc0" },
	{ "xeuckr", false, CHARSET_ASCII, "\xa3\xc0" },
	{ "ksc5601", true, CHARSET_ASCII, "\xa3\xc0" },
	{ "cp949", false, CHARSET_ASCII, "\xa3\xc0" },
	{ "windows949", false, CHARSET_ASCII, "\xa3\xc0" },
	{ "xwindows949", false, CHARSET_ASCII, "\xa3\xc0" },
	{ "ms949", false, CHARSET_ASCII, "\xa3\xc0" },
	{ "uhc", false, CHARSET_ASCII, "\xa3\xc0" },
	{ "shiftjis", true, CHARSET_ASCII, "\x81\x97" },
	{ "sjis", false, CHARSET_ASCII, "\x81\x97" },
	{ "xsjis", false, CHARSET_ASCII, "\x81\x97" },
	{ "cp932", false, CHARSET_ASCII, "\x81\x97" },
	{ "windows31j", false, CHARSET_ASCII, "\x81\x97" },
	{ "iso2022jp", true, CHARSET_ISO2022_JP, "!w" },
	{ "unknown8bit", false, CHARSET_ASCII, NULL },
	{ "unknown", false, CHARSET_ASCII, NULL },
	{ "xunknown", false, CHARSET_ASCII, NULL },
	{ "default", false, CHARSET_ASCII, NULL },
	{ "defaultcharset", false, CHARSET_ASCII, NULL },
	{ "8bit", false, CHARSET_ASCII, NULL },
};

/* RFC 2231 section 5: a language may follow the name, as in "us-ascii*en". */
static const struct charset *
charset_find(struct span label)
{
	char text[CHARSET_MAX + 1];
	struct buf b = buf_wrap(text, sizeof(text));

	label = span_first(label, span_index(label, '*'));
	for (size_t i = 0; i < label.n; i++)
		if (!span_has(SPAN("-_.: "), (char)label.p[i]))
			buf_byte(
			    &b, (char)ascii_lower((unsigned char)label.p[i]));
	if (b.full || span_has(buf_view(&b), '\0'))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(charsets); i++)
		if (charsets[i].prefix
			? span_starts_nocase(buf_view(&b), charsets[i].name)
			: span_is(buf_view(&b), charsets[i].name))
			return &charsets[i];
	return NULL;
}

/* ---- one word ---- */

struct encoded_word {
	struct span label;      /* the charset's name */
	unsigned char encoding; /* 'q' or 'b' */
	struct span text;
};

/*
 * RFC 2047 section 2.  Does not move the cursor if there is no encoded word
 * here.  `last_end` is the last "?=" of the text; it keeps repeated searches
 * from running to the end.
 */
static bool
take_word(
    struct scan *s, bool strict, const char *last_end, struct encoded_word *out)
{
	struct scan at = *s;

	if (!scan_byte(&at, '=') || !scan_byte(&at, '?'))
		return false;
	out->label = scan_until(&at, '?');
	scan_next(&at);
	out->encoding = ascii_lower((unsigned char)scan_next(&at));
	if ((out->encoding != 'q' && out->encoding != 'b') ||
	    !scan_byte(&at, '?') || last_end == NULL || at.p > last_end)
		return false;
	for (const char *from = at.p;;) {
		scan_until(&at, '?');
		scan_next(&at);
		if (scan_byte(&at, '=')) {
			out->text = span_between(from, at.p - 2);
			*s = at;
			return true;
		}
		if (strict)
			return false;
	}
}

/* Returns the start of the last "?=", or NULL. */
static const char *
last_word_end(struct span text)
{
	for (size_t i = text.n; i >= 2; i--)
		if (text.p[i - 2] == '?' && text.p[i - 1] == '=')
			return text.p + i - 2;
	return NULL;
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

static int
base64_value(unsigned char c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c != '\0' ? strchr(alphabet, c) : NULL;

	return found != NULL ? (int)(found - alphabet) : -1;
}

/*
 * RFC 2047 section 4.1.  Padding may be missing, as it often is.  Returns false
 * for bytes that are not base64: programs differ in whether they skip them,
 * keep them or stop there.
 */
static bool
put_b(struct buf *b, struct span text)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;

	while (text.n > 0 &&
	    (text.p[text.n - 1] == '=' ||
		ascii_is_space((unsigned char)text.p[text.n - 1])))
		text.n--;
	for (size_t i = 0; i < text.n; i++) {
		int value = base64_value((unsigned char)text.p[i]);

		if (value < 0) {
			if (ascii_is_space((unsigned char)text.p[i]))
				continue;
			return false;
		}
		bits = bits << 6 | (uint32_t)value;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			buf_byte(b, (char)(bits >> n_bits & 0xff));
		}
	}
	return true;
}

/* Writes `text` with every `form` replaced by "@"; `form` never begins with a
 * letter. */
static void
put_with_at_sign(struct buf *b, struct span text, const char *form)
{
	struct scan s = scan_of(text);

	for (;;) {
		buf_span(b, scan_until(&s, form[0]));
		if (scan_done(&s))
			return;
		buf_byte(b,
		    (char)(scan_text_nocase(&s, form) ? '@' : scan_next(&s)));
	}
}

static bool
is_graphic(int c)
{
	return c > 0 && ascii_is_visible((unsigned char)c);
}

/*
 * RFC 1468: two-byte characters between "ESC $ B" (or "@", or "( D") and "ESC (
 * B" (or "J", "I") become the letter "x"; the rest is ASCII.  Returns false for
 * any other escape sequence.
 */
static bool
put_iso2022_jp(struct buf *b, struct span text, const char *at_sign)
{
	struct scan s = scan_of(text);
	bool wide = false;

	while (!scan_done(&s)) {
		int c = scan_next(&s);

		if (c == ESCAPE) {
			wide = scan_byte(&s, '$');
			if (!scan_byte(&s, '(') && !wide)
				return false;
			c = scan_next(&s);
			if (c <= 0 || strchr(wide ? "B@D" : "BJI", c) == NULL)
				return false;
		} else if (wide && is_graphic(c) && is_graphic(scan_peek(&s))) {
			int second = scan_next(&s);

			buf_byte(b,
			    c == at_sign[0] && second == at_sign[1] ? '@'
								    : 'x');
		} else {
			wide =
			    false; /* a line end, or an incomplete character */
			buf_byte(b, (char)c);
		}
	}
	return true;
}

static bool
is_special(unsigned char c)
{
	return span_has(SPAN("\"\\<>()\r\n"), (char)c);
}

/* ---- decoding a whole header value ---- */

/* Returns false if the word cannot be decoded. */
static bool
put_word(struct buf *b, struct buf *scratch, const struct encoded_word *word)
{
	const struct charset *charset = charset_find(word->label);
	bool good = true;

	buf_cut(scratch, 0);
	if (word->encoding == 'q')
		put_q(scratch, word->text);
	else
		good = put_b(scratch, word->text);
	if (charset == NULL || charset->at == NULL)
		buf_span(b, buf_view(scratch));
	else if (charset->kind == CHARSET_ISO2022_JP)
		good =
		    put_iso2022_jp(b, buf_view(scratch), charset->at) && good;
	else
		put_with_at_sign(b, buf_view(scratch), charset->at);
	return good && charset != NULL;
}

static bool
has_special(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (is_special((unsigned char)text.p[i]))
			return true;
	return false;
}

/* Decodes one level of nesting; returns the number of words found. */
static size_t
decode_level(struct buf *b, struct buf *scratch, struct span text, bool strict,
    struct mail_decoded *out)
{
	const char *last_end = last_word_end(text);
	struct scan s = scan_of(text);
	bool after_word = false;
	size_t n_words = 0;

	while (!scan_done(&s)) {
		struct scan at = s;
		struct encoded_word word;

		if (after_word)
			scan_while(&at, ascii_is_space);
		if (take_word(&at, strict, last_end, &word)) {
			size_t from = b->n;

			if (!after_word)
				buf_byte(b, MAIL_WORD_EDGE);
			if (!put_word(b, scratch, &word))
				out->unreadable = true;
			out->ambiguous =
			    out->ambiguous || span_has(word.text, '?');
			out->specials = out->specials ||
			    has_special(word.label) || has_special(word.text) ||
			    has_special(span_skip(buf_view(b), from));
			s = at;
			after_word = true;
			n_words++;
			continue;
		}
		if (after_word)
			buf_byte(b, MAIL_WORD_EDGE);
		after_word = false;
		buf_byte(b, (char)scan_next(&s));
		buf_span(b, scan_until(&s, '='));
	}
	if (after_word)
		buf_byte(b, MAIL_WORD_EDGE);
	return n_words;
}

/* U+FF20 and U+FE6B, which Unicode's NFKC maps to "@". */
static const char *const at_forms[] = { UTF8_AT, "\xef\xb9\xab" };

void
mail_decode_words(
    struct arena *a, struct span text, bool strict, struct mail_decoded *out)
{
	size_t n = 1;

	*out = (struct mail_decoded){ .text = text };
	for (unsigned level = 0; n > 0; level++) {
		/* decoded text is never longer: "=?c?q?" is removed */
		struct buf b = buf_alloc(a, out->text.n + 1);
		struct buf scratch = buf_alloc(a, out->text.n + 1);

		n = decode_level(&b, &scratch, out->text, strict, out);
		if (level == 0)
			out->n_words = n;
		if (level == DEPTH_MAX)
			out->unreadable = out->unreadable || n > 0;
		for (size_t i = 0; i < ARRAY_SIZE(at_forms); i++) {
			struct buf other = scratch;

			buf_cut(&other, 0);
			put_with_at_sign(&other, buf_view(&b), at_forms[i]);
			scratch = b;
			b = other;
		}
		out->text = b.full || scratch.full ? SPAN_NONE : buf_view(&b);
		if (out->text.p == NULL || level == DEPTH_MAX)
			return;
	}
}
