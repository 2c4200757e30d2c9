#include "tests/support/fault_source.h"

#include <assert.h>
#include <stdlib.h>

struct fault_source_state {
	struct dns_source source; /* must be the first member */
	struct dns_source *below;
};

struct fault_source_question {
	struct dns_wait below; /* must be the first member */
	struct fault_source_question *next;
	struct dns_wait *wait;
	const struct dns_answer *answer;
};

static struct {
	struct fault_source_state sources[FAULT_SOURCES_MAX];
	size_t n_sources;
	struct dns_record texts[FAULT_SOURCE_TEXTS_MAX];
	size_t n_texts;
	enum fault_source_mode mode;
	struct fault_source_question *held; /* oldest question first */
	struct fault_source_question **end;
} faults;

static void
answered_below(struct dns_wait *wait, const struct dns_answer *answer)
{
	((struct fault_source_question *)(void *)wait)->answer =
	    dns_answer_ref(answer);
}

static bool
is_ours(struct span name, enum dns_type type)
{
	return faults.n_texts > 0 && type == DNS_TXT &&
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
	a.records = &faults.texts[h % faults.n_texts];
	shared = dns_answer_new(&a);
	assert(shared != NULL);
	return shared;
}

static void
finish_fault_question(struct fault_source_question *q)
{
	q->wait->done(q->wait, q->answer);
	dns_answer_unref(q->answer);
	free(q);
}

static void
fault_source_ask(struct dns_source *source, struct span name,
    enum dns_type type, struct dns_wait *wait)
{
	struct dns_source *below =
	    ((struct fault_source_state *)(void *)source)->below;
	struct fault_source_question *q = calloc(1, sizeof(*q));

	assert(q != NULL);
	q->below.done = answered_below;
	q->wait = wait;
	if (faults.mode == FAULT_SOURCE_FAILING)
		q->answer = dns_answer_failed(DNS_ERROR_SERVFAIL);
	else if (is_ours(name, type))
		q->answer = text_of(name);
	else
		below->ask(below, name, type, &q->below);
	assert(q->answer != NULL);
	if (faults.mode == FAULT_SOURCE_HELD ||
	    faults.mode == FAULT_SOURCE_SILENT) {
		*faults.end = q;
		faults.end = &q->next;
	} else {
		finish_fault_question(q);
	}
}

void
fault_source_reset(void)
{
	assert(faults.held == NULL);
	faults.n_sources = 0;
	faults.n_texts = 0;
	faults.mode = FAULT_SOURCE_PROMPT;
	faults.end = &faults.held;
}

struct dns_source *
fault_source_new(struct dns_source *below)
{
	struct fault_source_state *s;

	if (faults.n_sources == FAULT_SOURCES_MAX)
		return NULL;
	s = &faults.sources[faults.n_sources++];
	*s = (struct fault_source_state){ { .ask = fault_source_ask }, below };
	return &s->source;
}

void
fault_source_set(enum fault_source_mode mode)
{
	faults.mode = mode;
}

void
fault_source_add_text(struct span text)
{
	if (faults.n_texts < FAULT_SOURCE_TEXTS_MAX)
		faults.texts[faults.n_texts++] =
		    (struct dns_record){ .text = text, .strings = 1 };
}

static void
reverse(void)
{
	struct fault_source_question *reversed = NULL, *next;

	for (struct fault_source_question *q = faults.held; q != NULL;
	     q = next) {
		next = q->next;
		q->next = reversed;
		reversed = q;
	}
	faults.held = reversed;
	for (faults.end = &faults.held; *faults.end != NULL;)
		faults.end = &(*faults.end)->next;
}

bool
fault_source_release(bool reversed)
{
	if (faults.held == NULL || faults.mode == FAULT_SOURCE_SILENT)
		return false;
	if (reversed)
		reverse();
	while (faults.held != NULL) {
		struct fault_source_question *q = faults.held;

		faults.held = q->next;
		if (faults.held == NULL)
			faults.end = &faults.held;
		finish_fault_question(q);
	}
	return true;
}
