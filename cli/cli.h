/*
 * cli.h - shared by all subcommands of avouch: options, DNS sources, output.
 *
 * Exit statuses follow sysexits.h: 0 a result, whether pass or fail; 1
 * --fail-on applies; 64 wrong usage; 65 unreadable input; 75 temporary failure;
 * 78 invalid configuration.
 */
#ifndef AVOUCH_CLI_CLI_H
#define AVOUCH_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sysexits.h>

#include "dns/resolver.h"
#include "dns/source.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "conf/conf.h"

enum {
	CLI_MEMORY = 64 << 20, /* limit of a subcommand's arena, in bytes */
	CLI_SCRATCH = 8 << 20, /* limit of a job's scratch arena, in bytes */
	CLI_WAIT_MS = 15000,   /* milliseconds for all DNS answers together */
	CLI_QUESTIONS = 1000,  /* DNS questions per job; above any RFC limit */
	CLI_ARGS_MAX = 1000,
	CLI_LIST_MAX = 32,
};

/* The values of an option that can be repeated. */
struct cli_list {
	const char *values[CLI_LIST_MAX];
	size_t n;
};

struct cli {
	const struct cli_command *command;

	/* options as given; NULL or false: not given */
	bool help, json, explain, lint, key;
	const char *nameserver, *zone, *record, *now_text;
	const char *ip_text, *helo, *mail_from, *receiver, *authserv_id;
	const char *config;
	const char *client_name, *rcpt_to, *login;
	bool dry_run, print_mails, csv, syntax, no_dns;
	const char *day, *domain, *store, *days, *from, *to, *html, *as,
	    *remove;
	struct cli_list selectors, outgoing;
	const char *fail_on, *message, *bounce, *cert, *mail;
	bool no_https, smtp, mine, quiet;
	const char *wait, *minutes, *spool, *receive, *answer;
	const char *keys, *selector, *algorithm, *pair, *target, *age;
	const char *key_file, *submission, *sink;

	/* positional arguments, in argv */
	char **args;
	int n_args;

	/* derived from the options */
	int64_t now;
	struct ip ip;
	const struct conf *defaults; /* values of all options; never NULL */
	const struct conf *dns_conf; /* configuration that sets the servers;
	                                NULL: the defaults */
	struct dns_source *dns; /* source to query: one of the three below */
	struct dns_source *base, *cache, *recorder;
	FILE *record_file;
};

/* An action of a command, selected by the first argument. */
struct cli_action {
	const char *name;     /* NULL: end of the table */
	const char *synopsis; /* arguments, "" if there are none */
	const char *help;     /* one line */
	unsigned options; /* the command's CLI_WITH_* that this action uses */
	unsigned takes;   /* CLI_TAKES_*: options that not all actions accept */
	int min_args, max_args; /* number of arguments after the name */
	int (*run)(struct cli *c);
};

struct cli_command {
	const char *name;
	const char *synopsis; /* arguments, "" if there are none */
	const char *help;     /* one line */
	unsigned options;     /* CLI_WITH_* */
	int min_args, max_args;
	int (*run)(struct cli *c);
	const struct cli_action *actions; /* NULL: none */
};

enum {
	CLI_WITH_DNS = 1,      /* --nameserver --zone --record --now */
	CLI_WITH_ENVELOPE = 2, /* --ip --helo --mail-from --receiver */
	CLI_WITH_EXPLAIN = 4,
	CLI_WITH_CHECK = 8,   /* --config --authserv-id --client-name */
	CLI_WITH_CONFIG = 16, /* --config --now */
	CLI_WITH_LINT = 32,
	CLI_WITH_KEY = 64,
	CLI_WITH_POLICY = 256, /* --store --days */
	CLI_WITH_SYNTAX = 512,
	CLI_WITH_AUDIT = 1024,   /* all options of `audit` */
	CLI_SEVERAL = 1 << 30,   /* repeatable; used only in the option table */
	CLI_WITH_SIGN = 1 << 11, /* --keys --selector --domain */
	CLI_WITH_KEYS =
	    1 << 12, /* --algorithm --pair --target --age --dry-run */
	CLI_WITH_KEY_FILE = 1 << 13,
	CLI_WITH_REPORT = 128, /* all options of `report` */
};

enum {
	CLI_TAKES_DOMAIN = 1 << 16,
	CLI_TAKES_DAY = 1 << 17,
	CLI_TAKES_STORE = 1 << 18,
	CLI_TAKES_SHOW = 1 << 19, /* --days --from --to --csv --html --no-dns */
	CLI_TAKES_AS = 1 << 20,
	CLI_TAKES_DRY_RUN = 1 << 21,
	CLI_TAKES_REMOVE = 1 << 22,
	CLI_TAKES_MAIL = 1 << 23, /* --mail --quiet */
	CLI_TAKES_AGE = 1 << 24,
	CLI_TAKES_SUBMISSION = 1 << 27, /* --submission --login --sink */
	CLI_TAKES_SELECTOR = 1 << 28,
	CLI_TAKES_NEW = 1 << 29,  /* --algorithm --pair --target */
	CLI_TAKES = 0x3fff << 16, /* all of them */
};

extern const struct cli_action key_actions[], report_actions[], sign_actions[];

int cmd_spf(struct cli *c);
int cmd_dkim(struct cli *c);
int cmd_arc(struct cli *c);
int cmd_dmarc(struct cli *c);
int cmd_check(struct cli *c);
int cmd_config(struct cli *c);
int cmd_key(struct cli *c);
int cmd_policy(struct cli *c);
int cmd_sign(struct cli *c);
int cmd_status(struct cli *c);
int cmd_audit(struct cli *c);

/* ---- options.c ---- */

/* Parses the arguments after the subcommand.  Returns EX_OK, or EX_USAGE after
 * printing a message.  If c->help is set, the other arguments have not been
 * checked. */
int cli_options(struct cli *c, int argc, char **argv);

/* Prints the usage of an action or, if `action` is NULL, of the whole
 * command. */
void cli_usage(
    const struct cli_command *command, const struct cli_action *action);

/* Returns NULL if `command` has no action with that name. */
const struct cli_action *cli_action_find(
    const struct cli_command *command, const char *name);

/* Runs the action that the first argument names.  Returns EX_USAGE for wrong
 * arguments and for options that the action does not accept. */
int cli_action_run(struct cli *c);

/* ---- dns_setup.c ---- */

/* Opens c->dns.  Returns EX_OK, or another status after printing a message. */
int cli_dns_open(struct cli *c);

/* Writes the --record file and closes the DNS sources.  Returns `status`, or
 * EX_TEMPFAIL if the file cannot be written.  All jobs must have ended. */
int cli_dns_close(struct cli *c, int status);

/* Prints "avouch spf: text" to standard error, replacing unprintable bytes with
 * "?"; returns `status`. */
int cli_fail(const struct cli *c, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Like conf_read(), but prints errors, replacing unprintable bytes with "?".
 * Returns NULL after printing errors; otherwise the caller calls
 * conf_unref(). */
const struct conf *cli_conf_read(const char *path);

/* ---- term.c ---- */

/* Makes the program exit with EX_TEMPFAIL if jansson runs out of memory.  Must
 * be called once, before any other jansson function. */
void cli_json_setup(void);

/* Returns a JSON string; bytes that are not valid UTF-8 become U+FFFD.  An
 * absent span becomes null. */
json_t *cli_json(struct span s);

void cli_set(json_t *object, const char *key, json_t *value);
void cli_set_span(json_t *object, const char *key, struct span value);
void cli_set_text(json_t *object, const char *key, const char *value);
void cli_set_number(json_t *object, const char *key, int64_t value);
void cli_set_bool(json_t *object, const char *key, bool value);

/* Prints `object` on one line of ASCII and releases it.  Returns EX_OK. */
int cli_print_json(json_t *object);

/* Like cli_print_json(), but without a newline, and for any value. */
void cli_put_json(json_t *value);

/* These print untrusted text to a terminal: each byte that is not printable
 * UTF-8 becomes "?", including newlines and tabs. */
void cli_put(struct span s);
void cli_put_to(FILE *out, struct span s);
void cli_put_lines(FILE *out, struct span s); /* keeps newlines */

/* Prints "label   value\n", or nothing if the value is absent. */
void cli_line(const char *label, struct span value);
void cli_line_text(const char *label, const char *value);

/* Prints a paragraph indented by `indent` columns, wrapped at 80 columns. */
void cli_prose(unsigned indent, struct span text);
void cli_prose_text(unsigned indent, const char *text);

/* The same, but the first line starts in column `at`, where the cursor is. */
void cli_prose_at(unsigned at, unsigned indent, struct span text);

/* Prints a paragraph with a label to its left, or above it if the label is
 * wider than `indent`. */
void cli_entry(struct span label, unsigned indent, struct span text);

#endif
