/*
 * intern.h - interning: finds the id of a string in the tables that store each
 * string once (schema.h).  A new string gets a new id.
 */
#ifndef AVOUCH_REPORT_STORE_INTERN_H
#define AVOUCH_REPORT_STORE_INTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"
#include "report/store/intern_cache.h"
#include "report/store/row_encode.h"
#include "report/store/sql.h"

enum {
	INTERN_QUERY_MAX = 700, /* bytes, including the NUL */
	/* DMARC records of one domain that a lookup compares; an older one gets
	 * a second id.  More than an honest domain publishes in a year; a name
	 * server may return another one for each message. */
	INTERN_NEWEST_MAX = 100,
};

struct intern_query {
	struct sql_statement *statement; /* NULL: not prepared yet */
	char text[INTERN_QUERY_MAX];
};

struct intern_queries { /* for one table */
	struct intern_query find, insert, touch;
};

struct intern { /* initially all zero except db, cache and the limits */
	struct sql *db;
	struct intern_cache *cache; /* NULL: none */
	struct intern_queries tables[COLUMN_TABLES];
	uint64_t added; /* number of new ids; the owner may reset it */
	uint64_t limit; /* upper limit of `added`; 0: no limit */
	uint64_t bytes; /* size of the strings added; the owner may reset it */
	uint64_t bytes_limit; /* no more are added from here on; 0: no limit */
};

/*
 * Returns the id of a row of `table`, and adds the row if it is new.  `texts`
 * are its columns as row_encode() writes them, contiguous in memory; `day` is
 * the day on which the row is used.  Returns 0 if a limit was reached, or -1
 * after an error, which is stored in n->db.  The cache must be cleared after a
 * rollback.
 */
int64_t intern_get(struct intern *n, enum column_table table,
    const struct span *texts, int64_t day);

/* Returns the value of the column "hash" for these strings. */
int64_t intern_hash(enum column_table table, const struct span *texts);

/* Frees the statements. */
void intern_end(struct intern *n);

#endif
