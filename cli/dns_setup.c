#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "dns/cache.h"
#include "dns/recorder.h"
#include "dns/zone.h"
#include "verify/core_options.h"

enum {
	ERROR_MAX = 512,
	MESSAGE_MAX = 2048, /* bytes that cli_fail() prints */
	RECORD_MODE = 0666, /* before the umask is applied */
};

int
cli_fail(const struct cli *c, int status, const char *format, ...)
{
	char message[MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	fprintf(stderr, "avouch %s: ", c->command->name);
	cli_put_to(stderr, span_str(message));
	fputc('\n', stderr);
	return status;
}

const struct conf *
cli_conf_read(const char *path)
{
	char *text = NULL;
	size_t n = 0;
	FILE *faults = open_memstream(&text, &n);
	const struct conf *conf;

	if (faults == NULL) {
		fputs("avouch: out of memory\n", stderr);
		return NULL;
	}
	conf = conf_read(path, faults);
	fclose(faults);
	cli_put_lines(stderr, span_of(text, n));
	free(text);
	if (conf == NULL && strcmp(path, CONF_DEFAULT_FILE) == 0 &&
	    access(path, F_OK) != 0)
		fputs("avouch: this host has no configuration; name a file "
		      "with --config FILE\n",
		    stderr);
	return conf;
}

/* Reads --nameserver.  Without that option, `o` is unchanged, and if `o` has no
 * servers, those in /etc/resolv.conf are used. */
static int
nameserver_read(const struct cli *c, struct dns_resolver_options *o)
{
	const char *why;

	if (c->nameserver == NULL)
		return EX_OK;
	if (c->zone != NULL)
		return cli_fail(c, EX_USAGE,
		    "--zone and --nameserver cannot be used together");
	why = server_address_parse(span_str(c->nameserver), &o->servers[0]);
	if (why != NULL)
		return cli_fail(
		    c, EX_USAGE, "--nameserver: \"%s\" %s", c->nameserver, why);
	o->n_servers = 1;
	return EX_OK;
}

/* Adds a cache, as in the daemon, so that each question is sent only once. */
static bool
net_open(struct cli *c, const struct dns_resolver_options *o, char *error)
{
	c->base = dns_resolver_open(o, error, ERROR_MAX);
	if (c->base == NULL)
		return false;
	struct dns_cache_options cache = core_options_cache(c->defaults);

	c->cache = dns_cache_open(&cache, c->base);
	c->dns = c->cache;
	if (c->dns == NULL)
		snprintf(error, ERROR_MAX, "out of memory");
	return c->dns != NULL;
}

/* Opens without truncating: the file may also be the input of --zone, and it
 * keeps its content if the command fails early. */
static int
record_file_open(struct cli *c)
{
	int fd = open(c->record, O_WRONLY | O_CREAT | O_CLOEXEC, RECORD_MODE);

	if (fd < 0)
		return cli_fail(
		    c, EX_USAGE, "--record %s: %s", c->record, strerror(errno));
	c->record_file = fdopen(fd, "w");
	c->recorder = c->record_file != NULL ? dns_recorder_open(c->dns) : NULL;
	if (c->record_file == NULL)
		close(fd);
	if (c->recorder == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	c->dns = c->recorder;
	return EX_OK;
}

int
cli_dns_open(struct cli *c)
{
	struct dns_resolver_options o = core_options_resolver(
	    c->dns_conf != NULL ? c->dns_conf : c->defaults);
	char error[ERROR_MAX];
	int status = nameserver_read(c, &o);

	if (status != EX_OK)
		return status;
	if (c->zone != NULL) {
		c->base = dns_zone_open(c->zone, error, sizeof(error));
		c->dns = c->base;
		if (c->dns == NULL)
			return cli_fail(c, EX_DATAERR, "%s", error);
	} else if (!net_open(c, &o, error)) {
		return cli_fail(c, EX_TEMPFAIL, "%s", error);
	}
	return c->record != NULL ? record_file_open(c) : EX_OK;
}

static bool
record_file_write(struct cli *c)
{
	int fd = fileno(c->record_file);
	struct stat st;
	bool ok;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && ftruncate(fd, 0) != 0)
		return false;
	ok = dns_recorder_write(c->recorder, c->record_file);
	return fflush(c->record_file) == 0 && ok;
}

int
cli_dns_close(struct cli *c, int status)
{
	if (c->recorder != NULL) {
		errno = 0;
		if (!record_file_write(c))
			status = cli_fail(c, EX_TEMPFAIL, "--record %s: %s",
			    c->record,
			    errno != 0 ? strerror(errno)
				       : "not all answers could be recorded");
		c->recorder->close(c->recorder);
	}
	if (c->record_file != NULL)
		fclose(c->record_file);
	if (c->cache != NULL)
		c->cache->close(c->cache);
	if (c->base != NULL)
		c->base->close(c->base);
	return status;
}
