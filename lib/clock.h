/*
 * clock.h - decides whether the wall clock can be trusted.
 *
 * The clock may be set while the daemon runs: by mistake, by a broken time
 * server, or because it was wrong before.  That must not lose messages or rows.
 * Until it is clear which time is right, the daemon keeps counting from the
 * previous time, and no decision depends on dates alone.
 */
#ifndef AVOUCH_LIB_CLOCK_H
#define AVOUCH_LIB_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CLOCK_JUMP_S = 3600,   /* a larger step is not an ordinary correction */
	CLOCK_DOUBT_S = 86400, /* how long the previous time is kept before the
	                          new one is accepted */
};

/* 2026-01-01.  A clock that shows an earlier time was never set; when it is
 * set, the new time is accepted immediately. */
#define CLOCK_PLAUSIBLE INT64_C(1767225600)

struct clock_time {
	int64_t now;   /* seconds since 1970, the best estimate */
	bool doubtful; /* no decision may depend on `now` alone */
};

/*
 * The state of clock_look(), which compares two clocks, both in seconds: the
 * wall clock (since 1970) and the time since boot, which cannot be set.  All
 * members must be zero before the first call.
 */
struct clock_watch {
	bool known;
	bool doubtful;
	int64_t offset; /* trusted wall clock minus `running` */
	int64_t since;  /* `running` when the doubt began */
};

struct clock_time clock_look(
    struct clock_watch *w, int64_t wall, int64_t running);

/* Calls clock_look() with the system's clocks and logs changes.  Any thread may
 * call it.  The first call must be made at startup. */
struct clock_time clock_now(void);

/* Return CLOCK_MONOTONIC in milliseconds and microseconds, for waits and
 * intervals. */
int64_t clock_ms(void);
int64_t clock_us(void);

/* Sleeps at least `ms` milliseconds unless a signal interrupts it. */
void clock_sleep_ms(unsigned ms);

#endif
