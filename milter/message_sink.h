/*
 * message_sink.h - what is kept of a message: a line in the log, counters, and
 * where a store is configured a row and the facts in it (RFC 9990 section 3.1),
 * and what a failure report is made of, where the configuration has that (RFC
 * 9991).
 *
 * Nothing of it is ever a reason to refuse or to lose mail.
 */
#ifndef AVOUCH_MILTER_MESSAGE_SINK_H
#define AVOUCH_MILTER_MESSAGE_SINK_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/span.h"
#include "milter/metrics.h"
#include "report/store/queue.h"
#include "conf/conf.h"
#include "verify/verify.h"

/* Opens the store, if one is configured.  False: `error` says why. */
bool message_sink_open(const struct conf *conf, struct buf *error);

/*
 * `v` is NULL where there was no memory for a verdict.  `done`: the MTA took
 * what was decided; else it comes again, and is kept then.
 */
void message_sink_put(const struct verdict *v, const struct conf *conf,
    struct span queue_id, bool done, struct metrics_times times);

/* False: there is no store. */
bool message_sink_store_counts(struct store_counts *out);

/* Commits what waits. */
void message_sink_close(void);

#endif
