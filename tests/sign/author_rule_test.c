/* author_rule_test.c - which authors and lists a login may use */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/signer_run.h"

#define ENVELOPE "sign { author = envelope }"
#define LOGIN "sign { author = login }"
#define REFUSE "sign { author = login on_author_mismatch = reject }"

/* A login must not obtain the signature of someone else's list for an arbitrary
 * From. */
static void
lists_that_a_login_may_use(void **state)
{
	static const char list[] = "List-Id: L <l.example.org>\r\n"
				   "From: a@stranger.example\r\n";
	static const struct outcome_vector vectors[] = {
		{ .title = "no login",
		    .conf = "sign { lists = true author = login }",
		    .header = list,
		    .result = SIGNER_SIGNED },
		{ .title = "any",
		    .conf = "sign { lists = true }",
		    .header = list,
		    .login = "eve",
		    .result = SIGNER_SIGNED },
		{ .title = "login: not listed",
		    .conf = "sign { lists = true author = login }",
		    .header = list,
		    .login = "eve@example.org",
		    .senders = "@example.com eve@example.org\n"
			       "eve@example.org eve@example.org\n",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "login: no senders",
		    .conf = "sign { lists = true author = login }",
		    .header = list,
		    .login = "eve@l.example.org",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "login: listed",
		    .conf = "sign { lists = true author = login }",
		    .header = list,
		    .login = "mailman",
		    .senders = "@l.example.org mailman\n",
		    .result = SIGNER_SIGNED,
		    .domain = "example.org" },
		{ .title = "login: listed for the parent",
		    .conf = "sign { lists = true author = login }",
		    .header = list,
		    .login = "mailman",
		    .senders = "@example.org mailman\n",
		    .result = SIGNER_SIGNED },
		{ .title = "envelope: another domain",
		    .conf = "sign { lists = true author = envelope }",
		    .header = list,
		    .login = "eve",
		    .sender = "<eve@example.com>",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "envelope: of the list",
		    .conf = "sign { lists = true author = envelope }",
		    .header = list,
		    .login = "mailman",
		    .sender = "<l-bounces@example.org>",
		    .result = SIGNER_SIGNED },
		{ .title = "envelope: a top-level domain above it",
		    .conf = "sign { lists = true author = envelope }",
		    .header = list,
		    .login = "eve",
		    .sender = "<>",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
	};

	(void)state;
	signer_run_outcomes(vectors, ARRAY_SIZE(vectors));
}

/* eve may write as any author of example.com except ceo.  None of these forms
 * bypasses this rule. */
static void
other_forms_of_an_address_do_not_bypass_the_rule(void **state)
{
	static const char senders[] = "ceo@example.com boss\n"
				      "@example.com eve\n";
	static const char *const forms[] = { "ceo@example.com",
		"CEO@EXAMPLE.COM", "\"ceo\"@example.com",
		"\"c\\eo\"@example.com", "\"CEO\"@example.com",
		"ceo+x@example.com", "\"ceo+x\"@example.com",
		"ceo(x)@example.com", "(x)ceo (y) @ (z) example.com",
		"ceo @example.com", "<@a.example:ceo@example.com>",
		"Chief <\"ceo\" @example.com>",
		"ceo@example.com <eve@example.com>",
		"\"ceo\"@example.com <eve@example.com>",
		"eve@example.com, ceo@example.com",
		"eve@example.com; ceo@example.com",
		"all: eve@example.com, \"ceo\"@example.com;",
		"eve@example.com <ceo@example.com>", "c\r\n eo@example.com",
		"ce\"o\"@example.com" };
	char message[1000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct signer_ran r;

		snprintf(message, sizeof(message), "From: %s\r\n" REST "\r\nx",
		    forms[i]);
		r = signer_run(
		    &(struct signer_run){
			.conf = LOGIN, .login = "eve", .senders = senders },
		    message);
		if (r.o->result != SIGNER_UNSIGNED)
			fail_msg("signed: %s", forms[i]);
		signer_run_end(&r);
	}
}

/* Only local@domain is the author's login; none of these is. */
static void
other_logins_are_not_the_author(void **state)
{
	static const char *const logins[] = { "alice", "example.com", "@",
		"@example.com", "alice@", "alice%example.com",
		"example.com!alice", "<alice@example.com>",
		"alice@example.com>", "<alice@example.com",
		" alice@example.com", "alice@example.com ",
		"alice @example.com", "alice@ example.com",
		"@eve.example:alice@example.com", "eve@alice@example.com",
		"alice@example.com@eve.example", "x alice@example.com",
		"alice@x.example.com", "alice@example.com.x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(logins); i++) {
		struct signer_ran r = signer_run(
		    &(struct signer_run){ .conf = LOGIN, .login = logins[i] },
		    FROM REST "\r\nx");

		if (r.o->reason != SIGNER_AUTHOR_MISMATCH)
			fail_msg("allowed: %s", logins[i]);
		signer_run_end(&r);
	}
}

static void
authors_that_a_login_may_use(void **state)
{
	static const struct outcome_vector vectors[] = {
		{ .title = "login: the author in quotes",
		    .conf = LOGIN,
		    .header = "From: \"alice\"@example.com\r\n",
		    .login = "alice@example.com",
		    .result = SIGNER_SIGNED },
		{ .title = "any: login is the author",
		    .header = FROM,
		    .login = "Alice@Example.com",
		    .sender = "<bounce@example.org>",
		    .result = SIGNER_SIGNED },
		{ .title = "any: MAIL FROM is the author",
		    .header = FROM,
		    .login = "alice",
		    .result = SIGNER_SIGNED },
		{ .title = "any: neither",
		    .header = FROM,
		    .login = "eve",
		    .sender = "<eve@example.org>",
		    .result = SIGNER_SIGNED,
		    .mismatch = true },
		{ .title = "any: no login",
		    .header = FROM,
		    .sender = "<eve@example.org>",
		    .result = SIGNER_SIGNED },
		{ .title = "any with senders: MAIL FROM is not enough",
		    .header = FROM,
		    .login = "eve",
		    .senders = "alice@example.com alice\n",
		    .result = SIGNER_SIGNED,
		    .mismatch = true },
		{ .title = "envelope",
		    .conf = ENVELOPE,
		    .header = FROM,
		    .login = "eve",
		    .sender = "<Alice@EXAMPLE.com>",
		    .result = SIGNER_SIGNED },
		{ .title = "envelope: other local part",
		    .conf = ENVELOPE,
		    .header = FROM,
		    .login = "eve",
		    .sender = "<eve@example.com>",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "envelope: null sender, which any login may use",
		    .conf = ENVELOPE,
		    .header = FROM,
		    .login = "eve",
		    .sender = "<>",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "envelope: a read receipt from the login itself",
		    .conf = ENVELOPE,
		    .header = FROM,
		    .login = "alice@example.com",
		    .sender = "<>",
		    .result = SIGNER_SIGNED },
		{ .title = "envelope: a read receipt, by senders",
		    .conf = ENVELOPE,
		    .header = FROM,
		    .login = "alice",
		    .senders = "alice@example.com alice\n",
		    .sender = "<>",
		    .result = SIGNER_SIGNED },
		{ .title = "envelope: a bounce, which has no login",
		    .conf = ENVELOPE,
		    .header = "From: MAILER-DAEMON@mx.example.com\r\n",
		    .sender = "<>",
		    .result = SIGNER_SIGNED },
		{ .title = "envelope: no login",
		    .conf = ENVELOPE,
		    .header = FROM,
		    .sender = "<www-data@host.example>",
		    .result = SIGNER_SIGNED },
		{ .title = "login: itself",
		    .conf = LOGIN,
		    .header = FROM,
		    .login = "alice@example.com",
		    .result = SIGNER_SIGNED },
		{ .title = "login: MAIL FROM is not enough",
		    .conf = LOGIN,
		    .header = FROM,
		    .login = "eve@example.com",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "login: null sender",
		    .conf = LOGIN,
		    .header = FROM,
		    .login = "eve@example.com",
		    .sender = "<>",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "login: by senders",
		    .conf = LOGIN,
		    .header = FROM,
		    .login = "eve",
		    .senders = "alice@example.com bob, EVE\n",
		    .result = SIGNER_SIGNED },
		{ .title = "login: every author counts",
		    .conf = LOGIN,
		    .header = "From: alice@example.com, bob@example.com\r\n",
		    .login = "alice@example.com",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "login: a group",
		    .conf = LOGIN,
		    .header = "From: us: alice@example.com;\r\n",
		    .login = "alice@example.com",
		    .result = SIGNER_SIGNED },
		{ .title = "refused",
		    .conf = REFUSE,
		    .header = FROM,
		    .login = "eve",
		    .result = SIGNER_REFUSED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "not refused: no key of ours",
		    .conf = REFUSE,
		    .header = "From: eve@stranger.example\r\n",
		    .login = "eve",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NO_KEY },
	};

	(void)state;
	signer_run_outcomes(vectors, ARRAY_SIZE(vectors));
}

/* ---- main ---- */

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_that_a_login_may_use),
		cmocka_unit_test(
		    other_forms_of_an_address_do_not_bypass_the_rule),
		cmocka_unit_test(other_logins_are_not_the_author),
		cmocka_unit_test(authors_that_a_login_may_use),
	};

	return cmocka_run_group_tests(
	    tests, signer_run_set_up, signer_run_tear_down);
}
