/*
 * run.h - makes the aggregate reports of days that are over, and failure
 * reports, and gives them to the mail system (RFC 9990 section 3.5, RFC
 * 9991).
 *
 * There is one report for each policy domain and UTC day.  First a report is
 * planned: its id, parts and destinations are stored in one transaction.
 * Then each delivery is made and recorded.  If a run is killed, the next one
 * continues from these records, so no report is lost.  None is sent twice
 * either: the process that runs sendmail and records the outcome outlives the
 * run (delivery_worker.h).  Only if that process is killed too, between the
 * start of sendmail and the record, it is not known whether the mail system has
 * the mail; then the same bytes are sent again, with the same Message-ID,
 * report id and file name, by which receivers recognize a duplicate (RFC 9990
 * sections 3.5.2, 3.5.4).
 *
 * If hosts share a store (push.h), one of them sends at a time.  The reports
 * of a day are begun when all hosts have pushed it; a host that is gone is
 * not waited for.
 */
#ifndef AVOUCH_REPORT_SEND_RUN_H
#define AVOUCH_REPORT_SEND_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dns/source.h"
#include "lib/span.h"
#include "report/write/aggregate_xml.h"
#include "report/send/delivery_worker.h"
#include "report/store/query.h"

enum {
	SEND_CATCH_UP_DAYS = 7,           /* older reports are not begun */
	SEND_GIVE_UP_DAYS = 7,            /* days after a report was planned */
	SEND_DNS_PATIENCE = 2 * DATE_DAY, /* seconds after the day: how
	                                       long to wait for the
	                                       authorization of a destination
	                                       while DNS fails */
	SEND_HOSTS_WAIT = 12 * 3600,      /* seconds after the day: how long to
	                                     wait for hosts that share the store
	                                     ... */
	SEND_HOST_GONE_DAYS = 3, /* ... if they pushed in the last days */
	SEND_HANDING_S = 900,    /* another host may take this long to finish a
	                            delivery and to record it (WORKER_NOTE_S) */
	SEND_FAILURES_MAX = 5,   /* in a row: sendmail does not work */
	SEND_SENDMAIL_SECONDS = 120,
	SEND_ERROR_MAX = 400, /* bytes */
};

enum send_kind {
	SEND_PLANNED, /* a report is due; one event for each part */
	SEND_NOTHING, /* no report, for good; `note` says why */
	SEND_UNKNOWN, /* DNS has not yet said whether it is wanted; tried
	                 again */
	SEND_SENT,    /* sent to `destination` */
	SEND_WAITING, /* tried again later.  Without a domain: the whole day
	                 waits */
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

/* Limits, so that nobody turns our reports against others. */
enum {
	/* Reports to one address in 24 hours: a provider that gets those of
	 * all its customers gets thousands, a victim not more than these. */
	SEND_PER_ADDRESS = 5000,
	/* Rows of a report; XML of some 30 MB, which compresses to 1. */
	SEND_ROWS = 50000,
	/* Bytes of a mail: the limit that many MTAs have. */
	SEND_SIZE = 10 << 20,
	/* Seconds without reports to an address that bounced: 30 days, long
	 * enough for its owner to repair it. */
	SEND_BOUNCE_PAUSE = 30 * DATE_DAY,
	/* Failure reports in 24 hours, about one organization and in all: each
	 * cause is one report a day, so more than these are an attack. */
	SEND_FAILURES_PER_DOMAIN = 10,
	SEND_FAILURES_PER_DAY = 500,
};

struct send_options {
	struct ledger *ledger;
	struct worker *hander; /* NULL if dry_run */
	struct dns_source *dns;
	int64_t now; /* seconds since 1970 */
	int64_t day; /* only this day, ignoring `spread`; -1: all that are
	                due */
	const struct span *domains; /* only these, ignoring `spread` */
	size_t n_domains;           /* 0: all */
	bool dry_run;               /* report what would be done, change
	                               nothing */
	FILE *mails; /* if dry_run: the mails are written here, as an mbox;
	                NULL: they are not */

	enum aggregate_compat compat;
	struct span org_name, email,
	    contact; /* email must be accepted by destination_address() */
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

	/* Called for each event; texts are valid during the call. */
	void (*tell)(void *arg, const struct send_event *e);
	void *arg;
};

enum send_end {
	SEND_DONE,
	SEND_LEFT,  /* something waits for another run */
	SEND_EARLY, /* the day is not over */
	SEND_FAULT, /* see `error` */
};

/* "planned", "nothing", ... */
const char *send_kind_name(enum send_kind kind);

/* `error`: SEND_ERROR_MAX bytes. */
enum send_end send_run(const struct send_options *o, char *error);

/*
 * The same for failure reports (RFC 9991) from what the daemon has stored;
 * `failures` must be set.  Ignores `day` and `spread`.  `domains` selects by
 * the domain of the record.
 */
enum send_end send_run_failures(const struct send_options *o, char *error);

#endif
