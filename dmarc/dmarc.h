/*
 * dmarc.h - is the author's domain authenticated, and if not, what does its
 * owner ask for?  (RFC 9989)
 *
 * A pure core.  SPF's and DKIM's results are plain facts passed in.
 */
#ifndef AVOUCH_DMARC_DMARC_H
#define AVOUCH_DMARC_DMARC_H

#include <stdbool.h>
#include <stddef.h>

#include "dmarc/record.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "lib/core_status.h"

enum {
	DMARC_MAX_QUERIES = 8, /* of one tree walk, RFC 9989 section 4.10 */
	DMARC_RELATED_MAX = 4, /* identifiers whose walks a list's domain is
	                          compared with: real lists have one or two */
};

enum dmarc_code { /* RFC 9989 section 9.2 */
	DMARC_NONE,
	DMARC_PASS,
	DMARC_FAIL,
	DMARC_TEMPERROR,
	DMARC_PERMERROR,
};

enum dmarc_fact {         /* what a method said of an identifier */
	DMARC_FACT_OTHER, /* not authenticated */
	DMARC_FACT_PASS,
	DMARC_FACT_TEMPERROR,
};

enum dmarc_aligned { /* an identifier with an author domain */
	DMARC_ALIGNED_NOT,
	DMARC_ALIGNED,
	DMARC_ALIGNED_UNKNOWN, /* an answer is missing for good */
};

struct dmarc_identifier {
	struct span domain; /* normal form; absent: there is none */
	enum dmarc_fact fact;
};

struct dmarc_facts {
	const struct span *authors; /* distinct author domains, normal form */
	size_t n_authors;
	size_t n_possible; /* of the authors, the last ones: some programs may
	                      show them.  That one has no record is not a
	                      result, as most are not even domains */
	const char *authors_fault; /* NULL: the author domains are certain.
	                              Else why not (RFC 9989 sections 5.3.1,
	                              11.5), a constant text: permerror, and
	                              nothing is asked */
	struct dmarc_identifier spf;
	const struct dmarc_identifier *dkim;
	size_t n_dkim;
};

/* One author domain's evaluation. */
struct dmarc_result {
	enum dmarc_code code;
	struct span author_domain;
	struct span organizational_domain; /* absent: not found */
	struct span
	    policy_domain; /* where the record was found; absent: none */
	const struct dmarc_record *record; /* NULL: none */
	enum dmarc_policy policy;          /* the p, sp or np that applies */
	const char *policy_tag;        /* "p", "sp", "np"; NULL: no record */
	enum dmarc_policy disposition; /* what is asked for this message: none
	                               unless fail; one step down with t=y */
	bool spf_aligned;              /* passes and is aligned */
	bool dkim_aligned; /* some signature passes and is aligned */
	bool testing;      /* t=y */
	bool pct_zero;     /* pct=0: RFC 9989 ignores it */
	bool nonexistent;  /* the author domain does not exist (np) */
	bool stale;
	struct span aligned_by; /* the domain that made it pass */
	struct span reason;     /* one line of printable ASCII */
	size_t n_authors;       /* domains evaluated; this is the strictest */
};

const char *dmarc_code_name(enum dmarc_code code);

/*
 * Asks for all that dmarc_check() may need, for every domain of `f` at once,
 * whatever the facts turn out to be.  CORE_DONE: all is known.
 */
enum core_status dmarc_ask(const struct dmarc_facts *f,
    struct dns_questions *questions, struct arena *a);

/*
 * The verdict: every author domain is evaluated and the strictest one counts.
 * Without author domains, and without a fault, it is DMARC_NONE.  Texts live in
 * `a` or point into `f` and `questions`.  An exhausted arena gives
 * DMARC_TEMPERROR.
 *
 * Both functions ask the record of each author domain first, then what is above
 * these, then the identifiers' walks: one author domain cannot use up the
 * questions that another one's policy needs.
 */
enum core_status dmarc_check(const struct dmarc_facts *f,
    struct dns_questions *questions, struct arena *a, struct dmarc_result *out);

/*
 * Which identifier that passes does one of `domains` belong to?  It belongs to
 * one whose domain is the same or above it, or that has the same organizational
 * domain by the tree walk (RFC 9989 section 4.10.2).  For marks of indirect
 * mail (section 7.4): a mark that nobody vouches for is only a claim.
 */
struct dmarc_related {
	size_t domain;                     /* index in `domains` */
	const struct dmarc_identifier *by; /* NULL: there is none */
};

/*
 * Asks for all that dmarc_find_related() may need, whatever the facts turn out
 * to be: nothing for a domain at or below an identifier's, else its walk and
 * that of the first DMARC_RELATED_MAX identifiers that share its last two
 * labels.
 */
enum core_status dmarc_ask_related(const struct dmarc_facts *f,
    const struct span *domains, size_t n, struct dns_questions *questions,
    struct arena *a);

/*
 * `domains` in normal form.  A walk that fails relates nothing; so does an
 * exhausted arena.
 */
enum core_status dmarc_find_related(const struct dmarc_facts *f,
    const struct span *domains, size_t n, struct dns_questions *questions,
    struct arena *a, struct dmarc_related *out);

#endif
