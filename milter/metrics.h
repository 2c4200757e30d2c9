/*
 * metrics.h - what has been counted since the start, and the page that tells
 * it in Prometheus' text format, version 0.0.4.
 *
 * Counting takes no lock: a message costs a dozen additions.  The counters
 * live as long as the process.
 */
#ifndef AVOUCH_MILTER_METRICS_H
#define AVOUCH_MILTER_METRICS_H

#include <stdint.h>

#include "lib/buf.h"
#include "verify/verify.h"

enum { COUNTERS_PAGE_MAX = 64 << 10 }; /* bytes; half of it is used */

struct metrics_times {
	uint64_t finish_us; /* microseconds verify_finish() took */
	uint64_t total_us;  /* and all since MAIL */
};

/* A message that came to its end; NULL: there was no memory to check it.  Any
 * thread. */
void metrics_message(const struct verdict *v, struct metrics_times times);

/* The whole page: these, the service's, the name servers', the store's; between
 * service_start() and service_end(). */
void metrics_put(struct buf *page);

#endif
