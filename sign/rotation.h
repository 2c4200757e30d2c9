/*
 * rotation.h - when a key signs: a pure state machine over what the name
 * servers answer.
 *
 * A key is new until all authoritative servers have answered with its record at
 * two looks that are far enough apart for every cache to have forgotten an
 * earlier answer: the larger of the record's TTL and the time for which the
 * zone lets others remember that a name does not exist (RFC 2308 section 5).
 * Then it may sign.  The newest such key of a domain signs; older ones are
 * retired.  If its record is missing or different at any server, an older key
 * whose record is there signs; if there is none, the key that signs goes on,
 * because a signature that cannot be verified is never worse than none (RFC
 * 6376 section 6.1), and this is an alarm.  A look without an answer changes
 * nothing.
 */
#ifndef AVOUCH_SIGN_ROTATION_H
#define AVOUCH_SIGN_ROTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Postfix's maximal_queue_lifetime, and two days for receivers: the
	 * record of a key is needed this long after its last signature
	 * (seconds). */
	ROTATION_QUEUE_S = 5 * 86400,
	ROTATION_KEEP_S = ROTATION_QUEUE_S + 2 * 86400,
	ROTATION_WAIT_MAX = 7 * 86400, /* seconds between the two looks */
};

enum rotation_finding {
	ROTATION_UNKNOWN, /* a server did not answer, and none said no */
	ROTATION_ABSENT,  /* a server says no, or has another record */
	ROTATION_PRESENT, /* all servers answer with the record */
};

/* What survives a restart.  All zero: a key that was never looked at.  Times in
 * seconds since 1970, 0: never. */
struct rotation_state {
	int64_t since; /* the first of the present looks without an absent one
	                  since */
	int64_t wait;  /* the time needed between two of them, in seconds */
	int64_t seen;  /* the last present look */
	int64_t
	    absent;   /* the last absent look, unless a present one followed */
	int64_t used; /* the last signature */
	bool ready;   /* two present looks, and no absent one since */
	bool ever;    /* was ready once, or was imported */
	bool signs;   /* is the one that rotation_choose() chose last */
};

enum rotation_step { /* what a look changed */
	ROTATION_SAME,
	ROTATION_SEEN,  /* the first present look */
	ROTATION_READY, /* the second one: it may sign */
	ROTATION_LOST,  /* its record was there, and no longer is */
};

/* `wait`: the larger of both times of the answers, in seconds. */
enum rotation_step rotation_observe(struct rotation_state *state,
    enum rotation_finding finding, int64_t wait, int64_t now);

/* A key that was used before it came here signs at once. */
void rotation_import(struct rotation_state *state);

/* The state of a key was lost: it signs until a look finds no record, if no
 * other key is ready; one present look is enough. */
void rotation_lose(struct rotation_state *state);

/* Makes a state of a file one that can have come about, so that a file that is
 * damaged keeps no key from signing. */
void rotation_repair(struct rotation_state *state);

struct rotation_key {
	const struct rotation_state *state;
	bool retired, revoked; /* by command */
};

/*
 * Which of the keys of a domain and an algorithm signs; `keys` has the oldest
 * first.  Returns an index, or `n`: none may sign.  The caller sets `signs`.
 */
size_t rotation_choose(const struct rotation_key *keys, size_t n);

enum rotation_phase {
	ROTATION_NEW,     /* never ready, or not now and newer than the one
	                     that signs */
	ROTATION_ACTIVE,  /* signs */
	ROTATION_ALARM,   /* signs, although its record is not there */
	ROTATION_RETIRED, /* signed before, or will not */
	ROTATION_REVOKED,
};

/* `chosen`: the result of rotation_choose(). */
enum rotation_phase rotation_phase_of(
    const struct rotation_key *keys, size_t n, size_t chosen, size_t i);

const char *rotation_phase_name(enum rotation_phase phase);

/* When the record of a retired key is no longer needed. */
int64_t rotation_removable(const struct rotation_state *state, int64_t retired);

/* Seconds from `now` until the next look at a key.  `quiet` is the number of
 * looks since the last change, or since the start. */
int64_t rotation_next_look(
    const struct rotation_state *state, unsigned quiet, int64_t now);

#endif
