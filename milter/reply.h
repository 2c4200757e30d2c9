/*
 * reply.h - what is done with a message at its end: the forged fields go, our
 * field comes on top, and the MTA is told to deliver, hold, refuse or wait.
 */
#ifndef AVOUCH_MILTER_REPLY_H
#define AVOUCH_MILTER_REPLY_H

#include <libmilter/mfapi.h>

#include "milter/session.h"

enum {
	REPLY_TEXT_MAX = 980,     /* libmilter's limit of a reply's text */
	REPLY_QUEUE_ID_MAX = 100, /* bytes kept for the log */
};

/* To be called from xxfi_eom alone.  `v` is NULL where memory ran out. */
sfsistat reply_apply(SMFICTX *ctx, struct session *s, const struct verdict *v);

/*
 * Refuses with a code; `enhanced` must be of its class (RFC 3463 section 2),
 * else the class' "x.7.1" takes its place.  Any text is made safe: printable
 * ASCII, "%" doubled, no longer than libmilter takes.
 */
sfsistat reply_refuse(
    SMFICTX *ctx, unsigned code, const char *enhanced, struct span text);

#endif
