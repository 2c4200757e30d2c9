/* redaction_key_test.c - RFC 6590 section 3: the key for hashes is the same for
 * all processes that use a store, and for all hosts that share one. */
#include "report/store/failure_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "report/store/sqlite.h"
#include "tests/support/store_fixture.h"

static struct sql *
open_sql(const char *file)
{
	enum sql_fault fault;
	char error[SQL_ERROR_MAX];
	struct sql *db = sqlite_open(file, SQLITE_FOR_COMMAND, &fault, error);

	if (db == NULL)
		fail_msg("%s", error);
	return db;
}

static bool
is_same(struct hash_secret a, struct hash_secret b)
{
	return a.a == b.a && a.b == b.b;
}

/* Returns the key of a daemon that has just started. */
static struct hash_secret
daemon_key(const char *file)
{
	struct store *s = fixture_open(file);
	struct hash_secret key;

	fixture_put_surely(s, 1, 1); /* the file is open after this */
	key = store_redaction_key(s);
	store_close(s, 1000);
	return key;
}

static void
after_a_restart(void **state)
{
	struct hash_secret first = daemon_key(place.file);
	struct hash_secret key = { 1, 2 };
	struct sql *db;

	(void)state;
	assert_true(is_same(daemon_key(place.file), first));
	db = open_sql(place.file);
	assert_true(redaction_key_read(db, &key));
	assert_true(is_same(key, first));
	sql_close(db);
}

static void
of_a_new_file(void **state)
{
	const struct hash_secret largest = { UINT64_MAX, UINT64_MAX };
	struct hash_secret key = largest;
	struct sql *db = open_sql(place.file);

	(void)state;
	assert_true(redaction_key_read(db, &key));
	assert_true(is_same(key, largest));
	key.a = 7;
	assert_true(redaction_key_read(db, &key));
	assert_true(is_same(key, largest));
	sql_close(db);
}

/* An invalid key is never silently replaced: that would change all hashes. */
static void
not_a_key(void **state)
{
	struct hash_secret key = { 1, 2 };
	struct sql *db = open_sql(place.file);

	(void)state;
	assert_true(
	    sql_run(db, "INSERT INTO meta VALUES ('redaction_key', 'x')"));
	assert_false(redaction_key_read(db, &key));
	assert_true(is_same(key, (struct hash_secret){ 1, 2 }));
	assert_string_equal(db->error, "redaction_key is not a valid key");
	sql_close(db);
}

/* The first store copies its key to the shared store; others adopt that key. */
static void
shared(void **state)
{
	char files[3][ROWS_PATH + 8];
	struct sql *db[3], *failed;
	struct hash_secret key[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		snprintf(files[i], sizeof(files[i]), "%s.%u", place.file, i);
		db[i] = open_sql(files[i]);
		key[i] = hash_secret_new();
	}
	assert_true(redaction_key_read(db[0], &key[0]));
	assert_true(redaction_key_read(db[1], &key[1]));
	assert_false(is_same(key[0], key[1]));
	assert_true(redaction_key_share(db[0], db[2], &failed));
	assert_true(redaction_key_share(db[1], db[2], &failed));
	for (unsigned i = 1; i < 3; i++) {
		assert_true(redaction_key_read(db[i], &key[i]));
		assert_true(is_same(key[i], key[0]));
	}
	assert_true(sql_run(
	    db[2], "UPDATE meta SET value = '' WHERE name = 'redaction_key'"));
	assert_false(redaction_key_share(db[0], db[2], &failed));
	assert_ptr_equal(failed, db[2]);
	for (unsigned i = 0; i < 3; i++)
		sql_close(db[i]);
}

/* A running daemon notices that `avouch report push` has changed the key. */
static void
changed_meanwhile(void **state)
{
	struct store *s = fixture_open(place.file);
	struct writer *w;
	size_t refused;

	(void)state;
	fixture_put_surely(s, 1, 1);
	store_close(s, 1000);
	w = writer_new(&(struct writer_options){ .path = place.file });
	assert_non_null(w);
	assert_int_equal(
	    fixture_write(w, 1, ROWS_DAY * DATE_DAY, &refused), SQL_FINE);
	fixture_sql(
	    "UPDATE meta SET value = '3 4' WHERE name = 'redaction_key'");
	assert_int_equal(
	    fixture_write(w, 2, ROWS_DAY * DATE_DAY + 1, &refused), SQL_FINE);
	assert_false(
	    is_same(writer_redaction_key(w), (struct hash_secret){ 3, 4 }));
	assert_int_equal(
	    fixture_write(w, 3, ROWS_DAY * DATE_DAY + WRITER_KEY_S, &refused),
	    SQL_FINE);
	assert_true(
	    is_same(writer_redaction_key(w), (struct hash_secret){ 3, 4 }));
	writer_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(after_a_restart),
		AT_PLACE(of_a_new_file),
		AT_PLACE(not_a_key),
		AT_PLACE(shared),
		AT_PLACE(changed_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
