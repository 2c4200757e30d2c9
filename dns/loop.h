/*
 * loop.h - what the parts of the resolver's event loop know of each other:
 * net.c (the thread, its inbox, the options), flight.c (questions in flight:
 * which server, when again, when enough), channel.c and channel_tcp.c
 * (sockets). Private to these four; all but the inbox belongs to the loop's
 * thread.
 */
#ifndef AVOUCH_DNS_LOOP_H
#define AVOUCH_DNS_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "dns/net.h"
#include "dns/wire.h"
#include "lib/arena.h"

enum {
	ATTEMPTS_MAX = 6, /* of one question that may still be answered */
	SENDS_MAX = 16,   /* of one question in all */
	STEPS_MAX = 6,    /* waits between repetitions that differ in length */
	SLOTS = 16384,    /* of the table of attempts by id; a power of two */

	PORTS = 8,           /* UDP sockets of one server in turn */
	PORT_USES = 1024,    /* then it is closed, for a port that is new */
	PORTS_RETIRED = 64,  /* closed only when their questions are answered */
	READS_MAX = 8,       /* system calls for one socket in a turn */
	BATCH = 32,          /* datagrams of one system call */
	DATAGRAM_MAX = 4096, /* more than DNS_NET_PAYLOAD: it came anyway */

	DOWN_AFTER = 3,         /* times without an answer, one after other */
	ALL_DOWN_MS = 4000,     /* a question's time while all servers are
	                       down: messages must not queue up behind it */
	BACKOFF_MAX_MS = 30000, /* between probes of a server that is down */
	PLAIN_MS = 600000,      /* a server is asked without EDNS this long */
	TCP_IDLE_MS = 5000,     /* RFC 7766 section 6.2.3: kept for reuse */
	TCP_STALL_MS = 5000,    /* nothing comes though something should */
	TCP_OUT_MAX = 1 << 20,  /* bytes waiting to be written */
};

struct resolver;
struct dns_query;
struct dns_server;

/* One datagram or TCP message that may still be answered. */
struct attempt {
	struct dns_query *query; /* NULL: this one is free */
	struct dns_socket *socket;
	struct attempt *next, **link; /* of the socket */
	struct attempt *chain;        /* in the table by id */
	uint16_t id;
	bool edns;
	bool expired; /* its time is up, an answer is taken still */
	int64_t sent;
};

/* A list of queries; each is in `all` and in the one of its step. */
struct query_list {
	struct dns_query *first, *last;
};

struct query_links {
	struct dns_query *previous, *next;
};

/* One question in flight. */
struct dns_query {
	struct dns_wait *wait;
	struct span name;
	enum dns_type type;
	struct dns_query *inbox_next;
	struct query_links links[2]; /* LINK_ALL, LINK_STEP */
	int64_t deadline;            /* for DNS_FAULT_TIMEOUT */
	int64_t due;                 /* for the next repetition */
	unsigned step;
	unsigned sends;
	uint8_t asked[DNS_NET_SERVERS_MAX]; /* how often each server was */
	unsigned refused;     /* bits: servers that said that they can't */
	enum dns_fault fault; /* what the last of them said */
	bool plain;           /* asked without EDNS from now on */
	bool tcp_again;       /* was repeated over a new connection */
	bool tcp_garbled;     /* asked over TCP since UDP was garbled */
	struct attempt attempts[ATTEMPTS_MAX];
};

enum { LINK_ALL, LINK_STEP };

enum socket_kind { SOCKET_UDP, SOCKET_TCP };

struct dns_socket {
	enum socket_kind kind;
	struct dns_server *server;
	int fd;
	struct attempt *attempts;
	struct dns_socket *next; /* retired or closed ones */
	bool closed;             /* freed at the end of the turn */
	unsigned uses;           /* questions sent */
	bool retired;            /* takes no more questions */
	bool unreachable;        /* so says its host; not yet reported */
	/* TCP alone: */
	bool connected, answered, wants_out;
	int64_t progress; /* when something last came, or was begun */
	uint8_t *out;
	size_t out_n, out_cap;
	uint8_t *in; /* WIRE_PACKET_MAX + 2 bytes */
	size_t in_n;
};

struct dns_server {
	struct dns_net_server address;
	unsigned number;
	struct dns_socket *ports[PORTS];
	struct dns_socket *current; /* of this turn of the loop */
	struct dns_socket *tcp;
	int64_t heard; /* when it last answered anything */
	unsigned timeouts;
	bool down;
	/* The last probe: its answer may come when another has answered. */
	const struct dns_socket *probe_socket;
	uint16_t probe_id;
	int64_t probe_sent;
	int64_t probe_at; /* when the next one is due */
	int64_t backoff;
	int64_t plain_until;
};

struct net_counters {
	atomic_uint_least64_t questions, datagrams, repetitions, tcp, answers,
	    timeouts, servfails, strays;
};

/* Datagrams that leave together. */
struct batch {
	struct dns_socket *socket;
	unsigned n;
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	uint8_t bytes[BATCH][WIRE_QUESTION_MAX];
};

struct inbound {
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	uint8_t bytes[BATCH][DATAGRAM_MAX];
};

struct resolver {
	struct dns_source source; /* first */
	struct dns_server servers[DNS_NET_SERVERS_MAX];
	size_t n_servers;
	int64_t total_ms;
	int64_t step_ms[STEPS_MAX];
	unsigned n_steps;

	int epoll;
	int wake; /* eventfd */
	pthread_t thread;
	struct net_counters counts;
	atomic_size_t in_flight;

	pthread_mutex_t lock; /* of the four below */
	struct dns_query *inbox, **inbox_end;
	bool sleeping;
	bool closing;

	int64_t now;           /* of this turn, milliseconds */
	struct query_list all; /* in the order of their deadlines */
	struct query_list steps[STEPS_MAX]; /* in the order of `due` */
	struct attempt *slots[SLOTS];
	struct dns_socket *retired;
	unsigned n_retired;
	bool unreachable;        /* some socket is */
	struct dns_socket *dead; /* to be freed at the end of the turn */
	struct batch batch;
	struct inbound inbound;
	struct arena *arena;
	uint16_t random[256];
	unsigned random_left;
};

/* ---- flight.c ---- */

void query_begin(struct resolver *net, struct dns_query *f);
void query_finish(
    struct resolver *net, struct dns_query *f, const struct dns_answer *answer);

/* A packet came on `c`. */
void query_receive(struct resolver *net, struct dns_socket *c,
    const uint8_t *packet, size_t n);

/* Nothing will come on `c` any more, which gives up its attempts one by one. */
void query_break(struct resolver *net, struct dns_socket *c);

/* Repeats and gives up what is due; returns when to be called again. */
int64_t query_run_timers(struct resolver *net);

/* ---- channel.c ---- */

/*
 * Sends the question of `t->query` to `server`, with an id that is new; false:
 * no socket, no memory or the like, `t` is not in use.
 */
bool dns_socket_send(struct resolver *net, struct dns_server *server,
    enum socket_kind kind, struct attempt *t);

/* Takes `t` off its socket and out of the table. */
void dns_socket_forget(struct resolver *net, struct attempt *t);

/* The attempt on `sock` with that id; NULL: none. */
struct attempt *dns_socket_find(
    struct resolver *net, const struct dns_socket *c, uint16_t id);

void dns_socket_flush(struct resolver *net); /* sends what is batched */
void dns_socket_report(
    struct resolver *net); /* breaks those that are unreachable */
void dns_socket_ready(
    struct resolver *net, struct dns_socket *c, uint32_t events);
int64_t dns_socket_run_timers(struct resolver *net); /* returns when again */
void dns_socket_end_turn(struct resolver *net);
void dns_socket_close_all(struct resolver *net);

/* Nothing will come on it: its attempts are told, and it is gone. */
void dns_socket_break(struct resolver *net, struct dns_socket *c);

/* `how` as for epoll_ctl(2). */
bool dns_socket_watch(
    struct resolver *net, struct dns_socket *c, uint32_t events, int how);

/* ---- channel_tcp.c ---- */

bool dns_socket_tcp_send(
    struct resolver *net, struct dns_socket *c, const struct wire_question *q);
void dns_socket_tcp_ready(
    struct resolver *net, struct dns_socket *c, uint32_t events);

static inline void
net_count(atomic_uint_least64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

#endif
