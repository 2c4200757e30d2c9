/*
 * audit_text_fuzz.c - untrusted text that an audit reads: an MTA-STS policy, a
 * Received field, a rejection, a date.
 */
#include <assert.h>
#include <stdint.h>

#include "audit/domain/sts.h"
#include "audit/message/message.h"
#include "lib/ascii.h"
#include "lib/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 4 << 20 };

static void
check_policy(struct span text)
{
	struct sts_policy p;

	if (sts_policy_parse(text, &p) != NULL)
		return;
	assert(p.n_patterns <= STS_PATTERNS_MAX);
	assert(p.mode == STS_MODE_NONE || p.n_patterns > 0);
	for (size_t i = 0; i < p.n_patterns; i++)
		assert(p.patterns[i].p >= text.p &&
		    p.patterns[i].p + p.patterns[i].n <= text.p + text.n);
	sts_policy_covers(&p, SPAN("mx.example.com"));
}

static void
check_hop(struct span text)
{
	struct audit_hop hop;

	audit_hop_read(text, &hop);
	assert(hop.helo.p == NULL ||
	    (hop.helo.p >= text.p &&
		hop.helo.p + hop.helo.n <= text.p + text.n));
	assert(hop.when >= 0);
}

static void
check_bounce(struct span text)
{
	struct arena *a = arena_new(MEMORY);
	struct audit_findings f;

	assert(a != NULL);
	audit_findings_init(&f, a);
	audit_bounce(text, a, &f);
	assert(f.n <= audit_n_provider_rules);
	for (size_t i = 0; i < f.n; i++)
		assert(span_all(f.list[i].text, ascii_is_print));
	arena_free(a);
}

static void
check_date(struct span text)
{
	struct scan s = scan_of(text);
	int64_t when = -1;

	if (date_read_mail(&s, &when))
		assert(when >= 0 && when <= DATE_LAST + DATE_DAY);
	else
		assert(scan_rest(&s).n == text.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);

	check_policy(text);
	check_hop(text);
	check_bounce(text);
	check_date(text);
	return 0;
}
