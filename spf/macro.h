/*
 * macro.h - checks and expands the macro language of RFC 7208 section 7.
 *
 * The cost of an expansion grows with the length of the input plus the useful
 * length of the result (a name of DOMAIN_MAX bytes, an explanation of
 * SPF_MAX_EXPLANATION), never with the product of input and values: a name is
 * built from its end, and bytes before the last 253 are not read.
 */
#ifndef AVOUCH_SPF_MACRO_H
#define AVOUCH_SPF_MACRO_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"

enum spf_macro_use {
	SPF_MACRO_DOMAIN, /* a domain-spec, in a mechanism, redirect= or exp= */
	SPF_MACRO_STRING, /* a macro-string, in an unknown modifier */
	SPF_MACRO_TEXT,   /* an explain-string, the text that exp= refers to */
};

enum {                           /* bit set: what an expansion needs */
	SPF_NEEDS_EXPANSION = 1, /* the text contains macros */
	SPF_NEEDS_PTR = 2,       /* %{p} */
	SPF_NEEDS_LOCAL = 4,     /* %{s}, %{l}: see RFC 8616 section 4 */
};

struct spf_macros {           /* RFC 7208 section 7.2; no U-labels */
	struct span sender;   /* s: local-part "@" domain */
	struct span local;    /* l */
	struct span origin;   /* o: the domain of <sender> */
	struct span domain;   /* d: <domain>, no final dot */
	struct span ptr;      /* p */
	struct span helo;     /* h */
	struct span receiver; /* r; absent: "unknown" */
	struct ip ip;         /* i, c, v */
	int64_t now;          /* t */
};

/*
 * Sets `needs` and returns NULL if `text` is well-formed, else returns a
 * constant string that says what is wrong.  The letters c, r and t are errors
 * in a domain-spec (RFC 7208 section 7.2).
 */
const char *spf_macro_check(
    struct span text, enum spf_macro_use use, unsigned *needs);

/*
 * Expands a well-formed domain-spec to its <target-name> (RFC 7208 section
 * 4.8): no final dot, at most DOMAIN_MAX bytes; empty if no whole label
 * remains.  The result need not be a valid DNS name.  Returns false if memory
 * ran out.
 */
bool spf_macro_domain(const struct spf_macros *values, struct span spec,
    struct arena *a, struct span *out);

/* Expands a well-formed explain-string to printable ASCII ("?" for any other
 * byte), truncated to SPF_MAX_EXPLANATION bytes.  Returns false if memory ran
 * out. */
bool spf_macro_text(const struct spf_macros *values, struct span text,
    struct arena *a, struct span *out);

#endif
