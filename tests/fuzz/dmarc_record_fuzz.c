/* dmarc_record_fuzz.c - reads arbitrary bytes as a DMARC record (RFC 9989
 * section 4.8) */
#include <assert.h>
#include <stdint.h>

#include "dmarc/record.h"
#include "lib/ascii.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
lies_within(struct span part, struct span whole)
{
	return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static void
check_uris(const struct span *uris, size_t n, struct span text)
{
	assert(n <= DMARC_URIS_MAX);
	for (size_t i = 0; i < n; i++) {
		assert(lies_within(uris[i], text));
		assert(span_all(uris[i], ascii_is_visible));
		assert(!span_has(uris[i], ',') && !span_has(uris[i], '!'));
		assert(span_has(uris[i], ':'));
		if (span_starts_nocase(uris[i], "mailto:"))
			assert(dmarc_uri_domain(uris[i]).n > 0);
	}
}

static void
check_list(struct span text)
{
	struct scan s = scan_of(text);
	struct span uri;
	enum dmarc_uri_state state;
	const char *before = s.p;

	while (dmarc_uri_next(&s, &uri, &state)) {
		assert(s.p > before);
		assert(lies_within(uri, text));
		before = s.p;
	}
	assert(scan_done(&s));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct dmarc_tag tags[DMARC_TAGS_MAX];
	struct dmarc_record r;
	const char *reason;
	enum dmarc_record_state state = dmarc_record_parse(text, &r, &reason);
	size_t n = dmarc_record_tags(text, tags);

	assert((n == 0) ==
	    (state == DMARC_RECORD_NOT_DMARC || size > DMARC_RECORD_MAX));
	if (state == DMARC_RECORD_OK) {
		assert(r.p != DMARC_POLICY_ABSENT);
		assert(r.p_defaulted == (reason != NULL));
		assert(!r.p_defaulted ||
		    (r.p == DMARC_POLICY_NONE && r.n_rua > 0));
	} else {
		assert(reason != NULL && !r.p_defaulted);
	}
	assert(!(r.fo_0 && r.fo_1));
	assert(r.fo_0 || r.fo_1 || r.fo_d || r.fo_s);
	check_uris(r.rua, r.n_rua, text);
	check_uris(r.ruf, r.n_ruf, text);
	for (size_t i = 0; i < n && i < DMARC_TAGS_MAX; i++) {
		if (i > 0)
			assert(lies_within(tags[i].value, text));
		assert((tags[i].name.n == 0) ==
		    (tags[i].state == DMARC_TAG_GARBLED));
		check_list(tags[i].value);
	}
	return 0;
}
