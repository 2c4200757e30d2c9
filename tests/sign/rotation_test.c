/* rotation_test.c - sign/rotation.h: tables, a randomized comparison with a
 * reference implementation, and a simulation in which name servers lag, fail
 * and disagree */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"
#include "sign/rotation.h"

/* A separate random number generator, which yields the same numbers on every
 * system. */
static uint32_t
random_below(uint64_t *seed, uint32_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % n;
}

/* ---- tables ---- */

struct look_row {
	int64_t at, wait;
	enum rotation_finding finding;
	enum rotation_step step; /* expected */
	bool ready, ever;
};

#define P ROTATION_PRESENT
#define A ROTATION_ABSENT
#define U ROTATION_UNKNOWN

static void
check_looks(const char *name, const struct look_row *rows, size_t n)
{
	struct rotation_state s = { .since = 0 };

	for (size_t i = 0; i < n; i++) {
		enum rotation_step step = rotation_observe(
		    &s, rows[i].finding, rows[i].wait, rows[i].at);

		if (step != rows[i].step || s.ready != rows[i].ready ||
		    s.ever != rows[i].ever)
			fail_msg("%s: look %zu: step %d ready %d ever %d", name,
			    i, step, s.ready, s.ever);
	}
}

static void
two_checks_far_enough_apart(void **state)
{
	static const struct look_row rows[] = {
		{ 100, 300, P, ROTATION_SEEN, false, false },
		{ 399, 300, P, ROTATION_SAME, false, false },
		{ 400, 300, P, ROTATION_READY, true, true },
		{ 500, 300, P, ROTATION_SAME, true, true },
	};

	(void)state;
	check_looks("two looks", rows, ARRAY_SIZE(rows));
}

static void
a_longer_wait_of_a_later_check_counts(void **state)
{
	static const struct look_row rows[] = {
		{ 100, 300, P, ROTATION_SEEN, false, false },
		{ 400, 900, P, ROTATION_SAME, false, false },
		{ 999, 60, P, ROTATION_SAME, false, false },
		{ 1000, 60, P, ROTATION_READY, true, true },
	};

	(void)state;
	check_looks("longer", rows, ARRAY_SIZE(rows));
}

static void
a_failed_check_changes_nothing(void **state)
{
	static const struct look_row rows[] = {
		{ 50, 0, U, ROTATION_SAME, false, false },
		{ 100, 300, P, ROTATION_SEEN, false, false },
		{ 200, 0, U, ROTATION_SAME, false, false },
		{ 500, 0, U, ROTATION_SAME, false, false },
		{ 501, 300, P, ROTATION_READY, true, true },
		{ 900000, 0, U, ROTATION_SAME, true, true },
	};

	(void)state;
	check_looks("unknown", rows, ARRAY_SIZE(rows));
}

static void
a_missing_record_starts_over(void **state)
{
	static const struct look_row rows[] = {
		{ 10, 0, A, ROTATION_SAME, false, false },
		{ 100, 300, P, ROTATION_SEEN, false, false },
		{ 200, 0, A, ROTATION_LOST, false, false },
		{ 500, 300, P, ROTATION_SEEN, false, false },
		{ 800, 300, P, ROTATION_READY, true, true },
		{ 900, 0, A, ROTATION_LOST, false, true },
		{ 901, 0, A, ROTATION_SAME, false, true },
		{ 1000, 300, P, ROTATION_SEEN, false, true },
		{ 1299, 300, P, ROTATION_SAME, false, true },
		{ 1300, 300, P, ROTATION_READY, true, true },
	};

	(void)state;
	check_looks("absent", rows, ARRAY_SIZE(rows));
}

static void
a_clock_set_back_starts_over(void **state)
{
	static const struct look_row rows[] = {
		{ 5000, 300, P, ROTATION_SEEN, false, false },
		{ 100, 300, P, ROTATION_SEEN, false, false },
		{ 399, 300, P, ROTATION_SAME, false, false },
		{ 400, 300, P, ROTATION_READY, true, true },
	};

	(void)state;
	check_looks("clock", rows, ARRAY_SIZE(rows));
}

/* Each letter is a key: "r" is ready; "e" was ready, but is not now; "s" is
 * like "e", but signs now; "." was never ready; a capital letter was retired by
 * command; "x" is revoked.  `want` is -1 if none may sign. */
static const struct choice_row {
	const char *keys; /* oldest first */
	int want;
	const char *phases;
} choices[] = {
	{ "", -1, "" },
	{ ".", -1, "new" },
	{ "r", 0, "active" },
	{ "r.", 0, "active new" },
	{ "rr", 1, "retired active" },
	{ "re", 0, "active new" }, /* only the older key has a record */
	{ "rs", 0, "active new" },
	{ "ee", 1, "retired alarm" },
	{ "se", 0, "alarm new" }, /* the last good key keeps signing */
	{ "es", 1, "retired alarm" },
	{ "ese", 1, "retired alarm new" },
	{ "e.", 0, "alarm new" },
	{ "x", -1, "revoked" },
	{ "rx", 0, "active revoked" },
	{ "ex", 0, "alarm revoked" },
	{ "Rr", 1, "retired active" },
	{ "R", 0, "active" }, /* retired, but nothing else can sign */
	{ "rR", 0, "active retired" },
	{ "R.", 0, "active new" },
	{ "rrr", 2, "retired retired active" },
};

static void
which_key_signs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		const struct choice_row *row = &choices[i];
		struct rotation_state states[4] = { { .since = 0 } };
		struct rotation_key keys[4];
		size_t n = strlen(row->keys), chosen;
		char phases[100] = "";
		struct buf b = buf_wrap(phases, sizeof(phases));

		for (size_t k = 0; k < n; k++) {
			char c = row->keys[k];

			states[k].ready = c == 'r' || c == 'R' || c == 'x';
			states[k].ever =
			    states[k].ready || c == 'e' || c == 's';
			states[k].signs = c == 's';
			keys[k] = (struct rotation_key){ .state = &states[k],
				.retired = c == 'R',
				.revoked = c == 'x' };
		}
		chosen = rotation_choose(keys, n);
		if (chosen != (row->want < 0 ? n : (size_t)row->want))
			fail_msg("%s: %zu signs", row->keys, chosen);
		for (size_t k = 0; k < n; k++)
			buf_printf(&b, "%s%s", k > 0 ? " " : "",
			    rotation_phase_name(
				rotation_phase_of(keys, n, chosen, k)));
		assert_string_equal(phases, row->phases);
	}
}

static void
the_record_is_needed_for_seven_days(void **state)
{
	struct rotation_state s = { .used = 1000000 };

	(void)state;
	assert_int_equal(
	    rotation_removable(&s, 0), 1000000 + 7 * INT64_C(86400));
	assert_int_equal(
	    rotation_removable(&s, 2000000), 2000000 + 7 * INT64_C(86400));
}

/* After the clock was set back, a check does not wait until the old time. */
static void
a_planned_check_is_due(void **state)
{
	static const struct {
		int64_t next_look, now;
		bool due;
	} rows[] = {
		{ 0, 1000000, true },
		{ 1000000, 1000000, true },
		{ 1000001, 1000000, false },
		{ 1001800, 1000000, false },
		{ 1001801, 1000000, true },
		{ 9000000, 1000000, true },
	};
	const struct rotation_state ready = { .ready = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rotation_look_is_due(rows[i].next_look, rows[i].now) !=
		    rows[i].due)
			fail_msg("row %zu", i);
	for (unsigned quiet = 0; quiet < 9; quiet++)
		assert_false(rotation_look_is_due(
		    5000 + rotation_next_look(&ready, quiet, 5000), 5000));
}

/* ---- a reference implementation that stores all checks ---- */

enum { HISTORY_MAX = 64, RANDOM_RUNS = 4000 };

struct reference {
	size_t n;
	struct {
		int64_t at, wait;
		enum rotation_finding finding;
	} looks[HISTORY_MAX];
};

/* Whether two checks found the record, no check between or after them missed
 * it, and they are at least as far apart as the largest wait seen by then. */
static bool
reference_ready(const struct reference *r, size_t n)
{
	size_t begin = 0, first = SIZE_MAX;
	int64_t wait = 0;

	for (size_t i = 0; i < n; i++)
		if (r->looks[i].finding == ROTATION_ABSENT)
			begin = i + 1;
	for (size_t i = begin; i < n; i++) {
		if (r->looks[i].finding != ROTATION_PRESENT)
			continue;
		if (wait < r->looks[i].wait)
			wait = r->looks[i].wait;
		if (first == SIZE_MAX)
			first = i;
		else if (r->looks[i].at - r->looks[first].at >= wait)
			return true;
	}
	return false;
}

static bool
reference_ever(const struct reference *r)
{
	for (size_t n = 1; n <= r->n; n++)
		if (reference_ready(r, n))
			return true;
	return false;
}

static void
random_checks_match_the_reference(void **state)
{
	uint64_t seed = 6376;

	(void)state;
	for (int run = 0; run < RANDOM_RUNS; run++) {
		struct rotation_state s = { .since = 0 };
		struct reference r = { .n = 0 };
		int64_t now = 1;

		while (r.n < HISTORY_MAX) {
			enum rotation_finding finding =
			    random_below(&seed, 8) == 0   ? ROTATION_ABSENT
			    : random_below(&seed, 3) == 0 ? ROTATION_UNKNOWN
							  : ROTATION_PRESENT;
			int64_t wait = random_below(&seed, 50);

			now += random_below(&seed, 30);
			r.looks[r.n].at = now;
			r.looks[r.n].wait = wait;
			r.looks[r.n++].finding = finding;
			(void)rotation_observe(&s, finding, wait, now);
			assert_int_equal(s.ready, reference_ready(&r, r.n));
			assert_int_equal(s.ever, reference_ever(&r));
		}
	}
}

/* ---- a simulation ---- */

/*
 * An operator adds a key every few weeks and removes a record when the tools
 * allow it.  Servers apply a change one after another, and are sometimes
 * down.  Two hosts check, sign, are killed, and restart with the state that
 * they saved.  A record or a negative answer that a server sent may be in a
 * receiver's cache until its TTL expires.  Every message sent must be
 * verifiable by all receivers, immediately and for as long as it may be queued.
 */
enum {
	WORLD_KEYS = 6,
	WORLD_SERVERS = 3,
	WORLD_HOSTS = 2,
	WORLD_RUNS = 40,
	WORLD_STEP = 600,      /* seconds */
	WORLD_LAG = 7200,      /* longest lag of a secondary, in seconds */
	WORLD_NEGATIVE = 3600, /* SOA minimum */
	WORLD_TTL = 1800,
	WORLD_STEPS = 70 * 144, /* 70 days */
};

struct world_key {
	int64_t added, removed; /* when the operator added and removed the
	                           record; 0: not yet */
	int64_t from[WORLD_SERVERS], to[WORLD_SERVERS];
	int64_t last_signature; /* by any host */
};

struct world_host {
	struct rotation_state state[WORLD_KEYS], saved[WORLD_KEYS];
	size_t current;
	int64_t next_look[WORLD_KEYS];
	unsigned quiet[WORLD_KEYS];
};

struct rotation_world {
	uint64_t seed;
	int64_t now;
	size_t n;
	struct world_key keys[WORLD_KEYS];
	struct world_host hosts[WORLD_HOSTS];
	int64_t down_until[WORLD_SERVERS];
	unsigned signatures, moves;
};

static bool
server_has(const struct world_key *key, size_t server, int64_t at)
{
	return key->from[server] > 0 && at >= key->from[server] &&
	    (key->to[server] == 0 || at < key->to[server]);
}

static void
world_choose(struct rotation_world *w, struct world_host *h)
{
	struct rotation_key keys[WORLD_KEYS];
	size_t before = h->current;

	for (size_t i = 0; i < w->n; i++)
		keys[i] = (struct rotation_key){ .state = &h->state[i] };
	h->current = rotation_choose(keys, w->n);
	if (h->current == w->n)
		h->current = WORLD_KEYS;
	for (size_t i = 0; i < w->n; i++)
		h->state[i].signs = i == h->current;
	w->moves += before != h->current;
}

static void
world_look(struct rotation_world *w, struct world_host *h, size_t i)
{
	bool unknown = false, absent = false;
	enum rotation_finding finding;

	for (size_t s = 0; s < WORLD_SERVERS; s++) {
		if (w->down_until[s] > w->now ||
		    random_below(&w->seed, 20) == 0)
			unknown = true;
		else if (!server_has(&w->keys[i], s, w->now))
			absent = true;
	}
	finding = absent ? ROTATION_ABSENT
	    : unknown    ? ROTATION_UNKNOWN
			 : ROTATION_PRESENT;
	if (rotation_observe(&h->state[i], finding, WORLD_NEGATIVE, w->now) !=
	    ROTATION_SAME)
		h->quiet[i] = 0;
	h->next_look[i] =
	    w->now + rotation_next_look(&h->state[i], h->quiet[i]++, w->now);
}

/* Checks that every server has the record of this key, and has had it for
 * WORLD_NEGATIVE seconds, so that no receiver has a negative answer in its
 * cache. */
static void
check_signature(const struct rotation_world *w, const struct world_key *key)
{
	for (size_t s = 0; s < WORLD_SERVERS; s++)
		if (!server_has(key, s, w->now) ||
		    !server_has(key, s, w->now - WORLD_NEGATIVE))
			fail_msg("a message at %lld whose key server %zu may "
				 "not have",
			    (long long)w->now, s);
}

static void
world_host_step(struct rotation_world *w, struct world_host *h)
{
	for (size_t i = 0; i < w->n; i++)
		if (h->next_look[i] <= w->now)
			world_look(w, h, i);
	world_choose(w, h);
	if (random_below(&w->seed, 300) == 0) { /* kill -9 before the write */
		memcpy(h->state, h->saved, sizeof(h->state));
		h->current = WORLD_KEYS;
		memset(h->next_look, 0, sizeof(h->next_look));
		world_choose(w, h);
	}
	memcpy(h->saved, h->state, sizeof(h->saved));
	if (h->current < w->n && random_below(&w->seed, 3) > 0) {
		struct world_key *key = &w->keys[h->current];

		check_signature(w, key);
		h->state[h->current].used = key->last_signature = w->now;
		w->signatures++;
	}
}

static void
world_publish(struct rotation_world *w, int64_t *at)
{
	for (size_t s = 0; s < WORLD_SERVERS; s++)
		at[s] =
		    w->now + (s > 0 ? random_below(&w->seed, WORLD_LAG) : 1);
}

/* The record of a key may be removed when no host has signed with it for seven
 * days and a newer key signs. */
static bool
may_remove(const struct rotation_world *w, size_t i)
{
	for (size_t h = 0; h < WORLD_HOSTS; h++)
		if (w->hosts[h].current <= i ||
		    w->hosts[h].current == WORLD_KEYS ||
		    rotation_removable(&w->hosts[h].state[i], 0) > w->now)
			return false;
	return true;
}

static void
world_operator(struct rotation_world *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct world_key *key = &w->keys[i];

		if (key->added > 0 && key->removed == 0 && may_remove(w, i)) {
			if (w->now < key->last_signature + ROTATION_KEEP_S)
				fail_msg("a record is removed too early");
			key->removed = w->now;
			world_publish(w, key->to);
		}
	}
	if (w->n < WORLD_KEYS && random_below(&w->seed, 10 * 144) == 0)
		w->n++; /* `key new`; published when the operator has time */
	for (size_t i = 0; i < w->n; i++)
		if (w->keys[i].added == 0 && random_below(&w->seed, 50) == 0) {
			w->keys[i].added = w->now;
			world_publish(w, w->keys[i].from);
		}
	if (random_below(&w->seed, 200) == 0)
		w->down_until[random_below(&w->seed, WORLD_SERVERS)] =
		    w->now + random_below(&w->seed, 86400);
}

static void
every_sent_message_can_be_verified(void **state)
{
	unsigned signatures = 0, moves = 0;

	(void)state;
	for (unsigned run = 0; run < WORLD_RUNS; run++) {
		struct rotation_world w = {
			.seed = run + 1, .now = 1800000000, .n = 1
		};

		for (size_t h = 0; h < WORLD_HOSTS; h++)
			w.hosts[h].current = WORLD_KEYS;
		for (unsigned i = 0; i < WORLD_STEPS; i++) {
			w.now += WORLD_STEP;
			world_operator(&w);
			for (size_t h = 0; h < WORLD_HOSTS; h++)
				world_host_step(&w, &w.hosts[h]);
		}
		signatures += w.signatures;
		moves += w.moves;
	}
	/* The simulation was not idle. */
	assert_true(signatures > WORLD_RUNS * 1000);
	assert_true(moves > WORLD_RUNS * 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_checks_far_enough_apart),
		cmocka_unit_test(a_longer_wait_of_a_later_check_counts),
		cmocka_unit_test(a_failed_check_changes_nothing),
		cmocka_unit_test(a_missing_record_starts_over),
		cmocka_unit_test(a_clock_set_back_starts_over),
		cmocka_unit_test(which_key_signs),
		cmocka_unit_test(the_record_is_needed_for_seven_days),
		cmocka_unit_test(a_planned_check_is_due),
		cmocka_unit_test(random_checks_match_the_reference),
		cmocka_unit_test(every_sent_message_can_be_verified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
