/*
 * sts.h - parses the MTA-STS policy file (RFC 8461 section 3.2), and checks
 * whether it covers the MX hosts.
 */
#ifndef AVOUCH_AUDIT_DOMAIN_STS_H
#define AVOUCH_AUDIT_DOMAIN_STS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/domain/domain.h"
#include "lib/span.h"

enum {
	STS_POLICY_MAX =
	    65536,             /* bytes, as suggested in RFC 8461 section 3.3 */
	STS_PATTERNS_MAX = 64, /* mx fields that are read */
};

enum sts_mode { STS_MODE_NONE, STS_MODE_TESTING, STS_MODE_ENFORCE };

struct sts_policy {
	enum sts_mode mode;
	uint64_t max_age; /* seconds */
	struct span patterns[STS_PATTERNS_MAX];
	size_t n_patterns;
};

/* Returns NULL if the policy is valid, or else a constant string that says what
 * is wrong.  Spans in `out` point into `text`. */
const char *sts_policy_parse(struct span text, struct sts_policy *out);

/* Whether a pattern covers `host`.  The "*" of "*.example.com" covers exactly
 * one label (RFC 8461 section 4.1). */
bool sts_policy_covers(const struct sts_policy *p, struct span host);

/*
 * Adds findings about a policy.  If the policy could not be fetched, `why` is
 * the reason, and `text` is ignored; otherwise `why` is NULL.  If `text` is
 * absent and `why` is NULL, checks only whether TLS reports are needed.
 * Returns whether the policy is enforced.
 */
bool audit_sts(
    struct audit_domain *d, struct arena *a, struct span text, const char *why);

#endif
