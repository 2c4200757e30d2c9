/*
 * verify_authres_field_test.c - the Authentication-Results field of whole
 * messages whose senders try to inject results: whatever they send and publish,
 * the field states the verdict.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "mail/authres.h"
#include "tests/support/conf_text.h"
#include "tests/support/plainfield.h"
#include "tests/support/core_driver.h"
#include "verify/verify.h"

enum {
	NOW = 1750000000,
	ROUNDS = 3000,
	MEMORY = 1 << 20,
	TEXT_MAX = 512,
	ZONE_MAX = 16384,
	RESULTS_SHOWN_MAX = 10, /* DKIM results */
};

static const char conf_text[] =
    "authserv_id = \"mx.test\"\nmode = monitor\nskip_networks = {}\n"
    "spf { on_fail = reject on_softfail = annotate }\n"
    "override \"by; \\\"dmarc=pass\\\"\" { from_domain = {\"s.example\"} "
    "reason = \"x; (spf=pass)\" action = annotate }\n";

/* ---- a hostile sender ---- */

struct sender {
	struct arena *a;
	uint64_t seed;
};

static size_t
pick(struct sender *s, size_t n)
{
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 7;
	s->seed ^= s->seed << 17;
	return (size_t)(s->seed % n);
}

static const char *
pick_text(struct sender *s, const char *const *texts, size_t n)
{
	return texts[pick(s, n)];
}

/* Returns a mix of results and of bytes that some reader may take for the start
 * or end of a result. */
static struct span
hostile_text(struct sender *s)
{
	static const char *const pieces[] = { "; spf=pass ", ";dmarc=pass",
		"dkim=pass", "arc=pass", "; spf=", ";", "=", "\"", "\\\"", "\\",
		"(", ")", "(x", " ", "\t", "\r\n ", "\r\nX: y", "a",
		"b.example", "@", ".", "..", "-", "_", "/", "%", "%{i}", ":",
		",", "<", ">", "[", "]", "smtp.mailfrom=bank.example",
		" header.from=bank.example", "header.d=bank.example", "none",
		"mx.test;", "\303\274", "\377", "\001", "\177",
		"=?utf-8?q?a?=", "p=reject", " dis=none", "reason=", "'", "0" };
	struct buf b = buf_alloc(s->a, TEXT_MAX);

	for (size_t n = pick(s, 7); n > 0; n--)
		buf_text(&b, pick_text(s, pieces, ARRAY_SIZE(pieces)));
	return buf_view(&b);
}

/* Returns `good`, hostile text, or `good` with hostile text after it or on both
 * sides. */
static struct span
mixed_text(struct sender *s, const char *good)
{
	struct buf b = buf_alloc(s->a, 2 * TEXT_MAX);
	size_t how = pick(s, 4);

	if (how == 1)
		buf_span(&b, hostile_text(s));
	if (how != 0)
		buf_text(&b, good);
	if (how != 3)
		buf_span(&b, hostile_text(s));
	return buf_view(&b);
}

/* Writes `text` as dkim-quoted-printable (RFC 6376 section 2.11). */
static void
put_quoted_printable(struct buf *b, struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		buf_printf(b, "=%02X", (unsigned char)text.p[i]);
}

static struct span
signature_value(struct sender *s)
{
	struct buf b = buf_alloc(s->a, 8 * TEXT_MAX);

	buf_text(&b, " v=1; a=");
	buf_span(&b, mixed_text(s, "rsa-sha256"));
	buf_text(&b, "; d=");
	buf_span(&b, mixed_text(s, "s.example"));
	buf_text(&b, "; s=");
	buf_span(&b, mixed_text(s, "sel"));
	buf_text(&b, "; h=from; bh=");
	buf_span(&b, mixed_text(s, "AAAA"));
	buf_text(&b, "; b=");
	buf_span(&b, mixed_text(s, "AAAA"));
	buf_text(&b, "; i=");
	put_quoted_printable(&b, hostile_text(s));
	buf_text(&b, "@s.example");
	return buf_view(&b);
}

/* Writes a TXT record with escaped bytes, in strings of at most 200 bytes. */
static void
put_field_record(struct buf *zone, const char *name, struct span text)
{
	buf_text(zone, name);
	buf_text(zone, ". 300 IN TXT");
	for (size_t i = 0; i < text.n; i++)
		buf_printf(zone, "%s\\%03u",
		    i % 200 == 0 ? (i > 0 ? "\" \"" : " \"") : "",
		    (unsigned char)text.p[i]);
	buf_text(zone, "\"\n");
}

static struct span
spf_record(struct sender *s)
{
	static const char *const terms[] = { "exists:", "include:", "a:", "mx:",
		"ptr:", "redirect=", "foo:", "ip4:", "ip6:", "x=", "?all ",
		"ip4:192.0.2.10 ", "-", "+" };
	struct buf b = buf_alloc(s->a, 4 * TEXT_MAX);

	buf_text(&b, "v=spf1 ");
	for (size_t n = pick(s, 3); n > 0; n--) {
		buf_text(&b, pick_text(s, terms, ARRAY_SIZE(terms)));
		buf_span(&b, hostile_text(s));
		buf_byte(&b, ' ');
	}
	buf_text(&b, pick(s, 2) > 0 ? "ip4:192.0.2.0/24 -all" : "~all");
	return buf_view(&b);
}

static struct dns_source *
hostile_zone(struct sender *s)
{
	struct buf b = buf_alloc(s->a, ZONE_MAX);
	struct buf dmarc = buf_alloc(s->a, 4 * TEXT_MAX);

	put_field_record(&b, "s.example", spf_record(s));
	put_field_record(&b, "h.example", spf_record(s));
	buf_text(&dmarc, "v=DMARC1; p=");
	buf_span(&dmarc, mixed_text(s, "reject"));
	buf_text(&dmarc, pick(s, 2) > 0 ? "; t=y; rua=mailto:a@b.example" : "");
	put_field_record(&b, "_dmarc.s.example", buf_view(&dmarc));
	assert_false(b.full);
	return pump_zone(b.p);
}

/* ---- a message from a hostile sender ---- */

struct verify_authres_field_run {
	struct dns_source *dns;
	struct own_fields own;
	struct verify_connection *connection;
	struct verify_message *m;
	const struct verdict *v;
};

static void
begin_message(struct verify_authres_field_run *r, struct sender *s,
    const struct conf *conf)
{
	struct buf sender = buf_alloc(s->a, 2 * TEXT_MAX);
	struct verify_client client = {
		.name = mixed_text(s, "mail.s.example"),
		.ptr = mixed_text(s, "unknown"),
		.authserv_id = SPAN("mx.test"),
		.receiver = SPAN("mx.test"),
		.now = NOW,
	};
	struct verify_envelope envelope = { .now = NOW, .own = &r->own };

	assert_true(ip_parse(SPAN("192.0.2.10"), &client.ip));
	buf_byte(&sender, '<');
	if (pick(s, 4) > 0) {
		buf_span(&sender, hostile_text(s));
		buf_byte(&sender, '@');
		buf_span(&sender,
		    pick(s, 4) > 0 ? SPAN("s.example") : hostile_text(s));
	}
	buf_byte(&sender, '>');
	envelope.sender = buf_view(&sender);
	if (pick(s, 8) == 0) {
		envelope.auth_type = hostile_text(s);
		envelope.auth_authen = hostile_text(s);
	}
	r->connection = verify_connect(conf, r->dns, &client);
	assert_non_null(r->connection);
	verify_helo(r->connection,
	    pick(s, 2) > 0 ? SPAN("h.example") : hostile_text(s));
	own_fields_begin(&r->own, client.authserv_id);
	r->m = verify_mail(r->connection, &envelope);
	assert_non_null(r->m);
}

static void
run_message(struct verify_authres_field_run *r, struct sender *s,
    const struct conf *conf)
{
	begin_message(r, s, conf);
	for (size_t n = pick(s, 6) == 0 ? 14 : pick(s, 3); n > 0; n--)
		verify_header(r->m, SPAN("DKIM-Signature"), signature_value(s));
	if (pick(s, 4) == 0) {
		verify_header(r->m, SPAN("ARC-Seal"),
		    mixed_text(s, " i=1; a=rsa-sha256; cv=none; b=AAAA; d="));
		verify_header(r->m, SPAN("ARC-Message-Signature"),
		    mixed_text(s, " i=1; a=rsa-sha256; h=from; b=AAAA; d="));
		verify_header(r->m, SPAN("ARC-Authentication-Results"),
		    mixed_text(s, " i=1; x; dmarc=pass"));
	}
	verify_header(r->m, SPAN("From"),
	    pick(s, 3) > 0 ? SPAN(" a@s.example")
			   : mixed_text(s, " a@b.example"));
	verify_header(r->m, SPAN("List-Id"), mixed_text(s, " <l.s.example>"));
	verify_header(r->m, SPAN("List-Post"), hostile_text(s));
	verify_headers_end(r->m);
	verify_body(r->m, SPAN("Hello.\r\n"));
	r->v = verify_finish(r->m);
}

static void
run_end(struct verify_authres_field_run *r)
{
	verify_end(r->m);
	verify_disconnect(r->connection);
	r->dns->close(r->dns);
}

/* ---- the contents of the field ---- */

/* Reads the field by the grammar, and also like a program that splits it at
 * each ";". */
struct reading {
	struct scan grammar, simple;
	struct arena *a;
	struct authres_result result;
};

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static bool
is_not_blank(unsigned char c)
{
	return !is_blank(c) && c != ';';
}

/* Checks that both readers find this result next. */
static void
expect_verify_authres_field(
    struct reading *r, const char *method, const char *result)
{
	struct span word;

	assert_int_equal(
	    authres_next(&r->grammar, r->a, &r->result), AUTHRES_ONE);
	if (!span_is(r->result.method, method) ||
	    !span_is(r->result.result, result))
		fail_msg("%.*s=%.*s, want %s=%s", SPAN_FMT(r->result.method),
		    SPAN_FMT(r->result.result), method, result);
	scan_until(&r->simple, ';');
	assert_true(scan_byte(&r->simple, ';'));
	scan_while(&r->simple, is_blank);
	word = scan_while(&r->simple, is_not_blank);
	assert_true(span_starts_nocase(word, method));
	assert_true(span_ends_nocase(word, result));
	assert_int_equal(word.n, strlen(method) + 1 + strlen(result));
}

/* Checks that the property is `value`, or missing. */
static void
may_have(struct reading *r, const char *ptype, const char *property,
    struct span value)
{
	struct span got = authres_property(&r->result, r->a, ptype, property);

	if (got.p != NULL && !span_equal(got, value))
		fail_msg("%s.%s: got %.*s, want %.*s", ptype, property,
		    SPAN_FMT(got), SPAN_FMT(value));
}

static void
expect_spf(struct reading *r, const struct verdict *v)
{
	const char *code = spf_code_name(v->spf_mail_from.code);

	if (v->mail_from.n > 0 && v->spf_helo.code != SPF_NONE &&
	    v->spf_helo.code == v->spf_mail_from.code) {
		expect_verify_authres_field(r, "spf", code);
		may_have(r, "smtp", "helo", v->spf_helo.domain);
		may_have(r, "smtp", "mailfrom", SPAN(""));
	}
	expect_verify_authres_field(r, "spf", code);
	may_have(r, "smtp", "helo",
	    v->mail_from.n > 0 ? SPAN("") : v->spf_mail_from.domain);
	may_have(r, "smtp", "mailfrom", v->facts.mail_from_domain);
}

static void
expect_dkim(struct reading *r, const struct verdict *v)
{
	if (v->n_dkim == 0) {
		expect_verify_authres_field(
		    r, "dkim", v->faulty ? "temperror" : "none");
		return;
	}
	/* no signature passes here, so the first RESULTS_SHOWN_MAX are shown,
	 * in order */
	for (size_t i = 0; i < v->n_dkim && i < RESULTS_SHOWN_MAX; i++) {
		struct span identity;

		expect_verify_authres_field(
		    r, "dkim", dkim_code_name(v->dkim[i].code));
		may_have(r, "header", "d", v->dkim[i].domain);
		may_have(r, "header", "s", v->dkim[i].selector);
		identity = authres_property(&r->result, r->a, "header", "i");
		if (identity.p != NULL)
			assert_int_equal(identity.p[0], '@');
	}
}

static bool
is_name(struct span s)
{
	return domain_is_hostname(s) && !span_is_nocase(s, "unknown");
}

static const char *
iprev_of(const struct verdict *v)
{
	if (is_name(v->client_name))
		return "pass";
	if (is_name(v->client_ptr))
		return "fail";
	return v->skip == NULL && !v->facts.authenticated ? "permerror" : NULL;
}

static void
check_field(struct sender *s, const struct verdict *v)
{
	struct span value = v->authentication_results;
	struct reading r = {
		.grammar = scan_of(value),
		.simple = scan_of(value),
		.a = s->a,
	};
	struct span id;

	assert_true(plainfield_check(value) <= AUTHRES_RESULTS_MAX);
	assert_true(authres_open(&r.grammar, r.a, &id));
	assert_true(span_is(id, "mx.test"));
	if (v->facts.authenticated) {
		expect_verify_authres_field(&r, "auth", "pass");
		may_have(&r, "smtp", "auth", SPAN(""));
	}
	if (v->client_name.n > 0 && iprev_of(v) != NULL)
		expect_verify_authres_field(&r, "iprev", iprev_of(v));
	if (v->skip == NULL) {
		expect_spf(&r, v);
		expect_dkim(&r, v);
		if (v->arc.code != ARC_NONE)
			expect_verify_authres_field(&r, "arc",
			    v->arc.code == ARC_PASS ? "pass" : "fail");
		expect_verify_authres_field(
		    &r, "dmarc", dmarc_code_name(v->dmarc.code));
		may_have(&r, "header", "from", v->dmarc.author_domain);
	}
	assert_int_equal(authres_next(&r.grammar, r.a, &r.result), AUTHRES_END);
	scan_until(&r.simple, ';');
	assert_true(scan_done(&r.simple));
}

static void
no_sender_can_write_into_the_field(void **state)
{
	const struct conf *conf = conf_text_good(conf_text);
	size_t codes[2][DMARC_PERMERROR + 1] = { { 0 } };
	struct sender s = {
		.a = arena_new(MEMORY),
		.seed = 0x9e3779b97f4a7c15U,
	};

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct verify_authres_field_run r = { .dns = hostile_zone(&s) };

		run_message(&r, &s, conf);
		check_field(&s, r.v);
		for (size_t n = 0; n < r.v->annotation.n; n++)
			assert_true(
			    buf_is_safe((unsigned char)r.v->annotation.p[n]));
		codes[r.v->spf_mail_from.code == SPF_PASS][r.v->dmarc.code]++;
		run_end(&r);
		arena_rewind(s.a);
	}
	/* "fail", "pass" and "none" all occurred */
	assert_true(codes[0][DMARC_FAIL] > 100 && codes[1][DMARC_PASS] > 50);
	assert_true(codes[0][DMARC_NONE] + codes[1][DMARC_NONE] > 100);
	arena_free(s.a);
	conf_unref(conf);
}

/* ---- individual rules ---- */

/* Checks one message from a@s.example with HELO h.example, sent by 192.0.2.10:
 * its unfolded field must be `results`. */
static void
field_is(
    const char *conf, const char *zone, const char *login, const char *results)
{
	const struct conf *c = conf_text_good(conf);
	struct verify_authres_field_run r = { .dns = pump_zone(zone) };
	char memory[4 * TEXT_MAX];
	struct buf unfolded = buf_wrap(memory, sizeof(memory));
	struct verify_client client = {
		.authserv_id = SPAN("mx.test"),
		.now = NOW,
	};
	struct verify_envelope envelope = {
		.sender = SPAN("<a@s.example>"),
		.auth_type = span_str(login != NULL ? "PLAIN" : NULL),
		.auth_authen = span_str(login),
		.own = &r.own,
		.now = NOW,
	};

	assert_true(ip_parse(SPAN("192.0.2.10"), &client.ip));
	r.connection = verify_connect(c, r.dns, &client);
	verify_helo(r.connection, SPAN("h.example"));
	own_fields_begin(&r.own, client.authserv_id);
	r.m = verify_mail(r.connection, &envelope);
	assert_non_null(r.m);
	verify_header(r.m, SPAN("From"), SPAN(" a@s.example"));
	r.v = verify_finish(r.m);
	plainfield_check(r.v->authentication_results);
	for (size_t i = 0; i < r.v->authentication_results.n; i++)
		if (r.v->authentication_results.p[i] != '\n')
			buf_byte(&unfolded,
			    r.v->authentication_results.p[i] == '\t'
				? ' '
				: r.v->authentication_results.p[i]);
	assert_string_equal(unfolded.p, results);
	run_end(&r);
	conf_unref(c);
}

#define ACCEPT_ALL                                                             \
	"authserv_id = \"mx.test\"\nmode = enforce\n"                          \
	"dmarc { on_reject = accept on_quarantine = accept }\n"                \
	"spf { on_fail = accept }\n"

/* If two results differ, a reader may use either. */
static void
rfc8601_2_7_2_helo_is_a_result_if_it_is_the_same(void **state)
{
	(void)state;
	field_is(ACCEPT_ALL,
	    "s.example. TXT \"v=spf1 ip4:192.0.2.10 -all\"\n"
	    "h.example. TXT \"v=spf1 a -all\"\n"
	    "h.example. A 192.0.2.10\n",
	    NULL,
	    "mx.test; spf=pass (192.0.2.10 matches a of h.example)"
	    " smtp.helo=h.example;"
	    " spf=pass (192.0.2.10 matches ip4:192.0.2.10 of s.example)"
	    " smtp.mailfrom=s.example; dkim=none;"
	    " dmarc=none reason=\"no DMARC record for s.example\""
	    " header.from=s.example");
	field_is(ACCEPT_ALL,
	    "s.example. TXT \"v=spf1 -all\"\n"
	    "h.example. TXT \"v=spf1 a -all\"\n"
	    "h.example. A 192.0.2.10\n",
	    NULL,
	    "mx.test; spf=fail (HELO pass, 192.0.2.10 matches -all of "
	    "s.example)"
	    " smtp.mailfrom=s.example; dkim=none;"
	    " dmarc=none reason=\"no DMARC record for s.example\""
	    " header.from=s.example");
	field_is(ACCEPT_ALL, "s.example. TXT \"v=spf1 -all\"\n", NULL,
	    "mx.test; spf=fail (192.0.2.10 matches -all of s.example)"
	    " smtp.mailfrom=s.example; dkim=none;"
	    " dmarc=none reason=\"no DMARC record for s.example\""
	    " header.from=s.example");
}

static void
rfc9989_9_1_policy_is_after_all_options(void **state)
{
	static const char *const vectors[][2] = {
		{ "p=reject", "reject" },
		{ "p=reject; t=y", "quarantine" },
		{ "p=quarantine; t=y", "none" },
		{ "p=none; t=y", "none" },
		{ "p=reject; pct=0", "reject" },
	};
	char zone[256], want[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const char *record = vectors[i][0];

		snprintf(zone, sizeof(zone),
		    "s.example. TXT \"v=spf1 ip4:192.0.2.10 -all\"\n"
		    "_dmarc.s.example. TXT \"v=DMARC1; %s\"\n",
		    record);
		snprintf(want, sizeof(want),
		    "mx.test; spf=pass (192.0.2.10 matches ip4:192.0.2.10 "
		    "of "
		    "s.example) smtp.mailfrom=s.example; dkim=none;"
		    " dmarc=pass (%.*s dis=none) header.from=s.example"
		    " policy.dmarc=%s",
		    (int)strcspn(record, ";"), record, vectors[i][1]);
		field_is(ACCEPT_ALL, zone, NULL, want);
	}
}

static void
rfc8601_2_7_4_login_is_named_if_the_option_asks(void **state)
{
	static const char *const vectors[][2] = {
		{ "alice", " smtp.auth=alice" },
		{ "alice@s.example", " smtp.auth=alice@s.example" },
		{ "cn=alice,dc=s", "" },
		{ "a; dmarc=pass", "" },
		{ "\303\274", "" },
	};
	char want[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		field_is(ACCEPT_ALL, "", vectors[i][0],
		    "mx.test; auth=pass (local user, not checked: "
		    "skip.authenticated, PLAIN)");
		snprintf(want, sizeof(want),
		    "mx.test; auth=pass (local user, not checked: "
		    "skip.authenticated, PLAIN)%s",
		    vectors[i][1]);
		field_is(
		    ACCEPT_ALL "auth_login = true\n", "", vectors[i][0], want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    rfc8601_2_7_2_helo_is_a_result_if_it_is_the_same),
		cmocka_unit_test(rfc9989_9_1_policy_is_after_all_options),
		cmocka_unit_test(
		    rfc8601_2_7_4_login_is_named_if_the_option_asks),
		cmocka_unit_test(no_sender_can_write_into_the_field),
	};

	return cmocka_run_group_tests_name("verify_results", tests, NULL, NULL);
}
