/*
 * others_test.c - received TLS and failure reports are shown within a fixed
 * amount of memory, and those about our own domains are never left out.
 */
#include "report/show/others.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/query_fixture.h"

enum {
	DOMAINS = 6000, /* their names alone do not fit into SMALL */
	ROWS = 60,      /* rows of each domain; more than OTHERS_EACH_MAX */
	SMALL = 256 << 10,
};

static const char ours_name[] = "z.example";
static const struct ledger_range days = { .from = 100, .to = 101 };

static bool
is_our_domain(const void *arg, struct span domain)
{
	(void)arg;
	return span_is(domain, ours_name);
}

static bool
is_not_ours(const void *arg, struct span domain)
{
	(void)arg;
	(void)domain;
	return false;
}

static const struct view_ours ours = { is_our_domain, NULL };
static const struct view_ours no_ours = { is_not_ours, NULL };

static void
add_tls_of(const char *key, struct span domain, uint64_t sessions)
{
	const struct ledger_tls_result result = { domain, SPAN("sts"),
		SPAN("success"), SPAN(""), SPAN(""), sessions };
	const struct ledger_tls r = {
		.key = span_str(key),
		.organisation = SPAN("one"),
		.contact = SPAN(""),
		.report_id = SPAN("1"),
		.begin = 100 * DATE_DAY,
		.end = 101 * DATE_DAY - 1,
		.file = SPAN("f"),
		.read = NOW,
		.results = &result,
		.n = 1,
	};

	ledgers_ok(ledger_add_tls(ledger, &r));
}

static void
add_failure_of(const char *key, struct span domain, struct span results)
{
	const struct ledger_incident r = {
		.key = span_str(key),
		.reporter = SPAN("mx.example"),
		.at = 100 * DATE_DAY,
		.domain = domain,
		.source = SPAN("192.0.2.1"),
		.cause = span_str(key),
		.results = results,
		.incidents = 1000,
		.file = SPAN("f"),
		.read = NOW,
	};

	ledgers_ok(ledger_add_incident(ledger, &r));
}

/* Many domains with large numbers, and one report about our own. */
static void
add_reports(void)
{
	char name[40], key[20], text[1000];
	struct span results;

	memset(text, 'x', sizeof(text));
	results = span_of(text, sizeof(text));
	ledgers_ok(ledger_begin(ledger));
	for (unsigned i = 0; i < DOMAINS; i++) {
		snprintf(name, sizeof(name), "a%u.example", i);
		add_tls_of(name, span_str(name), 1000000);
	}
	for (unsigned i = 0; i < DOMAINS; i++) {
		snprintf(name, sizeof(name), "a%u.example", i / ROWS);
		snprintf(key, sizeof(key), "%u", i);
		add_failure_of(key, span_str(name), results);
	}
	add_tls_of("ours", span_str(ours_name), 1);
	add_failure_of("ours", span_str(ours_name), SPAN("short"));
	ledgers_ok(ledger_end(ledger, true));
}

static size_t
count_rows(const struct others_list *list, size_t *n_domains)
{
	size_t n = 0;

	*n_domains = 0;
	for (const struct others_domain *d = list->domains; d != NULL;
	     d = d->next) {
		size_t rows = 0;

		for (const struct others_tls *t = d->tls; t != NULL;
		     t = t->next)
			rows++;
		for (const struct others_failure *f = d->failures; f != NULL;
		     f = f->next)
			rows++;
		assert_int_equal(rows, d->n);
		assert_true(rows >= 1 && rows <= OTHERS_EACH_MAX);
		n += rows + d->left_out;
		++*n_domains;
	}
	return n;
}

static void
rows_without_room_are_counted(void **state)
{
	struct arena *a = arena_new(SMALL);
	struct others_view view;
	size_t n;

	(void)state;
	add_reports();
	if (!others_read(ledger, &days, &no_ours, a, SMALL, &view))
		fail_msg("%s", view.fault);
	count_rows(&view.tls, &n);
	assert_int_equal(n, view.tls.n);
	assert_true(n > 0 && n < OTHERS_DOMAINS_MAX);
	assert_int_equal(n + view.tls.left_out, DOMAINS + 1);
	count_rows(&view.failures, &n);
	assert_int_equal(n, view.failures.n);
	assert_true(n > 0);
	assert_int_equal(n + view.failures.left_out, DOMAINS / ROWS + 1);
	arena_free(a);
}

static void
our_own_domains_come_first(void **state)
{
	struct arena *a = arena_new(OTHERS_MEMORY);
	struct others_view view;
	size_t n;

	(void)state;
	add_reports();
	assert_true(
	    others_read(ledger, &days, &no_ours, a, OTHERS_MEMORY, &view));
	assert_true(span_is(view.tls.domains->domain, "a0.example"));
	assert_true(
	    others_read(ledger, &days, &ours, a, OTHERS_MEMORY / 2, &view));
	assert_int_equal(view.tls.n, OTHERS_DOMAINS_MAX);
	assert_int_equal(view.tls.left_out, DOMAINS + 1 - OTHERS_DOMAINS_MAX);
	assert_true(span_is(view.tls.domains->domain, ours_name));
	assert_int_equal(view.tls.domains->total, 1);
	assert_int_equal(view.tls.domains->n, 1);
	assert_int_equal(count_rows(&view.failures, &n), DOMAINS + 1);
	assert_int_equal(n, DOMAINS / ROWS + 1);
	assert_true(span_is(view.failures.domains->domain, ours_name));
	assert_int_equal(view.failures.domains->total, 1000);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LEDGER(rows_without_room_are_counted),
		WITH_LEDGER(our_own_domains_come_first),
	};

	return cmocka_run_group_tests_name("others", tests, NULL, NULL);
}
