/*
 * html.h - received reports as one self-contained HTML page: no script, font or
 * image is loaded, and charts are inline SVG.  Strings from reports are
 * escaped; a Content-Security-Policy is a second line of defence.
 *
 * The caller writes the head, then the sections of the first domains as it
 * visits them, then the foot.  The caller checks `out` for write errors.
 */
#ifndef AVOUCH_REPORT_SHOW_HTML_H
#define AVOUCH_REPORT_SHOW_HTML_H

#include <stdint.h>
#include <stdio.h>

#include "report/show/summary.h"

enum {
	PAGE_DOMAINS_MAX =
	    100, /* domains shown in full, the most urgent first */
	PAGE_INDEX_MAX = 2000,   /* domains listed in the index */
	PAGE_SENDERS_MAX = 5000, /* for all domains together */
	PAGE_SOURCES_MAX = 20000,
};

/* Writes everything before the first section.  All domains must have been
 * visited, and view_sort() called.  `now` is the time of creation. */
void page_head(FILE *out, const struct view *view, int64_t now);

/* Call this while visiting the domain.  `number` counts domains from 0. */
void page_domain(FILE *out, const struct view *view,
    const struct view_domain *d, size_t number);

/* Writes how many domains are not shown in full, the sections of view->others,
 * and the end of the page. */
void page_foot(FILE *out, const struct view *view);

#endif
