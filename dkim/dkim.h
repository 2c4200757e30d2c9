/*
 * dkim.h - verifies the DKIM signatures of a message (RFC 6376, 8301, 8463,
 * 8616).
 *
 *	begin	at end of header: parses signatures, chooses which to verify
 *	keys	queries all keys in parallel; called until it returns CORE_DONE
 *	finish	after body_hashes_end() and keys: computes the results
 *
 * begin and finish run in the same thread.  In between, keys may run in another
 * thread, because it shares no data with body_hashes_add().
 */
#ifndef AVOUCH_DKIM_DKIM_H
#define AVOUCH_DKIM_DKIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dkim/body_hash.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "lib/core_status.h"
#include "mail/header.h"

enum {
	/* Signatures verified per message (RFC 6376 section 6.1 permits a
	 * limit).  Legitimate mail has fewer, and each costs a DNS question and
	 * a public-key operation. */
	DKIM_VERIFIED_MAX = 10,
	/* Signatures parsed in full; more than can be verified, because some
	 * are unusable. */
	DKIM_READ_MAX = 2 * DKIM_VERIFIED_MAX,
	DKIM_LISTED_MAX = 25, /* signatures listed; the rest are only counted */
};

enum dkim_code { /* in the order of RFC 8601 section 2.7.1 */
	DKIM_NONE,
	DKIM_PASS,
	DKIM_FAIL,
	DKIM_POLICY,
	DKIM_NEUTRAL,
	DKIM_TEMPERROR,
	DKIM_PERMERROR,
};

struct dkim_options {
	unsigned min_rsa_bits; /* a key with fewer bits yields DKIM_POLICY (RFC
	                          8301); at least 1 */
	bool ignore_time;      /* ignore x= and t= (RFC 6376 section 3.5) */
};

/* Auth-Failure in a failure report (RFC 6591 section 3.3). */
enum dkim_auth_failure {
	DKIM_FLAW_OTHER,   /* "signature"; also if there is no signature */
	DKIM_FLAW_BODY,    /* "bodyhash": the body was changed */
	DKIM_FLAW_REVOKED, /* "revoked": the key was revoked */
};

struct dkim_result { /* result for one DKIM-Signature field */
	enum dkim_code code;
	struct span domain;    /* d= in normal form; absent: unreadable */
	struct span selector;  /* s= */
	struct span identity;  /* i=, or "@" and then d=; absent: unknown */
	struct span algorithm; /* a= as written: "rsa-sha256" */
	struct span b;         /* first characters of b=, without white space,
	                          at least 8, unique in the message (RFC 6008) */
	struct span reason;    /* one line of printable ASCII */
	enum dkim_auth_failure auth_failure;
	unsigned key_bits; /* 0: no key */
	bool testing;      /* t=y in the key */
	bool strict;       /* t=s in the key */
	bool cut_short;    /* DKIM_TEMPERROR because we lacked resources, not
	                      because of DNS */
	bool verified;     /* chosen for verification */
	size_t field;      /* index in the header */
};

const char *dkim_code_name(enum dkim_code code);

struct dkim;

/*
 * `authors` are the author domains in normal form; their signatures are
 * verified first, then those of related domains, then the others, each group
 * from the top down.  `now` is in seconds since 1970.  Requests the body hashes
 * it needs from `body_hashes`.  `h`, `body_hashes` and `a` must outlive the
 * returned object.  Returns NULL if memory ran out.
 */
struct dkim *dkim_begin(struct arena *a, const struct dkim_options *o,
    const struct mail_header *h, struct body_hashes *body_hashes,
    const struct span *authors, size_t n_authors, int64_t now);

/* The answers in `questions` must stay valid until dkim_finish() returns. */
enum core_status dkim_keys(
    struct dkim *d, struct dns_questions *questions, struct arena *scratch);

/* Writes to `out` at most `max` distinct d= values of the signatures to verify,
 * so that DNS records can be prefetched.  Returns their number. */
size_t dkim_domains(const struct dkim *d, struct span *out, size_t max);

/* Computes the results, one for each listed DKIM-Signature, topmost first. */
void dkim_finish(struct dkim *d);
const struct dkim_result *dkim_results(const struct dkim *d, size_t *n);

/* Returns the number of signatures that are not listed because there are too
 * many. */
size_t dkim_unlisted(const struct dkim *d);

/* Frees the OpenSSL objects; accepts NULL.  The results stay in the arena. */
void dkim_free(struct dkim *d);

#endif
