/*
 * tree_walk.h - walks the DNS tree (RFC 9989 section 4.10) to find the
 * Organizational Domain and the DMARC Policy Record of a domain.
 */
#ifndef AVOUCH_DMARC_TREE_WALK_H
#define AVOUCH_DMARC_TREE_WALK_H

#include <stdbool.h>

#include "dmarc/dmarc.h"
#include "dmarc/record.h"

struct dmarc_step {         /* one name queried in the walk */
	struct span domain; /* without "_dmarc." */
	const struct dns_answer *answer;
	const struct dmarc_record *record; /* NULL: no valid record */
	bool broken;      /* its policy cannot be applied: under RFC 9989
	                     section 4.10.1, DMARC does not apply if this is the
	                     policy record; its psd still counts */
	const char *note; /* the problem found at this name, or NULL */
};

struct dmarc_walk {
	/* the first step is for the domain itself */
	struct dmarc_step steps[DMARC_MAX_QUERIES];
	size_t n_steps; /* number of steps until the walk stops */
	struct span organizational_domain; /* section 4.10.2; never absent for a
	                                      valid domain */
	const struct dmarc_step *policy;   /* section 4.10.1; NULL: no record */
	bool failed; /* a query that matters failed (temperror): the
	                organizational domain may be wrong, and only a
	                policy record at the domain itself is reliable */
};

/* Queries the first `max` names (at most DMARC_MAX_QUERIES) of the walk for
 * `domain`, starting with the domain itself; dmarc_walk() reads the answers. */
void dmarc_walk_ask(
    struct span domain, size_t max, struct dns_questions *questions);

/*
 * Walks the tree from `domain`, which is in normal form.  All names are queried
 * in parallel.  Strings in `out` are stored in `a`, `questions` or `domain`.
 * An exhausted arena counts as a failed query.
 */
enum core_status dmarc_walk(struct span domain, struct dns_questions *questions,
    struct arena *a, struct dmarc_walk *out);

#endif
