/*
 * mime.h - the attachments of a mail (RFC 2045, parsed by GMime), and the
 * mails of an mbox file.
 */
#ifndef AVOUCH_REPORT_RECEIVE_MIME_H
#define AVOUCH_REPORT_RECEIVE_MIME_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

enum {
	MAILBOX_MAIL_MAX = 64 << 20,    /* bytes of a mail */
	MAILBOX_PARTS_MAX = 1000,       /* parts of one mail */
	MAILBOX_BOUNDARIES_MAX = 20000, /* lines that begin with "--"; each
	                                   may begin a part */
	MAILBOX_FIELDS_MAX = 100000,    /* lines that may be header fields;
	                                   GMime needs some 700 bytes for each */
	MAILBOX_COLONS_MAX = 200,       /* in an address field; each may begin a
	                                   group in a group */
	MAILBOX_PARSED_MAX = 512 << 10, /* bytes of all fields with addresses
	                                   or parameters; GMime needs some 75
	                                   times as much memory */
};

/* Why GMime must not get this mail; NULL: it may.  For all that use GMime. */
const char *mailbox_refusal(struct span mail);

/* Whether the file begins with a "From " line. */
bool mailbox_is_mbox(struct span bytes);

/* The next mail of an mbox, without its "From " line; advances `rest`.
 * False: there is none. */
bool mailbox_next(struct span *rest, struct span *mail);

enum mailbox_end {
	MAILBOX_DONE,
	MAILBOX_STOPPED, /* `each` returned false */
	MAILBOX_REFUSED, /* a limit was exceeded, or it is not a mail; see
	                    `reason` */
	MAILBOX_MEMORY,
};

enum mailbox_kind {
	MAILBOX_FILE,
	MAILBOX_TEXT,     /* text/... */
	MAILBOX_FEEDBACK, /* message/feedback-report (RFC 5965) */
	MAILBOX_STATUS,   /* message/delivery-status (RFC 3464, RFC 6533) */
};

struct mailbox_part {
	struct span name;  /* of the file, or empty */
	struct span bytes; /* decoded */
	enum mailbox_kind kind;
	struct span sender; /* the address of From of the whole mail, or
	                       empty */
};

/* All are valid during the call.  Returns false to stop. */
typedef bool mailbox_take(void *arg, const struct mailbox_part *part);

/*
 * The decoded parts of a mail and of nested mails, one by one, without
 * text/html and images.  A nested mail that is encoded is one part.
 */
enum mailbox_end mailbox_each_part(
    struct span mail, mailbox_take *each, void *arg, const char **reason);

#endif
