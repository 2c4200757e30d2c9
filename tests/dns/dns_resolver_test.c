/* Tests of dns/resolver.h with a name server that misbehaves. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/queue.h"
#include "dns/resolver.h"
#include "lib/enum_names.h"
#include "tests/support/cmocka_compat.h"
#include "tests/support/netrun.h"
#include "tests/support/fake_clock.h"

static const struct hostile_options plain;

struct dns_resolver_vector {
	const char *name;
	enum dns_type type;
	const char *want;
};

static const struct dns_resolver_vector answers[] = {
	{ "a.example", DNS_TXT, "found: A.EXAMPLE 300" },
	{ "a.example", DNS_A, "found: 192.0.2.1 60" },
	{ "a.example", DNS_AAAA, "found: 2001:db8::1 60" },
	{ "a.example", DNS_MX, "found: 10 mail.a.example| 50" },
	{ "a.example", DNS_PTR, "nodata 90" },
	{ "a b!\"\\.example", DNS_TXT, "found: A B!\"\\.EXAMPLE 300" },
	{ "nodata.example", DNS_TXT, "nodata 90" },
	{ "nxdomain.example", DNS_TXT, "nxdomain 90" },
	{ "nosoa.example", DNS_TXT, "nxdomain 0" },
	{ "chain.example", DNS_TXT, "found: end -> c.example 60" },
	{ "chain.example", DNS_CNAME, "found: b.example 80" },
	{ "chain-nxdomain.example", DNS_TXT, "nxdomain -> gone.example 30" },
	{ "loop.example", DNS_TXT, "failed garbled 0" },
	{ "stranger.example", DNS_TXT, "nodata 0" },
	{ "servfail.example", DNS_TXT, "failed servfail 0" },
	{ "refused.example", DNS_TXT, "failed refused 0" },
	{ "notauth.example", DNS_TXT, "failed rcode 0" },
	{ "badvers.example", DNS_TXT, "found: BADVERS.EXAMPLE 300" },
	{ "referral.example", DNS_TXT, "failed refused 0" },
};

static const struct dns_resolver_vector attacks[] = {
	{ "dup.example", DNS_TXT, "found: DUP.EXAMPLE 300" },
	{ "wrong-id.example", DNS_TXT, "found: WRONG-ID.EXAMPLE 300" },
	{ "wrong-name.example", DNS_TXT, "found: WRONG-NAME.EXAMPLE 300" },
	{ "wrong-type.example", DNS_TXT, "found: WRONG-TYPE.EXAMPLE 300" },
	{ "wrong-class.example", DNS_TXT, "found: WRONG-CLASS.EXAMPLE 300" },
	{ "echo.example", DNS_TXT, "found: ECHO.EXAMPLE 300" },
	{ "case.example", DNS_TXT, "found: CASE.EXAMPLE 300" },
	{ "cut.example", DNS_TXT, "found: CUT.EXAMPLE 300" },
	{ "garbage.example", DNS_TXT, "found: GARBAGE.EXAMPLE 300" },
	{ "garbage-first.example", DNS_TXT,
	    "found: GARBAGE-FIRST.EXAMPLE 300" },
	{ "broken.example", DNS_TXT, "failed garbled 0" },
	{ "tc.example", DNS_TXT, "found: TC.EXAMPLE 300" },
	{ "tc-always.example", DNS_TXT, "failed garbled 0" },
	{ "formerr-always.example", DNS_TXT, "failed rcode 0" },
	{ "formerr.example", DNS_TXT, "found: FORMERR.EXAMPLE 300" },
};

static void
expect_all(struct netrun *r, const struct dns_resolver_vector *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		netrun_expect(r, v[i].name, v[i].type, v[i].want);
}

static void
answers_of_all_kinds(void **state)
{
	struct netrun r = netrun_start(&plain, NULL);
	struct dns_resolver_counts counts;

	(void)state;
	expect_all(&r, answers, ARRAY_SIZE(answers));
	assert_int_equal(netrun_expect_long(
			     &r, "silent.example", DNS_TXT, "failed timeout 0"),
	    NETRUN_TOTAL_MS);
	dns_resolver_counts(r.net, &counts);
	/* two more: one for "silent.example", and one for "localhost", whose
	 * answer shows that the server itself is not silent */
	assert_int_equal(counts.questions, ARRAY_SIZE(answers) + 2);
	assert_int_equal(counts.timeouts, 1);
	assert_int_equal(counts.servfails, 1);
	assert_int_equal(counts.tcp, 0);
	assert_int_equal(counts.repetitions, 4);
	netrun_stop(&r);
}

static void
rfc5452_replies_that_are_wrong(void **state)
{
	struct netrun r = netrun_start(&plain, NULL);
	struct dns_resolver_counts counts;

	(void)state;
	expect_all(&r, attacks, ARRAY_SIZE(attacks));
	dns_resolver_counts(r.net, &counts);
	assert_true(counts.strays >= 5);
	assert_int_equal(counts.timeouts, 0);
	netrun_stop(&r);
}

/* Asks each kind of question in `attacks` for many names at once, and checks
 * that each question gets its own answer. */
static void
many_kinds_at_once(void **state)
{
	/* as many as fit into the buffer of the server's socket */
	enum { KINDS = ARRAY_SIZE(attacks), TIMES = 15 };
	struct netrun r = netrun_start(&plain, NULL);
	struct asked *all = calloc(KINDS * TIMES, sizeof(*all));
	struct crowd crowd;

	(void)state;
	assert_non_null(all);
	crowd_begin(&crowd, KINDS * TIMES);
	for (size_t i = 0; i < KINDS * TIMES; i++) {
		struct span kind = span_str(attacks[i % KINDS].name);

		all[i].wait.done = netrun_answered;
		all[i].crowd = &crowd;
		kind.n = span_index(kind, '.');
		snprintf(all[i].name, sizeof(all[i].name), "%.*s.n%zu.example",
		    SPAN_FMT(kind), i);
		r.net->ask(r.net, span_str(all[i].name), DNS_TXT, &all[i].wait);
	}
	crowd_wait(&crowd);
	for (size_t i = 0; i < KINDS * TIMES; i++) {
		const char *want = attacks[i % KINDS].want;
		const struct dns_answer *a = all[i].answer;

		assert_int_equal(all[i].times, 1);
		if (strncmp(want, "found", 5) == 0) {
			assert_int_equal(a->state, DNS_FOUND);
			assert_true(
			    span_is_nocase(a->records[0].text, all[i].name));
		} else {
			char text[100];

			netrun_describe(a, text, sizeof(text));
			assert_string_equal(text, want);
		}
		dns_answer_unref(a);
	}
	crowd_end(&crowd);
	free(all);
	netrun_stop(&r);
}

static void
rfc7766_a_connection_is_used_again(void **state)
{
	struct netrun r = netrun_start(&plain, NULL);

	(void)state;
	for (int i = 0; i < 5; i++)
		netrun_expect(
		    &r, "tc.example", DNS_TXT, "found: TC.EXAMPLE 300");
	assert_int_equal(hostile_counts(r.servers[0]).connections, 1);
	assert_int_equal(hostile_counts(r.servers[0]).tcp, 5);
	netrun_stop(&r);
}

/* The server closes each connection after one answer. */
static void
rfc7766_a_closed_connection_is_opened_again(void **state)
{
	const struct hostile_options once = { .tcp_once = true };
	struct netrun r = netrun_start(&once, NULL);

	(void)state;
	for (int i = 0; i < 5; i++)
		netrun_expect(
		    &r, "tc.example", DNS_TXT, "found: TC.EXAMPLE 300");
	netrun_stop(&r);
}

static void
truncated_but_no_server_listens_on_tcp(void **state)
{
	const struct hostile_options no_tcp = { .no_tcp = true };
	struct netrun r = netrun_start(&no_tcp, NULL);

	(void)state;
	netrun_expect(&r, "tc.example", DNS_TXT, "failed unreachable 0");
	netrun_stop(&r);
	r = netrun_start(&no_tcp, &plain);
	netrun_expect(&r, "tc.example", DNS_TXT, "found: TC.EXAMPLE 300");
	netrun_stop(&r);
}

/* The resolver remembers servers that refuse EDNS, and sends them later
 * questions without it. */
static void
rfc6891_servers_without_edns(void **state)
{
	const struct hostile_options old = { .no_edns = true };
	struct netrun r = netrun_start(&old, NULL);

	(void)state;
	netrun_expect(&r, "a.example", DNS_TXT, "found: A.EXAMPLE 300");
	netrun_expect(&r, "b.example", DNS_TXT, "found: B.EXAMPLE 300");
	netrun_expect(&r, "c.example", DNS_TXT, "found: C.EXAMPLE 300");
	assert_int_equal(hostile_counts(r.servers[0]).udp, 4);
	assert_int_equal(hostile_counts(r.servers[0]).with_edns, 1);
	netrun_stop(&r);
	r = netrun_start(&plain, NULL);
	netrun_expect(
	    &r, "notimp.example", DNS_TXT, "found: NOTIMP.EXAMPLE 300");
	netrun_stop(&r);
}

/* RFC 6891 section 6.2.2: if a server has never answered with EDNS, the third
 * question to it and all later ones are sent without EDNS. */
static void
rfc6891_servers_that_drop_edns(void **state)
{
	const struct hostile_options dropping = { .no_edns_silent = true };
	struct netrun r = netrun_start(&dropping, NULL);

	(void)state;
	assert_int_equal(netrun_expect_long(
			     &r, "a.example", DNS_TXT, "found: A.EXAMPLE 300"),
	    2 * NETRUN_FIRST_MS);
	netrun_expect(&r, "b.example", DNS_TXT, "found: B.EXAMPLE 300");
	assert_int_equal(hostile_counts(r.servers[0]).with_edns, 2);
	netrun_stop(&r);
}

/* If a server has answered with EDNS before, silence only means that it is
 * slow. */
static void
rfc6891_silence_does_not_undo_edns(void **state)
{
	struct netrun r = netrun_start(&plain, NULL);

	(void)state;
	netrun_expect(&r, "a.example", DNS_TXT, "found: A.EXAMPLE 300");
	netrun_expect_long(&r, "silent.example", DNS_TXT, "failed timeout 0");
	assert_int_equal(hostile_counts(r.servers[0]).with_edns, 7);
	assert_int_equal(hostile_counts(r.servers[0]).udp, 7);
	netrun_stop(&r);
}

/* RFC 5452 section 9: if someone guesses ids, the port is closed, and the
 * question is sent over TCP. */
static unsigned forged;

static void
on_forged(const struct server_address *server)
{
	assert_int_equal(server->ip.bytes[0], 127);
	forged++;
}

static void
rfc5452_guessed_ids(void **state)
{
	struct hostile *server = hostile_start(&plain);
	struct netrun r = { .servers = { server } };
	struct dns_resolver_options o = { .n_servers = 1,
		.first_ms = 500,
		.total_ms = 12000,
		.on_forged = on_forged };
	struct dns_resolver_counts counts;
	char error[100];

	(void)state;
	forged = 0;
	assert_true(ip_parse(SPAN("127.0.0.1"), &o.servers[0].ip));
	o.servers[0].port = hostile_port(server);
	still_begin();
	r.net = dns_resolver_open(&o, error, sizeof(error));
	assert_non_null(r.net);
	netrun_expect(&r, "guess.example", DNS_TXT, "found: GUESS.EXAMPLE 300");
	netrun_settle(&r);
	dns_resolver_counts(r.net, &counts);
	assert_int_equal(counts.wrong_ids, 16); /* of 32 */
	assert_int_equal(counts.suspect_ports, 1);
	assert_int_equal(counts.tcp, 1);
	netrun_expect(&r, "a.example", DNS_TXT, "found: A.EXAMPLE 300");
	netrun_stop(&r);
	assert_int_equal(forged, 1);
}

/* Asks n questions, but only when all but 100 of those asked before have
 * reached the server, because its receive buffer may be small. */
static void
ask_paced(struct dns_source *net, struct asked *all, size_t n, size_t from,
    struct crowd *crowd, struct hostile *server, atomic_uint *asked)
{
	enum { STEP = 25, AHEAD = 100 };

	for (size_t i = 0; i < n; i += STEP) {
		while (atomic_load(asked) > hostile_counts(server).udp + AHEAD)
			usleep(200);
		atomic_fetch_add(asked, STEP);
		netrun_ask_many(net, all + i, STEP, from + i, crowd);
	}
}

static void
thousands_in_flight_answered_last_first(void **state)
{
	enum { N = 1000 };
	const struct hostile_options o = { .hold = N };
	struct netrun r = netrun_start(&o, NULL);
	struct asked *all = calloc(N, sizeof(*all));
	struct crowd crowd;
	atomic_uint asked = 0;

	(void)state;
	assert_non_null(all);
	crowd_begin(&crowd, N);
	ask_paced(r.net, all, N, 0, &crowd, r.servers[0], &asked);
	netrun_pass_until(&r, &crowd);
	netrun_check_many(all, N, 0);
	crowd_end(&crowd);
	free(all);
	netrun_stop(&r);
}

struct dns_resolver_thread {
	pthread_t thread;
	struct netrun *run;
	size_t from;
	struct crowd *crowd;
	atomic_uint *asked;
	struct asked all[250];
};

static void *
ask_from_thread(void *arg)
{
	struct dns_resolver_thread *a = arg;

	ask_paced(a->run->net, a->all, 250, a->from, a->crowd,
	    a->run->servers[0], a->asked);
	return NULL;
}

static void
many_threads_ask(void **state)
{
	enum { THREADS = 8 };
	struct dns_resolver_thread *askers = calloc(THREADS, sizeof(*askers));
	struct netrun r = netrun_start(&plain, NULL);
	struct crowd crowd;
	atomic_uint asked = 0;

	(void)state;
	assert_non_null(askers);
	crowd_begin(&crowd, THREADS * 250);
	for (size_t i = 0; i < THREADS; i++) {
		askers[i].run = &r;
		askers[i].from = i * 250;
		askers[i].crowd = &crowd;
		askers[i].asked = &asked;
		pthread_create(
		    &askers[i].thread, NULL, ask_from_thread, &askers[i]);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(askers[i].thread, NULL);
	netrun_pass_until(&r, &crowd); /* the kernel may drop answers */
	for (size_t i = 0; i < THREADS; i++)
		netrun_check_many(askers[i].all, 250, i * 250);
	crowd_end(&crowd);
	free(askers);
	netrun_stop(&r);
}

/* Asks the next question from within done(). */
struct chained {
	struct asked asked; /* must be the first member */
	struct dns_source *net;
	unsigned left;
};

static void
answered_next(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct chained *c = (struct chained *)wait;

	assert_int_equal(answer->state, DNS_FOUND);
	if (c->left-- == 0)
		c->asked.wait.done = netrun_answered;
	c->net->ask(c->net, SPAN("a.example"), DNS_A, wait);
}

static void
an_answer_asks_the_next(void **state)
{
	struct netrun r = netrun_start(&plain, NULL);
	struct crowd crowd;
	struct chained c = { .asked = { .wait = { .done = answered_next },
				 .crowd = &crowd },
		.net = r.net,
		.left = 100 };

	(void)state;
	crowd_begin(&crowd, 1);
	r.net->ask(r.net, SPAN("a.example"), DNS_A, &c.asked.wait);
	crowd_wait(&crowd);
	dns_answer_unref(c.asked.answer);
	crowd_end(&crowd);
	netrun_stop(&r);
}

/* Returns the number of questions that failed because of `fault`. */
static size_t
count_failed(const struct asked *all, size_t n, enum dns_error fault)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += all[i].times == 1 && all[i].answer->fault == fault;
	return count;
}

static void
more_questions_than_may_be_unanswered(void **state)
{
	enum { N = DNS_NET_UNANSWERED_MAX + 100 };
	const struct hostile_options silent = { .silent = true };
	struct netrun r = netrun_start(&silent, NULL);
	struct asked *all = calloc(N, sizeof(*all));
	struct crowd crowd;

	(void)state;
	assert_non_null(all);
	crowd_begin(&crowd, N);
	netrun_ask_many(r.net, all, N, 0, &crowd);
	assert_int_equal(count_failed(all, N, DNS_ERROR_RESOURCE), 100);
	assert_int_equal(crowd_missing(&crowd), N - 100);
	netrun_stop(&r);
	assert_int_equal(crowd.missing, 0);
	crowd_end(&crowd);
	free(all);
}

/* While the resolver is crowded, a timeout is not blamed on the server. */
static void
timeouts_while_crowded_are_ours(void **state)
{
	enum { MORE = 152, N = DNS_NET_CROWDED + MORE };
	const struct hostile_options silent = { .silent = true };
	struct netrun r = netrun_start(&silent, NULL);
	struct asked *all = calloc(N, sizeof(*all));
	struct dns_resolver_counts counts;
	struct crowd crowd;

	(void)state;
	assert_non_null(all);
	crowd_begin(&crowd, N);
	netrun_ask_many(r.net, all, N, 0, &crowd);
	dns_resolver_counts(r.net, &counts);
	assert_int_equal(counts.unanswered, N);
	netrun_pass_until(&r, &crowd);
	assert_int_equal(count_failed(all, N, DNS_ERROR_RESOURCE), MORE);
	assert_int_equal(
	    count_failed(all, N, DNS_ERROR_UNREACHABLE), DNS_NET_CROWDED);
	dns_resolver_counts(r.net, &counts);
	assert_int_equal(counts.crowded, MORE);
	assert_int_equal(counts.unreachable, DNS_NET_CROWDED);
	assert_true(counts.unanswered <= 1); /* "localhost" */
	crowd_end(&crowd);
	free(all);
	netrun_stop(&r);
}

/* An overloaded server may answer with an error. */
static void
failures_while_crowded_are_ours(void **state)
{
	static const char *const names[] = { "servfail.example",
		"refused.example", "notauth.example" };
	static const enum dns_error want[] = { DNS_ERROR_RESOURCE,
		DNS_ERROR_RESOURCE, DNS_ERROR_RCODE };
	struct netrun r = netrun_start(&plain, NULL);
	struct asked *all = calloc(DNS_NET_CROWDED, sizeof(*all));
	struct crowd crowd;

	(void)state;
	assert_non_null(all);
	crowd_begin(&crowd, DNS_NET_CROWDED);
	for (size_t i = 0; i < DNS_NET_CROWDED; i++) {
		struct asked *a = &all[i];

		*a = (struct asked){ .wait = { .done = netrun_answered },
			.crowd = &crowd };
		snprintf(a->name, sizeof(a->name), "silent.n%zu.example", i);
		r.net->ask(r.net, span_str(a->name), DNS_TXT, &a->wait);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(
		    netrun_ask(&r, names[i], DNS_TXT)->fault, want[i]);
	netrun_stop(&r);
	crowd_end(&crowd);
	free(all);
}

/* A message's share of the table shrinks as other messages fill it; prefetches
 * are dropped first. */
static void
a_crowd_leaves_room_for_the_next_message(void **state)
{
	static const struct {
		size_t unanswered;
		unsigned share;
	} shares[] = {
		{ 0, DNS_SHARE_MAX },
		{ DNS_NET_CROWDED, DNS_SHARE_MAX },
		{ DNS_NET_CROWDED + DNS_NET_CROWDED / 2, 18 },
		{ 2 * DNS_NET_CROWDED, 4 },
		{ 4 * DNS_NET_CROWDED - 1, 4 },
		{ 4 * DNS_NET_CROWDED, 1 },
		{ DNS_NET_UNANSWERED_MAX, 1 },
	};
	const struct hostile_options silent = { .silent = true };
	struct netrun r = netrun_start(&silent, NULL);
	struct asked *all = calloc(DNS_NET_UNANSWERED_MAX, sizeof(*all));
	struct crowd crowd, few;
	struct asked early = { .wait = { .done = netrun_answered,
				   .prefetch = true },
		.crowd = &few };
	struct asked late = early;
	size_t n = 1;

	(void)state;
	assert_non_null(all);
	crowd_begin(&few, 2);
	crowd_begin(&crowd, DNS_NET_UNANSWERED_MAX);
	r.net->ask(r.net, SPAN("early.example"), DNS_TXT, &early.wait);
	assert_int_equal(dns_source_share(r.net), DNS_SHARE_MAX);
	for (size_t i = 1; i < ARRAY_SIZE(shares); i++) {
		netrun_ask_many(
		    r.net, all + n, shares[i].unanswered - n, n, &crowd);
		n = shares[i].unanswered;
		assert_int_equal(dns_source_share(r.net), shares[i].share);
	}
	r.net->ask(r.net, SPAN("late.example"), DNS_TXT, &late.wait);
	assert_int_equal(late.answer->fault, DNS_ERROR_BUDGET);
	assert_int_equal(early.times, 0);
	assert_true(netrun_pass_until(&r, &few) <= NETRUN_FIRST_MS);
	assert_int_equal(early.answer->fault, DNS_ERROR_BUDGET);
	netrun_stop(&r);
	crowd_end(&crowd);
	crowd_end(&few);
	free(all);
}

static void
ask_for_crowd(struct netrun *r, struct asked *a, struct crowd *crowd,
    const char *prefix, const char *domain)
{
	*a = (struct asked){ .wait = { .done = netrun_answered },
		.crowd = crowd };
	snprintf(a->name, sizeof(a->name), "%s.%s", prefix, domain);
	r->net->ask(r->net, span_str(a->name), DNS_TXT, &a->wait);
}

/* While the resolver is crowded, a domain with four overdue questions gets no
 * more questions, but other domains of the same registry do. */
static void
check_dead_domain(const char *domain, const char *registry)
{
	enum { DEAD = 5, OTHERS = 4 };
	static const char *const prefixes[] = { "n0", "n1", "n2", "n3", "n4" };
	const struct hostile_options silent = { .silent = true };
	struct netrun r = netrun_start(&silent, NULL);
	struct asked *all = calloc(DNS_NET_CROWDED, sizeof(*all));
	struct asked dead[DEAD], late, others[OTHERS];
	struct crowd crowd, few, rest;

	assert_non_null(all);
	crowd_begin(&crowd, DNS_NET_CROWDED);
	crowd_begin(&few, DEAD + 1);
	crowd_begin(&rest, OTHERS);
	for (size_t i = 0; i < DEAD; i++) {
		if (i == DEAD - 1) /* the first four become overdue; the last is
		                      sent anyway */
			netrun_pass(&r, 2 * NETRUN_FIRST_MS);
		ask_for_crowd(&r, &dead[i], &few, prefixes[i], domain);
	}
	netrun_settle(&r);
	assert_int_equal(crowd_missing(&few), DEAD + 1);
	netrun_ask_many(r.net, all, DNS_NET_CROWDED, 0, &crowd);
	ask_for_crowd(&r, &late, &few, "late", domain);
	for (size_t i = 0; i < OTHERS; i++)
		ask_for_crowd(&r, &others[i], &rest, prefixes[i], registry);
	netrun_settle(&r);
	assert_int_equal(late.times, 1);
	assert_int_equal(late.answer->fault, DNS_ERROR_RESOURCE);
	assert_int_equal(crowd_missing(&few), DEAD);
	assert_int_equal(crowd_missing(&crowd), DNS_NET_CROWDED);
	/* not all four names have the same hash value as `domain` */
	if (crowd_missing(&rest) == 0)
		fail_msg("%s is dead, and so is %s", domain, registry);
	netrun_stop(&r);
	crowd_end(&crowd);
	crowd_end(&few);
	crowd_end(&rest);
	free(all);
}

static void
a_dead_domain_is_not_asked_while_crowded(void **state)
{
	(void)state;
	check_dead_domain("dead.example", "example");
	check_dead_domain("dead.co.uk", "co.uk");
	check_dead_domain("0.192.in-addr.arpa", "192.in-addr.arpa");
	check_dead_domain("8.b.d.0.1.0.0.2.ip6.arpa", "b.d.0.1.0.0.2.ip6.arpa");
}

/* A client that repeats HELO and never waits for an answer neither fills the
 * table nor has more questions sent for its domain. */
static void
questions_of_ended_messages_do_not_fill_the_table(void **state)
{
	enum { N = 5 * DNS_NET_CROWDED };
	const struct hostile_options silent = { .silent = true };
	struct netrun r = netrun_start(&silent, NULL);
	struct asked *all = calloc(N, sizeof(*all));
	struct dns_resolver_counts counts;
	struct asked late;
	struct crowd crowd;

	(void)state;
	assert_non_null(all);
	crowd_begin(&crowd, N + 1);
	for (size_t i = 0; i < N; i++) {
		struct dns_source *queue = dns_queue_open(r.net);
		struct asked *a = &all[i];

		assert_non_null(queue);
		*a = (struct asked){ .wait = { .done = netrun_answered },
			.crowd = &crowd };
		snprintf(a->name, sizeof(a->name), "n%zu.dead.example", i);
		queue->ask(queue, span_str(a->name), DNS_TXT, &a->wait);
		queue->close(queue);
	}
	dns_resolver_counts(r.net, &counts);
	assert_int_equal(counts.unanswered, N);
	netrun_pass(&r, NETRUN_FIRST_MS);
	dns_resolver_counts(r.net, &counts);
	assert_int_in_range(
	    counts.unanswered, DNS_NET_CROWDED, 4 * DNS_NET_CROWDED);
	ask_for_crowd(&r, &late, &crowd, "late", "dead.example");
	netrun_settle(&r);
	assert_int_equal(late.times, 1);
	assert_int_equal(late.answer->fault, DNS_ERROR_RESOURCE);
	netrun_stop(&r);
	crowd_end(&crowd);
	free(all);
}

static void
close_answers_all(void **state)
{
	enum { N = 500 };
	const struct hostile_options silent = { .silent = true };
	struct netrun r = netrun_start(&silent, NULL);
	struct asked all[N];
	struct crowd crowd;

	(void)state;
	crowd_begin(&crowd, N);
	netrun_ask_many(r.net, all, N / 2, 0, &crowd);
	netrun_settle(&r);
	netrun_ask_many(r.net, all + N / 2, N / 2, 0, &crowd);
	netrun_stop(&r);
	assert_int_equal(crowd.missing, 0);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(all[i].times, 1);
		assert_int_equal(all[i].answer->fault, DNS_ERROR_RESOURCE);
	}
	crowd_end(&crowd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_of_all_kinds),
		cmocka_unit_test(rfc5452_replies_that_are_wrong),
		cmocka_unit_test(many_kinds_at_once),
		cmocka_unit_test(rfc7766_a_connection_is_used_again),
		cmocka_unit_test(rfc7766_a_closed_connection_is_opened_again),
		cmocka_unit_test(truncated_but_no_server_listens_on_tcp),
		cmocka_unit_test(rfc6891_servers_without_edns),
		cmocka_unit_test(rfc6891_servers_that_drop_edns),
		cmocka_unit_test(rfc6891_silence_does_not_undo_edns),
		cmocka_unit_test(rfc5452_guessed_ids),
		cmocka_unit_test(thousands_in_flight_answered_last_first),
		cmocka_unit_test(many_threads_ask),
		cmocka_unit_test(an_answer_asks_the_next),
		cmocka_unit_test(more_questions_than_may_be_unanswered),
		cmocka_unit_test(timeouts_while_crowded_are_ours),
		cmocka_unit_test(failures_while_crowded_are_ours),
		cmocka_unit_test(a_crowd_leaves_room_for_the_next_message),
		cmocka_unit_test(a_dead_domain_is_not_asked_while_crowded),
		cmocka_unit_test(
		    questions_of_ended_messages_do_not_fill_the_table),
		cmocka_unit_test(close_answers_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
