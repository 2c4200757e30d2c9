/*
 * spf_macro_fuzz.c - expands macro strings.  The input is a macro string, a
 * local-part, a HELO and a sender, one per line.  A well-formed string must
 * expand within its limits.  It must expand to the same text both as a name,
 * which is built from its end, and as an explanation, which is built from its
 * start.
 */
#include <assert.h>
#include <stdint.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "spf/macro.h"
#include "spf/spf.h"

enum { ARENA = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span
take_line(struct span *rest)
{
	struct span line = span_first(*rest, span_index(*rest, '\n'));

	*rest = span_skip(*rest, line.n + 1);
	return line;
}

static void
check_text(const struct spf_macros *v, struct span text, struct arena *a)
{
	struct span out;
	unsigned needs;

	if (spf_macro_check(text, SPF_MACRO_TEXT, &needs) != NULL)
		return;
	assert(spf_macro_text(v, text, a, &out));
	assert(out.n <= SPF_MAX_EXPLANATION && span_all(out, ascii_is_print));
}

/* If the name and the text are printable and short enough, they must be equal.
 */
static void
compare_spf_macro(const struct spf_macros *v, struct span spec,
    struct span name, struct arena *a)
{
	struct span text;

	if (!span_all(name, ascii_is_print))
		return;
	assert(spf_macro_text(v, spec, a, &text));
	if (text.n > DOMAIN_MAX)
		return;
	if (text.n > 0 && text.p[text.n - 1] == '.')
		text.n--;
	assert(span_equal(text, name));
}

static void
check_domain(const struct spf_macros *v, struct span spec, struct arena *a)
{
	struct span name;
	unsigned needs;

	if (spf_macro_check(spec, SPF_MACRO_DOMAIN, &needs) != NULL)
		return;
	assert(spf_macro_domain(v, spec, a, &name));
	assert(name.n <= DOMAIN_MAX);
	compare_spf_macro(v, spec, name, a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of((const char *)data, size);
	struct span text = take_line(&rest);
	struct spf_macros v = {
		.local = take_line(&rest),
		.helo = take_line(&rest),
		.sender = rest,
		.origin = SPAN("o.example"),
		.domain = SPAN("d.example"),
		.ptr = SPAN("p.example"),
		.ip = { .family = size % 2 ? IP_V4 : IP_V6, .bytes = { 1 } },
		.now = 1,
	};
	struct arena *a = arena_new(ARENA);

	if (a != NULL && text.n <= SPF_MAX_RECORD) {
		check_text(&v, text, a);
		check_domain(&v, text, a);
	}
	arena_free(a);
	return 0;
}
