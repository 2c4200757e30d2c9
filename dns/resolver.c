#include "dns/resolver.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "dns/resolver_internal.h"
#include "dns/queue.h"
#include "lib/domain.h"
#include "lib/scan.h"

enum {
	PORT_DOMAIN = 53,
	EVENTS_MAX = 64,
	TURN_MAX = 128,      /* questions started per iteration of the event
	                        loop */
	ARENA_MAX = 4 << 20, /* bytes; enough for one reply of 64 KiB */
	RESOLV_CONF_LINE = 512,

	/* Numbers of unanswered questions: at SHARE_SMALL a message's share has
	 * shrunk to SHARE_MIN; from SHARE_TIGHT on, it is 1. */
	SHARE_SMALL = 2 * DNS_NET_CROWDED,
	SHARE_TIGHT = 4 * DNS_NET_CROWDED,
	SHARE_MIN = 4, /* enough for the first questions of a legitimate
	                  message */
};

/* Returns the CPU time of this thread in microseconds. */
static int64_t
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- limits on the number of questions ---- */

/* The number of unanswered questions that a message may have shrinks as the
 * total grows, so that there is always room for the next message. */
static unsigned
net_share(struct dns_source *source)
{
	const struct resolver *r = (const struct resolver *)source;
	size_t n = atomic_load_explicit(&r->unanswered, memory_order_relaxed);

	if (n <= DNS_NET_CROWDED)
		return DNS_SHARE_MAX;
	if (n >= SHARE_TIGHT)
		return 1;
	if (n >= SHARE_SMALL)
		return SHARE_MIN;
	return SHARE_MIN +
	    (unsigned)((SHARE_SMALL - n) * (DNS_SHARE_MAX - SHARE_MIN) /
		(SHARE_SMALL - DNS_NET_CROWDED));
}

void
query_free(struct resolver *r, struct dns_query *q)
{
	dns_queue_unref(q->queue);
	free(q);
	atomic_fetch_sub(&r->unanswered, 1);
}

/*
 * Returns the domain whose failures are counted together with those of `name`.
 * This table is common to all messages, so "co.uk" must not be one domain.
 * Reverse names are grouped by the network that a registry assigns: a /16, or a
 * /32 of IPv6.
 */
static struct span
load_domain(struct span name)
{
	if (domain_is_under(name, SPAN("in-addr.arpa")))
		return domain_suffix(name, 2 + 2);
	if (domain_is_under(name, SPAN("ip6.arpa")))
		return domain_suffix(name, 2 + 8);
	return domain_registrable(name);
}

/* On failure, returns NULL and sets `*why`. */
static struct dns_query *
query_new(struct resolver *r, struct span name, enum dns_type type,
    struct dns_wait *wait, enum dns_error *why)
{
	struct dns_query *q = NULL;

	*why = DNS_ERROR_RESOURCE;
	if (wait->prefetch && dns_source_is_crowded(&r->source)) {
		*why = DNS_ERROR_BUDGET;
		return NULL;
	}
	if (atomic_fetch_add(&r->unanswered, 1) < DNS_NET_UNANSWERED_MAX)
		q = calloc(1, sizeof(*q));
	if (q == NULL) {
		atomic_fetch_sub(&r->unanswered, 1);
		return NULL;
	}
	q->wait = wait;
	q->name = name;
	q->type = type;
	q->domain =
	    (uint16_t)(hash_span(r->secret, load_domain(name), 0) % DOMAINS);
	if (wait->queue != NULL) {
		q->queue = dns_queue_ref(wait->queue);
		dns_queue_accepted(q->queue);
	}
	return q;
}

/* Ends a query that was never sent. */
static void
query_refuse(struct resolver *r, struct dns_query *q)
{
	struct dns_wait *wait = q->wait;

	if (q->queue != NULL)
		dns_queue_sent(q->queue);
	query_free(r, q);
	wait->done(wait, dns_answer_failed(DNS_ERROR_RESOURCE));
}

/* ---- the inbox: filled by any thread, emptied by the loop's thread ---- */

static void
wake(struct resolver *r)
{
	static const uint64_t one = 1;

	while (write(r->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

static void
net_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct resolver *r = (struct resolver *)source;
	enum dns_error why;
	struct dns_query *q = query_new(r, name, type, wait, &why);
	bool sleeping, closing;

	if (q == NULL) {
		wait->done(wait, dns_answer_failed(why));
		return;
	}
	pthread_mutex_lock(&r->lock);
	closing = r->closing;
	sleeping = r->sleeping;
	if (!closing) {
		r->sleeping = false;
		*r->inbox_end = q;
		r->inbox_end = &q->inbox_next;
	}
	pthread_mutex_unlock(&r->lock);
	if (closing)
		query_refuse(r, q);
	else if (sleeping)
		wake(r);
}

/* Returns the questions that were asked since the last iteration. */
static struct dns_query *
take_inbox(struct resolver *r)
{
	struct dns_query *first;

	pthread_mutex_lock(&r->lock);
	first = r->inbox;
	r->inbox = NULL;
	r->inbox_end = &r->inbox;
	pthread_mutex_unlock(&r->lock);
	return first;
}

enum rest { REST_NONE, REST_SLEEP, REST_END };

/* Returns whether the loop may sleep (the next question then wakes it) or must
 * end. */
static enum rest
prepare_rest(struct resolver *r)
{
	enum rest rest = REST_NONE;

	pthread_mutex_lock(&r->lock);
	if (r->closing)
		rest = REST_END;
	else if (r->inbox == NULL)
		rest = REST_SLEEP;
	r->sleeping = rest == REST_SLEEP;
	pthread_mutex_unlock(&r->lock);
	return rest;
}

static void
end_rest(struct resolver *r)
{
	pthread_mutex_lock(&r->lock);
	r->sleeping = false;
	pthread_mutex_unlock(&r->lock);
}

/* ---- the loop ---- */

/* Starts the questions in the inbox in order; those over the limit start in the
 * next iteration. */
static void
begin_some(struct resolver *r)
{
	if (r->fresh == NULL)
		r->fresh = take_inbox(r);
	for (int i = 0; i < TURN_MAX && r->fresh != NULL; i++) {
		struct dns_query *q = r->fresh;

		r->fresh = q->inbox_next;
		query_begin(r, q);
	}
}

static int
milliseconds_until(const struct resolver *r, int64_t when)
{
	const int64_t most = 60000;

	if (when <= r->now)
		return 0;
	return (int)(when - r->now < most ? when - r->now : most);
}

static void
handle(struct resolver *r, const struct epoll_event *event)
{
	uint64_t value;

	if (event->data.ptr != NULL)
		dns_socket_ready(r, event->data.ptr, event->events);
	else if (read(r->wake, &value, sizeof(value)) < 0)
		return; /* already read */
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void
report_errors(struct resolver *r)
{
	while (r->reports) {
		dns_socket_report(r);
		dns_socket_flush(r);
	}
}

/* One iteration of the loop: reads packets, runs timers, sends questions.
 * Returns the time at which to run next if nothing happens before then. */
static int64_t
turn(struct resolver *r, const struct epoll_event *events, int n)
{
	int64_t next, soonest;

	/* epoll reports unread packets again */
	r->packets_left = PACKETS_MAX;
	for (int i = 0; i < n; i++)
		handle(r, &events[i]);
	report_errors(r); /* so that no timer sends these questions again */
	next = earlier(query_run_timers(r), dns_socket_run_timers(r));
	begin_some(r);
	dns_socket_flush(r);
	report_errors(r);
	dns_socket_end_turn(r);
	if (r->fresh != NULL)
		return r->now;
	/* questions started after the timers ran are not due before this */
	soonest = r->now + earlier(r->step_ms[0], r->total_ms);
	soonest = earlier(soonest, r->now + TCP_SLOW_MS);
	return r->all.first != NULL ? earlier(next, soonest) : next;
}

static void
raise_max(atomic_uint_least64_t *max, int64_t us)
{
	uint64_t value = (uint64_t)us;

	if (value > atomic_load_explicit(max, memory_order_relaxed))
		atomic_store_explicit(max, value, memory_order_relaxed);
}

static void *
run(void *arg)
{
	struct resolver *r = arg;
	struct epoll_event events[EVENTS_MAX];
	enum rest rest = REST_NONE;
	int n = 0;

	pthread_setname_np(pthread_self(), "dns");
	while (rest != REST_END) {
		int64_t began = clock_us();
		int64_t began_cpu = cpu_us();
		int64_t next;

		r->now = began / 1000;
		next = turn(r, events, n);
		raise_max(&r->counts.turn_max_us, clock_us() - began);
		raise_max(&r->counts.turn_max_cpu_us, cpu_us() - began_cpu);
		rest = prepare_rest(r);
		n = epoll_wait(r->epoll, events, EVENTS_MAX,
		    rest == REST_SLEEP ? milliseconds_until(r, next) : 0);
		end_rest(r);
	}
	return NULL;
}

static void
refuse_all(struct resolver *r, struct dns_query *q)
{
	struct dns_query *next;

	for (; q != NULL; q = next) {
		next = q->inbox_next;
		query_refuse(r, q);
	}
}

static void
net_close(struct dns_source *source)
{
	struct resolver *r = (struct resolver *)source;

	pthread_mutex_lock(&r->lock);
	r->closing = true;
	pthread_mutex_unlock(&r->lock);
	wake(r);
	pthread_join(r->thread, NULL);
	refuse_all(r, r->fresh);
	refuse_all(r, r->inbox);
	query_close_all(r);
	dns_socket_close_all(r);
	close(r->epoll);
	close(r->wake);
	pthread_mutex_destroy(&r->lock);
	arena_free(r->arena);
	free(r);
}

/* ---- opening ---- */

/* Sets the waits before retries to 1, 1, 2, 4, ... times the first wait. */
static void
set_schedule(struct resolver *r, const struct dns_resolver_options *o)
{
	int64_t wait = o->first_ms;

	assert(o->first_ms > 0 && o->total_ms > 0);
	r->total_ms = o->total_ms;
	for (r->n_steps = 0; r->n_steps < STEPS_MAX; r->n_steps++) {
		r->step_ms[r->n_steps] = wait;
		if (r->n_steps > 0)
			wait *= 2;
	}
}

static void
set_servers(struct resolver *r, const struct dns_resolver_options *o)
{
	r->n_servers =
	    o->n_servers < DNS_SERVERS_MAX ? o->n_servers : DNS_SERVERS_MAX;
	for (size_t i = 0; i < r->n_servers; i++) {
		r->servers[i].address = o->servers[i];
		r->servers[i].number = (unsigned)i;
	}
}

/* Blocks all signals in the new thread, so that the program's other threads get
 * them. */
static int
start_thread(struct resolver *r)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&r->thread, NULL, run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static bool
start(struct resolver *r, char *error, size_t size)
{
	struct epoll_event event = { .events = EPOLLIN };
	int failed;

	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r->arena = arena_new(ARENA_MAX);
	if (r->epoll < 0 || r->wake < 0 || r->arena == NULL ||
	    epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->wake, &event) != 0) {
		snprintf(
		    error, size, "resolver: out of file descriptors or memory");
		return false;
	}
	failed = start_thread(r);
	if (failed != 0)
		snprintf(error, size,
		    "resolver: cannot start a thread (error %d)", failed);
	return failed == 0;
}

struct dns_source *
dns_resolver_open(
    const struct dns_resolver_options *o, char *error, size_t size)
{
	struct dns_resolver_options from_file = *o;
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		snprintf(error, size, "resolver: out of memory");
		return NULL;
	}
	if (o->n_servers == 0)
		dns_resolver_read_resolv_conf(
		    "/etc/resolv.conf", &from_file, NULL);
	r->source = (struct dns_source){
		.ask = net_ask,
		.close = net_close,
		.share = net_share,
	};
	r->on_forged = o->on_forged;
	r->on_event = o->on_event;
	r->secret = hash_secret_new();
	r->inbox_end = &r->inbox;
	set_schedule(r, o);
	set_servers(r, &from_file);
	pthread_mutex_init(&r->lock, NULL);
	if (start(r, error, size))
		return &r->source;
	if (r->epoll >= 0)
		close(r->epoll);
	if (r->wake >= 0)
		close(r->wake);
	pthread_mutex_destroy(&r->lock);
	arena_free(r->arena);
	free(r);
	return NULL;
}

void
dns_resolver_counts(struct dns_source *source, struct dns_resolver_counts *out)
{
	struct resolver *r = (struct resolver *)source;
	struct net_counters *c = &r->counts;

	*out = (struct dns_resolver_counts){
		.questions = atomic_load(&c->questions),
		.datagrams = atomic_load(&c->datagrams),
		.repetitions = atomic_load(&c->repetitions),
		.tcp = atomic_load(&c->tcp),
		.answers = atomic_load(&c->answers),
		.timeouts = atomic_load(&c->timeouts),
		.servfails = atomic_load(&c->servfails),
		.unreachable = atomic_load(&c->unreachable),
		.strays = atomic_load(&c->strays),
		.wrong_ids = atomic_load(&c->wrong_ids),
		.suspect_ports = atomic_load(&c->suspect_ports),
		.cut_off = atomic_load(&c->cut_off),
		.crowded = atomic_load(&c->crowded),
		.unanswered = atomic_load(&r->unanswered),
		.turn_max_us = atomic_load(&c->turn_max_us),
		.turn_max_cpu_us = atomic_load(&c->turn_max_cpu_us),
	};
}

/* ---- resolv.conf(5) ---- */

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

static void
complain(struct buf *complaints, const char *path, unsigned long line,
    struct span text, const char *why)
{
	if (complaints == NULL)
		return;
	if (complaints->n > 0)
		buf_byte(complaints, '\n');
	buf_text(complaints, path);
	buf_byte(complaints, ':');
	buf_number(complaints, line);
	buf_text(complaints, ": nameserver ");
	buf_printable(complaints, text, text.n);
	buf_byte(complaints, ' ');
	buf_text(complaints, why);
}

/* Returns the address in a nameserver line; empty for other lines. */
static struct span
nameserver_of(const char *line)
{
	struct scan s = scan_of(span_str(line));

	if (!scan_text_nocase(&s, "nameserver") ||
	    scan_while(&s, is_blank).n == 0)
		return SPAN_NONE;
	return scan_while(&s, is_word);
}

void
dns_resolver_read_resolv_conf(
    const char *path, struct dns_resolver_options *o, struct buf *complaints)
{
	char line[RESOLV_CONF_LINE];
	FILE *f = fopen(path, "re");
	unsigned long number = 0;

	o->n_servers = 0;
	while (f != NULL && o->n_servers < DNS_SERVERS_MAX &&
	    fgets(line, sizeof(line), f) != NULL) {
		struct span text = nameserver_of(line);
		const char *why;

		number++;
		if (text.n == 0)
			continue;
		why = span_has(text, '@')
		    ? "has a port, which resolv.conf(5) does not support"
		    : server_address_parse(text, &o->servers[o->n_servers]);
		if (why == NULL)
			o->n_servers++;
		else
			complain(complaints, path, number, text, why);
	}
	if (f != NULL)
		fclose(f);
	if (o->n_servers == 0) {
		(void)server_address_parse(SPAN("127.0.0.1"), &o->servers[0]);
		o->n_servers = 1;
	}
}
