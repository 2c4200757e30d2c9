/*
 * related.c - finds the identifier that authenticates the domain of a mailing
 * list.
 */
#include "dmarc/align.h"
#include "lib/domain.h"

/* If two names share an organizational domain, it is a suffix of both (see
 * party_needs_walk() in align.c).  Here, one common label is not enough. */
static bool
may_share_organization(struct span domain, struct span other)
{
	return domain_labels(domain) > 1 &&
	    domain_is_under(other, domain_suffix(domain, 2));
}

static bool
is_repeated(const struct dmarc_align *c, size_t party)
{
	for (size_t i = 0; i < party; i++)
		if (domain_equal(
			c->parties[i].id->domain, c->parties[party].id->domain))
			return true;
	return false;
}

/* Compares the organizational domain of `domain` with those of the identifiers
 * whose domain is neither `domain` nor above it. */
static enum core_status
relate_by_walk(struct dmarc_align *c, struct span domain,
    const struct dmarc_identifier **by)
{
	struct dmarc_walk walk = { .failed = true };
	enum core_status own = CORE_WAIT, step = CORE_DONE;
	size_t asked = 0;

	for (size_t i = 0; i < c->n_parties; i++) {
		struct dmarc_identifier_state *p = &c->parties[i];

		if (!may_share_organization(domain, p->id->domain) ||
		    domain_is_under(domain, p->id->domain))
			continue;
		if (!is_repeated(c, i) && asked++ == DMARC_RELATED_MAX)
			break;
		if (asked == 1)
			own = dmarc_walk(domain, c->questions, c->arena, &walk);
		if (dmarc_align_party_walk(c, p) == CORE_WAIT ||
		    own == CORE_WAIT)
			step = CORE_WAIT;
		else if (p->id->fact == DMARC_FACT_PASS && *by == NULL &&
		    !walk.failed && !p->failed &&
		    domain_equal(
			walk.organizational_domain, p->organizational_domain))
			*by = p->id;
	}
	return step;
}

/* Returns the first identifier that passes and whose domain is `domain` or
 * above it. */
static const struct dmarc_identifier *
passing_above(const struct dmarc_align *c, struct span domain)
{
	for (size_t i = 0; i < c->n_parties; i++) {
		const struct dmarc_identifier *id = c->parties[i].id;

		if (id->fact == DMARC_FACT_PASS &&
		    domain_is_under(domain, id->domain))
			return id;
	}
	return NULL;
}

enum core_status
dmarc_ask_related(const struct dmarc_facts *f, const struct span *domains,
    size_t n, struct dns_questions *questions, struct arena *a)
{
	const struct dmarc_identifier *by = NULL;
	enum core_status step = CORE_DONE;
	struct dmarc_align c;

	if (!dmarc_align_open(&c, f, true, questions, a))
		return CORE_DONE;
	for (size_t i = 0; i < n; i++)
		if (relate_by_walk(&c, domains[i], &by) == CORE_WAIT)
			step = CORE_WAIT;
	return step;
}

enum core_status
dmarc_find_related(const struct dmarc_facts *f, const struct span *domains,
    size_t n, struct dns_questions *questions, struct arena *a,
    struct dmarc_related *out)
{
	enum core_status step = CORE_DONE;
	struct dmarc_align c;

	*out = (struct dmarc_related){ .by = NULL };
	if (!dmarc_align_open(&c, f, true, questions, a))
		return CORE_DONE;
	for (size_t i = 0; i < n && out->by == NULL; i++) {
		out->by = passing_above(&c, domains[i]);
		out->domain = i;
	}
	for (size_t i = 0; i < n && out->by == NULL; i++) {
		out->domain = i;
		if (relate_by_walk(&c, domains[i], &out->by) == CORE_WAIT)
			step = CORE_WAIT;
	}
	return out->by != NULL ? CORE_DONE : step;
}
