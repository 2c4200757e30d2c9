/*
 * options.c - command-line options: one table for all subcommands.  Each
 * subcommand lists the groups of options that it accepts.
 */
#include <limits.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/scan.h"
#include "lib/enum_names.h"

/* The last second of the year 9999; adding a validity period to it cannot
 * overflow. */
#define NOW_MAX INT64_C(253402300799)

struct option_row {
	const char *name;
	const char *argument; /* NULL for a flag */
	size_t offset; /* offset in struct cli of a bool, const char * or struct
	                  cli_list */
	unsigned groups; /* CLI_WITH_*; 0: every subcommand accepts it.  With
	                    CLI_TAKES_*, only some actions accept it */
	const char *help;
};

#define AT(member) offsetof(struct cli, member)

static const struct option_row rows[] = {
	{ "help", NULL, AT(help), 0, "print this help" },
	{ "json", NULL, AT(json), 0, "print one JSON object" },
	{ "explain", NULL, AT(explain), CLI_WITH_EXPLAIN,
	    "explain every step" },
	{ "lint", NULL, AT(lint), CLI_WITH_LINT,
	    "report errors and bad practice in DOMAIN's record" },
	{ "key", NULL, AT(key), CLI_WITH_KEY,
	    "fetch and check the key of SELECTOR DOMAIN" },
	{ "ip", "ADDR", AT(ip_text), CLI_WITH_ENVELOPE | CLI_WITH_AUDIT,
	    "IP address of the client" },
	{ "helo", "NAME", AT(helo), CLI_WITH_ENVELOPE | CLI_WITH_AUDIT,
	    "HELO or EHLO name of the client" },
	{ "mail-from", "ADDR", AT(mail_from),
	    CLI_WITH_ENVELOPE | CLI_WITH_AUDIT,
	    "MAIL FROM address; empty for the null sender" },
	{ "receiver", "NAME", AT(receiver), CLI_WITH_ENVELOPE,
	    "name of the receiving host, for SPF macros" },
	{ "client-name", "NAME", AT(client_name), CLI_WITH_CHECK,
	    "verified host name of the client, for iprev" },
	{ "rcpt-to", "ADDR", AT(rcpt_to), CLI_WITH_CHECK,
	    "RCPT TO address, for overrides by recipient" },
	{ "login", "NAME", AT(login), CLI_WITH_CHECK,
	    "the client has authenticated as NAME" },
	{ "authserv-id", "NAME", AT(authserv_id), CLI_WITH_CHECK,
	    "authserv-id for Authentication-Results" },
	{ "config", "FILE", AT(config), CLI_WITH_CHECK,
	    "configuration to use instead of this host's" },
	{ "config", "FILE", AT(config), CLI_WITH_CONFIG,
	    "configuration; default " CONF_DEFAULT_FILE },
	{ "syntax", NULL, AT(syntax), CLI_WITH_SYNTAX,
	    "check: only the file, not this host" },
	{ "day", "YYYY-MM-DD", AT(day), CLI_WITH_REPORT | CLI_TAKES_DAY,
	    "only the reports for this day, without delay" },
	{ "domain", "NAME[,NAME...]", AT(domain),
	    CLI_WITH_REPORT | CLI_TAKES_DOMAIN,
	    "only these domains; show accepts only one" },
	{ "dry-run", NULL, AT(dry_run), CLI_WITH_REPORT | CLI_TAKES_DRY_RUN,
	    "print what would be sent" },
	{ "print", NULL, AT(print_mails), CLI_WITH_REPORT | CLI_TAKES_DRY_RUN,
	    "with --dry-run: print the messages, as an mbox" },
	{ "store", "FILE|URL", AT(store), CLI_WITH_REPORT | CLI_TAKES_STORE,
	    "database to use instead of the configured one" },
	{ "store", "FILE", AT(store), CLI_WITH_POLICY,
	    "database to use instead of the configured one" },
	{ "as", "copy|restored", AT(as), CLI_WITH_REPORT | CLI_TAKES_AS,
	    "the local file is a copy, or was restored" },
	{ "mail", "ADDRESS", AT(mail), CLI_WITH_REPORT | CLI_TAKES_MAIL,
	    "send it to ADDRESS instead of printing it" },
	{ "quiet", NULL, AT(quiet), CLI_WITH_REPORT | CLI_TAKES_MAIL,
	    "print and send nothing if nothing is new" },
	{ "remove", "ADDRESS", AT(remove), CLI_WITH_REPORT | CLI_TAKES_REMOVE,
	    "send reports to ADDRESS again" },
	{ "days", "N", AT(days), CLI_WITH_REPORT | CLI_TAKES_SHOW,
	    "the last N days, 1 to 400; default 30" },
	{ "days", "N", AT(days), CLI_WITH_POLICY,
	    "the last N days, 1 to 400; default all" },
	{ "from", "YYYY-MM-DD", AT(from), CLI_WITH_REPORT | CLI_TAKES_SHOW,
	    "the first day, instead of --days" },
	{ "to", "YYYY-MM-DD", AT(to), CLI_WITH_REPORT | CLI_TAKES_SHOW,
	    "the last day; default today" },
	{ "no-dns", NULL, AT(no_dns), CLI_WITH_REPORT | CLI_TAKES_SHOW,
	    "do not look up host names" },
	{ "csv", NULL, AT(csv), CLI_WITH_REPORT | CLI_TAKES_SHOW,
	    "print one line of CSV per source" },
	{ "html", "FILE", AT(html), CLI_WITH_REPORT | CLI_TAKES_SHOW,
	    "write an HTML page; - is standard output" },
	{ "selector", "NAME", AT(selectors), CLI_WITH_AUDIT | CLI_SEVERAL,
	    "a DKIM selector that must have a key" },
	{ "outgoing", "ADDR", AT(outgoing), CLI_WITH_AUDIT | CLI_SEVERAL,
	    "an IP address that sends the domain's mail" },
	{ "message", "FILE", AT(message), CLI_WITH_AUDIT,
	    "audit a received message; - is standard input" },
	{ "bounce", "FILE", AT(bounce), CLI_WITH_AUDIT,
	    "explain a refusal or a bounce; - is standard input" },
	{ "mine", NULL, AT(mine), CLI_WITH_AUDIT,
	    "audit all domains of your keys and reports; show what changed" },
	{ "wait", "ADDRESS", AT(wait), CLI_WITH_AUDIT,
	    "audit a message that is sent to a new address" },
	{ "minutes", "N", AT(minutes), CLI_WITH_AUDIT,
	    "--wait: minutes to wait, 1 to 1440; default 15" },
	{ "receive", "TOKEN", AT(receive), CLI_WITH_AUDIT,
	    "for pipe(8): hand a message to --wait" },
	{ "answer", "ADDRESS", AT(answer), CLI_WITH_AUDIT,
	    "for pipe(8): answer a message from ADDRESS" },
	{ "spool", "DIR", AT(spool), CLI_WITH_AUDIT,
	    "directory that --wait, --receive and --answer use" },
	{ "fail-on", "LEVEL", AT(fail_on), CLI_WITH_AUDIT,
	    "error or warning: exit with status 1 if one is found" },
	{ "html", "FILE", AT(html), CLI_WITH_AUDIT,
	    "write an HTML page; - is standard output" },
	{ "config", "FILE", AT(config), CLI_WITH_AUDIT,
	    "use the signing keys and addresses of this configuration" },
	{ "store", "FILE|URL", AT(store), CLI_WITH_AUDIT,
	    "use receivers' reports in this database" },
	{ "smtp", NULL, AT(smtp), CLI_WITH_AUDIT,
	    "connect to the MX hosts and check their certificates" },
	{ "cert", "FILE", AT(cert), CLI_WITH_AUDIT,
	    "check the MX hosts with this certificate (PEM)" },
	{ "no-https", NULL, AT(no_https), CLI_WITH_AUDIT,
	    "do not fetch the MTA-STS policy" },
	{ "keys", "DIR", AT(keys), CLI_WITH_SIGN,
	    "directory of the keys, instead of sign.keys" },
	{ "selector", "NAME", AT(selector), CLI_WITH_SIGN | CLI_TAKES_SELECTOR,
	    "selector of the key" },
	{ "domain", "NAME", AT(domain), CLI_WITH_SIGN | CLI_TAKES_DOMAIN,
	    "domain of the key" },
	{ "key", "FILE", AT(key_file), CLI_WITH_KEY_FILE,
	    "private key in PEM, instead of one in the directory" },
	{ "submission", "URL", AT(submission),
	    CLI_WITH_KEY_FILE | CLI_TAKES_SUBMISSION,
	    "also send through this server, such as smtps://mail.example.org" },
	{ "login", "NAME", AT(login), CLI_WITH_KEY_FILE | CLI_TAKES_SUBMISSION,
	    "user name for --submission; the password is in AVOUCH_PASSWORD" },
	{ "sink", "PORT", AT(sink), CLI_WITH_KEY_FILE | CLI_TAKES_SUBMISSION,
	    "port on 127.0.0.1 where Postfix delivers; default 10099" },
	{ "algorithm", "NAME", AT(algorithm), CLI_WITH_KEYS | CLI_TAKES_NEW,
	    "rsa2048 (default), rsa4096, ed25519 or both" },
	{ "pair", "S1,S2", AT(pair), CLI_WITH_KEYS | CLI_TAKES_NEW,
	    "two selectors that take turns, for CNAMEs" },
	{ "target", "ZONE", AT(target), CLI_WITH_KEYS | CLI_TAKES_NEW,
	    "the zone that the CNAMEs of a pair point to" },
	{ "age", "DURATION", AT(age), CLI_WITH_KEYS | CLI_TAKES_AGE,
	    "age at which a key is too old; default 180d" },
	{ "dry-run", NULL, AT(dry_run), CLI_WITH_KEYS | CLI_TAKES_DRY_RUN,
	    "print what would be imported" },
	{ "nameserver", "ADDR[@PORT]", AT(nameserver), CLI_WITH_DNS,
	    "name server to use instead of /etc/resolv.conf" },
	{ "zone", "FILE", AT(zone), CLI_WITH_DNS,
	    "read DNS answers from a master file" },
	{ "record", "FILE", AT(record), CLI_WITH_DNS,
	    "write all DNS answers to a file for --zone" },
	{ "now", "EPOCH", AT(now_text), CLI_WITH_DNS | CLI_WITH_CONFIG,
	    "time of the check, in seconds since 1970" },
};

static bool
row_applies(const struct option_row *row, const struct cli_command *command)
{
	return row->groups == 0 || (row->groups & command->options) != 0;
}

static bool
row_is_of_action(const struct option_row *row, const struct cli_action *action)
{
	if ((row->groups & CLI_TAKES) != 0)
		return (row->groups & action->takes) != 0;
	return row->groups == 0 || (row->groups & action->options) != 0;
}

enum { TAKERS_SHOWN_MAX = 3 };

/* columns */
enum { HELP_INDENT = 29, USAGE_INDENT = 7 };

/* Writes the actions that accept the option, such as "send, failures"; writes
 * nothing if all actions, or more than `max`, accept it. */
static void
put_takers(struct buf *b, const struct cli_command *command,
    const struct option_row *row, unsigned max)
{
	size_t before = b->n;
	unsigned n = 0, others = 0;

	for (const struct cli_action *a = command->actions;
	     a != NULL && a->name != NULL; a++) {
		if (!row_is_of_action(row, a)) {
			others++;
			continue;
		}
		buf_text(b, n++ > 0 ? ", " : "");
		buf_text(b, a->name);
	}
	if (others == 0 || n > max)
		buf_cut(b, before);
}

static void
usage_row(const struct cli_command *command, const struct cli_action *action,
    const struct option_row *row)
{
	const char *argument = row->argument;
	char left[48], memory[200];
	struct buf help = buf_wrap(memory, sizeof(memory));

	if (action == NULL && (row->groups & CLI_TAKES) != 0)
		put_takers(&help, command, row, TAKERS_SHOWN_MAX);
	if (help.n > 0)
		buf_text(&help, ": ");
	buf_text(&help, row->help);
	snprintf(left, sizeof(left), "--%s%s%s", row->name,
	    argument != NULL ? " " : "", argument != NULL ? argument : "");
	cli_entry(span_str(left), HELP_INDENT, buf_view(&help));
}

void
cli_usage(const struct cli_command *command, const struct cli_action *action)
{
	const char *synopsis =
	    action != NULL ? action->synopsis : command->synopsis;
	int at;

	at = printf("usage: avouch %s %s%s[options]%s", command->name,
	    action != NULL ? action->name : "", action != NULL ? " " : "",
	    synopsis[0] != '\0' ? " " : "");
	cli_prose_at((unsigned)at, USAGE_INDENT, span_str(synopsis));
	cli_prose_text(2, action != NULL ? action->help : command->help);
	for (const struct cli_action *a = command->actions;
	     a != NULL && a->name != NULL && action == NULL; a++)
		cli_entry(span_str(a->name), HELP_INDENT, span_str(a->help));
	puts("options:");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (row_applies(&rows[i], command) &&
		    (action == NULL || row_is_of_action(&rows[i], action)))
			usage_row(command, action, &rows[i]);
	if (action == NULL && command->actions != NULL)
		printf("Run `avouch %s ACTION --help` for the options of an "
		       "action.\n",
		    command->name);
}

/* ---- actions ---- */

const struct cli_action *
cli_action_find(const struct cli_command *command, const char *name)
{
	for (const struct cli_action *a = command->actions;
	     a != NULL && a->name != NULL; a++)
		if (strcmp(a->name, name) == 0)
			return a;
	return NULL;
}

static bool
row_is_given(const struct cli *c, const struct option_row *row)
{
	bool flag;
	const char *text;

	if (row->argument == NULL) {
		memcpy(&flag, (const char *)c + row->offset, sizeof(flag));
		return flag;
	}
	memcpy(&text, (const char *)c + row->offset, sizeof(text));
	return text != NULL;
}

static int
option_misused(const struct cli *c, const struct option_row *row)
{
	char memory[100];
	struct buf takers = buf_wrap(memory, sizeof(memory));

	put_takers(&takers, c->command, row, UINT_MAX);
	return cli_fail(
	    c, EX_USAGE, "--%s is only valid with: %s", row->name, memory);
}

int
cli_action_run(struct cli *c)
{
	const struct cli_action *a = cli_action_find(c->command, c->args[0]);

	if (a == NULL)
		return cli_fail(c, EX_USAGE,
		    "unknown command: %s %s; usage: avouch %s [options] %s",
		    c->command->name, c->args[0], c->command->name,
		    c->command->synopsis);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (row_applies(&rows[i], c->command) &&
		    row_is_given(c, &rows[i]) && !row_is_of_action(&rows[i], a))
			return option_misused(c, &rows[i]);
	if (c->n_args - 1 < a->min_args || c->n_args - 1 > a->max_args)
		return cli_fail(c, EX_USAGE,
		    "%s: wrong number of arguments (%d); usage: avouch %s %s "
		    "[options]%s%s",
		    a->name, c->n_args - 1, c->command->name, a->name,
		    a->synopsis[0] != '\0' ? " " : "", a->synopsis);
	return a->run(c);
}

static const struct option_row *
row_find(const struct cli *c, struct span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (row_applies(&rows[i], c->command) &&
		    span_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

static int
flag_store(struct cli *c, const struct option_row *row, bool has_value)
{
	const bool yes = true;

	if (has_value)
		return cli_fail(c, EX_USAGE, "--%s takes no value", row->name);
	memcpy((char *)c + row->offset, &yes, sizeof(yes));
	return EX_OK;
}

static int
list_store(struct cli *c, const struct option_row *row, const char *value)
{
	struct cli_list *list = (void *)((char *)c + row->offset);

	if (value == NULL)
		return cli_fail(c, EX_USAGE, "--%s needs a value: --%s %s",
		    row->name, row->name, row->argument);
	if (list->n == CLI_LIST_MAX)
		return cli_fail(c, EX_USAGE,
		    "--%s is given more than %d times; remove some", row->name,
		    CLI_LIST_MAX);
	list->values[list->n++] = value;
	return EX_OK;
}

static int
text_store(struct cli *c, const struct option_row *row, const char *value)
{
	const char *before;

	if ((row->groups & CLI_SEVERAL) != 0)
		return list_store(c, row, value);
	if (value == NULL)
		return cli_fail(c, EX_USAGE, "--%s needs a value: --%s %s",
		    row->name, row->name, row->argument);
	memcpy(&before, (char *)c + row->offset, sizeof(before));
	if (before != NULL)
		return cli_fail(c, EX_USAGE, "--%s is given twice: %s and %s",
		    row->name, before, value);
	memcpy((char *)c + row->offset, &value, sizeof(value));
	return EX_OK;
}

/* Reads "--name value", "--name=value" or "--flag" from argv[0] and argv[1];
 * sets `taken` to 2 if the value is in argv[1]. */
static int
option_take(struct cli *c, char **argv, int left, int *taken)
{
	struct span word = span_str(argv[0] + 2);
	struct span name = span_first(word, span_index(word, '='));
	const struct option_row *row = row_find(c, name);
	bool has_value = name.n < word.n;

	if (row == NULL)
		return cli_fail(c, EX_USAGE,
		    "unknown option --%.*s; `avouch %s --help` lists the "
		    "options",
		    SPAN_FMT(name), c->command->name);
	if (row->argument == NULL)
		return flag_store(c, row, has_value);
	if (has_value)
		return text_store(c, row, argv[0] + 2 + name.n + 1);
	*taken = left > 1 ? 2 : 1;
	return text_store(c, row, left > 1 ? argv[1] : NULL);
}

static int
now_read(struct cli *c)
{
	struct scan s = scan_of(span_str(c->now_text));
	uint64_t now = (uint64_t)time(NULL);

	if (c->now_text != NULL &&
	    (!scan_number(&s, NOW_MAX, &now) || !scan_done(&s)))
		return cli_fail(c, EX_USAGE,
		    "--now %s: must be seconds since 1970, from 0 to %lld",
		    c->now_text, (long long)NOW_MAX);
	c->now = (int64_t)now;
	return EX_OK;
}

/* Parses and checks the values that were stored as text. */
static int
options_read(struct cli *c)
{
	if (c->ip_text != NULL && !ip_parse(span_str(c->ip_text), &c->ip) &&
	    c->receive == NULL && c->answer == NULL)
		return cli_fail(c, EX_USAGE,
		    "--ip %s: not an IP address; write it as 192.0.2.1 or "
		    "2001:db8::1",
		    c->ip_text);
	if (c->authserv_id != NULL &&
	    !domain_is_hostname(span_str(c->authserv_id)))
		return cli_fail(c, EX_USAGE,
		    "--authserv-id %s: not a host name; use a name such as "
		    "mx.example.org",
		    c->authserv_id);
	if (c->n_args < c->command->min_args ||
	    c->n_args > c->command->max_args)
		return cli_fail(c, EX_USAGE,
		    "wrong number of arguments (%d); usage: avouch %s "
		    "[options]%s%s",
		    c->n_args, c->command->name,
		    c->command->synopsis[0] != '\0' ? " " : "",
		    c->command->synopsis);
	return now_read(c);
}

int
cli_options(struct cli *c, int argc, char **argv)
{
	bool only_args = false;
	int status = EX_OK;

	c->args = argv;
	for (int i = 0, taken; i < argc && status == EX_OK; i += taken) {
		taken = 1;
		if (only_args || argv[i][0] != '-' || argv[i][1] == '\0')
			c->args[c->n_args++] = argv[i];
		else if (strcmp(argv[i], "--") == 0)
			only_args = true;
		else if (strncmp(argv[i], "--", 2) != 0)
			status = cli_fail(c, EX_USAGE,
			    "unknown option %s; options begin with --",
			    argv[i]);
		else
			status = option_take(c, argv + i, argc - i, &taken);
	}
	return status == EX_OK && !c->help ? options_read(c) : status;
}
