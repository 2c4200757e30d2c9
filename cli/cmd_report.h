/*
 * cmd_report.h - what the subcommands of `avouch report` share: the
 * configuration and its store.
 */
#ifndef AVOUCH_CLI_CMD_REPORT_H
#define AVOUCH_CLI_CMD_REPORT_H

#include "cli/cli.h"
#include "report/ledger.h"
#include "verify/conf.h"

int cmd_report_send(struct cli *c);
int cmd_report_push(struct cli *c);
int cmd_report_failures(struct cli *c);
int cmd_report_bounce(struct cli *c);
int cmd_report_suppressed(struct cli *c);
int cmd_report_read(struct cli *c);
int cmd_report_show(struct cli *c);

enum { REPORT_SHOWN_MAX = 400 };

struct report_store {
	const struct conf *conf;
	const char *name; /* of the store: a path or a URL (lib/url.h) */
	char shown[REPORT_SHOWN_MAX]; /* the same without its password */
	struct ledger *ledger;
};

/*
 * Reads --config (or the default file) and opens its store, or that of --store,
 * which needs no configuration; 0, or a status with a message printed, and then
 * there is nothing to close.
 */
int report_open(
    struct cli *c, enum sqlite_for purpose, struct report_store *out);

/* The same in two steps: without the ledger yet, and that alone. */
int report_open_conf(struct cli *c, struct report_store *out);
int report_open_ledger(
    struct cli *c, enum sqlite_for purpose, struct report_store *out);

/* The daemon's own file instead, where several hosts share a store; false: it
 * is that already. */
bool report_use_own(struct report_store *r);

void report_close(struct report_store *r);

/* A day as YYYY-MM-DD, or "yesterday"; false: it is none. */
bool report_day_read(struct span text, int64_t now, int64_t *day);

#endif
