#include "tests/support/bad_nameserver.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/enum_names.h"
#include "tests/support/bad_nameserver_packet.h"

enum { CONNECTIONS = 16, HELD = 8192, GUESSES = 32 };

struct bad_nameserver_entry {
	struct sockaddr_in from;
	uint8_t question[300];
	size_t n;
};

struct hostile {
	struct hostile_options options;
	pthread_t thread;
	pthread_mutex_t lock;
	struct hostile_counts counts;
	int udp, tcp, stop, other;
	int connections[CONNECTIONS];
	bool is_stuck[CONNECTIONS]; /* no further questions are read */
	atomic_bool busy;
	bool is_paused;
	uint16_t port;
	uint32_t dice;
	struct bad_nameserver_entry *held;
	size_t n_held;
	struct bad_nameserver_reply first,
	    second;    /* second is sent only if its n > 0 */
	bool truncate; /* the question came over UDP */
	bool stick;    /* this question blocks its connection */
	bool guess;    /* send GUESSES forged replies instead of an
	                  answer */
};

/* ---- behaviors ---- */

static void
add_right(
    struct bad_nameserver_reply *r, const struct bad_nameserver_question *q)
{
	char text[256];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)ascii_upper((unsigned char)q->name[i]);
	if (q->type == 16) {
		nameserver_put_text(r, NULL, 300, text);
	} else if (q->type == 1) {
		nameserver_put_record(r, NULL, 1, 60, "\xc0\x00\x02\x01", 4);
	} else if (q->type == 28) {
		nameserver_put_record(r, NULL, 28, 60,
		    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	} else if (q->type == 15) {
		nameserver_put_record(
		    r, NULL, 15, 60, "\0\012\4MAIL\xc0\x0c", 9);
		nameserver_set_counts(r, 2, 0);
		nameserver_put_record(r, NULL, 15, 50, "\0\0\0", 3);
		return;
	} else {
		nameserver_put_soa(r, 600, 90);
		nameserver_set_counts(r, 0, 1);
		return;
	}
	nameserver_set_counts(r, 1, 0);
}

static void
act_dup(struct hostile *h, const struct bad_nameserver_question *q)
{
	add_right(&h->first, q);
	h->second = h->first;
}

static void
act_wrong_id(struct hostile *h, const struct bad_nameserver_question *q)
{
	h->second = h->first;
	add_right(&h->second, q);
	nameserver_put_text(&h->first, NULL, 300, "wrong");
	nameserver_set_counts(&h->first, 1, 0);
	h->first.bytes[1] ^= 1;
}

static void
act_wrong_name(struct hostile *h, const struct bad_nameserver_question *q)
{
	h->second = h->first;
	add_right(&h->second, q);
	nameserver_put_text(&h->first, NULL, 300, "wrong");
	nameserver_set_counts(&h->first, 1, 0);
	h->first.bytes[13] = 'x';
}

static void
act_wrong_type(struct hostile *h, const struct bad_nameserver_question *q)
{
	h->second = h->first;
	add_right(&h->second, q);
	nameserver_put_text(&h->first, NULL, 300, "wrong");
	nameserver_set_counts(&h->first, 1, 0);
	h->first.bytes[q->end - 3] ^= 1;
}

static void
act_wrong_class(struct hostile *h, const struct bad_nameserver_question *q)
{
	h->second = h->first;
	add_right(&h->second, q);
	nameserver_put_text(&h->first, NULL, 300, "wrong");
	nameserver_set_counts(&h->first, 1, 0);
	h->first.bytes[q->end - 1] = 3;
}

/* Sends the question back as if it were an answer. */
static void
act_echo(struct hostile *h, const struct bad_nameserver_question *q)
{
	h->second = h->first;
	add_right(&h->second, q);
	h->first.bytes[2] &= 0x7f;
}

static void
act_case(struct hostile *h, const struct bad_nameserver_question *q)
{
	h->first.bytes[14] = ascii_upper(h->first.bytes[14]);
	add_right(&h->first, q);
}

/* Truncates the UDP answer without setting TC; over TCP it is complete. */
static void
act_cut(struct hostile *h, const struct bad_nameserver_question *q)
{
	add_right(&h->first, q);
	if (h->truncate)
		h->first.n -= 5;
}

static void
act_garbage(struct hostile *h, const struct bad_nameserver_question *q)
{
	add_right(&h->first, q);
	if (h->truncate)
		for (size_t i = q->end; i < h->first.n; i++)
			h->first.bytes[i] = (uint8_t)(0xc0 | i);
}

static void
act_garbage_first(struct hostile *h, const struct bad_nameserver_question *q)
{
	act_garbage(h, q);
	h->second = h->first;
	h->second.n = q->end;
	nameserver_set_counts(&h->second, 0, 0);
	add_right(&h->second, q);
}

/* Cuts off the end of the answer, over both UDP and TCP. */
static void
act_broken(struct hostile *h, const struct bad_nameserver_question *q)
{
	add_right(&h->first, q);
	h->first.n -= 5;
}

static void
act_tc(struct hostile *h, const struct bad_nameserver_question *q)
{
	if (h->truncate)
		h->first.bytes[2] |= 2;
	else
		add_right(&h->first, q);
}

static void
act_tc_always(struct hostile *h, const struct bad_nameserver_question *q)
{
	(void)q;
	h->first.bytes[2] |= 2;
}

/* Never answers the question over TCP, so that those after it on the connection
 * wait too. */
static void
act_stuck(struct hostile *h, const struct bad_nameserver_question *q)
{
	act_tc(h, q);
	if (!h->truncate) {
		h->stick = true;
		h->first.n = 0;
	}
}

/* Over UDP, a forger guesses wrong ids, and the correct answer is lost. */
static void
act_guess(struct hostile *h, const struct bad_nameserver_question *q)
{
	if (h->truncate) {
		nameserver_put_text(&h->first, NULL, 300, "wrong");
		nameserver_set_counts(&h->first, 1, 0);
		h->first.bytes[0] ^= 1; /* none of the forged ids is correct */
		h->guess = true;
	} else {
		add_right(&h->first, q);
	}
}

static void
act_silent(struct hostile *h, const struct bad_nameserver_question *q)
{
	(void)q;
	h->first.n = 0;
}

static void
act_formerr(struct hostile *h, const struct bad_nameserver_question *q)
{
	if (!q->edns) {
		add_right(&h->first, q);
		return;
	}
	nameserver_set_rcode(&h->first, 1);
	nameserver_set_16(&h->first, 4, 0); /* only the header */
	h->first.n = 12;
}

static void
act_notimp(struct hostile *h, const struct bad_nameserver_question *q)
{
	if (q->edns)
		nameserver_set_rcode(&h->first, 4);
	else
		add_right(&h->first, q);
}

static void
act_formerr_always(struct hostile *h, const struct bad_nameserver_question *q)
{
	(void)q;
	nameserver_set_rcode(&h->first, 1);
}

/* Rejects any version of EDNS (RFC 6891 section 6.1.3), although version 0 must
 * be supported. */
static void
act_badvers(struct hostile *h, const struct bad_nameserver_question *q)
{
	if (!q->edns) {
		add_right(&h->first, q);
		return;
	}
	nameserver_put(&h->first, "\0\0\x29\x04\xd0\x01\0\0\0\0\0", 11);
	nameserver_set_16(&h->first, 10, 1);
}

static void
act_servfail(struct hostile *h, const struct bad_nameserver_question *q)
{
	(void)q;
	nameserver_set_rcode(&h->first, 2);
}

static void
act_refused(struct hostile *h, const struct bad_nameserver_question *q)
{
	(void)q;
	nameserver_set_rcode(&h->first, 5);
}

static void
act_notauth(struct hostile *h, const struct bad_nameserver_question *q)
{
	(void)q;
	nameserver_set_rcode(&h->first, 9);
}

static void
act_nodata(struct hostile *h, const struct bad_nameserver_question *q)
{
	(void)q;
	nameserver_put_soa(&h->first, 600, 90);
	nameserver_set_counts(&h->first, 0, 1);
}

static void
act_nxdomain(struct hostile *h, const struct bad_nameserver_question *q)
{
	act_nodata(h, q);
	nameserver_set_rcode(&h->first, 3);
}

static void
act_nosoa(struct hostile *h, const struct bad_nameserver_question *q)
{
	(void)q;
	nameserver_set_rcode(&h->first, 3);
}

/* Sends a referral: a non-authoritative answer without recursion, which only
 * names the servers to query. */
static void
act_referral(struct hostile *h, const struct bad_nameserver_question *q)
{
	(void)q;
	h->first.bytes[3] &= 0x7f;
	nameserver_put_record(&h->first, "example", 2, 300, "\2ns\0", 4);
	nameserver_set_counts(&h->first, 0, 1);
}

static void
act_chain(struct hostile *h, const struct bad_nameserver_question *q)
{
	(void)q;
	nameserver_put_text(&h->first, "c.example", 70, "end");
	nameserver_put_alias(&h->first, "b.Example", 60, "C.example");
	nameserver_put_alias(&h->first, NULL, 80, "b.example");
	nameserver_put_text(&h->first, "other.example", 5, "not this");
	nameserver_set_counts(&h->first, 4, 0);
}

static void
act_chain_nxdomain(struct hostile *h, const struct bad_nameserver_question *q)
{
	(void)q;
	nameserver_put_alias(&h->first, NULL, 80, "gone.example");
	nameserver_put_soa(&h->first, 30, 90);
	nameserver_set_counts(&h->first, 1, 1);
	nameserver_set_rcode(&h->first, 3);
}

static void
act_loop(struct hostile *h, const struct bad_nameserver_question *q)
{
	nameserver_put_alias(&h->first, NULL, 80, "b.example");
	nameserver_put_alias(&h->first, "b.example", 80, q->name);
	nameserver_set_counts(&h->first, 2, 0);
}

static void
act_stranger(struct hostile *h, const struct bad_nameserver_question *q)
{
	(void)q;
	nameserver_put_text(&h->first, "other.example", 5, "not this");
	nameserver_set_counts(&h->first, 1, 0);
}

static const struct act {
	const char *label;
	void (*act)(struct hostile *h, const struct bad_nameserver_question *q);
} acts[] = {
	{ "dup", act_dup },
	{ "wrong-id", act_wrong_id },
	{ "wrong-name", act_wrong_name },
	{ "wrong-type", act_wrong_type },
	{ "wrong-class", act_wrong_class },
	{ "echo", act_echo },
	{ "case", act_case },
	{ "cut", act_cut },
	{ "garbage", act_garbage },
	{ "garbage-first", act_garbage_first },
	{ "broken", act_broken },
	{ "tc", act_tc },
	{ "tc-always", act_tc_always },
	{ "silent", act_silent },
	{ "stuck", act_stuck },
	{ "guess", act_guess },
	{ "formerr", act_formerr },
	{ "notimp", act_notimp },
	{ "formerr-always", act_formerr_always },
	{ "badvers", act_badvers },
	{ "servfail", act_servfail },
	{ "refused", act_refused },
	{ "notauth", act_notauth },
	{ "nodata", act_nodata },
	{ "nxdomain", act_nxdomain },
	{ "nosoa", act_nosoa },
	{ "referral", act_referral },
	{ "chain", act_chain },
	{ "chain-nxdomain", act_chain_nxdomain },
	{ "loop", act_loop },
	{ "stranger", act_stranger },
};

/* Writes the answer to h->first and h->second. */
static void
answer(struct hostile *h, const uint8_t *p, size_t n, bool udp)
{
	void (*act)(struct hostile *, const struct bad_nameserver_question *) =
	    NULL;
	struct bad_nameserver_question q;
	size_t label;

	h->first.n = h->second.n = 0;
	h->truncate = udp;
	h->stick = h->guess = false;
	if (!nameserver_parse(p, n, &q) || h->options.silent)
		return;
	pthread_mutex_lock(&h->lock);
	h->counts.with_edns += q.edns;
	pthread_mutex_unlock(&h->lock);
	if (h->options.no_edns_silent && q.edns)
		return;
	nameserver_put(&h->first, p, q.end);
	h->first.bytes[2] = 0x81; /* QR, RD */
	h->first.bytes[3] = 0x80; /* RA */
	nameserver_set_counts(&h->first, 0, 0);
	nameserver_set_16(&h->first, 10, 0);
	label = strcspn(q.name, ".");
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		if (strlen(acts[i].label) == label &&
		    memcmp(acts[i].label, q.name, label) == 0)
			act = acts[i].act;
	if (h->options.servfail)
		act = act_servfail;
	if (h->options.refused)
		act = act_refused;
	if (h->options.no_edns && q.edns)
		act = act_formerr;
	if (act != NULL)
		act(h, &q);
	else
		add_right(&h->first, &q);
}

/* ---- sockets ---- */

static bool
is_lost(struct hostile *h)
{
	h->dice = h->dice * 1664525U + 1013904223U;
	return (h->dice >> 8) % 100 < h->options.loss;
}

static void
send_udp(struct hostile *h, const struct bad_nameserver_reply *r,
    const struct sockaddr_in *to)
{
	if (r->n > 0)
		(void)!sendto(h->udp, r->bytes, r->n, 0,
		    (const struct sockaddr *)to, sizeof(*to));
}

static void
reply_udp(
    struct hostile *h, const uint8_t *p, size_t n, const struct sockaddr_in *to)
{
	struct bad_nameserver_reply wrong;

	answer(h, p, n, true);
	if (h->first.n > 0) {
		/* a reply with the right id from a wrong address comes before
		 * anything else */
		wrong = h->first;
		nameserver_set_rcode(&wrong, 3);
		nameserver_set_counts(&wrong, 0, 0);
		(void)!sendto(h->other, wrong.bytes, wrong.n, 0,
		    (const struct sockaddr *)to, sizeof(*to));
	}
	send_udp(h, &h->first, to);
	send_udp(h, &h->second, to);
	for (int i = 1; h->guess && i < GUESSES; i++) {
		h->first.bytes[1]++;
		send_udp(h, &h->first, to);
	}
}

static void
serve_udp(struct hostile *h)
{
	struct bad_nameserver_entry one = { .n = 0 };
	socklen_t size = sizeof(one.from);
	ssize_t n = recvfrom(h->udp, one.question, sizeof(one.question),
	    MSG_DONTWAIT, (struct sockaddr *)&one.from, &size);

	if (n <= 0)
		return;
	one.n = (size_t)n;
	pthread_mutex_lock(&h->lock);
	h->counts.udp++;
	pthread_mutex_unlock(&h->lock);
	if (is_lost(h))
		return;
	if (h->options.hold == 0) {
		reply_udp(h, one.question, one.n, &one.from);
		return;
	}
	if (h->n_held < HELD)
		h->held[h->n_held++] = one;
	if (h->n_held < h->options.hold)
		return;
	while (h->n_held > 0) {
		struct bad_nameserver_entry *last = &h->held[--h->n_held];

		answer(h, last->question, last->n, true);
		send_udp(h, &h->first, &last->from);
		if (h->n_held % 64 == 0)
			usleep(1000); /* do not overflow the receive buffer */
	}
	h->options.hold = 0; /* answer repeated questions immediately */
}

static void
close_tcp(struct hostile *h, size_t i)
{
	close(h->connections[i]);
	h->connections[i] = -1;
	h->is_stuck[i] = false;
}

/* Sends the length in two pieces. */
static void
reply_tcp(const struct hostile *h, int fd)
{
	uint8_t out[2] = { (uint8_t)(h->first.n >> 8), (uint8_t)h->first.n };

	if (h->first.n == 0)
		return;
	(void)!send(fd, out, 1, MSG_NOSIGNAL);
	(void)!send(fd, out + 1, 1, MSG_NOSIGNAL);
	(void)!send(fd, h->first.bytes, h->first.n, MSG_NOSIGNAL);
}

static void
serve_tcp(struct hostile *h, size_t i)
{
	int fd = h->connections[i];
	uint8_t in[302];
	size_t want;
	unsigned first;

	if (recv(fd, in, 2, MSG_WAITALL) != 2) {
		close_tcp(h, i);
		return;
	}
	want = (size_t)in[0] << 8 | in[1];
	if (want > 300 ||
	    recv(fd, in + 2, want, MSG_WAITALL) != (ssize_t)want) {
		close_tcp(h, i);
		return;
	}
	pthread_mutex_lock(&h->lock);
	first = h->counts.tcp++;
	pthread_mutex_unlock(&h->lock);
	if (h->options.tcp_drop_first && first == 0) {
		close_tcp(h, i);
		return;
	}
	answer(h, in + 2, want, false);
	h->is_stuck[i] = h->stick;
	reply_tcp(h, fd);
	if (h->options.tcp_once)
		close_tcp(h, i);
}

static void
accept_tcp(struct hostile *h)
{
	int fd = accept(h->tcp, NULL, NULL);
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

	for (size_t i = 0; fd >= 0 && i < CONNECTIONS; i++) {
		if (h->connections[i] >= 0)
			continue;
		h->connections[i] = fd;
		pthread_mutex_lock(&h->lock);
		h->counts.connections++;
		pthread_mutex_unlock(&h->lock);
		return;
	}
	if (fd >= 0)
		close(fd);
}

static void *
serve(void *arg)
{
	struct hostile *h = arg;
	struct pollfd polls[3 + CONNECTIONS];

	for (;;) {
		polls[0] = (struct pollfd){ .fd = h->stop, .events = POLLIN };
		polls[1] = (struct pollfd){ .fd = h->udp, .events = POLLIN };
		polls[2] =
		    (struct pollfd){ .fd = h->options.no_tcp ? -1 : h->tcp,
			    .events = POLLIN };
		for (size_t i = 0; i < CONNECTIONS; i++)
			polls[3 + i] = (struct pollfd){
				.fd = h->is_stuck[i] ? -1 : h->connections[i],
				.events = POLLIN
			};
		atomic_store(&h->busy, false);
		(void)poll(polls, 3 + CONNECTIONS, -1);
		atomic_store(&h->busy, true);
		if (polls[0].revents != 0)
			return NULL;
		if (polls[1].revents != 0)
			serve_udp(h);
		for (size_t i = 0; i < CONNECTIONS; i++)
			if (polls[3 + i].revents != 0)
				serve_tcp(h, i);
		if (polls[2].revents != 0)
			accept_tcp(h);
	}
}

/* Lets the kernel reject datagrams from anyone with ICMP. */
static bool
reject_udp(const struct hostile *h)
{
	struct sockaddr_in nobody = { .sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return connect(h->udp, (struct sockaddr *)&nobody, sizeof(nobody)) == 0;
}

/* Both sockets keep the port if they do not listen: it is bound explicitly, or
 * the UDP socket would lose it when it is disconnected. */
static bool
open_sockets(struct hostile *h)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int on = 1;
	int space = 4 << 20;

	h->tcp = socket(AF_INET, SOCK_STREAM, 0);
	h->udp = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(h->tcp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(h->udp, SOL_SOCKET, SO_RCVBUF, &space, sizeof(space));
	if (bind(h->tcp, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	    getsockname(h->tcp, (struct sockaddr *)&at, &size) == 0 &&
	    bind(h->udp, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	    (!h->options.no_udp || reject_udp(h)) &&
	    (h->options.no_tcp || listen(h->tcp, CONNECTIONS) == 0)) {
		h->port = ntohs(at.sin_port);
		return true;
	}
	close(h->udp);
	close(h->tcp);
	return false;
}

static void
start_thread(struct hostile *h)
{
	assert_int_equal(pthread_create(&h->thread, NULL, serve, h), 0);
}

static void
stop_thread(struct hostile *h)
{
	uint64_t one = 1;

	assert_int_equal(write(h->stop, &one, sizeof(one)), sizeof(one));
	pthread_join(h->thread, NULL);
	assert_int_equal(read(h->stop, &one, sizeof(one)), sizeof(one));
	atomic_store(&h->busy, false);
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (h->connections[i] >= 0)
			close_tcp(h, i);
}

struct hostile *
hostile_start(const struct hostile_options *o)
{
	struct hostile *h = calloc(1, sizeof(*h));
	bool ok = false;

	assert_non_null(h);
	h->options = *o;
	h->held = calloc(HELD, sizeof(*h->held));
	h->dice = 12345;
	for (size_t i = 0; i < CONNECTIONS; i++)
		h->connections[i] = -1;
	for (int i = 0; i < 20 && !ok; i++)
		ok = open_sockets(h);
	assert_true(ok);
	h->stop = eventfd(0, 0);
	h->other = socket(AF_INET, SOCK_DGRAM, 0);
	pthread_mutex_init(&h->lock, NULL);
	start_thread(h);
	return h;
}

uint16_t
hostile_port(const struct hostile *h)
{
	return h->port;
}

struct hostile_counts
hostile_counts(struct hostile *h)
{
	struct hostile_counts c;

	pthread_mutex_lock(&h->lock);
	c = h->counts;
	pthread_mutex_unlock(&h->lock);
	return c;
}

/* The order matters: the thread sets `busy` before it reads. */
bool
hostile_is_idle(struct hostile *h)
{
	struct pollfd udp = { .fd = h->udp, .events = POLLIN };

	return poll(&udp, 1, 0) == 0 && !atomic_load(&h->busy);
}

void
hostile_pause(struct hostile *h)
{
	uint8_t unread[1];

	stop_thread(h);
	h->is_paused = true;
	assert_true(reject_udp(h));
	while (recv(h->udp, unread, sizeof(unread), MSG_DONTWAIT) >= 0)
		continue;
	/* a socket that listened then only keeps its port */
	assert_int_equal(shutdown(h->tcp, SHUT_RD), 0);
}

void
hostile_resume(struct hostile *h)
{
	struct sockaddr anyone = { .sa_family = AF_UNSPEC };

	assert_int_equal(connect(h->udp, &anyone, sizeof(anyone)), 0);
	assert_int_equal(listen(h->tcp, CONNECTIONS), 0);
	h->is_paused = false;
	start_thread(h);
}

void
hostile_stop(struct hostile *h)
{
	if (!h->is_paused)
		stop_thread(h);
	close(h->tcp);
	close(h->udp);
	close(h->other);
	close(h->stop);
	pthread_mutex_destroy(&h->lock);
	free(h->held);
	free(h);
}
