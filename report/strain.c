#include "report/strain.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/scan.h"
#include "lib/table.h"
#include "lib/utf8.h"

/* Where bytes come out; never full by the contract of strain(). */
struct out {
	char *p;
	size_t n;
};

static void
put(struct out *out, struct span text)
{
	if (text.n > 0)
		memcpy(out->p + out->n, text.p, text.n);
	out->n += text.n;
}

static void
put_byte(struct out *out, char c)
{
	put(out, span_of(&c, 1));
}

static void
refuse(struct strain *s, const char *reason)
{
	s->reason = reason;
}

static struct span
held(const struct strain *s)
{
	return span_of(s->held, s->n_held);
}

static void
enter(struct strain *s, enum strain_state state)
{
	s->state = state;
	s->n_held = 0;
	s->last[0] = s->last[1] = '\0';
}

/* ---- text ---- */

/* XML 1.0 section 2.2: the controls that a document may have. */
static bool
is_control(unsigned char c)
{
	return (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

/* The bytes that a character of UTF-8 has by its first; 0: it is none. */
static size_t
sequence(unsigned char first)
{
	return first < 0xc2 ? 0
	    : first < 0xe0  ? 2
	    : first < 0xf0  ? 3
	    : first < 0xf5  ? 4
			    : 0;
}

/* The bytes held back as one "?", and not the next, which is no part of it. */
static void
put_broken(struct strain *s, struct out *out)
{
	if (s->n_held > 0)
		put_byte(out, '?');
	s->n_held = 0;
}

/* One byte of text; characters of several bytes are held until whole. */
static void
put_text(struct strain *s, struct out *out, unsigned char c)
{
	bool goes_on = (c & 0xc0) == 0x80;

	if (s->n_held > 0 && !goes_on)
		put_broken(s, out);
	if (c < 0x80) {
		put_byte(out, is_control(c) ? '?' : (char)c);
	} else if (s->n_held > 0) {
		s->held[s->n_held++] = (char)c;
		if (s->n_held < sequence((unsigned char)s->held[0]))
			return;
		if (utf8_xml(held(s)) == s->n_held)
			put(out, held(s));
		else
			put_byte(out, '?');
		s->n_held = 0;
	} else if (!goes_on && sequence(c) > 0) {
		s->held[s->n_held++] = (char)c;
	} else {
		put_byte(out, '?');
	}
}

/* A text that never ends is refused, not buffered. */
static bool
count_text(struct strain *s)
{
	if (++s->text > STRAIN_TEXT_MAX)
		refuse(s, "a text of more than 64 KiB");
	return s->reason == NULL;
}

/* ---- references ---- */

static bool
hex_value(struct span text, uint64_t *value)
{
	*value = 0;
	if (text.n == 0 || text.n > 6)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		int digit = ascii_hex_digit((unsigned char)text.p[i]);

		if (digit < 0)
			return false;
		*value = *value * 16 + (uint64_t)digit;
	}
	return true;
}

/* Behind "&#", without ";". */
static bool
is_number(struct span text, uint64_t *value)
{
	struct scan s = scan_of(text);

	if (scan_byte(&s, 'x') || scan_byte(&s, 'X'))
		return hex_value(scan_rest(&s), value);
	return scan_number(&s, 0x10ffff, value) && scan_done(&s);
}

/* What was held behind "&", `ended` by a ";". */
static void
put_reference(struct strain *s, struct out *out, bool ended)
{
	static const char *const names[] = { "amp", "lt", "gt", "apos",
		"quot" };
	struct span name = held(s);
	bool known = false;
	uint64_t value;

	for (size_t i = 0; i < TABLE_SIZE(names); i++)
		known = known || span_is(name, names[i]);
	if (ended && name.n > 0 && name.p[0] == '#' &&
	    is_number(span_skip(name, 1), &value)) {
		known = utf8_is_xml((uint32_t)value);
		if (!known) {
			put_byte(out, '?');
			enter(s, STRAIN_TEXT);
			return;
		}
	}
	put(out, ended && known ? SPAN("&") : SPAN("&amp;"));
	put(out, name);
	if (ended)
		put_byte(out, ';');
	enter(s, STRAIN_TEXT);
}

static bool
is_reference_byte(const struct strain *s, unsigned char c)
{
	return s->n_held < STRAIN_HELD_MAX - 1 &&
	    (ascii_is_alnum(c) || (c == '#' && s->n_held == 0));
}

/* ---- markup ---- */

static bool
is_name_byte(unsigned char c)
{
	return ascii_is_alnum(c) || c == '_' || c == '-' || c == '.' ||
	    c == ':' || c >= 0x80;
}

static void
tag_ends(struct strain *s, struct out *out)
{
	bool empty = s->last[1] == '/';

	if (empty)
		put_byte(out, '/');
	put_byte(out, '>');
	if (!s->closing && !empty)
		s->depth++;
	else if (s->closing && s->depth > 0)
		s->depth--;
	enter(s, s->depth > 0 ? STRAIN_TEXT : STRAIN_DONE);
	s->text = 0;
}

static void
take_name(struct strain *s, struct out *out, unsigned char c)
{
	if (is_name_byte(c) && s->run < STRAIN_NAME_MAX) {
		put_byte(out, c < 0x80 ? (char)ascii_lower(c) : '_');
	} else if (is_name_byte(c)) {
		refuse(s, "an element with a name of more than 64 bytes");
	} else if (c == '>') {
		s->last[1] = '\0';
		tag_ends(s, out);
	} else {
		s->state = STRAIN_ATTRIBUTES;
		s->last[1] = (char)c;
	}
}

static void
take_attributes(struct strain *s, struct out *out, unsigned char c)
{
	if (c == '>') {
		tag_ends(s, out);
		return;
	}
	if (c == '"' || c == '\'') {
		s->quote = (char)c;
		s->state = STRAIN_QUOTED;
	}
	if (c == '<')
		refuse(s, "a \"<\" within a tag: not well-formed");
	s->last[1] = (char)c;
}

static void
take_open(struct strain *s, struct out *out, unsigned char c)
{
	s->run = 0;
	if (c == '!') {
		enter(s, STRAIN_MARKED);
	} else if (c == '?') {
		enter(s, STRAIN_INSTRUCTION);
	} else if (c == '/' || ascii_is_alpha(c) || c == '_') {
		enter(s, STRAIN_NAME);
		s->closing = c == '/';
		put_byte(out, '<');
		put_byte(out, (char)ascii_lower(c));
	} else if (ascii_is_space(c) || ascii_is_digit(c) || c == '=') {
		/* "a < b" */
		enter(s, STRAIN_TEXT);
		put(out, SPAN("&lt;"));
		put_byte(out, (char)c);
	} else {
		refuse(s, "not well-formed");
	}
}

/* Behind "<!": two kinds of section are known. */
static void
take_marked(struct strain *s, unsigned char c)
{
	static const struct {
		const char *text;
		enum strain_state state;
	} kinds[] = {
		{ "--", STRAIN_COMMENT },
		{ "[CDATA[", STRAIN_CDATA },
	};
	bool may_be = false;

	s->held[s->n_held++] = (char)c;
	for (size_t i = 0; i < TABLE_SIZE(kinds); i++) {
		if (span_is(held(s), kinds[i].text)) {
			enter(s, kinds[i].state);
			return;
		}
		may_be = may_be ||
		    span_equal(held(s),
			span_first(span_str(kinds[i].text), s->n_held));
	}
	if (!may_be)
		refuse(s,
		    "a document type or entities (<!DOCTYPE, <!ENTITY), "
		    "which no report needs");
}

/* Left out until "?>" or "-->". */
static void
take_left_out(struct strain *s, unsigned char c)
{
	bool ends = c == '>' &&
	    (s->state == STRAIN_COMMENT ? s->last[0] == '-' && s->last[1] == '-'
					: s->last[1] == '?');

	s->last[0] = s->last[1];
	s->last[1] = (char)c;
	if (ends)
		enter(s, STRAIN_TEXT);
	else if (++s->run > STRAIN_TEXT_MAX)
		refuse(s, "a comment of more than 64 KiB");
}

/* Text; the "]]>" behind it is left out. */
static void
take_cdata(struct strain *s, struct out *out, unsigned char c)
{
	if (!count_text(s))
		return;
	if (c == '>' && s->brackets == 2) {
		s->brackets = 0;
		put_broken(s, out);
		enter(s, STRAIN_TEXT);
		return;
	}
	if (c == ']' && s->brackets < 2) {
		s->brackets++;
		return;
	}
	for (; s->brackets > 0 && c != ']'; s->brackets--)
		put_text(s, out, ']');
	if (c == '<' || c == '>' || c == '&') {
		put_broken(s, out);
		put(out,
		    c == '<'       ? SPAN("&lt;")
			: c == '>' ? SPAN("&gt;")
				   : SPAN("&amp;"));
	} else {
		put_text(s, out, c);
	}
}

/* ---- all of it ---- */

static void
take_start(struct strain *s, unsigned char c)
{
	if (c == '<')
		enter(s, STRAIN_OPEN);
	else if (++s->run > STRAIN_JUNK_MAX)
		refuse(s, "not XML");
}

static void
take_text(struct strain *s, struct out *out, unsigned char c)
{
	if (!count_text(s))
		return;
	if (c == '<' || c == '&') {
		put_broken(s, out);
		enter(s, c == '<' ? STRAIN_OPEN : STRAIN_REFERENCE);
	} else if (c == '>') {
		put_broken(s, out);
		put(out, SPAN("&gt;"));
	} else {
		put_text(s, out, c);
	}
}

static void
take_reference(struct strain *s, struct out *out, unsigned char c)
{
	if (!count_text(s))
		return;
	if (is_reference_byte(s, c)) {
		s->held[s->n_held++] = (char)c;
		return;
	}
	put_reference(s, out, c == ';');
	if (c != ';')
		take_text(s, out, c);
}

/* A tag is counted where it is made of anything. */
static void
count_tag(struct strain *s)
{
	if (++s->run > STRAIN_TAG_MAX)
		refuse(s, "a tag of more than 4096 bytes");
}

static void
take(struct strain *s, struct out *out, unsigned char c)
{
	if (c == '\0' || s->reason != NULL)
		return;
	switch (s->state) {
	case STRAIN_START:
		take_start(s, c);
		break;
	case STRAIN_TEXT:
		take_text(s, out, c);
		break;
	case STRAIN_REFERENCE:
		take_reference(s, out, c);
		break;
	case STRAIN_OPEN:
		take_open(s, out, c);
		break;
	case STRAIN_NAME:
		count_tag(s);
		take_name(s, out, c);
		break;
	case STRAIN_ATTRIBUTES:
		count_tag(s);
		take_attributes(s, out, c);
		break;
	case STRAIN_QUOTED:
		count_tag(s);
		if (c == (unsigned char)s->quote)
			s->state = STRAIN_ATTRIBUTES;
		s->last[1] = (char)c;
		break;
	case STRAIN_MARKED:
		take_marked(s, c);
		break;
	case STRAIN_COMMENT:
	case STRAIN_INSTRUCTION:
		take_left_out(s, c);
		break;
	case STRAIN_CDATA:
		take_cdata(s, out, c);
		break;
	case STRAIN_DONE:
		break;
	}
}

/* ---- UTF-16 ---- */

/* By the first two bytes: a byte order mark, or a NUL beside "<". */
static enum strain_form
form_of(const unsigned char two[2])
{
	if ((two[0] == 0xff && two[1] == 0xfe) || (two[0] != 0 && two[1] == 0))
		return STRAIN_LITTLE;
	if ((two[0] == 0xfe && two[1] == 0xff) || (two[0] == 0 && two[1] != 0))
		return STRAIN_BIG;
	return STRAIN_BYTES;
}

/* What a report says is ASCII; names with more are told with "?". */
static void
take_unit(struct strain *s, struct out *out)
{
	unsigned char high = s->half[s->form == STRAIN_BIG ? 0 : 1];
	unsigned char low = s->half[s->form == STRAIN_BIG ? 1 : 0];

	take(s, out, high == 0 && low < 0x80 ? low : '?');
	s->n_half = 0;
}

static void
take_byte(struct strain *s, struct out *out, unsigned char c)
{
	if (s->form == STRAIN_BYTES) {
		take(s, out, c);
		return;
	}
	s->half[s->n_half++] = c;
	if (s->n_half < 2)
		return;
	if (s->form == STRAIN_UNKNOWN) {
		s->form = form_of(s->half);
		if (s->form == STRAIN_BYTES) {
			take(s, out, s->half[0]);
			take(s, out, s->half[1]);
			return;
		}
	}
	take_unit(s, out);
}

size_t
strain(struct strain *s, struct span in, char *to)
{
	struct out out = { .p = to };

	for (size_t i = 0; i < in.n && s->reason == NULL; i++)
		take_byte(s, &out, (unsigned char)in.p[i]);
	return s->reason == NULL ? out.n : 0;
}

size_t
strain_end(struct strain *s, char *to)
{
	struct out out = { .p = to };

	if (s->reason != NULL)
		return 0;
	if (s->state == STRAIN_START)
		refuse(s, "not XML");
	else if (s->state == STRAIN_REFERENCE)
		put_reference(s, &out, false);
	else if (s->state == STRAIN_TEXT)
		put_broken(s, &out);
	else if (s->state != STRAIN_DONE)
		refuse(s, "it ends within a tag: it was cut off");
	return s->reason == NULL ? out.n : 0;
}
