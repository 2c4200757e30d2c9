/*
 * key_watch.h - the thread that checks the DNS records of our signing keys and
 * decides which keys sign (sign/rotation.h).
 *
 * It has a separate resolver and a low priority, so that it never delays mail.
 * It writes the state of the keys to FOLDER/.state/HOST, and notices within a
 * minute that the folder of keys has changed.
 */
#ifndef AVOUCH_MILTER_KEY_WATCH_H
#define AVOUCH_MILTER_KEY_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "lib/buf.h"
#include "sign/keys.h"

/*
 * These create the state directory if there is a folder of keys.  Call the
 * first while the process still has its initial privileges, and the second as
 * the daemon's user.
 */
void key_watch_prepare(const struct conf *conf);
void key_watch_make_state(const struct conf *conf);

/*
 * Starts the thread.  Call after signing_load().  Reads the state that an
 * earlier run saved.  Each process of a daemon has a separate state file:
 * `process` is appended to its name.  Returns false if the thread cannot be
 * started.
 */
bool key_watch_start(const struct conf *conf, const char *process);

/* Makes the thread check all keys again; `conf` is the new configuration. */
void key_watch_reload(const struct conf *conf);

/* Writes the state and stops the thread.  Waits at most 5 s for it to end. */
void key_watch_stop(void);

/* Hold this lock while a new set of keys is loaded from the current one,
 * because the thread changes the states of the current keys. */
void key_watch_lock(void);
void key_watch_unlock(void);

/* Writes the number of keys by state and the number of checks, for the metrics
 * page (metrics.h). */
void key_watch_put_metrics(struct buf *page);

#endif
