/*
 * import.h - imports a file that may contain received reports: aggregate
 * reports (XML), TLS reports (JSON) and failure reports, in gzip, ZIP, S/MIME,
 * a message or an mbox, which may be nested up to a limit.
 *
 * A unit is a file or one message of an mbox.  A whole unit is read before
 * anything is stored, so nothing is stored if it is refused.  Then each report
 * is stored in its own transaction.
 */
#ifndef AVOUCH_REPORT_RECEIVE_IMPORT_H
#define AVOUCH_REPORT_RECEIVE_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"
#include "report/store/query.h"

enum {
	REPORT_IMPORT_NESTING_MAX = 4, /* such as a ZIP in a message in a ZIP */
	REPORT_IMPORT_REPORTS_MAX = 1000,    /* per unit */
	REPORT_IMPORT_NESTED_MAX = 64 << 20, /* bytes of a nested file */
	REPORT_IMPORT_REASON_MAX = 500,
	REPORT_IMPORT_ROOM_ROWS = 1000, /* rows of a report after which
	                                   has_room() is called again */
	REPORT_IMPORT_AHEAD =
	    2 * 86400, /* seconds by which a report may begin in the future,
	                  because of clock errors and time zones; rows far in
	                  the future would never expire */
};

#define REPORT_IMPORT_BYTES_MAX                                                \
	(INT64_C(1) << 30) /* unpacked bytes of one unit */

enum report_import_kind {
	REPORT_IMPORT_STORED,
	REPORT_IMPORT_REPLACED, /* stored in place of an earlier copy with fewer
	                           messages */
	REPORT_IMPORT_KNOWN, /* already stored, with the same organisation, id,
	                        domain and period */
	REPORT_IMPORT_REFUSED, /* the unit was refused; see `reason` */
	REPORT_IMPORT_NOTHING, /* the unit contains no report; see `reason` */
	REPORT_IMPORT_FAULT,   /* the store failed, or memory ran out; see
	                          `reason` */
};

enum report_import_what {
	REPORT_IMPORT_AGGREGATE,
	REPORT_IMPORT_TLS,     /* RFC 8460 */
	REPORT_IMPORT_FAILURE, /* RFC 6591, RFC 9991 */
};

struct report_import_event {
	enum report_import_kind kind;
	enum report_import_what what; /* set if STORED, REPLACED or KNOWN */
	struct span file;             /* as the caller named it */
	uint64_t mail; /* number of the message in an mbox, from 1; 0 if not in
	                  an mbox */
	const struct ledger_received
	    *report; /* set for an aggregate report that is STORED, REPLACED or
	                KNOWN */
	struct span reason;
};

struct report_import {
	struct ledger *ledger; /* NULL: only check, do not store */
	int64_t now;
	/* Called for each result; strings are valid during the call. */
	void (*on_event)(void *arg, const struct report_import_event *e);
	/* Called before a report is stored, and again while it is stored, with
	 * the number of its rows since the previous call.  Returns false to
	 * stop, after reporting why; then nothing of this report is stored.
	 * May be NULL. */
	bool (*has_room)(void *arg, uint64_t rows);
	/* Called with the position in the file.  Returns false to stop.  May
	 * be NULL. */
	bool (*progress)(void *arg, size_t done);
	void *arg;
};

/* `bytes` is the whole file.  Returns false if the caller should stop:
 * REPORT_IMPORT_FAULT was reported, or has_room() or progress() returned
 * false. */
bool report_import_file(
    const struct report_import *in, struct span file, struct span bytes);

#endif
