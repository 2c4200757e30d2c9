/* spf_test.c - check_host() by the sections of RFC 7208, over tests/zones */
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
#include "tests/support/spfcheck.h"

#define V4 "192.0.2.10"
#define V6 "2001:db8::10"

struct vector {
	const char *what;
	const char *ip;
	const char *sender; /* NULL: HELO is the identity */
	enum spf_code code;
	const char *helo; /* NULL: mail.s23.example */
};

static struct dns_source *zone;

static int
open_zone(void **state)
{
	char error[256] = "";

	(void)state;
	zone = dns_zone_open("tests/zones/spf.zone", error, sizeof(error));
	if (zone == NULL)
		fprintf(stderr, "%s\n", error);
	return zone != NULL ? 0 : -1;
}

static int
close_zone(void **state)
{
	(void)state;
	zone->close(zone);
	return 0;
}

static void
give(const struct vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		struct spf_query q = spfcheck_query(v->ip, v->sender, v->helo);
		struct dns_questions *questions =
		    dns_questions_new(SPFCHECK_QUESTIONS);
		struct arena *a = arena_new(SPFCHECK_MEMORY);
		struct spf_result r;

		assert_true(questions != NULL && a != NULL);
		spfcheck_run(&q, zone, false, questions, a, &r);
		if (r.code != v->code)
			fail_msg("%s (%s from %s): got %s, want %s: %.*s",
			    v->what, v->sender != NULL ? v->sender : "HELO",
			    v->ip, spf_code_name(r.code),
			    spf_code_name(v->code), SPAN_FMT(r.reason));
		spfcheck_sane(v->what, &r);
		spfcheck_other_ways(v->what, q, zone, &r);
		spfcheck_without_memory(v->what, &q, zone, v->code);
		arena_free(a);
		dns_questions_free(questions);
	}
}

#define GIVE(vectors) give(vectors, ARRAY_SIZE(vectors))

static void
rfc7208_2_3_and_2_4_identities(void **state)
{
	static const struct vector vectors[] = {
		{ "2.3 HELO", V4, NULL, SPF_PASS, NULL },
		{ "2.3 HELO", "192.0.2.11", NULL, SPF_FAIL, NULL },
		{ "2.3 literal", V4, NULL, SPF_NONE, "[192.0.2.10]" },
		{ "2.3 literal", V4, NULL, SPF_NONE, "[IPv6:2001:db8::10]" },
		{ "2.3 bare address", V4, NULL, SPF_NONE, "12.34" },
		{ "2.3 unqualified", V4, NULL, SPF_NONE, "single" },
		{ "2.3 unqualified", V4, NULL, SPF_NONE, "single." },
		{ "2.3 empty", V4, NULL, SPF_NONE, "" },
		{ "2.3 not a name", V4, NULL, SPF_NONE, "it's me" },
		{ "2.3 final dot", V4, NULL, SPF_PASS, "Mail.S23.Example." },
		{ "2.4 sender", V4, "a@s23.example", SPF_PASS, NULL },
		{ "2.4 null sender", V4, "", SPF_PASS, NULL },
		{ "2.4 null sender", "192.0.2.9", "", SPF_FAIL, NULL },
		{ "2.4 null, literal", V4, "", SPF_NONE, "[192.0.2.10]" },
		{ "2.4 no domain", V4, "postmaster", SPF_NONE, NULL },
		{ "2.4 empty domain", V4, "a@", SPF_NONE, NULL },
		{ "2.4 not the HELO", V4, "a@gone.example", SPF_NONE, NULL },
		{ "2.2 source route", V4, "@in-fail.example:a@s23.example",
		    SPF_PASS, NULL },
		{ "2.2 percent", V4, "a%in-fail.example@s23.example", SPF_PASS,
		    NULL },
		{ "2.2 bang", V4, "in-fail.example!a@s23.example", SPF_PASS,
		    NULL },
		{ "2.2 quoted @", V4, "\"a@in-fail.example\"@s23.example",
		    SPF_PASS, NULL },
		{ "no client", NULL, "a@in-pass.example", SPF_NONE, NULL },
	};
	(void)state;
	GIVE(vectors);
}

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
rfc7208_4_3_initial_processing(void **state)
{
	static const struct vector vectors[] = {
		{ "label of 63", V4, "a@" A63 ".s43.example", SPF_FAIL, NULL },
		{ "label of 64", V4, "a@a" A63 ".s43.example", SPF_NONE, NULL },
		{ "empty label", V4, "a@a..s43.example", SPF_NONE, NULL },
		{ "leading dot", V4, "a@.s43.example", SPF_NONE, NULL },
		{ "final dot", V4, "a@s43.example.", SPF_FAIL, NULL },
		{ "two final dots", V4, "a@s43.example..", SPF_NONE, NULL },
		{ "underscore", V4, "a@under_score.s43.example", SPF_FAIL,
		    NULL },
		{ "254 bytes", V4,
		    "a@" A63 "." A63 "." A63 "." A63 ".s43.example", SPF_NONE,
		    NULL },
		{ "one label", V4, "a@single", SPF_NONE, NULL },
		{ "digits", V4, "a@12.34", SPF_NONE, NULL },
		{ "literal", V4, "a@[192.0.2.10]", SPF_NONE, NULL },
		{ "no such name", V4, "a@gone.example", SPF_NONE, NULL },
		{ "NUL", V4, "a@s43\001.example", SPF_NONE, NULL },
		{ "no local-part", V4, "@s43.example", SPF_FAIL, NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_3_and_4_4_to_4_6_records(void **state)
{
	static const struct vector vectors[] = {
		{ "3.3 strings", V4, "a@s33.example", SPF_PASS, NULL },
		{ "3.3 strings", "192.0.2.9", "a@s33.example", SPF_FAIL, NULL },
		{ "3.3 no space", V4, "a@s33-space.example", SPF_NONE, NULL },
		{ "4.4 timeout", V4, "a@s44-timeout.example", SPF_TEMPERROR,
		    NULL },
		{ "4.4 servfail", V4, "a@s44-servfail.example", SPF_TEMPERROR,
		    NULL },
		{ "4.4 refused", V4, "a@s44-refused.example", SPF_TEMPERROR,
		    NULL },
		{ "4.4 nodata", V4, "a@s44-nodata.example", SPF_NONE, NULL },
		{ "4.4 CNAME", V4, "a@s44-cname.example", SPF_PASS, NULL },
		{ "4.5 spf10", V4, "a@s45-version.example", SPF_NONE, NULL },
		{ "4.5 tab", V4, "a@s45-tab.example", SPF_NONE, NULL },
		{ "4.5 space first", V4, "a@s45-prefix.example", SPF_NONE,
		    NULL },
		{ "4.5 case", V4, "a@s45-case.example", SPF_FAIL, NULL },
		{ "4.5 two", V4, "a@s45-two.example", SPF_PERMERROR, NULL },
		{ "4.5 one of many", V4, "a@s45-many.example", SPF_PASS, NULL },
		{ "4.5 other text", V4, "a@in-none.example", SPF_NONE, NULL },
		{ "4.5 empty", V4, "a@s45-empty.example", SPF_NEUTRAL, NULL },
		{ "4.5 spaces", V4, "a@s45-spaces.example", SPF_NEUTRAL, NULL },
		{ "4.6 after", V4, "a@s46-after.example", SPF_PERMERROR, NULL },
		{ "4.6 after all", V4, "a@s46-afterall.example", SPF_PERMERROR,
		    NULL },
		{ "4.6.1 spaces", V4, "a@s46-spaces.example", SPF_PASS, NULL },
		{ "4.6 8 bit", V4, "a@s46-8bit.example", SPF_PERMERROR, NULL },
		{ "4.6 tab", V4, "a@s46-ctrl.example", SPF_PERMERROR, NULL },
		{ "4.6 NUL", V4, "a@s46-nul.example", SPF_PERMERROR, NULL },
		{ "4.6 included", V4, "a@s46-include.example", SPF_PERMERROR,
		    NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_4_6_4_terms(void **state)
{
	static const struct vector vectors[] = {
		{ "10", V4, "a@l10.example", SPF_PASS, NULL },
		{ "11", V4, "a@l11.example", SPF_PERMERROR, NULL },
		{ "10th matches", V4, "a@l10-last.example", SPF_PASS, NULL },
		{ "11th matches", V4, "a@l11-last.example", SPF_PERMERROR,
		    NULL },
		{ "match before", V4, "a@l11-match-before.example", SPF_PASS,
		    NULL },
		{ "10, 11", "192.0.2.9", "a@l11-match-before.example",
		    SPF_PERMERROR, NULL },
		{ "exp= is free", V4, "a@l10-exp.example", SPF_FAIL, NULL },
		{ "redirect= 10th", V4, "a@lredirect10.example", SPF_PASS,
		    NULL },
		{ "redirect= 11th", V4, "a@lredirect11.example", SPF_PERMERROR,
		    NULL },
		{ "includes 10", V4, "a@linclude10.example", SPF_PASS, NULL },
		{ "includes 11", V4, "a@linclude11.example", SPF_PERMERROR,
		    NULL },
		{ "all kinds", V4, "a@lallkinds.example", SPF_PASS, NULL },
		{ "itself", V4, "a@lself.example", SPF_PERMERROR, NULL },
		{ "ring", V4, "a@lring1.example", SPF_PERMERROR, NULL },
		{ "redirect ring", V4, "a@lselfred.example", SPF_PERMERROR,
		    NULL },
		{ "%{p} 10", V4, "a@lp10.example", SPF_PASS, NULL },
		{ "%{p} 11", V4, "a@lp11.example", SPF_PERMERROR, NULL },
		{ "%{p} once", V4, "a@lp-twice.example", SPF_PASS, NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_4_6_4_void_lookups(void **state)
{
	static const struct vector vectors[] = {
		{ "2", V4, "a@v2.example", SPF_PASS, NULL },
		{ "3", V4, "a@v3.example", SPF_PERMERROR, NULL },
		{ "3 nodata", V4, "a@v3-nodata.example", SPF_PERMERROR, NULL },
		{ "match before", V4, "a@v3-match.example", SPF_PASS, NULL },
		{ "not before", "192.0.2.9", "a@v3-match.example",
		    SPF_PERMERROR, NULL },
		{ "included", "192.0.2.11", "a@v-include.example",
		    SPF_PERMERROR, NULL },
		{ "included 2", "192.0.2.11", "a@v-include2.example", SPF_PASS,
		    NULL },
		{ "a term once", V4, "a@v-mx.example", SPF_PASS, NULL },
		{ "exp= is free", V4, "a@v-exp.example", SPF_FAIL, NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_4_6_4_mx_and_ptr(void **state)
{
	static const struct vector vectors[] = {
		{ "10 MX", V4, "a@m10.example", SPF_PASS, NULL },
		{ "11 MX, first", V4, "a@m11.example", SPF_PERMERROR, NULL },
		{ "11 MX, none", V4, "a@m11b.example", SPF_PERMERROR, NULL },
		{ "10th PTR", "192.0.2.20", "a@p10.example", SPF_PASS, NULL },
		{ "11th PTR", "192.0.2.20", "a@p11.example", SPF_FAIL, NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_4_7_and_4_8(void **state)
{
	static const struct vector vectors[] = {
		{ "4.7", V4, "a@s47.example", SPF_NEUTRAL, NULL },
		{ "4.7", V4, "a@s47-redirect.example", SPF_PASS, NULL },
		{ "4.7", V4, "a@s47-both.example", SPF_NEUTRAL, NULL },
		{ "4.8 empty label", V4, "a@s48-empty-label.example", SPF_PASS,
		    NULL },
		{ "4.8 long label", V4, "a@s48-long-label.example", SPF_PASS,
		    NULL },
		{ "4.8 include", V4, "a@s48-include.example", SPF_PERMERROR,
		    NULL },
		{ "4.8 include", V4, "single@s48-single.example", SPF_PERMERROR,
		    NULL },
		{ "4.8 final dot", V4, "a@s48-dot.example", SPF_PASS, NULL },
		{ "4.8 <domain>", V4, "a@s48-implicit.example", SPF_PASS,
		    NULL },
		{ "4.8 macro", V4, "a@s48-helo.example", SPF_PASS,
		    "not a..name" },
		{ "4.8 macro", V4, "a@s48-helo.example", SPF_PASS, "\xff\x01" },
		{ "4.8 macro", V4, "a@s48-helo.example", SPF_PASS, "" },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_5_families(void **state)
{
	static const struct vector vectors[] = {
		{ "A", V4, "a@s5-family.example", SPF_PASS, NULL },
		{ "AAAA", V6, "a@s5-family.example", SPF_PASS, NULL },
		{ "mapped", "::ffff:192.0.2.10", "a@s5-family.example",
		    SPF_PASS, NULL },
		{ "other A", "192.0.2.11", "a@s5-family.example", SPF_FAIL,
		    NULL },
		{ "other AAAA", "2001:db8::11", "a@s5-family.example", SPF_FAIL,
		    NULL },
		{ "ip6 and IPv4", V4, "a@s5-v4only.example", SPF_FAIL, NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_5_1_and_5_2(void **state)
{
	static const struct vector vectors[] = {
		{ "5.1 behind", V4, "a@s51.example", SPF_SOFTFAIL, NULL },
		{ "5.1 ?", V4, "a@s51-neutral.example", SPF_NEUTRAL, NULL },
		{ "5.1 +", V4, "a@s51-plus.example", SPF_PASS, NULL },
		{ "5.1 redirect", V4, "a@s51-redirect.example", SPF_NEUTRAL,
		    NULL },
		{ "5.1 redirect", V4, "a@s51-redirect2.example", SPF_NEUTRAL,
		    NULL },
		{ "5.2 pass", "192.0.2.9", "a@s52-pass.example", SPF_PASS,
		    NULL },
		{ "5.2 fail", V4, "a@s52-fail.example", SPF_PASS, NULL },
		{ "5.2 fail", "192.0.2.9", "a@s52-fail.example", SPF_SOFTFAIL,
		    NULL },
		{ "5.2 softfail", V4, "a@s52-softfail.example", SPF_PASS,
		    NULL },
		{ "5.2 neutral", V4, "a@s52-neutral.example", SPF_PASS, NULL },
		{ "5.2 default", V4, "a@s52-default.example", SPF_PASS, NULL },
		{ "5.2 temperror", V4, "a@s52-temp.example", SPF_TEMPERROR,
		    NULL },
		{ "5.2 permerror", V4, "a@s52-perm.example", SPF_PERMERROR,
		    NULL },
		{ "5.2 none", V4, "a@s52-none.example", SPF_PERMERROR, NULL },
		{ "5.2 NXDOMAIN", V4, "a@s52-absent.example", SPF_PERMERROR,
		    NULL },
		{ "5.2 two records", V4, "a@s52-two.example", SPF_PERMERROR,
		    NULL },
		{ "5.2 -include", V4, "a@s52-minus.example", SPF_FAIL, NULL },
		{ "5.2 ~include", V4, "a@s52-tilde.example", SPF_SOFTFAIL,
		    NULL },
		{ "5.2 ?include", V4, "a@s52-ask.example", SPF_NEUTRAL, NULL },
		{ "5.2 <domain>", V4, "a@s52-domain.example", SPF_PASS, NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_5_3_and_5_4(void **state)
{
	static const struct vector vectors[] = {
		{ "5.3", V4, "a@s53.example", SPF_PASS, NULL },
		{ "5.3 any of two", V4, "a@s53-two.example", SPF_PASS, NULL },
		{ "5.3 /24", "198.51.100.200", "a@s53-cidr.example", SPF_PASS,
		    NULL },
		{ "5.3 /24", "198.51.101.1", "a@s53-cidr.example", SPF_FAIL,
		    NULL },
		{ "5.3 //48", "2001:db8:ffff:1::1", "a@s53-cidr.example",
		    SPF_PASS, NULL },
		{ "5.3 //48", "2001:db8:fffe::1", "a@s53-cidr.example",
		    SPF_FAIL, NULL },
		{ "5.3 /0", V4, "a@s53-zero.example", SPF_PASS, NULL },
		{ "5.3 /0 is IPv4's", V6, "a@s53-zero.example", SPF_FAIL,
		    NULL },
		{ "5.3 /0 void", V4, "a@s53-void.example", SPF_FAIL, NULL },
		{ "5.3 // for IPv4", "198.51.100.1", "a@s53-v6len.example",
		    SPF_PASS, NULL },
		{ "5.3 // for IPv4", "198.51.100.2", "a@s53-v6len.example",
		    SPF_FAIL, NULL },
		{ "5.3 no answer", V4, "a@s53-fail.example", SPF_TEMPERROR,
		    NULL },
		{ "5.3 CNAME", V4, "a@s53-cname.example", SPF_PASS, NULL },
		{ "5.4", V4, "a@s54.example", SPF_PASS, NULL },
		{ "5.4", "192.0.2.9", "a@s54.example", SPF_FAIL, NULL },
		{ "5.4 no implicit MX", V4, "a@s54-noimplicit.example",
		    SPF_NEUTRAL, NULL },
		{ "5.4 null MX", V4, "a@s54-null.example", SPF_NEUTRAL, NULL },
		{ "5.4 /28", "192.0.2.15", "a@s54-cidr.example", SPF_PASS,
		    NULL },
		{ "5.4 /28", "192.0.2.16", "a@s54-cidr.example", SPF_FAIL,
		    NULL },
		{ "5.4 //64", "2001:db8::ffff", "a@s54-cidr.example", SPF_PASS,
		    NULL },
		{ "5.4 host fails", V4, "a@s54-gone.example", SPF_TEMPERROR,
		    NULL },
		{ "5.4 MX fails", V4, "a@s54-mxfail.example", SPF_TEMPERROR,
		    NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_5_5_ptr(void **state)
{
	static const struct vector vectors[] = {
		{ "below", "192.0.2.13", "a@s55.example", SPF_PASS, NULL },
		{ "the same", "192.0.2.14", "a@s55.example", SPF_PASS, NULL },
		{ "IPv6", V6, "a@s55.example", SPF_PASS, NULL },
		{ "elsewhere", V4, "a@s55.example", SPF_FAIL, NULL },
		{ "only looks like it", "192.0.2.12", "a@s55.example", SPF_FAIL,
		    NULL },
		{ "does not validate", "192.0.2.17", "a@s55.example", SPF_FAIL,
		    NULL },
		{ "none", "192.0.2.99", "a@s55.example", SPF_FAIL, NULL },
		{ "servfail", "192.0.2.15", "a@s55.example", SPF_FAIL, NULL },
		{ "servfail", "192.0.2.15", "a@s55-neg.example", SPF_PASS,
		    NULL },
		{ "a name skipped", "192.0.2.16", "a@s55.example", SPF_PASS,
		    NULL },
		{ "explicit", "192.0.2.13", "a@s55-explicit.example", SPF_PASS,
		    NULL },
		{ "our budget", "192.0.2.18", "a@s55-neg.example",
		    SPF_TEMPERROR, NULL },
		{ "our memory", "192.0.2.19", "a@s55-neg.example",
		    SPF_TEMPERROR, NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_5_6_and_5_7(void **state)
{
	static const struct vector vectors[] = {
		{ "5.6 first", "192.0.2.0", "a@s56.example", SPF_PASS, NULL },
		{ "5.6 last", "192.0.2.15", "a@s56.example", SPF_PASS, NULL },
		{ "5.6 behind", "192.0.2.16", "a@s56.example", SPF_FAIL, NULL },
		{ "5.6 before", "192.0.1.255", "a@s56.example", SPF_FAIL,
		    NULL },
		{ "5.6 /33", "2001:db8:7fff::1", "a@s56.example", SPF_PASS,
		    NULL },
		{ "5.6 /33", "2001:db8:8000::1", "a@s56.example", SPF_FAIL,
		    NULL },
		{ "5.6 /32", V4, "a@s56-32.example", SPF_PASS, NULL },
		{ "5.6 /32", "192.0.2.11", "a@s56-32.example", SPF_FAIL, NULL },
		{ "5.6 /128", V6, "a@s56-32.example", SPF_PASS, NULL },
		{ "5.6 /128", "2001:db8::11", "a@s56-32.example", SPF_FAIL,
		    NULL },
		{ "5.6 /0", "203.0.113.1", "a@s56-0.example", SPF_PASS, NULL },
		{ "5.6 /0", V6, "a@s56-0.example", SPF_FAIL, NULL },
		{ "5.6 ::/0", V6, "a@s56-60.example", SPF_PASS, NULL },
		{ "5.6 ::/0", V4, "a@s56-60.example", SPF_FAIL, NULL },
		{ "5.6 mapped", V4, "a@s56-mapped.example", SPF_FAIL, NULL },
		{ "5.6 host bits", V4, "a@s56-host.example", SPF_PASS, NULL },
		{ "5.7", V4, "someuser@s57.example", SPF_PASS, NULL },
		{ "5.7", V4, "someuser+list@s57.example", SPF_PASS, NULL },
		{ "5.7", V4, "other@s57.example", SPF_FAIL, NULL },
		{ "5.7 IPv6", V6, "someuser@s57.example", SPF_PASS, NULL },
		{ "5.7 A alone", V6, "a@s57-v6.example", SPF_FAIL, NULL },
		{ "5.7 no answer", V4, "a@s57-fail.example", SPF_TEMPERROR,
		    NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_6_1_redirect(void **state)
{
	static const struct vector vectors[] = {
		{ "6.1", V4, "a@s61.example", SPF_PASS, NULL },
		{ "6.1", "192.0.2.9", "a@s61.example", SPF_FAIL, NULL },
		{ "6.1 no record", V4, "a@s61-none.example", SPF_PERMERROR,
		    NULL },
		{ "6.1 no record", V4, "a@s61-empty.example", SPF_PERMERROR,
		    NULL },
		{ "6.1 malformed", V4, "single@s61-malformed.example",
		    SPF_PERMERROR, NULL },
		{ "6.1 temperror", V4, "a@s61-temp.example", SPF_TEMPERROR,
		    NULL },
		{ "6.1 permerror", V4, "a@s61-perm.example", SPF_PERMERROR,
		    NULL },
		{ "6.1 comes last", "198.51.100.1", "a@s61-first.example",
		    SPF_PASS, NULL },
		{ "6 twice", V4, "a@s61-twice.example", SPF_PERMERROR, NULL },
		{ "6.1 <domain>", V4, "a@s61-domain.example", SPF_PASS, NULL },
		{ "6.1 <sender>", V4, "a@s61-sender.example", SPF_PASS, NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_7_3_macros(void **state)
{
	static const struct vector vectors[] = {
		{ "%{p} valid", "192.0.2.13", "a@s73-p.example", SPF_PASS,
		    NULL },
		{ "%{p} unknown", "192.0.2.99", "a@s73-p.example", SPF_PASS,
		    NULL },
		{ "%{p} servfail", "192.0.2.15", "a@s73-p.example", SPF_PASS,
		    NULL },
		{ "%{p} other", V4, "a@s73-p.example", SPF_FAIL, NULL },
		{ "%{p} our budget", "192.0.2.18", "a@s73-p.example",
		    SPF_TEMPERROR, NULL },
		{ "253 bytes", V4, "a@s73-long.example", SPF_FAIL, NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc8616_4_internationalised(void **state)
{
	static const struct vector vectors[] = {
		{ "U-labels", V4,
		    "a@b\xc3\xbc"
		    "cher.example",
		    SPF_PASS, NULL },
		{ "A-labels", V4, "a@xn--bcher-kva.example", SPF_PASS, NULL },
		{ "U-labels in HELO", V4, NULL, SPF_PASS,
		    "b\xc3\xbc"
		    "cher.example" },
		{ "no IDN", V4, "a@\xff.example", SPF_NONE, NULL },
		{ "local-part", V4, "j\xc3\xbcrgen@s8616.example", SPF_PASS,
		    NULL },
		{ "local-part", "192.0.2.9", "j\xc3\xbcrgen@s8616.example",
		    SPF_FAIL, NULL },
		{ "redirect=", V4, "j\xc3\xbcrgen@s8616-red.example",
		    SPF_NEUTRAL, NULL },
	};
	(void)state;
	GIVE(vectors);
}

/* One check for what the tables above do not compare. */
static void
check(const char *ip, const char *sender,
    void (*compare)(const struct spf_result *, const void *), const void *want)
{
	struct spf_query q = spfcheck_query(ip, sender, NULL);
	struct dns_questions *questions = dns_questions_new(SPFCHECK_QUESTIONS);
	struct arena *a = arena_new(SPFCHECK_MEMORY);
	struct spf_result r;

	assert_true(questions != NULL && a != NULL);
	spfcheck_run(&q, zone, false, questions, a, &r);
	compare(&r, want);
	spfcheck_without_memory(sender, &q, zone, r.code);
	arena_free(a);
	dns_questions_free(questions);
}

struct text_vector {
	const char *ip;
	const char *sender;
	const char *want; /* NULL: absent */
};

static void
has_explanation(const struct spf_result *r, const void *arg)
{
	const struct text_vector *v = arg;
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
	static const struct text_vector vectors[] = {
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
		/* 4.6.4: no limit is for exp= */
		{ V4, "a@l10-exp-p.example", "from host.example" },
		{ "192.0.2.99", "a@v-exp-p.example", "from unknown" },
		/* 7.3: which of the validated names %{p} is */
		{ "192.0.2.21", "a@s73-p2.example", "from sub.s73-p2.example" },
		{ "192.0.2.21", "a@s73-p3.example", "from s73-p3.example" },
		{ "192.0.2.21", "a@s73-p4.example", "from any.other.example" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check(vectors[i].ip, vectors[i].sender, has_explanation,
		    &vectors[i]);
}

static void
is_cut(const struct spf_result *r, const void *arg)
{
	(void)arg;
	assert_int_equal(r->code, SPF_FAIL);
	assert_int_equal(r->explanation.n, SPF_MAX_EXPLANATION);
}

static void
rfc7208_6_2_explanation_is_cut(void **state)
{
	(void)state;
	check(V4, "a@s62-long.example", is_cut, NULL);
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
	check(V4, "a@s62-softfail.example", not_a_fail, NULL);
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
		check(V4, vectors[i].sender, has_counts, &vectors[i]);
}

static void
has_mechanism(const struct spf_result *r, const void *arg)
{
	const struct text_vector *v = arg;

	if (!span_equal(r->mechanism, span_str(v->want)))
		fail_msg("%s: got %.*s", v->sender, SPAN_FMT(r->mechanism));
}

static void
rfc7208_9_1_the_mechanism_that_matched(void **state)
{
	static const struct text_vector vectors[] = {
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
		check(V4, vectors[i].sender, has_mechanism, &vectors[i]);
}

static void
has_sources(const struct spf_result *r, const void *arg)
{
	const struct text_vector *v = arg;
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
	static const struct text_vector vectors[] = {
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
		check(V4, vectors[i].sender, has_sources, &vectors[i]);
}

static void
has_reason(const struct spf_result *r, const void *arg)
{
	const struct text_vector *v = arg;

	if (!span_equal(r->reason, span_str(v->want)))
		fail_msg("%s: got %.*s", v->sender, SPAN_FMT(r->reason));
}

static void
reasons(void **state)
{
	static const struct text_vector vectors[] = {
		{ V4, "a@s23.example",
		    "192.0.2.10 matches ip4:192.0.2.10 of s23.example" },
		{ V4, "a@w-all.example",
		    "192.0.2.10 matches include:in-pass.example of "
		    "w-all.example by +all of in-pass.example" },
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
		check(
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
		check(vectors[i].ip, vectors[i].sender, has_weakness,
		    &vectors[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7208_2_3_and_2_4_identities),
		cmocka_unit_test(rfc7208_4_3_initial_processing),
		cmocka_unit_test(rfc7208_3_and_4_4_to_4_6_records),
		cmocka_unit_test(rfc7208_4_6_4_terms),
		cmocka_unit_test(rfc7208_4_6_4_void_lookups),
		cmocka_unit_test(rfc7208_4_6_4_mx_and_ptr),
		cmocka_unit_test(rfc7208_4_7_and_4_8),
		cmocka_unit_test(rfc7208_5_families),
		cmocka_unit_test(rfc7208_5_1_and_5_2),
		cmocka_unit_test(rfc7208_5_3_and_5_4),
		cmocka_unit_test(rfc7208_5_5_ptr),
		cmocka_unit_test(rfc7208_5_6_and_5_7),
		cmocka_unit_test(rfc7208_6_1_redirect),
		cmocka_unit_test(rfc7208_7_3_macros),
		cmocka_unit_test(rfc8616_4_internationalised),
		cmocka_unit_test(rfc7208_6_2_explanations),
		cmocka_unit_test(rfc7208_6_2_explanation_is_cut),
		cmocka_unit_test(rfc7208_6_2_only_a_fail_is_explained),
		cmocka_unit_test(rfc7208_4_6_4_counters),
		cmocka_unit_test(rfc7208_9_1_the_mechanism_that_matched),
		cmocka_unit_test(rfc6591_3_2_6_the_records_used),
		cmocka_unit_test(reasons),
		cmocka_unit_test(weak_passes),
	};

	return cmocka_run_group_tests(tests, open_zone, close_zone);
}
