#include "dns/packet.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"

struct span
dns_packet_name(struct arena *a, const struct ldns_struct_rdf *dname)
{
	const uint8_t *p = ldns_rdf_data(dname);
	const uint8_t *end = p + ldns_rdf_size(dname);
	char *text = arena_alloc(a, ldns_rdf_size(dname) + 1);
	size_t n = 0;

	if (text == NULL)
		return SPAN_NONE;
	while (end > p && *p != 0 && end - p > *p) {
		const uint8_t *next = p + 1 + *p;

		if (n > 0)
			text[n++] = '.';
		while (++p < next)
			text[n++] = *p == '.' ? '?' : (char)ascii_lower(*p);
	}
	return span_of(text, n);
}

/* RFC 1035 section 3.3.14: one or more strings, each preceded by its length. */
static bool
read_text(struct arena *a, const ldns_rr *rr, struct dns_record *out)
{
	size_t n = ldns_rr_rd_count(rr);
	size_t size = 0;

	if (n == 0 || n > DNS_PACKET_STRINGS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);

		if (ldns_rdf_size(rdf) == 0 ||
		    ldns_rdf_data(rdf)[0] != ldns_rdf_size(rdf) - 1)
			return false;
		size += ldns_rdf_data(rdf)[0];
	}
	if (size > DNS_PACKET_TEXT_MAX)
		return false;
	struct buf b = buf_alloc(a, size + 1);

	for (size_t i = 0; i < n; i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
		const uint8_t *p = ldns_rdf_data(rdf);

		buf_span(&b, span_of((const char *)p + 1, *p));
	}
	out->text = buf_view(&b);
	out->strings = (uint16_t)n;
	return b.p != NULL;
}

static bool
read_address(const ldns_rr *rr, enum ip_family family, size_t size,
    struct dns_record *out)
{
	if (ldns_rr_rd_count(rr) != 1 ||
	    ldns_rdf_size(ldns_rr_rdf(rr, 0)) != size)
		return false;
	out->ip.family = family;
	memcpy(out->ip.bytes, ldns_rdf_data(ldns_rr_rdf(rr, 0)), size);
	return true;
}

static bool
read_name(struct arena *a, const ldns_rr *rr, size_t at, struct dns_record *out)
{
	if (ldns_rr_rd_count(rr) <= at ||
	    ldns_rdf_get_type(ldns_rr_rdf(rr, at)) != LDNS_RDF_TYPE_DNAME)
		return false;
	out->text = dns_packet_name(a, ldns_rr_rdf(rr, at));
	return out->text.p != NULL;
}

/* RFC 6698 section 2.1: usage, selector, matching type, data. */
static bool
read_tlsa(struct arena *a, const ldns_rr *rr, struct dns_record *out)
{
	static const char digits[] = "0123456789abcdef";
	const ldns_rdf *data;
	struct buf b;

	if (ldns_rr_rd_count(rr) != 4)
		return false;
	data = ldns_rr_rdf(rr, 3);
	if (ldns_rdf_size(data) > DNS_PACKET_TEXT_MAX)
		return false;
	b = buf_alloc(a, 3 * 4 + 2 * ldns_rdf_size(data) + 1);
	for (size_t i = 0; i < 3; i++) {
		buf_number(&b, ldns_rdf2native_int8(ldns_rr_rdf(rr, i)));
		buf_byte(&b, ' ');
	}
	for (size_t i = 0; i < ldns_rdf_size(data); i++) {
		buf_byte(&b, digits[ldns_rdf_data(data)[i] >> 4]);
		buf_byte(&b, digits[ldns_rdf_data(data)[i] & 15]);
	}
	out->text = buf_view(&b);
	return b.p != NULL;
}

bool
dns_packet_record(
    struct arena *a, const struct ldns_struct_rr *rr, struct dns_record *out)
{
	*out = (struct dns_record){ 0 };
	switch ((enum dns_type)ldns_rr_get_type(rr)) {
	case DNS_A:
		return read_address(rr, IP_V4, 4, out);
	case DNS_AAAA:
		return read_address(rr, IP_V6, 16, out);
	case DNS_MX:
		if (ldns_rr_rd_count(rr) != 2 ||
		    ldns_rdf_size(ldns_rr_rdf(rr, 0)) != 2)
			return false;
		out->preference = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
		return read_name(a, rr, 1, out);
	case DNS_TXT:
		return read_text(a, rr, out);
	case DNS_TLSA:
		return read_tlsa(a, rr, out);
	case DNS_NS:
	case DNS_CNAME:
	case DNS_SOA:
	case DNS_PTR:
		return read_name(a, rr, 0, out);
	}
	return false;
}

/* ---- packets ---- */

enum { /* RFC 1035 section 4.1.1, RFC 6840 section 5.7 */
	HEADER_SIZE = 12,
	BITS_QR = 0x8000,
	BITS_OPCODE = 0x7800,
	BITS_AA = 0x0400,
	BITS_TC = 0x0200,
	BITS_RD = 0x0100,
	BITS_RA = 0x0080,
	BITS_AD = 0x0020,
	BITS_RCODE = 0x000f,
	CLASS_IN = 1,
	TYPE_OPT = 41,
	LABEL_MAX = 63,
	POINTER = 0xc0,       /* RFC 1035 section 4.1.4: the two upper bits */
	RECORD_FIXED = 10,    /* type, class, TTL and length of a record */
	SOA_NUMBERS = 20,     /* bytes of an SOA after its two names */
	TLSA_MIN = 4,         /* bytes of a TLSA record with one byte of data */
	TTL_MAX = 0x7fffffff, /* RFC 2181 section 8: a larger TTL counts
	                         as zero */
	/* Records read from one answer; a reply with more is
	 * DNS_PACKET_GARBLED. */
	SEEN_MAX = DNS_RECORDS_MAX + DNS_PACKET_CHAIN_MAX,
};

struct header {
	uint16_t id, bits, questions, answers, authorities, additionals;
};

/* The offsets of a record's parts in the packet, and its fixed fields. */
struct packet_slot {
	size_t owner, data, end;
	uint16_t type, class;
	uint32_t ttl;
};

/* A record that was read from the answer section. */
struct packet_seen {
	struct span owner;
	enum dns_type type;
	uint32_t ttl;
	struct dns_record record;
};

/* Parser state for one packet. */
struct packet_reader {
	struct arena *arena;
	const uint8_t *packet;
	size_t n;
	size_t at;
	struct header header;
	struct packet_seen *seen;
	size_t n_seen;
	size_t strings; /* strings of TXT records passed to ldns so far */
};

static uint16_t
get_16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
get_32(const uint8_t *p)
{
	return (uint32_t)get_16(p) << 16 | get_16(p + 2);
}

static void
put_16(uint8_t **p, unsigned value)
{
	*(*p)++ = (uint8_t)(value >> 8);
	*(*p)++ = (uint8_t)value;
}

static void
put_name(uint8_t **p, struct span name)
{
	while (name.n > 0) {
		size_t label = span_index(name, '.');

		*(*p)++ = (uint8_t)label;
		memcpy(*p, name.p, label);
		*p += label;
		name = span_skip(name, label + 1);
	}
	*(*p)++ = 0;
}

size_t
dns_packet_put_question(uint8_t packet[DNS_PACKET_QUESTION_MAX],
    const struct dns_packet_question *q)
{
	uint8_t *p = packet;

	put_16(&p, q->id);
	put_16(&p, BITS_RD | BITS_AD); /* RFC 6840 section 5.7 */
	put_16(&p, 1);
	put_16(&p, 0);
	put_16(&p, 0);
	put_16(&p, q->edns ? 1 : 0);
	put_name(&p, span_first(q->name, DOMAIN_MAX));
	put_16(&p, (unsigned)q->type);
	put_16(&p, CLASS_IN);
	if (q->edns) { /* RFC 6891 section 6.1.2; version 0, DO not set */
		*p++ = 0;
		put_16(&p, TYPE_OPT);
		put_16(&p, DNS_EDNS_PAYLOAD);
		put_16(&p, 0);
		put_16(&p, 0);
		put_16(&p, 0);
	}
	return (size_t)(p - packet);
}

bool
dns_packet_reply_id(const uint8_t *packet, size_t n, uint16_t *id)
{
	if (n < HEADER_SIZE ||
	    (get_16(packet + 2) & (BITS_QR | BITS_OPCODE)) != BITS_QR)
		return false;
	*id = get_16(packet);
	return true;
}

bool
dns_packet_is_refusal(const uint8_t *packet, size_t n)
{
	uint16_t id;

	return dns_packet_reply_id(packet, n, &id) &&
	    (get_16(packet + 2) & BITS_RCODE) == LDNS_RCODE_REFUSED;
}

/* Whether the question section matches the one that we sent, ignoring case. */
static bool
has_question(struct packet_reader *r, const struct dns_packet_question *q)
{
	struct span name = q->name;
	const uint8_t *p = r->packet + HEADER_SIZE;

	if (r->n - HEADER_SIZE < name.n + 2 + 4)
		return false;
	while (name.n > 0) {
		size_t label = span_index(name, '.');

		if (*p++ != label)
			return false;
		for (size_t i = 0; i < label; i++)
			if (ascii_lower(*p++) != (unsigned char)name.p[i])
				return false;
		name = span_skip(name, label + 1);
	}
	if (*p++ != 0 || get_16(p) != (uint16_t)q->type ||
	    get_16(p + 2) != CLASS_IN)
		return false;
	r->at = (size_t)(p + 4 - r->packet);
	return true;
}

/* ---- checks of records, before ldns reads them ---- */

/*
 * Moves `*at` past the labels of a name, up to its final zero or pointer, which
 * must be before `end`.  Sets `*size` to the size of the labels.
 */
static bool
skip_labels(const struct packet_reader *r, size_t *at, size_t end, size_t *size)
{
	size_t begin = *at;

	while (*at < end && r->packet[*at] > 0 && r->packet[*at] <= LABEL_MAX)
		*at += 1U + r->packet[*at];
	*size = *at - begin;
	return *at < end && (r->packet[*at] == 0 || r->packet[*at] >= POINTER);
}

/* Moves `*at` past a name in the packet without following pointers. */
static bool
skip_name(const struct packet_reader *r, size_t *at, size_t end)
{
	size_t size;

	if (!skip_labels(r, at, end, &size))
		return false;
	*at += r->packet[*at] == 0 ? 1 : 2;
	return *at <= end;
}

/*
 * Checks that a name is cheap to read (RFC 1035 sections 2.3.4, 4.1.4): it has
 * at most 255 bytes and DNS_PACKET_POINTERS_MAX pointers, and each pointer
 * refers to a position before the labels that precede it.  Moves `*at` past the
 * name.
 */
static bool
check_name(const struct packet_reader *r, size_t *at, size_t end)
{
	size_t from = *at;
	size_t length = 0, size;

	if (!skip_name(r, at, end))
		return false;
	for (int pointers = 0; pointers <= DNS_PACKET_POINTERS_MAX;
	     pointers++) {
		size_t i = from;

		if (!skip_labels(r, &i, end, &size))
			return false;
		length += size;
		if (length + 1 > LDNS_MAX_DOMAINLEN)
			return false;
		if (r->packet[i] == 0)
			return true;
		if (end - i < 2)
			return false;
		size_t to = get_16(r->packet + i) & 0x3fff;

		if (to < HEADER_SIZE || to >= from)
			return false;
		end = from; /* earlier labels must not overlap later ones */
		from = to;
	}
	return false;
}

/* Finds the parts of the next record without checking its data. */
static bool
next_slot(struct packet_reader *r, struct packet_slot *slot)
{
	const uint8_t *p;

	slot->owner = r->at;
	if (!skip_name(r, &r->at, r->n) || r->n - r->at < RECORD_FIXED)
		return false;
	p = r->packet + r->at;
	slot->type = get_16(p);
	slot->class = get_16(p + 2);
	slot->ttl = get_32(p + 4);
	slot->data = r->at + RECORD_FIXED;
	if (r->n - slot->data < get_16(p + 8))
		return false;
	slot->end = slot->data + get_16(p + 8);
	r->at = slot->end;
	return true;
}

static uint32_t
ttl_of(const struct packet_slot *slot)
{
	return slot->ttl <= TTL_MAX ? slot->ttl : 0;
}

/* Returns the number of strings (RFC 1035 section 3.3.14), or 0 if the data are
 * not valid for a TXT record. */
static size_t
count_strings(const struct packet_reader *r, const struct packet_slot *slot)
{
	size_t at = slot->data;
	size_t n = 0;

	for (; at < slot->end; n++)
		at += 1U + r->packet[at];
	return at == slot->end ? n : 0;
}

/* The layout of each type's data (RFC 1035 section 3.3, RFC 3596). */
static const struct packet_shape {
	enum dns_type type;
	uint8_t before, names, after; /* bytes before the names, number of
	                                 names, bytes after them */
} shapes[] = {
	{ DNS_A, 4, 0, 0 },
	{ DNS_AAAA, 16, 0, 0 },
	{ DNS_MX, 2, 1, 0 },
	{ DNS_NS, 0, 1, 0 },
	{ DNS_CNAME, 0, 1, 0 },
	{ DNS_PTR, 0, 1, 0 },
	{ DNS_SOA, 0, 2, SOA_NUMBERS },
};

/* Checks the owner and the data of a record whose type we support. */
static bool
check_slot(const struct packet_reader *r, const struct packet_slot *slot)
{
	size_t owner = slot->owner;
	size_t at = slot->data;

	if (!check_name(r, &owner, r->n))
		return false;
	if (slot->type == DNS_TXT)
		return count_strings(r, slot) > 0;
	if (slot->type == DNS_TLSA)
		return slot->end - slot->data >= TLSA_MIN;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct packet_shape *shape = &shapes[i];

		if (slot->type != (uint16_t)shape->type)
			continue;
		at += shape->before;
		for (unsigned n = 0; n < shape->names; n++)
			if (at >= slot->end || !check_name(r, &at, slot->end))
				return false;
		return at + shape->after == slot->end;
	}
	return false;
}

/* ---- reading records ---- */

static struct span
read_owner(const struct packet_reader *r, const struct packet_slot *slot)
{
	ldns_rdf *dname = NULL;
	size_t at = slot->owner;
	struct span owner = SPAN_NONE;

	if (ldns_wire2dname(&dname, r->packet, r->n, &at) == LDNS_STATUS_OK)
		owner = dns_packet_name(r->arena, dname);
	ldns_rdf_deep_free(dname);
	return owner;
}

/*
 * Reads a TXT record that would be expensive for ldns, which allocates memory
 * for each string.  Joins the strings from the packet, and truncates the result
 * if it is too long.
 */
static bool
read_large_text(const struct packet_reader *r, const struct packet_slot *slot,
    size_t n_strings, struct dns_record *out)
{
	size_t size = slot->end - slot->data - n_strings;
	struct buf b = buf_alloc(r->arena,
	    (size < DNS_PACKET_TEXT_MAX ? size : DNS_PACKET_TEXT_MAX) + 1);

	for (size_t at = slot->data; at < slot->end; at += 1U + r->packet[at])
		buf_span(&b,
		    span_of((const char *)r->packet + at + 1, r->packet[at]));
	*out = (struct dns_record){ .text = buf_view(&b),
		.strings = n_strings < DNS_PACKET_STRINGS_MAX
		    ? (uint16_t)n_strings
		    : DNS_PACKET_STRINGS_MAX };
	return b.p != NULL;
}

/* Reads the data of a record that check_slot() accepts. */
static bool
read_data(struct packet_reader *r, const struct packet_slot *slot,
    struct dns_record *out)
{
	ldns_rr *rr = NULL;
	size_t at = slot->owner;
	bool ok;

	if (slot->type == DNS_TXT) {
		size_t n = count_strings(r, slot);

		if (n > DNS_PACKET_STRINGS_MAX ||
		    n > DNS_PACKET_ANSWER_STRINGS_MAX - r->strings ||
		    slot->end - slot->data - n > DNS_PACKET_TEXT_MAX)
			return read_large_text(r, slot, n, out);
		r->strings += n;
	}
	ok = ldns_wire2rr(&rr, r->packet, r->n, &at, LDNS_SECTION_ANSWER) ==
		LDNS_STATUS_OK &&
	    dns_packet_record(r->arena, rr, out);
	ldns_rr_free(rr);
	return ok;
}

/* Reads the CNAMEs and the records of the question's type from the answer
 * section. */
static bool
collect_answers(struct packet_reader *r, enum dns_type type)
{
	size_t most =
	    r->header.answers < SEEN_MAX ? r->header.answers : SEEN_MAX;
	struct packet_slot slot;

	r->seen = arena_array(r->arena, most + 1, sizeof(*r->seen));
	if (r->seen == NULL)
		return false;
	for (uint16_t i = 0; i < r->header.answers; i++) {
		struct packet_seen *one = &r->seen[r->n_seen];

		if (!next_slot(r, &slot))
			return false;
		if (slot.class != CLASS_IN ||
		    (slot.type != (uint16_t)type && slot.type != DNS_CNAME))
			continue;
		if (r->n_seen == most || !check_slot(r, &slot) ||
		    !read_data(r, &slot, &one->record))
			return false;
		one->owner = read_owner(r, &slot);
		one->type = (enum dns_type)slot.type;
		one->ttl = ttl_of(&slot);
		if (one->owner.p == NULL)
			return false;
		r->n_seen++;
	}
	return true;
}

/*
 * RFC 1034 section 3.6.2: follows the CNAMEs of `*name`, whatever their order,
 * and sets `*name` to the last target and `*ttl` to the lowest TTL.  Returns
 * false if they loop or there are more than DNS_PACKET_CHAIN_MAX.
 */
static bool
follow_aliases(const struct packet_reader *r, struct span *name, uint32_t *ttl)
{
	for (int hops = 0; hops <= DNS_PACKET_CHAIN_MAX; hops++) {
		const struct packet_seen *one = r->seen;
		const struct packet_seen *end = r->seen + r->n_seen;

		while (one < end &&
		    (one->type != DNS_CNAME || !span_equal(one->owner, *name)))
			one++;
		if (one == end)
			return true;
		*name = one->record.text;
		if (one->ttl < *ttl)
			*ttl = one->ttl;
	}
	return false;
}

/* Groups equal records together, in the order of the packet. */
static int
compare_records(const void *left, const void *right)
{
	const struct dns_record *a = *(const struct dns_record *const *)left;
	const struct dns_record *b = *(const struct dns_record *const *)right;
	int order;

	if (a->text.n != b->text.n)
		return a->text.n < b->text.n ? -1 : 1;
	order = a->text.n > 0 ? memcmp(a->text.p, b->text.p, a->text.n) : 0;
	if (order == 0)
		order = memcmp(a->ip.bytes, b->ip.bytes, sizeof(a->ip.bytes));
	if (order == 0)
		order = (int)a->preference - (int)b->preference;
	if (order == 0)
		order = (int)a->strings - (int)b->strings;
	if (order == 0)
		order = a < b ? -1 : a > b;
	return order;
}

/*
 * RFC 2181 section 5: an RRset does not contain a record twice.  Drops later
 * copies of a record from `records`.  Sorts pointers to the records, because
 * comparing all pairs would take 130,000 comparisons.  Returns false if memory
 * ran out.
 */
static bool
drop_copies(struct arena *a, struct dns_record *records, size_t *n)
{
	const struct dns_record **sorted =
	    arena_array(a, *n + 1, sizeof(*sorted));
	bool *is_copy = arena_array(a, *n + 1, sizeof(*is_copy));
	size_t kept = 0;

	if (sorted == NULL || is_copy == NULL)
		return false;
	for (size_t i = 0; i < *n; i++)
		sorted[i] = &records[i];
	qsort(sorted, *n, sizeof(*sorted), compare_records);
	for (size_t i = 1; i < *n; i++)
		is_copy[sorted[i] - records] =
		    dns_record_equal(sorted[i - 1], sorted[i]);
	for (size_t i = 0; i < *n; i++)
		if (!is_copy[i])
			records[kept++] = records[i];
	*n = kept;
	return true;
}

/* Sets the records of `out` to those of `name` and the question's type, without
 * duplicates.  Returns false if memory ran out. */
static bool
keep_records(struct packet_reader *r, struct span name, enum dns_type type,
    struct dns_answer *out)
{
	struct dns_record *records =
	    arena_array(r->arena, r->n_seen + 1, sizeof(*records));

	if (records == NULL)
		return false;
	for (size_t i = 0; i < r->n_seen; i++) {
		const struct packet_seen *one = &r->seen[i];

		if (one->type != type || !span_equal(one->owner, name))
			continue;
		records[out->n_records++] = one->record;
		if (one->ttl < out->ttl)
			out->ttl = one->ttl;
	}
	out->records = records;
	return drop_copies(r->arena, records, &out->n_records);
}

/*
 * Reads the other sections of a negative answer: how long it may be cached (RFC
 * 2308 section 5), whether it is a referral, which is not an answer (section
 * 2.2.1), and the upper bits of the RCODE (RFC 6891 section 6.1.3).
 */
static bool
read_negative(struct packet_reader *r, struct dns_answer *out, bool *refers)
{
	uint32_t sections = r->header.authorities + r->header.additionals;
	struct packet_slot slot;
	bool has_soa = false;

	for (uint32_t i = 0; i < sections; i++) {
		bool authority = i < r->header.authorities;

		if (!next_slot(r, &slot))
			return false;
		if (slot.type == DNS_SOA && authority && !has_soa) {
			uint32_t minimum;

			if (!check_slot(r, &slot))
				return false;
			has_soa = true;
			minimum = get_32(r->packet + slot.end - 4);
			out->ttl =
			    minimum < ttl_of(&slot) ? minimum : ttl_of(&slot);
		}
		if (slot.type == DNS_NS && authority)
			*refers = true;
		if (slot.type == TYPE_OPT && slot.ttl >> 24 != 0) {
			out->state = DNS_FAILED;
			out->fault = DNS_ERROR_RCODE;
		}
	}
	*refers =
	    *refers && !has_soa && (r->header.bits & (BITS_RA | BITS_AA)) == 0;
	return true;
}

static enum dns_packet_reply
fault(struct dns_answer *out, enum dns_error why)
{
	*out = (struct dns_answer){ .state = DNS_FAILED, .fault = why };
	return DNS_PACKET_ERROR;
}

/* Handles a negative answer: the name or the type does not exist. */
static enum dns_packet_reply
classify_negative(struct packet_reader *r, const struct dns_packet_question *q,
    struct dns_answer *out)
{
	uint32_t alias_ttl = out->ttl;
	bool refers = false;

	out->n_records = 0;
	out->ttl = 0;
	out->state =
	    (r->header.bits & BITS_RCODE) == 0 ? DNS_NODATA : DNS_NXDOMAIN;
	if (!read_negative(r, out, &refers))
		return DNS_PACKET_GARBLED;
	/* the answer belongs to the last CNAME's target, and is ours only while
	 * all CNAMEs are valid */
	if (alias_ttl < out->ttl)
		out->ttl = alias_ttl;
	if (refers)
		return fault(out, DNS_ERROR_REFUSED);
	if (out->state != DNS_FAILED)
		return DNS_PACKET_ANSWER;
	/* This is an extended RCODE, such as BADVERS, which a query with EDNS
	 * version 0 should not get.  Without EDNS there are no extended RCODEs.
	 */
	return q->edns ? DNS_PACKET_NO_EDNS : DNS_PACKET_ERROR;
}

static enum dns_packet_reply
read_sections(struct packet_reader *r, const struct dns_packet_question *q,
    struct dns_answer *out)
{
	struct span name = q->name;

	out->ttl = TTL_MAX;
	if (!collect_answers(r, q->type))
		return DNS_PACKET_GARBLED;
	if (q->type != DNS_CNAME && !follow_aliases(r, &name, &out->ttl))
		return fault(out, DNS_ERROR_GARBLED);
	if (!keep_records(r, name, q->type, out))
		return DNS_PACKET_GARBLED;
	/* RFC 2181 section 10.1: one canonical name */
	if (out->n_records > DNS_RECORDS_MAX ||
	    (q->type == DNS_CNAME && out->n_records > 1))
		return fault(out, DNS_ERROR_GARBLED);
	if (name.p != q->name.p)
		out->alias = name;
	if (out->n_records == 0 || (r->header.bits & BITS_RCODE) != 0)
		return classify_negative(r, q, out);
	out->state = DNS_FOUND;
	return DNS_PACKET_ANSWER;
}

enum dns_packet_reply
dns_packet_read(struct arena *a, const uint8_t *packet, size_t n,
    const struct dns_packet_question *q, struct dns_answer *out)
{
	struct packet_reader r = { .arena = a, .packet = packet, .n = n };
	enum dns_packet_reply reply;

	*out = (struct dns_answer){ .size = (uint32_t)n };
	if (!dns_packet_reply_id(packet, n, &r.header.id) ||
	    r.header.id != q->id)
		return DNS_PACKET_UNMATCHED;
	r.header.bits = get_16(packet + 2);
	out->is_secure = (r.header.bits & BITS_AD) != 0;
	out->is_authoritative = (r.header.bits & BITS_AA) != 0;
	r.header.questions = get_16(packet + 4);
	r.header.answers = get_16(packet + 6);
	r.header.authorities = get_16(packet + 8);
	r.header.additionals = get_16(packet + 10);
	ldns_pkt_rcode rcode = (ldns_pkt_rcode)(r.header.bits & BITS_RCODE);
	bool no_edns =
	    rcode == LDNS_RCODE_FORMERR || rcode == LDNS_RCODE_NOTIMPL;

	/* RFC 6891 section 7: old servers may send only the header */
	if (!(no_edns && r.header.questions == 0) &&
	    (r.header.questions != 1 || !has_question(&r, q)))
		return DNS_PACKET_UNMATCHED;
	if (no_edns)
		return q->edns ? DNS_PACKET_NO_EDNS
			       : fault(out, DNS_ERROR_RCODE);
	if ((r.header.bits & BITS_TC) != 0)
		return DNS_PACKET_TRUNCATED;
	if (rcode == LDNS_RCODE_SERVFAIL)
		return fault(out, DNS_ERROR_SERVFAIL);
	if (rcode == LDNS_RCODE_REFUSED)
		return fault(out, DNS_ERROR_REFUSED);
	if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
		return fault(out, DNS_ERROR_RCODE);
	reply = read_sections(&r, q, out);
	if (reply == DNS_PACKET_GARBLED && arena_has_failed(a))
		return fault(out, DNS_ERROR_RESOURCE);
	return reply;
}
