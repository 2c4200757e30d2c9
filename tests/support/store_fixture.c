#include "tests/support/store_fixture.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <time.h>

#include <cmocka.h>

struct store_place place;

int
fixture_set_up(void **state)
{
	(void)state;
	place_make(&place);
	return 0;
}

int
fixture_tear_down(void **state)
{
	(void)state;
	umount(place.folder); /* in case a test of a full disk failed before it
	                         could unmount the folder */
	place_remove(&place);
	return 0;
}

int64_t
fixture_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
fixture_sleep(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

struct store *
fixture_open(const char *file)
{
	char error[200];
	struct store *s = store_open(&(struct store_options){ .path = file,
					 .retention = { 36500, 36500, 36500 } },
	    error, sizeof(error));

	if (s == NULL)
		fail_msg("%s", error);
	return s;
}

bool
fixture_put(struct store *s, unsigned domain, unsigned source)
{
	struct kept_message m;

	rows_message(&m, domain, source);
	return store_put(s, &m.row, &m.facts, &m.decision, NULL, m.row.when);
}

struct store_counts
fixture_counts(struct store *s)
{
	struct store_counts c;

	store_counts(s, &c);
	return c;
}

void
fixture_wait(struct store *s)
{
	int64_t until = fixture_ms() + FIXTURE_WAIT_MS;

	while (fixture_counts(s).queued > 0) {
		if (fixture_ms() > until)
			fail_msg("%zu messages still wait",
			    fixture_counts(s).queued);
		fixture_sleep(10);
	}
}

void
fixture_wait_fault(struct store *s)
{
	int64_t until = fixture_ms() + FIXTURE_WAIT_MS;

	while (fixture_counts(s).faults == 0) {
		if (fixture_ms() > until)
			fail_msg("no fault was counted");
		fixture_sleep(10);
	}
}

void
fixture_put_surely(struct store *s, unsigned domain, unsigned source)
{
	uint64_t lost = fixture_counts(s).lost;

	if (!fixture_put(s, domain, source))
		fixture_wait(s);
	assert_int_equal(fixture_counts(s).lost, lost);
}

void
fixture_sql(const char *text)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(place.file, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, FIXTURE_WAIT_MS);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
	sqlite3_close(db);
}

int64_t
fixture_number(const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	int64_t n;

	assert_int_equal(sqlite3_open(place.file, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, FIXTURE_WAIT_MS);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return n;
}

enum sql_fault
fixture_write(struct writer *w, unsigned number, int64_t now, size_t *refused)
{
	struct kept_message m;
	struct queued_message *e;
	enum sql_fault fault;

	rows_message(&m, number, number);
	e = queued_message_new(&m.row, NULL, NULL, now);
	assert_non_null(e);
	fault = writer_write(w, e, now, refused);
	free(e);
	return fault;
}
