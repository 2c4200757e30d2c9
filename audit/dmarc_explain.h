/*
 * dmarc_explain.h - explains a domain's DMARC records in plain words.
 *
 * For `avouch dmarc DOMAIN --explain` (RFC 9989 sections 4.7 and 4.10).
 * Strings are printable ASCII, allocated in the arena that the caller passes.
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
	DMARC_TEXT_MAX = 2048, /* maximum bytes per string; the rest is cut */
};

struct dmarc_hop {         /* one name in the tree walk */
	struct span name;  /* "_dmarc.example.com" */
	struct span text;  /* the record, or why there is none */
	const char *state; /* dns_state_name() of the answer */
	const char *role; /* "policy", "organizational domain", "public suffix",
	                     "policy and organizational domain"; or NULL */
};

struct dmarc_meaning {     /* one tag of the record that applies */
	struct span tag;   /* such as "p"; empty if the text is not of the form
	                      tag=value */
	struct span value; /* as written; empty if the tag is missing */
	bool is_default;   /* the tag is missing; `text` explains its default */
	struct span text;  /* the meaning */
};

struct dmarc_case {                /* policy for a message that fails */
	struct span from;          /* description of the author domain */
	const char *tag;           /* "p", "sp", "np"; NULL: no record */
	struct span record_domain; /* domain of the record; absent: no record */
	enum dmarc_policy policy;  /* as published */
	enum dmarc_policy disposition; /* `policy`, or one level lower if t=y */
	struct span text;              /* the members above, as a sentence */
};

struct dmarc_explanation {
	const struct dmarc_hop *hops;
	size_t n_hops;
	const struct dmarc_meaning *meanings; /* empty without a record */
	size_t n_meanings;
	struct dmarc_case *cases;
	size_t n_cases;
};

/*
 * Alignment of an identifier with an author domain (RFC 9989 section 4.10.2).
 */
struct dmarc_relation {
	struct span domain;
	bool is_dkim; /* false: SPF */
	enum dmarc_fact fact;
	enum dmarc_alignment mode; /* required by the record */
	enum dmarc_aligned aligned;
	struct span organizational_domain; /* absent if the alignment does not
	                                      depend on it */
};

struct dmarc_relations {
	struct dmarc_walk walk; /* tree walk for the author domain */
	bool nonexistent; /* the author domain does not exist, so np applies */
	const struct dmarc_relation *list; /* empty if no record applies */
	size_t n;
};

/*
 * Explains the result of dmarc_check() for `author`: lists every identifier of
 * `f` that has a domain, SPF first.  Spans in `out` live as long as those from
 * dmarc_check().  If the arena is full, the list is empty.
 */
enum core_status dmarc_explain_alignment(const struct dmarc_facts *f,
    struct span author, struct dns_questions *questions, struct arena *a,
    struct dmarc_relations *out);

/*
 * Explains the records found by two complete tree walks: `walk`, for `domain`,
 * and `above`, as passed to dmarc_policy_below().  `exists` says whether the
 * domain exists.  Returns false if memory ran out; `out` is then incomplete.
 */
bool dmarc_explain(struct span domain, const struct dmarc_walk *walk,
    const struct dmarc_walk *above, bool exists, struct arena *a,
    struct dmarc_explanation *out);

/*
 * Returns the step whose record applies to a name directly below a domain if
 * that name has no record of its own; NULL if no record applies or `above` has
 * failed.  `above` is the walk for the domain, or for its last seven labels if
 * it has more: for names below it, RFC 9989 section 4.10 step 4 skips the other
 * labels.
 */
const struct dmarc_step *dmarc_policy_below(const struct dmarc_walk *above);

#endif
