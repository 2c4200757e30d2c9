/*
 * audit.h - shared by the parts of `avouch audit`.
 */
#ifndef AVOUCH_CLI_AUDIT_AUDIT_H
#define AVOUCH_CLI_AUDIT_AUDIT_H

#include "audit/domain/domain.h"
#include "cli/cli.h"
#include "verify/verify.h"
#include "cli/report/cmd_report.h"
#include "verify/dns_task.h"

enum { AUDIT_EXIT_FINDING = 1 }; /* --fail-on */

/* The forms; they return an exit status. */
int audit_run_domain(struct cli *c);
int audit_run_message(struct cli *c);
int audit_run_bounce(struct cli *c);
int audit_run_wait(struct cli *c);
int audit_run_receive(struct cli *c);
int audit_run_answer(struct cli *c);

/* The status for what was found: --fail-on, or EX_TEMPFAIL if `is_unsure`. */
int audit_status(
    const struct cli *c, const struct audit_findings *f, bool is_unsure);

/* ---- message.c ---- */

struct audit_gate {
	/* Called when all checks are done; false: nothing is shown. */
	bool (*opens)(void *arg, const struct verdict *v);
	void *arg;
};

/* Judges the message and shows the result.  The SMTP session is that of --ip,
 * --helo and --mail-from, else what the message says.  DNS is open.  `gate` may
 * be NULL. */
int audit_show_message(
    struct cli *c, struct span text, const struct audit_gate *gate);

/* ---- wait.c ---- */

/* Opens the directory of --spool.  Returns EX_OK, or another status after
 * printing a message. */
int audit_open_spool(struct cli *c, int *dir);

/* ---- learned.c ---- */

/* What a domain uses, by its own signing keys and by the reports of others;
 * without duplicates. */
struct audit_learned {
	struct span domain; /* normal form; must be the first member */
	struct audit_seen seen[CLI_LIST_MAX];
	size_t n_seen;
	struct ip passing[CLI_LIST_MAX];
	size_t n_passing;
	struct audit_reports reports;
	bool has_reports;
};

struct audit_learning {
	struct arena *arena;        /* of the texts */
	struct audit_learned *list; /* sorted by domain */
	size_t n;
	struct span *bounced; /* addresses that refused our reports */
	size_t n_bounced;
	struct ip outgoing[CLI_LIST_MAX]; /* of sign.outgoing */
	size_t n_outgoing;
};

/* Orders spans of domains in normal form, for qsort() and bsearch(). */
int audit_compare_domains(const void *left, const void *right);

/* A list of these domains, which are sorted and in normal form.  False: no
 * memory. */
bool audit_learning_init(struct audit_learning *l, struct arena *a,
    const struct span *domains, size_t n);

/* Takes a domain in any case; NULL: it is not in the list. */
struct audit_learned *audit_learning_find(
    const struct audit_learning *l, struct span domain);

/* Reads the keys and addresses of `conf` and the reports of `store`; both may
 * be NULL.  Returns EX_OK, or another status after printing a message. */
int audit_learn(struct cli *c, const struct conf *conf,
    const struct report_store *store, struct audit_learning *l);

/* ---- domain.c ---- */

/* The audit of one domain. */
struct audit_task {
	struct audit_query query;
	struct audit_domain result;
	struct span selectors[CLI_LIST_MAX];
	struct ip outgoing[CLI_LIST_MAX];
	struct dkim_options dkim;
	struct dns_task *dns; /* holds the texts of `result` */
	int64_t deadline;     /* clock_ms() */
};

/* Starts to ask.  Needs cli_dns_open(); `learned` may be NULL.  Returns EX_OK,
 * and the caller calls audit_task_end() and audit_task_free(); or another
 * status after printing a message. */
int audit_task_begin(struct cli *c, struct audit_task *t, struct span domain,
    const struct audit_learning *l, const struct audit_learned *learned);

/* Waits for the answers, with a progress bar if `shows_progress`; connects to
 * the hosts, and grades.  Returns EX_OK, or another status after printing a
 * message. */
int audit_task_end(struct cli *c, struct audit_task *t, bool shows_progress);
void audit_task_free(struct audit_task *t);

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

/* Several findings about one record are fixed by the same change: whether an
 * earlier one has it. */
bool audit_change_is_above(const struct audit_findings *f, size_t i);

void audit_show_domain(const struct audit_domain *d);
json_t *audit_domain_json(const struct audit_domain *d);

/* ---- page.c ---- */

/* Returns EX_OK, or another status after printing a message. */
int audit_write_page(struct cli *c, const struct audit_domain *d);

#endif
