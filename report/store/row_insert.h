/*
 * row_insert.h - inserts rows into the store, for the daemon's writer and for
 * push.
 */
#ifndef AVOUCH_REPORT_STORE_ROW_INSERT_H
#define AVOUCH_REPORT_STORE_ROW_INSERT_H

#include <stdint.h>

#include "lib/span.h"
#include "report/store/intern.h"
#include "report/store/sql.h"

enum row_outcome {
	ROW_WRITTEN,
	ROW_REFUSED, /* the limit on new strings was reached */
	ROW_ERROR,   /* the error is stored in the database connection */
};

/* The statement to be prepared for row_insert(). */
extern const char row_insert_query[];

/* A query for the last closed day; it returns no row if no day is closed. */
extern const char closed_day_query[];

/* Returns the outcome for a result of intern_get(). */
enum row_outcome row_outcome(int64_t id);

/*
 * Adds `count` messages to the row for `texts` (row_encode.h) on `day`; `last`
 * is the time of the newest message (seconds since 1970).  The caller must have
 * begun a transaction.
 */
enum row_outcome row_insert(struct intern *n, struct sql_statement *insert,
    const struct span *texts, int64_t day, uint64_t count, int64_t last);

#endif
