/*
 * report_failure_fuzz.c - writes failure reports for any header.  They must
 * consist of fields, in lines of printable ASCII and limited length, with only
 * a hash or nothing before each "@" (RFC 6590, RFC 6591).
 *
 * The input is a MAIL FROM, a line end, and a header.
 */
#include "report/record/failure.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/ascii.h"
#include "report/record/redact.h"
#include "tests/support/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER_MEMORY = 8 << 20, LINE_MAX_BYTES = 998, HASH_LETTERS = 16 };

static const char settings[] =
    "report { failure_reports = true failure_headers = {\"From\", \"To\", "
    "\"Subject\", \"Received\", \"DKIM-Signature\", \"Message-ID\", \"X\"} }";

static void
check_lines(struct span text)
{
	struct scan s = scan_of(text);

	while (!scan_done(&s)) {
		struct span line = scan_until(&s, '\n');

		assert(line.n > 0 && line.n < LINE_MAX_BYTES);
		for (size_t i = 0; i < line.n; i++)
			assert(ascii_is_print((unsigned char)line.p[i]) ||
			    line.p[i] == '\t');
		assert(ascii_is_wsp((unsigned char)line.p[0]) ||
		    span_has(line, ':'));
		assert(scan_byte(&s, '\n'));
	}
}

static bool
is_border(char c)
{
	return span_has(SPAN(" \t\n<>()[],;:@"), c);
}

static void
check_redacted(struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '@' || i == 0 || is_border(text.p[i - 1]))
			continue;
		assert(i >= HASH_LETTERS);
		assert(
		    span_all(span_of(text.p + i - HASH_LETTERS, HASH_LETTERS),
			ascii_is_xdigit));
		assert(i == HASH_LETTERS ||
		    is_border(text.p[i - HASH_LETTERS - 1]) ||
		    text.p[i - HASH_LETTERS - 1] == '"');
	}
}

static void
check_failure(const struct mail_header *h, struct span sender)
{
	static struct failure_draft draft;
	static const struct conf *conf; /* read only once */
	struct dmarc_record record;
	const char *reason;
	struct verdict v = {
		.mail_from = sender.n > 0 ? sender : SPAN("x"),
		.header = h,
		.authentication_results = SPAN("mx.example.net; none"),
		.dmarc = { .code = DMARC_FAIL,
		    .author_domain = SPAN("a.example"),
		    .policy_domain = SPAN("a.example"),
		    .record = &record },
	};

	if (conf == NULL)
		conf = conf_read_text(
		    span_of(settings, sizeof(settings) - 1), "fuzz", stderr);
	assert(conf != NULL);
	dmarc_record_parse(
	    SPAN("v=DMARC1; p=none; ruf=mailto:r@a.example"), &record, &reason);
	assert(failure_of(&v, conf, (struct hash_secret){ 1, 2 },
	    span_first(sender, 20), 0, &draft));
	check_lines(draft.failure.feedback);
	check_lines(draft.failure.header);
	assert(!span_has(draft.failure.subject, '\n'));
	free(failure_copy(&draft.failure));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[1 << 20];
	struct redact r = { .key = { 1, 2 }, .salt = 3 };
	struct scan s = scan_of(span_of((const char *)data, size));
	struct span sender = lines_next(&s, '\n');
	struct arena *a = arena_new(HEADER_MEMORY);
	struct mail_header h = { .n = 0 };
	struct buf b = buf_wrap(text, sizeof(text));

	assert(a != NULL);
	mail_header_read(&h, a, scan_rest(&s));
	check_failure(&h, sender);
	redact_text(&r, &b, scan_rest(&s));
	if (!b.full)
		check_redacted(buf_view(&b));
	arena_free(a);
	return 0;
}
