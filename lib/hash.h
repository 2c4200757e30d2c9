/*
 * hash.h - SipHash-1-3 of bytes, for tables whose keys come from outside:
 * who does not know the secret can't make them collide.
 */
#ifndef AVOUCH_LIB_HASH_H
#define AVOUCH_LIB_HASH_H

#include <stdint.h>

#include "lib/span.h"

struct hash_secret {
	uint64_t a, b;
};

/* Random; a constant where the kernel has no random bytes to give. */
struct hash_secret hash_secret_new(void);

/* `salt` tells keys with equal bytes apart (a type beside a name). */
uint64_t hash_span(struct hash_secret secret, struct span bytes, uint64_t salt);

#endif
