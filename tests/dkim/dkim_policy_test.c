/* dkim_policy_test.c - keys, their sizes, options, and limits of verification
 * (RFC 6376 section 6.1.2, RFC 8301, RFC 6008) */
#include "dkim/dkim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base64.h"
#include "lib/buf.h"
#include "lib/enum_names.h"
#include "tests/support/dkim_run.h"
#include "tests/support/core_driver.h"
#include "tests/support/sign.h"

#define HEADER                                                                 \
	"From: Ann <ann@example.com>\r\n"                                      \
	"To: bob@example.net\r\n"                                              \
	"Subject: a subject\r\n\tthat is folded\r\n"
#define BODY "Hi.\r\n\r\nWe lost  the game. \r\n\r\n\r\n"
#define V1 "v=1; a=rsa-sha256; d=example.com; s=sel; "
#define TAGS V1 "c=relaxed/relaxed; h=from:to:subject"

#define PASS "pass:1024-bit RSA key"
#define NOT_HEADER "fail:signature did not verify"

/* ---- keys ---- */

struct dkim_policy_key_vector {
	const char *name;
	const char *record; /* "%s" is the p= of the key; NULL: no record */
	const char *tags;
	const char *want;
};

#define SUBDOMAIN TAGS "; i=ann@mail.example.com"
#define NO_KEY "permerror:no key for the signature"

static const struct dkim_policy_key_vector keys[] = {
	{ "3.6.1 p= alone", "p=%s", TAGS, PASS },
	{ "3.6.1 t=y", "t=y; p=%s", TAGS,
	    "pass:1024-bit RSA key, domain is testing DKIM" },
	{ "3.6.1 i= below d=", "p=%s", SUBDOMAIN, PASS },
	{ "3.6.1 t=s, i= below d=", "t=s; p=%s", SUBDOMAIN,
	    "permerror:key has t=s: the domain of i= must equal d=" },
	{ "3.6.1 t=s, i= of d=", "t=y:s; p=%s", TAGS "; i=@Example.COM",
	    "pass:1024-bit RSA key, domain is testing DKIM" },
	{ "6.1.2 step 3", NULL, TAGS, NO_KEY },
	{ "6.1.2 step 5", "v=DKIM2; p=%s", TAGS,
	    "permerror:v= of the key record is not DKIM1" },
	{ "6.1.2 step 6", "h=sha1; p=%s", TAGS,
	    "permerror:the key does not allow SHA-256" },
	{ "6.1.2 step 7", "p=", TAGS, "permerror:the key is revoked" },
	{ "6.1.2 step 8",
	    "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", TAGS,
	    "permerror:the key type does not match a=" },
	{ "6.1.2 step 8, the other way", "p=%s",
	    "v=1; a=ed25519-sha256; d=example.com; s=sel; h=from",
	    "permerror:the key type does not match a=" },
	{ "RFC 8301 rsa-sha1", "p=%s",
	    "v=1; a=rsa-sha1; d=example.com; s=sel; h=from",
	    "permerror:rsa-sha1 must not be verified (RFC 8301)" },
};

static void
section_6_1_2_keys(void **state)
{
	char *p = sign_public(sign_rsa(1024, 0), false);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct dkim_policy_key_vector *v = &keys[i];
		char *message =
		    sign_message(sign_rsa(1024, 0), v->tags, HEADER, BODY);
		char record[2000];
		char *line;
		struct dkim_run r = { .cut = 0 };
		struct dns_source *zone;

		snprintf(record, sizeof(record), "%s",
		    v->record != NULL ? v->record : "x");
		if (strstr(record, "%s") != NULL)
			snprintf(record, sizeof(record), "%.*s%s",
			    (int)(strlen(v->record) - 2), v->record, p);
		line = sign_zone_line(v->record != NULL
			? "sel._domainkey.example.com"
			: "other._domainkey.example.com",
		    record);
		zone = pump_zone(line);
		dkim_run(&r, span_str(message), zone);
		dkim_run_expect(&r, v->name, v->want);
		dkim_run_end(&r);
		zone->close(zone);
		free(line);
		free(message);
	}
	free(p);
}

static void
one_run(const struct test_key *key, const char *zone_text, const char *tags,
    struct dkim_options options, const char *want)
{
	char *message = sign_message(key, tags, HEADER, BODY);
	struct dns_source *zone = pump_zone(zone_text);
	struct dkim_run r = { .options = options };

	dkim_run(&r, span_str(message), zone);
	dkim_run_expect(&r, tags, want);
	dkim_run_end(&r);
	zone->close(zone);
	free(message);
}

static void
one_run_with_key(const struct test_key *key, const char *tags,
    struct dkim_options options, const char *want)
{
	char *record = sign_record(key);
	char *line = sign_zone_line("sel._domainkey.example.com", record);

	one_run(key, line, tags, options, want);
	free(line);
	free(record);
}

static void
rfc_8301_key_sizes(void **state)
{
	struct dkim_options o = { .min_rsa_bits = 0 };
	struct dkim_options small = { .min_rsa_bits = 512 };
	struct dkim_options large = { .min_rsa_bits = 2048 };

	(void)state;
	one_run_with_key(sign_rsa(512, 0), TAGS, o,
	    "policy:RSA key of 512 bits, fewer than 1024");
	one_run_with_key(sign_rsa(1016, 0), TAGS, o,
	    "policy:RSA key of 1016 bits, fewer than 1024");
	one_run_with_key(sign_rsa(512, 0), TAGS, small, "pass:512-bit RSA key");
	one_run_with_key(sign_rsa(2048, 0), TAGS, o, "pass:2048-bit RSA key");
	one_run_with_key(
	    sign_rsa(2048, 0), TAGS, large, "pass:2048-bit RSA key");
	one_run_with_key(sign_rsa(1024, 0), TAGS, large,
	    "policy:RSA key of 1024 bits, fewer than 2048");
}

/* A key of 8200 bits is rejected for its size, before any computation.  (Its
 * private key is unknown.) */
static void
huge_key_is_not_computed(void **state)
{
	struct dkim_options o = { .min_rsa_bits = 0 };
	unsigned char der[1100];
	char text[2000], *line;
	size_t n = 0;

	(void)state;
	static const unsigned char head[] = { 0x30, 0x82, 0x04, 0x0a, 0x02,
		0x82, 0x04, 0x01 };

	memcpy(der, head, sizeof(head));
	n += sizeof(head);
	memset(der + n, 0xff, 1025);
	n += 1025;
	/* 1025 bytes with the top bit set need a zero before them */
	der[3] = 0x0b;
	der[7] = 0x02;
	memmove(der + 9, der + 8, 1025);
	der[8] = 0;
	n = 8 + 1026;
	memcpy(der + n, "\x02\x03\x01\x00\x01", 5);
	n += 5;
	struct buf b = buf_wrap(text, sizeof(text));

	buf_text(&b, "p=");
	base64_encode(&b, span_of((const char *)der, n));
	line = sign_zone_line("sel._domainkey.example.com", text);
	one_run(sign_rsa(1024, 0), line, TAGS, o,
	    "policy:RSA key of 8200 bits, more than 8192");
	free(line);
}

static void
rfc_8463_ed25519(void **state)
{
	static const char tags[] =
	    "v=1; a=ed25519-sha256; d=example.com; s=sel; h=from:to";
	struct dkim_options o = { .min_rsa_bits = 0 };
	char *record = sign_record(sign_ed25519(1));
	char *line = sign_zone_line("sel._domainkey.example.com", record);

	(void)state;
	one_run_with_key(sign_ed25519(0), tags, o, "pass:256-bit Ed25519 key");
	one_run(sign_ed25519(0), line, tags, o, NOT_HEADER);
	/* made with RSA, labeled as Ed25519 */
	one_run(sign_rsa(1024, 0), line, tags, o,
	    "fail:signature length does not match the key");
	free(line);
	free(record);
}

static void
section_6_1_2_several_records(void **state)
{
	struct dkim_options o = { .min_rsa_bits = 0 };
	char *good = sign_record(sign_rsa(1024, 0));
	char *other = sign_record(sign_rsa(1024, 1));
	char *third = sign_record(sign_rsa(1024, 2));
	char *lines[3] = {
		sign_zone_line("sel._domainkey.example.com", other),
		sign_zone_line("sel._domainkey.example.com", good),
		sign_zone_line("sel._domainkey.example.com", third),
	};
	char text[4000];

	(void)state;
	snprintf(text, sizeof(text),
	    "sel._domainkey.example.com. IN TXT \"v=spf1 -all\"\n%s%s"
	    "sel._domainkey.example.com. IN TXT \"p=\"\n",
	    lines[0], lines[1]);
	one_run(sign_rsa(1024, 0), text, TAGS, o, PASS);
	snprintf(text, sizeof(text),
	    "sel._domainkey.example.com. IN TXT \"p=\"\n"
	    "sel._domainkey.example.com. IN TXT \"v=spf1 -all\"\n");
	one_run(
	    sign_rsa(1024, 0), text, TAGS, o, "permerror:the key is revoked");
	snprintf(text, sizeof(text), "%s%s", lines[0],
	    "sel._domainkey.example.com. IN TXT \"p=\"\n");
	one_run(sign_rsa(1024, 0), text, TAGS, o, NOT_HEADER);
	/* only two keys are tried */
	snprintf(text, sizeof(text), "%s%s%s", lines[0], lines[2], lines[1]);
	one_run(sign_rsa(1024, 0), text, TAGS, o, NOT_HEADER);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		free(lines[i]);
	free(good);
	free(other);
	free(third);
}

static void
section_6_1_2_dns(void **state)
{
	struct dkim_options o = { .min_rsa_bits = 0 };
	char *record = sign_record(sign_rsa(1024, 0));
	char *line = sign_zone_line("key.example.net", record);
	char text[2000];

	(void)state;
	one_run(sign_rsa(1024, 0),
	    ";!failed sel._domainkey.example.com TXT servfail\n", TAGS, o,
	    "temperror:key unavailable (DNS: servfail)");
	one_run(sign_rsa(1024, 0),
	    ";!failed sel._domainkey.example.com TXT timeout\n", TAGS, o,
	    "temperror:key unavailable (DNS: timeout)");
	one_run(sign_rsa(1024, 0),
	    "sel._domainkey.example.com. IN A 192.0.2.1\n", TAGS, o, NO_KEY);
	snprintf(text, sizeof(text), "%s%s",
	    "sel._domainkey.example.com. IN CNAME key.example.net.\n", line);
	one_run(sign_rsa(1024, 0), text, TAGS, o, PASS);
	one_run(sign_rsa(1024, 0),
	    "sel._domainkey.example.com. IN CNAME no.example.net.\n", TAGS, o,
	    NO_KEY);
	free(line);
	free(record);
}

static void
options(void **state)
{
	struct dkim_options no_time = { .ignore_time = true };
	struct dkim_options o = { .min_rsa_bits = 0 };

	(void)state;
	one_run_with_key(sign_rsa(1024, 0), TAGS "; x=5", no_time, PASS);
	one_run_with_key(sign_rsa(1024, 0), TAGS "; x=5", o,
	    "fail:the signature has expired");
	one_run_with_key(sign_rsa(1024, 0), TAGS "; t=1750000300", o, PASS);
	one_run_with_key(sign_rsa(1024, 0), TAGS "; t=1750000301", o,
	    "fail:the signature is dated in the future");
	one_run_with_key(
	    sign_rsa(1024, 0), TAGS "; t=1750000301", no_time, PASS);
}

/* ---- data reported for a signature ---- */

static void
results(void **state)
{
	struct dns_source *zone = dkim_run_zone(sign_rsa(1024, 0), "");
	char *message = sign_message(sign_rsa(1024, 0),
	    V1 "h=from; i=a=20b@X.example.com", HEADER, BODY);
	struct dkim_run r = { .cut = 0 };
	const struct dkim_result *one;
	struct span domains[2];

	(void)state;
	dkim_run(&r, span_str(message), zone);
	assert_int_equal(r.n, 1);
	one = &r.results[0];
	assert_true(span_is(one->domain, "example.com"));
	assert_true(span_is(one->selector, "sel"));
	assert_true(span_is(one->identity, "a b@X.example.com"));
	assert_true(span_is(one->algorithm, "rsa-sha256"));
	assert_int_equal(one->b.n, 8);
	assert_int_equal(one->key_bits, 1024);
	assert_true(one->verified);
	assert_false(one->testing);
	assert_int_equal(one->field, 0);
	assert_int_equal(dkim_domains(r.dkim, domains, 2), 1);
	assert_true(span_is(domains[0], "example.com"));
	assert_int_equal(dkim_unlisted(r.dkim), 0);
	dkim_run_end(&r);
	free(message);
	zone->close(zone);
}

static void
no_signature(void **state)
{
	struct dns_source *zone = pump_zone("");
	struct dkim_run r = { .cut = 0 };

	(void)state;
	dkim_run(&r,
	    SPAN("DomainKey-Signature: a=rsa-sha1\r\n" HEADER "\r\n" BODY),
	    zone);
	assert_non_null(r.dkim);
	assert_int_equal(r.n, 0);
	assert_false(body_hashes_needed(r.body_hashes));
	dkim_run_end(&r);
	zone->close(zone);
}

#define FIELD(b) "DKIM-Signature: v=1; d=example.com; s=x; b=" b "\r\n"

/* RFC 6008 section 4: header.b distinguishes the signatures of a message. */
static void
rfc_6008_beginnings_of_b(void **state)
{
	static const char *const want[] = { "aaaaBBBBcc", "aaaaBBBBcd",
		"aaaaBBBBd", "12345678", "abc", "" };
	struct dns_source *zone = pump_zone("");
	struct dkim_run r = { .cut = 0 };

	(void)state;
	dkim_run(&r,
	    SPAN(FIELD("aaaaBB\r\n BBccx") FIELD("aaaa BBBBcdy")
		    FIELD("aaaaBBBBd") FIELD("1234567890") FIELD("abc")
			FIELD("") "From: a@example.com\r\n\r\n"),
	    zone);
	assert_int_equal(r.n, ARRAY_SIZE(want));
	for (size_t i = 0; i < r.n; i++)
		if (!span_is(r.results[i].b, want[i]))
			fail_msg("%zu: %.*s, want %s", i,
			    SPAN_FMT(r.results[i].b), want[i]);
	dkim_run_end(&r);
	zone->close(zone);
}

/* ---- many signatures ---- */

/* Writes a signature that parses correctly but does not verify. */
static void
put_bad(struct buf *to, const char *domain, unsigned selector)
{
	buf_printf(to,
	    "DKIM-Signature: v=1; a=rsa-sha256; d=%s; s=s%u; h=from; "
	    "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=YWJj\r\n",
	    domain, selector);
}

/* Returns a message with `n` bad signatures of `domain` above `good`, and frees
 * `good`. */
static char *
under_bad(unsigned n, const char *domain, char *good)
{
	size_t size = strlen(good) + n * 200 + 1;
	char *message = malloc(size);
	struct buf text;

	assert_non_null(message);
	text = buf_wrap(message, size);
	for (unsigned i = 0; i < n; i++)
		put_bad(&text, domain, i);
	buf_text(&text, good);
	assert_false(text.full);
	free(good);
	return message;
}

struct count {
	size_t pass, policy, permerror, verified, questions;
};

static struct count
count_run(char *message, struct dns_source *zone)
{
	struct dkim_run r = { .cut = 0 };
	struct count c = { .pass = 0 };

	dkim_run(&r, span_str(message), zone);
	for (size_t i = 0; i < r.n; i++) {
		c.pass += r.results[i].code == DKIM_PASS;
		c.policy += r.results[i].code == DKIM_POLICY;
		c.permerror += r.results[i].code == DKIM_PERMERROR;
		c.verified += r.results[i].verified;
		if (i > 0)
			assert_true(
			    r.results[i].field > r.results[i - 1].field);
	}
	assert_true(r.n <= DKIM_LISTED_MAX);
	assert_int_equal(r.n + dkim_unlisted(r.dkim),
	    mail_header_count(&r.header, "DKIM-Signature"));
	c.questions = dns_questions_count(r.questions);
	dkim_run_end(&r);
	free(message);
	return c;
}

static char *
good_message(void)
{
	return sign_message(sign_rsa(1024, 0), TAGS, HEADER, BODY);
}

/* The author's own signature is found under hundreds of others, which cost no
 * more than ten would. */
static void
hundreds_above_a_good_signature(void **state)
{
	struct dns_source *zone = dkim_run_zone(sign_rsa(1024, 0), "");
	struct count c;

	(void)state;
	c = count_run(under_bad(300, "list.example", good_message()), zone);
	assert_int_equal(c.pass, 1);
	assert_int_equal(c.verified, 10);
	assert_int_equal(c.questions, 10);
	assert_int_equal(c.permerror, 9);
	assert_int_equal(c.policy, DKIM_LISTED_MAX - 10);
	/* if all bad signatures have the author's domain, the limit is reached
	 * before the good one */
	c = count_run(under_bad(300, "example.com", good_message()), zone);
	assert_int_equal(c.pass, 0);
	assert_int_equal(c.verified, 10);
	/* the author's domain comes first, then related domains, then others */
	c = count_run(under_bad(300, "a.example.com", good_message()), zone);
	assert_int_equal(c.pass, 1);
	zone->close(zone);
}

/* Malformed signatures do not use up the limit, but not all of them are
 * parsed. */
static void
hundreds_of_malformed_signatures(void **state)
{
	struct dns_source *zone = dkim_run_zone(sign_rsa(1024, 0), "");
	struct count c;

	(void)state;
	c = count_run(under_bad(19, "example", good_message()), zone);
	assert_int_equal(c.pass, 1);
	assert_int_equal(c.permerror, 19);
	c = count_run(under_bad(150, "example", good_message()), zone);
	assert_int_equal(c.pass, 1);
	assert_int_equal(c.verified, 1);
	assert_int_equal(c.permerror, 19);
	assert_int_equal(c.policy, DKIM_LISTED_MAX - 20);
	zone->close(zone);
}

static void
limit_is_reported(void **state)
{
	struct dns_source *zone = dkim_run_zone(sign_rsa(1024, 0), "");
	char *message =
	    under_bad(DKIM_VERIFIED_MAX, "example.org", good_message());
	struct dkim_run r = { .cut = 0 };
	const struct dkim_result *last;

	(void)state;
	dkim_run(&r, span_str(message), zone);
	assert_int_equal(r.n, DKIM_VERIFIED_MAX + 1);
	assert_int_equal(r.results[DKIM_VERIFIED_MAX].code, DKIM_PASS);
	last = &r.results[DKIM_VERIFIED_MAX - 1];
	assert_int_equal(last->code, DKIM_POLICY);
	assert_true(span_is(last->reason, "not verified: too many signatures"));
	assert_true(span_is(last->domain, "example.org"));
	assert_true(span_is(last->selector, "s9"));
	assert_true(span_is(last->b, "YWJj"));
	assert_false(last->verified);
	dkim_run_end(&r);
	free(message);
	/* also if malformed signatures, here with a second h=, reach the limit
	 */
	message =
	    under_bad(DKIM_READ_MAX, "example.com; h=from", good_message());
	r = (struct dkim_run){ .cut = 0 };
	dkim_run(&r, span_str(message), zone);
	assert_int_equal(r.n, DKIM_READ_MAX + 1);
	last = &r.results[DKIM_READ_MAX];
	assert_int_equal(last->code, DKIM_POLICY);
	assert_true(span_is(last->reason, "not verified: too many signatures"));
	dkim_run_end(&r);
	free(message);
	zone->close(zone);
}

/* A header that was not stored exactly cannot be verified. */
static void
header_with_faults(void **state)
{
	struct dns_source *zone = dkim_run_zone(sign_rsa(1024, 0), "");
	char *message = good_message();
	struct dkim_run r = { .cut = 0 };

	(void)state;
	size_t n = strlen(message);

	*strstr(message, "folded") = '\0';
	dkim_run(&r, span_of(message, n), zone);
	dkim_run_expect(&r, "NUL", "policy:a header field contains a NUL");
	dkim_run_end(&r);
	free(message);
	zone->close(zone);
}

/* Two signatures, one of which covers the other.  The field that is being
 * verified does not count as one of the fields in h=. */
static void
section_3_5_signatures_that_sign_signatures(void **state)
{
	static const char twice[] =
	    V1 "h=from:dkim-signature:dkim-signature:dkim-signature";
	struct dns_source *zone = dkim_run_zone(sign_rsa(1024, 0), "");
	char *first = sign_message(
	    sign_rsa(1024, 0), V1 "h=from:dkim-signature", HEADER, BODY);
	char *body = strstr(first, "\r\n\r\n");
	char header[4000];
	char *both;
	struct dkim_run r = { .cut = 0 };

	(void)state;
	snprintf(
	    header, sizeof(header), "%.*s\r\n", (int)(body - first), first);
	both = sign_message(sign_rsa(1024, 0), twice, header, BODY);
	dkim_run(&r, span_str(both), zone);
	/* h= of the lower signature names one more DKIM-Signature than
	 * existed */
	dkim_run_expect(&r, "upper over lower", PASS " " NOT_HEADER);
	dkim_run_end(&r);
	free(both);
	free(first);
	zone->close(zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(section_6_1_2_keys),
		cmocka_unit_test(rfc_8301_key_sizes),
		cmocka_unit_test(huge_key_is_not_computed),
		cmocka_unit_test(rfc_8463_ed25519),
		cmocka_unit_test(section_6_1_2_several_records),
		cmocka_unit_test(section_6_1_2_dns),
		cmocka_unit_test(options),
		cmocka_unit_test(results),
		cmocka_unit_test(no_signature),
		cmocka_unit_test(rfc_6008_beginnings_of_b),
		cmocka_unit_test(hundreds_above_a_good_signature),
		cmocka_unit_test(hundreds_of_malformed_signatures),
		cmocka_unit_test(limit_is_reported),
		cmocka_unit_test(header_with_faults),
		cmocka_unit_test(section_3_5_signatures_that_sign_signatures),
	};

	return cmocka_run_group_tests(tests, NULL, sign_teardown);
}
