/* Store errors: whatever is wrong with the file, messages are at worst stored
 * late, as long as the queue is not full. */
#include "report/store/queue.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/compat/malloc.h"
#include "report/store/writer.h"
#include "tests/support/cmocka_compat.h"
#include "tests/support/store_fixture.h"

enum {
	LOCKED_PUTS = 1000, /* would take 100 s if each waited for the store */
	LOCKED_TRIES = 100, /* would take minutes with pauses of 5 s */
	BUSY_HOST = 30 * 3000, /* messages that a busy host receives in 30 s */
};

/* ---- file errors ---- */

/* While another program holds the lock, no message waits for it; all are stored
 * when the lock is released. */
static void
locked(void **state)
{
	struct store *s = fixture_open(place.file);
	sqlite3 *other;
	int64_t begin;

	(void)state;
	fixture_put_surely(s, 1, 1);
	assert_int_equal(sqlite3_open(place.file, &other), SQLITE_OK);
	sqlite3_busy_timeout(
	    other, FIXTURE_WAIT_MS); /* the writer may be doing housekeeping */
	assert_int_equal(
	    sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	assert_false(fixture_put(s, 1, 2)); /* returns although the lock is
	                                       still held */
	fixture_wait_fault(s);
	begin = fixture_ms();
	for (unsigned i = 0; i < LOCKED_PUTS; i++)
		assert_false(fixture_put(s, 1, 3));
	assert_true(fixture_ms() - begin <
	    (int64_t)LOCKED_PUTS * STORE_COMMIT_WAIT_MS / 2);
	assert_int_equal(fixture_counts(s).queued, LOCKED_PUTS + 1);
	assert_int_equal(
	    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	fixture_wait(s);
	assert_int_equal(fixture_counts(s).lost, 0);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, NULL).messages, LOCKED_PUTS + 2);
	fixture_put_surely(s, 1, 1);
	store_close(s, 1000);
}

/* While the store is locked, the writer retries at constant intervals: when
 * the lock is released, waiting messages are written immediately. */
static void
locked_for_long(void **state)
{
	struct store *s = fixture_open(place.file);
	int64_t until = fixture_ms() + 2 * FIXTURE_WAIT_MS;
	sqlite3 *other;

	(void)state;
	fixture_put_surely(s, 1, 1);
	assert_int_equal(sqlite3_open(place.file, &other), SQLITE_OK);
	sqlite3_busy_timeout(other, FIXTURE_WAIT_MS);
	assert_int_equal(
	    sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	while (fixture_counts(s).faults < LOCKED_TRIES) {
		fixture_put(s, 1, 1);
		assert_true(fixture_ms() < until);
		fixture_sleep(10);
	}
	assert_int_equal(
	    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	fixture_wait(s);
	assert_int_equal(fixture_counts(s).lost, 0);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages,
	    fixture_counts(s).committed);
	store_close(s, 1000);
}

/* On shutdown, the writer continues as long as messages can be stored. */
static void
locked_until_the_end(void **state)
{
	enum { MESSAGES = 12000 };
	struct store *s = fixture_open(place.file);
	struct store_counts counts;
	int64_t until;
	sqlite3 *other;

	(void)state;
	fixture_put_surely(s, 1, 1);
	assert_int_equal(sqlite3_open(place.file, &other), SQLITE_OK);
	sqlite3_busy_timeout(other, FIXTURE_WAIT_MS);
	assert_int_equal(
	    sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	for (unsigned i = 0; i < MESSAGES; i++)
		fixture_put(s, i, i);
	assert_int_equal(
	    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	until = fixture_ms() + FIXTURE_WAIT_MS;
	while (fixture_counts(s).committed == 1) {
		assert_true(fixture_ms() < until);
		fixture_sleep(1);
	}
	counts = store_close(s, 0);
	assert_int_equal(counts.committed, MESSAGES + 1);
	assert_int_equal(counts.queued, 0);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, NULL).messages, MESSAGES + 1);
}

/* Runs in a child process, because resource limits apply to the whole process.
 * Exits with 0 on success. */
static void
full_child(struct rlimit *limit)
{
	struct store *s = fixture_open(place.file);
	unsigned put_in_all = 0;

	signal(SIGXFSZ, SIG_IGN);
	fixture_put_surely(s, 0, 0);
	put_in_all++;
	limit->rlim_cur = 200000; /* bytes per file */
	if (setrlimit(RLIMIT_FSIZE, limit) != 0)
		_exit(1);
	while (fixture_counts(s).faults == 0 && put_in_all < 50000) {
		fixture_put(s, put_in_all, put_in_all);
		put_in_all++;
	}
	if (fixture_counts(s).faults == 0 || fixture_counts(s).lost != 0)
		_exit(2);
	for (unsigned i = 0; i < 100; i++, put_in_all++)
		if (fixture_put(s, i, i))
			_exit(3); /* no space is left */
	limit->rlim_cur = limit->rlim_max;
	if (setrlimit(RLIMIT_FSIZE, limit) != 0)
		_exit(4);
	fixture_wait(s);
	if (fixture_counts(s).lost != 0 ||
	    fixture_counts(s).committed != put_in_all)
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

/* Like full_by_limit(), but on a full file system; needs root. */
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
	s = fixture_open(place.file);
	fixture_put_surely(s, 0, 0);
	put_in_all++;
	snprintf(big, sizeof(big), "%s/big", place.folder);
	fd = open(big, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	close(fd);
	while (fixture_counts(s).faults == 0 && put_in_all < 5000) {
		fixture_put(s, put_in_all, put_in_all);
		put_in_all++;
	}
	assert_true(fixture_counts(s).faults > 0);
	assert_int_equal(fixture_counts(s).lost, 0);
	unlink(big);
	fixture_wait(s);
	assert_int_equal(fixture_counts(s).lost, 0);
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, NULL).messages, put_in_all);
	store_close(s, 1000);
	assert_int_equal(umount(place.folder), 0);
}

/* If the file is removed while open, the next message starts a new file. */
static void
removed(void **state)
{
	struct store *s = fixture_open(place.file);
	char path[ROWS_PATH + 8];

	(void)state;
	fixture_put_surely(s, 1, 1);
	assert_int_equal(unlink(place.file), 0);
	fixture_put_surely(s, 2, 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 1);
	/* the store, with all its files, is removed */
	assert_int_equal(unlink(place.file), 0);
	snprintf(path, sizeof(path), "%s-wal", place.file);
	unlink(path);
	snprintf(path, sizeof(path), "%s-shm", place.file);
	unlink(path);
	fixture_put_surely(s, 3, 1);
	fixture_put_surely(s, 3, 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 2);
	/* only the log is removed; its contents must not be lost */
	snprintf(path, sizeof(path), "%s-wal", place.file);
	unlink(path);
	fixture_put_surely(s, 3, 1);
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

/* A file that is not a database is set aside before any message arrives. */
static void
corrupt_at_start(void **state)
{
	static const char garbage[] =
	    "This is a letter to my grandmother, and longer than the header of "
	    "a database, so that no one takes it for one that is only short.";
	struct store *s;

	(void)state;
	write_file(place.file, garbage, sizeof(garbage), 0);
	s = fixture_open(place.file);
	fixture_put_surely(s, 1, 1);
	fixture_put_surely(s, 1, 1);
	assert_int_equal(fixture_counts(s).set_aside, 1);
	assert_int_equal(fixture_counts(s).lost, 0);
	assert_int_equal(place_count(&place, "store.db.corrupt-20"), 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 2);
	store_close(s, 1000);
}

/* If pages of the file are corrupt, it is set aside, and no later message is
 * lost. */
static void
corrupt_in_use(void **state)
{
	static char rubbish[1 << 16];
	struct store *s = fixture_open(place.file);
	struct stat st;
	unsigned later = 0;

	(void)state;
	memset(rubbish, 0xa5, sizeof(rubbish));
	for (unsigned i = 0; i < 400; i++)
		fixture_put(s, i, i);
	fixture_wait(s);
	store_close(s, 5000); /* all messages are in the file */
	assert_int_equal(stat(place.file, &st), 0);
	for (off_t at = 4096; at < st.st_size; at += (off_t)sizeof(rubbish))
		write_file(place.file, rubbish, sizeof(rubbish), at);
	s = fixture_open(place.file);
	while (fixture_counts(s).set_aside == 0 && later < 3000) {
		fixture_put(s, later, later + 1);
		later++;
	}
	fixture_put(s, 1, 1);
	later++;
	fixture_wait(s);
	assert_int_equal(fixture_counts(s).set_aside, 1);
	assert_int_equal(fixture_counts(s).lost, 0);
	assert_int_equal(place_count(&place, "store.db.corrupt-20"), 1);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, later);
	store_close(s, 1000);
}

/* If retention finds a corrupt page first, the file is set aside too. */
static void
corrupt_for_tidy(void **state)
{
	static char rubbish[1 << 16];
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .retention = { 400, 400, 400 } });
	const int64_t now = (int64_t)ROWS_DAY * DATE_DAY;
	char log[ROWS_PATH + 8];
	size_t refused;

	(void)state;
	memset(rubbish, 0xa5, sizeof(rubbish));
	assert_int_equal(fixture_write(w, 1, now, &refused), SQL_FINE);
	/* A commit by another connection empties the writer's cache. */
	fixture_sql("INSERT INTO meta VALUES ('test', '1')");
	snprintf(log, sizeof(log), "%s-wal", place.file);
	write_file(place.file, rubbish, sizeof(rubbish), 0);
	write_file(log, rubbish, sizeof(rubbish), 0);
	while (writer_housekeep(w, now))
		;
	assert_int_equal(writer_quarantined(w), 1);
	assert_int_equal(fixture_write(w, 1, now, &refused), SQL_FINE);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 1);
	writer_free(w);
}

/* A file that belongs to another program or a newer version is not changed. */
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
		fixture_sql(others[i]);
		f = fopen(place.file, "rb");
		n = fread(before, 1, sizeof(before), f);
		fclose(f);
		s = fixture_open(place.file);
		assert_false(fixture_put(s, 1, 1));
		fixture_wait_fault(s);
		assert_int_equal(fixture_counts(s).queued, 1);
		store_close(s, 50);
		f = fopen(place.file, "rb");
		assert_int_equal(fread(after, 1, sizeof(after), f), n);
		fclose(f);
		assert_memory_equal(before, after, n);
		assert_int_equal(place_count(&place, "corrupt"), 0);
	}
}

/* The folder does not exist at first, and is created later. */
static void
away(void **state)
{
	char path[ROWS_PATH + 20], folder[ROWS_PATH + 10];
	struct store *s;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/later", place.folder);
	snprintf(path, sizeof(path), "%s/store.db", folder);
	s = fixture_open(path);
	assert_false(fixture_put(s, 1, 1));
	assert_false(fixture_put(s, 1, 1));
	assert_int_equal(mkdir(folder, 0700), 0);
	fixture_wait(s);
	assert_int_equal(fixture_counts(s).lost, 0);
	assert_int_equal(rows_sum(path, ROWS_DAY, NULL).messages, 2);
	store_close(s, 1000);
	unlink(path);
	rmdir(folder);
}

/*
 * The queue has room for half a minute of mail on a busy host.  Its limit is in
 * bytes: messages beyond it are counted as lost, and none waits for the store.
 */
static void
queue_is_bounded(void **state)
{
	char path[ROWS_PATH + 20];
	struct store *s;
	struct store_counts c = { .lost = 0 };
	size_t before = malloc_used_bytes();

	(void)state;
	snprintf(path, sizeof(path), "%s/nowhere/store.db", place.folder);
	s = fixture_open(path);
	for (unsigned i = 0; i < BUSY_HOST; i++)
		assert_false(fixture_put(s, i, i));
	assert_int_equal(fixture_counts(s).lost, 0);
	for (unsigned i = 0; c.lost < 50; i++) {
		assert_false(fixture_put(s, i, i));
		c = fixture_counts(s);
	}
	assert_int_equal(c.queued + c.lost, c.put);
	assert_int_equal(c.committed, 0);
	/* The limit counts all bytes of the queue; the cache of strings takes
	 * another 2 MB. */
	assert_true(
	    malloc_used_bytes() - before < STORE_QUEUE_BYTES + (4 << 20));
	store_close(s, 50);
}

/*
 * A sender who makes each message different cannot fill the disk: the daily
 * limit on new strings is reached, and after that, only known rows are counted.
 */
static void
new_texts_are_bounded(void **state)
{
	struct writer *w =
	    writer_new(&(struct writer_options){ .path = place.file,
		.new_max = 9, /* three messages, each with a policy, a source
	                         and a shape */
		.retention = { 400, 400, 400 } });
	const int64_t now = (int64_t)ROWS_DAY * DATE_DAY;
	size_t refused;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(fixture_write(w, i, now, &refused), SQL_FINE);
		assert_int_equal(refused, i >= 3);
	}
	assert_int_equal(fixture_write(w, 1, now, &refused), SQL_FINE);
	assert_int_equal(refused, 0);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 4);
	assert_int_equal(
	    fixture_write(w, 4, now + DATE_DAY, &refused), SQL_FINE);
	assert_int_equal(refused, 0);
	writer_free(w);
}

/* A limit on the size of new strings, because some are a hundred times as long
 * as others. */
static void
bytes_of_new_texts_are_bounded(void **state)
{
	struct writer *w =
	    writer_new(&(struct writer_options){ .path = place.file,
		.new_bytes = 1000,
		.retention = { 400, 400, 400 } });
	const int64_t now = (int64_t)ROWS_DAY * DATE_DAY;
	size_t refused = 0;
	unsigned n = 0;

	(void)state;
	for (; n < 1000 && refused == 0; n++)
		assert_int_equal(fixture_write(w, n, now, &refused), SQL_FINE);
	assert_int_in_range(n, 3, 20);
	assert_int_equal(refused, 1);
	assert_int_equal(fixture_write(w, 0, now, &refused), SQL_FINE);
	assert_int_equal(refused, 0);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, n);
	assert_int_equal(
	    fixture_write(w, n, now + DATE_DAY, &refused), SQL_FINE);
	assert_int_equal(refused, 0);
	writer_free(w);
}

/* Writes a message of one domain, whose record is `text`, without a cache. */
static void
write_record(const char *text)
{
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .retention = { 400, 400, 400 } });
	struct queued_message *e;
	struct kept_message m;
	size_t refused;

	rows_message(&m, 1, 1);
	m.row.record = span_str(text);
	e = queued_message_new(&m.row, NULL, NULL, m.row.when);
	assert_non_null(e);
	assert_int_equal(writer_write(w, e, m.row.when, &refused), SQL_FINE);
	free(e);
	writer_free(w);
}

/* A name server may return another record for each message.  A lookup does not
 * compare them all. */
static void
records_of_one_domain_are_not_all_compared(void **state)
{
	static const char first[] = "v=DMARC1; p=none; n=0";
	static const char count[] =
	    "SELECT count(*) FROM policy WHERE record = 'v=DMARC1; p=none; "
	    "n=0'";

	(void)state;
	write_record(first);
	fixture_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
		    "FROM n WHERE i < 99) INSERT INTO policy (domain, record, "
		    "used) SELECT 'd1.example.com', 'n=' || i, 20000 FROM n");
	write_record(first);
	assert_int_equal(fixture_number(count), 1);
	write_record("v=DMARC1; p=none; n=1");
	write_record(first);
	assert_int_equal(fixture_number(count), 2);
	write_record(first);
	assert_int_equal(fixture_number(count), 2);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages, 5);
}

/* Writes `n` messages that all differ; returns how many were left out. */
static size_t
write_different(struct writer *w, unsigned first, unsigned n)
{
	const int64_t now = (int64_t)ROWS_DAY * DATE_DAY;
	size_t all = 0, refused;

	for (unsigned i = first; i < first + n; i++) {
		assert_int_equal(fixture_write(w, i, now, &refused), SQL_FINE);
		all += refused;
	}
	return all;
}

/* Writes until a message is stored, which must happen eventually. */
static void
write_until_kept(struct writer *w, unsigned first)
{
	int64_t until = fixture_ms() + FIXTURE_WAIT_MS;

	while (write_different(w, first++, 1) > 0) {
		if (fixture_ms() > until)
			fail_msg("nothing is stored: %s", writer_refusal(w));
		fixture_sleep(10);
	}
}

static off_t
size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : 0;
}

/* report.max_store: the file and its log do not grow much beyond it; deleted
 * rows make room. */
static void
size_limit(void **state)
{
	enum { LIMIT = 400000, MOST = 20000, STEP = 100 };
	struct writer *w =
	    writer_new(&(struct writer_options){ .path = place.file,
		.quota = { .max_bytes = LIMIT },
		.new_bytes = LIMIT,
		.retention = { 36500, 36500, 36500 } });
	char log[ROWS_PATH + 8];
	size_t refused = 0;
	unsigned n = 0;

	(void)state;
	snprintf(log, sizeof(log), "%s-wal", place.file);
	for (; n < MOST && refused == 0; n += STEP)
		refused = write_different(w, n, STEP);
	assert_true(refused > 0);
	assert_non_null(strstr(writer_refusal(w), "report.max_store = 400000"));
	assert_int_equal(
	    rows_sum(place.file, ROWS_DAY, NULL).messages, n - refused);
	/* Allows twice the amount that is written between two checks
	 * (QUOTA_CHECK_PAGES). */
	assert_true(size_of(place.file) + size_of(log) < LIMIT + (2 << 20));
	fixture_sql("DELETE FROM kept; DELETE FROM shape; DELETE FROM policy");
	write_until_kept(w, n);
	writer_free(w);
}

/* report.min_free, on a file system that another program fills; needs root. */
static void
free_floor(void **state)
{
	static const char zeros[2500 << 10];
	char big[ROWS_PATH + 20];
	struct store_options o = { .path = place.file,
		.retention = { 36500, 36500, 36500 },
		.quota = { .min_free = 500 } };
	struct store_counts before;
	char error[200];
	struct store *s;
	int64_t until;

	(void)state;
	if (mount("tmpfs", place.folder, "tmpfs", 0, "size=4m") != 0)
		skip();
	s = store_open(&o, error, sizeof(error));
	assert_non_null(s);
	fixture_put_surely(s, 1, 1);
	snprintf(big, sizeof(big), "%s/big", place.folder);
	write_file(big, zeros, sizeof(zeros), 0);
	until = fixture_ms() + FIXTURE_WAIT_MS;
	while (fixture_counts(s).lost == 0 && fixture_ms() < until) {
		fixture_put(s, 1, 1);
		fixture_sleep(10);
	}
	before = fixture_counts(s);
	assert_true(before.lost > 0);
	assert_int_equal(before.faults, 0);
	unlink(big);
	while (fixture_counts(s).committed == before.committed &&
	    fixture_ms() < until) {
		fixture_put(s, 1, 1);
		fixture_sleep(10);
	}
	fixture_wait(s);
	assert_true(fixture_counts(s).committed > before.committed);
	assert_int_equal(rows_sum(place.file, ROWS_DAY, NULL).messages,
	    fixture_counts(s).committed);
	store_close(s, 1000);
	assert_int_equal(umount(place.folder), 0);
}

/* A disk that corrupts every file does not fill up with corrupt files. */
static void
set_aside_seldom(void **state)
{
	static const char garbage[200] = "no database";
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .retention = { 400, 400, 400 } });
	const int64_t now = (int64_t)ROWS_DAY * DATE_DAY;
	size_t refused;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		write_file(place.file, garbage, sizeof(garbage), 0);
		assert_int_equal(
		    fixture_write(w, 1, now + round * (WRITER_QUARANTINE_S / 2),
			&refused),
		    SQL_CORRUPT);
		assert_int_equal(writer_quarantined(w), round < 2 ? 1 : 2);
		assert_int_equal(access(place.file, F_OK) == 0, round == 1);
	}
	assert_int_equal(fixture_write(w, 1, now, &refused), SQL_FINE);
	assert_int_equal(place_count(&place, ".corrupt-"), 2);
	writer_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(locked),
		AT_PLACE(locked_for_long),
		AT_PLACE(locked_until_the_end),
		AT_PLACE(full_by_limit),
		AT_PLACE(full_disk),
		AT_PLACE(removed),
		AT_PLACE(corrupt_at_start),
		AT_PLACE(corrupt_in_use),
		AT_PLACE(corrupt_for_tidy),
		AT_PLACE(not_ours),
		AT_PLACE(away),
		AT_PLACE(queue_is_bounded),
		AT_PLACE(new_texts_are_bounded),
		AT_PLACE(bytes_of_new_texts_are_bounded),
		AT_PLACE(records_of_one_domain_are_not_all_compared),
		AT_PLACE(size_limit),
		AT_PLACE(free_floor),
		AT_PLACE(set_aside_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
