/*
 * domain_fuzz.c - reads arbitrary bytes as a name.  Its normal form must be
 * valid, in lower-case ASCII, and its own normal form; labels and parents must
 * be consistent.
 */
#include <assert.h>
#include <stdint.h>

#include "lib/ascii.h"
#include "lib/domain.h"

enum { ARENA = 65536 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_normal(unsigned char c)
{
	return ascii_is_print(c) && ascii_lower(c) == c;
}

static void
check_normal(struct arena *a, struct span name)
{
	struct span normal = domain_normal(a, name);

	assert(!arena_has_failed(a));
	if (normal.p == NULL)
		return;
	assert(domain_is_valid(normal) && span_all(normal, is_normal));
	assert(normal.p[normal.n - 1] != '.');
	assert(span_equal(domain_normal(a, normal), normal));
}

static void
check_labels(struct span name)
{
	size_t n = domain_labels(name);
	struct span whole = domain_suffix(name, n);

	assert(domain_is_valid(name) || !domain_is_hostname(name));
	assert(domain_is_hostname(name) || !domain_is_fqdn(name));
	if (!domain_is_valid(name))
		return;
	assert(n > 0 && n <= DOMAIN_LABELS_MAX);
	assert(domain_equal(whole, name));
	for (struct span rest = whole; n > 0; n--) {
		assert(span_equal(domain_suffix(name, n), rest));
		assert(domain_labels(rest) == n);
		assert(domain_is_under(name, rest));
		rest = domain_parent(rest);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(ARENA);
	struct span name = span_of((const char *)data, size);

	if (a != NULL) {
		check_normal(a, name);
		check_labels(name);
	}
	arena_free(a);
	return 0;
}
