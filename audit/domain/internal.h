/*
 * internal.h - the rules and the state of audit_domain().  Internal to
 * audit/domain/.
 */
#ifndef AVOUCH_AUDIT_DOMAIN_INTERNAL_H
#define AVOUCH_AUDIT_DOMAIN_INTERNAL_H

#include "audit/change.h"
#include "audit/domain/domain.h"

enum audit_domain_rule {
	AUDIT_RULE_BAD_NAME,
	AUDIT_RULE_NO_DOMAIN,
	AUDIT_RULE_SPF_OUTGOING,
	AUDIT_RULE_SPF_DANGLING,
	AUDIT_RULE_SPF_REGISTRABLE,
	AUDIT_RULE_SPF_NO_LOCK,
	AUDIT_RULE_SPF_HARD_FAIL,
	AUDIT_RULE_DKIM_NO_RECORD,
	AUDIT_RULE_DKIM_SEVERAL,
	AUDIT_RULE_DKIM_UNUSABLE,
	AUDIT_RULE_DKIM_REVOKED,
	AUDIT_RULE_DKIM_SMALL,
	AUDIT_RULE_DKIM_TESTING,
	AUDIT_RULE_DKIM_OLD,
	AUDIT_RULE_DKIM_DATED,
	AUDIT_RULE_DKIM_NO_KEY,
	AUDIT_RULE_DKIM_NONE_FOUND,
	AUDIT_RULE_DKIM_WILDCARD,
	AUDIT_RULE_DMARC_SPF_TEXT,
	AUDIT_RULE_DMARC_SINCE,
	AUDIT_RULE_DMARC_BOUNCED,
	AUDIT_RULE_MX_NO_ADDRESS,
	AUDIT_RULE_MX_NO_ADDRESSES,
	AUDIT_RULE_MX_PRIVATE,
	AUDIT_RULE_MX_ALL_PRIVATE,
	AUDIT_RULE_MX_ALIAS,
	AUDIT_RULE_MX_LITERAL,
	AUDIT_RULE_MX_NULL_BESIDE,
	AUDIT_RULE_MX_NULL_SENDS,
	AUDIT_RULE_MX_NONE,
	AUDIT_RULE_PTR_NONE,
	AUDIT_RULE_PTR_UNCONFIRMED,
	AUDIT_RULE_PTR_GENERIC,
	AUDIT_RULE_PTR_HELO_NONE,
	AUDIT_RULE_PTR_HELO_FAIL,
	AUDIT_RULE_STS_ABSENT,
	AUDIT_RULE_STS_SEVERAL,
	AUDIT_RULE_STS_RECORD,
	AUDIT_RULE_STS_FETCH,
	AUDIT_RULE_STS_POLICY,
	AUDIT_RULE_STS_UNCOVERED,
	AUDIT_RULE_STS_UNCOVERED_TESTING,
	AUDIT_RULE_STS_SHORT,
	AUDIT_RULE_STS_TESTING,
	AUDIT_RULE_STS_TESTING_LONG,
	AUDIT_RULE_TLSRPT_ABSENT,
	AUDIT_RULE_TLSRPT_ABSENT_ENFORCED,
	AUDIT_RULE_TLSRPT_SEVERAL,
	AUDIT_RULE_TLSRPT_RECORD,
	AUDIT_RULE_DANE_INSECURE,
	AUDIT_RULE_DANE_BAD,
	AUDIT_RULE_DANE_USAGE,
	AUDIT_RULE_DANE_SELECTOR,
	AUDIT_RULE_DANE_MISMATCH,
	AUDIT_RULE_SMTP_CONNECT,
	AUDIT_RULE_SMTP_NO_TLS,
	AUDIT_RULE_SMTP_CERTIFICATE,
	AUDIT_RULE_SMTP_CERTIFICATE_ENFORCED,
	AUDIT_RULE_DNSSEC_ABSENT,
	AUDIT_RULE_DNSSEC_UNKNOWN,
	AUDIT_RULE_BIMI_POLICY,
};

struct auditing {
	const struct audit_query *q;
	struct dns_questions *questions;
	struct arena *a;
	struct audit_domain *out;
	bool waiting;
	const struct dns_answer *mx; /* answers for the audited domain */
	const struct dns_answer *txt;
	struct audit_host *hosts;              /* out->hosts */
	const struct audit_change *spf_change; /* the last one computed */
	struct span spf_change_owner;
	const struct audit_change *dmarc_change;
	bool has_spf_change, has_dmarc_change; /* whether they were computed */
	bool passes_outgoing[AUDIT_GIVEN_MAX]; /* whether SPF passes, for each
	                                          outgoing address */
};

/* Queries DNS.  Sets d->waiting if the answer is pending.  Never NULL. */
const struct dns_answer *auditing_ask(
    struct auditing *d, struct span name, enum dns_type type);

/* Returns LABEL.DOMAIN, or an absent span if memory ran out. */
struct span auditing_name(
    struct arena *a, const char *label, struct span domain);

/* Adds a finding in which %d is the audited domain; `change` may be NULL. */
void auditing_add(struct audit_domain *out, enum audit_domain_rule rule,
    struct span where, struct span value, const struct audit_change *change);

/* ---- one file for each area ---- */

void auditing_spf(struct auditing *d);
void auditing_dkim(struct auditing *d);
void auditing_dmarc(struct auditing *d);
void auditing_mx(struct auditing *d);
void auditing_ptr(struct auditing *d);
void auditing_sts(struct auditing *d);
void auditing_dane(struct auditing *d);
void auditing_dnssec(struct auditing *d);

/*
 * Defined in spf_fix.c.  Returns the change to the SPF record of `owner` that
 * fixes its findings, or NULL if nothing has to change or no record can be
 * suggested without the risk that mail is lost.
 */
const struct audit_change *auditing_spf_change(
    struct auditing *d, struct span owner);

/* Returns the node whose record has the term that leads to `node`; NULL for the
 * root. */
const struct spf_lint_node *auditing_spf_parent(
    const struct auditing *d, const struct spf_lint_node *node);

/* Whether the record of `node` is missing or broken, so that it never passes.
 */
bool auditing_spf_is_dead(
    const struct auditing *d, const struct spf_lint_node *node);

/* Like auditing_spf_change(), for the domain's own DMARC record.  Neither
 * strengthens nor weakens a policy. */
const struct audit_change *auditing_dmarc_change(struct auditing *d);

#endif
