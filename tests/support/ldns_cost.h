/*
 * ldns_cost.h - what ldns is given to read.
 *
 * ldns_wire2rr() allocates for each record and for each field of its data.  In
 * a test it is called through here (the Makefile has the linker's --wrap), so
 * that the cost of a packet is a number of calls and not a time.
 */
#ifndef AVOUCH_TESTS_SUPPORT_LDNS_COST_H
#define AVOUCH_TESTS_SUPPORT_LDNS_COST_H

struct ldns_cost {
	unsigned long records;
	unsigned long fields; /* of their data: a TXT has one for each string */
};

/* Counts from zero from now on.  One thread. */
void ldns_cost_begin(void);

struct ldns_cost ldns_cost_end(void);

#endif
