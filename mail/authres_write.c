/* Writes Authentication-Results (RFC 8601 section 2.2) so that the sender of a
 * message cannot insert anything: see the contract in mail/authres.h. */
#include "lib/ascii.h"
#include "mail/authres.h"
#include "mail/lex.h"

enum {
	NAME_COLUMNS = 24, /* "Authentication-Results: " */
	TAB_COLUMNS = 8,
	LAST_COLUMN = 76, /* a ";" may follow: RFC 5322 section 2.1.1 */
	/* bytes of a value with its ptype and property */
	PIECE_MAX = AUTHRES_VALUE_MAX + 128,
};

static const char none[] = "; none"; /* every writer reserves room for this */

/* ---- values ---- */

/* Whether `c` may be in a token (RFC 2045 section 5.1), ASCII only. */
static bool
is_token_byte(unsigned char c)
{
	return c < 0x80 && ascii_is_token(c);
}

/* Whether `c` is printable and buf_safe() keeps it. */
static bool
is_safe_byte(unsigned char c)
{
	return ascii_is_visible(c) && buf_is_safe(c);
}

/* Whether `c` may be in a plain local-part; excludes dots. */
static bool
is_plain_local(unsigned char c)
{
	return ascii_is_tag(c) || c == '-' || c == '+';
}

/* Whether `s` is empty, or dot-atom-text (RFC 5322 section 3.2.3) with plain
 * bytes only. */
static bool
is_local_part(struct span s)
{
	struct scan at = scan_of(s);

	if (s.n == 0)
		return true;
	do {
		if (scan_while(&at, is_plain_local).n == 0)
			return false;
	} while (scan_byte(&at, '.'));
	return scan_done(&at);
}

static bool
is_ldh(unsigned char c)
{
	return ascii_is_alnum(c) || c == '-';
}

/* Whether `s` is a domain-name (RFC 6376 section 3.5): at least two labels as
 * in RFC 5321. */
static bool
is_domain_name(struct span s)
{
	struct scan at = scan_of(s);
	size_t labels = 0;

	do {
		struct span label = scan_while(&at, is_ldh);

		if (label.n == 0 || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return false;
		labels++;
	} while (scan_byte(&at, '.'));
	return labels > 1 && scan_done(&at);
}

/* Whether `s` is [ local-part ] "@" domain-name (RFC 8601 section 2.2). */
static bool
is_identity(struct span s)
{
	size_t at = span_rindex(s, '@');

	return at < s.n && is_local_part(span_first(s, at)) &&
	    is_domain_name(span_skip(s, at + 1));
}

/* Writes a value (RFC 8601 section 2.2); if it must be quoted, it is first made
 * safe. */
static void
put_value(struct buf *b, struct span value)
{
	if (value.n > 0 && value.n <= AUTHRES_VALUE_MAX &&
	    span_all(value, is_token_byte)) {
		buf_span(b, value);
		return;
	}
	buf_byte(b, '"');
	buf_safe(b, value, AUTHRES_VALUE_MAX);
	buf_byte(b, '"');
}

/* Writes a pvalue (RFC 8601 section 2.2).  Returns false if it must be
 * omitted. */
static bool
put_pvalue(struct buf *b, struct span value)
{
	if (value.n == 0 || value.n > AUTHRES_VALUE_MAX)
		return false;
	if (is_identity(value))
		buf_span(b, value);
	else if (span_all(value, is_safe_byte))
		put_value(b, value);
	else
		return false;
	return true;
}

/* ---- lines ---- */

/* Adds a piece, on a new line if `fold` is set or the current line has no
 * room. */
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

/* Removes a piece that did not fit. */
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
		w->text = buf_wrap(NULL, 0);
		return;
	}
	w->text.cap -= sizeof(none) - 1;
	put_value(&w->text, authserv_id);
	w->column = NAME_COLUMNS + w->text.n;
	keep_whole(w, 0);
}

static void
begin_result(struct authres_writer *w, struct span piece, bool folded)
{
	size_t before = w->text.n;

	w->open = !w->text.full && w->results < AUTHRES_RESULTS_MAX;
	if (!w->open)
		return;
	buf_byte(&w->text, ';');
	emit(w, piece, folded);
	keep_whole(w, before);
	w->open = !w->text.full;
	w->results += w->open;
	w->commented = false;
}

void
authres_method(struct authres_writer *w, const char *method, const char *result)
{
	char memory[PIECE_MAX];
	struct buf piece = buf_wrap(memory, sizeof(memory));

	buf_text(&piece, method);
	buf_byte(&piece, '=');
	buf_text(&piece, result);
	begin_result(w, buf_view(&piece), true);
}

void
authres_none(struct authres_writer *w)
{
	if (w->results == 0)
		begin_result(w, SPAN("none"), false);
}

/* The comment is folded at its spaces. */
void
authres_comment(struct authres_writer *w, const char *own, struct span text)
{
	char memory[PIECE_MAX];
	struct buf piece = buf_wrap(memory, sizeof(memory));
	size_t before = w->text.n, words, from;
	struct scan s;

	if (w->text.full || !w->open || w->commented)
		return;
	buf_byte(&piece, '(');
	if (own != NULL)
		buf_text(&piece, own);
	words = piece.n;
	if (words > 1)
		buf_text(&piece, ", ");
	from = piece.n;
	buf_safe(&piece, text, AUTHRES_COMMENT_MAX);
	if (piece.n == from)
		buf_cut(&piece, words);
	if (piece.n == 1)
		return;
	buf_byte(&piece, ')');
	s = scan_of(buf_view(&piece));
	while (!scan_done(&s)) {
		emit(w, scan_until(&s, ' '), false);
		scan_byte(&s, ' ');
	}
	keep_whole(w, before);
	w->commented = true;
}

void
authres_reason(struct authres_writer *w, struct span reason)
{
	char memory[PIECE_MAX], safe_memory[AUTHRES_VALUE_MAX + 1];
	struct buf piece = buf_wrap(memory, sizeof(memory));
	struct buf safe = buf_wrap(safe_memory, sizeof(safe_memory));
	size_t before = w->text.n;

	buf_safe(&safe, reason, AUTHRES_VALUE_MAX);
	if (w->text.full || !w->open || safe.n == 0)
		return;
	buf_text(&piece, "reason=");
	put_value(&piece, buf_view(&safe));
	emit(w, buf_view(&piece), false);
	keep_whole(w, before);
	w->commented = false;
}

void
authres_put(struct authres_writer *w, const char *ptype, const char *property,
    struct span value)
{
	char memory[PIECE_MAX];
	struct buf piece = buf_wrap(memory, sizeof(memory));
	size_t before = w->text.n;

	if (w->text.full || !w->open)
		return;
	buf_text(&piece, ptype);
	buf_byte(&piece, '.');
	buf_text(&piece, property);
	buf_byte(&piece, '=');
	if (!put_pvalue(&piece, value))
		return;
	emit(w, buf_view(&piece), false);
	keep_whole(w, before);
	w->commented = false;
}

struct span
authres_end(struct authres_writer *w)
{
	if (w->text.p == NULL || w->text.n == 0)
		return SPAN("");
	w->text.cap += sizeof(none) - 1;
	if (w->results == 0)
		buf_text(&w->text, none);
	return buf_view(&w->text);
}
