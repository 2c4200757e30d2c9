#include "verify/dns_task.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/*
 * `refs` counts the owner, each question that is with the source, and whoever
 * is sending; the last one frees.  The lock is never held while a source is
 * asked, since an answer may come from within the call.
 */
struct job {
	pthread_mutex_t lock;
	pthread_cond_t finished;
	struct dns_source *source;
	job_step *step;
	void *facts;
	struct dns_talk *talk;
	struct arena *scratch;
	size_t refs;
	bool
	    sending; /* one thread hands out a wave; it also goes on after it */
	bool done;
	bool dropped;
	struct job_counts counts;
};

static void job_answered(
    struct dns_wait *wait, const struct dns_answer *answer);

int64_t
job_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
job_free(struct job *j)
{
	dns_talk_free(j->talk);
	arena_free(j->scratch);
	pthread_cond_destroy(&j->finished);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

/* Lets the lock and one reference go. */
static void
job_release(struct job *j)
{
	bool last = --j->refs == 0;

	pthread_mutex_unlock(&j->lock);
	if (last)
		job_free(j);
}

/* Under the lock: one run of the core. */
static void
job_run(struct job *j)
{
	arena_rewind(j->scratch);
	j->counts.runs++;
	if (j->step(j->facts, j->talk, j->scratch) == STEP_WAIT) {
		/* A core that waits for nothing would wait for ever. */
		if (dns_talk_waited_for(j->talk) > 0)
			return;
		j->counts.gave_up = true;
		dns_talk_give_up(j->talk, DNS_FAULT_BUDGET);
		arena_rewind(j->scratch);
		(void)j->step(j->facts, j->talk, j->scratch);
	}
	j->done = true;
	pthread_cond_broadcast(&j->finished);
}

/* Under the lock, which is let go around each ask: sends all that is unsent. */
static void
job_send(struct job *j)
{
	struct dns_question *q = dns_talk_unsent(j->talk);

	if (q != NULL)
		j->counts.waves++;
	j->sending = true;
	j->refs++;
	for (; q != NULL && !j->dropped && !j->done;
	     q = dns_talk_unsent(j->talk)) {
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
 * Under the lock: runs the core and sends its questions until some are open
 * that it waits for.  What was asked ahead holds nothing up: a dead name that
 * turns out not to be needed must not cost a message its time.
 */
static void
job_advance(struct job *j)
{
	while (!j->done && !j->dropped && !j->sending) {
		if (dns_talk_unsent(j->talk) != NULL)
			job_send(j);
		else if (dns_talk_waited_for(j->talk) > 0)
			return;
		else
			job_run(j);
	}
}

static void
job_answered(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct dns_question *q = (struct dns_question *)(void *)wait;
	struct job *j = dns_talk_driver(q->talk);

	pthread_mutex_lock(&j->lock);
	dns_talk_tell(q, answer);
	job_advance(j);
	job_release(j);
}

static bool
job_locks(struct job *j)
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

struct job *
job_start(struct dns_source *source, job_step *step, void *facts,
    size_t max_questions, size_t memory)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL || !job_locks(j)) {
		free(j);
		return NULL;
	}
	j->source = source;
	j->step = step;
	j->facts = facts;
	j->refs = 1;
	j->talk = dns_talk_new(max_questions);
	j->scratch = arena_new(memory);
	if (j->talk == NULL || j->scratch == NULL) {
		job_free(j);
		return NULL;
	}
	dns_talk_set_driver(j->talk, j);
	pthread_mutex_lock(&j->lock);
	job_run(j);
	job_advance(j);
	pthread_mutex_unlock(&j->lock);
	return j;
}

/* Under the lock. */
static void
wait_until(struct job *j, int64_t when)
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
job_done_by(struct job *j, int64_t until)
{
	bool done;

	pthread_mutex_lock(&j->lock);
	wait_until(j, until);
	done = j->done;
	pthread_mutex_unlock(&j->lock);
	return done;
}

bool
job_wait(struct job *j, int64_t deadline)
{
	bool in_time;

	pthread_mutex_lock(&j->lock);
	wait_until(j, deadline);
	if (!j->done) {
		j->counts.gave_up = true;
		dns_talk_give_up(j->talk, DNS_FAULT_BUDGET);
		job_run(j);
	}
	/* What was asked ahead may still come: from here on the talk is read
	 * without the lock. */
	if (dns_talk_pending(j->talk) > 0)
		dns_talk_give_up(j->talk, DNS_FAULT_BUDGET);
	if (dns_talk_ran_out(j->talk) || arena_has_failed(j->scratch))
		j->counts.gave_up = true;
	in_time = !j->counts.gave_up;
	pthread_mutex_unlock(&j->lock);
	return in_time;
}

struct dns_talk *
job_talk(struct job *j)
{
	return j->talk;
}

struct arena *
job_scratch(struct job *j)
{
	return j->scratch;
}

struct job_counts
job_count(struct job *j)
{
	struct job_counts counts;

	pthread_mutex_lock(&j->lock);
	counts = j->counts;
	pthread_mutex_unlock(&j->lock);
	return counts;
}

void
job_drop(struct job *j)
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
