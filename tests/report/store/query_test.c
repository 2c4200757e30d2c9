/*
 * Ledger tests: a day's rows in the form that reports need; settings; locks.
 */
#include "report/store/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/support/query_fixture.h"

/* ---- rows ---- */

static void
add(const struct report_row *r)
{
	ledgers_ok(ledgers_add_row(ledger, r));
}

static bool
see_policy(void *arg, const struct ledger_policy *p)
{
	struct seen *s = arg;

	snprintf(seen_line(s), SEEN_TEXT,
	    "%.*s \"%.*s\" records %u rows %u messages %u "
	    "automatic %u",
	    SPAN_FMT(p->domain), SPAN_FMT(p->record), (unsigned)p->records,
	    (unsigned)p->rows, (unsigned)p->messages, (unsigned)p->automatic);
	return seen_go_on(s);
}

static bool
see_row(void *arg, const struct report_row *r)
{
	struct seen *s = arg;
	char ip[IP_TEXT_MAX];
	struct buf b = buf_wrap(ip, sizeof(ip));

	ip_put(&b, &r->source);
	snprintf(seen_line(s), SEEN_TEXT, "%.*s \"%.*s\" %s %u %.*s%s",
	    SPAN_FMT(r->policy_domain), SPAN_FMT(r->record), ip,
	    (unsigned)r->count, SPAN_FMT(r->disposition),
	    r->automatic ? " automatic" : "");
	return seen_go_on(s);
}

static bool
see_pushed_row(void *arg, const struct ledger_pushed_row *r)
{
	struct seen *s = arg;

	snprintf(seen_line(s), SEEN_TEXT, "%d", (int)r->messages);
	return seen_go_on(s);
}

static bool
see_pushed_text(void *arg, int64_t id, const struct report_row *r)
{
	assert_true(id > 0);
	return see_row(arg, r);
}

/* Checks that `n` strings are listed, and that `line` is one of them. */
static void
assert_pushed_texts(enum column_table table, size_t n, const char *line)
{
	struct seen seen = { .n = 0 };

	ledgers_ok(ledger_each_pushed_text(
	    ledger, ROWS_DAY, table, see_pushed_text, &seen));
	assert_int_equal(seen.n, n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(seen.lines[i], line) == 0)
			return;
	fail_msg("no %s", line);
}

/* RFC 9990 section 3.1: a report has the last policy of the day; rows with the
 * same key are merged regardless of their policy, and sorted by number of
 * messages. */
static void
rows_3_1(void **state)
{
	struct seen seen = { .n = 0 };
	struct kept_message m;

	(void)state;
	rows_message(&m, 1, 1);
	m.row.record = SPAN("v=DMARC1; p=none");
	m.row.count = 3;
	add(&m.row);
	m.row.when += 100;
	m.row.record = SPAN("v=DMARC1; p=reject");
	m.row.count = 2;
	add(&m.row);
	m.row.automatic = true;
	m.row.count = 4;
	add(&m.row);
	m.row.automatic = false;
	m.row.source.bytes[3] = 2;
	m.row.count = 10;
	m.row.disposition = SPAN("reject");
	m.row.dkim_aligned = m.row.spf_aligned = false;
	add(&m.row);
	rows_message(&m, 2, 1);
	add(&m.row);
	ledgers_ok(
	    ledger_each_policy(ledger, ROWS_DAY, SPAN_NONE, see_policy, &seen));
	ASSERT_SEEN(&seen,
	    "d1.example.com \"v=DMARC1; p=reject\" records 2 rows 4 messages "
	    "19 automatic 4",
	    "d2.example.com \"v=DMARC1; p=reject; rua=mailto:d@example.com\" "
	    "records 1 rows 1 messages 1 automatic 0");
	ledgers_ok(ledger_each_policy(
	    ledger, ROWS_DAY, SPAN("d2.example.com"), see_policy, &seen));
	assert_int_equal(seen.n, 1);
	seen = (struct seen){ .stop_after = 1 };
	ledgers_ok(
	    ledger_each_policy(ledger, ROWS_DAY, SPAN_NONE, see_policy, &seen));
	assert_int_equal(seen.n, 1);
	seen = (struct seen){ .n = 0 };
	ledgers_ok(ledger_each_row(
	    ledger, ROWS_DAY, SPAN("d1.example.com"), see_row, &seen));
	ASSERT_SEEN(&seen, "d1.example.com \"\" 192.0.2.2 10 reject",
	    "d1.example.com \"\" 192.0.2.1 9 none");
	seen = (struct seen){ .n = 0 };
	ledgers_ok(
	    ledger_each_pushed_row(ledger, ROWS_DAY, see_pushed_row, &seen));
	assert_int_equal(seen.n, 5); /* no rows are merged */
	assert_pushed_texts(COLUMNS_POLICY, 3,
	    "d1.example.com \"v=DMARC1; p=none\" unknown 0 ");
	assert_pushed_texts(COLUMNS_SOURCE, 2, " \"\" 192.0.2.2 0 ");
	assert_pushed_texts(COLUMNS_SHAPE, 4, " \"\" unknown 0 none automatic");
}

static bool
see_day(void *arg, int64_t day)
{
	struct seen *s = arg;

	snprintf(seen_line(s), SEEN_TEXT, "%d", (int)day);
	return seen_go_on(s);
}

static void
days_with_rows(void **state)
{
	struct seen seen = { .n = 0 };
	struct kept_message m;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		rows_message(&m, i % 2, i);
		m.row.when += (int64_t)(i / 4) * DATE_DAY;
		add(&m.row);
	}
	ledgers_ok(ledger_each_day(ledger, see_day, &seen));
	ASSERT_SEEN(&seen, "20000", "20001");
}

/* The store has a random name that does not change. */
static void
settings(void **state)
{
	struct arena *a = arena_new(4096);
	struct span name, again, value;

	(void)state;
	/* a shared store does not get a name when it is created */
	if (sql_is_shared(ledger_sql(ledger)))
		ledgers_ok(ledger_set_meta(
		    ledger, "store", SPAN("0123456789abcdef0123456789abcdef")));
	ledgers_ok(ledger_meta(ledger, "store", &name, a));
	assert_int_equal(name.n, 32);
	assert_int_equal(ledger_meta(ledger, "pushed", &value, a), LEDGER_NONE);
	ledgers_ok(ledger_set_meta(ledger, "pushed", SPAN("7")));
	ledgers_ok(ledger_set_meta(ledger, "pushed", SPAN("8")));
	ledgers_ok(ledger_meta(ledger, "pushed", &value, a));
	assert_true(span_is(value, "8"));
	ledger_close(ledger);
	ledger = ledgers_open();
	ledgers_ok(ledger_meta(ledger, "store", &again, a));
	assert_true(span_equal(name, again));
	arena_fail_at(a, 1);
	assert_int_equal(ledger_meta(ledger, "store", &again, a), LEDGER_ERROR);
	arena_free(a);
}

/* A lock is held by one run at a time, until that run ends. */
static void
locks(void **state)
{
	struct ledger *other = ledgers_open();
	const struct timespec step = { 0, 10000000 };

	(void)state;
	ledgers_ok(ledger_lock(ledger, "send"));
	assert_int_equal(ledger_lock(other, "send"), LEDGER_NONE);
	assert_int_equal(ledger_sql_fault(other), SQL_LOCKED);
	ledgers_ok(ledger_lock(other, "push"));
	ledger_close(ledger);
	/* a server needs a moment to notice that a client is gone */
	for (int i = 0; i < 500 && sql_is_shared(ledger_sql(other)) &&
	     ledger_lock(other, "send") == LEDGER_NONE;
	     i++)
		nanosleep(&step, NULL);
	ledgers_ok(ledger_lock(other, "send"));
	ledger_close(other);
	ledger = ledgers_open();
}

/* ---- errors ---- */

static void
not_there(void **state)
{
	char error[SQL_ERROR_MAX] = "";
	char path[ROWS_PATH + 10];

	(void)state;
	snprintf(path, sizeof(path), "%s.none", ledgers_place.file);
	assert_null(ledger_open_file(path, SQLITE_FOR_READING, error));
	assert_true(error[0] != '\0');
	assert_int_equal(place_count(&ledgers_place, ".none"), 0);
	assert_null(ledger_from_sql(NULL));
	ledger_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LEDGER(rows_3_1),
		WITH_LEDGER(days_with_rows),
		WITH_LEDGER(settings),
		WITH_LEDGER(locks),
		WITH_LEDGER(not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
