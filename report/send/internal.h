/*
 * internal.h - shared only by the files in report/send/: the state of a run.
 *
 * run.c controls a run; plan.c and plan_failures.c decide which aggregate and
 * failure reports are due; recipients.c decides who gets them; deliver.c
 * delivers them.
 */
#ifndef AVOUCH_REPORT_SEND_INTERNAL_H
#define AVOUCH_REPORT_SEND_INTERNAL_H

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/hash.h"
#include "report/send/external_destination.h"
#include "report/write/mime_message.h"
#include "report/write/split.h"
#include "report/send/run.h"
#include "verify/dns_task.h"

enum {
	SEND_LIST_MEMORY = 32
	    << 20, /* bytes of a list of domains or deliveries; the rest waits
	              for the next round */
	SEND_NOTE_MAX = 500, /* bytes */
	SEND_ID_MAX = 48,    /* bytes of a report id, including the NUL */
	/* One owner's domains without answers that are asked about in a run */
	SEND_SILENT_MAX = 8,
	SEND_OWNERS = 4096, /* hashes of owners */
};

struct send {
	const struct send_options *o;
	struct ledger *ledger;
	struct hash_secret seed; /* see ledger_seed() */
	struct span submitter;   /* our domain, from the `email` option */
	uint64_t left;           /* number of deliveries left for another run */
	unsigned failures;       /* consecutive failures of sendmail */
	/* number of domains without answers, by the hash of their owner */
	uint8_t silent[SEND_OWNERS];
	struct buf error; /* not empty after an error */
};

/* Store the error from the ledger, or `text`; always return false. */
bool send_ledger_fault(struct send *s);
bool send_fault(struct send *s, const char *text);

void send_notify(struct send *s, const struct send_event *e);

/* Returns the report's metadata except its id.  Strings point into `s` or the
 * arguments. */
struct aggregate_info send_info(
    const struct send *s, int64_t day, struct span domain, struct span record);

/* ---- recipients of a report ---- */

enum {
	SEND_JOBS = 16,       /* reports whose DNS lookups run in parallel */
	SEND_JOBS_MS = 20000, /* time limit for all of them */
};

struct send_consent {
	struct destination_query query;
	struct destination_result result;
	struct dns_task *job;    /* owns a reference */
	char why[SEND_NOTE_MAX]; /* the reason for each URI that gets no report;
	                            or why there is nothing to send */
	struct span to[DESTINATION_ADDRESSES_MAX]; /* valid as long as `job` */
	size_t n_to;                               /* 0: nothing to send */
};

/* Starts the DNS lookups for c->query. */
void send_consent_ask(struct send *s, struct send_consent *c);

/* Waits for the lookups until `deadline` (clock_ms()). */
void send_consent_wait(struct send_consent *c, int64_t deadline);

/* Fills in `to`, without suppressed addresses, and `why`.  Returns false after
 * an error. */
bool send_consent_take(struct send *s, struct send_consent *c);

/* ---- plans ---- */

/* Writes a report id, which is different in each store: YYYYMMDD and a hash of
 * day, domain and part. */
void send_put_id(struct buf *b, const struct send *s, int64_t day,
    struct span domain, uint64_t part);

/* Plans the failure reports that are due.  Returns false after an error. */
bool send_plan_failures(struct send *s, struct span domain);

/* Writes the message for a planned failure report.  Sets `messages` to 0 if its
 * data has been deleted. */
bool send_write_failure(struct send *s, const struct ledger_delivery *d,
    const struct mime_message *letter, FILE *out, uint64_t *messages);

/* Plans the reports for `day` that are due.  Returns false after an error. */
bool send_plan_day(struct send *s, int64_t day, struct span domain);

/*
 * In a dry run, writes the message to s->o->mails.  `skip` is the number of
 * rows in earlier parts.  Returns false after an error.
 */
bool send_print_mail(
    struct send *s, const struct ledger_delivery *d, uint64_t skip);

/* Delivers planned reports with ids larger than *after, and sets it to the
 * largest one.  Returns false after an error. */
bool send_deliver(struct send *s, struct span domain, int64_t *after);

#endif
