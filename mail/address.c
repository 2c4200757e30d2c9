#include "mail/address.h"

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/table.h"
#include "mail/encoded.h"
#include "mail/token.h"

/* ---- an address list ---- */

struct words {
	struct span text;
	size_t n;
	bool dotted; /* a dot between every two: may be a local part */
};

/*
 * phrase and local-part of RFC 5322 sections 3.2.5, 3.4.1, 4.1 and 4.4 begin
 * alike: words with dots and CFWS among them.  What follows tells them apart.
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

/* obs-domain without its CFWS; it was read once and holds nothing else. */
static bool
join_domain(struct arena *a, struct span *domain)
{
	struct scan s = scan_of(*domain);
	struct buf b;

	if (domain->n > MAIL_DOMAIN_TEXT_MAX)
		return false;
	b = buf_in(a, domain->n + 1);
	while (!scan_done(&s) && !b.full) {
		buf_span(&b, scan_while(&s, is_atext_or_dot));
		if (!mail_skip_cfws(&s))
			return false;
	}
	*domain = buf_done(&b);
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

/* addr-spec behind its local part: RFC 5322 section 3.4.1. */
static bool
read_address(struct scan *s, struct arena *a, const struct words *local,
    struct mail_address *out)
{
	out->local = local->text;
	return local->n > 0 && local->dotted && scan_byte(s, '@') &&
	    read_domain(s, a, &out->domain);
}

/* angle-addr behind its "<": RFC 5322 sections 3.4 and 4.4. */
static bool
read_angle(struct scan *s, struct arena *a, struct mail_address *out)
{
	struct words local;

	return skip_route(s, a) && read_words(s, &local) &&
	    read_address(s, a, &local, out) && mail_skip_cfws(s) &&
	    scan_byte(s, '>');
}

/* The "null" members of RFC 5322 section 4.4 are skipped alike. */
static bool
skip_separators(struct scan *s)
{
	do {
		if (!mail_skip_cfws(s))
			return false;
	} while (scan_byte(s, ',') || scan_byte(s, ';'));
	return true;
}

static bool
is_at_end(struct scan *s)
{
	if (!mail_skip_cfws(s))
		return false;
	return scan_done(s) || *s->p == ',' || *s->p == ';';
}

static bool
read_mailbox(struct scan *s, struct arena *a, const struct words *w,
    struct mail_address *out)
{
	if (scan_byte(s, '<'))
		return read_angle(s, a, out) && is_at_end(s);
	if (!read_address(s, a, w, out))
		return false;
	/* an address as the name of another one, if it is written in one piece
	 */
	const char *at = out->local.p + out->local.n;
	bool plain =
	    out->domain.p == at + 1 && out->domain.p + out->domain.n == s->p;

	return is_at_end(s) || (plain && scan_peek(s) == '<');
}

enum mail_address_step
mail_address_next(struct scan *s, struct arena *a, struct mail_address *out)
{
	struct words w;

	do {
		if (!skip_separators(s))
			return ADDRESS_BAD;
		if (scan_done(s))
			return ADDRESS_END;
		if (!read_words(s, &w))
			return ADDRESS_BAD;
	} while (w.n > 0 && scan_byte(s, ':')); /* group, section 3.4 */
	return read_mailbox(s, a, &w, out) ? ADDRESS_ONE : ADDRESS_BAD;
}

/* ---- the author's domains ---- */

struct author_reading {
	struct mail_from *from;
	size_t n_addresses;
	bool cut, bad_domain;
};

static bool
has_domain(const struct author_reading *from, struct span name)
{
	for (size_t i = 0; i < from->from->n_domains; i++)
		if (domain_equal(from->from->domains[i], name))
			return true;
	return false;
}

/* False: `text` is no domain name of at least so many labels. */
static bool
add_domain(struct author_reading *out, struct arena *a, struct span text,
    size_t labels_min)
{
	struct span name;

	if (has_domain(out, text) ||
	    (out->cut && out->from->n_domains == MAIL_AUTHORS_MAX))
		return true; /* nothing new can come of it */
	/* RFC 9989 section 5.3.1: U-labels become A-labels */
	name = domain_normal(a, text);
	if (!domain_is_hostname(name) || domain_labels(name) < labels_min ||
	    span_all(domain_suffix(name, 1), ascii_is_digit))
		return false;
	if (has_domain(out, name))
		return true;
	if (out->from->n_domains == MAIL_AUTHORS_MAX)
		out->cut = true;
	else
		out->from->domains[out->from->n_domains++] = name;
	return true;
}

static bool
is_name_or_dot(unsigned char c)
{
	return ascii_is_tag(c) || c == '-' || c == '.' || c >= 0x80;
}

/* A lone label is no author that anybody would know: "Jo @ Work <a@b.example>".
 */
static void
add_recovered(struct author_reading *out, struct arena *a, struct span text)
{
	while (text.n > 0 && (text.p[0] == '.' || text.p[0] == '-'))
		text = span_skip(text, 1);
	while (text.n > 0 &&
	    (text.p[text.n - 1] == '.' || text.p[text.n - 1] == '-'))
		text.n--;
	if (text.n > 0)
		add_domain(out, a, text, 2);
}

/*
 * RFC 9989 section 11.5: what is crafted so that readers differ is judged by
 * every domain that any of them might see.  Linear, as comments nest no deeper
 * than MAIL_COMMENT_DEPTH_MAX.
 */
static void
recover(struct author_reading *out, struct arena *a, struct span text,
    size_t *tries)
{
	struct scan s = scan_of(text);

	for (;;) {
		struct scan at;
		struct span domain;

		scan_until(&s, '@');
		if (!scan_byte(&s, '@'))
			return;
		if ((*tries)++ == MAIL_ADDRESSES_MAX) {
			out->cut = true;
			return;
		}
		at = s;
		mail_skip_cfws(&at);
		scan_byte(&at, '[');
		if (read_dotted(&(struct scan){ at.p, at.end }, a, &domain))
			add_recovered(out, a, domain);
		add_recovered(out, a, scan_while(&at, is_name_or_dot));
	}
}

/*
 * RFC 5322 sections 2.2 and 4.1: NUL, a bare CR and a bare LF end a line, a
 * field or nothing, each reader as it likes.
 */
static bool
is_clean(struct span value)
{
	struct scan s = scan_of(value);

	while (!scan_done(&s)) {
		int c = scan_next(&s);

		if (c == '\0' || c == '\n')
			return false;
		if (c == '\r' &&
		    (!scan_byte(&s, '\n') || scan_done(&s) ||
			!ascii_is_wsp((unsigned char)*s.p)))
			return false;
	}
	return true;
}

static void
keep_first(struct author_reading *out, struct arena *a,
    const struct mail_address *address)
{
	struct buf b;

	if (out->from->first.p != NULL)
		return;
	b = buf_in(a, address->local.n + address->domain.n + 2);
	buf_span(&b, address->local);
	buf_byte(&b, '@');
	buf_span(&b, address->domain);
	if (!b.full)
		out->from->first = buf_done(&b);
}

/* False: `value` cannot be read to its end. */
static bool
read_field(struct author_reading *out, struct arena *a, struct span value,
    size_t *tries)
{
	struct scan s = scan_of(value);
	struct mail_address address;
	enum mail_address_step step;
	bool clean = is_clean(value);
	bool names = true;

	while ((step = mail_address_next(&s, a, &address)) == ADDRESS_ONE) {
		if (out->n_addresses == MAIL_ADDRESSES_MAX) {
			out->cut = true;
			return clean;
		}
		out->n_addresses++;
		keep_first(out, a, &address);
		names = add_domain(out, a, address.domain, 1) && names;
	}
	out->bad_domain = out->bad_domain || !names;
	if (clean && names && step == ADDRESS_END)
		return true;
	recover(out, a, value, tries);
	recover(out, a, mail_encoded_words(a, value), tries);
	return clean && step == ADDRESS_END;
}

/* NULL: valid or sloppy */
static const char *
invalid_reason(const struct author_reading *r, bool good, struct arena *a)
{
	if (arena_has_failed(a))
		return "out of memory";
	if (r->from->n_fields == 0)
		return "no From field";
	if (r->from->n_fields > 1) /* RFC 5322 section 3.6 */
		return "several From fields";
	if (r->cut)
		return "more than 8 author domains";
	if (r->bad_domain || (!good && r->from->n_domains > 1))
		return "the From field is not valid";
	if (r->from->n_domains == 0)
		return "the From field names no address";
	return NULL;
}

void
mail_from_read(
    const struct mail_header *h, struct arena *a, struct mail_from *out)
{
	struct author_reading r = { .from = out };
	size_t tries = 0;
	bool good = true, at = false;

	*out = (struct mail_from){ .state = MAIL_FROM_VALID };
	for (size_t i = mail_header_find(h, "From", 0); i < h->n;
	     i = mail_header_find(h, "From", i + 1)) {
		struct span value = h->fields[i].value;

		out->n_fields++;
		at = at || span_has(value, '@') || span_has(value, '%') ||
		    span_has(value, '!');
		good = read_field(&r, a, value, &tries) && good;
	}
	out->reason = invalid_reason(&r, good, a);
	if (out->reason != NULL)
		out->state = MAIL_FROM_INVALID;
	else if (!good)
		out->state = MAIL_FROM_SLOPPY;
	out->nameless =
	    out->state == MAIL_FROM_INVALID && out->n_domains == 0 && !at;
}

const char *
mail_from_state_name(enum mail_from_state state)
{
	static const struct name names[] = {
		{ "valid", MAIL_FROM_VALID },
		{ "sloppy", MAIL_FROM_SLOPPY },
		{ "invalid", MAIL_FROM_INVALID },
	};

	return table_name(names, TABLE_SIZE(names), (int)state);
}

/* ---- the envelope and lists ---- */

struct span
mail_envelope_domain(struct span address, struct span *local)
{
	struct span rest = span_trim(address);
	size_t at;

	if (rest.n > 0 && rest.p[0] == '<')
		rest = span_skip(rest, 1);
	if (rest.n > 0 && rest.p[rest.n - 1] == '>')
		rest.n--;
	/* RFC 5321 section 4.1.2: a source route is ignored */
	if (rest.n > 0 && rest.p[0] == '@' && span_has(rest, ':'))
		rest = span_skip(rest, span_index(rest, ':') + 1);
	at = span_rindex(rest, '@');
	if (local != NULL)
		*local = span_first(rest, at);
	return at + 1 < rest.n ? span_skip(rest, at + 1) : SPAN_NONE;
}

/*
 * RFC 2919 section 3: "[phrase] <list-id>".  Phrases with bare specials are
 * common; then the last angle bracket counts.
 */
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
