/*
 * main.c - avouch: tells and tunes what avouch-milter does.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "lib/table.h"

static const struct cli_command commands[] = {
	{ "check", "FILE", "all checks of one message, as the milter does them",
	    CLI_WITH_DNS | CLI_WITH_ENVELOPE | CLI_WITH_EXPLAIN |
		CLI_WITH_CHECK,
	    1, 1, cmd_check },
	{ "spf", "[DOMAIN]",
	    "SPF of a client and a sender, or --lint of a domain's record",
	    CLI_WITH_DNS | CLI_WITH_ENVELOPE | CLI_WITH_EXPLAIN | CLI_WITH_LINT,
	    0, 1, cmd_spf },
	{ "dkim", "FILE | --key SELECTOR DOMAIN",
	    "the DKIM signatures of a message, or one key",
	    CLI_WITH_DNS | CLI_WITH_EXPLAIN | CLI_WITH_KEY, 1, 2, cmd_dkim },
	{ "arc", "FILE", "the ARC chain of a message",
	    CLI_WITH_DNS | CLI_WITH_EXPLAIN, 1, 1, cmd_arc },
	{ "dmarc", "DOMAIN", "the DMARC policy in force for a domain",
	    CLI_WITH_DNS | CLI_WITH_EXPLAIN, 1, 1, cmd_dmarc },
	{ "config", "check | show | import FILE...",
	    "the daemon's configuration, or one made of opendkim's and others'",
	    CLI_WITH_CONFIG, 1, CLI_ARGS_MAX, cmd_config },
	{ "report",
	    "push | send | failures | bounce | suppressed | "
	    "read FILE|DIR|-... | show",
	    "DMARC reports: sends ours, reads and shows those of others",
	    CLI_WITH_DNS | CLI_WITH_CONFIG | CLI_WITH_REPORT, 1, CLI_ARGS_MAX,
	    cmd_report },
	{ "policy", "replay",
	    "decides stored messages again under another configuration",
	    CLI_WITH_CONFIG | CLI_WITH_POLICY, 1, 1, cmd_policy },
	{ "status", "", "what the running daemon has done so far",
	    CLI_WITH_CONFIG, 0, 0, cmd_status },
};

static void
usage(FILE *out)
{
	fputs("usage: avouch COMMAND [options] [arguments]\n", out);
	for (size_t i = 0; i < TABLE_SIZE(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("`avouch COMMAND --help` tells the options of one, avouch(1) "
	      "of all.\n",
	    out);
}

static const struct cli_command *
command_find(const char *name)
{
	for (size_t i = 0; i < TABLE_SIZE(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

/* `name` is no subcommand. */
static int
other(const char *name, int argc, char **argv)
{
	if (strcmp(name, "--version") == 0) {
		puts("avouch " AVOUCH_VERSION);
		return EX_OK;
	}
	if (strcmp(name, "help") == 0 && argc > 2 &&
	    command_find(argv[2]) != NULL) {
		cli_usage(command_find(argv[2]));
		return EX_OK;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "help") == 0) {
		usage(stdout);
		return EX_OK;
	}
	if (argc > 1) {
		fputs("avouch: no command ", stderr);
		cli_put_to(stderr, span_str(name));
		fputc('\n', stderr);
	}
	usage(stderr);
	return EX_USAGE;
}

/*
 * A file that we open must not become standard output.  What is closed gets a
 * descriptor that fails when it is used.
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

/* What was printed has to have arrived.  A reader that has seen enough needs no
 * message. */
static int
output_end(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno != EPIPE)
		fprintf(stderr, "avouch: standard output: %s\n",
		    errno != 0 ? strerror(errno) : "write failed");
	return status != EX_OK ? status : EX_TEMPFAIL;
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
		return output_end(other(name, argc, argv));
	status = cli_options(&c, argc - 2, argv + 2);
	if (status == EX_OK && c.help)
		cli_usage(c.command);
	else if (status == EX_OK)
		status = c.command->run(&c);
	return output_end(cli_dns_close(&c, status));
}
