/* Tests of dns/queue.h: one message's share of the resolver. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns/cache.h"
#include "dns/queue.h"
#include "lib/enum_names.h"
#include "tests/support/cmocka_compat.h"
#include "tests/support/netrun.h"

/* ---- a source that answers on request ---- */

enum { HELD_MAX = 512 };

struct dns_queue_script {
	struct dns_source source; /* first */
	unsigned share;
	struct dns_wait *held[HELD_MAX]; /* in the order they were asked */
	char names[HELD_MAX][64];
	size_t asked;
	bool prompt; /* answers immediately */
};

static const struct dns_answer nodata = { .state = DNS_NODATA, .ttl = 60 };

static void
put_dns_queue(struct dns_wait *wait, enum dns_error fault)
{
	const struct dns_answer *a = fault != DNS_ERROR_NONE
	    ? dns_answer_failed(fault)
	    : dns_answer_new(&nodata);

	wait->done(wait, a);
	dns_answer_unref(a);
}

static void
script_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct dns_queue_script *s = (struct dns_queue_script *)source;

	(void)type;
	assert_true(s->asked < HELD_MAX);
	snprintf(
	    s->names[s->asked], sizeof(s->names[0]), "%.*s", SPAN_FMT(name));
	s->held[s->asked++] = s->prompt ? NULL : wait;
	if (s->prompt)
		put_dns_queue(wait, DNS_ERROR_NONE);
}

static unsigned
script_share(struct dns_source *source)
{
	return ((struct dns_queue_script *)source)->share;
}

static void
script_init(struct dns_queue_script *s)
{
	*s = (struct dns_queue_script){
		.source = { .ask = script_ask, .share = script_share },
		.share = DNS_SHARE_MAX,
	};
}

/* Answers question number `i`. */
static void
answer_one(struct dns_queue_script *s, size_t i, enum dns_error fault)
{
	struct dns_wait *wait = s->held[i];

	s->held[i] = NULL;
	put_dns_queue(wait, fault);
}

static void
answer_rest(struct dns_queue_script *s)
{
	for (size_t i = 0; i < s->asked; i++)
		if (s->held[i] != NULL)
			answer_one(s, i, DNS_ERROR_NONE);
}

/* ---- questions ---- */

struct dns_queue_question {
	struct dns_wait wait; /* first */
	unsigned times;
	enum dns_state state;
	enum dns_error fault;
};

static void
answered_dns_queue(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct dns_queue_question *q = (struct dns_queue_question *)wait;

	q->state = answer->state;
	q->fault = answer->fault;
	__atomic_add_fetch(&q->times, 1, __ATOMIC_RELEASE);
}

/* Asks for the name "nNUMBER.DOMAIN". */
static void
ask_dns_queue(struct dns_source *queue, struct dns_queue_question *q,
    const char *domain, size_t n, bool prefetch)
{
	char name[64];

	snprintf(name, sizeof(name), "n%zu.%s", n, domain);
	*q = (struct dns_queue_question){ .wait = { .done = answered_dns_queue,
					      .prefetch = prefetch } };
	queue->ask(queue, span_str(name), DNS_TXT, &q->wait);
}

static void
ask_many(struct dns_source *queue, struct dns_queue_question *q,
    const char *domain, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ask_dns_queue(queue, &q[i], domain, i, false);
}

static size_t
count_answered(const struct dns_queue_question *q, size_t n)
{
	size_t answered = 0;

	for (size_t i = 0; i < n; i++) {
		assert_true(q[i].times <= 1);
		answered += q[i].times;
	}
	return answered;
}

static size_t
count_failed(const struct dns_queue_question *q, size_t n, enum dns_error fault)
{
	size_t failed = 0;

	for (size_t i = 0; i < n; i++)
		failed += q[i].times == 1 && q[i].fault == fault;
	return failed;
}

/* ---- shares ---- */

static void
more_than_the_share_waits_in_order(void **state)
{
	enum { N = DNS_SHARE_MAX + 10 };
	struct dns_queue_script s;
	struct dns_queue_question q[N];
	struct dns_source *queue;

	(void)state;
	script_init(&s);
	queue = dns_queue_open(&s.source);
	ask_many(queue, q, "a.example", N);
	assert_int_equal(s.asked, DNS_SHARE_MAX);
	answer_one(&s, 5, DNS_ERROR_NONE);
	assert_int_equal(q[5].times, 1);
	assert_int_equal(s.asked, DNS_SHARE_MAX + 1);
	assert_string_equal(s.names[DNS_SHARE_MAX], "n32.a.example");
	answer_rest(&s);
	assert_int_equal(s.asked, N);
	for (size_t i = 0; i < N; i++) {
		char name[64];

		snprintf(name, sizeof(name), "n%zu.a.example", i);
		assert_string_equal(s.names[i], name);
	}
	answer_rest(&s);
	assert_int_equal(count_answered(q, N), N);
	queue->close(queue);
}

static void
the_share_shrinks_with_the_source_below(void **state)
{
	struct dns_queue_script s;
	struct dns_queue_question q[20];
	struct dns_source *queue;

	(void)state;
	script_init(&s);
	s.share = 4;
	queue = dns_queue_open(&s.source);
	assert_int_equal(dns_source_share(queue), 4);
	assert_true(dns_source_is_crowded(queue));
	ask_many(queue, q, "a.example", 20);
	assert_int_equal(s.asked, 4);
	s.share = 2;
	answer_one(&s, 0, DNS_ERROR_NONE);
	answer_one(&s, 1, DNS_ERROR_NONE);
	assert_int_equal(s.asked, 4);
	answer_one(&s, 2, DNS_ERROR_NONE);
	assert_int_equal(s.asked, 5);
	s.share = DNS_SHARE_MAX;
	answer_one(&s, 3, DNS_ERROR_NONE);
	assert_int_equal(s.asked, 20);
	answer_rest(&s);
	assert_int_equal(count_answered(q, 20), 20);
	queue->close(queue);
}

/* Answers from the cache do not use up the share, and cause no recursion. */
static void
cached_answers_are_returned_immediately(void **state)
{
	enum { N = 400 };
	struct dns_queue_script s;
	struct dns_queue_question *q = calloc(N, sizeof(*q));
	struct dns_source *queue;

	(void)state;
	assert_non_null(q);
	script_init(&s);
	s.prompt = true;
	s.share = 1;
	queue = dns_queue_open(&s.source);
	for (size_t i = 0; i < N; i++) {
		ask_dns_queue(queue, &q[i], "a.example", i, i % 2 == 0);
		assert_int_equal(q[i].times, 1);
		assert_int_equal(q[i].state, DNS_NODATA);
	}
	queue->close(queue);
	free(q);
}

static void
a_prefetched_question_does_not_wait(void **state)
{
	struct dns_queue_script s;
	struct dns_queue_question q[DNS_SHARE_MAX], late, early;
	struct dns_source *queue;

	(void)state;
	script_init(&s);
	queue = dns_queue_open(&s.source);
	ask_dns_queue(queue, &early, "b.example", 0, true);
	assert_int_equal(s.asked, 1);
	ask_many(queue, q, "a.example", DNS_SHARE_MAX - 1);
	ask_dns_queue(queue, &late, "b.example", 1, true);
	assert_int_equal(late.fault, DNS_ERROR_BUDGET);
	assert_int_equal(early.times, 0);
	answer_rest(&s);
	assert_int_equal(early.state, DNS_NODATA);
	queue->close(queue);
}

/* ---- domains that do not answer ---- */

static void
dead_names_of_a_domain_fail_together(void **state)
{
	enum { N = DNS_SHARE_MAX + 20 };
	struct dns_queue_script s;
	struct dns_queue_question dead[N], other, later, prefetched;
	struct dns_source *queue;

	(void)state;
	script_init(&s);
	queue = dns_queue_open(&s.source);
	ask_many(queue, dead, "x.dead.example", N);
	ask_dns_queue(queue, &other, "good.example", 0, false);
	for (size_t i = 0; i < DNS_QUEUE_DEAD - 1; i++)
		answer_one(
		    &s, i, i % 2 ? DNS_ERROR_TIMEOUT : DNS_ERROR_SERVFAIL);
	/* the others are still waiting for their turn */
	assert_int_equal(count_answered(dead, N), DNS_QUEUE_DEAD - 1);
	answer_one(&s, DNS_QUEUE_DEAD - 1, DNS_ERROR_RESOURCE);
	assert_int_equal(count_failed(dead, N, DNS_ERROR_BUDGET),
	    N - DNS_SHARE_MAX - (DNS_QUEUE_DEAD - 1));
	ask_dns_queue(queue, &later, "y.dead.example", 0, false);
	ask_dns_queue(queue, &prefetched, "y.dead.example", 1, true);
	assert_int_equal(later.fault, DNS_ERROR_BUDGET);
	assert_int_equal(prefetched.fault, DNS_ERROR_BUDGET);
	/* questions for other domains are still sent */
	answer_rest(&s);
	assert_int_equal(other.state, DNS_NODATA);
	assert_int_equal(count_answered(dead, N), N);
	queue->close(queue);
}

/* If four questions fail because the underlying source has no room for them,
 * all other questions of the message fail too. */
static void
a_crowd_below_ends_a_message(void **state)
{
	enum { N = DNS_SHARE_MAX + 8 };
	struct dns_queue_script s;
	struct dns_queue_question q[N], later;
	struct dns_source *queue;

	(void)state;
	script_init(&s);
	queue = dns_queue_open(&s.source);
	for (size_t i = 0; i < N; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "d%zu.example", i);
		ask_dns_queue(queue, &q[i], domain, i, i == 2);
	}
	answer_one(&s, 6, DNS_ERROR_RESOURCE); /* not counted: not crowded
	                                          yet */
	s.share = DNS_SHARE_MAX - 1;
	answer_one(&s, 0, DNS_ERROR_RESOURCE);
	answer_one(&s, 1, DNS_ERROR_TIMEOUT);
	answer_one(&s, 2, DNS_ERROR_RESOURCE); /* not counted: a prefetch */
	answer_one(&s, 3, DNS_ERROR_RESOURCE);
	answer_one(&s, 4, DNS_ERROR_RESOURCE);
	assert_int_equal(count_answered(q, N), 6);
	answer_one(&s, 5, DNS_ERROR_RESOURCE);
	assert_int_equal(count_answered(q, N), N);
	assert_int_equal(count_failed(q, N, DNS_ERROR_BUDGET), N - 7);
	assert_int_equal(q[1].fault, DNS_ERROR_TIMEOUT);
	ask_dns_queue(queue, &later, "other.example", 0, false);
	assert_int_equal(later.fault, DNS_ERROR_BUDGET);
	answer_rest(&s);
	queue->close(queue);
}

/* A domain is not dead if it answers some questions, or if only prefetched
 * questions were dropped. */
static void
a_domain_that_answers_is_not_dead(void **state)
{
	enum { N = 3 * DNS_QUEUE_DEAD };
	struct dns_queue_script s;
	struct dns_queue_question q[N], later;
	struct dns_source *queue;

	(void)state;
	script_init(&s);
	queue = dns_queue_open(&s.source);
	for (size_t i = 0; i < N; i++) {
		bool prefetch = i >= 2 * DNS_QUEUE_DEAD;

		ask_dns_queue(queue, &q[i], "slow.example", i, prefetch);
		answer_one(&s, i,
		    prefetch         ? DNS_ERROR_BUDGET
			: i % 4 == 3 ? DNS_ERROR_NONE
			: i % 4 == 2 ? DNS_ERROR_REFUSED
				     : DNS_ERROR_TIMEOUT);
	}
	ask_dns_queue(queue, &later, "slow.example", N, false);
	assert_int_equal(later.times, 0);
	answer_rest(&s);
	assert_int_equal(later.state, DNS_NODATA);
	queue->close(queue);
}

/* ---- the end of the message ---- */

/* An unanswered question counts as a failure of the domain if it was sent in
 * time, and as our own failure if it was still queued. */
static void
a_deadline_says_whose_failure_it_is(void **state)
{
	struct dns_queue_script s;
	struct dns_queue_question q[40], late;
	struct dns_source *queue;

	(void)state;
	script_init(&s);
	queue = dns_queue_open(&s.source);
	ask_many(queue, q, "a.example", 40);
	answer_one(&s, 0, DNS_ERROR_NONE); /* now question number 32 is sent */
	dns_queue_expire(queue);
	assert_int_equal(count_answered(q, 40), 40);
	assert_int_equal(q[0].state, DNS_NODATA);
	for (size_t i = 1; i < 40; i++)
		assert_int_equal(q[i].fault,
		    i < DNS_SHARE_MAX ? DNS_ERROR_TIMEOUT : DNS_ERROR_BUDGET);
	ask_dns_queue(queue, &late, "b.example", 0, false);
	assert_int_equal(late.fault, DNS_ERROR_BUDGET);
	answer_rest(&s); /* no caller waits for these */
	assert_int_equal(s.asked, DNS_SHARE_MAX + 1);
	assert_int_equal(count_answered(q, 40), 40);
	queue->close(queue);
}

static void
a_deadline_while_crowded_is_ours(void **state)
{
	struct dns_queue_script s;
	struct dns_queue_question q[3];
	struct dns_source *queue;

	(void)state;
	script_init(&s);
	queue = dns_queue_open(&s.source);
	ask_many(queue, q, "a.example", 3);
	s.share = DNS_SHARE_MAX - 1;
	dns_queue_expire(queue);
	assert_int_equal(count_failed(q, 3, DNS_ERROR_BUDGET), 3);
	answer_rest(&s);
	queue->close(queue);
}

/* The resolver accepted two questions, but sent only one in time. */
static void
a_question_that_was_never_sent_is_ours(void **state)
{
	struct dns_queue_script s;
	struct dns_queue_question q[3];
	struct dns_source *queue;
	struct dns_queue *message;

	(void)state;
	script_init(&s);
	queue = dns_queue_open(&s.source);
	ask_many(queue, q, "a.example", 3);
	message = s.held[0]->queue;
	assert_non_null(message);
	dns_queue_accepted(message);
	dns_queue_accepted(message);
	dns_queue_sent(message);
	dns_queue_expire(queue);
	assert_int_equal(count_failed(q, 3, DNS_ERROR_BUDGET), 3);
	assert_true(dns_queue_has_ended(message));
	answer_rest(&s);
	queue->close(queue);
}

static void
closed_before_its_answers(void **state)
{
	struct dns_queue_script s;
	struct dns_queue_question q[40];
	struct dns_source *queue;

	(void)state;
	script_init(&s);
	queue = dns_queue_open(&s.source);
	ask_many(queue, q, "a.example", 40);
	queue->close(queue);
	assert_int_equal(count_failed(q, 40, DNS_ERROR_RESOURCE), 40);
	assert_true(dns_queue_has_ended(s.held[0]->queue));
	answer_rest(&s);
	assert_int_equal(s.asked, DNS_SHARE_MAX);
	assert_int_equal(count_answered(q, 40), 40);
}

/* ---- on top of the resolver ---- */

struct dead_mail {
	struct dns_source *cache, *queue;
	struct crowd crowd;
	struct asked *all;
};

static void
dead_mail_begin(struct dead_mail *m, struct netrun *r, size_t n)
{
	static const struct dns_cache_options defaults;

	m->cache = dns_cache_open(&defaults, r->net);
	m->queue = dns_queue_open(m->cache);
	m->all = calloc(n, sizeof(*m->all));
	assert_non_null(m->all);
	crowd_begin(&m->crowd, n);
	for (size_t i = 0; i < n; i++) {
		struct asked *a = &m->all[i];

		*a = (struct asked){ .wait = { .done = netrun_answered },
			.crowd = &m->crowd };
		snprintf(a->name, sizeof(a->name), "silent.n%zu.d%zu.example",
		    i, i % 10);
		m->queue->ask(m->queue, span_str(a->name), DNS_TXT, &a->wait);
	}
}

static void
dead_mail_end(struct dead_mail *m, struct netrun *r)
{
	m->queue->close(m->queue);
	m->cache->close(m->cache);
	netrun_stop(r);
	crowd_end(&m->crowd);
	free(m->all);
}

/* Without a limit, 300 questions, each retried four times, would cause 1,500
 * datagrams. */
static void
repetitions_of_a_message_are_bounded(void **state)
{
	enum { N = 300 };
	static const struct hostile_options plain;
	struct netrun r = netrun_start(&plain, NULL);
	struct dns_resolver_counts counts;
	struct dead_mail m;

	(void)state;
	dead_mail_begin(&m, &r, N);
	netrun_pass_until(&r, &m.crowd);
	dns_resolver_counts(r.net, &counts);
	assert_true(counts.datagrams <= N + DNS_QUEUE_REPETITIONS);
	assert_int_equal(counts.repetitions, DNS_QUEUE_REPETITIONS);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(m.all[i].times, 1);
		assert_int_equal(m.all[i].answer->fault, DNS_ERROR_BUDGET);
	}
	dead_mail_end(&m, &r);
}

/* Questions for a few dead names are retried as usual, and fail because the
 * domain has not answered. */
static void
a_few_dead_names_are_not_hostile(void **state)
{
	enum { N = 19 };
	static const struct hostile_options plain;
	struct netrun r = netrun_start(&plain, NULL);
	struct dns_resolver_counts counts;
	struct dead_mail m;

	(void)state;
	dead_mail_begin(&m, &r, N);
	assert_int_equal(netrun_pass_until(&r, &m.crowd), NETRUN_TOTAL_MS);
	dns_resolver_counts(r.net, &counts);
	/* plus a few for "localhost" */
	assert_int_in_range(counts.datagrams, 5 * N, 5 * N + 5);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(m.all[i].answer->fault, DNS_ERROR_TIMEOUT);
	dead_mail_end(&m, &r);
}

static void
questions_of_ended_messages_are_dropped(void **state)
{
	enum { N = 20 };
	static const struct hostile_options plain;
	struct netrun r = netrun_start(&plain, NULL);
	struct dns_resolver_counts counts;
	struct dead_mail m;

	(void)state;
	dead_mail_begin(&m, &r, N);
	netrun_settle(&r);
	dns_queue_expire(m.queue);
	assert_int_equal(crowd_missing(&m.crowd), 0);
	dns_resolver_counts(r.net, &counts);
	assert_int_equal(counts.unanswered, N);
	netrun_pass(&r, NETRUN_FIRST_MS);
	dns_resolver_counts(r.net, &counts);
	assert_int_equal(counts.unanswered, N); /* the resolvers are still
	                                           working on them */
	netrun_pass(&r, 8000);
	dns_resolver_counts(r.net, &counts);
	assert_int_equal(counts.unanswered, 0);
	assert_int_equal(counts.datagrams, N);
	dead_mail_end(&m, &r);
}

/* ---- threads ---- */

struct thrower {
	pthread_t thread;
	struct dns_source *cache;
	struct dns_queue_question q[64];
};

/* Messages start and end while their answers arrive. */
static void *
throw_messages(void *arg)
{
	struct thrower *t = arg;

	for (unsigned turn = 0; turn < 200; turn++) {
		struct dns_source *queue = dns_queue_open(t->cache);

		for (size_t i = 0; i < ARRAY_SIZE(t->q); i++)
			ask_dns_queue(queue, &t->q[i], "x.example",
			    i + turn % 7 * 40, i % 3 == 0);
		if (turn % 2 == 0)
			dns_queue_expire(queue);
		queue->close(queue);
		/* the resolver's thread may still be answering a question */
		for (size_t i = 0; i < ARRAY_SIZE(t->q); i++)
			while (__atomic_load_n(
				   &t->q[i].times, __ATOMIC_ACQUIRE) == 0)
				sched_yield();
	}
	return NULL;
}

static void
messages_end_while_answers_arrive(void **state)
{
	enum { THREADS = 4 };
	static const struct hostile_options plain;
	static const struct dns_cache_options defaults;
	struct netrun r = netrun_start(&plain, NULL);
	struct dns_source *cache = dns_cache_open(&defaults, r.net);
	struct thrower *all = calloc(THREADS, sizeof(*all));

	(void)state;
	assert_non_null(all);
	for (size_t i = 0; i < THREADS; i++) {
		all[i].cache = cache;
		assert_int_equal(pthread_create(&all[i].thread, NULL,
				     throw_messages, &all[i]),
		    0);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(all[i].thread, NULL);
	cache->close(cache);
	netrun_stop(&r);
	free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_than_the_share_waits_in_order),
		cmocka_unit_test(the_share_shrinks_with_the_source_below),
		cmocka_unit_test(cached_answers_are_returned_immediately),
		cmocka_unit_test(a_prefetched_question_does_not_wait),
		cmocka_unit_test(dead_names_of_a_domain_fail_together),
		cmocka_unit_test(a_crowd_below_ends_a_message),
		cmocka_unit_test(a_domain_that_answers_is_not_dead),
		cmocka_unit_test(a_deadline_says_whose_failure_it_is),
		cmocka_unit_test(a_deadline_while_crowded_is_ours),
		cmocka_unit_test(a_question_that_was_never_sent_is_ours),
		cmocka_unit_test(closed_before_its_answers),
		cmocka_unit_test(repetitions_of_a_message_are_bounded),
		cmocka_unit_test(a_few_dead_names_are_not_hostile),
		cmocka_unit_test(questions_of_ended_messages_are_dropped),
		cmocka_unit_test(messages_end_while_answers_arrive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
