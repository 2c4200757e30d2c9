/*
 * metrics.h - counters since startup, and the page that shows them in
 * Prometheus' text format, version 0.0.4.
 *
 * Counting needs no lock and costs about a dozen additions per message.  A
 * reload does not reset the counters.
 */
#ifndef AVOUCH_MILTER_METRICS_H
#define AVOUCH_MILTER_METRICS_H

#include <stdint.h>

#include "lib/buf.h"
#include "verify/verify.h"

enum {
	METRICS_PAGE_MAX = 128 << 10
}; /* bytes, about three times the page's current size */

struct metrics_times {
	uint64_t finish_us; /* microseconds spent in session_finish() */
	uint64_t total_us;  /* microseconds since MAIL */
};

/* Counts a finished message; `v` is NULL if memory ran out.  May be called from
 * any thread. */
void metrics_message(const struct verdict *v, struct metrics_times times);

/* Writes the whole page, with the counters for messages, the service, the keys,
 * the resolver and the store.  Call between service_start() and
 * service_end(). */
void metrics_put(struct buf *page);

#endif
