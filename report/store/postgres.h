/*
 * postgres.h - the driver of sql.h for PostgreSQL: the store that several hosts
 * share.
 *
 * The tables (schema.h) are in a separate schema, "avouch", so that other
 * tables can be in the same database.  PostgreSQL rejects strings that are not
 * UTF-8 or contain a NUL; each offending byte is stored as "?".  No string that
 * is used as a key contains such bytes (row_encode.h).
 *
 * Only one transaction runs at a time, across all hosts, as in SQLite.  So
 * there are no deadlocks, and a string never gets two ids.  A connection is
 * named after its host, so that an error can name the host that holds the lock.
 */
#ifndef AVOUCH_REPORT_STORE_POSTGRES_H
#define AVOUCH_REPORT_STORE_POSTGRES_H

#include "report/store/sql.h"

enum {
	CENTRAL_CONNECT_S = 10, /* unless the URL sets connect_timeout */
	CENTRAL_LOCK_S = 300,   /* longest wait for another transaction, unless
	                           the URL or the role sets lock_timeout */
	CENTRAL_STATEMENT_S = 900,
	CENTRAL_ANSWER_S = 960, /* longer than all limits above; after this time
	                           the server is considered hung */
	CENTRAL_IDLE_S = 300,   /* the server closes the connection if a
	                           transaction is idle for this long */
	CENTRAL_PARAMETERS_MAX = 32,
};

/*
 * Connects to a database by its URL (lib/pg_url.h), and creates or upgrades the
 * tables.  Returns NULL after an error; `fault` and `error` (SQL_ERROR_MAX
 * bytes, without a password) then say why.
 */
struct sql *central_open(const char *url, enum sql_fault *fault, char *error);

/*
 * Writes rows in bulk.  Runs `text`: statements without parameters, separated
 * by ";".  Calls `fill` for each COPY ... FROM STDIN (FORMAT binary) among
 * them, with its number, starting at 0.  `fill` writes each row with
 * central_copy_row(), followed by one call per column.  Returns false after
 * an error, which is stored in `db`, or if `fill` returned false, which ends
 * the COPY and rolls back all of `text`.  `fill` must not use `db`.
 */
struct central_copy;
typedef bool central_copy_fill(
    void *arg, unsigned number, struct central_copy *k);

bool central_copy(
    struct sql *db, const char *text, central_copy_fill *fill, void *arg);
void central_copy_row(struct central_copy *k, size_t columns);
void central_copy_number(struct central_copy *k, int64_t value);
void central_copy_text(struct central_copy *k, struct span value);

#endif
