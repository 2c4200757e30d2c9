/*
 * cmd_show.c - avouch report show: summarizes received reports as text, JSON,
 * CSV or an HTML page.
 */
#include <string.h>

#include "cli/audit/mine.h"
#include "cli/page_file.h"
#include "cli/report/cmd_report.h"
#include "cli/report/show.h"
#include "lib/date.h"
#include "lib/domain.h"
#include "lib/scan.h"
#include "report/show/html.h"
#include "report/show/others.h"

enum { DAYS = 30 }; /* default of --days */

/* ---- HTML page ---- */

struct page_writer {
	FILE *out;
	size_t n;
};

struct page_job {
	struct report_showing *showing;
};

static bool
put_page_domain(void *arg, const struct view *v, const struct view_domain *d)
{
	struct page_writer *w = arg;

	page_domain(w->out, v, d, w->n++);
	return w->n < PAGE_DOMAINS_MAX;
}

static bool
put_page(FILE *out, const void *arg)
{
	struct report_showing *s = ((const struct page_job *)arg)->showing;
	struct page_writer w = { out, 0 };
	const struct view_visitor visitor = { NULL, put_page_domain, &w };

	page_head(out, &s->view, s->c->now);
	if (!view_visit(s->ledger, &s->want, s->a, &s->view, &visitor))
		return false;
	page_foot(out, &s->view);
	return true;
}

/* ---- output ---- */

static bool
skip_domain(void *arg, const struct view *v, const struct view_domain *d)
{
	(void)arg;
	(void)v;
	(void)d;
	return true;
}

/* Text and HTML show the most urgent domain first, so the domains are read
 * twice: once to sort them, and once to show them. */
static bool
sort_domains(struct report_showing *s)
{
	const struct view_visitor visitor = { NULL, skip_domain, NULL };

	if (!view_visit(s->ledger, &s->want, s->a, &s->view, &visitor))
		return false;
	if (!view_sort(&s->view, s->a))
		s->view.error = "out of memory";
	return s->view.error == NULL;
}

static int
show_view(struct report_showing *s, const struct others_view *others)
{
	struct cli *c = s->c;
	bool sorted = c->html != NULL || (!c->json && !c->csv);
	int status = EX_OK;

	if (!view_open(s->ledger, &s->want, s->a, &s->view) ||
	    (sorted && !sort_domains(s)))
		return cli_fail(c, EX_TEMPFAIL, "%s", s->view.error);
	s->view.others = others;
	if (c->html != NULL)
		status = page_file_write(c, put_page, &(struct page_job){ s });
	else if (sorted)
		show_text(s);
	if (c->json && s->view.error == NULL)
		show_json(s);
	else if (c->csv && s->view.error == NULL)
		show_csv(s);
	return s->view.error == NULL
	    ? status
	    : cli_fail(c, EX_TEMPFAIL, "%s", s->view.error);
}

/* Adds TLS reports and failure reports for the same days. */
static int
show_with_others(struct report_showing *s, const struct ledger_range *range)
{
	struct arena *a = arena_new(OTHERS_MEMORY + CLI_SCRATCH);
	struct mine_list list;
	const struct view_ours ours = { mine_list_has, &list };
	struct others_view others = { .fault = "out of memory" };
	int status;

	status = a != NULL && mine_list_ours(s->conf, a, &list) &&
		others_read(s->ledger, range, &ours, a, OTHERS_MEMORY, &others)
	    ? show_view(s, &others)
	    : cli_fail(s->c, EX_TEMPFAIL, "%s", others.fault);
	s->view.others = NULL;
	arena_free(a);
	return status;
}

static int
look_up_and_show(struct report_showing *s)
{
	const struct ledger_range range = {
		.domain = s->want.domain, .from = s->want.from, .to = s->want.to
	};
	struct host_names *names = NULL;
	int status = EX_OK;

	if (!s->c->no_dns) {
		status = cli_dns_open(s->c);
		if (status != EX_OK)
			return status;
		names = host_names_look_up(s->ledger, &range, s->c->dns);
		if (names == NULL)
			return cli_fail(s->c, EX_TEMPFAIL, "%s",
			    ledger_sql_fault(s->ledger) != SQL_FINE
				? ledger_error(s->ledger)
				: "out of memory");
	}
	s->want.names = names;
	status = show_with_others(s, &range);
	host_names_free(names);
	return status;
}

/* ---- command ---- */

static bool
show_days_read(const char *text, int64_t *days)
{
	struct scan s = scan_of(span_str(text));
	uint64_t n = DAYS;

	if (text != NULL &&
	    (!scan_number(&s, VIEW_DAYS_MAX, &n) || !scan_done(&s) || n == 0))
		return false;
	*days = (int64_t)n;
	return true;
}

static int
bad_day(struct cli *c, const char *option, const char *text)
{
	return cli_fail(c, EX_USAGE,
	    "--%s %s: not a date; write YYYY-MM-DD or yesterday", option, text);
}

static int
show_range_read(struct cli *c, struct view_want *want)
{
	int64_t days;

	if (!show_days_read(c->days, &days))
		return cli_fail(c, EX_USAGE,
		    "--days %s: must be a number from 1 to %d", c->days,
		    VIEW_DAYS_MAX);
	if (c->days != NULL && c->from != NULL)
		return cli_fail(c, EX_USAGE, "use either --days or --from");
	want->to = c->now / DATE_DAY;
	if (c->to != NULL &&
	    !report_day_read(span_str(c->to), c->now, &want->to))
		return bad_day(c, "to", c->to);
	want->from = want->to - days + 1;
	if (c->from != NULL &&
	    !report_day_read(span_str(c->from), c->now, &want->from))
		return bad_day(c, "from", c->from);
	if (want->from > want->to || want->to - want->from >= VIEW_DAYS_MAX)
		return cli_fail(c, EX_USAGE,
		    "--from %s: must be at most %d days before the last day, "
		    "and not after it",
		    c->from, VIEW_DAYS_MAX - 1);
	return EX_OK;
}

static int
read_and_show(
    struct cli *c, const struct report_store *store, struct view_want want)
{
	struct report_showing s = { .c = c,
		.conf = store->conf,
		.ledger = store->ledger,
		.want = want };
	int status = EX_OK;

	s.a = arena_new(VIEW_MEMORY);
	if (s.a == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	if (c->domain != NULL) {
		s.want.domain = domain_normal(s.a, span_str(c->domain));
		if (s.want.domain.p == NULL || span_has(s.want.domain, ','))
			status = cli_fail(c, EX_USAGE,
			    "--domain %s: not a domain name; use a name such "
			    "as example.com",
			    c->domain);
	}
	if (status == EX_OK)
		status = look_up_and_show(&s);
	arena_free(s.a);
	return status;
}

int
cmd_report_show(struct cli *c)
{
	struct view_want want = { .domain = SPAN_NONE };
	struct report_store store;
	int status = show_range_read(c, &want);

	if (status != EX_OK)
		return status;
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
	status = read_and_show(c, &store, want);
	report_close(&store);
	return status;
}
