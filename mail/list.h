/*
 * list.h - reads the fields by which a mailing list marks its messages: List-Id
 * (RFC 2919), List-Post (RFC 2369) and the older Mailing-List.
 *
 * Anyone can write them: a field is only a claim until something else shows
 * that the domain in it handled the message (RFC 9989 section 7.4).
 */
#ifndef AVOUCH_MAIL_LIST_H
#define AVOUCH_MAIL_LIST_H

#include <stddef.h>

#include "lib/arena.h"
#include "mail/header.h"

enum { MAIL_LIST_CLAIMS_MAX = 3 }; /* one of each field */

struct mail_list_claim {
	const char *field;  /* "List-Id", "List-Post", "Mailing-List" */
	struct span domain; /* in normal form: the whole List-Id, or the domain
	                       of the first address */
};

/*
 * Finds the fields that contain a domain, in the order List-Id, List-Post,
 * Mailing-List.  Only the first field of each name is used.  Returns the number
 * found.  A field for which `a` has no room is left out.
 */
size_t mail_list_claims(const struct mail_header *h, struct arena *a,
    struct mail_list_claim out[MAIL_LIST_CLAIMS_MAX]);

#endif
