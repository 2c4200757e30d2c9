/* dns/wire.h: packets byte by byte */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dns/wire.h"
#include "lib/table.h"

enum { ID = 0x1234, ARENA = 1 << 20 };

/* The sections behind the question, which is for A.eXample, of type `type`. */
struct packet {
	const char *name;
	enum dns_type type;
	unsigned bits; /* QR and RA are set anyhow */
	unsigned answers, authorities, additionals;
	const char *bytes;
	size_t n;
	enum wire_reply reply;
	const char *want; /* "found: text|text -> alias ttl" */
};

#define BYTES(text) (text), sizeof(text) - 1
#define OWN "\xc0\x0c"                         /* the name of the question */
#define B_EXAMPLE "\1b\7example\0"             /* another */
#define IN_60(type) "\0" type "\0\1\0\0\0\x3c" /* type, IN, TTL 60 */
#define A_RECORD(owner, last) owner IN_60("\x01") "\0\4\xc0\0\2" last
#define CNAME(owner, to) owner IN_60("\x05") to
#define SOA                                                                    \
	"\7example\0" IN_60(                                                   \
	    "\x06") "\0\x18"                                                   \
		    "\0\0"                                                     \
		    "\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\x1e"               \
		    "\0\0"

enum { NXDOMAIN = 3, YXDOMAIN = 6, NOTIMP = 4, TC = 0x0200, AA = 0x0400 };

static const struct packet packets[] = {
	{ "RFC 1035 section 3.4.1, an address", DNS_A, 0, 1, 0, 0,
	    BYTES(A_RECORD(OWN, "\1")), WIRE_ANSWER, "found: 192.0.2.1 60" },
	{ "RFC 2181 section 5, a record twice is one", DNS_A, 0, 3, 0, 0,
	    BYTES(A_RECORD(OWN, "\1") A_RECORD(OWN, "\1") A_RECORD(OWN, "\2")),
	    WIRE_ANSWER, "found: 192.0.2.1|192.0.2.2 60" },
	{ "what was not asked for is passed over", DNS_A, 0, 3, 0, 0,
	    BYTES(A_RECORD(B_EXAMPLE, "\7")
		    OWN IN_60("\x10") "\0\2\1x" A_RECORD(OWN, "\1")),
	    WIRE_ANSWER, "found: 192.0.2.1 60" },
	{ "RFC 1034 section 3.6.2, a canonical name", DNS_A, 0, 2, 0, 0,
	    BYTES(CNAME(OWN, "\0\xb" B_EXAMPLE) A_RECORD(B_EXAMPLE, "\1")),
	    WIRE_ANSWER, "found: 192.0.2.1 -> b.example 60" },
	{ "RFC 2181 section 10.1, two canonical names", DNS_CNAME, 0, 2, 0, 0,
	    BYTES(CNAME(OWN, "\0\xb" B_EXAMPLE)
		    CNAME(OWN, "\0\xb\1c\7example\0")),
	    WIRE_FAULT, "failed garbled" },
	{ "a loop of canonical names", DNS_A, 0, 2, 0, 0,
	    BYTES(CNAME(OWN, "\0\xb" B_EXAMPLE) CNAME(B_EXAMPLE, "\0\2" OWN)),
	    WIRE_FAULT, "failed garbled" },
	{ "RFC 1035 section 3.3.14, no string at all", DNS_TXT, 0, 1, 0, 0,
	    BYTES(OWN IN_60("\x10") "\0\0"), WIRE_GARBLED, NULL },
	{ "a string longer than its record", DNS_TXT, 0, 1, 0, 0,
	    BYTES(OWN IN_60("\x10") "\0\2\5x"), WIRE_GARBLED, NULL },
	{ "an address of three bytes", DNS_A, 0, 1, 0, 0,
	    BYTES(OWN IN_60("\x01") "\0\3\1\2\3"), WIRE_GARBLED, NULL },
	{ "an MX without a name", DNS_MX, 0, 1, 0, 0,
	    BYTES(OWN IN_60("\x0f") "\0\2\0\xa"), WIRE_GARBLED, NULL },
	{ "a name that points at itself", DNS_CNAME, 0, 1, 0, 0,
	    BYTES(OWN IN_60("\x05") "\0\2\xc0\x27"), WIRE_GARBLED, NULL },
	{ "one record less than is counted", DNS_A, 0, 2, 0, 0,
	    BYTES(A_RECORD(OWN, "\1")), WIRE_GARBLED, NULL },
	{ "RFC 2308 section 2.2, the name exists", DNS_A, 0, 0, 1, 0,
	    BYTES(SOA), WIRE_ANSWER, "nodata 30" },
	{ "RFC 2308 section 2.1, it does not", DNS_A, NXDOMAIN, 0, 0, 0,
	    BYTES(""), WIRE_ANSWER, "nxdomain 0" },
	{ "an authority section that is cut", DNS_A, NXDOMAIN, 0, 1, 0,
	    BYTES("\7exam"), WIRE_GARBLED, NULL },
	{ "RFC 6891 section 6.1.3, BADVERS", DNS_A, 0, 0, 0, 1,
	    BYTES("\0\0\x29\4\xd0\1\0\0\0\0\0"), WIRE_FAULT, "failed rcode" },
	{ "another RCODE", DNS_A, YXDOMAIN, 0, 0, 0, BYTES(""), WIRE_FAULT,
	    "failed rcode" },
	{ "RFC 6891 section 7, an old server", DNS_A, NOTIMP, 0, 0, 0,
	    BYTES(""), WIRE_NO_EDNS, NULL },
	{ "RFC 2181 section 9, truncated", DNS_A, TC, 0, 0, 0, BYTES(""),
	    WIRE_TRUNCATED, NULL },
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

static struct wire_question
question_of(enum dns_type type)
{
	return (struct wire_question){
		.id = ID, .edns = true, .name = SPAN("a.example"), .type = type
	};
}

static void
describe(const struct dns_answer *a, char *text, size_t size)
{
	struct buf b = buf_over(text, size);

	buf_text(&b, dns_state_name(a->state));
	if (a->state == DNS_FAILED)
		buf_printf(&b, " %s", dns_fault_name(a->fault));
	for (size_t i = 0; i < a->n_records; i++) {
		buf_text(&b, i == 0 ? ": " : "|");
		ip_put(&b, &a->records[i].ip);
		buf_span(&b, a->records[i].text);
	}
	if (a->alias.p != NULL)
		buf_printf(&b, " -> %.*s", SPAN_FMT(a->alias));
	if (a->state != DNS_FAILED)
		buf_printf(&b, " %u", a->ttl);
}

static void
read_as_they_are(void **state)
{
	struct arena *a = arena_new(ARENA);

	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(packets); i++) {
		const struct packet *v = &packets[i];
		struct wire_question q = question_of(v->type);
		uint8_t packet[512];
		size_t n = put_packet(v, packet);
		struct dns_answer out;
		enum wire_reply reply;
		char text[200] = "";

		arena_rewind(a);
		reply = wire_read(a, packet, n, &q, &out);
		describe(&out, text, sizeof(text));
		if (reply != v->reply)
			fail_msg("%s: %d (%s)", v->name, (int)reply, text);
		if (v->want != NULL && strcmp(text, v->want) != 0)
			fail_msg("%s: got \"%s\"", v->name, text);
	}
	arena_free(a);
}

/* Cut anywhere, with memory that fails anywhere: never another answer. */
static void
read_when_they_are_cut(void **state)
{
	struct arena *a = arena_new(ARENA);

	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(packets); i++) {
		const struct packet *v = &packets[i];
		struct wire_question q = question_of(v->type);
		uint8_t packet[512];
		size_t n = put_packet(v, packet);
		struct dns_answer out;

		for (size_t cut = 0; cut < n && v->n > 0; cut++) {
			arena_rewind(a);
			if (wire_read(a, packet, cut, &q, &out) == WIRE_ANSWER)
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
	for (size_t i = 0; i < TABLE_SIZE(packets); i++) {
		const struct packet *v = &packets[i];
		struct wire_question q = question_of(v->type);
		uint8_t packet[512];
		size_t n = put_packet(v, packet);
		bool failed = true;

		for (unsigned long nth = 1; failed; nth++) {
			struct dns_answer out;
			enum wire_reply reply;

			arena_rewind(a);
			arena_fail_at(a, nth);
			reply = wire_read(a, packet, n, &q, &out);
			failed = arena_has_failed(a);
			if (!failed)
				assert_int_equal(reply, v->reply);
			else if (reply != WIRE_FAULT ||
			    out.fault != DNS_FAULT_RESOURCE)
				fail_msg(
				    "%s: %lu: %d", v->name, nth, (int)reply);
		}
	}
	arena_free(a);
}

/* RFC 5452 section 9.1: what must match for a reply to be one. */
static void
rfc5452_no_reply_to_it(void **state)
{
	struct arena *a = arena_new(ARENA);
	struct wire_question q = question_of(DNS_A);
	struct dns_answer out;
	uint8_t packet[512];
	size_t n = put_packet(&packets[0], packet);

	(void)state;
	assert_int_equal(wire_read(a, packet, n, &q, &out), WIRE_ANSWER);
	q.id++;
	assert_int_equal(wire_read(a, packet, n, &q, &out), WIRE_STRAY);
	q.id--;
	q.type = DNS_TXT;
	assert_int_equal(wire_read(a, packet, n, &q, &out), WIRE_STRAY);
	q.type = DNS_A;
	q.name = SPAN("ab.example");
	assert_int_equal(wire_read(a, packet, n, &q, &out), WIRE_STRAY);
	q.name = SPAN("a.example");
	packet[5] = 0; /* no question */
	assert_int_equal(wire_read(a, packet, n, &q, &out), WIRE_STRAY);
	packet[5] = 1;
	packet[2] &= 0x7f; /* a question itself */
	assert_int_equal(wire_read(a, packet, n, &q, &out), WIRE_STRAY);
	arena_free(a);
}

/* More than is kept of one TXT, and just as much as is. */
static void
texts_that_are_too_long(void **state)
{
	enum { STRING = 1 + 250, MOST = WIRE_TEXT_MAX / 250 };
	static uint8_t packet[64 + (MOST + 1) * STRING];
	struct arena *a = arena_new(ARENA);
	struct wire_question q = question_of(DNS_TXT);
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
		    wire_read(a, packet, (size_t)(p - packet), &q, &out),
		    strings == MOST ? WIRE_ANSWER : WIRE_GARBLED);
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
	assert_true(wire_is_refusal(packet, n));
	assert_false(wire_is_refusal(packet, 11));
	v.bits = 2;
	assert_false(wire_is_refusal(packet, put_packet(&v, packet)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_as_they_are),
		cmocka_unit_test(read_when_they_are_cut),
		cmocka_unit_test(read_without_memory),
		cmocka_unit_test(rfc5452_no_reply_to_it),
		cmocka_unit_test(texts_that_are_too_long),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
