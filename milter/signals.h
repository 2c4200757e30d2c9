/*
 * signals.h - SIGHUP, SIGTERM and SIGINT, taken by the main thread.
 */
#ifndef AVOUCH_MILTER_SIGNALS_H
#define AVOUCH_MILTER_SIGNALS_H

#include <stdbool.h>

/* Before any thread is started; all of them inherit it. */
void signals_block(void);

/*
 * For a libmilter whose own thread waits for these signals too (see
 * libmilter_quirks.h).  From then on handlers take them: the kernel gives a
 * signal of the process to the main thread if that does not block it.  Only a
 * signal that comes while another one is delivered can still reach libmilter,
 * which then ends the process.  False: there are no descriptors; then any
 * signal can.
 */
bool signals_take_by_handler(void);

/* The next signal, or 0 after `wait_ms`. */
int signals_next(unsigned wait_ms);

#endif
