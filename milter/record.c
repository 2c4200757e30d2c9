#include "milter/record.h"

#include <time.h>

#include "lib/log.h"
#include "report/row.h"

enum {
	ERROR_MAX = 500,
	CLOSE_MS = 5000, /* for what waits to be committed */
	DAY = 86400,
};

/* Set before the first message, and not touched until after the last. */
static struct store *store;

bool
record_open(const struct conf *conf, struct buf *error)
{
	char text[ERROR_MAX] = "out of memory";

	if (conf->report.store == NULL)
		return true;
	store = store_open(
	    &(struct store_options){
		.path = conf->report.store,
		.retention_days = conf->report.retention / DAY,
	    },
	    text, sizeof(text));
	if (store == NULL) {
		buf_printf(error, "report.store: %s", text);
		return false;
	}
	return true;
}

static void
keep(const struct verdict *v)
{
	int64_t now = (int64_t)time(NULL);
	struct report_row row;
	bool due = report_row_of(v, now, &row);

	store_put(store, due ? &row : NULL, &v->facts, &v->decision, now);
}

void
record_message(const struct verdict *v, struct span queue_id, bool settled,
    struct counters_times times)
{
	struct log_line l;

	counters_message(v, times);
	if (v == NULL) {
		log_begin(&l, LOG_LEVEL_ERROR, "message");
		log_span(&l, "queue_id", queue_id);
		log_text(&l, "action", settled ? "accept" : "tempfail");
		log_text(&l, "reason", "out of memory, nothing was checked");
		log_end(&l);
		return;
	}
	verify_log(v, queue_id);
	if (store != NULL && settled)
		keep(v);
}

bool
record_store_counts(struct store_counts *out)
{
	if (store == NULL)
		return false;
	store_counts(store, out);
	return true;
}

void
record_close(void)
{
	store_close(store, CLOSE_MS);
	store = NULL;
}
