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
	INTAKE_NESTING_MAX = 4,      /* a ZIP in a mail in a ZIP ... */
	INTAKE_REPORTS_MAX = 1000,   /* of one unit */
	INTAKE_INNER_MAX = 64 << 20, /* bytes of a file in a file in a file */
	INTAKE_REASON_MAX = 500,
};

#define INTAKE_BYTES_MAX (INT64_C(1) << 30) /* unpacked, of one unit in all */

enum intake_kind {
	INTAKE_STORED,
	INTAKE_KNOWN,   /* read before: organisation, id and domain */
	INTAKE_REFUSED, /* the unit: `reason` */
	INTAKE_NOTHING, /* the unit: there is no report in it; `reason` */
	INTAKE_FAULT,   /* of the store, or no memory; `reason` */
};

struct intake_event {
	enum intake_kind kind;
	struct span file;                     /* as it was given */
	uint64_t mail;                        /* of an mbox, from 1; else 0 */
	const struct ledger_received *report; /* STORED, KNOWN */
	struct span reason;
};

struct intake {
	struct ledger *ledger; /* NULL: nothing is stored, all else is done */
	int64_t now;
	/* What became of it; texts live for the call. */
	void (*tell)(void *arg, const struct intake_event *e);
	/* How far it is in the bytes of the file; false: stop.  May be NULL. */
	bool (*progress)(void *arg, size_t done);
	void *arg;
};

/* `bytes`: all of it.  False: INTAKE_FAULT was told, or progress() said stop:
 * more is no use. */
bool intake_file(const struct intake *in, struct span file, struct span bytes);

#endif
