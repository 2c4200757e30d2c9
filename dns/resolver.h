/*
 * resolver.h - answers from recursive resolvers over UDP and TCP. One thread
 * with an event loop (epoll) around ldns's wire functions: thousands of
 * questions in flight, none of them blocks. Answers are delivered by that
 * thread.
 */
#ifndef AVOUCH_DNS_RESOLVER_H
#define AVOUCH_DNS_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/source.h"
#include "lib/buf.h"
#include "lib/server_address.h"

enum {
	DNS_SERVERS_MAX = 8,
	DNS_EDNS_PAYLOAD = 1232, /* EDNS0 buffer size, bytes */

	/*
	 * With more unanswered questions than this we are crowded: prefetched
	 * questions are dropped, a message may have fewer questions
	 * unanswered (dns_source.share), a domain that does not answer is
	 * asked no more, and a question that is not answered in time fails
	 * with DNS_ERROR_RESOURCE.
	 *
	 * 500 messages a second with five questions that the cache cannot
	 * answer have 125 of them unanswered if an answer takes 50 ms.  More of
	 * them mean that somebody makes us ask for what is not answered, or
	 * that the resolvers have no time for us: dnsmasq works on 150
	 * questions at a time, and unbound lets 1,000 of one client wait,
	 * repetitions included.  What is more they drop.
	 */
	DNS_NET_CROWDED = 128,

	/* With more than this a question fails at once with
	 * DNS_ERROR_RESOURCE.  That takes thousands of messages at a time, and
	 * bounds memory to 16 MB. */
	DNS_NET_UNANSWERED_MAX = 16384,
};

/* Somebody sends forged answers in the name of `server`. Called from the
 * resolver's thread, once for each port that was abandoned because of it. */
typedef void dns_resolver_forged(const struct server_address *server);

/* Why a server does not work. */
enum dns_trouble {
	DNS_TROUBLE_NONE,          /* it works again */
	DNS_TROUBLE_TIMEOUT,       /* several questions were not answered */
	DNS_TROUBLE_REFUSED,       /* ECONNREFUSED: nobody listens there */
	DNS_TROUBLE_UNREACHABLE,   /* there is no route to it */
	DNS_TROUBLE_RCODE_REFUSED, /* it does not serve this host */
	DNS_TROUBLE_ERRORS,        /* many answers in a row were errors */
	DNS_TROUBLE_TCP,           /* it works, but not over TCP */
};

enum { DNS_TROUBLES = DNS_TROUBLE_TCP + 1 };

/* For metrics: "timeout", "refused", "unreachable". */
const char *dns_trouble_name(enum dns_trouble trouble);

/* DNS_TROUBLE_NONE if it is none of these names. */
enum dns_trouble dns_trouble_from_name(struct span name);

/* To follow the name of the server: "does not answer". */
const char *dns_trouble_text(enum dns_trouble trouble);

struct dns_resolver_event {
	const struct server_address *server;
	enum dns_trouble trouble;
	uint64_t failures; /* noticed since the last event of that kind */
	uint64_t seconds;  /* that it has lasted */
	unsigned others;   /* servers that are not down */
};

/*
 * A server does not work, or works again.  Called from the resolver's thread,
 * for each server and reason at most once a minute.
 */
typedef void dns_resolver_notify(const struct dns_resolver_event *event);

struct dns_resolver_options {
	struct server_address servers[DNS_SERVERS_MAX];
	size_t n_servers;  /* 0: those of /etc/resolv.conf */
	unsigned first_ms; /* until the first repetition, at least 1 */
	unsigned total_ms; /* until DNS_ERROR_TIMEOUT, at least 1; 4000 at most
	                      while no server answers anything */
	dns_resolver_forged *on_forged; /* NULL: not reported */
	dns_resolver_notify *on_event;  /* NULL: not reported */
};

struct dns_resolver_counts { /* since the start; any thread may read a copy */
	uint64_t questions, datagrams, repetitions, tcp, answers, timeouts,
	    servfails;
	uint64_t strays;        /* packets that matched no question; of them */
	uint64_t wrong_ids;     /* with an id that was not used on the port */
	uint64_t suspect_ports; /* given up because of wrong ids */
	uint64_t unreachable;   /* failed because no server answers anything */
	uint64_t cut_off;    /* questions ended by a limit of their message */
	uint64_t crowded;    /* questions not answered while crowded */
	uint64_t unanswered; /* now, with those that were given up a few
	                        seconds ago: resolvers still work on them */
	/* The longest time for which the resolver's thread did not look for
	 * packets, and the most processor time it took meanwhile. */
	uint64_t turn_max_us, turn_max_cpu_us;
};

/* NULL: `error` says why in one line. */
struct dns_source *dns_resolver_open(
    const struct dns_resolver_options *o, char *error, size_t size);

void dns_resolver_counts(
    struct dns_source *net, struct dns_resolver_counts *out);

struct dns_server_health { /* both by enum dns_trouble */
	struct server_address address;
	uint64_t failures[DNS_TROUBLES]; /* since the start */
	uint64_t seconds[DNS_TROUBLES];  /* that it has lasted; 0: it is fine */
};

/* Writes one for each server to `out`, which has DNS_SERVERS_MAX, and returns
 * their number.  Any thread. */
size_t dns_resolver_health(
    struct dns_source *net, struct dns_server_health *out);

/*
 * The servers of a file in the form of resolv.conf(5); 127.0.0.1 if none.  For
 * each server that cannot be used `complaints`, if not NULL, gets a line
 * without a line end, separated by LF: "FILE:LINE: nameserver TEXT WHY".
 */
void dns_resolver_read_resolv_conf(
    const char *path, struct dns_resolver_options *o, struct buf *complaints);

#endif
