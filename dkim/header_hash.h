/*
 * header_hash.h - finds and hashes the header fields that a signature signs
 * (RFC 6376 sections 3.7 and 5.4.2).
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
 * the length of its h= and not on the number of fields.  Not thread-safe.
 */
struct header_index;

/* `h` must outlive the index.  Returns NULL if memory ran out. */
struct header_index *header_index_new(
    struct arena *a, const struct mail_header *h);

/* Returns the number of fields named `name`. */
size_t header_index_count(const struct header_index *x, struct span name);

/* Writes the indexes of the fields named `name`, from the top down; `out` must
 * have room for all. */
void header_index_fields(
    const struct header_index *x, struct span name, size_t *out);

/*
 * Writes the data that `sig` signs: the fields named in h= (for each name, the
 * next unused field from the bottom up), each followed by CRLF; then the
 * signature's own field (index `own`) with an empty b=, without CRLF.
 */
void header_hash_put(struct header_index *x, const struct signature *sig,
    size_t own, const struct canon_sink *sink);

/* Computes the hash of what header_hash_put() writes.  Returns false if memory
 * ran out or OpenSSL failed. */
bool header_hash(struct header_index *x, const struct signature *sig,
    size_t own, uint8_t out[CRYPTO_HASH_SIZE]);

/*
 * Like header_hash(), for a signature being made: `raw` is its field, not yet
 * in the header, with an empty b=.  Only the names and the header
 * canonicalization of `sig` are used.
 */
bool header_hash_to_sign(struct header_index *x, const struct signature *sig,
    struct span raw, uint8_t out[CRYPTO_HASH_SIZE]);

/* For each name in h=, writes the index of its field, or the number of fields
 * if none is left; `out` must have room for sig->n_names. */
void header_hash_fields(struct header_index *x, const struct signature *sig,
    size_t own, size_t *out);

#endif
