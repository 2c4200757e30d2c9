/*
 * The ledger: reports of others, each once.
 */
#include "report/store/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/query_fixture.h"

/* ---- reports of others ---- */

static struct ledger_received
received_of(const char *organisation, const char *id, int64_t day)
{
	return (struct ledger_received){
		.organisation = span_str(organisation),
		.email = SPAN("dmarc@reporter.example"),
		.report_id = span_str(id),
		.begin = day * DATE_DAY,
		.end = (day + 1) * DATE_DAY - 1,
		.domain = SPAN("d1.example.com"),
		.p = SPAN("none"),
		.version = SPAN("1.0"),
		.file = SPAN("report.xml"),
		.read = NOW,
	};
}

static void
receive(const char *organisation, const char *id, int64_t day, unsigned source,
    unsigned count, bool aligned)
{
	struct ledger_received r = received_of(organisation, id, day);
	struct kept_message m;
	bool replaces;

	rows_message(&m, 1, source);
	m.row.count = count;
	m.row.dkim_aligned = aligned;
	m.row.spf_aligned = false;
	if (!aligned)
		m.row.disposition = SPAN("quarantine");
	ledgers_ok(ledger_begin_received(ledger, &r, &replaces));
	ledgers_ok(ledger_add_received_row(ledger, &m.row));
	ledgers_ok(
	    ledger_add_received_row(ledger, &m.row)); /* a fault of some */
	ledgers_ok(ledger_end_received(ledger, true));
}

static bool
see_received(void *arg, const struct ledger_received *r)
{
	struct seen *s = arg;

	snprintf(seen_line(s), SEEN_TEXT,
	    "%.*s %.*s %.*s %.*s %d rows %u "
	    "messages %u %.*s",
	    SPAN_FMT(r->organisation), SPAN_FMT(r->report_id),
	    SPAN_FMT(r->domain), SPAN_FMT(r->p), (int)(r->begin / DATE_DAY),
	    (unsigned)r->rows, (unsigned)r->messages, SPAN_FMT(r->file));
	return seen_go_on(s);
}

static bool
see_source(void *arg, const struct ledger_source *src)
{
	struct seen *s = arg;
	char ip[IP_TEXT_MAX];
	struct buf b = buf_wrap(ip, sizeof(ip));

	ip_put(&b, &src->address);
	snprintf(seen_line(s), SEEN_TEXT,
	    "%.*s %s first %d last %d messages %u aligned %u dkim %u spf %u "
	    "quarantined %u rejected %u",
	    SPAN_FMT(src->domain), ip, (int)src->first, (int)src->last,
	    (unsigned)src->messages, (unsigned)src->aligned,
	    (unsigned)src->dkim_aligned, (unsigned)src->spf_aligned,
	    (unsigned)src->quarantined, (unsigned)src->rejected);
	return seen_go_on(s);
}

/* Known by organisation, id, domain and period; what is not kept leaves
 * nothing. */
static void
received_once(void **state)
{
	const struct ledger_range all = { .from = 0, .to = 100000 };
	struct ledger_received r = received_of("one", "1", 100);
	struct seen seen = { .n = 0 };
	struct kept_message m;
	bool replaces;

	(void)state;
	receive("one", "1", 100, 1, 2, true);
	assert_int_equal(
	    ledger_begin_received(ledger, &r, &replaces), LEDGER_NONE);
	assert_int_equal(ledger_add_received_row(ledger, &m.row), LEDGER_ERROR);
	r.domain = SPAN("d2.example.com"); /* ids of some are not their own */
	ledgers_ok(ledger_begin_received(ledger, &r, &replaces));
	rows_message(&m, 2, 2);
	ledgers_ok(ledger_add_received_row(ledger, &m.row));
	ledgers_ok(ledger_end_received(ledger, false));
	ledgers_ok(ledger_each_received(ledger, &all, see_received, &seen));
	ASSERT_SEEN(&seen,
	    "one 1 d1.example.com none 100 rows 2 messages 4 report.xml");
	ledgers_ok(ledger_begin_received(ledger, &r, &replaces));
	ledgers_ok(ledger_end_received(ledger, true));
	ledgers_ok(ledger_each_received(ledger, &all, see_received, &seen));
	assert_int_equal(seen.n, 2);
}

/* Closed in the middle of a report: nothing of it is there. */
/* Google and Mimecast use an id again on another day. */
static void
received_ids_of_other_days(void **state)
{
	const struct ledger_range all = { .from = 0, .to = 100000 };
	struct seen seen = { .n = 0 };

	(void)state;
	receive("one", "1", 100, 1, 2, true);
	receive("one", "1", 101, 1, 3, true);
	ledgers_ok(ledger_each_received(ledger, &all, see_received, &seen));
	ASSERT_SEEN(&seen,
	    "one 1 d1.example.com none 100 rows 2 messages 4 report.xml",
	    "one 1 d1.example.com none 101 rows 2 messages 6 report.xml");
}

/* Of two with one key the one with more messages is kept, with its rows. */
static void
received_larger(void **state)
{
	const struct ledger_range all = { .from = 0, .to = 100000 };
	struct ledger_received r = received_of("one", "1", 100);
	struct seen seen = { .n = 0 };
	struct kept_message m;
	bool replaces;

	(void)state;
	receive("one", "1", 100, 1, 2, true);
	rows_message(&m, 2, 7);
	m.row.count = 5;
	for (int keep = 0; keep < 2; keep++) {
		r.messages = 4;
		assert_int_equal(
		    ledger_begin_received(ledger, &r, &replaces), LEDGER_NONE);
		r.messages = 5;
		ledgers_ok(ledger_begin_received(ledger, &r, &replaces));
		assert_true(replaces);
		ledgers_ok(ledger_add_received_row(ledger, &m.row));
		ledgers_ok(ledger_end_received(ledger, keep == 1));
		ledgers_ok(
		    ledger_each_received(ledger, &all, see_received, &seen));
	}
	ASSERT_SEEN(&seen,
	    "one 1 d1.example.com none 100 rows 2 messages 4 report.xml",
	    "one 1 d1.example.com none 100 rows 1 messages 5 report.xml");
}

static void
received_cut_off(void **state)
{
	const struct ledger_range all = { .from = 0, .to = 100000 };
	bool replaces;
	struct ledger_received r = received_of("one", "1", 100);
	struct seen seen = { .n = 0 };

	(void)state;
	ledgers_ok(ledger_begin_received(ledger, &r, &replaces));
	ledger_close(ledger);
	ledger = ledgers_open();
	ledgers_ok(ledger_each_received(ledger, &all, see_received, &seen));
	assert_int_equal(seen.n, 0);
	receive("one", "1", 100, 1, 2, true);
}

static bool
see_received_row(void *arg, const struct report_row *r)
{
	struct seen *s = arg;
	char ip[IP_TEXT_MAX];
	struct buf b = buf_wrap(ip, sizeof(ip));

	ip_put(&b, &r->source);
	snprintf(seen_line(s), SEEN_TEXT, "%d %.*s %s %u %.*s",
	    (int)(r->when / DATE_DAY), SPAN_FMT(r->policy_domain), ip,
	    (unsigned)r->count, SPAN_FMT(r->disposition));
	return seen_go_on(s);
}

/* Over several reports of a day, within the range, by source. */
static void
received_rows(void **state)
{
	struct ledger_range range = { .from = 101, .to = 102 };
	struct seen seen = { .n = 0 };

	(void)state;
	receive("one", "1", 100, 1, 50, true);
	receive("one", "2", 101, 1, 2, true);
	receive("two", "1", 101, 1, 3, true);
	receive("two", "2", 102, 2, 7, false);
	receive("two", "3", 103, 3, 1, false);
	ledgers_ok(
	    ledger_each_received_row(ledger, &range, see_received_row, &seen));
	ASSERT_SEEN(&seen, "101 d1.example.com 192.0.2.1 10 none",
	    "102 d1.example.com 192.0.2.2 14 quarantine");
	ledgers_ok(ledger_each_source(ledger, &range, see_source, &seen));
	ASSERT_SEEN(&seen,
	    "d1.example.com 192.0.2.2 first 102 last 102 messages 14 aligned "
	    "0 dkim 0 spf 0 quarantined 14 rejected 0",
	    "d1.example.com 192.0.2.1 first 100 last 101 messages 10 aligned "
	    "10 dkim 10 spf 0 quarantined 0 rejected 0");
	range.domain = SPAN("d1.example.com");
	ledgers_ok(ledger_each_source(ledger, &range, see_source, &seen));
	ledgers_ok(
	    ledger_each_received_row(ledger, &range, see_received_row, &seen));
	ledgers_ok(ledger_each_received(ledger, &range, see_received, &seen));
	assert_int_equal(seen.n, 2 + 2 + 3);
	seen.n = 0;
	range.domain = SPAN("d2.example.com");
	ledgers_ok(ledger_each_source(ledger, &range, see_source, &seen));
	ledgers_ok(
	    ledger_each_received_row(ledger, &range, see_received_row, &seen));
	ledgers_ok(ledger_each_received(ledger, &range, see_received, &seen));
	assert_int_equal(seen.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LEDGER(received_once),
		WITH_LEDGER(received_ids_of_other_days),
		WITH_LEDGER(received_larger),
		WITH_LEDGER(received_cut_off),
		WITH_LEDGER(received_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
