/*
 * parts.h - the rows of a day and policy domain as one or several documents.
 *
 * A report too large for one mail is split into parts, each with an id of its
 * own; the rows beyond a limit, those with the fewest messages, are summed up
 * at the end of the last part: one row for each disposition and alignment, of
 * the address 0.0.0.0, with a comment that says so.  So the sums are those of
 * all messages.
 *
 * Where parts begin is known by how many rows those before them have: rows of a
 * closed day never change their order (ledger.h), so a part that is written
 * again is the same.
 */
#ifndef AVOUCH_REPORT_PARTS_H
#define AVOUCH_REPORT_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/aggregate.h"
#include "report/gzip.h"
#include "report/ledger.h"

enum { SPLIT_MAX = 40 }; /* of one report; rows beyond them are summed up */

struct part {
	uint64_t rows;     /* without those of the sum */
	uint64_t messages; /* with those of the sum */
};

struct parts {
	struct part part[SPLIT_MAX];
	size_t n;        /* 0: the day has no rows of that domain */
	uint64_t summed; /* rows that were summed up */
};

struct parts_limits {
	uint64_t rows; /* of the whole report */
	size_t bytes;  /* of a part, compressed; more than GZIP_LAG_MAX */
};

/* False: of the ledger, or no memory. */
bool split_measure(struct ledger *l, int64_t day,
    const struct aggregate_info *info, const struct parts_limits *limits,
    struct parts *out);

struct parts_range {
	uint64_t skip; /* rows of the parts before */
	uint64_t rows;
	bool last; /* what is left is summed up */
};

/* The document, compressed, to `put`.  `messages`: those in it.  False: of the
 * ledger, no memory, or `put` failed. */
bool split_write(struct ledger *l, int64_t day,
    const struct aggregate_info *info, const struct parts_range *range,
    gzip_put *put, void *arg, uint64_t *messages);

#endif
