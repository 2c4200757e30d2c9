#include "tests/support/core_driver.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns/zone.h"

static void
answered_core_driver(struct dns_wait *wait, const struct dns_answer *answer)
{
	dns_questions_set_answer((struct dns_question *)wait, answer);
}

void
pump(struct dns_questions *questions, struct dns_source *source)
{
	struct dns_question *q;

	while ((q = dns_questions_next_unsent(questions)) != NULL) {
		q->sent = true;
		q->wait.done = answered_core_driver;
		source->ask(source, q->name, q->type, &q->wait);
	}
}

struct dns_source *
pump_zone(const char *text)
{
	char error[256] = "";
	struct dns_source *zone =
	    dns_zone_parse("test", span_str(text), error, sizeof(error));

	if (zone == NULL)
		fail_msg("%s", error);
	return zone;
}

struct fake_question {
	struct dns_wait below; /* must be the first member; passed to the source
	                          below */
	struct fake_question *next;
	struct dns_wait *wait;
	uint64_t due;
	char name[256];
	enum dns_type type;
	const struct dns_answer *answer;
};

struct fake {
	struct dns_source source; /* must be the first member */
	struct dns_source *zone;
	pthread_mutex_t lock;
	uint64_t now, latency;
	size_t questions;
	struct fake_question *waiting; /* sorted by `due` */
	struct fake_question **end;
	struct fake_question *answered;
};

static void
answered_below(struct dns_wait *wait, const struct dns_answer *answer)
{
	((struct fake_question *)wait)->answer = dns_answer_ref(answer);
}

static void
fake_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct fake *f = (struct fake *)source;
	struct fake_question *q = calloc(1, sizeof(*q));

	if (q == NULL || name.n >= sizeof(q->name))
		abort();
	memcpy(q->name, name.p, name.n);
	q->below.done = answered_below;
	q->wait = wait;
	q->type = type;
	f->zone->ask(f->zone, name, type, &q->below);
	pthread_mutex_lock(&f->lock);
	q->due = f->now + f->latency;
	*f->end = q;
	f->end = &q->next;
	f->questions++;
	pthread_mutex_unlock(&f->lock);
}

static void
fake_close(struct dns_source *source)
{
	struct fake *f = (struct fake *)source;
	struct fake_question *next;

	for (struct fake_question *q = f->waiting; q != NULL; q = q->next) {
		dns_answer_unref(q->answer);
		q->answer = dns_answer_failed(DNS_ERROR_RESOURCE);
		q->wait->done(q->wait, q->answer);
	}
	for (struct fake_question *q = f->waiting; q != NULL; q = next) {
		next = q->next;
		free(q);
	}
	for (struct fake_question *q = f->answered; q != NULL; q = next) {
		next = q->next;
		free(q);
	}
	pthread_mutex_destroy(&f->lock);
	free(f);
}

struct dns_source *
fake_new(struct dns_source *below, uint64_t latency)
{
	struct fake *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->source = (struct dns_source){
		.ask = fake_ask,
		.close = fake_close,
	};
	f->zone = below;
	f->latency = latency;
	f->end = &f->waiting;
	pthread_mutex_init(&f->lock, NULL);
	return &f->source;
}

bool
fake_advance(struct dns_source *fake)
{
	struct fake *f = (struct fake *)fake;
	struct fake_question *due = NULL;
	struct fake_question **end = &due;
	struct fake_question *next;

	pthread_mutex_lock(&f->lock);
	if (f->waiting != NULL)
		f->now = f->waiting->due;
	while (f->waiting != NULL && f->waiting->due == f->now) {
		*end = f->waiting;
		end = &f->waiting->next;
		f->waiting = f->waiting->next;
		*end = NULL;
	}
	if (f->waiting == NULL)
		f->end = &f->waiting;
	pthread_mutex_unlock(&f->lock);
	if (due == NULL)
		return false;
	for (struct fake_question *q = due; q != NULL; q = next) {
		next = q->next;
		q->wait->done(q->wait, q->answer);
		dns_answer_unref(q->answer);
		pthread_mutex_lock(&f->lock);
		q->next = f->answered;
		f->answered = q;
		pthread_mutex_unlock(&f->lock);
	}
	return true;
}

void
fake_settle(struct dns_source *fake)
{
	while (fake_advance(fake))
		continue;
}

uint64_t
fake_now(struct dns_source *fake)
{
	return ((struct fake *)fake)->now;
}

size_t
fake_questions(struct dns_source *fake)
{
	return ((struct fake *)fake)->questions;
}

uint64_t
fake_round_trips(struct dns_source *fake)
{
	struct fake *f = (struct fake *)fake;

	return f->latency > 0 ? f->now / f->latency : 0;
}

static size_t
count(const struct fake_question *q, const char *name, enum dns_type type)
{
	size_t n = 0;

	for (; q != NULL; q = q->next)
		n += q->type == type && strcmp(q->name, name) == 0;
	return n;
}

size_t
fake_asked(struct dns_source *fake, const char *name, enum dns_type type)
{
	struct fake *f = (struct fake *)fake;
	size_t n;

	pthread_mutex_lock(&f->lock);
	n = count(f->waiting, name, type) + count(f->answered, name, type);
	pthread_mutex_unlock(&f->lock);
	return n;
}

unsigned
pump_core(struct dns_questions *questions, struct dns_source *source,
    bool is_fake, enum core_status (*core)(void *arg), void *arg)
{
	unsigned waves = 0;

	while (core(arg) == CORE_WAIT) {
		if (dns_questions_next_unsent(questions) == NULL)
			fail_msg("waits although it asked nothing new");
		pump(questions, source);
		while (is_fake && dns_questions_pending(questions) > 0)
			assert_true(fake_advance(source));
		waves++;
	}
	return waves;
}

unsigned
core_run_open(struct core_run *r, const char *domain, const char *zone,
    enum core_status (*core)(void *arg))
{
	struct dns_source *source = pump_zone(zone);
	unsigned waves;

	*r = (struct core_run){ .domain = span_str(domain),
		.questions = dns_questions_new(256),
		.arena = arena_new(1 << 20) };
	assert_non_null(r->questions);
	assert_non_null(r->arena);
	waves = pump_core(r->questions, source, false, core, r);
	source->close(source);
	return waves;
}

void
core_run_close(struct core_run *r)
{
	dns_questions_free(r->questions);
	arena_free(r->arena);
}
