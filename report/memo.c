#include "report/memo.h"

#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/table.h"

struct memo {
	struct hash_secret secrets[2];
	struct memo_slot slots[MEMO_SLOTS];
};

struct memo *
memo_new(void)
{
	struct memo *m = calloc(1, sizeof(*m));

	for (size_t i = 0; m != NULL && i < TABLE_SIZE(m->secrets); i++)
		m->secrets[i] = hash_secret_new();
	return m;
}

void
memo_free(struct memo *m)
{
	free(m);
}

void
memo_clear(struct memo *m)
{
	memset(m->slots, 0, sizeof(m->slots));
}

struct memo_slot *
memo_slot(struct memo *m, unsigned kind, struct span text)
{
	const uint64_t hash[2] = {
		hash_span(m->secrets[0], text, kind),
		hash_span(m->secrets[1], text, kind),
	};
	struct memo_slot *slot = &m->slots[hash[0] % MEMO_SLOTS];

	if (slot->hash[0] != hash[0] || slot->hash[1] != hash[1])
		*slot = (struct memo_slot){ .hash = { hash[0], hash[1] } };
	return slot;
}
