/*
 * lines.h - a source for fuzz targets: what is asked for TXT is answered with
 * lines of the input, or not at all; which of it is a matter of the name.
 */
#ifndef AVOUCH_TESTS_SUPPORT_LINES_H
#define AVOUCH_TESTS_SUPPORT_LINES_H

#include "dns/source.h"
#include "lib/scan.h"

enum { LINES_MAX = 16 };

struct lines_source {
	struct dns_source source; /* first; it needs no closing */
	struct dns_record lines[LINES_MAX];
	size_t n_lines;
};

/* All that is left of `s`, up to LINES_MAX lines. */
void lines_open(struct lines_source *l, struct scan *s);

/* The text before `end` or before the end of the input; takes `end` too. */
struct span lines_next(struct scan *s, char end);

#endif
