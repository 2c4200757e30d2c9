/*
 * signature_field.h - makes a DKIM-Signature field (RFC 6376 sections 3.5 and
 * 5): relaxed/relaxed, SHA-256, always with t=, never with l= or i=.
 *
 * A field named in h= once more than it occurs is oversigned: no one can add
 * another such field without breaking the signature (section 8.15).
 */
#ifndef AVOUCH_SIGN_SIGNATURE_FIELD_H
#define AVOUCH_SIGN_SIGNATURE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "dkim/header_hash.h"
#include "lib/arena.h"
#include "lib/span.h"

#define SIGNATURE_FIELD_NAME "DKIM-Signature"

enum {
	SIGNATURE_SAME_NAME_MAX =
	    16, /* fields signed per name, counted from the bottom;
	           legitimate mail has one or two */
};

struct signature_names { /* names in h= */
	struct span *names;
	size_t n;
};

/*
 * Chooses the fields to sign (section 5.4.1): every field of `x` whose name is
 * in our list and not in `omit` (NULL-terminated, may be NULL), oversigned as
 * `oversign` says.  Returns false if memory ran out.
 */
bool signature_names_choose(const struct header_index *x,
    enum conf_oversign oversign, char *const *omit, struct arena *a,
    struct signature_names *out);

struct signature_request {
	struct header_index *index; /* index of the message's header */
	const struct signature_names *names;
	struct span domain, selector; /* normal form: ASCII */
	const struct crypto_key *key; /* must be a key pair */
	uint8_t
	    body_hash[CRYPTO_HASH_SIZE]; /* hash of the whole relaxed body */
	int64_t now;                     /* seconds since 1970 */
	unsigned expire;                 /* seconds; 0: no x= */
};

/*
 * Returns the value of the field, starting with the space after the colon,
 * folded with CRLF TAB, without a line end.  Returns an absent span if memory
 * ran out or OpenSSL failed.
 */
struct span signature_field_make(
    const struct signature_request *r, struct arena *a);

#endif
