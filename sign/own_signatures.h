/*
 * own_signatures.h - handles our own signatures (d=, s=) that a message already
 * has before we sign it: valid ones are kept, broken ones are replaced.
 *
 * They are verified with our own keys, without DNS.
 */
#ifndef AVOUCH_SIGN_OWN_SIGNATURES_H
#define AVOUCH_SIGN_OWN_SIGNATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dkim/body_hash.h"
#include "dkim/header_hash.h"
#include "sign/signer.h"

struct own_signatures;

/*
 * Finds at most SIGNER_OWN_MAX signatures that name one of `keys`, and requests
 * their body hashes.  Call this before the body arrives.  Returns NULL if
 * memory ran out; otherwise the caller frees the result.
 */
struct own_signatures *own_signatures_find(struct arena *a,
    const struct mail_header *h, struct sign_key *const *keys, size_t n_keys,
    struct body_hashes *body_hashes);
void own_signatures_free(struct own_signatures *o); /* accepts NULL */

/*
 * Returns whether a signature by `key` is present and valid at `now`.  Call
 * this after the end of the body.  Adds all other signatures by that key,
 * broken or duplicate, to `out->remove`.
 */
bool own_signatures_judge(struct own_signatures *o, struct header_index *x,
    const struct body_hashes *body_hashes, const struct sign_key *key,
    int64_t now, struct signer_outcome *out);

#endif
