/*
 * log_message.c - writes the log line of a message: client and sender, the
 * result of each method, the action and its rule, the number of DNS questions,
 * and the time taken.
 */
#include "lib/log.h"
#include "verify/internal.h"

enum { RESULTS_SHOWN_MAX = 10, RESULTS_TEXT_MAX = 1024 };

static void
log_ip(struct log_line *l, const char *key, const struct ip *ip)
{
	char memory[IP_TEXT_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));

	ip_put(&text, ip);
	log_span(l, key, buf_view(&text));
}

/* Logs a value such as "pass:example.org:sel,fail:example.net:s2"; domains and
 * selectors are host names. */
static void
log_dkim(struct log_line *l, const struct verdict *v)
{
	char memory[RESULTS_TEXT_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));

	for (size_t i = 0; i < v->n_dkim && i < RESULTS_SHOWN_MAX; i++) {
		const struct dkim_result *r = &v->dkim[i];

		if (i > 0)
			buf_text(&text, ",");
		buf_text(&text, dkim_code_name(r->code));
		buf_text(&text, ":");
		buf_span(&text, r->domain);
		buf_text(&text, ":");
		buf_span(&text, r->selector);
	}
	log_span(l, "dkim", v->n_dkim > 0 ? buf_view(&text) : SPAN("none"));
}

/* Our header field has only the domain of i=; the log has the whole value. */
static void
log_identities(struct log_line *l, const struct verdict *v)
{
	static const char *const keys[RESULTS_SHOWN_MAX] = { "dkim_i_1",
		"dkim_i_2", "dkim_i_3", "dkim_i_4", "dkim_i_5", "dkim_i_6",
		"dkim_i_7", "dkim_i_8", "dkim_i_9", "dkim_i_10" };

	for (size_t i = 0; i < v->n_dkim && i < RESULTS_SHOWN_MAX; i++)
		if (v->dkim[i].identity.n > 0 &&
		    v->dkim[i].identity.p[0] != '@')
			log_span(l, keys[i], v->dkim[i].identity);
}

static void
log_results(struct log_line *l, const struct verdict *v)
{
	log_text(l, "spf", spf_code_name(v->spf_mail_from.code));
	log_text(l, "spf_helo", spf_code_name(v->spf_helo.code));
	log_dkim(l, v);
	log_identities(l, v);
	log_text(l, "arc", arc_code_name(v->arc.code));
	log_text(l, "dmarc", dmarc_code_name(v->dmarc.code));
	if (v->dmarc.record != NULL)
		log_text(l, "policy", dmarc_policy_name(v->dmarc.policy));
	if (v->dmarc.policy_domain.n > 0)
		log_span(l, "policy_domain", v->dmarc.policy_domain);
	if (v->facts.from_fault != NULL)
		log_text(l, "from_fault", v->facts.from_fault);
}

void
verify_log(const struct verdict *v, struct span queue_id)
{
	const struct policy_decision *d = &v->decision;
	struct log_line l;

	log_begin(&l, LOG_LEVEL_INFO, "message");
	log_span(&l, "queue_id", queue_id);
	log_ip(&l, "client", &v->client);
	log_span(&l, "helo", v->helo);
	log_span(&l, "mail_from", v->mail_from);
	log_span(&l, "from", v->from.first);
	if (v->auth_authen.n > 0)
		log_span(&l, "auth", v->auth_authen);
	if (v->skip == NULL)
		log_results(&l, v);
	log_text(&l, "action", conf_action_name(d->action));
	if (d->would != d->action)
		log_text(&l, "would", conf_action_name(d->would));
	log_span(&l, "rule", d->rule);
	log_span(&l, "reason", d->reason);
	if (d->expired.n > 0)
		log_span(&l, "expired_override", d->expired);
	/* kept=0 is logged too: it means that the trusted MTA did not add our
	 * field, so no host has checked the mail. */
	if (v->facts.trusted_mta)
		log_number(&l, "kept", (int64_t)v->own->n);
	else if (v->own->n > 0)
		log_number(&l, "stripped", (int64_t)v->own->n);
	log_number(&l, "waves", v->waves);
	log_number(&l, "questions", v->questions);
	log_number(&l, "wait_ms", v->wait_ms);
	log_number(&l, "total_ms", v->total_ms);
	if (v->gave_up)
		log_text(&l, "gave_up", "yes");
	if (v->facts.overload)
		log_text(&l, "overload", "yes");
	log_end(&l);
}
