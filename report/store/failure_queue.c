#include "report/store/failure_queue.h"

#include "lib/log.h"

enum failure_statement { MORE, COUNT_OPEN, OTHERS, COUNT_HELD, INSERT };

static const char *const texts[FAILURE_SPOOL_STATEMENTS] = {
	[MORE] = "UPDATE failure SET incidents = incidents + 1, last = $1 "
		 "WHERE likeness = $2 AND made = 0",
	[COUNT_OPEN] = "SELECT count(*) FROM failure WHERE organization = $1 "
		       "AND made = 0",
	[OTHERS] = "UPDATE failure SET incidents = incidents + 1, "
		   "others = others + 1, last = $1 WHERE id = "
		   "(SELECT min(id) FROM failure WHERE organization = $2 "
		   "AND made = 0 AND domain = $3)",
	[COUNT_HELD] = "SELECT count(*) FROM failure WHERE held = 1",
	[INSERT] = "INSERT INTO failure (first, last, likeness, organization, "
		   "domain, record, author, source, subject, feedback, header, "
		   "incidents, others, made, sent, held) VALUES ($1, $2, $3, "
		   "$4, $5, $6, $7, $8, $9, $10, $11, 1, 0, 0, 0, 1)",
};

/* Returns NULL on error; sql_step(NULL) fails too. */
static struct sql_statement *
statement_of(struct failure_spool *p, enum failure_statement which)
{
	if (p->statements[which] == NULL)
		p->statements[which] = sql_prepare(p->db, texts[which]);
	return p->statements[which];
}

static bool
count_rows(struct sql_statement *s, int64_t *out)
{
	bool good = sql_step(s) == SQL_ROW;

	*out = good ? sql_number(s, 0) : 0;
	sql_reset(s);
	return good;
}

/* Sets `merged` if the message was added to a failure that was already
 * stored. */
static bool
put_more(struct failure_spool *p, const struct failure *f, bool *merged)
{
	struct sql_statement *s = statement_of(p, MORE);
	bool good;

	sql_bind_number(s, 1, f->when);
	sql_bind_text(s, 2, f->likeness);
	good = sql_do(s);
	*merged = good && sql_changed(s) > 0;
	return good;
}

static bool
put_others(struct failure_spool *p, const struct failure *f)
{
	struct sql_statement *s = statement_of(p, OTHERS);

	sql_bind_number(s, 1, f->when);
	sql_bind_text(s, 2, f->organization);
	sql_bind_text(s, 3, f->domain);
	return sql_do(s);
}

static bool
insert(struct failure_spool *p, const struct failure *f)
{
	struct sql_statement *s = statement_of(p, INSERT);
	const struct span list[] = { f->likeness, f->organization, f->domain,
		f->record, f->author, f->source, f->subject, f->feedback,
		f->header };

	sql_bind_number(s, 1, f->when);
	sql_bind_number(s, 2, f->when);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		sql_bind_text(s, (int)i + 3, list[i]);
	return sql_do(s);
}

bool
failure_spool_put(struct failure_spool *p, const struct failure *f)
{
	struct sql_statement *open = statement_of(p, COUNT_OPEN);
	bool merged;
	int64_t n;

	if (!put_more(p, f, &merged))
		return false;
	if (merged)
		return true;
	sql_bind_text(open, 1, f->organization);
	if (!count_rows(open, &n))
		return false;
	if (n >= FAILURE_SPOOL_OPEN_MAX)
		return put_others(p, f);
	if (!count_rows(statement_of(p, COUNT_HELD), &n))
		return false;
	if (n < FAILURE_SPOOL_HELD_MAX)
		return insert(p, f);
	log_limited("failure-spool",
	    "%d failures are waiting to be reported; further ones are "
	    "dropped",
	    FAILURE_SPOOL_HELD_MAX);
	return true;
}

void
failure_spool_end(struct failure_spool *p)
{
	for (size_t i = 0; i < FAILURE_SPOOL_STATEMENTS; i++)
		sql_drop(p->statements[i]);
	*p = (struct failure_spool){ .db = NULL };
}

/* ---- the key for hashes ---- */

static bool
find_key(struct sql *db, struct hash_secret *key, bool *found)
{
	struct sql_statement *s = sql_prepare(
	    db, "SELECT value FROM meta WHERE name = 'redaction_key'");
	enum sql_step step = sql_step(s);

	*found = step == SQL_ROW && hash_secret_read(sql_text(s, 0), key);
	sql_drop(s);
	return step != SQL_FAILED;
}

static bool
put_key(struct sql *db, const char *query, struct hash_secret key)
{
	char memory[HASH_SECRET_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));
	struct sql_statement *s = sql_prepare(db, query);
	bool good;

	hash_secret_put(&text, key);
	sql_bind_text(s, 1, buf_view(&text));
	good = sql_do(s);
	sql_drop(s);
	return good;
}

bool
redaction_key_read(struct sql *db, struct hash_secret *key)
{
	bool found;

	if (!find_key(db, key, &found))
		return false;
	if (found)
		return true;
	return put_key(db,
		   "INSERT INTO meta (name, value) "
		   "VALUES ('redaction_key', $1) ON CONFLICT (name) DO NOTHING",
		   *key) &&
	    find_key(db, key, &found) &&
	    (found ||
		sql_fail(db, SQL_WRONG, "redaction_key is not a valid key"));
}

bool
redaction_key_share(struct sql *local, struct sql *shared, struct sql **failed)
{
	struct hash_secret own = hash_secret_new(), key;

	*failed = local;
	if (!redaction_key_read(local, &own))
		return false;
	key = own;
	*failed = shared;
	if (!redaction_key_read(shared, &key))
		return false;
	*failed = local;
	return (key.a == own.a && key.b == own.b) ||
	    put_key(local,
		"UPDATE meta SET value = $1 WHERE name = 'redaction_key'", key);
}
