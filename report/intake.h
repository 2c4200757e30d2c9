/*
 * intake.h - a file that may hold reports of others, on its way into the store:
 * XML, gzip, ZIP, a mail, an mbox; and these within each other, to a depth.
 *
 * A unit is a file, or one mail of an mbox.  All of a unit is read through
 * before anything of it is stored, so that of a unit that is refused nothing
 * is; then each report is stored in a transaction of its own.
 */
#ifndef AVOUCH_REPORT_INTAKE_H
#define AVOUCH_REPORT_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"
#include "report/ledger.h"

enum {
	REPORT_IMPORT_NESTING_MAX = 4,    /* a ZIP in a mail in a ZIP ... */
	REPORT_IMPORT_REPORTS_MAX = 1000, /* of one unit */
	REPORT_IMPORT_NESTED_MAX = 64
	    << 20, /* bytes of a file in a file in a file */
	REPORT_IMPORT_REASON_MAX = 500,
};

#define REPORT_IMPORT_BYTES_MAX                                                \
	(INT64_C(1) << 30) /* unpacked, of one unit in all */

enum report_import_kind {
	REPORT_IMPORT_STORED,
	REPORT_IMPORT_KNOWN,   /* read before: organisation, id and domain */
	REPORT_IMPORT_REFUSED, /* the unit: `reason` */
	REPORT_IMPORT_NOTHING, /* the unit: there is no report in it; `reason`
	                        */
	REPORT_IMPORT_FAULT,   /* of the store, or no memory; `reason` */
};

struct report_import_event {
	enum report_import_kind kind;
	struct span file;                     /* as it was given */
	uint64_t mail;                        /* of an mbox, from 1; else 0 */
	const struct ledger_received *report; /* STORED, KNOWN */
	struct span reason;
};

struct report_import {
	struct ledger *ledger; /* NULL: nothing is stored, all else is done */
	int64_t now;
	/* What became of it; texts live for the call. */
	void (*tell)(void *arg, const struct report_import_event *e);
	/* How far it is in the bytes of the file; false: stop.  May be NULL. */
	bool (*progress)(void *arg, size_t done);
	void *arg;
};

/* `bytes`: all of it.  False: REPORT_IMPORT_FAULT was told, or progress() said
 * stop: more is no use. */
bool report_import_file(
    const struct report_import *in, struct span file, struct span bytes);

#endif
