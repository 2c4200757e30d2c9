#include "mail/lex.h"

#include <stdint.h>

#include "lib/ascii.h"

/* RFC 5322 section 3.2.2: comments nest, and "\" quotes the next byte.  The
 * cursor stays at the parenthesis if the comment is not closed. */
static bool
skip_comment(struct scan *s, size_t depth_max)
{
	struct scan at = *s;
	size_t depth = 0;

	if (scan_peek(s) != '(')
		return false;

	do {
		switch (scan_next(&at)) {
		case '(':
			if (++depth > depth_max)
				return false;
			break;
		case ')':
			depth--;
			break;
		case '\\':
			scan_next(&at);
			break;
		case -1:
			return false;
		default:
			break;
		}
	} while (depth > 0);
	*s = at;
	return true;
}

static bool
skip_cfws(struct scan *s, size_t depth_max)
{
	for (;;) {
		scan_fws(s);
		if (scan_peek(s) != '(')
			return true;
		if (!skip_comment(s, depth_max))
			return false;
	}
}

bool
mail_skip_comment(struct scan *s)
{
	return skip_comment(s, MAIL_COMMENT_DEPTH_MAX);
}

bool
mail_skip_cfws(struct scan *s)
{
	return skip_cfws(s, MAIL_COMMENT_DEPTH_MAX);
}

bool
mail_skip_cfws_any(struct scan *s)
{
	return skip_cfws(s, SIZE_MAX);
}

static bool
is_atext_or_dot(unsigned char c)
{
	return c == '.' || ascii_is_atext(c);
}

struct span
mail_atom(struct scan *s)
{
	return scan_while(s, is_atext_or_dot);
}

/* RFC 5322 section 3.2.4 */
bool
mail_quoted(struct scan *s, struct span *raw)
{
	struct scan at = *s;

	if (!scan_byte(&at, '"'))
		return false;
	for (const char *from = at.p;;) {
		switch (scan_next(&at)) {
		case '"':
			*raw = span_between(from, at.p - 1);
			*s = at;
			return true;
		case '\\':
			scan_next(&at);
			break;
		case -1:
			return false;
		default:
			break;
		}
	}
}

/*
 * RFC 5322 section 3.2.4: the backslash of a quoted pair and the line ends of
 * folding are not part of the text.  A line end in a quoted pair (obs-qp) is
 * removed too, so that none can appear in the output.
 */
void
mail_put_unquoted(struct buf *b, struct span raw)
{
	struct scan s = scan_of(raw);

	while (!scan_done(&s)) {
		scan_byte(&s, '\\');
		int c = scan_next(&s);

		if (c != -1 && c != '\r' && c != '\n')
			buf_byte(b, (char)c);
	}
}

struct span
mail_unquote(struct arena *a, struct span raw)
{
	struct buf b;

	if (raw.n == SIZE_MAX)
		return SPAN_NONE;
	b = buf_alloc(a, raw.n + 1);
	mail_put_unquoted(&b, raw);
	return b.p != NULL ? buf_view(&b) : SPAN_NONE;
}
