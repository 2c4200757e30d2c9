/*
 * spf_findings.h - the rules and the state of spf_lint().  Internal to audit/.
 */
#ifndef AVOUCH_AUDIT_SPF_FINDINGS_H
#define AVOUCH_AUDIT_SPF_FINDINGS_H

#include <stdbool.h>

#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "audit/spf_lint.h"
#include "spf/record.h"

enum spf_rule {
	SPF_RULE_NO_NAME,
	SPF_RULE_NO_RECORD,
	SPF_RULE_SEVERAL_RECORDS,
	SPF_RULE_LOOKALIKE,
	SPF_RULE_SENDER_ID,
	SPF_RULE_NO_ANSWER,
	SPF_RULE_TOO_LONG_TO_READ,
	SPF_RULE_LONG_ANSWER,
	SPF_RULE_SYNTAX,
	SPF_RULE_LOOKUPS,
	SPF_RULE_LOOKUPS_FULL,
	SPF_RULE_VOIDS_V4,
	SPF_RULE_VOIDS_V6,
	SPF_RULE_VOID,
	SPF_RULE_MX_MANY,
	SPF_RULE_MX_NULL,
	SPF_RULE_MX_HOST,
	SPF_RULE_INCLUDE_NONE,
	SPF_RULE_REDIRECT_NONE,
	SPF_RULE_LOOP,
	SPF_RULE_INCLUDED_TWICE,
	SPF_RULE_NOT_FOLLOWED,
	SPF_RULE_MACRO,
	SPF_RULE_LOCAL_MACRO,
	SPF_RULE_PTR,
	SPF_RULE_PTR_MACRO,
	SPF_RULE_PLUS_ALL,
	SPF_RULE_NEUTRAL_ALL,
	SPF_RULE_NO_ALL,
	SPF_RULE_AFTER_ALL,
	SPF_RULE_REDIRECT_IGNORED,
	SPF_RULE_MODIFIER_FIRST,
	SPF_RULE_UNKNOWN_MODIFIER,
	SPF_RULE_FINAL_DOT,
	SPF_RULE_DUPLICATE,
	SPF_RULE_COVERED,
	SPF_RULE_BROAD,
	SPF_RULE_HOST_BITS,
	SPF_RULE_NOT_PUBLIC,
	SPF_RULE_EXP_NONE,
	SPF_RULE_EXP_TEXT,
};

struct spf_linting {
	struct dns_questions *questions;
	struct arena *a;
	struct spf_lint *out;
	bool waiting;
	unsigned void4; /* terms whose lookups are void for IPv4 clients */
	unsigned void6;
	struct span seen[SPF_LINT_RECORDS_MAX]; /* domains whose records were
	                                           already read */
};

struct spf_lint_frame { /* a record in the tree, and how it was reached */
	const struct spf_lint_frame *above; /* NULL: the domain's own record */
	struct span domain;
	unsigned depth;
	size_t node;    /* index in the tree; SPF_LINT_NODES_MAX: not in it */
	bool is_policy; /* reached without include, so its "all" applies */
	bool passes; /* a match in this record makes SPF pass for the domain */
	bool is_first; /* this record has not been read before */
};

/*
 * Adds a finding about `f`; `term` and `value` may be absent.  Does nothing if
 * the record of `f` was already read or an answer is missing.
 */
void spf_lint_add(struct spf_linting *l, const struct spf_lint_frame *f,
    enum spf_rule rule, struct span term, struct span value);

/* Like spf_lint_add(), with a number as the value. */
void spf_lint_add_number(struct spf_linting *l, const struct spf_lint_frame *f,
    enum spf_rule rule, size_t number);

/* Runs the checks that need no DNS. */
void spf_lint_record(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_record *record);

#endif
