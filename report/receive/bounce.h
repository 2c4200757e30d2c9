/*
 * bounce.h - reads bounces of our reports (RFC 3464, 6522, 6533), and
 * suppresses addresses that fail.
 *
 * Anyone can send us something that looks like a bounce.  It counts only if it
 * returns the Message-ID of one of our messages, which contains a part that
 * only we and the recipient of that message know (ledger_delivery_proof()).
 * The address to suppress comes from our own store.
 */
#ifndef AVOUCH_REPORT_RECEIVE_BOUNCE_H
#define AVOUCH_REPORT_RECEIVE_BOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/span.h"
#include "report/store/query.h"

enum {
	BOUNCE_MESSAGE_MAX = 1 << 20, /* bytes read from a message */
	BOUNCE_PARTS_MAX = 20,
	BOUNCE_TEXT_MAX = 64 << 10, /* bytes read from each part */
	BOUNCE_ID_MAX = 64, /* bytes of a report id, including the NUL */
	BOUNCE_NOTE_MAX = 200,
};

enum bounce_code {
	BOUNCE_OURS,    /* delivery of our report failed permanently */
	BOUNCE_DELAYED, /* not delivered yet; delivery continues */
	BOUNCE_OTHER,   /* not a delivery status notification, or about a
	                   different message */
};

struct bounce {
	enum bounce_code code;
	char report_id[BOUNCE_ID_MAX];
	uint64_t proof;             /* ledger_delivery_proof() */
	int64_t delivery;           /* id of the delivery in the store */
	char note[BOUNCE_NOTE_MAX]; /* status and diagnostic code, printable */
	char status[BOUNCE_TEXT_MAX +
	    1]; /* the delivery status, with fields for each recipient */
};

void bounce_read(struct span message, struct bounce *out);

/*
 * Suppresses the address of the bounced report from now on; bounce_pause
 * (run.h) says for how long.  Returns LEDGER_NONE if we sent no such report, or
 * if delivery to its address has not failed; in the second case b->code is
 * BOUNCE_DELAYED.  Otherwise `noted` is the new entry in the store; its strings
 * are in `a`.
 */
enum ledger_step bounce_note(struct ledger *l, struct bounce *b, int64_t now,
    struct arena *a, struct ledger_bounce *noted);

#endif
