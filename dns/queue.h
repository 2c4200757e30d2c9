/*
 * queue.h - limits the DNS questions that one message sends to the source that
 * all messages share.
 *
 * A queue is a source on top of another source; every message has its own.  It
 * limits the message to a share, so that nothing a sender puts into one message
 * can use up the resources that other messages need:
 *
 *   - At most DNS_SHARE_MAX questions are pending in the underlying source at a
 *     time, fewer while that source is crowded.  The others wait here in order.
 *   - A prefetched question fails instead of waiting.
 *   - When DNS_QUEUE_DEAD questions about a domain have failed without an
 *     answer from its servers, and none was answered, the other questions about
 *     this domain are not asked.
 *   - The questions of a message may be repeated at most DNS_QUEUE_REPETITIONS
 *     times in total.  After that, all unanswered questions fail immediately.
 *   - After DNS_QUEUE_CROWDED questions have failed while the underlying
 *     source was crowded, all others fail immediately: the message is deferred
 *     anyway.
 *
 * A question that fails here was not sent, or not repeated as often as it
 * should have been.  It fails with DNS_ERROR_BUDGET, never with an error that
 * blames the domain.
 */
#ifndef AVOUCH_DNS_QUEUE_H
#define AVOUCH_DNS_QUEUE_H

#include <stdbool.h>

#include "dns/source.h"

enum {
	/* Failures are counted per domain of this many labels.  Two labels may
	 * be a public suffix ("co.uk"), so other domains below the suffix may
	 * be cut off too.  That defers messages, but never changes a result. */
	DNS_QUEUE_DOMAIN = 2,

	/* More questions than a legitimate message asks about one domain. */
	DNS_QUEUE_DEAD = 8,

	/* Questions that failed while the underlying source was crowded.  A
	 * legitimate message from a domain that answers has none. */
	DNS_QUEUE_CROWDED = 4,

	/* A question that no server answers is repeated five times in 12 s, so
	 * 19 such questions in one message get all their repetitions.  A
	 * message with 32 of them is cut off after 4 s. */
	DNS_QUEUE_REPETITIONS = 96,
};

/* Returns NULL if memory ran out.  `below` is not owned and must stay open
 * until the queue is closed; the queue's memory is freed when `below` has
 * answered all questions. */
struct dns_source *dns_queue_open(struct dns_source *below);

/*
 * Call this when the message's time is up.  All waiting questions, here and
 * below, fail immediately, and so do later ones.  A question that was sent in
 * time fails with DNS_ERROR_TIMEOUT.  A question fails with DNS_ERROR_BUDGET if
 * it had to wait for its turn, if our own thread has not sent it yet, or if the
 * source below is crowded, because then the delay is our own.
 */
void dns_queue_expire(struct dns_source *queue);

/* ---- for the source at the bottom, which calls these from its thread ---- */

struct dns_queue *dns_queue_ref(struct dns_queue *queue);

/* Accepts NULL. */
void dns_queue_unref(struct dns_queue *queue);

/* Whether the queue has expired or has been closed, so that it needs no more
 * answers. */
bool dns_queue_has_ended(const struct dns_queue *queue);

/* Subtracts the `cost` of one repetition from the repetitions that are left.
 * Returns false if too few are left. */
bool dns_queue_repeat(struct dns_queue *queue, unsigned cost);

/* dns_queue_accepted() counts a question that another thread will send;
 * dns_queue_sent() counts it as sent. */
void dns_queue_accepted(struct dns_queue *queue);
void dns_queue_sent(struct dns_queue *queue);

#endif
