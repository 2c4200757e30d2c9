/*
 * hash.h - SipHash-1-3, for tables whose keys come from outside: without the
 * secret nobody can make them collide.
 */
#ifndef AVOUCH_LIB_HASH_H
#define AVOUCH_LIB_HASH_H

#include <stdint.h>

#include "lib/span.h"

struct hash_secret {
	uint64_t a, b;
};

/* Random; weak only if the kernel has no random bytes. */
struct hash_secret hash_secret_new(void);

/* `salt` distinguishes keys with equal bytes (a type beside a name). */
uint64_t hash_span(struct hash_secret secret, struct span bytes, uint64_t salt);

#endif
