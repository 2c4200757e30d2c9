#include "tests/support/bad_nameserver_packet.h"

#include <stdlib.h>
#include <string.h>

void
nameserver_put(struct bad_nameserver_reply *r, const void *p, size_t n)
{
	if (n > NAMESERVER_PACKET_MAX - r->n)
		abort();
	memcpy(r->bytes + r->n, p, n);
	r->n += n;
}

void
nameserver_put_16(struct bad_nameserver_reply *r, unsigned v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	nameserver_put(r, b, 2);
}

void
nameserver_put_name(struct bad_nameserver_reply *r, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, ".");
		uint8_t length = (uint8_t)n;

		nameserver_put(r, &length, 1);
		nameserver_put(r, name, n);
		name += n + (name[n] == '.');
	}
	nameserver_put(r, "", 1);
}

void
nameserver_put_record(struct bad_nameserver_reply *r, const char *owner,
    unsigned type, unsigned ttl, const void *data, size_t n)
{
	if (owner != NULL)
		nameserver_put_name(r, owner);
	else
		nameserver_put_16(r, 0xc00c);
	nameserver_put_16(r, type);
	nameserver_put_16(r, 1);
	nameserver_put_16(r, ttl >> 16);
	nameserver_put_16(r, ttl & 0xffff);
	nameserver_put_16(r, (unsigned)n);
	nameserver_put(r, data, n);
}

void
nameserver_put_alias(struct bad_nameserver_reply *r, const char *owner,
    unsigned ttl, const char *target)
{
	struct bad_nameserver_reply data = { .n = 0 };

	nameserver_put_name(&data, target);
	nameserver_put_record(r, owner, 5, ttl, data.bytes, data.n);
}

void
nameserver_put_soa(
    struct bad_nameserver_reply *r, unsigned ttl, unsigned minimum)
{
	struct bad_nameserver_reply data = { .n = 0 };

	nameserver_put_name(&data, "ns.example");
	nameserver_put_name(&data, "hostmaster.example");
	for (int i = 0; i < 4; i++) {
		nameserver_put_16(&data, 0);
		nameserver_put_16(&data, 1);
	}
	nameserver_put_16(&data, 0);
	nameserver_put_16(&data, minimum);
	nameserver_put_record(r, "example", 6, ttl, data.bytes, data.n);
}

void
nameserver_put_text(struct bad_nameserver_reply *r, const char *owner,
    unsigned ttl, const char *text)
{
	struct bad_nameserver_reply data = { .n = 0 };
	uint8_t n = (uint8_t)strlen(text);

	nameserver_put(&data, &n, 1);
	nameserver_put(&data, text, n);
	nameserver_put_record(r, owner, 16, ttl, data.bytes, data.n);
}

void
nameserver_set_16(struct bad_nameserver_reply *r, size_t at, unsigned v)
{
	r->bytes[at] = (uint8_t)(v >> 8);
	r->bytes[at + 1] = (uint8_t)v;
}

void
nameserver_set_counts(
    struct bad_nameserver_reply *r, unsigned answers, unsigned authorities)
{
	nameserver_set_16(r, 6, answers);
	nameserver_set_16(r, 8, authorities);
}

void
nameserver_set_rcode(struct bad_nameserver_reply *r, unsigned rcode)
{
	r->bytes[3] = (uint8_t)((r->bytes[3] & 0xf0U) | rcode);
}

bool
nameserver_parse(const uint8_t *p, size_t n, struct bad_nameserver_question *q)
{
	size_t at = 12, to = 0;

	memset(q, 0, sizeof(*q));
	if (n < 17)
		return false;
	while (at < n && p[at] != 0 && at + p[at] < n) {
		if (to > 0)
			q->name[to++] = '.';
		memcpy(q->name + to, p + at + 1, p[at]);
		to += p[at];
		at += p[at] + 1U;
	}
	q->end = at + 5;
	if (q->end > n)
		return false;
	q->type = (unsigned)p[at + 1] << 8 | p[at + 2];
	q->edns = p[11] == 1;
	return true;
}
