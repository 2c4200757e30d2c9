/*
 * facts.h - what a message was decided by, as bytes that can be stored, for
 * `avouch policy replay`.
 *
 * Kept without the client's address, so that messages that differ in it alone
 * share one entry of the store.
 */
#ifndef AVOUCH_REPORT_FACTS_H
#define AVOUCH_REPORT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/span.h"
#include "verify/policy.h"

enum {
	FACTS_FORM = 1,         /* the first byte */
	FACTS_LIST_MAX = 32,    /* domains kept of one list */
	FACTS_NAME_MAX = 255,   /* bytes of a domain, a List-Id */
	FACTS_BYTES_MAX = 4096, /* with a NUL; each list has its share, and is
	                           cut short there */
};

/* A buffer of FACTS_BYTES_MAX is never full. */
void facts_pack(struct buf *b, const struct policy_facts *f);

/*
 * The facts but for `client`.  Texts point into `bytes`, lists live in `a`.
 * False: the bytes are of no form that is known, or `a` has no room.
 */
bool facts_unpack(struct span bytes, struct arena *a, struct policy_facts *out);

#endif
