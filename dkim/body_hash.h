/*
 * body_hash.h - computes body hashes, one for each distinct pair of
 * canonicalization and l= that a signature needs, in one pass while the body
 * arrives (RFC 6376 section 3.4).  The DKIM signatures and ARC sets of a
 * message share them.
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
	BODY_HASHES_MAX = 32, /* distinct hashes per message */
	BODY_HASH_SIZE = 32,  /* SHA-256 */
};
#define BODY_WHOLE UINT64_MAX /* no l= */

struct body_hashes;

/* Returns NULL if memory ran out.  Must be freed with body_hashes_free(),
 * because it owns OpenSSL contexts. */
struct body_hashes *body_hashes_new(struct arena *a);
void body_hashes_free(struct body_hashes *b); /* accepts NULL */

/*
 * Requests the hash of the first `limit` bytes of the canonical body; call
 * before the first chunk.  Returns a handle (the same one for equal
 * requests), or -1 if there are too many.  If memory ran out, body_hashes_get()
 * will return NULL.
 */
int body_hashes_request(
    struct body_hashes *b, enum canon canon, uint64_t limit);

/* Returns false if nothing was requested, so the body is not needed. */
bool body_hashes_needed(const struct body_hashes *b);

/* Adds the next chunk of the body, which may be split anywhere, even between CR
 * and LF. */
void body_hashes_add(struct body_hashes *b, struct span chunk);

/* Call once, after the last chunk. */
void body_hashes_end(struct body_hashes *b);

/* Returns the hash, or NULL if the handle is -1 or OpenSSL failed. */
const uint8_t *body_hashes_get(const struct body_hashes *b, int handle);

/* Returns the length of the whole canonical body, regardless of `limit`. */
uint64_t body_hashes_length(const struct body_hashes *b, int handle);

/* Whether the canonical body is shorter than the limit. */
bool body_hashes_is_short(const struct body_hashes *b, int handle);

#endif
