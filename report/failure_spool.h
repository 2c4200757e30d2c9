/*
 * failure_spool.h - failures on their way into the store, where they wait until
 * the command reports them: merged by cause, and bounded.
 *
 * Whoever sends us a million forged messages makes us keep a few rows: failures
 * of one cause are counted in one of them (RFC 9991 section 6.1; RFC 5965
 * section 3.2, Incidents); those of more causes than one organization is
 * allowed are counted in the oldest of its rows.
 */
#ifndef AVOUCH_REPORT_FAILURE_SPOOL_H
#define AVOUCH_REPORT_FAILURE_SPOOL_H

#include <stdbool.h>

#include "report/failure.h"
#include "report/sql.h"

enum {
	FAILURE_SPOOL_OPEN_MAX = 20,   /* of one organization, not reported yet
	                                */
	FAILURE_SPOOL_HELD_MAX = 1000, /* in all, not delivered yet: 32 MiB at
	                                  most; what is beyond is let go */
	FAILURE_SPOOL_STATEMENTS = 5,
};

struct failure_spool { /* all 0 but for `db`: at the begin */
	struct sql *db;
	struct sql_statement *statements[FAILURE_SPOOL_STATEMENTS];
};

/* Within a transaction of the caller's.  False: a fault, `db` says which. */
bool failure_spool_put(struct failure_spool *p, const struct failure *f);

void failure_spool_end(struct failure_spool *p);

#endif
