/* dmarc_errors_test.c - RFC 9989 sections 5.3.1, 5.3.6 and 11.5: errors,
 * several authors, hostile sizes. */
#include "dmarc/dmarc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "tests/support/dmarc_run.h"
#include "tests/support/core_driver.h"

#define DEEP "a.b.c.d.e.f.g.h.i.j.k.example.com"

static void
rfc9989_5_3_6_errors(void **state)
{
	static const struct dmarc_vector vectors[] = {
		{ .name = "the record",
		    .authors = "example.com",
		    .spf = "+example.com",
		    .dkim = "",
		    .zone = FAILS("_dmarc.example.com"),
		    .want = "temperror" },
		{ .name = "above, needed for the policy",
		    .authors = "a.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT) FAILS("_dmarc.com"),
		    .want = "temperror" },
		{ .name = "above, irrelevant",
		    .authors = "example.com",
		    .spf = "-example.com",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT) FAILS("_dmarc.com"),
		    .want = "fail p=reject example.com -> reject" },
		{ .name = "above, and identical",
		    .authors = "example.com",
		    .spf = "+example.com",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT) FAILS("_dmarc.com"),
		    .want = "pass p=reject example.com spf" },
		{ .name = "above, and strict",
		    .authors = "example.com",
		    .spf = "+mail.example.com",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT "; aspf=s")
			FAILS("_dmarc.com"),
		    .want = "fail p=reject example.com -> reject" },
		{ .name = "above, no common suffix",
		    .authors = "example.com",
		    .spf = "+other.test",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT) FAILS("_dmarc.com"),
		    .want = "fail p=reject example.com -> reject" },
		{ .name = "above, needed for alignment",
		    .authors = "example.com",
		    .spf = "+mail.example.com",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT) FAILS("_dmarc.com"),
		    .want = "temperror p=reject example.com" },
		{ .name = "the identifier's walk",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "+mail.example.com",
		    .zone = DMARC("example.com", REJECT)
			FAILS("_dmarc.mail.example.com"),
		    .want = "temperror p=reject example.com (example.com)" },
		{ .name = "the identifier's walk, another passes",
		    .authors = "example.com",
		    .spf = "+example.com",
		    .dkim = "+mail.example.com",
		    .zone = DMARC("example.com", REJECT)
			FAILS("_dmarc.mail.example.com"),
		    .want = "pass p=reject example.com spf (example.com)" },
		{ .name = "DKIM's, aligned",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "?example.com",
		    .zone = DMARC("example.com", REJECT),
		    .want = "temperror p=reject example.com (example.com)" },
		{ .name = "DKIM's, aligned, SPF passes",
		    .authors = "example.com",
		    .spf = "+example.com",
		    .dkim = "?example.com",
		    .zone = DMARC("example.com", REJECT),
		    .want = "pass p=reject example.com spf (example.com)" },
		{ .name = "DKIM's, relaxed",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "?mail.example.com",
		    .zone = DMARC("example.com", REJECT),
		    .want = "temperror p=reject example.com (example.com)" },
		{ .name = "DKIM domain of another",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "?other.test",
		    .zone = DMARC("example.com", REJECT),
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
		{ .name = "SPF's, aligned",
		    .authors = "example.com",
		    .spf = "?example.com",
		    .dkim = "+other.test",
		    .zone = DMARC("example.com", REJECT),
		    .want = "temperror p=reject example.com (example.com)" },
		{ .name = "SPF domain, strict and not identical",
		    .authors = "example.com",
		    .spf = "?a.example.com",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT "; aspf=s"),
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
		{ .name = "no record is not an error",
		    .authors = "example.com",
		    .spf = "?example.com",
		    .dkim = "",
		    .zone = HOST("example.com"),
		    .want = "none (example.com)" },
	};

	(void)state;
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_5_3_1_and_11_5_authors(void **state)
{
	static const char zone[] =
	    DMARC("good.test", NONE) DMARC("strict.example", REJECT)
		DMARC("soft.example", "v=DMARC1; p=quarantine")
		    DMARC("broken.example", "v=DMARC1; p=?")
			FAILS("_dmarc.lost.example");
	static const struct dmarc_vector vectors[] = {
		{ .name = "none",
		    .authors = "!",
		    .spf = "+good.test",
		    .dkim = "+good.test",
		    .zone = zone,
		    .want = "permerror" },
		{ .name = "no authors, which is not an error",
		    .authors = "",
		    .spf = "+good.test",
		    .dkim = "+good.test",
		    .zone = zone,
		    .want = "none" },
		{ .name = "invalid, though it would pass",
		    .authors = "!good.test",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "permerror" },
		{ .name = "invalid, and it would fail",
		    .authors = "!strict.example",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "permerror" },
		{ .name = "invalid, no record",
		    .authors = "!free.example",
		    .spf = "+free.example",
		    .dkim = "",
		    .zone = zone,
		    .want = "permerror" },
		{ .name = "invalid, no answer",
		    .authors = "!lost.example",
		    .spf = "",
		    .dkim = "",
		    .zone = zone,
		    .want = "permerror" },
		{ .name = "invalid, two",
		    .authors = "!good.test strict.example",
		    .spf = "+good.test",
		    .dkim = "+good.test",
		    .zone = zone,
		    .want = "permerror" },
		{ .name = "two, the second fails",
		    .authors = "good.test strict.example",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "fail p=reject strict.example -> reject"
			    " (strict.example)" },
		{ .name = "two, the first fails",
		    .authors = "strict.example good.test",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "fail p=reject strict.example -> reject"
			    " (strict.example)" },
		{ .name = "two, both pass",
		    .authors = "strict.example good.test",
		    .spf = "+good.test",
		    .dkim = "+strict.example",
		    .zone = zone,
		    .want =
			"pass p=reject strict.example dkim (strict.example)" },
		{ .name = "two, one without a record",
		    .authors = "good.test free.example",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "none (free.example)" },
		{ .name = "a possible author without a record",
		    .authors = "good.test ~free.example",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "pass p=none good.test spf (good.test)" },
		{ .name = "the only certain one has no record",
		    .authors = "free.example ~good.test",
		    .spf = "+free.example",
		    .dkim = "",
		    .zone = zone,
		    .want = "fail p=none good.test -> none (good.test)" },
		{ .name = "neither has a record",
		    .authors = "free.example ~open.example",
		    .spf = "+free.example",
		    .dkim = "",
		    .zone = zone,
		    .want = "none (free.example)" },
		{ .name = "a possible author that fails",
		    .authors = "good.test ~strict.example",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "fail p=reject strict.example -> reject"
			    " (strict.example)" },
		{ .name = "a possible author without an answer",
		    .authors = "good.test ~lost.example",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "temperror" },
		{ .name = "one whose record is broken",
		    .authors = "good.test broken.example",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "permerror broken.example (broken.example)" },
		{ .name = "a failure with p=none",
		    .authors = "good.test broken.example",
		    .spf = "",
		    .dkim = "",
		    .zone = zone,
		    .want = "fail p=none good.test -> none (good.test)" },
		{ .name = "a temperror takes precedence",
		    .authors = "good.test lost.example",
		    .spf = "",
		    .dkim = "",
		    .zone = zone,
		    .want = "temperror" },
		{ .name = "but does not hide a quarantine",
		    .authors = "lost.example soft.example",
		    .spf = "",
		    .dkim = "",
		    .zone = zone,
		    .want = "fail p=quarantine soft.example -> quarantine"
			    " (soft.example)" },
		{ .name = "does not hide a rejection",
		    .authors =
			"soft.example lost.example strict.example good.test",
		    .spf = "",
		    .dkim = "",
		    .zone = zone,
		    .want = "fail p=reject strict.example -> reject"
			    " (strict.example)" },
	};

	(void)state;
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
}

/* The MTA shows the target of an alias, which must pass too. */
static void
aliases_of_authors(void **state)
{
	static const char zone[] = DMARC("good.test", NONE)
	    DMARC("strict.example", REJECT) HOST("host.good.test")
		ALIAS("to-strict.good.test", "strict.example")
		    ALIAS("to-good.strict.example", "host.good.test")
			ALIAS("f.good.test", "free.example")
			    ALIAS("chain.good.test", "to-strict.good.test")
				ALIAS("loop.good.test", "loop.good.test");
	static const struct dmarc_vector vectors[] = {
		{ .name = "not expanded",
		    .authors = "to-strict.good.test",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "pass p=none good.test spf (good.test)" },
		{ .name = "the target fails",
		    .authors = ">to-strict.good.test",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "fail p=reject strict.example -> reject"
			    " (strict.example)" },
		{ .name = "the target of a chain fails",
		    .authors = ">chain.good.test",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "fail p=reject strict.example -> reject"
			    " (strict.example)" },
		{ .name = "both pass",
		    .authors = ">to-strict.good.test",
		    .spf = "+good.test",
		    .dkim = "+strict.example",
		    .zone = zone,
		    .want = "pass p=none good.test spf (good.test)" },
		{ .name = "only the target passes",
		    .authors = ">to-good.strict.example",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "fail p=reject strict.example -> reject"
			    " (strict.example)" },
		{ .name = "the target has no record",
		    .authors = ">f.good.test",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "none (free.example)" },
		{ .name = "not an alias",
		    .authors = ">host.good.test",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "pass p=none good.test spf (good.test)" },
		{ .name = "the second author",
		    .authors = ">good.test to-strict.good.test",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "fail p=reject strict.example -> reject"
			    " (strict.example)" },
		{ .name = "a possible author",
		    .authors = ">good.test ~to-strict.good.test",
		    .spf = "+good.test",
		    .dkim = "",
		    .zone = zone,
		    .want = "pass p=none good.test spf (good.test)" },
	};
	struct dns_source *source = pump_zone(zone);
	struct dmarc_run r;

	(void)state;
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
	dmarc_run_open(&r, ">loop.good.test", "+good.test", "");
	pump_core(r.questions, source, false, dmarc_run_check, &r);
	assert_int_equal(r.result.code, DMARC_TEMPERROR);
	dmarc_run_close(&r);
	dmarc_run_open(&r, ">to-strict.good.test", "+good.test", "");
	pump_core(r.questions, source, false, dmarc_run_check, &r);
	assert_true(span_is(r.result.reason,
	    "to-strict.good.test is an alias of strict.example, which the MTA "
	    "shows: no aligned identifier passes; p=reject of strict.example"));
	assert_int_equal(r.result.alias_growth, 0);
	dmarc_run_close(&r);
	dmarc_run_open(&r, ">f.good.test to-strict.good.test", "", "");
	pump_core(r.questions, source, false, dmarc_run_check, &r);
	assert_int_equal(r.result.alias_growth, 1);
	dmarc_run_close(&r);
	source->close(source);
}

struct waves {
	const char *name;
	const char *authors, *spf, *dkim, *zone;
	unsigned waves;
	const char *names; /* all names queried, in order */
};

/* Checks which names are queried before the facts are known, and in how many
 * waves. */
static void
questions_in_waves(void **state)
{
	static const struct waves vectors[] = {
		{ .name = "identical: one walk",
		    .authors = "example.com",
		    .spf = "+example.com",
		    .dkim = "+example.com",
		    .zone = DMARC("example.com", REJECT),
		    .waves = 1,
		    .names = "_dmarc.example.com _dmarc.com" },
		{ .name = "other domains: none",
		    .authors = "example.com",
		    .spf = "+other.test",
		    .dkim = "-third.example +other.test",
		    .zone = DMARC("example.com", REJECT),
		    .waves = 1,
		    .names = "_dmarc.example.com _dmarc.com" },
		{ .name = "a subdomain: at once",
		    .authors = "example.com",
		    .spf = "-mail.example.com",
		    .dkim = "+example.com",
		    .zone = DMARC("example.com", REJECT),
		    .waves = 1,
		    .names = "_dmarc.example.com _dmarc.com "
			     "_dmarc.mail.example.com" },
		{ .name = "only the top-level domain in common",
		    .authors = "example.com",
		    .spf = "-other.com",
		    .dkim = "+third.com",
		    .zone = DMARC("example.com", REJECT),
		    .waves = 1,
		    .names = "_dmarc.example.com _dmarc.com" },
		{ .name = "which is the organizational domain",
		    .authors = "a.test",
		    .spf = "+b.test",
		    .dkim = "-c.d.test",
		    .zone = DMARC("test", REJECT),
		    .waves = 2,
		    .names = "_dmarc.a.test _dmarc.test _dmarc.b.test "
			     "_dmarc.c.d.test"
			     " _dmarc.d.test" },
		{ .name = "existence where it matters",
		    .authors = "a.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", NONE "; np=reject"),
		    .waves = 2,
		    .names =
			"_dmarc.a.example.com _dmarc.example.com _dmarc.com"
			" a.example.com" },
		{ .name = "not for the same policy",
		    .authors = "a.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", NONE "; sp=reject; np=reject"),
		    .waves = 1,
		    .names =
			"_dmarc.a.example.com _dmarc.example.com _dmarc.com" },
		{ .name = "not without np",
		    .authors = "a.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", NONE "; sp=reject"),
		    .waves = 1,
		    .names =
			"_dmarc.a.example.com _dmarc.example.com _dmarc.com" },
		{ .name = "not if the walk shows that it exists",
		    .authors = "a.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", NONE "; np=reject")
			DMARC("a.example.com", "hello"),
		    .waves = 1,
		    .names =
			"_dmarc.a.example.com _dmarc.example.com _dmarc.com" },
		{ .name = "not with its own record",
		    .authors = "a.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", NONE "; np=reject")
			DMARC("a.example.com", NONE "; np=reject"),
		    .waves = 1,
		    .names =
			"_dmarc.a.example.com _dmarc.example.com _dmarc.com" },
		{ .name = "several authors, their own records first",
		    .authors = "a.test b.example",
		    .spf = "+c.a.test",
		    .dkim = "-b.example",
		    .zone = "",
		    .waves = 1,
		    .names = "_dmarc.a.test _dmarc.b.example _dmarc.test"
			     " _dmarc.example _dmarc.c.a.test" },
		{ .name = "aliases, before the parent domains",
		    .authors = ">a.test b.example ~c.test",
		    .spf = "",
		    .dkim = "",
		    .zone = ALIAS("a.test", "d.example")
			ALIAS("c.test", "d.example"),
		    .waves = 2,
		    .names = "_dmarc.a.test _dmarc.b.example _dmarc.c.test"
			     " a.test b.example _dmarc.test _dmarc.example"
			     " _dmarc.d.example" },
		{ .name = "an invalid From: no queries",
		    .authors = "!a.test b.example",
		    .spf = "+c.a.test",
		    .dkim = "-b.example",
		    .zone = "",
		    .names = "" },
		{ .name = "a walk is never more than eight",
		    .authors = DEEP,
		    .spf = "",
		    .dkim = "",
		    .zone = "",
		    .waves = 1,
		    .names =
			"_dmarc." DEEP " _dmarc.g.h.i.j.k.example.com"
			" _dmarc.h.i.j.k.example.com _dmarc.i.j.k.example.com"
			" _dmarc.j.k.example.com _dmarc.k.example.com"
			" _dmarc.example.com _dmarc.com" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct waves *v = &vectors[i];
		struct dns_source *zone = pump_zone(v->zone);
		struct dmarc_run r;
		char got[1024];
		struct buf b = buf_wrap(got, sizeof(got));

		dmarc_run_open(&r, v->authors, v->spf, v->dkim);
		unsigned waves =
		    pump_core(r.questions, zone, false, dmarc_run_ask, &r);

		assert_int_equal(
		    pump_core(r.questions, zone, false, dmarc_run_check, &r),
		    0);
		for (const struct dns_question *q =
			 dns_questions_first(r.questions);
		     q != NULL; q = q->next) {
			buf_text(&b, b.n > 0 ? " " : "");
			buf_span(&b, q->name);
		}
		if (strcmp(got, v->names) != 0)
			fail_msg(
			    "%s:\n got  %s\n want %s", v->name, got, v->names);
		if (waves != v->waves)
			fail_msg("%s: %u waves", v->name, waves);
		dmarc_run_close(&r);
		zone->close(zone);
	}
}

/* Input of excessive size takes bounded time, and yields a verdict without more
 * questions than allowed. */
static void
hostile_sizes(void **state)
{
	enum { MANY = 32 };
	char names[MANY][2 * 120 + 16];
	struct span authors[MANY];
	struct dmarc_identifier dkim[MANY];
	struct dns_source *zone = pump_zone(DMARC("example.com", REJECT));
	struct dmarc_run r;

	(void)state;
	dmarc_run_open(&r, "", "+example.com", "");
	for (size_t i = 0; i < MANY; i++) {
		struct buf b = buf_wrap(names[i], sizeof(names[i]));

		for (size_t label = 0; label < 110; label++)
			buf_printf(&b, "%c.", (char)('a' + (label + i) % 26));
		buf_printf(&b, "x%zu.example.com", i);
		authors[i] = buf_view(&b);
	}
	for (size_t i = 0; i < MANY; i++)
		dkim[i] = (struct dmarc_identifier){ authors[MANY - 1 - i],
			DMARC_FACT_PASS };
	r.facts.authors = authors;
	r.facts.n_authors = MANY;
	r.facts.dkim = dkim;
	r.facts.n_dkim = MANY;
	/* a limit that is large enough for all questions */
	dns_questions_free(r.questions);
	r.questions = dns_questions_new(8 * MANY + 16);
	pump_core(r.questions, zone, false, dmarc_run_ask, &r);
	assert_int_equal(
	    pump_core(r.questions, zone, false, dmarc_run_check, &r), 0);
	assert_true(dns_questions_count(r.questions) <= 8 * MANY);
	assert_int_equal(r.result.code, DMARC_PASS);
	assert_int_equal(r.result.n_authors, MANY);

	/* a limit that is too small */
	dns_questions_free(r.questions);
	r.questions = dns_questions_new(20);
	pump_core(r.questions, zone, false, dmarc_run_check, &r);
	assert_int_equal(r.result.code, DMARC_TEMPERROR);
	dmarc_run_is_sound("too many questions", &r);
	dmarc_run_close(&r);
	zone->close(zone);
}

/*
 * Seven authors with deep names and many signatures come first: the record of
 * the eighth is found, because it is queried before the parent domains of the
 * others.
 */
static void
no_author_uses_up_questions_of_another(void **state)
{
	enum { AUTHORS = 8, SIGNATURES = 8, BUDGET = AUTHORS + 4 };
	char names[AUTHORS][64], signers[SIGNATURES][64];
	struct dns_source *zone = pump_zone(DMARC("bank.example", REJECT));
	struct dmarc_run r;

	(void)state;
	dmarc_run_open(&r, "", "+attack.test", "");
	for (size_t i = 0; i < AUTHORS; i++) {
		struct buf b = buf_wrap(names[i], sizeof(names[i]));

		if (i == AUTHORS - 1)
			buf_text(&b, "bank.example");
		else
			buf_printf(&b, "a%zu.b.c.d.e.f.g%zu.t%zu", i, i, i);
		r.authors[r.facts.n_authors++] = buf_view(&b);
	}
	for (size_t i = 0; i < SIGNATURES; i++) {
		struct buf b = buf_wrap(signers[i], sizeof(signers[i]));

		buf_printf(&b, "s%zu.x.y.z.g0.t0", i);
		r.dkim[r.facts.n_dkim++] =
		    (struct dmarc_identifier){ buf_view(&b), DMARC_FACT_PASS };
	}
	dns_questions_free(r.questions);
	r.questions = dns_questions_new(BUDGET);
	pump_core(r.questions, zone, false, dmarc_run_ask, &r);
	assert_int_equal(
	    pump_core(r.questions, zone, false, dmarc_run_check, &r), 0);
	assert_int_equal(dns_questions_count(r.questions), BUDGET);
	assert_true(dns_questions_budget_exceeded(r.questions));
	assert_int_equal(r.result.code, DMARC_FAIL);
	assert_int_equal(r.result.disposition, DMARC_POLICY_REJECT);
	assert_true(span_is(r.result.author_domain, "bank.example"));
	dmarc_run_close(&r);
	zone->close(zone);
}

static void
names_of_codes(void **state)
{
	(void)state;
	assert_string_equal(dmarc_code_name(DMARC_NONE), "none");
	assert_string_equal(dmarc_code_name(DMARC_PASS), "pass");
	assert_string_equal(dmarc_code_name(DMARC_FAIL), "fail");
	assert_string_equal(dmarc_code_name(DMARC_TEMPERROR), "temperror");
	assert_string_equal(dmarc_code_name(DMARC_PERMERROR), "permerror");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9989_5_3_6_errors),
		cmocka_unit_test(rfc9989_5_3_1_and_11_5_authors),
		cmocka_unit_test(aliases_of_authors),
		cmocka_unit_test(questions_in_waves),
		cmocka_unit_test(hostile_sizes),
		cmocka_unit_test(no_author_uses_up_questions_of_another),
		cmocka_unit_test(names_of_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
