/*
 * tree_walk.h - the DNS tree walk (RFC 9989 section 4.10): Organizational
 * Domain and DMARC Policy Record of a domain.
 */
#ifndef AVOUCH_DMARC_TREE_WALK_H
#define AVOUCH_DMARC_TREE_WALK_H

#include <stdbool.h>

#include "dmarc/dmarc.h"
#include "dmarc/record.h"

struct dmarc_step {         /* one name of the walk, as it was asked */
	struct span domain; /* without "_dmarc." */
	const struct dns_answer *answer;
	const struct dmarc_record *record; /* NULL: none that counts */
	bool broken; /* its policy cannot be applied: by RFC 9989 section 4.10.1
	                there is no DMARC if this is the policy record; its psd
	                still counts */
	const char *note; /* what was wrong, or NULL */
};

struct dmarc_walk {
	struct dmarc_step steps[DMARC_MAX_QUERIES]; /* the domain's own first */
	size_t n_steps;                    /* up to where the walk stops */
	struct span organizational_domain; /* section 4.10.2; never absent for
	                                      a domain that is one */
	const struct dmarc_step *policy;   /* section 4.10.1; NULL: no record */
	bool failed; /* a question that matters failed (temperror):
	                the organizational domain may be another one, and only
	                a policy record at the domain itself is known */
};

/*
 * Asks for the first `max` names (at most DMARC_MAX_QUERIES) of the walk of
 * `domain`, the domain's own first; dmarc_walk() reads the answers.
 */
void dmarc_walk_ask(
    struct span domain, size_t max, struct dns_questions *questions);

/*
 * `domain` in normal form.  Names are asked all at once.  Texts live in `a` or
 * `questions` or point into `domain`.  An exhausted arena is like a failed
 * question.
 */
enum core_status dmarc_walk(struct span domain, struct dns_questions *questions,
    struct arena *a, struct dmarc_walk *out);

#endif
