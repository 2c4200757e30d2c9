/*
 * dmarc_explain.h - what a domain's DMARC records say, in plain words, as data.
 *
 * For `avouch dmarc DOMAIN --explain` (RFC 9989 sections 4.7 and 4.10).  Texts
 * are printable ASCII and live in the arena given.
 */
#ifndef AVOUCH_AUDIT_DMARC_EXPLAIN_H
#define AVOUCH_AUDIT_DMARC_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "dmarc/tree_walk.h"
#include "lib/arena.h"
#include "lib/span.h"

enum {
	DMARC_CASES_MAX = 3,
	DMARC_TEXT_MAX = 2048, /* bytes of one text; longer ones are cut */
};

struct dmarc_hop {         /* one name of the walk */
	struct span name;  /* "_dmarc.example.com" */
	struct span text;  /* the record, or what came in its place */
	const char *state; /* dns_state_name() of the answer */
	const char
	    *role; /* "policy", "organizational domain", "public
	              suffix", "policy and organizational domain"; NULL */
};

struct dmarc_meaning {     /* one tag of the record in force */
	struct span tag;   /* "p"; empty: no tag at all */
	struct span value; /* as written; empty where it is the default */
	bool is_default;   /* the tag is not there */
	struct span text;  /* what it means */
};

struct dmarc_case {                /* what applies to a message that fails */
	struct span from;          /* the author domain, in words */
	const char *tag;           /* "p", "sp", "np"; NULL: no record */
	struct span record_domain; /* where the record is; absent: none */
	enum dmarc_policy policy;  /* published */
	enum dmarc_policy disposition; /* asked for, after t=y */
	struct span text;              /* all of that as one sentence */
};

struct dmarc_explanation {
	const struct dmarc_hop *hops;
	size_t n_hops;
	const struct dmarc_meaning *meanings; /* none without a record */
	size_t n_meanings;
	struct dmarc_case *cases;
	size_t n_cases;
};

/*
 * How an identifier stands to an author domain (RFC 9989 section 4.10.2).
 */
struct dmarc_relation {
	struct span domain;
	bool is_dkim; /* else SPF's */
	enum dmarc_fact fact;
	enum dmarc_alignment mode; /* that the record wants */
	enum dmarc_aligned aligned;
	struct span organizational_domain; /* absent: no need to know it */
};

struct dmarc_relations {
	struct dmarc_walk walk; /* of the author domain */
	bool nonexistent; /* the author domain does not exist, and that counts
	                   */
	const struct dmarc_relation *list; /* none where no record applies */
	size_t n;
};

/*
 * Why dmarc_check() says what it says of `author`: every identifier of `f`
 * that has a domain, SPF's first.  Texts live as those of dmarc_check(); an
 * exhausted arena leaves the list empty.
 */
enum core_status dmarc_explain_alignment(const struct dmarc_facts *f,
    struct span author, struct dns_questions *questions, struct arena *a,
    struct dmarc_relations *out);

/*
 * Of finished walks: `walk` of `domain`; `above` as dmarc_policy_below() wants
 * it; `exists`: the domain itself does.  False: no memory, `out` holds what
 * there was room for.
 */
bool dmarc_explain(struct span domain, const struct dmarc_walk *walk,
    const struct dmarc_walk *above, bool exists, struct arena *a,
    struct dmarc_explanation *out);

/*
 * The step whose record applies to a name right below a domain that has none of
 * its own; NULL: none does, or `above` has failed.  `above` is the walk of the
 * domain, or of its last seven labels where there are more (RFC 9989 section
 * 4.10 step 4: the others are not asked for names below).
 */
const struct dmarc_step *dmarc_policy_below(const struct dmarc_walk *above);

#endif
