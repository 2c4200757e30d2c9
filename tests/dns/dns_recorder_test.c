/* Tests of dns/recorder.h: zone.h replays what the recorder wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns/recorder.h"
#include "dns/zone.h"
#include "tests/support/core_driver.h"

struct dns_recorder_request {
	struct dns_wait wait; /* first */
	const struct dns_answer *answer;
};

static void
save_dns_recorder(struct dns_wait *wait, const struct dns_answer *answer)
{
	((struct dns_recorder_request *)wait)->answer = dns_answer_ref(answer);
}

static const struct dns_answer *
ask_dns_recorder(struct dns_source *s, struct span name, enum dns_type type)
{
	struct dns_recorder_request a = { .wait = {
					      .done = save_dns_recorder } };

	s->ask(s, name, type, &a.wait);
	assert_non_null(a.answer);
	return a.answer;
}

/* A source that answers each name and type from a table. */
struct scripted {
	const char *name;
	enum dns_type type;
	struct dns_answer answer;
};

struct dns_recorder_script {
	struct dns_source source; /* first */
	const struct scripted *table;
	size_t n;
};

static void
script_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	const struct dns_recorder_script *s =
	    (struct dns_recorder_script *)source;

	for (size_t i = 0; i < s->n; i++) {
		const struct scripted *one = &s->table[i];

		if (!span_is(name, one->name) || type != one->type)
			continue;
		const struct dns_answer *a = one->answer.state == DNS_FAILED
		    ? dns_answer_failed(one->answer.fault)
		    : dns_answer_new(&one->answer);

		wait->done(wait, a);
		dns_answer_unref(a);
		return;
	}
	fail_msg("not in the script");
}

/* All byte values, and the characters that are special in a master file. */
static char every_byte[256];
static char long_text[11700];

static const struct dns_record texts[] = {
	{ .text = { every_byte, 256 }, .strings = 2 },
	{ .text = { "a;b (c) \"d\" \\e\\065", 18 }, .strings = 1 },
	{ .text = { "", 0 }, .strings = 1 },
	{ .text = { "", 0 }, .strings = 3 },
	{ .text = { "few bytes, many strings", 23 }, .strings = 100 },
	{ .text = { long_text, sizeof(long_text) }, .strings = 120 },
	{ .text = { "\n;!failed x TXT timeout\n", 24 }, .strings = 1 },
	{ .text = { " lead and trail\t", 16 }, .strings = 1 },
};

static const struct dns_record exchanges[] = {
	{ .text = { "", 0 }, .preference = 0 },
	{ .text = { "mx.example", 10 }, .preference = 65535 },
	{ .text = { "odd name\"(.example", 18 }, .preference = 1 },
	{ .text = { "@", 1 }, .preference = 4660 },
	{ .text = { "@.mx.example", 12 }, .preference = 1 },
};

static const struct dns_record addresses[] = {
	{ .ip = { IP_V4, { 192, 0, 2, 1 } } },
	{ .ip = { IP_V4, { 0, 0, 0, 0 } } },
};

static const struct dns_record addresses_6[] = {
	{ .ip = { IP_V6, { 0x20, 1, 0xd, 0xb8, [15] = 1 } } },
	{ .ip = { IP_V6, { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 } } },
};

static const struct dns_record names[] = {
	{ .text = { "one.example", 11 } },
	{ .text = { "*.two?three.example", 19 } },
	{ .text = { "@", 1 } },
	{ .text = { "@.\0.example", 11 } },
};

static const struct dns_record at[] = {
	{ .text = { "@", 1 } },
};

static const struct dns_record at_odd[] = {
	{ .text = { "@.\0n.example", 12 } },
};

static const struct dns_record associations[] = {
	{ .text = { "3 1 1 ab01", 10 } },
	{ .text = { "2 0 2 cd", 8 } },
};

static const struct dns_record target[] = {
	{ .text = { "target.example", 14 } },
};

#define FOUND(list)                                                            \
	.state = DNS_FOUND, .ttl = 77,                                         \
	.n_records = sizeof(list) / sizeof(*(list)), .records = (list)

static const struct scripted script[] = {
	{ "text.example", DNS_TXT, { FOUND(texts) } },
	{ "mx.example", DNS_MX, { FOUND(exchanges) } },
	{ "a.example", DNS_A, { FOUND(addresses) } },
	{ "a.example", DNS_AAAA, { FOUND(addresses_6) } },
	{ "a.example", DNS_TXT, { .state = DNS_NODATA } },
	{ "a.example", DNS_MX, { .state = DNS_NXDOMAIN } },
	{ "a.example", DNS_PTR,
	    { .state = DNS_FAILED, .fault = DNS_ERROR_SERVFAIL } },
	{ "1.2.0.192.in-addr.arpa", DNS_PTR, { FOUND(names) } },
	{ "example", DNS_NS, { FOUND(names) } },
	{ "example", DNS_SOA, { FOUND(at) } },
	/* NXDOMAIN, although there are names below it */
	{ "example", DNS_TXT, { .state = DNS_NXDOMAIN } },
	{ "gone.example", DNS_TXT, { .state = DNS_NXDOMAIN } },
	{ "below.gone.example", DNS_A, { FOUND(addresses) } },
	{ "nodata.example", DNS_A, { .state = DNS_NODATA } },
	{ "alias.example", DNS_A,
	    { FOUND(addresses), .alias = { "target.example", 14 } } },
	{ "alias.example", DNS_TXT,
	    { .state = DNS_NODATA, .alias = { "other\"name.example", 18 } } },
	{ "alias.example", DNS_MX,
	    { .state = DNS_NXDOMAIN, .alias = { "", 0 } } },
	{ "alias.example", DNS_CNAME, { FOUND(target) } },
	{ "_25._tcp.example", DNS_TLSA,
	    { FOUND(associations), .is_secure = true } },
	{ "*.example", DNS_TXT, { FOUND(texts) } },
	{ "any.example", DNS_TXT, { .state = DNS_NXDOMAIN } },
	{ "odd name\"(;)$@\\.example", DNS_A, { FOUND(addresses) } },
	{ "odd name\"(;)$@\\.example", DNS_MX, { .state = DNS_NODATA } },
	{ "$origin", DNS_A, { FOUND(addresses) } },
	{ "@", DNS_A, { FOUND(addresses) } },
	{ "@.example", DNS_A, { FOUND(addresses) } },
	{ "odd.example", DNS_SOA, { FOUND(at_odd) } },
	{ "300", DNS_A, { FOUND(addresses) } },
	{ "in", DNS_A, { FOUND(addresses) } },
	{ "f1.example", DNS_TXT,
	    { .state = DNS_FAILED, .fault = DNS_ERROR_TIMEOUT } },
	{ "f2.example", DNS_TXT,
	    { .state = DNS_FAILED, .fault = DNS_ERROR_REFUSED } },
	{ "f3.example", DNS_TXT,
	    { .state = DNS_FAILED, .fault = DNS_ERROR_RCODE } },
	{ "f4.example", DNS_TXT,
	    { .state = DNS_FAILED, .fault = DNS_ERROR_GARBLED } },
	{ "f5.example", DNS_TXT,
	    { .state = DNS_FAILED, .fault = DNS_ERROR_BUDGET } },
	{ "f6.example", DNS_TXT,
	    { .state = DNS_FAILED, .fault = DNS_ERROR_RESOURCE } },
};

enum { SCRIPTED = sizeof(script) / sizeof(*script) };

static struct dns_recorder_script
script_source(void)
{
	for (size_t i = 0; i < sizeof(every_byte); i++)
		every_byte[i] = (char)i;
	memset(long_text, '\1', sizeof(long_text));
	return (struct dns_recorder_script){
		.source = { .ask = script_ask }, .table = script, .n = SCRIPTED
	};
}

static void
expect_same(const struct scripted *one, const struct dns_answer *got)
{
	const struct dns_answer *want = &one->answer;

	if (got->state != want->state || got->fault != want->fault ||
	    got->is_secure != want->is_secure ||
	    got->n_records != want->n_records ||
	    (got->alias.p == NULL) != (want->alias.p == NULL) ||
	    !span_equal(got->alias, want->alias))
		fail_msg("%s %s: %s, %zu records", one->name,
		    dns_type_name(one->type), dns_state_name(got->state),
		    got->n_records);
	if (want->state == DNS_FOUND)
		assert_int_equal(got->ttl, want->ttl);
	for (size_t i = 0; i < want->n_records; i++)
		if (!dns_record_equal(&got->records[i], &want->records[i]))
			fail_msg("%s %s: record %zu", one->name,
			    dns_type_name(one->type), i);
}

/* Returns the recording as text; the caller must free it. */
static char *
write_all(struct dns_source *recorder, size_t *n)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, n);

	assert_non_null(out);
	assert_true(dns_recorder_write(recorder, out));
	fclose(out);
	return text;
}

static void
a_recording_replays_to_the_same_answers(void **state)
{
	struct dns_recorder_script below = script_source();
	struct dns_source *recorder = dns_recorder_open(&below.source);
	struct dns_source *zone, *again;
	char error[200] = "";
	char *text, *second;
	size_t n, m;

	(void)state;
	assert_non_null(recorder);
	for (size_t i = SCRIPTED; i-- > 0;) {
		const struct dns_answer *a = ask_dns_recorder(
		    recorder, span_str(script[i].name), script[i].type);

		expect_same(&script[i], a);
		dns_answer_unref(a);
	}
	text = write_all(recorder, &n);
	recorder->close(recorder);
	zone =
	    dns_zone_parse("recording", span_of(text, n), error, sizeof(error));
	if (zone == NULL)
		fail_msg("%s", error);
	again = dns_recorder_open(zone);
	assert_non_null(again);
	for (size_t i = 0; i < SCRIPTED; i++) {
		const struct dns_answer *a = ask_dns_recorder(
		    again, span_str(script[i].name), script[i].type);

		expect_same(&script[i], a);
		dns_answer_unref(a);
	}
	/* the file is sorted, so the order of the questions does not matter */
	second = write_all(again, &m);
	assert_int_equal(n, m);
	assert_memory_equal(text, second, n);
	again->close(again);
	zone->close(zone);
	free(text);
	free(second);
}

static void
the_file_is_sorted_and_plain(void **state)
{
	struct dns_source *zone =
	    pump_zone("b.example. 60 TXT \"one\" \"two\"\n"
		      "b.example. 60 A 192.0.2.1\n"
		      "a.example. 60 CNAME b.example.\n"
		      ";!failed c.example ANY timeout\n");
	struct dns_source *r = dns_recorder_open(zone);
	char *text;
	size_t n;

	(void)state;
	dns_answer_unref(ask_dns_recorder(r, SPAN("c.example"), DNS_A));
	dns_answer_unref(ask_dns_recorder(r, SPAN("b.example"), DNS_TXT));
	dns_answer_unref(ask_dns_recorder(r, SPAN("b.example"), DNS_TXT));
	dns_answer_unref(ask_dns_recorder(r, SPAN("b.example"), DNS_A));
	dns_answer_unref(ask_dns_recorder(r, SPAN("a.example"), DNS_A));
	dns_answer_unref(ask_dns_recorder(r, SPAN("d.example"), DNS_A));
	dns_answer_unref(ask_dns_recorder(r, SPAN("d.example.net"), DNS_A));
	dns_answer_unref(ask_dns_recorder(r, SPAN("b.example"), DNS_MX));
	text = write_all(r, &n);
	assert_string_equal(text,
	    "; DNS answers, as they were received\n"
	    ";!alias a.example. A b.example.\n"
	    "a.example.\t60\tIN\tA\t192.0.2.1\n"
	    "b.example.\t60\tIN\tA\t192.0.2.1\n"
	    ";!nodata b.example. MX\n"
	    "b.example.\t60\tIN\tTXT\t\"onetwo\" \"\"\n"
	    ";!failed c.example. A timeout\n"
	    ";!nxdomain d.example. A\n"
	    ";!nxdomain d.example.net. A\n");
	free(text);
	r->close(r);
	zone->close(zone);
}

static void
close_answers_those_who_wait(void **state)
{
	struct dns_source *zone = pump_zone("a. A 192.0.2.1\n");
	struct dns_source *fake = fake_new(zone, 5);
	struct dns_source *r = dns_recorder_open(fake);
	struct dns_recorder_request a = { .wait = {
					      .done = save_dns_recorder } };

	(void)state;
	r->ask(r, SPAN("a"), DNS_A, &a.wait);
	assert_null(a.answer);
	r->close(r);
	assert_int_equal(a.answer->fault, DNS_ERROR_RESOURCE);
	/* late answers are ignored, but their memory is freed */
	fake_settle(fake);
	assert_int_equal(a.answer->fault, DNS_ERROR_RESOURCE);
	fake->close(fake);
	zone->close(zone);
}

static void
an_abandoned_question_is_a_failure(void **state)
{
	struct dns_source *zone = pump_zone("a. A 192.0.2.1\n");
	struct dns_source *fake = fake_new(zone, 5);
	struct dns_source *r = dns_recorder_open(fake);
	struct dns_recorder_request a = { .wait = {
					      .done = save_dns_recorder } };
	struct dns_recorder_request late = { .wait = {
						 .done = save_dns_recorder } };
	char *text;
	size_t n;

	(void)state;
	r->ask(r, SPAN("a"), DNS_A, &a.wait);
	text = write_all(r, &n);
	assert_string_equal(text,
	    "; DNS answers, as they were received\n;!failed a. A timeout\n");
	free(text);
	while (a.answer == NULL)
		fake_advance(fake);
	/* an answer replaces the timeout, even if the question is repeated */
	r->ask(r, SPAN("a"), DNS_A, &late.wait);
	text = write_all(r, &n);
	assert_non_null(strstr(text, "192.0.2.1"));
	assert_null(strstr(text, "failed"));
	free(text);
	fake_settle(fake);
	dns_answer_unref(a.answer);
	dns_answer_unref(late.answer);
	r->close(r);
	fake->close(fake);
	zone->close(zone);
}

static void
a_file_that_cannot_be_written(void **state)
{
	struct dns_source *zone = pump_zone("a. A 192.0.2.1\n");
	struct dns_source *r = dns_recorder_open(zone);
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	dns_answer_unref(ask_dns_recorder(r, SPAN("a"), DNS_A));
	if (full != NULL) {
		assert_false(dns_recorder_write(r, full));
		fclose(full);
	}
	r->close(r);
	zone->close(zone);
}

/* A question beyond the limit is still answered, but the recording is
 * incomplete. */
static void
more_questions_than_the_limit(void **state)
{
	struct dns_source *zone = pump_zone("*.a. A 192.0.2.1\n");
	struct dns_source *r = dns_recorder_open(zone);
	FILE *out = fopen("/dev/null", "w");

	(void)state;
	assert_non_null(out);
	for (unsigned i = 0; i <= DNS_RECORDER_MAX; i++) {
		const struct dns_answer *a;
		char name[20];

		if (i == DNS_RECORDER_MAX)
			assert_true(dns_recorder_write(r, out));
		snprintf(name, sizeof(name), "%u.a", i);
		a = ask_dns_recorder(r, span_str(name), DNS_A);
		assert_int_equal(a->state, DNS_FOUND);
		dns_answer_unref(a);
	}
	assert_false(dns_recorder_write(r, out));
	fclose(out);
	r->close(r);
	zone->close(zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recording_replays_to_the_same_answers),
		cmocka_unit_test(the_file_is_sorted_and_plain),
		cmocka_unit_test(close_answers_those_who_wait),
		cmocka_unit_test(an_abandoned_question_is_a_failure),
		cmocka_unit_test(a_file_that_cannot_be_written),
		cmocka_unit_test(more_questions_than_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
