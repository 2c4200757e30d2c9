/*
 * mail_from_fuzz.c - reads arbitrary bytes as the values of From fields, one
 * for each line that does not begin with white space (RFC 5322 section 3.4, RFC
 * 9989 section 11.5)
 */
#include <assert.h>
#include <stdint.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "mail/address.h"
#include "mail/author.h"
#include "mail/rfc2047.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 8 << 20 };

static bool
lies_within(struct span part, struct span whole)
{
	return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static bool
is_author(const struct mail_from *from, struct span name)
{
	for (size_t i = 0; i < from->n_domains; i++)
		if (domain_equal(from->domains[i], name))
			return true;
	return false;
}

static void
check_list(struct span value, struct arena *a)
{
	struct mail_address_list list = mail_address_list_of(value, a);
	struct mail_address address;
	enum mail_address_status step;
	const char *last = NULL;

	while ((step = mail_address_next(&list, &address)) == ADDRESS_ONE) {
		assert(list.s.p != last); /* the list must advance */
		last = list.s.p;
		assert(lies_within(address.local, value));
		assert(address.local.n > 0 && address.domain.n > 0);
		if (address.domain.p[0] == '[')
			assert(span_ends_nocase(address.domain, "]"));
		else
			assert(!span_has(address.domain, ' ') &&
			    !span_has(address.domain, '('));
	}
	assert(lies_within(scan_rest(&list.s), value));
	assert(step == ADDRESS_BAD ? !list.valid : scan_done(&list.s));
}

static void
check_domains(const struct mail_from *from, struct arena *a)
{
	assert(from->n_domains <= MAIL_AUTHORS_MAX);
	assert(from->n_possible <= from->n_domains);
	for (size_t i = 0; i < from->n_domains; i++) {
		struct span name = from->domains[i];

		assert(domain_is_valid(name));
		assert(span_equal(domain_normal(a, name), name));
		for (size_t k = 0; k < i; k++)
			assert(!span_equal(name, from->domains[k]));
	}
}

static void
check_state(const struct mail_from *from, const struct mail_header *h)
{
	assert(from->n_fields == h->n);
	assert((from->state == MAIL_FROM_INVALID) == (from->reason != NULL));
	if (h->n != 1)
		assert(from->state == MAIL_FROM_INVALID);
	if (from->state == MAIL_FROM_SLOPPY)
		assert(from->n_domains - from->n_possible == 1);
	if (from->state != MAIL_FROM_INVALID)
		assert(from->n_domains > from->n_possible &&
		    from->first.p != NULL && !from->nameless);
	if (from->nameless)
		assert(from->n_domains == 0);
}

/* Checks that each mailbox of a valid field is an author. */
static void
check_valid(const struct mail_from *from, struct span value, struct arena *a)
{
	struct mail_address_list list = mail_address_list_of(value, a);
	struct mail_address address;

	while (mail_address_next(&list, &address) == ADDRESS_ONE)
		assert(is_author(from, domain_normal(a, address.domain)));
	assert(list.valid);
}

/*
 * Checks that each "@" of a sloppy field is taken into account: a very simple
 * program, which reads letters, digits and dots after it as a domain, must find
 * one of the authors.  Other domains are only allowed in a route.
 */
static void
check_sloppy(const struct mail_from *from, struct span value)
{
	struct scan s = scan_of(value);

	for (;;) {
		struct span domain;

		scan_until(&s, '@');
		if (!scan_byte(&s, '@'))
			return;
		const char *start = s.p;

		scan_while(&s, ascii_is_alnum);
		if (s.p == start || !scan_byte(&s, '.') ||
		    scan_while(&s, ascii_is_alnum).n == 0)
			continue;
		domain = span_between(start, s.p);
		if (scan_done(&s) || scan_peek(&s) == '>' ||
		    scan_peek(&s) == ' ')
			assert(is_author(from, domain) || span_has(value, ':'));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct arena *a = arena_new(CAP);
	struct mail_header h = { 0 };
	struct scan s = scan_of(text);
	struct mail_from from;
	struct mail_decoded decoded;
	struct span local;

	while (!scan_done(&s)) {
		const char *line = s.p;

		do {
			scan_until(&s, '\n');
			scan_byte(&s, '\n');
		} while (!scan_done(&s) && ascii_is_wsp((unsigned char)*s.p));
		mail_header_add(&h, a, SPAN("From"), span_between(line, s.p));
	}
	mail_from_read(&h, a, &from);
	assert(!arena_has_failed(a) || from.state == MAIL_FROM_INVALID);
	if (!h.cut && !arena_has_failed(a)) {
		check_state(&from, &h);
		check_domains(&from, a);
		if (from.state == MAIL_FROM_VALID)
			check_valid(&from,
			    h.fields[mail_header_find(&h, "From", 0)].value, a);
		if (from.state == MAIL_FROM_SLOPPY)
			check_sloppy(&from,
			    h.fields[mail_header_find(&h, "From", 0)].value);
	}
	arena_rewind(a);
	check_list(text, a);
	assert(
	    !mail_envelope_domain(text, &local).p || lies_within(local, text));
	assert(mail_list_id(text).p == NULL ||
	    lies_within(mail_list_id(text), text));
	arena_rewind(a);
	mail_decode_words(a, text, false, &decoded);
	assert(decoded.text.n <= size);
	arena_rewind(a);
	mail_decode_words(a, text, true, &decoded);
	assert(decoded.text.n <= size && !decoded.ambiguous);
	arena_free(a);
	return 0;
}
