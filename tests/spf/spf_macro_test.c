/* spf_macro_test.c - macros: RFC 7208 section 7 */
#include "spf/macro.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "spf/spf.h"

enum { MEMORY = 1 << 18 };

/* Returns the values used in the examples of section 7.4. */
static struct spf_macros
values(const char *ip)
{
	struct spf_macros v = {
		.sender = SPAN("strong-bad@email.example.com"),
		.local = SPAN("strong-bad"),
		.origin = SPAN("email.example.com"),
		.domain = SPAN("email.example.com"),
		.ptr = SPAN("mx.example.org"),
		.helo = SPAN("mail.example.net"),
		.now = 1234567890,
	};

	assert_true(ip_parse(span_str(ip), &v.ip));
	return v;
}

struct spf_macro_vector {
	const char *text;
	const char *want;
};

typedef bool expand(const struct spf_macros *v, struct span text,
    struct arena *a, struct span *out);

static void
expands_to(const struct spf_macros *v, expand *how, enum spf_macro_use use,
    const char *text, struct span want)
{
	struct arena *a = arena_new(MEMORY);
	struct span out;
	unsigned needs;
	const char *fault = spf_macro_check(span_str(text), use, &needs);

	assert_non_null(a);
	if (fault != NULL)
		fail_msg("%s: %s", text, fault);
	for (unsigned long nth = 0; nth < 3; nth++) {
		arena_rewind(a);
		arena_fail_at(a, nth);
		if (!how(v, span_str(text), a, &out)) {
			assert_true(nth > 0 && arena_has_failed(a));
			continue;
		}
		if (!span_equal(out, want))
			fail_msg("%s: got %.*s", text, SPAN_FMT(out));
	}
	arena_free(a);
}

static void
names(const char *ip, const struct spf_macro_vector *vectors, size_t n)
{
	struct spf_macros v = values(ip);

	for (size_t i = 0; i < n; i++)
		expands_to(&v, spf_macro_domain, SPF_MACRO_DOMAIN,
		    vectors[i].text, span_str(vectors[i].want));
}

static void
rfc7208_7_4_examples(void **state)
{
	static const struct spf_macro_vector macros[] = {
		{ "%{s}", "strong-bad@email.example.com" },
		{ "%{o}", "email.example.com" },
		{ "%{d}", "email.example.com" },
		{ "%{d4}", "email.example.com" },
		{ "%{d3}", "email.example.com" },
		{ "%{d2}", "example.com" },
		{ "%{d1}", "com" },
		{ "%{dr}", "com.example.email" },
		{ "%{d2r}", "example.email" },
		{ "%{l}", "strong-bad" },
		{ "%{l-}", "strong.bad" },
		{ "%{lr}", "strong-bad" },
		{ "%{lr-}", "bad.strong" },
		{ "%{l1r-}", "strong" },
		{ "%{ir}.%{v}._spf.%{d2}",
		    "3.2.0.192.in-addr._spf.example.com" },
		{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
		{ "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
		    "bad.strong.lp.3.2.0.192.in-addr._spf.example.com" },
		{ "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
		    "3.2.0.192.in-addr.strong.lp._spf.example.com" },
		{ "%{d2}.trusted-domains.example.net",
		    "example.com.trusted-domains.example.net" },
	};
	/* "%{i}" expands to upper case, which is fine: DNS ignores case */
	static const struct spf_macro_vector v6[] = {
		{ "%{ir}.%{v}._spf.%{d2}",
		    "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0."
		    "1.0.0.2.ip6._spf.example.com" },
		{ "%{i}.x",
		    "2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
		    "C.B.0.1.x" },
	};
	(void)state;
	names("192.0.2.3", macros, ARRAY_SIZE(macros));
	names("2001:db8::cb01", v6, ARRAY_SIZE(v6));
}

static void
rfc7208_7_1_literals(void **state)
{
	static const struct spf_macro_vector vectors[] = {
		{ "example.com", "example.com" },
		{ "example.com.", "example.com" },
		{ "_spf.Example.COM", "_spf.Example.COM" },
		{ "a%%b%_c%-d.example.com", "a%b c%20d.example.com" },
		{ "%%{d}.example.com", "%{d}.example.com" },
		{ "}{.example.com", "}{.example.com" },
		{ "foo:bar/baz.example.com", "foo:bar/baz.example.com" },
		{ "x.%{h}", "x.mail.example.net" },
		{ "x.%%", "x.%" },
		{ "x.%_", "x. " },
		{ ".example.xn--p1ai", ".example.xn--p1ai" },
		{ "x.1-2", "x.1-2" },
	};
	(void)state;
	names("192.0.2.3", vectors, ARRAY_SIZE(vectors));
}

static void
rfc7208_7_3_transformers(void **state)
{
	static const struct spf_macro_vector vectors[] = {
		{ "%{h1}.x", "net.x" },
		{ "%{h127}.x", "mail.example.net.x" },
		{ "%{h128}.x", "mail.example.net.x" },
		{ "%{h99999999999999999999999999}.x", "mail.example.net.x" },
		{ "%{h01}.x", "net.x" },
		{ "%{HR}.x", "net.example.mail.x" },
		{ "%{h2R}.x", "example.mail.x" },
		{ "%{p}.%{P}.x", "mx.example.org.mx.example.org.x" },
		{ "%{l2+-}.x", "strong.bad.x" },
		{ "%{l/}.x", "strong-bad.x" },
		{ "%{s@}x.x", NULL },
		{ "%{d.-+,/_=}.x", "email.example.com.x" },
		{ "%{S}.x", "strong-bad%40email.example.com.x" },
		{ "%{V}.x", "in-addr.x" },
		{ "%{i1}.x", "3.x" },
		{ "%{i1r}.x", "192.x" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		unsigned needs;

		if (vectors[i].want != NULL)
			names("192.0.2.3", &vectors[i], 1);
		else
			assert_non_null(
			    spf_macro_check(span_str(vectors[i].text),
				SPF_MACRO_DOMAIN, &needs));
	}
}

/* "No special treatment is given to leading, trailing, or consecutive
 * delimiters." */
static void
rfc7208_7_3_empty_parts(void **state)
{
	static const struct {
		const char *local, *text, *want;
	} vectors[] = {
		{ "-a--b-", "%{l-}x.x", ".a..b.x.x" },
		{ "-a--b-", "%{lr-}x.x", ".b..a.x.x" },
		{ "-a--b-", "%{l1-}x.x", "x.x" },
		{ "-a--b-", "%{l2-}x.x", "b.x.x" },
		{ "-a--b-", "%{l3-}x.x", ".b.x.x" },
		{ "-a--b-", "%{l1r-}x.x", "x.x" },
		{ "-a--b-", "%{l2r-}x.x", "a.x.x" },
		{ "", "%{l1r-}x.x", "x.x" },
		{ "a+b-c", "%{l+-}.x", "a.b.c.x" },
		{ "a.b-c", "%{l-}.x", "a.b.c.x" },
		{ "a.b-c", "%{l1-}.x", "c.x" },
		{ "a.b-c", "%{l2r-}.x", "c.a.b.x" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct spf_macros v = values("192.0.2.3");

		v.local = span_str(vectors[i].local);
		expands_to(&v, spf_macro_domain, SPF_MACRO_DOMAIN,
		    vectors[i].text, span_str(vectors[i].want));
	}
}

/* Fills `text` with labels of 49 bytes and dots, so that lengths are easy to
 * count. */
static void
fill(char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text[i] = i % 50 == 49 ? '.' : 'a';
	text[n] = '\0';
}

static void
rfc7208_7_3_names_are_cut_on_the_left(void **state)
{
	char long_name[1010], helo[1010];
	struct spf_macros v = values("192.0.2.3");

	(void)state;
	/* a name of 253 bytes is not shortened */
	fill(long_name, 251);
	strcat(long_name, ".x");
	expands_to(&v, spf_macro_domain, SPF_MACRO_DOMAIN, long_name,
	    span_str(long_name));
	/* a name of 254 bytes loses one label, with or without a final dot */
	fill(long_name, 252);
	strcat(long_name, ".x");
	expands_to(&v, spf_macro_domain, SPF_MACRO_DOMAIN, long_name,
	    span_str(long_name + 50));
	strcat(long_name, ".");
	expands_to(&v, spf_macro_domain, SPF_MACRO_DOMAIN, long_name,
	    span_of(long_name + 50, 204));
	/* the same with macros, including values much longer than a name */
	for (size_t n = 245; n < 1000; n++) {
		struct span kept;

		fill(helo, n);
		fill(long_name, n);
		strcat(long_name, ".xy");
		kept = span_str(long_name);
		while (kept.n > DOMAIN_MAX)
			kept = span_skip(kept, span_index(kept, '.') + 1);
		v.helo = span_str(helo);
		expands_to(
		    &v, spf_macro_domain, SPF_MACRO_DOMAIN, "%{h}.xy", kept);
		expands_to(
		    &v, spf_macro_domain, SPF_MACRO_DOMAIN, "%{h}.xy.", kept);
		v.helo = span_str(long_name);
		expands_to(
		    &v, spf_macro_domain, SPF_MACRO_DOMAIN, "%{h}", kept);
	}
}

static void
rfc7208_7_1_syntax(void **state)
{
	static const struct {
		const char *text;
		enum spf_macro_use use;
		bool good;
		unsigned needs;
	} vectors[] = {
		{ "%{d}", SPF_MACRO_DOMAIN, true, SPF_NEEDS_EXPANSION },
		{ "%{p}.x", SPF_MACRO_DOMAIN, true,
		    SPF_NEEDS_EXPANSION | SPF_NEEDS_PTR },
		{ "%{S}.%{l}.x", SPF_MACRO_DOMAIN, true,
		    SPF_NEEDS_EXPANSION | SPF_NEEDS_LOCAL },
		{ "a.b", SPF_MACRO_DOMAIN, true, 0 },
		{ "a.b.", SPF_MACRO_DOMAIN, true, 0 },
		{ "", SPF_MACRO_DOMAIN, false, 0 },
		{ ".", SPF_MACRO_DOMAIN, false, 0 },
		{ "a", SPF_MACRO_DOMAIN, false, 0 },
		{ "a.", SPF_MACRO_DOMAIN, false, 0 },
		{ "a..", SPF_MACRO_DOMAIN, false, 0 },
		{ "a.b..", SPF_MACRO_DOMAIN, false, 0 },
		{ "a.-b", SPF_MACRO_DOMAIN, false, 0 },
		{ "a.b-", SPF_MACRO_DOMAIN, false, 0 },
		{ "a.b_c", SPF_MACRO_DOMAIN, false, 0 },
		{ "a.1", SPF_MACRO_DOMAIN, false, 0 },
		{ "1.2.3.4", SPF_MACRO_DOMAIN, false, 0 },
		{ "a.1b", SPF_MACRO_DOMAIN, true, 0 },
		{ "a.1-2", SPF_MACRO_DOMAIN, true, 0 },
		{ "a.example:25", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{d}com", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{d}.", SPF_MACRO_DOMAIN, false, 0 },
		{ "a b.example", SPF_MACRO_DOMAIN, false, 0 },
		{ "a\x7f.example", SPF_MACRO_DOMAIN, false, 0 },
		{ "\xc3\xa9.example", SPF_MACRO_DOMAIN, false, 0 },
		{ "%", SPF_MACRO_DOMAIN, false, 0 },
		{ "%(ir).example", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{d", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{d2", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{dr-", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{}", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{a}", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{dd}", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{d-r}", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{d-2}", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{d:}", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{d 2}", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{d0}", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{d00}", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{d0r}", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{d10}", SPF_MACRO_DOMAIN, true, SPF_NEEDS_EXPANSION },
		{ "%{c}", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{R}", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{t}", SPF_MACRO_DOMAIN, false, 0 },
		{ "%{c} %{r} %{t}", SPF_MACRO_TEXT, true, SPF_NEEDS_EXPANSION },
		{ "", SPF_MACRO_TEXT, true, 0 },
		{ "any text, 50%% of it", SPF_MACRO_TEXT, true,
		    SPF_NEEDS_EXPANSION },
		{ "50% of it", SPF_MACRO_TEXT, false, 0 },
		{ "tab\there", SPF_MACRO_TEXT, false, 0 },
		{ "", SPF_MACRO_STRING, true, 0 },
		{ "a:b/c=d", SPF_MACRO_STRING, true, 0 },
		{ "%{x}", SPF_MACRO_STRING, false, 0 },
		{ "a%b", SPF_MACRO_STRING, false, 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		unsigned needs = 99;
		const char *fault = spf_macro_check(
		    span_str(vectors[i].text), vectors[i].use, &needs);

		if ((fault == NULL) != vectors[i].good)
			fail_msg("%s: %s", vectors[i].text,
			    fault != NULL ? fault : "taken");
		if (fault == NULL && needs != vectors[i].needs)
			fail_msg("%s: needs %u", vectors[i].text, needs);
	}
}

static void
rfc7208_6_2_texts(void **state)
{
	static const struct spf_macro_vector vectors[] = {
		{ "", "" },
		{ "No.", "No." },
		{ "%{i} is not one of %{d}'s designated mail servers.",
		    "192.0.2.3 is not one of email.example.com's designated "
		    "mail servers." },
		{ "See http://%{d}/why.html?s=%{S}&i=%{I}",
		    "See http://email.example.com/why.html?"
		    "s=strong-bad%40email.example.com&i=192.0.2.3" },
		{ "%{c} %{r} %{t} %{v} %{p} %%%_%-",
		    "192.0.2.3 unknown 1234567890 in-addr mx.example.org % "
		    "%20" },
		{ "a trailing dot.", "a trailing dot." },
	};
	struct spf_macros v = values("192.0.2.3");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		expands_to(&v, spf_macro_text, SPF_MACRO_TEXT, vectors[i].text,
		    span_str(vectors[i].want));
	v.local = SPAN("a\r\n250 b\xc3\xa9\0");
	expands_to(&v, spf_macro_text, SPF_MACRO_TEXT, "%{l}!",
	    SPAN("a??250 b??"
		 "?!"));
	v.local = SPAN("~jack&jill=up-a_b3.c/\x01");
	expands_to(&v, spf_macro_text, SPF_MACRO_TEXT, "%{L}",
	    SPAN("~jack%26jill%3Dup-a_b3.c%2F%01"));
}

/* Tests macros that are expensive but produce little, and macros that produce a
 * lot. */
static void
expansions_are_bounded(void **state)
{
	static char spec[8192], local[8192];
	struct spf_macros v = values("192.0.2.3");
	struct arena *a = arena_new(MEMORY);
	struct span out;
	size_t n = 0;

	(void)state;
	assert_non_null(a);
	memset(local, 'a', sizeof(local));
	local[sizeof(local) - 1] = '-';
	v.local = span_of(local, sizeof(local));
	while (n + 6 <= sizeof(spec)) {
		memcpy(spec + n, "%{l1-}", 6);
		n += 6;
	}
	for (unsigned i = 0; i < 100; i++) {
		arena_rewind(a);
		assert_true(spf_macro_domain(&v, span_of(spec, n), a, &out));
		assert_int_equal(out.n, 0);
		for (size_t at = 0; at < n; at += 6)
			memcpy(spec + at, i % 2 ? "%{l1-}" : "%{s9r}", 6);
		assert_true(spf_macro_text(&v, span_of(spec, n), a, &out));
		assert_true(out.n <= SPF_MAX_EXPLANATION);
		for (size_t at = 0; at < n; at += 6)
			memcpy(spec + at, "%{l1-}", 6);
	}
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7208_7_1_literals),
		cmocka_unit_test(rfc7208_7_1_syntax),
		cmocka_unit_test(rfc7208_7_3_transformers),
		cmocka_unit_test(rfc7208_7_3_empty_parts),
		cmocka_unit_test(rfc7208_7_3_names_are_cut_on_the_left),
		cmocka_unit_test(rfc7208_7_4_examples),
		cmocka_unit_test(rfc7208_6_2_texts),
		cmocka_unit_test(expansions_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
