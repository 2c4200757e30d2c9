/*
 * dmarc_findings.h - what dmarc_lint() finds: a table of rules, and how one of
 * them becomes a finding.  Within dmarc/ only.
 */
#ifndef AVOUCH_AUDIT_DMARC_FINDINGS_H
#define AVOUCH_AUDIT_DMARC_FINDINGS_H

#include "audit/dmarc_lint.h"

/* A lint at work. */
struct dmarc_linter {
	struct dns_questions *questions;
	struct arena *arena;
	struct dmarc_lint *out;
	struct dmarc_finding *findings; /* DMARC_FINDINGS_MAX; NULL: no memory
	                                 */
};

/* What the texts of a rule speak of. */
struct dmarc_about {
	struct span domain, value, tag;
};

/*
 * Adds the finding that the rule `id` makes of `about`; returns it, or NULL
 * where there is no room (then `cut` is set).
 */
struct dmarc_finding *dmarc_lint_add(
    struct dmarc_linter *l, const char *id, struct dmarc_about about);

/* The same for a value that is not valid: the cure is that of its tag. */
void dmarc_lint_add_bad_value(struct dmarc_linter *l, struct dmarc_about about);

#endif
