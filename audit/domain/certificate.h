/*
 * certificate.h - X.509 certificates for dane.h: PEM parsing and hashes.  The
 * only file in audit/ that uses OpenSSL.
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
	CERTIFICATE_PEM_MAX = 1
	    << 18, /* bytes of PEM; larger input is not read */
};

/* Computes the SHA-256 or SHA-512 hash of `data`.  Returns the hash size, or 0
 * if OpenSSL failed. */
size_t certificate_hash(
    struct span data, bool is_sha512, char hash[CERTIFICATE_HASH_MAX]);

/*
 * Reads up to DANE_CHAIN_MAX certificates in PEM format; their DER copies are
 * allocated in `a`.  Returns the number of certificates read.
 */
size_t certificate_read_chain(struct arena *a, struct span pem,
    struct dane_certificate chain[DANE_CHAIN_MAX]);

#endif
