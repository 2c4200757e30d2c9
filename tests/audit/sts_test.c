/* sts_test.c - MTA-STS policies (RFC 8461) */
#include "audit/domain/sts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/enum_names.h"

#define AGE "max_age: 604800\n"

static const struct {
	const char *name, *text;
	const char *why; /* NULL: valid */
	enum sts_mode mode;
	uint64_t max_age;
	size_t patterns;
} policies[] = {
	{ .name = "3.2 the example",
	    .text = "version: STSv1\nmode: enforce\nmx: mail.example.com\n"
		    "mx: *.example.net\nmx: backupmx.example.com\n" AGE,
	    .mode = STS_MODE_ENFORCE,
	    .max_age = 604800,
	    .patterns = 3 },
	{ .name = "3.2 CRLF, another order",
	    .text = "mx: a.example\r\nmax_age: 0\r\nmode: testing\r\n"
		    "version: STSv1\r\n\r\n",
	    .mode = STS_MODE_TESTING,
	    .patterns = 1 },
	{ .name = "3.2 none needs no mx",
	    .text = "version: STSv1\nmode: none\n" AGE,
	    .mode = STS_MODE_NONE,
	    .max_age = 604800 },
	{ .name = "3.2 other fields are ignored",
	    .text = "version: STSv1\nmode: none\nx-note: hello: there\n" AGE,
	    .mode = STS_MODE_NONE,
	    .max_age = 604800 },
	{ .name = "3.2 the first of repeated fields counts",
	    .text = "version: STSv1\nmode: none\nmode: enforce\n" AGE,
	    .mode = STS_MODE_NONE,
	    .max_age = 604800 },
	{ "3.2 enforce needs mx", "version: STSv1\nmode: enforce\n" AGE,
	    .why = "mx is missing" },
	{ "3.2 no version", "mode: none\n" AGE, .why = "version is missing" },
	{ "3.2 another version", "version: STSv2\nmode: none\n" AGE,
	    .why = "version is not STSv1" },
	{ "3.2 no mode", "version: STSv1\n" AGE, .why = "mode is missing" },
	{ "3.2 another mode", "version: STSv1\nmode: on\n" AGE,
	    .why = "mode is not enforce, testing or none" },
	{ "3.2 no max_age", "version: STSv1\nmode: none\n",
	    .why = "max_age is missing" },
	{ "3.2 max_age of more than a year",
	    "version: STSv1\nmode: none\nmax_age: 31557601\n",
	    .why = "max_age is not a number of seconds up to 31557600" },
	{ "3.2 max_age with a unit",
	    "version: STSv1\nmode: none\nmax_age: 7d\n",
	    .why = "max_age is not a number of seconds up to 31557600" },
	{ "3.2 an address is not a pattern",
	    "version: STSv1\nmode: enforce\nmx: [192.0.2.1]\n" AGE,
	    .why =
		"mx is neither a host name nor \"*.\" followed by a domain" },
	{ "3.2 a line without a colon", "version: STSv1\nmode none\n" AGE,
	    .why = "a line is not of the form \"name: value\"" },
	{ "empty", "", .why = "version is missing" },
};

static void
rfc8461_3_2_policies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		struct sts_policy p;
		const char *why =
		    sts_policy_parse(span_str(policies[i].text), &p);

		if (policies[i].why != NULL || why != NULL) {
			if (why == NULL || policies[i].why == NULL ||
			    strcmp(why, policies[i].why) != 0)
				fail_msg("%s: %s", policies[i].name,
				    why != NULL ? why : "valid");
			continue;
		}
		assert_int_equal(p.mode, policies[i].mode);
		assert_int_equal(p.max_age, policies[i].max_age);
		assert_int_equal(p.n_patterns, policies[i].patterns);
	}
}

static void
rfc8461_3_2_patterns_are_bounded(void **state)
{
	char text[STS_PATTERNS_MAX * 16 + 256];
	struct buf b = buf_wrap(text, sizeof(text));
	struct sts_policy p;

	(void)state;
	buf_text(&b, "version: STSv1\nmode: enforce\n" AGE);
	for (size_t i = 0; i < STS_PATTERNS_MAX; i++)
		buf_text(&b, "mx: a.example\n");
	assert_null(sts_policy_parse(buf_view(&b), &p));
	buf_text(&b, "mx: a.example\n");
	assert_string_equal(
	    sts_policy_parse(buf_view(&b), &p), "too many mx fields");
}

static const struct {
	const char *pattern, *host;
	bool covers;
} hosts[] = {
	{ "mx.example.com", "mx.example.com", true },
	{ "mx.example.com", "MX.Example.COM", true },
	{ "mx.example.com", "mx2.example.com", false },
	{ "*.example.com", "mx.example.com", true },
	/* "*" matches exactly one label, RFC 6125 section 6.4.3 */
	{ "*.example.com", "a.mx.example.com", false },
	{ "*.example.com", "example.com", false },
	{ "*.example.com", "mx.example.com.evil.example", false },
};

static void
rfc8461_4_1_hosts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct sts_policy p = { .n_patterns = 1 };

		p.patterns[0] = span_str(hosts[i].pattern);
		if (sts_policy_covers(&p, span_str(hosts[i].host)) !=
		    hosts[i].covers)
			fail_msg("%s %s", hosts[i].pattern, hosts[i].host);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8461_3_2_policies),
		cmocka_unit_test(rfc8461_3_2_patterns_are_bounded),
		cmocka_unit_test(rfc8461_4_1_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
