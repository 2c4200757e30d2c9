#include "mail/address.h"

#include "lib/ascii.h"
#include "lib/buf.h"
#include "mail/lex.h"

/* ---- an address list ---- */

struct words {
	struct span text;
	size_t n;
	bool dotted; /* all words are joined by dots, as in a local part */
};

/*
 * In RFC 5322 (sections 3.2.5, 3.4.1, 4.1 and 4.4) a phrase and a local-part
 * begin in the same way: words, with dots and CFWS between them.  The text that
 * follows shows which of the two it is.
 */
static bool
read_words(struct scan *s, struct words *out)
{
	bool after_dot = true;

	*out = (struct words){ .dotted = true };
	for (;;) {
		if (!mail_skip_cfws(s))
			return false;
		const char *from = s->p;
		struct span word;

		if (scan_peek(s) == '"') {
			if (!mail_quoted(s, &word))
				return false;
			out->dotted = out->dotted && after_dot;
			after_dot = false;
		} else {
			word = mail_atom(s);
			if (word.n == 0)
				return true;
			out->dotted =
			    out->dotted && (after_dot || word.p[0] == '.');
			after_dot = word.p[word.n - 1] == '.';
		}
		if (out->n++ == 0)
			out->text.p = from;
		out->text = span_between(out->text.p, s->p);
	}
}

static bool
is_atext_or_dot(unsigned char c)
{
	return c == '.' || ascii_is_atext(c);
}

/* Removes the CFWS from an obs-domain, which read_dotted() has already read. */
static bool
join_domain(struct arena *a, struct span *domain)
{
	struct scan s = scan_of(*domain);
	struct buf b;

	if (domain->n > MAIL_DOMAIN_TEXT_MAX)
		return false;
	b = buf_alloc(a, domain->n + 1);
	while (!scan_done(&s) && !b.full) {
		buf_span(&b, scan_while(&s, is_atext_or_dot));
		if (!mail_skip_cfws(&s))
			return false;
	}
	*domain = buf_view(&b);
	return !b.full;
}

/* dot-atom of RFC 5322 section 3.4.1 or obs-domain of section 4.4. */
static bool
read_dotted(struct scan *s, struct arena *a, struct span *out)
{
	const char *from = s->p;
	struct span atom = scan_while(s, is_atext_or_dot);
	bool joined = false;

	if (atom.n == 0)
		return false;
	for (;;) {
		struct scan at = *s;
		struct span next;

		if (!mail_skip_cfws(&at))
			break;
		next = scan_while(&at, is_atext_or_dot);
		if (next.n == 0 ||
		    (atom.p[atom.n - 1] != '.' && next.p[0] != '.'))
			break;
		*s = at;
		atom = next;
		joined = true;
	}
	*out = span_between(from, s->p);
	return !joined || join_domain(a, out);
}

/* RFC 5322 section 3.4.1, with the quoted pairs of section 4.4 */
static bool
read_literal(struct scan *s, struct span *out)
{
	struct scan at = *s;

	scan_next(&at);
	for (;;) {
		switch (scan_next(&at)) {
		case ']':
			*out = span_between(s->p, at.p);
			*s = at;
			return true;
		case '\\':
			scan_next(&at);
			break;
		case '[':
		case -1:
			return false;
		default:
			break;
		}
	}
}

static bool
read_domain(struct scan *s, struct arena *a, struct span *out)
{
	if (!mail_skip_cfws(s))
		return false;
	return scan_peek(s) == '[' ? read_literal(s, out)
				   : read_dotted(s, a, out);
}

/*
 * RFC 5322 section 4.4: "When interpreting addresses, the route portion SHOULD
 * be ignored."
 */
static bool
skip_route(struct scan *s, struct arena *a)
{
	struct span ignored;
	bool any = false;

	for (;;) {
		if (!mail_skip_cfws(s))
			return false;
		if (scan_byte(s, '@')) {
			if (!read_domain(s, a, &ignored))
				return false;
		} else if (!scan_byte(s, ',')) {
			return !any || scan_byte(s, ':');
		}
		any = true;
	}
}

/* addr-spec after its local part: RFC 5322 section 3.4.1. */
static bool
read_address(struct scan *s, struct arena *a, const struct words *local,
    struct mail_address *out)
{
	out->local = local->text;
	return local->n > 0 && local->dotted && scan_byte(s, '@') &&
	    read_domain(s, a, &out->domain);
}

/* angle-addr after its "<": RFC 5322 sections 3.4 and 4.4. */
static bool
read_angle(struct scan *s, struct arena *a, struct mail_address *out)
{
	struct words local;

	return skip_route(s, a) && read_words(s, &local) &&
	    read_address(s, a, &local, out) && mail_skip_cfws(s) &&
	    scan_byte(s, '>');
}

/* Whether a mailbox ends here.  Outlook separates addresses with ";", which
 * many programs accept like ",". */
static bool
is_at_end(struct scan *s)
{
	if (!mail_skip_cfws(s))
		return false;
	return scan_done(s) || *s->p == ',' || *s->p == ';';
}

/* Skips commas, including the "null" members of RFC 5322 section 4.4, and the
 * end of a group. */
static bool
skip_separators(struct mail_address_list *l)
{
	for (;;) {
		if (!mail_skip_cfws(&l->s))
			return false;
		if (scan_byte(&l->s, ',')) {
			l->after_group = false;
		} else if (scan_byte(&l->s, ';')) {
			l->valid = l->valid && l->in_group;
			l->after_group = l->in_group;
			l->in_group = false;
		} else {
			return true;
		}
	}
}

static bool
read_mailbox(struct mail_address_list *l, const struct words *w,
    struct mail_address *out)
{
	if (scan_byte(&l->s, '<')) {
		if (!read_angle(&l->s, l->a, out) || !is_at_end(&l->s))
			return false;
	} else {
		if (!read_address(&l->s, l->a, w, out))
			return false;
		/* an address may be the display name of another one if it
		 * contains no CFWS */
		const char *at = out->local.p + out->local.n;
		bool plain = out->domain.p == at + 1 &&
		    out->domain.p + out->domain.n == l->s.p;

		if (!is_at_end(&l->s)) {
			l->valid = false;
			return plain && scan_peek(&l->s) == '<';
		}
	}
	l->valid = l->valid && !span_ends_nocase(out->domain, ".");
	return true;
}

struct mail_address_list
mail_address_list_of(struct span text, struct arena *a)
{
	return (struct mail_address_list){
		.s = scan_of(text),
		.a = a,
		.valid = true,
	};
}

/* Enters a group: RFC 5322 section 3.4.  Groups do not nest. */
static void
open_group(struct mail_address_list *l, const struct words *name)
{
	l->valid = l->valid && !l->in_group && name->n > 0;
	l->in_group = true;
	l->has_group = true;
}

enum mail_address_status
mail_address_next(struct mail_address_list *l, struct mail_address *out)
{
	struct words w;

	for (;;) {
		if (!skip_separators(l))
			break;
		if (scan_done(&l->s)) {
			l->valid = l->valid && !l->in_group;
			return ADDRESS_END;
		}
		l->valid = l->valid && !l->after_group;
		if (!read_words(&l->s, &w))
			break;
		if (w.n > 0 && scan_byte(&l->s, ':')) {
			open_group(l, &w);
			continue;
		}
		if (read_mailbox(l, &w, out))
			return ADDRESS_ONE;
		break;
	}
	l->valid = false;
	return ADDRESS_BAD;
}

/* ---- envelopes and lists ---- */

/* Whether the first dot is neither the first nor the last character. */
static bool
has_inner_dot(struct span name)
{
	size_t dot = span_index(name, '.');

	return dot > 0 && dot + 1 < name.n;
}

/* RFC 5321 sections 2.3.11 and 4.1.2: an address has an "@".  Postfix and
 * Sendmail rewrite "joe%b.example" and "b.example!joe" to joe@b.example. */
static struct span
old_style_domain(struct span address, struct span *local)
{
	struct span host = span_first(address, span_index(address, '!'));
	size_t percent = span_rindex(address, '%');

	*local = span_skip(address, host.n + 1);
	if (host.n < address.n && local->n > 0 && has_inner_dot(host))
		return host;
	host = span_skip(address, percent + 1);
	*local = span_first(address, percent);
	if (percent > 0 && has_inner_dot(host))
		return host;
	*local = address;
	return SPAN_NONE;
}

struct span
mail_envelope_domain(struct span address, struct span *local)
{
	struct span rest = span_trim(address);
	struct span ignored;
	size_t at;

	if (local == NULL)
		local = &ignored;
	if (rest.n > 0 && rest.p[0] == '<')
		rest = span_skip(rest, 1);
	if (rest.n > 0 && rest.p[rest.n - 1] == '>')
		rest.n--;
	/* RFC 5321 section 4.1.2: a source route is ignored */
	if (rest.n > 0 && rest.p[0] == '@' && span_has(rest, ':'))
		rest = span_skip(rest, span_index(rest, ':') + 1);
	at = span_rindex(rest, '@');
	if (at == rest.n)
		return old_style_domain(rest, local);
	*local = span_first(rest, at);
	return at + 1 < rest.n ? span_skip(rest, at + 1) : SPAN_NONE;
}

struct span
mail_envelope_mailbox(struct arena *a, struct span address)
{
	struct span local;
	struct span domain = mail_envelope_domain(address, &local);
	struct buf b;

	if (domain.p == NULL ||
	    (size_t)(domain.p - address.p) == span_rindex(address, '@') + 1)
		return address;
	b = buf_alloc(a, local.n + domain.n + 2);
	buf_span(&b, local);
	buf_byte(&b, '@');
	buf_span(&b, domain);
	return b.full ? address : buf_view(&b);
}

/* RFC 2919 section 3: "[phrase] <list-id>".  Phrases with unquoted specials are
 * common, so the last "<" counts. */
struct span
mail_list_id(struct span value)
{
	struct scan s = scan_of(value);
	struct words w;
	struct span id;

	if (!read_words(&s, &w) || !scan_byte(&s, '<')) {
		s = scan_of(span_skip(value, span_rindex(value, '<')));
		if (!scan_byte(&s, '<'))
			return SPAN_NONE;
	}
	id = scan_until(&s, '>');
	return scan_byte(&s, '>') ? span_trim(id) : SPAN_NONE;
}
