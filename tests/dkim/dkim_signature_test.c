/* dkim_signature_test.c - the tags of signatures (RFC 6376 section 3.5, RFC
 * 8616 section 5, RFC 8617 section 4.1) */
#include "dkim/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"

enum { ARENA = 1 << 20 };

#define BH "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define GOOD "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; " BH "; b=YWJj"

/* GOOD with `from` replaced by `to`, or with `to` added if `from` is "" */
struct change {
	const char *from, *to;
	const char *fault; /* NULL: still good */
};

static void
changed(const char *good, const struct change *c, char *out, size_t size)
{
	const char *at = strstr(good, c->from);

	assert_non_null(at);
	if (c->from[0] == '\0')
		snprintf(out, size, "%s; %s", good, c->to);
	else
		snprintf(out, size, "%.*s%s%s", (int)(at - good), good, c->to,
		    at + strlen(c->from));
}

static void
check_dkim_signature(
    const char *good, enum signature_kind kind, const struct change *c)
{
	struct arena *a = arena_new(ARENA);
	struct signature sig;
	char value[40000];

	changed(good, c, value, sizeof(value));
	assert_true(signature_read(span_str(value), kind, a, &sig));
	if (c->fault == NULL && sig.fault != NULL)
		fail_msg("\"%s\": %s", value, sig.fault);
	if (c->fault != NULL &&
	    (sig.fault == NULL || strcmp(sig.fault, c->fault) != 0))
		fail_msg("\"%s\": %s, want %s", value,
		    sig.fault != NULL ? sig.fault : "good", c->fault);
	arena_free(a);
}

static void
check_all(const char *good, enum signature_kind kind, const struct change *c,
    size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_dkim_signature(good, kind, &c[i]);
}

#define NOT_A "unknown algorithm in a="
#define NOT_C "unknown canonicalization in c="
#define NOT_D "d= is not a domain name"
#define NOT_FQDN "d= is not a fully qualified domain name"
#define NOT_H "h= is not a list of field names"
#define NOT_S "s= is not a valid selector"
#define LIST "syntax error in the tag list"
#define TWICE "a tag is given twice"
#define ABOVE "the domain of i= is neither d= nor below it"

static const struct change of_dkim[] = {
	/* RFC 6376 section 3.2 */
	{ "", "", NULL },
	{ "v=1;", "", "v= is missing" },
	{ "a=rsa-sha256; ", "", "a= is missing" },
	{ "d=example.com; ", "", "d= is missing" },
	{ "s=sel; ", "", "s= is missing" },
	{ "h=from; ", "", "h= is missing" },
	{ BH "; ", "", "bh= is missing" },
	{ "; b=YWJj", "", "b= is missing" },
	{ "v=1; a", "v = 1 ;\r\n\ta", NULL },
	{ "v=1", "\r\n v\r\n =\r\n 1\r\n ", NULL },
	{ "v=1; a", "a", "v= is missing" },
	{ "", "d=example.com", TWICE },
	{ "", "zz=1; zz=1", TWICE },
	{ "", "unknown=a b\tc; X_9=", NULL },
	{ "", "9x=1", LIST },
	{ "", "x-y=1", LIST },
	{ "", "naked", LIST },
	{ "; b=", ";; b=", LIST },
	{ "", "n=\x01", LIST },
	/* v= */
	{ "v=1", "v=2", "v= is not 1" },
	{ "v=1", "v=01", "v= is not 1" },
	{ "v=1", "v=1.0", "v= is not 1" },
	{ "v=1", "v=", "v= is not 1" },
	/* a=, section 3.3 and RFC 8463 */
	{ "rsa-sha256", "ed25519-sha256", NULL },
	{ "rsa-sha256", "rsa-sha1", NULL },
	{ "rsa-sha256", "RSA-SHA256", NOT_A },
	{ "rsa-sha256", "rsa", NOT_A },
	{ "rsa-sha256", "rsa-sha256x", NOT_A },
	{ "rsa-sha256", "rsa - sha256", NOT_A },
	{ "rsa-sha256", "ed25519-sha1", NOT_A },
	{ "rsa-sha256", "", NOT_A },
	/* b= and bh= */
	{ "b=YWJj", "b=Y W\r\n\tJ j ", NULL },
	{ "b=YWJj", "b=", "b= is empty" },
	{ "b=YWJj", "b= \r\n ", "b= is empty" },
	{ "b=YWJj", "b=YWI=", NULL },
	{ "b=YWJj", "b=YWI", NULL }, /* RFC 6376 section 2.10 */
	{ "b=YWJj", "b=Y Q", NULL },
	{ "b=YWJj", "b=Y", "b= is not base64" },
	{ "b=YWJj", "b=YQ=", "b= is not base64" },
	{ "b=YWJj", "b=YWJ", "b= is not base64" },
	{ "b=YWJj", "b=YW-j", "b= is not base64" },
	{ "b=YWJj", "b=YWJj=", "b= is not base64" },
	{ BH, "bh=", "bh= does not have the length of a SHA-256 hash" },
	{ BH, "bh=YWJj", "bh= does not have the length of a SHA-256 hash" },
	{ BH, "bh=*", "bh= is not base64" },
	/* c= */
	{ "", "c=simple", NULL },
	{ "", "c=relaxed", NULL },
	{ "", "c=relaxed/simple", NULL },
	{ "", "c=simple/relaxed", NULL },
	{ "", "c=", NOT_C },
	{ "", "c=relaxed/", NOT_C },
	{ "", "c=/relaxed", NOT_C },
	{ "", "c=relaxed/relaxed/relaxed", NOT_C },
	{ "", "c=relaxed /relaxed", NOT_C },
	{ "", "c=Relaxed", NOT_C },
	{ "", "c=nowsp", NOT_C },
	/* d= */
	{ "d=example.com", "d=EXAMPLE.com", NULL },
	{ "d=example.com", "d=a_b.example.com", NULL },
	{ "d=example.com",
	    "d=b\xc3\xbc"
	    "cher.example",
	    NULL },
	{ "d=example.com", "d=xn--bcher-kva.example", NULL },
	{ "d=example.com", "d=com", NOT_FQDN },
	{ "d=example.com", "d=192.0.2.1", NOT_FQDN },
	{ "d=example.com", "d=example.123", NOT_FQDN },
	{ "d=example.com", "d=example.com.", NOT_D },
	{ "d=example.com", "d=.example.com", NOT_D },
	{ "d=example.com", "d=example..com", NOT_D },
	{ "d=example.com", "d=exa mple.com", NOT_D },
	{ "d=example.com", "d=", NOT_D },
	{ "d=example.com", "d=[192.0.2.1]", NOT_D },
	{ "d=example.com", "d=-.example.com", NOT_D },
	{ "d=example.com", "d=ex\xff.com", NOT_D },
	/* h= */
	{ "h=from", "h=From : To\r\n : x-y", NULL },
	{ "h=from", "h=from:from:from", NULL },
	{ "h=from", "h=to:subject", "From is not signed" },
	{ "h=from", "h=xfrom:from-x:fro", "From is not signed" },
	{ "h=from", "h=", NOT_H },
	{ "h=from", "h=from:", NOT_H },
	{ "h=from", "h=:from", NOT_H },
	{ "h=from", "h=from::to", NOT_H },
	{ "h=from", "h=from to", NOT_H },
	{ "h=from", "h=from:t\xc3\xb6", NOT_H },
	/* i= */
	{ "", "i=@example.com", NULL },
	{ "", "i=@mail.Example.COM", NULL },
	{ "", "i=joe@example.com", NULL },
	{ "", "i=joe=20x@example.com", NULL },
	{ "", "i=\"a@b\"@example.com", NULL },
	{ "", "i=j\r\n oe@exam\r\n ple.com", NULL },
	{ "", "i=j\xc3\xb6@example.com", NULL },
	{ "", "i=", "malformed i=" },
	{ "", "i=example.com", "malformed i=" },
	{ "", "i=a=2@example.com", "malformed i=" },
	{ "", "i=a=c3@example.com", "malformed i=" },
	{ "", "i=a=", "malformed i=" },
	{ "", "i=a@", "i= has no domain name" },
	{ "", "i=a@example.com.", "i= has no domain name" },
	{ "", "i=@example.org", ABOVE },
	{ "", "i=@com", ABOVE },
	{ "", "i=@notexample.com", ABOVE },
	{ "", "i=@example.com.evil.example", ABOVE },
	/* l= */
	{ "", "l=0", NULL },
	{ "", "l=18446744073709551615", NULL },
	{ "",
	    "l=1234567890123456789012345678901234567890123456789012345678901234"
	    "567890123456",
	    NULL },
	{ "",
	    "l=1234567890123456789012345678901234567890123456789012345678901234"
	    "5678901234567",
	    "l= is not a number" },
	{ "", "l=", "l= is not a number" },
	{ "", "l=-1", "l= is not a number" },
	{ "", "l=+1", "l= is not a number" },
	{ "", "l=1 2", "l= is not a number" },
	{ "", "l=0x10", "l= is not a number" },
	/* q= */
	{ "", "q=dns/txt", NULL },
	{ "", "q=x/y : dns/txt", NULL },
	{ "", "q=dns", "q= has no supported query method" },
	{ "", "q=dns/txtx", "q= has no supported query method" },
	{ "", "q=", "q= has no supported query method" },
	/* s= */
	{ "s=sel", "s=a.b_c.d-e", NULL },
	{ "s=sel", "s=S\xc3\x89L", NULL },
	{ "s=sel", "s=", NOT_S },
	{ "s=sel", "s=.a", NOT_S },
	{ "s=sel", "s=a.", NOT_S },
	{ "s=sel", "s=a b", NOT_S },
	{ "s=sel", "s=*", NOT_S },
	/* t= and x= */
	{ "", "t=0", NULL },
	{ "", "t=999999999999; x=1", "x= is not later than t=" },
	{ "", "t=1; x=2", NULL },
	{ "", "t=2; x=2", "x= is not later than t=" },
	{ "", "x=999999999999", NULL },
	{ "", "t=1234567890123", "t= is not a number" },
	{ "", "t=", "t= is not a number" },
	{ "", "t=1.5", "t= is not a number" },
	{ "", "x=", "x= is not a number" },
	{ "", "x=-1", "x= is not a number" },
	/* z= is only for diagnosis */
	{ "", "z=From:foo=40example.com|To:bar", NULL },
	{ "", "z=whatever", NULL },
};

static void
section_3_5_signature(void **state)
{
	(void)state;
	check_all(GOOD, SIGNATURE_DKIM, of_dkim, ARRAY_SIZE(of_dkim));
}

#define GOOD_AMS                                                               \
	"i=1; a=rsa-sha256; d=example.com; s=sel; h=from; " BH "; b=YWJj"
#define NOT_I "i= is not from 1 to 50"

static const struct change of_ams[] = {
	{ "", "", NULL },
	{ "i=1; ", "", "i= is missing" },
	{ "i=1; a", "a", "i= is missing" },
	{ "i=1", "i=50", NULL },
	{ "i=1", "i=01", NULL },
	{ "i=1", "i=0", NOT_I },
	{ "i=1", "i=51", NOT_I },
	{ "i=1", "i=001", NOT_I },
	{ "i=1", "i=", NOT_I },
	{ "i=1", "i=-1", NOT_I },
	{ "i=1", "i=1x", NOT_I },
	{ "i=1", "I=1", "i= is missing" },
	/* RFC 8617 section 3.9: comments around the instance */
	{ "i=1", " (a (b)) i (c)\r\n = (d) 1 (e)", NULL },
	{ "", "i=1", TWICE },
	{ "i=1", "(", LIST },
	/* section 4.1.2: v= is ignored */
	{ "", "v=77", NULL },
	{ "h=from", "h=to", "From is not signed" },
	{ "h=from", "h=from::to:", NULL },
	{ "h=from", "h=from:ARC-Seal", "h= names ARC-Seal" },
	{ "h=from", "h=from:arc-message-signature", NULL },
	{ "", "x=5; t=6", "x= is not later than t=" },
	{ "rsa-sha256", "rsa-md5", NOT_A },
};

#define GOOD_SEAL "i=1; cv=none; a=rsa-sha256; d=example.com; s=sel; b=YWJj"
#define NOT_CV "cv= is not none, fail or pass"

static const struct change of_seal[] = {
	{ "", "", NULL },
	{ "i=1; ", "", "i= is missing" },
	{ "cv=none; ", "", "cv= is missing" },
	{ "cv=none", "cv=pass", NULL },
	{ "cv=none", "cv=FAIL", NULL },
	{ "cv=none", "cv=", NOT_CV },
	{ "cv=none", "cv=passed", NOT_CV },
	/* RFC 8617 section 4.1.3 */
	{ "", "h=from", "h= is not allowed in an ARC-Seal" },
	{ "", "bh=x; c=x; l=x; q=x; x=x; v=x", NULL },
	{ "", "t=x", "t= is not a number" },
	{ "d=example.com", "d=example", NOT_FQDN },
};

static void
section_4_1_arc(void **state)
{
	(void)state;
	check_all(GOOD_AMS, SIGNATURE_AMS, of_ams, ARRAY_SIZE(of_ams));
	check_all(GOOD_SEAL, SIGNATURE_SEAL, of_seal, ARRAY_SIZE(of_seal));
}

/* ---- parsed values ---- */

static void
values(void **state)
{
	static const char text[] =
	    " v=1; a=ed25519-sha256; c=relaxed/simple; d=B\xc3\xbc"
	    "cher.Example; s=S1.Two;\r\n h=From : to:FROM; l=00017; t=12;"
	    " x=345;\r\n i=a=20\"b\r\n @x.b\xc3\xbc"
	    "cher.example; " BH ";\r\n b= \r\n YW\r\n Jj \t; q=dns/txt";
	struct arena *a = arena_new(ARENA);
	struct signature sig;

	(void)state;
	assert_true(signature_read(span_str(text), SIGNATURE_DKIM, a, &sig));
	assert_null(sig.fault);
	assert_int_equal(sig.algorithm, SIGNATURE_ED25519_SHA256);
	assert_true(span_is(sig.algorithm_text, "ed25519-sha256"));
	assert_int_equal(sig.header, CANON_RELAXED);
	assert_int_equal(sig.body, CANON_SIMPLE);
	assert_true(span_is(sig.domain, "xn--bcher-kva.example"));
	assert_true(span_is(sig.selector, "s1.two"));
	assert_true(span_is(sig.identity,
	    "a \"b@x.b\xc3\xbc"
	    "cher.example"));
	assert_true(span_is(sig.identity_domain, "x.xn--bcher-kva.example"));
	assert_int_equal(sig.n_names, 3);
	assert_true(span_is(sig.names[0], "From"));
	assert_true(span_is(sig.names[2], "FROM"));
	assert_int_equal(sig.n_from, 2);
	assert_int_equal(sig.limit, 17);
	assert_int_equal(sig.timestamp, 12);
	assert_int_equal(sig.expiration, 345);
	assert_true(span_is(sig.b, "abc"));
	/* section 3.7: the value "including all surrounding whitespace" */
	assert_true(span_is(sig.b_cut, " \r\n YW\r\n Jj \t"));
	assert_int_equal(sig.bh.n, 32);
	arena_free(a);
}

static void
defaults(void **state)
{
	struct arena *a = arena_new(ARENA);
	struct signature sig;

	(void)state;
	assert_true(signature_read(SPAN(GOOD), SIGNATURE_DKIM, a, &sig));
	assert_int_equal(sig.header, CANON_SIMPLE);
	assert_int_equal(sig.body, CANON_SIMPLE);
	assert_false(sig.has_canon);
	assert_true(sig.limit == BODY_WHOLE);
	assert_false(sig.has_timestamp);
	assert_false(sig.has_expiration);
	assert_null(sig.identity.p);
	assert_true(span_is(sig.identity_domain, "example.com"));
	/* b= extends to the end of the field if it is the last tag */
	assert_true(span_is(sig.b_cut, "YWJj"));
	arena_free(a);
}

/* A length that is too large for any integer type must not wrap around to a
 * smaller one. */
static void
lengths_do_not_wrap(void **state)
{
	static const char *const lengths[] = { "18446744073709551616",
		"18446744073709551617", "99999999999999999999999999" };
	struct arena *a = arena_new(ARENA);
	struct signature sig;
	char text[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		snprintf(text, sizeof(text), GOOD "; l=%s", lengths[i]);
		assert_true(
		    signature_read(span_str(text), SIGNATURE_DKIM, a, &sig));
		assert_null(sig.fault);
		assert_true(sig.limit == BODY_WHOLE - 1);
	}
	arena_free(a);
}

static void
too_many_names(void **state)
{
	struct change c = { "h=from", NULL, NULL };
	char names[20000];
	struct buf text = buf_wrap(names, sizeof(names));

	(void)state;
	buf_text(&text, "h=from");
	for (unsigned i = 1; i < SIGNATURE_NAMES_MAX; i++)
		buf_text(&text, ":x");
	c.to = names;
	check_dkim_signature(GOOD, SIGNATURE_DKIM, &c);
	buf_text(&text, ":x");
	c.fault = "h= has too many names";
	check_dkim_signature(GOOD, SIGNATURE_DKIM, &c);
}

/* The data reported for a signature that is not valid. */
static void
broken_signatures_are_described(void **state)
{
	struct arena *a = arena_new(ARENA);
	struct signature_peek sketch;
	struct signature sig;

	(void)state;
	assert_true(signature_read(SPAN("d=Example.com; s=x; a=what; b=YWJj"),
	    SIGNATURE_DKIM, a, &sig));
	assert_non_null(sig.fault);
	assert_true(span_is(sig.domain, "example.com"));
	assert_true(span_is(sig.selector, "x"));
	assert_true(span_is(sig.algorithm_text, "what"));
	assert_true(span_is(sig.b_text, "YWJj"));
	signature_peek(SPAN("d=A.b; s = x ;a=y;b=Y W; ="), &sketch);
	assert_true(span_is(sketch.domain, "A.b"));
	assert_true(span_is(sketch.selector, "x"));
	assert_true(span_is(sketch.algorithm, "y"));
	assert_true(span_is(sketch.b, "Y W"));
	signature_peek(SPAN("=; d=a.b"), &sketch);
	assert_true(span_is(sketch.domain, "a.b"));
	assert_true(span_is(signature_domain(SPAN("x=1; d = a.b ;")), "a.b"));
	assert_null(signature_domain(SPAN("x=1")).p);
	arena_free(a);
}

static void
instances(void **state)
{
	static const struct {
		const char *text;
		unsigned instance;
		const char *rest;
	} vectors[] = {
		{ " i=1; mx.example; none", 1, " mx.example; none" },
		{ "i=50;", 50, "" },
		{ "(x) i (y) = (z)\r\n 7 (w);a", 7, "a" },
		{ "i=51; a", 0, "i=51; a" },
		{ "i=0; a", 0, "i=0; a" },
		{ "i=1 a", 0, "i=1 a" },
		{ "I=1; a", 0, "I=1; a" },
		{ "a; i=1;", 0, "a; i=1;" },
		{ "i=; a", 0, "i=; a" },
		{ "(i=1; a", 0, "(i=1; a" },
		{ "", 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct span value = span_str(vectors[i].text);

		assert_int_equal(
		    signature_instance(&value), vectors[i].instance);
		assert_true(span_is(value, vectors[i].rest));
	}
}

static void
quoted_printable(void **state)
{
	static const struct {
		const char *text, *want;
	} vectors[] = {
		{ "a=20b", "a b" },
		{ "=3D=3B", "=;" },
		{ " a \r\n\tb ", "ab" },
		{ "", "" },
		{ "=2", NULL },
		{ "=", NULL },
		{ "=2g", NULL },
		{ "=ab", NULL },
		{ "= 20", NULL },
	};
	struct arena *a = arena_new(ARENA);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct span got =
		    signature_unquote(a, span_str(vectors[i].text));

		if (vectors[i].want == NULL)
			assert_null(got.p);
		else
			assert_true(
			    got.p != NULL && span_is(got, vectors[i].want));
	}
	arena_free(a);
}

static void
dkim_signature_without_memory(void **state)
{
	static const char text[] = GOOD "; i=a@b\xc3\xbc.example.com";
	bool good = false;

	(void)state;
	for (unsigned long at = 1; !good; at++) {
		struct arena *a = arena_new(ARENA);
		struct signature sig;

		arena_fail_at(a, at);
		good = signature_read(span_str(text), SIGNATURE_DKIM, a, &sig);
		assert_true(good == !arena_has_failed(a));
		assert_true(at < 50);
		arena_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(section_3_5_signature),
		cmocka_unit_test(section_4_1_arc),
		cmocka_unit_test(values),
		cmocka_unit_test(defaults),
		cmocka_unit_test(lengths_do_not_wrap),
		cmocka_unit_test(too_many_names),
		cmocka_unit_test(broken_signatures_are_described),
		cmocka_unit_test(instances),
		cmocka_unit_test(quoted_printable),
		cmocka_unit_test(dkim_signature_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
