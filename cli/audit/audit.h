/*
 * audit.h - shared by the parts of `avouch audit`.
 */
#ifndef AVOUCH_CLI_AUDIT_AUDIT_H
#define AVOUCH_CLI_AUDIT_AUDIT_H

#include "audit/domain/domain.h"
#include "cli/cli.h"

enum { AUDIT_EXIT_FINDING = 1 }; /* --fail-on */

/* The three forms; they return an exit status. */
int audit_run_domain(struct cli *c);
int audit_run_message(struct cli *c);
int audit_run_bounce(struct cli *c);

/* The status for what was found: --fail-on, or EX_TEMPFAIL if `is_unsure`. */
int audit_status(
    const struct cli *c, const struct audit_findings *f, bool is_unsure);

/* ---- learned.c ---- */

/* What the domain uses, by its own signing keys and by the reports of others;
 * without duplicates. */
struct audit_learned {
	struct arena *arena; /* of the texts */
	struct span domain;  /* normal form */
	struct audit_seen seen[CLI_LIST_MAX];
	size_t n_seen;
	struct ip passing[CLI_LIST_MAX];
	size_t n_passing;
	struct ip outgoing[CLI_LIST_MAX]; /* of sign.outgoing */
	size_t n_outgoing;
};

/* Reads --config and --store, if given.  Returns EX_OK, or another status after
 * printing a message. */
int audit_learn(struct cli *c, struct audit_learned *out);

/* ---- show.c ---- */

#define AUDIT_SCOPE                                                            \
	"Blocklists, spam scores and the content of mail are not checked."

/* What a letter means, in a few words. */
const char *audit_arrive_meaning(char letter);
const char *audit_spoof_meaning(char letter);

/* "error", "warning", "hint" */
const char *audit_word(enum audit_severity severity);

json_t *audit_findings_json(const struct audit_findings *f);
void audit_show_findings(const struct audit_findings *f);
void audit_show_domain(const struct audit_domain *d);
json_t *audit_domain_json(const struct audit_domain *d);

/* ---- page.c ---- */

/* Returns EX_OK, or another status after printing a message. */
int audit_write_page(struct cli *c, const struct audit_domain *d);

#endif
