/*
 * zone_internal.h - the names, records and marks of a zone file: what zone.c
 * answers from and zone_read.c fills in.  Private to these two.
 */
#ifndef AVOUCH_DNS_ZONE_INTERNAL_H
#define AVOUCH_DNS_ZONE_INTERNAL_H

#include "dns/zone.h"
#include "lib/arena.h"

enum { TYPE_ANY = 0 /* in a mark */ };

/* What a comment line says of one question. */
struct mark {
	struct mark *next;
	int type;
	bool failed, nxdomain, nodata, stale;
	enum dns_error fault;
	struct span alias;
};

struct item {
	struct item *next;
	struct dns_record record;
};

/* All records of one name and type. */
struct set {
	struct set *next;
	enum dns_type type;
	uint32_t ttl;
	size_t n;
	struct item *first, **end;
	const struct dns_answer *answer; /* made when the file is read */
};

/* A name that exists: it has records, or a name below it has. */
struct node {
	struct node *chain;
	struct span name;
	bool exists; /* false: known from a mark alone */
	struct set *sets;
	struct mark *marks;
	uint32_t negative; /* seconds, of the SOA here (RFC 2308 section 5) */
	bool has_soa;
};

struct zone {
	struct dns_source source; /* first: given back as this */
	struct arena *arena;
	size_t n_nodes, n_slots;
	struct node **slots;
};

/* The node of `name`, which need not exist in DNS; NULL: no memory. */
struct node *zone_add(struct zone *z, struct span name);

/* `name` and all above it exist (RFC 8020; RFC 4592 section 2.2.2). */
struct node *zone_add_existing(struct zone *z, struct span name);

struct set *zone_find_set(const struct node *n, enum dns_type type);

/* To be called once, when all is read; false: no memory. */
bool zone_make_answers(struct zone *z);

/* zone_read.c: false, with `error` set. */
bool zone_read(struct zone *z, const char *name, struct span text, char *error,
    size_t size);

#endif
