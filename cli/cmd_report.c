#include "cli/cmd_report.h"

#include <time.h>

#include "lib/ascii.h"
#include "lib/scan.h"
#include "lib/table.h"

enum { MONTHS = 12, YEAR_FIRST = 1970, YEAR_LAST = 9999 };

static const struct report_command {
	const char *name;
	bool takes_send; /* --day --domain --dry-run */
	int (*run)(struct cli *c);
} commands[] = {
	{ "send", true, cmd_report_send },
	{ "bounce", false, cmd_report_bounce },
};

int
cmd_report(struct cli *c)
{
	bool given = c->day != NULL || c->domain != NULL || c->dry_run;

	for (size_t i = 0; i < TABLE_SIZE(commands); i++) {
		if (!span_is(span_str(c->args[0]), commands[i].name))
			continue;
		if (given && !commands[i].takes_send)
			return cli_fail(c, EX_USAGE,
			    "--day, --domain and --dry-run are options of "
			    "`report send`");
		return commands[i].run(c);
	}
	return cli_fail(
	    c, EX_USAGE, "%s: not one of %s", c->args[0], c->command->synopsis);
}

/* Errors of the configuration are told by conf_read() itself. */
int
report_open(struct cli *c, enum sqlite_for purpose, struct report_store *out)
{
	const char *path = c->config != NULL ? c->config : CONF_DEFAULT_FILE;
	char error[SQL_ERROR_MAX] = "";

	*out = (struct report_store){ .conf = conf_read(path, stderr) };
	if (out->conf == NULL)
		return EX_CONFIG;
	if (out->conf->report.store == NULL) {
		report_close(out);
		return cli_fail(c, EX_CONFIG,
		    "%s: report { store = ... } is not set: there is nothing "
		    "to report from",
		    path);
	}
	out->ledger = ledger_open_file(out->conf->report.store, purpose, error);
	if (out->ledger == NULL) {
		int status = cli_fail(
		    c, EX_TEMPFAIL, "%s: %s", out->conf->report.store, error);

		report_close(out);
		return status;
	}
	return EX_OK;
}

void
report_close(struct report_store *r)
{
	ledger_close(r->ledger);
	conf_drop(r->conf);
	*r = (struct report_store){ NULL, NULL };
}

static bool
take_number(struct scan *s, size_t digits, uint64_t *out)
{
	struct span text = span_first(scan_rest(s), digits);
	struct scan number = scan_of(text);

	if (text.n != digits || !span_all(text, ascii_is_digit) ||
	    !scan_number(&number, UINT32_MAX, out))
		return false;
	s->p += digits;
	return true;
}

bool
report_day_read(struct span text, int64_t now, int64_t *day)
{
	struct scan s = scan_of(text);
	uint64_t y, m, d;
	struct tm tm = { 0 }, back;
	time_t t;

	if (span_is_nocase(text, "yesterday")) {
		*day = now / REPORT_DAY - 1;
		return true;
	}
	if (!take_number(&s, 4, &y) || !scan_byte(&s, '-') ||
	    !take_number(&s, 2, &m) || !scan_byte(&s, '-') ||
	    !take_number(&s, 2, &d) || !scan_done(&s) || y < YEAR_FIRST ||
	    m < 1 || m > MONTHS)
		return false;
	tm.tm_year = (int)y - 1900;
	tm.tm_mon = (int)m - 1;
	tm.tm_mday = (int)d;
	t = timegm(&tm);
	/* 31 February would be some day in March */
	if (gmtime_r(&t, &back) == NULL || back.tm_mday != (int)d)
		return false;
	*day = t / REPORT_DAY;
	return true;
}

void
report_day_put(struct buf *b, int64_t day)
{
	time_t t = (time_t)(day * REPORT_DAY);
	struct tm tm = { 0 };

	gmtime_r(&t, &tm);
	buf_printf(
	    b, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}
