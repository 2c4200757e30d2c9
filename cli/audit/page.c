/* page.c - avouch audit DOMAIN --html FILE: writes one self-contained page */
#include "cli/audit/audit.h"

#include "audit/change.h"
#include "cli/page_file.h"
#include "report/show/page.h"

static void
page_words(FILE *out, const char *text)
{
	page_text(out, span_str(text));
}

/* Returns the CSS class for a grade: good, warning, bad or unknown. */
static const char *
letter_class(char letter)
{
	if (letter == 'A')
		return "tg";
	if (letter == 'B' || letter == 'C')
		return "tw";
	return letter == '-' ? "ti" : "tb";
}

static void
put_grade(FILE *out, const char *question, char letter, const char *meaning)
{
	fprintf(out,
	    "<div class=\"tile\"><span>%s</span>"
	    "<b class=\"tag %s\" style=\"display:table;font-size:23px\">%c</b>",
	    question, letter_class(letter), letter);
	page_words(out, meaning);
	fputs("</div>", out);
}

static const char *
severity_class(enum audit_severity severity)
{
	switch (severity) {
	case AUDIT_ERROR:
		return "tb";
	case AUDIT_WARNING:
		return "tw";
	case AUDIT_NOTE:
	case AUDIT_SEVERITIES:
		break;
	}
	return "ti";
}

static void
put_lines(FILE *out, const char *label, const struct span *lines, size_t n)
{
	if (n == 0)
		return;
	fprintf(out, "<p class=\"soft\">%s</p>", label);
	for (size_t i = 0; i < n; i++) {
		fputs("<pre style=\"white-space:pre-wrap;"
		      "overflow-wrap:anywhere;margin:4px 0\">",
		    out);
		page_text(out, lines[i]);
		fputs("</pre>\n", out);
	}
}

static void
put_finding(FILE *out, const struct audit_findings *all, size_t i)
{
	const struct audit_finding *f = &all->list[i];

	fprintf(out,
	    "<div class=\"cause\"><p><span class=\"tag %s\">%s</span> ",
	    severity_class(f->severity), audit_word(f->severity));
	fputs("<b>", out);
	page_text(out, f->where);
	fputs("</b> ", out);
	if (f->term.n > 0) {
		page_text(out, f->term);
		fputs(" ", out);
	}
	fputs("<span class=\"soft\">", out);
	page_words(out, f->section);
	fputs("</span></p><p>", out);
	page_text(out, f->text);
	fputs("</p><p><b>Fix:</b> ", out);
	page_text(out, f->fix);
	fputs("</p>", out);
	if (f->change != NULL && audit_change_is_above(all, i)) {
		fputs("<p class=\"soft\">See the records above.</p>", out);
	} else if (f->change != NULL) {
		put_lines(
		    out, "Remove:", f->change->remove, f->change->n_remove);
		put_lines(
		    out, "Publish:", f->change->publish, f->change->n_publish);
	}
	fputs("</div>\n", out);
}

static void
put_tree(FILE *out, const struct spf_lint *lint)
{
	if (lint->n_tree == 0 || !lint->tree[0].has_record)
		return;
	fprintf(out,
	    "<h3>SPF: %u of 10 DNS lookups</h3><div class=\"wide\"><table>"
	    "<tr><th>Record</th><th class=\"n\">Lookups</th>"
	    "<th class=\"n\">IPv4 addresses</th>"
	    "<th class=\"n\">IPv6 networks</th></tr>\n",
	    lint->lookups);
	for (size_t i = 0; i < lint->n_tree; i++) {
		const struct spf_lint_node *node = &lint->tree[i];

		fprintf(out, "<tr><td class=\"a\" style=\"padding-left:%upx\">",
		    node->depth * 20);
		page_text(out, node->depth == 0 ? node->domain : node->term);
		if (audit_why_missing(node) != NULL)
			fprintf(out, " (%s)", audit_why_missing(node));
		fprintf(out,
		    "</td><td class=\"n\">%u</td><td class=\"n\">%llu</td>"
		    "<td class=\"n\">%u</td></tr>\n",
		    node->lookups, (unsigned long long)node->addresses,
		    node->networks6);
	}
	fputs("</table></div>\n", out);
}

static void
put_keys(FILE *out, const struct audit_domain *d)
{
	if (d->n_keys == 0)
		return;
	fputs("<h3>DKIM keys</h3><ul>", out);
	for (size_t i = 0; i < d->n_keys; i++) {
		fputs("<li><b>", out);
		page_text(out, d->keys[i].selector);
		fputs("</b> ", out);
		page_text(out, d->keys[i].key.verdict);
		fputs("</li>\n", out);
	}
	fputs("</ul>", out);
}

static void
put_failures(FILE *out, const struct audit_domain *d)
{
	if (d->n_failures == 0)
		return;
	fputs("<h3>Failed DNS queries</h3>", out);
	if (d->is_unsure)
		fputs("<p>A grade may depend on these queries, so no grades "
		      "are shown. Try again later.</p>",
		    out);
	fputs("<ul>", out);
	for (size_t i = 0; i < d->n_failures; i++) {
		fputs("<li>", out);
		page_text(out, d->failures[i].name);
		fprintf(out, " %s: %s</li>\n",
		    dns_type_name(d->failures[i].type),
		    dns_error_name(d->failures[i].fault));
	}
	fputs("</ul>", out);
}

static bool
put_audit(FILE *out, const void *arg)
{
	const struct audit_domain *d = arg;

	page_begin(out, "Audit of a domain");
	fputs("<section class=\"card\"><h2>", out);
	page_text(out, d->domain);
	fputs("</h2><div class=\"tiles\">", out);
	put_grade(out, "Does its mail arrive?", d->arrive,
	    audit_arrive_meaning(d->arrive));
	put_grade(out, "Can others spoof it?", d->spoof,
	    audit_spoof_meaning(d->spoof));
	fputs("</div>", out);
	if (d->findings.n == 0)
		fputs("<p>No problems found.</p>", out);
	for (size_t i = 0; i < d->findings.n; i++)
		put_finding(out, &d->findings, i);
	put_failures(out, d);
	put_tree(out, &d->spf);
	put_keys(out, d);
	fputs("<p class=\"soft\">" AUDIT_SCOPE " Made by avouch " AVOUCH_VERSION
	      ".</p></section>",
	    out);
	page_end(out);
	return true;
}

int
audit_write_page(struct cli *c, const struct audit_domain *d)
{
	return page_file_write(c, put_audit, d);
}
