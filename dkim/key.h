/*
 * key.h - the keys of an answer to SELECTOR._domainkey.DOMAIN TXT (RFC 6376
 * sections 3.6.1 and 6.1.2, RFC 8301, RFC 8463 section 4.2).
 *
 * They are parsed once for each answer and kept beside it, OpenSSL's part
 * included, so that the next message signed with that key finds it ready.
 */
#ifndef AVOUCH_DKIM_KEY_H
#define AVOUCH_DKIM_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "dkim/crypto.h"
#include "dns/answer.h"
#include "lib/span.h"

enum {
	KEY_RECORDS_MAX = 4,   /* of one answer that are tried; TXT records
	                          of a selector are to be unique (3.6.2.2) */
	KEY_RECORD_MAX = 8192, /* bytes of one record read; RSA-16384 is 2900 */
	KEY_BITS_LEAST = 512,  /* RSA, what RFC 6376 section 3.3.3 knew ... */
	KEY_BITS_MOST = 16384, /* ... and what OpenSSL would compute with */
	KEY_EXPONENT_BITS = 64, /* a larger one is an attack on our time */
};

enum key_type { KEY_RSA, KEY_ED25519 };

struct key {
	/* Why it cannot be used, a constant text; NULL: it can. */
	const char *fault;
	bool is_foreign; /* no key record at all: some other TXT */
	bool is_bare;    /* RSAPublicKey, not SubjectPublicKeyInfo */
	bool is_revoked; /* p= is empty */
	bool no_memory;  /* ours: `fault` says so, and may pass */
	enum key_type type;
	unsigned bits;      /* of the modulus, 256 for Ed25519; 0: not read */
	bool allows_sha256; /* h= */
	bool testing;       /* t=y */
	bool strict;        /* t=s */
	struct crypto_key *crypto; /* NULL unless it can be used */
};

struct key_list {
	const char *kind; /* tells a memo of ours from any other's */
	size_t n;
	size_t cut; /* records over KEY_RECORDS_MAX, foreign ones not counted */
	struct key keys[KEY_RECORDS_MAX];
};

/* One record.  `out->crypto` is the caller's: key_forget(). */
void key_read(struct span record, struct key *out);
void key_forget(struct key *k);

/*
 * Those of an answer that is DNS_FOUND.  They live as long as the answer, but
 * where `*own` is set: then the caller ends them by key_list_free().  NULL: no
 * memory.
 */
const struct key_list *key_list_of(
    const struct dns_answer *answer, struct key_list **own);

void key_list_free(void *list); /* takes NULL */

#endif
