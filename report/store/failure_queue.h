/*
 * failure_queue.h - stores failures, merged by cause and limited in number,
 * until `avouch report failures` reports them.
 *
 * A million forged messages leave only a few rows: failures with the same cause
 * are counted in one row (RFC 9991 section 6.1; RFC 5965 section 3.2,
 * Incidents), and if an organization has more causes than are allowed, further
 * ones are counted in its oldest row.
 */
#ifndef AVOUCH_REPORT_STORE_FAILURE_QUEUE_H
#define AVOUCH_REPORT_STORE_FAILURE_QUEUE_H

#include <stdbool.h>

#include "report/record/failure.h"
#include "report/store/sql.h"

enum {
	FAILURE_SPOOL_OPEN_MAX = 20,   /* open failures per organization */
	FAILURE_SPOOL_HELD_MAX = 1000, /* failures not delivered yet (at most
	                                  32 MiB); further ones are dropped */
	FAILURE_SPOOL_STATEMENTS = 5,
};

struct failure_spool { /* initially all zero except `db` */
	struct sql *db;
	struct sql_statement *statements[FAILURE_SPOOL_STATEMENTS];
};

/*
 * Stores a failure.  The caller must have begun a transaction.  Returns false
 * after an error, which is stored in `db`.
 */
bool failure_spool_put(struct failure_spool *p, const struct failure *f);

void failure_spool_end(struct failure_spool *p);

/* ---- the key for hashes in failure reports (redact.h) ---- */

/*
 * The key is kept in the store, as "redaction_key" of meta, so that an address
 * has the same hash after a restart and on all hosts that share a store.
 *
 * redaction_key_read() reads the key; if the store has none, it stores `key`.
 * If several processes start at the same time, all get the same key.  Returns
 * false, and does not change `key`, after an error, which is stored in `db`.
 */
bool redaction_key_read(struct sql *db, struct hash_secret *key);

/*
 * Copies the key of the shared store into the local store.  If the shared store
 * has none, copies the local key into the shared store.  Returns false after an
 * error; *failed is then the store that has the error.
 */
bool redaction_key_share(
    struct sql *local, struct sql *shared, struct sql **failed);

#endif
