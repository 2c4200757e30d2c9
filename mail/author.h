/*
 * author.h - which domains may a person see as the author of a message?  DMARC
 * begins with them (RFC 9989 sections 4.2, 5.3.1 and 11.5).
 */
#ifndef AVOUCH_MAIL_AUTHOR_H
#define AVOUCH_MAIL_AUTHOR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "mail/header.h"

enum {
	MAIL_AUTHORS_MAX = 8, /* author domains of a message */
	/* No person writes more; these keep time and memory small. */
	MAIL_AUTHOR_TEXT_MAX = 16 * 1024, /* bytes of all From fields */
	MAIL_AUTHOR_SIGNS_MAX = 200,      /* "@", "%" and "!" in them */
};

enum mail_from_state {
	MAIL_FROM_VALID,   /* by RFC 5322; every mailbox has a domain */
	MAIL_FROM_SLOPPY,  /* not valid, but it shows one domain only */
	MAIL_FROM_INVALID, /* never leads to a pass; `reason` says why */
};

struct mail_from {
	enum mail_from_state state;
	const char *reason; /* INVALID: a constant text, "several From fields"
	                       or "the From field names no address"; else NULL
	                     */
	bool nameless; /* INVALID, and no From field names any domain that a
	                  program could show ("<MAILER-DAEMON>", no field) */
	size_t n_fields;
	size_t n_domains;
	size_t n_possible; /* of them, the last ones: not the domain of an
	                      address, but what some programs may show as one.
	                      Smaller than n_domains unless INVALID */
	struct span domains[MAIL_AUTHORS_MAX]; /* distinct, in normal form; none
	                                          may fail.  If INVALID: what
	                                          was found, for logs and for
	                                          policies by From domain */
	struct span first; /* the first address as local@domain, for logs */
};

/*
 * Reads all From fields of `h`. Texts live in `a` or `h`. If `a` has no room,
 * the state is INVALID and arena_has_failed() is true.
 */
void mail_from_read(
    const struct mail_header *h, struct arena *a, struct mail_from *out);

/* "valid", "sloppy", "invalid" */
const char *mail_from_state_name(enum mail_from_state state);

#endif
