/* mail_address_test.c - addresses (RFC 5322 sections 3.4 and 4.4, RFC 6532)
 * and envelope addresses. */
#include "mail/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/mail_text.h"

#include "lib/buf.h"

enum { CAP = 8 << 20, SHOWN = 4096 };

/* ---- mail_address_next() ---- */

struct mail_address_list_vector {
	const char *name;
	const char *text;
	const char *list; /* "local|domain" for each; then "!" if the rest
	                     cannot be read, or "~" if the list is not valid */
};

static const struct mail_address_list_vector lists[] = {
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
	    "a|b.example c|d.example ~" },
	{ "3.4 two groups with a comma", "A: a@b.example;, B: c@d.example;",
	    "a|b.example c|d.example " },
	{ "3.4 group and a mailbox", "A: a@b.example;, c@d.example",
	    "a|b.example c|d.example " },
	{ "3.4 group in a group", "A: B: a@b.example;;", "a|b.example ~" },
	{ "3.4 adjacent groups", "A: B: a@b.example;", "a|b.example ~" },
	{ "3.4 end without a group", "a@b.example;", "a|b.example ~" },
	{ "3.4 quoted group", "\"A:B\": a@b.example;", "a|b.example " },
	{ "3.4 group without its end", "A: a@b.example", "a|b.example ~" },
	{ "3.4 semicolon for comma", "a@b.example; c@d.example",
	    "a|b.example c|d.example ~" },
	{ "3.4 no name before the colon", ": a@b.example", "!" },
	{ "3.4 two addresses, no comma", "<a@b.example> <c@d.example>", "!" },
	{ "3.4 address as a name", "a@b.example <c@d.example>",
	    "a|b.example c|d.example ~" },
	{ "3.4 obsolete address as a name", "a@b. example <c@d.example>", "!" },
	{ "3.4 literal as a name", "a@[1.2.3.4] <c@d.example>",
	    "a|[1.2.3.4] c|d.example ~" },
	{ "3.4 words after it", "<a@b.example> Joe", "!" },
	{ "3.4 words after it, no angle", "a@b.example Joe", "!" },
	{ "3.4 words before, no angle", "Joe a@b.example", "!" },
	{ "3.4 comment after it", "a@b.example (Joe)", "a|b.example " },
	{ "3.4 unquoted comma", "Doe, Joe <a@b.example>", "!" },
	{ "3.4 unquoted at", "Joe @ Work <a@b.example>", "!" },
	{ "3.4 no address", "Joe", "!" },
	{ "3.4 no address after one", "a@b.example, Joe", "a|b.example !" },
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
	{ "3.4.1 consecutive dots", "a..b.@c.example", "a..b.|c.example " },
	{ "3.4.1 dot at the end", "a@b.example.", "a|b.example. ~" },
	{ "3.4.1 literal", "a@[192.0.2.1]", "a|[192.0.2.1] " },
	{ "3.4.1 IPv6 literal", "<a@[IPv6:2001:db8::1]>",
	    "a|[IPv6:2001:db8::1] " },
	{ "3.4.1 literal with pairs", "a@[x\\]y]", "a|[x\\]y] " },
	{ "3.4.1 literal not closed", "a@[192.0.2.1", "!" },
	{ "3.4.1 literal in a literal", "a@[[192.0.2.1]]", "!" },
	{ "3.4.1 text after a literal", "a@[192.0.2.1]b.example", "!" },
	{ "6532 3.2", "\320\237 <\320\277@b\303\274cher.example>",
	    "\320\277|b\303\274cher.example " },

	/* section 4.4 */
	{ "4.4 local part in pieces", "\"a b\" . c . \"d\"@e.example",
	    "\"a b\" . c . \"d\"|e.example " },
	{ "4.4 two words are not a local part", "\"a\" b@e.example", "!" },
	{ "4.4 two words are not a local part", "\"a\"b@e.example", "!" },
	{ "4.4 two words are not a local part", "a \"b\"@e.example", "!" },
	{ "4.4 domain in pieces", "a@(x)b(y).(z) c\r\n .d(w)", "a|b.c.d " },
	{ "4.4 route", "<@a.example,@b.example:c@d.example>", "c|d.example " },
	{ "4.4 route with nulls",
	    "<,, @a.example , , @b.example (x):c@d.example>", "c|d.example " },
	{ "4.4 route without colon", "<@a.example c@d.example>", "!" },
	{ "4.4 route alone", "<@a.example:>", "!" },
	{ "4.4 nulls", ",, ,a@b.example,, ; c@d.example,,",
	    "a|b.example c|d.example ~" },
	{ "4.4 only nulls", ",,;,", "~" },
	{ "4.4 dots in a phrase", "J. R. . Doe <a@b.example>", "a|b.example " },
};

static const char *
show_list(struct arena *a, struct span text, char *shown)
{
	struct buf b = buf_wrap(shown, SHOWN);
	struct mail_address_list list = mail_address_list_of(text, a);
	struct mail_address address;
	enum mail_address_status step;

	while ((step = mail_address_next(&list, &address)) == ADDRESS_ONE) {
		buf_span(&b, address.local);
		buf_byte(&b, '|');
		buf_span(&b, address.domain);
		buf_byte(&b, ' ');
	}
	if (step == ADDRESS_BAD)
		buf_byte(&b, '!');
	else if (!list.valid)
		buf_byte(&b, '~');
	return shown;
}

static void
section_3_4_lists(void **state)
{
	struct arena *a = arena_new(CAP);
	char shown[SHOWN];

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct mail_address_list_vector *v = &lists[i];

		show_list(a, span_str(v->text), shown);
		if (strcmp(shown, v->list) != 0)
			fail_msg("%s: got \"%s\", want \"%s\"", v->name, shown,
			    v->list);
	}
	arena_free(a);
}

/* Reading must end for input truncated at any byte, and with any allocation
 * failing. */
static void
section_3_4_truncated_and_out_of_memory(void **state)
{
	char shown[SHOWN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		cut_and_starved(show_list, lists[i].text, 3, shown);
}

/* ---- envelopes and lists ---- */

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
		/* without "@"; Postfix and Sendmail rewrite such addresses */
		{ "<a%b.example>", "b.example", "a" },
		{ "a%c.example%b.example", "b.example", "a%c.example" },
		{ "b.example!a", "b.example", "a" },
		{ "b.example!c.example!a", "b.example", "c.example!a" },
		{ "b.example!a%c.example", "b.example", "a%c.example" },
		{ "c!a%b.example", "b.example", "c!a" },
		{ "@r.example:a%b.example", "b.example", "a" },
		{ "a%b", NULL, "a%b" },
		{ "b!a", NULL, "b!a" },
		{ "a%b.", NULL, "a%b." },
		{ "%b.example", NULL, "%b.example" },
		{ "b.example!", NULL, "b.example!" },
		{ "a%c.example@b.example", "b.example", "a%c.example" },
		{ "c.example!a@b.example", "b.example", "c.example!a" },
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
rfc_7208_2_4_mailbox(void **state)
{
	static const char *const vectors[][2] = {
		{ "a@b.example", "a@b.example" },
		{ "@r.example:a@b.example", "@r.example:a@b.example" },
		{ "a%b.example", "a@b.example" },
		{ "b.example!a", "a@b.example" },
		{ "a%c.example@b.example", "a%c.example@b.example" },
		{ "@r.example:a%b.example", "a@b.example" },
		{ "<a%b.example>", "a@b.example" },
		{ "postmaster", "postmaster" },
		{ "", "" },
	};
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct span in = span_str(vectors[i][0]);

		assert_true(
		    span_is(mail_envelope_mailbox(a, in), vectors[i][1]));
		arena_fail_at(a, 1);
		(void)mail_envelope_mailbox(a, in);
		arena_fail_at(a, 0);
		arena_rewind(a);
	}
	arena_free(a);
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
		cmocka_unit_test(section_3_4_truncated_and_out_of_memory),
		cmocka_unit_test(rfc_5321_4_1_2_envelope),
		cmocka_unit_test(rfc_7208_2_4_mailbox),
		cmocka_unit_test(rfc_2919_3_list_id),
	};

	return cmocka_run_group_tests_name("mail_address", tests, NULL, NULL);
}
