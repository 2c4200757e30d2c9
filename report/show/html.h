/*
 * html.h - writes a view as one self-contained HTML page: no script, font or
 * image is loaded, and charts are inline SVG.  Texts from others are escaped;
 * a Content-Security-Policy is a second line of defence.
 */
#ifndef AVOUCH_REPORT_SHOW_HTML_H
#define AVOUCH_REPORT_SHOW_HTML_H

#include <stdint.h>
#include <stdio.h>

#include "report/show/summary.h"

enum {
	PAGE_DOMAINS_MAX = 50, /* shown in full */
	PAGE_SOURCES_MAX = 15, /* for each domain, those with the most
	                          messages */
	PAGE_LISTED_MAX = 10,  /* for each domain and cause */
};

/* `now` is the time of creation.  Write errors are left in `out`. */
void page_write(FILE *out, const struct view *view, int64_t now);

#endif
