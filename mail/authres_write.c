/*
 * Writing Authentication-Results (RFC 8601 section 2.2).  What stands in the
 * texts was chosen by whoever sent the message.
 */
#include <string.h>

#include "lib/ascii.h"
#include "lib/utf8.h"
#include "mail/authres.h"
#include "mail/token.h"

enum {
	NAME_COLUMNS = 24, /* "Authentication-Results: " */
	TAB_COLUMNS = 8,
	LAST_COLUMN = 76, /* a ";" may follow: RFC 5322 section 2.1.1 */
	PIECE_MAX = AUTHRES_VALUE_MAX + 128, /* with its names */
};

static const char none[] = "; none"; /* there is always room for it */
static const char dots[] = "...";    /* something was cut off here */

/* ---- texts ---- */

/* Bytes of the character in front of `s` as it is written: see put_escaped().
 */
static size_t
written(struct span s, const char *special, size_t *taken)
{
	size_t plain = utf8_plain(s);

	*taken = plain > 0 ? plain : 1;
	if (plain == 1 && strchr(special, s.p[0]) != NULL)
		return 2;
	return *taken;
}

/* Bytes in front of `s` that are written as they are: most texts whole. */
static size_t
plain_run(struct span s, const char *special)
{
	size_t n = 0;

	while (n < s.n && ascii_is_print((unsigned char)s.p[n]) &&
	    strchr(special, s.p[n]) == NULL)
		n++;
	return n;
}

static size_t
written_all(struct span s, const char *special)
{
	size_t sum = 0;
	size_t taken;

	for (; s.n > 0; s = span_skip(s, taken)) {
		taken = plain_run(s, special);
		sum += taken > 0 ? taken : written(s, special, &taken);
	}
	return sum;
}

/*
 * quoted-pairs (RFC 5322 section 3.2.1) for what is `special`, "?" for bytes
 * that are no text; at most `max` bytes, then cut and marked.
 */
static void
put_escaped(struct buf *b, struct span s, const char *special, size_t max)
{
	bool cut = written_all(s, special) > max;
	size_t left = cut ? max - strlen(dots) : max;
	size_t taken;

	for (; s.n > 0 && left > 0; s = span_skip(s, taken)) {
		size_t run = plain_run(s, special), size;

		if (run > 0) {
			taken = run < left ? run : left;
			left -= taken;
			buf_span(b, span_first(s, taken));
			continue;
		}
		size = written(s, special, &taken);
		if (size > left)
			break;
		left -= size;
		if (size > taken)
			buf_byte(b, '\\');
		if (utf8_plain(s) > 0)
			buf_span(b, span_first(s, taken));
		else
			buf_byte(b, '?');
	}
	if (cut)
		buf_text(b, dots);
}

static bool
is_ascii_token(unsigned char c)
{
	return c < 0x80 && ascii_is_token(c);
}

static bool
is_domain_byte(unsigned char c)
{
	return c >= 0x80 || ascii_is_tag(c) || c == '-';
}

/* Runs of `is` with single dots between them. */
static bool
is_dotted(struct span s, bool (*is)(unsigned char))
{
	struct scan at = scan_of(s);

	do {
		if (scan_while(&at, is).n == 0)
			return false;
	} while (scan_byte(&at, '.'));
	return scan_done(&at);
}

static bool
is_text(struct span s)
{
	for (size_t n; s.n > 0; s = span_skip(s, n)) {
		n = utf8_plain(s);
		if (n == 0)
			return false;
	}
	return true;
}

/* local-part of RFC 5322 section 3.4.1, with RFC 6532 */
static bool
is_local_part(struct span s)
{
	struct scan at = scan_of(s);
	struct span raw;

	if (mail_quoted(&at, &raw))
		return scan_done(&at);
	return is_dotted(s, ascii_is_atext);
}

/* "[ [ local-part ] "@" ] domain-name" of RFC 8601 section 2.2 */
static bool
is_identity(struct span s)
{
	size_t at = span_rindex(s, '@');

	if (!is_text(s))
		return false;
	if (at == s.n)
		return is_dotted(s, is_domain_byte);
	return (at == 0 || is_local_part(span_first(s, at))) &&
	    is_dotted(span_skip(s, at + 1), is_domain_byte);
}

static void
put_quoted(struct buf *b, struct span value)
{
	buf_byte(b, '"');
	put_escaped(b, value, "\"\\", AUTHRES_VALUE_MAX - 2);
	buf_byte(b, '"');
}

/* value of RFC 8601 section 2.2 */
static void
put_value(struct buf *b, struct span value)
{
	if (value.n > 0 && value.n <= AUTHRES_VALUE_MAX &&
	    span_all(value, is_ascii_token))
		buf_span(b, value);
	else
		put_quoted(b, value);
}

/* pvalue of RFC 8601 section 2.2 */
static void
put_pvalue(struct buf *b, struct span value)
{
	if (value.n <= AUTHRES_VALUE_MAX && is_identity(value))
		buf_span(b, value);
	else
		put_value(b, value);
}

/* ---- lines ---- */

/* One piece behind the last one, on a new line where this has no room. */
static void
emit(struct authres_writer *w, struct span piece, bool fold)
{
	if (fold || w->column + 1 + piece.n > LAST_COLUMN) {
		buf_text(&w->text, "\n\t");
		w->column = TAB_COLUMNS + piece.n;
	} else {
		buf_byte(&w->text, ' ');
		w->column += 1 + piece.n;
	}
	buf_span(&w->text, piece);
}

/* What did not fit whole goes whole. */
static void
keep_whole(struct authres_writer *w, size_t before)
{
	if (w->text.full)
		buf_cut(&w->text, before);
}

void
authres_begin(
    struct authres_writer *w, struct buf text, struct span authserv_id)
{
	*w = (struct authres_writer){ .text = text };
	if (w->text.cap <= sizeof(none)) {
		w->text = buf_over(NULL, 0);
		return;
	}
	w->text.cap -= sizeof(none) - 1;
	put_value(&w->text, authserv_id);
	w->column = NAME_COLUMNS + w->text.n;
	keep_whole(w, 0);
}

void
authres_method(struct authres_writer *w, const char *method, const char *result)
{
	char memory[PIECE_MAX];
	struct buf piece = buf_over(memory, sizeof(memory));
	size_t before = w->text.n;

	if (w->text.full)
		return;
	buf_text(&piece, method);
	buf_byte(&piece, '=');
	buf_text(&piece, result);
	buf_byte(&w->text, ';');
	emit(w, buf_done(&piece), true);
	keep_whole(w, before);
	w->any = w->any || !w->text.full;
}

/* Folded where it has spaces; runs of them become one. */
void
authres_comment(struct authres_writer *w, struct span comment)
{
	char memory[PIECE_MAX];
	struct buf piece = buf_over(memory, sizeof(memory));
	size_t before = w->text.n;
	struct scan s;

	if (w->text.full || comment.p == NULL)
		return;
	buf_byte(&piece, '(');
	put_escaped(&piece, comment, "()\\", AUTHRES_VALUE_MAX - 2);
	buf_byte(&piece, ')');
	s = scan_of(buf_done(&piece));
	while (!scan_done(&s)) {
		struct span word = scan_until(&s, ' ');

		scan_while(&s, ascii_is_wsp);
		emit(w, word, false);
	}
	keep_whole(w, before);
}

void
authres_reason(struct authres_writer *w, struct span reason)
{
	char memory[PIECE_MAX];
	struct buf piece = buf_over(memory, sizeof(memory));
	size_t before = w->text.n;

	if (w->text.full || !w->any || reason.p == NULL)
		return;
	buf_text(&piece, "reason=");
	put_value(&piece, reason);
	emit(w, buf_done(&piece), false);
	keep_whole(w, before);
}

void
authres_put(struct authres_writer *w, const char *ptype, const char *property,
    struct span value)
{
	char memory[PIECE_MAX];
	struct buf piece = buf_over(memory, sizeof(memory));
	size_t before = w->text.n;

	if (w->text.full || !w->any || value.p == NULL)
		return;
	buf_text(&piece, ptype);
	buf_byte(&piece, '.');
	buf_text(&piece, property);
	buf_byte(&piece, '=');
	put_pvalue(&piece, value);
	emit(w, buf_done(&piece), false);
	keep_whole(w, before);
}

struct span
authres_end(struct authres_writer *w)
{
	if (w->text.p == NULL || w->text.n == 0)
		return SPAN("");
	w->text.cap += sizeof(none) - 1;
	if (!w->any)
		buf_text(&w->text, none);
	return buf_done(&w->text);
}
