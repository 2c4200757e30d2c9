#include "report/receive/part_field.h"

static struct span
next_line(struct scan *s)
{
	struct span line = scan_until(s, '\n');

	scan_byte(s, '\n');
	return line;
}

bool
part_field_next(struct scan *s, struct span *name, struct span *value)
{
	struct span line = next_line(s);
	size_t colon = span_index(line, ':');
	const char *end = line.p + line.n;

	if (span_trim(line).n == 0)
		return false;
	while (scan_peek(s) == ' ' || scan_peek(s) == '\t') {
		struct span more = next_line(s);

		end = more.p + more.n;
	}
	*name = span_trim(span_first(line, colon));
	*value = colon < line.n
	    ? span_trim(span_between(line.p + colon + 1, end))
	    : SPAN("");
	return true;
}
