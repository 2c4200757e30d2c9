/*
 * audit_domain_fuzz.c - audits a domain with an arbitrary zone.
 *
 * The first line of the input is the domain; the rest is a zone file.
 */
#include <assert.h>
#include <stdint.h>

#include "audit/change.h"
#include "audit/domain/domain.h"
#include "audit/domain/sts.h"
#include "dkim/dkim.h"
#include "dns/zone.h"
#include "lib/ascii.h"
#include "tests/support/core_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 8 << 20, QUESTIONS = 1000 };

static const struct span selectors[] = { { "s1", 2 } };
static const struct ip outgoing[] = { { IP_V4, { 192, 0, 2, 1 } },
	{ IP_V6, { 0x20, 1, 0xd, 0xb8, [15] = 1 } } };
static const struct dkim_options dkim = { .min_rsa_bits = 1024 };

struct audit_domain_fuzz_run {
	struct audit_query query;
	struct dns_questions *questions;
	struct arena *arena;
	struct audit_domain result;
};

static enum core_status
audit(void *arg)
{
	struct audit_domain_fuzz_run *r = arg;

	arena_rewind(r->arena);
	return audit_domain(&r->query, r->questions, r->arena, &r->result);
}

static void
check_lines(const struct span *lines, size_t n)
{
	assert(n <= AUDIT_CHANGES_MAX);
	for (size_t i = 0; i < n; i++)
		assert(span_all(lines[i], ascii_is_print));
}

static void
check_result(struct audit_domain *d)
{
	bool only_hints;

	audit_domain_grade(d);
	only_hints = d->findings.counts[AUDIT_ERROR] == 0 &&
	    d->findings.counts[AUDIT_WARNING] == 0;
	for (size_t i = 0; i < d->findings.n; i++) {
		const struct audit_finding *f = &d->findings.list[i];

		assert(f->area != NULL);
		assert(span_all(f->text, ascii_is_print));
		assert(span_all(f->fix, ascii_is_print));
		assert(span_all(f->where, ascii_is_print));
		if (f->change == NULL)
			continue;
		check_lines(f->change->remove, f->change->n_remove);
		check_lines(f->change->publish, f->change->n_publish);
	}
	assert((d->arrive == '-') == (d->spoof == '-'));
	assert(d->arrive == '-' || (d->arrive >= 'A' && d->arrive <= 'F'));
	assert(!only_hints || d->arrive == '-' ||
	    (d->arrive == 'A' && d->spoof == 'A'));
	assert(!d->is_unsure || d->arrive == '-');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct span domain = span_first(text, span_index(text, '\n'));
	char error[512];
	struct dns_source *zone = dns_zone_parse(
	    "zone", span_skip(text, domain.n + 1), error, sizeof(error));

	if (zone == NULL)
		return 0;

	struct audit_domain_fuzz_run r = { .questions =
					       dns_questions_new(QUESTIONS),
		.arena = arena_new(MEMORY),
		.query = { .domain = domain,
		    .selectors = selectors,
		    .n_selectors = 1,
		    .outgoing = outgoing,
		    .n_outgoing = 2,
		    .dkim = &dkim,
		    .now = 1767225600 } };

	assert(r.questions != NULL && r.arena != NULL);
	pump_core(r.questions, zone, false, audit, &r);
	if (r.result.domain.p != NULL)
		audit_sts(&r.result, r.arena, r.query.domain, NULL);
	check_result(&r.result);
	for (unsigned long nth = 1; nth <= 8; nth++) {
		arena_fail_at(r.arena, nth);
		enum core_status step = audit(&r);

		assert(step == CORE_DONE);
		assert(r.result.findings.cut || !arena_has_failed(r.arena));
		check_result(&r.result);
	}
	dns_questions_free(r.questions);
	arena_free(r.arena);
	zone->close(zone);
	return 0;
}
