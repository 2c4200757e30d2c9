/* scan_test.c - spans, cursors, bounded text, character classes, name tables */
#include "lib/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/enum_names.h"

/* ---- span ---- */

static void
span_parts(void **state)
{
	struct span s = SPAN("abcdef");

	(void)state;
	assert_true(span_is(span_skip(s, 2), "cdef"));
	assert_true(span_is(span_skip(s, 99), ""));
	assert_true(span_is(span_first(s, 2), "ab"));
	assert_true(span_is(span_first(s, 99), "abcdef"));
	assert_true(span_is(span_last(s, 2), "ef"));
	assert_true(span_is(span_last(s, 0), ""));
	assert_true(span_is(span_last(s, 99), "abcdef"));
	assert_true(span_is(span_between(s.p + 1, s.p + 3), "bc"));
	assert_null(span_str(NULL).p);
	assert_null(span_skip(SPAN_NONE, 1).p);
	assert_int_equal(span_last(SPAN_NONE, 3).n, 0);
}

static void
span_trimming(void **state)
{
	(void)state;
	assert_true(span_is(span_trim(SPAN(" \t\r\n a b \r\n")), "a b"));
	assert_true(span_is(span_trim(SPAN(" \t ")), ""));
	assert_true(span_is(span_trim(SPAN("\va\v")), "\va\v"));
	assert_int_equal(span_trim(SPAN("\0 ")).n, 1);
	assert_int_equal(span_trim(SPAN_NONE).n, 0);
}

static void
span_comparing(void **state)
{
	(void)state;
	assert_true(span_equal(SPAN("a\0b"), SPAN("a\0b")));
	assert_false(span_equal(SPAN("a\0b"), SPAN("a\0c")));
	assert_false(span_equal(SPAN("a"), SPAN("ab")));
	assert_true(span_equal(SPAN_NONE, SPAN("")));
	assert_false(span_is(SPAN("a\0"), "a"));
	assert_false(span_is(SPAN("A"), "a"));
	assert_true(span_is_nocase(SPAN("aZ09"), "Az09"));
	/* bytes next to the letters in ASCII, and bytes beyond ASCII, have no
	 * upper or lower case */
	assert_false(span_is_nocase(SPAN("@"), "`"));
	assert_false(span_is_nocase(SPAN("["), "{"));
	assert_false(span_is_nocase(SPAN("\xc3\xa4"), "\xc3\x84"));
	assert_true(span_starts_nocase(SPAN("V=SPF1 x"), "v=spf1"));
	assert_false(span_starts_nocase(SPAN("v=spf"), "v=spf1"));
	assert_true(span_starts_nocase(SPAN(""), ""));
	assert_true(span_ends_nocase(SPAN("a.ORG"), ".org"));
	assert_false(span_ends_nocase(SPAN("org"), ".org"));
}

static void
span_searching(void **state)
{
	struct span s = SPAN("a.b.c");

	(void)state;
	assert_int_equal(span_index(s, '.'), 1);
	assert_int_equal(span_rindex(s, '.'), 3);
	assert_int_equal(span_index(s, 'x'), 5);
	assert_int_equal(span_rindex(s, 'x'), 5);
	assert_int_equal(span_rindex(s, 'a'), 0);
	assert_int_equal(span_index(SPAN_NONE, 'x'), 0);
	assert_int_equal(span_rindex(SPAN_NONE, 'x'), 0);
	assert_true(span_has(SPAN("a\0b"), '\0'));
	assert_true(span_has(SPAN("a\xff"), '\xff'));
	assert_false(span_has(s, 'x'));
	assert_true(span_all(SPAN("019"), ascii_is_digit));
	assert_false(span_all(SPAN("01a"), ascii_is_digit));
	assert_true(span_all(SPAN_NONE, ascii_is_digit));
}

/* ---- scan ---- */

static void
scan_steps(void **state)
{
	struct scan s = scan_of(SPAN("ab\xff"));

	(void)state;
	assert_int_equal(scan_peek(&s), 'a');
	assert_false(scan_byte(&s, 'b'));
	assert_true(scan_byte(&s, 'a'));
	assert_int_equal(scan_next(&s), 'b');
	assert_int_equal(scan_peek(&s), 0xff);
	assert_int_equal(scan_next(&s), 0xff);
	assert_true(scan_done(&s));
	assert_int_equal(scan_next(&s), -1);
	assert_int_equal(scan_peek(&s), -1);
	assert_false(scan_byte(&s, '\0'));
	assert_true(scan_done(&s));
	s = scan_of(SPAN_NONE);
	assert_true(scan_done(&s));
	assert_int_equal(scan_rest(&s).n, 0);
}

static void
scan_runs(void **state)
{
	struct scan s = scan_of(SPAN("12ab;x"));

	(void)state;
	assert_true(span_is(scan_while(&s, ascii_is_digit), "12"));
	assert_true(span_is(scan_while(&s, ascii_is_digit), ""));
	assert_false(scan_text_nocase(&s, "abc"));
	assert_true(scan_text_nocase(&s, "A"));
	assert_true(span_is(scan_until(&s, ';'), "b"));
	assert_int_equal(scan_peek(&s), ';');
	assert_true(span_is(scan_until(&s, ';'), ""));
	assert_true(scan_byte(&s, ';'));
	assert_true(span_is(scan_until(&s, ';'), "x"));
	assert_true(scan_done(&s));
	assert_true(span_is(scan_until(&s, ';'), ""));
	assert_true(scan_text_nocase(&s, ""));
}

static void
rfc5322_3_2_2_fws(void **state)
{
	static const struct {
		const char *text;
		size_t taken;
	} vectors[] = {
		{ "", 0 },
		{ "a", 0 },
		{ " a", 1 },
		{ " \t a", 3 },
		{ "\r\n a", 3 },
		{ "\n\ta", 2 },
		{ " \r\n \r\n\t a", 8 },
		{ "\r\na", 0 },
		{ " \r\na", 1 },
		{ "\r\n", 0 },
		{ "\n", 0 },
		{ "\r", 0 },
		{ "\r a", 0 },
		{ " \r\r\n a", 1 },
		{ "\r\n\r\n a", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct span text = span_str(vectors[i].text);
		struct scan s = scan_of(text);
		bool any = scan_fws(&s);

		if ((size_t)(s.p - text.p) != vectors[i].taken)
			fail_msg(
			    "row %zu: took %zu", i, (size_t)(s.p - text.p));
		assert_true(any == (vectors[i].taken > 0));
	}
}

static void
scan_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool good;
		uint64_t value;
	} vectors[] = {
		{ "0", 0, true, 0 },
		{ "1", 0, false, 0 },
		{ "007", 9, true, 7 },
		{ "255", 255, true, 255 },
		{ "256", 255, false, 0 },
		{ "9", 5, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999999", UINT64_MAX, false, 0 },
		{ "", 9, false, 0 },
		{ "-1", 9, false, 0 },
		{ "+1", 9, false, 0 },
		{ " 1", 9, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct span text = span_str(vectors[i].text);
		struct scan s = scan_of(text);
		uint64_t value = 77;
		bool good = scan_number(&s, vectors[i].max, &value);

		if (good != vectors[i].good)
			fail_msg("%s", vectors[i].text);
		assert_true(value == (good ? vectors[i].value : 77));
		assert_true(good ? scan_done(&s) : s.p == text.p);
	}
}

/* Each text is cut at every byte, in memory of exactly that size, so that
 * reading past the end is detected. */
static void
never_past_the_end(void **state)
{
	static const char text[] = " \r\n 12\r\n\tab;\r\n ";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n > 0 ? n : 1);
		struct scan s = scan_of(span_of(copy, n));
		uint64_t value;

		assert_non_null(copy);
		memcpy(copy, text, n);
		scan_fws(&s);
		scan_number(&s, 99, &value);
		scan_fws(&s);
		scan_text_nocase(&s, "abc");
		scan_until(&s, ';');
		scan_byte(&s, ';');
		scan_fws(&s);
		assert_true(s.p <= s.end);
		free(copy);
	}
}

/* ---- buf ---- */

static void
buf_building(void **state)
{
	char memory[64];
	struct buf b = buf_wrap(memory, sizeof(memory));

	(void)state;
	assert_string_equal(memory, "");
	buf_text(&b, "a=");
	buf_number(&b, 0);
	buf_byte(&b, ' ');
	buf_number(&b, UINT64_MAX);
	buf_span(&b, SPAN_NONE);
	buf_text(&b, NULL);
	buf_printf(&b, " %03d", 7);
	assert_string_equal(memory, "a=0 18446744073709551615 007");
	assert_true(span_is(buf_view(&b), memory));
	buf_cut(&b, 3);
	assert_string_equal(memory, "a=0");
	buf_cut(&b, 10);
	assert_string_equal(memory, "a=0");
	buf_printable(&b, SPAN("x\r\n\0\x7f\xc3\xbcy"), 7);
	assert_string_equal(memory, "a=0x??????");
	assert_false(b.full);
}

static void
buf_bounds(void **state)
{
	(void)state;
	for (size_t cap = 0; cap < 12; cap++) {
		char memory[16];
		struct buf b;

		for (int way = 0; way < 3; way++) {
			memset(memory, '#', sizeof(memory));
			b = buf_wrap(memory, cap);
			if (way == 0)
				buf_text(&b, "0123456789");
			else if (way == 1)
				buf_printf(&b, "%s", "0123456789");
			else
				for (char c = '0'; c <= '9'; c++)
					buf_byte(&b, c);
			assert_true(b.full == (cap < 11));
			assert_int_equal(b.n,
			    cap > 10      ? 10
				: cap > 0 ? cap - 1
					  : 0);
			assert_memory_equal(memory, "0123456789", b.n);
			assert_int_equal(memory[b.n], cap > 0 ? '\0' : '#');
			assert_int_equal(memory[cap], '#');
			assert_int_equal(buf_view(&b).n, b.n);
			assert_non_null(buf_view(&b).p);
		}
	}
}

static void
buf_makes_text_safe(void **state)
{
	static const char *const vectors[][2] = {
		{ "a b", "a b" },
		{ "x;spf=pass;y", "x,spf pass,y" },
		{ "; spf=pass ", ", spf pass" },
		{ "d= is not a domain", "d is not a domain" },
		{ "a == b", "a b" },
		{ "=", "" },
		{ "a (b) \\c", "a [b] /c" },
		{ "<b onload=x>", "[b onload x]" },
		{ "\"a\"", "'a'" },
		{ "a\r\n b\tc", "a?? b?c" },
		{ "  a   b  ", "a b" },
		{ "b\303\274\374", "b???" },
		{ "\342\200\256a\001\177", "???a??" },
		{ "", "" },
		{ "0123456789", "0123456789" },
		{ "0123456789 ", "0123456789" },
		{ "0123456789a", "0123456..." },
		{ "a         b         c", "a b c" },
	};
	char memory[64];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf b = buf_wrap(memory, sizeof(memory));
		bool long_one = strncmp(vectors[i][0], "0123", 4) == 0;

		buf_safe(&b, span_str(vectors[i][0]), long_one ? 10 : 60);
		assert_string_equal(b.p, vectors[i][1]);
	}
	struct buf small = buf_wrap(memory, 4);

	buf_safe(&small, SPAN("abcdef"), 60);
	assert_true(small.full);
	assert_string_equal(small.p, "abc");
}

static void
buf_in_arena(void **state)
{
	struct arena *a = arena_new(100);
	struct buf b;

	(void)state;
	assert_non_null(a);
	b = buf_alloc(a, 10);
	assert_false(b.full);
	buf_text(&b, "abc");
	assert_string_equal(b.p, "abc");
	b = buf_alloc(a, 200);
	assert_true(b.full && b.p == NULL);
	buf_text(&b, "abc");
	buf_printf(&b, "%d", 1);
	buf_cut(&b, 0);
	assert_int_equal(b.n, 0);
	arena_free(a);
}

/* ---- ascii, table ---- */

#define ALPHA "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"
#define PUNCT "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

static void
character_classes(void **state)
{
	static const struct {
		bool (*is)(unsigned char);
		const char *members;
		bool beyond; /* also has all bytes beyond ASCII */
	} vectors[] = {
		{ ascii_is_alpha, ALPHA, false },
		{ ascii_is_digit, DIGIT, false },
		{ ascii_is_alnum, ALPHA DIGIT, false },
		{ ascii_is_xdigit, DIGIT "abcdefABCDEF", false },
		{ ascii_is_wsp, " \t", false },
		{ ascii_is_space, " \t\r\n", false },
		{ ascii_is_visible, ALPHA DIGIT PUNCT, false },
		{ ascii_is_print, ALPHA DIGIT PUNCT " ", false },
		/* RFC 5322 section 3.2.3 */
		{ ascii_is_atext, ALPHA DIGIT "!#$%&'*+-/=?^_`{|}~", true },
		/* RFC 5322 section 3.6.8: no colon */
		{ ascii_is_ftext,
		    ALPHA DIGIT "!\"#$%&'()*+,-./;<=>?@[\\]^_`{|}~", false },
		/* RFC 6376 section 3.2 */
		{ ascii_is_tag, ALPHA DIGIT "_", false },
		/* RFC 2045 section 5.1 */
		{ ascii_is_token, ALPHA DIGIT "!#$%&'*+-.^_`{|}~", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		for (int c = 0; c < 256; c++) {
			bool want = c >= 0x80
			    ? vectors[i].beyond
			    : c > 0 && strchr(vectors[i].members, c) != NULL;

			if (vectors[i].is((unsigned char)c) != want)
				fail_msg(
				    "class %zu, byte %02x", i, (unsigned)c);
		}
	}
	for (int c = 0; c < 256; c++) {
		bool upper = c >= 'A' && c <= 'Z';
		bool lower = c >= 'a' && c <= 'z';

		assert_int_equal(
		    ascii_lower((unsigned char)c), upper ? c + 32 : c);
		assert_int_equal(
		    ascii_upper((unsigned char)c), lower ? c - 32 : c);
	}
}

static void
name_tables(void **state)
{
	static const struct enum_token table[] = { { "none", 3 },
		{ "pass", 0 } };
	int value = 77;

	(void)state;
	assert_string_equal(enum_name(table, 2, 0), "pass");
	assert_string_equal(enum_name(table, 2, 1), "?");
	assert_true(enum_value(table, 2, SPAN("NONE"), &value));
	assert_int_equal(value, 3);
	value = 77;
	assert_false(enum_value(table, 2, SPAN("non"), &value));
	assert_false(enum_value(table, 2, SPAN("none\0"), &value));
	assert_false(enum_value(table, 2, SPAN_NONE, &value));
	assert_int_equal(value, 77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(span_parts),
		cmocka_unit_test(span_trimming),
		cmocka_unit_test(span_comparing),
		cmocka_unit_test(span_searching),
		cmocka_unit_test(scan_steps),
		cmocka_unit_test(scan_runs),
		cmocka_unit_test(rfc5322_3_2_2_fws),
		cmocka_unit_test(scan_numbers),
		cmocka_unit_test(never_past_the_end),
		cmocka_unit_test(buf_building),
		cmocka_unit_test(buf_bounds),
		cmocka_unit_test(buf_makes_text_safe),
		cmocka_unit_test(buf_in_arena),
		cmocka_unit_test(character_classes),
		cmocka_unit_test(name_tables),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
