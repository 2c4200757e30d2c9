/*
 * arena.h - a capped bump allocator, for the memory of one message.
 *
 * Individual allocations are never freed; arena_rewind() and arena_free()
 * release all of them.  Memory is zeroed and aligned for any type.  Any
 * allocation may return NULL (the cap is reached, or memory ran out): the
 * caller checks for it and returns temperror.  Only one thread at a time may
 * use an arena.
 */
#ifndef AVOUCH_LIB_ARENA_H
#define AVOUCH_LIB_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

struct arena;

/* Creates an arena that hands out at most `cap` bytes until the next rewind.
 * Returns NULL if memory ran out. */
struct arena *arena_new(size_t cap);

/* `a` may be NULL. */
void arena_free(struct arena *a);

/* Allocates zeroed memory; arena_raw() leaves it uninitialized, for strings. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_raw(struct arena *a, size_t size);

/* Allocates `count` elements of `size` bytes.  Returns NULL if the product
 * overflows. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* Copies `s` and appends a NUL.  The result's p is NULL only on failure. */
struct span arena_copy(struct arena *a, struct span s);

/* Releases all allocations; pointers to them are no longer valid. */
void arena_rewind(struct arena *a);

/* Returns the number of bytes handed out since the last rewind. */
size_t arena_used(const struct arena *a);

/* Whether an allocation has failed since the last rewind. */
bool arena_has_failed(const struct arena *a);

/*
 * For tests: makes the `nth` allocation from now on (1 is the next one) and all
 * later ones fail, even after a rewind.  0 turns this off.
 */
void arena_fail_at(struct arena *a, unsigned long nth);

#endif
