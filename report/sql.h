/*
 * sql.h - the few calls by which report/ speaks SQL, the same for SQLite and
 * PostgreSQL.
 *
 * A driver is one file that sees its library: sqlite.c, and central.c for
 * libpq.  Statements are written in what both understand: parameters are $1,
 * $2, ... in the order in which they first occur; INSERT ... ON CONFLICT, and
 * RETURNING; numbers are 64-bit integers, texts are UTF-8 and never NULL (empty
 * instead), bytes are only in tables of SQLite.
 *
 * A connection and its statements are used by one thread at a time, and a
 * statement is done, reset or dropped before another one is stepped.
 */
#ifndef AVOUCH_REPORT_SQL_H
#define AVOUCH_REPORT_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

enum { SQL_ERROR_MAX = 300 }; /* bytes of a fault's text, with the NUL */

enum sql_fault {
	SQL_FINE,
	SQL_LOCKED,  /* another holds it: try again later */
	SQL_FULL,    /* no room on disk, or a limit of the process */
	SQL_CORRUPT, /* the file is no database, or a broken one */
	SQL_NEWER,   /* made by a newer version of this program, or by another
	                program: not ours to touch */
	SQL_AWAY,    /* cannot be opened, read, written, reached */
	SQL_WRONG,   /* anything else: a fault of ours */
};

enum sql_step { SQL_ROW, SQL_DONE, SQL_FAILED };

struct sql_driver;

/* The first member of the driver's own. */
struct sql {
	const struct sql_driver *driver;
	enum sql_fault fault; /* of the last call that failed */
	char error[SQL_ERROR_MAX];
};

/* The first member of the driver's own. */
struct sql_statement {
	struct sql *db;
};

struct sql_driver {
	bool is_shared; /* by several hosts */
	void (*close)(struct sql *db);
	bool (*run)(struct sql *db, const char *text);
	bool (*begin)(struct sql *db);
	bool (*end)(struct sql *db, bool commit);
	struct sql_statement *(*prepare)(struct sql *db, const char *text);
	void (*bind_number)(struct sql_statement *s, int at, int64_t value);
	void (*bind_text)(struct sql_statement *s, int at, struct span value);
	void (*bind_bytes)(struct sql_statement *s, int at, struct span value);
	enum sql_step (*step)(struct sql_statement *s);
	int64_t (*number)(struct sql_statement *s, int column);
	struct span (*text)(struct sql_statement *s, int column);
	uint64_t (*changed)(struct sql_statement *s);
	void (*reset)(struct sql_statement *s);
	void (*drop)(struct sql_statement *s);
	bool (*lock)(struct sql *db, const char *name);
};

/* The calls of a driver whose functions are called PREFIX_close() and so on. */
#define SQL_DRIVER_CALLS(prefix)                                               \
	.close = prefix##_close, .run = prefix##_run, .begin = prefix##_begin, \
	.end = prefix##_end, .prepare = prefix##_prepare,                      \
	.bind_number = prefix##_bind_number, .bind_text = prefix##_bind_text,  \
	.bind_bytes = prefix##_bind_bytes, .step = prefix##_step,              \
	.number = prefix##_number, .text = prefix##_text,                      \
	.changed = prefix##_changed, .reset = prefix##_reset,                  \
	.drop = prefix##_drop, .lock = prefix##_lock

/* Several hosts share it: it has what push.h needs. */
bool sql_is_shared(const struct sql *db);

/* Takes NULL.  No statement of it may be left. */
void sql_close(struct sql *db);

/* Statements without parameters and rows, several of them by ";". */
bool sql_run(struct sql *db, const char *text);

/*
 * A transaction that may write from its beginning.  sql_end(db, true) that
 * returns false has committed nothing (PostgreSQL: as far as is known).
 */
bool sql_begin(struct sql *db);
bool sql_end(struct sql *db, bool commit);

/* `text` must live as long as the statement.  NULL: `db` says why. */
struct sql_statement *sql_prepare(struct sql *db, const char *text);

/*
 * Parameters count from 1, columns from 0.  What is bound must stay until
 * sql_reset().  All calls take a NULL statement: it fails when it is stepped.
 */
void sql_bind_number(struct sql_statement *s, int at, int64_t value);
void sql_bind_text(struct sql_statement *s, int at, struct span value);
void sql_bind_bytes(struct sql_statement *s, int at, struct span value);

/* Rows one by one: nothing is held but the one; then SQL_DONE. */
enum sql_step sql_step(struct sql_statement *s);

/* Of the row; a text (or bytes) lives until the next step or reset. */
int64_t sql_number(struct sql_statement *s, int column);
struct span sql_text(struct sql_statement *s, int column);

/* Rows that the statement, which is done, inserted, updated or deleted. */
uint64_t sql_changed(struct sql_statement *s);

/* Ready to be bound and stepped again. */
void sql_reset(struct sql_statement *s);
void sql_drop(struct sql_statement *s);

/* Steps a statement that gives no row, and resets it. */
bool sql_do(struct sql_statement *s);

/* The first number that a query gives, which is dropped; SQL_DONE: it gives no
 * row, and `out` is as before. */
enum sql_step sql_first_number(struct sql_statement *s, int64_t *out);

/*
 * A lock among all who use this database, held until sql_close() or the end of
 * the process; `name` is a word of ours.  False with SQL_LOCKED: another
 * connection has it.
 */
bool sql_lock(struct sql *db, const char *name);

/* For drivers: notes the fault, cuts the text; false. */
bool sql_fail(struct sql *db, enum sql_fault fault, const char *error);

#endif
