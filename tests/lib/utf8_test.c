/*
 * utf8_test.c - well-formed UTF-8 (RFC 3629 section 4), and the characters that
 * a line may contain
 */
#include "lib/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
rfc_3629_4_characters(void **state)
{
	static const struct {
		const char *text;
		size_t plain;
	} vectors[] = {
		{ "a", 1 },
		{ " ~", 1 },
		{ "\177", 0 },
		{ "\t", 0 },
		{ "\n", 0 },
		{ "\302\240x", 2 }, /* U+00A0, the first character after the
		                       control characters */
		{ "\302\237", 0 },
		{ "\337\277", 2 },
		{ "\340\240\200", 3 },
		{ "\357\277\275", 3 },
		{ "\360\220\200\200", 4 },
		{ "\364\217\277\277", 4 },
		/* overlong encodings */
		{ "\300\200", 0 },
		{ "\301\277", 0 },
		{ "\340\237\277", 0 },
		{ "\360\217\277\277", 0 },
		/* surrogates, and values past the end of Unicode */
		{ "\355\240\200", 0 },
		{ "\355\277\277", 0 },
		{ "\364\220\200\200", 0 },
		{ "\365\200\200\200", 0 },
		{ "\377", 0 },
		/* truncated, or an invalid byte in the middle */
		{ "\200", 0 },
		{ "\302", 0 },
		{ "\302a", 0 },
		{ "\342\202", 0 },
		{ "\342\202a", 0 },
		{ "\360\220\200", 0 },
		/* line separators and direction controls */
		{ "\342\200\250", 0 },
		{ "\342\200\251", 0 },
		{ "\342\200\256", 0 },
		{ "\342\200\217", 0 },
		{ "\342\201\246", 0 },
		{ "\330\234", 0 },
		/* XML 1.0 section 2.2 does not allow U+FFFE and U+FFFF */
		{ "\357\277\275", 3 },
		{ "\357\277\276", 0 },
		{ "\357\277\277", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		if (utf8_plain(span_str(vectors[i].text)) != vectors[i].plain)
			fail_msg("number %zu", i);
	assert_int_equal(utf8_plain(SPAN_NONE), 0);
	assert_int_equal(utf8_plain(SPAN("\0")), 0);
}

/* utf8_size() also accepts characters that are not allowed in a line, but no
 * malformed ones. */
static void
rfc_3629_4_sizes(void **state)
{
	static const struct {
		const char *text;
		size_t size;
	} vectors[] = {
		{ "a", 1 },
		{ "\177", 1 },
		{ "\n", 1 },
		{ "\302\200", 2 },
		{ "\302\237", 2 },
		{ "\342\200\256x", 3 },
		{ "\360\220\200\200", 4 },
		{ "\301\277", 0 },
		{ "\340\237\277", 0 },
		{ "\355\240\200", 0 },
		{ "\364\220\200\200", 0 },
		{ "\200", 0 },
		{ "\342\202", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		if (utf8_size(span_str(vectors[i].text)) != vectors[i].size)
			fail_msg("number %zu", i);
	assert_int_equal(utf8_size(SPAN_NONE), 0);
	assert_int_equal(utf8_size(SPAN("\0")), 1);
}

static void
characters_that_are_not_shown(void **state)
{
	static const struct {
		const char *text;
		bool invisible;
	} vectors[] = {
		{ "", false },
		{ "a.b-c", false },
		{ "\303\274", false },
		{ "\302\240", false }, /* U+00A0 is a space */
		{ "\377\200", false },
		{ "\001", true },
		{ "a\177", true },
		{ "\302\237", true },
		{ "a\302\255b", true },       /* U+00AD */
		{ "\315\217", true },         /* U+034F */
		{ "\342\200\213", true },     /* U+200B */
		{ "\342\200\217", true },     /* U+200F */
		{ "\342\200\220", false },    /* U+2010, a hyphen */
		{ "\342\201\240", true },     /* U+2060 */
		{ "\357\270\217", true },     /* U+FE0F */
		{ "\357\273\277", true },     /* U+FEFF */
		{ "\363\240\201\201", true }, /* U+E0041 */
		{ "\377\342\200\213", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		if (utf8_has_invisible(span_str(vectors[i].text)) !=
		    vectors[i].invisible)
			fail_msg("%zu: %s", i, vectors[i].text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_3629_4_characters),
		cmocka_unit_test(rfc_3629_4_sizes),
		cmocka_unit_test(characters_that_are_not_shown),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
