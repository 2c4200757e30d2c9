/*
 * cmd_spf.c - avouch spf: may this client send mail for this sender?
 */
#include "cli/cli.h"
#include "cli/print.h"

static enum step
step_check(void *facts, struct dns_talk *talk, struct arena *scratch)
{
	struct {
		struct spf_query q;
		struct spf_result r;
	} *w = facts;

	return spf_check(&w->q, talk, scratch, &w->r);
}

int
cmd_spf(struct cli *c)
{
	struct {
		struct spf_query q;
		struct spf_result r;
	} w = {
		.q = {
			.identity = SPF_IDENTITY_MAILFROM,
			.ip = c->ip,
			.helo = span_str(c->helo),
			.sender = span_str(c->mail_from),
			.receiver = span_str(c->receiver),
			.now = c->now,
			.trace = c->explain,
		},
	};
	struct job *j;
	int status;

	if (c->ip.family == IP_NONE || c->helo == NULL)
		return cli_fail(c, EX_USAGE,
		    "--ip and --helo say who is asked about; --mail-from \"\" "
		    "is the null sender");
	status = cli_dns_open(c);
	if (status != EX_OK)
		return status;
	j = job_start(c->dns, step_check, &w, CLI_QUESTIONS, CLI_SCRATCH);
	if (j == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	job_wait(j, job_clock() + CLI_WAIT_MS);
	if (c->mail_from == NULL || c->mail_from[0] == '\0')
		w.r.identity = SPF_IDENTITY_HELO;
	if (c->json)
		status = cli_print_json(print_spf_json(&w.r));
	else
		print_spf(&w.r);
	job_drop(j);
	return status;
}
