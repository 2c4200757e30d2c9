/*
 * private_key.h - private keys for signing: RSA (RFC 8301) and Ed25519 (RFC
 * 8463), read and written as PEM.  In sign/ and dkim/, only private_key.c and
 * dkim/crypto.c use OpenSSL.
 *
 * No function logs, returns or prints a byte of a private key, except
 * private_key_put_pem().
 */
#ifndef AVOUCH_SIGN_PRIVATE_KEY_H
#define AVOUCH_SIGN_PRIVATE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dkim/crypto.h"
#include "lib/buf.h"
#include "lib/span.h"

enum {
	PRIVATE_KEY_FILE_MAX = 32768, /* bytes; RSA-4096 needs 3,300 */
	PRIVATE_KEY_BITS_MIN = 1024,  /* RSA, RFC 8301 section 3.2 */
	PRIVATE_KEY_BITS_MAX = 8 * CRYPTO_SIGNATURE_MAX,
	PRIVATE_KEY_RECORD_MAX = 2048, /* bytes of the record, including NUL */
};

enum private_key_type { PRIVATE_KEY_RSA, PRIVATE_KEY_ED25519 };

struct private_key; /* immutable; safe to share between threads */

/*
 * Disables core dumps of this process, and access to its memory by other
 * processes of the same user.  Call before the first key is read.  Returns
 * false if the kernel refuses.
 */
bool private_key_protect_memory(void);

/*
 * Parses a PEM key: PKCS #8, PKCS #1, or any other format that OpenSSL reads
 * without a passphrase.  `name` is used only in the error.  On failure,
 * returns NULL and writes one line to `error`: what is wrong and how to fix it.
 */
struct private_key *private_key_parse(
    struct span pem, const char *name, struct buf *error);

/* Slow: RSA-4096 can take seconds.  `bits` is for RSA only. */
struct private_key *private_key_generate(
    enum private_key_type type, unsigned bits);

/* Adds a reference.  If `k` is NULL, returns NULL. */
struct private_key *private_key_ref(struct private_key *k);
void private_key_unref(struct private_key *k); /* accepts NULL */

enum private_key_type private_key_type(const struct private_key *k);
unsigned private_key_bits(const struct private_key *k); /* 256 for Ed25519 */

/* Returns the SHA-256 of the public key, which identifies the key. */
const uint8_t *private_key_id(const struct private_key *k);

/* Writes the private key as PKCS #8 PEM. */
bool private_key_put_pem(const struct private_key *k, FILE *out);

/*
 * Writes the record to publish (RFC 6376 section 3.6.1, RFC 8463 section 4.2),
 * such as "v=DKIM1; k=rsa; p=...", in at most PRIVATE_KEY_RECORD_MAX bytes.
 */
void private_key_put_record(const struct private_key *k, struct buf *b);

/* Returns the key for crypto_sign(); it lives as long as `k`. */
const struct crypto_key *private_key_crypto(const struct private_key *k);

#endif
