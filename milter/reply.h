/*
 * reply.h - the reply at the end of a message: removes forged fields, inserts
 * our Authentication-Results field at the top, and has the MTA deliver,
 * quarantine, reject or defer the message.
 */
#ifndef AVOUCH_MILTER_REPLY_H
#define AVOUCH_MILTER_REPLY_H

#include <libmilter/mfapi.h>

#include "milter/session.h"

enum {
	REPLY_TEXT_MAX = 980, /* bytes; libmilter's limit on a reply's text */
};

/*
 * Call from xxfi_eom only.  `v` is NULL if there was no memory for a verdict.
 * If the message was to be signed (session_is_ours()) and signing failed for
 * lack of resources, the message is deferred or delivered as on_overload says.
 * `o` is the result of session_sign().
 */
sfsistat reply_apply(SMFICTX *ctx, struct session *s, const struct verdict *v,
    const struct signer_outcome *o);

/* Like reply_apply(), in a process that only signs.  Adds no
 * Authentication-Results, because that field would reveal the login to the
 * world. */
sfsistat reply_apply_signed(
    SMFICTX *ctx, struct session *s, const struct signer_outcome *o);

/*
 * Rejects (5xx) or defers (4xx) with `code`; any other code becomes 451.  If
 * `enhanced` is not of the same class (RFC 3463 section 2), "x.7.1" of that
 * class is used.  Any text is made safe: bytes that are not printable ASCII
 * become "?", "%" is doubled, and the text is cut at libmilter's limit.
 */
sfsistat reply_refuse(
    SMFICTX *ctx, unsigned code, const char *enhanced, struct span text);

#endif
