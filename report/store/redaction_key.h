/*
 * redaction_key.h - the key of the hashes in failure reports (redact.h), kept
 * in the store as "redaction_key" of meta: an address has the same hash after
 * a restart, and on all hosts that share a store.
 */
#ifndef AVOUCH_REPORT_STORE_REDACTION_KEY_H
#define AVOUCH_REPORT_STORE_REDACTION_KEY_H

#include <stdbool.h>

#include "lib/hash.h"
#include "report/store/sql.h"

/*
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
