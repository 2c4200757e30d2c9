/*
 * bounce_test.c - bounces: finding the report that bounced, and suppressing the
 * address that it was sent to.
 */
#include "report/receive/bounce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"
#include "tests/support/fake_sendmail.h"
#include "tests/support/send_fixture.h"

static const char bounce_form[] =
    "From: MAILER-DAEMON@mx.example.org\n"
    "To: dmarc@mx.example.org\n"
    "MIME-Version: 1.0\n"
    "Content-Type: multipart/report; report-type=delivery-status;\n"
    " boundary=\"b\"\n\n"
    "--b\nContent-Type: text/plain\n\nsorry\n"
    "--b\nContent-Type: message/delivery-status\n\n"
    "Reporting-MTA: dns; mx.example.org\n\n"
    "Final-Recipient: rfc822; someone@else.example\n"
    "Action: %s\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no such user\n\n"
    "--b\nContent-Type: %s\n\n"
    "From: dmarc@mx.example.org\nMessage-ID: %s\nSubject: x\n\n"
    "--b--\n";

static enum ledger_step
feed(struct bench *b, const char *action, const char *type, const char *id,
    enum bounce_code want)
{
	char text[4000];
	struct arena *a = arena_new(1 << 16);
	struct ledger_bounce noted;
	struct bounce bounce;
	enum ledger_step step = LEDGER_NONE;

	snprintf(text, sizeof(text), bounce_form, action, type, id);
	bounce_read(span_str(text), &bounce);
	assert_int_equal(bounce.code, want);
	if (bounce.code == BOUNCE_OURS)
		step = bounce_note(b->ledger, &bounce, b->o.now, a, &noted);
	arena_free(a);
	return step;
}

static void
test_bounce(void **state)
{
	struct bench *b = bench_open("");
	struct mailbag_mails *m;
	char id[MAILBAG_TEXT_MAX];

	(void)state;
	bench_add_plain(b, "example.com", RUA("mailto:d@example.com"));
	bench_run_well(b);
	m = mailbag_read(&b->bag);
	snprintf(id, sizeof(id), "%s", m->mail[0].message_id);
	mailbag_free(m);
	/* bounces that are forged, not about our report, or not final */
	assert_int_equal(feed(b, "failed", "text/rfc822-headers",
			     "<20241004abc.1.1@mx.example.org>", BOUNCE_OURS),
	    LEDGER_NONE);
	feed(b, "failed", "text/rfc822-headers", "<x@y>", BOUNCE_OTHER);
	feed(b, "failed", "text/rfc822-headers",
	    "<20241004abc.1@mx.example.org>", BOUNCE_OTHER);
	feed(b, "delayed", "text/rfc822-headers", id, BOUNCE_DELAYED);
	feed(b, "failed", "text/plain", id, BOUNCE_OTHER);
	struct report_row r =
	    bench_row("example.com", RUA("mailto:d@example.com"));

	r.when += DATE_DAY;
	bench_add(b, &r);
	b->o.now += DATE_DAY;
	bench_run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	/* one of our reports, returned as header fields or as a whole */
	assert_int_equal(
	    feed(b, "failed", "text/rfc822-headers", id, BOUNCE_OURS),
	    LEDGER_OK);
	assert_int_equal(
	    feed(b, "failed", "message/rfc822", id, BOUNCE_OURS), LEDGER_OK);
	r.when += DATE_DAY;
	bench_add(b, &r);
	b->o.now += DATE_DAY;
	bench_run_well(b);
	assert_int_equal(b->count[SEND_SENT], 0);
	bench_has(b->notes, "mail to every address bounces");
	/* after the pause the address is tried again */
	b->o.now += b->o.bounce_pause;
	r.when = b->o.now - DATE_DAY;
	bench_add(b, &r);
	bench_run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	bench_close(b);
}

/* A recipient knows the report id and can guess the numbers of the other
 * deliveries, but not their proofs. */
static void
test_bounce_of_another_recipient(void **state)
{
	struct bench *b = bench_open("");
	struct mailbag_mails *m;
	char ids[2][MAILBAG_TEXT_MAX], forged[2 * MAILBAG_TEXT_MAX];

	(void)state;
	bench_add_plain(
	    b, "example.com", RUA("mailto:d@example.com,mailto:e@example.com"));
	bench_run_well(b);
	m = mailbag_read(&b->bag);
	assert_int_equal(m->n, 2);
	for (size_t i = 0; i < 2; i++)
		snprintf(ids[i], sizeof(ids[i]), "%s", m->mail[i].message_id);
	mailbag_free(m);
	for (size_t i = 0; i < 2; i++) {
		struct span own = span_str(ids[i]), other = span_str(ids[!i]);

		snprintf(forged, sizeof(forged), "%.*s%.*s",
		    SPAN_FMT(span_first(own, span_rindex(own, '@') - 1)),
		    SPAN_FMT(span_skip(other, span_rindex(other, '@') - 1)));
		assert_string_not_equal(forged, ids[i]);
		assert_int_equal(feed(b, "failed", "text/rfc822-headers",
				     forged, BOUNCE_OURS),
		    LEDGER_NONE);
	}
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(feed(b, "failed", "text/rfc822-headers",
				     ids[i], BOUNCE_OURS),
		    LEDGER_OK);
	bench_close(b);
}

static const char status_form[] =
    "From: MAILER-DAEMON@mx.example.org\n"
    "MIME-Version: 1.0\n"
    "Content-Type: multipart/report; boundary=\"b\"\n\n"
    "--b\nContent-Type: message/%s\n\n"
    "Reporting-MTA: dns; mx.example.org\n\n%s\n"
    "--b\nContent-Type: message/%s\n\n"
    "From: dmarc@mx.example.org\nMessage-ID:\n %s\nSubject: x\n\n"
    "--b--\n";

struct status_case {
	const char *name, *status;
	const char *type,
	    *returned; /* message/ subtypes; NULL: those of RFC 3464 */
	bool fails;
};

static const struct status_case status_cases[] = {
	{ "RFC 3464 section 2.1.1: a comment",
	    "Final-Recipient: rfc822; d@example.com\n"
	    "Action: failed (no such mailbox)\n",
	    .fails = true },
	{ "section 2.1.1: comments and folds",
	    "Final-Recipient: rfc822;\n (x)\n\t<D@Example.Com>\n"
	    "Action:\n (y) FAILED\n",
	    .fails = true },
	{ "section 2.3.3: not failed", "Action: delayed (failed)\n",
	    .fails = false },
	{ "section 2.3.3: another word", "Action: failed-later\n",
	    .fails = false },
	{ "section 2.3: another recipient failed",
	    "Final-Recipient: rfc822; e@example.com\nAction: failed\n\n"
	    "Final-Recipient: rfc822; d@example.com\nAction: delayed\n",
	    .fails = false },
	{ "section 2.3: ours failed",
	    "Final-Recipient: rfc822; d@example.com\nAction: failed\n\n"
	    "Final-Recipient: rfc822; e@example.com\nAction: delayed\n",
	    .fails = true },
	{ "section 2.3.1: ours by its original name",
	    "Original-Recipient: rfc822; d@example.com\n"
	    "Final-Recipient: rfc822; x@inner.example\nAction: failed\n\n"
	    "Final-Recipient: rfc822; e@example.com\nAction: relayed\n",
	    .fails = true },
	{ "an alias of two, one of them failed",
	    "Final-Recipient: rfc822; x@inner.example\nAction: failed\n\n"
	    "Final-Recipient: rfc822; y@inner.example\nAction: delivered\n",
	    .fails = false },
	{ "an alias of two, both failed",
	    "Final-Recipient: rfc822; x@inner.example\nAction: failed\n\n"
	    "Final-Recipient: rfc822; y@inner.example\nAction: failed\n",
	    .fails = true },
	{ "RFC 6533 section 4: message/global-delivery-status",
	    "Final-Recipient: utf-8; d@example.com\nAction: failed\n",
	    "global-delivery-status", "global", .fails = true },
	{ "RFC 6533 section 6: message/global-headers",
	    "Final-Recipient: utf-8; d@example.com\nAction: failed\n",
	    "global-delivery-status", "global-headers", .fails = true },
	{ "no action", "Final-Recipient: rfc822; d@example.com\n",
	    .fails = false },
};

static void
rfc3464_2_3_each_group_is_about_its_own_recipient(void **state)
{
	struct bench *b = bench_open("");
	struct mailbag_mails *m;
	char id[MAILBAG_TEXT_MAX];

	(void)state;
	bench_add_plain(b, "example.com", RUA("mailto:d@example.com"));
	bench_run_well(b);
	m = mailbag_read(&b->bag);
	snprintf(id, sizeof(id), "%s", m->mail[0].message_id);
	mailbag_free(m);
	for (size_t i = 0; i < ARRAY_SIZE(status_cases); i++) {
		const struct status_case *c = &status_cases[i];
		struct arena *a = arena_new(1 << 16);
		struct ledger_bounce noted;
		struct bounce bounce;
		char text[4000];
		enum ledger_step step;

		snprintf(text, sizeof(text), status_form,
		    c->type != NULL ? c->type : "delivery-status", c->status,
		    c->returned != NULL ? c->returned : "rfc822", id);
		bounce_read(span_str(text), &bounce);
		assert_int_not_equal(bounce.code, BOUNCE_OTHER);
		step = bounce_note(b->ledger, &bounce, b->o.now, a, &noted);
		if ((step == LEDGER_OK) != c->fails ||
		    (bounce.code == BOUNCE_OURS) != c->fails)
			fail_msg("%s", c->name);
		arena_free(a);
	}
	bench_close(b);
}

/* GMime's parser recurses into nested address groups. */
static void
test_nested_groups(void **state)
{
	static char text[BOUNCE_MESSAGE_MAX];
	struct buf b = buf_wrap(text, sizeof(text));
	struct bounce bounce;

	(void)state;
	buf_text(&b, "TO :");
	while (b.n < sizeof(text) / 2)
		buf_text(&b, "a:\n ");
	bounce_read(buf_view(&b), &bounce);
	assert_int_equal(bounce.code, BOUNCE_OTHER);
}

/* Parsing ends, whatever the input. */
static void
test_bounce_hostile(void **state)
{
	struct bounce bounce;
	char *deep = calloc(1, BOUNCE_MESSAGE_MAX);
	struct buf b = buf_wrap(deep, BOUNCE_MESSAGE_MAX);

	(void)state;
	assert_non_null(deep);
	bounce_read(SPAN(""), &bounce);
	assert_int_equal(bounce.code, BOUNCE_OTHER);
	for (int i = 0; !b.full; i++)
		buf_printf(&b,
		    "Content-Type: multipart/report; boundary=b%d\n\n--b%d\n",
		    i, i);
	bounce_read(buf_view(&b), &bounce);
	assert_int_equal(bounce.code, BOUNCE_OTHER);
	buf_cut(&b, 0);
	b.full = false;
	while (!b.full)
		buf_text(&b, "Content-Type: message/rfc822\n\n");
	bounce_read(buf_view(&b), &bounce);
	assert_int_equal(bounce.code, BOUNCE_OTHER);
	free(deep);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounce),
		cmocka_unit_test(test_bounce_of_another_recipient),
		cmocka_unit_test(
		    rfc3464_2_3_each_group_is_about_its_own_recipient),
		cmocka_unit_test(test_nested_groups),
		cmocka_unit_test(test_bounce_hostile),
	};

	return cmocka_run_group_tests_name("bounce", tests, NULL, NULL);
}
