/*
 * crypto.h - SHA-256, RSA (PKCS #1 v1.5) and Ed25519 (RFC 6376 section 3.3, RFC
 * 8463 section 3).  The only code in dkim/ that uses OpenSSL.
 *
 * Algorithms are fetched once per process; freed hashes are kept for reuse by
 * the same thread.
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

/* Call this in a daemon before anything else uses OpenSSL.  Initializes OpenSSL
 * while memory is available, and tracks its failed allocations from then on.
 * Returns false if OpenSSL lacks SHA-256 or RSA. */
bool crypto_start(void);

/* ---- SHA-256 ---- */

struct crypto_hash;

/* Returns NULL if memory ran out. */
struct crypto_hash *crypto_hash_new(void);

/* Accepts NULL.  Any thread may call it. */
void crypto_hash_free(struct crypto_hash *h);

void crypto_hash_add(struct crypto_hash *h, struct span bytes);

/* Computes the hash of everything added so far; more may be added later.
 * Returns false if OpenSSL failed, now or earlier. */
bool crypto_hash_snapshot(struct crypto_hash *h, uint8_t out[CRYPTO_HASH_SIZE]);

/* Makes `to` a copy of `from`.  After a failure, crypto_hash_snapshot() of `to`
 * returns false. */
void crypto_hash_copy(struct crypto_hash *to, const struct crypto_hash *from);

/* ---- a key ---- */

struct evp_pkey_st;
struct crypto_key; /* safe to share between threads */

/* Creates a key from a big-endian modulus and exponent, whose sizes the caller
 * has checked.  Returns NULL if OpenSSL refused the key or memory ran out. */
struct crypto_key *crypto_key_rsa(struct span n, struct span e);

/* `raw` is CRYPTO_ED25519_SIZE bytes. */
struct crypto_key *crypto_key_ed25519(struct span raw);

/* After one of these two returned NULL in this thread: whether memory ran out.
 * If not, OpenSSL does not support the key: it may lack Ed25519 or, in FIPS
 * mode, refuse small keys. */
bool crypto_lacked_memory(void);

/*
 * Creates a key from `pkey`, an OpenSSL key pair (RSA or Ed25519), and adds a
 * reference to `pkey`.  The key can sign, and verify its own signatures.
 * Returns NULL for another type of key, or if memory ran out.
 */
struct crypto_key *crypto_key_pair(struct evp_pkey_st *pkey);

/* Accepts NULL. */
void crypto_key_free(struct crypto_key *k);

/* Returns true for Ed25519, false for RSA. */
bool crypto_key_is_ed25519(const struct crypto_key *k);

enum crypto_verdict {
	CRYPTO_GOOD,
	CRYPTO_BAD,   /* not a signature of this hash by this key */
	CRYPTO_FAULT, /* OpenSSL failed */
};

/* Verifies that `signature` is a signature of `hash`.  RSA uses PKCS #1 v1.5
 * (RFC 8017 section 8.2.2); for Ed25519, the hash is the message (RFC 8463
 * section 3). */
enum crypto_verdict crypto_verify(const struct crypto_key *k,
    const uint8_t hash[CRYPTO_HASH_SIZE], struct span signature);

/*
 * Signs `hash` in the form that crypto_verify() expects.  `out` must have room
 * for CRYPTO_SIGNATURE_MAX bytes; sets `*n` to the number of bytes written.
 * Returns false if `k` is not a key pair or is too large, or OpenSSL failed.
 */
bool crypto_sign(const struct crypto_key *k,
    const uint8_t hash[CRYPTO_HASH_SIZE], uint8_t *out, size_t *n);

#endif
