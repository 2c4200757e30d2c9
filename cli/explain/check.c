/*
 * check.c - avouch check --explain: prints all parts of the explanation.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/explain/explain.h"
#include "cli/input.h"

/* Input for all parts. */
struct explain_input {
	const struct explain_check *all;
	struct arena *arena;
	struct mail_header header;
	size_t body;                     /* offset of the body in the message */
	struct dns_questions *questions; /* DMARC's questions; NULL: none */
	json_t *question_list;           /* NULL if the output is text */
	size_t n_questions;
};

static void
collect_question(void *arg, const char *job, const struct dns_question *q)
{
	struct explain_input *l = arg;

	if (strcmp(job, "dmarc") == 0)
		l->questions = q->questions;
	l->n_questions++;
	if (l->question_list != NULL)
		json_array_append_new(
		    l->question_list, explain_question_json(job, q));
}

static void
print_question(void *arg, const char *job, const struct dns_question *q)
{
	(void)arg;
	explain_question(job, q);
}

/* Parses the message again, because the check's jobs own the header that they
 * parsed.  Returns false after printing an error. */
static bool
explain_input_open(struct explain_input *l, const struct cli *c,
    const struct explain_check *all)
{
	*l = (struct explain_input){ .all = all,
		.arena = arena_new(CLI_MEMORY) };
	if (l->arena == NULL) {
		cli_fail(c, EX_TEMPFAIL, "out of memory");
		return false;
	}
	l->body = mail_header_read(&l->header, l->arena, all->in->text);
	if (c->json)
		l->question_list = json_array();
	verify_each_question(all->m, collect_question, l);
	/* the check has ended: treat pending questions as failed */
	if (l->questions != NULL)
		dns_questions_expire(l->questions, DNS_ERROR_BUDGET);
	return true;
}

json_t *
explain_check_json(const struct cli *c, const struct explain_check *all)
{
	const struct verdict *v = all->v;
	json_t *o = json_object();
	struct span body;
	struct explain_input l;

	if (!explain_input_open(&l, c, all))
		return o;
	body = span_skip(all->in->text, l.body);
	cli_set(o, "spf_helo", explain_spf_json(&v->spf_helo));
	cli_set(o, "spf", explain_spf_json(&v->spf_mail_from));
	cli_set(o, "dkim", explain_dkim_json(v->dkim_state, body, l.arena));
	cli_set(o, "arc", explain_arc_json(&l.header, l.arena));
	cli_set(o, "dmarc", explain_dmarc_json(v, l.questions, l.arena));
	cli_set(o, "policy", explain_policy_json(all->conf, v));
	cli_set(o, "questions", l.question_list);
	arena_free(l.arena);
	return o;
}

static void
print_client(const struct cli *c, const struct verdict *v)
{
	char memory[IP_TEXT_MAX];
	struct buf ip = buf_wrap(memory, sizeof(memory));

	ip_put(&ip, &v->client);
	explain_heading("The client");
	cli_line("  address", buf_view(&ip));
	cli_line("  HELO", v->helo);
	cli_line("  MAIL FROM",
	    v->mail_from.n > 0 ? v->mail_from : SPAN("<> (the null sender)"));
	cli_line("  logged in as", v->auth_authen);
	if (c->config == NULL)
		cli_line_text("  configuration",
		    "built-in defaults; use --config FILE to change them");
	else
		cli_line_text("  configuration", c->config);
	if (v->facts.trusted_mta)
		cli_prose_text(2,
		    "It is in trusted_mtas: its mail has been checked before, "
		    "is not checked again, and keeps its header fields.");
	else if (v->skip != NULL)
		cli_prose_text(2,
		    "It is one of our own users: its mail is neither checked "
		    "nor refused.");
}

static void
print_checks(const struct explain_input *l)
{
	const struct verdict *v = l->all->v;

	explain_heading("SPF of the HELO name (RFC 7208 section 2.3)");
	explain_spf(&v->spf_helo);
	explain_heading(v->mail_from.n > 0
		? "SPF of the MAIL FROM domain (RFC 7208 section 2.4)"
		: "SPF of the MAIL FROM domain: the HELO name, because the "
		  "sender is null (RFC 7208 section 2.4)");
	explain_spf(&v->spf_mail_from);
	explain_heading("DKIM signatures (RFC 6376), topmost first");
	explain_dkim(
	    v->dkim_state, span_skip(l->all->in->text, l->body), l->arena);
	explain_heading("ARC (RFC 8617 section 5.2)");
	explain_arc(&l->header, &v->arc, l->arena);
	explain_heading("DMARC (RFC 9989)");
	explain_dmarc(v, l->questions, l->arena);
}

int
explain_check(const struct cli *c, const struct explain_check *all)
{
	struct explain_input l;

	if (!explain_input_open(&l, c, all))
		return EX_TEMPFAIL;
	print_client(c, all->v);
	if (all->v->skip == NULL)
		print_checks(&l);
	explain_heading("Policy: the action and its reason");
	explain_policy(all->conf, all->v);
	explain_heading(l.n_questions > 0 ? "DNS questions and answers"
					  : "DNS: no questions");
	verify_each_question(all->m, print_question, NULL);
	arena_free(l.arena);
	return EX_OK;
}
