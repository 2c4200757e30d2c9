/* pauses_test.c - sign/pauses.h: a year of mail with nights, weekends and
 * restarts, until mail stops */
#include "sign/pauses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/enum_names.h"

enum { STEP = 600, DAY = 86400, WEEK = 7 * DAY };

#define BEGIN (INT64_C(2950) * WEEK) /* start of a week (see pauses.c) */

/* A host that gets mail at certain hours on certain days. */
struct mail_rhythm {
	const char *name;
	int days;       /* days with mail, from the first day of each week */
	int from, to;   /* hours */
	int every;      /* minutes */
	int64_t notice; /* maximum time from the last message until the silence
	                   is detected, in hours */
};

static const struct mail_rhythm rhythms[] = {
	{ "always", 7, 0, 24, 1, 2 },
	{ "nights are quiet", 7, 7, 22, 10, 20 },
	{ "weekends are quiet", 5, 8, 18, 30, 2 * 63 + 1 },
	{ "one message a day", 7, 9, 10, 60, 2 * 24 + 1 },
	{ "one message a week", 1, 9, 10, 60, 2 * 168 + 1 },
};

static bool
comes(const struct mail_rhythm *r, int64_t at)
{
	int64_t in_week = (at - BEGIN) % WEEK, in_day = in_week % DAY;

	return in_week / DAY < r->days && in_day >= r->from * 3600 &&
	    in_day < r->to * 3600 && in_day % (r->every * 60) < STEP;
}

static void
no_alarm_in_a_year_and_one_when_mail_stops(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rhythms); i++) {
		const struct mail_rhythm *r = &rhythms[i];
		struct pauses p = { .since = 0 };
		int64_t last = 0, now = BEGIN, last_of_all;

		for (; now < BEGIN + 52 * WEEK; now += STEP) {
			if (comes(r, now))
				last = now;
			if (pauses_note(&p, last, now) || p.is_silent)
				fail_msg("%s: an alarm", r->name);
		}
		last_of_all = last;
		while (!p.is_silent && now < last_of_all + 8 * WEEK) {
			(void)pauses_note(&p, last, now);
			now += STEP;
		}
		if (now - last_of_all > r->notice * 3600 + 2 * STEP)
			fail_msg("%s: detected after %lld hours", r->name,
			    (long long)(now - last_of_all) / 3600);
		/* a pause that was too long does not become normal */
		last = now;
		assert_true(pauses_note(&p, last, now));
		assert_false(p.is_silent);
		assert_true(pauses_longest(&p, now) < r->notice * 3600);
	}
}

static void
nothing_is_judged_in_the_first_two_weeks(void **state)
{
	struct pauses p = { .since = 0 };
	int64_t now = BEGIN;

	(void)state;
	for (; now < BEGIN + 7 * DAY; now += STEP)
		(void)pauses_note(&p, now, now);
	for (; now < BEGIN + PAUSES_KNOWN_S; now += STEP)
		assert_false(pauses_note(&p, 0, now));
	assert_int_equal(pauses_longest(&p, now - STEP), 0);
}

static void
without_mail_there_is_no_alarm(void **state)
{
	struct pauses p = { .since = 0 };

	(void)state;
	for (int64_t now = BEGIN; now < BEGIN + 52 * WEEK; now += 3600)
		assert_false(pauses_note(&p, 0, now));
}

/* A host that is off every weekend and restarts every night. */
static void
time_without_a_daemon_is_not_a_pause(void **state)
{
	struct pauses p = { .since = 0 };
	int64_t last = 0, now = BEGIN;

	(void)state;
	for (int week = 0; week < 8; week++)
		for (int day = 0; day < 7; day++) {
			if (day >= 5) {
				now += DAY;
				continue;
			}
			last = 0; /* a new process */
			pauses_resume(&p, now);
			for (int i = 0; i < DAY / STEP; i++, now += STEP) {
				last = now;
				assert_false(pauses_note(&p, last, now));
			}
			p.saved = now;
		}
	assert_true(pauses_longest(&p, now) <= 2 * STEP);
	/* a silence is detected even if the daemon is restarted every ten
	 * minutes */
	for (int i = 0; i < 12 && !p.is_silent; i++, now += STEP) {
		pauses_resume(&p, now);
		(void)pauses_note(&p, 0, now + STEP - 1);
		p.saved = now + STEP - 1;
	}
	assert_true(p.is_silent);
}

static void
clock_jumps_cause_no_alarm(void **state)
{
	struct pauses p = { .since = 0 };
	int64_t now = BEGIN;

	(void)state;
	for (; now < BEGIN + 6 * WEEK; now += STEP)
		(void)pauses_note(&p, now, now);
	now -= 30 * DAY;
	assert_false(pauses_note(&p, now, now));
	assert_true(p.last <= now);
	pauses_resume(&p, now - WEEK);
	assert_true(p.last <= now - WEEK && p.since <= now - WEEK);
	assert_false(pauses_note(&p, 0, now - WEEK));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_alarm_in_a_year_and_one_when_mail_stops),
		cmocka_unit_test(nothing_is_judged_in_the_first_two_weeks),
		cmocka_unit_test(without_mail_there_is_no_alarm),
		cmocka_unit_test(time_without_a_daemon_is_not_a_pause),
		cmocka_unit_test(clock_jumps_cause_no_alarm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
