/*
 * dkim_key_fuzz.c - reads arbitrary bytes as a key record or, if the first byte
 * is odd, as the DER data of p=.  A key without errors must also be readable by
 * OpenSSL.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "dkim/key.h"
#include "lib/arena.h"
#include "lib/base64.h"
#include "lib/buf.h"

enum { INPUT_MAX = 8192, ARENA = 1 << 18 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_dkim_key(struct span record)
{
	static const uint8_t hash[CRYPTO_HASH_SIZE];
	static const char signature[2048];
	struct key k;

	key_read(record, &k);
	assert((k.fault == NULL) == (k.crypto != NULL));
	assert(!k.is_revoked || k.fault != NULL);
	if (k.fault == NULL) {
		assert(k.type == KEY_RSA || k.bits == 256);
		assert(k.type == KEY_ED25519 ||
		    (k.bits >= KEY_BITS_MIN && k.bits <= KEY_BITS_MAX));
		/* An all-zero signature is never valid with an odd modulus.
		 * (With some weak Ed25519 keys it may be valid, which is their
		 * owner's mistake.) */
		if (k.type == KEY_RSA && k.bits <= 2048)
			assert(crypto_verify(k.crypto, hash,
				   span_of(signature, (k.bits + 7) / 8)) !=
			    CRYPTO_GOOD);
	}
	key_release(&k);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(ARENA);

	if (a != NULL && size > 0 && size <= INPUT_MAX) {
		struct span text = span_of((const char *)data + 1, size - 1);
		struct buf record = buf_alloc(a, 2 * INPUT_MAX);

		if (data[0] % 2 == 1) {
			buf_text(&record, "p=");
			base64_encode(&record, text);
			text = buf_view(&record);
		}
		check_dkim_key(text);
	}
	arena_free(a);
	return 0;
}
