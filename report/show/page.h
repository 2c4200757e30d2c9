/*
 * page.h - the frame and the style of our HTML pages: self-contained, without
 * scripts, fonts or images from elsewhere; a Content-Security-Policy is a
 * second line of defence.
 */
#ifndef AVOUCH_REPORT_SHOW_PAGE_H
#define AVOUCH_REPORT_SHOW_PAGE_H

#include <stdint.h>
#include <stdio.h>

#include "lib/ip.h"
#include "lib/span.h"

/* Writes all up to the heading, which is `title`; and the end of the page.
 * Write errors are left in `out`. */
void page_begin(FILE *out, const char *title);
void page_end(FILE *out);

/* Writes text with "&", "<", ">", quotes and control characters escaped, for
 * any place of the page. */
void page_text(FILE *out, struct span text);

/* "12,345"; "98.7 %", or a dash for a part of nothing; "2026-11-22"; an
 * address. */
void page_number(FILE *out, uint64_t value);
void page_rate(FILE *out, uint64_t part, uint64_t whole);
void page_day(FILE *out, int64_t day);
void page_address(FILE *out, const struct ip *ip);

#endif
