/* dmarc_tree_walk_test.c - the tree walk of RFC 9989 section 4.10, with the
 * examples in sections 4.10.2 and 5.1.8 and in appendix B.4. */
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

struct dmarc_tree_walk_vector {
	const char *name;
	const char *domain;
	const char *zone;
	const char *organizational;
	const char *policy; /* the domain with the record; NULL: no record */
	size_t steps;       /* 0: not checked */
	bool failed;
};

struct dmarc_tree_walk_run {
	struct core_run core;
	struct dmarc_walk walk;
};

static enum core_status
walk(void *arg)
{
	struct dmarc_tree_walk_run *r = arg;

	arena_rewind(r->core.arena);
	return dmarc_walk(
	    r->core.domain, r->core.questions, r->core.arena, &r->walk);
}

static void
finds(const struct dmarc_tree_walk_vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		struct dmarc_tree_walk_run r;
		unsigned waves =
		    core_run_open(&r.core, v->domain, v->zone, walk);
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
		core_run_close(&r.core);
	}
}

/* Checks the names queried, in order. */
static void
asks(const char *domain, const char *const *names, size_t n)
{
	struct dmarc_tree_walk_run r;
	size_t i = 0;

	assert_int_equal(
	    core_run_open(&r.core, domain, "", walk), n > 0 ? 1 : 0);
	for (const struct dns_question *q =
		 dns_questions_first(r.core.questions);
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
	core_run_close(&r.core);
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
	static const struct dmarc_tree_walk_vector vectors[] = {
		{ .name = "no record",
		    .domain = "mail.example.com",
		    .zone = "",
		    .organizational = "mail.example.com",
		    .steps = 3 },
		{ .name = "its own record",
		    .domain = "example.com",
		    .zone = DMARC("example.com", NONE),
		    .organizational = "example.com",
		    .policy = "example.com",
		    .steps = 2 },
		{ .name = "not a DMARC record",
		    .domain = "a.example.com",
		    .zone = DMARC("a.example.com", "v=spf1 -all")
			DMARC("example.com", NONE),
		    .organizational = "example.com",
		    .policy = "example.com",
		    .steps = 3 },
		{ .name = "one of them a DMARC record",
		    .domain = "a.example.com",
		    .zone = DMARC("a.example.com", "v=spf1 -all")
			DMARC("a.example.com", "v=DMARC1; p=reject")
			    DMARC("a.example.com", "google-site=x"),
		    .organizational = "a.example.com",
		    .policy = "a.example.com",
		    .steps = 3 },
		{ .name = "two: none",
		    .domain = "a.example.com",
		    .zone = DMARC("a.example.com", NONE) DMARC("a.example.com",
			"v=DMARC1; p=reject") DMARC("example.com", NONE),
		    .organizational = "example.com",
		    .policy = "example.com",
		    .steps = 3 },
		{ .name = "two with psd: the walk continues",
		    .domain = "a.example.com",
		    .zone = DMARC("a.example.com", OWN)
			DMARC("a.example.com", PSD) DMARC("example.com", NONE),
		    .organizational = "example.com",
		    .policy = "example.com",
		    .steps = 3 },
		{ .name = "two, nothing above",
		    .domain = "a.example.com",
		    .zone = DMARC("a.example.com", NONE)
			DMARC("a.example.com", "v=DMARC1; p=reject"),
		    .organizational = "a.example.com",
		    .steps = 3 },
		{ .name = "one good, one broken: two",
		    .domain = "a.example.com",
		    .zone = DMARC("a.example.com", NONE)
			DMARC("a.example.com", "v=DMARC1; p=nosuch"),
		    .organizational = "a.example.com",
		    .steps = 3 },
		{ .name = "strings are joined",
		    .domain = "example.com",
		    .zone =
			"_dmarc.example.com. 60 IN TXT \"v=DM\" \"ARC1; p=no\" "
			"\"ne\"\n",
		    .organizational = "example.com",
		    .policy = "example.com",
		    .steps = 2 },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_10_stop(void **state)
{
	static const struct dmarc_tree_walk_vector vectors[] = {
		{ .name = "psd=n",
		    .domain = "a.b.example.com",
		    .zone =
			DMARC("b.example.com", OWN) DMARC("example.com", NONE),
		    .organizational = "b.example.com",
		    .policy = "b.example.com",
		    .steps = 2 },
		{ .name = "psd=n where it starts",
		    .domain = "b.example.com",
		    .zone =
			DMARC("b.example.com", OWN) DMARC("example.com", NONE),
		    .organizational = "b.example.com",
		    .policy = "b.example.com",
		    .steps = 1 },
		{ .name = "psd=y above",
		    .domain = "a.b.example.com",
		    .zone = DMARC("example.com", PSD) DMARC("com", NONE),
		    .organizational = "b.example.com",
		    .policy = "example.com",
		    .steps = 3 },
		{ .name = "psd=y where it starts",
		    .domain = "example.com",
		    .zone = DMARC("example.com", PSD) DMARC("com", NONE),
		    .organizational = "example.com",
		    .policy = "example.com",
		    .steps = 1 },
		{ .name = "psd=u continues",
		    .domain = "b.example.com",
		    .zone = DMARC("b.example.com", "v=DMARC1; p=none; psd=u")
			DMARC("example.com", NONE),
		    .organizational = "example.com",
		    .policy = "b.example.com",
		    .steps = 3 },
		{ .name = "a failure after the stop",
		    .domain = "a.b.example.com",
		    .zone = DMARC("b.example.com", OWN) FAILS("example.com"),
		    .organizational = "b.example.com",
		    .policy = "b.example.com",
		    .steps = 2 },
		{ .name = "psd counts without a policy",
		    .domain = "a.bank.example",
		    .zone = DMARC("bank.example", "v=DMARC1; psd=y")
			DMARC("example", NONE),
		    .organizational = "a.bank.example",
		    .policy = "bank.example",
		    .steps = 2 },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

/* The walk ends when all answers it needs are known, even if others are
 * missing. */
static void
rfc9989_4_10_no_answers_needed_after_stop(void **state)
{
	struct dns_source *zone = pump_zone(DMARC("b.example.com", OWN));
	struct dns_questions *questions = dns_questions_new(16);
	struct arena *a = arena_new(1 << 16);
	struct dmarc_walk w;

	(void)state;
	assert_int_equal(
	    dmarc_walk(SPAN("b.example.com"), questions, a, &w), CORE_WAIT);
	assert_int_equal(dns_questions_count(questions), 3);

	/* only the first query is answered */
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
	static const struct dmarc_tree_walk_vector vectors[] = {
		{ .name = "at the author domain",
		    .domain = "a.example.com",
		    .zone =
			DMARC("a.example.com", NONE) DMARC("example.com", NONE),
		    .organizational = "example.com",
		    .policy = "a.example.com",
		    .steps = 3 },
		{ .name = "at the organizational domain",
		    .domain = "a.b.example.com",
		    .zone =
			DMARC("b.example.com", NONE) DMARC("example.com", NONE),
		    .organizational = "example.com",
		    .policy = "example.com",
		    .steps = 4 },
		{ .name = "at the public suffix domain",
		    .domain = "a.giant.bank.example",
		    .zone = DMARC("bank.example", PSD),
		    .organizational = "giant.bank.example",
		    .policy = "bank.example",
		    .steps = 3 },
		{ .name =
			"not the PSD's where the organizational domain has one",
		    .domain = "a.giant.bank.example",
		    .zone = DMARC("bank.example", PSD)
			DMARC("giant.bank.example", NONE),
		    .organizational = "giant.bank.example",
		    .policy = "giant.bank.example",
		    .steps = 3 },
		{ .name = "no record at a name between",
		    .domain = "a.b.giant.bank.example",
		    .zone = DMARC("bank.example", PSD)
			DMARC("b.giant.bank.example", NONE),
		    .organizational = "giant.bank.example",
		    .policy = "bank.example",
		    .steps = 4 },
		{ .name = "the parent is the PSD",
		    .domain = "giant.bank.example",
		    .zone = DMARC("bank.example", PSD),
		    .organizational = "giant.bank.example",
		    .policy = "bank.example",
		    .steps = 2 },
		{ .name = "a top-level domain without psd",
		    .domain = "a.b.example",
		    .zone = DMARC("example", NONE),
		    .organizational = "example",
		    .policy = "example",
		    .steps = 3 },
		{ .name = "at names that the jump skips",
		    .domain = "a.b.c.d.e.f.g.h.i.j.k.example.com",
		    .zone = DMARC("b.c.d.e.f.g.h.i.j.k.example.com", NONE)
			DMARC("f.g.h.i.j.k.example.com", NONE),
		    .organizational = "a.b.c.d.e.f.g.h.i.j.k.example.com",
		    .steps = 8 },
		{ .name = "where the jump ends",
		    .domain = "a.b.c.d.e.f.g.h.i.j.k.example.com",
		    .zone = DMARC("g.h.i.j.k.example.com", OWN),
		    .organizational = "g.h.i.j.k.example.com",
		    .policy = "g.h.i.j.k.example.com",
		    .steps = 2 },
		{ .name = "psd=y where the jump ends: one label below was not "
			  "asked",
		    .domain = "a.b.c.d.e.f.g.h.i.j.k.example.com",
		    .zone = DMARC("g.h.i.j.k.example.com", PSD)
			DMARC("f.g.h.i.j.k.example.com", NONE),
		    .organizational = "f.g.h.i.j.k.example.com",
		    .policy = "g.h.i.j.k.example.com",
		    .steps = 2 },
		{ .name = "5.1.8: not found after the jump",
		    .domain = "mail.a.b.c.d.e.f.g.example.com",
		    .zone = DMARC("b.c.d.e.f.g.example.com", OWN)
			DMARC("example.com", NONE),
		    .organizational = "example.com",
		    .policy = "example.com",
		    .steps = 8 },
		{ .name = "5.1.8: at the domain itself",
		    .domain = "mail.a.b.c.d.e.f.g.example.com",
		    .zone = DMARC("mail.a.b.c.d.e.f.g.example.com", NONE)
			DMARC("example.com", NONE),
		    .organizational = "example.com",
		    .policy = "mail.a.b.c.d.e.f.g.example.com",
		    .steps = 8 },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_10_2_examples(void **state)
{
	static const struct dmarc_tree_walk_vector vectors[] = {
		{ .name = "mail.example.com and example.com",
		    .domain = "a.mail.example.com",
		    .zone = DMARC("mail.example.com", NONE)
			DMARC("example.com", NONE),
		    .organizational = "example.com",
		    .policy = "example.com",
		    .steps = 4 },
		{ .name = "psd=n at mail.example.com",
		    .domain = "a.mail.example.com",
		    .zone = DMARC("mail.example.com", OWN),
		    .organizational = "mail.example.com",
		    .policy = "mail.example.com",
		    .steps = 2 },
		{ .name = "psd=y at com",
		    .domain = "a.mail.example.com",
		    .zone = DMARC("com", PSD),
		    .organizational = "example.com",
		    .policy = "com",
		    .steps = 4 },
		{ .name = "rule 2's example",
		    .domain = "mail.example.com",
		    .zone = DMARC("example.com", PSD),
		    .organizational = "mail.example.com",
		    .policy = "example.com",
		    .steps = 2 },
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
	static const struct dmarc_tree_walk_vector vectors[] = {
		{ .name = "B.4.1 author",
		    .domain = "example.com",
		    .zone = ZONE_B_4_1,
		    .organizational = "example.com",
		    .policy = "example.com",
		    .steps = 2 },
		{ .name = "B.4.1 DKIM",
		    .domain = "signing.example.com",
		    .zone = ZONE_B_4_1,
		    .organizational = "example.com",
		    .policy = "signing.example.com",
		    .steps = 3 },
		{ .name = "B.4.2 author",
		    .domain = "a.b.c.d.e.f.g.h.i.j.k.example.com",
		    .zone = ZONE_B_4_1,
		    .organizational = "example.com",
		    .policy = "example.com",
		    .steps = 8 },
		{ .name = "B.4.3 author",
		    .domain = "giant.bank.example",
		    .zone = ZONE_B_4_3,
		    .organizational = "giant.bank.example",
		    .policy = "giant.bank.example",
		    .steps = 2 },
		{ .name = "B.4.3 SPF",
		    .domain = "mail.giant.bank.example",
		    .zone = ZONE_B_4_3,
		    .organizational = "giant.bank.example",
		    .policy = "giant.bank.example",
		    .steps = 3 },
		{ .name = "B.4.3 DKIM",
		    .domain = "mail.mega.bank.example",
		    .zone = ZONE_B_4_3,
		    .organizational = "mega.bank.example",
		    .policy = "bank.example",
		    .steps = 3 },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_10_1_errors(void **state)
{
	static const struct dmarc_tree_walk_vector vectors[] = {
		{ .name = "at the domain itself",
		    .domain = "example.com",
		    .zone = FAILS("example.com"),
		    .organizational = "example.com",
		    .steps = 2,
		    .failed = true },
		{ .name = "above a record of its own",
		    .domain = "a.example.com",
		    .zone = DMARC("a.example.com", NONE) FAILS("example.com"),
		    .organizational = "a.example.com",
		    .policy = "a.example.com",
		    .steps = 3,
		    .failed = true },
		{ .name = "above the record of another",
		    .domain = "a.example.com",
		    .zone = DMARC("example.com", NONE) FAILS("com"),
		    .organizational = "example.com",
		    .steps = 3,
		    .failed = true },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_10_1_broken(void **state)
{
	struct dmarc_tree_walk_run r;

	(void)state;
	core_run_open(&r.core, "a.example.com",
	    DMARC("a.example.com", "v=DMARC1; p=nosuch")
		DMARC("example.com", NONE),
	    walk);
	assert_true(r.walk.policy == &r.walk.steps[0]);
	assert_true(r.walk.policy->broken);
	assert_non_null(r.walk.policy->note);
	assert_true(span_is(r.walk.organizational_domain, "example.com"));
	core_run_close(&r.core);

	core_run_open(&r.core, "a.example.com",
	    DMARC("a.example.com", "v=DMARC1; p=nosuch")
		DMARC("a.example.com", "v=DMARC1; p=other"),
	    walk);
	assert_null(r.walk.policy);
	assert_false(r.walk.steps[0].broken);
	assert_non_null(r.walk.steps[0].note);
	core_run_close(&r.core);
}

/* Names up to the maximum length; the longest are too long for DNS once
 * "_dmarc." is added. */
static void
names_of_any_length(void **state)
{
	char text[DOMAIN_MAX + 1];
	struct dmarc_tree_walk_run r;

	(void)state;
	for (size_t n = 1; n < sizeof(text); n += 2) {
		for (size_t i = 0; i < n; i++)
			text[i] = i % 2 == 0 ? 'a' : '.';
		text[n] = '\0';
		assert_int_equal(core_run_open(&r.core, text, "", walk), 1);
		assert_true(r.walk.n_steps <= DMARC_MAX_QUERIES);
		assert_false(r.walk.failed);
		assert_true(span_is(r.walk.organizational_domain, text));
		core_run_close(&r.core);
	}
}

/* RFC 9989 section 5.3.6: if memory runs out, `failed` is set, because "no
 * policy" would be wrong. */
static void
arena_exhausted(void **state)
{
	struct dmarc_tree_walk_run r;

	(void)state;
	core_run_open(&r.core, "a.b.example.com",
	    DMARC("a.b.example.com", NONE) DMARC("example.com", NONE)
		DMARC("com", PSD),
	    walk);
	for (unsigned long nth = 1; nth <= 4; nth++) {
		arena_rewind(r.core.arena);
		arena_fail_at(r.core.arena, nth);
		assert_int_equal(walk(&r), CORE_DONE);
		assert_true(r.walk.failed == (nth <= 3));
		assert_true((r.walk.policy == NULL) == (nth == 1));
	}
	core_run_close(&r.core);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9989_4_10_names),
		cmocka_unit_test(rfc9989_4_10_discarded),
		cmocka_unit_test(rfc9989_4_10_stop),
		cmocka_unit_test(rfc9989_4_10_no_answers_needed_after_stop),
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
