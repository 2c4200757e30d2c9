/*
 * resolver_internal.h - types and functions that the seven files of the
 * resolver share: resolver.c (the thread, its inbox, the options), query.c
 * (when to send, retry and end a query), reply.c (handles replies), server.c
 * (chooses a server), health.c (which servers work), socket.c and socket_tcp.c
 * (sockets).  Only the resolver's thread may use the data, except the inbox and
 * the counters.
 */
#ifndef AVOUCH_DNS_RESOLVER_INTERNAL_H
#define AVOUCH_DNS_RESOLVER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "dns/resolver.h"
#include "dns/packet.h"
#include "lib/arena.h"
#include "lib/hash.h"

enum {
	ATTEMPTS_MAX =
	    6,          /* attempts that may still be answered, per question */
	SENDS_MAX = 16, /* attempts per question in total */
	STEPS_MAX = 6,  /* waits of different lengths between retries */
	SLOTS = 16384,  /* hash slots for attempts by id; a power of two */

	PORTS = 8,            /* UDP sockets for one server, chosen at random */
	PORT_USES = 1024,     /* questions sent from a port before it is
	                         replaced */
	PORT_LIFE_MS = 10000, /* minimum lifetime of a port (RFC 5452 section
	                         9.2) */
	PORT_SPREAD_MS = 20001, /* limit of the random part of the lifetime */
	PORTS_RETIRED = 64,     /* ports kept open only for late answers */
	PORT_IDS = 65536,
	/* A port is closed after this many replies with ids that were not used
	 * on it.  By then, one forger in 4,000 has succeeded. */
	WRONG_IDS_MAX = 16,

	READS_MAX = 2,     /* system calls for each UDP socket per iteration of
	                      the loop, to keep each iteration short */
	TCP_READS_MAX = 8, /* the same limit for one TCP connection */
	PACKETS_MAX =
	    128, /* packets read per iteration: each answer may continue the
	            checks of up to DNS_CACHE_WAITS_MAX messages */
	DUE_MAX = 128,       /* queries retried or ended per iteration */
	BATCH = 32,          /* datagrams per system call */
	DATAGRAM_MAX = 4096, /* bytes; more than DNS_EDNS_PAYLOAD, in case a
	                        server ignores that */

	ABANDONED_MS = 8000, /* a resolver may work this long on a question that
	                     we abandoned early */
	OVERDUE_STEP = 2,    /* a question retried this many times is overdue */
	OVERDUE_MAX = 4, /* while we are crowded, no more questions are sent for
	                    a domain with this many overdue ones */
	DOMAINS = 1 << 14, /* size of the table of domains */

	SHORT_MS = 4000,        /* time limit of a question while no server
	                           answers, or while we are crowded: messages
	                           must not queue up behind it */
	BACKOFF_MAX_MS = 30000, /* longest interval between probes */
	PLAIN_MS = 600000,      /* how long a server is queried without EDNS */
	PLAIN_SENDS = 3,        /* from the third attempt at a question on, a
	                           server is asked without EDNS, unless it has
	                           answered with EDNS */
	TCP_CONNECTIONS = 4,    /* connections per server */
	TCP_SENDS = 3,          /* TCP attempts per question */
	TCP_SLOW_MS =
	    1000, /* after a silence this long, also use another connection */
	TCP_IDLE_MS = 5000, /* an idle connection is kept this long for reuse
	                       (RFC 7766 section 6.2.3) */
	TCP_STALL_MS =
	    5000, /* after a silence this long, close the connection */
	TCP_OUT_MAX = 1 << 20, /* bytes that may wait to be written */
};

struct resolver;
struct dns_query;
struct dns_server;

/* One datagram or TCP message that may still be answered. */
struct attempt {
	struct dns_query *query; /* NULL: this slot is free */
	struct dns_socket *socket;
	struct attempt *next, **link; /* in the socket's list, newest first */
	struct attempt *chain;        /* next in the table by id */
	uint16_t id;
	bool edns;
	bool expired; /* timed out, but an answer is still accepted */
	int64_t sent;
};

/* A list of queries.  Each query is in `all` and in the list of its step. */
struct query_list {
	struct dns_query *first, *last;
};

struct query_links {
	struct dns_query *previous, *next;
};

/* One question, from the call to ask() until it is answered. */
struct dns_query {
	struct dns_wait *wait;
	struct dns_queue *queue; /* queue of the message that asks; NULL:
	                            none */
	struct span name;
	enum dns_type type;
	struct dns_query *inbox_next;
	struct query_links links[2]; /* LINK_ALL, LINK_STEP */
	int64_t deadline;
	int64_t due; /* time of the next retry */
	unsigned step;
	unsigned sends;
	unsigned tcp_sends;
	uint8_t asked[DNS_SERVERS_MAX]; /* number of times it was sent
	                                   to each server */
	unsigned refused;     /* bits: servers that cannot answer it */
	enum dns_error error; /* the last error from any server */
	uint16_t domain;      /* index in the table of domains */
	bool is_asked;        /* counted in its domain_load's `asked` */
	bool is_overdue;      /* counted in its domain_load's `overdue` */
	bool plain;           /* asked without EDNS from now on */
	bool tcp_again;       /* was sent again because a connection failed */
	bool tcp_garbled; /* asked over TCP because a UDP reply was garbled */
	bool tcp_forged;  /* asked over TCP because of forged replies */
	struct attempt attempts[ATTEMPTS_MAX];
};

enum { LINK_ALL, LINK_STEP };

/* The load caused by all domains with the same hash value. */
struct domain_load {
	uint16_t asked;    /* questions that the resolvers may be working on */
	uint16_t overdue;  /* questions unanswered for a long time */
	uint16_t failures; /* questions that failed since the last answer */
};

enum socket_kind { SOCKET_UDP, SOCKET_TCP };

enum send_status {
	SEND_OK,
	SEND_UNREACHABLE, /* no route, or no process listens there */
	SEND_RESOURCE,    /* no socket, no memory, no free id */
};

struct dns_socket {
	enum socket_kind kind;
	struct dns_server *server;
	int fd;
	struct attempt *attempts;
	struct dns_socket *next; /* in the list of retired or closed sockets */
	bool closed;             /* freed at the end of the iteration */
	/* UDP only: */
	unsigned uses;    /* questions sent */
	int64_t expires;  /* time after which no more questions are sent */
	bool retired;     /* no more questions are sent */
	bool unreachable; /* noticed, but not yet handled */
	bool suspect;     /* WRONG_IDS_MAX was reached; not yet handled */
	unsigned wrong_ids;
	uint8_t *used_ids; /* a bit for each id that was used on this port */
	/* TCP only: */
	bool connected, wants_out;
	bool slow;        /* silent for TCP_SLOW_MS while answers are pending */
	int64_t progress; /* when data last arrived, or when waiting began */
	uint8_t *out;
	size_t out_n, out_cap;
	uint8_t *in; /* DNS_PACKET_MAX + 2 bytes */
	size_t in_n;
};

/* One kind of trouble with a server. */
struct server_trouble {
	atomic_uint_least64_t failures; /* since startup */
	atomic_int_least64_t since;     /* milliseconds; 0: no such trouble */
	uint64_t unreported;            /* failures not yet reported */
	int64_t reported;               /* time of the last report; 0: never */
};

struct dns_server {
	struct server_address address;
	unsigned number;
	struct dns_socket *ports[PORTS];
	struct dns_socket *current; /* port used in this iteration of the
	                               loop */
	struct dns_socket *tcp[TCP_CONNECTIONS];
	int64_t heard; /* time of its last answer */
	unsigned timeouts;
	bool down;    /* other servers are preferred, and this one is probed */
	bool silent;  /* it left DOWN_AFTER questions unanswered, or cannot be
	                 reached */
	bool refuses; /* the last time it was unreachable, the error was
	                 ECONNREFUSED, not a missing route */
	unsigned errors;  /* consecutive answers with error codes */
	bool is_reported; /* reported as failing, not yet as working again */
	struct server_trouble troubles[DNS_TROUBLES];
	/* The last probe: its answer may arrive after another server has
	 * answered. */
	const struct dns_socket *probe_socket;
	uint16_t probe_id;
	int64_t probe_sent;
	int64_t probe_at; /* when the next probe is due */
	int64_t backoff;
	int64_t plain_until; /* queried without EDNS before this time */
	int64_t edns_until;  /* queried with EDNS before this time, because it
	                        has answered with EDNS */
};

/* The question that checks whether the servers answer anything. */
struct alive_check {
	struct dns_wait wait; /* must be first */
	bool is_wanted; /* a server left DOWN_AFTER questions unanswered */
	bool is_asked;
	int64_t again_at;
};

struct net_counters {
	atomic_uint_least64_t questions, datagrams, repetitions, tcp, answers,
	    timeouts, servfails, unreachable, strays, wrong_ids, suspect_ports,
	    cut_off, crowded, turn_max_us, turn_max_cpu_us;
};

/* Datagrams that are sent by one system call. */
struct batch {
	struct dns_socket *socket;
	unsigned n;
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	uint8_t bytes[BATCH][DNS_PACKET_QUESTION_MAX];
};

struct inbound {
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	uint8_t bytes[BATCH][DATAGRAM_MAX];
};

struct resolver {
	struct dns_source source; /* must be first */
	struct dns_server servers[DNS_SERVERS_MAX];
	size_t n_servers;
	int64_t total_ms;
	int64_t step_ms[STEPS_MAX];
	unsigned n_steps;
	dns_resolver_forged *on_forged;
	dns_resolver_notify *on_event;

	int epoll;
	int wake; /* eventfd */
	pthread_t thread;
	struct net_counters counts;
	atomic_size_t unanswered; /* questions, including those in the inbox */

	pthread_mutex_t lock; /* protects the four members below */
	struct dns_query *inbox, **inbox_end;
	bool sleeping;
	bool closing;

	int64_t now;             /* time of this iteration in milliseconds */
	struct dns_query *fresh; /* taken from the inbox, to be started next */
	struct query_list all;   /* in the order of their deadlines */
	struct query_list steps[STEPS_MAX]; /* in the order of `due` */
	struct query_list abandoned; /* abandoned queries, in the order of
	                             `deadline` */
	struct domain_load domains[DOMAINS]; /* index: hash of the domain */
	struct hash_secret secret;
	struct alive_check alive;
	struct attempt *slots[SLOTS];
	struct dns_socket *retired; /* newest first */
	unsigned n_retired;
	bool reports;            /* a socket is marked `unreachable` or
	                            `suspect` */
	struct dns_socket *dead; /* freed at the end of the iteration */
	struct batch batch;
	struct inbound inbound;
	unsigned packets_left; /* packets still allowed in this iteration */
	struct arena *arena;
	uint16_t random[256];
	unsigned random_left;
};

/* ---- resolver.c ---- */

/* Frees `q`; the caller must answer `q->wait`. */
void query_free(struct resolver *r, struct dns_query *q);

/* ---- query.c ---- */

void query_begin(struct resolver *r, struct dns_query *q);

/* Ends `q` with a server's answer. */
void query_answer(
    struct resolver *r, struct dns_query *q, const struct dns_answer *found);

/* Sends `q` to `s`, or if that fails over UDP, to another server.  Returns the
 * attempt, or NULL if `q` was not sent. */
const struct attempt *query_send(struct resolver *r, struct dns_query *q,
    struct dns_server *s, enum socket_kind kind);

/* Sends `q` to `s` over TCP.  If that is not possible, `s` counts as unable to
 * answer, with the error `why`. */
void query_send_over_tcp(struct resolver *r, struct dns_query *q,
    struct dns_server *s, enum dns_error why);

/* Notes that `s` cannot answer because of `why`, and tries another server. */
void query_turn_to_others(struct resolver *r, struct dns_query *q,
    const struct dns_server *s, enum dns_error why);

/* Whether an answer may still arrive over a TCP connection to `s`. */
bool query_awaits_tcp(const struct dns_query *q, const struct dns_server *s);

/* Call this when `sock` has failed.  Removes its attempts and sends their
 * queries over other sockets or to other servers. */
void query_break(struct resolver *r, struct dns_socket *sock);

/* Call this when the TCP socket `sock` is slow.  Sends all its questions
 * except the oldest over another connection too. */
void query_bypass(struct resolver *r, struct dns_socket *sock);

/* Call this when someone sends forged replies to the UDP socket `sock`.
 * Removes its attempts, and sends its questions over TCP. */
void query_distrust(struct resolver *r, struct dns_socket *sock);

/* Retries questions that are due, and ends those whose time is up.  Returns
 * when to call this again. */
int64_t query_run_timers(struct resolver *r);

void query_close_all(struct resolver *r);

/* ---- reply.c ---- */

/* Handles a packet that arrived on `sock`. */
void query_receive(struct resolver *r, struct dns_socket *sock,
    const uint8_t *packet, size_t n);

/* ---- health.c ---- */

/* Notes that `t`, sent to `s`, was not answered in time. */
void dns_health_timed_out(
    struct resolver *r, struct dns_server *s, const struct attempt *t);

/* Notes that packets cannot be sent to `s`; `s->refuses` says why. */
void dns_health_unreachable(struct resolver *r, struct dns_server *s);

/* Notes that a TCP connection to `s` could not be established. */
void dns_health_no_tcp(struct resolver *r, struct dns_server *s);

/* Notes that `s` has sent a usable answer, or one that asks us to retry over
 * TCP or without EDNS. */
void dns_health_usable(
    struct resolver *r, struct dns_server *s, enum socket_kind kind);

/* Notes that `s` has answered with the error code `why`. */
void dns_health_failed(struct resolver *r, struct dns_server *s,
    enum socket_kind kind, enum dns_error why);

/* Whether no server answers anything.  The queried names, not the servers, may
 * be the cause; only dns_health_check_alive() can distinguish the two. */
bool dns_health_all_silent(const struct resolver *r);

/*
 * Call this in each iteration of the loop.  If all servers are silent, asks
 * them for "localhost", which they can answer without other servers (RFC 6761
 * section 6.3).  Does nothing while we are crowded, because the result does not
 * matter then.
 */
void dns_health_check_alive(struct resolver *r);

/* ---- server.c ---- */

/* Whether `s` may still answer `q`: its bit in q->refused is not set. */
bool dns_server_can_answer(
    const struct dns_query *q, const struct dns_server *s);

/* Returns the server to ask next; NULL if none can answer `q`. */
struct dns_server *dns_server_best(
    struct resolver *r, const struct dns_query *q);

/* Returns a server that is up and has not been asked `q` yet; NULL if there is
 * none. */
struct dns_server *dns_server_fresh(
    struct resolver *r, const struct dns_query *q);

/* Whether all servers are down, and none has answered anything for SHORT_MS. */
bool dns_server_all_down(const struct resolver *r);

/* ---- socket.c ---- */

/* Sends the question of `t->query` to `server` with a new id.  Unless the
 * result is SEND_OK, `t` is free afterwards. */
enum send_status dns_socket_send(struct resolver *r, struct dns_server *server,
    enum socket_kind kind, struct attempt *t);

/* Removes `t` from its socket and from the table. */
void dns_socket_forget(struct resolver *r, struct attempt *t);

/* Returns the attempt on `sock` with this id; NULL if there is none. */
struct attempt *dns_socket_find(
    struct resolver *r, const struct dns_socket *sock, uint16_t id);

/* Notes a reply on `sock` whose id does not belong to any attempt. */
void dns_socket_unmatched(
    struct resolver *r, struct dns_socket *sock, uint16_t id);

void dns_socket_flush(struct resolver *r);  /* sends the batch */
void dns_socket_report(struct resolver *r); /* handles marked sockets */
void dns_socket_ready(
    struct resolver *r, struct dns_socket *sock, uint32_t events);
int64_t dns_socket_run_timers(struct resolver *r); /* next due time */
void dns_socket_end_turn(struct resolver *r);
void dns_socket_close_all(struct resolver *r);

/* Closes a socket that failed; its queries use other sockets or servers. */
void dns_socket_break(struct resolver *r, struct dns_socket *sock);

/* Sets the epoll events of `sock`; `how` is the operation of epoll_ctl(2). */
bool dns_socket_watch(
    struct resolver *r, struct dns_socket *sock, uint32_t events, int how);

/* ---- socket_tcp.c ---- */

/* Returns the connection to use.  If it returns NULL, the caller must open
 * another connection and store it in `*empty`. */
struct dns_socket *dns_socket_tcp_choose(
    struct dns_server *s, struct dns_socket ***empty);

bool dns_socket_tcp_send(struct resolver *r, struct dns_socket *sock,
    const struct dns_packet_question *question);
void dns_socket_tcp_ready(
    struct resolver *r, struct dns_socket *sock, uint32_t events);

/* Returns when to call this again. */
int64_t dns_socket_tcp_timers(struct resolver *r, struct dns_server *s);

static inline void
net_count(atomic_uint_least64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

#endif
