/*
 * intern_cache.h - a cache of the ids of strings (intern.h), so that the writer
 * need not query again for a string that it looked up recently.
 *
 * Strings are compared by a 128-bit hash whose key is known only to this
 * process, so that a sender cannot construct two strings with the same hash.
 */
#ifndef AVOUCH_REPORT_STORE_INTERN_CACHE_H
#define AVOUCH_REPORT_STORE_INTERN_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

enum { INTERN_SLOTS = 1 << 16 }; /* slots of 32 bytes: 2 MiB */

struct intern_slot {
	uint64_t hash[2];
	int64_t id;   /* 0: not known yet */
	int64_t used; /* day of the last use, as stored */
};

struct intern_cache;

struct intern_cache *intern_cache_new(void);    /* NULL: out of memory */
void intern_cache_free(struct intern_cache *c); /* accepts NULL */

void intern_cache_clear(struct intern_cache *c);

/*
 * Returns the slot for a string of `table`.  If its id is 0, the caller must
 * set it; the string that used the slot previously is evicted.
 */
struct intern_slot *intern_cache_slot(
    struct intern_cache *c, unsigned table, struct span text);

#endif
