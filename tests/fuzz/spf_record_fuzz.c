/*
 * spf_record_fuzz.c - reads arbitrary bytes as an SPF record.  Terms must be
 * inside the record and in order, and a term without errors must have what its
 * kind requires.
 */
#include <assert.h>
#include <stdint.h>

#include "spf/macro.h"
#include "spf/record.h"

enum { ARENA = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_spec(const struct spf_term *t)
{
	enum spf_macro_use use =
	    t->kind == SPF_KIND_OTHER ? SPF_MACRO_STRING : SPF_MACRO_DOMAIN;
	unsigned needs;

	if (t->spec.p == NULL)
		return;
	assert(t->spec.p > t->text.p &&
	    t->spec.p + t->spec.n <= t->text.p + t->text.n);
	assert(spf_macro_check(t->spec, use, &needs) == NULL);
	assert(needs == t->needs);
}

static void
check_term(const struct spf_term *t)
{
	bool is_network = t->kind == SPF_KIND_IP4 || t->kind == SPF_KIND_IP6;

	assert(t->text.n > 0 && !span_has(t->text, ' '));
	assert((t->kind == SPF_KIND_WRONG) <= (t->fault != NULL));
	if (t->fault != NULL)
		return;
	assert(t->bits4 <= 32 && t->bits6 <= 128);
	assert(is_network == (t->ip.family != IP_NONE));
	assert((t->kind == SPF_KIND_IP4) == (t->ip.family == IP_V4));
	if (t->kind == SPF_KIND_INCLUDE || t->kind == SPF_KIND_EXISTS ||
	    t->kind >= SPF_KIND_REDIRECT)
		assert(t->spec.p != NULL);
	check_spec(t);
}

static void
check_record(const struct spf_record *r)
{
	const char *end = r->text.p;

	for (size_t i = 0; i < r->n; i++) {
		const struct spf_term *t = &r->terms[i];

		assert(t->text.p > end);
		end = t->text.p + t->text.n;
		assert(end <= r->text.p + r->text.n);
		check_term(t);
		assert(t->fault == NULL || r->fault != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct arena *a = arena_new(ARENA);
	struct spf_record r;

	if (a != NULL && size <= SPF_MAX_RECORD && spf_record_is(text)) {
		if (spf_record_parse(a, text, &r))
			check_record(&r);
		else
			assert(arena_has_failed(a));
	}
	arena_free(a);
	return 0;
}
