/*
 * align.h - which of a message's identifiers are aligned with an author domain
 * (RFC 9989 sections 3.2.10 and 4.10.2).  Within dmarc/ only.
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

/* An identifier and its organizational domain, once that was asked for. */
struct dmarc_identifier_state {
	const struct dmarc_identifier *id;
	bool is_dkim;
	bool known;  /* what follows is filled in */
	bool failed; /* a question of its walk failed */
	bool stale;
	struct span organizational_domain;
};

struct dmarc_align {
	struct dns_questions *questions;
	struct arena *arena;
	struct dmarc_identifier_state
	    *parties; /* those with a domain, SPF's first */
	size_t n_parties;
};

enum dmarc_existence { DMARC_EXISTS, DMARC_EXISTS_NOT, DMARC_EXISTS_UNKNOWN };

/* One author domain, as it is in the DNS. */
struct dmarc_author {
	struct span domain;
	enum core_status step; /* CORE_WAIT: `walk` is not filled in yet */
	struct dmarc_walk walk;
	enum dmarc_existence existence;
	bool stale;
};

/* False: no memory.  `all`: also identifiers that do not pass. */
bool dmarc_align_open(struct dmarc_align *c, const struct dmarc_facts *f,
    bool all, struct dns_questions *questions, struct arena *a);

/*
 * Asks for the record of every author domain, then for the names above them.
 * Called before all other questions, so that no author domain and no identifier
 * can use up the questions that another author's policy needs.
 */
void dmarc_align_ask_authors(
    const struct dmarc_facts *f, struct dns_questions *questions);

/* The organizational domain of `p`. */
enum core_status dmarc_align_party_walk(
    struct dmarc_align *c, struct dmarc_identifier_state *p);

/* Asks all questions that the result of one author domain may need. */
enum core_status dmarc_align_ask(
    struct dmarc_align *c, struct span domain, struct dmarc_author *au);

/* The record that applies to the author domain, and can be applied; NULL: none,
 * then nothing is aligned. */
const struct dmarc_record *dmarc_align_record(const struct dmarc_author *au);

/* How strict that record is with `p`; without one as a record without tags. */
enum dmarc_alignment dmarc_align_mode(
    const struct dmarc_author *au, const struct dmarc_identifier_state *p);

/* After dmarc_align_ask() returned CORE_DONE, if there is a record. */
enum dmarc_aligned dmarc_align_identifier(
    const struct dmarc_author *au, const struct dmarc_identifier_state *p);

#endif
