/*
 * report_mail_fuzz.c - reads arbitrary bytes as a message or an mbox that may
 * contain reports: its parts (RFC 2045), S/MIME, and the fields of a failure
 * report (RFC 5965).
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/date.h"
#include "lib/utf8.h"
#include "report/receive/aggregate_xml.h"
#include "report/receive/feedback.h"
#include "report/receive/mime.h"
#include "report/receive/part_field.h"
#include "report/receive/smime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPORTED_NOW = 1767225600, RESERIALIZED = 65536 };

static void
check_line(struct span s)
{
	while (s.n > 0) {
		size_t n = utf8_plain(s);

		assert(n > 0);
		s = span_skip(s, n);
	}
}

/* Checks that the local parts of addresses have been removed. */
static void
check_no_address(struct span s)
{
	for (size_t i = 1; i < s.n; i++)
		assert(s.p[i] != '@' ||
		    strchr(" =<(;,\"@", s.p[i - 1]) != NULL ||
		    !ascii_is_visible((unsigned char)s.p[i - 1]));
}

static void
check_feedback(struct span part, struct span sender)
{
	struct arena *a = arena_new(FEEDBACK_MEMORY);
	struct ledger_incident r;
	const char *reason;
	enum feedback_end end;

	assert(a != NULL);
	end = feedback_read(part, sender, REPORTED_NOW, a, &r, &reason);
	assert(end != FEEDBACK_MEMORY_LACKS);
	assert((end == FEEDBACK_REFUSED) == (reason != NULL));
	if (end == FEEDBACK_DONE) {
		const struct span texts[] = { r.reporter, r.domain, r.source,
			r.cause, r.alignment, r.delivery, r.mail_from,
			r.dkim_domain, r.selector, r.results };

		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			check_line(texts[i]);
		check_no_address(r.results);
		assert(!span_has(r.mail_from, '@') || r.mail_from.n == 1 ||
		    r.mail_from.p[0] == '@');
		assert(r.domain.n > 0 && r.reporter.n > 0);
		assert(r.at >= 0 && r.at <= REPORTED_NOW);
		assert(r.incidents >= 1 &&
		    r.incidents <= (uint64_t)READ_COUNT_MAX);
	}
	arena_free(a);
}

/* Checks that each call advances, and that names and values are inside the
 * text. */
static void
check_fields(struct span part)
{
	struct scan s = scan_of(part);
	struct span name, value;

	while (!scan_done(&s)) {
		const char *before = s.p;

		if (part_field_next(&s, &name, &value)) {
			assert(name.n <= part.n && value.n <= part.n);
			assert(!span_has(name, '\n') && !span_has(name, ':'));
		}
		assert(s.p > before && s.p <= part.p + part.n);
	}
}

struct mail_seen {
	size_t parts, bytes;
};

static bool
see_part(void *arg, const struct mailbox_part *part)
{
	struct mail_seen *seen = arg;

	assert(part->name.p == NULL || strlen(part->name.p) == part->name.n);
	assert(part->kind <= MAILBOX_HEADER);
	seen->parts++;
	seen->bytes += part->bytes.n;
	check_fields(part->bytes);
	check_feedback(part->bytes, part->sender);
	return seen->parts < 100;
}

static bool
see_content(void *arg, struct span content)
{
	struct span *whole = arg;

	assert(content.n <= whole->n);
	return content.n % 2 == 0;
}

static void
check_mail(struct span mail)
{
	struct mail_seen seen = { 0 };
	const char *reason = NULL;
	enum mailbox_end end =
	    mailbox_each_part(mail, see_part, &seen, &reason);

	assert((end == MAILBOX_REFUSED) == (reason != NULL));
	assert(end != MAILBOX_MEMORY);
	assert(seen.parts <= MAILBOX_PARTS_MAX);
	assert(seen.bytes <= 2 * mail.n + RESERIALIZED);
	if (mailbox_refusal(mail) != NULL)
		assert(end == MAILBOX_REFUSED && seen.parts == 0);
}

/* Checks that the messages of an mbox are in order and do not overlap. */
static void
check_mbox(struct span rest)
{
	struct span mail;
	const char *end = rest.p;

	while (mailbox_next(&rest, &mail)) {
		assert(mail.p >= end + 5 && mail.p + mail.n == rest.p);
		end = mail.p + mail.n;
		check_mail(mail);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of((const char *)data, size);
	const char *reason;
	enum smime_end end;

	check_mbox(bytes);
	check_mail(bytes);
	check_fields(bytes);
	check_feedback(bytes, SPAN("a@reporter.example"));
	end = smime_content(bytes, see_content, &bytes, &reason);
	assert((end == SMIME_END_REFUSED) == (reason != NULL));
	return 0;
}
