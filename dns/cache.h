/*
 * cache.h - a source that caches the answers of another source.
 *
 * All messages share it.  Its memory is limited, and the least recently used
 * entries are removed first; the locks are sharded.  Answers are kept for their
 * TTL, negative answers as RFC 2308 says, failures for a few seconds.  A
 * question that several messages ask at the same time is sent once, on behalf
 * of the first.  If it fails because that message has used up its share
 * (DNS_ERROR_BUDGET), it is sent again on behalf of the next.
 */
#ifndef AVOUCH_DNS_CACHE_H
#define AVOUCH_DNS_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "dns/source.h"

enum {                                 /* seconds */
	DNS_CACHE_TTL_MAX = 86400,     /* for all answers: a changed key or
	                                  policy takes effect within a day */
	DNS_CACHE_NEGATIVE_MAX = 3600, /* RFC 2308 section 5: one to three
	                                  hours; a new domain is found within
	                                  an hour */
	DNS_CACHE_FAILURE = 5,         /* RFC 2308 section 7: at most 5 minutes;
	                                  long enough that one message does not
	                                  ask a dead server repeatedly */

	/* Messages that may wait for one answer: it runs the core of each in
	 * the resolver's thread, 20 us for most.  More are answered with
	 * DNS_ERROR_RESOURCE. */
	DNS_CACHE_WAITS_MAX = 1024,
};

struct dns_cache_options {
	size_t bytes;           /* limit of all shards, at least 256 KiB */
	uint32_t stale_seconds; /* an answer past its TTL is used for this long
	                           while the servers fail; 0: never */
	int64_t (*clock)(
	    void); /* milliseconds, monotonic; NULL: the real one */
};

struct dns_cache_counts {
	uint64_t hits, misses, joined, evicted, stale;
	size_t entries, bytes;
};

/*
 * NULL: out of memory.  The cache does not own `below`: close the cache first
 * and then `below`, because the memory of the cache is freed when `below` has
 * answered all questions.  A question that does not fit into the cache is
 * answered with DNS_ERROR_RESOURCE.
 */
struct dns_source *dns_cache_open(
    const struct dns_cache_options *o, struct dns_source *below);

void dns_cache_counts(struct dns_source *cache, struct dns_cache_counts *out);

/* Bytes counted for the keys that were parsed from an answer and are stored
 * with it (answer.h); an upper bound. */
size_t dns_cache_key_bytes(const struct dns_answer *a);

#endif
