/*
 * cmd_push.c - avouch report push: moves the rows of this host to the store
 * shared by several hosts.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/report/cmd_report.h"
#include "lib/enum_names.h"
#include "lib/pg_url.h"
#include "lib/date.h"
#include "report/push/push.h"
#include "report/store/failure_queue.h"

enum { HOST_MAX = 256, DAY_MAX = 40 };

struct push_job {
	struct cli *c;
	uint64_t days, rows, messages;
	uint64_t waiting; /* unsent reports in this host's own file */
	json_t *list;     /* events; NULL without --json */
};

static const struct enum_token event_names[] = {
	{ "pushed", PUSH_DAY },
	{ "known", PUSH_KNOWN },
	{ "again", PUSH_AGAIN },
};

static const struct enum_token as_names[] = {
	{ "copy", PUSH_AS_COPY },
	{ "restored", PUSH_AS_RESTORED },
};

static void
push_add_event_json(struct push_job *w, const struct push_event *e,
    const char *day, const char *counts_for)
{
	json_t *o = json_object();

	cli_set_text(o, "what",
	    enum_name(event_names, ARRAY_SIZE(event_names), (int)e->kind));
	cli_set_text(o, "day", e->day >= 0 ? day : NULL);
	cli_set_number(o, "rows", (int64_t)e->rows);
	cli_set_number(o, "messages", (int64_t)e->messages);
	cli_set_text(o, "counts_for", counts_for);
	json_array_append_new(w->list, o);
}

static void
push_on_event(void *arg, const struct push_event *e)
{
	struct push_job *w = arg;
	char day[DAY_MAX], other[DAY_MAX];
	struct buf b = buf_wrap(day, sizeof(day));
	struct buf counts_for = buf_wrap(other, sizeof(other));
	bool is_late =
	    e->kind == PUSH_DAY && e->rows > 0 && e->counts_for != e->day;

	date_put_day(&b, e->day);
	date_put_day(&counts_for, e->counts_for);
	w->days += e->kind == PUSH_DAY;
	w->rows += e->rows;
	w->messages += e->messages;
	if (w->list != NULL) {
		push_add_event_json(w, e, day, is_late ? other : NULL);
		return;
	}
	switch (e->kind) {
	case PUSH_DAY:
		printf("pushed %s: rows %" PRIu64 ", messages %" PRIu64
		       "%s%s\n",
		    day, e->rows, e->messages,
		    is_late ? "; its reports have been made, so these rows "
			      "count for "
			    : "",
		    is_late ? other : "");
		break;
	case PUSH_KNOWN:
		printf("%s was already pushed by a run that was interrupted\n",
		    day);
		break;
	case PUSH_AGAIN:
		printf("the shared store has lost what was pushed%s%s: "
		       "pushing it again\n",
		    e->day >= 0 ? " after " : "", e->day >= 0 ? day : "");
		break;
	}
	fflush(stdout);
}

static int
push_fail_two_files(struct cli *c, const char *other)
{
	return cli_fail(c, EX_CONFIG,
	    "another copy of this host's database was pushed in the meantime "
	    "(as host %s), so nothing was pushed. If both copies stay in use, "
	    "run once: avouch report push --as copy. If this one was restored "
	    "from a backup, run once: avouch report push --as restored",
	    other);
}

static bool
count_waiting_report(void *arg, const struct ledger_delivery *d)
{
	struct push_job *w = arg;

	/* failure reports (parts is 0) stay on the host that created them */
	w->waiting += d->report.parts > 0;
	return true;
}

/* Counts unsent reports that were planned from the local file before the hosts
 * began to share a store. */
static void
count_waiting(struct push_job *w, struct ledger *local)
{
	struct ledger_want want = { .day = -1,
		.states = 1u << LEDGER_PLANNED | 1u << LEDGER_SENDING |
		    1u << LEDGER_WAITING };

	ledger_each_delivery(local, &want, count_waiting_report, w);
}

static int
push_print_result(struct push_job *w, const char *file)
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
		printf("%" PRIu64 " reports in %s are still waiting; to send "
		       "them, run: avouch report send --store %s\n",
		    w->waiting, file, file);
	return EX_OK;
}

/* Makes both stores use the same redaction key, so that hosts that share a
 * store write the same hashes into failure reports. */
static int
push_share_key(struct cli *c, struct sql *local, struct sql *shared)
{
	struct sql *failed;

	if (redaction_key_share(local, shared, &failed))
		return EX_OK;
	return cli_fail(c, EX_TEMPFAIL,
	    "the rows were pushed, but not the key that redacts failure "
	    "reports: %s: %s",
	    failed == local ? "the store of this host" : "the shared store",
	    failed->error);
}

static int
push_rows(struct push_job *w, struct report_store *store, struct ledger *local,
    enum push_as as)
{
	struct cli *c = w->c;
	char host[HOST_MAX] = "", error[PUSH_ERROR_MAX] = "";
	struct push_options o = { .local = local,
		.central = store->ledger,
		.now = c->now,
		.as = as,
		.retention.rows_days = store->conf->report.retention / DATE_DAY,
		.retention.received_days =
		    store->conf->report.retention / DATE_DAY,
		.on_event = push_on_event,
		.arg = w };

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	o.host = span_str(host);
	switch (push_run(&o, error)) {
	case PUSH_DONE:
		count_waiting(w, local);
		return push_share_key(
		    c, ledger_sql(local), ledger_sql(store->ledger));
	case PUSH_BUSY:
		return cli_fail(c, EX_TEMPFAIL, "another run is in progress");
	case PUSH_TWO:
		return push_fail_two_files(c, error);
	case PUSH_FAULT:
		break;
	}
	return cli_fail(c, EX_TEMPFAIL, "%s", error);
}

static int
push_open_and_run(
    struct push_job *w, struct report_store *store, enum push_as as)
{
	const char *file = store->conf->report.local_store;
	char error[SQL_ERROR_MAX] = "";
	struct ledger *local;
	int status;

	if (file == NULL)
		return cli_fail(w->c, EX_CONFIG,
		    "report { local_store = ... } is not set; set it to the "
		    "file that is pushed");
	local = ledger_open_file(file, SQLITE_FOR_READING, error);
	if (local == NULL)
		return cli_fail(w->c, EX_TEMPFAIL, "%s: %s", file, error);
	status = report_open_ledger(w->c, SQLITE_FOR_COMMAND, store);
	if (status == EX_OK)
		status = report_check_clock(w->c, store);
	if (status == EX_OK)
		status = push_rows(w, store, local, as);
	if (status == EX_OK)
		status = push_print_result(w, file);
	ledger_close(local);
	return status;
}

static int
push_command(struct push_job *w)
{
	struct cli *c = w->c;
	struct report_store store;
	int as = PUSH_AS_IT_IS, status;

	if (c->as != NULL &&
	    !enum_value(as_names, ARRAY_SIZE(as_names), span_str(c->as), &as))
		return cli_fail(
		    c, EX_USAGE, "--as %s: must be copy or restored", c->as);
	status = report_open_conf(c, &store);
	if (status != EX_OK)
		return status;
	if (pg_url_matches(span_str(store.name)))
		status = push_open_and_run(w, &store, (enum push_as)as);
	else
		status = push_print_result(w, NULL);
	report_close(&store);
	return status;
}

int
cmd_report_push(struct cli *c)
{
	struct push_job w = { .c = c, .list = c->json ? json_array() : NULL };
	int status = push_command(&w);

	json_decref(w.list);
	return status;
}
