/*
 * cmd_dmarc.c - avouch dmarc: shows the DMARC policy that applies to a domain,
 * where the tree walk found it, what it means, and its problems.
 */
#include "cli/cli.h"
#include "cli/explain/explain.h"
#include "cli/results.h"
#include "audit/dmarc_lint.h"
#include "lib/buf.h"
#include "verify/dns_task.h"

enum {
	WALK_INDENT = 2,
	MEANING_COLUMN = 20, /* column of the explanation */
};

struct dmarc_query {
	struct span domain;
	struct dmarc_lint lint;
};

static enum core_status
dmarc_step_lint(
    void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct dmarc_query *query = facts;

	return dmarc_lint(query->domain, questions, scratch, &query->lint);
}

static json_t *
dmarc_meanings_json(const struct dmarc_explanation *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->n_meanings; i++) {
		json_t *o = json_object();

		cli_set_span(o, "tag", e->meanings[i].tag);
		cli_set_span(o, "value", e->meanings[i].value);
		cli_set_bool(o, "default", e->meanings[i].is_default);
		cli_set_span(o, "text", e->meanings[i].text);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
dmarc_cases_json(const struct dmarc_explanation *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->n_cases; i++) {
		const struct dmarc_case *k = &e->cases[i];
		json_t *o = json_object();

		cli_set_span(o, "from", k->from);
		cli_set_text(o, "tag", k->tag);
		cli_set_span(o, "record_domain", k->record_domain);
		cli_set_text(o, "policy",
		    k->tag != NULL ? dmarc_policy_name(k->policy) : NULL);
		cli_set_text(
		    o, "disposition", dmarc_policy_name(k->disposition));
		cli_set_span(o, "text", k->text);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
dmarc_lint_json(const struct dmarc_lint *l)
{
	const struct dmarc_step *policy = l->walk.policy;
	json_t *o = json_object();

	cli_set_span(o, "domain", l->domain);
	cli_set_bool(o, "exists", l->exists);
	cli_set_span(
	    o, "record", policy != NULL ? policy->record->text : SPAN_NONE);
	cli_set_span(
	    o, "policy_domain", policy != NULL ? policy->domain : SPAN_NONE);
	cli_set_span(o, "organizational_domain", l->walk.organizational_domain);
	cli_set(o, "walk", explain_walk_json(&l->explanation));
	cli_set(o, "meaning", dmarc_meanings_json(&l->explanation));
	cli_set(o, "applies", dmarc_cases_json(&l->explanation));
	cli_set(
	    o, "findings", results_findings_json(&l->findings, "name", false));
	return o;
}

static void
print_dmarc_cases(const struct dmarc_explanation *e)
{
	puts("\nPolicy for mail that fails DMARC, by author domain:");
	for (size_t i = 0; i < e->n_cases; i++) {
		fputs("  ", stdout);
		cli_put(e->cases[i].from);
		fputs(": ", stdout);
		cli_put(e->cases[i].text);
		putchar('\n');
	}
}

static void
print_dmarc_meanings(const struct dmarc_explanation *e)
{
	if (e->n_meanings > 0)
		puts("\nThe record, tag by tag:");
	for (size_t i = 0; i < e->n_meanings; i++) {
		const struct dmarc_meaning *m = &e->meanings[i];
		char memory[DMARC_TEXT_MAX];
		struct buf label = buf_wrap(memory, sizeof(memory));

		buf_span(&label, m->tag);
		buf_text(&label, m->is_default ? " (not set)" : "=");
		buf_span(&label, m->value);
		cli_entry(buf_view(&label), MEANING_COLUMN, m->text);
	}
}

static void
print_dmarc_lint(const struct cli *c, const struct dmarc_lint *l)
{
	const struct dmarc_explanation *e = &l->explanation;

	cli_line("domain", l->domain);
	if (!l->exists)
		cli_line_text("  exists", "no");
	cli_line("  organizational", l->walk.organizational_domain);
	if (l->walk.policy != NULL) {
		cli_line("  policy domain", l->walk.policy->domain);
		cli_line("  record", l->walk.policy->record->text);
	}
	print_dmarc_cases(e);
	if (c->explain) {
		puts("\nDNS tree walk (RFC 9989 section 4.10), all names "
		     "queried in parallel:");
		explain_walk(e, WALK_INDENT);
		print_dmarc_meanings(e);
	}
	results_findings(&l->findings);
}

static json_t *
questions_json(const struct dns_questions *questions)
{
	json_t *o = json_object();

	cli_set(o, "questions", explain_questions_json(questions));
	return o;
}

static void
dmarc_show_result(const struct cli *c, const struct dmarc_lint *l,
    const struct dns_questions *questions)
{
	json_t *o;

	if (!c->json) {
		print_dmarc_lint(c, l);
		if (c->explain)
			explain_questions(questions);
		return;
	}
	o = dmarc_lint_json(l);
	if (c->explain)
		cli_set(o, "explain", questions_json(questions));
	cli_print_json(o);
}

int
cmd_dmarc(struct cli *c)
{
	struct dmarc_query query = { .domain = span_str(c->args[0]) };
	int status = cli_dns_open(c);
	struct dns_task *j;

	if (status != EX_OK)
		return status;
	j = dns_task_start(
	    c->dns, dmarc_step_lint, &query, CLI_QUESTIONS, CLI_SCRATCH);
	if (j == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	dns_task_wait(j, clock_ms() + CLI_WAIT_MS);
	if (query.lint.domain.p == NULL)
		status = cli_fail(c, EX_USAGE,
		    "\"%s\": not a domain name; use a name such as example.com",
		    c->args[0]);
	else
		dmarc_show_result(c, &query.lint, dns_task_questions(j));
	dns_task_free(j);
	return status;
}
