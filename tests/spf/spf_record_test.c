/* spf_record_test.c - SPF records: RFC 7208 sections 4.5, 4.6.1, 5, 6 and 12 */
#include "spf/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"
#include "spf/macro.h"

enum { MEMORY = 1 << 20 };

static void
rfc7208_4_5_version(void **state)
{
	const struct {
		struct span text;
		bool good;
	} vectors[] = {
		{ SPAN("v=spf1"), true },
		{ SPAN("v=spf1 "), true },
		{ SPAN("V=SPF1 -all"), true },
		{ SPAN("v=spf1 \0"), true },
		{ SPAN("v=spf10"), false },
		{ SPAN("v=spf1\t-all"), false },
		{ SPAN("v=spf1\0"), false },
		{ SPAN("v=spf1-all"), false },
		{ SPAN("v=spf"), false },
		{ SPAN(" v=spf1"), false },
		{ SPAN("\"v=spf1\""), false },
		{ SPAN("v= spf1"), false },
		{ SPAN("spf2.0/pra -all"), false },
		{ SPAN(""), false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		if (spf_record_is(vectors[i].text) != vectors[i].good)
			fail_msg("%.*s", SPAN_FMT(vectors[i].text));
}

static const char *const names[] = {
	[SPF_KIND_ALL] = "all",
	[SPF_KIND_INCLUDE] = "include",
	[SPF_KIND_A] = "a",
	[SPF_KIND_MX] = "mx",
	[SPF_KIND_PTR] = "ptr",
	[SPF_KIND_IP4] = "ip4",
	[SPF_KIND_IP6] = "ip6",
	[SPF_KIND_EXISTS] = "exists",
	[SPF_KIND_REDIRECT] = "redirect",
	[SPF_KIND_EXP] = "exp",
	[SPF_KIND_OTHER] = "?",
};

/* Writes the term as parsed, such as "+a:spec/24//64"; "!" precedes an invalid
 * one. */
static void
put_term(struct buf *b, const struct spf_term *t)
{
	static const char signs[] = { [SPF_PASS] = '+',
		[SPF_FAIL] = '-',
		[SPF_SOFTFAIL] = '~',
		[SPF_NEUTRAL] = '?' };

	if (t->fault != NULL) {
		buf_text(b, "!");
		return;
	}
	if (t->kind < SPF_KIND_REDIRECT)
		buf_byte(b, signs[t->qualifier]);
	buf_text(b, names[t->kind]);
	if (t->spec.p != NULL) {
		buf_byte(b, '<');
		buf_span(b, t->spec);
		buf_byte(b, '>');
	}
	if (t->ip.family != IP_NONE)
		ip_put(b, &t->ip);
	if (t->bits4 != 32)
		buf_printf(b, "/%u", t->bits4);
	if (t->bits6 != 128)
		buf_printf(b, "//%u", t->bits6);
}

struct spf_record_vector {
	const char *text;
	const char *want;
};

static void
reads(const struct spf_record_vector *v, size_t n)
{
	struct arena *a = arena_new(MEMORY);

	assert_non_null(a);
	for (; n > 0; n--, v++) {
		char got[2048];
		struct buf b = buf_wrap(got, sizeof(got));
		struct spf_record r;

		arena_fail_at(a, 1);
		assert_false(spf_record_parse(a, span_str(v->text), &r));
		arena_fail_at(a, 0);
		arena_rewind(a);
		assert_true(spf_record_parse(a, span_str(v->text), &r));
		for (size_t i = 0; i < r.n; i++) {
			buf_text(&b, i > 0 ? " " : "");
			put_term(&b, &r.terms[i]);
			assert_true(
			    (r.terms[i].fault == NULL) || r.fault != NULL);
		}
		if (strcmp(got, v->want) != 0)
			fail_msg("%s: got %s", v->text, got);
	}
	arena_free(a);
}

#define READS(vectors) reads(vectors, ARRAY_SIZE(vectors))

static void
rfc7208_4_6_1_terms(void **state)
{
	static const struct spf_record_vector vectors[] = {
		{ "v=spf1", "" },
		{ "v=spf1  ", "" },
		{ "v=spf1 +mx a:colo.example.com/28 -all",
		    "+mx +a<colo.example.com>/28 -all" },
		{ "v=spf1   mx    -all  ", "+mx -all" },
		{ "v=spf1 ?ALL ~All -aLL +all", "?all ~all -all +all" },
		{ "v=spf1 foo", "!" },
		{ "v=spf1 + all", "! +all" },
		{ "v=spf1 ++all", "!" },
		{ "v=spf1 all.", "!" },
		{ "v=spf1 all:", "!" },
		{ "v=spf1 all/8", "!" },
		{ "v=spf1 all:example.com", "!" },
		{ "v=spf1 mx\ta", "!" },
		{ "v=spf1 -all\x01", "!" },
		{ "v=spf1 redirect:example.com", "!" },
		{ "v=spf1 foo:bar moo -all", "! ! -all" },
	};
	(void)state;
	READS(vectors);
}

static void
rfc7208_4_6_1_and_6_modifiers(void **state)
{
	static const struct spf_record_vector vectors[] = {
		{ "v=spf1 redirect=a.example", "redirect<a.example>" },
		{ "v=spf1 Redirect=%{d}.x EXP=a.b",
		    "redirect<%{d}.x> exp<a.b>" },
		{ "v=spf1 redirect=", "!" },
		{ "v=spf1 exp=", "!" },
		{ "v=spf1 exp=a", "!" },
		{ "v=spf1 exp=a.b/24", "!" },
		{ "v=spf1 redirect=a.b redirect=a.b", "redirect<a.b> !" },
		{ "v=spf1 exp=a.b exp=c.d exp=e.f", "exp<a.b> ! !" },
		{ "v=spf1 +redirect=a.b", "!" },
		{ "v=spf1 -exp=a.b", "!" },
		{ "v=spf1 default=deny foo= foo= f-o_o.1=%{p},:/=",
		    "?<deny> ?<> ?<> ?<%{p},:/=>" },
		{ "v=spf1 ip4=192.0.2.1", "?<192.0.2.1>" },
		{ "v=spf1 foo=%{x}", "!" },
		{ "v=spf1 foo=a%b", "!" },
		{ "v=spf1 foo=\xc3\xa9", "!" },
		{ "v=spf1 1foo=bar", "!" },
		{ "v=spf1 _foo=bar", "!" },
		{ "v=spf1 =bar", "!" },
		{ "v=spf1 fo/o=bar", "!" },
		{ "v=spf1 fo:o=bar", "!" },
		{ "v=spf1 f+o=bar", "!" },
		{ "v=spf1 a:foo=bar.example", "+a<foo=bar.example>" },
	};
	(void)state;
	READS(vectors);
}

static void
rfc7208_5_2_5_5_5_7_domains(void **state)
{
	static const struct spf_record_vector vectors[] = {
		{ "v=spf1 include:a.example", "+include<a.example>" },
		{ "v=spf1 -INCLUDE:%{d}", "-include<%{d}>" },
		{ "v=spf1 include include: include:a", "! ! !" },
		{ "v=spf1 include:a.b/24", "!" },
		{ "v=spf1 exists:%{ir}.x.example", "+exists<%{ir}.x.example>" },
		{ "v=spf1 exists exists: exists:a.b/24", "! ! !" },
		{ "v=spf1 ptr ptr:a.example", "+ptr +ptr<a.example>" },
		{ "v=spf1 ptr: ptr/24 ptr:a.b/24", "! ! !" },
		{ "v=spf1 exists:a.%(ir)", "!" },
		{ "v=spf1 exists:%{c}.a.b", "!" },
	};
	(void)state;
	READS(vectors);
}

static void
rfc7208_5_3_and_5_4_dual_cidr(void **state)
{
	static const struct spf_record_vector vectors[] = {
		{ "v=spf1 a mx a/24 mx//64 a/24//64",
		    "+a +mx +a/24 +mx//64 +a/24//64" },
		{ "v=spf1 a:a.example/0//0", "+a<a.example>/0//0" },
		{ "v=spf1 a:a.example/32//128", "+a<a.example>" },
		{ "v=spf1 a/33 a//129 a/24//129 a/33//64", "! ! ! !" },
		{ "v=spf1 a/024 a//064 a/00", "! ! !" },
		{ "v=spf1 a/ a// a/24/ a/24// a/24/64 a///64", "! ! ! ! ! !" },
		{ "v=spf1 a/-1 a/+1 a/1x a/x", "! ! ! !" },
		{ "v=spf1 a/4294967320 a//99999999999999999999", "! !" },
		{ "v=spf1 a: a:/24 mx: mx://64", "! ! ! !" },
		{ "v=spf1 a:%{d}/24", "+a<%{d}>/24" },
		{ "v=spf1 a:%{d2r/}/24//64", "+a<%{d2r/}>/24//64" },
		{ "v=spf1 a:%%/24", "+a<%%>/24" },
		{ "v=spf1 a:foo:bar/baz.example/24",
		    "+a<foo:bar/baz.example>/24" },
		{ "v=spf1 a:foo/24.example", "+a<foo/24.example>" },
		{ "v=spf1 a:192.0.2.1 a:192.0.2.1/24 mx:2001:db8::1", "! ! !" },
		{ "v=spf1 a:example.com:25 a.example.com", "! !" },
	};
	(void)state;
	READS(vectors);
}

static void
rfc7208_5_6_networks(void **state)
{
	static const struct spf_record_vector vectors[] = {
		{ "v=spf1 ip4:192.0.2.1 IP4:192.0.2.0/24",
		    "+ip4192.0.2.1 +ip4192.0.2.0/24" },
		{ "v=spf1 ip4:0.0.0.0/0 ip4:255.255.255.255/32",
		    "+ip40.0.0.0/0 +ip4255.255.255.255" },
		{ "v=spf1 ip4:192.0.2.1/33 ip4:192.0.2.1/032", "! !" },
		{ "v=spf1 ip4:192.0.2.1/24x ip6:::1/64:", "! !" },
		{ "v=spf1 ip4:192.0.2.1/ ip4:192.0.2.1//32 ip4:192.0.2.1/-1",
		    "! ! !" },
		{ "v=spf1 ip4 ip4: ip4/24 ip4:/24 ip4:192.0.2", "! ! ! ! !" },
		{ "v=spf1 ip4:192.0.2.256 ip4:192.0.02.1 ip4:0x1.2.3.4",
		    "! ! !" },
		{ "v=spf1 ip4:192.0.2.1:25 ip4:192.0.2.1.5 ip4:192.0.2.1.",
		    "! ! !" },
		{ "v=spf1 ip4:2001:db8::1 ip6:192.0.2.1", "! !" },
		{ "v=spf1 ip4:%{i} ip4:example.com", "! !" },
		{ "v=spf1 ip6:2001:db8::1 ip6:2001:DB8::/32",
		    "+ip62001:db8::1 +ip62001:db8:://32" },
		{ "v=spf1 ip6:::/0 ip6:::1/128 ip6:1:2:3:4:5:6:7:8",
		    "+ip6:://0 +ip6::1 +ip61:2:3:4:5:6:7:8" },
		{ "v=spf1 ip6:::ffff:192.0.2.1", "+ip6::ffff:192.0.2.1" },
		{ "v=spf1 ip6:2001:db8::1/129 ip6:2001:db8::1/032", "! !" },
		{ "v=spf1 ip6:2001:db8::1//64 ip6:[2001:db8::1]", "! !" },
		{ "v=spf1 ip6:fe80::1%eth0 ip6:2001:db8 ip6:::1::", "! ! !" },
		{ "v=spf1 ip6:1:2:3:4:5:6:7:8:9 ip6 ip6: ip6/64", "! ! ! !" },
	};
	(void)state;
	READS(vectors);
}

static void
rfc7208_4_6_4_terms_that_look_up(void **state)
{
	struct arena *a = arena_new(MEMORY);
	struct spf_record r;

	(void)state;
	assert_non_null(a);
	assert_true(spf_record_parse(a,
	    SPAN("v=spf1 include:a.b a mx ptr exists:a.b redirect=a.b "
		 "all ip4:192.0.2.1 ip6:::1 exp=a.b foo=bar moo"),
	    &r));
	assert_int_equal(r.n, 12);
	for (size_t i = 0; i < r.n; i++)
		assert_int_equal(spf_term_looks_up(&r.terms[i]), i < 6);
	assert_ptr_equal(r.redirect, &r.terms[5]);
	assert_ptr_equal(r.all, &r.terms[6]);
	assert_ptr_equal(r.exp, &r.terms[9]);
	assert_ptr_equal(r.fault, &r.terms[11]);
	arena_free(a);
}

/* A record truncated anywhere is parsed without reading past its end. */
static void
rfc7208_4_6_truncated_records(void **state)
{
	static const char text[] =
	    "v=spf1 +a:%{d2r-+}.x.example/24//64 ?mx//0 ~ptr:%%.%_.%- "
	    "-ip4:192.0.2.1/31 ip6:2001:db8::/32 exists:%{l1r+-}._spf.%{d} "
	    "include:a.example redirect=%{o} exp=e.example foo=bar -all";
	struct arena *a = arena_new(MEMORY);

	(void)state;
	assert_non_null(a);
	for (size_t n = 6; n < sizeof(text); n++) {
		char *copy = test_malloc(n);
		struct spf_record r;

		memcpy(copy, text, n);
		arena_rewind(a);
		assert_true(spf_record_parse(a, span_of(copy, n), &r));
		test_free(copy);
	}
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7208_4_5_version),
		cmocka_unit_test(rfc7208_4_6_truncated_records),
		cmocka_unit_test(rfc7208_4_6_1_terms),
		cmocka_unit_test(rfc7208_4_6_1_and_6_modifiers),
		cmocka_unit_test(rfc7208_4_6_4_terms_that_look_up),
		cmocka_unit_test(rfc7208_5_2_5_5_5_7_domains),
		cmocka_unit_test(rfc7208_5_3_and_5_4_dual_cidr),
		cmocka_unit_test(rfc7208_5_6_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
