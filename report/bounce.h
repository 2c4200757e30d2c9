/*
 * bounce.h - a report that came back (RFC 3464): whose address is bad.
 *
 * Anyone can send us something that looks like a bounce.  What counts is that
 * it brings back the Message-ID of a mail of ours, which has in it what only we
 * and those who got the report know; the address is then the one that our own
 * ledger says it was sent to.
 */
#ifndef AVOUCH_REPORT_BOUNCE_H
#define AVOUCH_REPORT_BOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/span.h"
#include "report/ledger.h"

enum {
	BOUNCE_MESSAGE_MAX = 1 << 20, /* bytes that are read of one */
	BOUNCE_PARTS_MAX = 20,
	BOUNCE_TEXT_MAX = 64 << 10, /* bytes read of a part */
	BOUNCE_ID_MAX = 64,         /* of a report id, with the NUL */
	BOUNCE_NOTE_MAX = 200,
};

enum bounce_code {
	BOUNCE_OURS,    /* a report of ours could not be delivered, for good */
	BOUNCE_DELAYED, /* not yet; it may still be */
	BOUNCE_OTHER,   /* no delivery status notification, or of another mail
	                 */
};

struct bounce {
	enum bounce_code code;
	char report_id[BOUNCE_ID_MAX];
	int64_t delivery;           /* its number in the ledger */
	char note[BOUNCE_NOTE_MAX]; /* what was said, printable */
};

/* Reads a mail. */
void bounce_read(struct span message, struct bounce *out);

/*
 * Nothing is sent to the address from now on, for as long as the options say.
 * LEDGER_NONE: no report of ours that was handed over; else `noted` is what the
 * ledger has now, texts in `a`.
 */
enum ledger_step bounce_note(struct ledger *l, const struct bounce *b,
    int64_t now, struct arena *a, struct ledger_bounce *noted);

#endif
