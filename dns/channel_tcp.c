#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "dns/loop.h"

enum { LENGTH_SIZE = 2 /* RFC 1035 section 4.2.2 */ };

static void
tcp_write(struct resolver *net, struct dns_socket *sock)
{
	size_t done = 0;
	bool wants;

	while (sock->connected && done < sock->out_n) {
		ssize_t n = send(sock->fd, sock->out + done, sock->out_n - done,
		    MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			dns_socket_break(net, sock);
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
		dns_socket_watch(net, sock,
		    wants ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
	}
}

bool
dns_socket_tcp_send(struct resolver *net, struct dns_socket *sock,
    const struct wire_question *question)
{
	size_t need = sock->out_n + LENGTH_SIZE + WIRE_QUESTION_MAX;

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
	size_t n = wire_put_question(p + LENGTH_SIZE, question);

	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
	sock->out_n += LENGTH_SIZE + n;
	if (sock->attempts->next == NULL)
		sock->progress = net->now; /* nothing was awaited until now */
	if (!sock->wants_out) {
		sock->wants_out = true;
		dns_socket_watch(net, sock, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
	}
	net_count(&net->counts.tcp, 1);
	return true;
}

/* All whole messages that have come. */
static void
tcp_take(struct resolver *net, struct dns_socket *sock)
{
	size_t at = 0;

	while (!sock->closed && sock->in_n - at >= LENGTH_SIZE) {
		size_t n = (size_t)sock->in[at] << 8 | sock->in[at + 1];

		if (sock->in_n - at - LENGTH_SIZE < n)
			break;
		query_receive(net, sock, sock->in + at + LENGTH_SIZE, n);
		at += LENGTH_SIZE + n;
	}
	memmove(sock->in, sock->in + at, sock->in_n - at);
	sock->in_n -= at;
}

static void
tcp_receive(struct resolver *net, struct dns_socket *sock)
{
	const size_t cap = LENGTH_SIZE + WIRE_PACKET_MAX;

	if (sock->in == NULL)
		sock->in = malloc(cap);
	for (int reads = 0; sock->in != NULL && reads < READS_MAX; reads++) {
		ssize_t n =
		    recv(sock->fd, sock->in + sock->in_n, cap - sock->in_n, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			dns_socket_break(net, sock);
			return;
		}
		/* never full: a message of the largest size is taken whole */
		sock->in_n += (size_t)n;
		sock->progress = net->now;
		sock->answered = true;
		tcp_take(net, sock);
		if (sock->closed)
			return;
	}
	if (sock->in == NULL)
		dns_socket_break(net, sock);
}

void
dns_socket_tcp_ready(
    struct resolver *net, struct dns_socket *sock, uint32_t events)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (!sock->connected &&
	    (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
		if (getsockopt(sock->fd, SOL_SOCKET, SO_ERROR, &error, &n) !=
			0 ||
		    error != 0) {
			dns_socket_break(net, sock);
			return;
		}
		sock->connected = true;
		sock->progress = net->now;
	}
	if ((events & EPOLLIN) != 0)
		tcp_receive(net, sock);
	if (!sock->closed && (events & (EPOLLERR | EPOLLHUP)) != 0)
		dns_socket_break(net, sock);
	if (!sock->closed && (events & EPOLLOUT) != 0)
		tcp_write(net, sock);
}
