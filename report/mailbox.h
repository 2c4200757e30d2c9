/*
 * mailbox.h - what is attached to a mail (RFC 2045, read by GMime), and the
 * mails of an mbox file.
 */
#ifndef AVOUCH_REPORT_MAILBOX_H
#define AVOUCH_REPORT_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

enum {
	MAILBOX_MAIL_MAX = 64 << 20,    /* bytes of a mail */
	MAILBOX_PARTS_MAX = 1000,       /* looked at in one mail */
	MAILBOX_BOUNDARIES_MAX = 20000, /* lines that begin with "--": each may
	                                   begin a part */
	MAILBOX_LINES_MAX = 100000, /* and one more for each MAILBOX_LINE bytes:
	                               each may be a field of a header */
	MAILBOX_LINE = 50,
};

/* An mbox begins with a line "From ". */
bool mailbox_is_mbox(struct span bytes);

/* The next mail of an mbox, without its "From " line; `rest` moves on.  False:
 * there is none. */
bool mailbox_next(struct span *rest, struct span *mail);

enum mailbox_end {
	MAILBOX_DONE,
	MAILBOX_STOPPED, /* `each` wanted no more */
	MAILBOX_REFUSED, /* over a limit, or no mail at all; `reason` says */
	MAILBOX_MEMORY,
};

/*
 * The parts of a mail and of mails within it, decoded, one by one; text/html
 * and images are left out.  `name`: its file name, or empty.  Both live for the
 * call.
 */
enum mailbox_end mailbox_each_part(struct span mail,
    bool (*each)(void *arg, struct span name, struct span bytes), void *arg,
    const char **reason);

#endif
