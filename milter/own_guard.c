#include "milter/own_guard.h"

#include <pthread.h>
#include <stdlib.h>

#include "dns/queue.h"
#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "milter/sign_sink.h"
#include "sign/guard.h"
#include "verify/dns_task.h"

enum { MEMORY = 1 << 20, QUESTIONS_MAX = 500 };

/* One check that waits for DNS. */
struct own_guard_task {
	struct own_guard_task *next;
	struct service_runtime *runtime; /* keeps the resolver open */
	struct arena *arena;
	struct guard_facts facts;
	struct guard_result result;
	struct dns_source *queue;
	struct dns_task *task;
	size_t known; /* index of the pair */
	int64_t until;
};

/* A pair of author and sender, identified by a hash.  Pairs with the same hash
 * share an entry. */
struct known_pair {
	uint64_t hash;
	int64_t judged; /* seconds since 1970; 0: never */
	enum guard_dmarc dmarc;
};

static struct {
	pthread_mutex_t lock;
	struct hash_secret secret;
	bool has_secret, closed;
	struct own_guard_task *tasks;
	size_t n_tasks;
	struct known_pair known[OWN_GUARD_KNOWN];
} guard = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- findings ---- */

static void
log_finding(struct span domain, const struct guard_finding *g, uint64_t count)
{
	struct log_line l;

	log_begin(&l, LOG_LEVEL_WARNING, "guard");
	log_span(&l, "domain", domain);
	log_text(&l, "cause", g->cause);
	log_number(&l, "count", (int64_t)count);
	log_text(&l, "text", g->text);
	log_end(&l);
}

static void
record_findings(struct span domain, const struct guard_finding *g, size_t n,
    bool is_flaw, int64_t now)
{
	uint64_t count;

	for (size_t i = 0; i < n; i++)
		if (sign_sink_count_finding(
			domain, g[i].cause, is_flaw, now, &count))
			log_finding(domain, &g[i], count);
}

static void
count_dmarc(enum guard_dmarc dmarc)
{
	switch (dmarc) {
	case GUARD_DMARC_BOTH:
		sign_sink_count_dmarc(SIGN_DMARC_BOTH);
		return;
	case GUARD_DMARC_ONE:
		sign_sink_count_dmarc(SIGN_DMARC_ONE);
		return;
	case GUARD_DMARC_NONE:
		sign_sink_count_dmarc(SIGN_DMARC_NONE);
		return;
	case GUARD_DMARC_UNKNOWN:
		return;
	}
}

/* ---- tasks ---- */

static void
task_free(struct own_guard_task *t)
{
	dns_task_free(t->task);
	if (t->queue != NULL)
		t->queue->close(t->queue);
	for (size_t i = 0; i < t->facts.n_keys; i++)
		private_key_unref(t->facts.keys[i]);
	arena_free(t->arena);
	service_unref(t->runtime);
	free(t);
}

static enum core_status
task_step(void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct own_guard_task *t = facts;

	return guard_check(&t->facts, questions, scratch, &t->result);
}

static void
copy_facts(struct own_guard_task *t, const struct signer_outcome *o,
    struct span helo, int64_t now)
{
	const struct conf *conf = t->runtime->conf;
	struct guard_facts *f = &t->facts;

	f->author = arena_copy(t->arena, o->author_domain);
	f->domain = arena_copy(t->arena, o->domain);
	f->by_list = o->by_list;
	f->sender = arena_copy(t->arena, o->sender);
	f->helo = arena_copy(t->arena, helo);
	f->now = now;
	for (size_t i = 0; i < o->n_keys; i++) {
		f->selectors[i] =
		    arena_copy(t->arena, span_str(o->keys[i]->selector));
		f->keys[i] = private_key_ref(o->keys[i]->key);
		f->n_keys++;
	}
	for (size_t i = 0; i < conf->sign.n_outgoing; i++)
		f->outgoing[f->n_outgoing++] = conf->sign.outgoing[i].ip;
}

/* Starts a check.  Returns NULL if memory ran out; a later message is then
 * checked instead. */
static struct own_guard_task *
task_new(const struct signer_outcome *o, struct span helo, int64_t now)
{
	struct own_guard_task *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->runtime = service_ref();
	t->arena = arena_new(MEMORY);
	t->queue = dns_queue_open(t->runtime->dns);
	t->until = clock_ms() + OWN_GUARD_WAIT_MS;
	if (t->arena != NULL && t->queue != NULL) {
		copy_facts(t, o, helo, now);
		if (!arena_has_failed(t->arena))
			t->task = dns_task_start(
			    t->queue, task_step, t, QUESTIONS_MAX, MEMORY);
	}
	if (t->task == NULL) {
		task_free(t);
		return NULL;
	}
	return t;
}

/* Returns the index of the pair, and sets `due` if the pair should be checked
 * now. */
static size_t
pair_look(const struct signer_outcome *o, int64_t now, bool *due,
    enum guard_dmarc *dmarc)
{
	struct known_pair *p;
	uint64_t hash;
	size_t at;

	if (!guard.has_secret)
		guard.secret = hash_secret_new();
	guard.has_secret = true;
	hash = hash_span(guard.secret, o->author_domain, 1) ^
	    hash_span(guard.secret, o->domain, 2) ^
	    hash_span(guard.secret,
		span_skip(o->sender, span_rindex(o->sender, '@')), 3);
	at = (size_t)(hash % OWN_GUARD_KNOWN);
	p = &guard.known[at];
	if (p->hash != hash)
		*p = (struct known_pair){ .hash = hash };
	*dmarc = p->dmarc;
	*due = !guard.closed && guard.n_tasks < OWN_GUARD_PENDING_MAX &&
	    (p->judged == 0 || now - p->judged >= OWN_GUARD_AGAIN_S ||
		now < p->judged);
	if (*due)
		p->judged = now;
	return at;
}

void
own_guard_message(
    const struct conf *conf, const struct signer_outcome *o, struct span helo)
{
	struct guard_finding found[GUARD_FINDINGS_MAX];
	int64_t now = clock_now().now;
	struct own_guard_task *t = NULL;
	enum guard_dmarc dmarc;
	size_t known;
	bool due;

	if (conf->sign.guard == CONF_GUARD_OFF ||
	    (o->result != SIGNER_SIGNED && o->result != SIGNER_KEPT))
		return;
	record_findings(o->domain, found,
	    guard_flaws(o->flaws, o->duplicate, found), true, now);
	pthread_mutex_lock(&guard.lock);
	known = pair_look(o, now, &due, &dmarc);
	pthread_mutex_unlock(&guard.lock);
	count_dmarc(dmarc);
	if (due)
		t = task_new(o, helo, now);
	if (t == NULL)
		return;
	t->known = known;
	pthread_mutex_lock(&guard.lock);
	if (!guard.closed) {
		t->next = guard.tasks;
		guard.tasks = t;
		guard.n_tasks++;
		t = NULL;
	}
	pthread_mutex_unlock(&guard.lock);
	if (t != NULL)
		task_free(t);
}

/* ---- processing answers ---- */

/* Unlinks the tasks that are done or have timed out, and returns them. */
static struct own_guard_task *
take_done(void)
{
	struct own_guard_task **at = &guard.tasks, *done = NULL;
	int64_t now = clock_ms();

	pthread_mutex_lock(&guard.lock);
	while (*at != NULL) {
		struct own_guard_task *t = *at;

		if (now < t->until && !dns_task_done_by(t->task, now)) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		t->next = done;
		done = t;
		guard.n_tasks--;
	}
	pthread_mutex_unlock(&guard.lock);
	return done;
}

static void
task_record(struct own_guard_task *t)
{
	struct guard_finding found[GUARD_FINDINGS_MAX];

	/* Report nothing unless all answers have arrived. */
	if (!dns_task_wait(t->task, clock_ms()))
		return;
	record_findings(t->facts.domain, found,
	    guard_findings(&t->facts, &t->result, found), false, t->facts.now);
	pthread_mutex_lock(&guard.lock);
	guard.known[t->known].dmarc = t->result.dmarc;
	pthread_mutex_unlock(&guard.lock);
}

void
own_guard_tick(void)
{
	struct own_guard_task *next;

	for (struct own_guard_task *t = take_done(); t != NULL; t = next) {
		next = t->next;
		task_record(t);
		task_free(t);
	}
}

void
own_guard_forget(void)
{
	pthread_mutex_lock(&guard.lock);
	for (size_t i = 0; i < OWN_GUARD_KNOWN; i++)
		guard.known[i].judged = 0;
	pthread_mutex_unlock(&guard.lock);
}

void
own_guard_close(void)
{
	struct own_guard_task *next, *t;

	pthread_mutex_lock(&guard.lock);
	guard.closed = true;
	t = guard.tasks;
	guard.tasks = NULL;
	guard.n_tasks = 0;
	pthread_mutex_unlock(&guard.lock);
	for (; t != NULL; t = next) {
		next = t->next;
		task_free(t);
	}
}
