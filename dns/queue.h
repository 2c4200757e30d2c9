/*
 * queue.h - the questions of one message, on their way to the source that all
 * messages share.
 *
 * A source over a source; every message has its own.  It holds the message to
 * a share, so that nothing a sender puts into one message can use up what the
 * checks of another one need:
 *
 *   - At most DNS_SHARE_MAX questions are with the source below at a time,
 *     fewer while that source is crowded.  The others wait here, in order.
 *   - A prefetched question does not wait.
 *   - When DNS_QUEUE_DEAD questions of a domain have failed without an answer
 *     from its servers, and none was answered, the other questions of this
 *     domain are not asked.
 *   - The questions of a message are repeated DNS_QUEUE_REPETITIONS times
 *     altogether.  Then it has no more of them, and those that are not answered
 *     fail at once.
 *   - When DNS_QUEUE_CROWDED questions have failed while the source below is
 *     crowded, all others fail at once: the message is deferred anyway.
 *
 * A question that fails here was not asked, or not as often as it should have
 * been.  It fails with DNS_ERROR_BUDGET, never with a failure of the domain.
 */
#ifndef AVOUCH_DNS_QUEUE_H
#define AVOUCH_DNS_QUEUE_H

#include <stdbool.h>

#include "dns/source.h"

enum {
	/* Labels of a domain whose failures are counted together.  Two of them
	 * may be a public suffix ("co.uk"): then other domains below it are
	 * cut off as well.  That defers messages; it never decides about
	 * them. */
	DNS_QUEUE_DOMAIN = 2,

	/* More than an honest message asks of one domain. */
	DNS_QUEUE_DEAD = 8,

	/* An honest message of a domain that answers has none. */
	DNS_QUEUE_CROWDED = 4,

	/* A question that nobody answers is repeated five times in 12 s, so 19
	 * such questions in one message get all their repetitions. A message
	 * with 32 is cut off after 4 s. */
	DNS_QUEUE_REPETITIONS = 96,
};

/* NULL: no memory.  `below` is not owned and must stay until the queue is
 * closed; the queue's memory stays until `below` has answered. */
struct dns_source *dns_queue_open(struct dns_source *below);

/*
 * The message's time is up: answers all who wait, here and below, and from now
 * on every question at once.  A question that was asked in time and that the
 * servers have not answered is DNS_ERROR_TIMEOUT.  It is DNS_ERROR_BUDGET if it
 * had to wait for its turn, if our own thread has not sent it yet, or while
 * the source below is crowded: then the delay was ours.
 */
void dns_queue_expire(struct dns_source *queue);

/* ---- for the source at the bottom, from its thread ---- */

struct dns_queue *dns_queue_ref(struct dns_queue *queue);

/* Takes NULL. */
void dns_queue_unref(struct dns_queue *queue);

/* The answers are not awaited any more: the queue has expired or was closed. */
bool dns_queue_has_ended(const struct dns_queue *queue);

/* Counts one repetition as `cost`; false: they are used up. */
bool dns_queue_repeat(struct dns_queue *queue, unsigned cost);

/* A question was accepted, which another thread is to send; it was sent. */
void dns_queue_accepted(struct dns_queue *queue);
void dns_queue_sent(struct dns_queue *queue);

#endif
