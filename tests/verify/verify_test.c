/*
 * Whole messages through verify/: the verdict, the one field, what is stripped,
 * and how many round trips it took.
 */
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

enum { NOW = 1750000000, ZONE_MAX = 32768, MESSAGE_MAX = 65536 };

static const char base_zone[] =
    "example.com. TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
    "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"\n"
    "quarantine.example. TXT \"v=spf1 -all\"\n"
    "_dmarc.quarantine.example. TXT \"v=DMARC1; p=quarantine\"\n"
    "mail.example.com. TXT \"v=spf1 a -all\"\n"
    "mail.example.com. A 192.0.2.10\n"
    "other.example. TXT \"v=spf1 +all\"\n";

static const char base_header[] = "From: Alice <alice@example.com>\r\n"
				  "To: bob@example.org\r\n"
				  "Subject: test\r\n"
				  "Date: Sun, 15 Jun 2025 15:06:40 +0000\r\n";
static const char base_body[] = "Hello,\r\n\r\nthis is a test.\r\n";

/* One run of a message; the fields that are NULL have a default. */
struct run {
	const char *conf;
	const char *ip, *helo, *sender, *auth, *name;
	const char *message;
	struct dns_source *dns;
	struct dns_source *fake; /* settled between the events where set */

	bool trusted_mta;

	const struct conf *c;
	struct own_fields own;
	struct verify_connection *connection;
	struct verify_message *m;
	const struct verdict *v;
};

static const char default_conf[] = "authserv_id = \"mx.test\"\n"
				   "mode = enforce\n";

static void
run_begin(struct run *r)
{
	struct verify_client client = {
		.name = span_str(r->name),
		.authserv_id = SPAN("mx.test"),
		.receiver = SPAN("mx.test"),
		.trusted_mta = r->trusted_mta,
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
	r->c =
	    conf_read_text(span_str(r->conf != NULL ? r->conf : default_conf),
		"test.conf", stderr);
	assert_non_null(r->c);
	own_fields_begin(&r->own, r->c, client.authserv_id);
	r->connection = verify_connect(r->c, r->dns, &client);
	assert_non_null(r->connection);
	verify_helo(r->connection,
	    span_str(r->helo != NULL ? r->helo : "mail.example.com"));
	r->m = verify_mail(r->connection, &envelope);
	assert_non_null(r->m);
	verify_rcpt(r->m, SPAN("<bob@example.org>"));
}

static void
run_message(struct run *r)
{
	struct span text = span_str(r->message);
	struct scan s = mail_header_open(text);
	struct span name, value;

	while (mail_header_next(&s, &name, &value))
		verify_header(r->m, name, value);
	verify_headers_end(r->m);
	verify_body(r->m, scan_rest(&s));
}

static void
run_all(struct run *r)
{
	run_begin(r);
	run_message(r);
	if (r->fake != NULL)
		fake_settle(r->fake);
	r->v = verify_finish(r->m);
}

static void
run_end(struct run *r)
{
	verify_end(r->m);
	verify_disconnect(r->connection);
	conf_unref(r->c);
}

static bool
results_have(const struct verdict *v, const char *text)
{
	struct span s = v->authentication_results;

	return memmem(s.p, s.n, text, strlen(text)) != NULL;
}

static void
assert_results(const struct verdict *v, const char *text)
{
	if (!results_have(v, text))
		fail_msg("no \"%s\" in: %.*s", text,
		    SPAN_FMT(v->authentication_results));
}

/* ---- a signed message ---- */

static char *
signed_message(const char *domain, const char *header)
{
	char tags[256];

	snprintf(tags, sizeof(tags),
	    "v=1; a=rsa-sha256; c=relaxed/relaxed; d=%s; s=sel; "
	    "h=from:to:subject:date",
	    domain);
	return sign_message(sign_rsa(2048, 0), tags, header, base_body);
}

/* base_zone and the key "sel" of each of `domains`, which ends with NULL. */
static struct dns_source *
zone_with_keys(const char *const *domains, const char *more)
{
	static char text[ZONE_MAX];
	char *record = sign_record(sign_rsa(2048, 0));
	int n = snprintf(text, sizeof(text), "%s%s", base_zone, more);

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

static const char *const only_example[] = { "example.com", NULL };

static void
a_good_message(void **state)
{
	char *message = signed_message("example.com", base_header);
	struct run r = {
		.message = message,
		.name = "mail.example.com",
		.dns = zone_with_keys(only_example, ""),
	};

	(void)state;
	run_all(&r);
	assert_int_equal(r.v->decision.action, CONF_ACCEPT);
	assert_int_equal(r.v->dmarc.code, DMARC_PASS);
	assert_true(r.v->dmarc.spf_aligned && r.v->dmarc.dkim_aligned);
	assert_true(
	    span_starts_nocase(r.v->authentication_results, "mx.test;"));
	assert_results(r.v,
	    "iprev=pass (mail.example.com) "
	    "policy.iprev=192.0.2.10");
	assert_results(r.v, "smtp.mailfrom=example.com;");
	assert_false(results_have(r.v, "alice"));
	assert_results(r.v, "smtp.helo=mail.example.com");
	assert_results(r.v, "dkim=pass (2048-bit");
	assert_results(r.v, "header.d=example.com");
	assert_results(r.v, "header.i=@example.com");
	assert_results(r.v, "header.s=sel");
	assert_results(r.v, "header.a=rsa-sha256");
	assert_results(r.v, "header.b=");
	assert_results(r.v, "dmarc=pass (p=reject dis=none)");
	assert_results(r.v, "header.from=example.com");
	assert_results(r.v, "policy.dmarc=reject");
	assert_int_equal(r.own.n, 0);
	run_end(&r);
	r.dns->close(r.dns);
	free(message);
}

/* A good signature is shown although it is under hundreds; the field stays
 * short. */
static void
a_good_one_under_hundreds(void **state)
{
	char *good = signed_message("example.com", base_header);
	char *message = malloc(MESSAGE_MAX);
	struct buf text = buf_wrap(message, MESSAGE_MAX);
	struct run r = {
		.dns = zone_with_keys(only_example, ""),
	};

	(void)state;
	assert_non_null(message);
	for (unsigned i = 0; i < 300; i++)
		buf_printf(&text,
		    "DKIM-Signature: v=1; a=rsa-sha256; d=list.example; s=s%u; "
		    "h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; "
		    "b=YWJj\r\n",
		    i);
	buf_text(&text, good);
	assert_false(text.full);
	r.message = message;
	run_all(&r);
	assert_true(r.v->dmarc.dkim_aligned);
	assert_results(r.v, "dkim=pass");
	assert_results(r.v, "header.d=example.com");
	assert_results(r.v, ", 291 more signatures");
	/* no failed one's domain follows "dkim=pass" */
	assert_null(strstr(strstr(r.v->authentication_results.p, "dkim=pass"),
	    "list.example"));
	assert_true(r.v->authentication_results.n < 4000);
	run_end(&r);
	r.dns->close(r.dns);
	free(message);
	free(good);
}

static void
a_forged_one_is_rejected(void **state)
{
	char message[MESSAGE_MAX];
	struct run r = {
		.message = message,
		.ip = "198.51.100.7",
		.helo = "mail.evil.example",
		.sender = "<x@other.example>",
		.dns = pump_zone(base_zone),
	};

	(void)state;
	snprintf(message, sizeof(message), "%s\r\n%s", base_header, base_body);
	run_all(&r);
	assert_int_equal(r.v->dmarc.code, DMARC_FAIL);
	assert_int_equal(r.v->decision.action, CONF_REJECT);
	assert_int_equal(r.v->decision.code, 550);
	assert_string_equal(r.v->decision.enhanced, "5.7.26");
	assert_true(span_is(r.v->decision.rule, "dmarc.on_reject"));
	assert_results(r.v, "spf=pass");
	assert_results(r.v, "dkim=none");
	assert_results(r.v, "dmarc=fail (p=reject dis=reject");
	run_end(&r);

	r.conf = "mode = monitor\n";
	run_all(&r);
	assert_int_equal(r.v->decision.action, CONF_ACCEPT);
	assert_int_equal(r.v->decision.would, CONF_REJECT);
	assert_results(r.v, "would reject, rule dmarc.on_reject");
	run_end(&r);
	r.dns->close(r.dns);
}

/* RFC 7208 section 2.4 */
static void
the_null_sender_is_helo(void **state)
{
	char message[MESSAGE_MAX];
	struct run r = {
		.message = message,
		.sender = "<>",
		.dns = pump_zone(base_zone),
	};

	(void)state;
	snprintf(message, sizeof(message), "%s\r\n%s", base_header, base_body);
	run_all(&r);
	assert_int_equal(r.v->spf_mail_from.code, SPF_PASS);
	assert_true(r.v->dmarc.spf_aligned);
	assert_results(r.v, "smtp.helo=mail.example.com");
	assert_false(results_have(r.v, "smtp.mailfrom"));
	run_end(&r);
	r.dns->close(r.dns);
}

/* The two identities are never mixed up. */
static void
helo_does_not_help_mail_from(void **state)
{
	char message[MESSAGE_MAX];
	struct run r = {
		.message = message,
		.sender = "<alice@quarantine.example>",
		.dns = pump_zone(base_zone),
	};

	(void)state;
	snprintf(message, sizeof(message), "%s\r\n%s", base_header, base_body);
	run_all(&r);
	assert_int_equal(r.v->spf_helo.code, SPF_PASS);
	assert_int_equal(r.v->spf_mail_from.code, SPF_FAIL);
	assert_int_equal(r.v->dmarc.code, DMARC_FAIL);
	assert_results(r.v, "spf=fail (HELO pass, 192.0.2.10 matches");
	assert_false(results_have(r.v, "spf=pass"));
	assert_false(results_have(r.v, "smtp.helo"));
	run_end(&r);
	r.dns->close(r.dns);
}

/* Postfix and Sendmail rewrite such addresses; RFC 5321 section 4.1.2 has none
 * without "@". */
static void
rfc7208_2_4_mail_from_without_at(void **state)
{
	static const struct {
		const char *sender, *domain;
		enum spf_code code;
	} vectors[] = {
		{ "<alice%example.com>", "example.com", SPF_PASS },
		{ "<example.com!alice>", "example.com", SPF_PASS },
		{ "<x%y%quarantine.example>", "quarantine.example", SPF_FAIL },
		{ "<alice%quarantine.example@example.com>", "example.com",
		    SPF_PASS },
		{ "<@example.com:alice%quarantine.example>",
		    "quarantine.example", SPF_FAIL },
		{ "<alice%home>", "", SPF_NONE },
	};
	char message[MESSAGE_MAX];

	(void)state;
	snprintf(message, sizeof(message), "%s\r\n%s", base_header, base_body);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct run r = {
			.message = message,
			.sender = vectors[i].sender,
			.dns = pump_zone(base_zone),
		};

		run_all(&r);
		assert_int_equal(r.v->spf_mail_from.code, vectors[i].code);
		assert_true(
		    span_is(r.v->spf_mail_from.domain, vectors[i].domain));
		assert_true(
		    span_is(r.v->facts.mail_from_domain, vectors[i].domain));
		run_end(&r);
		r.dns->close(r.dns);
	}
}

/* ---- own users ---- */

static const struct own_user {
	const char *what, *ip, *auth, *rule, *has;
} own_users[] = {
	{ "logged in", "198.51.100.7", "alice", "skip.authenticated",
	    "auth=pass (own user," },
	{ "loopback", "127.0.0.1", NULL, "skip.network", "mx.test; none" },
	{ "loopback, IPv6", "::1", NULL, "skip.network", "mx.test; none" },
};

static void
own_users_are_not_judged(void **state)
{
	char message[MESSAGE_MAX];
	struct dns_source *zone = pump_zone(base_zone);

	(void)state;
	snprintf(message, sizeof(message),
	    "Authentication-Results: mx.test; dmarc=pass\r\n%s\r\n%s",
	    base_header, base_body);
	for (size_t i = 0; i < sizeof(own_users) / sizeof(own_users[0]); i++) {
		const struct own_user *u = &own_users[i];
		struct run r = {
			.message = message,
			.ip = u->ip,
			.auth = u->auth,
			.sender = "<x@quarantine.example>",
			.dns = zone,
		};

		run_all(&r);
		assert_int_equal(r.v->decision.action, CONF_ACCEPT);
		if (!span_is(r.v->decision.rule, u->rule))
			fail_msg("%s: rule %.*s", u->what,
			    SPAN_FMT(r.v->decision.rule));
		assert_results(r.v, u->has);
		assert_false(results_have(r.v, "dmarc="));
		if (u->auth != NULL) {
			assert_results(r.v, "not checked:");
			assert_results(r.v, "skip.authenticated, PLAIN)");
			assert_false(results_have(r.v, "alice"));
		}
		assert_int_equal(r.own.n, 1);
		run_end(&r);
	}
	zone->close(zone);
}

/* ---- RFC 8601 section 5: a field of ours from another MTA of ours ---- */

static void
rfc8601_5_mail_of_a_trusted_mta_is_left_as_it_is(void **state)
{
	char message[MESSAGE_MAX];
	struct dns_source *zone = pump_zone(base_zone);
	struct run r = {
		.message = message,
		.conf = "mode = enforce skip_networks = {} "
			"spf { received_spf = true }",
		.sender = "<x@quarantine.example>",
		.auth = "alice",
		.trusted_mta = true,
		.dns = zone,
	};

	(void)state;
	snprintf(message, sizeof(message),
	    "X-Avouch-Quarantine: spf.on_fail\r\nReceived-SPF: fail\r\n"
	    "Authentication-Results: mx.test; dmarc=fail\r\n%s\r\n%s",
	    base_header, base_body);
	run_all(&r);
	assert_string_equal(r.v->skip, "skip.trusted_mta");
	assert_true(span_is(r.v->decision.rule, "skip.trusted_mta"));
	assert_int_equal(r.v->decision.action, CONF_ACCEPT);
	assert_null(r.v->authentication_results.p);
	assert_int_equal(r.v->n_add, 0);
	assert_int_equal(r.v->questions, 0);
	assert_int_equal(r.own.n, 3);
	run_end(&r);
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
		{ "the same host, from outside", "127.0.0.1", 25, false },
		{ "an MTA that does not say the port", "127.0.0.1", 0, false },
		{ "another host on that port", "192.0.2.1", 10025, false },
		{ "network, any port", "198.51.100.7", 25, true },
		{ "network, port not known", "198.51.100.7", 0, true },
		{ "beside the network", "198.51.101.7", 25, false },
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

/* ---- RFC 8601 section 5: what is removed on arrival ---- */

static void
forged_results_are_found(void **state)
{
	static char message[512 * 1024];
	static const uint32_t forged[] = { 1, 3, 4, 5, 7 };
	struct run r = { .message = message, .dns = pump_zone(base_zone) };
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
	snprintf(message + n, sizeof(message) - n, "\r\n%s\r\n%s", base_header,
	    base_body);
	run_all(&r);
	assert_int_equal(r.own.n, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(r.own.fields[i].kind, OWN_FIELD_AUTHRES);
		assert_int_equal(r.own.fields[i].nth, forged[i]);
	}
	run_end(&r);
	r.dns->close(r.dns);
}

/* No list without a limit; who is over it has nothing to be delivered. */
static void
too_many_forged_results_are_refused(void **state)
{
	const struct span names[] = { SPAN("Authentication-Results"),
		SPAN("received-SPF"), SPAN("X-Avouch-Quarantine ") };
	char *message = signed_message("example.com", base_header);

	(void)state;
	for (int more = 0; more < 2; more++) {
		struct run r = {
			.conf = "mode = enforce spf { received_spf = true }",
			.message = message,
			.sender = "<x@other.example>",
			.dns = zone_with_keys(only_example, ""),
		};

		run_begin(&r);
		for (int i = 0; i < OWN_FIELDS_MAX + more; i++)
			verify_header(
			    r.m, names[i % 3], SPAN(" mx.test; dmarc=pass"));
		run_message(&r);
		r.v = verify_finish(r.m);
		assert_int_equal(own_fields_listed(&r.own), OWN_FIELDS_MAX);
		assert_int_equal(
		    span_is(r.v->decision.rule, "limit.forged_fields"), more);
		assert_true(!more || r.v->decision.code == 550);
		run_end(&r);
		r.dns->close(r.dns);
	}
	free(message);
}

/* Past every limit: nothing passes, and no forged field is let through. */
static void
a_header_without_end(void **state)
{
	char *message = signed_message("example.com", base_header);
	struct run r = {
		.message = message,
		.sender = "<x@other.example>",
		.dns = zone_with_keys(only_example, ""),
	};
	char *junk = malloc(1 << 20);

	(void)state;
	assert_non_null(junk);
	memset(junk, 'j', 1 << 20);
	run_begin(&r);
	for (int i = 0; i < 64; i++)
		verify_header(r.m, SPAN("X-Junk"), span_of(junk, 1 << 20));
	for (int i = 0; i < 20000; i++)
		verify_header(r.m, SPAN("X-Small"), SPAN(" a"));
	for (int i = 0; i < 300; i++)
		verify_header(r.m, SPAN("Authentication-Results"),
		    SPAN(" mx.test; dmarc=pass"));
	run_message(&r);
	r.v = verify_finish(r.m);
	assert_int_equal(r.own.n, 300);
	assert_true(r.v->faulty);
	assert_false(r.v->facts.overload);
	assert_int_equal(r.v->dmarc.code, DMARC_PERMERROR);
	assert_results(r.v, "dkim=temperror");
	assert_int_equal(r.v->decision.action, CONF_REJECT);
	assert_true(span_is(r.v->decision.rule, "limit.header"));
	run_end(&r);
	free(junk);
	free(message);
	r.dns->close(r.dns);
}

/* The same result as `avouch dkim` has, and a reply that says why. */
static void
a_signed_header_over_the_limit(void **state)
{
	enum { FIELDS = MAIL_FIELDS_MAX + 1 };
	char *message = signed_message("example.com", base_header);
	struct run r = {
		.message = "\r\n",
		.dns = zone_with_keys(only_example, ""),
	};
	struct scan s = mail_header_open(span_str(message));
	struct span name, value;

	(void)state;
	run_begin(&r);
	while (mail_header_next(&s, &name, &value))
		verify_header(r.m, name, value);
	for (int i = 0; i < FIELDS; i++)
		verify_header(r.m, SPAN("X"), SPAN(" a"));
	run_message(&r);
	r.v = verify_finish(r.m);
	assert_int_equal(r.v->n_dkim, 1);
	assert_int_equal(r.v->dkim[0].code, DKIM_POLICY);
	assert_true(
	    span_is(r.v->dkim[0].reason, "the header is too large to verify"));
	assert_int_equal(r.v->dmarc.code, DMARC_PERMERROR);
	assert_true(span_is(r.v->decision.text,
	    "The header of this message is larger than this host accepts, it "
	    "cannot be checked (rule limit.header)"));
	run_end(&r);
	free(message);
	r.dns->close(r.dns);
}

/* ---- round trips ---- */

static const char four_includes[] =
    "i0.example. TXT \"v=spf1 include:i1.example -all\"\n"
    "i1.example. TXT \"v=spf1 include:i2.example -all\"\n"
    "i2.example. TXT \"v=spf1 include:i3.example -all\"\n"
    "i3.example. TXT \"v=spf1 include:i4.example -all\"\n"
    "i4.example. TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
    "a.b.c.example.com. TXT \"v=spf1 -all\"\n";

static const struct trip {
	const char *what, *from, *signers[4];
} trips[] = {
	{ "domains alike",
	    "From: a@a.b.c.example.com\r\nTo: b@x\r\n"
	    "Subject: s\r\nDate: d\r\n",
	    { "example.com", "c.example.com", "b.c.example.com", NULL } },
	{ "all domains differ",
	    "From: a@a.b.c.example.com\r\nTo: b@x\r\n"
	    "Subject: s\r\nDate: d\r\n",
	    { "one.example", "two.test", "three.invalid", NULL } },
};

/*
 * HELO's SPF, MAIL FROM's SPF of four includes in a chain, three signatures, a
 * From of five labels: the chain of five records is the longest.
 */
static void
round_trips_are_the_longest_chain(void **state)
{
	(void)state;
	for (size_t t = 0; t < sizeof(trips) / sizeof(trips[0]); t++) {
		struct dns_source *zone =
		    zone_with_keys(trips[t].signers, four_includes);
		struct dns_source *fake = fake_new(zone, 20);
		char *header = strdup(trips[t].from);
		struct run r = {
			.sender = "<x@i0.example>",
			.dns = fake,
			.fake = fake,
		};
		char message[MESSAGE_MAX] = "";

		for (size_t i = 0; trips[t].signers[i] != NULL; i++) {
			char *one =
			    signed_message(trips[t].signers[i], trips[t].from);
			char *end = strstr(one, "\r\nFrom:");

			assert_non_null(end);
			snprintf(message + strlen(message),
			    sizeof(message) - strlen(message), "%.*s\r\n",
			    (int)(end - one), one);
			free(one);
		}
		snprintf(message + strlen(message),
		    sizeof(message) - strlen(message), "%s\r\n%s", header,
		    base_body);
		r.message = message;
		run_all(&r);
		assert_int_equal(r.v->n_dkim, 3);
		for (size_t i = 0; i < r.v->n_dkim; i++)
			assert_int_equal(r.v->dkim[i].code, DKIM_PASS);
		assert_int_equal(r.v->spf_mail_from.code, SPF_PASS);
		assert_int_equal(r.v->spf_helo.code, SPF_PASS);
		assert_int_equal(
		    r.v->dmarc.code, t == 0 ? DMARC_PASS : DMARC_FAIL);
		assert_int_equal(r.v->waves, 5);
		assert_int_equal(fake_round_trips(fake), 5);
		run_end(&r);
		free(header);
		fake->close(fake);
		zone->close(zone);
	}
}

/* ---- faults ---- */

/* A source that never answers by itself.  Every question was asked in time, so
 * that is the failure of the domain's servers, not ours. */
static void
silent_dns_ends_in_time(void **state)
{
	char *message = signed_message("example.com", base_header);
	struct dns_source *zone = zone_with_keys(only_example, "");
	struct dns_source *fake = fake_new(zone, 20);
	struct run r = {
		.message = message,
		.conf = "mode = enforce\ntimeout = 1s\n",
		.dns = fake,
	};
	int64_t began = clock_ms();

	(void)state;
	run_all(&r);
	assert_true(clock_ms() - began >= 1000);
	assert_false(r.v->gave_up);
	assert_false(r.v->facts.overload);
	assert_int_equal(r.v->decision.action, CONF_ACCEPT);
	assert_results(r.v, "spf=temperror");
	assert_results(r.v, "dkim=temperror");
	assert_results(r.v, "dmarc=temperror");
	run_end(&r);
	fake_settle(fake); /* late answers find nobody */
	fake->close(fake);
	zone->close(zone);
	free(message);
}

/*
 * Replayed from answers that were recorded when the message's own time ran out,
 * it tells the same; servers that failed by themselves are no lack of ours.
 */
static void
what_was_cut_off_stays_so_in_a_replay(void **state)
{
	static const struct {
		const char *zone;
		bool gave_up;
		enum spf_code spf;
	} vectors[] = {
		{ ";!failed _dmarc.example.com TXT budget\n", true, SPF_PASS },
		{ ";!failed _dmarc.example.com TXT timeout\n", false,
		    SPF_PASS },
		/* RFC 7208 section 5.5 passes over errors, not over this */
		{ "example.com. TXT \"v=spf1 -ptr:x.example +all\"\n"
		  ";!failed 10.2.0.192.in-addr.arpa PTR timeout\n",
		    false, SPF_PASS },
		{ "example.com. TXT \"v=spf1 -ptr:x.example +all\"\n"
		  ";!failed 10.2.0.192.in-addr.arpa PTR budget\n",
		    true, SPF_TEMPERROR },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		char text[1000];
		struct run r = { .message = "From: a@example.com\r\n\r\n" };

		snprintf(text, sizeof(text), "%s%s", vectors[i].zone,
		    i < 2 ? base_zone : "");
		r.dns = pump_zone(text);
		run_all(&r);
		assert_int_equal(r.v->gave_up, vectors[i].gave_up);
		assert_int_equal(r.v->facts.overload, vectors[i].gave_up);
		assert_int_equal(r.v->spf_mail_from.code, vectors[i].spf);
		run_end(&r);
		r.dns->close(r.dns);
	}
}

/* ---- who can change what becomes of another domain's mail ---- */

#define BANK "From: admin@bank.example\r\n"
#define ATTACK "<x@attack.example>"
#define SIGNED_BY(domain)                                                      \
	"DKIM-Signature: v=1; a=rsa-sha256; d=" domain "; s=s; h=from; "       \
	"bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA\r\n"

static const char bank_zone[] =
    "_dmarc.bank.example. TXT \"v=DMARC1; p=reject\"\n"
    "bank.example. TXT \"v=spf1 -all\"\n";

/* A verdict by policy: the header of a message, what the DNS says. */
struct policy_case {
	const char *name;
	const char *conf; /* NULL: the defaults, enforced */
	const char *sender;
	const char *header;
	const char *zone; /* besides bank_zone */
	enum dmarc_code dmarc;
	enum conf_action action;
	const char *rule;
	const char *enhanced; /* NULL: not refused */
};

static void
run_policy_cases(const struct policy_case *v, size_t n)
{
	for (; n > 0; n--, v++) {
		char zone[2000], message[2000], conf[500];
		struct run r = {
			.sender = v->sender, .message = message, .conf = conf
		};
		const struct policy_decision *d;

		snprintf(zone, sizeof(zone), "%s%s", bank_zone,
		    v->zone != NULL ? v->zone : "");
		snprintf(
		    message, sizeof(message), "%s\r\nHello.\r\n", v->header);
		snprintf(conf, sizeof(conf), "%s%s", default_conf,
		    v->conf != NULL ? v->conf : "");
		r.dns = pump_zone(zone);
		run_all(&r);
		d = &r.v->decision;
		if (r.v->dmarc.code != v->dmarc || d->action != v->action ||
		    !span_is(d->rule, v->rule))
			fail_msg("%s: dmarc=%s, %s by %.*s: %.*s", v->name,
			    dmarc_code_name(r.v->dmarc.code),
			    conf_action_name(d->action), SPAN_FMT(d->rule),
			    SPAN_FMT(d->reason));
		if (v->enhanced != NULL)
			assert_string_equal(d->enhanced, v->enhanced);
		else
			assert_null(d->enhanced);
		run_end(&r);
		r.dns->close(r.dns);
	}
}

/* What fails at the attacker's own domains is not aligned with the author. */
static void
rfc9989_5_3_6_failures_of_unaligned_domains_save_nobody(void **state)
{
	static const struct policy_case cases[] = {
		{ .name = "SPF of attack.example times out",
		    .sender = ATTACK,
		    .header = BANK,
		    .zone = ";!failed attack.example TXT timeout\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "SPF of attack.example uses up our questions",
		    .sender = ATTACK,
		    .header = BANK,
		    .zone = ";!failed attack.example TXT budget\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "DKIM keys of attack.example fail",
		    .sender = ATTACK,
		    .header = SIGNED_BY("attack.example")
			SIGNED_BY("x.attack.example") BANK,
		    .zone =
			";!failed s._domainkey.attack.example TXT servfail\n"
			";!failed s._domainkey.x.attack.example TXT resource\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "the walk of attack.example fails",
		    .sender = ATTACK,
		    .header = BANK,
		    .zone = "attack.example. TXT \"v=spf1 +all\"\n"
			    ";!failed _dmarc.attack.example TXT servfail\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "the domain's own DNS fails: on_temperror",
		    .sender = ATTACK,
		    .header = "From: a@lost.example\r\n",
		    .zone = ";!failed _dmarc.lost.example TXT servfail\n",
		    .dmarc = DMARC_TEMPERROR,
		    .action = CONF_ACCEPT,
		    .rule = "dmarc.on_temperror" },
	};

	(void)state;
	run_policy_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
a_lack_of_our_resources_is_deferred(void **state)
{
	static const struct policy_case cases[] = {
		{ .name = "the author's record, no question left",
		    .sender = ATTACK,
		    .header = "From: a@lost.example\r\n",
		    .zone = ";!failed _dmarc.lost.example TXT budget\n",
		    .dmarc = DMARC_TEMPERROR,
		    .action = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .enhanced = "4.7.0" },
		{ .name = "the author's record, table of questions full",
		    .sender = ATTACK,
		    .header = "From: a@lost.example\r\n",
		    .zone = ";!failed _dmarc.lost.example TXT resource\n",
		    .dmarc = DMARC_TEMPERROR,
		    .action = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .enhanced = "4.7.0" },
		{ .name = "one author of two, the other fails mildly",
		    .sender = ATTACK,
		    .header = "From: a@lost.example, b@mild.example\r\n",
		    .zone =
			";!failed _dmarc.lost.example TXT resource\n"
			"_dmarc.mild.example. TXT \"v=DMARC1; p=quarantine\"\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .enhanced = "4.7.0" },
		{ .name = "the key of an aligned signature",
		    .sender = ATTACK,
		    .header = SIGNED_BY("bank.example") BANK,
		    .zone = ";!failed s._domainkey.bank.example TXT resource\n",
		    .dmarc = DMARC_TEMPERROR,
		    .action = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .enhanced = "4.7.0" },
		{ .name = "SPF of a domain without a policy",
		    .sender = "<x@free.example>",
		    .header = "From: x@free.example\r\n",
		    .zone = ";!failed free.example TXT resource\n",
		    .dmarc = DMARC_NONE,
		    .action = CONF_TEMPFAIL,
		    .rule = "on_overload",
		    .enhanced = "4.7.0" },
		{ .name = "what is missing changes nothing after a pass",
		    .sender = "<x@good.example>",
		    .header = SIGNED_BY("x.example") "From: x@good.example\r\n",
		    .zone = "good.example. TXT \"v=spf1 +all\"\n"
			    "_dmarc.good.example. TXT \"v=DMARC1; p=reject\"\n"
			    ";!failed s._domainkey.x.example TXT resource\n",
		    .dmarc = DMARC_PASS,
		    .action = CONF_ACCEPT,
		    .rule = "dkim.on_temperror" },
		{ .name = "the operator accepts",
		    .conf = "on_overload = accept\n",
		    .sender = ATTACK,
		    .header = "From: a@lost.example\r\n",
		    .zone = ";!failed _dmarc.lost.example TXT resource\n",
		    .dmarc = DMARC_TEMPERROR,
		    .action = CONF_ACCEPT,
		    .rule = "on_overload" },
	};

	(void)state;
	run_policy_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
rfc9989_11_5_invalid_from_fields(void **state)
{
	static const struct policy_case cases[] = {
		{ .name = "several fields",
		    .sender = ATTACK,
		    .header = "From: a@attack.example\r\n" BANK,
		    .dmarc = DMARC_PERMERROR,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_invalid_from",
		    .enhanced = "5.7.1" },
		{ .name = "no field",
		    .sender = ATTACK,
		    .header = "Subject: x\r\n",
		    .dmarc = DMARC_PERMERROR,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_invalid_from",
		    .enhanced = "5.7.1" },
		{ .name = "a bounce that names nobody",
		    .sender = "<>",
		    .header = "From: Mail Delivery <MAILER-DAEMON>\r\n",
		    .conf = "dmarc { on_permerror = reject }\n",
		    .dmarc = DMARC_NONE,
		    .action = CONF_ACCEPT,
		    .rule = "default" },
		{ .name = "no bounce",
		    .sender = "<root>",
		    .header = "From: Mail Delivery <MAILER-DAEMON>\r\n",
		    .dmarc = DMARC_PERMERROR,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_invalid_from",
		    .enhanced = "5.7.1" },
		{ .name = "not enforced",
		    .conf = "sample = 0%\n",
		    .sender = ATTACK,
		    .header = "Subject: x\r\n",
		    .dmarc = DMARC_PERMERROR,
		    .action = CONF_ACCEPT,
		    .rule = "dmarc.on_invalid_from" },
	};

	(void)state;
	run_policy_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
rfc9989_7_4_list_marks_count_if_someone_vouches(void **state)
{
#define LISTS                                                                  \
	"lists.example. TXT \"v=spf1 +all\"\n"                                 \
	"bounces.list.org. TXT \"v=spf1 +all\"\n"

	static const struct policy_case cases[] = {
		{ .name = "MAIL FROM above the List-Id",
		    .sender = "<b@lists.example>",
		    .header = BANK "List-Id: <talk.eu.lists.example>\r\n",
		    .zone = LISTS,
		    .dmarc = DMARC_FAIL,
		    .action = CONF_ANNOTATE,
		    .rule = "dmarc.indirect_as_quarantine" },
		{ .name = "the list's address",
		    .sender = "<b@lists.example>",
		    .header = BANK "List-Post: <mailto:talk@lists.example>\r\n",
		    .zone = LISTS,
		    .dmarc = DMARC_FAIL,
		    .action = CONF_ANNOTATE,
		    .rule = "dmarc.indirect_as_quarantine" },
		{ .name = "siblings of one organization",
		    .sender = "<b@bounces.list.org>",
		    .header = BANK "List-Id: <talk.lists.list.org>\r\n",
		    .zone = LISTS "_dmarc.list.org. TXT \"v=DMARC1; p=none\"\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_ANNOTATE,
		    .rule = "dmarc.indirect_as_quarantine" },
		{ .name = "siblings below a public suffix",
		    .sender = "<b@bounces.list.org>",
		    .header = BANK "List-Id: <talk.lists.list.org>\r\n",
		    .zone = LISTS
		    "_dmarc.list.org. TXT \"v=DMARC1; p=none; psd=y\"\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "whether they are siblings is not known, for a lack "
			  "of ours",
		    .sender = "<b@bounces.list.org>",
		    .header = BANK "List-Id: <talk.lists.list.org>\r\n",
		    .zone = LISTS ";!failed _dmarc.list.org TXT resource\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_TEMPFAIL,
		    .rule = "dmarc.on_reject",
		    .enhanced = "4.7.26" },
		{ .name = "a List-Id of another",
		    .sender = "<b@lists.example>",
		    .header = BANK "List-Id: <talk.other.example>\r\n",
		    .zone = LISTS,
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "SPF of the List-Id's domain fails",
		    .sender = "<b@no.example>",
		    .header = BANK "List-Id: <talk.no.example>\r\n",
		    .zone = "no.example. TXT \"v=spf1 -all\"\n",
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
		{ .name = "Precedence and List-Unsubscribe",
		    .sender = "<b@lists.example>",
		    .header = BANK "Precedence: list\r\n"
				   "List-Unsubscribe: "
				   "<https://lists.example/u>\r\n",
		    .zone = LISTS,
		    .dmarc = DMARC_FAIL,
		    .action = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .enhanced = "5.7.26" },
	};

	(void)state;
	run_policy_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

/* RFC 6376 section 3.6.1: a domain that is testing is as one without a
 * signature. */
static void
rfc6376_3_6_1_dkim_rules_ignore_keys_that_are_tested(void **state)
{
#define KEY(name, text) "s._domainkey." name ". TXT \"v=DKIM1; " text "\"\n"

	static const struct policy_case cases[] = {
		{ .name = "a revoked key",
		    .conf = "dkim { on_permerror = reject }\n",
		    .sender = ATTACK,
		    .header = SIGNED_BY("a.example") "From: a@a.example\r\n",
		    .zone = KEY("a.example", "p="),
		    .dmarc = DMARC_NONE,
		    .action = CONF_REJECT,
		    .rule = "dkim.on_permerror",
		    .enhanced = "5.7.20" },
		{ .name = "one that is tested",
		    .conf = "dkim { on_permerror = reject }\n",
		    .sender = ATTACK,
		    .header = SIGNED_BY("a.example") "From: a@a.example\r\n",
		    .zone = KEY("a.example", "t=y; p="),
		    .dmarc = DMARC_NONE,
		    .action = CONF_ACCEPT,
		    .rule = "default" },
		{ .name = "both",
		    .conf = "dkim { on_permerror = reject }\n",
		    .sender = ATTACK,
		    .header = SIGNED_BY("a.example")
			SIGNED_BY("b.example") "From: a@a.example\r\n",
		    .zone = KEY("a.example", "t=y; p=") KEY("b.example", "p="),
		    .dmarc = DMARC_NONE,
		    .action = CONF_REJECT,
		    .rule = "dkim.on_permerror",
		    .enhanced = "5.7.20" },
	};

	(void)state;
	run_policy_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

/* RFC 9989 section 11.5: how many questions a From can cost. */
static void
many_deep_authors_cost_few_questions(void **state)
{
	static const struct {
		unsigned authors, most; /* questions */
	} vectors[] = { { 8, 66 }, { 9, 2 }, { 32, 2 } };

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		char message[4096];
		struct buf b = buf_wrap(message, sizeof(message));
		struct run r = { .sender = ATTACK, .message = message };

		buf_text(&b, "From: ");
		for (unsigned k = 0; k < vectors[i].authors; k++)
			buf_printf(&b, "%sx@a%u.b.c.d.e.f.g%u.t%u",
			    k > 0 ? ",\r\n " : "", k, k, k);
		buf_text(&b, "\r\n\r\nHello.\r\n");
		r.dns = pump_zone(bank_zone);
		run_all(&r);
		assert_int_not_equal(r.v->dmarc.code, DMARC_PASS);
		if (r.v->questions > vectors[i].most)
			fail_msg("%u authors: %u questions", vectors[i].authors,
			    r.v->questions);
		run_end(&r);
		r.dns->close(r.dns);
	}
}

/* The client goes away, whatever is still open. */
static void
ended_at_every_point(void **state)
{
	char *message = signed_message("example.com", base_header);
	struct dns_source *zone = zone_with_keys(only_example, "");
	struct dns_source *fake = fake_new(zone, 20);

	(void)state;
	for (int point = 0; point < 12; point++) {
		struct run r = { .message = message, .dns = fake };

		run_begin(&r);
		for (int i = 0; i < point % 4; i++)
			fake_advance(fake);
		if (point >= 4)
			run_message(&r);
		for (int i = 0; i < point - 4; i++)
			fake_advance(fake);
		run_end(&r);
	}
	fake_settle(fake);
	fake->close(fake);
	zone->close(zone);
	free(message);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_message),
		cmocka_unit_test(a_good_one_under_hundreds),
		cmocka_unit_test(a_forged_one_is_rejected),
		cmocka_unit_test(the_null_sender_is_helo),
		cmocka_unit_test(helo_does_not_help_mail_from),
		cmocka_unit_test(rfc7208_2_4_mail_from_without_at),
		cmocka_unit_test(own_users_are_not_judged),
		cmocka_unit_test(
		    rfc8601_5_mail_of_a_trusted_mta_is_left_as_it_is),
		cmocka_unit_test(
		    rfc8601_5_a_trusted_mta_is_known_by_address_and_port),
		cmocka_unit_test(forged_results_are_found),
		cmocka_unit_test(too_many_forged_results_are_refused),
		cmocka_unit_test(a_header_without_end),
		cmocka_unit_test(round_trips_are_the_longest_chain),
		cmocka_unit_test(silent_dns_ends_in_time),
		cmocka_unit_test(what_was_cut_off_stays_so_in_a_replay),
		cmocka_unit_test(a_signed_header_over_the_limit),
		cmocka_unit_test(
		    rfc9989_5_3_6_failures_of_unaligned_domains_save_nobody),
		cmocka_unit_test(a_lack_of_our_resources_is_deferred),
		cmocka_unit_test(rfc9989_11_5_invalid_from_fields),
		cmocka_unit_test(
		    rfc9989_7_4_list_marks_count_if_someone_vouches),
		cmocka_unit_test(
		    rfc6376_3_6_1_dkim_rules_ignore_keys_that_are_tested),
		cmocka_unit_test(many_deep_authors_cost_few_questions),
		cmocka_unit_test(ended_at_every_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
