#include "tests/support/query_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "report/store/row_insert.h"

/* If this environment variable names a PostgreSQL database, the tests use that
 * database, and the contents of its schema "avouch" are lost. */
static const char store_name[] = "AVOUCH_TEST_STORE";

struct store_place ledgers_place;
struct ledger *ledger;

struct ledger *
ledgers_open(void)
{
	char error[SQL_ERROR_MAX];
	const char *store = getenv(store_name);
	struct ledger *l =
	    ledger_open(store != NULL ? store : ledgers_place.file,
		SQLITE_FOR_COMMAND, error);

	if (l == NULL)
		fail_msg("%s", error);
	return l;
}

int
ledgers_set_up(void **state)
{
	(void)state;
	place_make(&ledgers_place);
	ledger = ledgers_open();
	if (getenv(store_name) != NULL) {
		assert_true(
		    sql_run(ledger_sql(ledger), "DROP SCHEMA avouch CASCADE"));
		ledger_close(ledger);
		ledger = ledgers_open();
	}
	return 0;
}

int
ledgers_tear_down(void **state)
{
	(void)state;
	ledger_close(ledger);
	place_remove(&ledgers_place);
	return 0;
}

void
ledgers_ok(enum ledger_step step)
{
	if (step != LEDGER_OK)
		fail_msg("step %d: %s", (int)step, ledger_error(ledger));
}

char *
seen_line(struct seen *s)
{
	assert_true(s->n < SEEN_MAX);
	return s->lines[s->n++];
}

bool
seen_go_on(const struct seen *s)
{
	return s->stop_after == 0 || s->n < s->stop_after;
}

void
seen_check(struct seen *s, const char *const *want, size_t n)
{
	for (size_t i = 0; i < n && i < s->n; i++)
		assert_string_equal(s->lines[i], want[i]);
	assert_int_equal(s->n, n);
	s->n = 0;
}

enum ledger_step
ledgers_add_row(struct ledger *l, const struct report_row *r)
{
	struct sql *db = ledger_sql(l);
	struct intern intern = { .db = db };
	struct sql_statement *insert = sql_prepare(db, row_insert_query);
	char memory[ROW_BYTES_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));
	struct span texts[ROW_TEXTS_MAX];
	int64_t day = r->when / DATE_DAY, closed;
	bool good = ledger_closed(l, &closed) == LEDGER_OK;

	row_encode(&text, r, texts);
	good = good &&
	    row_insert(&intern, insert, texts, day > closed ? day : closed + 1,
		r->count, r->when) == ROW_WRITTEN;
	sql_drop(insert);
	intern_end(&intern);
	return good ? LEDGER_OK : LEDGER_ERROR;
}
