/* Tests of dns/zone.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/zone.h"
#include "tests/support/core_driver.h"

struct dns_zone_request {
	struct dns_wait wait;
	const struct dns_answer *answer;
};

static void
save_dns_zone(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct dns_zone_request *a = (struct dns_zone_request *)wait;

	assert_null(a->answer);
	a->answer = dns_answer_ref(answer);
}

/* Returns an answer; the caller must release it. */
static const struct dns_answer *
ask_dns_zone(struct dns_source *zone, const char *name, enum dns_type type)
{
	struct dns_zone_request a = { .wait = { .done = save_dns_zone } };

	zone->ask(zone, span_str(name), type, &a.wait);
	assert_non_null(a.answer);
	return a.answer;
}

/* Writes an answer as text, such as "found: text|text -> alias ttl", "nodata
 * ttl" or "failed servfail ttl". */
static void
describe(const struct dns_answer *a, char *text, size_t size)
{
	struct buf b = buf_wrap(text, size);

	buf_text(&b, dns_state_name(a->state));
	if (a->state == DNS_FAILED) {
		buf_byte(&b, ' ');
		buf_text(&b, dns_error_name(a->fault));
	}
	for (size_t i = 0; i < a->n_records; i++) {
		const struct dns_record *r = &a->records[i];

		buf_text(&b, i == 0 ? ": " : "|");
		if (r->ip.family != IP_NONE)
			ip_put(&b, &r->ip);
		if (r->preference > 0)
			buf_printf(&b, "%u ", r->preference);
		if (r->strings > 1)
			buf_printf(&b, "%u ", r->strings);
		buf_span(&b, r->text);
	}
	if (a->alias.p != NULL) {
		buf_text(&b, " -> ");
		buf_span(&b, a->alias);
	}
	buf_text(&b, a->is_secure ? " secure" : "");
	buf_printf(&b, " %u", a->ttl);
	assert_false(b.full);
}

static void
expect_dns_zone(struct dns_source *zone, const char *name, enum dns_type type,
    const char *want)
{
	const struct dns_answer *a = ask_dns_zone(zone, name, type);
	char text[4096];

	describe(a, text, sizeof(text));
	if (strcmp(text, want) != 0)
		fail_msg("%s %s: got \"%s\", want \"%s\"", name,
		    dns_type_name(type), text, want);
	dns_answer_unref(a);
}

static const char records[] = "$TTL 300\n"
			      "$ORIGIN Example.ORG.\n"
			      "@ SOA ns hostmaster 1 2 3 4 60\n"
			      "  NS ns\n"
			      "  60 IN MX 10 Mail.Example.ORG.\n"
			      "     IN MX 20 mail2\n"
			      "  TXT \"v=spf1 \" \"-all\" ; a comment\n"
			      "  TXT other\n"
			      "  TXT other\n"
			      "mail A 192.0.2.1\n"
			      "mail AAAA 2001:db8::1\n"
			      "     AAAA ::ffff:192.0.2.9\n"
			      "odd TXT \"a;b(c)\\\"d\\\\e\\127\\255\" \"\"\n"
			      "long TXT ( \"one\" ; first\n"
			      "\t\"two\"\n"
			      "   ) \n"
			      "null MX 0 .\n"
			      "$ORIGIN in-addr.arpa.\r\n"
			      "1.2.0.192 1h PTR mail.example.org.\r\n"
			      "srv.example.org. SRV 0 0 25 mail\n"
			      "_25._tcp.mail.example.org. TLSA 3 1 1 AB01\n"
			      ";!secure _25._tcp.mail.example.org. TLSA\n"
			      "dotted\\.label.example.org. A 192.0.2.3\n";

static void
records_of_all_types(void **state)
{
	struct dns_source *z = pump_zone(records);

	(void)state;
	expect_dns_zone(
	    z, "example.org", DNS_TXT, "found: 2 v=spf1 -all|other 300");
	expect_dns_zone(z, "example.org", DNS_MX,
	    "found: 10 mail.example.org|20 mail2.example.org 60");
	expect_dns_zone(z, "example.org", DNS_NS, "found: ns.example.org 300");
	expect_dns_zone(z, "example.org", DNS_SOA, "found: ns.example.org 300");
	expect_dns_zone(z, "mail.example.org", DNS_A, "found: 192.0.2.1 300");
	expect_dns_zone(z, "mail.example.org", DNS_AAAA,
	    "found: 2001:db8::1|::ffff:192.0.2.9 300");
	expect_dns_zone(
	    z, "odd.example.org", DNS_TXT, "found: 2 a;b(c)\"d\\e\177\377 300");
	expect_dns_zone(z, "long.example.org", DNS_TXT, "found: 2 onetwo 300");
	expect_dns_zone(z, "null.example.org", DNS_MX, "found:  300");
	expect_dns_zone(z, "1.2.0.192.in-addr.arpa", DNS_PTR,
	    "found: mail.example.org 3600");
	expect_dns_zone(z, "srv.example.org", DNS_TXT, "nodata 60");
	expect_dns_zone(z, "_25._tcp.mail.example.org", DNS_TLSA,
	    "found: 3 1 1 ab01 secure 300");
	/* a dot inside a label does not separate labels */
	expect_dns_zone(z, "dotted.label.example.org", DNS_A, "nxdomain 60");
	expect_dns_zone(
	    z, "dotted?label.example.org", DNS_A, "found: 192.0.2.3 300");
	z->close(z);
}

/* RFC 8020: a name with names below it exists.  RFC 2308: the TTL of negative
 * answers. */
static void
rfc8020_nxdomain_and_nodata(void **state)
{
	struct dns_source *z =
	    pump_zone("a.b.c.example. 600 TXT x\n"
		      "soa.example. 30 SOA a b 1 2 3 4 900\n");

	(void)state;
	expect_dns_zone(z, "a.b.c.example", DNS_TXT, "found: x 600");
	expect_dns_zone(z, "a.b.c.example", DNS_A, "nodata 0");
	expect_dns_zone(z, "b.c.example", DNS_TXT, "nodata 0");
	expect_dns_zone(z, "c.example", DNS_TXT, "nodata 0");
	expect_dns_zone(z, "example", DNS_TXT, "nodata 0");
	expect_dns_zone(z, "x.c.example", DNS_TXT, "nxdomain 0");
	expect_dns_zone(z, "x.a.b.c.example", DNS_TXT, "nxdomain 0");
	expect_dns_zone(z, "org", DNS_TXT, "nxdomain 0");
	expect_dns_zone(z, "x.soa.example", DNS_TXT, "nxdomain 30");
	expect_dns_zone(z, "soa.example", DNS_TXT, "nodata 30");
	z->close(z);
}

/* RFC 4592 section 2.2.1: the example in the RFC, shortened. */
static void
rfc4592_wildcards(void **state)
{
	struct dns_source *z =
	    pump_zone("$ORIGIN example.\n"
		      "*          3600 TXT   wild\n"
		      "*          3600 MX    10 host1\n"
		      "sub.*      3600 TXT   under\n"
		      "host1      3600 A     192.0.2.1\n"
		      "_ssh._tcp.host1 3600 SRV 0 0 22 host1\n"
		      "*.alias    60 CNAME  host1\n");

	(void)state;
	expect_dns_zone(
	    z, "host3.example", DNS_MX, "found: 10 host1.example 3600");
	expect_dns_zone(z, "host3.example", DNS_A, "nodata 0");
	expect_dns_zone(z, "foo.bar.example", DNS_TXT, "found: wild 3600");
	expect_dns_zone(z, "host1.example", DNS_MX, "nodata 0");
	expect_dns_zone(z, "sub.*.example", DNS_MX, "nodata 0");
	expect_dns_zone(z, "_telnet._tcp.host1.example", DNS_TXT, "nxdomain 0");
	expect_dns_zone(z, "ghost.*.example", DNS_MX, "nxdomain 0");
	expect_dns_zone(z, "*.example", DNS_TXT, "found: wild 3600");
	expect_dns_zone(z, "x.y.alias.example", DNS_A,
	    "found: 192.0.2.1 -> host1.example 60");
	expect_dns_zone(z, "alias.example", DNS_A, "nodata 0");
	z->close(z);
}

static void
cnames(void **state)
{
	char text[2048] = "";
	struct buf b = buf_wrap(text, sizeof(text));
	struct dns_source *z;

	(void)state;
	buf_text(&b,
	    "a.loop. CNAME b.loop.\nb.loop. CNAME a.loop.\n"
	    "self. CNAME self.\n"
	    "out. 5 CNAME missing.example.\n"
	    "data. 5 CNAME c9.\nc9. A 192.0.2.9\n"
	    "bad. CNAME broken.\n;!failed broken ANY servfail\n");
	for (int i = 0; i < 9; i++)
		buf_printf(&b, "c%d. %d CNAME c%d.\n", i, 100 + i, i + 1);
	z = pump_zone(text);
	expect_dns_zone(z, "c1", DNS_A, "found: 192.0.2.9 -> c9 101");
	expect_dns_zone(z, "c0", DNS_A, "failed garbled 0");
	expect_dns_zone(z, "c0", DNS_CNAME, "found: c1 100");
	expect_dns_zone(z, "a.loop", DNS_A, "failed garbled 0");
	expect_dns_zone(z, "self", DNS_A, "failed garbled 0");
	expect_dns_zone(z, "out", DNS_A, "nxdomain -> missing.example 0");
	expect_dns_zone(z, "data", DNS_TXT, "nodata -> c9 0");
	expect_dns_zone(z, "bad", DNS_TXT, "failed servfail 0");
	z->close(z);
}

static void
marks(void **state)
{
	static const char text[] =
	    ";!failed Timeout.example. ANY timeout\n"
	    ";!failed one.example TXT refused\n"
	    "one.example. MX 10 one.example.\n"
	    ";!nxdomain empty.example ANY\n"
	    "below.empty.example. A 192.0.2.1\n"
	    "  ;!failed not.at.the.start A servfail\n"
	    ";\t!nothing\n"
	    ";!alias\taliased.example A target.example.\n"
	    "aliased.example. A 192.0.2.2\n"
	    ";!failed a\\032b.example TXT servfail\n"
	    ";!failed mixed.example ANY servfail\n"
	    ";!nxdomain mixed.example A\n"
	    "wild.*.example. A 192.0.2.2\n";
	struct dns_source *z = pump_zone(text);

	(void)state;
	expect_dns_zone(z, "timeout.example", DNS_TXT, "failed timeout 0");
	expect_dns_zone(z, "timeout.example", DNS_PTR, "failed timeout 0");
	expect_dns_zone(z, "x.timeout.example.org", DNS_PTR, "nxdomain 0");
	expect_dns_zone(z, "one.example", DNS_TXT, "failed refused 0");
	expect_dns_zone(z, "one.example", DNS_MX, "found: 10 one.example 3600");
	expect_dns_zone(z, "empty.example", DNS_TXT, "nxdomain 0");
	expect_dns_zone(
	    z, "below.empty.example", DNS_A, "found: 192.0.2.1 3600");
	expect_dns_zone(z, "not.at.the.start", DNS_A, "nxdomain 0");
	expect_dns_zone(z, "a b.example", DNS_TXT, "failed servfail 0");
	expect_dns_zone(z, "mixed.example", DNS_TXT, "failed servfail 0");
	expect_dns_zone(z, "mixed.example", DNS_A, "nxdomain 0");
	expect_dns_zone(z, "aliased.example", DNS_A,
	    "found: 192.0.2.2 -> target.example 3600");
	z->close(z);
}

struct bad {
	const char *text;
	const char *error;
};

static void
errors_name_file_line_and_fix(void **state)
{
	static const struct bad bad[] = {
		{ "a. A 192.0.2.1\n\nb. A 192.0.2\n", "test:3: not a record" },
		{ "a. A\n", "test:1: not a record" },
		{ "a. NOSUCH x\n", "test:1: not a record" },
		{ "; c\n$INCLUDE other\n", "test:2: only $ORIGIN and $TTL" },
		{ "$ORIGIN\n", "test:1: only $ORIGIN and $TTL" },
		{ "$ORIGIN  \n", "test:1: no name" },
		{ "$TTL x\n", "test:1: no time" },
		{ "a. TXT \"x\ny\"\n", "test:1: a quote" },
		{ "a. TXT \"x", "test:1: a quote" },
		{ "a. TXT x\\", "test:1: a quote" },
		{ "\na. TXT (\n x\n", "test:2: a quote" },
		{ "a. TXT x)\n", "test:1: a quote" },
		{ "a. CH TXT x\n", "test:1: only class IN" },
		{ "a. CNAME b.\na. CNAME c.\n",
		    "test:2: this name already has another CNAME" },
		{ ";!failed a TXT\n", "test:1: not of the form" },
		{ ";!failed a TXT nosuch\n", "test:1: not of the form" },
		{ ";!failed a NOSUCH timeout\n", "test:1: not of the form" },
		{ ";!failed\n", "test:1: not of the form" },
		{ ";!alias a TXT\n", "test:1: not of the form" },
		{ ";!nosuch a TXT x\n", "test:1: not of the form" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char error[200] = "";
		struct dns_source *z = dns_zone_parse(
		    "test", span_str(bad[i].text), error, sizeof(error));

		if (z != NULL ||
		    strncmp(error, bad[i].error, strlen(bad[i].error)) != 0)
			fail_msg("\"%s\": got \"%s\", want \"%s\"", bad[i].text,
			    error, bad[i].error);
	}
}

static void
a_nul_byte_is_an_error(void **state)
{
	static const struct span texts[] = { { "a. A 192.0.2.1\n\0", 16 },
		{ "a. TXT \"\0\"", 10 }, { "a. TXT \\\0", 9 },
		{ ";!failed a A\0", 13 } };
	char error[200];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_null(
		    dns_zone_parse("test", texts[i], error, sizeof(error)));
		assert_non_null(strstr(error, "NUL byte"));
	}
}

/* An entry has at most DNS_ZONE_ENTRY_MAX bytes, and a TXT record is
 * limited as in packet.h. */
static void
limits(void **state)
{
	size_t n = DNS_ZONE_ENTRY_MAX + 100;
	char *text = malloc(n);
	char error[200];
	struct buf b = buf_wrap(text, n);
	struct dns_source *z;
	const struct dns_answer *a;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	assert_null(
	    dns_zone_parse("t", span_of(text, n), error, sizeof(error)));
	assert_string_equal(error, "t:1: the entry is too long; shorten it");

	buf_text(&b, "a. TXT");
	for (int i = 0; i < 47; i++) {
		buf_text(&b, " \"");
		for (int k = 0; k < 255; k++)
			buf_text(&b, "\\001");
		buf_text(&b, "\"");
	}
	z = dns_zone_parse("t", buf_view(&b), error, sizeof(error));
	assert_non_null(z);
	a = ask_dns_zone(z, "a", DNS_TXT);
	assert_int_equal(a->records[0].text.n, 47 * 255);
	assert_int_equal(a->records[0].strings, 47);
	dns_answer_unref(a);
	z->close(z);

	buf_cut(&b, 0);
	for (int i = 0; i < DNS_RECORDS_MAX; i++)
		buf_printf(&b, "a. MX %d b.\n", i);
	z = dns_zone_parse("t", buf_view(&b), error, sizeof(error));
	assert_non_null(z);
	a = ask_dns_zone(z, "a", DNS_MX);
	assert_int_equal(a->n_records, DNS_RECORDS_MAX);
	dns_answer_unref(a);
	z->close(z);

	buf_printf(&b, "a. MX %d b.\n", DNS_RECORDS_MAX);
	z = dns_zone_parse("t", buf_view(&b), error, sizeof(error));
	assert_non_null(z);
	expect_dns_zone(z, "a", DNS_MX, "failed garbled 0");
	z->close(z);
	free(text);
}

static void
many_names(void **state)
{
	enum { NAMES = 5000 };
	size_t n = NAMES * 40;
	char *text = malloc(n);
	struct buf b = buf_wrap(text, n);
	struct dns_source *z;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < NAMES; i++)
		buf_printf(
		    &b, "n%u.example. A 192.0.%u.%u\n", i, i / 256, i % 256);
	z = pump_zone(text);
	for (unsigned i = 0; i < NAMES; i += 7) {
		char name[40], want[60];

		snprintf(name, sizeof(name), "n%u.example", i);
		snprintf(want, sizeof(want), "found: 192.0.%u.%u 3600", i / 256,
		    i % 256);
		expect_dns_zone(z, name, DNS_A, want);
	}
	z->close(z);
	free(text);
}

static void
files(void **state)
{
	char path[] = "/tmp/avouch-zone-XXXXXX";
	int fd = mkstemp(path);
	char error[200];
	struct dns_source *z;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a. A 192.0.2.1\n", 15), 15);
	z = dns_zone_open(path, error, sizeof(error));
	assert_non_null(z);
	expect_dns_zone(z, "a", DNS_A, "found: 192.0.2.1 3600");
	z->close(z);
	assert_int_equal(write(fd, "b. x\n", 5), 5);
	assert_null(dns_zone_open(path, error, sizeof(error)));
	assert_non_null(strstr(error, ":2: "));
	close(fd);
	unlink(path);
	assert_null(dns_zone_open(path, error, sizeof(error)));
	assert_non_null(strstr(error, "cannot be opened"));
	z = dns_zone_parse("empty", SPAN_NONE, error, sizeof(error));
	assert_non_null(z);
	expect_dns_zone(z, "a", DNS_A, "nxdomain 0");
	z->close(z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_of_all_types),
		cmocka_unit_test(rfc8020_nxdomain_and_nodata),
		cmocka_unit_test(rfc4592_wildcards),
		cmocka_unit_test(cnames),
		cmocka_unit_test(marks),
		cmocka_unit_test(errors_name_file_line_and_fix),
		cmocka_unit_test(a_nul_byte_is_an_error),
		cmocka_unit_test(limits),
		cmocka_unit_test(many_names),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
