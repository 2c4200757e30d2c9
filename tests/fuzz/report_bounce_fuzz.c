/*
 * report_bounce_fuzz.c - reads arbitrary bytes as mail to the address that
 * reports are sent from (RFC 3464, RFC 6522).
 */
#include "report/receive/bounce.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/ascii.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bounce b;

	bounce_read(span_of((const char *)data, size), &b);
	assert(memchr(b.report_id, '\0', sizeof(b.report_id)) != NULL);
	assert(memchr(b.note, '\0', sizeof(b.note)) != NULL);
	assert(span_all(span_str(b.report_id), ascii_is_alnum));
	assert(span_all(span_str(b.note), ascii_is_print));
	/* any other code requires the id of a report that we sent */
	assert(b.code == BOUNCE_OTHER || b.report_id[0] != '\0');
	return 0;
}
