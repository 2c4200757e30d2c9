/*
 * page.h - a view as one HTML page that needs nothing else: no script, no font,
 * no image from anywhere; charts are inline SVG.
 *
 * Every text of others is escaped; a Content-Security-Policy forbids whatever
 * could get through all the same.
 */
#ifndef AVOUCH_REPORT_PAGE_H
#define AVOUCH_REPORT_PAGE_H

#include <stdint.h>
#include <stdio.h>

#include "report/view.h"

enum {
	PAGE_DOMAINS_MAX = 50, /* told in full */
	PAGE_SOURCES_MAX = 15, /* of a domain, the top */
	PAGE_LISTED_MAX = 10,  /* of a domain and cause */
};

/* `now`: when it is made.  Errors are those of `out`. */
void page_write(FILE *out, const struct view *view, int64_t now);

/* Text with "&", "<", ">", quotes and controls escaped, for any place of the
 * page. */
void page_text(FILE *out, struct span text);

#endif
