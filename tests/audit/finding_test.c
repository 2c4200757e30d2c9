/* finding_test.c - findings created from rules: templates, limits, order */
#include "audit/finding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/enum_names.h"

static const struct audit_rule rules[] = {
	{ .severity = AUDIT_NOTE,
	    .id = "a-note",
	    .section = "RFC 1 section 1",
	    .text = "%t=%v of %d",
	    .fix = "Write %21, %{d} or %%." },
	{ .severity = AUDIT_ERROR,
	    .id = "an-error",
	    .section = "RFC 1 section 2",
	    .text = "wrong",
	    .fix = "Correct it." },
	{ .severity = AUDIT_WARNING,
	    .id = "a-warning",
	    .section = "RFC 1 section 3",
	    .text = "%",
	    .fix = "" },
};

static void
texts_are_filled_in_and_printable(void **state)
{
	const struct audit_about about = {
		.where = SPAN("a.exam\nple"),
		.term = SPAN("a:\xff"),
		.domain = SPAN("\033d"),
		.value = SPAN("%d\r"),
		.tag = SPAN("t"),
	};
	const struct audit_about with_fix = { .where = SPAN("b.example"),
		.fix = "Write t=y." };
	struct arena *a = arena_new(1 << 20);
	struct audit_findings f;

	(void)state;
	assert_non_null(a);
	audit_findings_init(&f, a);
	audit_findings_add(&f, &rules[0], &about);
	audit_findings_add(&f, &rules[1], &with_fix);
	audit_findings_add(&f, &rules[2], &with_fix);
	assert_int_equal(f.n, 3);
	assert_false(f.cut);
	assert_string_equal(f.list[0].id, "a-note");
	assert_string_equal(f.list[0].section, "RFC 1 section 1");
	assert_true(span_is(f.list[0].where, "a.exam?ple"));
	assert_true(span_is(f.list[0].term, "a:\xff"));
	assert_true(span_is(f.list[0].text, "t=%d? of ?d"));
	assert_true(span_is(f.list[0].fix, "Write %21, %{d} or %%."));
	assert_true(span_is(f.list[1].fix, "Write t=y."));
	assert_true(span_is(f.list[2].text, "%"));
	arena_free(a);
}

static void
errors_come_first_in_the_order_found(void **state)
{
	static const size_t added[] = { 0, 1, 2, 0, 1 };
	static const char *const want[] = { "error 1", "error 4", "warning 2",
		"note 0", "note 3" };
	static const char *const names[] = { "0", "1", "2", "3", "4" };
	struct arena *a = arena_new(1 << 20);
	struct audit_findings f;

	(void)state;
	assert_non_null(a);
	audit_findings_init(&f, a);
	for (size_t i = 0; i < ARRAY_SIZE(added); i++)
		audit_findings_add(&f, &rules[added[i]],
		    &(struct audit_about){ .where = span_str(names[i]) });
	audit_findings_sort(&f);
	assert_int_equal(f.n, ARRAY_SIZE(want));
	for (size_t i = 0; i < f.n; i++) {
		const char *severity = audit_severity_name(f.list[i].severity);

		assert_memory_equal(want[i], severity, strlen(severity));
		assert_true(span_is(f.list[i].where, strchr(want[i], ' ') + 1));
	}
	assert_int_equal(f.counts[AUDIT_ERROR], 2);
	assert_int_equal(f.counts[AUDIT_WARNING], 1);
	assert_int_equal(f.counts[AUDIT_NOTE], 2);
	arena_free(a);
}

static void
more_than_the_maximum_are_counted(void **state)
{
	const struct audit_about about = { .where = SPAN("a.example") };
	struct arena *a = arena_new(1 << 20);
	struct audit_findings f;

	(void)state;
	assert_non_null(a);
	audit_findings_init(&f, a);
	for (size_t i = 0; i < AUDIT_FINDINGS_MAX; i++)
		audit_findings_add(&f, &rules[0], &about);
	assert_false(f.cut);
	audit_findings_add(&f, &rules[1], &about);
	assert_true(f.cut);
	assert_int_equal(f.n, AUDIT_FINDINGS_MAX);
	assert_int_equal(f.counts[AUDIT_NOTE], AUDIT_FINDINGS_MAX);
	assert_int_equal(f.counts[AUDIT_ERROR], 1);
	arena_free(a);
}

/* The allocations are the list and three strings per finding. */
static void
without_memory_it_says_that_findings_are_missing(void **state)
{
	const struct audit_about about = { .where = SPAN("a.example") };
	struct arena *a = arena_new(1 << 20);

	(void)state;
	assert_non_null(a);
	for (unsigned long nth = 1; nth <= 5; nth++) {
		struct audit_findings f;

		arena_fail_at(a, nth);
		audit_findings_init(&f, a);
		audit_findings_add(&f, &rules[1], &about);
		audit_findings_sort(&f);
		assert_int_equal(f.n, nth == 5);
		assert_int_equal(f.cut, nth != 5);
		assert_int_equal(f.counts[AUDIT_ERROR], 1);
	}
	arena_free(a);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_filled_in_and_printable),
		cmocka_unit_test(errors_come_first_in_the_order_found),
		cmocka_unit_test(more_than_the_maximum_are_counted),
		cmocka_unit_test(
		    without_memory_it_says_that_findings_are_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
