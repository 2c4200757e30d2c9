/* policy_test.c - from results to one action, with the rule that decided */
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
		{ "no policy", "", { MAIL }, CONF_ACCEPT, CONF_ACCEPT,
		    "default", "no rule objects", DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "pass", "",
		    { MAIL, .dmarc = DMARC_PASS,
			.dmarc_policy = DMARC_POLICY_REJECT },
		    CONF_ACCEPT, CONF_ACCEPT, "default", "no rule objects",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "none changes nothing", "", { FAILS(NONE, NONE) },
		    CONF_ACCEPT, CONF_ACCEPT, "default", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "quarantine", "", { FAILS(QUARANTINE, QUARANTINE) },
		    CONF_ANNOTATE, CONF_ANNOTATE, "dmarc.on_quarantine",
		    "a.example fails DMARC and its policy is quarantine",
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_NONE, 0, NULL,
		    NULL },
		{ "quarantine held", "dmarc { on_quarantine = quarantine }",
		    { FAILS(QUARANTINE, QUARANTINE) }, CONF_QUARANTINE,
		    CONF_QUARANTINE, "dmarc.on_quarantine", NULL,
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_NONE, 0, NULL,
		    NULL },
		{ "quarantine rejected", "dmarc { on_quarantine = reject }",
		    { FAILS(QUARANTINE, QUARANTINE) }, CONF_REJECT, CONF_REJECT,
		    "dmarc.on_quarantine", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_LOCAL, 550, "5.7.26",
		    "DMARC policy of a.example rejects this message (rule "
		    "dmarc.on_quarantine)" },
		{ "reject", "", { FAILS(REJECT, REJECT) }, CONF_REJECT,
		    CONF_REJECT, "dmarc.on_reject",
		    "a.example fails DMARC and its policy is reject",
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    "DMARC policy of a.example rejects this message (rule "
		    "dmarc.on_reject)" },
		{ "reject deferred", "dmarc { on_reject = tempfail }",
		    { FAILS(REJECT, REJECT) }, CONF_TEMPFAIL, CONF_TEMPFAIL,
		    "dmarc.on_reject", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_LOCAL, 451, "4.7.26",
		    "DMARC policy of a.example defers this message (rule "
		    "dmarc.on_reject)" },
		{ "reject annotated", "dmarc { on_reject = annotate }",
		    { FAILS(REJECT, REJECT) }, CONF_ANNOTATE, CONF_ANNOTATE,
		    "dmarc.on_reject", NULL, DMARC_POLICY_QUARANTINE,
		    POLICY_OVERRIDE_LOCAL, 0, NULL, NULL },
		{ "reject accepted", "dmarc { on_reject = accept }",
		    { FAILS(REJECT, REJECT) }, CONF_ACCEPT, CONF_ACCEPT,
		    "dmarc.on_reject", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_LOCAL, 0, NULL, NULL },
		{ "absent policy", "", { FAILS(ABSENT, ABSENT) }, CONF_ACCEPT,
		    CONF_ACCEPT, "default", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

static void
rfc9989_4_7_test_mode(void **state)
{
	static const struct policy_vector vectors[] = {
		{ "reject, t=y", "", { FAILS(REJECT, QUARANTINE) },
		    CONF_ANNOTATE, CONF_ANNOTATE, "dmarc.on_quarantine",
		    "a.example fails DMARC and its policy is reject in test "
		    "mode",
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_TEST, 0, NULL,
		    NULL },
		{ "quarantine, t=y", "", { FAILS(QUARANTINE, NONE) },
		    CONF_ACCEPT, CONF_ACCEPT, "default",
		    "a.example fails DMARC and its policy is quarantine in "
		    "test mode",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_TEST, 0, NULL, NULL },
		{ "reject, t=y, and milder still",
		    "dmarc { on_quarantine = accept }",
		    { FAILS(REJECT, QUARANTINE) }, CONF_ACCEPT, CONF_ACCEPT,
		    "dmarc.on_quarantine", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_LOCAL, 0, NULL, NULL },
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
		{ "List-Id", "", { FAILS(REJECT, REJECT), LIST }, CONF_ANNOTATE,
		    CONF_ANNOTATE, "dmarc.indirect_as_quarantine",
		    "a.example fails DMARC but shows a mark of indirect mail "
		    "(List-Id l.lists.example)",
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_LIST, 0, NULL,
		    NULL },
		{ "List-Post", "",
		    { FAILS(REJECT, REJECT), .is_list = true,
			.list_field = "List-Post",
			.list_domain = { "b.example", 9 },
			.list_by = { "b.example", 9 } },
		    CONF_ANNOTATE, CONF_ANNOTATE,
		    "dmarc.indirect_as_quarantine",
		    "a.example fails DMARC but shows a mark of indirect mail "
		    "(List-Post b.example)",
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_LIST, 0, NULL,
		    NULL },
		{ "a List-Id that nobody vouches for", "",
		    { FAILS(REJECT, REJECT), .is_list = true,
			.list_id = { "l.lists.example", 15 },
			.list_field = "List-Id",
			.list_domain = { "l.lists.example", 15 } },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_reject", NULL,
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    NULL },
		{ "Precedence: list alone", "",
		    { FAILS(REJECT, REJECT), .is_list = true }, CONF_REJECT,
		    CONF_REJECT, "dmarc.on_reject", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_NONE, 550, "5.7.26", NULL },
		{ "whether a mark counts could not be found out", "",
		    { FAILS(REJECT, REJECT), .mark_cut = true }, CONF_TEMPFAIL,
		    CONF_TEMPFAIL, "dmarc.on_reject", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_LOCAL, 451, "4.7.26",
		    "DMARC policy of a.example defers this message (rule "
		    "dmarc.on_reject)" },
		{ "nor would it count", "dmarc { indirect_as_quarantine = no }",
		    { FAILS(REJECT, REJECT), .mark_cut = true }, CONF_REJECT,
		    CONF_REJECT, "dmarc.on_reject", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_NONE, 550, "5.7.26", NULL },
		{ "forwarder", "trusted_forwarders = { 192.0.2.0/24 }",
		    { FAILS(REJECT, REJECT) }, CONF_ANNOTATE, CONF_ANNOTATE,
		    "dmarc.indirect_as_quarantine",
		    "a.example fails DMARC but shows a mark of indirect mail "
		    "(a trusted forwarder)",
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_FORWARDER, 0, NULL,
		    NULL },
		{ "another forwarder", "trusted_forwarders = { 192.0.3.0/24 }",
		    { FAILS(REJECT, REJECT) }, CONF_REJECT, CONF_REJECT,
		    "dmarc.on_reject", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_NONE, 550, "5.7.26", NULL },
		{ "trusted sealer", SEALER,
		    { FAILS(REJECT, REJECT), ARC_OF("sealer.example", true) },
		    CONF_ANNOTATE, CONF_ANNOTATE,
		    "dmarc.indirect_as_quarantine",
		    "a.example fails DMARC but shows a mark of indirect mail "
		    "(arc=pass with dmarc=pass, sealed by sealer.example)",
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_LOCAL, 0, NULL,
		    NULL },
		{ "other sealer", SEALER,
		    { FAILS(REJECT, REJECT), ARC_OF("x.example", true) },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_reject", NULL,
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    NULL },
		{ "below the sealer", SEALER,
		    { FAILS(REJECT, REJECT), ARC_OF("x.sealer.example", true) },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_reject", NULL,
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    NULL },
		{ "no pass at the sealer", SEALER,
		    { FAILS(REJECT, REJECT), ARC_OF("sealer.example", false) },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_reject", NULL,
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    NULL },
		{ "chain fails", SEALER,
		    { FAILS(REJECT, REJECT), .arc = ARC_FAIL,
			.arc_sealer = { "sealer.example", 14 },
			.arc_dmarc_pass = true },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_reject", NULL,
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    NULL },
		{ "no sealer is trusted", "",
		    { FAILS(REJECT, REJECT), ARC_OF("sealer.example", true) },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_reject", NULL,
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    NULL },
		{ "switched off", "dmarc { indirect_as_quarantine = no }",
		    { FAILS(REJECT, REJECT), LIST }, CONF_REJECT, CONF_REJECT,
		    "dmarc.on_reject", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_NONE, 550, "5.7.26", NULL },
		{ "held", "dmarc { on_quarantine = quarantine }",
		    { FAILS(REJECT, REJECT), LIST }, CONF_QUARANTINE,
		    CONF_QUARANTINE, "dmarc.indirect_as_quarantine", NULL,
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_LIST, 0, NULL,
		    NULL },
		{ "never refused by quarantine",
		    "dmarc { on_quarantine = reject }",
		    { FAILS(REJECT, REJECT), LIST }, CONF_ANNOTATE,
		    CONF_ANNOTATE, "dmarc.indirect_as_quarantine", NULL,
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_LIST, 0, NULL,
		    NULL },
		{ "nor deferred", "dmarc { on_quarantine = tempfail }",
		    { FAILS(QUARANTINE, QUARANTINE), LIST }, CONF_ANNOTATE,
		    CONF_ANNOTATE, "dmarc.indirect_as_quarantine", NULL,
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_NONE, 0, NULL,
		    NULL },
		{ "quarantine stays", "",
		    { FAILS(QUARANTINE, QUARANTINE), LIST }, CONF_ANNOTATE,
		    CONF_ANNOTATE, "dmarc.on_quarantine",
		    "a.example fails DMARC and its policy is quarantine",
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_NONE, 0, NULL,
		    NULL },
		{ "never harsher than without",
		    "dmarc { on_reject = accept on_quarantine = quarantine }",
		    { FAILS(REJECT, REJECT), LIST }, CONF_ACCEPT, CONF_ACCEPT,
		    "dmarc.on_reject", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_LOCAL, 0, NULL, NULL },
		{ "test mode and a list", "",
		    { FAILS(REJECT, QUARANTINE), LIST }, CONF_ANNOTATE,
		    CONF_ANNOTATE, "dmarc.on_quarantine", NULL,
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_TEST, 0, NULL,
		    NULL },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

/* ---- the other outcomes, and RFC 7372's codes ---- */

struct outcome {
	const char *option;
	struct policy_input f;
	enum conf_action standard;
	const char *reject, *tempfail;
	const char *reason;
};

/* Each outcome with each action, and with none set. */
static void
rfc7372_3_each_outcome_and_code(void **state)
{
	static const struct outcome outcomes[] = {
		{ "spf.on_fail", { MAIL, .spf = SPF_FAIL }, CONF_ANNOTATE,
		    "5.7.23", "4.7.23", "bounce.example fails SPF" },
		{ "spf.on_softfail", { MAIL, .spf = SPF_SOFTFAIL }, CONF_ACCEPT,
		    "5.7.1", "4.7.1", "bounce.example softfails SPF" },
		{ "spf.on_temperror", { MAIL, .spf = SPF_TEMPERROR },
		    CONF_ACCEPT, "5.7.24", "4.7.24",
		    "bounce.example cannot be checked for SPF for now" },
		{ "spf.on_permerror", { MAIL, .spf = SPF_PERMERROR },
		    CONF_ACCEPT, "5.7.24", "4.7.24",
		    "bounce.example cannot be checked for SPF, its record is "
		    "broken" },
		{ "spf.on_weak_pass",
		    { MAIL, .spf = SPF_PASS, .spf_weakness = SPF_WEAK_ALL },
		    CONF_ACCEPT, "5.7.1", "4.7.1",
		    "bounce.example passes SPF by a record that lets nearly "
		    "everyone pass" },
		{ "dkim.on_temperror", { MAIL, .dkim = DKIM_TEMPERROR },
		    CONF_ACCEPT, "5.7.20", "4.7.20",
		    "a.example has no DKIM signature that can be checked for "
		    "now" },
		{ "dkim.on_permerror", { MAIL, .dkim = DKIM_PERMERROR },
		    CONF_ACCEPT, "5.7.20", "4.7.20",
		    "a.example has no DKIM signature that can be used" },
		{ "dmarc.on_temperror", { MAIL, .dmarc = DMARC_TEMPERROR },
		    CONF_ACCEPT, "5.7.1", "4.7.0",
		    "a.example cannot be checked for DMARC for now" },
		{ "dmarc.on_permerror", { MAIL, .dmarc = DMARC_PERMERROR },
		    CONF_ACCEPT, "5.7.1", "4.7.1",
		    "a.example cannot be checked for DMARC" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		const struct outcome *o = &outcomes[i];
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
nothing_to_object_to(void **state)
{
	static const struct policy_vector vectors[] = {
		{ "spf none", "", { MAIL, .spf = SPF_NONE }, CONF_ACCEPT,
		    CONF_ACCEPT, "default", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "spf neutral", "", { MAIL, .spf = SPF_NEUTRAL }, CONF_ACCEPT,
		    CONF_ACCEPT, "default", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "spf pass", "spf { on_weak_pass = reject }",
		    { MAIL, .spf = SPF_PASS }, CONF_ACCEPT, CONF_ACCEPT,
		    "default", NULL, DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0,
		    NULL, NULL },
		{ "dkim fail", "dkim { on_permerror = reject }",
		    { MAIL, .dkim = DKIM_FAIL }, CONF_ACCEPT, CONF_ACCEPT,
		    "default", NULL, DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0,
		    NULL, NULL },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

#define REFUSES "unauthenticated { action = reject }"
#define UNTOUCHED                                                              \
	CONF_ACCEPT, CONF_ACCEPT, "default", NULL, DMARC_POLICY_NONE,          \
	    POLICY_OVERRIDE_NONE, 0, NULL, NULL
#define REFUSED                                                                \
	CONF_REJECT, CONF_REJECT, "unauthenticated.action",                    \
	    "a.example passes neither SPF nor DKIM", DMARC_POLICY_NONE,        \
	    POLICY_OVERRIDE_NONE, 550, "5.7.26"

/* Gmail: 550 5.7.26, Yahoo: 550 5.7.9 */
static void
unauthenticated_mail(void **state)
{
	static const struct policy_vector vectors[] = {
		{ "nothing passes", REFUSES, { MAIL, .spf = SPF_NONE }, REFUSED,
		    "The message of a.example passes neither SPF nor DKIM "
		    "(rule "
		    "unauthenticated.action)" },
		{ "softfail and a bad signature", REFUSES,
		    { MAIL, .spf = SPF_SOFTFAIL, .dkim = DKIM_FAIL }, REFUSED,
		    NULL },
		{ "p=none", REFUSES, { FAILS(NONE, NONE), .spf = SPF_NEUTRAL },
		    REFUSED, NULL },
		{ "the default", "", { MAIL, .spf = SPF_NONE }, UNTOUCHED },
		{ "deferred", "unauthenticated { action = tempfail }",
		    { MAIL, .spf = SPF_NONE }, CONF_TEMPFAIL, CONF_TEMPFAIL,
		    "unauthenticated.action", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 451, "4.7.26", NULL },
		{ "monitor mode", "mode = monitor\n" REFUSES,
		    { MAIL, .spf = SPF_NONE }, CONF_ACCEPT, CONF_REJECT,
		    "unauthenticated.action",
		    "a.example passes neither SPF nor DKIM, not enforced: "
		    "monitor mode",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "SPF passes", REFUSES, { MAIL, .spf = SPF_PASS }, UNTOUCHED },
		{ "DKIM passes", REFUSES,
		    { MAIL, .spf = SPF_NONE, .dkim = DKIM_PASS }, UNTOUCHED },
		{ "SPF is not known for now", REFUSES,
		    { MAIL, .spf = SPF_TEMPERROR }, CONF_ACCEPT, CONF_ACCEPT,
		    "spf.on_temperror", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "DKIM is not known for now", REFUSES,
		    { MAIL, .dkim = DKIM_TEMPERROR }, CONF_ACCEPT, CONF_ACCEPT,
		    "dkim.on_temperror", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "a policy of its own says what to do",
		    REFUSES " dmarc { on_quarantine = accept }",
		    { FAILS(QUARANTINE, QUARANTINE), .spf = SPF_NONE },
		    CONF_ACCEPT, CONF_ACCEPT, "dmarc.on_quarantine", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_LOCAL, 0, NULL, NULL },
		{ "forwarded by a trusted host",
		    REFUSES " trusted_forwarders = {\"192.0.2.1\"}",
		    { MAIL, .spf = SPF_NONE }, UNTOUCHED },
		{ "a list that is only a claim", REFUSES,
		    { MAIL, .spf = SPF_NONE, .is_list = true,
			.list_field = "List-Id",
			.list_domain = { "l.lists.example", 15 } },
		    REFUSED, NULL },
		{ "this host lacked resources", REFUSES " on_overload = accept",
		    { MAIL, .spf = SPF_NONE, .overload = true }, CONF_TEMPFAIL,
		    CONF_TEMPFAIL, "unauthenticated.action", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 451, "4.7.26",
		    NULL },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

static void
the_furthest_action_is_taken(void **state)
{
	static const struct policy_vector vectors[] = {
		{ "dmarc before spf",
		    "spf { on_fail = quarantine } dmarc { on_reject = reject }",
		    { FAILS(REJECT, REJECT), .spf = SPF_FAIL }, CONF_REJECT,
		    CONF_REJECT, "dmarc.on_reject", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_NONE, 550, "5.7.26", NULL },
		{ "spf before dmarc", "spf { on_fail = reject }",
		    { FAILS(QUARANTINE, QUARANTINE), .spf = SPF_FAIL },
		    CONF_REJECT, CONF_REJECT, "spf.on_fail", NULL,
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_NONE, 550,
		    "5.7.23",
		    "The message of bounce.example fails SPF (rule "
		    "spf.on_fail)" },
		{ "deferred before held",
		    "spf { on_temperror = tempfail } "
		    "dmarc { on_quarantine = quarantine }",
		    { FAILS(QUARANTINE, QUARANTINE), .spf = SPF_TEMPERROR },
		    CONF_TEMPFAIL, CONF_TEMPFAIL, "spf.on_temperror", NULL,
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_NONE, 451,
		    "4.7.24", NULL },
		{ "rejected before deferred",
		    "spf { on_temperror = tempfail } "
		    "dkim { on_permerror = reject }",
		    { MAIL, .spf = SPF_TEMPERROR, .dkim = DKIM_PERMERROR },
		    CONF_REJECT, CONF_REJECT, "dkim.on_permerror", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 550, "5.7.20",
		    NULL },
		{ "RFC 7372 section 4: two that reject",
		    "spf { on_fail = reject } dkim { on_permerror = reject }",
		    { MAIL, .spf = SPF_FAIL, .dkim = DKIM_PERMERROR },
		    CONF_REJECT, CONF_REJECT, "spf.on_fail", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    NULL },
		{ "the first of equals", "spf { on_softfail = accept }",
		    { MAIL, .spf = SPF_SOFTFAIL, .dkim = DKIM_PERMERROR },
		    CONF_ACCEPT, CONF_ACCEPT, "spf.on_softfail", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "SPF refuses what indirect mail is spared",
		    "spf { on_fail = reject }",
		    { FAILS(REJECT, REJECT), LIST, .spf = SPF_FAIL },
		    CONF_REJECT, CONF_REJECT, "spf.on_fail",
		    "bounce.example fails SPF", DMARC_POLICY_QUARANTINE,
		    POLICY_OVERRIDE_LIST, 550, "5.7.23", NULL },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

static void
rfc9989_7_1_dmarc_pass_outweighs_spf(void **state)
{
	static const struct policy_vector vectors[] = {
		{ "spared", "spf { on_fail = reject }",
		    { MAIL, .spf = SPF_FAIL, .dmarc = DMARC_PASS }, CONF_ACCEPT,
		    CONF_ACCEPT, "default", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "not spared",
		    "spf { on_fail = reject ignore_spf_if_dmarc_passes = no }",
		    { MAIL, .spf = SPF_FAIL, .dmarc = DMARC_PASS }, CONF_REJECT,
		    CONF_REJECT, "spf.on_fail", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 550, "5.7.23", NULL },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

/* RFC 7489 section 6.6.4, which RFC 9989 appendix A.6 has removed. */
static void
pct_zero_is_like_test_mode_if_the_operator_says_so(void **state)
{
#define PCT_ZERO "dmarc { pct_zero_is_testing = yes }\n"

	static const struct policy_vector vectors[] = {
		{ "ignored", "",
		    { FAILS(REJECT, REJECT), .dmarc_pct_zero = true },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_reject", NULL,
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    NULL },
		{ "reject", PCT_ZERO,
		    { FAILS(REJECT, REJECT), .dmarc_pct_zero = true },
		    CONF_ANNOTATE, CONF_ANNOTATE, "dmarc.on_quarantine",
		    "a.example fails DMARC and its policy is reject with pct=0",
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_LOCAL, 0, NULL,
		    NULL },
		{ "quarantine", PCT_ZERO,
		    { FAILS(QUARANTINE, QUARANTINE), .dmarc_pct_zero = true },
		    CONF_ACCEPT, CONF_ACCEPT, "default",
		    "a.example fails DMARC and its policy is quarantine with "
		    "pct=0",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_LOCAL, 0, NULL, NULL },
		{ "with t=y it is one level still", PCT_ZERO,
		    { FAILS(REJECT, QUARANTINE), .dmarc_pct_zero = true },
		    CONF_ANNOTATE, CONF_ANNOTATE, "dmarc.on_quarantine",
		    "a.example fails DMARC and its policy is reject in test "
		    "mode",
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_TEST, 0, NULL,
		    NULL },
		{ "another pct", PCT_ZERO, { FAILS(REJECT, REJECT) },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_reject", NULL,
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    NULL },
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
		{ "no field", "", { NOBODY("no From field") }, CONF_REJECT,
		    CONF_REJECT, "dmarc.on_invalid_from",
		    "the From field of this message is invalid: no From field",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 550, "5.7.1",
		    "The From field of this message is invalid: no From field "
		    "(rule dmarc.on_invalid_from)" },
		{ "what else it names is not said", "",
		    { NOBODY("several From fields"), AUTHOR }, CONF_REJECT,
		    CONF_REJECT, "dmarc.on_invalid_from", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 550, "5.7.1",
		    "The From field of this message is invalid: several From "
		    "fields (rule dmarc.on_invalid_from)" },
		{ "no matter of on_permerror",
		    "dmarc { on_permerror = reject on_invalid_from = "
		    "quarantine }",
		    { NOBODY("the From field is not valid") }, CONF_QUARANTINE,
		    CONF_QUARANTINE, "dmarc.on_invalid_from", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "deferred", "dmarc { on_invalid_from = tempfail }",
		    { NOBODY("no From field") }, CONF_TEMPFAIL, CONF_TEMPFAIL,
		    "dmarc.on_invalid_from", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 451, "4.7.1", NULL },
		{ "accepted", "dmarc { on_invalid_from = accept }",
		    { NOBODY("no From field") }, CONF_ACCEPT, CONF_ACCEPT,
		    "dmarc.on_invalid_from", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "monitored", "mode = monitor", { NOBODY("no From field") },
		    CONF_ACCEPT, CONF_REJECT, "dmarc.on_invalid_from",
		    "the From field of this message is invalid: no From field, "
		    "not enforced: monitor mode",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "own users", "skip_networks = { 192.0.2.0/24 }",
		    { NOBODY("no From field") }, CONF_ACCEPT, CONF_ACCEPT,
		    "skip.network", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "an override by its client lets it through",
		    "override o { client = 192.0.2.1 action = accept }",
		    { NOBODY("no From field") }, CONF_ACCEPT, CONF_ACCEPT,
		    "override o", NULL, DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE,
		    0, NULL, NULL },
		{ "none by an author: there may be others",
		    "override o { from_domain = a.example action = accept }",
		    { NOBODY("the From field is not valid"), AUTHOR },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_invalid_from", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 550, "5.7.1",
		    NULL },
		{ "which an override may refuse",
		    "override o { from_domain = a.example action = tempfail }",
		    { NOBODY("the From field is not valid"), AUTHOR },
		    CONF_TEMPFAIL, CONF_TEMPFAIL, "override o", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 451, "4.7.1",
		    NULL },
		{ "a header over the limit", "",
		    { TO, SENDER, .dmarc = DMARC_PERMERROR,
			.header_over_limit = true,
			.from_fault = "several From fields" },
		    CONF_REJECT, CONF_REJECT, "limit.header",
		    "the header of this message is larger than this host "
		    "accepts, it cannot be checked",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 550, "5.3.4",
		    "The header of this message is larger than this host "
		    "accepts, it cannot be checked (rule limit.header)" },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

/* The reply names the check that refuses, whatever DMARC says. */
static void
rfc7372_replies_name_the_check_that_refuses(void **state)
{
	static const struct policy_vector vectors[] = {
		{ "DKIM, and p=none", "dkim { on_permerror = reject }",
		    { FAILS(NONE, NONE), .dkim = DKIM_PERMERROR }, CONF_REJECT,
		    CONF_REJECT, "dkim.on_permerror", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 550, "5.7.20",
		    "The message of a.example has no DKIM signature that can "
		    "be used (rule dkim.on_permerror)" },
		{ "DKIM, deferred", "dkim { on_temperror = tempfail }",
		    { FAILS(QUARANTINE, QUARANTINE), .dkim = DKIM_TEMPERROR },
		    CONF_TEMPFAIL, CONF_TEMPFAIL, "dkim.on_temperror", NULL,
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_NONE, 451,
		    "4.7.20",
		    "The message of a.example has no DKIM signature that can "
		    "be checked for now (rule dkim.on_temperror)" },
		{ "a broken record, named by its author domain",
		    "dmarc { on_permerror = reject }",
		    { MAIL, .dmarc = DMARC_PERMERROR }, CONF_REJECT,
		    CONF_REJECT, "dmarc.on_permerror",
		    "a.example cannot be checked for DMARC", DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 550, "5.7.1", NULL },
		{ "never by MAIL FROM's domain",
		    "dmarc { on_permerror = reject }",
		    { TO, SENDER, .dmarc = DMARC_PERMERROR }, CONF_REJECT,
		    CONF_REJECT, "dmarc.on_permerror",
		    "the sender cannot be checked for DMARC", DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 550, "5.7.1", NULL },
		{ "a domain that looks like a result", "",
		    { TO, SENDER, ASKS(REJECT, REJECT),
			.dmarc_domain = { "a; spf=pass.example", 19 } },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_reject",
		    "a, spf pass.example fails DMARC and its policy is reject",
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    "DMARC policy of a, spf pass.example rejects this message "
		    "(rule dmarc.on_reject)" },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

/* What we were short of is deferred, whatever on_temperror says. */
static void
overload_is_deferred_and_never_rejected(void **state)
{
	static const struct policy_vector vectors[] = {
		{ "never accepted by on_temperror",
		    "dmarc { on_temperror = accept }",
		    { MAIL, .dmarc = DMARC_TEMPERROR, .overload = true },
		    CONF_TEMPFAIL, CONF_TEMPFAIL, "on_overload",
		    "this message cannot be checked for now, this host is "
		    "short of resources or its DNS does not work",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 451, "4.7.0",
		    "This message cannot be checked for now, this host is "
		    "short of resources or its DNS does not work (rule "
		    "on_overload)" },
		{ "the operator accepts it", "on_overload = accept",
		    { MAIL, .dmarc = DMARC_TEMPERROR, .overload = true },
		    CONF_ACCEPT, CONF_ACCEPT, "on_overload", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "but defers temperrors",
		    "on_overload = accept dmarc { on_temperror = tempfail }",
		    { MAIL, .dmarc = DMARC_TEMPERROR, .overload = true },
		    CONF_TEMPFAIL, CONF_TEMPFAIL, "dmarc.on_temperror",
		    "a.example cannot be checked for DMARC for now",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 451, "4.7.0",
		    NULL },
		{ "monitored", "mode = monitor",
		    { MAIL, .dmarc = DMARC_TEMPERROR, .overload = true },
		    CONF_ACCEPT, CONF_TEMPFAIL, "on_overload", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "dmarc temperror is not refused for good",
		    "on_overload = accept dmarc { on_temperror = reject }",
		    { MAIL, .dmarc = DMARC_TEMPERROR, .overload = true },
		    CONF_TEMPFAIL, CONF_TEMPFAIL, "dmarc.on_temperror", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 451, "4.7.0",
		    NULL },
		{ "nor spf temperror",
		    "on_overload = accept spf { on_temperror = reject }",
		    { MAIL, .spf = SPF_TEMPERROR, .overload = true },
		    CONF_TEMPFAIL, CONF_TEMPFAIL, "spf.on_temperror", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 451, "4.7.24",
		    NULL },
		{ "nor dkim permerror",
		    "on_overload = accept dkim { on_permerror = reject }",
		    { MAIL, .dkim = DKIM_PERMERROR, .overload = true },
		    CONF_TEMPFAIL, CONF_TEMPFAIL, "dkim.on_permerror", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 451, "4.7.20",
		    NULL },
		{ "no quarantine goes before it", "",
		    { FAILS(QUARANTINE, QUARANTINE), .overload = true },
		    CONF_TEMPFAIL, CONF_TEMPFAIL, "on_overload", NULL,
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_NONE, 451, "4.7.0",
		    NULL },
		{ "with an invalid From that is accepted",
		    "dmarc { on_invalid_from = accept }",
		    { TO, SENDER, .dmarc = DMARC_PERMERROR,
			.from_fault = "no From field", .overload = true },
		    CONF_TEMPFAIL, CONF_TEMPFAIL, "on_overload", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 451, "4.7.0",
		    "This message cannot be checked for now, this host is "
		    "short of resources or its DNS does not work (rule "
		    "on_overload)" },
		{ "what was found out decides", "",
		    { FAILS(REJECT, REJECT), .overload = true }, CONF_REJECT,
		    CONF_REJECT, "dmarc.on_reject", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_NONE, 550, "5.7.26", NULL },
		{ "the domain's own DNS is no lack of ours", "",
		    { MAIL, .dmarc = DMARC_TEMPERROR }, CONF_ACCEPT,
		    CONF_ACCEPT, "dmarc.on_temperror", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
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
		const char *rule; /* NULL: refused */
	} vectors[] = {
		{ "loopback", "", { IP_V4, { 127, 0, 0, 1 } }, false,
		    "skip.network" },
		{ "loopback of IPv6", "", { IP_V6, { [15] = 1 } }, false,
		    "skip.network" },
		{ "elsewhere", "", CLIENT, false, NULL },
		{ "nobody knows from where", "", { IP_NONE, { 0 } }, false,
		    NULL },
		{ "from where is not known, all are listed",
		    "skip_networks = { 0.0.0.0/0, ::/0 }", { IP_NONE, { 0 } },
		    false, NULL },
		{ "listed", "skip_networks = { 192.0.2.0/24 }", CLIENT, false,
		    "skip.network" },
		{ "not listed", "skip_networks = { 192.0.2.0/24 }",
		    { IP_V4, { 127, 0, 0, 1 } }, false, NULL },
		{ "nobody", "skip_networks = {}", { IP_V4, { 127, 0, 0, 1 } },
		    false, NULL },
		{ "logged in", "", CLIENT, true, "skip.authenticated" },
		{ "logged in is not enough", "skip_authenticated = no", CLIENT,
		    true, NULL },
		{ "an override comes later",
		    "override o { client = ::/0 client += 0.0.0.0/0 action = "
		    "reject }",
		    CLIENT, true, "skip.authenticated" },
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

/* RFC 7208 section 8.6: what cannot be checked may come again. */
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
		{ FLOWS "dmarc { on_permerror = reject }\n", CONF_ACCEPT },
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
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9989_5_4_policies),
		cmocka_unit_test(rfc9989_4_7_test_mode),
		cmocka_unit_test(rfc9989_7_4_indirect_mail),
		cmocka_unit_test(rfc7372_3_each_outcome_and_code),
		cmocka_unit_test(nothing_to_object_to),
		cmocka_unit_test(unauthenticated_mail),
		cmocka_unit_test(the_furthest_action_is_taken),
		cmocka_unit_test(rfc9989_7_1_dmarc_pass_outweighs_spf),
		cmocka_unit_test(
		    pct_zero_is_like_test_mode_if_the_operator_says_so),
		cmocka_unit_test(rfc9989_11_5_an_invalid_from_is_rejected),
		cmocka_unit_test(rfc7372_replies_name_the_check_that_refuses),
		cmocka_unit_test(overload_is_deferred_and_never_rejected),
		cmocka_unit_test(own_users_are_never_refused),
		cmocka_unit_test(without_memory_for_any_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
