/*
 * signals.h - receives SIGHUP, SIGTERM and SIGINT in the main thread.
 */
#ifndef AVOUCH_MILTER_SIGNALS_H
#define AVOUCH_MILTER_SIGNALS_H

#include <stdbool.h>

/* Blocks the signals.  Call before any thread starts: all threads inherit the
 * mask. */
void signals_block(void);

/*
 * Call if libmilter's own thread also waits for these signals (see
 * libmilter_quirks.h).  Installs handlers and unblocks the signals in the main
 * thread, to which the kernel then delivers them.  A signal that arrives during
 * the delivery of another one can still reach libmilter, which then ends the
 * process.  Returns false if the process is out of descriptors; in that case
 * any signal can reach libmilter.
 */
bool signals_take_by_handler(void);

/* Waits for a signal and returns it, or returns 0 after `wait_ms`. */
int signals_next(unsigned wait_ms);

#endif
