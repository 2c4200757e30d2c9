/*
 * dmarc_findings.h - the rules and the state of dmarc_lint().  Internal to
 * audit/.
 */
#ifndef AVOUCH_AUDIT_DMARC_FINDINGS_H
#define AVOUCH_AUDIT_DMARC_FINDINGS_H

#include "audit/dmarc_lint.h"

enum dmarc_rule {
	DMARC_RULE_BAD_NAME,
	DMARC_RULE_NO_RECORD,
	DMARC_RULE_NO_OWN_RECORD,
	DMARC_RULE_SEVERAL_RECORDS,
	DMARC_RULE_NEAR_MISS,
	DMARC_RULE_FOREIGN_RECORD,
	DMARC_RULE_NO_ANSWER,
	DMARC_RULE_MISPLACED,
	DMARC_RULE_SUFFIX_WITHOUT_PSD,
	DMARC_RULE_DEEP_NAME,
	DMARC_RULE_ALIAS,
	DMARC_RULE_BROKEN_POLICY,
	DMARC_RULE_DEFAULTED_POLICY,
	DMARC_RULE_BAD_VALUE,
	DMARC_RULE_BAD_FO,
	DMARC_RULE_REPEATED_TAG,
	DMARC_RULE_UNKNOWN_TAG,
	DMARC_RULE_PCT,
	DMARC_RULE_HISTORIC_TAG,
	DMARC_RULE_GARBLED,
	DMARC_RULE_UPPER_CASE_TAG,
	DMARC_RULE_SP_WEAKER,
	DMARC_RULE_NP_WEAKER,
	DMARC_RULE_NP_HINT,
	DMARC_RULE_SP_UNUSED,
	DMARC_RULE_TESTING,
	DMARC_RULE_TESTING_NONE,
	DMARC_RULE_MONITORING,
	DMARC_RULE_MONITORING_BLIND,
	DMARC_RULE_NO_RUA,
	DMARC_RULE_REJECT,
	DMARC_RULE_PSD,
	DMARC_RULE_PSD_TLD,
	DMARC_RULE_PSD_RUF,
	DMARC_RULE_FO_WITHOUT_RUF,
	DMARC_RULE_RUF,
	DMARC_RULE_BAD_URI,
	DMARC_RULE_URI_SIZE,
	DMARC_RULE_URI_SCHEME,
	DMARC_RULE_MANY_URIS,
	DMARC_RULE_NO_MAIL_HOST,
	DMARC_RULE_NO_CONSENT,
	DMARC_RULE_CONSENT_UNKNOWN,
};

struct dmarc_linter {
	struct dns_questions *questions;
	struct arena *arena;
	struct dmarc_lint *out;
};

/* The values of %d, %v and %t in the templates of a rule (finding.h). */
struct dmarc_about {
	struct span domain, value, tag;
};

/* Adds a finding about the DMARC record of `about.domain`. */
void dmarc_lint_add(
    struct dmarc_linter *l, enum dmarc_rule rule, struct dmarc_about about);

#endif
