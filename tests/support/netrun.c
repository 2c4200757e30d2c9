#include "tests/support/netrun.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "tests/support/fake_clock.h"

enum { STEP_MS = 50, RESTS = 2 };

/* ---- questions ---- */

void
netrun_answered(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct asked *a = (struct asked *)wait;

	pthread_mutex_lock(&a->crowd->lock);
	if (a->times++ == 0) {
		a->answer = dns_answer_ref(answer);
		if (--a->crowd->missing == 0)
			pthread_cond_signal(&a->crowd->all);
	}
	pthread_mutex_unlock(&a->crowd->lock);
}

void
crowd_begin(struct crowd *c, size_t n)
{
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->all, NULL);
	c->missing = n;
}

void
crowd_wait(struct crowd *c)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += NETRUN_PATIENCE_S;
	pthread_mutex_lock(&c->lock);
	while (c->missing > 0)
		if (pthread_cond_timedwait(&c->all, &c->lock, &until) ==
		    ETIMEDOUT)
			fail_msg("%zu questions are not answered", c->missing);
	pthread_mutex_unlock(&c->lock);
}

size_t
crowd_missing(struct crowd *c)
{
	size_t missing;

	pthread_mutex_lock(&c->lock);
	missing = c->missing;
	pthread_mutex_unlock(&c->lock);
	return missing;
}

void
crowd_end(struct crowd *c)
{
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->all);
}

/* ---- the resolver and its servers ---- */

void
netrun_open(struct netrun *r, const uint16_t *ports, size_t n)
{
	struct dns_resolver_options o = { .n_servers = n,
		.first_ms = NETRUN_FIRST_MS,
		.total_ms = NETRUN_TOTAL_MS };
	char error[200] = "";

	for (size_t i = 0; i < n; i++) {
		o.servers[i].port = ports[i];
		assert_true(ip_parse(SPAN("127.0.0.1"), &o.servers[i].ip));
	}
	r->net = dns_resolver_open(&o, error, sizeof(error));
	if (r->net == NULL)
		fail_msg("%s", error);
}

struct netrun
netrun_start(
    const struct hostile_options *one, const struct hostile_options *two)
{
	struct netrun r = { .servers = { hostile_start(one),
				two != NULL ? hostile_start(two) : NULL } };
	uint16_t ports[2];
	size_t n = two != NULL ? 2 : 1;

	for (size_t i = 0; i < n; i++)
		ports[i] = hostile_port(r.servers[i]);
	still_begin();
	netrun_open(&r, ports, n);
	return r;
}

void
netrun_stop(struct netrun *r)
{
	r->net->close(r->net);
	still_end();
	for (size_t i = 0; i < 2; i++)
		if (r->servers[i] != NULL)
			hostile_stop(r->servers[i]);
}

static bool
are_idle(const struct netrun *r)
{
	for (size_t i = 0; i < 2; i++)
		if (r->servers[i] != NULL && !hostile_is_idle(r->servers[i]))
			return false;
	return true;
}

static uint64_t
sent(const struct netrun *r)
{
	struct dns_resolver_counts counts;

	dns_resolver_counts(r->net, &counts);
	return counts.datagrams;
}

/*
 * Everything runs on one machine, so datagrams sent by idle servers arrive
 * almost immediately.  If the resolver twice finds nothing to do, and sends
 * nothing in between, all datagrams have arrived and no work is left.
 */
void
netrun_settle(struct netrun *r)
{
	bool settled = false;

	while (!settled) {
		unsigned long rests = still_rests();
		uint64_t before = sent(r);

		settled = are_idle(r);
		while (settled && still_rests() - rests < RESTS) {
			usleep(500);
			settled = are_idle(r);
		}
		settled = settled && are_idle(r) && sent(r) == before;
	}
}

void
netrun_pass(struct netrun *r, int64_t ms)
{
	for (int64_t at = 0; at < ms; at += STEP_MS) {
		netrun_settle(r);
		still_pass(STEP_MS);
	}
	netrun_settle(r);
}

int64_t
netrun_pass_until(struct netrun *r, struct crowd *c)
{
	int64_t passed = 0;

	netrun_settle(r);
	while (crowd_missing(c) > 0) {
		still_pass(STEP_MS);
		passed += STEP_MS;
		netrun_settle(r);
		assert_true(passed < 10 * NETRUN_TOTAL_MS);
	}
	return passed;
}

/* ---- asking ---- */

const struct dns_answer *
netrun_ask_long(
    struct netrun *r, const char *name, enum dns_type type, int64_t *took)
{
	struct crowd crowd;
	struct asked a = { .wait = { .done = netrun_answered },
		.crowd = &crowd };

	crowd_begin(&crowd, 1);
	r->net->ask(r->net, span_str(name), type, &a.wait);
	if (took != NULL)
		*took = netrun_pass_until(r, &crowd);
	else
		crowd_wait(&crowd);
	crowd_end(&crowd);
	return a.answer;
}

const struct dns_answer *
netrun_ask(struct netrun *r, const char *name, enum dns_type type)
{
	return netrun_ask_long(r, name, type, NULL);
}

void
netrun_describe(const struct dns_answer *a, char *text, size_t size)
{
	struct buf b = buf_wrap(text, size);

	buf_text(&b, dns_state_name(a->state));
	if (a->state == DNS_FAILED)
		buf_printf(&b, " %s", dns_error_name(a->fault));
	for (size_t i = 0; i < a->n_records; i++) {
		const struct dns_record *record = &a->records[i];

		buf_text(&b, i == 0 ? ": " : "|");
		if (record->ip.family != IP_NONE)
			ip_put(&b, &record->ip);
		if (record->preference > 0)
			buf_printf(&b, "%u ", record->preference);
		buf_span(&b, record->text);
	}
	if (a->alias.p != NULL) {
		buf_text(&b, " -> ");
		buf_span(&b, a->alias);
	}
	buf_printf(&b, " %u", a->ttl);
}

static void
is_what_is_wanted(const struct dns_answer *a, const char *name,
    enum dns_type type, const char *want)
{
	char text[1024];

	netrun_describe(a, text, sizeof(text));
	if (strcmp(text, want) != 0)
		fail_msg("%s %s: got \"%s\", want \"%s\"", name,
		    dns_type_name(type), text, want);
	dns_answer_unref(a);
}

void
netrun_expect(
    struct netrun *r, const char *name, enum dns_type type, const char *want)
{
	is_what_is_wanted(netrun_ask(r, name, type), name, type, want);
}

int64_t
netrun_expect_long(
    struct netrun *r, const char *name, enum dns_type type, const char *want)
{
	int64_t took;

	is_what_is_wanted(
	    netrun_ask_long(r, name, type, &took), name, type, want);
	return took;
}

void
netrun_ask_many(struct dns_source *net, struct asked *all, size_t n,
    size_t from, struct crowd *crowd)
{
	for (size_t i = 0; i < n; i++) {
		struct asked *a = &all[i];

		*a = (struct asked){ .wait = { .done = netrun_answered },
			.crowd = crowd,
			.type = DNS_TXT };
		snprintf(a->name, sizeof(a->name), "n%zu.example", from + i);
		net->ask(net, span_str(a->name), a->type, &a->wait);
	}
}

void
netrun_check_many(struct asked *all, size_t n, size_t from)
{
	for (size_t i = 0; i < n; i++) {
		char want[64];

		snprintf(want, sizeof(want), "N%zu.EXAMPLE", from + i);
		assert_int_equal(all[i].times, 1);
		if (all[i].answer->state != DNS_FOUND)
			fail_msg("%s: %s", all[i].name,
			    dns_error_name(all[i].answer->fault));
		assert_true(span_is(all[i].answer->records[0].text, want));
		dns_answer_unref(all[i].answer);
	}
}
