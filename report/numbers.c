#include "report/numbers.h"

#include <stddef.h>

#include "lib/hash.h"

/*
 * `columns`: t a text, n a number of one digit, b bytes, each with its text; h
 * the hash of them all.  The statements have a parameter for each, the last one
 * has the day behind them.
 */
struct kind {
	const char *columns;
	const char *find, *insert, *touch;
};

#define SHAPE_COLUMNS                                                          \
	"hash, header_from, envelope_from, disposition, dkim_aligned, "        \
	"spf_aligned, automatic, override, comment, spf_domain, spf_scope, "   \
	"spf_result, dkim"

#define SHAPE_FIND                                                             \
	"hash = $1 AND header_from = $2 AND envelope_from = $3 "               \
	"AND disposition = $4 AND dkim_aligned = $5 AND spf_aligned = $6 "     \
	"AND automatic = $7 AND override = $8 AND comment = $9 "               \
	"AND spf_domain = $10 AND spf_scope = $11 AND spf_result = $12 "       \
	"AND dkim = $13"

/* Another connection may be faster: then it is there when we look again. */
#define UNLESS_THERE " ON CONFLICT DO NOTHING RETURNING id"

static const struct kind kinds[NUMBERS_KINDS] = {
	[NUMBERS_POLICY] = { "tt",
	    "SELECT id, used FROM policy WHERE domain = $1 AND record = $2",
	    "INSERT INTO policy (domain, record, used) "
	    "VALUES ($1, $2, $3)" UNLESS_THERE,
	    "UPDATE policy SET used = $1 WHERE id = $2 AND used < $1" },
	[NUMBERS_SOURCE] = { "t",
	    "SELECT id, used FROM source WHERE address = $1",
	    "INSERT INTO source (address, used) VALUES ($1, $2)" UNLESS_THERE,
	    "UPDATE source SET used = $1 WHERE id = $2 AND used < $1" },
	[NUMBERS_SHAPE] = { "htttnnntttttt",
	    "SELECT id, used FROM shape WHERE " SHAPE_FIND,
	    "INSERT INTO shape (" SHAPE_COLUMNS ", used) VALUES "
	    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
	    "$14)" UNLESS_THERE,
	    "UPDATE shape SET used = $1 WHERE id = $2 AND used < $1" },
	[NUMBERS_FACTS] = { "hb",
	    "SELECT id, used FROM facts WHERE hash = $1 AND bytes = $2",
	    "INSERT INTO facts (hash, bytes, used) VALUES ($1, $2, "
	    "$3)" UNLESS_THERE,
	    "UPDATE facts SET used = $1 WHERE id = $2 AND used < $1" },
	[NUMBERS_DECISION] = { "ttt",
	    "SELECT id, used FROM decision WHERE action = $1 AND would = $2 "
	    "AND rule = $3",
	    "INSERT INTO decision (action, would, rule, used) "
	    "VALUES ($1, $2, $3, $4)" UNLESS_THERE,
	    "UPDATE decision SET used = $1 WHERE id = $2 AND used < $1" },
};

static struct sql_statement *
prepared(struct numbers *n, struct sql_statement **s, const char *text)
{
	if (*s == NULL)
		*s = sql_prepare(n->db, text);
	return *s;
}

static struct span
whole(enum numbers_kind kind, const struct span *texts)
{
	const struct span *last = texts;

	for (const char *c = kinds[kind].columns; *c != '\0'; c++)
		last += *c != 'h';
	last--;
	return span_between(texts->p, last->p + last->n);
}

/*
 * Kept in the file, so without a secret: whoever makes hashes meet makes the
 * search among his own texts slower.
 */
static int64_t
hash(enum numbers_kind kind, const struct span *texts)
{
	static const struct hash_secret none = { 0, 0 };

	return (int64_t)hash_span(none, whole(kind, texts), 0);
}

/* Returns how many there were. */
static int
bind(struct sql_statement *s, enum numbers_kind kind, const struct span *texts)
{
	const char *columns = kinds[kind].columns;
	const struct span *text = texts;
	int n = 0;

	for (; columns[n] != '\0'; n++) {
		if (columns[n] == 'h')
			sql_bind_number(s, n + 1, hash(kind, texts));
		else if (columns[n] == 'n')
			sql_bind_number(s, n + 1, span_is(*text++, "1"));
		else if (columns[n] == 'b')
			sql_bind_bytes(s, n + 1, *text++);
		else
			sql_bind_text(s, n + 1, *text++);
	}
	return n;
}

/* id 0: there is none. */
static bool
find(struct numbers *n, enum numbers_kind kind, const struct span *texts,
    struct memo_slot *out)
{
	const struct kind *k = &kinds[kind];
	struct sql_statement *s = prepared(n, &n->tables[kind].find, k->find);
	enum sql_step step;

	bind(s, kind, texts);
	step = sql_step(s);
	if (step == SQL_ROW) {
		out->id = sql_number(s, 0);
		out->used = sql_number(s, 1);
	}
	sql_reset(s);
	return step != SQL_FAILED;
}

static bool
insert(struct numbers *n, enum numbers_kind kind, const struct span *texts,
    int64_t day, struct memo_slot *out)
{
	const struct kind *k = &kinds[kind];
	struct sql_statement *s =
	    prepared(n, &n->tables[kind].insert, k->insert);
	enum sql_step step;
	int columns = bind(s, kind, texts);

	sql_bind_number(s, columns + 1, day);
	step = sql_step(s);
	if (step == SQL_ROW) {
		out->id = sql_number(s, 0);
		out->used = day;
		n->given++;
		step = sql_step(s);
	}
	sql_reset(s);
	return step != SQL_FAILED;
}

static bool
touch(struct numbers *n, enum numbers_kind kind, int64_t day,
    struct memo_slot *slot)
{
	struct sql_statement *s =
	    prepared(n, &n->tables[kind].touch, kinds[kind].touch);

	sql_bind_number(s, 1, day);
	sql_bind_number(s, 2, slot->id);
	if (!sql_do(s))
		return false;
	slot->used = day;
	return true;
}

int64_t
numbers_get(struct numbers *n, enum numbers_kind kind, const struct span *texts,
    int64_t day)
{
	struct memo_slot local = { .id = 0 };
	struct memo_slot *slot = n->memo != NULL
	    ? memo_slot(n->memo, kind, whole(kind, texts))
	    : &local;
	bool good = true;

	if (slot->id == 0)
		good = find(n, kind, texts, slot);
	if (good && slot->id == 0) {
		if (n->limit != 0 && n->given >= n->limit)
			return 0;
		good = insert(n, kind, texts, day, slot) &&
		    (slot->id != 0 || find(n, kind, texts, slot));
	}
	if (good && slot->id == 0)
		good = sql_fail(n->db, SQL_WRONG, "a text got no number");
	if (good && slot->used < day)
		good = touch(n, kind, day, slot);
	if (!good)
		slot->id = 0;
	return good ? slot->id : -1;
}

void
numbers_end(struct numbers *n)
{
	for (size_t i = 0; i < NUMBERS_KINDS; i++) {
		sql_drop(n->tables[i].find);
		sql_drop(n->tables[i].insert);
		sql_drop(n->tables[i].touch);
		n->tables[i] = (struct numbers_table){ .find = NULL };
	}
}
