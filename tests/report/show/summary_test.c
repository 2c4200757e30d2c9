/*
 * summary_test.c - the advice for a domain, and the sums that it is based on
 */
#include "report/show/summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/cmocka_compat.h"
#include "tests/support/sample_rows.h"

enum { CAP = VIEW_MEMORY, TODAY = 20500 };

/* ---- a domain ---- */

/* Messages of one day. */
struct day {
	uint64_t good, spf, broken, forwarded, unaligned, fixed, spoofed, below;
};

/* A situation: the same mail on each of `days` days up to TODAY - `ago`, and
 * different mail on the last `late_days` of them. */
static const struct {
	const char *name, *p, *sp, *testing;
	unsigned days, ago;
	struct day day;
	unsigned late_days;
	struct day late;
	enum view_recommendation want;
} situations[] = {
	{ .name = "parked, p=none",
	    .p = "none",
	    .days = 10,
	    .day = { .spoofed = 50 },
	    .want = VIEW_PARKED },
	{ .name = "parked, p=none, some spoofers authenticate as their own "
		  "domain",
	    .p = "none",
	    .days = 10,
	    .day = { .spoofed = 50, .unaligned = 5 },
	    .want = VIEW_PARKED },
	{ .name = "parked, little spoofed mail",
	    .p = "quarantine",
	    .days = 5,
	    .day = { .spoofed = 2 },
	    .want = VIEW_PARKED },
	{ .name = "parked, p=reject",
	    .p = "reject",
	    .days = 10,
	    .day = { .spoofed = 50 },
	    .want = VIEW_PARKED_DONE },
	{ .name = "parked, p=reject only being tested",
	    .p = "reject",
	    .testing = "y",
	    .days = 10,
	    .day = { .spoofed = 50 },
	    .want = VIEW_PARKED },
	{ .name = "nothing passes, but lists forward mail with its signature",
	    .p = "none",
	    .days = 10,
	    .day = { .spoofed = 50, .forwarded = 5 },
	    .want = VIEW_FIX_FIRST },
	{ .name = "nothing passes, all sent through one ESP",
	    .p = "none",
	    .days = 10,
	    .day = { .unaligned = 50 },
	    .want = VIEW_FIX_FIRST },
	{ .name = "reports stopped",
	    .p = "none",
	    .days = 15,
	    .ago = 12,
	    .day = { .good = 500 },
	    .want = VIEW_SILENT },
	{ .name = "p=reject and own mail fails",
	    .p = "reject",
	    .days = 10,
	    .day = { .good = 980, .unaligned = 20 },
	    .want = VIEW_LOSING },
	{ .name = "p=quarantine and own mail fails",
	    .p = "quarantine",
	    .days = 10,
	    .day = { .good = 980, .unaligned = 20 },
	    .want = VIEW_LOSING },
	{ .name = "p=reject and own mail has failed for two days",
	    .p = "reject",
	    .days = 20,
	    .day = { .good = 900, .fixed = 100 },
	    .late_days = 2,
	    .late = { .good = 900, .unaligned = 100 },
	    .want = VIEW_LOSING },
	{ .name = "one message at p=reject",
	    .p = "reject",
	    .days = 10,
	    .day = { .good = 20 },
	    .late_days = 1,
	    .late = { .good = 20, .unaligned = 1 },
	    .want = VIEW_DONE },
	{ .name = "little mail",
	    .p = "none",
	    .days = 30,
	    .day = { .good = 3 },
	    .want = VIEW_TOO_LITTLE },
	{ .name = "one day",
	    .p = "none",
	    .days = 1,
	    .day = { .good = 3000 },
	    .want = VIEW_TOO_LITTLE },
	{ .name = "one in a hundred fails",
	    .p = "none",
	    .days = 10,
	    .day = { .good = 990, .unaligned = 10 },
	    .want = VIEW_TO_QUARANTINE },
	{ .name = "more than one in a hundred fails",
	    .p = "none",
	    .days = 10,
	    .day = { .good = 980, .unaligned = 20 },
	    .want = VIEW_FIX_FIRST },
	{ .name = "little mail, and one a day fails",
	    .p = "none",
	    .days = 9,
	    .day = { .good = 11, .unaligned = 1 },
	    .want = VIEW_FIX_FIRST },
	{ .name = "more than one in a hundred fails, testing",
	    .p = "reject",
	    .testing = "y",
	    .days = 10,
	    .day = { .good = 980, .unaligned = 20 },
	    .want = VIEW_FIX_FIRST },
	{ .name = "it failed for weeks, and was fixed three days ago",
	    .p = "none",
	    .days = 20,
	    .day = { .good = 900, .unaligned = 100 },
	    .late_days = 3,
	    .late = { .good = 900, .fixed = 100 },
	    .want = VIEW_TO_QUARANTINE },
	{ .name = "it was fixed yesterday: too early",
	    .p = "none",
	    .days = 20,
	    .day = { .good = 900, .unaligned = 100 },
	    .late_days = 1,
	    .late = { .good = 900, .fixed = 100 },
	    .want = VIEW_FIX_FIRST },
	{ .name = "it failed before the last week, and no longer sends",
	    .p = "none",
	    .days = 25,
	    .day = { .good = 900, .unaligned = 100 },
	    .late_days = 8,
	    .late = { .good = 900 },
	    .want = VIEW_TO_QUARANTINE },
	{ .name = "a new sender fails",
	    .p = "none",
	    .days = 20,
	    .day = { .good = 900 },
	    .late_days = 3,
	    .late = { .good = 900, .unaligned = 100 },
	    .want = VIEW_NEW_SENDER },
	{ .name = "almost none of it is the owner's",
	    .p = "none",
	    .days = 10,
	    .day = { .good = 40, .spoofed = 5000 },
	    .want = VIEW_MOSTLY_SPOOFED },
	{ .name = "almost none of it is the owner's, p=reject",
	    .p = "reject",
	    .days = 10,
	    .day = { .good = 40, .spoofed = 5000 },
	    .want = VIEW_DONE },
	{ .name = "no problems, ready for quarantine",
	    .p = "none",
	    .days = 10,
	    .day = { .good = 990, .spoofed = 500 },
	    .want = VIEW_TO_QUARANTINE },
	{ .name = "no report contains the policy",
	    .p = "",
	    .days = 10,
	    .day = { .good = 990 },
	    .want = VIEW_TO_QUARANTINE },
	{ .name = "only forwarded mail fails",
	    .p = "none",
	    .days = 10,
	    .day = { .good = 900, .forwarded = 100 },
	    .want = VIEW_TO_QUARANTINE },
	{ .name = "half of it is not signed",
	    .p = "none",
	    .days = 10,
	    .day = { .good = 500, .spf = 500 },
	    .want = VIEW_SIGN_FIRST },
	{ .name = "half of it is signed, and the signature is broken",
	    .p = "quarantine",
	    .days = 10,
	    .day = { .good = 500, .broken = 500 },
	    .want = VIEW_SIGN_FIRST },
	{ .name = "quarantine, no problems",
	    .p = "quarantine",
	    .days = 10,
	    .day = { .good = 990, .spf = 10 },
	    .want = VIEW_TO_REJECT },
	{ .name = "quarantine, lists",
	    .p = "quarantine",
	    .days = 10,
	    .day = { .good = 900, .forwarded = 100 },
	    .want = VIEW_STAY },
	{ .name = "quarantine, subdomains are unprotected",
	    .p = "quarantine",
	    .sp = "none",
	    .days = 10,
	    .day = { .good = 900, .below = 10 },
	    .want = VIEW_SUBDOMAINS },
	{ .name = "quarantine, subdomains are unprotected but unused",
	    .p = "quarantine",
	    .sp = "none",
	    .days = 10,
	    .day = { .good = 900 },
	    .want = VIEW_TO_REJECT },
	{ .name = "reject, no problems",
	    .p = "reject",
	    .days = 10,
	    .day = { .good = 990, .spoofed = 100 },
	    .want = VIEW_DONE },
	{ .name = "reject, lists",
	    .p = "reject",
	    .days = 10,
	    .day = { .good = 900, .forwarded = 100 },
	    .want = VIEW_LOSES_FORWARDED },
	{ .name = "testing, no problems",
	    .p = "reject",
	    .testing = "y",
	    .days = 10,
	    .day = { .good = 990 },
	    .want = VIEW_END_TESTING },
};

static void
add(struct ledger *l, const char *address, uint64_t count, struct report_row r)
{
	if (count == 0)
		return;
	r.count = count;
	if (r.header_from.p == NULL)
		r.header_from = SPAN("example.com");
	r.disposition = SPAN("none");
	assert_true(ip_parse(span_str(address), &r.source));
	assert_int_equal(ledger_add_received_row(l, &r), LEDGER_OK);
}

static void
add_rows(struct ledger *l, const struct day *of)
{
	add(l, "192.0.2.1", of->good,
	    (struct report_row){ .dkim_aligned = true,
		.dkim = { { SPAN("example.com"), SPAN("s"), SPAN("pass") } },
		.n_dkim = 1 });
	add(l, "192.0.2.2", of->spf,
	    (struct report_row){ .spf_aligned = true,
		.spf_domain = SPAN("example.com"),
		.spf_result = SPAN("pass") });
	add(l, "192.0.2.6", of->broken,
	    (struct report_row){ .spf_aligned = true,
		.spf_domain = SPAN("example.com"),
		.spf_result = SPAN("pass"),
		.dkim = { { SPAN("example.com"), SPAN("s"), SPAN("fail") } },
		.n_dkim = 1 });
	add(l, "198.51.100.3", of->forwarded,
	    (struct report_row){ .override = SPAN("forwarded") });
	add(l, "198.51.100.4", of->unaligned,
	    (struct report_row){ .spf_domain = SPAN("b.esp.example"),
		.spf_result = SPAN("pass") });
	add(l, "198.51.100.5", of->fixed,
	    (struct report_row){ .dkim_aligned = true,
		.spf_domain = SPAN("c.esp.example"),
		.spf_result = SPAN("pass"),
		.dkim = { { SPAN("example.com"), SPAN("e"), SPAN("pass") } },
		.n_dkim = 1 });
	add(l, "203.0.113.5", of->spoofed,
	    (struct report_row){ .spf_result = SPAN("fail") });
	add(l, "203.0.113.6", of->below,
	    (struct report_row){ .spf_result = SPAN("fail"),
		.header_from = SPAN("pay.example.com") });
}

static void
add_report(struct ledger *l, const char *domain,
    const struct ledger_received *p, int64_t day, const struct day *of)
{
	char memory[24];
	struct buf id = buf_wrap(memory, sizeof(memory));
	struct ledger_received r = *p;
	bool replaces;

	buf_number(&id, (uint64_t)day);
	r.organisation = SPAN("o");
	r.email = r.contact = SPAN("");
	r.begin = day * DATE_DAY;
	r.end = day * DATE_DAY + 1;
	r.domain = span_str(domain);
	r.report_id = buf_view(&id);
	assert_int_equal(ledger_begin_received(l, &r, &replaces), LEDGER_OK);
	add_rows(l, of);
	assert_int_equal(ledger_end_received(l, true), LEDGER_OK);
}

static void
add_day(struct ledger *l, const char *p, int64_t day, const struct day *of)
{
	const struct ledger_received r = { .p = span_str(p) };

	add_report(l, "example.com", &r, day, of);
}

static struct store_place place; /* folder of the open store */

static struct ledger *
open_ledger(void)
{
	char error[SQL_ERROR_MAX];
	struct ledger *l;

	place_make(&place);
	l = ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);
	if (l == NULL)
		fail_msg("%s", error);
	return l;
}

static void
close_ledger(struct ledger *l)
{
	ledger_close(l);
	place_remove(&place);
}

/* ---- visiting domains ---- */

struct visited {
	struct view view;
	size_t sources, domains;
	void (*check)(const struct view *v, const struct view_domain *d);
	bool stops;
};

static bool
visit_source(
    void *arg, const struct view_domain *d, const struct view_source *s)
{
	struct visited *seen = arg;

	assert_non_null(s->sender);
	assert_true(d->domain.n > 0 && s->all.messages > 0);
	seen->sources++;
	return !seen->stops;
}

static bool
visit_domain(void *arg, const struct view *v, const struct view_domain *d)
{
	struct visited *seen = arg;

	seen->domains++;
	if (seen->check != NULL)
		seen->check(v, d);
	return !seen->stops;
}

/* Visits the domains for the last `days` days up to TODAY. */
static bool
visit(struct ledger *l, struct span domain, int64_t days, struct arena *a,
    struct visited *seen)
{
	const struct view_want want = {
		.domain = domain, .from = TODAY - days + 1, .to = TODAY
	};
	const struct view_visitor visitor = { visit_source, visit_domain,
		seen };

	return view_open(l, &want, a, &seen->view) &&
	    view_visit(l, &want, a, &seen->view, &visitor);
}

static void
fill(struct ledger *l, size_t i)
{
	const struct ledger_received r = { .p = span_str(situations[i].p),
		.sp = span_str(situations[i].sp),
		.testing = span_str(situations[i].testing) };

	for (unsigned day = 0; day < situations[i].days; day++)
		add_report(l, "example.com", &r,
		    (int64_t)TODAY - situations[i].ago - day,
		    day < situations[i].late_days ? &situations[i].late
						  : &situations[i].day);
}

static void
test_advice(void **state)
{
	bool tested[VIEW_RECOMMENDATIONS] = { false };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		struct ledger *l = open_ledger();
		struct arena *a = arena_new(CAP);
		struct visited seen = { .check = NULL };

		fill(l, i);
		assert_true(visit(l, SPAN_NONE, 30, a, &seen));
		assert_int_equal(seen.domains, 1);
		if (seen.view.domains->advice != situations[i].want)
			fail_msg("%s: %s", situations[i].name,
			    view_recommendation_name(
				seen.view.domains->advice));
		tested[situations[i].want] = true;
		arena_free(a);
		close_ledger(l);
	}
	for (size_t i = 0; i < VIEW_RECOMMENDATIONS; i++)
		assert_true(tested[i]);
}

static const struct view_sender *
sender_named(const struct view_domain *d, const char *name)
{
	const struct view_sender *s = d->senders;

	while (s != NULL && !span_is(s->name, name))
		s = s->next;
	if (s == NULL)
		fail_msg("no sender %s", name);
	return s;
}

/* Checks sums, days and senders; mail before the range is used only to decide
 * what is new. */
static void
check_sums(const struct view *v, const struct view_domain *d)
{
	const struct view_sender *s;

	assert_int_equal(v->from, TODAY - 9);
	assert_int_equal(v->messages, 28);
	assert_int_equal(v->passed, 22);
	assert_int_equal(v->reports, 2);
	assert_true(span_is(d->p, "reject"));
	assert_int_equal(d->days[9].messages, 14);
	assert_int_equal(d->days[8].passed, 11);
	assert_int_equal(d->days[7].messages, 0);
	assert_int_equal(d->reported, 2);
	assert_int_equal(d->n_sources, 3);
	assert_int_equal(d->n_senders, 3);
	assert_int_equal(d->week.messages, 28);
	s = d->senders;
	assert_true(span_is(s->name, "example.com"));
	assert_int_equal(s->all.messages, 20);
	assert_int_equal(s->cause, VIEW_GOOD);
	assert_int_equal(s->first, TODAY - 50);
	assert_false(s->is_new);
	assert_true(span_is(
	    s->facts[VIEW_SIGNATURE].list[0].text, "pass example.com s"));
	assert_true(span_is(s->facts[VIEW_REPORTER].list[0].text, "o"));
	s = s->next;
	assert_true(span_is(s->name, "203.0.113.0/24"));
	assert_int_equal(s->cause, VIEW_SPOOF);
	assert_int_equal(s->all.messages, 6);
	assert_true(s->is_new && s->sources->is_new);
	s = s->next;
	assert_true(span_is(s->name, "example.com"));
	assert_int_equal(s->cause, VIEW_SPF_ONLY);
	assert_null(s->next);
}

static void
test_sums(void **state)
{
	const struct day early = { .good = 10 };
	const struct day late = { .good = 10, .spf = 1, .spoofed = 3 };
	struct ledger *l = open_ledger();
	struct arena *a = arena_new(CAP);
	struct visited seen = { .check = check_sums };

	(void)state;
	add_day(l, "none", TODAY - 50, &early);
	add_day(l, "quarantine", TODAY - 1, &late);
	add_day(l, "reject", TODAY, &late);
	assert_true(visit(l, SPAN("example.com"), 10, a, &seen));
	assert_int_equal(seen.sources, 3);
	seen.check = NULL;
	assert_true(visit(l, SPAN("other.example"), 10, a, &seen));
	assert_null(seen.view.domains);
	assert_int_equal(seen.view.stored, 0);
	arena_free(a);
	close_ledger(l);
}

/* All reports are for days before the range. */
static void
test_older(void **state)
{
	const struct day day = { .good = 10 };
	struct ledger *l = open_ledger();
	struct arena *a = arena_new(CAP);
	struct visited seen = { .check = NULL };

	(void)state;
	add_day(l, "none", TODAY - 50, &day);
	add_day(l, "none", TODAY - 40, &day);
	assert_true(visit(l, SPAN_NONE, 30, a, &seen));
	assert_int_equal(seen.view.stored, 2);
	assert_int_equal(seen.view.stored_first, TODAY - 50);
	assert_int_equal(seen.view.stored_last, TODAY - 40);
	arena_free(a);
	close_ledger(l);
}

static void
check_fixed(const struct view *v, const struct view_domain *d)
{
	const struct view_sender *s = sender_named(d, "esp.example");

	(void)v;
	assert_int_equal(s->n_sources, 2);
	assert_int_equal(s->all.messages, 20 * 100);
	assert_int_equal(s->all.passed, 3 * 100);
	assert_int_equal(s->fixed, TODAY - 2);
	assert_int_equal(s->cause, VIEW_GOOD);
	assert_int_equal(sender_role(s), VIEW_YOURS);
	assert_int_equal(s->sources->all.messages, 17 * 100);
	assert_int_equal(s->sources->next->all.messages, 3 * 100);
}

/* Two addresses of one ESP count as one sender, which is reported as fixed. */
static void
test_fixed(void **state)
{
	const struct day before = { .good = 900, .unaligned = 100 };
	const struct day after = { .good = 900, .fixed = 100 };
	struct ledger *l = open_ledger();
	struct arena *a = arena_new(CAP);
	struct visited seen = { .check = check_fixed };

	(void)state;
	for (int day = 0; day < 20; day++)
		add_day(l, "none", TODAY - day, day < 3 ? &after : &before);
	assert_true(visit(l, SPAN_NONE, 30, a, &seen));
	arena_free(a);
	close_ledger(l);
}

static void
check_newsletter(const struct view *v, const struct view_domain *d)
{
	(void)v;
	assert_int_equal(sender_named(d, "esp.example")->fixed, -1);
}

/* A sender that fails once a week does not count as fixed on the other days. */
static void
test_newsletter(void **state)
{
	const struct day daily = { .good = 900, .fixed = 100 };
	const struct day weekly = { .good = 900, .unaligned = 1000 };
	struct ledger *l = open_ledger();
	struct arena *a = arena_new(CAP);
	struct visited seen = { .check = check_newsletter };

	(void)state;
	for (int day = 0; day < 20; day++)
		add_day(
		    l, "none", TODAY - day, day % 7 == 4 ? &weekly : &daily);
	assert_true(visit(l, SPAN_NONE, 30, a, &seen));
	assert_int_equal(seen.view.domains->advice, VIEW_FIX_FIRST);
	arena_free(a);
	close_ledger(l);
}

/* The most urgent domain comes first, then the one with the most messages. */
static void
test_order(void **state)
{
	static const struct {
		const char *name, *p;
		struct day day;
	} domains[] = {
		{ "calm.example", "reject", { .good = 5000 } },
		{ "losing.example", "reject", { .good = 90, .unaligned = 10 } },
		{ "fixfirst.example", "none",
		    { .good = 900, .unaligned = 100 } },
		{ "small.example", "none", { .good = 90, .unaligned = 10 } },
	};
	static const char *const want[] = { "losing.example",
		"fixfirst.example", "small.example", "calm.example" };
	struct ledger *l = open_ledger();
	struct arena *a = arena_new(CAP);
	struct visited seen = { .check = NULL };
	const struct view_domain *d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(domains); i++)
		for (int day = 0; day < 10; day++) {
			const struct ledger_received r = { .p = span_str(
							       domains[i].p) };

			add_report(l, domains[i].name, &r, TODAY - day,
			    &domains[i].day);
		}
	assert_true(visit(l, SPAN_NONE, 30, a, &seen));
	assert_int_equal(seen.view.messages, 10 * (5000 + 100 + 1000 + 100));
	assert_true(view_sort(&seen.view, a));
	d = seen.view.domains;
	for (size_t i = 0; i < ARRAY_SIZE(want); i++, d = d->next)
		assert_true(span_is(d->domain, want[i]));
	assert_null(d);
	seen = (struct visited){ .stops = true };
	assert_true(visit(l, SPAN_NONE, 30, a, &seen));
	assert_int_equal(seen.sources, 1);
	assert_int_equal(seen.domains, 0);
	arena_free(a);
	close_ledger(l);
}

/* ---- bounds ---- */

enum {
	CROWD = 45000,    /* addresses */
	CROWD_NETWORK = 4 /* addresses in each network */
};

static void
check_crowd(const struct view *v, const struct view_domain *d)
{
	uint64_t messages = 0, kept = 0;
	size_t sources = 0, n = 0;

	(void)v;
	assert_int_equal(d->n_sources, CROWD);
	assert_int_equal(d->n_kept, VIEW_SOURCES_MAX);
	assert_int_equal(d->n_senders, VIEW_SENDERS_MAX + 1);
	for (const struct view_sender *s = d->senders; s != NULL;
	     s = s->next, n++) {
		assert_true(s->next == NULL ||
		    s->all.messages >= s->next->all.messages);
		messages += s->all.messages;
		sources += s->n_sources;
		for (const struct view_source *one = s->sources; one != NULL;
		     one = one->next, kept++)
			assert_true(
			    one->all.messages > CROWD - VIEW_SOURCES_MAX);
	}
	assert_int_equal(n, VIEW_SENDERS_MAX + 1);
	assert_int_equal(sources, CROWD);
	assert_int_equal(kept, VIEW_SOURCES_MAX);
	assert_int_equal(messages, d->all.messages);
	assert_int_equal(messages, (uint64_t)CROWD * (CROWD + 1) / 2);
	assert_int_equal(d->senders->kind, SENDER_REST);
}

/* With too many sources and senders, those with the most messages are kept,
 * regardless of the order in which they are read, and the sums include all of
 * them. */
static void
test_crowd(void **state)
{
	const struct ledger_received r = { .organisation = SPAN("o"),
		.report_id = SPAN("1"),
		.begin = TODAY * (int64_t)DATE_DAY,
		.end = TODAY * (int64_t)DATE_DAY + 1,
		.domain = SPAN("example.com") };
	struct ledger *l = open_ledger();
	struct arena *a = arena_new(CAP);
	struct visited seen = { .check = check_crowd };
	bool replaces;

	(void)state;
	assert_int_equal(ledger_begin_received(l, &r, &replaces), LEDGER_OK);
	for (unsigned i = 0; i < CROWD; i++) {
		unsigned network = i / CROWD_NETWORK;
		/* 7919 and CROWD are coprime, so each number from 1 to CROWD
		 * occurs once. */
		uint64_t count = (uint64_t)i * 7919 % CROWD + 1;
		char address[IP_TEXT_MAX];

		snprintf(address, sizeof(address), "10.%u.%u.%u", network >> 8,
		    network & 255, i % CROWD_NETWORK);
		add(l, address, count, (struct report_row){ .count = 0 });
	}
	assert_int_equal(ledger_end_received(l, true), LEDGER_OK);
	assert_true(visit(l, SPAN_NONE, 30, a, &seen));
	assert_int_equal(seen.sources, CROWD);
	arena_free(a);
	close_ledger(l);
}

static void
test_memory(void **state)
{
	const struct day day = { .good = 10, .unaligned = 5 };
	struct ledger *l = open_ledger();

	(void)state;
	add_day(l, "none", TODAY, &day);
	for (unsigned long nth = 1; nth < 10; nth++) {
		struct arena *a = arena_new(CAP);
		struct visited seen = { .check = NULL };
		bool good;

		arena_fail_at(a, nth);
		good = visit(l, SPAN_NONE, 30, a, &seen);
		assert_true(good == (seen.view.error == NULL));
		assert_true(nth > 1 || !good);
		assert_true(nth < 9 || good);
		arena_free(a);
	}
	close_ledger(l);
}

/* ---- numbers ---- */

static void
test_rates(void **state)
{
	static const struct {
		uint64_t part, whole;
		const char *want;
	} rates[] = { { 0, 0, "0.0 %" }, { 0, 9, "0.0 %" },
		{ 1, 1000000, "0.1 %" }, { 999999, 1000000, "99.9 %" },
		{ 5, 5, "100.0 %" }, { 1, 3, "33.3 %" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		char memory[16];
		struct buf b = buf_wrap(memory, sizeof(memory));

		view_put_rate(&b, rates[i].part, rates[i].whole);
		assert_string_equal(memory, rates[i].want);
	}
}

/* Messages are spread evenly, and none is lost. */
static void
test_share(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 40; n++)
		for (unsigned days = 1; days < 10; days++) {
			uint64_t sum = 0;

			for (unsigned i = 0; i < days; i++) {
				uint64_t share = view_share(n, i, days);

				assert_int_in_range(
				    share, n / days, n / days + 1);
				sum += share;
			}
			assert_int_equal(sum, n);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_advice),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_older),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_newsletter),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_share),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
