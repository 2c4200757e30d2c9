/*
 * hander.h - a process of its own that hands mails over and notes how it went.
 *
 * Between the start of sendmail and the note in the ledger that it ended well
 * nobody may die, or it is not known whether the mail was sent.  So both are
 * done by a helper that outlives whoever started it: killed at any moment, that
 * one leaves a helper that ends the delivery at hand, notes it and is gone.
 * Only when the helper is killed as well (the whole service, the machine) a
 * delivery stays noted as being handed over, and is handed over again.
 *
 * The helper holds the lock of sending, so no two runs overlap, not even the
 * end of one that was killed and the begin of the next.  Where hosts share a
 * store the lock goes with the connection to it; then the helper notes what it
 * has in hand over another one, and hands over no more.
 */
#ifndef AVOUCH_REPORT_HANDER_H
#define AVOUCH_REPORT_HANDER_H

#include <stdbool.h>
#include <stdint.h>

#include "report/handover.h"
#include "report/ledger.h"

enum {
	WORKER_ADDRESS_MAX = 330, /* RFC 5321 section 4.5.3.1, with the NUL */
	WORKER_NOTE_MAX = 300,    /* bytes */
	WORKER_LOCK_MS = 5000, /* another run is waited for so long, for it may
	                          be one that is just ending */
	WORKER_NOTE_S = 600,   /* a store that is away is waited for so long to
	                          note that a mail was sent */
	WORKER_BACKOFF_FIRST = 900,    /* seconds, doubled each time */
	WORKER_BACKOFF_MAX = 4 * 3600, /* seconds */
};

struct worker_options {
	/* A connection of the helper's own; NULL: `error` (SQL_ERROR_MAX). */
	struct ledger *(*open)(const void *arg, char *error);
	const void *arg;
	const char *program; /* sendmail */
	const char *from;    /* envelope sender */
	unsigned seconds;    /* that one mail may take */
};

enum worker_state { WORKER_READY, WORKER_BUSY, WORKER_FAULT };

struct worker;

/*
 * To be called before this process opens the same store (SQLite's locks do not
 * go over a fork) and before it has threads.  WORKER_BUSY: another run goes on.
 * WORKER_FAULT: `error` (SQL_ERROR_MAX bytes).
 */
enum worker_state worker_start(
    const struct worker_options *o, struct worker **out, char *error);

struct worker_job {
	int64_t id;        /* of the delivery */
	uint64_t attempts; /* as it was read */
	enum ledger_state from;
	int64_t now;
	char to[WORKER_ADDRESS_MAX];
};

struct worker_reply {
	enum ledger_step step;      /* LEDGER_NONE: another has moved it */
	enum ledger_state state;    /* what it is now: SENT, WAITING, DROPPED */
	char note[WORKER_NOTE_MAX]; /* why; or what is wrong */
};

/* `mail`: a file at its beginning.  False: the helper is gone. */
bool worker_submit(struct worker *h, const struct worker_job *job, int mail,
    struct worker_reply *reply);

/* Waits for its end.  Takes NULL. */
void worker_end(struct worker *h);

#endif
