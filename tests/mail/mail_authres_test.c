/* mail_authres_test.c - Authentication-Results fields (RFC 8601): reading, and
 * recognizing forged fields. */
#include "mail/authres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/mail_text.h"
#include "tests/support/plainfield.h"

enum { CAP = 8 << 20, SHOWN = 8192 };

/* ---- reading ---- */

struct mail_authres_read_vector {
	const char *name;
	const char *value;
	/* "id", and "method=result [reason] {properties}" for each result; "!"
	 * where parsing failed */
	const char *parts;
};

static const struct mail_authres_read_vector reads[] = {
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
	{ "2.2 nothing after the id", "a.example", "a.example" },
	{ "2.2 semicolon after the id", "a.example;", "a.example" },
	{ "2.2 none and results", "a.example; none; spf=pass",
	    "a.example spf=pass" },
	{ "2.2 a method called none", "a.example; none=pass",
	    "a.example none=pass" },
	{ "2.2 too many semicolons", "a.example;; spf=pass;;",
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
	{ "id quote not closed", "\"a.example; spf=pass", "!" },
	{ "comment not closed", "(a.example; spf=pass", "!" },
	{ "version 2", "a.example 2; spf=pass", "!" },
	{ "version 0", "a.example 0; spf=pass", "!" },
	{ "version 11", "a.example 11; spf=pass", "!" },
	{ "words after the id", "a.example b; spf=pass", "!" },
	{ "words after the version", "a.example 1 b; spf=pass", "!" },
	{ "no id but a method", "spf=pass; dkim=pass", "!" },
	{ "no result", "a.example; spf", "a.example !" },
	{ "empty result", "a.example; spf=", "a.example !" },
	{ "no method", "a.example; =pass", "a.example !" },
	{ "no version", "a.example; spf/=pass", "a.example !" },
	{ "no property", "a.example; spf=pass smtp.=x", "a.example !" },
	{ "no value", "a.example; spf=pass smtp.a=", "a.example !" },
	{ "no value, then more", "a.example; spf=pass smtp.a=; x=y",
	    "a.example !" },
	{ "text after the result", "a.example; spf=pass x", "a.example !" },
	{ "value not closed", "a.example; spf=pass a.b=\"c", "a.example !" },
	{ "comment not closed", "a.example; spf=pass (x", "a.example !" },
	{ "the second is broken", "a.example; spf=pass; x",
	    "a.example spf=pass !" },
};

static const char *
show_parts(struct arena *a, struct span value, char *shown)
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
		const struct mail_authres_read_vector *v = &reads[i];

		show_parts(a, span_str(v->value), shown);
		if (strcmp(shown, v->parts) != 0)
			fail_msg("%s: got \"%s\", want \"%s\"", v->name, shown,
			    v->parts);
	}
	arena_free(a);
}

static void
section_2_2_truncated_and_out_of_memory(void **state)
{
	char shown[SHOWN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		cut_and_starved(show_parts, reads[i].value, 4, shown);
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

/* ---- the id, and fields that claim it ---- */

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
	{ "nothing after", ID ";", true },
	{ "none", ID "; none", true },
	{ "none, no semicolon", ID " none", true },
	{ "version", ID " 1; spf=pass", true },
	{ "other version", ID " 2; spf=pass", true },
	{ "no space before the semicolon", ID ";spf=pass", true },
	{ "junk after", ID " = junk", true },
	{ "junk without a space", ID "@junk; spf=pass", true },
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
	{ "comment before, without a space", "(x)" ID "; spf=pass", true },
	{ "comment and folds before", "\r\n (x)\r\n\t(y) \r\n " ID "; spf=pass", true },
	{ "comments nested before", "(a(b(c)d)e)" ID "; spf=pass", true },
	{ "comment before, not closed", "(" ID "; spf=pass", true },
	{ "comment not closed, nested", "(a(b)" ID "; spf=pass", true },
	{ "comment with a pair", "(a\\)b) " ID "; spf=pass", true },
	{ "comment closed too often", "(a)) " ID "; spf=pass", true },
	{ "comment with a quote", "(\") " ID "; spf=pass", true },
	{ "comment after", ID "(x); spf=pass", true },
	{ "comment after, not closed", ID " (x; spf=pass", true },
	{ "comment within", "mx.(x)example.org; spf=pass", true },
	{ "comments within", "mx(x).exam(y(z))ple.org; spf=pass", true },
	{ "comments within that are half closed", "m(a(b)x.example.org; spf=pass", true },
	{ "quotes within", "mx.\"example\".org; spf=pass", true },
	{ "quotes within a label", "mx.example.o\"\"rg; spf=pass", true },
	{ "quotes around a letter", "mx.exampl\"e\".org; spf=pass", true },
	{ "quotes after", ID "\"\"; spf=pass", true },
	{ "quotes in front", "\"\"" ID "; spf=pass", true },
	{ "quoted string within", "\"mx.\"example.org; spf=pass", true },
	{ "backslash within", "mx.exam\\ple.org; spf=pass", true },
	{ "spaces around the dots", "mx . example . org; spf=pass", true },
	{ "space after a dot", "mx. example.org; spf=pass", true },
	{ "fold after a dot", "mx.\r\n\texample.org; spf=pass", true },
	{ "comments around the dots", "mx(x).(y)example (z) . org; spf=pass", true },
	{ "comments and quotes within", "m(\")x.\"exa(x)mple\".org; spf=pass", true },
	{ "comment with a pair within", "mx.(\\))example.org; spf=pass", true },
	{ "comment that SpamAssassin ends later", "mx.(\\()x)example.org; spf=pass", true },
	{ "comment that ends at the first parenthesis", "mx.(()example.org; spf=pass", true },
	{ "dots in front", "..mx.example.org; spf=pass", true },
	{ "two dots after", ID "..; spf=pass", true },
	{ "two dots within", "mx..example.org; spf=pass", true },
	{ "control within", "mx.\001example.org; spf=pass", true },
	{ "UTF-8 within that is a letter", "mx.ex\303\251ample.org; spf=pass", true },
	{ "ideographic full stops", "mx\343\200\202example\343\200\202org; spf=pass", true },
	{ "port", ID ":25; spf=pass", true },
	{ "id in a comment of another", "mx.example.net (" ID "); spf=pass", true },
	{ "id in a quoted string of another", "\"mx.example.net " ID "\"; spf=pass", true },
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
	{ "DEL after", ID "\177; spf=pass", true },
	{ "no-break space", "\302\240" ID "; spf=pass", true },
	{ "byte order mark", "\357\273\277" ID "; spf=pass", true },
	{ "zero width space within", "mx\342\200\213.example.org; spf=pass", true },
	{ "full width", "\357\275\215\357\275\230.example.org; spf=pass", true },
	{ "bad UTF-8", ID "\377; spf=pass", true },
	{ "encoded word", "=?utf-8?q?mx.example.org?=; spf=pass", true },
	{ "encoded word in base64", "=?utf-8?b?bXguZXhhbXBsZS5vcmc=?=; spf=pass", true },
	{ "encoded word for a part", "m=?utf-8?b?eC5leGFtcGxlLm9yZw==?=; spf=pass", true },

	{ "another", "mx.example.net; spf=pass", false },
	{ "another id, `ID` mentioned", "mx.example.net; spf=pass smtp.helo=" ID, false },
	{ "another id with comments, not mentioned", "foo.example.net (foobar) 1 (baz); dkim=pass", false },
	{ "below it", "a." ID "; spf=pass", false },
	{ "above it", "example.org; spf=pass", false },
	{ "longer", ID "a; spf=pass", false },
	{ "longer in front", "a" ID "; spf=pass", false },
	{ "longer by a label", ID ".net; spf=pass", false },
	{ "longer by a word", ID "-a; spf=pass", false },
	{ "longer by a word in front", "a-" ID "; spf=pass", false },
	{ "longer in front, quotes within", "a.mx.example.o\"\"rg; spf=pass", false },
	{ "longer at the end, quotes within", "mx.example.o\"\"rg.net; spf=pass", false },
	{ "longer, with a comment", ID ".net (x) 1; spf=pass", false },
	{ "longer in front, with a comment", "a" ID " (x); spf=pass", false },
	{ "labels cut otherwise", "m.x.example.org; spf=pass", false },
	{ "no dots", "mxexampleorg; spf=pass", false },
	{ "hyphens for dots", "mx-example-org; spf=pass", false },
	{ "another id with a comment and backslashes", "mx.example.net (x); dkim=fail reason=\"\\\"a\\\"\"", false },
	{ "another id, mentioned in a comment", "mx.example.net (x); spf=pass smtp.helo=" ID, false },
	{ "another id with UTF-8 in a comment", "mx.example.net (\303\274); spf=pass", false },
	{ "quoted other", "\"mx.example.net\"; spf=pass", false },
	{ "no id, no mention", "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=b.example; dkim=pass", false },
	{ "no id, longer names", "spf=pass smtp.mailfrom=a" ID "; dkim=pass header.d=" ID "a", false },
	{ "no id, but a mention", "spf=pass smtp.mailfrom=" ID "; dkim=pass", true },
	{ "another U-label", "b\303\274cher.example; spf=pass", false },
	{ "nothing", "", false },
	{ "nothing but a comment", "(x)", false },
	{ "version 1", "mx.example.net 1; spf=pass", false },
	{ "version 01", "mx.example.net 01; spf=pass", false },
	/* section 5: fields with unsupported versions are removed */
	{ "version 2", "mx.example.net 2; spf=pass", true },
	{ "version 2 with comments", "(x) mx.example.net (y) 2 (z); spf=pass", true },
	{ "version 2 of a quoted id", "\"mx.example.net\" 2; spf=pass", true },
	{ "version 0", "mx.example.net 0", true },
	{ "a long version", "mx.example.net 18446744073709551617; spf=pass", true },
	{ "a number that is not a version", "mx.example.net 2 x; spf=pass", false },
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

/* Ids that are not domain names. */
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
		{ .begin = ID "; spf=",
		    .text = "a",
		    .times = 900000,
		    .end = "",
		    .claims = true },
		{ .begin = "",
		    .text = " ",
		    .times = 900000,
		    .end = ID "; spf=pass",
		    .claims = true },
		{ .begin = "",
		    .text = "\r\n ",
		    .times = 300000,
		    .end = ID "; spf=pass",
		    .claims = true },
		{ .begin = "",
		    .text = "(x)",
		    .times = 300000,
		    .end = ID "; spf=pass",
		    .claims = true },
		{ .begin = "",
		    .text = "(",
		    .times = 900000,
		    .end = ID "; spf=pass",
		    .claims = true },
		{ .begin = "(",
		    .text = "()",
		    .times = 400000,
		    .end = ID "; spf=pass",
		    .claims = true },
		{ .begin = "(",
		    .text = "(x)",
		    .times = 300000,
		    .end = "; spf=pass" },
		{ .begin = "",
		    .text = "(x",
		    .times = 400000,
		    .end = "; spf=pass" },
		{ .begin = "\"",
		    .text = "x",
		    .times = 900000,
		    .end = "\"; spf=pass" },
		{ .begin = "\"",
		    .text = "x",
		    .times = 900000,
		    .end = "; " ID,
		    .claims = true },
		{ .begin = "",
		    .text = "x",
		    .times = 900000,
		    .end = "; spf=pass" },
		{ .begin = "",
		    .text = "x.",
		    .times = 450000,
		    .end = "; spf=pass" },
		{ .begin = "",
		    .text = "x(y) ",
		    .times = 150000,
		    .end = "; spf=pass" },
		{ .begin = "x y ",
		    .text = "mx.",
		    .times = 300000,
		    .end = "; spf=pass" },
		{ .begin = "",
		    .text = "\303\274",
		    .times = 450000,
		    .end = "; spf=pass",
		    .claims = true },
		{ .begin = "",
		    .text = "\303\274 ",
		    .times = 300000,
		    .end = "; spf=pass",
		    .claims = true },
		{ .begin = "x 1",
		    .text = "1",
		    .times = 900000,
		    .end = "; spf=pass",
		    .claims = true },
		{ .begin = "x (",
		    .text = "=",
		    .times = 900000,
		    .end = "; spf=pass" },
		{ .begin = "[",
		    .text = ";",
		    .times = 900000,
		    .end = ID,
		    .claims = true },
	};
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct span value = repeat(a, vectors[i].begin, vectors[i].text,
		    vectors[i].times, vectors[i].end);
		/* about 10 ms; quadratic time would exceed the runner's
		 * limit */
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(section_2_2_reads),
		cmocka_unit_test(section_2_2_truncated_and_out_of_memory),
		cmocka_unit_test(section_2_2_properties),
		cmocka_unit_test(section_2_5_id),
		cmocka_unit_test(section_5_claims),
		cmocka_unit_test(section_5_internationalised),
		cmocka_unit_test(section_2_5_other_ids),
		cmocka_unit_test(section_7_8_hostile_sizes),
	};

	return cmocka_run_group_tests_name("mail_authres", tests, NULL, NULL);
}
