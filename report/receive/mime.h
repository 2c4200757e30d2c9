/*
 * mime.h - reads the attachments of a message (RFC 2045, parsed by GMime), and
 * the messages of an mbox file.
 */
#ifndef AVOUCH_REPORT_RECEIVE_MIME_H
#define AVOUCH_REPORT_RECEIVE_MIME_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

enum {
	MAILBOX_MAIL_MAX = 64 << 20, /* bytes of a message */
	MAILBOX_PARTS_MAX = 1000,    /* parts of one message */
	MAILBOX_BOUNDARIES_MAX =
	    20000, /* lines beginning with "--"; each may begin a part */
	MAILBOX_FIELDS_MAX = 100000, /* lines that may be header fields; GMime
	                                needs about 700 bytes for each */
	MAILBOX_COLONS_MAX =
	    200, /* colons in an address field; each may begin a nested group */
	MAILBOX_PARSED_MAX = 512
	    << 10, /* bytes of all fields with addresses or parameters; GMime
	              needs about 75 times as much memory */
};

/* Returns why this message must not be parsed with GMime, or NULL if it may be.
 * Call it before every use of GMime. */
const char *mailbox_refusal(struct span mail);

/* Whether the file begins with a "From " line. */
bool mailbox_is_mbox(struct span bytes);

/* Gets the next message of an mbox, without its "From " line, and advances
 * `rest`.  Returns false if there is none. */
bool mailbox_next(struct span *rest, struct span *mail);

enum mailbox_end {
	MAILBOX_DONE,
	MAILBOX_STOPPED, /* `each` returned false */
	MAILBOX_REFUSED, /* a limit was exceeded, or the input is not a message;
	                    see `reason` */
	MAILBOX_MEMORY,
};

enum mailbox_kind {
	MAILBOX_FILE,
	MAILBOX_TEXT,     /* text/... */
	MAILBOX_FEEDBACK, /* message/feedback-report (RFC 5965) */
	MAILBOX_STATUS,   /* message/delivery-status (RFC 3464, RFC 6533) */
	MAILBOX_HEADER,   /* the header of a nested message */
};

struct mailbox_part {
	struct span name;  /* file name, or empty */
	struct span bytes; /* decoded content */
	enum mailbox_kind kind;
	struct span sender; /* From address of the outer message, or empty */
};

/* All members of `part` are valid only during the call.  Returns false to
 * stop. */
typedef bool mailbox_take(void *arg, const struct mailbox_part *part);

/*
 * Calls `each` for every decoded part of a message and of nested messages,
 * except text/html and images, and for the header of each nested message.  An
 * encoded nested message is one part.
 */
enum mailbox_end mailbox_each_part(
    struct span mail, mailbox_take *each, void *arg, const char **reason);

#endif
