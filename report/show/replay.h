/*
 * replay.h - decides stored messages again under another configuration: which
 * would be treated differently, by domain and rule.
 */
#ifndef AVOUCH_REPORT_SHOW_REPLAY_H
#define AVOUCH_REPORT_SHOW_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"
#include "report/store/query.h"
#include "conf/conf.h"

enum {
	REPLAY_CHANGES_MAX = 10000, /* different changes; further ones are
	                               only counted */
	REPLAY_MEMORY = 16 << 20,   /* bytes, for their texts */
};

struct replay_end {         /* the decision about a message */
	struct span action; /* "accept", "annotate", "quarantine", "reject",
	                       "tempfail" */
	struct span would;  /* the action without monitor mode and sample */
	struct span rule;
};

/* Messages of one domain whose decision changes in the same way. */
struct replay_change {
	struct span domain; /* author domain, or that of MAIL FROM; "<>":
	                       none */
	struct replay_end then, now;
	uint64_t messages;
};

struct replay_sum {
	uint64_t messages;   /* decided again */
	uint64_t otherwise;  /* with another action or another `would` */
	uint64_t unchecked;  /* mail of own users then, but not now: its SPF,
	                        DKIM and DMARC results are not known */
	uint64_t untold;     /* part of `otherwise`: more changes than
	                        REPLAY_CHANGES_MAX */
	int64_t first, last; /* days; -1: there are no messages */
};

struct replay;

/*
 * Takes a reference on `conf`.  `now` decides which overrides have expired.
 * NULL: out of memory.
 */
struct replay *replay_new(const struct conf *conf, int64_t now);
void replay_free(struct replay *r); /* takes NULL */

/* False: out of memory. */
bool replay_add(struct replay *r, const struct ledger_replay_row *f);

struct replay_sum replay_sum(const struct replay *r);

/* Most messages first.  Valid until the next replay_add(). */
const struct replay_change *replay_changes(struct replay *r, size_t *n);

#endif
