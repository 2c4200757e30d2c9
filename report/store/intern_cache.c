#include "report/store/intern_cache.h"

#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/enum_names.h"

struct intern_cache {
	struct hash_secret secrets[2];
	struct intern_slot slots[INTERN_SLOTS];
};

struct intern_cache *
intern_cache_new(void)
{
	struct intern_cache *c = calloc(1, sizeof(*c));

	for (size_t i = 0; c != NULL && i < ARRAY_SIZE(c->secrets); i++)
		c->secrets[i] = hash_secret_new();
	return c;
}

void
intern_cache_free(struct intern_cache *c)
{
	free(c);
}

void
intern_cache_clear(struct intern_cache *c)
{
	memset(c->slots, 0, sizeof(c->slots));
}

struct intern_slot *
intern_cache_slot(struct intern_cache *c, unsigned table, struct span text)
{
	const uint64_t hash[2] = {
		hash_span(c->secrets[0], text, table),
		hash_span(c->secrets[1], text, table),
	};
	struct intern_slot *slot = &c->slots[hash[0] % INTERN_SLOTS];

	if (slot->hash[0] != hash[0] || slot->hash[1] != hash[1])
		*slot = (struct intern_slot){ .hash = { hash[0], hash[1] } };
	return slot;
}
