#include "dmarc/dmarc.h"

#include "dmarc/align.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"

enum { REASON_MAX = 1200 }; /* bytes of a reason with four domain names */

static const struct enum_token codes[] = {
	{ "none", DMARC_NONE },
	{ "pass", DMARC_PASS },
	{ "fail", DMARC_FAIL },
	{ "temperror", DMARC_TEMPERROR },
	{ "permerror", DMARC_PERMERROR },
};

const char *
dmarc_code_name(enum dmarc_code code)
{
	return enum_name(codes, ARRAY_SIZE(codes), (int)code);
}

enum core_status
dmarc_ask(const struct dmarc_facts *f, struct dns_questions *questions,
    struct arena *a)
{
	struct dmarc_align c;
	struct dmarc_author au;
	enum core_status step = CORE_DONE;

	if (f->authors_fault != NULL ||
	    !dmarc_align_open(&c, f, true, questions, a))
		return CORE_DONE;
	dmarc_align_ask_authors(f, questions);
	for (size_t i = 0; i < f->n_authors; i++) {
		const struct dns_answer *answer =
		    dmarc_align_alias(f, i, questions);

		if (dmarc_align_ask(&c, f->authors[i], &au) == CORE_WAIT)
			step = CORE_WAIT;
		if (answer == NULL)
			continue;
		if (answer->state == DNS_PENDING ||
		    (answer->alias.n > 0 &&
			dmarc_align_ask(&c, answer->alias, &au) == CORE_WAIT))
			step = CORE_WAIT;
	}
	return step;
}

/* The alignment of a message's identifiers with one author domain. */
struct alignment {
	/* the first SPF and the first DKIM identifier that pass and are
	 * aligned */
	const struct dmarc_identifier_state *spf, *dkim;
	/* an identifier that had a temperror, and is or may be aligned */
	const struct dmarc_identifier_state *unchecked;
	/* an identifier that passes, but whose alignment is unknown */
	const struct dmarc_identifier_state *unknown;
};

static struct alignment
align(const struct dmarc_align *c, const struct dmarc_author *au)
{
	struct alignment out = { .spf = NULL };

	for (size_t i = 0; i < c->n_parties; i++) {
		const struct dmarc_identifier_state *p = &c->parties[i];
		enum dmarc_aligned aligned = dmarc_align_identifier(au, p);
		bool pass = p->id->fact == DMARC_FACT_PASS;

		if (aligned == DMARC_ALIGNED_NOT)
			continue;
		if (!pass && out.unchecked == NULL)
			out.unchecked = p;
		else if (pass && aligned == DMARC_ALIGNED_UNKNOWN)
			out.unknown = p;
		else if (pass && p->is_dkim && out.dkim == NULL)
			out.dkim = p;
		else if (pass && !p->is_dkim)
			out.spf = p;
	}
	return out;
}

static void
apply_policy(const struct dmarc_author *au, struct dmarc_result *out)
{
	enum dmarc_target target = DMARC_TARGET_SUBDOMAIN;

	if (au->walk.policy == &au->walk.steps[0])
		target = DMARC_TARGET_ITSELF;
	else if (au->existence == DMARC_EXISTS_NOT)
		target = DMARC_TARGET_NONEXISTENT;
	out->record = au->walk.policy->record;
	out->testing = out->record->testing;
	out->nonexistent = target == DMARC_TARGET_NONEXISTENT;
	out->policy =
	    dmarc_record_policy(out->record, target, &out->policy_tag);
}

/* Writes a reason: up to three strings with up to two names between them. */
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

/* Names the query that failed (RFC 9989 section 5.3.6). */
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

/* Sets the result if no policy can be applied (RFC 9989 section 4.10.1). */
static void
judge_without(
    const struct dmarc_author *au, struct dmarc_result *out, struct buf *reason)
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

/* Sets the result if a record applies (RFC 9989 sections 5.3.4 to 5.3.6). */
static void
judge(const struct dmarc_align *c, const struct dmarc_author *au,
    struct dmarc_result *out, struct buf *reason)
{
	struct alignment al = align(c, au);
	const struct dmarc_identifier_state *by =
	    al.dkim != NULL ? al.dkim : al.spf;

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
		/* Section 5.3.6: without all answers, the result is neither
		 * pass nor fail. */
		out->code = DMARC_TEMPERROR;
		put_reason(reason, "no DNS answer, so it is unknown whether ",
		    al.unknown->id->domain, " is aligned with ", au->domain,
		    "");
	} else if (al.unchecked != NULL) {
		out->code = DMARC_TEMPERROR;
		put_reason(reason,
		    al.unchecked->is_dkim ? "DKIM has a temporary error for "
					  : "SPF has a temporary error for ",
		    al.unchecked->id->domain, "", SPAN_NONE, "");
	} else if (au->existence == DMARC_EXISTS_UNKNOWN) {
		out->code = DMARC_TEMPERROR;
		put_reason(reason, "no DNS answer, so it is unknown whether ",
		    au->domain, " exists", SPAN_NONE, "");
	} else {
		out->code = DMARC_FAIL;
		out->disposition =
		    dmarc_policy_asked(out->policy, out->testing);
		buf_text(reason, "no aligned identifier passes; ");
		put_policy(reason, out);
	}
}

static struct dmarc_result
temperror(struct span domain, const char *reason)
{
	return (struct dmarc_result){
		.code = DMARC_TEMPERROR,
		.disposition = DMARC_POLICY_NONE,
		.author_domain = domain,
		.reason = span_str(reason),
	};
}

static struct dmarc_result
no_memory(struct span domain)
{
	return temperror(domain, "out of memory");
}

/* Checks one author domain, or the target of the author domain `alias`, which
 * is otherwise absent.  On CORE_WAIT, queries for all missing answers have been
 * sent. */
static enum core_status
author_check(struct dmarc_align *c, struct span domain, struct span alias,
    struct dmarc_result *out)
{
	struct dmarc_author au;
	struct buf reason;

	if (dmarc_align_ask(c, domain, &au) == CORE_WAIT)
		return CORE_WAIT;
	*out = (struct dmarc_result){
		.disposition = DMARC_POLICY_NONE,
		.author_domain = domain,
	};
	if (!au.walk.failed)
		out->organizational_domain = au.walk.organizational_domain;
	reason = buf_alloc(c->arena, REASON_MAX);
	if (reason.p == NULL) {
		*out = no_memory(domain);
		return CORE_DONE;
	}
	if (alias.p != NULL)
		put_reason(&reason, "", alias, " is an alias of ", domain,
		    ", which the MTA shows: ");
	if (dmarc_align_record(&au) == NULL)
		judge_without(&au, out, &reason);
	else
		judge(c, &au, out, &reason);
	out->reason = buf_view(&reason);
	return CORE_DONE;
}

/*
 * RFC 9989 section 11.5: if there are several author domains, the strictest
 * policy of those that fail applies, so that no author domain hides another.  A
 * temperror could have been a failure with p=reject, but is not known to be
 * one, so it ranks below failures with a policy, and above all other results.
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

/* RFC 9989 sections 4.4 and 5.3.1: if it is not certain who the authors are,
 * nothing is aligned with them, and nothing passes. */
static struct dmarc_result
without_authors(const struct dmarc_facts *f)
{
	return (struct dmarc_result){
		.code = f->authors_fault != NULL ? DMARC_PERMERROR : DMARC_NONE,
		.disposition = DMARC_POLICY_NONE,
		.reason =
		    span_str(f->authors_fault != NULL ? f->authors_fault
						      : "no author domain"),
	};
}

/* The results of all author domains. */
struct dmarc_judging {
	struct dmarc_align align;
	struct dmarc_result *out; /* the strictest result */
	bool any;                 /* `out` is the result of an author domain */
	size_t alias_growth;
};

static void
keep_strictest(struct dmarc_judging *j, const struct dmarc_result *one)
{
	if (!j->any || strictness(one) > strictness(j->out))
		*j->out = *one;
	j->any = true;
}

/* Checks the domain that the MTA writes instead of author `i`, if that is an
 * alias.  Without an answer, it is unknown who the author will be. */
static enum core_status
alias_check(struct dmarc_judging *j, const struct dmarc_facts *f, size_t i)
{
	struct span alias = f->authors[i];
	const struct dns_answer *answer =
	    dmarc_align_alias(f, i, j->align.questions);
	struct dmarc_result one;

	if (answer == NULL)
		return CORE_DONE;
	if (answer->state == DNS_PENDING)
		return CORE_WAIT;
	if (answer->state == DNS_FAILED) {
		one = temperror(alias,
		    "no DNS answer, so it is unknown whether the author domain "
		    "is an alias");
		keep_strictest(j, &one);
	}
	if (answer->alias.n == 0)
		return CORE_DONE;
	if (answer->alias.n > alias.n + j->alias_growth)
		j->alias_growth = answer->alias.n - alias.n;
	if (author_check(&j->align, answer->alias, alias, &one) == CORE_WAIT)
		return CORE_WAIT;
	keep_strictest(j, &one);
	return CORE_DONE;
}

enum core_status
dmarc_check(const struct dmarc_facts *f, struct dns_questions *questions,
    struct arena *a, struct dmarc_result *out)
{
	struct dmarc_judging j = { .out = out };
	struct dmarc_result one;
	enum core_status step = CORE_DONE;

	*out = without_authors(f);
	if (f->authors_fault != NULL || f->n_authors == 0)
		return CORE_DONE;
	if (!dmarc_align_open(&j.align, f, false, questions, a)) {
		*out = no_memory(f->authors[0]);
		return CORE_DONE;
	}
	dmarc_align_ask_authors(f, questions);
	for (size_t i = 0; i < f->n_authors; i++) {
		bool possible = i >= f->n_authors - f->n_possible;

		if (author_check(&j.align, f->authors[i], SPAN_NONE, &one) ==
		    CORE_WAIT)
			step = CORE_WAIT;
		else if (!possible || one.code != DMARC_NONE)
			keep_strictest(&j, &one);
		if (alias_check(&j, f, i) == CORE_WAIT)
			step = CORE_WAIT;
	}
	out->n_authors = f->n_authors;
	out->alias_growth = j.alias_growth;
	return step;
}
