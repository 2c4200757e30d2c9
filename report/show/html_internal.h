/*
 * html_internal.h - shared by html*.c: the parts of a domain's section.
 */
#ifndef AVOUCH_REPORT_SHOW_HTML_INTERNAL_H
#define AVOUCH_REPORT_SHOW_HTML_INTERNAL_H

#include <stdio.h>

#include "report/show/summary.h"

/* What the section of a domain may still show. */
struct html_budget {
	size_t senders, sources;
};

void html_chart(FILE *out, const struct view *v, const struct view_domain *d);

/* The senders by cause, each with its details. */
void html_senders(
    FILE *out, const struct view_domain *d, struct html_budget budget);

#endif
