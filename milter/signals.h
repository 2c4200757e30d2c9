/*
 * signals.h - SIGHUP, SIGTERM and SIGINT come to one place, the main thread.
 *
 * libmilter starts a thread of its own that takes these three by sigwait() and
 * then ends the process with messages in hand; SIGHUP too.  It has no option
 * against that, and which of two threads gets a signal is the kernel's choice.
 * So this file defines sigwait() for the whole program, libmilter included, as
 * a function that never returns; we take signals by sigtimedwait().
 */
#ifndef AVOUCH_MILTER_SIGNALS_H
#define AVOUCH_MILTER_SIGNALS_H

#include <stdbool.h>

/* Before any thread is started; all of them inherit it. */
void signals_block(void);

/* The next signal, or 0 after `wait_ms`. */
int signals_next(unsigned wait_ms);

/* libmilter's thread has come to our sigwait(); it is out of the way. */
bool signals_libmilter_parked(void);

#endif
