/* policy_combined_test.c - from results to one action: several rules at once,
 * refusals, and checks that were cut short */
#include "verify/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/enum_names.h"
#include "tests/support/policy_run.h"

static void
the_most_severe_action_wins(void **state)
{
	static const struct policy_vector vectors[] = {
		{ .name = "dmarc before spf",
		    .conf = "spf { on_fail = quarantine } dmarc { on_reject = "
			    "reject }",
		    .f = { FAILS(REJECT, REJECT), .spf = SPF_FAIL },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "spf before dmarc",
		    .conf = "spf { on_fail = reject }",
		    .f = { FAILS(QUARANTINE, QUARANTINE), .spf = SPF_FAIL },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "spf.on_fail",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.23",
		    .text = "The message from bounce.example fails SPF (rule "
			    "spf.on_fail)" },
		{ .name = "deferred before held",
		    .conf = "spf { on_temperror = tempfail } "
			    "dmarc { on_quarantine = quarantine }",
		    .f = { FAILS(QUARANTINE, QUARANTINE),
			.spf = SPF_TEMPERROR },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "spf.on_temperror",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.24" },
		{ .name = "rejected before deferred",
		    .conf = "spf { on_temperror = tempfail } "
			    "dkim { on_temperror = reject }",
		    .f = { MAIL, .spf = SPF_TEMPERROR, .dkim = DKIM_TEMPERROR },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dkim.on_temperror",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.20" },
		{ .name = "RFC 7372 section 4: two that reject",
		    .conf = "spf { on_fail = reject } dkim { on_temperror = "
			    "reject }",
		    .f = { MAIL, .spf = SPF_FAIL, .dkim = DKIM_TEMPERROR },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "spf.on_fail",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "the first of equally severe rules",
		    .conf = "spf { on_softfail = accept }",
		    .f = { MAIL, .spf = SPF_SOFTFAIL, .dkim = DKIM_TEMPERROR },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "spf.on_softfail",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "SPF refuses indirect mail that DMARC does not",
		    .conf = "spf { on_fail = reject }",
		    .f = { FAILS(REJECT, REJECT), LIST, .spf = SPF_FAIL },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "spf.on_fail",
		    .reason = "bounce.example fails SPF",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_LIST,
		    .code = 550,
		    .enhanced = "5.7.23" },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

static void
rfc9989_7_1_dmarc_pass_outweighs_spf(void **state)
{
	static const struct policy_vector vectors[] = {
		{ .name = "DMARC passes",
		    .conf = "spf { on_fail = reject }",
		    .f = { MAIL, .spf = SPF_FAIL, .dmarc = DMARC_PASS },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "default",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

/* RFC 9989 sections 5.3.1 and 11.5 */
static void
rfc9989_11_5_an_invalid_from_is_rejected(void **state)
{
#define NOBODY(fault)                                                          \
	TO, SENDER, .dmarc = DMARC_PERMERROR, .from_fault = (fault)

	static const struct policy_vector vectors[] = {
		{ .name = "no field",
		    .conf = "",
		    .f = { NOBODY("no From field") },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_invalid_from",
		    .reason = "the From field of this message is invalid: no "
			      "From field",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.1",
		    .text = "The From field of this message is invalid: no "
			    "From field "
			    "(rule dmarc.on_invalid_from)" },
		{ .name = "other domains in it are not named",
		    .conf = "",
		    .f = { NOBODY("several From fields"), AUTHOR },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_invalid_from",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.1",
		    .text = "The From field of this message is invalid: "
			    "several From "
			    "fields (rule dmarc.on_invalid_from)" },
		{ .name = "quarantined",
		    .conf = "dmarc { on_invalid_from = quarantine }",
		    .f = { NOBODY("the From field is not valid") },
		    .action = CONF_QUARANTINE,
		    .would = CONF_QUARANTINE,
		    .rule = "dmarc.on_invalid_from",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "deferred",
		    .conf = "dmarc { on_invalid_from = tempfail }",
		    .f = { NOBODY("no From field") },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "dmarc.on_invalid_from",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.1" },
		{ .name = "accepted",
		    .conf = "dmarc { on_invalid_from = accept }",
		    .f = { NOBODY("no From field") },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "dmarc.on_invalid_from",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "monitored",
		    .conf = "mode = monitor",
		    .f = { NOBODY("no From field") },
		    .action = CONF_ACCEPT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_invalid_from",
		    .reason = "the From field of this message is invalid: no "
			      "From field, "
			      "not enforced: monitor mode",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "own users",
		    .conf = "skip_networks = { 192.0.2.0/24 }",
		    .f = { NOBODY("no From field") },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "skip.network",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "an override by its client lets it through",
		    .conf = "override o { client = 192.0.2.1 action = accept }",
		    .f = { NOBODY("no From field") },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "override o",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "not by an author: there may be others",
		    .conf = "override o { from_domain = a.example action = "
			    "accept }",
		    .f = { NOBODY("the From field is not valid"), AUTHOR },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_invalid_from",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.1" },
		{ .name = "an override by author may refuse it",
		    .conf = "override o { from_domain = a.example action = "
			    "tempfail }",
		    .f = { NOBODY("the From field is not valid"), AUTHOR },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "override o",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.1" },
		{ .name = "a header over the limit",
		    .conf = "",
		    .f = { TO, SENDER, .dmarc = DMARC_PERMERROR,
			.header_over_limit = true,
			.from_fault = "several From fields" },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "limit.header",
		    .reason =
			"the header of this message is larger than this host "
			"accepts, so it cannot be checked",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.3.4",
		    .text =
			"The header of this message is larger than this host "
			"accepts, so it cannot be checked (rule "
			"limit.header)" },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

/* The reply names the check that refuses, whatever DMARC says. */
static void
rfc7372_replies_name_the_check_that_refuses(void **state)
{
	static const struct policy_vector vectors[] = {
		{ .name = "DKIM, and p=none",
		    .conf = "dkim { on_temperror = reject }",
		    .f = { FAILS(NONE, NONE), .dkim = DKIM_TEMPERROR },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dkim.on_temperror",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.20",
		    .text = "The message from a.example has no DKIM signature "
			    "that can "
			    "currently be checked (rule dkim.on_temperror)" },
		{ .name = "DKIM, deferred",
		    .conf = "dkim { on_temperror = tempfail }",
		    .f = { FAILS(QUARANTINE, QUARANTINE),
			.dkim = DKIM_TEMPERROR },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "dkim.on_temperror",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.20",
		    .text = "The message from a.example has no DKIM signature "
			    "that can "
			    "currently be checked (rule dkim.on_temperror)" },
		{ .name = "a DMARC temperror, named by its author domain",
		    .conf = "dmarc { on_temperror = reject }",
		    .f = { MAIL, .dmarc = DMARC_TEMPERROR },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_temperror",
		    .reason = "a.example cannot currently be checked for DMARC",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.1" },
		{ .name = "never named by the MAIL FROM domain",
		    .conf = "dmarc { on_temperror = reject }",
		    .f = { TO, SENDER, .dmarc = DMARC_TEMPERROR },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_temperror",
		    .reason =
			"the sender cannot currently be checked for DMARC",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.1" },
		{ .name = "a domain that looks like a result",
		    .conf = "",
		    .f = { TO, SENDER, ASKS(REJECT, REJECT),
			.dmarc_domain = { "a; spf=pass.example", 19 } },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .reason = "a, spf pass.example fails DMARC and its policy "
			      "is reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26",
		    .text = "DMARC policy of a, spf pass.example rejects this "
			    "message "
			    "(rule dmarc.on_reject)" },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

/* A lack of resources defers the message, whatever on_temperror says. */
static void
overload_is_deferred_and_never_rejected(void **state)
{
	static const struct policy_vector vectors[] = {
		{ .name = "never accepted by on_temperror",
		    .conf = "dmarc { on_temperror = accept }",
		    .f = { MAIL, .dmarc = DMARC_TEMPERROR, .overload = true },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .reason =
			"this message cannot currently be checked: this host "
			"lacks resources or its DNS does not work",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.0",
		    .text =
			"This message cannot currently be checked: this host "
			"lacks resources or its DNS does not work (rule "
			"on_overload)" },
		{ .name = "the operator accepts it",
		    .conf = "on_overload = accept",
		    .f = { MAIL, .dmarc = DMARC_TEMPERROR, .overload = true },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "on_overload",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "but defers temperrors",
		    .conf = "on_overload = accept dmarc { on_temperror = "
			    "tempfail }",
		    .f = { MAIL, .dmarc = DMARC_TEMPERROR, .overload = true },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "dmarc.on_temperror",
		    .reason = "a.example cannot currently be checked for DMARC",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.0" },
		{ .name = "monitored",
		    .conf = "mode = monitor",
		    .f = { MAIL, .dmarc = DMARC_TEMPERROR, .overload = true },
		    .action = CONF_ACCEPT,
		    .would = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "a DMARC temperror is deferred, not rejected",
		    .conf =
			"on_overload = accept dmarc { on_temperror = reject }",
		    .f = { MAIL, .dmarc = DMARC_TEMPERROR, .overload = true },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "dmarc.on_temperror",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.0" },
		{ .name = "an SPF temperror too",
		    .conf =
			"on_overload = accept spf { on_temperror = reject }",
		    .f = { MAIL, .spf = SPF_TEMPERROR, .overload = true },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "spf.on_temperror",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.24" },
		{ .name = "a DKIM temperror too",
		    .conf =
			"on_overload = accept dkim { on_temperror = reject }",
		    .f = { MAIL, .dkim = DKIM_TEMPERROR, .overload = true },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "dkim.on_temperror",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.20" },
		{ .name = "takes precedence over quarantine",
		    .conf = "",
		    .f = { FAILS(QUARANTINE, QUARANTINE), .overload = true },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.0" },
		{ .name = "with an invalid From that is accepted",
		    .conf = "dmarc { on_invalid_from = accept }",
		    .f = { TO, SENDER, .dmarc = DMARC_PERMERROR,
			.from_fault = "no From field", .overload = true },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.0",
		    .text =
			"This message cannot currently be checked: this host "
			"lacks resources or its DNS does not work (rule "
			"on_overload)" },
		{ .name = "completed checks decide",
		    .conf = "",
		    .f = { FAILS(REJECT, REJECT), .overload = true },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "the domain's own DNS is not our lack of resources",
		    .conf = "",
		    .f = { MAIL, .dmarc = DMARC_TEMPERROR },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "dmarc.on_temperror",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

/* ---- skips ---- */

static void
own_users_are_never_refused(void **state)
{
	static const struct policy_input v4 = { MAIL, .dmarc = DMARC_FAIL,
		.dmarc_policy = DMARC_POLICY_REJECT,
		.dmarc_disposition = DMARC_POLICY_REJECT };
	static const struct {
		const char *name, *conf;
		struct ip client;
		bool authenticated;
		const char *rule; /* NULL: not skipped */
	} vectors[] = {
		{ .name = "loopback",
		    .conf = "",
		    .client = { IP_V4, { 127, 0, 0, 1 } },
		    .rule = "skip.network" },
		{ .name = "IPv6 loopback",
		    .conf = "",
		    .client = { IP_V6, { [15] = 1 } },
		    .rule = "skip.network" },
		{ .name = "another network", .conf = "", .client = CLIENT },
		{ .name = "unknown client",
		    .conf = "",
		    .client = { IP_NONE, { 0 } } },
		{ .name = "unknown client, all networks listed",
		    .conf = "skip_networks = { 0.0.0.0/0, ::/0 }",
		    .client = { IP_NONE, { 0 } } },
		{ .name = "listed",
		    .conf = "skip_networks = { 192.0.2.0/24 }",
		    .client = CLIENT,
		    .rule = "skip.network" },
		{ .name = "not listed",
		    .conf = "skip_networks = { 192.0.2.0/24 }",
		    .client = { IP_V4, { 127, 0, 0, 1 } } },
		{ .name = "no domain",
		    .conf = "skip_networks = {}",
		    .client = { IP_V4, { 127, 0, 0, 1 } } },
		{ .name = "logged in",
		    .conf = "",
		    .client = CLIENT,
		    .authenticated = true,
		    .rule = "skip.authenticated" },
		{ .name = "logged in is not enough",
		    .conf = "skip_authenticated = no",
		    .client = CLIENT,
		    .authenticated = true },
		{ .name = "skipping takes precedence over overrides",
		    .conf = "override o { client = ::/0 client += 0.0.0.0/0 "
			    "action = "
			    "reject }",
		    .client = CLIENT,
		    .authenticated = true,
		    .rule = "skip.authenticated" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct conf *c = policy_run_conf(vectors[i].conf);
		struct arena *a = arena_new(1 << 16);
		struct policy_input f = v4;
		struct policy_decision d;
		const char *skip;

		f.client = vectors[i].client;
		f.authenticated = vectors[i].authenticated;
		skip = policy_skip(c, &f);
		policy_decide(c, &f, POLICY_RUN_NOW, a, &d);
		if ((skip != NULL) != (vectors[i].rule != NULL) ||
		    d.skipped != (vectors[i].rule != NULL))
			fail_msg("%s: %s", vectors[i].name,
			    skip != NULL ? skip : "refused");
		if (vectors[i].rule != NULL) {
			assert_string_equal(skip, vectors[i].rule);
			assert_true(span_is(d.rule, vectors[i].rule));
			assert_int_equal(d.action, CONF_ACCEPT);
			assert_int_equal(d.would, CONF_ACCEPT);
			assert_int_equal(d.code, 0);
			assert_int_equal(d.override, POLICY_OVERRIDE_LOCAL);
			assert_true(d.reason.n > 0);
		} else {
			assert_int_equal(d.action, CONF_REJECT);
		}
		arena_free(a);
		conf_unref(c);
	}
}

/* RFC 7208 section 8.6: if the check is impossible for now, the client may try
 * again. */
static void
without_memory_for_any_check(void **state)
{
	static const struct {
		const char *conf;
		enum conf_action action;
	} cases[] = {
#define FLOWS "on_overload = accept\n"
		{ "", CONF_TEMPFAIL },
		{ "mode = monitor\n", CONF_ACCEPT },
		{ FLOWS, CONF_ACCEPT },
		{ FLOWS "dmarc { on_temperror = annotate }\n", CONF_ACCEPT },
		{ FLOWS "spf { on_permerror = reject }\n", CONF_ACCEPT },
		{ FLOWS "dmarc { on_temperror = tempfail }\n", CONF_TEMPFAIL },
		{ FLOWS "spf { on_temperror = tempfail }\n", CONF_TEMPFAIL },
		{ FLOWS "dkim { on_temperror = tempfail }\n", CONF_TEMPFAIL },
		{ "mode = monitor\ndmarc { on_temperror = tempfail }\n",
		    CONF_ACCEPT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct conf *c = policy_run_conf(cases[i].conf);

		if (policy_unchecked(c) != cases[i].action)
			fail_msg("%s", cases[i].conf);
		conf_unref(c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_severe_action_wins),
		cmocka_unit_test(rfc9989_7_1_dmarc_pass_outweighs_spf),
		cmocka_unit_test(rfc9989_11_5_an_invalid_from_is_rejected),
		cmocka_unit_test(rfc7372_replies_name_the_check_that_refuses),
		cmocka_unit_test(overload_is_deferred_and_never_rejected),
		cmocka_unit_test(own_users_are_never_refused),
		cmocka_unit_test(without_memory_for_any_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
