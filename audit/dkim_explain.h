/*
 * dkim_explain.h - what is behind a result, for people: the bytes and hashes
 * that were compared, what was changed where it can be told, and whether a key
 * record is as it should be.
 *
 * Nothing here changes a result.  Pure as the rest; it may cost more.
 */
#ifndef AVOUCH_AUDIT_DKIM_EXPLAIN_H
#define AVOUCH_AUDIT_DKIM_EXPLAIN_H

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

/* ---- a signature ---- */

struct explain_name {     /* one name of h= */
	struct span name; /* as written there */
	size_t field;     /* its index in the header; EXPLAIN_NO_FIELD: none
	                     is left, it is signed as absent */
	bool is_changed;  /* z= has a copy of it, and that is another text */
};
#define EXPLAIN_NO_FIELD SIZE_MAX

struct explain_signature {
	const struct signature *sig;
	struct span key_name;        /* SELECTOR._domainkey.DOMAIN */
	const struct key_list *keys; /* NULL: the answer had none */
	struct span header;          /* the canonical bytes that are hashed */
	uint8_t header_hash[CRYPTO_HASH_SIZE];
	const struct explain_name *names;
	size_t n_names;
	const uint8_t *body_hash; /* of the body that came; NULL: none */
	uint64_t body_length;     /* of that body, canonical, without l= */
	uint64_t signed_length;   /* of what is hashed of it */
};

/*
 * Of result number `index`, after dkim_finish().  False: that signature was
 * never to be verified (its result says why), or no memory.
 */
bool dkim_explain(const struct dkim *d, size_t index, struct arena *a,
    struct explain_signature *out);

enum explain_body_code {
	BODY_UNKNOWN,  /* no beginning of this body has that hash */
	BODY_SAME,     /* the body has it */
	BODY_OTHER,    /* it has it under the other canonicalization */
	BODY_APPENDED, /* a beginning has it: the rest was added */
	BODY_NO_MEMORY,
};

struct explain_body {
	enum explain_body_code code;
	uint64_t length;   /* canonical bytes of the beginning that has it */
	uint64_t appended; /* canonical bytes behind it */
	size_t lines;      /* lines of the beginning */
};

/*
 * Where a body stopped being the one that `sig` was made over: each of its
 * lines is tried as the last one.  Costs one more hash for each line.
 */
void dkim_explain_body(
    const struct signature *sig, struct span body, struct explain_body *out);

/* ---- a key ---- */

enum {
	EXPLAIN_RECORDS_MAX = 8, /* of one answer */
	EXPLAIN_ADVICE_MAX = 12, /* for one record */
};

struct explain_record {
	struct span text;
	unsigned strings;                       /* that it came in */
	struct key key;                         /* without `crypto` */
	const char *advice[EXPLAIN_ADVICE_MAX]; /* constant texts: allowed, but
	                                           not good */
	size_t n_advice;
};

struct explain_key {
	struct span name;  /* that was asked */
	struct span alias; /* where a CNAME led; absent: none */
	enum dns_state state;
	enum dns_error fault;
	struct explain_record records[EXPLAIN_RECORDS_MAX];
	size_t n_records;
	size_t n_all;        /* records of the answer */
	bool is_good;        /* a signature by this key can pass */
	struct span verdict; /* why, one line of printable ASCII */
};

/* Fetches and judges SELECTOR._domainkey.DOMAIN.  Texts live
 * in `a` or as long as `questions`. */
enum core_status dkim_explain_key(struct span selector, struct span domain,
    const struct dkim_options *o, struct dns_questions *questions,
    struct arena *a, struct explain_key *out);

#endif
