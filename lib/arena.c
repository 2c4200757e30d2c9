#include "lib/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	ARENA_FIRST = 1000, /* bytes of the first block, which fits malloc()'s
	                       per-thread cache even with its header; most
	                       arenas need no more */
	ARENA_GROWTH = 4,
	ARENA_LARGEST = 64000,
};

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) char bytes[];
};

struct arena {
	struct arena_block *first;
	struct arena_block *last; /* the block in use; those after it are
	                             spare */
	size_t cap;
	size_t used;
	unsigned long fail_at; /* counts down; at 1, all allocations fail; 0:
	                          none fails */
	bool failed;
};

static struct arena_block *
block_new(size_t size)
{
	struct arena_block *b;

	if (size > SIZE_MAX - sizeof(*b))
		return NULL;
	b = malloc(sizeof(*b) + size);
	if (b != NULL)
		*b = (struct arena_block){ .size = size };
	return b;
}

struct arena *
arena_new(size_t cap)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a != NULL)
		a->cap = cap;
	return a;
}

void
arena_free(struct arena *a)
{
	struct arena_block *next;

	if (a == NULL)
		return;
	for (struct arena_block *b = a->first; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

/* Returns the next block with room for `size`: a spare or a new one. */
static struct arena_block *
arena_block(struct arena *a, size_t size)
{
	struct arena_block **link =
	    a->last != NULL ? &a->last->next : &a->first;
	size_t want = ARENA_FIRST;

	if (*link != NULL && (*link)->size >= size)
		return *link;
	if (a->last != NULL && a->last->size < ARENA_LARGEST)
		want = a->last->size * ARENA_GROWTH;
	else if (a->last != NULL)
		want = ARENA_LARGEST;
	struct arena_block *b = block_new(size > want ? size : want);

	if (b != NULL) {
		b->next = *link;
		*link = b;
	}
	return b;
}

static void *
arena_refuse(struct arena *a)
{
	a->failed = true;
	return NULL;
}

void *
arena_raw(struct arena *a, size_t size)
{
	const size_t unit = alignof(max_align_t);

	if (a->fail_at == 1)
		return arena_refuse(a);
	if (a->fail_at > 1)
		a->fail_at--;
	if (size == 0)
		size = 1;
	if (size > SIZE_MAX - unit)
		return arena_refuse(a);
	size = (size + unit - 1) / unit * unit;
	if (size > a->cap - a->used)
		return arena_refuse(a);
	if (a->last == NULL || size > a->last->size - a->last->used) {
		struct arena_block *b = arena_block(a, size);

		if (b == NULL)
			return arena_refuse(a);
		b->used = 0;
		a->last = b;
	}
	void *p = a->last->bytes + a->last->used;

	a->last->used += size;
	a->used += size;
	return p;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	void *p = arena_raw(a, size);

	return p != NULL && size > 0 ? memset(p, 0, size) : p;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		return arena_refuse(a);
	return arena_alloc(a, count * size);
}

struct span
arena_copy(struct arena *a, struct span s)
{
	char *p = s.n < SIZE_MAX ? arena_raw(a, s.n + 1) : NULL;

	if (p == NULL)
		return SPAN_NONE;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return span_of(p, s.n);
}

void
arena_rewind(struct arena *a)
{
	a->last = NULL;
	if (a->first != NULL) {
		a->first->used = 0;
		a->last = a->first;
	}
	a->used = 0;
	a->failed = false;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

bool
arena_has_failed(const struct arena *a)
{
	return a->failed;
}

void
arena_fail_at(struct arena *a, unsigned long nth)
{
	a->fail_at = nth;
}
