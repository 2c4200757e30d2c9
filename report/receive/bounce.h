/*
 * bounce.h - a report that bounced (RFC 3464, 6522, 6533): which address is
 * bad.
 *
 * Anyone can send us something that looks like a bounce.  It counts only if
 * it returns the Message-ID of a mail of ours, which contains a part that
 * only we and the recipients know.  The address is then taken from our own
 * store.
 */
#ifndef AVOUCH_REPORT_RECEIVE_BOUNCE_H
#define AVOUCH_REPORT_RECEIVE_BOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/span.h"
#include "report/store/query.h"

enum {
	BOUNCE_MESSAGE_MAX = 1 << 20, /* bytes read of a message */
	BOUNCE_PARTS_MAX = 20,
	BOUNCE_TEXT_MAX = 64 << 10, /* bytes read of a part */
	BOUNCE_ID_MAX = 64,         /* bytes of a report id, with the NUL */
	BOUNCE_NOTE_MAX = 200,
};

enum bounce_code {
	BOUNCE_OURS,    /* a report of ours failed permanently */
	BOUNCE_DELAYED, /* not delivered yet; delivery continues */
	BOUNCE_OTHER,   /* not a delivery status notification, or about
	                   another mail */
};

struct bounce {
	enum bounce_code code;
	char report_id[BOUNCE_ID_MAX];
	int64_t delivery;                 /* its id in the store */
	char note[BOUNCE_NOTE_MAX];       /* printable text of the bounce */
	char status[BOUNCE_TEXT_MAX + 1]; /* what it says of each recipient */
};

/* Parses a message. */
void bounce_read(struct span message, struct bounce *out);

/*
 * Suppresses the address from now on, as long as the options say. LEDGER_NONE:
 * we sent no such report, or b->code has become BOUNCE_DELAYED, because another
 * recipient's delivery failed.  Otherwise `noted` is the new entry of the
 * store; its texts are in `a`.
 */
enum ledger_step bounce_note(struct ledger *l, struct bounce *b, int64_t now,
    struct arena *a, struct ledger_bounce *noted);

#endif
