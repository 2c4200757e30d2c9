#include "dkim/header.h"

#include <stdlib.h>

#include "lib/ascii.h"

struct entry { /* one field */
	uint64_t key;
	struct span name;
	size_t field;
	/* of the first entry of a name: how many of them `round` took */
	size_t taken;
	size_t round;
};

struct header_index {
	const struct mail_header *h;
	struct entry *entries; /* by name; those of a name from the bottom up */
	size_t n;
	size_t round;
};

/* FNV-1a of the name in lower case. */
static uint64_t
key_of(struct span name)
{
	uint64_t key = 0xcbf29ce484222325;

	for (size_t i = 0; i < name.n; i++)
		key = (key ^ ascii_lower((unsigned char)name.p[i])) *
		    0x100000001b3;
	return key;
}

static int
compare_names(struct span a, struct span b)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	if (span_equal(a, b)) /* as it is mostly */
		return 0;
	for (size_t i = 0; i < a.n; i++) {
		int difference = ascii_lower((unsigned char)a.p[i]) -
		    ascii_lower((unsigned char)b.p[i]);

		if (difference != 0)
			return difference;
	}
	return 0;
}

static int
compare_keys(const struct entry *a, const struct entry *b)
{
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return compare_names(a->name, b->name);
}

static int
compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = compare_keys(a, b);

	/* RFC 6376 section 5.4.2: from the bottom up */
	return order != 0 ? order
			  : (a->field < b->field) - (a->field > b->field);
}

struct header_index *
header_index_new(struct arena *a, const struct mail_header *h)
{
	struct header_index *x = arena_alloc(a, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->h = h;
	x->n = h->n;
	x->entries = arena_array(a, h->n, sizeof(*x->entries));
	if (x->entries == NULL)
		return NULL;
	for (size_t i = 0; i < h->n; i++)
		x->entries[i] =
		    (struct entry){ .key = key_of(h->fields[i].name),
			    .name = h->fields[i].name,
			    .field = i };
	qsort(x->entries, x->n, sizeof(*x->entries), compare_entries);
	return x;
}

/* The first entry of that name, the field at the bottom; x->n: none. */
static size_t
first_of(const struct header_index *x, struct span name)
{
	struct entry wanted = { .key = key_of(name), .name = name };
	size_t low = 0, high = x->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_keys(&x->entries[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < x->n && compare_keys(&x->entries[low], &wanted) == 0
	    ? low
	    : x->n;
}

static bool
is_same_name(const struct header_index *x, size_t first, size_t at)
{
	return at < x->n &&
	    compare_keys(&x->entries[first], &x->entries[at]) == 0;
}

size_t
header_index_count(struct header_index *x, struct span name)
{
	size_t first = first_of(x, name);
	size_t count = 0;

	while (first < x->n && is_same_name(x, first, first + count))
		count++;
	return count;
}

/*
 * The next field of that name from the bottom up that this round has not taken;
 * h->n: none is left, which stands for the null string (RFC 6376 section 5.4).
 * The signature itself was not there when it was made, and is passed over.
 */
static size_t
take(struct header_index *x, struct span name, size_t own)
{
	size_t first = first_of(x, name);
	struct entry *head;

	if (first == x->n)
		return x->h->n;
	head = &x->entries[first];
	if (head->round != x->round) {
		head->round = x->round;
		head->taken = 0;
	}
	while (is_same_name(x, first, first + head->taken)) {
		size_t field = x->entries[first + head->taken].field;

		head->taken++;
		if (field != own)
			return field;
	}
	return x->h->n;
}

void
header_fields(struct header_index *x, const struct signature *sig, size_t own,
    size_t *out)
{
	x->round++;
	for (size_t i = 0; i < sig->n_names; i++)
		out[i] = take(x, sig->names[i], own);
}

void
header_put(struct header_index *x, const struct signature *sig, size_t own,
    const struct canon_sink *sink)
{
	x->round++;
	for (size_t i = 0; i < sig->n_names; i++) {
		size_t field = take(x, sig->names[i], own);

		if (field == x->h->n)
			continue;
		canon_field(
		    sig->header, x->h->fields[field].raw, SPAN_NONE, sink);
		sink->put(sink->to, SPAN("\r\n"));
	}
	/* RFC 6376 section 3.7, hash step 2 */
	canon_field(sig->header, x->h->fields[own].raw, sig->b_cut, sink);
}

static void
put_hash(void *to, struct span bytes)
{
	crypto_hash_add(to, bytes);
}

bool
header_hash(struct header_index *x, const struct signature *sig, size_t own,
    uint8_t out[CRYPTO_HASH_SIZE])
{
	struct crypto_hash *hash = crypto_hash_new();
	struct canon_sink sink = { put_hash, hash };
	bool good = false;

	if (hash != NULL) {
		header_put(x, sig, own, &sink);
		good = crypto_hash_peek(hash, out);
	}
	crypto_hash_free(hash);
	return good;
}
