#include "dns/resolver_internal.h"

/* A malformed reply may have been truncated in transit, or forged. */
static void
take_garbled(struct resolver *r, struct dns_socket *sock, struct attempt *t)
{
	struct dns_query *q = t->query;

	if (sock->kind == SOCKET_TCP) {
		dns_socket_forget(r, t);
		query_turn_to_others(r, q, sock->server, DNS_ERROR_GARBLED);
		return;
	}
	q->error = DNS_ERROR_GARBLED;
	if (q->tcp_garbled)
		return;
	q->tcp_garbled = true;
	if (!query_awaits_tcp(q, sock->server))
		query_send_over_tcp(r, q, sock->server, DNS_ERROR_GARBLED);
}

/* RFC 2181 section 9: the contents of a truncated answer are not used. */
static void
take_truncated(struct resolver *r, struct dns_socket *sock, struct attempt *t)
{
	struct dns_query *q = t->query;

	dns_socket_forget(r, t);
	if (sock->kind == SOCKET_TCP)
		query_turn_to_others(r, q, sock->server, DNS_ERROR_GARBLED);
	else if (!query_awaits_tcp(q, sock->server))
		query_send_over_tcp(r, q, sock->server, DNS_ERROR_GARBLED);
}

/* RFC 6891 sections 6.2.2 and 7: the server rejects EDNS. */
static void
take_no_edns(struct resolver *r, struct dns_socket *sock, struct attempt *t)
{
	struct dns_query *q = t->query;

	dns_socket_forget(r, t);
	q->plain = true;
	if (sock->kind == SOCKET_TCP)
		query_send_over_tcp(r, q, sock->server, DNS_ERROR_RCODE);
	else
		query_send(r, q, sock->server, SOCKET_UDP);
}

/* Records that the server supports EDNS, or that it answers only queries
 * without EDNS. */
static void
learn_edns(struct resolver *r, struct dns_server *s, const struct attempt *t)
{
	if (t->edns)
		s->edns_until = r->now + PLAIN_MS;
	else if (r->now >= s->plain_until)
		s->plain_until = r->now + PLAIN_MS;
}

static void
take_reply(struct resolver *r, struct dns_socket *sock, struct attempt *t,
    enum dns_packet_reply reply, const struct dns_answer *found)
{
	struct dns_server *s = sock->server;
	struct dns_query *q = t->query;

	switch (reply) {
	case DNS_PACKET_UNMATCHED:
		return;
	case DNS_PACKET_GARBLED:
		take_garbled(r, sock, t);
		return;
	case DNS_PACKET_ANSWER:
		dns_health_usable(r, s, sock->kind);
		learn_edns(r, s, t);
		query_answer(r, q, found);
		return;
	case DNS_PACKET_ERROR:
		dns_health_failed(r, s, sock->kind, found->fault);
		dns_socket_forget(r, t);
		query_turn_to_others(r, q, s, found->fault);
		return;
	case DNS_PACKET_NO_EDNS:
		dns_health_usable(r, s, sock->kind);
		take_no_edns(r, sock, t);
		return;
	case DNS_PACKET_TRUNCATED:
		dns_health_usable(r, s, sock->kind);
		take_truncated(r, sock, t);
		return;
	}
}

/* Handles a reply that matches no open question.  If it answers a probe, the
 * server works. */
static void
take_unmatched(struct resolver *r, struct dns_socket *sock,
    const uint8_t *packet, size_t n)
{
	struct dns_server *s = sock->server;
	uint16_t id;

	net_count(&r->counts.strays, 1);
	if (!dns_packet_reply_id(packet, n, &id))
		return;
	dns_socket_unmatched(r, sock, id);
	if (s->down && s->probe_socket == sock && id == s->probe_id &&
	    r->now - s->probe_sent <= r->step_ms[0] &&
	    !dns_packet_is_refusal(packet, n))
		dns_health_usable(r, s, sock->kind);
}

void
query_receive(struct resolver *r, struct dns_socket *sock,
    const uint8_t *packet, size_t n)
{
	struct dns_answer found;
	enum dns_packet_reply reply;
	struct attempt *t = NULL;
	uint16_t id;

	r->packets_left -= r->packets_left > 0;
	if (sock->suspect)
		return; /* the rest of a forger's burst */
	if (dns_packet_reply_id(packet, n, &id))
		t = dns_socket_find(r, sock, id);
	if (t == NULL) {
		take_unmatched(r, sock, packet, n);
		return;
	}
	struct dns_packet_question question = { .id = id,
		.edns = t->edns,
		.name = t->query->name,
		.type = t->query->type };

	arena_rewind(r->arena);
	reply = dns_packet_read(r->arena, packet, n, &question, &found);
	if (reply == DNS_PACKET_UNMATCHED)
		net_count(&r->counts.strays, 1);
	take_reply(r, sock, t, reply, &found);
}
