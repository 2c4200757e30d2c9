/*
 * date_test.c - days and times: RFC 3339 sections 5.6 and 5.8, RFC 5322 section
 * 3.3
 */
#include "lib/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/enum_names.h"

enum { NONE = -1, DAY = 86400 };

static const struct {
	const char *text;
	int64_t want;     /* NONE: not a valid day */
	const char *rest; /* the text after the date */
} days[] = {
	{ "1970-01-01", 0, "" },
	{ "2026-11-22", 20779, "" },
	{ "2024-02-29", 19782, "" },
	{ "9999-12-31", DATE_DAY_LAST, "" },
	{ "2026-11-22T", 20779, "T" },
	{ "2026-11-221", 20779, "1" },
	{ "1969-12-31", NONE, "" },
	{ "2026-02-29", NONE, "" },
	{ "2026-00-10", NONE, "" },
	{ "2026-13-10", NONE, "" },
	{ "2026-01-00", NONE, "" },
	{ "2026-01-32", NONE, "" },
	{ "2026-1-01", NONE, "" },
	{ "2026-01-1", NONE, "" },
	{ "26-01-01", NONE, "" },
	{ "2026/01/01", NONE, "" },
	{ " 2026-01-01", NONE, "" },
	{ "+026-01-01", NONE, "" },
	{ "", NONE, "" },
};

static void
test_days(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(days); i++) {
		struct scan s = scan_of(span_str(days[i].text));
		int64_t got = NONE;
		bool is = date_read_day(&s, &got);

		if (is != (days[i].want != NONE) || got != days[i].want ||
		    !span_is(scan_rest(&s), is ? days[i].rest : days[i].text))
			fail_msg("%s: %lld", days[i].text, (long long)got);
	}
}

static const struct {
	int64_t day;
	const char *want;
} texts[] = {
	{ 0, "1970-01-01" },
	{ 20779, "2026-11-22" },
	{ DATE_DAY_LAST, "9999-12-31" },
	{ DATE_DAY_LAST + 1, "2932897" },
	{ -1, "-1" },
	{ INT64_MAX, "9223372036854775807" },
	{ INT64_MIN, "-9223372036854775808" },
};

static void
test_put(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char memory[40];
		struct buf b = buf_wrap(memory, sizeof(memory));

		date_put_day(&b, texts[i].day);
		assert_string_equal(memory, texts[i].want);
	}
}

static const struct {
	const char *text;
	int64_t want; /* NONE: not a valid time */
	const char *rest;
} times[] = {
	{ "1970-01-02", DAY, "" }, { "1970-01-02T00:00:01Z", DAY + 1, "" },
	{ "1970-01-02t00:00:01z", DAY + 1, "" },
	{ "1970-01-02 10:20:30", DAY + 37230, "" },
	{ "1970-01-02T10:20", DAY + 37200, "" },
	{ "1970-01-02T10:20:30.987654321Z", DAY + 37230, "" },
	{ "1970-01-02T01:00:00+01:00", DAY, "" },
	{ "1970-01-01T23:30:00-0030", DAY, "" },
	{ "1970-01-01T23:59:60Z", DAY, "" },
	{ "1970-01-01T24:00:00Z", DAY, "" },
	{ "1970-01-02T00:00:00Zx", DAY, "x" },
	{ "1970-01-01T00:00:00+01:00", NONE, "" },
	{ "1970-01-02T25:00:00Z", NONE, "" }, { "1970-01-02T10", NONE, "" },
	{ "1970-01-02T10:60:00Z", NONE, "" },
	{ "1970-01-02T10:20:61Z", NONE, "" },
	{ "1970-01-02T10:20:30+1", NONE, "" }, { "1970-01-02T", NONE, "" },
	{ "now", NONE, "" },
	/* RFC 3339 section 5.8 */
	{ "1985-04-12T23:20:50.52Z", 482196050, "" },
	{ "1996-12-19T16:39:57-08:00", 851042397, "" },
	{ "1990-12-31T23:59:60Z", 662688000, "" },
	{ "1990-12-31T15:59:60-08:00", 662688000, "" },
	{ "1937-01-01T12:00:27.87+00:20", NONE, "" }, /* before 1970 */
};

static void
test_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct scan s = scan_of(span_str(times[i].text));
		int64_t got = NONE;
		bool is = date_read_time(&s, &got);

		if (is != (times[i].want != NONE) ||
		    (is && got != times[i].want) ||
		    !span_is(scan_rest(&s), is ? times[i].rest : times[i].text))
			fail_msg("%s: %lld", times[i].text, (long long)got);
	}
}

/* The times in RFC 5322 appendix A.1.1 and RFC 3339 section 5.8. */
static const struct {
	int64_t when;
	const char *mail, *time, *basic;
} written[] = {
	{ .when = 880127706,
	    .mail = "Fri, 21 Nov 1997 15:55:06 +0000",
	    .time = "1997-11-21 15:55:06 UTC",
	    .basic = "19971121T155506Z" },
	{ .when = 482196050,
	    .mail = "Fri, 12 Apr 1985 23:20:50 +0000",
	    .time = "1985-04-12 23:20:50 UTC",
	    .basic = "19850412T232050Z" },
	{ .when = 0,
	    .mail = "Thu, 1 Jan 1970 00:00:00 +0000",
	    .time = "1970-01-01 00:00:00 UTC",
	    .basic = "19700101T000000Z" },
	{ .when = DATE_LAST,
	    .mail = "Fri, 31 Dec 9999 23:59:59 +0000",
	    .time = "9999-12-31 23:59:59 UTC",
	    .basic = "99991231T235959Z" },
};

static void
test_put_times(void **state)
{
	static void (*const put[])(struct buf *, int64_t) = { date_put_mail,
		date_put_time, date_put_basic };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
		const char *want[] = { written[i].mail, written[i].time,
			written[i].basic };

		for (size_t j = 0; j < ARRAY_SIZE(put); j++) {
			char memory[DATE_MAX];
			struct buf b = buf_wrap(memory, sizeof(memory));

			put[j](&b, written[i].when);
			assert_string_equal(memory, want[j]);
		}
	}
}

static const struct {
	const char *text;
	int64_t want;
} mails[] = {
	/* RFC 5322 appendix A.1.1 */
	{ "Fri, 21 Nov 1997 09:55:06 -0600", 880127706 },
	{ " Fri,\r\n 21 Nov 1997 09:55:06\t-0600", 880127706 },
	{ "21 nov 1997 15:55 +0000", 880127700 },
	{ "1 Jan 1970 00:00:00 GMT", 0 },
	{ "29 Feb 2024 12:00:00 +0000 (UTC)", 1709208000 },
	{ "29 Feb 2023 12:00:00 +0000", NONE },
	{ "32 Jan 2023 12:00:00 +0000", NONE },
	{ "0 Jan 2023 12:00:00 +0000", NONE },
	{ "21 Nov 97 09:55:06 -0600", NONE },
	{ "21 Nov 1997 09:55:06", NONE },
	{ "21 Nov 1997 24:00:00 +0000", NONE },
	{ "1 Jan 1970 00:00:00 +0100", NONE },
	{ "Fri 21 Nov 1997 09:55:06 -0600", NONE },
	{ "2026-11-22 04:37:26", NONE },
	{ "", NONE },
};

static void
test_mail(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mails); i++) {
		struct scan s = scan_of(span_str(mails[i].text));
		int64_t got = NONE;
		bool is = date_read_mail(&s, &got);

		if (is != (mails[i].want != NONE) || got != mails[i].want)
			fail_msg("%s: %lld", mails[i].text, (long long)got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_put_times),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
