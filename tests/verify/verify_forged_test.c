/* verify_forged_test.c - whole messages through verify/: fields that claim to
 * be ours (RFC 8601 section 5). */
#include "verify/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "tests/support/core_driver.h"
#include "tests/support/sign.h"
#include "tests/support/verify_run.h"

enum { MESSAGE_MAX = 65536 };

/* ---- RFC 8601 section 5: a field added by another of our MTAs ---- */

static void
rfc8601_5_mail_from_a_trusted_mta_is_unchanged(void **state)
{
	char message[MESSAGE_MAX];
	struct dns_source *zone = pump_zone(verify_run_zone);
	struct verify_run r = {
		.message = message,
		.conf = "mode = enforce skip_networks = {}",
		.sender = "<x@quarantine.example>",
		.auth = "alice",
		.trusted_mta = true,
		.dns = zone,
	};

	(void)state;
	snprintf(message, sizeof(message),
	    "X-Avouch-Quarantine: spf.on_fail\r\n"
	    "Authentication-Results: mx.test; dmarc=fail\r\n%s\r\n%s",
	    verify_run_header, verify_run_body);
	verify_run_all(&r);
	assert_string_equal(r.v->skip, "skip.trusted_mta");
	assert_true(span_is(r.v->decision.rule, "skip.trusted_mta"));
	assert_int_equal(r.v->decision.action, CONF_ACCEPT);
	assert_null(r.v->authentication_results.p);
	assert_null(r.v->annotation.p);
	assert_int_equal(r.v->questions, 0);
	assert_int_equal(r.own.n, 2);
	verify_run_end(&r);
	zone->close(zone);
}

static void
rfc8601_5_a_trusted_mta_is_known_by_address_and_port(void **state)
{
	static const struct {
		const char *what, *client;
		unsigned port;
		bool trusted;
	} rows[] = {
		{ "filter", "127.0.0.1", 10025, true },
		{ "the same host, another port", "127.0.0.1", 25, false },
		{ "an MTA that does not report the port", "127.0.0.1", 0,
		    false },
		{ "another host on that port", "192.0.2.1", 10025, false },
		{ "network, any port", "198.51.100.7", 25, true },
		{ "network, unknown port", "198.51.100.7", 0, true },
		{ "outside the network", "198.51.101.7", 25, false },
		{ "IPv6", "2001:db8::25", 25, true },
		{ "IPv6, another", "2001:db8::26", 25, false },
		{ "IPv4 in IPv6", "::ffff:127.0.0.1", 10025, true },
		{ "no address", NULL, 10025, false },
	};
	const struct conf *c = conf_read_text(
	    SPAN("trusted_mtas = { \"127.0.0.1@10025\", 198.51.100.0/24, "
		 "\"2001:db8::25\" }"),
	    "test.conf", stderr);

	(void)state;
	assert_non_null(c);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip ip = { .family = IP_NONE };

		assert_true(rows[i].client == NULL ||
		    ip_parse(span_str(rows[i].client), &ip));
		if (policy_trusts_mta(c, &ip, rows[i].port) != rows[i].trusted)
			fail_msg("%s", rows[i].what);
	}
	conf_unref(c);
}

/* ---- RFC 8601 section 5: removal on arrival ---- */

static void
forged_results_are_found(void **state)
{
	static char message[512 * 1024];
	static const uint32_t forged[] = { 1, 3, 4, 5, 7 };
	struct verify_run r = { .message = message,
		.dns = pump_zone(verify_run_zone) };
	size_t n;

	(void)state;
	n = (size_t)snprintf(message, sizeof(message),
	    "Authentication-Results: mx.test; dmarc=pass\r\n"
	    "authentication-results: other.test; spf=pass\r\n"
	    "AUTHENTICATION-RESULTS:\r\n\t(a (nested) comment)\r\n MX.TEST;"
	    " dkim=pass\r\n"
	    "Authentication-Results : mx.test 1; none\r\n"
	    "Authentication-Results: \"mx.test\"; none\r\n"
	    "Authentication-Results: mx.test.other; spf=pass\r\n"
	    "Authentication-Results: mx.test; ");
	memset(message + n, 'x', 200000);
	n += 200000;
	snprintf(message + n, sizeof(message) - n, "\r\n%s\r\n%s",
	    verify_run_header, verify_run_body);
	verify_run_all(&r);
	assert_int_equal(r.own.n, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(r.own.fields[i].kind, OWN_FIELD_AUTHRES);
		assert_int_equal(r.own.fields[i].nth, forged[i]);
	}
	verify_run_end(&r);
	r.dns->close(r.dns);
}

/* The list of fields to remove has a limit; a message that exceeds it is
 * refused. */
static void
too_many_forged_results_are_refused(void **state)
{
	const struct span names[] = { SPAN("Authentication-Results"),
		SPAN("x-avouch-quarantine ") };
	char *message = verify_run_signed("example.com", verify_run_header);

	(void)state;
	for (int more = 0; more < 2; more++) {
		struct verify_run r = {
			.conf = "mode = enforce",
			.message = message,
			.sender = "<x@other.example>",
			.dns = verify_run_keys(only_example, ""),
		};

		verify_run_begin(&r);
		for (int i = 0; i < OWN_FIELDS_MAX + more; i++)
			verify_header(
			    r.m, names[i % 2], SPAN(" mx.test; dmarc=pass"));
		verify_run_message(&r);
		r.v = verify_finish(r.m);
		assert_int_equal(own_fields_listed(&r.own), OWN_FIELDS_MAX);
		assert_int_equal(
		    span_is(r.v->decision.rule, "limit.forged_fields"), more);
		assert_true(!more || r.v->decision.code == 550);
		verify_run_end(&r);
		r.dns->close(r.dns);
	}
	free(message);
}

/* If a header exceeds every limit, nothing passes, and no forged field is kept.
 */
static void
a_header_without_end(void **state)
{
	char *message = verify_run_signed("example.com", verify_run_header);
	struct verify_run r = {
		.message = message,
		.sender = "<x@other.example>",
		.dns = verify_run_keys(only_example, ""),
	};
	char *junk = malloc(1 << 20);

	(void)state;
	assert_non_null(junk);
	memset(junk, 'j', 1 << 20);
	verify_run_begin(&r);
	for (int i = 0; i < 64; i++)
		verify_header(r.m, SPAN("X-Junk"), span_of(junk, 1 << 20));
	for (int i = 0; i < 20000; i++)
		verify_header(r.m, SPAN("X-Small"), SPAN(" a"));
	for (int i = 0; i < 300; i++)
		verify_header(r.m, SPAN("Authentication-Results"),
		    SPAN(" mx.test; dmarc=pass"));
	verify_run_message(&r);
	r.v = verify_finish(r.m);
	assert_int_equal(r.own.n, 300);
	assert_true(r.v->faulty);
	assert_false(r.v->facts.overload);
	assert_int_equal(r.v->dmarc.code, DMARC_PERMERROR);
	verify_run_results(r.v, "dkim=temperror");
	assert_int_equal(r.v->decision.action, CONF_REJECT);
	assert_true(span_is(r.v->decision.rule, "limit.header"));
	verify_run_end(&r);
	free(junk);
	free(message);
	r.dns->close(r.dns);
}

/* The result is the same as that of `avouch dkim`, and the reply names the
 * limit. */
static void
a_signed_header_over_the_limit(void **state)
{
	enum { FIELDS = MAIL_FIELDS_MAX + 1 };
	char *message = verify_run_signed("example.com", verify_run_header);
	struct verify_run r = {
		.message = "\r\n",
		.dns = verify_run_keys(only_example, ""),
	};
	struct scan s = mail_header_open(span_str(message));
	struct span name, value;

	(void)state;
	verify_run_begin(&r);
	while (mail_header_next(&s, &name, &value))
		verify_header(r.m, name, value);
	for (int i = 0; i < FIELDS; i++)
		verify_header(r.m, SPAN("X"), SPAN(" a"));
	verify_run_message(&r);
	r.v = verify_finish(r.m);
	assert_int_equal(r.v->n_dkim, 1);
	assert_int_equal(r.v->dkim[0].code, DKIM_POLICY);
	assert_true(
	    span_is(r.v->dkim[0].reason, "the header is too large to verify"));
	assert_int_equal(r.v->dmarc.code, DMARC_PERMERROR);
	assert_true(span_is(r.v->decision.text,
	    "The header of this message is larger than this host accepts, so "
	    "it "
	    "cannot be checked (rule limit.header)"));
	verify_run_end(&r);
	free(message);
	r.dns->close(r.dns);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    rfc8601_5_mail_from_a_trusted_mta_is_unchanged),
		cmocka_unit_test(
		    rfc8601_5_a_trusted_mta_is_known_by_address_and_port),
		cmocka_unit_test(forged_results_are_found),
		cmocka_unit_test(too_many_forged_results_are_refused),
		cmocka_unit_test(a_header_without_end),
		cmocka_unit_test(a_signed_header_over_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
