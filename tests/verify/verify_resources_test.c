/*
 * verify_resources_test.c - runs whole messages through verify/: attempts to
 * change the verdict on mail from another domain, by making DNS fail, by
 * exhausting our resources, or by sending an invalid From.
 */
#include "verify/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"
#include "tests/support/core_driver.h"
#include "tests/support/sign.h"
#include "tests/support/verify_run.h"

enum { MESSAGE_MAX = 65536 };

/* ---- attempts to change the verdict on mail from another domain ---- */

#define BANK "From: admin@bank.example\r\n"
#define ATTACK "<x@attack.example>"
#define SIGNED_BY(domain)                                                      \
	"DKIM-Signature: v=1; a=rsa-sha256; d=" domain "; s=s; h=from; "       \
	"bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA\r\n"

static const char bank_zone[] =
    "_dmarc.bank.example. TXT \"v=DMARC1; p=reject\"\n"
    "bank.example. TXT \"v=spf1 -all\"\n";

/* A policy verdict and its input: a message header and DNS data. */
struct policy_case {
	const char *name;
	const char *conf; /* NULL: the defaults in enforce mode */
	const char *sender;
	const char *header;
	const char *zone; /* in addition to bank_zone */
	enum dmarc_code dmarc;
	enum conf_action action;
	const char *rule;
	const char *enhanced; /* NULL: not refused */
};

static void
run_policy_cases(const struct policy_case *v, size_t n)
{
	for (; n > 0; n--, v++) {
		char zone[2000], message[2000], conf[500];
		struct verify_run r = {
			.sender = v->sender, .message = message, .conf = conf
		};
		const struct policy_decision *d;

		snprintf(zone, sizeof(zone), "%s%s", bank_zone,
		    v->zone != NULL ? v->zone : "");
		snprintf(
		    message, sizeof(message), "%s\r\nHello.\r\n", v->header);
		snprintf(conf, sizeof(conf), "%s%s", verify_run_conf,
		    v->conf != NULL ? v->conf : "");
		r.dns = pump_zone(zone);
		verify_run_all(&r);
		d = &r.v->decision;
		if (r.v->dmarc.code != v->dmarc || d->action != v->action ||
		    !span_is(d->rule, v->rule))
			fail_msg("%s: dmarc=%s, %s by %.*s: %.*s", v->name,
			    dmarc_code_name(r.v->dmarc.code),
			    conf_action_name(d->action), SPAN_FMT(d->rule),
			    SPAN_FMT(d->reason));
		if (v->enhanced != NULL)
			assert_string_equal(d->enhanced, v->enhanced);
		else
			assert_null(d->enhanced);
		verify_run_end(&r);
		r.dns->close(r.dns);
	}
}

/* A failure at the attacker's own domains does not affect the result for the
 * author domain. */
static void
rfc9989_5_3_6_failures_of_unaligned_domains_do_not_help(void **state)
{
	static const struct policy_case cases[] = {
		{ .name = "SPF of attack.example times out",
		    .sender = ATTACK,
		    .header = BANK,
		    .zone = ";!failed attack.example TXT timeout\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "SPF of attack.example uses up our questions",
		    .sender = ATTACK,
		    .header = BANK,
		    .zone = ";!failed attack.example TXT budget\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "DKIM keys of attack.example fail",
		    .sender = ATTACK,
		    .header = SIGNED_BY("attack.example")
			SIGNED_BY("x.attack.example") BANK,
		    .zone =
			";!failed s._domainkey.attack.example TXT servfail\n"
			";!failed s._domainkey.x.attack.example TXT resource\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "the walk of attack.example fails",
		    .sender = ATTACK,
		    .header = BANK,
		    .zone = "attack.example. TXT \"v=spf1 +all\"\n"
			    ";!failed _dmarc.attack.example TXT servfail\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "the domain's own DNS fails: on_temperror",
		    .sender = ATTACK,
		    .header = "From: a@lost.example\r\n",
		    .zone = ";!failed _dmarc.lost.example TXT servfail\n",
		    .dmarc = DMARC_TEMPERROR,
		    .action = CONF_ACCEPT,
		    .rule = "dmarc.on_temperror" },
	};

	(void)state;
	run_policy_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
a_lack_of_our_resources_is_deferred(void **state)
{
	static const struct policy_case cases[] = {
		{ .name = "the author's record, out of questions",
		    .sender = ATTACK,
		    .header = "From: a@lost.example\r\n",
		    .zone = ";!failed _dmarc.lost.example TXT budget\n",
		    .dmarc = DMARC_TEMPERROR,
		    .action = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .enhanced = "4.7.0" },
		{ .name = "the author's record, table of questions full",
		    .sender = ATTACK,
		    .header = "From: a@lost.example\r\n",
		    .zone = ";!failed _dmarc.lost.example TXT resource\n",
		    .dmarc = DMARC_TEMPERROR,
		    .action = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .enhanced = "4.7.0" },
		{ .name = "one of two authors, the other fails with a milder "
			  "policy",
		    .sender = ATTACK,
		    .header = "From: a@lost.example, b@mild.example\r\n",
		    .zone =
			";!failed _dmarc.lost.example TXT resource\n"
			"_dmarc.mild.example. TXT \"v=DMARC1; p=quarantine\"\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .enhanced = "4.7.0" },
		{ .name = "the key of an aligned signature",
		    .sender = ATTACK,
		    .header = SIGNED_BY("bank.example") BANK,
		    .zone = ";!failed s._domainkey.bank.example TXT resource\n",
		    .dmarc = DMARC_TEMPERROR,
		    .action = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .enhanced = "4.7.0" },
		{ .name = "SPF of a domain without a policy",
		    .sender = "<x@free.example>",
		    .header = "From: x@free.example\r\n",
		    .zone = ";!failed free.example TXT resource\n",
		    .dmarc = DMARC_NONE,
		    .action = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .enhanced = "4.7.0" },
		{ .name = "missing answers change nothing after a pass",
		    .sender = "<x@good.example>",
		    .header = SIGNED_BY("x.example") "From: x@good.example\r\n",
		    .zone = "good.example. TXT \"v=spf1 +all\"\n"
			    "_dmarc.good.example. TXT \"v=DMARC1; p=reject\"\n"
			    ";!failed s._domainkey.x.example TXT resource\n",
		    .dmarc = DMARC_PASS,
		    .action = CONF_ACCEPT,
		    .rule = "dkim.on_temperror" },
		{ .name = "the operator accepts",
		    .conf = "on_overload = accept\n",
		    .sender = ATTACK,
		    .header = "From: a@lost.example\r\n",
		    .zone = ";!failed _dmarc.lost.example TXT resource\n",
		    .dmarc = DMARC_TEMPERROR,
		    .action = CONF_ACCEPT,
		    .rule = "on_overload" },
	};

	(void)state;
	run_policy_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
rfc9989_11_5_invalid_from_fields(void **state)
{
	static const struct policy_case cases[] = {
		{ .name = "several fields",
		    .sender = ATTACK,
		    .header = "From: a@attack.example\r\n" BANK,
		    .dmarc = DMARC_PERMERROR,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_invalid_from",
		    .enhanced = "5.7.1" },
		{ .name = "no field",
		    .sender = ATTACK,
		    .header = "Subject: x\r\n",
		    .dmarc = DMARC_PERMERROR,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_invalid_from",
		    .enhanced = "5.7.1" },
		{ .name = "a bounce without an author domain",
		    .sender = "<>",
		    .header = "From: Mail Delivery <MAILER-DAEMON>\r\n",
		    .dmarc = DMARC_NONE,
		    .action = CONF_ACCEPT,
		    .rule = "default" },
		{ .name = "no bounce",
		    .sender = "<root>",
		    .header = "From: Mail Delivery <MAILER-DAEMON>\r\n",
		    .dmarc = DMARC_PERMERROR,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_invalid_from",
		    .enhanced = "5.7.1" },
		{ .name = "not enforced",
		    .conf = "sample = 0%\n",
		    .sender = ATTACK,
		    .header = "Subject: x\r\n",
		    .dmarc = DMARC_PERMERROR,
		    .action = CONF_ACCEPT,
		    .rule = "dmarc.on_invalid_from" },
	};

	(void)state;
	run_policy_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
rfc9989_7_4_list_claims_count_if_authenticated(void **state)
{
#define LISTS                                                                  \
	"lists.example. TXT \"v=spf1 +all\"\n"                                 \
	"bounces.list.org. TXT \"v=spf1 +all\"\n"

	static const struct policy_case cases[] = {
		{ .name = "MAIL FROM above the List-Id",
		    .sender = "<b@lists.example>",
		    .header = BANK "List-Id: <talk.eu.lists.example>\r\n",
		    .zone = LISTS,
		    .dmarc = DMARC_FAIL,
		    .action = CONF_ANNOTATE,
		    .rule = "dmarc.indirect_as_quarantine" },
		{ .name = "the list's address",
		    .sender = "<b@lists.example>",
		    .header = BANK "List-Post: <mailto:talk@lists.example>\r\n",
		    .zone = LISTS,
		    .dmarc = DMARC_FAIL,
		    .action = CONF_ANNOTATE,
		    .rule = "dmarc.indirect_as_quarantine" },
		{ .name = "siblings in one organization",
		    .sender = "<b@bounces.list.org>",
		    .header = BANK "List-Id: <talk.lists.list.org>\r\n",
		    .zone = LISTS "_dmarc.list.org. TXT \"v=DMARC1; p=none\"\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_ANNOTATE,
		    .rule = "dmarc.indirect_as_quarantine" },
		{ .name = "siblings below a public suffix",
		    .sender = "<b@bounces.list.org>",
		    .header = BANK "List-Id: <talk.lists.list.org>\r\n",
		    .zone = LISTS
		    "_dmarc.list.org. TXT \"v=DMARC1; p=none; psd=y\"\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "whether they are siblings is not known, for a lack "
			  "of ours",
		    .sender = "<b@bounces.list.org>",
		    .header = BANK "List-Id: <talk.lists.list.org>\r\n",
		    .zone = LISTS ";!failed _dmarc.list.org TXT resource\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_TEMPFAIL,
		    .rule = "dmarc.on_reject",
		    .enhanced = "4.7.26" },
		{ .name = "a List-Id of another domain",
		    .sender = "<b@lists.example>",
		    .header = BANK "List-Id: <talk.other.example>\r\n",
		    .zone = LISTS,
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "SPF of the List-Id's domain fails",
		    .sender = "<b@no.example>",
		    .header = BANK "List-Id: <talk.no.example>\r\n",
		    .zone = "no.example. TXT \"v=spf1 -all\"\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "Precedence and List-Unsubscribe",
		    .sender = "<b@lists.example>",
		    .header = BANK "Precedence: list\r\n"
				   "List-Unsubscribe: "
				   "<https://lists.example/u>\r\n",
		    .zone = LISTS,
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
	};

	(void)state;
	run_policy_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

/* RFC 6376 section 3.6.1: a domain in testing mode is treated like one without
 * a signature. */
static void
rfc6376_3_6_1_the_best_result_ignores_testing_keys(void **state)
{
#define KEY(name, text) "s._domainkey." name ". TXT \"v=DKIM1; " text "\"\n"

	static const struct {
		const char *header, *zone;
		enum dkim_code best;
	} vectors[] = {
		{ SIGNED_BY("a.example"), KEY("a.example", "p="),
		    DKIM_PERMERROR },
		{ SIGNED_BY("a.example"), KEY("a.example", "t=y; p="),
		    DKIM_NONE },
		{ SIGNED_BY("a.example") SIGNED_BY("b.example"),
		    KEY("a.example", "t=y; p=") KEY("b.example", "p="),
		    DKIM_PERMERROR },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char message[1000];
		struct verify_run r = { .sender = ATTACK, .message = message };

		snprintf(message, sizeof(message),
		    "%sFrom: a@a.example\r\n\r\nHello.\r\n", vectors[i].header);
		r.dns = pump_zone(vectors[i].zone);
		verify_run_all(&r);
		assert_int_equal(r.v->facts.dkim, vectors[i].best);
		verify_run_end(&r);
		r.dns->close(r.dns);
	}
}

/* RFC 9989 section 11.5: a From field can cause only a limited number of
 * questions. */
static void
many_deep_authors_cost_few_questions(void **state)
{
	static const struct {
		unsigned authors, most; /* questions */
	} vectors[] = { { 8, 66 }, { 9, 2 }, { 32, 2 } };

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		char message[4096];
		struct buf b = buf_wrap(message, sizeof(message));
		struct verify_run r = { .sender = ATTACK, .message = message };

		buf_text(&b, "From: ");
		for (unsigned k = 0; k < vectors[i].authors; k++)
			buf_printf(&b, "%sx@a%u.b.c.d.e.f.g%u.t%u",
			    k > 0 ? ",\r\n " : "", k, k, k);
		buf_text(&b, "\r\n\r\nHello.\r\n");
		r.dns = pump_zone(bank_zone);
		verify_run_all(&r);
		assert_int_not_equal(r.v->dmarc.code, DMARC_PASS);
		if (r.v->questions > vectors[i].most)
			fail_msg("%u authors: %u questions", vectors[i].authors,
			    r.v->questions);
		verify_run_end(&r);
		r.dns->close(r.dns);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    rfc9989_5_3_6_failures_of_unaligned_domains_do_not_help),
		cmocka_unit_test(a_lack_of_our_resources_is_deferred),
		cmocka_unit_test(rfc9989_11_5_invalid_from_fields),
		cmocka_unit_test(
		    rfc9989_7_4_list_claims_count_if_authenticated),
		cmocka_unit_test(
		    rfc6376_3_6_1_the_best_result_ignores_testing_keys),
		cmocka_unit_test(many_deep_authors_cost_few_questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
