/*
 * memory.h - memory that runs out, for what is not in an arena.
 *
 * In a test malloc(), calloc() and realloc() of our own code go through here
 * (the Makefile has the linker's --wrap); those of libraries do not.
 */
#ifndef AVOUCH_TESTS_SUPPORT_MEMORY_H
#define AVOUCH_TESTS_SUPPORT_MEMORY_H

#include <stdbool.h>

/* Request number `nth` from now (1 is the next one) and all after it fail, in
 * all threads; 0 lifts it. */
void memory_fail_at(unsigned long nth);

/* The same, but the requests after it succeed. */
void memory_fail_once_at(unsigned long nth);

/* Some request has failed since. */
bool memory_has_failed(void);

#endif
