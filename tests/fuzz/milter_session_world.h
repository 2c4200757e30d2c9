/*
 * milter_session_world.h - what the daemon of milter_session_fuzz.c runs on, in
 * memory: a zone, configurations, a store, a log, and signing keys of
 * good.example and open.example; and the time, which is over
 * at once for who waits for an answer that nobody holds
 * (tests/support/fault_source.h).
 *
 * It takes the place of report/store/queue.c and of libc's syslog() and
 * pthread_cond_timedwait(), and asserts what is to hold of all they are given.
 */
#ifndef AVOUCH_TESTS_FUZZ_MILTER_SESSION_WORLD_H
#define AVOUCH_TESTS_FUZZ_MILTER_SESSION_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

enum {
	WORLD_CONFS = 8,
	WORLD_CONF_BAD = WORLD_CONFS - 1, /* the one that cannot be read */
};

/* The path of the configuration.  The log is read from now on. */
const char *world_begin(void);

/* Makes it the configuration that is read next. */
void world_put_conf(size_t number);

struct world_kept {
	bool any;
	enum conf_action action, would;
	bool skipped;
};

/* What the store was given last; and forgets it. */
struct world_kept world_take_kept(void);

#endif
