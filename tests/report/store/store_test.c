/*
 * The store: rows are merged, groups are committed, and no message that was
 * reported as stored is lost, whatever the clock does.
 */
#include "report/store/queue.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/store/writer.h"
#include "tests/support/store_fixture.h"

enum {
	THREADS = 8,
	KILLS = 20,
	KILL_WAIT_MS = 20000, /* longest wait for messages before each */
};

/* ---- rows ---- */

/* Equal messages are stored as one row with a count. */
static void
merges(void **state)
{
	struct store *s = fixture_open(place.file);
	struct rows_sum sum;

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		fixture_put_surely(s, i % 3, i % 2);
	assert_int_equal(fixture_counts(s).put, 300);
	assert_int_equal(fixture_counts(s).committed, 300);
	assert_int_equal(fixture_counts(s).lost, 0);
	sum = rows_sum(place.file, ROWS_DAY, NULL); /* while the store is
	                                               open */
	assert_int_equal(sum.domains, 3);
	assert_int_equal(sum.rows, 6);
	assert_int_equal(sum.messages, 300);
	assert_int_equal(sum.automatic, 0);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, "d1.example.com").messages, 100);
	assert_int_equal(rows_sum(place.file, ROWS_DAY + 1, NULL).messages, 0);
	assert_int_equal(rows_replayed(place.file, ROWS_DAY), 300);
	store_close(s, 1000);
}

/* Rows that differ in any element of the key are separate rows. */
static void
keys(void **state)
{
	struct store *s = fixture_open(place.file);
	struct kept_message m;
	unsigned variant;

	(void)state;
	for (variant = 0; variant < 15; variant++) {
		rows_message(&m, 1, 1);
		switch (variant) {
		case 1:
			m.row.when += DATE_DAY;
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
			if (!store_put(s, &m.row, NULL, NULL, NULL, m.row.when))
				fixture_wait(s);
	}
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, NULL).rows, variant - 1);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, NULL).messages, 2 * (variant - 1));
	assert_int_equal(rows_sum(place.file, ROWS_DAY + 1, NULL).rows, 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).automatic, 2);
	assert_int_equal(rows_replayed(place.file, 0), 0);
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

/* Rows are read back as they were written, except that strings are cleaned. */
static void
row_comes_back(void **state)
{
	struct store *s = fixture_open(place.file);
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
	if (!store_put(s, &m.row, &m.facts, &m.decision, NULL, m.row.when))
		fixture_wait(s);
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

/* A closed day does not change: late messages are counted in the next day. */
static void
closed_days(void **state)
{
	struct store *s = fixture_open(place.file);
	struct ledger *l;
	char error[SQL_ERROR_MAX];
	int64_t day;

	(void)state;
	fixture_put_surely(s, 1, 1);
	l = ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);
	assert_non_null(l);
	assert_int_equal(ledger_closed(l, &day), LEDGER_OK);
	assert_int_equal(day, -1);
	assert_int_equal(ledger_close_day(l, ROWS_DAY,
			     (int64_t)(ROWS_DAY + 1) * DATE_DAY - 1),
	    LEDGER_NONE);
	assert_int_equal(
	    ledger_close_day(l, ROWS_DAY, (int64_t)(ROWS_DAY + 1) * DATE_DAY),
	    LEDGER_OK);
	assert_int_equal(ledger_closed(l, &day), LEDGER_OK);
	assert_int_equal(day, ROWS_DAY);
	fixture_put_surely(s, 1, 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY + 1, NULL).messages, 1);
	/* closing an earlier day reopens nothing */
	assert_int_equal(
	    ledger_close_day(l, ROWS_DAY - 5, (int64_t)ROWS_DAY * DATE_DAY),
	    LEDGER_OK);
	assert_int_equal(ledger_closed(l, &day), LEDGER_OK);
	assert_int_equal(day, ROWS_DAY);
	ledger_close(l);
	store_close(s, 1000);
}

/*
 * If the clock was ahead, days that were closed too early are reopened, unless
 * a report was made from them, and nothing is counted twice.
 */
static void
clock_set_back(void **state)
{
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .retention = { 400, 400, 400 } });
	const int64_t today = (int64_t)ROWS_DAY * DATE_DAY;
	const int64_t ahead = today + 300LL * DATE_DAY;
	struct ledger *l;
	char error[SQL_ERROR_MAX];
	size_t refused;
	int64_t closed;

	(void)state;
	assert_int_equal(fixture_write(w, 1, ahead, &refused), SQL_FINE);
	assert_int_equal(fixture_write(w, 1, today, &refused), SQL_FINE);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 1);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY + 300, NULL).messages, 1);
	l = ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);
	assert_non_null(l);
	/* `report send` runs while the clock is ahead; mail arrives; it runs
	 * again */
	assert_int_equal(ledger_close_day(l, ROWS_DAY + 299, ahead), LEDGER_OK);
	assert_int_equal(fixture_write(w, 1, today, &refused), SQL_FINE);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY + 300, NULL).messages, 2);
	assert_int_equal(ledger_close_day(l, ROWS_DAY - 5, today), LEDGER_OK);
	assert_int_equal(ledger_closed(l, &closed), LEDGER_OK);
	assert_int_equal(closed, ROWS_DAY - 1);
	assert_int_equal(fixture_write(w, 1, today, &refused), SQL_FINE);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 2);
	/* a report was made: the day remains closed */
	assert_int_equal(ledger_close_day(l, ROWS_DAY + 299, ahead), LEDGER_OK);
	fixture_sql(
	    "INSERT INTO report VALUES (1, 20100, 'a', 1, 1, 'x', '', 0, "
	    "0, 0, '')");
	assert_int_equal(ledger_close_day(l, ROWS_DAY - 1, today), LEDGER_OK);
	assert_int_equal(ledger_closed(l, &closed), LEDGER_OK);
	assert_int_equal(closed, ROWS_DAY + 299);
	fixture_sql("DELETE FROM report; INSERT INTO meta VALUES ('pushed', "
		    "'20000')");
	assert_int_equal(ledger_close_day(l, ROWS_DAY - 1, today), LEDGER_OK);
	assert_int_equal(ledger_closed(l, &closed), LEDGER_OK);
	assert_int_equal(closed, ROWS_DAY + 299);
	fixture_sql("UPDATE meta SET value = '19999' WHERE name = 'pushed'");
	assert_int_equal(ledger_close_day(l, ROWS_DAY - 1, today), LEDGER_OK);
	assert_int_equal(ledger_closed(l, &closed), LEDGER_OK);
	assert_int_equal(closed, ROWS_DAY - 1);
	ledger_close(l);
	/* rows of today and of future days do not expire */
	while (writer_housekeep(w, today))
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
		p->on_disk += fixture_put(p->store, p->domain, i % 7);
	return NULL;
}

enum { EACH = 200, ALL = THREADS * EACH };

/* Returns how many of ALL messages were in the file when store_put()
 * returned. */
static unsigned
put_from_threads(struct store *s)
{
	struct putter putters[THREADS];
	pthread_t threads[THREADS];
	unsigned on_disk = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		putters[i] = (struct putter){ s, i, EACH, 0 };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, putter_main, &putters[i]),
		    0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		on_disk += putters[i].on_disk;
	}
	return on_disk;
}

/* Messages from several threads are committed together. */
static void
groups(void **state)
{
	struct store *s = fixture_open(place.file);
	unsigned rounds = 1;

	(void)state;
	/* the disk may be slow for a while */
	while (put_from_threads(s) <= ALL / 2 && rounds < 20)
		rounds++;
	fixture_wait(s);
	assert_int_equal(fixture_counts(s).committed, rounds * ALL);
	assert_true(fixture_counts(s).groups < rounds * ALL);
	assert_true(rounds < 20);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, NULL).messages, rounds * ALL);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, NULL).rows, THREADS * 7);
	store_close(s, 1000);
}

/* Waiting messages are committed when the store is closed. */
static void
close_commits(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 10; round++) {
		struct store *s = fixture_open(place.file);

		fixture_put(s, round, 1);
		store_close(s, 10000);
		assert_int_equal(
		    rows_sum(place.file, ROWS_DAY, NULL).messages, round + 1);
	}
	assert_int_equal(place_count(&place, "-wal"), 0);
}

/* ---- crashes ---- */

/* shared with a child: for each thread, how many messages it passed to
 * store_put(), and for how many of them store_put() returned true */
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
		/* store_put() may return false for messages that are stored
		 * late, even for all of them */
		if (fixture_put(
			v->store, v->number, v->board->begun[v->number] % 11))
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
			   .retention = { 36500, 36500, 36500 } },
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
 * Sends SIGKILL under load, KILLS times.  For each thread, the store must have
 * all messages for which store_put() returned true; it may also have others
 * that were passed to store_put().
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
		int64_t give_up = fixture_ms() + KILL_WAIT_MS;

		/* wait until the child has stored messages, and a little
		 * longer */
		while (told_in_all < before + 100 && fixture_ms() < give_up) {
			fixture_sleep(1);
			told_in_all = 0;
			for (unsigned i = 0; i < THREADS; i++)
				told_in_all += atomic_load(&board->told[i]);
		}
		fixture_sleep((long)(round * 7 % 40));
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
				fail_msg(
				    "kill %u, thread %u: stored %u, expected "
				    "at least %u and at most %u",
				    round, i, (unsigned)kept, told, begun);
			/* from now on, count stored messages as if store_put()
			 * had returned true for them */
			atomic_store(&board->told[i], (unsigned)kept);
			atomic_store(&board->begun[i], (unsigned)kept);
			told_in_all += (unsigned)kept;
		}
	}
	print_message("%u messages, %u kills\n", told_in_all, KILLS);
	assert_true(told_in_all > KILLS);
	assert_int_equal(rows_replayed(place.file, 0), told_in_all);
	munmap(board, sizeof(*board));
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(merges),
		AT_PLACE(keys),
		AT_PLACE(row_comes_back),
		AT_PLACE(closed_days),
		AT_PLACE(clock_set_back),
		AT_PLACE(groups),
		AT_PLACE(close_commits),
		AT_PLACE(killed),
		AT_PLACE(bad_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
