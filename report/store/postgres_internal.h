/* postgres_internal.h - declarations shared by the two files that use libpq. */
#ifndef AVOUCH_REPORT_STORE_POSTGRES_INTERNAL_H
#define AVOUCH_REPORT_STORE_POSTGRES_INTERNAL_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "report/store/sql.h"

struct postgres_connection {
	struct sql sql; /* must be first */
	PGconn *db;
	unsigned n_prepared;
	bool is_silent; /* the server did not answer in time; we closed the
	                   connection */
};

struct postgres_connection *postgres_connection_of(struct sql *db);

/* Stores the error of `r` (may be NULL) or of the connection; returns false. */
bool postgres_failed(struct postgres_connection *c, const PGresult *r);

/*
 * Waits until the server has sent something or, if `to_write`, can accept more
 * data.  If neither happens for CENTRAL_ANSWER_S, closes the connection.
 */
void postgres_wait(struct postgres_connection *c, bool to_write);

/* Returns the next result of a command; NULL if there are no more. */
PGresult *postgres_next_result(struct postgres_connection *c);

/* Whether PostgreSQL accepts the string unchanged: UTF-8 without NUL. */
bool postgres_is_clean(struct span s);

/* Returns a copy of `s` with "?" for each byte that PostgreSQL rejects, or NULL
 * if memory ran out. */
char *postgres_copy_clean(struct span s);

#endif
