/*
 * answer.h - one answer of the DNS, immutable and shared.
 *
 * An answer is counted: the cache, every questions that was told it and whoever
 * else holds it share one object, so that what was parsed out of it once (a
 * DKIM key) can be kept beside it and lives as long as it does.
 */
#ifndef AVOUCH_DNS_ANSWER_H
#define AVOUCH_DNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/ip.h"
#include "lib/span.h"

enum dns_type { /* the numbers of the IANA registry */
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
};

enum dns_state {
	DNS_PENDING,  /* asked, not answered */
	DNS_FOUND,    /* at least one record of the type */
	DNS_NODATA,   /* the name exists, the type does not: void */
	DNS_NXDOMAIN, /* the name does not exist (RFC 8020): void */
	DNS_BADNAME,  /* no name that DNS can hold; nothing was asked */
	DNS_FAILED,   /* no answer; `fault` says why: temperror */
};

/*
 * Why a question failed.  The first group is about the name: a server was
 * asked and this is what came of it.  The second group is about us: the
 * question was not asked, or not given the time and the repetitions that it
 * is entitled to.  dns_error_is_ours() separates them; a check that failed for
 * the second reason must be deferred, never treated as the domain's own DNS
 * failure, because anyone who sends us enough mail can bring it about.
 */
enum dns_error {
	DNS_ERROR_NONE,

	DNS_ERROR_TIMEOUT,     /* no server answered in time */
	DNS_ERROR_SERVFAIL,    /* the server could not find out (RCODE 2) */
	DNS_ERROR_REFUSED,     /* RCODE 5 */
	DNS_ERROR_RCODE,       /* any other RCODE */
	DNS_ERROR_GARBLED,     /* the answer is malformed, or its CNAMEs loop */
	DNS_ERROR_UNREACHABLE, /* nobody listens at the servers' addresses, or
	                          there is no route to them */

	DNS_ERROR_BUDGET,   /* a limit of the message: its number of questions,
	                       of repetitions, or its time before it was asked */
	DNS_ERROR_RESOURCE, /* a limit of this host: memory, sockets, too many
	                       unanswered questions of all messages together,
	                       or the source is closed */
};

/* The second group: DNS_ERROR_BUDGET and DNS_ERROR_RESOURCE. */
bool dns_error_is_ours(enum dns_error fault);

struct dns_record {
	struct span text;    /* TXT: the strings joined without a space.  MX,
	                        PTR, NS, CNAME: the name in lower case without
	                        the final dot ("" is the root, a null MX) */
	struct ip ip;        /* A, AAAA */
	uint16_t preference; /* MX */
	uint16_t strings;    /* TXT: how many strings were joined */
};

/* The same data, the texts byte by byte. */
bool dns_record_equal(const struct dns_record *a, const struct dns_record *b);

enum { DNS_RECORDS_MAX = 512 }; /* kept of one answer; more are DNS_FAILED */

struct dns_answer {
	enum dns_state state;
	enum dns_error fault; /* of DNS_FAILED */
	bool stale;           /* past its TTL, served since the servers fail */
	uint32_t ttl;         /* seconds, of the answer as it came */
	uint32_t size;        /* bytes of the message it came in; 0: unknown */
	struct span alias; /* where a CNAME chain ended; absent without one */
	size_t n_records;  /* 0 unless DNS_FOUND */
	const struct dns_record *records;
};

/* "A", "TXT", ... ; "nxdomain", ... ; "timeout", ... */
const char *dns_type_name(enum dns_type type);
const char *dns_state_name(enum dns_state state);
const char *dns_error_name(enum dns_error fault);
bool dns_type_from_name(struct span name, enum dns_type *type);
bool dns_error_from_name(struct span name, enum dns_error *fault);

/*
 * A record for people, printable ASCII: "192.0.2.1", "10 mx.example.com",
 * "\"v=spf1 -all\"" with at most `max` bytes of the text.
 */
void dns_record_put(struct buf *b, enum dns_type type,
    const struct dns_record *record, size_t max);

/*
 * Copies `a` (with its records and texts) into one counted block; NULL: no
 * memory, or more than DNS_RECORDS_MAX records.  The caller holds the one
 * reference.  Every answer is made here or is one of the constants below.
 */
const struct dns_answer *dns_answer_new(const struct dns_answer *a);

/* A failure that needs no memory and lives for ever; hold and drop are no-ops.
 */
const struct dns_answer *dns_answer_failed(enum dns_error fault);
const struct dns_answer *dns_answer_badname(void);
const struct dns_answer *dns_answer_pending(void);

const struct dns_answer *dns_answer_ref(const struct dns_answer *a);

/* Takes NULL. */
void dns_answer_unref(const struct dns_answer *a);

/* Bytes of memory the answer takes, for the cache's accounting. */
size_t dns_answer_memory(const struct dns_answer *a);

/*
 * What was made of the answer, kept beside it: one memo an answer.  Its first
 * member is a `const char *` that tells whose it is, since others may ask the
 * same question for another purpose.
 * dns_answer_keep() stores `memo` unless one is there; returns the one that is
 * kept (the other is given to `drop` at once), or NULL where the answer keeps
 * nothing (a constant): then `memo` stays the caller's.  Any thread.
 */
void *dns_answer_memo(const struct dns_answer *a);
void *dns_answer_keep(
    const struct dns_answer *a, void *memo, void (*drop)(void *memo));

#endif
