/* own_signatures_test.c - messages that we have already signed, and messages
 * with flaws that receivers dislike */
#include "sign/own_signatures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/dkim_run.h"
#include "tests/support/signer_run.h"

/* ---- our existing signatures ---- */

/* Signs `message`, replaces `from` with `to` in the result, and signs the
 * result again. */
static struct signer_ran
run_again(const struct signer_run *how, const char *message, const char *from,
    const char *to, int64_t now)
{
	struct signer_ran first = signer_run(how, message), second;
	char *text = strndup(first.message.p, first.message.n);
	char *at = from != NULL ? strstr(text, from) : NULL;
	struct signer_run again = *how;

	assert_true(from == NULL || at != NULL);
	if (at != NULL)
		memcpy(at, to, strlen(to));
	again.now = now;
	second = signer_run(&again, text);
	free(text);
	signer_run_end(&first);
	return second;
}

static void
valid_signatures_of_ours_are_kept(void **state)
{
	struct signer_ran r =
	    run_again(&(struct signer_run){ .now = DKIM_RUN_NOW },
		FROM REST "\r\nHi\r\n", NULL, NULL, DKIM_RUN_NOW + 5);

	(void)state;
	assert_int_equal(r.o->result, SIGNER_KEPT);
	assert_int_equal(r.o->n_add + r.o->n_remove, 0);
	signer_run_expect(&r, "kept", "pass pass");
	signer_run_end(&r);
}

static void
broken_signatures_of_ours_are_replaced(void **state)
{
	static const struct {
		const char *title, *conf, *from, *to;
		int64_t later;
	} vectors[] = {
		{ "body changed", "", "Hi\r\n", "Ho\r\n", 0 },
		{ "field changed", "", "Subject: H", "Subject: J", 0 },
		{ "bh= changed", "", "bh=", "hb=", 0 },
		{ "expired", "sign { expire = 6d }", NULL, NULL, 7 * 86400 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct signer_ran r =
		    run_again(&(struct signer_run){ .conf = vectors[i].conf },
			FROM REST "\r\nHi\r\n", vectors[i].from, vectors[i].to,
			DKIM_RUN_NOW + vectors[i].later);
		bool one = i == 2; /* the Ed25519 signature is unchanged */

		assert_int_equal(r.o->result, SIGNER_SIGNED);
		assert_int_equal(r.o->n_add, one ? 1 : 2);
		assert_int_equal(r.o->n_remove, one ? 1 : 2);
		if (vectors[i].later == 0)
			signer_run_expect(&r, vectors[i].title, "pass pass");
		signer_run_end(&r);
	}
}

static void
signatures_of_others_stay(void **state)
{
	static const char message[] =
	    "DKIM-Signature: v=1; d=example.com; s=other; b=\r\n"
	    "DKIM-Signature: v=1; d=other.example; s=r1; b=\r\n"
	    "DKIM-Signature: v=1; d=EXAMPLE.com; s=R1; b=\r\n"
	    "DKIM-Signature: d=x\r\nDKIM-Signature:\r\n" FROM REST "\r\nHi\r\n";
	struct signer_ran r =
	    signer_run(&(struct signer_run){ .now = DKIM_RUN_NOW }, message);

	(void)state;
	assert_int_equal(r.o->result, SIGNER_SIGNED);
	assert_int_equal(r.o->n_add, 2);
	assert_int_equal(r.o->n_remove, 1);
	assert_int_equal(r.o->remove[0], 3);
	signer_run_end(&r);
}

static void
duplicate_signatures_of_ours_are_removed(void **state)
{
	struct signer_ran first =
	    signer_run(&(struct signer_run){ .now = DKIM_RUN_NOW },
		FROM REST "\r\nHi\r\n");
	char *text = malloc(2 * SIGNER_RUN_MESSAGE_MAX);
	struct signer_ran r;

	(void)state;
	snprintf(text, 2 * SIGNER_RUN_MESSAGE_MAX,
	    "DKIM-Signature:%.*s\r\n%.*s", SPAN_FMT(first.o->add[0]),
	    SPAN_FMT(first.message));
	r = signer_run(&(struct signer_run){ .now = DKIM_RUN_NOW }, text);
	assert_int_equal(r.o->result, SIGNER_KEPT);
	assert_int_equal(r.o->n_remove, 1);
	assert_int_equal(r.o->remove[0], 2);
	signer_run_expect(&r, "once", "pass pass");
	signer_run_end(&r);
	signer_run_end(&first);
	free(text);
}

static void
many_signatures_of_ours_are_bounded(void **state)
{
	char *message = malloc(SIGNER_RUN_MESSAGE_MAX);
	struct buf b = buf_wrap(message, SIGNER_RUN_MESSAGE_MAX);
	struct signer_ran r;

	(void)state;
	for (unsigned i = 0; i < 4000; i++)
		buf_printf(&b,
		    "DKIM-Signature: v=1; d=example.com; s=r1; l=%u; b=\r\n",
		    i);
	buf_text(&b, FROM REST "\r\nHi\r\n");
	assert_false(b.full);
	r = signer_run(&(struct signer_run){ .now = DKIM_RUN_NOW }, message);
	assert_int_equal(r.o->result, SIGNER_SIGNED);
	assert_int_equal(r.o->n_remove, SIGNER_OWN_MAX);
	signer_run_end(&r);
	free(message);
}

/* ---- flaws that receivers dislike ---- */

static void
flaws_of_a_message(void **state)
{
	static const struct {
		const char *title, *header, *body;
		size_t x; /* number of "x" appended to the body */
		unsigned want;
	} vectors[] = {
		{ "none", FROM REST, "Hi\r\n", 0, 0 },
		{ "998 bytes", FROM REST, "", 998, 0 },
		{ "999 bytes", FROM REST, "", 999, SIGNER_FLAW_LONG_LINE },
		{ "after others", FROM REST, "a\r\nb\n", 999,
		    SIGNER_FLAW_LONG_LINE },
		{ "8-bit", FROM REST, "\303\274\r\n", 0, SIGNER_FLAW_8BIT },
		{ "two Subjects", FROM REST "Subject: b\r\n", "", 0,
		    SIGNER_FLAW_DUPLICATE },
		{ "no Date", FROM "Message-ID: <a@b>\r\n", "", 0,
		    SIGNER_FLAW_NO_DATE },
		{ "no Message-ID", FROM "Date: x\r\n", "", 0,
		    SIGNER_FLAW_NO_MESSAGE_ID },
		{ "one click without a link",
		    FROM REST "List-Unsubscribe-Post: x\r\n", "", 0,
		    SIGNER_FLAW_UNSUBSCRIBE },
		{ "one click",
		    FROM REST "List-Unsubscribe-Post: x\r\n"
			      "List-Unsubscribe: <https://a>\r\n",
		    "", 0, 0 },
	};
	char message[4000], xs[1001];

	(void)state;
	memset(xs, 'x', sizeof(xs));
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		for (size_t step = 0; step < 3; step++) {
			struct signer_ran r;

			snprintf(message, sizeof(message), "%s\r\n%s%.*s\r\n",
			    vectors[i].header, vectors[i].body,
			    (int)vectors[i].x, xs);
			r = signer_run(
			    &(struct signer_run){ .step = step }, message);
			if (r.o->flaws != vectors[i].want)
				fail_msg("%s: %x, want %x", vectors[i].title,
				    r.o->flaws, vectors[i].want);
			signer_run_end(&r);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_signatures_of_ours_are_kept),
		cmocka_unit_test(broken_signatures_of_ours_are_replaced),
		cmocka_unit_test(signatures_of_others_stay),
		cmocka_unit_test(duplicate_signatures_of_ours_are_removed),
		cmocka_unit_test(many_signatures_of_ours_are_bounded),
		cmocka_unit_test(flaws_of_a_message),
	};

	return cmocka_run_group_tests(
	    tests, signer_run_set_up, signer_run_tear_down);
}
