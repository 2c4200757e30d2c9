/* taglist_fuzz.c - reads arbitrary bytes as a tag list (RFC 6376 section 3.2)
 */
#include <assert.h>
#include <stdint.h>

#include "lib/ascii.h"
#include "lib/taglist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
lies_within(struct span part, struct span whole)
{
	return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct scan s = scan_of(text);
	struct tag tags[TAGLIST_MAX], tag;
	const char *reason = NULL;
	enum tag_status step;
	size_t n, seen = 0;

	while ((step = taglist_next(&s, &tag)) == TAG_ONE) {
		seen++;
		assert(lies_within(tag.name, text));
		assert(lies_within(tag.value, text));
		assert(tag.name.n > 0 && span_all(tag.name, ascii_is_tag));
		assert(span_equal(tag.value, span_trim(tag.value)));
		assert(!span_has(tag.value, ';'));
	}
	assert(lies_within(scan_rest(&s), text));
	assert(scan_done(&s) == (step == TAG_END) || step == TAG_BAD);
	if (taglist_read(text, tags, &n, &reason)) {
		assert(step == TAG_END && n == seen);
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < i; k++)
				assert(!span_equal(tags[i].name, tags[k].name));
	} else {
		assert(reason != NULL && n <= TAGLIST_MAX);
		assert(step == TAG_BAD || seen > 1);
	}
	return 0;
}
