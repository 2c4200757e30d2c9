/*
 * bounce_test.c - mail that comes back: whose it is, and what becomes of the
 * address.
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
	/* forged, or not about us, or not final */
	assert_int_equal(feed(b, "failed", "text/rfc822-headers",
			     "<20241004abc.1@mx.example.org>", BOUNCE_OURS),
	    LEDGER_NONE);
	feed(b, "failed", "text/rfc822-headers", "<x@y>", BOUNCE_OTHER);
	feed(b, "delayed", "text/rfc822-headers", id, BOUNCE_DELAYED);
	feed(b, "failed", "text/plain", id, BOUNCE_OTHER);
	struct report_row r =
	    bench_row("example.com", RUA("mailto:d@example.com"));

	r.when += DATE_DAY;
	bench_add(b, &r);
	b->o.now += DATE_DAY;
	bench_run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	/* ours, in both forms of a returned mail */
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
	bench_has(b->notes, "mail to it bounces");
	/* and after the pause it is tried again */
	b->o.now += b->o.bounce_pause;
	r.when = b->o.now - DATE_DAY;
	bench_add(b, &r);
	bench_run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	bench_close(b);
}

/* Whatever it is, it is read to an end. */
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
		cmocka_unit_test(test_bounce_hostile),
	};

	return cmocka_run_group_tests_name("bounce", tests, NULL, NULL);
}
