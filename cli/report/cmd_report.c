#include "cli/report/cmd_report.h"

#include <errno.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/scan.h"
#include "lib/enum_names.h"
#include "lib/pg_url.h"
#include "lib/date.h"

const struct cli_action report_actions[] = {
	{ "push", "", "move finished days to the store shared by several hosts",
	    CLI_WITH_CONFIG, CLI_TAKES_STORE | CLI_TAKES_AS, 0, 0,
	    cmd_report_push },
	{ "send", "", "create and send the aggregate reports that are due",
	    CLI_WITH_CONFIG | CLI_WITH_DNS,
	    CLI_TAKES_DOMAIN | CLI_TAKES_DAY | CLI_TAKES_DRY_RUN |
		CLI_TAKES_STORE,
	    0, 0, cmd_report_send },
	{ "failures", "", "send the pending failure reports",
	    CLI_WITH_CONFIG | CLI_WITH_DNS,
	    CLI_TAKES_DOMAIN | CLI_TAKES_DRY_RUN, 0, 0, cmd_report_failures },
	{ "bounce", "[MAILDIR]", "record that a report bounced",
	    CLI_WITH_CONFIG, 0, 0, 1, cmd_report_bounce },
	{ "suppressed", "", "list addresses that get no reports after a bounce",
	    CLI_WITH_CONFIG, CLI_TAKES_STORE | CLI_TAKES_REMOVE, 0, 0,
	    cmd_report_suppressed },
	{ "read", "FILE|DIR|-...", "read received reports into the store",
	    CLI_WITH_CONFIG, CLI_TAKES_STORE, 1, CLI_ARGS_MAX,
	    cmd_report_read },
	{ "intake", "[MAILDIR]",
	    "read the reports that the mail system delivers", CLI_WITH_CONFIG,
	    CLI_TAKES_STORE, 0, 1, cmd_report_intake },
	{ "show", "", "summarize received reports",
	    CLI_WITH_CONFIG | CLI_WITH_DNS,
	    CLI_TAKES_DOMAIN | CLI_TAKES_STORE | CLI_TAKES_SHOW, 0, 0,
	    cmd_report_show },
	{ "digest", "", "show what changed in a week, and what to do next",
	    CLI_WITH_CONFIG | CLI_WITH_DNS, CLI_TAKES_STORE | CLI_TAKES_MAIL, 0,
	    0, cmd_report_digest },
	{ 0 },
};

/* Reads the configuration, and prints its errors.  With --store but without
 * --config, uses the defaults. */
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
	out->conf = cli_conf_read(path);
	return out->conf != NULL ? EX_OK : EX_CONFIG;
}

static const char *
report_conf_path(const struct cli *c)
{
	return c->config != NULL ? c->config : CONF_DEFAULT_FILE;
}

int
report_open_settings(struct cli *c, struct report_store *out)
{
	struct buf shown = buf_wrap(out->shown, sizeof(out->shown));
	int status;

	out->conf = NULL;
	out->ledger = NULL;
	status = report_read_conf(c, report_conf_path(c), out);
	if (status != EX_OK)
		return status;
	out->name = c->store != NULL ? c->store : out->conf->report.store;
	if (out->name != NULL)
		pg_url_put_redacted(&shown, span_str(out->name));
	return EX_OK;
}

int
report_open_conf(struct cli *c, struct report_store *out)
{
	int status = report_open_settings(c, out);

	if (status != EX_OK || out->name != NULL)
		return status;
	report_close(out);
	return cli_fail(c, EX_CONFIG,
	    "%s: report { store = ... } is not set; set it, or use --store "
	    "FILE",
	    report_conf_path(c));
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
report_check_clock(struct cli *c, struct report_store *store)
{
	char memory[2][DATE_MAX];
	struct buf here = buf_wrap(memory[0], sizeof(memory[0]));
	struct buf there = buf_wrap(memory[1], sizeof(memory[1]));
	int64_t now;

	if (c->now_text != NULL ||
	    ledger_server_time(store->ledger, &now) != LEDGER_OK ||
	    (c->now - now < CLOCK_JUMP_S && now - c->now < CLOCK_JUMP_S))
		return EX_OK;
	date_put_time(&here, c->now);
	date_put_time(&there, now);
	return cli_fail(c, EX_TEMPFAIL,
	    "%s: this host's clock says %s, but the database's clock says %s, "
	    "so nothing was done; correct the wrong one",
	    store->shown, memory[0], memory[1]);
}

int
report_cannot_open(
    struct cli *c, const struct report_store *store, const char *error)
{
	cli_fail(c, EX_TEMPFAIL, "%s: %s", store->shown, error);
	if (!pg_url_matches(span_str(store->name)) &&
	    strstr(error, strerror(ENOENT)) != NULL)
		fputs("avouch: the daemon and `avouch report read` create the "
		      "store if its folder exists\n",
		    stderr);
	return EX_TEMPFAIL;
}

int
report_open_ledger(
    struct cli *c, enum sqlite_for purpose, struct report_store *out)
{
	char error[SQL_ERROR_MAX] = "";

	out->ledger = ledger_open(out->name, purpose, error);
	if (out->ledger != NULL)
		return EX_OK;
	report_cannot_open(c, out, error);
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
