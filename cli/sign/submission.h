/*
 * submission.h - gives a message to a submission server (RFC 6409), with TLS
 * and a login.  The only file of this room that uses libcurl.
 */
#ifndef AVOUCH_CLI_SIGN_SUBMISSION_H
#define AVOUCH_CLI_SIGN_SUBMISSION_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/span.h"

enum { SUBMISSION_SECONDS = 30 }; /* in all */

struct submission {
	const char *url;      /* smtp://HOST:587 or smtps://HOST */
	const char *login;    /* used if there is a password */
	const char *password; /* NULL: no login */
	const char *from, *to;
	struct span message;
};

/*
 * The certificate is checked, and a password is only sent with TLS; neither for
 * a server on loopback.  False: `error` says why, with the server's reply.
 */
bool submission_send(const struct submission *s, struct buf *error);

#endif
