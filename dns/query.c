#include "dns/resolver_internal.h"

#include "dns/queue.h"

enum {
	/* While crowded, a question is repeated only from this step on: unbound
	 * sends no reply to a query that took longer than 1.9 s
	 * (discard-timeout), but then has the answer in its cache. */
	CROWDED_STEP = 3,
	CROWDED_COST = 8, /* cost of a repetition while crowded; otherwise 1 */
};

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

/* All waits in a step have the same length, so the step's list stays sorted. */
static void
arm(struct resolver *r, struct dns_query *q)
{
	q->due = r->now + r->step_ms[q->step];
	append(&r->steps[q->step], q, LINK_STEP);
}

static void
arm_again(struct resolver *r, struct dns_query *q)
{
	take_off(&r->steps[q->step], q, LINK_STEP);
	arm(r, q);
}

/* ---- attempts ---- */

/* Returns a free attempt; if there is none, forgets the oldest one and returns
 * it. */
static struct attempt *
free_attempt(struct resolver *r, struct dns_query *q)
{
	struct attempt *oldest = &q->attempts[0];

	for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
		if (q->attempts[i].query == NULL)
			return &q->attempts[i];
		if (q->attempts[i].sent < oldest->sent)
			oldest = &q->attempts[i];
	}
	dns_socket_forget(r, oldest);
	return oldest;
}

static bool
has_free_attempt(const struct dns_query *q)
{
	for (size_t i = 0; i < ATTEMPTS_MAX; i++)
		if (q->attempts[i].query == NULL)
			return true;
	return false;
}

bool
query_awaits_tcp(const struct dns_query *q, const struct dns_server *s)
{
	for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
		const struct attempt *t = &q->attempts[i];

		if (t->query != NULL && t->socket->kind == SOCKET_TCP &&
		    t->socket->server == s)
			return true;
	}
	return false;
}

static void
send_failed(struct resolver *r, struct dns_query *q, struct dns_server *s,
    enum send_status status)
{
	if (status == SEND_RESOURCE) {
		q->error = DNS_ERROR_RESOURCE;
		return;
	}
	q->error = DNS_ERROR_UNREACHABLE;
	dns_health_unreachable(r, s);
	q->refused |= 1U << s->number;
}

const struct attempt *
query_send(struct resolver *r, struct dns_query *q, struct dns_server *s,
    enum socket_kind kind)
{
	while (s != NULL && q->sends < SENDS_MAX) {
		struct attempt *t = free_attempt(r, q);
		enum send_status status;

		t->query = q;
		q->sends++;
		q->tcp_sends += kind == SOCKET_TCP;
		if (q->asked[s->number] < UINT8_MAX)
			q->asked[s->number]++;
		status = dns_socket_send(r, s, kind, t);
		if (status == SEND_OK)
			return t;
		send_failed(r, q, s, status);
		s = kind == SOCKET_UDP ? dns_server_fresh(r, q) : NULL;
	}
	return NULL;
}

/* Whether an answer may still arrive.  A TCP connection counts even if its
 * server is down, because the connection will fail soon. */
static bool
is_awaited(const struct dns_query *q)
{
	for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
		const struct attempt *t = &q->attempts[i];

		if (t->query != NULL &&
		    dns_server_can_answer(q, t->socket->server) &&
		    (!t->socket->server->down || t->socket->kind == SOCKET_TCP))
			return true;
	}
	return false;
}

/* Forgets the attempts of `q` and removes it from the lists of active queries.
 */
static void
detach(struct resolver *r, struct dns_query *q)
{
	for (size_t i = 0; i < ATTEMPTS_MAX; i++)
		if (q->attempts[i].query != NULL)
			dns_socket_forget(r, &q->attempts[i]);
	take_off(&r->all, q, LINK_ALL);
	take_off(&r->steps[q->step], q, LINK_STEP);
}

/* ---- domains that do not answer ---- */

static struct domain_load *
load_of(struct resolver *r, const struct dns_query *q)
{
	return &r->domains[q->domain];
}

static void
note_overdue(struct resolver *r, struct dns_query *q)
{
	load_of(r, q)->overdue += !q->is_overdue;
	q->is_overdue = true;
}

static void
note_unanswered(struct resolver *r, struct dns_query *q)
{
	if (load_of(r, q)->failures < OVERDUE_MAX)
		load_of(r, q)->failures++;
}

/*
 * Whether too many questions for a domain are overdue, or failed without an
 * answer while another one is in progress.  More of them would only keep the
 * busy resolvers from answering other questions.
 */
static bool
is_domain_dead(struct resolver *r, const struct dns_query *q)
{
	const struct domain_load *d = load_of(r, q);

	return dns_source_is_crowded(&r->source) &&
	    (d->overdue >= OVERDUE_MAX ||
		(d->failures >= OVERDUE_MAX && d->asked > 0));
}

/* ---- ending queries ---- */

static void
discard(struct resolver *r, struct dns_query *q)
{
	struct domain_load *d = load_of(r, q);

	d->asked = (uint16_t)(d->asked - q->is_asked);
	d->overdue = (uint16_t)(d->overdue - q->is_overdue);
	query_free(r, q);
}

static void
query_finish(
    struct resolver *r, struct dns_query *q, const struct dns_answer *answer)
{
	struct dns_wait *wait = q->wait;

	detach(r, q);
	discard(r, q);
	wait->done(wait, answer);
}

/*
 * Ends `q` before its time is up.  The resolvers keep working on it, so it
 * counts as unanswered for a while longer, unless so many questions are
 * unanswered that it would change nothing except fill the table.
 */
static void
give_up(struct resolver *r, struct dns_query *q, enum dns_error why)
{
	struct dns_wait *wait = q->wait;

	detach(r, q);
	if (dns_source_share(&r->source) > 1) {
		dns_queue_unref(q->queue);
		q->queue = NULL;
		q->deadline = r->now + ABANDONED_MS;
		append(&r->abandoned, q, LINK_ALL);
	} else {
		discard(r, q);
	}
	if (why == DNS_ERROR_BUDGET)
		net_count(&r->counts.cut_off, 1);
	wait->done(wait, dns_answer_failed(why));
}

/*
 * Returns the error to report for `why`.  While we are crowded, silence,
 * SERVFAIL and REFUSED may mean that our resolvers are overloaded, not that the
 * domain's servers fail.  Such a failure counts as our own, as does the
 * silence of all resolvers.
 */
static enum dns_error
error_to_report(struct resolver *r, enum dns_error why)
{
	bool unclear = why == DNS_ERROR_TIMEOUT || why == DNS_ERROR_SERVFAIL ||
	    why == DNS_ERROR_REFUSED;

	if (unclear && dns_source_is_crowded(&r->source)) {
		net_count(&r->counts.crowded, 1);
		return DNS_ERROR_RESOURCE;
	}
	if (why == DNS_ERROR_TIMEOUT && dns_health_all_silent(r))
		why = DNS_ERROR_UNREACHABLE;
	if (why == DNS_ERROR_UNREACHABLE)
		net_count(&r->counts.unreachable, 1);
	return why;
}

static void
finish_failed(struct resolver *r, struct dns_query *q, enum dns_error why)
{
	if (why == DNS_ERROR_SERVFAIL)
		net_count(&r->counts.servfails, 1);
	query_finish(r, q, dns_answer_failed(error_to_report(r, why)));
}

void
query_turn_to_others(struct resolver *r, struct dns_query *q,
    const struct dns_server *s, enum dns_error why)
{
	struct dns_server *fresh;

	q->error = why;
	q->refused |= 1U << s->number;
	fresh = dns_server_fresh(r, q);
	if (fresh != NULL) {
		query_send(r, q, fresh, SOCKET_UDP);
		arm_again(r, q);
	} else if (!is_awaited(q)) {
		finish_failed(r, q, why);
	}
}

void
query_send_over_tcp(struct resolver *r, struct dns_query *q,
    struct dns_server *s, enum dns_error why)
{
	if (q->tcp_sends < TCP_SENDS) {
		q->error = DNS_ERROR_NONE;
		query_send(r, q, s, SOCKET_TCP);
	}
	if (q->error != DNS_ERROR_NONE)
		why = q->error; /* `q` could not be sent, now or earlier */
	if (!is_awaited(q))
		query_turn_to_others(r, q, s, why);
}

/* Occasionally also sends `q` to a server that is down, to see whether it is up
 * again. */
static void
probe(struct resolver *r, struct dns_query *q)
{
	for (size_t i = 0; i < r->n_servers; i++) {
		struct dns_server *s = &r->servers[i];
		const struct attempt *t;

		if (!s->down || r->now < s->probe_at || q->asked[i] > 0)
			continue;
		s->backoff = s->backoff * 2 < BACKOFF_MAX_MS ? s->backoff * 2
							     : BACKOFF_MAX_MS;
		s->probe_at = r->now + s->backoff;
		t = query_send(r, q, s, SOCKET_UDP);
		if (t == NULL)
			continue;
		s->probe_socket = t->socket;
		s->probe_id = t->id;
		s->probe_sent = r->now;
	}
}

/* Whether no server is left that could answer. */
static bool
is_hopeless(struct resolver *r, const struct dns_query *q)
{
	return dns_server_best(r, q) == NULL && !is_awaited(q);
}

void
query_begin(struct resolver *r, struct dns_query *q)
{
	q->deadline = r->now + r->total_ms;
	append(&r->all, q, LINK_ALL);
	arm(r, q);
	net_count(&r->counts.questions, 1);
	if (q->queue != NULL)
		dns_queue_sent(q->queue);
	if (is_domain_dead(r, q)) {
		net_count(&r->counts.crowded, 1);
		finish_failed(r, q, DNS_ERROR_RESOURCE);
		return;
	}
	q->is_asked = true;
	load_of(r, q)->asked++;
	query_send(r, q, dns_server_best(r, q), SOCKET_UDP);
	probe(r, q);
	if (is_hopeless(r, q))
		finish_failed(r, q, q->error);
}

void
query_answer(
    struct resolver *r, struct dns_query *q, const struct dns_answer *found)
{
	const struct dns_answer *answer = dns_answer_new(found);

	if (answer == NULL)
		answer = dns_answer_failed(DNS_ERROR_RESOURCE);
	net_count(&r->counts.answers, 1);
	load_of(r, q)->failures = 0;
	query_finish(r, q, answer);
	dns_answer_unref(answer);
}

/* ---- sockets that fail ---- */

/*
 * A question does not wait for a server that is not listening.  But anyone can
 * forge an ICMP message that says so (RFC 5927).  Such a message ends a TCP
 * connection only if it also has a valid sequence number, so the last server is
 * queried over TCP.
 */
static void
udp_failed(struct resolver *r, struct dns_query *q, struct dns_server *s)
{
	if (dns_server_fresh(r, q) == NULL && !is_awaited(q))
		query_send_over_tcp(r, q, s, DNS_ERROR_UNREACHABLE);
	else
		query_turn_to_others(r, q, s, DNS_ERROR_UNREACHABLE);
}

/*
 * A connection that was closed while idle says nothing about the question (RFC
 * 7766 section 6.2.4), nor does one that is stuck on another question, so the
 * question is sent once more.
 */
static void
tcp_failed(
    struct resolver *r, struct dns_query *q, const struct dns_socket *sock)
{
	struct dns_server *s = sock->server;

	if (query_awaits_tcp(q, s) || q->tcp_forged)
		return; /* another connection may deliver the answer, or `q` is
		           repeated over UDP */
	if (sock->connected && !q->tcp_again) {
		q->tcp_again = true;
		query_send_over_tcp(r, q, s, DNS_ERROR_TIMEOUT);
	} else if (!is_awaited(q)) {
		query_turn_to_others(r, q, s,
		    sock->connected ? DNS_ERROR_TIMEOUT
				    : DNS_ERROR_UNREACHABLE);
	}
}

void
query_break(struct resolver *r, struct dns_socket *sock)
{
	if (sock->kind == SOCKET_UDP)
		dns_health_unreachable(r, sock->server);
	else if (!sock->connected)
		dns_health_no_tcp(r, sock->server);
	while (sock->attempts != NULL) {
		struct dns_query *q = sock->attempts->query;

		dns_socket_forget(r, sock->attempts);
		if (sock->kind == SOCKET_UDP)
			udp_failed(r, q, sock->server);
		else
			tcp_failed(r, q, sock);
	}
}

/* Skips the oldest attempt, which is the last in the list, because the server
 * may be working on it. */
void
query_bypass(struct resolver *r, struct dns_socket *sock)
{
	struct attempt *next;

	for (struct attempt *t = sock->attempts; t->next != NULL; t = next) {
		struct dns_query *q = t->query;

		next = t->next;
		if (q->tcp_sends < TCP_SENDS && has_free_attempt(q))
			query_send(r, q, sock->server, SOCKET_TCP);
	}
}

void
query_distrust(struct resolver *r, struct dns_socket *sock)
{
	struct dns_server *s = sock->server;

	while (sock->attempts != NULL) {
		struct dns_query *q = sock->attempts->query;

		dns_socket_forget(r, sock->attempts);
		q->tcp_forged = true;
		if (q->tcp_sends < TCP_SENDS && !query_awaits_tcp(q, s))
			query_send(r, q, s, SOCKET_TCP);
	}
}

/* ---- time ---- */

static void
expire_attempts(struct resolver *r, struct dns_query *q)
{
	for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
		struct attempt *t = &q->attempts[i];

		if (t->query != NULL && !t->expired) {
			t->expired = true;
			dns_health_timed_out(r, t->socket->server, t);
		}
	}
}

/* Whether the answer is not needed, or not urgently enough to delay other
 * questions. */
static bool
is_not_wanted(struct resolver *r, const struct dns_query *q)
{
	if (q->queue != NULL && dns_queue_has_ended(q->queue))
		return true;
	return q->wait->prefetch && dns_source_is_crowded(&r->source);
}

/* Moves `q` to the next step, with a longer wait, if there is one. */
static void
next_step(struct resolver *r, struct dns_query *q)
{
	take_off(&r->steps[q->step], q, LINK_STEP);
	if (q->step + 1 < r->n_steps)
		q->step++;
	arm(r, q);
	if (q->step == OVERDUE_STEP)
		note_overdue(r, q);
}

static bool
may_repeat(const struct dns_query *q, bool crowded)
{
	return q->queue == NULL ||
	    dns_queue_repeat(q->queue, crowded ? CROWDED_COST : 1);
}

static void
repeat(struct resolver *r, struct dns_query *q)
{
	bool crowded = dns_source_is_crowded(&r->source);
	struct dns_server *s;

	expire_attempts(r, q);
	next_step(r, q);
	s = dns_server_best(r, q);
	if (is_not_wanted(r, q)) {
		/* a prefetch may be dropped although its domain answers */
		if (!q->wait->prefetch)
			note_unanswered(r, q);
		give_up(r, q, DNS_ERROR_BUDGET);
	} else if (s == NULL) {
		if (!is_awaited(q))
			finish_failed(r, q, q->error);
	} else if (query_awaits_tcp(q, s)) {
		return; /* TCP does not lose packets */
	} else if (crowded && q->step < CROWDED_STEP) {
		return; /* the resolvers are busy enough */
	} else if (!may_repeat(q, crowded)) {
		give_up(r, q, DNS_ERROR_BUDGET);
	} else {
		net_count(&r->counts.repetitions, 1);
		query_send(r, q, s, SOCKET_UDP);
		if (is_hopeless(r, q))
			finish_failed(r, q, q->error);
	}
}

static void
time_is_up(struct resolver *r, struct dns_query *q)
{
	enum dns_error why =
	    q->error != DNS_ERROR_NONE ? q->error : DNS_ERROR_TIMEOUT;

	net_count(&r->counts.timeouts, 1);
	note_unanswered(r, q);
	if (q->deadline > r->now)
		give_up(r, q, error_to_report(r, why));
	else
		finish_failed(r, q, why);
}

/* Ends at most `*left` queries whose time is up.  Returns the time when the
 * next one is due. */
static int64_t
end_some(struct resolver *r, unsigned *left)
{
	/* Every query has the same time limit, so `all` stays sorted. */
	bool hurry =
	    dns_server_all_down(r) || dns_source_is_crowded(&r->source);
	int64_t less =
	    hurry && r->total_ms > SHORT_MS ? r->total_ms - SHORT_MS : 0;
	struct dns_query *q;

	while ((q = r->all.first) != NULL && q->deadline - less <= r->now &&
	    *left > 0) {
		(*left)--;
		time_is_up(r, q);
	}
	return q != NULL ? q->deadline - less : INT64_MAX;
}

/* Like end_some(), but repeats queries that are due. */
static int64_t
repeat_some(struct resolver *r, unsigned *left)
{
	int64_t next = INT64_MAX;

	for (unsigned i = 0; i < r->n_steps; i++) {
		struct query_list *list = &r->steps[i];

		while (list->first != NULL && list->first->due <= r->now &&
		    *left > 0) {
			(*left)--;
			repeat(r, list->first);
		}
		if (list->first != NULL && list->first->due < next)
			next = list->first->due;
	}
	return next;
}

static int64_t
end_abandoned(struct resolver *r)
{
	struct dns_query *q;

	while ((q = r->abandoned.first) != NULL && q->deadline <= r->now) {
		take_off(&r->abandoned, q, LINK_ALL);
		discard(r, q);
	}
	return q != NULL ? q->deadline : INT64_MAX;
}

int64_t
query_run_timers(struct resolver *r)
{
	unsigned left = DUE_MAX;
	int64_t ends = end_some(r, &left);
	int64_t repeats = repeat_some(r, &left);
	int64_t abandoned = end_abandoned(r);

	dns_health_check_alive(r);
	if (abandoned < ends)
		ends = abandoned;
	return ends < repeats ? ends : repeats;
}

void
query_close_all(struct resolver *r)
{
	struct dns_query *q;

	while ((q = r->all.first) != NULL)
		query_finish(r, q, dns_answer_failed(DNS_ERROR_RESOURCE));
	while ((q = r->abandoned.first) != NULL) {
		take_off(&r->abandoned, q, LINK_ALL);
		discard(r, q);
	}
}
