#include "dmarc/align.h"

#include <assert.h>
#include <stdint.h>

#include "lib/domain.h"

const struct dns_answer *
dmarc_align_alias(
    const struct dmarc_facts *f, size_t i, struct dns_questions *questions)
{
	if (!f->expands_aliases || i >= f->n_authors - f->n_possible)
		return NULL;
	return dns_ask(questions, f->authors[i], DNS_A);
}

void
dmarc_align_ask_authors(
    const struct dmarc_facts *f, struct dns_questions *questions)
{
	for (size_t i = 0; i < f->n_authors; i++)
		dmarc_walk_ask(f->authors[i], 1, questions);
	for (size_t i = 0; i < f->n_authors; i++)
		dmarc_align_alias(f, i, questions);
	for (size_t i = 0; i < f->n_authors; i++)
		dmarc_walk_ask(f->authors[i], DMARC_MAX_QUERIES, questions);
	for (size_t i = 0; i < f->n_authors; i++) {
		const struct dns_answer *answer =
		    dmarc_align_alias(f, i, questions);

		if (answer != NULL && answer->alias.n > 0)
			dmarc_walk_ask(
			    answer->alias, DMARC_MAX_QUERIES, questions);
	}
}

bool
dmarc_align_open(struct dmarc_align *c, const struct dmarc_facts *f, bool all,
    struct dns_questions *questions, struct arena *a)
{
	*c = (struct dmarc_align){ .questions = questions, .arena = a };
	if (f->n_dkim < SIZE_MAX)
		c->parties = arena_array(a, f->n_dkim + 1, sizeof(*c->parties));
	if (c->parties == NULL)
		return false;
	for (size_t i = 0; i <= f->n_dkim; i++) {
		const struct dmarc_identifier *id =
		    i == 0 ? &f->spf : &f->dkim[i - 1];

		if (id->domain.n == 0 || (!all && id->fact == DMARC_FACT_OTHER))
			continue;
		c->parties[c->n_parties++] =
		    (struct dmarc_identifier_state){ .id = id,
			    .is_dkim = i > 0 };
	}
	return true;
}

enum core_status
dmarc_align_party_walk(struct dmarc_align *c, struct dmarc_identifier_state *p)
{
	struct dmarc_walk walk;

	if (p->known)
		return CORE_DONE;
	for (const struct dmarc_identifier_state *q = c->parties; q < p; q++) {
		if (q->known && domain_equal(q->id->domain, p->id->domain)) {
			p->known = true;
			p->failed = q->failed;
			p->organizational_domain = q->organizational_domain;
			return CORE_DONE;
		}
	}
	if (dmarc_walk(p->id->domain, c->questions, c->arena, &walk) ==
	    CORE_WAIT)
		return CORE_WAIT;
	p->known = true;
	p->failed = walk.failed;
	p->organizational_domain = walk.organizational_domain;
	return CORE_DONE;
}

/*
 * Whether the result can depend on the existence of the author domain.  It can
 * only if the record is at a domain above it, and the record's np differs from
 * its sp or, without sp, its p (RFC 9989 section 4.7 np).
 */
static bool
existence_matters(const struct dmarc_walk *walk)
{
	const struct dmarc_record *r;
	const char *tag;

	if (walk->policy == NULL || walk->policy == &walk->steps[0] ||
	    walk->policy->broken)
		return false;
	r = walk->policy->record;
	return dmarc_record_policy(r, DMARC_TARGET_NONEXISTENT, &tag) !=
	    dmarc_record_policy(r, DMARC_TARGET_SUBDOMAIN, &tag);
}

/* NXDOMAIN after a CNAME refers to the target: the alias itself exists. */
static bool
says_nxdomain(const struct dns_answer *answer)
{
	return answer->state == DNS_NXDOMAIN && answer->alias.p == NULL;
}

/*
 * RFC 9989 section 3.2.13 and appendix A.4: a domain does not exist if the
 * answer is NXDOMAIN, whatever the type.  Often the walk already shows that the
 * domain exists: if the "_dmarc." name below it exists, so does the domain (RFC
 * 8020).  Otherwise its TXT records are queried, which SPF has most likely
 * queried already.
 */
static enum core_status
author_existence(struct dmarc_align *c, struct dmarc_author *au)
{
	const struct dns_answer *below = au->walk.steps[0].answer;
	const struct dns_answer *own;

	au->existence = DMARC_EXISTS;
	if (!existence_matters(&au->walk))
		return CORE_DONE;
	if (below->state != DNS_BADNAME && !says_nxdomain(below))
		return CORE_DONE;
	own = dns_ask(c->questions, au->domain, DNS_TXT);
	if (own->state == DNS_PENDING)
		return CORE_WAIT;
	if (says_nxdomain(own))
		au->existence = DMARC_EXISTS_NOT;
	else if (own->state == DNS_FAILED)
		au->existence = DMARC_EXISTS_UNKNOWN;
	return CORE_DONE;
}

const struct dmarc_record *
dmarc_align_record(const struct dmarc_author *au)
{
	const struct dmarc_step *policy = au->walk.policy;

	return policy != NULL && !policy->broken ? policy->record : NULL;
}

enum dmarc_alignment
dmarc_align_mode(
    const struct dmarc_author *au, const struct dmarc_identifier_state *p)
{
	const struct dmarc_record *r = dmarc_align_record(au);

	if (r == NULL) /* RFC 9989 section 4.7: the default of both tags */
		return DMARC_RELAXED;
	return p->is_dkim ? r->adkim : r->aspf;
}

/*
 * Whether the organizational domain of `p` may be needed for alignment with
 * `au`.
 *
 * An organizational domain is the domain itself or one above it.  Rules 1 and 3
 * of RFC 9989 section 4.10.2 select a name in the walk, and the walk only
 * removes labels from the left (section 4.10 steps 4 and 7).  Rule 2 selects
 * the suffix of the domain with one more label than such a name.  Without a
 * record, it is the domain itself.  Relaxed alignment requires the same
 * organizational domain for both (section 3.2.10.1), so it must be a common
 * suffix of both.  Hence:
 *  - An identifier whose last label differs never aligns, and needs no walk.
 *    Neither does one that is not at or below the organizational domain of the
 *    author domain, once that is known.
 *  - An identical identifier aligns in either mode (section 4.10.2, first note:
 *    the same walk has the same result), so it needs no walk.
 *  - An identifier that shares only the last label needs a walk only if the
 *    organizational domain is that one label, which requires a record without
 *    psd=y at a top-level domain.  That walk is not prefetched.
 */
static bool
party_needs_walk(
    const struct dmarc_author *au, const struct dmarc_identifier_state *p)
{
	const struct dmarc_walk *walk = &au->walk;
	struct span domain = p->id->domain;

	if (domain_equal(domain, au->domain))
		return false;
	if (au->step == CORE_WAIT)
		return domain_labels(au->domain) > 1 &&
		    domain_is_under(domain, domain_suffix(au->domain, 2));
	/* RFC 9989 section 4.10.2, second and third notes: no record applies,
	 * or it requires strict alignment. */
	if (dmarc_align_record(au) == NULL || walk->failed)
		return false;
	return dmarc_align_mode(au, p) == DMARC_RELAXED &&
	    domain_is_under(domain, walk->organizational_domain);
}

enum core_status
dmarc_align_ask(
    struct dmarc_align *c, struct span domain, struct dmarc_author *au)
{
	enum core_status step;

	*au = (struct dmarc_author){ .domain = domain };
	au->step = step = dmarc_walk(domain, c->questions, c->arena, &au->walk);
	if (au->step == CORE_DONE)
		step = author_existence(c, au);
	for (size_t i = 0; i < c->n_parties; i++) {
		if (party_needs_walk(au, &c->parties[i]) &&
		    dmarc_align_party_walk(c, &c->parties[i]) == CORE_WAIT)
			step = CORE_WAIT;
	}
	return step;
}

/* RFC 9989 sections 3.2.10 and 4.10.2.  All answers must have arrived. */
enum dmarc_aligned
dmarc_align_identifier(
    const struct dmarc_author *au, const struct dmarc_identifier_state *p)
{
	struct span domain = p->id->domain;

	if (domain_equal(domain, au->domain))
		return DMARC_ALIGNED;
	if (dmarc_align_mode(au, p) == DMARC_STRICT)
		return DMARC_ALIGNED_NOT;
	/* see party_needs_walk() */
	if (!domain_is_under(domain, domain_suffix(au->domain, 1)))
		return DMARC_ALIGNED_NOT;
	if (au->walk.failed)
		return DMARC_ALIGNED_UNKNOWN;
	if (!domain_is_under(domain, au->walk.organizational_domain))
		return DMARC_ALIGNED_NOT;
	assert(p->known);
	if (p->failed)
		return DMARC_ALIGNED_UNKNOWN;
	return domain_equal(
		   p->organizational_domain, au->walk.organizational_domain)
	    ? DMARC_ALIGNED
	    : DMARC_ALIGNED_NOT;
}
