#include "audit/domain/domain.h"

#include "audit/domain/internal.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "spf/record.h"

const struct dns_answer *
auditing_ask(struct auditing *d, struct span name, enum dns_type type)
{
	const struct dns_answer *answer = dns_ask(d->questions, name, type);

	d->waiting |= answer->state == DNS_PENDING;
	return answer;
}

struct span
auditing_name(struct arena *a, const char *label, struct span domain)
{
	struct span first = span_str(label);
	struct buf b = buf_alloc(a, first.n + 1 + domain.n + 1);

	buf_span(&b, first);
	buf_byte(&b, '.');
	buf_span(&b, domain);
	return b.full ? SPAN_NONE : buf_view(&b);
}

/* ---- failed questions ---- */

static bool
is_given_key(const struct auditing *d, struct span name, struct span key_zone)
{
	struct span label = span_first(name, name.n - key_zone.n);

	for (size_t i = 0; i < d->q->n_selectors; i++) {
		struct span given = domain_normal(d->a, d->q->selectors[i]);

		if (given.n + 1 == label.n &&
		    span_starts_nocase(label, given.p))
			return true;
	}
	for (size_t i = 0; i < d->q->n_seen; i++)
		if (d->q->seen[i].selector.n + 1 == label.n &&
		    span_equal_nocase(
			span_first(label, label.n - 1), d->q->seen[i].selector))
			return true;
	return false;
}

/* Whether no grade depends on the answer to `q`, because only a hint or a
 * guessed selector needs it. */
static bool
is_optional(const struct auditing *d, const struct dns_question *q)
{
	struct span key_zone =
	    auditing_name(d->a, "_domainkey", d->out->domain);

	if (span_is_nocase(q->name, "arpa") ||
	    span_starts_nocase(q->name, "default._bimi."))
		return true;
	return domain_is_under(q->name, key_zone) &&
	    !is_given_key(d, q->name, key_zone);
}

static void
list_failures(struct auditing *d)
{
	struct audit_domain *out = d->out;
	const struct dns_question *q = dns_questions_first(d->questions);

	for (; q != NULL; q = q->next) {
		if (q->answer->state != DNS_FAILED)
			continue;
		out->is_unsure |= !is_optional(d, q);
		if (out->n_failures < AUDIT_FAILED_MAX)
			out->failures[out->n_failures++] =
			    (struct audit_failure){ q->name, q->type,
				    q->answer->fault };
	}
	out->is_unsure |= dns_questions_budget_exceeded(d->questions);
}

/* ---- the audit ---- */

/* Returns the only SPF record of `name`, or an absent span. */
static struct span
spf_record_of(struct auditing *d, struct span name)
{
	const struct dns_answer *answer = auditing_ask(d, name, DNS_TXT);
	struct span found = SPAN_NONE;

	for (size_t i = 0; i < answer->n_records; i++) {
		if (!spf_record_is(answer->records[i].text))
			continue;
		if (found.p != NULL)
			return SPAN_NONE;
		found = answer->records[i].text;
	}
	return found;
}

/* Whether the record `text` allows no one to send: it contains only "all", or
 * redirects to such a record.  "~all" counts only if `softly`. */
static bool
allows_none(struct auditing *d, struct span text, bool softly)
{
	for (unsigned i = 0; text.p != NULL && i < SPF_LINT_DEPTH_MAX; i++) {
		struct spf_record r;

		if (!spf_record_parse(d->a, text, &r) || r.fault != NULL)
			return false;
		for (size_t k = 0; k < r.n; k++)
			if (r.terms[k].kind < SPF_KIND_REDIRECT &&
			    r.terms[k].kind != SPF_KIND_ALL)
				return false;
		if (r.all != NULL)
			return r.all->qualifier == SPF_FAIL ||
			    (softly && r.all->qualifier == SPF_SOFTFAIL);
		if (r.redirect == NULL || r.redirect->needs != 0)
			return false;
		text = spf_record_of(d, r.redirect->spec);
	}
	return false;
}

/*
 * Returns false if no outgoing address or selector was given, and the domain
 * declares that it sends no mail (RFC 7208 section 10.1.2) or has neither an
 * SPF record nor a usable MX.
 */
static bool
may_send(struct auditing *d, bool accepts_none)
{
	const struct audit_domain *out = d->out;
	const struct dns_answer *txt = d->txt;

	if (d->q->n_outgoing > 0 || d->q->n_selectors > 0)
		return true;
	if (out->spf.record.p != NULL)
		return !allows_none(d, out->spf.record, accepts_none);
	for (size_t i = 0; i < txt->n_records; i++)
		if (spf_lint_likeness(txt->records[i].text) !=
		    SPF_LIKENESS_OTHER)
			return true;
	return !accepts_none;
}

/* Determines the facts that several areas need. */
static void
read_facts(struct auditing *d)
{
	struct audit_domain *out = d->out;
	const struct dmarc_walk *walk = &out->dmarc.walk;
	enum dmarc_policy policy = DMARC_POLICY_NONE;
	bool accepts_none =
	    (d->mx->state != DNS_FOUND && d->mx->state != DNS_FAILED) ||
	    (d->mx->n_records == 1 && d->mx->records[0].text.n == 0);
	const char *tag;

	if (walk->policy != NULL && !walk->policy->broken)
		policy =
		    dmarc_policy_asked(dmarc_record_policy(walk->policy->record,
					   walk->policy == &walk->steps[0]
					       ? DMARC_TARGET_ITSELF
					       : DMARC_TARGET_SUBDOMAIN,
					   &tag),
			walk->policy->record->testing);
	out->is_enforced = policy > DMARC_POLICY_NONE;
	out->sends_mail = may_send(d, accepts_none);
	out->is_parked =
	    !out->sends_mail && accepts_none && policy == DMARC_POLICY_REJECT;
}

static void
audit_areas(struct auditing *d)
{
	auditing_mx(d);
	auditing_spf(d);
	auditing_dkim(d);
	auditing_dmarc(d);
	auditing_ptr(d);
	auditing_sts(d);
	auditing_dane(d);
	auditing_dnssec(d);
}

static enum core_status
audit_name(struct auditing *d)
{
	struct audit_domain *out = d->out;

	d->mx = auditing_ask(d, out->domain, DNS_MX);
	d->txt = auditing_ask(d, out->domain, DNS_TXT);
	if (spf_lint(out->domain, d->questions, d->a, &out->spf) == CORE_WAIT)
		d->waiting = true;
	if (dmarc_lint(out->domain, d->questions, d->a, &out->dmarc) ==
	    CORE_WAIT)
		d->waiting = true;
	read_facts(d);
	audit_areas(d);
	if (d->waiting)
		return CORE_WAIT;
	if (d->txt->state == DNS_NXDOMAIN && d->mx->state == DNS_NXDOMAIN &&
	    !out->dmarc.exists) {
		audit_findings_init(&out->findings, d->a);
		auditing_add(
		    out, AUDIT_RULE_NO_DOMAIN, out->domain, SPAN_NONE, NULL);
	}
	list_failures(d);
	return CORE_DONE;
}

enum core_status
audit_domain(const struct audit_query *q, struct dns_questions *questions,
    struct arena *a, struct audit_domain *out)
{
	struct auditing d = {
		.q = q, .questions = questions, .a = a, .out = out
	};
	struct span normal = domain_normal(a, q->domain);
	enum core_status status;

	*out =
	    (struct audit_domain){ .now = q->now, .arrive = '-', .spoof = '-' };
	audit_findings_init(&out->findings, a);
	if (!domain_is_fqdn(normal)) {
		auditing_add(
		    out, AUDIT_RULE_BAD_NAME, q->domain, q->domain, NULL);
		out->findings.cut |= arena_has_failed(a);
		return CORE_DONE;
	}
	out->domain = normal;
	status = audit_name(&d);
	out->findings.cut |= arena_has_failed(a);
	return status;
}
