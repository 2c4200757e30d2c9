#include "dns/zone_lexer.h"

#include "lib/ascii.h"

void
zone_lexer_begin(struct zone_lexer *r, struct span text)
{
	r->text = scan_of(text);
	r->next = 1;
	r->line = 0;
}

/* Returns the rest of the line, without the line end. */
static struct span
rest_of_line(struct zone_lexer *r)
{
	return scan_until(&r->text, '\n');
}

/* Copies one byte, or an escaped one (RFC 1035 section 5.1: \X, \DDD). */
static enum zone_lexer_status
copy_byte(struct zone_lexer *r, int c)
{
	buf_byte(&r->entry, (char)c);
	if (c != '\\')
		return ENTRY_ONE;
	c = scan_peek(&r->text);
	if (c < 0 || c == '\n')
		return ENTRY_OPEN;
	if (c == 0)
		return ENTRY_NUL;
	buf_byte(&r->entry, (char)scan_next(&r->text));
	return ENTRY_ONE;
}

static enum zone_lexer_status
copy_quoted(struct zone_lexer *r)
{
	enum zone_lexer_status step = ENTRY_ONE;

	buf_byte(&r->entry, '"');
	while (step == ENTRY_ONE) {
		int c = scan_next(&r->text);

		if (c < 0 || c == '\n')
			return ENTRY_OPEN;
		if (c == 0)
			return ENTRY_NUL;
		step = copy_byte(r, c);
		if (c == '"')
			break;
	}
	return step;
}

/* Reads one entry, which may be empty, from the start of a line. */
static enum zone_lexer_status
copy_entry(struct zone_lexer *r)
{
	enum zone_lexer_status step = ENTRY_ONE;
	unsigned depth = 0;

	while (step == ENTRY_ONE) {
		int c = scan_next(&r->text);

		if (c < 0)
			return depth > 0 ? ENTRY_OPEN : ENTRY_ONE;
		if (c == 0)
			return ENTRY_NUL;
		if (c == '\n')
			r->next++;
		if (c == '\n' && depth == 0)
			return ENTRY_ONE;
		if (c == ')' && depth == 0)
			return ENTRY_OPEN;
		if (c == '(')
			depth++;
		if (c == ')')
			depth--;
		if (c == ';')
			rest_of_line(r);
		else if (c == '"')
			step = copy_quoted(r);
		else if (c == '(' || c == ')' ||
		    ascii_is_space((unsigned char)c))
			buf_byte(&r->entry, ' ');
		else
			step = copy_byte(r, c);
	}
	return step;
}

static void
copy_mark(struct zone_lexer *r)
{
	struct span text = span_trim(rest_of_line(r));

	for (size_t i = 0; i < text.n; i++)
		buf_byte(&r->entry, text.p[i] == '\t' ? ' ' : text.p[i]);
}

enum zone_lexer_status
zone_lexer_next(struct zone_lexer *r)
{
	enum zone_lexer_status step = ENTRY_ONE;

	while (step == ENTRY_ONE && !scan_done(&r->text)) {
		struct span rest = scan_rest(&r->text);

		r->entry = buf_wrap(r->memory, sizeof(r->memory));
		r->line = r->next;
		if (span_starts_nocase(rest, ";!"))
			copy_mark(r);
		else
			step = copy_entry(r);
		if (step == ENTRY_ONE && r->entry.full)
			step = ENTRY_LONG;
		if (span_has(buf_view(&r->entry), '\0'))
			step = ENTRY_NUL;
		if (step != ENTRY_ONE || span_trim(buf_view(&r->entry)).n > 0)
			return step;
	}
	return step == ENTRY_ONE ? ENTRY_END : step;
}
