/* explain_check.c - all parts of `avouch check --explain`, in their order */
#include <string.h>

#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/input.h"

struct look { /* what the parts are given */
	const struct explain_check *all;
	struct arena *arena;
	struct mail_header header;
	size_t body;           /* where it begins */
	struct dns_talk *talk; /* of DMARC's answers; NULL: nothing was asked */
	json_t *questions;     /* NULL: as text */
	size_t n_questions;
};

static void
take_question(void *arg, const char *job, const struct dns_question *q)
{
	struct look *l = arg;

	if (strcmp(job, "dmarc") == 0)
		l->talk = q->talk;
	l->n_questions++;
	if (l->questions != NULL)
		json_array_append_new(
		    l->questions, explain_question_json(job, q));
}

static void
put_question(void *arg, const char *job, const struct dns_question *q)
{
	(void)arg;
	explain_question(job, q);
}

/* The message once more; what the verdict's jobs have is theirs. */
static bool
look_open(struct look *l, const struct cli *c, const struct explain_check *all)
{
	*l = (struct look){ .all = all, .arena = arena_new(CLI_MEMORY) };
	if (l->arena == NULL) {
		cli_fail(c, EX_TEMPFAIL, "out of memory");
		return false;
	}
	l->body = mail_header_read(&l->header, l->arena, all->in->text);
	if (c->json)
		l->questions = json_array();
	verify_each_question(all->m, take_question, l);
	/* Whatever is not known by now will not be. */
	if (l->talk != NULL)
		dns_talk_give_up(l->talk, DNS_FAULT_BUDGET);
	return true;
}

json_t *
explain_check_json(const struct cli *c, const struct explain_check *all)
{
	const struct verdict *v = all->v;
	json_t *o = json_object();
	struct span body;
	struct look l;

	if (!look_open(&l, c, all))
		return o;
	body = span_skip(all->in->text, l.body);
	cli_set(o, "spf_helo", explain_spf_json(&v->spf_helo));
	cli_set(o, "spf", explain_spf_json(&v->spf_mail_from));
	cli_set(o, "dkim", explain_dkim_json(v->dkim_state, body, l.arena));
	cli_set(o, "arc", explain_arc_json(&l.header, l.arena));
	cli_set(o, "dmarc", explain_dmarc_json(v, l.talk, l.arena));
	cli_set(o, "policy", explain_policy_json(all->conf, v));
	cli_set(o, "questions", l.questions);
	arena_free(l.arena);
	return o;
}

static void
put_client(const struct cli *c, const struct verdict *v)
{
	char memory[IP_TEXT_MAX];
	struct buf ip = buf_over(memory, sizeof(memory));

	ip_put(&ip, &v->client);
	explain_heading("The client");
	cli_line("  address", buf_done(&ip));
	cli_line("  HELO", v->helo);
	cli_line("  MAIL FROM",
	    v->mail_from.n > 0 ? v->mail_from : SPAN("<> (the null sender)"));
	cli_line("  logged in as", v->auth_authen);
	if (c->config == NULL)
		cli_line_text("  configuration",
		    "built-in defaults; --config FILE for others");
	else
		cli_line_text("  configuration", c->config);
	if (v->facts.trusted_mta)
		cli_prose_text(2,
		    "It is in trusted_mtas: its mail was checked before, keeps "
		    "the fields it has, and is not checked again.");
	else if (v->skip != NULL)
		cli_prose_text(2,
		    "It is one of our own users: its mail is not checked, and "
		    "never refused.");
}

static void
put_checks(const struct look *l)
{
	const struct verdict *v = l->all->v;

	explain_heading("SPF of the HELO name (RFC 7208 section 2.3)");
	explain_spf(&v->spf_helo);
	explain_heading(v->mail_from.n > 0
		? "SPF of the MAIL FROM domain (RFC 7208 section 2.4)"
		: "SPF of the MAIL FROM domain: for the null sender that of "
		  "HELO (RFC 7208 section 2.4)");
	explain_spf(&v->spf_mail_from);
	explain_heading("DKIM (RFC 6376), signature by signature, top first");
	explain_dkim(
	    v->dkim_state, span_skip(l->all->in->text, l->body), l->arena);
	explain_heading("ARC (RFC 8617 section 5.2)");
	explain_arc(&l->header, &v->arc, l->arena);
	explain_heading("DMARC (RFC 9989)");
	explain_dmarc(v, l->talk, l->arena);
}

int
explain_check(const struct cli *c, const struct explain_check *all)
{
	struct look l;

	if (!look_open(&l, c, all))
		return EX_TEMPFAIL;
	put_client(c, all->v);
	if (all->v->skip == NULL)
		put_checks(&l);
	explain_heading("Policy: what is done with the message, and why");
	explain_policy(all->conf, all->v);
	explain_heading(l.n_questions > 0 ? "DNS questions and answers"
					  : "DNS: no questions");
	verify_each_question(all->m, put_question, NULL);
	arena_free(l.arena);
	return EX_OK;
}
