/*
 * source.h - where answers come from: one small table of functions.
 *
 * Sources stack: a cache over the network, a recorder over that; in tests a
 * zone file, a recording, a failure.
 */
#ifndef AVOUCH_DNS_SOURCE_H
#define AVOUCH_DNS_SOURCE_H

#include "dns/answer.h"

/* One who waits for one answer; embedded in the asker's own struct. */
struct dns_wait {
	/*
	 * Called exactly once for each ask, from within ask() or later from
	 * any thread, with no lock of the source held.  Who wants to keep
	 * `answer` holds it.
	 */
	void (*done)(struct dns_wait *wait, const struct dns_answer *answer);
	struct dns_wait *next; /* the source's, until done() is called */
};

struct dns_source {
	/*
	 * `name` is in normal form (domain_normal()) and, like `wait`, stays
	 * until done() was called.  Never blocks.  An answer always comes: at
	 * the latest when the source has run out of tries (some 15 s) or is
	 * closed.
	 */
	void (*ask)(struct dns_source *source, struct span name,
	    enum dns_type type, struct dns_wait *wait);

	/* Answers all who wait with DNS_FAULT_RESOURCE and frees the source,
	 * not those below it. */
	void (*close)(struct dns_source *source);
};

#endif
