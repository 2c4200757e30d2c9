/*
 * dmarc.h - determines the DMARC result of a message (RFC 9989): whether its
 * author domain is authenticated, and if not, which policy the domain's owner
 * requests.
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
	DMARC_MAX_QUERIES = 8, /* per tree walk, RFC 9989 section 4.10 */
	/* identifiers whose tree walks are compared with that of a mailing
	 * list's domain; mail from real lists has one or two */
	DMARC_RELATED_MAX = 4,
};

enum dmarc_code { /* RFC 9989 section 9.2 */
	DMARC_NONE,
	DMARC_PASS,
	DMARC_FAIL,
	DMARC_TEMPERROR,
	DMARC_PERMERROR,
};

enum dmarc_fact {         /* the SPF or DKIM result for an identifier */
	DMARC_FACT_OTHER, /* not authenticated */
	DMARC_FACT_PASS,
	DMARC_FACT_TEMPERROR,
};

/* whether an identifier is aligned with an author domain */
enum dmarc_aligned {
	DMARC_ALIGNED_NOT,
	DMARC_ALIGNED,
	DMARC_ALIGNED_UNKNOWN, /* a DNS query failed */
};

struct dmarc_identifier {
	struct span domain; /* in normal form; absent: none */
	enum dmarc_fact fact;
};

struct dmarc_facts {
	const struct span *authors; /* distinct, in normal form */
	size_t n_authors;
	/* the last n_possible of `authors` are names that some programs may
	 * display as the author domain.  Those without a record are ignored:
	 * most are not even domains */
	size_t n_possible;
	/* the MTA writes the target of an alias (CNAME) instead of an author
	 * domain, so the targets are authors too */
	bool expands_aliases;
	/* NULL: the author domains are certain.  Otherwise a constant string
	 * that says why they are not (RFC 9989 sections 5.3.1, 11.5); the
	 * result is then permerror, and nothing is queried */
	const char *authors_fault;
	struct dmarc_identifier spf;
	const struct dmarc_identifier *dkim;
	size_t n_dkim;
};

/* The result for one author domain. */
struct dmarc_result {
	enum dmarc_code code;
	struct span author_domain;
	struct span organizational_domain; /* absent: not found */
	/* where the record was found; absent: none */
	struct span policy_domain;
	const struct dmarc_record *record; /* NULL: none */
	enum dmarc_policy policy; /* the value of p, sp or np that applies */
	const char *policy_tag;   /* "p", "sp", "np"; NULL: no record */
	/* the policy requested for this message: none unless the result is
	 * fail; one level lower with t=y */
	enum dmarc_policy disposition;
	bool spf_aligned;  /* SPF passes and is aligned */
	bool dkim_aligned; /* a signature passes and is aligned */
	bool testing;      /* t=y */
	bool nonexistent;  /* the author domain does not exist, so np applies */
	struct span aligned_by; /* the aligned domain that passed */
	/* with `expands_aliases`, the most bytes by which the target of an
	 * alias is longer than the author domain */
	size_t alias_growth;
	struct span reason; /* one line of printable ASCII */
	size_t n_authors;   /* author domains evaluated; this result is the
	                       strictest */
};

const char *dmarc_code_name(enum dmarc_code code);

/*
 * Sends all queries that dmarc_check() may need, for every domain of `f` in
 * parallel, regardless of the results of SPF and DKIM.  Returns CORE_DONE if
 * all answers are known.
 */
enum core_status dmarc_ask(const struct dmarc_facts *f,
    struct dns_questions *questions, struct arena *a);

/*
 * Checks every author domain, and sets `out` to the strictest result.  The
 * result is DMARC_NONE if there are no author domains and no `authors_fault`,
 * and DMARC_TEMPERROR if the arena is exhausted.  Strings in `out` are in `a`
 * or point into `f` and `questions`.
 *
 * dmarc_ask() and dmarc_check() first query the record of each author domain,
 * then those of their parent domains, then the tree walks of the identifiers,
 * so that one author domain cannot use up the queries that another one's policy
 * needs.  With `expands_aliases`, an author domain that is not only possible
 * costs one more query, and the walk of its target if it is an alias.
 */
enum core_status dmarc_check(const struct dmarc_facts *f,
    struct dns_questions *questions, struct arena *a, struct dmarc_result *out);

/*
 * The identifier that authenticates one of `domains`: it passes, and its domain
 * is equal to that domain, is above it, or has the same organizational domain
 * according to the tree walk (RFC 9989 section 4.10.2).  Evidence of indirect
 * mail (section 7.4) needs this confirmation, because anyone can write such
 * evidence into a message.
 */
struct dmarc_related {
	size_t domain;                     /* index in `domains` */
	const struct dmarc_identifier *by; /* NULL: none */
};

/*
 * Sends all queries that dmarc_find_related() may need, regardless of the
 * results of SPF and DKIM.  A domain at or below an identifier's domain needs
 * no query; any other domain needs its own walk and the walks of the first
 * DMARC_RELATED_MAX identifiers that share its last two labels.
 */
enum core_status dmarc_ask_related(const struct dmarc_facts *f,
    const struct span *domains, size_t n, struct dns_questions *questions,
    struct arena *a);

/* Finds the related identifier.  `domains` are in normal form.  If a walk fails
 * or the arena is exhausted, there is no related identifier. */
enum core_status dmarc_find_related(const struct dmarc_facts *f,
    const struct span *domains, size_t n, struct dns_questions *questions,
    struct arena *a, struct dmarc_related *out);

#endif
