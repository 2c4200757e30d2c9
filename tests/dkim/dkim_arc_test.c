/* dkim_arc_test.c - chains of ARC sets (RFC 8617) */
#include "dkim/arc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"
#include "tests/support/dkim_run.h"
#include "tests/support/core_driver.h"
#include "tests/support/sign.h"

#define HEADER                                                                 \
	"From: Ann <ann@example.com>\r\n"                                      \
	"To: list@one.example\r\n"                                             \
	"Subject: minutes\r\n"
#define MAIL HEADER "\r\nHello list,\r\n\r\nthe  minutes.\r\n"
#define RELAXED "c=relaxed/relaxed; h=from:to:subject"

/* Returns the key of domain_of(instance): Ed25519 for two.example, RSA 1024 for
 * the others. */
static struct test_key *
dkim_arc_key_of(unsigned instance)
{
	return instance % 5 == 2 ? sign_ed25519(1)
				 : sign_rsa(1024, instance % 5 == 3);
}

static const char *
domain_of(unsigned instance)
{
	static const char *const names[] = { "five.example", "one.example",
		"two.example", "three.example", "four.example" };

	return names[instance % 5];
}

static struct dns_source *
make_zone(const char *more)
{
	char text[16384];
	struct buf zone_text = buf_wrap(text, sizeof(text));
	struct dns_source *zone;

	for (unsigned i = 1; i <= 5; i++) {
		char name[100];
		char *record = sign_record(dkim_arc_key_of(i));
		char *line;

		snprintf(name, sizeof(name), "arc._domainkey.%s", domain_of(i));
		line = sign_zone_line(name, record);
		buf_text(&zone_text, line);
		free(line);
		free(record);
	}
	buf_text(&zone_text, more);
	assert_false(zone_text.full);
	zone = pump_zone(text);
	return zone;
}

/* Returns a copy of `message` with ARC set `instance` on top, and frees
 * `message`. */
static char *
seal(char *message, unsigned instance, const char *ams)
{
	char *sealed = sign_arc(dkim_arc_key_of(instance), instance,
	    instance == 1 ? "none" : "pass", domain_of(instance),
	    "spf=pass smtp.mailfrom=example.com; dmarc=pass", ams, message);

	free(message);
	return sealed;
}

static char *
chain(unsigned n)
{
	char *message = strdup(MAIL);

	for (unsigned i = 1; i <= n; i++)
		message = seal(message, i, RELAXED);
	return message;
}

/* Copies the field that begins with `start`, including its CRLF. */
static void
field_text(const char *message, const char *start, char *out, size_t size)
{
	const char *at = strstr(message, start);
	const char *end;

	assert_non_null(at);
	end = strstr(at, "\r\n");
	assert_non_null(end);
	snprintf(out, size, "%.*s", (int)(end + 2 - at), at);
}

static char *
drop_field(char *message, const char *start)
{
	char field[4000];

	field_text(message, start, field, sizeof(field));
	return sign_change(message, field, "");
}

static char *
double_field(char *message, const char *start)
{
	char field[4000], twice[8000];

	field_text(message, start, field, sizeof(field));
	snprintf(twice, sizeof(twice), "%s%s", field, field);
	return sign_change(message, field, twice);
}

/* Frees `message`. */
static void
expect_dkim_arc(char *message, struct dns_source *zone, const char *want,
    int instances, int oldest_pass)
{
	struct dkim_run r = { .with_arc = true };
	char got[300];

	dkim_run(&r, span_str(message), zone);
	snprintf(got, sizeof(got), "%s:%.*s", arc_code_name(r.chain.code),
	    SPAN_FMT(r.chain.reason));
	if (strcmp(got, want) != 0)
		fail_msg("got %s, want %s", got, want);
	assert_int_equal(r.chain.instances, instances);
	assert_int_equal(r.chain.oldest_pass, oldest_pass);
	dkim_run_end(&r);
	free(message);
}

#define WHOLE "pass:the chain is intact"
#define AAR "ARC-Authentication-Results"
#define AMS "ARC-Message-Signature"

/* ---- RFC 8617 section 5.2 ---- */

static void
whole_chains(void **state)
{
	struct dns_source *zone = make_zone("");

	(void)state;
	expect_dkim_arc(strdup(MAIL), zone, "none:no ARC set", 0, 0);
	expect_dkim_arc(chain(1), zone, WHOLE, 1, 0);
	expect_dkim_arc(chain(2), zone, WHOLE, 2, 0);
	expect_dkim_arc(chain(5), zone, WHOLE, 5, 0);
	zone->close(zone);
}

static void
step_1_fifty_sets_at_most(void **state)
{
	struct dns_source *zone = make_zone("");
	char *fifty = chain(ARC_INSTANCES_MAX);

	(void)state;
	expect_dkim_arc(strdup(fifty), zone, WHOLE, ARC_INSTANCES_MAX, 0);
	expect_dkim_arc(seal(fifty, ARC_INSTANCES_MAX + 1, RELAXED), zone,
	    "fail:more than 50 ARC sets", 0, 0);
	expect_dkim_arc(
	    sign_change(chain(1), "ARC-Seal: i=1;", "ARC-Seal: i=51;"), zone,
	    "fail:ARC-Seal: i= is not from 1 to 50", 0, 0);
	zone->close(zone);
}

static void
step_2_newest_says_fail(void **state)
{
	struct dns_source *zone = make_zone("");
	char *message = chain(1);
	char *failed = sign_arc(dkim_arc_key_of(2), 2, "fail", domain_of(2),
	    "arc=fail", RELAXED, message);

	(void)state;
	free(message);
	expect_dkim_arc(failed, zone, "fail:ARC-Seal 2: says cv=fail", 2, 0);
	zone->close(zone);
}

static void
step_3_structure(void **state)
{
	static const struct {
		const char *field, *missing, *twice;
	} vectors[] = {
		{ AAR ": i=2", "fail:" AAR " 2: is missing",
		    "fail:" AAR " 2: occurs twice" },
		{ AMS ": i=2", "fail:" AMS " 2: is missing",
		    "fail:" AMS " 2: occurs twice" },
		{ "ARC-Seal: i=2", "fail:ARC-Seal 2: is missing",
		    "fail:ARC-Seal 2: occurs twice" },
		{ AAR ": i=1", "fail:" AAR " 1: is missing",
		    "fail:" AAR " 1: occurs twice" },
		{ AMS ": i=1", "fail:" AMS " 1: is missing",
		    "fail:" AMS " 1: occurs twice" },
		{ "ARC-Seal: i=1", "fail:ARC-Seal 1: is missing",
		    "fail:ARC-Seal 1: occurs twice" },
	};
	struct dns_source *zone = make_zone("");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		expect_dkim_arc(drop_field(chain(2), vectors[i].field), zone,
		    vectors[i].missing, 2, 0);
		expect_dkim_arc(double_field(chain(2), vectors[i].field), zone,
		    vectors[i].twice, 2, 0);
	}
	zone->close(zone);
}

static void
step_3_chain_status(void **state)
{
	struct dns_source *zone = make_zone("");

	(void)state;
	expect_dkim_arc(sign_change(chain(1), "cv=none", "cv=pass"), zone,
	    "fail:ARC-Seal 1: cv= is not none", 1, 0);
	expect_dkim_arc(sign_change(chain(2), "cv=pass", "cv=none"), zone,
	    "fail:ARC-Seal 2: cv= is not pass", 2, 0);
	expect_dkim_arc(sign_change(chain(2), "cv=none", "cv=fail"), zone,
	    "fail:ARC-Seal 1: cv= is not none", 2, 0);
	expect_dkim_arc(sign_change(chain(1), "cv=none", "cv=good"), zone,
	    "fail:ARC-Seal 1: cv= is not none, fail or pass", 1, 0);
	expect_dkim_arc(sign_change(chain(1), "; cv=none", ""), zone,
	    "fail:ARC-Seal 1: cv= is missing", 1, 0);
	/* RFC 8617 section 3.9: ABNF strings are case-insensitive, but a
	 * different case changes the bytes that the seal signs */
	expect_dkim_arc(sign_change(chain(1), "cv=none", "cv=NONE"), zone,
	    "fail:ARC-Seal 1: signature did not verify", 1, 0);
	zone->close(zone);
}

static void
step_4_newest_message_signature(void **state)
{
	struct dns_source *zone = make_zone("");

	(void)state;
	expect_dkim_arc(sign_change(chain(2), "minutes.", "hours."), zone,
	    "fail:" AMS " 2: body hash did not verify", 2, 0);
	expect_dkim_arc(
	    sign_change(chain(2), "Subject: minutes", "Subject: hours"), zone,
	    "fail:" AMS " 2: signature did not verify", 2, 0);
	expect_dkim_arc(sign_change(chain(2), "the  minutes.", "the minutes. "),
	    zone, WHOLE, 2, 0);
	zone->close(zone);
}

static void
step_5_oldest_pass(void **state)
{
	struct dns_source *zone = make_zone("");
	char *message;

	(void)state;
	message = sign_change(chain(2), "minutes.", "minutes, list.");
	message = seal(message, 3, RELAXED);
	expect_dkim_arc(seal(message, 4, RELAXED), zone, WHOLE, 4, 3);
	/* an unreadable message signature is treated as a bad one */
	message = sign_change(strdup(MAIL), "minutes.", "minutes, list.");
	message = seal(message, 1, "c=other; h=from:to:subject");
	expect_dkim_arc(seal(message, 2, RELAXED), zone, WHOLE, 2, 2);
	zone->close(zone);
}

static void
step_6_seals(void **state)
{
	struct dns_source *zone = make_zone("");

	(void)state;
	expect_dkim_arc(
	    sign_change(chain(3), AAR ": i=1; one.example; spf=pass",
		AAR ": i=1; one.example; spf=fail"),
	    zone, "fail:ARC-Seal 3: signature did not verify", 3, 0);
	expect_dkim_arc(sign_change(chain(3), "ARC-Seal: i=1; a=rsa-sha256",
			    "ARC-Seal: i=1; x=7; a=rsa-sha256"),
	    zone, "fail:ARC-Seal 3: signature did not verify", 3, 0);
	/* RFC 8617 section 4.1.3 */
	expect_dkim_arc(
	    sign_change(chain(1), "s=arc; cv=none", "s=arc; h=from; cv=none"),
	    zone, "fail:ARC-Seal 1: h= is not allowed in an ARC-Seal", 1, 0);
	zone->close(zone);
}

/* The message signature of set 1 is replaced by that of another message, but
 * seal 2 covers the original one. */
static void
sets_of_another_message(void **state)
{
	struct dns_source *zone = make_zone("");
	char field[4000], both[4100];
	char *message = chain(2);
	char *other = sign_change(strdup(MAIL), "minutes\r", "others\r");

	(void)state;
	other = seal(other, 1, RELAXED);
	field_text(message, AMS ": i=1", field, sizeof(field));
	message = drop_field(message, AMS ": i=1");
	field_text(other, AMS ": i=1", field, sizeof(field));
	snprintf(both, sizeof(both), "%sFrom: Ann", field);
	message = sign_change(message, "From: Ann", both);
	expect_dkim_arc(
	    message, zone, "fail:ARC-Seal 2: signature did not verify", 2, 0);
	free(other);
	zone->close(zone);
}

/* ---- section 5.2.1: all failures are permanent ---- */

static void
section_5_2_1_dns(void **state)
{
	struct dns_source *zone =
	    make_zone(";!failed arc._domainkey.six.example TXT servfail\n");
	char *message;

	(void)state;
	message = sign_arc(dkim_arc_key_of(1), 1, "none", "six.example",
	    "spf=pass", RELAXED, MAIL);
	expect_dkim_arc(message, zone,
	    "fail:" AMS " 1: key unavailable (DNS: servfail)", 1, 0);
	message = sign_arc(dkim_arc_key_of(1), 1, "none", "seven.example",
	    "spf=pass", RELAXED, MAIL);
	expect_dkim_arc(
	    message, zone, "fail:" AMS " 1: no key for the signature", 1, 0);
	zone->close(zone);
}

/* ---- section 4.1.2: signed fields ---- */

static void
section_4_1_2_signed_fields(void **state)
{
	struct dns_source *zone = make_zone("");
	char *message;

	(void)state;
	expect_dkim_arc(
	    seal(strdup(MAIL), 1, "c=relaxed/relaxed; h=to:subject"), zone,
	    "fail:" AMS " 1: From is not signed", 1, 0);
	expect_dkim_arc(
	    seal(strdup(MAIL), 1, "c=relaxed/relaxed; h=from:arc-seal"), zone,
	    "fail:" AMS " 1: h= names ARC-Seal", 1, 0);
	expect_dkim_arc(seal(strdup(MAIL), 1, "c=relaxed/relaxed; h=from::to"),
	    zone, WHOLE, 1, 0);
	message = sign_change(
	    chain(1), "From: Ann", "From: <ceo@bank.example>\r\nFrom: Ann");
	expect_dkim_arc(message, zone,
	    "fail:" AMS " 1: not every From field is signed", 1, 0);
	/* v= is ignored, whatever its value */
	expect_dkim_arc(
	    seal(strdup(MAIL), 1, "v=9; " RELAXED), zone, WHOLE, 1, 0);
	zone->close(zone);
}

static void
message_signature_without_canonicalization(void **state)
{
	struct dns_source *zone = make_zone("");
	char *message;

	(void)state;
	/* without c=: simple, as RFC 6376 section 3.5 requires */
	expect_dkim_arc(
	    seal(strdup(MAIL), 1, "h=from:to:subject"), zone, WHOLE, 1, 0);
	message = sign_change(seal(strdup(MAIL), 1, "h=from:to:subject"),
	    "Subject: minutes", "Subject:  minutes");
	expect_dkim_arc(
	    message, zone, "fail:" AMS " 1: signature did not verify", 1, 0);
	/* relaxed although c= is missing, as some real sealers do */
	message = sign_change(seal(strdup(MAIL), 1, "~h=from:to:subject"),
	    "Subject: minutes", "Subject:  minutes");
	expect_dkim_arc(
	    sign_change(message, "the  min", "the min"), zone, WHOLE, 1, 0);
	/* but only in the newest set */
	message = sign_change(seal(strdup(MAIL), 1, "~h=from:to:subject"),
	    "Subject: minutes", "Subject:  minutes");
	expect_dkim_arc(seal(message, 2, RELAXED), zone, WHOLE, 2, 2);
	zone->close(zone);
}

/* ---- results ---- */

static void
sealers_are_listed(void **state)
{
	struct dns_source *zone = make_zone("");
	struct dkim_run r = { .with_arc = true };
	char *message = chain(3);

	(void)state;
	dkim_run(&r, span_str(message), zone);
	assert_int_equal(r.chain.n_sealers, 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct arc_sealer *s = &r.chain.sealers[i];
		char results[200];

		assert_int_equal(s->instance, i + 1);
		assert_true(span_is(s->domain, domain_of(i + 1)));
		assert_true(span_is(s->selector, "arc"));
		snprintf(results, sizeof(results),
		    "%s; spf=pass smtp.mailfrom=example.com; dmarc=pass",
		    domain_of(i + 1));
		assert_true(span_is(s->results, results));
	}
	dkim_run_end(&r);
	free(message);
	zone->close(zone);
}

/* The fields may be in any order in the header: only the instance numbers
 * matter. */
static void
order_of_fields(void **state)
{
	struct dns_source *zone = make_zone("");
	char field[4000], moved[4100];
	char *message = chain(3);

	(void)state;
	field_text(message, "ARC-Seal: i=3", field, sizeof(field));
	message = drop_field(message, "ARC-Seal: i=3");
	snprintf(moved, sizeof(moved), "%sTo: ", field);
	message = sign_change(message, "To: ", moved);
	expect_dkim_arc(message, zone, WHOLE, 3, 0);
	zone->close(zone);
}

/* ---- hostile conditions ---- */

static void
body_cut_everywhere(void **state)
{
	struct dns_source *zone = make_zone("");
	char *message = chain(2);

	(void)state;
	for (size_t cut = 0; cut <= 32; cut++) {
		struct dkim_run r = {
			.with_arc = true, .cut = cut, .step = cut == 0 ? 1 : 0
		};

		dkim_run(&r, span_str(message), zone);
		assert_int_equal(r.chain.code, ARC_PASS);
		dkim_run_end(&r);
	}
	free(message);
	zone->close(zone);
}

static void
dkim_arc_without_memory(void **state)
{
	struct dns_source *zone = make_zone("");
	char *good = chain(3);
	char *bad = sign_change(chain(3), "minutes.", "hours.");
	bool failed = true;

	(void)state;
	for (unsigned long at = 1; failed; at++) {
		struct dkim_run r = { .with_arc = true, .fail_at = at };

		dkim_run(&r, span_str(good), zone);
		failed = r.failed;
		if (r.arc != NULL)
			assert_true(r.chain.code == ARC_PASS ||
			    r.chain.code == ARC_TEMPERROR);
		dkim_run_end(&r);
		r = (struct dkim_run){ .with_arc = true, .fail_at = at };
		dkim_run(&r, span_str(bad), zone);
		if (r.arc != NULL)
			assert_int_not_equal(r.chain.code, ARC_PASS);
		dkim_run_end(&r);
		assert_true(at < 1000);
	}
	free(good);
	free(bad);
	zone->close(zone);
}

/* Changes each byte of the ARC sets in turn, except white space; the chain must
 * not pass. */
static void
sets_changed(void **state)
{
	struct dns_source *zone = make_zone("");
	char *message = chain(2);
	char *end = strstr(message, "To: list");

	(void)state;
	for (char *at = message; at < end; at++) {
		struct dkim_run r = { .with_arc = true };
		char was = *at;

		if (strchr(" \t\r\n", was) != NULL)
			continue;
		*at = was == 'q' ? 'z' : 'q';
		dkim_run(&r, span_str(message), zone);
		if (r.chain.code == ARC_PASS)
			fail_msg("byte %td passes", at - message);
		dkim_run_end(&r);
		*at = was;
	}
	free(message);
	zone->close(zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_chains),
		cmocka_unit_test(step_1_fifty_sets_at_most),
		cmocka_unit_test(step_2_newest_says_fail),
		cmocka_unit_test(step_3_structure),
		cmocka_unit_test(step_3_chain_status),
		cmocka_unit_test(step_4_newest_message_signature),
		cmocka_unit_test(step_5_oldest_pass),
		cmocka_unit_test(step_6_seals),
		cmocka_unit_test(sets_of_another_message),
		cmocka_unit_test(section_5_2_1_dns),
		cmocka_unit_test(section_4_1_2_signed_fields),
		cmocka_unit_test(message_signature_without_canonicalization),
		cmocka_unit_test(sealers_are_listed),
		cmocka_unit_test(order_of_fields),
		cmocka_unit_test(body_cut_everywhere),
		cmocka_unit_test(dkim_arc_without_memory),
		cmocka_unit_test(sets_changed),
	};

	return cmocka_run_group_tests(tests, NULL, sign_teardown);
}
