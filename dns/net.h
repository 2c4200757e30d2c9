/*
 * net.h - answers from recursive resolvers over UDP and TCP.
 *
 * One thread with an event loop (epoll) around ldns's wire functions:
 * thousands of questions in flight, none of them waited for.  Answers are told
 * from that thread.
 */
#ifndef AVOUCH_DNS_NET_H
#define AVOUCH_DNS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/source.h"
#include "lib/ip.h"

enum {
	DNS_NET_SERVERS_MAX = 8,
	DNS_NET_IN_FLIGHT_MAX = 16384, /* over it: DNS_FAULT_RESOURCE */
	DNS_NET_PAYLOAD = 1232,        /* EDNS0 buffer size, bytes */
};

struct dns_net_server {
	struct ip ip;
	uint16_t port; /* host order */
};

struct dns_net_options {
	struct dns_net_server servers[DNS_NET_SERVERS_MAX];
	size_t n_servers;  /* 0: those of /etc/resolv.conf */
	unsigned first_ms; /* until the first repetition, 0: 500 */
	unsigned total_ms; /* until DNS_FAULT_TIMEOUT, 0: 12000; 4000 at most
	                      while no server answers anything */
};

struct dns_net_counts { /* since the start; any thread may read a copy */
	uint64_t questions, datagrams, repetitions, tcp, answers, timeouts,
	    servfails, strays; /* strays: datagrams that matched no question */
};

/* NULL: `error` says why in one line. */
struct dns_source *dns_net_open(
    const struct dns_net_options *o, char *error, size_t size);

void dns_net_counts(struct dns_source *net, struct dns_net_counts *out);

/* "ADDR", "ADDR@PORT"; false: not an address, or port 0. */
bool dns_net_server_parse(struct span text, struct dns_net_server *out);

/* The servers of a file in the form of resolv.conf(5); 127.0.0.1 if none. */
void dns_net_resolv_conf(const char *path, struct dns_net_options *o);

#endif
