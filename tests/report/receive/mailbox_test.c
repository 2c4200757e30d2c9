/*
 * mailbox_test.c - the parts of a message and the messages of an mbox, and the
 * limits that are checked before GMime parses a message.
 */
#include "report/receive/mime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"

enum { TEXT_MAX = 4096 };

/* ---- parts ---- */

#define HEAD "From: Reports <r@reporter.example>\nMIME-Version: 1.0\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n"
#define PART(TYPE, TEXT) "--b\nContent-Type: " TYPE "\n" TEXT "\n"

static const struct {
	const char *name, *mail;
	const char *want; /* "name:kind:bytes" of each part */
	size_t stop_after;
} parts[] = {
	{ .name = "no MIME at all",
	    .mail = "From: a@b.example\n\nhello\n",
	    .want = ":text:hello\n" },
	{ .name = "RFC 2045 section 6.8: base64, also with invalid bytes in it",
	    .mail = HEAD "Content-Type: application/gzip; name=a.gz\n"
			 "Content-Transfer-Encoding: base64\n\naGVs\n bG8=\n",
	    .want = "a.gz:file:hello" },
	{ .name = "RFC 4648 section 3.2: no padding",
	    .mail = HEAD "Content-Type: application/gzip\n"
			 "Content-Transfer-Encoding: base64\n\naGVsbG8\n",
	    .want = ":file:hello" },
	{ .name = "RFC 2045 section 6.7: quoted-printable",
	    .mail = HEAD "Content-Type: application/x\n"
			 "Content-Transfer-Encoding: quoted-printable\n\n"
			 "h=65l=\nlo=",
	    .want = ":file:hello" },
	{ .name = "RFC 2046 section 5.1: HTML and images are left out",
	    .mail = HEAD MIXED PART("text/plain", "\n1")
		PART("text/html", "\n2") PART("image/svg+xml", "\n<svg/>")
		    PART("text/xml", "\n3") "--b--\n",
	    .want = ":text:1:text:3" },
	{ .name = "RFC 2046 section 5.2.1: the parts of a nested message",
	    .mail = HEAD MIXED PART("message/rfc822",
		"\nSubject: x\nContent-Type: application/x; name=in\n\n1")
		PART("application/x", "\n2") "--b--\n",
	    .want = ":header:Subject: x\n"
		    "Content-Type: application/x; name=in\nin:file:1:file:2" },
	{ .name = "an encoded nested message is one part",
	    .mail = HEAD MIXED PART("message/rfc822",
		"Content-Transfer-Encoding: base64\n\nQTogYgoKMQ==") "--b--\n",
	    .want = ":file:A: b\n\n1" },
	{ .name = "RFC 5965 section 2: the part with fields",
	    .mail = HEAD
	    "Content-Type: multipart/report; boundary=b;\n"
	    " report-type=feedback-report\n\n" PART("text/plain", "\n1")
		PART("message/feedback-report", "\nVersion: 1")
		    PART("text/rfc822-headers", "\nA: b") "--b--\n",
	    .want = ":text:1:feedback:Version: 1:text:A: b" },
	{ .name = "RFC 3464 section 2: the part with a status",
	    .mail = HEAD MIXED PART("message/delivery-status", "\nA: b")
		PART("message/global-delivery-status", "\nC: d") "--b--\n",
	    .want = ":status:A: b:status:C: d" },
	{ .name = "the last boundary is missing",
	    .mail = HEAD MIXED PART("application/x", "\n1"),
	    .want = ":file:1\n" },
	{ .name = "stopped",
	    .mail = HEAD MIXED PART("application/x", "\n1")
		PART("application/x", "\n2") "--b--\n",
	    .want = ":file:1",
	    .stop_after = 1 },
};

struct seen_parts {
	struct buf out;
	size_t n, stop_after;
};

static bool
see_mailbox_part(void *arg, const struct mailbox_part *part)
{
	static const char *const kinds[] = {
		":file:", ":text:", ":feedback:", ":status:", ":header:"
	};
	struct seen_parts *seen = arg;

	buf_span(&seen->out, part->name);
	buf_text(&seen->out, kinds[part->kind]);
	buf_span(&seen->out, part->bytes);
	assert_true(span_is(part->sender, "r@reporter.example") ||
	    span_is(part->sender, "a@b.example"));
	return ++seen->n != seen->stop_after;
}

static void
parts_of_mails(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char memory[TEXT_MAX];
		struct seen_parts seen = { .out =
					       buf_wrap(memory, sizeof(memory)),
			.stop_after = parts[i].stop_after };
		const char *reason;
		enum mailbox_end end = mailbox_each_part(
		    span_str(parts[i].mail), see_mailbox_part, &seen, &reason);

		if (strcmp(memory, parts[i].want) != 0)
			fail_msg("%s:\n%s\nwant:\n%s", parts[i].name, memory,
			    parts[i].want);
		assert_int_equal(end,
		    parts[i].stop_after > 0 ? MAILBOX_STOPPED : MAILBOX_DONE);
		assert_null(reason);
	}
}

/* ---- bounds ---- */

/* The message is `begin`, then `again` `n` times, then `end`. */
static const struct {
	const char *name, *begin, *again, *end;
	size_t n;
	const char *want; /* NULL: not refused */
} bounds[] = {
	{ "groups in To", "From: x\nTo: ", "a:", "\n\nx", 199, NULL },
	{ "too many groups in To", "From: x\nTo: ", "a:", "\n\nx", 200,
	    "a message with too many address groups" },
	{ "groups on folded lines", "Cc:\n", "\ta:\n", "\n", 201,
	    "a message with too many address groups" },
	{ "in another case, with a space", "rEPLY-tO : ", "a:", "\n", 201,
	    "a message with too many address groups" },
	{ "in a nested message", "A: b\n\n--b\n\nBcc: ", "a:", "\n", 201,
	    "a message with too many address groups" },
	{ "colons outside addresses", "Subject: ", "a:", "\n\n", 5000, NULL },
	{ "addresses", "From: ", "a@b,", "\n\n", 130000, NULL },
	{ "too many addresses", "From: ", "a@b,", "\n\n", 132000,
	    "a message with too many addresses or parameters" },
	{ "too many parameters", "CONTENT-TYPE: a/b", ";\n\ta=b", "\n\n", 90000,
	    "a message with too many addresses or parameters" },
	{ "too many addresses in total", "A: b\n", "To: a@b,c@d,e@f,g@h\n",
	    "\n", 30000, "a message with too many addresses or parameters" },
	{ "commas outside addresses", "Subject: ", "a@b,", "\n\n", 1000000,
	    NULL },
	{ "several fields with groups", "A: b\n", "To: a:b;\n", "\n", 5000,
	    NULL },
	{ "lines that may be boundaries", "A: b\n\n", "--\n", "", 20000, NULL },
	{ "too many possible boundaries", "A: b\n\n", "--\n", "", 20001,
	    "a message with more than 20000 parts" },
	{ "fields", "A: b\n", "a:\n", "\n", 99999, NULL },
	{ "too many fields", "A: b\n", "a :\n", "\n", 100000,
	    "a message with more than 100000 header fields" },
	{ "lines that are not fields", "A: b\n\n", "x y: z\n", "\n", 200000,
	    NULL },
	{ "parts",
	    "MIME-Version: 1.0\nContent-Type: multipart/mixed;"
	    " boundary=b\n\n",
	    "--b\n\nx\n", "--b--\n", 1000, NULL },
	{ "too many parts",
	    "MIME-Version: 1.0\nContent-Type: multipart/mixed;"
	    " boundary=b\n\n",
	    "--b\n\nx\n", "--b--\n", 1001,
	    "a message with more than 1000 parts" },
	{ "nested multiparts", "A: b\n",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n", "\nx", 5000,
	    "a message with more than 1000 parts" },
};

static bool
pass_over(void *arg, const struct mailbox_part *part)
{
	(void)arg;
	(void)part;
	return true;
}

static char *
repeated(size_t at, size_t *n)
{
	size_t begin = strlen(bounds[at].begin);
	size_t again = strlen(bounds[at].again), end = strlen(bounds[at].end);
	char *mail = malloc(begin + bounds[at].n * again + end + 1);

	assert_non_null(mail);
	memcpy(mail, bounds[at].begin, begin);
	for (size_t i = 0; i < bounds[at].n; i++)
		memcpy(mail + begin + i * again, bounds[at].again, again);
	*n = begin + bounds[at].n * again;
	memcpy(mail + *n, bounds[at].end, end + 1);
	*n += end;
	return mail;
}

static void
bounds_of_mails(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		const char *reason = NULL;
		size_t n;
		char *mail = repeated(i, &n);
		enum mailbox_end end = mailbox_each_part(
		    span_of(mail, n), pass_over, NULL, &reason);

		if (bounds[i].want == NULL ? end != MAILBOX_DONE
					   : end != MAILBOX_REFUSED ||
			    strcmp(reason, bounds[i].want) != 0)
			fail_msg("%s: %d, %s", bounds[i].name, (int)end,
			    reason != NULL ? reason : "not refused");
		free(mail);
	}
}

static void
size_of_mails(void **state)
{
	char *mail = malloc(MAILBOX_MAIL_MAX + 1);

	(void)state;
	assert_non_null(mail);
	memset(mail, 'x', MAILBOX_MAIL_MAX + 1);
	assert_null(mailbox_refusal(span_of(mail, MAILBOX_MAIL_MAX)));
	assert_string_equal(
	    mailbox_refusal(span_of(mail, MAILBOX_MAIL_MAX + 1)),
	    "a message larger than 64 MiB");
	free(mail);
}

/* ---- mbox (RFC 4155) ---- */

static const struct {
	const char *name, *mbox, *want; /* messages, each in "[]" */
} mboxes[] = {
	{ "not an mbox", "Subject: x\n\nFrom a\n", "" },
	{ "one", "From a Mon\nA: b\n\nx\n", "[A: b\n\nx\n]" },
	{ "two", "From a\nA: b\n\nx\n\nFrom c\nD: e\n\ny",
	    "[A: b\n\nx\n\n][D: e\n\ny]" },
	{ "CRLF", "From a\r\nA: b\r\n\r\nFrom c\r\nD: e\r\n",
	    "[A: b\r\n\r\n][D: e\r\n]" },
	{ "From within a paragraph", "From a\nA: b\n\nx\nFrom y\n",
	    "[A: b\n\nx\nFrom y\n]" },
	{ "From in quotes", "From a\nA: b\n\n>From y\n",
	    "[A: b\n\n>From y\n]" },
	{ "empty messages", "From a\nFrom b\n\nFrom c\n", "[From b\n\n][]" },
	{ "no line end", "From ", "[]" },
};

static void
mails_of_mboxes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mboxes); i++) {
		struct span rest = span_str(mboxes[i].mbox), mail;
		char memory[TEXT_MAX];
		struct buf out = buf_wrap(memory, sizeof(memory));

		while (mailbox_next(&rest, &mail)) {
			buf_byte(&out, '[');
			buf_span(&out, mail);
			buf_byte(&out, ']');
		}
		if (strcmp(memory, mboxes[i].want) != 0)
			fail_msg("%s: %s", mboxes[i].name, memory);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_mails),
		cmocka_unit_test(bounds_of_mails),
		cmocka_unit_test(size_of_mails),
		cmocka_unit_test(mails_of_mboxes),
	};

	return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
