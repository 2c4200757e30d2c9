/* html_chart.c - messages and pass rate by day, as inline SVG. */
#include <inttypes.h>

#include "report/show/html_internal.h"
#include "report/show/page.h"

enum {
	CHART_WIDTH = 960, /* in SVG units */
	CHART_HEIGHT = 220,
	CHART_LEFT = 50,
	CHART_TOP = 12,
	CHART_BOTTOM = 190,
	CHART_BARS = 62, /* if there are more days, several share a bar */
};

/* Days that share one bar. */
struct chart_bar {
	int64_t first;
	size_t days;
	uint64_t messages, passed;
};

struct chart {
	struct chart_bar bars[CHART_BARS];
	size_t n;
	uint64_t scale; /* number of messages at the top of the chart */
	double step;
};

/* Returns the top of the scale: 1, 2 or 5 times a power of ten. */
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

/* Fills the bars; the last one ends with the last day. */
static struct chart
chart_of(const struct view *v, const struct view_domain *d)
{
	size_t each = (v->days + CHART_BARS - 1) / CHART_BARS;
	size_t day = 0, size = v->days % each > 0 ? v->days % each : each;
	struct chart c = { .n = 0 };
	uint64_t most = 1;

	for (; day < v->days; c.n++, size = each) {
		struct chart_bar *bar = &c.bars[c.n];

		bar->first = v->from + (int64_t)day;
		bar->days = size;
		for (size_t end = day + size; day < end; day++) {
			bar->messages += d->days[day].messages;
			bar->passed += d->days[day].passed;
		}
		most = bar->messages > most ? bar->messages : most;
	}
	c.scale = scale_of(most);
	c.step = (double)(CHART_WIDTH - 2 * CHART_LEFT) / (double)c.n;
	return c;
}

static double
height_of(uint64_t value, uint64_t scale)
{
	return (double)value / (double)scale * (CHART_BOTTOM - CHART_TOP);
}

static void
put_bar_title(FILE *out, const struct chart_bar *bar)
{
	fputs("<title>", out);
	page_day(out, bar->first);
	if (bar->days > 1) {
		fputs(" to ", out);
		page_day(out, bar->first + (int64_t)bar->days - 1);
	}
	fprintf(out, ": %" PRIu64 " messages, ", bar->messages);
	page_rate(out, bar->passed, bar->messages);
	fputs(" pass</title>", out);
}

static void
put_bars(FILE *out, const struct chart *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct chart_bar *bar = &c->bars[i];
		double x = (double)CHART_LEFT + c->step * (double)i;
		double pass = height_of(bar->passed, c->scale);
		double fail = height_of(bar->messages - bar->passed, c->scale);

		if (bar->messages == 0)
			continue;
		fputs("<g>", out);
		put_bar_title(out, bar);
		fprintf(out,
		    "<rect class=\"pass\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
		    "height=\"%.1f\"/><rect class=\"fail\" x=\"%.1f\" "
		    "y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/></g>\n",
		    x, (double)CHART_BOTTOM - pass, c->step * 0.78, pass, x,
		    (double)CHART_BOTTOM - pass - fail, c->step * 0.78, fail);
	}
}

/* Draws the pass rate as a line over the bars, skipping days without mail. */
static void
put_line(FILE *out, const struct chart *c)
{
	fputs("<polyline class=\"rate\" points=\"", out);
	for (size_t i = 0; i < c->n; i++)
		if (c->bars[i].messages > 0)
			fprintf(out, "%.1f,%.1f ",
			    (double)CHART_LEFT + c->step * ((double)i + 0.39),
			    (double)CHART_BOTTOM -
				height_of(
				    c->bars[i].passed, c->bars[i].messages));
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
		page_number(out, scale * i / 4);
		fputs("</text>\n", out);
	}
}

void
html_chart(FILE *out, const struct view *v, const struct view_domain *d)
{
	struct chart c = chart_of(v, d);

	fprintf(out,
	    "<div class=\"wide chart\"><svg viewBox=\"0 0 %d %d\" role=\"img\" "
	    "aria-label=\"Messages and pass rate by day\">\n",
	    CHART_WIDTH, CHART_HEIGHT);
	put_grid(out, c.scale);
	put_bars(out, &c);
	put_line(out, &c);
	fprintf(out, "<text x=\"%d\" y=\"%d\">", CHART_LEFT, CHART_BOTTOM + 20);
	page_day(out, v->from);
	fprintf(out, "</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">",
	    CHART_WIDTH - CHART_LEFT, CHART_BOTTOM + 20);
	page_day(out, v->to);
	fputs(
	    "</text></svg></div>\n<div class=\"key\"><span><i class=\"kp\"></i>"
	    "passed</span><span><i class=\"kf\"></i>failed</span><span>"
	    "<i class=\"kr\"></i>pass rate</span></div>\n",
	    out);
}
