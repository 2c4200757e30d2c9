/* page_test.c - untrusted text never becomes markup on the page */
#include "report/show/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/cmocka_compat.h"

static void
test_page_text(void **state)
{
	static const struct {
		const char *text, *want;
	} texts[] = {
		{ "<script>alert(1)</script>",
		    "&lt;script&gt;alert(1)&lt;/script&gt;" },
		{ "\" onload='x' &amp;",
		    "&quot; onload=&#39;x&#39; &amp;amp;" },
		{ "a\x1b\n\xff"
		  "b\xe2\x80\xae",
		    "a???b???" },
		{ "\xc3\xa4", "\xc3\xa4" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char *text = NULL;
		size_t n = 0;
		FILE *out = open_memstream(&text, &n);

		assert_non_null(out);
		page_text(out, span_str(texts[i].text));
		fclose(out);
		assert_string_equal(text, texts[i].want);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_text),
	};

	return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
