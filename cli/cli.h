/*
 * cli.h - what the subcommands of avouch share: options, sources of answers,
 * output.
 *
 * Exit statuses are those of sysexits.h: 0 a result was produced, whatever it
 * is; 64 wrong usage; 65 input that cannot be read; 75 a temporary failure;
 * 78 a configuration that is wrong.
 */
#ifndef AVOUCH_CLI_CLI_H
#define AVOUCH_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sysexits.h>

#include "dns/net.h"
#include "dns/source.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "verify/conf.h"

enum {
	CLI_MEMORY = 64 << 20, /* bytes of arena a subcommand may take */
	CLI_SCRATCH = 8 << 20,
	CLI_WAIT_MS = 15000, /* for DNS, in all */
	CLI_QUESTIONS = 1000,
	CLI_ARGS_MAX = 1000,
};

struct cli {
	const struct cli_command *command;

	/* options, as given; NULL or false: not given */
	bool help, json, explain, lint, key;
	const char *nameserver, *zone, *record, *now_text;
	const char *ip_text, *helo, *mail_from, *receiver, *authserv_id;
	const char *config;
	const char *client_name, *rcpt_to, *login;
	bool dry_run, csv;
	const char *day, *domain, *store, *days, *html, *as, *remove;

	/* what is left */
	char **args;
	int n_args;

	/* made of them */
	int64_t now;
	struct ip ip;
	const struct dns_net_options *net; /* of a configuration, or NULL */
	struct dns_source *dns; /* the top of the stack of those below */
	struct dns_source *base, *cache, *recorder;
	FILE *record_file;
};

struct cli_command {
	const char *name;
	const char *synopsis; /* its arguments; "": none */
	const char *help;     /* one line */
	unsigned options;     /* CLI_WITH_* */
	int min_args, max_args;
	int (*run)(struct cli *c);
};

enum {
	CLI_WITH_DNS = 1,      /* --nameserver --zone --record --now */
	CLI_WITH_ENVELOPE = 2, /* --ip --helo --mail-from --receiver */
	CLI_WITH_EXPLAIN = 4,
	CLI_WITH_CHECK = 8,   /* --config --authserv-id --client-name */
	CLI_WITH_CONFIG = 16, /* --config alone */
	CLI_WITH_LINT = 32,
	CLI_WITH_KEY = 64,
	CLI_WITH_POLICY = 256, /* --store --days */
	CLI_WITH_REPORT = 128, /* --domain --day --dry-run of send and show,
	                          --store --days --csv --html of read and show,
	                          --as of push, --remove of suppressed */
};

int cmd_spf(struct cli *c);
int cmd_dkim(struct cli *c);
int cmd_arc(struct cli *c);
int cmd_dmarc(struct cli *c);
int cmd_check(struct cli *c);
int cmd_config(struct cli *c);
int cmd_policy(struct cli *c);
int cmd_report(struct cli *c);
int cmd_status(struct cli *c);

/* ---- options.c ---- */

/* Reads `argv` behind the subcommand; 0, or EX_USAGE with a message printed.
 * With c->help nothing but that is good. */
int cli_options(struct cli *c, int argc, char **argv);
void cli_usage(const struct cli_command *command);

/* ---- env.c ---- */

/* Opens the source of answers; 0, or a status with a message printed. */
int cli_dns_open(struct cli *c);

/* Writes --record and closes; `status` unless that fails.  No question may be
 * open. */
int cli_dns_close(struct cli *c, int status);

/* "avouch spf: text" to standard error, made printable; returns `status`. */
int cli_fail(const struct cli *c, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* conf_read() with its faults made printable; NULL: they were told. */
const struct conf *cli_conf_read(const char *path);

/* ---- output.c ---- */

/* Once, before any other: where there is no memory for JSON, the program ends
 * with EX_TEMPFAIL. */
void cli_json_setup(void);

/* Bytes as JSON text: what is not UTF-8 becomes U+FFFD; absent is null. */
json_t *cli_json(struct span s);

void cli_set(json_t *object, const char *key, json_t *value);
void cli_set_span(json_t *object, const char *key, struct span value);
void cli_set_text(json_t *object, const char *key, const char *value);
void cli_set_number(json_t *object, const char *key, int64_t value);
void cli_set_bool(json_t *object, const char *key, bool value);

/* Prints `object` on one line of ASCII and lets it go; EX_OK. */
int cli_print_json(json_t *object);

/* Text of others for a terminal: what is not printable UTF-8 becomes "?", line
 * ends and TABs too. */
void cli_put(struct span s);
void cli_put_to(FILE *out, struct span s);
void cli_put_lines(FILE *out, struct span s); /* line by line */

/* "label   value\n"; nothing where the value is absent. */
void cli_line(const char *label, struct span value);
void cli_line_text(const char *label, const char *value);

/* A paragraph, `indent` columns in, broken at spaces before column 80. */
void cli_prose(unsigned indent, struct span text);
void cli_prose_text(unsigned indent, const char *text);

/* The same with a label at its left, above it where that is too long. */
void cli_entry(struct span label, unsigned indent, struct span text);

#endif
