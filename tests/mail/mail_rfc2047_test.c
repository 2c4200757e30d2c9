/* mail_rfc2047_test.c - encoded words (RFC 2047), read as leniently as other
 * programs read them. */
#include "mail/rfc2047.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"

enum { CAP = 4 << 20 };

struct decode_vector {
	const char *text;
	const char *want; /* with "|" at each edge of decoded text */
	size_t n_words;
};

static const char *
show_edges(struct span text, char shown[256])
{
	struct buf b = buf_wrap(shown, 256);

	for (size_t i = 0; i < text.n; i++)
		buf_byte(&b, text.p[i] == MAIL_WORD_EDGE ? '|' : text.p[i]);
	return shown;
}

static void
check_decoded(const struct decode_vector *table, size_t n)
{
	struct arena *a = arena_new(CAP);

	for (size_t i = 0; i < n; i++) {
		struct mail_decoded got;
		char shown[256];

		mail_decode_words(a, span_str(table[i].text), false, &got);
		if (strcmp(show_edges(got.text, shown), table[i].want) != 0 ||
		    got.n_words != table[i].n_words)
			fail_msg("%s: \"%s\", %zu words", table[i].text, shown,
			    got.n_words);
		arena_rewind(a);
	}
	arena_free(a);
}

static void
section_2_syntax(void **state)
{
	static const struct decode_vector table[] = {
		{ "=?utf-8?q?a=40b?=", "|a@b|", 1 },
		{ "x =?utf-8?q?a?= y", "x |a| y", 1 },
		{ "x=?utf-8?q?a?=y", "x|a|y", 1 },
		{ "\"=?utf-8?q?a?=\"", "\"|a|\"", 1 },
		{ "=??q?a?=", "|a|", 1 },
		{ "=?utf-8*en?q?a?=", "|a|", 1 },
		{ "=?utf-8?q?a b?=", "|a b|", 1 },
		{ "=?utf-8?q?a?b?=", "|a?b|", 1 },
		{ "=?utf-8?q?"
		  "?=",
		    "||", 1 },
		{ "=?utf-8?q?=?=", "|=|", 1 },
		/* not encoded words */
		{ "=?utf-8?x?a?=", "=?utf-8?x?a?=", 0 },
		{ "=?utf-8?q?a", "=?utf-8?q?a", 0 },
		{ "=?utf-8?q?a?", "=?utf-8?q?a?", 0 },
		{ "=?utf-8?qq?a?=", "=?utf-8?qq?a?=", 0 },
		{ "=?utf-8", "=?utf-8", 0 },
		{ "=?=", "=?=", 0 },
		{ "=?", "=?", 0 },
		{ "plain", "plain", 0 },
		{ "", "", 0 },
	};

	(void)state;
	check_decoded(table, ARRAY_SIZE(table));
}

static void
section_4_encodings(void **state)
{
	static const struct decode_vector table[] = {
		{ "=?utf-8?Q?a_b=3d=3D?=", "|a b==|", 1 },
		{ "=?utf-8?q?a=4?=", "|a=4|", 1 },
		{ "=?utf-8?q?a=zz?=", "|a=zz|", 1 },
		{ "=?utf-8?B?YUBi?=", "|a@b|", 1 },
		{ "=?utf-8?b?YQ==?=", "|a|", 1 },
		{ "=?utf-8?b?YQ=?=", "|a|", 1 },
		{ "=?utf-8?b?YQ?=", "|a|", 1 },
		{ "=?utf-8?b?YUBiY?=", "|a@b|", 1 },
		{ "=?utf-8?b?YU Bi?=", "|a@b|", 1 },
		{ "=?utf-8?b?Y?=", "||", 1 },
	};

	(void)state;
	check_decoded(table, ARRAY_SIZE(table));
}

static void
section_6_2_adjacent_words(void **state)
{
	static const struct decode_vector table[] = {
		{ "=?utf-8?q?a?= \r\n =?utf-8?q?b?=", "|ab|", 2 },
		{ "=?utf-8?q?a?==?utf-8?b?Yg?=", "|ab|", 2 },
		{ "=?utf-8?q?a?= b =?utf-8?q?c?=", "|a| b |c|", 2 },
		{ "=?utf-8?q?a?= =?utf-8?q?", "|a| =?utf-8?q?", 1 },
		{ "=?utf-8?q?a?= ", "|a| ", 1 },
		{ "=?utf-8?q?=EF=BC?= =?utf-8?q?=A0?=", "|@|", 2 },
	};

	(void)state;
	check_decoded(table, ARRAY_SIZE(table));
}

static void
nested_words(void **state)
{
	static const struct decode_vector table[] = {
		{ "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3D40b=3F=3D?=", "||a@b||", 1 },
		{ "=?utf-8?b?PT91dGYtOD9xP2E9NDBiPz0=?=", "||a@b||", 1 },
	};

	(void)state;
	check_decoded(table, ARRAY_SIZE(table));
}

static void
forms_of_the_at_sign(void **state)
{
	static const struct decode_vector table[] = {
		{ "a\357\274\240b", "a@b", 0 },
		{ "a\357\271\253b", "a@b", 0 },
		{ "a\301\200b", "a\301\200b", 0 },
		{ "a\357\274\241b", "a\357\274\241b", 0 },
		{ "=?gb2312?b?YaPAYg==?=", "|a@b|", 1 },
		{ "=?x-windows-949?b?YaPAYg==?=", "|a@b|", 1 },
		{ "=?Big5?q?a=A2Ib?=", "|a@b|", 1 },
		{ "=?EUC-JP?q?a=A1=F7b?=", "|a@b|", 1 },
		{ "=?Shift_JIS?q?a=81=97b?=", "|a@b|", 1 },
		{ "=?ISO-2022-JP?q?a=1B$B!w=1B(Bb?=", "|a@b|", 1 },
		{ "=?ISO-2022-JP?q?a=1B$B0!0@=1B(Bb?=", "|axxb|", 1 },
		{ "=?ISO-2022-JP?q?=1B$B0!0=1B(Ba@b?=", "|x0a@b|", 1 },
		{ "=?ISO-2022-JP?q?=1B$B0!=0Aa@b?=", "|x\na@b|", 1 },
		{ "=?ISO-2022-JP-2?q?=1B$(D0!=1B(Jb?=", "|xb|", 1 },
	};

	(void)state;
	check_decoded(table, ARRAY_SIZE(table));
}

/* Programs disagree on where an encoded word begins and ends. */
static void
a_question_mark_in_a_word(void **state)
{
	static const char *const vectors[][3] = {
		{ "=?utf-8?q?a?b?=", "|a?b|", "=?utf-8?q?a?b?=" },
		{ "=?utf-8?q?=?utf-8?q?=40?=", "|=?utf-8?q|40?=",
		    "=?utf-8?q?|@|" },
		{ "=?utf-8?q?a =?utf-8?b?YUBi?=", "|a =?utf-8?b?YUBi|",
		    "=?utf-8?q?a |a@b|" },
	};
	struct arena *a = arena_new(CAP);
	char shown[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct mail_decoded got;

		mail_decode_words(a, span_str(vectors[i][0]), false, &got);
		assert_true(got.ambiguous);
		assert_string_equal(show_edges(got.text, shown), vectors[i][1]);
		mail_decode_words(a, span_str(vectors[i][0]), true, &got);
		assert_false(got.ambiguous);
		assert_string_equal(show_edges(got.text, shown), vectors[i][2]);
	}
	arena_free(a);
}

static void
unreadable_words(void **state)
{
	static const struct {
		const char *text;
		bool unreadable;
	} vectors[] = {
		{ "=?us-ascii?q?a?=", false },
		{ "=?ISO-8859-15?q?a?=", false },
		{ "=?iso8859_1?q?a?=", false },
		{ "=?WINDOWS-1252?q?a?=", false },
		{ "=?koi8-r?q?a?=", false },
		{ "=?macroman?q?a?=", false },
		{ "=?ms949?q?a?=", false },
		{ "=?x-windows-874?q?a?=", false },
		{ "=?ms874?q?a?=", false },
		{ "=?ks_c_5601-1987?q?a?=", false },
		{ "=?cp850?q?a?=", false },
		{ "=?unknown-8bit?q?a?=", false },
		{ "=?utf-7?q?a?=", true },
		{ "=?utf-16?q?a?=", true },
		{ "=?utf-16le?q?a?=", true },
		{ "=?ucs-2?q?a?=", true },
		{ "=?unicode-1-1-utf-7?q?a?=", true },
		{ "=?ibm037?q?a?=", true },
		{ "=?cp1026?q?a?=", true },
		{ "=?hz?q?a?=", true },
		{ "=?iso-2022-kr?q?a?=", true },
		{ "=?punycode?q?a?=", true },
		{ "=?x-none?q?a?=", true },
		{ "=?utf-8?q?a?= =?x-none?q?a?=", true },
		{ "=?12345678901234567890123456789012345678901?q?a?=", true },
		{ "=?iso-2022-jp?q?=1B?=", true },
		{ "=?iso-2022-jp?q?=1BN?=", true },
		{ "=?iso-2022-jp?q?=1B$A0!?=", true },
		{ "=?iso-2022-jp?q?=1B(?=", true },
		{ "=?utf-8?b?YQ!?=", true },
		{ "=?utf-8?b?YQ==YQ==?=", true },
		{ "=?utf-8?b?Y=Q?=", true },
	};
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct mail_decoded got;

		mail_decode_words(a, span_str(vectors[i].text), false, &got);
		if (got.unreadable != vectors[i].unreadable)
			fail_msg("%s", vectors[i].text);
		arena_rewind(a);
	}
	arena_free(a);
}

/* Each level encodes the previous one; only three levels are decoded. */
static void
limit_of_nested_words(void **state)
{
	struct arena *a = arena_new(CAP);
	struct span text = SPAN("=?utf-8?q?a?=");

	(void)state;
	for (unsigned depth = 1; depth <= 5; depth++) {
		struct buf b = buf_alloc(a, 3 * text.n + 20);
		struct mail_decoded got;

		mail_decode_words(a, text, false, &got);
		assert_int_equal(got.unreadable, depth > 3);
		buf_text(&b, "=?utf-8?q?");
		for (size_t i = 0; i < text.n; i++)
			if (text.p[i] == '?' || text.p[i] == '=')
				buf_text(&b, text.p[i] == '?' ? "=3F" : "=3D");
			else
				buf_byte(&b, text.p[i]);
		buf_text(&b, "?=");
		text = buf_view(&b);
	}
	arena_free(a);
}

static void
special_characters(void **state)
{
	static const struct {
		const char *text;
		bool specials;
	} vectors[] = {
		{ "\"a\" (b) <c>", false },
		{ "=?utf-8?q?a=40b=2C=3A=3B?=", false },
		{ "=?utf-8?q?=22?=", true },
		{ "=?utf-8?q?\"?=", true },
		{ "=?utf-8?q?=28?=", true },
		{ "=?utf-8?b?KQ==?=", true },
		{ "=?utf-8?q?=3C?=", true },
		{ "=?utf-8?q?=3E?=", true },
		{ "=?utf-8?q?=5C?=", true },
		{ "=?utf-8?q?=0D?=", true },
		{ "=?utf-8?q?=0A?=", true },
		{ "=?utf-8(x)?q?a?=", true },
		{ "=?utf-8?q?a\r\n b?=", true },
		{ "=?utf-8?q?a?= =?utf-8?q?=22?=", true },
	};
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct mail_decoded got;

		mail_decode_words(a, span_str(vectors[i].text), false, &got);
		if (got.specials != vectors[i].specials)
			fail_msg("%s", vectors[i].text);
		arena_rewind(a);
	}
	arena_free(a);
}

static void
arena_is_full(void **state)
{
	struct arena *a = arena_new(CAP);
	struct mail_decoded got;
	bool failed = true;

	(void)state;
	for (unsigned long nth = 1; failed; nth++) {
		arena_rewind(a);
		arena_fail_at(a, nth);
		mail_decode_words(a, SPAN("=?utf-8?q?a?="), false, &got);
		failed = arena_has_failed(a);
		if (failed)
			assert_null(got.text.p);
		arena_fail_at(a, 0);
	}
	arena_rewind(a);
	mail_decode_words(a, SPAN_NONE, false, &got);
	assert_int_equal(got.text.n, 0);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(section_2_syntax),
		cmocka_unit_test(section_4_encodings),
		cmocka_unit_test(section_6_2_adjacent_words),
		cmocka_unit_test(nested_words),
		cmocka_unit_test(forms_of_the_at_sign),
		cmocka_unit_test(a_question_mark_in_a_word),
		cmocka_unit_test(unreadable_words),
		cmocka_unit_test(limit_of_nested_words),
		cmocka_unit_test(special_characters),
		cmocka_unit_test(arena_is_full),
	};

	return cmocka_run_group_tests_name("mail_encoded", tests, NULL, NULL);
}
