/* recipients.c - decides who gets a report. */
#include "report/send/internal.h"

static enum core_status
step_consent(
    void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct send_consent *c = facts;

	return destination_check(&c->query, questions, scratch, &c->result);
}

void
send_consent_ask(struct send *s, struct send_consent *c)
{
	c->job = dns_task_start(s->o->dns, step_consent, c,
	    DESTINATION_QUESTIONS, DESTINATION_MEMORY);
	if (c->job == NULL) /* out of memory */
		c->result.temperror = true;
}

void
send_consent_wait(struct send_consent *c, int64_t deadline)
{
	if (c->job != NULL)
		dns_task_wait(c->job, deadline);
}

/* Returns whether the address gets no reports because earlier ones bounced, or
 * -1 after an error. */
static int
is_suppressed(struct send *s, struct span address)
{
	struct arena *a = arena_new(1 << 16);
	struct ledger_bounce b;
	int found = -1;

	if (a == NULL)
		return send_fault(s, "out of memory"), -1;
	switch (ledger_get_bounce(s->ledger, address, a, &b)) {
	case LEDGER_OK:
		found = b.suppressed && s->o->now - b.last < s->o->bounce_pause;
		break;
	case LEDGER_NONE:
		found = 0;
		break;
	case LEDGER_ERROR:
		send_ledger_fault(s);
		break;
	}
	arena_free(a);
	return found;
}

/* Lists the URIs that get no report: "mailto:reports@red.example refused,
 * ..." */
static void
put_findings(struct buf *b, const struct destination_result *r)
{
	const char *between = "";

	for (size_t i = 0; i < r->n_findings; i++) {
		const struct destination_finding *f = &r->findings[i];

		if (f->code == DESTINATION_INSIDE ||
		    f->code == DESTINATION_GIVEN)
			continue;
		buf_text(b, between);
		buf_printable(b, f->uri, 100);
		buf_text(b, " ");
		buf_text(b, destination_code_name(f->code));
		between = ", ";
	}
}

bool
send_consent_take(struct send *s, struct send_consent *c)
{
	struct buf why = buf_wrap(c->why, sizeof(c->why));

	put_findings(&why, &c->result);
	for (size_t i = 0; i < c->result.n_addresses; i++) {
		int suppressed = is_suppressed(s, c->result.addresses[i]);

		if (suppressed < 0)
			return false;
		if (suppressed == 0)
			c->to[c->n_to++] = c->result.addresses[i];
	}
	if (c->result.n_addresses > 0 && c->n_to == 0) {
		buf_cut(&why, 0);
		buf_text(&why, "mail to every address bounces");
	}
	return true;
}
