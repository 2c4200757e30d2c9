#include "tests/support/send_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/query_fixture.h"
#include "tests/support/core_driver.h"

static void
note_send_event(void *arg, const struct send_event *e)
{
	struct bench *b = arg;
	size_t n = strlen(b->notes);

	b->count[e->kind]++;
	snprintf(b->notes + n, sizeof(b->notes) - n, "%s %.*s %.*s: %.*s\n",
	    send_kind_name(e->kind), SPAN_FMT(e->domain),
	    SPAN_FMT(e->destination), SPAN_FMT(e->note));
}

void
bench_open_ledger(struct bench *b)
{
	char error[SQL_ERROR_MAX] = "";

	b->ledger = ledger_open_file(b->store, SQLITE_FOR_COMMAND, error);
	if (b->ledger == NULL)
		fail_msg("%s", error);
	b->o.ledger = b->ledger;
}

struct bench *
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
		.max_per_address = 1000,
		.max_rows = 10000,
		.max_size = 10 << 20,
		.bounce_pause = 30 * DATE_DAY,
		.on_event = note_send_event,
		.arg = b,
	};
	b->sendmail = b->bag.program;
	bench_open_ledger(b);
	return b;
}

void
bench_close(struct bench *b)
{
	ledger_close(b->ledger);
	b->dns->close(b->dns);
	mailbag_close(&b->bag);
	free(b);
}

struct ledger *
bench_open_again(const void *arg, char *error)
{
	return ledger_open_file(arg, SQLITE_FOR_COMMAND, error);
}

enum worker_state
bench_start_worker(struct bench *b)
{
	struct worker_options o = { .open = bench_open_again,
		.arg = b->store,
		.program = b->sendmail,
		.from = "dmarc@mx.example.org",
		.seconds = 20 };
	char error[SQL_ERROR_MAX];

	return worker_start(&o, &b->o.worker, error);
}

enum send_end
bench_run(struct bench *b)
{
	enum send_end end;

	memset(b->count, 0, sizeof(b->count));
	b->notes[0] = b->error[0] = '\0';
	ledger_close(b->ledger);
	assert_int_equal(bench_start_worker(b), WORKER_READY);
	bench_open_ledger(b);
	end = send_run(&b->o, b->error);
	worker_end(b->o.worker);
	return end;
}

void
bench_run_well(struct bench *b)
{
	enum send_end end = bench_run(b);

	if (end != SEND_DONE)
		fail_msg("end %d, %s\n%s", (int)end, b->error, b->notes);
}

struct report_row
bench_row(const char *domain, const char *record)
{
	struct report_row r = { .when = DAY * (int64_t)DATE_DAY + 5,
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

void
bench_add(struct bench *b, const struct report_row *r)
{
	assert_int_equal(ledgers_add_row(b->ledger, r), LEDGER_OK);
}

void
bench_add_plain(struct bench *b, const char *domain, const char *record)
{
	struct report_row r = bench_row(domain, record);

	bench_add(b, &r);
}

void
bench_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in \"%s\"", part, text);
}
