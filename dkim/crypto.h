/*
 * crypto.h - SHA-256, RSA (PKCS #1 v1.5) and Ed25519: all of OpenSSL that the
 * rest may see (RFC 6376 section 3.3, RFC 8463 section 3).
 *
 * The algorithms are fetched once in a process; running hashes that were let
 * go are kept for the next message of that thread.
 */
#ifndef AVOUCH_DKIM_CRYPTO_H
#define AVOUCH_DKIM_CRYPTO_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

enum {
	CRYPTO_HASH_SIZE = 32,    /* SHA-256 */
	CRYPTO_ED25519_SIZE = 32, /* a raw public key, RFC 8463 section 4.2 */
	CRYPTO_SPARES_MAX = 8,    /* running hashes kept of a thread */
};

/* For a program that is to live: sets OpenSSL up while there is memory.  False:
 * it offers no SHA-256, or no RSA. */
bool crypto_start(void);

/* ---- a running SHA-256 ---- */

struct crypto_hash;

/* NULL: no memory. */
struct crypto_hash *crypto_hash_new(void);

/* Takes NULL.  May be another thread than crypto_hash_new()'s. */
void crypto_hash_free(struct crypto_hash *h);

void crypto_hash_add(struct crypto_hash *h, struct span bytes);

/* The hash of all that was added so far; more may be added after it.  False:
 * OpenSSL failed, now or in an add before. */
bool crypto_hash_peek(struct crypto_hash *h, uint8_t out[CRYPTO_HASH_SIZE]);

/* `to` goes on from where `from` is. */
void crypto_hash_copy(struct crypto_hash *to, const struct crypto_hash *from);

/* ---- a public key ---- */

struct crypto_key; /* may be used by several threads at once */

/* From the modulus and the exponent, big-endian.  NULL: OpenSSL refused, or no
 * memory.  The caller has checked their sizes. */
struct crypto_key *crypto_key_rsa(struct span n, struct span e);

/* `raw` is CRYPTO_ED25519_SIZE bytes. */
struct crypto_key *crypto_key_ed25519(struct span raw);

/* Takes NULL. */
void crypto_key_free(struct crypto_key *k);

enum crypto_verdict {
	CRYPTO_GOOD,
	CRYPTO_BAD,   /* the signature is not one of this key for this hash */
	CRYPTO_FAULT, /* OpenSSL could not find out */
};

/* Is `signature` one over `hash`?  RSA: PKCS #1 v1.5 of RFC 8017 section
 * 8.2.2; Ed25519: over the hash as the message (RFC 8463 section 3). */
enum crypto_verdict crypto_verify(const struct crypto_key *k,
    const uint8_t hash[CRYPTO_HASH_SIZE], struct span signature);

#endif
