/*
 * resolver.h - a source that queries recursive resolvers over UDP and TCP.  One
 * thread with an event loop (epoll) handles thousands of questions in flight
 * and never blocks.  That thread also delivers the answers.
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
	 * With more unanswered questions than this, we are crowded: prefetched
	 * questions are dropped, a message may have fewer unanswered questions
	 * (dns_source.share), questions about a domain that does not answer are
	 * no longer sent, and a question that is not answered in time fails
	 * with DNS_ERROR_RESOURCE.
	 *
	 * If 500 messages a second each ask five questions that are not in the
	 * cache, and an answer takes 50 ms, then 125 questions are unanswered.
	 * If there are more, either someone is making us ask questions that get
	 * no answer, or the resolvers are overloaded: dnsmasq works on 150
	 * questions at a time, and unbound queues 1,000 for one client,
	 * including repetitions.  Both drop any further questions.
	 */
	DNS_NET_CROWDED = 128,

	/* With more unanswered questions than this, a new one fails immediately
	 * with DNS_ERROR_RESOURCE.  Questions of messages that have ended are
	 * dropped at their first repetition (query.c), so only thousands of
	 * concurrent messages, or as many HELO commands in half a second, can
	 * reach this limit, which bounds memory to 16 MB. */
	DNS_NET_UNANSWERED_MAX = 16384,
};

/* Called from the resolver's thread when someone sends forged answers that
 * claim to be from `server`, once for each port closed because of them. */
typedef void dns_resolver_forged(const struct server_address *server);

/* Why a server does not work. */
enum dns_trouble {
	DNS_TROUBLE_NONE,          /* it works again */
	DNS_TROUBLE_TIMEOUT,       /* several questions were not answered */
	DNS_TROUBLE_REFUSED,       /* ECONNREFUSED: no process listens there */
	DNS_TROUBLE_UNREACHABLE,   /* there is no route to it */
	DNS_TROUBLE_RCODE_REFUSED, /* it does not serve this host */
	DNS_TROUBLE_ERRORS,        /* many consecutive answers were errors */
	DNS_TROUBLE_TCP,           /* it works, but not over TCP */
};

enum { DNS_TROUBLES = DNS_TROUBLE_TCP + 1 };

/* For metrics: "timeout", "refused", "unreachable". */
const char *dns_trouble_name(enum dns_trouble trouble);

/* Returns DNS_TROUBLE_NONE for any other name. */
enum dns_trouble dns_trouble_from_name(struct span name);

/* Returns text to print after the name of the server, such as "does not
 * answer". */
const char *dns_trouble_text(enum dns_trouble trouble);

struct dns_resolver_event {
	const struct server_address *server;
	enum dns_trouble trouble;
	uint64_t failures; /* failures since the last event of this kind */
	uint64_t seconds;  /* duration of the trouble */
	unsigned others;   /* number of other servers that are not down */
};

/*
 * Called from the resolver's thread when a server fails or works again, at most
 * once a minute for each server and trouble.
 */
typedef void dns_resolver_notify(const struct dns_resolver_event *event);

struct dns_resolver_options {
	struct server_address servers[DNS_SERVERS_MAX];
	size_t n_servers;  /* 0: use /etc/resolv.conf */
	unsigned first_ms; /* time until the first repetition, at least 1 */
	unsigned total_ms; /* time until DNS_ERROR_TIMEOUT, at least 1; at
	                      most 4000 while no server answers anything */
	dns_resolver_forged *on_forged; /* NULL: not reported */
	dns_resolver_notify *on_event;  /* NULL: not reported */
};

struct dns_resolver_counts { /* counted since startup; any thread may read
	                        a copy */
	uint64_t questions, datagrams, repetitions, tcp, answers, timeouts,
	    servfails;
	uint64_t strays;        /* packets that matched no question */
	uint64_t wrong_ids;     /* strays with an id not in use on the port */
	uint64_t suspect_ports; /* ports closed because of wrong ids */
	uint64_t unreachable;   /* questions that failed because no server
	                           answers anything */
	uint64_t cut_off; /* questions stopped by a limit of the message that
	                     asked them */
	uint64_t crowded; /* questions not answered while crowded */
	/* current number of questions, including those abandoned a few seconds
	 * ago, because resolvers are still working on them */
	uint64_t unanswered;
	/* The longest interval in which the resolver's thread did not check for
	 * packets, and the most CPU time that it used in such an interval. */
	uint64_t turn_max_us, turn_max_cpu_us;
};

/* Returns NULL on failure; `error` then says why in one line. */
struct dns_source *dns_resolver_open(
    const struct dns_resolver_options *o, char *error, size_t size);

void dns_resolver_counts(
    struct dns_source *net, struct dns_resolver_counts *out);

struct dns_server_health { /* arrays are indexed by enum dns_trouble */
	struct server_address address;
	uint64_t failures[DNS_TROUBLES]; /* since startup */
	uint64_t seconds[DNS_TROUBLES];  /* duration; 0: no such trouble now */
};

/* Writes one entry for each server to `out`, an array of DNS_SERVERS_MAX, and
 * returns their number.  Any thread may call this. */
size_t dns_resolver_health(
    struct dns_source *net, struct dns_server_health *out);

/*
 * Reads the servers from a file in the format of resolv.conf(5); if there are
 * none, uses 127.0.0.1.  For each server that cannot be used, adds a line
 * "FILE:LINE: nameserver TEXT WHY" to `complaints` unless that is NULL.  Lines
 * are separated by LF, with none at the end.
 */
void dns_resolver_read_resolv_conf(
    const char *path, struct dns_resolver_options *o, struct buf *complaints);

#endif
