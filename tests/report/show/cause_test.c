/* cause_test.c - why the mail of a report row fails */
#include "report/show/cause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/cmocka_compat.h"

static const struct {
	const char *name;
	bool dkim, spf, own_host;
	const char *signer, *signature, *spf_domain, *spf_result, *override;
	enum view_cause want;
	const char *as;
} rows[] = {
	{ .name = "signed",
	    .dkim = true,
	    .signer = "example.com",
	    .signature = "pass",
	    .spf_domain = "",
	    .spf_result = "none",
	    .override = "",
	    .want = VIEW_GOOD,
	    .as = "" },
	{ .name = "both",
	    .dkim = true,
	    .spf = true,
	    .signer = "example.com",
	    .signature = "pass",
	    .spf_domain = "example.com",
	    .spf_result = "pass",
	    .override = "",
	    .want = VIEW_GOOD,
	    .as = "" },
	{ .name = "only SPF",
	    .spf = true,
	    .signer = "",
	    .signature = "",
	    .spf_domain = "example.com",
	    .spf_result = "pass",
	    .override = "",
	    .want = VIEW_SPF_ONLY,
	    .as = "" },
	{ .name = "SPF and a third party's signature",
	    .spf = true,
	    .signer = "esp.example",
	    .signature = "pass",
	    .spf_domain = "example.com",
	    .spf_result = "pass",
	    .override = "",
	    .want = VIEW_SPF_ONLY,
	    .as = "" },
	{ .name = "SPF and a broken signature",
	    .spf = true,
	    .signer = "mail.example.com",
	    .signature = "fail",
	    .spf_domain = "example.com",
	    .spf_result = "pass",
	    .override = "",
	    .want = VIEW_BROKEN,
	    .as = "" },
	{ .name = "reported as a mailing list",
	    .signer = "",
	    .signature = "",
	    .spf_domain = "lists.example",
	    .spf_result = "pass",
	    .override = "mailing_list",
	    .want = VIEW_FORWARDER,
	    .as = "lists.example" },
	{ .name = "changed by a mailing list",
	    .signer = "example.com",
	    .signature = "fail",
	    .spf_domain = "lists.example",
	    .spf_result = "pass",
	    .override = "",
	    .want = VIEW_FORWARDER,
	    .as = "lists.example" },
	{ .name = "an ESP, from its signature",
	    .signer = "esp.example",
	    .signature = "pass",
	    .spf_domain = "b.example",
	    .spf_result = "pass",
	    .override = "",
	    .want = VIEW_UNALIGNED,
	    .as = "esp.example" },
	{ .name = "an ESP, from SPF",
	    .signer = "",
	    .signature = "",
	    .spf_domain = "b.esp.example",
	    .spf_result = "pass",
	    .override = "",
	    .want = VIEW_UNALIGNED,
	    .as = "b.esp.example" },
	{ .name = "nothing passes",
	    .signer = "",
	    .signature = "",
	    .spf_domain = "example.com",
	    .spf_result = "softfail",
	    .override = "",
	    .want = VIEW_SPOOF,
	    .as = "" },
	{ .name = "nothing passes, from a host of the domain",
	    .own_host = true,
	    .signer = "",
	    .signature = "",
	    .spf_domain = "example.com",
	    .spf_result = "softfail",
	    .override = "",
	    .want = VIEW_OWN_SERVER,
	    .as = "" },
	{ .name = "a host of the domain, and all passes",
	    .dkim = true,
	    .own_host = true,
	    .signer = "example.com",
	    .signature = "pass",
	    .spf_domain = "",
	    .spf_result = "none",
	    .override = "",
	    .want = VIEW_GOOD,
	    .as = "" },
	{ .name = "nobody, with a stranger's broken signature",
	    .signer = "a.example",
	    .signature = "fail",
	    .spf_domain = "",
	    .spf_result = "none",
	    .override = "local_policy",
	    .want = VIEW_SPOOF,
	    .as = "" },
};

static void
test_row_cause(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct report_row r = {
			.dkim_aligned = rows[i].dkim,
			.spf_aligned = rows[i].spf,
			.spf_domain = span_str(rows[i].spf_domain),
			.spf_result = span_str(rows[i].spf_result),
			.override = span_str(rows[i].override),
			.dkim = { { span_str(rows[i].signer), SPAN("s"),
			    span_str(rows[i].signature) } },
			.n_dkim = rows[i].signer[0] != '\0',
		};
		struct span as;
		enum view_cause got = view_row_cause(
		    SPAN("example.com"), &r, rows[i].own_host, &as);

		if (got != rows[i].want || !span_is(as, rows[i].as))
			fail_msg("%s: %s as %.*s", rows[i].name,
			    view_cause_name(got), SPAN_FMT(as));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row_cause),
	};

	return cmocka_run_group_tests_name("cause", tests, NULL, NULL);
}
