/*
 * Ledger tests: deliveries that are sent only once, and addresses that bounce.
 */
#include "report/store/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/query_fixture.h"

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

static const char *
state_name(enum ledger_state state)
{
	static const char *const names[] = { [LEDGER_PLANNED] = "planned",
		[LEDGER_SENDING] = "handing",
		[LEDGER_WAITING] = "waiting",
		[LEDGER_SENT] = "sent",
		[LEDGER_DROPPED] = "dropped" };

	return names[state];
}

static bool
see_delivery(void *arg, const struct ledger_delivery *d)
{
	struct seen *s = arg;

	snprintf(seen_line(s), SEEN_TEXT, "%.*s %.*s %s %u \"%.*s\"",
	    SPAN_FMT(d->report.report_id), SPAN_FMT(d->destination),
	    state_name(d->state), (unsigned)d->attempts, SPAN_FMT(d->note));
	return seen_go_on(s);
}

static bool
see_report(void *arg, const struct ledger_report *r)
{
	struct seen *s = arg;

	snprintf(seen_line(s), SEEN_TEXT,
	    "%d %.*s %u/%u %.*s \"%.*s\" %d %u %u \"%.*s\"", (int)r->day,
	    SPAN_FMT(r->domain), (unsigned)r->part, (unsigned)r->parts,
	    SPAN_FMT(r->report_id), SPAN_FMT(r->record), (int)r->made,
	    (unsigned)r->rows, (unsigned)r->messages, SPAN_FMT(r->note));
	return seen_go_on(s);
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

	ledgers_ok(ledger_each_delivery(ledger,
	    &(struct ledger_want){
		.day = -1, .report_id = span_str(report_id) },
	    take_delivery, &id));
	return id;
}

static const struct span two[] = { { "a@x.example", 11 },
	{ "b@y.example", 11 } };

/* A report is planned only once, with all its deliveries, even if another
 * process tries again. */
static void
plan_once(void **state)
{
	struct seen seen = { .n = 0 };
	struct ledger_report r = report_of("d1.example.com", "id1@mx.example");
	struct ledger *other = ledgers_open();

	(void)state;
	ledgers_ok(ledger_plan(ledger, &r, two, 2));
	assert_int_equal(ledger_plan(ledger, &r, two, 2), LEDGER_NONE);
	r.report_id = SPAN("id2@mx.example");
	assert_int_equal(ledger_plan(other, &r, two, 2), LEDGER_NONE);
	r.part = r.parts = 2;
	r.report_id = SPAN("id1@mx.example"); /* that id is already used */
	assert_int_equal(ledger_plan(other, &r, two, 1), LEDGER_NONE);
	r.report_id = SPAN("id3@mx.example");
	ledgers_ok(ledger_plan(other, &r, two, 1));
	r = report_of("d2.example.com", "id4@mx.example");
	r.note = SPAN("no rua");
	ledgers_ok(ledger_plan(ledger, &r, NULL, 0));
	ledgers_ok(
	    ledger_each_report(ledger, ROWS_DAY, SPAN_NONE, see_report, &seen));
	ASSERT_SEEN(&seen,
	    "20000 d1.example.com 1/1 id1@mx.example \"v=DMARC1; p=none\" "
	    "1750000000 5 9 \"\"",
	    "20000 d1.example.com 2/2 id3@mx.example \"v=DMARC1; p=none\" "
	    "1750000000 5 9 \"\"",
	    "20000 d2.example.com 1/1 id4@mx.example \"v=DMARC1; p=none\" "
	    "1750000000 5 9 \"no rua\"");
	ledgers_ok(ledger_each_report(
	    ledger, ROWS_DAY, SPAN("d2.example.com"), see_report, &seen));
	assert_int_equal(seen.n, 1);
	seen.n = 0;
	ledgers_ok(ledger_each_delivery(
	    ledger, &(struct ledger_want){ .day = -1 }, see_delivery, &seen));
	ASSERT_SEEN(&seen, "id1@mx.example a@x.example planned 0 \"\"",
	    "id1@mx.example b@y.example planned 0 \"\"",
	    "id3@mx.example a@x.example planned 0 \"\"");
	ledger_close(other);
}

/* If the transaction is rolled back, nothing is planned. */
static void
plan_rolled_back(void **state)
{
	struct seen seen = { .n = 0 };
	struct ledger_report r = report_of("d1.example.com", "id1@mx.example");

	(void)state;
	ledgers_ok(ledger_begin(ledger));
	ledgers_ok(ledger_plan(ledger, &r, two, 2));
	ledgers_ok(ledger_end(ledger, false));
	ledgers_ok(
	    ledger_each_report(ledger, ROWS_DAY, SPAN_NONE, see_report, &seen));
	ledgers_ok(ledger_each_delivery(
	    ledger, &(struct ledger_want){ .day = -1 }, see_delivery, &seen));
	assert_int_equal(seen.n, 0);
	ledgers_ok(ledger_plan(ledger, &r, two, 2));
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

/* All valid moves succeed, and no others do. */
static void
moves(void **state)
{
	static const bool may[5][5] = {
		[LEDGER_PLANNED] = { [LEDGER_SENDING] = true,
		    [LEDGER_DROPPED] = true },
		[LEDGER_SENDING] = { [LEDGER_WAITING] = true,
		    [LEDGER_SENT] = true,
		    [LEDGER_DROPPED] = true },
		[LEDGER_WAITING] = { [LEDGER_SENDING] = true,
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

			/* delivery 1 does not exist */
			assert_int_equal(ledger_move(ledger, &m),
			    may[from][to] ? LEDGER_NONE : LEDGER_ERROR);
		}
	}
}

/* If two runs move a delivery at the same time, only one succeeds.  Another run
 * can take over a delivery in SENDING if it knows the number of attempts. */
static void
moved_by_one(void **state)
{
	struct seen seen = { .n = 0 };
	struct ledger_report r = report_of("d1.example.com", "id1@mx.example");
	struct ledger *other = ledgers_open();
	int64_t id;

	(void)state;
	ledgers_ok(ledger_plan(ledger, &r, two, 1));
	id = id_of("id1@mx.example");
	ledgers_ok(move(ledger, id, LEDGER_PLANNED, LEDGER_SENDING, 0));
	assert_int_equal(
	    move(other, id, LEDGER_PLANNED, LEDGER_SENDING, 0), LEDGER_NONE);
	assert_int_equal(
	    move(other, id, LEDGER_SENDING, LEDGER_SENT, 0), LEDGER_NONE);
	ledgers_ok(move(other, id, LEDGER_SENDING, LEDGER_WAITING, 1));
	ledgers_ok(move(other, id, LEDGER_WAITING, LEDGER_SENDING, 1));
	/* the first run is late */
	assert_int_equal(
	    move(ledger, id, LEDGER_SENDING, LEDGER_SENT, 1), LEDGER_NONE);
	ledgers_ok(move(other, id, LEDGER_SENDING, LEDGER_SENT, 2));
	assert_int_equal(
	    move(ledger, id, LEDGER_SENDING, LEDGER_WAITING, 2), LEDGER_NONE);
	ledgers_ok(ledger_each_delivery(
	    ledger, &(struct ledger_want){ .day = -1 }, see_delivery, &seen));
	ASSERT_SEEN(&seen, "id1@mx.example a@x.example sent 2 \"moved\"");
	ledger_close(other);
}

/* Selects deliveries by day, domain, state and time, with a limit. */
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
	ledgers_ok(ledger_plan(ledger, &r, two, 2));
	r = report_of("d2.example.com", "id2@mx.example");
	r.day++;
	ledgers_ok(ledger_plan(ledger, &r, two, 2));
	id = id_of("id1@mx.example");
	ledgers_ok(move(ledger, id, LEDGER_PLANNED, LEDGER_SENDING, 0));
	ledgers_ok(move(ledger, id, LEDGER_SENDING, LEDGER_WAITING, 1));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		seen.n = 0;
		ledgers_ok(ledger_each_delivery(
		    ledger, &cases[i].want, see_delivery, &seen));
		if (seen.n != cases[i].n)
			fail_msg(
			    "case %zu: %zu, want %zu", i, seen.n, cases[i].n);
	}
}

static void
sent_to(void **state)
{
	struct ledger_report r = report_of("d1.example.com", "id1@mx.example");
	uint64_t n;
	int64_t id;

	(void)state;
	ledgers_ok(ledger_plan(ledger, &r, two, 2));
	ledgers_ok(ledger_sent_to(ledger, two[0], 0, &n));
	assert_int_equal(n, 0);
	id = id_of("id1@mx.example");
	ledgers_ok(move(ledger, id, LEDGER_PLANNED, LEDGER_SENDING, 0));
	ledgers_ok(ledger_sent_to(ledger, two[0], NOW, &n));
	assert_int_equal(n, 1);
	ledgers_ok(ledger_sent_to(ledger, two[0], NOW + 6, &n));
	assert_int_equal(n, 0);
	ledgers_ok(ledger_sent_to(ledger, two[1], 0, &n));
	assert_int_equal(n, 0);
	ledgers_ok(move(ledger, id, LEDGER_SENDING, LEDGER_SENT, 1));
	ledgers_ok(ledger_sent_to(ledger, two[0], NOW, &n));
	assert_int_equal(n, 1);
}

/* ---- bounces ---- */

static bool
see_bounce(void *arg, const struct ledger_bounce *b)
{
	struct seen *s = arg;

	snprintf(seen_line(s), SEEN_TEXT, "%.*s %u %d %d %d \"%.*s\"",
	    SPAN_FMT(b->address), (unsigned)b->count, (int)b->first,
	    (int)b->last, b->suppressed, SPAN_FMT(b->note));
	return seen_go_on(s);
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
	ledgers_ok(ledger_put_bounce(ledger, &b));
	b.count = 2;
	b.last = NOW + 9;
	b.suppressed = true;
	ledgers_ok(ledger_put_bounce(ledger, &b));
	b.address = SPAN("a@x.example");
	ledgers_ok(ledger_put_bounce(ledger, &b));
	ledgers_ok(ledger_get_bounce(ledger, SPAN("b@y.example"), a, &got));
	see_bounce(&seen, &got);
	ASSERT_SEEN(&seen,
	    "b@y.example 2 1750000000 1750000009 1 \"550 no such user\"");
	ledgers_ok(ledger_each_bounce(ledger, see_bounce, &seen));
	assert_int_equal(seen.n, 2);
	ledgers_ok(ledger_delete_bounce(ledger, SPAN("b@y.example")));
	assert_int_equal(
	    ledger_delete_bounce(ledger, SPAN("b@y.example")), LEDGER_NONE);
	arena_fail_at(a, 1);
	assert_int_equal(
	    ledger_get_bounce(ledger, SPAN("a@x.example"), a, &got),
	    LEDGER_ERROR);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LEDGER(plan_once),
		WITH_LEDGER(plan_rolled_back),
		WITH_LEDGER(moves),
		WITH_LEDGER(moved_by_one),
		WITH_LEDGER(wanted),
		WITH_LEDGER(sent_to),
		WITH_LEDGER(bounces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
