/*
 * clock.h - whether the wall clock can be believed.
 *
 * A clock that is set while the daemon runs, by mistake, by a broken time
 * server or because it was wrong before, is not to cost mail or rows: time goes
 * on as it did, and nothing is judged by dates alone, until it is clear which
 * one is right.
 */
#ifndef AVOUCH_LIB_CLOCK_H
#define AVOUCH_LIB_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CLOCK_JUMP_S = 3600,   /* more than that is no correction */
	CLOCK_DOUBT_S = 86400, /* so long the old time is gone on with, then the
	                          new one is taken for right */
};

/* 2026-01-01: a clock before it was never set, what it is set to is believed at
 * once. */
#define CLOCK_PLAUSIBLE INT64_C(1767225600)

struct clock_time {
	int64_t now;   /* seconds since 1970, as far as can be told */
	bool doubtful; /* nothing is to depend on it alone */
};

/* Times in seconds: of the wall, since 1970, and since the system started,
 * which nobody sets.  All zero before the first look. */
struct clock_watch {
	bool known;
	bool doubtful;
	int64_t offset; /* of the time that is believed: wall - running */
	int64_t since;  /* running, when the doubt began */
};

struct clock_time clock_look(
    struct clock_watch *w, int64_t wall, int64_t running);

/* The same with the real clocks, for any thread; what changes is logged.  The
 * first call is to be made at the start. */
struct clock_time clock_now(void);

#endif
