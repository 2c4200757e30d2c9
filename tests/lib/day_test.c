/*
 * Days and times as people and reports write them, RFC 3339 section 5.6.
 */
#include "report/record/day.h"

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
	int64_t want;     /* NONE: no day */
	const char *rest; /* what is left */
} days[] = {
	{ "1970-01-01", 0, "" },
	{ "2026-11-22", 20779, "" },
	{ "2024-02-29", 19782, "" },
	{ "9999-12-31", DAY_LAST, "" },
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
		bool is = day_read(&s, &got);

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
	{ DAY_LAST, "9999-12-31" },
	{ DAY_LAST + 1, "2932897" },
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

		day_put(&b, texts[i].day);
		assert_string_equal(memory, texts[i].want);
	}
}

static const struct {
	const char *text;
	int64_t want; /* NONE: no time */
	const char *rest;
} times[] = {
	{ "1970-01-02", DAY, "" },
	{ "1970-01-02T00:00:01Z", DAY + 1, "" },
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
	{ "1970-01-02T25:00:00Z", NONE, "" },
	{ "1970-01-02T10", NONE, "" },
	{ "1970-01-02T10:60:00Z", NONE, "" },
	{ "1970-01-02T10:20:61Z", NONE, "" },
	{ "1970-01-02T10:20:30+1", NONE, "" },
	{ "1970-01-02T", NONE, "" },
	{ "now", NONE, "" },
};

static void
test_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct scan s = scan_of(span_str(times[i].text));
		int64_t got = NONE;
		bool is = day_read_time(&s, &got);

		if (is != (times[i].want != NONE) ||
		    (is && got != times[i].want) ||
		    !span_is(scan_rest(&s), is ? times[i].rest : times[i].text))
			fail_msg("%s: %lld", times[i].text, (long long)got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
