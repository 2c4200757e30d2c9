#include "milter/message_sink.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "report/record/row.h"

enum {
	ERROR_MAX = 500,
	CLOSE_MS = 5000, /* time for the last commit */
};

/* Set before the first message and not changed until after the last. */
static struct store *store;

bool
message_sink_open(const struct conf *conf, struct buf *error)
{
	char text[ERROR_MAX] = "out of memory";

	if (conf_store_file(conf) == NULL)
		return true;
	store = store_open(
	    &(struct store_options){
		.path = conf_store_file(conf),
		.retention.rows_days = conf->report.retention / DATE_DAY,
		.retention.replay_days =
		    conf->report.replay_retention / DATE_DAY,
		.retention.received_days = conf->report.retention / DATE_DAY,
		.quota.max_bytes = conf->report.max_store,
		.quota.min_free = conf->report.min_free,
	    },
	    text, sizeof(text));
	if (store == NULL) {
		buf_printf(error, "report.store: %s", text);
		return false;
	}
	return true;
}

/*
 * A deferred message gets no row until it is sent again.  Its facts are stored
 * now, so that a replay can show the effect of another configuration.
 */
static void
store_message(
    const struct verdict *v, const struct conf *conf, struct span queue_id)
{
	int64_t now = clock_now().now;
	struct report_row row;
	/* allocated: too large for the stacks of libmilter's threads */
	struct failure_draft *draft =
	    conf->report.failure_reports ? malloc(sizeof(*draft)) : NULL;
	bool due =
	    v->decision.action != CONF_TEMPFAIL && report_row_of(v, now, &row);
	bool has_failure = draft != NULL &&
	    failure_of(
		v, conf, store_redaction_key(store), queue_id, now, draft);

	if (conf->report.failure_reports && draft == NULL)
		log_limited("memory", "not enough memory for a failure report");
	store_put(store, due ? &row : NULL, &v->facts, &v->decision,
	    has_failure ? &draft->failure : NULL, now);
	free(draft);
}

static void
log_unchecked(struct span queue_id, bool done)
{
	struct log_line l;

	log_begin(&l, LOG_LEVEL_ERROR, "message");
	log_span(&l, "queue_id", queue_id);
	log_text(&l, "action", done ? "accept" : "tempfail");
	log_text(&l, "reason", "out of memory: the message was not checked");
	log_end(&l);
}

void
message_sink_put(const struct verdict *v, const struct conf *conf,
    struct span queue_id, bool done, struct metrics_times times)
{
	metrics_message(v, times);
	if (v == NULL) {
		log_unchecked(queue_id, done);
		return;
	}
	verify_log(v, queue_id);
	/* A trusted MTA has already checked and stored the message. */
	if (store != NULL && done && !v->facts.trusted_mta)
		store_message(v, conf, queue_id);
}

bool
message_sink_store_counts(struct store_counts *out)
{
	if (store == NULL)
		return false;
	store_counts(store, out);
	return true;
}

void
message_sink_close(void)
{
	struct store_counts counts;
	struct log_line l;

	if (store == NULL)
		return;
	counts = store_close(store, CLOSE_MS);
	store = NULL;
	log_begin(&l, LOG_LEVEL_INFO, "store");
	log_number(&l, "put", (int64_t)counts.put);
	log_number(&l, "committed", (int64_t)counts.committed);
	log_number(&l, "waiting", (int64_t)counts.queued);
	log_number(&l, "lost", (int64_t)counts.lost);
	log_number(&l, "faults", (int64_t)counts.faults);
	log_end(&l);
}
