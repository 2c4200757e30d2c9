/*
 * cmd_spf.c - avouch spf: checks whether a client may send mail for a sender.
 * With --lint it reports errors and bad practice in a domain's record.
 */
#include "cli/cli.h"
#include "cli/explain/explain.h"
#include "cli/results.h"
#include "lib/domain.h"
#include "mail/address.h"
#include "audit/spf_lint.h"
#include "verify/dns_task.h"

/* ---- checking a client ---- */

struct spf_check_job {
	struct spf_query query;
	struct spf_result result;
};

static enum core_status
spf_step_check(
    void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct spf_check_job *job = facts;
	struct spf_query query = job->query;

	query.sender = mail_envelope_mailbox(scratch, query.sender);
	return spf_check(&query, questions, scratch, &job->result);
}

static json_t *
spf_result_json(const struct cli *c, const struct spf_result *r,
    const struct dns_questions *questions)
{
	json_t *o = results_spf_json(r);
	json_t *explain;

	if (!c->explain)
		return o;
	explain = json_object();
	cli_set(explain, "spf", explain_spf_json(r));
	cli_set(explain, "questions", explain_questions_json(questions));
	cli_set(o, "explain", explain);
	return o;
}

static void
print_spf_result(const struct cli *c, const struct spf_result *r,
    const struct dns_questions *questions)
{
	results_spf(r);
	if (!c->explain)
		return;
	explain_heading("The SPF record, term by term");
	explain_spf(r);
	explain_questions(questions);
}

static int
spf_check_client(struct cli *c)
{
	struct spf_check_job check = {
		.query = {
			.identity = SPF_IDENTITY_MAILFROM,
			.ip = c->ip,
			.helo = span_str(c->helo),
			.sender = span_str(c->mail_from),
			.receiver = span_str(c->receiver),
			.now = c->now,
			.trace = c->explain,
		},
	};
	struct dns_task *j = dns_task_start(
	    c->dns, spf_step_check, &check, CLI_QUESTIONS, CLI_SCRATCH);

	if (j == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	dns_task_wait(j, clock_ms() + CLI_WAIT_MS);
	if (c->mail_from == NULL || c->mail_from[0] == '\0')
		check.result.identity = SPF_IDENTITY_HELO;
	if (c->json)
		cli_print_json(
		    spf_result_json(c, &check.result, dns_task_questions(j)));
	else
		print_spf_result(c, &check.result, dns_task_questions(j));
	dns_task_free(j);
	return EX_OK;
}

/* ---- linting a record ---- */

struct spf_lint_job {
	struct span domain;
	struct spf_lint out;
};

static enum core_status
spf_step_lint(
    void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct spf_lint_job *l = facts;

	return spf_lint(l->domain, questions, scratch, &l->out);
}

static json_t *
spf_lint_json(const struct cli *c, const struct spf_lint *l,
    const struct dns_questions *questions)
{
	const size_t *counts = l->findings.counts;
	json_t *o = json_object();
	json_t *explain;

	cli_set_span(o, "domain", l->domain);
	cli_set_span(o, "record", l->record);
	cli_set_number(o, "lookups", l->lookups);
	cli_set_number(o, "void_lookups", l->void_lookups);
	cli_set_number(o, "records", l->records);
	cli_set_number(o, "errors", (int64_t)counts[AUDIT_ERROR]);
	cli_set_number(o, "warnings", (int64_t)counts[AUDIT_WARNING]);
	cli_set_number(o, "notes", (int64_t)counts[AUDIT_NOTE]);
	cli_set(
	    o, "findings", results_findings_json(&l->findings, "domain", true));
	cli_set_bool(o, "cut", l->findings.cut);
	if (c->explain) {
		explain = json_object();
		cli_set(
		    explain, "questions", explain_questions_json(questions));
		cli_set(o, "explain", explain);
	}
	return o;
}

static void
print_spf_lint(const struct cli *c, const struct spf_lint *l,
    const struct dns_questions *questions)
{
	cli_line("domain", l->domain);
	cli_line("  record", l->record);
	printf("%-22s up to %u of %d, void %u of %d\n", "  lookups", l->lookups,
	    SPF_MAX_LOOKUPS, l->void_lookups, SPF_MAX_VOID);
	printf("%-22s %u\n", "  records read", l->records);
	results_findings(&l->findings);
	if (c->explain)
		explain_questions(questions);
}

static int
spf_lint_domain(struct cli *c)
{
	struct spf_lint_job l = { .domain = span_str(c->args[0]) };
	struct dns_task *j = dns_task_start(
	    c->dns, spf_step_lint, &l, SPF_LINT_QUESTIONS, CLI_SCRATCH);
	int status = EX_OK;

	if (j == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	dns_task_wait(j, clock_ms() + CLI_WAIT_MS);
	if (domain_normal(dns_task_scratch(j), l.domain).p == NULL)
		status = cli_fail(c, EX_USAGE,
		    "\"%s\": not a domain name; use a name such as example.com",
		    c->args[0]);
	else if (c->json)
		cli_print_json(spf_lint_json(c, &l.out, dns_task_questions(j)));
	else
		print_spf_lint(c, &l.out, dns_task_questions(j));
	dns_task_free(j);
	return status;
}

/* ---- command ---- */

static int
spf_check_usage(const struct cli *c)
{
	bool envelope = c->ip_text != NULL || c->helo != NULL ||
	    c->mail_from != NULL || c->receiver != NULL;

	if (c->lint && (c->n_args != 1 || envelope))
		return cli_fail(c, EX_USAGE,
		    "--lint takes one domain and no client or sender: avouch "
		    "spf "
		    "--lint DOMAIN");
	if (!c->lint && c->n_args > 0)
		return cli_fail(c, EX_USAGE,
		    "%s: a domain is only used with --lint; give the sender "
		    "with "
		    "--mail-from",
		    c->args[0]);
	if (!c->lint && (c->ip_text == NULL || c->helo == NULL))
		return cli_fail(c, EX_USAGE,
		    "--ip ADDR and --helo NAME are required; --mail-from ADDR "
		    "is the sender to check");
	return EX_OK;
}

int
cmd_spf(struct cli *c)
{
	int status = spf_check_usage(c);

	if (status == EX_OK)
		status = cli_dns_open(c);
	if (status != EX_OK)
		return status;
	return c->lint ? spf_lint_domain(c) : spf_check_client(c);
}
