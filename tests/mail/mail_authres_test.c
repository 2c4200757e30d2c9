/*
 * Authentication-Results by RFC 8601: read, written, and known for forged.
 */
#include "mail/authres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/plainfield.h"

enum { CAP = 8 << 20, SHOWN = 8192 };

/* ---- reading ---- */

struct read_vector {
	const char *name;
	const char *value;
	/* "id" and per result "method=result [reason] {properties}"; "!" where
	 * it is broken */
	const char *parts;
};

static const struct read_vector reads[] = {
	{ "B.2", "example.org 1; none", "example.org" },
	{ "B.3", "example.com;\r\n          spf=pass smtp.mailfrom=example.net",
	    "example.com spf=pass{smtp.mailfrom=example.net}" },
	{ "B.4",
	    "example.com;\r\n      auth=pass (cram-md5) "
	    "smtp.auth=sender@example.net;\r\n"
	    "      spf=pass smtp.mailfrom=example.net",
	    "example.com auth=pass{smtp.auth=sender@example.net} "
	    "spf=pass{smtp.mailfrom=example.net}" },
	{ "B.5",
	    "example.com;\r\n  dkim=pass (good signature) header.d=example.com",
	    "example.com dkim=pass{header.d=example.com}" },
	{ "B.6",
	    "example.com;\r\n      dkim=pass reason=\"good signature\"\r\n"
	    "        header.i=@mail-router.example.net;\r\n"
	    "      dkim=fail reason=\"bad signature\"\r\n"
	    "        header.i=@newyork.example.com",
	    "example.com dkim=pass[good signature]"
	    "{header.i=@mail-router.example.net} "
	    "dkim=fail[bad signature]{header.i=@newyork.example.com}" },
	{ "B.7",
	    "foo.example.net (foobar) 1 (baz);\r\n"
	    "    dkim (Because I like it) / 1 (One yay) = (wait for it) "
	    "fail\r\n"
	    "      policy (A dot can go here) . (like that) expired\r\n"
	    "      (this surprised me) = (as I wasn't expecting it) 1362471462",
	    "foo.example.net dkim=fail{policy (A dot can go here) . (like "
	    "that) "
	    "expired\r\n      (this surprised me) = (as I wasn't expecting it) "
	    "1362471462}" },

	{ "2.2 quoted id", "\"a \\\"b\"; none", "a \"b" },
	{ "2.2 comments before the id", "(x)\r\n (y(z)) a.example (w); none",
	    "a.example" },
	{ "2.2 version", "a.example 1; none", "a.example" },
	{ "2.2 version with zeros", "a.example 001; none", "a.example" },
	{ "2.2 nothing behind the id", "a.example", "a.example" },
	{ "2.2 semicolon behind the id", "a.example;", "a.example" },
	{ "2.2 none and results", "a.example; none; spf=pass",
	    "a.example spf=pass" },
	{ "2.2 a method called none", "a.example; none=pass",
	    "a.example none=pass" },
	{ "2.2 semicolons too many", "a.example;; spf=pass;;",
	    "a.example spf=pass" },
	{ "2.2 two properties", "a.example; x=y a.b=c a.d=\"e;f\" (g;h)",
	    "a.example x=y{a.b=c a.d=\"e;f\"}" },
	{ "2.2 quoted local part", "a.example; x=y a.b=\"c d\"@e.example",
	    "a.example x=y{a.b=\"c d\"@e.example}" },
	{ "2.2 empty value in quotes", "a.example; x=y a.b=\"\"",
	    "a.example x=y{a.b=\"\"}" },
	{ "as Google writes it",
	    "mx.google.com;\r\n       dkim=pass header.i=@b.example "
	    "header.s=s header.b=\"ab/c+\";\r\n       spf=pass (google.com: "
	    "domain of x@b.example designates 192.0.2.1 as permitted sender) "
	    "smtp.mailfrom=x@b.example;\r\n       dmarc=pass (p=NONE sp=NONE "
	    "dis=NONE) header.from=b.example",
	    "mx.google.com dkim=pass{header.i=@b.example header.s=s "
	    "header.b=\"ab/c+\"} spf=pass{smtp.mailfrom=x@b.example} "
	    "dmarc=pass{header.from=b.example}" },
	{ "as Microsoft writes it",
	    "mx.example; dmarc=none action=none header.from=b.example;"
	    "compauth=pass reason=100 header.b=ab/c+",
	    "mx.example dmarc=none{action=none header.from=b.example} "
	    "compauth=pass[100]{header.b=ab/c+}" },

	{ "nothing", "", "!" },
	{ "no id", "; spf=pass", "!" },
	{ "id not closed", "\"a.example; spf=pass", "!" },
	{ "comment not closed", "(a.example; spf=pass", "!" },
	{ "version 2", "a.example 2; spf=pass", "!" },
	{ "version 0", "a.example 0; spf=pass", "!" },
	{ "version 11", "a.example 11; spf=pass", "!" },
	{ "words behind the id", "a.example b; spf=pass", "!" },
	{ "words behind the version", "a.example 1 b; spf=pass", "!" },
	{ "no id but a method", "spf=pass; dkim=pass", "!" },
	{ "no result", "a.example; spf", "a.example !" },
	{ "empty result", "a.example; spf=", "a.example !" },
	{ "no method", "a.example; =pass", "a.example !" },
	{ "no version", "a.example; spf/=pass", "a.example !" },
	{ "no property", "a.example; spf=pass smtp.=x", "a.example !" },
	{ "no value", "a.example; spf=pass smtp.a=", "a.example !" },
	{ "no value, then more", "a.example; spf=pass smtp.a=; x=y",
	    "a.example !" },
	{ "text behind the result", "a.example; spf=pass x", "a.example !" },
	{ "value not closed", "a.example; spf=pass a.b=\"c", "a.example !" },
	{ "comment not closed", "a.example; spf=pass (x", "a.example !" },
	{ "the second is broken", "a.example; spf=pass; x",
	    "a.example spf=pass !" },
};

static const char *
show_parts(struct arena *a, struct span value, char shown[SHOWN])
{
	struct buf b = buf_wrap(shown, SHOWN);
	struct scan s = scan_of(value);
	struct authres_result r;
	enum authres_status step;
	struct span id;

	if (!authres_open(&s, a, &id)) {
		buf_byte(&b, '!');
		return shown;
	}
	buf_span(&b, id);
	while ((step = authres_next(&s, a, &r)) == AUTHRES_ONE) {
		buf_byte(&b, ' ');
		buf_span(&b, r.method);
		buf_byte(&b, '=');
		buf_span(&b, r.result);
		if (r.reason.p != NULL) {
			buf_byte(&b, '[');
			buf_span(&b, r.reason);
			buf_byte(&b, ']');
		}
		if (r.properties.p != NULL) {
			buf_byte(&b, '{');
			buf_span(&b, r.properties);
			buf_byte(&b, '}');
		}
	}
	if (step == AUTHRES_BAD)
		buf_text(&b, " !");
	return shown;
}

static void
section_2_2_reads(void **state)
{
	struct arena *a = arena_new(CAP);
	char shown[SHOWN];

	(void)state;
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		const struct read_vector *v = &reads[i];

		show_parts(a, span_str(v->value), shown);
		if (strcmp(shown, v->parts) != 0)
			fail_msg("%s: got \"%s\", want \"%s\"", v->name, shown,
			    v->parts);
	}
	arena_free(a);
}

static void
section_2_2_cut_and_starved(void **state)
{
	struct arena *a = arena_new(CAP);
	char shown[SHOWN];

	(void)state;
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		struct span value = span_str(reads[i].value);

		for (size_t n = 0; n < value.n; n++) {
			show_parts(
			    a, arena_copy(a, span_first(value, n)), shown);
			arena_rewind(a);
		}
		for (unsigned long nth = 1; nth < 5; nth++) {
			arena_fail_at(a, nth);
			show_parts(a, value, shown);
			if (arena_has_failed(a))
				assert_int_equal(shown[strlen(shown) - 1], '!');
			arena_fail_at(a, 0);
			arena_rewind(a);
		}
	}
	arena_free(a);
}

static void
section_2_2_properties(void **state)
{
	static const char *const vectors[][3] = {
		{ "header", "d", "b.example" },
		{ "HEADER", "I", "@b.example" },
		{ "header", "b", "a;b" },
		{ "smtp", "mailfrom", "\"x y\"@b.example" },
		{ "policy", "expired", "1" },
		{ "header", "x", NULL },
		{ "action", "none", NULL },
	};
	struct arena *a = arena_new(CAP);
	struct scan s = scan_of(
	    SPAN("a; x=y action=none header.d=b.example header.d=c header.i="
		 "@b.example (c) header.b=\"a\\;b\" smtp.mailfrom=\"x "
		 "y\"@b.example policy (a) . (b) expired (c) = (d) 1"));
	struct authres_result r;
	struct span id;

	(void)state;
	assert_true(authres_open(&s, a, &id));
	assert_int_equal(authres_next(&s, a, &r), AUTHRES_ONE);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct span got =
		    authres_property(&r, a, vectors[i][0], vectors[i][1]);

		if (!span_equal(got, span_str(vectors[i][2])))
			fail_msg("%s.%s", vectors[i][0], vectors[i][1]);
	}
	arena_fail_at(a, 1);
	assert_null(authres_property(&r, a, "header", "b").p);
	arena_free(a);
}

/* ---- the id, and who claims it ---- */

static void
section_2_5_id(void **state)
{
	static const char *const vectors[][2] = {
		{ "mx.example.org; spf=pass", "mx.example.org" },
		{ "mx.example.org", "mx.example.org" },
		{ "mx.example.org junk = ; (", "mx.example.org" },
		{ " (a(b))\r\n\t(c) mx.example.org 1; none", "mx.example.org" },
		{ "\"mx.example.org\"; none", "mx.example.org" },
		{ "\"mx\\.example\r\n .org\"; none", "mx.example .org" },
		{ "mx.example.org/x; none", "mx.example.org" },
		{ "; spf=pass", NULL },
		{ "(mx.example.org; spf=pass", NULL },
		{ "\"mx.example.org; spf=pass", NULL },
		{ "", NULL },
	};
	char memory[64];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf b = buf_wrap(memory, sizeof(memory));
		struct span got = authres_id(span_str(vectors[i][0]), &b);

		if (!span_equal(got, span_str(vectors[i][1])) ||
		    (got.p == NULL) != (vectors[i][1] == NULL))
			fail_msg("%s: %.*s", vectors[i][0], SPAN_FMT(got));
	}
	struct buf small = buf_wrap(memory, 4);

	assert_null(authres_id(SPAN("\"abcd\"; none"), &small).p);
}

struct claim_vector {
	const char *name;
	const char *value;
	bool claims;
};

#define ID "mx.example.org"

/* clang-format off */
static const struct claim_vector claims[] = {
	{ "plain", ID "; spf=pass", true },
	{ "case", "MX.Example.ORG; spf=pass", true },
	{ "leading space", " " ID "; spf=pass", true },
	{ "folded", "\r\n\t" ID "; spf=pass", true },
	{ "folded, LF", "\n\n \n " ID "; spf=pass", true },
	{ "bare CR", "\r" ID "; spf=pass", true },
	{ "alone", ID, true },
	{ "nothing behind", ID ";", true },
	{ "none", ID "; none", true },
	{ "none, no semicolon", ID " none", true },
	{ "version", ID " 1; spf=pass", true },
	{ "other version", ID " 2; spf=pass", true },
	{ "no space before the semicolon", ID ";spf=pass", true },
	{ "junk behind", ID " = junk", true },
	{ "junk at once", ID "@junk; spf=pass", true },
	{ "slash", ID "/2; spf=pass", true },
	{ "tilde", ID "~; spf=pass", true },
	{ "underscore", ID "_x; spf=pass", true },
	{ "comma", ID ", spf=pass", true },
	{ "final dot", ID ".; spf=pass", true },
	{ "quoted", "\"" ID "\"; spf=pass", true },
	{ "quoted, case", "\"MX.example.org\"; spf=pass", true },
	{ "quoted, backslash", "\"mx\\.example.org\"; spf=pass", true },
	{ "quoted, spaces", "\" " ID " \"; spf=pass", true },
	{ "quoted, not closed", "\"" ID "; spf=pass", true },
	{ "comment before", "(x) " ID "; spf=pass", true },
	{ "comment before at once", "(x)" ID "; spf=pass", true },
	{ "comment and folds before", "\r\n (x)\r\n\t(y) \r\n " ID "; spf=pass", true },
	{ "comments nested before", "(a(b(c)d)e)" ID "; spf=pass", true },
	{ "comment not closed before", "(" ID "; spf=pass", true },
	{ "comment not closed, nested", "(a(b)" ID "; spf=pass", true },
	{ "comment with a pair", "(a\\)b) " ID "; spf=pass", true },
	{ "comment closed too often", "(a)) " ID "; spf=pass", true },
	{ "comment with a quote", "(\") " ID "; spf=pass", true },
	{ "comment behind", ID "(x); spf=pass", true },
	{ "comment not closed behind", ID " (x; spf=pass", true },
	{ "comment within", "mx.(x)example.org; spf=pass", true },
	{ "comments within", "mx(x).exam(y(z))ple.org; spf=pass", true },
	{ "comments within that are half closed", "m(a(b)x.example.org; spf=pass", true },
	{ "quotes within", "mx.\"example\".org; spf=pass", true },
	{ "quotes within a label", "mx.example.o\"\"rg; spf=pass", true },
	{ "quotes around a letter", "mx.exampl\"e\".org; spf=pass", true },
	{ "quotes behind", ID "\"\"; spf=pass", true },
	{ "quotes in front", "\"\"" ID "; spf=pass", true },
	{ "quoted string within", "\"mx.\"example.org; spf=pass", true },
	{ "backslash within", "mx.exam\\ple.org; spf=pass", true },
	{ "spaces around the dots", "mx . example . org; spf=pass", true },
	{ "space behind a dot", "mx. example.org; spf=pass", true },
	{ "fold behind a dot", "mx.\r\n\texample.org; spf=pass", true },
	{ "comments around the dots", "mx(x).(y)example (z) . org; spf=pass", true },
	{ "comments and quotes within", "m(\")x.\"exa(x)mple\".org; spf=pass", true },
	{ "comment with a pair within", "mx.(\\))example.org; spf=pass", true },
	{ "comment that SpamAssassin ends later", "mx.(\\()x)example.org; spf=pass", true },
	{ "comment that ends at the first parenthesis", "mx.(()example.org; spf=pass", true },
	{ "dots in front", "..mx.example.org; spf=pass", true },
	{ "two dots behind", ID "..; spf=pass", true },
	{ "two dots within", "mx..example.org; spf=pass", true },
	{ "control within", "mx.\001example.org; spf=pass", true },
	{ "UTF-8 within that is a letter", "mx.ex\303\251ample.org; spf=pass", true },
	{ "ideographic full stops", "mx\343\200\202example\343\200\202org; spf=pass", true },
	{ "port", ID ":25; spf=pass", true },
	{ "comment of another with it", "mx.example.net (" ID "); spf=pass", true },
	{ "quoted string of another with it", "\"mx.example.net " ID "\"; spf=pass", true },
	{ "encoded word in a comment", "mx.example.net (=?utf-8?q?)_mx=2Eexample=2Eorg=3B?=); spf=pass", true },
	{ "no id", "; spf=pass", true },
	{ "no id but a comment", " (x) ;dmarc=pass", true },
	{ "comment and version", ID "(x)1(y); spf=pass", true },
	{ "semicolon before", "; " ID "; spf=pass", true },
	{ "angle", "<" ID ">; spf=pass", true },
	{ "bracket", "[" ID "]; spf=pass", true },
	{ "at", "@" ID "; spf=pass", true },
	{ "equals", "=" ID "; spf=pass", true },
	{ "key", "authserv-id=" ID "; spf=pass", true },
	{ "second word", "x " ID "; spf=pass", true },
	{ "control before", "\001" ID "; spf=pass", true },
	{ "vertical tab", "\v" ID "; spf=pass", true },
	{ "delete behind", ID "\177; spf=pass", true },
	{ "no-break space", "\302\240" ID "; spf=pass", true },
	{ "byte order mark", "\357\273\277" ID "; spf=pass", true },
	{ "zero width space within", "mx\342\200\213.example.org; spf=pass", true },
	{ "full width", "\357\275\215\357\275\230.example.org; spf=pass", true },
	{ "bad UTF-8", ID "\377; spf=pass", true },
	{ "encoded word", "=?utf-8?q?mx.example.org?=; spf=pass", true },
	{ "encoded word in base64", "=?utf-8?b?bXguZXhhbXBsZS5vcmc=?=; spf=pass", true },
	{ "encoded word for a part", "m=?utf-8?b?eC5leGFtcGxlLm9yZw==?=; spf=pass", true },

	{ "another", "mx.example.net; spf=pass", false },
	{ "another names it", "mx.example.net; spf=pass smtp.helo=" ID, false },
	{ "another with comments names it not", "foo.example.net (foobar) 1 (baz); dkim=pass", false },
	{ "below it", "a." ID "; spf=pass", false },
	{ "above it", "example.org; spf=pass", false },
	{ "longer", ID "a; spf=pass", false },
	{ "longer in front", "a" ID "; spf=pass", false },
	{ "longer by a label", ID ".net; spf=pass", false },
	{ "longer by a word", ID "-a; spf=pass", false },
	{ "longer by a word in front", "a-" ID "; spf=pass", false },
	{ "longer in front, quotes within", "a.mx.example.o\"\"rg; spf=pass", false },
	{ "longer behind, quotes within", "mx.example.o\"\"rg.net; spf=pass", false },
	{ "longer, with a comment", ID ".net (x) 1; spf=pass", false },
	{ "longer in front, with a comment", "a" ID " (x); spf=pass", false },
	{ "labels cut otherwise", "m.x.example.org; spf=pass", false },
	{ "no dots", "mxexampleorg; spf=pass", false },
	{ "hyphens for dots", "mx-example-org; spf=pass", false },
	{ "another with a comment and backslashes", "mx.example.net (x); dkim=fail reason=\"\\\"a\\\"\"", false },
	{ "another with a comment names it", "mx.example.net (x); spf=pass smtp.helo=" ID, false },
	{ "another with UTF-8 in a comment", "mx.example.net (\303\274); spf=pass", false },
	{ "quoted other", "\"mx.example.net\"; spf=pass", false },
	{ "no id, no mention", "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=b.example; dkim=pass", false },
	{ "no id, longer names", "spf=pass smtp.mailfrom=a" ID "; dkim=pass header.d=" ID "a", false },
	{ "no id, but a mention", "spf=pass smtp.mailfrom=" ID "; dkim=pass", true },
	{ "another U-label", "b\303\274cher.example; spf=pass", false },
	{ "nothing", "", false },
	{ "nothing but a comment", "(x)", false },
	{ "version 1", "mx.example.net 1; spf=pass", false },
	{ "version 01", "mx.example.net 01; spf=pass", false },
	/* section 5: versions that are not supported are removed */
	{ "version 2", "mx.example.net 2; spf=pass", true },
	{ "version 2 with comments", "(x) mx.example.net (y) 2 (z); spf=pass", true },
	{ "version 2 of a quoted id", "\"mx.example.net\" 2; spf=pass", true },
	{ "version 0", "mx.example.net 0", true },
	{ "a long version", "mx.example.net 18446744073709551617; spf=pass", true },
	{ "a number is no version", "mx.example.net 2 x; spf=pass", false },
};
/* clang-format on */

static void
section_5_claims(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		if (authres_claims(span_str(claims[i].value), SPAN(ID)) !=
		    claims[i].claims)
			fail_msg("%s: %s", claims[i].name, claims[i].value);
	assert_false(authres_claims(SPAN_NONE, SPAN(ID)));
	assert_true(authres_claims(SPAN(ID "\0x; spf=pass"), SPAN(ID)));
}

static void
section_5_internationalised(void **state)
{
	static const char *const forms[] = { "b\303\274cher.example",
		"B\303\234CHER.Example", "xn--bcher-kva.example",
		"XN--BCHER-KVA.example" };
	static const char *const others[] = { "bucher.example",
		"b\303\244cher.example", "xn--bcher-kvb.example" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < 4; j++)
			if (!authres_claims(
				span_str(forms[i]), span_str(forms[j])))
				fail_msg("%s, %s", forms[i], forms[j]);
		for (size_t j = 0; j < 3; j++)
			if (authres_claims(
				span_str(forms[i]), span_str(others[j])) ||
			    authres_claims(
				span_str(others[j]), span_str(forms[i])))
				fail_msg("%s, %s", forms[i], others[j]);
	}
}

/* Ids that are no domain names. */
static void
section_2_5_other_ids(void **state)
{
	static const struct {
		const char *value;
		const char *id;
		bool claims;
	} vectors[] = {
		{ "example-auth; spf=pass", "example-auth", true },
		{ "Example-Auth; spf=pass", "example-auth", true },
		{ "\"mx 1\"; spf=pass", "mx 1", true },
		{ "\"mx 2\"; spf=pass", "no 1", false },
		{ "\"!!\"; spf=pass", "!!", true },
		{ "!!; spf=pass", "!!", true },
		{ "!?; spf=pass", "!!", true },
		{ "a.example/mx1; spf=pass", "a.example/mx1", true },
		{ "a.example/mx2; spf=pass", "a.example/mx1", true },
		{ "b.example; spf=pass", "a.example/mx1", false },
		{ "b.example; spf=pass", "\303\234.X", false },
		{ "\303\234.X; spf=pass", "\303\234.X", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		if (authres_claims(span_str(vectors[i].value),
			span_str(vectors[i].id)) != vectors[i].claims)
			fail_msg("%s, %s", vectors[i].value, vectors[i].id);
}

static struct span
repeat(struct arena *a, const char *begin, const char *text, size_t times,
    const char *end)
{
	size_t n = strlen(begin) + strlen(text) * times + strlen(end);
	struct buf b = buf_alloc(a, n + 1);

	buf_text(&b, begin);
	for (size_t i = 0; i < times; i++)
		buf_text(&b, text);
	buf_text(&b, end);
	assert_false(b.full);
	return buf_view(&b);
}

static void
section_7_8_hostile_sizes(void **state)
{
	static const struct {
		const char *begin;
		const char *text;
		size_t times;
		const char *end;
		bool claims;
	} vectors[] = {
		{ ID "; spf=", "a", 900000, "", true },
		{ "", " ", 900000, ID "; spf=pass", true },
		{ "", "\r\n ", 300000, ID "; spf=pass", true },
		{ "", "(x)", 300000, ID "; spf=pass", true },
		{ "", "(", 900000, ID "; spf=pass", true },
		{ "(", "()", 400000, ID "; spf=pass", true },
		{ "(", "(x)", 300000, "; spf=pass", false },
		{ "", "(x", 400000, "; spf=pass", false },
		{ "\"", "x", 900000, "\"; spf=pass", false },
		{ "\"", "x", 900000, "; " ID, true },
		{ "", "x", 900000, "; spf=pass", false },
		{ "", "x.", 450000, "; spf=pass", false },
		{ "", "x(y) ", 150000, "; spf=pass", false },
		{ "x y ", "mx.", 300000, "; spf=pass", false },
		{ "", "\303\274", 450000, "; spf=pass", true },
		{ "", "\303\274 ", 300000, "; spf=pass", true },
		{ "x 1", "1", 900000, "; spf=pass", true },
		{ "x (", "=", 900000, "; spf=pass", false },
		{ "[", ";", 900000, ID, true },
	};
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct span value = repeat(a, vectors[i].begin, vectors[i].text,
		    vectors[i].times, vectors[i].end);
		/* some 10 ms; squared time would meet the runner's limit */
		bool got = authres_claims(value, SPAN(ID));

		if (got != vectors[i].claims)
			fail_msg("number %zu", i);
		arena_rewind(a);
	}
	struct span open = repeat(a, "", "(", 100000, "");
	struct span nested = repeat(a, open.p, ")", 100000, ID "; spf=pass");
	char memory[64];
	struct buf b = buf_wrap(memory, sizeof(memory));

	assert_true(authres_claims(nested, SPAN(ID)));
	assert_true(span_is(authres_id(nested, &b), ID));
	arena_free(a);
}

/* ---- writing ---- */

static struct span
write_one(struct authres_writer *w, struct buf b, const char *own,
    struct span comment, struct span reason, struct span value)
{
	authres_begin(w, b, SPAN("mx.example.org"));
	authres_method(w, "spf", "pass");
	authres_comment(w, own, comment);
	authres_reason(w, reason);
	authres_put(w, "smtp", "mailfrom", value);
	return authres_end(w);
}

static void
section_2_2_writes(void **state)
{
	char memory[4096];
	struct authres_writer w;

	(void)state;
	authres_begin(
	    &w, buf_wrap(memory, sizeof(memory)), SPAN("mx.example.org"));
	authres_comment(&w, "of nothing", SPAN_NONE);
	authres_reason(&w, SPAN("of nothing"));
	authres_put(&w, "smtp", "mailfrom", SPAN("of.nothing"));
	assert_string_equal(authres_end(&w).p, "mx.example.org; none");

	authres_begin(
	    &w, buf_wrap(memory, sizeof(memory)), SPAN("mx.example.org"));
	authres_method(&w, "dkim", "pass");
	authres_comment(&w, "2048 bits", SPAN_NONE);
	authres_put(&w, "header", "d", SPAN("b.example"));
	authres_put(&w, "header", "i", SPAN("@b.example"));
	authres_put(&w, "header", "b", SPAN("ab/c+"));
	authres_method(&w, "spf", "fail");
	authres_reason(&w, SPAN("not allowed"));
	authres_put(&w, "smtp", "mailfrom", SPAN("a=b@b.example"));
	authres_put(&w, "smtp", "helo", SPAN_NONE);
	authres_put(&w, "smtp", "rcptto", SPAN(""));
	authres_method(&w, "iprev", "pass");
	authres_put(&w, "policy", "iprev", SPAN("2001:db8::1"));
	assert_string_equal(authres_end(&w).p,
	    "mx.example.org;\n"
	    "\tdkim=pass (2048 bits) header.d=b.example header.i=@b.example\n"
	    "\theader.b=\"ab/c+\";\n"
	    "\tspf=fail reason=\"not allowed\";\n"
	    "\tiprev=pass policy.iprev=\"2001:db8::1\"");
	assert_false(w.text.full);
}

static void
section_2_2_ids(void **state)
{
	static const char *const vectors[][2] = {
		{ "example-auth", "example-auth; none" },
		{ "mx 1", "\"mx 1\"; none" },
		{ "a/b", "\"a/b\"; none" },
		{ "a\"b\\", "\"a'b/\"; none" },
		{ "a;b=(c)", "\"a,b [c]\"; none" },
		{ "a\r\nb", "\"a??b\"; none" },
		{ "b\303\274cher.example", "\"b??cher.example\"; none" },
		{ "", "\"\"; none" },
	};
	char memory[256];
	struct authres_writer w;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		authres_begin(&w, buf_wrap(memory, sizeof(memory)),
		    span_str(vectors[i][0]));
		assert_string_equal(authres_end(&w).p, vectors[i][1]);
	}
}

/* NULL: left out. */
static void
section_2_2_values(void **state)
{
	static const char *const vectors[][2] = {
		{ "b.example", "b.example" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "localhost", "localhost" },
		{ "-a.example", "-a.example" },
		{ "a+b.example", "a+b.example" },
		{ "1.2.3.4", "1.2.3.4" },
		{ "2001:db8::1", "\"2001:db8::1\"" },
		{ "[192.0.2.1]", "\"[192.0.2.1]\"" },
		{ "ab/c+", "\"ab/c+\"" },
		{ "a@b.example", "a@b.example" },
		{ "a.b_c-d+e@b.example", "a.b_c-d+e@b.example" },
		{ "@b.example", "@b.example" },
		{ "a..b@b.example", "\"a..b@b.example\"" },
		{ "a@b..example", "\"a@b..example\"" },
		{ "a@", "\"a@\"" },
		{ "@localhost", "\"@localhost\"" },
		{ "@-b.example", "\"@-b.example\"" },
		{ "@b-.example", "\"@b-.example\"" },
		{ "a@[192.0.2.1]", "\"a@[192.0.2.1]\"" },
		{ "a,b", "\"a,b\"" },
		{ "", NULL },
		{ "a=b", NULL },
		{ "a=b@b.example", NULL },
		{ "a;b", NULL },
		{ "a(b", NULL },
		{ "a)b", NULL },
		{ "a b", NULL },
		{ "a\tb", NULL },
		{ "a\"b", NULL },
		{ "\"a b\"@b.example", NULL },
		{ "\"a\"@b.example", NULL },
		{ "a\\", NULL },
		{ "a\r\nX: y", NULL },
		{ "a\001", NULL },
		{ "a\177", NULL },
		{ "b\303\274cher.example", NULL },
		{ "\303\274@b.example", NULL },
		{ "\377", NULL },
	};
	char memory[256], want[256];
	struct authres_writer w;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		snprintf(want, sizeof(want), "mx.example.org;\n\tspf=pass%s%s",
		    vectors[i][1] != NULL ? " smtp.mailfrom=" : "",
		    vectors[i][1] != NULL ? vectors[i][1] : "");
		write_one(&w, buf_wrap(memory, sizeof(memory)), NULL, SPAN_NONE,
		    SPAN_NONE, span_str(vectors[i][0]));
		assert_string_equal(memory, want);
	}
	write_one(&w, buf_wrap(memory, sizeof(memory)), NULL, SPAN_NONE,
	    SPAN_NONE, SPAN("a\0b"));
	assert_string_equal(memory, "mx.example.org;\n\tspf=pass");
}

static void
section_2_2_comments(void **state)
{
	static const struct {
		const char *own;
		const char *text;
		const char *want;
	} vectors[] = {
		{ NULL, "a b", " (a b)" },
		{ NULL, "a (b) \\c", " (a [b] /c)" },
		{ NULL, "a\r\n b", " (a?? b)" },
		{ NULL, "a  b ", " (a b)" },
		{ NULL, " = ", "" },
		{ NULL, "", "" },
		{ NULL, NULL, "" },
		{ "", "a", " (a)" },
		{ "p=reject dis=none", NULL, " (p=reject dis=none)" },
		{ "p=reject dis=none", "a; p=none",
		    " (p=reject dis=none, a, p none)" },
		{ "own", "=", " (own)" },
		{ NULL,
		    "01234567890123456789012345678901234567890123456789012345"
		    "67 89",
		    " (01234567890123456789012345678901234567890123456789012345"
		    "67\n\t89)" },
	};
	char memory[256], want[256];
	struct authres_writer w;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		snprintf(want, sizeof(want), "mx.example.org;\n\tspf=pass%s",
		    vectors[i].want);
		write_one(&w, buf_wrap(memory, sizeof(memory)), vectors[i].own,
		    span_str(vectors[i].text), SPAN_NONE, SPAN_NONE);
		assert_string_equal(memory, want);
	}
}

static void
one_comment_in_one_place(void **state)
{
	char memory[256];
	struct authres_writer w;

	(void)state;
	authres_begin(&w, buf_wrap(memory, sizeof(memory)), SPAN("mx"));
	authres_comment(&w, "before any result", SPAN_NONE);
	authres_method(&w, "spf", "pass");
	authres_comment(&w, "a", SPAN_NONE);
	authres_comment(&w, "b", SPAN_NONE);
	authres_put(&w, "smtp", "helo", SPAN("left;out"));
	authres_comment(&w, "c", SPAN_NONE);
	authres_reason(&w, SPAN("="));
	authres_comment(&w, "d", SPAN_NONE);
	authres_put(&w, "smtp", "helo", SPAN("e"));
	authres_comment(&w, "f", SPAN_NONE);
	assert_string_equal(
	    authres_end(&w).p, "mx;\n\tspf=pass (a) smtp.helo=e (f)");
}

/* What belongs to a result that is not written is not written either. */
static void
at_most_16_results(void **state)
{
	char memory[2048];
	struct authres_writer w;
	struct authres_result r;
	struct arena *a = arena_new(CAP);
	struct span id;
	struct scan s;
	size_t n = 0;

	(void)state;
	authres_begin(&w, buf_wrap(memory, sizeof(memory)), SPAN("mx"));
	for (int i = 0; i < 20; i++) {
		authres_method(&w, "dkim", i < 16 ? "pass" : "fail");
		authres_comment(&w, i < 16 ? "a" : "b", SPAN_NONE);
		authres_reason(&w, i < 16 ? SPAN("c") : SPAN("d"));
		authres_put(&w, "header", "d", i < 16 ? SPAN("e") : SPAN("f"));
	}
	s = scan_of(authres_end(&w));
	assert_true(authres_open(&s, a, &id));
	for (; authres_next(&s, a, &r) == AUTHRES_ONE; n++) {
		assert_true(span_is(r.result, "pass"));
		assert_true(span_is(r.reason, "c"));
		assert_true(span_is(r.properties, "header.d=e"));
	}
	assert_int_equal(n, 16);
	arena_free(a);
}

/* RFC 5322 section 2.1.1: 78 columns, a tab is 8 of them. */
static void
lines_end_before_column_78(void **state)
{
	static const char line[] =
	    "mx.example.org;\n\tspf=pass smtp.mailfrom="; /* to column 31 */
	char value[64], memory[256];
	struct authres_writer w;

	(void)state;
	memset(value, 'a', sizeof(value));
	for (size_t n = 40; n < 50; n++) {
		bool fits = 31 + n <= 76; /* a ";" may follow */

		write_one(&w, buf_wrap(memory, sizeof(memory)), NULL, SPAN_NONE,
		    SPAN_NONE, span_of(value, n));
		assert_int_equal(
		    memory[sizeof("mx.example.org;\n\tspf=pass") - 1],
		    fits ? ' ' : '\n');
		assert_int_equal(w.text.n, sizeof(line) - 1 + n + !fits);
	}
}

static void
long_texts_are_cut_and_long_values_left_out(void **state)
{
	static char value[2048], memory[8192];
	struct authres_writer w;
	struct arena *a = arena_new(CAP);
	struct authres_result r;
	struct span id, got;
	struct scan s;

	(void)state;
	memset(value, 'a', sizeof(value));
	for (size_t n = AUTHRES_VALUE_MAX - 4; n < AUTHRES_VALUE_MAX + 4; n++) {
		s = scan_of(write_one(&w, buf_wrap(memory, sizeof(memory)),
		    NULL, SPAN_NONE, span_of(value, n), span_of(value, n)));
		assert_true(authres_open(&s, a, &id));
		assert_int_equal(authres_next(&s, a, &r), AUTHRES_ONE);
		got = authres_property(&r, a, "smtp", "mailfrom");
		if (n <= AUTHRES_VALUE_MAX) {
			assert_true(span_equal(got, span_of(value, n)));
			assert_true(span_equal(r.reason, span_of(value, n)));
		} else {
			assert_null(got.p);
			assert_int_equal(r.reason.n, AUTHRES_VALUE_MAX);
			assert_true(span_ends_nocase(r.reason, "aaa..."));
		}
	}
	got = write_one(&w, buf_wrap(memory, sizeof(memory)), NULL,
	    span_of(value, 2000), SPAN_NONE, SPAN_NONE);
	assert_int_equal(got.n,
	    sizeof("mx.example.org;\n\tspf=pass\n\t()") - 1 +
		AUTHRES_COMMENT_MAX);
	assert_true(span_ends_nocase(got, "aaa...)"));
	arena_free(a);
}

/* ---- what is written is read back, by whatever kind of reader ---- */

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Made of what is apt to break things. */
static struct span
random_text(struct arena *a, uint64_t *seed)
{
	static const char *const pieces[] = { "\"", "\\", "(", ")", ";", "=",
		"@", ".", " ", "\t", "\r", "\n", "\r\n ", "a", "b.example",
		"x@y.example", "\"q r\"@z.example", "\303\274", "\377", "\001",
		"\177", "/", "none", "=?", "?=", "<", ">", "[", "]", ",", ":",
		"reason=", "dkim=pass", "; spf=pass ", "dmarc=pass", "  ",
		" header.from=bank.example", "\342\200\250", "0", "-", "'" };
	size_t most = next_random(seed) % 3 > 0 ? 12 : 3;
	size_t count = (size_t)(next_random(seed) % most);
	struct buf b = buf_alloc(a, 512);

	for (size_t i = 0; i < count; i++)
		buf_text(&b,
		    pieces[next_random(seed) %
			(sizeof(pieces) / sizeof(pieces[0]))]);
	return buf_view(&b);
}

static struct span
safe(struct arena *a, struct span s)
{
	struct buf b = buf_alloc(a, s.n + 1);

	buf_safe(&b, s, s.n + 4);
	return buf_view(&b);
}

/* A value is there as it is, or not at all. */
static bool
check_value(const struct authres_result *r, struct arena *a,
    const char *property, struct span value)
{
	struct span got = authres_property(r, a, "header", property);

	if (got.p == NULL)
		return false;
	assert_true(span_equal(got, value));
	assert_true(span_equal(got, safe(a, value)));
	return true;
}

static void
written_is_read_back(void **state)
{
	struct arena *a = arena_new(CAP);
	uint64_t seed = 0x9e3779b97f4a7c15U;
	size_t values = 0;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct span id = random_text(a, &seed);
		struct span reason = random_text(a, &seed);
		struct span value[3], got, text;
		struct authres_writer w;
		struct authres_result r;
		struct scan s;

		authres_begin(&w, buf_alloc(a, 8192), id);
		for (size_t i = 0; i < 3; i++) {
			value[i] = random_text(a, &seed);
			authres_method(&w, "dkim", "neutral");
			authres_comment(&w, NULL, random_text(a, &seed));
			authres_reason(&w, reason);
			authres_put(&w, "header", "d", value[i]);
			authres_comment(&w, NULL, random_text(a, &seed));
			authres_put(&w, "header", "s", reason);
		}
		text = authres_end(&w);
		assert_false(w.text.full);
		s = scan_of(text);
		assert_true(authres_open(&s, a, &got));
		assert_true(span_equal(got, safe(a, id)));
		if (!authres_claims(text, got))
			fail_msg("%.*s", SPAN_FMT(got));
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(authres_next(&s, a, &r), AUTHRES_ONE);
			assert_true(span_is(r.method, "dkim"));
			assert_true(span_is(r.result, "neutral"));
			assert_true(span_equal(r.reason, safe(a, reason)));
			values += check_value(&r, a, "d", value[i]);
			values += check_value(&r, a, "s", reason);
		}
		assert_int_equal(authres_next(&s, a, &r), AUTHRES_END);
		assert_int_equal(plainfield_check(text), 3);
		arena_rewind(a);
	}
	assert_true(values > 5000); /* many were written */
	arena_free(a);
}

/* Into every size of memory: well-formed, and a beginning of the whole. */
static void
every_size_of_memory(void **state)
{
	struct arena *a = arena_new(CAP);
	uint64_t seed = 7;
	size_t results = 0;

	(void)state;
	for (size_t size = 0; size < 600; size++) {
		char *memory = size > 0 ? arena_alloc(a, size) : NULL;
		struct authres_writer w;
		struct authres_result r;
		enum authres_status step;
		struct span id, text;
		struct scan s;
		size_t n = 0;

		authres_begin(&w, buf_wrap(memory, size), SPAN("a b"));
		for (size_t i = 0; i < 3; i++) {
			authres_method(&w, "spf", "pass");
			authres_comment(&w, "p=none", SPAN("a (b) c"));
			authres_reason(&w, SPAN("\"d\" \\"));
			authres_put(&w, "smtp", "helo", SPAN("e:f"));
			authres_put(
			    &w, "smtp", "mailfrom", random_text(a, &seed));
		}
		text = authres_end(&w);
		assert_int_equal(w.text.full, size < 12 || w.text.full);
		if (text.n == 0) {
			assert_true(size < sizeof("\"a b\"; none"));
			continue;
		}
		assert_true(text.n < size);
		plainfield_check(text);
		s = scan_of(text);
		assert_true(authres_open(&s, a, &id));
		assert_true(span_is(id, "a b"));
		while ((step = authres_next(&s, a, &r)) == AUTHRES_ONE)
			n++;
		assert_int_equal(step, AUTHRES_END);
		assert_true(n > 0 || span_ends_nocase(text, "; none"));
		assert_true(n == 3 || w.text.full);
		results = n > results ? n : results;
		arena_rewind(a);
	}
	assert_int_equal(results, 3);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(section_2_2_reads),
		cmocka_unit_test(section_2_2_cut_and_starved),
		cmocka_unit_test(section_2_2_properties),
		cmocka_unit_test(section_2_5_id),
		cmocka_unit_test(section_5_claims),
		cmocka_unit_test(section_5_internationalised),
		cmocka_unit_test(section_2_5_other_ids),
		cmocka_unit_test(section_7_8_hostile_sizes),
		cmocka_unit_test(section_2_2_writes),
		cmocka_unit_test(section_2_2_ids),
		cmocka_unit_test(section_2_2_values),
		cmocka_unit_test(section_2_2_comments),
		cmocka_unit_test(one_comment_in_one_place),
		cmocka_unit_test(at_most_16_results),
		cmocka_unit_test(lines_end_before_column_78),
		cmocka_unit_test(long_texts_are_cut_and_long_values_left_out),
		cmocka_unit_test(written_is_read_back),
		cmocka_unit_test(every_size_of_memory),
	};

	return cmocka_run_group_tests_name("mail_authres", tests, NULL, NULL);
}
