/* clock_test.c - a wall clock that is changed while the daemon runs */
#include "lib/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define T INT64_C(1800000000)

struct look {
	int64_t wall, running;
	int64_t now; /* the time used while the wall clock is in doubt; 0: not
	                in doubt */
};

static void
looks(const struct look *l, size_t n)
{
	struct clock_watch w = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct clock_time t = clock_look(&w, l[i].wall, l[i].running);

		if (t.doubtful != (l[i].now != 0))
			fail_msg("look %zu: doubtful %d", i, t.doubtful);
		if (t.now != (t.doubtful ? l[i].now : l[i].wall))
			fail_msg("look %zu: %lld", i, (long long)t.now);
	}
}

#define LOOKS(...)                                                             \
	do {                                                                   \
		const struct look l[] = { __VA_ARGS__ };                       \
                                                                               \
		looks(l, sizeof(l) / sizeof(l[0]));                            \
	} while (0)

static void
time_goes_by(void **state)
{
	(void)state;
	LOOKS({ T, 5, 0 }, { T + 10, 15, 0 }, { T + 1000000, 1000005, 0 });
	LOOKS({ 0, 0, 0 }, { 1, 1, 0 });
}

static void
corrections_are_not_jumps(void **state)
{
	(void)state;
	LOOKS({ T, 5, 0 }, { T + CLOCK_JUMP_S, 5, 0 },
	    { T - CLOCK_JUMP_S, 5, 0 }, { T + 1, 6, 0 });
}

static void
set_and_corrected(void **state)
{
	(void)state;
	LOOKS({ T, 5, 0 }, { T - CLOCK_JUMP_S - 1, 5, T }, { 0, 6, T + 1 },
	    { T + 2, 7, 0 });
	LOOKS({ T, 5, 0 }, { T + CLOCK_JUMP_S + 1, 5, T }, { T * 2, 6, T + 1 },
	    { T + 2, 7, 0 }, { T - CLOCK_JUMP_S, 8, T + 3 });
}

static void
believed_after_a_day(void **state)
{
	const int64_t day = CLOCK_DOUBT_S;

	(void)state;
	LOOKS({ T * 2, 5, 0 }, { T, 6, T * 2 + 1 },
	    { T + day - 1, 6 + day - 1, T * 2 + day }, { T + day, 6 + day, 0 },
	    { T + day + 1, 7 + day, 0 }, { 0, 8 + day, T + day + 2 });
}

/* A system without a clock battery starts in 1970, and its clock is set
 * later. */
static void
a_clock_that_was_never_set(void **state)
{
	(void)state;
	LOOKS({ 3, 3, 0 }, { 9, 9, 0 }, { T, 10, 0 }, { T + 1, 11, 0 },
	    { 0, 12, T + 2 });
	LOOKS({ 5000, 3, 0 }, { 9000000, 9, 0 }, { CLOCK_PLAUSIBLE, 10, 0 },
	    { 0, 12, CLOCK_PLAUSIBLE + 2 });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_goes_by),
		cmocka_unit_test(corrections_are_not_jumps),
		cmocka_unit_test(set_and_corrected),
		cmocka_unit_test(believed_after_a_day),
		cmocka_unit_test(a_clock_that_was_never_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
