/*
 * daemonize.h - what makes a program a daemon: its user, its background, its
 * pid file, its limits, and what it tells systemd.
 */
#ifndef AVOUCH_MILTER_DAEMONIZE_H
#define AVOUCH_MILTER_DAEMONIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

/*
 * Becomes `user` (its groups too) when started as root; NULL: stays.  Started
 * as that user already is fine.  False: `error` says why.
 */
bool process_become(const char *user, struct buf *error);

/*
 * Goes to the background.  Returns in the child; the parent stays until the
 * child calls process_ready(), and exits 0, or until the child ends, and exits
 * with its status: whoever starts the daemon learns whether it came up.
 */
bool daemonize_background(struct buf *error);
void process_ready(void);

/*
 * Writes our pid to `path`, owned by `user` so that it can be removed later;
 * NULL: does nothing.
 */
bool process_pid_file(const char *path, const char *user, struct buf *error);

/* Raises the limit of open files as far as it goes, and returns it. */
uint64_t process_open_files(void);

/*
 * Tells systemd (sd_notify(3)): "READY=1" and the like, lines of it.  Nothing
 * happens where NOTIFY_SOCKET is not set.
 */
void process_notify(const char *state);

/* Milliseconds between two signs of life systemd waits for; 0: it does not. */
unsigned process_watchdog_ms(void);

/*
 * Gives the threads that are begun from now on, libmilter's among them, smaller
 * stacks: libmilter ends and begins them all the time, and libc keeps no more
 * than 40 MiB of stacks for the next ones.  Nothing changes where libraries
 * (ThreadSanitizer's) keep so much in each thread that it would not fit.
 */
void process_small_stacks(void);

#endif
