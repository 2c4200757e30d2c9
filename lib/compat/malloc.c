#include "lib/compat/malloc.h"

#include <malloc.h>

#ifdef __GLIBC__

#if !__GLIBC_PREREQ(2, 33)
#error "glibc 2.33 or newer is needed, for mallinfo2(3)"
#endif

void
malloc_limit_arenas(int arenas)
{
	mallopt(M_ARENA_MAX, arenas);
}

size_t
malloc_used_bytes(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

size_t
malloc_free_bytes(void)
{
	return mallinfo2().fordblks;
}

void
malloc_return_memory(void)
{
	malloc_trim(0);
}

#else

void
malloc_limit_arenas(int arenas)
{
	(void)arenas;
}

size_t
malloc_used_bytes(void)
{
	return 0;
}

size_t
malloc_free_bytes(void)
{
	return 0;
}

void
malloc_return_memory(void)
{
}

#endif
