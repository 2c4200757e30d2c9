/*
 * key_watch.h - the thread that looks at the records of our signing keys and
 * decides which of them sign (sign/rotation.h).
 *
 * It has a resolver of its own and a low priority, so that it never delays
 * mail.  It writes what it has seen to FOLDER/.state/HOST, and finds out within
 * a minute that the folder of keys has changed.
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
 * Create the directory of the state if there is a folder of keys: with the
 * rights of the start, and as the user of the daemon.
 */
void key_watch_prepare(const struct conf *conf);
void key_watch_make_state(const struct conf *conf);

/*
 * Starts the thread, after signing_load(); reads the state of an earlier run.
 * `process` is appended to the name of the state file, because each process of
 * a daemon has one.  False: no thread.
 */
bool key_watch_start(const struct conf *conf, const char *process);

/* Looks again at all keys, soon; `conf` is the new configuration. */
void key_watch_reload(const struct conf *conf);

/* Writes the state and ends the thread, or leaves it if it waits for DNS. */
void key_watch_stop(void);

/* Around the load of a new set from the current one, whose states the thread
 * changes. */
void key_watch_lock(void);
void key_watch_unlock(void);

/* Keys by state, and looks, for the page of metrics.h. */
void key_watch_put_metrics(struct buf *page);

#endif
