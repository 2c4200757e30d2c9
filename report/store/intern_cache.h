/*
 * intern_cache.h - a cache of the numbers of texts (intern.h), so that the
 * writer need not look up what it has just looked up.
 *
 * Texts are compared by 128 bits of hash under secrets of the process, so that
 * a sender cannot produce two texts with the same hash.
 */
#ifndef AVOUCH_REPORT_STORE_INTERN_CACHE_H
#define AVOUCH_REPORT_STORE_INTERN_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

enum { INTERN_SLOTS = 1 << 16 }; /* of 32 bytes: 2 MiB */

struct intern_slot {
	uint64_t hash[2];
	int64_t id;   /* 0: not known */
	int64_t used; /* the day of the last use that was stored */
};

struct intern_cache;

struct intern_cache *intern_cache_new(void);    /* NULL: out of memory */
void intern_cache_free(struct intern_cache *c); /* takes NULL */

void intern_cache_clear(struct intern_cache *c);

/*
 * The slot of a text of `table`.  If id is 0, the caller fills it in; the text
 * that used the slot before is forgotten.
 */
struct intern_slot *intern_cache_slot(
    struct intern_cache *c, unsigned table, struct span text);

#endif
