/*
 * sendmail.h - passes a message to sendmail(8), without a shell and with a time
 * limit.
 *
 * The message is a complete file, which sendmail reads as its standard input.
 * So no matter which process dies, and when, the mail system gets all of the
 * message or nothing, never a part that looks complete.
 */
#ifndef AVOUCH_REPORT_SEND_SENDMAIL_H
#define AVOUCH_REPORT_SEND_SENDMAIL_H

#include <stddef.h>

#include "lib/buf.h"

enum sendmail_code {
	SENDMAIL_DONE,     /* the mail system accepted the message */
	SENDMAIL_TEMPFAIL, /* try again later; it may have been accepted */
	SENDMAIL_PERMFAIL, /* refused permanently */
};

struct sendmail {
	const char *program; /* absolute path */
	const char *from;    /* the envelope sender, where bounces go */
	const char *to;      /* one address, without a leading "-" */
	int mail;            /* file descriptor, at the beginning of the file */
	unsigned seconds;    /* after this time sendmail is killed */
};

/* Sends the message.  If this fails, writes the reason to `note`, on one
 * line. */
enum sendmail_code sendmail_run(const struct sendmail *h, struct buf *note);

#endif
