/*
 * malloc.h - features of glibc's malloc beyond the standard.  With another C
 * library these functions do nothing and return 0: musl's malloc has neither
 * arenas nor statistics.
 */
#ifndef AVOUCH_LIB_COMPAT_MALLOC_H
#define AVOUCH_LIB_COMPAT_MALLOC_H

#include <stddef.h>

/* Limits the number of malloc's arenas.  Call it before the first thread
 * starts. */
void malloc_limit_arenas(int arenas);

/* Return the bytes that the program has allocated, and the free bytes that
 * malloc keeps.  Both return 0 if the C library does not report them. */
size_t malloc_used_bytes(void);
size_t malloc_free_bytes(void);

/* Returns free memory to the system. */
void malloc_return_memory(void);

#endif
