/*
 * mail_from_fuzz.c - any bytes as the value of From fields, one a line that
 * does not begin with white space (RFC 5322 section 3.4, RFC 9989 section
 * 11.5)
 */
#include <assert.h>
#include <stdint.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "mail/address.h"
#include "mail/encoded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 8 << 20 };

static bool
lies_within(struct span part, struct span whole)
{
	return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static void
check_list(struct span value, struct arena *a)
{
	struct scan s = scan_of(value);
	struct mail_address address;
	enum mail_address_step step;
	const char *last = NULL;

	while ((step = mail_address_next(&s, a, &address)) == ADDRESS_ONE) {
		assert(s.p != last); /* it goes on */
		last = s.p;
		assert(lies_within(address.local, value));
		assert(address.local.n > 0 && address.domain.n > 0);
		if (address.domain.p[0] == '[')
			assert(span_ends_nocase(address.domain, "]"));
		else
			assert(!span_has(address.domain, ' ') &&
			    !span_has(address.domain, '('));
	}
	assert(lies_within(scan_rest(&s), value));
	assert(step == ADDRESS_BAD || scan_done(&s));
}

static void
check_domains(const struct mail_from *from, struct arena *a)
{
	assert(from->n_domains <= MAIL_AUTHORS_MAX);
	for (size_t i = 0; i < from->n_domains; i++) {
		struct span name = from->domains[i];

		assert(domain_is_hostname(name));
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
		assert(from->n_domains == 1);
	if (from->state == MAIL_FROM_VALID)
		assert(from->n_domains > 0 && from->first.p != NULL);
	if (from->nameless)
		assert(from->n_domains == 0);
}

/* The simplest of readers is never shown a domain that is not told. */
static void
check_simple_reader(
    const struct mail_from *from, struct span value, struct arena *a)
{
	struct span domain, normal;
	size_t at = span_rindex(value, '@');
	bool told = false;

	if (from->n_domains == MAIL_AUTHORS_MAX || at == value.n)
		return;
	struct scan s = scan_of(span_skip(value, at + 1));

	domain = scan_while(&s, ascii_is_alnum);
	if (!scan_byte(&s, '.') || domain.n == 0 || scan_done(&s) ||
	    !ascii_is_alpha((unsigned char)*s.p))
		return;
	scan_while(&s, ascii_is_alnum);
	if (!scan_done(&s) && ascii_is_atext((unsigned char)*s.p))
		return;
	if (scan_peek(&s) == '.')
		return;
	domain = span_between(domain.p, s.p);
	normal = domain_normal(a, domain);
	for (size_t i = 0; i < from->n_domains; i++)
		told = told || span_equal(from->domains[i], normal);
	assert(told || !domain_is_hostname(normal));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct arena *a = arena_new(CAP);
	struct mail_header h = { 0 };
	struct scan s = scan_of(text);
	struct mail_from from;
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
		if (h.n == 1)
			check_simple_reader(&from, h.fields[0].value, a);
	}
	arena_rewind(a);
	check_list(text, a);
	assert(
	    !mail_envelope_domain(text, &local).p || lies_within(local, text));
	assert(mail_list_id(text).p == NULL ||
	    lies_within(mail_list_id(text), text));
	assert(mail_encoded_words(a, text).n <= size);
	arena_free(a);
	return 0;
}
