/*
 * host_names_test.c - only names confirmed by their addresses are used; a
 * server that does not answer does not delay the others.
 */
#include "report/show/host_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/arena.h"
#include "lib/date.h"
#include "lib/domain.h"
#include "tests/support/sample_rows.h"

enum { DAY = 20500, SOURCES = HOST_NAMES_WAVE + 20, UNANSWERED_MAX = 4 };

static const struct ledger_range range = { .from = DAY, .to = DAY };

/* ---- fixed DNS answers ---- */

struct fixed_source {
	struct dns_source base;
	struct dns_wait *unanswered[UNANSWERED_MAX];
	size_t n_unanswered;
	unsigned asked;
};

static void
answer_with(struct dns_wait *wait, const struct dns_record *record)
{
	const struct dns_answer given = {
		.state = record != NULL ? DNS_FOUND : DNS_NXDOMAIN,
		.n_records = record != NULL,
		.records = record,
	};
	const struct dns_answer *answer = dns_answer_new(&given);

	assert_non_null(answer);
	wait->done(wait, answer);
	dns_answer_unref(answer);
}

/*
 * 192.0.2.1: mx.example.com, confirmed; 192.0.2.2: a name with a different
 * address; 192.0.2.3: not a valid name; 192.0.2.4: no answer; 2001:db8::1:
 * confirmed by an AAAA record; 10.0.B.C: hB-C.pool.example, confirmed.
 */
static void
fixed_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct fixed_source *s = (struct fixed_source *)(void *)source;
	static const struct {
		const char *reverse, *host, *address;
	} hosts[] = {
		{ "1.2.0.192.in-addr.arpa", "mx.example.com", "192.0.2.1" },
		{ "2.2.0.192.in-addr.arpa", "mx2.example.com", "192.0.2.1" },
		{ "3.2.0.192.in-addr.arpa", "localhost", "192.0.2.3" },
		{ "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0."
		  "0.2.ip6.arpa",
		    "mx6.example.com", "2001:db8::1" },
	};
	char text[DOMAIN_MAX + 1];
	unsigned b, c;
	struct dns_record record = { .text = SPAN("") };

	s->asked++;
	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(name));
	if (strcmp(text, "4.2.0.192.in-addr.arpa") == 0) {
		assert_true(s->n_unanswered < UNANSWERED_MAX);
		s->unanswered[s->n_unanswered++] = wait;
		return;
	}
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		if (type == DNS_PTR && strcmp(text, hosts[i].reverse) == 0)
			record.text = span_str(hosts[i].host);
		else if (type != DNS_PTR && strcmp(text, hosts[i].host) == 0)
			assert_true(
			    ip_parse(span_str(hosts[i].address), &record.ip));
		else
			continue;
		assert_true(type != DNS_AAAA || record.ip.family == IP_V6);
		answer_with(wait, &record);
		return;
	}
	if (strstr(text, ".0.10.in-addr.arpa") != NULL &&
	    sscanf(text, "%u.%u.", &c, &b) == 2) {
		snprintf(text, sizeof(text), "h%u-%u.pool.example", b, c);
		record.text = span_str(text);
		answer_with(wait, &record);
	} else if (sscanf(text, "h%u-%u.pool.example", &b, &c) == 2) {
		snprintf(text, sizeof(text), "10.0.%u.%u", b, c);
		assert_true(ip_parse(span_str(text), &record.ip));
		answer_with(wait, &record);
	} else {
		answer_with(wait, NULL);
	}
}

static struct fixed_source
fixed_source(void)
{
	return (struct fixed_source){ .base = { .ask = fixed_ask } };
}

/* ---- store ---- */

static struct store_place place;

static struct ledger *
open_with(const char *const *addresses, size_t n, size_t pool)
{
	const struct ledger_received r = { .organisation = SPAN("o"),
		.report_id = SPAN("1"),
		.domain = SPAN("example.com"),
		.begin = DAY * (int64_t)DATE_DAY,
		.end = DAY * (int64_t)DATE_DAY + 1 };
	char error[SQL_ERROR_MAX];
	struct ledger *l;
	bool replaces;

	place_make(&place);
	l = ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);
	if (l == NULL)
		fail_msg("%s", error);
	assert_int_equal(ledger_begin_received(l, &r, &replaces), LEDGER_OK);
	for (size_t i = 0; i < n + pool; i++) {
		struct report_row row = { .count = i < n ? 5 : 1 };
		char text[IP_TEXT_MAX];

		snprintf(text, sizeof(text), "10.0.%zu.%zu", (i - n) / 256,
		    (i - n) % 256);
		assert_true(ip_parse(
		    span_str(i < n ? addresses[i] : text), &row.source));
		assert_int_equal(ledger_add_received_row(l, &row), LEDGER_OK);
	}
	assert_int_equal(ledger_end_received(l, true), LEDGER_OK);
	return l;
}

static struct span
name_of(const struct host_names *names, const char *address)
{
	struct ip ip;

	assert_true(ip_parse(span_str(address), &ip));
	return host_names_get(names, &ip);
}

/* ---- tests ---- */

static void
test_confirmed(void **state)
{
	static const struct {
		const char *address, *want;
	} hosts[] = { { "192.0.2.1", "mx.example.com" }, { "192.0.2.2", "" },
		{ "192.0.2.3", "" }, { "2001:db8::1", "mx6.example.com" },
		{ "203.0.113.1", "" } };
	static const char *const addresses[] = { "192.0.2.1", "192.0.2.2",
		"192.0.2.3", "2001:db8::1", "203.0.113.1" };
	struct fixed_source source = fixed_source();
	struct ledger *l = open_with(addresses, 5, 0);
	struct host_names *names = host_names_look_up(l, &range, &source.base);

	(void)state;
	assert_non_null(names);
	for (size_t i = 0; i < 5; i++)
		assert_true(
		    span_is(name_of(names, hosts[i].address), hosts[i].want));
	assert_true(span_is(name_of(names, "198.51.100.1"), ""));
	assert_true(span_is(name_of(NULL, "192.0.2.1"), ""));
	/* The address of "localhost" is not looked up. */
	assert_int_equal(source.asked, 5 + 3);
	host_names_free(names);
	ledger_close(l);
	place_remove(&place);
}

static void
test_unanswered(void **state)
{
	static const char *const addresses[] = { "192.0.2.4", "192.0.2.1" };
	struct fixed_source source = fixed_source();
	struct ledger *l = open_with(addresses, 2, SOURCES);
	struct host_names *names = host_names_look_up(l, &range, &source.base);

	(void)state;
	assert_non_null(names);
	assert_true(span_is(name_of(names, "192.0.2.4"), ""));
	assert_true(span_is(name_of(names, "192.0.2.1"), "mx.example.com"));
	for (unsigned i = 0; i < SOURCES; i++) {
		char address[IP_TEXT_MAX], want[40];

		snprintf(
		    address, sizeof(address), "10.0.%u.%u", i / 256, i % 256);
		snprintf(want, sizeof(want), "h%u-%u.pool.example", i / 256,
		    i % 256);
		assert_true(span_is(name_of(names, address), want));
	}
	assert_int_equal(source.n_unanswered, 1);
	host_names_free(names);
	for (size_t i = 0; i < source.n_unanswered; i++)
		answer_with(source.unanswered[i], NULL);
	ledger_close(l);
	place_remove(&place);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confirmed),
		cmocka_unit_test(test_unanswered),
	};

	return cmocka_run_group_tests_name("host names", tests, NULL, NULL);
}
