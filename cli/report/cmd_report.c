#include "cli/report/cmd_report.h"

#include "lib/scan.h"
#include "lib/enum_names.h"
#include "lib/pg_url.h"
#include "lib/date.h"

/* Options that only some commands take. */
enum {
	TAKES_DOMAIN = 1,
	TAKES_DAY = 2,
	TAKES_STORE = 4,
	TAKES_SHOW = 8, /* --days --csv --html */
	TAKES_AS = 16,
	TAKES_DRY_RUN = 32,
	TAKES_REMOVE = 64,
};

static const struct report_command {
	const char *name;
	unsigned takes;
	int min_args, max_args; /* after the name */
	int (*run)(struct cli *c);
} commands[] = {
	{ "push", TAKES_STORE | TAKES_AS, 0, 0, cmd_report_push },
	{ "send", TAKES_DOMAIN | TAKES_DAY | TAKES_DRY_RUN | TAKES_STORE, 0, 0,
	    cmd_report_send },
	{ "failures", TAKES_DOMAIN | TAKES_DRY_RUN, 0, 0, cmd_report_failures },
	{ "bounce", 0, 0, 1, cmd_report_bounce },
	{ "suppressed", TAKES_STORE | TAKES_REMOVE, 0, 0,
	    cmd_report_suppressed },
	{ "read", TAKES_STORE, 1, CLI_ARGS_MAX, cmd_report_read },
	{ "show", TAKES_DOMAIN | TAKES_STORE | TAKES_SHOW, 0, 0,
	    cmd_report_show },
};

static unsigned
report_given_options(const struct cli *c)
{
	return (c->domain != NULL ? TAKES_DOMAIN : 0u) |
	    (c->day != NULL ? TAKES_DAY : 0u) |
	    (c->dry_run ? TAKES_DRY_RUN : 0u) |
	    (c->store != NULL ? TAKES_STORE : 0u) |
	    (c->as != NULL ? TAKES_AS : 0u) |
	    (c->remove != NULL ? TAKES_REMOVE : 0u) |
	    (c->days != NULL || c->csv || c->html != NULL ? TAKES_SHOW : 0u);
}

/* Lists the commands that take all of `options`, as in "send, show". */
static void
put_commands_with(struct buf *b, unsigned options)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if ((commands[i].takes & options) != options)
			continue;
		buf_text(b, first ? "" : ", ");
		buf_text(b, commands[i].name);
		first = false;
	}
}

static int
report_run_command(struct cli *c, const struct report_command *command)
{
	static const struct {
		unsigned option;
		const char *name;
	} names[] = {
		{ TAKES_DOMAIN, "--domain is" },
		{ TAKES_DAY, "--day is" },
		{ TAKES_DRY_RUN, "--dry-run is" },
		{ TAKES_STORE, "--store is" },
		{ TAKES_SHOW, "--days, --csv and --html are" },
		{ TAKES_AS, "--as is" },
		{ TAKES_REMOVE, "--remove is" },
	};
	char memory[100];
	struct buf takers = buf_wrap(memory, sizeof(memory));

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if ((report_given_options(c) & ~command->takes &
			names[i].option) == 0)
			continue;
		put_commands_with(&takers, names[i].option);
		return cli_fail(c, EX_USAGE,
		    "%s only valid with these report commands: %s",
		    names[i].name, memory);
	}
	if (c->n_args - 1 < command->min_args ||
	    c->n_args - 1 > command->max_args)
		return cli_fail(c, EX_USAGE,
		    "%s: wrong number of arguments (%d); usage: avouch report "
		    "[options] %s",
		    command->name, c->n_args - 1, c->command->synopsis);
	return command->run(c);
}

int
cmd_report(struct cli *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (span_is(span_str(c->args[0]), commands[i].name))
			return report_run_command(c, &commands[i]);
	return cli_fail(c, EX_USAGE,
	    "unknown command: report %s; usage: avouch report [options] %s",
	    c->args[0], c->command->synopsis);
}

/* Reads the configuration; conf_read() prints its errors. */
static int
report_read_conf(
    const struct cli *c, const char *path, struct report_store *out)
{
	if (c->store != NULL && c->config == NULL) {
		out->conf = conf_defaults();
		return out->conf != NULL
		    ? EX_OK
		    : cli_fail(c, EX_TEMPFAIL, "out of memory");
	}
	out->conf = conf_read(path, stderr);
	return out->conf != NULL ? EX_OK : EX_CONFIG;
}

int
report_open_conf(struct cli *c, struct report_store *out)
{
	const char *path = c->config != NULL ? c->config : CONF_DEFAULT_FILE;
	struct buf shown = buf_wrap(out->shown, sizeof(out->shown));
	int status;

	out->conf = NULL;
	out->ledger = NULL;
	status = report_read_conf(c, path, out);
	if (status != EX_OK)
		return status;
	out->name = c->store != NULL ? c->store : out->conf->report.store;
	if (out->name != NULL) {
		pg_url_put_redacted(&shown, span_str(out->name));
		return EX_OK;
	}
	report_close(out);
	return cli_fail(c, EX_CONFIG,
	    "%s: report { store = ... } is not set; set it, or use --store "
	    "FILE",
	    path);
}

bool
report_use_own(struct report_store *r)
{
	const char *own = conf_store_file(r->conf);
	struct buf shown;

	if (own == NULL || span_is(span_str(r->name), own))
		return false;
	r->name = own;
	shown = buf_wrap(r->shown, sizeof(r->shown));
	pg_url_put_redacted(&shown, span_str(own));
	return true;
}

int
report_open_ledger(
    struct cli *c, enum sqlite_for purpose, struct report_store *out)
{
	char error[SQL_ERROR_MAX] = "";

	out->ledger = ledger_open(out->name, purpose, error);
	if (out->ledger != NULL)
		return EX_OK;
	cli_fail(c, EX_TEMPFAIL, "%s: %s", out->shown, error);
	report_close(out);
	return EX_TEMPFAIL;
}

int
report_open(struct cli *c, enum sqlite_for purpose, struct report_store *out)
{
	int status = report_open_conf(c, out);

	return status == EX_OK ? report_open_ledger(c, purpose, out) : status;
}

void
report_close(struct report_store *r)
{
	ledger_close(r->ledger);
	conf_unref(r->conf);
	r->ledger = NULL;
	r->conf = NULL;
}

bool
report_day_read(struct span text, int64_t now, int64_t *day)
{
	struct scan s = scan_of(text);

	if (span_is_nocase(text, "yesterday")) {
		*day = now / DATE_DAY - 1;
		return true;
	}
	return date_read_day(&s, day) && scan_done(&s);
}
