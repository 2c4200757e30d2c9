#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "dns/loop.h"

enum {
	RECEIVE_BUFFER = 1 << 20, /* bytes of the kernel's, for bursts */
	ID_TRIES = 64,            /* until a free id must have been found */
};

/* RFC 5452 section 9.2: ids and ports that can't be foreseen. */
static uint16_t
random_16(struct net *net)
{
	if (net->random_left == 0) {
		uint8_t *p = (uint8_t *)net->random;
		size_t got = 0;

		while (got < sizeof(net->random)) {
			ssize_t n =
			    getrandom(p + got, sizeof(net->random) - got, 0);

			if (n > 0)
				got += (size_t)n;
			else if (errno != EINTR)
				abort(); /* predictable ids are no choice */
		}
		net->random_left = sizeof(net->random) / sizeof(uint16_t);
	}
	return net->random[--net->random_left];
}

/* ---- the table of tries ---- */

static struct try **
slot_of(struct net *net, const struct channel *c, uint16_t id)
{
	size_t h = (size_t)id + ((uintptr_t)c >> 6) * 40503U;

	return &net->slots[h & (SLOTS - 1)];
}

struct try *
channel_find(struct net *net, const struct channel *c, uint16_t id)
{
	struct try *t = *slot_of(net, c, id);

	while (t != NULL && (t->channel != c || t->id != id))
		t = t->chain;
	return t;
}

static bool
remember(struct net *net, struct channel *c, struct try *t)
{
	struct try **slot;

	for (int i = 0; i < ID_TRIES; i++) {
		t->id = random_16(net);
		if (channel_find(net, c, t->id) != NULL)
			continue;
		slot = slot_of(net, c, t->id);
		t->chain = *slot;
		*slot = t;
		t->channel = c;
		t->next = c->tries;
		t->link = &c->tries;
		if (c->tries != NULL)
			c->tries->link = &t->next;
		c->tries = t;
		t->sent = net->now;
		t->missed = false;
		return true;
	}
	return false;
}

static void
close_channel(struct net *net, struct channel *c)
{
	if (c->closed)
		return;
	c->closed = true;
	close(c->fd); /* leaves the epoll set by that */
	if (net->batch.channel == c) {
		net->batch.channel = NULL;
		net->batch.n = 0;
	}
	c->next = net->dead;
	net->dead = c;
}

void
channel_forget(struct net *net, struct try *t)
{
	struct channel *c = t->channel;
	struct try **at = slot_of(net, c, t->id);

	while (*at != t)
		at = &(*at)->chain;
	*at = t->chain;
	*t->link = t->next;
	if (t->next != NULL)
		t->next->link = t->link;
	t->flight = NULL;
	t->channel = NULL;
	if (!c->retired || c->tries != NULL || c->closed)
		return;
	for (struct channel **r = &net->retired; *r != NULL; r = &(*r)->next) {
		if (*r == c) {
			*r = c->next;
			net->n_retired--;
			break;
		}
	}
	close_channel(net, c);
}

/* ---- sockets ---- */

static socklen_t
address_of(const struct dns_net_server *server, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (server->ip.family == IP_V6) {
		struct sockaddr_in6 *to = (struct sockaddr_in6 *)out;

		to->sin6_family = AF_INET6;
		to->sin6_port = htons(server->port);
		memcpy(&to->sin6_addr, server->ip.bytes, 16);
		return sizeof(*to);
	}
	struct sockaddr_in *to = (struct sockaddr_in *)out;

	to->sin_family = AF_INET;
	to->sin_port = htons(server->port);
	memcpy(&to->sin_addr, server->ip.bytes, 4);
	return sizeof(*to);
}

bool
channel_watch(struct net *net, struct channel *c, uint32_t events, int how)
{
	struct epoll_event event = { .events = events, .data.ptr = c };

	return epoll_ctl(net->epoll, how, c->fd, &event) == 0;
}

/*
 * A socket connected to the server: the kernel chooses a random port, and lets
 * through what comes from this server and port alone.
 */
static struct channel *
open_channel(struct net *net, struct server *server, enum channel_kind kind)
{
	int type = kind == CHANNEL_UDP ? SOCK_DGRAM : SOCK_STREAM;
	struct channel *c = calloc(1, sizeof(*c));
	struct sockaddr_storage to;
	socklen_t n = address_of(&server->address, &to);
	int size = RECEIVE_BUFFER;
	int on = 1;

	if (c == NULL)
		return NULL;
	*c = (struct channel){ .kind = kind, .server = server };
	c->progress = net->now;
	c->fd = socket(to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		free(c);
		return NULL;
	}
	if (kind == CHANNEL_UDP)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	else
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if ((connect(c->fd, (struct sockaddr *)&to, n) != 0 &&
		errno != EINPROGRESS) ||
	    !channel_watch(net, c,
		kind == CHANNEL_UDP ? EPOLLIN : EPOLLIN | EPOLLOUT,
		EPOLL_CTL_ADD)) {
		close(c->fd);
		free(c);
		return NULL;
	}
	c->wants_out = kind == CHANNEL_TCP;
	return c;
}

void
channel_break(struct net *net, struct channel *c)
{
	struct server *s = c->server;

	if (s->tcp == c)
		s->tcp = NULL;
	if (s->current == c)
		s->current = NULL;
	for (size_t i = 0; i < PORTS; i++)
		if (s->ports[i] == c)
			s->ports[i] = NULL;
	flight_break(net, c);
	close_channel(net, c);
}

static void
retire(struct net *net, struct channel *c)
{
	c->retired = true;
	if (c->tries == NULL) {
		close_channel(net, c);
		return;
	}
	c->next = net->retired;
	net->retired = c;
	net->n_retired++;
}

/* One port for all that is sent in this turn, so that it is one call. */
static struct channel *
port_of(struct net *net, struct server *s)
{
	unsigned i = random_16(net) % PORTS;
	struct channel *c = s->ports[i];

	if (s->current != NULL && s->current->uses < PORT_USES)
		return s->current;
	if (c != NULL && c->uses >= PORT_USES &&
	    net->n_retired < PORTS_RETIRED) {
		s->ports[i] = NULL;
		channel_flush(net);
		retire(net, c);
		c = NULL;
	}
	if (c == NULL)
		c = open_channel(net, s, CHANNEL_UDP);
	if (s->ports[i] == NULL)
		s->ports[i] = c;
	/* out of descriptors: one that is open is better than none */
	for (i = 0; c == NULL && i < PORTS; i++)
		c = s->ports[i];
	s->current = c;
	return c;
}

/* ---- UDP ---- */

/* The server's host says that nobody listens there, or can't be reached.
 * What follows of it may send, so it has to wait until nobody is sending. */
static void
udp_unreachable(struct net *net, struct channel *c)
{
	c->unreachable = true;
	net->unreachable = true;
}

/* Its port goes too: its own address may be the one that is wrong by now. */
static void
report(struct net *net, struct channel *c)
{
	if (c != NULL && c->unreachable && !c->closed)
		channel_break(net, c);
}

void
channel_report(struct net *net)
{
	struct channel *next;

	net->unreachable = false;
	for (struct channel *c = net->retired; c != NULL; c = next) {
		next = c->next;
		report(net, c);
	}
	for (size_t i = 0; i < net->n_servers; i++)
		for (size_t k = 0; k < PORTS; k++)
			report(net, net->servers[i].ports[k]);
}

void
channel_flush(struct net *net)
{
	struct batch *b = &net->batch;
	struct channel *c = b->channel;
	unsigned sent = 0;
	bool refused = false;

	while (c != NULL && sent < b->n) {
		int n = sendmmsg(c->fd, b->messages + sent, b->n - sent, 0);

		if (n > 0) {
			sent += (unsigned)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		/* an error that an earlier datagram met is told but once */
		if (refused || errno == EAGAIN || errno == ENOBUFS)
			break;
		refused = true;
	}
	net_count(&net->counts.datagrams, sent);
	b->n = 0;
	b->channel = NULL;
	if (refused)
		udp_unreachable(net, c);
}

static bool
udp_send(struct net *net, struct channel *c, const struct wire_question *q)
{
	struct batch *b = &net->batch;

	if (b->n == BATCH || (b->n > 0 && b->channel != c))
		channel_flush(net);
	b->channel = c;
	b->vectors[b->n] = (struct iovec){ .iov_base = b->bytes[b->n],
		.iov_len = wire_put_question(b->bytes[b->n], q) };
	b->messages[b->n] = (struct mmsghdr){
		.msg_hdr = { .msg_iov = &b->vectors[b->n], .msg_iovlen = 1 }
	};
	b->n++;
	return true;
}

static void
udp_receive(struct net *net, struct channel *c)
{
	struct inbound *in = &net->inbound;

	for (int reads = 0; reads < READS_MAX; reads++) {
		for (size_t i = 0; i < BATCH; i++) {
			in->vectors[i] =
			    (struct iovec){ in->bytes[i], DATAGRAM_MAX };
			in->messages[i] = (struct mmsghdr){
				.msg_hdr = { .msg_iov = &in->vectors[i],
				    .msg_iovlen = 1 }
			};
		}
		int n = recvmmsg(c->fd, in->messages, BATCH, 0, NULL);

		if (n < 0 &&
		    (errno == ECONNREFUSED || errno == EHOSTUNREACH ||
			errno == ENETUNREACH)) {
			udp_unreachable(net, c);
			continue;
		}
		/* with its last question answered a retired port is closed */
		for (int i = 0; i < n && !c->closed; i++)
			flight_receive(
			    net, c, in->bytes[i], in->messages[i].msg_len);
		if (n < BATCH || c->closed)
			break;
	}
}

/* ---- both ---- */

bool
channel_send(struct net *net, struct server *server, enum channel_kind kind,
    struct try *t)
{
	struct flight *f = t->flight;
	struct channel *c;

	if (kind == CHANNEL_TCP && server->tcp == NULL)
		server->tcp = open_channel(net, server, CHANNEL_TCP);
	c = kind == CHANNEL_TCP ? server->tcp : port_of(net, server);
	if (c == NULL || !remember(net, c, t)) {
		t->flight = NULL;
		return false;
	}
	t->edns = !f->plain && net->now >= server->plain_until;
	struct wire_question q = {
		.id = t->id, .edns = t->edns, .name = f->name, .type = f->type
	};

	c->uses++;
	if (kind == CHANNEL_UDP ? udp_send(net, c, &q)
				: channel_tcp_send(net, c, &q))
		return true;
	channel_forget(net, t);
	return false;
}

void
channel_ready(struct net *net, struct channel *c, uint32_t events)
{
	if (c->closed)
		return;
	if (c->kind == CHANNEL_UDP)
		udp_receive(net, c);
	else
		channel_tcp_ready(net, c, events);
}

int64_t
channel_run_timers(struct net *net)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < net->n_servers; i++) {
		struct channel *c = net->servers[i].tcp;
		int64_t due;

		if (c == NULL)
			continue;
		due = c->progress +
		    (c->tries != NULL ? TCP_STALL_MS : TCP_IDLE_MS);
		if (due <= net->now)
			channel_break(net, c);
		else if (due < next)
			next = due;
	}
	return next;
}

void
channel_end_turn(struct net *net)
{
	struct channel *next;

	for (struct channel *c = net->dead; c != NULL; c = next) {
		next = c->next;
		free(c->out);
		free(c->in);
		free(c);
	}
	net->dead = NULL;
	for (size_t i = 0; i < net->n_servers; i++)
		net->servers[i].current = NULL;
}

void
channel_close_all(struct net *net)
{
	for (size_t i = 0; i < net->n_servers; i++) {
		struct server *s = &net->servers[i];

		if (s->tcp != NULL)
			close_channel(net, s->tcp);
		for (size_t k = 0; k < PORTS; k++)
			if (s->ports[k] != NULL)
				close_channel(net, s->ports[k]);
	}
	channel_end_turn(net);
}
