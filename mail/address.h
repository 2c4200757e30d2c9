/*
 * address.h - reads addresses in header fields and in the envelope (RFC 5322
 * section 3.4 with the obsolete forms of section 4.4, and UTF-8 as in RFC
 * 6532).
 */
#ifndef AVOUCH_MAIL_ADDRESS_H
#define AVOUCH_MAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/scan.h"

enum {
	MAIL_DOMAIN_TEXT_MAX = 4096, /* bytes of one domain, with any comments
	                                and white space around its dots */
};

struct mail_address {
	struct span local;  /* as written, with quotes */
	struct span domain; /* as written, may be a [literal]; no CFWS inside */
};

struct mail_address_list {
	struct scan s; /* the part not yet read */
	struct arena *a;
	bool valid;     /* what was read so far (at ADDRESS_END, the whole list)
	                   follows RFC 5322, including its obsolete forms */
	bool has_group; /* a group has been seen */
	bool in_group, after_group;
};

enum mail_address_status { ADDRESS_ONE, ADDRESS_END, ADDRESS_BAD };

struct mail_address_list mail_address_list_of(
    struct span text, struct arena *a);

/*
 * Reads the next mailbox of an address list; enters groups, and skips display
 * names, comments and routes.  ADDRESS_BAD: the rest cannot be read, or `a` is
 * full.  Obsolete domains with CFWS around their dots are joined in `a`.
 *
 * Accepts more than the grammar allows where mail programs agree on the
 * meaning.  Dots may be anywhere in a local part.  The following are accepted
 * too, but set `valid` to false: ";" instead of ",", a dot at the end of a
 * domain, a group that is not closed, and an address as the display name of
 * another ("a@b <c@d>"; both are returned, a@b first).
 */
enum mail_address_status mail_address_next(
    struct mail_address_list *l, struct mail_address *out);

/*
 * Returns the domain of an envelope address "<a@b>" or "a@b", or an absent
 * span.  Sets `local`, unless it is NULL, to the local part.  The address is
 * split at its last "@"; without one, "a%b.example" and "b.example!a" are read
 * as a@b.example, as MTAs rewrite them.
 */
struct span mail_envelope_domain(struct span address, struct span *local);

/* Returns "local@domain" for an address that has a domain but no "@".  Returns
 * any other address, or any address if `a` is full, unchanged.  For SPF (RFC
 * 7208 section 2.4). */
struct span mail_envelope_mailbox(struct arena *a, struct span address);

/* Returns the list-id between the angle brackets of a List-Id value (RFC 2919),
 * or an absent span. */
struct span mail_list_id(struct span value);

#endif
