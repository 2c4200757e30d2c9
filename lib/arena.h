/*
 * arena.h - a capped bump allocator: the memory of one message.
 *
 * Single allocations are never freed; arena_rewind() and arena_free() release
 * them all.  Memory is zeroed and aligned for any type.  Every allocation may
 * return NULL (cap reached, or no memory): the caller checks, and answers
 * temperror.  Use by one thread at a time.
 */
#ifndef AVOUCH_LIB_ARENA_H
#define AVOUCH_LIB_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

struct arena;

/* At most `cap` bytes are handed out until the next rewind; NULL: no memory. */
struct arena *arena_new(size_t cap);

/* Takes NULL. */
void arena_free(struct arena *a);

/* Memory that is all zero, and memory that is not set, for texts. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_raw(struct arena *a, size_t size);

/* `count` elements of `size` bytes; NULL where the product overflows. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* A copy, followed by a NUL; p is NULL only on failure. */
struct span arena_copy(struct arena *a, struct span s);

/* Forgets every allocation; memory from before is no longer valid. */
void arena_rewind(struct arena *a);

/* Bytes handed out since the last rewind. */
size_t arena_used(const struct arena *a);

/* Whether an allocation has failed since the last rewind. */
bool arena_has_failed(const struct arena *a);

/*
 * For tests: allocation number `nth` from now (1 is the next one) and all
 * after it fail, through rewinds; 0 lifts it.
 */
void arena_fail_at(struct arena *a, unsigned long nth);

#endif
