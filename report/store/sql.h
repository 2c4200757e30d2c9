/*
 * sql.h - one SQL interface for SQLite and PostgreSQL.
 *
 * Only the drivers use the database libraries: sqlite.c uses SQLite; postgres.c
 * and postgres_copy.c use libpq.  Statements are limited to SQL that both
 * databases understand: parameters $1, $2, ... numbered in the order in which
 * they first occur; INSERT ... ON CONFLICT; RETURNING.  Numbers are 64-bit
 * integers; strings are UTF-8 and never NULL (empty instead); only SQLite
 * tables have byte columns.
 *
 * A connection and its statements are used by one thread at a time.  A
 * statement must be finished, reset or dropped before another one is stepped.
 */
#ifndef AVOUCH_REPORT_STORE_SQL_H
#define AVOUCH_REPORT_STORE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

enum { SQL_ERROR_MAX = 300 }; /* bytes of an error message, including the NUL */

enum sql_fault {
	SQL_FINE,
	SQL_LOCKED,  /* another connection holds the lock: try again later */
	SQL_FULL,    /* the disk is full, or the process has reached a limit */
	SQL_CORRUPT, /* the file is not a database or is corrupt */
	SQL_NEWER,   /* made by a newer version or another program; must not be
	                changed */
	SQL_AWAY,    /* cannot be opened, read, written or reached */
	SQL_WRONG,   /* anything else: our own bug */
};

enum sql_step { SQL_ROW, SQL_DONE, SQL_FAILED };

struct sql_driver;

/* the first member of each driver's connection struct */
struct sql {
	const struct sql_driver *driver;
	enum sql_fault fault; /* the error of the last call that failed */
	char error[SQL_ERROR_MAX];
};

/* the first member of each driver's statement struct */
struct sql_statement {
	struct sql *db;
};

struct sql_driver {
	bool is_shared; /* several hosts share the store */
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

/* Initializes the members of a driver with functions named PREFIX_close() and
 * so on. */
#define SQL_DRIVER_CALLS(prefix)                                               \
	.close = prefix##_close, .run = prefix##_run, .begin = prefix##_begin, \
	.end = prefix##_end, .prepare = prefix##_prepare,                      \
	.bind_number = prefix##_bind_number, .bind_text = prefix##_bind_text,  \
	.bind_bytes = prefix##_bind_bytes, .step = prefix##_step,              \
	.number = prefix##_number, .text = prefix##_text,                      \
	.changed = prefix##_changed, .reset = prefix##_reset,                  \
	.drop = prefix##_drop, .lock = prefix##_lock

/* Whether several hosts share the store; it then has the tables for push.h. */
bool sql_is_shared(const struct sql *db);

/* Accepts NULL.  All statements must have been dropped. */
void sql_close(struct sql *db);

/* Runs statements without parameters or result rows, separated by ";". */
bool sql_run(struct sql *db, const char *text);

/*
 * Begin and end a transaction that may write.  It locks out other writers from
 * the start.  If sql_end(db, true) returns false, nothing was committed.  With
 * PostgreSQL, this is not certain if the connection broke.
 */
bool sql_begin(struct sql *db);
bool sql_end(struct sql *db, bool commit);

/* `text` must live as long as the statement.  Returns NULL after an error,
 * which is stored in `db`. */
struct sql_statement *sql_prepare(struct sql *db, const char *text);

/*
 * Parameters are numbered from 1, columns from 0.  Bound strings must stay
 * valid until sql_reset().  All calls accept a NULL statement, for which
 * sql_step() returns an error.
 */
void sql_bind_number(struct sql_statement *s, int at, int64_t value);
void sql_bind_text(struct sql_statement *s, int at, struct span value);
void sql_bind_bytes(struct sql_statement *s, int at, struct span value);

/* Fetches the next row; returns SQL_DONE after the last one. */
enum sql_step sql_step(struct sql_statement *s);

/* Columns of the current row.  A string (or bytes) is valid until the next step
 * or reset. */
int64_t sql_number(struct sql_statement *s, int column);
struct span sql_text(struct sql_statement *s, int column);

/* Number of rows that a finished statement inserted, updated or deleted. */
uint64_t sql_changed(struct sql_statement *s);

/* Makes the statement ready to be bound and stepped again. */
void sql_reset(struct sql_statement *s);
void sql_drop(struct sql_statement *s);

/* Runs a statement that returns no rows, and resets it. */
bool sql_do(struct sql_statement *s);

/* Reads the first number of a query's result and drops the statement.  Returns
 * SQL_DONE, and does not change `out`, if the query returns no row. */
enum sql_step sql_first_number(struct sql_statement *s, int64_t *out);

/*
 * Acquires the advisory lock `name`, a constant, until sql_close() or the end
 * of the process.  Returns false with SQL_LOCKED if another connection to the
 * database holds the lock.
 */
bool sql_lock(struct sql *db, const char *name);

/* For drivers: stores the error and its message, truncated to SQL_ERROR_MAX;
 * returns false. */
bool sql_fail(struct sql *db, enum sql_fault fault, const char *error);

#endif
