/*
 * page.h - the frame and style of our HTML pages.  They are self-contained and
 * load no scripts, fonts or images; a Content-Security-Policy is a second line
 * of defence.
 */
#ifndef AVOUCH_REPORT_SHOW_PAGE_H
#define AVOUCH_REPORT_SHOW_PAGE_H

#include <stdint.h>
#include <stdio.h>

#include "lib/ip.h"
#include "lib/span.h"

/* page_begin() writes the page up to its heading, `title`; page_end() writes
 * its end.  Callers check `out` for write errors. */
void page_begin(FILE *out, const char *title);
void page_end(FILE *out);

/* Writes `text` so that it is safe anywhere on the page: "&", "<", ">" and
 * quotes are escaped, and control characters are replaced. */
void page_text(FILE *out, struct span text);

/* Write a number ("12,345"), a rate ("98.7 %", or a dash if `whole` is 0), a
 * day ("2026-11-22") or an IP address. */
void page_number(FILE *out, uint64_t value);
void page_rate(FILE *out, uint64_t part, uint64_t whole);
void page_day(FILE *out, int64_t day);
void page_address(FILE *out, const struct ip *ip);

#endif
