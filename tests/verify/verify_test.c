/* verify_test.c - runs whole messages through verify/: the verdict, our header
 * field, and the number of round trips. */
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
#include "lib/enum_names.h"
#include "tests/support/core_driver.h"
#include "tests/support/sign.h"
#include "tests/support/verify_run.h"

enum { MESSAGE_MAX = 65536 };

static void
a_good_message(void **state)
{
	char *message = verify_run_signed("example.com", verify_run_header);
	struct verify_run r = {
		.message = message,
		.name = "mail.example.com",
		.dns = verify_run_keys(only_example, ""),
	};

	(void)state;
	verify_run_all(&r);
	assert_int_equal(r.v->decision.action, CONF_ACCEPT);
	assert_int_equal(r.v->dmarc.code, DMARC_PASS);
	assert_true(r.v->dmarc.spf_aligned && r.v->dmarc.dkim_aligned);
	assert_true(
	    span_starts_nocase(r.v->authentication_results, "mx.test;"));
	verify_run_results(r.v,
	    "iprev=pass (mail.example.com) "
	    "policy.iprev=192.0.2.10");
	verify_run_results(r.v, "smtp.mailfrom=example.com;");
	assert_false(verify_run_has(r.v, "alice"));
	verify_run_results(r.v, "smtp.helo=mail.example.com");
	verify_run_results(r.v, "dkim=pass (2048-bit");
	verify_run_results(r.v, "header.d=example.com");
	verify_run_results(r.v, "header.i=@example.com");
	verify_run_results(r.v, "header.s=sel");
	verify_run_results(r.v, "header.a=rsa-sha256");
	verify_run_results(r.v, "header.b=");
	verify_run_results(r.v, "dmarc=pass (p=reject dis=none)");
	verify_run_results(r.v, "header.from=example.com");
	verify_run_results(r.v, "policy.dmarc=reject");
	assert_int_equal(r.own.n, 0);
	verify_run_end(&r);
	r.dns->close(r.dns);
	free(message);
}

/* A good signature is shown even among hundreds of bad ones; the field stays
 * short. */
static void
a_good_signature_among_hundreds(void **state)
{
	char *good = verify_run_signed("example.com", verify_run_header);
	char *message = malloc(MESSAGE_MAX);
	struct buf text = buf_wrap(message, MESSAGE_MAX);
	struct verify_run r = {
		.dns = verify_run_keys(only_example, ""),
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
	verify_run_all(&r);
	assert_true(r.v->dmarc.dkim_aligned);
	verify_run_results(r.v, "dkim=pass");
	verify_run_results(r.v, "header.d=example.com");
	verify_run_results(r.v, ", 291 more signatures");
	/* no domain of a failed signature follows "dkim=pass" */
	assert_null(strstr(strstr(r.v->authentication_results.p, "dkim=pass"),
	    "list.example"));
	assert_true(r.v->authentication_results.n < 4000);
	verify_run_end(&r);
	r.dns->close(r.dns);
	free(message);
	free(good);
}

static void
a_forged_one_is_rejected(void **state)
{
	char message[MESSAGE_MAX];
	struct verify_run r = {
		.message = message,
		.ip = "198.51.100.7",
		.helo = "mail.evil.example",
		.sender = "<x@other.example>",
		.dns = pump_zone(verify_run_zone),
	};

	(void)state;
	snprintf(message, sizeof(message), "%s\r\n%s", verify_run_header,
	    verify_run_body);
	verify_run_all(&r);
	assert_int_equal(r.v->dmarc.code, DMARC_FAIL);
	assert_int_equal(r.v->decision.action, CONF_REJECT);
	assert_int_equal(r.v->decision.code, 550);
	assert_string_equal(r.v->decision.enhanced, "5.7.26");
	assert_true(span_is(r.v->decision.rule, "dmarc.on_reject"));
	verify_run_results(r.v, "spf=pass");
	verify_run_results(r.v, "dkim=none");
	verify_run_results(r.v, "dmarc=fail (p=reject dis=reject");
	verify_run_end(&r);

	r.conf = "mode = monitor\n";
	verify_run_all(&r);
	assert_int_equal(r.v->decision.action, CONF_ACCEPT);
	assert_int_equal(r.v->decision.would, CONF_REJECT);
	verify_run_results(r.v, "would reject, rule dmarc.on_reject");
	verify_run_end(&r);
	r.dns->close(r.dns);
}

/* An override that accepts must match every recipient. */
static void
an_override_by_recipient(void **state)
{
	static const struct {
		const char *recipient; /* besides bob@example.org */
		int n;                 /* as often, with "1." and so on */
		enum conf_action action;
	} vectors[] = {
		{ "example.org>", 1, CONF_ACCEPT },
		{ "example.org>", VERIFY_RECIPIENTS_MAX - 1, CONF_ACCEPT },
		{ "example.org>", VERIFY_RECIPIENTS_MAX, CONF_REJECT },
		{ "example.org>", 2 * VERIFY_RECIPIENTS_MAX, CONF_REJECT },
		{ "other.example>", 1, CONF_REJECT },
		{ NULL, 1, CONF_REJECT },
	};
	struct dns_source *dns = verify_run_keys(only_example, "");
	char message[300];

	(void)state;
	snprintf(message, sizeof(message), "%s\r\n%s", verify_run_header,
	    verify_run_body);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct verify_run r = { .dns = dns,
			.ip = "203.0.113.66",
			.message = message,
			.conf = "authserv_id = \"mx.test\"\n"
				"mode = enforce\n"
				"override o { action = accept "
				"recipient_domain = \"**.example.org\" }" };

		verify_run_begin(&r);
		for (int n = 1; n <= vectors[i].n; n++) {
			char text[80] = "<joe>";

			if (vectors[i].recipient != NULL)
				snprintf(text, sizeof(text), "<joe@%d.%s", n,
				    vectors[i].recipient);
			verify_rcpt(r.m, span_str(text));
		}
		verify_run_message(&r);
		r.v = verify_finish(r.m);
		assert_int_equal(r.v->decision.action, vectors[i].action);
		verify_run_end(&r);
	}
	dns->close(dns);
}

/* RFC 7208 section 2.4 */
static void
the_null_sender_is_helo(void **state)
{
	char message[MESSAGE_MAX];
	struct verify_run r = {
		.message = message,
		.sender = "<>",
		.dns = pump_zone(verify_run_zone),
	};

	(void)state;
	snprintf(message, sizeof(message), "%s\r\n%s", verify_run_header,
	    verify_run_body);
	verify_run_all(&r);
	assert_int_equal(r.v->spf_mail_from.code, SPF_PASS);
	assert_true(r.v->dmarc.spf_aligned);
	verify_run_results(r.v, "smtp.helo=mail.example.com");
	assert_false(verify_run_has(r.v, "smtp.mailfrom"));
	verify_run_end(&r);
	r.dns->close(r.dns);
}

static void
helo_does_not_help_mail_from(void **state)
{
	char message[MESSAGE_MAX];
	struct verify_run r = {
		.message = message,
		.sender = "<alice@quarantine.example>",
		.dns = pump_zone(verify_run_zone),
	};

	(void)state;
	snprintf(message, sizeof(message), "%s\r\n%s", verify_run_header,
	    verify_run_body);
	verify_run_all(&r);
	assert_int_equal(r.v->spf_helo.code, SPF_PASS);
	assert_int_equal(r.v->spf_mail_from.code, SPF_FAIL);
	assert_int_equal(r.v->dmarc.code, DMARC_FAIL);
	verify_run_results(r.v, "spf=fail (HELO pass, 192.0.2.10 matches");
	assert_false(verify_run_has(r.v, "spf=pass"));
	assert_false(verify_run_has(r.v, "smtp.helo"));
	verify_run_end(&r);
	r.dns->close(r.dns);
}

/* RFC 5321 section 4.1.2 requires an "@"; Postfix and Sendmail rewrite
 * addresses that have none. */
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
	snprintf(message, sizeof(message), "%s\r\n%s", verify_run_header,
	    verify_run_body);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct verify_run r = {
			.message = message,
			.sender = vectors[i].sender,
			.dns = pump_zone(verify_run_zone),
		};

		verify_run_all(&r);
		assert_int_equal(r.v->spf_mail_from.code, vectors[i].code);
		assert_true(
		    span_is(r.v->spf_mail_from.domain, vectors[i].domain));
		assert_true(
		    span_is(r.v->facts.mail_from_domain, vectors[i].domain));
		verify_run_end(&r);
		r.dns->close(r.dns);
	}
}

/* ---- own users ---- */

static const struct own_user {
	const char *what, *ip, *auth, *rule, *has;
} own_users[] = {
	{ .what = "logged in",
	    .ip = "198.51.100.7",
	    .auth = "alice",
	    .rule = "skip.authenticated",
	    .has = "auth=pass (local user," },
	{ .what = "loopback",
	    .ip = "127.0.0.1",
	    .rule = "skip.network",
	    .has = "mx.test; none" },
	{ .what = "loopback, IPv6",
	    .ip = "::1",
	    .rule = "skip.network",
	    .has = "mx.test; none" },
};

static void
own_users_are_not_checked(void **state)
{
	char message[MESSAGE_MAX];
	struct dns_source *zone = pump_zone(verify_run_zone);

	(void)state;
	snprintf(message, sizeof(message),
	    "Authentication-Results: mx.test; dmarc=pass\r\n%s\r\n%s",
	    verify_run_header, verify_run_body);
	for (size_t i = 0; i < sizeof(own_users) / sizeof(own_users[0]); i++) {
		const struct own_user *u = &own_users[i];
		struct verify_run r = {
			.message = message,
			.ip = u->ip,
			.auth = u->auth,
			.sender = "<x@quarantine.example>",
			.dns = zone,
		};

		verify_run_all(&r);
		assert_int_equal(r.v->decision.action, CONF_ACCEPT);
		if (!span_is(r.v->decision.rule, u->rule))
			fail_msg("%s: rule %.*s", u->what,
			    SPAN_FMT(r.v->decision.rule));
		verify_run_results(r.v, u->has);
		assert_false(verify_run_has(r.v, "dmarc="));
		if (u->auth != NULL) {
			verify_run_results(r.v, "not checked:");
			verify_run_results(r.v, "skip.authenticated, PLAIN)");
			assert_false(verify_run_has(r.v, "alice"));
		}
		assert_int_equal(r.own.n, 1);
		verify_run_end(&r);
	}
	zone->close(zone);
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
 * SPF for HELO, SPF for MAIL FROM with a chain of four includes, three
 * signatures, and a From with five labels: the longest chain of queries is that
 * of the five SPF records.
 */
static void
round_trips_are_the_longest_chain(void **state)
{
	(void)state;
	for (size_t t = 0; t < sizeof(trips) / sizeof(trips[0]); t++) {
		struct dns_source *zone =
		    verify_run_keys(trips[t].signers, four_includes);
		struct dns_source *fake = fake_new(zone, 20);
		char *header = strdup(trips[t].from);
		struct verify_run r = {
			.sender = "<x@i0.example>",
			.dns = fake,
			.fake = fake,
		};
		char message[MESSAGE_MAX] = "";

		for (size_t i = 0; trips[t].signers[i] != NULL; i++) {
			char *one = verify_run_signed(
			    trips[t].signers[i], trips[t].from);
			char *end = strstr(one, "\r\nFrom:");

			assert_non_null(end);
			snprintf(message + strlen(message),
			    sizeof(message) - strlen(message), "%.*s\r\n",
			    (int)(end - one), one);
			free(one);
		}
		snprintf(message + strlen(message),
		    sizeof(message) - strlen(message), "%s\r\n%s", header,
		    verify_run_body);
		r.message = message;
		verify_run_all(&r);
		assert_int_equal(r.v->n_dkim, 3);
		for (size_t i = 0; i < r.v->n_dkim; i++)
			assert_int_equal(r.v->dkim[i].code, DKIM_PASS);
		assert_int_equal(r.v->spf_mail_from.code, SPF_PASS);
		assert_int_equal(r.v->spf_helo.code, SPF_PASS);
		assert_int_equal(
		    r.v->dmarc.code, t == 0 ? DMARC_PASS : DMARC_FAIL);
		assert_int_equal(r.v->waves, 5);
		assert_int_equal(fake_round_trips(fake), 5);
		verify_run_end(&r);
		free(header);
		fake->close(fake);
		zone->close(zone);
	}
}

/* ---- failures ---- */

/* A source that does not answer until the test lets it.  Every question was
 * asked in time, so this is a failure of the domain's servers, not of this
 * host. */
static void
silent_dns_ends_in_time(void **state)
{
	char *message = verify_run_signed("example.com", verify_run_header);
	struct dns_source *zone = verify_run_keys(only_example, "");
	struct dns_source *fake = fake_new(zone, 20);
	struct verify_run r = {
		.message = message,
		.conf = "mode = enforce\ntimeout = 1s\n",
		.dns = fake,
	};
	int64_t began = clock_ms();

	(void)state;
	verify_run_all(&r);
	assert_true(clock_ms() - began >= 1000);
	assert_false(r.v->gave_up);
	assert_false(r.v->facts.overload);
	assert_int_equal(r.v->decision.action, CONF_ACCEPT);
	verify_run_results(r.v, "spf=temperror");
	verify_run_results(r.v, "dkim=temperror");
	verify_run_results(r.v, "dmarc=temperror");
	verify_run_end(&r);
	fake_settle(fake); /* late answers are ignored */
	fake->close(fake);
	zone->close(zone);
	free(message);
}

/* Questions that were recorded as expired report the same overload when they
 * are replayed.  Failures of other servers do not count as overload. */
static void
expired_questions_are_replayed_as_expired(void **state)
{
	static const struct {
		const char *zone;
		bool gave_up;
		enum spf_code spf;
	} vectors[] = {
		{ ";!failed _dmarc.example.com TXT budget\n", true, SPF_PASS },
		{ ";!failed _dmarc.example.com TXT timeout\n", false,
		    SPF_PASS },
		/* RFC 7208 section 5.5: after a DNS error, ptr does not match;
		 * if one of our limits is reached, the result is temperror */
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
		struct verify_run r = { .message =
					    "From: a@example.com\r\n\r\n" };

		snprintf(text, sizeof(text), "%s%s", vectors[i].zone,
		    i < 2 ? verify_run_zone : "");
		r.dns = pump_zone(text);
		verify_run_all(&r);
		assert_int_equal(r.v->gave_up, vectors[i].gave_up);
		assert_int_equal(r.v->facts.overload, vectors[i].gave_up);
		assert_int_equal(r.v->spf_mail_from.code, vectors[i].spf);
		verify_run_end(&r);
		r.dns->close(r.dns);
	}
}

/* The client may disconnect at any point. */
static void
ended_at_every_point(void **state)
{
	char *message = verify_run_signed("example.com", verify_run_header);
	struct dns_source *zone = verify_run_keys(only_example, "");
	struct dns_source *fake = fake_new(zone, 20);

	(void)state;
	for (int point = 0; point < 12; point++) {
		struct verify_run r = { .message = message, .dns = fake };

		verify_run_begin(&r);
		for (int i = 0; i < point % 4; i++)
			fake_advance(fake);
		if (point >= 4)
			verify_run_message(&r);
		for (int i = 0; i < point - 4; i++)
			fake_advance(fake);
		verify_run_end(&r);
	}
	fake_settle(fake);
	fake->close(fake);
	zone->close(zone);
	free(message);
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X60 X50 "xxxxxxxxxx"

struct rewritten {
	const char *from;
	enum dmarc_code code;       /* if the MTA does not change From */
	enum dmarc_code other_code; /* and if it does */
	const char *other_author;
};

static void
check_rewritten(const struct rewritten *v, bool rewrites)
{
	static const char zone[] =
	    "_dmarc.mx.test. TXT \"v=DMARC1; p=reject\"\n"
	    "alias.example.com. CNAME quarantine.example.\n"
	    "long.example.com. CNAME " X60 "." X60 ".example.com.\n";
	enum dmarc_code code = rewrites ? v->other_code : v->code;
	char message[1024];
	struct buf b = buf_wrap(message, sizeof(message));
	struct verify_run r = {
		.message = message,
		.dns = verify_run_keys(only_example, zone),
		.rewrites_from = rewrites,
	};

	buf_printf(&b, "From: %s\r\n\r\nx\r\n", v->from);
	verify_run_all(&r);
	if (r.v->dmarc.code != code)
		fail_msg("%s: %s, %.*s", v->from,
		    dmarc_code_name(r.v->dmarc.code),
		    SPAN_FMT(r.v->dmarc.reason));
	assert_int_equal(
	    r.v->facts.from_fault != NULL, code == DMARC_PERMERROR);
	if (rewrites && !span_is(r.v->dmarc.author_domain, v->other_author))
		fail_msg("%s: author %.*s", v->from,
		    SPAN_FMT(r.v->dmarc.author_domain));
	verify_run_end(&r);
	r.dns->close(r.dns);
}

/* Sendmail changes From after its milters have seen it. */
static void
authors_behind_sendmail(void **state)
{
	static const struct rewritten vectors[] = {
		{ "a@example.com", DMARC_PASS, DMARC_PASS, "example.com" },
		{ "a@alias.example.com", DMARC_PASS, DMARC_FAIL,
		    "quarantine.example" },
		{ "a@example.com.UUCP", DMARC_NONE, DMARC_PERMERROR, "" },
		{ "b, Joe <a@example.com>", DMARC_PASS, DMARC_FAIL, "mx.test" },
		{ "b (<a@example.com>", DMARC_PASS, DMARC_FAIL, "mx.test" },
		{ "a@example.com <a@example.com>", DMARC_PASS, DMARC_PASS,
		    "example.com" },
		{ "[B] Joe: <a@example.com>", DMARC_PASS, DMARC_PASS,
		    "example.com" },
		{ "a@example.com uk", DMARC_PASS, DMARC_PERMERROR, "" },
		{ "a@example.com.", DMARC_PASS, DMARC_PASS, "example.com" },
		{ "a@localhost", DMARC_NONE, DMARC_FAIL, "mx.test" },
		{ "a@www", DMARC_NONE, DMARC_FAIL, "mx.test" },
		{ "a@example.com, b@localhost", DMARC_PASS, DMARC_FAIL,
		    "mx.test" },
		{ "Sales @ Acme, Inc. <a@example.com>", DMARC_PASS, DMARC_PASS,
		    "example.com" },
		{ "\"" X60 X60 X60 X50 "\" <a@example.com>", DMARC_PASS,
		    DMARC_PASS, "example.com" },
		{ "\"" X60 X60 X60 X60 "\" <a@example.com>", DMARC_PASS,
		    DMARC_PERMERROR, "" },
		{ "\"" X50 X50 "\" <a@long.example.com>", DMARC_PASS,
		    DMARC_PASS, "long.example.com" },
		{ "\"" X60 X60 "\" <a@long.example.com>", DMARC_PASS,
		    DMARC_PERMERROR, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		check_rewritten(&vectors[i], false);
		check_rewritten(&vectors[i], true);
	}
}

/* A message whose author is not certain is rejected by default. */
static void
hidden_authors(void **state)
{
	static const struct {
		const char *sender, *header;
		bool accepted;
	} vectors[] = {
		{ "<>", "", true },
		{ "<>", "From: <MAILER-DAEMON>\r\n", true },
		/* Sendmail writes From from Full-Name */
		{ "<>", "Full-Name: a@example.net\r\n", false },
		/* some programs end a field at a bare CR */
		{ NULL, "From: a@example.com\r\nX: y\rFrom: b@c.example\r\n",
		    false },
		{ NULL,
		    "X: y\rauthentication-results : mx.test; dmarc=pass\r\n"
		    "From: a@example.com\r\n",
		    false },
		{ NULL,
		    "X: y\rTo: z\r From: b@c.example\r\n"
		    "From: a@example.com\r\n",
		    true },
		{ NULL,
		    "X: y\r\n From: b@c.example\r\n"
		    "From: a@example.com\r\n",
		    true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char message[1024];
		struct buf b = buf_wrap(message, sizeof(message));
		struct verify_run r = {
			.message = message,
			.sender = vectors[i].sender,
			.dns = verify_run_keys(only_example, ""),
		};
		bool accepted;

		buf_printf(&b, "%s\r\nx\r\n", vectors[i].header);
		verify_run_all(&r);
		accepted = r.v->decision.action == CONF_ACCEPT;
		assert_int_equal(accepted, r.v->facts.from_fault == NULL);
		if (accepted != vectors[i].accepted)
			fail_msg("%s: %.*s", vectors[i].header,
			    SPAN_FMT(r.v->decision.reason));
		verify_run_end(&r);
		r.dns->close(r.dns);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_message),
		cmocka_unit_test(a_good_signature_among_hundreds),
		cmocka_unit_test(a_forged_one_is_rejected),
		cmocka_unit_test(an_override_by_recipient),
		cmocka_unit_test(the_null_sender_is_helo),
		cmocka_unit_test(helo_does_not_help_mail_from),
		cmocka_unit_test(rfc7208_2_4_mail_from_without_at),
		cmocka_unit_test(own_users_are_not_checked),
		cmocka_unit_test(authors_behind_sendmail),
		cmocka_unit_test(hidden_authors),
		cmocka_unit_test(round_trips_are_the_longest_chain),
		cmocka_unit_test(silent_dns_ends_in_time),
		cmocka_unit_test(expired_questions_are_replayed_as_expired),
		cmocka_unit_test(ended_at_every_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
