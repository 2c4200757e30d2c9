#include "sign/rotation.h"

#include "lib/clock.h"
#include "lib/enum_names.h"

enum {
	LOOK_FIRST_S = 60,   /* seconds; used while the state may change soon */
	LOOK_READY_S = 1800, /* seconds; used otherwise */
	LOOK_DOUBLINGS = 5,  /* number of times that LOOK_FIRST_S is doubled, up
	                        to LOOK_READY_S */
};

enum rotation_step
rotation_observe(struct rotation_state *state, enum rotation_finding finding,
    int64_t wait, int64_t now)
{
	enum rotation_step step = ROTATION_SAME;

	switch (finding) {
	case ROTATION_UNKNOWN:
		break;
	case ROTATION_ABSENT:
		if (state->since > 0 || state->ready)
			step = ROTATION_LOST;
		state->since = state->wait = 0;
		state->ready = false;
		state->absent = now;
		break;
	case ROTATION_PRESENT:
		if (wait > ROTATION_WAIT_MAX)
			wait = ROTATION_WAIT_MAX;
		if (state->since == 0 || state->since > now) {
			state->since = now;
			state->wait = wait;
			step = ROTATION_SEEN;
		}
		if (state->wait < wait)
			state->wait = wait;
		state->seen = now;
		state->absent = 0;
		if (step == ROTATION_SAME && !state->ready &&
		    now - state->since >= state->wait) {
			state->ready = state->ever = true;
			step = ROTATION_READY;
		}
		break;
	}
	return step;
}

void
rotation_import(struct rotation_state *state)
{
	state->ready = state->ever = true;
}

void
rotation_lose(struct rotation_state *state)
{
	*state = (struct rotation_state){ .since = 1, .ever = true };
}

static void
not_after(int64_t *time, int64_t now)
{
	if (*time > now && now >= CLOCK_PLAUSIBLE)
		*time = now;
}

void
rotation_repair(struct rotation_state *state, int64_t now)
{
	not_after(&state->since, now);
	not_after(&state->seen, now);
	not_after(&state->absent, now);
	not_after(&state->used, now);
	if (state->wait > ROTATION_WAIT_MAX)
		state->wait = ROTATION_WAIT_MAX;
	state->ever |= state->ready;
	if (state->ready)
		state->absent = 0;
}

/* Returns the index of the newest key that is ready, or `n` if none is. */
static size_t
newest_ready(const struct rotation_key *keys, size_t n, bool retired)
{
	for (size_t i = n; i-- > 0;)
		if (!keys[i].revoked && keys[i].retired == retired &&
		    keys[i].state->ready)
			return i;
	return n;
}

/* Returns the index of the key that signs, or else of the newest key that was
 * ever ready, or else `n`.  Skips revoked keys. */
static size_t
last_good(const struct rotation_key *keys, size_t n)
{
	size_t last = n;

	for (size_t i = n; i-- > 0;)
		if (!keys[i].revoked && keys[i].state->ever &&
		    (last == n || keys[i].state->signs))
			last = i;
	return last;
}

size_t
rotation_choose(const struct rotation_key *keys, size_t n)
{
	size_t chosen = newest_ready(keys, n, false);

	if (chosen == n)
		chosen = newest_ready(keys, n, true);
	return chosen < n ? chosen : last_good(keys, n);
}

enum rotation_phase
rotation_phase_of(
    const struct rotation_key *keys, size_t n, size_t chosen, size_t i)
{
	const struct rotation_key *key = &keys[i];

	if (key->revoked)
		return ROTATION_REVOKED;
	if (i == chosen)
		return key->state->ready ? ROTATION_ACTIVE : ROTATION_ALARM;
	if (key->retired || (key->state->ever && chosen < n && i < chosen))
		return ROTATION_RETIRED;
	return ROTATION_NEW;
}

const char *
rotation_phase_name(enum rotation_phase phase)
{
	static const struct enum_token names[] = {
		{ "new", ROTATION_NEW },
		{ "active", ROTATION_ACTIVE },
		{ "alarm", ROTATION_ALARM },
		{ "retired", ROTATION_RETIRED },
		{ "revoked", ROTATION_REVOKED },
	};

	return enum_name(names, ARRAY_SIZE(names), (int)phase);
}

int64_t
rotation_removable(const struct rotation_state *state, int64_t retired)
{
	int64_t last = state->used > retired ? state->used : retired;

	return last + ROTATION_KEEP_S;
}

bool
rotation_look_is_due(int64_t next_look, int64_t now)
{
	return next_look <= now || next_look > now + LOOK_READY_S;
}

int64_t
rotation_next_look(
    const struct rotation_state *state, unsigned quiet, int64_t now)
{
	int64_t pause = LOOK_FIRST_S
	    << (quiet < LOOK_DOUBLINGS ? quiet : LOOK_DOUBLINGS);

	if (state->ready || pause > LOOK_READY_S)
		pause = LOOK_READY_S;
	if (!state->ready && state->since > 0) {
		int64_t due = state->since + state->wait - now;

		pause = due > 0 && due < pause ? due
		    : due > 0                  ? pause
					       : LOOK_FIRST_S;
	}
	return pause;
}
