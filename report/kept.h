/*
 * kept.h - how a row gets into the table of rows, by whatever hand: the
 * daemon's writer, or a push.
 */
#ifndef AVOUCH_REPORT_KEPT_H
#define AVOUCH_REPORT_KEPT_H

#include <stdint.h>

#include "lib/span.h"
#include "report/numbers.h"
#include "report/sql.h"

enum row_outcome {
	ROW_WRITTEN,
	ROW_REFUSED, /* the limit of new numbers was reached */
	ROW_ERROR,   /* the database says why */
};

/* The statement for row_insert(). */
extern const char row_insert_query[];

/* The query whose one number is the last closed day; no row: none is. */
extern const char closed_day_query[];

/* Of what intern_get() returned. */
enum row_outcome row_outcome(int64_t id);

/*
 * Adds `count` messages to the row of `texts` (pack.h) on `day`, the newest of
 * them at `last` (seconds since 1970).  Within a transaction of the caller's.
 */
enum row_outcome row_insert(struct intern *n, struct sql_statement *insert,
    const struct span *texts, int64_t day, uint64_t count, int64_t last);

#endif
