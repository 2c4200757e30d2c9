/*
 * discover.h - the DNS tree walk (RFC 9989 section 4.10): Organizational
 * Domain and DMARC Policy Record of a domain.
 */
#ifndef AVOUCH_DMARC_DISCOVER_H
#define AVOUCH_DMARC_DISCOVER_H

#include <stdbool.h>

#include "dmarc/dmarc.h"
#include "dmarc/record.h"

struct dmarc_step {         /* one name of the walk, as it was asked */
	struct span domain; /* without "_dmarc." */
	const struct dns_answer *answer;
	const struct dmarc_record *record; /* NULL: none that counts */
	const char *note;                  /* what was wrong, or NULL */
};

struct dmarc_walk {
	struct dmarc_step steps[DMARC_MAX_QUERIES];
	size_t n_steps;
	struct span organizational_domain; /* section 4.10.2; never absent for
	                                      a domain that is one */
	const struct dmarc_step *policy;   /* section 4.10.1; NULL: no record */
	bool failed;                       /* an answer that matters is missing
	                                      for good (temperror) */
};

/* Names are asked all at once.  Texts live in `a` or `talk`. */
enum step dmarc_walk(struct span domain, struct dns_talk *talk, struct arena *a,
    struct dmarc_walk *out);

#endif
