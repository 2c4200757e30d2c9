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
	MAIL_AUTHORS_MAX = 32,       /* distinct domains kept */
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
	MAIL_FROM_OK,      /* one field, every address has a domain */
	MAIL_FROM_MISSING, /* no From field */
	MAIL_FROM_SEVERAL, /* more than one From field (RFC 5322 3.6) */
	MAIL_FROM_EMPTY,   /* no address (an empty group) */
	MAIL_FROM_BAD,     /* cannot be read to its end */
};

struct mail_from {
	enum mail_from_state state;
	size_t n_fields;
	size_t n_addresses;
	size_t n_domains;
	struct span domains[MAIL_AUTHORS_MAX]; /* distinct, in normal form, in
	                                          order; of all fields, and of
	                                          what could be read of a bad
	                                          one */
	bool cut;        /* there were more domains or addresses than kept, or
	                    `a` had no room for them */
	bool bad_domain; /* some address has a domain that is no domain name */
	struct span first; /* the first address as local@domain, for logs */
};

/*
 * Of all From fields of `h`.  Texts live in `a` or `h`.
 *
 * Where a field cannot be read, or names what is no domain, `domains` also has
 * all that any reader could take for the domain of an address in it: behind
 * every "@", in comments, quoted strings and encoded words (RFC 2047) too.  One
 * domain alone then means that nothing else can be shown to the user.
 */
void mail_from_read(
    const struct mail_header *h, struct arena *a, struct mail_from *out);

const char *mail_from_state_name(enum mail_from_state state);

/* The domain of an envelope address "<a@b>" or "a@b"; absent: none.  `local`
 * may be NULL.  The address is split at its last "@". */
struct span mail_envelope_domain(struct span address, struct span *local);

/* The list-id between the angle brackets of a List-Id value (RFC 2919). */
struct span mail_list_id(struct span value);

#endif
