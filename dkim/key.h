/*
 * key.h - parses the keys in an answer to SELECTOR._domainkey.DOMAIN TXT (RFC
 * 6376 sections 3.6.1 and 6.1.2, RFC 8301, RFC 8463 section 4.2).
 *
 * Each answer is parsed once: it keeps its keys and their OpenSSL objects,
 * which later messages reuse.
 */
#ifndef AVOUCH_DKIM_KEY_H
#define AVOUCH_DKIM_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "dkim/crypto.h"
#include "dns/answer.h"
#include "lib/span.h"

enum {
	KEY_RECORDS_MAX = 4, /* records read per answer; a selector should have
	                        only one TXT record (section 3.6.2.2) */
	KEY_RECORD_MAX = 8192,  /* bytes of a record; RSA-16384 needs 2,900 */
	KEY_BITS_MIN = 512,     /* RSA: the minimum of RFC 6376 section 3.3.3 */
	KEY_BITS_MAX = 16384,   /* OpenSSL's maximum */
	KEY_EXPONENT_BITS = 33, /* 2^32+1; larger ones only cost time */
};

enum key_type { KEY_RSA, KEY_ED25519 };

struct key {
	/* Why the key cannot be used (a constant string), or NULL if it can be
	 * used. */
	const char *fault;
	bool is_foreign; /* some other TXT record, not a key */
	bool is_bare;    /* an RSAPublicKey, not a SubjectPublicKeyInfo */
	bool is_revoked; /* p= is empty */
	bool no_memory;  /* `fault` is temporary: we ran out of memory */
	enum key_type type;
	unsigned bits; /* size of the modulus, 256 for Ed25519; 0: not parsed */
	bool allows_sha256;        /* h= */
	bool testing;              /* t=y */
	bool strict;               /* t=s */
	struct crypto_key *crypto; /* NULL if the key cannot be used */
};

struct key_list {
	const char *kind; /* identifies this module; see dns_answer_parsed() */
	size_t n;
	size_t cut; /* nonzero: there are more key records than fit */
	struct key keys[KEY_RECORDS_MAX];
};

/* Parses one record.  The caller frees the result with key_release(). */
void key_read(struct span record, struct key *out);
void key_release(struct key *k);

/*
 * Returns the keys of an answer in state DNS_FOUND.  They live as long as the
 * answer, unless `*own` is set: then the caller must free `*own` with
 * key_list_free().  Returns NULL if memory ran out.
 */
const struct key_list *key_list_of(
    const struct dns_answer *answer, struct key_list **own);

void key_list_free(void *list); /* accepts NULL */

#endif
