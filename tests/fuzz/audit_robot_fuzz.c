/* audit_robot_fuzz.c - reads arbitrary bytes as the log of replies */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "audit/message/robot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1767225600 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room = ROBOT_LOG_MAX + ROBOT_LINE_MAX;
	char *first_memory = malloc(room), *memory = malloc(room);
	struct buf first = buf_wrap(first_memory, room);
	struct buf b = buf_wrap(memory, room);
	const struct span domain = SPAN("example.com"),
			  to = SPAN("a@example.com");
	unsigned more = 1;

	assert(first_memory != NULL && memory != NULL);
	/* the written lines must be read back unchanged, and the limit must be
	 * reached */
	if (robot_count(
		span_of((const char *)data, size), NOW, domain, to, &first)) {
		assert(!first.full);
		while (robot_count(buf_view(&first), NOW, domain, to, &b)) {
			assert(b.n > first.n);
			assert(span_equal(span_first(buf_view(&b), first.n),
			    buf_view(&first)));
			buf_cut(&first, 0);
			buf_span(&first, buf_view(&b));
			buf_cut(&b, 0);
			assert(++more <= ROBOT_PER_ADDRESS);
		}
	}
	free(first_memory);
	free(memory);
	return 0;
}
