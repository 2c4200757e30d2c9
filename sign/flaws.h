/*
 * flaws.h - what in a message breaks its signature later, or displeases
 * receivers (enum signer_flaw).
 */
#ifndef AVOUCH_SIGN_FLAWS_H
#define AVOUCH_SIGN_FLAWS_H

#include <stdbool.h>
#include <stddef.h>

#include "dkim/header_hash.h"
#include "mail/header.h"

enum {
	FLAWS_LINE_MAX = 998, /* bytes, RFC 5322 section 2.1.1 */
};

struct flaws {          /* all zero at first */
	unsigned found; /* of enum signer_flaw */
	const char
	    *duplicate; /* of SIGNER_FLAW_DUPLICATE: the first such name */
	size_t line;    /* bytes of the line so far, its CR included */
	bool cr;        /* its last byte is CR */
};

void flaws_in_header(
    struct flaws *f, const struct mail_header *h, const struct header_index *x);

/* A chunk of the body, split anywhere. */
void flaws_in_body(struct flaws *f, struct span chunk);

#endif
