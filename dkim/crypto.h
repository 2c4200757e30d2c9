/*
 * crypto.h - SHA-256, RSA (PKCS #1 v1.5) and Ed25519: the only place that uses
 * OpenSSL (RFC 6376 section 3.3, RFC 8463 section 3).
 *
 * Algorithms are fetched once per process; freed hashes are kept for the next
 * message of the same thread.
 */
#ifndef AVOUCH_DKIM_CRYPTO_H
#define AVOUCH_DKIM_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

enum {
	CRYPTO_HASH_SIZE = 32,      /* SHA-256 */
	CRYPTO_ED25519_SIZE = 32,   /* a raw public key, RFC 8463 section 4.2 */
	CRYPTO_SPARES_MAX = 8,      /* freed hashes kept per thread */
	CRYPTO_SIGNATURE_MAX = 512, /* bytes: RSA-4096 */
};

/* For a daemon, before anything else uses OpenSSL: initializes it while there
 * is memory, and notices from now on if it has none.  False: it lacks SHA-256
 * or RSA. */
bool crypto_start(void);

/* ---- a running SHA-256 ---- */

struct crypto_hash;

/* NULL: no memory. */
struct crypto_hash *crypto_hash_new(void);

/* Takes NULL.  Any thread. */
void crypto_hash_free(struct crypto_hash *h);

void crypto_hash_add(struct crypto_hash *h, struct span bytes);

/* The hash of everything added so far; more may be added afterwards.  False:
 * OpenSSL failed, now or before. */
bool crypto_hash_snapshot(struct crypto_hash *h, uint8_t out[CRYPTO_HASH_SIZE]);

/* `to` becomes a copy of `from`. */
void crypto_hash_copy(struct crypto_hash *to, const struct crypto_hash *from);

/* ---- a key ---- */

struct evp_pkey_st;
struct crypto_key; /* may be used by several threads at once */

/* From the modulus and the exponent, big-endian, whose sizes the caller has
 * checked.  NULL: OpenSSL refused, or no memory. */
struct crypto_key *crypto_key_rsa(struct span n, struct span e);

/* `raw` is CRYPTO_ED25519_SIZE bytes. */
struct crypto_key *crypto_key_ed25519(struct span raw);

/*
 * Makes a key of a key pair that OpenSSL has read (an EVP_PKEY, RSA or Ed25519)
 * and takes a reference to it: it can sign, and verify what it signed. NULL:
 * another kind of key, or no memory.
 */
struct crypto_key *crypto_key_pair(struct evp_pkey_st *pkey);

/* Takes NULL. */
void crypto_key_free(struct crypto_key *k);

/* Ed25519; else it is RSA. */
bool crypto_key_is_ed25519(const struct crypto_key *k);

enum crypto_verdict {
	CRYPTO_GOOD,
	CRYPTO_BAD,   /* not a signature of this hash by this key */
	CRYPTO_FAULT, /* OpenSSL failed */
};

/* Is `signature` a signature of `hash`?  RSA: PKCS #1 v1.5 of RFC 8017 section
 * 8.2.2; Ed25519: the hash is the message (RFC 8463 section 3). */
enum crypto_verdict crypto_verify(const struct crypto_key *k,
    const uint8_t hash[CRYPTO_HASH_SIZE], struct span signature);

/*
 * Signs `hash`, as crypto_verify() expects it.  `out` has room for
 * CRYPTO_SIGNATURE_MAX bytes; `*n` is set to their number.  False: not a key
 * pair, a larger key, or OpenSSL failed.
 */
bool crypto_sign(const struct crypto_key *k,
    const uint8_t hash[CRYPTO_HASH_SIZE], uint8_t *out, size_t *n);

#endif
