/*
 * digest_test.c - the digest as text, HTML and mail: untrusted strings are
 * harmless in each of them, and everything is bounded.
 */
#include "report/show/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/date.h"
#include "report/write/digest_message.h"
#include "tests/support/cmocka_compat.h"

enum { TODAY = 20500, LINE_MAX_RFC5322 = 998 };

static const char hostile[] =
    "\"><script>alert(1)</script>\x1b[31m\r\nBcc: a@b\xe2\x80\xae&'";

struct rendered {
	char *text;
	size_t n;
};

static struct rendered
render(const struct digest *d, void (*put)(FILE *out, const struct digest *d))
{
	struct rendered r = { NULL, 0 };
	FILE *out = open_memstream(&r.text, &r.n);

	assert_non_null(out);
	put(out, d);
	fclose(out);
	return r;
}

static struct arena *
begin_digest(struct digest *d)
{
	struct arena *a = arena_new(DIGEST_MEMORY);

	assert_non_null(a);
	digest_begin(d, a, (int64_t)TODAY * DATE_DAY + 100);
	return a;
}

static void
assert_printable_lines(const char *text, size_t longest)
{
	size_t column = 0;

	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			column = 0;
			continue;
		}
		assert_true(*text >= ' ' && *text <= '~');
		assert_true(++column <= longest);
	}
}

static void
test_the_week_ends_two_days_ago(void **state)
{
	struct digest d;
	struct arena *a = begin_digest(&d);

	(void)state;
	assert_int_equal(d.to, TODAY - DIGEST_LAG);
	assert_int_equal(d.to - d.from + 1, 7);
	arena_free(a);
}

static void
test_hostile_texts_are_harmless(void **state)
{
	struct digest d;
	struct arena *a = begin_digest(&d);
	struct rendered text, html;

	(void)state;
	for (unsigned i = 0; i < DIGEST_SECTIONS; i++)
		digest_add(&d, (enum digest_section)i, span_str(hostile),
		    span_str(hostile), span_str(hostile));
	text = render(&d, digest_put_text);
	html = render(&d, digest_put_html);
	assert_printable_lines(text.text, LINE_MAX_RFC5322);
	assert_printable_lines(html.text, SIZE_MAX);
	assert_null(strstr(text.text, "\nBcc"));
	assert_null(strstr(html.text, "<script"));
	assert_non_null(strstr(html.text, "&lt;script&gt;"));
	assert_non_null(strstr(html.text, "&quot;&gt;"));
	free(text.text);
	free(html.text);
	arena_free(a);
}

static void
test_items_are_bounded_and_counted(void **state)
{
	struct digest d;
	struct arena *a = begin_digest(&d);
	struct rendered text;
	char name[40], long_text[5000];

	(void)state;
	memset(long_text, '<', sizeof(long_text));
	for (unsigned i = 0; i < 3 * DIGEST_ITEMS_MAX; i++) {
		snprintf(name, sizeof(name), "d%u.example", i);
		digest_add(&d, DIGEST_NEW, span_str(name), SPAN("x"),
		    span_of(long_text, sizeof(long_text)));
		digest_add(
		    &d, DIGEST_AUDIT, SPAN("one.example"), SPAN("x"), SPAN(""));
	}
	assert_int_equal(d.sections[DIGEST_NEW].n, DIGEST_ITEMS_MAX);
	assert_int_equal(d.sections[DIGEST_NEW].left_out, 2 * DIGEST_ITEMS_MAX);
	assert_int_equal(d.sections[DIGEST_AUDIT].n, DIGEST_OF_DOMAIN_MAX);
	assert_int_equal(d.sections[DIGEST_AUDIT].left_out,
	    3 * DIGEST_ITEMS_MAX - DIGEST_OF_DOMAIN_MAX);
	assert_false(d.failed);
	text = render(&d, digest_put_text);
	assert_non_null(strstr(text.text, "* and 200 more\n"));
	assert_non_null(strstr(text.text, "* and 290 more\n"));
	assert_true(strlen(text.text) < 400000);
	free(text.text);
	arena_free(a);
}

static const struct {
	enum digest_section sections[8];
	unsigned n;
	bool happened;
	const char *subject;
} subjects[] = {
	{ .n = 0,
	    .happened = false,
	    .subject = "Mail authentication digest: nothing new" },
	{ .sections = { DIGEST_STEPS },
	    .n = 1,
	    .happened = false,
	    .subject = "Mail authentication digest: nothing new" },
	{ .sections = { DIGEST_TODO },
	    .n = 1,
	    .happened = false,
	    .subject = "Mail authentication digest: 1 to do" },
	{ .sections = { DIGEST_URGENT },
	    .n = 1,
	    .happened = true,
	    .subject = "Mail authentication digest: 1 domain loses mail" },
	{ .sections = { DIGEST_NEW, DIGEST_FAILING, DIGEST_NEW, DIGEST_KEYS },
	    .n = 4,
	    .happened = true,
	    .subject = "Mail authentication digest: 1 key due, 1 drop, 2 new "
		       "senders" },
	{ .sections = { DIGEST_AUDIT, DIGEST_AUDIT, DIGEST_FIXED,
	      DIGEST_POLICIES },
	    .n = 4,
	    .happened = true,
	    .subject = "Mail authentication digest: 1 fixed, 1 policy change, "
		       "2 changes in DNS" },
};

static void
test_the_subject_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		char memory[300];
		struct buf b = buf_wrap(memory, sizeof(memory));
		struct digest d;
		struct arena *a = begin_digest(&d);

		for (unsigned k = 0; k < subjects[i].n; k++)
			digest_add(&d, subjects[i].sections[k],
			    SPAN("a.example"), SPAN("x"), SPAN(""));
		digest_put_subject(&b, &d);
		assert_string_equal(memory, subjects[i].subject);
		assert_int_equal(d.happened, subjects[i].happened);
		arena_free(a);
	}
}

static void
test_text_is_wrapped(void **state)
{
	static const char want[] =
	    "* a.example: one two three four five six seven eight nine ten "
	    "eleven twelve\n  thirteen\n    why and how\n";
	struct digest d;
	struct arena *a = begin_digest(&d);
	struct rendered text;

	(void)state;
	digest_add(&d, DIGEST_NEW, SPAN("a.example"),
	    SPAN("one two three four five six seven eight nine ten eleven "
		 "twelve thirteen"),
	    SPAN("why and how"));
	text = render(&d, digest_put_text);
	assert_non_null(strstr(text.text, want));
	free(text.text);
	arena_free(a);
}

static void
test_no_memory_is_reported(void **state)
{
	(void)state;
	for (unsigned long nth = 1; nth <= 4; nth++) {
		struct digest d;
		struct arena *a = begin_digest(&d);

		arena_fail_at(a, nth);
		digest_add(
		    &d, DIGEST_NEW, SPAN("a.example"), SPAN("x"), SPAN("y"));
		assert_true(d.failed);
		arena_free(a);
	}
}

/* ---- mail ---- */

static struct rendered
mail_of(struct span html)
{
	const struct mime_message letter = {
		.from = SPAN("a@mx.example"),
		.to = SPAN("b@mx.example"),
		.report_id = SPAN("digest.1"),
		.message_id = SPAN("digest.1@mx.example"),
		.date = 0,
	};
	struct rendered r = { NULL, 0 };
	FILE *out = open_memstream(&r.text, &r.n);

	assert_non_null(out);
	assert_true(digest_message_put(
	    out, &letter, SPAN("subject"), SPAN("text\n"), html));
	fclose(out);
	return r;
}

static const struct {
	const char *html, *want;
} quoted[] = {
	{ "a=b", "\na=3Db\n" },
	{ "a \nb", "\na=20\nb\n" },
	{ "a\tb", "\na=09b\n" },
	{ "\xc3\xa9", "\n=C3=A9\n" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaab=",
	    "aaaaab=\n=3D\n" },
};

static void
test_rfc2045_section_6_7_quoted_printable(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(quoted) / sizeof(quoted[0]); i++) {
		struct rendered r = mail_of(span_str(quoted[i].html));

		assert_non_null(strstr(r.text, quoted[i].want));
		assert_printable_lines(r.text, 76);
		free(r.text);
	}
}

static void
test_a_long_line_of_html_is_broken(void **state)
{
	char html[3000];
	struct rendered r;

	(void)state;
	memset(html, '<', sizeof(html));
	r = mail_of(span_of(html, sizeof(html)));
	assert_printable_lines(r.text, 76);
	assert_non_null(strstr(r.text, "\n--=_digest.1--\n"));
	free(r.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_week_ends_two_days_ago),
		cmocka_unit_test(test_hostile_texts_are_harmless),
		cmocka_unit_test(test_items_are_bounded_and_counted),
		cmocka_unit_test(test_the_subject_counts),
		cmocka_unit_test(test_text_is_wrapped),
		cmocka_unit_test(test_no_memory_is_reported),
		cmocka_unit_test(test_rfc2045_section_6_7_quoted_printable),
		cmocka_unit_test(test_a_long_line_of_html_is_broken),
	};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
