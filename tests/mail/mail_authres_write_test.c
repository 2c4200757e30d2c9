/* mail_authres_write_test.c - writes Authentication-Results (RFC 8601), and
 * reads it back. */
#include "mail/authres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/mail_text.h"
#include "tests/support/plainfield.h"

enum { CAP = 8 << 20 };

static struct span
write_one(struct authres_writer *w, struct buf b, const char *own,
    struct span comment, struct span reason, struct span value)
{
	authres_begin(w, b, SPAN("mx.example.org"));
	authres_method(w, "spf", "pass");
	authres_comment(w, own, comment);
	authres_reason(w, reason);
	authres_put(w, "smtp", "mailfrom", value);
	return authres_end(w);
}

static void
section_2_2_writes(void **state)
{
	char memory[4096];
	struct authres_writer w;

	(void)state;
	authres_begin(
	    &w, buf_wrap(memory, sizeof(memory)), SPAN("mx.example.org"));
	authres_comment(&w, "of nothing", SPAN_NONE);
	authres_reason(&w, SPAN("of nothing"));
	authres_put(&w, "smtp", "mailfrom", SPAN("of.nothing"));
	assert_string_equal(authres_end(&w).p, "mx.example.org; none");

	authres_begin(
	    &w, buf_wrap(memory, sizeof(memory)), SPAN("mx.example.org"));
	authres_method(&w, "dkim", "pass");
	authres_comment(&w, "2048 bits", SPAN_NONE);
	authres_put(&w, "header", "d", SPAN("b.example"));
	authres_put(&w, "header", "i", SPAN("@b.example"));
	authres_put(&w, "header", "b", SPAN("ab/c+"));
	authres_method(&w, "spf", "fail");
	authres_reason(&w, SPAN("not allowed"));
	authres_put(&w, "smtp", "mailfrom", SPAN("a=b@b.example"));
	authres_put(&w, "smtp", "helo", SPAN_NONE);
	authres_put(&w, "smtp", "rcptto", SPAN(""));
	authres_method(&w, "iprev", "pass");
	authres_put(&w, "policy", "iprev", SPAN("2001:db8::1"));
	assert_string_equal(authres_end(&w).p,
	    "mx.example.org;\n"
	    "\tdkim=pass (2048 bits) header.d=b.example header.i=@b.example\n"
	    "\theader.b=\"ab/c+\";\n"
	    "\tspf=fail reason=\"not allowed\";\n"
	    "\tiprev=pass policy.iprev=\"2001:db8::1\"");
	assert_false(w.text.full);
}

static void
section_2_2_ids(void **state)
{
	static const char *const vectors[][2] = {
		{ "example-auth", "example-auth; none" },
		{ "mx 1", "\"mx 1\"; none" },
		{ "a/b", "\"a/b\"; none" },
		{ "a\"b\\", "\"a'b/\"; none" },
		{ "a;b=(c)", "\"a,b [c]\"; none" },
		{ "a\r\nb", "\"a??b\"; none" },
		{ "b\303\274cher.example", "\"b??cher.example\"; none" },
		{ "", "\"\"; none" },
	};
	char memory[256];
	struct authres_writer w;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		authres_begin(&w, buf_wrap(memory, sizeof(memory)),
		    span_str(vectors[i][0]));
		assert_string_equal(authres_end(&w).p, vectors[i][1]);
	}
}

/* A vector is a value and how it is written; NULL: the property is left out. */
static void
section_2_2_values(void **state)
{
	static const char *const vectors[][2] = {
		{ "b.example", "b.example" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "localhost", "localhost" },
		{ "-a.example", "-a.example" },
		{ "a+b.example", "a+b.example" },
		{ "1.2.3.4", "1.2.3.4" },
		{ "2001:db8::1", "\"2001:db8::1\"" },
		{ "[192.0.2.1]", "\"[192.0.2.1]\"" },
		{ "ab/c+", "\"ab/c+\"" },
		{ "a@b.example", "a@b.example" },
		{ "a.b_c-d+e@b.example", "a.b_c-d+e@b.example" },
		{ "@b.example", "@b.example" },
		{ "a..b@b.example", "\"a..b@b.example\"" },
		{ "a@b..example", "\"a@b..example\"" },
		{ "a@", "\"a@\"" },
		{ "@localhost", "\"@localhost\"" },
		{ "@-b.example", "\"@-b.example\"" },
		{ "@b-.example", "\"@b-.example\"" },
		{ "a@[192.0.2.1]", "\"a@[192.0.2.1]\"" },
		{ "a,b", "\"a,b\"" },
		{ "", NULL },
		{ "a=b", NULL },
		{ "a=b@b.example", NULL },
		{ "a;b", NULL },
		{ "a(b", NULL },
		{ "a)b", NULL },
		{ "a b", NULL },
		{ "a\tb", NULL },
		{ "a\"b", NULL },
		{ "\"a b\"@b.example", NULL },
		{ "\"a\"@b.example", NULL },
		{ "a\\", NULL },
		{ "a\r\nX: y", NULL },
		{ "a\001", NULL },
		{ "a\177", NULL },
		{ "b\303\274cher.example", NULL },
		{ "\303\274@b.example", NULL },
		{ "\377", NULL },
	};
	char memory[256], want[256];
	struct authres_writer w;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		snprintf(want, sizeof(want), "mx.example.org;\n\tspf=pass%s%s",
		    vectors[i][1] != NULL ? " smtp.mailfrom=" : "",
		    vectors[i][1] != NULL ? vectors[i][1] : "");
		write_one(&w, buf_wrap(memory, sizeof(memory)), NULL, SPAN_NONE,
		    SPAN_NONE, span_str(vectors[i][0]));
		assert_string_equal(memory, want);
	}
	write_one(&w, buf_wrap(memory, sizeof(memory)), NULL, SPAN_NONE,
	    SPAN_NONE, SPAN("a\0b"));
	assert_string_equal(memory, "mx.example.org;\n\tspf=pass");
}

static void
section_2_2_comments(void **state)
{
	static const struct {
		const char *own;
		const char *text;
		const char *want;
	} vectors[] = {
		{ NULL, "a b", " (a b)" },
		{ NULL, "a (b) \\c", " (a [b] /c)" },
		{ NULL, "a\r\n b", " (a?? b)" },
		{ NULL, "a  b ", " (a b)" },
		{ NULL, " = ", "" },
		{ NULL, "", "" },
		{ NULL, NULL, "" },
		{ "", "a", " (a)" },
		{ "p=reject dis=none", NULL, " (p=reject dis=none)" },
		{ "p=reject dis=none", "a; p=none",
		    " (p=reject dis=none, a, p none)" },
		{ "own", "=", " (own)" },
		{ NULL,
		    "01234567890123456789012345678901234567890123456789012345"
		    "67 89",
		    " (01234567890123456789012345678901234567890123456789012345"
		    "67\n\t89)" },
	};
	char memory[256], want[256];
	struct authres_writer w;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		snprintf(want, sizeof(want), "mx.example.org;\n\tspf=pass%s",
		    vectors[i].want);
		write_one(&w, buf_wrap(memory, sizeof(memory)), vectors[i].own,
		    span_str(vectors[i].text), SPAN_NONE, SPAN_NONE);
		assert_string_equal(memory, want);
	}
}

static void
one_comment_per_place(void **state)
{
	char memory[256];
	struct authres_writer w;

	(void)state;
	authres_begin(&w, buf_wrap(memory, sizeof(memory)), SPAN("mx"));
	authres_comment(&w, "before any result", SPAN_NONE);
	authres_method(&w, "spf", "pass");
	authres_comment(&w, "a", SPAN_NONE);
	authres_comment(&w, "b", SPAN_NONE);
	authres_put(&w, "smtp", "helo", SPAN("left;out"));
	authres_comment(&w, "c", SPAN_NONE);
	authres_reason(&w, SPAN("="));
	authres_comment(&w, "d", SPAN_NONE);
	authres_put(&w, "smtp", "helo", SPAN("e"));
	authres_comment(&w, "f", SPAN_NONE);
	assert_string_equal(
	    authres_end(&w).p, "mx;\n\tspf=pass (a) smtp.helo=e (f)");
}

/* If a result is left out, so are its comment, reason and properties. */
static void
at_most_16_results(void **state)
{
	char memory[2048];
	struct authres_writer w;
	struct authres_result r;
	struct arena *a = arena_new(CAP);
	struct span id;
	struct scan s;
	size_t n = 0;

	(void)state;
	authres_begin(&w, buf_wrap(memory, sizeof(memory)), SPAN("mx"));
	for (int i = 0; i < 20; i++) {
		authres_method(&w, "dkim", i < 16 ? "pass" : "fail");
		authres_comment(&w, i < 16 ? "a" : "b", SPAN_NONE);
		authres_reason(&w, i < 16 ? SPAN("c") : SPAN("d"));
		authres_put(&w, "header", "d", i < 16 ? SPAN("e") : SPAN("f"));
	}
	s = scan_of(authres_end(&w));
	assert_true(authres_open(&s, a, &id));
	for (; authres_next(&s, a, &r) == AUTHRES_ONE; n++) {
		assert_true(span_is(r.result, "pass"));
		assert_true(span_is(r.reason, "c"));
		assert_true(span_is(r.properties, "header.d=e"));
	}
	assert_int_equal(n, 16);
	arena_free(a);
}

/* RFC 5322 section 2.1.1: 78 columns; a tab counts as 8. */
static void
lines_end_before_column_78(void **state)
{
	static const char line[] =
	    "mx.example.org;\n\tspf=pass smtp.mailfrom="; /* ends at column 31
	                                                   */
	char value[64], memory[256];
	struct authres_writer w;

	(void)state;
	memset(value, 'a', sizeof(value));
	for (size_t n = 40; n < 50; n++) {
		bool fits = 31 + n <= 76; /* a ";" may follow */

		write_one(&w, buf_wrap(memory, sizeof(memory)), NULL, SPAN_NONE,
		    SPAN_NONE, span_of(value, n));
		assert_int_equal(
		    memory[sizeof("mx.example.org;\n\tspf=pass") - 1],
		    fits ? ' ' : '\n');
		assert_int_equal(w.text.n, sizeof(line) - 1 + n + !fits);
	}
}

static void
long_text_is_truncated_and_long_values_are_omitted(void **state)
{
	static char value[2048], memory[8192];
	struct authres_writer w;
	struct arena *a = arena_new(CAP);
	struct authres_result r;
	struct span id, got;
	struct scan s;

	(void)state;
	memset(value, 'a', sizeof(value));
	for (size_t n = AUTHRES_VALUE_MAX - 4; n < AUTHRES_VALUE_MAX + 4; n++) {
		s = scan_of(write_one(&w, buf_wrap(memory, sizeof(memory)),
		    NULL, SPAN_NONE, span_of(value, n), span_of(value, n)));
		assert_true(authres_open(&s, a, &id));
		assert_int_equal(authres_next(&s, a, &r), AUTHRES_ONE);
		got = authres_property(&r, a, "smtp", "mailfrom");
		if (n <= AUTHRES_VALUE_MAX) {
			assert_true(span_equal(got, span_of(value, n)));
			assert_true(span_equal(r.reason, span_of(value, n)));
		} else {
			assert_null(got.p);
			assert_int_equal(r.reason.n, AUTHRES_VALUE_MAX);
			assert_true(span_ends_nocase(r.reason, "aaa..."));
		}
	}
	got = write_one(&w, buf_wrap(memory, sizeof(memory)), NULL,
	    span_of(value, 2000), SPAN_NONE, SPAN_NONE);
	assert_int_equal(got.n,
	    sizeof("mx.example.org;\n\tspf=pass\n\t()") - 1 +
		AUTHRES_COMMENT_MAX);
	assert_true(span_ends_nocase(got, "aaa...)"));
	arena_free(a);
}

/* ---- all readers read back what was written ---- */

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Returns text made of pieces that are likely to break a reader. */
static struct span
random_text(struct arena *a, uint64_t *seed)
{
	static const char *const pieces[] = { "\"", "\\", "(", ")", ";", "=",
		"@", ".", " ", "\t", "\r", "\n", "\r\n ", "a", "b.example",
		"x@y.example", "\"q r\"@z.example", "\303\274", "\377", "\001",
		"\177", "/", "none", "=?", "?=", "<", ">", "[", "]", ",", ":",
		"reason=", "dkim=pass", "; spf=pass ", "dmarc=pass", "  ",
		" header.from=bank.example", "\342\200\250", "0", "-", "'" };
	size_t most = next_random(seed) % 3 > 0 ? 12 : 3;
	size_t count = (size_t)(next_random(seed) % most);
	struct buf b = buf_alloc(a, 512);

	for (size_t i = 0; i < count; i++)
		buf_text(&b,
		    pieces[next_random(seed) %
			(sizeof(pieces) / sizeof(pieces[0]))]);
	return buf_view(&b);
}

static struct span
safe(struct arena *a, struct span s)
{
	struct buf b = buf_alloc(a, s.n + 1);

	buf_safe(&b, s, s.n + 4);
	return buf_view(&b);
}

/* Checks that a value is unchanged or missing. */
static bool
check_written_value(const struct authres_result *r, struct arena *a,
    const char *property, struct span value)
{
	struct span got = authres_property(r, a, "header", property);

	if (got.p == NULL)
		return false;
	assert_true(span_equal(got, value));
	assert_true(span_equal(got, safe(a, value)));
	return true;
}

static void
written_is_read_back(void **state)
{
	struct arena *a = arena_new(CAP);
	uint64_t seed = 0x9e3779b97f4a7c15U;
	size_t values = 0;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct span id = random_text(a, &seed);
		struct span reason = random_text(a, &seed);
		struct span value[3], got, text;
		struct authres_writer w;
		struct authres_result r;
		struct scan s;

		authres_begin(&w, buf_alloc(a, 8192), id);
		for (size_t i = 0; i < 3; i++) {
			value[i] = random_text(a, &seed);
			authres_method(&w, "dkim", "neutral");
			authres_comment(&w, NULL, random_text(a, &seed));
			authres_reason(&w, reason);
			authres_put(&w, "header", "d", value[i]);
			authres_comment(&w, NULL, random_text(a, &seed));
			authres_put(&w, "header", "s", reason);
		}
		text = authres_end(&w);
		assert_false(w.text.full);
		s = scan_of(text);
		assert_true(authres_open(&s, a, &got));
		assert_true(span_equal(got, safe(a, id)));
		if (!authres_claims(text, got))
			fail_msg("%.*s", SPAN_FMT(got));
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(authres_next(&s, a, &r), AUTHRES_ONE);
			assert_true(span_is(r.method, "dkim"));
			assert_true(span_is(r.result, "neutral"));
			assert_true(span_equal(r.reason, safe(a, reason)));
			values += check_written_value(&r, a, "d", value[i]);
			values += check_written_value(&r, a, "s", reason);
		}
		assert_int_equal(authres_next(&s, a, &r), AUTHRES_END);
		assert_int_equal(plainfield_check(text), 3);
		arena_rewind(a);
	}
	assert_true(values > 5000); /* many values were written */
	arena_free(a);
}

/* With a buffer of any size, the field must be well-formed, and complete unless
 * the buffer was full. */
static void
every_size_of_memory(void **state)
{
	struct arena *a = arena_new(CAP);
	uint64_t seed = 7;
	size_t results = 0;

	(void)state;
	for (size_t size = 0; size < 600; size++) {
		char *memory = size > 0 ? arena_alloc(a, size) : NULL;
		struct authres_writer w;
		struct authres_result r;
		enum authres_status step;
		struct span id, text;
		struct scan s;
		size_t n = 0;

		authres_begin(&w, buf_wrap(memory, size), SPAN("a b"));
		for (size_t i = 0; i < 3; i++) {
			authres_method(&w, "spf", "pass");
			authres_comment(&w, "p=none", SPAN("a (b) c"));
			authres_reason(&w, SPAN("\"d\" \\"));
			authres_put(&w, "smtp", "helo", SPAN("e:f"));
			authres_put(
			    &w, "smtp", "mailfrom", random_text(a, &seed));
		}
		text = authres_end(&w);
		assert_int_equal(w.text.full, size < 12 || w.text.full);
		if (text.n == 0) {
			assert_true(size < sizeof("\"a b\"; none"));
			continue;
		}
		assert_true(text.n < size);
		plainfield_check(text);
		s = scan_of(text);
		assert_true(authres_open(&s, a, &id));
		assert_true(span_is(id, "a b"));
		while ((step = authres_next(&s, a, &r)) == AUTHRES_ONE)
			n++;
		assert_int_equal(step, AUTHRES_END);
		assert_true(n > 0 || span_ends_nocase(text, "; none"));
		assert_true(n == 3 || w.text.full);
		results = n > results ? n : results;
		arena_rewind(a);
	}
	assert_int_equal(results, 3);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(section_2_2_writes),
		cmocka_unit_test(section_2_2_ids),
		cmocka_unit_test(section_2_2_values),
		cmocka_unit_test(section_2_2_comments),
		cmocka_unit_test(one_comment_per_place),
		cmocka_unit_test(at_most_16_results),
		cmocka_unit_test(lines_end_before_column_78),
		cmocka_unit_test(
		    long_text_is_truncated_and_long_values_are_omitted),
		cmocka_unit_test(written_is_read_back),
		cmocka_unit_test(every_size_of_memory),
	};

	return cmocka_run_group_tests_name(
	    "mail_authres_write", tests, NULL, NULL);
}
