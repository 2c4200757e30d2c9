/*
 * certificate.h - X.509 certificates for dane.h: reading PEM, and hashes.  The
 * only file of audit/ that uses OpenSSL.
 */
#ifndef AVOUCH_AUDIT_DOMAIN_CERTIFICATE_H
#define AVOUCH_AUDIT_DOMAIN_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

#include "audit/domain/dane.h"
#include "lib/arena.h"
#include "lib/span.h"

enum {
	CERTIFICATE_HASH_MAX = 64,
	CERTIFICATE_PEM_MAX = 1 << 18, /* bytes that are read */
};

/* SHA-256 or SHA-512; returns its size, 0 if OpenSSL failed. */
size_t certificate_hash(
    struct span data, bool is_sha512, char hash[CERTIFICATE_HASH_MAX]);

/*
 * Reads the certificates of a PEM text, at most DANE_CHAIN_MAX; DER copies live
 * in `a`.  Returns how many were read; 0: none.
 */
size_t certificate_read_chain(struct arena *a, struct span pem,
    struct dane_certificate chain[DANE_CHAIN_MAX]);

#endif
