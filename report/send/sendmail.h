/*
 * sendmail.h - gives a mail to sendmail(8): without a shell, with a time
 * limit.
 *
 * The mail is a complete file, which sendmail reads as its standard input.
 * So whatever process dies and whenever, the mail system gets all of it or
 * nothing, never a part that looks complete.
 */
#ifndef AVOUCH_REPORT_SEND_SENDMAIL_H
#define AVOUCH_REPORT_SEND_SENDMAIL_H

#include <stddef.h>

#include "lib/buf.h"

enum sendmail_code {
	SENDMAIL_DONE,     /* the mail system has accepted it */
	SENDMAIL_TEMPFAIL, /* try again later; or it is not known whether it
	                      was accepted */
	SENDMAIL_PERMFAIL, /* refused permanently */
};

struct sendmail {
	const char *program; /* absolute path */
	const char *from;    /* the envelope sender, where bounces go */
	const char *to;      /* one address, without a leading "-" */
	int mail;            /* file descriptor, at the beginning of the file */
	unsigned seconds;    /* then sendmail is killed */
};

/* `note`: why it failed, in one line. */
enum sendmail_code sendmail_run(const struct sendmail *h, struct buf *note);

#endif
