/*
 * replay_test.c - applies a changed configuration to stored messages.
 */
#include "report/show/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/store/writer.h"
#include "tests/support/store_fixture.h"

enum { NOW = 1782000000, DAY = NOW / DATE_DAY };

static const struct conf *
conf_of(const char *text)
{
	const struct conf *c = conf_read_text(span_str(text), "test", stderr);

	assert_non_null(c);
	return c;
}

/* A message that fails DMARC with p=reject. */
static void
forged(struct kept_message *m, unsigned domain)
{
	rows_message(m, domain, 9);
	m->facts.spf = SPF_SOFTFAIL;
	m->facts.dkim = DKIM_NONE;
	m->facts.dmarc = DMARC_FAIL;
	m->facts.dmarc_disposition = DMARC_POLICY_REJECT;
	m->decision = (struct policy_decision){
		.action = CONF_REJECT,
		.would = CONF_REJECT,
		.rule = SPAN("dmarc.on_reject"),
	};
}

/* Stores the message `n` times for a day, as the daemon would. */
static void
save_replay(
    struct writer *w, const struct kept_message *m, int64_t day, unsigned n)
{
	struct queued_message *e =
	    queued_message_new(NULL, &m->facts, &m->decision, day * DATE_DAY);
	size_t refused;

	assert_non_null(e);
	e->count = n;
	assert_int_equal(writer_write(w, e, NOW, &refused), SQL_FINE);
	free(e);
}

/* Stores messages for four days: 100 good ones, 10 that forge d1, 5 that forge
 * d2, 3 from a list, and 7 from our own users. */
static void
fill(void)
{
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .retention = { 400, 400, 400 } });
	struct kept_message m;

	assert_non_null(w);
	rows_message(&m, 1, 1);
	save_replay(w, &m, DAY - 3, 60);
	save_replay(w, &m, DAY, 40);
	forged(&m, 1);
	save_replay(w, &m, DAY - 2, 4);
	save_replay(w, &m, DAY - 1, 6);
	forged(&m, 2);
	save_replay(w, &m, DAY - 1, 5);
	forged(&m, 3);
	m.facts.list_id = SPAN("list.example.org");
	m.facts.is_list = true;
	m.facts.list_field = "List-Id";
	m.facts.list_by = SPAN("example.org");
	m.decision.action = m.decision.would = CONF_ANNOTATE;
	m.decision.rule = SPAN("dmarc.indirect_as_quarantine");
	save_replay(w, &m, DAY - 1, 3);
	rows_message(&m, 4, 1);
	m.facts = (struct policy_input){ .client = { IP_V4, { 10, 1, 2, 3 } } };
	m.decision.rule = SPAN("skip.network");
	save_replay(w, &m, DAY, 7);
	writer_free(w);
}

static bool
add(void *arg, const struct ledger_replay_row *f)
{
	return replay_add(arg, f);
}

static struct replay *
replayed(const char *conf_text, int64_t from)
{
	const struct conf *c = conf_of(conf_text);
	struct replay *r = replay_new(c, NOW);
	char error[SQL_ERROR_MAX];
	struct ledger *l =
	    ledger_open_file(place.file, SQLITE_FOR_READING, error);

	assert_non_null(r);
	assert_non_null(l);
	conf_unref(c);
	assert_int_equal(ledger_each_replay_row(l, from, add, r), LEDGER_OK);
	ledger_close(l);
	return r;
}

static void
assert_change(const struct replay_change *c, const char *want)
{
	char got[300];

	snprintf(got, sizeof(got), "%u %.*s: %.*s/%.*s %.*s -> %.*s/%.*s %.*s",
	    (unsigned)c->messages, SPAN_FMT(c->domain),
	    SPAN_FMT(c->then.action), SPAN_FMT(c->then.would),
	    SPAN_FMT(c->then.rule), SPAN_FMT(c->now.action),
	    SPAN_FMT(c->now.would), SPAN_FMT(c->now.rule));
	assert_string_equal(got, want);
}

#define OWN_USERS "skip_networks = { \"10.0.0.0/8\" } "
#define OWN "mode = enforce " OWN_USERS

/* Under the same configuration all decisions stay the same. */
static void
same_configuration(void **state)
{
	struct replay *r;
	size_t n;

	(void)state;
	fill();
	r = replayed(OWN, 0);
	assert_int_equal(replay_sum(r).messages, 125);
	assert_int_equal(replay_sum(r).otherwise, 0);
	assert_int_equal(replay_sum(r).unchecked, 0);
	assert_int_equal(replay_sum(r).first, DAY - 3);
	assert_int_equal(replay_sum(r).last, DAY);
	replay_changes(r, &n);
	assert_int_equal(n, 0);
	replay_free(r);
}

/* Changes are listed by domain and rule, most messages first. */
static void
by_domain_and_rule(void **state)
{
	const struct replay_change *c;
	struct replay *r;
	size_t n;

	(void)state;
	fill();
	r = replayed(OWN "dmarc { on_reject = quarantine "
			 "indirect_as_quarantine = no }",
	    0);
	assert_int_equal(replay_sum(r).otherwise, 18);
	c = replay_changes(r, &n);
	assert_int_equal(n, 3);
	assert_change(&c[0],
	    "10 d1.example.com: reject/reject dmarc.on_reject -> "
	    "quarantine/quarantine dmarc.on_reject");
	assert_change(&c[1],
	    "5 d2.example.com: reject/reject dmarc.on_reject -> "
	    "quarantine/quarantine dmarc.on_reject");
	assert_change(&c[2],
	    "3 d3.example.com: annotate/annotate "
	    "dmarc.indirect_as_quarantine -> quarantine/quarantine "
	    "dmarc.on_reject");
	replay_free(r);
}

/* In monitor mode, `would` shows the action that enforce mode would take. */
static void
monitor(void **state)
{
	const struct replay_change *c;
	struct replay *r;
	size_t n;

	(void)state;
	fill();
	r = replayed(OWN_USERS "mode = monitor", DAY - 1);
	assert_int_equal(replay_sum(r).messages, 61);
	assert_int_equal(replay_sum(r).first, DAY - 1);
	c = replay_changes(r, &n);
	assert_int_equal(n, 3);
	assert_change(&c[0],
	    "6 d1.example.com: reject/reject dmarc.on_reject -> "
	    "accept/reject dmarc.on_reject");
	replay_free(r);
}

/* An override is applied, even one that matches by the client's network, but
 * not if it has expired since the messages were stored. */
static void
overrides(void **state)
{
	const struct replay_change *c;
	struct replay *r;
	size_t n;

	(void)state;
	fill();
	r = replayed(OWN "override \"old\" { from_domain = \"d2.example.com\" "
			 "action = accept expires = \"2026-01-01\" } "
			 "override \"partner\" { client = \"192.0.2.9\" "
			 "from_domain = \"d1.example.com\" action = accept }",
	    0);
	assert_int_equal(replay_sum(r).otherwise, 10);
	c = replay_changes(r, &n);
	assert_int_equal(n, 1);
	assert_change(&c[0],
	    "10 d1.example.com: reject/reject dmarc.on_reject -> "
	    "accept/accept override partner");
	replay_free(r);
}

/* Mail from our own users was not checked, so no result is assumed for it. */
static void
unchecked(void **state)
{
	struct replay *r;

	(void)state;
	fill();
	r = replayed("mode = enforce skip_networks = { \"127.0.0.0/8\" }", 0);
	assert_int_equal(replay_sum(r).messages, 125);
	assert_int_equal(replay_sum(r).otherwise, 0);
	assert_int_equal(replay_sum(r).unchecked, 7);
	replay_free(r);
}

/* Changes above the limit are only counted; rows can be added after listing the
 * changes. */
static void
many(void **state)
{
	const struct conf *c = conf_of("dmarc { on_reject = quarantine }");
	struct replay *r = replay_new(c, NOW);
	const struct replay_change *changes;
	struct kept_message m;
	struct ledger_replay_row f = {
		.day = DAY,
		.messages = 1,
		.action = SPAN("reject"),
		.would = SPAN("reject"),
		.rule = SPAN("dmarc.on_reject"),
	};
	size_t n;

	(void)state;
	conf_unref(c);
	assert_non_null(r);
	for (unsigned i = 0; i < REPLAY_CHANGES_MAX + 10; i++) {
		forged(&m, i);
		f.facts = m.facts;
		assert_true(replay_add(r, &f));
	}
	assert_int_equal(replay_sum(r).unlisted, 10);
	replay_changes(r, &n);
	assert_int_equal(n, REPLAY_CHANGES_MAX);
	forged(&m, 5);
	f.facts = m.facts;
	f.messages = 3;
	assert_true(replay_add(r, &f));
	changes = replay_changes(r, &n);
	assert_int_equal(n, REPLAY_CHANGES_MAX);
	assert_int_equal(changes[0].messages, 4);
	assert_true(span_is(changes[0].domain, "d5.example.com"));
	assert_int_equal(replay_sum(r).unlisted, 10);
	replay_free(r);
	replay_free(NULL);
}

/* Rows of an earlier version, which called quarantine "hold", do not count as
 * changes. */
static void
names_of_an_earlier_version(void **state)
{
	const struct conf *c =
	    conf_of("mode = enforce dmarc { on_reject = quarantine }");
	struct replay *r = replay_new(c, NOW);
	struct kept_message m;
	struct ledger_replay_row f = {
		.day = DAY,
		.messages = 1,
		.action = SPAN("hold"),
		.would = SPAN("hold"),
		.rule = SPAN("dmarc.on_reject"),
	};

	(void)state;
	conf_unref(c);
	assert_non_null(r);
	forged(&m, 1);
	f.facts = m.facts;
	assert_true(replay_add(r, &f));
	assert_int_equal(replay_sum(r).messages, 1);
	assert_int_equal(replay_sum(r).otherwise, 0);
	replay_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(same_configuration),
		AT_PLACE(by_domain_and_rule),
		AT_PLACE(monitor),
		AT_PLACE(overrides),
		AT_PLACE(unchecked),
		AT_PLACE(many),
		AT_PLACE(names_of_an_earlier_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
