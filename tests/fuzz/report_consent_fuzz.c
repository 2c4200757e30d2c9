/*
 * report_consent_fuzz.c - reads rua and ruf from an arbitrary record, with
 * arbitrary DNS answers (RFC 9990 section 4).
 *
 * The lines of the input are the policy domain, the record, and the possible
 * answers.
 */
#include "report/send/external_destination.h"

#include <assert.h>
#include <stdint.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "tests/support/lines.h"
#include "tests/support/core_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct consent_fuzz_run {
	struct destination_query query;
	struct dns_questions *questions;
	struct arena *arena;
	struct destination_result result;
};

static enum core_status
check_report_consent(void *arg)
{
	struct consent_fuzz_run *r = arg;

	arena_rewind(r->arena);
	return destination_check(&r->query, r->questions, r->arena, &r->result);
}

/* Checks the addresses, which are put on a command line and in a header
 * field. */
static void
check_addresses(const struct consent_fuzz_run *r)
{
	for (size_t i = 0; i < r->result.n_addresses; i++) {
		struct span to = r->result.addresses[i];
		struct span host = span_skip(to, span_index(to, '@') + 1);

		assert(to.n > 0 && to.p[0] != '-');
		assert(span_all(to, ascii_is_visible));
		assert(domain_is_fqdn(host));
		assert(!span_has(to, '|') && !span_has(to, '/'));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan s = scan_of(span_of((const char *)data, size));
	struct lines_source source;
	struct arena *names = arena_new(1 << 16);
	struct consent_fuzz_run r = { .questions = dns_questions_new(
					  DESTINATION_QUESTIONS),
		.arena = arena_new(DESTINATION_MEMORY) };
	struct dmarc_record record;
	const char *reason;

	assert(names != NULL && r.questions != NULL && r.arena != NULL);
	r.query.policy_domain = domain_normal(names, lines_next(&s, '\n'));
	dmarc_record_parse(lines_next(&s, '\n'), &record, &reason);
	lines_open(&source, &s);
	if (r.query.policy_domain.p != NULL) {
		for (int kind = DESTINATION_RUA; kind <= DESTINATION_RUF;
		     kind++) {
			bool rua = kind == DESTINATION_RUA;

			r.query.kind = (enum destination_kind)kind;
			r.query.uris = rua ? record.rua : record.ruf;
			r.query.n_uris = rua ? record.n_rua : record.n_ruf;
			pump_core(r.questions, &source.source, false,
			    check_report_consent, &r);
			assert(!arena_has_failed(r.arena));
			check_addresses(&r);
		}
	}
	dns_questions_free(r.questions);
	arena_free(r.arena);
	arena_free(names);
	return 0;
}
