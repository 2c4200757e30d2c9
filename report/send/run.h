/*
 * run.h - creates aggregate reports for days that have ended, and failure
 * reports, and passes them to the mail system (RFC 9990 section 3.5, RFC 9991).
 *
 * There is one report for each policy domain and UTC day.  First a report is
 * planned: its id, parts and destinations are stored in one transaction.  Then
 * each delivery is made and recorded.  If a run is killed, the next one
 * continues from these records, so no report is lost.  No report is sent twice
 * either: the process that runs sendmail and records the outcome outlives the
 * run (delivery_worker.h).  If that process is killed too, after it starts
 * sendmail and before it records the outcome, it is unknown whether the mail
 * system has accepted the report.  The same bytes are then sent again, with the
 * same Message-ID, report id and file name, by which receivers recognize a
 * duplicate (RFC 9990 sections 3.5.2, 3.5.4).
 *
 * If hosts share a store (push.h), only one of them sends at a time.  Reports
 * for a day are started once all hosts have pushed that day; hosts that stopped
 * pushing are not waited for.
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
	SEND_CATCH_UP_DAYS = 7, /* no report is started for an older day */
	SEND_EXPIRE_DAYS =
	    7, /* a report is given up this many days after it was planned */
	SEND_DNS_PATIENCE = 2 *
	    DATE_DAY, /* how long to retry the authorization of a destination
	                 while DNS fails: seconds after the end of the day or,
	                 for a failure report, after the first failure */
	SEND_SPREAD = 8 * 3600, /* seconds after the end of the day, over which
	                           its reports are spread: otherwise all
	                           reporters would send at midnight (UTC), and a
	                           receiver would get all reports at once */
	SEND_HOSTS_WAIT = 12 *
	    3600, /* seconds after the end of the day: how long to wait for
	             other hosts of a shared store; see SEND_HOST_GONE_DAYS */
	SEND_HOST_GONE_DAYS = 3, /* days without a push after which a host is
	                            not waited for */
	SEND_HANDING_S = 900,    /* how long another host may take to finish a
	                            delivery and record it (WORKER_NOTE_S) */
	SEND_FAILURES_MAX = 5,   /* consecutive failures after which the run
	                            stops: sendmail does not work */
	SEND_SENDMAIL_SECONDS = 120,
	SEND_ERROR_MAX = 400, /* bytes */
};

enum send_kind {
	SEND_PLANNED, /* a report is due; one event for each part */
	SEND_NOTHING, /* no report will be sent; `note` says why */
	SEND_UNKNOWN, /* DNS failed, so it is unknown whether a report is
	                 wanted; will be retried */
	SEND_SENT,    /* sent to `destination` */
	SEND_WAITING, /* will be retried later; if `domain` is absent, the
	                 whole day is waiting */
	SEND_DROPPED, /* given up; `note` says why */
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

/* Limits, so that no one can use our reports to attack others. */
enum {
	/* Reports to one address in 24 hours.  A provider that receives the
	 * reports for all its customers gets thousands. */
	SEND_PER_ADDRESS = 5000,
	/* Rows in a report: about 30 MB of XML, which compresses to 1 MB. */
	SEND_ROWS = 50000,
	/* Bytes of a message: a common limit of MTAs. */
	SEND_SIZE = 10 << 20,
	/* Seconds without reports to an address that bounced: 30 days, long
	 * enough for its owner to fix it. */
	SEND_BOUNCE_PAUSE = 30 * DATE_DAY,
	/* Failure reports in 24 hours, per organization and in total.  Each
	 * cause leads to one report a day, so a larger number indicates an
	 * attack. */
	SEND_FAILURES_PER_DOMAIN = 10,
	SEND_FAILURES_PER_DAY = 500,
};

struct send_options {
	struct ledger *ledger;
	struct worker *worker; /* NULL if dry_run */
	struct dns_source *dns;
	int64_t now; /* seconds since 1970 */
	int64_t day; /* only this day, without delay; -1: all due days */
	const struct span *domains; /* only these domains, without delay */
	size_t n_domains;           /* 0: all */
	bool dry_run; /* report events as usual, but change nothing */
	FILE *mails;  /* for dry_run: where to write the messages, as an mbox;
	                 NULL: nowhere */

	enum aggregate_compat compat;
	struct span org_name,
	    email; /* destination_address() must accept `email` */
	uint64_t max_per_address; /* in 24 hours */
	uint64_t max_rows;
	size_t max_size;      /* bytes of a message */
	int64_t bounce_pause; /* seconds */
	bool failures;        /* whether failure reports may be sent */
	uint64_t failures_per_domain,
	    failures_per_day; /* failure reports in 24 hours, per organization
	                         and in total */

	/* Called for each event; strings are valid during the call. */
	void (*on_event)(void *arg, const struct send_event *e);
	void *arg;
};

enum send_end {
	SEND_DONE,
	SEND_LEFT,  /* not finished: another run is needed */
	SEND_EARLY, /* the day has not ended */
	SEND_FAULT, /* see `error` */
};

/* "planned", "nothing", ... */
const char *send_kind_name(enum send_kind kind);

/* Plans and delivers aggregate reports.  `error` has room for SEND_ERROR_MAX
 * bytes. */
enum send_end send_run(const struct send_options *o, char *error);

/*
 * Like send_run(), for failure reports (RFC 9991) about messages that the
 * daemon has stored; o->failures must be set.  Ignores `day`.  `domains`
 * selects messages by the domain of their DMARC record.
 */
enum send_end send_run_failures(const struct send_options *o, char *error);

#endif
