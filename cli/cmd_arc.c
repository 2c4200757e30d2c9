/*
 * cmd_arc.c - avouch arc: verifies the ARC chain of a message (RFC 8617 section
 * 5.2).
 */
#include "cli/explain/explain.h"
#include "cli/message.h"
#include "cli/results.h"
#include "verify/core_options.h"

static enum core_status
arc_step_keys(
    void *facts, struct dns_questions *questions, struct arena *scratch)
{
	return arc_keys(facts, questions, scratch);
}

static int
arc_show_result(struct cli *c, struct message *m, struct arc *a,
    struct dns_questions *questions)
{
	struct arc_result r;
	json_t *o, *explain;

	arc_finish(a, &r);
	if (!c->json) {
		results_arc(&r);
		if (c->explain) {
			explain_heading("ARC sets (RFC 8617 section 5.2)");
			explain_arc(&m->header, &r, m->arena);
			explain_questions(questions);
		}
		return EX_OK;
	}
	o = results_arc_json(&r);
	if (c->explain) {
		explain = json_object();
		cli_set(explain, "arc", explain_arc_json(&m->header, m->arena));
		cli_set(
		    explain, "questions", explain_questions_json(questions));
		cli_set(o, "explain", explain);
	}
	return cli_print_json(o);
}

static int
arc_check_message(struct cli *c, struct message *m)
{
	struct dkim_options options = core_options_dkim(c->defaults);
	struct body_hashes *body_hashes = body_hashes_new(m->arena);
	struct arc *a = body_hashes == NULL
	    ? NULL
	    : arc_begin(m->arena, &options, &m->header, body_hashes, c->now);
	struct dns_task *j = message_run(c, m, body_hashes, arc_step_keys, a);
	int status = EX_TEMPFAIL;

	if (j != NULL)
		status = arc_show_result(c, m, a, dns_task_questions(j));
	dns_task_free(j);
	arc_free(a);
	body_hashes_free(body_hashes);
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
