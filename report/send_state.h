/*
 * send_state.h - a run of sending from the inside: for the files send*.c alone.
 *
 * send.c has the run; send_plan.c what is due and where it goes;
 * send_deliver.c its way into the mail system.
 */
#ifndef AVOUCH_REPORT_SEND_STATE_H
#define AVOUCH_REPORT_SEND_STATE_H

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/hash.h"
#include "report/parts.h"
#include "report/send.h"

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

/* Plans what is due of `day`; false: a fault. */
bool send_plan_day(struct send *s, int64_t day, struct span domain);

/* Delivers what was planned; false: a fault. */
bool send_deliver(struct send *s, struct span domain);

#endif
