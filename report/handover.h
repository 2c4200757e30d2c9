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

enum handover_code {
	HANDOVER_DONE,  /* the mail system has it */
	HANDOVER_LATER, /* not now; or it is not known whether it has it */
	HANDOVER_NEVER, /* it refuses this mail or address for good */
};

struct handover {
	const char *program; /* absolute path */
	const char *from;    /* the envelope sender, where bounces go */
	const char *to;      /* one address, without "-" in front */
	int mail;            /* open file, at its beginning */
	unsigned seconds;    /* then it is killed */
};

/* `note`: why it is not done, one line. */
enum handover_code handover(const struct handover *h, struct buf *note);

#endif
