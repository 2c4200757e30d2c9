/*
 * import_internal.h - shared only by import.c, which finds the documents in a
 * unit and stores aggregate reports, and import_other.c, which handles TLS and
 * failure reports.
 *
 * A unit is read twice.  The first pass checks everything and keeps TLS and
 * failure reports in memory.  The second pass stores the rows of aggregate
 * reports.
 */
#ifndef AVOUCH_REPORT_RECEIVE_IMPORT_INTERNAL_H
#define AVOUCH_REPORT_RECEIVE_IMPORT_INTERNAL_H

#include "lib/arena.h"
#include "report/receive/import.h"
#include "report/receive/mime.h"

struct read_report {
	struct read_report *next;
	bool other; /* XML that is not a report, in a message or archive */
	struct ledger_received report;
};

struct other_report {
	struct other_report *next;
	enum report_import_what what; /* selects `tls` or `incident` */
	struct ledger_tls tls;
	struct ledger_incident incident;
};

struct import_message {
	const struct report_import *in;
	struct span file;
	uint64_t mail;
	struct arena *a;
	struct read_report *heads, **last;
	struct read_report *at; /* second pass: the head of the next document;
	                    first pass: NULL */
	struct arena *other_memory; /* NULL: not needed yet */
	struct other_report *others, **last_other;
	bool storing;
	bool stopped;   /* has_room() returned false */
	size_t reports; /* number of documents */
	size_t good;    /* number of documents that are reports */
	unsigned depth;
	int64_t unpacked;
	bool bad; /* the unit was refused or its import failed; see `kind` and
	             `reason` */
	enum report_import_kind kind;
	char reason[REPORT_IMPORT_REASON_MAX];
};

/* Refuses the unit; `name` is a file in the unit, or empty.  Always returns
 * false. */
bool import_refuse(
    struct import_message *u, struct span name, const char *reason);

/* Stop reading the unit because the store failed or memory ran out.  Always
 * return false. */
bool import_fail(struct import_message *u, const char *reason);
bool import_fail_store(struct import_message *u);

/* Calls has_room(). */
bool import_has_room(struct import_message *u, uint64_t rows);

/* Counts a document.  Returns false if there are too many. */
bool import_count(struct import_message *u);

void import_event(const struct import_message *u, enum report_import_kind kind,
    enum report_import_what what, const struct ledger_received *report);

/* ---- import_other.c ---- */

bool import_take_json(
    struct import_message *u, struct span name, struct span bytes);

struct crypto_hash;

struct import_mail { /* a message whose parts are being read */
	struct import_message *unit;
	bool is_over; /* the remaining parts belong to the message that failed
	                 or was returned; no report is read from them */
	struct other_report
	    *failure; /* the failure report in this message, or NULL */
	struct crypto_hash *hash; /* hash of the failure report and all later
	                             parts; identifies the report */
};

/* Read a part of type message/feedback-report, and each later part of that
 * message. */
bool import_take_feedback(
    struct import_mail *m, const struct mailbox_part *part);
void import_take_rest(struct import_mail *m, const struct mailbox_part *part);

/* Call after the last part. */
bool import_end_mail(struct import_mail *m);

/* Call after both passes. */
bool import_store_others(struct import_message *u);

#endif
