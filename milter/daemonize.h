/*
 * daemonize.h - makes the process a daemon: changes its user, moves it to the
 * background, raises limits and notifies systemd.
 */
#ifndef AVOUCH_MILTER_DAEMONIZE_H
#define AVOUCH_MILTER_DAEMONIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

/*
 * Changes to `user` and its groups, which requires root.  Does nothing if
 * `user` is NULL or already the current user.  Returns false on error, and
 * `error` says why.
 */
bool daemonize_set_user(const char *user, struct buf *error);

/*
 * Moves to the background.  Returns in the child.  The parent waits until the
 * child calls daemonize_ready(), and then exits with status 0.  If the child
 * exits first, the parent exits with the child's status.  So the exit status
 * says whether the daemon has started.
 */
bool daemonize_background(struct buf *error);
void daemonize_ready(void);

/* Call this in each additional process of the daemon.  Nothing that the process
 * does afterwards reaches the service manager or the waiting parent. */
void daemonize_is_not_first(void);

/* Raises the soft limit on open files to the hard limit, but at most to 2^20.
 * Returns the new limit. */
uint64_t daemonize_raise_files(void);

/*
 * Sends `state` to systemd (sd_notify(3)): lines such as "READY=1".  Does
 * nothing if NOTIFY_SOCKET is not set.
 */
void daemonize_notify(const char *state);

/* Returns the interval of systemd's watchdog in milliseconds; 0: off. */
unsigned daemonize_watchdog_ms(void);

/*
 * Reduces the stack size of all threads started from now on, including
 * libmilter's.  libmilter starts and ends threads all the time, and libc caches
 * at most 40 MiB of stacks for new ones.  Does nothing if threads cannot start
 * with the smaller size, because a library (ThreadSanitizer) needs more in each
 * thread.
 */
void daemonize_small_stacks(void);

#endif
