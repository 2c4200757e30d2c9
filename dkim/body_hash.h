/*
 * body_hash.h - body hashes: one for each distinct (canonicalization, l=) that
 * a signature needs, computed in one pass while the body arrives (RFC 6376
 * section 3.4).  The DKIM signatures and ARC sets of a message share them.
 */
#ifndef AVOUCH_DKIM_BODY_HASH_H
#define AVOUCH_DKIM_BODY_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/span.h"

enum canon { CANON_SIMPLE, CANON_RELAXED };

enum {
	BODY_HASHES_MAX = 32, /* distinct hashes of one message */
	BODY_HASH_SIZE = 32,  /* SHA-256 */
};
#define BODY_WHOLE UINT64_MAX /* no l= */

struct body_hashes;

/* NULL: no memory.  Must be freed by body_hashes_free(): it has OpenSSL
 * contexts. */
struct body_hashes *body_hashes_new(struct arena *a);
void body_hashes_free(struct body_hashes *b); /* takes NULL */

/*
 * Requests the hash of the first `limit` bytes of the canonical body, before
 * the first chunk.  Returns its handle, the same for equal requests; -1: too
 * many.  If there is no memory, body_hashes_get() will return NULL.
 */
int body_hashes_request(
    struct body_hashes *b, enum canon canon, uint64_t limit);

/* False: nothing was requested, so no body is needed. */
bool body_hashes_needed(const struct body_hashes *b);

/* A chunk, split anywhere, also between CR and LF. */
void body_hashes_add(struct body_hashes *b, struct span chunk);

/* Once, after the last chunk. */
void body_hashes_end(struct body_hashes *b);

/* The hash; NULL: the handle is -1, or OpenSSL failed. */
const uint8_t *body_hashes_get(const struct body_hashes *b, int handle);

/* Bytes of the whole canonical body, regardless of `limit`. */
uint64_t body_hashes_length(const struct body_hashes *b, int handle);

/* The canonical body is shorter than the limit. */
bool body_hashes_is_short(const struct body_hashes *b, int handle);

#endif
