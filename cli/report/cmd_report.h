/*
 * cmd_report.h - reads the configuration and opens the store, for the
 * subcommands of `avouch report`.
 */
#ifndef AVOUCH_CLI_REPORT_CMD_REPORT_H
#define AVOUCH_CLI_REPORT_CMD_REPORT_H

#include "cli/cli.h"
#include "report/store/query.h"
#include "conf/conf.h"

int cmd_report_send(struct cli *c);
int cmd_report_push(struct cli *c);
int cmd_report_failures(struct cli *c);
int cmd_report_bounce(struct cli *c);
int cmd_report_suppressed(struct cli *c);
int cmd_report_read(struct cli *c);
int cmd_report_intake(struct cli *c);
int cmd_report_show(struct cli *c);
int cmd_report_digest(struct cli *c);

enum { REPORT_SHOWN_MAX = 400 };

struct report_store {
	const struct conf *conf;
	const char *name; /* path or URL of the store (lib/pg_url.h) */
	char shown[REPORT_SHOWN_MAX]; /* `name` without its password */
	struct ledger *ledger;
};

/*
 * Reads the configuration and opens its store, or the store given by --store.
 * With --store and without --config, reads no configuration file.  After EX_OK
 * the caller must call report_close().  Any other status means that a message
 * was printed and there is nothing to close.
 */
int report_open(
    struct cli *c, enum sqlite_for purpose, struct report_store *out);

/* Reads the configuration without opening the store; `name` is NULL if no store
 * is set. */
int report_open_settings(struct cli *c, struct report_store *out);

/* Prints why the store cannot be opened, and how to fix it; returns
 * EX_TEMPFAIL. */
int report_cannot_open(
    struct cli *c, const struct report_store *store, const char *error);

/* The two steps of report_open(): read the configuration, open the store. */
int report_open_conf(struct cli *c, struct report_store *out);
int report_open_ledger(
    struct cli *c, enum sqlite_for purpose, struct report_store *out);

/*
 * Hosts that share a store must agree on the date: a host whose clock is ahead
 * would end the day too early for all of them.  If the clocks differ, prints a
 * message and returns EX_TEMPFAIL; otherwise returns EX_OK.  A time given by
 * the operator (--now) is not checked.
 */
int report_check_clock(struct cli *c, struct report_store *store);

/* If several hosts share the store, switches `name` to the daemon's local file.
 * Returns false if there is none, or if `name` already is that file. */
bool report_use_own(struct report_store *r);

void report_close(struct report_store *r);

/* Parses YYYY-MM-DD or "yesterday" into days since 1970 (UTC). */
bool report_day_read(struct span text, int64_t now, int64_t *day);

#endif
