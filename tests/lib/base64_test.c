/* base64_test.c - RFC 4648 section 4 with folding white space */
#include "lib/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/enum_names.h"

enum { ARENA = 65536 };

struct base64_vector {
	const char *text;
	const char *bytes; /* NULL: rejected */
};

static void
decodes(const struct base64_vector *v, size_t n)
{
	struct arena *a = arena_new(ARENA);

	assert_non_null(a);
	for (; n > 0; n--, v++) {
		struct span got;
		bool good = base64_decode(a, span_str(v->text), &got);

		if (good != (v->bytes != NULL))
			fail_msg(
			    "%s: %s", v->text, good ? "accepted" : "rejected");
		if (good && (got.p == NULL || !span_is(got, v->bytes)))
			fail_msg("%s: got %.*s", v->text, SPAN_FMT(got));
		if (!good && got.p != NULL)
			fail_msg(
			    "%s: refused, but something is there", v->text);
	}
	assert_false(arena_has_failed(a));
	arena_free(a);
}

static void
rfc4648_10_vectors(void **state)
{
	static const struct base64_vector vectors[] = {
		{ "", "" },
		{ "Zg==", "f" },
		{ "Zm8=", "fo" },
		{ "Zm9v", "foo" },
		{ "Zm9vYg==", "foob" },
		{ "Zm9vYmE=", "fooba" },
		{ "Zm9vYmFy", "foobar" },
	};

	(void)state;
	decodes(vectors, ARRAY_SIZE(vectors));
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char text[16];
		struct buf b = buf_wrap(text, sizeof(text));

		base64_encode(&b, span_str(vectors[i].bytes));
		assert_string_equal(text, vectors[i].text);
		assert_false(b.full);
	}
}

static void
rfc6376_3_2_white_space(void **state)
{
	static const struct base64_vector vectors[] = {
		{ " ", "" },
		{ "\r\n\t", "" },
		{ " Zm9v YmFy ", "foobar" },
		{ "Z\r\n m\t9vYmFy", "foobar" },
		{ "Zm9vY\r\n g = = \r\n", "foob" },
		{ "Z m 9 v Y m F y", "foobar" },
		{ "Zm9\nv", "foo" },
	};

	(void)state;
	decodes(vectors, ARRAY_SIZE(vectors));
}

static void
rfc4648_3_rejected(void **state)
{
	static const struct base64_vector vectors[] = {
		/* section 3.2: padding */
		{ "Z", NULL },
		{ "Zg", NULL },
		{ "Zg=", NULL },
		{ "Zg===", NULL },
		{ "Zm8", NULL },
		{ "Zm8==", NULL },
		{ "Zm9v=", NULL },
		{ "Zm9v==", NULL },
		{ "Zm9v====", NULL },
		{ "=", NULL },
		{ "====", NULL },
		{ "Z===", NULL },
		{ "A===", NULL },
		{ "A", NULL },
		{ "AA======", NULL },
		{ "=AAA", NULL },
		{ "Zg==Zg==", NULL },
		{ "Zg==Zm9v", NULL },
		{ "Zg=g", NULL },
		{ "Zg= g", NULL },
		/* section 3.3: bytes outside the alphabet */
		{ "Zm9-", NULL },
		{ "Zm9_", NULL },
		{ "Zm9vYmF\x01", NULL },
		{ "Zm9v\xc3\xbc==", NULL },
		{ "Zm9v\x80mFy", NULL },
		{ "\vZm9v", NULL },
		/* section 3.5: leftover bits that are not zero */
		{ "Zh==", NULL },
		{ "Zm9=", NULL },
		{ "Zv==", NULL },
	};
	struct arena *a = arena_new(ARENA);
	struct span got;

	(void)state;
	decodes(vectors, ARRAY_SIZE(vectors));
	assert_non_null(a);
	assert_false(base64_decode(a, SPAN("Zm9v\0"), &got));
	assert_true(base64_decode(a, SPAN_NONE, &got));
	assert_true(got.p != NULL && got.n == 0);
	arena_free(a);
}

/* Encodes and decodes every length, with a tab at every position. */
static void
round_trip(void **state)
{
	struct arena *a = arena_new(ARENA);
	char bytes[80], text[128], folded[128];

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 37 + 11);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct buf b = buf_wrap(text, sizeof(text));
		struct span got;

		base64_encode(&b, span_of(bytes, n));
		assert_int_equal(b.n, (n + 2) / 3 * 4);
		for (size_t at = 0; at <= b.n; at++) {
			memcpy(folded, text, at);
			folded[at] = '\t';
			memcpy(folded + at + 1, text + at, b.n - at);
			arena_rewind(a);
			assert_true(
			    base64_decode(a, span_of(folded, b.n + 1), &got));
			assert_true(span_equal(got, span_of(bytes, n)));
		}
	}
	arena_free(a);
}

static void
no_room(void **state)
{
	struct arena *a = arena_new(ARENA);
	char text[7];
	struct buf b = buf_wrap(text, sizeof(text));
	struct span got;

	(void)state;
	assert_non_null(a);
	arena_fail_at(a, 1);
	assert_false(base64_decode(a, SPAN("Zm9v"), &got));
	assert_true(arena_has_failed(a));
	assert_null(got.p);
	arena_free(a);
	base64_encode(&b, SPAN("foobar"));
	assert_true(b.full);
	assert_string_equal(text, "Zm9vYm");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4648_10_vectors),
		cmocka_unit_test(rfc6376_3_2_white_space),
		cmocka_unit_test(rfc4648_3_rejected),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
