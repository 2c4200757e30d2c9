/*
 * fake_clock.h - time that stands still until the test lets some pass: how
 * loaded the machine is decides nothing.
 *
 * Our own code's clock_gettime(CLOCK_MONOTONIC) and epoll_wait() go through
 * here in a test (the Makefile has the linker's --wrap).
 */
#ifndef AVOUCH_TESTS_SUPPORT_FAKE_CLOCK_H
#define AVOUCH_TESTS_SUPPORT_FAKE_CLOCK_H

#include <stdint.h>

void still_begin(void);
void still_pass(int64_t ms);
void still_end(void); /* time is the real one again */

/* How often an epoll_wait() that goes on waiting has found nothing to do. */
unsigned long still_rests(void);

#endif
