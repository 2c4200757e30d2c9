/*
 * failure_queue.h - stores failures until the command reports them: merged by
 * cause, and bounded.
 *
 * A million forged messages leave only a few rows: failures of the same cause
 * are counted in one row (RFC 9991 section 6.1; RFC 5965 section 3.2,
 * Incidents), and if an organization has more causes than are allowed,
 * further ones are counted in its oldest row.
 */
#ifndef AVOUCH_REPORT_STORE_FAILURE_QUEUE_H
#define AVOUCH_REPORT_STORE_FAILURE_QUEUE_H

#include <stdbool.h>

#include "report/record/failure.h"
#include "report/store/sql.h"

enum {
	FAILURE_SPOOL_OPEN_MAX = 20,   /* for one organization, not reported
	                                  yet */
	FAILURE_SPOOL_HELD_MAX = 1000, /* in all, not delivered yet: at most
	                                  32 MiB; further ones are dropped */
	FAILURE_SPOOL_STATEMENTS = 5,
};

struct failure_spool { /* all zero except `db` at first */
	struct sql *db;
	struct sql_statement *statements[FAILURE_SPOOL_STATEMENTS];
};

/*
 * Within a transaction of the caller.  False: an error, which `db` describes.
 */
bool failure_spool_put(struct failure_spool *p, const struct failure *f);

void failure_spool_end(struct failure_spool *p);

/* ---- the key of the hashes in failure reports (redact.h) ---- */

/*
 * It is kept in the store, as "redaction_key" of meta: an address has the same
 * hash after a restart, and on all hosts that share a store.
 *
 * Reads the key; if the store has none, stores `key`.  If several processes
 * begin at once, all get the same.  False: `key` did not change, and `db` has
 * the error.
 */
bool redaction_key_read(struct sql *db, struct hash_secret *key);

/*
 * Gives the file of a host the key of the shared store, which gets that of the
 * file if it has none.  False: *failed has the error.
 */
bool redaction_key_share(
    struct sql *local, struct sql *shared, struct sql **failed);

#endif
