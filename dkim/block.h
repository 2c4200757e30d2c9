/*
 * block.h - bodies by blocks of 64 bytes (RFC 6376 sections 3.4.3 and 3.4.4):
 * how far a text may go as it is, and white space put right where it may not.
 *
 * What is asked of the processor are vectors of GNU C, which any can do; where
 * there is AVX2, it is used.
 */
#ifndef AVOUCH_DKIM_BLOCK_H
#define AVOUCH_DKIM_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

enum {
	BLOCK = 64, /* bytes */
};

struct squeeze {
	char *out;    /* where it goes; moved to its end */
	bool changed; /* set: something was not left as it was */
};

struct block_ways {
	/*
	 * Bytes from `p` on (which is an octet of a line) that canonicalization
	 * leaves as they are; `n` > 0.  The byte at p + n is not looked at, so
	 * the last one is never among them: what it is worth shows in the next
	 * chunk.  What follows may be left as it is all the same.
	 */
	size_t (*run_simple)(const char *p, size_t n);
	size_t (*run_relaxed)(const char *p, size_t n);

	/*
	 * So many whole blocks under relaxed, fewer where line ends are not
	 * CRLF, from where what is before is decided.  BLOCK more bytes are
	 * read, and overwritten behind `out`.  Returns where it ended.
	 */
	const char *(*squeeze)(struct squeeze *s, const char *p, size_t blocks);
};

/* For any processor, and the best for this one. */
extern const struct block_ways block_ways_plain;
const struct block_ways *block_ways_best(void);

#endif
