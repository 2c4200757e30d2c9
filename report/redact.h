/*
 * redact.h - header fields as they may leave the house: local parts of
 * addresses become hashes (RFC 6590 section 3), names of people go.
 *
 * The hash of a local part is the same in all reports to one domain, so that
 * its owner sees that two messages have the same sender, and another one in
 * reports to another, so that no two of them can compare what they know.  What
 * comes out is printable ASCII in lines of bounded length, and nothing of it
 * can end the field: fit for a part of type text/rfc822-headers.
 *
 * It knows addresses by their "@".  What tells of a person otherwise, in a
 * subject or in a comment, stays as it is.
 */
#ifndef AVOUCH_REPORT_REDACT_H
#define AVOUCH_REPORT_REDACT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/hash.h"
#include "lib/span.h"
#include "mail/message.h"

enum {
	REDACT_LINE_MAX = 900,     /* bytes; RFC 5322 section 2.1.1 has 998 */
	REDACT_NAME_MAX = 100,     /* bytes of a field's name */
	REDACT_ADDRESSES_MAX = 50, /* of one field */
};

struct redact {
	struct hash_secret key;
	uint64_t salt; /* by whom the report is for */
};

/* "HASH@domain" of an address without "<>"; nothing of an empty one. */
void redact_address(const struct redact *r, struct buf *b, struct span address);

/* Any text; lines as they are.  What a full `b` holds is of no use. */
void redact_text(const struct redact *r, struct buf *b, struct span text);

/*
 * The whole field with a line end.  False, and nothing is written: it holds
 * addresses and cannot be read, or `b` has no room for it.  `a`: memory to read
 * addresses with.
 */
bool redact_field(const struct redact *r, struct buf *b, struct arena *a,
    const struct mail_field *f);

#endif
