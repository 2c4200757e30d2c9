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

/* Each runs one form of the command, and returns an exit status. */
int audit_run_domain(struct cli *c);
int audit_run_message(struct cli *c);
int audit_run_bounce(struct cli *c);
int audit_run_wait(struct cli *c);
int audit_run_receive(struct cli *c);
int audit_run_answer(struct cli *c);

/* Returns the exit status for these findings: EX_TEMPFAIL if `is_unsure` is set
 * or findings are missing, otherwise the status that --fail-on requires. */
int audit_status(
    const struct cli *c, const struct audit_findings *f, bool is_unsure);

/* ---- message.c ---- */

struct audit_gate {
	/* called when all checks are done; returns false if nothing should be
	 * shown */
	bool (*opens)(void *arg, const struct verdict *v);
	void *arg;
};

/* Judges the message and shows the result.  The facts about the SMTP session
 * come from --ip, --helo and --mail-from, or else from the message.  DNS must
 * be open.  `gate` may be NULL. */
int audit_show_message(
    struct cli *c, struct span text, const struct audit_gate *gate);

/* ---- wait.c ---- */

/* Opens the directory given with --spool.  Returns EX_OK, or another status
 * after printing a message. */
int audit_open_spool(struct cli *c, int *dir);

/* ---- learned.c ---- */

/* Facts about a domain from our signing keys and from received reports, without
 * duplicates. */
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
	struct arena *arena;        /* for the strings */
	struct audit_learned *list; /* sorted by domain */
	size_t n;
	struct span *bounced; /* addresses that rejected our reports */
	size_t n_bounced;
	struct ip outgoing[CLI_LIST_MAX]; /* from sign.outgoing */
	size_t n_outgoing;
};

/* Compares spans that contain domains in normal form, for qsort() and
 * bsearch(). */
int audit_compare_domains(const void *left, const void *right);

/* Fills `l` with `domains`, which must be sorted and in normal form.  Returns
 * false if memory ran out. */
bool audit_learning_init(struct audit_learning *l, struct arena *a,
    const struct span *domains, size_t n);

/* Finds a domain, ignoring case.  Returns NULL if it is not in the list. */
struct audit_learned *audit_learning_find(
    const struct audit_learning *l, struct span domain);

/* Reads the keys and addresses that `conf` names, and the reports in `store`.
 * Either may be NULL.  Returns EX_OK, or another status after printing a
 * message. */
int audit_learn(struct cli *c, const struct conf *conf,
    const struct report_store *store, struct audit_learning *l);

/* ---- domain.c ---- */

struct audit_task {
	struct audit_query query;
	struct audit_domain result;
	struct span selectors[CLI_LIST_MAX];
	struct ip outgoing[CLI_LIST_MAX];
	struct dkim_options dkim;
	struct dns_task *dns; /* owns the strings of `result` */
	int64_t deadline;     /* clock_ms() */
};

/* Starts the queries.  DNS must be open; `learned` may be NULL.  After EX_OK
 * the caller must call audit_task_end() and audit_task_free(); another status
 * means that a message was printed. */
int audit_task_begin(struct cli *c, struct audit_task *t, struct span domain,
    const struct audit_learning *l, const struct audit_learned *learned);

/* Waits for the answers (with a progress bar if `shows_progress`), connects to
 * the hosts, and sets the grades.  Returns EX_OK, or another status after
 * printing a message. */
int audit_task_end(struct cli *c, struct audit_task *t, bool shows_progress);
void audit_task_free(struct audit_task *t);

/* ---- show.c ---- */

#define AUDIT_SCOPE                                                            \
	"Blocklists, spam scores and the content of mail are not checked."

/* Return the meaning of a grade in a few words. */
const char *audit_arrive_meaning(char letter);
const char *audit_spoof_meaning(char letter);

/* Returns why a record in the SPF tree is missing; NULL: it is not. */
const char *audit_why_missing(const struct spf_lint_node *node);

/* "error", "warning", "hint" */
const char *audit_word(enum audit_severity severity);

json_t *audit_findings_json(const struct audit_findings *f);
void audit_show_findings(const struct audit_findings *f);

/* Whether an earlier finding has the same change as finding `i`.  One change
 * can fix several findings about a record. */
bool audit_change_is_above(const struct audit_findings *f, size_t i);

void audit_show_domain(const struct audit_domain *d);
json_t *audit_domain_json(const struct audit_domain *d);

/* ---- page.c ---- */

/* Writes the HTML page for --html.  Returns EX_OK, or another status after
 * printing a message. */
int audit_write_page(struct cli *c, const struct audit_domain *d);

#endif
