/*
 * fake_clock.h - a clock that does not move until the test advances it, so that
 * the load of the machine cannot change the result.
 *
 * With the linker's --wrap option, our own code's
 * clock_gettime(CLOCK_MONOTONIC) and epoll_wait() call the functions in
 * fake_clock.c.
 */
#ifndef AVOUCH_TESTS_SUPPORT_FAKE_CLOCK_H
#define AVOUCH_TESTS_SUPPORT_FAKE_CLOCK_H

#include <stdint.h>

void still_begin(void);
void still_pass(int64_t ms);
void still_end(void); /* switches back to real time */

/* Returns how many times, in total, a waiting epoll_wait() has polled and found
 * no events. */
unsigned long still_rests(void);

#endif
