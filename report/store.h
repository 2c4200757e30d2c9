/*
 * store.h - the daemon's side of the embedded store: SQLite in WAL mode, one
 * writer thread behind a bounded queue that commits in groups.
 *
 * The daemon puts; the command reads the same file by ledger.h, schema.h tells
 * its tables.  No fault of the store is ever a fault of the mail: it is
 * counted, logged once a minute, and mail goes on.
 *
 * What is on disk when store_put() returns true survives the end of the
 * process, however it ends: it is in the file, though perhaps in memory of the
 * kernel.  When the machine itself dies (power), what was put since the last
 * checkpoint, STORE_CHECKPOINT_S at most, may be lost, but the file is whole.
 */
#ifndef AVOUCH_REPORT_STORE_H
#define AVOUCH_REPORT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/failure.h"
#include "report/quota.h"
#include "report/row.h"
#include "verify/policy.h"

enum {
	STORE_QUEUE_MAX = 20000, /* messages that wait for the writer */
	STORE_QUEUE_BYTES = 64 << 20,
	STORE_FAILURE_BYTES = STORE_QUEUE_BYTES / 4, /* in a queue that is
	                                                longer none is put */
	STORE_COMMIT_WAIT_MS = 100, /* store_put() waits this long at most */
	STORE_CHECKPOINT_S = 30,
};

struct store_options {
	const char *path;
	unsigned retention_days; /* rows are kept this long; 0: 400 */
	unsigned replay_days;    /* facts for `avouch policy replay`; 0: 14 */
	unsigned received_days;  /* reports of others; 0: 400 */
	struct quota_options quota;
};

struct store_counts {
	uint64_t put;       /* calls of store_put() */
	uint64_t committed; /* messages on disk */
	uint64_t lost;      /* messages not kept: the queue was full, the store
	                       may not grow (quota.h), or could not be used
	                       until the end */
	uint64_t faults;    /* groups that could not be committed */
	uint64_t groups;    /* that were */
	uint64_t set_aside; /* files found corrupt */
	size_t queued;
};

struct store;

/*
 * Opens for the daemon; makes the file where there is none, upgrades an older
 * schema.  A file that cannot be used is no reason not to start: the store is
 * tried again with each group.  NULL: no memory, or `error` says what is wrong
 * with the options.
 */
struct store *store_open(
    const struct store_options *o, char *error, size_t size);

/*
 * Queues a message: its row, the facts and the decision for replay, and what a
 * failure report is made of, each NULL if there is none.  Copies all of it.
 * If the queue is long, the failure is dropped before any message is.
 *
 * Waits until the message is on disk, at most STORE_COMMIT_WAIT_MS, and not at
 * all while the store is known to have an error.  True: it is on disk.  False:
 * it is still in the queue, or was counted as lost.  Any thread.
 */
bool store_put(struct store *s, const struct report_row *row,
    const struct policy_facts *facts, const struct policy_decision *decision,
    const struct failure *failure, int64_t now);

void store_counts(struct store *s, struct store_counts *out);

/* Commits what waits, as far as that can be done in `wait_ms`.  Takes NULL. */
void store_close(struct store *s, unsigned wait_ms);

#endif
