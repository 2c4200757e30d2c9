/*
 * send_test.c - which reports are sent, and to whom (RFC 9990 sections 3.5 and
 * 4).
 */
#include "report/send/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dmarc/record.h"
#include "lib/enum_names.h"
#include "report/send/internal.h"
#include "tests/support/fake_sendmail.h"
#include "tests/support/send_fixture.h"

/* ---- one report ---- */

static void
test_form(void **state)
{
	struct bench *b = bench_open("");
	struct mailbag_mails *m;
	const struct mailbag_mail *one;
	const char *proof;
	char id[100], want[500];

	(void)state;
	bench_add_plain(b, "example.com", RUA("mailto:d@example.com"));
	bench_run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	m = mailbag_read(&b->bag);
	assert_int_equal(m->n, 1);
	one = &m->mail[0];
	assert_string_equal(
	    one->words, "-i -f dmarc@mx.example.org -- d@example.com");
	assert_string_equal(one->to, "d@example.com");
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(one->message_id + 1, "."),
	    one->message_id + 1);
	/* RFC 9990 section 3.5.2: the id has only letters and digits; our
	 * ids begin with the date */
	assert_memory_equal(id, "20241004", 8);
	assert_int_equal(strspn(id, "0123456789abcdef"), 40);
	/* then the proof, and the number of the delivery */
	proof = one->message_id + 1 + strlen(id) + 1;
	snprintf(want, sizeof(want), "<%s.%.*s.1@mx.example.org>", id,
	    (int)strspn(proof, "0123456789"), proof);
	assert_string_equal(one->message_id, want);
	snprintf(want, sizeof(want),
	    "Report Domain: example.com Submitter: mx.example.org "
	    "Report-ID: <%s>",
	    id);
	assert_string_equal(one->subject, want);
	snprintf(want, sizeof(want),
	    "mx.example.org!example.com!1728000000!1728086399!%s.xml.gz", id);
	assert_string_equal(one->file_name, want);
	bench_has(one->bytes, "\nAuto-Submitted: auto-generated\n");
	bench_has(one->bytes, "\nMIME-Version: 1.0\n");
	bench_has(one->bytes, "\nContent-Type: application/gzip;\n");
	bench_has(one->bytes, "\nDate: Sat, 5 Oct 2024 12:00:00 +0000\n");
	snprintf(want, sizeof(want), "<report_id>%s</report_id>", id);
	bench_has(one->xml, want);
	bench_has(one->xml, "<begin>1728000000</begin>");
	bench_has(one->xml, "<end>1728086399</end>");
	assert_int_equal(mailbag_messages(one), 3);
	mailbag_free(m);
	/* the report is sent only once */
	bench_run_well(b);
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
	bench_add_plain(
	    b, "example.com", RUA("mailto:d@example.com,mailto:e@example.com"));
	b->o.dry_run = true;
	for (int i = 0; i < 2; i++) {
		bench_run_well(b);
		assert_int_equal(b->count[SEND_PLANNED], 2);
		assert_int_equal(b->count[SEND_SENT], 0);
		assert_int_equal(ledger_closed(b->ledger, &closed), LEDGER_OK);
		assert_int_equal(closed, -1);
	}
	m = mailbag_read(&b->bag);
	assert_int_equal(m->n, 0);
	mailbag_free(m);
	b->o.dry_run = false;
	bench_run_well(b);
	assert_int_equal(b->count[SEND_SENT], 2);
	bench_close(b);
}

/* ---- recipients ---- */

static const struct {
	const char *name, *record, *note;
	uint64_t count;
	bool aligned, automatic;
	unsigned sent;
} neighbours[] = {
	{ .name = "one aligned pass",
	    .record = RUA("mailto:d@d0.example"),
	    .note = "",
	    .count = 1,
	    .aligned = true,
	    .sent = 1 },
	{ .name = "one forged message",
	    .record = RUA("mailto:d@d1.example"),
	    .note = "",
	    .count = 1,
	    .sent = 1 },
	{ .name = "only automatic mail",
	    .record = RUA("mailto:d@d2.example"),
	    .note = "only automatic mail",
	    .count = 99,
	    .aligned = true,
	    .automatic = true },
	{ .name = "no reports requested",
	    .record = "v=DMARC1; p=none",
	    .note = "no rua",
	    .count = 99,
	    .aligned = true },
	{ .name = "an external address that does not agree",
	    .record = RUA("mailto:v@victim.example"),
	    .note = "refused",
	    .count = 99,
	    .aligned = true },
	{ .name = "an external address that agrees",
	    .record = RUA("mailto:v@service.example"),
	    .note = "",
	    .count = 99,
	    .aligned = true,
	    .sent = 1 },
	{ .name = "DNS fails",
	    .record = RUA("mailto:v@away.example"),
	    .note = "temperror",
	    .count = 99,
	    .aligned = true },
	{ .name = "an unsupported scheme",
	    .record = RUA("https://d7.example/r"),
	    .note = "bad_uri",
	    .count = 99,
	    .aligned = true },
	{ .name = "one of two agrees",
	    .record = RUA("mailto:d@d8.example,mailto:v@victim.example"),
	    .note = "planned d8.example d@d8.example: mailto:v@victim.example "
		    "refused",
	    .count = 99,
	    .aligned = true,
	    .sent = 1 },
};

static void
test_neighbours(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(neighbours); i++) {
		struct bench *b = bench_open(
		    "*._report._dmarc.service.example. 60 IN TXT v=DMARC1\n"
		    ";!failed _dmarc.away.example. TXT servfail\n");
		char domain[40];
		struct report_row r;

		snprintf(domain, sizeof(domain), "d%zu.example", i);
		r = bench_row(domain, neighbours[i].record);
		r.count = neighbours[i].count;
		r.dkim_aligned = neighbours[i].aligned;
		r.automatic = neighbours[i].automatic;
		bench_add(b, &r);
		bench_run(b);
		if (b->count[SEND_SENT] != neighbours[i].sent)
			fail_msg("%s: %s", neighbours[i].name, b->notes);
		bench_has(b->notes, neighbours[i].note);
		bench_close(b);
	}
}

/* Section 4 step 5: the authorization query is retried for some time before the
 * report is sent only to the other addresses. */
static void
test_dns_away(void **state)
{
	struct bench *b =
	    bench_open(";!failed _dmarc.away.example. TXT servfail\n");

	(void)state;
	bench_add_plain(b, "example.com",
	    RUA("mailto:v@away.example,mailto:d@example.com"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(bench_run(b), SEND_LEFT);
		bench_has(
		    b->notes, "unknown example.com : mailto:v@away.example");
		assert_int_equal(b->count[SEND_SENT], 0);
	}
	b->o.now += SEND_DNS_PATIENCE;
	bench_run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	bench_has(b->notes, "sent example.com d@example.com");
	bench_close(b);
}

/* Domains of one owner whose DNS does not answer: the run asks about a few of
 * them, and still sends what is due to others. */
static void
test_silent_owner(void **state)
{
	struct bench *b =
	    bench_open(";!failed _dmarc.away.example. TXT servfail\n");
	char domain[40];

	(void)state;
	for (int i = 0; i < 3 * SEND_SILENT_MAX; i++) {
		snprintf(domain, sizeof(domain), "d%d.silent.example", i);
		bench_add_plain(b, domain, RUA("mailto:v@away.example"));
	}
	bench_add_plain(b, "z.example", RUA("mailto:d@z.example"));
	assert_int_equal(bench_run(b), SEND_LEFT);
	assert_int_equal(b->count[SEND_UNKNOWN], 3 * SEND_SILENT_MAX);
	assert_int_equal(b->count[SEND_SENT], 1);
	bench_has(b->notes, "sent z.example");
	bench_has(b->notes,
	    "unknown d9.silent.example : the DNS servers for "
	    "other domains of this owner do not answer");
	bench_close(b);
}

/* More deliveries that must wait than fit into a list: they do not delay the
 * one after them. */
static void
test_many_waiting(void **state)
{
	enum { WAITING = SEND_LIST_MEMORY / DMARC_RECORD_MAX };
	struct bench *b = bench_open(
	    "*._report._dmarc.service.example. 60 IN TXT v=DMARC1\n");
	char domain[40], record[DMARC_RECORD_MAX];

	(void)state;
	snprintf(record, sizeof(record), RUA("mailto:v@service.example; x=%*d"),
	    DMARC_RECORD_MAX - 60, 1);
	assert_int_equal(ledger_begin(b->ledger), LEDGER_OK);
	for (int i = 0; i < WAITING; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		bench_add_plain(b, domain, record);
	}
	bench_add_plain(b, "z.example", RUA("mailto:d@z.example"));
	assert_int_equal(ledger_end(b->ledger, true), LEDGER_OK);
	b->o.max_per_address = 1;
	assert_int_equal(bench_run(b), SEND_LEFT);
	assert_int_equal(b->count[SEND_WAITING], WAITING - 1);
	assert_int_equal(b->count[SEND_SENT], 2);
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
		bench_add_plain(b, domain, RUA("mailto:v@service.example"));
	}
	b->o.max_per_address = 2;
	for (unsigned left = 5; left > 0; left -= left < 2 ? left : 2) {
		assert_int_equal(
		    bench_run(b), left > 2 ? SEND_LEFT : SEND_DONE);
		assert_int_equal(b->count[SEND_SENT], left < 2 ? left : 2);
		/* allow for deliveries that take seconds on a slow machine */
		b->o.now += DATE_DAY + 1000;
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
		bench_add_plain(b, domain, record);
	}
	for (int hour = 0; hour <= 8; hour++) {
		b->o.now = (DAY + 1) * (int64_t)DATE_DAY + (int64_t)hour * 3600;
		assert_int_equal(
		    bench_run(b), hour < 8 ? SEND_LEFT : SEND_DONE);
		sent += b->count[SEND_SENT];
		hours += b->count[SEND_SENT] > 0;
	}
	assert_int_equal(sent, 40);
	assert_true(hours >= 6);
	bench_close(b);
}

static void
test_day_and_domain(void **state)
{
	struct bench *b = bench_open("");
	const struct span two = SPAN("two.example");
	struct report_row r =
	    bench_row("one.example", RUA("mailto:d@one.example"));

	(void)state;
	bench_add(b, &r);
	bench_add_plain(b, "two.example", RUA("mailto:d@two.example"));
	r.when = (DAY + 1) * (int64_t)DATE_DAY;
	bench_add(b, &r);
	b->o.now = (DAY + 1) * (int64_t)DATE_DAY;
	b->o.domains = &two;
	b->o.n_domains = 1;
	bench_run_well(b);
	bench_has(b->notes, "sent two.example");
	assert_int_equal(b->count[SEND_SENT], 1);
	b->o.n_domains = 0;
	b->o.day = DAY;
	bench_run_well(b);
	bench_has(b->notes, "sent one.example");
	assert_int_equal(b->count[SEND_SENT], 1);
	b->o.day = DAY + 1; /* not ended */
	assert_int_equal(bench_run(b), SEND_EARLY);
	bench_close(b);
}

/* ---- large reports ---- */

/* Adds `n` rows that do not compress well, with counts 1, 2, ... */
static uint64_t
add_many(struct bench *b, unsigned n)
{
	struct report_row r =
	    bench_row("example.com", RUA("mailto:d@example.com"));
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
		bench_add(b, &r);
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
	bench_run_well(b);
	m = mailbag_read(&b->bag);
	assert_true(m->n > 1);
	for (size_t i = 0; i < m->n; i++) {
		char part[100];

		assert_true(m->mail[i].size < b->o.max_size);
		sum += mailbag_messages(&m->mail[i]);
		rows += mailbag_occurs(&m->mail[i], "<record>");
		snprintf(part, sizeof(part), " of %zu; each", m->n);
		bench_has(m->mail[i].bytes, part);
		/* subjects, which contain the ids, and file names are all
		 * different */
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
	bench_run_well(b);
	m = mailbag_read(&b->bag);
	assert_int_equal(m->n, 1);
	one = &m->mail[0];
	assert_int_equal(mailbag_messages(one), want);
	/* three sums with "none", one for each kind of alignment, and one with
	 * "reject" */
	assert_int_equal(mailbag_occurs(one, "<record>"), 104);
	assert_int_equal(mailbag_occurs(one, ">0.0.0.0<"), 4);
	assert_int_equal(
	    mailbag_occurs(one, "sum of messages in 200 further"), 4);
	/* the rows with the most messages are listed individually */
	assert_int_equal(mailbag_occurs(one, "<count>300</count>"), 1);
	assert_int_equal(mailbag_occurs(one, "<count>201</count>"), 1);
	assert_int_equal(mailbag_occurs(one, "<count>200</count>"), 0);
	mailbag_free(m);
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
		cmocka_unit_test(test_silent_owner),
		cmocka_unit_test(test_many_waiting),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_day_and_domain),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_summed),
	};

	return cmocka_run_group_tests_name("send", tests, NULL, NULL);
}
