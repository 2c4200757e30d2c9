/*
 * smime.h - extracts the content of an opaque S/MIME file, "smime.p7m" (RFC
 * 8551 section 3.5.2): a message that is wrapped in its signature.
 *
 * The signature is not verified: unsigned reports are accepted too, so a check
 * would not stop forged ones.
 */
#ifndef AVOUCH_REPORT_RECEIVE_SMIME_H
#define AVOUCH_REPORT_RECEIVE_SMIME_H

#include <stdbool.h>

#include "lib/span.h"

enum {
	SMIME_SIZE_MAX = 16 << 20, /* bytes of a file; OpenSSL needs several
	                              times as much memory */
};

/* Detects CMS (RFC 5652), including detached signatures, from the first
 * bytes. */
bool smime_is(struct span bytes);

enum smime_end {
	SMIME_END_DONE,     /* `each` returned true */
	SMIME_END_STOPPED,  /* `each` returned false */
	SMIME_END_DETACHED, /* a signature without content */
	SMIME_END_REFUSED,  /* see `reason` */
};

/* Passes the signed content to `each`; it is valid only during that call. */
enum smime_end smime_content(struct span bytes,
    bool (*each)(void *arg, struct span content), void *arg,
    const char **reason);

#endif
