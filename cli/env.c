#include <stdarg.h>

#include "cli/cli.h"
#include "dns/zone.h"

enum { ERROR_MAX = 512 };

int
cli_fail(const struct cli *c, int status, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "avouch %s: ", c->command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

/* `o` is empty where the system's name servers are to be asked. */
static int
nameserver_read(const struct cli *c, struct dns_net_options *o)
{
	if (c->nameserver == NULL)
		return EX_OK;
	if (c->zone != NULL)
		return cli_fail(c, EX_USAGE,
		    "--zone and --nameserver: answers come from one of them");
	if (!dns_net_server_parse(span_str(c->nameserver), &o->servers[0]))
		return cli_fail(c, EX_USAGE,
		    "--nameserver %s: not ADDR or ADDR@PORT", c->nameserver);
	o->n_servers = 1;
	return EX_OK;
}

int
cli_dns_open(struct cli *c)
{
	struct dns_net_options o = { 0 };
	char error[ERROR_MAX];
	int status = nameserver_read(c, &o);

	if (status != EX_OK)
		return status;
	c->base = c->zone != NULL ? dns_zone_open(c->zone, error, sizeof(error))
				  : dns_net_open(&o, error, sizeof(error));
	if (c->base == NULL)
		return cli_fail(
		    c, c->zone != NULL ? EX_DATAERR : EX_TEMPFAIL, "%s", error);
	c->dns = c->base;
	return EX_OK;
}

int
cli_dns_close(struct cli *c, int status)
{
	if (c->base != NULL)
		c->base->close(c->base);
	return status;
}
