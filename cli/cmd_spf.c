/*
 * cmd_spf.c - avouch spf: may this client send mail for this sender?
 */
#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/print.h"
#include "verify/job.h"

struct work {
	struct spf_query q;
	struct spf_result r;
};

static enum step
step_check(void *facts, struct dns_talk *talk, struct arena *scratch)
{
	struct work *w = facts;

	return spf_check(&w->q, talk, scratch, &w->r);
}

static json_t *
result_json(const struct cli *c, const struct spf_result *r,
    const struct dns_talk *talk)
{
	json_t *o = print_spf_json(r);
	json_t *explain;

	if (!c->explain)
		return o;
	explain = json_object();
	cli_set(explain, "spf", explain_spf_json(r));
	cli_set(explain, "questions", explain_questions_json(talk));
	cli_set(o, "explain", explain);
	return o;
}

static void
result_print(const struct cli *c, const struct spf_result *r,
    const struct dns_talk *talk)
{
	print_spf(r);
	if (!c->explain)
		return;
	explain_heading("The record, term by term");
	explain_spf(r);
	explain_questions(talk);
}

int
cmd_spf(struct cli *c)
{
	struct work w = {
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

	if (c->ip_text == NULL || c->helo == NULL)
		return cli_fail(c, EX_USAGE,
		    "--ip ADDR and --helo NAME say who is asked about; "
		    "--mail-from ADDR for which sender");
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
		status = cli_print_json(result_json(c, &w.r, job_talk(j)));
	else
		result_print(c, &w.r, job_talk(j));
	job_drop(j);
	return status;
}
