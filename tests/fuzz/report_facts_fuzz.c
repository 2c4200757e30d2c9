/*
 * report_facts_fuzz.c - reads facts and signatures from a store with arbitrary
 * content.  Reading must terminate, and the result must be unchanged after it
 * is written and read again.
 */
#include <assert.h>
#include <stdint.h>

#include "report/record/policy_input_codec.h"
#include "report/record/row.h"

enum { MEMORY = 1 << 16 };

static void
try_facts(struct span bytes, struct arena *a)
{
	struct policy_input first, second;
	char memory[FACTS_BYTES_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	if (!facts_unpack(bytes, a, &first))
		return;
	facts_pack(&b, &first);
	assert(!b.full);
	assert(facts_unpack(buf_view(&b), a, &second));
	assert(first.spf == second.spf && first.dmarc == second.dmarc);
	assert(first.is_list == second.is_list);
	assert(span_equal(first.mail_from_domain, second.mail_from_domain));
}

static void
try_signatures(struct span bytes)
{
	struct report_row first, second;
	char memory[REPORT_DKIM_TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	report_dkim_read(bytes, &first);
	assert(first.n_dkim <= REPORT_DKIM_MAX);
	report_dkim_put(&b, &first);
	assert(!b.full);
	report_dkim_read(buf_view(&b), &second);
	assert(first.n_dkim == second.n_dkim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of((const char *)data, size);
	struct arena *a = arena_new(MEMORY);

	if (a == NULL)
		return 0;
	try_facts(bytes, a);
	try_signatures(bytes);
	arena_free(a);
	return 0;
}
