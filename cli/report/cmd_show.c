/*
 * cmd_show.c - avouch report show: summarizes the reports that were read, as
 * text, JSON, CSV or an HTML page.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/page_file.h"
#include "cli/report/cmd_report.h"
#include "cli/report/show_others.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/scan.h"
#include "lib/date.h"
#include "report/show/html.h"
#include "report/show/summary.h"
#include "verify/dns_task.h"

enum {
	DAYS = 30,                     /* default of --days */
	SOURCES_SHOWN = 20,            /* per domain, in the text output */
	NAMES_MAX = 200,               /* addresses that are looked up */
	NAMES_EACH = PAGE_SOURCES_MAX, /* per domain */
	NAMES_WAIT_MS = 5000,
	NAME_BYTES = 255,
};

struct view_page {
	const struct view *view;
	int64_t now;
};

/* ---- host names of sources (PTR) ---- */

struct source_names {
	struct view_source *sources[NAMES_MAX];
	size_t n;
};

/* Selects the first sources of each domain: the page shows no others. */
static void
source_names_select(struct source_names *names, const struct view *v)
{
	for (const struct view_domain *d = v->domains; d != NULL; d = d->next) {
		size_t n = 0;

		for (struct view_source *s = d->sources;
		     s != NULL && n < NAMES_EACH && names->n < NAMES_MAX;
		     s = s->next, n++)
			if (s->address.family != IP_NONE)
				names->sources[names->n++] = s;
	}
}

/* Asks for all names at once; a source without an answer stays unnamed. */
static enum core_status
source_names_step(
    void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct source_names *names = facts;
	enum core_status step = CORE_DONE;

	for (size_t i = 0; i < names->n; i++) {
		char memory[100];
		struct buf b = buf_wrap(memory, sizeof(memory));
		const struct dns_answer *answer;

		ip_put_reverse(&b, &names->sources[i]->address);
		answer = dns_ask(questions, buf_view(&b), DNS_PTR);
		if (answer->state == DNS_PENDING)
			step = CORE_WAIT;
		else if (answer->state == DNS_FOUND)
			names->sources[i]->name = arena_copy(scratch,
			    span_first(answer->records[0].text, NAME_BYTES));
	}
	return step;
}

/* Returns NULL if there are no names.  The names belong to the job. */
static struct dns_task *
source_names_fetch(
    struct cli *c, struct source_names *names, const struct view *v)
{
	struct dns_task *j;

	source_names_select(names, v);
	if (names->n == 0)
		return NULL;
	j = dns_task_start(
	    c->dns, source_names_step, names, NAMES_MAX, CLI_SCRATCH);
	if (j != NULL)
		dns_task_wait(j, clock_ms() + NAMES_WAIT_MS);
	return j;
}

/* ---- JSON ---- */

static void
set_day_json(json_t *o, const char *key, int64_t day)
{
	char memory[16];
	struct buf b = buf_wrap(memory, sizeof(memory));

	date_put_day(&b, day);
	cli_set_span(o, key, buf_view(&b));
}

static void
set_address_json(json_t *o, const struct ip *ip)
{
	char memory[IP_TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	ip_put(&b, ip);
	cli_set_span(o, "address", buf_view(&b));
}

static json_t *
source_json(const struct view_source *s)
{
	json_t *o = json_object();

	set_address_json(o, &s->address);
	set_day_json(o, "first", s->first);
	set_day_json(o, "last", s->last);
	cli_set_bool(o, "new", s->is_new);
	cli_set_number(o, "messages", (int64_t)s->messages);
	cli_set_number(o, "passed", (int64_t)s->passed);
	cli_set_number(o, "dkim_aligned", (int64_t)s->dkim);
	cli_set_number(o, "spf_aligned", (int64_t)s->spf);
	cli_set_number(o, "quarantined", (int64_t)s->quarantined);
	cli_set_number(o, "rejected", (int64_t)s->rejected);
	cli_set_text(o, "cause", view_cause_name(s->cause));
	cli_set_span(o, "as", s->as);
	return o;
}

static json_t *
days_json(const struct view *v, const struct view_domain *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->days; i++) {
		json_t *o;

		if (d->days[i].messages == 0)
			continue;
		o = json_object();
		set_day_json(o, "day", v->from + (int64_t)i);
		cli_set_number(o, "messages", (int64_t)d->days[i].messages);
		cli_set_number(o, "passed", (int64_t)d->days[i].passed);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
domain_json(const struct view *v, const struct view_domain *d)
{
	json_t *o = json_object(), *sources = json_array();
	json_t *by_cause = json_object();

	cli_set_span(o, "domain", d->domain);
	cli_set_span(o, "p", d->p);
	cli_set_span(o, "sp", d->sp);
	cli_set_span(o, "np", d->np);
	cli_set_bool(o, "testing", d->testing);
	cli_set_number(o, "reports", (int64_t)d->reports);
	cli_set_number(o, "reports_of_several_days", (int64_t)d->long_reports);
	cli_set_number(o, "messages", (int64_t)d->messages);
	cli_set_number(o, "passed", (int64_t)d->passed);
	cli_set_number(o, "quarantined", (int64_t)d->quarantined);
	cli_set_number(o, "rejected", (int64_t)d->rejected);
	cli_set_text(o, "advice", view_recommendation_name(d->advice));
	for (unsigned i = 0; i < VIEW_CAUSES; i++)
		cli_set_number(by_cause, view_cause_name((enum view_cause)i),
		    (int64_t)d->by_cause[i]);
	cli_set(o, "causes", by_cause);
	cli_set(o, "days", days_json(v, d));
	for (const struct view_source *s = d->sources; s != NULL; s = s->next)
		json_array_append_new(sources, source_json(s));
	cli_set(o, "sources", sources);
	cli_set_number(o, "sources_left_out", (int64_t)d->left_out);
	return o;
}

static void
print_view_json(const struct view *v)
{
	json_t *o = json_object(), *list = json_array();

	set_day_json(o, "from", v->from);
	set_day_json(o, "to", v->from + (int64_t)v->days - 1);
	cli_set_number(o, "reports", (int64_t)v->reports);
	cli_set_number(o, "messages", (int64_t)v->messages);
	cli_set_number(o, "passed", (int64_t)v->passed);
	for (const struct view_domain *d = v->domains; d != NULL; d = d->next)
		json_array_append_new(list, domain_json(v, d));
	cli_set(o, "domains", list);
	cli_set_number(o, "domains_left_out", (int64_t)v->left_out);
	show_others_json(o, v->others);
	cli_print_json(o);
}

/* ---- CSV ---- */

/*
 * Writes a quoted field (RFC 4180).  A text that a spreadsheet would treat as a
 * formula gets a leading apostrophe.
 */
static void
put_csv(struct span text)
{
	putchar('"');
	if (text.n > 0 && strchr("=+-@", text.p[0]) != NULL)
		putchar('\'');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"')
			putchar('"');
		cli_put(span_of(text.p + i, 1));
	}
	putchar('"');
}

static void
put_csv_source(const struct view_domain *d, const struct view_source *s)
{
	char memory[200];
	struct buf b = buf_wrap(memory, sizeof(memory));

	put_csv(d->domain);
	buf_byte(&b, ',');
	ip_put(&b, &s->address);
	buf_byte(&b, ',');
	date_put_day(&b, s->first);
	buf_byte(&b, ',');
	date_put_day(&b, s->last);
	buf_printf(&b,
	    ",%d,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
	    ",%" PRIu64 ",%s,",
	    s->is_new, s->messages, s->passed, s->dkim, s->spf, s->quarantined,
	    s->rejected, view_cause_name(s->cause));
	fputs(memory, stdout);
	put_csv(s->as);
	fputs("\r\n", stdout);
}

static void
print_csv(const struct view *v)
{
	fputs("domain,address,first,last,new,messages,passed,dkim_aligned,"
	      "spf_aligned,quarantined,rejected,cause,as\r\n",
	    stdout);
	for (const struct view_domain *d = v->domains; d != NULL; d = d->next)
		for (const struct view_source *s = d->sources; s != NULL;
		     s = s->next)
			put_csv_source(d, s);
}

/* ---- text ---- */

static void
print_source(const struct view_source *s)
{
	char memory[200];
	struct buf b = buf_wrap(memory, sizeof(memory));
	uint64_t parts[] = { s->passed, s->dkim, s->spf };

	ip_put(&b, &s->address);
	printf("  %-39s %9" PRIu64, memory, s->messages);
	for (size_t i = 0; i < 3; i++) {
		b = buf_wrap(memory, sizeof(memory));
		view_put_rate(&b, parts[i], s->messages);
		printf(" %7s", memory);
	}
	printf("  %s%s", view_cause_title(s->cause), s->is_new ? ", new" : "");
	if (s->as.n > 0 && s->cause != VIEW_GOOD) {
		fputs(", as ", stdout);
		cli_put(s->as);
	}
	putchar('\n');
}

/* Prints how to fix each cause that was found, once per cause. */
static void
print_fixes(const struct view_domain *d)
{
	bool found[VIEW_CAUSES] = { false };

	for (const struct view_source *s = d->sources; s != NULL; s = s->next)
		found[s->cause] = true;
	for (unsigned i = VIEW_GOOD + 1; i < VIEW_CAUSES; i++)
		if (found[i])
			cli_entry(
			    span_str(view_cause_title((enum view_cause)i)), 32,
			    span_str(view_cause_fix((enum view_cause)i)));
}

static void
print_domain(const struct view_domain *d)
{
	char memory[16];
	struct buf b = buf_wrap(memory, sizeof(memory));
	size_t n = 0;

	putchar('\n');
	cli_put(d->domain);
	view_put_rate(&b, d->passed, d->messages);
	printf("   p=%s%s   %" PRIu64 " messages, %s pass, %" PRIu64
	       " reports\n",
	    d->p.n > 0 ? d->p.p : "?", d->testing ? " t=y" : "", d->messages,
	    memory, d->reports);
	if (d->long_reports > 0)
		printf("  %" PRIu64 " reports are of several days; their "
		       "messages are spread evenly over them\n",
		    d->long_reports);
	cli_entry(span_str(view_recommendation_title(d->advice)), 32,
	    span_str(view_recommendation_text(d->advice)));
	printf("  %-39s %9s %7s %7s %7s  %s\n", "SOURCE", "MESSAGES", "PASS",
	    "DKIM", "SPF", "STATE");
	for (const struct view_source *s = d->sources;
	     s != NULL && n < SOURCES_SHOWN; s = s->next, n++)
		print_source(s);
	if (d->n_sources + d->left_out > n)
		printf("  and %zu more; --csv and --json list them\n",
		    d->n_sources + d->left_out - n);
	print_fixes(d);
}

static void
print_view(const struct view *v)
{
	char memory[60];
	struct buf b = buf_wrap(memory, sizeof(memory));

	date_put_day(&b, v->from);
	buf_text(&b, " to ");
	date_put_day(&b, v->from + (int64_t)v->days - 1);
	printf("%s: %" PRIu64 " reports\n", memory, v->reports);
	for (const struct view_domain *d = v->domains; d != NULL; d = d->next)
		print_domain(d);
	if (v->left_out > 0)
		printf("and %zu more domains\n", v->left_out);
	show_others(v->others);
}

/* ---- HTML page ---- */

static void
put_view_page(FILE *out, const void *arg)
{
	const struct view_page *page = arg;

	page_write(out, page->view, page->now);
}

static int
write_page(struct cli *c, const struct view *v)
{
	struct source_names names = { .n = 0 };
	int status = cli_dns_open(c);
	struct dns_task *j;

	if (status != EX_OK)
		return status;
	j = source_names_fetch(c, &names, v);
	status =
	    page_file_write(c, put_view_page, &(struct view_page){ v, c->now });
	dns_task_free(j);
	return status;
}

/* ---- command ---- */

static int
show_view(struct cli *c, const struct view *v)
{
	int status = EX_OK;

	if (c->html != NULL)
		status = write_page(c, v);
	if (c->json)
		print_view_json(v);
	else if (c->csv)
		print_csv(v);
	else if (c->html == NULL)
		print_view(v);
	return status;
}

static bool
show_days_read(const char *text, size_t *days)
{
	struct scan s = scan_of(span_str(text));
	uint64_t n = DAYS;

	if (text != NULL &&
	    (!scan_number(&s, VIEW_DAYS_MAX, &n) || !scan_done(&s) || n == 0))
		return false;
	*days = (size_t)n;
	return true;
}

/* Adds TLS reports and failure reports of the same days. */
static int
show_with_others(
    struct cli *c, struct ledger *l, struct span domain, struct view *v)
{
	const struct ledger_range range = { .domain = domain,
		.from = v->from,
		.to = v->from + (int64_t)v->days - 1 };
	struct arena *a = arena_new(OTHERS_MEMORY);
	struct others_view others;
	int status;

	if (a == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	v->others = &others;
	status = others_read(l, &range, a, &others)
	    ? show_view(c, v)
	    : cli_fail(c, EX_TEMPFAIL, "%s", others.fault);
	arena_free(a);
	return status;
}

static int
read_and_show(struct cli *c, struct ledger *l, size_t days)
{
	struct arena *a = arena_new(VIEW_MEMORY);
	struct span domain = SPAN_NONE;
	struct view v;
	int status;

	if (a == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	if (c->domain != NULL) {
		domain = domain_normal(a, span_str(c->domain));
		if (domain.p == NULL) {
			arena_free(a);
			return cli_fail(c, EX_USAGE,
			    "--domain %s: not a domain name; use a name such "
			    "as "
			    "example.com",
			    c->domain);
		}
	}
	status = view_read(l, domain, days, c->now, a, &v)
	    ? show_with_others(c, l, domain, &v)
	    : cli_fail(c, EX_TEMPFAIL, "%s", v.fault);
	arena_free(a);
	return status;
}

int
cmd_report_show(struct cli *c)
{
	struct report_store store;
	size_t days;
	int status;

	if (!show_days_read(c->days, &days))
		return cli_fail(c, EX_USAGE,
		    "--days %s: must be a number from 1 to %d", c->days,
		    VIEW_DAYS_MAX);
	if (c->json + c->csv + (c->html != NULL && strcmp(c->html, "-") == 0) >
	    1)
		return cli_fail(c, EX_USAGE,
		    "--json, --csv and --html - all write to standard output; "
		    "use only one");
	status = report_open(c, SQLITE_FOR_READING, &store);
	if (status != EX_OK)
		return status;
	c->dns_conf = store.conf;
	if (c->zone == NULL && c->nameserver == NULL)
		c->zone = store.conf->zone;
	status = read_and_show(c, store.ledger, days);
	report_close(&store);
	return status;
}
