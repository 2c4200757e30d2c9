#include "report/store/intern.h"

#include "lib/hash.h"

/* ---- statements ---- */

/* Writes "hash = $1 AND header_from = $2 ..." or "$1, $2 ..."; returns the
 * number of parameters. */
static int
put_parameters(struct buf *b, const struct column_list *list, bool compare)
{
	const char *between = "";
	int n = 0;

	if (list->has_hash) {
		buf_text(b, compare ? "hash = $1" : "$1");
		between = compare ? " AND " : ", ";
		n = 1;
	}
	for (size_t i = 0; i < list->n; i++) {
		buf_text(b, between);
		if (compare) {
			buf_text(b, list->columns[i].name);
			buf_text(b, " = ");
		}
		buf_byte(b, '$');
		buf_number(b, (uint64_t)++n);
		between = compare ? " AND " : ", ";
	}
	return n;
}

static void
put_find(struct buf *b, const struct column_list *list)
{
	buf_text(b, "SELECT id, used FROM ");
	if (list->newest_only)
		buf_printf(b,
		    "(SELECT * FROM %s WHERE %s = $1 ORDER BY id DESC "
		    "LIMIT %d) AS newest",
		    list->table, list->columns[0].name, INTERN_NEWEST_MAX);
	else
		buf_text(b, list->table);
	buf_text(b, " WHERE ");
	put_parameters(b, list, true);
}

/* Another connection may insert the same string first; intern_get() then finds
 * it with a second query. */
static void
put_insert(struct buf *b, const struct column_list *list)
{
	int n;

	buf_text(b, "INSERT INTO ");
	buf_text(b, list->table);
	buf_text(b, list->has_hash ? " (hash, " : " (");
	for (size_t i = 0; i < list->n; i++) {
		buf_text(b, list->columns[i].name);
		buf_text(b, ", ");
	}
	buf_text(b, "used) VALUES (");
	n = put_parameters(b, list, false);
	buf_text(b, ", $");
	buf_number(b, (uint64_t)n + 1);
	buf_text(b, ") ON CONFLICT DO NOTHING RETURNING id");
}

static void
put_touch(struct buf *b, const struct column_list *list)
{
	buf_text(b, "UPDATE ");
	buf_text(b, list->table);
	buf_text(b, " SET used = $1 WHERE id = $2 AND used < $1");
}

/* Returns NULL after an error; sql_step() then fails. */
static struct sql_statement *
intern_statement(struct intern *n, struct intern_query *q,
    enum column_table table,
    void (*put)(struct buf *b, const struct column_list *list))
{
	struct buf text;

	if (q->statement != NULL)
		return q->statement;
	text = buf_wrap(q->text, sizeof(q->text));
	put(&text, columns_of(table));
	if (!text.full)
		q->statement = sql_prepare(n->db, q->text);
	return q->statement;
}

/* ---- strings ---- */

/* Returns all strings of a row as one span, with the NULs between them. */
static struct span
all_texts(enum column_table table, const struct span *texts)
{
	const struct span *last = texts + columns_of(table)->n - 1;

	return span_between(texts->p, last->p + last->n);
}

/* The hash is stored in the file, so it is computed without a secret key.  A
 * sender who finds collisions slows down only lookups of that sender's
 * strings. */
int64_t
intern_hash(enum column_table table, const struct span *texts)
{
	static const struct hash_secret none = { 0, 0 };

	return (int64_t)hash_span(none, all_texts(table, texts), 0);
}

static void
bind_column(
    struct sql_statement *s, int at, const struct column *c, struct span text)
{
	switch (c->type) {
	case COLUMN_FLAG:
		sql_bind_number(s, at, span_is(text, "1"));
		break;
	case COLUMN_BYTES:
		sql_bind_bytes(s, at, text);
		break;
	case COLUMN_NAME:
	case COLUMN_TOKEN:
	case COLUMN_RECORD:
	case COLUMN_COMMENT:
	case COLUMN_ADDRESS:
	case COLUMN_SIGNATURES:
	case COLUMN_TEXT:
		sql_bind_text(s, at, text);
		break;
	}
}

/* Returns the number of parameters. */
static int
bind_texts(
    struct sql_statement *s, enum column_table table, const struct span *texts)
{
	const struct column_list *list = columns_of(table);
	int n = 0;

	if (list->has_hash)
		sql_bind_number(s, ++n, intern_hash(table, texts));
	for (size_t i = 0; i < list->n; i++)
		bind_column(s, ++n, &list->columns[i], texts[i]);
	return n;
}

/* ---- ids ---- */

/* Returns false after an error; `out` keeps id 0 if no row was found. */
static bool
intern_find(struct intern *n, enum column_table table, const struct span *texts,
    struct intern_slot *out)
{
	struct sql_statement *s =
	    intern_statement(n, &n->tables[table].find, table, put_find);
	enum sql_step step;

	bind_texts(s, table, texts);
	step = sql_step(s);
	if (step == SQL_ROW) {
		out->id = sql_number(s, 0);
		out->used = sql_number(s, 1);
	}
	sql_reset(s);
	return step != SQL_FAILED;
}

static bool
intern_insert(struct intern *n, enum column_table table,
    const struct span *texts, int64_t day, struct intern_slot *out)
{
	struct sql_statement *s =
	    intern_statement(n, &n->tables[table].insert, table, put_insert);
	enum sql_step step;
	int columns = bind_texts(s, table, texts);

	sql_bind_number(s, columns + 1, day);
	step = sql_step(s);
	if (step == SQL_ROW) {
		out->id = sql_number(s, 0);
		out->used = day;
		n->added++;
		n->bytes += all_texts(table, texts).n;
		step = sql_step(s);
	}
	sql_reset(s);
	return step != SQL_FAILED;
}

/* Stores the day of the last use, for retention. */
static bool
intern_touch(struct intern *n, enum column_table table, int64_t day,
    struct intern_slot *slot)
{
	struct sql_statement *s =
	    intern_statement(n, &n->tables[table].touch, table, put_touch);

	sql_bind_number(s, 1, day);
	sql_bind_number(s, 2, slot->id);
	if (!sql_do(s))
		return false;
	slot->used = day;
	return true;
}

static bool
is_full(const struct intern *n)
{
	return (n->limit != 0 && n->added >= n->limit) ||
	    (n->bytes_limit != 0 && n->bytes >= n->bytes_limit);
}

int64_t
intern_get(struct intern *n, enum column_table table, const struct span *texts,
    int64_t day)
{
	struct intern_slot local = { .id = 0 };
	struct intern_slot *slot = n->cache != NULL
	    ? intern_cache_slot(n->cache, table, all_texts(table, texts))
	    : &local;
	bool good = true;

	if (slot->id == 0)
		good = intern_find(n, table, texts, slot);
	if (good && slot->id == 0) {
		if (is_full(n))
			return 0;
		good = intern_insert(n, table, texts, day, slot) &&
		    (slot->id != 0 || intern_find(n, table, texts, slot));
	}
	if (good && slot->id == 0)
		good = sql_fail(n->db, SQL_WRONG, "a stored string has no id");
	if (good && slot->used < day)
		good = intern_touch(n, table, day, slot);
	if (!good)
		slot->id = 0;
	return good ? slot->id : -1;
}

void
intern_end(struct intern *n)
{
	for (size_t i = 0; i < COLUMN_TABLES; i++) {
		sql_drop(n->tables[i].find.statement);
		sql_drop(n->tables[i].insert.statement);
		sql_drop(n->tables[i].touch.statement);
		n->tables[i].find.statement = NULL;
		n->tables[i].insert.statement = NULL;
		n->tables[i].touch.statement = NULL;
	}
}
