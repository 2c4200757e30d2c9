/*
 * policy.c - decides what to do with a message: every rule proposes an action,
 * and the most severe one wins.  Each option that is read is recorded, so that
 * `avouch check --explain` names exactly these options.
 */
#include "verify/policy_internal.h"

#include <assert.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/enum_names.h"

const char *
policy_override_name(enum policy_override override)
{
	static const struct enum_token names[] = {
		{ "none", POLICY_OVERRIDE_NONE },
		{ "local_policy", POLICY_OVERRIDE_LOCAL },
		{ "mailing_list", POLICY_OVERRIDE_LIST },
		{ "trusted_forwarder", POLICY_OVERRIDE_FORWARDER },
		{ "policy_test_mode", POLICY_OVERRIDE_TEST },
		{ "other", POLICY_OVERRIDE_OTHER },
	};

	return enum_name(names, ARRAY_SIZE(names), (int) override);
}

/* ---- the rules ---- */

/* clang-format off */
#define OPTION(member) offsetof(struct conf, member)

static const struct policy_rule
overload = { "on_overload", OPTION(on_overload),
	"this message cannot currently be checked: this host lacks "
	"resources or its DNS does not work", "5.7.1", "4.7.0", POLICY_MESSAGE, false },
header_limit = { "limit.header", 0,
	"the header of this message is larger than this host accepts, so it "
	"cannot be checked", "5.3.4", "4.3.4", POLICY_MESSAGE, false },
invalid_from = { "dmarc.on_invalid_from", OPTION(dmarc.on_invalid_from),
	"the From field of this message is invalid", "5.7.1", "4.7.1",
	POLICY_FROM, false },
dmarc_reject = { "dmarc.on_reject", OPTION(dmarc.on_reject),
	"fails DMARC and its policy is reject", "5.7.26", "4.7.26",
	POLICY_AUTHOR, true },
dmarc_quarantine = { "dmarc.on_quarantine", OPTION(dmarc.on_quarantine),
	"fails DMARC and its policy is quarantine", "5.7.26", "4.7.26",
	POLICY_AUTHOR, true },
dmarc_tested = { "dmarc.on_quarantine", OPTION(dmarc.on_quarantine),
	"fails DMARC and its policy is reject in test mode", "5.7.26",
	"4.7.26", POLICY_AUTHOR, true },
dmarc_indirect = { "dmarc.indirect_as_quarantine", 0,
	"fails DMARC but shows evidence of indirect mail", "5.7.26", "4.7.26",
	POLICY_AUTHOR, true },
dmarc_temperror = { "dmarc.on_temperror", OPTION(dmarc.on_temperror),
	"cannot currently be checked for DMARC", "5.7.1", "4.7.0",
	POLICY_AUTHOR, false },
spf_fail = { "spf.on_fail", OPTION(spf.on_fail),
	"fails SPF", "5.7.23", "4.7.23", POLICY_SENDER, false },
spf_softfail = { "spf.on_softfail", OPTION(spf.on_softfail),
	"softfails SPF", "5.7.1", "4.7.1", POLICY_SENDER, false },
spf_temperror = { "spf.on_temperror", OPTION(spf.on_temperror),
	"cannot currently be checked for SPF", "5.7.24", "4.7.24",
	POLICY_SENDER, false },
spf_permerror = { "spf.on_permerror", OPTION(spf.on_permerror),
	"cannot be checked for SPF: its record is broken", "5.7.24", "4.7.24",
	POLICY_SENDER, false },
dkim_temperror = { "dkim.on_temperror", OPTION(dkim_actions.on_temperror),
	"has no DKIM signature that can currently be checked", "5.7.20",
	"4.7.20", POLICY_AUTHOR, false },
unauthenticated = { "unauthenticated.action", OPTION(unauthenticated.action),
	"passes neither SPF nor DKIM", "5.7.26", "4.7.26", POLICY_AUTHOR,
	false },
by_override = { "override", 0,
	"matches an override", "5.7.1", "4.7.1", POLICY_AUTHOR, false };
/* clang-format on */

int
policy_severity(enum conf_action action)
{
	switch (action) {
	case CONF_ACCEPT:
		return 0;
	case CONF_ANNOTATE:
		return 1;
	case CONF_QUARANTINE:
		return 2;
	case CONF_TEMPFAIL:
		return 3;
	case CONF_REJECT:
		return 4;
	}
	return 0;
}

bool
policy_refuses(enum conf_action action)
{
	return action == CONF_REJECT || action == CONF_TEMPFAIL;
}

/* ---- the settings ---- */

/* Records that an option is read.  All code that reads one must call this. */
static void
consult(struct policy_context *p, const char *option)
{
	struct policy_decision *out = p->out;

	for (size_t i = 0; i < out->n_settings; i++)
		if (strcmp(out->settings[i], option) == 0)
			return;
	assert(out->n_settings < POLICY_SETTINGS_MAX);
	out->settings[out->n_settings++] = option;
}

/* Returns the value of the rule's option. */
static enum conf_action
rule_action(struct policy_context *p, const struct policy_rule *rule)
{
	const char *base = (const char *)p->c;

	consult(p, rule->name);
	return *(const enum conf_action *)(const void *)(base + rule->offset);
}

/* ---- deciding ---- */

static void
propose(struct policy_context *p, const struct policy_rule *rule,
    enum conf_action action)
{
	if (action == CONF_REJECT)
		p->rejecting++;
	if (p->rule == NULL ||
	    policy_severity(action) > policy_severity(p->action)) {
		p->rule = rule;
		p->action = action;
	}
}

/* Returns the action to take for an error.  If this host lacked resources, the
 * next attempt may succeed, so the message is deferred instead of rejected. */
static enum conf_action
error_action(const struct policy_context *p, enum conf_action action)
{
	return p->f->overload && action == CONF_REJECT ? CONF_TEMPFAIL : action;
}

static void
propose_error(struct policy_context *p, const struct policy_rule *rule)
{
	propose(p, rule, error_action(p, rule_action(p, rule)));
}

static const struct policy_rule *
disposition_rule(const struct policy_input *f)
{
	if (f->dmarc_disposition == DMARC_POLICY_REJECT)
		return &dmarc_reject;
	return f->dmarc_policy == DMARC_POLICY_REJECT ? &dmarc_tested
						      : &dmarc_quarantine;
}

/*
 * RFC 9989 section 7.4: p=reject alone is not a sufficient reason to reject
 * indirect mail.  Such mail is treated as if p=quarantine were published, but
 * is not refused.  If this is less severe than `action`, changes `action` and
 * returns true.
 */
static bool
soften_indirect(struct policy_context *p, enum conf_action *action)
{
	struct indirect_evidence evidence[POLICY_EVIDENCE_MAX];
	size_t n = policy_indirect_evidence(p->c, p->f, evidence), i = 0;
	enum conf_action softer;

	while (i < n && evidence[i].why_not != NULL)
		i++;
	if (i == n)
		return false;
	consult(p, dmarc_indirect.name);
	if (!p->c->dmarc.indirect_as_quarantine)
		return false;
	softer = rule_action(p, &dmarc_quarantine);
	if (policy_refuses(softer))
		softer = CONF_ANNOTATE;
	if (evidence[i].setting != NULL)
		consult(p, evidence[i].setting);
	if (policy_severity(softer) >= policy_severity(*action))
		return false;
	p->evidence = evidence[i];
	p->why = evidence[i].type;
	*action = softer;
	return true;
}

/* Defers the message if the next attempt may show that it is indirect mail. */
static void
wait_for_evidence(struct policy_context *p, enum conf_action *action)
{
	if (!p->f->evidence_cut || *action != CONF_REJECT)
		return;
	consult(p, dmarc_indirect.name);
	if (p->c->dmarc.indirect_as_quarantine)
		*action = CONF_TEMPFAIL;
}

static void
propose_disposition(struct policy_context *p)
{
	const struct policy_rule *rule = disposition_rule(p->f);
	enum conf_action action = rule_action(p, rule);

	if (soften_indirect(p, &action))
		rule = &dmarc_indirect;
	else
		wait_for_evidence(p, &action);
	p->dmarc = action;
	propose(p, rule, action);
}

static void
propose_dmarc(struct policy_context *p)
{
	switch (p->f->dmarc) {
	case DMARC_FAIL:
		/* RFC 9989 section 5.4: p=none changes nothing */
		if (p->f->dmarc_disposition > DMARC_POLICY_NONE)
			propose_disposition(p);
		break;
	case DMARC_TEMPERROR:
		propose_error(p, &dmarc_temperror);
		break;
	case DMARC_NONE:
	case DMARC_PASS:
	case DMARC_PERMERROR: /* the record cannot be used: the same as none */
		break;
	}
}

/* Returns the rule for the SPF result (RFC 7208 sections 8.4 to 8.7), or
 * NULL. */
static const struct policy_rule *
spf_rule(const struct policy_input *f)
{
	switch (f->spf) {
	case SPF_FAIL:
		return &spf_fail;
	case SPF_SOFTFAIL:
		return &spf_softfail;
	case SPF_TEMPERROR:
		return &spf_temperror;
	case SPF_PERMERROR:
		return &spf_permerror;
	case SPF_NONE:
	case SPF_NEUTRAL:
	case SPF_PASS:
		break;
	}
	return NULL;
}

static bool
is_from_forwarder(struct policy_context *p)
{
	struct indirect_evidence evidence[POLICY_EVIDENCE_MAX];
	size_t n = policy_indirect_evidence(p->c, p->f, evidence);

	for (size_t i = 0; i < n; i++) {
		if (evidence[i].type != POLICY_OVERRIDE_FORWARDER)
			continue;
		consult(p, evidence[i].setting);
		return true;
	}
	return false;
}

static void
propose_spf(struct policy_context *p)
{
	const struct policy_rule *rule = spf_rule(p->f);
	enum conf_action action;

	/* RFC 9989 section 7.1: rejecting on SPF alone would refuse mail that
	 * DKIM authenticates */
	if (rule == NULL || p->f->dmarc == DMARC_PASS)
		return;
	action = rule_action(p, rule);
	if (policy_refuses(action) && is_from_forwarder(p))
		action = CONF_ANNOTATE;
	if (rule == &spf_temperror || rule == &spf_permerror)
		action = error_action(p, action);
	propose(p, rule, action);
}

/* Whether there is evidence of indirect mail, for which SPF usually cannot
 * pass. */
static bool
is_indirect(struct policy_context *p)
{
	struct indirect_evidence evidence[POLICY_EVIDENCE_MAX];
	size_t n = policy_indirect_evidence(p->c, p->f, evidence);

	for (size_t i = 0; i < n; i++) {
		if (evidence[i].why_not != NULL)
			continue;
		if (evidence[i].setting != NULL)
			consult(p, evidence[i].setting);
		return true;
	}
	return false;
}

/* Like is_indirect(), but only with evidence that depends on no setting. */
static bool
is_always_indirect(const struct policy_context *p)
{
	struct indirect_evidence evidence[POLICY_EVIDENCE_MAX];
	size_t n = policy_indirect_evidence(p->c, p->f, evidence);

	for (size_t i = 0; i < n; i++)
		if (evidence[i].why_not == NULL && evidence[i].setting == NULL)
			return true;
	return false;
}

/*
 * Large receivers refuse mail that passes neither SPF nor DKIM (Gmail:
 * 550 5.7.26), whether or not its domain has a DMARC record.  If a check failed
 * temporarily, other rules apply.
 */
static void
propose_unauthenticated(struct policy_context *p)
{
	const struct policy_input *f = p->f;
	bool has_policy = f->dmarc == DMARC_PASS ||
	    f->dmarc == DMARC_TEMPERROR ||
	    (f->dmarc == DMARC_FAIL &&
		f->dmarc_disposition > DMARC_POLICY_NONE);
	enum conf_action action;

	if (has_policy || f->from_fault != NULL || f->spf == SPF_PASS ||
	    f->spf == SPF_TEMPERROR || f->dkim == DKIM_PASS ||
	    f->dkim == DKIM_TEMPERROR || is_always_indirect(p))
		return;
	action = rule_action(p, &unauthenticated);
	if (!is_indirect(p) && action != CONF_ACCEPT)
		propose_error(p, &unauthenticated);
}

static void
propose_all(struct policy_context *p)
{
	if (p->f->header_over_limit) {
		propose(p, &header_limit, CONF_REJECT);
		return;
	}
	if (p->f->overload)
		propose(p, &overload, rule_action(p, &overload));
	if (p->f->from_fault != NULL)
		propose(p, &invalid_from, rule_action(p, &invalid_from));
	else
		propose_dmarc(p);
	propose_spf(p);
	/* RFC 6376 section 6.1: a failed signature is the same as none */
	if (p->f->dkim == DKIM_TEMPERROR)
		propose_error(p, &dkim_temperror);
	propose_unauthenticated(p);
	if (p->rule != &dmarc_indirect)
		p->evidence = (struct indirect_evidence){ .what = NULL };
}

/* ---- enforcement ---- */

struct span
policy_subject(const struct policy_input *f, enum policy_subject subject)
{
	if (subject == POLICY_SENDER)
		return f->mail_from_domain;
	if (f->dmarc_domain.p != NULL)
		return f->dmarc_domain;
	return f->n_from_domains > 0 ? f->from_domains[0] : SPAN_NONE;
}

/* FNV-1a, 64 bits: the same on every host and in every version. */
static uint64_t
hash_domain(struct span s)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < s.n; i++) {
		h ^= ascii_lower((unsigned char)s.p[i]);
		h *= 1099511628211u;
	}
	return h;
}

/* Whether the domain is in the sample.  Depends only on the domain, so that a
 * sender is always treated the same way. */
static bool
is_sampled(const struct policy_context *p)
{
	struct span domain = policy_subject(p->f, POLICY_AUTHOR);

	if (domain.p == NULL)
		domain = p->f->mail_from_domain;
	return hash_domain(domain) % 1000 < p->c->sample;
}

/* Returns why the decision is not enforced, or NULL if it is.  `sample` does
 * not apply to overrides. */
static const char *
why_not_enforced(struct policy_context *p)
{
	bool ramped = p->out->section == NULL;

	consult(p, "mode");
	if (ramped)
		consult(p, "sample");
	if (p->c->mode == CONF_MONITOR)
		return "monitor mode";
	return !ramped || is_sampled(p) ? NULL : "domain not in sample";
}

static enum dmarc_policy
disposition_of(enum conf_action action)
{
	switch (action) {
	case CONF_ACCEPT:
	case CONF_TEMPFAIL:
		return DMARC_POLICY_NONE;
	case CONF_ANNOTATE:
	case CONF_QUARANTINE:
		return DMARC_POLICY_QUARANTINE;
	case CONF_REJECT:
		return DMARC_POLICY_REJECT;
	}
	return DMARC_POLICY_NONE;
}

/*
 * Sets what the aggregate report says about the domain's policy: the applied
 * disposition, and why it differs from the published policy (RFC 9989 section
 * 5.4, penultimate paragraph; RFC 9990 section 3.1.1.9).  `action` is the
 * action applied because of DMARC.
 */
static void
report_override(struct policy_context *p, enum conf_action action)
{
	enum dmarc_policy published = p->f->dmarc_policy;
	enum dmarc_policy tested = p->f->dmarc_disposition;

	if (p->f->dmarc != DMARC_FAIL)
		return; /* there is no policy to apply */
	if (published == DMARC_POLICY_ABSENT)
		published = DMARC_POLICY_NONE;
	if (tested == DMARC_POLICY_ABSENT)
		tested = DMARC_POLICY_NONE;
	p->out->disposition = disposition_of(action);
	p->out->would_disposition = disposition_of(p->dmarc);
	if (p->out->disposition == published)
		p->out->override = POLICY_OVERRIDE_NONE;
	else if (p->why != POLICY_OVERRIDE_NONE)
		p->out->override = p->why;
	else if (p->out->disposition == tested)
		p->out->override = POLICY_OVERRIDE_TEST;
	else
		p->out->override = POLICY_OVERRIDE_LOCAL;
}

/* ---- the decision ---- */

static void
skip(struct policy_context *p, const char *rule)
{
	static const struct {
		const char *rule, *setting, *reason;
	} skips[] = {
		{ "skip.trusted_mta", "trusted_mtas",
		    "the client is in trusted_mtas" },
		{ "skip.authenticated", "skip_authenticated",
		    "the client logged in" },
		{ "skip.network", "skip_networks",
		    "the client is in skip_networks" },
	};

	p->why = POLICY_OVERRIDE_LOCAL;
	report_override(p, CONF_ACCEPT);
	p->out->skipped = true;
	p->out->rule = span_str(rule);
	for (size_t i = 0; i < ARRAY_SIZE(skips); i++) {
		if (strcmp(rule, skips[i].rule) != 0)
			continue;
		p->out->reason = span_str(skips[i].reason);
		consult(p, skips[i].setting);
	}
}

/* Called if memory for the strings ran out.  Defers mail that would be refused
 * or quarantined. */
static void
decide_without_text(struct policy_decision *out)
{
	bool later =
	    policy_severity(out->action) >= policy_severity(CONF_QUARANTINE);

	out->action = out->would = later ? CONF_TEMPFAIL : CONF_ACCEPT;
	out->rule = SPAN("fault");
	out->reason = SPAN("out of memory");
	out->disposition = out->would_disposition = DMARC_POLICY_NONE;
	out->override = POLICY_OVERRIDE_OTHER;
	out->code = later ? 451 : 0;
	out->enhanced = later ? "4.3.0" : NULL;
	out->text = later ? SPAN(POLICY_NO_MEMORY) : SPAN_NONE;
}

static void
decide(struct policy_context *p, int64_t now)
{
	const struct conf_override *expired = NULL;
	struct policy_decision *out = p->out;

	out->section = policy_find_override(p->c, p->f, now, &expired);
	if (out->section != NULL) {
		p->rule = &by_override;
		p->action = p->dmarc = out->section->action;
		p->why = POLICY_OVERRIDE_LOCAL;
	} else {
		propose_all(p);
		if (expired != NULL)
			out->expired = span_str(expired->name);
	}
	out->would = p->rule != NULL ? p->action : CONF_ACCEPT;
	if (out->would != CONF_ACCEPT)
		p->not_enforced = why_not_enforced(p);
	out->action = p->not_enforced != NULL ? CONF_ACCEPT : out->would;
	if (p->not_enforced != NULL)
		p->why = POLICY_OVERRIDE_LOCAL;
	report_override(p, p->not_enforced != NULL ? CONF_ACCEPT : p->dmarc);
	if (!policy_write(p))
		decide_without_text(out);
}

enum conf_action
policy_unchecked(const struct conf *c)
{
	bool later = policy_refuses(c->on_overload) ||
	    policy_refuses(c->dmarc.on_temperror) ||
	    policy_refuses(c->spf.on_temperror) ||
	    policy_refuses(c->dkim_actions.on_temperror);

	return later && c->mode == CONF_ENFORCE ? CONF_TEMPFAIL : CONF_ACCEPT;
}

void
policy_decide(const struct conf *c, const struct policy_input *f, int64_t now,
    struct arena *a, struct policy_decision *out)
{
	struct policy_context p = { .c = c, .f = f, .a = a, .out = out };
	const char *rule = policy_skip(c, f);

	*out = (struct policy_decision){
		.disposition = DMARC_POLICY_NONE,
		.would_disposition = DMARC_POLICY_NONE,
	};
	if (f->authenticated && !f->trusted_mta)
		consult(&p, "skip_authenticated");
	if (rule != NULL)
		skip(&p, rule);
	else
		decide(&p, now);
}
