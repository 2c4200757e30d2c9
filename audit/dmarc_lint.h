/*
 * dmarc_lint.h - what is wrong or unwise in a domain's DMARC records, with its
 * section and its cure.
 *
 * A pure core like dmarc.h: the command drives it and prints what it finds.
 */
#ifndef AVOUCH_AUDIT_DMARC_LINT_H
#define AVOUCH_AUDIT_DMARC_LINT_H

#include <stdbool.h>
#include <stddef.h>

#include "dmarc/tree_walk.h"
#include "audit/dmarc_explain.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "lib/core_status.h"

enum {
	DMARC_FINDINGS_MAX = 64,
	DMARC_HOSTS_MAX = 10, /* of report addresses that are looked into */
};

enum dmarc_severity {
	DMARC_SEVERITY_NOTE,    /* worth knowing */
	DMARC_SEVERITY_WARNING, /* unwise, or without effect */
	DMARC_SEVERITY_ERROR,   /* not what the RFC allows, or not working */
};

struct dmarc_finding {
	const char *id; /* stable: "no-record", "several-records", ... */
	enum dmarc_severity severity;
	struct span name;    /* the DNS name it is about */
	struct span text;    /* what is wrong */
	const char *section; /* "RFC 9989 section 4.7" */
	struct span cure;    /* what to do */
};

struct dmarc_lint {
	struct span domain; /* in normal form; absent: it is no domain name */
	struct dmarc_walk walk;
	struct dmarc_walk above; /* see dmarc_policy_below() */
	bool exists;             /* the domain itself, RFC 9989 appendix A.4 */
	struct dmarc_explanation explanation;
	const struct dmarc_finding *findings; /* errors first */
	size_t n_findings;
	bool cut; /* memory ran out, or there was more than is kept */
};

/* "error", "warning", "note" */
const char *dmarc_severity_name(enum dmarc_severity severity);

/*
 * `domain` as a person gives it: any case, U-labels, "_dmarc." before it.
 * Besides the walk it asks for the domain itself, and for the hosts of report
 * addresses: whether they take mail, and whether they agreed to take reports
 * of this domain (RFC 9990 section 4).
 */
enum core_status dmarc_lint(struct span domain, struct dns_questions *questions,
    struct arena *a, struct dmarc_lint *out);

#endif
