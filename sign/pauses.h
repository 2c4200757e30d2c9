/*
 * pauses.h - detects that our own mail no longer reaches the signer.
 *
 * Remembers the longest pause between two messages in each of the last four
 * weeks, so that pauses at night and on weekends count as normal.  Mail counts
 * as stopped if the current pause is more than twice the longest one, except
 * during the first two weeks.  A pause that was too long is not remembered as
 * normal, and time during which the daemon did not run is not part of a pause.
 *
 * Pure; all times are in seconds since 1970, 0: never.
 */
#ifndef AVOUCH_SIGN_PAUSES_H
#define AVOUCH_SIGN_PAUSES_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PAUSES_WEEKS = 4,
	PAUSES_KNOWN_S =
	    14 * 86400,      /* seconds of history needed to judge a pause */
	PAUSES_MIN_S = 3600, /* seconds; a shorter pause is always normal */
	PAUSES_FACTOR = 2,
};

/* State that survives a restart.  All zero: no message was seen. */
struct pauses {
	int64_t since; /* time of the first message */
	int64_t last; /* time of the last message, plus the time during which no
	                 daemon ran */
	int64_t saved; /* when this state was written */
	int64_t week;  /* week of the last call to pauses_note(), in weeks since
	                  1970 */
	int64_t longest[PAUSES_WEEKS]; /* seconds; index: week modulo
	                                  PAUSES_WEEKS */
	bool is_silent;
};

/* Call after a restart. */
void pauses_resume(struct pauses *p, int64_t now);

/* Updates the state.  `last` is the time of the last message; 0: none since the
 * start.  Returns true if `is_silent` has changed.  Call at least every few
 * minutes. */
bool pauses_note(struct pauses *p, int64_t last, int64_t now);

/* Returns the longest normal pause in seconds; 0: not known yet. */
int64_t pauses_longest(const struct pauses *p, int64_t now);

#endif
