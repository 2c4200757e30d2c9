/*
 * spf_lint.h - finds errors and bad practice in a domain's SPF record: `avouch
 * spf --lint DOMAIN` (RFC 7208).
 *
 * A pure core like spf_check().  It reads the record, follows every include and
 * redirect as if no term matched, and counts the DNS lookups in the worst case.
 * Terms that depend on the message (macros) are counted but not followed.
 */
#ifndef AVOUCH_AUDIT_SPF_LINT_H
#define AVOUCH_AUDIT_SPF_LINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/finding.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "lib/core_status.h"

enum {
	SPF_LINT_RECORDS_MAX = 64, /* records read in a tree of includes */
	SPF_LINT_NODES_MAX = 128,  /* nodes listed in a tree */
	SPF_LINT_DEPTH_MAX = 16,   /* nested includes and redirects */
	SPF_LINT_QUESTIONS = 512,  /* DNS questions that one call may need */
};

struct spf_lint_node {      /* one record of the tree, in the order read */
	struct span domain; /* the domain that has the record */
	struct span term;   /* the term that refers to this record; absent for
	                       the root of the tree */
	unsigned depth;
	size_t top; /* index of the ancestor at depth 1; the node's own index if
	               its depth is 0 or 1 */
	unsigned lookups; /* DNS lookups caused by the term and everything below
	                     it */
	bool has_record;
	enum dns_state state;
	uint64_t addresses; /* IPv4 addresses that ip4 terms allow */
	unsigned networks6; /* networks that ip6 terms allow */
	size_t bytes;       /* size of the record */
};

struct spf_lint {
	struct span domain; /* normal form */
	struct span record; /* absent unless there is exactly one SPF record */
	struct audit_findings findings; /* in the order of the terms */
	unsigned lookups;               /* in the worst case */
	unsigned void_lookups; /* for IPv4 or IPv6, whichever is worse */
	unsigned records;      /* number of records read */
	struct spf_lint_node tree[SPF_LINT_NODES_MAX];
	size_t n_tree;
};

enum spf_lint_likeness {
	SPF_LIKENESS_OTHER,
	SPF_LIKENESS_RECORD, /* an SPF record */
	SPF_LIKENESS_ALIKE,  /* meant as an SPF record, but receivers ignore it
	                      */
	SPF_LIKENESS_SENDER_ID, /* "spf2.0": obsolete */
};

/* Whether a TXT record is, or is meant to be, an SPF record.  Only the
 * beginning of the record is examined. */
enum spf_lint_likeness spf_lint_likeness(struct span text);

/*
 * Returns CORE_WAIT if answers are missing: call again with the same arguments
 * when they have arrived.  Returns CORE_DONE when `out` is complete; its spans
 * point into `a`, `domain` or `questions`.  If `a` is full, findings are
 * missing, and `out->findings.cut` is set.
 */
enum core_status spf_lint(struct span domain, struct dns_questions *questions,
    struct arena *a, struct spf_lint *out);

#endif
