#include "report/store/redaction_key.h"

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
	    (found || sql_fail(db, SQL_WRONG, "redaction_key is not a key"));
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
