/* dns/net.h, against a name server that does what it should not */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/net.h"
#include "lib/buf.h"
#include "tests/support/hostile.h"

enum { FIRST_MS = 250, TOTAL_MS = 3000, PATIENCE_S = 20 };

/* ---- asking and waiting ---- */

struct crowd {
	pthread_mutex_t lock;
	pthread_cond_t all;
	size_t missing;
};

struct asked {
	struct dns_wait wait; /* first */
	struct crowd *crowd;
	char name[64];
	enum dns_type type;
	const struct dns_answer *answer;
	unsigned times;
};

static void
told(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct asked *a = (struct asked *)wait;

	pthread_mutex_lock(&a->crowd->lock);
	if (a->times++ == 0) {
		a->answer = dns_answer_hold(answer);
		if (--a->crowd->missing == 0)
			pthread_cond_signal(&a->crowd->all);
	}
	pthread_mutex_unlock(&a->crowd->lock);
}

static void
crowd_begin(struct crowd *c, size_t n)
{
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->all, NULL);
	c->missing = n;
}

static void
crowd_wait(struct crowd *c)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&c->lock);
	while (c->missing > 0)
		if (pthread_cond_timedwait(&c->all, &c->lock, &until) ==
		    ETIMEDOUT)
			fail_msg("%zu questions are not answered", c->missing);
	pthread_mutex_unlock(&c->lock);
}

static void
crowd_end(struct crowd *c)
{
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->all);
}

/* The caller drops it. */
static const struct dns_answer *
ask(struct dns_source *net, const char *name, enum dns_type type)
{
	struct crowd crowd;
	struct asked a = { .wait = { .done = told }, .crowd = &crowd };

	crowd_begin(&crowd, 1);
	net->ask(net, span_str(name), type, &a.wait);
	crowd_wait(&crowd);
	crowd_end(&crowd);
	return a.answer;
}

static void
describe(const struct dns_answer *a, char *text, size_t size)
{
	struct buf b = buf_over(text, size);

	buf_text(&b, dns_state_name(a->state));
	if (a->state == DNS_FAILED)
		buf_printf(&b, " %s", dns_fault_name(a->fault));
	for (size_t i = 0; i < a->n_records; i++) {
		const struct dns_record *r = &a->records[i];

		buf_text(&b, i == 0 ? ": " : "|");
		if (r->ip.family != IP_NONE)
			ip_put(&b, &r->ip);
		if (r->preference > 0)
			buf_printf(&b, "%u ", r->preference);
		buf_span(&b, r->text);
	}
	if (a->alias.p != NULL) {
		buf_text(&b, " -> ");
		buf_span(&b, a->alias);
	}
	buf_printf(&b, " %u", a->ttl);
}

static void
expect(struct dns_source *net, const char *name, enum dns_type type,
    const char *want)
{
	const struct dns_answer *a = ask(net, name, type);
	char text[1024];

	describe(a, text, sizeof(text));
	if (strcmp(text, want) != 0)
		fail_msg("%s %s: got \"%s\", want \"%s\"", name,
		    dns_type_name(type), text, want);
	dns_answer_drop(a);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the resolver over one server or two ---- */

struct pair {
	struct hostile *servers[2];
	struct dns_source *net;
};

static void
open_net(struct pair *p, const uint16_t *ports, size_t n, bool trust_ad)
{
	struct dns_net_options o = { .n_servers = n,
		.first_ms = FIRST_MS,
		.total_ms = TOTAL_MS,
		.trust_ad = trust_ad };
	char error[200] = "";

	for (size_t i = 0; i < n; i++) {
		o.servers[i].port = ports[i];
		assert_true(ip_parse(SPAN("127.0.0.1"), &o.servers[i].ip));
	}
	p->net = dns_net_open(&o, error, sizeof(error));
	if (p->net == NULL)
		fail_msg("%s", error);
}

static struct pair
start(const struct hostile_options *one, const struct hostile_options *two)
{
	struct pair p = { .servers = { hostile_start(one),
			      two != NULL ? hostile_start(two) : NULL } };
	uint16_t ports[2];
	size_t n = two != NULL ? 2 : 1;

	for (size_t i = 0; i < n; i++)
		ports[i] = hostile_port(p.servers[i]);
	open_net(&p, ports, n, false);
	return p;
}

static void
stop(struct pair *p)
{
	p->net->close(p->net);
	for (size_t i = 0; i < 2; i++)
		if (p->servers[i] != NULL)
			hostile_stop(p->servers[i]);
}

static const struct hostile_options plain;

/* ---- tests ---- */

struct vector {
	const char *name;
	enum dns_type type;
	const char *want;
};

static const struct vector answers[] = {
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
	{ "badvers.example", DNS_TXT, "failed rcode 0" },
	{ "referral.example", DNS_TXT, "failed refused 0" },
	{ "silent.example", DNS_TXT, "failed timeout 0" },
};

static const struct vector attacks[] = {
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
expect_all(struct dns_source *net, const struct vector *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect(net, v[i].name, v[i].type, v[i].want);
}

static void
answers_of_all_kinds(void **state)
{
	struct pair p = start(&plain, NULL);
	struct dns_net_counts counts;

	(void)state;
	expect_all(p.net, answers, sizeof(answers) / sizeof(*answers));
	dns_net_counts(p.net, &counts);
	assert_int_equal(counts.questions, sizeof(answers) / sizeof(*answers));
	assert_int_equal(counts.timeouts, 1);
	assert_int_equal(counts.servfails, 1);
	assert_int_equal(counts.tcp, 0);
	assert_true(counts.repetitions >= 3);
	stop(&p);
}

static void
rfc5452_replies_that_are_not_right(void **state)
{
	struct pair p = start(&plain, NULL);
	struct dns_net_counts counts;

	(void)state;
	expect_all(p.net, attacks, sizeof(attacks) / sizeof(*attacks));
	dns_net_counts(p.net, &counts);
	assert_true(counts.strays >= 5);
	assert_int_equal(counts.timeouts, 0);
	stop(&p);
}

/* The same at once, of many names: each has its own answer. */
static void
many_kinds_at_once(void **state)
{
	enum { KINDS = sizeof(attacks) / sizeof(*attacks), TIMES = 40 };
	struct pair p = start(&plain, NULL);
	struct asked *all = calloc(KINDS * TIMES, sizeof(*all));
	struct crowd crowd;

	(void)state;
	assert_non_null(all);
	crowd_begin(&crowd, KINDS * TIMES);
	for (size_t i = 0; i < KINDS * TIMES; i++) {
		struct span kind = span_str(attacks[i % KINDS].name);

		all[i].wait.done = told;
		all[i].crowd = &crowd;
		kind.n = span_index(kind, '.');
		snprintf(all[i].name, sizeof(all[i].name), "%.*s.n%zu.example",
		    SPAN_FMT(kind), i);
		p.net->ask(p.net, span_str(all[i].name), DNS_TXT, &all[i].wait);
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

			describe(a, text, sizeof(text));
			assert_string_equal(text, want);
		}
		dns_answer_drop(a);
	}
	crowd_end(&crowd);
	free(all);
	stop(&p);
}

static void
rfc7766_a_connection_is_used_again(void **state)
{
	struct pair p = start(&plain, NULL);

	(void)state;
	for (int i = 0; i < 5; i++)
		expect(p.net, "tc.example", DNS_TXT, "found: TC.EXAMPLE 300");
	assert_int_equal(hostile_counts(p.servers[0]).connections, 1);
	assert_int_equal(hostile_counts(p.servers[0]).tcp, 5);
	stop(&p);
}

/* Each connection is closed after one answer, as more are awaited. */
static void
rfc7766_a_closed_connection_is_opened_again(void **state)
{
	const struct hostile_options once = { .tcp_once = true };
	struct pair p = start(&once, NULL);

	(void)state;
	for (int i = 0; i < 5; i++)
		expect(p.net, "tc.example", DNS_TXT, "found: TC.EXAMPLE 300");
	stop(&p);
}

static void
truncated_where_nobody_listens_on_tcp(void **state)
{
	const struct hostile_options no_tcp = { .no_tcp = true };
	struct pair p = start(&no_tcp, NULL);
	int64_t begun = now_ms();

	(void)state;
	expect(p.net, "tc.example", DNS_TXT, "failed garbled 0");
	assert_true(now_ms() - begun < FIRST_MS);
	stop(&p);
	p = start(&no_tcp, &plain);
	expect(p.net, "tc.example", DNS_TXT, "found: TC.EXAMPLE 300");
	stop(&p);
}

/* Also remembered: the later questions go without EDNS at once. */
static void
rfc6891_servers_without_edns(void **state)
{
	const struct hostile_options old = { .no_edns = true };
	struct pair p = start(&old, NULL);

	(void)state;
	expect(p.net, "a.example", DNS_TXT, "found: A.EXAMPLE 300");
	expect(p.net, "b.example", DNS_TXT, "found: B.EXAMPLE 300");
	expect(p.net, "c.example", DNS_TXT, "found: C.EXAMPLE 300");
	assert_int_equal(hostile_counts(p.servers[0]).udp, 4);
	assert_int_equal(hostile_counts(p.servers[0]).with_edns, 1);
	stop(&p);
	p = start(&plain, NULL);
	expect(p.net, "notimp.example", DNS_TXT, "found: NOTIMP.EXAMPLE 300");
	stop(&p);
}

static void
rfc6840_authentic_only_where_trusted(void **state)
{
	const struct dns_answer *a;
	struct pair p = start(&plain, NULL);
	uint16_t port = hostile_port(p.servers[0]);

	(void)state;
	a = ask(p.net, "authentic.example", DNS_TXT);
	assert_false(a->authentic);
	assert_true(a->size > 30);
	dns_answer_drop(a);
	assert_int_equal(hostile_counts(p.servers[0]).with_ad, 0);
	p.net->close(p.net);
	open_net(&p, &port, 1, true);
	a = ask(p.net, "authentic.example", DNS_TXT);
	assert_true(a->authentic);
	dns_answer_drop(a);
	a = ask(p.net, "other.example", DNS_TXT);
	assert_false(a->authentic);
	dns_answer_drop(a);
	assert_int_equal(hostile_counts(p.servers[0]).with_ad, 2);
	stop(&p);
}

static void
a_silent_server_costs_the_budget_and_no_more(void **state)
{
	const struct hostile_options silent = { .silent = true };
	struct pair p = start(&silent, NULL);
	int64_t begun = now_ms();
	int64_t took;

	(void)state;
	expect(p.net, "a.example", DNS_TXT, "failed timeout 0");
	took = now_ms() - begun;
	assert_in_range(took, TOTAL_MS - 5, TOTAL_MS + 3000);
	/* 0, 50, 100, 200, 400 of 600 ms */
	assert_int_equal(hostile_counts(p.servers[0]).udp, 5);
	stop(&p);
}

static void
nobody_listens(void **state)
{
	struct pair p = start(&plain, NULL);
	int64_t begun;

	(void)state;
	hostile_stop(p.servers[0]);
	p.servers[0] = NULL;
	begun = now_ms();
	expect(p.net, "a.example", DNS_TXT, "failed timeout 0");
	assert_in_range(now_ms() - begun, TOTAL_MS - 5, TOTAL_MS + 3000);
	stop(&p);
}

/* A server that comes back within the time of a question answers it. */
static void
a_server_that_starts_again(void **state)
{
	struct pair p = start(&plain, NULL);
	struct hostile_options again = { .port = hostile_port(p.servers[0]) };
	struct crowd crowd;
	struct asked a = { .wait = { .done = told }, .crowd = &crowd };

	(void)state;
	hostile_stop(p.servers[0]);
	crowd_begin(&crowd, 1);
	p.net->ask(p.net, SPAN("a.example"), DNS_TXT, &a.wait);
	usleep(120000);
	p.servers[0] = hostile_start(&again);
	crowd_wait(&crowd);
	assert_int_equal(a.answer->state, DNS_FOUND);
	dns_answer_drop(a.answer);
	crowd_end(&crowd);
	stop(&p);
}

static void
one_of_two_servers_is_silent(void **state)
{
	const struct hostile_options silent = { .silent = true };
	struct pair p = start(&silent, &plain);
	unsigned slow = 0;

	(void)state;
	for (int i = 0; i < 50; i++) {
		int64_t begun = now_ms();
		char name[32];

		snprintf(name, sizeof(name), "n%d.example", i);
		dns_answer_drop(ask(p.net, name, DNS_A));
		if (now_ms() - begun >= FIRST_MS)
			slow++;
	}
	assert_in_range(slow, 1, 4);
	assert_in_range(hostile_counts(p.servers[0]).udp, 3, 5);
	stop(&p);
}

/* Down, it is probed beside questions that the other answers, and is used
 * again when it answers. */
static void
a_server_that_was_down_is_used_again(void **state)
{
	struct pair p = start(&plain, &plain);
	struct hostile_options again = { .port = hostile_port(p.servers[0]) };
	int64_t begun;
	unsigned before;

	(void)state;
	hostile_stop(p.servers[0]);
	for (int i = 0; i < 5; i++)
		expect(p.net, "a.example", DNS_A, "found: 192.0.2.1 60");
	p.servers[0] = hostile_start(&again);
	begun = now_ms();
	while (hostile_counts(p.servers[0]).udp < 2) {
		expect(p.net, "a.example", DNS_A, "found: 192.0.2.1 60");
		assert_true(now_ms() - begun < 5000);
		usleep(5000);
	}
	before = hostile_counts(p.servers[1]).udp;
	for (int i = 0; i < 5; i++)
		expect(p.net, "a.example", DNS_A, "found: 192.0.2.1 60");
	assert_int_equal(hostile_counts(p.servers[1]).udp, before);
	stop(&p);
}

static void
one_of_two_servers_is_gone(void **state)
{
	struct pair p = start(&plain, &plain);
	int64_t begun = now_ms();

	(void)state;
	hostile_stop(p.servers[0]);
	p.servers[0] = NULL;
	for (int i = 0; i < 20; i++)
		expect(p.net, "a.example", DNS_A, "found: 192.0.2.1 60");
	assert_true(now_ms() - begun < FIRST_MS);
	stop(&p);
}

/* To this address no socket may be connected. */
static void
one_of_two_servers_has_no_route(void **state)
{
	struct pair p = { .servers = { hostile_start(&plain) } };
	struct dns_net_options o = { .n_servers = 2 };
	char error[100];
	int64_t begun = now_ms();

	(void)state;
	assert_true(ip_parse(SPAN("255.255.255.255"), &o.servers[0].ip));
	assert_true(ip_parse(SPAN("127.0.0.1"), &o.servers[1].ip));
	o.servers[0].port = 53;
	o.servers[1].port = hostile_port(p.servers[0]);
	p.net = dns_net_open(&o, error, sizeof(error));
	assert_non_null(p.net);
	for (int i = 0; i < 10; i++)
		expect(p.net, "a.example", DNS_A, "found: 192.0.2.1 60");
	assert_true(now_ms() - begun < 400);
	stop(&p);
}

static void
without_file_descriptors(void **state)
{
	struct pair p = start(&plain, NULL);
	const struct dns_answer *first, *second;
	struct rlimit before, none;
	int filled[64];
	size_t n = 0;
	int fd;

	(void)state;
	/* poll(2) of the server fails below a limit of its descriptors */
	while ((fd = dup(0)) >= 0 && fd < 64)
		filled[n++] = fd;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)fd; /* the lowest that is free */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	first = ask(p.net, "a.example", DNS_A);
	setrlimit(RLIMIT_NOFILE, &before);
	expect(p.net, "a.example", DNS_A, "found: 192.0.2.1 60");
	setrlimit(RLIMIT_NOFILE, &none);
	for (int i = 0; i < 20; i++)
		dns_answer_drop(ask(p.net, "b.example", DNS_A));
	second = ask(p.net, "tc.example", DNS_TXT);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(first->fault, DNS_FAULT_RESOURCE);
	assert_int_equal(second->fault, DNS_FAULT_GARBLED);
	assert_int_equal(hostile_counts(p.servers[0]).udp, 22);
	while (n > 0)
		close(filled[--n]);
	stop(&p);
}

static void
one_of_two_servers_cannot(void **state)
{
	const struct hostile_options servfail = { .servfail = true };
	const struct hostile_options refused = { .refused = true };
	struct pair p = start(&servfail, &plain);
	int64_t begun = now_ms();

	(void)state;
	for (int i = 0; i < 10; i++)
		expect(p.net, "a.example", DNS_A, "found: 192.0.2.1 60");
	assert_int_equal(hostile_counts(p.servers[0]).udp, 10);
	stop(&p);
	p = start(&refused, &plain);
	for (int i = 0; i < 10; i++)
		expect(p.net, "a.example", DNS_A, "found: 192.0.2.1 60");
	assert_int_equal(hostile_counts(p.servers[0]).udp, 3);
	stop(&p);
	p = start(&servfail, &refused);
	expect(p.net, "a.example", DNS_A, "failed refused 0");
	stop(&p);
	assert_true(now_ms() - begun < FIRST_MS);
}

static void
ask_many(struct dns_source *net, struct asked *all, size_t n, size_t from,
    struct crowd *crowd)
{
	for (size_t i = 0; i < n; i++) {
		struct asked *a = &all[i];

		*a = (struct asked){ .wait = { .done = told },
			.crowd = crowd,
			.type = DNS_TXT };
		snprintf(a->name, sizeof(a->name), "n%zu.example", from + i);
		net->ask(net, span_str(a->name), a->type, &a->wait);
	}
}

static void
check_many(struct asked *all, size_t n, size_t from)
{
	for (size_t i = 0; i < n; i++) {
		char want[64];

		snprintf(want, sizeof(want), "N%zu.EXAMPLE", from + i);
		assert_int_equal(all[i].times, 1);
		if (all[i].answer->state != DNS_FOUND)
			fail_msg("%s: %s", all[i].name,
			    dns_fault_name(all[i].answer->fault));
		assert_true(span_is(all[i].answer->records[0].text, want));
		dns_answer_drop(all[i].answer);
	}
}

static void
thousands_in_flight_answered_last_first(void **state)
{
	enum { N = 4000 };
	const struct hostile_options o = { .hold = N };
	struct pair p = { .servers = { hostile_start(&o) } };
	uint16_t port = hostile_port(p.servers[0]);
	struct asked *all = calloc(N, sizeof(*all));
	struct dns_net_options options = { .n_servers = 1, .first_ms = 5000 };
	struct crowd crowd;
	char error[100];

	(void)state;
	assert_non_null(all);
	options.servers[0].port = port;
	assert_true(ip_parse(SPAN("127.0.0.1"), &options.servers[0].ip));
	p.net = dns_net_open(&options, error, sizeof(error));
	assert_non_null(p.net);
	crowd_begin(&crowd, N);
	ask_many(p.net, all, N, 0, &crowd);
	crowd_wait(&crowd);
	check_many(all, N, 0);
	crowd_end(&crowd);
	free(all);
	stop(&p);
}

static void
five_of_a_hundred_datagrams_are_lost(void **state)
{
	enum { N = 100, TURNS = 10 };
	const struct hostile_options o = { .loss = 5 };
	struct pair p = start(&o, NULL);
	struct asked all[N];
	struct dns_net_counts counts;

	(void)state;
	for (size_t turn = 0; turn < TURNS; turn++) {
		struct crowd crowd;

		crowd_begin(&crowd, N);
		ask_many(p.net, all, N, turn * N, &crowd);
		crowd_wait(&crowd);
		check_many(all, N, turn * N);
		crowd_end(&crowd);
	}
	dns_net_counts(p.net, &counts);
	assert_int_equal(counts.answers, N * TURNS);
	assert_in_range(counts.repetitions, 20, 120);
	stop(&p);
}

struct asker {
	pthread_t thread;
	struct dns_source *net;
	size_t from;
	struct crowd *crowd;
	struct asked all[250];
};

static void *
ask_from_thread(void *arg)
{
	struct asker *a = arg;

	ask_many(a->net, a->all, 250, a->from, a->crowd);
	return NULL;
}

static void
many_threads_ask(void **state)
{
	enum { THREADS = 8 };
	struct asker *askers = calloc(THREADS, sizeof(*askers));
	struct pair p = start(&plain, NULL);
	struct crowd crowd;

	(void)state;
	assert_non_null(askers);
	crowd_begin(&crowd, THREADS * 250);
	for (size_t i = 0; i < THREADS; i++) {
		askers[i].net = p.net;
		askers[i].from = i * 250;
		askers[i].crowd = &crowd;
		pthread_create(
		    &askers[i].thread, NULL, ask_from_thread, &askers[i]);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(askers[i].thread, NULL);
	crowd_wait(&crowd);
	for (size_t i = 0; i < THREADS; i++)
		check_many(askers[i].all, 250, i * 250);
	crowd_end(&crowd);
	free(askers);
	stop(&p);
}

/* The next question is asked from within the answer. */
struct chained {
	struct asked asked; /* first */
	struct dns_source *net;
	unsigned left;
};

static void
told_next(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct chained *c = (struct chained *)wait;

	assert_int_equal(answer->state, DNS_FOUND);
	if (c->left-- == 0)
		c->asked.wait.done = told;
	c->net->ask(c->net, SPAN("a.example"), DNS_A, wait);
}

static void
an_answer_asks_the_next(void **state)
{
	struct pair p = start(&plain, NULL);
	struct crowd crowd;
	struct chained c = { .asked = { .wait = { .done = told_next },
				 .crowd = &crowd },
		.net = p.net,
		.left = 100 };

	(void)state;
	crowd_begin(&crowd, 1);
	p.net->ask(p.net, SPAN("a.example"), DNS_A, &c.asked.wait);
	crowd_wait(&crowd);
	dns_answer_drop(c.asked.answer);
	crowd_end(&crowd);
	stop(&p);
}

static void
more_than_the_limit_in_flight(void **state)
{
	enum { N = DNS_NET_IN_FLIGHT_MAX + 100 };
	const struct hostile_options silent = { .silent = true };
	struct pair p = start(&silent, NULL);
	struct asked *all = calloc(N, sizeof(*all));
	struct crowd crowd;
	size_t resource = 0, timeout = 0;

	(void)state;
	assert_non_null(all);
	crowd_begin(&crowd, N);
	ask_many(p.net, all, N, 0, &crowd);
	crowd_wait(&crowd);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(all[i].times, 1);
		resource += all[i].answer->fault == DNS_FAULT_RESOURCE;
		timeout += all[i].answer->fault == DNS_FAULT_TIMEOUT;
	}
	assert_int_equal(resource + timeout, N);
	assert_in_range(resource, 1, 100);
	crowd_end(&crowd);
	free(all);
	stop(&p);
}

static void
close_answers_all(void **state)
{
	enum { N = 500 };
	const struct hostile_options silent = { .silent = true };
	struct pair p = start(&silent, NULL);
	struct asked all[N];
	struct crowd crowd;

	(void)state;
	crowd_begin(&crowd, N);
	ask_many(p.net, all, N / 2, 0, &crowd);
	usleep(20000);
	ask_many(p.net, all + N / 2, N / 2, 0, &crowd);
	stop(&p);
	assert_int_equal(crowd.missing, 0);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(all[i].times, 1);
		assert_int_equal(all[i].answer->fault, DNS_FAULT_RESOURCE);
	}
	crowd_end(&crowd);
}

static void
servers_as_text(void **state)
{
	static const char *const bad[] = { "", "@53", "127.0.0.1@",
		"127.0.0.1@0", "127.0.0.1@65536", "127.0.0.1@53x", "localhost",
		"127.0.0.1:53", "127.0.0.1@53@53", "::1@-1" };
	struct dns_net_server s;

	(void)state;
	assert_true(dns_net_server_parse(SPAN("192.0.2.1"), &s));
	assert_int_equal(s.port, 53);
	assert_int_equal(s.ip.family, IP_V4);
	assert_true(dns_net_server_parse(SPAN("2001:db8::1@5353"), &s));
	assert_int_equal(s.port, 5353);
	assert_int_equal(s.ip.family, IP_V6);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (dns_net_server_parse(span_str(bad[i]), &s))
			fail_msg("\"%s\" is a server", bad[i]);
}

static void
resolv_conf(void **state)
{
	static const char text[] = "# nameserver 192.0.2.9\n"
				   "search example.org\n"
				   "nameserver 192.0.2.1\n"
				   "nameserver\t2001:db8::1   \n"
				   "nameserver nonsense\n"
				   "nameserver fe80::1%eth0\n"
				   "nameservers 192.0.2.8\n"
				   "options trust-ad\n"
				   "nameserver 192.0.2.2";
	char path[] = "/tmp/avouch-resolv-XXXXXX";
	int fd = mkstemp(path);
	struct dns_net_options o = { .n_servers = 5 };

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	dns_net_resolv_conf(path, &o);
	unlink(path);
	assert_int_equal(o.n_servers, 3);
	assert_int_equal(o.servers[0].ip.bytes[3], 1);
	assert_int_equal(o.servers[1].ip.family, IP_V6);
	assert_int_equal(o.servers[2].ip.bytes[3], 2);
	assert_int_equal(o.servers[2].port, 53);
	dns_net_resolv_conf("/nonexistent/resolv.conf", &o);
	assert_int_equal(o.n_servers, 1);
	assert_int_equal(o.servers[0].ip.bytes[0], 127);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_as_text),
		cmocka_unit_test(resolv_conf),
		cmocka_unit_test(answers_of_all_kinds),
		cmocka_unit_test(rfc5452_replies_that_are_not_right),
		cmocka_unit_test(many_kinds_at_once),
		cmocka_unit_test(rfc7766_a_connection_is_used_again),
		cmocka_unit_test(rfc7766_a_closed_connection_is_opened_again),
		cmocka_unit_test(truncated_where_nobody_listens_on_tcp),
		cmocka_unit_test(rfc6891_servers_without_edns),
		cmocka_unit_test(rfc6840_authentic_only_where_trusted),
		cmocka_unit_test(a_silent_server_costs_the_budget_and_no_more),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(a_server_that_starts_again),
		cmocka_unit_test(one_of_two_servers_is_silent),
		cmocka_unit_test(one_of_two_servers_is_gone),
		cmocka_unit_test(one_of_two_servers_cannot),
		cmocka_unit_test(one_of_two_servers_has_no_route),
		cmocka_unit_test(without_file_descriptors),
		cmocka_unit_test(a_server_that_was_down_is_used_again),
		cmocka_unit_test(thousands_in_flight_answered_last_first),
		cmocka_unit_test(five_of_a_hundred_datagrams_are_lost),
		cmocka_unit_test(many_threads_ask),
		cmocka_unit_test(an_answer_asks_the_next),
		cmocka_unit_test(more_than_the_limit_in_flight),
		cmocka_unit_test(close_answers_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
