#include "dmarc/dmarc.h"

#include <assert.h>
#include <stdint.h>

#include "dmarc/discover.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/table.h"

enum { REASON_MAX = 512 }; /* bytes of a reason, two domain names fit */

static const struct name codes[] = {
	{ "none", DMARC_NONE },
	{ "pass", DMARC_PASS },
	{ "fail", DMARC_FAIL },
	{ "temperror", DMARC_TEMPERROR },
	{ "permerror", DMARC_PERMERROR },
};

const char *
dmarc_code_name(enum dmarc_code code)
{
	return table_name(codes, TABLE_SIZE(codes), (int)code);
}

/* An identifier and its organizational domain, once that was asked for. */
struct party {
	const struct dmarc_identifier *id;
	bool is_dkim;
	bool known;  /* what follows is filled in */
	bool failed; /* its walk met an answer missing for good */
	bool stale;
	struct span organizational_domain;
};

struct check {
	struct dns_talk *talk;
	struct arena *arena;
	struct party *parties; /* those with a domain, SPF's first */
	size_t n_parties;
};

enum existence { EXISTS, EXISTS_NOT, EXISTS_UNKNOWN };

/* One author domain: what the DNS says of it. */
struct author {
	struct span domain;
	enum step step; /* STEP_WAIT: `walk` is not filled in yet */
	struct dmarc_walk walk;
	enum existence existence;
	bool stale;
};

/* False: no memory.  `all`: also those that can have no part in a verdict. */
static bool
check_open(struct check *c, const struct dmarc_facts *f, bool all,
    struct dns_talk *talk, struct arena *a)
{
	*c = (struct check){ .talk = talk, .arena = a };
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
		    (struct party){ .id = id, .is_dkim = i > 0 };
	}
	return true;
}

static bool
walk_is_stale(const struct dmarc_walk *walk)
{
	for (size_t i = 0; i < walk->n_steps; i++) {
		if (walk->steps[i].answer->stale)
			return true;
	}
	return false;
}

static enum step
party_walk(struct check *c, struct party *p)
{
	struct dmarc_walk walk;

	if (p->known)
		return STEP_DONE;
	for (const struct party *q = c->parties; q < p; q++) {
		if (q->known && domain_equal(q->id->domain, p->id->domain)) {
			p->known = true;
			p->failed = q->failed;
			p->stale = q->stale;
			p->organizational_domain = q->organizational_domain;
			return STEP_DONE;
		}
	}
	if (dmarc_walk(p->id->domain, c->talk, c->arena, &walk) == STEP_WAIT)
		return STEP_WAIT;
	p->known = true;
	p->failed = walk.failed;
	p->stale = walk_is_stale(&walk);
	p->organizational_domain = walk.organizational_domain;
	return STEP_DONE;
}

/*
 * Does it matter whether the author domain exists?  Only where the record is
 * of a domain above it, and its np asks for something else than its sp or p
 * (RFC 9989 section 4.7 np).
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

/* NXDOMAIN behind a CNAME is said of its target: the alias itself exists. */
static bool
says_nxdomain(const struct dns_answer *answer)
{
	return answer->state == DNS_NXDOMAIN && answer->alias.p == NULL;
}

/*
 * RFC 9989 section 3.2.13 and appendix A.4: a domain does not exist if the
 * answer is NXDOMAIN, whatever the type.  The walk has often told already: if
 * "_dmarc." below it exists, so does the domain (RFC 8020).  Else it is asked
 * for TXT, which SPF most likely has asked of the same name.
 */
static enum step
author_existence(struct check *c, struct author *au)
{
	const struct dns_answer *below = au->walk.steps[0].answer;
	const struct dns_answer *own;

	au->existence = EXISTS;
	if (!existence_matters(&au->walk))
		return STEP_DONE;
	if (below->state != DNS_BADNAME && !says_nxdomain(below))
		return STEP_DONE;
	own = dns_ask(c->talk, au->domain, DNS_TXT);
	if (own->state == DNS_PENDING)
		return STEP_WAIT;
	au->stale |= own->stale;
	if (says_nxdomain(own))
		au->existence = EXISTS_NOT;
	else if (own->state == DNS_FAILED)
		au->existence = EXISTS_UNKNOWN;
	return STEP_DONE;
}

/*
 * May the organizational domain of `p` be needed for alignment with `au`?
 *
 * An organizational domain is the domain itself or one above it: rules 1 and 3
 * of RFC 9989 section 4.10.2 select a name of the walk, and those are made by
 * removing labels from the left (section 4.10 steps 4 and 7); rule 2 selects
 * the name one label below such a name on the way back to the domain; without
 * a record it is the domain itself.  Relaxed alignment is the same
 * organizational domain for both (section 3.2.10.1), so that one is a common
 * suffix of both.  Hence
 *  - an identifier that shares no label at the end never aligns, and needs no
 *    walk; nor does one that is not at or below the author domain's
 *    organizational domain, once that is known;
 *  - one that is identical aligns in either mode (section 4.10.2, first note;
 *    the same walk has the same end), and needs none either;
 *  - one that shares just the last label needs it only if the organizational
 *    domain is that one label, which takes a record at a top-level domain
 *    without psd=y.  It is not asked ahead for that.
 */
static bool
party_needs_walk(const struct author *au, const struct party *p)
{
	const struct dmarc_walk *walk = &au->walk;
	struct span domain = p->id->domain;

	if (domain_equal(domain, au->domain))
		return false;
	if (au->step == STEP_WAIT)
		return domain_labels(au->domain) > 1 &&
		    domain_is_under(domain, domain_suffix(au->domain, 2));
	/* RFC 9989 section 4.10.2, second and third note: no record applies,
	 * or it wants strict alignment. */
	if (walk->policy == NULL || walk->policy->broken || walk->failed)
		return false;
	const struct dmarc_record *r = walk->policy->record;

	return (p->is_dkim ? r->adkim : r->aspf) == DMARC_RELAXED &&
	    domain_is_under(domain, walk->organizational_domain);
}

/* Asks for all that the verdict on one author domain may need. */
static enum step
author_ask(struct check *c, struct span domain, struct author *au)
{
	enum step step;

	*au = (struct author){ .domain = domain };
	au->step = step = dmarc_walk(domain, c->talk, c->arena, &au->walk);
	if (au->step == STEP_DONE) {
		au->stale = walk_is_stale(&au->walk);
		step = author_existence(c, au);
	}
	for (size_t i = 0; i < c->n_parties; i++) {
		if (party_needs_walk(au, &c->parties[i]) &&
		    party_walk(c, &c->parties[i]) == STEP_WAIT)
			step = STEP_WAIT;
	}
	return step;
}

enum step
dmarc_ask(const struct dmarc_facts *f, struct dns_talk *talk, struct arena *a)
{
	struct check c;
	struct author au;
	enum step step = STEP_DONE;

	if (!check_open(&c, f, true, talk, a))
		return STEP_DONE;
	for (size_t i = 0; i < f->n_authors; i++) {
		if (author_ask(&c, f->authors[i], &au) == STEP_WAIT)
			step = STEP_WAIT;
	}
	return step;
}

enum aligned { ALIGNED_NOT, ALIGNED, ALIGNED_UNKNOWN };

/* RFC 9989 sections 3.2.10 and 4.10.2.  All answers are there. */
static enum aligned
party_aligned(const struct author *au, const struct party *p)
{
	struct span domain = p->id->domain;
	const struct dmarc_record *r = au->walk.policy->record;

	if (domain_equal(domain, au->domain))
		return ALIGNED;
	if ((p->is_dkim ? r->adkim : r->aspf) == DMARC_STRICT)
		return ALIGNED_NOT;
	/* see party_needs_walk() */
	if (!domain_is_under(domain, domain_suffix(au->domain, 1)))
		return ALIGNED_NOT;
	if (au->walk.failed)
		return ALIGNED_UNKNOWN;
	if (!domain_is_under(domain, au->walk.organizational_domain))
		return ALIGNED_NOT;
	assert(p->known);
	if (p->failed)
		return ALIGNED_UNKNOWN;
	return domain_equal(
		   p->organizational_domain, au->walk.organizational_domain)
	    ? ALIGNED
	    : ALIGNED_NOT;
}

/* The identifiers of a message as they stand to one author domain. */
struct alignment {
	const struct party *spf,
	    *dkim; /* the first that passes and is aligned */
	const struct party *unchecked; /* aligned or perhaps so, a temperror */
	const struct party *unknown;   /* passes, but alignment is not known */
};

static struct alignment
align(const struct check *c, const struct author *au, bool *stale)
{
	struct alignment out = { .spf = NULL };

	for (size_t i = 0; i < c->n_parties; i++) {
		const struct party *p = &c->parties[i];
		enum aligned aligned = party_aligned(au, p);
		bool pass = p->id->fact == DMARC_FACT_PASS;

		*stale |= p->known && p->stale;
		if (aligned == ALIGNED_NOT)
			continue;
		if (!pass && out.unchecked == NULL)
			out.unchecked = p;
		else if (pass && aligned == ALIGNED_UNKNOWN)
			out.unknown = p;
		else if (pass && p->is_dkim && out.dkim == NULL)
			out.dkim = p;
		else if (pass && !p->is_dkim)
			out.spf = p;
	}
	return out;
}

static void
apply_policy(const struct author *au, struct dmarc_result *out)
{
	enum dmarc_target target = DMARC_TARGET_SUBDOMAIN;

	if (au->walk.policy == &au->walk.steps[0])
		target = DMARC_TARGET_ITSELF;
	else if (au->existence == EXISTS_NOT)
		target = DMARC_TARGET_NONEXISTENT;
	out->record = au->walk.policy->record;
	out->testing = out->record->testing;
	out->nonexistent = target == DMARC_TARGET_NONEXISTENT;
	out->policy =
	    dmarc_record_policy(out->record, target, &out->policy_tag);
}

/* A reason: up to three texts with up to two names between them. */
static void
put_reason(struct buf *b, const char *before, struct span name,
    const char *between, struct span other, const char *after)
{
	buf_text(b, before);
	buf_printable(b, name, DOMAIN_MAX);
	buf_text(b, between);
	buf_printable(b, other, DOMAIN_MAX);
	buf_text(b, after);
}

/* The answer that is missing for good: RFC 9989 section 5.3.6. */
static void
put_failed(struct buf *b, const struct dmarc_walk *walk)
{
	for (size_t i = 0; i < walk->n_steps; i++) {
		const struct dmarc_step *step = &walk->steps[i];

		if (step->answer->state == DNS_FAILED) {
			put_reason(b, "no answer for _dmarc.", step->domain,
			    ": ", span_str(step->note), "");
			return;
		}
	}
	buf_text(b, "out of memory");
}

/* No policy that could be applied: RFC 9989 section 4.10.1. */
static void
judge_without(
    const struct author *au, struct dmarc_result *out, struct buf *reason)
{
	const struct dmarc_walk *walk = &au->walk;

	if (walk->policy != NULL) {
		out->code = DMARC_PERMERROR;
		out->policy_domain = walk->policy->domain;
		put_reason(reason, "the record of ", walk->policy->domain,
		    " cannot be used: ", span_str(walk->policy->note), "");
	} else if (walk->failed) {
		out->code = DMARC_TEMPERROR;
		put_failed(reason, walk);
	} else {
		out->code = DMARC_NONE;
		put_reason(reason, "no DMARC record for ", au->domain, "",
		    SPAN_NONE, "");
	}
}

static void
put_policy(struct buf *b, const struct dmarc_result *r)
{
	buf_text(b, r->policy_tag);
	buf_byte(b, '=');
	buf_text(b, dmarc_policy_name(r->policy));
	put_reason(b, " of ", r->policy_domain, "", SPAN_NONE,
	    r->testing ? " with t=y" : "");
	if (r->nonexistent)
		buf_text(b, ", the author domain does not exist");
}

/* RFC 9989 sections 5.3.4 to 5.3.6, where a record applies. */
static void
judge(const struct check *c, const struct author *au, struct dmarc_result *out,
    struct buf *reason)
{
	struct alignment al = align(c, au, &out->stale);
	const struct party *by = al.dkim != NULL ? al.dkim : al.spf;

	out->policy_domain = au->walk.policy->domain;
	apply_policy(au, out);
	out->spf_aligned = al.spf != NULL;
	out->dkim_aligned = al.dkim != NULL;
	if (by != NULL) {
		/* Section 5.3.5: one aligned identifier is enough. */
		out->code = DMARC_PASS;
		out->aligned_by = by->id->domain;
		put_reason(reason, by->is_dkim ? "DKIM of " : "SPF of ",
		    by->id->domain, " is aligned with ", au->domain, "");
	} else if (al.unknown != NULL) {
		/* Section 5.3.6: neither pass nor fail without all answers. */
		out->code = DMARC_TEMPERROR;
		put_reason(reason, "no answer that tells whether ",
		    al.unknown->id->domain, " is aligned with ", au->domain,
		    "");
	} else if (al.unchecked != NULL) {
		out->code = DMARC_TEMPERROR;
		put_reason(reason,
		    al.unchecked->is_dkim ? "temporary error in DKIM of "
					  : "temporary error in SPF of ",
		    al.unchecked->id->domain, "", SPAN_NONE, "");
	} else if (au->existence == EXISTS_UNKNOWN) {
		out->code = DMARC_TEMPERROR;
		put_reason(reason, "no answer that tells whether ", au->domain,
		    " exists", SPAN_NONE, "");
	} else {
		out->code = DMARC_FAIL;
		out->disposition =
		    dmarc_policy_asked(out->policy, out->testing);
		buf_text(reason, "no aligned identifier passes; ");
		put_policy(reason, out);
	}
}

static struct dmarc_result
no_memory(struct span domain)
{
	return (struct dmarc_result){
		.code = DMARC_TEMPERROR,
		.disposition = DMARC_POLICY_NONE,
		.author_domain = domain,
		.reason = SPAN("out of memory"),
	};
}

/* STEP_WAIT: all that is missing was asked. */
static enum step
author_check(struct check *c, const struct dmarc_facts *f, struct span domain,
    struct dmarc_result *out)
{
	struct author au;
	struct buf reason;

	if (author_ask(c, domain, &au) == STEP_WAIT)
		return STEP_WAIT;
	*out = (struct dmarc_result){
		.disposition = DMARC_POLICY_NONE,
		.author_domain = domain,
		.stale = au.stale,
	};
	if (!au.walk.failed)
		out->organizational_domain = au.walk.organizational_domain;
	reason = buf_in(c->arena, REASON_MAX);
	if (reason.p == NULL) {
		*out = no_memory(domain);
		return STEP_DONE;
	}
	if (f->authors_bad && f->authors_reason != NULL) {
		buf_text(&reason, f->authors_reason);
		buf_text(&reason, "; ");
	}
	if (au.walk.policy == NULL || au.walk.policy->broken)
		judge_without(&au, out, &reason);
	else
		judge(c, &au, out, &reason);
	out->reason = buf_done(&reason);
	return STEP_DONE;
}

/*
 * RFC 9989 section 11.5: of several author domains the most strict policy among
 * the checks that fail; so none of them hides behind another.  A temperror
 * might have been a rejection, but is none yet: it goes after the failures
 * that ask for something.
 */
static unsigned
strictness(const struct dmarc_result *r)
{
	switch (r->code) {
	case DMARC_PASS:
		return 0;
	case DMARC_NONE:
		return 1;
	case DMARC_PERMERROR:
		return 2;
	case DMARC_TEMPERROR:
		return 4;
	case DMARC_FAIL:
		switch (r->disposition) {
		case DMARC_POLICY_REJECT:
			return 6;
		case DMARC_POLICY_QUARANTINE:
			return 5;
		case DMARC_POLICY_NONE:
		case DMARC_POLICY_ABSENT:
			return 3;
		}
	}
	return 0;
}

enum step
dmarc_check(const struct dmarc_facts *f, struct dns_talk *talk, struct arena *a,
    struct dmarc_result *out)
{
	struct check c;
	struct dmarc_result one;
	enum step step = STEP_DONE;
	bool any = f->authors_bad || f->n_authors == 0;

	/* RFC 9989 sections 4.4 and 5.3.1: without a reliable author domain
	 * there is no alignment, and so no pass. */
	*out = (struct dmarc_result){
		.code = DMARC_PERMERROR,
		.disposition = DMARC_POLICY_NONE,
		.reason =
		    span_str(f->authors_reason != NULL ? f->authors_reason
						       : "no author domain"),
	};
	if (!check_open(&c, f, false, talk, a)) {
		*out = no_memory(f->n_authors > 0 ? f->authors[0] : SPAN_NONE);
		return STEP_DONE;
	}
	for (size_t i = 0; i < f->n_authors; i++) {
		if (author_check(&c, f, f->authors[i], &one) == STEP_WAIT) {
			step = STEP_WAIT;
			continue;
		}
		if (!any || strictness(&one) > strictness(out))
			*out = one;
		any = true;
	}
	out->n_authors = f->n_authors;
	return step;
}
