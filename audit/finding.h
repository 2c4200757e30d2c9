/*
 * finding.h - findings about the DNS records of a domain: what is wrong, where,
 * which RFC section says so, and how to fix it.
 *
 * The SPF linter and the DMARC linter each have a table of rules; this file
 * creates findings from them.
 */
#ifndef AVOUCH_AUDIT_FINDING_H
#define AVOUCH_AUDIT_FINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/span.h"

/* A linter keeps at most this many findings and only counts the rest.  No one
 * reads more, and a hostile domain could cause any number of findings. */
enum { AUDIT_FINDINGS_MAX = 256 };

struct audit_change; /* change.h */

enum audit_severity {     /* the most severe first */
	AUDIT_ERROR,      /* violates the RFC, or does not work */
	AUDIT_WARNING,    /* works, but is harmful or has no effect */
	AUDIT_NOTE,       /* could be better, or is worth knowing */
	AUDIT_SEVERITIES, /* number of severities */
};

struct audit_rule {
	enum audit_severity severity;
	const char *id;      /* stable, for scripts: "too-many-lookups" */
	const char *section; /* "RFC 7208 section 4.6.4" */
	/* Templates: %d, %v and %t are replaced by the domain, the value and
	 * the tag of struct audit_about. */
	const char *text; /* what is wrong */
	const char *fix;  /* how to fix it, as an imperative sentence */
};

/* The subject of a finding.  Everything except `where` may be absent. */
struct audit_about {
	struct span where; /* domain or DNS name */
	struct span term;  /* a term of the record, as written */
	struct span domain, value, tag;
	const char *fix;                   /* NULL: use the rule's fix */
	const char *area;                  /* may be NULL */
	const struct audit_change *change; /* records to change, or NULL */
};

struct audit_finding {
	enum audit_severity severity;
	const char *id;
	const char *section;
	struct span where; /* printable ASCII */
	struct span term;  /* as written; absent: the whole record */
	struct span text;  /* printable ASCII, one line */
	struct span fix;   /* printable ASCII, one line */
	struct span value; /* as received; absent: none */
	const char *area;  /* "spf", "mx"; NULL if only one area is linted */
	const struct audit_change *change; /* records to change, or NULL */
};

struct audit_findings {
	struct arena *arena;
	struct audit_finding *list; /* NULL: memory ran out */
	size_t n;
	size_t counts[AUDIT_SEVERITIES]; /* all findings, including those not
	                                    kept */
	bool cut; /* findings are missing: there were too many, or memory ran
	             out */
};

/* "error", "warning", "note" */
const char *audit_severity_name(enum audit_severity severity);

/* Initializes `out` as an empty list.  Findings and their strings are allocated
 * in `a`; terms are not copied. */
void audit_findings_init(struct audit_findings *out, struct arena *a);

/* Adds a finding for `rule`; sets `cut` if there is no room for it. */
void audit_findings_add(struct audit_findings *out,
    const struct audit_rule *rule, const struct audit_about *about);

/* Adds a copy of `one`, whose strings must live as long as `out`. */
void audit_findings_copy(
    struct audit_findings *out, const struct audit_finding *one);

/* Sorts by severity, errors first; keeps the order within a severity. */
void audit_findings_sort(struct audit_findings *out);

#endif
