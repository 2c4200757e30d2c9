/*
 * hash.h - SipHash-1-3, for tables whose keys come from outside: without the
 * secret nobody can make them collide.
 */
#ifndef AVOUCH_LIB_HASH_H
#define AVOUCH_LIB_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/span.h"

enum { HASH_SECRET_MAX = 44 }; /* bytes of its text, with the NUL */

struct hash_secret {
	uint64_t a, b;
};

/* Random; weak only if the kernel has no random bytes. */
struct hash_secret hash_secret_new(void);

/* As text: two decimal numbers and a space.  False: `text` does not begin
 * with them. */
void hash_secret_put(struct buf *b, struct hash_secret secret);
bool hash_secret_read(struct span text, struct hash_secret *out);

/* `salt` distinguishes keys with equal bytes (a type beside a name). */
uint64_t hash_span(struct hash_secret secret, struct span bytes, uint64_t salt);

#endif
