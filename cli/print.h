/*
 * print.h - results as JSON and as words, for the subcommands that share them.
 * The JSON keys are a contract: scripts read them.
 */
#ifndef AVOUCH_CLI_PRINT_H
#define AVOUCH_CLI_PRINT_H

#include <jansson.h>

#include "verify/verify.h"

json_t *print_spf_json(const struct spf_result *r);
json_t *print_dkim_json(const struct dkim_result *r, size_t n);
json_t *print_arc_json(const struct arc_result *r);
json_t *print_dmarc_json(const struct dmarc_result *r);

/* One fault of a record, and its cure. */
struct print_finding {
	const char *severity;
	struct span name; /* where it is */
	const char *section;
	struct span text, cure;
};
void print_finding(const struct print_finding *f);

void print_spf(const struct spf_result *r);
void print_dkim(const struct dkim_result *r, size_t n);
void print_arc(const struct arc_result *r);
void print_dmarc(const struct dmarc_result *r);

/* All of a message, the action and the fields that are added. */
json_t *print_verdict_json(const struct verdict *v);
void print_verdict(const struct verdict *v);

#endif
