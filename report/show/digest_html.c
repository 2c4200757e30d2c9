/*
 * digest_html.c - the digest as HTML for mail.  Styles are attributes, because
 * mail programs ignore style sheets.
 */
#include "report/show/digest.h"
#include "report/show/page.h"

#define CELL " style=\"padding:4px 6px;border-bottom:1px solid #ddd"
#define NUMBER CELL ";text-align:right;white-space:nowrap\""

static void
put_item(FILE *out, const struct digest_item *i)
{
	fputs("<li style=\"margin:0 0 8px\"><b>", out);
	page_text(out, i->domain);
	fputs("</b>: ", out);
	page_text(out, i->what);
	if (i->more.n > 0) {
		fputs("\n<br><span style=\"color:#555\">", out);
		page_text(out, i->more);
		fputs("</span>", out);
	}
	fputs("</li>\n", out);
}

static void
put_section(FILE *out, const struct digest *d, enum digest_section section)
{
	const struct digest_items *list = &d->sections[section];

	if (list->n == 0)
		return;
	fprintf(out,
	    "<h2 style=\"font-size:17px;margin:24px 0 8px;color:%s\">%s</h2>\n"
	    "<ul style=\"margin:0;padding-left:20px\">\n",
	    section == DIGEST_URGENT ? "#b00020" : "#222",
	    digest_section_title(section));
	for (const struct digest_item *i = list->first; i != NULL; i = i->next)
		put_item(out, i);
	if (list->left_out > 0)
		fprintf(out, "<li>and %zu more</li>\n", list->left_out);
	fputs("</ul>\n", out);
}

static void
put_row(FILE *out, const struct digest_row *r)
{
	fputs("<tr><td" CELL ";overflow-wrap:anywhere\">", out);
	page_text(out, r->domain);
	if (r->policy.n > 0) {
		fputs("\n<span style=\"color:#555\">p=", out);
		page_text(out, r->policy);
		fputs("</span>", out);
	}
	fputs("</td>\n<td" NUMBER ">", out);
	page_number(out, r->messages);
	fputs("</td><td" NUMBER ">", out);
	page_rate(out, r->passed, r->messages);
	fputs("</td><td" NUMBER ">", out);
	page_rate(out, r->passed_before, r->messages_before);
	fputs("</td></tr>\n", out);
}

static void
put_rows(FILE *out, const struct digest *d)
{
	if (d->rows == NULL)
		return;
	fputs("<h2 style=\"font-size:17px;margin:24px 0 8px;color:#222\">Your "
	      "domains, each in its latest week with reports</h2>\n"
	      "<table style=\"border-collapse:collapse;font-size:14px\">\n"
	      "<tr><th" CELL ";text-align:left\">domain</th>\n<th" NUMBER
	      ">messages</th><th" NUMBER ">pass</th><th" NUMBER
	      ">before</th></tr>\n",
	    out);
	for (const struct digest_row *r = d->rows; r != NULL; r = r->next)
		put_row(out, r);
	fputs("</table>\n", out);
	if (d->rows_left_out > 0)
		fprintf(out, "<p>and %zu more</p>\n", d->rows_left_out);
}

void
digest_put_html(FILE *out, const struct digest *d)
{
	fputs(
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<title>Mail authentication</title></head>\n"
	    "<body style=\"font:15px/1.45 sans-serif;color:#222;"
	    "background:#fff;max-width:720px;margin:16px\">\n"
	    "<h1 style=\"font-size:20px;margin:0\">Mail authentication</h1>\n"
	    "<p style=\"margin:4px 0 0;color:#555\">",
	    out);
	digest_put_period(out, d);
	fputs("</p>\n", out);
	if (!d->happened)
		fputs("<p>Nothing new this week.</p>\n", out);
	for (size_t i = 0; i < DIGEST_SECTIONS; i++)
		put_section(out, d, (enum digest_section)i);
	put_rows(out, d);
	fputs("<p style=\"color:#555\">More: <code>avouch report show</code>, "
	      "<code>avouch audit --mine</code>, <code>avouch key due</code>"
	      "</p>\n</body></html>\n",
	    out);
}
