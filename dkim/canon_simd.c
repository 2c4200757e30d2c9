#include "dkim/canon_simd.h"

#include <stdint.h>
#include <string.h>

/* ---- 64-bit words, for processors without vector instructions ---- */

enum { WORD = 8 };

#define EACH(byte) ((byte)*UINT64_C(0x0101010101010101))

/* Whether NAMED(stop_in) of canon_simd.inc stops at `p`. */
static bool
byte_stops(const char *p, bool relaxed)
{
	return (p[1] == '\n' && p[0] != '\r') ||
	    (relaxed &&
		(p[0] == '\t' || (p[0] == ' ' && (unsigned char)p[1] <= ' ')));
}

/* Returns a word in which each byte is 0x80 if the same byte of `w` is at most
 * `max`, and 0 otherwise.  `max` must be below 0x80. */
static uint64_t
not_above(uint64_t w, unsigned max)
{
	return ~(((w & EACH(0x7f)) + EACH(0x7f - max)) | w) & EACH(0x80);
}

/*
 * Returns nonzero if a stop may be in `w` or at the byte before it.  Simple
 * canonicalization stops at LF, relaxed at a control character or two
 * consecutive bytes of white space.  `before` is the result of not_above(' ')
 * for the previous word.
 */
static uint64_t
word_suspects(uint64_t w, uint64_t *before, bool relaxed)
{
	uint64_t white, pairs;

	if (!relaxed)
		return not_above(w ^ EACH('\n'), 0);
	white = not_above(w, ' ');
	pairs = white & (white << 8 | *before >> 56);
	*before = white;
	return pairs | not_above(w, ' ' - 1);
}

static size_t
words_run(const char *p, size_t n, bool relaxed)
{
	size_t last = n - 1, i = 0,
	       done = 0; /* there is no stop before `done` */
	uint64_t w, before = 0;

	for (; i < last && (uintptr_t)(p + i) % WORD != 0; done = ++i)
		if (byte_stops(p + i, relaxed))
			return i;
	for (; last - i >= WORD; i += WORD) {
		memcpy(&w, __builtin_assume_aligned(p + i, WORD), WORD);
		if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
			w = __builtin_bswap64(w);
		if (word_suspects(w, &before, relaxed) == 0) {
			/* The last byte may be a space, with more white space
			 * after it. */
			done = i + WORD - 1;
			continue;
		}
		for (; done < i + WORD; done++)
			if (byte_stops(p + done, relaxed))
				return done;
	}
	for (; done < last; done++)
		if (byte_stops(p + done, relaxed))
			return done;
	return last;
}

static size_t
run_simple_words(const char *p, size_t n)
{
	return words_run(p, n, false);
}

static size_t
run_relaxed_words(const char *p, size_t n)
{
	return words_run(p, n, true);
}

/* Does nothing, so that dkim/canon.c works byte by byte. */
static const char *
compress_words(struct compress *s, const char *p, size_t blocks)
{
	(void)blocks;
	s->changed = false;
	return p;
}

const struct canon_simd canon_simd_words = {
	run_simple_words,
	run_relaxed_words,
	compress_words,
};

/* ---- any processor with 16-byte vectors ---- */

/*
 * Collects one bit from each of 16 bytes, which are 0x00 or 0xff.  The
 * multiplication moves the bits of eight bytes next to each other.
 */
static inline uint64_t
gather(const void *sixteen)
{
	uint64_t half[2];

	memcpy(half, sixteen, sizeof(half));
	for (size_t i = 0; i < 2; i++) {
		if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
			half[i] = __builtin_bswap64(half[i]);
		half[i] &= 0x0101010101010101;
		half[i] = half[i] * 0x0102040810204080 >> 56;
	}
	return half[0] | half[1] << 8;
}

#define LANES 16
#define NAMED(name) name##_plain
#define TARGET
#define BITS(v) gather(&(v))
#include "dkim/canon_simd.inc"
#undef LANES
#undef NAMED
#undef TARGET
#undef BITS

const struct canon_simd canon_simd_plain = {
	run_simple_plain,
	run_relaxed_plain,
	compress_plain,
};

/* ---- AVX2 ---- */

#ifdef __x86_64__

typedef char signed_lanes __attribute__((vector_size(32)));

#define LANES 32
#define NAMED(name) name##_wide
#define TARGET __attribute__((target("avx2")))
#define BITS(v) (uint32_t) __builtin_ia32_pmovmskb256((signed_lanes)(v))
#include "dkim/canon_simd.inc"

static const struct canon_simd wide = {
	run_simple_wide,
	run_relaxed_wide,
	compress_wide,
};

const struct canon_simd *
canon_simd_best(void)
{
	return __builtin_cpu_supports("avx2") ? &wide : &canon_simd_plain;
}

#else

/* Without vector instructions, a compiler splits vector code into operations on
 * single bytes, which is slower than a loop. */
#if defined(__ARM_NEON) || defined(__ALTIVEC__) || defined(__SSE2__)
#define HAS_VECTORS true
#else
#define HAS_VECTORS false
#endif

const struct canon_simd *
canon_simd_best(void)
{
	return HAS_VECTORS ? &canon_simd_plain : &canon_simd_words;
}

#endif
