/*
 * replay.h - stored messages decided again under another configuration: which
 * would fare otherwise, by domain and rule.
 */
#ifndef AVOUCH_REPORT_REPLAY_H
#define AVOUCH_REPORT_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"
#include "report/ledger.h"
#include "verify/conf.h"

enum {
	REPLAY_CHANGES_MAX = 10000, /* told apart; the others are counted */
	REPLAY_MEMORY = 16 << 20,   /* bytes of their texts */
};

struct replay_end {         /* what becomes of a message */
	struct span action; /* "accept", "annotate", "quarantine", "reject",
	                       "tempfail" */
	struct span would;  /* the same without monitor mode and sample */
	struct span rule;
};

/* Messages of one domain that fare otherwise in the same way. */
struct replay_change {
	struct span domain; /* the author's, or of MAIL FROM; "<>": none */
	struct replay_end then, now;
	uint64_t messages;
};

struct replay_sum {
	uint64_t messages;   /* decided again */
	uint64_t otherwise;  /* with another action, or another `would` */
	uint64_t unchecked;  /* own users then, and not now: what SPF, DKIM and
	                        DMARC would have said of them is not known */
	uint64_t untold;     /* of `otherwise`: over REPLAY_CHANGES_MAX */
	int64_t first, last; /* days; -1: there are no messages */
};

struct replay;

/*
 * Under `conf` (held), as of `now`: overrides that have expired by then decide
 * nothing.  NULL: no memory.
 */
struct replay *replay_new(const struct conf *conf, int64_t now);
void replay_free(struct replay *r); /* takes NULL */

/* False: no memory. */
bool replay_add(struct replay *r, const struct ledger_replay_row *f);

struct replay_sum replay_sum(const struct replay *r);

/* Most messages first; until the next replay_add(). */
const struct replay_change *replay_changes(struct replay *r, size_t *n);

#endif
