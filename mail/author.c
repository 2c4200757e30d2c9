/*
 * The sender of a message writes the From field, and programs differ in how
 * they read a malformed one.  The rule is: if any program could show an address
 * at a domain, or an MTA could rewrite the field to it, then that domain is one
 * of the authors, all of which must pass, or the field is invalid.
 *
 * 1. VALID: one field that follows RFC 5322 and 6532, including the obsolete
 *    forms.  The domain of each mailbox is an author.  Some programs decode
 *    encoded words before they parse, take a full-width "@" for "@", look into
 *    a quoted local part, or end a domain at white space.  A domain that they
 *    would find is a possible author.  Quoted display names and comments are
 *    not searched unless they span several lines, there are groups, or the
 *    field is long: MTAs may cut it, or break its line inside a name.
 * 2. SLOPPY: one field that is not valid, but in which every "@", wherever it
 *    is, belongs to a clean address, and all these addresses have the same
 *    domain.
 *    - An "@" before a word without a dot has no domain, as in "News @
 *      Acme <a@b.cc>".  Some programs drop white space or comments after such a
 *      word and may still find a domain, which is a possible author.
 *    - "%" counts like "@" if a dotted name follows, and "!" and "^" if one
 *      precedes them: MTAs rewrite "alice%b.example" and "b.example!alice".
 *    - Angle brackets must contain a clean address.
 *    - The route of "<@a.example:joe@b.example>" is ignored.
 * 3. INVALID: everything else.
 *
 * A domain is clean if it is a valid DNS name and its top label consists of
 * letters, digits and hyphens: "a+b.bank.example" is below bank.example, but
 * strings that are not names ("bank.example'", "bank..example", invisible
 * characters) are not clean.
 */
#include "mail/author_internal.h"

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "mail/address.h"
#include "mail/lex.h"
#include "mail/rfc2047.h"

/* RFC 5322 section 2.1.1 allows 998 bytes.  MTAs break longer lines anywhere,
 * even in a domain: Sendmail after 990 bytes, Postfix after 998. */
enum { LINE_BYTES_MAX = 980 };

/* RFC 5322 sections 2.2 and 4.1: programs differ in whether a NUL, a bare CR, a
 * bare LF or a quoted line end ends a line, a field, or neither. */
static bool
has_clean_lines(struct span value)
{
	struct scan s = scan_of(value);
	const char *line = value.p;
	int before = -1;

	while (!scan_done(&s)) {
		int c = scan_next(&s);

		if (c == '\r')
			line = s.p;
		if (c == '\0' || c == '\n' || s.p - line > LINE_BYTES_MAX)
			return false;
		if (c == '\r' &&
		    (before == '\\' || !scan_byte(&s, '\n') || scan_done(&s) ||
			!ascii_is_wsp((unsigned char)*s.p)))
			return false;
		before = c;
	}
	return true;
}

static bool
is_valid_list(struct author_reading *r, struct span value)
{
	struct mail_address_list list = mail_address_list_of(value, r->a);
	struct mail_address address;
	enum mail_address_status step;

	do {
		step = mail_address_next(&list, &address);
	} while (step == ADDRESS_ONE);
	r->has_group = list.has_group;
	return step == ADDRESS_END && list.valid;
}

/*
 * A name without a dot is only a possible author, since "Sales @ Acme, Inc.
 * <a@b.example>" is a valid list of two addresses.
 */
static void
add_lone(struct author_reading *r, struct span name)
{
	r->lone = true;
	author_add_domain(r, r->possible, &r->n_possible, name);
}

/* Sendmail stores a byte from 0x80 to 0x9f as two bytes. */
static size_t
sendmail_size(struct span text)
{
	size_t n = text.n;

	for (size_t i = 0; i < text.n; i++)
		n += ((unsigned char)text.p[i] & 0xe0) == 0x80;
	return n;
}

static void
keep_longest(struct author_reading *r, struct span text)
{
	size_t n = sendmail_size(text);

	if (n > r->out->longest)
		r->out->longest = n;
}

/* Adds the authors of a valid field. */
static void
add_mailboxes(struct author_reading *r, struct span value)
{
	struct mail_address_list list = mail_address_list_of(value, r->a);
	struct mail_address address;
	const char *from = list.s.p;

	while (mail_address_next(&list, &address) == ADDRESS_ONE) {
		struct span name = author_read_name(r, address.domain);

		keep_longest(r, span_between(from, list.s.p));
		from = list.s.p;
		author_keep_first(r, address.local, address.domain);
		if (name.p == NULL)
			author_set_problem(
			    r, "an author's domain is not valid");
		else if (domain_labels(name) > 1)
			author_add(r, name);
		else
			add_lone(r, name);
	}
}

/*
 * Returns a valid field without its comments and quoted display names, which no
 * program mistakes for addresses if there are no groups and nothing is cut.  A
 * comment after an "@" and a quoted local part are kept, and so is anything
 * with a line end, which ends the comment or string in Python's email package.
 * Returns an absent span if `a` is full.
 */
static struct span
without_names(struct arena *a, struct span value)
{
	struct buf b = buf_alloc(a, value.n + 1);
	struct scan s = scan_of(value);
	char last = ' '; /* the last byte that is not white space */

	while (!scan_done(&s)) {
		const char *from = s.p;
		struct span kept = span_first(scan_rest(&s), 1);

		if (mail_skip_comment(&s)) {
			kept = span_between(from, s.p);
			if (last != '@' && !span_has(kept, '\r'))
				kept = SPAN(" ");
		} else if (mail_quoted(&s, &kept)) {
			struct scan at = s;

			author_skip_cfws(&at);
			if (scan_peek(&at) != '@' && scan_peek(&at) != '.' &&
			    !span_has(kept, '\r'))
				kept = SPAN(" ");
		} else {
			scan_next(&s);
			if (!ascii_is_space((unsigned char)kept.p[0]))
				last = kept.p[0];
		}
		buf_span(&b, kept);
	}
	return b.full ? SPAN_NONE : buf_view(&b);
}

/* Reads the field like a program that decodes it before parsing it.  Returns
 * whether strict decoding would find other encoded words. */
static bool
read_decoded(struct author_reading *r, struct span value, bool strict)
{
	struct mail_decoded decoded;
	bool ambiguous;

	mail_decode_words(r->a, value, strict, &decoded);
	ambiguous = decoded.ambiguous;
	if (decoded.unreadable) {
		r->named = true;
		author_set_problem(r,
		    "the From field has an encoded word that cannot be read");
	}
	if (r->valid && !r->has_group && !decoded.specials && !ambiguous &&
	    sendmail_size(value) <= MAIL_MAILBOX_MAX)
		mail_decode_words(
		    r->a, without_names(r->a, value), strict, &decoded);
	if (author_is_deep(decoded.text)) {
		r->named = true;
		author_set_problem(r, AUTHOR_NOT_VALID);
		return false;
	}
	author_read_at_signs(r, decoded.text);
	return ambiguous;
}

static bool
is_no_space(unsigned char c)
{
	return !ascii_is_space(c);
}

/* Notes what Sendmail does with the words of a field that is not valid. */
static void
note_words(struct mail_from *out, struct span value)
{
	struct scan s = scan_of(value);

	for (size_t i = 0; i < value.n; i++)
		out->has_local_words = out->has_local_words ||
		    span_has(SPAN(",()\"\\"), value.p[i]);
	if (span_has(value, '<'))
		return;
	scan_until(&s, '@');
	scan_while(&s, is_no_space);
	scan_while(&s, ascii_is_space);
	out->joins_words = !scan_done(&s);
}

static void
read_author_field(struct author_reading *r, struct span value)
{
	r->n_bytes += value.n;
	if (r->n_bytes > MAIL_AUTHOR_TEXT_MAX) {
		r->named = true;
		author_set_problem(r, AUTHOR_TOO_LONG);
		return;
	}
	if (!has_clean_lines(value)) {
		r->named = true;
		author_set_problem(r, AUTHOR_NOT_VALID);
	}
	r->valid = is_valid_list(r, value);
	if (r->valid) {
		add_mailboxes(r, value);
	} else {
		keep_longest(r, value);
		note_words(r->out, value);
		author_check_angles(r, value);
	}
	if (read_decoded(
		r, value, false)) /* programs differ on where words end */
		read_decoded(r, value, true);
	if (!r->valid && !author_is_deep(value))
		author_read_mta_signs(r, value);
}

/* Appends the possible authors to the certain ones.  If no domain in an
 * address has a dot ("root@localhost"), the possible ones count as certain. */
static void
add_all_possible(struct author_reading *r)
{
	size_t n_certain = r->out->n_domains;

	for (size_t i = 0; i < r->n_possible; i++)
		author_add(r, r->possible[i]);
	if (n_certain > 0 || !r->lone)
		r->out->n_possible = r->out->n_domains - n_certain;
}

static const char *
invalid_reason(const struct author_reading *r)
{
	if (arena_has_failed(r->a))
		return "out of memory";
	if (r->out->n_fields == 0)
		return "no From field";
	if (r->out->n_fields > 1) /* RFC 5322 section 3.6 */
		return "several From fields";
	if (r->problem != NULL)
		return r->problem;
	if (r->out->n_domains == r->out->n_possible)
		return "the From field names no address";
	return NULL;
}

void
mail_from_read(
    const struct mail_header *h, struct arena *a, struct mail_from *out)
{
	struct author_reading r = { .out = out, .a = a };

	*out = (struct mail_from){ .state = MAIL_FROM_VALID };
	for (size_t i = mail_header_find(h, "From", 0); i < h->n;
	     i = mail_header_find(h, "From", i + 1)) {
		out->n_fields++;
		read_author_field(&r, h->fields[i].value);
	}
	add_all_possible(&r);
	out->reason = invalid_reason(&r);
	if (out->reason != NULL)
		out->state = MAIL_FROM_INVALID;
	else if (!r.valid)
		out->state = MAIL_FROM_SLOPPY;
	out->nameless = out->reason != NULL && !r.named;
}

const char *
mail_from_state_name(enum mail_from_state state)
{
	static const struct enum_token names[] = {
		{ "valid", MAIL_FROM_VALID },
		{ "sloppy", MAIL_FROM_SLOPPY },
		{ "invalid", MAIL_FROM_INVALID },
	};

	return enum_name(names, ARRAY_SIZE(names), (int)state);
}
