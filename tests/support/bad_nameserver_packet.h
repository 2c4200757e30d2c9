/*
 * bad_nameserver_packet.h - the DNS packets of bad_nameserver.h: questions are
 * parsed, and replies are written field by field, so that any field can be
 * wrong.
 *
 * The functions that write to a reply call abort() if it is full.
 */
#ifndef AVOUCH_TESTS_SUPPORT_BAD_NAMESERVER_PACKET_H
#define AVOUCH_TESTS_SUPPORT_BAD_NAMESERVER_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAMESERVER_PACKET_MAX = 4096 };

struct bad_nameserver_reply {
	uint8_t bytes[NAMESERVER_PACKET_MAX];
	size_t n;
};

struct bad_nameserver_question {
	char name[256];
	unsigned type;
	bool edns;
	size_t end; /* offset of the end of the question section */
};

void nameserver_put(struct bad_nameserver_reply *r, const void *p, size_t n);
void nameserver_put_16(struct bad_nameserver_reply *r, unsigned v);
void nameserver_put_name(struct bad_nameserver_reply *r, const char *name);
/* If `owner` is NULL, here and below, the owner is a compression pointer to the
 * question's name. */
void nameserver_put_record(struct bad_nameserver_reply *r, const char *owner,
    unsigned type, unsigned ttl, const void *data, size_t n);
void nameserver_put_alias(struct bad_nameserver_reply *r, const char *owner,
    unsigned ttl, const char *target);
void nameserver_put_soa(
    struct bad_nameserver_reply *r, unsigned ttl, unsigned minimum);
void nameserver_put_text(struct bad_nameserver_reply *r, const char *owner,
    unsigned ttl, const char *text);
void nameserver_set_16(struct bad_nameserver_reply *r, size_t at, unsigned v);
void nameserver_set_counts(
    struct bad_nameserver_reply *r, unsigned answers, unsigned authorities);
void nameserver_set_rcode(struct bad_nameserver_reply *r, unsigned rcode);

/* Returns false if the bytes are not a question. */
bool nameserver_parse(
    const uint8_t *p, size_t n, struct bad_nameserver_question *q);

#endif
