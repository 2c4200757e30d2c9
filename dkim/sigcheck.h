/*
 * sigcheck.h - verifies one signature: queries its key and compares its hashes
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

enum { SIGCHECK_REASON_MAX = 160 }; /* bytes */

struct sigcheck {
	struct signature sig;
	size_t field;         /* index of the signature in the header */
	int body;             /* handle of the body hash; -1: none */
	struct span key_name; /* SELECTOR._domainkey.DOMAIN */

	/* set by sigcheck_ask() */
	const struct dns_answer *answer; /* NULL: no answer yet */
	const struct key_list
	    *keys;            /* keys of a DNS_FOUND answer; NULL: no memory */
	struct key_list *own; /* same as `keys`, if we must free them */
};

struct sigcheck_rules { /* the options and the time */
	struct dkim_options o;
	int64_t now;
};

struct sigcheck_result {
	enum dkim_code code;
	struct span reason;
	enum dkim_auth_failure auth_failure;
	const struct key *key; /* the key that decided the result; NULL: none */
};

/* Combines the options and the time. */
struct sigcheck_rules sigcheck_rules_of(
    const struct dkim_options *o, int64_t now);

/* Sets the result and returns true if it is known without the key. */
bool sigcheck_early(const struct sigcheck *c, const struct sigcheck_rules *r,
    struct sigcheck_result *out);

/* Sets the name of the key and requests the body hash; `body_hashes` is NULL
 * for a signature without one.  Returns false if memory ran out. */
bool sigcheck_begin(
    struct sigcheck *c, struct arena *a, struct body_hashes *body_hashes);

/* Queries the key.  Returns CORE_DONE if the answer has arrived. */
enum core_status sigcheck_ask(
    struct sigcheck *c, struct dns_questions *questions);

/* Computes the hash of the signed fields; returns false if memory ran out or
 * OpenSSL failed. */
typedef bool sigcheck_hash(void *of, uint8_t out[CRYPTO_HASH_SIZE]);

/*
 * Computes the result.  Call this when the key has arrived and the body has
 * ended.  Calls `hash` with `of` if a key fits and the body hash matches.
 * Reasons are allocated in `a`.
 */
void sigcheck_verify(const struct sigcheck *c, const struct sigcheck_rules *r,
    const struct body_hashes *body_hashes, sigcheck_hash *hash, void *of,
    struct arena *a, struct sigcheck_result *out);

/* Whether this key may verify this signature (RFC 6376 section 6.1.2, RFC
 * 8301).  If not, `out` has the reason. */
bool sigcheck_key_fits(const struct sigcheck *c, const struct key *k,
    const struct sigcheck_rules *r, struct arena *a,
    struct sigcheck_result *out);

/* Whether the result `code` was caused by our own limits (memory, number of DNS
 * queries, failing resolvers), not by the signer's DNS. */
bool sigcheck_is_cut_short(const struct sigcheck *c, enum dkim_code code);

/* Frees the keys, unless the answer owns them. */
void sigcheck_free(struct sigcheck *c);

/* Returns the signature of dkim_results()[index], or NULL if it was not chosen
 * for verification.  Call this after dkim_finish(). */
struct header_index;
const struct sigcheck *dkim_sigcheck_of(
    const struct dkim *d, size_t index, struct header_index **x);
const struct body_hashes *dkim_body_hashes_of(const struct dkim *d);
const struct mail_header *dkim_header_of(const struct dkim *d);

#endif
