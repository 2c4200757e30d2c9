#include "tests/support/mail_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"

enum { CAP = 8 << 20 };

struct span
repeat(struct arena *a, const char *begin, const char *text, size_t times,
    const char *end)
{
	size_t n = strlen(begin) + strlen(text) * times + strlen(end);
	struct buf b = buf_alloc(a, n + 1);

	buf_text(&b, begin);
	for (size_t i = 0; i < times; i++)
		buf_text(&b, text);
	buf_text(&b, end);
	assert_false(b.full);
	return buf_view(&b);
}

void
cut_and_starved(
    mail_text_show *show, const char *text, unsigned requests, char *shown)
{
	struct span whole = span_str(text);
	struct arena *a = arena_new(CAP);

	for (size_t n = 0; n < whole.n; n++) {
		show(a, arena_copy(a, span_first(whole, n)), shown);
		arena_rewind(a);
	}
	for (unsigned nth = 1; nth <= requests; nth++) {
		arena_fail_at(a, nth);
		show(a, whole, shown);
		if (arena_has_failed(a))
			assert_int_equal(shown[strlen(shown) - 1], '!');
		arena_fail_at(a, 0);
		arena_rewind(a);
	}
	arena_free(a);
}

void
mail_author_read(struct arena *a, struct span value, struct mail_from *from)
{
	struct mail_header h = { 0 };

	assert_true(mail_header_add(&h, a, SPAN("From"), value));
	mail_from_read(&h, a, from);
}

const char *
mail_author_show(const struct mail_from *from, char shown[MAIL_AUTHOR_SHOWN])
{
	struct buf b = buf_wrap(shown, MAIL_AUTHOR_SHOWN);

	for (size_t i = 0; i < from->n_domains; i++) {
		if (i > 0)
			buf_byte(&b, ' ');
		if (i >= from->n_domains - from->n_possible)
			buf_byte(&b, '+');
		buf_span(&b, from->domains[i]);
	}
	return shown;
}
