/* Ledger tests: reports from others, each stored once. */
#include "report/store/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/query_fixture.h"

/* ---- reports from others ---- */

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
	ledgers_ok(ledger_add_received_row(ledger, &m.row)); /* some reporters
	                                                        repeat a row */
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
see_use(void *arg, const struct ledger_received_use *u)
{
	struct seen *s = arg;
	char ip[IP_TEXT_MAX];
	struct buf b = buf_wrap(ip, sizeof(ip));

	ip_put(&b, &u->row.source);
	snprintf(seen_line(s), SEEN_TEXT,
	    "%.*s %s day %d of %u first %d last %d messages %u",
	    SPAN_FMT(u->organisation), ip, (int)u->day, u->row.days,
	    (int)u->first, (int)u->last, (unsigned)u->row.count);
	return seen_go_on(s);
}

static bool
see_domain(void *arg, const struct ledger_received_domain *d)
{
	struct seen *s = arg;

	snprintf(seen_line(s), SEEN_TEXT, "%.*s reports %u long %u messages %u",
	    SPAN_FMT(d->domain), (unsigned)d->reports,
	    (unsigned)d->long_reports, (unsigned)d->messages);
	return seen_go_on(s);
}

static bool
see_day(void *arg, const struct ledger_received_day *d)
{
	struct seen *s = arg;

	snprintf(seen_line(s), SEEN_TEXT, "%d of %u: %u of %u aligned",
	    (int)d->day, d->days, (unsigned)d->aligned, (unsigned)d->messages);
	return seen_go_on(s);
}

static bool
see_busy(void *arg, const struct ip *source)
{
	struct seen *s = arg;
	struct buf b = buf_wrap(seen_line(s), SEEN_TEXT);

	ip_put(&b, source);
	return seen_go_on(s);
}

/* A report is identified by organization, id, domain and period; a report that
 * is not kept leaves nothing behind. */
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
	r.domain = SPAN("d2.example.com"); /* some reporters use one id for
	                                      several domains */
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

/* Google and Mimecast reuse ids on other days. */
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

/* If two reports have the same key, the one with more messages is kept, with
 * its rows. */
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
	snprintf(seen_line(s), SEEN_TEXT, "%d %.*s %s %u %.*s%s%.0u",
	    (int)(r->when / DATE_DAY), SPAN_FMT(r->policy_domain), ip,
	    (unsigned)r->count, SPAN_FMT(r->disposition),
	    r->days > 1 ? " days " : "", r->days > 1 ? r->days : 0);
	return seen_go_on(s);
}

/* Rows from reports about the same day are merged, limited to the range, and
 * sorted by source. */
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
	range.domain = SPAN("d1.example.com");
	ledgers_ok(
	    ledger_each_received_row(ledger, &range, see_received_row, &seen));
	ledgers_ok(ledger_each_received(ledger, &range, see_received, &seen));
	assert_int_equal(seen.n, 2 + 3);
	seen.n = 0;
	range.domain = SPAN("d2.example.com");
	ledgers_ok(
	    ledger_each_received_row(ledger, &range, see_received_row, &seen));
	ledgers_ok(ledger_each_received(ledger, &range, see_received, &seen));
	assert_int_equal(seen.n, 0);
}

/* The queries that report/show uses: domains, days, and rows by source and
 * reporter. */
static void
received_for_people(void **state)
{
	struct ledger_range range = { .from = 101, .to = 103 };
	struct seen seen = { .n = 0 };

	(void)state;
	receive("one", "1", 99, 1, 50, true);
	receive("one", "2", 100, 1, 4, true);
	receive("one", "3", 101, 1, 2, true);
	receive("two", "1", 101, 1, 3, true);
	receive("two", "2", 102, 2, 7, false);
	receive("two", "3", 103, 2, 1, true);
	receive("two", "4", 104, 3, 9, true);
	ledgers_ok(
	    ledger_each_received_domain(ledger, &range, see_domain, &seen));
	ASSERT_SEEN(&seen, "d1.example.com reports 4 long 0 messages 26");
	range.domain = SPAN("d1.example.com");
	ledgers_ok(
	    ledger_each_received_domain(ledger, &range, see_domain, &seen));
	ASSERT_SEEN(&seen, "d1.example.com reports 4 long 0 messages 26");
	ledgers_ok(ledger_each_received_day(ledger, &range, see_day, &seen));
	ASSERT_SEEN(&seen, "101 of 1: 10 of 10 aligned",
	    "102 of 1: 0 of 14 aligned", "103 of 1: 2 of 2 aligned");
	ledgers_ok(
	    ledger_each_received_use(ledger, &range, 103, 100, see_use, &seen));
	ASSERT_SEEN(&seen,
	    "one 192.0.2.1 day -2 of 1 first 100 last 100 messages 8",
	    "one 192.0.2.1 day -1 of 1 first 101 last 101 messages 4",
	    "two 192.0.2.1 day -1 of 1 first 101 last 101 messages 6",
	    "two 192.0.2.2 day 103 of 1 first 103 last 103 messages 2",
	    "two 192.0.2.2 day -1 of 1 first 102 last 102 messages 14");
	range.domain = SPAN("d2.example.com");
	ledgers_ok(
	    ledger_each_received_domain(ledger, &range, see_domain, &seen));
	ledgers_ok(ledger_each_received_day(ledger, &range, see_day, &seen));
	ledgers_ok(
	    ledger_each_received_use(ledger, &range, 103, 100, see_use, &seen));
	assert_int_equal(seen.n, 0);
}

/* A report can claim any number of messages, so the number of reports decides
 * the order of domains. */
static void
received_domain_order(void **state)
{
	const struct ledger_range range = { .from = 100, .to = 101 };
	struct ledger_received r = received_of("one", "1", 100);
	struct seen seen = { .n = 0 };
	struct kept_message m;
	bool replaces;

	(void)state;
	receive("one", "1", 100, 1, 1, true);
	receive("one", "2", 101, 1, 1, true);
	rows_message(&m, 1, 1);
	for (unsigned i = 0; i < 2; i++) {
		r.domain = i == 0 ? SPAN("a.example") : SPAN("b.example");
		m.row.count = 1000000 + i;
		ledgers_ok(ledger_begin_received(ledger, &r, &replaces));
		ledgers_ok(ledger_add_received_row(ledger, &m.row));
		ledgers_ok(ledger_end_received(ledger, true));
	}
	ledgers_ok(
	    ledger_each_received_domain(ledger, &range, see_domain, &seen));
	ASSERT_SEEN(&seen, "d1.example.com reports 2 long 0 messages 4",
	    "b.example reports 1 long 0 messages 1000001",
	    "a.example reports 1 long 0 messages 1000000");
}

static void
received_extent(void **state)
{
	const struct ledger_range range = {
		.domain = SPAN("d1.example.com"), .from = 99, .to = 103
	};
	struct arena *a = arena_new(10000);
	struct ledger_received last;
	int64_t from = 0, to = 0;
	uint64_t n;

	(void)state;
	assert_int_equal(
	    ledger_received_extent(ledger, SPAN_NONE, &n, &from, &to),
	    LEDGER_NONE);
	assert_int_equal(
	    ledger_last_received(ledger, &range, a, &last), LEDGER_NONE);
	receive("one", "1", 99, 1, 50, true);
	receive("two", "2", 102, 1, 4, true);
	receive("one", "3", 104, 1, 4, true);
	ledgers_ok(ledger_received_extent(ledger, SPAN_NONE, &n, &from, &to));
	assert_true(n == 3 && from == 99 && to == 104);
	ledgers_ok(
	    ledger_received_extent(ledger, range.domain, &n, &from, &to));
	assert_int_equal(n, 3);
	assert_int_equal(ledger_received_extent(
			     ledger, SPAN("d2.example.com"), &n, &from, &to),
	    LEDGER_NONE);
	ledgers_ok(ledger_last_received(ledger, &range, a, &last));
	assert_true(span_is(last.organisation, "two"));
	assert_int_equal(last.begin, 102 * DATE_DAY);
	arena_free(a);
}

static void
receive_policy(const char *organisation, int64_t day, const char *p,
    const char *sp, unsigned count)
{
	struct ledger_received r = received_of(organisation, "1", day);
	struct kept_message m;
	bool replaces;

	r.p = span_str(p);
	r.sp = span_str(sp);
	rows_message(&m, 1, 1);
	m.row.count = count;
	ledgers_ok(ledger_begin_received(ledger, &r, &replaces));
	if (count > 0)
		ledgers_ok(ledger_add_received_row(ledger, &m.row));
	ledgers_ok(ledger_end_received(ledger, true));
}

static void
expect_policy(const char *p)
{
	const struct ledger_range range = {
		.domain = SPAN("d1.example.com"), .from = 90, .to = 103
	};
	struct arena *a = arena_new(10000);
	struct ledger_received last;

	ledgers_ok(ledger_last_received(ledger, &range, a, &last));
	if (!span_is(last.p, p))
		fail_msg("%.*s, not %s", SPAN_FMT(last.p), p);
	arena_free(a);
}

/* The policy is the one that most organizations report, so that a forged report
 * cannot change it; among equals, it is the latest. */
static void
received_policy(void **state)
{
	(void)state;
	receive_policy("one", 101, "reject", "", 10);
	receive_policy("two", 101, "reject", "reject", 10);
	receive_policy("forged", 103, "none", "", 0);
	expect_policy("reject");
	receive_policy("forged", 102, "none", "", 1000000);
	receive_policy("forged", 100, "none", "", 1000000);
	expect_policy("reject");
	receive_policy("one", 102, "quarantine", "", 1);
	expect_policy("reject");
	receive_policy("two", 103, "quarantine", "", 1);
	expect_policy("quarantine");
	receive_policy("three", 99, "reject", "", 1);
	expect_policy("quarantine");
}

/* The top source of every domain comes before the second source of any domain,
 * however many messages they sent. */
static void
received_busy(void **state)
{
	struct ledger_range range = { .from = 100, .to = 103 };
	struct ledger_received r = received_of("one", "9", 101);
	struct seen seen = { .n = 0 };
	struct kept_message m;
	bool replaces;

	(void)state;
	receive("one", "1", 101, 1, 500, true);
	receive("one", "2", 101, 2, 900, true);
	receive("one", "3", 102, 3, 700, true);
	receive("one", "4", 99, 4, 9000, true);
	r.domain = SPAN("d2.example.com");
	ledgers_ok(ledger_begin_received(ledger, &r, &replaces));
	rows_message(&m, 2, 7);
	ledgers_ok(ledger_add_received_row(ledger, &m.row));
	ledgers_ok(ledger_end_received(ledger, true));
	ledgers_ok(ledger_each_busy_source(ledger, &range, 3, see_busy, &seen));
	ASSERT_SEEN(&seen, "192.0.2.2", "192.0.2.7", "192.0.2.3");
	range.domain = SPAN("d1.example.com");
	ledgers_ok(ledger_each_busy_source(ledger, &range, 2, see_busy, &seen));
	ASSERT_SEEN(&seen, "192.0.2.2", "192.0.2.3");
}

static void
receive_period(int64_t begin, int64_t end)
{
	struct ledger_received r = received_of("one", "1", 0);
	struct kept_message m;
	bool replaces;

	r.begin = begin;
	r.end = end;
	rows_message(&m, 1, 1);
	ledgers_ok(ledger_begin_received(ledger, &r, &replaces));
	ledgers_ok(ledger_add_received_row(ledger, &m.row));
	ledgers_ok(ledger_end_received(ledger, true));
}

/* A report that covers a week is marked as such; a day in another time zone
 * counts as one day; days after the range are ignored. */
static void
received_days(void **state)
{
	const int64_t begin = 100 * DATE_DAY;
	struct ledger_range range = { .from = 0, .to = 1000 };
	struct seen seen = { .n = 0 };

	(void)state;
	receive_period(begin, begin + 7 * DATE_DAY - 1);
	ledgers_ok(
	    ledger_each_received_row(ledger, &range, see_received_row, &seen));
	ASSERT_SEEN(&seen, "100 d1.example.com 192.0.2.1 1 none days 7");
	range.to = 102;
	ledgers_ok(
	    ledger_each_received_row(ledger, &range, see_received_row, &seen));
	ASSERT_SEEN(&seen, "100 d1.example.com 192.0.2.1 1 none days 3");
	range.domain = SPAN("d1.example.com");
	ledgers_ok(ledger_each_received_day(ledger, &range, see_day, &seen));
	ASSERT_SEEN(&seen, "100 of 3: 1 of 1 aligned");
	ledgers_ok(
	    ledger_each_received_use(ledger, &range, 102, 100, see_use, &seen));
	ASSERT_SEEN(
	    &seen, "one 192.0.2.1 day 100 of 3 first 100 last 102 messages 1");
	range.domain = SPAN_NONE;
	receive_period(begin, begin);
	receive_period(begin, begin + DATE_DAY);
	receive_period(begin + 50000, begin + 50000 + DATE_DAY - 1);
	receive_period(begin + 1, begin + DATE_DAY * 3 / 2);
	ledgers_ok(
	    ledger_each_received_row(ledger, &range, see_received_row, &seen));
	ASSERT_SEEN(&seen, "100 d1.example.com 192.0.2.1 4 none",
	    "100 d1.example.com 192.0.2.1 1 none days 3");
}

/* ---- TLS reports ---- */

static bool
see_tls(void *arg, const struct ledger_tls_sum *t)
{
	struct seen *s = arg;

	snprintf(seen_line(s), SEEN_TEXT,
	    "%.*s %.*s %.*s %.*s:%.*s %u by %u %d", SPAN_FMT(t->of.domain),
	    SPAN_FMT(t->of.policy), SPAN_FMT(t->of.result), SPAN_FMT(t->of.mx),
	    SPAN_FMT(t->of.reason), (unsigned)t->of.sessions,
	    (unsigned)t->organisations, (int)t->last);
	return seen_go_on(s);
}

static enum ledger_step
receive_tls(const char *key, const char *organisation, int64_t day)
{
	const struct ledger_tls_result results[] = {
		{ SPAN("a.example"), SPAN("sts"), SPAN("success"), SPAN(""),
		    SPAN(""), 10 },
		{ SPAN("a.example"), SPAN("sts"), SPAN("success"), SPAN(""),
		    SPAN(""), 2 },
		{ SPAN("a.example"), SPAN("sts"), SPAN("certificate-expired"),
		    SPAN("mx.a.example"), SPAN("x509"), 30 },
		{ SPAN("b.example"), SPAN("tlsa"), SPAN("success"), SPAN(""),
		    SPAN(""), 1 },
	};
	const struct ledger_tls r = {
		.key = span_str(key),
		.organisation = span_str(organisation),
		.contact = SPAN("c"),
		.report_id = SPAN("1"),
		.begin = day * DATE_DAY,
		.end = (day + 1) * DATE_DAY - 1,
		.file = SPAN("f"),
		.read = NOW,
		.results = results,
		.n = sizeof(results) / sizeof(results[0]),
	};

	return ledger_add_tls(ledger, &r);
}

/* A report with several results about one domain. */
static void
receive_tls_of(const char *domain)
{
	const struct ledger_tls_result results[] = {
		{ span_str(domain), SPAN("sts"), SPAN("success"), SPAN(""),
		    SPAN(""), 500 },
		{ span_str(domain), SPAN("tlsa"), SPAN("success"), SPAN(""),
		    SPAN(""), 600 },
	};
	const struct ledger_tls r = {
		.key = span_str(domain),
		.organisation = SPAN("three"),
		.contact = SPAN("c"),
		.report_id = SPAN("1"),
		.begin = 100 * DATE_DAY,
		.end = 101 * DATE_DAY - 1,
		.file = SPAN("f"),
		.read = NOW,
		.results = results,
		.n = sizeof(results) / sizeof(results[0]),
	};

	ledgers_ok(ledger_add_tls(ledger, &r));
}

/* A report is stored only once per key; equal results of several reports are
 * merged.  The number of reports decides the order of domains. */
static void
received_tls(void **state)
{
	struct ledger_range range = { .from = 100, .to = 101 };
	struct seen seen = { .n = 0 };

	(void)state;
	ledgers_ok(receive_tls("1", "one", 100));
	assert_int_equal(receive_tls("1", "one", 100), LEDGER_NONE);
	ledgers_ok(receive_tls("2", "two", 101));
	ledgers_ok(receive_tls("3", "two", 101));
	ledgers_ok(receive_tls("4", "two", 102));
	receive_tls_of("0.example");
	ledgers_ok(ledger_each_tls(ledger, &range, see_tls, &seen));
	ASSERT_SEEN(&seen,
	    "a.example sts certificate-expired mx.a.example:x509 90 by 2 101",
	    "a.example sts success : 36 by 2 101",
	    "b.example tlsa success : 3 by 2 101",
	    "0.example tlsa success : 600 by 1 100",
	    "0.example sts success : 500 by 1 100");
	range.domain = SPAN("b.example");
	range.from = 102;
	range.to = 110;
	ledgers_ok(ledger_each_tls(ledger, &range, see_tls, &seen));
	ASSERT_SEEN(&seen, "b.example tlsa success : 1 by 1 102");
}

/* ---- failure reports ---- */

static bool
see_incident(void *arg, const struct ledger_incident *r)
{
	struct seen *s = arg;

	snprintf(seen_line(s), SEEN_TEXT, "%.*s %.*s %.*s %u last %d %.*s",
	    SPAN_FMT(r->domain), SPAN_FMT(r->source), SPAN_FMT(r->cause),
	    (unsigned)r->incidents, (int)(r->at / DATE_DAY),
	    SPAN_FMT(r->results));
	return seen_go_on(s);
}

static enum ledger_step
receive_incident(
    const char *key, const char *domain, const char *source, int64_t day)
{
	const struct ledger_incident r = {
		.key = span_str(key),
		.reporter = SPAN("mx.example"),
		.at = day * DATE_DAY,
		.domain = span_str(domain),
		.source = span_str(source),
		.cause = SPAN("dmarc"),
		.results = SPAN("dkim=fail"),
		.incidents = 2,
		.file = SPAN("f"),
		.read = NOW,
	};

	return ledger_add_incident(ledger, &r);
}

static void
received_incidents(void **state)
{
	static const char a[] = "a.example";
	struct ledger_range range = { .from = 100, .to = 101 };
	struct seen seen = { .n = 0 };

	(void)state;
	ledgers_ok(receive_incident("1", a, "192.0.2.1", 100));
	assert_int_equal(
	    receive_incident("1", a, "192.0.2.1", 100), LEDGER_NONE);
	ledgers_ok(receive_incident("2", a, "192.0.2.2", 100));
	ledgers_ok(receive_incident("3", a, "192.0.2.2", 101));
	ledgers_ok(receive_incident("4", a, "192.0.2.2", 102));
	ledgers_ok(receive_incident("5", "0.example", "192.0.2.3", 100));
	ledgers_ok(ledger_each_incident(ledger, &range, see_incident, &seen));
	ASSERT_SEEN(&seen, "a.example 192.0.2.2 dmarc 4 last 101 dkim=fail",
	    "a.example 192.0.2.1 dmarc 2 last 100 dkim=fail",
	    "0.example 192.0.2.3 dmarc 2 last 100 dkim=fail");
	range.domain = SPAN("b.example");
	ledgers_ok(ledger_each_incident(ledger, &range, see_incident, &seen));
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
		WITH_LEDGER(received_for_people),
		WITH_LEDGER(received_domain_order),
		WITH_LEDGER(received_extent),
		WITH_LEDGER(received_policy),
		WITH_LEDGER(received_busy),
		WITH_LEDGER(received_days),
		WITH_LEDGER(received_tls),
		WITH_LEDGER(received_incidents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
