#include "dns/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/domain.h"
#include "lib/hash.h"

enum {
	/* Domains per message whose failures are counted.  The failures of
	 * further domains are bounded by the other limits. */
	DOMAINS_MAX = 16,
};

/* One question; freed when the underlying source has answered it. */
struct queued {
	struct dns_wait below; /* must be first; for the underlying source */
	struct dns_wait *wait; /* NULL: already answered */
	struct queued *next;
	uint64_t domain;
	enum dns_type type;
	bool delayed; /* it could not be sent immediately */
	struct span name;
	char text[];
};

struct queued_list {
	struct queued *first, **end;
	unsigned n;
};

struct dead_count {
	uint64_t domain;
	unsigned failures;
};

struct dns_queue {
	struct dns_source source; /* must be first */
	struct dns_source *source_below;

	/* Reference count: one for the owner, one for each question below, one
	 * for each of the queue's queries in the resolver. */
	atomic_uint refs;
	atomic_bool ended;
	atomic_uint repetitions;
	atomic_uint unsent; /* accepted by the resolver, but not sent yet */

	pthread_mutex_t lock; /* protects the members that follow */
	struct queued_list waiting;
	struct queued_list asked;
	struct dead_count domains[DOMAINS_MAX];
	size_t n_domains;
	unsigned crowded; /* questions that failed while the underlying source
	                     was crowded */
	bool sending;     /* a thread is in send_waiting(); it sends new
	                     questions too */
	pthread_cond_t sent;
};

/* ---- lists of questions ---- */

static void
list_init(struct queued_list *list)
{
	*list = (struct queued_list){ .end = &list->first };
}

static void
list_append(struct queued_list *list, struct queued *q)
{
	q->next = NULL;
	*list->end = q;
	list->end = &q->next;
	list->n++;
}

static void
list_remove(struct queued_list *list, struct queued *q)
{
	struct queued **at = &list->first;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	if (*at == NULL)
		list->end = at;
	list->n--;
}

/* ---- answers that do not come from the underlying source ---- */

/* Adds the caller of `q`, if it is still waiting, to a chain of callers that
 * get the same answer. */
static void
collect(struct dns_wait **chain, struct queued *q)
{
	struct dns_wait *wait = q->wait;

	if (wait == NULL)
		return;
	q->wait = NULL;
	wait->next = *chain;
	*chain = wait;
}

static void
answer_all(struct dns_wait *chain, enum dns_error fault)
{
	struct dns_wait *next;

	for (; chain != NULL; chain = next) {
		next = chain->next;
		chain->done(chain, dns_answer_failed(fault));
	}
}

static void
collect_waiting(struct dns_queue *queue, struct dns_wait **chain)
{
	struct queued *next;

	for (struct queued *q = queue->waiting.first; q != NULL; q = next) {
		next = q->next;
		collect(chain, q);
		free(q);
	}
	list_init(&queue->waiting);
}

/* ---- domains that do not answer ---- */

static uint64_t
domain_of(struct span name)
{
	/* at worst, a hash collision also cuts off another domain of the same
	 * message */
	static const struct hash_secret none = { 0, 0 };

	return hash_span(none, domain_suffix(name, DNS_QUEUE_DOMAIN), 0);
}

static struct dead_count *
find_count(struct dns_queue *queue, uint64_t domain)
{
	for (size_t i = 0; i < queue->n_domains; i++)
		if (queue->domains[i].domain == domain)
			return &queue->domains[i];
	return NULL;
}

static bool
is_dead(struct dns_queue *queue, uint64_t domain)
{
	const struct dead_count *d = find_count(queue, domain);

	return d != NULL && d->failures >= DNS_QUEUE_DEAD;
}

/* Whether the domain's servers probably did not answer. */
static bool
is_unanswered(const struct dns_wait *wait, const struct dns_answer *answer)
{
	if (answer->state != DNS_FAILED)
		return false;
	if (dns_error_is_ours(answer->fault))
		return !wait->prefetch; /* a prefetch was merely dropped */
	return answer->fault == DNS_ERROR_TIMEOUT ||
	    answer->fault == DNS_ERROR_SERVFAIL;
}

static void
collect_domain(
    struct dns_queue *queue, uint64_t domain, struct dns_wait **chain)
{
	struct queued_list all = queue->waiting;
	struct queued *next;

	list_init(&queue->waiting);
	for (struct queued *q = all.first; q != NULL; q = next) {
		next = q->next;
		if (q->domain != domain) {
			list_append(&queue->waiting, q);
			continue;
		}
		collect(chain, q);
		free(q);
	}
}

/* Records whether the domain's servers answered `q`.  Once the domain is dead
 * (is_dead()), its other questions will not be sent, so this moves their
 * callers to `chain`. */
static void
count_answer(struct dns_queue *queue, const struct queued *q,
    const struct dns_answer *answer, struct dns_wait **chain)
{
	struct dead_count *d = find_count(queue, q->domain);

	if (!is_unanswered(&q->below, answer)) {
		if (d != NULL && answer->state != DNS_FAILED)
			d->failures = 0;
		return;
	}
	if (d == NULL && queue->n_domains < DOMAINS_MAX) {
		d = &queue->domains[queue->n_domains++];
		*d = (struct dead_count){ .domain = q->domain };
	}
	if (d != NULL && ++d->failures == DNS_QUEUE_DEAD)
		collect_domain(queue, q->domain, chain);
}

/* ---- asking ---- */

static bool
is_full(const struct dns_queue *queue)
{
	return queue->asked.n >= dns_source_share(queue->source_below);
}

/* Sends waiting questions while there is room.  The caller must hold a
 * reference and the lock, which is released around each ask(). */
static void
send_waiting(struct dns_queue *queue)
{
	struct dns_source *below = queue->source_below;

	if (queue->sending)
		return;
	queue->sending = true;
	while (queue->waiting.first != NULL && !is_full(queue)) {
		struct queued *q = queue->waiting.first;

		list_remove(&queue->waiting, q);
		list_append(&queue->asked, q);
		dns_queue_ref(queue);
		pthread_mutex_unlock(&queue->lock);
		below->ask(below, q->name, q->type, &q->below);
		pthread_mutex_lock(&queue->lock);
	}
	queue->sending = false;
	if (atomic_load(&queue->ended))
		pthread_cond_broadcast(&queue->sent);
}

/* Ends the queue, and moves the callers of all unanswered questions, here and
 * below, to `chain`. */
static void
collect_all(struct dns_queue *queue, struct dns_wait **chain)
{
	atomic_store(&queue->ended, true);
	for (struct queued *q = queue->asked.first; q != NULL; q = q->next)
		collect(chain, q);
	collect_waiting(queue, chain);
}

/* Whether the message has used up its repetitions, or too many of its questions
 * failed while the underlying source was crowded. */
static bool
is_used_up(struct dns_queue *queue, const struct dns_wait *wait,
    const struct dns_answer *answer)
{
	if (atomic_load(&queue->repetitions) > DNS_QUEUE_REPETITIONS)
		return true;
	if (answer->state == DNS_FAILED &&
	    answer->fault == DNS_ERROR_RESOURCE && !wait->prefetch &&
	    dns_source_is_crowded(queue->source_below))
		queue->crowded++;
	return queue->crowded >= DNS_QUEUE_CROWDED;
}

/* Called when the underlying source has answered. */
static void
queue_answered(struct dns_wait *below, const struct dns_answer *answer)
{
	struct queued *q = (struct queued *)below;
	struct dns_queue *queue = below->queue;
	struct dns_wait *cut_off = NULL;
	struct dns_wait *wait;

	pthread_mutex_lock(&queue->lock);
	list_remove(&queue->asked, q);
	wait = q->wait;
	if (!atomic_load(&queue->ended)) {
		count_answer(queue, q, answer, &cut_off);
		if (is_used_up(queue, &q->below, answer))
			collect_all(queue, &cut_off);
		send_waiting(queue);
	}
	pthread_mutex_unlock(&queue->lock);
	if (wait != NULL)
		wait->done(wait, answer);
	answer_all(cut_off, DNS_ERROR_BUDGET);
	free(q);
	dns_queue_unref(queue);
}

static struct queued *
queued_new(struct dns_queue *queue, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct queued *q = calloc(1, sizeof(*q) + name.n);

	if (q == NULL)
		return NULL;
	memcpy(q->text, name.p, name.n);
	q->below = (struct dns_wait){
		.done = queue_answered,
		.queue = queue,
		.prefetch = wait->prefetch,
	};
	q->wait = wait;
	q->type = type;
	q->name = span_of(q->text, name.n);
	q->domain = domain_of(name);
	return q;
}

static void
queue_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct dns_queue *queue = (struct dns_queue *)source;
	struct queued *q = queued_new(queue, name, type, wait);
	bool accepted;

	if (q == NULL) {
		wait->done(wait, dns_answer_failed(DNS_ERROR_RESOURCE));
		return;
	}
	pthread_mutex_lock(&queue->lock);
	q->delayed = is_full(queue);
	accepted = !atomic_load(&queue->ended) && !is_dead(queue, q->domain) &&
	    !(q->delayed && wait->prefetch);
	if (accepted) {
		list_append(&queue->waiting, q);
		send_waiting(queue);
	}
	pthread_mutex_unlock(&queue->lock);
	if (!accepted) {
		free(q);
		wait->done(wait, dns_answer_failed(DNS_ERROR_BUDGET));
	}
}

/* ---- expiry and closing ---- */

void
dns_queue_expire(struct dns_source *source)
{
	struct dns_queue *queue = (struct dns_queue *)source;
	struct dns_wait *ours = NULL, *theirs = NULL;
	bool crowded;

	pthread_mutex_lock(&queue->lock);
	atomic_store(&queue->ended, true);
	crowded = atomic_load(&queue->unsent) > 0 ||
	    dns_source_is_crowded(queue->source_below);
	for (struct queued *q = queue->asked.first; q != NULL; q = q->next)
		collect(q->delayed || crowded ? &ours : &theirs, q);
	collect_waiting(queue, &ours);
	pthread_mutex_unlock(&queue->lock);
	answer_all(theirs, DNS_ERROR_TIMEOUT);
	answer_all(ours, DNS_ERROR_BUDGET);
}

static void
queue_close(struct dns_source *source)
{
	struct dns_queue *queue = (struct dns_queue *)source;
	struct dns_wait *chain = NULL;

	pthread_mutex_lock(&queue->lock);
	collect_all(queue, &chain);
	/* the caller may close the underlying source next */
	while (queue->sending)
		pthread_cond_wait(&queue->sent, &queue->lock);
	pthread_mutex_unlock(&queue->lock);
	answer_all(chain, DNS_ERROR_RESOURCE);
	dns_queue_unref(queue);
}

static unsigned
queue_share(struct dns_source *source)
{
	const struct dns_queue *queue = (const struct dns_queue *)source;

	return dns_source_share(queue->source_below);
}

struct dns_source *
dns_queue_open(struct dns_source *below)
{
	struct dns_queue *queue = calloc(1, sizeof(*queue));

	if (queue == NULL)
		return NULL;
	if (pthread_mutex_init(&queue->lock, NULL) != 0) {
		free(queue);
		return NULL;
	}
	if (pthread_cond_init(&queue->sent, NULL) != 0) {
		pthread_mutex_destroy(&queue->lock);
		free(queue);
		return NULL;
	}
	queue->source = (struct dns_source){
		.ask = queue_ask,
		.close = queue_close,
		.share = queue_share,
	};
	queue->source_below = below;
	atomic_init(&queue->refs, 1);
	list_init(&queue->waiting);
	list_init(&queue->asked);
	return &queue->source;
}

/* ---- functions for the source at the bottom ---- */

struct dns_queue *
dns_queue_ref(struct dns_queue *queue)
{
	atomic_fetch_add_explicit(&queue->refs, 1, memory_order_relaxed);
	return queue;
}

void
dns_queue_unref(struct dns_queue *queue)
{
	if (queue == NULL ||
	    atomic_fetch_sub_explicit(&queue->refs, 1, memory_order_acq_rel) !=
		1)
		return;
	pthread_cond_destroy(&queue->sent);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

bool
dns_queue_has_ended(const struct dns_queue *queue)
{
	return atomic_load(&queue->ended);
}

bool
dns_queue_repeat(struct dns_queue *queue, unsigned cost)
{
	return atomic_fetch_add(&queue->repetitions, cost) + cost <=
	    DNS_QUEUE_REPETITIONS;
}

void
dns_queue_accepted(struct dns_queue *queue)
{
	atomic_fetch_add(&queue->unsent, 1);
}

void
dns_queue_sent(struct dns_queue *queue)
{
	atomic_fetch_sub(&queue->unsent, 1);
}
