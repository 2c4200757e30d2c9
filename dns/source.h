/*
 * source.h - the interface of everything that answers DNS questions.
 *
 * Sources are stacked: a message's queue on top of the cache, the cache on top
 * of the resolver, sometimes a recorder in between.  In tests the source may be
 * a zone file, a recording, or a source that fails.
 */
#ifndef AVOUCH_DNS_SOURCE_H
#define AVOUCH_DNS_SOURCE_H

#include <stdbool.h>

#include "dns/answer.h"

struct dns_queue;

/* A caller that waits for one answer; embedded in one of its own structs. */
struct dns_wait {
	/*
	 * Called exactly once per ask(), from within it or later from any
	 * thread, while the source holds no lock.  To keep `answer`, call
	 * dns_answer_ref().
	 */
	void (*done)(struct dns_wait *wait, const struct dns_answer *answer);
	struct dns_wait *next; /* used by the source until done() is called */

	/*
	 * The queue of the message that asks (queue.h), set by that queue.
	 * NULL: the question does not belong to a message, has no limits, and
	 * is not dropped.
	 */
	struct dns_queue *queue;

	/*
	 * The answer may never be needed.  If the question would delay or
	 * displace another one, it is dropped, even after it was sent, and
	 * answered with DNS_ERROR_BUDGET.
	 */
	bool prefetch;
};

struct dns_source {
	/*
	 * `name` is in normal form (domain_normal()) and, like `wait`, must
	 * live until done() is called.  Never blocks.  done() is always called,
	 * at the latest when the source has used up its attempts (12 s) or is
	 * closed.
	 */
	void (*ask)(struct dns_source *source, struct span name,
	    enum dns_type type, struct dns_wait *wait);

	/* Answers all waiting callers with DNS_ERROR_RESOURCE and frees the
	 * source, but not the underlying source. */
	void (*close)(struct dns_source *source);

	/*
	 * Returns the number of unanswered questions that one message may have
	 * here; the source is crowded if this is less than DNS_SHARE_MAX.  A
	 * source whose `share` is NULL is never crowded.
	 */
	unsigned (*share)(struct dns_source *source);
};

enum {
	/* Normal messages rarely have more than a dozen unanswered questions at
	 * a time. */
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
