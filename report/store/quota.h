/*
 * quota.h - limits the disk space of the SQLite store: its own size
 * (report.max_store), and the part of the file system that must stay free
 * (report.min_free).
 *
 * The writer checks the limits before it writes a group.  A result is reused
 * for QUOTA_CHECK_MS or QUOTA_CHECK_PAGES, so that the file system is not
 * queried for every message; the store may exceed its limit by the amount
 * written in that time.
 */
#ifndef AVOUCH_REPORT_STORE_QUOTA_H
#define AVOUCH_REPORT_STORE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "report/store/sql.h"

enum {
	QUOTA_CHECK_MS = 1000,
	QUOTA_CHECK_PAGES = 500, /* new pages in the write-ahead log: 1 MiB */
	QUOTA_REASON_MAX = 160,  /* bytes of a reason, including the NUL */
};

struct quota_options {
	uint64_t max_bytes; /* size of the file and its log; 0: no limit */
	unsigned min_free;  /* part of the file system that must stay free, in
	                       tenths of a percent; 0: no limit */
	bool is_guest;      /* for reports from others, which anyone can send:
	                       reserves a quarter of max_bytes for the daemon */
};

struct quota { /* all zero except `o`: not checked yet */
	struct quota_options o;
	bool is_checked;
	int64_t checked_at; /* clock_ms() */
	int64_t log_pages;  /* pages in the log at `checked_at` */
	char reason[QUOTA_REASON_MAX];
};

/*
 * Returns true if the store of `db` (an SQLite file) must not grow now.
 * q->reason then names the limit and its option, for a log line; otherwise it
 * is empty.  A limit that cannot be checked counts as not exceeded.
 */
bool quota_is_exceeded(struct quota *q, struct sql *db);

#endif
