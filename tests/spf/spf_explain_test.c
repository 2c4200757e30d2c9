/* spf_explain_test.c - the details that check_host() returns with its result:
 * explanations (RFC 7208 section 6.2), counts, reasons and weaknesses; uses the
 * zones in tests/zones */
#include "spf/spf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dns/zone.h"
#include "lib/enum_names.h"
#include "tests/support/spf_vectors.h"
#include "tests/support/spfcheck.h"

/* Runs one check, for results that the tables do not compare. */
static void
check_spf_explain(const char *ip, const char *sender,
    void (*compare)(const struct spf_result *, const void *), const void *want)
{
	struct spf_query q = spfcheck_query(ip, sender, NULL);
	struct dns_questions *questions = dns_questions_new(SPFCHECK_QUESTIONS);
	struct arena *a = arena_new(SPFCHECK_MEMORY);
	struct spf_result r;

	assert_true(questions != NULL && a != NULL);
	spfcheck_run(&q, spf_zone, false, questions, a, &r);
	compare(&r, want);
	spfcheck_without_memory(sender, &q, spf_zone, r.code);
	arena_free(a);
	dns_questions_free(questions);
}

struct spf_explain_text_vector {
	const char *ip;
	const char *sender;
	const char *want; /* NULL: absent */
};

static void
has_explanation(const struct spf_result *r, const void *arg)
{
	const struct spf_explain_text_vector *v = arg;
	struct span want = span_str(v->want);

	if (r->code != SPF_FAIL)
		fail_msg("%s: %s", v->sender, spf_code_name(r->code));
	if (!span_equal(r->explanation, want) ||
	    (want.p == NULL) != (r->explanation.p == NULL))
		fail_msg("%s: got %.*s", v->sender, SPAN_FMT(r->explanation));
}

static void
rfc7208_6_2_explanations(void **state)
{
	static const struct spf_explain_text_vector vectors[] = {
		{ V4, "a b+c@s62.example",
		    "See http://s62.example/why.html?s=a%20b%2Bc%40s62.example"
		    "&i=192.0.2.10" },
		{ V4, "a@s62-parts.example", "one twothree" },
		{ V4, "a@s62-two.example", NULL },
		{ V4, "a@s62-syntax.example", NULL },
		{ V4, "a@s62-8bit.example", NULL },
		{ V4, "a@s62-gone.example", NULL },
		{ V4, "a@in-fail.example", NULL },
		{ V4, "a@s62-empty.example", "" },
		{ V4, "a@s62-include.example", "outer" },
		{ V4, "a@s62-include-only.example", NULL },
		{ V4, "a@s62-redirect.example", "inner of s62-inner.example" },
		{ V4, "a@s62-redirect-none.example", NULL },
		{ V4, "a@s62-minus-include.example", "outer" },
		{ V4, "a@s62-crt.example",
		    "192.0.2.10 mx.receiver.example 1234567890 %  %20" },
		{ V6, "a@s62-crt.example",
		    "2001:db8::10 mx.receiver.example 1234567890 %  %20" },
		{ V4, "a@s62-p.example", "from host.example" },
		{ "192.0.2.99", "a@s62-p.example", "from unknown" },
		{ "192.0.2.18", "a@s62-p.example", NULL },
		{ V4, "j\xc3\xbcrgen@s62-utf.example", "for j??rgen!" },
		{ V4, "j\xc3\xbcrgen@s62-utf-name.example", NULL },
		{ V4, "@s43.example",
		    "postmaster@s43.example|postmaster|s43.example|"
		    "s43.example|mail.s23.example" },
		{ V4, "a@s43.example.",
		    "a@s43.example|a|s43.example|s43.example|"
		    "mail.s23.example" },
		{ "192.0.2.9",
		    "a@b\xc3\xbc"
		    "cher.example",
		    "a@xn--bcher-kva.example|a|xn--bcher-kva.example|"
		    "xn--bcher-kva.example|mail.s23.example" },
		{ V4, "@a.example,@b.example:joe@s43.example",
		    "joe@s43.example|joe|s43.example|s43.example|"
		    "mail.s23.example" },
		/* section 4.6.4: the limits do not apply to exp= */
		{ V4, "a@l10-exp-p.example", "from host.example" },
		{ "192.0.2.99", "a@v-exp-p.example", "from unknown" },
		/* section 7.3: the validated name that %{p} selects */
		{ "192.0.2.21", "a@s73-p2.example", "from sub.s73-p2.example" },
		{ "192.0.2.21", "a@s73-p3.example", "from s73-p3.example" },
		{ "192.0.2.21", "a@s73-p4.example", "from any.other.example" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check_spf_explain(vectors[i].ip, vectors[i].sender,
		    has_explanation, &vectors[i]);
}

static void
is_cut(const struct spf_result *r, const void *arg)
{
	(void)arg;
	assert_int_equal(r->code, SPF_FAIL);
	assert_int_equal(r->explanation.n, SPF_MAX_EXPLANATION);
}

static void
rfc7208_6_2_explanation_is_truncated(void **state)
{
	(void)state;
	check_spf_explain(V4, "a@s62-long.example", is_cut, NULL);
}

static void
not_a_fail(const struct spf_result *r, const void *arg)
{
	(void)arg;
	assert_int_equal(r->code, SPF_SOFTFAIL);
	assert_null(r->explanation.p);
}

static void
rfc7208_6_2_only_a_fail_is_explained(void **state)
{
	(void)state;
	check_spf_explain(V4, "a@s62-softfail.example", not_a_fail, NULL);
}

struct count_vector {
	const char *sender;
	unsigned lookups, void_lookups;
};

static void
has_counts(const struct spf_result *r, const void *arg)
{
	const struct count_vector *v = arg;

	if (r->lookups != v->lookups || r->void_lookups != v->void_lookups)
		fail_msg("%s: %u look-ups, %u void", v->sender, r->lookups,
		    r->void_lookups);
}

static void
rfc7208_4_6_4_counters(void **state)
{
	static const struct count_vector vectors[] = {
		{ "a@s23.example", 0, 0 },
		{ "a@l10.example", 10, 0 },
		{ "a@l11.example", 10, 0 },
		{ "a@l10-exp.example", 10, 0 },
		{ "a@lredirect10.example", 10, 0 },
		{ "a@linclude10.example", 10, 0 },
		{ "a@lallkinds.example", 10, 1 },
		{ "a@v2.example", 2, 2 },
		{ "a@v3.example", 3, 3 },
		{ "a@v-mx.example", 2, 2 },
		{ "a@v-exp.example", 2, 2 },
		{ "a@l10-exp-p.example", 10, 0 },
		{ "a@lp10.example", 10, 1 },
		{ "a@lp-twice.example", 10, 2 },
		{ "a@s52-none.example", 1, 0 },
		{ "a@gone.example", 0, 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check_spf_explain(
		    V4, vectors[i].sender, has_counts, &vectors[i]);
}

static void
has_mechanism(const struct spf_result *r, const void *arg)
{
	const struct spf_explain_text_vector *v = arg;

	if (!span_equal(r->mechanism, span_str(v->want)))
		fail_msg("%s: got %.*s", v->sender, SPAN_FMT(r->mechanism));
}

static void
rfc7208_9_1_the_mechanism_that_matched(void **state)
{
	static const struct spf_explain_text_vector vectors[] = {
		{ V4, "a@s23.example", "ip4:192.0.2.10" },
		{ V4, "a@s45-case.example", "-ALL" },
		{ V4, "a@s52-pass.example", "include:in-pass.example" },
		{ V4, "a@s61.example", "a:host.example" },
		{ V4, "a@s47.example", NULL },
		{ V4, "a@gone.example", NULL },
		{ V4, "a@l11.example", NULL },
		{ V4, "a@s53-fail.example", NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check_spf_explain(
		    V4, vectors[i].sender, has_mechanism, &vectors[i]);
}

static void
has_sources(const struct spf_result *r, const void *arg)
{
	const struct spf_explain_text_vector *v = arg;
	char got[1000];
	struct buf b = buf_wrap(got, sizeof(got));

	for (size_t i = 0; i < r->n_sources; i++) {
		assert_true(span_starts_nocase(r->sources[i].record, "v=spf1"));
		buf_text(&b, i > 0 ? " " : "");
		buf_span(&b, r->sources[i].domain);
	}
	if (strcmp(got, v->want) != 0)
		fail_msg("%s: got %s", v->sender, got);
}

static void
rfc6591_3_2_6_the_records_used(void **state)
{
	static const struct spf_explain_text_vector vectors[] = {
		{ V4, "a@s23.example", "s23.example" },
		{ V4, "a@s52-pass.example",
		    "s52-pass.example in-pass.example" },
		{ V4, "a@s62-redirect.example",
		    "s62-redirect.example s62-inner.example" },
		{ V4, "a@linclude11.example",
		    "linclude11.example i5.example i4.example" },
		{ V4, "a@gone.example", "" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check_spf_explain(
		    V4, vectors[i].sender, has_sources, &vectors[i]);
}

static void
has_reason(const struct spf_result *r, const void *arg)
{
	const struct spf_explain_text_vector *v = arg;

	if (!span_equal(r->reason, span_str(v->want)))
		fail_msg("%s: got %.*s", v->sender, SPAN_FMT(r->reason));
}

static void
reasons(void **state)
{
	static const struct spf_explain_text_vector vectors[] = {
		{ V4, "a@s23.example",
		    "192.0.2.10 matches ip4:192.0.2.10 of s23.example" },
		{ V4, "a@w-all.example",
		    "192.0.2.10 matches include:in-pass.example of "
		    "w-all.example via +all of in-pass.example" },
		{ V4, "a@s47.example",
		    "192.0.2.10 matches no term of s47.example" },
		{ V4, "a@gone.example", "\"gone.example\" has no SPF record" },
		{ V4, "a@single", "\"single\" is not a valid domain name" },
		{ V4, "postmaster", "no domain to check" },
		{ V4, "a@s46-after.example",
		    "no such mechanism at foo:bar of s46-after.example" },
		{ V4, "a@s52-temp.example",
		    "servfail for in-temp.example TXT at in-temp.example" },
		{ V4, "a@s53-fail.example",
		    "timeout for s53-gone.example A at a:s53-gone.example of "
		    "s53-fail.example" },
		{ V4, "a@l11.example",
		    "more than 10 terms that look up DNS at a:n11.example of "
		    "l11.example" },
		{ V4, "a@s52-none.example",
		    "the included domain has no SPF record at "
		    "include:in-none.example of s52-none.example" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check_spf_explain(
		    vectors[i].ip, vectors[i].sender, has_reason, &vectors[i]);
}

struct weakness_vector {
	const char *ip;
	const char *sender;
	enum spf_weakness want;
};

static void
has_weakness(const struct spf_result *r, const void *arg)
{
	const struct weakness_vector *v = arg;

	if (r->weakness != v->want)
		fail_msg(
		    "%s: got %s", v->sender, spf_weakness_name(r->weakness));
}

static void
weak_passes(void **state)
{
	static const struct weakness_vector vectors[] = {
		{ V4, "a@s23.example", SPF_WEAKNESS_NONE },
		{ V4, "a@s51-plus.example", SPF_WEAK_ALL },
		{ V4, "a@w-all.example", SPF_WEAK_ALL },
		{ V4, "a@w-redirect.example", SPF_WEAK_ALL },
		{ V4, "a@s52-ask.example", SPF_WEAKNESS_NONE },
		{ V4, "a@w-range.example", SPF_WEAK_RANGE },
		{ V4, "a@w-range9.example", SPF_WEAKNESS_NONE },
		{ V6, "a@w-range6.example", SPF_WEAK_RANGE },
		{ V6, "a@w-range617.example", SPF_WEAKNESS_NONE },
		{ V4, "a@w-a.example", SPF_WEAK_RANGE },
		{ V4, "a@w-neutral.example", SPF_WEAK_NEUTRAL_INCLUDE },
		{ V4, "a@w-askall.example", SPF_WEAKNESS_NONE },
		{ V4, "a@w-tilde.example", SPF_WEAKNESS_NONE },
		{ V4, "a@in-fail.example", SPF_WEAKNESS_NONE },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check_spf_explain(vectors[i].ip, vectors[i].sender,
		    has_weakness, &vectors[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7208_6_2_explanations),
		cmocka_unit_test(rfc7208_6_2_explanation_is_truncated),
		cmocka_unit_test(rfc7208_6_2_only_a_fail_is_explained),
		cmocka_unit_test(rfc7208_4_6_4_counters),
		cmocka_unit_test(rfc7208_9_1_the_mechanism_that_matched),
		cmocka_unit_test(rfc6591_3_2_6_the_records_used),
		cmocka_unit_test(reasons),
		cmocka_unit_test(weak_passes),
	};

	return cmocka_run_group_tests(tests, spf_zone_open, spf_zone_close);
}
