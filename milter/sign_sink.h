/*
 * sign_sink.h - records what became of a message of our own: a log line and
 * counters, shared by the two processes of a daemon that verifies and signs.
 */
#ifndef AVOUCH_MILTER_SIGN_SINK_H
#define AVOUCH_MILTER_SIGN_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/span.h"
#include "sign/signer.h"

enum {
	SIGN_SINK_DOMAINS_MAX = 64, /* pairs of domain and cause that are
	                               counted separately; the rest is counted
	                               as "other" */
	SIGN_SINK_HOUR = 3600,      /* seconds between two log lines about the
	                               same domain and cause */
};

/* Before a process is forked.  False: `error` says why. */
bool sign_sink_open(struct buf *error);

/*
 * Logs and counts a message, any thread; `o` is NULL if there was no memory.
 * `refused`: it was deferred or refused.
 */
void sign_sink_put(
    const struct signer_outcome *o, struct span queue_id, bool refused);

/*
 * Counts `cause` (a constant) for a domain of ours.  True: it was not logged
 * within the last hour; `count` is how often it was counted in all.
 */
bool sign_sink_count_finding(
    struct span domain, const char *cause, int64_t now, uint64_t *count);

enum sign_dmarc { SIGN_DMARC_BOTH, SIGN_DMARC_ONE, SIGN_DMARC_NONE };

/* What a receiver will find: DMARC passes by SPF and DKIM, by one, by none. */
void sign_sink_count_dmarc(enum sign_dmarc by);

/* When this process last had a message of our own; 0: not since its start. */
int64_t sign_sink_last_message(void);

/* What is known of pauses between them (sign/pauses.h), for the page.  Only one
 * process calls it. */
void sign_sink_set_pauses(int64_t last, int64_t longest, bool is_silent);

/* The counters, for the page of metrics.h. */
void sign_sink_put_metrics(struct buf *page);

#endif
