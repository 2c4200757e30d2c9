/*
 * macro.h - the macro language of RFC 7208 section 7: is a text well-formed,
 * and what does it expand to?
 *
 * The cost of an expansion grows with the length of the text plus the useful
 * length of the result (a name of DOMAIN_MAX bytes, an explanation of
 * SPF_MAX_EXPLANATION), never with the product of text and values: a name is
 * built from its end, and bytes beyond the last 253 are not looked at.
 */
#ifndef AVOUCH_SPF_MACRO_H
#define AVOUCH_SPF_MACRO_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"

enum spf_macro_use {
	SPF_MACRO_DOMAIN, /* a domain-spec: of a mechanism, redirect=, exp= */
	SPF_MACRO_STRING, /* a macro-string: of an unknown modifier */
	SPF_MACRO_TEXT,   /* an explain-string: what exp= points to */
};

enum { /* what must be known before a text can be expanded; a set of bits */
	SPF_NEEDS_EXPANSION = 1, /* it has macros at all */
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
 * NULL if `text` is well-formed, and `needs` is set; else a constant text that
 * says what is wrong.  The letters c, r and t are errors in a domain-spec (RFC
 * 7208 section 7.2).
 */
const char *spf_macro_check(
    struct span text, enum spf_macro_use use, unsigned *needs);

/*
 * The <target-name> of a well-formed domain-spec (RFC 7208 section 4.8): no
 * final dot, at most DOMAIN_MAX bytes; empty if no whole label remains.  It may
 * be a name that DNS cannot hold.  False: no memory.
 */
bool spf_macro_domain(const struct spf_macros *values, struct span spec,
    struct arena *a, struct span *out);

/*
 * Expands a well-formed explain-string to printable ASCII ("?" for any other
 * byte), cut at SPF_MAX_EXPLANATION.  False: no memory.
 */
bool spf_macro_text(const struct spf_macros *values, struct span text,
    struct arena *a, struct span *out);

#endif
