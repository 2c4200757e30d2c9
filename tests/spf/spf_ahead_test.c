/* spf_ahead_test.c - which queries are sent, in which order, and how many: RFC
 * 7208 section 4.6.4 also limits prefetching */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"
#include "tests/support/core_driver.h"
#include "tests/support/spfcheck.h"

enum {
	CHAIN = 10000,
	ZONE_MAX = 4 << 20,
	LATENCY = 10,
	/* 10 terms with an MX query and at most 10 hosts each, and the TXT
	 * query of the domain */
	QUESTIONS_MAX = 1 + 10 * 11,
};

struct spf_ahead_vector {
	const char *what;
	const char *zone;
	const char *ip;
	enum spf_code code;
	unsigned waves;
	size_t questions;
};

static void
ask_spf_ahead(const struct spf_ahead_vector *v)
{
	struct dns_source *zone = pump_zone(v->zone);
	struct dns_source *fake = fake_new(zone, LATENCY);
	struct dns_questions *questions = dns_questions_new(SPFCHECK_QUESTIONS);
	struct arena *a = arena_new(SPFCHECK_MEMORY);
	struct spf_query q =
	    spfcheck_query(v->ip, "user@d.example", "mail.d.example");
	struct spf_result r;
	unsigned waves = spfcheck_run(&q, fake, true, questions, a, &r);

	if (r.code != v->code)
		fail_msg("%s: %s: %.*s", v->what, spf_code_name(r.code),
		    SPAN_FMT(r.reason));
	if (waves != v->waves)
		fail_msg("%s: %u waves", v->what, waves);
	if (fake_questions(fake) != v->questions)
		fail_msg("%s: %zu questions", v->what, fake_questions(fake));
	arena_free(a);
	dns_questions_free(questions);
	fake->close(fake);
	zone->close(zone);
}

#define D(record) "d.example. TXT \"" record "\"\n"
#define I(n) "i" n ".example. TXT \"v=spf1 a:h" n ".example -all\"\n"
#define H(n) "h" n ".example. A 192.0.2." n "\n"
#define NINE                                                                   \
	"a:h1.example a:h2.example a:h3.example a:h4.example a:h5.example "    \
	"a:h6.example a:h7.example a:h8.example a:h9.example"
#define NINE_HOSTS                                                             \
	H("1") H("2") H("3") H("4") H("5") H("6") H("7") H("8") H("9")

static void
a_wave_queries_all_known_names(void **state)
{
	static const struct spf_ahead_vector vectors[] = {
		{ .what = "no record",
		    .zone = "x.example. A 192.0.2.1\n",
		    .ip = "192.0.2.9",
		    .code = SPF_NONE,
		    .waves = 1,
		    .questions = 1 },
		{ .what = "addresses alone",
		    .zone = D("v=spf1 ip4:192.0.2.9 -all"),
		    .ip = "192.0.2.9",
		    .code = SPF_PASS,
		    .waves = 1,
		    .questions = 1 },
		{ .what = "terms of one record",
		    .zone = D("v=spf1 " NINE " -all") NINE_HOSTS,
		    .ip = "192.0.2.99",
		    .code = SPF_FAIL,
		    .waves = 2,
		    .questions = 10 },
		{ .what = "includes side by side",
		    .zone = D("v=spf1 include:i1.example include:i2.example "
			      "include:i3.example -all") I("1") I("2") I("3")
			H("1") H("2") H("3"),
		    .ip = "192.0.2.99",
		    .code = SPF_FAIL,
		    .waves = 3,
		    .questions = 7 },
		{ .what = "include and redirect",
		    .zone = D("v=spf1 include:i1.example redirect=i2.example")
			I("1") I("2") H("1") H("2"),
		    .ip = "192.0.2.2",
		    .code = SPF_PASS,
		    .waves = 3,
		    .questions = 5 },
		{ .what = "mx and its hosts",
		    .zone = D("v=spf1 mx a:h3.example -all") H("1") H("2")
			H("3") "d.example. MX 1 h1.example.\n"
			       "d.example. MX 2 h2.example.\n",
		    .ip = "192.0.2.3",
		    .code = SPF_PASS,
		    .waves = 3,
		    .questions = 5 },
		{ .what = "exists with macros",
		    .zone =
			D("v=spf1 exists:%{ir}.l.%{d} exists:%{l}.m.%{d} -all"),
		    .ip = "192.0.2.3",
		    .code = SPF_FAIL,
		    .waves = 2,
		    .questions = 3 },
		{ .what = "a name behind PTR",
		    .zone = D("v=spf1 exists:%{p}.x.example a:h1.example -all")
			H("1") "3.2.0.192.in-addr.arpa. PTR h3.example.\n" H(
			    "3"),
		    .ip = "192.0.2.3",
		    .code = SPF_FAIL,
		    .waves = 4,
		    .questions = 5 },
		{ .what = "nothing",
		    .zone = D("v=spf1 ptr:example a:h1.example -all"),
		    .ip = "192.0.2.3",
		    .code = SPF_PERMERROR,
		    .waves = 1,
		    .questions = 1 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		ask_spf_ahead(&vectors[i]);
}

static void
nothing_is_queried_after_a_certain_match(void **state)
{
	static const struct spf_ahead_vector vectors[] = {
		{ .what = "ip4 behind include",
		    .zone = D("v=spf1 include:i1.example ip4:192.0.2.9 " NINE
			      " -all") I("1") H("1"),
		    .ip = "192.0.2.9",
		    .code = SPF_PASS,
		    .waves = 3,
		    .questions = 3 },
		{ .what = "all in an include",
		    .zone =
			D("v=spf1 include:i1.example -all") "i1.example. TXT "
							    "\"v=spf1 "
							    "a:h1.example "
							    "all\"\n",
		    .ip = "192.0.2.9",
		    .code = SPF_PASS,
		    .waves = 3,
		    .questions = 3 },
		{ .what = "exp= is not asked for a pass",
		    .zone = D(
			"v=spf1 ip4:192.0.2.9 -all exp=e.example") "e.example. "
								   "TXT "
								   "\"no\"\n",
		    .ip = "192.0.2.9",
		    .code = SPF_PASS,
		    .waves = 1,
		    .questions = 1 },
		{ .what = "exp= of a fail",
		    .zone = D(
			"v=spf1 ip4:192.0.2.9 -all exp=e.example") "e.example. "
								   "TXT "
								   "\"no\"\n",
		    .ip = "192.0.2.8",
		    .code = SPF_FAIL,
		    .waves = 2,
		    .questions = 2 },
		{ .what = "redirect= behind all",
		    .zone = D("v=spf1 a:h1.example redirect=i1.example -all")
			H("1") I("1"),
		    .ip = "192.0.2.9",
		    .code = SPF_FAIL,
		    .waves = 2,
		    .questions = 2 },
		{ .what = "a syntax error",
		    .zone = D("v=spf1 " NINE " foo"),
		    .ip = "192.0.2.9",
		    .code = SPF_PERMERROR,
		    .waves = 1,
		    .questions = 1 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		ask_spf_ahead(&vectors[i]);
}

static void
rfc7208_4_6_4_limits_prefetching(void **state)
{
	static const struct spf_ahead_vector vectors[] = {
		{ .what = "20 terms",
		    .zone = D("v=spf1 " NINE "\" \" " NINE "\" \" " NINE
			      " -all") NINE_HOSTS,
		    .ip = "192.0.2.99",
		    .code = SPF_PERMERROR,
		    .waves = 2,
		    .questions = 10 },
		{ .what = "20 names",
		    .zone = D(
			"v=spf1 " NINE " exists:a1.example exists:a2.example "
			"exists:a3.example exists:a4.example -all") NINE_HOSTS,
		    .ip = "192.0.2.99",
		    .code = SPF_PERMERROR,
		    .waves = 2,
		    .questions = 11 },
		{ .what = "a ring",
		    .zone = "d.example. TXT \"v=spf1 include:e.example\"\n"
			    "e.example. TXT \"v=spf1 include:d.example\"\n",
		    .ip = "192.0.2.99",
		    .code = SPF_PERMERROR,
		    .waves = 2,
		    .questions = 2 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		ask_spf_ahead(&vectors[i]);
}

/* RFC 7208 sections 2.3 and 4.3: nothing is queried if the domain cannot be
 * checked. */
static void
rfc7208_4_3_asks_nothing(void **state)
{
	static const char *const names[] = { "[192.0.2.1]",
		"[IPv6:2001:db8::1]", "192.0.2.1", "single", "a..b", "" };
	struct dns_source *source = pump_zone("d.example. A 192.0.2.1\n");
	struct arena *a = arena_new(SPFCHECK_MEMORY);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct dns_questions *questions =
		    dns_questions_new(SPFCHECK_QUESTIONS);
		struct spf_query q = spfcheck_query("192.0.2.1", "", names[i]);
		struct spf_result r;

		spfcheck_run(&q, source, false, questions, a, &r);
		assert_int_equal(r.code, SPF_NONE);
		if (dns_questions_count(questions) > 0)
			fail_msg("%s: asks", names[i]);
		dns_questions_free(questions);
	}
	arena_free(a);
	source->close(source);
}

static enum spf_code
check_record_of(size_t n)
{
	static char text[4 * SPF_MAX_RECORD];
	struct buf b = buf_wrap(text, sizeof(text));
	struct arena *a = arena_new(SPFCHECK_MEMORY);
	struct dns_questions *questions = dns_questions_new(SPFCHECK_QUESTIONS);
	struct spf_query q =
	    spfcheck_query("192.0.2.1", "user@d.example", NULL);
	struct dns_source *source;
	struct spf_result r;

	buf_text(&b, "d.example. TXT \"v=spf1 +all\"");
	for (n -= 11; n > 0;) {
		size_t part = n > 200 ? 200 : n;

		buf_printf(&b, " \"%*s\"", (int)part, "");
		n -= part;
	}
	buf_text(&b, "\n");
	assert_false(b.full);
	source = pump_zone(text);
	spfcheck_run(&q, source, false, questions, a, &r);
	arena_free(a);
	dns_questions_free(questions);
	source->close(source);
	return r.code;
}

static void
a_record_has_a_limit(void **state)
{
	(void)state;
	assert_int_equal(check_record_of(SPF_MAX_RECORD), SPF_PASS);
	assert_int_equal(check_record_of(SPF_MAX_RECORD + 1), SPF_PERMERROR);
}

/* Builds a zone in which d.example includes or redirects to n1, n1 to n2, and
 * so on. */
static char *
chain_zone(const char *term)
{
	char *text = malloc(ZONE_MAX);
	struct buf b = buf_wrap(text, text != NULL ? ZONE_MAX : 0);

	assert_non_null(text);
	buf_printf(
	    &b, "$TTL 300\nd.example. TXT \"v=spf1 %sn1.example\"\n", term);
	for (unsigned i = 1; i < CHAIN; i++)
		buf_printf(&b, "n%u.example. TXT \"v=spf1 %sn%u.example\"\n", i,
		    term, i + 1);
	buf_printf(&b, "n%u.example. TXT \"v=spf1 +all\"\n", CHAIN);
	assert_false(b.full);
	return text;
}

static void
rfc7208_4_6_4_chains_of_10000(void **state)
{
	static const char *const terms[] = {
		"include:", "redirect=", "-include:"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(terms); i++) {
		char *zone = chain_zone(terms[i]);
		struct spf_ahead_vector v = { terms[i], zone, "192.0.2.1",
			SPF_PERMERROR, 11, 11 };

		ask_spf_ahead(&v);
		free(zone);
	}
}

/* Nested includes, ten in each record, share one budget. */
static void
rfc7208_4_6_4_trees(void **state)
{
	static const char zone[] =
	    "$TTL 300\n"
	    "*.example. TXT \"v=spf1 include:a.%{d} include:b.%{d} "
	    "include:c.%{d} include:d.%{d} include:e.%{d} include:f.%{d} "
	    "include:g.%{d} include:h.%{d} include:i.%{d} include:j.%{d} "
	    "mx:k.%{d} ?all\"\n";
	struct dns_source *source = pump_zone(zone);
	struct dns_source *fake = fake_new(source, LATENCY);
	struct dns_questions *questions = dns_questions_new(SPFCHECK_QUESTIONS);
	struct arena *a = arena_new(SPFCHECK_MEMORY);
	struct spf_query q =
	    spfcheck_query("192.0.2.1", "user@d.example", NULL);
	struct spf_result r;

	(void)state;
	spfcheck_run(&q, fake, true, questions, a, &r);
	assert_int_equal(r.code, SPF_PERMERROR);
	assert_true(fake_questions(fake) <= QUESTIONS_MAX);
	arena_free(a);
	dns_questions_free(questions);
	fake->close(fake);
	source->close(source);
}

/* With a small budget of questions, the result is temperror or fail.  A "-"
 * term that was not evaluated never leads to pass. */
static void
a_small_budget_gives_temperror(void **state)
{
	static const char zone[] =
	    D("v=spf1 -a:h1.example -a:h2.example -exists:h3.example "
	      "-mx:h4.example -ptr:i1.example -include:i1.example +all")
		H("9") "i1.example. TXT \"v=spf1 a:h9.example -all\"\n"
		       "h1.example. A 192.0.2.1\n"
		       "h2.example. A 192.0.2.2\n"
		       "h4.example. MX 1 h9.example.\n";
	struct dns_source *source = pump_zone(zone);
	struct arena *a = arena_new(SPFCHECK_MEMORY);
	struct spf_query q =
	    spfcheck_query("192.0.2.9", "user@d.example", NULL);
	bool was_fail = false;

	(void)state;
	for (size_t max = 1; max < 20; max++) {
		struct dns_questions *questions = dns_questions_new(max);
		struct spf_result r;

		assert_non_null(questions);
		spfcheck_run(&q, source, false, questions, a, &r);
		if (r.code != SPF_TEMPERROR && r.code != SPF_FAIL)
			fail_msg("%zu: %s", max, spf_code_name(r.code));
		assert_true(r.code == SPF_FAIL || !was_fail);
		was_fail = r.code == SPF_FAIL;
		dns_questions_free(questions);
	}
	assert_true(was_fail);
	arena_free(a);
	source->close(source);
}

static void
put_trace(struct buf *b, const struct spf_trace *t)
{
	for (; t != NULL; t = t->next) {
		buf_printf(b, "%u %.*s|%.*s|%.*s|%.*s|%.*s|%u %u\n", t->depth,
		    SPAN_FMT(t->domain), SPAN_FMT(t->term), SPAN_FMT(t->asked),
		    SPAN_FMT(t->got), SPAN_FMT(t->decided), t->lookups,
		    t->void_lookups);
	}
}

static void
the_trace_has_every_step(void **state)
{
	static const char zone[] =
	    D("v=spf1 a:gone.example include:i.example mx -all "
	      "exp=e.example") "i.example. TXT \"v=spf1 ip4:192.0.2.1 "
			       "redirect=j.example\"\n"
			       "j.example. TXT \"v=spf1 ?all\"\n"
			       "d.example. MX 5 m.example.\n"
			       "m.example. AAAA 2001:db8::1\n"
			       "e.example. TXT \"go away, %{l}\"\n";
	static const char want[] =
	    "0 d.example|v=spf1 a:gone.example include:i.example mx -all "
	    "exp=e.example|d.example TXT|\"v=spf1 a:gone.example "
	    "include:i.example mx -all exp=e.example\"|record|0 0\n"
	    "0 d.example|a:gone.example|gone.example A|nxdomain|no match|1 "
	    "1\n"
	    "0 d.example|include:i.example|||no match|3 1\n"
	    "1 i.example|v=spf1 ip4:192.0.2.1 redirect=j.example|i.example "
	    "TXT|\"v=spf1 ip4:192.0.2.1 redirect=j.example\"|record|2 1\n"
	    "1 i.example|ip4:192.0.2.1|||no match|2 1\n"
	    "1 i.example|redirect=j.example|||continues at: j.example|3 1\n"
	    "1 j.example|v=spf1 ?all|j.example TXT|\"v=spf1 ?all\"|record|3 "
	    "1\n"
	    "1 j.example|?all|||match: neutral|3 1\n"
	    "0 d.example|mx|d.example MX, m.example A|5 m.example; "
	    "nodata|no match|4 2\n"
	    "0 d.example|-all|||match: fail|4 2\n"
	    "0 d.example|exp=e.example|e.example TXT|\"go away, "
	    "%{l}\"|explanation: go away, user|4 2\n";
	struct dns_source *source = pump_zone(zone);
	struct dns_questions *questions = dns_questions_new(SPFCHECK_QUESTIONS);
	struct arena *a = arena_new(SPFCHECK_MEMORY);
	struct spf_query q =
	    spfcheck_query("192.0.2.9", "user@d.example", NULL);
	char got[4096];
	struct buf b = buf_wrap(got, sizeof(got));
	struct spf_result r;

	(void)state;
	q.trace = true;
	spfcheck_run(&q, source, false, questions, a, &r);
	put_trace(&b, r.trace);
	assert_string_equal(got, want);
	arena_free(a);
	dns_questions_free(questions);
	source->close(source);
}

/* A record with more terms than a trace has lines: the result does not
 * change. */
static void
a_long_trace_ends(void **state)
{
	static const char *const names[] = { "d", "e", "f" };
	static char text[64 * 1024];
	struct buf b = buf_wrap(text, sizeof(text));
	struct dns_questions *questions = dns_questions_new(SPFCHECK_QUESTIONS);
	struct arena *a = arena_new(SPFCHECK_MEMORY);
	struct spf_query q =
	    spfcheck_query("198.51.100.1", "user@d.example", NULL);
	struct dns_source *source;
	struct spf_result r;
	size_t lines = 0;
	const struct spf_trace *last = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		buf_printf(&b, "%s.example. TXT \"v=spf1\"", names[i]);
		for (unsigned j = 0; j < 500; j++)
			buf_text(&b,
			    j % 10 == 0       ? " \" ip4:192.0.2.1"
				: j % 10 == 9 ? " ip4:192.0.2.1\""
					      : " ip4:192.0.2.1");
		if (i + 1 < ARRAY_SIZE(names))
			buf_printf(
			    &b, " \" include:%s.example\"", names[i + 1]);
		buf_text(&b, " \" -all\"\n");
	}
	assert_false(b.full);
	source = pump_zone(text);
	q.trace = true;
	spfcheck_run(&q, source, false, questions, a, &r);
	assert_int_equal(r.code, SPF_FAIL);
	assert_int_equal(r.lookups, 2);
	for (const struct spf_trace *t = r.trace; t != NULL; t = t->next) {
		lines++;
		last = t;
	}
	assert_int_equal(lines, 1024);
	assert_true(span_is(last->term, "(more terms follow; not shown)"));
	arena_free(a);
	dns_questions_free(questions);
	source->close(source);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wave_queries_all_known_names),
		cmocka_unit_test(nothing_is_queried_after_a_certain_match),
		cmocka_unit_test(rfc7208_4_6_4_limits_prefetching),
		cmocka_unit_test(rfc7208_4_3_asks_nothing),
		cmocka_unit_test(a_record_has_a_limit),
		cmocka_unit_test(rfc7208_4_6_4_chains_of_10000),
		cmocka_unit_test(rfc7208_4_6_4_trees),
		cmocka_unit_test(a_small_budget_gives_temperror),
		cmocka_unit_test(the_trace_has_every_step),
		cmocka_unit_test(a_long_trace_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
