/*
 * memory.h - makes memory run out, for code that does not use an arena.
 *
 * In a test, the linker's --wrap option redirects the malloc(), calloc() and
 * realloc() calls of our own code to memory.c; those of libraries are not
 * affected.
 */
#ifndef AVOUCH_TESTS_SUPPORT_MEMORY_H
#define AVOUCH_TESTS_SUPPORT_MEMORY_H

#include <stdbool.h>

/* Makes the `nth` request from now (1 is the next one) and all later ones fail,
 * in all threads.  0 turns this off. */
void memory_fail_at(unsigned long nth);

/* Like memory_fail_at(), but later requests succeed. */
void memory_fail_once_at(unsigned long nth);

/* Whether a request has failed since one of these functions was last called
 * with `nth` > 0. */
bool memory_has_failed(void);

#endif
