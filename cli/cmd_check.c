/*
 * cmd_check.c - avouch check: runs the milter's checks on a message file.
 */
#include <unistd.h>

#include "cli/cli.h"
#include "cli/explain/explain.h"
#include "cli/input.h"
#include "cli/results.h"
#include "mail/header.h"

enum { ERROR_MAX = 512 };

#define DEFAULT_AUTHSERV_ID "localhost"

/*
 * Reads the file given with --config or else the file that the daemon reads, if
 * it exists, because users expect the daemon's result.  On failure, prints a
 * message, sets `status` and returns NULL.
 */
static const struct conf *
check_open_conf(const struct cli *c, int *status)
{
	const struct conf *conf;

	if (c->config != NULL || access(CONF_DEFAULT_FILE, F_OK) == 0) {
		*status = EX_CONFIG;
		if (c->config != NULL)
			return cli_conf_read(c->config);
		fputs("avouch check: using " CONF_DEFAULT_FILE
		      "; --config FILE selects another one, --config "
		      "/dev/null the defaults\n",
		    stderr);
		return cli_conf_read(CONF_DEFAULT_FILE);
	}
	conf = conf_defaults();
	if (conf == NULL)
		*status = cli_fail(c, EX_TEMPFAIL, "out of memory");
	return conf;
}

static struct span
check_authserv_id(const struct cli *c, const struct conf *conf)
{
	if (c->authserv_id != NULL)
		return span_str(c->authserv_id);
	if (conf->authserv_id != NULL)
		return span_str(conf->authserv_id);
	return SPAN(DEFAULT_AUTHSERV_ID);
}

static bool
check_take_body(void *arg, struct span chunk)
{
	return verify_body(arg, chunk);
}

static void
check_feed_message(struct verify_message *m, const struct input *in)
{
	struct scan s = mail_header_open(in->text);
	struct span name, value;

	while (mail_header_next(&s, &name, &value))
		verify_header(m, name, value);
	verify_headers_end(m);
	input_body(in, in->text.n - scan_rest(&s).n, check_take_body, m);
}

static int
check_show_verdict(const struct cli *c, const struct conf *conf,
    struct verify_message *m, const struct input *in)
{
	const struct verdict *v = verify_finish(m);
	const struct explain_check all = { conf, v, m, in };
	json_t *o;

	if (!c->json) {
		results_verdict(v);
		return c->explain ? explain_check(c, &all) : EX_OK;
	}
	o = results_verdict_json(v);
	if (c->explain)
		cli_set(o, "explain", explain_check_json(c, &all));
	return cli_print_json(o);
}

static int
check_run_message(
    struct cli *c, const struct conf *conf, const struct input *in)
{
	struct own_fields own;
	struct verify_client client = {
		.ip = c->ip,
		.trusted_mta = policy_trusts_mta(conf, &c->ip, 0),
		.name = span_str(c->client_name),
		.authserv_id = check_authserv_id(c, conf),
		.receiver = span_str(c->receiver),
		.now = c->now,
		.trace = c->explain,
	};
	struct verify_envelope envelope = {
		.sender = span_str(c->mail_from),
		.auth_authen = span_str(c->login),
		.now = c->now,
		.own = &own,
		.trace = c->explain,
	};
	struct verify_connection *connection =
	    verify_connect(conf, c->dns, &client);
	struct verify_message *m = NULL;
	int status;

	own_fields_begin(&own, client.authserv_id);
	if (connection != NULL) {
		verify_helo(connection, span_str(c->helo));
		m = verify_mail(connection, &envelope);
	}
	if (m == NULL) {
		status = cli_fail(c, EX_TEMPFAIL, "out of memory");
	} else {
		if (c->rcpt_to != NULL)
			verify_rcpt(m, span_str(c->rcpt_to));
		check_feed_message(m, in);
		status = check_show_verdict(c, conf, m, in);
	}
	verify_end(m);
	verify_disconnect(connection);
	return status;
}

static int
check_open_and_run(struct cli *c, const struct conf *conf)
{
	char error[ERROR_MAX];
	struct input in;
	int status;

	if (!input_open(&in, c->args[0], error, sizeof(error)))
		return cli_fail(c, EX_DATAERR, "%s", error);
	/* Unless options say otherwise, use the DNS settings of the
	 * configuration. */
	c->dns_conf = conf;
	if (c->zone == NULL && c->nameserver == NULL)
		c->zone = conf->zone;
	status = cli_dns_open(c);
	if (status == EX_OK)
		status = check_run_message(c, conf, &in);
	input_close(&in);
	return status;
}

int
cmd_check(struct cli *c)
{
	const struct conf *conf;
	int status = EX_OK;

	if (c->ip_text == NULL || c->helo == NULL || c->mail_from == NULL)
		return cli_fail(c, EX_USAGE,
		    "--ip ADDR, --helo NAME and --mail-from ADDR are required "
		    "(--mail-from \"\" is the null sender)");
	conf = check_open_conf(c, &status);
	if (conf == NULL)
		return status;
	status = check_open_and_run(c, conf);
	conf_unref(conf);
	return status;
}
