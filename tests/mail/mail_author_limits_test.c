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
.text = "a@b.example,\r\n ",
.times = 200,
.end = "",
.state = MAIL_FROM_VALID,
.domains = "b.example" },
	{ .begin = "",
.text = "a@b.example,\r\n ",
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
.text = "a@b\303\274cher.example,\r\n ",
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
.text = "0123456789abcdef\r\n ",
.times = 836,
.end = "\" <a@b.example>",
.state = MAIL_FROM_VALID,
.domains = "b.example" },
	{ .begin = "",
.text = "0123456789abcdef",
.times = 993,
.end = "@b.example",
.state = MAIL_FROM_INVALID,
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
.text = "a:\r\n ",
.times = 3180,
.end = "a@b.example",
.state = MAIL_FROM_SLOPPY,
.domains = "b.example" },
	{ .begin = "",
.text = ",\r\n ",
.times = 3975,
.end = "a@b.example",
.state = MAIL_FROM_VALID,
.domains = "b.example" },
	{ .begin = "",
.text = "a\r\n ",
.times = 3975,
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
.text = "=?utf-8?q?a\r\n ",
.times = 1135,
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

/* RFC 5322 section 2.1.1: MTAs break longer lines, even in a domain. */
static void
limit_of_a_line(void **state)
{
	static const struct {
		const char *begin, *text, *end;
		size_t times;
		enum mail_from_state state;
	} vectors[] = {
		{ "", "x", " <a@d.example.b.example>", 950, MAIL_FROM_VALID },
		{ "", "x", " <a@d.example.b.example>", 980, MAIL_FROM_INVALID },
		{ "\"", "x", "<c@d.example>\" <a@b.example>", 960,
		    MAIL_FROM_INVALID },
		{ "", "x", "\r\n <a@b.example>", 980, MAIL_FROM_VALID },
		{ "", "x", "\r\n <a@b.example>", 981, MAIL_FROM_INVALID },
		{ "a\r\n ", "x", "\r\n <a@b.example>", 978, MAIL_FROM_VALID },
		{ "a\r\n ", "x", "\r\n <a@b.example>", 979, MAIL_FROM_INVALID },
	};
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct mail_from from;

		mail_author_read(a,
		    repeat(a, vectors[i].begin, vectors[i].text,
			vectors[i].times, vectors[i].end),
		    &from);
		if (from.state != vectors[i].state)
			fail_msg(
			    "%zu: %s", i, mail_from_state_name(from.state));
		arena_rewind(a);
	}
	arena_free(a);
}

/* Sendmail counts the name and comments of a mailbox, and bytes from 0x80 to
 * 0x9f twice. */
static void
longest_mailbox(void **state)
{
	static const struct {
		const char *begin, *text, *end;
		size_t times, longest;
	} vectors[] = {
		{ "", "", "a@b.example", 0, 11 },
		{ "\"", " ", "\" <a@b.example>", 300, 316 },
		{ "(", "x", ") a@b.example", 300, 314 },
		{ "a.", "x", "@b.example", 300, 312 },
		{ "\"", "\302\205", "\" <a@b.example>", 100, 316 },
		{ "\"", "\303\274", "\" <a@b.example>", 100, 216 },
		{ "a@b.example, ", "x", " <c@b.example>", 300, 316 },
		{ "", "x", " <c@b.example>, a@b.example", 300, 314 },
		{ "x: ", "a@b.example,", " c@d.example;", 20, 14 },
		/* not valid */
		{ "Doe, ", "x", " <a@b.example>", 300, 319 },
		{ "", "a@b.example,", " x", 20, 242 },
	};
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct mail_from from;

		mail_author_read(a,
		    repeat(a, vectors[i].begin, vectors[i].text,
			vectors[i].times, vectors[i].end),
		    &from);
		if (from.longest != vectors[i].longest)
			fail_msg("%zu: %zu", i, from.longest);
		arena_rewind(a);
	}
	arena_free(a);
}

/* MTAs may cut the names of a long field. */
static void
names_of_a_long_field_are_searched(void **state)
{
	static const struct {
		const char *begin, *text, *end;
		size_t times;
		const char *domains;
	} vectors[] = {
		{ "\"c@d.example\" \"", "x", "\" <a@b.example>", 220,
		    "b.example" },
		{ "\"c@d.example\" \"", "x", "\" <a@b.example>", 221,
		    "b.example +d.example" },
		{ "\"c@d.example", " ", "\" <a@b.example>", 240,
		    "b.example +d.example" },
		{ "(c@d.example", " ", ") a@b.example", 240,
		    "b.example +d.example +d.examplea" },
		{ "\"c@d.example", "\302\205", "\" <a@b.example>", 60,
		    "b.example" },
		{ "\"c@d.example", "\302\205", "\" <a@b.example>", 100,
		    "b.example +d.example" },
	};
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct mail_from from;
		char shown[MAIL_AUTHOR_SHOWN];

		mail_author_read(a,
		    repeat(a, vectors[i].begin, vectors[i].text,
			vectors[i].times, vectors[i].end),
		    &from);
		mail_author_show(&from, shown);
		if (from.state != MAIL_FROM_VALID ||
		    strcmp(shown, vectors[i].domains) != 0)
			fail_msg("%zu: %s \"%s\"", i,
			    mail_from_state_name(from.state), shown);
		arena_rewind(a);
	}
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
		cmocka_unit_test(limit_of_a_line),
		cmocka_unit_test(longest_mailbox),
		cmocka_unit_test(names_of_a_long_field_are_searched),
		cmocka_unit_test(comments_at_the_depth_limit),
	};

	return cmocka_run_group_tests_name(
	    "mail_author_limits", tests, NULL, NULL);
}
