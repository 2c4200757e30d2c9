/*
 * main.c - avouch: tells and tunes what avouch-milter does.
 */
#include <string.h>

#include "cli/cli.h"
#include "lib/table.h"

static const struct cli_command commands[] = {
	{ "check", "FILE", "all checks of one message, as the milter does them",
	    CLI_WITH_DNS | CLI_WITH_ENVELOPE | CLI_WITH_EXPLAIN |
		CLI_WITH_CHECK,
	    1, 1, cmd_check },
	{ "spf", "[DOMAIN]", "SPF of a client, or --lint of a domain's record",
	    CLI_WITH_DNS | CLI_WITH_ENVELOPE | CLI_WITH_EXPLAIN | CLI_WITH_LINT,
	    0, 1, cmd_spf },
	{ "dkim", "FILE | --key SELECTOR DOMAIN",
	    "the DKIM signatures of a message, or one key",
	    CLI_WITH_DNS | CLI_WITH_EXPLAIN | CLI_WITH_KEY, 1, 2, cmd_dkim },
	{ "arc", "FILE", "the ARC chain of a message",
	    CLI_WITH_DNS | CLI_WITH_EXPLAIN, 1, 1, cmd_arc },
	{ "dmarc", "DOMAIN", "the DMARC policy in force for a domain",
	    CLI_WITH_DNS | CLI_WITH_EXPLAIN, 1, 1, cmd_dmarc },
	{ "config", "check | show",
	    "reads the configuration as the daemon does", CLI_WITH_CONFIG, 1, 1,
	    cmd_config },
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

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	struct cli c = { .command = command_find(name) };
	int status;

	if (strcmp(name, "--version") == 0)
		return puts("avouch " AVOUCH_VERSION) == EOF ? EX_IOERR : EX_OK;
	if (c.command == NULL) {
		bool asked =
		    strcmp(name, "--help") == 0 || strcmp(name, "help") == 0;

		if (argc > 1 && !asked)
			fprintf(stderr, "avouch: no command %s\n", name);
		usage(asked ? stdout : stderr);
		return asked ? EX_OK : EX_USAGE;
	}
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			cli_usage(c.command, stdout);
			return EX_OK;
		}
	}
	status = cli_options(&c, argc - 2, argv + 2);
	if (status == EX_OK)
		status = c.command->run(&c);
	return cli_dns_close(&c, status);
}
