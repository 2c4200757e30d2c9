#include "lib/pg_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/enum_names.h"

static void
test_recognized(void **state)
{
	static const struct {
		const char *text;
		bool is_database;
	} vectors[] = {
		{ "postgresql://db/x", true },
		{ "postgres://", true },
		{ "postgresql:/db", false },
		{ "/var/lib/avouch/avouch.db", false },
		{ "mysql://db/x", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		if (pg_url_matches(span_str(vectors[i].text)) !=
		    vectors[i].is_database)
			fail_msg("%s", vectors[i].text);
}

/* What libpq reads as a password, and what an operator may have meant as one,
 * must be hidden. */
static void
test_shown(void **state)
{
	static const struct {
		const char *url, *shown;
	} vectors[] = {
		{ "/var/lib/a:b@c.db", "/var/lib/a:b@c.db" },
		{ "", "" },
		{ "postgresql://", "postgresql://" },
		{ "postgresql://u@h:5432/d", "postgresql://u@h:5432/d" },
		{ "postgresql://u:p@h/d", "postgresql://u:***@h/d" },
		{ "postgresql://u:p@q/r?s@h/d", "postgresql://u:***@h/d" },
		{ "postgresql://u:p?a=b@h", "postgresql://u:***@h" },
		{ "postgresql://:p@h", "postgresql://:***@h" },
		{ "postgresql://u:@h", "postgresql://u:***@h" },
		{ "postgresql://[::1]:5432/d", "postgresql://[::1]:5432/d" },
		{ "postgresql://h/d?password=p&user=u",
		    "postgresql://h/d?password=***&user=u" },
		{ "postgresql://h/d?sslmode=require&sslpassword=p",
		    "postgresql://h/d?sslmode=require&sslpassword=***" },
		{ "postgresql://h/d?p%61ssword=p&passfile=/f",
		    "postgresql://h/d?p%61ssword=***&passfile=/f" },
		{ "postgresql://h?p", "postgresql://h?p=***" },
		{ "postgresql://h?&", "postgresql://h?=***&" },
		{ "mysql://u:p@h/d", "mysql://u:***@h/d" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char memory[100];
		struct buf b = buf_wrap(memory, sizeof(memory));

		pg_url_put_redacted(&b, span_str(vectors[i].url));
		if (strcmp(memory, vectors[i].shown) != 0)
			fail_msg("%s: %s, want %s", vectors[i].url, memory,
			    vectors[i].shown);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recognized),
		cmocka_unit_test(test_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
