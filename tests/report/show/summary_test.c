/*
 * summary_test.c - why mail of a source fails, and what a domain is told to do.
 */
#include "report/show/summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/enum_names.h"
#include "report/show/html.h"
#include "report/show/page.h"
#include "tests/support/sample_rows.h"

enum { CAP = VIEW_MEMORY, TODAY = 20500 };

/* ---- one row ---- */

static const struct {
	const char *name;
	bool dkim, spf;
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
	{ .name = "SPF alone",
	    .spf = true,
	    .signer = "",
	    .signature = "",
	    .spf_domain = "example.com",
	    .spf_result = "pass",
	    .override = "",
	    .want = VIEW_SPF_ONLY,
	    .as = "" },
	{ .name = "SPF and a stranger's signature",
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
	{ .name = "a list that told so",
	    .signer = "",
	    .signature = "",
	    .spf_domain = "lists.example",
	    .spf_result = "pass",
	    .override = "mailing_list",
	    .want = VIEW_FORWARDER,
	    .as = "lists.example" },
	{ .name = "a list that changed it",
	    .signer = "example.com",
	    .signature = "fail",
	    .spf_domain = "lists.example",
	    .spf_result = "pass",
	    .override = "",
	    .want = VIEW_FORWARDER,
	    .as = "lists.example" },
	{ .name = "an ESP by its signature",
	    .signer = "esp.example",
	    .signature = "pass",
	    .spf_domain = "b.example",
	    .spf_result = "pass",
	    .override = "",
	    .want = VIEW_UNALIGNED,
	    .as = "esp.example" },
	{ .name = "an ESP by SPF",
	    .signer = "",
	    .signature = "",
	    .spf_domain = "b.esp.example",
	    .spf_result = "pass",
	    .override = "",
	    .want = VIEW_UNALIGNED,
	    .as = "b.esp.example" },
	{ .name = "nobody",
	    .signer = "",
	    .signature = "",
	    .spf_domain = "example.com",
	    .spf_result = "softfail",
	    .override = "",
	    .want = VIEW_SPOOF,
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
		enum view_cause got =
		    view_row_cause(SPAN("example.com"), &r, &as);

		if (got != rows[i].want || !span_is(as, rows[i].as))
			fail_msg("%s: %s as %.*s", rows[i].name,
			    view_cause_name(got), SPAN_FMT(as));
	}
}

/* ---- a domain ---- */

struct day {
	uint64_t good, spf, forwarded, unaligned, spoofed;
};

static const struct {
	const char *name, *p, *testing;
	unsigned days;
	struct day day;
	enum view_recommendation want;
} domains[] = {
	{ .name = "nothing much",
	    .p = "none",
	    .testing = "n",
	    .days = 30,
	    .day = { .good = 3 },
	    .want = VIEW_TOO_LITTLE },
	{ .name = "one day",
	    .p = "none",
	    .testing = "n",
	    .days = 1,
	    .day = { .good = 3000 },
	    .want = VIEW_TOO_LITTLE },
	{ .name = "in order",
	    .p = "none",
	    .testing = "n",
	    .days = 10,
	    .day = { .good = 990, .spoofed = 500 },
	    .want = VIEW_TO_QUARANTINE },
	{ .name = "a policy that nobody told",
	    .p = "",
	    .testing = "",
	    .days = 10,
	    .day = { .good = 990 },
	    .want = VIEW_TO_QUARANTINE },
	{ .name = "one in a hundred",
	    .p = "none",
	    .testing = "n",
	    .days = 10,
	    .day = { .good = 990, .unaligned = 10 },
	    .want = VIEW_TO_QUARANTINE },
	{ .name = "more",
	    .p = "none",
	    .testing = "n",
	    .days = 10,
	    .day = { .good = 980, .unaligned = 20 },
	    .want = VIEW_MEND_FIRST },
	{ .name = "more, at reject",
	    .p = "reject",
	    .testing = "n",
	    .days = 10,
	    .day = { .good = 980, .unaligned = 20 },
	    .want = VIEW_MEND_FIRST },
	{ .name = "nothing of one's own",
	    .p = "none",
	    .testing = "n",
	    .days = 10,
	    .day = { .spoofed = 500 },
	    .want = VIEW_MEND_FIRST },
	{ .name = "quarantine",
	    .p = "quarantine",
	    .testing = "n",
	    .days = 10,
	    .day = { .good = 990, .spf = 10 },
	    .want = VIEW_TO_REJECT },
	{ .name = "quarantine, lists",
	    .p = "quarantine",
	    .testing = "n",
	    .days = 10,
	    .day = { .good = 900, .forwarded = 100 },
	    .want = VIEW_STAY },
	{ .name = "reject",
	    .p = "reject",
	    .testing = "n",
	    .days = 10,
	    .day = { .good = 990 },
	    .want = VIEW_DONE },
	{ .name = "testing",
	    .p = "reject",
	    .testing = "y",
	    .days = 10,
	    .day = { .good = 990 },
	    .want = VIEW_END_TESTING },
};

static void
add(struct ledger *l, const char *address, uint64_t count, struct report_row r)
{
	if (count == 0)
		return;
	r.count = count;
	r.header_from = SPAN("example.com");
	r.disposition = SPAN("none");
	assert_true(ip_parse(span_str(address), &r.source));
	assert_int_equal(ledger_add_received_row(l, &r), LEDGER_OK);
}

static void
add_day(struct ledger *l, const char *p, const char *testing, int64_t day,
    const struct day *of)
{
	char memory[24];
	struct buf id = buf_wrap(memory, sizeof(memory));
	bool replaces;
	struct ledger_received r = { .organisation = SPAN("o"),
		.email = SPAN(""),
		.contact = SPAN(""),
		.begin = day * DATE_DAY,
		.end = day * DATE_DAY + 1,
		.domain = SPAN("example.com"),
		.p = span_str(p),
		.testing = span_str(testing) };

	buf_number(&id, (uint64_t)day);
	r.report_id = buf_view(&id);
	assert_int_equal(ledger_begin_received(l, &r, &replaces), LEDGER_OK);
	add(l, "192.0.2.1", of->good,
	    (struct report_row){ .dkim_aligned = true });
	add(l, "192.0.2.2", of->spf,
	    (struct report_row){ .spf_aligned = true });
	add(l, "192.0.2.3", of->forwarded,
	    (struct report_row){ .override = SPAN("forwarded") });
	add(l, "192.0.2.4", of->unaligned,
	    (struct report_row){ .spf_domain = SPAN("esp.example"),
		.spf_result = SPAN("pass") });
	add(l, "192.0.2.5", of->spoofed,
	    (struct report_row){ .spf_result = SPAN("fail") });
	assert_int_equal(ledger_end_received(l, true), LEDGER_OK);
}

static struct place place; /* of the one that is open */

static struct ledger *
open_ledger(void)
{
	char error[SQL_ERROR_MAX];
	struct ledger *l;

	place_make(&place);
	l = ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);
	if (l == NULL)
		fail_msg("%s", error);
	return l;
}

static void
close_ledger(struct ledger *l)
{
	ledger_close(l);
	place_remove(&place);
}

static void
test_advice(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(domains); i++) {
		struct ledger *l = open_ledger();
		struct arena *a = arena_new(CAP);
		struct view v;

		for (unsigned day = 0; day < domains[i].days; day++)
			add_day(l, domains[i].p, domains[i].testing,
			    TODAY - day, &domains[i].day);
		assert_true(view_read(
		    l, SPAN_NONE, 30, TODAY * (int64_t)DATE_DAY, a, &v));
		assert_int_equal(v.n_domains, 1);
		if (v.domains->advice != domains[i].want)
			fail_msg("%s: %s", domains[i].name,
			    view_recommendation_name(v.domains->advice));
		arena_free(a);
		close_ledger(l);
	}
}

/* Sums, days, sources; what is outside of the range counts for "new" alone. */
static void
test_sums(void **state)
{
	const struct day early = { .good = 10 };
	const struct day late = { .good = 10, .spf = 1, .spoofed = 3 };
	struct ledger *l = open_ledger();
	struct arena *a = arena_new(CAP);
	const struct view_source *s;
	struct view v;

	(void)state;
	add_day(l, "none", "n", TODAY - 50, &early);
	add_day(l, "quarantine", "n", TODAY - 1, &late);
	add_day(l, "reject", "n", TODAY, &late);
	assert_true(view_read(
	    l, SPAN("example.com"), 10, TODAY * (int64_t)DATE_DAY + 5, a, &v));
	assert_int_equal(v.from, TODAY - 9);
	assert_int_equal(v.messages, 28);
	assert_int_equal(v.passed, 22);
	assert_int_equal(v.reports, 2);
	assert_true(span_is(v.domains->p, "reject"));
	assert_int_equal(v.domains->days[9].messages, 14);
	assert_int_equal(v.domains->days[8].passed, 11);
	assert_int_equal(v.domains->days[7].messages, 0);
	assert_int_equal(v.domains->reported, 2);
	s = v.domains->sources;
	assert_int_equal(s->messages, 20);
	assert_int_equal(s->cause, VIEW_GOOD);
	assert_false(s->is_new);
	s = s->next;
	assert_int_equal(s->messages, 6);
	assert_int_equal(s->cause, VIEW_SPOOF);
	assert_true(s->is_new);
	s = s->next;
	assert_int_equal(s->cause, VIEW_SPF_ONLY);
	assert_null(s->next);
	assert_true(view_read(
	    l, SPAN("other.example"), 10, TODAY * (int64_t)DATE_DAY, a, &v));
	assert_null(v.domains);
	arena_free(a);
	close_ledger(l);
}

static void
test_memory(void **state)
{
	const struct day day = { .good = 10, .unaligned = 5 };
	struct ledger *l = open_ledger();

	(void)state;
	add_day(l, "none", "n", TODAY, &day);
	for (unsigned long nth = 1; nth < 20; nth++) {
		struct arena *a = arena_new(CAP);
		struct view v;
		bool good;

		arena_fail_at(a, nth);
		good = view_read(
		    l, SPAN_NONE, 30, TODAY * (int64_t)DATE_DAY, a, &v);
		assert_true(good == (v.fault == NULL));
		assert_true(nth > 1 || !good);
		arena_free(a);
	}
	close_ledger(l);
}

/* ---- figures ---- */

static void
test_rates(void **state)
{
	static const struct {
		uint64_t part, whole;
		const char *want;
	} rates[] = { { 0, 0, "0.0 %" }, { 0, 9, "0.0 %" },
		{ 1, 1000000, "0.1 %" }, { 999999, 1000000, "99.9 %" },
		{ 5, 5, "100.0 %" }, { 1, 3, "33.3 %" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		char memory[16];
		struct buf b = buf_wrap(memory, sizeof(memory));

		view_put_rate(&b, rates[i].part, rates[i].whole);
		assert_string_equal(memory, rates[i].want);
	}
}

/* ---- the page: nothing of others is markup ---- */

static void
test_page_text(void **state)
{
	static const struct {
		const char *text, *want;
	} texts[] = {
		{ "<script>alert(1)</script>",
		    "&lt;script&gt;alert(1)&lt;/script&gt;" },
		{ "\" onload='x' &amp;",
		    "&quot; onload=&#39;x&#39; &amp;amp;" },
		{ "a\x1b\n\xff"
		  "b\xe2\x80\xae",
		    "a???b???" },
		{ "\xc3\xa4", "\xc3\xa4" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char *text = NULL;
		size_t n = 0;
		FILE *out = open_memstream(&text, &n);

		assert_non_null(out);
		page_text(out, span_str(texts[i].text));
		fclose(out);
		assert_string_equal(text, texts[i].want);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row_cause),
		cmocka_unit_test(test_advice),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_page_text),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
