/*
 * cmd_policy.c - avouch policy replay: applies a configuration that is not in
 * use yet to recent messages in the store, and shows which of them would be
 * handled differently.
 */
#include <string.h>

#include "cli/cli.h"
#include "lib/buf.h"
#include "lib/date.h"
#include "lib/scan.h"
#include "report/store/query.h"
#include "report/show/replay.h"

enum {
	SHOWN_MAX =
	    40, /* changes shown in the text output; JSON has all of them */
	DAYS_MAX = 400,
	END_MAX = 200,
};

/* ---- JSON ---- */

static void
set_outcome_json(json_t *o, const char *key, const struct replay_end *end)
{
	json_t *e = json_object();

	cli_set_span(e, "action", end->action);
	cli_set_span(e, "would", end->would);
	cli_set_span(e, "rule", end->rule);
	cli_set(o, key, e);
}

static void
set_date_json(json_t *o, const char *key, int64_t day)
{
	char memory[DATE_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	date_put_day(&b, day);
	cli_set_span(o, key, day >= 0 ? buf_view(&b) : SPAN_NONE);
}

static int
replay_print_json(struct replay *r)
{
	struct replay_sum sum = replay_sum(r);
	json_t *o = json_object(), *list = json_array();
	const struct replay_change *changes;
	size_t n;

	changes = replay_changes(r, &n);
	set_date_json(o, "first_day", sum.first);
	set_date_json(o, "last_day", sum.last);
	cli_set_number(o, "messages", (int64_t)sum.messages);
	cli_set_number(o, "otherwise", (int64_t)sum.otherwise);
	cli_set_number(o, "unchecked", (int64_t)sum.unchecked);
	cli_set_number(o, "unlisted", (int64_t)sum.unlisted);
	for (size_t i = 0; i < n; i++) {
		json_t *c = json_object();

		cli_set_span(c, "domain", changes[i].domain);
		set_outcome_json(c, "then", &changes[i].then);
		set_outcome_json(c, "now", &changes[i].now);
		cli_set_number(c, "messages", (int64_t)changes[i].messages);
		json_array_append_new(list, c);
	}
	cli_set(o, "changes", list);
	return cli_print_json(o);
}

/* ---- text ---- */

/* Writes "reject, rule dmarc.on_reject" or "accept (would reject), rule
 * ...". */
static void
put_outcome(struct buf *b, const struct replay_end *end)
{
	buf_span(b, end->action);
	if (!span_equal(end->action, end->would)) {
		buf_text(b, " (would ");
		buf_span(b, end->would);
		buf_byte(b, ')');
	}
	buf_text(b, ", rule ");
	buf_span(b, end->rule);
}

static void
print_replay_change(const struct replay_change *c)
{
	char memory[END_MAX * 2];
	struct buf b = buf_wrap(memory, sizeof(memory));

	printf("%10llu  ", (unsigned long long)c->messages);
	cli_put(c->domain);
	printf("\n            then: ");
	put_outcome(&b, &c->then);
	cli_put(buf_view(&b));
	printf("\n             now: ");
	buf_cut(&b, 0);
	put_outcome(&b, &c->now);
	cli_put(buf_view(&b));
	putchar('\n');
}

static void
print_replay_sum(const struct replay_sum *sum)
{
	char memory[END_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_printf(&b, "%llu", (unsigned long long)sum->messages);
	if (sum->first >= 0) {
		buf_text(&b, ", from ");
		date_put_day(&b, sum->first);
		buf_text(&b, " to ");
		date_put_day(&b, sum->last);
	}
	cli_line("messages", buf_view(&b));
	buf_cut(&b, 0);
	buf_number(&b, sum->otherwise);
	cli_line("changed", buf_view(&b));
	if (sum->unchecked == 0)
		return;
	buf_cut(&b, 0);
	buf_printf(&b,
	    "%llu: skipped as mail from your own users, so never checked",
	    (unsigned long long)sum->unchecked);
	cli_line("unknown", buf_view(&b));
}

static int
replay_print_text(struct replay *r)
{
	struct replay_sum sum = replay_sum(r);
	const struct replay_change *changes;
	uint64_t shown = 0;
	size_t n;

	changes = replay_changes(r, &n);
	print_replay_sum(&sum);
	for (size_t i = 0; i < n && i < SHOWN_MAX; i++) {
		print_replay_change(&changes[i]);
		shown += changes[i].messages;
	}
	if (shown < sum.otherwise)
		printf("%10llu  more changed messages; --json lists them\n",
		    (unsigned long long)(sum.otherwise - shown));
	return EX_OK;
}

/* ---- command ---- */

static bool
replay_add_row(void *arg, const struct ledger_replay_row *f)
{
	return replay_add(arg, f);
}

static int
replay_run(
    struct cli *c, const struct conf *conf, struct ledger *l, int64_t first)
{
	struct replay *r = replay_new(conf, c->now);
	int status = EX_OK;

	if (r == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	if (ledger_each_replay_row(l, first, replay_add_row, r) != LEDGER_OK)
		status = cli_fail(c, EX_TEMPFAIL, "%s", ledger_error(l));
	else
		status = c->json ? replay_print_json(r) : replay_print_text(r);
	replay_free(r);
	return status;
}

/* Sets the first day to replay according to --days; the last day is today. */
static int
replay_read_days(struct cli *c, int64_t *first)
{
	struct scan s = scan_of(span_str(c->days));
	uint64_t days = DAYS_MAX;

	if (c->days != NULL &&
	    (!scan_number(&s, DAYS_MAX, &days) || !scan_done(&s) || days == 0))
		return cli_fail(c, EX_USAGE,
		    "--days %s: must be a number from 1 to %d", c->days,
		    DAYS_MAX);
	*first = c->now / DATE_DAY - (int64_t)days + 1;
	return EX_OK;
}

static int
replay_open_and_run(struct cli *c, const struct conf *conf, int64_t first)
{
	const char *store = c->store != NULL ? c->store : conf_store_file(conf);
	char error[SQL_ERROR_MAX];
	struct ledger *l;
	int status;

	if (store == NULL)
		return cli_fail(c, EX_CONFIG,
		    "no store is configured: set report { store = ... } in the "
		    "configuration, or use --store FILE");
	l = ledger_open_file(store, SQLITE_FOR_READING, error);
	if (l == NULL)
		return cli_fail(c, EX_TEMPFAIL, "%s: %s", store, error);
	status = replay_run(c, conf, l, first);
	ledger_close(l);
	return status;
}

int
cmd_policy(struct cli *c)
{
	const char *path = c->config != NULL ? c->config : CONF_DEFAULT_FILE;
	const struct conf *conf;
	int64_t first = 0;
	int status;

	if (strcmp(c->args[0], "replay") != 0)
		return cli_fail(c, EX_USAGE,
		    "unknown command: policy %s; usage: avouch policy "
		    "[options] "
		    "%s",
		    c->args[0], c->command->synopsis);
	status = replay_read_days(c, &first);
	if (status != EX_OK)
		return status;
	conf = cli_conf_read(path);
	if (conf == NULL)
		return EX_CONFIG;
	status = replay_open_and_run(c, conf, first);
	conf_unref(conf);
	return status;
}
