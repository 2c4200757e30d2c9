#include "dkim/header_hash.h"

#include <stdlib.h>

#include "lib/ascii.h"

struct name_range { /* all fields with the same name */
	uint64_t key;
	struct span name;
	size_t bottom, top; /* last and first field with that name */
	size_t next;        /* next field not yet used in `round` */
	size_t round;
};

struct header_index {
	const struct mail_header *h;
	struct name_range *entries; /* sorted by name */
	size_t n;
	size_t *above; /* for each field, the next one above it with the same
	                  name, or the number of fields if there is none */
	size_t round;
};

/* Returns the FNV-1a hash of the name in lower case. */
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
	if (span_equal(a, b)) /* the common case */
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
compare_keys(const struct name_range *a, const struct name_range *b)
{
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return compare_names(a->name, b->name);
}

static int
compare_entries(const void *left, const void *right)
{
	const struct name_range *a = left, *b = right;
	int order = compare_keys(a, b);

	/* RFC 6376 section 5.4.2: from the bottom up */
	return order != 0 ? order
			  : (a->bottom < b->bottom) - (a->bottom > b->bottom);
}

/* Makes one entry for adjacent fields with the same name, such as trace fields,
 * so that there is little to sort even with hundreds of signatures. */
static void
enter_fields(struct header_index *x)
{
	for (size_t i = 0; i < x->h->n; i++) {
		struct span name = x->h->fields[i].name;
		struct name_range *last =
		    x->n > 0 ? &x->entries[x->n - 1] : NULL;

		x->above[i] = x->h->n;
		if (last != NULL && compare_names(last->name, name) == 0) {
			x->above[i] = last->bottom;
			last->bottom = i;
			continue;
		}
		x->entries[x->n++] = (struct name_range){
			.key = key_of(name), .name = name, .bottom = i, .top = i
		};
	}
}

/* Merges sorted entries into one for each name. */
static void
join_entries(struct header_index *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++) {
		struct name_range *one = &x->entries[i];
		struct name_range *last = n > 0 ? &x->entries[n - 1] : NULL;

		if (last == NULL || compare_keys(last, one) != 0) {
			x->entries[n++] = *one;
			continue;
		}
		x->above[last->top] = one->bottom;
		last->top = one->top;
	}
	x->n = n;
}

struct header_index *
header_index_new(struct arena *a, const struct mail_header *h)
{
	struct header_index *x = arena_alloc(a, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->h = h;
	x->entries = arena_array(a, h->n, sizeof(*x->entries));
	x->above = arena_array(a, h->n, sizeof(*x->above));
	if (x->entries == NULL || x->above == NULL)
		return NULL;
	enter_fields(x);
	qsort(x->entries, x->n, sizeof(*x->entries), compare_entries);
	join_entries(x);
	return x;
}

/* Returns NULL if there is no such field. */
static struct name_range *
entry_of(const struct header_index *x, struct span name)
{
	struct name_range wanted = { .key = key_of(name), .name = name };
	size_t low = 0, high = x->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_keys(&x->entries[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < x->n && compare_keys(&x->entries[low], &wanted) == 0
	    ? &x->entries[low]
	    : NULL;
}

/* Returns the index of the last field with that name, or the number of fields
 * in the header if there is none. */
static size_t
bottom_of(const struct header_index *x, struct span name)
{
	const struct name_range *e = entry_of(x, name);

	return e != NULL ? e->bottom : x->h->n;
}

size_t
header_index_count(const struct header_index *x, struct span name)
{
	size_t n = 0;

	for (size_t i = bottom_of(x, name); i < x->h->n; i = x->above[i])
		n++;
	return n;
}

void
header_index_fields(const struct header_index *x, struct span name, size_t *out)
{
	size_t n = header_index_count(x, name);

	for (size_t i = bottom_of(x, name); n > 0; i = x->above[i])
		out[--n] = i;
}

/*
 * Returns the next field with that name, from the bottom up, that this
 * signature has not used yet.  Returns h->n if none is left: a missing field
 * counts as the null string (RFC 6376 section 5.4).  The signature's own field
 * is skipped, because it did not exist when the hash was signed.
 */
static size_t
take(struct header_index *x, struct span name, size_t own)
{
	struct name_range *e = entry_of(x, name);

	if (e == NULL)
		return x->h->n;
	if (e->round != x->round) {
		e->round = x->round;
		e->next = e->bottom;
	}
	while (e->next < x->h->n) {
		size_t field = e->next;

		e->next = x->above[field];
		if (field != own)
			return field;
	}
	return x->h->n;
}

void
header_hash_fields(struct header_index *x, const struct signature *sig,
    size_t own, size_t *out)
{
	x->round++;
	for (size_t i = 0; i < sig->n_names; i++)
		out[i] = take(x, sig->names[i], own);
}

static void
put_named_fields(struct header_index *x, const struct signature *sig,
    size_t own, const struct canon_sink *sink)
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
}

void
header_hash_put(struct header_index *x, const struct signature *sig, size_t own,
    const struct canon_sink *sink)
{
	put_named_fields(x, sig, own, sink);
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
		header_hash_put(x, sig, own, &sink);
		good = crypto_hash_snapshot(hash, out);
	}
	crypto_hash_free(hash);
	return good;
}

bool
header_hash_to_sign(struct header_index *x, const struct signature *sig,
    struct span raw, uint8_t out[CRYPTO_HASH_SIZE])
{
	struct crypto_hash *hash = crypto_hash_new();
	struct canon_sink sink = { put_hash, hash };
	bool good = false;

	if (hash != NULL) {
		put_named_fields(x, sig, x->h->n, &sink);
		canon_field(sig->header, raw, SPAN_NONE, &sink);
		good = crypto_hash_snapshot(hash, out);
	}
	crypto_hash_free(hash);
	return good;
}
