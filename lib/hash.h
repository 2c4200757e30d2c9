/*
 * hash.h - SipHash-1-3, for tables whose keys come from the network: only
 * someone who knows the secret can make them collide.
 */
#ifndef AVOUCH_LIB_HASH_H
#define AVOUCH_LIB_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/span.h"

enum { HASH_SECRET_MAX = 44 }; /* bytes of a secret as text, with NUL */

struct hash_secret {
	uint64_t a, b;
};

/* Returns a random secret, which is weak only if the kernel cannot supply
 * random bytes. */
struct hash_secret hash_secret_new(void);

/* Write and read a secret as text: two decimal numbers with a space between
 * them.  hash_secret_read() returns false if `text` does not begin with them.
 */
void hash_secret_put(struct buf *b, struct hash_secret secret);
bool hash_secret_read(struct span text, struct hash_secret *out);

/* `salt` distinguishes keys with equal bytes, such as one name with two record
 * types. */
uint64_t hash_span(struct hash_secret secret, struct span bytes, uint64_t salt);

#endif
