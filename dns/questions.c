#include "dns/questions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/hash.h"

enum {
	/* With its name a question takes less than this. */
	QUESTION_MEMORY = 512,
	/* What one name takes while it is brought into normal form. */
	NORMAL_MEMORY = 16384,
	/* Of a full talk in one chain: few are ever full. */
	CHAIN_MOST = 8,
	SLOTS_LEAST = 16,
	/* A name as it is given: escapes of UTF-8 make it longer, and more is
	 * no name. */
	GIVEN_MAX = 1024,
};

/* A question as the talk sees it. */
struct noted {
	struct dns_question q; /* first: dns_talk_tell() is given this */
	struct noted *chain;   /* with the same hash */
	bool needed;           /* asked by dns_ask(), not only ahead */
	bool dropped;          /* asked ahead, and the source did not answer;
	                          to be asked again if it is needed */
};

struct dns_talk {
	struct arena *lasting;
	struct arena *scratch;
	void *driver;
	size_t max;    /* of questions that are needed */
	size_t needed; /* noted by dns_ask() */
	size_t ahead;  /* noted by dns_ask_ahead() alone */
	size_t pending;
	size_t waited_for;      /* of them, noted by dns_ask() */
	enum dns_fault gave_up; /* DNS_FAULT_NONE: not yet */
	bool ran_out;           /* a needed one failed, for a reason of ours */
	struct dns_question *first;
	struct dns_question *last;
	struct dns_question *unsent; /* those before it are sent or answered */
	size_t mask;                 /* of `slots`, a power of two less one */
	struct noted **slots;
};

struct dns_talk *
dns_talk_new(size_t max_questions)
{
	struct dns_talk *t;
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
	t->slots = calloc(slots, sizeof(struct noted *));
	t->lasting = arena_new((max_questions + 1) * 2 * QUESTION_MEMORY);
	t->scratch = arena_new(NORMAL_MEMORY);
	if (t->slots == NULL || t->lasting == NULL || t->scratch == NULL) {
		dns_talk_free(t);
		return NULL;
	}
	return t;
}

void
dns_talk_free(struct dns_talk *talk)
{
	if (talk == NULL)
		return;
	for (struct dns_question *q = talk->first; q != NULL; q = q->next)
		dns_answer_drop(q->answer);
	arena_free(talk->lasting);
	arena_free(talk->scratch);
	free(talk->slots);
	free(talk);
}

static size_t
hash(const struct dns_talk *talk, struct span name, enum dns_type type)
{
	/* a talk has too few questions for collisions to matter */
	static const struct hash_secret none = { 0, 0 };

	return (size_t)hash_span(none, name, type) & talk->mask;
}

static struct noted *
find(const struct dns_talk *talk, struct span name, enum dns_type type)
{
	struct noted *n = talk->slots[hash(talk, name, type)];

	while (n != NULL && (n->q.type != type || !span_equal(n->q.name, name)))
		n = n->chain;
	return n;
}

/*
 * Cores run again and again, and their names are nearly always ASCII: one that
 * equals a known normal form but for case and the final dot needs no IDNA.
 */
static struct noted *
find_given(const struct dns_talk *talk, struct span name, enum dns_type type)
{
	char lower[DOMAIN_MAX] = "";

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n > sizeof(lower))
		return NULL;
	for (size_t i = 0; i < name.n; i++)
		lower[i] = (char)ascii_lower((unsigned char)name.p[i]);
	return find(talk, span_of(lower, name.n), type);
}

static struct noted *
note(struct dns_talk *talk, struct span name, enum dns_type type)
{
	struct noted *n = arena_alloc(talk->lasting, sizeof(*n));
	struct span copy = arena_copy(talk->lasting, name);
	size_t slot = hash(talk, name, type);

	if (n == NULL || copy.p == NULL)
		return NULL;
	*n = (struct noted){
		.q = { .talk = talk,
		    .name = copy,
		    .type = type,
		    .wait.prefetch = true,
		    .answer = dns_answer_pending() },
		.chain = talk->slots[slot],
	};
	talk->slots[slot] = n;
	if (talk->last != NULL)
		talk->last->next = &n->q;
	else
		talk->first = &n->q;
	talk->last = &n->q;
	if (talk->unsent == NULL)
		talk->unsent = &n->q;
	talk->unsent = dns_talk_unsent(talk);
	talk->ahead++;
	talk->pending++;
	return n;
}

/* To be asked, again if need be, as one that the core waits for. */
static void
ask_again(struct dns_talk *talk, struct noted *n)
{
	n->dropped = false;
	n->q.sent = false;
	n->q.wait.prefetch = false;
	talk->unsent = talk->first;
	talk->unsent = dns_talk_unsent(talk);
}

static void
become_needed(struct dns_talk *talk, struct noted *n)
{
	n->needed = true;
	talk->needed++;
	talk->ahead--;
	if (n->q.answer->state != DNS_PENDING)
		return;
	talk->waited_for++;
	talk->pending += n->dropped;
	if (n->dropped)
		ask_again(talk, n);
	else if (!n->q.sent)
		n->q.wait.prefetch = false;
}

static const struct dns_answer *
look_up(
    struct dns_talk *talk, struct span name, enum dns_type type, bool needed)
{
	struct noted *n = find_given(talk, name, type);

	if (n == NULL) {
		if (name.n > GIVEN_MAX)
			return dns_answer_badname();
		arena_rewind(talk->scratch);
		name = domain_normal(talk->scratch, name);
		if (name.p == NULL && arena_has_failed(talk->scratch))
			return dns_answer_failed(DNS_FAULT_RESOURCE);
		if (name.p == NULL)
			return dns_answer_badname();
		n = find(talk, name, type);
	}
	/* What was asked ahead, or not, must not change what is answered. */
	if (needed && (n == NULL || !n->needed) && talk->needed == talk->max)
		return dns_answer_failed(DNS_FAULT_BUDGET);
	if (n == NULL && talk->gave_up != DNS_FAULT_NONE)
		return dns_answer_failed(talk->gave_up);
	if (n == NULL && !needed && talk->ahead >= talk->max / 2)
		return dns_answer_pending();
	if (n == NULL)
		n = note(talk, name, type);
	if (n == NULL)
		return dns_answer_failed(DNS_FAULT_RESOURCE);
	if (needed && !n->needed)
		become_needed(talk, n);
	return n->q.answer;
}

const struct dns_answer *
dns_ask(struct dns_talk *talk, struct span name, enum dns_type type)
{
	const struct dns_answer *answer = look_up(talk, name, type, true);

	if (answer->state == DNS_FAILED && dns_fault_is_ours(answer->fault))
		talk->ran_out = true;
	return answer;
}

const struct dns_answer *
dns_ask_ahead(struct dns_talk *talk, struct span name, enum dns_type type)
{
	return look_up(talk, name, type, false);
}

void
dns_talk_set_driver(struct dns_talk *talk, void *driver)
{
	talk->driver = driver;
}

void *
dns_talk_driver(const struct dns_talk *talk)
{
	return talk->driver;
}

struct dns_question *
dns_talk_questions(const struct dns_talk *talk)
{
	return talk->first;
}

struct dns_question *
dns_talk_unsent(const struct dns_talk *talk)
{
	struct dns_question *q = talk->unsent;

	while (q != NULL && (q->sent || q->answer->state != DNS_PENDING))
		q = q->next;
	return q;
}

/* It was asked ahead, and we did not have what it takes: no answer. */
static bool
is_dropped(const struct noted *n, const struct dns_answer *answer)
{
	return n->q.wait.prefetch && answer->state == DNS_FAILED &&
	    dns_fault_is_ours(answer->fault);
}

static void
drop(struct dns_talk *talk, struct noted *n)
{
	if (n->needed) {
		ask_again(talk, n);
		return;
	}
	n->dropped = true;
	n->q.sent = true;
	talk->pending--;
}

void
dns_talk_tell(struct dns_question *q, const struct dns_answer *answer)
{
	struct dns_talk *talk = q->talk;
	/* A question is the first member of what the talk notes of it. */
	struct noted *n = (struct noted *)(void *)q;

	assert(answer->state != DNS_PENDING);
	if (q->answer->state != DNS_PENDING)
		return;
	if (is_dropped(n, answer) && talk->gave_up == DNS_FAULT_NONE) {
		drop(talk, n);
		return;
	}
	q->answer = dns_answer_hold(answer);
	talk->pending -= !n->dropped;
	talk->waited_for -= n->needed;
}

void
dns_talk_give_up(struct dns_talk *talk, enum dns_fault fault)
{
	assert(fault != DNS_FAULT_NONE);
	talk->gave_up = fault;
	for (struct dns_question *q = talk->first; q != NULL; q = q->next)
		dns_talk_tell(q, dns_answer_failed(fault));
}

bool
dns_talk_ran_out(const struct dns_talk *talk)
{
	return talk->ran_out;
}

size_t
dns_talk_asked(const struct dns_talk *talk)
{
	return talk->needed + talk->ahead;
}

size_t
dns_talk_pending(const struct dns_talk *talk)
{
	return talk->pending;
}

size_t
dns_talk_waited_for(const struct dns_talk *talk)
{
	return talk->waited_for;
}
