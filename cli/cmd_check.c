/*
 * cmd_check.c - avouch check: one message on the way the milter sends it, with
 * a file in the place of the MTA.
 */
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/print.h"
#include "mail/message.h"

enum { ERROR_MAX = 512 };

#define DEFAULT_AUTHSERV_ID "localhost"

static const struct conf *
conf_open(const struct cli *c)
{
	return c->config != NULL ? conf_read(c->config, stderr)
				 : conf_defaults();
}

static struct span
authserv_id(const struct cli *c, const struct conf *conf)
{
	if (c->authserv_id != NULL)
		return span_str(c->authserv_id);
	if (conf->authserv_id != NULL)
		return span_str(conf->authserv_id);
	return SPAN(DEFAULT_AUTHSERV_ID);
}

static bool
take_body(void *arg, struct span chunk)
{
	return verify_body(arg, chunk);
}

static void
feed(struct verify_message *m, const struct input *in)
{
	struct scan s = mail_header_open(in->text);
	struct span name, value;

	while (mail_header_next(&s, &name, &value))
		verify_header(m, name, value);
	verify_headers_end(m);
	input_body(in, in->text.n - scan_rest(&s).n, take_body, m);
}

/*
 * In the words of RFC 9989 section 5.4: how a quarantine is done (a header, or
 * the MTA's hold queue) is told beside it.
 */
static const char *
action_name(const struct policy_decision *d, enum conf_action action)
{
	switch (action) {
	case CONF_ACCEPT:
		return "accept";
	case CONF_ANNOTATE:
		return d->disposition == DMARC_POLICY_QUARANTINE ? "quarantine"
								 : "accept";
	case CONF_HOLD:
		return "quarantine";
	case CONF_REJECT:
		return "reject";
	case CONF_TEMPFAIL:
		return "tempfail";
	}
	return "accept";
}

static json_t *
verdict_json(const struct verdict *v)
{
	const struct policy_decision *d = &v->decision;
	struct spf_result spf = v->spf_mail_from;
	json_t *o = json_object();

	if (v->mail_from.n == 0)
		spf.identity = SPF_IDENTITY_HELO;
	cli_set(o, "spf", print_spf_json(&spf));
	cli_set(o, "spf_helo", print_spf_json(&v->spf_helo));
	cli_set(o, "dkim", print_dkim_json(v->dkim, v->n_dkim));
	cli_set(o, "arc", print_arc_json(&v->arc));
	cli_set(o, "dmarc", print_dmarc_json(&v->dmarc));
	cli_set_text(o, "action", action_name(d, d->action));
	cli_set_text(o, "handling", conf_action_name(d->action));
	cli_set_text(o, "would", conf_action_name(d->would));
	cli_set_span(o, "rule", d->rule);
	cli_set_span(o, "reason", d->reason);
	if (d->code != 0) {
		char memory[POLICY_TEXT_MAX + 32];
		struct buf reply = buf_over(memory, sizeof(memory));

		buf_printf(&reply, "%u %s ", d->code, d->enhanced);
		buf_span(&reply, d->text);
		cli_set_span(o, "reply", buf_done(&reply));
	} else {
		cli_set(o, "reply", json_null());
	}
	cli_set_span(o, "authentication_results", v->authentication_results);
	cli_set_number(o, "stripped", (int64_t)v->n_strip);
	return o;
}

static void
verdict_print(const struct verdict *v)
{
	const struct policy_decision *d = &v->decision;

	if (v->skip == NULL) {
		print_spf(&v->spf_mail_from);
		if (v->mail_from.n > 0)
			print_spf(&v->spf_helo);
		print_dkim(v->dkim, v->n_dkim);
		print_arc(&v->arc);
		print_dmarc(&v->dmarc);
	}
	cli_line_text("action", conf_action_name(d->action));
	if (d->would != d->action)
		cli_line_text("  would", conf_action_name(d->would));
	cli_line("  rule", d->rule);
	cli_line("  reason", d->reason);
	if (d->code != 0) {
		printf("%-22s %u %s ", "  reply", d->code, d->enhanced);
		cli_put(d->text);
		putchar('\n');
	}
	printf("Authentication-Results: %.*s\n",
	    SPAN_FMT(v->authentication_results));
}

static int
check(struct cli *c, const struct conf *conf, const struct input *in)
{
	struct verify_client client = {
		.ip = c->ip,
		.name = span_str(c->client_name),
		.authserv_id = authserv_id(c, conf),
		.receiver = span_str(c->receiver),
		.now = c->now,
		.trace = c->explain,
	};
	struct verify_envelope envelope = {
		.sender = span_str(c->mail_from),
		.now = c->now,
	};
	struct verify_connection *connection =
	    verify_connect(conf, c->dns, &client);
	struct verify_message *m = NULL;
	int status = EX_OK;

	if (connection != NULL) {
		if (c->helo != NULL)
			verify_helo(connection, span_str(c->helo));
		m = verify_mail(connection, &envelope);
	}
	if (m == NULL) {
		status = cli_fail(c, EX_TEMPFAIL, "out of memory");
	} else {
		feed(m, in);
		if (c->json)
			status = cli_print_json(verdict_json(verify_finish(m)));
		else
			verdict_print(verify_finish(m));
	}
	verify_end(m);
	verify_disconnect(connection);
	return status;
}

int
cmd_check(struct cli *c)
{
	const struct conf *conf = conf_open(c);
	char error[ERROR_MAX];
	struct input in;
	int status;

	if (conf == NULL)
		return EX_CONFIG;
	if (!input_open(&in, c->args[0], error, sizeof(error))) {
		conf_drop(conf);
		return cli_fail(c, EX_DATAERR, "%s", error);
	}
	status = cli_dns_open(c);
	if (status == EX_OK)
		status = check(c, conf, &in);
	input_close(&in);
	conf_drop(conf);
	return status;
}
