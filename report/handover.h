/*
 * handover.h - gives a mail to sendmail(8): no shell, a bounded time.
 *
 * The mail is a whole file before the program starts, which reads it as its
 * standard input.  So whoever dies at whatever moment: the mail system gets all
 * of it or nothing, never a part that looks like a whole.
 */
#ifndef AVOUCH_REPORT_HANDOVER_H
#define AVOUCH_REPORT_HANDOVER_H

#include <stddef.h>

#include "lib/buf.h"

enum sendmail_code {
	SENDMAIL_DONE,     /* the mail system has it */
	SENDMAIL_TEMPFAIL, /* not now; or it is not known whether it has it */
	SENDMAIL_PERMFAIL, /* it refuses this mail or address for good */
};

struct sendmail {
	const char *program; /* absolute path */
	const char *from;    /* the envelope sender, where bounces go */
	const char *to;      /* one address, without "-" in front */
	int mail;            /* open file, at its beginning */
	unsigned seconds;    /* then it is killed */
};

/* `note`: why it is not done, one line. */
enum sendmail_code sendmail_run(const struct sendmail *h, struct buf *note);

#endif
