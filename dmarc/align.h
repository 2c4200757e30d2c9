/*
 * align.h - finds the identifiers of a message that are aligned with an author
 * domain (RFC 9989 sections 3.2.10 and 4.10.2).  Private to dmarc/.
 */
#ifndef AVOUCH_DMARC_ALIGN_H
#define AVOUCH_DMARC_ALIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "dmarc/tree_walk.h"
#include "dmarc/dmarc.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "lib/core_status.h"

/* An identifier and, once it has been looked up, its organizational domain. */
struct dmarc_identifier_state {
	const struct dmarc_identifier *id;
	bool is_dkim;
	bool known;  /* the following members are set */
	bool failed; /* a DNS query in its tree walk failed */
	struct span organizational_domain;
};

struct dmarc_align {
	struct dns_questions *questions;
	struct arena *arena;
	/* identifiers with a domain, SPF first */
	struct dmarc_identifier_state *parties;
	size_t n_parties;
};

enum dmarc_existence { DMARC_EXISTS, DMARC_EXISTS_NOT, DMARC_EXISTS_UNKNOWN };

/* The DNS data of one author domain. */
struct dmarc_author {
	struct span domain;
	enum core_status step; /* CORE_WAIT: `walk` is not complete */
	struct dmarc_walk walk;
	enum dmarc_existence existence;
};

/* Lists the identifiers that passed or had a temporary error, or all if `all`
 * is set.  Returns false if memory ran out. */
bool dmarc_align_open(struct dmarc_align *c, const struct dmarc_facts *f,
    bool all, struct dns_questions *questions, struct arena *a);

/*
 * Queries the records of all author domains, then their aliases, then the
 * records of their parent domains and of the targets.  Call this before all
 * other queries, so that no author domain or identifier can use up the queries
 * that the policy of another author needs.
 */
void dmarc_align_ask_authors(
    const struct dmarc_facts *f, struct dns_questions *questions);

/* Returns the answer whose `alias` is what the MTA writes instead of
 * `f->authors[i]`, if that is an alias; NULL if the MTA does not replace it. */
const struct dns_answer *dmarc_align_alias(
    const struct dmarc_facts *f, size_t i, struct dns_questions *questions);

/* Looks up the organizational domain of `p`. */
enum core_status dmarc_align_party_walk(
    struct dmarc_align *c, struct dmarc_identifier_state *p);

/* Sends all queries that the result for an author domain may need. */
enum core_status dmarc_align_ask(
    struct dmarc_align *c, struct span domain, struct dmarc_author *au);

/* Returns the usable record that applies to the author domain; NULL if there is
 * none, in which case nothing is aligned. */
const struct dmarc_record *dmarc_align_record(const struct dmarc_author *au);

/* Returns the alignment mode for `p` in the record that applies to the author
 * domain; without a record, the default. */
enum dmarc_alignment dmarc_align_mode(
    const struct dmarc_author *au, const struct dmarc_identifier_state *p);

/* Returns the alignment of `p`.  Call this only if there is a record, and after
 * dmarc_align_ask() has returned CORE_DONE. */
enum dmarc_aligned dmarc_align_identifier(
    const struct dmarc_author *au, const struct dmarc_identifier_state *p);

#endif
