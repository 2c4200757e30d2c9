#include "sign/private_key.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "lib/base64.h"

struct private_key {
	atomic_uint refs;
	EVP_PKEY *pkey;
	struct crypto_key *crypto;
	enum private_key_type type;
	unsigned bits;
	uint8_t id[CRYPTO_HASH_SIZE];
};

bool
private_key_protect_memory(void)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

struct private_key *
private_key_ref(struct private_key *k)
{
	if (k != NULL)
		atomic_fetch_add(&k->refs, 1);
	return k;
}

void
private_key_unref(struct private_key *k)
{
	if (k == NULL || atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	crypto_key_free(k->crypto);
	EVP_PKEY_free(k->pkey);
	free(k);
}

enum private_key_type
private_key_type(const struct private_key *k)
{
	return k->type;
}

unsigned
private_key_bits(const struct private_key *k)
{
	return k->bits;
}

const uint8_t *
private_key_id(const struct private_key *k)
{
	return k->id;
}

/* ---- the public half ---- */

/* Returns the value of p= before base64 encoding: SubjectPublicKeyInfo (RFC
 * 6376 section 3.6.1), or the raw Ed25519 key.  The caller frees it with
 * OPENSSL_free().  Returns NULL if memory ran out. */
static unsigned char *
public_bytes(const struct private_key *k, size_t *n)
{
	unsigned char *out = NULL;
	int length;

	if (k->type == PRIVATE_KEY_ED25519) {
		*n = CRYPTO_ED25519_SIZE;
		out = OPENSSL_malloc(*n);
		if (out != NULL &&
		    EVP_PKEY_get_raw_public_key(k->pkey, out, n) == 1)
			return out;
		OPENSSL_free(out);
		return NULL;
	}
	length = i2d_PUBKEY(k->pkey, &out);
	*n = length > 0 ? (size_t)length : 0;
	return length > 0 ? out : NULL;
}

void
private_key_put_record(const struct private_key *k, struct buf *b)
{
	size_t n;
	unsigned char *bytes = public_bytes(k, &n);

	if (bytes == NULL) {
		b->full = true;
		return;
	}
	buf_printf(b, "v=DKIM1; k=%s; p=",
	    k->type == PRIVATE_KEY_RSA ? "rsa" : "ed25519");
	base64_encode(b, span_of((const char *)bytes, n));
	OPENSSL_free(bytes);
}

/* ---- a key from OpenSSL ---- */

static bool
key_identify(struct private_key *k)
{
	size_t n;
	unsigned char *bytes = public_bytes(k, &n);
	bool ok = bytes != NULL &&
	    EVP_Digest(bytes, n, k->id, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(bytes);
	return ok;
}

/* Takes ownership of `pkey`.  Returns NULL and sets `why` on failure. */
static struct private_key *
key_wrap(EVP_PKEY *pkey, const char **why)
{
	struct private_key *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		EVP_PKEY_free(pkey);
		*why = "out of memory";
		return NULL;
	}
	k->refs = 1;
	k->pkey = pkey;
	k->bits = (unsigned)EVP_PKEY_get_bits(pkey);
	*why = NULL;
	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		k->type = PRIVATE_KEY_ED25519;
		k->bits = 256;
	} else if (!EVP_PKEY_is_a(pkey, "RSA")) {
		*why = "the key is neither RSA nor Ed25519; DKIM has no other "
		       "key types";
	} else if (k->bits < PRIVATE_KEY_BITS_MIN) {
		*why = "the RSA key has fewer than 1024 bits and receivers "
		       "ignore it (RFC 8301); make another one with `avouch "
		       "key new`";
	} else if (k->bits > PRIVATE_KEY_BITS_MAX) {
		*why = "the RSA key has more than 4096 bits, too many for "
		       "receivers; make another one with `avouch key new`";
	} else {
		k->type = PRIVATE_KEY_RSA;
	}
	if (*why == NULL) {
		k->crypto = crypto_key_pair(pkey);
		if (k->crypto == NULL || !key_identify(k))
			*why = "OpenSSL cannot use the key";
	}
	if (*why == NULL)
		return k;
	private_key_unref(k);
	return NULL;
}

/* Reusing a decoder context makes reading a key ten times faster. */
static struct {
	pthread_mutex_t lock;
	OSSL_DECODER_CTX *ctx;
	EVP_PKEY *pkey; /* output of the decoder */
} decoder = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Refuses to ask for a passphrase. */
static int
no_passphrase(char *buf, int size, int is_write, void *arg)
{
	(void)buf;
	(void)size;
	(void)is_write;
	(void)arg;
	return -1;
}

/* Returns the first private key in the input, or NULL. */
static EVP_PKEY *
pem_decode(BIO *bio)
{
	EVP_PKEY *pkey = NULL;

	pthread_mutex_lock(&decoder.lock);
	if (decoder.ctx == NULL) {
		decoder.ctx = OSSL_DECODER_CTX_new_for_pkey(&decoder.pkey,
		    "PEM", NULL, NULL, EVP_PKEY_KEYPAIR, NULL, NULL);
		if (decoder.ctx != NULL)
			(void)OSSL_DECODER_CTX_set_pem_password_cb(
			    decoder.ctx, no_passphrase, NULL);
	}
	decoder.pkey = NULL;
	if (decoder.ctx != NULL && OSSL_DECODER_from_bio(decoder.ctx, bio) == 1)
		pkey = decoder.pkey;
	else
		EVP_PKEY_free(decoder.pkey);
	decoder.pkey = NULL;
	pthread_mutex_unlock(&decoder.lock);
	return pkey;
}

static bool
span_contains(struct span s, const char *text)
{
	return memmem(s.p, s.n, text, strlen(text)) != NULL;
}

/* Skips to the line that begins a private key: a file may have other content
 * before it.  Returns an absent span if there is no such line. */
static struct span
skip_to_key(struct span pem)
{
	static const char begin[] = "-----BEGIN ";
	const char *p;

	while (pem.n > 0 &&
	    (p = memmem(pem.p, pem.n, begin, sizeof(begin) - 1)) != NULL) {
		struct span line;

		pem = span_between(p, pem.p + pem.n);
		line = span_first(pem, span_index(pem, '\n'));
		if (span_contains(line, "PRIVATE KEY-----"))
			return pem;
		pem = span_skip(pem, sizeof(begin) - 1);
	}
	return SPAN_NONE;
}

/* Returns the likely reason why OpenSSL found no key in `pem`. */
static const char *
explain_no_key(struct span pem)
{
	if (!span_contains(pem, "-----BEGIN "))
		return "not a PEM file; it must begin with -----BEGIN PRIVATE "
		       "KEY-----";
	if (span_contains(pem, "ENCRYPTED"))
		return "the key is encrypted with a passphrase; decrypt it "
		       "with `openssl pkey -in FILE -out NEWFILE`";
	if (span_contains(pem, "PUBLIC KEY-----"))
		return "this is the public key; the private key is needed";
	return "damaged: OpenSSL cannot read a private key from it";
}

struct private_key *
private_key_parse(struct span pem, const char *name, struct buf *error)
{
	const char *why = "the file is empty or too large for a key";
	struct private_key *k = NULL;
	EVP_PKEY *pkey = NULL;
	BIO *bio = NULL;

	if (pem.n > 0 && pem.n <= PRIVATE_KEY_FILE_MAX) {
		struct span text = skip_to_key(pem);

		why = explain_no_key(pem);
		bio = text.n > 0 ? BIO_new_mem_buf(text.p, (int)text.n) : NULL;
		pkey = bio != NULL ? pem_decode(bio) : NULL;
		BIO_free(bio);
	}
	if (pkey != NULL)
		k = key_wrap(pkey, &why);
	ERR_clear_error();
	if (k == NULL) {
		buf_printable(error, span_str(name), PRIVATE_KEY_RECORD_MAX);
		buf_printf(error, ": %s", why);
	}
	return k;
}

struct private_key *
private_key_generate(enum private_key_type type, unsigned bits)
{
	const char *why;
	EVP_PKEY *pkey = type == PRIVATE_KEY_ED25519
	    ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
	    : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
	struct private_key *k = pkey != NULL ? key_wrap(pkey, &why) : NULL;

	ERR_clear_error();
	return k;
}

bool
private_key_put_pem(const struct private_key *k, FILE *out)
{
	bool ok = PEM_write_PKCS8PrivateKey(
		      out, k->pkey, NULL, NULL, 0, NULL, NULL) == 1;

	ERR_clear_error();
	return ok;
}

const struct crypto_key *
private_key_crypto(const struct private_key *k)
{
	return k->crypto;
}
