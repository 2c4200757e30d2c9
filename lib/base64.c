#include "lib/base64.h"

#include <stdint.h>

/* A letter has a value of 0 to 63; these are the values of other bytes. */
enum { WSP = 64, PAD = 65, BAD = 66 };

/* clang-format off */
static const uint8_t values[256] = {
	BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, WSP, WSP, BAD, BAD, WSP, BAD, BAD,
	BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
	WSP, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, 62, BAD, BAD, BAD, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, BAD, BAD, BAD, PAD, BAD, BAD,
	BAD, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, BAD, BAD, BAD, BAD, BAD,
	BAD, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, BAD, BAD, BAD, BAD, BAD,
	BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
	BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
	BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
	BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
	BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
	BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
	BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
	BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
};
/* clang-format on */

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The letters seen so far in a group of four, which encodes three bytes. */
struct quad {
	uint32_t bits;
	unsigned letters;
	unsigned pads;
};

static uint8_t *
put_three(uint8_t *to, uint32_t bits)
{
	to[0] = (uint8_t)(bits >> 16);
	to[1] = (uint8_t)(bits >> 8);
	to[2] = (uint8_t)bits;
	return to + 3;
}

/* Adds a byte, which may be white space or padding.  Returns false if it is not
 * valid here. */
static bool
quad_take(struct quad *q, uint8_t value, uint8_t **to)
{
	if (value == WSP)
		return true;
	if (value == PAD) {
		q->pads++;
		return q->letters >= 2;
	}
	if (value == BAD || q->pads > 0)
		return false;
	q->bits = q->bits << 6 | value;
	if (++q->letters == 4) {
		*to = put_three(*to, q->bits);
		*q = (struct quad){ .letters = 0 };
	}
	return true;
}

/* Checks that the end is padded and leftover bits are zero (RFC 4648 sections
 * 3.2 and 3.5). */
static bool
quad_finish(const struct quad *q, uint8_t **to)
{
	unsigned spare = q->letters == 2 ? 4 : 2;

	if (q->letters == 0)
		return true;
	if (q->letters + q->pads != 4 || (q->bits & ((1U << spare) - 1)) != 0)
		return false;
	for (unsigned left = q->letters - 1; left > 0; left--)
		*(*to)++ = (uint8_t)(q->bits >> (spare + 8 * (left - 1)));
	return true;
}

bool
base64_decode(struct arena *a, struct span text, struct span *out)
{
	struct quad q = { .letters = 0 };
	/* three bytes for every four letters, rounded up */
	uint8_t *start = arena_alloc(a, text.n - text.n / 4 + 1);
	uint8_t *to = start;
	size_t i = 0;

	*out = SPAN_NONE;
	if (start == NULL)
		return false;
	while (i < text.n) {
		/* the usual case: four letters without white space between
		 * them */
		while (q.letters == 0 && text.n - i >= 4) {
			const char *p = text.p + i;
			unsigned v0 = values[(uint8_t)p[0]];
			unsigned v1 = values[(uint8_t)p[1]];
			unsigned v2 = values[(uint8_t)p[2]];
			unsigned v3 = values[(uint8_t)p[3]];

			if ((v0 | v1 | v2 | v3) >= WSP)
				break;
			to = put_three(to, v0 << 18 | v1 << 12 | v2 << 6 | v3);
			i += 4;
		}
		if (i < text.n &&
		    !quad_take(&q, values[(uint8_t)text.p[i++]], &to))
			return false;
	}
	if (!quad_finish(&q, &to))
		return false;
	*out = span_of((const char *)start, (size_t)(to - start));
	return true;
}

void
base64_encode(struct buf *b, struct span bytes)
{
	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t n = bytes.n - i < 3 ? bytes.n - i : 3;
		uint32_t bits = 0;
		char four[4];

		for (size_t k = 0; k < 3; k++)
			bits =
			    bits << 8 | (k < n ? (uint8_t)bytes.p[i + k] : 0U);
		for (size_t k = 0; k < 4; k++)
			four[k] =
			    k <= n ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
		buf_span(b, span_of(four, sizeof(four)));
	}
}
