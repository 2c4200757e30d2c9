#include "report/memo.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct memo {
	uint64_t key[2];
	struct memo_slot slots[MEMO_SLOTS];
};

struct memo *
memo_new(void)
{
	struct memo *m = calloc(1, sizeof(*m));

	/* Before the kernel has gathered any, which is long before mail, zeros
	 * do: then it is only a hash. */
	if (m != NULL && getrandom(m->key, sizeof(m->key), GRND_NONBLOCK) < 0)
		m->key[0] = m->key[1] = 0;
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

static uint64_t
rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void
mix(uint64_t v[4], unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

/* Less than eight bytes, the first is the lowest. */
static uint64_t
rest(const char *p, size_t n)
{
	uint64_t w = 0;

	for (size_t i = 0; i < n; i++)
		w |= (uint64_t)(unsigned char)p[i] << 8 * i;
	return w;
}

static void
take(uint64_t v[4], uint64_t w)
{
	v[3] ^= w;
	mix(v, 2);
	v[0] ^= w;
}

void
memo_hash(const uint64_t key[2], struct span text, uint64_t out[2])
{
	uint64_t v[4] = {
		UINT64_C(0x736f6d6570736575) ^ key[0],
		UINT64_C(0x646f72616e646f6d) ^ key[1] ^ 0xee,
		UINT64_C(0x6c7967656e657261) ^ key[0],
		UINT64_C(0x7465646279746573) ^ key[1],
	};
	size_t whole = text.n - text.n % 8;

	for (size_t i = 0; i < whole; i += 8) {
		uint64_t w;

		memcpy(&w, text.p + i, sizeof(w));
		take(v, le64toh(w));
	}
	take(v, (uint64_t)text.n << 56 | rest(text.p + whole, text.n - whole));
	v[2] ^= 0xee;
	mix(v, 4);
	out[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
	v[1] ^= 0xdd;
	mix(v, 4);
	out[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct memo_slot *
memo_slot(struct memo *m, unsigned kind, struct span text)
{
	uint64_t key[2] = { m->key[0] ^ kind, m->key[1] };
	uint64_t hash[2];
	struct memo_slot *slot;

	memo_hash(key, text, hash);
	slot = &m->slots[hash[0] % MEMO_SLOTS];
	if (slot->hash[0] != hash[0] || slot->hash[1] != hash[1])
		*slot = (struct memo_slot){ .hash = { hash[0], hash[1] } };
	return slot;
}
