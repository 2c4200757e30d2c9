/*
 * cmd_dkim.c - avouch dkim: verifies the signatures of a message, topmost
 * first.  With --key it checks the key records of one selector.
 */
#include "cli/explain/explain.h"
#include "cli/message.h"
#include "cli/results.h"
#include "audit/dkim_explain.h"
#include "lib/buf.h"
#include "verify/core_options.h"

enum { TEXT_MAX = 1024 };

/* ---- signatures ---- */

static enum core_status
dkim_step_keys(
    void *facts, struct dns_questions *questions, struct arena *scratch)
{
	return dkim_keys(facts, questions, scratch);
}

static int
dkim_show_results(struct cli *c, struct message *m, const struct dkim *d,
    const struct dns_questions *questions)
{
	struct span body = span_skip(m->in.text, m->body);
	size_t n;
	const struct dkim_result *r = dkim_results(d, &n);
	json_t *o, *explain;

	if (!c->json) {
		results_dkim(r, n);
		if (dkim_unlisted(d) > 0)
			printf("%zu more signatures were not verified\n",
			    dkim_unlisted(d));
		if (c->explain) {
			explain_heading("Signatures, topmost first");
			explain_dkim(d, body, m->arena);
			explain_questions(questions);
		}
		return EX_OK;
	}
	o = results_dkim_json(r, n);
	if (c->explain) {
		explain = json_object();
		cli_set(explain, "dkim", explain_dkim_json(d, body, m->arena));
		cli_set(
		    explain, "questions", explain_questions_json(questions));
		cli_set(o, "explain", explain);
	}
	return cli_print_json(o);
}

static int
dkim_check_message(struct cli *c, struct message *m)
{
	struct dkim_options options = core_options_dkim(c->defaults);
	struct body_hashes *body_hashes = body_hashes_new(m->arena);
	struct dkim *d = body_hashes == NULL
	    ? NULL
	    : dkim_begin(m->arena, &options, &m->header, body_hashes,
		  m->from.domains, m->from.n_domains, c->now);
	struct dns_task *j = message_run(c, m, body_hashes, dkim_step_keys, d);
	int status = EX_TEMPFAIL;

	if (j != NULL) {
		dkim_finish(d);
		status = dkim_show_results(c, m, d, dns_task_questions(j));
	}
	dns_task_free(j);
	dkim_free(d);
	body_hashes_free(body_hashes);
	return status;
}

static int
dkim_check_file(struct cli *c)
{
	struct message m;
	int status = message_open(c, &m, c->args[0]);

	if (status != EX_OK)
		return status;
	status = cli_dns_open(c);
	if (status == EX_OK)
		status = dkim_check_message(c, &m);
	message_close(&m);
	return status;
}

/* ---- key records ---- */

struct key_query {
	struct span selector, domain;
	const struct dkim_options *options;
	struct explain_key key;
};

static enum core_status
step_key(void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct key_query *query = facts;

	return dkim_explain_key(query->selector, query->domain, query->options,
	    questions, scratch, &query->key);
}

static json_t *
key_record_json(const struct explain_record *r)
{
	json_t *o = explain_key_json(&r->key);
	json_t *advice = json_array();

	cli_set_span(o, "text", r->text);
	cli_set_number(o, "strings", r->strings);
	for (size_t i = 0; i < r->n_advice; i++)
		json_array_append_new(advice, cli_json(span_str(r->advice[i])));
	cli_set(o, "advice", advice);
	return o;
}

static json_t *
key_json(const struct explain_key *k)
{
	json_t *o = json_object();
	json_t *list = json_array();

	cli_set_span(o, "name", k->name);
	cli_set_text(o, "state", dns_state_name(k->state));
	cli_set_text(o, "fault",
	    k->state == DNS_FAILED ? dns_error_name(k->fault) : NULL);
	cli_set_span(o, "alias", k->alias);
	cli_set_bool(o, "good", k->is_good);
	cli_set_span(o, "verdict", k->verdict);
	for (size_t i = 0; i < k->n_records; i++)
		json_array_append_new(list, key_record_json(&k->records[i]));
	cli_set(o, "records", list);
	return o;
}

static void
print_key_record(const struct explain_record *r)
{
	char memory[TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	cli_line("  record", r->text);
	explain_key(&b, &r->key);
	cli_line("    key", buf_view(&b));
	for (size_t i = 0; i < r->n_advice; i++)
		cli_line_text("    advice", r->advice[i]);
}

static void
print_key(const struct explain_key *k)
{
	cli_line_text("key", k->is_good ? "good" : "not usable");
	cli_line("  name", k->name);
	cli_line("  alias of", k->alias);
	cli_line("  verdict", k->verdict);
	if (k->state == DNS_FAILED)
		cli_line_text("  DNS error", dns_error_name(k->fault));
	for (size_t i = 0; i < k->n_records; i++)
		print_key_record(&k->records[i]);
	if (k->n_all > k->n_records)
		printf("%-22s %zu more, not shown\n", "  records",
		    k->n_all - k->n_records);
}

static int
dkim_check_key(struct cli *c)
{
	struct dkim_options options = core_options_dkim(c->defaults);
	struct key_query query = { .selector = span_str(c->args[0]),
		.domain = span_str(c->args[1]),
		.options = &options };
	struct dns_task *j;
	int status = cli_dns_open(c);

	if (status != EX_OK)
		return status;
	j = dns_task_start(
	    c->dns, step_key, &query, CLI_QUESTIONS, CLI_SCRATCH);
	if (j == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	dns_task_wait(j, clock_ms() + CLI_WAIT_MS);
	if (query.key.name.p == NULL)
		status = cli_fail(c, EX_USAGE, "%s._domainkey.%s: %.*s",
		    c->args[0], c->args[1], SPAN_FMT(query.key.verdict));
	else if (c->json)
		cli_print_json(key_json(&query.key));
	else
		print_key(&query.key);
	dns_task_free(j);
	return status;
}

int
cmd_dkim(struct cli *c)
{
	if (c->key && c->n_args != 2)
		return cli_fail(c, EX_USAGE,
		    "--key takes a selector and a domain: avouch dkim --key "
		    "SELECTOR DOMAIN");
	if (!c->key && c->n_args != 1)
		return cli_fail(c, EX_USAGE,
		    "only one FILE is accepted; to check a key, run avouch "
		    "dkim "
		    "--key SELECTOR DOMAIN");
	return c->key ? dkim_check_key(c) : dkim_check_file(c);
}
