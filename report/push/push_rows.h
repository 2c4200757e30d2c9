/*
 * push_rows.h - copies the rows of one day into the shared store.  They are
 * copied in bulk, without a lock, into temporary tables of the connection; then
 * a few statements in the push transaction merge them into the tables of
 * schema.h.
 *
 * A day of any size needs the same few round trips, and memory for only one
 * row.  If a function returns false, `local_failed` says which store has the
 * error.
 */
#ifndef AVOUCH_REPORT_PUSH_PUSH_ROWS_H
#define AVOUCH_REPORT_PUSH_PUSH_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "report/store/query.h"

struct push_rows {
	struct ledger *local, *central;
	uint64_t rows, messages; /* counts for the last day that was copied */
	bool local_failed; /* the error is in `local`, otherwise in `central` */
};

/* Creates the temporary tables.  Must be called once per connection. */
bool push_rows_begin(struct push_rows *p);

/* Copies `day` into the temporary tables, after deleting their contents. */
bool push_rows_copy(struct push_rows *p, int64_t day);

/*
 * Adds the copied rows to `day` in the shared store.  The caller must have
 * begun a transaction.  `day` may differ from the day that was copied.
 */
bool push_rows_merge(struct push_rows *p, int64_t day);

#endif
