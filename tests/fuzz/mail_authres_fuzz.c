/*
 * mail_authres_fuzz.c - any bytes as Authentication-Results (RFC 8601): read,
 * written and read back, and judged for whose they claim to be.  The first byte
 * says how many of the next ones are the id.
 */
#include <assert.h>
#include <stdint.h>

#include "lib/ascii.h"
#include "lib/utf8.h"
#include "mail/authres.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 8 << 20, MEMORY = 16384 };

static void
check_read(struct span value, struct arena *a)
{
	struct scan s = scan_of(value);
	struct authres_result r;
	enum authres_step step;
	const char *last = NULL;
	struct span id;

	if (!authres_open(&s, a, &id))
		return;
	while ((step = authres_next(&s, a, &r)) == AUTHRES_ONE) {
		assert(s.p != last && r.method.n > 0 && r.result.n > 0);
		last = s.p;
		authres_property(&r, a, "header", "d");
		authres_property(&r, a, "smtp", "mailfrom");
	}
	assert(step == AUTHRES_BAD || scan_done(&s));
}

/* Every byte that may not stand in a field is a "?". */
static struct span
cleaned(struct arena *a, struct span s)
{
	struct buf b = buf_in(a, s.n + 1);

	for (size_t n; s.n > 0; s = span_skip(s, n == 0 ? 1 : n)) {
		n = utf8_plain(s);
		if (n == 0)
			buf_byte(&b, '?');
		else
			buf_span(&b, span_first(s, n));
	}
	return buf_done(&b);
}

/* Where it is longer than is written it need only be well-formed. */
static void
check_same(struct span got, struct span text, struct arena *a)
{
	if (text.n <= AUTHRES_VALUE_MAX / 2 - 2)
		assert(span_equal(got, cleaned(a, text)));
	else
		assert(got.p != NULL && got.n <= AUTHRES_VALUE_MAX);
}

static void
check_lines(struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		assert(c >= 0x80 || ascii_is_print(c) || c == '\n' ||
		    (c == '\t' && i > 0 && text.p[i - 1] == '\n'));
		if (c == '\n')
			assert(i + 2 < text.n && text.p[i + 1] == '\t' &&
			    text.p[i + 2] != '\n');
	}
}

/* With `room` for all of it, and cut off somewhere. */
static void
check_written(struct span id, struct span text, size_t room, struct arena *a)
{
	struct span one = span_first(text, text.n / 2);
	struct span two = span_skip(text, text.n / 2);
	struct authres_writer w;
	struct authres_result r;
	struct span got;
	struct scan s;

	authres_begin(&w, buf_in(a, room), id);
	for (size_t i = 0; i < 2; i++) {
		authres_method(&w, "dkim", "policy");
		authres_comment(&w, one);
		authres_reason(&w, two);
		authres_put(&w, "header", "d", one);
		authres_put(&w, "header", "i", two);
		authres_comment(&w, two);
	}
	got = authres_end(&w);
	check_lines(got);
	assert(got.n < room && (room < MEMORY || !w.text.full));
	if (got.n == 0)
		return;
	assert(authres_claims(got, id));
	s = scan_of(got);
	assert(authres_open(&s, a, &got));
	check_same(got, id, a);
	for (size_t i = 0; i < 2 && !w.text.full; i++) {
		assert(authres_next(&s, a, &r) == AUTHRES_ONE);
		check_same(r.reason, two, a);
		check_same(authres_property(&r, a, "header", "d"), one, a);
		check_same(authres_property(&r, a, "header", "i"), two, a);
	}
	while (authres_next(&s, a, &r) == AUTHRES_ONE)
		assert(w.text.full);
	assert(scan_done(&s));
}

/* ---- readers that are simpler than RFC 8601 ---- */

static bool
is_name(unsigned char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '-';
}

/* Comments end at the first ")"; "\" and quotes are taken out. */
static struct span
simplified(struct arena *a, struct span value, bool comments)
{
	struct buf b = buf_in(a, value.n + 1);
	bool inside = false;

	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (comments && (c == '(' || (inside && c == ')')))
			inside = c == '(';
		else if (!inside && c != '\\' && c != '"')
			buf_byte(&b, c);
	}
	return buf_done(&b);
}

/* The first word of the field is `id` to somebody: then it must go. */
static void
check_claims(struct span value, struct span id, struct arena *a)
{
	bool claims = authres_claims(value, id);
	struct span got;
	struct scan s = scan_of(value);
	struct buf memory = buf_in(a, value.n + 1);

	if (id.n == 0 || !span_all(id, is_name) ||
	    !ascii_is_alnum((unsigned char)id.p[0]) ||
	    !ascii_is_alnum((unsigned char)id.p[id.n - 1]))
		return;
	got = authres_id(value, &memory);
	assert(claims || !span_equal_nocase(got, id));
	if (authres_open(&s, a, &got))
		assert(claims || !span_equal_nocase(got, id));
	for (int i = 0; i < 2; i++) {
		s = scan_of(simplified(a, value, i == 1));
		scan_while(&s, ascii_is_space);
		got = scan_while(&s, is_name);
		assert(claims || !span_equal_nocase(got, id));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(CAP);
	struct span text = span_of((const char *)data, size);
	size_t n = size > 0 ? data[0] % 32U : 0;
	struct span id = span_first(span_skip(text, 1), n);
	struct span value = span_skip(text, 1 + id.n);

	check_read(value, a);
	check_claims(value, id, a);
	check_written(id, value, MEMORY, a);
	check_written(id, value, 1 + size % 512, a);
	arena_free(a);
	return 0;
}
