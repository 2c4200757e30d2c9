/* policy_reply_test.c - the text of replies to the sender */
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
		{ .name = "all placeholders",
.conf = TEXT("No {domain}, {client}: {rule}. {reason}."),
.f = { FAILS(REJECT, REJECT) },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "dmarc.on_reject",
.disposition = DMARC_POLICY_REJECT,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.26",
.text = "No a.example, 192.0.2.1: dmarc.on_reject. a.example fails "
		    "DMARC and its policy is reject." },
		{ .name = "a percent sign is not a format",
.conf = TEXT("100% %s %n"),
.f = { FAILS(REJECT, REJECT) },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "dmarc.on_reject",
.disposition = DMARC_POLICY_REJECT,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.26",
.text = "100% %s %n" },
		{ .name = "tempfail has the built-in text",
.conf = TEXT("no") "dmarc { on_reject = tempfail }",
.f = { FAILS(REJECT, REJECT) },
.action = CONF_TEMPFAIL,
.would = CONF_TEMPFAIL,
.rule = "dmarc.on_reject",
.disposition = DMARC_POLICY_NONE,
.override = POLICY_OVERRIDE_LOCAL,
.code = 451,
.enhanced = "4.7.26",
.text = "Deferred because it fails the DMARC policy of a.example (rule "
		    "dmarc.on_reject)" },
		{ .name = "a link at the end",
.conf = "reply { url = \"https://a.example/w?{domain}&{client}\" "
		    "}",
.f = {
			FAILS(REJECT, REJECT),
		    },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "dmarc.on_reject",
.disposition = DMARC_POLICY_REJECT,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.26",
.text = "DMARC policy of a.example rejects this message (rule "
		    "dmarc.on_reject); see "
		    "https://a.example/w?a.example&192.0.2.1" },
		{ .name = "a link inside",
.conf = TEXT("See {url} ({domain})") "reply { url = "
						 "\"https://a.example/{rule}\" "
						 "}\n"
						 "override \"a b/%\" { client "
						 "= ::/0 client += 0.0.0.0/0 "
						 "action = reject }",
.f = { MAIL },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "override a b/%",
.disposition = DMARC_POLICY_NONE,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.1",
.text = "See https://a.example/override%20a%20b%2F%25 "
		    "(a.example)" },
		{ .name = "no link configured",
.conf = TEXT("See {url}!"),
.f = { FAILS(REJECT, REJECT) },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "dmarc.on_reject",
.disposition = DMARC_POLICY_REJECT,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.26",
.text = "See !" },
		{ .name = "a link that is too long is left out",
.conf = "reply { url = \"https://a.example/" LONG50 LONG50 LONG50
		    "{reason}{reason}{reason}{reason}\" }",
.f = { FAILS(REJECT, REJECT) },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "dmarc.on_reject",
.disposition = DMARC_POLICY_REJECT,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.26",
.text = "DMARC policy of a.example rejects this message (rule "
		    "dmarc.on_reject)" },
		{ .name = "an author without a DMARC result",
.conf = "spf { on_fail = reject }" TEXT("{domain}"),
.f = { TO, AUTHOR, .spf = SPF_FAIL },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "spf.on_fail",
.reason = "the sender fails SPF",
.disposition = DMARC_POLICY_NONE,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.23",
.text = "the sender" },
		{ .name = "the author domain in a DKIM rule",
.conf = "dkim { on_temperror = reject }" TEXT("{domain}"),
.f = { TO, AUTHOR, .dkim = DKIM_TEMPERROR },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "dkim.on_temperror",
.disposition = DMARC_POLICY_NONE,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.20",
.text = "a.example" },
		{ .name = "odd bytes in a name",
.conf = "",
.f = { TO, SENDER, AUTHOR, ASKS(REJECT, REJECT),
			.dmarc_domain = { "a\r\n250 ok\377", 10 } },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "dmarc.on_reject",
.disposition = DMARC_POLICY_REJECT,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.26",
.text = "DMARC policy of a??250 ok? rejects this message (rule "
		    "dmarc.on_reject)" },
		{ .name = "no domain",
.conf = "dmarc { on_temperror = reject }",
.f = { .client = CLIENT, .dmarc = DMARC_TEMPERROR },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "dmarc.on_temperror",
.reason = "the sender cannot currently be checked for DMARC",
.disposition = DMARC_POLICY_NONE,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.1",
.text = "The message from the sender cannot currently be checked for "
		    "DMARC (rule dmarc.on_temperror)" },
		{ .name = "RFC 7208 section 6.2: exp= is marked as the domain's words",
.conf = "spf { on_fail = reject }",
.f = { MAIL, .spf = SPF_FAIL,
			.spf_explanation = { "See http://x.example", 20 } },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "spf.on_fail",
.disposition = DMARC_POLICY_NONE,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.23",
.text = "The message from bounce.example fails SPF (rule "
		    "spf.on_fail); bounce.example explains: See "
		    "http://x.example" },
		{ .name = "RFC 7208 section 11.4: exp= cannot imitate the MTA in a log",
.conf = "spf { on_fail = reject }",
.f = { MAIL, .spf = SPF_FAIL,
			.spf_explanation = { "x\"; from=<a@b.example> "
					     "mx[192.0.2.9] (rule x) "
					     "http://y.example/?s=1;i=2",
			    71 } },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "spf.on_fail",
.disposition = DMARC_POLICY_NONE,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.23",
.text = "The message from bounce.example fails SPF (rule "
		    "spf.on_fail); bounce.example explains: x?; "
		    "from=?a@b.example? mx?192.0.2.9? ?rule x? "
		    "http://y.example/?s=1;i=2" },
		{ .name = "exp= is truncated and made safe",
.conf = "spf { on_fail = reject }",
.f = { .client = CLIENT,
			.spf = SPF_FAIL,
			.spf_explanation = { "\n" LONG50 LONG50 LONG50 LONG50,
			    201 } },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "spf.on_fail",
.disposition = DMARC_POLICY_NONE,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.23" },
		{ .name = "exp= without a fail",
.conf = "spf { on_softfail = reject }",
.f = { MAIL, .spf = SPF_SOFTFAIL,
			.spf_explanation = { "x", 1 } },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "spf.on_softfail",
.disposition = DMARC_POLICY_NONE,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.1",
.text = "The message from bounce.example softfails SPF (rule "
		    "spf.on_softfail)" },
		{ .name = "exp= is not used for DMARC",
.conf = "",
.f = { FAILS(REJECT, REJECT), .spf = SPF_FAIL,
			.spf_explanation = { "x", 1 } },
.action = CONF_REJECT,
.would = CONF_REJECT,
.rule = "dmarc.on_reject",
.disposition = DMARC_POLICY_REJECT,
.override = POLICY_OVERRIDE_NONE,
.code = 550,
.enhanced = "5.7.26",
.text = "DMARC policy of a.example rejects this message (rule "
		    "dmarc.on_reject)" },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

/* A reply stays within its limit, however long the names are. */
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
