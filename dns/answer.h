/*
 * answer.h - one DNS answer, immutable and shared.
 *
 * An answer is reference-counted: the cache and everyone who asked the question
 * share one object.  Data parsed from an answer (such as a DKIM key) can be
 * stored with it and lives as long as the answer.
 */
#ifndef AVOUCH_DNS_ANSWER_H
#define AVOUCH_DNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/ip.h"
#include "lib/span.h"

enum dns_type { /* numbers from the IANA registry */
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52,
};

enum dns_state {
	DNS_PENDING,  /* not answered yet */
	DNS_FOUND,    /* at least one record of the type */
	DNS_NODATA,   /* the name exists, but has no record of the type (a void
	                 lookup) */
	DNS_NXDOMAIN, /* the name does not exist (RFC 8020; a void lookup) */
	DNS_BADNAME,  /* not a valid DNS name; no query was sent */
	DNS_FAILED,   /* temperror: no answer; `fault` says why */
};

/*
 * Why a question failed.  The first group is about the name: a server was
 * queried and did not return a usable answer.  The second group is about this
 * host: the question was not sent, or was abandoned with time and repetitions
 * left.  dns_error_is_ours() distinguishes them.  A check that failed for a
 * reason in the second group must be deferred, never treated as a DNS failure
 * of the domain, because anyone who sends us enough mail can cause it.
 */
enum dns_error {
	DNS_ERROR_NONE,

	DNS_ERROR_TIMEOUT,  /* no server answered in time */
	DNS_ERROR_SERVFAIL, /* RCODE 2: the server could not resolve the name */
	DNS_ERROR_REFUSED,  /* RCODE 5 */
	DNS_ERROR_RCODE,    /* any other RCODE */
	DNS_ERROR_GARBLED,  /* the answer is malformed, or its CNAMEs loop */

	DNS_ERROR_UNREACHABLE, /* all resolvers are unreachable: closed port, no
	                          route, or no answer to any question */
	DNS_ERROR_BUDGET,      /* the message reached its limit on questions or
	                          repetitions, or its time limit before the question
	                          was sent */
	DNS_ERROR_RESOURCE,    /* a limit of this host: memory, sockets, or too
	                          many unanswered questions for all messages
	                          together; or the source was closed */
};

/* Returns true for the second group: DNS_ERROR_UNREACHABLE, _BUDGET and
 * _RESOURCE. */
bool dns_error_is_ours(enum dns_error fault);

struct dns_record {
	struct span text;    /* TXT: the strings joined without a space.  MX,
	                        PTR, NS, CNAME: the name in lower case
	                        without the final dot ("" is the root, a null
	                        MX).  TLSA: "3 1 1 0123abcd" (RFC 6698
	                        section 2.2), with the data in lower case */
	struct ip ip;        /* A, AAAA */
	uint16_t preference; /* MX */
	uint16_t strings;    /* TXT: number of strings that were joined */
};

/* Whether both records have the same data; `text` is compared byte by byte. */
bool dns_record_equal(const struct dns_record *a, const struct dns_record *b);

/* Maximum number of records; an answer with more becomes DNS_FAILED. */
enum { DNS_RECORDS_MAX = 512 };

struct dns_answer {
	enum dns_state state;
	enum dns_error fault;  /* only with DNS_FAILED */
	bool is_authoritative; /* the AA bit (RFC 1035 section 4.1.1) */
	bool is_secure;        /* the AD bit (RFC 6840 section 5.8): the
	                          resolver validated the answer with DNSSEC */
	uint32_t ttl;          /* seconds, as received */
	uint32_t size;         /* bytes of the DNS message; 0: unknown */
	struct span alias; /* the last name of a CNAME chain; absent if there is
	                      no chain */
	size_t n_records;  /* 0 unless DNS_FOUND */
	const struct dns_record *records;
};

/* Names for output and zone files: "TXT", "nxdomain", "timeout". */
const char *dns_type_name(enum dns_type type);
const char *dns_state_name(enum dns_state state);
const char *dns_error_name(enum dns_error fault);

/* Like dns_error_name(), but returns readable text, such as "resolver
 * unreachable"; callers append "for NAME TYPE". */
const char *dns_error_text(enum dns_error fault);

bool dns_type_from_name(struct span name, enum dns_type *type);
bool dns_error_from_name(struct span name, enum dns_error *fault);

/*
 * Writes a record in printable ASCII for display: "192.0.2.1", "10
 * mx.example.com", or "\"v=spf1 -all\"" with at most `max` bytes of the text.
 */
void dns_record_put(struct buf *b, enum dns_type type,
    const struct dns_record *record, size_t max);

/*
 * Copies `a`, its records and strings into one reference-counted block.  The
 * caller owns the first reference.  Returns NULL if memory ran out or there are
 * more than DNS_RECORDS_MAX records.  Every answer is made here or is one of
 * the constants below.
 */
const struct dns_answer *dns_answer_new(const struct dns_answer *a);

/* Constants that need no memory and are never freed; dns_answer_ref() and
 * dns_answer_unref() have no effect on them. */
const struct dns_answer *dns_answer_failed(enum dns_error fault);
const struct dns_answer *dns_answer_badname(void);
const struct dns_answer *dns_answer_pending(void);

const struct dns_answer *dns_answer_ref(const struct dns_answer *a);

/* Accepts NULL. */
void dns_answer_unref(const struct dns_answer *a);

/* Returns the size of the answer in memory; the cache limits the total. */
size_t dns_answer_memory(const struct dns_answer *a);

/*
 * An answer can store one parsed form of its records.  The first member of that
 * form is a `const char *` that identifies its owner, because other code may
 * ask the same question for another purpose.  dns_answer_set_parsed() stores
 * `parsed` and returns it.  If the answer already has a parsed form, it passes
 * `parsed` to `drop` and returns the stored form.  It returns NULL if nothing
 * can be stored (the answer is a constant, or memory ran out); the caller then
 * still owns `parsed`.  Any thread may call these functions.
 */
void *dns_answer_parsed(const struct dns_answer *a);
void *dns_answer_set_parsed(
    const struct dns_answer *a, void *parsed, void (*drop)(void *parsed));

#endif
