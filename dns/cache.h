/*
 * cache.h - a source that caches the answers of another source.
 *
 * All messages share it, so it is divided into shards, each with its own lock.
 * Its memory is limited; the least recently used entries are removed first.
 * Answers are cached for their TTL, negative answers as in RFC 2308, and
 * failures for a few seconds.
 * A question that several messages ask at the same time is sent once, on behalf
 * of the first.  If it fails because that message has used up its share
 * (DNS_ERROR_BUDGET), it is sent again on behalf of the next.
 */
#ifndef AVOUCH_DNS_CACHE_H
#define AVOUCH_DNS_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "dns/source.h"

enum {                                 /* seconds */
	DNS_CACHE_TTL_MAX = 86400,     /* upper limit for all answers: a
	                                  changed key or policy takes effect
	                                  within a day */
	DNS_CACHE_NEGATIVE_MAX = 3600, /* RFC 2308 section 5: one to three
	                                  hours; a new domain is found within
	                                  an hour */
	DNS_CACHE_FAILURE = 5,         /* RFC 2308 section 7: at most 5
	                                  minutes; long enough that one
	                                  message does not query a dead
	                                  server repeatedly */

	/* Maximum number of messages that wait for one answer.  When it
	 * arrives, the core of each message runs in the resolver's thread,
	 * usually for about 20 us.  Any further message gets
	 * DNS_ERROR_RESOURCE. */
	DNS_CACHE_WAITS_MAX = 1024,
};

struct dns_cache_options {
	size_t bytes; /* limit for all shards together, at least 256 KiB */
	int64_t (*clock)(
	    void); /* monotonic milliseconds; NULL: the real clock */
};

struct dns_cache_counts {
	uint64_t hits, misses, joined, evicted;
	size_t entries, bytes;
};

/*
 * Returns NULL if memory ran out.  The cache does not own `below`: close the
 * cache first and then `below`, because the memory of the cache is freed when
 * `below` has answered all questions.  A question that does not fit into the
 * cache is answered with DNS_ERROR_RESOURCE.
 */
struct dns_source *dns_cache_open(
    const struct dns_cache_options *o, struct dns_source *below);

void dns_cache_counts(struct dns_source *cache, struct dns_cache_counts *out);

/* Returns an upper bound on the bytes used by keys that were parsed from an
 * answer and are stored with it (answer.h). */
size_t dns_cache_key_bytes(const struct dns_answer *a);

#endif
