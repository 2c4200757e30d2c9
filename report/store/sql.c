#include "report/store/sql.h"

#include "lib/buf.h"

bool
sql_is_shared(const struct sql *db)
{
	return db->driver->is_shared;
}

void
sql_close(struct sql *db)
{
	if (db != NULL)
		db->driver->close(db);
}

bool
sql_run(struct sql *db, const char *text)
{
	return db->driver->run(db, text);
}

bool
sql_begin(struct sql *db)
{
	return db->driver->begin(db);
}

bool
sql_end(struct sql *db, bool commit)
{
	return db->driver->end(db, commit);
}

struct sql_statement *
sql_prepare(struct sql *db, const char *text)
{
	return db->driver->prepare(db, text);
}

void
sql_bind_number(struct sql_statement *s, int at, int64_t value)
{
	if (s != NULL)
		s->db->driver->bind_number(s, at, value);
}

void
sql_bind_text(struct sql_statement *s, int at, struct span value)
{
	if (s != NULL)
		s->db->driver->bind_text(s, at, value);
}

void
sql_bind_bytes(struct sql_statement *s, int at, struct span value)
{
	if (s != NULL)
		s->db->driver->bind_bytes(s, at, value);
}

enum sql_step
sql_step(struct sql_statement *s)
{
	return s != NULL ? s->db->driver->step(s) : SQL_FAILED;
}

int64_t
sql_number(struct sql_statement *s, int column)
{
	return s->db->driver->number(s, column);
}

struct span
sql_text(struct sql_statement *s, int column)
{
	return s->db->driver->text(s, column);
}

uint64_t
sql_changed(struct sql_statement *s)
{
	return s->db->driver->changed(s);
}

void
sql_reset(struct sql_statement *s)
{
	if (s != NULL)
		s->db->driver->reset(s);
}

void
sql_drop(struct sql_statement *s)
{
	if (s != NULL)
		s->db->driver->drop(s);
}

bool
sql_do(struct sql_statement *s)
{
	enum sql_step step;

	do
		step = sql_step(s);
	while (step == SQL_ROW);
	sql_reset(s);
	return step == SQL_DONE;
}

enum sql_step
sql_first_number(struct sql_statement *s, int64_t *out)
{
	enum sql_step step = sql_step(s);

	if (step == SQL_ROW)
		*out = sql_number(s, 0);
	sql_drop(s);
	return step;
}

bool
sql_lock(struct sql *db, const char *name)
{
	return db->driver->lock(db, name);
}

bool
sql_fail(struct sql *db, enum sql_fault fault, const char *error)
{
	struct buf text = buf_wrap(db->error, sizeof(db->error));

	db->fault = fault;
	buf_printable(&text, span_str(error), SQL_ERROR_MAX);
	return false;
}
