/*
 * postgres.h - the driver of sql.h for PostgreSQL: the store that several
 * hosts share.
 *
 * The tables (schema.h) are in a separate schema, "avouch", so that they can
 * be in the same database as others.  PostgreSQL refuses texts that are not
 * UTF-8 or contain a NUL; each such byte is stored as "?".  No text that is
 * used as a key contains such bytes (row_encode.h).
 *
 * A transaction excludes all others, on all hosts, as it does in SQLite.  So
 * there are no deadlocks, and a text never gets two numbers.
 */
#ifndef AVOUCH_REPORT_STORE_POSTGRES_H
#define AVOUCH_REPORT_STORE_POSTGRES_H

#include "report/store/sql.h"

enum {
	CENTRAL_CONNECT_S = 10, /* unless the URL says connect_timeout */
	CENTRAL_LOCK_S = 300,   /* waits this long for another transaction */
	CENTRAL_STATEMENT_S = 900,
	CENTRAL_ANSWER_S = 960, /* more than all limits above: the server
	                           hangs */
	CENTRAL_IDLE_S = 300,   /* a transaction without activity is ended by
	                           the server */
	CENTRAL_PARAMETERS_MAX = 32,
};

/*
 * Connects to a URL of lib/pg_url.h and creates or upgrades the tables.  NULL:
 * `fault` and `error` (SQL_ERROR_MAX bytes, without a password) say why.
 */
struct sql *central_open(const char *url, enum sql_fault *fault, char *error);

#endif
