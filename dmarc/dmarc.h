/*
 * dmarc.h - the DMARC result of a message (RFC 9989): whether its author domain
 * is authenticated, and if not, which policy the domain's owner asks for.
 *
 * A pure core.  The results of SPF and DKIM are arguments.
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

enum dmarc_fact {         /* SPF's or DKIM's result for an identifier */
	DMARC_FACT_OTHER, /* not authenticated */
	DMARC_FACT_PASS,
	DMARC_FACT_TEMPERROR,
};

enum dmarc_aligned { /* of an identifier with an author domain */
	DMARC_ALIGNED_NOT,
	DMARC_ALIGNED,
	DMARC_ALIGNED_UNKNOWN, /* a question failed */
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

/* The result for one author domain. */
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
 * Asks all questions that dmarc_check() may need, for every domain of `f` at
 * once, whatever the results of SPF and DKIM will be.  CORE_DONE: all answers
 * are known.
 */
enum core_status dmarc_ask(const struct dmarc_facts *f,
    struct dns_questions *questions, struct arena *a);

/*
 * The result: every author domain is checked and the strictest result applies.
 * Without author domains, and without `authors_fault`, it is DMARC_NONE.  Texts
 * live in `a` or point into `f` and `questions`.  An exhausted arena gives
 * DMARC_TEMPERROR.
 *
 * Both functions first ask for the record of each author domain, then for the
 * names above them, then for the walks of the identifiers.  So one author
 * domain cannot use up the questions that another one's policy needs.
 */
enum core_status dmarc_check(const struct dmarc_facts *f,
    struct dns_questions *questions, struct arena *a, struct dmarc_result *out);

/*
 * The identifier that authenticates one of `domains`: it passes, and its domain
 * is the same, or above it, or has the same organizational domain by the tree
 * walk (RFC 9989 section 4.10.2).  For marks of indirect mail (section 7.4),
 * which anyone can write into a message.
 */
struct dmarc_related {
	size_t domain;                     /* index in `domains` */
	const struct dmarc_identifier *by; /* NULL: there is none */
};

/*
 * Asks all questions that dmarc_find_related() may need, whatever the results
 * of SPF and DKIM will be.  A domain at or below an identifier's needs none;
 * else it needs its own walk, and that of the first DMARC_RELATED_MAX
 * identifiers that share its last two labels.
 */
enum core_status dmarc_ask_related(const struct dmarc_facts *f,
    const struct span *domains, size_t n, struct dns_questions *questions,
    struct arena *a);

/*
 * `domains` in normal form.  If a walk fails or the arena is exhausted, the
 * domain has no identifier.
 */
enum core_status dmarc_find_related(const struct dmarc_facts *f,
    const struct span *domains, size_t n, struct dns_questions *questions,
    struct arena *a, struct dmarc_related *out);

#endif
