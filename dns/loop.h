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
	TRIES_MAX = 6,  /* of one question that may still be answered */
	SENDS_MAX = 16, /* of one question in all */
	STEPS_MAX = 6,  /* waits between repetitions that differ in length */
	SLOTS = 16384,  /* of the table of tries by id; a power of two */

	PORTS = 8,           /* UDP sockets of one server in turn */
	PORT_USES = 1024,    /* then it is closed, for a port that is new */
	PORTS_RETIRED = 64,  /* closed only when their questions are answered */
	READS_MAX = 8,       /* system calls for one channel in a turn */
	BATCH = 32,          /* datagrams of one system call */
	DATAGRAM_MAX = 4096, /* more than DNS_NET_PAYLOAD: it came anyway */

	DOWN_AFTER = 3,         /* times without an answer, one after other */
	DARK_MS = 4000,         /* a question's time while all servers are
	                           down: messages must not queue up behind it */
	BACKOFF_MAX_MS = 30000, /* between probes of a server that is down */
	PLAIN_MS = 600000,      /* a server is asked without EDNS this long */
	TCP_IDLE_MS = 5000,     /* RFC 7766 section 6.2.3: kept for reuse */
	TCP_STALL_MS = 5000,    /* nothing comes though something should */
	TCP_OUT_MAX = 1 << 20,  /* bytes waiting to be written */
};

struct net;
struct flight;
struct server;

/* One datagram or TCP message that may still be answered. */
struct
try {
	struct flight *flight; /* NULL: this one is free */
	struct channel *channel;
	struct try *next, **link; /* of the channel */
	struct try *chain;        /* in the table by id */
	uint16_t id;
	bool edns;
	bool missed; /* its time is up, an answer is taken still */
	int64_t sent;
};

/* A list of flights; each is in `all` and in the one of its step. */
struct flights {
	struct flight *first, *last;
};

struct flight_links {
	struct flight *previous, *next;
};

/* One question in flight. */
struct flight {
	struct dns_wait *wait;
	struct span name;
	enum dns_type type;
	struct flight *inbox_next;
	struct flight_links links[2]; /* LINK_ALL, LINK_STEP */
	int64_t deadline;             /* for DNS_FAULT_TIMEOUT */
	int64_t due;                  /* for the next repetition */
	unsigned step;
	unsigned sends;
	uint8_t asked[DNS_NET_SERVERS_MAX]; /* how often each server was */
	unsigned refused;     /* bits: servers that said that they can't */
	enum dns_fault fault; /* what the last of them said */
	bool plain;           /* asked without EDNS from now on */
	bool tcp_again;       /* was repeated over a new connection */
	bool tcp_garbled;     /* asked over TCP since UDP was garbled */
	struct try tries[TRIES_MAX];
};

enum { LINK_ALL, LINK_STEP };

enum channel_kind { CHANNEL_UDP, CHANNEL_TCP };

struct channel {
	enum channel_kind kind;
	struct server *server;
	int fd;
	struct try *tries;
	struct channel *next; /* retired or closed ones */
	bool closed;          /* freed at the end of the turn */
	unsigned uses;        /* questions sent */
	bool retired;         /* takes no more questions */
	bool unreachable;     /* so says its host; not yet reported */
	/* TCP alone: */
	bool connected, answered, wants_out;
	int64_t progress; /* when something last came, or was begun */
	uint8_t *out;
	size_t out_n, out_cap;
	uint8_t *in; /* WIRE_PACKET_MAX + 2 bytes */
	size_t in_n;
};

struct server {
	struct dns_net_server address;
	unsigned number;
	struct channel *ports[PORTS];
	struct channel *current; /* of this turn of the loop */
	struct channel *tcp;
	int64_t heard; /* when it last answered anything */
	unsigned misses;
	bool down;
	/* The last probe: its answer may come when another has answered. */
	const struct channel *probe_channel;
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
	struct channel *channel;
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

struct net {
	struct dns_source source; /* first */
	struct server servers[DNS_NET_SERVERS_MAX];
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
	struct flight *inbox, **inbox_end;
	bool sleeping;
	bool closing;

	int64_t now;                     /* of this turn, milliseconds */
	struct flights all;              /* in the order of their deadlines */
	struct flights steps[STEPS_MAX]; /* in the order of `due` */
	struct try *slots[SLOTS];
	struct channel *retired;
	unsigned n_retired;
	bool unreachable;     /* some channel is */
	struct channel *dead; /* to be freed at the end of the turn */
	struct batch batch;
	struct inbound inbound;
	struct arena *arena;
	uint16_t random[256];
	unsigned random_left;
};

/* ---- flight.c ---- */

void flight_begin(struct net *net, struct flight *f);
void flight_finish(
    struct net *net, struct flight *f, const struct dns_answer *answer);

/* A packet came on `c`. */
void flight_receive(
    struct net *net, struct channel *c, const uint8_t *packet, size_t n);

/* Nothing will come on `c` any more, which gives up its tries one by one. */
void flight_break(struct net *net, struct channel *c);

/* Repeats and gives up what is due; returns when to be called again. */
int64_t flight_run_timers(struct net *net);

/* ---- channel.c ---- */

/*
 * Sends the question of `t->flight` to `server`, with an id that is new; false:
 * no socket, no memory or the like, `t` is not in use.
 */
bool channel_send(struct net *net, struct server *server,
    enum channel_kind kind, struct try *t);

/* Takes `t` off its channel and out of the table. */
void channel_forget(struct net *net, struct try *t);

/* The try on `c` with that id; NULL: none. */
struct try *channel_find(struct net *net, const struct channel *c, uint16_t id);

void channel_flush(struct net *net);  /* sends what is batched */
void channel_report(struct net *net); /* breaks those that are unreachable */
void channel_ready(struct net *net, struct channel *c, uint32_t events);
int64_t channel_run_timers(struct net *net); /* returns when again */
void channel_end_turn(struct net *net);
void channel_close_all(struct net *net);

/* Nothing will come on it: its tries are told, and it is gone. */
void channel_break(struct net *net, struct channel *c);

/* `how` as for epoll_ctl(2). */
bool channel_watch(
    struct net *net, struct channel *c, uint32_t events, int how);

/* ---- channel_tcp.c ---- */

bool channel_tcp_send(
    struct net *net, struct channel *c, const struct wire_question *q);
void channel_tcp_ready(struct net *net, struct channel *c, uint32_t events);

static inline void
net_count(atomic_uint_least64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

#endif
