/*
 * bad_nameserver.h - a name server, in its own thread, that misbehaves like bad
 * name servers and middleboxes.
 *
 * The first label of the queried name selects the behavior; see the table in
 * bad_nameserver.c.  A correct TXT answer is the name itself in upper case.
 */
#ifndef AVOUCH_TESTS_SUPPORT_BAD_NAMESERVER_H
#define AVOUCH_TESTS_SUPPORT_BAD_NAMESERVER_H

#include <stdbool.h>
#include <stdint.h>

struct hostile;

struct hostile_options {
	bool silent;         /* never answers, over UDP or TCP */
	bool no_edns;        /* answers FORMERR to all queries with OPT */
	bool no_edns_silent; /* does not reply to queries with OPT */
	bool servfail;       /* answers SERVFAIL to all queries */
	bool refused;        /* answers REFUSED to all queries */
	bool no_tcp;         /* does not listen on TCP */
	bool no_udp;         /* its UDP port is closed */
	bool tcp_once;       /* closes a connection after each answer */
	bool tcp_drop_first; /* closes the first connection without an answer */
	unsigned loss; /* percentage of datagrams lost, counting both directions
	                  together */
	unsigned hold; /* number of questions to collect once before answering
	                  them, last first; 0: do not collect */
};

struct hostile_counts {
	unsigned udp, tcp, connections, with_edns;
};

/* Starts the server on 127.0.0.1.  Fails the test if that is impossible. */
struct hostile *hostile_start(const struct hostile_options *o);
uint16_t hostile_port(const struct hostile *h);
struct hostile_counts hostile_counts(struct hostile *h);

/* Whether the server has processed all datagrams that were sent to it. */
bool hostile_is_idle(struct hostile *h);

/* Closes both ports, so that the kernel rejects questions, but keeps their
 * number, so that no other program can get it; and opens them again. */
void hostile_pause(struct hostile *h);
void hostile_resume(struct hostile *h);

void hostile_stop(struct hostile *h);

#endif
