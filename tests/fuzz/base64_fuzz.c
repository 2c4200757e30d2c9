/*
 * base64_fuzz.c - reads arbitrary bytes as base64.  If they can be decoded,
 * encoding the result must reproduce the input, except for white space.
 * Encoding the input and decoding the result must also reproduce it.
 */
#include <assert.h>
#include <stdint.h>

#include "lib/ascii.h"
#include "lib/base64.h"
#include "lib/scan.h"

enum { INPUT_MAX = 4096, ARENA = 65536 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_not_space(unsigned char c)
{
	return !ascii_is_space(c);
}

static struct span
without_space(struct arena *a, struct span text)
{
	struct buf b = buf_alloc(a, text.n + 1);
	struct scan s = scan_of(text);

	while (!scan_done(&s)) {
		buf_span(&b, scan_while(&s, is_not_space));
		scan_while(&s, ascii_is_space);
	}
	return buf_view(&b);
}

static struct span
encoded(struct arena *a, struct span bytes)
{
	struct buf b = buf_alloc(a, (bytes.n + 2) / 3 * 4 + 1);

	base64_encode(&b, bytes);
	assert(!b.full);
	return buf_view(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(ARENA);
	struct span text = span_of((const char *)data, size);
	struct span bytes;

	if (a != NULL && size <= INPUT_MAX) {
		if (base64_decode(a, text, &bytes))
			assert(span_equal(
			    encoded(a, bytes), without_space(a, text)));
		else
			assert(bytes.p == NULL);
		assert(base64_decode(a, encoded(a, text), &bytes));
		assert(span_equal(bytes, text));
		assert(!arena_has_failed(a));
	}
	arena_free(a);
	return 0;
}
