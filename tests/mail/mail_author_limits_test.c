/* mail_author_limits_test.c - author domains: the limits in mail/author.h, and
 * hostile input sizes. */
#include "mail/author.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/mail_text.h"

#include "lib/buf.h"
#include "lib/enum_names.h"

enum { CAP = 8 << 20 };

static void
limit_of_author_domains(void **state)
{
	struct arena *a = arena_new(CAP);
	struct buf list = buf_alloc(a, 4096);

	(void)state;
	for (unsigned i = 1; i <= MAIL_AUTHORS_MAX + 2; i++) {
		struct mail_from from;

		buf_printf(&list, "a@b%u.example,", i);
		mail_author_read(a, buf_view(&list), &from);
		if (i <= MAIL_AUTHORS_MAX) {
			assert_int_equal(from.state, MAIL_FROM_VALID);
			assert_int_equal(from.n_domains, i);
		} else {
			assert_int_equal(from.state, MAIL_FROM_INVALID);
			assert_string_equal(
			    from.reason, "more than 8 author domains");
			assert_int_equal(from.n_domains, MAIL_AUTHORS_MAX);
		}
	}
	arena_free(a);
}

static void
limit_of_possible_domains(void **state)
{
	struct arena *a = arena_new(CAP);
	struct buf b = buf_alloc(a, 4096);
	struct mail_from from;

	(void)state;
	for (unsigned i = 1; i < MAIL_AUTHORS_MAX; i++)
		buf_printf(&b, "=?utf-8?q?x=40b%u.example?= ", i);
	buf_text(&b, "<a@b.example>");
	mail_author_read(a, buf_view(&b), &from);
	assert_int_equal(from.state, MAIL_FROM_VALID);
	assert_int_equal(from.n_domains, MAIL_AUTHORS_MAX);
	assert_int_equal(from.n_possible, MAIL_AUTHORS_MAX - 1);
	buf_text(&b, ", c@d.example");
	mail_author_read(a, buf_view(&b), &from);
	assert_int_equal(from.state, MAIL_FROM_INVALID);
	assert_string_equal(from.reason, "more than 8 author domains");
	assert_int_equal(from.n_domains, MAIL_AUTHORS_MAX);
	assert_true(span_is(from.domains[1], "d.example"));
	arena_free(a);
}

struct large_vector {
	const char *begin, *text;
	size_t times;
	const char *end;
	enum mail_from_state state;
	const char *domains;
};

/* clang-format off */
static const struct large_vector larges[] = {
	{ .begin = "",
.text = "a@b.example,",
.times = 200,
.end = "",
.state = MAIL_FROM_VALID,
.domains = "b.example" },
	{ .begin = "",
.text = "a@b.example,",
.times = 201,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "b.example" },
	{ .begin = "",
.text = "a@b.example,",
.times = 100000,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "",
.text = "a@b\303\274cher.example,",
.times = 200,
.end = "",
.state = MAIL_FROM_VALID,
.domains = "xn--bcher-kva.example" },
	{ .begin = "",
.text = "<a@b.example",
.times = 200,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "b.example" },
	{ .begin = "a@b.example",
.text = "@",
.times = 15900,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "b.example" },
	{ .begin = "a@",
.text = "a.",
.times = 200,
.end = "example",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "a@",
.text = "a.",
.times = 120,
.end = "example",
.state = MAIL_FROM_VALID },
	{ .begin = "\"",
.text = "0123456789abcdef",
.times = 993,
.end = "\" <a@b.example>",
.state = MAIL_FROM_VALID,
.domains = "b.example" },
	{ .begin = "",
.text = "0123456789abcdef",
.times = 993,
.end = "@b.example",
.state = MAIL_FROM_VALID,
.domains = "b.example" },
	{ .begin = "a@",
.text = "0123456789abcde.",
.times = 993,
.end = "example",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "a@",
.text = "\303\274.",
.times = 5300,
.end = "example",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "a@b",
.text = " .c",
.times = 1300,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "a@b",
.text = " .c",
.times = 5300,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "a@b.example ",
.text = "(",
.times = 15900,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "a@b.example ",
.text = "(",
.times = 64,
.end = "",
.state = MAIL_FROM_SLOPPY,
.domains = "b.example" },
	{ .begin = "a@b.example ",
.text = "\\(",
.times = 7900,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "",
.text = "a@b.example(",
.times = 200,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "",
.text = "@(",
.times = 200,
.end = "x",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "a@b.example, ",
.text = "c@d(x((",
.times = 190,
.end = "",
.state = MAIL_FROM_INVALID },
	{ .begin = "",
.text = "\"",
.times = 15900,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "\"",
.text = "\\",
.times = 15900,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "",
.text = "<",
.times = 15900,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "",
.text = "<@a,",
.times = 3975,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "<",
.text = "@a,",
.times = 190,
.end = ":a@b.example>",
.state = MAIL_FROM_VALID,
.domains = "b.example" },
	{ .begin = "a@",
.text = "[",
.times = 15900,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "",
.text = "a:",
.times = 7950,
.end = "a@b.example",
.state = MAIL_FROM_SLOPPY,
.domains = "b.example" },
	{ .begin = "",
.text = ",",
.times = 15900,
.end = "a@b.example",
.state = MAIL_FROM_VALID,
.domains = "b.example" },
	{ .begin = "",
.text = "a ",
.times = 7950,
.end = "<a@b.example>",
.state = MAIL_FROM_VALID,
.domains = "b.example" },
	{ .begin = "a@b.example, c@",
.text = "d ",
.times = 200,
.end = "",
.state = MAIL_FROM_SLOPPY,
.domains = "b.example" },
	{ .begin = "a@b.example, c@",
.text = "d ",
.times = 2000,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "b.example" },
	{ .begin = "a@b.example, ",
.text = "d ",
.times = 2000,
.end = "e!f",
.state = MAIL_FROM_INVALID,
.domains = "b.example" },
	{ .begin = "a@b.example, c@d",
.text = " \342\200\213",
.times = 400,
.end = " e.example",
.state = MAIL_FROM_INVALID,
.domains = "b.example" },
	{ .begin = "a@b.example, x",
.text = "%d",
.times = 190,
.end = "@",
.state = MAIL_FROM_SLOPPY,
.domains = "b.example" },
	{ .begin = "",
.text = "=?utf-8?q?=40?=",
.times = 1060,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "",
.text = "=?utf-8?b?",
.times = 1590,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "",
.text = "=?",
.times = 7950,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
	{ .begin = "",
.text = "=?utf-8?q?a",
.times = 1445,
.end = " <a@b.example>",
.state = MAIL_FROM_VALID,
.domains = "b.example" },
	{ .begin = "",
.text = "=?utf-8?b?YUBi?= ",
.times = 935,
.end = "",
.state = MAIL_FROM_INVALID,
.domains = "" },
};
/* clang-format on */

static void
hostile_sizes_take_linear_time(void **state)
{
	/* about 10 ms each; quadratic time would exceed the runner's limit */
	struct arena *text = arena_new(CAP), *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(larges); i++) {
		const struct large_vector *v = &larges[i];
		struct mail_header h = { 0 };
		struct mail_from from;
		char shown[MAIL_AUTHOR_SHOWN];
		struct span value =
		    repeat(text, v->begin, v->text, v->times, v->end);

		if (value.n > MAIL_HEADER_MAX)
			value = span_first(value, MAIL_HEADER_MAX - 5);
		assert_true(mail_header_add(&h, text, SPAN("From"), value));
		mail_from_read(&h, a, &from);
		mail_author_show(&from, shown);
		if (from.state != v->state || arena_has_failed(a) ||
		    (v->domains != NULL && strcmp(shown, v->domains) != 0))
			fail_msg("%s%s...: %s, %s \"%s\"", v->begin, v->text,
			    mail_from_state_name(from.state),
			    from.reason != NULL ? from.reason : "", shown);
		arena_rewind(a);
		arena_rewind(text);
	}
	arena_free(text);
	arena_free(a);
}

/* About 4,000 From fields of 240 bytes are all counted, but only those within
 * the total limit are read. */
static void
limit_of_bytes_is_for_all_fields(void **state)
{
	struct arena *text = arena_new(CAP), *a = arena_new(CAP);
	struct span value = repeat(text, "", "<a@b.example> ", 17, "");
	struct mail_header h = { 0 };
	struct mail_from from;

	(void)state;
	while (mail_header_add(&h, text, SPAN("From"), value))
		;
	mail_from_read(&h, a, &from);
	assert_int_equal(from.state, MAIL_FROM_INVALID);
	assert_true(from.n_fields > 4000);
	assert_string_equal(from.reason, "several From fields");
	assert_false(arena_has_failed(a));
	arena_free(text);
	arena_free(a);
}

static void
comments_at_the_depth_limit(void **state)
{
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t depth = 64; depth <= 65; depth++) {
		struct mail_from from;
		struct span open = repeat(a, "", "(", depth, "");
		struct span all = repeat(a, open.p, ")", depth, " a@b.example");

		mail_author_read(a, all, &from);
		assert_int_equal(from.state,
		    depth == 64 ? MAIL_FROM_VALID : MAIL_FROM_INVALID);
	}
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_of_author_domains),
		cmocka_unit_test(limit_of_possible_domains),
		cmocka_unit_test(hostile_sizes_take_linear_time),
		cmocka_unit_test(limit_of_bytes_is_for_all_fields),
		cmocka_unit_test(comments_at_the_depth_limit),
	};

	return cmocka_run_group_tests_name(
	    "mail_author_limits", tests, NULL, NULL);
}
