/* retention.h - retention: deletes expired rows in small steps. */
#ifndef AVOUCH_REPORT_STORE_RETENTION_H
#define AVOUCH_REPORT_STORE_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/store/intern_cache.h"
#include "report/store/sql.h"

enum {
	RETENTION_ROWS = 500,        /* rows, or pages, of one step */
	RETENTION_IDS = 5000,        /* ids examined in one step */
	RETENTION_FAILURE_DAYS = 14, /* for failure reports; not an option */
	RETENTION_FREE_PART = 4      /* pages are returned if more than one in
	                                this many is free */
};

/* For how long to store; conf/options.c has the defaults. */
struct retention_options {
	unsigned rows_days;     /* rows, and the reports made of them */
	unsigned replay_days;   /* facts for `avouch policy replay` */
	unsigned received_days; /* reports from others */
};

struct retention { /* progress; all zero: not begun */
	struct retention_options o;
	int64_t done; /* the last day on which it was completed */
	size_t step;
	int64_t id;
};

/*
 * One step, of some milliseconds, in its own transaction.  False: there is
 * nothing left to do on the day of `now`, or another program holds the lock.
 * Other errors are logged, and tried again the next day.  Clears `cache` when
 * ids are deleted.
 */
bool retention_step(struct retention *t, struct sql *db,
    struct intern_cache *cache, int64_t now);

#endif
