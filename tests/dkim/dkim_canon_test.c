/* dkim_canon_test.c - canonicalization (RFC 6376 section 3.4), body hashes */
#include "dkim/canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dkim/crypto.h"
#include "lib/base64.h"
#include "lib/buf.h"
#include "lib/enum_names.h"
#include "tests/support/sign.h"

enum { ARENA = 1 << 20 };

struct dkim_canon_output {
	char *p;
	size_t n, room;
	size_t puts;
};

static void
save_dkim_canon(void *to, struct span bytes)
{
	struct dkim_canon_output *k = to;

	assert_true(bytes.n <= k->room - k->n);
	if (bytes.n > 0)
		memcpy(k->p + k->n, bytes.p, bytes.n);
	k->n += bytes.n;
	k->puts++;
}

/* Canonicalizes `body`, fed in chunks of `step` bytes, into `k`. */
static void
canonical_by(const struct canon_simd *ways, enum canon canon, struct span body,
    size_t step, struct dkim_canon_output *k)
{
	struct canon_body b;

	k->n = 0;
	k->puts = 0;
	canon_body_begin(&b, canon, (struct canon_sink){ save_dkim_canon, k });
	b.ways = ways;
	for (; body.n > 0; body = span_skip(body, step))
		canon_body_add(&b, span_first(body, step));
	canon_body_end(&b);
}

static void
canonical(enum canon canon, struct span body, size_t step,
    struct dkim_canon_output *k)
{
	canonical_by(canon_simd_best(), canon, body, step, k);
}

static struct dkim_canon_output
make_kept(size_t room)
{
	struct dkim_canon_output k = { .p = malloc(room), .room = room };

	assert_non_null(k.p);
	return k;
}

static void
expect_dkim_canon(enum canon canon, struct span body, size_t step,
    struct span want, struct dkim_canon_output *k)
{
	static const char *const names[] = { "best", "vectors", "words" };
	const struct canon_simd *ways[] = { canon_simd_best(),
		&canon_simd_plain, &canon_simd_words };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		canonical_by(ways[i], canon, body, step, k);
		if (!span_equal(span_of(k->p, k->n), want))
			fail_msg("%s (%s), chunks of %zu: \"%.*s\" (%zu bytes) "
				 "gives \"%.*s\" (%zu)",
			    canon == CANON_RELAXED ? "relaxed" : "simple",
			    names[i], step, SPAN_FMT(body), body.n, (int)k->n,
			    k->p, k->n);
	}
}

/* ---- bodies ---- */

struct dkim_canon_body_vector {
	const char *name, *body, *simple, *relaxed;
};

static const struct dkim_canon_body_vector bodies_of_text[] = {
	{ "3.4.5 example", " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n",
	    " C\r\nD E\r\n" },
	{ "3.4.3 empty", "", "\r\n", "" },
	{ "3.4.3 empty lines alone", "\r\n\r\n\r\n", "\r\n", "" },
	{ "3.4.4 lines of white space", " \r\n\t \r\n", " \r\n\t \r\n", "" },
	{ "3.4.3 no line end", "a", "a\r\n", "a\r\n" },
	{ "3.4.4 white space and no line end", "a \t", "a \t\r\n", "a\r\n" },
	{ "3.4.4 nothing but white space", " \t ", " \t \r\n", "" },
	{ "empty lines before text", "\r\n\r\na\r\n", "\r\n\r\na\r\n",
	    "\r\n\r\na\r\n" },
	{ "empty lines within", "a\r\n\r\n\r\nb\r\n\r\n", "a\r\n\r\n\r\nb\r\n",
	    "a\r\n\r\n\r\nb\r\n" },
	{ "3.4.4 one tab", "a\tb\r\n", "a\tb\r\n", "a b\r\n" },
	{ "3.4.4 white space first", "  a\r\n\t b\r\n", "  a\r\n\t b\r\n",
	    " a\r\n b\r\n" },
	{ "other controls are not white space", "a\vb\f\r\n", "a\vb\f\r\n",
	    "a\vb\f\r\n" },
	{ "bare LF", "a\nb \n\n", "a\r\nb \r\n", "a\r\nb\r\n" },
	{ "bare CR", "a\rb \r c\r\n", "a\rb \r c\r\n", "a\rb \r c\r\n" },
	{ "CR and CRLF", "a\r\r\n\r\r\n", "a\r\r\n\r\r\n", "a\r\r\n\r\r\n" },
	{ "CR at the end", "a\r\n\r", "a\r\n\r\r\n", "a\r\n\r\r\n" },
	{ "white space before a bare CR", "a \r", "a \r\r\n", "a \r\r\n" },
	{ "LF CR", "a\n\rb\n", "a\r\n\rb\r\n", "a\r\n\rb\r\n" },
};

static void
section_3_4_bodies(void **state)
{
	struct dkim_canon_output k = make_kept(1000);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies_of_text); i++) {
		const struct dkim_canon_body_vector *v = &bodies_of_text[i];

		for (size_t step = 1; step <= 20; step++) {
			expect_dkim_canon(CANON_SIMPLE, span_str(v->body), step,
			    span_str(v->simple), &k);
			expect_dkim_canon(CANON_RELAXED, span_str(v->body),
			    step, span_str(v->relaxed), &k);
		}
	}
	free(k.p);
}

static void
octets_of_a_line(void **state)
{
	struct dkim_canon_output k = make_kept(1000);
	static const char nul[] = "a\0b \0 \0\r\n";
	struct span text = span_of(nul, sizeof(nul) - 1);

	(void)state;
	for (size_t step = 1; step <= 12; step++) {
		expect_dkim_canon(CANON_SIMPLE, text, step, text, &k);
		expect_dkim_canon(CANON_RELAXED, text, step, text, &k);
	}
	free(k.p);
}

enum { LETTERS = 6, WORD = 5 };

static void
naive_too(enum canon canon, struct span body, size_t step,
    struct dkim_canon_output *k)
{
	size_t n;
	char *want = sign_body(canon == CANON_RELAXED, body, -1, &n);

	expect_dkim_canon(canon, body, step, span_of(want, n), k);
	free(want);
}

/*
 * Tests every string of up to five of these bytes, both alone and in a long
 * line at every offset within a vector: long lines are compared a vector at a
 * time.
 */
static void
every_short_text(void **state)
{
	static const char letters[LETTERS] = "a \t\r\n";
	struct dkim_canon_output k = make_kept(2000);
	char text[300];

	(void)state;
	for (unsigned number = 0; number < 9331; number++) {
		unsigned rest = number;
		size_t pad = 90 + number % 37;
		size_t n = 0;

		memset(text, 'x', sizeof(text));
		for (; rest > 0; rest = (rest - 1) / LETTERS)
			text[pad + n++] = letters[(rest - 1) % LETTERS];
		for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED;
		     canon++) {
			enum canon c = (enum canon)canon;
			struct span word = span_of(text + pad, n);

			naive_too(c, word, 100, &k);
			naive_too(c, word, 1, &k);
			naive_too(c, span_of(text, pad + n), 1000, &k);
			naive_too(c, span_of(text, pad + n + 80), 1000, &k);
			naive_too(c, span_of(text + pad, n + 80), 1000, &k);
		}
	}
	free(k.p);
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005 + 1442695040888963407;
	return *seed >> 33;
}

/* Generates random text, from mail-like to mostly white space, long enough to
 * contain runs that are not copied. */
static size_t
random_text(char *to, size_t size, uint64_t *seed)
{
	unsigned white = 1 + (unsigned)(next_random(seed) % 300);
	size_t n = 0;

	while (n < size) {
		uint64_t r = next_random(seed);
		static const char rare[] = " \t\r\n  \r\n";

		if (r % 79 == 0 && size - n >= 2) {
			to[n++] = '\r';
			to[n++] = '\n';
		} else if (r / 79 % white == 0) {
			to[n++] = rare[r / 100000 % 8];
		} else {
			to[n++] = (char)('!' + r / 1000 % 90);
		}
	}
	return n;
}

static void
random_texts(void **state)
{
	enum { SIZE = 70000 };
	struct dkim_canon_output k = make_kept(2 * SIZE);
	char *text = malloc(SIZE);
	uint64_t seed = 4711;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < 60; i++) {
		size_t n = 1 + next_random(&seed) % (SIZE - 1);
		size_t step = 1 + next_random(&seed) % n;

		random_text(text, n, &seed);
		for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED;
		     canon++) {
			naive_too((enum canon)canon, span_of(text, n), n, &k);
			naive_too(
			    (enum canon)canon, span_of(text, n), step, &k);
			naive_too((enum canon)canon, span_of(text, n), 7, &k);
		}
	}
	free(text);
	free(k.p);
}

/* Unchanged input is neither copied nor written in small pieces. */
static void
long_runs_go_uncopied(void **state)
{
	enum { SIZE = 1 << 20 };
	struct dkim_canon_output k = make_kept(SIZE + 2);
	char *text = malloc(SIZE);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < SIZE; i++)
		text[i] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : 'x';
	canonical(CANON_RELAXED, span_of(text, SIZE), SIZE, &k);
	assert_true(k.puts <= 2 * SIZE / CANON_BLOCK + 2);
	/* every line is changed, so the output is collected in blocks */
	for (size_t i = 70; i < SIZE; i += 78)
		text[i] = '\t';
	canonical(CANON_RELAXED, span_of(text, SIZE), SIZE, &k);
	assert_true(k.puts <= 2 * SIZE / CANON_BLOCK + 2);
	free(text);
	free(k.p);
}

/* ---- header fields ---- */

struct field_vector {
	const char *name, *raw, *relaxed;
};

static const struct field_vector fields[] = {
	{ "3.4.5 example 1", "A: X", "a:X" },
	{ "3.4.5 example 2", "B : Y\t\r\n\tZ  ", "b:Y Z" },
	{ "3.4.2 name", "SUBject: AbC", "subject:AbC" },
	{ "empty value", "Subject:", "subject:" },
	{ "empty value of white space", "Subject: \t ", "subject:" },
	{ "folded at the start", "Subject:\r\n x", "subject:x" },
	{ "folded to nothing", "Subject: x\r\n ", "subject:x" },
	{ "obs-FWS", "Subject: x\r\n \r\n y", "subject:x y" },
	{ "colons in the value", "A: b : c", "a:b : c" },
	{ "bare CR", "A: b\rc \r d", "a:b\rc \r d" },
	{ "no colon at all", "A", "a:" },
	{ "8-bit", "A:  \xc3\xbc  \xff ", "a:\xc3\xbc \xff" },
};

static void
field_is(enum canon canon, struct span raw, struct span cut, const char *want)
{
	struct dkim_canon_output k = make_kept(5000);
	struct canon_sink sink = { save_dkim_canon, &k };

	canon_field(canon, raw, cut, &sink);
	if (!span_is(span_of(k.p, k.n), want))
		fail_msg("\"%.*s\" gives \"%.*s\", want \"%s\"", SPAN_FMT(raw),
		    (int)k.n, k.p, want);
	free(k.p);
}

static void
section_3_4_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field_vector *v = &fields[i];

		field_is(
		    CANON_RELAXED, span_str(v->raw), SPAN_NONE, v->relaxed);
		field_is(CANON_SIMPLE, span_str(v->raw), SPAN_NONE, v->raw);
	}
}

static void
section_3_7_signature_value_is_cut_out(void **state)
{
	static const char raw[] = "D: b= \r\n abc\r\n def ; d=x";
	struct span field = span_str(raw);
	struct span cut = span_first(span_skip(field, 5), 14);

	(void)state;
	assert_true(span_is(cut, " \r\n abc\r\n def "));
	field_is(CANON_RELAXED, field, cut, "d:b=; d=x");
	field_is(CANON_SIMPLE, field, cut, "D: b=; d=x");
	cut = span_skip(field, 5);
	field_is(CANON_RELAXED, field, cut, "d:b=");
	field_is(CANON_SIMPLE, field, cut, "D: b=");
}

/* A value longer than the block that collects it. */
static void
long_field(void **state)
{
	char raw[4000], want[4000];
	size_t n = 0, m = 0;

	(void)state;
	raw[n++] = 'A';
	raw[n++] = ':';
	want[m++] = 'a';
	want[m++] = ':';
	for (unsigned i = 0; i < 1200; i++) {
		raw[n++] = (char)('a' + i % 26);
		raw[n++] = ' ';
		raw[n++] = ' ';
		want[m++] = (char)('a' + i % 26);
		want[m++] = ' ';
	}
	want[m - 1] = '\0';
	field_is(CANON_RELAXED, span_of(raw, n), SPAN_NONE, want);
}

/* ---- body hashes ---- */

static void
hash_is(struct body_hashes *b, int handle, const char *want)
{
	char text[100];
	struct buf got = buf_wrap(text, sizeof(text));
	const uint8_t *hash = body_hashes_get(b, handle);

	assert_non_null(hash);
	base64_encode(&got, span_of((const char *)hash, BODY_HASH_SIZE));
	assert_string_equal(text, want);
}

/* published in RFC 6376 sections 3.4.3 and 3.4.4 */
#define HASH_OF_CRLF "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="
#define HASH_OF_NOTHING "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static void
hashes_of_the_empty_body(void **state)
{
	struct arena *a = arena_new(ARENA);
	struct body_hashes *b = body_hashes_new(a);
	int simple = body_hashes_request(b, CANON_SIMPLE, BODY_WHOLE);
	int relaxed = body_hashes_request(b, CANON_RELAXED, BODY_WHOLE);
	int none = body_hashes_request(b, CANON_SIMPLE, 0);
	int more = body_hashes_request(b, CANON_SIMPLE, 3);

	(void)state;
	assert_true(body_hashes_needed(b));
	body_hashes_add(b, SPAN_NONE);
	body_hashes_end(b);
	hash_is(b, simple, HASH_OF_CRLF);
	hash_is(b, relaxed, HASH_OF_NOTHING);
	hash_is(b, none, HASH_OF_NOTHING);
	assert_true(body_hashes_is_short(b, more));
	assert_false(body_hashes_is_short(b, simple));
	assert_int_equal(body_hashes_length(b, simple), 2);
	assert_int_equal(body_hashes_length(b, relaxed), 0);
	body_hashes_free(b);
	arena_free(a);
}

static void
equal_requests_share_a_hash(void **state)
{
	struct arena *a = arena_new(ARENA);
	struct body_hashes *b = body_hashes_new(a);

	(void)state;
	assert_false(body_hashes_needed(b));
	for (int i = 0; i < BODY_HASHES_MAX; i++)
		assert_int_equal(
		    body_hashes_request(b, CANON_SIMPLE, (uint64_t)i), i);
	for (int i = 0; i < BODY_HASHES_MAX; i++)
		assert_int_equal(
		    body_hashes_request(b, CANON_SIMPLE, (uint64_t)i), i);
	assert_int_equal(body_hashes_request(b, CANON_RELAXED, 0), -1);
	assert_int_equal(body_hashes_request(b, CANON_SIMPLE, BODY_WHOLE), -1);
	assert_null(body_hashes_get(b, -1));
	assert_int_equal(body_hashes_length(b, -1), 0);
	assert_false(body_hashes_is_short(b, -1));
	body_hashes_free(b);
	arena_free(a);
}

/* Requests hashes of one body for many values of l= at once, and compares each
 * with a hash of that many bytes. */
static void
every_length(void **state)
{
	static const char text[] = "Hi.\r\n\r\nWe lost  the game. \r\n\r\n";
	struct span body = span_str(text);
	int want[BODY_HASHES_MAX];

	(void)state;
	for (size_t step = 1; step <= body.n; step++) {
		struct arena *a = arena_new(ARENA);
		struct body_hashes *b = body_hashes_new(a);

		for (int i = BODY_HASHES_MAX - 1; i >= 0; i--)
			want[i] =
			    body_hashes_request(b, CANON_RELAXED, (uint64_t)i);
		for (struct span s = body; s.n > 0; s = span_skip(s, step))
			body_hashes_add(b, span_first(s, step));
		body_hashes_end(b);
		for (int i = 0; i < BODY_HASHES_MAX; i++) {
			struct crypto_hash *h = crypto_hash_new();
			uint8_t hash[CRYPTO_HASH_SIZE];
			size_t n;
			char *canon = sign_body(true, body, i, &n);

			crypto_hash_add(h, span_of(canon, n));
			assert_true(crypto_hash_snapshot(h, hash));
			assert_memory_equal(
			    body_hashes_get(b, want[i]), hash, sizeof(hash));
			assert_int_equal(
			    body_hashes_is_short(b, want[i]), i > 26);
			assert_int_equal(body_hashes_length(b, want[i]), 26);
			crypto_hash_free(h);
			free(canon);
		}
		body_hashes_free(b);
		arena_free(a);
	}
}

/* Memory use does not grow with the length of the body. */
static void
memory_of_a_long_body(void **state)
{
	static char chunk[65535];
	struct arena *a = arena_new(ARENA);
	struct body_hashes *b = body_hashes_new(a);
	int relaxed = body_hashes_request(b, CANON_RELAXED, BODY_WHOLE);
	int simple = body_hashes_request(b, CANON_SIMPLE, 1 << 20);
	size_t used;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	chunk[1000] = ' ';
	body_hashes_add(b, SPAN("first\r\n"));
	used = arena_used(a);
	for (unsigned i = 0; i < 200; i++)
		body_hashes_add(b, span_of(chunk, sizeof(chunk)));
	body_hashes_end(b);
	assert_int_equal(arena_used(a), used);
	assert_int_equal(
	    body_hashes_length(b, relaxed), 200 * sizeof(chunk) + 9);
	assert_int_equal(
	    body_hashes_length(b, simple), 200 * sizeof(chunk) + 9);
	assert_non_null(body_hashes_get(b, relaxed));
	assert_non_null(body_hashes_get(b, simple));
	body_hashes_free(b);
	arena_free(a);
}

static void
dkim_canon_without_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned long at = 1; failed; at++) {
		struct arena *a = arena_new(ARENA);
		struct body_hashes *b;

		arena_fail_at(a, at);
		b = body_hashes_new(a);
		if (b != NULL) {
			int handle =
			    body_hashes_request(b, CANON_SIMPLE, BODY_WHOLE);

			body_hashes_add(b, SPAN("\r\n"));
			body_hashes_end(b);
			assert_true(handle >= 0);
			if (arena_has_failed(a))
				assert_null(body_hashes_get(b, handle));
			else
				hash_is(b, handle, HASH_OF_CRLF);
			body_hashes_free(b);
		}
		failed = arena_has_failed(a);
		arena_free(a);
	}
}

static void
cryptography_is_available(void **state)
{
	(void)state;
	assert_true(crypto_start());
	assert_true(crypto_start());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cryptography_is_available),
		cmocka_unit_test(section_3_4_bodies),
		cmocka_unit_test(octets_of_a_line),
		cmocka_unit_test(every_short_text),
		cmocka_unit_test(random_texts),
		cmocka_unit_test(long_runs_go_uncopied),
		cmocka_unit_test(section_3_4_fields),
		cmocka_unit_test(section_3_7_signature_value_is_cut_out),
		cmocka_unit_test(long_field),
		cmocka_unit_test(hashes_of_the_empty_body),
		cmocka_unit_test(equal_requests_share_a_hash),
		cmocka_unit_test(every_length),
		cmocka_unit_test(memory_of_a_long_body),
		cmocka_unit_test(dkim_canon_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
