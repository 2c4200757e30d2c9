/*
 * record.h - parses an SPF record into an array of terms (RFC 7208 sections
 * 4.5, 4.6, 5, 6 and 12).
 *
 * The whole record is parsed before any of it is used, so that a syntax error
 * anywhere is found first (RFC 7208 section 4.6).  Terms point into the record;
 * nothing is looked up here.
 */
#ifndef AVOUCH_SPF_RECORD_H
#define AVOUCH_SPF_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "spf/spf.h"

enum spf_kind {
	SPF_KIND_ALL,
	SPF_KIND_INCLUDE,
	SPF_KIND_A,
	SPF_KIND_MX,
	SPF_KIND_PTR,
	SPF_KIND_IP4,
	SPF_KIND_IP6,
	SPF_KIND_EXISTS,
	SPF_KIND_REDIRECT, /* modifiers start here */
	SPF_KIND_EXP,
	SPF_KIND_OTHER, /* a modifier that the RFC does not define */
	SPF_KIND_WRONG, /* not a term; `fault` says why */
};

struct spf_term {
	enum spf_kind kind;
	enum spf_code qualifier; /* SPF_PASS, FAIL, SOFTFAIL or NEUTRAL */
	unsigned bits4,
	    bits6;      /* prefix lengths; for ip4 and ip6, only one applies */
	unsigned needs; /* SPF_NEEDS_* of `spec` */
	struct ip ip;   /* ip4 and ip6 only */
	struct span text;  /* as written */
	struct span spec;  /* the domain-spec (SPF_KIND_OTHER: the
	                      macro-string); absent: not given */
	const char *fault; /* the syntax error, a constant string; NULL: none */
};

struct spf_record {
	struct span text;
	const struct spf_term *terms; /* in order, including modifiers */
	size_t n;
	const struct spf_term *all; /* the first "all"; NULL: none */
	const struct spf_term *redirect;
	const struct spf_term *exp;
	const struct spf_term *fault; /* the first term with a syntax error */
};

/* Whether a TXT record is an SPF record (RFC 7208 section 4.5): it begins with
 * "v=spf1", in upper or lower case, followed by a space or the end. */
bool spf_record_is(struct span text);

/*
 * Parses a string for which spf_record_is() is true.  Errors are marked at
 * their terms, and parsing continues after them.  Returns false if `a` is full.
 */
bool spf_record_parse(
    struct arena *a, struct span text, struct spf_record *out);

/* Whether the term makes DNS queries and so counts towards the limit of RFC
 * 7208 section 4.6.4. */
bool spf_term_looks_up(const struct spf_term *term);

#endif
