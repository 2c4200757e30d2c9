/*
 * canon_simd.h - canonicalization of body_hashes in blocks of 64 bytes (RFC
 * 6376 sections 3.4.3 and 3.4.4): find how far a text is canonical already, and
 * reduce white space where it is not.  docs/ARCHITECTURE.md works through an
 * example.
 *
 * It uses the vectors of GNU C (SSE2, NEON and others), AVX2 if the
 * processor has it, and words of 64 bits on processors without vectors.
 */
#ifndef AVOUCH_DKIM_CANON_SIMD_H
#define AVOUCH_DKIM_CANON_SIMD_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CANON_BLOCK_SIZE = 64, /* bytes */
};

struct compress {
	char *out;    /* destination; advanced */
	bool changed; /* set if any byte was left out or replaced */
};

struct canon_simd {
	/*
	 * The number of bytes from `p` on, which is inside a line, that are
	 * canonical already; `n` > 0.  The last byte never counts, because that
	 * depends on the byte after it, in the next chunk.  The bytes that
	 * follow may be canonical too.
	 */
	size_t (*run_simple)(const char *p, size_t n);
	size_t (*run_relaxed)(const char *p, size_t n);

	/*
	 * Reduces white space (relaxed) in up to `blocks` whole blocks; stops
	 * at a line end that is not CRLF.  Everything before `p` must be done.
	 * Reads CANON_BLOCK_SIZE bytes beyond the end, and may overwrite as
	 * many after `out`.  Returns where it stopped.
	 */
	const char *(*compress)(
	    struct compress *s, const char *p, size_t blocks);
};

/* With vectors of 16 bytes, with words of 64 bits, and the fastest for this
 * processor. */
extern const struct canon_simd canon_simd_plain;
extern const struct canon_simd canon_simd_words;
const struct canon_simd *canon_simd_best(void);

#endif
