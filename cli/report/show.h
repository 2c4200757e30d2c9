/*
 * show.h - the output formats of `avouch report show`, shared by cmd_show.c and
 * show_*.c.
 */
#ifndef AVOUCH_CLI_REPORT_SHOW_H
#define AVOUCH_CLI_REPORT_SHOW_H

#include "cli/cli.h"
#include "report/show/summary.h"

struct report_showing {
	struct cli *c;
	const struct conf *conf;
	struct ledger *ledger;
	struct view_want want;
	struct arena *a;
	struct view view;
};

/* Print all data as it is read, without a limit.  Return false after an error,
 * which is in view.error. */
bool show_json(struct report_showing *s);
bool show_csv(struct report_showing *s);

/* Prints a summary as text.  All domains must have been visited and sorted. */
bool show_text(struct report_showing *s);

#endif
