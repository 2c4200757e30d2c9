/*
 * sign_sink.h - records what happened to one of our own messages: writes a
 * log line and updates counters.  The two processes of a daemon that verifies
 * and signs share the counters.
 */
#ifndef AVOUCH_MILTER_SIGN_SINK_H
#define AVOUCH_MILTER_SIGN_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/span.h"
#include "sign/signer.h"

enum {
	SIGN_SINK_DOMAINS_MAX =
	    64, /* pairs of domain and cause that are counted separately; all
	           others are counted as "other" */
	SIGN_SINK_FLAWS_MAX = 32, /* such pairs for flaws in messages, so that
	                             they leave room for problems in DNS */
	SIGN_SINK_HOUR = 3600,    /* minimum seconds between two log lines about
	                             the same domain and cause */
	SIGN_SINK_MINUTE = 60, /* the same for a cause of all other domains */
};

/* Allocates the counters.  Call before forking.  Returns false on error, and
 * `error` says why. */
bool sign_sink_open(struct buf *error);

/*
 * Logs and counts a message.  May be called from any thread.  `o` is NULL if
 * memory ran out.  `refused`: the message was deferred or rejected.
 */
void sign_sink_put(
    const struct signer_outcome *o, struct span queue_id, bool refused);

/*
 * Counts `cause` (a constant) for a domain that signs (d=).  `is_flaw`: it is a
 * flaw in the message itself.  Returns true if the caller should log it,
 * because it was not logged within the last hour, or, for domains that are not
 * counted separately, within the last minute; `count` is then the total.
 */
bool sign_sink_count_finding(struct span domain, const char *cause,
    bool is_flaw, int64_t now, uint64_t *count);

enum sign_dmarc { SIGN_DMARC_BOTH, SIGN_DMARC_ONE, SIGN_DMARC_NONE };

/* Counts a message by how it will pass DMARC: with both SPF and DKIM, with one
 * of them, or with neither. */
void sign_sink_count_dmarc(enum sign_dmarc by);

/* Returns the time at which this process last handled one of our own messages,
 * in seconds since 1970; 0: not since it started. */
int64_t sign_sink_last_message(void);

/* Sets the metrics about pauses between our own messages (sign/pauses.h).  Only
 * one process calls it. */
void sign_sink_set_pauses(int64_t last, int64_t longest, bool is_silent);

/* Writes the counters to the metrics page (metrics.h). */
void sign_sink_put_metrics(struct buf *page);

#endif
