/*
 * feedback_test.c - the fields of received failure reports: RFC 5965 section 3,
 * RFC 6591 section 3.1, RFC 9991 section 3.
 */
#include "report/receive/feedback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"

enum { TEXT_MAX = 2048, ARRIVED = 1767225600, LATER = ARRIVED + 86400 };

#define TYPE "Feedback-Type: auth-failure\n"
#define DOMAIN "Reported-Domain: example.com\n"

/* 994 bytes of Authentication-Results; 1000 are stored. */
#define TEN(text) text text text text text text text text text text
#define CUT_OFF TEN(TEN("12345678 ")) TEN("1234567 ") "smtp.mailfrom="

/* `want` is "reporter at domain source cause/alignment/delivery mail-from
 * dkim:selector incidents results", or the outcome. */
static const struct {
	const char *name, *part, *want;
} reports[] = {
	{ "RFC 6591 section 3.1: all fields",
	    TYPE "User-Agent: R/1\nVersion: 1\nSource-IP: 192.0.2.1\n"
		 "Original-Mail-From: <anne@b.example>\n"
		 "Original-Rcpt-To: <bob@c.example>\n"
		 "Arrival-Date: Thu, 1 Jan 2026 01:00:00 +0100\n"
		 "Reporting-MTA: dns; mx.c.example\nAuth-Failure: spf\n"
		 "Authentication-Results: mx.c.example; spf=fail\n"
		 "  smtp.mailfrom=anne@b.example\n" DOMAIN
		 "Delivery-Result: delivered\nIdentity-Alignment: dkim, spf\n"
		 "DKIM-Domain: D.example\nDKIM-Identity: @d.example\n"
		 "DKIM-Selector: S\nIncidents: 12\n",
	    "mx.c.example 1767225600 example.com 192.0.2.1 spf/dkim,spf/"
	    "delivered b.example d.example:s 12 mx.c.example; spf=fail "
	    "smtp.mailfrom=@b.example" },
	{ "names and values in another case, CRLF, comments",
	    "FEEDBACK-TYPE:Auth-Failure (x)\r\nauth-failure: DMARC (y)\r\n"
	    "reported-domain:\r\n EXAMPLE.com.\r\n",
	    "reporter.example 1767312000 example.com unknown dmarc// : 1 " },
	{ "the first of several fields is used",
	    TYPE DOMAIN "Reported-Domain: other.example\n"
			"Source-IP: 2001:DB8::1\nSource-IP: 192.0.2.1\n",
	    "reporter.example 1767312000 example.com 2001:db8::1 // : 1 " },
	{ "RFC 6591 section 3.1: Reported-Domain is missing, others have it",
	    TYPE "DKIM-Domain: d.example\nOriginal-Mail-From: a@b.example\n",
	    "reporter.example 1767312000 d.example unknown // b.example "
	    "d.example: 1 " },
	{ "the null sender", TYPE DOMAIN "Original-Mail-From: <>\n",
	    "reporter.example 1767312000 example.com unknown // : 1 " },
	{ "in the future, or not a date: the time of reading is used",
	    TYPE DOMAIN "Arrival-Date: Thu, 1 Jan 2099 00:00:00 +0000\n",
	    "reporter.example 1767312000 example.com unknown // : 1 " },
	{ "Received-Date, as RFC 5965 section 3.2 calls it",
	    TYPE DOMAIN "Arrival-Date: yesterday\n"
			"Received-Date: Thu, 1 Jan 2026 00:00:00 +0000\n",
	    "reporter.example 1767225600 example.com unknown // : 1 " },
	{ "incidents that are not plausible",
	    TYPE DOMAIN "Incidents: 99999999999\n",
	    "reporter.example 1767312000 example.com unknown // : 1 " },
	{ "an empty line between fields", TYPE "\n" DOMAIN,
	    "reporter.example 1767312000 example.com unknown // : 1 " },
	{ "control characters and addresses in results",
	    TYPE DOMAIN "Authentication-Results: \x1b[1m a@b <c.d+e@f> "
			"\"g h\"@i @j k@\n",
	    "reporter.example 1767312000 example.com unknown // : 1 "
	    "?[1m @b <@f> @i @j @" },
	{ "local parts with quotes, BATV, SRS, VERP and other alphabets",
	    TYPE DOMAIN
	    "Authentication-Results: mx; spf=fail smtp.mailfrom=\"john d\"@a;"
	    " dkim=fail Header.i=prvs=12ab=anna@b; SRS0=x=y=o.example=user@c "
	    "j\xc3\xb6rgen@d anna,bob@e list+anna=bank@f \"anna@g\" "
	    "\"a\\\"b c@h\" (anna=x@i) a.\"b c\".d@j x=\"k\\@k l\n",
	    "reporter.example 1767312000 example.com unknown // : 1 mx; "
	    "spf=fail smtp.mailfrom=@a; dkim=fail Header.i=@b; @c @d @e @f "
	    "@g\" @h\" (@i) @j @k l" },
	{ "a local part that is cut off",
	    TYPE DOMAIN "Authentication-Results: " CUT_OFF
			"anna.bella.carla.dora@b.example\n",
	    "reporter.example 1767312000 example.com unknown // : 1 " CUT_OFF },
	{ "a local part without a domain",
	    TYPE DOMAIN "Original-Mail-From: john.doe\n",
	    "reporter.example 1767312000 example.com unknown // : 1 " },
	{ "a local part is not the reported domain",
	    TYPE "Original-Mail-From: john.doe\n",
	    "a failure report without a Reported-Domain" },
	{ "section 3.1: a different type", "Feedback-Type: abuse\n" DOMAIN,
	    "other" },
	{ "no type", DOMAIN, "other" },
	{ "nothing", "", "other" },
	{ "no domain", TYPE, "a failure report without a Reported-Domain" },
};

static void
put_report(struct buf *b, const struct ledger_incident *r)
{
	buf_printf(b,
	    "%.*s %lld %.*s %.*s %.*s/%.*s/%.*s%s%.*s %.*s:%.*s %llu %.*s",
	    SPAN_FMT(r->reporter), (long long)r->at, SPAN_FMT(r->domain),
	    SPAN_FMT(r->source), SPAN_FMT(r->cause), SPAN_FMT(r->alignment),
	    SPAN_FMT(r->delivery), r->mail_from.n > 0 ? " " : "",
	    SPAN_FMT(r->mail_from), SPAN_FMT(r->dkim_domain),
	    SPAN_FMT(r->selector), (unsigned long long)r->incidents,
	    SPAN_FMT(r->results));
}

static void
feedback_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++) {
		char memory[TEXT_MAX];
		struct buf out = buf_wrap(memory, sizeof(memory));
		struct arena *a = arena_new(FEEDBACK_MEMORY);
		struct ledger_incident r;
		const char *reason;

		switch (feedback_read(span_str(reports[i].part),
		    SPAN("x@reporter.example"), LATER, a, &r, &reason)) {
		case FEEDBACK_DONE:
			put_report(&out, &r);
			break;
		case FEEDBACK_OTHER:
			buf_text(&out, "other");
			break;
		case FEEDBACK_REFUSED:
			buf_text(&out, reason);
			break;
		case FEEDBACK_MEMORY_LACKS:
			buf_text(&out, "memory");
			break;
		}
		if (strcmp(memory, reports[i].want) != 0)
			fail_msg("%s:\n%s\nwant:\n%s", reports[i].name, memory,
			    reports[i].want);
		arena_free(a);
	}
}

static void
feedback_memory(void **state)
{
	(void)state;
	for (unsigned long nth = 1; nth < 30; nth++) {
		struct arena *a = arena_new(FEEDBACK_MEMORY);
		struct ledger_incident r;
		const char *reason;
		enum feedback_end end;

		arena_fail_at(a, nth);
		end = feedback_read(
		    span_str(reports[0].part), SPAN(""), LATER, a, &r, &reason);
		assert_int_equal(end,
		    arena_has_failed(a) ? FEEDBACK_MEMORY_LACKS
					: FEEDBACK_DONE);
		arena_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(feedback_fields),
		cmocka_unit_test(feedback_memory),
	};

	return cmocka_run_group_tests_name("feedback", tests, NULL, NULL);
}
