/*
 * failure_queue_test.c - how many failures are stored, and for how long (RFC
 * 9991; RFC 6591 section 6.5).
 */
#include "report/store/failure_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/enum_names.h"
#include "report/write/failure_message.h"
#include "report/store/failure_queue.h"
#include "report/store/queue.h"
#include "report/store/writer.h"
#include "tests/support/failure_sample.h"
#include "tests/support/store_fixture.h"

enum { FLOOD = 10000, SLOW_MS = 60000 };

#define RUF "ruf=mailto:r@example.com"

struct texts { /* strings of a failure that is generated from numbers */
	struct failure f;
	char likeness[50], organization[50], domain[50];
};

static const struct failure *
numbered(struct texts *t, unsigned organization, unsigned cause)
{
	snprintf(
	    t->likeness, sizeof(t->likeness), "%u %u", organization, cause);
	snprintf(t->organization, sizeof(t->organization), "o%u.example",
	    organization);
	t->f = (struct failure){
		.when = FAILURE_NOW,
		.likeness = span_str(t->likeness),
		.organization = span_str(t->organization),
		.domain = span_str(t->organization),
		.record = SPAN("v=DMARC1; p=none; " RUF),
		.author = SPAN("a.example"),
		.source = SPAN("192.0.2.1"),
		.subject = SPAN(""),
		.feedback = SPAN("Feedback-Type: auth-failure\n"),
		.header = SPAN("From: <a@b>\n"),
	};
	return &t->f;
}

static struct ledger *
open_ledger(void)
{
	char error[SQL_ERROR_MAX];
	struct ledger *l =
	    ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);

	assert_non_null(l);
	return l;
}

static void
put(struct ledger *l, const struct failure *f)
{
	struct failure_spool p = { .db = ledger_sql(l) };

	assert_true(failure_spool_put(&p, f));
	failure_spool_end(&p);
}

struct failure_queue_sum {
	uint64_t n, incidents, others;
	int64_t id; /* id of the first failure */
};

static bool
add(void *arg, const struct ledger_failure *f)
{
	struct failure_queue_sum *s = arg;

	if (s->n++ == 0)
		s->id = f->id;
	s->incidents += f->incidents;
	s->others += f->others;
	return true;
}

static struct failure_queue_sum
due(struct ledger *l, int64_t since)
{
	struct failure_queue_sum s = { .n = 0 };

	assert_int_equal(
	    ledger_each_failure(l, SPAN_NONE, since, add, &s), LEDGER_OK);
	return s;
}

static void
assert_due(struct ledger *l, int64_t since, uint64_t n, uint64_t incidents,
    uint64_t others)
{
	struct failure_queue_sum s = due(l, since);

	if (s.n != n || s.incidents != incidents || s.others != others)
		fail_msg("%llu due, %llu incidents, %llu others",
		    (unsigned long long)s.n, (unsigned long long)s.incidents,
		    (unsigned long long)s.others);
}

static void
merged_by_cause(void **state)
{
	struct ledger *l = open_ledger();
	struct texts t;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		put(l, numbered(&t, 1, i % 3));
		put(l, numbered(&t, 2, 0));
	}
	assert_due(l, FAILURE_NOW, 4, 20, 0);
	ledger_close(l);
}

/* RFC 9991 section 6.1: beyond a limit, failures are only counted. */
static void
bounded_by_organization(void **state)
{
	struct ledger *l = open_ledger();
	struct texts t;

	(void)state;
	put(l, numbered(&t, 2, 0));
	for (unsigned i = 0; i < 3 * FAILURE_SPOOL_OPEN_MAX; i++)
		put(l, numbered(&t, 1, i));
	assert_due(l, FAILURE_NOW, FAILURE_SPOOL_OPEN_MAX + 1,
	    3 * FAILURE_SPOOL_OPEN_MAX + 1, 2 * FAILURE_SPOOL_OPEN_MAX);
	/* a failure of another domain is not counted in this domain's report */
	numbered(&t, 1, 12345);
	t.f.domain = SPAN("sub.o1.example");
	put(l, &t.f);
	assert_due(l, FAILURE_NOW, FAILURE_SPOOL_OPEN_MAX + 1,
	    3 * FAILURE_SPOOL_OPEN_MAX + 1, 2 * FAILURE_SPOOL_OPEN_MAX);
	ledger_close(l);
}

static void
bounded_in_all(void **state)
{
	struct ledger *l = open_ledger();
	struct texts t;
	struct failure_queue_sum s;
	uint64_t n;

	(void)state;
	assert_int_equal(ledger_begin(l), LEDGER_OK);
	for (unsigned i = 0; i < FAILURE_SPOOL_HELD_MAX + 50; i++)
		put(l, numbered(&t, i, 0));
	assert_int_equal(ledger_end(l, true), LEDGER_OK);
	assert_due(
	    l, FAILURE_NOW, FAILURE_SPOOL_HELD_MAX, FAILURE_SPOOL_HELD_MAX, 0);
	/* a closed failure makes room for another */
	s = due(l, FAILURE_NOW);
	assert_int_equal(
	    ledger_close_failure(l, s.id, false, FAILURE_NOW, &n), LEDGER_OK);
	put(l, numbered(&t, 5000, 0));
	assert_due(l, FAILURE_NOW + 1, FAILURE_SPOOL_HELD_MAX,
	    FAILURE_SPOOL_HELD_MAX, 0);
	ledger_close(l);
}

/* There is one report per cause and day. */
static void
one_a_day(void **state)
{
	struct ledger *l = open_ledger();
	struct arena *a = arena_new(1 << 16);
	struct ledger_failure f;
	struct texts t;
	uint64_t n;
	int64_t id;

	(void)state;
	put(l, numbered(&t, 1, 0));
	put(l, numbered(&t, 1, 0));
	id = due(l, FAILURE_NOW).id;
	assert_int_equal(
	    ledger_close_failure(l, id, true, FAILURE_NOW, &n), LEDGER_OK);
	assert_int_equal(n, 2);
	assert_int_equal(
	    ledger_close_failure(l, id, true, FAILURE_NOW, &n), LEDGER_NONE);
	put(l, numbered(&t, 1, 0)); /* for the next report */
	put(l, numbered(&t, 1, 0));
	put(l, numbered(&t, 1, 0));
	assert_due(l, FAILURE_NOW, 0, 0, 0);
	assert_due(l, FAILURE_NOW + 1, 1, 3, 0);
	assert_int_equal(ledger_get_failure(l, id, a, &f), LEDGER_OK);
	assert_int_equal(f.incidents, 2);
	assert_true(span_is(f.header, "From: <a@b>\n"));
	assert_int_equal(
	    ledger_failures_sent(l, SPAN_NONE, FAILURE_NOW, &n), LEDGER_OK);
	assert_int_equal(n, 1);
	assert_int_equal(
	    ledger_failures_sent(l, SPAN("o1.example"), FAILURE_NOW + 1, &n),
	    LEDGER_OK);
	assert_int_equal(n, 0);
	/* there is no delivery, so the failure's contents are deleted */
	assert_int_equal(ledger_empty_failures(l), LEDGER_OK);
	assert_int_equal(ledger_get_failure(l, id, a, &f), LEDGER_NONE);
	arena_free(a);
	ledger_close(l);
}

/* Waits until the queue is empty: a slow disk must not cause dropped failures
 * in this test. */
static void
wait_until_empty(struct store *store)
{
	struct store_counts counts = { .queued = 1 };

	for (unsigned ms = 0; ms < SLOW_MS && counts.queued > 0; ms += 10) {
		usleep(10000);
		store_counts(store, &counts);
	}
	assert_int_equal(counts.queued, 0);
}

/* Sends ten thousand forged messages from as many sources to the daemon's
 * queue. */
static void
flood(void **state)
{
	struct failure_draft *d = malloc(sizeof(*d));
	struct store_options o = { .path = place.file,
		.retention = { 400, 14, 400 } };
	struct store_counts counts;
	char error[200];
	struct store *store = store_open(&o, error, sizeof(error));
	int64_t now = (int64_t)time(NULL); /* the store uses the real time for
	                                      housekeeping */
	struct failure_sample s;
	struct ledger *l;
	struct stat st;

	(void)state;
	assert_true(d != NULL && store != NULL);
	failure_sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
	failure_sample_field(&s, "From", " ann@mail.example.com");
	failure_sample_field(&s, "DKIM-Signature",
	    " v=1; d=example.com; s=x; b=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	for (unsigned i = 0; i < FLOOD; i++) {
		s.v.client.bytes[2] = (uint8_t)(i >> 8);
		s.v.client.bytes[3] = (uint8_t)i;
		failure_sample_feedback(&s, d);
		d->failure.when = now;
		if (!store_put(store, NULL, &s.v.facts, &s.v.decision,
			i % 100 != 0 ? &d->failure : NULL, now))
			wait_until_empty(store);
	}
	wait_until_empty(store);
	store_counts(store, &counts);
	assert_int_equal(counts.committed, FLOOD);
	store_close(store, 5000);
	l = open_ledger();
	assert_due(l, now, FAILURE_SPOOL_OPEN_MAX, FLOOD - FLOOD / 100,
	    FLOOD - FLOOD / 100 - FAILURE_SPOOL_OPEN_MAX);
	ledger_close(l);
	assert_int_equal(stat(place.file, &st), 0);
	print_message(
	    "%d messages, %lld bytes\n", FLOOD, (long long)st.st_size);
	assert_true(st.st_size < 1 << 20);
	failure_sample_close(&s);
	free(d);
}

static void
retention(void **state)
{
	struct ledger *l = open_ledger();
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .retention = { 400, 400, 400 } });
	struct texts t;

	(void)state;
	assert_int_equal(writer_open(w, FAILURE_NOW), SQL_FINE);
	put(l, numbered(&t, 1, 0));
	while (writer_housekeep(
	    w, FAILURE_NOW + RETENTION_FAILURE_DAYS * DATE_DAY))
		;
	assert_due(l, FAILURE_NOW, 1, 1, 0);
	while (writer_housekeep(
	    w, FAILURE_NOW + (RETENTION_FAILURE_DAYS + 1) * DATE_DAY))
		;
	assert_due(l, FAILURE_NOW, 0, 0, 0);
	writer_free(w);
	ledger_close(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(merged_by_cause),
		AT_PLACE(bounded_by_organization),
		AT_PLACE(bounded_in_all),
		AT_PLACE(one_a_day),
		AT_PLACE(flood),
		AT_PLACE(retention),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
