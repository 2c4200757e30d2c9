#include "dns/wire.h"

#include <ldns/ldns.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"

struct span
wire_name(struct arena *a, const struct ldns_struct_rdf *dname)
{
	const uint8_t *p = ldns_rdf_data(dname);
	const uint8_t *end = p + ldns_rdf_size(dname);
	char *text = arena_alloc(a, ldns_rdf_size(dname) + 1);
	size_t n = 0;

	if (text == NULL)
		return SPAN_NONE;
	while (p<end && * p> 0 && *p < end - p) {
		const uint8_t *next = p + 1 + *p;

		if (n > 0)
			text[n++] = '.';
		while (++p < next)
			text[n++] = *p == '.' ? '?' : (char)ascii_lower(*p);
	}
	return span_of(text, n);
}

/* RFC 1035 section 3.3.14: one or more strings with a length before each. */
static bool
read_text(struct arena *a, const ldns_rr *rr, struct dns_record *out)
{
	size_t n = ldns_rr_rd_count(rr);
	size_t size = 0;

	if (n == 0 || n > WIRE_STRINGS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);

		if (ldns_rdf_size(rdf) == 0 ||
		    ldns_rdf_data(rdf)[0] != ldns_rdf_size(rdf) - 1)
			return false;
		size += ldns_rdf_data(rdf)[0];
	}
	if (size > WIRE_TEXT_MAX)
		return false;
	struct buf b = buf_in(a, size + 1);

	for (size_t i = 0; i < n; i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
		const uint8_t *p = ldns_rdf_data(rdf);

		buf_span(&b, span_of((const char *)p + 1, *p));
	}
	out->text = buf_done(&b);
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
	out->text = wire_name(a, ldns_rr_rdf(rr, at));
	return out->text.p != NULL;
}

bool
wire_record(
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
	BITS_RCODE = 0x000f,
	CLASS_IN = 1,
	TYPE_OPT = 41,
	TTL_MAX = 0x7fffffff, /* RFC 2181 section 8: a larger one is zero */
	/* records read of one section; over it, the reply is not kept */
	SECTION_MAX = DNS_RECORDS_MAX + WIRE_CHAIN_MAX,
};

struct header {
	uint16_t id, bits, questions, answers, authorities, additionals;
};

/* A record of the answer section. */
struct seen {
	struct span owner;
	enum dns_type type;
	uint32_t ttl;
	struct dns_record record;
};

/* A packet while it is read. */
struct reader {
	struct arena *arena;
	const uint8_t *packet;
	size_t n;
	size_t at;
	struct header header;
};

static uint16_t
get_16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
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
wire_put_question(
    uint8_t packet[WIRE_QUESTION_MAX], const struct wire_question *q)
{
	uint8_t *p = packet;

	put_16(&p, q->id);
	put_16(&p, BITS_RD);
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
		put_16(&p, DNS_NET_PAYLOAD);
		put_16(&p, 0);
		put_16(&p, 0);
		put_16(&p, 0);
	}
	return (size_t)(p - packet);
}

bool
wire_reply_id(const uint8_t *packet, size_t n, uint16_t *id)
{
	if (n < HEADER_SIZE ||
	    (get_16(packet + 2) & (BITS_QR | BITS_OPCODE)) != BITS_QR)
		return false;
	*id = get_16(packet);
	return true;
}

bool
wire_is_refusal(const uint8_t *packet, size_t n)
{
	uint16_t id;

	return wire_reply_id(packet, n, &id) &&
	    (get_16(packet + 2) & BITS_RCODE) == LDNS_RCODE_REFUSED;
}

/* The question section is the one we sent, in any case of letters. */
static bool
has_question(struct reader *r, const struct wire_question *q)
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

/* The next record; NULL: it cannot be read. */
static ldns_rr *
next_record(struct reader *r)
{
	ldns_rr *rr = NULL;

	if (r->at >= r->n ||
	    ldns_wire2rr(&rr, r->packet, r->n, &r->at, LDNS_SECTION_ANSWER) !=
		LDNS_STATUS_OK)
		return NULL;
	return rr;
}

static uint32_t
ttl_of(const ldns_rr *rr)
{
	uint32_t ttl = ldns_rr_ttl(rr);

	return ttl <= TTL_MAX ? ttl : 0;
}

/* The records of the question's type, and CNAMEs, in the answer section. */
static bool
read_answers(
    struct reader *r, enum dns_type type, struct seen *seen, size_t *n_seen)
{
	*n_seen = 0;
	for (uint16_t i = 0; i < r->header.answers; i++) {
		ldns_rr *rr = next_record(r);
		struct seen *one = &seen[*n_seen];
		bool ok = rr != NULL;

		if (ok && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
		    (ldns_rr_get_type(rr) == (ldns_rr_type)type ||
			ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME)) {
			ok = *n_seen < SECTION_MAX &&
			    wire_record(r->arena, rr, &one->record);
			one->owner = wire_name(r->arena, ldns_rr_owner(rr));
			one->type = (enum dns_type)ldns_rr_get_type(rr);
			one->ttl = ttl_of(rr);
			ok = ok && one->owner.p != NULL;
			++*n_seen;
		}
		ldns_rr_free(rr);
		if (!ok)
			return false;
	}
	return true;
}

/* RFC 1034 section 3.6.2: from alias to alias; false: they go round. */
static bool
follow(const struct seen *seen, size_t n, struct span *name, uint32_t *ttl)
{
	for (int hops = 0; hops <= WIRE_CHAIN_MAX; hops++) {
		const struct seen *one = seen;

		while (one < seen + n &&
		    (one->type != DNS_CNAME || !span_equal(one->owner, *name)))
			one++;
		if (one == seen + n)
			return true;
		*name = one->record.text;
		if (one->ttl < *ttl)
			*ttl = one->ttl;
	}
	return false;
}

/*
 * What stands in the other sections of an answer "no": RFC 2308 section 5, the
 * time it may be kept, and how to know a referral, which is none (section
 * 2.2.1); RFC 6891 section 6.1.3, the upper bits of the RCODE.
 */
static bool
read_negative(struct reader *r, struct dns_answer *out, bool *refers)
{
	uint32_t sections = r->header.authorities + r->header.additionals;
	bool has_soa = false;

	for (uint32_t i = 0; i < sections; i++) {
		ldns_rr *rr = next_record(r);

		if (rr == NULL)
			return false;
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA && !has_soa &&
		    i < r->header.authorities && ldns_rr_rd_count(rr) == 7) {
			uint32_t minimum =
			    ldns_rdf2native_int32(ldns_rr_rdf(rr, 6));

			has_soa = true;
			out->ttl = minimum < ttl_of(rr) ? minimum : ttl_of(rr);
		}
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_NS &&
		    i < r->header.authorities)
			*refers = true;
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_OPT &&
		    ldns_rr_ttl(rr) >> 24 != 0) {
			out->state = DNS_FAILED;
			out->fault = DNS_FAULT_RCODE;
		}
		ldns_rr_free(rr);
	}
	*refers =
	    *refers && !has_soa && (r->header.bits & (BITS_RA | BITS_AA)) == 0;
	return true;
}

/* RFC 2181 section 5: a set holds no record twice. */
static bool
has_record(
    const struct dns_record *records, size_t n, const struct dns_record *one)
{
	size_t i = 0;

	while (i < n && !dns_record_equal(&records[i], one))
		i++;
	return i < n;
}

static enum wire_reply
fault(struct dns_answer *out, enum dns_fault why)
{
	*out = (struct dns_answer){ .state = DNS_FAILED, .fault = why };
	return WIRE_FAULT;
}

static enum wire_reply
read_found(
    struct reader *r, const struct wire_question *q, struct dns_answer *out)
{
	struct seen *seen = arena_array(r->arena,
	    (size_t)(r->header.answers < SECTION_MAX ? r->header.answers
						     : SECTION_MAX) +
		1,
	    sizeof(*seen));
	struct span name = q->name;
	uint32_t ttl = TTL_MAX;
	bool refers = false;
	size_t n;

	if (seen == NULL || !read_answers(r, q->type, seen, &n))
		return WIRE_GARBLED;
	struct dns_record *records = arena_array(r->arena, n, sizeof(*records));

	if (records == NULL)
		return WIRE_GARBLED;
	if (q->type != DNS_CNAME && !follow(seen, n, &name, &ttl))
		return fault(out, DNS_FAULT_GARBLED);
	for (size_t i = 0; i < n; i++) {
		if (seen[i].type != q->type || !span_equal(seen[i].owner, name))
			continue;
		if (seen[i].ttl < ttl)
			ttl = seen[i].ttl;
		if (has_record(records, out->n_records, &seen[i].record))
			continue;
		/* RFC 2181 section 10.1: one canonical name */
		if (out->n_records == DNS_RECORDS_MAX ||
		    (q->type == DNS_CNAME && out->n_records == 1))
			return fault(out, DNS_FAULT_GARBLED);
		records[out->n_records++] = seen[i].record;
	}
	out->records = records;
	out->ttl = ttl;
	if (name.p != q->name.p)
		out->alias = name;
	if (out->n_records > 0 && (r->header.bits & BITS_RCODE) == 0) {
		out->state = DNS_FOUND;
		return WIRE_ANSWER;
	}
	out->n_records = 0;
	out->ttl = 0;
	out->state =
	    (r->header.bits & BITS_RCODE) == 0 ? DNS_NODATA : DNS_NXDOMAIN;
	if (!read_negative(r, out, &refers))
		return WIRE_GARBLED;
	if (refers) {
		out->state = DNS_FAILED;
		out->fault = DNS_FAULT_REFUSED;
	}
	return out->state == DNS_FAILED ? WIRE_FAULT : WIRE_ANSWER;
}

enum wire_reply
wire_read(struct arena *a, const uint8_t *packet, size_t n,
    const struct wire_question *q, struct dns_answer *out)
{
	struct reader r = { .arena = a, .packet = packet, .n = n };
	enum wire_reply reply;

	*out = (struct dns_answer){ .size = (uint32_t)n };
	if (!wire_reply_id(packet, n, &r.header.id) || r.header.id != q->id)
		return WIRE_STRAY;
	r.header.bits = get_16(packet + 2);
	r.header.questions = get_16(packet + 4);
	r.header.answers = get_16(packet + 6);
	r.header.authorities = get_16(packet + 8);
	r.header.additionals = get_16(packet + 10);
	ldns_pkt_rcode rcode = (ldns_pkt_rcode)(r.header.bits & BITS_RCODE);
	bool no_edns =
	    rcode == LDNS_RCODE_FORMERR || rcode == LDNS_RCODE_NOTIMPL;

	/* RFC 6891 section 7: old servers may send the header alone */
	if (!(no_edns && r.header.questions == 0) &&
	    (r.header.questions != 1 || !has_question(&r, q)))
		return WIRE_STRAY;
	if (no_edns)
		return q->edns ? WIRE_NO_EDNS : fault(out, DNS_FAULT_RCODE);
	if ((r.header.bits & BITS_TC) != 0)
		return WIRE_TRUNCATED;
	if (rcode == LDNS_RCODE_SERVFAIL)
		return fault(out, DNS_FAULT_SERVFAIL);
	if (rcode == LDNS_RCODE_REFUSED)
		return fault(out, DNS_FAULT_REFUSED);
	if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
		return fault(out, DNS_FAULT_RCODE);
	reply = read_found(&r, q, out);
	if (reply == WIRE_GARBLED && arena_has_failed(a))
		return fault(out, DNS_FAULT_RESOURCE);
	return reply;
}
