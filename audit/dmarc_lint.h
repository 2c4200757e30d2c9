/*
 * dmarc_lint.h - finds errors and bad practice in a domain's DMARC records:
 * `avouch dmarc DOMAIN` (RFC 9989, RFC 9990 section 4).
 *
 * A pure core, like dmarc.h.
 */
#ifndef AVOUCH_AUDIT_DMARC_LINT_H
#define AVOUCH_AUDIT_DMARC_LINT_H

#include <stdbool.h>
#include <stddef.h>

#include "audit/dmarc_explain.h"
#include "audit/finding.h"
#include "dmarc/tree_walk.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "lib/core_status.h"

enum { DMARC_HOSTS_MAX = 10 }; /* hosts of report addresses that are checked */

struct dmarc_lint {
	struct span
	    domain; /* in normal form; absent: not a valid domain name */
	struct dmarc_walk walk;
	struct dmarc_walk above; /* see dmarc_policy_below() */
	bool exists;             /* the domain exists (RFC 9989 appendix A.4) */
	struct dmarc_explanation explanation;
	/* Sorted, errors first.  `cut` is also set if memory ran out elsewhere,
	 * or if a record has more tags or hosts than are checked. */
	struct audit_findings findings;
};

/*
 * Checks `domain`, which may have any form that users type: upper or lower
 * case, with or without U-labels and a leading "_dmarc.".  Queries the domain
 * itself as well as the names of the tree walk.  Also checks whether each host
 * of a report address accepts mail and has agreed to receive reports about this
 * domain (RFC 9990 section 4).
 *
 * Returns CORE_WAIT if answers are missing: call again with the same arguments
 * when they have arrived.
 */
enum core_status dmarc_lint(struct span domain, struct dns_questions *questions,
    struct arena *a, struct dmarc_lint *out);

#endif
