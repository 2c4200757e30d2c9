/* arena_test.c - the capped bump allocator */
#include "lib/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void
zeroed_and_aligned(void **state)
{
	struct arena *a = arena_new(1 << 20);

	(void)state;
	assert_non_null(a);
	for (int run = 0; run < 2; run++) {
		for (size_t n = 0; n < 500; n++) {
			char *p = arena_alloc(a, n);

			assert_non_null(p);
			assert_int_equal(
			    (uintptr_t)p % alignof(max_align_t), 0);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0xff, n);
		}
		arena_rewind(a);
	}
	arena_free(a);
}

/* Large and small blocks allocated in turn must not overlap. */
static void
nothing_overlaps(void **state)
{
	enum { COUNT = 60 };
	static const size_t sizes[] = { 1, 5000, 16, 70000, 3, 4096, 200 };
	struct arena *a = arena_new(4 << 20);
	unsigned char *p[COUNT];
	size_t n[COUNT];

	(void)state;
	assert_non_null(a);
	for (size_t run = 0; run < 3; run++) {
		for (size_t i = 0; i < COUNT; i++) {
			n[i] = sizes[(i * (run + 1) + run) % 7];
			p[i] = arena_alloc(a, n[i]);
			assert_non_null(p[i]);
			memset(p[i], (int)i + 1, n[i]);
		}
		for (size_t i = 0; i < COUNT; i++)
			for (size_t k = 0; k < n[i]; k++)
				assert_int_equal(p[i][k], i + 1);
		assert_false(arena_has_failed(a));
		arena_rewind(a);
	}
	arena_free(a);
}

static void
cap(void **state)
{
	struct arena *a = arena_new(10000);

	(void)state;
	assert_non_null(a);
	assert_null(arena_alloc(a, 10001));
	assert_true(arena_has_failed(a));
	arena_rewind(a);
	assert_false(arena_has_failed(a));
	assert_int_equal(arena_used(a), 0);
	for (int i = 0; i < 10; i++)
		assert_non_null(arena_alloc(a, 992));
	assert_int_equal(arena_used(a), 9920);
	assert_null(arena_alloc(a, 81));
	assert_non_null(arena_alloc(a, 80));
	assert_null(arena_alloc(a, 0));
	assert_true(arena_used(a) <= 10000);
	arena_rewind(a);
	assert_non_null(arena_alloc(a, 10000));
	arena_free(a);

	a = arena_new(0);
	assert_non_null(a);
	assert_null(arena_alloc(a, 1));
	arena_free(a);
	arena_free(NULL);
}

static void
sizes_that_overflow(void **state)
{
	struct arena *a = arena_new(SIZE_MAX);

	(void)state;
	assert_non_null(a);
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_alloc(a, SIZE_MAX - 15));
	assert_null(arena_alloc(a, SIZE_MAX - 40));
	assert_null(arena_array(a, SIZE_MAX / 2 + 1, 2));
	assert_null(arena_array(a, 2, SIZE_MAX));
	assert_true(arena_has_failed(a));
	assert_non_null(arena_array(a, 10, 20));
	assert_non_null(arena_array(a, 0, 20));
	assert_non_null(arena_array(a, 10, 0));
	assert_null(arena_copy(a, span_of("", SIZE_MAX)).p);
	arena_free(a);
}

static void
copies(void **state)
{
	struct arena *a = arena_new(1000);
	struct span copy;

	(void)state;
	assert_non_null(a);
	copy = arena_copy(a, SPAN("a\0b"));
	assert_int_equal(copy.n, 3);
	assert_memory_equal(copy.p, "a\0b", 4);
	copy = arena_copy(a, SPAN_NONE);
	assert_true(copy.p != NULL && copy.n == 0);
	arena_fail_at(a, 1);
	assert_null(arena_copy(a, SPAN("x")).p);
	arena_free(a);
}

static void
failing_on_purpose(void **state)
{
	struct arena *a = arena_new(1000);

	(void)state;
	assert_non_null(a);
	arena_fail_at(a, 3);
	assert_non_null(arena_alloc(a, 1));
	arena_rewind(a);
	assert_non_null(arena_alloc(a, 1));
	assert_false(arena_has_failed(a));
	assert_null(arena_alloc(a, 1));
	assert_true(arena_has_failed(a));
	arena_rewind(a);
	assert_null(arena_alloc(a, 1));
	arena_fail_at(a, 0);
	assert_non_null(arena_alloc(a, 1));
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed_and_aligned),
		cmocka_unit_test(nothing_overlaps),
		cmocka_unit_test(cap),
		cmocka_unit_test(sizes_that_overflow),
		cmocka_unit_test(copies),
		cmocka_unit_test(failing_on_purpose),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
