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
		{ .what = "2.3 HELO", .ip = V4, .code = SPF_PASS },
		{ .what = "2.3 HELO", .ip = "192.0.2.11", .code = SPF_FAIL },
		{ .what = "2.3 literal",
		    .ip = V4,
		    .code = SPF_NONE,
		    .helo = "[192.0.2.10]" },
		{ .what = "2.3 literal",
		    .ip = V4,
		    .code = SPF_NONE,
		    .helo = "[IPv6:2001:db8::10]" },
		{ .what = "2.3 bare address",
		    .ip = V4,
		    .code = SPF_NONE,
		    .helo = "12.34" },
		{ .what = "2.3 unqualified",
		    .ip = V4,
		    .code = SPF_NONE,
		    .helo = "single" },
		{ .what = "2.3 unqualified",
		    .ip = V4,
		    .code = SPF_NONE,
		    .helo = "single." },
		{ .what = "2.3 empty", .ip = V4, .code = SPF_NONE, .helo = "" },
		{ .what = "2.3 not a name",
		    .ip = V4,
		    .code = SPF_NONE,
		    .helo = "it's me" },
		{ .what = "2.3 final dot",
		    .ip = V4,
		    .code = SPF_PASS,
		    .helo = "Mail.S23.Example." },
		{ .what = "2.4 sender",
		    .ip = V4,
		    .sender = "a@s23.example",
		    .code = SPF_PASS },
		{ .what = "2.4 null sender",
		    .ip = V4,
		    .sender = "",
		    .code = SPF_PASS },
		{ .what = "2.4 null sender",
		    .ip = "192.0.2.9",
		    .sender = "",
		    .code = SPF_FAIL },
		{ .what = "2.4 null, literal",
		    .ip = V4,
		    .sender = "",
		    .code = SPF_NONE,
		    .helo = "[192.0.2.10]" },
		{ .what = "2.4 no domain",
		    .ip = V4,
		    .sender = "postmaster",
		    .code = SPF_NONE },
		{ .what = "2.4 empty domain",
		    .ip = V4,
		    .sender = "a@",
		    .code = SPF_NONE },
		{ .what = "2.4 not the HELO",
		    .ip = V4,
		    .sender = "a@gone.example",
		    .code = SPF_NONE },
		{ .what = "2.2 source route",
		    .ip = V4,
		    .sender = "@in-fail.example:a@s23.example",
		    .code = SPF_PASS },
		{ .what = "2.2 percent",
		    .ip = V4,
		    .sender = "a%in-fail.example@s23.example",
		    .code = SPF_PASS },
		{ .what = "2.2 bang",
		    .ip = V4,
		    .sender = "in-fail.example!a@s23.example",
		    .code = SPF_PASS },
		{ .what = "2.2 quoted @",
		    .ip = V4,
		    .sender = "\"a@in-fail.example\"@s23.example",
		    .code = SPF_PASS },
		{ .what = "no client",
		    .sender = "a@in-pass.example",
		    .code = SPF_NONE },
	};
	(void)state;
	GIVE(vectors);
}

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
rfc7208_4_3_initial_processing(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "label of 63",
		    .ip = V4,
		    .sender = "a@" A63 ".s43.example",
		    .code = SPF_FAIL },
		{ .what = "label of 64",
		    .ip = V4,
		    .sender = "a@a" A63 ".s43.example",
		    .code = SPF_NONE },
		{ .what = "empty label",
		    .ip = V4,
		    .sender = "a@a..s43.example",
		    .code = SPF_NONE },
		{ .what = "leading dot",
		    .ip = V4,
		    .sender = "a@.s43.example",
		    .code = SPF_NONE },
		{ .what = "final dot",
		    .ip = V4,
		    .sender = "a@s43.example.",
		    .code = SPF_FAIL },
		{ .what = "two final dots",
		    .ip = V4,
		    .sender = "a@s43.example..",
		    .code = SPF_NONE },
		{ .what = "underscore",
		    .ip = V4,
		    .sender = "a@under_score.s43.example",
		    .code = SPF_FAIL },
		{ .what = "254 bytes",
		    .ip = V4,
		    .sender = "a@" A63 "." A63 "." A63 "." A63 ".s43.example",
		    .code = SPF_NONE },
		{ .what = "one label",
		    .ip = V4,
		    .sender = "a@single",
		    .code = SPF_NONE },
		{ .what = "digits",
		    .ip = V4,
		    .sender = "a@12.34",
		    .code = SPF_NONE },
		{ .what = "literal",
		    .ip = V4,
		    .sender = "a@[192.0.2.10]",
		    .code = SPF_NONE },
		{ .what = "no such name",
		    .ip = V4,
		    .sender = "a@gone.example",
		    .code = SPF_NONE },
		{ .what = "NUL",
		    .ip = V4,
		    .sender = "a@s43\001.example",
		    .code = SPF_NONE },
		{ .what = "no local-part",
		    .ip = V4,
		    .sender = "@s43.example",
		    .code = SPF_FAIL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_3_and_4_4_to_4_6_records(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "3.3 strings",
		    .ip = V4,
		    .sender = "a@s33.example",
		    .code = SPF_PASS },
		{ .what = "3.3 strings",
		    .ip = "192.0.2.9",
		    .sender = "a@s33.example",
		    .code = SPF_FAIL },
		{ .what = "3.3 no space",
		    .ip = V4,
		    .sender = "a@s33-space.example",
		    .code = SPF_NONE },
		{ .what = "4.4 timeout",
		    .ip = V4,
		    .sender = "a@s44-timeout.example",
		    .code = SPF_TEMPERROR },
		{ .what = "4.4 servfail",
		    .ip = V4,
		    .sender = "a@s44-servfail.example",
		    .code = SPF_TEMPERROR },
		{ .what = "4.4 refused",
		    .ip = V4,
		    .sender = "a@s44-refused.example",
		    .code = SPF_TEMPERROR },
		{ .what = "4.4 nodata",
		    .ip = V4,
		    .sender = "a@s44-nodata.example",
		    .code = SPF_NONE },
		{ .what = "4.4 CNAME",
		    .ip = V4,
		    .sender = "a@s44-cname.example",
		    .code = SPF_PASS },
		{ .what = "4.5 spf10",
		    .ip = V4,
		    .sender = "a@s45-version.example",
		    .code = SPF_NONE },
		{ .what = "4.5 tab",
		    .ip = V4,
		    .sender = "a@s45-tab.example",
		    .code = SPF_NONE },
		{ .what = "4.5 space first",
		    .ip = V4,
		    .sender = "a@s45-prefix.example",
		    .code = SPF_NONE },
		{ .what = "4.5 case",
		    .ip = V4,
		    .sender = "a@s45-case.example",
		    .code = SPF_FAIL },
		{ .what = "4.5 two",
		    .ip = V4,
		    .sender = "a@s45-two.example",
		    .code = SPF_PERMERROR },
		{ .what = "4.5 one of many",
		    .ip = V4,
		    .sender = "a@s45-many.example",
		    .code = SPF_PASS },
		{ .what = "4.5 other text",
		    .ip = V4,
		    .sender = "a@in-none.example",
		    .code = SPF_NONE },
		{ .what = "4.5 empty",
		    .ip = V4,
		    .sender = "a@s45-empty.example",
		    .code = SPF_NEUTRAL },
		{ .what = "4.5 spaces",
		    .ip = V4,
		    .sender = "a@s45-spaces.example",
		    .code = SPF_NEUTRAL },
		{ .what = "4.6 after",
		    .ip = V4,
		    .sender = "a@s46-after.example",
		    .code = SPF_PERMERROR },
		{ .what = "4.6 after all",
		    .ip = V4,
		    .sender = "a@s46-afterall.example",
		    .code = SPF_PERMERROR },
		{ .what = "4.6.1 spaces",
		    .ip = V4,
		    .sender = "a@s46-spaces.example",
		    .code = SPF_PASS },
		{ .what = "4.6 8 bit",
		    .ip = V4,
		    .sender = "a@s46-8bit.example",
		    .code = SPF_PERMERROR },
		{ .what = "4.6 tab",
		    .ip = V4,
		    .sender = "a@s46-ctrl.example",
		    .code = SPF_PERMERROR },
		{ .what = "4.6 NUL",
		    .ip = V4,
		    .sender = "a@s46-nul.example",
		    .code = SPF_PERMERROR },
		{ .what = "4.6 included",
		    .ip = V4,
		    .sender = "a@s46-include.example",
		    .code = SPF_PERMERROR },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_4_6_4_terms(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "10",
		    .ip = V4,
		    .sender = "a@l10.example",
		    .code = SPF_PASS },
		{ .what = "11",
		    .ip = V4,
		    .sender = "a@l11.example",
		    .code = SPF_PERMERROR },
		{ .what = "10th matches",
		    .ip = V4,
		    .sender = "a@l10-last.example",
		    .code = SPF_PASS },
		{ .what = "11th matches",
		    .ip = V4,
		    .sender = "a@l11-last.example",
		    .code = SPF_PERMERROR },
		{ .what = "match before",
		    .ip = V4,
		    .sender = "a@l11-match-before.example",
		    .code = SPF_PASS },
		{ .what = "10, 11",
		    .ip = "192.0.2.9",
		    .sender = "a@l11-match-before.example",
		    .code = SPF_PERMERROR },
		{ .what = "exp= is free",
		    .ip = V4,
		    .sender = "a@l10-exp.example",
		    .code = SPF_FAIL },
		{ .what = "redirect= 10th",
		    .ip = V4,
		    .sender = "a@lredirect10.example",
		    .code = SPF_PASS },
		{ .what = "redirect= 11th",
		    .ip = V4,
		    .sender = "a@lredirect11.example",
		    .code = SPF_PERMERROR },
		{ .what = "includes 10",
		    .ip = V4,
		    .sender = "a@linclude10.example",
		    .code = SPF_PASS },
		{ .what = "includes 11",
		    .ip = V4,
		    .sender = "a@linclude11.example",
		    .code = SPF_PERMERROR },
		{ .what = "all kinds",
		    .ip = V4,
		    .sender = "a@lallkinds.example",
		    .code = SPF_PASS },
		{ .what = "itself",
		    .ip = V4,
		    .sender = "a@lself.example",
		    .code = SPF_PERMERROR },
		{ .what = "ring",
		    .ip = V4,
		    .sender = "a@lring1.example",
		    .code = SPF_PERMERROR },
		{ .what = "redirect ring",
		    .ip = V4,
		    .sender = "a@lselfred.example",
		    .code = SPF_PERMERROR },
		{ .what = "%{p} 10",
		    .ip = V4,
		    .sender = "a@lp10.example",
		    .code = SPF_PASS },
		{ .what = "%{p} 11",
		    .ip = V4,
		    .sender = "a@lp11.example",
		    .code = SPF_PERMERROR },
		{ .what = "%{p} once",
		    .ip = V4,
		    .sender = "a@lp-twice.example",
		    .code = SPF_PASS },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_4_6_4_void_lookups(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "2",
		    .ip = V4,
		    .sender = "a@v2.example",
		    .code = SPF_PASS },
		{ .what = "3",
		    .ip = V4,
		    .sender = "a@v3.example",
		    .code = SPF_PERMERROR },
		{ .what = "3 nodata",
		    .ip = V4,
		    .sender = "a@v3-nodata.example",
		    .code = SPF_PERMERROR },
		{ .what = "match before",
		    .ip = V4,
		    .sender = "a@v3-match.example",
		    .code = SPF_PASS },
		{ .what = "not before",
		    .ip = "192.0.2.9",
		    .sender = "a@v3-match.example",
		    .code = SPF_PERMERROR },
		{ .what = "included",
		    .ip = "192.0.2.11",
		    .sender = "a@v-include.example",
		    .code = SPF_PERMERROR },
		{ .what = "included 2",
		    .ip = "192.0.2.11",
		    .sender = "a@v-include2.example",
		    .code = SPF_PASS },
		{ .what = "a term once",
		    .ip = V4,
		    .sender = "a@v-mx.example",
		    .code = SPF_PASS },
		{ .what = "exp= is free",
		    .ip = V4,
		    .sender = "a@v-exp.example",
		    .code = SPF_FAIL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_4_6_4_mx_and_ptr(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "10 MX",
		    .ip = V4,
		    .sender = "a@m10.example",
		    .code = SPF_PASS },
		{ .what = "11 MX, first",
		    .ip = V4,
		    .sender = "a@m11.example",
		    .code = SPF_PERMERROR },
		{ .what = "11 MX, none",
		    .ip = V4,
		    .sender = "a@m11b.example",
		    .code = SPF_PERMERROR },
		{ .what = "10th PTR",
		    .ip = "192.0.2.20",
		    .sender = "a@p10.example",
		    .code = SPF_PASS },
		{ .what = "11th PTR",
		    .ip = "192.0.2.20",
		    .sender = "a@p11.example",
		    .code = SPF_FAIL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_4_7_and_4_8(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "4.7",
		    .ip = V4,
		    .sender = "a@s47.example",
		    .code = SPF_NEUTRAL },
		{ .what = "4.7",
		    .ip = V4,
		    .sender = "a@s47-redirect.example",
		    .code = SPF_PASS },
		{ .what = "4.7",
		    .ip = V4,
		    .sender = "a@s47-both.example",
		    .code = SPF_NEUTRAL },
		{ .what = "4.8 empty label",
		    .ip = V4,
		    .sender = "a@s48-empty-label.example",
		    .code = SPF_PASS },
		{ .what = "4.8 long label",
		    .ip = V4,
		    .sender = "a@s48-long-label.example",
		    .code = SPF_PASS },
		{ .what = "4.8 include",
		    .ip = V4,
		    .sender = "a@s48-include.example",
		    .code = SPF_PERMERROR },
		{ .what = "4.8 include",
		    .ip = V4,
		    .sender = "single@s48-single.example",
		    .code = SPF_PERMERROR },
		{ .what = "4.8 final dot",
		    .ip = V4,
		    .sender = "a@s48-dot.example",
		    .code = SPF_PASS },
		{ .what = "4.8 <domain>",
		    .ip = V4,
		    .sender = "a@s48-implicit.example",
		    .code = SPF_PASS },
		{ .what = "4.8 macro",
		    .ip = V4,
		    .sender = "a@s48-helo.example",
		    .code = SPF_PASS,
		    .helo = "not a..name" },
		{ .what = "4.8 macro",
		    .ip = V4,
		    .sender = "a@s48-helo.example",
		    .code = SPF_PASS,
		    .helo = "\xff\x01" },
		{ .what = "4.8 macro",
		    .ip = V4,
		    .sender = "a@s48-helo.example",
		    .code = SPF_PASS,
		    .helo = "" },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_5_families(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "A",
		    .ip = V4,
		    .sender = "a@s5-family.example",
		    .code = SPF_PASS },
		{ .what = "AAAA",
		    .ip = V6,
		    .sender = "a@s5-family.example",
		    .code = SPF_PASS },
		{ .what = "mapped",
		    .ip = "::ffff:192.0.2.10",
		    .sender = "a@s5-family.example",
		    .code = SPF_PASS },
		{ .what = "other A",
		    .ip = "192.0.2.11",
		    .sender = "a@s5-family.example",
		    .code = SPF_FAIL },
		{ .what = "other AAAA",
		    .ip = "2001:db8::11",
		    .sender = "a@s5-family.example",
		    .code = SPF_FAIL },
		{ .what = "ip6 and IPv4",
		    .ip = V4,
		    .sender = "a@s5-v4only.example",
		    .code = SPF_FAIL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_5_1_and_5_2(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "5.1 behind",
		    .ip = V4,
		    .sender = "a@s51.example",
		    .code = SPF_SOFTFAIL },
		{ .what = "5.1 ?",
		    .ip = V4,
		    .sender = "a@s51-neutral.example",
		    .code = SPF_NEUTRAL },
		{ .what = "5.1 +",
		    .ip = V4,
		    .sender = "a@s51-plus.example",
		    .code = SPF_PASS },
		{ .what = "5.1 redirect",
		    .ip = V4,
		    .sender = "a@s51-redirect.example",
		    .code = SPF_NEUTRAL },
		{ .what = "5.1 redirect",
		    .ip = V4,
		    .sender = "a@s51-redirect2.example",
		    .code = SPF_NEUTRAL },
		{ .what = "5.2 pass",
		    .ip = "192.0.2.9",
		    .sender = "a@s52-pass.example",
		    .code = SPF_PASS },
		{ .what = "5.2 fail",
		    .ip = V4,
		    .sender = "a@s52-fail.example",
		    .code = SPF_PASS },
		{ .what = "5.2 fail",
		    .ip = "192.0.2.9",
		    .sender = "a@s52-fail.example",
		    .code = SPF_SOFTFAIL },
		{ .what = "5.2 softfail",
		    .ip = V4,
		    .sender = "a@s52-softfail.example",
		    .code = SPF_PASS },
		{ .what = "5.2 neutral",
		    .ip = V4,
		    .sender = "a@s52-neutral.example",
		    .code = SPF_PASS },
		{ .what = "5.2 default",
		    .ip = V4,
		    .sender = "a@s52-default.example",
		    .code = SPF_PASS },
		{ .what = "5.2 temperror",
		    .ip = V4,
		    .sender = "a@s52-temp.example",
		    .code = SPF_TEMPERROR },
		{ .what = "5.2 permerror",
		    .ip = V4,
		    .sender = "a@s52-perm.example",
		    .code = SPF_PERMERROR },
		{ .what = "5.2 none",
		    .ip = V4,
		    .sender = "a@s52-none.example",
		    .code = SPF_PERMERROR },
		{ .what = "5.2 NXDOMAIN",
		    .ip = V4,
		    .sender = "a@s52-absent.example",
		    .code = SPF_PERMERROR },
		{ .what = "5.2 two records",
		    .ip = V4,
		    .sender = "a@s52-two.example",
		    .code = SPF_PERMERROR },
		{ .what = "5.2 -include",
		    .ip = V4,
		    .sender = "a@s52-minus.example",
		    .code = SPF_FAIL },
		{ .what = "5.2 ~include",
		    .ip = V4,
		    .sender = "a@s52-tilde.example",
		    .code = SPF_SOFTFAIL },
		{ .what = "5.2 ?include",
		    .ip = V4,
		    .sender = "a@s52-ask.example",
		    .code = SPF_NEUTRAL },
		{ .what = "5.2 <domain>",
		    .ip = V4,
		    .sender = "a@s52-domain.example",
		    .code = SPF_PASS },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_5_3_and_5_4(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "5.3",
		    .ip = V4,
		    .sender = "a@s53.example",
		    .code = SPF_PASS },
		{ .what = "5.3 any of two",
		    .ip = V4,
		    .sender = "a@s53-two.example",
		    .code = SPF_PASS },
		{ .what = "5.3 /24",
		    .ip = "198.51.100.200",
		    .sender = "a@s53-cidr.example",
		    .code = SPF_PASS },
		{ .what = "5.3 /24",
		    .ip = "198.51.101.1",
		    .sender = "a@s53-cidr.example",
		    .code = SPF_FAIL },
		{ .what = "5.3 //48",
		    .ip = "2001:db8:ffff:1::1",
		    .sender = "a@s53-cidr.example",
		    .code = SPF_PASS },
		{ .what = "5.3 //48",
		    .ip = "2001:db8:fffe::1",
		    .sender = "a@s53-cidr.example",
		    .code = SPF_FAIL },
		{ .what = "5.3 /0",
		    .ip = V4,
		    .sender = "a@s53-zero.example",
		    .code = SPF_PASS },
		{ .what = "5.3 /0 is IPv4's",
		    .ip = V6,
		    .sender = "a@s53-zero.example",
		    .code = SPF_FAIL },
		{ .what = "5.3 /0 void",
		    .ip = V4,
		    .sender = "a@s53-void.example",
		    .code = SPF_FAIL },
		{ .what = "5.3 // for IPv4",
		    .ip = "198.51.100.1",
		    .sender = "a@s53-v6len.example",
		    .code = SPF_PASS },
		{ .what = "5.3 // for IPv4",
		    .ip = "198.51.100.2",
		    .sender = "a@s53-v6len.example",
		    .code = SPF_FAIL },
		{ .what = "5.3 no answer",
		    .ip = V4,
		    .sender = "a@s53-fail.example",
		    .code = SPF_TEMPERROR },
		{ .what = "5.3 CNAME",
		    .ip = V4,
		    .sender = "a@s53-cname.example",
		    .code = SPF_PASS },
		{ .what = "5.4",
		    .ip = V4,
		    .sender = "a@s54.example",
		    .code = SPF_PASS },
		{ .what = "5.4",
		    .ip = "192.0.2.9",
		    .sender = "a@s54.example",
		    .code = SPF_FAIL },
		{ .what = "5.4 no implicit MX",
		    .ip = V4,
		    .sender = "a@s54-noimplicit.example",
		    .code = SPF_NEUTRAL },
		{ .what = "5.4 null MX",
		    .ip = V4,
		    .sender = "a@s54-null.example",
		    .code = SPF_NEUTRAL },
		{ .what = "5.4 /28",
		    .ip = "192.0.2.15",
		    .sender = "a@s54-cidr.example",
		    .code = SPF_PASS },
		{ .what = "5.4 /28",
		    .ip = "192.0.2.16",
		    .sender = "a@s54-cidr.example",
		    .code = SPF_FAIL },
		{ .what = "5.4 //64",
		    .ip = "2001:db8::ffff",
		    .sender = "a@s54-cidr.example",
		    .code = SPF_PASS },
		{ .what = "5.4 host fails",
		    .ip = V4,
		    .sender = "a@s54-gone.example",
		    .code = SPF_TEMPERROR },
		{ .what = "5.4 MX fails",
		    .ip = V4,
		    .sender = "a@s54-mxfail.example",
		    .code = SPF_TEMPERROR },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_5_5_ptr(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "below",
		    .ip = "192.0.2.13",
		    .sender = "a@s55.example",
		    .code = SPF_PASS },
		{ .what = "the same",
		    .ip = "192.0.2.14",
		    .sender = "a@s55.example",
		    .code = SPF_PASS },
		{ .what = "IPv6",
		    .ip = V6,
		    .sender = "a@s55.example",
		    .code = SPF_PASS },
		{ .what = "elsewhere",
		    .ip = V4,
		    .sender = "a@s55.example",
		    .code = SPF_FAIL },
		{ .what = "only looks like it",
		    .ip = "192.0.2.12",
		    .sender = "a@s55.example",
		    .code = SPF_FAIL },
		{ .what = "does not validate",
		    .ip = "192.0.2.17",
		    .sender = "a@s55.example",
		    .code = SPF_FAIL },
		{ .what = "none",
		    .ip = "192.0.2.99",
		    .sender = "a@s55.example",
		    .code = SPF_FAIL },
		{ .what = "servfail",
		    .ip = "192.0.2.15",
		    .sender = "a@s55.example",
		    .code = SPF_FAIL },
		{ .what = "servfail",
		    .ip = "192.0.2.15",
		    .sender = "a@s55-neg.example",
		    .code = SPF_PASS },
		{ .what = "a name skipped",
		    .ip = "192.0.2.16",
		    .sender = "a@s55.example",
		    .code = SPF_PASS },
		{ .what = "explicit",
		    .ip = "192.0.2.13",
		    .sender = "a@s55-explicit.example",
		    .code = SPF_PASS },
		{ .what = "our budget",
		    .ip = "192.0.2.18",
		    .sender = "a@s55-neg.example",
		    .code = SPF_TEMPERROR },
		{ .what = "our memory",
		    .ip = "192.0.2.19",
		    .sender = "a@s55-neg.example",
		    .code = SPF_TEMPERROR },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_5_6_and_5_7(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "5.6 first",
		    .ip = "192.0.2.0",
		    .sender = "a@s56.example",
		    .code = SPF_PASS },
		{ .what = "5.6 last",
		    .ip = "192.0.2.15",
		    .sender = "a@s56.example",
		    .code = SPF_PASS },
		{ .what = "5.6 behind",
		    .ip = "192.0.2.16",
		    .sender = "a@s56.example",
		    .code = SPF_FAIL },
		{ .what = "5.6 before",
		    .ip = "192.0.1.255",
		    .sender = "a@s56.example",
		    .code = SPF_FAIL },
		{ .what = "5.6 /33",
		    .ip = "2001:db8:7fff::1",
		    .sender = "a@s56.example",
		    .code = SPF_PASS },
		{ .what = "5.6 /33",
		    .ip = "2001:db8:8000::1",
		    .sender = "a@s56.example",
		    .code = SPF_FAIL },
		{ .what = "5.6 /32",
		    .ip = V4,
		    .sender = "a@s56-32.example",
		    .code = SPF_PASS },
		{ .what = "5.6 /32",
		    .ip = "192.0.2.11",
		    .sender = "a@s56-32.example",
		    .code = SPF_FAIL },
		{ .what = "5.6 /128",
		    .ip = V6,
		    .sender = "a@s56-32.example",
		    .code = SPF_PASS },
		{ .what = "5.6 /128",
		    .ip = "2001:db8::11",
		    .sender = "a@s56-32.example",
		    .code = SPF_FAIL },
		{ .what = "5.6 /0",
		    .ip = "203.0.113.1",
		    .sender = "a@s56-0.example",
		    .code = SPF_PASS },
		{ .what = "5.6 /0",
		    .ip = V6,
		    .sender = "a@s56-0.example",
		    .code = SPF_FAIL },
		{ .what = "5.6 ::/0",
		    .ip = V6,
		    .sender = "a@s56-60.example",
		    .code = SPF_PASS },
		{ .what = "5.6 ::/0",
		    .ip = V4,
		    .sender = "a@s56-60.example",
		    .code = SPF_FAIL },
		{ .what = "5.6 mapped",
		    .ip = V4,
		    .sender = "a@s56-mapped.example",
		    .code = SPF_FAIL },
		{ .what = "5.6 host bits",
		    .ip = V4,
		    .sender = "a@s56-host.example",
		    .code = SPF_PASS },
		{ .what = "5.7",
		    .ip = V4,
		    .sender = "someuser@s57.example",
		    .code = SPF_PASS },
		{ .what = "5.7",
		    .ip = V4,
		    .sender = "someuser+list@s57.example",
		    .code = SPF_PASS },
		{ .what = "5.7",
		    .ip = V4,
		    .sender = "other@s57.example",
		    .code = SPF_FAIL },
		{ .what = "5.7 IPv6",
		    .ip = V6,
		    .sender = "someuser@s57.example",
		    .code = SPF_PASS },
		{ .what = "5.7 A alone",
		    .ip = V6,
		    .sender = "a@s57-v6.example",
		    .code = SPF_FAIL },
		{ .what = "5.7 no answer",
		    .ip = V4,
		    .sender = "a@s57-fail.example",
		    .code = SPF_TEMPERROR },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_6_1_redirect(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "6.1",
		    .ip = V4,
		    .sender = "a@s61.example",
		    .code = SPF_PASS },
		{ .what = "6.1",
		    .ip = "192.0.2.9",
		    .sender = "a@s61.example",
		    .code = SPF_FAIL },
		{ .what = "6.1 no record",
		    .ip = V4,
		    .sender = "a@s61-none.example",
		    .code = SPF_PERMERROR },
		{ .what = "6.1 no record",
		    .ip = V4,
		    .sender = "a@s61-empty.example",
		    .code = SPF_PERMERROR },
		{ .what = "6.1 malformed",
		    .ip = V4,
		    .sender = "single@s61-malformed.example",
		    .code = SPF_PERMERROR },
		{ .what = "6.1 temperror",
		    .ip = V4,
		    .sender = "a@s61-temp.example",
		    .code = SPF_TEMPERROR },
		{ .what = "6.1 permerror",
		    .ip = V4,
		    .sender = "a@s61-perm.example",
		    .code = SPF_PERMERROR },
		{ .what = "6.1 comes last",
		    .ip = "198.51.100.1",
		    .sender = "a@s61-first.example",
		    .code = SPF_PASS },
		{ .what = "6 twice",
		    .ip = V4,
		    .sender = "a@s61-twice.example",
		    .code = SPF_PERMERROR },
		{ .what = "6.1 <domain>",
		    .ip = V4,
		    .sender = "a@s61-domain.example",
		    .code = SPF_PASS },
		{ .what = "6.1 <sender>",
		    .ip = V4,
		    .sender = "a@s61-sender.example",
		    .code = SPF_PASS },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_7_3_macros(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "%{p} valid",
		    .ip = "192.0.2.13",
		    .sender = "a@s73-p.example",
		    .code = SPF_PASS },
		{ .what = "%{p} unknown",
		    .ip = "192.0.2.99",
		    .sender = "a@s73-p.example",
		    .code = SPF_PASS },
		{ .what = "%{p} servfail",
		    .ip = "192.0.2.15",
		    .sender = "a@s73-p.example",
		    .code = SPF_PASS },
		{ .what = "%{p} other",
		    .ip = V4,
		    .sender = "a@s73-p.example",
		    .code = SPF_FAIL },
		{ .what = "%{p} our budget",
		    .ip = "192.0.2.18",
		    .sender = "a@s73-p.example",
		    .code = SPF_TEMPERROR },
		{ .what = "253 bytes",
		    .ip = V4,
		    .sender = "a@s73-long.example",
		    .code = SPF_FAIL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc8616_4_internationalised(void **state)
{
	static const struct vector vectors[] = {
		{ .what = "U-labels",
		    .ip = V4,
		    .sender = "a@b\xc3\xbc"
			      "cher.example",
		    .code = SPF_PASS },
		{ .what = "A-labels",
		    .ip = V4,
		    .sender = "a@xn--bcher-kva.example",
		    .code = SPF_PASS },
		{ .what = "U-labels in HELO",
		    .ip = V4,
		    .code = SPF_PASS,
		    .helo = "b\xc3\xbc"
			    "cher.example" },
		{ .what = "no IDN",
		    .ip = V4,
		    .sender = "a@\xff.example",
		    .code = SPF_NONE },
		{ .what = "local-part",
		    .ip = V4,
		    .sender = "j\xc3\xbcrgen@s8616.example",
		    .code = SPF_PASS },
		{ .what = "local-part",
		    .ip = "192.0.2.9",
		    .sender = "j\xc3\xbcrgen@s8616.example",
		    .code = SPF_FAIL },
		{ .what = "redirect=",
		    .ip = V4,
		    .sender = "j\xc3\xbcrgen@s8616-red.example",
		    .code = SPF_NEUTRAL },
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
