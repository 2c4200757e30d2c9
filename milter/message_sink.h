/*
 * message_sink.h - records a finished message: a log line and counters; a row
 * and its facts if a store is configured (RFC 9990 section 3.1); and the data
 * of a failure report if those are configured (RFC 9991).
 *
 * An error here never refuses or loses a message.
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
 * Logs, counts and stores a message; any thread.  `v` is NULL if there was no
 * memory for a verdict.  `done`: the MTA accepted the decision; if not, the
 * message is sent again and stored then.
 */
void message_sink_put(const struct verdict *v, const struct conf *conf,
    struct span queue_id, bool done, struct metrics_times times);

/* False: there is no store. */
bool message_sink_store_counts(struct store_counts *out);

/* Commits the queued rows, waiting at most 5 s, and closes the store. */
void message_sink_close(void);

#endif
