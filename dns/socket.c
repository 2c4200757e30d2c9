#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "dns/resolver_internal.h"

enum {
	RECEIVE_BUFFER = 1 << 20, /* bytes of kernel buffer, for bursts */
	ID_ATTEMPTS = 64,         /* attempts to find a free id */
};

/* RFC 5452 section 9.2: ids and ports must not be predictable. */
static uint16_t
random_16(struct resolver *r)
{
	if (r->random_left == 0) {
		uint8_t *p = (uint8_t *)r->random;
		size_t got = 0;

		while (got < sizeof(r->random)) {
			ssize_t n =
			    getrandom(p + got, sizeof(r->random) - got, 0);

			if (n > 0)
				got += (size_t)n;
			else if (errno != EINTR)
				abort(); /* never fall back to predictable
				            ids */
		}
		r->random_left = sizeof(r->random) / sizeof(uint16_t);
	}
	return r->random[--r->random_left];
}

/* ---- the table of attempts ---- */

static struct attempt **
slot_of(struct resolver *r, const struct dns_socket *sock, uint16_t id)
{
	size_t h = (size_t)id + ((uintptr_t)sock >> 6) * 40503U;

	return &r->slots[h & (SLOTS - 1)];
}

struct attempt *
dns_socket_find(struct resolver *r, const struct dns_socket *sock, uint16_t id)
{
	struct attempt *t = *slot_of(r, sock, id);

	while (t != NULL && (t->socket != sock || t->id != id))
		t = t->chain;
	return t;
}

static void
note_used(struct dns_socket *sock, uint16_t id)
{
	if (sock->used_ids != NULL)
		sock->used_ids[id / 8] |= (uint8_t)(1U << id % 8);
}

static bool
was_used(const struct dns_socket *sock, uint16_t id)
{
	return sock->used_ids != NULL &&
	    (sock->used_ids[id / 8] & 1U << id % 8) != 0;
}

static bool
remember(struct resolver *r, struct dns_socket *sock, struct attempt *t)
{
	struct attempt **slot;

	for (int i = 0; i < ID_ATTEMPTS; i++) {
		t->id = random_16(r);
		if (dns_socket_find(r, sock, t->id) != NULL)
			continue;
		slot = slot_of(r, sock, t->id);
		t->chain = *slot;
		*slot = t;
		t->socket = sock;
		t->next = sock->attempts;
		t->link = &sock->attempts;
		if (sock->attempts != NULL)
			sock->attempts->link = &t->next;
		sock->attempts = t;
		t->sent = r->now;
		t->expired = false;
		note_used(sock, t->id);
		return true;
	}
	return false;
}

static void
close_socket(struct resolver *r, struct dns_socket *sock)
{
	if (sock->closed)
		return;
	sock->closed = true;
	close(sock->fd); /* also removes it from the epoll set */
	if (r->batch.socket == sock) {
		r->batch.socket = NULL;
		r->batch.n = 0;
	}
	sock->next = r->dead;
	r->dead = sock;
}

static void
remove_retired(struct resolver *r, const struct dns_socket *sock)
{
	struct dns_socket **at = &r->retired;

	while (*at != sock)
		at = &(*at)->next;
	*at = sock->next;
	r->n_retired--;
}

void
dns_socket_forget(struct resolver *r, struct attempt *t)
{
	struct dns_socket *sock = t->socket;
	struct attempt **at = slot_of(r, sock, t->id);

	assert(sock != NULL);
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
	remove_retired(r, sock);
	close_socket(r, sock);
}

/* ---- sockets ---- */

static socklen_t
address_of(const struct server_address *server, struct sockaddr_storage *out)
{
	size_t n = ip_to_sockaddr(&server->ip, server->port, out);

	if (server->ip.family == IP_V6)
		((struct sockaddr_in6 *)out)->sin6_scope_id =
		    server_address_interface_index(server);
	return (socklen_t)n;
}

bool
dns_socket_watch(
    struct resolver *r, struct dns_socket *sock, uint32_t events, int how)
{
	struct epoll_event event = { .events = events, .data.ptr = sock };

	return epoll_ctl(r->epoll, how, sock->fd, &event) == 0;
}

static void
set_options(const struct dns_socket *sock)
{
	int size = RECEIVE_BUFFER;
	int on = 1;

	if (sock->kind == SOCKET_UDP)
		setsockopt(
		    sock->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	else
		setsockopt(sock->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/*
 * Opens a socket connected to the server, so that the kernel chooses a random
 * port and accepts only packets from the server's address and port.  Sets errno
 * on failure.
 */
static bool
connect_to(struct resolver *r, struct dns_socket *sock)
{
	bool udp = sock->kind == SOCKET_UDP;
	struct sockaddr_storage to;
	socklen_t n = address_of(&sock->server->address, &to);

	sock->fd = socket(to.ss_family,
	    (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sock->fd < 0)
		return false;
	set_options(sock);
	return (connect(sock->fd, (struct sockaddr *)&to, n) == 0 ||
		   errno == EINPROGRESS) &&
	    dns_socket_watch(
		r, sock, udp ? EPOLLIN : EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

static void
free_socket(struct dns_socket *sock)
{
	free(sock->used_ids);
	free(sock->out);
	free(sock->in);
	free(sock);
}

/* Whether the error `code` means that this host lacks resources.  Any other
 * error means that the server cannot be reached. */
static bool
is_our_lack(int code)
{
	return code == EMFILE || code == ENFILE || code == ENOMEM ||
	    code == ENOBUFS || code == ENOSPC || code == EAGAIN;
}

static struct dns_socket *
open_socket(struct resolver *r, struct dns_server *server,
    enum socket_kind kind, enum send_status *status)
{
	struct dns_socket *sock = calloc(1, sizeof(*sock));
	bool tried;

	*status = SEND_RESOURCE;
	if (sock == NULL)
		return NULL;
	*sock = (struct dns_socket){
		.kind = kind,
		.server = server,
		.fd = -1,
		.progress = r->now,
		.wants_out = kind == SOCKET_TCP,
		.expires =
		    r->now + PORT_LIFE_MS + random_16(r) % PORT_SPREAD_MS,
	};
	if (kind == SOCKET_UDP)
		sock->used_ids = calloc(1, PORT_IDS / 8);
	tried = kind == SOCKET_TCP || sock->used_ids != NULL;
	if (tried && connect_to(r, sock))
		return sock;
	if (tried && !is_our_lack(errno)) {
		server->refuses = errno == ECONNREFUSED;
		*status = SEND_UNREACHABLE;
	}
	if (sock->fd >= 0)
		close(sock->fd);
	free_socket(sock);
	return NULL;
}

/* Removes the socket from its server, so that no more questions are sent on
 * it. */
static void
take_from_server(struct dns_socket *sock)
{
	struct dns_server *s = sock->server;

	if (s->current == sock)
		s->current = NULL;
	for (size_t i = 0; i < PORTS; i++)
		if (s->ports[i] == sock)
			s->ports[i] = NULL;
	for (size_t i = 0; i < TCP_CONNECTIONS; i++)
		if (s->tcp[i] == sock)
			s->tcp[i] = NULL;
}

void
dns_socket_break(struct resolver *r, struct dns_socket *sock)
{
	take_from_server(sock);
	query_break(r, sock);
	close_socket(r, sock);
}

/* ---- ports ---- */

/* Closes the oldest retired port.  Its questions are repeated when they are
 * due. */
static void
abandon_oldest(struct resolver *r)
{
	struct dns_socket *oldest = r->retired;

	while (oldest->next != NULL)
		oldest = oldest->next;
	while (!oldest->closed)
		dns_socket_forget(r, oldest->attempts);
}

/* Stops using a port for new questions; it stays open while answers may arrive.
 */
static void
retire(struct resolver *r, struct dns_socket *sock)
{
	dns_socket_flush(r);
	take_from_server(sock);
	sock->retired = true;
	if (sock->attempts == NULL) {
		close_socket(r, sock);
		return;
	}
	if (r->n_retired == PORTS_RETIRED)
		abandon_oldest(r);
	sock->next = r->retired;
	r->retired = sock;
	r->n_retired++;
}

static bool
is_used_up(const struct resolver *r, const struct dns_socket *sock)
{
	return sock->uses >= PORT_USES || r->now >= sock->expires;
}

/* Chooses a port.  It is used for the whole iteration of the event loop, so
 * that all questions are sent with one system call. */
static struct dns_socket *
port_of(struct resolver *r, struct dns_server *s, enum send_status *status)
{
	unsigned i = random_16(r) % PORTS;
	struct dns_socket *sock = s->ports[i];
	struct dns_socket *fresh;

	if (s->current != NULL && s->current->uses < PORT_USES)
		return s->current;
	if (sock != NULL && is_used_up(r, sock)) {
		fresh = open_socket(r, s, SOCKET_UDP, status);
		if (fresh != NULL) {
			retire(r, sock);
			s->ports[i] = sock = fresh;
		}
	} else if (sock == NULL) {
		s->ports[i] = sock = open_socket(r, s, SOCKET_UDP, status);
	}
	/* out of descriptors: use any open port */
	for (i = 0; sock == NULL && i < PORTS; i++)
		sock = s->ports[i];
	s->current = sock;
	return sock;
}

/*
 * An id that was used on this port may belong to a late answer; any other id is
 * a guess.  An attacker needs many guesses (RFC 5452 section 9.2).
 */
void
dns_socket_unmatched(struct resolver *r, struct dns_socket *sock, uint16_t id)
{
	if (sock->kind != SOCKET_UDP || was_used(sock, id))
		return;
	net_count(&r->counts.wrong_ids, 1);
	if (++sock->wrong_ids < WRONG_IDS_MAX)
		return;
	sock->suspect = true;
	r->reports = true;
}

static void
close_suspect(struct resolver *r, struct dns_socket *sock)
{
	net_count(&r->counts.suspect_ports, 1);
	if (r->on_forged != NULL)
		r->on_forged(&sock->server->address);
	take_from_server(sock);
	query_distrust(r, sock);
	close_socket(r, sock);
}

/* ---- UDP ---- */

/* Notes that no process listens on the server's port, or that its host cannot
 * be reached.  Handling this may send questions, so it must wait until the
 * current send has ended. */
static void
udp_unreachable(struct resolver *r, struct dns_socket *sock, int code)
{
	sock->server->refuses = code == ECONNREFUSED;
	sock->unreachable = true;
	r->reports = true;
}

static bool
has_report(const struct dns_socket *sock)
{
	return sock != NULL && !sock->closed &&
	    (sock->unreachable || sock->suspect);
}

/* Closes an unreachable or suspect port.  If the server is unreachable, our own
 * address may have changed. */
static void
report(struct resolver *r, struct dns_socket *sock)
{
	if (sock->unreachable)
		dns_socket_break(r, sock);
	else
		close_suspect(r, sock);
}

static struct dns_socket *
retired_with_report(const struct resolver *r)
{
	struct dns_socket *sock = r->retired;

	while (sock != NULL && !has_report(sock))
		sock = sock->next;
	return sock;
}

void
dns_socket_report(struct resolver *r)
{
	struct dns_socket *sock;

	r->reports = false;
	while ((sock = retired_with_report(r)) != NULL)
		report(r, sock);
	for (size_t i = 0; i < r->n_servers; i++)
		for (size_t k = 0; k < PORTS; k++)
			if (has_report(r->servers[i].ports[k]))
				report(r, r->servers[i].ports[k]);
}

void
dns_socket_flush(struct resolver *r)
{
	struct batch *b = &r->batch;
	struct dns_socket *sock = b->socket;
	unsigned sent = 0;
	int refused = 0; /* errno */

	while (sock != NULL && sent < b->n) {
		int n = sendmmsg(sock->fd, b->messages + sent, b->n - sent, 0);

		if (n > 0) {
			sent += (unsigned)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		/* the first error may belong to an earlier datagram: retry
		 * once */
		if (refused != 0 || errno == EAGAIN || errno == ENOBUFS)
			break;
		refused = errno;
	}
	net_count(&r->counts.datagrams, sent);
	b->n = 0;
	b->socket = NULL;
	if (refused != 0)
		udp_unreachable(r, sock, refused);
}

static bool
udp_send(struct resolver *r, struct dns_socket *sock,
    const struct dns_packet_question *question)
{
	struct batch *b = &r->batch;

	if (b->n == BATCH || (b->n > 0 && b->socket != sock))
		dns_socket_flush(r);
	b->socket = sock;
	b->vectors[b->n] = (struct iovec){ .iov_base = b->bytes[b->n],
		.iov_len = dns_packet_put_question(b->bytes[b->n], question) };
	b->messages[b->n] = (struct mmsghdr){
		.msg_hdr = { .msg_iov = &b->vectors[b->n], .msg_iovlen = 1 }
	};
	b->n++;
	return true;
}

static void
udp_receive(struct resolver *r, struct dns_socket *sock)
{
	struct inbound *in = &r->inbound;

	for (int reads = 0; reads < READS_MAX && r->packets_left > 0; reads++) {
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
			udp_unreachable(r, sock, errno);
			continue;
		}
		/* a retired port is closed when its last question is answered
		 */
		for (int i = 0; i < n && !sock->closed; i++)
			query_receive(
			    r, sock, in->bytes[i], in->messages[i].msg_len);
		if (n < BATCH || sock->closed)
			break;
	}
}

/* ---- UDP and TCP ---- */

static struct dns_socket *
connection_of(
    struct resolver *r, struct dns_server *s, enum send_status *status)
{
	struct dns_socket **empty;
	struct dns_socket *sock = dns_socket_tcp_choose(s, &empty);

	if (sock == NULL)
		*empty = sock = open_socket(r, s, SOCKET_TCP, status);
	return sock;
}

/* RFC 6891: returns false if the server has refused EDNS, or may drop packets
 * that use it, as old servers and firewalls do. */
static bool
with_edns(const struct resolver *r, const struct dns_query *q,
    const struct dns_server *s, enum socket_kind kind)
{
	if (q->plain || r->now < s->plain_until)
		return false;
	return kind == SOCKET_TCP || q->asked[s->number] < PLAIN_SENDS ||
	    r->now < s->edns_until;
}

enum send_status
dns_socket_send(struct resolver *r, struct dns_server *server,
    enum socket_kind kind, struct attempt *t)
{
	struct dns_query *q = t->query;
	enum send_status status = SEND_RESOURCE;
	struct dns_socket *sock = kind == SOCKET_TCP
	    ? connection_of(r, server, &status)
	    : port_of(r, server, &status);

	if (sock == NULL || !remember(r, sock, t)) {
		t->query = NULL;
		return status;
	}
	t->edns = with_edns(r, q, server, kind);
	struct dns_packet_question question = {
		.id = t->id, .edns = t->edns, .name = q->name, .type = q->type
	};

	sock->uses++;
	if (kind == SOCKET_UDP ? udp_send(r, sock, &question)
			       : dns_socket_tcp_send(r, sock, &question))
		return SEND_OK;
	dns_socket_forget(r, t);
	return SEND_RESOURCE;
}

void
dns_socket_ready(struct resolver *r, struct dns_socket *sock, uint32_t events)
{
	if (sock->closed)
		return;
	if (sock->kind == SOCKET_UDP)
		udp_receive(r, sock);
	else
		dns_socket_tcp_ready(r, sock, events);
}

/* Retires ports whose lifetime has ended.  Returns the time at which the next
 * lifetime ends. */
static int64_t
port_timers(struct resolver *r, struct dns_server *s)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < PORTS; i++) {
		struct dns_socket *sock = s->ports[i];

		if (sock == NULL)
			continue;
		if (r->now >= sock->expires)
			retire(r, sock);
		else if (sock->expires < next)
			next = sock->expires;
	}
	return next;
}

int64_t
dns_socket_run_timers(struct resolver *r)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < r->n_servers; i++) {
		int64_t tcp = dns_socket_tcp_timers(r, &r->servers[i]);
		int64_t udp = port_timers(r, &r->servers[i]);

		if (tcp < next)
			next = tcp;
		if (udp < next)
			next = udp;
	}
	return next;
}

void
dns_socket_end_turn(struct resolver *r)
{
	struct dns_socket *next;

	for (struct dns_socket *sock = r->dead; sock != NULL; sock = next) {
		next = sock->next;
		free_socket(sock);
	}
	r->dead = NULL;
	for (size_t i = 0; i < r->n_servers; i++)
		r->servers[i].current = NULL;
}

void
dns_socket_close_all(struct resolver *r)
{
	for (size_t i = 0; i < r->n_servers; i++) {
		struct dns_server *s = &r->servers[i];

		for (size_t k = 0; k < TCP_CONNECTIONS; k++)
			if (s->tcp[k] != NULL)
				close_socket(r, s->tcp[k]);
		for (size_t k = 0; k < PORTS; k++)
			if (s->ports[k] != NULL)
				close_socket(r, s->ports[k]);
	}
	dns_socket_end_turn(r);
}
