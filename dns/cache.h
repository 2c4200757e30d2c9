/*
 * cache.h - a source over a source: what is known is not asked again.
 *
 * Shared by all messages; bounded in bytes; sharded locks; least recently used
 * goes first.  TTL-true, negative answers by RFC 2308, failures held for a few
 * seconds; one question asked by many at once goes out once, on behalf of the
 * first.  If it fails because that message has used up its share
 * (DNS_ERROR_BUDGET), it is asked again on behalf of the next.
 */
#ifndef AVOUCH_DNS_CACHE_H
#define AVOUCH_DNS_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "dns/source.h"

enum {                                 /* seconds */
	DNS_CACHE_TTL_MAX = 86400,     /* of any answer: a key or a policy that
	                                  was changed is seen within a day */
	DNS_CACHE_NEGATIVE_MAX = 3600, /* RFC 2308 section 5: one to three
	                                  hours; a domain that was just set up
	                                  is seen within an hour */
	DNS_CACHE_FAILURE = 5,         /* RFC 2308 section 7: at most 5 minutes;
	                                  long enough that one message does not
	                                  ask a dead server again and again */
};

struct dns_cache_options {
	size_t bytes;           /* bound of all shards, at least 256 KiB */
	uint32_t stale_seconds; /* an answer past its TTL is served this long
	                           while the servers fail; 0: never */
	int64_t (*clock)(
	    void); /* milliseconds, monotonic; NULL: the real one */
};

struct dns_cache_counts {
	uint64_t hits, misses, joined, evicted, stale;
	size_t entries, bytes;
};

/*
 * NULL: no memory.  `below` is not owned: close the cache first.  It is freed
 * when `below` has answered what it was asked, so that has to be closed too.
 * A question for which there is no room is answered DNS_ERROR_RESOURCE.
 */
struct dns_source *dns_cache_open(
    const struct dns_cache_options *o, struct dns_source *below);

void dns_cache_counts(struct dns_source *cache, struct dns_cache_counts *out);

/* Forgets everything (after a change of name servers). */
void dns_cache_clear(struct dns_source *cache);

/* What is counted for the keys parsed from an answer and kept beside it
 * (answer.h), at least what they take. */
size_t dns_cache_key_bytes(const struct dns_answer *a);

#endif
