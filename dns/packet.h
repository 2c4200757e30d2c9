/*
 * packet.h - writes DNS questions and reads replies (RFC 1035), with ldns.
 *
 * Private to dns/: only packet.c and zone_read.c use ldns.
 *
 * A reply is hostile input of up to 64 KB.  Our own code, not ldns, locates the
 * records: it skips all but CNAMEs and records of the type that was asked for,
 * and ldns reads only records that passed our checks.  Reading a reply takes
 * time proportional to its size, and at most DNS_PACKET_MEMORY_MAX bytes.
 *
 * A TXT record of any size is valid DNS, not a server error.  If one is too
 * large for ldns, our own code joins its strings; only the first
 * DNS_PACKET_TEXT_MAX bytes are kept.  That is more than SPF_MAX_RECORD,
 * KEY_RECORD_MAX and DMARC_RECORD_MAX, so the result is that of an overlong
 * record: permerror for SPF (RFC 7208 section 2.6.7) and a DKIM key (RFC 6376
 * section 6.1.2), a record with errors for DMARC.  A temperror would make the
 * sender retry, although the result would not change.  A large TXT that is not
 * one of these records is ignored, as it should be (RFC 7208 section 4.5, RFC
 * 9989 section 4.7).  Either way only its own domain is affected.
 */
#ifndef AVOUCH_DNS_PACKET_H
#define AVOUCH_DNS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/answer.h"
#include "dns/resolver.h"
#include "lib/arena.h"
#include "lib/span.h"

struct ldns_struct_rdf;
struct ldns_struct_rr;

enum {
	/* Limits for one TXT record: bytes that are kept, and strings that ldns
	 * reads.  They fit in one entry of a master file, so each answer can be
	 * recorded and replayed. */
	DNS_PACKET_TEXT_MAX = 12000,
	DNS_PACKET_STRINGS_MAX = 120,
	/* Maximum number of strings that ldns reads in all TXT records of one
	 * answer; it makes two allocations for each.  This is enough for 64 KB
	 * in strings of 64 bytes. */
	DNS_PACKET_ANSWER_STRINGS_MAX = 1024,
	/* CNAMEs followed in one answer; a loop exceeds this. */
	DNS_PACKET_CHAIN_MAX = 16,
	/* Compression pointers in one name: a name has at most 127 labels (RFC
	 * 1035 section 2.3.4), each followed by at most one pointer. */
	DNS_PACKET_POINTERS_MAX = 127,
	DNS_PACKET_QUESTION_MAX =
	    288, /* bytes: header, name, type, class, OPT */
	DNS_PACKET_MAX = 65535,
	/* Arena bytes that suffice for any reply: 528 records (see SEEN_MAX
	 * in packet.c), each with two names of 255 bytes and 128 bytes of
	 * our own data, plus the strings of one reply. */
	DNS_PACKET_MEMORY_MAX = 512 << 10,
};

struct dns_packet_question {
	uint16_t id;
	bool edns;        /* send OPT: we accept DNS_EDNS_PAYLOAD bytes */
	struct span name; /* in normal form */
	enum dns_type type;
};

enum dns_packet_reply {
	DNS_PACKET_UNMATCHED, /* not a reply to this question */
	DNS_PACKET_ANSWER,    /* state of `out`: found, nodata or nxdomain */
	DNS_PACKET_ERROR,     /* no answer; out->fault says why */
	DNS_PACKET_TRUNCATED, /* TC is set: retry over TCP */
	DNS_PACKET_NO_EDNS,   /* FORMERR, NOTIMP, BADVERS: retry without OPT */
	DNS_PACKET_GARBLED,   /* a malformed reply to this question */
};

/* Writes a question to `packet`; returns its length. */
size_t dns_packet_put_question(uint8_t packet[DNS_PACKET_QUESTION_MAX],
    const struct dns_packet_question *q);

/* Sets `*id` to the id of a reply.  Returns false if the packet is not a reply.
 */
bool dns_packet_reply_id(const uint8_t *packet, size_t n, uint16_t *id);

/* Whether the packet is a reply with RCODE REFUSED. */
bool dns_packet_is_refusal(const uint8_t *packet, size_t n);

/*
 * Reads the reply to `q`: its id, name, type and class must be those of `q`.
 * CNAMEs inside the answer are followed, whatever their order (RFC 1034 section
 * 3.6.2).  Records and strings of `out` live in `a`; if `a` has no room, which
 * cannot happen with DNS_PACKET_MEMORY_MAX bytes, the result is
 * DNS_PACKET_ERROR with DNS_ERROR_RESOURCE.  More than DNS_RECORDS_MAX records,
 * or more than one canonical name (RFC 2181 section 10.1), yield
 * DNS_PACKET_ERROR with DNS_ERROR_GARBLED.  A TXT record has at
 * most DNS_PACKET_STRINGS_MAX strings.
 */
enum dns_packet_reply dns_packet_read(struct arena *a, const uint8_t *packet,
    size_t n, const struct dns_packet_question *q, struct dns_answer *out);

/*
 * Returns a name as text: lower case, no final dot, "" for the root.  A dot
 * inside a label becomes "?", so that the text is not read as another name.
 * Returns an absent span if memory ran out.
 */
struct span dns_packet_name(
    struct arena *a, const struct ldns_struct_rdf *dname);

/*
 * Reads a record of one of the types in answer.h.  Returns false if its data do
 * not fit its type or are too large, or if memory ran out (arena_has_failed()
 * is true then).
 */
bool dns_packet_record(
    struct arena *a, const struct ldns_struct_rr *rr, struct dns_record *out);

#endif
