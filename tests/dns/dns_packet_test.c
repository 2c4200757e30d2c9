/* Tests of dns/packet.h with packets spelled out byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dkim/key.h"
#include "dmarc/record.h"
#include "dns/packet.h"
#include "lib/enum_names.h"
#include "spf/spf.h"
#include "tests/support/ldns_cost.h"

enum { ID = 0x1234, ARENA = 1 << 20 };

/* The sections after the question, which asks for A.eXample and `type`. */
struct packet {
	const char *name;
	enum dns_type type;
	unsigned bits; /* header bits besides QR and RA */
	unsigned answers, authorities, additionals;
	const char *bytes;
	size_t n;
	enum dns_packet_reply reply;
	const char *want; /* "found: text|text -> alias ttl" */
};

#define BYTES(text) (text), sizeof(text) - 1
#define OWN "\xc0\x0c"             /* compressed: the name in the question */
#define B_EXAMPLE "\1b\7example\0" /* a different name */
#define IN_60(type) "\0" type "\0\1\0\0\0\x3c" /* type, IN, TTL 60 */
#define A_RECORD(owner, last) owner IN_60("\x01") "\0\4\xc0\0\2" last
#define CNAME(owner, to) owner IN_60("\x05") to
#define SOA                                                                    \
	"\7example\0" IN_60(                                                   \
	    "\x06") "\0\x16"                                                   \
		    "\0\0"                                                     \
		    "\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\x1e"

enum { NXDOMAIN = 3, YXDOMAIN = 6, NOTIMP = 4, TC = 0x0200, AA = 0x0400 };

static const struct packet packets[] = {
	{ "RFC 1035 section 3.4.1, an address", DNS_A, 0, 1, 0, 0,
	    BYTES(A_RECORD(OWN, "\1")), DNS_PACKET_ANSWER,
	    "found: 192.0.2.1 60" },
	{ "RFC 2181 section 5, a duplicate record is dropped", DNS_A, 0, 3, 0,
	    0,
	    BYTES(A_RECORD(OWN, "\1") A_RECORD(OWN, "\1") A_RECORD(OWN, "\2")),
	    DNS_PACKET_ANSWER, "found: 192.0.2.1|192.0.2.2 60" },
	{ "records that were not asked for are skipped", DNS_A, 0, 3, 0, 0,
	    BYTES(A_RECORD(B_EXAMPLE, "\7")
		    OWN IN_60("\x10") "\0\2\1x" A_RECORD(OWN, "\1")),
	    DNS_PACKET_ANSWER, "found: 192.0.2.1 60" },
	{ "RFC 1034 section 3.6.2, a canonical name", DNS_A, 0, 2, 0, 0,
	    BYTES(CNAME(OWN, "\0\xb" B_EXAMPLE) A_RECORD(B_EXAMPLE, "\1")),
	    DNS_PACKET_ANSWER, "found: 192.0.2.1 -> b.example 60" },
	{ "RFC 2181 section 10.1, two canonical names", DNS_CNAME, 0, 2, 0, 0,
	    BYTES(CNAME(OWN, "\0\xb" B_EXAMPLE)
		    CNAME(OWN, "\0\xb\1c\7example\0")),
	    DNS_PACKET_ERROR, "failed garbled" },
	{ "a loop of canonical names", DNS_A, 0, 2, 0, 0,
	    BYTES(CNAME(OWN, "\0\xb" B_EXAMPLE) CNAME(B_EXAMPLE, "\0\2" OWN)),
	    DNS_PACKET_ERROR, "failed garbled" },
	{ "RFC 1035 section 3.3.14, no string at all", DNS_TXT, 0, 1, 0, 0,
	    BYTES(OWN IN_60("\x10") "\0\0"), DNS_PACKET_GARBLED, NULL },
	{ "a string longer than its record", DNS_TXT, 0, 1, 0, 0,
	    BYTES(OWN IN_60("\x10") "\0\2\5x"), DNS_PACKET_GARBLED, NULL },
	{ "an address of three bytes", DNS_A, 0, 1, 0, 0,
	    BYTES(OWN IN_60("\x01") "\0\3\1\2\3"), DNS_PACKET_GARBLED, NULL },
	{ "RFC 6698 section 2.1, a certificate's association", DNS_TLSA, 0x0020,
	    1, 0, 0, BYTES(OWN IN_60("\x34") "\0\5\3\1\1\xab\x01"),
	    DNS_PACKET_ANSWER, "found: 3 1 1 ab01 60" },
	{ "RFC 6698 section 2.1, an association without data", DNS_TLSA, 0, 1,
	    0, 0, BYTES(OWN IN_60("\x34") "\0\3\3\1\1"), DNS_PACKET_GARBLED,
	    NULL },
	{ "an MX without a name", DNS_MX, 0, 1, 0, 0,
	    BYTES(OWN IN_60("\x0f") "\0\2\0\xa"), DNS_PACKET_GARBLED, NULL },
	{ "a name that points at itself", DNS_CNAME, 0, 1, 0, 0,
	    BYTES(OWN IN_60("\x05") "\0\2\xc0\x27"), DNS_PACKET_GARBLED, NULL },
	{ "one record fewer than the header says", DNS_A, 0, 2, 0, 0,
	    BYTES(A_RECORD(OWN, "\1")), DNS_PACKET_GARBLED, NULL },
	{ "RFC 2308 section 2.2, the name exists", DNS_A, 0, 0, 1, 0,
	    BYTES(SOA), DNS_PACKET_ANSWER, "nodata 30" },
	{ "RFC 2308 section 2.1, the name does not exist", DNS_A, NXDOMAIN, 0,
	    0, 0, BYTES(""), DNS_PACKET_ANSWER, "nxdomain 0" },
	{ "RFC 2308 section 5, cached no longer than the CNAME", DNS_A,
	    NXDOMAIN, 1, 1, 0, BYTES(OWN "\0\5\0\1\0\0\0\7\0\xb" B_EXAMPLE SOA),
	    DNS_PACKET_ANSWER, "nxdomain -> b.example 7" },
	{ "RFC 2308 section 5, cached no longer than the SOA allows", DNS_A, 0,
	    1, 1, 0, BYTES(CNAME(OWN, "\0\xb" B_EXAMPLE) SOA),
	    DNS_PACKET_ANSWER, "nodata -> b.example 30" },
	{ "a truncated authority section", DNS_A, NXDOMAIN, 0, 1, 0,
	    BYTES("\7exam"), DNS_PACKET_GARBLED, NULL },
	{ "RFC 6891 section 6.1.3, BADVERS", DNS_A, 0, 0, 0, 1,
	    BYTES("\0\0\x29\4\xd0\1\0\0\0\0\0"), DNS_PACKET_NO_EDNS, NULL },
	{ "another RCODE", DNS_A, YXDOMAIN, 0, 0, 0, BYTES(""),
	    DNS_PACKET_ERROR, "failed rcode" },
	{ "RFC 6891 section 7, an old server", DNS_A, NOTIMP, 0, 0, 0,
	    BYTES(""), DNS_PACKET_NO_EDNS, NULL },
	{ "RFC 2181 section 9, truncated", DNS_A, TC, 0, 0, 0, BYTES(""),
	    DNS_PACKET_TRUNCATED, NULL },
};

static void
put_16(uint8_t **p, unsigned value)
{
	*(*p)++ = (uint8_t)(value >> 8);
	*(*p)++ = (uint8_t)value;
}

static size_t
put_packet(const struct packet *v, uint8_t *packet)
{
	static const char question[] = "\1A\7eXample";
	uint8_t *p = packet;

	put_16(&p, ID);
	put_16(&p, 0x8080 | v->bits);
	put_16(&p, 1);
	put_16(&p, v->answers);
	put_16(&p, v->authorities);
	put_16(&p, v->additionals);
	memcpy(p, question, sizeof(question));
	p += sizeof(question);
	put_16(&p, (unsigned)v->type);
	put_16(&p, 1);
	memcpy(p, v->bytes, v->n);
	return (size_t)(p - packet) + v->n;
}

static struct dns_packet_question
question_of(enum dns_type type)
{
	return (struct dns_packet_question){
		.id = ID, .edns = true, .name = SPAN("a.example"), .type = type
	};
}

static void
describe(const struct dns_answer *a, char *text, size_t size)
{
	struct buf b = buf_wrap(text, size);

	buf_text(&b, dns_state_name(a->state));
	if (a->state == DNS_FAILED)
		buf_printf(&b, " %s", dns_error_name(a->fault));
	for (size_t i = 0; i < a->n_records; i++) {
		buf_text(&b, i == 0 ? ": " : "|");
		if (a->records[i].ip.family != IP_NONE)
			ip_put(&b, &a->records[i].ip);
		buf_span(&b, a->records[i].text);
	}
	if (a->alias.p != NULL)
		buf_printf(&b, " -> %.*s", SPAN_FMT(a->alias));
	if (a->state != DNS_FAILED)
		buf_printf(&b, " %u", a->ttl);
}

static void
packets_as_they_are_read(void **state)
{
	struct arena *a = arena_new(ARENA);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		const struct packet *v = &packets[i];
		struct dns_packet_question q = question_of(v->type);
		uint8_t packet[512];
		size_t n = put_packet(v, packet);
		struct dns_answer out;
		enum dns_packet_reply reply;
		char text[200] = "";

		arena_rewind(a);
		reply = dns_packet_read(a, packet, n, &q, &out);
		describe(&out, text, sizeof(text));
		if (reply != v->reply)
			fail_msg("%s: %d (%s)", v->name, (int)reply, text);
		if (v->want != NULL && strcmp(text, v->want) != 0)
			fail_msg("%s: got \"%s\"", v->name, text);
	}
	arena_free(a);
}

/* A packet that is truncated anywhere is never read as an answer. */
static void
truncated_packets_are_not_answers(void **state)
{
	struct arena *a = arena_new(ARENA);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		const struct packet *v = &packets[i];
		struct dns_packet_question q = question_of(v->type);
		uint8_t packet[512];
		size_t n = put_packet(v, packet);
		struct dns_answer out;

		for (size_t cut = 0; cut < n && v->n > 0; cut++) {
			arena_rewind(a);
			if (dns_packet_read(a, packet, cut, &q, &out) ==
			    DNS_PACKET_ANSWER)
				fail_msg("%s: at %zu", v->name, cut);
		}
	}
	arena_free(a);
}

static void
read_without_memory(void **state)
{
	struct arena *a = arena_new(ARENA);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		const struct packet *v = &packets[i];
		struct dns_packet_question q = question_of(v->type);
		uint8_t packet[512];
		size_t n = put_packet(v, packet);
		bool failed = true;

		for (unsigned long nth = 1; failed; nth++) {
			struct dns_answer out;
			enum dns_packet_reply reply;

			arena_rewind(a);
			arena_fail_at(a, nth);
			reply = dns_packet_read(a, packet, n, &q, &out);
			failed = arena_has_failed(a);
			if (!failed)
				assert_int_equal(reply, v->reply);
			else if (reply != DNS_PACKET_ERROR ||
			    out.fault != DNS_ERROR_RESOURCE)
				fail_msg(
				    "%s: %lu: %d", v->name, nth, (int)reply);
		}
	}
	arena_free(a);
}

/* RFC 5452 section 9.1: the id and the question of a reply must match those of
 * the query. */
static void
rfc5452_replies_that_do_not_match(void **state)
{
	struct arena *a = arena_new(ARENA);
	struct dns_packet_question q = question_of(DNS_A);
	struct dns_answer out;
	uint8_t packet[512];
	size_t n = put_packet(&packets[0], packet);

	(void)state;
	assert_int_equal(
	    dns_packet_read(a, packet, n, &q, &out), DNS_PACKET_ANSWER);
	q.id++;
	assert_int_equal(
	    dns_packet_read(a, packet, n, &q, &out), DNS_PACKET_UNMATCHED);
	q.id--;
	q.type = DNS_TXT;
	assert_int_equal(
	    dns_packet_read(a, packet, n, &q, &out), DNS_PACKET_UNMATCHED);
	q.type = DNS_A;
	q.name = SPAN("ab.example");
	assert_int_equal(
	    dns_packet_read(a, packet, n, &q, &out), DNS_PACKET_UNMATCHED);
	q.name = SPAN("a.example");
	packet[5] = 0; /* without a question section */
	assert_int_equal(
	    dns_packet_read(a, packet, n, &q, &out), DNS_PACKET_UNMATCHED);
	packet[5] = 1;
	packet[2] &= 0x7f; /* a query, not a reply */
	assert_int_equal(
	    dns_packet_read(a, packet, n, &q, &out), DNS_PACKET_UNMATCHED);
	arena_free(a);
}

/* A TXT record with the longest text that is kept, plus a string that is cut
 * off. */
static void
rfc1035_section_3_3_14_text_is_truncated(void **state)
{
	enum { STRING = 1 + 250, MOST = DNS_PACKET_TEXT_MAX / 250 };
	static uint8_t packet[64 + (MOST + 1) * STRING];
	struct arena *a = arena_new(ARENA);
	struct dns_packet_question q = question_of(DNS_TXT);
	struct packet v = { .type = DNS_TXT, .answers = 1, .bytes = "" };
	struct dns_answer out;

	(void)state;
	for (unsigned strings = MOST; strings <= MOST + 1; strings++) {
		uint8_t *p = packet + put_packet(&v, packet);

		memcpy(p, OWN IN_60("\x10"), 10);
		p += 10;
		put_16(&p, strings * STRING);
		for (unsigned i = 0; i < strings; i++, p += STRING)
			memset(p, 250, STRING);
		arena_rewind(a);
		assert_int_equal(
		    dns_packet_read(a, packet, (size_t)(p - packet), &q, &out),
		    DNS_PACKET_ANSWER);
		assert_int_equal(out.n_records, 1);
		assert_int_equal(out.records[0].text.n, DNS_PACKET_TEXT_MAX);
		assert_int_equal(out.records[0].strings, strings);
	}
	arena_free(a);
}

/* Even when truncated, the value is too long for every method, so the result is
 * that of an overlong record; see packet.h. */
static void
rfc7208_section_2_6_7_truncated_text_is_too_long(void **state)
{
	int most = DNS_PACKET_TEXT_MAX;

	(void)state;
	assert_true(most > SPF_MAX_RECORD);
	assert_true(most > KEY_RECORD_MAX);
	assert_true(most > DMARC_RECORD_MAX);
}

/* ---- the most expensive replies ---- */

/* A reply of up to 64 KB to a question for a.example. */
struct large {
	uint8_t bytes[DNS_PACKET_MAX];
	uint8_t *p;
	unsigned answers;
};

static size_t
room_of(const struct large *l)
{
	return (size_t)(l->bytes + sizeof(l->bytes) - l->p);
}

static void
put_bytes(struct large *l, const char *bytes, size_t n)
{
	assert_true(n <= room_of(l));
	memcpy(l->p, bytes, n);
	l->p += n;
}

static void
put_pointer(struct large *l, size_t to)
{
	put_16(&l->p, 0xc000U | (unsigned)to);
}

/* Writes a name of 255 bytes, the longest possible. */
static void
put_long_name(struct large *l, unsigned number)
{
	char label[64];

	for (int i = 0; i < 4; i++) {
		int n = i < 3 ? 63 : 61;

		snprintf(label, sizeof(label), "%063u", number);
		*l->p++ = (uint8_t)n;
		put_bytes(l, label + 63 - n, (size_t)n);
	}
	*l->p++ = 0;
}

/* Writes the fields of a record between its owner and its data. */
static void
put_fixed(struct large *l, unsigned type, size_t length)
{
	put_16(&l->p, type);
	put_bytes(l, "\0\1\0\0\0\x3c", 6);
	put_16(&l->p, (unsigned)length);
	l->answers++;
}

static void
put_own(struct large *l, unsigned type, size_t length)
{
	put_bytes(l, OWN, 2);
	put_fixed(l, type, length);
}

/* RECORD is the size of a record without data. */
enum { QUESTION_END = 12 + 11 + 4, RECORD = 12 };

static void
put_empty_strings(struct large *l)
{
	enum { STRINGS = 65400 };

	put_own(l, DNS_TXT, STRINGS);
	memset(l->p, 0, STRINGS);
	l->p += STRINGS;
}

static void
put_one_large_text(struct large *l)
{
	size_t length = room_of(l) - RECORD;

	length -= length % 256;
	put_own(l, DNS_TXT, length);
	memset(l->p, 255, length);
	l->p += length;
}

static void
put_many_strings(struct large *l)
{
	while (room_of(l) >= RECORD + DNS_PACKET_STRINGS_MAX) {
		put_own(l, DNS_TXT, DNS_PACKET_STRINGS_MAX);
		memset(l->p, 0, DNS_PACKET_STRINGS_MAX);
		l->p[0] = 1; /* the text: the number of records before this
		                one */
		l->p[1] = (uint8_t)l->answers;
		l->p += DNS_PACKET_STRINGS_MAX;
	}
}

static void
put_other_types(struct large *l)
{
	while (room_of(l) >= RECORD)
		put_own(l, 65399, 0);
}

static void
put_wrong_class(struct large *l)
{
	while (room_of(l) >= RECORD + 4) {
		put_own(l, DNS_A, 4);
		l->p[-7] = 3; /* CH */
		put_bytes(l, "\xc0\0\2\1", 4);
	}
}

/* Writes `n` pointers, each to the one before, in a record of a type that was
 * not asked for. */
static size_t
put_pointers(struct large *l, size_t n)
{
	size_t to = 12;

	put_own(l, 65399, 2 * n);
	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)(l->p - l->bytes);

		put_pointer(l, to);
		to = at;
	}
	return to;
}

static void
put_deep_owners(struct large *l, size_t pointers)
{
	size_t to = put_pointers(l, pointers);

	for (int i = 0; i < DNS_RECORDS_MAX; i++) {
		put_pointer(l, to);
		put_fixed(l, DNS_A, 4);
		put_16(&l->p, 0x0a00);
		put_16(&l->p, (unsigned)i);
	}
}

static void
put_deep(struct large *l)
{
	put_deep_owners(l, 8000);
}

static void
put_deepest(struct large *l)
{
	put_deep_owners(l, DNS_PACKET_POINTERS_MAX - 1);
}

static void
put_one_deeper(struct large *l)
{
	put_deep_owners(l, DNS_PACKET_POINTERS_MAX);
}

static void
put_forward(struct large *l)
{
	put_pointer(l, QUESTION_END + RECORD + 4);
	put_fixed(l, DNS_A, 4);
	put_bytes(l, "\xc0\0\2\1", 4);
	put_bytes(l, "\1a\7example\0", 11);
}

static void
put_copies(struct large *l)
{
	for (int i = 0; i < DNS_RECORDS_MAX; i++) {
		put_own(l, DNS_TXT, 101);
		*l->p++ = 100;
		memset(l->p, 'x', 100);
		l->p += 100;
	}
}

/* Writes records that differ only in their last bytes. */
static void
put_nearly_copies(struct large *l)
{
	for (unsigned i = 0; i < DNS_RECORDS_MAX; i++) {
		put_own(l, DNS_TXT, 101);
		*l->p++ = 100;
		memset(l->p, 'x', 98);
		l->p += 98;
		put_16(&l->p, i);
	}
}

static void
put_many_addresses(struct large *l)
{
	while (room_of(l) >= RECORD + 4) {
		put_own(l, DNS_A, 4);
		put_16(&l->p, l->answers);
		put_16(&l->p, 0);
	}
}

/* Writes a chain of CNAMEs in reverse order, and records for the last name.
 * All names are 255 bytes long. */
static void
put_chain_reversed(struct large *l, unsigned n)
{
	size_t to[DNS_PACKET_CHAIN_MAX + 1];

	put_own(l, 65399, n * 255);
	for (unsigned i = 0; i < n; i++) {
		to[i] = (size_t)(l->p - l->bytes);
		put_long_name(l, i);
	}
	for (unsigned i = 0; i < DNS_RECORDS_MAX; i++) {
		put_pointer(l, to[n - 1]);
		put_fixed(l, DNS_MX, 4);
		put_16(&l->p, i);
		put_pointer(l, to[0]);
	}
	for (unsigned i = n - 1; i > 0; i--) {
		put_pointer(l, to[i - 1]);
		put_fixed(l, DNS_CNAME, 2);
		put_pointer(l, to[i]);
	}
	put_own(l, DNS_CNAME, 2);
	put_pointer(l, to[0]);
}

static void
put_long_chain(struct large *l)
{
	put_chain_reversed(l, DNS_PACKET_CHAIN_MAX);
}

static void
put_longer_chain(struct large *l)
{
	put_chain_reversed(l, DNS_PACKET_CHAIN_MAX + 1);
}

/* The most expensive replies; `records` and `strings` are the maximum numbers
 * that ldns may read. */
static const struct expensive {
	const char *name;
	void (*put)(struct large *l);
	enum dns_type type;
	enum dns_packet_reply reply;
	size_t n_records; /* records in the answer */
	unsigned long records, strings;
} expensive[] = {
	{ .name = "RFC 1035 3.3.14, 65,400 empty strings",
	    .put = put_empty_strings,
	    .type = DNS_TXT,
	    .reply = DNS_PACKET_ANSWER,
	    .n_records = 1 },
	{ .name = "RFC 1035 3.3.14, one text of 64 KB",
	    .put = put_one_large_text,
	    .type = DNS_TXT,
	    .reply = DNS_PACKET_ANSWER,
	    .n_records = 1 },
	{ .name = "RFC 1035 3.3.14, records of 120 strings",
	    .put = put_many_strings,
	    .type = DNS_TXT,
	    .reply = DNS_PACKET_ANSWER,
	    .n_records = 256,
	    .records = DNS_PACKET_ANSWER_STRINGS_MAX / DNS_PACKET_STRINGS_MAX,
	    .strings = DNS_PACKET_ANSWER_STRINGS_MAX },
	{ .name = "RFC 1035 4.1.1, 5,459 records of another type",
	    .put = put_other_types,
	    .type = DNS_TXT,
	    .reply = DNS_PACKET_ANSWER },
	{ .name = "RFC 1035 4.1.1, 4,094 records of another class",
	    .put = put_wrong_class,
	    .type = DNS_A,
	    .reply = DNS_PACKET_ANSWER },
	{ .name = "RFC 1035 4.1.4, pointers 8,000 deep",
	    .put = put_deep,
	    .type = DNS_A,
	    .reply = DNS_PACKET_GARBLED },
	{ .name = "RFC 1035 4.1.4, pointers as deep as allowed",
	    .put = put_deepest,
	    .type = DNS_A,
	    .reply = DNS_PACKET_ANSWER,
	    .n_records = DNS_RECORDS_MAX,
	    .records = DNS_RECORDS_MAX,
	    .strings = DNS_RECORDS_MAX },
	{ .name = "RFC 1035 4.1.4, one pointer deeper",
	    .put = put_one_deeper,
	    .type = DNS_A,
	    .reply = DNS_PACKET_GARBLED },
	{ .name = "RFC 1035 4.1.4, a pointer forward",
	    .put = put_forward,
	    .type = DNS_A,
	    .reply = DNS_PACKET_GARBLED },
	{ .name = "RFC 2181 5, one record 512 times",
	    .put = put_copies,
	    .type = DNS_TXT,
	    .reply = DNS_PACKET_ANSWER,
	    .n_records = 1,
	    .records = DNS_RECORDS_MAX,
	    .strings = DNS_RECORDS_MAX },
	{ .name = "RFC 2181 5, 512 records nearly equal",
	    .put = put_nearly_copies,
	    .type = DNS_TXT,
	    .reply = DNS_PACKET_ANSWER,
	    .n_records = DNS_RECORDS_MAX,
	    .records = DNS_RECORDS_MAX,
	    .strings = DNS_RECORDS_MAX },
	{ .name = "4,094 addresses",
	    .put = put_many_addresses,
	    .type = DNS_A,
	    .reply = DNS_PACKET_GARBLED,
	    .records = DNS_RECORDS_MAX + DNS_PACKET_CHAIN_MAX,
	    .strings = DNS_RECORDS_MAX + DNS_PACKET_CHAIN_MAX },
	{ .name = "RFC 1034 3.6.2, 16 aliases, the last one first",
	    .put = put_long_chain,
	    .type = DNS_MX,
	    .reply = DNS_PACKET_ANSWER,
	    .n_records = DNS_RECORDS_MAX,
	    .records = DNS_RECORDS_MAX + DNS_PACKET_CHAIN_MAX,
	    .strings = 2 * DNS_RECORDS_MAX + DNS_PACKET_CHAIN_MAX },
	{ .name = "RFC 1034 3.6.2, 17 aliases",
	    .put = put_longer_chain,
	    .type = DNS_MX,
	    .reply = DNS_PACKET_GARBLED,
	    .records = DNS_RECORDS_MAX + DNS_PACKET_CHAIN_MAX,
	    .strings = 2 * DNS_RECORDS_MAX + DNS_PACKET_CHAIN_MAX },
};

static size_t
put_expensive(struct large *l, const struct expensive *v)
{
	static const struct packet question = { .bytes = "" };
	struct packet p = question;
	uint8_t *counts = l->bytes + 6;

	p.type = v->type;
	l->answers = 0;
	l->p = l->bytes + put_packet(&p, l->bytes);
	v->put(l);
	put_16(&counts, l->answers);
	return (size_t)(l->p - l->bytes);
}

/*
 * Checks that the most expensive replies use at most DNS_PACKET_MEMORY_MAX
 * bytes of memory.  As a measure of time, checks how much ldns reads, since it
 * allocates memory for each record and string; our own code reads the packet
 * once.
 */
static void
expensive_replies_cost_little(void **state)
{
	static struct large l;
	struct arena *a = arena_new(DNS_PACKET_MEMORY_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expensive); i++) {
		const struct expensive *v = &expensive[i];
		size_t n = put_expensive(&l, v);
		struct dns_packet_question q = question_of(v->type);
		struct dns_answer out;
		struct ldns_cost cost;
		enum dns_packet_reply reply;

		arena_rewind(a);
		ldns_cost_begin();
		reply = dns_packet_read(a, l.bytes, n, &q, &out);
		cost = ldns_cost_end();
		if (reply != v->reply || arena_has_failed(a))
			fail_msg("%s: %d, %zu bytes", v->name, (int)reply,
			    arena_used(a));
		if (reply == DNS_PACKET_ANSWER && out.n_records != v->n_records)
			fail_msg("%s: %zu records", v->name, out.n_records);
		if (cost.records > v->records || cost.fields > v->strings)
			fail_msg("%s: ldns read %lu records, %lu fields",
			    v->name, cost.records, cost.fields);
	}
	arena_free(a);
}

static void
refusals(void **state)
{
	struct packet v = { .type = DNS_A, .bits = 5, .bytes = "" };
	uint8_t packet[512];
	size_t n = put_packet(&v, packet);

	(void)state;
	assert_true(dns_packet_is_refusal(packet, n));
	assert_false(dns_packet_is_refusal(packet, 11));
	v.bits = 2;
	assert_false(dns_packet_is_refusal(packet, put_packet(&v, packet)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_as_they_are_read),
		cmocka_unit_test(truncated_packets_are_not_answers),
		cmocka_unit_test(read_without_memory),
		cmocka_unit_test(rfc5452_replies_that_do_not_match),
		cmocka_unit_test(rfc1035_section_3_3_14_text_is_truncated),
		cmocka_unit_test(
		    rfc7208_section_2_6_7_truncated_text_is_too_long),
		cmocka_unit_test(expensive_replies_cost_little),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
