/*
 * zone_internal.h - the names, records and marks of a zone file.  zone_read.c
 * adds them, and zone.c answers from them.  No other file uses them.
 */
#ifndef AVOUCH_DNS_ZONE_INTERNAL_H
#define AVOUCH_DNS_ZONE_INTERNAL_H

#include "dns/zone.h"
#include "lib/arena.h"

enum { TYPE_ANY = 0 }; /* a mark with this type applies to all types */

/* The contents of the ";!" comment lines for one name and type. */
struct zone_mark {
	struct zone_mark *next;
	int type;
	bool failed, nxdomain, nodata, is_secure;
	enum dns_error fault;
	struct span alias;
};

struct zone_item {
	struct zone_item *next;
	struct dns_record record;
};

/* All records of one name and type. */
struct zone_set {
	struct zone_set *next;
	enum dns_type type;
	uint32_t ttl;
	size_t n;
	struct zone_item *first, **end;
	const struct dns_answer *answer; /* set after the file has been read */
};

/* A name in the file.  It exists if it has records or a name below it exists.
 */
struct zone_node {
	struct zone_node *chain;
	struct span name;
	bool exists; /* false: the name has only marks */
	struct zone_set *sets;
	struct zone_mark *marks;
	uint32_t negative; /* TTL of negative answers in seconds, from the SOA
	                      of this name (RFC 2308 section 5) */
	bool has_soa;
};

struct zone {
	struct dns_source source; /* must be first: it is cast to struct zone */
	struct arena *arena;
	size_t n_nodes, n_slots;
	struct zone_node **slots;
};

/* Returns the node of `name`, and adds it if it is new.  The name need not
 * exist in DNS.  Returns NULL if memory ran out. */
struct zone_node *zone_add(struct zone *z, struct span name);

/* Like zone_add(), but also marks `name` and all names above it as existing
 * (RFC 8020; RFC 4592 section 2.2.2). */
struct zone_node *zone_add_existing(struct zone *z, struct span name);

struct zone_set *zone_find_set(const struct zone_node *n, enum dns_type type);

/* Call this once, after reading the whole file.  Returns false if memory ran
 * out. */
bool zone_make_answers(struct zone *z);

/* Reads `text` into `z` (zone_read.c).  On failure returns false; `error` says
 * why. */
bool zone_read(struct zone *z, const char *name, struct span text, char *error,
    size_t size);

#endif
