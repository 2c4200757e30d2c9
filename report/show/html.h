/*
 * html.h - the reports of others as one self-contained HTML page: no script,
 * font or image is loaded, and charts are inline SVG.  Texts from others are
 * escaped; a Content-Security-Policy is a second line of defence.
 *
 * The caller writes the head, then the sections of the first domains as it
 * visits them, then the foot.  Write errors are left in `out`.
 */
#ifndef AVOUCH_REPORT_SHOW_HTML_H
#define AVOUCH_REPORT_SHOW_HTML_H

#include <stdint.h>
#include <stdio.h>

#include "report/show/summary.h"

enum {
	PAGE_DOMAINS_MAX = 100,  /* shown in full, the most urgent ones first */
	PAGE_INDEX_MAX = 2000,   /* in the index */
	PAGE_SENDERS_MAX = 5000, /* of all domains together */
	PAGE_SOURCES_MAX = 20000,
};

/* After a visit of all domains and view_sort(): all up to the first section.
 * `now` is the time of creation. */
void page_head(FILE *out, const struct view *view, int64_t now);

/* During the visit of the domain; the first has the number 0. */
void page_domain(FILE *out, const struct view *view,
    const struct view_domain *d, size_t number);

/* How many domains are not shown in full; view->others; the end. */
void page_foot(FILE *out, const struct view *view);

#endif
