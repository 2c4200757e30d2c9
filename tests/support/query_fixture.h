/*
 * query_fixture.h - for tests of the ledger: a ledger in its own folder, or in
 * the PostgreSQL database that AVOUCH_TEST_STORE names; and a list of lines
 * that callbacks write, so that a test can compare all of them at once.
 */
#ifndef AVOUCH_TESTS_SUPPORT_QUERY_FIXTURE_H
#define AVOUCH_TESTS_SUPPORT_QUERY_FIXTURE_H

#include "report/store/query.h"
#include "tests/support/sample_rows.h"

enum { NOW = 1750000000, SEEN_MAX = 20, SEEN_TEXT = 300 };

/* The folder of the running test; its file is the store. */
extern struct store_place ledgers_place;
extern struct ledger *ledger;

int ledgers_set_up(void **state);
int ledgers_tear_down(void **state);

#define WITH_LEDGER(test)                                                      \
	cmocka_unit_test_setup_teardown(test, ledgers_set_up, ledgers_tear_down)

/* Opens another connection to the same store. */
struct ledger *ledgers_open(void);

/* Fails the test with the error of `ledger` unless `step` is LEDGER_OK. */
void ledgers_ok(enum ledger_step step);

/* Adds the row to the day of r->when, or to the first open day if that is
 * later. */
enum ledger_step ledgers_add_row(struct ledger *l, const struct report_row *r);

struct seen {
	char lines[SEEN_MAX][SEEN_TEXT];
	size_t n, stop_after; /* stop_after 0: do not stop */
};

/* Returns memory for the next line. */
char *seen_line(struct seen *s);

/* Returns the value that the callback must return. */
bool seen_go_on(const struct seen *s);

/* Checks that the lines are `want`, and removes them. */
void seen_check(struct seen *s, const char *const *want, size_t n);

#define ASSERT_SEEN(s, ...)                                                    \
	seen_check(s, (const char *const[]){ __VA_ARGS__ },                    \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

#endif
