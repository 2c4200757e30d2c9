/*
 * redact.h - removes personal data from header fields before they are reported:
 * local parts of addresses become hashes (RFC 6590 section 3), and display
 * names are removed.
 *
 * The hash of a local part is the same in all reports to one domain, so that
 * the domain's owner can see that two messages have the same sender.  The hash
 * differs between domains, so that their owners cannot correlate reports.
 *
 * U-labels in the domains of addresses become A-labels.
 *
 * The output is printable ASCII in lines of bounded length and cannot end the
 * field early, so it is safe in a text/rfc822-headers part.  Addresses are
 * recognized by "@".  Other personal data, in a subject or a comment, is not
 * changed.
 */
#ifndef AVOUCH_REPORT_RECORD_REDACT_H
#define AVOUCH_REPORT_RECORD_REDACT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/hash.h"
#include "lib/span.h"
#include "mail/header.h"

enum {
	REDACT_LINE_MAX = 900,     /* bytes; the limit of RFC 5322 section 2.1.1
	                              is 998 */
	REDACT_NAME_MAX = 100,     /* bytes of a field's name */
	REDACT_ADDRESSES_MAX = 50, /* in one field */
};

struct redact {
	struct hash_secret key;
	uint64_t salt; /* differs for each policy domain */
};

/*
 * Writes "HASH@domain" for an address without "<>", and nothing for an empty
 * one.
 */
void redact_address(const struct redact *r, struct buf *b, struct span address);

/* Writes `text` with its addresses redacted; line breaks are kept.  If `b` is
 * full, its contents are invalid. */
void redact_text(const struct redact *r, struct buf *b, struct span text);

/*
 * Writes a whole field with a line end.  Returns false, and writes nothing, if
 * the field contains addresses that cannot be parsed, or if `b` is full.  `a`
 * is memory for parsing addresses.
 */
bool redact_field(const struct redact *r, struct buf *b, struct arena *a,
    const struct mail_field *f);

#endif
