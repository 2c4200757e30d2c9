/*
 * The ledger: rows of a day as a report wants them, deliveries that are handed
 * over once, addresses that bounce, reports of others.
 */
#include "report/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/table.h"
#include "tests/support/rows.h"

/* Where this names a PostgreSQL, the tests are run in that, and what is in its
 * schema "avouch" is lost. */
static const char store_name[] = "AVOUCH_TEST_STORE";

enum { NOW = 1750000000, SEEN_MAX = 20, SEEN_TEXT = 300 };

static struct place place;
static struct ledger *ledger;

static struct ledger *
open_ledger(void)
{
	char error[SQL_ERROR_MAX];
	const char *store = getenv(store_name);
	struct ledger *l = ledger_open(
	    store != NULL ? store : place.file, SQLITE_FOR_COMMAND, error);

	if (l == NULL)
		fail_msg("%s", error);
	return l;
}

static int
set_up(void **state)
{
	(void)state;
	place_make(&place);
	ledger = open_ledger();
	if (getenv(store_name) != NULL) {
		assert_true(
		    sql_run(ledger_sql(ledger), "DROP SCHEMA avouch CASCADE"));
		ledger_close(ledger);
		ledger = open_ledger();
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	ledger_close(ledger);
	place_remove(&place);
	return 0;
}

static void
is_ok(enum ledger_step step)
{
	if (step != LEDGER_OK)
		fail_msg("step %d: %s", (int)step, ledger_error(ledger));
}

/* Lines that callbacks write, to be compared in one go. */
struct seen {
	char lines[SEEN_MAX][SEEN_TEXT];
	size_t n, stop_after; /* 0: never */
};

static char *
next_line(struct seen *s)
{
	assert_true(s->n < SEEN_MAX);
	return s->lines[s->n++];
}

static bool
go_on(const struct seen *s)
{
	return s->stop_after == 0 || s->n < s->stop_after;
}

static void
assert_seen(struct seen *s, const char *const *want, size_t n)
{
	for (size_t i = 0; i < n && i < s->n; i++)
		assert_string_equal(s->lines[i], want[i]);
	assert_int_equal(s->n, n);
	s->n = 0;
}

#define ASSERT_SEEN(s, ...)                                                    \
	assert_seen(s, (const char *const[]){ __VA_ARGS__ },                   \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* ---- rows ---- */

static void
add(const struct report_row *r)
{
	is_ok(ledger_add_row(ledger, r));
}

static bool
see_policy(void *arg, const struct ledger_policy *p)
{
	struct seen *s = arg;

	snprintf(next_line(s), SEEN_TEXT,
	    "%.*s \"%.*s\" records %u rows %u messages %u aligned %u "
	    "automatic %u",
	    SPAN_FMT(p->domain), SPAN_FMT(p->record), (unsigned)p->records,
	    (unsigned)p->rows, (unsigned)p->messages, (unsigned)p->aligned,
	    (unsigned)p->automatic);
	return go_on(s);
}

static bool
see_row(void *arg, const struct report_row *r)
{
	struct seen *s = arg;
	char ip[IP_TEXT_MAX];
	struct buf b = buf_over(ip, sizeof(ip));

	ip_put(&b, &r->source);
	snprintf(next_line(s), SEEN_TEXT, "%.*s \"%.*s\" %s %u %.*s%s",
	    SPAN_FMT(r->policy_domain), SPAN_FMT(r->record), ip,
	    (unsigned)r->count, SPAN_FMT(r->disposition),
	    r->automatic ? " automatic" : "");
	return go_on(s);
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
	is_ok(
	    ledger_each_policy(ledger, ROWS_DAY, SPAN_NONE, see_policy, &seen));
	ASSERT_SEEN(&seen,
	    "d1.example.com \"v=DMARC1; p=reject\" records 2 rows 4 messages "
	    "19 aligned 9 automatic 4",
	    "d2.example.com \"v=DMARC1; p=reject; rua=mailto:d@example.com\" "
	    "records 1 rows 1 messages 1 aligned 1 automatic 0");
	is_ok(ledger_each_policy(
	    ledger, ROWS_DAY, SPAN("d2.example.com"), see_policy, &seen));
	assert_int_equal(seen.n, 1);
	seen = (struct seen){ .stop_after = 1 };
	is_ok(
	    ledger_each_policy(ledger, ROWS_DAY, SPAN_NONE, see_policy, &seen));
	assert_int_equal(seen.n, 1);
	seen = (struct seen){ .n = 0 };
	is_ok(ledger_each_row(
	    ledger, ROWS_DAY, SPAN("d1.example.com"), see_row, &seen));
	ASSERT_SEEN(&seen, "d1.example.com \"\" 192.0.2.2 10 reject",
	    "d1.example.com \"\" 192.0.2.1 9 none");
	/* with nothing merged, for a push */
	is_ok(ledger_each_kept(ledger, ROWS_DAY, see_row, &seen));
	assert_int_equal(seen.n, 5);
	assert_string_equal(seen.lines[0],
	    "d1.example.com \"v=DMARC1; p=none\" 192.0.2.1 3 none");
}

static bool
see_day(void *arg, int64_t day)
{
	struct seen *s = arg;

	snprintf(next_line(s), SEEN_TEXT, "%d", (int)day);
	return go_on(s);
}

/* What is taken from one store and put into another is the same there. */
static bool
copy_row(void *arg, const struct report_row *r)
{
	return ledger_add_row(arg, r) == LEDGER_OK;
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
		m.row.when += (int64_t)(i / 4) * REPORT_DAY;
		add(&m.row);
	}
	is_ok(ledger_each_day(ledger, see_day, &seen));
	ASSERT_SEEN(&seen, "20000", "20001");
	place_make(&other);
	to = ledger_open_file(other.file, SQLITE_FOR_COMMAND, error);
	assert_non_null(to);
	is_ok(ledger_begin(to));
	is_ok(ledger_each_kept(ledger, ROWS_DAY, copy_row, to));
	is_ok(ledger_end(to, true));
	is_ok(ledger_each_kept(ledger, ROWS_DAY, see_row, &seen));
	is_ok(ledger_each_kept(to, ROWS_DAY, see_row, &moved));
	assert_int_equal(seen.n, moved.n);
	for (size_t i = 0; i < seen.n; i++)
		assert_string_equal(seen.lines[i], moved.lines[i]);
	/* a second time it is as many again, what is not committed nothing */
	is_ok(ledger_begin(to));
	is_ok(ledger_each_kept(ledger, ROWS_DAY, copy_row, to));
	is_ok(ledger_end(to, false));
	seen.n = 0;
	is_ok(ledger_each_day(to, see_day, &seen));
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
		is_ok(ledger_set_meta(
		    ledger, "store", SPAN("0123456789abcdef0123456789abcdef")));
	is_ok(ledger_meta(ledger, "store", &name, a));
	assert_int_equal(name.n, 32);
	assert_int_equal(ledger_meta(ledger, "pushed", &value, a), LEDGER_NONE);
	is_ok(ledger_set_meta(ledger, "pushed", SPAN("7")));
	is_ok(ledger_set_meta(ledger, "pushed", SPAN("8")));
	is_ok(ledger_meta(ledger, "pushed", &value, a));
	assert_true(span_is(value, "8"));
	ledger_close(ledger);
	ledger = open_ledger();
	is_ok(ledger_meta(ledger, "store", &again, a));
	assert_true(span_equal(name, again));
	arena_fail_at(a, 1);
	assert_int_equal(ledger_meta(ledger, "store", &again, a), LEDGER_FAULT);
	arena_free(a);
}

/* ---- sending ---- */

static struct ledger_report
report_of(const char *domain, const char *id)
{
	return (struct ledger_report){
		.day = ROWS_DAY,
		.domain = span_str(domain),
		.part = 1,
		.parts = 1,
		.report_id = span_str(id),
		.record = SPAN("v=DMARC1; p=none"),
		.made = NOW,
		.rows = 5,
		.messages = 9,
	};
}

static bool
see_delivery(void *arg, const struct ledger_delivery *d)
{
	struct seen *s = arg;

	snprintf(next_line(s), SEEN_TEXT, "%.*s %.*s %s %u \"%.*s\"",
	    SPAN_FMT(d->report.report_id), SPAN_FMT(d->destination),
	    ledger_state_name(d->state), (unsigned)d->attempts,
	    SPAN_FMT(d->note));
	return go_on(s);
}

static bool
see_report(void *arg, const struct ledger_report *r)
{
	struct seen *s = arg;

	snprintf(next_line(s), SEEN_TEXT,
	    "%d %.*s %u/%u %.*s \"%.*s\" %d %u %u \"%.*s\"", (int)r->day,
	    SPAN_FMT(r->domain), (unsigned)r->part, (unsigned)r->parts,
	    SPAN_FMT(r->report_id), SPAN_FMT(r->record), (int)r->made,
	    (unsigned)r->rows, (unsigned)r->messages, SPAN_FMT(r->note));
	return go_on(s);
}

static bool
take_delivery(void *arg, const struct ledger_delivery *d)
{
	int64_t *id = arg;

	*id = d->id;
	return false;
}

static int64_t
id_of(const char *report_id)
{
	int64_t id = -1;

	is_ok(ledger_each_delivery(ledger,
	    &(struct ledger_want){
		.day = -1, .report_id = span_str(report_id) },
	    take_delivery, &id));
	return id;
}

static const struct span two[] = { { "a@x.example", 11 },
	{ "b@y.example", 11 } };

/* Planned once, whole, whoever tries again. */
static void
plan_once(void **state)
{
	struct seen seen = { .n = 0 };
	struct ledger_report r = report_of("d1.example.com", "id1@mx.example");
	struct ledger *other = open_ledger();

	(void)state;
	is_ok(ledger_plan(ledger, &r, two, 2));
	assert_int_equal(ledger_plan(ledger, &r, two, 2), LEDGER_NONE);
	r.report_id = SPAN("id2@mx.example");
	assert_int_equal(ledger_plan(other, &r, two, 2), LEDGER_NONE);
	r.part = r.parts = 2;
	r.report_id = SPAN("id1@mx.example"); /* that id is taken */
	assert_int_equal(ledger_plan(other, &r, two, 1), LEDGER_NONE);
	r.report_id = SPAN("id3@mx.example");
	is_ok(ledger_plan(other, &r, two, 1));
	r = report_of("d2.example.com", "id4@mx.example");
	r.note = SPAN("no rua");
	is_ok(ledger_plan(ledger, &r, NULL, 0));
	is_ok(
	    ledger_each_report(ledger, ROWS_DAY, SPAN_NONE, see_report, &seen));
	ASSERT_SEEN(&seen,
	    "20000 d1.example.com 1/1 id1@mx.example \"v=DMARC1; p=none\" "
	    "1750000000 5 9 \"\"",
	    "20000 d1.example.com 2/2 id3@mx.example \"v=DMARC1; p=none\" "
	    "1750000000 5 9 \"\"",
	    "20000 d2.example.com 1/1 id4@mx.example \"v=DMARC1; p=none\" "
	    "1750000000 5 9 \"no rua\"");
	is_ok(ledger_each_report(
	    ledger, ROWS_DAY, SPAN("d2.example.com"), see_report, &seen));
	assert_int_equal(seen.n, 1);
	seen.n = 0;
	is_ok(ledger_each_delivery(
	    ledger, &(struct ledger_want){ .day = -1 }, see_delivery, &seen));
	ASSERT_SEEN(&seen, "id1@mx.example a@x.example planned 0 \"\"",
	    "id1@mx.example b@y.example planned 0 \"\"",
	    "id3@mx.example a@x.example planned 0 \"\"");
	ledger_close(other);
}

/* Not committed, not planned. */
static void
plan_rolled_back(void **state)
{
	struct seen seen = { .n = 0 };
	struct ledger_report r = report_of("d1.example.com", "id1@mx.example");

	(void)state;
	is_ok(ledger_begin(ledger));
	is_ok(ledger_plan(ledger, &r, two, 2));
	is_ok(ledger_end(ledger, false));
	is_ok(
	    ledger_each_report(ledger, ROWS_DAY, SPAN_NONE, see_report, &seen));
	is_ok(ledger_each_delivery(
	    ledger, &(struct ledger_want){ .day = -1 }, see_delivery, &seen));
	assert_int_equal(seen.n, 0);
	is_ok(ledger_plan(ledger, &r, two, 2));
}

static enum ledger_step
move(struct ledger *l, int64_t id, enum ledger_state from, enum ledger_state to,
    uint64_t attempts)
{
	return ledger_move(l,
	    &(struct ledger_move){
		.id = id,
		.from = from,
		.to = to,
		.attempts = attempts,
		.now = NOW + 5,
		.not_before = NOW + 1000,
		.note = SPAN("moved"),
	    });
}

/* Every move there is, and no other. */
static void
moves(void **state)
{
	static const bool may[5][5] = {
		[LEDGER_PLANNED] = { [LEDGER_HANDING] = true,
		    [LEDGER_DROPPED] = true },
		[LEDGER_HANDING] = { [LEDGER_WAITING] = true,
		    [LEDGER_SENT] = true,
		    [LEDGER_DROPPED] = true },
		[LEDGER_WAITING] = { [LEDGER_HANDING] = true,
		    [LEDGER_DROPPED] = true },
	};

	(void)state;
	for (int from = 0; from < 5; from++) {
		for (int to = 0; to < 5; to++) {
			struct ledger_move m = {
				.id = 1,
				.from = (enum ledger_state)from,
				.to = (enum ledger_state)to,
			};

			/* there is no delivery 1 */
			assert_int_equal(ledger_move(ledger, &m),
			    may[from][to] ? LEDGER_NONE : LEDGER_FAULT);
		}
	}
}

/* Two runs at once: one of them gets it.  A delivery left in HANDING is found
 * there, and taken on by who has read how often it was tried. */
static void
moved_by_one(void **state)
{
	struct seen seen = { .n = 0 };
	struct ledger_report r = report_of("d1.example.com", "id1@mx.example");
	struct ledger *other = open_ledger();
	int64_t id;

	(void)state;
	is_ok(ledger_plan(ledger, &r, two, 1));
	id = id_of("id1@mx.example");
	is_ok(move(ledger, id, LEDGER_PLANNED, LEDGER_HANDING, 0));
	assert_int_equal(
	    move(other, id, LEDGER_PLANNED, LEDGER_HANDING, 0), LEDGER_NONE);
	assert_int_equal(
	    move(other, id, LEDGER_HANDING, LEDGER_SENT, 0), LEDGER_NONE);
	is_ok(move(other, id, LEDGER_HANDING, LEDGER_WAITING, 1));
	is_ok(move(other, id, LEDGER_WAITING, LEDGER_HANDING, 1));
	/* the first one comes back late */
	assert_int_equal(
	    move(ledger, id, LEDGER_HANDING, LEDGER_SENT, 1), LEDGER_NONE);
	is_ok(move(other, id, LEDGER_HANDING, LEDGER_SENT, 2));
	assert_int_equal(
	    move(ledger, id, LEDGER_HANDING, LEDGER_WAITING, 2), LEDGER_NONE);
	is_ok(ledger_each_delivery(
	    ledger, &(struct ledger_want){ .day = -1 }, see_delivery, &seen));
	ASSERT_SEEN(&seen, "id1@mx.example a@x.example sent 2 \"moved\"");
	ledger_close(other);
}

/* What is asked for by day, domain, state, time and number. */
static void
wanted(void **state)
{
	struct seen seen = { .n = 0 };
	struct ledger_report r = report_of("d1.example.com", "id1@mx.example");
	const struct {
		struct ledger_want want;
		size_t n;
	} cases[] = {
		{ { .day = -1 }, 4 },
		{ { .day = ROWS_DAY }, 2 },
		{ { .day = ROWS_DAY + 1 }, 2 },
		{ { .day = 3 }, 0 },
		{ { .day = -1, .domain = SPAN("d2.example.com") }, 2 },
		{ { .day = ROWS_DAY, .domain = SPAN("d2.example.com") }, 0 },
		{ { .day = -1, .report_id = SPAN("id2@mx.example") }, 2 },
		{ { .day = -1, .states = 1u << LEDGER_PLANNED }, 3 },
		{ { .day = -1, .states = 1u << LEDGER_WAITING }, 1 },
		{ { .day = -1,
		      .states = 1u << LEDGER_WAITING | 1u << LEDGER_PLANNED },
		    4 },
		{ { .day = -1, .states = 1u << LEDGER_SENT }, 0 },
		{ { .day = -1, .due = NOW + 999 }, 3 },
		{ { .day = -1, .due = NOW + 1000 }, 4 },
		{ { .day = -1, .limit = 3 }, 3 },
		{ { .day = ROWS_DAY,
		      .domain = SPAN("d1.example.com"),
		      .report_id = SPAN("id1@mx.example"),
		      .states = 1u << LEDGER_WAITING,
		      .due = NOW + 1000,
		      .limit = 5 },
		    1 },
	};
	int64_t id;

	(void)state;
	is_ok(ledger_plan(ledger, &r, two, 2));
	r = report_of("d2.example.com", "id2@mx.example");
	r.day++;
	is_ok(ledger_plan(ledger, &r, two, 2));
	id = id_of("id1@mx.example");
	is_ok(move(ledger, id, LEDGER_PLANNED, LEDGER_HANDING, 0));
	is_ok(move(ledger, id, LEDGER_HANDING, LEDGER_WAITING, 1));
	for (size_t i = 0; i < TABLE_SIZE(cases); i++) {
		seen.n = 0;
		is_ok(ledger_each_delivery(
		    ledger, &cases[i].want, see_delivery, &seen));
		if (seen.n != cases[i].n)
			fail_msg(
			    "case %zu: %zu, want %zu", i, seen.n, cases[i].n);
	}
}

/* Caps count what is handed over, by address and time. */
static void
sent_to(void **state)
{
	struct ledger_report r = report_of("d1.example.com", "id1@mx.example");
	uint64_t n;
	int64_t id;

	(void)state;
	is_ok(ledger_plan(ledger, &r, two, 2));
	is_ok(ledger_sent_to(ledger, two[0], 0, &n));
	assert_int_equal(n, 0);
	id = id_of("id1@mx.example");
	is_ok(move(ledger, id, LEDGER_PLANNED, LEDGER_HANDING, 0));
	is_ok(ledger_sent_to(ledger, two[0], NOW, &n));
	assert_int_equal(n, 1);
	is_ok(ledger_sent_to(ledger, two[0], NOW + 6, &n));
	assert_int_equal(n, 0);
	is_ok(ledger_sent_to(ledger, two[1], 0, &n));
	assert_int_equal(n, 0);
	is_ok(move(ledger, id, LEDGER_HANDING, LEDGER_SENT, 1));
	is_ok(ledger_sent_to(ledger, two[0], NOW, &n));
	assert_int_equal(n, 1);
}

/* One run of a kind at a time, until it ends. */
static void
locks(void **state)
{
	struct ledger *other = open_ledger();
	const struct timespec step = { 0, 10000000 };

	(void)state;
	is_ok(ledger_lock(ledger, "send"));
	assert_int_equal(ledger_lock(other, "send"), LEDGER_NONE);
	assert_int_equal(ledger_fault(other), SQL_LOCKED);
	is_ok(ledger_lock(other, "push"));
	ledger_close(ledger);
	/* a server needs a moment to see that a client is gone */
	for (int i = 0; i < 500 && sql_is_shared(ledger_sql(other)) &&
	     ledger_lock(other, "send") == LEDGER_NONE;
	     i++)
		nanosleep(&step, NULL);
	is_ok(ledger_lock(other, "send"));
	ledger_close(other);
	ledger = open_ledger();
}

/* ---- bounces ---- */

static bool
see_bounce(void *arg, const struct ledger_bounce *b)
{
	struct seen *s = arg;

	snprintf(next_line(s), SEEN_TEXT, "%.*s %u %d %d %d \"%.*s\"",
	    SPAN_FMT(b->address), (unsigned)b->count, (int)b->first,
	    (int)b->last, b->suppressed, SPAN_FMT(b->note));
	return go_on(s);
}

static void
bounces(void **state)
{
	struct seen seen = { .n = 0 };
	struct arena *a = arena_new(4096);
	struct ledger_bounce b = {
		.address = SPAN("b@y.example"),
		.count = 1,
		.first = NOW,
		.last = NOW,
		.note = SPAN("550 no such user"),
	};
	struct ledger_bounce got;

	(void)state;
	assert_int_equal(
	    ledger_get_bounce(ledger, b.address, a, &got), LEDGER_NONE);
	is_ok(ledger_put_bounce(ledger, &b));
	b.count = 2;
	b.last = NOW + 9;
	b.suppressed = true;
	is_ok(ledger_put_bounce(ledger, &b));
	b.address = SPAN("a@x.example");
	is_ok(ledger_put_bounce(ledger, &b));
	is_ok(ledger_get_bounce(ledger, SPAN("b@y.example"), a, &got));
	see_bounce(&seen, &got);
	ASSERT_SEEN(&seen,
	    "b@y.example 2 1750000000 1750000009 1 \"550 no such user\"");
	is_ok(ledger_each_bounce(ledger, see_bounce, &seen));
	assert_int_equal(seen.n, 2);
	is_ok(ledger_drop_bounce(ledger, SPAN("b@y.example")));
	assert_int_equal(
	    ledger_drop_bounce(ledger, SPAN("b@y.example")), LEDGER_NONE);
	arena_fail_at(a, 1);
	assert_int_equal(
	    ledger_get_bounce(ledger, SPAN("a@x.example"), a, &got),
	    LEDGER_FAULT);
	arena_free(a);
}

/* ---- reports of others ---- */

static struct ledger_received
received_of(const char *organisation, const char *id, int64_t day)
{
	return (struct ledger_received){
		.organisation = span_str(organisation),
		.email = SPAN("dmarc@reporter.example"),
		.report_id = span_str(id),
		.begin = day * REPORT_DAY,
		.end = (day + 1) * REPORT_DAY - 1,
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

	rows_message(&m, 1, source);
	m.row.count = count;
	m.row.dkim_aligned = aligned;
	m.row.spf_aligned = false;
	if (!aligned)
		m.row.disposition = SPAN("quarantine");
	is_ok(ledger_begin_received(ledger, &r));
	is_ok(ledger_add_received_row(ledger, &m.row));
	is_ok(ledger_add_received_row(ledger, &m.row)); /* a fault of some */
	is_ok(ledger_end_received(ledger, true));
}

static bool
see_received(void *arg, const struct ledger_received *r)
{
	struct seen *s = arg;

	snprintf(next_line(s), SEEN_TEXT,
	    "%.*s %.*s %.*s %.*s %d rows %u "
	    "messages %u %.*s",
	    SPAN_FMT(r->organisation), SPAN_FMT(r->report_id),
	    SPAN_FMT(r->domain), SPAN_FMT(r->p), (int)(r->begin / REPORT_DAY),
	    (unsigned)r->rows, (unsigned)r->messages, SPAN_FMT(r->file));
	return go_on(s);
}

static bool
see_source(void *arg, const struct ledger_source *src)
{
	struct seen *s = arg;
	char ip[IP_TEXT_MAX];
	struct buf b = buf_over(ip, sizeof(ip));

	ip_put(&b, &src->address);
	snprintf(next_line(s), SEEN_TEXT,
	    "%.*s %s first %d last %d messages %u aligned %u dkim %u spf %u "
	    "quarantined %u rejected %u",
	    SPAN_FMT(src->domain), ip, (int)src->first, (int)src->last,
	    (unsigned)src->messages, (unsigned)src->aligned,
	    (unsigned)src->dkim_aligned, (unsigned)src->spf_aligned,
	    (unsigned)src->quarantined, (unsigned)src->rejected);
	return go_on(s);
}

/* Known by organisation, id and domain; what is not kept leaves nothing. */
static void
received_once(void **state)
{
	const struct ledger_range all = { .from = 0, .to = 100000 };
	struct ledger_received r = received_of("one", "1", 100);
	struct seen seen = { .n = 0 };
	struct kept_message m;

	(void)state;
	receive("one", "1", 100, 1, 2, true);
	assert_int_equal(ledger_begin_received(ledger, &r), LEDGER_NONE);
	assert_int_equal(ledger_add_received_row(ledger, &m.row), LEDGER_FAULT);
	r.domain = SPAN("d2.example.com"); /* ids of some are not their own */
	is_ok(ledger_begin_received(ledger, &r));
	rows_message(&m, 2, 2);
	is_ok(ledger_add_received_row(ledger, &m.row));
	is_ok(ledger_end_received(ledger, false));
	is_ok(ledger_each_received(ledger, &all, see_received, &seen));
	ASSERT_SEEN(&seen,
	    "one 1 d1.example.com none 100 rows 2 messages 4 report.xml");
	is_ok(ledger_begin_received(ledger, &r));
	is_ok(ledger_end_received(ledger, true));
	is_ok(ledger_each_received(ledger, &all, see_received, &seen));
	assert_int_equal(seen.n, 2);
}

/* Closed in the middle of a report: nothing of it is there. */
static void
received_cut_off(void **state)
{
	const struct ledger_range all = { .from = 0, .to = 100000 };
	struct ledger_received r = received_of("one", "1", 100);
	struct seen seen = { .n = 0 };

	(void)state;
	is_ok(ledger_begin_received(ledger, &r));
	ledger_close(ledger);
	ledger = open_ledger();
	is_ok(ledger_each_received(ledger, &all, see_received, &seen));
	assert_int_equal(seen.n, 0);
	receive("one", "1", 100, 1, 2, true);
}

static bool
see_received_row(void *arg, const struct report_row *r)
{
	struct seen *s = arg;
	char ip[IP_TEXT_MAX];
	struct buf b = buf_over(ip, sizeof(ip));

	ip_put(&b, &r->source);
	snprintf(next_line(s), SEEN_TEXT, "%d %.*s %s %u %.*s",
	    (int)(r->when / REPORT_DAY), SPAN_FMT(r->policy_domain), ip,
	    (unsigned)r->count, SPAN_FMT(r->disposition));
	return go_on(s);
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
	is_ok(
	    ledger_each_received_row(ledger, &range, see_received_row, &seen));
	ASSERT_SEEN(&seen, "101 d1.example.com 192.0.2.1 10 none",
	    "102 d1.example.com 192.0.2.2 14 quarantine");
	is_ok(ledger_each_source(ledger, &range, see_source, &seen));
	ASSERT_SEEN(&seen,
	    "d1.example.com 192.0.2.2 first 102 last 102 messages 14 aligned "
	    "0 dkim 0 spf 0 quarantined 14 rejected 0",
	    "d1.example.com 192.0.2.1 first 100 last 101 messages 10 aligned "
	    "10 dkim 10 spf 0 quarantined 0 rejected 0");
	range.domain = SPAN("d1.example.com");
	is_ok(ledger_each_source(ledger, &range, see_source, &seen));
	is_ok(
	    ledger_each_received_row(ledger, &range, see_received_row, &seen));
	is_ok(ledger_each_received(ledger, &range, see_received, &seen));
	assert_int_equal(seen.n, 2 + 2 + 3);
	seen.n = 0;
	range.domain = SPAN("d2.example.com");
	is_ok(ledger_each_source(ledger, &range, see_source, &seen));
	is_ok(
	    ledger_each_received_row(ledger, &range, see_received_row, &seen));
	is_ok(ledger_each_received(ledger, &range, see_received, &seen));
	assert_int_equal(seen.n, 0);
}

/* ---- faults ---- */

static void
not_there(void **state)
{
	char error[SQL_ERROR_MAX] = "";
	char path[ROWS_PATH + 10];

	(void)state;
	snprintf(path, sizeof(path), "%s.none", place.file);
	assert_null(ledger_open_file(path, SQLITE_FOR_READING, error));
	assert_true(error[0] != '\0');
	assert_int_equal(place_count(&place, ".none"), 0);
	assert_null(ledger_over(NULL));
	ledger_close(NULL);
}

int
main(void)
{
#define AT_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		AT_PLACE(rows_3_1),
		AT_PLACE(rows_move),
		AT_PLACE(settings),
		AT_PLACE(plan_once),
		AT_PLACE(plan_rolled_back),
		AT_PLACE(moves),
		AT_PLACE(moved_by_one),
		AT_PLACE(wanted),
		AT_PLACE(sent_to),
		AT_PLACE(locks),
		AT_PLACE(bounces),
		AT_PLACE(received_once),
		AT_PLACE(received_cut_off),
		AT_PLACE(received_rows),
		AT_PLACE(not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
