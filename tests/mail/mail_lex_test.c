/* mail_lex_test.c - RFC 5322 section 3.2: comments, folding white space, atoms,
 * quoted strings. */
#include "mail/lex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/mail_text.h"

#include "lib/buf.h"

enum { CAP = 1 << 20 };

static void
section_3_2_2_cfws(void **state)
{
	static const struct {
		const char *text;
		const char *rest;
		bool good;
	} vectors[] = {
		{ "", "", true },
		{ "x", "x", true },
		{ " \t x", "x", true },
		{ "\r\n x", "x", true },
		{ "\n x", "x", true },
		{ " \r\n \r\n\tx", "x", true },
		{ "\r\nx", "\r\nx", true }, /* no white space: no fold */
		{ "\rx", "\rx", true },
		{ "(a)x", "x", true },
		{ " (a) (b)\r\n (c) x", "x", true },
		{ "(a(b(c))d)x", "x", true },
		{ "(a\\)b)x", "x", true },
		{ "(a\\(b)x", "x", true },
		{ "(a\\\\)x", "x", true },
		{ "(\")x", "x", true }, /* no quoted strings in comments */
		{ "()x", "x", true },
		{ "(\303\244)x", "x", true },
		{ "(a", "(a", false },
		{ " (a)(b", "(b", false },
		{ "(a(b)", "(a(b)", false },
		{ "(a\\)", "(a\\)", false },
		{ "(a\\", "(a\\", false },
		{ "(", "(", false },
		{ ")x", ")x", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct scan s = scan_of(span_str(vectors[i].text));
		struct scan any = s;

		if (mail_skip_cfws(&s) != vectors[i].good ||
		    !span_is(scan_rest(&s), vectors[i].rest))
			fail_msg("\"%s\": at \"%s\"", vectors[i].text, s.p);
		if (mail_skip_cfws_any(&any) != vectors[i].good || any.p != s.p)
			fail_msg("\"%s\": any depth", vectors[i].text);
	}
}

static void
section_3_2_2_depth(void **state)
{
	struct arena *a = arena_new(CAP);
	struct span opens = repeat(a, "", "(", 100000, "");
	struct scan s;

	(void)state;
	for (size_t depth = MAIL_COMMENT_DEPTH_MAX;
	     depth <= MAIL_COMMENT_DEPTH_MAX + 1; depth++) {
		struct span open = repeat(a, "", "(", depth, "");
		struct span close = repeat(a, "", ")", depth, "x");
		struct buf b = buf_alloc(a, open.n + close.n + 1);

		buf_span(&b, open);
		buf_span(&b, close);
		s = scan_of(buf_view(&b));
		assert_int_equal(
		    mail_skip_cfws(&s), depth == MAIL_COMMENT_DEPTH_MAX);
		s = scan_of(buf_view(&b));
		assert_true(mail_skip_cfws_any(&s));
		assert_int_equal(scan_peek(&s), 'x');
	}
	s = scan_of(opens);
	assert_false(mail_skip_cfws_any(&s));
	assert_ptr_equal(s.p, opens.p);
	struct buf b = buf_alloc(a, 200002);

	buf_span(&b, opens);
	buf_span(&b, repeat(a, "", ")", 100000, "x"));
	s = scan_of(buf_view(&b));
	assert_false(mail_skip_cfws(&s));
	assert_true(mail_skip_cfws_any(&s));
	assert_int_equal(scan_peek(&s), 'x');
	arena_free(a);
}

static void
section_3_2_3_atom(void **state)
{
	static const struct {
		const char *text;
		const char *atom;
	} vectors[] = {
		{ "abc def", "abc" },
		{ "a.b.c@d", "a.b.c" },
		{ "!#$%&'*+-/=?^_`{|}~x<", "!#$%&'*+-/=?^_`{|}~x" },
		{ "\303\244.\303\266>", "\303\244.\303\266" }, /* RFC 6532 */
		{ ".a..b.", ".a..b." },
		{ "", "" },
		{ "\"a\"", "" },
		{ "(a)", "" },
		{ "a\177b", "a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct scan s = scan_of(span_str(vectors[i].text));

		if (!span_is(mail_atom(&s), vectors[i].atom))
			fail_msg("\"%s\"", vectors[i].text);
	}
}

static void
section_3_2_4_quoted(void **state)
{
	static const struct {
		const char *text;
		const char *raw; /* NULL: no quoted string */
		const char *plain;
		const char *rest;
	} vectors[] = {
		{ "\"a\"b", "a", "a", "b" },
		{ "\"\"", "", "", "" },
		{ "\"a\\\"b\"c", "a\\\"b", "a\"b", "c" },
		{ "\"a\\\\\"c", "a\\\\", "a\\", "c" },
		{ "\"a\r\n b\"", "a\r\n b", "a b", "" },
		{ "\"a\n\tb\"", "a\n\tb", "a\tb", "" },
		{ "\"a\\\r\n b\"", "a\\\r\n b", "a b", "" },
		{ "\"(x)\"", "(x)", "(x)", "" },
		{ "\"\\x\"", "\\x", "x", "" },
		{ "\"\303\244\"", "\303\244", "\303\244", "" },
		{ "\"a", NULL, NULL, "\"a" },
		{ "\"a\\\"", NULL, NULL, "\"a\\\"" },
		{ "\"", NULL, NULL, "\"" },
		{ "\"\\", NULL, NULL, "\"\\" },
		{ "a\"b\"", NULL, NULL, "a\"b\"" },
		{ "", NULL, NULL, "" },
	};
	struct arena *a = arena_new(CAP);

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct scan s = scan_of(span_str(vectors[i].text));
		struct span raw = SPAN_NONE;
		bool good = mail_quoted(&s, &raw);

		assert_int_equal(good, vectors[i].raw != NULL);
		assert_true(span_is(scan_rest(&s), vectors[i].rest));
		if (!good)
			continue;
		if (!span_is(raw, vectors[i].raw) ||
		    !span_is(mail_unquote(a, raw), vectors[i].plain))
			fail_msg("\"%s\"", vectors[i].text);
	}
	arena_fail_at(a, 1);
	assert_null(mail_unquote(a, SPAN("x")).p);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(section_3_2_2_cfws),
		cmocka_unit_test(section_3_2_2_depth),
		cmocka_unit_test(section_3_2_3_atom),
		cmocka_unit_test(section_3_2_4_quoted),
	};

	return cmocka_run_group_tests_name("mail_token", tests, NULL, NULL);
}
