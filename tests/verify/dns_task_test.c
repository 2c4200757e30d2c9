/*
 * dns_task_test.c - tasks: waves, deadlines, and freeing a task at any moment.
 */
#include "verify/dns_task.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/support/cmocka_compat.h"
#include "tests/support/core_driver.h"

enum { CHAIN_MAX = 8, QUESTIONS = 64, MEMORY = 1 << 16 };

static const char zone_text[] = "a0.example. TXT \"a1.example\"\n"
				"a1.example. TXT \"a2.example\"\n"
				"a2.example. TXT \"a3.example\"\n"
				"a3.example. TXT \"end\"\n"
				"b0.example. TXT \"end\"\n";

/* A core whose questions depend on each other: it follows names until "end". */
struct chain {
	const char *starts[CHAIN_MAX];
	size_t n_starts;
	unsigned runs;
	unsigned failed; /* chains that ended in a failure */
	unsigned ended;
	bool done;
};

static enum core_status
chain_step(void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct chain *c = facts;
	enum core_status step = CORE_DONE;

	assert_false(c->done);
	assert_non_null(arena_alloc(scratch, 64));
	c->runs++;
	c->failed = c->ended = 0;
	for (size_t i = 0; i < c->n_starts; i++) {
		struct span name = span_str(c->starts[i]);
		const struct dns_answer *a;

		for (a = dns_ask(questions, name, DNS_TXT);
		     a->state == DNS_FOUND &&
		     !span_is(a->records[0].text, "end");
		     a = dns_ask(questions, name, DNS_TXT))
			name = a->records[0].text;
		if (a->state == DNS_PENDING)
			step = CORE_WAIT;
		c->failed += a->state == DNS_FAILED;
		c->ended += a->state == DNS_FOUND;
	}
	c->done = step == CORE_DONE;
	return step;
}

static void
a_zone_needs_no_waiting(void **state)
{
	struct dns_source *zone = pump_zone(zone_text);
	struct chain c = { .starts = { "a0.example" }, .n_starts = 1 };
	struct dns_task *j =
	    dns_task_start(zone, chain_step, &c, QUESTIONS, MEMORY);

	(void)state;
	assert_non_null(j);
	assert_true(c.done); /* the core ran in the thread that started it */
	assert_true(dns_task_wait(j, clock_ms()));
	assert_int_equal(c.ended, 1);
	assert_int_equal(dns_task_count(j).waves, 4);
	assert_int_equal(dns_task_count(j).questions, 4);
	dns_task_free(j);
	zone->close(zone);
}

static void
waves_are_the_longest_chain(void **state)
{
	struct dns_source *zone = pump_zone(zone_text);
	struct dns_source *fake = fake_new(zone, 20);
	struct chain c = {
		.starts = { "a0.example", "b0.example", "b0.example" },
		.n_starts = 3,
	};
	struct dns_task *j =
	    dns_task_start(fake, chain_step, &c, QUESTIONS, MEMORY);

	(void)state;
	fake_settle(fake);
	assert_true(dns_task_wait(j, clock_ms()));
	assert_int_equal(c.ended, 3);
	assert_int_equal(fake_round_trips(fake), 4);
	assert_int_equal(dns_task_count(j).waves, 4);
	assert_int_equal(dns_task_count(j).questions, 5);
	dns_task_free(j);
	fake->close(fake);
	zone->close(zone);
}

static void
deadline_makes_failures_and_a_result(void **state)
{
	struct dns_source *zone = pump_zone(zone_text);
	struct dns_source *fake = fake_new(zone, 20);
	struct chain c = {
		.starts = { "a0.example", "b0.example" },
		.n_starts = 2,
	};
	struct dns_task *j =
	    dns_task_start(fake, chain_step, &c, QUESTIONS, MEMORY);

	(void)state;
	fake_advance(fake); /* b0 is answered and a1 queried */
	assert_false(dns_task_wait(j, clock_ms() + 10));
	assert_true(c.done);
	assert_int_equal(c.failed, 1);
	assert_int_equal(c.ended, 1);
	assert_true(dns_task_count(j).gave_up);
	assert_true(dns_questions_budget_exceeded(dns_task_questions(j)));
	fake_settle(fake); /* late answers do not run the core again */
	assert_true(c.done);
	dns_task_free(j);
	fake->close(fake);
	zone->close(zone);
}

static void
questions_are_bounded(void **state)
{
	struct dns_source *zone = pump_zone(zone_text);
	struct chain c = { .starts = { "a0.example" }, .n_starts = 1 };
	struct dns_task *j = dns_task_start(zone, chain_step, &c, 2, MEMORY);

	(void)state;
	dns_task_wait(j, clock_ms());
	assert_true(c.done);
	assert_int_equal(c.failed, 1);
	assert_int_equal(dns_task_count(j).questions, 2);
	dns_task_free(j);
	zone->close(zone);
}

/* A core that prefetches a dead name but needs only another name. */
static enum core_status
ahead_step(void *facts, struct dns_questions *questions, struct arena *scratch)
{
	const struct dns_answer *a;

	(void)scratch;
	dns_prefetch(questions, SPAN("dead.example"), DNS_TXT);
	a = dns_ask(questions, SPAN("b0.example"), DNS_TXT);
	*(bool *)facts = a->state == DNS_FOUND;
	return a->state == DNS_PENDING ? CORE_WAIT : CORE_DONE;
}

/* Answers every query except that for dead.example. */
struct half_dead {
	struct dns_source source;
	struct dns_source *zone;
	struct dns_wait *kept;
};

static void
half_dead_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct half_dead *h = (struct half_dead *)source;

	if (span_is(name, "dead.example"))
		h->kept = wait;
	else
		h->zone->ask(h->zone, name, type, wait);
}

static void
prefetching_delays_nothing(void **state)
{
	struct half_dead h = {
		.source.ask = half_dead_ask,
		.zone = pump_zone(zone_text),
	};
	const struct dns_question *dead;
	bool found = false;
	struct dns_task *j =
	    dns_task_start(&h.source, ahead_step, &found, QUESTIONS, MEMORY);

	(void)state;
	assert_true(dns_task_wait(j, clock_ms()));
	assert_true(found);
	/* From now on the question must not change: it is read without the
	 * lock. */
	dead = dns_questions_first(dns_task_questions(j));
	assert_true(span_is(dead->name, "dead.example"));
	assert_int_equal(dead->answer->fault, DNS_ERROR_BUDGET);
	h.kept->done(h.kept, dns_answer_failed(DNS_ERROR_TIMEOUT));
	assert_int_equal(dead->answer->fault, DNS_ERROR_BUDGET);
	dns_task_free(j);
	h.zone->close(h.zone);
}

/* A core that returns CORE_WAIT without an open question would wait forever. */
static enum core_status
stubborn_step(
    void *facts, struct dns_questions *questions, struct arena *scratch)
{
	unsigned *runs = facts;

	(void)questions;
	(void)scratch;
	(*runs)++;
	return CORE_WAIT;
}

static void
a_core_without_questions_ends(void **state)
{
	struct dns_source *zone = pump_zone(zone_text);
	unsigned runs = 0;
	struct dns_task *j =
	    dns_task_start(zone, stubborn_step, &runs, 2, MEMORY);

	(void)state;
	assert_false(dns_task_wait(j, clock_ms() + 10));
	assert_int_in_range(runs, 1, 2);
	dns_task_free(j);
	zone->close(zone);
}

static void
freed_before_its_answers(void **state)
{
	struct dns_source *zone = pump_zone(zone_text);
	struct dns_source *fake = fake_new(zone, 20);

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct chain c = { .starts = { "a0.example" }, .n_starts = 1 };
		struct dns_task *j =
		    dns_task_start(fake, chain_step, &c, QUESTIONS, MEMORY);

		for (int k = 0; k < i % 5; k++)
			fake_advance(fake);
		dns_task_free(j);
		/* the task is freed and must not access `c` */
		memset(&c, 0xff, sizeof(c));
	}
	fake_settle(fake);
	fake->close(fake);
	zone->close(zone);
}

/* One thread answers while others start, wait for and free tasks. */
struct dns_task_crowd {
	struct dns_source *fake;
	bool stop;
	unsigned finished;
	pthread_mutex_t lock;
};

static void *
crowd_answer(void *arg)
{
	struct dns_task_crowd *crowd = arg;

	while (!__atomic_load_n(&crowd->stop, __ATOMIC_ACQUIRE))
		if (!fake_advance(crowd->fake))
			nanosleep(&(struct timespec){ .tv_nsec = 10000 }, NULL);
	fake_settle(crowd->fake);
	return NULL;
}

static void *
crowd_work(void *arg)
{
	struct dns_task_crowd *crowd = arg;

	for (unsigned i = 0; i < 300; i++) {
		struct chain c = {
			.starts = { "a0.example", "b0.example" },
			.n_starts = 2,
		};
		struct dns_task *j = dns_task_start(
		    crowd->fake, chain_step, &c, QUESTIONS, MEMORY);

		if (i % 3 != 0 && dns_task_wait(j, clock_ms() + 60000) &&
		    c.ended == 2) {
			pthread_mutex_lock(&crowd->lock);
			crowd->finished++;
			pthread_mutex_unlock(&crowd->lock);
		}
		dns_task_free(j);
	}
	return NULL;
}

static void
many_threads(void **state)
{
	enum { WORKERS = 4 };
	struct dns_source *zone = pump_zone(zone_text);
	struct dns_task_crowd crowd = { .fake = fake_new(zone, 5) };
	pthread_t answer, workers[WORKERS];

	(void)state;
	pthread_mutex_init(&crowd.lock, NULL);
	assert_int_equal(
	    pthread_create(&answer, NULL, crowd_answer, &crowd), 0);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(
		    pthread_create(&workers[i], NULL, crowd_work, &crowd), 0);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	__atomic_store_n(&crowd.stop, true, __ATOMIC_RELEASE);
	pthread_join(answer, NULL);
	assert_int_equal(crowd.finished, WORKERS * 200);
	pthread_mutex_destroy(&crowd.lock);
	crowd.fake->close(crowd.fake);
	zone->close(zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zone_needs_no_waiting),
		cmocka_unit_test(waves_are_the_longest_chain),
		cmocka_unit_test(deadline_makes_failures_and_a_result),
		cmocka_unit_test(questions_are_bounded),
		cmocka_unit_test(prefetching_delays_nothing),
		cmocka_unit_test(a_core_without_questions_ends),
		cmocka_unit_test(freed_before_its_answers),
		cmocka_unit_test(many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
