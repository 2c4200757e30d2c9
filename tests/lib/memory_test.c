/*
 * memory_test.c - makes memory run out at each request in turn.  Opening a
 * source must either report an error or return a complete one, a question must
 * be answered or get DNS_FAILED, and nothing may leak (checked by asan and
 * valgrind).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/cache.h"
#include "dns/resolver.h"
#include "dns/recorder.h"
#include "dns/questions.h"
#include "dns/zone.h"
#include "tests/support/bad_nameserver.h"
#include "tests/support/memory.h"
#include "tests/support/core_driver.h"
#include "conf/conf.h"

enum { REQUESTS_MAX = 2000 }; /* more than any scenario allocates */

struct life {
	struct dns_source *below;
	struct dns_resolver_options net;
	const char *path;
	bool whole; /* the scenario ended as it does with enough memory */
};

static void
each_request_fails(void (*live)(struct life *l), struct life *l)
{
	unsigned long nth = 0;

	do {
		l->whole = false;
		memory_fail_at(++nth);
		live(l);
		memory_fail_at(0);
		if (nth > REQUESTS_MAX)
			fail_msg("no number of allocations is enough");
	} while (memory_has_failed());
	assert_true(nth > 1);
	assert_true(l->whole);
}

/* ---- asking, without allocating ---- */

struct memory_request {
	struct dns_wait wait; /* must be the first member */
	const struct dns_answer *answer;
};

static void
save_memory(struct dns_wait *wait, const struct dns_answer *answer)
{
	((struct memory_request *)wait)->answer = dns_answer_ref(answer);
}

static bool
is_found(const struct dns_answer *a)
{
	if (a->state == DNS_FOUND)
		return true;
	assert_int_equal(a->state, DNS_FAILED);
	assert_int_equal(a->fault, DNS_ERROR_RESOURCE);
	return false;
}

/* Returns whether the answer was found.  The only other valid outcome is that
 * memory ran out. */
static bool
ask_memory(struct dns_source *s, struct span name, enum dns_type type)
{
	struct memory_request a = { .wait = { .done = save_memory } };
	bool found;

	s->ask(s, name, type, &a.wait);
	assert_non_null(a.answer);
	found = is_found(a.answer);
	dns_answer_unref(a.answer);
	return found;
}

/* ---- scenarios ---- */

static const char zone_text[] = "$ORIGIN example.\n"
				"@ SOA ns host 1 2 3 4 5\n"
				"a TXT \"one\" \"two\"\n"
				"a TXT \"another\"\n"
				"b 60 IN CNAME a\n"
				"*.c MX 10 mail.c\n"
				";!failed gone.example. TXT servfail\n"
				";!alias d.example. TXT a.example.\n"
				"d TXT \"end\"\n";

static void
live_zone(struct life *l)
{
	char error[200] = "";
	struct dns_source *z =
	    dns_zone_parse("text", span_str(zone_text), error, sizeof(error));

	if (z == NULL) {
		assert_string_not_equal(error, "");
		assert_non_null(strstr(error, "out of memory"));
		return;
	}
	l->whole = ask_memory(z, SPAN("b.example"), DNS_TXT) &&
	    ask_memory(z, SPAN("x.c.example"), DNS_MX);
	z->close(z);
}

static void
live_zone_file(struct life *l)
{
	char error[200] = "";
	struct dns_source *z = dns_zone_open(l->path, error, sizeof(error));

	if (z == NULL) {
		assert_string_not_equal(error, "");
		return;
	}
	l->whole = ask_memory(z, SPAN("b.example"), DNS_TXT);
	z->close(z);
}

static void
live_cache(struct life *l)
{
	const struct dns_cache_options o = { .bytes = 1 << 20 };
	struct dns_source *c = dns_cache_open(&o, l->below);

	if (c == NULL)
		return;
	l->whole = ask_memory(c, SPAN("a.example"), DNS_TXT) &&
	    ask_memory(c, SPAN("a.example"), DNS_TXT);
	c->close(c);
}

/* A question that could not be recorded is asked anyway, and an incomplete
 * recording is reported as an error. */
static void
live_recorder(struct life *l)
{
	static char text[4096];
	struct dns_source *r = dns_recorder_open(l->below);
	FILE *out;

	if (r == NULL)
		return;
	l->whole = ask_memory(r, SPAN("a.example"), DNS_TXT) &&
	    ask_memory(r, SPAN("x.c.example"), DNS_MX);
	out = fmemopen(text, sizeof(text), "w");
	assert_non_null(out);
	if (!dns_recorder_write(r, out))
		l->whole = false;
	fclose(out);
	if (l->whole)
		assert_non_null(strstr(text, "\"another\""));
	r->close(r);
}

static void
live_talk(struct life *l)
{
	struct dns_questions *questions = dns_questions_new(10);
	const struct dns_answer *a;

	if (questions == NULL)
		return;
	a = dns_ask(questions, SPAN("A.example."), DNS_TXT);
	if (a->state == DNS_PENDING) {
		pump(questions, l->below);
		a = dns_ask(questions, SPAN("a.example"), DNS_TXT);
	}
	l->whole = is_found(a);
	dns_questions_free(questions);
}

struct awaited {
	struct dns_wait wait; /* must be the first member */
	const struct dns_answer *answer;
	int done[2]; /* a pipe */
};

static void
answered_memory(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct awaited *a = (struct awaited *)wait;

	a->answer = dns_answer_ref(answer);
	assert_int_equal(write(a->done[1], "", 1), 1);
}

/* The caller unrefs the answer. */
static const struct dns_answer *
ask_net(struct dns_source *net, struct span name)
{
	struct awaited a = { .wait = { .done = answered_memory } };
	char c;

	assert_int_equal(pipe(a.done), 0);
	net->ask(net, name, DNS_TXT, &a.wait);
	assert_int_equal(read(a.done[0], &c, 1), 1);
	close(a.done[0]);
	close(a.done[1]);
	return a.answer;
}

/*
 * A question whose datagram could not be sent, or whose answer could not be
 * stored, is answered no later than its time limit.
 */
static void
live_net(struct life *l)
{
	char error[200] = "";
	struct dns_source *net =
	    dns_resolver_open(&l->net, error, sizeof(error));
	const struct dns_answer *a;

	if (net == NULL) {
		assert_non_null(strstr(error, "memory"));
		return;
	}
	a = ask_net(net, SPAN("a.example"));
	if (a->fault != DNS_ERROR_TIMEOUT)
		is_found(a);
	dns_answer_unref(a);
	net->close(net);
	l->whole = true;
}

static void
live_conf(struct life *l)
{
	char errors[2000] = "";
	FILE *out = fmemopen(errors, sizeof(errors), "w");
	const struct conf *c;

	assert_non_null(out);
	c = conf_read_text(
	    SPAN("mode = enforce\n"
		 "skip_networks += { \"192.0.2.0/24\", \"2001:db8::/32\" }\n"
		 "override \"one\" { from_domain = \"example.net\" "
		 "action = accept reason = \"r\" }\n"),
	    "text", out);
	fclose(out);
	if (c == NULL) {
		assert_non_null(strstr(errors, "memory"));
		return;
	}
	l->whole = c->mode == CONF_ENFORCE && c->n_overrides == 1;
	conf_unref(c);
}

/* ---- tests ---- */

static void
test_zone(void **state)
{
	struct life l = { .whole = false };

	(void)state;
	each_request_fails(live_zone, &l);
}

/* The file is larger than the first buffer for reading it. */
static void
test_zone_file(void **state)
{
	static const char comment[] = "; a line that says nothing at all\n";
	char path[] = "/tmp/avouch-memory-XXXXXX";
	struct life l = { .path = path };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	for (int i = 0; i < 2500; i++)
		assert_true(write(fd, comment, sizeof(comment) - 1) > 0);
	assert_true(write(fd, zone_text, sizeof(zone_text) - 1) > 0);
	close(fd);
	each_request_fails(live_zone_file, &l);
	unlink(path);
}

static void
over_a_zone(void (*live)(struct life *l))
{
	struct life l = { .below = pump_zone(zone_text) };

	each_request_fails(live, &l);
	l.below->close(l.below);
}

static void
test_cache(void **state)
{
	(void)state;
	over_a_zone(live_cache);
}

static void
test_recorder(void **state)
{
	(void)state;
	over_a_zone(live_recorder);
}

static void
test_talk(void **state)
{
	(void)state;
	over_a_zone(live_talk);
}

static void
test_net(void **state)
{
	const struct hostile_options plain = { .silent = false };
	struct hostile *server = hostile_start(&plain);
	struct life l = {
		.net = { .n_servers = 1, .first_ms = 50, .total_ms = 200 },
	};
	const struct dns_answer *a;
	struct dns_source *net;
	char error[200];

	(void)state;
	l.net.servers[0].port = hostile_port(server);
	assert_true(ip_parse(SPAN("127.0.0.1"), &l.net.servers[0].ip));
	each_request_fails(live_net, &l);
	l.net.total_ms = 12000;
	net = dns_resolver_open(&l.net, error, sizeof(error));
	assert_non_null(net);
	a = ask_net(net, SPAN("a.example"));
	assert_int_equal(a->state, DNS_FOUND);
	dns_answer_unref(a);
	net->close(net);
	hostile_stop(server);
}

static void
test_conf(void **state)
{
	struct life l = { .whole = false };

	(void)state;
	each_request_fails(live_conf, &l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_zone_file),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_recorder),
		cmocka_unit_test(test_talk),
		cmocka_unit_test(test_net),
		cmocka_unit_test(test_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
