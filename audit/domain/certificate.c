#include "audit/domain/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

size_t
certificate_hash(
    struct span data, bool is_sha512, char hash[CERTIFICATE_HASH_MAX])
{
	unsigned n = 0;

	if (data.n == 0 ||
	    EVP_Digest(data.p, data.n, (unsigned char *)hash, &n,
		is_sha512 ? EVP_sha512() : EVP_sha256(), NULL) != 1)
		return 0;
	return n;
}

/* Copies and frees the output of OpenSSL; returns an absent span on failure. */
static struct span
take_der(struct arena *a, unsigned char *der, int n)
{
	struct span copy = SPAN_NONE;

	if (n > 0 && n <= DANE_DATA_MAX)
		copy = arena_copy(a, span_of((const char *)der, (size_t)n));
	OPENSSL_free(der);
	return copy;
}

static bool
read_one(struct arena *a, X509 *x, struct dane_certificate *out)
{
	unsigned char *whole = NULL, *key = NULL;
	int n = i2d_X509(x, &whole);

	out->whole = take_der(a, whole, n);
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
	out->key = take_der(a, key, n);
	return out->whole.p != NULL && out->key.p != NULL;
}

size_t
certificate_read_chain(struct arena *a, struct span pem,
    struct dane_certificate chain[DANE_CHAIN_MAX])
{
	size_t n = 0;
	BIO *bio;

	if (pem.n == 0 || pem.n > CERTIFICATE_PEM_MAX)
		return 0;
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	while (bio != NULL && n < DANE_CHAIN_MAX) {
		X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		bool ok = x != NULL && read_one(a, x, &chain[n]);

		X509_free(x);
		if (!ok)
			break;
		n++;
	}
	BIO_free(bio);
	ERR_clear_error();
	return n;
}
