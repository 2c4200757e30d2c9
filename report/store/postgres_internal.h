/* postgres_internal.h - what the two files that use libpq share. */
#ifndef AVOUCH_REPORT_STORE_POSTGRES_INTERNAL_H
#define AVOUCH_REPORT_STORE_POSTGRES_INTERNAL_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "report/store/sql.h"

struct postgres_connection {
	struct sql sql; /* first */
	PGconn *db;
	unsigned n_prepared;
	bool is_silent; /* the server did not answer in time; we closed the
	                   connection */
};

struct postgres_connection *postgres_connection_of(struct sql *db);

/* Stores the error of `r` (may be NULL) or of the connection; returns false. */
bool postgres_failed(struct postgres_connection *c, const PGresult *r);

/*
 * Waits until the server has sent something or, if `to_write`, takes more.  If
 * it does neither for CENTRAL_ANSWER_S, ends the connection.
 */
void postgres_wait(struct postgres_connection *c, bool to_write);

/* The next result of what was sent; NULL: there is none. */
PGresult *postgres_next_result(struct postgres_connection *c);

/* PostgreSQL takes the text as it is: UTF-8 without NUL. */
bool postgres_is_clean(struct span s);

/* A copy of `s` with "?" for each byte that PostgreSQL refuses; NULL: out of
 * memory. */
char *postgres_copy_clean(struct span s);

#endif
