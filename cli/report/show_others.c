#include "cli/report/show_others.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "lib/date.h"
#include "report/show/summary.h"

enum {
	ROWS_SHOWN = 20, /* per domain */
	FIX_COLUMN = 32,
};

/* ---- text ---- */

/* Writes a column; longer text is cut to keep the columns aligned. */
static void
put_column(struct span text, size_t width)
{
	text = span_first(text.n > 0 ? text : SPAN("-"), width);
	cli_put(text);
	printf("%*s", (int)(width - text.n + 2), "");
}

static void
put_day_column(int64_t day)
{
	char memory[DATE_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	date_put_day(&b, day);
	printf("%s  ", memory);
}

static void
put_rest_of(size_t rows, size_t shown, size_t left_out)
{
	if (rows + left_out > shown)
		printf("  and %zu more; --json lists %zu\n",
		    rows + left_out - shown, rows);
}

static void
show_tls_domain(const struct others_domain *d)
{
	char memory[16];
	struct buf b = buf_wrap(memory, sizeof(memory));
	size_t n = 0;

	view_put_rate(&b, d->passed, d->total);
	cli_put(d->domain);
	printf("   %" PRIu64 " sessions, %s with TLS\n", d->total, memory);
	printf("  %10s  LAST        %-26s  %-8s  SERVER\n", "SESSIONS",
	    "RESULT", "POLICY");
	for (const struct others_tls *t = d->tls; t != NULL && n < ROWS_SHOWN;
	     t = t->next, n++) {
		printf("  %10" PRIu64 "  ", t->sum.of.sessions);
		put_day_column(t->sum.last);
		put_column(t->sum.of.result, 26);
		put_column(t->sum.of.policy, 8);
		cli_put(t->sum.of.mx.n > 0 ? t->sum.of.mx : SPAN("-"));
		putchar('\n');
	}
	put_rest_of(d->n, n, d->left_out);
}

/* Prints how to fix each result; consecutive equal results share an entry. */
static void
show_tls_fixes(const struct others_list *list)
{
	const char *last = NULL;

	for (const struct others_domain *d = list->domains; d != NULL;
	     d = d->next)
		for (const struct others_tls *t = d->tls; t != NULL;
		     t = t->next) {
			const char *fix = others_tls_fix(t->sum.of.result);

			if (fix != NULL && fix != last)
				cli_entry(t->sum.of.result, FIX_COLUMN,
				    span_str(fix));
			last = fix != NULL ? fix : last;
		}
}

static void
show_failure_domain(const struct others_domain *d)
{
	size_t n = 0;

	cli_put(d->domain);
	printf("   %" PRIu64 " messages failed\n", d->total);
	printf("  %8s  LAST        %-9s  %-9s  SOURCE\n", "MESSAGES", "FAILED",
	    "DELIVERY");
	for (const struct others_failure *f = d->failures;
	     f != NULL && n < ROWS_SHOWN; f = f->next, n++) {
		printf("  %8" PRIu64 "  ", f->sum.incidents);
		put_day_column(f->sum.at / DATE_DAY);
		put_column(f->sum.cause, 9);
		put_column(f->sum.delivery, 9);
		cli_put(f->sum.source);
		if (f->sum.mail_from.n > 0) {
			fputs(" as ", stdout);
			cli_put(f->sum.mail_from);
		}
		fputs(", reported by ", stdout);
		cli_put(f->sum.reporter);
		putchar('\n');
	}
	put_rest_of(d->n, n, d->left_out);
}

static void
show_list(const struct others_list *list, const char *title,
    void (*show)(const struct others_domain *d))
{
	if (list->n == 0)
		return;
	printf("\n%s\n", title);
	for (const struct others_domain *d = list->domains; d != NULL;
	     d = d->next)
		show(d);
	if (list->left_out > 0)
		printf("and %zu more\n", list->left_out);
}

void
show_others(const struct others_view *view)
{
	show_list(&view->tls, "TLS REPORTS", show_tls_domain);
	show_tls_fixes(&view->tls);
	show_list(&view->failures, "FAILURE REPORTS", show_failure_domain);
}

/* ---- JSON ---- */

static void
set_day(json_t *o, int64_t day)
{
	char memory[DATE_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	date_put_day(&b, day);
	cli_set_span(o, "last", buf_view(&b));
}

static json_t *
tls_row_json(const struct ledger_tls_sum *t)
{
	json_t *o = json_object();

	cli_set_span(o, "policy", t->of.policy);
	cli_set_span(o, "result", t->of.result);
	cli_set_span(o, "server", t->of.mx);
	cli_set_span(o, "reason", t->of.reason);
	cli_set_number(o, "sessions", (int64_t)t->of.sessions);
	cli_set_number(o, "organisations", (int64_t)t->organisations);
	set_day(o, t->last);
	return o;
}

static json_t *
failure_row_json(const struct ledger_incident *f)
{
	json_t *o = json_object();

	cli_set_span(o, "source", f->source);
	cli_set_span(o, "failed", f->cause);
	cli_set_span(o, "alignment", f->alignment);
	cli_set_span(o, "delivery", f->delivery);
	cli_set_span(o, "mail_from", f->mail_from);
	cli_set_span(o, "dkim_domain", f->dkim_domain);
	cli_set_span(o, "dkim_selector", f->selector);
	cli_set_span(o, "results", f->results);
	cli_set_span(o, "reporter", f->reporter);
	cli_set_number(o, "messages", (int64_t)f->incidents);
	cli_set_span(o, "file", f->file);
	set_day(o, f->at / DATE_DAY);
	return o;
}

static json_t *
domain_of_others_json(const struct others_domain *d)
{
	json_t *o = json_object(), *rows = json_array();

	cli_set_span(o, "domain", d->domain);
	cli_set_number(
	    o, d->tls != NULL ? "sessions" : "messages", (int64_t)d->total);
	if (d->tls != NULL)
		cli_set_number(o, "with_tls", (int64_t)d->passed);
	for (const struct others_tls *t = d->tls; t != NULL; t = t->next)
		json_array_append_new(rows, tls_row_json(&t->sum));
	for (const struct others_failure *f = d->failures; f != NULL;
	     f = f->next)
		json_array_append_new(rows, failure_row_json(&f->sum));
	cli_set(o, "rows", rows);
	cli_set_number(o, "rows_left_out", (int64_t)d->left_out);
	return o;
}

static void
set_list(json_t *object, const char *key, const char *left_out,
    const struct others_list *list)
{
	json_t *domains = json_array();

	for (const struct others_domain *d = list->domains; d != NULL;
	     d = d->next)
		json_array_append_new(domains, domain_of_others_json(d));
	cli_set(object, key, domains);
	cli_set_number(object, left_out, (int64_t)list->left_out);
}

void
show_others_json(json_t *object, const struct others_view *view)
{
	set_list(object, "tls", "tls_left_out", &view->tls);
	set_list(object, "failures", "failures_left_out", &view->failures);
}
