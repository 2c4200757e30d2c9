/*
 * tidy.h - retention: what is too old leaves the store, a little at a time.
 */
#ifndef AVOUCH_REPORT_TIDY_H
#define AVOUCH_REPORT_TIDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/memo.h"
#include "report/sql.h"

enum {
	RETENTION_ROWS = 500,        /* rows, or pages, that one step takes */
	RETENTION_IDS = 5000,        /* numbers that one step looks at */
	RETENTION_FAILURE_DAYS = 14, /* failure reports, whatever the options */
	RETENTION_FREE_PART = 4 /* free pages are given back when they are more
	                      than one in this many */
};

struct retention_options {
	unsigned rows_days; /* rows, and what was sent of them */
	unsigned replay_days;
	unsigned received_days; /* reports of others */
};

struct retention { /* how far it has come; all 0: not begun */
	struct retention_options o;
	int64_t done; /* the day it was last done */
	size_t step;
	int64_t id;
};

/*
 * One step, of some milliseconds, in a transaction of its own.  False: there is
 * nothing left to do on the day of `now`, or another program holds the store.
 * Other faults are logged, and tried again the next day.  `memo` is cleared
 * when numbers go.
 */
bool retention_step(struct retention *t, struct sql *db,
    struct intern_cache *cache, int64_t now);

#endif
