#include "verify/policy_parts.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/table.h"

const char *
policy_override_name(enum policy_override override)
{
	static const struct name names[] = {
		{ "none", POLICY_OVERRIDE_NONE },
		{ "local_policy", POLICY_OVERRIDE_LOCAL },
		{ "mailing_list", POLICY_OVERRIDE_LIST },
		{ "trusted_forwarder", POLICY_OVERRIDE_FORWARDER },
		{ "policy_test_mode", POLICY_OVERRIDE_TEST },
		{ "other", POLICY_OVERRIDE_OTHER },
	};

	return table_name(names, TABLE_SIZE(names), (int) override);
}

/* ---- the rules ---- */

/* clang-format off */
static const struct policy_rule
dmarc_reject = { "dmarc.on_reject",
	"fails DMARC and its policy is reject", "5.7.26", "4.7.26",
	POLICY_AUTHOR },
dmarc_quarantine = { "dmarc.on_quarantine",
	"fails DMARC and its policy is quarantine", "5.7.26", "4.7.26",
	POLICY_AUTHOR },
dmarc_indirect = { "dmarc.indirect_as_quarantine",
	"fails DMARC but shows a mark of indirect mail", "5.7.26", "4.7.26",
	POLICY_AUTHOR },
dmarc_temperror = { "dmarc.on_temperror",
	"cannot be checked for DMARC for now", "5.7.1", "4.7.0",
	POLICY_AUTHOR },
dmarc_permerror = { "dmarc.on_permerror",
	"cannot be checked for DMARC", "5.7.1", "4.7.1", POLICY_AUTHOR },
spf_fail = { "spf.on_fail",
	"fails SPF", "5.7.23", "4.7.23", POLICY_SENDER },
spf_softfail = { "spf.on_softfail",
	"softfails SPF", "5.7.1", "4.7.1", POLICY_SENDER },
spf_temperror = { "spf.on_temperror",
	"cannot be checked for SPF for now", "5.7.24", "4.7.24",
	POLICY_SENDER },
spf_permerror = { "spf.on_permerror",
	"cannot be checked for SPF, its record is broken", "5.7.24", "4.7.24",
	POLICY_SENDER },
spf_weak = { "spf.on_weak_pass",
	"passes SPF by a record that lets nearly everyone pass", "5.7.1",
	"4.7.1", POLICY_SENDER },
dkim_temperror = { "dkim.on_temperror",
	"has no DKIM signature that can be checked for now", "5.7.20",
	"4.7.20", POLICY_AUTHOR },
dkim_permerror = { "dkim.on_permerror",
	"has no DKIM signature that can be used", "5.7.20", "4.7.20",
	POLICY_AUTHOR },
by_override = { "override",
	"meets an override", "5.7.1", "4.7.1", POLICY_AUTHOR };
/* clang-format on */

/* The furthest of what all rules ask for is done. */
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

/* ---- deciding ---- */

static void
propose(struct policy_deciding *d, const struct policy_rule *rule,
    enum conf_action action)
{
	if (action == CONF_REJECT)
		d->rejecting++;
	if (d->rule == NULL ||
	    policy_severity(action) > policy_severity(d->action)) {
		d->rule = rule;
		d->action = action;
	}
}

/* A limit or fault of ours is no fault of the mail: it may come again. */
static enum conf_action
for_error(const struct policy_facts *f, enum conf_action action)
{
	return f->faulty && action == CONF_REJECT ? CONF_TEMPFAIL : action;
}

/*
 * RFC 9989 section 7.4: p=reject alone is not reason enough, mail with marks of
 * an indirect flow is treated as quarantine, and never refused for it.
 */
static void
propose_disposition(struct policy_deciding *d)
{
	const struct conf *c = d->c;
	bool reject = d->f->dmarc_disposition == DMARC_POLICY_REJECT;
	enum conf_action action =
	    reject ? c->dmarc.on_reject : c->dmarc.on_quarantine;
	const struct policy_rule *rule =
	    reject ? &dmarc_reject : &dmarc_quarantine;

	if (c->dmarc.indirect_as_quarantine) {
		struct policy_mark mark = policy_find_mark(c, d->f);
		enum conf_action softer = c->dmarc.on_quarantine;

		if (policy_refuses(softer))
			softer = CONF_ANNOTATE;
		if (mark.type != POLICY_OVERRIDE_NONE &&
		    policy_severity(softer) < policy_severity(action)) {
			d->mark = mark;
			d->why = mark.type;
			action = softer;
			rule = &dmarc_indirect;
		}
	}
	d->dmarc = action;
	propose(d, rule, action);
}

static void
propose_dmarc(struct policy_deciding *d)
{
	const struct policy_facts *f = d->f;

	switch (f->dmarc) {
	case DMARC_FAIL:
		/* RFC 9989 section 5.4: p=none changes nothing */
		if (f->dmarc_disposition == DMARC_POLICY_QUARANTINE ||
		    f->dmarc_disposition == DMARC_POLICY_REJECT)
			propose_disposition(d);
		break;
	case DMARC_TEMPERROR:
		propose(d, &dmarc_temperror,
		    for_error(f, d->c->dmarc.on_temperror));
		break;
	case DMARC_PERMERROR:
		propose(d, &dmarc_permerror,
		    for_error(f, d->c->dmarc.on_permerror));
		break;
	case DMARC_NONE:
	case DMARC_PASS:
		break;
	}
}

static void
propose_spf(struct policy_deciding *d)
{
	const struct conf *c = d->c;

	/* RFC 9989 section 7.1: SPF alone would refuse what DKIM vouches for */
	if (c->spf.ignore_if_dmarc_passes && d->f->dmarc == DMARC_PASS)
		return;
	switch (d->f->spf) {
	case SPF_FAIL: /* RFC 7208 section 8.4 */
		propose(d, &spf_fail, c->spf.on_fail);
		break;
	case SPF_SOFTFAIL: /* RFC 7208 section 8.5 */
		propose(d, &spf_softfail, c->spf.on_softfail);
		break;
	case SPF_TEMPERROR: /* RFC 7208 section 8.6 */
		propose(
		    d, &spf_temperror, for_error(d->f, c->spf.on_temperror));
		break;
	case SPF_PERMERROR: /* RFC 7208 section 8.7 */
		propose(
		    d, &spf_permerror, for_error(d->f, c->spf.on_permerror));
		break;
	case SPF_PASS:
		if (d->f->spf_weakness != SPF_SOLID)
			propose(d, &spf_weak, c->spf.on_weak_pass);
		break;
	case SPF_NONE:
	case SPF_NEUTRAL:
		break;
	}
}

static void
propose_dkim(struct policy_deciding *d)
{
	if (d->f->dkim == DKIM_TEMPERROR)
		propose(d, &dkim_temperror,
		    for_error(d->f, d->c->dkim_actions.on_temperror));
	if (d->f->dkim == DKIM_PERMERROR)
		propose(d, &dkim_permerror,
		    for_error(d->f, d->c->dkim_actions.on_permerror));
}

/* ---- enforcement ---- */

struct span
policy_author(const struct policy_facts *f)
{
	if (f->dmarc_domain.p != NULL)
		return f->dmarc_domain;
	if (f->n_from_domains > 0)
		return f->from_domains[0];
	return f->mail_from_domain;
}

/* By the domain, so that one sender is always treated alike.  FNV-1a, 64 bits:
 * the same on every host and in every version. */
static uint64_t
hash(struct span s)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < s.n; i++) {
		h ^= ascii_lower((unsigned char)s.p[i]);
		h *= 1099511628211u;
	}
	return h;
}

static bool
is_sampled(const struct conf *c, const struct policy_facts *f)
{
	return hash(policy_author(f)) % 1000 < c->sample;
}

/* Why nothing is enforced; NULL: it is.  An override is meant as it stands. */
static const char *
held_back(const struct policy_deciding *d)
{
	if (d->c->mode == CONF_MONITOR)
		return "monitor mode";
	if (d->override == NULL && !is_sampled(d->c, d->f))
		return "domain not in sample";
	return NULL;
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
 * What the report says became of the domain's policy (RFC 9989 section 5.4,
 * last but one paragraph; RFC 9990 section 3.1.1.9): `dmarc` is the action
 * that stands for it.
 */
static void
account(struct policy_deciding *d, enum conf_action dmarc)
{
	enum dmarc_policy published = d->f->dmarc_policy;
	enum dmarc_policy asked = d->f->dmarc_disposition;

	if (d->f->dmarc != DMARC_FAIL)
		return; /* there is no policy to apply */
	if (published == DMARC_POLICY_ABSENT)
		published = DMARC_POLICY_NONE;
	if (asked == DMARC_POLICY_ABSENT)
		asked = DMARC_POLICY_NONE;
	d->out->disposition = disposition_of(dmarc);
	if (d->out->disposition == published)
		d->out->override = POLICY_OVERRIDE_NONE;
	else if (d->why != POLICY_OVERRIDE_NONE)
		d->out->override = d->why;
	else if (d->out->disposition == asked)
		d->out->override = POLICY_OVERRIDE_TEST;
	else
		d->out->override = POLICY_OVERRIDE_LOCAL;
}

/* ---- the whole ---- */

static void
skip(struct policy_deciding *d, const char *rule)
{
	d->why = POLICY_OVERRIDE_LOCAL;
	account(d, CONF_ACCEPT);
	d->out->rule = span_str(rule);
	if (d->f->trusted_mta)
		d->out->reason = SPAN("the client is in trusted_mtas");
	else if (strcmp(rule, "skip.authenticated") == 0)
		d->out->reason = SPAN("the client logged in");
	else
		d->out->reason = SPAN("the client is in skip_networks");
	d->out->skipped = true;
}

/* No memory for the texts: what was to be refused or held comes again. */
static void
wordless(struct policy_decision *out)
{
	bool later =
	    policy_severity(out->action) >= policy_severity(CONF_QUARANTINE);

	*out = (struct policy_decision){
		.action = later ? CONF_TEMPFAIL : CONF_ACCEPT,
		.rule = SPAN("fault"),
		.reason = SPAN("out of memory"),
		.disposition = DMARC_POLICY_NONE,
		.override = POLICY_OVERRIDE_OTHER,
	};
	out->would = out->action;
	if (later) {
		out->code = 451;
		out->enhanced = "4.3.0";
		out->text = SPAN(POLICY_NO_MEMORY);
	}
}

static void
decide(struct policy_deciding *d, int64_t now)
{
	const struct conf_override *expired = NULL;
	struct policy_decision *out = d->out;

	d->override = policy_find_override(d->c, d->f, now, &expired);
	propose_dmarc(d);
	if (d->override != NULL) {
		d->rule = &by_override;
		d->action = d->override->action;
		d->dmarc = d->action;
		d->why = POLICY_OVERRIDE_LOCAL;
	} else {
		propose_spf(d);
		propose_dkim(d);
		if (d->rule != &dmarc_indirect)
			d->mark = (struct policy_mark){ 0 };
		if (expired != NULL)
			out->expired = span_str(expired->name);
	}
	out->would = d->rule != NULL ? d->action : CONF_ACCEPT;
	d->held = out->would != CONF_ACCEPT ? held_back(d) : NULL;
	out->action = d->held != NULL ? CONF_ACCEPT : out->would;
	if (d->held != NULL)
		d->why = POLICY_OVERRIDE_LOCAL;
	account(d, d->held != NULL ? CONF_ACCEPT : d->dmarc);
	if (!policy_write(d))
		wordless(out);
}

enum conf_action
policy_unchecked(const struct conf *c)
{
	bool later = policy_refuses(c->dmarc.on_temperror) ||
	    policy_refuses(c->spf.on_temperror) ||
	    policy_refuses(c->dkim_actions.on_temperror);

	return later && c->mode == CONF_ENFORCE ? CONF_TEMPFAIL : CONF_ACCEPT;
}

void
policy_decide(const struct conf *c, const struct policy_facts *f, int64_t now,
    struct arena *a, struct policy_decision *out)
{
	struct policy_deciding d = { .c = c, .f = f, .a = a, .out = out };
	const char *rule = policy_skip(c, f);

	*out = (struct policy_decision){ .disposition = DMARC_POLICY_NONE };
	if (rule != NULL)
		skip(&d, rule);
	else
		decide(&d, now);
}
