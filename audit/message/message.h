/*
 * message.h - checks a received message against the rules of large receivers
 * (providers.h), and explains their rejections.  Pure.
 */
#ifndef AVOUCH_AUDIT_MESSAGE_MESSAGE_H
#define AVOUCH_AUDIT_MESSAGE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/finding.h"
#include "audit/message/providers.h"
#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "verify/verify.h"

enum audit_answer { AUDIT_UNKNOWN, AUDIT_NO, AUDIT_YES };

/* A hop, as described by a Received field (RFC 5321 section 4.4).  The
 * receiver's servers wrote the topmost fields; those below can be forged. */
struct audit_hop {
	struct ip client;      /* IP_NONE: not found */
	struct span helo;      /* absent: not found */
	enum audit_answer tls; /* RFC 3848 */
	int64_t when;          /* seconds since 1970; 0: not found */
};

/* Reads the value of a Received field.  Spans in `out` point into it. */
void audit_hop_read(struct span value, struct audit_hop *out);

enum audit_mail { /* whether the sender's domain accepts mail */
	AUDIT_MAIL_UNKNOWN,
	AUDIT_MAIL_NO_DOMAIN, /* the domain does not exist */
	AUDIT_MAIL_NO_HOST,   /* it has no MX or address records */
	AUDIT_MAIL_NULL_MX,
	AUDIT_MAIL_ACCEPTED,
};

struct audit_message {
	const struct verdict *verdict;
	enum audit_answer tls;
	enum audit_answer has_name; /* the client has a confirmed name */
	struct span client_name;    /* the confirmed name; absent: none */
	enum audit_mail from_mail, sender_mail; /* From, MAIL FROM */
	int64_t received; /* seconds since 1970; 0: unknown */
	bool has_client;  /* SPF was checked for the client's address */
	bool is_unsure;   /* DNS failed, so SPF, DKIM or DMARC is unknown */
};

/* Whether `value` has the form "<" something "@" something ">" (RFC 5322
 * section 3.6.4). */
bool audit_is_message_id(struct span value);

/* Whether the message is bulk mail, judging by its own header fields. */
bool audit_message_is_bulk(const struct mail_header *h);

/*
 * Adds a finding for each rule that the message breaks.  Rules for bulk senders
 * are only hints for other mail, because one message does not show how much
 * mail the sender sends.
 */
void audit_message(
    const struct audit_message *m, struct arena *a, struct audit_findings *out);

enum { AUDIT_BOUNCE_MAX = 1 << 20 }; /* bytes read from a rejection */

/*
 * Finds the rules behind a rejection: a log line, an SMTP reply, or a bounce.
 * Adds one finding for each known reply.
 */
void audit_bounce(
    struct span text, struct arena *a, struct audit_findings *out);

#endif
