/*
 * cmd_report_push.c - avouch report push: the rows of this host go to the store
 * that several hosts share.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd_report.h"
#include "lib/table.h"
#include "lib/url.h"
#include "report/day.h"
#include "report/push.h"

enum { HOST_MAX = 256, DAY_MAX = 40 };

struct work {
	struct cli *c;
	uint64_t days, rows, messages;
	uint64_t waiting; /* deliveries of this host's own file */
	json_t *list;     /* with --json: the events */
};

static const struct name kinds[] = {
	{ "pushed", PUSH_DAY },
	{ "known", PUSH_KNOWN },
	{ "again", PUSH_AGAIN },
};

static const struct name ways[] = {
	{ "copy", PUSH_AS_COPY },
	{ "restored", PUSH_AS_RESTORED },
};

static void
tell_json(struct work *w, const struct push_event *e, const char *day)
{
	json_t *o = json_object();

	cli_set_text(
	    o, "what", table_name(kinds, TABLE_SIZE(kinds), (int)e->kind));
	cli_set_text(o, "day", e->day >= 0 ? day : NULL);
	cli_set_number(o, "rows", (int64_t)e->rows);
	cli_set_number(o, "messages", (int64_t)e->messages);
	json_array_append_new(w->list, o);
}

static void
tell(void *arg, const struct push_event *e)
{
	struct work *w = arg;
	char day[DAY_MAX];
	struct buf b = buf_over(day, sizeof(day));

	day_put(&b, e->day);
	w->days += e->kind == PUSH_DAY;
	w->rows += e->rows;
	w->messages += e->messages;
	if (w->list != NULL) {
		tell_json(w, e, day);
		return;
	}
	switch (e->kind) {
	case PUSH_DAY:
		printf("pushed %s: rows %" PRIu64 ", messages %" PRIu64 "\n",
		    day, e->rows, e->messages);
		break;
	case PUSH_KNOWN:
		printf("%s had been pushed by a run that could not note it\n",
		    day);
		break;
	case PUSH_AGAIN:
		printf("the shared store has nothing after %s of what was "
		       "pushed before: pushed again\n",
		    e->day >= 0 ? day : "the beginning");
		break;
	}
	fflush(stdout);
}

static int
two_files(struct cli *c, const char *other)
{
	return cli_fail(c, EX_CONFIG,
	    "the database of this host was pushed from elsewhere since (as "
	    "host %s): nothing is pushed until you say what it is. Run once, "
	    "if it is a copy that goes on beside the other: avouch report "
	    "push --as copy; if it was restored from a backup: avouch report "
	    "push --as restored",
	    other);
}

static bool
count_one(void *arg, const struct ledger_delivery *d)
{
	struct work *w = arg;

	/* failure reports are of this host for ever */
	w->waiting += d->report.parts > 0;
	return true;
}

/* What was planned from the file before hosts shared a store. */
static void
count_waiting(struct work *w, struct ledger *local)
{
	struct ledger_want want = { .day = -1,
		.states = 1u << LEDGER_PLANNED | 1u << LEDGER_SENDING |
		    1u << LEDGER_WAITING };

	ledger_each_delivery(local, &want, count_one, w);
}

static int
print(struct work *w, const char *file)
{
	if (w->list != NULL) {
		json_t *o = json_object();

		cli_set_number(o, "days", (int64_t)w->days);
		cli_set_number(o, "rows", (int64_t)w->rows);
		cli_set_number(o, "messages", (int64_t)w->messages);
		cli_set_number(o, "waiting", (int64_t)w->waiting);
		cli_set(o, "events", w->list);
		w->list = NULL;
		return cli_print_json(o);
	}
	if (w->days == 0)
		puts("nothing to push");
	if (w->waiting > 0)
		printf("%" PRIu64 " reports that were made from %s wait: "
		       "avouch report send --store %s\n",
		    w->waiting, file, file);
	return EX_OK;
}

static int
push(struct work *w, struct report_store *store, struct ledger *local,
    enum push_as as)
{
	struct cli *c = w->c;
	char host[HOST_MAX] = "", error[PUSH_ERROR_MAX] = "";
	struct push_options o = { .local = local,
		.central = store->ledger,
		.now = c->now,
		.as = as,
		.retention.rows_days =
		    store->conf->report.retention / REPORT_DAY,
		.retention.received_days =
		    store->conf->report.retention / REPORT_DAY,
		.tell = tell,
		.arg = w };

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	o.host = span_str(host);
	switch (push_run(&o, error)) {
	case PUSH_DONE:
		count_waiting(w, local);
		return EX_OK;
	case PUSH_BUSY:
		return cli_fail(c, EX_TEMPFAIL, "another run is at it");
	case PUSH_TWO:
		return two_files(c, error);
	case PUSH_FAULT:
		break;
	}
	return cli_fail(c, EX_TEMPFAIL, "%s", error);
}

static int
open_and_push(struct work *w, struct report_store *store, enum push_as as)
{
	const char *file = store->conf->report.local_store;
	char error[SQL_ERROR_MAX] = "";
	struct ledger *local;
	int status;

	if (file == NULL)
		return cli_fail(w->c, EX_CONFIG,
		    "report { local_store = ... } is not set: there is "
		    "nothing to push");
	local = ledger_open_file(file, SQLITE_FOR_READING, error);
	if (local == NULL)
		return cli_fail(w->c, EX_TEMPFAIL, "%s: %s", file, error);
	status = report_open_ledger(w->c, SQLITE_FOR_COMMAND, store);
	if (status == EX_OK)
		status = push(w, store, local, as);
	if (status == EX_OK)
		status = print(w, file);
	ledger_close(local);
	return status;
}

static int
run(struct work *w)
{
	struct cli *c = w->c;
	struct report_store store;
	int as = PUSH_AS_IT_IS, status;

	if (c->as != NULL &&
	    !table_value(ways, TABLE_SIZE(ways), span_str(c->as), &as))
		return cli_fail(
		    c, EX_USAGE, "--as %s: not one of copy, restored", c->as);
	status = report_open_conf(c, &store);
	if (status != EX_OK)
		return status;
	if (url_is_database(span_str(store.name)))
		status = open_and_push(w, &store, (enum push_as)as);
	else
		status = print(w, NULL);
	report_close(&store);
	return status;
}

int
cmd_report_push(struct cli *c)
{
	struct work w = { .c = c, .list = c->json ? json_array() : NULL };
	int status = run(&w);

	json_decref(w.list);
	return status;
}
