/*
 * address.h - addresses (RFC 5322 section 3.4, obsolete forms of 4.4, UTF-8 of
 * RFC 6532), of the envelope too.
 */
#ifndef AVOUCH_MAIL_ADDRESS_H
#define AVOUCH_MAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/scan.h"

enum {
	MAIL_DOMAIN_TEXT_MAX = 4096, /* bytes of one domain with the comments
	                                and white space around its dots */
};

struct mail_address {
	struct span local;  /* as written, with quotes */
	struct span domain; /* as written, may be a [literal]; no CFWS inside */
};

struct mail_address_list {
	struct scan s; /* the part that is not read yet */
	struct arena *a;
	bool valid;     /* by RFC 5322 with its obsolete forms, as far as it was
	                   read; at ADDRESS_END: as a whole */
	bool has_group; /* so far */
	bool in_group, after_group;
};

enum mail_address_status { ADDRESS_ONE, ADDRESS_END, ADDRESS_BAD };

struct mail_address_list mail_address_list_of(
    struct span text, struct arena *a);

/*
 * The next mailbox of an address list; groups are entered, display names,
 * comments and routes skipped.  ADDRESS_BAD: the rest cannot be read, or `a`
 * has no room.  Obsolete domains with CFWS around dots are joined into `a`.
 *
 * More than the grammar is read if programs agree on what it means: dots
 * anywhere in a local part, and, with `valid` false, ";" for ",", a dot at the
 * end of a domain, a group without its end, and an address as the display name
 * of another ("a@b <c@d>"), which is returned as an address before it.
 */
enum mail_address_status mail_address_next(
    struct mail_address_list *l, struct mail_address *out);

/*
 * The domain of an envelope address "<a@b>" or "a@b"; absent: none.  `local`
 * may be NULL.  The address is split at its last "@"; without one,
 * "a%b.example" and "b.example!a" are a@b.example, as MTAs rewrite them.
 */
struct span mail_envelope_domain(struct span address, struct span *local);

/* "local@domain" of an address without "@" that has a domain; every other one
 * as it is, and if `a` has no room.  For SPF (RFC 7208 section 2.4). */
struct span mail_envelope_mailbox(struct arena *a, struct span address);

/* The list-id between the angle brackets of a List-Id value (RFC 2919). */
struct span mail_list_id(struct span value);

#endif
