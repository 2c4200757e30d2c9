#include "dns/loop.h"

#include <stdlib.h>

/* ---- lists ---- */

static void
append(struct query_list *list, struct dns_query *q, int which)
{
	q->links[which] =
	    (struct query_links){ .previous = list->last, .next = NULL };
	if (list->last != NULL)
		list->last->links[which].next = q;
	else
		list->first = q;
	list->last = q;
}

static void
take_off(struct query_list *list, struct dns_query *q, int which)
{
	struct query_links *l = &q->links[which];

	if (l->previous != NULL)
		l->previous->links[which].next = l->next;
	else
		list->first = l->next;
	if (l->next != NULL)
		l->next->links[which].previous = l->previous;
	else
		list->last = l->previous;
}

/* All waits of one step are equally long, so its list is in order. */
static void
arm(struct resolver *net, struct dns_query *q)
{
	q->due = net->now + net->step_ms[q->step];
	append(&net->steps[q->step], q, LINK_STEP);
}

static void
arm_again(struct resolver *net, struct dns_query *q)
{
	take_off(&net->steps[q->step], q, LINK_STEP);
	arm(net, q);
}

/* ---- the health of servers ---- */

static void
set_down(struct resolver *net, struct dns_server *s)
{
	if (s->down)
		return;
	s->down = true;
	s->backoff = net->step_ms[0];
	s->probe_at = net->now + s->backoff;
}

static void
server_timed_out(
    struct resolver *net, struct dns_server *s, const struct attempt *t)
{
	/* others were answered meanwhile: it is the name that is slow */
	if (s->heard >= t->sent && s->heard > 0)
		return;
	if (++s->timeouts >= DOWN_AFTER)
		set_down(net, s);
}

/* It answers; one that refuses is alive but of no use. */
static void
server_answered(struct resolver *net, struct dns_server *s, bool refused)
{
	s->heard = net->now;
	if (refused) {
		if (++s->timeouts >= DOWN_AFTER)
			set_down(net, s);
		return;
	}
	s->timeouts = 0;
	s->down = false;
}

static bool
can_ask(const struct dns_query *q, const struct dns_server *s)
{
	return (q->refused & 1U << s->number) == 0;
}

/* Better to ask: up before down, asked less, heard of later, listed before. */
static bool
is_better(const struct dns_query *q, const struct dns_server *s,
    const struct dns_server *than)
{
	if (than == NULL)
		return true;
	if (s->down != than->down)
		return than->down;
	if (q->asked[s->number] != q->asked[than->number])
		return q->asked[s->number] < q->asked[than->number];
	return s->down && s->heard > than->heard;
}

/* NULL: all have refused. */
static struct dns_server *
best_server(struct resolver *net, const struct dns_query *q)
{
	struct dns_server *best = NULL;

	for (size_t i = 0; i < net->n_servers; i++) {
		struct dns_server *s = &net->servers[i];

		if (can_ask(q, s) && is_better(q, s, best))
			best = s;
	}
	return best;
}

/* One that is up and was not asked yet; NULL: none. */
static struct dns_server *
fresh_server(struct resolver *net, const struct dns_query *q)
{
	struct dns_server *s = best_server(net, q);

	return s != NULL && !s->down && q->asked[s->number] == 0 ? s : NULL;
}

/* ---- attempts ---- */

static struct attempt *
free_attempt(struct resolver *net, struct dns_query *q)
{
	struct attempt *oldest = &q->attempts[0];

	for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
		if (q->attempts[i].query == NULL)
			return &q->attempts[i];
		if (q->attempts[i].sent < oldest->sent)
			oldest = &q->attempts[i];
	}
	dns_socket_forget(net, oldest);
	return oldest;
}

/* NULL: not sent. */
static const struct attempt *
send_to(struct resolver *net, struct dns_query *q, struct dns_server *s,
    enum socket_kind kind)
{
	struct attempt *t;

	if (q->sends == SENDS_MAX)
		return NULL; /* until its time is up */
	t = free_attempt(net, q);
	t->query = q;
	q->sends++;
	if (q->asked[s->number] < UINT8_MAX)
		q->asked[s->number]++;
	if (dns_socket_send(net, s, kind, t))
		return t;
	q->fault = DNS_FAULT_RESOURCE;
	if (kind == SOCKET_TCP)
		return NULL;
	/* no route to it, most likely: another may have one; if not, it is
	 * tried again when it is due */
	set_down(net, s);
	s = fresh_server(net, q);
	return s != NULL ? send_to(net, q, s, kind) : NULL;
}

/* Someone who may still answer was asked. */
static bool
is_awaited(const struct dns_query *q)
{
	for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
		const struct attempt *t = &q->attempts[i];

		if (t->query != NULL && !t->socket->server->down &&
		    can_ask(q, t->socket->server))
			return true;
	}
	return false;
}

void
query_finish(
    struct resolver *net, struct dns_query *q, const struct dns_answer *answer)
{
	struct dns_wait *wait = q->wait;

	for (size_t i = 0; i < ATTEMPTS_MAX; i++)
		if (q->attempts[i].query != NULL)
			dns_socket_forget(net, &q->attempts[i]);
	take_off(&net->all, q, LINK_ALL);
	take_off(&net->steps[q->step], q, LINK_STEP);
	free(q);
	atomic_fetch_sub(&net->in_flight, 1);
	wait->done(wait, answer);
}

/* `s` can't answer: another may. */
static void
turn_to_others(struct resolver *net, struct dns_query *q,
    const struct dns_server *s, enum dns_fault why)
{
	struct dns_server *fresh;

	q->fault = why;
	q->refused |= 1U << s->number;
	fresh = fresh_server(net, q);
	if (fresh != NULL) {
		send_to(net, q, fresh, SOCKET_UDP);
		arm_again(net, q);
	} else if (!is_awaited(q)) {
		if (why == DNS_FAULT_SERVFAIL)
			net_count(&net->counts.servfails, 1);
		query_finish(net, q, dns_answer_failed(why));
	}
}

static void
send_over_tcp(struct resolver *net, struct dns_query *q, struct dns_server *s)
{
	if (send_to(net, q, s, SOCKET_TCP) == NULL && !is_awaited(q))
		turn_to_others(net, q, s, DNS_FAULT_GARBLED);
}

/* A server that is down is asked beside one that is up, now and then. */
static void
probe(struct resolver *net, struct dns_query *q)
{
	for (size_t i = 0; i < net->n_servers; i++) {
		struct dns_server *s = &net->servers[i];

		if (!s->down || net->now < s->probe_at || q->asked[i] > 0)
			continue;
		s->backoff = s->backoff * 2 < BACKOFF_MAX_MS ? s->backoff * 2
							     : BACKOFF_MAX_MS;
		s->probe_at = net->now + s->backoff;
		const struct attempt *t = send_to(net, q, s, SOCKET_UDP);

		if (t == NULL)
			continue;
		s->probe_socket = t->socket;
		s->probe_id = t->id;
		s->probe_sent = net->now;
	}
}

void
query_begin(struct resolver *net, struct dns_query *q)
{
	q->deadline = net->now + net->total_ms;
	append(&net->all, q, LINK_ALL);
	arm(net, q);
	net_count(&net->counts.questions, 1);
	send_to(net, q, best_server(net, q), SOCKET_UDP);
	probe(net, q);
}

void
query_break(struct resolver *net, struct dns_socket *sock)
{
	struct dns_server *s = sock->server;
	bool again = sock->kind == SOCKET_TCP && sock->answered;

	if (sock->kind == SOCKET_UDP) {
		s->timeouts = DOWN_AFTER;
		set_down(net, s);
	}
	while (sock->attempts != NULL) {
		struct dns_query *q = sock->attempts->query;
		struct dns_server *fresh;

		dns_socket_forget(net, sock->attempts);
		fresh = sock->kind == SOCKET_UDP ? fresh_server(net, q) : NULL;
		if (fresh != NULL) {
			send_to(net, q, fresh, SOCKET_UDP);
			arm_again(net, q);
		} else if (again && !q->tcp_again) {
			/* RFC 7766 section 6.2.4: it was idle for too long */
			q->tcp_again = true;
			send_over_tcp(net, q, s);
		} else if (sock->kind == SOCKET_TCP && !is_awaited(q)) {
			turn_to_others(net, q, s, DNS_FAULT_GARBLED);
		}
	}
}

/* ---- answers ---- */

static void
take_answer(struct resolver *net, struct dns_query *q, struct dns_answer *found)
{
	const struct dns_answer *answer;

	answer = dns_answer_new(found);
	if (answer == NULL)
		answer = dns_answer_failed(DNS_FAULT_RESOURCE);
	net_count(&net->counts.answers, 1);
	query_finish(net, q, answer);
	dns_answer_drop(answer);
}

/* What can't be read may have been cut on its way, or be forged. */
static void
take_garbled(struct resolver *net, struct dns_socket *sock, struct attempt *t)
{
	struct dns_query *q = t->query;

	if (sock->kind == SOCKET_TCP) {
		dns_socket_forget(net, t);
		turn_to_others(net, q, sock->server, DNS_FAULT_GARBLED);
		return;
	}
	q->fault = DNS_FAULT_GARBLED;
	if (q->tcp_garbled)
		return;
	q->tcp_garbled = true;
	send_over_tcp(net, q, sock->server);
}

static void
take_reply(struct resolver *net, struct dns_socket *sock, struct attempt *t,
    enum wire_reply reply, struct dns_answer *found)
{
	struct dns_server *s = sock->server;
	struct dns_query *q = t->query;
	bool no_edns = !t->edns && q->plain;

	switch (reply) {
	case WIRE_STRAY:
		return;
	case WIRE_GARBLED:
		take_garbled(net, sock, t);
		return;
	case WIRE_ANSWER:
		server_answered(net, s, false);
		if (no_edns)
			s->plain_until = net->now + PLAIN_MS;
		take_answer(net, q, found);
		return;
	case WIRE_FAULT:
		server_answered(net, s, found->fault == DNS_FAULT_REFUSED);
		dns_socket_forget(net, t);
		turn_to_others(net, q, s, found->fault);
		return;
	case WIRE_NO_EDNS: /* RFC 6891 section 6.2.2 */
		server_answered(net, s, false);
		dns_socket_forget(net, t);
		q->plain = true;
		if (sock->kind == SOCKET_TCP)
			send_over_tcp(net, q, s);
		else
			send_to(net, q, s, SOCKET_UDP);
		return;
	case WIRE_TRUNCATED: /* RFC 2181 section 9 */
		server_answered(net, s, false);
		dns_socket_forget(net, t);
		if (sock->kind == SOCKET_TCP)
			turn_to_others(net, q, s, DNS_FAULT_GARBLED);
		else
			send_over_tcp(net, q, s);
		return;
	}
}

/* No question awaits it.  A probe's is news of its server all the same. */
static void
take_stray(struct resolver *net, const struct dns_socket *sock,
    const uint8_t *packet, size_t n)
{
	struct dns_server *s = sock->server;
	uint16_t id;

	net_count(&net->counts.strays, 1);
	if (s->down && s->probe_socket == sock &&
	    wire_reply_id(packet, n, &id) && id == s->probe_id &&
	    net->now - s->probe_sent <= net->step_ms[0] &&
	    !wire_is_refusal(packet, n))
		server_answered(net, s, false);
}

void
query_receive(struct resolver *net, struct dns_socket *sock,
    const uint8_t *packet, size_t n)
{
	struct dns_answer found;
	enum wire_reply reply;
	struct attempt *t = NULL;
	uint16_t id;

	if (wire_reply_id(packet, n, &id))
		t = dns_socket_find(net, sock, id);
	if (t == NULL) {
		take_stray(net, sock, packet, n);
		return;
	}
	struct wire_question question = { .id = id,
		.edns = t->edns,
		.name = t->query->name,
		.type = t->query->type };

	arena_rewind(net->arena);
	reply = wire_read(net->arena, packet, n, &question, &found);
	if (reply == WIRE_STRAY)
		net_count(&net->counts.strays, 1);
	take_reply(net, sock, t, reply, &found);
}

/* ---- time ---- */

static void
repeat(struct resolver *net, struct dns_query *q)
{
	struct dns_server *s;

	for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
		struct attempt *t = &q->attempts[i];

		if (t->query != NULL && !t->expired) {
			t->expired = true;
			server_timed_out(net, t->socket->server, t);
		}
	}
	take_off(&net->steps[q->step], q, LINK_STEP);
	if (q->step + 1 < net->n_steps)
		q->step++;
	arm(net, q);
	s = best_server(net, q);
	if (s != NULL) {
		net_count(&net->counts.repetitions, 1);
		send_to(net, q, s, SOCKET_UDP);
	} else if (!is_awaited(q)) {
		query_finish(net, q, dns_answer_failed(q->fault));
	}
}

static void
give_up(struct resolver *net, struct dns_query *q)
{
	enum dns_fault fault = q->fault;

	if (fault == DNS_FAULT_NONE)
		fault = DNS_FAULT_TIMEOUT;
	net_count(&net->counts.timeouts, 1);
	query_finish(net, q, dns_answer_failed(fault));
}

/* No server has answered anything for as long as a question then has. */
static bool
are_all_down(const struct resolver *net)
{
	for (size_t i = 0; i < net->n_servers; i++)
		if (!net->servers[i].down ||
		    net->servers[i].heard > net->now - ALL_DOWN_MS)
			return false;
	return true;
}

int64_t
query_run_timers(struct resolver *net)
{
	/* Every query has the same time, so that `all` stays in order. */
	int64_t less = are_all_down(net) && net->total_ms > ALL_DOWN_MS
	    ? net->total_ms - ALL_DOWN_MS
	    : 0;
	int64_t next = INT64_MAX;

	while (net->all.first != NULL &&
	    net->all.first->deadline - less <= net->now)
		give_up(net, net->all.first);
	if (net->all.first != NULL)
		next = net->all.first->deadline - less;
	for (unsigned i = 0; i < net->n_steps; i++) {
		struct query_list *list = &net->steps[i];

		while (list->first != NULL && list->first->due <= net->now)
			repeat(net, list->first);
		if (list->first != NULL && list->first->due < next)
			next = list->first->due;
	}
	return next;
}
