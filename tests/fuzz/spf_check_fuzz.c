/*
 * spf_check_fuzz.c - reads a line "IP HELO SENDER" (without SENDER, HELO is the
 * identity) and a zone.  check_host() must end within its limits.  Its result
 * must not depend on whether answers arrive all at the same time or one by one;
 * with less memory, it may also be temperror.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "dns/questions.h"
#include "dns/zone.h"
#include "lib/ascii.h"
#include "audit/spf_lint.h"
#include "spf/spf.h"

enum {
	ARENA = 1 << 20,
	QUESTIONS = 300,
	/* each answer leads to at most one more wave, for terms and for their
	 * hosts */
	WAVES_MAX = 400,
	ZONE_MAX = 16384,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
answered_spf_check(struct dns_wait *wait, const struct dns_answer *answer)
{
	dns_questions_set_answer((struct dns_question *)wait, answer);
}

/* Sends at most `n` questions. */
static void
send_zone(struct dns_questions *questions, struct dns_source *zone, size_t n)
{
	struct dns_question *q;

	for (; n > 0 && (q = dns_questions_next_unsent(questions)) != NULL;
	     n--) {
		q->sent = true;
		q->wait.done = answered_spf_check;
		zone->ask(zone, q->name, q->type, &q->wait);
	}
}

static void
check_result(const struct spf_result *r)
{
	assert(r->lookups <= SPF_MAX_LOOKUPS);
	assert(r->void_lookups <= SPF_MAX_VOID || r->code == SPF_PERMERROR);
	assert(r->explanation.n <= SPF_MAX_EXPLANATION);
	assert(r->explanation.p == NULL || r->code == SPF_FAIL);
	assert(r->weakness == SPF_WEAKNESS_NONE || r->code == SPF_PASS);
	assert(r->reason.n > 0 && span_all(r->reason, ascii_is_print));
	assert(span_all(r->explanation, ascii_is_print));
}

/* Returns the result code of a check whose answers arrive in groups of `n`. */
static enum spf_code
run(struct spf_query q, struct dns_source *zone, size_t n,
    unsigned long fail_at, struct spf_result *out, struct arena *a)
{
	struct dns_questions *questions = dns_questions_new(QUESTIONS);
	unsigned waves = 0;

	assert(questions != NULL);
	q.trace = n == 1;
	arena_rewind(a);
	arena_fail_at(a, fail_at);
	while (spf_check(&q, questions, a, out) == CORE_WAIT) {
		assert(dns_questions_next_unsent(questions) != NULL);
		assert(++waves < WAVES_MAX);
		send_zone(questions, zone, n);
		arena_rewind(a);
	}
	check_result(out);
	arena_fail_at(a, 0);
	dns_questions_free(questions);
	return out->code;
}

static void
check_spf_check(const struct spf_query *q, struct dns_source *zone, size_t size)
{
	struct arena *a = arena_new(ARENA), *b = arena_new(ARENA);
	struct spf_result one, other;
	enum spf_code code;

	assert(a != NULL && b != NULL);
	run(*q, zone, SIZE_MAX, 0, &one, a);
	run(*q, zone, 1, 0, &other, b);
	/* the trace takes memory: results may differ only if memory ran out */
	if (!arena_has_failed(a) && !arena_has_failed(b)) {
		assert(one.code == other.code);
		assert(one.lookups == other.lookups);
		assert(one.void_lookups == other.void_lookups);
	}
	code = run(*q, zone, SIZE_MAX, 1 + size % 64, &other, b);
	assert(code == one.code || code == SPF_TEMPERROR);
	arena_free(a);
	arena_free(b);
}

static void
lint(struct span domain, struct dns_source *zone)
{
	struct dns_questions *questions = dns_questions_new(SPF_LINT_QUESTIONS);
	struct arena *a = arena_new(ARENA);
	struct spf_lint out;

	assert(questions != NULL && a != NULL);
	while (spf_lint(domain, questions, a, &out) == CORE_WAIT) {
		assert(dns_questions_next_unsent(questions) != NULL);
		send_zone(questions, zone, SIZE_MAX);
		arena_rewind(a);
	}
	assert(out.records <= SPF_LINT_RECORDS_MAX);
	assert(out.findings.n <= AUDIT_FINDINGS_MAX);
	for (size_t i = 0; i < out.findings.n; i++)
		assert(span_all(out.findings.list[i].text, ascii_is_print));
	arena_free(a);
	dns_questions_free(questions);
}

static struct span
take(struct span *rest, char end)
{
	struct span found = span_first(*rest, span_index(*rest, end));

	*rest = span_skip(*rest, found.n + 1);
	return found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of((const char *)data, size);
	struct span line = take(&rest, '\n');
	struct spf_query q = { .receiver = SPAN("r.example"), .now = 1 };
	struct dns_source *zone;
	char error[256];

	if (!ip_parse(take(&line, ' '), &q.ip) || rest.n > ZONE_MAX)
		return 0;
	q.helo = take(&line, ' ');
	q.sender = line;
	q.identity = line.n > 0 ? SPF_IDENTITY_MAILFROM : SPF_IDENTITY_HELO;
	zone = dns_zone_parse("fuzz", rest, error, sizeof(error));
	if (zone == NULL)
		return 0;
	check_spf_check(&q, zone, size);
	lint(span_skip(q.sender, span_rindex(q.sender, '@') + 1), zone);
	zone->close(zone);
	return 0;
}
