#include "dns/net.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "dns/loop.h"
#include "lib/scan.h"

enum {
	PORT_DOMAIN = 53,
	FIRST_MS = 500,
	TOTAL_MS = 12000,
	EVENTS_MAX = 64,
	ARENA_MAX = 4 << 20, /* what one reply of 64 KiB can come to */
	RESOLV_CONF_LINE = 512,
};

static int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the inbox: from any thread to the loop's ---- */

static void
refuse(struct resolver *net, struct dns_wait *wait)
{
	atomic_fetch_sub(&net->in_flight, 1);
	wait->done(wait, dns_answer_failed(DNS_FAULT_RESOURCE));
}

static void
wake(struct resolver *net)
{
	static const uint64_t one = 1;

	while (write(net->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

static void
net_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct resolver *net = (struct resolver *)source;
	struct dns_query *f = NULL;
	bool sleeping, closing;

	if (atomic_fetch_add(&net->in_flight, 1) < DNS_NET_IN_FLIGHT_MAX)
		f = calloc(1, sizeof(*f));
	if (f == NULL) {
		refuse(net, wait);
		return;
	}
	f->wait = wait;
	f->name = name;
	f->type = type;
	pthread_mutex_lock(&net->lock);
	closing = net->closing;
	sleeping = net->sleeping;
	if (!closing) {
		net->sleeping = false;
		*net->inbox_end = f;
		net->inbox_end = &f->inbox_next;
	}
	pthread_mutex_unlock(&net->lock);
	if (closing) {
		free(f);
		refuse(net, wait);
	} else if (sleeping) {
		wake(net);
	}
}

/* All that was asked since the last turn. */
static struct dns_query *
take_inbox(struct resolver *net)
{
	struct dns_query *first;

	pthread_mutex_lock(&net->lock);
	first = net->inbox;
	net->inbox = NULL;
	net->inbox_end = &net->inbox;
	pthread_mutex_unlock(&net->lock);
	return first;
}

enum rest { REST_NONE, REST_SLEEP, REST_END };

/* With REST_SLEEP the next ask wakes the loop. */
static enum rest
prepare_rest(struct resolver *net)
{
	enum rest rest = REST_NONE;

	pthread_mutex_lock(&net->lock);
	if (net->closing)
		rest = REST_END;
	else if (net->inbox == NULL)
		rest = REST_SLEEP;
	net->sleeping = rest == REST_SLEEP;
	pthread_mutex_unlock(&net->lock);
	return rest;
}

static void
end_rest(struct resolver *net)
{
	pthread_mutex_lock(&net->lock);
	net->sleeping = false;
	pthread_mutex_unlock(&net->lock);
}

/* ---- the loop ---- */

static void
begin_all(struct resolver *net, struct dns_query *f)
{
	struct dns_query *next;

	for (; f != NULL; f = next) {
		next = f->inbox_next;
		query_begin(net, f);
	}
}

static int
milliseconds_until(const struct resolver *net, int64_t when)
{
	const int64_t most = 60000;

	if (when <= net->now)
		return 0;
	return (int)(when - net->now < most ? when - net->now : most);
}

static void
handle(struct resolver *net, const struct epoll_event *event)
{
	uint64_t value;

	if (event->data.ptr != NULL)
		dns_socket_ready(net, event->data.ptr, event->events);
	else if (read(net->wake, &value, sizeof(value)) < 0)
		return; /* was read before */
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* One turn: what came, what is due, what is asked.  Returns when the next is
 * due if nothing happens. */
static int64_t
turn(struct resolver *net, const struct epoll_event *events, int n)
{
	int64_t next, soonest;

	net->now = clock_ms();
	for (int i = 0; i < n; i++)
		handle(net, &events[i]);
	next = earlier(query_run_timers(net), dns_socket_run_timers(net));
	begin_all(net, take_inbox(net));
	dns_socket_flush(net);
	while (net->unreachable) {
		dns_socket_report(net);
		dns_socket_flush(net);
	}
	dns_socket_end_turn(net);
	/* what began after the timers ran is due no sooner than this */
	soonest = net->now + earlier(net->step_ms[0], net->total_ms);
	return net->all.first != NULL ? earlier(next, soonest) : next;
}

static void *
run(void *arg)
{
	struct resolver *net = arg;
	struct epoll_event events[EVENTS_MAX];
	enum rest rest = REST_NONE;
	int n = 0;

	pthread_setname_np(pthread_self(), "dns");
	while (rest != REST_END) {
		int64_t next = turn(net, events, n);

		rest = prepare_rest(net);
		n = epoll_wait(net->epoll, events, EVENTS_MAX,
		    rest == REST_SLEEP ? milliseconds_until(net, next) : 0);
		end_rest(net);
	}
	return NULL;
}

static void
net_close(struct dns_source *source)
{
	struct resolver *net = (struct resolver *)source;
	struct dns_query *next;

	pthread_mutex_lock(&net->lock);
	net->closing = true;
	pthread_mutex_unlock(&net->lock);
	wake(net);
	pthread_join(net->thread, NULL);
	for (struct dns_query *f = net->inbox; f != NULL; f = next) {
		next = f->inbox_next;
		refuse(net, f->wait);
		free(f);
	}
	while (net->all.first != NULL)
		query_finish(
		    net, net->all.first, dns_answer_failed(DNS_FAULT_RESOURCE));
	dns_socket_close_all(net);
	close(net->epoll);
	close(net->wake);
	pthread_mutex_destroy(&net->lock);
	arena_free(net->arena);
	free(net);
}

/* ---- opening ---- */

/* The waits grow 1, 1, 2, 4, ... times the first, until the time is up. */
static void
set_schedule(struct resolver *net, const struct dns_net_options *o)
{
	int64_t first = o->first_ms > 0 ? o->first_ms : FIRST_MS;
	int64_t wait = first;

	net->total_ms = o->total_ms > 0 ? o->total_ms : TOTAL_MS;
	for (net->n_steps = 0; net->n_steps < STEPS_MAX; net->n_steps++) {
		net->step_ms[net->n_steps] = wait;
		if (net->n_steps > 0)
			wait *= 2;
	}
}

static void
set_servers(struct resolver *net, const struct dns_net_options *o)
{
	net->n_servers = o->n_servers < DNS_NET_SERVERS_MAX
	    ? o->n_servers
	    : DNS_NET_SERVERS_MAX;
	for (size_t i = 0; i < net->n_servers; i++) {
		net->servers[i].address = o->servers[i];
		net->servers[i].number = (unsigned)i;
	}
}

/* Signals are for the threads of the program. */
static int
start_thread(struct resolver *net)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&net->thread, NULL, run, net);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static bool
start(struct resolver *net, char *error, size_t size)
{
	struct epoll_event event = { .events = EPOLLIN };
	int failed;

	net->epoll = epoll_create1(EPOLL_CLOEXEC);
	net->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	net->arena = arena_new(ARENA_MAX);
	if (net->epoll < 0 || net->wake < 0 || net->arena == NULL ||
	    epoll_ctl(net->epoll, EPOLL_CTL_ADD, net->wake, &event) != 0) {
		snprintf(
		    error, size, "resolver: no file descriptors or no memory");
		return false;
	}
	failed = start_thread(net);
	if (failed != 0)
		snprintf(error, size, "resolver: no thread (error %d)", failed);
	return failed == 0;
}

struct dns_source *
dns_net_open(const struct dns_net_options *o, char *error, size_t size)
{
	struct dns_net_options from_file = *o;
	struct resolver *net = calloc(1, sizeof(*net));

	if (net == NULL) {
		snprintf(error, size, "resolver: out of memory");
		return NULL;
	}
	if (o->n_servers == 0)
		dns_net_resolv_conf("/etc/resolv.conf", &from_file);
	net->source = (struct dns_source){ net_ask, net_close };
	net->inbox_end = &net->inbox;
	set_schedule(net, o);
	set_servers(net, &from_file);
	pthread_mutex_init(&net->lock, NULL);
	if (start(net, error, size))
		return &net->source;
	if (net->epoll >= 0)
		close(net->epoll);
	if (net->wake >= 0)
		close(net->wake);
	pthread_mutex_destroy(&net->lock);
	arena_free(net->arena);
	free(net);
	return NULL;
}

void
dns_net_counts(struct dns_source *source, struct dns_net_counts *out)
{
	struct net_counters *c = &((struct resolver *)source)->counts;

	*out = (struct dns_net_counts){
		.questions = atomic_load(&c->questions),
		.datagrams = atomic_load(&c->datagrams),
		.repetitions = atomic_load(&c->repetitions),
		.tcp = atomic_load(&c->tcp),
		.answers = atomic_load(&c->answers),
		.timeouts = atomic_load(&c->timeouts),
		.servfails = atomic_load(&c->servfails),
		.strays = atomic_load(&c->strays),
	};
}

bool
dns_net_server_parse(struct span text, struct dns_net_server *out)
{
	struct span address = span_first(text, span_index(text, '@'));
	struct scan s = scan_of(span_skip(text, address.n));
	uint64_t port = PORT_DOMAIN;

	if (scan_byte(&s, '@') && !scan_number(&s, UINT16_MAX, &port))
		return false;
	*out = (struct dns_net_server){ .port = (uint16_t)port };
	return scan_done(&s) && port > 0 && ip_parse(address, &out->ip);
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_word(unsigned char c)
{
	return c > ' ';
}

void
dns_net_resolv_conf(const char *path, struct dns_net_options *o)
{
	char line[RESOLV_CONF_LINE];
	FILE *f = fopen(path, "re");

	o->n_servers = 0;
	while (f != NULL && o->n_servers < DNS_NET_SERVERS_MAX &&
	    fgets(line, sizeof(line), f) != NULL) {
		struct scan s = scan_of(span_str(line));
		struct dns_net_server server = { .port = PORT_DOMAIN };

		if (!scan_text_nocase(&s, "nameserver") ||
		    scan_while(&s, is_blank).n == 0 ||
		    !ip_parse(scan_while(&s, is_word), &server.ip))
			continue;
		o->servers[o->n_servers++] = server;
	}
	if (f != NULL)
		fclose(f);
	if (o->n_servers == 0) {
		o->servers[0].port = PORT_DOMAIN;
		ip_parse(SPAN("127.0.0.1"), &o->servers[0].ip);
		o->n_servers = 1;
	}
}
