/*
 * check.h - one signature on its way to a result: its key asked for, its
 * hashes compared (RFC 6376 sections 6.1.1 to 6.1.3).  What DKIM-Signature,
 * ARC-Message-Signature and ARC-Seal have in common.
 */
#ifndef AVOUCH_DKIM_CHECK_H
#define AVOUCH_DKIM_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dkim/body.h"
#include "dkim/crypto.h"
#include "dkim/dkim.h"
#include "dkim/key.h"
#include "dkim/signature.h"
#include "dns/talk.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "lib/step.h"

enum { CHECK_REASON_MAX = 160 }; /* bytes */

struct check {
	struct signature sig;
	size_t field;         /* its index in the header */
	int body;             /* of bodies_want(); -1: not over a body */
	struct span key_name; /* SELECTOR._domainkey.DOMAIN */

	/* check_ask() fills in */
	const struct dns_answer *answer; /* NULL: not asked yet */
	const struct key_list *keys;     /* of DNS_FOUND; NULL: no memory */
	struct key_list *own;            /* kept by nobody else */
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

/* What can be said before anything is asked; false: nothing yet. */
bool check_early(const struct check *c, const struct check_rules *r,
    struct check_result *out);

/* Names the key, and wants the body's hash of `bodies`; NULL: it is not over a
 * body.  False: no memory. */
bool check_begin(struct check *c, struct arena *a, struct bodies *bodies);

/* Asks for the key; STEP_DONE: it is there, or known not to be. */
enum step check_ask(struct check *c, struct dns_talk *talk);

/* The hash of the signed fields; false: our fault. */
typedef bool check_hash(void *of, uint8_t out[CRYPTO_HASH_SIZE]);

/*
 * The result, once the key is there and the body has ended; `hash` is called
 * with `of` where all else is well.  Reasons live in `a`.
 */
void check_decide(const struct check *c, const struct check_rules *r,
    const struct bodies *bodies, check_hash *hash, void *of, struct arena *a,
    struct check_result *out);

/* Why a key is or is not for this signature, but for what is over the message;
 * RFC 6376 section 6.1.2, RFC 8301.  True: it is, and `out` has no code. */
bool check_fits(const struct check *c, const struct key *k,
    const struct check_rules *r, struct arena *a, struct check_result *out);

/* Ends the keys that nobody else keeps. */
void check_free(struct check *c);

/* Of dkim_results()[index] after dkim_finish(); NULL: it was never to be
 * verified. */
struct header_index;
const struct check *dkim_check_of(
    const struct dkim *d, size_t index, struct header_index **x);
const struct bodies *dkim_bodies_of(const struct dkim *d);
const struct mail_header *dkim_header_of(const struct dkim *d);

#endif
