/*
 * list.h - the fields by which a mailing list marks its mail: List-Id (RFC
 * 2919), List-Post (RFC 2369) and Mailing-List, which lists used before.
 *
 * Anyone can write them: a field is a claim until something else shows that
 * the domain in it had a hand in the message (RFC 9989 section 7.4).
 */
#ifndef AVOUCH_MAIL_LIST_H
#define AVOUCH_MAIL_LIST_H

#include <stddef.h>

#include "lib/arena.h"
#include "mail/header.h"

enum { MAIL_LIST_CLAIMS_MAX = 3 }; /* one of each field */

struct mail_list_claim {
	const char *field;  /* "List-Id", "List-Post", "Mailing-List" */
	struct span domain; /* normal form: a List-Id whole, else that of the
	                       first address */
};

/*
 * The fields that name a domain, in this order, from the first field of each
 * name; returns how many.  A field for which `a` has no room is left out.
 */
size_t mail_list_claims(const struct mail_header *h, struct arena *a,
    struct mail_list_claim out[MAIL_LIST_CLAIMS_MAX]);

#endif
