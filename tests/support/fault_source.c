#include "tests/support/fault_source.h"

#include <assert.h>
#include <stdlib.h>

struct source {
	struct dns_source source; /* must be the first member */
	struct dns_source *below;
};

struct question {
	struct dns_wait below; /* must be the first member */
	struct question *next;
	struct dns_wait *wait;
	const struct dns_answer *answer;
};

static struct {
	struct source sources[MOODY_SOURCES_MAX];
	size_t n_sources;
	struct dns_record texts[MOODY_TEXTS_MAX];
	size_t n_texts;
	enum moody_mood mood;
	struct question *held; /* oldest question first */
	struct question **end;
} moody;

static void
answered_below(struct dns_wait *wait, const struct dns_answer *answer)
{
	((struct question *)(void *)wait)->answer = dns_answer_ref(answer);
}

static bool
is_ours(struct span name, enum dns_type type)
{
	return moody.n_texts > 0 && type == DNS_TXT &&
	    !span_ends_nocase(name, ".example") &&
	    !span_is_nocase(name, "example");
}

static const struct dns_answer *
text_of(struct span name)
{
	struct dns_answer a = { .state = DNS_FOUND, .ttl = 60, .n_records = 1 };
	const struct dns_answer *shared;
	size_t h = 5381;

	for (size_t i = 0; i < name.n; i++)
		h = (h * 33) ^ (unsigned char)name.p[i];
	a.records = &moody.texts[h % moody.n_texts];
	shared = dns_answer_new(&a);
	assert(shared != NULL);
	return shared;
}

static void
tell(struct question *q)
{
	q->wait->done(q->wait, q->answer);
	dns_answer_unref(q->answer);
	free(q);
}

static void
moody_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct dns_source *below = ((struct source *)(void *)source)->below;
	struct question *q = calloc(1, sizeof(*q));

	assert(q != NULL);
	q->below.done = answered_below;
	q->wait = wait;
	if (moody.mood == MOODY_FAILS)
		q->answer = dns_answer_failed(DNS_ERROR_SERVFAIL);
	else if (is_ours(name, type))
		q->answer = text_of(name);
	else
		below->ask(below, name, type, &q->below);
	assert(q->answer != NULL);
	if (moody.mood == MOODY_HOLDS || moody.mood == MOODY_SILENT) {
		*moody.end = q;
		moody.end = &q->next;
	} else {
		tell(q);
	}
}

void
moody_begin(void)
{
	assert(moody.held == NULL);
	moody.n_sources = 0;
	moody.n_texts = 0;
	moody.mood = MOODY_PROMPT;
	moody.end = &moody.held;
}

struct dns_source *
moody_over(struct dns_source *below)
{
	struct source *s;

	if (moody.n_sources == MOODY_SOURCES_MAX)
		return NULL;
	s = &moody.sources[moody.n_sources++];
	*s = (struct source){ { .ask = moody_ask }, below };
	return &s->source;
}

void
moody_set(enum moody_mood mood)
{
	moody.mood = mood;
}

void
moody_add_text(struct span text)
{
	if (moody.n_texts < MOODY_TEXTS_MAX)
		moody.texts[moody.n_texts++] =
		    (struct dns_record){ .text = text, .strings = 1 };
}

static void
reverse(void)
{
	struct question *reversed = NULL, *next;

	for (struct question *q = moody.held; q != NULL; q = next) {
		next = q->next;
		q->next = reversed;
		reversed = q;
	}
	moody.held = reversed;
	for (moody.end = &moody.held; *moody.end != NULL;)
		moody.end = &(*moody.end)->next;
}

bool
moody_give(bool reversed)
{
	if (moody.held == NULL || moody.mood == MOODY_SILENT)
		return false;
	if (reversed)
		reverse();
	while (moody.held != NULL) {
		struct question *q = moody.held;

		moody.held = q->next;
		if (moody.held == NULL)
			moody.end = &moody.held;
		tell(q);
	}
	return true;
}
