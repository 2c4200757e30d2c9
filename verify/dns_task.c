#include "verify/dns_task.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/*
 * `refs` counts the owner, each question sent to the source, and a thread that
 * is sending; the last of them frees the task.  The lock is never held while
 * calling a source, since the call may deliver an answer.
 */
struct dns_task {
	pthread_mutex_t lock;
	pthread_cond_t finished;
	struct dns_source *source;
	dns_task_core *step;
	void *facts;
	struct dns_questions *questions;
	struct arena *scratch;
	size_t refs;
	bool sending; /* a thread is sending a wave and continues afterwards */
	bool done;
	bool dropped;
	struct dns_task_counts counts;
};

static void job_answered(
    struct dns_wait *wait, const struct dns_answer *answer);

static void
job_free(struct dns_task *j)
{
	dns_questions_free(j->questions);
	arena_free(j->scratch);
	pthread_cond_destroy(&j->finished);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

/* Releases the lock and one reference. */
static void
job_release(struct dns_task *j)
{
	bool last = --j->refs == 0;

	pthread_mutex_unlock(&j->lock);
	if (last)
		job_free(j);
}

/* Runs the core once.  The lock must be held. */
static void
job_run(struct dns_task *j)
{
	arena_rewind(j->scratch);
	j->counts.runs++;
	if (j->step(j->facts, j->questions, j->scratch) == CORE_WAIT) {
		/* A core that waits when no answer is missing would never
		 * finish. */
		if (dns_questions_required(j->questions) > 0)
			return;
		j->counts.gave_up = true;
		dns_questions_expire(j->questions, DNS_ERROR_BUDGET);
		arena_rewind(j->scratch);
		(void)j->step(j->facts, j->questions, j->scratch);
	}
	j->done = true;
	pthread_cond_broadcast(&j->finished);
}

/* Sends all unsent questions.  The lock must be held; it is released during
 * each call to the source. */
static void
job_send(struct dns_task *j)
{
	struct dns_question *q = dns_questions_next_unsent(j->questions);

	if (q != NULL)
		j->counts.waves++;
	j->sending = true;
	j->refs++;
	for (; q != NULL && !j->dropped && !j->done;
	     q = dns_questions_next_unsent(j->questions)) {
		q->sent = true;
		q->wait.done = job_answered;
		j->refs++;
		j->counts.questions++;
		pthread_mutex_unlock(&j->lock);
		j->source->ask(j->source, q->name, q->type, &q->wait);
		pthread_mutex_lock(&j->lock);
	}
	j->refs--;
	j->sending = false;
	if (j->dropped)
		pthread_cond_broadcast(&j->finished);
}

/*
 * Runs the core and sends its questions until it waits for an answer.  The lock
 * must be held.  Prefetched questions delay nothing: an unanswered question
 * that turns out not to be needed must not use up a message's time.
 */
static void
job_advance(struct dns_task *j)
{
	while (!j->done && !j->dropped && !j->sending) {
		if (dns_questions_next_unsent(j->questions) != NULL)
			job_send(j);
		else if (dns_questions_required(j->questions) > 0)
			return;
		else
			job_run(j);
	}
}

static void
job_answered(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct dns_question *q = (struct dns_question *)(void *)wait;
	struct dns_task *j = dns_questions_driver(q->questions);

	pthread_mutex_lock(&j->lock);
	dns_questions_set_answer(q, answer);
	job_advance(j);
	job_release(j);
}

static bool
job_locks(struct dns_task *j)
{
	pthread_condattr_t attr;
	bool ok;

	if (pthread_condattr_init(&attr) != 0)
		return false;
	ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	    pthread_cond_init(&j->finished, &attr) == 0;
	pthread_condattr_destroy(&attr);
	if (ok && pthread_mutex_init(&j->lock, NULL) != 0) {
		pthread_cond_destroy(&j->finished);
		ok = false;
	}
	return ok;
}

struct dns_task *
dns_task_start(struct dns_source *source, dns_task_core *step, void *facts,
    size_t max_questions, size_t memory)
{
	struct dns_task *j = calloc(1, sizeof(*j));

	if (j == NULL || !job_locks(j)) {
		free(j);
		return NULL;
	}
	j->source = source;
	j->step = step;
	j->facts = facts;
	j->refs = 1;
	j->questions = dns_questions_new(max_questions);
	j->scratch = arena_new(memory);
	if (j->questions == NULL || j->scratch == NULL) {
		job_free(j);
		return NULL;
	}
	dns_questions_set_driver(j->questions, j);
	pthread_mutex_lock(&j->lock);
	job_run(j);
	job_advance(j);
	pthread_mutex_unlock(&j->lock);
	return j;
}

/* The lock must be held. */
static void
wait_until(struct dns_task *j, int64_t when)
{
	struct timespec until = {
		.tv_sec = (time_t)(when / 1000),
		.tv_nsec = (long)(when % 1000) * 1000000,
	};

	while (!j->done &&
	    pthread_cond_timedwait(&j->finished, &j->lock, &until) == 0)
		;
}

bool
dns_task_done_by(struct dns_task *j, int64_t until)
{
	bool done;

	pthread_mutex_lock(&j->lock);
	wait_until(j, until);
	done = j->done;
	pthread_mutex_unlock(&j->lock);
	return done;
}

bool
dns_task_wait(struct dns_task *j, int64_t deadline)
{
	bool in_time;

	pthread_mutex_lock(&j->lock);
	wait_until(j, deadline);
	if (!j->done) {
		j->counts.gave_up = true;
		dns_questions_expire(j->questions, DNS_ERROR_BUDGET);
		job_run(j);
	}
	/* Answers to prefetched questions may still arrive.  Ignore
	 * them, because `questions` is read without the lock from here on. */
	if (dns_questions_pending(j->questions) > 0)
		dns_questions_expire(j->questions, DNS_ERROR_BUDGET);
	if (dns_questions_budget_exceeded(j->questions) ||
	    arena_has_failed(j->scratch))
		j->counts.gave_up = true;
	in_time = !j->counts.gave_up;
	pthread_mutex_unlock(&j->lock);
	return in_time;
}

struct dns_questions *
dns_task_questions(struct dns_task *j)
{
	return j->questions;
}

struct arena *
dns_task_scratch(struct dns_task *j)
{
	return j->scratch;
}

struct dns_task_counts
dns_task_count(struct dns_task *j)
{
	struct dns_task_counts counts;

	pthread_mutex_lock(&j->lock);
	counts = j->counts;
	pthread_mutex_unlock(&j->lock);
	return counts;
}

void
dns_task_free(struct dns_task *j)
{
	if (j == NULL)
		return;
	pthread_mutex_lock(&j->lock);
	j->dropped = true;
	while (j->sending) /* the source may be closed after this */
		pthread_cond_wait(&j->finished, &j->lock);
	arena_free(j->scratch);
	j->scratch = NULL;
	job_release(j);
}
