#include "dns/questions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/ascii.h"
#include "lib/domain.h"

enum {
	/* Upper limit on the size of a question and its name, in bytes. */
	QUESTION_MEMORY = 512,
	/* Bytes of scratch memory to convert one name to normal form. */
	NORMAL_MEMORY = 16384,
	/* Average length of a hash chain if `max_questions` are recorded, which
	 * is rare. */
	CHAIN_MOST = 8,
	SLOTS_LEAST = 16,
	/* Maximum length of a name before normalization, in bytes.  A valid
	 * name in UTF-8 may be longer than DOMAIN_MAX, but not longer than
	 * this. */
	GIVEN_MAX = 1024,
};

struct question_entry {
	struct dns_question q; /* must be first: dns_questions_set_answer()
	                          casts from `q` to the entry */
	struct question_entry *chain; /* next entry with the same hash */
	bool needed;  /* asked by dns_ask(), not only by dns_prefetch() */
	bool dropped; /* a prefetch that failed because of our own limits; it
	                 is sent again if it is needed */
};

struct dns_questions {
	struct arena *lasting;
	struct arena *scratch;
	void *driver;
	size_t max;             /* limit on `needed` */
	size_t needed;          /* questions asked by dns_ask() */
	size_t prefetched;      /* questions asked only by dns_prefetch() */
	size_t pending;         /* unanswered questions */
	size_t required;        /* unanswered questions asked by dns_ask() */
	enum dns_error expired; /* as set by dns_questions_expire(), or none */
	bool budget_exceeded;   /* a dns_ask() call failed because of our own
	                           limits */
	struct dns_question *first;
	struct dns_question *last;
	struct dns_question *unsent; /* all earlier questions were sent or
	                                answered */
	size_t mask; /* number of `slots` (a power of two) minus one */
	struct question_entry **slots;
};

struct dns_questions *
dns_questions_new(size_t max_questions)
{
	struct dns_questions *t;
	size_t slots = SLOTS_LEAST;

	if (max_questions > SIZE_MAX / QUESTION_MEMORY / 4)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	while (slots < max_questions / CHAIN_MOST)
		slots *= 2;
	t->max = max_questions;
	t->mask = slots - 1;
	t->slots = calloc(slots, sizeof(struct question_entry *));
	t->lasting = arena_new((max_questions + 1) * 2 * QUESTION_MEMORY);
	t->scratch = arena_new(NORMAL_MEMORY);
	if (t->slots == NULL || t->lasting == NULL || t->scratch == NULL) {
		dns_questions_free(t);
		return NULL;
	}
	return t;
}

void
dns_questions_free(struct dns_questions *questions)
{
	if (questions == NULL)
		return;
	for (struct dns_question *q = questions->first; q != NULL; q = q->next)
		dns_answer_unref(q->answer);
	arena_free(questions->lasting);
	arena_free(questions->scratch);
	free(questions->slots);
	free(questions);
}

static size_t
hash_question(
    const struct dns_questions *questions, struct span name, enum dns_type type)
{
	/* There are too few questions for collisions to matter. */
	size_t hash = type;

	for (size_t i = 0; i < name.n; i++)
		hash = hash * 31 + (unsigned char)name.p[i];
	return hash & questions->mask;
}

static struct question_entry *
find_question(
    const struct dns_questions *questions, struct span name, enum dns_type type)
{
	struct question_entry *n =
	    questions->slots[hash_question(questions, name, type)];

	while (n != NULL && (n->q.type != type || !span_equal(n->q.name, name)))
		n = n->chain;
	return n;
}

/*
 * Finds a question without IDNA conversion if `name` differs from the normal
 * form only in case and the final dot.  This saves time, because cores run
 * repeatedly, and their names are nearly always ASCII.
 */
static struct question_entry *
find_ascii_name(
    const struct dns_questions *questions, struct span name, enum dns_type type)
{
	char lower[DOMAIN_MAX] = "";

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n > sizeof(lower))
		return NULL;
	for (size_t i = 0; i < name.n; i++)
		lower[i] = (char)ascii_lower((unsigned char)name.p[i]);
	return find_question(questions, span_of(lower, name.n), type);
}

static struct question_entry *
add_question(
    struct dns_questions *questions, struct span name, enum dns_type type)
{
	struct question_entry *n = arena_alloc(questions->lasting, sizeof(*n));
	struct span copy = arena_copy(questions->lasting, name);
	size_t slot = hash_question(questions, name, type);

	if (n == NULL || copy.p == NULL)
		return NULL;
	*n = (struct question_entry){
		.q = { .questions = questions,
		    .name = copy,
		    .type = type,
		    .wait.prefetch = true,
		    .answer = dns_answer_pending() },
		.chain = questions->slots[slot],
	};
	questions->slots[slot] = n;
	if (questions->last != NULL)
		questions->last->next = &n->q;
	else
		questions->first = &n->q;
	questions->last = &n->q;
	if (questions->unsent == NULL)
		questions->unsent = &n->q;
	questions->unsent = dns_questions_next_unsent(questions);
	questions->prefetched++;
	questions->pending++;
	return n;
}

/* Marks the question as unsent, and as needed by the core. */
static void
ask_again(struct dns_questions *questions, struct question_entry *n)
{
	n->dropped = false;
	n->q.sent = false;
	n->q.wait.prefetch = false;
	questions->unsent = questions->first;
	questions->unsent = dns_questions_next_unsent(questions);
}

static void
become_needed(struct dns_questions *questions, struct question_entry *n)
{
	n->needed = true;
	questions->needed++;
	questions->prefetched--;
	if (n->q.answer->state != DNS_PENDING)
		return;
	questions->required++;
	questions->pending += n->dropped;
	if (n->dropped)
		ask_again(questions, n);
	else if (!n->q.sent)
		n->q.wait.prefetch = false;
}

static const struct dns_answer *
look_up_question(struct dns_questions *questions, struct span name,
    enum dns_type type, bool needed)
{
	struct question_entry *n = find_ascii_name(questions, name, type);

	if (n == NULL) {
		if (name.n > GIVEN_MAX)
			return dns_answer_badname();
		arena_rewind(questions->scratch);
		name = domain_normal(questions->scratch, name);
		if (name.p == NULL && arena_has_failed(questions->scratch))
			return dns_answer_failed(DNS_ERROR_RESOURCE);
		if (name.p == NULL)
			return dns_answer_badname();
		n = find_question(questions, name, type);
	}
	/* Prefetches must not change the result of dns_ask(). */
	if (needed && (n == NULL || !n->needed) &&
	    questions->needed == questions->max)
		return dns_answer_failed(DNS_ERROR_BUDGET);
	if (n == NULL && questions->expired != DNS_ERROR_NONE)
		return dns_answer_failed(questions->expired);
	if (n == NULL && !needed && questions->prefetched >= questions->max / 2)
		return dns_answer_pending();
	if (n == NULL)
		n = add_question(questions, name, type);
	if (n == NULL)
		return dns_answer_failed(DNS_ERROR_RESOURCE);
	if (needed && !n->needed)
		become_needed(questions, n);
	return n->q.answer;
}

const struct dns_answer *
dns_ask(struct dns_questions *questions, struct span name, enum dns_type type)
{
	const struct dns_answer *answer =
	    look_up_question(questions, name, type, true);

	if (answer->state == DNS_FAILED && dns_error_is_ours(answer->fault))
		questions->budget_exceeded = true;
	return answer;
}

const struct dns_answer *
dns_prefetch(
    struct dns_questions *questions, struct span name, enum dns_type type)
{
	return look_up_question(questions, name, type, false);
}

void
dns_questions_set_driver(struct dns_questions *questions, void *driver)
{
	questions->driver = driver;
}

void *
dns_questions_driver(const struct dns_questions *questions)
{
	return questions->driver;
}

struct dns_question *
dns_questions_first(const struct dns_questions *questions)
{
	return questions->first;
}

struct dns_question *
dns_questions_next_unsent(const struct dns_questions *questions)
{
	struct dns_question *q = questions->unsent;

	while (q != NULL && (q->sent || q->answer->state != DNS_PENDING))
		q = q->next;
	return q;
}

/* A prefetch that failed because of our own limits counts as unanswered. */
static bool
is_dropped(const struct question_entry *n, const struct dns_answer *answer)
{
	return n->q.wait.prefetch && answer->state == DNS_FAILED &&
	    dns_error_is_ours(answer->fault);
}

static void
drop_prefetch(struct dns_questions *questions, struct question_entry *n)
{
	if (n->needed) {
		ask_again(questions, n);
		return;
	}
	n->dropped = true;
	n->q.sent = true;
	questions->pending--;
}

void
dns_questions_set_answer(
    struct dns_question *q, const struct dns_answer *answer)
{
	struct dns_questions *questions = q->questions;
	/* `q` is the first member of its entry. */
	struct question_entry *n = (struct question_entry *)(void *)q;

	assert(answer->state != DNS_PENDING);
	if (q->answer->state != DNS_PENDING)
		return;
	if (is_dropped(n, answer) && questions->expired == DNS_ERROR_NONE) {
		drop_prefetch(questions, n);
		return;
	}
	q->answer = dns_answer_ref(answer);
	questions->pending -= !n->dropped;
	questions->required -= n->needed;
}

void
dns_questions_expire(struct dns_questions *questions, enum dns_error fault)
{
	assert(fault != DNS_ERROR_NONE);
	questions->expired = fault;
	for (struct dns_question *q = questions->first; q != NULL; q = q->next)
		dns_questions_set_answer(q, dns_answer_failed(fault));
}

bool
dns_questions_budget_exceeded(const struct dns_questions *questions)
{
	return questions->budget_exceeded;
}

size_t
dns_questions_count(const struct dns_questions *questions)
{
	return questions->needed + questions->prefetched;
}

size_t
dns_questions_pending(const struct dns_questions *questions)
{
	return questions->pending;
}

size_t
dns_questions_required(const struct dns_questions *questions)
{
	return questions->required;
}
