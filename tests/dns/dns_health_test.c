/* Tests of dns/health.c: which server failures are reported, and how often. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dns/resolver.h"
#include "lib/enum_names.h"
#include "tests/support/fake_clock.h"
#include "tests/support/netrun.h"

enum { EVENTS_MAX = 32, MINUTE = 60000 };

static struct {
	pthread_mutex_t lock;
	struct dns_resolver_event all[EVENTS_MAX];
	size_t n;
} events = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
on_event(const struct dns_resolver_event *event)
{
	pthread_mutex_lock(&events.lock);
	assert_true(events.n < EVENTS_MAX);
	assert_int_equal(event->server->ip.family, IP_V4);
	events.all[events.n++] = *event;
	pthread_mutex_unlock(&events.lock);
}

/* Opens a resolver that uses the servers of `r`, or the server at `address` if
 * `r` has none. */
static void
health_open(struct netrun *r, const char *address)
{
	struct dns_resolver_options o = { .first_ms = NETRUN_FIRST_MS,
		.total_ms = NETRUN_TOTAL_MS,
		.on_event = on_event };
	char error[200] = "";

	events.n = 0;
	assert_null(server_address_parse(span_str(address), &o.servers[0]));
	o.servers[1] = o.servers[0];
	for (size_t i = 0; i < 2 && r->servers[i] != NULL; i++)
		o.servers[o.n_servers++].port = hostile_port(r->servers[i]);
	o.n_servers += o.n_servers == 0;
	still_begin();
	r->net = dns_resolver_open(&o, error, sizeof(error));
	assert_non_null(r->net);
}

static struct netrun
health_start(
    const struct hostile_options *one, const struct hostile_options *two)
{
	struct netrun r = { .servers = { hostile_start(one),
				two != NULL ? hostile_start(two) : NULL } };

	health_open(&r, "127.0.0.1");
	return r;
}

static void
ask_dns_health(struct netrun *r, unsigned times, const char *name)
{
	int64_t took;

	while (times-- > 0)
		dns_answer_unref(netrun_ask_long(r, name, DNS_TXT, &took));
}

static void
expect_events(struct netrun *r, const char *want)
{
	char text[400];
	struct buf b = buf_wrap(text, sizeof(text));

	netrun_settle(r);
	pthread_mutex_lock(&events.lock);
	for (size_t i = 0; i < events.n; i++)
		buf_printf(&b, "%s%s others=%u", i > 0 ? ", " : "",
		    dns_trouble_name(events.all[i].trouble),
		    events.all[i].others);
	pthread_mutex_unlock(&events.lock);
	assert_string_equal(text, want);
}

static const struct hostile_options plain;

struct health_case {
	const char *name;
	struct hostile_options server;
	unsigned times; /* how many times `question` is asked */
	const char *question;
	const char *events;
	enum dns_trouble trouble;
};

static const struct health_case cases[] = {
	{ .name = "a working server",
	    .times = 3,
	    .question = "a.example",
	    .events = "" },
	{ .name = "three timeouts",
	    .server.silent = true,
	    .times = 1,
	    .question = "a.example",
	    .events = "timeout others=0",
	    .trouble = DNS_TROUBLE_TIMEOUT },
	{ .name = "RCODE 5 twice",
	    .server.refused = true,
	    .times = 2,
	    .question = "a.example",
	    .events = "" },
	{ .name = "RCODE 5 three times",
	    .server.refused = true,
	    .times = 3,
	    .question = "a.example",
	    .events = "rcode_refused others=0",
	    .trouble = DNS_TROUBLE_RCODE_REFUSED },
	{ .name = "SERVFAIL 19 times",
	    .server.servfail = true,
	    .times = 19,
	    .question = "a.example",
	    .events = "" },
	{ .name = "SERVFAIL 20 times",
	    .server.servfail = true,
	    .times = 20,
	    .question = "a.example",
	    .events = "errors others=0",
	    .trouble = DNS_TROUBLE_ERRORS },
	{ .name = "truncated answers, TCP port closed",
	    .server.no_tcp = true,
	    .times = 1,
	    .question = "tc.example",
	    .events = "tcp others=0",
	    .trouble = DNS_TROUBLE_TCP },
	{ .name = "UDP port closed, TCP works",
	    .server.no_udp = true,
	    .times = 3,
	    .question = "a.example",
	    .events = "refused others=0",
	    .trouble = DNS_TROUBLE_REFUSED },
	{ .name = "UDP and TCP ports closed",
	    .server = { .no_udp = true, .no_tcp = true },
	    .times = 3,
	    .question = "a.example",
	    .events = "refused others=0",
	    .trouble = DNS_TROUBLE_REFUSED },
};

static void
each_reason_is_reported(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct health_case *c = &cases[i];
		struct netrun r = health_start(&c->server, NULL);
		struct dns_server_health health[DNS_SERVERS_MAX];

		print_message("%s\n", c->name);
		ask_dns_health(&r, c->times, c->question);
		expect_events(&r, c->events);
		assert_int_equal(dns_resolver_health(r.net, health), 1);
		for (int t = DNS_TROUBLE_NONE + 1; t < DNS_TROUBLES; t++)
			assert_int_equal(
			    health[0].seconds[t] > 0, t == (int)c->trouble);
		assert_int_equal(
		    health[0].failures[c->trouble] > 0, c->trouble != 0);
		netrun_stop(&r);
	}
}

static void
no_route(void **state)
{
	struct netrun r = { .servers = { NULL } };

	(void)state;
	health_open(&r, "255.255.255.255");
	ask_dns_health(&r, 3, "a.example");
	expect_events(&r, "unreachable others=0");
	netrun_stop(&r);
}

static void
once_a_minute_and_when_it_works_again(void **state)
{
	struct netrun r = health_start(&plain, NULL);

	(void)state;
	hostile_pause(r.servers[0]);
	ask_dns_health(&r, 5, "a.example");
	expect_events(&r, "refused others=0");
	still_pass(MINUTE);
	ask_dns_health(&r, 5, "a.example");
	expect_events(&r, "refused others=0, refused others=0");
	assert_int_equal(events.all[1].failures, 5);
	assert_int_equal(events.all[1].seconds, 60);
	hostile_resume(r.servers[0]);
	ask_dns_health(&r, 5, "a.example");
	expect_events(&r, "refused others=0, refused others=0, none others=0");
	assert_int_equal(events.all[2].seconds, 60);
	netrun_stop(&r);
}

/* A server that keeps failing and recovering is not reported more often than
 * one that stays down. */
static void
a_flapping_server(void **state)
{
	struct netrun r = health_start(&plain, NULL);

	(void)state;
	for (int i = 0; i < 5; i++) {
		hostile_pause(r.servers[0]);
		ask_dns_health(&r, 1, "a.example");
		hostile_resume(r.servers[0]);
		ask_dns_health(&r, 1, "a.example");
	}
	expect_events(&r, "refused others=0, none others=0");
	netrun_stop(&r);
}

static void
the_other_server_goes_on(void **state)
{
	struct netrun r = health_start(&plain, &plain);

	(void)state;
	hostile_pause(r.servers[0]);
	ask_dns_health(&r, 3, "a.example");
	expect_events(&r, "refused others=1");
	netrun_stop(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reason_is_reported),
		cmocka_unit_test(no_route),
		cmocka_unit_test(once_a_minute_and_when_it_works_again),
		cmocka_unit_test(a_flapping_server),
		cmocka_unit_test(the_other_server_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
