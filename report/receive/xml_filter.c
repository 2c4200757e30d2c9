#include "report/receive/xml_filter.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/scan.h"
#include "lib/enum_names.h"
#include "lib/utf8.h"

/* Output buffer; as large as xml_filter() requires. */
struct filter_output {
	char *p;
	size_t n;
};

static void
out_text(struct filter_output *out, struct span text)
{
	if (text.n > 0)
		memcpy(out->p + out->n, text.p, text.n);
	out->n += text.n;
}

static void
out_byte(struct filter_output *out, char c)
{
	out_text(out, span_of(&c, 1));
}

static void
refuse_xml(struct xml_filter *s, const char *reason)
{
	s->reason = reason;
}

static struct span
held_text(const struct xml_filter *s)
{
	return span_of(s->held, s->n_held);
}

static void
enter_state(struct xml_filter *s, enum xml_filter_state state)
{
	s->state = state;
	s->n_held = 0;
	s->last[0] = s->last[1] = '\0';
}

/* ---- text ---- */

/* Control characters that a document must not contain (XML 1.0 section 2.2),
 * and DEL. */
static bool
is_control(unsigned char c)
{
	return (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

/* Returns the length of the multibyte UTF-8 character that begins with this
 * byte, or 0 if none does. */
static size_t
sequence(unsigned char first)
{
	return first < 0xc2 ? 0
	    : first < 0xe0  ? 2
	    : first < 0xf0  ? 3
	    : first < 0xf5  ? 4
			    : 0;
}

/* Writes the bytes of an incomplete character as one "?". */
static void
put_broken(struct xml_filter *s, struct filter_output *out)
{
	if (s->n_held > 0)
		out_byte(out, '?');
	s->n_held = 0;
}

/* Writes one byte of text.  The bytes of a multibyte character are held until
 * it is complete. */
static void
put_text(struct xml_filter *s, struct filter_output *out, unsigned char c)
{
	bool goes_on = (c & 0xc0) == 0x80;

	if (s->n_held > 0 && !goes_on)
		put_broken(s, out);
	if (c < 0x80) {
		out_byte(out, is_control(c) ? '?' : (char)c);
	} else if (s->n_held > 0) {
		s->held[s->n_held++] = (char)c;
		if (s->n_held < sequence((unsigned char)s->held[0]))
			return;
		if (utf8_xml(held_text(s)) == s->n_held)
			out_text(out, held_text(s));
		else
			out_byte(out, '?');
		s->n_held = 0;
	} else if (!goes_on && sequence(c) > 0) {
		s->held[s->n_held++] = (char)c;
	} else {
		out_byte(out, '?');
	}
}

/* Refuses overlong text instead of buffering it. */
static bool
count_text(struct xml_filter *s)
{
	if (++s->text > XML_FILTER_TEXT_MAX)
		refuse_xml(s, "character data of more than 64 KiB");
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

/* Parses the text after "&#", without ";". */
static bool
is_number(struct span text, uint64_t *value)
{
	struct scan s = scan_of(text);

	if (scan_byte(&s, 'x') || scan_byte(&s, 'X'))
		return hex_value(scan_rest(&s), value);
	return scan_number(&s, 0x10ffff, value) && scan_done(&s);
}

/* Writes the reference whose name is in `held`.  `ended` says whether it ends
 * with ";". */
static void
put_reference(struct xml_filter *s, struct filter_output *out, bool ended)
{
	static const char *const names[] = { "amp", "lt", "gt", "apos",
		"quot" };
	struct span name = held_text(s);
	bool known = false;
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		known = known || span_is(name, names[i]);
	if (ended && name.n > 0 && name.p[0] == '#' &&
	    is_number(span_skip(name, 1), &value)) {
		known = utf8_is_xml((uint32_t)value);
		if (!known) {
			out_byte(out, '?');
			enter_state(s, XML_FILTER_TEXT);
			return;
		}
	}
	out_text(out, ended && known ? SPAN("&") : SPAN("&amp;"));
	out_text(out, name);
	if (ended)
		out_byte(out, ';');
	enter_state(s, XML_FILTER_TEXT);
}

static bool
is_reference_byte(const struct xml_filter *s, unsigned char c)
{
	return s->n_held < XML_FILTER_HELD_MAX - 1 &&
	    (ascii_is_alnum(c) || (c == '#' && s->n_held == 0));
}

/* ---- markup ---- */

static bool
is_name_byte(unsigned char c)
{
	return ascii_is_alnum(c) || c == '_' || c == '-' || c == '.' ||
	    c == ':' || c >= 0x80;
}

/*
 * Whether the tag is <xs:schema>, which some reporters write around or within
 * the report, and do not always close.  Its contents are read as if the tag
 * were absent.
 */
static bool
is_schema_tag(const struct xml_filter *s)
{
	struct span name = span_of(s->name, s->n_name);

	if (s->closing)
		name = span_skip(name, 1);
	if (span_has(name, ':'))
		name = span_skip(name, span_rindex(name, ':') + 1);
	return span_is(name, "schema");
}

static void
name_ends(struct xml_filter *s, struct filter_output *out)
{
	s->skipped = is_schema_tag(s);
	if (s->skipped)
		return;
	out_byte(out, '<');
	out_text(out, span_of(s->name, s->n_name));
}

static void
tag_ends(struct xml_filter *s, struct filter_output *out)
{
	bool empty = s->last[1] == '/';

	s->text = s->run = 0;
	if (s->skipped) {
		enter_state(
		    s, s->depth > 0 ? XML_FILTER_TEXT : XML_FILTER_START);
		return;
	}
	if (empty)
		out_byte(out, '/');
	out_byte(out, '>');
	if (!s->closing && !empty)
		s->depth++;
	else if (s->closing && s->depth > 0)
		s->depth--;
	enter_state(s, s->depth > 0 ? XML_FILTER_TEXT : XML_FILTER_DONE);
}

static void
take_name(struct xml_filter *s, struct filter_output *out, unsigned char c)
{
	if (is_name_byte(c)) {
		if (s->n_name == XML_FILTER_NAME_MAX)
			refuse_xml(s, "an element name of more than 64 bytes");
		else
			s->name[s->n_name++] =
			    c < 0x80 ? (char)ascii_lower(c) : '_';
		return;
	}
	name_ends(s, out);
	s->last[1] = (char)c;
	if (c == '>') {
		s->last[1] = '\0';
		tag_ends(s, out);
	} else {
		s->state = XML_FILTER_ATTRIBUTES;
	}
}

static void
take_attributes(
    struct xml_filter *s, struct filter_output *out, unsigned char c)
{
	if (c == '>') {
		tag_ends(s, out);
		return;
	}
	if (c == '"' || c == '\'') {
		s->quote = (char)c;
		s->state = XML_FILTER_QUOTED;
	}
	if (c == '<')
		refuse_xml(s, "not well-formed: \"<\" within a tag");
	s->last[1] = (char)c;
}

static void
take_open(struct xml_filter *s, struct filter_output *out, unsigned char c)
{
	s->run = 0;
	if (c == '!') {
		enter_state(s, XML_FILTER_MARKED);
	} else if (c == '?') {
		enter_state(s, XML_FILTER_INSTRUCTION);
	} else if (c == '/' || ascii_is_alpha(c) || c == '_') {
		enter_state(s, XML_FILTER_NAME);
		s->closing = c == '/';
		s->name[0] = (char)ascii_lower(c);
		s->n_name = 1;
	} else if (ascii_is_space(c) || ascii_is_digit(c) || c == '=') {
		/* "<" as text, as in "a < b" */
		enter_state(s, XML_FILTER_TEXT);
		out_text(out, SPAN("&lt;"));
		out_byte(out, (char)c);
	} else {
		refuse_xml(s, "not well-formed");
	}
}

/* Reads what follows "<!": a comment, a CDATA section, or something to
 * refuse. */
static void
take_marked(struct xml_filter *s, unsigned char c)
{
	static const struct {
		const char *text;
		enum xml_filter_state state;
	} kinds[] = {
		{ "--", XML_FILTER_COMMENT },
		{ "[CDATA[", XML_FILTER_CDATA },
	};
	bool may_be = false;

	s->held[s->n_held++] = (char)c;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (span_is(held_text(s), kinds[i].text)) {
			enter_state(s, kinds[i].state);
			return;
		}
		may_be = may_be ||
		    span_equal(held_text(s),
			span_first(span_str(kinds[i].text), s->n_held));
	}
	if (!may_be)
		refuse_xml(s,
		    "a document type or entities (<!DOCTYPE, <!ENTITY), "
		    "which no report needs");
}

/* Skips everything up to "?>" or "-->". */
static void
take_left_out(struct xml_filter *s, unsigned char c)
{
	bool ends = c == '>' &&
	    (s->state == XML_FILTER_COMMENT
		    ? s->last[0] == '-' && s->last[1] == '-'
		    : s->last[1] == '?');

	s->last[0] = s->last[1];
	s->last[1] = (char)c;
	if (ends)
		enter_state(s, XML_FILTER_TEXT);
	else if (++s->run > XML_FILTER_TEXT_MAX)
		refuse_xml(s, "a comment of more than 64 KiB");
}

/* Writes the text of a CDATA section, without the "]]>" after it. */
static void
take_cdata(struct xml_filter *s, struct filter_output *out, unsigned char c)
{
	if (!count_text(s))
		return;
	if (c == '>' && s->brackets == 2) {
		s->brackets = 0;
		put_broken(s, out);
		enter_state(s, XML_FILTER_TEXT);
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
		out_text(out,
		    c == '<'       ? SPAN("&lt;")
			: c == '>' ? SPAN("&gt;")
				   : SPAN("&amp;"));
	} else {
		put_text(s, out, c);
	}
}

/* ---- states ---- */

static void
take_start(struct xml_filter *s, unsigned char c)
{
	if (c == '<')
		enter_state(s, XML_FILTER_OPEN);
	else if (++s->run > XML_FILTER_JUNK_MAX)
		refuse_xml(s, "not XML");
}

static void
take_text(struct xml_filter *s, struct filter_output *out, unsigned char c)
{
	if (!count_text(s))
		return;
	if (c == '<' || c == '&') {
		put_broken(s, out);
		enter_state(
		    s, c == '<' ? XML_FILTER_OPEN : XML_FILTER_REFERENCE);
	} else if (c == '>') {
		put_broken(s, out);
		out_text(out, SPAN("&gt;"));
	} else {
		put_text(s, out, c);
	}
}

static void
take_reference(struct xml_filter *s, struct filter_output *out, unsigned char c)
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

static void
count_tag(struct xml_filter *s)
{
	if (++s->run > XML_FILTER_TAG_MAX)
		refuse_xml(s, "a tag of more than 4096 bytes");
}

static void
filter_character(
    struct xml_filter *s, struct filter_output *out, unsigned char c)
{
	if (c == '\0' || s->reason != NULL)
		return;
	switch (s->state) {
	case XML_FILTER_START:
		take_start(s, c);
		break;
	case XML_FILTER_TEXT:
		take_text(s, out, c);
		break;
	case XML_FILTER_REFERENCE:
		take_reference(s, out, c);
		break;
	case XML_FILTER_OPEN:
		take_open(s, out, c);
		break;
	case XML_FILTER_NAME:
		count_tag(s);
		take_name(s, out, c);
		break;
	case XML_FILTER_ATTRIBUTES:
		count_tag(s);
		take_attributes(s, out, c);
		break;
	case XML_FILTER_QUOTED:
		count_tag(s);
		if (c == (unsigned char)s->quote)
			s->state = XML_FILTER_ATTRIBUTES;
		s->last[1] = (char)c;
		break;
	case XML_FILTER_MARKED:
		take_marked(s, c);
		break;
	case XML_FILTER_COMMENT:
	case XML_FILTER_INSTRUCTION:
		take_left_out(s, c);
		break;
	case XML_FILTER_CDATA:
		take_cdata(s, out, c);
		break;
	case XML_FILTER_DONE:
		break;
	}
}

/* ---- UTF-16 ---- */

/* Detects UTF-16 from the first two bytes: a byte order mark, or one NUL (the
 * first character is ASCII). */
static enum xml_filter_form
form_of(const unsigned char two[2])
{
	if ((two[0] == 0xff && two[1] == 0xfe) || (two[0] != 0 && two[1] == 0))
		return XML_FILTER_LITTLE;
	if ((two[0] == 0xfe && two[1] == 0xff) || (two[0] == 0 && two[1] != 0))
		return XML_FILTER_BIG;
	return XML_FILTER_BYTES;
}

/* A report needs only ASCII; other characters become "?". */
static void
take_unit(struct xml_filter *s, struct filter_output *out)
{
	unsigned char high = s->half[s->form == XML_FILTER_BIG ? 0 : 1];
	unsigned char low = s->half[s->form == XML_FILTER_BIG ? 1 : 0];

	filter_character(s, out, high == 0 && low < 0x80 ? low : '?');
	s->n_half = 0;
}

static void
take_byte(struct xml_filter *s, struct filter_output *out, unsigned char c)
{
	if (s->form == XML_FILTER_BYTES) {
		filter_character(s, out, c);
		return;
	}
	s->half[s->n_half++] = c;
	if (s->n_half < 2)
		return;
	if (s->form == XML_FILTER_UNKNOWN) {
		s->form = form_of(s->half);
		if (s->form == XML_FILTER_BYTES) {
			filter_character(s, out, s->half[0]);
			filter_character(s, out, s->half[1]);
			return;
		}
	}
	take_unit(s, out);
}

size_t
xml_filter(struct xml_filter *s, struct span in, char *to)
{
	struct filter_output out = { .p = to };

	for (size_t i = 0; i < in.n && s->reason == NULL; i++)
		take_byte(s, &out, (unsigned char)in.p[i]);
	return s->reason == NULL ? out.n : 0;
}

size_t
xml_filter_end(struct xml_filter *s, char *to)
{
	struct filter_output out = { .p = to };

	if (s->reason != NULL)
		return 0;
	if (s->state == XML_FILTER_START)
		refuse_xml(s, "not XML");
	else if (s->state == XML_FILTER_REFERENCE)
		put_reference(s, &out, false);
	else if (s->state == XML_FILTER_TEXT)
		put_broken(s, &out);
	else if (s->state != XML_FILTER_DONE)
		refuse_xml(s, "it ends within a tag: it was cut off");
	return s->reason == NULL ? out.n : 0;
}
