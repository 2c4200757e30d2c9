/* external_destination_test.c - RFC 9990 section 4: which addresses reports may
 * be sent to. */
#include "report/send/external_destination.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/domain.h"
#include "lib/enum_names.h"
#include "tests/support/core_driver.h"

#define TXT(name, text) name ". 60 IN TXT \"" text "\"\n"
#define FAILS(name) ";!failed " name ". TXT servfail\n"
#define WORD "._report._dmarc."
#define RECORD(uris) "v=DMARC1; p=none; " uris

struct external_destination_vector {
	const char *name;
	const char *domain;
	const char *record; /* record of the policy domain */
	const char *zone;
	const char *codes;     /* codes of the URIs, separated by spaces */
	const char *addresses; /* separated by spaces */
	bool temperror;
};

struct external_destination_run {
	struct destination_query query;
	struct dmarc_record record;
	struct dns_questions *questions;
	struct arena *arena;
	struct destination_result result;
};

static enum core_status
check_external_destination(void *arg)
{
	struct external_destination_run *r = arg;

	arena_rewind(r->arena);
	return destination_check(&r->query, r->questions, r->arena, &r->result);
}

static void
put_result(const struct external_destination_run *r, struct buf *codes,
    struct buf *addresses)
{
	for (size_t i = 0; i < r->result.n_findings; i++) {
		buf_text(codes, i > 0 ? " " : "");
		buf_text(
		    codes, destination_code_name(r->result.findings[i].code));
	}
	for (size_t i = 0; i < r->result.n_addresses; i++) {
		buf_text(addresses, i > 0 ? " " : "");
		buf_span(addresses, r->result.addresses[i]);
	}
}

/* A failed allocation must not add an address: each one found must also be
 * found without failures. */
static void
fails_safely(
    struct external_destination_run *r, const char *name, const char *addresses)
{
	for (unsigned long nth = 1; nth < 60; nth++) {
		arena_fail_at(r->arena, nth);
		if (check_external_destination(r) != CORE_DONE)
			fail_msg("%s: waits at %lu", name, nth);
		for (size_t i = 0; i < r->result.n_addresses; i++) {
			char one[300];

			snprintf(one, sizeof(one), "%.*s",
			    SPAN_FMT(r->result.addresses[i]));
			if (strstr(addresses, one) == NULL)
				fail_msg("%s: %s at %lu", name, one, nth);
		}
		if (arena_has_failed(r->arena) && !r->result.temperror)
			fail_msg("%s: no temperror at %lu", name, nth);
	}
	arena_fail_at(r->arena, 0);
}

static void
run_vectors(const struct external_destination_vector *v, size_t n,
    enum destination_kind kind)
{
	for (; n > 0; n--, v++) {
		struct dns_source *source = pump_zone(v->zone);
		struct external_destination_run r = {
			.questions = dns_questions_new(DESTINATION_QUESTIONS),
			.arena = arena_new(DESTINATION_MEMORY)
		};
		char first[400], second[2000];
		struct buf codes = buf_wrap(first, sizeof(first));
		struct buf addresses = buf_wrap(second, sizeof(second));
		const char *reason;

		dmarc_record_parse(span_str(v->record), &r.record, &reason);
		r.query = (struct destination_query){ .kind = kind,
			.policy_domain = span_str(v->domain),
			.uris = kind == DESTINATION_RUA ? r.record.rua
							: r.record.ruf,
			.n_uris = kind == DESTINATION_RUA ? r.record.n_rua
							  : r.record.n_ruf };
		unsigned waves = pump_core(
		    r.questions, source, false, check_external_destination, &r);

		put_result(&r, &codes, &addresses);
		if (waves > 1)
			fail_msg("%s: %u waves", v->name, waves);
		if (strcmp(codes.p, v->codes) != 0)
			fail_msg("%s: codes \"%s\", want \"%s\"", v->name,
			    codes.p, v->codes);
		if (strcmp(addresses.p, v->addresses) != 0)
			fail_msg("%s: addresses \"%s\", want \"%s\"", v->name,
			    addresses.p, v->addresses);
		assert_int_equal(r.result.temperror, v->temperror);
		fails_safely(&r, v->name, v->addresses);
		dns_questions_free(r.questions);
		arena_free(r.arena);
		source->close(source);
	}
}

static const struct external_destination_vector inside[] = {
	{ .name = "the domain itself",
	    .domain = "example.com",
	    .record = RECORD("rua=mailto:d@example.com"),
	    .zone = "",
	    .codes = "inside",
	    .addresses = "d@example.com" },
	{ .name = "in any case",
	    .domain = "example.com",
	    .record = RECORD("rua=MAILTO:D@Example.COM"),
	    .zone = "",
	    .codes = "inside",
	    .addresses = "D@example.com" },
	{ .name = "below the same organization",
	    .domain = "news.example.com",
	    .record = RECORD("rua=mailto:d@reports.example.com"),
	    .zone = TXT("_dmarc.example.com", "v=DMARC1; p=none")
		TXT("_dmarc.news.example.com", "v=DMARC1; p=none"),
	    .codes = "inside",
	    .addresses = "d@reports.example.com" },
	{ .name = "below a separate psd=n",
	    .domain = "news.example.com",
	    .record = RECORD("rua=mailto:d@example.com"),
	    .zone = TXT("_dmarc.example.com", "v=DMARC1; p=none")
		TXT("_dmarc.news.example.com", "v=DMARC1; p=none; psd=n"),
	    .codes = "refused",
	    .addresses = "" },
	{ .name = "the same address twice",
	    .domain = "example.com",
	    .record = RECORD("rua=mailto:d@example.com,mailto:d@example.com"),
	    .zone = "",
	    .codes = "inside inside",
	    .addresses = "d@example.com" },
	{ .name = "an obsolete size limit",
	    .domain = "example.com",
	    .record = RECORD("rua=mailto:d@example.com!10m"),
	    .zone = "",
	    .codes = "inside",
	    .addresses = "d@example.com" },
};

static const struct external_destination_vector outside[] = {
	{ .name = "no authorization",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = "",
	    .codes = "refused",
	    .addresses = "" },
	{ .name = "steps 3 and 8",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = TXT("blue.example" WORD "red.example", "v=DMARC1"),
	    .codes = "given",
	    .addresses = "r@red.example" },
	{ .name = "a trailing semicolon",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = TXT("blue.example" WORD "red.example", "v=DMARC1;"),
	    .codes = "given",
	    .addresses = "r@red.example" },
	{ .name = "a wildcard",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = TXT("*"
			"._report._dmarc.red.example",
		"v=DMARC1;"),
	    .codes = "given",
	    .addresses = "r@red.example" },
	{ .name = "step 6: v is not first",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = TXT("blue.example" WORD "red.example", "p=none; v=DMARC1"),
	    .codes = "refused",
	    .addresses = "" },
	{ .name = "step 6: another version",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = TXT("blue.example" WORD "red.example", "v=DMARC2"),
	    .codes = "refused",
	    .addresses = "" },
	{ .name = "step 6: one of several",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = TXT("blue.example" WORD "red.example", "v=spf1 -all")
		TXT("blue.example" WORD "red.example", "v=DMARC1"),
	    .codes = "given",
	    .addresses = "r@red.example" },
	{ .name = "step 5: DNS fails",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = FAILS("blue.example" WORD "red.example"),
	    .codes = "temperror",
	    .addresses = "",
	    .temperror = true },
	{ .name = "DNS fails for one of two",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example,mailto:b@blue.example"),
	    .zone = FAILS("blue.example" WORD "red.example"),
	    .codes = "temperror inside",
	    .addresses = "b@blue.example",
	    .temperror = true },
	{ .name = "authorized although the tree walk fails",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = FAILS("_dmarc.red.example")
		TXT("blue.example" WORD "red.example", "v=DMARC1"),
	    .codes = "given",
	    .addresses = "r@red.example" },
	{ .name = "not authorized while the tree walk fails",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = FAILS("_dmarc.red.example"),
	    .codes = "temperror",
	    .addresses = "",
	    .temperror = true },
	{ .name = "step 9: an override",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = TXT("blue.example" WORD "red.example",
		"v=DMARC1; rua=mailto:other@red.example"),
	    .codes = "given",
	    .addresses = "other@red.example" },
	{ .name = "step 9: two overrides",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = TXT("blue.example" WORD "red.example",
		"v=DMARC1; rua=mailto:a@red.example,mailto:b@RED.example"),
	    .codes = "given",
	    .addresses = "a@red.example b@red.example" },
	{ .name = "step 9: to another host",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example,mailto:b@blue.example"),
	    .zone = TXT("blue.example" WORD "red.example",
		"v=DMARC1; rua=mailto:victim@green.example"),
	    .codes = "misused inside",
	    .addresses = "b@blue.example" },
	{ .name = "step 9: to a host below",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = TXT("blue.example" WORD "red.example",
		"v=DMARC1; rua=mailto:r@x.red.example"),
	    .codes = "misused",
	    .addresses = "" },
	{ .name = "step 9: not to a mail address",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = TXT("blue.example" WORD "red.example",
		"v=DMARC1; rua=https://red.example/r"),
	    .codes = "refused",
	    .addresses = "" },
	{ .name = "an override of ruf does not apply to rua",
	    .domain = "blue.example",
	    .record = RECORD("rua=mailto:r@red.example"),
	    .zone = TXT("blue.example" WORD "red.example",
		"v=DMARC1; ruf=mailto:other@red.example"),
	    .codes = "given",
	    .addresses = "r@red.example" },
};

static const struct external_destination_vector ruf[] = {
	{ .name = "RFC 9991 section 4",
	    .domain = "blue.example",
	    .record =
		RECORD("rua=mailto:x@blue.example; ruf=mailto:r@red.example"),
	    .zone = TXT("blue.example" WORD "red.example",
		"v=DMARC1; ruf=mailto:f@red.example; "
		"rua=mailto:a@red.example"),
	    .codes = "given",
	    .addresses = "f@red.example" },
};

static const struct external_destination_vector uris[] = {
	{ .name = "a different scheme",
	    .domain = "example.com",
	    .record = RECORD("rua=https://example.com/r,mailto:d@example.com"),
	    .zone = "",
	    .codes = "bad_uri inside",
	    .addresses = "d@example.com" },
	{ .name = "no host",
	    .domain = "example.com",
	    .record = RECORD("rua=mailto:d,mailto:d@example.com"),
	    .zone = "",
	    .codes = "inside",
	    .addresses = "d@example.com" },
	{ .name = "a sendmail option",
	    .domain = "example.com",
	    .record = RECORD("rua=mailto:-oQ/tmp@example.com"),
	    .zone = "",
	    .codes = "bad_uri",
	    .addresses = "" },
	{ .name = "a pipe",
	    .domain = "example.com",
	    .record = RECORD("rua=mailto:%7Cid@example.com"),
	    .zone = "",
	    .codes = "bad_uri",
	    .addresses = "" },
	{ .name = "a line end",
	    .domain = "example.com",
	    .record = RECORD("rua=mailto:d%0aBcc:x@example.com"),
	    .zone = "",
	    .codes = "bad_uri",
	    .addresses = "" },
	{ .name = "a NUL",
	    .domain = "example.com",
	    .record = RECORD("rua=mailto:d%00@example.com"),
	    .zone = "",
	    .codes = "bad_uri",
	    .addresses = "" },
	{ .name = "two addresses in one",
	    .domain = "example.com",
	    .record = RECORD("rua=mailto:d@victim.example%2Ce@example.com"),
	    .zone = "",
	    .codes = "bad_uri",
	    .addresses = "" },
	{ .name = "a percent route",
	    .domain = "example.com",
	    .record = RECORD("rua=mailto:d%25victim.example@example.com"),
	    .zone = "",
	    .codes = "bad_uri",
	    .addresses = "" },
	{ .name = "decoded",
	    .domain = "example.com",
	    .record = RECORD("rua=mailto:%64%2Br@example.com?subject=x"),
	    .zone = "",
	    .codes = "inside",
	    .addresses = "d+r@example.com" },
	{ .name = "dots where none are allowed",
	    .domain = "example.com",
	    .record =
		RECORD("rua=mailto:.d@example.com,mailto:d..e@example.com"),
	    .zone = "",
	    .codes = "bad_uri bad_uri",
	    .addresses = "" },
	{ .name = "an address literal",
	    .domain = "example.com",
	    .record = RECORD("rua=mailto:d@1.2.3.4"),
	    .zone = "",
	    .codes = "bad_uri",
	    .addresses = "" },
};

static void
test_inside(void **state)
{
	(void)state;
	run_vectors(inside, ARRAY_SIZE(inside), DESTINATION_RUA);
}

static void
test_outside(void **state)
{
	(void)state;
	run_vectors(outside, ARRAY_SIZE(outside), DESTINATION_RUA);
}

static void
test_ruf(void **state)
{
	(void)state;
	run_vectors(ruf, ARRAY_SIZE(ruf), DESTINATION_RUF);
}

static void
test_uris(void **state)
{
	(void)state;
	run_vectors(uris, ARRAY_SIZE(uris), DESTINATION_RUA);
}

/* Step 4: if the name to query is too long for DNS, the address is not
 * authorized. */
static void
test_long_name(void **state)
{
	char domain[DOMAIN_MAX + 1], record[600];
	struct external_destination_vector v = { "step 4", domain, record, "",
		"refused", "", false };

	(void)state;
	memset(domain, 'a', sizeof(domain));
	for (size_t i = 60; i < 240; i += 60)
		domain[i] = '.';
	domain[240] = '\0';
	snprintf(record, sizeof(record),
	    "v=DMARC1; p=none; rua=mailto:r@red.example");
	run_vectors(&v, 1, DESTINATION_RUA);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_ruf),
		cmocka_unit_test(test_uris),
		cmocka_unit_test(test_long_name),
	};

	return cmocka_run_group_tests_name("consent", tests, NULL, NULL);
}
