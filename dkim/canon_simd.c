#include "dkim/canon_simd.h"

#include <stdint.h>
#include <string.h>

/* ---- any processor ---- */

/*
 * Collects one bit of each of 16 bytes, each of which is 0x00 or 0xff.  The
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

const struct canon_simd *
canon_simd_best(void)
{
	return &canon_simd_plain;
}

#endif
