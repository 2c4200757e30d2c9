#include "conf/lex.h"

#include "lib/ascii.h"
#include "lib/buf.h"

/* Consumes `n` bytes, or the rest of the text if it is shorter. */
static void
take(struct conf_lexer *l, size_t n)
{
	struct span taken = span_first(scan_rest(&l->s), n);

	for (size_t i = 0; i < taken.n; i++)
		l->line += taken.p[i] == '\n';
	l->s.p += taken.n;
}

static bool
is_comment(struct span s)
{
	return span_starts_nocase(s, "#") || span_starts_nocase(s, "//") ||
	    span_starts_nocase(s, "/*");
}

/* Returns the length of the comment that begins here.  If it is not closed,
 * adds an error and returns the length of the rest. */
static size_t
comment_length(const struct conf_lexer *l)
{
	struct span rest = scan_rest(&l->s);

	if (!span_starts_nocase(rest, "/*"))
		return span_index(rest, '\n');
	for (size_t i = 2; i + 1 < rest.n; i++)
		if (rest.p[i] == '*' && rest.p[i + 1] == '/')
			return i + 2;
	conf_error_add(
	    l->errors, l->line, "the comment that begins here has no \"*/\"");
	return rest.n;
}

static void
skip_blank(struct conf_lexer *l)
{
	while (!scan_done(&l->s)) {
		if (ascii_is_space((unsigned char)*l->s.p))
			take(l, 1);
		else if (is_comment(scan_rest(&l->s)))
			take(l, comment_length(l));
		else
			return;
	}
}

/* Reads a quoted string.  It must end on the line where it begins, so that the
 * error for a missing quote names that line. */
static void
lex_quoted(struct conf_lexer *l)
{
	struct span rest = scan_rest(&l->s);
	struct span line = span_trim(span_first(rest, span_index(rest, '\n')));
	char quote = line.p[0];
	size_t i = 1;

	while (i < line.n && line.p[i] != quote)
		i += line.p[i] == '\\' ? 2 : 1;
	if (i >= line.n)
		conf_error_add(l->errors, l->line,
		    "the string that begins here has no closing %c on its line",
		    quote);
	l->next.kind = CONF_TOKEN_QUOTED;
	l->next.quote = quote;
	l->next.text = span_skip(span_first(line, i), 1);
	take(l, i < line.n ? i + 1 : line.n);
}

static void
lex_word(struct conf_lexer *l, bool is_value)
{
	struct span rest = scan_rest(&l->s), at = rest;
	bool is_odd = false;

	for (; at.n > 0; at = span_skip(at, 1)) {
		bool is_sign = span_has(SPAN("={\"'"), at.p[0]) ||
		    span_starts_nocase(at, "+=") || is_comment(at);

		if (ascii_is_space((unsigned char)at.p[0]) || at.p[0] == ',' ||
		    at.p[0] == '}' || (is_sign && !is_value))
			break;
		is_odd = is_odd || is_sign;
	}
	l->next.kind = CONF_TOKEN_WORD;
	l->next.text = span_first(rest, rest.n - at.n);
	take(l, l->next.text.n);
	if (is_odd)
		conf_error_add(l->errors, l->line,
		    "a value that contains one of = { \" ' # // /* must be in "
		    "quotes");
}

void
conf_lex(struct conf_lexer *l, bool is_value)
{
	struct span rest;

	skip_blank(l);
	rest = scan_rest(&l->s);
	l->next = (struct conf_token){ .kind = CONF_TOKEN_END,
		.text = span_first(rest, 1),
		.line = l->line };
	if (rest.n == 0)
		return;
	if (rest.p[0] == '"' || rest.p[0] == '\'') {
		lex_quoted(l);
	} else if (span_has(SPAN("={},"), rest.p[0])) {
		l->next.kind = (enum conf_token_kind)rest.p[0];
		take(l, 1);
	} else if (span_starts_nocase(rest, "+=")) {
		l->next.kind = CONF_TOKEN_ADD;
		take(l, 2);
	} else {
		lex_word(l, is_value);
	}
}

enum conf_token_kind
conf_lex_ahead(const struct conf_lexer *l)
{
	struct conf_lexer ahead = *l; /* duplicate errors are ignored */

	conf_lex(&ahead, false);
	return ahead.next.kind;
}

bool
conf_lex_has_text(const struct conf_lexer *l)
{
	return l->next.kind == CONF_TOKEN_WORD ||
	    l->next.kind == CONF_TOKEN_QUOTED;
}

const char *
conf_lex_text(const struct conf_lexer *l)
{
	struct span text = l->next.text;
	char quote = l->next.quote;
	struct buf b = buf_alloc(l->errors->arena, text.n + 1);

	for (size_t i = 0; i < text.n; i++) {
		char next = i + 1 < text.n ? text.p[i + 1] : '\0';
		bool escapes = text.p[i] == '\\' && next != '\0' &&
		    (quote == '"' ||
			(quote == '\'' && (next == '\'' || next == '\\')));

		if (escapes && ascii_is_alnum((unsigned char)next))
			conf_error_add(l->errors, l->next.line,
			    "\\%c is not an escape; write \\\\ for a backslash",
			    next);
		i += escapes;
		buf_byte(&b, text.p[i]);
	}
	return b.p != NULL ? b.p : "";
}
