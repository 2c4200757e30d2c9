/*
 * rotation.h - decides when a key signs: a pure state machine driven by the
 * answers of the name servers.
 *
 * A key is new until all authoritative servers have answered with its record in
 * two checks.  The time between them must be long enough for every cache to
 * have dropped an earlier answer: at least the larger of the record's TTL and
 * the zone's negative TTL (RFC 2308 section 5).  Then the key may sign.  The
 * newest such key of a domain signs; older ones are retired.  If its record is
 * missing or different at any server, an older key whose record is published
 * signs instead.  If there is none, the current key keeps signing, and an alarm
 * is raised: a signature that cannot be verified is never worse than none (RFC
 * 6376 section 6.1).  A check without an answer changes nothing.
 */
#ifndef AVOUCH_SIGN_ROTATION_H
#define AVOUCH_SIGN_ROTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* The record of a key is needed this long after its last signature:
	 * Postfix's maximal_queue_lifetime, and two days for receivers
	 * (seconds). */
	ROTATION_QUEUE_S = 5 * 86400,
	ROTATION_KEEP_S = ROTATION_QUEUE_S + 2 * 86400,
	ROTATION_WAIT_MAX = 7 * 86400, /* seconds between the two checks */
};

enum rotation_finding {
	ROTATION_UNKNOWN, /* a server did not answer, and no other server lacks
	                     the record or has a different one */
	ROTATION_ABSENT,  /* a server does not have the record, or has a
	                     different one */
	ROTATION_PRESENT, /* all servers have the record */
};

/* State that survives a restart.  All zero: the key was never checked.  Times
 * are in seconds since 1970, 0: never. */
struct rotation_state {
	int64_t since;  /* first check in the current run of checks that found
	                   the record */
	int64_t wait;   /* minimum seconds between the two checks */
	int64_t seen;   /* last check that found the record */
	int64_t absent; /* last check that did not find it; 0 again once a check
	                   finds it */
	int64_t used;   /* time of the last signature */
	bool ready; /* found by two checks or imported, and not missing since */
	bool ever;  /* was ready at least once, or its state was lost */
	bool signs; /* was chosen by the last rotation_choose() */
};

enum rotation_step { /* result of a check */
	ROTATION_SAME,
	ROTATION_SEEN,  /* the record was found for the first time, or after it
	                   was missing */
	ROTATION_READY, /* the record was found again: the key may sign */
	ROTATION_LOST,  /* the record was published, but no longer is */
};

/* Updates `state` after a check.  `wait` is the larger of the record's TTL and
 * the zone's negative TTL, in seconds. */
enum rotation_step rotation_observe(struct rotation_state *state,
    enum rotation_finding finding, int64_t wait, int64_t now);

/* Marks a key as imported: it is in use elsewhere and may sign immediately. */
void rotation_import(struct rotation_state *state);

/* Call this if the state of a key was lost: the key may then sign if no key is
 * ready, and one check that finds the record makes it ready. */
void rotation_lose(struct rotation_state *state);

/* Corrects impossible values, so that a damaged file, or a clock that was ahead
 * for a while, cannot prevent a key from signing or from being removed. */
void rotation_repair(struct rotation_state *state, int64_t now);

struct rotation_key {
	const struct rotation_state *state;
	bool retired, revoked; /* by command */
};

/*
 * Returns the index of the key that signs, among all keys of one domain and
 * algorithm, or `n` if none may sign.  `keys` is sorted, oldest first.  The
 * caller sets `signs`.
 */
size_t rotation_choose(const struct rotation_key *keys, size_t n);

enum rotation_phase {
	ROTATION_NEW,    /* never ready, or not ready now and newer than the one
	                    that signs */
	ROTATION_ACTIVE, /* signs */
	ROTATION_ALARM,  /* signs, but its record is not published */
	ROTATION_RETIRED, /* retired by command, or was ready and is older than
	                     the one that signs */
	ROTATION_REVOKED,
};

/* Returns the phase of keys[i].  `chosen` comes from rotation_choose(). */
enum rotation_phase rotation_phase_of(
    const struct rotation_key *keys, size_t n, size_t chosen, size_t i);

const char *rotation_phase_name(enum rotation_phase phase);

/* Returns the time from which a retired key's record is no longer needed. */
int64_t rotation_removable(const struct rotation_state *state, int64_t retired);

/* Whether a check that was planned for `next_look` is due, also if the clock
 * was set back since. */
bool rotation_look_is_due(int64_t next_look, int64_t now);

/* Returns the seconds from `now` until the next check of a key.  `quiet` is the
 * number of checks since the last change, or since startup. */
int64_t rotation_next_look(
    const struct rotation_state *state, unsigned quiet, int64_t now);

#endif
