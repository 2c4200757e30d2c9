#include "tests/support/verify_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/core_driver.h"
#include "tests/support/sign.h"

enum { NOW = 1750000000, ZONE_MAX = 32768 };

const char verify_run_zone[] =
    "example.com. TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
    "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"\n"
    "quarantine.example. TXT \"v=spf1 -all\"\n"
    "_dmarc.quarantine.example. TXT \"v=DMARC1; p=quarantine\"\n"
    "mail.example.com. TXT \"v=spf1 a -all\"\n"
    "mail.example.com. A 192.0.2.10\n"
    "other.example. TXT \"v=spf1 +all\"\n";

const char verify_run_header[] = "From: Alice <alice@example.com>\r\n"
				 "To: bob@example.org\r\n"
				 "Subject: test\r\n"
				 "Date: Sun, 15 Jun 2025 15:06:40 +0000\r\n";
const char verify_run_body[] = "Hello,\r\n\r\nthis is a test.\r\n";

const char verify_run_conf[] = "authserv_id = \"mx.test\"\n"
			       "mode = enforce\n";

void
verify_run_begin(struct verify_run *r)
{
	struct verify_client client = {
		.name = span_str(r->name),
		.authserv_id = SPAN("mx.test"),
		.receiver = SPAN("mx.test"),
		.trusted_mta = r->trusted_mta,
		.rewrites_from = r->rewrites_from,
		.now = NOW,
	};
	struct verify_envelope envelope = {
		.sender = span_str(
		    r->sender != NULL ? r->sender : "<alice@example.com>"),
		.auth_authen = span_str(r->auth),
		.auth_type = span_str(r->auth != NULL ? "PLAIN" : NULL),
		.now = NOW,
		.own = &r->own,
	};

	assert_true(ip_parse(
	    span_str(r->ip != NULL ? r->ip : "192.0.2.10"), &client.ip));
	r->c = conf_read_text(
	    span_str(r->conf != NULL ? r->conf : verify_run_conf), "test.conf",
	    stderr);
	assert_non_null(r->c);
	own_fields_begin(&r->own, client.authserv_id);
	r->connection = verify_connect(r->c, r->dns, &client);
	assert_non_null(r->connection);
	verify_helo(r->connection,
	    span_str(r->helo != NULL ? r->helo : "mail.example.com"));
	r->m = verify_mail(r->connection, &envelope);
	assert_non_null(r->m);
	verify_rcpt(r->m, SPAN("<bob@example.org>"));
}

void
verify_run_message(struct verify_run *r)
{
	struct span text = span_str(r->message);
	struct scan s = mail_header_open(text);
	struct span name, value;

	while (mail_header_next(&s, &name, &value))
		verify_header(r->m, name, value);
	verify_headers_end(r->m);
	verify_body(r->m, scan_rest(&s));
}

void
verify_run_all(struct verify_run *r)
{
	verify_run_begin(r);
	verify_run_message(r);
	if (r->fake != NULL)
		fake_settle(r->fake);
	r->v = verify_finish(r->m);
}

void
verify_run_end(struct verify_run *r)
{
	verify_end(r->m);
	verify_disconnect(r->connection);
	conf_unref(r->c);
}

bool
verify_run_has(const struct verdict *v, const char *text)
{
	struct span s = v->authentication_results;

	return memmem(s.p, s.n, text, strlen(text)) != NULL;
}

void
verify_run_results(const struct verdict *v, const char *text)
{
	if (!verify_run_has(v, text))
		fail_msg("no \"%s\" in: %.*s", text,
		    SPAN_FMT(v->authentication_results));
}

char *
verify_run_signed(const char *domain, const char *header)
{
	char tags[256];

	snprintf(tags, sizeof(tags),
	    "v=1; a=rsa-sha256; c=relaxed/relaxed; d=%s; s=sel; "
	    "h=from:to:subject:date",
	    domain);
	return sign_message(sign_rsa(2048, 0), tags, header, verify_run_body);
}

struct dns_source *
verify_run_keys(const char *const *domains, const char *more)
{
	static char text[ZONE_MAX];
	char *record = sign_record(sign_rsa(2048, 0));
	int n = snprintf(text, sizeof(text), "%s%s", verify_run_zone, more);

	for (; *domains != NULL; domains++) {
		char name[300];
		char *line;

		snprintf(name, sizeof(name), "sel._domainkey.%s", *domains);
		line = sign_zone_line(name, record);
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s", line);
		free(line);
	}
	assert_true((size_t)n < sizeof(text));
	free(record);
	return pump_zone(text);
}

const char *const only_example[] = { "example.com", NULL };
