/*
 * metrics.h - counters since the start, and the page that shows them in the
 * text format of Prometheus, version 0.0.4.
 *
 * Counting takes no lock: a message costs a dozen additions.  A reload does not
 * reset the counters.
 */
#ifndef AVOUCH_MILTER_METRICS_H
#define AVOUCH_MILTER_METRICS_H

#include <stdint.h>

#include "lib/buf.h"
#include "verify/verify.h"

enum { METRICS_PAGE_MAX = 128 << 10 }; /* bytes; a third of it is used */

struct metrics_times {
	uint64_t finish_us; /* microseconds that session_finish() took */
	uint64_t total_us;  /* microseconds since MAIL */
};

/* Counts a finished message; `v` is NULL if there was no memory to check it.
 * Any thread. */
void metrics_message(const struct verdict *v, struct metrics_times times);

/* Writes the whole page: the counters of messages, the service, the resolver
 * and the store.  Call between service_start() and service_end(). */
void metrics_put(struct buf *page);

#endif
