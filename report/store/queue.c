#include "report/store/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "report/store/writer.h"

enum {
	GROUP_MAX = 4000,     /* messages per transaction */
	QUIET_MS = 500,       /* after this time without mail, the store is
	                         considered quiet */
	RETRY_LOCKED_MS = 10, /* pause after each wait for a lock (sqlite.c) */
	RETRY_FIRST_MS =
	    100, /* pause after another error; doubled each time ... */
	RETRY_LAST_MS = 5000, /* ... up to this limit */
	TIDY_MS = 1000,   /* interval between housekeeping steps while the store
	                     is busy */
	REST_MS = 60000,  /* wait if there is nothing to do */
	LOCKED_MS = 1000, /* locks held by others are logged after this time */
	ERROR_LASTED_MS =
	    5000,           /* if an error lasted longer, its end is logged */
	OWN_ERRORS_MAX = 3, /* after this many errors caused by our bugs,
	                           the group is dropped */
	STUCK_MS = 30000,   /* limit for a writer that does not return */
};

struct queue {
	struct queued_message *first, **last;
	size_t n, bytes;
};

struct store {
	char *path;
	struct writer *writer; /* used by the writer thread only */
	pthread_t thread;

	pthread_mutex_t lock; /* protects everything below */
	pthread_cond_t work;  /* wakes the writer: there is a message, or the
	                         daemon is shutting down */
	pthread_cond_t done;  /* wakes store_put(): a group was completed */
	struct queue queue;   /* waiting messages */
	struct queue group;   /* messages that the writer is writing now */
	uint64_t taken;       /* number of the last message queued */
	uint64_t
	    completed; /* all messages up to this number are stored or lost */
	uint64_t lost_until; /* number of the last lost message */
	bool idle;           /* the writer is waiting for work */
	bool has_error;      /* the last group could not be committed */
	bool ending;
	bool ended;          /* the writer has returned */
	int64_t error_since; /* clock_ms(), if has_error */
	int64_t end_by;      /* when the writer stops if commits fail */
	int64_t end_last;    /* when the writer stops in any case */
	struct store_counts counts;
	bool opened; /* the writer has tried to open the file */
	struct hash_secret redaction_key;

	/* Changed by the writer thread only. */
	enum sql_fault fault; /* result of the last attempt to write a group */
	unsigned faults;      /* number of consecutive failures */
	int64_t committed_at; /* clock_ms() of the last commit */
	int64_t log_since;    /* clock_ms() of the first commit that is only
	                         in the write-ahead log; 0: none */
	int64_t tidy_at;      /* when the next housekeeping step is overdue */
};

static struct timespec
clock_at(int64_t ms)
{
	return (struct timespec){
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000,
	};
}

/* ---- the queue ---- */

static void
queue_init(struct queue *q)
{
	*q = (struct queue){ .first = NULL };
	q->last = &q->first;
}

static void
queue_add(struct queue *q, struct queued_message *e)
{
	e->next = NULL;
	*q->last = e;
	q->last = &e->next;
	q->n++;
	q->bytes += e->size;
}

static struct queued_message *
queue_take(struct queue *q)
{
	struct queued_message *e = q->first;

	q->first = e->next;
	if (q->first == NULL)
		q->last = &q->first;
	q->n--;
	q->bytes -= e->size;
	return e;
}

static void
queue_free(struct queue *q)
{
	while (q->first != NULL)
		queued_message_free(queue_take(q));
}

/* ---- the writer ---- */

/* Waits for work until `until` (clock_ms()).  The caller must hold the lock. */
static void
wait_for_work(struct store *s, int64_t until)
{
	struct timespec at = clock_at(until);

	s->idle = true;
	pthread_cond_timedwait(&s->work, &s->lock, &at);
	s->idle = false;
}

/* Waits until `until`; only a shutdown of the daemon ends this wait early. */
static void
pause_until(struct store *s, int64_t until)
{
	struct timespec at = clock_at(until);

	while (!s->ending && clock_ms() < until)
		if (pthread_cond_timedwait(&s->work, &s->lock, &at) ==
		    ETIMEDOUT)
			break;
}

/*
 * Marks the group as completed: `lost` of its messages were lost, and the
 * others are stored.  The caller must hold the lock, which is released briefly,
 * so that the threads that wake up do not block on it.
 */
static void
complete_group(struct store *s, size_t lost)
{
	struct queue group = s->group;

	queue_init(&s->group);
	s->completed += group.n;
	if (lost > 0)
		s->lost_until = s->completed;
	s->counts.lost += lost;
	s->counts.committed += group.n - lost;
	pthread_mutex_unlock(&s->lock);
	pthread_cond_broadcast(&s->done);
	queue_free(&group);
	pthread_mutex_lock(&s->lock);
}

static size_t
waiting(const struct store *s)
{
	return s->group.n + s->queue.n;
}

static void
log_lost(struct store *s, size_t n, const char *why)
{
	log_limited("store-lost",
	    "store %s: the results of %zu messages were not stored: %s",
	    s->path, n, why);
}

/* Moves waiting messages into the group.  The caller must hold the lock. */
static void
take_group(struct store *s)
{
	while (s->queue.n > 0 && s->group.n < GROUP_MAX)
		queue_add(&s->group, queue_take(&s->queue));
}

static void
after_commit(struct store *s, size_t refused)
{
	int64_t now = clock_ms();

	if (refused > 0)
		log_warning("store-limit",
		    "store %s: the results of %zu messages were not stored: %s",
		    s->path, refused, writer_refusal(s->writer));
	if (s->has_error && now - s->error_since >= ERROR_LASTED_MS)
		log_say(LOG_LEVEL_WARNING, "store",
		    "store %s works again; %zu messages are waiting", s->path,
		    waiting(s));
	s->counts.groups++;
	s->has_error = false;
	s->fault = SQL_FINE;
	s->committed_at = now;
	if (s->log_since == 0)
		s->log_since = now;
	complete_group(s, refused);
}

/* Records an error, so that store_put() no longer waits.  The caller must hold
 * the lock. */
static void
note_error(struct store *s, enum sql_fault fault)
{
	int64_t now = clock_ms();

	if (!s->has_error)
		s->error_since = now;
	s->has_error = true;
	/* The avouch command sometimes locks the store briefly; that is not
	 * logged. */
	if (fault != SQL_LOCKED || now - s->error_since >= LOCKED_MS)
		log_limited("store", "store %s: %s; %zu messages are waiting",
		    s->path, writer_error(s->writer), waiting(s));
	s->faults = fault == s->fault ? s->faults + 1 : 1;
	s->fault = fault;
	s->counts.faults++;
	s->counts.set_aside = writer_quarantined(s->writer);
	pthread_cond_broadcast(&s->done);
}

/* Returns how long to wait after an error.  A lock may be released at any
 * moment; after any other error the wait doubles, up to RETRY_LAST_MS. */
static int64_t
retry_pause(const struct store *s)
{
	int64_t wait = RETRY_FIRST_MS;

	if (s->fault == SQL_LOCKED)
		return RETRY_LOCKED_MS;
	for (unsigned i = 1; i < s->faults && wait < RETRY_LAST_MS; i++)
		wait *= 2;
	return wait < RETRY_LAST_MS ? wait : RETRY_LAST_MS;
}

/* Waits before the next attempt to write the group, which stays ahead of all
 * other messages. */
static void
after_fault(struct store *s, enum sql_fault fault)
{
	note_error(s, fault);
	if (fault == SQL_WRONG && s->faults >= OWN_ERRORS_MAX) {
		log_lost(s, s->group.n, writer_error(s->writer));
		complete_group(s, s->group.n);
	}
	pause_until(s, clock_ms() + retry_pause(s));
}

/* Writes the group.  The caller must hold the lock, which is released during
 * the write. */
static void
write_group(struct store *s)
{
	size_t refused;
	enum sql_fault fault;

	pthread_mutex_unlock(&s->lock);
	fault =
	    writer_write(s->writer, s->group.first, clock_now().now, &refused);
	pthread_mutex_lock(&s->lock);
	if (fault == SQL_FINE)
		after_commit(s, refused);
	else
		after_fault(s, fault);
	s->redaction_key = writer_redaction_key(s->writer);
}

/*
 * Does housekeeping if the store is quiet or housekeeping is overdue.  Returns
 * the time (clock_ms()) at which to call this again.  The caller must hold the
 * lock, which is released during the work.
 */
static int64_t
housekeeping(struct store *s)
{
	int64_t now = clock_ms(), look = now + REST_MS;
	bool quiet = s->queue.n == 0 && now - s->committed_at >= QUIET_MS;
	bool copy = s->log_since != 0 &&
	    (now - s->log_since >= STORE_CHECKPOINT_S * 1000 ||
		writer_log_pages(s->writer) >= WRITER_LOG_PAGES);
	bool tidy = quiet || now >= s->tidy_at;

	if (copy || tidy)
		pthread_mutex_unlock(&s->lock);
	if (copy) {
		writer_checkpoint(s->writer);
		s->log_since = 0;
	}
	/* If the clock were ahead, all days would seem to have expired. */
	if (tidy && !clock_now().doubtful) {
		if (writer_housekeep(s->writer, clock_now().now))
			look = now + 1;
		s->tidy_at = now + TIDY_MS;
	}
	if (copy || tidy)
		pthread_mutex_lock(&s->lock);
	s->redaction_key = writer_redaction_key(s->writer);
	if (!quiet)
		look = now + QUIET_MS;
	if (s->log_since != 0 &&
	    s->log_since + STORE_CHECKPOINT_S * 1000 < look)
		look = s->log_since + STORE_CHECKPOINT_S * 1000;
	return look;
}

/* On shutdown, the writer continues until no message is waiting or its time is
 * up. */
static bool
goes_on(const struct store *s)
{
	int64_t by = s->fault == SQL_FINE ? s->end_last : s->end_by;

	return !s->ending || (waiting(s) > 0 && clock_ms() < by);
}

static void *
writer_main(void *arg)
{
	struct store *s = arg;
	enum sql_fault fault = writer_open(s->writer, clock_now().now);

	pthread_setname_np(pthread_self(), "store");
	pthread_mutex_lock(&s->lock);
	s->redaction_key = writer_redaction_key(s->writer);
	s->opened = true;
	pthread_cond_broadcast(&s->done);
	if (fault != SQL_FINE)
		note_error(s, fault);
	while (goes_on(s)) {
		int64_t look;

		if (waiting(s) > 0) {
			take_group(s);
			write_group(s);
		}
		look = housekeeping(s);
		if (waiting(s) == 0 && !s->ending)
			wait_for_work(s, look);
	}
	if (waiting(s) > 0) {
		log_lost(s, waiting(s), "the daemon is stopping");
		s->counts.lost += waiting(s);
	}
	s->ended = true;
	pthread_cond_broadcast(&s->done);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- functions for other threads ---- */

static bool
check_options(const struct store_options *o, char *error, size_t size)
{
	struct buf text = buf_wrap(error, size);

	if (o->path != NULL && o->path[0] == '/')
		return true;
	buf_text(&text, "the path of the store must begin with \"/\"");
	return false;
}

static bool
init_sync(struct store *s)
{
	pthread_condattr_t attr;

	if (pthread_condattr_init(&attr) != 0)
		return false;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, &attr);
	pthread_cond_init(&s->done, &attr);
	pthread_condattr_destroy(&attr);
	return true;
}

static void
store_free(struct store *s)
{
	queue_free(&s->queue);
	queue_free(&s->group);
	writer_free(s->writer);
	free(s->path);
	free(s);
}

struct store *
store_open(const struct store_options *o, char *error, size_t size)
{
	struct store *s;

	if (!check_options(o, error, size))
		return NULL;
	snprintf(error, size, "out of memory");
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	queue_init(&s->queue);
	queue_init(&s->group);
	s->path = strdup(o->path);
	s->writer = s->path == NULL ? NULL
				    : writer_new(&(struct writer_options){
					  .path = s->path,
					  .quota = o->quota,
					  .retention = o->retention,
				      });
	if (s->writer != NULL)
		s->redaction_key = writer_redaction_key(s->writer);
	if (s->writer == NULL || !init_sync(s) ||
	    pthread_create(&s->thread, NULL, writer_main, s) != 0) {
		store_free(s);
		return NULL;
	}
	return s;
}

/* The caller must hold the lock.  Returns false if the queue is full or
 * memory ran out. */
static bool
enqueue(struct store *s, struct queued_message *e)
{
	s->counts.put++;
	if (e != NULL && s->group.bytes + s->queue.bytes > STORE_FAILURE_BYTES)
		queued_message_drop_failure(e);
	if (e == NULL ||
	    s->group.bytes + s->queue.bytes + e->size > STORE_QUEUE_BYTES) {
		s->counts.lost++;
		return false;
	}
	queue_add(&s->queue, e);
	s->taken++;
	return true;
}

/* The caller must hold the lock, which is released briefly, so that the writer
 * does not block on it. */
static void
wake_writer(struct store *s)
{
	if (!s->idle)
		return;
	s->idle = false;
	pthread_mutex_unlock(&s->lock);
	pthread_cond_signal(&s->work);
	pthread_mutex_lock(&s->lock);
}

/* The caller must hold the lock. */
static bool
wait_until_completed(struct store *s, uint64_t number)
{
	struct timespec at = clock_at(clock_ms() + STORE_COMMIT_WAIT_MS);

	while (s->completed < number && !s->has_error)
		if (pthread_cond_timedwait(&s->done, &s->lock, &at) ==
		    ETIMEDOUT)
			break;
	return s->completed >= number && number > s->lost_until;
}

bool
store_put(struct store *s, const struct report_row *row,
    const struct policy_input *facts, const struct policy_decision *decision,
    const struct failure *failure, int64_t now)
{
	struct queued_message *e =
	    queued_message_new(row, facts, decision, now);
	bool room, on_disk = false;
	uint64_t number;

	if (e != NULL && failure != NULL)
		queued_message_add_failure(e, failure);
	pthread_mutex_lock(&s->lock);
	room = enqueue(s, e);
	number = s->taken;
	if (room) {
		wake_writer(s);
		on_disk = wait_until_completed(s, number);
	}
	pthread_mutex_unlock(&s->lock);
	if (!room) {
		log_lost(
		    s, 1, e == NULL ? "out of memory" : "the queue is full");
		queued_message_free(e);
	}
	return on_disk;
}

struct hash_secret
store_redaction_key(struct store *s)
{
	struct timespec at = clock_at(clock_ms() + STORE_COMMIT_WAIT_MS);
	struct hash_secret key;

	pthread_mutex_lock(&s->lock);
	while (!s->opened)
		if (pthread_cond_timedwait(&s->done, &s->lock, &at) ==
		    ETIMEDOUT)
			break;
	key = s->redaction_key;
	pthread_mutex_unlock(&s->lock);
	return key;
}

/* The caller must hold the lock. */
static struct store_counts
current_counts(const struct store *s)
{
	struct store_counts counts = s->counts;

	if (!s->ended) /* the thread has counted the others as lost */
		counts.queued = waiting(s);
	return counts;
}

void
store_counts(struct store *s, struct store_counts *out)
{
	pthread_mutex_lock(&s->lock);
	*out = current_counts(s);
	pthread_mutex_unlock(&s->lock);
}

/* The caller must hold the lock.  Returns false if the thread has made no
 * progress for `wait_ms` plus STUCK_MS. */
static bool
wait_until_ended(struct store *s, int64_t wait_ms)
{
	while (!s->ended) {
		int64_t commit = s->committed_at + wait_ms;
		int64_t by =
		    (commit > s->end_by ? commit : s->end_by) + STUCK_MS;
		struct timespec at = clock_at(by);

		if (clock_ms() >= by)
			return false;
		pthread_cond_timedwait(&s->done, &s->lock, &at);
	}
	return true;
}

struct store_counts
store_close(struct store *s, unsigned wait_ms)
{
	struct store_counts counts = { 0 };
	bool ended;

	if (s == NULL)
		return counts;
	pthread_mutex_lock(&s->lock);
	s->ending = true;
	s->end_by = clock_ms() + wait_ms;
	s->end_last = clock_ms() + STORE_CLOSE_MAX_MS;
	pthread_cond_broadcast(&s->work);
	ended = wait_until_ended(s, wait_ms);
	counts = current_counts(s);
	pthread_mutex_unlock(&s->lock);
	/* A disk that does not respond may block the thread forever, so the
	 * thread is abandoned. */
	if (!ended)
		return counts;
	pthread_join(s->thread, NULL);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->done);
	store_free(s);
	return counts;
}
