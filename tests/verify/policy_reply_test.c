/* policy_reply_test.c - what the sender is told */
#include "verify/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/enum_names.h"
#include "tests/support/policy_run.h"

/* ---- replies ---- */

static void
reply_texts(void **state)
{
#define TEXT(t) "reply { reject_text = \"" t "\" }\n"

#define LONG50 "12345678901234567890123456789012345678901234567890"

	static const struct policy_vector vectors[] = {
		{ "all placeholders",
		    TEXT("No {domain}, {client}: {rule}. {reason}."),
		    { FAILS(REJECT, REJECT) }, CONF_REJECT, CONF_REJECT,
		    "dmarc.on_reject", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    "No a.example, 192.0.2.1: dmarc.on_reject. a.example fails "
		    "DMARC and its policy is reject." },
		{ "percent is no format", TEXT("100% %s %n"),
		    { FAILS(REJECT, REJECT) }, CONF_REJECT, CONF_REJECT,
		    "dmarc.on_reject", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_NONE, 550, "5.7.26", "100% %s %n" },
		{ "tempfail has the built-in text",
		    TEXT("no") "dmarc { on_reject = tempfail }",
		    { FAILS(REJECT, REJECT) }, CONF_TEMPFAIL, CONF_TEMPFAIL,
		    "dmarc.on_reject", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_LOCAL, 451, "4.7.26",
		    "DMARC policy of a.example defers this message (rule "
		    "dmarc.on_reject)" },
		{ "a link behind",
		    "reply { url = \"https://a.example/w?{domain}&{client}\" "
		    "}",
		    {
			FAILS(REJECT, REJECT),
		    },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_reject", NULL,
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    "DMARC policy of a.example rejects this message (rule "
		    "dmarc.on_reject); see "
		    "https://a.example/w?a.example&192.0.2.1" },
		{ "a link inside",
		    TEXT("See {url} ({domain})") "reply { url = "
						 "\"https://a.example/{rule}\" "
						 "}\n"
						 "override \"a b/%\" { client "
						 "= ::/0 client += 0.0.0.0/0 "
						 "action = reject }",
		    { MAIL }, CONF_REJECT, CONF_REJECT, "override a b/%", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 550, "5.7.1",
		    "See https://a.example/override%20a%20b%2F%25 "
		    "(a.example)" },
		{ "no link to name", TEXT("See {url}!"),
		    { FAILS(REJECT, REJECT) }, CONF_REJECT, CONF_REJECT,
		    "dmarc.on_reject", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_NONE, 550, "5.7.26", "See !" },
		{ "a link too long is left out",
		    "reply { url = \"https://a.example/" LONG50 LONG50 LONG50
		    "{reason}{reason}{reason}{reason}\" }",
		    { FAILS(REJECT, REJECT) }, CONF_REJECT, CONF_REJECT,
		    "dmarc.on_reject", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    "DMARC policy of a.example rejects this message (rule "
		    "dmarc.on_reject)" },
		{ "an author without a verdict",
		    "spf { on_fail = reject }" TEXT("{domain}"),
		    { TO, AUTHOR, .spf = SPF_FAIL }, CONF_REJECT, CONF_REJECT,
		    "spf.on_fail", "the sender fails SPF", DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 550, "5.7.23", "the sender" },
		{ "the author of DKIM's rule",
		    "dkim { on_permerror = reject }" TEXT("{domain}"),
		    { TO, AUTHOR, .dkim = DKIM_PERMERROR }, CONF_REJECT,
		    CONF_REJECT, "dkim.on_permerror", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 550, "5.7.20", "a.example" },
		{ "bytes of a name", "",
		    { TO, SENDER, AUTHOR, ASKS(REJECT, REJECT),
			.dmarc_domain = { "a\r\n250 ok\377", 10 } },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_reject", NULL,
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    "DMARC policy of a??250 ok? rejects this message (rule "
		    "dmarc.on_reject)" },
		{ "nobody", "dmarc { on_permerror = reject }",
		    { .client = CLIENT, .dmarc = DMARC_PERMERROR }, CONF_REJECT,
		    CONF_REJECT, "dmarc.on_permerror",
		    "the sender cannot be checked for DMARC", DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 550, "5.7.1",
		    "The message of the sender cannot be checked for DMARC "
		    "(rule dmarc.on_permerror)" },
		{ "RFC 7208 section 6.2: exp= is not our word",
		    "spf { on_fail = reject }",
		    { MAIL, .spf = SPF_FAIL,
			.spf_explanation = { "See http://x.example", 20 } },
		    CONF_REJECT, CONF_REJECT, "spf.on_fail", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 550, "5.7.23",
		    "The message of bounce.example fails SPF (rule "
		    "spf.on_fail); bounce.example explains: See "
		    "http://x.example" },
		{ "RFC 7208 section 11.4: nor does a log take it for the MTA's",
		    "spf { on_fail = reject }",
		    { MAIL, .spf = SPF_FAIL,
			.spf_explanation = { "x\"; from=<a@b.example> "
					     "mx[192.0.2.9] (rule x) "
					     "http://y.example/?s=1;i=2",
			    71 } },
		    CONF_REJECT, CONF_REJECT, "spf.on_fail", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 550, "5.7.23",
		    "The message of bounce.example fails SPF (rule "
		    "spf.on_fail); bounce.example explains: x?; "
		    "from=?a@b.example? mx?192.0.2.9? ?rule x? "
		    "http://y.example/?s=1;i=2" },
		{ "exp= is cut and cleaned", "spf { on_fail = reject }",
		    { .client = CLIENT,
			.spf = SPF_FAIL,
			.spf_explanation = { "\n" LONG50 LONG50 LONG50 LONG50,
			    201 } },
		    CONF_REJECT, CONF_REJECT, "spf.on_fail", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 550, "5.7.23",
		    NULL },
		{ "exp= of no fail", "spf { on_softfail = reject }",
		    { MAIL, .spf = SPF_SOFTFAIL,
			.spf_explanation = { "x", 1 } },
		    CONF_REJECT, CONF_REJECT, "spf.on_softfail", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 550, "5.7.1",
		    "The message of bounce.example softfails SPF (rule "
		    "spf.on_softfail)" },
		{ "exp= does not speak for DMARC", "",
		    { FAILS(REJECT, REJECT), .spf = SPF_FAIL,
			.spf_explanation = { "x", 1 } },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_reject", NULL,
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    "DMARC policy of a.example rejects this message (rule "
		    "dmarc.on_reject)" },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

/* However long the names are, a reply keeps its bound. */
static void
replies_are_bounded(void **state)
{
	static char name[5000];
	struct policy_input f = { FAILS(REJECT, REJECT), .spf = SPF_FAIL };
	const struct conf *c = policy_run_conf(
	    "reply { reject_text = \"{domain}{reason}{rule}{domain}{reason}"
	    "{domain}{reason}{reason}{url}{url}\"\n"
	    "url = \"https://x/{domain}{reason}\" }");
	struct arena *a = arena_new(1 << 16);
	struct policy_decision d;

	(void)state;
	memset(name, 'x', sizeof(name));
	f.dmarc_domain = span_of(name, sizeof(name));
	f.mail_from_domain = f.dmarc_domain;
	f.spf_explanation = f.dmarc_domain;
	policy_decide(c, &f, POLICY_RUN_NOW, a, &d);
	assert_int_equal(d.action, CONF_REJECT);
	assert_true(d.text.n > 100 && d.text.n <= POLICY_TEXT_MAX);
	assert_true(d.reason.n <= 400);
	arena_free(a);
	conf_unref(c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reply_texts),
		cmocka_unit_test(replies_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
