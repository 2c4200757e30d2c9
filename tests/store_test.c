/*
 * The store: rows merged, groups committed, and nothing that is wrong with the
 * file ever more than a late row.
 */
#include "report/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/schema.h"
#include "report/tidy.h"
#include "report/writer.h"
#include "tests/support/rows.h"

enum {
	THREADS = 8,
	KILLS = 20,
	WAIT_MS = 20000, /* for what must come in the end */
	LATE_MS = 2000,  /* a put that takes so long has waited for the store;
	                    it is STORE_COMMIT_WAIT_MS, on a busy machine more
	                  */
};

static struct place place;

static int
set_up(void **state)
{
	(void)state;
	place_make(&place);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	umount(place.folder); /* where full_disk() did not come to its end */
	place_remove(&place);
	return 0;
}

static int64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* ROWS_DAY is long ago: nothing of it may be past its retention. */
static struct store *
open_at(const char *file)
{
	char error[200];
	struct store *s = store_open(&(struct store_options){ .path = file,
					 .retention_days = 36500,
					 .replay_days = 36500,
					 .received_days = 36500 },
	    error, sizeof(error));

	if (s == NULL)
		fail_msg("%s", error);
	return s;
}

static bool
put(struct store *s, unsigned domain, unsigned source)
{
	struct kept_message m;

	rows_message(&m, domain, source);
	return store_put(s, &m.row, &m.facts, &m.decision, m.row.when);
}

static struct store_counts
counts(struct store *s)
{
	struct store_counts c;

	store_counts(s, &c);
	return c;
}

/* All that was put is on disk or lost, before too long. */
static void
wait_until_empty(struct store *s)
{
	int64_t until = clock_ms() + WAIT_MS;

	while (counts(s).queued > 0) {
		if (clock_ms() > until)
			fail_msg("%zu messages still wait", counts(s).queued);
		sleep_ms(10);
	}
}

/* The writer has met what is wrong with the file. */
static void
wait_until_faulty(struct store *s)
{
	int64_t until = clock_ms() + WAIT_MS;

	while (counts(s).faults == 0) {
		if (clock_ms() > until)
			fail_msg("no fault was counted");
		sleep_ms(10);
	}
}

/* As put(), and what is late (another program has the disk) is waited for. */
static void
put_for_sure(struct store *s, unsigned domain, unsigned source)
{
	uint64_t lost = counts(s).lost;

	if (!put(s, domain, source))
		wait_until_empty(s);
	assert_int_equal(counts(s).lost, lost);
}

/* ---- from outside ---- */

static void
run_sql(const char *text)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(place.file, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, WAIT_MS);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
	sqlite3_close(db);
}

static enum sql_fault
write_one(struct writer *w, unsigned number, int64_t now, size_t *refused)
{
	struct kept_message m;
	struct entry *e;
	enum sql_fault fault;

	rows_message(&m, number, number);
	e = entry_new(&m.row, NULL, NULL, now);
	assert_non_null(e);
	fault = writer_write(w, e, now, refused);
	free(e);
	return fault;
}

/* ---- rows ---- */

/* Equal messages are one row with a count. */
static void
merges(void **state)
{
	struct store *s = open_at(place.file);
	struct rows_sum sum;

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		put_for_sure(s, i % 3, i % 2);
	assert_int_equal(counts(s).put, 300);
	assert_int_equal(counts(s).committed, 300);
	assert_int_equal(counts(s).lost, 0);
	sum = rows_sum(place.file, ROWS_DAY, NULL); /* while it is open */
	assert_int_equal(sum.domains, 3);
	assert_int_equal(sum.rows, 6);
	assert_int_equal(sum.messages, 300);
	assert_int_equal(sum.aligned, 300);
	assert_int_equal(sum.automatic, 0);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, "d1.example.com").messages, 100);
	assert_int_equal(rows_sum(place.file, ROWS_DAY + 1, NULL).messages, 0);
	assert_int_equal(rows_fates(place.file, ROWS_DAY), 300);
	store_close(s, 1000);
}

/* Each element of the key tells rows apart. */
static void
keys(void **state)
{
	struct store *s = open_at(place.file);
	struct kept_message m;
	unsigned variant;

	(void)state;
	for (variant = 0; variant < 15; variant++) {
		rows_message(&m, 1, 1);
		switch (variant) {
		case 1:
			m.row.when += REPORT_DAY;
			break;
		case 2:
			m.row.record = SPAN("v=DMARC1; p=none");
			break;
		case 3:
			m.row.source.bytes[3] = 77;
			break;
		case 4:
			m.row.header_from = SPAN("sub.d1.example.com");
			break;
		case 5:
			m.row.envelope_from = SPAN("");
			break;
		case 6:
			m.row.disposition = SPAN("reject");
			break;
		case 7:
			m.row.dkim_aligned = false;
			break;
		case 8:
			m.row.spf_aligned = false;
			break;
		case 9:
			m.row.override = SPAN("local_policy");
			break;
		case 10:
			m.row.comment = SPAN("why");
			break;
		case 11:
			m.row.spf_result = SPAN("fail");
			break;
		case 12:
			m.row.dkim[0].selector = SPAN("s2");
			break;
		case 13:
			m.row.n_dkim = 0;
			break;
		case 14:
			m.row.automatic = true;
			break;
		}
		for (int twice = 0; twice < 2; twice++)
			if (!store_put(s, &m.row, NULL, NULL, m.row.when))
				wait_until_empty(s);
	}
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, NULL).rows, variant - 1);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, NULL).messages, 2 * (variant - 1));
	assert_int_equal(rows_sum(place.file, ROWS_DAY + 1, NULL).rows, 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).automatic, 2);
	assert_int_equal(rows_fates(place.file, 0), 0);
	store_close(s, 1000);
}

struct seen_row {
	struct report_row row;
	unsigned n;
};

static bool
see_row(void *arg, const struct report_row *r)
{
	struct seen_row *seen = arg;

	seen->n++;
	assert_true(span_is(r->policy_domain, "d1.example.com"));
	assert_int_equal(r->count, 5);
	assert_true(
	    ip_equal(&r->source, &(struct ip){ IP_V4, { 192, 0, 2, 9 } }));
	assert_true(span_is(r->header_from, "d1.example.com"));
	assert_true(span_is(r->envelope_from, "d1.example.com"));
	assert_true(span_is(r->disposition, "quarantine"));
	assert_true(r->dkim_aligned && !r->spf_aligned);
	assert_true(span_is(r->override, "mailing_list"));
	assert_true(span_is(r->comment, "a list, it ?seems?"));
	assert_true(span_is(r->spf_domain, "d1.example.com"));
	assert_true(span_is(r->spf_scope, "mfrom"));
	assert_true(span_is(r->spf_result, "softfail"));
	assert_int_equal(r->n_dkim, 1);
	assert_true(span_is(r->dkim[0].domain, "d1.example.com"));
	assert_true(span_is(r->dkim[0].selector, "s1"));
	assert_true(span_is(r->dkim[0].result, "pass"));
	return true;
}

/* What comes out is what went in, cleaned. */
static void
row_comes_back(void **state)
{
	struct store *s = open_at(place.file);
	struct seen_row seen = { .n = 0 };
	struct kept_message m;
	struct ledger *l;
	char error[SQL_ERROR_MAX];

	(void)state;
	rows_message(&m, 1, 9);
	m.row.count = 5;
	m.row.disposition = SPAN("quarantine");
	m.row.spf_aligned = false;
	m.row.override = SPAN("mailing_list");
	m.row.comment = SPAN("a list, it \033seems\n");
	m.row.spf_result = SPAN("softfail");
	if (!store_put(s, &m.row, &m.facts, &m.decision, m.row.when))
		wait_until_empty(s);
	l = ledger_open_file(place.file, SQLITE_FOR_READING, error);
	assert_non_null(l);
	assert_int_equal(ledger_each_row(l, ROWS_DAY, SPAN("d1.example.com"),
			     see_row, &seen),
	    LEDGER_OK);
	assert_int_equal(seen.n, 1);
	assert_int_equal(ledger_each_row(l, ROWS_DAY, SPAN("d2.example.com"),
			     see_row, &seen),
	    LEDGER_OK);
	assert_int_equal(seen.n, 1);
	ledger_close(l);
	store_close(s, 1000);
}

/* A closed day stays as it is: what comes late counts for the next. */
static void
closed_days(void **state)
{
	struct store *s = open_at(place.file);
	struct ledger *l;
	char error[SQL_ERROR_MAX];
	int64_t day;

	(void)state;
	put_for_sure(s, 1, 1);
	l = ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);
	assert_non_null(l);
	assert_int_equal(ledger_closed(l, &day), LEDGER_OK);
	assert_int_equal(day, -1);
	assert_int_equal(ledger_close_day(l, ROWS_DAY,
			     (int64_t)(ROWS_DAY + 1) * REPORT_DAY - 1),
	    LEDGER_NONE);
	assert_int_equal(
	    ledger_close_day(l, ROWS_DAY, (int64_t)(ROWS_DAY + 1) * REPORT_DAY),
	    LEDGER_OK);
	assert_int_equal(ledger_closed(l, &day), LEDGER_OK);
	assert_int_equal(day, ROWS_DAY);
	put_for_sure(s, 1, 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY + 1, NULL).messages, 1);
	/* closing an earlier one opens nothing */
	assert_int_equal(
	    ledger_close_day(l, ROWS_DAY - 5, (int64_t)ROWS_DAY * REPORT_DAY),
	    LEDGER_OK);
	assert_int_equal(ledger_closed(l, &day), LEDGER_OK);
	assert_int_equal(day, ROWS_DAY);
	ledger_close(l);
	store_close(s, 1000);
}

/*
 * A clock that was ahead, and then is not: what was closed meanwhile is opened
 * again, unless a report was made of it, and nothing is counted twice.
 */
static void
clock_set_back(void **state)
{
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .tidy = { 400, 400, 400 } });
	const int64_t today = (int64_t)ROWS_DAY * REPORT_DAY;
	const int64_t ahead = today + 300LL * REPORT_DAY;
	struct ledger *l;
	char error[SQL_ERROR_MAX];
	size_t refused;
	int64_t closed;

	(void)state;
	assert_int_equal(write_one(w, 1, ahead, &refused), SQL_FINE);
	assert_int_equal(write_one(w, 1, today, &refused), SQL_FINE);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 1);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY + 300, NULL).messages, 1);
	l = ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);
	assert_non_null(l);
	/* a run of `report send` while it is ahead, then mail, then another */
	assert_int_equal(ledger_close_day(l, ROWS_DAY + 299, ahead), LEDGER_OK);
	assert_int_equal(write_one(w, 1, today, &refused), SQL_FINE);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY + 300, NULL).messages, 2);
	assert_int_equal(ledger_close_day(l, ROWS_DAY - 5, today), LEDGER_OK);
	assert_int_equal(ledger_closed(l, &closed), LEDGER_OK);
	assert_int_equal(closed, ROWS_DAY - 1);
	assert_int_equal(write_one(w, 1, today, &refused), SQL_FINE);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 2);
	/* made reports of: closed for good */
	assert_int_equal(ledger_close_day(l, ROWS_DAY + 299, ahead), LEDGER_OK);
	run_sql("INSERT INTO report VALUES (1, 20100, 'a', 1, 1, 'x', '', 0, "
		"0, 0, '')");
	assert_int_equal(ledger_close_day(l, ROWS_DAY - 1, today), LEDGER_OK);
	assert_int_equal(ledger_closed(l, &closed), LEDGER_OK);
	assert_int_equal(closed, ROWS_DAY + 299);
	run_sql("DELETE FROM report; INSERT INTO meta VALUES ('pushed', "
		"'20000')");
	assert_int_equal(ledger_close_day(l, ROWS_DAY - 1, today), LEDGER_OK);
	assert_int_equal(ledger_closed(l, &closed), LEDGER_OK);
	assert_int_equal(closed, ROWS_DAY + 299);
	run_sql("UPDATE meta SET value = '19999' WHERE name = 'pushed'");
	assert_int_equal(ledger_close_day(l, ROWS_DAY - 1, today), LEDGER_OK);
	assert_int_equal(ledger_closed(l, &closed), LEDGER_OK);
	assert_int_equal(closed, ROWS_DAY - 1);
	ledger_close(l);
	/* what is of days to come is not too old, what is of today neither */
	while (writer_tidy(w, today))
		;
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY + 300, NULL).messages, 2);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 2);
	writer_free(w);
}

/* ---- groups ---- */

struct putter {
	struct store *store;
	unsigned domain, messages;
	unsigned on_disk;
};

static void *
putter_main(void *arg)
{
	struct putter *p = arg;

	for (unsigned i = 0; i < p->messages; i++)
		p->on_disk += put(p->store, p->domain, i % 7);
	return NULL;
}

/* Messages of several threads are committed together. */
static void
groups(void **state)
{
	struct store *s = open_at(place.file);
	struct putter putters[THREADS];
	pthread_t threads[THREADS];
	unsigned on_disk = 0;

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		putters[i] = (struct putter){ s, i, 200, 0 };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, putter_main, &putters[i]),
		    0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		on_disk += putters[i].on_disk;
	}
	wait_until_empty(s);
	assert_int_equal(counts(s).committed, THREADS * 200);
	assert_true(counts(s).groups < THREADS * 200);
	assert_true(on_disk > THREADS * 200 / 2);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, NULL).messages, THREADS * 200);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, NULL).rows, THREADS * 7);
	store_close(s, 1000);
}

/* What waits when it is closed is still committed. */
static void
close_commits(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 10; round++) {
		struct store *s = open_at(place.file);

		put(s, round, 1);
		store_close(s, 10000);
		assert_int_equal(
		    rows_sum(place.file, ROWS_DAY, NULL).messages, round + 1);
	}
	assert_int_equal(place_count(&place, "-wal"), 0);
}

/* ---- death ---- */

/* Shared with a child: what each of its threads has begun and was told. */
struct board {
	atomic_uint begun[THREADS];
	atomic_uint told[THREADS];
};

static struct board *
board_new(void)
{
	void *p = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

struct victim {
	struct store *store;
	struct board *board;
	unsigned number;
};

static void *
victim_main(void *arg)
{
	struct victim *v = arg;

	for (;;) {
		atomic_fetch_add(&v->board->begun[v->number], 1);
		/* one that is late is not told; none may be */
		if (put(v->store, v->number, v->board->begun[v->number] % 11))
			atomic_fetch_add(&v->board->told[v->number], 1);
	}
	return NULL;
}

static pid_t
victim_start(struct board *board)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;

	static struct victim victims[THREADS];
	struct store *s =
	    store_open(&(struct store_options){ .path = place.file,
			   .retention_days = 36500,
			   .replay_days = 36500 },
		(char[200]){ 0 }, 200);
	pthread_t thread;

	for (unsigned i = 0; s != NULL && i < THREADS; i++) {
		victims[i] = (struct victim){ s, board, i };
		if (pthread_create(&thread, NULL, victim_main, &victims[i]) !=
		    0)
			break;
	}
	for (;;)
		pause();
}

/*
 * SIGKILL under load, KILLS times: each thread's messages in the store are
 * those it was told are on disk, and at most the ones that were under way or
 * late besides.
 */
static void
killed(void **state)
{
	struct board *board = board_new();
	unsigned told_in_all = 0;

	(void)state;
	for (unsigned round = 0; round < KILLS; round++) {
		pid_t pid = victim_start(board);
		unsigned before = told_in_all;

		/* until it works, and then some */
		for (unsigned ms = 0;
		     told_in_all < before + 100 && ms < WAIT_MS; ms++) {
			sleep_ms(1);
			told_in_all = 0;
			for (unsigned i = 0; i < THREADS; i++)
				told_in_all += atomic_load(&board->told[i]);
		}
		sleep_ms((long)(round * 7 % 40));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		told_in_all = 0;
		for (unsigned i = 0; i < THREADS; i++) {
			char domain[ROWS_TEXT];
			unsigned told = atomic_load(&board->told[i]);
			unsigned begun = atomic_load(&board->begun[i]);
			uint64_t kept;

			snprintf(domain, sizeof(domain), "d%u.example.com", i);
			kept = rows_sum(place.file, ROWS_DAY, domain).messages;
			if (kept < told || kept > begun)
				fail_msg("kill %u, thread %u: told %u, in the "
					 "store %u, begun %u",
				    round, i, told, (unsigned)kept, begun);
			/* from here on as if it had been told of all */
			atomic_store(&board->told[i], (unsigned)kept);
			atomic_store(&board->begun[i], (unsigned)kept);
			told_in_all += (unsigned)kept;
		}
	}
	print_message("%u messages, %u kills\n", told_in_all, KILLS);
	assert_true(told_in_all > KILLS);
	assert_int_equal(rows_fates(place.file, 0), told_in_all);
	munmap(board, sizeof(*board));
}

/* ---- faults of the file ---- */

/* Locked by another program: nobody waits for it longer than agreed, and all is
 * there when it is over. */
static void
locked(void **state)
{
	struct store *s = open_at(place.file);
	sqlite3 *other;
	int64_t begin;

	(void)state;
	put_for_sure(s, 1, 1);
	assert_int_equal(sqlite3_open(place.file, &other), SQLITE_OK);
	sqlite3_busy_timeout(other, WAIT_MS); /* the writer keeps house */
	assert_int_equal(
	    sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	begin = clock_ms();
	assert_false(put(s, 1, 2));
	assert_true(clock_ms() - begin < LATE_MS);
	wait_until_faulty(s);
	begin = clock_ms();
	for (unsigned i = 0; i < 200; i++)
		assert_false(put(s, 1, 3));
	assert_true(clock_ms() - begin < LATE_MS);
	assert_int_equal(counts(s).queued, 201);
	assert_int_equal(
	    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	wait_until_empty(s);
	assert_int_equal(counts(s).lost, 0);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 202);
	put_for_sure(s, 1, 1);
	store_close(s, 1000);
}

/* In a child, since limits are the process's.  Exits 0. */
static void
full_child(struct rlimit *limit)
{
	struct store *s = open_at(place.file);
	unsigned put_in_all = 0;

	signal(SIGXFSZ, SIG_IGN);
	put_for_sure(s, 0, 0);
	put_in_all++;
	limit->rlim_cur = 200000; /* bytes of a file */
	if (setrlimit(RLIMIT_FSIZE, limit) != 0)
		_exit(1);
	while (counts(s).faults == 0 && put_in_all < 50000) {
		put(s, put_in_all, put_in_all);
		put_in_all++;
	}
	if (counts(s).faults == 0 || counts(s).lost != 0)
		_exit(2);
	for (unsigned i = 0; i < 100; i++, put_in_all++)
		if (put(s, i, i))
			_exit(3); /* there is no room */
	limit->rlim_cur = limit->rlim_max;
	if (setrlimit(RLIMIT_FSIZE, limit) != 0)
		_exit(4);
	wait_until_empty(s);
	if (counts(s).lost != 0 || counts(s).committed != put_in_all)
		_exit(5);
	store_close(s, 1000);
	if (rows_sum(place.file, ROWS_DAY, NULL).messages != put_in_all)
		_exit(6);
	_exit(0);
}

static void
full_by_limit(void **state)
{
	struct rlimit limit;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		full_child(&limit);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The same on a file system that is full; for root alone. */
static void
full_disk(void **state)
{
	struct store *s;
	char big[ROWS_PATH + 20];
	char zeros[4096] = { 0 };
	unsigned put_in_all = 0;
	int fd;

	(void)state;
	if (mount("tmpfs", place.folder, "tmpfs", 0, "size=1m") != 0)
		skip();
	s = open_at(place.file);
	put_for_sure(s, 0, 0);
	put_in_all++;
	snprintf(big, sizeof(big), "%s/big", place.folder);
	fd = open(big, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	close(fd);
	while (counts(s).faults == 0 && put_in_all < 5000) {
		put(s, put_in_all, put_in_all);
		put_in_all++;
	}
	assert_true(counts(s).faults > 0);
	assert_int_equal(counts(s).lost, 0);
	unlink(big);
	wait_until_empty(s);
	assert_int_equal(counts(s).lost, 0);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, NULL).messages, put_in_all);
	store_close(s, 1000);
	assert_int_equal(umount(place.folder), 0);
}

/* Removed under our feet: a new one is begun with the next message. */
static void
removed(void **state)
{
	struct store *s = open_at(place.file);
	char path[ROWS_PATH + 8];

	(void)state;
	put_for_sure(s, 1, 1);
	assert_int_equal(unlink(place.file), 0);
	put_for_sure(s, 2, 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 1);
	/* with all that belongs to it */
	assert_int_equal(unlink(place.file), 0);
	snprintf(path, sizeof(path), "%s-wal", place.file);
	unlink(path);
	snprintf(path, sizeof(path), "%s-shm", place.file);
	unlink(path);
	put_for_sure(s, 3, 1);
	put_for_sure(s, 3, 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 2);
	/* the log alone: what is in it must not get lost */
	snprintf(path, sizeof(path), "%s-wal", place.file);
	unlink(path);
	put_for_sure(s, 3, 1);
	store_close(s, 1000);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 3);
	assert_int_equal(place_count(&place, "corrupt"), 0);
}

static void
write_file(const char *path, const char *bytes, size_t n, off_t at)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), n);
	close(fd);
}

/* No database at all: set aside before there is mail. */
static void
corrupt_at_start(void **state)
{
	static const char garbage[] =
	    "This is a letter to my grandmother, and longer than the header of "
	    "a database, so that nobody takes it for one that is only short.";
	struct store *s;

	(void)state;
	write_file(place.file, garbage, sizeof(garbage), 0);
	s = open_at(place.file);
	put_for_sure(s, 1, 1);
	put_for_sure(s, 1, 1);
	assert_int_equal(counts(s).set_aside, 1);
	assert_int_equal(counts(s).lost, 0);
	assert_int_equal(place_count(&place, "store.db.corrupt-20"), 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 2);
	store_close(s, 1000);
}

/* Pages broken while it is in use: no message is lost but those that were in
 * them. */
static void
corrupt_in_use(void **state)
{
	static char rubbish[1 << 16];
	struct store *s = open_at(place.file);
	struct stat st;
	unsigned later = 0;

	(void)state;
	memset(rubbish, 0xa5, sizeof(rubbish));
	for (unsigned i = 0; i < 400; i++)
		put(s, i, i);
	wait_until_empty(s);
	store_close(s, 5000); /* all is in the file */
	assert_int_equal(stat(place.file, &st), 0);
	for (off_t at = 4096; at < st.st_size; at += (off_t)sizeof(rubbish))
		write_file(place.file, rubbish, sizeof(rubbish), at);
	s = open_at(place.file);
	while (counts(s).set_aside == 0 && later < 3000) {
		put(s, later, later + 1);
		later++;
	}
	put(s, 1, 1);
	later++;
	wait_until_empty(s);
	assert_int_equal(counts(s).set_aside, 1);
	assert_int_equal(counts(s).lost, 0);
	assert_int_equal(place_count(&place, "store.db.corrupt-20"), 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, later);
	store_close(s, 1000);
}

/* Not ours, or made by who knows better: it is left as it is. */
static void
not_ours(void **state)
{
	static const char *const others[] = {
		"CREATE TABLE cookies (a); INSERT INTO cookies VALUES (1)",
		"PRAGMA application_id = 7; CREATE TABLE cookies (a)",
		("PRAGMA application_id = 1635151733; PRAGMA user_version = 99;"
		 "CREATE TABLE kept (a)"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct store *s;
		char before[8192], after[8192];
		FILE *f;
		size_t n;

		unlink(place.file);
		run_sql(others[i]);
		f = fopen(place.file, "rb");
		n = fread(before, 1, sizeof(before), f);
		fclose(f);
		s = open_at(place.file);
		assert_false(put(s, 1, 1));
		wait_until_faulty(s);
		assert_int_equal(counts(s).queued, 1);
		store_close(s, 50);
		f = fopen(place.file, "rb");
		assert_int_equal(fread(after, 1, sizeof(after), f), n);
		fclose(f);
		assert_memory_equal(before, after, n);
		assert_int_equal(place_count(&place, "corrupt"), 0);
	}
}

/* A folder that is not there yet, and comes. */
static void
away(void **state)
{
	char path[ROWS_PATH + 20], folder[ROWS_PATH + 10];
	struct store *s;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/later", place.folder);
	snprintf(path, sizeof(path), "%s/store.db", folder);
	s = open_at(path);
	assert_false(put(s, 1, 1));
	assert_false(put(s, 1, 1));
	assert_int_equal(mkdir(folder, 0700), 0);
	wait_until_empty(s);
	assert_int_equal(counts(s).lost, 0);
	assert_int_equal(rows_sum(path, ROWS_DAY, NULL).messages, 2);
	store_close(s, 1000);
	unlink(path);
	rmdir(folder);
}

/* The queue has an end; beyond it messages are counted as lost, at once. */
static void
queue_is_bounded(void **state)
{
	char path[ROWS_PATH + 20];
	struct store *s;
	int64_t begin = clock_ms();

	(void)state;
	snprintf(path, sizeof(path), "%s/nowhere/store.db", place.folder);
	s = open_at(path);
	for (unsigned i = 0; i < STORE_QUEUE_MAX + 50; i++)
		assert_false(put(s, i, i));
	assert_int_equal(counts(s).queued, STORE_QUEUE_MAX);
	assert_int_equal(counts(s).lost, 50);
	assert_int_equal(counts(s).committed, 0);
	assert_true(clock_ms() - begin < WAIT_MS); /* nobody waits */
	store_close(s, 50);
}

static void
bad_options(void **state)
{
	char error[200] = "";

	(void)state;
	assert_null(store_open(&(struct store_options){ .path = "store.db" },
	    error, sizeof(error)));
	assert_non_null(strstr(error, "begin with"));
	assert_null(store_open(
	    &(struct store_options){ .path = NULL }, error, sizeof(error)));
	store_close(NULL, 0);
}

/* Who makes every message different cannot fill the disk: the day's share of
 * new texts ends, what is known is still counted. */
static void
new_texts_are_bounded(void **state)
{
	struct writer *w =
	    writer_new(&(struct writer_options){ .path = place.file,
		.new_max = 9, /* a policy, a source, a shape each */
		.tidy = { 400, 400, 400 } });
	const int64_t now = (int64_t)ROWS_DAY * REPORT_DAY;
	size_t refused;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(write_one(w, i, now, &refused), SQL_FINE);
		assert_int_equal(refused, i >= 3);
	}
	assert_int_equal(write_one(w, 1, now, &refused), SQL_FINE);
	assert_int_equal(refused, 0);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 4);
	assert_int_equal(write_one(w, 4, now + REPORT_DAY, &refused), SQL_FINE);
	assert_int_equal(refused, 0);
	writer_free(w);
}

/* A disk that breaks every file does not fill up with them. */
static void
set_aside_seldom(void **state)
{
	static const char garbage[200] = "no database";
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .tidy = { 400, 400, 400 } });
	const int64_t now = (int64_t)ROWS_DAY * REPORT_DAY;
	size_t refused;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		write_file(place.file, garbage, sizeof(garbage), 0);
		assert_int_equal(
		    write_one(
			w, 1, now + round * (WRITER_SET_ASIDE_S / 2), &refused),
		    SQL_CORRUPT);
		assert_int_equal(writer_set_aside(w), round < 2 ? 1 : 2);
		assert_int_equal(access(place.file, F_OK) == 0, round == 1);
	}
	assert_int_equal(write_one(w, 1, now, &refused), SQL_FINE);
	assert_int_equal(place_count(&place, ".corrupt-"), 2);
	writer_free(w);
}

/* ---- schema ---- */

enum { HASHED = 4 }; /* the version since which long texts have a hash */

/*
 * Takes a file of today back to `version`: the tables of then are made by the
 * steps of then, and the rows of the daemon's put into them.
 */
static void
make_version(int version, bool application)
{
	char text[100];
	enum sql_fault fault;
	char error[SQL_ERROR_MAX];
	struct sql *db =
	    sqlite_open(place.file, SQLITE_FOR_COMMAND, &fault, error);

	assert_non_null(db);
	assert_true(sql_run(db,
	    "DROP TABLE received; DROP TABLE received_row; DROP TABLE report;"
	    "DROP TABLE delivery; DROP TABLE bounce; DROP TABLE failure;"
	    "DROP INDEX policy_domain; DROP INDEX shape_hash;"
	    "DROP INDEX facts_hash;"
	    "ALTER TABLE meta RENAME TO meta_now;"
	    "ALTER TABLE kept RENAME TO kept_now;"
	    "ALTER TABLE policy RENAME TO policy_now;"
	    "ALTER TABLE source RENAME TO source_now;"
	    "ALTER TABLE shape RENAME TO shape_now;"
	    "ALTER TABLE facts RENAME TO facts_now;"
	    "ALTER TABLE decision RENAME TO decision_now;"
	    "ALTER TABLE replay RENAME TO replay_now"));
	assert_true(schema_upgrade(db, SCHEMA_SQLITE, 0, version));
	if (version > 0)
		assert_true(sql_run(db,
		    "INSERT INTO meta SELECT * FROM meta_now;"
		    "INSERT INTO kept SELECT * FROM kept_now;"
		    "INSERT INTO policy SELECT * FROM policy_now;"
		    "INSERT INTO source SELECT * FROM source_now;"
		    "INSERT INTO decision SELECT * FROM decision_now;"
		    "INSERT INTO replay SELECT * FROM replay_now"));
	if (version > 0 && version < HASHED)
		assert_true(sql_run(db,
		    "ALTER TABLE shape_now DROP COLUMN hash;"
		    "ALTER TABLE facts_now DROP COLUMN hash"));
	if (version > 0)
		assert_true(sql_run(db,
		    "INSERT INTO shape SELECT * FROM shape_now;"
		    "INSERT INTO facts SELECT * FROM facts_now"));
	assert_true(sql_run(db,
	    "DROP TABLE meta_now; DROP TABLE kept_now; DROP TABLE policy_now;"
	    "DROP TABLE source_now; DROP TABLE shape_now; DROP TABLE facts_now;"
	    "DROP TABLE decision_now; DROP TABLE replay_now"));
	snprintf(text, sizeof(text),
	    "PRAGMA user_version = %d; PRAGMA application_id = %d", version,
	    application ? SCHEMA_APPLICATION : 0);
	assert_true(sql_run(db, text));
	sql_close(db);
}

static int64_t
ask_number(const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	int64_t n;

	assert_int_equal(sqlite3_open(place.file, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, WAIT_MS);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return n;
}

/* Version 0 is a file of ours without tables, or without anything. */
static void
upgrade_from_0(void **state)
{
	(void)state;
	for (int application = 0; application < 2; application++) {
		struct store *s;

		unlink(place.file);
		make_version(0, application == 1);
		s = open_at(place.file);
		put_for_sure(s, 1, 1);
		store_close(s, 1000);
		assert_int_equal(
		    rows_sum(place.file, ROWS_DAY, NULL).messages, 1);
		assert_int_equal(
		    ask_number("PRAGMA user_version"), SCHEMA_VERSION);
		assert_int_equal(
		    ask_number("PRAGMA application_id"), SCHEMA_APPLICATION);
	}
}

/*
 * Rows of an older version are there after the upgrade; what is known from it
 * may have one more row on the day of the upgrade.
 */
static void
upgrade_in_place(void **state)
{
	(void)state;
	for (int version = 1; version < SCHEMA_VERSION; version++) {
		struct store *s;
		struct ledger *l;
		char error[SQL_ERROR_MAX];
		uint64_t n;
		unsigned shapes = version < HASHED ? 11 : 10;

		unlink(place.file);
		s = open_at(place.file);
		for (unsigned i = 0; i < 10; i++)
			put_for_sure(s, i, i);
		store_close(s, 1000);
		make_version(version, true);
		assert_int_equal(ask_number("PRAGMA user_version"), version);
		s = open_at(place.file);
		for (unsigned i = 0; i < 3; i++)
			put_for_sure(s, 1, 1);
		store_close(s, 1000);
		assert_int_equal(
		    rows_sum(place.file, ROWS_DAY, NULL).messages, 13);
		assert_int_equal(
		    rows_sum(place.file, ROWS_DAY, NULL).rows, shapes);
		assert_int_equal(
		    rows_sum(place.file, ROWS_DAY, "d1.example.com").messages,
		    4);
		assert_int_equal(rows_fates(place.file, ROWS_DAY), 13);
		assert_int_equal(
		    ask_number("SELECT count(*) FROM shape"), shapes);
		assert_int_equal(ask_number("SELECT count(*) FROM policy"), 10);
		assert_int_equal(
		    ask_number("PRAGMA user_version"), SCHEMA_VERSION);
		l = ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);
		assert_non_null(l);
		assert_int_equal(
		    ledger_sent_to(l, SPAN("a@b.example"), 0, &n), LEDGER_OK);
		assert_int_equal(
		    ledger_failures_sent(l, SPAN_NONE, 0, &n), LEDGER_OK);
		ledger_close(l);
	}
}

/* Readable by the group at most: addresses of people's hosts are in it. */
static void
file_mode(void **state)
{
	struct store *s = open_at(place.file);
	struct stat st;

	(void)state;
	put_for_sure(s, 1, 1);
	assert_int_equal(stat(place.file, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0);
	store_close(s, 1000);
}

/* ---- housekeeping ---- */

static void
write_days(struct writer *w, int64_t first, int64_t last)
{
	struct kept_message m;
	size_t refused;

	for (int64_t day = first; day <= last; day++) {
		struct entry *e;

		for (unsigned i = 0; i < 20; i++) {
			/* half of them are of that day alone */
			rows_message(
			    &m, i % 2 == 0 ? i : (unsigned)day * 100 + i, i);
			m.row.when = day * REPORT_DAY;
			e = entry_new(
			    &m.row, &m.facts, &m.decision, m.row.when);
			assert_non_null(e);
			assert_int_equal(
			    writer_write(w, e, m.row.when, &refused), SQL_FINE);
			assert_int_equal(refused, 0);
			free(e);
		}
	}
}

/* Rows, what they named and what was sent of them go when their time is over;
 * what is still named stays; free pages are given back. */
static void
retention(void **state)
{
	static const char *const tables[] = { "policy", "shape", "facts" };
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .tidy = { 30, 14, 400 } });
	int64_t now = (int64_t)100 * REPORT_DAY, pages;
	struct rows_sum sum;

	(void)state;
	assert_non_null(w);
	write_days(w, 1, 100);
	pages = ask_number("PRAGMA page_count");
	run_sql("INSERT INTO report VALUES (1, 69, 'a', 1, 1, 'x', '', 0, 0, "
		"0, ''), (2, 70, 'a', 1, 1, 'y', '', 0, 0, 0, '');"
		"INSERT INTO delivery VALUES (1, 1, 'b', 3, 1, 0, 0, ''), "
		"(2, 2, 'b', 3, 1, 0, 0, '')");
	while (writer_tidy(w, now))
		;
	assert_int_equal(ask_number("SELECT min(day) FROM kept"), 70);
	assert_int_equal(ask_number("SELECT count(*) FROM kept"), 31 * 20);
	assert_int_equal(ask_number("SELECT min(day) FROM replay"), 86);
	assert_int_equal(ask_number("SELECT count(*) FROM report"), 1);
	assert_int_equal(ask_number("SELECT id FROM delivery"), 2);
	for (size_t i = 0; i < 3; i++) {
		char text[200];

		snprintf(
		    text, sizeof(text), "SELECT count(*) FROM %s", tables[i]);
		assert_int_equal(
		    ask_number(text), 10 + 10 * (i == 2 ? 15 : 31));
	}
	assert_int_equal(ask_number("SELECT count(*) FROM source"), 20);
	assert_true(ask_number("PRAGMA page_count") < pages * 3 / 4);
	/* the numbers that are left are still right */
	write_days(w, 100, 100);
	sum = rows_sum(place.file, 100, NULL);
	assert_int_equal(sum.messages, 40);
	assert_int_equal(sum.rows, 20);
	assert_int_equal(ask_number("SELECT integrity_check = 'ok' "
				    "FROM pragma_integrity_check"),
	    1);
	/* once a day is enough */
	assert_false(writer_tidy(w, now + 3600));
	assert_true(writer_tidy(w, now + REPORT_DAY));
	writer_free(w);
}

/* A shape that a report of others uses is kept with it. */
static void
retention_of_received(void **state)
{
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .tidy = { 30, 14, 40 } });
	struct ledger *l;
	struct kept_message m;
	char error[SQL_ERROR_MAX];
	struct ledger_received r = {
		.organisation = SPAN("o"),
		.report_id = SPAN("1"),
		.domain = SPAN("d1.example.com"),
		.begin = 60 * REPORT_DAY,
		.read = 61 * REPORT_DAY,
	};

	(void)state;
	assert_int_equal(writer_open(w, 0), SQL_FINE);
	l = ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);
	assert_non_null(l);
	rows_message(&m, 1, 1);
	assert_int_equal(ledger_begin_received(l, &r), LEDGER_OK);
	assert_int_equal(ledger_add_received_row(l, &m.row), LEDGER_OK);
	assert_int_equal(ledger_end_received(l, true), LEDGER_OK);
	ledger_close(l);
	while (writer_tidy(w, (int64_t)100 * REPORT_DAY))
		;
	assert_int_equal(ask_number("SELECT count(*) FROM received_row"), 1);
	assert_int_equal(ask_number("SELECT count(*) FROM shape"), 1);
	assert_int_equal(ask_number("SELECT count(*) FROM source"), 1);
	while (writer_tidy(w, (int64_t)101 * REPORT_DAY))
		;
	assert_int_equal(ask_number("SELECT count(*) FROM received_row"), 0);
	assert_int_equal(ask_number("SELECT count(*) FROM received"), 0);
	assert_int_equal(ask_number("SELECT count(*) FROM shape"), 0);
	assert_int_equal(ask_number("SELECT count(*) FROM source"), 0);
	writer_free(w);
}

int
main(void)
{
#define AT_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		AT_PLACE(merges),
		AT_PLACE(keys),
		AT_PLACE(row_comes_back),
		AT_PLACE(closed_days),
		AT_PLACE(clock_set_back),
		AT_PLACE(groups),
		AT_PLACE(close_commits),
		AT_PLACE(killed),
		AT_PLACE(locked),
		AT_PLACE(full_by_limit),
		AT_PLACE(full_disk),
		AT_PLACE(removed),
		AT_PLACE(corrupt_at_start),
		AT_PLACE(corrupt_in_use),
		AT_PLACE(not_ours),
		AT_PLACE(away),
		AT_PLACE(queue_is_bounded),
		AT_PLACE(bad_options),
		AT_PLACE(new_texts_are_bounded),
		AT_PLACE(set_aside_seldom),
		AT_PLACE(upgrade_from_0),
		AT_PLACE(upgrade_in_place),
		AT_PLACE(file_mode),
		AT_PLACE(retention),
		AT_PLACE(retention_of_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
