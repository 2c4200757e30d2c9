/*
 * dns_wire_fuzz.c - any bytes as a reply of a name server: as they are, and
 * behind a header and a question that are right.  What is read as an answer
 * must survive being recorded and replayed.
 *
 * Input: type (one byte), upper and lower flags, counts of the answer, the
 * authority and the additional section (one byte each), then those sections.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "dns/wire.h"
#include "lib/arena.h"
#include "tests/support/rerecord.h"

enum { PREFIX = 6, HEADER = 12, ARENA = 4 << 20, INPUT_MAX = 16384 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum dns_type types[] = { DNS_A, DNS_NS, DNS_CNAME, DNS_SOA,
	DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA };

struct given {
	struct dns_source source; /* first */
	const struct dns_answer *answer;
};

static void
give(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	(void)name;
	(void)type;
	wait->done(wait, ((struct given *)source)->answer);
}

static void
check(enum wire_reply reply, const struct wire_question *q,
    const struct dns_answer *out)
{
	struct given given = { .source = { give, NULL } };

	if (reply == WIRE_FAULT)
		assert(out->state == DNS_FAILED);
	if (reply != WIRE_ANSWER)
		return;
	assert(out->state == DNS_FOUND || out->state == DNS_NODATA ||
	    out->state == DNS_NXDOMAIN);
	assert((out->state == DNS_FOUND) == (out->n_records > 0));
	given.answer = dns_answer_new(out);
	assert(given.answer != NULL);
	rerecord(&given.source, q->name, q->type);
	dns_answer_drop(given.answer);
}

static void
read_packet(const uint8_t *packet, size_t n, const struct wire_question *q)
{
	struct arena *a = arena_new(ARENA);
	struct dns_answer out;

	assert(a != NULL);
	check(wire_read(a, packet, n, q, &out), q, &out);
	for (unsigned long nth = 1; nth <= 3; nth++) {
		arena_rewind(a);
		arena_fail_at(a, nth);
		enum wire_reply reply = wire_read(a, packet, n, q, &out);

		if (arena_has_failed(a))
			assert(reply != WIRE_ANSWER);
	}
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packet[WIRE_QUESTION_MAX + INPUT_MAX];
	struct wire_question q = { .id = 0x1234, .name = SPAN("a.example") };
	size_t n;

	if (size < PREFIX || size > INPUT_MAX)
		return 0;
	q.type = types[data[0] % (sizeof(types) / sizeof(*types))];
	read_packet(data, size, &q);
	n = wire_put_question(packet, &q);
	packet[2] = (uint8_t)(data[1] | 0x80);
	packet[3] = data[2];
	packet[7] = data[3];
	packet[9] = data[4];
	packet[11] = data[5];
	memcpy(packet + n, data + PREFIX, size - PREFIX);
	read_packet(packet, n + size - PREFIX, &q);
	/* the same where the packet ends at the end of its memory */
	packet[2] = (uint8_t)(packet[2] & 0x87);
	read_packet(packet, n + size - PREFIX, &q);
	return 0;
}
