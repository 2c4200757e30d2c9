/*
 * store_fixture.h - for tests of the store: a store in its own folder, messages
 * put into it, and access to its file from another connection.  Any error fails
 * the test.
 */
#ifndef AVOUCH_TESTS_SUPPORT_STORE_FIXTURE_H
#define AVOUCH_TESTS_SUPPORT_STORE_FIXTURE_H

#include "report/store/queue.h"
#include "report/store/writer.h"
#include "tests/support/sample_rows.h"

enum { FIXTURE_WAIT_MS = 180000 }; /* limit of each wait */

/* The folder of the running test, and the store's file in it, which does not
 * exist yet. */
extern struct store_place place;

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

#define AT_PLACE(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int64_t fixture_ms(void); /* reads a monotonic clock */
void fixture_sleep(long ms);

/* Opens a store whose retention is long enough for rows of ROWS_DAY. */
struct store *fixture_open(const char *file);
struct store_counts fixture_counts(struct store *s);

/* Calls store_put() with a message made by rows_message(). */
bool fixture_put(struct store *s, unsigned domain, unsigned source);

/* Like fixture_put(), but waits if the store cannot keep up, for example while
 * another program uses the disk. */
void fixture_put_surely(struct store *s, unsigned domain, unsigned source);

/* Waits until all messages that were put are on disk or lost. */
void fixture_wait(struct store *s);

/* Waits until the writer has noticed an error. */
void fixture_wait_fault(struct store *s);

/* Run SQL on another connection to the file of `place`. */
void fixture_sql(const char *text);
int64_t fixture_number(const char *text);

/* Writes the row of rows_message(number, number) at `now` as one group. */
enum sql_fault fixture_write(
    struct writer *w, unsigned number, int64_t now, size_t *refused);

#endif
