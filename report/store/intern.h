/*
 * intern.h - interning: the number of a text in the tables that store each
 * text once (schema.h).  A text without a number gets one.
 */
#ifndef AVOUCH_REPORT_STORE_INTERN_H
#define AVOUCH_REPORT_STORE_INTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"
#include "report/store/intern_cache.h"
#include "report/store/row_encode.h"
#include "report/store/sql.h"

enum { INTERN_QUERY_MAX = 700 }; /* bytes, with the NUL */

struct intern_query {
	struct sql_statement *statement; /* NULL: not needed yet */
	char text[INTERN_QUERY_MAX];
};

struct intern_queries { /* of one table */
	struct intern_query find, insert, touch;
};

struct intern { /* all zero except db, cache and limit at first */
	struct sql *db;
	struct intern_cache *cache; /* NULL: none */
	struct intern_queries tables[COLUMN_TABLES];
	uint64_t added; /* new numbers; the owner may reset it */
	uint64_t limit; /* of `added`; 0: none */
};

/*
 * The number of a row of `table`.  `texts` are its columns as row_encode()
 * writes them, in one piece of memory; `day` is when it is used.  Returns 0 if
 * the limit was reached, -1 after an error, which the database describes.
 * After a rollback the cache must be cleared.
 */
int64_t intern_get(struct intern *n, enum column_table table,
    const struct span *texts, int64_t day);

/* The column "hash" of these texts. */
int64_t intern_hash(enum column_table table, const struct span *texts);

/* Frees the statements. */
void intern_end(struct intern *n);

#endif
