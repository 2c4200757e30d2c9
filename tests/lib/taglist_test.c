/* taglist_test.c - RFC 6376 section 3.2 */
#include "lib/taglist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"

struct taglist_vector {
	const char *text;
	const char *want; /* "name<value>" in order; NULL: rejected */
};

static void
reads(const struct taglist_vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		struct tag tags[TAGLIST_MAX];
		const char *reason = NULL;
		char got[512];
		struct buf b = buf_wrap(got, sizeof(got));
		size_t count;
		bool good =
		    taglist_read(span_str(v->text), tags, &count, &reason);

		if (good != (v->want != NULL))
			fail_msg("%s: %s", v->text, good ? "accepted" : reason);
		if (!good) {
			assert_non_null(reason);
			continue;
		}
		for (size_t i = 0; i < count; i++) {
			buf_span(&b, tags[i].name);
			buf_byte(&b, '<');
			buf_span(&b, tags[i].value);
			buf_byte(&b, '>');
		}
		if (strcmp(got, v->want) != 0)
			fail_msg("%s: got %s", v->text, got);
	}
}

static void
rfc6376_3_2_lists(void **state)
{
	static const struct taglist_vector vectors[] = {
		{ "", "" },
		{ "  \r\n ", "" },
		{ "a=1", "a<1>" },
		{ "a=1;", "a<1>" },
		{ "a=1; \r\n", "a<1>" },
		{ "v=1; a=rsa-sha256;\r\n\tc=relaxed/simple",
		    "v<1>a<rsa-sha256>c<relaxed/simple>" },
		{ " v = 1 ; p = ab = ; ", "v<1>p<ab =>" },
		{ "\r\n v\r\n =\r\n 1\r\n ;", "v<1>" },
		{ "p=", "p<>" },
		{ "p=;", "p<>" },
		{ "p= \t;a=1", "p<>a<1>" },
		{ "b=AB\r\n CD", "b<AB\r\n CD>" },
		{ "z=From:a@b|To:c=20d=3B", "z<From:a@b|To:c=20d=3B>" },
		{ "a=1;A=2", "a<1>A<2>" },
		{ "x_9=1", "x_9<1>" },
		{ "i=j\xc3\xb6rg@example.org", "i<j\xc3\xb6rg@example.org>" },
	};

	(void)state;
	reads(vectors, ARRAY_SIZE(vectors));
}

static void
rfc6376_3_2_rejected(void **state)
{
	static const struct taglist_vector vectors[] = {
		{ ";", NULL },
		{ "a", NULL },
		{ "=", NULL },
		{ "=1", NULL },
		{ "a=1;;", NULL },
		{ "a=1;;b=2", NULL },
		{ "a=1; ;b=2", NULL },
		{ ";a=1", NULL },
		{ "a=1;b", NULL },
		{ "a b=1", NULL },
		{ "1a=1", NULL },
		{ "_a=1", NULL },
		{ "a-b=1", NULL },
		{ "\xc3\xa4=1", NULL },
		{ "a=\x01", NULL },
		{ "a=1\x7f;b=2", NULL },
		{ "a=1\v", NULL },
		/* tags with duplicate names: the entire list is invalid */
		{ "a=1;a=1", NULL },
		{ "a=1;b=2; a =3", NULL },
	};
	struct tag tags[TAGLIST_MAX];
	const char *reason = NULL;
	size_t n;

	(void)state;
	reads(vectors, ARRAY_SIZE(vectors));
	assert_false(taglist_read(SPAN("a=1\0;b=2"), tags, &n, &reason));
	assert_true(taglist_read(SPAN_NONE, tags, &n, &reason));
	assert_int_equal(n, 0);
}

static void
tag_by_tag(void **state)
{
	struct span text = SPAN("a=1; =2");
	struct scan s = scan_of(text);
	struct tag tag;

	(void)state;
	assert_int_equal(taglist_next(&s, &tag), TAG_ONE);
	assert_true(span_is(tag.name, "a"));
	assert_true(span_is(tag.value, "1"));
	assert_int_equal(taglist_next(&s, &tag), TAG_BAD);
	assert_true(s.p == text.p + 5); /* at the offending byte */
	s = scan_of(SPAN("a=1\x02;"));
	assert_int_equal(taglist_next(&s, &tag), TAG_BAD);
	assert_int_equal(scan_peek(&s), 2);
	s = scan_of(SPAN("b=;"));
	assert_int_equal(taglist_next(&s, &tag), TAG_ONE);
	assert_non_null(tag.value.p); /* present but empty */
	assert_int_equal(taglist_next(&s, &tag), TAG_END);
	assert_int_equal(taglist_next(&s, &tag), TAG_END);
}

static void
limit_of_tags(void **state)
{
	struct tag tags[TAGLIST_MAX];
	const char *reason = NULL;
	char text[1024];
	struct buf b = buf_wrap(text, sizeof(text));
	size_t n;

	(void)state;
	for (int i = 0; i < TAGLIST_MAX; i++)
		buf_printf(&b, "t%d=%d;", i, i);
	assert_true(taglist_read(buf_view(&b), tags, &n, &reason));
	assert_int_equal(n, TAGLIST_MAX);
	buf_text(&b, "more=1");
	assert_false(b.full);
	assert_false(taglist_read(buf_view(&b), tags, &n, &reason));
	assert_string_equal(reason, "too many tags");
}

static void
find(void **state)
{
	struct tag tags[TAGLIST_MAX];
	const char *reason = NULL;
	struct span value = SPAN("before");
	size_t n;

	(void)state;
	assert_true(taglist_read(SPAN("v=1; p=; s=x"), tags, &n, &reason));
	assert_true(taglist_find(tags, n, "p", &value));
	assert_true(value.p != NULL && value.n == 0);
	assert_true(taglist_find(tags, n, "s", &value));
	assert_true(span_is(value, "x"));
	assert_false(taglist_find(tags, n, "S", &value));
	assert_true(span_is(value, "x"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6376_3_2_lists),
		cmocka_unit_test(rfc6376_3_2_rejected),
		cmocka_unit_test(tag_by_tag),
		cmocka_unit_test(limit_of_tags),
		cmocka_unit_test(find),
	};

	return cmocka_run_group_tests_name("taglist", tests, NULL, NULL);
}
