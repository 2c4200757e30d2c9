/*
 * failure_message_test.c - failure reports as messages (RFC 5965, RFC 6591).
 */
#include "report/write/failure_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/failure_sample.h"

static void
rfc5965_3_2_incidents(void **state)
{
	const struct mime_message letter = {
		.from = SPAN("us@b.example"),
		.to = SPAN("r@a.example"),
		.domain = SPAN("a.example"),
		.submitter = SPAN("b.example"),
		.report_id = SPAN("20241004abc"),
		.message_id = SPAN("20241004abc.1@b.example"),
		.date = FAILURE_NOW,
	};
	struct ledger_failure f = {
		.author = SPAN("a.example"),
		.source = SPAN("192.0.2.1"),
		.subject = SPAN("Re: x"),
		.feedback = SPAN("Feedback-Type: auth-failure\n"),
		.header = SPAN("From: <a@b>\n"),
		.incidents = 1,
	};
	uint64_t incidents[] = { 1, 2, UINT64_MAX };
	const char *const want[] = { "", "Incidents: 2\n",
		"Incidents: 4294967295\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(incidents); i++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		f.incidents = incidents[i];
		assert_true(failure_letter_write(out, &letter, &f));
		fclose(out);
		text_has(text, "\nSubject: FW: Re: x\n");
		text_has(text,
		    "\nContent-Type: multipart/report; "
		    "report-type=feedback-report;\n"
		    " boundary=\"=_20241004abc\"\n");
		text_has(text, want[i]);
		if (i == 0)
			text_lacks(text, "Incidents");
		text_has(text, "\n--=_20241004abc--\n");
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc5965_3_2_incidents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
