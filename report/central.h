/*
 * central.h - the driver of sql.h for PostgreSQL: the store that several hosts
 * share.
 *
 * Its tables (schema.h) are in a schema of their own, "avouch", so that they
 * may live beside those of others.  Texts that are no UTF-8, or have a NUL, are
 * stored with "?" in the place of each such byte: PostgreSQL refuses them, and
 * no text by which anything is found has them (pack.h).
 *
 * A transaction excludes all others, of all hosts, as it does in SQLite: so
 * they neither meet in a deadlock nor give one text two numbers.
 */
#ifndef AVOUCH_REPORT_CENTRAL_H
#define AVOUCH_REPORT_CENTRAL_H

#include "report/sql.h"

enum {
	CENTRAL_CONNECT_S = 10, /* unless the URL says connect_timeout */
	CENTRAL_LOCK_S = 300,   /* for the transaction of another */
	CENTRAL_STATEMENT_S = 900,
	CENTRAL_ANSWER_S = 960, /* longer than all of these: it hangs */
	CENTRAL_IDLE_S = 300,   /* of one that does not go on with its
	                           transaction: then it is ended for it */
	CENTRAL_PARAMETERS_MAX = 32,
};

/*
 * Connects to a URL of lib/url.h, with the tables in place: made, or upgraded.
 * NULL: `fault` and `error` (SQL_ERROR_MAX bytes) say why, without a password.
 */
struct sql *central_open(const char *url, enum sql_fault *fault, char *error);

#endif
