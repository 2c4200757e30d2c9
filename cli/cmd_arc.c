/*
 * cmd_arc.c - avouch arc: verifies the ARC chain of a message (RFC 8617 section
 * 5.2).
 */
#include "cli/explain/explain.h"
#include "cli/message.h"
#include "cli/results.h"

static enum step
arc_step_keys(void *facts, struct dns_talk *talk, struct arena *scratch)
{
	return arc_keys(facts, talk, scratch);
}

static int
arc_show_result(
    struct cli *c, struct message *m, struct arc *a, struct dns_talk *talk)
{
	struct arc_result r;
	json_t *o, *explain;

	arc_finish(a, &r);
	if (!c->json) {
		print_arc(&r);
		if (c->explain) {
			explain_heading("ARC sets (RFC 8617 section 5.2)");
			explain_arc(&m->header, &r, m->arena);
			explain_questions(talk);
		}
		return EX_OK;
	}
	o = print_arc_json(&r);
	if (c->explain) {
		explain = json_object();
		cli_set(explain, "arc", explain_arc_json(&m->header, m->arena));
		cli_set(explain, "questions", explain_questions_json(talk));
		cli_set(o, "explain", explain);
	}
	return cli_print_json(o);
}

static int
arc_check_message(struct cli *c, struct message *m)
{
	struct bodies *bodies = bodies_new(m->arena);
	struct arc *a = bodies == NULL ? NULL
				       : arc_begin(m->arena, &c->defaults->dkim,
					     &m->header, bodies, c->now);
	struct job *j = message_run(c, m, bodies, arc_step_keys, a);
	int status = EX_TEMPFAIL;

	if (j != NULL)
		status = arc_show_result(c, m, a, job_talk(j));
	job_drop(j);
	arc_free(a);
	bodies_free(bodies);
	return status;
}

int
cmd_arc(struct cli *c)
{
	struct message m;
	int status = message_open(c, &m, c->args[0]);

	if (status != EX_OK)
		return status;
	status = cli_dns_open(c);
	if (status == EX_OK)
		status = arc_check_message(c, &m);
	message_close(&m);
	return status;
}
