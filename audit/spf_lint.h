/*
 * spf_lint.h - what is wrong or unwise in a domain's SPF record: `avouch spf
 * --lint DOMAIN`.
 *
 * A pure core like spf_check(): it walks the record and all it includes or
 * redirects to as if no term ever matched, counts what the worst client would
 * cause, and says of each finding where it is, by which section, and what cures
 * it.  What depends on the message (a macro) is counted and not followed.
 */
#ifndef AVOUCH_AUDIT_SPF_LINT_H
#define AVOUCH_AUDIT_SPF_LINT_H

#include <stddef.h>

#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "lib/core_status.h"

enum {
	SPF_LINT_RECORDS_MAX = 64,   /* read of one tree of includes */
	SPF_LINT_FINDINGS_MAX = 256, /* told; more are counted */
	SPF_LINT_DEPTH_MAX = 16,     /* of includes and redirects followed */
	SPF_LINT_QUESTIONS = 512,    /* what the questions has to allow */
};

enum spf_severity {
	SPF_SEVERITY_ERROR,   /* some or all mail gets permerror */
	SPF_SEVERITY_WARNING, /* it works, and harms */
	SPF_SEVERITY_NOTE,    /* it could be better */
};

struct spf_finding {
	const struct spf_finding *next;
	enum spf_severity severity;
	const char *name;    /* "too-many-lookups": stable, for scripts */
	const char *section; /* "RFC 7208 section 4.6.4" */
	struct span domain;  /* whose record */
	struct span term;    /* as written; absent: the record as a whole */
	struct span text;    /* what is wrong, one line of printable ASCII */
	const char *cure;    /* what to do, a sentence */
};

struct spf_lint {
	struct span domain; /* normal form */
	struct span record; /* absent: there is none, or not one */
	const struct spf_finding *findings; /* first; in order of the terms */
	size_t n_findings;
	size_t errors, warnings, notes; /* of all, told or not */
	unsigned lookups;               /* in the worst case */
	unsigned void_lookups;          /* the same, of IPv4 and IPv6 clients
	                                   the worse off */
	unsigned records;               /* read */
};

const char *spf_severity_name(enum spf_severity severity);

/*
 * CORE_WAIT: answers are missing; call again with the same arguments when they
 * came.  CORE_DONE: `out` is filled in; texts live in `a`, or point into
 * `domain` and `questions`.  Where `a` has no room, findings are missing and
 * arena_has_failed() tells.
 */
enum core_status spf_lint(struct span domain, struct dns_questions *questions,
    struct arena *a, struct spf_lint *out);

#endif
