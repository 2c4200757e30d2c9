/* retention.h - deletes expired rows in small steps. */
#ifndef AVOUCH_REPORT_STORE_RETENTION_H
#define AVOUCH_REPORT_STORE_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/store/intern_cache.h"
#include "report/store/sql.h"

enum {
	RETENTION_ROWS = 500, /* rows or pages per step */
	RETENTION_IDS = 5000, /* ids examined per step */
	RETENTION_FAILURE_DAYS =
	    14, /* days to store failure reports; not configurable */
	RETENTION_FREE_PART = 4 /* free pages are returned to the file system if
	                           more than one page in this many is free */
};

/* How long to store rows; conf/options.c has the defaults. */
struct retention_options {
	unsigned rows_days;     /* rows, and the reports made from them */
	unsigned replay_days;   /* facts for `avouch policy replay` */
	unsigned received_days; /* reports from others */
};

struct retention { /* progress; all zero: not started */
	struct retention_options o;
	int64_t today; /* the day for all steps, also after midnight: strings
	                  expire only after the rows that refer to them */
	int64_t done;  /* last such day for which all steps were completed */
	size_t step;
	int64_t id;
};

/*
 * Runs one step, which takes a few milliseconds, in its own transaction.
 * Returns false if there is nothing left to do for now, or if another program
 * holds the lock.  Other errors are logged, and the step is tried again the
 * next day.  Clears `cache` when ids are deleted.
 */
bool retention_step(struct retention *t, struct sql *db,
    struct intern_cache *cache, int64_t now);

#endif
