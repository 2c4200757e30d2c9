/*
 * cmd_arc.c - avouch arc: is the chain of ARC sets whole?
 */
#include "cli/message.h"
#include "cli/print.h"

static enum step
step_keys(void *facts, struct dns_talk *talk, struct arena *scratch)
{
	return arc_keys(facts, talk, scratch);
}

static int
show(struct cli *c, struct arc *a)
{
	struct arc_result r;

	arc_finish(a, &r);
	if (c->json)
		return cli_print_json(print_arc_json(&r));
	print_arc(&r);
	return EX_OK;
}

static int
check(struct cli *c, struct message *m)
{
	static const struct dkim_options options;
	struct bodies *bodies = bodies_new(m->arena);
	struct arc *a = bodies == NULL
	    ? NULL
	    : arc_begin(m->arena, &options, &m->header, bodies, c->now);
	struct job *j = message_run(c, m, bodies, step_keys, a);
	int status = EX_TEMPFAIL;

	if (j != NULL)
		status = show(c, a);
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
		status = check(c, &m);
	message_close(&m);
	return status;
}
