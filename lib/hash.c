#include "lib/hash.h"

#include <string.h>
#include <sys/random.h>

#include "lib/scan.h"

enum { WORD = 8, FINAL_ROUNDS = 3 };

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

struct hash_secret
hash_secret_new(void)
{
	struct hash_secret secret = { 0x736f6d6570736575U,
		0x646f72616e646f6dU };

	if (getrandom(&secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		secret.b ^= (uintptr_t)&secret;
	return secret;
}

void
hash_secret_put(struct buf *b, struct hash_secret secret)
{
	buf_number(b, secret.a);
	buf_byte(b, ' ');
	buf_number(b, secret.b);
}

bool
hash_secret_read(struct span text, struct hash_secret *out)
{
	struct scan s = scan_of(text);
	struct hash_secret found;

	if (!scan_number(&s, UINT64_MAX, &found.a) || !scan_byte(&s, ' ') ||
	    !scan_number(&s, UINT64_MAX, &found.b))
		return false;
	*out = found;
	return true;
}

uint64_t
hash_span(struct hash_secret secret, struct span bytes, uint64_t salt)
{
	struct sip s = {
		.v0 = secret.a ^ 0x736f6d6570736575U,
		.v1 = secret.b ^ 0x646f72616e646f6dU,
		.v2 = secret.a ^ 0x6c7967656e657261U,
		.v3 = secret.b ^ 0x7465646279746573U,
	};
	uint64_t word;
	size_t n = bytes.n;

	sip_word(&s, salt);
	for (; n >= WORD; n -= WORD) {
		memcpy(&word, bytes.p + (bytes.n - n), WORD);
		sip_word(&s, word);
	}
	word = (uint64_t)(bytes.n + WORD) << 56; /* the length includes the
	                                            salt */
	for (size_t i = 0; i < n; i++)
		word |= (uint64_t)(unsigned char)bytes.p[bytes.n - n + i]
		    << (8 * i);
	sip_word(&s, word);
	s.v2 ^= 0xff;
	for (int i = 0; i < FINAL_ROUNDS; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
