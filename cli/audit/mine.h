/*
 * mine.h - `avouch audit --mine`: audits the domains of our signing keys and of
 * the reports that we received, and keeps what was found, so that the next run
 * shows what changed.
 *
 * The file audit.json is beside the store, or beside the keys if there is no
 * store:
 *
 *	{"run": SECONDS, "digest": SECONDS, "domains": {NAME: DOMAIN, ...}}
 *
 * A DOMAIN is
 *
 *	{"checked": SECONDS,		the last audit that was complete
 *	 "since": SECONDS,		the first one
 *	 "grades": {"arrive": "A", "spoof": "B"},
 *	 "before": {"arrive": ..., "spoof": ..., "until": SECONDS}, or absent
 *	 "findings": [{"severity", "area", "id", "where", "what", "fix",
 *			"first": SECONDS}],
 *	 "fixed": [the same, and "fixed": SECONDS]}
 *
 * A finding is the same as an earlier one if area, id and where are.  An audit
 * that is not complete changes nothing.
 */
#ifndef AVOUCH_CLI_AUDIT_MINE_H
#define AVOUCH_CLI_AUDIT_MINE_H

#include "cli/audit/audit.h"

enum {
	MINE_KNOWN_MAX = 20000, /* domains that are found */
	MINE_RUN_MAX = 200,     /* that are audited in one run: those that were
	                           not audited for longest */
	MINE_FIXED_MAX = 50,    /* of a domain that are kept */
	MINE_FIXED_DAYS = 60,   /* for so long */
};

/* ---- mine_list.c ---- */

struct mine_list {
	struct span *domains; /* sorted, in normal form */
	size_t n;
	bool cut; /* there are more */
};

/* The domains below sign.keys, and those of the reports of the last
 * AUDIT_REPORT_DAYS; `store` may be NULL.  Returns EX_OK, or another status
 * after printing a message. */
int mine_list_read(struct cli *c, const struct conf *conf,
    const struct report_store *store, struct arena *a, struct mine_list *out);

/* ---- mine_state.c ---- */

/* The path of audit.json, in `out` of `size` bytes. */
void mine_state_path(const struct conf *conf, const struct report_store *store,
    char *out, size_t size);

/* Never NULL: a file that is missing, or not valid (with a warning), is an
 * empty state.  The caller calls json_decref(). */
json_t *mine_state_read(struct cli *c, const char *path);

/* Returns EX_OK, or another status after printing a message. */
int mine_state_write(struct cli *c, const char *path, const json_t *state);

/* Notes that a digest was mailed.  Returns as above. */
int mine_state_mailed(struct cli *c, const char *path);

/* The DOMAIN that follows `old` (NULL: none) after a complete audit. */
json_t *mine_state_next(
    const json_t *old, const struct audit_domain *d, int64_t now);

/*
 * What changed after `since` in a DOMAIN: {"new": [...], "fixed": [...],
 * "before": {...} or null}.  All of the first audit is not new.
 */
json_t *mine_state_changes(const json_t *domain, int64_t since);
bool mine_has_changes(const json_t *changes);

/* ---- mine.c ---- */

struct audit_mine {
	json_t *domains;  /* a list of {"domain", "audited": true, DOMAIN...},
	                     the worst grades first */
	int64_t previous; /* when the last run was; 0: there was none */
	int64_t digest;   /* when the last digest was mailed; 0: none was */
	size_t left;      /* domains that were not audited this time */
	bool is_unsure;   /* DNS did not answer all for one of them */
	bool has_errors, has_warnings;
};

/* Audits them and writes the state.  Returns EX_OK, and the caller releases
 * out->domains; or another status after printing a message. */
int audit_mine_collect(struct cli *c, const struct conf *conf,
    const struct report_store *store, struct audit_mine *out);

/* 'A' to 'F'; '-' if there is none.  `letters` is "grades" or "before" of a
 * DOMAIN, `grade` is "arrive" or "spoof". */
int mine_letter(const json_t *letters, const char *grade);

/* ---- mine_show.c ---- */

int audit_run_mine(struct cli *c);

#endif
