/*
 * dkim_explain.h - explains a DKIM result (RFC 6376): the bytes and hashes that
 * were compared, the changes that can be recognized, and errors in a key
 * record.
 *
 * Never changes a result.  Pure like the checks, but may be slower.
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

struct explain_name {     /* one name in h= */
	struct span name; /* as written in h= */
	size_t field;     /* index in the header; EXPLAIN_NO_FIELD: no further
	                     field has this name, so its absence is signed */
	bool is_changed;  /* z= has copies of this field, but none equals it */
};
#define EXPLAIN_NO_FIELD SIZE_MAX

struct explain_signature {
	const struct signature *sig;
	struct span key_name;        /* SELECTOR._domainkey.DOMAIN */
	const struct key_list *keys; /* NULL: the answer has no keys */
	struct span header;          /* canonical bytes, as hashed */
	uint8_t header_hash[CRYPTO_HASH_SIZE];
	const struct explain_name *names;
	size_t n_names;
	const uint8_t *body_hash; /* hash of the received body, or NULL */
	uint64_t body_length;     /* canonical bytes of the body, ignoring l= */
	uint64_t signed_length;   /* canonical bytes that are hashed */
};

/*
 * Explains result number `index`; call after dkim_finish().  Returns false if
 * the signature was not verified (its result says why) or memory ran out.
 */
bool dkim_explain(const struct dkim *d, size_t index, struct arena *a,
    struct explain_signature *out);

enum explain_body_code {
	BODY_UNKNOWN,  /* no prefix of the body has the signed hash */
	BODY_SAME,     /* the whole body has the signed hash */
	BODY_OTHER,    /* the whole body has the signed hash with the other
	                  canonicalization */
	BODY_APPENDED, /* a prefix has the signed hash; the rest was added */
	BODY_NO_MEMORY,
};

struct explain_body {
	enum explain_body_code code;
	uint64_t length;   /* canonical bytes of the prefix */
	uint64_t appended; /* canonical bytes after the prefix */
	size_t lines;      /* lines of the prefix */
};

/*
 * Finds the prefix of the body that `sig` signed, by trying every prefix that
 * ends at the end of a line.  Computes one hash per line.
 */
void dkim_explain_body(
    const struct signature *sig, struct span body, struct explain_body *out);

/* ---- a key ---- */

enum {
	EXPLAIN_RECORDS_MAX = 8, /* per answer */
	EXPLAIN_ADVICE_MAX = 12, /* per record */
};

struct explain_record {
	struct span text;
	unsigned strings; /* number of strings in the TXT record */
	struct key key;   /* its member `crypto` has been released */
	const char *advice[EXPLAIN_ADVICE_MAX]; /* constant strings about bad
	                                           practice in a valid record */
	size_t n_advice;
};

struct explain_key {
	struct span name;  /* DNS name that is queried */
	struct span alias; /* target of a CNAME; absent: no CNAME */
	enum dns_state state;
	enum dns_error fault;
	struct explain_record records[EXPLAIN_RECORDS_MAX];
	size_t n_records;
	size_t n_all;        /* records in the answer */
	bool is_good;        /* a signature with this key can pass */
	struct span verdict; /* why or why not, one line of printable ASCII */
};

/* Fetches and checks SELECTOR._domainkey.DOMAIN.  Spans in `out` point into `a`
 * or `questions`. */
enum core_status dkim_explain_key(struct span selector, struct span domain,
    const struct dkim_options *o, struct dns_questions *questions,
    struct arena *a, struct explain_key *out);

#endif
