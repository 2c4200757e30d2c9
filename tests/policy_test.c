/* policy_test.c - from results to one action, with the rule that decided */
#include "verify/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/table.h"

static const int64_t now = 1800000000; /* 2027-01-15 08:00:00 UTC */

/* ---- helpers ---- */

static const struct span a_example[] = { { "a.example", 9 } };
static const struct span two_authors[] = { { "a.example", 9 },
	{ "b.example", 9 } };
static const struct span recipients[] = { { "here.example", 12 },
	{ "there.example", 13 } };
static const struct span signers[] = { { "esp.example", 11 },
	{ "mail.a.example", 14 } };

#define CLIENT                                                                 \
	{                                                                      \
		IP_V4,                                                         \
		{                                                              \
			192, 0, 2, 1                                           \
		}                                                              \
	}
/* A message of a.example to both recipients. */
#define TO                                                                     \
	.client = CLIENT, .recipient_domains = recipients,                     \
	.n_recipient_domains = 2
#define SENDER .mail_from_domain = { "bounce.example", 14 }
#define AUTHOR .from_domains = a_example, .n_from_domains = 1
#define DECIDED .dmarc_domain = { "a.example", 9 }
#define MAIL TO, SENDER, AUTHOR, DECIDED
#define ASKS(published, asked)                                                 \
	.dmarc = DMARC_FAIL, .dmarc_policy = DMARC_POLICY_##published,         \
	.dmarc_disposition = DMARC_POLICY_##asked
#define FAILS(published, asked) MAIL, ASKS(published, asked)
#define LIST .list_id = { "l.lists.example", 15 }, .is_list = true

struct vector {
	const char *name;
	const char *conf; /* the file */
	struct policy_facts f;

	enum conf_action action, would;
	const char *rule;
	const char *reason; /* NULL: not looked at */
	enum dmarc_policy disposition;
	enum policy_override override;
	unsigned code;
	const char *enhanced;
	const char *text; /* NULL: not looked at */
};

static const struct conf *
read_conf(const char *text)
{
	const struct conf *c = conf_read_text(span_str(text), "test", stderr);

	if (c == NULL)
		fail_msg("%s: is refused", text);
	return c;
}

static void
compare(
    const struct vector *v, const char *what, const char *got, const char *want)
{
	if (strcmp(got, want) != 0)
		fail_msg("%s: %s: got %s, want %s", v->name, what, got, want);
}

static void
check_text(
    const struct vector *v, const char *what, struct span got, const char *want)
{
	char text[1000];

	assert_true(span_all(got, ascii_is_print));
	assert_true(got.n <= POLICY_TEXT_MAX);
	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(got));
	if (want != NULL)
		compare(v, what, text, want);
}

static void
check(const struct vector *v, const struct policy_decision *d)
{
	compare(v, "action", conf_action_name(d->action),
	    conf_action_name(v->action));
	compare(
	    v, "would", conf_action_name(d->would), conf_action_name(v->would));
	check_text(v, "rule", d->rule, v->rule);
	check_text(v, "reason", d->reason, v->reason);
	compare(v, "disposition", dmarc_policy_name(d->disposition),
	    dmarc_policy_name(v->disposition));
	compare(v, "override", policy_override_name(d->override),
	    policy_override_name(v->override));
	if (d->code != v->code)
		fail_msg("%s: code %u, want %u", v->name, d->code, v->code);
	compare(v, "enhanced", d->enhanced != NULL ? d->enhanced : "",
	    v->enhanced != NULL ? v->enhanced : "");
	check_text(v, "text", d->text, v->text);
	assert_int_equal(d->code != 0,
	    d->action == CONF_REJECT || d->action == CONF_TEMPFAIL);
	assert_int_equal(d->code != 0, d->enhanced != NULL);
	assert_int_equal(d->code != 0, d->text.n > 0);
	/* smfi_setreply() wants the classes to agree */
	assert_true(
	    d->code == 0 || d->enhanced[0] == (d->code == 550 ? '5' : '4'));
}

/* Also with the arena failing at each allocation: mail flows, and says why. */
static void
check_without_memory(const struct vector *v, const struct conf *c)
{
	for (unsigned long nth = 1;; nth++) {
		struct arena *a = arena_new(1 << 16);
		struct policy_decision d;

		assert_non_null(a);
		arena_fail_at(a, nth);
		policy_decide(c, &v->f, now, a, &d);
		if (!arena_has_failed(a)) {
			check(v, &d);
			arena_free(a);
			return;
		}
		bool later =
		    v->action != CONF_ACCEPT && v->action != CONF_ANNOTATE;

		if (d.action != (later ? CONF_TEMPFAIL : CONF_ACCEPT) ||
		    d.code != (later ? 451 : 0) || !span_is(d.rule, "fault") ||
		    d.reason.n == 0 || d.disposition != DMARC_POLICY_NONE)
			fail_msg("%s: allocation %lu: action %s", v->name, nth,
			    conf_action_name(d.action));
		arena_free(a);
	}
}

static void
each(const struct vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		const struct conf *c = read_conf(v->conf);
		struct arena *a = arena_new(1 << 16);
		struct policy_decision d;

		assert_non_null(a);
		policy_decide(c, &v->f, now, a, &d);
		check(v, &d);
		arena_free(a);
		check_without_memory(v, c);
		conf_drop(c);
	}
}

#define EACH(vectors) each((vectors), TABLE_SIZE(vectors))

/* ---- DMARC ---- */

static void
rfc9989_5_4_policies(void **state)
{
	static const struct vector vectors[] = {
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
		{ "quarantine held", "dmarc { on_quarantine = hold }",
		    { FAILS(QUARANTINE, QUARANTINE) }, CONF_HOLD, CONF_HOLD,
		    "dmarc.on_quarantine", NULL, DMARC_POLICY_QUARANTINE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
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
	EACH(vectors);
}

static void
rfc9989_4_7_test_mode(void **state)
{
	static const struct vector vectors[] = {
		{ "reject, t=y", "", { FAILS(REJECT, QUARANTINE) },
		    CONF_ANNOTATE, CONF_ANNOTATE, "dmarc.on_quarantine", NULL,
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_TEST, 0, NULL,
		    NULL },
		{ "quarantine, t=y", "", { FAILS(QUARANTINE, NONE) },
		    CONF_ACCEPT, CONF_ACCEPT, "default", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_TEST, 0, NULL, NULL },
		{ "reject, t=y, and milder still",
		    "dmarc { on_quarantine = accept }",
		    { FAILS(REJECT, QUARANTINE) }, CONF_ACCEPT, CONF_ACCEPT,
		    "dmarc.on_quarantine", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_LOCAL, 0, NULL, NULL },
	};
	(void)state;
	EACH(vectors);
}

static void
rfc9989_7_4_indirect_mail(void **state)
{
#define ARC_OF(domain, passes)                                                 \
	.arc = ARC_PASS, .arc_sealer = { domain, sizeof(domain) - 1 },         \
	.arc_dmarc_pass = passes
#define SEALER "arc { trusted_sealers = { \"sealer.example\" } }\n"
	static const struct vector vectors[] = {
		{ "List-Id", "", { FAILS(REJECT, REJECT), LIST }, CONF_ANNOTATE,
		    CONF_ANNOTATE, "dmarc.indirect_as_quarantine",
		    "a.example fails DMARC but shows a mark of indirect mail "
		    "(List-Id l.lists.example)",
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_LIST, 0, NULL,
		    NULL },
		{ "other fields of a list", "",
		    { FAILS(REJECT, REJECT), .is_list = true }, CONF_ANNOTATE,
		    CONF_ANNOTATE, "dmarc.indirect_as_quarantine",
		    "a.example fails DMARC but shows a mark of indirect mail "
		    "(a mailing list's fields)",
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_LIST, 0, NULL,
		    NULL },
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
		{ "held", "dmarc { on_quarantine = hold }",
		    { FAILS(REJECT, REJECT), LIST }, CONF_HOLD, CONF_HOLD,
		    "dmarc.indirect_as_quarantine", NULL,
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
		    "dmarc { on_reject = accept on_quarantine = hold }",
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
	EACH(vectors);
}

/* ---- the other outcomes, and RFC 7372's codes ---- */

struct outcome {
	const char *option;
	struct policy_facts f;
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
	for (size_t i = 0; i < TABLE_SIZE(outcomes); i++) {
		const struct outcome *o = &outcomes[i];
		size_t dot = strcspn(o->option, ".");

		for (int action = -1; action <= CONF_TEMPFAIL; action++) {
			char text[200], conf[200] = "";
			struct vector v = { .name = text,
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
			each(&v, 1);
		}
	}
}

static void
nothing_to_object_to(void **state)
{
	static const struct vector vectors[] = {
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
	EACH(vectors);
}

static void
the_furthest_action_is_taken(void **state)
{
	static const struct vector vectors[] = {
		{ "dmarc before spf",
		    "spf { on_fail = hold } dmarc { on_reject = reject }",
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
		    "dmarc { on_quarantine = hold }",
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
	EACH(vectors);
}

static void
rfc9989_7_1_dmarc_pass_outweighs_spf(void **state)
{
	static const struct vector vectors[] = {
		{ "spared", "spf { on_fail = reject }",
		    { MAIL, .spf = SPF_FAIL, .dmarc = DMARC_PASS }, CONF_ACCEPT,
		    CONF_ACCEPT, "default", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "not spared",
		    "spf { on_fail = reject spare_dmarc_pass = no }",
		    { MAIL, .spf = SPF_FAIL, .dmarc = DMARC_PASS }, CONF_REJECT,
		    CONF_REJECT, "spf.on_fail", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 550, "5.7.23", NULL },
	};
	(void)state;
	EACH(vectors);
}

static void
a_fault_of_ours_never_rejects(void **state)
{
	static const struct vector vectors[] = {
		{ "dmarc temperror", "dmarc { on_temperror = reject }",
		    { MAIL, .dmarc = DMARC_TEMPERROR, .faulty = true },
		    CONF_TEMPFAIL, CONF_TEMPFAIL, "dmarc.on_temperror",
		    "a.example cannot be checked for DMARC for now; a limit "
		    "of ours cut the check short",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 451, "4.7.0",
		    NULL },
		{ "spf temperror", "spf { on_temperror = reject }",
		    { MAIL, .spf = SPF_TEMPERROR, .faulty = true },
		    CONF_TEMPFAIL, CONF_TEMPFAIL, "spf.on_temperror", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 451, "4.7.24",
		    NULL },
		{ "dkim permerror", "dkim { on_permerror = reject }",
		    { MAIL, .dkim = DKIM_PERMERROR, .faulty = true },
		    CONF_TEMPFAIL, CONF_TEMPFAIL, "dkim.on_permerror", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 451, "4.7.20",
		    NULL },
		{ "accepted by default", "",
		    { MAIL, .dmarc = DMARC_TEMPERROR, .faulty = true },
		    CONF_ACCEPT, CONF_ACCEPT, "dmarc.on_temperror", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "what was found out stands", "",
		    { FAILS(REJECT, REJECT), .faulty = true }, CONF_REJECT,
		    CONF_REJECT, "dmarc.on_reject", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_NONE, 550, "5.7.26", NULL },
	};
	(void)state;
	EACH(vectors);
}

/* ---- skips ---- */

static void
own_users_are_never_refused(void **state)
{
	static const struct policy_facts v4 = { MAIL, .dmarc = DMARC_FAIL,
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
	for (size_t i = 0; i < TABLE_SIZE(vectors); i++) {
		const struct conf *c = read_conf(vectors[i].conf);
		struct arena *a = arena_new(1 << 16);
		struct policy_facts f = v4;
		struct policy_decision d;
		const char *skip;

		f.client = vectors[i].client;
		f.authenticated = vectors[i].authenticated;
		skip = policy_skip(c, &f);
		policy_decide(c, &f, now, a, &d);
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
		conf_drop(c);
	}
}

/* ---- overrides ---- */

static void
override_conditions(void **state)
{
	/* `mail` is refused by default; the condition is put into a section
	 * that accepts, and into one that defers */
	static const struct {
		const char *condition;
		bool accepts, defers;
	} vectors[] = {
		{ "from_domain = a.example", true, true },
		{ "from_domain = A.EXAMPLE.", true, true },
		{ "from_domain = b.example", false, false },
		{ "from_domain = { b.example, a.example }", true, true },
		{ "from_domain = example", false, false },
		{ "from_domain = .example", true, true },
		{ "from_domain = '*.example'", true, true },
		{ "from_domain = '**.example'", true, true },
		{ "from_domain = .a.example", false, false },
		{ "from_domain = '*.a.example'", false, false },
		{ "from_domain = '**.a.example'", true, true },
		{ "from_domain = '**.xample'", false, false },
		{ "mail_from_domain = bounce.example", true, true },
		{ "mail_from_domain = .bounce.example", false, false },
		{ "mail_from_domain = '<>'", false, false },
		{ "dkim_domain = esp.example", true, true },
		{ "dkim_domain = '*.a.example'", true, true },
		{ "dkim_domain = a.example", false, false },
		{ "client = 192.0.2.0/24", true, true },
		{ "client = { 2001:db8::/32, 192.0.2.1 }", true, true },
		{ "client = 192.0.2.2", false, false },
		{ "list_id = l.lists.example", true, true },
		{ "list_id = '*.lists.example'", true, true },
		{ "list_id = lists.example", false, false },
		/* of several, all must be let through, any is held back */
		{ "recipient_domain = here.example", false, true },
		{ "recipient_domain = { there.example, here.example }", true,
		    true },
		{ "recipient_domain = '**.example'", true, true },
		{ "recipient_domain = nowhere.example", false, false },
		/* all conditions must be met */
		{ "from_domain = a.example client = 192.0.2.1", true, true },
		{ "from_domain = a.example client = 192.0.2.2", false, false },
	};
	static const struct policy_facts mail = { FAILS(REJECT, REJECT), LIST,
		.dkim_domains = signers, .n_dkim_domains = 2 };
	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(vectors); i++) {
		for (int defer = 0; defer < 2; defer++) {
			bool want =
			    defer ? vectors[i].defers : vectors[i].accepts;
			struct arena *a = arena_new(1 << 16);
			struct policy_decision d;
			const struct conf *c;
			char text[300];

			snprintf(text, sizeof(text),
			    "dmarc { indirect_as_quarantine = no }\n"
			    "override o { action = %s %s }",
			    defer ? "tempfail" : "accept",
			    vectors[i].condition);
			c = read_conf(text);
			policy_decide(c, &mail, now, a, &d);
			if (span_is(d.rule, "override o") != want)
				fail_msg("%s, defer %d: rule %.*s",
				    vectors[i].condition, defer,
				    SPAN_FMT(d.rule));
			assert_int_equal(d.action,
			    !want       ? CONF_REJECT
				: defer ? CONF_TEMPFAIL
					: CONF_ACCEPT);
			arena_free(a);
			conf_drop(c);
		}
	}
}

static void
overrides_decide(void **state)
{
#define SECTION(name, rest) "override \"" name "\" { " rest " }\n"
	static const struct vector vectors[] = {
		{ "accepts, with a reason",
		    SECTION("a list of ours",
			"from_domain = a.example action = accept\n"
			"reason = \"agreed on 3 March\""),
		    { FAILS(REJECT, REJECT) }, CONF_ACCEPT, CONF_ACCEPT,
		    "override a list of ours", "agreed on 3 March",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_LOCAL, 0, NULL, NULL },
		{ "rejects what passes",
		    SECTION("x", "from_domain = a.example action = reject"),
		    { MAIL, .dmarc = DMARC_PASS }, CONF_REJECT, CONF_REJECT,
		    "override x", "decided by an override", DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 550, "5.7.1",
		    "Rejected by local policy (rule override x)" },
		{ "defers",
		    SECTION("x", "client = 192.0.2.1 action = tempfail"),
		    { FAILS(NONE, NONE) }, CONF_TEMPFAIL, CONF_TEMPFAIL,
		    "override x", NULL, DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE,
		    451, "4.7.1",
		    "Deferred by local policy (rule override x)" },
		{ "as the policy asks",
		    SECTION("x", "from_domain = a.example action = reject"),
		    { FAILS(REJECT, REJECT) }, CONF_REJECT, CONF_REJECT,
		    "override x", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_NONE, 550, "5.7.1", NULL },
		{ "first match wins",
		    SECTION("no", "from_domain = b.example action = accept")
			SECTION(
			    "first", "from_domain = a.example action = hold")
			    SECTION("second",
				"from_domain = a.example action = accept"),
		    { FAILS(REJECT, REJECT) }, CONF_HOLD, CONF_HOLD,
		    "override first", NULL, DMARC_POLICY_QUARANTINE,
		    POLICY_OVERRIDE_LOCAL, 0, NULL, NULL },
		{ "the null sender",
		    SECTION("n", "mail_from_domain = '<>' action = annotate"),
		    { TO, AUTHOR, DECIDED, ASKS(REJECT, REJECT) },
		    CONF_ANNOTATE, CONF_ANNOTATE, "override n", NULL,
		    DMARC_POLICY_QUARANTINE, POLICY_OVERRIDE_LOCAL, 0, NULL,
		    NULL },
		{ "no List-Id",
		    SECTION("n", "list_id = '**.example' action = accept"),
		    { FAILS(REJECT, REJECT) }, CONF_REJECT, CONF_REJECT,
		    "dmarc.on_reject", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_NONE, 550, "5.7.26", NULL },
		{ "RFC 9989 section 11.5: a second author opens nothing",
		    SECTION("n", "from_domain = b.example action = accept"),
		    { TO, SENDER, DECIDED, ASKS(REJECT, REJECT),
			.from_domains = two_authors, .n_from_domains = 2 },
		    CONF_REJECT, CONF_REJECT, "dmarc.on_reject", NULL,
		    DMARC_POLICY_REJECT, POLICY_OVERRIDE_NONE, 550, "5.7.26",
		    NULL },
		{ "nor hides one",
		    SECTION("n", "from_domain = b.example action = hold"),
		    { TO, SENDER, DECIDED, .from_domains = two_authors,
			.n_from_domains = 2 },
		    CONF_HOLD, CONF_HOLD, "override n", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "no author matches nothing",
		    SECTION("n",
			"from_domain = '**.example' action = accept") "spf { "
								      "on_fail "
								      "= "
								      "reject "
								      "}",
		    { TO, SENDER, .spf = SPF_FAIL }, CONF_REJECT, CONF_REJECT,
		    "spf.on_fail", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 550, "5.7.23", NULL },
		{ "outside of the sample all the same",
		    SECTION(
			"x", "from_domain = a.example action = reject") "sample"
									" = 0%",
		    { FAILS(NONE, NONE) }, CONF_REJECT, CONF_REJECT,
		    "override x", NULL, DMARC_POLICY_REJECT,
		    POLICY_OVERRIDE_LOCAL, 550, "5.7.1", NULL },
	};
	(void)state;
	EACH(vectors);
}

static void
overrides_expire(void **state)
{
	static const struct {
		const char *day;
		bool applies;
	} vectors[] = {
		{ "2027-01-14", false },
		{ "2027-01-15", true }, /* today */
		{ "2027-01-16", true },
		{ "2026-12-31", false },
	};
	static const struct policy_facts f = { FAILS(REJECT, REJECT) };
	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(vectors); i++) {
		struct arena *a = arena_new(1 << 16);
		struct policy_decision d;
		const struct conf *c;
		char text[300];

		snprintf(text, sizeof(text),
		    "override old { client = 192.0.2.1 action = accept "
		    "expires = %s }\n"
		    "override other { client = 192.0.2.9 action = accept "
		    "expires = 2000-01-01 }\n",
		    vectors[i].day);
		c = read_conf(text);
		policy_decide(c, &f, now, a, &d);
		assert_int_equal(
		    d.action, vectors[i].applies ? CONF_ACCEPT : CONF_REJECT);
		if (vectors[i].applies)
			assert_null(d.expired.p);
		else
			assert_true(span_is(d.expired, "old"));
		arena_free(a);
		conf_drop(c);
	}
}

/* ---- monitor mode and sample ---- */

static void
monitor_mode_refuses_nothing(void **state)
{
	static const struct vector vectors[] = {
		{ "reject", "mode = monitor", { FAILS(REJECT, REJECT) },
		    CONF_ACCEPT, CONF_REJECT, "dmarc.on_reject",
		    "a.example fails DMARC and its policy is reject; not "
		    "enforced: monitor mode",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_LOCAL, 0, NULL, NULL },
		{ "hold", "mode = monitor spf { on_fail = hold }",
		    { MAIL, .spf = SPF_FAIL }, CONF_ACCEPT, CONF_HOLD,
		    "spf.on_fail", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "annotate", "mode = monitor",
		    { FAILS(QUARANTINE, QUARANTINE) }, CONF_ACCEPT,
		    CONF_ANNOTATE, "dmarc.on_quarantine", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_LOCAL, 0, NULL, NULL },
		{ "tempfail",
		    "mode = monitor dmarc { on_temperror = tempfail }",
		    { MAIL, .dmarc = DMARC_TEMPERROR }, CONF_ACCEPT,
		    CONF_TEMPFAIL, "dmarc.on_temperror", NULL,
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "override",
		    "mode = monitor override x { client = 192.0.2.1 action = "
		    "reject }",
		    { MAIL }, CONF_ACCEPT, CONF_REJECT, "override x",
		    "decided by an override; not enforced: monitor mode",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "accept", "mode = monitor", { MAIL }, CONF_ACCEPT,
		    CONF_ACCEPT, "default", "no rule objects",
		    DMARC_POLICY_NONE, POLICY_OVERRIDE_NONE, 0, NULL, NULL },
		{ "list", "mode = monitor", { FAILS(REJECT, REJECT), LIST },
		    CONF_ACCEPT, CONF_ANNOTATE, "dmarc.indirect_as_quarantine",
		    NULL, DMARC_POLICY_NONE, POLICY_OVERRIDE_LOCAL, 0, NULL,
		    NULL },
	};
	(void)state;
	EACH(vectors);
}

static unsigned
count_enforced(const struct conf *c, unsigned n, bool *last)
{
	struct arena *a = arena_new(1 << 16);
	unsigned enforced = 0;

	for (unsigned i = 0; i < n; i++) {
		struct policy_facts f = { FAILS(REJECT, REJECT) };
		struct policy_decision d;
		char name[40];

		snprintf(name, sizeof(name), "d%u.example", i);
		f.dmarc_domain = span_str(name);
		arena_rewind(a);
		policy_decide(c, &f, now, a, &d);
		assert_int_equal(d.would, CONF_REJECT);
		/* once in the sample, a domain stays in each larger one */
		if (last[i])
			assert_int_equal(d.action, CONF_REJECT);
		last[i] = d.action == CONF_REJECT;
		enforced += last[i];
	}
	arena_free(a);
	return enforced;
}

static void
sample_is_by_domain_and_grows(void **state)
{
	enum { DOMAINS = 4000 };
	static const unsigned mille[] = { 0, 5, 50, 200, 500, 1000 };
	static bool last[DOMAINS];

	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(mille); i++) {
		char text[100];
		const struct conf *c;
		unsigned want = DOMAINS * mille[i] / 1000, got;

		snprintf(text, sizeof(text), "sample = %u.%u%%", mille[i] / 10,
		    mille[i] % 10);
		c = read_conf(text);
		got = count_enforced(c, DOMAINS, last);
		if (mille[i] == 0 || mille[i] == 1000)
			assert_int_equal(got, want);
		else if (got < want / 2 || got > want * 2)
			fail_msg("%s: %u of %u", text, got, DOMAINS);
		conf_drop(c);
	}
}

/* The same on each host and in each version: these must never change. */
static void
sample_is_stable(void **state)
{
	static const struct {
		const char *domain;
		unsigned mille; /* the largest sample it is not in */
	} vectors[] = {
		{ "example.com", 350 },
		{ "example.org", 841 },
		{ "a.example", 0 },
	};
	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(vectors); i++) {
		struct policy_facts f = { FAILS(REJECT, REJECT) };
		struct arena *a = arena_new(1 << 16);
		struct policy_decision d;
		struct conf c = { .sample = vectors[i].mille,
			.dmarc = { .on_reject = CONF_REJECT } };

		f.dmarc_domain = span_str(vectors[i].domain);
		policy_decide(&c, &f, now, a, &d);
		assert_int_equal(d.action, CONF_ACCEPT);
		assert_int_equal(d.would, CONF_REJECT);
		c.sample++;
		policy_decide(&c, &f, now, a, &d);
		assert_int_equal(d.action, CONF_REJECT);
		arena_free(a);
	}
}

/* ---- replies ---- */

static void
reply_texts(void **state)
{
#define TEXT(t) "reply { reject_text = \"" t "\" }\n"
#define LONG50 "12345678901234567890123456789012345678901234567890"
	static const struct vector vectors[] = {
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
		{ "tempfail has its own",
		    TEXT("no") "reply { tempfail_text = \"later: {rule}\" }\n"
			       "dmarc { on_reject = tempfail }",
		    { FAILS(REJECT, REJECT) }, CONF_TEMPFAIL, CONF_TEMPFAIL,
		    "dmarc.on_reject", NULL, DMARC_POLICY_NONE,
		    POLICY_OVERRIDE_LOCAL, 451, "4.7.26",
		    "later: dmarc.on_reject" },
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
	EACH(vectors);
}

/* However long the names are, a reply keeps its bound. */
static void
replies_are_bounded(void **state)
{
	static char name[5000];
	struct policy_facts f = { FAILS(REJECT, REJECT), .spf = SPF_FAIL };
	const struct conf *c = read_conf(
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
	policy_decide(c, &f, now, a, &d);
	assert_int_equal(d.action, CONF_REJECT);
	assert_true(d.text.n > 100 && d.text.n <= POLICY_TEXT_MAX);
	assert_true(d.reason.n <= 400);
	arena_free(a);
	conf_drop(c);
}

/* RFC 7208 section 8.6: an operator may have what cannot be checked come again,
 * and it comes again where nothing at all can be checked. */
static void
without_memory_for_any_check(void **state)
{
	static const struct {
		const char *conf;
		enum conf_action action;
	} cases[] = {
		{ "", CONF_ACCEPT },
		{ "dmarc { on_temperror = annotate }\n", CONF_ACCEPT },
		{ "dmarc { on_permerror = reject }\n", CONF_ACCEPT },
		{ "dmarc { on_temperror = tempfail }\n", CONF_TEMPFAIL },
		{ "spf { on_temperror = tempfail }\n", CONF_TEMPFAIL },
		{ "dkim { on_temperror = tempfail }\n", CONF_TEMPFAIL },
		{ "mode = monitor\ndmarc { on_temperror = tempfail }\n",
		    CONF_ACCEPT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct conf *c = read_conf(cases[i].conf);

		if (policy_unchecked(c) != cases[i].action)
			fail_msg("%s", cases[i].conf);
		conf_drop(c);
	}
}

static void
override_names(void **state)
{
	(void)state;
	assert_string_equal(
	    policy_override_name(POLICY_OVERRIDE_LOCAL), "local_policy");
	assert_string_equal(
	    policy_override_name(POLICY_OVERRIDE_LIST), "mailing_list");
	assert_string_equal(policy_override_name(POLICY_OVERRIDE_FORWARDER),
	    "trusted_forwarder");
	assert_string_equal(
	    policy_override_name(POLICY_OVERRIDE_TEST), "policy_test_mode");
	assert_string_equal(
	    policy_override_name(POLICY_OVERRIDE_OTHER), "other");
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
		cmocka_unit_test(the_furthest_action_is_taken),
		cmocka_unit_test(rfc9989_7_1_dmarc_pass_outweighs_spf),
		cmocka_unit_test(a_fault_of_ours_never_rejects),
		cmocka_unit_test(own_users_are_never_refused),
		cmocka_unit_test(override_conditions),
		cmocka_unit_test(overrides_decide),
		cmocka_unit_test(overrides_expire),
		cmocka_unit_test(monitor_mode_refuses_nothing),
		cmocka_unit_test(sample_is_by_domain_and_grows),
		cmocka_unit_test(sample_is_stable),
		cmocka_unit_test(reply_texts),
		cmocka_unit_test(replies_are_bounded),
		cmocka_unit_test(without_memory_for_any_check),
		cmocka_unit_test(override_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
