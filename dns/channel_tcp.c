#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "dns/loop.h"

enum { LENGTH_SIZE = 2 /* RFC 1035 section 4.2.2 */ };

static void
tcp_write(struct net *net, struct channel *c)
{
	size_t done = 0;
	bool wants;

	while (c->connected && done < c->out_n) {
		ssize_t n =
		    send(c->fd, c->out + done, c->out_n - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			channel_break(net, c);
			return;
		}
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	memmove(c->out, c->out + done, c->out_n - done);
	c->out_n -= done;
	wants = !c->connected || c->out_n > 0;
	if (wants != c->wants_out) {
		c->wants_out = wants;
		channel_watch(net, c, wants ? EPOLLIN | EPOLLOUT : EPOLLIN,
		    EPOLL_CTL_MOD);
	}
}

bool
channel_tcp_send(
    struct net *net, struct channel *c, const struct wire_question *q)
{
	size_t need = c->out_n + LENGTH_SIZE + WIRE_QUESTION_MAX;

	if (need > TCP_OUT_MAX)
		return false;
	if (need > c->out_cap) {
		size_t cap = need * 2;
		uint8_t *out = realloc(c->out, cap);

		if (out == NULL)
			return false;
		c->out = out;
		c->out_cap = cap;
	}
	uint8_t *p = c->out + c->out_n;
	size_t n = wire_put_question(p + LENGTH_SIZE, q);

	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
	c->out_n += LENGTH_SIZE + n;
	if (c->tries->next == NULL)
		c->progress = net->now; /* nothing was awaited until now */
	if (!c->wants_out) {
		c->wants_out = true;
		channel_watch(net, c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
	}
	net_count(&net->counts.tcp, 1);
	return true;
}

/* All whole messages that have come. */
static void
tcp_take(struct net *net, struct channel *c)
{
	size_t at = 0;

	while (!c->closed && c->in_n - at >= LENGTH_SIZE) {
		size_t n = (size_t)c->in[at] << 8 | c->in[at + 1];

		if (c->in_n - at - LENGTH_SIZE < n)
			break;
		flight_receive(net, c, c->in + at + LENGTH_SIZE, n);
		at += LENGTH_SIZE + n;
	}
	memmove(c->in, c->in + at, c->in_n - at);
	c->in_n -= at;
}

static void
tcp_receive(struct net *net, struct channel *c)
{
	const size_t cap = LENGTH_SIZE + WIRE_PACKET_MAX;

	if (c->in == NULL)
		c->in = malloc(cap);
	for (int reads = 0; c->in != NULL && reads < READS_MAX; reads++) {
		ssize_t n = recv(c->fd, c->in + c->in_n, cap - c->in_n, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			channel_break(net, c);
			return;
		}
		/* never full: a message of the largest size is taken whole */
		c->in_n += (size_t)n;
		c->progress = net->now;
		c->answered = true;
		tcp_take(net, c);
		if (c->closed)
			return;
	}
	if (c->in == NULL)
		channel_break(net, c);
}

void
channel_tcp_ready(struct net *net, struct channel *c, uint32_t events)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (!c->connected && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
		if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 ||
		    error != 0) {
			channel_break(net, c);
			return;
		}
		c->connected = true;
		c->progress = net->now;
	}
	if ((events & EPOLLIN) != 0)
		tcp_receive(net, c);
	if (!c->closed && (events & (EPOLLERR | EPOLLHUP)) != 0)
		channel_break(net, c);
	if (!c->closed && (events & EPOLLOUT) != 0)
		tcp_write(net, c);
}
