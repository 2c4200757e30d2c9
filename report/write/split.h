/*
 * split.h - writes the rows of a policy domain for one day as one or more
 * documents.
 *
 * A report that is too large for one message is split into parts, each with its
 * own id.  Rows beyond a limit, those with the fewest messages, are summed up
 * at the end of the last part: one row for each disposition and alignment, with
 * the address 0.0.0.0 and a comment that says so.  So the totals cover all
 * messages.
 *
 * A part is defined by the number of rows before it.  Rows of a closed day
 * never change their order (query.h), so a part that is written again is
 * identical.
 */
#ifndef AVOUCH_REPORT_WRITE_SPLIT_H
#define AVOUCH_REPORT_WRITE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/write/aggregate_xml.h"
#include "report/write/gzip.h"
#include "report/store/query.h"

enum { SPLIT_MAX = 40 }; /* parts per report; further rows are summed up */

struct report_part {
	uint64_t rows;     /* without the summed rows */
	uint64_t messages; /* including the summed rows */
};

struct parts {
	struct report_part part[SPLIT_MAX];
	size_t n;        /* 0: the day has no rows for that domain */
	uint64_t summed; /* rows that were summed up */
};

struct parts_limits {
	uint64_t rows; /* rows of the whole report */
	size_t bytes;  /* bytes of a compressed part; must be more than
	                  GZIP_LAG_MAX */
};

/* Finds the parts of a report.  Returns false after a ledger error or if memory
 * ran out. */
bool split_measure(struct ledger *l, int64_t day,
    const struct aggregate_info *info, const struct parts_limits *limits,
    struct parts *out);

struct parts_range {
	uint64_t skip; /* number of rows in earlier parts */
	uint64_t rows;
	bool last; /* the last part: the remaining rows are summed up in it */
};

/*
 * Writes the compressed document to `put`.  `messages` is the number of
 * messages in it.  Returns false after a ledger error, if memory ran out, or if
 * `put` failed.
 */
bool split_write(struct ledger *l, int64_t day,
    const struct aggregate_info *info, const struct parts_range *range,
    gzip_put *put, void *arg, uint64_t *messages);

#endif
