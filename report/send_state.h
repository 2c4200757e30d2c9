/*
 * send_state.h - a run of sending from the inside: for the files send*.c alone.
 *
 * send.c has the run; send_plan.c what is due, send_failure.c which failure
 * reports are; send_consent.c where they go; send_deliver.c their way into the
 * mail system.
 */
#ifndef AVOUCH_REPORT_SEND_STATE_H
#define AVOUCH_REPORT_SEND_STATE_H

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/hash.h"
#include "report/consent.h"
#include "report/letter.h"
#include "report/parts.h"
#include "report/send.h"
#include "verify/job.h"

enum {
	SEND_LIST_MEMORY = 32 << 20, /* bytes of a list of domains or
	                                deliveries; what is beyond waits for the
	                                next round */
	SEND_NOTE_MAX = 500,         /* bytes */
	SEND_ID_MAX = 48,            /* of a report id, with the NUL */
};

struct send {
	const struct send_options *o;
	struct ledger *ledger;
	struct hash_secret seed; /* of report ids: of this store alone */
	struct span submitter;   /* our domain: that of `email` */
	uint64_t left;           /* what waits for another run */
	unsigned failures;       /* of sendmail, one after the other */
	struct buf error;        /* not empty: a fault */
};

/* Notes what the ledger says, or `text`; false. */
bool send_ledger_fault(struct send *s);
bool send_fault(struct send *s, const char *text);

void send_tell(struct send *s, const struct send_event *e);

/* What a report says of itself, but for its id.  Texts are `s`'s or those
 * passed in. */
struct aggregate_info send_info(
    const struct send *s, int64_t day, struct span domain, struct span record);

/* ---- whom a report goes to ---- */

enum {
	SEND_JOBS = 16,       /* reports whose DNS is asked at once */
	SEND_JOBS_MS = 20000, /* for all of them */
};

struct send_consent {
	struct destination_query query;
	struct destination_result result;
	struct job *job;         /* to be dropped */
	char why[SEND_NOTE_MAX]; /* of each URI that gets none why; or why there
	                            is nothing to send */
	struct span to[DESTINATION_ADDRESSES_MAX]; /* live as long as `job` */
	size_t n_to;                               /* 0: nothing to send */
};

/* Begins to ask DNS for c->query. */
void send_consent_ask(struct send *s, struct send_consent *c);

/* Until clock_ms() is at `deadline`. */
void send_consent_wait(struct send_consent *c, int64_t deadline);

/* Fills in `to`, without what bounces, and `why`; false: a fault. */
bool send_consent_take(struct send *s, struct send_consent *c);

/* ---- plans ---- */

/* A report's id: YYYYMMDD, then what only this store makes of day, domain and
 * part. */
void send_put_id(struct buf *b, const struct send *s, int64_t day,
    struct span domain, uint64_t part);

/* Plans the failure reports that are due; false: a fault. */
bool send_plan_failures(struct send *s, struct span domain);

/* Writes the mail that a planned failure report is; `messages` 0: there is
 * nothing to write it from any more. */
bool send_write_failure(struct send *s, const struct ledger_delivery *d,
    const struct mime_message *letter, FILE *out, uint64_t *messages);

/* Plans what is due of `day`; false: a fault. */
bool send_plan_day(struct send *s, int64_t day, struct span domain);

/* Delivers what was planned; false: a fault. */
bool send_deliver(struct send *s, struct span domain);

#endif
