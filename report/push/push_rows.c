#include "report/push/push_rows.h"

#include <inttypes.h>

#include "lib/enum_names.h"
#include "report/store/intern.h"
#include "report/store/postgres.h"
#include "report/store/row_encode.h"

enum { MERGE_MAX = 8000 }; /* bytes of the SQL for a merge, including the NUL */

/* tables that contain strings, in the order in which they are copied */
static const struct {
	enum column_table table;
	size_t first; /* index of its first string among the strings of a row */
} texts_of[] = {
	{ COLUMNS_POLICY, ROW_TEXT_POLICY },
	{ COLUMNS_SOURCE, ROW_TEXT_SOURCE },
	{ COLUMNS_SHAPE, ROW_TEXT_SHAPE },
};

/* `id`, and the columns of a row that refer to it, are ids in the local
 * store. */
static const char tables[] =
    "CREATE TEMPORARY TABLE IF NOT EXISTS pushed_policy "
    "(id BIGINT NOT NULL, {policy:types});"
    "CREATE TEMPORARY TABLE IF NOT EXISTS pushed_source "
    "(id BIGINT NOT NULL, {source:types});"
    "CREATE TEMPORARY TABLE IF NOT EXISTS pushed_shape "
    "(id BIGINT NOT NULL, hash BIGINT NOT NULL, {shape:types});"
    "CREATE TEMPORARY TABLE IF NOT EXISTS pushed_row "
    "(policy BIGINT NOT NULL, source BIGINT NOT NULL, shape BIGINT NOT NULL, "
    "messages BIGINT NOT NULL, last BIGINT NOT NULL)";

/* The planner does not know the size of new tables until ANALYZE has run. */
static const char copies[] =
    "TRUNCATE pushed_policy, pushed_source, pushed_shape, pushed_row;"
    "COPY pushed_policy FROM STDIN (FORMAT binary);"
    "COPY pushed_source FROM STDIN (FORMAT binary);"
    "COPY pushed_shape FROM STDIN (FORMAT binary);"
    "COPY pushed_row FROM STDIN (FORMAT binary);"
    "ANALYZE pushed_policy, pushed_source, pushed_shape, pushed_row";

bool
push_rows_begin(struct push_rows *p)
{
	char memory[MERGE_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));

	columns_expand(&text, tables, 0);
	return sql_run(ledger_sql(p->central), memory);
}

/* ---- copying ---- */

struct push_copy {
	struct push_rows *p;
	struct central_copy *k;
	int64_t day;
	unsigned number; /* index in texts_of */
};

static bool
copy_text(void *arg, int64_t id, const struct report_row *r)
{
	struct push_copy *c = arg;
	enum column_table table = texts_of[c->number].table;
	const struct column_list *list = columns_of(table);
	char memory[ROW_BYTES_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));
	struct span all[ROW_TEXTS_MAX];
	const struct span *texts = &all[texts_of[c->number].first];

	row_encode(&text, r, all);
	central_copy_row(c->k, 1 + list->has_hash + list->n);
	central_copy_number(c->k, id);
	if (list->has_hash)
		central_copy_number(c->k, intern_hash(table, texts));
	for (size_t i = 0; i < list->n; i++)
		if (list->columns[i].type == COLUMN_FLAG)
			central_copy_number(c->k, span_is(texts[i], "1"));
		else
			central_copy_text(c->k, texts[i]);
	return true;
}

static bool
copy_row(void *arg, const struct ledger_pushed_row *r)
{
	struct push_copy *c = arg;

	central_copy_row(c->k, 5);
	central_copy_number(c->k, r->policy);
	central_copy_number(c->k, r->source);
	central_copy_number(c->k, r->shape);
	central_copy_number(c->k, r->messages);
	central_copy_number(c->k, r->last);
	c->p->rows++;
	c->p->messages += (uint64_t)r->messages;
	return true;
}

/* Retention may delete rows during the copy, but it deletes strings after the
 * rows that use them.  So all strings of the remaining rows have already been
 * copied. */
static bool
fill_table(void *arg, unsigned number, struct central_copy *k)
{
	struct push_copy *c = arg;
	enum ledger_step step;

	c->k = k;
	c->number = number;
	if (number < ARRAY_SIZE(texts_of))
		step = ledger_each_pushed_text(
		    c->p->local, c->day, texts_of[number].table, copy_text, c);
	else
		step = ledger_each_pushed_row(c->p->local, c->day, copy_row, c);
	c->p->local_failed = step == LEDGER_ERROR;
	return !c->p->local_failed;
}

bool
push_rows_copy(struct push_rows *p, int64_t day)
{
	struct push_copy c = { .p = p, .day = day };

	p->rows = p->messages = 0;
	return central_copy(ledger_sql(p->central), copies, fill_table, &c);
}

/* ---- merging ---- */

/* Writes a condition such as "t.domain = c.domain AND t.record = c.record". */
static void
put_same(struct buf *b, const struct column_list *list)
{
	if (list->has_hash)
		buf_text(b, "t.hash = c.hash AND ");
	for (size_t i = 0; i < list->n; i++) {
		const char *name = list->columns[i].name;

		buf_text(b, i > 0 ? " AND t." : "t.");
		buf_text(b, name);
		buf_text(b, " = c.");
		buf_text(b, name);
	}
}

/* Inserts the strings that the store lacks, and updates the last day of use of
 * the others. */
static void
put_texts(struct buf *b, const struct column_list *list, int64_t day)
{
	char memory[INTERN_QUERY_MAX];
	struct buf names = buf_wrap(memory, sizeof(memory));

	for (size_t i = 0; i < list->n; i++) {
		buf_text(&names, i > 0 ? ", " : list->has_hash ? "hash, " : "");
		buf_text(&names, list->columns[i].name);
	}
	buf_printf(b,
	    "INSERT INTO %s (%s, used) SELECT DISTINCT %s, %" PRId64
	    " FROM pushed_%s c WHERE NOT EXISTS (SELECT 1 FROM %s t WHERE ",
	    list->table, memory, memory, day, list->table, list->table);
	put_same(b, list);
	buf_printf(b,
	    ");UPDATE %s t SET used = %" PRId64 " FROM pushed_%s c "
	    "WHERE t.used < %" PRId64 " AND ",
	    list->table, day, list->table, day);
	put_same(b, list);
	buf_byte(b, ';');
}

/* Inserts the rows.  If a string is missing, its id is NULL, which the table
 * rejects. */
static void
put_rows(struct buf *b, int64_t day)
{
	buf_printf(b,
	    "INSERT INTO kept (day, policy, source, shape, messages, last) "
	    "SELECT %" PRId64 ", policy.id, source.id, shape.id, "
	    "CAST(sum(messages) AS BIGINT), max(last) FROM pushed_row ",
	    day);
	for (size_t i = 0; i < ARRAY_SIZE(texts_of); i++) {
		const struct column_list *list = columns_of(texts_of[i].table);

		buf_printf(b,
		    "LEFT JOIN (SELECT c.id AS local, min(t.id) AS id "
		    "FROM pushed_%s c JOIN %s t ON ",
		    list->table, list->table);
		put_same(b, list);
		buf_printf(b, " GROUP BY c.id) %s ON %s.local = pushed_row.%s ",
		    list->table, list->table, list->table);
	}
	buf_text(b,
	    "GROUP BY policy.id, source.id, shape.id "
	    "ON CONFLICT (day, policy, source, shape) DO UPDATE SET "
	    "messages = kept.messages + excluded.messages, "
	    "last = greatest(kept.last, excluded.last)");
}

bool
push_rows_merge(struct push_rows *p, int64_t day)
{
	char memory[MERGE_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));
	struct sql *db = ledger_sql(p->central);

	for (size_t i = 0; i < ARRAY_SIZE(texts_of); i++)
		put_texts(&text, columns_of(texts_of[i].table), day);
	put_rows(&text, day);
	return text.full
	    ? sql_fail(db, SQL_WRONG, "the statements of a push are too long")
	    : sql_run(db, memory);
}
