/* mail_header_test.c - splitting a header into fields: RFC 5322 sections 2.2,
 * 3.6.8 and 4.5, mail/header.h. */
#include "mail/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"

enum { CAP = 8 << 20, SHOWN = 4096 };

/* Shows every field as "name|value\n", with CR as "~" and LF as "^". */
static const char *
show(const struct mail_header *h, char shown[SHOWN])
{
	struct buf b = buf_wrap(shown, SHOWN);

	for (size_t i = 0; i < h->n; i++) {
		const struct mail_field *f = &h->fields[i];

		buf_span(&b, f->name);
		buf_byte(&b, '|');
		for (size_t j = 0; j < f->value.n; j++) {
			char c = f->value.p[j];

			buf_byte(&b, c == '\r' ? '~' : c == '\n' ? '^' : c);
		}
		buf_byte(&b, '\n');
	}
	return shown;
}

struct mail_header_read_vector {
	const char *name;
	const char *text;
	const char *fields;
	const char *body;
};

static const struct mail_header_read_vector reads[] = {
	{ "2.2 CRLF", "A: 1\r\nB: 2\r\n\r\nbody\r\n", "A| 1\nB| 2\n",
	    "body\r\n" },
	{ "2.2 bare LF", "A: 1\nB: 2\n\nbody\n", "A| 1\nB| 2\n", "body\n" },
	{ "2.2 mixed line ends", "A: 1\r\nB: 2\n\r\nx", "A| 1\nB| 2\n", "x" },
	{ "2.2.3 folded, CRLF", "A: 1\r\n\t2\r\n  3\r\n\r\n",
	    "A| 1~^\t2~^  3\n", "" },
	{ "2.2.3 folded, LF", "A: 1\n\t2\n  3\n\n", "A| 1~^\t2~^  3\n", "" },
	{ "2.2.3 immediate fold", "A:\n 1\n\n", "A|~^ 1\n", "" },
	{ "2.2.3 trailing space is kept", "A: 1 \t \r\n\r\n", "A| 1 \t \n",
	    "" },
	{ "2.2 odd leading space is kept", "A:  \t 1\nB:1\n\n",
	    "A|  \t 1\nB|1\n", "" },
	{ "2.2 empty value", "A:\nB: \n\n", "A|\nB| \n", "" },
	{ "4.2 line of white space only", "A: 1\n \n\t2\nB: 3\n\n",
	    "A| 1~^ ~^\t2\nB| 3\n", "" },
	{ "4.5 space before the colon", "A \t: 1\n\n", "A| 1\n", "" },
	{ "2.2 bare CR is not a line end", "A: 1\rB: 2\n\n", "A| 1~B: 2\n",
	    "" },
	{ "2.2 CR CR LF", "A: 1\r\r\n\n", "A| 1~\n", "" },
	{ "2.2 CR CR LF in a fold", "A: 1\r\r\n 2\n\n", "A| 1~~^ 2\n", "" },
	{ "3.6.8 all of ftext", "!~_-.x;: 1\n\n", "!~_-.x;| 1\n", "" },
	{ "no field ends the header", "A: 1\nno field\nB: 2\n", "A| 1\n",
	    "no field\nB: 2\n" },
	{ "a space in a name", "A B: 1\n\nx", "", "A B: 1\n\nx" },
	{ "no name", ": 1\n\n", "", ": 1\n\n" },
	{ "UTF-8 in a name", "\303\244: 1\n", "", "\303\244: 1\n" },
	{ "begins with white space", " A: 1\n\n", "", " A: 1\n\n" },
	{ "begins with the empty line", "\r\nA: 1\n", "", "A: 1\n" },
	{ "nothing", "", "", "" },
	{ "no empty line", "A: 1\nB: 2\n", "A| 1\nB| 2\n", "" },
	{ "no last line end", "A: 1\nB: 2", "A| 1\nB| 2\n", "" },
	{ "a CR at the end", "A: 1\r", "A| 1~\n", "" },
	{ "no colon at the end", "A: 1\nB", "A| 1\n", "B" },
	{ "mbox line", "From a@b Mon Jan  1 00:00:00 2024\nA: 1\n\nx", "A| 1\n",
	    "x" },
	{ "mbox line alone", "From ", "", "" },
	{ "not an mbox line: obsolete From", "From : a@b\nA: 1\n\n",
	    "From| a@b\nA| 1\n", "" },
	{ "mbox line later is body", "A: 1\nFrom a@b\nB: 2\n", "A| 1\n",
	    "From a@b\nB: 2\n" },
	{ "lower case is not an mbox line", "from a@b\nA: 1\n", "",
	    "from a@b\nA: 1\n" },
};

/* Checks that `raw` is name, colon and value, whatever precedes the colon. */
static void
check_raw(const struct mail_header_read_vector *v, const struct mail_header *h)
{
	size_t bytes = 0;

	for (size_t i = 0; i < h->n; i++) {
		const struct mail_field *f = &h->fields[i];
		const char *colon = f->value.p - 1;

		if (f->name.p != f->raw.p || *colon != ':' ||
		    f->value.p + f->value.n != f->raw.p + f->raw.n)
			fail_msg("%s: raw of field %zu", v->name, i);
		bytes += f->raw.n;
	}
	assert_int_equal(bytes, h->bytes);
}

static void
section_2_2_reads_fields(void **state)
{
	struct arena *a = arena_new(CAP);
	char shown[SHOWN];

	(void)state;
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		const struct mail_header_read_vector *v = &reads[i];
		struct mail_header h = { 0 };
		size_t n = mail_header_read(&h, a, span_str(v->text));

		if (strcmp(show(&h, shown), v->fields) != 0)
			fail_msg("%s: fields are\n%s", v->name, shown);
		if (strcmp(v->text + n, v->body) != 0)
			fail_msg("%s: body is \"%s\"", v->name, v->text + n);
		assert_false(h.cut);
		check_raw(v, &h);
		arena_rewind(a);
	}
	arena_free(a);
}

/* Truncates the input at every byte: nothing is read past the end, and each
 * field is still name, colon and value. */
static void
section_2_2_cut_at_every_byte(void **state)
{
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		size_t n = strlen(reads[i].text);

		for (size_t cut = 0; cut <= n; cut++) {
			struct mail_header h = { 0 };
			struct span part =
			    arena_copy(a, span_of(reads[i].text, cut));
			size_t used = mail_header_read(&h, a, part);

			assert_true(used <= cut);
			check_raw(&reads[i], &h);
			arena_rewind(a);
		}
	}
	arena_free(a);
}

static void
section_2_2_add_as_from_libmilter(void **state)
{
	static const struct {
		const char *name;
		const char *value;
		const char *fields;
	} adds[] = {
		{ "Subject", " a", "Subject| a\n" },
		{ "Subject", "a", "Subject|a\n" },
		{ "Subject", " a\n\tb", "Subject| a~^\tb\n" },
		{ "Subject", " a\r\n\tb\r\n", "Subject| a~^\tb\n" },
		{ "Subject", " a\n", "Subject| a\n" },
		{ "Subject", "\n", "Subject|\n" },
		{ "Subject", "", "Subject|\n" },
		{ "Subject ", " a", "Subject| a\n" },
		{ "", " a", "| a\n" },
	};
	struct arena *a = arena_new(CAP);
	char shown[SHOWN];

	(void)state;
	for (size_t i = 0; i < sizeof(adds) / sizeof(adds[0]); i++) {
		struct mail_header h = { 0 };

		assert_true(mail_header_add(
		    &h, a, span_str(adds[i].name), span_str(adds[i].value)));
		assert_string_equal(show(&h, shown), adds[i].fields);
	}
	struct mail_header h = { 0 };

	assert_true(mail_header_add(&h, a, SPAN("A"), SPAN_NONE));
	assert_string_equal(show(&h, shown), "A|\n");
	arena_free(a);
}

static void
nul_is_noticed(void **state)
{
	struct arena *a = arena_new(CAP);
	struct mail_header h = { 0 };

	(void)state;
	mail_header_read(&h, a, SPAN("A: 1\n\n\0"));
	assert_false(h.nul);
	mail_header_read(&h, a, SPAN("A: 1\0002\n\n"));
	assert_true(h.nul);
	assert_int_equal(h.n, 2);
	arena_free(a);
}

static void
find_and_count(void **state)
{
	struct arena *a = arena_new(CAP);
	struct mail_header h = { 0 };

	(void)state;
	assert_int_equal(mail_header_find(&h, "From", 0), 0);
	mail_header_read(&h, a, SPAN("from: 1\nTo: 2\nFROM : 3\nFromm: 4\n\n"));
	assert_int_equal(mail_header_count(&h, "From"), 2);
	assert_int_equal(mail_header_find(&h, "From", 0), 0);
	assert_int_equal(mail_header_find(&h, "From", 1), 2);
	assert_int_equal(mail_header_find(&h, "From", 3), 4);
	assert_int_equal(mail_header_find(&h, "Cc", 0), 4);
	assert_int_equal(mail_header_find(&h, "Cc", 99), 4);
	arena_free(a);
}

static void
limits_of_fields_and_bytes(void **state)
{
	static char big[MAIL_HEADER_MAX];
	struct arena *a = arena_new(CAP);
	struct mail_header h = { 0 };

	(void)state;
	for (size_t i = 0; i < MAIL_FIELDS_MAX; i++)
		assert_true(mail_header_add(&h, a, SPAN("A"), SPAN("1")));
	assert_false(h.cut);
	assert_false(mail_header_add(&h, a, SPAN("A"), SPAN("1")));
	assert_true(h.cut);
	assert_int_equal(h.n, MAIL_FIELDS_MAX);

	arena_rewind(a);
	h = (struct mail_header){ 0 };
	memset(big, 'x', sizeof(big));
	assert_false(mail_header_add(&h, a, SPAN("A"),
	    span_of(
		big, MAIL_HEADER_MAX - 1))); /* with "A:", one byte too many */
	assert_int_equal(h.n, 0);
	h.cut = false;
	assert_true(mail_header_add(
	    &h, a, SPAN("A"), span_of(big, MAIL_HEADER_MAX - 2)));
	assert_int_equal(h.bytes, MAIL_HEADER_MAX);
	assert_false(h.cut);
	assert_false(mail_header_add(&h, a, SPAN(""), SPAN("")));
	assert_true(h.cut);

	arena_rewind(a);
	h = (struct mail_header){ 0 };
	memset(
	    big, '\n', sizeof(big)); /* its size doubles when CRs are added */
	assert_false(mail_header_add(
	    &h, a, SPAN("A"), span_of(big, MAIL_HEADER_MAX / 2 + 1)));
	assert_true(h.cut);
	arena_free(a);
}

/* RFC 9989 section 4.2: a message with a lot of data before From still has an
 * author. */
static void
limits_do_not_hide_the_author(void **state)
{
	static char big[MAIL_HEADER_MAX];
	struct arena *a = arena_new(2 * CAP);
	struct mail_header h = { 0 };

	(void)state;
	for (size_t i = 0; i <= MAIL_FIELDS_MAX; i++)
		mail_header_add(&h, a, SPAN("A"), SPAN("1"));
	assert_int_equal(h.n, MAIL_FIELDS_MAX);
	for (size_t i = 0; i < MAIL_AUTHOR_FIELDS; i++)
		assert_true(
		    mail_header_add(&h, a, SPAN("FROM "), SPAN("a@b.example")));
	assert_int_equal(mail_header_count(&h, "From"), MAIL_AUTHOR_FIELDS);
	assert_false(mail_header_add(&h, a, SPAN("From"), SPAN("a")));
	assert_false(mail_header_add(&h, a, SPAN("Fro"), SPAN("a")));
	assert_true(h.cut);

	arena_rewind(a);
	h = (struct mail_header){ 0 };
	memset(big, 'x', sizeof(big));
	assert_true(mail_header_add(
	    &h, a, SPAN("A"), span_of(big, MAIL_HEADER_MAX - 2)));
	assert_false(mail_header_add(&h, a, SPAN("To"), SPAN("c@d.example")));
	assert_true(mail_header_add(&h, a, SPAN("From"), SPAN("a@b.example")));
	assert_false(mail_header_add(
	    &h, a, SPAN("From"), span_of(big, MAIL_AUTHOR_BYTES - 20)));
	assert_true(mail_header_add(
	    &h, a, SPAN("From"), span_of(big, MAIL_AUTHOR_BYTES - 21)));
	assert_int_equal(h.bytes, MAIL_HEADER_MAX + MAIL_AUTHOR_BYTES);
	assert_int_equal(mail_header_count(&h, "From"), 2);
	arena_free(a);
}

/* Fields over a limit do not change where the body begins. */
static void
limit_keeps_the_body_apart(void **state)
{
	static char text[(MAIL_FIELDS_MAX + 1) * 4 + 16];
	struct buf b = buf_wrap(text, sizeof(text));
	struct arena *a = arena_new(CAP);
	struct mail_header h = { 0 };

	(void)state;
	for (size_t i = 0; i <= MAIL_FIELDS_MAX; i++)
		buf_text(&b, "A:1\n");
	buf_text(&b, "\nbody");
	assert_int_equal(mail_header_read(&h, a, buf_view(&b)), b.n - 4);
	assert_true(h.cut);
	assert_int_equal(h.n, MAIL_FIELDS_MAX);
	arena_free(a);
}

static void
arena_fails_at_each_allocation(void **state)
{
	static const char text[] = "A: 1\nB: 2\n 3\nC: 4\n\nbody";
	char shown[SHOWN];

	(void)state;
	for (unsigned long nth = 1; nth < 8; nth++) {
		struct arena *a = arena_new(CAP);
		struct mail_header h = { 0 };

		arena_fail_at(a, nth);
		assert_int_equal(
		    mail_header_read(&h, a, span_str(text)), sizeof(text) - 5);
		assert_int_equal(h.cut, nth <= 4);
		assert_int_equal(h.n, nth <= 1 ? 0 : nth <= 4 ? nth - 2 : 3);
		show(&h, shown);
		arena_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(section_2_2_reads_fields),
		cmocka_unit_test(section_2_2_cut_at_every_byte),
		cmocka_unit_test(section_2_2_add_as_from_libmilter),
		cmocka_unit_test(nul_is_noticed),
		cmocka_unit_test(find_and_count),
		cmocka_unit_test(limits_of_fields_and_bytes),
		cmocka_unit_test(limits_do_not_hide_the_author),
		cmocka_unit_test(limit_keeps_the_body_apart),
		cmocka_unit_test(arena_fails_at_each_allocation),
	};

	return cmocka_run_group_tests_name("mail_message", tests, NULL, NULL);
}
