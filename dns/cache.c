#include "dns/cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "dns/queue.h"
#include "lib/hash.h"

enum {
	SHARDS = 16,             /* a power of two */
	SHARD_BYTES_MIN = 16384, /* bytes; a smaller shard would be useless */
	BYTES_A_SLOT = 512,      /* bytes; the usual size of an entry */
	ALLOCATOR = 32,          /* bytes of malloc overhead for two blocks */
	/* OpenSSL uses 1.7 kB for a 1024-bit RSA key, whose record has 220
	 * bytes, and 9.3 kB for a 16384-bit key, whose record has 2800. */
	KEY_BYTES = 1024,
	KEY_FACTOR = 3,
	MS = 1000,
};

/* One question with its answer, the callers that wait for it, or both. */
struct cache_entry {
	struct dns_wait below; /* must be first; for the underlying source */
	struct cache *cache;
	struct cache_entry *chain;
	struct cache_entry *newer, *older; /* LRU; unused while `asked` */
	uint64_t hash;
	enum dns_type type;
	struct span name;
	const struct dns_answer *answer; /* NULL: none yet */
	int64_t expires;                 /* milliseconds of options.clock() */
	size_t bytes;                    /* counted in the shard's total */
	struct dns_wait *first, **last;  /* list of waiting callers */
	unsigned waits; /* callers that have joined the pending question */
	bool asked;     /* the question was sent to the underlying source */
	bool forgotten; /* remove it when the answer arrives */
	char text[];
};

struct cache_shard {
	pthread_mutex_t lock;
	struct cache_entry **slots;
	size_t n_slots; /* a power of two */
	struct cache_entry *newest, *oldest;
	struct dns_cache_counts counts;
};

struct cache {
	struct dns_source source; /* must be first */
	struct dns_source *source_below;
	struct dns_cache_options options;
	struct hash_secret secret;
	size_t shard_bytes;
	/* Reference count: one for the owner, and one for each question sent to
	 * the underlying source, which may answer after the cache has been
	 * closed.
	 */
	atomic_size_t users;
	atomic_bool closed;
	struct cache_shard shards[SHARDS];
};

static void cache_on_answer(
    struct dns_wait *wait, const struct dns_answer *answer);

/* ---- entries; the caller must lock their shard ---- */

static struct cache_shard *
shard_of(struct cache *c, uint64_t hash)
{
	return &c->shards[hash % SHARDS];
}

static struct cache_entry **
slot_of(struct cache_shard *s, uint64_t hash)
{
	return &s->slots[hash / SHARDS & (s->n_slots - 1)];
}

static struct cache_entry *
cache_find(
    struct cache_shard *s, uint64_t hash, struct span name, enum dns_type type)
{
	struct cache_entry *e = *slot_of(s, hash);

	while (e != NULL &&
	    (e->hash != hash || e->type != type || !span_equal(e->name, name)))
		e = e->chain;
	return e;
}

static void
lru_remove(struct cache_shard *s, struct cache_entry *e)
{
	if (e->newer != NULL)
		e->newer->older = e->older;
	else
		s->newest = e->older;
	if (e->older != NULL)
		e->older->newer = e->newer;
	else
		s->oldest = e->newer;
}

static void
lru_add(struct cache_shard *s, struct cache_entry *e)
{
	e->newer = NULL;
	e->older = s->newest;
	if (s->newest != NULL)
		s->newest->newer = e;
	else
		s->oldest = e;
	s->newest = e;
}

/* Removes `e` from the table and the counts; the caller removes it from the LRU
 * list and frees it. */
static void
unlink_entry(struct cache_shard *s, struct cache_entry *e)
{
	struct cache_entry **at = slot_of(s, e->hash);

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	s->counts.entries--;
	s->counts.bytes -= e->bytes;
}

static void
free_entry(struct cache_entry *e)
{
	if (e->answer != NULL)
		dns_answer_unref(e->answer);
	free(e);
}

static bool
is_key(const struct cache_entry *e)
{
	static const char part[] = "._domainkey.";

	return e->type == DNS_TXT && e->answer != NULL &&
	    e->answer->state == DNS_FOUND &&
	    memmem(e->name.p, e->name.n, part, sizeof(part) - 1) != NULL;
}

size_t
dns_cache_key_bytes(const struct dns_answer *a)
{
	return KEY_BYTES * a->n_records + KEY_FACTOR * dns_answer_memory(a);
}

/* Recounts the memory of `e`: entry, answer and parsed keys. */
static void
count_bytes(struct cache_shard *s, struct cache_entry *e)
{
	size_t bytes = sizeof(*e) + e->name.n + ALLOCATOR;

	if (e->answer != NULL)
		bytes += dns_answer_memory(e->answer);
	if (is_key(e))
		bytes += dns_cache_key_bytes(e->answer);
	s->counts.bytes += bytes - e->bytes;
	e->bytes = bytes;
}

/* Removes the least recently used entries until `more` bytes fit.  Returns
 * false if they do not fit even then. */
static bool
make_room(struct cache *c, struct cache_shard *s, size_t more)
{
	while (s->counts.bytes > c->shard_bytes ||
	    more > c->shard_bytes - s->counts.bytes) {
		struct cache_entry *e = s->oldest;

		if (e == NULL)
			return false;
		lru_remove(s, e);
		unlink_entry(s, e);
		free_entry(e);
		s->counts.evicted++;
	}
	return true;
}

static struct cache_entry *
new_entry(struct cache *c, struct cache_shard *s, uint64_t hash,
    struct span name, enum dns_type type)
{
	struct cache_entry *e;

	if (!make_room(c, s, sizeof(*e) + name.n + ALLOCATOR))
		return NULL;
	e = calloc(1, sizeof(*e) + name.n);
	if (e == NULL)
		return NULL;
	memcpy(e->text, name.p, name.n);
	e->cache = c;
	e->hash = hash;
	e->type = type;
	e->name = span_of(e->text, name.n);
	e->chain = *slot_of(s, hash);
	*slot_of(s, hash) = e;
	s->counts.entries++;
	count_bytes(s, e);
	lru_add(s, e);
	return e;
}

/* ---- answers ---- */

static int64_t
ttl_ms(const struct dns_answer *a, uint32_t max)
{
	return (int64_t)(a->ttl < max ? a->ttl : max) * MS;
}

/* Returns the milliseconds for which an answer may be cached; 0 if it must not
 * be. */
static int64_t
lifetime(const struct dns_answer *a)
{
	switch (a->state) {
	case DNS_FOUND:
		return ttl_ms(a, DNS_CACHE_TTL_MAX);
	case DNS_NODATA: /* RFC 2308 section 5 */
	case DNS_NXDOMAIN:
		return ttl_ms(a, DNS_CACHE_NEGATIVE_MAX);
	case DNS_FAILED: /* RFC 2308 section 7; failures caused by our own
	                    limits are not cached */
		return a->fault == DNS_ERROR_BUDGET ||
			a->fault == DNS_ERROR_RESOURCE
		    ? 0
		    : (int64_t)DNS_CACHE_FAILURE * MS;
	case DNS_PENDING:
	case DNS_BADNAME:
		break;
	}
	return 0;
}

static void
cache_release(struct cache *c)
{
	if (atomic_fetch_sub(&c->users, 1) != 1)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		pthread_mutex_destroy(&c->shards[i].lock);
		free(c->shards[i].slots);
	}
	free(c);
}

static void
cache_answer_all(struct dns_wait *first, const struct dns_answer *answer)
{
	struct dns_wait *next;

	for (struct dns_wait *w = first; w != NULL; w = next) {
		next = w->next;
		w->done(w, answer);
	}
}

/* ---- questions that were refused by the underlying source ---- */

/* Whether `w` would be refused for the same reason as the caller for which the
 * question of `e` was sent. */
static bool
is_refused_too(const struct cache_entry *e, const struct dns_wait *w)
{
	if (w->queue != NULL && dns_queue_has_ended(w->queue))
		return true;
	return e->below.prefetch ? w->prefetch : w->queue == e->below.queue;
}

static struct dns_wait *
take_all(struct cache_entry *e)
{
	struct dns_wait *all = e->first;

	e->first = NULL;
	e->last = &e->first;
	return all;
}

/*
 * Removes from `e` the callers that are refused, and returns them.  If others
 * remain, the question must be sent again on behalf of the first of them: the
 * fact that one message has used up its share says nothing about the name.
 */
static struct dns_wait *
take_refused(struct cache_entry *e)
{
	struct dns_wait *all = take_all(e);
	struct dns_wait *refused = NULL, *next;

	for (struct dns_wait *w = all; w != NULL; w = next) {
		next = w->next;
		w->next = NULL;
		if (is_refused_too(e, w)) {
			w->next = refused;
			refused = w;
		} else {
			*e->last = w;
			e->last = &w->next;
		}
	}
	return refused;
}

static void
ask_below(struct cache_entry *e)
{
	struct dns_source *below = e->cache->source_below;

	below->ask(below, e->name, e->type, &e->below);
}

/* Sets the message for which the question of `e` is sent. */
static void
set_asker(struct cache_entry *e, const struct dns_wait *w)
{
	e->below = (struct dns_wait){
		.done = cache_on_answer,
		.queue = w->queue,
		.prefetch = w->prefetch,
	};
}

/* ---- answers from below ---- */

static void
finish_question(struct cache_shard *s, struct cache_entry *e,
    const struct dns_answer *answer)
{
	struct cache *c = e->cache;
	int64_t kept = lifetime(answer);

	e->asked = false;
	e->expires = c->options.clock() + kept;
	if (e->answer != NULL)
		dns_answer_unref(e->answer);
	e->answer = dns_answer_ref(answer);
	if (kept == 0 || atomic_load(&c->closed))
		e->forgotten = true;
	count_bytes(s, e);
	lru_add(s, e);
	if (e->forgotten) {
		lru_remove(s, e);
		unlink_entry(s, e);
		free_entry(e);
	}
	make_room(c, s, 0);
}

static bool
is_refusal(const struct dns_answer *answer)
{
	return answer->state == DNS_FAILED && answer->fault == DNS_ERROR_BUDGET;
}

static void
cache_on_answer(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct cache_entry *e = (struct cache_entry *)wait;
	struct cache *c = e->cache;
	struct cache_shard *s = shard_of(c, e->hash);
	struct dns_queue *asker = NULL;
	struct dns_wait *first;
	bool again;

	pthread_mutex_lock(&s->lock);
	first = is_refusal(answer) ? take_refused(e) : take_all(e);
	again = e->first != NULL;
	if (again) {
		set_asker(e, e->first);
		/* another thread may close the cache, which answers e->first */
		if (e->below.queue != NULL)
			asker = dns_queue_ref(e->below.queue);
	} else {
		finish_question(s, e, answer);
	}
	pthread_mutex_unlock(&s->lock);
	cache_answer_all(first, answer);
	if (again)
		ask_below(e);
	else
		cache_release(c);
	dns_queue_unref(asker);
}

/* Returns a reference to an answer, or NULL if `wait` will be answered later.
 * Sets `send` to the entry if its question must be sent. */
static const struct dns_answer *
cache_look_up(struct cache *c, struct cache_shard *s, uint64_t hash,
    struct span name, enum dns_type type, struct dns_wait *wait,
    struct cache_entry **send)
{
	struct cache_entry *e = cache_find(s, hash, name, type);

	if (e != NULL && e->asked && e->waits == DNS_CACHE_WAITS_MAX)
		return dns_answer_failed(DNS_ERROR_RESOURCE);
	if (e != NULL && e->asked) {
		e->waits++;
		s->counts.joined++;
		*e->last = wait;
		e->last = &wait->next;
		return NULL;
	}
	if (e != NULL && c->options.clock() < e->expires) {
		s->counts.hits++;
		lru_remove(s, e);
		lru_add(s, e);
		return dns_answer_ref(e->answer);
	}
	s->counts.misses++;
	if (e == NULL)
		e = new_entry(c, s, hash, name, type);
	if (e == NULL)
		return dns_answer_failed(DNS_ERROR_RESOURCE);
	lru_remove(s, e);
	e->asked = true;
	e->waits = 1;
	e->forgotten = false;
	e->first = wait;
	e->last = &wait->next;
	set_asker(e, wait);
	*send = e;
	return NULL;
}

static void
cache_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct cache *c = (struct cache *)source;
	uint64_t hash = hash_span(c->secret, name, type);
	struct cache_shard *s = shard_of(c, hash);
	const struct dns_answer *answer;
	struct cache_entry *send = NULL;

	wait->next = NULL;
	pthread_mutex_lock(&s->lock);
	answer = cache_look_up(c, s, hash, name, type, wait, &send);
	pthread_mutex_unlock(&s->lock);
	if (send != NULL) {
		atomic_fetch_add(&c->users, 1);
		ask_below(send);
	} else if (answer != NULL) {
		wait->done(wait, answer);
		dns_answer_unref(answer);
	}
}

/* ---- the cache ---- */

/* Removes all entries; those with a pending question are only marked.  Moves
 * their callers to the list that ends at `*waiting` unless `waiting` is
 * NULL. */
static void
cache_remove_all(struct cache_shard *s, struct dns_wait ***waiting)
{
	pthread_mutex_lock(&s->lock);
	while (s->oldest != NULL) {
		struct cache_entry *e = s->oldest;

		lru_remove(s, e);
		unlink_entry(s, e);
		free_entry(e);
	}
	for (size_t i = 0; i < s->n_slots; i++) {
		for (struct cache_entry *e = s->slots[i]; e != NULL;
		     e = e->chain) {
			e->forgotten = true;
			if (waiting == NULL || e->first == NULL)
				continue;
			**waiting = e->first;
			*waiting = e->last;
			e->first = NULL;
			e->last = &e->first;
		}
	}
	pthread_mutex_unlock(&s->lock);
}

static void
cache_close(struct dns_source *source)
{
	struct cache *c = (struct cache *)source;

	atomic_store(&c->closed, true);
	for (size_t i = 0; i < SHARDS; i++) {
		struct dns_wait *first = NULL;
		struct dns_wait **end = &first;

		cache_remove_all(&c->shards[i], &end);
		cache_answer_all(first, dns_answer_failed(DNS_ERROR_RESOURCE));
	}
	cache_release(c);
}

static unsigned
cache_share(struct dns_source *source)
{
	const struct cache *c = (const struct cache *)source;

	return dns_source_share(c->source_below);
}

void
dns_cache_counts(struct dns_source *source, struct dns_cache_counts *out)
{
	struct cache *c = (struct cache *)source;

	*out = (struct dns_cache_counts){ 0 };
	for (size_t i = 0; i < SHARDS; i++) {
		struct cache_shard *s = &c->shards[i];

		pthread_mutex_lock(&s->lock);
		out->hits += s->counts.hits;
		out->misses += s->counts.misses;
		out->joined += s->counts.joined;
		out->evicted += s->counts.evicted;
		out->entries += s->counts.entries;
		out->bytes += s->counts.bytes;
		pthread_mutex_unlock(&s->lock);
	}
}

static void
set_options(struct cache *c, const struct dns_cache_options *o)
{
	struct dns_cache_options *to = &c->options;

	*to = *o;
	if (to->clock == NULL)
		to->clock = clock_ms;
	c->shard_bytes = to->bytes / SHARDS;
	if (c->shard_bytes < SHARD_BYTES_MIN)
		c->shard_bytes = SHARD_BYTES_MIN;
}

struct dns_source *
dns_cache_open(const struct dns_cache_options *o, struct dns_source *below)
{
	struct cache *c = calloc(1, sizeof(*c));
	bool ok = c != NULL;
	size_t n = 1;

	if (c == NULL)
		return NULL;
	c->source = (struct dns_source){
		.ask = cache_ask,
		.close = cache_close,
		.share = cache_share,
	};
	c->source_below = below;
	c->secret = hash_secret_new();
	atomic_init(&c->users, 1);
	atomic_init(&c->closed, false);
	set_options(c, o);
	while (n < c->shard_bytes / BYTES_A_SLOT)
		n *= 2;
	for (size_t i = 0; i < SHARDS; i++) {
		struct cache_shard *s = &c->shards[i];

		pthread_mutex_init(&s->lock, NULL);
		s->slots = calloc(n, sizeof(struct cache_entry *));
		s->n_slots = n;
		s->counts.bytes = n * sizeof(struct cache_entry *);
		ok = ok && s->slots != NULL;
	}
	if (ok)
		return &c->source;
	cache_release(c);
	return NULL;
}
