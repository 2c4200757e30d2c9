/* html_sender.c - the senders of a domain by cause, with details of each. */
#include "lib/enum_names.h"
#include "report/show/html_internal.h"
#include "report/show/page.h"

enum {
	OPEN_SENDERS = 8, /* senders shown per cause; the others are under "more
	                     senders" */
	BAR_WIDTH = 90,
};

static void
put_words(FILE *out, const char *text)
{
	page_text(out, span_str(text));
}

static const char *
tag_class(enum view_cause cause)
{
	switch (cause) {
	case VIEW_GOOD:
		return "tg";
	case VIEW_SPF_ONLY:
	case VIEW_BROKEN:
	case VIEW_UNALIGNED:
	case VIEW_OWN_SERVER:
		return "tw";
	case VIEW_FORWARDER:
		return "ti";
	case VIEW_SPOOF:
	case VIEW_CAUSES:
		break;
	}
	return "tb";
}

/* ---- details ---- */

static void
put_facts(FILE *out, enum view_fact_kind kind, const struct view_facts *facts)
{
	if (facts->n + facts->others == 0)
		return;
	fputs("<dt>", out);
	put_words(out, view_fact_title(kind));
	fputs("</dt><dd>", out);
	for (size_t i = 0; i < facts->n; i++) {
		fputs(i > 0 ? ", " : "", out);
		page_text(out, facts->list[i].text);
		fputs(" <span class=\"soft\">", out);
		page_number(out, facts->list[i].messages);
		fputs("</span>", out);
	}
	if (facts->others > 0) {
		fputs(", others <span class=\"soft\">", out);
		page_number(out, facts->others);
		fputs("</span>", out);
	}
	fputs("</dd>\n", out);
}

static void
put_disposition(FILE *out, const struct view_sums *sums)
{
	fputs("<dt>Receivers</dt><dd>rejected ", out);
	page_number(out, sums->rejected);
	fputs(", quarantined ", out);
	page_number(out, sums->quarantined);
	fputs("</dd>\n", out);
}

static void
put_week(FILE *out, const struct view_sums *sums)
{
	page_number(out, sums->messages);
	if (sums->messages == 0)
		return;
	fputs(", ", out);
	page_rate(out, sums->passed, sums->messages);
	fputs(" pass", out);
}

static void
put_known(FILE *out, const struct view_sender *s)
{
	fputs("<dl><dt>Seen</dt><dd>", out);
	page_day(out, s->first);
	fputs(" to ", out);
	page_day(out, s->last);
	fputs("</dd>\n<dt>Last week</dt><dd>", out);
	put_week(out, &s->week);
	fputs("; the week before ", out);
	put_week(out, &s->before);
	fputs("</dd>\n", out);
	for (unsigned k = 0; k < VIEW_FACT_KINDS; k++)
		put_facts(out, (enum view_fact_kind)k, &s->facts[k]);
	if (s->all.rejected + s->all.quarantined > 0)
		put_disposition(out, &s->all);
	fputs("</dl>\n", out);
}

static void
put_source(FILE *out, const struct view_source *s)
{
	const uint64_t parts[] = { s->all.passed, s->all.dkim, s->all.spf };

	fputs("<tr><td class=\"a\">", out);
	page_address(out, &s->address);
	if (s->host.n > 0) {
		fputs("<span class=\"name\">", out);
		page_text(out, s->host);
		fputs("</span>", out);
	}
	fputs("</td><td class=\"n\">", out);
	page_number(out, s->all.messages);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		fputs("</td><td class=\"n\">", out);
		page_rate(out, parts[i], s->all.messages);
	}
	fputs("</td><td class=\"n b\">", out);
	page_day(out, s->first);
	fputs("</td><td class=\"n b\">", out);
	page_day(out, s->last);
	fputs("</td></tr>\n", out);
}

/* Each sender gets at most half of the remaining budget. */
static void
put_sources(FILE *out, const struct view_sender *s, struct html_budget *budget)
{
	size_t most = budget->sources / 2 + 1, n = 0;

	if (s->sources == NULL || budget->sources == 0)
		most = 0;
	if (most > 0)
		fputs("<div class=\"wide\"><table><tr><th>Address</th>"
		      "<th class=\"n\">Messages</th><th class=\"n\">Pass</th>"
		      "<th class=\"n\">DKIM</th><th class=\"n\">SPF</th>"
		      "<th class=\"n b\">First</th><th class=\"n b\">Last</th>"
		      "</tr>\n",
		    out);
	for (const struct view_source *one = s->sources;
	     one != NULL && n < most; one = one->next, n++)
		put_source(out, one);
	if (most > 0)
		fputs("</table></div>\n", out);
	budget->sources -= n;
	if (n == s->n_sources)
		return;
	fputs("<p class=\"soft\">", out);
	page_number(out, s->n_sources - n);
	fputs(n > 0 ? " more addresses" : " addresses", out);
	fputs("; avouch report show --csv lists them.</p>\n", out);
}

/* ---- a sender ---- */

static void
put_who(FILE *out, const struct view_sender *s)
{
	fputs("<span class=\"who\">", out);
	page_text(out, s->name);
	if (s->is_new && sender_role(s) != VIEW_FOREIGN)
		fputs(" <span class=\"tag ti\">new</span>", out);
	if (s->fixed >= 0) {
		fputs(" <span class=\"tag tg\">passing since ", out);
		page_day(out, s->fixed);
		fputs("</span>", out);
	}
	fputs(" <span class=\"soft\">", out);
	page_number(out, s->n_sources);
	fputs(s->n_sources == 1 ? " address" : " addresses", out);
	if (s->as.n > 0 && s->cause >= VIEW_FORWARDER) {
		fputs(", authenticated as ", out);
		page_text(out, s->as);
	}
	fputs("</span></span>", out);
}

static void
put_bar(FILE *out, const struct view_sums *sums)
{
	double part = (double)sums->passed / (double)sums->messages;

	fprintf(out,
	    "<svg class=\"bar\" viewBox=\"0 0 %d 8\"><rect class=\"rest\" "
	    "width=\"%d\" height=\"8\" rx=\"4\"/><rect class=\"pass\" "
	    "width=\"%.1f\" height=\"8\" rx=\"4\"/></svg>",
	    BAR_WIDTH, BAR_WIDTH, part * (double)BAR_WIDTH);
}

static void
put_sender(FILE *out, const struct view_sender *s, struct html_budget *budget)
{
	fputs("<details class=\"sender\"><summary>", out);
	put_who(out, s);
	fputs("<span class=\"num\">", out);
	page_number(out, s->all.messages);
	fputs("</span>", out);
	put_bar(out, &s->all);
	fputs("<span class=\"num\">", out);
	page_rate(out, s->all.passed, s->all.messages);
	fputs("</span></summary><div class=\"in\">\n", out);
	put_known(out, s);
	put_sources(out, s, budget);
	fputs("</div></details>\n", out);
	budget->senders--;
}

/* ---- a cause ---- */

static void
put_heading(FILE *out, enum view_cause cause, uint64_t messages, size_t n)
{
	fprintf(out, "<p><span class=\"tag %s\">", tag_class(cause));
	put_words(out, view_cause_title(cause));
	fputs("</span> <b>", out);
	page_number(out, messages);
	fputs("</b> messages from ", out);
	page_number(out, n);
	fputs(n == 1 ? " sender</p><p>" : " senders</p><p>", out);
	put_words(out, view_cause_fix(cause));
	fputs("</p>\n", out);
}

/* Writes the senders with this cause, or nothing if there are none. */
static void
put_cause(FILE *out, const struct view_domain *d, enum view_cause cause,
    struct html_budget *budget)
{
	uint64_t messages = 0;
	size_t senders = 0, n = 0;

	for (const struct view_sender *s = d->senders; s != NULL; s = s->next)
		if (s->cause == cause) {
			messages += s->all.messages;
			senders++;
		}
	if (senders == 0)
		return;
	fputs("<div class=\"group\">", out);
	put_heading(out, cause, messages, senders);
	for (const struct view_sender *s = d->senders;
	     s != NULL && budget->senders > 0; s = s->next) {
		if (s->cause != cause)
			continue;
		if (n++ == OPEN_SENDERS && senders > OPEN_SENDERS + 1) {
			fputs("<details class=\"more\"><summary>", out);
			page_number(out, senders - OPEN_SENDERS);
			fputs(" more senders</summary>\n", out);
		}
		put_sender(out, s, budget);
	}
	if (n > OPEN_SENDERS && senders > OPEN_SENDERS + 1)
		fputs("</details>\n", out);
	if (n < senders) {
		fputs("<p class=\"soft\">and ", out);
		page_number(out, senders - n);
		fputs(" more; avouch report show --csv lists them.</p>\n", out);
	}
	fputs("</div>\n", out);
}

/* Problems that the owner can fix are shown first. */
void
html_senders(FILE *out, const struct view_domain *d, struct html_budget budget)
{
	static const enum view_cause order[] = { VIEW_OWN_SERVER,
		VIEW_UNALIGNED, VIEW_BROKEN, VIEW_SPF_ONLY, VIEW_FORWARDER,
		VIEW_GOOD, VIEW_SPOOF };

	fputs("<h3>Senders: what fails or may fail, and why</h3>\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		put_cause(out, d, order[i], &budget);
}
