/*
 * address.h - addresses (RFC 5322 section 3.4, obsolete forms of 4.4, UTF-8 of
 * RFC 6532) and the author's domains: what DMARC begins with (RFC 9989 sections
 * 4.2, 5.3.1 and 11.5).
 */
#ifndef AVOUCH_MAIL_ADDRESS_H
#define AVOUCH_MAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/scan.h"
#include "mail/message.h"

enum {
	MAIL_ADDRESSES_MAX = 10000,  /* read of a message's author fields */
	MAIL_AUTHORS_MAX = 8,        /* distinct author domains of a message */
	MAIL_DOMAIN_TEXT_MAX = 4096, /* bytes of one domain with the comments
	                                and white space around its dots */
};

struct mail_address {
	struct span local;  /* as written, with quotes */
	struct span domain; /* as written, may be a [literal]; no CFWS inside */
};

enum mail_address_step { ADDRESS_ONE, ADDRESS_END, ADDRESS_BAD };

/*
 * The next mailbox of an address list; groups are entered, display names,
 * comments and routes skipped.  ADDRESS_BAD: `s` is at the culprit, or `a` has
 * no room.  Obsolete domains with CFWS around dots are joined into `a`.
 *
 * More than the grammar is read where no reader can take it for something else:
 * ";" for ",", dots anywhere in local parts, and an address as the display name
 * of another ("a@b <c@d>", which much real mail has): both are told.
 */
enum mail_address_step mail_address_next(
    struct scan *s, struct arena *a, struct mail_address *out);

enum mail_from_state {
	MAIL_FROM_VALID,   /* valid by RFC 5322; every mailbox has a domain */
	MAIL_FROM_SLOPPY,  /* not valid, but it can only show one domain */
	MAIL_FROM_INVALID, /* never leads to a pass; `reason` says why */
};

struct mail_from {
	enum mail_from_state state;
	const char *reason; /* INVALID: a constant text, "several From fields"
	                       or "the From field names no address"; else NULL
	                     */
	bool nameless; /* INVALID, and no From field names any domain that a
	                  reader could show ("<MAILER-DAEMON>", no field) */
	size_t n_fields;
	size_t n_domains; /* of a valid or sloppy one: at least 1 */
	struct span domains[MAIL_AUTHORS_MAX]; /* distinct, in normal form, in
	                                          order; of an INVALID one what
	                                          was found, for logs and for
	                                          policies by From domain */
	struct span first; /* the first address as local@domain, for logs */
};

/*
 * Of all From fields of `h`.  Texts live in `a` or `h`.  If `a` has no room,
 * the state is INVALID and arena_has_failed() is true.
 */
void mail_from_read(
    const struct mail_header *h, struct arena *a, struct mail_from *out);

/* "valid", "sloppy", "invalid" */
const char *mail_from_state_name(enum mail_from_state state);

/* The domain of an envelope address "<a@b>" or "a@b"; absent: none.  `local`
 * may be NULL.  The address is split at its last "@". */
struct span mail_envelope_domain(struct span address, struct span *local);

/* The list-id between the angle brackets of a List-Id value (RFC 2919). */
struct span mail_list_id(struct span value);

#endif
