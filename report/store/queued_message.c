#include "report/store/queued_message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/enum_names.h"
#include "report/record/policy_input_codec.h"

enum {
	RULE_MAX = 120, /* bytes of an action or a rule */
	DECISION_MAX = 3 * (RULE_MAX + 1),
	DRAFT_MAX = ROW_BYTES_MAX + FACTS_BYTES_MAX + DECISION_MAX,
	QUEUED_ABSENT = UINT16_MAX, /* length of an absent string */
};

static_assert((int)DRAFT_MAX < (int)QUEUED_ABSENT, "a length fits in 16 bits");

/* Collects all strings of a message in one buffer, in the order of `texts`,
 * before they are copied into one allocation. */
struct message_draft {
	struct queued_message entry;
	struct queued_texts texts;
	struct buf text;
	char memory[DRAFT_MAX];
};

static void
draft_facts(struct message_draft *d, const struct policy_input *f,
    const struct policy_decision *p)
{
	const struct span decision[] = {
		span_str(conf_action_name(p->action)),
		span_str(conf_action_name(p->would)),
		p->rule,
	};
	size_t from = d->text.n;

	d->entry.has_facts = true;
	if (!d->entry.has_row) {
		ip_put(&d->text, &f->client);
		d->texts.row[ROW_TEXT_SOURCE] = report_text_end(&d->text, from);
		from = d->text.n;
	}
	facts_pack(&d->text, f);
	d->texts.facts = report_text_end(&d->text, from);
	for (size_t i = 0; i < ARRAY_SIZE(decision); i++) {
		from = d->text.n;
		report_put_clean(&d->text, decision[i], RULE_MAX, true);
		d->texts.decision[i] = report_text_end(&d->text, from);
	}
}

/* Returns string number `i`, which is less than QUEUED_TEXTS. */
static struct span *
text_at(struct queued_texts *t, size_t i)
{
	if (i < ROW_TEXTS_MAX)
		return &t->row[i];
	return i == ROW_TEXTS_MAX ? &t->facts
				  : &t->decision[i - ROW_TEXTS_MAX - 1];
}

static struct queued_message *
draft_done(struct message_draft *d)
{
	struct queued_message *e = malloc(sizeof(*e) + d->text.n);

	if (e == NULL)
		return NULL;
	*e = d->entry;
	e->size = sizeof(*e) + d->text.n + QUEUED_OVERHEAD;
	memcpy(e + 1, d->memory, d->text.n);
	for (size_t i = 0; i < QUEUED_TEXTS; i++) {
		const struct span *text = text_at(&d->texts, i);

		e->length[i] =
		    text->p != NULL ? (uint16_t)text->n : QUEUED_ABSENT;
	}
	return e;
}

void
queued_message_texts(const struct queued_message *e, struct queued_texts *out)
{
	const char *p = (const char *)(e + 1);

	for (size_t i = 0; i < QUEUED_TEXTS; i++) {
		*text_at(out, i) = SPAN_NONE;
		if (e->length[i] == QUEUED_ABSENT)
			continue;
		*text_at(out, i) = span_of(p, e->length[i]);
		p += e->length[i] + 1;
	}
}

struct queued_message *
queued_message_new(const struct report_row *row,
    const struct policy_input *facts, const struct policy_decision *decision,
    int64_t now)
{
	struct message_draft d;

	d.entry = (struct queued_message){ .when = now, .count = 1 };
	d.texts = (struct queued_texts){ .facts = SPAN_NONE };
	d.text = buf_wrap(d.memory, sizeof(d.memory));
	if (row != NULL) {
		d.entry.has_row = true;
		d.entry.count = row->count;
		row_encode(&d.text, row, d.texts.row);
	}
	if (facts != NULL && decision != NULL)
		draft_facts(&d, facts, decision);
	return draft_done(&d);
}

void
queued_message_add_failure(struct queued_message *e, const struct failure *f)
{
	e->failure = failure_copy(f);
	if (e->failure != NULL)
		e->size += failure_size(f) + QUEUED_OVERHEAD;
}

void
queued_message_drop_failure(struct queued_message *e)
{
	if (e->failure != NULL)
		e->size -= failure_size(e->failure) + QUEUED_OVERHEAD;
	free(e->failure);
	e->failure = NULL;
}

void
queued_message_free(struct queued_message *e)
{
	if (e == NULL)
		return;
	free(e->failure);
	free(e);
}
