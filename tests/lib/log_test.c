/* log_test.c - the content of a line, and how often an error is logged */
#include "lib/log.h"

#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/enum_names.h"

enum { HELD = 1 << 18, THREADS = 4, LINES = 200 };

static char captured[HELD];
static int stderr_before;
static FILE *caught;

static time_t seconds_ahead;

/* These replace libc's functions. */
int clock_gettime(clockid_t id, struct timespec *out);
void syslog(int priority, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...);

int
clock_gettime(clockid_t id, struct timespec *out)
{
	int code = (int)syscall(SYS_clock_gettime, id, out);

	if (id == CLOCK_MONOTONIC)
		out->tv_sec += seconds_ahead;
	return code;
}

static char logged[LOG_LINE_MAX];
static int told_priority;

static void
fake_syslog(int priority, const char *format, va_list args)
{
	const char *text = va_arg(args, const char *);

	assert_string_equal(format, "%s");
	told_priority = priority;
	snprintf(logged, sizeof(logged), "%s", text);
}

void
syslog(int priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fake_syslog(priority, format, args);
	va_end(args);
}

void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	(void)flag;
	va_start(args, format);
	fake_syslog(priority, format, args);
	va_end(args);
}

static void
capture_begin(void)
{
	caught = tmpfile();
	assert_non_null(caught);
	stderr_before = dup(STDERR_FILENO);
	assert_true(stderr_before >= 0);
	assert_true(dup2(fileno(caught), STDERR_FILENO) >= 0);
}

static const char *
capture_end(void)
{
	size_t n;

	dup2(stderr_before, STDERR_FILENO);
	close(stderr_before);
	rewind(caught);
	n = fread(captured, 1, sizeof(captured) - 1, caught);
	captured[n] = '\0';
	fclose(caught);
	return captured;
}

static const char *
line_of(enum log_format format, struct span value)
{
	struct log_line l;

	log_setup("test", format, LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	capture_begin();
	log_begin(&l, LOG_LEVEL_INFO, "e");
	log_span(&l, "k", value);
	log_number(&l, "n", -5);
	log_end(&l);
	return capture_end();
}

static void
before_setup(void **state)
{
	(void)state;
	capture_begin();
	log_say(LOG_LEVEL_INFO, "start", "not logged");
	log_say(LOG_LEVEL_WARNING, "start", "logged %d", 1);
	assert_string_equal(
	    capture_end(), "level=warning event=start text=\"logged 1\"\n");
}

static void
values(void **state)
{
	static const struct {
		struct span value;
		const char *text, *json;
	} vectors[] = {
		{ { "abc", 3 }, "abc", "abc" },
		{ { "a@b.c/d:e,f", 11 }, "a@b.c/d:e,f", "a@b.c/d:e,f" },
		{ { "", 0 }, "\"\"", "" },
		{ { NULL, 0 }, "\"\"", "" },
		{ { "a b", 3 }, "\"a b\"", "a b" },
		{ { "a=b", 3 }, "\"a=b\"", "a=b" },
		{ { "a\"b", 3 }, "\"a\\\"b\"", "a\\\"b" },
		{ { "a\\b", 3 }, "\"a\\\\b\"", "a\\\\b" },
		{ { "a\r\nb", 4 }, "\"a\\x0d\\x0ab\"", "a\\u000d\\u000ab" },
		{ { "a\0b", 3 }, "\"a\\x00b\"", "a\\u0000b" },
		{ { "\x1b[31m\x7f", 6 }, "\"\\x1b[31m\\x7f\"",
		    "\\u001b[31m\\u007f" },
		{ { "b\xc3\xbc", 3 }, "\"b\xc3\xbc\"", "b\xc3\xbc" },
		{ { "\xe4\xbe\x8b", 3 }, "\"\xe4\xbe\x8b\"", "\xe4\xbe\x8b" },
		{ { "\xf0\x9f\x98\x80", 4 }, "\"\xf0\x9f\x98\x80\"",
		    "\xf0\x9f\x98\x80" },
		/* RFC 3629: truncated, lone continuation byte, overlong,
		 * surrogate, too large */
		{ { "\xc3", 1 }, "\"\\xc3\"", "\\\\xc3" },
		{ { "\xbc", 1 }, "\"\\xbc\"", "\\\\xbc" },
		{ { "\xff", 1 }, "\"\\xff\"", "\\\\xff" },
		{ { "\xc0\xaf", 2 }, "\"\\xc0\\xaf\"", "\\\\xc0\\\\xaf" },
		{ { "\xc3x", 2 }, "\"\\xc3x\"", "\\\\xc3x" },
		{ { "\xe0\x80\xaf", 3 }, "\"\\xe0\\x80\\xaf\"",
		    "\\\\xe0\\\\x80\\\\xaf" },
		{ { "\xed\xa0\x80", 3 }, "\"\\xed\\xa0\\x80\"",
		    "\\\\xed\\\\xa0\\\\x80" },
		{ { "\xf4\x90\x80\x80", 4 }, "\"\\xf4\\x90\\x80\\x80\"",
		    "\\\\xf4\\\\x90\\\\x80\\\\x80" },
		/* U+0085 is a control character, U+2028 ends a line, U+202E
		 * reverses the direction of text */
		{ { "\xc2\x85", 2 }, "\"\\xc2\\x85\"", "\\\\xc2\\\\x85" },
		{ { "\xe2\x80\xa8", 3 }, "\"\\xe2\\x80\\xa8\"",
		    "\\\\xe2\\\\x80\\\\xa8" },
		{ { "\xe2\x80\xae", 3 }, "\"\\xe2\\x80\\xae\"",
		    "\\\\xe2\\\\x80\\\\xae" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char want[256];

		snprintf(want, sizeof(want), "level=info event=e k=%s n=-5\n",
		    vectors[i].text);
		assert_string_equal(
		    line_of(LOG_FORMAT_TEXT, vectors[i].value), want);
		snprintf(want, sizeof(want),
		    "{\"level\":\"info\",\"event\":\"e\",\"k\":\"%s\",\"n\":-5}"
		    "\n",
		    vectors[i].json);
		assert_string_equal(
		    line_of(LOG_FORMAT_JSON, vectors[i].value), want);
	}
}

static void
numbers(void **state)
{
	struct log_line l;

	(void)state;
	log_setup("test", LOG_FORMAT_TEXT, LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	capture_begin();
	log_begin(&l, LOG_LEVEL_INFO, "e");
	log_number(&l, "a", INT64_MIN);
	log_number(&l, "b", INT64_MAX);
	log_number(&l, "c", 0);
	log_end(&l);
	assert_string_equal(capture_end(),
	    "level=info event=e a=-9223372036854775808 "
	    "b=9223372036854775807 c=0\n");
}

static bool
is_good_json(const char *line)
{
	json_t *object = json_loads(line, JSON_ALLOW_NUL, NULL);
	bool good = object != NULL;

	json_decref(object);
	return good;
}

/* Tests every length near the limit, with a long escape at every offset. */
static void
limit_of_line(void **state)
{
	static char value[LOG_LINE_MAX + 100];

	(void)state;
	for (size_t n = LOG_LINE_MAX - 120; n < sizeof(value); n++) {
		const char *line;

		memset(value, 'a', sizeof(value));
		value[n - 1] = '\x01';
		memcpy(value + n - 50, "\xe4\xbe\x8b", 3);
		line = line_of(LOG_FORMAT_JSON, span_of(value, n));
		assert_true(strlen(line) < LOG_LINE_MAX);
		assert_true(strchr(line, '\n') == line + strlen(line) - 1);
		if (!is_good_json(line))
			fail_msg("%zu bytes: %s", n, line);
		assert_true((strstr(line, "\"n\":-5}\n") == NULL) ==
		    (strstr(line, "\"cut\":1}\n") != NULL));
		line = line_of(LOG_FORMAT_TEXT, span_of(value, n));
		assert_true(strlen(line) < LOG_LINE_MAX);
		assert_true(strchr(line, '\n') == line + strlen(line) - 1);
		assert_true((strstr(line, " n=-5\n") == NULL) ==
		    (strstr(line, " cut=1\n") != NULL));
	}
	assert_non_null(strstr(captured, "aaa\" cut=1\n"));
}

/* A value without blanks is cut as well, and so is formatted text of any
 * length. */
static void
limit_of_bare_value(void **state)
{
	static char value[LOG_LINE_MAX * 2];
	const char *line;

	(void)state;
	memset(value, 'a', sizeof(value));
	line = line_of(LOG_FORMAT_TEXT, span_of(value, sizeof(value)));
	assert_true(strlen(line) < LOG_LINE_MAX);
	assert_non_null(strstr(line, "aaa cut=1\n"));
	capture_begin();
	log_say(LOG_LEVEL_ERROR, "e", "%.*s", (int)sizeof(value), value);
	line = capture_end();
	assert_true(strlen(line) < LOG_LINE_MAX);
	assert_non_null(strstr(line, "aaa cut=1\n"));
}

static void
levels_and_none(void **state)
{
	(void)state;
	log_setup("test", LOG_FORMAT_TEXT, LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	capture_begin();
	log_say(LOG_LEVEL_WARNING, "e", "not logged");
	log_say(LOG_LEVEL_ERROR, "e", "%s", "a\nb");
	assert_string_equal(
	    capture_end(), "level=error event=e text=\"a\\x0ab\"\n");
	log_setup("test", LOG_FORMAT_NONE, LOG_TARGET_STDERR, LOG_LEVEL_DEBUG);
	capture_begin();
	log_say(LOG_LEVEL_WARNING, "e", "not logged");
	log_say(LOG_LEVEL_ERROR, "e", "logged");
	assert_string_equal(capture_end(), "level=error event=e text=logged\n");
}

static void
to_syslog(void **state)
{
	(void)state;
	log_setup("test", LOG_FORMAT_TEXT, LOG_TARGET_SYSLOG, LOG_LEVEL_DEBUG);
	capture_begin();
	log_say(LOG_LEVEL_WARNING, "e", "%s", "100%s");
	assert_string_equal(capture_end(), "");
	assert_string_equal(logged, "level=warning event=e text=100%s");
	assert_int_equal(told_priority, 4);
	log_say(LOG_LEVEL_DEBUG, "e", "x");
	assert_int_equal(told_priority, 7);
	log_setup("test", LOG_FORMAT_TEXT, LOG_TARGET_STDERR, LOG_LEVEL_DEBUG);
}

static void
fault_once_a_minute(void **state)
{
	(void)state;
	log_setup("test", LOG_FORMAT_TEXT, LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	capture_begin();
	for (int i = 0; i < 5; i++)
		log_limited("dns", "no answer %d", i);
	log_limited("store", "full");
	seconds_ahead += 59;
	log_limited("dns", "no answer 5");
	seconds_ahead += 2;
	log_limited("dns", "no answer 6");
	log_limited("dns", "no answer 7");
	log_limited("store", "still full");
	seconds_ahead += 61;
	log_limited("store", "full again");
	assert_string_equal(capture_end(),
	    "level=error event=fault cause=dns text=\"no answer 0\"\n"
	    "level=error event=fault cause=store text=full\n"
	    "level=error event=fault cause=dns held_back=5 "
	    "text=\"no answer 6\"\n"
	    "level=error event=fault cause=store text=\"still full\"\n"
	    "level=error event=fault cause=store text=\"full again\"\n");
}

static size_t
count_lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* When no row is left, all further causes share the last row. */
static void
fault_limit_of_causes(void **state)
{
	static char causes[LOG_CAUSES_MAX + 10][16];

	(void)state;
	capture_begin();
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		snprintf(causes[i], sizeof(causes[i]), "cause%zu", i);
		log_limited(causes[i], "x");
		log_limited(causes[i], "x");
	}
	/* the previous test used two rows */
	assert_int_equal(count_lines(capture_end()), LOG_CAUSES_MAX - 2 + 1);
}

static void *
many_lines(void *value)
{
	for (int i = 0; i < LINES; i++) {
		struct log_line l;

		log_begin(&l, LOG_LEVEL_INFO, "e");
		for (int k = 0; k < 10; k++)
			log_text(&l, "k", value);
		log_end(&l);
		log_limited("threads", "x");
		if (i == LINES / 2)
			log_setup("test", LOG_FORMAT_TEXT, LOG_TARGET_STDERR,
			    LOG_LEVEL_DEBUG);
	}
	return NULL;
}

static void
lines_of_threads_stay_whole(void **state)
{
	static char values[THREADS][2] = { "a", "b", "c", "d" };
	pthread_t threads[THREADS];
	size_t seen[THREADS] = { 0 };
	struct span rest;

	(void)state;
	seconds_ahead += 61;
	capture_begin();
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, many_lines, values[i]),
		    0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	rest = span_str(capture_end());
	/* plus the error, which all threads reported and which was logged
	 * once */
	assert_int_equal(count_lines(captured), THREADS * LINES + 1);
	while (rest.n > 0) {
		struct span line = span_first(rest, span_index(rest, '\n'));
		char text[128];
		struct buf want = buf_wrap(text, sizeof(text));
		size_t who = (size_t)(line.p[line.n - 1] - 'a');

		rest = span_skip(rest, line.n + 1);
		if (span_starts_nocase(line, "level=error"))
			continue;
		assert_true(who < THREADS);
		buf_text(&want, "level=info event=e");
		for (int k = 0; k < 10; k++) {
			buf_text(&want, " k=");
			buf_text(&want, values[who]);
		}
		assert_true(span_equal(line, buf_view(&want)));
		seen[who]++;
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(seen[i], LINES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_setup),
		cmocka_unit_test(values),
		cmocka_unit_test(numbers),
		cmocka_unit_test(limit_of_line),
		cmocka_unit_test(limit_of_bare_value),
		cmocka_unit_test(levels_and_none),
		cmocka_unit_test(to_syslog),
		cmocka_unit_test(fault_once_a_minute),
		cmocka_unit_test(fault_limit_of_causes),
		cmocka_unit_test(lines_of_threads_stay_whole),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
