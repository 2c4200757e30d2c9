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
random_16(struct resolver *net)
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

/* ---- the table of attempts ---- */

static struct attempt **
slot_of(struct resolver *net, const struct dns_socket *sock, uint16_t id)
{
	size_t h = (size_t)id + ((uintptr_t)sock >> 6) * 40503U;

	return &net->slots[h & (SLOTS - 1)];
}

struct attempt *
dns_socket_find(
    struct resolver *net, const struct dns_socket *sock, uint16_t id)
{
	struct attempt *t = *slot_of(net, sock, id);

	while (t != NULL && (t->socket != sock || t->id != id))
		t = t->chain;
	return t;
}

static bool
remember(struct resolver *net, struct dns_socket *sock, struct attempt *t)
{
	struct attempt **slot;

	for (int i = 0; i < ID_TRIES; i++) {
		t->id = random_16(net);
		if (dns_socket_find(net, sock, t->id) != NULL)
			continue;
		slot = slot_of(net, sock, t->id);
		t->chain = *slot;
		*slot = t;
		t->socket = sock;
		t->next = sock->attempts;
		t->link = &sock->attempts;
		if (sock->attempts != NULL)
			sock->attempts->link = &t->next;
		sock->attempts = t;
		t->sent = net->now;
		t->expired = false;
		return true;
	}
	return false;
}

static void
close_socket(struct resolver *net, struct dns_socket *sock)
{
	if (sock->closed)
		return;
	sock->closed = true;
	close(sock->fd); /* leaves the epoll set by that */
	if (net->batch.socket == sock) {
		net->batch.socket = NULL;
		net->batch.n = 0;
	}
	sock->next = net->dead;
	net->dead = sock;
}

void
dns_socket_forget(struct resolver *net, struct attempt *t)
{
	struct dns_socket *sock = t->socket;
	struct attempt **at = slot_of(net, sock, t->id);

	while (*at != t)
		at = &(*at)->chain;
	*at = t->chain;
	*t->link = t->next;
	if (t->next != NULL)
		t->next->link = t->link;
	t->query = NULL;
	t->socket = NULL;
	if (!sock->retired || sock->attempts != NULL || sock->closed)
		return;
	for (struct dns_socket **r = &net->retired; *r != NULL;
	     r = &(*r)->next) {
		if (*r == sock) {
			*r = sock->next;
			net->n_retired--;
			break;
		}
	}
	close_socket(net, sock);
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
dns_socket_watch(
    struct resolver *net, struct dns_socket *sock, uint32_t events, int how)
{
	struct epoll_event event = { .events = events, .data.ptr = sock };

	return epoll_ctl(net->epoll, how, sock->fd, &event) == 0;
}

/*
 * A socket connected to the server: the kernel chooses a random port, and lets
 * through what comes from this server and port alone.
 */
static struct dns_socket *
open_socket(
    struct resolver *net, struct dns_server *server, enum socket_kind kind)
{
	int type = kind == SOCKET_UDP ? SOCK_DGRAM : SOCK_STREAM;
	struct dns_socket *sock = calloc(1, sizeof(*sock));
	struct sockaddr_storage to;
	socklen_t n = address_of(&server->address, &to);
	int size = RECEIVE_BUFFER;
	int on = 1;

	if (sock == NULL)
		return NULL;
	*sock = (struct dns_socket){ .kind = kind, .server = server };
	sock->progress = net->now;
	sock->fd = socket(to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sock->fd < 0) {
		free(sock);
		return NULL;
	}
	if (kind == SOCKET_UDP)
		setsockopt(
		    sock->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	else
		setsockopt(sock->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if ((connect(sock->fd, (struct sockaddr *)&to, n) != 0 &&
		errno != EINPROGRESS) ||
	    !dns_socket_watch(net, sock,
		kind == SOCKET_UDP ? EPOLLIN : EPOLLIN | EPOLLOUT,
		EPOLL_CTL_ADD)) {
		close(sock->fd);
		free(sock);
		return NULL;
	}
	sock->wants_out = kind == SOCKET_TCP;
	return sock;
}

void
dns_socket_break(struct resolver *net, struct dns_socket *sock)
{
	struct dns_server *s = sock->server;

	if (s->tcp == sock)
		s->tcp = NULL;
	if (s->current == sock)
		s->current = NULL;
	for (size_t i = 0; i < PORTS; i++)
		if (s->ports[i] == sock)
			s->ports[i] = NULL;
	query_break(net, sock);
	close_socket(net, sock);
}

static void
retire(struct resolver *net, struct dns_socket *sock)
{
	sock->retired = true;
	if (sock->attempts == NULL) {
		close_socket(net, sock);
		return;
	}
	sock->next = net->retired;
	net->retired = sock;
	net->n_retired++;
}

/* One port for all that is sent in this turn, so that it is one call. */
static struct dns_socket *
port_of(struct resolver *net, struct dns_server *s)
{
	unsigned i = random_16(net) % PORTS;
	struct dns_socket *sock = s->ports[i];

	if (s->current != NULL && s->current->uses < PORT_USES)
		return s->current;
	if (sock != NULL && sock->uses >= PORT_USES &&
	    net->n_retired < PORTS_RETIRED) {
		s->ports[i] = NULL;
		dns_socket_flush(net);
		retire(net, sock);
		sock = NULL;
	}
	if (sock == NULL)
		sock = open_socket(net, s, SOCKET_UDP);
	if (s->ports[i] == NULL)
		s->ports[i] = sock;
	/* out of descriptors: one that is open is better than none */
	for (i = 0; sock == NULL && i < PORTS; i++)
		sock = s->ports[i];
	s->current = sock;
	return sock;
}

/* ---- UDP ---- */

/* The server's host says that nobody listens there, or can't be reached.
 * What follows of it may send, so it has to wait until nobody is sending. */
static void
udp_unreachable(struct resolver *net, struct dns_socket *sock)
{
	sock->unreachable = true;
	net->unreachable = true;
}

/* Its port goes too: its own address may be the one that is wrong by now. */
static void
report(struct resolver *net, struct dns_socket *sock)
{
	if (sock != NULL && sock->unreachable && !sock->closed)
		dns_socket_break(net, sock);
}

void
dns_socket_report(struct resolver *net)
{
	struct dns_socket *next;

	net->unreachable = false;
	for (struct dns_socket *sock = net->retired; sock != NULL;
	     sock = next) {
		next = sock->next;
		report(net, sock);
	}
	for (size_t i = 0; i < net->n_servers; i++)
		for (size_t k = 0; k < PORTS; k++)
			report(net, net->servers[i].ports[k]);
}

void
dns_socket_flush(struct resolver *net)
{
	struct batch *b = &net->batch;
	struct dns_socket *sock = b->socket;
	unsigned sent = 0;
	bool refused = false;

	while (sock != NULL && sent < b->n) {
		int n = sendmmsg(sock->fd, b->messages + sent, b->n - sent, 0);

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
	b->socket = NULL;
	if (refused)
		udp_unreachable(net, sock);
}

static bool
udp_send(struct resolver *net, struct dns_socket *sock,
    const struct wire_question *question)
{
	struct batch *b = &net->batch;

	if (b->n == BATCH || (b->n > 0 && b->socket != sock))
		dns_socket_flush(net);
	b->socket = sock;
	b->vectors[b->n] = (struct iovec){ .iov_base = b->bytes[b->n],
		.iov_len = wire_put_question(b->bytes[b->n], question) };
	b->messages[b->n] = (struct mmsghdr){
		.msg_hdr = { .msg_iov = &b->vectors[b->n], .msg_iovlen = 1 }
	};
	b->n++;
	return true;
}

static void
udp_receive(struct resolver *net, struct dns_socket *sock)
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
		int n = recvmmsg(sock->fd, in->messages, BATCH, 0, NULL);

		if (n < 0 &&
		    (errno == ECONNREFUSED || errno == EHOSTUNREACH ||
			errno == ENETUNREACH)) {
			udp_unreachable(net, sock);
			continue;
		}
		/* with its last question answered a retired port is closed */
		for (int i = 0; i < n && !sock->closed; i++)
			query_receive(
			    net, sock, in->bytes[i], in->messages[i].msg_len);
		if (n < BATCH || sock->closed)
			break;
	}
}

/* ---- both ---- */

bool
dns_socket_send(struct resolver *net, struct dns_server *server,
    enum socket_kind kind, struct attempt *t)
{
	struct dns_query *q = t->query;
	struct dns_socket *sock;

	if (kind == SOCKET_TCP && server->tcp == NULL)
		server->tcp = open_socket(net, server, SOCKET_TCP);
	sock = kind == SOCKET_TCP ? server->tcp : port_of(net, server);
	if (sock == NULL || !remember(net, sock, t)) {
		t->query = NULL;
		return false;
	}
	t->edns = !q->plain && net->now >= server->plain_until;
	struct wire_question question = {
		.id = t->id, .edns = t->edns, .name = q->name, .type = q->type
	};

	sock->uses++;
	if (kind == SOCKET_UDP ? udp_send(net, sock, &question)
			       : dns_socket_tcp_send(net, sock, &question))
		return true;
	dns_socket_forget(net, t);
	return false;
}

void
dns_socket_ready(struct resolver *net, struct dns_socket *sock, uint32_t events)
{
	if (sock->closed)
		return;
	if (sock->kind == SOCKET_UDP)
		udp_receive(net, sock);
	else
		dns_socket_tcp_ready(net, sock, events);
}

int64_t
dns_socket_run_timers(struct resolver *net)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < net->n_servers; i++) {
		struct dns_socket *sock = net->servers[i].tcp;
		int64_t due;

		if (sock == NULL)
			continue;
		due = sock->progress +
		    (sock->attempts != NULL ? TCP_STALL_MS : TCP_IDLE_MS);
		if (due <= net->now)
			dns_socket_break(net, sock);
		else if (due < next)
			next = due;
	}
	return next;
}

void
dns_socket_end_turn(struct resolver *net)
{
	struct dns_socket *next;

	for (struct dns_socket *sock = net->dead; sock != NULL; sock = next) {
		next = sock->next;
		free(sock->out);
		free(sock->in);
		free(sock);
	}
	net->dead = NULL;
	for (size_t i = 0; i < net->n_servers; i++)
		net->servers[i].current = NULL;
}

void
dns_socket_close_all(struct resolver *net)
{
	for (size_t i = 0; i < net->n_servers; i++) {
		struct dns_server *s = &net->servers[i];

		if (s->tcp != NULL)
			close_socket(net, s->tcp);
		for (size_t k = 0; k < PORTS; k++)
			if (s->ports[k] != NULL)
				close_socket(net, s->ports[k]);
	}
	dns_socket_end_turn(net);
}
