/*
 * results.h - prints check results as JSON and as text.
 *
 * Scripts depend on the JSON keys: never rename or remove one.
 */
#ifndef AVOUCH_CLI_RESULTS_H
#define AVOUCH_CLI_RESULTS_H

#include <jansson.h>

#include "audit/finding.h"
#include "verify/verify.h"

json_t *results_spf_json(const struct spf_result *r);
json_t *results_dkim_json(const struct dkim_result *r, size_t n);
json_t *results_arc_json(const struct arc_result *r);
json_t *results_dmarc_json(const struct dmarc_result *r);

/* `where_key` is the JSON key for audit_finding.where: "domain" or "name".
 * Terms are included if `has_terms`. */
json_t *results_findings_json(
    const struct audit_findings *f, const char *where_key, bool has_terms);
void results_findings(const struct audit_findings *f);

void results_spf(const struct spf_result *r);
void results_dkim(const struct dkim_result *r, size_t n);
void results_arc(const struct arc_result *r);
void results_dmarc(const struct dmarc_result *r);

/* Return or print all results of a message, the action, and the header fields
 * to add. */
json_t *results_verdict_json(const struct verdict *v);
void results_verdict(const struct verdict *v);

#endif
