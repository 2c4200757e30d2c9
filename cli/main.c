/*
 * main.c - the avouch command: runs the subcommand named by the first argument.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "lib/enum_names.h"

static const struct cli_command commands[] = {
	{ "check", "FILE", "run all of the milter's checks on one message",
	    CLI_WITH_DNS | CLI_WITH_ENVELOPE | CLI_WITH_EXPLAIN |
		CLI_WITH_CHECK,
	    1, 1, cmd_check, NULL },
	{ "spf", "[DOMAIN]",
	    "check SPF for a client and a sender, or lint a domain's record",
	    CLI_WITH_DNS | CLI_WITH_ENVELOPE | CLI_WITH_EXPLAIN | CLI_WITH_LINT,
	    0, 1, cmd_spf, NULL },
	{ "dkim", "FILE | --key SELECTOR DOMAIN",
	    "verify the DKIM signatures of a message, or check one key",
	    CLI_WITH_DNS | CLI_WITH_EXPLAIN | CLI_WITH_KEY, 1, 2, cmd_dkim,
	    NULL },
	{ "arc", "FILE", "verify the ARC chain of a message",
	    CLI_WITH_DNS | CLI_WITH_EXPLAIN, 1, 1, cmd_arc, NULL },
	{ "dmarc", "DOMAIN",
	    "show and check the DMARC policy that applies to a domain",
	    CLI_WITH_DNS | CLI_WITH_EXPLAIN, 1, 1, cmd_dmarc, NULL },
	{ "audit",
	    "DOMAIN | --mine | --message FILE | --bounce FILE | --wait ADDRESS",
	    "audit a domain's mail setup or a message, or explain a rejection",
	    CLI_WITH_DNS | CLI_WITH_AUDIT, 0, 1, cmd_audit, NULL },
	{ "config", "check | show | import FILE...",
	    "check or show the configuration, or import one from opendkim etc.",
	    CLI_WITH_CONFIG | CLI_WITH_SYNTAX, 1, CLI_ARGS_MAX, cmd_config,
	    NULL },
	{ "report",
	    "push | send | failures | bounce [MAILDIR] | suppressed | "
	    "read FILE|DIR|-... | intake [MAILDIR] | show | digest",
	    "send DMARC reports; read and show those from others",
	    CLI_WITH_DNS | CLI_WITH_CONFIG | CLI_WITH_REPORT, 1, CLI_ARGS_MAX,
	    cli_action_run, report_actions },
	{ "key",
	    "new DOMAIN | list | check | retire | revoke | due | import "
	    "FILE...",
	    "make, check and replace the keys that sign outgoing mail",
	    CLI_WITH_DNS | CLI_WITH_CONFIG | CLI_WITH_SIGN | CLI_WITH_KEYS, 1,
	    CLI_ARGS_MAX, cmd_key, key_actions },
	{ "sign", "--domain NAME --selector NAME FILE | doctor | test ADDRESS",
	    "sign a message file, or test your outgoing mail",
	    CLI_WITH_DNS | CLI_WITH_CONFIG | CLI_WITH_SIGN | CLI_WITH_KEY_FILE,
	    1, 2, cmd_sign, sign_actions },
	{ "policy", "replay",
	    "apply another configuration to the messages in the store",
	    CLI_WITH_CONFIG | CLI_WITH_POLICY, 1, 1, cmd_policy, NULL },
	{ "status", "",
	    "show what the running daemon has done since it started",
	    CLI_WITH_CONFIG, 0, 0, cmd_status, NULL },
};

static void
print_usage(FILE *out)
{
	fputs("usage: avouch COMMAND [options] [arguments]\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("Run `avouch COMMAND --help` for the options of a command; "
	      "avouch(1) describes all.\n",
	    out);
}

static const struct cli_command *
command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

/* Handles --version, --help, -h and help; anything else is a usage error. */
static int
run_global_option(const char *name, int argc, char **argv)
{
	if (strcmp(name, "--version") == 0) {
		puts("avouch " AVOUCH_VERSION);
		return EX_OK;
	}
	if (strcmp(name, "help") == 0 && argc > 2 &&
	    command_find(argv[2]) != NULL) {
		cli_usage(command_find(argv[2]),
		    argc > 3 ? cli_action_find(command_find(argv[2]), argv[3])
			     : NULL);
		return EX_OK;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
	    strcmp(name, "help") == 0) {
		print_usage(stdout);
		return EX_OK;
	}
	if (argc > 1) {
		fputs("avouch: unknown command ", stderr);
		cli_put_to(stderr, span_str(name));
		fputc('\n', stderr);
	}
	print_usage(stderr);
	return EX_USAGE;
}

/*
 * If a standard descriptor is closed, the next file that we open gets its
 * number.  To prevent this, opens a descriptor on which every read and write
 * fails.
 */
static void
guard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null",
			fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(EX_TEMPFAIL);
}

/* Reports a failed write to standard output.  Prints nothing for EPIPE, because
 * the reader closed the pipe on purpose. */
static int
output_flush(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno != EPIPE)
		fprintf(stderr, "avouch: standard output: %s\n",
		    errno != 0 ? strerror(errno) : "write failed");
	return status != EX_OK ? status : EX_TEMPFAIL;
}

static int
run_command(struct cli *c)
{
	int status;

	c->defaults = conf_defaults();
	if (c->defaults == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	status = c->command->run(c);
	conf_unref(c->defaults);
	return status;
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	struct cli c = { .command = command_find(name) };
	int status;

	guard_descriptors();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	cli_json_setup();
	if (c.command == NULL)
		return output_flush(run_global_option(name, argc, argv));
	status = cli_options(&c, argc - 2, argv + 2);
	if (status == EX_OK && c.help)
		cli_usage(c.command,
		    c.n_args > 0 ? cli_action_find(c.command, c.args[0])
				 : NULL);
	else if (status == EX_OK)
		status = run_command(&c);
	status = output_flush(cli_dns_close(&c, status));
	/* EX_OK if the mail system runs the command: with any other status, it
	 * would return the message to the sender address, which may be forged.
	 */
	return c.receive != NULL || c.answer != NULL ? EX_OK : status;
}
