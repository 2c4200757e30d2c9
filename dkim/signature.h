/*
 * signature.h - parses the tags of DKIM-Signature (RFC 6376 section 3.5), and
 * of the similar ARC-Message-Signature and ARC-Seal (RFC 8617 section 4.1).
 */
#ifndef AVOUCH_DKIM_SIGNATURE_H
#define AVOUCH_DKIM_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dkim/body_hash.h"
#include "lib/arena.h"
#include "lib/span.h"

enum {
	SIGNATURE_NAMES_MAX = 1000, /* names in h=; 30 are common */
	SIGNATURE_LENGTH_DIGITS =
	    76, /* maximum digits of l= (RFC 6376 section 3.5) */
	SIGNATURE_TIME_DIGITS =
	    12, /* maximum digits of t= and x= (RFC 6376 section 3.5) */
	SIGNATURE_INSTANCE_DIGITS =
	    2, /* maximum digits of i= (RFC 8617 section 3.9) */
};

enum signature_kind {
	SIGNATURE_DKIM,
	SIGNATURE_AMS,  /* ARC-Message-Signature */
	SIGNATURE_SEAL, /* ARC-Seal */
};

enum signature_algorithm {
	SIGNATURE_UNKNOWN,
	SIGNATURE_RSA_SHA1, /* parsed, never verified (RFC 8301 section 3.1) */
	SIGNATURE_RSA_SHA256,
	SIGNATURE_ED25519_SHA256, /* RFC 8463 */
};

enum signature_chain { CHAIN_NONE, CHAIN_FAIL, CHAIN_PASS }; /* cv= */

struct signature {
	/* Why the signature cannot be used (a constant string), or NULL if all
	 * tags are valid.  Readable tags are filled in either way. */
	const char *fault;

	struct span algorithm_text; /* a= as written */
	enum signature_algorithm algorithm;
	struct span b_text; /* b= as written */
	struct span b_cut;  /* b= with surrounding white space, left out of the
	                       hash (RFC 6376 section 3.7) */
	struct span b;      /* decoded */
	struct span bh;     /* decoded: 32 bytes */
	enum canon header, body;
	bool has_canon;              /* c= is present */
	struct span domain;          /* d= in normal form */
	struct span selector;        /* s= in normal form */
	struct span identity;        /* i= decoded; absent: not given */
	struct span identity_domain; /* domain of i= in normal form; same as
	                                `domain` if i= is missing */
	const struct span *names;    /* names in h= */
	size_t n_names;
	size_t n_from;       /* number of times `names` contains From */
	uint64_t limit;      /* l=; BODY_WHOLE: not given */
	uint64_t timestamp;  /* t= */
	uint64_t expiration; /* x= */
	bool has_timestamp, has_expiration;

	/* ARC only */
	unsigned instance; /* i=, 1 to 50; 0: unreadable */
	enum signature_chain chain;
};

/*
 * Parses the value of a field of type `kind`.  Returns false if `a` is full;
 * `out` must not be used then.  Spans in `out` point into `a` or `value`.
 */
bool signature_read(struct span value, enum signature_kind kind,
    struct arena *a, struct signature *out);

struct signature_peek { /* values as written; absent: no such tag */
	struct span domain, selector, algorithm, b;
};

/* Finds a few tags without checking anything; a cheap way to describe
 * signatures that are not verified. */
void signature_peek(struct span value, struct signature_peek *out);

/* Returns d= as written. */
struct span signature_domain(struct span value);

/* Decodes a base64string (RFC 6376 section 2.10) for b=, bh= and p= of a key:
 * like base64_decode(), but padding may be missing. */
bool signature_base64(struct arena *a, struct span text, struct span *out);

/* Decodes dkim-quoted-printable (RFC 6376 section 2.11, RFC 8616 section 5).
 * Returns an absent span if `text` is malformed or `a` is full. */
struct span signature_unquote(struct arena *a, struct span text);

/*
 * Returns the instance of an ARC field that begins with "i=N;", with optional
 * CFWS (RFC 8617 section 3.9), and removes this prefix from `value`.  Returns 0
 * if the field begins differently, or if N is not 1 to 50.
 */
unsigned signature_instance(struct span *value);

#endif
