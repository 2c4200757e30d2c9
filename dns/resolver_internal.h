/*
 * resolver_internal.h - what the parts of the resolver share: resolver.c (the
 * thread, its inbox, the options), query.c (when to send, repeat and end a
 * query), reply.c (what a reply means for it), server.c (which server to ask),
 * health.c (which servers work), socket.c and socket_tcp.c (sockets).  Private
 * to these seven.  Everything but the inbox and the counters belongs to the
 * resolver's thread.
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
	ATTEMPTS_MAX = 6, /* of one question that may still be answered */
	SENDS_MAX = 16,   /* of one question in all */
	STEPS_MAX = 6,    /* waits between repetitions that differ in length */
	SLOTS = 16384,    /* of the table of attempts by id; a power of two */

	PORTS = 8,            /* UDP sockets of one server, used in turn */
	PORT_USES = 1024,     /* questions, or this many milliseconds: then */
	PORT_LIFE_MS = 10000, /* another port is used (RFC 5452 section 9.2); */
	PORT_SPREAD_MS = 20001, /* less than this is added, at random */
	PORTS_RETIRED = 64,     /* open only for answers that may still come */
	PORT_IDS = 65536,
	WRONG_IDS_MAX = 16, /* replies to a port with an id that was not used
	                       there: one in 4,000 forgers got through so far */

	READS_MAX = 2,       /* system calls for one UDP socket in a turn, so
	                        that no turn is long; */
	TCP_READS_MAX = 8,   /* for one connection */
	PACKETS_MAX = 128,   /* in a turn: each answer may run a core, and up
	                        to DNS_CACHE_WAITS_MAX of them */
	DUE_MAX = 128,       /* queries that are repeated or ended in a turn */
	BATCH = 32,          /* datagrams of one system call */
	DATAGRAM_MAX = 4096, /* more than DNS_EDNS_PAYLOAD: it came anyway */

	GHOST_MS = 8000, /* a resolver may work this long on a question that was
	                    abandoned before its time was up */
	OVERDUE_STEP = 2, /* overdue: a question that was repeated this often */
	OVERDUE_MAX = 4,  /* of one domain; while crowded it is asked no more */
	DOMAINS = 1 << 14, /* places of the table of domains */

	SHORT_MS = 4000,        /* time of a question while no server answers,
	                           or while we are crowded: messages must not
	                           queue up behind it */
	BACKOFF_MAX_MS = 30000, /* between probes of a server that is down */
	PLAIN_MS = 600000,      /* a server is asked without EDNS this long */
	PLAIN_SENDS = 3,        /* the third question to a server is without
	                           EDNS if it never answered one with it */
	TCP_CONNECTIONS = 4,    /* to one server */
	TCP_SENDS = 3,          /* of one question over TCP */
	TCP_SLOW_MS = 1000,     /* silent for this long: use another one, too */
	TCP_IDLE_MS = 5000,     /* RFC 7766 section 6.2.3: kept for reuse */
	TCP_STALL_MS = 5000,    /* silent for this long: close it */
	TCP_OUT_MAX = 1 << 20,  /* bytes waiting to be written */
};

struct resolver;
struct dns_query;
struct dns_server;

/* One datagram or TCP message that may still be answered. */
struct attempt {
	struct dns_query *query; /* NULL: this one is free */
	struct dns_socket *socket;
	struct attempt *next, **link; /* of the socket, newest first */
	struct attempt *chain;        /* in the table by id */
	uint16_t id;
	bool edns;
	bool expired; /* its time is up, but an answer is still accepted */
	int64_t sent;
};

/* A list of queries; each is in `all` and in the one of its step. */
struct query_list {
	struct dns_query *first, *last;
};

struct query_links {
	struct dns_query *previous, *next;
};

/* One question, from when it was asked to its answer. */
struct dns_query {
	struct dns_wait *wait;
	struct dns_queue *queue; /* of the message that asks; NULL: none */
	struct span name;
	enum dns_type type;
	struct dns_query *inbox_next;
	struct query_links links[2]; /* LINK_ALL, LINK_STEP */
	int64_t deadline;
	int64_t due; /* for the next repetition */
	unsigned step;
	unsigned sends;
	unsigned tcp_sends;
	uint8_t asked[DNS_SERVERS_MAX]; /* how often each server was */
	unsigned refused;     /* bits: servers that cannot answer it */
	enum dns_error error; /* what the last of them said */
	uint16_t domain;      /* its place in the table */
	bool is_asked;        /* it is counted there, */
	bool is_overdue;      /* and there */
	bool plain;           /* asked without EDNS from now on */
	bool tcp_again;       /* was asked again since a connection failed */
	bool tcp_garbled;     /* asked over TCP because UDP was garbled */
	bool tcp_forged;      /* asked over TCP because of forged replies */
	struct attempt attempts[ATTEMPTS_MAX];
};

enum { LINK_ALL, LINK_STEP };

/* The load that the domains with one hash value cause. */
struct domain_load {
	uint16_t asked;    /* questions that the resolvers may work on */
	uint16_t overdue;  /* of them, those that are unanswered for long */
	uint16_t failures; /* unanswered ones, since there was an answer */
};

enum socket_kind { SOCKET_UDP, SOCKET_TCP };

enum send_status {
	SEND_OK,
	SEND_UNREACHABLE, /* no route, or nobody listens */
	SEND_RESOURCE,    /* no socket, no memory, no free id */
};

struct dns_socket {
	enum socket_kind kind;
	struct dns_server *server;
	int fd;
	struct attempt *attempts;
	struct dns_socket *next; /* retired or closed ones */
	bool closed;             /* freed at the end of the turn */
	/* UDP alone: */
	unsigned uses;    /* questions sent */
	int64_t expires;  /* no more questions are sent after that */
	bool retired;     /* no more questions are sent */
	bool unreachable; /* so says its host; not yet reported */
	bool suspect;     /* WRONG_IDS_MAX was reached; not yet reported */
	unsigned wrong_ids;
	uint8_t *used_ids; /* a bit for each id that was used on it */
	/* TCP alone: */
	bool connected, wants_out;
	bool slow;        /* silent for TCP_SLOW_MS though it owes answers */
	int64_t progress; /* when something last came, or was begun */
	uint8_t *out;
	size_t out_n, out_cap;
	uint8_t *in; /* DNS_PACKET_MAX + 2 bytes */
	size_t in_n;
};

/* One reason for which a server may not work. */
struct server_trouble {
	atomic_uint_least64_t failures; /* since the start */
	atomic_int_least64_t since;     /* milliseconds; 0: it works */
	uint64_t unreported;            /* failures */
	int64_t reported;               /* when it was last; 0: never */
};

struct dns_server {
	struct server_address address;
	unsigned number;
	struct dns_socket *ports[PORTS];
	struct dns_socket *current; /* of this turn of the loop */
	struct dns_socket *tcp[TCP_CONNECTIONS];
	int64_t heard; /* when it last answered anything */
	unsigned timeouts;
	bool down;        /* others are asked first; it is probed */
	bool silent;      /* it has not answered DOWN_AFTER questions */
	bool refuses;     /* why it was unreachable last: ECONNREFUSED, not the
	                     lack of a route */
	unsigned errors;  /* answers in a row that were error codes */
	bool is_reported; /* a trouble was, and its end was not */
	struct server_trouble troubles[DNS_TROUBLES];
	/* The last probe: its answer may come when another has answered. */
	const struct dns_socket *probe_socket;
	uint16_t probe_id;
	int64_t probe_sent;
	int64_t probe_at; /* when the next one is due */
	int64_t backoff;
	int64_t plain_until; /* asked without EDNS */
	int64_t edns_until;  /* it has answered with EDNS: it knows EDNS */
};

/* The question that shows whether the servers answer anything. */
struct alive_check {
	struct dns_wait wait; /* first */
	bool is_wanted; /* a server has not answered DOWN_AFTER questions */
	bool is_asked;
	int64_t again_at;
};

struct net_counters {
	atomic_uint_least64_t questions, datagrams, repetitions, tcp, answers,
	    timeouts, servfails, unreachable, strays, wrong_ids, suspect_ports,
	    cut_off, crowded, turn_max_us, turn_max_cpu_us;
};

/* Datagrams that leave together. */
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
	struct dns_source source; /* first */
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
	atomic_size_t unanswered; /* questions, those in the inbox as well */

	pthread_mutex_t lock; /* of the four below */
	struct dns_query *inbox, **inbox_end;
	bool sleeping;
	bool closing;

	int64_t now;             /* of this turn, milliseconds */
	struct dns_query *fresh; /* from the inbox, they begin next */
	struct query_list all;   /* in the order of their deadlines */
	struct query_list steps[STEPS_MAX]; /* in the order of `due` */
	struct query_list ghosts; /* given up, in the order of `deadline` */
	struct domain_load domains[DOMAINS]; /* by hash */
	struct hash_secret secret;
	struct alive_check alive;
	struct attempt *slots[SLOTS];
	struct dns_socket *retired; /* newest first */
	unsigned n_retired;
	bool reports;            /* some socket has something to report */
	struct dns_socket *dead; /* to be freed at the end of the turn */
	struct batch batch;
	struct inbound inbound;
	unsigned packets_left; /* of PACKETS_MAX, in this turn */
	struct arena *arena;
	uint16_t random[256];
	unsigned random_left;
};

/* ---- resolver.c ---- */

/* Frees it; its answer is the caller's to give. */
void query_free(struct resolver *r, struct dns_query *q);

/* ---- query.c ---- */

void query_begin(struct resolver *r, struct dns_query *q);

/* Ends `q` with what a server replied. */
void query_answer(
    struct resolver *r, struct dns_query *q, const struct dns_answer *found);

/* Asks `s`, or over UDP another server if that fails.  NULL: not sent. */
const struct attempt *query_send(struct resolver *r, struct dns_query *q,
    struct dns_server *s, enum socket_kind kind);

/* If that is not possible, `s` cannot answer, because of `why`. */
void query_send_over_tcp(struct resolver *r, struct dns_query *q,
    struct dns_server *s, enum dns_error why);

/* `s` cannot answer because of `why`; another server may. */
void query_turn_to_others(struct resolver *r, struct dns_query *q,
    const struct dns_server *s, enum dns_error why);

/* Its answer may come over a TCP connection to `s`. */
bool query_awaits_tcp(const struct dns_query *q, const struct dns_server *s);

/* Nothing will come on `sock` any more: its attempts are removed from it. */
void query_break(struct resolver *r, struct dns_socket *sock);

/* `sock`, TCP, is slow: others than the oldest are asked on another one too. */
void query_bypass(struct resolver *r, struct dns_socket *sock);

/* Somebody sends forged replies to `sock`, UDP: its questions are asked over
 * TCP, and its attempts are removed from it. */
void query_distrust(struct resolver *r, struct dns_socket *sock);

/* Repeats and ends what is due; returns when to be called again. */
int64_t query_run_timers(struct resolver *r);

void query_close_all(struct resolver *r);

/* ---- reply.c ---- */

/* A packet came on `sock`. */
void query_receive(struct resolver *r, struct dns_socket *sock,
    const uint8_t *packet, size_t n);

/* ---- health.c ---- */

/* `t`, sent to `s`, was not answered in time. */
void dns_health_timed_out(
    struct resolver *r, struct dns_server *s, const struct attempt *t);

/* Packets cannot be sent to `s`; `refuses` of it says why. */
void dns_health_unreachable(struct resolver *r, struct dns_server *s);

/* A connection to `s` was not established. */
void dns_health_no_tcp(struct resolver *r, struct dns_server *s);

/* `s` has sent a usable answer, or one that says to ask again over TCP or
 * without EDNS. */
void dns_health_usable(
    struct resolver *r, struct dns_server *s, enum socket_kind kind);

/* `s` has answered with the error code `why`. */
void dns_health_failed(struct resolver *r, struct dns_server *s,
    enum socket_kind kind, enum dns_error why);

/* No server answers anything.  If the names could be the reason as well, that
 * is known only after dns_health_check_alive(). */
bool dns_health_all_silent(const struct resolver *r);

/*
 * To be called in each turn.  If all servers are silent, asks them for a name
 * that needs nobody else, "localhost" (RFC 6761 section 6.3).  Not while we are
 * crowded, when it does not matter.
 */
void dns_health_check_alive(struct resolver *r);

/* ---- server.c ---- */

/* It has not said that it cannot. */
bool dns_server_can_answer(
    const struct dns_query *q, const struct dns_server *s);

/* NULL: none can answer it. */
struct dns_server *dns_server_best(
    struct resolver *r, const struct dns_query *q);

/* One that is up and was not asked yet; NULL: none. */
struct dns_server *dns_server_fresh(
    struct resolver *r, const struct dns_query *q);

/* No server has answered anything for as long as a question then has. */
bool dns_server_all_down(const struct resolver *r);

/* ---- socket.c ---- */

/* Sends the question of `t->query` to `server` with a new id.  `t` is free
 * again unless the result is SEND_OK. */
enum send_status dns_socket_send(struct resolver *r, struct dns_server *server,
    enum socket_kind kind, struct attempt *t);

/* Takes `t` off its socket and out of the table. */
void dns_socket_forget(struct resolver *r, struct attempt *t);

/* The attempt on `sock` with that id; NULL: none. */
struct attempt *dns_socket_find(
    struct resolver *r, const struct dns_socket *sock, uint16_t id);

/* A reply came on `sock` with an id that no attempt has. */
void dns_socket_unmatched(
    struct resolver *r, struct dns_socket *sock, uint16_t id);

void dns_socket_flush(struct resolver *r);  /* sends what is batched */
void dns_socket_report(struct resolver *r); /* acts on what was noticed */
void dns_socket_ready(
    struct resolver *r, struct dns_socket *sock, uint32_t events);
int64_t dns_socket_run_timers(struct resolver *r); /* returns when again */
void dns_socket_end_turn(struct resolver *r);
void dns_socket_close_all(struct resolver *r);

/* Nothing will come on it: its queries learn that, and it is closed. */
void dns_socket_break(struct resolver *r, struct dns_socket *sock);

/* `how` as for epoll_ctl(2). */
bool dns_socket_watch(
    struct resolver *r, struct dns_socket *sock, uint32_t events, int how);

/* ---- socket_tcp.c ---- */

/* The connection to use; NULL: open one more in `*empty`, which is NULL if
 * there is no room. */
struct dns_socket *dns_socket_tcp_choose(
    struct dns_server *s, struct dns_socket ***empty);

bool dns_socket_tcp_send(struct resolver *r, struct dns_socket *sock,
    const struct dns_packet_question *question);
void dns_socket_tcp_ready(
    struct resolver *r, struct dns_socket *sock, uint32_t events);

/* Returns when to be called again. */
int64_t dns_socket_tcp_timers(struct resolver *r, struct dns_server *s);

static inline void
net_count(atomic_uint_least64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

#endif
