/*
 * own_guard.h - the guard of own mail (sign.guard): after a message was
 * accepted, looks at it as a receiver will, logs each finding once an hour for
 * each domain, and counts it (sign/guard.h).
 *
 * Its DNS questions are asked at most once a minute for each author and sender,
 * and never delay mail.
 */
#ifndef AVOUCH_MILTER_OWN_GUARD_H
#define AVOUCH_MILTER_OWN_GUARD_H

#include "milter/service.h"
#include "sign/signer.h"

enum {
	OWN_GUARD_PENDING_MAX = 32, /* that wait for DNS; others are left out */
	OWN_GUARD_KNOWN = 256,      /* judged pairs of author and sender */
	OWN_GUARD_AGAIN_S = 60,
	OWN_GUARD_WAIT_MS = 20000,
};

/* A message; any thread.  `helo` is the MTA's own name. */
void own_guard_message(
    const struct conf *conf, const struct signer_outcome *o, struct span helo);

/* Reads what DNS has answered; the main thread calls it regularly. */
void own_guard_tick(void);

/* After a reload: judges all again. */
void own_guard_forget(void);

/* Before service_end(): cancels all; later messages are ignored. */
void own_guard_close(void);

#endif
