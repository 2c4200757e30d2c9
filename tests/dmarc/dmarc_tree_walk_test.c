/* dmarc_tree_walk_test.c - RFC 9989 section 4.10 and its figures in sections
 * 4.10.2, 5.1.8 and appendix B.4. */
#include "dmarc/tree_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/domain.h"
#include "lib/enum_names.h"
#include "tests/support/core_driver.h"

#define DMARC(name, text) "_dmarc." name ". 60 IN TXT \"" text "\"\n"
#define FAILS(name) ";!failed _dmarc." name ". TXT servfail\n"
#define NONE "v=DMARC1; p=none"
#define PSD "v=DMARC1; p=reject; sp=quarantine; psd=y"
#define OWN "v=DMARC1; p=reject; sp=quarantine; psd=n"

struct vector {
	const char *name;
	const char *domain;
	const char *zone;
	const char *organizational;
	const char *policy; /* where it was found; NULL: no record */
	size_t steps;       /* 0: of no matter */
	bool failed;
};

struct run {
	struct span domain;
	struct dns_questions *questions;
	struct arena *arena;
	struct dmarc_walk walk;
};

static enum core_status
walk(void *arg)
{
	struct run *r = arg;

	arena_rewind(r->arena);
	return dmarc_walk(r->domain, r->questions, r->arena, &r->walk);
}

/* The walk of `domain` over `zone`; returns the waves it took. */
static unsigned
run_open(struct run *r, const char *domain, const char *zone)
{
	struct dns_source *source = pump_zone(zone);

	*r = (struct run){ .domain = span_str(domain) };
	r->questions = dns_questions_new(64);
	r->arena = arena_new(1 << 16);
	assert_non_null(r->questions);
	assert_non_null(r->arena);
	unsigned waves = pump_core(r->questions, source, false, walk, r);

	source->close(source);
	return waves;
}

static void
run_close(struct run *r)
{
	dns_questions_free(r->questions);
	arena_free(r->arena);
}

static void
finds(const struct vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		struct run r;
		unsigned waves = run_open(&r, v->domain, v->zone);
		const struct dmarc_step *policy = r.walk.policy;

		if (waves != 1)
			fail_msg("%s: %u waves", v->name, waves);
		if (!span_is(r.walk.organizational_domain, v->organizational))
			fail_msg("%s: organizational domain %.*s, want %s",
			    v->name, SPAN_FMT(r.walk.organizational_domain),
			    v->organizational);
		if ((policy == NULL) != (v->policy == NULL) ||
		    (policy != NULL && !span_is(policy->domain, v->policy)))
			fail_msg("%s: policy of %.*s", v->name,
			    policy != NULL ? (int)policy->domain.n : 4,
			    policy != NULL ? policy->domain.p : "none");
		if (v->steps != 0 && r.walk.n_steps != v->steps)
			fail_msg("%s: %zu steps", v->name, r.walk.n_steps);
		if (r.walk.failed != v->failed)
			fail_msg("%s: failed is %d", v->name, r.walk.failed);
		run_close(&r);
	}
}

/* The names asked for, in order. */
static void
asks(const char *domain, const char *const *names, size_t n)
{
	struct run r;
	size_t i = 0;

	assert_int_equal(run_open(&r, domain, ""), n > 0 ? 1 : 0);
	for (const struct dns_question *q = dns_questions_first(r.questions);
	     q != NULL; q = q->next, i++) {
		if (i >= n || !span_is(q->name, names[i]))
			fail_msg("%s: asks %.*s, want %s", domain,
			    SPAN_FMT(q->name), i < n ? names[i] : "no more");
		assert_int_equal(q->type, DNS_TXT);
		assert_true(r.walk.steps[i].answer == q->answer);
	}
	assert_int_equal(i, n);
	assert_int_equal(r.walk.n_steps, n);
	assert_true(n <= DMARC_MAX_QUERIES);
	run_close(&r);
}

static void
rfc9989_4_10_names(void **state)
{
	static const char *const figure[] = {
		"_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
		"_dmarc.g.h.i.j.mail.example.com",
		"_dmarc.h.i.j.mail.example.com",
		"_dmarc.i.j.mail.example.com",
		"_dmarc.j.mail.example.com",
		"_dmarc.mail.example.com",
		"_dmarc.example.com",
		"_dmarc.com",
	};
	static const char *const figure_5_1_8[] = {
		"_dmarc.mail.a.b.c.d.e.f.g.example.com",
		"_dmarc.c.d.e.f.g.example.com",
		"_dmarc.d.e.f.g.example.com",
		"_dmarc.e.f.g.example.com",
		"_dmarc.f.g.example.com",
		"_dmarc.g.example.com",
		"_dmarc.example.com",
		"_dmarc.com",
	};
	static const char *const figure_b_4_2[] = {
		"_dmarc.a.b.c.d.e.f.g.h.i.j.k.example.com",
		"_dmarc.g.h.i.j.k.example.com",
		"_dmarc.h.i.j.k.example.com",
		"_dmarc.i.j.k.example.com",
		"_dmarc.j.k.example.com",
		"_dmarc.k.example.com",
		"_dmarc.example.com",
		"_dmarc.com",
	};
	static const char *const one[] = { "_dmarc.com" };
	static const char *const seven[] = {
		"_dmarc.e.d.c.b.a.example.com",
		"_dmarc.d.c.b.a.example.com",
		"_dmarc.c.b.a.example.com",
		"_dmarc.b.a.example.com",
		"_dmarc.a.example.com",
		"_dmarc.example.com",
		"_dmarc.com",
	};
	static const char *const eight[] = {
		"_dmarc.f.e.d.c.b.a.example.com",
		"_dmarc.e.d.c.b.a.example.com",
		"_dmarc.d.c.b.a.example.com",
		"_dmarc.c.b.a.example.com",
		"_dmarc.b.a.example.com",
		"_dmarc.a.example.com",
		"_dmarc.example.com",
		"_dmarc.com",
	};
	static const char *const nine[] = {
		"_dmarc.g.f.e.d.c.b.a.example.com",
		"_dmarc.e.d.c.b.a.example.com",
		"_dmarc.d.c.b.a.example.com",
		"_dmarc.c.b.a.example.com",
		"_dmarc.b.a.example.com",
		"_dmarc.a.example.com",
		"_dmarc.example.com",
		"_dmarc.com",
	};

	(void)state;
	asks(
	    "a.b.c.d.e.f.g.h.i.j.mail.example.com", figure, ARRAY_SIZE(figure));
	asks("mail.a.b.c.d.e.f.g.example.com", figure_5_1_8,
	    ARRAY_SIZE(figure_5_1_8));
	asks("a.b.c.d.e.f.g.h.i.j.k.example.com", figure_b_4_2,
	    ARRAY_SIZE(figure_b_4_2));
	asks("com", one, ARRAY_SIZE(one));
	asks("e.d.c.b.a.example.com", seven, ARRAY_SIZE(seven));
	asks("f.e.d.c.b.a.example.com", eight, ARRAY_SIZE(eight));
	asks("g.f.e.d.c.b.a.example.com", nine, ARRAY_SIZE(nine));
	asks("", NULL, 0);
}

static void
rfc9989_4_10_discarded(void **state)
{
	static const struct vector vectors[] = {
		{ "no record", "mail.example.com", "", "mail.example.com", NULL,
		    3, false },
		{ "its own", "example.com", DMARC("example.com", NONE),
		    "example.com", "example.com", 2, false },
		{ "not DMARC's", "a.example.com",
		    DMARC("a.example.com", "v=spf1 -all")
			DMARC("example.com", NONE),
		    "example.com", "example.com", 3, false },
		{ "one of them DMARC's", "a.example.com",
		    DMARC("a.example.com", "v=spf1 -all")
			DMARC("a.example.com", "v=DMARC1; p=reject")
			    DMARC("a.example.com", "google-site=x"),
		    "a.example.com", "a.example.com", 3, false },
		{ "two: none", "a.example.com",
		    DMARC("a.example.com", NONE) DMARC("a.example.com",
			"v=DMARC1; p=reject") DMARC("example.com", NONE),
		    "example.com", "example.com", 3, false },
		{ "two with psd: the walk goes on", "a.example.com",
		    DMARC("a.example.com", OWN) DMARC("a.example.com", PSD)
			DMARC("example.com", NONE),
		    "example.com", "example.com", 3, false },
		{ "two, nothing above", "a.example.com",
		    DMARC("a.example.com", NONE)
			DMARC("a.example.com", "v=DMARC1; p=reject"),
		    "a.example.com", NULL, 3, false },
		{ "one good, one broken: two", "a.example.com",
		    DMARC("a.example.com", NONE)
			DMARC("a.example.com", "v=DMARC1; p=nosuch"),
		    "a.example.com", NULL, 3, false },
		{ "strings are joined", "example.com",
		    "_dmarc.example.com. 60 IN TXT \"v=DM\" \"ARC1; p=no\" "
		    "\"ne\"\n",
		    "example.com", "example.com", 2, false },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_10_stop(void **state)
{
	static const struct vector vectors[] = {
		{ "psd=n", "a.b.example.com",
		    DMARC("b.example.com", OWN) DMARC("example.com", NONE),
		    "b.example.com", "b.example.com", 2, false },
		{ "psd=n where it starts", "b.example.com",
		    DMARC("b.example.com", OWN) DMARC("example.com", NONE),
		    "b.example.com", "b.example.com", 1, false },
		{ "psd=y above", "a.b.example.com",
		    DMARC("example.com", PSD) DMARC("com", NONE),
		    "b.example.com", "example.com", 3, false },
		{ "psd=y where it starts", "example.com",
		    DMARC("example.com", PSD) DMARC("com", NONE), "example.com",
		    "example.com", 1, false },
		{ "psd=u goes on", "b.example.com",
		    DMARC("b.example.com", "v=DMARC1; p=none; psd=u")
			DMARC("example.com", NONE),
		    "example.com", "b.example.com", 3, false },
		{ "a failure behind the stop", "a.b.example.com",
		    DMARC("b.example.com", OWN) FAILS("example.com"),
		    "b.example.com", "b.example.com", 2, false },
		{ "psd counts without a policy", "a.bank.example",
		    DMARC("bank.example", "v=DMARC1; psd=y")
			DMARC("example", NONE),
		    "a.bank.example", "bank.example", 2, false },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

/* The walk is over when what it needs is known, not when all was answered. */
static void
rfc9989_4_10_stop_needs_no_more(void **state)
{
	struct dns_source *zone = pump_zone(DMARC("b.example.com", OWN));
	struct dns_questions *questions = dns_questions_new(16);
	struct arena *a = arena_new(1 << 16);
	struct dmarc_walk w;

	(void)state;
	assert_int_equal(
	    dmarc_walk(SPAN("b.example.com"), questions, a, &w), CORE_WAIT);
	assert_int_equal(dns_questions_count(questions), 3);

	/* only the first is answered */
	struct dns_questions *first = dns_questions_new(4);

	dns_ask(first, SPAN("_dmarc.b.example.com"), DNS_TXT);
	pump(first, zone);
	dns_questions_set_answer(dns_questions_first(questions),
	    dns_ask(first, SPAN("_dmarc.b.example.com"), DNS_TXT));
	assert_int_equal(dns_questions_pending(questions), 2);
	assert_int_equal(
	    dmarc_walk(SPAN("b.example.com"), questions, a, &w), CORE_DONE);
	assert_true(span_is(w.organizational_domain, "b.example.com"));
	dns_questions_free(first);
	dns_questions_free(questions);
	arena_free(a);
	zone->close(zone);
}

static void
rfc9989_4_10_1_policy(void **state)
{
	static const struct vector vectors[] = {
		{ "the author domain's", "a.example.com",
		    DMARC("a.example.com", NONE) DMARC("example.com", NONE),
		    "example.com", "a.example.com", 3, false },
		{ "the organizational domain's", "a.b.example.com",
		    DMARC("b.example.com", NONE) DMARC("example.com", NONE),
		    "example.com", "example.com", 4, false },
		{ "the public suffix domain's", "a.giant.bank.example",
		    DMARC("bank.example", PSD), "giant.bank.example",
		    "bank.example", 3, false },
		{ "not the PSD's where the organizational domain has one",
		    "a.giant.bank.example",
		    DMARC("bank.example", PSD)
			DMARC("giant.bank.example", NONE),
		    "giant.bank.example", "giant.bank.example", 3, false },
		{ "none of a name between", "a.b.giant.bank.example",
		    DMARC("bank.example", PSD)
			DMARC("b.giant.bank.example", NONE),
		    "giant.bank.example", "bank.example", 4, false },
		{ "the parent is the PSD", "giant.bank.example",
		    DMARC("bank.example", PSD), "giant.bank.example",
		    "bank.example", 2, false },
		{ "a top-level domain without psd", "a.b.example",
		    DMARC("example", NONE), "example", "example", 3, false },
		{ "below the jump", "a.b.c.d.e.f.g.h.i.j.k.example.com",
		    DMARC("b.c.d.e.f.g.h.i.j.k.example.com", NONE)
			DMARC("f.g.h.i.j.k.example.com", NONE),
		    "a.b.c.d.e.f.g.h.i.j.k.example.com", NULL, 8, false },
		{ "where the jump ends", "a.b.c.d.e.f.g.h.i.j.k.example.com",
		    DMARC("g.h.i.j.k.example.com", OWN),
		    "g.h.i.j.k.example.com", "g.h.i.j.k.example.com", 2,
		    false },
		{ "psd=y where the jump ends: one label below was not asked",
		    "a.b.c.d.e.f.g.h.i.j.k.example.com",
		    DMARC("g.h.i.j.k.example.com", PSD)
			DMARC("f.g.h.i.j.k.example.com", NONE),
		    "f.g.h.i.j.k.example.com", "g.h.i.j.k.example.com", 2,
		    false },
		{ "5.1.8: not found behind the jump",
		    "mail.a.b.c.d.e.f.g.example.com",
		    DMARC("b.c.d.e.f.g.example.com", OWN)
			DMARC("example.com", NONE),
		    "example.com", "example.com", 8, false },
		{ "5.1.8: at the domain itself",
		    "mail.a.b.c.d.e.f.g.example.com",
		    DMARC("mail.a.b.c.d.e.f.g.example.com", NONE)
			DMARC("example.com", NONE),
		    "example.com", "mail.a.b.c.d.e.f.g.example.com", 8, false },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_10_2_examples(void **state)
{
	static const struct vector vectors[] = {
		{ "mail.example.com and example.com", "a.mail.example.com",
		    DMARC("mail.example.com", NONE) DMARC("example.com", NONE),
		    "example.com", "example.com", 4, false },
		{ "psd=n at mail.example.com", "a.mail.example.com",
		    DMARC("mail.example.com", OWN), "mail.example.com",
		    "mail.example.com", 2, false },
		{ "psd=y at com", "a.mail.example.com", DMARC("com", PSD),
		    "example.com", "com", 4, false },
		{ "rule 2's example", "mail.example.com",
		    DMARC("example.com", PSD), "mail.example.com",
		    "example.com", 2, false },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

#define ZONE_B_4_1                                                             \
	DMARC("example.com", NONE)                                             \
	DMARC("signing.example.com", NONE)
#define ZONE_B_4_3 DMARC("bank.example", PSD) DMARC("giant.bank.example", NONE)

static void
rfc9989_b_4_figures(void **state)
{
	static const struct vector vectors[] = {
		{ "B.4.1 author", "example.com", ZONE_B_4_1, "example.com",
		    "example.com", 2, false },
		{ "B.4.1 DKIM", "signing.example.com", ZONE_B_4_1,
		    "example.com", "signing.example.com", 3, false },
		{ "B.4.2 author", "a.b.c.d.e.f.g.h.i.j.k.example.com",
		    ZONE_B_4_1, "example.com", "example.com", 8, false },
		{ "B.4.3 author", "giant.bank.example", ZONE_B_4_3,
		    "giant.bank.example", "giant.bank.example", 2, false },
		{ "B.4.3 SPF", "mail.giant.bank.example", ZONE_B_4_3,
		    "giant.bank.example", "giant.bank.example", 3, false },
		{ "B.4.3 DKIM", "mail.mega.bank.example", ZONE_B_4_3,
		    "mega.bank.example", "bank.example", 3, false },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_10_1_errors(void **state)
{
	static const struct vector vectors[] = {
		{ "the domain's own", "example.com", FAILS("example.com"),
		    "example.com", NULL, 2, true },
		{ "above a record of its own", "a.example.com",
		    DMARC("a.example.com", NONE) FAILS("example.com"),
		    "a.example.com", "a.example.com", 3, true },
		{ "above another's record", "a.example.com",
		    DMARC("example.com", NONE) FAILS("com"), "example.com",
		    NULL, 3, true },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_10_1_broken(void **state)
{
	struct run r;

	(void)state;
	run_open(&r, "a.example.com",
	    DMARC("a.example.com", "v=DMARC1; p=nosuch")
		DMARC("example.com", NONE));
	assert_true(r.walk.policy == &r.walk.steps[0]);
	assert_true(r.walk.policy->broken);
	assert_non_null(r.walk.policy->note);
	assert_true(span_is(r.walk.organizational_domain, "example.com"));
	run_close(&r);

	run_open(&r, "a.example.com",
	    DMARC("a.example.com", "v=DMARC1; p=nosuch")
		DMARC("a.example.com", "v=DMARC1; p=other"));
	assert_null(r.walk.policy);
	assert_false(r.walk.steps[0].broken);
	assert_non_null(r.walk.steps[0].note);
	run_close(&r);
}

/* The longest name there is: its "_dmarc." name is none the DNS can hold. */
static void
names_of_any_length(void **state)
{
	char text[DOMAIN_MAX + 1];
	struct run r;

	(void)state;
	for (size_t n = 1; n < sizeof(text); n += 2) {
		for (size_t i = 0; i < n; i++)
			text[i] = i % 2 == 0 ? 'a' : '.';
		text[n] = '\0';
		assert_int_equal(run_open(&r, text, ""), 1);
		assert_true(r.walk.n_steps <= DMARC_MAX_QUERIES);
		assert_false(r.walk.failed);
		assert_true(span_is(r.walk.organizational_domain, text));
		run_close(&r);
	}
}

/* RFC 9989 section 5.3.6 for memory of ours: never a policy that is none. */
static void
arena_exhausted(void **state)
{
	struct run r;

	(void)state;
	run_open(&r, "a.b.example.com",
	    DMARC("a.b.example.com", NONE) DMARC("example.com", NONE)
		DMARC("com", PSD));
	for (unsigned long nth = 1; nth <= 4; nth++) {
		arena_rewind(r.arena);
		arena_fail_at(r.arena, nth);
		assert_int_equal(walk(&r), CORE_DONE);
		assert_true(r.walk.failed == (nth <= 3));
		assert_true((r.walk.policy == NULL) == (nth == 1));
	}
	run_close(&r);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9989_4_10_names),
		cmocka_unit_test(rfc9989_4_10_discarded),
		cmocka_unit_test(rfc9989_4_10_stop),
		cmocka_unit_test(rfc9989_4_10_stop_needs_no_more),
		cmocka_unit_test(rfc9989_4_10_1_policy),
		cmocka_unit_test(rfc9989_4_10_2_examples),
		cmocka_unit_test(rfc9989_b_4_figures),
		cmocka_unit_test(rfc9989_4_10_1_errors),
		cmocka_unit_test(rfc9989_4_10_1_broken),
		cmocka_unit_test(names_of_any_length),
		cmocka_unit_test(arena_exhausted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
