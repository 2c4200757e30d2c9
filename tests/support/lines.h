/*
 * lines.h - a DNS source for fuzz targets: a hash of the name determines
 * whether a TXT question gets lines of the input, a negative answer, or a
 * failure.
 */
#ifndef AVOUCH_TESTS_SUPPORT_LINES_H
#define AVOUCH_TESTS_SUPPORT_LINES_H

#include "dns/source.h"
#include "lib/scan.h"

enum { LINES_MAX = 16 };

struct lines_source {
	struct dns_source source; /* must be the first member; need not be
	                             closed */
	struct dns_record lines[LINES_MAX];
	size_t n_lines;
};

/* Uses the rest of `s` as the answers, up to LINES_MAX lines. */
void lines_open(struct lines_source *l, struct scan *s);

/* Returns the text before `end`, or the rest of the input, and skips `end`. */
struct span lines_next(struct scan *s, char end);

#endif
