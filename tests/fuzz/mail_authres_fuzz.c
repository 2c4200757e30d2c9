/*
 * mail_authres_fuzz.c - reads arbitrary bytes as Authentication-Results (RFC
 * 8601), writes fields and reads them back, and tests authres_claims().  The
 * first byte is the length of the authserv-id, which follows it.
 */
#include <assert.h>
#include <stdint.h>

#include "lib/ascii.h"
#include "mail/authres.h"
#include "tests/support/plainfield.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 8 << 20, MEMORY = 16384 };

static void
check_read(struct span value, struct arena *a)
{
	struct scan s = scan_of(value);
	struct authres_result r;
	enum authres_status step;
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

static struct span
safe(struct arena *a, struct span s, size_t max)
{
	struct buf b = buf_alloc(a, s.n + 5);

	buf_safe(&b, s, max);
	assert(b.n <= max && !b.full);
	for (size_t i = 0; i < b.n; i++)
		assert(ascii_is_print((unsigned char)b.p[i]) &&
		    !span_has(SPAN(";=\"()\\"), b.p[i]));
	return buf_view(&b);
}

/* Checks that a value is unchanged or absent. */
static void
check_authres_value(const struct authres_result *r, struct arena *a,
    const char *property, struct span value)
{
	struct span got = authres_property(r, a, "header", property);

	assert(got.p == NULL ||
	    (span_equal(got, value) &&
		span_equal(got, safe(a, value, AUTHRES_VALUE_MAX))));
}

/* Writes a field in at most `room` bytes, which may truncate it, and reads it
 * back. */
static void
check_written(struct span id, struct span text, size_t room, struct arena *a)
{
	struct span one = span_first(text, text.n / 2);
	struct span two = span_skip(text, text.n / 2);
	struct authres_writer w;
	struct authres_result r;
	struct span got, written;
	struct scan s;
	size_t n;

	authres_begin(&w, buf_alloc(a, room), id);
	for (size_t i = 0; i < 2; i++) {
		authres_method(&w, "dkim", "policy");
		authres_comment(&w, NULL, one);
		authres_reason(&w, two);
		authres_put(&w, "header", "d", one);
		authres_put(&w, "header", "i", two);
		authres_comment(&w, NULL, two);
	}
	written = authres_end(&w);
	assert(written.n < room && (room < MEMORY || !w.text.full));
	if (written.n == 0)
		return;
	n = plainfield_check(written);
	assert(w.text.full ? n < 3 : n == 2);
	s = scan_of(written);
	assert(authres_open(&s, a, &got));
	assert(span_equal(got, safe(a, id, AUTHRES_VALUE_MAX)));
	assert(authres_claims(written, got));
	for (size_t i = 0; i < 2 && !w.text.full; i++) {
		assert(authres_next(&s, a, &r) == AUTHRES_ONE);
		assert(span_equal(r.reason, safe(a, two, AUTHRES_VALUE_MAX)));
		check_authres_value(&r, a, "d", one);
		check_authres_value(&r, a, "i", two);
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

enum simple {
	SIMPLE_TEXT,   /* comments are read as text */
	SIMPLE_FLAT,   /* the first ")" ends a comment */
	SIMPLE_NESTED, /* comments nest, and backslashes escape */
	SIMPLE_RAW,    /* comments nest, and backslashes have no meaning */
	SIMPLE_KINDS,
};

/* Returns the value without comments, quotes and backslashes and, if `joined`
 * is set, without white space around dots, which OpenDMARC ignores. */
static struct span
simplified(struct arena *a, struct span value, enum simple kind, bool joined)
{
	struct buf b = buf_alloc(a, value.n + 1);
	size_t depth = 0;

	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '\\' && kind != SIMPLE_RAW && kind != SIMPLE_FLAT) {
			if (++i < value.n && depth == 0)
				buf_byte(&b, value.p[i]);
		} else if (c == '(' && kind != SIMPLE_TEXT) {
			depth = kind == SIMPLE_FLAT ? 1 : depth + 1;
		} else if (c == ')' && depth > 0) {
			depth--;
		} else if (depth == 0 && c != '\\' && c != '"') {
			if (joined && c == '.')
				while (b.n > 0 &&
				    ascii_is_space((unsigned char)b.p[b.n - 1]))
					buf_cut(&b, b.n - 1);
			if (joined && ascii_is_space((unsigned char)c) &&
			    b.n > 0 && b.p[b.n - 1] == '.')
				continue;
			buf_byte(&b, c);
		}
	}
	return buf_view(&b);
}

/* If any of the readers sees `id` as the first word of the field, the field
 * must be removed. */
static void
check_claims(struct span value, struct span id, struct arena *a)
{
	bool claims = authres_claims(value, id);
	struct span got;
	struct scan s = scan_of(value);
	struct buf memory = buf_alloc(a, value.n + 1);

	if (id.n == 0 || !span_all(id, is_name) ||
	    !ascii_is_alnum((unsigned char)id.p[0]) ||
	    !ascii_is_alnum((unsigned char)id.p[id.n - 1]))
		return;
	got = authres_id(value, &memory);
	assert(claims || !span_equal_nocase(got, id));
	if (authres_open(&s, a, &got))
		assert(claims || !span_equal_nocase(got, id));
	for (enum simple kind = 0; kind < SIMPLE_KINDS; kind++)
		for (int joined = 0; joined < 2; joined++) {
			s = scan_of(simplified(a, value, kind, joined));
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
