/*
 * resolver.h - answers from recursive resolvers over UDP and TCP.
 *
 * One thread with an event loop (epoll) around ldns's wire functions:
 * thousands of questions in flight, none of them waited for.  Answers are told
 * from that thread.
 */
#ifndef AVOUCH_DNS_RESOLVER_H
#define AVOUCH_DNS_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/source.h"
#include "lib/buf.h"
#include "lib/ip.h"

enum {
	DNS_SERVERS_MAX = 8,
	DNS_EDNS_PAYLOAD = 1232,    /* EDNS0 buffer size, bytes */
	DNS_NET_INTERFACE_MAX = 16, /* IF_NAMESIZE */

	/*
	 * With more unanswered questions than this we are crowded: prefetched
	 * questions are dropped, a message may have fewer questions
	 * unanswered (dns_source.share), and a question that is not answered
	 * in time fails with DNS_ERROR_RESOURCE.  1,000 messages a second
	 * with ten questions each have 500 of them unanswered if an answer
	 * takes 50 ms; and resolvers work on some thousand at a time.
	 */
	DNS_NET_CROWDED = 2048,

	/* With more than this a question fails at once with
	 * DNS_ERROR_RESOURCE.  That takes thousands of messages at a time, and
	 * bounds memory to 10 MB. */
	DNS_NET_UNANSWERED_MAX = 16384,
};

struct dns_server_address {
	struct ip ip;
	uint16_t port;                         /* host order */
	char interface[DNS_NET_INTERFACE_MAX]; /* of a link-local address: name
	                                          or number; else empty */
};

/* Somebody guesses at answers of `server`; called from the resolver's thread,
 * once for each port that was given up because of it. */
typedef void dns_resolver_forged(const struct dns_server_address *server);

struct dns_resolver_options {
	struct dns_server_address servers[DNS_SERVERS_MAX];
	size_t n_servers;  /* 0: those of /etc/resolv.conf */
	unsigned first_ms; /* until the first repetition, at least 1 */
	unsigned total_ms; /* until DNS_ERROR_TIMEOUT, at least 1; 4000 at most
	                      while no server answers anything */
	dns_resolver_forged *on_forged; /* NULL: nobody is told */
};

struct dns_resolver_counts { /* since the start; any thread may read a copy */
	uint64_t questions, datagrams, repetitions, tcp, answers, timeouts,
	    servfails;
	uint64_t strays;        /* packets that matched no question; of them */
	uint64_t wrong_ids;     /* with an id that was not used on the port */
	uint64_t suspect_ports; /* given up because of wrong ids */
	uint64_t cut_off;     /* questions ended by a limit of their message */
	uint64_t crowded;     /* questions not answered while crowded */
	uint64_t unanswered;  /* now */
	uint64_t turn_max_us; /* the longest time that the resolver's thread
	                         did not look for packets */
};

/* NULL: `error` says why in one line. */
struct dns_source *dns_resolver_open(
    const struct dns_resolver_options *o, char *error, size_t size);

void dns_resolver_counts(
    struct dns_source *net, struct dns_resolver_counts *out);

/*
 * Reads "ADDR", "ADDR@PORT", "fe80::1%eth0" or "fe80::1%eth0@PORT".  Returns
 * NULL, or what is wrong and how to fix it, to follow the text in a sentence:
 * "is not an address; write ...".
 */
const char *dns_server_parse(struct span text, struct dns_server_address *out);

/* The same text, always with the port. */
void dns_server_put(struct buf *b, const struct dns_server_address *server);

bool dns_server_equal(
    const struct dns_server_address *a, const struct dns_server_address *b);

/* The number of its interface; 0: it has none, or this host does not. */
unsigned dns_server_interface_index(const struct dns_server_address *server);

/*
 * The servers of a file in the form of resolv.conf(5); 127.0.0.1 if none.  For
 * each server that cannot be used `complaints`, if not NULL, gets a line
 * without a line end, separated by LF: "FILE:LINE: nameserver TEXT WHY".
 */
void dns_resolver_read_resolv_conf(
    const char *path, struct dns_resolver_options *o, struct buf *complaints);

#endif
