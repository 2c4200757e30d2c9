/* domain.c - avouch audit DOMAIN */
#include <stdlib.h>

#include "audit/domain/certificate.h"
#include "cli/audit/audit.h"
#include "cli/audit/fetch.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "verify/core_options.h"
#include "verify/dns_task.h"

enum { PROGRESS_MS = 100 };

static enum core_status
audit_step(void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct audit_task *t = facts;

	return audit_domain(&t->query, questions, scratch, &t->result);
}

static int
audit_read_query(struct cli *c, struct audit_task *t, struct span domain,
    const struct audit_learning *l, const struct audit_learned *learned)
{
	t->dkim = core_options_dkim(c->defaults);
	t->query = (struct audit_query){
		.domain = domain,
		.selectors = t->selectors,
		.outgoing = t->outgoing,
		.bounced = l->bounced,
		.n_bounced = l->n_bounced,
		.dkim = &t->dkim,
		.now = c->now,
	};
	for (size_t i = 0; i < c->selectors.n; i++)
		t->selectors[t->query.n_selectors++] =
		    span_str(c->selectors.values[i]);
	if (learned != NULL) {
		t->query.seen = learned->seen;
		t->query.n_seen = learned->n_seen;
		t->query.passing = learned->passing;
		t->query.n_passing = learned->n_passing;
		t->query.reports = learned->reports;
	}
	for (size_t i = 0; i < l->n_outgoing; i++)
		t->outgoing[t->query.n_outgoing++] = l->outgoing[i];
	for (size_t i = 0;
	     i < c->outgoing.n && t->query.n_outgoing < CLI_LIST_MAX; i++)
		if (!ip_parse(span_str(c->outgoing.values[i]),
			&t->outgoing[t->query.n_outgoing++]))
			return cli_fail(c, EX_USAGE,
			    "--outgoing %s: not an IP address; write it as "
			    "192.0.2.1 or 2001:db8::1",
			    c->outgoing.values[i]);
	return EX_OK;
}

/* Waits for the answers, with a progress bar that shows the number of
 * questions. */
static void
audit_show_wait(struct dns_task *j, int64_t deadline)
{
	struct progress p;

	progress_begin(&p, CLI_WAIT_MS);
	while (clock_ms() < deadline &&
	    !dns_task_done_by(j, clock_ms() + PROGRESS_MS))
		progress_show(&p,
		    (uint64_t)(CLI_WAIT_MS - (deadline - clock_ms())),
		    dns_task_count(j).questions, "DNS questions");
	progress_clear(&p);
}

/* ---- HTTPS and SMTP ---- */

struct host_task {
	struct fetch_host host;
	struct audit_failure failure; /* a failed question; name absent: none */
};

static enum core_status
find_addresses(
    void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct host_task *t = facts;
	const enum dns_type types[] = { DNS_A, DNS_AAAA };
	bool waits = false;

	(void)scratch;
	t->host.n = 0;
	for (size_t i = 0; i < 2; i++) {
		const struct dns_answer *answer =
		    dns_ask(questions, t->host.name, types[i]);

		waits |= answer->state == DNS_PENDING;
		if (answer->state == DNS_FAILED)
			t->failure = (struct audit_failure){ t->host.name,
				types[i], answer->fault };
		for (size_t k = 0;
		     k < answer->n_records && t->host.n < FETCH_ADDRESSES_MAX;
		     k++)
			t->host.addresses[t->host.n++] = answer->records[k].ip;
	}
	return waits ? CORE_WAIT : CORE_DONE;
}

/* Looks up the addresses of a host.  If a question fails and no address is
 * known, lists the failure and returns false. */
static bool
find_host(struct cli *c, struct audit_domain *d, struct span name,
    struct fetch_host *out)
{
	struct host_task t = { .host = { .name = name } };
	struct dns_task *j = dns_task_start(
	    c->dns, find_addresses, &t, CLI_QUESTIONS, CLI_SCRATCH);

	if (j != NULL)
		dns_task_wait(j, clock_ms() + CLI_WAIT_MS);
	dns_task_free(j);
	*out = t.host;
	if (j != NULL && (t.failure.name.p == NULL || t.host.n > 0))
		return true;
	d->is_unsure = true;
	if (j != NULL && d->n_failures < AUDIT_FAILED_MAX)
		d->failures[d->n_failures++] = t.failure;
	return false;
}

/* Fetches the MTA-STS policy.  Returns whether it is enforced. */
static bool
fetch_policy_of(struct cli *c, struct audit_domain *d, struct arena *a)
{
	struct buf name = buf_alloc(a, DOMAIN_MAX + sizeof("mta-sts."));
	struct fetch_policy policy;
	struct fetch_host host;

	buf_text(&name, "mta-sts.");
	buf_span(&name, d->domain);
	d->is_unsure |= name.full;
	if (!d->has_sts || c->no_https || name.full ||
	    !find_host(c, d, buf_view(&name), &host) ||
	    (host.n == 0 && c->zone != NULL))
		return audit_sts(d, a, SPAN_NONE, NULL);
	if (!fetch_sts_policy(&host, a, &policy)) {
		d->is_unsure = true;
		return audit_sts(d, a, SPAN_NONE, NULL);
	}
	return audit_sts(
	    d, a, policy.text, policy.text.p == NULL ? policy.why : NULL);
}

/* Reads the certificate from the file given with --cert; it is checked as if
 * the host had sent it. */
static int
read_certificate(struct cli *c, struct arena *a, struct audit_smtp *out)
{
	char error[256];
	struct input in;

	if (!input_open(&in, c->cert, error, sizeof(error)))
		return cli_fail(c, EX_DATAERR, "--cert %s", error);
	*out = (struct audit_smtp){ .has_tls = true };
	out->n_chain = certificate_read_chain(a, in.text, out->chain);
	input_close(&in);
	if (out->n_chain == 0 && arena_has_failed(a))
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	if (out->n_chain == 0)
		return cli_fail(c, EX_DATAERR,
		    "--cert %s: not a certificate; use a PEM file", c->cert);
	return EX_OK;
}

static int
audit_hosts(struct cli *c, struct audit_domain *d, struct arena *a)
{
	struct audit_smtp *smtp = arena_alloc(a, sizeof(*smtp));
	bool enforced = fetch_policy_of(c, d, a);
	int status = EX_OK;

	if (smtp == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	if (c->cert != NULL)
		status = read_certificate(c, a, smtp);
	if (status != EX_OK)
		return status;
	for (size_t i = 0; i < d->n_hosts; i++) {
		struct fetch_host host;

		if (c->smtp) {
			if (!find_host(c, d, d->hosts[i].name, &host))
				continue;
			if (!fetch_smtp(&host, a, smtp)) {
				d->is_unsure = true;
				continue;
			}
		}
		if (c->smtp || c->cert != NULL)
			audit_smtp_host(d, a, &d->hosts[i], smtp, enforced);
	}
	return EX_OK;
}

static int
audit_show(struct cli *c, const struct audit_domain *d)
{
	int status = audit_status(c, &d->findings, d->is_unsure);
	int page = c->html != NULL ? audit_write_page(c, d) : EX_OK;

	if (page != EX_OK)
		return page;
	if (c->json)
		cli_print_json(audit_domain_json(d));
	else if (c->html == NULL)
		audit_show_domain(d);
	return status;
}

int
audit_task_begin(struct cli *c, struct audit_task *t, struct span domain,
    const struct audit_learning *l, const struct audit_learned *learned)
{
	int status;

	*t = (struct audit_task){ .deadline = clock_ms() + CLI_WAIT_MS };
	status = audit_read_query(c, t, domain, l, learned);
	if (status != EX_OK)
		return status;
	t->dns =
	    dns_task_start(c->dns, audit_step, t, CLI_QUESTIONS, CLI_SCRATCH);
	return t->dns != NULL ? EX_OK
			      : cli_fail(c, EX_TEMPFAIL, "out of memory");
}

int
audit_task_end(struct cli *c, struct audit_task *t, bool shows_progress)
{
	int status;

	if (shows_progress)
		audit_show_wait(t->dns, t->deadline);
	dns_task_wait(t->dns, t->deadline);
	if (t->result.domain.p == NULL)
		return cli_fail(c, EX_USAGE,
		    "\"%.*s\": not a domain name; use a name such as "
		    "example.com",
		    SPAN_FMT(t->query.domain));
	status = audit_hosts(c, &t->result, dns_task_scratch(t->dns));
	audit_domain_grade(&t->result);
	return status;
}

void
audit_task_free(struct audit_task *t)
{
	dns_task_free(t->dns);
	t->dns = NULL;
}

/* Reads the facts from --config and --store, if they are given. */
static int
audit_learn_given(struct cli *c, struct audit_learning *l)
{
	struct report_store store = { .ledger = NULL };
	const struct conf *conf = NULL;
	int status = EX_OK;

	if (c->store != NULL)
		status = report_open(c, SQLITE_FOR_READING, &store);
	if (status == EX_OK && c->config != NULL) {
		conf = cli_conf_read(c->config);
		status = conf != NULL ? EX_OK : EX_CONFIG;
	}
	if (status == EX_OK)
		status = audit_learn(
		    c, conf, store.ledger != NULL ? &store : NULL, l);
	conf_unref(conf);
	if (store.ledger != NULL)
		report_close(&store);
	return status;
}

static int
audit_run_one(struct cli *c, struct audit_task *t, struct arena *a)
{
	struct span typed = span_str(c->args[0]);
	struct span domain = domain_normal(a, typed);
	struct audit_learning l;
	int status = EX_OK;

	if (!audit_learning_init(&l, a, &domain, domain.p != NULL ? 1 : 0))
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	if (domain.p != NULL) /* otherwise the audit reports the invalid name */
		status = audit_learn_given(c, &l);
	if (status == EX_OK)
		status = cli_dns_open(c);
	if (status == EX_OK)
		status = audit_task_begin(
		    c, t, typed, &l, domain.p != NULL ? l.list : NULL);
	if (status == EX_OK)
		status = audit_task_end(c, t, true);
	if (status == EX_OK)
		status = audit_show(c, &t->result);
	audit_task_free(t);
	return status;
}

int
audit_run_domain(struct cli *c)
{
	struct audit_task *t = calloc(1, sizeof(*t));
	struct arena *a = arena_new(CLI_MEMORY);
	int status = t != NULL && a != NULL
	    ? audit_run_one(c, t, a)
	    : cli_fail(c, EX_TEMPFAIL, "out of memory");

	arena_free(a);
	free(t);
	return status;
}
