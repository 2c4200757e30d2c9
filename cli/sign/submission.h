/*
 * submission.h - sends a message to a submission server (RFC 6409), with TLS
 * and a login.  In this directory, only submission.c uses libcurl.
 */
#ifndef AVOUCH_CLI_SIGN_SUBMISSION_H
#define AVOUCH_CLI_SIGN_SUBMISSION_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/span.h"

enum { SUBMISSION_SECONDS = 30 }; /* total timeout */

struct submission {
	const char *url;      /* smtp://HOST:587 or smtps://HOST */
	const char *login;    /* used if there is a password */
	const char *password; /* NULL: no login */
	const char *from, *to;
	struct span message;
};

/*
 * Unless the server is on loopback, its certificate is verified and a password
 * is sent only with TLS.  On failure, returns false and writes the reason, with
 * the server's reply, to `error`.
 */
bool submission_send(const struct submission *s, struct buf *error);

#endif
