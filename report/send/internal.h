/*
 * internal.h - shared by the files send*.c only: the state of a run.
 *
 * run.c has the run; plan.c which aggregate reports are due, plan_failures.c
 * which failure reports; recipients.c who gets them; deliver.c how they are
 * delivered.
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
	SEND_LIST_MEMORY = 32 << 20, /* bytes of a list of domains or
	                                deliveries; the rest waits for the
	                                next round */
	SEND_NOTE_MAX = 500,         /* bytes */
	SEND_ID_MAX = 48,            /* of a report id, with the NUL */
};

struct send {
	const struct send_options *o;
	struct ledger *ledger;
	struct hash_secret seed; /* for report ids, different for each store */
	struct span submitter;   /* our domain, that of `email` */
	uint64_t left;           /* number of deliveries that wait for
	                            another run */
	unsigned failures;       /* failures of sendmail in a row */
	struct buf error;        /* not empty: an error */
};

/* Stores the error of the ledger, or `text`; returns false. */
bool send_ledger_fault(struct send *s);
bool send_fault(struct send *s, const char *text);

void send_tell(struct send *s, const struct send_event *e);

/* The report's metadata except its id.  Texts are those of `s` or of the
 * arguments. */
struct aggregate_info send_info(
    const struct send *s, int64_t day, struct span domain, struct span record);

/* ---- whom a report goes to ---- */

enum {
	SEND_JOBS = 16,       /* reports whose DNS questions are asked at
	                         once */
	SEND_JOBS_MS = 20000, /* for all of them */
};

struct send_consent {
	struct destination_query query;
	struct destination_result result;
	struct dns_task *job;    /* a reference */
	char why[SEND_NOTE_MAX]; /* for each URI that gets none the reason;
	                            or why there is nothing to send */
	struct span to[DESTINATION_ADDRESSES_MAX]; /* valid as long as `job` */
	size_t n_to;                               /* 0: nothing to send */
};

/* Begins the DNS questions for c->query. */
void send_consent_ask(struct send *s, struct send_consent *c);

/* Waits until `deadline` (clock_ms()). */
void send_consent_wait(struct send_consent *c, int64_t deadline);

/* Fills in `to`, without suppressed addresses, and `why`.  False: an error. */
bool send_consent_take(struct send *s, struct send_consent *c);

/* ---- plans ---- */

/* Writes a report id: YYYYMMDD and a hash of day, domain and part that
 * depends on this store. */
void send_put_id(struct buf *b, const struct send *s, int64_t day,
    struct span domain, uint64_t part);

/* Plans the failure reports that are due.  False: an error. */
bool send_plan_failures(struct send *s, struct span domain);

/* Writes the mail of a planned failure report.  `messages` 0: its texts were
 * deleted. */
bool send_write_failure(struct send *s, const struct ledger_delivery *d,
    const struct mime_message *letter, FILE *out, uint64_t *messages);

/* Plans the reports of `day` that are due.  False: an error. */
bool send_plan_day(struct send *s, int64_t day, struct span domain);

/*
 * In a dry run: writes the mail to s->o->mails.  `skip` is the number of rows
 * in the parts before it.  False: an error.
 */
bool send_print_mail(
    struct send *s, const struct ledger_delivery *d, uint64_t skip);

/* Delivers what was planned.  False: an error. */
bool send_deliver(struct send *s, struct span domain);

#endif
