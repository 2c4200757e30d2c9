/*
 * pauses.h - whether own mail has stopped coming to the signer.
 *
 * It remembers the longest pause between two messages in each of the last four
 * weeks, so nights and weekends are part of what is normal.  Mail has stopped
 * if the present pause is more than twice the longest one.  That is not judged
 * before two weeks of mail are known.  A pause that was too long is not
 * remembered as normal, and the time for which the daemon did not run is not
 * part of a pause.
 *
 * Pure; all times in seconds since 1970, 0: never.
 */
#ifndef AVOUCH_SIGN_PAUSES_H
#define AVOUCH_SIGN_PAUSES_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PAUSES_WEEKS = 4,
	PAUSES_KNOWN_S = 14 * 86400, /* before this, nothing is judged */
	PAUSES_MIN_S = 3600,         /* a shorter pause is always normal */
	PAUSES_FACTOR = 2,
};

/* What survives a restart.  All zero: no message was seen. */
struct pauses {
	int64_t since; /* the first message */
	int64_t last; /* the last one, moved on by the times without a daemon */
	int64_t saved; /* when this was written */
	int64_t week;  /* since 1970, of the last note */
	int64_t
	    longest[PAUSES_WEEKS]; /* by week modulo PAUSES_WEEKS, seconds */
	bool is_silent;
};

/* After a restart. */
void pauses_resume(struct pauses *p, int64_t now);

/* `last`: when the last message came; 0: none since the start.  True:
 * `is_silent` has changed.  Call at least every few minutes. */
bool pauses_note(struct pauses *p, int64_t last, int64_t now);

/* The longest pause that was normal; 0: not known yet. */
int64_t pauses_longest(const struct pauses *p, int64_t now);

#endif
