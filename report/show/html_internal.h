/*
 * html_internal.h - the parts of a domain's section, shared by html*.c.
 */
#ifndef AVOUCH_REPORT_SHOW_HTML_INTERNAL_H
#define AVOUCH_REPORT_SHOW_HTML_INTERNAL_H

#include <stdio.h>

#include "report/show/summary.h"

/* How many more senders and sources a domain's section may show. */
struct html_budget {
	size_t senders, sources;
};

void html_chart(FILE *out, const struct view *v, const struct view_domain *d);

/* Writes the senders, grouped by cause, each with its details. */
void html_senders(
    FILE *out, const struct view_domain *d, struct html_budget budget);

#endif
