/*
 * replay.h - applies another configuration to stored messages, and counts those
 * that it would treat differently, by domain and rule.
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
	REPLAY_CHANGES_MAX =
	    10000, /* distinct changes; further ones are only counted */
	REPLAY_MEMORY = 16 << 20, /* bytes for the strings of the changes */
};

struct replay_end {         /* the decision about a message */
	struct span action; /* "accept", "annotate", "quarantine", "reject",
	                       "tempfail" */
	struct span would;  /* the action without monitor mode and sampling */
	struct span rule;
};

/* Messages of one domain for which the decision changes in the same way. */
struct replay_change {
	struct span
	    domain; /* author domain, or domain of MAIL FROM; "<>": none */
	struct replay_end then, now;
	uint64_t messages;
};

struct replay_sum {
	uint64_t messages;   /* messages replayed */
	uint64_t otherwise;  /* those with a different action or `would` */
	uint64_t unchecked;  /* mail from our own users that was not checked
	                        then but would be now; its SPF, DKIM and DMARC
	                        results are unknown */
	uint64_t unlisted;   /* part of `otherwise`: not listed, because of
	                        REPLAY_CHANGES_MAX or lack of memory */
	int64_t first, last; /* days; -1: there are no messages */
};

struct replay;

/*
 * Takes a reference to `conf`.  Overrides that expired before `now` are
 * ignored.  Returns NULL if memory ran out.
 */
struct replay *replay_new(const struct conf *conf, int64_t now);
void replay_free(struct replay *r); /* accepts NULL */

/* Returns false if memory ran out. */
bool replay_add(struct replay *r, const struct ledger_replay_row *f);

struct replay_sum replay_sum(const struct replay *r);

/* Returns the changes, those with the most messages first.  They are valid
 * until the next replay_add(). */
const struct replay_change *replay_changes(struct replay *r, size_t *n);

#endif
