/*
 * dkim_signature_fuzz.c - reads arbitrary bytes as the value of a
 * DKIM-Signature, an ARC-Message-Signature or an ARC-Seal; the first byte
 * selects which.
 */
#include <assert.h>
#include <stdint.h>

#include "dkim/arc.h"
#include "dkim/signature.h"
#include "lib/domain.h"

enum { INPUT_MAX = 65536, ARENA = 1 << 21 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_inside(struct span part, struct span whole)
{
	return part.p == NULL ||
	    (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* Checks what callers rely on if a signature has no errors. */
static void
check_good(const struct signature *sig, enum signature_kind kind)
{
	assert(sig->algorithm != SIGNATURE_UNKNOWN);
	assert(sig->b.n > 0 && sig->b_cut.p != NULL);
	assert(domain_is_fqdn(sig->domain));
	assert(domain_is_hostname(sig->selector));
	if (kind == SIGNATURE_SEAL) {
		assert(sig->n_names == 0);
	} else {
		assert(sig->bh.n == BODY_HASH_SIZE);
		assert(sig->n_from > 0 && sig->n_from <= sig->n_names);
	}
	if (kind == SIGNATURE_DKIM)
		assert(domain_is_under(sig->identity_domain, sig->domain));
	else
		assert(sig->instance > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(ARENA);
	struct signature_peek sketch;
	struct signature sig;

	if (a != NULL && size > 0 && size <= INPUT_MAX) {
		enum signature_kind kind = (enum signature_kind)(data[0] % 3);
		struct span value = span_of((const char *)data + 1, size - 1);

		assert(signature_read(value, kind, a, &sig));
		assert(is_inside(sig.b_cut, value));
		assert(sig.b_cut.p == NULL || is_inside(sig.b_text, sig.b_cut));
		assert(sig.instance <= ARC_INSTANCES_MAX);
		assert(sig.n_names <= SIGNATURE_NAMES_MAX);
		for (size_t i = 0; i < sig.n_names; i++)
			assert(sig.names[i].n > 0 &&
			    is_inside(sig.names[i], value));
		if (sig.fault == NULL)
			check_good(&sig, kind);
		signature_peek(value, &sketch);
		assert(is_inside(sketch.domain, value));
		assert(is_inside(signature_domain(value), value));
		assert(signature_instance(&value) <= ARC_INSTANCES_MAX);
	}
	arena_free(a);
	return 0;
}
