/*
 * Upgrades of older files to the current version, and deletion of expired rows.
 */
#include "report/store/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/store/writer.h"
#include "tests/support/store_fixture.h"

/* ---- schema ---- */

enum { HASHED = 4 }; /* first version in which long strings have a hash */

/*
 * Downgrades a current file to `version`: creates the tables with the upgrade
 * steps up to that version, and copies the daemon's rows into them.
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
	    "DROP TABLE received_tls; DROP TABLE received_tls_result;"
	    "DROP TABLE received_failure;"
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

/* Before version 6, the period of a received report was not part of its key. */
static void
upgrade_of_received_reports(void **state)
{
	static const char report[] =
	    "INSERT INTO received VALUES (7, 'o', '', '', 'id', 864000, "
	    "950399, 'd.example', '', '', '', '', '', '', '', '', '', '', '', "
	    "'', 'f', 950400, 1, 3); INSERT INTO received_row VALUES "
	    "(7, 1, 1, 3)";
	struct ledger_received r = {
		.organisation = SPAN("o"),
		.report_id = SPAN("id"),
		.domain = SPAN("d.example"),
		.begin = 864000,
		.end = 950399,
		.messages = 3,
	};
	char error[SQL_ERROR_MAX];
	enum sql_fault fault;
	struct sql *db;
	struct ledger *l;
	bool replaces;

	(void)state;
	unlink(place.file);
	db = sqlite_open(place.file, SQLITE_FOR_COMMAND, &fault, error);
	assert_non_null(db);
	assert_true(sql_run(db,
	    "DROP TABLE received; DROP TABLE received_row;"
	    "DROP TABLE received_tls; DROP TABLE received_tls_result;"
	    "DROP TABLE received_failure;"
	    "DROP TABLE report; DROP TABLE delivery; DROP TABLE bounce;"
	    "DROP TABLE failure; DROP TABLE meta; DROP TABLE kept;"
	    "DROP TABLE policy; DROP TABLE source; DROP TABLE shape;"
	    "DROP TABLE facts; DROP TABLE decision; DROP TABLE replay"));
	assert_true(schema_upgrade(db, SCHEMA_SQLITE, 0, 5));
	assert_true(sql_run(db, report));
	assert_true(sql_run(db, "PRAGMA user_version = 5"));
	sql_close(db);
	l = ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);
	assert_non_null(l);
	assert_int_equal(ledger_begin_received(l, &r, &replaces), LEDGER_NONE);
	r.begin += 86400;
	r.end += 86400;
	assert_int_equal(ledger_begin_received(l, &r, &replaces), LEDGER_OK);
	assert_int_equal(ledger_end_received(l, true), LEDGER_OK);
	ledger_close(l);
	assert_int_equal(fixture_number("SELECT count(*) FROM received"), 2);
	assert_int_equal(
	    fixture_number("SELECT messages FROM received_row"), 3);
	assert_int_equal(fixture_number("SELECT count(*) FROM sqlite_master "
					"WHERE type = 'index' AND tbl_name = "
					"'received' AND name LIKE 'received%'"),
	    2);
}

/* Version 0 is a file without tables, with or without our application id. */
static void
upgrade_from_0(void **state)
{
	(void)state;
	for (int application = 0; application < 2; application++) {
		struct store *s;

		unlink(place.file);
		make_version(0, application == 1);
		s = fixture_open(place.file);
		fixture_put_surely(s, 1, 1);
		store_close(s, 1000);
		assert_int_equal(
		    rows_sum(place.file, ROWS_DAY, NULL).messages, 1);
		assert_int_equal(
		    fixture_number("PRAGMA user_version"), SCHEMA_VERSION);
		assert_int_equal(fixture_number("PRAGMA application_id"),
		    SCHEMA_APPLICATION);
	}
}

/* Rows from an older version survive the upgrade.  On the day of the upgrade, a
 * row may exist twice. */
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
		s = fixture_open(place.file);
		for (unsigned i = 0; i < 10; i++)
			fixture_put_surely(s, i, i);
		store_close(s, 1000);
		make_version(version, true);
		assert_int_equal(
		    fixture_number("PRAGMA user_version"), version);
		s = fixture_open(place.file);
		for (unsigned i = 0; i < 3; i++)
			fixture_put_surely(s, 1, 1);
		store_close(s, 1000);
		assert_int_equal(
		    rows_sum(place.file, ROWS_DAY, NULL).messages, 13);
		assert_int_equal(
		    rows_sum(place.file, ROWS_DAY, NULL).rows, shapes);
		assert_int_equal(
		    rows_sum(place.file, ROWS_DAY, "d1.example.com").messages,
		    4);
		assert_int_equal(rows_replayed(place.file, ROWS_DAY), 13);
		assert_int_equal(
		    fixture_number("SELECT count(*) FROM shape"), shapes);
		assert_int_equal(
		    fixture_number("SELECT count(*) FROM policy"), 10);
		assert_int_equal(
		    fixture_number("PRAGMA user_version"), SCHEMA_VERSION);
		l = ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);
		assert_non_null(l);
		assert_int_equal(
		    ledger_sent_to(l, SPAN("a@b.example"), 0, &n), LEDGER_OK);
		assert_int_equal(
		    ledger_failures_sent(l, SPAN_NONE, 0, &n), LEDGER_OK);
		ledger_close(l);
	}
}

/* Only the owner and the group may read the file: it contains addresses of
 * individual users' hosts. */
static void
file_mode(void **state)
{
	struct store *s = fixture_open(place.file);
	struct stat st;

	(void)state;
	fixture_put_surely(s, 1, 1);
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
		struct queued_message *e;

		for (unsigned i = 0; i < 20; i++) {
			/* half of the domains occur only on that day */
			rows_message(
			    &m, i % 2 == 0 ? i : (unsigned)day * 100 + i, i);
			m.row.when = day * DATE_DAY;
			e = queued_message_new(
			    &m.row, &m.facts, &m.decision, m.row.when);
			assert_non_null(e);
			assert_int_equal(
			    writer_write(w, e, m.row.when, &refused), SQL_FINE);
			assert_int_equal(refused, 0);
			free(e);
		}
	}
}

/* Expired rows are deleted, with their strings and reports; strings that are
 * still used remain; free pages are returned. */
static void
retention(void **state)
{
	static const char *const tables[] = { "policy", "shape", "facts" };
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .retention = { 30, 14, 400 } });
	int64_t now = (int64_t)100 * DATE_DAY, pages;
	struct rows_sum sum;

	(void)state;
	assert_non_null(w);
	write_days(w, 1, 100);
	pages = fixture_number("PRAGMA page_count");
	fixture_sql(
	    "INSERT INTO report VALUES (1, 69, 'a', 1, 1, 'x', '', 0, 0, "
	    "0, ''), (2, 70, 'a', 1, 1, 'y', '', 0, 0, 0, '');"
	    "INSERT INTO delivery VALUES (1, 1, 'b', 3, 1, 0, 0, ''), "
	    "(2, 2, 'b', 3, 1, 0, 0, '')");
	while (writer_housekeep(w, now))
		;
	assert_int_equal(fixture_number("SELECT min(day) FROM kept"), 70);
	assert_int_equal(fixture_number("SELECT count(*) FROM kept"), 31 * 20);
	assert_int_equal(fixture_number("SELECT min(day) FROM replay"), 86);
	assert_int_equal(fixture_number("SELECT count(*) FROM report"), 1);
	assert_int_equal(fixture_number("SELECT id FROM delivery"), 2);
	for (size_t i = 0; i < 3; i++) {
		char text[200];

		snprintf(
		    text, sizeof(text), "SELECT count(*) FROM %s", tables[i]);
		assert_int_equal(
		    fixture_number(text), 10 + 10 * (i == 2 ? 15 : 31));
	}
	assert_int_equal(fixture_number("SELECT count(*) FROM source"), 20);
	assert_true(fixture_number("PRAGMA page_count") < pages * 3 / 4);
	/* the ids of the remaining strings are still correct */
	write_days(w, 100, 100);
	sum = rows_sum(place.file, 100, NULL);
	assert_int_equal(sum.messages, 40);
	assert_int_equal(sum.rows, 20);
	assert_int_equal(fixture_number("SELECT integrity_check = 'ok' "
					"FROM pragma_integrity_check"),
	    1);
	/* once per day is enough */
	assert_false(writer_housekeep(w, now + 3600));
	assert_true(writer_housekeep(w, now + DATE_DAY));
	writer_free(w);
}

/* If the day changes while expired rows are deleted, no string is deleted
 * before the rows that refer to it. */
static void
retention_past_midnight(void **state)
{
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .retention = { 30, 14, 400 } });
	const int64_t before = (int64_t)101 * DATE_DAY - 1;

	(void)state;
	assert_non_null(w);
	write_days(w, 69, 71);
	assert_true(writer_housekeep(w, before));
	while (writer_housekeep(w, before + 1))
		;
	assert_int_equal(fixture_number("SELECT min(day) FROM kept"), 70);
	assert_int_equal(
	    fixture_number("SELECT count(*) FROM kept "
			   "JOIN policy ON policy.id = kept.policy "
			   "JOIN shape ON shape.id = kept.shape"),
	    2 * 20);
	while (writer_housekeep(w, before + 1))
		;
	assert_int_equal(fixture_number("SELECT min(day) FROM kept"), 71);
	writer_free(w);
}

/* A shape is kept as long as a received report refers to it. */
static void
retention_of_received(void **state)
{
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .retention = { 30, 14, 40 } });
	struct ledger *l;
	struct kept_message m;
	char error[SQL_ERROR_MAX];
	bool replaces;
	struct ledger_received r = {
		.organisation = SPAN("o"),
		.report_id = SPAN("1"),
		.domain = SPAN("d1.example.com"),
		.begin = 60 * DATE_DAY,
		.read = 61 * DATE_DAY,
	};

	(void)state;
	assert_int_equal(writer_open(w, 0), SQL_FINE);
	l = ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);
	assert_non_null(l);
	rows_message(&m, 1, 1);
	assert_int_equal(ledger_begin_received(l, &r, &replaces), LEDGER_OK);
	assert_int_equal(ledger_add_received_row(l, &m.row), LEDGER_OK);
	assert_int_equal(ledger_end_received(l, true), LEDGER_OK);
	ledger_close(l);
	while (writer_housekeep(w, (int64_t)100 * DATE_DAY))
		;
	assert_int_equal(
	    fixture_number("SELECT count(*) FROM received_row"), 1);
	assert_int_equal(fixture_number("SELECT count(*) FROM shape"), 1);
	assert_int_equal(fixture_number("SELECT count(*) FROM source"), 1);
	while (writer_housekeep(w, (int64_t)101 * DATE_DAY))
		;
	assert_int_equal(
	    fixture_number("SELECT count(*) FROM received_row"), 0);
	assert_int_equal(fixture_number("SELECT count(*) FROM received"), 0);
	assert_int_equal(fixture_number("SELECT count(*) FROM shape"), 0);
	assert_int_equal(fixture_number("SELECT count(*) FROM source"), 0);
	writer_free(w);
}

/* TLS and failure reports from others expire like aggregate reports. */
static void
retention_of_other_reports(void **state)
{
	static const char *const tables[] = { "received_tls",
		"received_tls_result", "received_failure" };
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .retention = { 30, 14, 40 } });
	const struct ledger_tls_result results[] = { { .sessions = 1 },
		{ .sessions = 2 } };
	struct ledger_tls tls = { .results = results, .n = 2 };
	struct ledger_incident incident = { .incidents = 1 };
	char error[SQL_ERROR_MAX];
	struct ledger *l;

	(void)state;
	assert_int_equal(writer_open(w, 0), SQL_FINE);
	l = ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);
	assert_non_null(l);
	for (int64_t day = 59; day <= 60; day++) {
		tls.key = incident.key = day == 59 ? SPAN("a") : SPAN("b");
		tls.begin = incident.at = day * DATE_DAY;
		assert_int_equal(ledger_add_tls(l, &tls), LEDGER_OK);
		assert_int_equal(ledger_add_incident(l, &incident), LEDGER_OK);
	}
	ledger_close(l);
	while (writer_housekeep(w, (int64_t)100 * DATE_DAY))
		;
	for (size_t i = 0; i < 3; i++) {
		char text[200];

		snprintf(
		    text, sizeof(text), "SELECT count(*) FROM %s", tables[i]);
		assert_int_equal(fixture_number(text), i == 1 ? 2 : 1);
	}
	while (writer_housekeep(w, (int64_t)101 * DATE_DAY))
		;
	assert_int_equal(fixture_number("SELECT count(*) FROM received_tls "
					"LEFT JOIN received_tls_result "
					"LEFT JOIN received_failure"),
	    0);
	writer_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(upgrade_from_0),
		AT_PLACE(upgrade_in_place),
		AT_PLACE(upgrade_of_received_reports),
		AT_PLACE(file_mode),
		AT_PLACE(retention),
		AT_PLACE(retention_past_midnight),
		AT_PLACE(retention_of_received),
		AT_PLACE(retention_of_other_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
