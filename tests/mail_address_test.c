/*
 * Addresses by RFC 5322 sections 3.4 and 4.4 and RFC 6532, and the author's
 * domains by RFC 9989 sections 5.3.1 and 11.5.
 */
#include "mail/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/domain.h"
#include "mail/encoded.h"

enum { CAP = 8 << 20, SHOWN = 4096 };

/* ---- mail_address_next() ---- */

struct list_vector {
	const char *name;
	const char *text;
	const char *list; /* "local|domain" each, and "!" where it is bad */
};

static const struct list_vector lists[] = {
	/* RFC 5322 appendix A.1 */
	{ "A.1.1", "John Doe <jdoe@machine.example>", "jdoe|machine.example " },
	{ "A.1.2 Joe Q. Public",
	    "\"Joe Q. Public\" <john.q.public@example.com>",
	    "john.q.public|example.com " },
	{ "A.1.2 To",
	    "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	    "mary|x.test jdoe|example.org one|y.test " },
	{ "A.1.2 Cc",
	    "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" "
	    "<sysservices@example.net>",
	    "boss|nil.test sysservices|example.net " },
	{ "A.1.3 group",
	    "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	    "c|a.test joe|where.test jdoe|one.test " },
	{ "A.1.3 empty group", "Undisclosed recipients:;", "" },
	{ "A.5 white space and comments",
	    "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	    "pete|silly.test " },
	{ "A.5 group",
	    "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)"
	    "public.example>,\r\n         joe@example.org,\r\n  John "
	    "<jdoe@one.test> (my dear friend); (the end of the group)",
	    "c|public.example joe|example.org jdoe|one.test " },
	{ "A.5 hidden recipients",
	    "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
	    "" },
	{ "A.6.1 obsolete From", "Joe Q. Public <john.q.public@example.com>",
	    "john.q.public|example.com " },
	{ "A.6.1 obsolete To",
	    "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
	    "mary|example.net jdoe|test.example " },
	{ "A.6.3 obsolete white space",
	    "John Doe <jdoe@machine(comment).  example>",
	    "jdoe|machine.example " },

	/* section 3.4 */
	{ "3.4 alone", "a@b.example", "a|b.example " },
	{ "3.4 angle alone", "<a@b.example>", "a|b.example " },
	{ "3.4 no space before the angle", "Joe<a@b.example>", "a|b.example " },
	{ "3.4 two groups", "A: a@b.example; B: c@d.example;",
	    "a|b.example c|d.example " },
	{ "3.4 quoted group", "\"A:B\": a@b.example;", "a|b.example " },
	{ "3.4 group without its end", "A: a@b.example", "a|b.example " },
	{ "3.4 semicolon for comma", "a@b.example; c@d.example",
	    "a|b.example c|d.example " },
	{ "3.4 no name before the colon", ": a@b.example", "!" },
	{ "3.4 two addresses, no comma", "<a@b.example> <c@d.example>", "!" },
	{ "3.4 address as a name", "a@b.example <c@d.example>",
	    "a|b.example c|d.example " },
	{ "3.4 obsolete address as a name", "a@b. example <c@d.example>", "!" },
	{ "3.4 literal as a name", "a@[1.2.3.4] <c@d.example>",
	    "a|[1.2.3.4] c|d.example " },
	{ "3.4 words behind", "<a@b.example> Joe", "!" },
	{ "3.4 words behind, no angle", "a@b.example Joe", "!" },
	{ "3.4 words before, no angle", "Joe a@b.example", "!" },
	{ "3.4 comment behind", "a@b.example (Joe)", "a|b.example " },
	{ "3.4 unquoted comma", "Doe, Joe <a@b.example>", "!" },
	{ "3.4 unquoted at", "Joe @ Work <a@b.example>", "!" },
	{ "3.4 no address", "Joe", "!" },
	{ "3.4 no address behind one", "a@b.example, Joe", "a|b.example !" },
	{ "3.4 empty angle", "<>", "!" },
	{ "3.4 no closing angle", "Joe <a@b.example", "!" },
	{ "3.4 second closing angle", "<a@b.example>>", "!" },
	{ "3.4 no domain", "<a@>", "!" },
	{ "3.4 no at", "<a>", "!" },
	{ "3.4 no local part", "<@b.example>", "!" },
	{ "3.4 two ats", "a@b@c.example", "!" },
	{ "3.4 quote not closed", "\"Joe <a@b.example>", "!" },
	{ "3.4 comment not closed", "a@b.example (Joe", "!" },
	{ "3.4 control", "a\001@b.example", "!" },
	{ "3.4 encoded word", "=?utf-8?q?a=40b?= <c@d.example>",
	    "c|d.example " },
	{ "3.4 address in the name", "\"a@b.example\" <c@d.example>",
	    "c|d.example " },
	{ "3.4 angle in the name",
	    "\"A \\\" <a@b.example> \\\" B\" <c@d.example>", "c|d.example " },
	{ "3.4 address in a comment", "(a@b.example) c@d.example",
	    "c|d.example " },
	{ "3.4 nothing", "", "" },
	{ "3.4 white space", " \r\n\t ", "" },

	/* section 3.4.1 */
	{ "3.4.1 quoted local part", "\"a@x.example\"@b.example",
	    "\"a@x.example\"|b.example " },
	{ "3.4.1 quote and angle in it", "<\"a\\\"> <c@x.example\"@b.example>",
	    "\"a\\\"> <c@x.example\"|b.example " },
	{ "3.4.1 empty quoted local part", "\"\"@b.example",
	    "\"\"|b.example " },
	{ "3.4.1 CFWS around the at", "a (x) @ (y)\r\n b.example (z)",
	    "a|b.example " },
	{ "3.4.1 dots in a row", "a..b.@c.example", "a..b.|c.example " },
	{ "3.4.1 dot at the end", "a@b.example.", "a|b.example. " },
	{ "3.4.1 literal", "a@[192.0.2.1]", "a|[192.0.2.1] " },
	{ "3.4.1 IPv6 literal", "<a@[IPv6:2001:db8::1]>",
	    "a|[IPv6:2001:db8::1] " },
	{ "3.4.1 literal with pairs", "a@[x\\]y]", "a|[x\\]y] " },
	{ "3.4.1 literal not closed", "a@[192.0.2.1", "!" },
	{ "3.4.1 literal in a literal", "a@[[192.0.2.1]]", "!" },
	{ "3.4.1 text behind a literal", "a@[192.0.2.1]b.example", "!" },
	{ "6532 3.2", "\320\237 <\320\277@b\303\274cher.example>",
	    "\320\277|b\303\274cher.example " },

	/* section 4.4 */
	{ "4.4 local part in pieces", "\"a b\" . c . \"d\"@e.example",
	    "\"a b\" . c . \"d\"|e.example " },
	{ "4.4 two words are no local part", "\"a\" b@e.example", "!" },
	{ "4.4 two words are no local part", "\"a\"b@e.example", "!" },
	{ "4.4 two words are no local part", "a \"b\"@e.example", "!" },
	{ "4.4 domain in pieces", "a@(x)b(y).(z) c\r\n .d(w)", "a|b.c.d " },
	{ "4.4 route", "<@a.example,@b.example:c@d.example>", "c|d.example " },
	{ "4.4 route with nulls",
	    "<,, @a.example , , @b.example (x):c@d.example>", "c|d.example " },
	{ "4.4 route without colon", "<@a.example c@d.example>", "!" },
	{ "4.4 route alone", "<@a.example:>", "!" },
	{ "4.4 nulls", ",, ,a@b.example,, ; c@d.example,,",
	    "a|b.example c|d.example " },
	{ "4.4 only nulls", ",,;,", "" },
	{ "4.4 dots in a phrase", "J. R. . Doe <a@b.example>", "a|b.example " },
};

static const char *
show_list(struct arena *a, struct span text, char shown[SHOWN])
{
	struct buf b = buf_over(shown, SHOWN);
	struct scan s = scan_of(text);
	struct mail_address address;
	enum mail_address_step step;

	while ((step = mail_address_next(&s, a, &address)) == ADDRESS_ONE) {
		buf_span(&b, address.local);
		buf_byte(&b, '|');
		buf_span(&b, address.domain);
		buf_byte(&b, ' ');
	}
	if (step == ADDRESS_BAD)
		buf_byte(&b, '!');
	return shown;
}

static void
section_3_4_lists(void **state)
{
	struct arena *a = arena_new(CAP);
	char shown[SHOWN];

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct list_vector *v = &lists[i];

		show_list(a, span_str(v->text), shown);
		if (strcmp(shown, v->list) != 0)
			fail_msg("%s: got \"%s\", want \"%s\"", v->name, shown,
			    v->list);
	}
	arena_free(a);
}

/* Cut at every byte, and with no room at every allocation: it ends. */
static void
section_3_4_cut_and_starved(void **state)
{
	struct arena *a = arena_new(CAP);
	char shown[SHOWN];

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct span text = span_str(lists[i].text);

		for (size_t n = 0; n < text.n; n++) {
			show_list(a, arena_copy(a, span_first(text, n)), shown);
			arena_rewind(a);
		}
		for (unsigned long nth = 1; nth < 4; nth++) {
			arena_fail_at(a, nth);
			show_list(a, text, shown);
			if (arena_has_failed(a))
				assert_int_equal(shown[strlen(shown) - 1], '!');
			arena_fail_at(a, 0);
			arena_rewind(a);
		}
	}
	arena_free(a);
}

/* ---- mail_from_read() ---- */

struct from_vector {
	const char *name;
	const char *header;
	enum mail_from_state state;
	const char *domains; /* with a space behind each */
};

/* clang-format off */
static const struct from_vector froms[] = {
	{ "one", "From: Joe <a@b.example>\n", MAIL_FROM_VALID, "b.example " },
	{ "case and final dot", "From: a@B.Example.\n", MAIL_FROM_VALID, "b.example " },
	{ "none", "To: a@b.example\n", MAIL_FROM_INVALID, "" },
	{ "other fields", "From-X: a@b.example\nXFrom: a@b.example\n", MAIL_FROM_INVALID, "" },
	{ "two fields", "From: a@b.example\nFrom: c@d.example\n", MAIL_FROM_INVALID, "b.example d.example " },
	{ "two fields, the second is obsolete", "From: a@b.example\nfrom \t: c@d.example\n", MAIL_FROM_INVALID, "b.example d.example " },
	{ "two fields, one is bad", "From: a@b.example\nFrom: Joe c@d.example\n", MAIL_FROM_INVALID, "b.example d.example " },
	{ "two fields, the same", "From: a@b.example\nFrom: a@b.example\n", MAIL_FROM_INVALID, "b.example " },
	{ "two domains", "From: a@b.example, c@d.example\n", MAIL_FROM_VALID, "b.example d.example " },
	{ "one domain in two cases", "From: a@b.example, c@B.EXAMPLE.\n", MAIL_FROM_VALID, "b.example " },
	{ "U-label and A-label", "From: a@b\303\274cher.example, c@xn--bcher-kva.example\n", MAIL_FROM_VALID, "xn--bcher-kva.example " },
	{ "group", "From: Team: a@b.example, c@d.example;\n", MAIL_FROM_VALID, "b.example d.example " },
	{ "empty group", "From: undisclosed-sender:;\n", MAIL_FROM_INVALID, "" },
	{ "nothing in it", "From:\n", MAIL_FROM_INVALID, "" },
	{ "comment only", "From: (a@b.example)\n", MAIL_FROM_INVALID, "" },
	{ "folded", "From: Joe\n <a@\n b.example>\n", MAIL_FROM_VALID, "b.example " },
	{ "one label", "From: a@localhost\n", MAIL_FROM_VALID, "localhost " },

	/* a domain that is none */
	{ "literal", "From: a@[192.0.2.1]\n", MAIL_FROM_INVALID, "" },
	{ "literal and a domain", "From: a@[192.0.2.1], c@d.example\n", MAIL_FROM_INVALID, "d.example " },
	{ "a name in a literal", "From: a@[b.example]\n", MAIL_FROM_INVALID, "b.example " },
	{ "an address bare", "From: a@192.0.2.1\n", MAIL_FROM_INVALID, "" },
	{ "two dots", "From: a@b..example\n", MAIL_FROM_INVALID, "" },
	{ "two dots at the end", "From: a@b.example..\n", MAIL_FROM_INVALID, "b.example " },
	{ "no letters", "From: a@b.example?\n", MAIL_FROM_INVALID, "b.example " },
	{ "hyphen at an end", "From: a@-b.example\n", MAIL_FROM_INVALID, "b.example " },
	{ "bad UTF-8", "From: a@b\377.example\n", MAIL_FROM_INVALID, "" },
	{ "a long label", "From: a@1234567890123456789012345678901234567890123456789012345678901234.example\n", MAIL_FROM_INVALID, "" },

	/* section 11.5: what readers see differently is judged by all of it */
	{ "not closed", "From: Joe <a@b.example\n", MAIL_FROM_SLOPPY, "b.example " },
	{ "unquoted comma", "From: Doe, Joe <a@b.example>\n", MAIL_FROM_SLOPPY, "b.example " },
	{ "unquoted at", "From: Joe @ Work <a@b.example>\n", MAIL_FROM_SLOPPY, "b.example " },
	{ "two angles", "From: <a@b.example> <c@d.example>\n", MAIL_FROM_INVALID, "b.example d.example " },
	{ "two angles joined", "From: <a@b.example><c@d.example>\n", MAIL_FROM_INVALID, "b.example d.example " },
	{ "address for a name", "From: a@b.example <c@d.example>\n", MAIL_FROM_VALID, "b.example d.example " },
	{ "address behind an angle", "From: <a@b.example>c@d.example\n", MAIL_FROM_INVALID, "b.example d.example " },
	{ "second at", "From: a@b.example@d.example\n", MAIL_FROM_INVALID, "b.example d.example " },
	{ "comment not closed hides one", "From: a@b.example (<c@d.example>\n", MAIL_FROM_INVALID, "b.example d.example " },
	{ "quote not closed hides one", "From: \"x <a@b.example>, c@d.example\n", MAIL_FROM_INVALID, "b.example d.example " },
	{ "escaped quote", "From: \"a\\\" <a@b.example>, \"b\" <c@d.example>\n", MAIL_FROM_INVALID, "b.example d.example " },
	{ "CFWS around the hidden at", "From: a @ (x)b(y).example, \"\n", MAIL_FROM_SLOPPY, "b.example " },
	{ "obsolete domain behind junk", "From: ] c @ (x) b (y) . example\n", MAIL_FROM_SLOPPY, "b.example " },
	{ "literal behind junk", "From: ] <a@[b.example]>\n", MAIL_FROM_SLOPPY, "b.example " },
	{ "U-label behind junk", "From: ] a@b\303\274cher.example\n", MAIL_FROM_SLOPPY, "xn--bcher-kva.example " },
	{ "names in a group that is none", "From: a@b.example: c@d.example;\n", MAIL_FROM_INVALID, "b.example d.example " },
	{ "encoded word for an address", "From: =?utf-8?q?a=40b=2Eexample?=\n", MAIL_FROM_SLOPPY, "b.example " },
	{ "encoded word in base64", "From: =?UTF-8?B?PGFAYi5leGFtcGxlPg==?=, <c@d.example>\n", MAIL_FROM_INVALID, "d.example b.example " },
	{ "encoded words joined", "From: =?utf-8?q?a=40b.ex?= \n =?utf-8?q?ample?=\n", MAIL_FROM_SLOPPY, "b.example " },
	{ "encoded word that is only a name", "From: =?utf-8?q?a=40b.example?= <c@d.example>\n", MAIL_FROM_VALID, "d.example " },
	{ "bare CR", "From: a@b.example\rFrom: c@d.example\n", MAIL_FROM_INVALID, "b.example d.example " },
	{ "bare CR and a space", "From: \"x\r <a@b.example>\" <c@d.example>\n", MAIL_FROM_INVALID, "d.example b.example " },
	{ "hyphens around", "From: ] <a@-b.example->\n", MAIL_FROM_SLOPPY, "b.example " },
	{ "bare CR in a quoted string", "From: \"x\r<a@b.example>\" <c@d.example>\n", MAIL_FROM_INVALID, "d.example b.example " },
	{ "no address", "From: Joe\n", MAIL_FROM_INVALID, "" },
	{ "lone at", "From: @\n", MAIL_FROM_INVALID, "" },
};
/* clang-format on */

static const char *
show_domains(const struct mail_from *from, char shown[SHOWN])
{
	struct buf b = buf_over(shown, SHOWN);

	for (size_t i = 0; i < from->n_domains; i++) {
		buf_span(&b, from->domains[i]);
		buf_byte(&b, ' ');
	}
	return shown;
}

/* "d.example b.example " and "b.example d.example " are the same. */
static bool
same_domains(const struct mail_from *from, const char *want)
{
	struct scan s = scan_of(span_str(want));
	size_t n = 0;

	for (; !scan_done(&s); n++) {
		struct span name = scan_until(&s, ' ');
		bool found = false;

		scan_byte(&s, ' ');
		for (size_t i = 0; i < from->n_domains; i++)
			found = found || span_equal(from->domains[i], name);
		if (!found)
			return false;
	}
	return n == from->n_domains;
}

static void
section_5_3_1_author_domains(void **state)
{
	struct arena *a = arena_new(CAP);
	char shown[SHOWN];

	(void)state;
	for (size_t i = 0; i < sizeof(froms) / sizeof(froms[0]); i++) {
		const struct from_vector *v = &froms[i];
		struct mail_header h = { 0 };
		struct mail_from from;

		mail_header_read(&h, a, span_str(v->header));
		mail_from_read(&h, a, &from);
		show_domains(&from, shown);
		if (from.state != v->state)
			fail_msg("%s: is %s, want %s", v->name,
			    mail_from_state_name(from.state),
			    mail_from_state_name(v->state));
		if (!same_domains(&from, v->domains))
			fail_msg("%s: got \"%s\", want \"%s\"", v->name, shown,
			    v->domains);
		if ((from.reason != NULL) != (v->state == MAIL_FROM_INVALID))
			fail_msg("%s: %s", v->name, from.reason);
		arena_rewind(a);
	}
	arena_free(a);
}

/* libmilter cuts a field at a NUL; the command sees what stands behind it. */
static void
section_2_2_nul(void **state)
{
	struct arena *a = arena_new(CAP);
	struct mail_header h = { 0 };
	struct mail_from from;

	(void)state;
	mail_header_add(
	    &h, a, SPAN("From"), SPAN("\"x@b.example\0\" <c@d.example>"));
	mail_from_read(&h, a, &from);
	assert_int_equal(from.state, MAIL_FROM_INVALID);
	assert_true(same_domains(&from, "b.example d.example "));
	arena_free(a);
}

static void
section_5_3_1_starved(void **state)
{
	struct arena *a = arena_new(CAP), *header = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < sizeof(froms) / sizeof(froms[0]); i++) {
		struct mail_header h = { 0 };
		struct mail_from from;
		bool failed = true;

		mail_header_read(&h, header, span_str(froms[i].header));
		for (unsigned long nth = 1; failed; nth++) {
			arena_rewind(a);
			arena_fail_at(a, nth);
			mail_from_read(&h, a, &from);
			failed = arena_has_failed(a);
			if (failed)
				assert_int_equal(from.state, MAIL_FROM_INVALID);
			arena_fail_at(a, 0);
		}
		assert_true(same_domains(&from, froms[i].domains));
		arena_rewind(header);
	}
	arena_free(a);
	arena_free(header);
}

static void
first_address(void **state)
{
	static const char *const vectors[][2] = {
		{ "From: Joe <a@B.example>, c@d.example\n", "a@B.example" },
		{ "From: \"x y\"@ b . example\n", "\"x y\"@b.example" },
		{ "From: a@[192.0.2.1]\n", "a@[192.0.2.1]" },
	};
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct mail_header h = { 0 };
		struct mail_from from;

		mail_header_read(&h, a, span_str(vectors[i][0]));
		mail_from_read(&h, a, &from);
		assert_true(span_is(from.first, vectors[i][1]));
	}
	arena_free(a);
}

/* ---- hostile sizes ---- */

static struct span
repeat(struct arena *a, const char *begin, const char *text, size_t times,
    const char *end)
{
	size_t n = strlen(begin) + strlen(text) * times + strlen(end);
	struct buf b = buf_in(a, n + 1);

	buf_text(&b, begin);
	for (size_t i = 0; i < times; i++)
		buf_text(&b, text);
	buf_text(&b, end);
	assert_false(b.full);
	return buf_done(&b);
}

struct large_vector {
	const char *name;
	const char *begin;
	const char *text;
	size_t times;
	const char *end;
	enum mail_from_state state;
	size_t n_domains;
};

/* clang-format off */
static const struct large_vector larges[] = {
	{ "10,000 addresses", "", "a@b.example,", 10000, "", MAIL_FROM_VALID, 1 },
	{ "10,001 addresses", "", "a@b.example,", 10001, "", MAIL_FROM_INVALID, 1 },
	{ "10,000 U-labels", "", "a@b\303\274cher.example,", 10000, "", MAIL_FROM_VALID, 1 },
	{ "10,000 bad addresses", "", "<a@b.example", 10000, "", MAIL_FROM_SLOPPY, 1 },
	{ "80,000 ats", "] ", "a@b.example", 80000, "", MAIL_FROM_INVALID, 1 },
	{ "200 labels", "a@", "a.", 200, "example", MAIL_FROM_INVALID, 0 },
	{ "120 labels", "a@", "a.", 120, "example", MAIL_FROM_VALID, 1 },
	{ "64 KB in a name", "\"", "0123456789abcdef", 4096, "\" <a@b.example>", MAIL_FROM_VALID, 1 },
	{ "64 KB in a local part", "", "0123456789abcdef", 4096, "@b.example", MAIL_FROM_VALID, 1 },
	{ "1 MB in a domain", "a@", "0123456789abcde.", 65000, "example", MAIL_FROM_INVALID, 0 },
	{ "1 MB of U-labels", "a@", "\303\274.", 330000, "example", MAIL_FROM_INVALID, 0 },
	{ "dots with white space", "a@b", " .c", 1300, "", MAIL_FROM_INVALID, 0 },
	{ "many dots with white space", "a@b", " .c", 300000, "", MAIL_FROM_INVALID, 0 },
	{ "comments not closed", "a@b.example ", "(", 100000, "", MAIL_FROM_SLOPPY, 1 },
	{ "ats in comments not closed", "", "a@b.example(", 80000, "", MAIL_FROM_INVALID, 1 },
	{ "ats before comments not closed", "", "@(", 400000, "", MAIL_FROM_INVALID, 0 },
	{ "quotes not closed", "", "\"", 100001, "", MAIL_FROM_INVALID, 0 },
	{ "backslashes", "\"", "\\", 900001, "", MAIL_FROM_INVALID, 0 },
	{ "angles", "", "<", 900000, "", MAIL_FROM_INVALID, 0 },
	{ "routes", "<", "@a,", 300000, ":a@b.example>", MAIL_FROM_VALID, 1 },
	{ "literals", "a@", "[", 900000, "", MAIL_FROM_INVALID, 0 },
	{ "groups", "", "a:", 400000, "a@b.example", MAIL_FROM_VALID, 1 },
	{ "nulls", "", ",", 900000, "a@b.example", MAIL_FROM_VALID, 1 },
	{ "words", "", "a ", 400000, "<a@b.example>", MAIL_FROM_VALID, 1 },
	{ "encoded words", "", "=?x?q?=40?=", 80000, "", MAIL_FROM_INVALID, 0 },
	{ "half encoded words", "", "=?x?b?", 150000, "", MAIL_FROM_INVALID, 0 },
	{ "encoded words in base64", "", "=?x?b?YUBi?= ", 60000, "", MAIL_FROM_INVALID, 0 },
};
/* clang-format on */

static void
hostile_sizes_take_linear_time(void **state)
{
	/* Some 10 ms each; squared time would meet the runner's limit. */
	struct arena *text = arena_new(CAP), *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < sizeof(larges) / sizeof(larges[0]); i++) {
		const struct large_vector *v = &larges[i];
		struct mail_header h = { 0 };
		struct mail_from from;
		struct span value =
		    repeat(text, v->begin, v->text, v->times, v->end);

		assert_true(mail_header_add(&h, text, SPAN("From"), value));
		mail_from_read(&h, a, &from);
		if (from.state != v->state || from.n_domains != v->n_domains ||
		    arena_has_failed(a))
			fail_msg("%s: %s, %zu domains, failed %d", v->name,
			    mail_from_state_name(from.state), from.n_domains,
			    arena_has_failed(a));
		arena_rewind(a);
		arena_rewind(text);
	}
	arena_free(text);
	arena_free(a);
}

static void
comments_at_the_depth_limit(void **state)
{
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t depth = 64; depth <= 65; depth++) {
		struct mail_header h = { 0 };
		struct mail_from from;
		struct span open = repeat(a, "", "(", depth, "");
		struct span all = repeat(a, open.p, ")", depth, " a@b.example");

		assert_true(mail_header_add(&h, a, SPAN("From"), all));
		mail_from_read(&h, a, &from);
		assert_int_equal(from.state,
		    depth == 64 ? MAIL_FROM_VALID : MAIL_FROM_SLOPPY);
		assert_int_equal(from.n_domains, 1);
	}
	arena_free(a);
}

static void
limit_of_domains(void **state)
{
	struct arena *a = arena_new(CAP);
	struct buf b = buf_in(a, 4096);

	(void)state;
	for (unsigned i = 0; i <= MAIL_AUTHORS_MAX; i++) {
		struct mail_header h = { 0 };
		struct mail_from from;

		buf_printf(&b, "a@b%u.example,", i);
		assert_true(mail_header_add(&h, a, SPAN("From"), buf_done(&b)));
		mail_from_read(&h, a, &from);
		assert_int_equal(from.state,
		    i < MAIL_AUTHORS_MAX ? MAIL_FROM_VALID : MAIL_FROM_INVALID);
		assert_int_equal(
		    from.n_domains, i < MAIL_AUTHORS_MAX ? i + 1 : i);
	}
	arena_free(a);
}

/* ---- encoded words, envelope, lists ---- */

static void
rfc_2047_encoded_words(void **state)
{
	static const char *const vectors[][2] = {
		{ "=?utf-8?q?a=40b?=", "a@b" },
		{ "=?utf-8?Q?a_b=3d=3D?=", "a b==" },
		{ "=?x?q?a=4?=", "a=4" },
		{ "=?x?q?a=zz?=", "a=zz" },
		{ "=?iso-8859-1?B?YUBi?=", "a@b" },
		{ "=?x?b?Y?=", "Y" }, /* no base64 */
		{ "x =?u?q?a?= y", "x a y" },
		{ "=?u?q?a?= \r\n =?u?q?b?=", "ab" },
		{ "=?u?q?a?= b =?u?q?c?=", "a b c" },
		{ "=?u?q?a?==?u?q?b?=", "ab" },
		{ "=?u?q?a?= =?u?q?", "a =?u?q?" },
		{ "=?u?q?a?= ", "a " },
		{ "=?utf-8?x?a?=", NULL },
		{ "=??q?a?=", NULL },
		{ "=?utf-8?q?a", NULL },
		{ "=?utf-8?q?a?", NULL },
		{ "=?", NULL },
		{ "plain", NULL },
		{ "", NULL },
	};
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct span got =
		    mail_encoded_words(a, span_str(vectors[i][0]));

		if (got.p == NULL
			? vectors[i][1] != NULL
			: vectors[i][1] == NULL || !span_is(got, vectors[i][1]))
			fail_msg("%s: %.*s", vectors[i][0], SPAN_FMT(got));
	}
	arena_fail_at(a, 1);
	assert_null(mail_encoded_words(a, SPAN("=?u?q?a?=")).p);
	arena_free(a);
}

static void
rfc_5321_4_1_2_envelope(void **state)
{
	static const char *const vectors[][3] = {
		{ "<a@b.example>", "b.example", "a" },
		{ "a@b.example", "b.example", "a" },
		{ " <a@b.example> ", "b.example", "a" },
		{ "<\"a@x\"@b.example>", "b.example", "\"a@x\"" },
		{ "<@r.example,@s.example:a@b.example>", "b.example", "a" },
		{ "<a@[192.0.2.1]>", "[192.0.2.1]", "a" },
		{ "<a@b.example", "b.example", "a" },
		{ "<a>", NULL, "a" },
		{ "<a@>", NULL, "a" },
		{ "<@b.example>", "b.example", "" },
		{ "<>", NULL, "" },
		{ "", NULL, "" },
		{ "<", NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct span local;
		struct span domain =
		    mail_envelope_domain(span_str(vectors[i][0]), &local);

		if (!span_equal(domain, span_str(vectors[i][1])) ||
		    (domain.p == NULL) != (vectors[i][1] == NULL) ||
		    !span_is(local, vectors[i][2]))
			fail_msg("%s", vectors[i][0]);
		assert_true(span_equal(domain,
		    mail_envelope_domain(span_str(vectors[i][0]), NULL)));
	}
	assert_null(mail_envelope_domain(SPAN_NONE, NULL).p);
}

static void
rfc_2919_3_list_id(void **state)
{
	static const char *const vectors[][2] = {
		{ " List Header Mailing List <list-header.nisto.com>",
		    "list-header.nisto.com" },
		{ "<commonspace-users.list-id.within.com>",
		    "commonspace-users.list-id.within.com" },
		{ " \"Lena's <Personal> Joke List\" <lenas-jokes.example>",
		    "lenas-jokes.example" },
		{ " a: b, c <d.example>", "d.example" },
		{ " a <b> c <d.example>", "b" },
		{ " < d.example\r\n >", "d.example" },
		{ " d.example", NULL },
		{ " <d.example", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct span id = mail_list_id(span_str(vectors[i][0]));

		if (!span_equal(id, span_str(vectors[i][1])) ||
		    (id.p == NULL) != (vectors[i][1] == NULL))
			fail_msg("%s: %.*s", vectors[i][0], SPAN_FMT(id));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(section_3_4_lists),
		cmocka_unit_test(section_3_4_cut_and_starved),
		cmocka_unit_test(section_5_3_1_author_domains),
		cmocka_unit_test(section_2_2_nul),
		cmocka_unit_test(section_5_3_1_starved),
		cmocka_unit_test(first_address),
		cmocka_unit_test(hostile_sizes_take_linear_time),
		cmocka_unit_test(comments_at_the_depth_limit),
		cmocka_unit_test(limit_of_domains),
		cmocka_unit_test(rfc_2047_encoded_words),
		cmocka_unit_test(rfc_5321_4_1_2_envelope),
		cmocka_unit_test(rfc_2919_3_list_id),
	};

	return cmocka_run_group_tests_name("mail_address", tests, NULL, NULL);
}
