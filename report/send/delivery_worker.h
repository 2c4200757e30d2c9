/*
 * delivery_worker.h - a worker process that runs sendmail and records the
 * outcome.
 *
 * After a crash between the start of sendmail and the record of its success, no
 * one would know whether the report was sent.  Both are therefore done by a
 * worker that outlives the process that started it: if that process is killed,
 * the worker finishes the current delivery, records it and exits.  Only if the
 * worker dies too, with the whole service or machine, does the delivery remain
 * in SENDING and get sent again.
 *
 * The worker holds the lock for sending, so no two runs overlap: the next run
 * also waits for the worker of a run that was killed.  If hosts share a store,
 * the lock is lost with the connection to it; the worker then records its
 * current delivery over a new connection, and sends nothing more.
 */
#ifndef AVOUCH_REPORT_SEND_DELIVERY_WORKER_H
#define AVOUCH_REPORT_SEND_DELIVERY_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "report/send/sendmail.h"
#include "report/store/query.h"

enum {
	WORKER_ADDRESS_MAX =
	    330, /* bytes, including the NUL; RFC 5321 section 4.5.3.1 */
	WORKER_NOTE_MAX = 300, /* bytes */
	WORKER_LOCK_MS = 5000, /* how long to wait for another run, which may be
	                          about to end */
	WORKER_NOTE_S = 600,   /* how long to retry an unreachable store, to
	                          record that a report was sent */
	WORKER_BACKOFF_FIRST = 900,    /* seconds; doubled each time */
	WORKER_BACKOFF_MAX = 4 * 3600, /* seconds */
};

struct worker_options {
	/* Opens a separate connection for the worker.  Returns NULL after an
	 * error, and `error` (SQL_ERROR_MAX bytes) says why. */
	struct ledger *(*open)(const void *arg, char *error);
	const void *arg;
	const char *program; /* path of sendmail */
	const char *from;    /* envelope sender */
	unsigned seconds;    /* time limit for one message */
};

enum worker_state { WORKER_READY, WORKER_BUSY, WORKER_FAULT };

struct worker;

/*
 * Must be called before this process opens the same store (SQLite's locks do
 * not survive a fork) and before it starts threads.  Returns WORKER_BUSY if
 * another run is active; if `error` (SQL_ERROR_MAX bytes) is not empty, it
 * names the host of that run.  After WORKER_FAULT, see `error`.
 */
enum worker_state worker_start(
    const struct worker_options *o, struct worker **out, char *error);

struct worker_job {
	int64_t id;        /* id of the delivery */
	uint64_t attempts; /* as read from the store */
	enum ledger_state from;
	int64_t now;
	char to[WORKER_ADDRESS_MAX];
};

struct worker_reply {
	enum ledger_step step; /* LEDGER_NONE: another process changed
	                          the delivery */
	enum ledger_state
	    state; /* new state of the delivery: SENT, WAITING or DROPPED */
	char note[WORKER_NOTE_MAX]; /* the reason, or the error */
};

/* Makes the worker deliver the message in `mail`, a file descriptor positioned
 * at the start of the file.  Returns false if the worker has ended. */
bool worker_submit(struct worker *h, const struct worker_job *job, int mail,
    struct worker_reply *reply);

/* Waits for the worker to end.  Accepts NULL. */
void worker_end(struct worker *h);

#endif
