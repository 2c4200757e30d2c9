/*
 * header.h - which fields of a message a signature is over, and their hash
 * (RFC 6376 sections 3.7 and 5.4.2).
 */
#ifndef AVOUCH_DKIM_HEADER_H
#define AVOUCH_DKIM_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dkim/canon.h"
#include "dkim/crypto.h"
#include "dkim/signature.h"
#include "lib/arena.h"
#include "mail/message.h"

/*
 * The fields by their names, so that a signature costs what its h= is long,
 * however many fields there are.  One thread at a time.
 */
struct header_index;

/* `h` must outlive it.  NULL: no memory. */
struct header_index *header_index_new(
    struct arena *a, const struct mail_header *h);

/* Fields of that name. */
size_t header_index_count(const struct header_index *x, struct span name);

/* Their indexes, from the top down, into `out`, which has room for all. */
void header_index_fields(
    const struct header_index *x, struct span name, size_t *out);

/*
 * Puts what `sig`, the field number `own`, signs: the fields that h= names,
 * each name the next one of them from the bottom up, each with CRLF; then the
 * signature's own field with b= empty, without CRLF.
 */
void header_put(struct header_index *x, const struct signature *sig, size_t own,
    const struct canon_sink *sink);

/* The hash of that.  False: no memory, or OpenSSL failed. */
bool header_hash(struct header_index *x, const struct signature *sig,
    size_t own, uint8_t out[CRYPTO_HASH_SIZE]);

/* The index of the field that each name of h= stands for, into `out`, which has
 * room for sig->n_names; the number of fields: none is left. */
void header_fields(struct header_index *x, const struct signature *sig,
    size_t own, size_t *out);

#endif
