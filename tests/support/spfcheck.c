#include "tests/support/spfcheck.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/support/core_driver.h"

enum {
	WAVES_MAX = 30,
	LATENCY = 100,
	ALLOCATIONS_MAX = 3000, /* more allocations than one check makes */
};

struct spf_query
spfcheck_query(const char *ip, const char *sender, const char *helo)
{
	struct spf_query q = {
		.identity =
		    sender != NULL ? SPF_IDENTITY_MAILFROM : SPF_IDENTITY_HELO,
		.helo = span_str(helo != NULL ? helo : "mail.s23.example"),
		.sender = span_str(sender),
		.receiver = SPAN("mx.receiver.example"),
		.now = 1234567890,
	};

	if (ip != NULL && !ip_parse(span_str(ip), &q.ip))
		fail_msg("%s is not an address", ip);
	return q;
}

struct spfcheck_step_args {
	const struct spf_query *q;
	struct dns_questions *questions;
	struct arena *a;
	struct spf_result *out;
};

static enum core_status
step(void *arg)
{
	struct spfcheck_step_args *c = arg;

	arena_rewind(c->a);
	return spf_check(c->q, c->questions, c->a, c->out);
}

/* The result is allocated in `a`; it also points into `questions`. */
unsigned
spfcheck_run(const struct spf_query *q, struct dns_source *source, bool is_fake,
    struct dns_questions *questions, struct arena *a, struct spf_result *out)
{
	struct spfcheck_step_args c = { q, questions, a, out };
	unsigned waves = pump_core(questions, source, is_fake, step, &c);

	if (waves > WAVES_MAX)
		fail_msg("%u waves", waves);
	return waves;
}

static void
safe_text(const char *what, struct span text, size_t max)
{
	if (text.n > max)
		fail_msg("%s: %zu bytes of text", what, text.n);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < 0x20 || text.p[i] > 0x7e)
			fail_msg(
			    "%s: byte %d is not printable", what, text.p[i]);
}

void
spfcheck_sane(const char *what, const struct spf_result *r)
{
	if (r->lookups > SPF_MAX_LOOKUPS)
		fail_msg("%s: %u look-ups", what, r->lookups);
	if (r->void_lookups > SPF_MAX_VOID && r->code != SPF_PERMERROR)
		fail_msg("%s: %u void look-ups", what, r->void_lookups);
	if (r->code != SPF_FAIL && r->explanation.p != NULL)
		fail_msg("%s: an explanation without a fail", what);
	if (r->code != SPF_PASS && r->weakness != SPF_WEAKNESS_NONE)
		fail_msg("%s: a weak pass that is not a pass", what);
	if (r->reason.n == 0)
		fail_msg("%s: no reason", what);
	safe_text(what, r->reason, 400);
	safe_text(what, r->explanation, SPF_MAX_EXPLANATION);
}

void
spfcheck_without_memory(const char *what, const struct spf_query *q,
    struct dns_source *source, enum spf_code code)
{
	for (unsigned long nth = 1;; nth++) {
		struct dns_questions *questions =
		    dns_questions_new(SPFCHECK_QUESTIONS);
		struct arena *a = arena_new(SPFCHECK_MEMORY);
		struct spf_result r;
		bool failed;

		assert_true(questions != NULL && a != NULL);
		arena_fail_at(a, nth);
		spfcheck_run(q, source, false, questions, a, &r);
		failed = arena_has_failed(a);
		if (r.code != code && r.code != SPF_TEMPERROR)
			fail_msg("%s: %s if allocation %lu fails", what,
			    spf_code_name(r.code), nth);
		if (failed && r.code == SPF_PASS)
			fail_msg("%s: pass if allocation %lu fails", what, nth);
		spfcheck_sane(what, &r);
		arena_free(a);
		dns_questions_free(questions);
		if (!failed)
			return;
		if (nth > ALLOCATIONS_MAX)
			fail_msg("%s: allocates endlessly", what);
	}
}

static bool
same(const struct spf_result *a, const struct spf_result *b)
{
	return a->code == b->code && a->lookups == b->lookups &&
	    a->void_lookups == b->void_lookups && a->weakness == b->weakness &&
	    span_equal(a->domain, b->domain) &&
	    span_equal(a->mechanism, b->mechanism) &&
	    span_equal(a->reason, b->reason) &&
	    span_equal(a->explanation, b->explanation);
}

void
spfcheck_other_ways(const char *what, struct spf_query q,
    struct dns_source *source, const struct spf_result *r)
{
	struct dns_source *fake = fake_new(source, LATENCY);
	struct dns_questions *questions = dns_questions_new(SPFCHECK_QUESTIONS);
	struct arena *a = arena_new(SPFCHECK_MEMORY);
	struct spf_result other;

	assert_true(questions != NULL && a != NULL);
	q.trace = true;
	spfcheck_run(&q, fake, true, questions, a, &other);
	if (!same(r, &other))
		fail_msg("%s: %s with a trace and late answers", what,
		    spf_code_name(other.code));
	for (const struct spf_trace *t = other.trace; t != NULL; t = t->next) {
		safe_text(what, t->asked, 1000);
		safe_text(what, t->got, 1000);
		safe_text(what, t->decided, 1000);
	}
	arena_free(a);
	dns_questions_free(questions);
	fake->close(fake);
}
