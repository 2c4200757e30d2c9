/*
 * bad_nameserver.h - a name server in a thread that does what name servers and
 * those between should not.
 *
 * What it does is the first label of the name it is asked for; see the table
 * in bad_nameserver.c.  A right answer to TXT is the name itself in upper case.
 */
#ifndef AVOUCH_TESTS_SUPPORT_BAD_NAMESERVER_H
#define AVOUCH_TESTS_SUPPORT_BAD_NAMESERVER_H

#include <stdbool.h>
#include <stdint.h>

struct hostile;

struct hostile_options {
	bool silent;         /* never answers, by UDP or TCP */
	bool no_edns;        /* FORMERR to all with OPT */
	bool no_edns_silent; /* no reply to those with OPT */
	bool servfail;       /* to all */
	bool refused;        /* to all */
	bool no_tcp;         /* does not listen there */
	bool no_udp;         /* nor there: its port is closed */
	bool tcp_once;       /* closes a connection after each answer */
	bool tcp_drop_first; /* closes the first connection without one */
	unsigned loss;       /* of 100 datagrams, both ways together */
	unsigned hold;       /* answers, last first, when so many have come */
	uint16_t port;       /* 0: any */
};

struct hostile_counts {
	unsigned udp, tcp, connections, with_edns;
};

/* On 127.0.0.1; fails the test where it can't. */
struct hostile *hostile_start(const struct hostile_options *o);
uint16_t hostile_port(const struct hostile *h);
struct hostile_counts hostile_counts(struct hostile *h);

/* It has read, and answered or not, all datagrams that were sent to it. */
bool hostile_is_idle(struct hostile *h);

void hostile_stop(struct hostile *h);

#endif
