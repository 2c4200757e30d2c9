#include "report/store/queued_message.h"

#include <stdlib.h>
#include <string.h>

#include "lib/enum_names.h"
#include "report/record/policy_input_codec.h"

enum {
	RULE_MAX = 120, /* bytes of an action or of a rule */
	DECISION_MAX = 3 * (RULE_MAX + 1),
};

/* Collects all texts of a message in one buffer before they are copied into
 * one allocation. */
struct message_draft {
	struct queued_message entry;
	struct buf text;
	char memory[ROW_BYTES_MAX + FACTS_BYTES_MAX + DECISION_MAX];
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
		d->entry.row[ROW_TEXT_SOURCE] = report_text_end(&d->text, from);
		from = d->text.n;
	}
	facts_pack(&d->text, f);
	d->entry.facts = report_text_end(&d->text, from);
	for (size_t i = 0; i < ARRAY_SIZE(decision); i++) {
		from = d->text.n;
		report_put_clean(&d->text, decision[i], RULE_MAX, true);
		d->entry.decision[i] = report_text_end(&d->text, from);
	}
}

static void
rebase_spans(struct span *texts, size_t n, const char *from, const char *to)
{
	for (size_t i = 0; i < n; i++)
		if (texts[i].p != NULL)
			texts[i].p = to + (texts[i].p - from);
}

static struct queued_message *
draft_done(const struct message_draft *d)
{
	struct queued_message *e = malloc(sizeof(*e) + d->text.n);
	const char *bytes;

	if (e == NULL)
		return NULL;
	*e = d->entry;
	e->size = sizeof(*e) + d->text.n;
	bytes = memcpy(e + 1, d->memory, d->text.n);
	rebase_spans(e->row, ARRAY_SIZE(e->row), d->memory, bytes);
	rebase_spans(&e->facts, 1, d->memory, bytes);
	rebase_spans(e->decision, ARRAY_SIZE(e->decision), d->memory, bytes);
	return e;
}

struct queued_message *
queued_message_new(const struct report_row *row,
    const struct policy_input *facts, const struct policy_decision *decision,
    int64_t now)
{
	struct message_draft d;

	d.entry = (struct queued_message){ .when = now, .count = 1 };
	d.text = buf_wrap(d.memory, sizeof(d.memory));
	if (row != NULL) {
		d.entry.has_row = true;
		d.entry.count = row->count;
		row_encode(&d.text, row, d.entry.row);
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
		e->size += failure_size(f);
}

void
queued_message_drop_failure(struct queued_message *e)
{
	if (e->failure != NULL)
		e->size -= failure_size(e->failure);
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
