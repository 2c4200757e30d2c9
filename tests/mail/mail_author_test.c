/* mail_author_test.c - the author domains: the rule in mail/author.c (RFC 5322
 * sections 3.4, 3.6 and 4.4; RFC 9989 sections 4.2, 5.3.1 and 11.5). */
#include "mail/author.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/mail_text.h"

#include "lib/buf.h"
#include "lib/enum_names.h"

enum { CAP = 8 << 20, SHOWN = 4096 };

#define VALID MAIL_FROM_VALID
#define SLOPPY MAIL_FROM_SLOPPY

#define NOT_VALID "the From field is not valid"
#define SEVERAL NOT_VALID " and names several domains"
#define NO_ADDRESS "the From field names no address"
#define BAD_DOMAIN "an author's domain is not valid"
#define UNREADABLE "the From field has an encoded word that cannot be read"

struct good_vector {
	const char *value;
	enum mail_from_state state;
	const char *domains; /* such as "b.example +c.example", where "+" marks
	                        a possible author */
};

struct bad_vector { /* expected to be INVALID */
	const char *value;
	const char *domains;
	const char *reason;
	bool nameless;
};

static void
check_author_value(struct arena *a, const struct good_vector *want,
    const char *reason, bool nameless)
{
	struct mail_from from;
	char shown[SHOWN];

	mail_author_read(a, span_str(want->value), &from);
	mail_author_show(&from, shown);
	if (from.state != want->state || from.nameless != nameless ||
	    strcmp(shown, want->domains) != 0)
		fail_msg("%s: %s \"%s\" nameless %d", want->value,
		    mail_from_state_name(from.state), shown, from.nameless);
	if ((reason == NULL) != (from.reason == NULL) ||
	    (reason != NULL && strcmp(from.reason, reason) != 0))
		fail_msg("%s: %s", want->value,
		    from.reason != NULL ? from.reason : "no reason");
}

/* Checks that, with each allocation failing in turn, the state is INVALID
 * because memory ran out. */
static void
check_starved(struct arena *text, struct arena *a, struct span value)
{
	struct mail_header h = { 0 };
	struct mail_from from;
	bool failed = true;

	assert_true(mail_header_add(&h, text, SPAN("From"), value));
	for (unsigned long nth = 1; failed; nth++) {
		arena_rewind(a);
		arena_fail_at(a, nth);
		mail_from_read(&h, a, &from);
		failed = arena_has_failed(a);
		arena_fail_at(a, 0);
		if (failed) {
			assert_int_equal(from.state, MAIL_FROM_INVALID);
			assert_string_equal(from.reason, "out of memory");
		}
	}
}

static void
check_one(const struct good_vector *want, const char *reason, bool nameless)
{
	struct arena *a = arena_new(CAP), *text = arena_new(CAP);

	check_author_value(a, want, reason, nameless);
	check_starved(text, a, span_str(want->value));
	arena_free(a);
	arena_free(text);
}

static void
check_good(const struct good_vector *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_one(&table[i], NULL, false);
}

static void
check_bad(const struct bad_vector *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_one(&(struct good_vector){ table[i].value,
			      MAIL_FROM_INVALID, table[i].domains },
		    table[i].reason, table[i].nameless);
}

/* ---- rule 1 ---- */

/* clang-format off */
static void
rule_1_valid_by_rfc_5322(void **state)
{
	static const struct good_vector good[] = {
		/* section 3.4 */
		{ " Joe <a@b.example>", VALID, "b.example" },
		{ "a@B.Example", VALID, "b.example" },
		{ "a@b.example, c@B.EXAMPLE", VALID, "b.example" },
		{ "a@b.example, c@d.example", VALID, "b.example d.example" },
		{ "Team: a@b.example, c@d.example;", VALID, "b.example d.example" },
		{ "bank: a@b.example; , c@d.example", VALID, "b.example d.example" },
		{ "\"c@d.example\" <a@b.example>", VALID, "b.example" },
		{ "\"<c@d.example>\" <a@b.example>", VALID, "b.example" },
		{ "\"\\\" <c@d.example>, \" <a@b.example>", VALID, "b.example" },
		{ "(c@d.example) a@b.example", VALID, "b.example" },
		{ "a@b.example (c@d.example)", VALID, "b.example" },
		{ "a@b.example (\\) c@d.example (nested) )", VALID, "b.example" },
		/* section 3.4.1: a quoted local part is displayed too */
		{ "\"joe doe\"@b.example", VALID, "b.example" },
		{ "\"c@d.example\"@b.example", VALID, "b.example +d.example" },
		{ "\"x <c@d.example>\" . y@b.example", VALID, "b.example +d.example +d.example.y" },
		{ "joe%x@b.example", VALID, "b.example" },
		{ "joe%d.example@b.example", VALID, "b.example" },
		{ "d.example!joe@b.example", VALID, "b.example" },
		{ "Save 100% now <a@b.example>", VALID, "b.example" },
		{ "Yahoo!Mail Team <a@b.example>", VALID, "b.example" },
		{ "Wow!Shop.example <a@b.example>", VALID, "b.example" },
		/* section 4.4, and the example of appendix A.5 */
		{ "J. R. Doe <a@b.example>", VALID, "b.example" },
		{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", VALID, "silly.test" },
		{ "a@test  . example", VALID, "test.example" },
		{ "a @ b.example", VALID, "b.example" },
		{ "c@(Chris's host.)public.example", VALID, "public.example" },
		{ "<@c.example,@d.example:a@b.example>", VALID, "b.example" },
		{ ", ,a@b.example, ,", VALID, "b.example" },
		/* Japanese mobile carriers have assigned such local parts */
		{ "a..b.@b.example", VALID, "b.example" },
		{ "\"c@d.example\" <a..b.@b.example>", VALID, "b.example" },
		/* section 2.2.3 */
		{ "Joe\r\n <a@\r\n b.example>", VALID, "b.example" },
		/* RFC 6532, and display names in other charsets */
		{ "J\303\266rg <j\303\266rg@b\303\274cher.example>", VALID, "xn--bcher-kva.example" },
		{ "J\366rg <a@b.example>", VALID, "b.example" },
		{ "a@b\303\274cher.example, c@xn--bcher-kva.example", VALID, "xn--bcher-kva.example" },
		/* names without a dot */
		{ "a@localhost", VALID, "localhost" },
		{ "Sales @ Acme, Inc. <a@b.example>", VALID, "b.example +acme" },
	};
	static const struct bad_vector bad[] = {
		{ "undisclosed:;", "", NO_ADDRESS, true },
		{ "", "", NO_ADDRESS, true },
		{ "(a@b.example)", "", NO_ADDRESS, true },
	};

	(void)state;
	check_good(good, ARRAY_SIZE(good));
	check_bad(bad, ARRAY_SIZE(bad));
}

static void
rule_1_what_other_programs_find_in_a_valid_field(void **state)
{
	static const struct good_vector good[] = {
		/* programs that decode before they parse */
		{ "=?utf-8?q?c=40d.example=2C?= <a@b.example>", VALID, "b.example +d.example" },
		{ "=?UTF-8?B?PGNAZC5leGFtcGxlPg==?= <a@b.example>", VALID, "b.example +d.example" },
		{ "=?utf-8?q?c=40d.ex?=\r\n =?utf-8?q?ample=2C?= <a@b.example>", VALID, "b.example +d.example" },
		{ "=?utf-8?q?c=40?=d.example <a@b.example>", VALID, "b.example +d.example" },
		{ "=?utf-8?q?c=40d?=.example <a@b.example>", VALID, "b.example +d.example" },
		{ "=?utf-8?q?c=40d.ex=C2=ADample=2C?= <a@b.example>", VALID, "b.example +d.ex +d.example" },
		{ "=?utf-8?q?c=40?d.example=2C?= <a@b.example>", VALID, "b.example +d.example" },
		{ "=?utf-8?q?c=40=0D=0Ad.example=2C?= <a@b.example>", VALID, "b.example +d.example" },
		{ "=?utf-8?q?c=40d=20e.example=2C?= <a@b.example>", VALID, "b.example +de.example" },
		{ "<=?utf-8?q?c=40d=2Eexample=3E?=@b.example>", VALID, "b.example +d.example" },
		{ "=?utf-8?q?=3D=3Futf-8=3Fq=3Fc=3D40d.example=3F=3D?= <a@b.example>", VALID, "b.example +d.example" },
		{ "=?utf-8?q?joe=40b.example?= <a@b.example>", VALID, "b.example" },
		{ "=?utf-8?q?News_=40_Acme?= <a@b.example>", VALID, "b.example" },
		{ "=?utf-8?q?Doe=2C_Joe?= <a@b.example>", VALID, "b.example" },
		/* programs that find other encoded words */
		{ "=?utf-8?q?=?utf-8?q?=2C_c=40d.example=2C?= <a@b.example>", VALID, "b.example +d.example" },
		{ "\"=?utf-8?q?=?utf-8?q?=22_c=40d.example=2C?=\" <a@b.example>", VALID, "b.example +d.example" },
		/* encoded words that move text out of quotes and comments */
		{ "\"=?utf-8?q?c=40d.example?=\" <a@b.example>", VALID, "b.example" },
		{ "(=?utf-8?q?c=40d.example?=) a@b.example", VALID, "b.example" },
		{ "\"=?utf-8?q?=22_c=40d.example=2C?=\" <a@b.example>", VALID, "b.example +d.example" },
		{ "(=?utf-8?q?=29_c=40d.example=2C?=) a@b.example", VALID, "b.example +d.example" },
		{ "\"=?utf-8?q?\" c=40d.example?= <a@b.example>", VALID, "b.example +d.example" },
		{ "\"=?utf-8?q?=0D=0A_c=40d.example?=\" <a@b.example>", VALID, "b.example +d.example" },
		/* unexpected bytes where the domain should begin */
		{ "=?utf-8?q?admin=40..=3Db.example?= <x@a.example>", VALID, "a.example +b.example" },
		{ "=?utf-8?q?admin=40=E2=80=AE!b.example?= <x@a.example>", VALID, "a.example +b.example" },
		/* programs that normalize Unicode */
		{ "c\357\274\240d.example <a@b.example>", VALID, "b.example +d.example" },
		{ "c\357\271\253d.example <a@b.example>", VALID, "b.example +d.example" },
		{ "=?shift_jis?b?Y4GXZC5leGFtcGxl?= <a@b.example>", VALID, "b.example +d.example" },
		{ "=?iso-2022-jp?q?c=1B$B!w=1B=28Bd.example?= <a@b.example>", VALID, "b.example +d.example" },
		{ "\347\224\260\344\270\255\357\274\240\345\226\266\346\245\255 <a@b.example>", VALID, "b.example" },
		/* programs that end a domain early */
		{ "a@d.example .b.example", VALID, "d.example.b.example +d.example" },
		{ "a@d.example(x).b.example", VALID, "d.example.b.example +d.example" },
		{ "a@d.example+x.b.example", VALID, "d.example+x.b.example +d.example" },
		{ "a@d.example\303\261.b.example", VALID, "d.xn--example-b0a.b.example +d.example" },
		{ "a@(d.example)b.example", VALID, "b.example +d.example" },
		/* Mail::Address, which reads the name of a group as an
		 * address */
		{ "\"c@d.example\" x: a@b.example;", VALID, "b.example +d.example +d.examplexa" },
		/* Python, which ends a quoted string or comment at a line
		 * end */
		{ "\"x\r\n c@d.example\" <a@b.example>", VALID, "b.example +d.example" },
		{ "\"c@d.example\r\n x\" <a@b.example>", VALID, "b.example +d.example +d.examplex" },
		{ "(x\r\n c@d.example) a@b.example", VALID, "b.example +d.example +d.examplea" },
	};

	(void)state;
	check_good(good, ARRAY_SIZE(good));
}

static void
rule_1_domains_must_be_valid_dns_names(void **state)
{
	static const struct good_vector good[] = {
		{ "a@x+y.b.example", VALID, "x+y.b.example" },
		{ "a@x=y.b.example", VALID, "x=y.b.example" },
		{ "a@x_y.b.example", VALID, "x_y.b.example" },
		{ "a@_x.b.example", VALID, "_x.b.example" },
		{ "a@x-.b.example", VALID, "x-.b.example" },
		{ "a@-x.b.example", VALID, "-x.b.example" },
		{ "a@192.0.2.1", VALID, "192.0.2.1" },
		{ "a@b.123", VALID, "b.123" },
		{ "a@123456789012345678901234567890123456789012345678901234567890123.b.example", VALID,
		    "123456789012345678901234567890123456789012345678901234567890123.b.example" },
	};
	static const struct bad_vector bad[] = {
		/* not valid DNS names */
		{ "a@1234567890123456789012345678901234567890123456789012345678901234.b.example", "", BAD_DOMAIN, false },
		{ "a@b..example", "+b.example", BAD_DOMAIN, false },
		{ "a@.b.example", "+b.example", BAD_DOMAIN, false },
		{ "a@[192.0.2.1]", "+192.0.2.1", BAD_DOMAIN, false },
		{ "a@[IPv6:2001:db8::1]", "", BAD_DOMAIN, false },
		{ "a@[b.example]", "+b.example", BAD_DOMAIN, false },
		{ "a@[192.0.2.1], c@d.example", "d.example +192.0.2.1", BAD_DOMAIN, false },
		/* quotes, and bytes that end an address in running text */
		{ "a@'b.example'", "+b.example", BAD_DOMAIN, false },
		{ "a@b.example'", "+b.example", BAD_DOMAIN, false },
		{ "a@`b.example`", "+b.example", BAD_DOMAIN, false },
		{ "a@=b.example", "+b.example", BAD_DOMAIN, false },
		{ "a@b.example=", "+b.example", BAD_DOMAIN, false },
		{ "a@b.example?subject=x", "+b.example", BAD_DOMAIN, false },
		{ "a@b.example/x.c.example", "+b.example", BAD_DOMAIN, false },
		{ "a@b.example#x.c.example", "+b.example", BAD_DOMAIN, false },
		{ "a@b.example-", "+b.example", BAD_DOMAIN, false },
		{ "a@b.example!c.example", "+b.example +b.examplec.example", BAD_DOMAIN, false },
		{ "a@b.example%c.example", "+b.example +b.examplec.example", BAD_DOMAIN, false },
		{ "a@=?utf-8?q?b?=.example", "+b.example", BAD_DOMAIN, false },
		/* invisible characters, and other forms of the dot */
		{ "a@b.example\302\240", "+b.example", BAD_DOMAIN, false },
		{ "a@b.example\302\255", "+b.example", BAD_DOMAIN, false },
		{ "a@b.ex\342\200\213ample", "+b.ex +b.example", BAD_DOMAIN, false },
		{ "a@\357\273\277b.example", "+b.example", BAD_DOMAIN, false },
		{ "a@b.example\357\270\217", "+b.example", BAD_DOMAIN, false },
		{ "a@b.example\342\200\250.c.example", "+b.example +b.example.c.example", BAD_DOMAIN, false },
		{ "a@b.example\343\200\202c.example", "+b.example +b.examplec.example", BAD_DOMAIN, false },
		{ "a@b\357\274\216example", "", BAD_DOMAIN, false },
		{ "a@b\357\275\241example", "", BAD_DOMAIN, false },
		{ "a@b\342\200\244example", "", BAD_DOMAIN, false },
		{ "a@b.example\377", "+b.example", BAD_DOMAIN, false },
		{ "a@b.example\300\256", "+b.example", BAD_DOMAIN, false },
	};

	(void)state;
	check_good(good, ARRAY_SIZE(good));
	check_bad(bad, ARRAY_SIZE(bad));
}

/* ---- rule 2 ---- */

static void
rule_2_sloppy_but_unambiguous(void **state)
{
	static const struct good_vector good[] = {
		/* unexpected bytes where a domain should begin: a possible author */
		{ "\"(x)c@\f,\341\240\216d.example , x@b.example", SLOPPY, "b.example +d.example" },
		{ "\"=?utf-8?q?c=40=2C=20d=2eexample?=;D\" \"\" x@b.example", SLOPPY, "b.example +d.example" },
		{ "Doe, Joe <a@b.example>", SLOPPY, "b.example" },
		{ "Re: News <a@b.example>", SLOPPY, "b.example" },
		{ "Joe; Jane <a@b.example>", SLOPPY, "b.example" },
		{ "\"Joe <a@b.example>", SLOPPY, "b.example" },
		{ "Joe (EU <a@b.example>", SLOPPY, "b.example" },
		{ "Joe \\ Doe <a@b.example>", SLOPPY, "b.example" },
		{ "Joe [EU] <a@b.example>", SLOPPY, "b.example" },
		{ "Joe\001 <a@b.example>", SLOPPY, "b.example" },
		{ "J\366rg, M\374ller <a@b.example>", SLOPPY, "b.example" },
		{ "Joe <a@b.example", SLOPPY, "b.example" },
		{ "Joe <<a@b.example>>", SLOPPY, "b.example" },
		{ "Doe, Joe < a@b.example >", SLOPPY, "b.example" },
		{ "Joe a@b.example", SLOPPY, "b.example" },
		{ "a@b.example Joe", SLOPPY, "b.example +b.examplejoe +b.example.joe" },
		{ "Joe [mailto:a@b.example]", SLOPPY, "b.example" },
		{ "\"a@b.example\"", SLOPPY, "b.example" },
		{ "a@b.example.", SLOPPY, "b.example" },
		{ "a@b.example;", SLOPPY, "b.example" },
		{ "a@b.example; c@B.example", SLOPPY, "b.example" },
		{ "a@b.example <a@b.example>", SLOPPY, "b.example" },
		{ "'a@b.example' <a@b.example>", SLOPPY, "b.example" },
		{ "a@b.example<a@b.example>", SLOPPY, "b.example" },
		{ "<a@b.example> <c@b.example>", SLOPPY, "b.example" },
		{ "=?utf-8?q?a@b.example?= <a@b.example>", SLOPPY, "b.example" },
		{ "=?utf-8?q?a=40b.example?=", SLOPPY, "b.example" },
		{ "Doe, =?utf-8?q?Joe_=3C3?= <a@b.example>", SLOPPY, "b.example" },
		{ "Doe, Joe <@c.example:a@b.example>", SLOPPY, "b.example" },
		{ "Doe, Joe <\"x y\"@b.example>", SLOPPY, "b.example" },
		{ "Doe, Joe <a%x.y@b.example>", SLOPPY, "b.example" },
		{ "a@x+y.b.example <a@x+y.b.example>", SLOPPY, "x+y.b.example" },
		/* an "@" that is not followed by a domain */
		{ "News @ Acme <a@b.example>", SLOPPY, "b.example" },
		{ "News@Acme <a@b.example>", SLOPPY, "b.example" },
		{ "@acme <a@b.example>", SLOPPY, "b.example" },
		{ "News @ <a@b.example>", SLOPPY, "b.example" },
		{ "News @, <a@b.example>", SLOPPY, "b.example" },
		{ "Joe @ Acme Inc. <a@b.example>", SLOPPY, "b.example +acme.inc" },
		{ "joe@home, J(oe <a@b.example>", SLOPPY, "b.example" },
		{ "Doe, 100% Joe <a@b.example>", SLOPPY, "b.example" },
		{ "Doe, Yahoo! Joe <a@b.example>", SLOPPY, "b.example" },
		/* an "@" that is followed by a domain if white space, comments or line ends are dropped */
		{ "Joe @ St. Pauli <a@b.example>", SLOPPY, "b.example +st.pauli" },
		{ "a@b.example, c@d e.example", SLOPPY, "b.example +de.example +d.e.example" },
		{ "a@b.example, c@d(x)\r\n e.example", SLOPPY, "b.example +de.example +d.e.example" },
		{ "a@b.ex\r\n ample, x", SLOPPY, "b.ex +b.example +b.ex.ample" },
		{ "a@b.example, c@' d.example", SLOPPY, "b.example +d.example" },
		/* Sendmail and Postfix */
		{ "alice%b.example", SLOPPY, "b.example" },
		{ "alice % b.example", SLOPPY, "b.example" },
		{ "x%y%b.example", SLOPPY, "b.example +yb.example" },
		{ "b.example!alice", SLOPPY, "b.example" },
		{ "x!b.example!alice", SLOPPY, "b.example" },
		{ "b.example^alice", SLOPPY, "b.example" },
		{ "b . example!alice", SLOPPY, "b.example" },
		{ "b.example (x) ! (x) alice", SLOPPY, "b.example" },
		{ "a@b.example, alice%d. example", SLOPPY, "b.example +d.example" },
		{ "a@b.example, alice%d(x)example", SLOPPY, "b.example +d.example" },
		{ "a@b.example, d example!alice", SLOPPY, "b.example +d.example" },
		{ "a@b.example d.example", SLOPPY, "b.example +b.exampled.example +b.example.d.example" },
		{ "a@b.example, 50%off.", SLOPPY, "b.example" },
	};

	(void)state;
	check_good(good, ARRAY_SIZE(good));
}

/* ---- rule 3 ---- */

static void
rule_3_several_domains_in_a_field_that_is_not_valid(void **state)
{
	static const struct bad_vector bad[] = {
		/* "<<@b.example:x@a.example>>" */
		{ "=?us-ascii?B?PDxAYi5leGFtcGxlOnhAYS5leGFtcGxlPj4=?=", "b.example a.example +b.examplex", NOT_VALID, false },
		{ "Bank, Inc. (x@b.example) <a@d.example>", "b.example d.example", SEVERAL, false },
		{ "x@b.example <a@d.example>", "b.example d.example", SEVERAL, false },
		{ "a @ d.example <x@b.example>", "d.example b.example", SEVERAL, false },
		{ "<x@b.example> <a@d.example>", "b.example d.example", SEVERAL, false },
		{ "<x@b.example><a@d.example>", "b.example d.example", SEVERAL, false },
		{ "<x@b.example>a@d.example", "b.example d.example +b.examplea", NOT_VALID, false },
		{ "a@d.example@b.example", "d.example b.example", NOT_VALID, false },
		{ "a@d.example:;, x@b.example", "d.example b.example", SEVERAL, false },
		{ "a@d.example; x@b.example", "d.example b.example", SEVERAL, false },
		{ "\"x@b.example <a@d.example>", "b.example d.example", SEVERAL, false },
		{ "a@d.example (x@b.example", "d.example b.example", SEVERAL, false },
		{ "\\<x@b.example> <a@d.example>", "b.example d.example", SEVERAL, false },
		{ "a@d.example (=?utf-8?q?x=40b.example?=", "d.example b.example", SEVERAL, false },
		{ "=?utf-8?b?YUBkLmV4YW1wbGU?= (x@b.example", "d.example b.example", SEVERAL, false },
		{ "'a@d.example' <x@b.example>", "d.example b.example", SEVERAL, false },
		{ "a\357\274\240d.example, [] x@b.example", "d.example b.example", SEVERAL, false },
		{ "x@b.example, alice%d.example", "b.example d.example", SEVERAL, false },
		{ "x@b.example, d.example!alice", "b.example d.example", SEVERAL, false },
		{ "x@b.example, alice%(x)d.example", "b.example d.example", SEVERAL, false },
		{ "alice%d.example (<x@b.example>)", "b.example d.example", SEVERAL, false },
		{ "x@b.example, d.example(x)!alice", "b.example d.example", SEVERAL, false },
		{ "x@b.example, d .example!alice", "b.example d.example", SEVERAL, false },
		{ "x@b.example, d(x).(x)example\r\n ^alice", "b.example d.example", SEVERAL, false },
		{ "alice%d.example@, x@b.example", "b.example d.example", SEVERAL, false },
	};

	(void)state;
	check_bad(bad, ARRAY_SIZE(bad));
}

static void
rule_3_an_at_whose_domain_is_not_clean(void **state)
{
	static const struct bad_vector bad[] = {
		{ "Doe, a@b..example", "+b.example", NOT_VALID, false },
		{ "Doe, a@.b.example", "+b.example", NOT_VALID, false },
		{ "Doe, a@b.example/x", "+b.example", NOT_VALID, false },
		{ "Doe, a@b.example\302\240x", "+b.example +b.examplex", NOT_VALID, false },
		{ "Doe, a@b\357\274\216example", "", NOT_VALID, false },
		{ "Doe, a@\001b.example", "+b.example", NOT_VALID, false },
		{ "Doe, a@b\\ank.example", "+bank.example", NOT_VALID, false },
		{ "Doe, a@b\"an\"k.example", "+bank.example", NOT_VALID, false },
		{ "Doe, a@\"b.example\"", "+b.example", NOT_VALID, false },
		{ "Doe, a@b(x)ank.example", "+bank.example +b.ank.example", NOT_VALID, false },
		{ "Doe, a@b\001ank.example", "+bank.example", NOT_VALID, false },
		{ "Doe, a@b>ank.example", "+bank.example", NOT_VALID, false },
		{ "Doe, a@:b.example", "+b.example", NOT_VALID, false },
		{ "Doe, a@;b.example", "b.example", NOT_VALID, false },
		{ "Doe, a@,;\"b.example", "+b.example", NOT_VALID, false },
		{ "Doe, a@[b.example]", "+b.example", NOT_VALID, false },
		{ "Doe, a@b.example(x).c.example", "b.example +b.example.c.example", NOT_VALID, false },
		{ "Doe, a@b.example\\.c.example", "b.example +b.example.c.example", NOT_VALID, false },
		{ "Doe, a@b=?utf-8?q?an?=k.example", "+bank.example", NOT_VALID, false },
		{ "Doe, a@b.example=?utf-8?q?=2Ec.example?=", "b.example +b.example.c.example", NOT_VALID, false },
		{ "Doe, a@b.example\\;.c.example", "b.example", NOT_VALID, false },
		{ "Doe, a@b.example!x.c.example", "b.example +b.examplex.c.example", NOT_VALID, false },
	};

	(void)state;
	check_bad(bad, ARRAY_SIZE(bad));
}

static void
rule_3_angle_brackets_without_a_clean_address(void **state)
{
	static const struct bad_vector bad[] = {
		{ "Joe <>, a@b.example", "b.example", NOT_VALID, false },
		{ "Joe <3 Jane <a@b.example>", "b.example", NOT_VALID, false },
		{ "Joe, <a@b.example x>", "b.example +b.examplex +b.example.x", NOT_VALID, false },
		{ "Joe, <x a@b.example>", "b.example", NOT_VALID, false },
		{ "Joe, <a @b.example>", "b.example", NOT_VALID, false },
		{ "Joe, <mailto:a@b.example>", "b.example", NOT_VALID, false },
		{ "Joe, <a@'b.example'>", "b.example", NOT_VALID, false },
		{ "Joe, <a@b.example..>", "b.example", NOT_VALID, false },
		{ "Joe, <a@b.example\302\240>", "+b.example", NOT_VALID, false },
		{ "Joe, <a@b.example\001>", "b.example", NOT_VALID, false },
		{ "<alice%d.example>", "d.example", NOT_VALID, false },
		{ "Bank <alice%d.example>, x@b.example", "b.example d.example", NOT_VALID, false },
		{ "Bank (x@b.example) <alice%d.example>", "b.example d.example", NOT_VALID, false },
		{ "<d.example!alice> x@b.example", "b.example d.example", NOT_VALID, false },
		{ "<@b.example:alice%d.example>", "b.example d.example +b.examplealiced.example", NOT_VALID, false },
		{ "<@b.example>, x", "b.example", NOT_VALID, false },
		{ "Bank (x@b.example) <a\357\274\240d.example>", "b.example d.example", NOT_VALID, false },
		{ "Mail Delivery Subsystem <MAILER-DAEMON>", "", NOT_VALID, true },
	};

	(void)state;
	check_bad(bad, ARRAY_SIZE(bad));
}

static void
rule_3_no_address(void **state)
{
	static const struct bad_vector bad[] = {
		{ "postmaster", "", NO_ADDRESS, true },
		{ "root (Cron Daemon)", "", NO_ADDRESS, true },
		{ "Joe, Jane", "", NO_ADDRESS, true },
		{ "@", "", NO_ADDRESS, true },
		{ "News @ Acme, x y", "", NO_ADDRESS, true },
		{ "Joe @ St. Pauli, x", "+st.pauli", NO_ADDRESS, false },
		{ "<>", "", NOT_VALID, true },
		{ "=?utf-8?q?a=40b.example?=:;", "+b.example", NO_ADDRESS, false },
	};

	(void)state;
	check_bad(bad, ARRAY_SIZE(bad));
}

static void
rule_3_encoded_words_that_cannot_be_read(void **state)
{
	static const struct bad_vector bad[] = {
		{ "=?utf-7?q?c+AEA-d.example=2C?= <a@b.example>", "b.example", UNREADABLE, false },
		{ "=?utf-16?b?YwBAAGQA?= <a@b.example>", "b.example", UNREADABLE, false },
		{ "=?cp037?q?x?= <a@b.example>", "b.example", UNREADABLE, false },
		{ "=?hz-gb-2312?q?x?= <a@b.example>", "b.example", UNREADABLE, false },
		{ "=?x-none?b?Y0BkLmV4YW1wbGU=?= <a@b.example>", "b.example +d.example", UNREADABLE, false },
		{ "\"=?utf-7?q?x?=\" <a@b.example>", "b.example", UNREADABLE, false },
		{ "=?utf-8?b?Y0?BkLmV4YW1wbGU=?= <a@b.example>", "b.example", UNREADABLE, false },
		{ "=?utf-8?b?Yw==QGQuZXhhbXBsZQ==?= <a@b.example>", "b.example", UNREADABLE, false },
		{ "=?iso-2022-jp?q?=1B$Ax?= <a@b.example>", "b.example", UNREADABLE, false },
		{ "=?utf-7?q?x?=", "", UNREADABLE, false },
	};

	(void)state;
	check_bad(bad, ARRAY_SIZE(bad));
}

static void
rule_3_line_ends_of_section_4_1(void **state)
{
	static const struct bad_vector bad[] = {
		{ "x@b.example\rFrom: a@d.example", "b.example d.example +b.examplefrom +b.examplefroma +b.example.from", NOT_VALID, false },
		{ "\"x\r <a@d.example>\" <x@b.example>", "b.example +d.example", NOT_VALID, false },
		{ "\"x\\\r\n \" <x@b.example>", "b.example", NOT_VALID, false },
		{ "Joe\r Doe", "", NOT_VALID, false },
	};

	(void)state;
	check_bad(bad, ARRAY_SIZE(bad));
}
/* clang-format on */

/* libmilter truncates a field at a NUL; the command sees the rest too. */
static void
rule_3_nul(void **state)
{
	struct arena *a = arena_new(CAP);
	struct mail_from from;

	(void)state;
	mail_author_read(a, SPAN("x@b.example\0 <a@d.example>"), &from);
	assert_int_equal(from.state, MAIL_FROM_INVALID);
	assert_string_equal(from.reason, NOT_VALID);
	mail_author_read(a, SPAN("\"x\0\" <x@b.example>"), &from);
	assert_int_equal(from.state, MAIL_FROM_INVALID);
	arena_free(a);
}

static void
section_3_6_number_of_fields(void **state)
{
	static const struct {
		const char *header, *reason, *domains;
		bool nameless;
	} vectors[] = {
		{ "To: a@b.example\n", "no From field", "", true },
		{ "From-X: a@b.example\nXFrom: a@b.example\n", "no From field",
		    "", true },
		{ "From: a@b.example\nFrom: c@d.example\n",
		    "several From fields", "b.example d.example", false },
		{ "From: a@b.example\nFrom: a@b.example\n",
		    "several From fields", "b.example", false },
		{ "From: a@b.example\nfrom \t: c@d.example\n",
		    "several From fields", "b.example d.example", false },
		{ "From: a@b.example\nFrom: Doe, c@d.example\n",
		    "several From fields", "b.example d.example", false },
		{ "From: root\nFrom: <MAILER-DAEMON>\n", "several From fields",
		    "", true },
	};
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct mail_header h = { 0 };
		struct mail_from from;
		char shown[SHOWN];

		mail_header_read(&h, a, span_str(vectors[i].header));
		mail_from_read(&h, a, &from);
		assert_int_equal(from.state, MAIL_FROM_INVALID);
		assert_string_equal(from.reason, vectors[i].reason);
		assert_string_equal(
		    mail_author_show(&from, shown), vectors[i].domains);
		assert_int_equal(from.nameless, vectors[i].nameless);
		arena_rewind(a);
	}
	arena_free(a);
}

static void
first_address_for_logs(void **state)
{
	static const char *const vectors[][2] = {
		{ "Joe <a@B.example>, c@d.example", "a@B.example" },
		{ "\"x y\"@ b . example", "\"x y\"@b.example" },
		{ "a@[192.0.2.1]", "a@[192.0.2.1]" },
		{ "Doe, Joe <a@B.example>", "a@B.example" },
		{ "News @ Acme <a@b.example>", "a@b.example" },
		{ "Doe, Joe <a@b.example\302\240>", "a@b.example\302\240" },
		{ "alice%b.example", "alice@b.example" },
		{ "b.example!alice", "alice@b.example" },
		{ "x@(b.example)", "x@b.example" },
		{ "postmaster", "" },
	};
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct mail_from from;

		mail_author_read(a, span_str(vectors[i][0]), &from);
		if (!span_is(from.first, vectors[i][1]))
			fail_msg(
			    "%s: %.*s", vectors[i][0], SPAN_FMT(from.first));
		arena_rewind(a);
	}
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_1_valid_by_rfc_5322),
		cmocka_unit_test(
		    rule_1_what_other_programs_find_in_a_valid_field),
		cmocka_unit_test(rule_1_domains_must_be_valid_dns_names),
		cmocka_unit_test(rule_2_sloppy_but_unambiguous),
		cmocka_unit_test(
		    rule_3_several_domains_in_a_field_that_is_not_valid),
		cmocka_unit_test(rule_3_an_at_whose_domain_is_not_clean),
		cmocka_unit_test(rule_3_angle_brackets_without_a_clean_address),
		cmocka_unit_test(rule_3_no_address),
		cmocka_unit_test(rule_3_encoded_words_that_cannot_be_read),
		cmocka_unit_test(rule_3_line_ends_of_section_4_1),
		cmocka_unit_test(rule_3_nul),
		cmocka_unit_test(section_3_6_number_of_fields),
		cmocka_unit_test(first_address_for_logs),
	};

	return cmocka_run_group_tests_name("mail_author", tests, NULL, NULL);
}
