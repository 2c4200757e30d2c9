/*
 * milter_session_world.h - the in-memory environment of the daemon in
 * milter_session_fuzz.c: a zone, configurations, a store, a log, and
 * signing keys of good.example and open.example.  A thread that waits
 * for answers gets those that were held back (tests/support/fault_source.h); if
 * there are none, it times out immediately.
 *
 * It replaces report/store/queue.c and libc's syslog() and
 * pthread_cond_timedwait(), and checks what is stored and logged.
 */
#ifndef AVOUCH_TESTS_FUZZ_MILTER_SESSION_WORLD_H
#define AVOUCH_TESTS_FUZZ_MILTER_SESSION_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

enum {
	WORLD_CONFS = 8,
	WORLD_CONF_BAD = WORLD_CONFS - 1, /* the number of the invalid
	                                     configuration */
};

/* Creates the environment, and checks log lines from now on.  Returns the path
 * of the configuration. */
const char *world_begin(void);

/* Makes configuration `number` the one that is read next. */
void world_put_conf(size_t number);

struct world_kept {
	bool any;
	enum conf_action action, would;
	bool skipped;
};

/* Returns what was last put in the store, and forgets it. */
struct world_kept world_take_kept(void);

#endif
