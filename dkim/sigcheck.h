/*
 * sigcheck.h - verifies one signature: asks for its key and compares its hashes
 * (RFC 6376 sections 6.1.1 to 6.1.3).  Shared by DKIM-Signature,
 * ARC-Message-Signature and ARC-Seal.
 */
#ifndef AVOUCH_DKIM_SIGCHECK_H
#define AVOUCH_DKIM_SIGCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dkim/body_hash.h"
#include "dkim/crypto.h"
#include "dkim/dkim.h"
#include "dkim/key.h"
#include "dkim/signature.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "lib/core_status.h"

enum { CHECK_REASON_MAX = 160 }; /* bytes */

struct check {
	struct signature sig;
	size_t field;         /* its index in the header */
	int body;             /* handle of its body hash; -1: none */
	struct span key_name; /* SELECTOR._domainkey.DOMAIN */

	/* set by check_ask() */
	const struct dns_answer *answer; /* NULL: not asked yet */
	const struct key_list *keys;     /* of DNS_FOUND; NULL: no memory */
	struct key_list *own;            /* `keys`, if we must free it */
};

struct check_rules { /* the options with their defaults, and the time */
	struct dkim_options o;
	int64_t now;
};

struct check_result {
	enum dkim_code code;
	struct span reason;
	enum dkim_flaw flaw;
	const struct key *key; /* the one that decided; NULL: none */
	bool stale;
};

/* `o` may be NULL. */
struct check_rules check_rules_of(const struct dkim_options *o, int64_t now);

/* The result, if it is known without the key; false: it is not. */
bool check_early(const struct check *c, const struct check_rules *r,
    struct check_result *out);

/* Sets the name of the key and requests the body hash; `bodies` is NULL for a
 * signature without one.  False: no memory. */
bool check_begin(struct check *c, struct arena *a, struct bodies *bodies);

/* Asks for the key; STEP_DONE: it is known, or known not to exist. */
enum step check_ask(struct check *c, struct dns_talk *talk);

/* The hash of the signed fields; false: an error of ours. */
typedef bool check_hash(void *of, uint8_t out[CRYPTO_HASH_SIZE]);

/*
 * The result, after the key arrived and the body ended; `hash` is called with
 * `of` if everything else is right.  Reasons live in `a`.
 */
void check_decide(const struct check *c, const struct check_rules *r,
    const struct bodies *bodies, check_hash *hash, void *of, struct arena *a,
    struct check_result *out);

/* Whether this key may verify this signature (RFC 6376 section 6.1.2, RFC
 * 8301). False: no, and `out` says why. */
bool check_fits(const struct check *c, const struct key *k,
    const struct check_rules *r, struct arena *a, struct check_result *out);

/* Frees the keys, if they are not kept with the answer. */
void check_free(struct check *c);

/* The signature of dkim_results()[index], after dkim_finish(); NULL: it was not
 * chosen for verification. */
struct header_index;
const struct check *dkim_check_of(
    const struct dkim *d, size_t index, struct header_index **x);
const struct bodies *dkim_bodies_of(const struct dkim *d);
const struct mail_header *dkim_header_of(const struct dkim *d);

#endif
