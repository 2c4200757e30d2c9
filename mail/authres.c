#include "mail/authres.h"

#include <stdint.h>

#include "lib/ascii.h"
#include "mail/lex.h"

/* ---- the authserv-id ---- */

/* The authserv-id of RFC 8601 section 2.2: a token, or a quoted string. */
static bool
take_id(struct scan *s, struct span *token, struct span *quoted)
{
	*token = SPAN_NONE;
	*quoted = SPAN_NONE;
	if (scan_peek(s) == '"')
		return mail_quoted(s, quoted);
	*token = scan_while(s, ascii_is_token);
	return token->n > 0;
}

struct span
authres_id(struct span value, struct buf *memory)
{
	struct scan s = scan_of(value);
	struct span token, quoted;
	size_t from = memory->n;

	if (!mail_skip_cfws_any(&s) || !take_id(&s, &token, &quoted))
		return SPAN_NONE;
	if (quoted.p == NULL)
		return token;
	mail_put_unquoted(memory, quoted);
	return memory->full ? SPAN_NONE : span_skip(buf_view(memory), from);
}

/* ---- reading ---- */

static bool
is_at_end(const struct scan *s)
{
	return scan_done(s) || *s->p == ';';
}

bool
authres_open(struct scan *s, struct arena *a, struct span *id)
{
	struct span quoted;
	uint64_t version;

	if (!mail_skip_cfws(s) || !take_id(s, id, &quoted))
		return false;
	if (quoted.p != NULL)
		*id = mail_unquote(a, quoted);
	if (id->p == NULL || !mail_skip_cfws(s))
		return false;
	/* RFC 8601 section 2.2 defines only version 1 */
	if (!is_at_end(s) && (!scan_number(s, 1, &version) || version != 1))
		return false;
	return mail_skip_cfws(s) && is_at_end(s);
}

/* Keyword of RFC 5321 section 4.1.2 (Ldh-str), and "_", which occurs in
 * practice. */
static bool
is_keyword(unsigned char c)
{
	return ascii_is_tag(c) || c == '-';
}

static bool
is_value(unsigned char c)
{
	return c >= 0x80 ||
	    (ascii_is_visible(c) && c != ';' && c != '"' && c != '(' &&
		c != ')');
}

/* pvalue of RFC 8601 section 2.2 without its CFWS.  A quoted local part may be
 * followed by an unquoted domain. */
static bool
take_value(struct scan *s, struct span *raw)
{
	const char *from = s->p;
	struct span part;

	do {
		if (scan_peek(s) != '"')
			part = scan_while(s, is_value);
		else if (!mail_quoted(s, &part))
			return false;
	} while (scan_peek(s) == '"' ||
	    (!scan_done(s) && is_value((unsigned char)*s->p)));
	*raw = span_between(from, s->p);
	return raw->n > 0;
}

/* Returns the unquoted value; absent if `a` is full. */
static struct span
value_of(struct arena *a, struct span raw)
{
	struct scan s = scan_of(raw);
	struct span quoted;

	if (mail_quoted(&s, &quoted) && scan_done(&s))
		return mail_unquote(a, quoted);
	return raw;
}

struct authres_item {         /* "ptype.property=value", or "name=value" */
	struct span ptype;    /* the ptype, or the name if there is none */
	struct span property; /* absent for "name=value" */
	struct span raw;      /* the value as written */
};

/* propspec and reasonspec of RFC 8601 section 2.2 */
static bool
take_item(struct scan *s, struct authres_item *out)
{
	*out = (struct authres_item){ .ptype = scan_while(s, is_keyword) };
	if (out->ptype.n == 0 || !mail_skip_cfws(s))
		return false;
	if (scan_byte(s, '.')) {
		if (!mail_skip_cfws(s))
			return false;
		out->property = scan_while(s, is_keyword);
		if (out->property.n == 0 || !mail_skip_cfws(s))
			return false;
	}
	return scan_byte(s, '=') && mail_skip_cfws(s) &&
	    take_value(s, &out->raw);
}

/* Reads to the end of a resinfo. */
static bool
take_items(struct scan *s, struct arena *a, struct authres_result *out)
{
	for (;;) {
		struct authres_item item;

		if (!mail_skip_cfws(s))
			return false;
		if (is_at_end(s))
			return true;
		const char *from = s->p;

		if (!take_item(s, &item))
			return false;
		if (item.property.p == NULL &&
		    span_is_nocase(item.ptype, "reason") &&
		    out->reason.p == NULL) {
			out->reason = value_of(a, item.raw);
			if (out->reason.p == NULL)
				return false;
			continue;
		}
		if (out->properties.p == NULL)
			out->properties.p = from;
		out->properties = span_between(out->properties.p, s->p);
	}
}

/* methodspec of RFC 8601 section 2.2 */
static bool
take_method(struct scan *s, struct authres_result *out)
{
	out->method = scan_while(s, is_keyword);
	if (out->method.n == 0 || !mail_skip_cfws(s))
		return false;
	if (scan_byte(s, '/') &&
	    (!mail_skip_cfws(s) || scan_while(s, ascii_is_digit).n == 0 ||
		!mail_skip_cfws(s)))
		return false;
	if (!scan_byte(s, '=') || !mail_skip_cfws(s))
		return false;
	out->result = scan_while(s, is_keyword);
	return out->result.n > 0;
}

/* no-result of RFC 8601 section 2.2 */
static bool
take_none(struct scan *s)
{
	struct scan at = *s;

	if (!span_is_nocase(scan_while(&at, is_keyword), "none") ||
	    !mail_skip_cfws(&at) || !is_at_end(&at))
		return false;
	*s = at;
	return true;
}

enum authres_status
authres_next(struct scan *s, struct arena *a, struct authres_result *out)
{
	*out = (struct authres_result){ .method = SPAN_NONE };
	do {
		if (!mail_skip_cfws(s))
			return AUTHRES_BAD;
		if (scan_done(s))
			return AUTHRES_END;
		if (!scan_byte(s, ';') || !mail_skip_cfws(s))
			return AUTHRES_BAD;
	} while (is_at_end(s) || take_none(s));
	return take_method(s, out) && take_items(s, a, out) ? AUTHRES_ONE
							    : AUTHRES_BAD;
}

struct span
authres_property(const struct authres_result *r, struct arena *a,
    const char *ptype, const char *property)
{
	struct scan s = scan_of(r->properties);
	struct authres_item item;

	while (mail_skip_cfws(&s) && !scan_done(&s) && take_item(&s, &item))
		if (span_is_nocase(item.ptype, ptype) &&
		    item.property.p != NULL &&
		    span_is_nocase(item.property, property))
			return value_of(a, item.raw);
	return SPAN_NONE;
}
