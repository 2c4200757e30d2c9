/*
 * page.h - the frame and the style of our HTML pages: self-contained, without
 * scripts, fonts or images from elsewhere; a Content-Security-Policy is a
 * second line of defence.
 */
#ifndef AVOUCH_REPORT_SHOW_PAGE_H
#define AVOUCH_REPORT_SHOW_PAGE_H

#include <stdio.h>

#include "lib/span.h"

/* Writes all up to the heading, which is `title`; and the end of the page.
 * Write errors are left in `out`. */
void page_begin(FILE *out, const char *title);
void page_end(FILE *out);

/* Writes text with "&", "<", ">", quotes and control characters escaped, for
 * any place of the page. */
void page_text(FILE *out, struct span text);

#endif
