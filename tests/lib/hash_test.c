/* hash_test.c - SipHash-1-3 of the salt (eight bytes) and the data */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/hash.h"

struct hash_vector {
	uint64_t salt;
	const char *text;
	uint64_t want;
};

/* Computed by another implementation, with an all-zero secret. */
static const struct hash_vector vectors[] = {
	{ 0, "", 0xbd60acb658c79e45U },
	{ 16, "example", 0xdc3f4eca00015a4cU },
	{ 16, "example.org", 0x8350d1b9235a8a40U },
	{ 1, "sel._domainkey.example.org", 0xe0b96115c19e6deaU },
	{ 28, "12345678", 0x79f0848052cd20c4U },
};

static void
siphash_1_3(void **state)
{
	const struct hash_secret zero = { 0, 0 };
	const struct hash_secret other = { 0, 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		const struct hash_vector *v = &vectors[i];
		struct span text = span_str(v->text);

		if (hash_span(zero, text, v->salt) != v->want)
			fail_msg("\"%s\"", v->text);
		assert_true(hash_span(zero, text, v->salt + 1) != v->want);
		assert_true(hash_span(other, text, v->salt) != v->want);
	}
}

static void
secrets_differ(void **state)
{
	struct hash_secret a = hash_secret_new();
	struct hash_secret b = hash_secret_new();

	(void)state;
	assert_true(a.a != b.a || a.b != b.b);
}

static void
text_and_back(void **state)
{
	const struct hash_secret largest = { UINT64_MAX, UINT64_MAX };
	char memory[HASH_SECRET_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct hash_secret got = { 1, 2 };

	(void)state;
	assert_false(hash_secret_read(SPAN(""), &got));
	assert_false(hash_secret_read(SPAN("5"), &got));
	assert_false(hash_secret_read(SPAN("5 "), &got));
	assert_false(hash_secret_read(SPAN("18446744073709551616 1"), &got));
	assert_true(got.a == 1 && got.b == 2);
	hash_secret_put(&b, largest);
	assert_false(b.full);
	assert_true(hash_secret_read(buf_view(&b), &got));
	assert_true(got.a == UINT64_MAX && got.b == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_1_3),
		cmocka_unit_test(secrets_differ),
		cmocka_unit_test(text_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
