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
#include "dns/net.h"
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
	WIRE_CHAIN_MAX = 16,     /* CNAMEs in one answer; a loop has more */
	WIRE_QUESTION_MAX = 288, /* header, name, type, class, OPT */
	WIRE_PACKET_MAX = 65535,
};

struct wire_question {
	uint16_t id;
	bool edns;        /* with OPT: DNS_NET_PAYLOAD bytes are taken */
	struct span name; /* in normal form */
	enum dns_type type;
};

enum wire_reply {
	WIRE_STRAY,     /* no reply to this question */
	WIRE_ANSWER,    /* `out`: found, nodata, nxdomain */
	WIRE_FAULT,     /* the server can't or won't: out->fault */
	WIRE_TRUNCATED, /* TC: to be asked over TCP */
	WIRE_NO_EDNS,   /* FORMERR, NOTIMP: to be asked without OPT */
	WIRE_GARBLED,   /* a reply to it, and can't be read */
};

/* Returns the length of the question in `packet`. */
size_t wire_put_question(
    uint8_t packet[WIRE_QUESTION_MAX], const struct wire_question *q);

/* The id a reply bears; false: the packet is no reply. */
bool wire_reply_id(const uint8_t *packet, size_t n, uint16_t *id);

/* A reply with RCODE REFUSED. */
bool wire_is_refusal(const uint8_t *packet, size_t n);

/*
 * What a packet says to `q`, its id, name, type and class checked.  CNAMEs are
 * followed inside the answer.  Texts of `out` live in `a`; where that has no
 * room the answer is WIRE_FAULT with DNS_FAULT_RESOURCE.
 */
enum wire_reply wire_read(struct arena *a, const uint8_t *packet, size_t n,
    const struct wire_question *q, struct dns_answer *out);

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
