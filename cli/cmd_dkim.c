/*
 * cmd_dkim.c - avouch dkim: the signatures of a message, top first.
 */
#include "cli/message.h"
#include "cli/print.h"

static enum step
step_keys(void *facts, struct dns_talk *talk, struct arena *scratch)
{
	return dkim_keys(facts, talk, scratch);
}

static int
show(struct cli *c, const struct dkim *d)
{
	size_t n;
	const struct dkim_result *r = dkim_results(d, &n);

	if (c->json)
		return cli_print_json(print_dkim_json(r, n));
	print_dkim(r, n);
	return EX_OK;
}

static int
check(struct cli *c, struct message *m)
{
	static const struct dkim_options options;
	struct bodies *bodies = bodies_new(m->arena);
	struct dkim *d = bodies == NULL
	    ? NULL
	    : dkim_begin(m->arena, &options, &m->header, bodies,
		  m->from.domains, m->from.n_domains, c->now);
	struct job *j = message_run(c, m, bodies, step_keys, d);
	int status = EX_TEMPFAIL;

	if (j != NULL) {
		dkim_finish(d);
		status = show(c, d);
	}
	job_drop(j);
	dkim_free(d);
	bodies_free(bodies);
	return status;
}

int
cmd_dkim(struct cli *c)
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
