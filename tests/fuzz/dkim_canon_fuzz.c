/*
 * dkim_canon_fuzz.c - canonicalizes arbitrary bytes as a body: in chunks whose
 * sizes are in the first bytes, then byte by byte, and with the code for each
 * type of CPU.  The canonical bytes must be the same each time and match a
 * simple implementation of RFC 6376 section 3.4.  Canonicalizing them again
 * must change nothing.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dkim/canon.h"
#include "tests/support/sign.h"

enum { INPUT_MAX = 16384, CUTS = 4, ROOM = 3 * INPUT_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct dkim_canon_fuzz_output {
	size_t n;
	char bytes[ROOM];
};

static void
save_dkim_canon(void *to, struct span bytes)
{
	struct dkim_canon_fuzz_output *k = to;

	assert(bytes.n <= ROOM - k->n);
	if (bytes.n > 0)
		memcpy(k->bytes + k->n, bytes.p, bytes.n);
	k->n += bytes.n;
}

/* Adds the body in chunks whose sizes cycle through `steps`; 0 means 256. */
static struct span
canonical(const struct canon_simd *ways, enum canon canon, struct span body,
    const uint8_t *steps, size_t n_steps, struct dkim_canon_fuzz_output *k)
{
	struct canon_body b;
	size_t turn = 0;

	k->n = 0;
	canon_body_begin(&b, canon, (struct canon_sink){ save_dkim_canon, k });
	b.ways = ways;
	while (body.n > 0) {
		size_t step = steps[turn++ % n_steps];

		if (step == 0)
			step = 256;
		canon_body_add(&b, span_first(body, step));
		body = span_skip(body, step);
	}
	canon_body_end(&b);
	return span_of(k->bytes, k->n);
}

static void
check_dkim_canon(enum canon canon, struct span body, const uint8_t *steps)
{
	static struct dkim_canon_fuzz_output cut, other, single, again;
	static const uint8_t one[] = { 1 };
	const struct canon_simd *best = canon_simd_best();
	const struct canon_simd *plain = &canon_simd_plain;
	const struct canon_simd *words = &canon_simd_words;
	struct span text = canonical(best, canon, body, steps, CUTS, &cut);
	size_t n;
	char *naive = sign_body(canon == CANON_RELAXED, body, -1, &n);

	assert(span_equal(
	    text, canonical(plain, canon, body, steps, CUTS, &other)));
	assert(span_equal(
	    text, canonical(words, canon, body, steps, CUTS, &other)));
	assert(span_equal(text, canonical(best, canon, body, one, 1, &single)));
	assert(span_equal(
	    text, canonical(best, canon, text, steps, CUTS, &again)));
	assert(span_equal(text, span_of(naive, n)));
	free(naive);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body;

	if (size < CUTS || size > INPUT_MAX)
		return 0;
	body = span_of((const char *)data + CUTS, size - CUTS);
	check_dkim_canon(CANON_SIMPLE, body, data);
	check_dkim_canon(CANON_RELAXED, body, data);
	return 0;
}
