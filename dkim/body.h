/*
 * body.h - the body's hashes: one for each distinct (canonicalization, l=) that
 * some signature needs, computed in one pass as the body streams by (RFC 6376
 * section 3.4).  DKIM signatures and ARC sets of one message share it.
 */
#ifndef AVOUCH_DKIM_BODY_H
#define AVOUCH_DKIM_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/span.h"

enum canon { CANON_SIMPLE, CANON_RELAXED };

enum {
	BODY_HASHES_MAX = 32, /* distinct ones of one message */
	BODY_HASH_SIZE = 32,  /* SHA-256 */
};
#define BODY_WHOLE UINT64_MAX /* no l= */

struct bodies;

/* NULL: no memory.  Freed by bodies_free() (OpenSSL's contexts). */
struct bodies *bodies_new(struct arena *a);
void bodies_free(struct bodies *b); /* takes NULL */

/*
 * Before the first chunk: someone needs the hash of the first `limit` bytes of
 * the canonical body.  Returns its handle, the same for the same wish; -1: too
 * many, or no memory.
 */
int bodies_want(struct bodies *b, enum canon canon, uint64_t limit);

/* False where nobody wants anything: no body is needed at all. */
bool bodies_needed(const struct bodies *b);

/* A chunk, split anywhere, also between CR and LF. */
void bodies_add(struct bodies *b, struct span chunk);

/* Once, after the last chunk. */
void bodies_end(struct bodies *b);

/* The hash; NULL: the handle is -1, or OpenSSL failed. */
const uint8_t *bodies_hash(const struct bodies *b, int handle);

/* Bytes of the whole canonical body, whatever `limit`. */
uint64_t bodies_length(const struct bodies *b, int handle);

/* The limit was more than the canonical body has. */
bool bodies_is_short(const struct bodies *b, int handle);

#endif
