/* show_data.c - prints received reports as JSON and CSV. */
#include <inttypes.h>
#include <string.h>

#include "cli/report/show.h"
#include "cli/report/show_others.h"
#include "lib/buf.h"
#include "lib/date.h"

/* ---- JSON ---- */

struct json_writer {
	const struct view_domain *at; /* the domain whose JSON object is open */
	bool begun;                   /* a domain has already been printed */
};

static void
set_day_json(json_t *o, const char *key, int64_t day)
{
	char memory[DATE_MAX];
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

static void
set_sums_json(json_t *o, const struct view_sums *sums)
{
	cli_set_number(o, "messages", (int64_t)sums->messages);
	cli_set_number(o, "passed", (int64_t)sums->passed);
	cli_set_number(o, "dkim_aligned", (int64_t)sums->dkim);
	cli_set_number(o, "spf_aligned", (int64_t)sums->spf);
	cli_set_number(o, "quarantined", (int64_t)sums->quarantined);
	cli_set_number(o, "rejected", (int64_t)sums->rejected);
}

static void
set_week_json(json_t *o, const char *key, const struct view_sums *sums)
{
	json_t *week = json_object();

	cli_set_number(week, "messages", (int64_t)sums->messages);
	cli_set_number(week, "passed", (int64_t)sums->passed);
	cli_set(o, key, week);
}

static json_t *
source_json(const struct view_source *s)
{
	json_t *o = json_object();

	set_address_json(o, &s->address);
	cli_set_span(o, "host", s->host);
	cli_set_span(o, "sender", s->sender->name);
	set_day_json(o, "first", s->first);
	set_day_json(o, "last", s->last);
	cli_set_bool(o, "new", s->is_new);
	set_sums_json(o, &s->all);
	cli_set_text(o, "cause", view_cause_name(s->cause));
	cli_set_span(o, "as", s->as);
	return o;
}

static json_t *
facts_json(const struct view_facts *facts)
{
	json_t *list = json_array();

	for (size_t i = 0; i < facts->n; i++) {
		json_t *o = json_object();

		cli_set_span(o, "text", facts->list[i].text);
		cli_set_number(o, "messages", (int64_t)facts->list[i].messages);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
sender_json(const struct view_sender *s)
{
	json_t *o = json_object();

	cli_set_span(o, "name", s->name);
	cli_set_text(o, "kind", sender_kind_name(s->kind));
	cli_set_text(o, "role", view_role_name(sender_role(s)));
	cli_set_number(o, "sources", (int64_t)s->n_sources);
	set_day_json(o, "first", s->first);
	set_day_json(o, "last", s->last);
	cli_set_bool(o, "new", s->is_new);
	if (s->fixed >= 0)
		set_day_json(o, "fixed", s->fixed);
	set_sums_json(o, &s->all);
	set_week_json(o, "week", &s->week);
	set_week_json(o, "week_before", &s->before);
	cli_set_text(o, "cause", view_cause_name(s->cause));
	cli_set_span(o, "as", s->as);
	for (unsigned k = 0; k < VIEW_FACT_KINDS; k++)
		cli_set(o, view_fact_name((enum view_fact_kind)k),
		    facts_json(&s->facts[k]));
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
	json_t *o = json_object(), *senders = json_array();
	json_t *by_cause = json_object();

	cli_set_span(o, "p", d->p);
	cli_set_span(o, "sp", d->sp);
	cli_set_span(o, "np", d->np);
	cli_set_bool(o, "testing", d->testing);
	cli_set_number(o, "reports", (int64_t)d->reports);
	cli_set_number(o, "reports_of_several_days", (int64_t)d->long_reports);
	set_sums_json(o, &d->all);
	set_week_json(o, "week", &d->week);
	set_week_json(o, "week_before", &d->before);
	cli_set_text(o, "advice", view_recommendation_name(d->advice));
	cli_set_text(o, "urgency",
	    view_urgency_name(view_recommendation_urgency(d->advice)));
	for (unsigned i = 0; i < VIEW_CAUSES; i++)
		cli_set_number(by_cause, view_cause_name((enum view_cause)i),
		    (int64_t)d->all.by_cause[i]);
	cli_set(o, "causes", by_cause);
	cli_set(o, "days", days_json(v, d));
	for (const struct view_sender *s = d->senders; s != NULL; s = s->next)
		json_array_append_new(senders, sender_json(s));
	cli_set(o, "senders", senders);
	return o;
}

/* Prints ,"key":value for each member, and releases the object. */
static void
put_members(json_t *o)
{
	const char *key;
	json_t *value;

	json_object_foreach(o, key, value)
	{
		printf(",\"%s\":", key);
		cli_put_json(json_incref(value));
	}
	json_decref(o);
}

static void
open_domain(struct json_writer *w, const struct view_domain *d)
{
	fputs(w->begun ? ",{\"domain\":" : "{\"domain\":", stdout);
	cli_put_json(cli_json(d->domain));
	fputs(",\"sources\":[", stdout);
	w->at = d;
	w->begun = true;
}

static bool
put_json_source(
    void *arg, const struct view_domain *d, const struct view_source *s)
{
	struct json_writer *w = arg;

	if (w->at != d)
		open_domain(w, d);
	else
		putchar(',');
	cli_put_json(source_json(s));
	return true;
}

static bool
put_json_domain(void *arg, const struct view *v, const struct view_domain *d)
{
	struct json_writer *w = arg;

	if (w->at != d)
		open_domain(w, d);
	putchar(']');
	put_members(domain_json(v, d));
	putchar('}');
	return true;
}

bool
show_json(struct report_showing *s)
{
	struct json_writer w = { NULL, false };
	const struct view_visitor visitor = { put_json_source, put_json_domain,
		&w };
	json_t *o = json_object();
	bool good;

	fputs("{\"domains\":[", stdout);
	good = view_visit(s->ledger, &s->want, s->a, &s->view, &visitor);
	putchar(']');
	set_day_json(o, "from", s->view.from);
	set_day_json(o, "to", s->view.to);
	cli_set_number(o, "reports", (int64_t)s->view.reports);
	cli_set_number(o, "messages", (int64_t)s->view.messages);
	cli_set_number(o, "passed", (int64_t)s->view.passed);
	cli_set_number(o, "domains_left_out", (int64_t)s->view.left_out);
	show_others_json(o, s->view.others);
	put_members(o);
	if (good)
		fputs("}\n", stdout);
	return good;
}

/* ---- CSV ---- */

/*
 * Writes a quoted field (RFC 4180).  A value that a spreadsheet would treat as
 * a formula gets a leading apostrophe.
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

static bool
put_csv_source(
    void *arg, const struct view_domain *d, const struct view_source *s)
{
	char memory[300];
	struct buf b = buf_wrap(memory, sizeof(memory));
	const struct view_sums *n = &s->all;

	(void)arg;
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
	    s->is_new, n->messages, n->passed, n->dkim, n->spf, n->quarantined,
	    n->rejected, view_cause_name(s->cause));
	fputs(memory, stdout);
	put_csv(s->as);
	putchar(',');
	put_csv(s->host);
	putchar(',');
	put_csv(s->sender->name);
	fputs("\r\n", stdout);
	return true;
}

static bool
put_csv_domain(void *arg, const struct view *v, const struct view_domain *d)
{
	(void)arg;
	(void)v;
	(void)d;
	return true;
}

bool
show_csv(struct report_showing *s)
{
	const struct view_visitor visitor = { put_csv_source, put_csv_domain,
		NULL };

	fputs("domain,address,first,last,new,messages,passed,dkim_aligned,"
	      "spf_aligned,quarantined,rejected,cause,as,host,sender\r\n",
	    stdout);
	return view_visit(s->ledger, &s->want, s->a, &s->view, &visitor);
}
