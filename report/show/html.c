#include "report/show/html.h"

#include <inttypes.h>

#include "report/show/html_internal.h"
#include "report/show/others.h"
#include "report/show/page.h"

static void
put_words(FILE *out, const char *text)
{
	page_text(out, span_str(text));
}

/* CSS classes of the advice box and of the tag, and the tag's text. */
static const struct {
	const char *box, *tag, *word;
} urgencies[] = {
	[VIEW_URGENT] = { "r", "tb", "urgent" },
	[VIEW_ATTENTION] = { "w", "tw", "to do" },
	[VIEW_STEP] = { "g", "tg", "next step" },
	[VIEW_WAIT] = { "i", "ti", "wait" },
	[VIEW_CALM] = { "g", "tg", "fine" },
};

static void
put_urgency(FILE *out, const struct view_domain *d)
{
	enum view_urgency urgency = view_recommendation_urgency(d->advice);

	fprintf(out, "<span class=\"tag %s\">%s</span>", urgencies[urgency].tag,
	    urgencies[urgency].word);
}

/* ---- trend ---- */

/* Writes how the pass rate of the last week differs from that of the week
 * before. */
static void
put_trend(FILE *out, const struct view_domain *d)
{
	int now = (int)view_rate(d->week.passed, d->week.messages);
	int then = (int)view_rate(d->before.passed, d->before.messages);
	int diff = now - then;

	if (d->week.messages == 0 || d->before.messages == 0 || diff == 0)
		return;
	fprintf(out, " <span class=\"%s\">%s%d.%d</span>",
	    diff > 0 ? "up" : "down", diff > 0 ? "&#9650;" : "&#9660;",
	    (diff > 0 ? diff : -diff) / 10, (diff > 0 ? diff : -diff) % 10);
}

/* ---- the index ---- */

static void
put_indexed(FILE *out, const struct view_domain *d, size_t number)
{
	bool linked = number < PAGE_DOMAINS_MAX;

	fputs("<tr><td class=\"a\">", out);
	if (linked)
		fprintf(out, "<a href=\"#d%zu\">", number);
	fputs("<b>", out);
	page_text(out, d->domain);
	fputs("</b>", out);
	if (linked)
		fputs("</a>", out);
	putc(' ', out);
	put_urgency(out, d);
	fputs("<span class=\"name\">", out);
	put_words(out, view_recommendation_title(d->advice));
	fputs("</span></td><td class=\"b\">", out);
	page_text(out, d->p.n > 0 ? d->p : SPAN("?"));
	fputs("</td><td class=\"n b\">", out);
	page_number(out, d->all.messages);
	fputs("</td><td class=\"n b\">", out);
	page_rate(out, d->all.passed, d->all.messages);
	fputs("</td><td class=\"n\">", out);
	page_rate(out, d->week.passed, d->week.messages);
	put_trend(out, d);
	fputs("</td></tr>\n", out);
}

static void
put_index(FILE *out, const struct view *v)
{
	size_t n = 0;

	fputs("<section class=\"card index\"><div class=\"wide\"><table><tr>"
	      "<th>Domain</th><th class=\"b\">p=</th>"
	      "<th class=\"n b\">Messages</th><th class=\"n b\">Pass</th>"
	      "<th class=\"n\">Last week</th></tr>\n",
	    out);
	for (const struct view_domain *d = v->domains;
	     d != NULL && n < PAGE_INDEX_MAX; d = d->next, n++)
		put_indexed(out, d, n);
	fputs("</table></div>", out);
	if (v->n_domains + v->left_out > n) {
		fputs("<p class=\"soft\">and ", out);
		page_number(out, v->n_domains + v->left_out - n);
		fputs(" more</p>", out);
	}
	fputs("</section>\n", out);
}

/* ---- a domain ---- */

static void
put_tile(FILE *out, const char *label, uint64_t value)
{
	fputs("<div class=\"tile\"><b>", out);
	page_number(out, value);
	fprintf(out, "</b><span>%s</span></div>", label);
}

static void
put_tiles(FILE *out, const struct view_domain *d)
{
	fputs("<div class=\"tiles eight\"><div class=\"tile\"><b>", out);
	page_rate(out, d->all.passed, d->all.messages);
	fputs("</b><span>pass</span></div><div class=\"tile\"><b>", out);
	page_rate(out, d->week.passed, d->week.messages);
	fputs("</b><span>last week", out);
	put_trend(out, d);
	fputs("</span></div>", out);
	put_tile(out, "messages", d->all.messages);
	put_tile(out, "senders", d->n_senders - d->n_foreign);
	put_tile(out, "new senders", d->n_new);
	put_tile(out, "quarantined", d->all.quarantined);
	put_tile(out, "rejected", d->all.rejected);
	put_tile(out, "reports", d->reports);
	fputs("</div>\n", out);
}

static void
put_published(FILE *out, const struct view_domain *d)
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

static struct html_budget
budget_of(const struct view *v)
{
	size_t n =
	    v->n_domains < PAGE_DOMAINS_MAX ? v->n_domains : PAGE_DOMAINS_MAX;

	return (
	    struct html_budget){ PAGE_SENDERS_MAX / n, PAGE_SOURCES_MAX / n };
}

void
page_domain(FILE *out, const struct view *view, const struct view_domain *d,
    size_t number)
{
	enum view_urgency urgency = view_recommendation_urgency(d->advice);

	fprintf(out, "<section class=\"card\" id=\"d%zu\"><h2>", number);
	page_text(out, d->domain);
	put_urgency(out, d);
	fputs("</h2>", out);
	put_published(out, d);
	fprintf(out, "<div class=\"advice %s\"><b>", urgencies[urgency].box);
	put_words(out, view_recommendation_title(d->advice));
	fputs("</b>", out);
	put_words(out, view_recommendation_text(d->advice));
	fputs("</div>\n", out);
	put_tiles(out, d);
	fputs("<h3>Pass rate over time</h3>\n", out);
	html_chart(out, view, d);
	if (d->long_reports > 0)
		fprintf(out,
		    "<p class=\"soft\">Reports that cover several days: "
		    "%" PRIu64
		    ". Their messages are spread evenly over these days.</p>\n",
		    d->long_reports);
	html_senders(out, d, budget_of(view));
	fputs("</section>\n", out);
}

/* ---- the page ---- */

void
page_head(FILE *out, const struct view *view, int64_t now)
{
	page_begin(out, "DMARC reports");
	fputs("<p class=\"soft\">", out);
	page_day(out, view->from);
	fputs(" to ", out);
	page_day(out, view->to);
	fputs(" (UTC): ", out);
	page_number(out, view->reports);
	fputs(" reports of ", out);
	page_number(out, view->messages);
	fputs(" messages, ", out);
	page_rate(out, view->passed, view->messages);
	fputs(" pass. Created ", out);
	page_day(out, now / DATE_DAY);
	fputs(" by avouch " AVOUCH_VERSION ".</p>\n", out);
	if (view->n_domains > 1)
		put_index(out, view);
	if (view->n_domains == 0) {
		fputs("<section class=\"card\"><p>There are no reports for "
		      "these days.",
		    out);
		if (view->stored > 0) {
			fputs(" Reports are stored for ", out);
			page_day(out, view->stored_first);
			fputs(" to ", out);
			page_day(out, view->stored_last);
			fputs("; use --from and --to.", out);
		}
		fputs("</p></section>\n", out);
	}
}

void
page_foot(FILE *out, const struct view *view)
{
	size_t all = view->n_domains + view->left_out;

	if (all > PAGE_DOMAINS_MAX) {
		fputs("<p class=\"soft\">", out);
		page_number(out, all - PAGE_DOMAINS_MAX);
		fputs(" more domains are not shown in full: use avouch report "
		      "show --domain NAME --html FILE.</p>\n",
		    out);
	}
	if (view->others != NULL)
		others_write(out, view->others);
	page_end(out);
}
