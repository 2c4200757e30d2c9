#include "dkim/crypto.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

/*
 * Set once, before the first use, and never changed, because fetching an
 * algorithm takes OpenSSL longer than hashing a small message.
 */
static struct {
	EVP_MD *sha256;
	pthread_key_t spares; /* per-thread list of struct crypto_hash */
	bool keeps;           /* `spares` is valid */
} fetched;
static pthread_once_t fetched_once = PTHREAD_ONCE_INIT;

/* Set when an allocation fails in this thread. */
static _Thread_local bool out_of_memory;

/* Call this before an operation that may ask why it failed. */
static void
forget_errors(void)
{
	ERR_clear_error(); /* may run out of memory itself */
	out_of_memory = false;
}

static bool
has_memory_error(void)
{
	unsigned long error;

	while ((error = ERR_get_error()) != 0)
		if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
			return true;
	return false;
}

struct crypto_hash {
	struct crypto_hash *next; /* next spare */
	unsigned behind;          /* number of spares after this one */
	EVP_MD_CTX *running;
	EVP_MD_CTX *copy; /* for snapshots */
	bool failed;
};

static void
hash_destroy(struct crypto_hash *h)
{
	EVP_MD_CTX_free(h->running);
	EVP_MD_CTX_free(h->copy);
	free(h);
}

static void
spares_destroy(void *list)
{
	struct crypto_hash *next;

	for (struct crypto_hash *h = list; h != NULL; h = next) {
		next = h->next;
		hash_destroy(h);
	}
}

static void
fetch(void)
{
	fetched.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	fetched.keeps =
	    pthread_key_create(&fetched.spares, spares_destroy) == 0;
}

/* Returns NULL if OpenSSL does not support SHA-256. */
static const EVP_MD *
sha256(void)
{
	pthread_once(&fetched_once, fetch);
	return fetched.sha256;
}

/* Returns a spare hash of this thread, or NULL. */
static struct crypto_hash *
spare_take(void)
{
	struct crypto_hash *h =
	    fetched.keeps ? pthread_getspecific(fetched.spares) : NULL;

	if (h != NULL && pthread_setspecific(fetched.spares, h->next) != 0)
		return NULL;
	return h;
}

static bool
spare_put(struct crypto_hash *h)
{
	struct crypto_hash *first =
	    fetched.keeps ? pthread_getspecific(fetched.spares) : NULL;

	h->next = first;
	h->behind = first != NULL ? first->behind + 1 : 0;
	return fetched.keeps && h->behind < CRYPTO_SPARES_MAX &&
	    pthread_setspecific(fetched.spares, h) == 0;
}

static struct crypto_hash *
hash_create(void)
{
	struct crypto_hash *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->running = EVP_MD_CTX_new();
	h->copy = EVP_MD_CTX_new();
	if (h->running == NULL || h->copy == NULL) {
		hash_destroy(h);
		return NULL;
	}
	return h;
}

struct crypto_hash *
crypto_hash_new(void)
{
	const EVP_MD *md = sha256();
	struct crypto_hash *h = md != NULL ? spare_take() : NULL;

	if (md == NULL)
		return NULL;
	if (h == NULL)
		h = hash_create();
	if (h != NULL)
		h->failed = EVP_DigestInit_ex2(h->running, md, NULL) != 1;
	return h;
}

void
crypto_hash_free(struct crypto_hash *h)
{
	if (h != NULL && !spare_put(h))
		hash_destroy(h);
}

void
crypto_hash_add(struct crypto_hash *h, struct span bytes)
{
	/* a failed context must not be updated */
	if (!h->failed && bytes.n > 0 &&
	    EVP_DigestUpdate(h->running, bytes.p, bytes.n) != 1)
		h->failed = true;
}

bool
crypto_hash_snapshot(struct crypto_hash *h, uint8_t out[CRYPTO_HASH_SIZE])
{
	return !h->failed && EVP_MD_CTX_copy_ex(h->copy, h->running) == 1 &&
	    EVP_DigestFinal_ex(h->copy, out, NULL) == 1;
}

void
crypto_hash_copy(struct crypto_hash *to, const struct crypto_hash *from)
{
	to->failed =
	    from->failed || EVP_MD_CTX_copy_ex(to->running, from->running) != 1;
}

/* ---- keys ---- */

struct crypto_key {
	EVP_PKEY *pkey;
	/* RSA: a prepared context; each verification copies it, at a twentieth
	 * of the cost of preparing a new one.  NULL: Ed25519. */
	EVP_PKEY_CTX *ready;
	EVP_PKEY_CTX *signs; /* like `ready`, for signing; NULL: a public key */
};

void
crypto_key_free(struct crypto_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_CTX_free(k->ready);
	EVP_PKEY_CTX_free(k->signs);
	EVP_PKEY_free(k->pkey);
	free(k);
}

static const unsigned char *
bytes_of(struct span s)
{
	return (const unsigned char *)s.p;
}

static OSSL_PARAM *
rsa_params(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;

	if (build != NULL && n != NULL && e != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	OSSL_PARAM_BLD_free(build);
	return params;
}

/* Builds the key from n and e, because d2i_PUBKEY() costs 25 times as much. */
static EVP_PKEY *
rsa_pkey(struct span n, struct span e)
{
	BIGNUM *modulus = BN_bin2bn(bytes_of(n), (int)n.n, NULL);
	BIGNUM *exponent = BN_bin2bn(bytes_of(e), (int)e.n, NULL);
	OSSL_PARAM *params = rsa_params(modulus, exponent);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	BN_free(exponent);
	BN_free(modulus);
	return pkey;
}

static EVP_PKEY_CTX *
rsa_ready(EVP_PKEY *pkey, int (*init)(EVP_PKEY_CTX *ctx))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

	if (ctx != NULL && init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, sha256()) == 1)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

static EVP_MD_CTX *
ed25519_ready(EVP_PKEY *pkey)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1)
		return ctx;
	EVP_MD_CTX_free(ctx);
	return NULL;
}

static struct crypto_key *
key_new(void)
{
	struct crypto_key *k;

	forget_errors();
	k = calloc(1, sizeof(*k));
	out_of_memory = k == NULL;
	return k;
}

/* Returns `k` if `good`; if not, frees it and returns NULL. */
static struct crypto_key *
key_finish(struct crypto_key *k, bool good)
{
	if (good)
		return k;
	out_of_memory = out_of_memory || has_memory_error();
	ERR_clear_error();
	crypto_key_free(k);
	return NULL;
}

bool
crypto_lacked_memory(void)
{
	return out_of_memory;
}

struct crypto_key *
crypto_key_rsa(struct span n, struct span e)
{
	struct crypto_key *k = key_new();

	if (k == NULL)
		return NULL;
	if (sha256() != NULL)
		k->pkey = rsa_pkey(n, e);
	if (k->pkey != NULL)
		k->ready = rsa_ready(k->pkey, EVP_PKEY_verify_init);
	return key_finish(k, k->ready != NULL);
}

struct crypto_key *
crypto_key_ed25519(struct span raw)
{
	struct crypto_key *k = key_new();
	EVP_MD_CTX *ready = NULL;

	if (k == NULL)
		return NULL;
	k->pkey = EVP_PKEY_new_raw_public_key_ex(
	    NULL, "ED25519", NULL, bytes_of(raw), raw.n);
	/* Some builds of OpenSSL create the key but cannot verify with it. */
	if (k->pkey != NULL)
		ready = ed25519_ready(k->pkey);
	EVP_MD_CTX_free(ready);
	return key_finish(k, ready != NULL);
}

/* The signing context is created for Ed25519 too, but only to mark the key as a
 * key pair. */
struct crypto_key *
crypto_key_pair(EVP_PKEY *pkey)
{
	struct crypto_key *k = key_new();
	bool is_rsa = EVP_PKEY_is_a(pkey, "RSA") == 1;
	bool good;

	if (k == NULL || sha256() == NULL || EVP_PKEY_up_ref(pkey) != 1) {
		free(k);
		return NULL;
	}
	k->pkey = pkey;
	if (is_rsa)
		k->ready = rsa_ready(pkey, EVP_PKEY_verify_init);
	k->signs = is_rsa ? rsa_ready(pkey, EVP_PKEY_sign_init)
			  : EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	good = k->signs != NULL &&
	    (is_rsa ? k->ready != NULL : EVP_PKEY_is_a(pkey, "ED25519") == 1);
	return key_finish(k, good);
}

bool
crypto_key_is_ed25519(const struct crypto_key *k)
{
	return k->ready == NULL;
}

/*
 * OpenSSL returns 0 for a bad signature, and a negative number for one that it
 * cannot decode, but also if memory runs out.  Only some OpenSSL functions
 * report lack of memory, and none do if there is no memory for the report.
 */
static enum crypto_verdict
verdict(int result)
{
	enum crypto_verdict v = result == 1       ? CRYPTO_GOOD
	    : out_of_memory || has_memory_error() ? CRYPTO_FAULT
						  : CRYPTO_BAD;

	ERR_clear_error();
	return v;
}

static enum crypto_verdict
rsa_verify(const struct crypto_key *k, const uint8_t *hash, struct span sig)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(k->ready);
	enum crypto_verdict v = CRYPTO_FAULT;

	if (ctx != NULL)
		v = verdict(EVP_PKEY_verify(
		    ctx, bytes_of(sig), sig.n, hash, CRYPTO_HASH_SIZE));
	EVP_PKEY_CTX_free(ctx);
	return v;
}

static enum crypto_verdict
ed25519_verify(const struct crypto_key *k, const uint8_t *hash, struct span sig)
{
	EVP_MD_CTX *ctx = ed25519_ready(k->pkey);
	enum crypto_verdict v = CRYPTO_FAULT;

	if (ctx != NULL)
		v = verdict(EVP_DigestVerify(
		    ctx, bytes_of(sig), sig.n, hash, CRYPTO_HASH_SIZE));
	EVP_MD_CTX_free(ctx);
	return v;
}

enum crypto_verdict
crypto_verify(const struct crypto_key *k, const uint8_t hash[CRYPTO_HASH_SIZE],
    struct span signature)
{
	forget_errors();
	return k->ready != NULL ? rsa_verify(k, hash, signature)
				: ed25519_verify(k, hash, signature);
}

/* ---- signing ---- */

static bool
rsa_sign(
    const struct crypto_key *k, const uint8_t *hash, uint8_t *out, size_t *n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(k->signs);
	bool good = ctx != NULL &&
	    EVP_PKEY_sign(ctx, out, n, hash, CRYPTO_HASH_SIZE) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

static bool
ed25519_sign(
    const struct crypto_key *k, const uint8_t *hash, uint8_t *out, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
	    EVP_DigestSign(ctx, out, n, hash, CRYPTO_HASH_SIZE) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

bool
crypto_sign(const struct crypto_key *k, const uint8_t hash[CRYPTO_HASH_SIZE],
    uint8_t *out, size_t *n)
{
	bool good;

	*n = CRYPTO_SIGNATURE_MAX;
	if (k->signs == NULL || EVP_PKEY_get_size(k->pkey) > (int)*n)
		return false;
	good = crypto_key_is_ed25519(k) ? ed25519_sign(k, hash, out, n)
					: rsa_sign(k, hash, out, n);
	if (!good)
		ERR_clear_error();
	return good;
}

/* ---- at startup ---- */

static void *
openssl_malloc(size_t n, const char *file, int line)
{
	void *p = malloc(n);

	(void)file;
	(void)line;
	if (p == NULL)
		out_of_memory = true;
	return p;
}

static void
openssl_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static void *
openssl_realloc(void *old, size_t n, const char *file, int line)
{
	void *p;

	if (n == 0) {
		openssl_free(old, file, line);
		return NULL;
	}
	p = realloc(old, n);
	if (p == NULL)
		out_of_memory = true;
	return p;
}

/* Verifies one signature of each type at startup, because during its first
 * verifications OpenSSL initializes itself without checking for failed
 * allocations. */
static bool
verify_once(void)
{
	static const uint8_t hash[CRYPTO_HASH_SIZE] = { 1 };
	char bytes[256]; /* used as a 2048-bit modulus and as a signature */
	struct span any = span_of(memset(bytes, 0xc1, sizeof(bytes)), 256);
	struct crypto_hash *h = crypto_hash_new();
	struct crypto_key *rsa = crypto_key_rsa(any, SPAN("\1\0\1"));
	struct crypto_key *ed25519 =
	    crypto_key_ed25519(span_first(any, CRYPTO_ED25519_SIZE));
	uint8_t out[CRYPTO_HASH_SIZE];
	bool good = h != NULL && crypto_hash_snapshot(h, out) && rsa != NULL &&
	    crypto_verify(rsa, hash, any) == CRYPTO_BAD;

	/* Some builds of OpenSSL lack Ed25519; RSA is required. */
	if (ed25519 != NULL)
		(void)crypto_verify(ed25519, hash, span_first(any, 64));
	crypto_key_free(rsa);
	crypto_key_free(ed25519);
	crypto_hash_free(h);
	return good;
}

bool
crypto_start(void)
{
	/* Has no effect if OpenSSL has already allocated memory. */
	(void)CRYPTO_set_mem_functions(
	    openssl_malloc, openssl_realloc, openssl_free);
	return verify_once();
}
