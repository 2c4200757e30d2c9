/*
 * queue.h - the daemon's side of the embedded store: SQLite in WAL mode, and
 * one writer thread with a bounded queue that commits in groups.
 *
 * The daemon writes; the command reads the same file through query.h.  The
 * tables are in schema.h.  A store error never affects mail: it is counted, and
 * logged once a minute.
 *
 * A message for which store_put() returned true survives the end of the
 * process: it is in the file, though perhaps only in the kernel's cache.  After
 * a power loss, messages written since the last checkpoint (at most
 * STORE_CHECKPOINT_S ago) may be missing, but the file is intact.
 */
#ifndef AVOUCH_REPORT_STORE_QUEUE_H
#define AVOUCH_REPORT_STORE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/record/failure.h"
#include "report/store/quota.h"
#include "report/store/retention.h"
#include "report/record/row.h"
#include "verify/policy.h"

enum {
	STORE_QUEUE_BYTES = 64 << 20, /* about 100,000 waiting messages: 30 s on
	                                 a host with 3,000 messages/s */
	STORE_FAILURE_BYTES = STORE_QUEUE_BYTES / 4, /* if the queue is
	                                                larger, failures are
	                                                not stored */
	STORE_COMMIT_WAIT_MS = 100, /* longest wait in store_put() */
	STORE_CHECKPOINT_S = 30,
	STORE_CLOSE_MAX_MS = 60000, /* time limit of store_close(); systemd
	                               waits 90 s for a service to stop */
};

struct store_options {
	const char *path;
	struct retention_options retention;
	struct quota_options quota;
};

struct store_counts {
	uint64_t put;       /* calls to store_put() */
	uint64_t committed; /* messages in the file */
	uint64_t lost;      /* messages that were not stored: the queue was
	                       full, or the store was not allowed to grow
	                       (quota.h) or could not be used before the daemon
	                       ended */
	uint64_t faults;    /* groups that could not be committed */
	uint64_t groups;    /* groups that were committed */
	uint64_t set_aside; /* corrupt files that were renamed */
	size_t queued;
};

struct store;

/*
 * Opens the store for the daemon; creates the file or upgrades an older schema.
 * If the file cannot be used, the daemon starts anyway, and tries again with
 * each group.  Returns NULL if memory ran out or the options are invalid;
 * `error` then has the reason.
 */
struct store *store_open(
    const struct store_options *o, char *error, size_t size);

/*
 * Queues a message: its row, the facts and the decision for replay, and the
 * contents of a failure report.  Each is NULL if there is none.  Copies all of
 * them.  If the queue is long, failures are dropped before any message is.
 *
 * Waits up to STORE_COMMIT_WAIT_MS for the message to reach the file, and not
 * at all while the store is known to have an error.  Returns true if it is in
 * the file.  Otherwise it is still in the queue or was counted as lost.  Any
 * thread may call this.
 */
bool store_put(struct store *s, const struct report_row *row,
    const struct policy_input *facts, const struct policy_decision *decision,
    const struct failure *failure, int64_t now);

/*
 * Returns the key for hashes in failure reports (failure_queue.h).  On startup,
 * waits up to STORE_COMMIT_WAIT_MS for the file to be opened.  Until it has
 * been opened successfully, this is a random key.  Any thread may call this.
 */
struct hash_secret store_redaction_key(struct store *s);

void store_counts(struct store *s, struct store_counts *out);

/* Commits queued messages, closes the store, and returns the final counts.
 * Stops committing after STORE_CLOSE_MAX_MS, or after `wait_ms` if the last
 * commit failed.  Accepts NULL. */
struct store_counts store_close(struct store *s, unsigned wait_ms);

#endif
