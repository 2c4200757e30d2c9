/*
 * source.h - where answers come from: a small table of functions.
 *
 * Sources stack: the queue of a message over the cache, the cache over the
 * resolver; a recorder in between; in tests a zone file, a recording, a
 * failure.
 */
#ifndef AVOUCH_DNS_SOURCE_H
#define AVOUCH_DNS_SOURCE_H

#include <stdbool.h>

#include "dns/answer.h"

struct dns_queue;

/* A wait for one answer; embedded in a struct of the asker. */
struct dns_wait {
	/*
	 * Called exactly once for each ask, from within ask() or later from
	 * any thread, with no lock of the source held.  To keep `answer`,
	 * call dns_answer_ref().
	 */
	void (*done)(struct dns_wait *wait, const struct dns_answer *answer);
	struct dns_wait *next; /* for the source, until done() is called */

	/*
	 * The message that asks, set by its queue (queue.h).  NULL: the
	 * question belongs to no message; it has no limits and is not dropped.
	 */
	struct dns_queue *queue;

	/*
	 * The answer may never be needed.  If the question would delay or
	 * displace another one, it is not asked, or no longer waited for, and
	 * answered with DNS_ERROR_BUDGET.
	 */
	bool prefetch;
};

struct dns_source {
	/*
	 * `name` is in normal form (domain_normal()) and, like `wait`, must
	 * live until done() is called.  Never blocks.  done() is always called:
	 * at the latest when the source has used up its attempts (12 s) or is
	 * closed.
	 */
	void (*ask)(struct dns_source *source, struct span name,
	    enum dns_type type, struct dns_wait *wait);

	/* Answers all waits with DNS_ERROR_RESOURCE and frees the source, but
	 * not the source below it. */
	void (*close)(struct dns_source *source);

	/*
	 * The number of unanswered questions that one message may have here.
	 * Fewer than DNS_SHARE_MAX: the source is crowded.  NULL: it never is.
	 */
	unsigned (*share)(struct dns_source *source);
};

enum {
	/* Normal messages rarely have more than a dozen at a time. */
	DNS_SHARE_MAX = 32,
};

static inline unsigned
dns_source_share(struct dns_source *source)
{
	return source->share != NULL ? source->share(source) : DNS_SHARE_MAX;
}

static inline bool
dns_source_is_crowded(struct dns_source *source)
{
	return dns_source_share(source) < DNS_SHARE_MAX;
}

#endif
