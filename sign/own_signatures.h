/*
 * own_signatures.h - the signatures of ours (d=, s=) that a message brings
 * along before it is signed: valid ones are enough, broken ones are replaced.
 *
 * They are verified with the keys that we have, without DNS.
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
 * Finds those by one of `keys` and requests their body hashes, before the body;
 * at most SIGNER_OWN_MAX.  NULL: no memory.  Must be freed.
 */
struct own_signatures *own_signatures_find(struct arena *a,
    const struct mail_header *h, struct sign_key *const *keys, size_t n_keys,
    struct body_hashes *body_hashes);
void own_signatures_free(struct own_signatures *o); /* takes NULL */

/*
 * After the body: whether a signature by `key` is there and valid at `now`.
 * All others by that key, broken ones and repetitions, are added to
 * `out->remove`.
 */
bool own_signatures_judge(struct own_signatures *o, struct header_index *x,
    const struct body_hashes *body_hashes, const struct sign_key *key,
    int64_t now, struct signer_outcome *out);

#endif
