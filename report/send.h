/*
 * send.h - makes the aggregate reports of days that are over, and failure
 * reports, and hands them to the mail system (RFC 9990 section 3.5, RFC 9991).
 *
 * One report for each policy domain and UTC day.  First a report is planned:
 * its id, its parts and where it goes are noted in the ledger, all at once;
 * then each delivery is made and noted.  Whoever is killed in between leaves
 * notes that the next run goes on from, so none is lost.  None comes twice
 * either: what hands a mail over and notes it outlives this run (hander.h).
 * Where that is killed too, between the start of sendmail and the note, it is
 * not known whether the mail system has the mail; then it is handed over again,
 * the same in every byte, with the same Message-ID, report id and file name, by
 * which receivers know it (RFC 9990 sections 3.5.2, 3.5.4).
 *
 * From a store that hosts share (push.h) one of them sends at a time.  A day's
 * reports are begun when all have pushed it; where one cannot, without it.
 */
#ifndef AVOUCH_REPORT_SEND_H
#define AVOUCH_REPORT_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/source.h"
#include "lib/span.h"
#include "report/aggregate.h"
#include "report/hander.h"
#include "report/ledger.h"

enum {
	SEND_CATCH_UP_DAYS = 7, /* reports older than that are not begun */
	SEND_GIVE_UP_DAYS = 7,  /* after a report was planned */
	SEND_DNS_PATIENCE = 2 * REPORT_DAY, /* seconds after the day that a
	                                       destination's consent is waited
	                                       for while DNS fails */
	SEND_HOSTS_WAIT = 12 * 3600, /* seconds after the day that hosts which
	                                share the store are waited for ... */
	SEND_HOST_GONE_DAYS = 3,     /* ... if they pushed a day within these */
	SEND_HANDING_S = 900,  /* another host is let to end a delivery, and to
	                          note it, so long (WORKER_NOTE_S) */
	SEND_FAILURES_MAX = 5, /* one after the other: sendmail is out of order
	                        */
	SEND_SENDMAIL_SECONDS = 120,
	SEND_ERROR_MAX = 400, /* bytes */
};

enum send_kind {
	SEND_PLANNED, /* a report is due, one event for each part */
	SEND_NOTHING, /* none is, for good; `note` says why */
	SEND_UNKNOWN, /* DNS does not say yet who wants it; tried again */
	SEND_SENT,    /* to `destination` */
	SEND_WAITING, /* not now; tried again.  Without a domain: the day */
	SEND_DROPPED, /* given up */
	SEND_KINDS,
};

struct send_event {
	enum send_kind kind;
	int64_t day;
	struct span domain;
	struct span report_id;
	struct span destination;
	struct span note;
	uint64_t part, parts, rows, messages;
};

struct send_options {
	struct ledger *ledger;
	struct worker *hander; /* NULL with dry_run */
	struct dns_source *dns;
	int64_t now; /* seconds since 1970 */
	int64_t day; /* that alone, whatever `spread`; -1: all that are due */
	const struct span *domains; /* those alone, whatever `spread` */
	size_t n_domains;           /* 0: all */
	bool dry_run;               /* only tells what would be done */

	enum aggregate_compat compat;
	struct span org_name, email,
	    contact; /* email: one that
	                destination_address() would take */
	uint64_t min_messages;
	uint64_t max_per_address; /* in 24 hours */
	uint64_t max_rows;
	size_t max_size;      /* bytes of a mail */
	int64_t spread;       /* seconds after the day */
	int64_t bounce_pause; /* seconds */
	bool failures;        /* failure reports may be sent */
	uint64_t failures_per_domain, failures_per_day; /* in 24 hours; of one
	                                                   organization, of all
	                                                 */

	/* What was done, as it is done; texts live for the call. */
	void (*tell)(void *arg, const struct send_event *e);
	void *arg;
};

enum send_end {
	SEND_DONE,
	SEND_LEFT,  /* something waits for another run */
	SEND_EARLY, /* the day is not over */
	SEND_FAULT, /* `error` says what */
};

/* "planned", "nothing", ... */
const char *send_kind_name(enum send_kind kind);

/* `error`: SEND_ERROR_MAX bytes. */
enum send_end send_run(const struct send_options *o, char *error);

/*
 * The same for failure reports (RFC 9991) of what the daemon has spooled,
 * `failures` being set; `day` and `spread` do not matter.  Of `domains` those
 * where the record is.
 */
enum send_end send_run_failures(const struct send_options *o, char *error);

#endif
