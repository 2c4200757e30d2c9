/* sign_files_fuzz.c - reads arbitrary bytes as a key file, a list of selectors,
 * or a series of findings; the first byte selects which */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sign/key_folder.h"
#include "sign/private_key.h"
#include "sign/rotation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_key(struct span text)
{
	char why[4096] = "", record[PRIVATE_KEY_RECORD_MAX];
	struct buf error = buf_wrap(why, sizeof(why));
	struct buf b = buf_wrap(record, sizeof(record));
	struct private_key *key = private_key_parse(text, "file", &error);

	assert((key == NULL) == (error.n > 0));
	if (key != NULL) {
		private_key_put_record(key, &b);
		assert(!b.full && private_key_bits(key) >= 256);
	}
	private_key_unref(key);
}

static void
check_entries(struct span text)
{
	static struct key_entries first, second;
	char *memory = malloc(KEY_LIST_FILE_MAX);
	struct buf b = buf_wrap(memory, KEY_LIST_FILE_MAX);
	const char *why;
	unsigned line;

	if (memory != NULL && key_entries_parse(text, &first, &line, &why)) {
		/* the entries must be read back unchanged after being
		 * written */
		key_entries_put(&first, &b);
		assert(!b.full);
		assert(key_entries_parse(buf_view(&b), &second, &line, &why));
		assert(first.n == second.n);
		for (size_t i = 0; i < first.n; i++) {
			const struct key_entry *x = &first.list[i];
			const struct key_entry *y = &second.list[i];

			assert(strcmp(x->selector, y->selector) == 0);
			assert(strcmp(x->pair, y->pair) == 0);
			assert(strcmp(x->target, y->target) == 0);
			assert(x->created == y->created &&
			    x->retired == y->retired &&
			    x->revoked == y->revoked &&
			    x->imported == y->imported);
		}
	}
	free(memory);
}

/* Checks that any series of findings, with jumps in time, leaves a consistent
 * state. */
static void
check_rotation(struct span text)
{
	struct rotation_state s = { .since = 0 };
	int64_t now = 1800000000;

	for (size_t i = 0; i + 2 < text.n; i += 3) {
		int finding = (unsigned char)text.p[i] % 3;
		int64_t wait = (unsigned char)text.p[i + 1] * INT64_C(1000000);

		now += (signed char)text.p[i + 2] * INT64_C(3600);
		(void)rotation_observe(
		    &s, (enum rotation_finding)finding, wait, now);
		assert(!s.ready || s.ever);
		assert(s.wait <= ROTATION_WAIT_MAX);
		assert(rotation_next_look(&s, (unsigned)i, now) > 0);
		assert(rotation_next_look(&s, (unsigned)i, now) <= 1800);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_skip(span_of((const char *)data, size), 1);

	if (size == 0)
		return 0;
	switch (data[0] % 3) {
	case 0:
		check_key(text);
		break;
	case 1:
		check_entries(text);
		break;
	default:
		check_rotation(text);
		break;
	}
	return 0;
}
