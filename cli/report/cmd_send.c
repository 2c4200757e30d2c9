/*
 * cmd_send.c - avouch report send and avouch report failures: create the
 * reports that are due and pass them to the mail system.
 */
#include <string.h>

#include "cli/report/cmd_report.h"
#include "lib/domain.h"
#include "lib/scan.h"
#include "report/send/external_destination.h"
#include "lib/date.h"
#include "report/send/run.h"

enum { DOMAINS_MAX = 100, DAY_MAX = 40 };

struct send_job {
	const struct cli *c;
	struct arena *arena;
	struct send_options o;
	enum send_end (*send)(const struct send_options *o, char *error);
	struct span domains[DOMAINS_MAX];
	uint64_t count[SEND_KINDS];
	json_t *list; /* events; NULL without --json */
};

static void
send_add_event_json(
    struct send_job *w, const struct send_event *e, const char *day)
{
	json_t *o = json_object();

	cli_set_text(o, "what", send_kind_name(e->kind));
	cli_set_text(o, "day", day);
	cli_set_span(o, "domain", e->domain);
	cli_set_span(o, "report_id", e->report_id);
	cli_set_span(o, "destination", e->destination);
	cli_set_number(o, "part", (int64_t)e->part);
	cli_set_number(o, "parts", (int64_t)e->parts);
	cli_set_number(o, "rows", (int64_t)e->rows);
	cli_set_number(o, "messages", (int64_t)e->messages);
	cli_set_span(o, "note", e->note);
	json_array_append_new(w->list, o);
}

static void
send_on_event(void *arg, const struct send_event *e)
{
	struct send_job *w = arg;
	char memory[DAY_MAX];
	struct buf day = buf_wrap(memory, sizeof(memory));

	w->count[e->kind]++;
	if (w->o.mails != NULL)
		return;
	date_put_day(&day, e->day);
	if (w->list != NULL) {
		send_add_event_json(w, e, memory);
		return;
	}
	/* a planned report is printed when it is sent, except in a dry run */
	if (e->kind == SEND_PLANNED && !w->o.dry_run)
		return;
	printf("%-8s %s", send_kind_name(e->kind), memory);
	if (e->domain.n > 0) {
		putchar(' ');
		cli_put(e->domain);
	}
	if (e->destination.n > 0) {
		fputs(" to ", stdout);
		cli_put(e->destination);
	}
	if (e->parts > 1)
		printf(" part %llu/%llu", (unsigned long long)e->part,
		    (unsigned long long)e->parts);
	if (e->domain.n > 0)
		printf(" messages %llu", (unsigned long long)e->messages);
	if (e->note.n > 0) {
		fputs(": ", stdout);
		cli_put(e->note);
	}
	putchar('\n');
}

/* Parses --day, --domain D,D,... and --dry-run. */
static int
send_read_options(struct cli *c, struct send_job *w)
{
	struct scan s = scan_of(span_str(c->domain != NULL ? c->domain : ""));

	w->o.day = -1;
	if (c->day != NULL &&
	    !report_day_read(span_str(c->day), c->now, &w->o.day))
		return cli_fail(c, EX_USAGE,
		    "--day %s: must be a date such as 2026-12-31, or yesterday",
		    c->day);
	while (!scan_done(&s)) {
		struct span name =
		    domain_normal(w->arena, span_trim(scan_until(&s, ',')));

		scan_byte(&s, ',');
		if (name.p == NULL)
			return cli_fail(c, EX_USAGE,
			    "--domain %s: must be domain names separated by "
			    "commas",
			    c->domain);
		if (w->o.n_domains == DOMAINS_MAX)
			return cli_fail(c, EX_USAGE,
			    "--domain: at most %d domains are allowed",
			    DOMAINS_MAX);
		w->domains[w->o.n_domains++] = name;
	}
	w->o.domains = w->domains;
	w->o.dry_run = c->dry_run;
	if (!c->print_mails)
		return EX_OK;
	if (!c->dry_run || c->json)
		return cli_fail(c, EX_USAGE,
		    "--print: requires --dry-run, and cannot be used with "
		    "--json");
	w->o.mails = stdout;
	return EX_OK;
}

/* Checks our own address by the same rules as an address in rua=. */
static struct span
send_own_address(struct arena *a, const char *email)
{
	char memory[400];
	struct buf uri = buf_wrap(memory, sizeof(memory));

	buf_text(&uri, "mailto:");
	buf_text(&uri, email);
	return uri.full ? SPAN_NONE : destination_address(a, buf_view(&uri));
}

static int
send_read_conf(struct cli *c, const struct conf *conf, struct send_job *w)
{
	struct send_options *o = &w->o;

	if (conf->report.email == NULL)
		return cli_fail(c, EX_CONFIG,
		    "report { email = ... } is not set; set it to the address "
		    "that reports are sent from");
	o->email = send_own_address(w->arena, conf->report.email);
	if (o->email.p == NULL)
		return cli_fail(c, EX_CONFIG,
		    "report { email = \"%s\" }: must be a plain address such "
		    "as dmarc-reports@example.org",
		    conf->report.email);
	o->org_name = span_str(conf->report.org_name);
	if (o->org_name.n == 0)
		o->org_name =
		    span_skip(o->email, span_rindex(o->email, '@') + 1);
	o->compat = conf->report.xml_format == CONF_XML_STRICT
	    ? AGGREGATE_STRICT
	    : AGGREGATE_BROAD;
	o->max_per_address = SEND_PER_ADDRESS;
	o->max_rows = SEND_ROWS;
	o->max_size = SEND_SIZE;
	o->bounce_pause = SEND_BOUNCE_PAUSE;
	o->failures = conf->report.failure_reports;
	o->failures_per_domain = SEND_FAILURES_PER_DOMAIN;
	o->failures_per_day = SEND_FAILURES_PER_DAY;
	if (c->zone == NULL && c->nameserver == NULL)
		c->zone = conf->zone;
	c->dns_conf = conf;
	return EX_OK;
}

static int
send_finish(
    struct cli *c, struct send_job *w, enum send_end end, const char *error)
{
	int status = EX_OK;

	switch (end) {
	case SEND_DONE:
	case SEND_LEFT:
		break;
	case SEND_EARLY:
		status = cli_fail(c, EX_USAGE,
		    "--day %s: this day has not ended yet (UTC)", c->day);
		break;
	case SEND_FAULT:
		status = cli_fail(c, EX_TEMPFAIL, "%s", error);
		break;
	}
	if (w->list != NULL) {
		json_t *o = json_object();

		cli_set_bool(o, "dry_run", w->o.dry_run);
		cli_set_bool(o, "complete", end == SEND_DONE);
		for (int i = 0; i < SEND_KINDS; i++)
			cli_set_number(o, send_kind_name((enum send_kind)i),
			    (int64_t)w->count[i]);
		cli_set(o, "events", w->list);
		w->list = NULL;
		if (cli_print_json(o) != EX_OK && status == EX_OK)
			status = EX_IOERR;
	} else if (status == EX_OK && w->o.mails == NULL) {
		printf("%s %llu, nothing to send for %llu, unknown %llu, "
		       "waiting %llu, dropped %llu\n",
		    w->o.dry_run ? "would send" : "sent",
		    (unsigned long long)
			w->count[w->o.dry_run ? SEND_PLANNED : SEND_SENT],
		    (unsigned long long)w->count[SEND_NOTHING],
		    (unsigned long long)w->count[SEND_UNKNOWN],
		    (unsigned long long)w->count[SEND_WAITING],
		    (unsigned long long)w->count[SEND_DROPPED]);
	}
	return status;
}

/* Prints that failure reports are off.  This is not an error, because the timer
 * runs the command anyway. */
static int
send_report_disabled(struct cli *c, struct send_job *w)
{
	if (c->json)
		return send_finish(c, w, SEND_DONE, "");
	puts("failure reports are off; to turn them on, set report { "
	     "failure_reports = true }");
	return EX_OK;
}

static struct ledger *
send_open_ledger(const void *arg, char *error)
{
	return ledger_open(arg, SQLITE_FOR_READING, error);
}

/* Forks the process that runs sendmail.  Must be called before the store is
 * opened and before any thread is started. */
static int
send_start_worker(
    struct cli *c, const struct report_store *store, struct send_job *w)
{
	char error[SQL_ERROR_MAX] = "";
	struct worker_options o = {
		.open = send_open_ledger,
		.arg = store->name,
		.program = store->conf->report.sendmail,
		.from = w->o.email.p,
		.seconds = SEND_SENDMAIL_SECONDS,
	};

	if (w->o.dry_run)
		return EX_OK;
	switch (worker_start(&o, &w->o.worker, error)) {
	case WORKER_READY:
		return EX_OK;
	case WORKER_BUSY:
		return cli_fail(c, EX_TEMPFAIL,
		    "another run is in progress%s%s",
		    error[0] != '\0' ? ": " : "", error);
	case WORKER_FAULT:
		break;
	}
	return report_cannot_open(c, store, error);
}

static int
send_run_open(struct cli *c, struct report_store *store, struct send_job *w)
{
	char error[SEND_ERROR_MAX] = "";
	int status = cli_dns_open(c);

	if (status != EX_OK)
		return status;
	w->o.ledger = store->ledger;
	w->o.dns = c->dns;
	w->o.now = c->now;
	w->o.on_event = send_on_event;
	w->o.arg = w;
	return send_finish(c, w, w->send(&w->o, error), error);
}

static int
send_run_with(struct cli *c, struct report_store *store, struct send_job *w)
{
	int status = send_read_conf(c, store->conf, w);

	if (status == EX_OK && w->send == send_run_failures && !w->o.failures)
		return send_report_disabled(c, w);
	if (status == EX_OK)
		status = send_start_worker(c, store, w);
	if (status == EX_OK)
		status = report_open_ledger(c, SQLITE_FOR_READING, store);
	if (status == EX_OK)
		status = report_check_clock(c, store);
	if (status == EX_OK)
		status = send_run_open(c, store, w);
	worker_end(w->o.worker);
	return status;
}

static int
send_job_run(struct cli *c, struct send_job *w)
{
	struct report_store store;
	int status = send_read_options(c, w);

	if (status != EX_OK)
		return status;
	/* the sender's address comes from the configuration, even with
	 * --store */
	if (c->config == NULL)
		c->config = CONF_DEFAULT_FILE;
	status = report_open_conf(c, &store);
	if (status != EX_OK)
		return status;
	/* per-message details are not shared between hosts */
	if (w->send == send_run_failures)
		report_use_own(&store);
	status = send_run_with(c, &store, w);
	/* both point into the configuration, which is released next */
	c->dns_conf = NULL;
	c->zone = NULL;
	report_close(&store);
	return status;
}

static int
send_command(struct cli *c,
    enum send_end (*send)(const struct send_options *o, char *error))
{
	struct send_job w = { .c = c,
		.arena = arena_new(CLI_SCRATCH),
		.send = send,
		.list = c->json ? json_array() : NULL };
	int status = w.arena != NULL
	    ? send_job_run(c, &w)
	    : cli_fail(c, EX_TEMPFAIL, "out of memory");

	json_decref(w.list);
	arena_free(w.arena);
	return status;
}

int
cmd_report_send(struct cli *c)
{
	return send_command(c, send_run);
}

int
cmd_report_failures(struct cli *c)
{
	return send_command(c, send_run_failures);
}
