/*
 * canon_simd.h - body canonicalization in blocks of 64 bytes (RFC 6376 sections
 * 3.4.3 and 3.4.4): finds how much of the input is already canonical, and
 * reduces white space in the rest.  docs/ARCHITECTURE.md works through an
 * example.
 *
 * It uses GNU C vectors (SSE2, NEON and others), AVX2 if the processor has it,
 * and 64-bit words on processors without vectors.
 */
#ifndef AVOUCH_DKIM_CANON_SIMD_H
#define AVOUCH_DKIM_CANON_SIMD_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CANON_BLOCK_SIZE = 64, /* bytes */
};

struct compress {
	char *out;    /* destination; compress() advances it */
	bool changed; /* set if a byte was removed or replaced */
};

struct canon_simd {
	/*
	 * Returns how many bytes at `p`, which is inside a line, are already
	 * canonical; `n` > 0.  The last byte never counts, because it depends
	 * on the first byte of the next chunk.  The bytes after the returned
	 * run may be canonical too.
	 */
	size_t (*run_simple)(const char *p, size_t n);
	size_t (*run_relaxed)(const char *p, size_t n);

	/*
	 * Reduces white space (relaxed) in up to `blocks` whole blocks; stops
	 * at a line end that is not CRLF.  Everything before `p` must already
	 * be processed.  Reads CANON_BLOCK_SIZE bytes beyond the end, and may
	 * overwrite that many bytes after its output.  Returns where it
	 * stopped.
	 */
	const char *(*compress)(
	    struct compress *s, const char *p, size_t blocks);
};

/* Implementations with 16-byte vectors, with 64-bit words, and the fastest one
 * for this processor. */
extern const struct canon_simd canon_simd_plain;
extern const struct canon_simd canon_simd_words;
const struct canon_simd *canon_simd_best(void);

#endif
