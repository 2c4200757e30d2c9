#include "report/show/html.h"

#include <inttypes.h>

#include "lib/enum_names.h"
#include "report/show/others.h"
#include "report/show/page.h"
#include "lib/date.h"

enum {
	CHART_WIDTH = 960, /* in units of the drawing */
	CHART_HEIGHT = 220,
	CHART_LEFT = 50,
	CHART_TOP = 12,
	CHART_BOTTOM = 190,
	BAR_WIDTH = 90, /* in a table */
};

/* ---- texts ---- */

static void
put_words(FILE *out, const char *text)
{
	page_text(out, span_str(text));
}

/* Writes a number as 12,345. */
static void
put_number(FILE *out, uint64_t value)
{
	char memory[24];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_number(&b, value);
	for (size_t i = 0; i < b.n; i++) {
		if (i > 0 && (b.n - i) % 3 == 0)
			fputc(',', out);
		fputc(b.p[i], out);
	}
}

static void
put_rate(FILE *out, uint64_t part, uint64_t whole)
{
	char memory[16];
	struct buf b = buf_wrap(memory, sizeof(memory));

	view_put_rate(&b, part, whole);
	fputs(whole > 0 ? b.p : "&#8211;", out);
}

static void
put_day(FILE *out, int64_t day)
{
	char memory[16];
	struct buf b = buf_wrap(memory, sizeof(memory));

	date_put_day(&b, day);
	fputs(b.p, out);
}

static void
put_address(FILE *out, const struct ip *ip)
{
	char memory[IP_TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	ip_put(&b, ip);
	fputs(b.p, out);
}

/* ---- the chart ---- */

static uint64_t
most_of(const struct view_domain *d, size_t days)
{
	uint64_t most = 1;

	for (size_t i = 0; i < days; i++)
		if (d->days[i].messages > most)
			most = d->days[i].messages;
	return most;
}

/* The end of the scale: 1, 2 or 5 times a power of ten. */
static uint64_t
scale_of(uint64_t most)
{
	uint64_t unit = 1;

	while (unit < UINT64_MAX / 10 && unit * 10 <= most)
		unit *= 10;
	return most <= unit    ? unit
	    : most <= 2 * unit ? 2 * unit
	    : most <= 5 * unit ? 5 * unit
			       : 10 * unit;
}

static double
height_of(uint64_t value, uint64_t scale)
{
	return (double)value / (double)scale * (CHART_BOTTOM - CHART_TOP);
}

static void
put_bars(FILE *out, const struct view *v, const struct view_domain *d,
    uint64_t scale, double step)
{
	for (size_t i = 0; i < v->days; i++) {
		const struct view_day *day = &d->days[i];
		double x = CHART_LEFT + step * (double)i;
		double pass = height_of(day->passed, scale);
		double fail = height_of(day->messages - day->passed, scale);

		if (day->messages == 0)
			continue;
		fputs("<g><title>", out);
		put_day(out, v->from + (int64_t)i);
		fprintf(out, ": %" PRIu64 " messages, ", day->messages);
		put_rate(out, day->passed, day->messages);
		fputs(" pass</title>", out);
		fprintf(out,
		    "<rect class=\"pass\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
		    "height=\"%.1f\"/><rect class=\"fail\" x=\"%.1f\" "
		    "y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/></g>\n",
		    x, CHART_BOTTOM - pass, step * 0.78, pass, x,
		    CHART_BOTTOM - pass - fail, step * 0.78, fail);
	}
}

/* The pass rate as a line over the bars; days without mail are skipped. */
static void
put_line(
    FILE *out, const struct view *v, const struct view_domain *d, double step)
{
	fputs("<polyline class=\"rate\" points=\"", out);
	for (size_t i = 0; i < v->days; i++)
		if (d->days[i].messages > 0)
			fprintf(out, "%.1f,%.1f ",
			    CHART_LEFT + step * ((double)i + 0.39),
			    CHART_BOTTOM -
				height_of(
				    d->days[i].passed, d->days[i].messages));
	fputs("\"/>\n", out);
}

static void
put_grid(FILE *out, uint64_t scale)
{
	for (unsigned i = 0; i <= 4; i++) {
		int y = CHART_BOTTOM - (CHART_BOTTOM - CHART_TOP) * (int)i / 4;

		fprintf(out,
		    "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%d\" "
		    "y2=\"%d\"/><text x=\"%d\" y=\"%d\" "
		    "text-anchor=\"end\">%u %%</text>",
		    CHART_LEFT, CHART_WIDTH - CHART_LEFT, y, y, CHART_LEFT - 6,
		    y + 4, i * 25);
		if (scale < 4 && i % 4 != 0)
			continue;
		fprintf(out, "<text x=\"%d\" y=\"%d\">",
		    CHART_WIDTH - CHART_LEFT + 6, y + 4);
		put_number(out, scale * i / 4);
		fputs("</text>\n", out);
	}
}

static void
put_chart(FILE *out, const struct view *v, const struct view_domain *d)
{
	uint64_t scale = scale_of(most_of(d, v->days));
	double step = (double)(CHART_WIDTH - 2 * CHART_LEFT) / (double)v->days;

	fprintf(out,
	    "<div class=\"wide chart\"><svg viewBox=\"0 0 %d %d\" role=\"img\" "
	    "aria-label=\"Messages and pass rate by day\">\n",
	    CHART_WIDTH, CHART_HEIGHT);
	put_grid(out, scale);
	put_bars(out, v, d, scale, step);
	put_line(out, v, d, step);
	fprintf(out, "<text x=\"%d\" y=\"%d\">", CHART_LEFT, CHART_BOTTOM + 20);
	put_day(out, v->from);
	fprintf(out, "</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">",
	    CHART_WIDTH - CHART_LEFT, CHART_BOTTOM + 20);
	put_day(out, v->from + (int64_t)v->days - 1);
	fputs(
	    "</text></svg></div>\n<div class=\"key\"><span><i class=\"kp\"></i>"
	    "passed</span><span><i class=\"kf\"></i>failed</span><span>"
	    "<i class=\"kr\"></i>pass rate</span></div>\n",
	    out);
}

/* ---- sources ---- */

static const char *
tag_class(enum view_cause cause)
{
	switch (cause) {
	case VIEW_GOOD:
		return "tg";
	case VIEW_SPF_ONLY:
	case VIEW_BROKEN:
	case VIEW_UNALIGNED:
		return "tw";
	case VIEW_FORWARDER:
		return "ti";
	case VIEW_SPOOF:
	case VIEW_CAUSES:
		break;
	}
	return "tb";
}

static void
put_tag(FILE *out, enum view_cause cause)
{
	fprintf(out, "<span class=\"tag %s\">", tag_class(cause));
	put_words(out, view_cause_title(cause));
	fputs("</span>", out);
}

static void
put_who(FILE *out, const struct view_source *s)
{
	fputs("<td class=\"a\">", out);
	put_address(out, &s->address);
	if (s->is_new)
		fputs(" <span class=\"tag ti\">new</span>", out);
	if (s->name.n > 0) {
		fputs("<span class=\"name\">", out);
		page_text(out, s->name);
		fputs("</span>", out);
	}
	fputs("</td>", out);
}

static void
put_bar(FILE *out, const struct view_source *s)
{
	double part = s->messages > 0
	    ? (double)s->passed / (double)s->messages * BAR_WIDTH
	    : 0;

	fprintf(out,
	    "<td class=\"b\"><svg class=\"bar\" viewBox=\"0 0 %d 8\"><rect "
	    "class=\"rest\" "
	    "width=\"%d\" height=\"8\" rx=\"4\"/><rect class=\"pass\" "
	    "width=\"%.1f\" height=\"8\" rx=\"4\"/></svg></td>",
	    BAR_WIDTH, BAR_WIDTH, part);
}

static void
put_source(FILE *out, const struct view_source *s)
{
	fputs("<tr>", out);
	put_who(out, s);
	fputs("<td class=\"n\">", out);
	put_number(out, s->messages);
	fputs("</td>", out);
	put_bar(out, s);
	fputs("<td class=\"n\">", out);
	put_rate(out, s->passed, s->messages);
	fputs("</td><td class=\"n\">", out);
	put_rate(out, s->dkim, s->messages);
	fputs("</td><td class=\"n\">", out);
	put_rate(out, s->spf, s->messages);
	fputs("</td><td>", out);
	put_tag(out, s->cause);
	fputs("</td></tr>\n", out);
}

static void
put_top(FILE *out, const struct view_domain *d)
{
	size_t n = 0;

	fputs("<h3>Top sources</h3><div class=\"wide\"><table><tr><th>Source"
	      "</th><th class=\"n\">Messages</th><th class=\"b\"></th>"
	      "<th class=\"n\">Pass</th><th class=\"n\">DKIM</th>"
	      "<th class=\"n\">SPF</th><th>State</th></tr>\n",
	    out);
	for (const struct view_source *s = d->sources;
	     s != NULL && n < PAGE_SOURCES_MAX; s = s->next, n++)
		put_source(out, s);
	fputs("</table></div>\n", out);
	if (d->n_sources + d->left_out <= n)
		return;
	fputs("<p class=\"soft\">and ", out);
	put_number(out, d->n_sources + d->left_out - n);
	fputs(" more</p>\n", out);
}

/* ---- what fails ---- */

static void
put_one_source(FILE *out, const struct view_source *s)
{
	fputs("<li>", out);
	put_address(out, &s->address);
	if (s->name.n > 0) {
		fputs(" <span class=\"soft\">", out);
		page_text(out, s->name);
		fputs("</span>", out);
	}
	if (s->as.n > 0) {
		fputs(" <span class=\"soft\">as ", out);
		page_text(out, s->as);
		fputs("</span>", out);
	}
	fputs(" <b>", out);
	put_number(out, s->messages);
	fputs("</b>", out);
	if (s->is_new)
		fputs(" <span class=\"tag ti\">new</span>", out);
	fputs("</li>\n", out);
}

/* Writes nothing if no source has this cause. */
static bool
put_cause(FILE *out, const struct view_domain *d, enum view_cause cause)
{
	uint64_t messages = 0;
	size_t sources = 0, n = 0;

	for (const struct view_source *s = d->sources; s != NULL; s = s->next)
		if (s->cause == cause) {
			messages += s->messages;
			sources++;
		}
	if (sources == 0)
		return false;
	fputs("<div class=\"cause\"><p>", out);
	put_tag(out, cause);
	fputs(" <b>", out);
	put_number(out, messages);
	fputs("</b> messages, ", out);
	put_number(out, sources);
	fputs(sources == 1 ? " source</p><p>" : " sources</p><p>", out);
	put_words(out, view_cause_fix(cause));
	fputs("</p><ul>\n", out);
	for (const struct view_source *s = d->sources;
	     s != NULL && n < PAGE_LISTED_MAX; s = s->next)
		if (s->cause == cause) {
			put_one_source(out, s);
			n++;
		}
	if (sources > n)
		fprintf(
		    out, "<li class=\"soft\">and %zu more</li>\n", sources - n);
	fputs("</ul></div>\n", out);
	return true;
}

/* Problems that the owner can fix come first. */
static void
put_wrong(FILE *out, const struct view_domain *d)
{
	static const enum view_cause order[] = { VIEW_UNALIGNED, VIEW_BROKEN,
		VIEW_SPF_ONLY, VIEW_FORWARDER, VIEW_SPOOF };
	bool any = false;

	fputs("<h3>What fails or may fail, and why</h3>\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		any = put_cause(out, d, order[i]) || any;
	if (!any)
		fputs("<p class=\"soft\">Nothing.</p>\n", out);
}

/* ---- a domain ---- */

static void
put_tile(FILE *out, const char *label, uint64_t value)
{
	fputs("<div class=\"tile\"><b>", out);
	put_number(out, value);
	fprintf(out, "</b><span>%s</span></div>", label);
}

static const char *
advice_class(enum view_recommendation advice)
{
	switch (advice) {
	case VIEW_TO_QUARANTINE:
	case VIEW_TO_REJECT:
	case VIEW_DONE:
	case VIEW_END_TESTING:
		return "g";
	case VIEW_MEND_FIRST:
	case VIEW_STAY:
		return "w";
	case VIEW_TOO_LITTLE:
		break;
	}
	return "i";
}

static void
put_policy(FILE *out, const struct view_domain *d)
{
	fputs("<p class=\"soft\">policy p=", out);
	page_text(out, d->p.n > 0 ? d->p : SPAN("?"));
	if (d->sp.n > 0) {
		fputs(", sp=", out);
		page_text(out, d->sp);
	}
	if (d->np.n > 0) {
		fputs(", np=", out);
		page_text(out, d->np);
	}
	if (d->testing)
		fputs(", t=y", out);
	fputs("</p>\n", out);
}

static void
put_domain(FILE *out, const struct view *v, const struct view_domain *d)
{
	fputs("<section class=\"card\"><h2>", out);
	page_text(out, d->domain);
	fputs("</h2>", out);
	put_policy(out, d);
	fprintf(out, "<div class=\"advice %s\"><b>", advice_class(d->advice));
	put_words(out, view_recommendation_title(d->advice));
	fputs("</b>", out);
	put_words(out, view_recommendation_text(d->advice));
	fputs("</div>\n<div class=\"tiles\"><div class=\"tile\"><b>", out);
	put_rate(out, d->passed, d->messages);
	fputs("</b><span>pass</span></div>", out);
	put_tile(out, "messages", d->messages);
	put_tile(out, "sources", d->n_sources + d->left_out);
	put_tile(out, "new sources", d->n_new);
	put_tile(out, "quarantined", d->quarantined);
	put_tile(out, "rejected", d->rejected);
	put_tile(out, "reports", d->reports);
	fputs("</div>\n<h3>Pass rate over time</h3>\n", out);
	put_chart(out, v, d);
	if (d->long_reports > 0)
		fprintf(out,
		    "<p class=\"soft\">Reports of several days: %" PRIu64
		    ". Their messages are spread evenly over these days.</p>\n",
		    d->long_reports);
	put_wrong(out, d);
	put_top(out, d);
	fputs("</section>\n", out);
}

void
page_write(FILE *out, const struct view *view, int64_t now)
{
	size_t n = 0;

	page_begin(out, "DMARC reports");
	fputs("<p class=\"soft\">", out);
	put_day(out, view->from);
	fputs(" to ", out);
	put_day(out, view->from + (int64_t)view->days - 1);
	fputs(" (UTC): ", out);
	put_number(out, view->reports);
	fputs(" reports of ", out);
	put_number(out, view->messages);
	fputs(" messages, ", out);
	put_rate(out, view->passed, view->messages);
	fputs(" pass. Made ", out);
	put_day(out, now / DATE_DAY);
	fputs(" by avouch " AVOUCH_VERSION ".</p>\n", out);
	for (const struct view_domain *d = view->domains;
	     d != NULL && n < PAGE_DOMAINS_MAX; d = d->next, n++)
		put_domain(out, view, d);
	if (view->n_domains == 0)
		fputs("<section class=\"card\"><p>No reports were read for "
		      "these days.</p></section>\n",
		    out);
	if (view->n_domains + view->left_out > n) {
		fputs("<p class=\"soft\">and ", out);
		put_number(out, view->n_domains + view->left_out - n);
		fputs(" more domains</p>\n", out);
	}
	if (view->others != NULL)
		others_write(out, view->others);
	page_end(out);
}
