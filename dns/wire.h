/*
 * wire.h - between our answers and ldns: packets and records (RFC 1035).
 *
 * Private to dns/: ldns is seen by wire.c and zone.c alone.
 */
#ifndef AVOUCH_DNS_WIRE_H
#define AVOUCH_DNS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/answer.h"
#include "lib/arena.h"
#include "lib/span.h"

struct ldns_struct_rdf;
struct ldns_struct_rr;

enum {
	/* Bytes of one TXT, its strings joined, and how many strings: more is
	 * no text that mail is authenticated by, and a recording of it would
	 * not fit an entry of a master file. */
	WIRE_TEXT_MAX = 12000,
	WIRE_STRINGS_MAX = 120,
};

/*
 * A name as text: lower case, no final dot, "" for the root.  A dot inside a
 * label becomes "?": the text must not be taken for another name.  Absent: no
 * memory.
 */
struct span wire_name(struct arena *a, const struct ldns_struct_rdf *dname);

/*
 * What answer.h keeps of a record of one of its types.  False: its data are
 * not what the type wants, or no memory (arena_has_failed() tells).
 */
bool wire_record(
    struct arena *a, const struct ldns_struct_rr *rr, struct dns_record *out);

#endif
