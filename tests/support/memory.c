#include "tests/support/memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

/* names that the linker's --wrap expects */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static atomic_ulong requests; /* number of requests since memory_fail_at() */
static atomic_ulong first;    /* the request that fails, as do all after it; 0:
                                 none */
static atomic_bool once;      /* only that request fails */
static atomic_bool failed;

static void
set(unsigned long nth, bool only)
{
	atomic_store(&first, 0);
	atomic_store(&requests, 0);
	if (nth > 0)
		atomic_store(&failed, false);
	atomic_store(&once, only);
	atomic_store(&first, nth);
}

void
memory_fail_at(unsigned long nth)
{
	set(nth, false);
}

void
memory_fail_once_at(unsigned long nth)
{
	set(nth, true);
}

bool
memory_has_failed(void)
{
	return atomic_load(&failed);
}

static bool
fails(void)
{
	unsigned long from = atomic_load(&first);
	unsigned long nth;

	if (from == 0)
		return false;
	nth = atomic_fetch_add(&requests, 1) + 1;
	if (nth < from || (nth > from && atomic_load(&once)))
		return false;
	atomic_store(&failed, true);
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}
