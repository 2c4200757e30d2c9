/*
 * ldns_cost.h - counts the records that ldns reads.
 *
 * ldns_wire2rr() allocates for each record and for each field of its data.  In
 * a test, the linker's --wrap option redirects these calls to ldns_cost.c, so
 * that the cost of a packet is measured in calls, not in time.
 */
#ifndef AVOUCH_TESTS_SUPPORT_LDNS_COST_H
#define AVOUCH_TESTS_SUPPORT_LDNS_COST_H

struct ldns_cost {
	unsigned long records;
	unsigned long fields; /* data fields of the records: a TXT record has
	                         one for each string */
};

/* Starts counting from zero.  Only for use by one thread. */
void ldns_cost_begin(void);

struct ldns_cost ldns_cost_end(void);

#endif
