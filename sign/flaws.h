/*
 * flaws.h - finds flaws in a message that will break its signature later, or
 * that receivers dislike (enum signer_flaw).
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

struct flaws {          /* initialize with zeros */
	unsigned found; /* bits of enum signer_flaw */
	const char *
	    duplicate; /* the first duplicate name, for SIGNER_FLAW_DUPLICATE */
	size_t line;   /* bytes of the current line, including CR */
	bool cr;       /* the last byte of the line is CR */
};

void flaws_in_header(
    struct flaws *f, const struct mail_header *h, const struct header_index *x);

/* Adds the next chunk of the body, which may be split anywhere. */
void flaws_in_body(struct flaws *f, struct span chunk);

#endif
