/*
 * header_hash.h - the header fields that a signature signs, and their hash (RFC
 * 6376 sections 3.7 and 5.4.2).
 */
#ifndef AVOUCH_DKIM_HEADER_HASH_H
#define AVOUCH_DKIM_HEADER_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dkim/canon.h"
#include "dkim/crypto.h"
#include "dkim/signature.h"
#include "lib/arena.h"
#include "mail/header.h"

/*
 * An index of the fields by name, so that the cost of a signature depends on
 * the length of its h= and not on the number of fields.  One thread at a time.
 */
struct header_index;

/* `h` must outlive it.  NULL: no memory. */
struct header_index *header_index_new(
    struct arena *a, const struct mail_header *h);

/* The number of fields of that name. */
size_t header_index_count(const struct header_index *x, struct span name);

/* Their indexes, from the top down; `out` must have room for all. */
void header_index_fields(
    const struct header_index *x, struct span name, size_t *out);

/*
 * Writes what `sig`, field number `own`, signs: the fields named in h=, for
 * each name the next one from the bottom up, each followed by CRLF; then the
 * signature's own field with b= empty, without CRLF.
 */
void header_hash_put(struct header_index *x, const struct signature *sig,
    size_t own, const struct canon_sink *sink);

/* The hash of that.  False: no memory, or OpenSSL failed. */
bool header_hash(struct header_index *x, const struct signature *sig,
    size_t own, uint8_t out[CRYPTO_HASH_SIZE]);

/*
 * The same for a signature that is being made: `raw` is its field, which is not
 * in the header yet, without a value of b=.  Of `sig` only the names and the
 * canonicalization of the header are used.
 */
bool header_hash_to_sign(struct header_index *x, const struct signature *sig,
    struct span raw, uint8_t out[CRYPTO_HASH_SIZE]);

/* For each name of h= the index of its field, or the number of fields if none
 * is left; `out` must have room for sig->n_names. */
void header_hash_fields(struct header_index *x, const struct signature *sig,
    size_t own, size_t *out);

#endif
