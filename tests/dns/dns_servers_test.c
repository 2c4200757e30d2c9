/* Tests of dns/resolver.h with servers that are slow, gone or useless, and of
 * the delays that they cause. */
#include <arpa/inet.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/resolver.h"
#include "lib/enum_names.h"
#include "tests/support/cmocka_compat.h"
#include "tests/support/netrun.h"
#include "tests/support/fake_clock.h"

static const struct hostile_options plain;

static void
a_silent_server_costs_the_budget_and_no_more(void **state)
{
	const struct hostile_options silent = { .silent = true };
	struct netrun r = netrun_start(&silent, NULL);

	(void)state;
	assert_int_equal(netrun_expect_long(
			     &r, "a.example", DNS_TXT, "failed unreachable 0"),
	    NETRUN_TOTAL_MS);
	/* sent at 0, 250, 500, 1000, 2000 ms; for "localhost" at 1000, 1250,
	 * 1500, 2000, 3000 ms */
	assert_int_in_range(hostile_counts(r.servers[0]).udp, 9, 10);
	netrun_stop(&r);
}

/* If a domain does not answer, the servers are not considered silent, even if
 * there are no other questions. */
static void
a_silent_domain_is_not_a_silent_server(void **state)
{
	struct netrun r = netrun_start(&plain, NULL);

	(void)state;
	for (int i = 0; i < 3; i++) {
		char name[32];

		snprintf(name, sizeof(name), "silent.n%d.example", i);
		netrun_expect_long(&r, name, DNS_TXT, "failed timeout 0");
	}
	netrun_stop(&r);
}

/* If one of two servers answers, the domain is silent, not the servers. */
static void
a_silent_domain_beside_a_silent_server(void **state)
{
	const struct hostile_options silent = { .silent = true };
	struct netrun r = netrun_start(&silent, &plain);

	(void)state;
	netrun_expect_long(&r, "silent.example", DNS_TXT, "failed timeout 0");
	netrun_expect_long(&r, "a.example", DNS_A, "found: 192.0.2.1 60");
	netrun_stop(&r);
}

/* Questions fail without delay, and each one tries the server again. */
static void
no_server_listens(void **state)
{
	struct netrun r = netrun_start(&plain, NULL);

	(void)state;
	hostile_pause(r.servers[0]);
	for (int i = 0; i < 10; i++)
		netrun_expect(&r, "a.example", DNS_TXT, "failed unreachable 0");
	hostile_resume(r.servers[0]);
	netrun_expect(&r, "c.example", DNS_TXT, "found: C.EXAMPLE 300");
	netrun_stop(&r);
}

/* RFC 5927: the ICMP message "port unreachable" can be forged, unlike a TCP
 * reset. */
static void
no_server_listens_on_udp(void **state)
{
	const struct hostile_options no_udp = { .no_udp = true };
	struct netrun r = netrun_start(&no_udp, NULL);

	(void)state;
	for (int i = 0; i < 5; i++)
		netrun_expect(&r, "a.example", DNS_TXT, "found: A.EXAMPLE 300");
	assert_int_equal(hostile_counts(r.servers[0]).tcp, 5);
	netrun_stop(&r);
	r = netrun_start(&no_udp, &plain);
	for (int i = 0; i < 5; i++)
		netrun_expect(&r, "a.example", DNS_TXT, "found: A.EXAMPLE 300");
	assert_int_equal(hostile_counts(r.servers[0]).tcp, 0);
	netrun_stop(&r);
}

static void
one_of_two_servers_is_silent(void **state)
{
	const struct hostile_options silent = { .silent = true };
	struct netrun r = netrun_start(&silent, &plain);
	unsigned slow = 0;

	(void)state;
	for (int i = 0; i < 50; i++) {
		char name[32];
		int64_t took;

		snprintf(name, sizeof(name), "n%d.example", i);
		dns_answer_unref(netrun_ask_long(&r, name, DNS_A, &took));
		if (took > 0) {
			assert_int_equal(took, NETRUN_FIRST_MS);
			slow++;
		}
	}
	assert_int_equal(slow, 3);
	assert_int_equal(hostile_counts(r.servers[0]).udp, 3);
	netrun_stop(&r);
}

static void
one_of_two_servers_is_gone(void **state)
{
	struct netrun r = netrun_start(&plain, &plain);

	(void)state;
	hostile_pause(r.servers[0]);
	for (int i = 0; i < 20; i++)
		netrun_expect(&r, "a.example", DNS_A, "found: 192.0.2.1 60");
	netrun_stop(&r);
}

static void
one_of_two_servers_cannot(void **state)
{
	const struct hostile_options servfail = { .servfail = true };
	const struct hostile_options refused = { .refused = true };
	struct netrun r = netrun_start(&servfail, &plain);

	(void)state;
	for (int i = 0; i < 10; i++)
		netrun_expect(&r, "a.example", DNS_A, "found: 192.0.2.1 60");
	assert_int_equal(hostile_counts(r.servers[0]).udp, 10);
	netrun_stop(&r);
	r = netrun_start(&refused, &plain);
	for (int i = 0; i < 10; i++)
		netrun_expect(&r, "a.example", DNS_A, "found: 192.0.2.1 60");
	assert_int_equal(hostile_counts(r.servers[0]).udp, 3);
	netrun_stop(&r);
	r = netrun_start(&servfail, &refused);
	netrun_expect(&r, "a.example", DNS_A, "failed refused 0");
	netrun_stop(&r);
}

/* One server has an address to which no socket can be connected. */
static void
one_of_two_servers_has_no_route(void **state)
{
	struct netrun r = { .servers = { hostile_start(&plain) } };
	struct dns_resolver_options o = {
		.n_servers = 2, .first_ms = 500, .total_ms = 12000
	};
	char error[100];

	(void)state;
	assert_true(ip_parse(SPAN("255.255.255.255"), &o.servers[0].ip));
	assert_true(ip_parse(SPAN("127.0.0.1"), &o.servers[1].ip));
	o.servers[0].port = 53;
	o.servers[1].port = hostile_port(r.servers[0]);
	still_begin();
	r.net = dns_resolver_open(&o, error, sizeof(error));
	assert_non_null(r.net);
	for (int i = 0; i < 10; i++)
		netrun_expect(&r, "a.example", DNS_A, "found: 192.0.2.1 60");
	netrun_stop(&r);
}

static void
without_file_descriptors(void **state)
{
	struct netrun r = netrun_start(&plain, NULL);
	const struct dns_answer *first, *second;
	struct rlimit before, none;
	int filled[64];
	size_t n = 0;
	int64_t took;
	int fd;

	(void)state;
	/* the limit must not be below the number of descriptors that the server
	 * polls, or its poll(2) would fail */
	while ((fd = dup(0)) >= 0 && fd < 64)
		filled[n++] = fd;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)fd; /* the lowest free descriptor */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	first = netrun_ask_long(&r, "a.example", DNS_A, &took);
	setrlimit(RLIMIT_NOFILE, &before);
	netrun_expect(&r, "a.example", DNS_A, "found: 192.0.2.1 60");
	setrlimit(RLIMIT_NOFILE, &none);
	for (int i = 0; i < 20; i++)
		dns_answer_unref(netrun_ask(&r, "b.example", DNS_A));
	second = netrun_ask(&r, "tc.example", DNS_TXT);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(first->fault, DNS_ERROR_RESOURCE);
	assert_int_equal(second->fault, DNS_ERROR_RESOURCE);
	assert_int_equal(hostile_counts(r.servers[0]).udp, 22);
	while (n > 0)
		close(filled[--n]);
	netrun_stop(&r);
}

/* A server that is down is probed with questions that the other one answers,
 * and is used again once it answers. */
static void
a_server_that_was_down_is_used_again(void **state)
{
	struct netrun r = netrun_start(&plain, &plain);
	unsigned before;

	(void)state;
	hostile_pause(r.servers[0]);
	for (int i = 0; i < 5; i++)
		netrun_expect(&r, "a.example", DNS_A, "found: 192.0.2.1 60");
	hostile_resume(r.servers[0]);
	netrun_expect(&r, "a.example", DNS_A, "found: 192.0.2.1 60");
	netrun_settle(&r);
	assert_int_equal(hostile_counts(r.servers[0]).udp, 0);
	netrun_pass(&r, NETRUN_FIRST_MS);
	netrun_expect(&r, "a.example", DNS_A, "found: 192.0.2.1 60");
	netrun_settle(&r);
	assert_int_equal(hostile_counts(r.servers[0]).udp, 1);
	before = hostile_counts(r.servers[1]).udp;
	for (int i = 0; i < 5; i++)
		netrun_expect(&r, "a.example", DNS_A, "found: 192.0.2.1 60");
	assert_int_equal(hostile_counts(r.servers[1]).udp, before);
	netrun_stop(&r);
}

static void
five_of_a_hundred_datagrams_are_lost(void **state)
{
	enum { N = 100, TURNS = 10 };
	const struct hostile_options o = { .loss = 5 };
	struct netrun r = netrun_start(&o, NULL);
	struct asked all[N];
	struct dns_resolver_counts counts;

	(void)state;
	for (size_t turn = 0; turn < TURNS; turn++) {
		struct crowd crowd;

		crowd_begin(&crowd, N);
		netrun_ask_many(r.net, all, N, turn * N, &crowd);
		netrun_pass_until(&r, &crowd);
		netrun_check_many(all, N, turn * N);
		crowd_end(&crowd);
	}
	dns_resolver_counts(r.net, &counts);
	assert_int_equal(counts.answers, N * TURNS);
	assert_int_in_range(counts.repetitions, 20, 120);
	netrun_stop(&r);
}

/* RFC 7766 section 6.2.3: an idle connection is kept only for a while. */
static void
rfc7766_an_idle_connection_is_closed(void **state)
{
	struct netrun r = netrun_start(&plain, NULL);

	(void)state;
	netrun_expect(&r, "tc.example", DNS_TXT, "found: TC.EXAMPLE 300");
	netrun_pass(&r, 4000);
	netrun_expect(&r, "tc.example", DNS_TXT, "found: TC.EXAMPLE 300");
	assert_int_equal(hostile_counts(r.servers[0]).connections, 1);
	netrun_pass(&r, 6000);
	netrun_expect(&r, "tc.example", DNS_TXT, "found: TC.EXAMPLE 300");
	assert_int_equal(hostile_counts(r.servers[0]).connections, 2);
	netrun_stop(&r);
}

/* A server that answers in order never gets past "stuck.example".  After a
 * second, the later questions are sent over a second connection. */
static void
rfc7766_a_slow_answer_does_not_delay_others(void **state)
{
	struct netrun r = netrun_start(&plain, NULL);
	struct crowd crowd;
	struct asked all[3];

	(void)state;
	crowd_begin(&crowd, 2);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		all[i] = (struct asked){ .wait = { .done = netrun_answered },
			.crowd = &crowd };
	r.net->ask(r.net, SPAN("stuck.example"), DNS_TXT, &all[2].wait);
	netrun_settle(&r);
	r.net->ask(r.net, SPAN("tc.example"), DNS_TXT, &all[0].wait);
	r.net->ask(r.net, SPAN("tc.b.example"), DNS_TXT, &all[1].wait);
	/* one second of silence, plus what a busy host adds to the fake clock
	 */
	assert_int_in_range(netrun_pass_until(&r, &crowd), 1000, 4000);
	assert_int_equal(all[0].answer->state, DNS_FOUND);
	assert_int_equal(all[1].answer->state, DNS_FOUND);
	assert_int_equal(hostile_counts(r.servers[0]).connections, 2);
	/* the next question uses the connection that works */
	netrun_expect(&r, "tc.c.example", DNS_TXT, "found: TC.C.EXAMPLE 300");
	assert_int_equal(hostile_counts(r.servers[0]).connections, 2);
	dns_answer_unref(all[0].answer);
	dns_answer_unref(all[1].answer);
	crowd_begin(&crowd, 1);
	netrun_pass_until(&r, &crowd);
	assert_int_equal(all[2].answer->fault, DNS_ERROR_TIMEOUT);
	crowd_end(&crowd);
	netrun_stop(&r);
}

/* There are never more than four connections, however many are stuck. */
static void
rfc7766_connections_are_bounded(void **state)
{
	enum { N = 12 };
	struct netrun r = { .servers = { hostile_start(&plain) } };
	struct dns_resolver_options o = {
		.n_servers = 1, .first_ms = 500, .total_ms = 12000
	};
	struct asked all[N];
	struct crowd crowd;
	char error[100];

	(void)state;
	assert_true(ip_parse(SPAN("127.0.0.1"), &o.servers[0].ip));
	o.servers[0].port = hostile_port(r.servers[0]);
	still_begin();
	r.net = dns_resolver_open(&o, error, sizeof(error));
	assert_non_null(r.net);
	crowd_begin(&crowd, N);
	for (size_t i = 0; i < N; i++) {
		all[i] = (struct asked){ .wait = { .done = netrun_answered },
			.crowd = &crowd };
		snprintf(
		    all[i].name, sizeof(all[i].name), "stuck.n%zu.example", i);
		r.net->ask(r.net, span_str(all[i].name), DNS_TXT, &all[i].wait);
		netrun_pass(&r, 200);
	}
	netrun_pass_until(&r, &crowd);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(all[i].answer->fault, DNS_ERROR_TIMEOUT);
	/* four at a time, each closed after 5 s of silence */
	assert_true(hostile_counts(r.servers[0]).connections <= 4 * 4);
	/* each is sent once over UDP and three times over TCP */
	assert_true(hostile_counts(r.servers[0]).tcp <= 3 * N);
	crowd_end(&crowd);
	netrun_stop(&r);
}

static void
rfc7766_a_question_survives_its_connection(void **state)
{
	const struct hostile_options once = { .tcp_drop_first = true };
	struct netrun r = netrun_start(&once, NULL);

	(void)state;
	netrun_expect(&r, "tc.example", DNS_TXT, "found: TC.EXAMPLE 300");
	assert_int_equal(hostile_counts(r.servers[0]).connections, 2);
	netrun_stop(&r);
}

static size_t
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* RFC 5452 section 9.2: no port is used for longer than 30 s or kept open
 * unnecessarily. */
static void
rfc5452_ports_do_not_live_long(void **state)
{
	enum { TURNS = 40 };
	struct netrun r = netrun_start(&plain, NULL);
	size_t before = open_descriptors();
	bool opened = false;

	(void)state;
	for (int i = 0; i < TURNS; i++) {
		netrun_expect(&r, "a.example", DNS_A, "found: 192.0.2.1 60");
		opened = opened || open_descriptors() > before;
	}
	assert_true(opened);
	netrun_pass(&r, 30050);
	assert_int_equal(open_descriptors(), before);
	netrun_expect(&r, "a.example", DNS_A, "found: 192.0.2.1 60");
	netrun_stop(&r);
}

/* If no server has answered for a long time, a message must not wait as long
 * for each further question as for the first. */
static void
questions_time_out_early_while_all_servers_are_silent(void **state)
{
	const struct hostile_options silent = { .silent = true };
	struct netrun r = { .servers = { hostile_start(&silent) } };
	struct dns_resolver_options o = {
		.n_servers = 1, .first_ms = 500, .total_ms = 12000
	};
	char error[100];

	(void)state;
	assert_true(ip_parse(SPAN("127.0.0.1"), &o.servers[0].ip));
	o.servers[0].port = hostile_port(r.servers[0]);
	still_begin();
	r.net = dns_resolver_open(&o, error, sizeof(error));
	assert_non_null(r.net);
	assert_true(netrun_expect_long(&r, "a.example", DNS_TXT,
			"failed unreachable 0") <= 12000);
	assert_int_equal(netrun_expect_long(
			     &r, "b.example", DNS_TXT, "failed unreachable 0"),
	    4000);
	netrun_stop(&r);
}

/* Checks that a question reaches a server at address `at`, configured as
 * `text`. */
static void
expect_asked(struct sockaddr_in6 at, const char *text)
{
	socklen_t size = sizeof(at);
	struct netrun r = { .servers = { NULL } };
	struct dns_resolver_options o = {
		.n_servers = 1, .first_ms = 500, .total_ms = 12000
	};
	struct crowd crowd;
	struct asked a = { .wait = { .done = netrun_answered },
		.crowd = &crowd };
	static const char name[] = "\1a\7example";
	char packet[512] = "", error[100];
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		close(fd);
		skip(); /* this host has no IPv6 */
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	assert_null(server_address_parse(span_str(text), &o.servers[0]));
	o.servers[0].port = ntohs(at.sin6_port);
	r.net = dns_resolver_open(&o, error, sizeof(error));
	assert_non_null(r.net);
	crowd_begin(&crowd, 1);
	r.net->ask(r.net, SPAN("a.example"), DNS_TXT, &a.wait);
	assert_true(recv(fd, packet, sizeof(packet), 0) > 12);
	assert_memory_equal(packet + 12, name, sizeof(name));
	netrun_stop(&r);
	crowd_wait(&crowd);
	assert_int_equal(a.answer->fault, DNS_ERROR_RESOURCE);
	crowd_end(&crowd);
	close(fd);
}

static void
a_server_with_an_ipv6_address(void **state)
{
	const struct sockaddr_in6 at = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };

	(void)state;
	expect_asked(at, "::1");
}

/* RFC 4007 section 11: a link-local address is unique only on one interface. */
static void
a_server_with_a_link_local_address(void **state)
{
	char address[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + IF_NAMESIZE];
	struct sockaddr_in6 at = { .sin6_family = AF_UNSPEC };
	struct ifaddrs *all;

	(void)state;
	assert_int_equal(getifaddrs(&all), 0);
	for (struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		const struct sockaddr_in6 *in6 = (void *)i->ifa_addr;

		if (in6 == NULL || in6->sin6_family != AF_INET6 ||
		    !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
			continue;
		at = *in6;
		inet_ntop(AF_INET6, &at.sin6_addr, address, sizeof(address));
		snprintf(text, sizeof(text), "%s%%%s", address, i->ifa_name);
	}
	freeifaddrs(all);
	if (at.sin6_family == AF_UNSPEC)
		skip(); /* no interface with such an address */
	expect_asked(at, text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silent_server_costs_the_budget_and_no_more),
		cmocka_unit_test(a_silent_domain_is_not_a_silent_server),
		cmocka_unit_test(a_silent_domain_beside_a_silent_server),
		cmocka_unit_test(no_server_listens),
		cmocka_unit_test(no_server_listens_on_udp),
		cmocka_unit_test(one_of_two_servers_is_silent),
		cmocka_unit_test(one_of_two_servers_is_gone),
		cmocka_unit_test(one_of_two_servers_cannot),
		cmocka_unit_test(one_of_two_servers_has_no_route),
		cmocka_unit_test(without_file_descriptors),
		cmocka_unit_test(a_server_that_was_down_is_used_again),
		cmocka_unit_test(five_of_a_hundred_datagrams_are_lost),
		cmocka_unit_test(rfc7766_an_idle_connection_is_closed),
		cmocka_unit_test(rfc7766_a_slow_answer_does_not_delay_others),
		cmocka_unit_test(rfc7766_connections_are_bounded),
		cmocka_unit_test(rfc7766_a_question_survives_its_connection),
		cmocka_unit_test(rfc5452_ports_do_not_live_long),
		cmocka_unit_test(
		    questions_time_out_early_while_all_servers_are_silent),
		cmocka_unit_test(a_server_with_an_ipv6_address),
		cmocka_unit_test(a_server_with_a_link_local_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
