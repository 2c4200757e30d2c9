#include "verify/verify.h"

#include <limits.h>
#include <stdlib.h>

#include "dkim/crypto.h"
#include "dns/queue.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "mail/address.h"
#include "mail/authres.h"
#include "verify/core_options.h"
#include "verify/internal.h"

enum {
	CONNECTION_MEMORY = 64 * 1024, /* client names from the MTA */
	HELO_MEMORY = 16 * 1024,
	NAME_MAX_BYTES = 8 * 1024, /* longer names are ignored */
	/*
	 * DNS questions for each of SPF, DKIM and DMARC: more than a legitimate
	 * message can need under the RFCs (RFC 7208 section 4.6.4 allows about
	 * 110).
	 */
	QUESTIONS_MAX = 200,
	/* The tree walks that start at domains in list fields have a separate
	 * budget, so that they do not use up the questions for the author
	 * domain. */
	LIST_QUESTIONS =
	    DMARC_MAX_QUERIES * (MAIL_LIST_CLAIMS_MAX + DMARC_RELATED_MAX),
};

static enum core_status
spf_step(void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct spf_work *w = facts;

	return spf_check(&w->query, questions, scratch, &w->result);
}

bool
verify_start(void)
{
	return crypto_start();
}

/* ---- questions ---- */

static struct dns_task *
start_job(struct dns_source *queue, dns_task_core *step, void *facts)
{
	if (queue == NULL)
		return NULL;
	return dns_task_start(
	    queue, step, facts, QUESTIONS_MAX, VERIFY_SCRATCH);
}

static void
close_queue(struct dns_source *queue)
{
	if (queue != NULL)
		queue->close(queue);
}

/* ---- a connection ---- */

/* Returns the client address that the policy uses. */
static struct ip
policy_client(const struct verify_connection *c)
{
	static const struct ip loopback = { IP_V4, { 127, 0, 0, 1 } };

	return c->client.ip.family == IP_NONE && c->client.local ? loopback
								 : c->client.ip;
}

static struct span
copy_name(struct arena *a, struct span name)
{
	return name.n > NAME_MAX_BYTES ? SPAN_NONE : arena_copy(a, name);
}

struct verify_connection *
verify_connect(const struct conf *conf, struct dns_source *dns,
    const struct verify_client *client)
{
	struct verify_connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->conf = conf_ref(conf);
	c->dns = dns;
	c->arena = arena_new(CONNECTION_MEMORY);
	c->helo_arena = arena_new(HELO_MEMORY);
	if (c->arena == NULL || c->helo_arena == NULL) {
		verify_disconnect(c);
		return NULL;
	}
	c->client = *client;
	c->client.name = copy_name(c->arena, client->name);
	c->client.ptr = copy_name(c->arena, client->ptr);
	c->client.resolve = copy_name(c->arena, client->resolve);
	c->client.authserv_id = copy_name(c->arena, client->authserv_id);
	c->client.receiver = copy_name(c->arena, client->receiver);
	if (arena_has_failed(c->arena)) {
		verify_disconnect(c);
		return NULL;
	}
	return c;
}

static void
helo_end(struct verify_connection *c)
{
	dns_task_free(c->helo_task);
	close_queue(c->helo_dns);
	c->helo_task = NULL;
	c->helo_dns = NULL;
}

void
verify_helo(struct verify_connection *c, struct span helo)
{
	helo_end(c);
	arena_rewind(c->helo_arena);
	c->helo = copy_name(c->helo_arena, helo);
	c->helo_work = (struct spf_work){
		.query = {
			.identity = SPF_IDENTITY_HELO,
			.ip = c->client.ip,
			.helo = c->helo,
			.receiver = c->client.receiver,
			.now = c->client.now,
			.trace = c->client.trace,
		},
	};
	if (c->client.ip.family != IP_NONE &&
	    policy_skip(c->conf,
		&(struct policy_input){
		    .client = policy_client(c),
		    .trusted_mta = c->client.trusted_mta,
		}) == NULL) {
		c->helo_dns = dns_queue_open(c->dns);
		c->helo_task = start_job(c->helo_dns, spf_step, &c->helo_work);
	}
}

void
verify_disconnect(struct verify_connection *c)
{
	if (c == NULL)
		return;
	helo_end(c);
	arena_free(c->helo_arena);
	arena_free(c->arena);
	conf_unref(c->conf);
	free(c);
}

/* ---- a message ---- */

static struct span
sender_bare(struct span sender)
{
	sender = span_trim(sender);
	if (sender.n >= 2 && sender.p[0] == '<' &&
	    sender.p[sender.n - 1] == '>')
		sender = span_first(span_skip(sender, 1), sender.n - 2);
	return sender;
}

static void
spf_start(struct verify_message *m)
{
	struct verify_connection *c = m->c;

	if (c->client.ip.family == IP_NONE)
		return;
	m->spf.query = (struct spf_query){
		.identity = SPF_IDENTITY_MAILFROM,
		.ip = c->client.ip,
		.helo = c->helo,
		.sender = mail_envelope_mailbox(m->arena, m->verdict.mail_from),
		.receiver = c->client.receiver,
		.now = m->envelope.now,
		.trace = c->client.trace,
	};
	m->spf_task = start_job(m->dns, spf_step, &m->spf);
}

struct verify_message *
verify_mail(struct verify_connection *c, const struct verify_envelope *e)
{
	struct verify_message *m = calloc(1, sizeof(*m));
	struct verdict *v;

	if (m == NULL)
		return NULL;
	m->c = c;
	m->arena = arena_new(VERIFY_MEMORY);
	if (m->arena == NULL) {
		free(m);
		return NULL;
	}
	v = &m->verdict;
	m->envelope = *e;
	m->began = clock_ms();
	v->client = c->client.ip;
	v->client_port = c->client.port;
	v->header = &m->header;
	v->client_name = c->client.name;
	v->client_ptr = c->client.ptr;
	v->client_resolve = c->client.resolve;
	v->helo = c->helo;
	v->mail_from = arena_copy(m->arena, sender_bare(e->sender));
	if (e->auth_authen.p != NULL || e->auth_type.p != NULL) {
		v->auth_authen = arena_copy(m->arena, e->auth_authen);
		v->auth_type = arena_copy(m->arena, e->auth_type);
	}
	v->own = e->own;
	v->facts.client = policy_client(c);
	v->facts.trusted_mta = c->client.trusted_mta;
	v->facts.authenticated = e->auth_authen.n > 0 || e->auth_type.n > 0;
	v->facts.mail_from_domain =
	    domain_normal(m->arena, mail_envelope_domain(v->mail_from, NULL));
	v->skip = policy_skip(c->conf, &v->facts);
	if (v->skip == NULL) {
		m->dns = dns_queue_open(c->dns);
		spf_start(m);
	}
	return m;
}

void
verify_rcpt(struct verify_message *m, struct span recipient)
{
	struct span domain = domain_normal(
	    m->arena, mail_envelope_domain(sender_bare(recipient), NULL));

	if (domain.n == 0 || m->n_recipients >= VERIFY_RECIPIENTS_MAX)
		domain = SPAN(""); /* matches no pattern */
	for (size_t i = 0; i < m->n_recipients; i++)
		if (span_equal(m->recipients[i], domain))
			return;
	m->recipients[m->n_recipients++] = domain;
}

void
verify_header(struct verify_message *m, struct span name, struct span value)
{
	/* Do this before any limit applies, to note fields of any size. */
	own_fields_note(m->envelope.own, name, value);
	if (m->verdict.skip == NULL && !m->headers_ended &&
	    !mail_header_add(&m->header, m->arena, name, value))
		m->verdict.faulty = true;
}

static enum core_status
keys_step(void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct verify_message *m = facts;
	enum core_status dkim = dkim_keys(m->dkim, questions, scratch);
	enum core_status arc = arc_keys(m->arc, questions, scratch);

	return dkim == CORE_DONE && arc == CORE_DONE ? CORE_DONE : CORE_WAIT;
}

static enum core_status
dmarc_step(void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct verify_message *m = facts;

	return dmarc_ask(&m->dmarc_facts, questions, scratch);
}

static enum core_status
list_step(void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct verify_message *m = facts;

	return dmarc_ask_related(&m->dmarc_facts, m->list_domains,
	    m->n_list_claims, questions, scratch);
}

/* If the clock may be wrong, t= and x= are ignored: RFC 6376 section 3.5 does
 * not require checking them. */
static struct dkim_options
dkim_options_of(const struct verify_message *m)
{
	struct dkim_options o = core_options_dkim(m->c->conf);

	if (m->envelope.now_doubtful) {
		o.ignore_time = true;
	}
	return o;
}

void
verify_headers_end(struct verify_message *m)
{
	const struct conf *conf = m->c->conf;
	struct dkim_options dkim = dkim_options_of(m);
	struct verdict *v = &m->verdict;

	if (m->headers_ended || v->skip != NULL)
		return;
	m->headers_ended = true;
	m->deadline = clock_ms() + conf->timeout_ms;
	mail_from_read(&m->header, m->arena, &v->from);
	collect_from_header(m);
	m->body_hashes = body_hashes_new(m->arena);
	if (m->body_hashes != NULL) {
		m->dkim =
		    dkim_begin(m->arena, &dkim, &m->header, m->body_hashes,
			v->from.domains, v->from.n_domains, m->envelope.now);
		m->arc = arc_begin(m->arena, &dkim, &m->header, m->body_hashes,
		    m->envelope.now);
	}
	if (m->dkim == NULL || m->arc == NULL)
		v->faulty = true;
	else
		m->keys_task = start_job(m->dns, keys_step, m);
	collect_for_dmarc(m, false);
	m->dmarc_task = start_job(m->dns, dmarc_step, m);
	if (m->n_list_claims > 0 && m->dns != NULL)
		m->list_job = dns_task_start(
		    m->dns, list_step, m, LIST_QUESTIONS, VERIFY_SCRATCH);
}

bool
verify_body(struct verify_message *m, struct span chunk)
{
	if (m->keys_task == NULL || !body_hashes_needed(m->body_hashes))
		return false;
	body_hashes_add(m->body_hashes, chunk);
	return true;
}

/* Waits for one task and adds its cost to the verdict.  Returns false if a lack
 * of resources cut it short. */
static bool
finish_job(struct verify_message *m, struct dns_task *j)
{
	struct verdict *v = &m->verdict;
	struct dns_task_counts n;
	bool whole;

	if (j == NULL)
		return true;
	whole = dns_task_wait(j, m->deadline);
	if (!whole)
		v->gave_up = true;
	n = dns_task_count(j);
	v->questions += n.questions;
	if (n.waves > v->waves)
		v->waves = n.waves;
	return whole;
}

static void
finish_jobs(struct verify_message *m)
{
	(void)finish_job(m, m->c->helo_task);
	m->spf_cut = !finish_job(m, m->spf_task) ||
	    (m->spf_task == NULL && m->c->client.ip.family != IP_NONE);
	m->keys_cut = !finish_job(m, m->keys_task) || m->keys_task == NULL;
	m->dmarc_cut = !finish_job(m, m->dmarc_task) || m->dmarc_task == NULL;
	m->list_cut = !finish_job(m, m->list_job) ||
	    (m->list_job == NULL && m->n_list_claims > 0);
}

static void
announce_wait(struct verify_message *m)
{
	struct dns_task *jobs[] = {
		m->c->helo_task,
		m->spf_task,
		m->keys_task,
		m->dmarc_task,
		m->list_job,
	};
	int64_t until = clock_ms() + VERIFY_GRACE_MS;
	bool done = true;

	if (m->envelope.waits == NULL)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(jobs) && done; i++)
		done = jobs[i] == NULL || dns_task_done_by(jobs[i], until);
	if (!done)
		m->envelope.waits();
}

/* Waits until every question is answered, or the message's time is up. */
static void
wait_for_dns(struct verify_message *m)
{
	struct dns_task *const jobs[] = {
		m->c->helo_task,
		m->spf_task,
		m->keys_task,
		m->dmarc_task,
		m->list_job,
	};
	bool done = true;

	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		if (jobs[i] != NULL && !dns_task_done_by(jobs[i], m->deadline))
			done = false;
	if (done)
		return;
	if (m->c->helo_dns != NULL)
		dns_queue_expire(m->c->helo_dns);
	if (m->dns != NULL)
		dns_queue_expire(m->dns);
}

/* Returns the task's SPF result, or one that says why there is none. */
static struct spf_result
spf_result_of(const struct verify_message *m, const struct dns_task *j,
    const struct spf_work *w, bool asked)
{
	struct spf_result r = { .code = SPF_NONE };

	if (j != NULL)
		return w->result;
	if (m->c->client.ip.family == IP_NONE && m->c->client.local) {
		r.reason = SPAN("not received by SMTP");
	} else if (m->c->client.ip.family == IP_NONE && asked) {
		/* RFC 7208 section 2.6.6: nothing is known for or against the
		 * client, and the next attempt may succeed. */
		r.code = SPF_TEMPERROR;
		r.reason = SPAN("the client's address is unknown");
	} else if (asked) {
		r.code = SPF_TEMPERROR;
		r.reason = SPAN("out of memory");
	}
	return r;
}

static void
finish_spf(struct verify_message *m)
{
	const struct verify_connection *c = m->c;
	struct verdict *v = &m->verdict;

	v->spf_mail_from = spf_result_of(m, m->spf_task, &m->spf, true);
	v->spf_mail_from.identity = SPF_IDENTITY_MAILFROM;
	v->spf_helo =
	    spf_result_of(m, c->helo_task, &c->helo_work, c->helo.p != NULL);
	v->spf_helo.identity = SPF_IDENTITY_HELO;
}

static void
finish_signatures(struct verify_message *m)
{
	struct verdict *v = &m->verdict;

	if (m->keys_task == NULL)
		return;
	dkim_finish(m->dkim);
	v->dkim = dkim_results(m->dkim, &v->n_dkim);
	for (size_t i = 0; i < v->n_dkim; i++)
		m->keys_cut = m->keys_cut || v->dkim[i].cut_short;
	v->dkim_unlisted = dkim_unlisted(m->dkim);
	v->dkim_state = m->dkim;
	arc_finish(m->arc, &v->arc);
}

static void
dmarc_lost(struct dmarc_result *out)
{
	out->code = DMARC_TEMPERROR;
	out->disposition = DMARC_POLICY_NONE;
	out->reason = SPAN("out of memory");
}

static void
finish_dmarc(struct verify_message *m)
{
	struct dmarc_result *out = &m->verdict.dmarc;

	collect_for_dmarc(m, true);
	m->verdict.dmarc_facts = &m->dmarc_facts;
	m->out_of_memory = m->dmarc_task == NULL || m->keys_task == NULL ||
	    arena_has_failed(m->c->helo_arena);
	if (m->dmarc_task == NULL) {
		dmarc_lost(out);
		return;
	}
	/* dmarc_ask() has asked every question that may be needed. */
	if (dmarc_check(&m->dmarc_facts, dns_task_questions(m->dmarc_task),
		m->arena, out) == CORE_WAIT) {
		m->verdict.gave_up = m->dmarc_cut = true;
		dns_questions_expire(
		    dns_task_questions(m->dmarc_task), DNS_ERROR_BUDGET);
		(void)dmarc_check(&m->dmarc_facts,
		    dns_task_questions(m->dmarc_task), m->arena, out);
	}
	if (out->alias_growth > 0) {
		m->mailbox_growth = out->alias_growth;
		collect_fault(m);
		if (m->dmarc_facts.authors_fault != NULL)
			(void)dmarc_check(&m->dmarc_facts,
			    dns_task_questions(m->dmarc_task), m->arena, out);
	}
	/* An author or signature may be missing only because memory ran out. */
	m->out_of_memory = m->out_of_memory || arena_has_failed(m->arena);
	if (m->out_of_memory &&
	    (out->code == DMARC_FAIL || out->code == DMARC_PERMERROR)) {
		m->verdict.faulty = true;
		dmarc_lost(out);
	}
}

/* Call this after finish_dmarc(), which puts the results into the facts. */
static void
finish_list(struct verify_message *m)
{
	if (m->list_job != NULL)
		(void)dmarc_find_related(&m->dmarc_facts, m->list_domains,
		    m->n_list_claims, dns_task_questions(m->list_job), m->arena,
		    &m->list_related);
}

/* Rejects even in monitor mode: such mail is only meant to exhaust the MTA. */
static void
refuse_forgery(struct policy_decision *out)
{
	*out = (struct policy_decision){
		.action = CONF_REJECT,
		.would = CONF_REJECT,
		.rule = SPAN("limit.forged_fields"),
		.reason = SPAN("too many fields claim to come from this host"),
		.disposition = DMARC_POLICY_REJECT,
		.override = POLICY_OVERRIDE_LOCAL,
		.code = 550,
		.enhanced = "5.7.1",
		.text =
		    SPAN("too many header fields claim to come from this host "
			 "(rule limit.forged_fields)"),
	};
}

const struct verdict *
verify_finish(struct verify_message *m)
{
	struct verdict *v = &m->verdict;
	int64_t began = clock_ms();

	if (v->skip == NULL) {
		verify_headers_end(m);
		if (m->body_hashes != NULL)
			body_hashes_end(m->body_hashes);
		announce_wait(m);
		wait_for_dns(m);
		finish_jobs(m);
		v->wait_ms = clock_ms() - began;
		finish_spf(m);
		finish_signatures(m);
		finish_dmarc(m);
		finish_list(m);
	}
	collect_for_policy(m);
	policy_decide(
	    m->c->conf, &v->facts, m->envelope.now, m->arena, &v->decision);
	if (v->facts.trusted_mta) {
		v->total_ms = clock_ms() - m->began;
		return v;
	}
	if (v->own->n > OWN_FIELDS_MAX)
		refuse_forgery(&v->decision);
	if (v->decision.action == CONF_ANNOTATE)
		v->annotation = v->decision.rule;
	v->authentication_results = authres_field_write(m);
	v->total_ms = clock_ms() - m->began;
	return v;
}

void
verify_each_question(struct verify_message *m,
    void (*each)(void *arg, const char *job, const struct dns_question *q),
    void *arg)
{
	const struct {
		const char *name;
		struct dns_task *job;
	} jobs[] = {
		{ "spf helo", m->c->helo_task },
		{ "spf mailfrom", m->spf_task },
		{ "keys", m->keys_task },
		{ "dmarc", m->dmarc_task },
		{ "list", m->list_job },
	};

	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		if (jobs[i].job == NULL)
			continue;
		for (const struct dns_question *q =
			 dns_questions_first(dns_task_questions(jobs[i].job));
		     q != NULL; q = q->next)
			each(arg, jobs[i].name, q);
	}
}

void
verify_end(struct verify_message *m)
{
	if (m == NULL)
		return;
	dns_task_free(m->spf_task);
	dns_task_free(m->keys_task);
	dns_task_free(m->dmarc_task);
	dns_task_free(m->list_job);
	close_queue(m->dns);
	dkim_free(m->dkim);
	arc_free(m->arc);
	body_hashes_free(m->body_hashes);
	arena_free(m->arena);
	free(m);
}
