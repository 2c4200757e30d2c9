#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "dns/resolver_internal.h"

enum { LENGTH_SIZE = 2 /* RFC 1035 section 4.2.2 */ };

/* Prefers a connection that is not slow, then a new one, then the one that
 * received data most recently. */
struct dns_socket *
dns_socket_tcp_choose(struct dns_server *s, struct dns_socket ***empty)
{
	struct dns_socket *best = NULL;

	*empty = NULL;
	for (size_t i = 0; i < TCP_CONNECTIONS; i++) {
		struct dns_socket *sock = s->tcp[i];

		if (sock == NULL)
			*empty = &s->tcp[i];
		else if (!sock->slow)
			return sock;
		else if (best == NULL || sock->progress > best->progress)
			best = sock;
	}
	return *empty == NULL ? best : NULL;
}

static void
tcp_write(struct resolver *r, struct dns_socket *sock)
{
	size_t done = 0;
	bool wants;

	while (sock->connected && done < sock->out_n) {
		ssize_t n = send(sock->fd, sock->out + done, sock->out_n - done,
		    MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			dns_socket_break(r, sock);
			return;
		}
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	memmove(sock->out, sock->out + done, sock->out_n - done);
	sock->out_n -= done;
	wants = !sock->connected || sock->out_n > 0;
	if (wants != sock->wants_out) {
		sock->wants_out = wants;
		dns_socket_watch(r, sock, wants ? EPOLLIN | EPOLLOUT : EPOLLIN,
		    EPOLL_CTL_MOD);
	}
}

bool
dns_socket_tcp_send(struct resolver *r, struct dns_socket *sock,
    const struct dns_packet_question *question)
{
	size_t need = sock->out_n + LENGTH_SIZE + DNS_PACKET_QUESTION_MAX;

	if (need > TCP_OUT_MAX)
		return false;
	if (need > sock->out_cap) {
		size_t cap = need * 2;
		uint8_t *out = realloc(sock->out, cap);

		if (out == NULL)
			return false;
		sock->out = out;
		sock->out_cap = cap;
	}
	uint8_t *p = sock->out + sock->out_n;
	size_t n = dns_packet_put_question(p + LENGTH_SIZE, question);

	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
	sock->out_n += LENGTH_SIZE + n;
	if (sock->attempts->next == NULL)
		sock->progress = r->now; /* no answer was pending until now */
	if (!sock->wants_out) {
		sock->wants_out = true;
		dns_socket_watch(r, sock, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
	}
	net_count(&r->counts.tcp, 1);
	return true;
}

/* Handles all complete messages in the buffer. */
static void
tcp_take(struct resolver *r, struct dns_socket *sock)
{
	size_t at = 0;

	while (!sock->closed && sock->in_n - at >= LENGTH_SIZE) {
		size_t n = (size_t)sock->in[at] << 8 | sock->in[at + 1];

		if (sock->in_n - at - LENGTH_SIZE < n)
			break;
		query_receive(r, sock, sock->in + at + LENGTH_SIZE, n);
		at += LENGTH_SIZE + n;
	}
	memmove(sock->in, sock->in + at, sock->in_n - at);
	sock->in_n -= at;
}

static void
tcp_receive(struct resolver *r, struct dns_socket *sock)
{
	const size_t cap = LENGTH_SIZE + DNS_PACKET_MAX;

	if (sock->in == NULL)
		sock->in = malloc(cap);
	for (int reads = 0;
	     sock->in != NULL && reads < TCP_READS_MAX && r->packets_left > 0;
	     reads++) {
		ssize_t n =
		    recv(sock->fd, sock->in + sock->in_n, cap - sock->in_n, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			dns_socket_break(r, sock);
			return;
		}
		/* the buffer is never full: it has room for the largest message
		 */
		sock->in_n += (size_t)n;
		sock->progress = r->now;
		sock->slow = false;
		tcp_take(r, sock);
		if (sock->closed)
			return;
	}
	if (sock->in == NULL)
		dns_socket_break(r, sock);
}

void
dns_socket_tcp_ready(
    struct resolver *r, struct dns_socket *sock, uint32_t events)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (!sock->connected &&
	    (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
		if (getsockopt(sock->fd, SOL_SOCKET, SO_ERROR, &error, &n) !=
			0 ||
		    error != 0) {
			dns_socket_break(r, sock);
			return;
		}
		sock->connected = true;
		sock->progress = r->now;
	}
	if ((events & EPOLLIN) != 0)
		tcp_receive(r, sock);
	if (!sock->closed && (events & (EPOLLERR | EPOLLHUP)) != 0)
		dns_socket_break(r, sock);
	if (!sock->closed && (events & EPOLLOUT) != 0)
		tcp_write(r, sock);
}

/* ---- time ---- */

/* Marks a connection as slow: an answer is pending, but no data arrives. */
static void
become_slow(struct resolver *r, struct dns_socket *sock)
{
	struct dns_socket **empty;
	const struct dns_socket *other;

	sock->slow = true;
	other = dns_socket_tcp_choose(sock->server, &empty);
	if (other == NULL || !other->slow)
		query_bypass(r, sock);
}

/* Returns the time at which to check `sock` again. */
static int64_t
connection_timer(struct resolver *r, struct dns_socket *sock)
{
	int64_t silent = r->now - sock->progress;
	int64_t limit = sock->attempts != NULL ? TCP_STALL_MS : TCP_IDLE_MS;

	if (silent >= limit) {
		dns_socket_break(r, sock);
		return INT64_MAX;
	}
	if (sock->attempts == NULL || sock->slow)
		return sock->progress + limit;
	if (silent < TCP_SLOW_MS)
		return sock->progress + TCP_SLOW_MS;
	become_slow(r, sock);
	return sock->progress + limit;
}

int64_t
dns_socket_tcp_timers(struct resolver *r, struct dns_server *s)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < TCP_CONNECTIONS; i++) {
		int64_t due = s->tcp[i] != NULL ? connection_timer(r, s->tcp[i])
						: INT64_MAX;

		if (due < next)
			next = due;
	}
	return next;
}
