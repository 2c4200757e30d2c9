/*
 * send_test.c - reports on their way: what is sent, to whom, once, also when
 * the sender is killed (RFC 9990 sections 3.5 and 4).
 */
#include "report/send.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/table.h"
#include "report/bounce.h"
#include "report/handover.h"
#include "tests/support/mailbag.h"
#include "tests/support/pump.h"

#define RUA(list) "v=DMARC1; p=reject; rua=" list

enum {
	DAY = 20000,
	NOON = (DAY + 1) * REPORT_DAY + REPORT_DAY / 2,
	PATH_MAX_BYTES = 300,
	BUSY = 99, /* status of a child */
	NOTES_MAX = 4000,
};

struct bench {
	struct mailbag bag;
	char store[PATH_MAX_BYTES];
	const char *sendmail;
	struct ledger *ledger;
	struct dns_source *dns;
	struct send_options o;
	char error[SEND_ERROR_MAX];
	unsigned count[SEND_KINDS];
	char notes[NOTES_MAX]; /* of all events, by lines */
};

static void
tell(void *arg, const struct send_event *e)
{
	struct bench *b = arg;
	size_t n = strlen(b->notes);

	b->count[e->kind]++;
	snprintf(b->notes + n, sizeof(b->notes) - n, "%s %.*s %.*s: %.*s\n",
	    send_kind_name(e->kind), SPAN_FMT(e->domain),
	    SPAN_FMT(e->destination), SPAN_FMT(e->note));
}

static void
open_ledger(struct bench *b)
{
	char error[SQL_ERROR_MAX] = "";

	b->ledger = ledger_open_file(b->store, SQLITE_FOR_COMMAND, error);
	if (b->ledger == NULL)
		fail_msg("%s", error);
	b->o.ledger = b->ledger;
}

static struct bench *
bench_open(const char *zone)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	mailbag_open(&b->bag);
	snprintf(b->store, sizeof(b->store), "%s/store.db", b->bag.folder);
	b->dns = pump_zone(zone);
	b->o = (struct send_options){
		.dns = b->dns,
		.now = NOON,
		.day = -1,
		.compat = AGGREGATE_BROAD,
		.org_name = SPAN("Example"),
		.email = SPAN("dmarc@mx.example.org"),
		.contact = SPAN(""),
		.min_messages = 10,
		.max_per_address = 1000,
		.max_rows = 10000,
		.max_size = 10 << 20,
		.bounce_pause = 30 * REPORT_DAY,
		.tell = tell,
		.arg = b,
	};
	b->sendmail = b->bag.program;
	open_ledger(b);
	return b;
}

static void
bench_close(struct bench *b)
{
	ledger_close(b->ledger);
	b->dns->close(b->dns);
	mailbag_close(&b->bag);
	free(b);
}

static struct ledger *
open_again(const void *arg, char *error)
{
	return ledger_open_file(arg, SQLITE_FOR_COMMAND, error);
}

static enum hander_state
start_hander(struct bench *b)
{
	struct hander_options o = { .open = open_again,
		.arg = b->store,
		.program = b->sendmail,
		.from = "dmarc@mx.example.org",
		.seconds = 20 };
	char error[SQL_ERROR_MAX];

	return hander_start(&o, &b->o.hander, error);
}

/* A run of its own, as another process would make it. */
static enum send_end
run(struct bench *b)
{
	enum send_end end;

	memset(b->count, 0, sizeof(b->count));
	b->notes[0] = b->error[0] = '\0';
	ledger_close(b->ledger);
	assert_int_equal(start_hander(b), HANDER_READY);
	open_ledger(b);
	end = send_run(&b->o, b->error);
	hander_end(b->o.hander);
	return end;
}

static void
run_well(struct bench *b)
{
	enum send_end end = run(b);

	if (end != SEND_DONE)
		fail_msg("end %d, %s\n%s", (int)end, b->error, b->notes);
}

static struct report_row
plain_row(const char *domain, const char *record)
{
	struct report_row r = { .when = DAY * (int64_t)REPORT_DAY + 5,
		.count = 3,
		.policy_domain = span_str(domain),
		.record = span_str(record),
		.header_from = span_str(domain),
		.envelope_from = span_str(domain),
		.disposition = SPAN("none"),
		.dkim_aligned = true,
		.spf_domain = span_str(domain),
		.spf_scope = SPAN("mfrom"),
		.spf_result = SPAN("pass") };

	assert_true(ip_parse(SPAN("192.0.2.1"), &r.source));
	return r;
}

static void
add(struct bench *b, const struct report_row *r)
{
	assert_int_equal(ledger_add_row(b->ledger, r), LEDGER_OK);
}

static void
add_plain(struct bench *b, const char *domain, const char *record)
{
	struct report_row r = plain_row(domain, record);

	add(b, &r);
}

static void
has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in \"%s\"", part, text);
}

/* ---- one report ---- */

static void
test_form(void **state)
{
	struct bench *b = bench_open("");
	struct mailbag_mails *m;
	const struct mailbag_mail *one;
	char id[100], want[500];

	(void)state;
	add_plain(b, "example.com", RUA("mailto:d@example.com"));
	run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	m = mailbag_read(&b->bag);
	assert_int_equal(m->n, 1);
	one = &m->mail[0];
	assert_string_equal(
	    one->words, "-i -f dmarc@mx.example.org -- d@example.com");
	assert_string_equal(one->to, "d@example.com");
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(one->message_id + 1, "."),
	    one->message_id + 1);
	/* RFC 9990 section 3.5.2: date, and letters and digits alone */
	assert_memory_equal(id, "20241004", 8);
	assert_int_equal(strspn(id, "0123456789abcdef"), 40);
	snprintf(want, sizeof(want), "<%s.1@mx.example.org>", id);
	assert_string_equal(one->message_id, want);
	snprintf(want, sizeof(want),
	    "Report Domain: example.com Submitter: mx.example.org "
	    "Report-ID: <%s>",
	    id);
	assert_string_equal(one->subject, want);
	snprintf(want, sizeof(want),
	    "mx.example.org!example.com!1728000000!1728086399!%s.xml.gz", id);
	assert_string_equal(one->file_name, want);
	has(one->bytes, "\nAuto-Submitted: auto-generated\n");
	has(one->bytes, "\nMIME-Version: 1.0\n");
	has(one->bytes, "\nContent-Type: application/gzip;\n");
	has(one->bytes, "\nDate: Sat, 5 Oct 2024 12:00:00 +0000\n");
	snprintf(want, sizeof(want), "<report_id>%s</report_id>", id);
	has(one->xml, want);
	has(one->xml, "<begin>1728000000</begin>");
	has(one->xml, "<end>1728086399</end>");
	assert_int_equal(mailbag_messages(one), 3);
	mailbag_free(m);
	/* once */
	run_well(b);
	assert_int_equal(b->count[SEND_SENT], 0);
	bench_close(b);
}

static void
test_dry_run(void **state)
{
	struct bench *b = bench_open("");
	struct mailbag_mails *m;
	int64_t closed;

	(void)state;
	add_plain(
	    b, "example.com", RUA("mailto:d@example.com,mailto:e@example.com"));
	b->o.dry_run = true;
	for (int i = 0; i < 2; i++) {
		run_well(b);
		assert_int_equal(b->count[SEND_PLANNED], 2);
		assert_int_equal(b->count[SEND_SENT], 0);
		assert_int_equal(ledger_closed(b->ledger, &closed), LEDGER_OK);
		assert_int_equal(closed, -1);
	}
	m = mailbag_read(&b->bag);
	assert_int_equal(m->n, 0);
	mailbag_free(m);
	b->o.dry_run = false;
	run_well(b);
	assert_int_equal(b->count[SEND_SENT], 2);
	bench_close(b);
}

/* ---- to whom ---- */

static const struct {
	const char *name, *record, *note;
	uint64_t count;
	bool aligned, automatic;
	unsigned sent;
} neighbours[] = {
	{ "one aligned pass", RUA("mailto:d@d0.example"), "", 1, true, false,
	    1 },
	{ "volume", RUA("mailto:d@d1.example"), "", 10, false, false, 1 },
	{ "less", RUA("mailto:d@d2.example"), "few messages", 9, false, false,
	    0 },
	{ "machines alone", RUA("mailto:d@d3.example"), "machines alone", 99,
	    true, true, 0 },
	{ "nobody asks", "v=DMARC1; p=none", "no rua", 99, true, false, 0 },
	{ "a stranger", RUA("mailto:v@victim.example"), "refused", 99, true,
	    false, 0 },
	{ "one who agrees", RUA("mailto:v@service.example"), "", 99, true,
	    false, 1 },
	{ "DNS away", RUA("mailto:v@away.example"), "temperror", 99, true,
	    false, 0 },
	{ "no such scheme", RUA("https://d8.example/r"), "bad_uri", 99, true,
	    false, 0 },
};

static void
test_neighbours(void **state)
{
	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(neighbours); i++) {
		struct bench *b = bench_open(
		    "*._report._dmarc.service.example. 60 IN TXT v=DMARC1\n"
		    ";!failed _dmarc.away.example. TXT servfail\n");
		char domain[40];
		struct report_row r;

		snprintf(domain, sizeof(domain), "d%zu.example", i);
		r = plain_row(domain, neighbours[i].record);
		r.count = neighbours[i].count;
		r.dkim_aligned = neighbours[i].aligned;
		r.automatic = neighbours[i].automatic;
		add(b, &r);
		run(b);
		if (b->count[SEND_SENT] != neighbours[i].sent)
			fail_msg("%s: %s", neighbours[i].name, b->notes);
		has(b->notes, neighbours[i].note);
		bench_close(b);
	}
}

/* Section 4 step 5: tried again for some time, then without. */
static void
test_dns_away(void **state)
{
	struct bench *b =
	    bench_open(";!failed _dmarc.away.example. TXT servfail\n");

	(void)state;
	add_plain(b, "example.com",
	    RUA("mailto:v@away.example,mailto:d@example.com"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(run(b), SEND_LEFT);
		has(b->notes, "unknown example.com : mailto:v@away.example");
		assert_int_equal(b->count[SEND_SENT], 0);
	}
	b->o.now += SEND_DNS_PATIENCE;
	run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	has(b->notes, "sent example.com d@example.com");
	bench_close(b);
}

static void
test_cap(void **state)
{
	struct bench *b = bench_open(
	    "*._report._dmarc.service.example. 60 IN TXT v=DMARC1\n");
	char domain[40];

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		add_plain(b, domain, RUA("mailto:v@service.example"));
	}
	b->o.max_per_address = 2;
	for (unsigned left = 5; left > 0; left -= left < 2 ? left : 2) {
		assert_int_equal(run(b), left > 2 ? SEND_LEFT : SEND_DONE);
		assert_int_equal(b->count[SEND_SENT], left < 2 ? left : 2);
		b->o.now += REPORT_DAY;
	}
	bench_close(b);
}

static void
test_spread(void **state)
{
	struct bench *b = bench_open("");
	unsigned sent = 0, hours = 0;
	char domain[40], record[100];

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		snprintf(record, sizeof(record), RUA("mailto:d@%s"), domain);
		add_plain(b, domain, record);
	}
	b->o.spread = 8 * 3600;
	for (int hour = 0; hour <= 8; hour++) {
		b->o.now =
		    (DAY + 1) * (int64_t)REPORT_DAY + (int64_t)hour * 3600;
		assert_int_equal(run(b), hour < 8 ? SEND_LEFT : SEND_DONE);
		sent += b->count[SEND_SENT];
		hours += b->count[SEND_SENT] > 0;
	}
	assert_int_equal(sent, 40);
	assert_true(hours >= 6);
	/* another submitter has other moments, a named day none */
	bench_close(b);
}

static void
test_day_and_domain(void **state)
{
	struct bench *b = bench_open("");
	const struct span two = SPAN("two.example");
	struct report_row r =
	    plain_row("one.example", RUA("mailto:d@one.example"));

	(void)state;
	add(b, &r);
	add_plain(b, "two.example", RUA("mailto:d@two.example"));
	r.when = (DAY + 1) * (int64_t)REPORT_DAY;
	add(b, &r);
	b->o.spread = 20 * 3600;
	b->o.now = (DAY + 1) * (int64_t)REPORT_DAY;
	b->o.domains = &two;
	b->o.n_domains = 1;
	run_well(b);
	has(b->notes, "sent two.example");
	assert_int_equal(b->count[SEND_SENT], 1);
	b->o.n_domains = 0;
	b->o.day = DAY;
	run_well(b);
	has(b->notes, "sent one.example");
	assert_int_equal(b->count[SEND_SENT], 1);
	b->o.day = DAY + 1; /* not over */
	assert_int_equal(run(b), SEND_EARLY);
	bench_close(b);
}

/* ---- sendmail fails ---- */

static void
test_again(void **state)
{
	struct bench *b = bench_open("");
	struct mailbag_mails *m;

	(void)state;
	add_plain(b, "example.com", RUA("mailto:d@example.com"));
	mailbag_set_status(&b->bag, 75);
	assert_int_equal(run(b), SEND_LEFT);
	has(b->notes,
	    "waiting example.com d@example.com: sendmail ended with "
	    "status 75");
	assert_int_equal(run(b), SEND_DONE); /* not so soon */
	assert_int_equal(b->count[SEND_WAITING], 0);
	mailbag_set_status(&b->bag, 0);
	b->o.now += 900;
	b->o.max_rows = 1; /* what was planned stays */
	run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	m = mailbag_read(&b->bag);
	assert_int_equal(m->n, 2);
	/* the same in every byte, so also report id, Message-ID, file name */
	assert_int_equal(m->mail[0].size, m->mail[1].size);
	assert_memory_equal(
	    m->mail[0].bytes, m->mail[1].bytes, m->mail[0].size);
	mailbag_free(m);
	bench_close(b);
}

static void
test_never(void **state)
{
	struct bench *b = bench_open("");

	(void)state;
	add_plain(b, "example.com", RUA("mailto:d@example.com"));
	mailbag_set_status(&b->bag, 67);
	run_well(b);
	assert_int_equal(b->count[SEND_DROPPED], 1);
	run_well(b);
	assert_int_equal(b->count[SEND_DROPPED], 0);
	bench_close(b);
}

static void
test_out_of_order(void **state)
{
	struct bench *b = bench_open("");
	char domain[40], record[100];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		snprintf(record, sizeof(record), RUA("mailto:d@%s"), domain);
		add_plain(b, domain, record);
	}
	b->sendmail = "/nowhere/sendmail";
	assert_int_equal(run(b), SEND_FAULT);
	has(b->error, "sendmail fails again and again");
	assert_int_equal(b->count[SEND_WAITING], SEND_FAILURES_MAX);
	has(b->notes, "cannot be started: No such file");
	b->sendmail = b->bag.program;
	b->o.now += 4 * 3600;
	run_well(b);
	assert_int_equal(b->count[SEND_SENT], 20);
	/* given up at last */
	add_plain(b, "late.example", RUA("mailto:d@late.example"));
	bench_close(b);
}

static void
test_given_up(void **state)
{
	struct bench *b = bench_open("");

	(void)state;
	add_plain(b, "example.com", RUA("mailto:d@example.com"));
	b->sendmail = "/nowhere/sendmail";
	for (int i = 0; i < 40 && b->count[SEND_DROPPED] == 0; i++) {
		run(b);
		b->o.now += REPORT_DAY / 4;
	}
	has(b->notes, "dropped example.com d@example.com: given up");
	bench_close(b);
}

static void
test_handover_time(void **state)
{
	char memory[200];
	struct buf note = buf_over(memory, sizeof(memory));
	struct mailbag bag;
	struct handover h = { .from = "a@b.example",
		.to = "c@d.example",
		.mail = STDIN_FILENO,
		.seconds = 1 };
	FILE *f;

	(void)state;
	mailbag_open(&bag);
	f = fopen(bag.program, "w");
	assert_non_null(f);
	fputs("#!/bin/sh\nsleep 30 & wait\n", f);
	fclose(f);
	h.program = bag.program;
	time_t before = time(NULL);

	assert_int_equal(handover(&h, &note), HANDOVER_LATER);
	assert_true(time(NULL) - before < 10);
	has(note.p, "did not end in 1 s");
	mailbag_close(&bag);
}

/* ---- large ones ---- */

/* `n` rows that do not compress well, with counts 1, 2, ... */
static uint64_t
add_many(struct bench *b, unsigned n)
{
	struct report_row r =
	    plain_row("example.com", RUA("mailto:d@example.com"));
	uint32_t seed = 7;
	uint64_t sum = 0;
	char name[100];

	assert_int_equal(ledger_begin(b->ledger), LEDGER_OK);
	for (unsigned i = 0; i < n; i++) {
		size_t k = 0;

		for (; k < 60; k++) {
			seed = seed * 1664525 + 1013904223;
			name[k] = (char)('a' + (seed >> 24) % 26);
		}
		snprintf(name + k, sizeof(name) - k, "%u.example.com", i);
		name[30] = '.';
		r.envelope_from = span_str(name);
		r.count = i + 1;
		r.dkim_aligned = i % 2 == 0;
		r.spf_aligned = i % 3 == 0;
		r.disposition = r.dkim_aligned || r.spf_aligned
		    ? SPAN("none")
		    : SPAN("reject");
		sum += r.count;
		add(b, &r);
	}
	assert_int_equal(ledger_end(b->ledger, true), LEDGER_OK);
	return sum;
}

static void
test_split(void **state)
{
	struct bench *b = bench_open("");
	uint64_t want = add_many(b, 9000), sum = 0, rows = 0;
	struct mailbag_mails *m;

	(void)state;
	b->o.max_size = 512 << 10;
	run_well(b);
	m = mailbag_read(&b->bag);
	assert_true(m->n > 1);
	for (size_t i = 0; i < m->n; i++) {
		char part[100];

		assert_true(m->mail[i].size < b->o.max_size);
		sum += mailbag_messages(&m->mail[i]);
		rows += mailbag_occurs(&m->mail[i], "<record>");
		snprintf(part, sizeof(part), " of %zu, each", m->n);
		has(m->mail[i].bytes, part);
		/* ids and names are all different */
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(
			    m->mail[i].subject, m->mail[k].subject);
			assert_string_not_equal(
			    m->mail[i].file_name, m->mail[k].file_name);
		}
	}
	assert_int_equal(sum, want);
	assert_int_equal(rows, 9000);
	mailbag_free(m);
	bench_close(b);
}

static void
test_summed(void **state)
{
	struct bench *b = bench_open("");
	uint64_t want = add_many(b, 300);
	struct mailbag_mails *m;
	const struct mailbag_mail *one;

	(void)state;
	b->o.max_rows = 100;
	run_well(b);
	m = mailbag_read(&b->bag);
	assert_int_equal(m->n, 1);
	one = &m->mail[0];
	assert_int_equal(mailbag_messages(one), want);
	/* none with and without alignment (3), reject without */
	assert_int_equal(mailbag_occurs(one, "<record>"), 104);
	assert_int_equal(mailbag_occurs(one, ">0.0.0.0<"), 4);
	assert_int_equal(
	    mailbag_occurs(one, "sum of messages of 200 further"), 4);
	/* those with most messages are told singly */
	assert_int_equal(mailbag_occurs(one, "<count>300</count>"), 1);
	assert_int_equal(mailbag_occurs(one, "<count>201</count>"), 1);
	assert_int_equal(mailbag_occurs(one, "<count>200</count>"), 0);
	mailbag_free(m);
	bench_close(b);
}

/* ---- bounces ---- */

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
	add_plain(b, "example.com", RUA("mailto:d@example.com"));
	run_well(b);
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
	    plain_row("example.com", RUA("mailto:d@example.com"));

	r.when += REPORT_DAY;
	add(b, &r);
	b->o.now += REPORT_DAY;
	run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	/* ours, in both forms of a returned mail */
	assert_int_equal(
	    feed(b, "failed", "text/rfc822-headers", id, BOUNCE_OURS),
	    LEDGER_OK);
	assert_int_equal(
	    feed(b, "failed", "message/rfc822", id, BOUNCE_OURS), LEDGER_OK);
	r.when += REPORT_DAY;
	add(b, &r);
	b->o.now += REPORT_DAY;
	run_well(b);
	assert_int_equal(b->count[SEND_SENT], 0);
	has(b->notes, "mail to it comes back");
	/* and after the pause it is tried again */
	b->o.now += b->o.bounce_pause;
	r.when = b->o.now - REPORT_DAY;
	add(b, &r);
	run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	bench_close(b);
}

/* Whatever it is, it is read to an end. */
static void
test_bounce_hostile(void **state)
{
	struct bounce bounce;
	char *deep = calloc(1, BOUNCE_MESSAGE_MAX);
	struct buf b = buf_over(deep, BOUNCE_MESSAGE_MAX);

	(void)state;
	assert_non_null(deep);
	bounce_read(SPAN(""), &bounce);
	assert_int_equal(bounce.code, BOUNCE_OTHER);
	for (int i = 0; !b.full; i++)
		buf_printf(&b,
		    "Content-Type: multipart/report; boundary=b%d\n\n--b%d\n",
		    i, i);
	bounce_read(buf_done(&b), &bounce);
	assert_int_equal(bounce.code, BOUNCE_OTHER);
	buf_cut(&b, 0);
	b.full = false;
	while (!b.full)
		buf_text(&b, "Content-Type: message/rfc822\n\n");
	bounce_read(buf_done(&b), &bounce);
	assert_int_equal(bounce.code, BOUNCE_OTHER);
	free(deep);
}

/* ---- killed, and at once ---- */

/* In a child of its own, as avouch is. */
static pid_t
start(struct bench *b)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	/* its own connections, and no words of a failed test */
	b->o.tell = NULL;
	char error[SQL_ERROR_MAX];
	enum send_end end = SEND_FAULT;

	if (start_hander(b) == HANDER_BUSY)
		_exit(BUSY);
	b->o.ledger = open_again(b->store, error);
	if (b->o.ledger != NULL && b->o.hander != NULL)
		end = send_run(&b->o, b->error);
	hander_end(b->o.hander);
	_exit((int)end);
}

static void
pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Ends what it is said to end with; -1: was killed. */
static int
end_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum { KILLS = 20, KILL_DOMAINS = 200, KILL_DELIVERIES = 2 * KILL_DOMAINS };

/* Every mail exactly once. */
static void
check_mails(const struct mailbag *bag)
{
	struct mailbag_mails *m = mailbag_read(bag);

	for (size_t i = 1; i < m->n; i++)
		assert_string_not_equal(
		    m->mail[i].message_id, m->mail[i - 1].message_id);
	assert_int_equal(m->n, KILL_DELIVERIES);
	mailbag_free(m);
}

static void
test_killed(void **state)
{
	struct bench *b = bench_open("");
	int kills = 0;
	char domain[40], record[200];

	(void)state;
	for (int i = 0; i < KILL_DOMAINS; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		snprintf(record, sizeof(record), RUA("mailto:d@%s,mailto:e@%s"),
		    domain, domain);
		add_plain(b, domain, record);
	}
	ledger_close(b->ledger);
	srandom((unsigned)time(NULL));
	while (kills < KILLS) {
		pid_t pid = start(b);

		pause_ms(random() % 60);
		kill(pid, SIGKILL);
		kills += end_of(pid) < 0;
		/* it was in the middle of it */
		assert_true(mailbag_count(&b->bag) < KILL_DELIVERIES);
	}
	int end = end_of(start(b));

	assert_int_equal(end, SEND_DONE);
	check_mails(&b->bag);
	/* and it stays so */
	assert_int_equal(end_of(start(b)), SEND_DONE);
	check_mails(&b->bag);
	open_ledger(b);
	bench_close(b);
}

static bool
keep_delivery(void *arg, const struct ledger_delivery *d)
{
	struct ledger_delivery *out = arg;

	out->id = d->id;
	return true;
}

/*
 * The helper dies too: what was at hand is handed over again, and is the same
 * in every byte.
 */
static void
test_all_killed(void **state)
{
	struct bench *b = bench_open("");
	struct mailbag_mails *m;
	struct ledger_want want = { .day = -1, .states = 1u << LEDGER_HANDING };
	struct ledger_delivery d = { .id = 0 };

	(void)state;
	add_plain(b, "example.com", RUA("mailto:d@example.com"));
	run_well(b);
	/* as it is when sendmail has ended and nobody noted it */
	assert_true(sql_run(ledger_sql(b->ledger),
	    "UPDATE delivery SET state = 1, attempts = 1"));
	assert_int_equal(
	    ledger_each_delivery(b->ledger, &want, keep_delivery, &d),
	    LEDGER_OK);
	assert_int_equal(d.id, 1);
	b->o.now += 3600;
	run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	m = mailbag_read(&b->bag);
	assert_int_equal(m->n, 2);
	assert_int_equal(m->mail[0].size, m->mail[1].size);
	assert_memory_equal(
	    m->mail[0].bytes, m->mail[1].bytes, m->mail[0].size);
	mailbag_free(m);
	bench_close(b);
}

/* Two at once: one is told so. */
static void
test_busy(void **state)
{
	struct bench *b = bench_open("");

	(void)state;
	ledger_close(b->ledger);
	assert_int_equal(start_hander(b), HANDER_READY);
	struct hander *first = b->o.hander;

	assert_int_equal(end_of(start(b)), BUSY);
	hander_end(first);
	open_ledger(b);
	bench_close(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_dns_away),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_day_and_domain),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_handover_time),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_summed),
		cmocka_unit_test(test_bounce),
		cmocka_unit_test(test_bounce_hostile),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_all_killed),
		cmocka_unit_test(test_busy),
	};

	return cmocka_run_group_tests_name("send", tests, NULL, NULL);
}
