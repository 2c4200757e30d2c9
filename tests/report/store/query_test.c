/*
 * The ledger: rows of a day as a report wants them, settings, locks.
 */
#include "report/store/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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
	    "%.*s \"%.*s\" records %u rows %u messages %u aligned %u "
	    "automatic %u",
	    SPAN_FMT(p->domain), SPAN_FMT(p->record), (unsigned)p->records,
	    (unsigned)p->rows, (unsigned)p->messages, (unsigned)p->aligned,
	    (unsigned)p->automatic);
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

/* RFC 9990 section 3.1: one report, the final policy, rows of one key merged
 * whatever the policy was, most messages first. */
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
	    "19 aligned 9 automatic 4",
	    "d2.example.com \"v=DMARC1; p=reject; rua=mailto:d@example.com\" "
	    "records 1 rows 1 messages 1 aligned 1 automatic 0");
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
	/* with nothing merged, for a push */
	ledgers_ok(ledger_each_stored_row(ledger, ROWS_DAY, see_row, &seen));
	assert_int_equal(seen.n, 5);
	assert_string_equal(seen.lines[0],
	    "d1.example.com \"v=DMARC1; p=none\" 192.0.2.1 3 none");
}

static bool
see_day(void *arg, int64_t day)
{
	struct seen *s = arg;

	snprintf(seen_line(s), SEEN_TEXT, "%d", (int)day);
	return seen_go_on(s);
}

/* What is taken from one store and put into another is the same there. */
static bool
copy_row(void *arg, const struct report_row *r)
{
	return ledgers_add_row(arg, r) == LEDGER_OK;
}

static void
rows_move(void **state)
{
	struct seen seen = { .n = 0 }, moved = { .n = 0 };
	struct place other;
	struct kept_message m;
	struct ledger *to;
	char error[SQL_ERROR_MAX];

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		rows_message(&m, i % 2, i);
		m.row.count = i + 1;
		m.row.when += (int64_t)(i / 4) * DATE_DAY;
		add(&m.row);
	}
	ledgers_ok(ledger_each_day(ledger, see_day, &seen));
	ASSERT_SEEN(&seen, "20000", "20001");
	place_make(&other);
	to = ledger_open_file(other.file, SQLITE_FOR_COMMAND, error);
	assert_non_null(to);
	ledgers_ok(ledger_begin(to));
	ledgers_ok(ledger_each_stored_row(ledger, ROWS_DAY, copy_row, to));
	ledgers_ok(ledger_end(to, true));
	ledgers_ok(ledger_each_stored_row(ledger, ROWS_DAY, see_row, &seen));
	ledgers_ok(ledger_each_stored_row(to, ROWS_DAY, see_row, &moved));
	assert_int_equal(seen.n, moved.n);
	for (size_t i = 0; i < seen.n; i++)
		assert_string_equal(seen.lines[i], moved.lines[i]);
	/* a second time it is as many again, what is not committed nothing */
	ledgers_ok(ledger_begin(to));
	ledgers_ok(ledger_each_stored_row(ledger, ROWS_DAY, copy_row, to));
	ledgers_ok(ledger_end(to, false));
	seen.n = 0;
	ledgers_ok(ledger_each_day(to, see_day, &seen));
	ASSERT_SEEN(&seen, "20000");
	ledger_close(to);
	place_remove(&other);
}

/* Settings: the store has a name of its own that stays. */
static void
settings(void **state)
{
	struct arena *a = arena_new(4096);
	struct span name, again, value;

	(void)state;
	/* only files have one from the beginning */
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

/* One run of a kind at a time, until it ends. */
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
	/* a server needs a moment to see that a client is gone */
	for (int i = 0; i < 500 && sql_is_shared(ledger_sql(other)) &&
	     ledger_lock(other, "send") == LEDGER_NONE;
	     i++)
		nanosleep(&step, NULL);
	ledgers_ok(ledger_lock(other, "send"));
	ledger_close(other);
	ledger = ledgers_open();
}

/* ---- faults ---- */

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
		WITH_LEDGER(rows_move),
		WITH_LEDGER(settings),
		WITH_LEDGER(locks),
		WITH_LEDGER(not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
