/*
 * mine.h - `avouch audit --mine`: audits the domains of our signing keys and of
 * received reports, and saves the findings so that the next run can show what
 * has changed.
 *
 * The file audit.json is next to the store, or next to the folder of keys if
 * there is no store:
 *
 *	{"run": SECONDS, "digest": SECONDS, "domains": {NAME: DOMAIN, ...}}
 *
 * A DOMAIN is
 *
 *	{"checked": SECONDS,		the last complete audit
 *	 "since": SECONDS,		the first complete audit
 *	 "grades": {"arrive": "A", "spoof": "B"},
 *	 "before": {"arrive": ..., "spoof": ..., "until": SECONDS}, or absent
 *	 "findings": [{"severity", "area", "id", "where", "what", "fix",
 *			"first": SECONDS}],
 *	 "fixed": [like findings, with "fixed": SECONDS]}
 *
 * Two findings are the same if they have the same area, id and where.  An
 * incomplete audit changes nothing.
 */
#ifndef AVOUCH_CLI_AUDIT_MINE_H
#define AVOUCH_CLI_AUDIT_MINE_H

#include "cli/audit/audit.h"

enum {
	MINE_KNOWN_MAX = 20000, /* domains in a mine_list */
	MINE_RUN_MAX = 200,  /* domains per run: those audited least recently */
	MINE_FIXED_MAX = 50, /* fixed findings kept per domain */
	MINE_FIXED_DAYS = 60, /* days for which fixed findings are kept */
};

/* ---- mine_list.c ---- */

struct mine_list {
	struct span *domains; /* sorted, in normal form */
	size_t n;
	bool cut; /* there are more domains than the list can hold */
};

/* Lists the domains in the folder sign.keys and in reports from the last
 * AUDIT_REPORT_DAYS days; `store` may be NULL.  Returns EX_OK, or another
 * status after printing a message. */
int mine_list_read(struct cli *c, const struct conf *conf,
    const struct report_store *store, struct arena *a, struct mine_list *out);

/* Lists the domains in the folder sign.keys and those above them; none if it
 * cannot be read.  Returns false if memory ran out. */
bool mine_list_ours(
    const struct conf *conf, struct arena *a, struct mine_list *out);

/* For struct view_ours: whether `domain`, in normal form, is in the mine_list
 * `list`. */
bool mine_list_has(const void *list, struct span domain);

/* ---- mine_state.c ---- */

/* Writes the path of audit.json to `out`, which has `size` bytes. */
void mine_state_path(const struct conf *conf, const struct report_store *store,
    char *out, size_t size);

/* Reads the state.  Returns an empty state if the file is missing or, after
 * printing a warning, if it is not valid.  Never returns NULL.  The caller
 * calls json_decref(). */
json_t *mine_state_read(struct cli *c, const char *path);

/* Writes the state.  Returns EX_OK, or another status after printing a
 * message. */
int mine_state_write(struct cli *c, const char *path, const json_t *state);

/* Records that a digest was mailed.  Returns EX_OK, or another status after
 * printing a message. */
int mine_state_mailed(struct cli *c, const char *path);

/* Returns the DOMAIN that replaces `old` (NULL: none) after a complete
 * audit. */
json_t *mine_state_next(
    const json_t *old, const struct audit_domain *d, int64_t now);

/*
 * Returns what changed in a DOMAIN after `since`: {"new": [...], "fixed":
 * [...], "before": {...} or null}.  Findings of the first audit are not new.
 */
json_t *mine_state_changes(const json_t *domain, int64_t since);
bool mine_has_changes(const json_t *changes);

/* ---- mine.c ---- */

struct audit_mine {
	json_t *domains;  /* a list of {"domain", "audited": true, DOMAIN...},
	                     worst grades first */
	int64_t previous; /* time of the last run; 0: none */
	int64_t digest;   /* when the last digest was mailed; 0: never */
	size_t left;      /* domains not audited in this run */
	bool is_unsure;   /* some DNS questions were not answered */
	bool has_errors, has_warnings;
};

/* Audits the domains and writes the state.  After EX_OK the caller must release
 * out->domains; another status means that a message was printed. */
int audit_mine_collect(struct cli *c, const struct conf *conf,
    const struct report_store *store, struct audit_mine *out);

/* Returns a letter from 'A' to 'F', or '-' if there is none.  `letters` is
 * "grades" or "before" of a DOMAIN, `grade` is "arrive" or "spoof". */
int mine_letter(const json_t *letters, const char *grade);

/* ---- mine_show.c ---- */

int audit_run_mine(struct cli *c);

#endif
