/* spf_lint_test.c - triggers each finding, and tests that a good record does
 * not trigger it */
#include "audit/spf_lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/enum_names.h"
#include "tests/support/core_driver.h"

enum { MEMORY = 1 << 20, WANT_MAX = 4096, ZONE_MAX = 65536 };

struct spf_lint_vector {
	const char *zone;
	const char *want; /* findings in order: "name term; name" */
};

struct linting {
	struct dns_questions *questions;
	struct arena *a;
	const char *domain;
	struct spf_lint out;
};

static enum core_status
step(void *arg)
{
	struct linting *l = arg;

	arena_rewind(l->a);
	return spf_lint(span_str(l->domain), l->questions, l->a, &l->out);
}

static void
put_findings(struct buf *b, const struct spf_lint *out)
{
	for (size_t i = 0; i < out->findings.n; i++) {
		const struct audit_finding *f = &out->findings.list[i];

		buf_text(b, i == 0 ? "" : "; ");
		buf_text(b, f->id);
		buf_text(b, f->term.n > 0 ? " " : "");
		buf_span(b, f->term);
		assert_true(f->text.n > 0 && f->text.n < 400);
		assert_true(strncmp(f->section, "RFC 7208 section ", 17) == 0);
		assert_true(f->fix.p[f->fix.n - 1] == '.');
		assert_true(span_all(f->text, ascii_is_print));
		assert_true(span_all(f->fix, ascii_is_print));
		assert_true(span_all(f->where, ascii_is_print));
	}
}

static size_t
count_of_all(const struct audit_findings *f)
{
	return f->counts[AUDIT_ERROR] + f->counts[AUDIT_WARNING] +
	    f->counts[AUDIT_NOTE];
}

static void
lint(struct dns_source *source, bool is_fake, const char *domain,
    unsigned long fail_at, const char *want)
{
	struct linting l = {
		.questions = dns_questions_new(SPF_LINT_QUESTIONS),
		.a = arena_new(MEMORY),
		.domain = domain,
	};
	char got[WANT_MAX];
	struct buf b = buf_wrap(got, sizeof(got));

	assert_true(l.questions != NULL && l.a != NULL);
	arena_fail_at(l.a, fail_at);
	pump_core(l.questions, source, is_fake, step, &l);
	if (fail_at == 0) {
		put_findings(&b, &l.out);
		if (strcmp(got, want) != 0)
			fail_msg("got  %s\nwant %s", got, want);
		assert_false(l.out.findings.cut);
		assert_int_equal(
		    l.out.findings.n, count_of_all(&l.out.findings));
	} else {
		assert_true(arena_has_failed(l.a));
		assert_true(l.out.findings.cut);
	}
	arena_free(l.a);
	dns_questions_free(l.questions);
}

static void
put_spf_lint(const char *domain, const struct spf_lint_vector *v)
{
	struct dns_source *zone = pump_zone(v->zone);
	struct dns_source *fake = fake_new(zone, 10);

	lint(zone, false, domain, 0, v->want);
	lint(fake, true, domain, 0, v->want);
	lint(zone, false, domain, 1, NULL);
	lint(zone, false, domain, 2, NULL);
	fake->close(fake);
	zone->close(zone);
}

/* Lints records of d.example, in a zone with some other hosts. */
static void
records(const struct spf_lint_vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		char text[ZONE_MAX];
		struct buf b = buf_wrap(text, sizeof(text));

		buf_text(&b,
		    "$TTL 300\n$ORIGIN example.\n"
		    "h A 192.0.2.1\nh AAAA 2001:db8::1\n"
		    "v4 A 192.0.2.2\n"
		    "h MX 1 h\n"
		    "ok TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
		    "d TXT \"");
		buf_text(&b, v->zone);
		buf_text(&b, "\"\n");
		put_spf_lint(
		    "D.Example.", &(struct spf_lint_vector){ text, v->want });
	}
}

#define RECORDS(vectors) records(vectors, ARRAY_SIZE(vectors))

static void
nothing_to_find(void **state)
{
	static const struct spf_lint_vector vectors[] = {
		{ "v=spf1 ip4:192.0.2.1 -all", "" },
		{ "v=spf1 -all", "" },
		{ "v=spf1 a:h.example mx:h.example include:ok.example "
		  "ip6:2001:db8::/32 ~all",
		    "" },
		{ "v=spf1 redirect=ok.example", "" },
		{ "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 "
		  "a:h.example/24 a:h.example -all",
		    "" },
	};
	(void)state;
	RECORDS(vectors);
}

static void
rfc7208_4_6_syntax(void **state)
{
	static const struct spf_lint_vector vectors[] = {
		{ "v=spf1 foo a:192.0.2.1 ip4:192.0.2.1 redirect=a "
		  "redirect=ok.example -all",
		    "syntax foo; syntax a:192.0.2.1; syntax redirect=a; "
		    "syntax redirect=ok.example; "
		    "modifier-before-mechanism redirect=a; "
		    "redirect-ignored redirect=a" },
		{ "v=spf1 ip4:192.0.2.1\" \"-all",
		    "syntax ip4:192.0.2.1-all; no-all" },
	};
	(void)state;
	RECORDS(vectors);
}

#define A(n) "a:h.example/" n " "

static void
rfc7208_4_6_4_limits(void **state)
{
	static const struct spf_lint_vector vectors[] = {
		{ "v=spf1 " A("20") A("21") A("22") A("23") A("24") A("25")
			A("26") "-all",
		    "" },
		{ "v=spf1 " A("20") A("21") A("22") A("23") A("24") A("25")
			A("26") A("27") "-all",
		    "lookups-at-limit" },
		{ "v=spf1 " A("20") A("21") A("22") A("23") A("24") A("25")
			A("26") A("27") A("28") A("29") "-all",
		    "lookups-at-limit" },
		{ "v=spf1 " A("20") A("21") A("22") A("23") A("24") A("25")
			A("26") A("27") A("28") A("29") A("30") "-all",
		    "too-many-lookups" },
		{ "v=spf1 " A("20") A("21") A("22") A("23") A("24") A("25")
			A("26") A("27") A("28") A("29") "redirect=ok.example",
		    "too-many-lookups" },
		{ "v=spf1 a:gone.example mx:v4.example -all",
		    "void-lookup a:gone.example; "
		    "void-lookup mx:v4.example" },
		{ "v=spf1 a:gone.example exists:gone.example "
		  "mx:v4.example -all",
		    "void-lookup a:gone.example; "
		    "void-lookup exists:gone.example; "
		    "void-lookup mx:v4.example; too-many-void-lookups; "
		    "too-many-void-lookups-ipv6" },
		{ "v=spf1 a:v4.example/24 a:v4.example/25 -all", "" },
		{ "v=spf1 a:v4.example/24 a:v4.example/25 "
		  "a:v4.example/26 -all",
		    "too-many-void-lookups-ipv6" },
		{ "v=spf1 exists:%{i}.x.example -all",
		    "depends-on-message exists:%{i}.x.example" },
		{ "v=spf1 exists:%{l}.x.example a:%{p}.example -all",
		    "depends-on-sender exists:%{l}.x.example; "
		    "ptr-macro a:%{p}.example; "
		    "depends-on-message exists:%{l}.x.example; "
		    "depends-on-message a:%{p}.example" },
		{ "v=spf1 a:%{d} -all", "void-lookup a:%{d}" },
	};
	(void)state;
	RECORDS(vectors);
}

static void
rfc7208_5_mechanisms(void **state)
{
	static const struct spf_lint_vector vectors[] = {
		{ "v=spf1 +all", "plus-all +all" },
		{ "v=spf1 all", "plus-all all" },
		{ "v=spf1 ?all", "neutral-all ?all" },
		{ "v=spf1", "no-all" },
		{ "v=spf1 ip4:192.0.2.1", "no-all" },
		{ "v=spf1 -all ip4:192.0.2.1 a:gone.example",
		    "behind-all ip4:192.0.2.1; behind-all a:gone.example" },
		{ "v=spf1 ~all redirect=ok.example",
		    "redirect-ignored redirect=ok.example" },
		{ "v=spf1 ptr -all", "ptr ptr" },
		{ "v=spf1 ip4:192.0.0.0/8 ip4:192.0.0.0/9 -all",
		    "broad-range ip4:192.0.0.0/8; "
		    "broad-range ip4:192.0.0.0/9; covered ip4:192.0.0.0/9" },
		{ "v=spf1 ip4:192.0.0.0/16 ip6:2001:db8::/32 -all", "" },
		{ "v=spf1 ip4:192.0.0.0/15 ip6:2400::/31 -all",
		    "broad-range ip4:192.0.0.0/15; "
		    "broad-range ip6:2400::/31" },
		{ "v=spf1 ip6:2000::/16 ip6:2400::/17 -ip4:0.0.0.0/0 -all",
		    "broad-range ip6:2000::/16; "
		    "broad-range ip6:2400::/17" },
		{ "v=spf1 a:h.example/8//17 mx:h.example//16 -all",
		    "broad-range a:h.example/8//17; "
		    "broad-range mx:h.example//16" },
		{ "v=spf1 ip4:192.0.2.1/24 ip6:2001:db8::1/64 -all",
		    "host-bits ip4:192.0.2.1/24; "
		    "host-bits ip6:2001:db8::1/64" },
		{ "v=spf1 ip4:10.1.2.3 ip4:172.16.0.0/16 ip6:fd12:3456::/32 "
		  "ip4:172.32.0.0/16 -all",
		    "not-public ip4:10.1.2.3; not-public ip4:172.16.0.0/16; "
		    "not-public ip6:fd12:3456::/32" },
		{ "v=spf1 ip4:192.0.2.1 a:h.example IP4:192.0.2.1/32 "
		  "-A:H.example -all",
		    "duplicate IP4:192.0.2.1/32; duplicate -A:H.example" },
		{ "v=spf1 ip4:192.0.2.0/24 ip4:192.0.2.77 ip4:192.0.3.1 -all",
		    "covered ip4:192.0.2.77" },
		{ "v=spf1 a:h.example. -all", "final-dot a:h.example." },
	};
	(void)state;
	RECORDS(vectors);
}

static void
rfc7208_6_modifiers(void **state)
{
	static const struct spf_lint_vector vectors[] = {
		{ "v=spf1 default=deny -all", "unknown-modifier default=deny" },
		{ "v=spf1 exp=gone.example -all",
		    "modifier-before-mechanism exp=gone.example; "
		    "exp-without-text exp=gone.example" },
		{ "v=spf1 -all exp=ok.example", "" },
		{ "v=spf1 redirect=gone.example",
		    "redirect-without-record redirect=gone.example" },
	};
	(void)state;
	RECORDS(vectors);
}

#define D(record) "d.example. TXT \"" record "\"\n"
#define N(name, record) name ".example. TXT \"" record "\"\n"

static void
give_all(const struct spf_lint_vector *v, size_t n)
{
	for (; n > 0; n--, v++)
		put_spf_lint("d.example", v);
}

static void
rfc7208_3_and_4_5_records(void **state)
{
	static const struct spf_lint_vector vectors[] = {
		{ "x.example. A 192.0.2.1\n", "no-record" },
		{ "d.example. A 192.0.2.1\n", "no-record" },
		{ D("v=spf1 -all") D("v=spf1 +all"), "several-records" },
		{ D("v=spf1 -all") D("hello"), "" },
		{ D("v=spf1 -all") D("spf2.0/pra -all"), "sender-id" },
		{ D("v=spf10 -all"), "looks-like-spf; no-record" },
		{ D(" v=spf1 -all"), "looks-like-spf; no-record" },
		{ D("spf1 -all"), "looks-like-spf; no-record" },
		{ ";!failed d.example. TXT servfail\n", "dns-failure" },
		{ D("v=spf1 a:x.example -all") ";!failed x.example. A timeout\n"
					       "x.example. AAAA 2001:db8::1\n",
		    "dns-failure a:x.example" },
	};
	(void)state;
	give_all(vectors, ARRAY_SIZE(vectors));
}

#define TEXT_100                                                               \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
rfc7208_3_4_size(void **state)
{
	static const struct spf_lint_vector vectors[] = {
		{ D("v=spf1 -all") D(TEXT_100) D(TEXT_100 "1") D(TEXT_100 "2")
			D(TEXT_100 "3"),
		    "" },
		{ D("v=spf1 -all") D(TEXT_100) D(TEXT_100 "1") D(TEXT_100 "2")
			D(TEXT_100 "3") D(TEXT_100 "4"),
		    "long-answer" },
	};
	(void)state;
	give_all(vectors, ARRAY_SIZE(vectors));
}

static void
rfc7208_5_2_and_6_1_trees(void **state)
{
	static const struct spf_lint_vector vectors[] = {
		{ D("v=spf1 include:a.example include:b.example -all")
			N("a", "v=spf1 +all") N("b", "hello"),
		    "plus-all +all; include-without-record "
		    "include:b.example" },
		{ D("v=spf1 -include:a.example ?include:b.example -all")
			N("a", "v=spf1 +all") N("b", "v=spf1 all"),
		    "" },
		{ D("v=spf1 include:a.example include:a.example ~all")
			N("a", "v=spf1 ptr ?all"),
		    "duplicate include:a.example; ptr ptr; included-twice "
		    "include:a.example" },
		{ D("v=spf1 include:a.example ~all")
			N("a", "v=spf1 include:b.example -all")
			    N("b", "v=spf1 include:a.example -all"),
		    "loop include:a.example" },
		{ D("v=spf1 include:d.example ~all"),
		    "loop include:d.example" },
		{ D("v=spf1 include:a.example ~all")
			N("a", "v=spf1 redirect=b.example")
			    N("b", "v=spf1 a:c.example foo:bar"),
		    "syntax foo:bar; void-lookup a:c.example" },
		{ D("v=spf1 redirect=a.example") N("a", "v=spf1 ?all"),
		    "neutral-all ?all" },
		{ D("v=spf1 redirect=_spf.%{d}") "_spf.d.example. TXT \"v=spf1 "
						 "mx -all\"\n"
						 "_spf.d.example. MX 0 .\n",
		    "null-mx mx" },
		{ D("v=spf1 mx -all") "d.example. MX 1 h.example.\n"
				      "d.example. MX 2 gone.example.\n"
				      "h.example. A 192.0.2.1\n",
		    "mx-host-without-address mx" },
		{ D("v=spf1 mx -all") "d.example. MX 1 h.example.\n"
				      "d.example. MX 2 h.example.\n"
				      "d.example. MX 3 h.example.\n"
				      "d.example. MX 4 h.example.\n"
				      "d.example. MX 5 h.example.\n"
				      "d.example. MX 6 h.example.\n"
				      "d.example. MX 7 h.example.\n"
				      "d.example. MX 8 h.example.\n"
				      "d.example. MX 9 h.example.\n"
				      "d.example. MX 10 h.example.\n"
				      "h.example. A 192.0.2.1\n"
				      "h.example. AAAA 2001:db8::1\n",
		    "" },
		{ D("v=spf1 mx -all") "d.example. MX 1 h.example.\n"
				      "d.example. MX 2 h.example.\n"
				      "d.example. MX 3 h.example.\n"
				      "d.example. MX 4 h.example.\n"
				      "d.example. MX 5 h.example.\n"
				      "d.example. MX 6 h.example.\n"
				      "d.example. MX 7 h.example.\n"
				      "d.example. MX 8 h.example.\n"
				      "d.example. MX 9 h.example.\n"
				      "d.example. MX 10 h.example.\n"
				      "d.example. MX 11 h.example.\n"
				      "h.example. A 192.0.2.1\n"
				      "h.example. AAAA 2001:db8::1\n",
		    "too-many-mx-hosts mx" },
		{ D("v=spf1 -all exp=e.example") N("e", "100% no"),
		    "exp-syntax exp=e.example" },
		{ D("v=spf1 -all exp=e.example") N("e", "no") N("e", "not"),
		    "exp-without-text exp=e.example" },
	};
	(void)state;
	give_all(vectors, ARRAY_SIZE(vectors));
}

static void
rfc7208_4_3_names(void **state)
{
	struct spf_lint_vector v = { "x.example. A 192.0.2.1\n",
		"no-domain-name" };

	(void)state;
	put_spf_lint("localhost", &v);
	put_spf_lint("", &v);
	put_spf_lint("a..b", &v);
	put_spf_lint("192.0.2.1", &v);
	put_spf_lint("\xff.example", &v);
	v = (struct spf_lint_vector){
		"xn--bcher-kva.example. TXT \"v=spf1 -all\"\n", ""
	};
	put_spf_lint("B\xc3\xbc"
		     "cher.example",
	    &v);
}

/* The walk through a wide and deep tree must end. */
static void
the_walk_is_bounded(void **state)
{
	static const char tree[] =
	    "$TTL 300\n"
	    "d.example. TXT \"v=spf1 include:a.%{d} include:b.%{d} "
	    "include:c.%{d} ptr ~all\"\n"
	    "*.d.example. TXT \"v=spf1 include:a.%{d} include:b.%{d} "
	    "include:c.%{d} ptr ~all\"\n";
	struct dns_source *zone = pump_zone(tree);
	struct linting l = {
		.questions = dns_questions_new(SPF_LINT_QUESTIONS),
		.a = arena_new(MEMORY),
		.domain = "d.example",
	};

	(void)state;
	pump_core(l.questions, zone, false, step, &l);
	assert_true(l.out.findings.counts[AUDIT_ERROR] > 0);
	assert_true(l.out.records <= SPF_LINT_RECORDS_MAX);
	assert_true(l.out.findings.n <= AUDIT_FINDINGS_MAX);
	assert_true(dns_questions_count(l.questions) <= SPF_LINT_QUESTIONS);
	for (size_t i = 0; i < l.out.findings.n; i++)
		assert_string_not_equal(
		    l.out.findings.list[i].id, "dns-failure");
	arena_free(l.a);
	dns_questions_free(l.questions);
	zone->close(zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_find),
		cmocka_unit_test(rfc7208_3_and_4_5_records),
		cmocka_unit_test(rfc7208_3_4_size),
		cmocka_unit_test(rfc7208_4_3_names),
		cmocka_unit_test(rfc7208_4_6_syntax),
		cmocka_unit_test(rfc7208_4_6_4_limits),
		cmocka_unit_test(rfc7208_5_mechanisms),
		cmocka_unit_test(rfc7208_5_2_and_6_1_trees),
		cmocka_unit_test(rfc7208_6_modifiers),
		cmocka_unit_test(the_walk_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
