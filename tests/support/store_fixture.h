/*
 * store_fixture.h - for tests of the store: one in a folder of its own,
 * messages put into it, and its file from outside.  What goes wrong fails the
 * test.
 */
#ifndef AVOUCH_TESTS_SUPPORT_STORE_FIXTURE_H
#define AVOUCH_TESTS_SUPPORT_STORE_FIXTURE_H

#include "report/store/queue.h"
#include "report/store/writer.h"
#include "tests/support/sample_rows.h"

enum { KEEPING_WAIT_MS = 20000 }; /* for what must come in the end */

/* The running test's; its file is not there yet. */
extern struct place place;

int keeping_set_up(void **state);
int keeping_tear_down(void **state);

#define AT_PLACE(test)                                                         \
	cmocka_unit_test_setup_teardown(test, keeping_set_up, keeping_tear_down)

int64_t keeping_ms(void); /* a clock that is never set */
void keeping_sleep(long ms);

/* ROWS_DAY is long ago: nothing of it is past its retention. */
struct store *keeping_open(const char *file);
struct store_counts keeping_counts(struct store *s);

/* rows_message(), and store_put() of it. */
bool keeping_put(struct store *s, unsigned domain, unsigned source);

/* The same; what is late (another program has the disk) is waited for. */
void keeping_put_surely(struct store *s, unsigned domain, unsigned source);

/* Until all that was put is on disk or lost. */
void keeping_wait(struct store *s);

/* Until the writer has met what is wrong with the file. */
void keeping_wait_fault(struct store *s);

/* By another connection to the file of `place`. */
void keeping_sql(const char *text);
int64_t keeping_number(const char *text);

/* A row of rows_message(number, number) at `now`, as a group. */
enum sql_fault keeping_write(
    struct writer *w, unsigned number, int64_t now, size_t *refused);

#endif
