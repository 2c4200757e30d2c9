/* senders_test.c - which logins may send from an address */
#include "sign/senders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/memory.h"

static struct senders *
read_senders_text(const char *text, char **errors)
{
	size_t size;
	FILE *f = open_memstream(errors, &size);
	struct senders *s;

	assert_non_null(f);
	s = senders_read_text(span_str(text), "f", f);
	fclose(f);
	return s;
}

/* The format of smtpd_sender_login_maps; see postmap(1) and postconf(5). */
static const char table[] = "# a comment\n"
			    "alice@example.com alice\n"
			    "\n"
			    "Bob@Example.COM\tbob, Carol@example.org,\n"
			    "  # in between\n"
			    "\n"
			    "    dave   eve\n"
			    "@example.org\tadmin\n"
			    "frank@example.org frank\r\n"
			    "@b\303\274cher.example ute\n"
			    "alice@example.com alice2\n";

static void
postfix_tables(void **state)
{
	static const struct {
		const char *local, *domain, *login;
		bool allowed;
	} vectors[] = {
		{ "alice", "example.com", "alice", true },
		{ "ALICE", "example.com", "Alice", true },
		{ "alice", "example.com", "bob", false },
		{ "alice", "example.com", "", false },
		{ "alice", "example.com", "#", false },
		{ "alice", "example.com", "ali", false },
		{ "bob", "example.com", "bob", true },
		{ "bob", "example.com", "carol@example.org", true },
		{ "bob", "example.com", "eve", true },
		{ "bob", "example.com", "in", false },
		{ "bob", "example.com", "between", false },
		{ "anyone", "example.org", "admin", true },
		{ "anyone", "sub.example.org", "admin", false },
		{ "frank", "example.org", "frank", true },
		/* an address takes precedence over its domain */
		{ "frank", "example.org", "admin", false },
		/* an extension */
		{ "alice+news", "example.com", "alice", true },
		{ "+alice", "example.com", "alice", false },
		{ "x", "xn--bcher-kva.example", "ute", true },
		{ "nobody", "example.com", "alice", false },
		{ "", "", "alice", false },
	};
	char *errors;
	struct senders *s = read_senders_text(table, &errors);

	(void)state;
	assert_string_equal(errors, "");
	assert_non_null(s);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		if (senders_allow(s, span_str(vectors[i].local),
			span_str(vectors[i].domain),
			span_str(vectors[i].login)) != vectors[i].allowed)
			fail_msg("%s@%s %s", vectors[i].local,
			    vectors[i].domain, vectors[i].login);
	senders_free(s);
	free(errors);
}

static void
errors_name_the_line(void **state)
{
	static const struct {
		const char *text, *want;
	} vectors[] = {
		{ "a@b.example x\n\nnonsense y\n",
		    "f:3: the address has no \"@\"; write user@domain, or "
		    "@domain for a whole domain\n" },
		{ "a@b.example\n",
		    "f:1: the line names no login; write the logins after the "
		    "address, "
		    "separated by commas\n" },
		{ "a@b.example ,, \n",
		    "f:1: the line names no login; write the logins after the "
		    "address, "
		    "separated by commas\n" },
		{ "a@b.example # x\n",
		    "f:1: the line names no login; write the logins after the "
		    "address, "
		    "separated by commas\n" },
		{ "a@b..example x\n",
		    "f:1: the domain of the address is not valid\n" },
		{ "/^(.*)@b\\.example$/ $1\n",
		    "f:1: this looks like a table of regular expressions; "
		    "write "
		    "addresses, or @domain for a whole domain\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char *errors;

		assert_null(read_senders_text(vectors[i].text, &errors));
		assert_string_equal(errors, vectors[i].want);
		free(errors);
	}
}

static void
senders_without_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned long nth = 1; failed; nth++) {
		FILE *null = fopen("/dev/null", "w");
		struct senders *s;

		assert_non_null(null);
		memory_fail_at(nth);
		s = senders_read_text(span_str(table), "f", null);
		failed = memory_has_failed();
		memory_fail_at(0);
		assert_true((s == NULL) == failed);
		senders_free(s);
		fclose(null);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(postfix_tables),
		cmocka_unit_test(errors_name_the_line),
		cmocka_unit_test(senders_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
