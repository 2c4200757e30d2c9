/*
 * tls_json_test.c - TLS reports: RFC 8460 section 4.4, common deviations, and
 * refused documents.
 */
#include "report/receive/tls_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"

enum { TEXT_MAX = 2048 };

#define RANGE                                                                  \
	"\"date-range\":{\"start-datetime\":\"2026-01-01T00:00:00Z\","         \
	"\"end-datetime\":\"2026-01-01T23:59:59Z\"}"
#define NAMES                                                                  \
	"\"organization-name\":\"Org\",\"contact-info\":\"c@org.example\","    \
	"\"report-id\":\"id\""
#define POLICY(TYPE)                                                           \
	"\"policy\":{\"policy-type\":\"" TYPE "\","                            \
	"\"policy-domain\":\"example.com\"}"
#define SUMMARY(GOOD, BAD)                                                     \
	"\"summary\":{\"total-successful-session-count\":" GOOD ","            \
	"\"total-failure-session-count\":" BAD "}"
#define DETAIL(RESULT, N)                                                      \
	"{\"result-type\":\"" RESULT "\",\"receiving-mx-hostname\":"           \
	"\"MX.example.com\",\"failed-session-count\":" N "}"
#define REPORT(MORE) "{" RANGE "," NAMES ",\"policies\":[" MORE "]}"
#define HEAD "Org id 1767225600-1767311999"

static const struct {
	const char *name, *json;
	const char *want; /* the head, then lines "DOMAIN POLICY RESULT MX N";
	                     or the reason for refusal */
} reports[] = {
	{ "RFC 8460 appendix B",
	    REPORT("{" POLICY("sts") "," SUMMARY("5326",
		"303") ","
		       "\"failure-details\":[" DETAIL("certificate-expired",
			   "100") "," DETAIL("starttls-not-supported",
			   "200") ","
				  "{\"result-type\":\"validation-failure\","
				  "\"receiving-ip\":"
				  "\"198.51.100.58\",\"failed-session-count\":"
				  "3}]}"),
	    HEAD "\nexample.com sts success  5326"
		 "\nexample.com sts certificate-expired mx.example.com 100"
		 "\nexample.com sts starttls-not-supported mx.example.com 200"
		 "\nexample.com sts validation-failure 198.51.100.58 3" },
	{ "section 4.4: failures without details",
	    REPORT("{" POLICY("tlsa") "," SUMMARY("1", "10") "}"),
	    HEAD "\nexample.com tlsa success  1"
		 "\nexample.com tlsa unspecified  10" },
	{ "more failures in the details than in the sum",
	    REPORT("{" POLICY("sts") "," SUMMARY(
		"0", "1") ","
			  "\"failure-details\":" DETAIL(
			      "sts-policy-invalid", "4") "}"),
	    HEAD "\nexample.com sts success  0"
		 "\nexample.com sts sts-policy-invalid mx.example.com 4" },
	{ "a failed session is not a success",
	    REPORT("{" POLICY("sts") "," SUMMARY(
		"3", "7") ",\"failure-details\":[" DETAIL("Success", "7") "]}"),
	    HEAD "\nexample.com sts success  3"
		 "\nexample.com sts unspecified mx.example.com 7" },
	{ "no policies", REPORT(""), HEAD },
	{ "a byte order mark, white space, unknown members",
	    "\n\xef\xbb\xbf { \"x\" : [ { } , null ], " RANGE "," NAMES
	    ",\"policies\" : [ ] } \r\n",
	    HEAD },
	{ "numbers as strings and with fractions, null",
	    REPORT("{" POLICY("sts") "," SUMMARY(
		"\"1,000\"", "2.0") ",\"failure-details\":null}"),
	    HEAD "\nexample.com sts success  1000"
		 "\nexample.com sts unspecified  2" },
	{ "arrays instead of strings, a domain in another form",
	    "{" RANGE ",\"organization-name\":[\"Org\",\"x\"],\"report-id\":"
	    "[\"id\"],\"policies\":[{\"policy\":{\"policy-domain\":"
	    "[\"B\\u00dcCHER.example.\"]}}]}",
	    HEAD "\nxn--bcher-kva.example  success  0" },
	{ "without an organisation the contact is used",
	    "{" RANGE ",\"contact-info\":\"c\","
	    "\"report-id\":\"id\",\"policies\":[]}",
	    "c id 1767225600-1767311999" },
	{ "one date; without an offset, in the wrong order",
	    "{" NAMES ",\"date-range\":{\"start-datetime\":\"2026-01-02\","
	    "\"end-datetime\":\"2026-01-01T00:00:00\"},\"policies\":[]}",
	    "Org id 1767225600-1767312000" },
	{ "control characters in names and in a result",
	    "{" RANGE ",\"organization-name\":\"a\\u001b[1m\\u202e\\nb\","
	    "\"report-id\":\"id\",\"policies\":[{" POLICY("s\\tt\\u007f") "}]}",
	    "a?[1m??? b id 1767225600-1767311999"
	    "\nexample.com st? success  0" },
	/* refused documents */
	{ "nothing", "", "not valid JSON, or it was cut off" },
	{ "cut off", "{" RANGE, "not valid JSON, or it was cut off" },
	{ "bytes that are not UTF-8", "{\"policies\":[\"\xff\"]}",
	    "not valid JSON, or it was cut off" },
	{ "a NUL in a string", "{\"policies\":[\"\\u0000\"]}",
	    "not valid JSON, or it was cut off" },
	{ "an array", "[]", "not a TLS report: it has no \"policies\"" },
	{ "another object", "{\"policies\":{}}",
	    "not a TLS report: it has no \"policies\"" },
	{ "no date", "{" NAMES ",\"policies\":[]}",
	    "its date range is missing" },
	{ "no domain", REPORT("{}"), "the domain of a policy is missing" },
	{ "a policy that is not an object", REPORT("1"),
	    "the domain of a policy is missing" },
	{ "a negative number",
	    REPORT("{" POLICY("sts") "," SUMMARY("-1", "0") "}"),
	    "its session count is not plausible" },
	{ "a number that is too large",
	    REPORT("{" POLICY("sts") "," SUMMARY("1000000000001", "0") "}"),
	    "its session count is not plausible" },
	{ "a sum that is too large",
	    REPORT("{" POLICY("sts") "," SUMMARY(
		"1000000000000", "1000000000000") "}"),
	    "its session count is not plausible" },
	{ "half a session",
	    REPORT("{" POLICY("sts") "," SUMMARY("0.5", "0") "}"),
	    "a session count is not a valid number" },
	{ "a word", REPORT("{" POLICY("sts") "," SUMMARY("\"x\"", "0") "}"),
	    "a session count is not a valid number" },
	{ "nested", "[[[[[[[[[[[[[[[[[",
	    "JSON nested more than 16 levels deep" },
};

static void
put_tls(struct buf *b, const struct ledger_tls *r)
{
	buf_printf(b, "%.*s %.*s %lld-%lld", SPAN_FMT(r->organisation),
	    SPAN_FMT(r->report_id), (long long)r->begin, (long long)r->end);
	for (size_t i = 0; i < r->n; i++)
		buf_printf(b, "\n%.*s %.*s %.*s %.*s %llu",
		    SPAN_FMT(r->results[i].domain),
		    SPAN_FMT(r->results[i].policy),
		    SPAN_FMT(r->results[i].result), SPAN_FMT(r->results[i].mx),
		    (unsigned long long)r->results[i].sessions);
}

static void
tls_reports(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++) {
		char memory[TEXT_MAX];
		struct buf out = buf_wrap(memory, sizeof(memory));
		struct arena *a = arena_new(TLS_JSON_ARENA_MAX);
		struct ledger_tls r;
		const char *reason;
		enum tls_json_end end =
		    tls_json_read(span_str(reports[i].json), a, &r, &reason);

		assert_int_not_equal(end, TLS_JSON_MEMORY);
		if (end == TLS_JSON_DONE)
			put_tls(&out, &r);
		else
			buf_text(&out, reason);
		if (strcmp(memory, reports[i].want) != 0)
			fail_msg("%s:\n%s\nwant:\n%s", reports[i].name, memory,
			    reports[i].want);
		arena_free(a);
	}
}

static void
tls_memory(void **state)
{
	(void)state;
	for (unsigned long nth = 1; nth < 40; nth++) {
		struct arena *a = arena_new(TLS_JSON_ARENA_MAX);
		struct ledger_tls r;
		const char *reason;
		enum tls_json_end end;

		arena_fail_at(a, nth);
		end = tls_json_read(span_str(reports[0].json), a, &r, &reason);
		assert_int_equal(
		    end, arena_has_failed(a) ? TLS_JSON_MEMORY : TLS_JSON_DONE);
		arena_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_reports),
		cmocka_unit_test(tls_memory),
	};

	return cmocka_run_group_tests_name("tls_json", tests, NULL, NULL);
}
