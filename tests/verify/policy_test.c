/*
 * policy_test.c - the action and the rule that each result leads to; every rule
 * is tested alone
 */
#include "verify/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/enum_names.h"
#include "tests/support/policy_run.h"

/* ---- DMARC ---- */

static void
rfc9989_5_4_policies(void **state)
{
	static const struct policy_vector vectors[] = {
		{ .name = "no policy",
		    .conf = "",
		    .f = { MAIL },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "default",
		    .reason = "no rule applies",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "pass",
		    .conf = "",
		    .f = { MAIL, .dmarc = DMARC_PASS,
			.dmarc_policy = DMARC_POLICY_REJECT },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "default",
		    .reason = "no rule applies",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "none changes nothing",
		    .conf = "",
		    .f = { FAILS(NONE, NONE) },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "default",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "quarantine",
		    .conf = "",
		    .f = { FAILS(QUARANTINE, QUARANTINE) },
		    .action = CONF_ANNOTATE,
		    .would = CONF_ANNOTATE,
		    .rule = "dmarc.on_quarantine",
		    .reason =
			"a.example fails DMARC and its policy is quarantine",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "quarantine held",
		    .conf = "dmarc { on_quarantine = quarantine }",
		    .f = { FAILS(QUARANTINE, QUARANTINE) },
		    .action = CONF_QUARANTINE,
		    .would = CONF_QUARANTINE,
		    .rule = "dmarc.on_quarantine",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "quarantine rejected",
		    .conf = "dmarc { on_quarantine = reject }",
		    .f = { FAILS(QUARANTINE, QUARANTINE) },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_quarantine",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_LOCAL,
		    .code = 550,
		    .enhanced = "5.7.26",
		    .text =
			"DMARC policy of a.example rejects this message (rule "
			"dmarc.on_quarantine)" },
		{ .name = "reject",
		    .conf = "",
		    .f = { FAILS(REJECT, REJECT) },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .reason = "a.example fails DMARC and its policy is reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26",
		    .text =
			"DMARC policy of a.example rejects this message (rule "
			"dmarc.on_reject)" },
		{ .name = "reject deferred",
		    .conf = "dmarc { on_reject = tempfail }",
		    .f = { FAILS(REJECT, REJECT) },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_LOCAL,
		    .code = 451,
		    .enhanced = "4.7.26",
		    .text = "Deferred because it fails the DMARC policy of "
			    "a.example (rule "
			    "dmarc.on_reject)" },
		{ .name = "reject annotated",
		    .conf = "dmarc { on_reject = annotate }",
		    .f = { FAILS(REJECT, REJECT) },
		    .action = CONF_ANNOTATE,
		    .would = CONF_ANNOTATE,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_LOCAL },
		{ .name = "reject accepted",
		    .conf = "dmarc { on_reject = accept }",
		    .f = { FAILS(REJECT, REJECT) },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_LOCAL },
		{ .name = "absent policy",
		    .conf = "",
		    .f = { FAILS(ABSENT, ABSENT) },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "default",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

static void
rfc9989_4_7_test_mode(void **state)
{
	static const struct policy_vector vectors[] = {
		{ .name = "reject, t=y",
		    .conf = "",
		    .f = { FAILS(REJECT, QUARANTINE) },
		    .action = CONF_ANNOTATE,
		    .would = CONF_ANNOTATE,
		    .rule = "dmarc.on_quarantine",
		    .reason = "a.example fails DMARC and its policy is reject "
			      "in test "
			      "mode",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_TEST },
		{ .name = "quarantine, t=y",
		    .conf = "",
		    .f = { FAILS(QUARANTINE, NONE) },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "default",
		    .reason =
			"a.example fails DMARC and its policy is quarantine in "
			"test mode",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_TEST },
		{ .name = "reject, t=y, quarantine accepted",
		    .conf = "dmarc { on_quarantine = accept }",
		    .f = { FAILS(REJECT, QUARANTINE) },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "dmarc.on_quarantine",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_LOCAL },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

static void
rfc9989_7_4_indirect_mail(void **state)
{
#define ARC_OF(domain, passes)                                                 \
	.arc = ARC_PASS, .arc_sealer = { domain, sizeof(domain) - 1 },         \
	.arc_dmarc_pass = passes

#define SEALER "arc { trusted_sealers = { \"sealer.example\" } }\n"

	static const struct policy_vector vectors[] = {
		{ .name = "List-Id",
		    .conf = "",
		    .f = { FAILS(REJECT, REJECT), LIST },
		    .action = CONF_ANNOTATE,
		    .would = CONF_ANNOTATE,
		    .rule = "dmarc.indirect_as_quarantine",
		    .reason = "a.example fails DMARC but shows evidence of "
			      "indirect mail "
			      "(List-Id l.lists.example)",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_LIST },
		{ .name = "List-Post",
		    .conf = "",
		    .f = { FAILS(REJECT, REJECT), .is_list = true,
			.list_field = "List-Post",
			.list_domain = { "b.example", 9 },
			.list_by = { "b.example", 9 } },
		    .action = CONF_ANNOTATE,
		    .would = CONF_ANNOTATE,
		    .rule = "dmarc.indirect_as_quarantine",
		    .reason = "a.example fails DMARC but shows evidence of "
			      "indirect mail "
			      "(List-Post b.example)",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_LIST },
		{ .name = "a List-Id that is not authenticated",
		    .conf = "",
		    .f = { FAILS(REJECT, REJECT), .is_list = true,
			.list_id = { "l.lists.example", 15 },
			.list_field = "List-Id",
			.list_domain = { "l.lists.example", 15 } },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "Precedence: list alone",
		    .conf = "",
		    .f = { FAILS(REJECT, REJECT), .is_list = true },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "unknown whether evidence counts",
		    .conf = "",
		    .f = { FAILS(REJECT, REJECT), .evidence_cut = true },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_LOCAL,
		    .code = 451,
		    .enhanced = "4.7.26",
		    .text = "Deferred because it fails the DMARC policy of "
			    "a.example (rule "
			    "dmarc.on_reject)" },
		{ .name = "evidence that would not count anyway",
		    .conf = "dmarc { indirect_as_quarantine = no }",
		    .f = { FAILS(REJECT, REJECT), .evidence_cut = true },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "forwarder",
		    .conf = "trusted_forwarders = { 192.0.2.0/24 }",
		    .f = { FAILS(REJECT, REJECT) },
		    .action = CONF_ANNOTATE,
		    .would = CONF_ANNOTATE,
		    .rule = "dmarc.indirect_as_quarantine",
		    .reason = "a.example fails DMARC but shows evidence of "
			      "indirect mail "
			      "(a trusted forwarder)",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_FORWARDER },
		{ .name = "SPF of a forwarder",
		    .conf = "trusted_forwarders = { 192.0.2.0/24 } "
			    "spf { on_fail = reject }",
		    .f = { MAIL, .spf = SPF_FAIL },
		    .action = CONF_ANNOTATE,
		    .would = CONF_ANNOTATE,
		    .rule = "spf.on_fail",
		    .reason = "bounce.example fails SPF",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "another forwarder",
		    .conf = "trusted_forwarders = { 192.0.3.0/24 }",
		    .f = { FAILS(REJECT, REJECT) },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "trusted sealer",
		    .conf = SEALER,
		    .f = { FAILS(REJECT, REJECT),
			ARC_OF("sealer.example", true) },
		    .action = CONF_ANNOTATE,
		    .would = CONF_ANNOTATE,
		    .rule = "dmarc.indirect_as_quarantine",
		    .reason =
			"a.example fails DMARC but shows evidence of indirect "
			"mail "
			"(arc=pass with dmarc=pass, sealed by sealer.example)",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_LOCAL },
		{ .name = "other sealer",
		    .conf = SEALER,
		    .f = { FAILS(REJECT, REJECT), ARC_OF("x.example", true) },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "below the sealer",
		    .conf = SEALER,
		    .f = { FAILS(REJECT, REJECT),
			ARC_OF("x.sealer.example", true) },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "no pass at the sealer",
		    .conf = SEALER,
		    .f = { FAILS(REJECT, REJECT),
			ARC_OF("sealer.example", false) },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "chain fails",
		    .conf = SEALER,
		    .f = { FAILS(REJECT, REJECT), .arc = ARC_FAIL,
			.arc_sealer = { "sealer.example", 14 },
			.arc_dmarc_pass = true },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "no sealer is trusted",
		    .conf = "",
		    .f = { FAILS(REJECT, REJECT),
			ARC_OF("sealer.example", true) },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "switched off",
		    .conf = "dmarc { indirect_as_quarantine = no }",
		    .f = { FAILS(REJECT, REJECT), LIST },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "held",
		    .conf = "dmarc { on_quarantine = quarantine }",
		    .f = { FAILS(REJECT, REJECT), LIST },
		    .action = CONF_QUARANTINE,
		    .would = CONF_QUARANTINE,
		    .rule = "dmarc.indirect_as_quarantine",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_LIST },
		{ .name = "not rejected by on_quarantine",
		    .conf = "dmarc { on_quarantine = reject }",
		    .f = { FAILS(REJECT, REJECT), LIST },
		    .action = CONF_ANNOTATE,
		    .would = CONF_ANNOTATE,
		    .rule = "dmarc.indirect_as_quarantine",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_LIST },
		{ .name = "not deferred by on_quarantine",
		    .conf = "dmarc { on_quarantine = tempfail }",
		    .f = { FAILS(QUARANTINE, QUARANTINE), LIST },
		    .action = CONF_ANNOTATE,
		    .would = CONF_ANNOTATE,
		    .rule = "dmarc.indirect_as_quarantine",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "quarantine stays",
		    .conf = "",
		    .f = { FAILS(QUARANTINE, QUARANTINE), LIST },
		    .action = CONF_ANNOTATE,
		    .would = CONF_ANNOTATE,
		    .rule = "dmarc.on_quarantine",
		    .reason =
			"a.example fails DMARC and its policy is quarantine",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "never more severe than without evidence",
		    .conf = "dmarc { on_reject = accept on_quarantine = "
			    "quarantine }",
		    .f = { FAILS(REJECT, REJECT), LIST },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_LOCAL },
		{ .name = "test mode and a list",
		    .conf = "",
		    .f = { FAILS(REJECT, QUARANTINE), LIST },
		    .action = CONF_ANNOTATE,
		    .would = CONF_ANNOTATE,
		    .rule = "dmarc.on_quarantine",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_TEST },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

/* ---- the other outcomes, and the codes of RFC 7372 ---- */

struct policy_outcome {
	const char *option;
	struct policy_input f;
	enum conf_action standard;
	const char *reject, *tempfail;
	const char *reason;
};

/* Every outcome with every action, and with no action set. */
static void
rfc7372_3_each_outcome_and_code(void **state)
{
	static const struct policy_outcome outcomes[] = {
		{ .option = "spf.on_fail",
		    .f = { MAIL, .spf = SPF_FAIL },
		    .standard = CONF_ANNOTATE,
		    .reject = "5.7.23",
		    .tempfail = "4.7.23",
		    .reason = "bounce.example fails SPF" },
		{ .option = "spf.on_softfail",
		    .f = { MAIL, .spf = SPF_SOFTFAIL },
		    .standard = CONF_ACCEPT,
		    .reject = "5.7.1",
		    .tempfail = "4.7.1",
		    .reason = "bounce.example softfails SPF" },
		{ .option = "spf.on_temperror",
		    .f = { MAIL, .spf = SPF_TEMPERROR },
		    .standard = CONF_ACCEPT,
		    .reject = "5.7.24",
		    .tempfail = "4.7.24",
		    .reason =
			"bounce.example cannot currently be checked for SPF" },
		{ .option = "spf.on_permerror",
		    .f = { MAIL, .spf = SPF_PERMERROR },
		    .standard = CONF_ACCEPT,
		    .reject = "5.7.24",
		    .tempfail = "4.7.24",
		    .reason = "bounce.example cannot be checked for SPF: its "
			      "record is "
			      "broken" },
		{ .option = "dkim.on_temperror",
		    .f = { MAIL, .dkim = DKIM_TEMPERROR },
		    .standard = CONF_ACCEPT,
		    .reject = "5.7.20",
		    .tempfail = "4.7.20",
		    .reason = "a.example has no DKIM signature that can "
			      "currently be checked" },
		{ .option = "dmarc.on_temperror",
		    .f = { MAIL, .dmarc = DMARC_TEMPERROR },
		    .standard = CONF_ACCEPT,
		    .reject = "5.7.1",
		    .tempfail = "4.7.0",
		    .reason =
			"a.example cannot currently be checked for DMARC" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		const struct policy_outcome *o = &outcomes[i];
		size_t dot = strcspn(o->option, ".");

		for (int action = -1; action <= CONF_TEMPFAIL; action++) {
			char text[200], conf[200] = "";
			struct policy_vector v = { .name = text,
				.conf = conf,
				.f = o->f,
				.rule = o->option,
				.reason = o->reason,
				.disposition = DMARC_POLICY_NONE };

			v.action =
			    action < 0 ? o->standard : (enum conf_action)action;
			v.would = v.action;
			if (action >= 0)
				snprintf(conf, sizeof(conf), "%.*s { %s = %s }",
				    (int)dot, o->option, o->option + dot + 1,
				    conf_action_name(v.action));
			snprintf(
			    text, sizeof(text), "%s %d", o->option, action);
			if (v.action == CONF_REJECT) {
				v.code = 550;
				v.enhanced = o->reject;
			} else if (v.action == CONF_TEMPFAIL) {
				v.code = 451;
				v.enhanced = o->tempfail;
			}
			policy_run_each(&v, 1);
		}
	}
}

static void
no_rule_applies(void **state)
{
	static const struct policy_vector vectors[] = {
		{ .name = "spf none",
		    .conf = "",
		    .f = { MAIL, .spf = SPF_NONE },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "default",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "spf neutral",
		    .conf = "",
		    .f = { MAIL, .spf = SPF_NEUTRAL },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "default",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "spf pass",
		    .conf = "",
		    .f = { MAIL, .spf = SPF_PASS },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "default",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "dkim fail",
		    .conf = "dkim { on_temperror = reject }",
		    .f = { MAIL, .dkim = DKIM_FAIL },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "default",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "dmarc permerror",
		    .conf = "dmarc { on_temperror = reject }",
		    .f = { MAIL, .dmarc = DMARC_PERMERROR },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "default",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "dkim permerror",
		    .conf = "dkim { on_temperror = reject }",
		    .f = { MAIL, .dkim = DKIM_PERMERROR },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "default",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

#define REFUSES "unauthenticated { action = reject }"
#define UNTOUCHED                                                              \
	CONF_ACCEPT, CONF_ACCEPT, "default", NULL, DMARC_POLICY_NONE,          \
	    POLICY_OVERRIDE_NONE, 0, NULL, NULL
#define REFUSED                                                                \
	.action = CONF_REJECT, .would = CONF_REJECT,                           \
	.rule = "unauthenticated.action",                                      \
	.reason = "a.example passes neither SPF nor DKIM",                     \
	.disposition = DMARC_POLICY_NONE, .override = POLICY_OVERRIDE_NONE,    \
	.code = 550, .enhanced = "5.7.26"

/* Gmail refuses with 550 5.7.26, Yahoo with 550 5.7.9. */
static void
unauthenticated_mail(void **state)
{
	static const struct policy_vector vectors[] = {
		{ .name = "nothing passes",
		    .conf = REFUSES,
		    .f = { MAIL, .spf = SPF_NONE },
		    REFUSED,
		    .text = "The message from a.example passes neither SPF nor "
			    "DKIM "
			    "(rule "
			    "unauthenticated.action)" },
		{ .name = "softfail and a bad signature",
		    .conf = REFUSES,
		    .f = { MAIL, .spf = SPF_SOFTFAIL, .dkim = DKIM_FAIL },
		    REFUSED },
		{ .name = "p=none",
		    .conf = REFUSES,
		    .f = { FAILS(NONE, NONE), .spf = SPF_NEUTRAL },
		    REFUSED },
		{ .name = "a DMARC record that cannot be used",
		    .conf = REFUSES,
		    .f = { MAIL, .spf = SPF_NONE, .dmarc = DMARC_PERMERROR },
		    REFUSED },
		{ .name = "the default",
		    .conf = "",
		    .f = { MAIL, .spf = SPF_NONE },
		    .action = UNTOUCHED },
		{ .name = "deferred",
		    .conf = "unauthenticated { action = tempfail }",
		    .f = { MAIL, .spf = SPF_NONE },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "unauthenticated.action",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.26" },
		{ .name = "monitor mode",
		    .conf = "mode = monitor\n" REFUSES,
		    .f = { MAIL, .spf = SPF_NONE },
		    .action = CONF_ACCEPT,
		    .would = CONF_REJECT,
		    .rule = "unauthenticated.action",
		    .reason =
			"a.example passes neither SPF nor DKIM, not enforced: "
			"monitor mode",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "SPF passes",
		    .conf = REFUSES,
		    .f = { MAIL, .spf = SPF_PASS },
		    .action = UNTOUCHED },
		{ .name = "DKIM passes",
		    .conf = REFUSES,
		    .f = { MAIL, .spf = SPF_NONE, .dkim = DKIM_PASS },
		    .action = UNTOUCHED },
		{ .name = "SPF temporarily unknown",
		    .conf = REFUSES,
		    .f = { MAIL, .spf = SPF_TEMPERROR },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "spf.on_temperror",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "DKIM temporarily unknown",
		    .conf = REFUSES,
		    .f = { MAIL, .dkim = DKIM_TEMPERROR },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "dkim.on_temperror",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "the domain has a DMARC policy",
		    .conf = REFUSES " dmarc { on_quarantine = accept }",
		    .f = { FAILS(QUARANTINE, QUARANTINE), .spf = SPF_NONE },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "dmarc.on_quarantine",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_LOCAL },
		{ .name = "forwarded by a trusted host",
		    .conf = REFUSES " trusted_forwarders = {\"192.0.2.1\"}",
		    .f = { MAIL, .spf = SPF_NONE },
		    .action = UNTOUCHED },
		{ .name = "a list that is only a claim",
		    .conf = REFUSES,
		    .f = { MAIL, .spf = SPF_NONE, .is_list = true,
			.list_field = "List-Id",
			.list_domain = { "l.lists.example", 15 } },
		    REFUSED },
		{ .name = "this host lacked resources",
		    .conf = REFUSES " on_overload = accept",
		    .f = { MAIL, .spf = SPF_NONE, .overload = true },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "unauthenticated.action",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.26" },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9989_5_4_policies),
		cmocka_unit_test(rfc9989_4_7_test_mode),
		cmocka_unit_test(rfc9989_7_4_indirect_mail),
		cmocka_unit_test(rfc7372_3_each_outcome_and_code),
		cmocka_unit_test(no_rule_applies),
		cmocka_unit_test(unauthenticated_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
