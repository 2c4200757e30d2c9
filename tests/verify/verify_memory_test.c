/*
 * verify_memory_test.c - makes each memory allocation, ours or OpenSSL's, fail
 * in turn while a message is verified: a good message is never rejected, and a
 * forged one is never accepted.
 */
#include "verify/verify.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "dkim/crypto.h"
#include "tests/support/core_driver.h"
#include "tests/support/memory.h"
#include "tests/support/sign.h"

enum { NOW = 1750000000, REQUESTS_MAX = 20000 };

/* SPF never passes here, so that a good message needs its signature to pass. */
static const char zone_text[] =
    "bank.example. TXT \"v=spf1 -all\"\n"
    "_dmarc.bank.example. TXT \"v=DMARC1; p=reject\"\n";

static const char header[] = "From: Alice <alice@bank.example>\r\n"
			     "To: bob@example.org\r\n"
			     "Subject: test\r\n"
			     "Date: Sun, 15 Jun 2025 15:06:40 +0000\r\n";
static const char body[] = "Hello,\r\n\r\nthis is a test.\r\n";

struct memory_case {
	const char *name;
	bool ed25519;
	bool forged;  /* the body was modified */
	bool is_bare; /* the message has no signature */
	/* makes only the nth request fail, or the nth and all after it */
	void (*fail_at)(unsigned long nth);
};

/* ---- checking one message ---- */

struct memory_run {
	const struct memory_case *c;
	const struct conf *conf;
	char *message;
	char *zone;
};

static void
feed(struct verify_message *m, const struct memory_run *r)
{
	struct scan s = mail_header_open(span_str(r->message));
	struct span name, value;

	verify_rcpt(m, SPAN("<bob@example.org>"));
	while (mail_header_next(&s, &name, &value))
		verify_header(m, name, value);
	verify_headers_end(m);
	verify_body(m, scan_rest(&s));
	if (r->c->forged)
		verify_body(m, SPAN("Pay at once.\r\n"));
}

static enum conf_action
judge(const struct memory_run *r, struct dns_source *dns, char *text, size_t n)
{
	struct verify_client client = {
		.authserv_id = SPAN("mx.test"),
		.receiver = SPAN("mx.test"),
		.now = NOW,
	};
	struct own_fields own;
	struct verify_envelope envelope = {
		.sender = SPAN("<alice@bank.example>"),
		.now = NOW,
		.own = &own,
	};
	enum conf_action action = policy_unchecked(r->conf);
	struct verify_connection *connection;
	struct verify_message *m = NULL;

	assert_true(ip_parse(SPAN("203.0.113.66"), &client.ip));
	own_fields_begin(&own, client.authserv_id);
	connection = verify_connect(r->conf, dns, &client);
	if (connection != NULL) {
		verify_helo(connection, SPAN("host.example"));
		m = verify_mail(connection, &envelope);
	}
	snprintf(text, n, "not checked");
	if (m != NULL) {
		const struct verdict *v;

		feed(m, r);
		v = verify_finish(m);
		action = v->decision.action;
		snprintf(text, n, "%.*s: %.*s", SPAN_FMT(v->decision.rule),
		    SPAN_FMT(v->authentication_results));
	}
	verify_end(m);
	if (connection != NULL)
		verify_disconnect(connection);
	return action;
}

struct memory_try {
	const struct memory_run *r;
	unsigned long nth;
	struct dns_source *dns;
	enum conf_action action;
	char text[2000];
};

/*
 * With OpenSSL 3.6 and later, "all fail" begins after the requests for a
 * thread's error state and the table that contains it.  If there is no memory
 * for the table, CRYPTO_malloc() reports that, the report needs the table, and
 * so on until the stack overflows (CRYPTO_THREAD_set_local_ex(), seen with
 * 3.6.5).
 */
static void
skip_openssl_table(const struct memory_case *c)
{
	if (c->fail_at == memory_fail_at && OpenSSL_version_num() >= 0x30600000)
		ERR_clear_error();
}

static void *
try_at(void *arg)
{
	struct memory_try *t = arg;

	skip_openssl_table(t->r->c);
	t->r->c->fail_at(t->nth);
	t->action = judge(t->r, t->dns, t->text, sizeof(t->text));
	t->r->c->fail_at(0);
	return NULL;
}

/* Uses a new zone each time, whose answers do not contain a parsed key yet, and
 * a new thread, for which OpenSSL has allocated nothing yet. */
static void
check_at(const struct memory_run *r, unsigned long nth)
{
	struct memory_try t = { .r = r, .nth = nth, .dns = pump_zone(r->zone) };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, try_at, &t), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	t.dns->close(t.dns);
	if (r->c->forged ? t.action == CONF_ACCEPT : t.action == CONF_REJECT)
		fail_msg("request %lu: %s", nth, t.text);
}

static char *
bare_message(void)
{
	char *text = NULL;

	assert_true(asprintf(&text, "%s\r\n%s", header, body) > 0);
	return text;
}

static void
check_each(const struct memory_case *c)
{
	struct test_key *key = c->ed25519 ? sign_ed25519(0) : sign_rsa(2048, 0);
	char *record = sign_record(key);
	char *line = sign_zone_line("sel._domainkey.bank.example", record);
	char tags[200], zone[4000];
	struct memory_run r = { .c = c, .zone = zone };
	unsigned long nth = 0;

	print_message("%s\n", c->name);
	snprintf(tags, sizeof(tags),
	    "v=1; a=%s; c=relaxed/relaxed; d=bank.example; s=sel; "
	    "h=from:to:subject:date",
	    c->ed25519 ? "ed25519-sha256" : "rsa-sha256");
	snprintf(zone, sizeof(zone), "%s%s", zone_text, line);
	r.message =
	    c->is_bare ? bare_message() : sign_message(key, tags, header, body);
	r.conf = conf_read_text(SPAN("authserv_id = \"mx.test\"\n"
				     "mode = enforce\n"),
	    "test.conf", stderr);
	assert_non_null(r.conf);
	do {
		assert_true(nth < REQUESTS_MAX);
		check_at(&r, ++nth);
	} while (memory_has_failed());
	print_message("%lu requests\n", nth - 1);
	conf_unref(r.conf);
	free(r.message);
	free(line);
	free(record);
}

static void
nothing_good_is_rejected_nothing_forged_accepted(void **state)
{
	static const struct memory_case cases[] = {
		{ "good, RSA, one fails", .fail_at = memory_fail_once_at },
		{ "good, RSA, all fail", .fail_at = memory_fail_at },
		{ "good, Ed25519, one fails", .ed25519 = true,
		    .fail_at = memory_fail_once_at },
		{ "good, Ed25519, all fail", .ed25519 = true,
		    .fail_at = memory_fail_at },
		{ "forged, RSA, one fails", .forged = true,
		    .fail_at = memory_fail_once_at },
		{ "forged, RSA, all fail", .forged = true,
		    .fail_at = memory_fail_at },
		{ "forged, unsigned, one fails", .forged = true,
		    .is_bare = true, .fail_at = memory_fail_once_at },
		{ "forged, unsigned, all fail", .forged = true, .is_bare = true,
		    .fail_at = memory_fail_at },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_each(&cases[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    nothing_good_is_rejected_nothing_forged_accepted),
	};

	/* from here on, OpenSSL uses our allocator */
	assert_true(crypto_start());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
