#include "dns/loop.h"

#include <stdlib.h>

/* ---- lists ---- */

static void
append(struct flights *list, struct flight *f, int which)
{
	f->links[which] =
	    (struct flight_links){ .previous = list->last, .next = NULL };
	if (list->last != NULL)
		list->last->links[which].next = f;
	else
		list->first = f;
	list->last = f;
}

static void
take_off(struct flights *list, struct flight *f, int which)
{
	struct flight_links *l = &f->links[which];

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
arm(struct net *net, struct flight *f)
{
	f->due = net->now + net->step_ms[f->step];
	append(&net->steps[f->step], f, LINK_STEP);
}

static void
arm_again(struct net *net, struct flight *f)
{
	take_off(&net->steps[f->step], f, LINK_STEP);
	arm(net, f);
}

/* ---- the health of servers ---- */

static void
set_down(struct net *net, struct server *s)
{
	if (s->down)
		return;
	s->down = true;
	s->backoff = net->step_ms[0];
	s->probe_at = net->now + s->backoff;
}

static void
server_missed(struct net *net, struct server *s, const struct try *t)
{
	/* others were answered meanwhile: it is the name that is slow */
	if (s->heard >= t->sent && s->heard > 0)
		return;
	if (++s->misses >= DOWN_AFTER)
		set_down(net, s);
}

/* It answers; one that refuses is alive but of no use. */
static void
server_answered(struct net *net, struct server *s, bool refused)
{
	s->heard = net->now;
	if (refused) {
		if (++s->misses >= DOWN_AFTER)
			set_down(net, s);
		return;
	}
	s->misses = 0;
	s->down = false;
}

static bool
can_ask(const struct flight *f, const struct server *s)
{
	return (f->refused & 1U << s->number) == 0;
}

/* Better to ask: up before down, asked less, heard of later, listed before. */
static bool
is_better(
    const struct flight *f, const struct server *s, const struct server *than)
{
	if (than == NULL)
		return true;
	if (s->down != than->down)
		return than->down;
	if (f->asked[s->number] != f->asked[than->number])
		return f->asked[s->number] < f->asked[than->number];
	return s->down && s->heard > than->heard;
}

/* NULL: all have refused. */
static struct server *
best_server(struct net *net, const struct flight *f)
{
	struct server *best = NULL;

	for (size_t i = 0; i < net->n_servers; i++) {
		struct server *s = &net->servers[i];

		if (can_ask(f, s) && is_better(f, s, best))
			best = s;
	}
	return best;
}

/* One that is up and was not asked yet; NULL: none. */
static struct server *
fresh_server(struct net *net, const struct flight *f)
{
	struct server *s = best_server(net, f);

	return s != NULL && !s->down && f->asked[s->number] == 0 ? s : NULL;
}

/* ---- tries ---- */

static struct try *
free_try(struct net *net, struct flight *f)
{
	struct try *oldest = &f->tries[0];

	for (size_t i = 0; i < TRIES_MAX; i++) {
		if (f->tries[i].flight == NULL)
			return &f->tries[i];
		if (f->tries[i].sent < oldest->sent)
			oldest = &f->tries[i];
	}
	channel_forget(net, oldest);
	return oldest;
}

/* NULL: not sent. */
static const struct try *
send_to(
    struct net *net, struct flight *f, struct server *s, enum channel_kind kind)
{
	struct try *t;

	if (f->sends == SENDS_MAX)
		return NULL; /* until its time is up */
	t = free_try(net, f);
	t->flight = f;
	f->sends++;
	if (f->asked[s->number] < UINT8_MAX)
		f->asked[s->number]++;
	if (channel_send(net, s, kind, t))
		return t;
	f->fault = DNS_FAULT_RESOURCE;
	if (kind == CHANNEL_TCP)
		return NULL;
	/* no route to it, most likely: another may have one; if not, it is
	 * tried again when it is due */
	set_down(net, s);
	s = fresh_server(net, f);
	return s != NULL ? send_to(net, f, s, kind) : NULL;
}

/* Someone who may still answer was asked. */
static bool
is_awaited(const struct flight *f)
{
	for (size_t i = 0; i < TRIES_MAX; i++) {
		const struct try *t = &f->tries[i];

		if (t->flight != NULL && !t->channel->server->down &&
		    can_ask(f, t->channel->server))
			return true;
	}
	return false;
}

void
flight_finish(
    struct net *net, struct flight *f, const struct dns_answer *answer)
{
	struct dns_wait *wait = f->wait;

	for (size_t i = 0; i < TRIES_MAX; i++)
		if (f->tries[i].flight != NULL)
			channel_forget(net, &f->tries[i]);
	take_off(&net->all, f, LINK_ALL);
	take_off(&net->steps[f->step], f, LINK_STEP);
	free(f);
	atomic_fetch_sub(&net->in_flight, 1);
	wait->done(wait, answer);
}

/* `s` can't answer: another may. */
static void
turn_to_others(struct net *net, struct flight *f, const struct server *s,
    enum dns_fault why)
{
	struct server *fresh;

	f->fault = why;
	f->refused |= 1U << s->number;
	fresh = fresh_server(net, f);
	if (fresh != NULL) {
		send_to(net, f, fresh, CHANNEL_UDP);
		arm_again(net, f);
	} else if (!is_awaited(f)) {
		if (why == DNS_FAULT_SERVFAIL)
			net_count(&net->counts.servfails, 1);
		flight_finish(net, f, dns_answer_failed(why));
	}
}

static void
send_over_tcp(struct net *net, struct flight *f, struct server *s)
{
	if (send_to(net, f, s, CHANNEL_TCP) == NULL && !is_awaited(f))
		turn_to_others(net, f, s, DNS_FAULT_GARBLED);
}

/* A server that is down is asked beside one that is up, now and then. */
static void
probe(struct net *net, struct flight *f)
{
	for (size_t i = 0; i < net->n_servers; i++) {
		struct server *s = &net->servers[i];

		if (!s->down || net->now < s->probe_at || f->asked[i] > 0)
			continue;
		s->backoff = s->backoff * 2 < BACKOFF_MAX_MS ? s->backoff * 2
							     : BACKOFF_MAX_MS;
		s->probe_at = net->now + s->backoff;
		const struct try *t = send_to(net, f, s, CHANNEL_UDP);

		if (t == NULL)
			continue;
		s->probe_channel = t->channel;
		s->probe_id = t->id;
		s->probe_sent = net->now;
	}
}

void
flight_begin(struct net *net, struct flight *f)
{
	f->deadline = net->now + net->total_ms;
	append(&net->all, f, LINK_ALL);
	arm(net, f);
	net_count(&net->counts.questions, 1);
	send_to(net, f, best_server(net, f), CHANNEL_UDP);
	probe(net, f);
}

void
flight_break(struct net *net, struct channel *c)
{
	struct server *s = c->server;
	bool again = c->kind == CHANNEL_TCP && c->answered;

	if (c->kind == CHANNEL_UDP) {
		s->misses = DOWN_AFTER;
		set_down(net, s);
	}
	while (c->tries != NULL) {
		struct flight *f = c->tries->flight;
		struct server *fresh;

		channel_forget(net, c->tries);
		fresh = c->kind == CHANNEL_UDP ? fresh_server(net, f) : NULL;
		if (fresh != NULL) {
			send_to(net, f, fresh, CHANNEL_UDP);
			arm_again(net, f);
		} else if (again && !f->tcp_again) {
			/* RFC 7766 section 6.2.4: it was idle for too long */
			f->tcp_again = true;
			send_over_tcp(net, f, s);
		} else if (c->kind == CHANNEL_TCP && !is_awaited(f)) {
			turn_to_others(net, f, s, DNS_FAULT_GARBLED);
		}
	}
}

/* ---- answers ---- */

static void
take_answer(struct net *net, struct flight *f, struct dns_answer *found)
{
	const struct dns_answer *answer;

	answer = dns_answer_new(found);
	if (answer == NULL)
		answer = dns_answer_failed(DNS_FAULT_RESOURCE);
	net_count(&net->counts.answers, 1);
	flight_finish(net, f, answer);
	dns_answer_drop(answer);
}

/* What can't be read may have been cut on its way, or be forged. */
static void
take_garbled(struct net *net, struct channel *c, struct try *t)
{
	struct flight *f = t->flight;

	if (c->kind == CHANNEL_TCP) {
		channel_forget(net, t);
		turn_to_others(net, f, c->server, DNS_FAULT_GARBLED);
		return;
	}
	f->fault = DNS_FAULT_GARBLED;
	if (f->tcp_garbled)
		return;
	f->tcp_garbled = true;
	send_over_tcp(net, f, c->server);
}

static void
take_reply(struct net *net, struct channel *c, struct try *t,
    enum wire_reply reply, struct dns_answer *found)
{
	struct server *s = c->server;
	struct flight *f = t->flight;
	bool no_edns = !t->edns && f->plain;

	switch (reply) {
	case WIRE_STRAY:
		return;
	case WIRE_GARBLED:
		take_garbled(net, c, t);
		return;
	case WIRE_ANSWER:
		server_answered(net, s, false);
		if (no_edns)
			s->plain_until = net->now + PLAIN_MS;
		take_answer(net, f, found);
		return;
	case WIRE_FAULT:
		server_answered(net, s, found->fault == DNS_FAULT_REFUSED);
		channel_forget(net, t);
		turn_to_others(net, f, s, found->fault);
		return;
	case WIRE_NO_EDNS: /* RFC 6891 section 6.2.2 */
		server_answered(net, s, false);
		channel_forget(net, t);
		f->plain = true;
		if (c->kind == CHANNEL_TCP)
			send_over_tcp(net, f, s);
		else
			send_to(net, f, s, CHANNEL_UDP);
		return;
	case WIRE_TRUNCATED: /* RFC 2181 section 9 */
		server_answered(net, s, false);
		channel_forget(net, t);
		if (c->kind == CHANNEL_TCP)
			turn_to_others(net, f, s, DNS_FAULT_GARBLED);
		else
			send_over_tcp(net, f, s);
		return;
	}
}

/* No question awaits it.  A probe's is news of its server all the same. */
static void
take_stray(
    struct net *net, const struct channel *c, const uint8_t *packet, size_t n)
{
	struct server *s = c->server;
	uint16_t id;

	net_count(&net->counts.strays, 1);
	if (s->down && s->probe_channel == c && wire_reply_id(packet, n, &id) &&
	    id == s->probe_id && net->now - s->probe_sent <= net->step_ms[0] &&
	    !wire_is_refusal(packet, n))
		server_answered(net, s, false);
}

void
flight_receive(
    struct net *net, struct channel *c, const uint8_t *packet, size_t n)
{
	struct dns_answer found;
	enum wire_reply reply;
	struct try *t = NULL;
	uint16_t id;

	if (wire_reply_id(packet, n, &id))
		t = channel_find(net, c, id);
	if (t == NULL) {
		take_stray(net, c, packet, n);
		return;
	}
	struct wire_question q = { .id = id,
		.edns = t->edns,
		.name = t->flight->name,
		.type = t->flight->type };

	arena_rewind(net->arena);
	reply = wire_read(net->arena, packet, n, &q, &found);
	if (reply == WIRE_STRAY)
		net_count(&net->counts.strays, 1);
	take_reply(net, c, t, reply, &found);
}

/* ---- time ---- */

static void
repeat(struct net *net, struct flight *f)
{
	struct server *s;

	for (size_t i = 0; i < TRIES_MAX; i++) {
		struct try *t = &f->tries[i];

		if (t->flight != NULL && !t->missed) {
			t->missed = true;
			server_missed(net, t->channel->server, t);
		}
	}
	take_off(&net->steps[f->step], f, LINK_STEP);
	if (f->step + 1 < net->n_steps)
		f->step++;
	arm(net, f);
	s = best_server(net, f);
	if (s != NULL) {
		net_count(&net->counts.repetitions, 1);
		send_to(net, f, s, CHANNEL_UDP);
	} else if (!is_awaited(f)) {
		flight_finish(net, f, dns_answer_failed(f->fault));
	}
}

static void
give_up(struct net *net, struct flight *f)
{
	enum dns_fault fault = f->fault;

	if (fault == DNS_FAULT_NONE)
		fault = DNS_FAULT_TIMEOUT;
	net_count(&net->counts.timeouts, 1);
	flight_finish(net, f, dns_answer_failed(fault));
}

/* No server has answered anything for as long as a question then has. */
static bool
is_dark(const struct net *net)
{
	for (size_t i = 0; i < net->n_servers; i++)
		if (!net->servers[i].down ||
		    net->servers[i].heard > net->now - DARK_MS)
			return false;
	return true;
}

int64_t
flight_run_timers(struct net *net)
{
	/* Every flight has the same time, so that `all` stays in order. */
	int64_t less = is_dark(net) && net->total_ms > DARK_MS
	    ? net->total_ms - DARK_MS
	    : 0;
	int64_t next = INT64_MAX;

	while (net->all.first != NULL &&
	    net->all.first->deadline - less <= net->now)
		give_up(net, net->all.first);
	if (net->all.first != NULL)
		next = net->all.first->deadline - less;
	for (unsigned i = 0; i < net->n_steps; i++) {
		struct flights *list = &net->steps[i];

		while (list->first != NULL && list->first->due <= net->now)
			repeat(net, list->first);
		if (list->first != NULL && list->first->due < next)
			next = list->first->due;
	}
	return next;
}
