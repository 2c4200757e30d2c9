/*
 * own_guard.h - checks our own mail (sign.guard).  Once a message has been
 * accepted, it is checked as a receiver would check it.  Each finding is
 * counted, and logged at most once an hour for each domain (sign/guard.h).
 *
 * It queries DNS at most once a minute for each pair of author and sender, and
 * never delays mail.
 */
#ifndef AVOUCH_MILTER_OWN_GUARD_H
#define AVOUCH_MILTER_OWN_GUARD_H

#include "milter/service.h"
#include "sign/signer.h"

enum {
	OWN_GUARD_PENDING_MAX =
	    32, /* checks that wait for DNS; further messages are not checked */
	OWN_GUARD_KNOWN =
	    256, /* pairs of author and sender that are remembered */
	OWN_GUARD_AGAIN_S = 60,
	OWN_GUARD_WAIT_MS = 20000,
};

/* Checks a message.  May be called from any thread.  `helo` is the MTA's
 * name. */
void own_guard_message(
    const struct conf *conf, const struct signer_outcome *o, struct span helo);

/* Processes the DNS answers that have arrived.  The main thread calls it
 * regularly. */
void own_guard_tick(void);

/* Makes the next message of each pair due for a check.  Call this on reload. */
void own_guard_forget(void);

/* Cancels all checks; later messages are ignored.  Call before
 * service_end(). */
void own_guard_close(void);

#endif
