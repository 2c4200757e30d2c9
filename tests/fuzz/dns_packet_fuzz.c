/*
 * dns_packet_fuzz.c - reads arbitrary bytes as the reply of a name server: once
 * unchanged, and once after a correct header and question.  If an answer was
 * read, it must survive being recorded and replayed.  No reply may use more
 * memory, or make ldns read more records and strings, than packet.h allows.
 *
 * Input: type, upper and lower byte of the flags, counts of the answer,
 * authority and additional sections (one byte each), then those sections.  The
 * highest bit of the flags adds 512 to the count of the answer section.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "dns/packet.h"
#include "lib/arena.h"
#include "tests/support/ldns_cost.h"
#include "tests/support/rerecord.h"

enum {
	PREFIX = 6,
	INPUT_MAX = DNS_PACKET_MAX,
	RECORDS_MAX = DNS_RECORDS_MAX + DNS_PACKET_CHAIN_MAX,
	/* an SOA record has 7 fields */
	FIELDS_MAX = DNS_PACKET_ANSWER_STRINGS_MAX + 7 * RECORDS_MAX,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum dns_type types[] = { DNS_A, DNS_NS, DNS_CNAME, DNS_SOA,
	DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA };

struct given {
	struct dns_source source; /* must be the first member */
	const struct dns_answer *answer;
};

static void
put_dns_packet(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	(void)name;
	(void)type;
	wait->done(wait, ((struct given *)source)->answer);
}

static void
check_dns_packet(enum dns_packet_reply reply,
    const struct dns_packet_question *q, const struct dns_answer *out)
{
	struct given given = { .source = { .ask = put_dns_packet } };

	if (reply == DNS_PACKET_ERROR)
		assert(out->state == DNS_FAILED);
	if (reply != DNS_PACKET_ANSWER)
		return;
	assert(out->state == DNS_FOUND || out->state == DNS_NODATA ||
	    out->state == DNS_NXDOMAIN);
	assert((out->state == DNS_FOUND) == (out->n_records > 0));
	given.answer = dns_answer_new(out);
	assert(given.answer != NULL);
	rerecord(&given.source, q->name, q->type);
	dns_answer_unref(given.answer);
}

static void
read_packet(
    const uint8_t *packet, size_t n, const struct dns_packet_question *q)
{
	struct arena *a = arena_new(DNS_PACKET_MEMORY_MAX);
	struct dns_answer out;
	struct ldns_cost cost;
	enum dns_packet_reply reply;

	assert(a != NULL);
	ldns_cost_begin();
	reply = dns_packet_read(a, packet, n, q, &out);
	cost = ldns_cost_end();
	assert(!arena_has_failed(a));
	assert(cost.records <= RECORDS_MAX && cost.fields <= FIELDS_MAX);
	check_dns_packet(reply, q, &out);
	for (unsigned long nth = 1; nth <= 3; nth++) {
		arena_rewind(a);
		arena_fail_at(a, nth);
		reply = dns_packet_read(a, packet, n, q, &out);
		if (arena_has_failed(a))
			assert(reply != DNS_PACKET_ANSWER);
	}
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packet[DNS_PACKET_QUESTION_MAX + INPUT_MAX];
	struct dns_packet_question q = { .id = 0x1234,
		.name = SPAN("a.example") };
	size_t n;

	if (size < PREFIX || size > INPUT_MAX)
		return 0;
	q.type = types[data[0] % (sizeof(types) / sizeof(*types))];
	read_packet(data, size, &q);
	n = dns_packet_put_question(packet, &q);
	packet[2] = (uint8_t)(data[1] | 0x80);
	packet[3] = data[2];
	packet[6] = data[1] & 0x80 ? 2 : 0;
	packet[7] = data[3];
	packet[9] = data[4];
	packet[11] = data[5];
	memcpy(packet + n, data + PREFIX, size - PREFIX);
	n += size - PREFIX;
	if (n > DNS_PACKET_MAX)
		n = DNS_PACKET_MAX;
	read_packet(packet, n, &q);
	/* the same bytes, but with opcode QUERY and without TC */
	packet[2] = (uint8_t)(packet[2] & 0x85);
	read_packet(packet, n, &q);
	return 0;
}
