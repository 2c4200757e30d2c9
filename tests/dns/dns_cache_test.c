/* Tests of dns/cache.h. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns/cache.h"
#include "dns/resolver.h"
#include "dns/queue.h"
#include "tests/support/bad_nameserver.h"
#include "tests/support/cmocka_compat.h"
#include "tests/support/core_driver.h"

/* ---- a fake clock, and a source that answers on request ---- */

static int64_t now;

static int64_t
test_clock(void)
{
	return now;
}

struct dns_cache_entry {
	struct dns_wait *wait;
	struct span name;
	enum dns_type type;
};

struct dns_cache_script {
	struct dns_source source; /* first */
	struct dns_cache_entry held[64];
	size_t n_held;
	size_t asked;
	struct dns_answer answer; /* returned immediately unless DNS_PENDING */
};

static void
put_dns_cache(struct dns_wait *wait, const struct dns_answer *what)
{
	const struct dns_answer *a = what->state == DNS_FAILED
	    ? dns_answer_failed(what->fault)
	    : dns_answer_new(what);

	wait->done(wait, a);
	dns_answer_unref(a);
}

static void
script_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct dns_cache_script *s = (struct dns_cache_script *)source;

	s->asked++;
	if (wait->queue != NULL) /* the resolver does the same */
		dns_queue_unref(dns_queue_ref(wait->queue));
	if (s->answer.state != DNS_PENDING) {
		put_dns_cache(wait, &s->answer);
		return;
	}
	assert_true(s->n_held < 64);
	s->held[s->n_held++] = (struct dns_cache_entry){ wait, name, type };
}

static void
answer_held(struct dns_cache_script *s, const struct dns_answer *what)
{
	struct dns_cache_entry held[64];
	size_t n = s->n_held;

	memcpy(held, s->held, sizeof(held)); /* done() may ask again */
	s->n_held = 0;
	for (size_t i = 0; i < n; i++)
		put_dns_cache(held[i].wait, what);
}

static const struct dns_record record = { .text = { "text", 4 }, .strings = 1 };
static const struct dns_answer found = {
	.state = DNS_FOUND, .ttl = 60, .n_records = 1, .records = &record
};

struct dns_cache_request {
	struct dns_wait wait; /* first */
	const struct dns_answer *answer;
	unsigned times;
};

static void
answered_dns_cache(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct dns_cache_request *a = (struct dns_cache_request *)wait;

	a->answer = dns_answer_ref(answer);
	a->times++;
}

static void
ask_dns_cache(
    struct dns_source *s, const char *name, struct dns_cache_request *a)
{
	*a = (struct dns_cache_request){ .wait = {
					     .done = answered_dns_cache } };
	s->ask(s, span_str(name), DNS_TXT, &a->wait);
}

/* Asks a question that must be answered immediately; returns the answer's
 * state. */
static enum dns_state
state_of(struct dns_source *s, const char *name)
{
	struct dns_cache_request a;
	enum dns_state state;

	ask_dns_cache(s, name, &a);
	assert_int_equal(a.times, 1);
	state = a.answer->state;
	dns_answer_unref(a.answer);
	return state;
}

static struct dns_source *
open_cache(struct dns_cache_script *s, struct dns_cache_options o)
{
	struct dns_source *cache;

	*s = (struct dns_cache_script){ .source = { .ask = script_ask } };
	now = 1000000;
	o.clock = test_clock;
	cache = dns_cache_open(&o, &s->source);
	assert_non_null(cache);
	return cache;
}

enum { BYTES_OF_DEFAULT = 16 << 20 };

static const struct dns_cache_options defaults = { .bytes = BYTES_OF_DEFAULT };

/* ---- tests ---- */

static void
a_question_asked_by_many_is_sent_once(void **state)
{
	struct dns_cache_script s;
	struct dns_source *cache = open_cache(&s, defaults);
	struct dns_cache_request all[1000];
	struct dns_cache_counts counts;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		ask_dns_cache(cache, "sel._domainkey.example", &all[i]);
	assert_int_equal(s.asked, 1);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(all[i].times, 0);
	answer_held(&s, &found);
	for (size_t i = 0; i < 1000; i++) {
		assert_int_equal(all[i].times, 1);
		assert_ptr_equal(all[i].answer, all[0].answer);
	}
	for (size_t i = 0; i < 1000; i++)
		dns_answer_unref(all[i].answer);
	dns_cache_counts(cache, &counts);
	assert_int_equal(counts.misses, 1);
	assert_int_equal(counts.joined, 999);
	assert_int_equal(counts.entries, 1);
	cache->close(cache);
}

/* An answer runs the core of each message that waits for it, so the number of
 * these messages is limited. */
static void
callers_waiting_for_one_answer_are_limited(void **state)
{
	static struct dns_cache_request all[DNS_CACHE_WAITS_MAX + 1];
	struct dns_cache_script s;
	struct dns_source *cache = open_cache(&s, defaults);

	(void)state;
	for (size_t i = 0; i <= DNS_CACHE_WAITS_MAX; i++)
		ask_dns_cache(cache, "a.example", &all[i]);
	assert_int_equal(all[DNS_CACHE_WAITS_MAX].times, 1);
	assert_int_equal(
	    all[DNS_CACHE_WAITS_MAX].answer->fault, DNS_ERROR_RESOURCE);
	answer_held(&s, &found);
	for (size_t i = 0; i < DNS_CACHE_WAITS_MAX; i++) {
		assert_int_equal(all[i].answer->state, DNS_FOUND);
		dns_answer_unref(all[i].answer);
	}
	cache->close(cache);
}

static void
questions_differ_by_name_and_type(void **state)
{
	struct dns_cache_script s;
	struct dns_source *cache = open_cache(&s, defaults);
	struct dns_cache_request a[3];

	(void)state;
	ask_dns_cache(cache, "a.example", &a[0]);
	ask_dns_cache(cache, "b.example", &a[1]);
	a[2] = (struct dns_cache_request){ .wait = {
					       .done = answered_dns_cache } };
	cache->ask(cache, SPAN("a.example"), DNS_A, &a[2].wait);
	assert_int_equal(s.asked, 3);
	assert_true(span_is(s.held[1].name, "b.example"));
	assert_int_equal(s.held[2].type, DNS_A);
	answer_held(&s, &found);
	for (size_t i = 0; i < 3; i++)
		dns_answer_unref(a[i].answer);
	cache->close(cache);
}

struct lifetime {
	const char *name;
	enum dns_state state;
	enum dns_error fault;
	uint32_t ttl;
	int64_t seconds; /* how long the answer is cached */
};

static const struct lifetime lifetimes[] = {
	{ .name = "ttl", .state = DNS_FOUND, .ttl = 60, .seconds = 60 },
	{ .name = "ttl 0", .state = DNS_FOUND },
	{ .name = "a day at most",
	    .state = DNS_FOUND,
	    .ttl = 1000000,
	    .seconds = 86400 },
	{ .name = "RFC 2308 nodata",
	    .state = DNS_NODATA,
	    .ttl = 90,
	    .seconds = 90 },
	{ .name = "RFC 2308 nxdomain",
	    .state = DNS_NXDOMAIN,
	    .ttl = 90,
	    .seconds = 90 },
	{ .name = "RFC 2308 without SOA", .state = DNS_NXDOMAIN },
	{ .name = "an hour at most",
	    .state = DNS_NXDOMAIN,
	    .ttl = 86400,
	    .seconds = 3600 },
	{ .name = "timeout",
	    .state = DNS_FAILED,
	    .fault = DNS_ERROR_TIMEOUT,
	    .seconds = 5 },
	{ .name = "servfail",
	    .state = DNS_FAILED,
	    .fault = DNS_ERROR_SERVFAIL,
	    .seconds = 5 },
	{ .name = "our own resources",
	    .state = DNS_FAILED,
	    .fault = DNS_ERROR_RESOURCE },
	{ .name = "our own limit",
	    .state = DNS_FAILED,
	    .fault = DNS_ERROR_BUDGET },
};

static void
rfc2308_lifetimes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lifetimes) / sizeof(*lifetimes); i++) {
		const struct lifetime *l = &lifetimes[i];
		struct dns_cache_script s;
		struct dns_source *cache = open_cache(&s, defaults);
		size_t want = 1;

		s.answer = (struct dns_answer){
			.state = l->state, .fault = l->fault, .ttl = l->ttl
		};
		state_of(cache, "a.example");
		if (l->seconds > 0) {
			now += l->seconds * 1000 - 1;
			state_of(cache, "a.example");
			if (s.asked != want)
				fail_msg("%s: was not cached", l->name);
			now += 1;
		}
		assert_int_equal(state_of(cache, "a.example"), l->state);
		if (s.asked != ++want)
			fail_msg("%s: was cached too long", l->name);
		cache->close(cache);
	}
}

static void
an_answer_keeps_its_ttl_and_its_parsed_form(void **state)
{
	struct dns_cache_script s;
	struct dns_source *cache = open_cache(&s, defaults);
	struct dns_cache_request one, two;

	(void)state;
	s.answer = found;
	ask_dns_cache(cache, "a.example", &one);
	now += 30000;
	ask_dns_cache(cache, "a.example", &two);
	assert_ptr_equal(one.answer, two.answer);
	assert_int_equal(two.answer->ttl, 60);
	dns_answer_unref(one.answer);
	dns_answer_unref(two.answer);
	cache->close(cache);
}

/* An answer is never used past its TTL, even if the servers fail. */
static void
rfc2308_expired_answers_are_not_used(void **state)
{
	struct dns_cache_script s;
	struct dns_source *cache = open_cache(&s, defaults);

	(void)state;
	s.answer = found;
	state_of(cache, "a.example");
	s.answer = (struct dns_answer){ .state = DNS_FAILED,
		.fault = DNS_ERROR_TIMEOUT };
	now += 61000;
	assert_int_equal(state_of(cache, "a.example"), DNS_FAILED);
	assert_int_equal(s.asked, 2);
	cache->close(cache);
}

static void
the_bound_holds_while_it_is_filled(void **state)
{
	enum { BYTES = 1 << 20, N = 20000 };
	const struct dns_cache_options o = { .bytes = BYTES };
	struct dns_cache_script s;
	struct dns_source *cache = open_cache(&s, o);
	struct dns_cache_counts counts;
	char text[2000];
	struct dns_record large = { .text = { text, 0 }, .strings = 1 };

	(void)state;
	memset(text, 'x', sizeof(text));
	s.answer = found;
	s.answer.records = &large;
	for (unsigned i = 0; i < N; i++) {
		char name[64];

		snprintf(name, sizeof(name), "n%u.%s", i,
		    i % 2 ? "example" : "_domainkey.example");
		large.text.n = i % sizeof(text);
		assert_int_equal(state_of(cache, name), DNS_FOUND);
		if (i % 100 == 0) {
			dns_cache_counts(cache, &counts);
			assert_true(counts.bytes <= BYTES);
		}
	}
	dns_cache_counts(cache, &counts);
	assert_int_equal(s.asked, N);
	assert_int_in_range(counts.entries, 150, 2000);
	assert_int_in_range(counts.bytes, BYTES / 4 * 3, BYTES);
	assert_int_equal(counts.evicted, N - counts.entries);
	/* the last name is still cached */
	state_of(cache, "n19999.example");
	assert_int_equal(s.asked, N);
	cache->close(cache);
}

static void
the_least_recently_used_goes_first(void **state)
{
	const struct dns_cache_options o = { .bytes = 256 << 10 };
	struct dns_cache_script s;
	struct dns_source *cache = open_cache(&s, o);

	(void)state;
	s.answer = found;
	for (unsigned i = 0; i < 5000; i++) {
		char name[64];

		snprintf(name, sizeof(name), "n%u.example", i);
		state_of(cache, name);
		state_of(cache, "often.example");
	}
	assert_int_equal(s.asked, 5001);
	state_of(cache, "n0.example");
	assert_int_equal(s.asked, 5002);
	cache->close(cache);
}

/* A source that never answers: pending questions also use memory, and cannot be
 * evicted. */
struct endless {
	struct dns_source source;
	struct dns_wait *first;
};

static void
endless_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct endless *e = (struct endless *)source;

	(void)name;
	(void)type;
	wait->next = e->first;
	e->first = wait;
}

static void
the_bound_holds_for_questions(void **state)
{
	enum { BYTES = 256 << 10, N = 5000 };
	struct endless below = { .source = { .ask = endless_ask } };
	const struct dns_cache_options o = { .bytes = BYTES };
	struct dns_source *cache = dns_cache_open(&o, &below.source);
	struct dns_cache_request *all = calloc(N, sizeof(*all));
	struct dns_cache_counts counts;
	size_t refused = 0, waiting = 0;
	struct dns_wait *next;

	(void)state;
	assert_non_null(cache);
	assert_non_null(all);
	for (unsigned i = 0; i < N; i++) {
		char name[64];

		snprintf(name, sizeof(name), "n%u.example", i);
		ask_dns_cache(cache, name, &all[i]);
	}
	dns_cache_counts(cache, &counts);
	assert_true(counts.bytes <= BYTES);
	cache->close(cache);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(all[i].times, 1);
		assert_int_equal(all[i].answer->fault, DNS_ERROR_RESOURCE);
	}
	for (struct dns_wait *w = below.first; w != NULL; w = next) {
		next = w->next;
		waiting++;
		w->done(w, dns_answer_failed(DNS_ERROR_TIMEOUT));
	}
	refused = N - waiting;
	assert_int_in_range(refused, 1, N - 100);
	free(all);
}

static const struct dns_answer used_up = { .state = DNS_FAILED,
	.fault = DNS_ERROR_BUDGET };

static void
ask_prefetch(
    struct dns_source *s, const char *name, struct dns_cache_request *a)
{
	*a = (struct dns_cache_request){ .wait = { .done = answered_dns_cache,
					     .prefetch = true } };
	s->ask(s, span_str(name), DNS_TXT, &a->wait);
}

/* If one message has used up its share, other messages that wait for the same
 * answer still get it. */
static void
a_refusal_concerns_one_message(void **state)
{
	struct dns_cache_script s;
	struct dns_source *cache = open_cache(&s, defaults);
	struct dns_source *hostile = dns_queue_open(cache);
	struct dns_source *honest = dns_queue_open(cache);
	struct dns_cache_request all[4];

	(void)state;
	ask_dns_cache(hostile, "a.example", &all[0]);
	ask_dns_cache(honest, "a.example", &all[1]);
	ask_dns_cache(hostile, "a.example", &all[2]);
	ask_dns_cache(honest, "a.example", &all[3]);
	assert_int_equal(s.asked, 1);
	answer_held(&s, &used_up);
	assert_int_equal(all[0].answer->fault, DNS_ERROR_BUDGET);
	assert_int_equal(all[2].answer->fault, DNS_ERROR_BUDGET);
	assert_int_equal(all[1].times + all[3].times, 0);
	assert_int_equal(s.asked, 2);
	answer_held(&s, &found);
	assert_int_equal(all[1].answer->state, DNS_FOUND);
	assert_int_equal(all[3].answer->state, DNS_FOUND);
	assert_int_equal(state_of(cache, "a.example"), DNS_FOUND);
	assert_int_equal(s.asked, 2);
	dns_answer_unref(all[1].answer);
	dns_answer_unref(all[3].answer);
	hostile->close(hostile);
	honest->close(honest);
	cache->close(cache);
}

static void
a_dropped_prefetch_is_sent_for_a_message_that_needs_it(void **state)
{
	struct dns_cache_script s;
	struct dns_source *cache = open_cache(&s, defaults);
	struct dns_source *one = dns_queue_open(cache);
	struct dns_source *two = dns_queue_open(cache);
	struct dns_cache_request ahead[2], needed;

	(void)state;
	ask_prefetch(one, "a.example", &ahead[0]);
	ask_prefetch(two, "a.example", &ahead[1]);
	ask_dns_cache(one, "a.example", &needed);
	assert_true(s.held[0].wait->prefetch);
	answer_held(&s, &used_up);
	assert_int_equal(ahead[0].answer->fault, DNS_ERROR_BUDGET);
	assert_int_equal(ahead[1].answer->fault, DNS_ERROR_BUDGET);
	assert_int_equal(needed.times, 0);
	assert_false(s.held[0].wait->prefetch);
	answer_held(&s, &found);
	assert_int_equal(needed.answer->state, DNS_FOUND);
	dns_answer_unref(needed.answer);
	/* no message needs this question: it is forgotten, not cached as a
	 * failure
	 */
	ask_prefetch(one, "b.example", &ahead[0]);
	answer_held(&s, &used_up);
	ask_dns_cache(two, "b.example", &needed);
	assert_int_equal(s.asked, 4);
	answer_held(&s, &found);
	dns_answer_unref(needed.answer);
	one->close(one);
	two->close(two);
	cache->close(cache);
}

/* A refused question is not sent again on behalf of messages that have ended.
 */
static void
ended_messages_do_not_ask(void **state)
{
	struct dns_cache_script s;
	struct dns_source *cache = open_cache(&s, defaults);
	struct dns_source *ended[2] = { dns_queue_open(cache),
		dns_queue_open(cache) };
	struct dns_source *last = dns_queue_open(cache);
	struct dns_cache_request all[3];

	(void)state;
	ask_dns_cache(ended[0], "a.example", &all[0]);
	ask_dns_cache(ended[1], "a.example", &all[1]);
	ask_dns_cache(last, "a.example", &all[2]);
	ended[0]->close(ended[0]);
	dns_queue_expire(ended[1]);
	answer_held(&s, &used_up);
	assert_int_equal(s.asked, 2);
	assert_false(dns_queue_has_ended(s.held[0].wait->queue));
	answer_held(&s, &found);
	assert_int_equal(all[0].answer->fault, DNS_ERROR_RESOURCE);
	assert_int_equal(all[1].answer->fault, DNS_ERROR_TIMEOUT);
	assert_int_equal(all[2].answer->state, DNS_FOUND);
	dns_answer_unref(all[2].answer);
	ended[1]->close(ended[1]);
	last->close(last);
	cache->close(cache);
}

/* Closes the cache and another message's queue from within done(). */
struct closing {
	struct dns_wait wait; /* first */
	struct dns_source *cache, *queue;
};

static void
answered_closing(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct closing *c = (struct closing *)wait;

	assert_int_equal(answer->fault, DNS_ERROR_BUDGET);
	c->queue->close(c->queue);
	c->cache->close(c->cache);
}

/* The question is sent again for a message that ends at the same time. */
static void
a_message_ends_while_its_question_is_sent_again(void **state)
{
	struct dns_cache_script s;
	struct dns_source *cache = open_cache(&s, defaults);
	struct dns_source *queue = dns_queue_open(cache);
	struct closing ahead = {
		.wait = { .done = answered_closing, .prefetch = true },
		.cache = cache,
		.queue = queue,
	};
	struct dns_cache_request needed;

	(void)state;
	cache->ask(cache, SPAN("a.example"), DNS_TXT, &ahead.wait);
	ask_dns_cache(queue, "a.example", &needed);
	answer_held(&s, &used_up);
	assert_int_equal(needed.answer->fault, DNS_ERROR_RESOURCE);
	assert_int_equal(s.asked, 2);
	answer_held(&s, &found);
	assert_int_equal(needed.times, 1);
}

static void
close_answers_those_who_wait(void **state)
{
	struct dns_cache_script s;
	struct dns_source *cache = open_cache(&s, defaults);
	struct dns_cache_request all[3];

	(void)state;
	ask_dns_cache(cache, "a.example", &all[0]);
	ask_dns_cache(cache, "a.example", &all[1]);
	ask_dns_cache(cache, "b.example", &all[2]);
	cache->close(cache);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(all[i].times, 1);
		assert_int_equal(all[i].answer->fault, DNS_ERROR_RESOURCE);
	}
	/* late answers are ignored, but their memory is freed */
	answer_held(&s, &found);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(all[i].times, 1);
}

/* Asks the same question and another one from within done(). */
struct again {
	struct dns_wait wait; /* first */
	struct dns_source *cache;
	struct dns_cache_request same, other;
};

static void
answered_again(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct again *a = (struct again *)wait;

	assert_int_equal(answer->state, DNS_FOUND);
	ask_dns_cache(a->cache, "a.example", &a->same);
	ask_dns_cache(a->cache, "b.example", &a->other);
}

static void
an_answer_asks_again(void **state)
{
	struct dns_cache_script s;
	struct dns_source *cache = open_cache(&s, defaults);
	struct again a = { .wait = { .done = answered_again }, .cache = cache };

	(void)state;
	cache->ask(cache, SPAN("a.example"), DNS_TXT, &a.wait);
	answer_held(&s, &found);
	assert_int_equal(a.same.times, 1);
	assert_int_equal(a.other.times, 0);
	answer_held(&s, &found);
	assert_int_equal(a.other.times, 1);
	dns_answer_unref(a.same.answer);
	dns_answer_unref(a.other.answer);
	cache->close(cache);
}

/* ---- several threads, on top of the resolver ---- */

enum { THREADS = 4, QUESTIONS = 2000 };

struct dns_cache_thread {
	pthread_t thread;
	struct dns_source *cache;
	pthread_mutex_t lock;
	pthread_cond_t all;
	size_t missing;
	struct waiter {
		struct dns_wait wait; /* first */
		struct dns_cache_thread *asker;
		char name[32];
	} waiters[QUESTIONS];
};

static void
answered_thread(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct dns_cache_thread *a = ((struct waiter *)wait)->asker;

	assert_int_equal(answer->state, DNS_FOUND);
	pthread_mutex_lock(&a->lock);
	if (--a->missing == 0)
		pthread_cond_signal(&a->all);
	pthread_mutex_unlock(&a->lock);
}

static void *
ask_from_thread(void *arg)
{
	struct dns_cache_thread *a = arg;

	a->missing = QUESTIONS;
	for (unsigned i = 0; i < QUESTIONS; i++) {
		struct waiter *w = &a->waiters[i];

		w->wait.done = answered_thread;
		w->asker = a;
		snprintf(w->name, sizeof(w->name), "n%u.example", i % 50);
		a->cache->ask(a->cache, span_str(w->name), DNS_TXT, &w->wait);
	}
	pthread_mutex_lock(&a->lock);
	while (a->missing > 0)
		pthread_cond_wait(&a->all, &a->lock);
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

static void
threads_share_one_cache(void **state)
{
	const struct hostile_options plain = { 0 };
	struct hostile *server = hostile_start(&plain);
	struct dns_resolver_options o = {
		.n_servers = 1, .first_ms = 500, .total_ms = 12000
	};
	struct dns_cache_thread *askers = calloc(THREADS, sizeof(*askers));
	struct dns_source *net, *cache;
	struct dns_resolver_counts counts;
	char error[100];

	(void)state;
	assert_non_null(askers);
	o.servers[0].port = hostile_port(server);
	assert_true(ip_parse(SPAN("127.0.0.1"), &o.servers[0].ip));
	net = dns_resolver_open(&o, error, sizeof(error));
	assert_non_null(net);
	cache = dns_cache_open(&defaults, net);
	assert_non_null(cache);
	for (size_t i = 0; i < THREADS; i++) {
		askers[i].cache = cache;
		pthread_mutex_init(&askers[i].lock, NULL);
		pthread_cond_init(&askers[i].all, NULL);
		pthread_create(
		    &askers[i].thread, NULL, ask_from_thread, &askers[i]);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(askers[i].thread, NULL);
	dns_resolver_counts(net, &counts);
	assert_int_equal(counts.questions, 50);
	cache->close(cache);
	net->close(net);
	hostile_stop(server);
	free(askers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_asked_by_many_is_sent_once),
		cmocka_unit_test(callers_waiting_for_one_answer_are_limited),
		cmocka_unit_test(questions_differ_by_name_and_type),
		cmocka_unit_test(rfc2308_lifetimes),
		cmocka_unit_test(an_answer_keeps_its_ttl_and_its_parsed_form),
		cmocka_unit_test(rfc2308_expired_answers_are_not_used),
		cmocka_unit_test(the_bound_holds_while_it_is_filled),
		cmocka_unit_test(the_least_recently_used_goes_first),
		cmocka_unit_test(the_bound_holds_for_questions),
		cmocka_unit_test(a_refusal_concerns_one_message),
		cmocka_unit_test(
		    a_dropped_prefetch_is_sent_for_a_message_that_needs_it),
		cmocka_unit_test(ended_messages_do_not_ask),
		cmocka_unit_test(
		    a_message_ends_while_its_question_is_sent_again),
		cmocka_unit_test(close_answers_those_who_wait),
		cmocka_unit_test(an_answer_asks_again),
		cmocka_unit_test(threads_share_one_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
