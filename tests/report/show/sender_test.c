/* sender_test.c - who sent the mail in a report row */
#include "report/show/sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/cmocka_compat.h"

static void
test_sender_of_row(void **state)
{
	static const struct {
		const char *signer, *second, *result, *spf, *spf_result, *want;
		enum sender_kind kind;
	} senders[] = {
		{ "example.com", "", "pass", "", "none", "example.com",
		    SENDER_SIGNER },
		{ "example.com", "b.esp.example", "pass", "example.com", "pass",
		    "esp.example", SENDER_SIGNER },
		{ "example.com", "", "pass", "b.esp.example", "pass",
		    "esp.example", SENDER_ENVELOPE },
		{ "example.com", "", "pass", "b.esp.example", "fail",
		    "example.com", SENDER_SIGNER },
		{ "example.com", "", "fail", "lists.example.net", "pass",
		    "example.net", SENDER_ENVELOPE },
		{ "esp.example", "", "fail", "example.com", "softfail", "",
		    SENDER_SIGNER },
		{ "", "", "", "", "pass", "", SENDER_SIGNER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
		struct span result = span_str(senders[i].result);
		const struct report_row r = {
			.spf_domain = span_str(senders[i].spf),
			.spf_result = span_str(senders[i].spf_result),
			.dkim = { { span_str(senders[i].signer), SPAN("s"),
				      result },
			    { span_str(senders[i].second), SPAN("s"),
				result } },
			.n_dkim = (size_t)(senders[i].signer[0] != '\0') +
			    (senders[i].second[0] != '\0'),
		};
		enum sender_kind kind;
		struct span got = sender_of_row(SPAN("example.com"), &r, &kind);

		if (!span_is(got, senders[i].want) ||
		    (got.n > 0 && kind != senders[i].kind))
			fail_msg("%zu: %.*s", i, SPAN_FMT(got));
	}
}

static void
test_network(void **state)
{
	static const struct {
		const char *address, *want;
	} networks[] = { { "192.0.2.77", "192.0.2.0/24" },
		{ "2001:db8:1:2::3", "2001:db8:1::/48" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(networks); i++) {
		char memory[60];
		struct buf b = buf_wrap(memory, sizeof(memory));
		struct ip ip;

		assert_true(ip_parse(span_str(networks[i].address), &ip));
		sender_put_network(&b, &ip);
		assert_string_equal(memory, networks[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sender_of_row),
		cmocka_unit_test(test_network),
	};

	return cmocka_run_group_tests_name("sender", tests, NULL, NULL);
}
