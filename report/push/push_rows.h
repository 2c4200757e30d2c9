/*
 * push_rows.h - how the rows of a day get into the shared store: in bulk into
 * temporary tables of the connection, which needs no lock, and from there, by a
 * few statements within the transaction of the push, into the tables of
 * schema.h.
 *
 * Both take the same few round trips for a day of any size, and memory for one
 * row.  After false, the error of a store says why (local_failed).
 */
#ifndef AVOUCH_REPORT_PUSH_PUSH_ROWS_H
#define AVOUCH_REPORT_PUSH_PUSH_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "report/store/query.h"

struct push_rows {
	struct ledger *local, *central;
	uint64_t rows, messages; /* of the day that was copied last */
	bool local_failed; /* its error says why, else that of `central` */
};

/* Makes the temporary tables.  Once for each connection. */
bool push_rows_begin(struct push_rows *p);

/* Copies `day` into the temporary tables; what they held is deleted. */
bool push_rows_copy(struct push_rows *p, int64_t day);

/*
 * Adds the rows that were copied to `day` of the shared store, within a
 * transaction of the caller.  `day` may be another one than was copied.
 */
bool push_rows_merge(struct push_rows *p, int64_t day);

#endif
