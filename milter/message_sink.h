/*
 * message_sink.h - records a finished message: writes a log line, updates the
 * counters and, if a store is configured, stores a row (RFC 9990 section 3.1)
 * and the facts of the message.  Also stores the data for a failure report, if
 * such reports are configured (RFC 9991).
 *
 * An error here never rejects or loses a message.
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

/* Opens the store, if one is configured.  Returns false on error, and `error`
 * says why. */
bool message_sink_open(const struct conf *conf, struct buf *error);

/*
 * Logs, counts and stores a message.  May be called from any thread.  `v` is
 * NULL if memory ran out.  If `done` is false, the decision was not carried
 * out: the client will send the message again, and it is stored then.
 */
void message_sink_put(const struct verdict *v, const struct conf *conf,
    struct span queue_id, bool done, struct metrics_times times);

/* Returns false if there is no store. */
bool message_sink_store_counts(struct store_counts *out);

/* Commits the queued rows, waiting at most 5 s, and closes the store. */
void message_sink_close(void);

#endif
