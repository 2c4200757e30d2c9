/* report_read_fuzz.c - reads arbitrary bytes as a file of received reports:
 * XML, archives, messages, mboxes */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/utf8.h"
#include "report/receive/import.h"
#include "report/receive/aggregate_xml.h"
#include "report/receive/reported_value.h"
#include "report/receive/xml_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECE = 100 };

static void
check_text(struct span s)
{
	for (struct span at = s; at.n > 0;) {
		size_t n = utf8_plain(at);

		assert(n > 0);
		at = span_skip(at, n);
	}
}

static void
check_report_event(void *arg, const struct report_import_event *e)
{
	const struct ledger_received *r = e->report;

	(void)arg;
	assert(e->kind != REPORT_IMPORT_KNOWN);
	if (e->kind != REPORT_IMPORT_STORED) {
		assert(r == NULL && e->reason.n > 0);
		return;
	}
	assert(r->begin >= 0 && r->begin <= r->end);
	assert(r->end <= DATE_LAST + DATE_DAY);
	assert(r->messages <= (uint64_t)READ_SUM_MAX);
	assert(r->domain.n > 0 && r->organisation.n > 0 && r->report_id.n > 0);
	check_text(r->organisation);
	check_text(r->report_id);
	check_text(r->errors);
}

/* Checks that the filtered XML, read in pieces, has no document type, no
 * entities except the five predefined ones, and no attributes. */
static void
check_filtered(struct span in)
{
	static char out[XML_FILTER_GROWTH * (PIECE + XML_FILTER_HELD_MAX)];
	struct xml_filter s = { 0 };
	bool in_tag = false;

	while (in.n > 0) {
		struct span piece = span_first(in, PIECE);
		size_t n = xml_filter(&s, piece, out);

		assert(n <= sizeof(out));
		for (size_t i = 0; i < n; i++) {
			char c = out[i];

			if (in_tag)
				assert(strchr("<&\"'= !?", c) == NULL);
			in_tag = c == '<' || (in_tag && c != '>');
		}
		in = span_skip(in, piece.n);
	}
	xml_filter_end(&s, out);
}

static bool
row(void *arg, const struct report_row *r)
{
	(void)arg;
	assert(r->count > 0 && r->count <= (uint64_t)READ_COUNT_MAX);
	assert(r->n_dkim <= REPORT_DKIM_MAX);
	check_text(r->comment);
	return true;
}

static ptrdiff_t
pull(void *arg, char *to, size_t n)
{
	struct span *rest = arg;

	n = n < rest->n ? n : rest->n;
	if (n > 0)
		memcpy(to, rest->p, n);
	*rest = span_skip(*rest, n);
	return (ptrdiff_t)n;
}

static void
check_rows(struct span bytes)
{
	const struct read_document d = {
		.pull = pull, .arg = &bytes, .row = row
	};
	struct arena *a = arena_new(READ_HEAD_MEMORY);
	struct ledger_received head;
	char error[READ_ERROR_MAX];

	assert(a != NULL);
	assert(read_document(&d, a, &head, error) != READ_MEMORY);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of((const char *)data, size);
	const struct report_import in = { .now = 1767225600,
		.on_event = check_report_event };

	assert(report_import_file(&in, SPAN("fuzz"), bytes));
	check_filtered(bytes);
	check_rows(bytes);
	return 0;
}
