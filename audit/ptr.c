#include "audit/ptr.h"

#include "lib/buf.h"

static bool
span_contains(struct span text, struct span part)
{
	for (size_t i = 0; i + part.n <= text.n; i++)
		if (span_equal(span_first(span_skip(text, i), part.n), part))
			return true;
	return false;
}

bool
ptr_is_generic(struct span name, const struct ip *ip)
{
	static const char separators[] = "-.x";
	char forward[16], backward[16];

	if (ip->family != IP_V4)
		return false;
	for (const char *c = separators; *c != '\0'; c++) {
		struct buf f = buf_wrap(forward, sizeof(forward));
		struct buf b = buf_wrap(backward, sizeof(backward));

		buf_printf(&f, "%u%c%u%c%u", ip->bytes[1], *c, ip->bytes[2], *c,
		    ip->bytes[3]);
		buf_printf(&b, "%u%c%u%c%u", ip->bytes[3], *c, ip->bytes[2], *c,
		    ip->bytes[1]);
		if (span_contains(name, buf_view(&f)) ||
		    span_contains(name, buf_view(&b)))
			return true;
	}
	return false;
}
