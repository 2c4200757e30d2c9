#include "audit/dmarc_explain.h"

#include "dmarc/align.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"

/* The meanings of tags (RFC 9989 section 4.7), most important tag first. */
static const struct meaning {
	const char *tag;
	const char *value; /* NULL: any; "": the tag is missing */
	const char *text;
} meanings[] = {
	{ "v", NULL, "this is a DMARC policy record" },
	{ "p", "none",
	    "mail that fails: no preference; receivers treat it as if there "
	    "were no DMARC record" },
	{ "p", "quarantine",
	    "mail that fails is suspicious: receivers should quarantine it" },
	{ "p", "reject",
	    "mail that fails is not from this domain: receivers may refuse"
	    " it" },
	{ "p", "", "no policy: the same as p=none" },
	{ "sp", "none",
	    "existing subdomains without a DMARC record: no"
	    " preference" },
	{ "sp", "quarantine",
	    "existing subdomains without a DMARC record: mail that"
	    " fails is suspicious" },
	{ "sp", "reject",
	    "existing subdomains without a DMARC record: mail that"
	    " fails may be refused" },
	{ "sp", "", "subdomains without a DMARC record: the same as p" },
	{ "np", "none", "subdomains that do not exist: no preference" },
	{ "np", "quarantine",
	    "subdomains that do not exist: mail that fails is suspicious" },
	{ "np", "reject",
	    "subdomains that do not exist: mail that fails may be refused" },
	{ "np", "", "subdomains that do not exist: the same as existing ones" },
	{ "adkim", "s",
	    "a DKIM signature counts only if its d= is exactly the author"
	    " domain" },
	{ "adkim", "r",
	    "a DKIM signature counts if its d= has the same organizational"
	    " domain as the author domain" },
	{ "adkim", "",
	    "relaxed: a DKIM signature counts if its d= has the same"
	    " organizational domain as the author domain" },
	{ "aspf", "s",
	    "SPF counts only if the MAIL FROM domain is exactly the author"
	    " domain" },
	{ "aspf", "r",
	    "SPF counts if the MAIL FROM domain has the same organizational"
	    " domain as the author domain" },
	{ "aspf", "",
	    "relaxed: SPF counts if the MAIL FROM domain has the same"
	    " organizational domain as the author domain" },
	{ "t", "y", "testing: the owner asks for a policy one level weaker" },
	{ "t", "n", "receivers should apply the policy" },
	{ "t", "", "not testing: receivers should apply the policy" },
	{ "psd", "y",
	    "a public suffix: names directly below it belong to others" },
	{ "psd", "n",
	    "an organizational domain: all names below it belong to it, and it "
	    "belongs to no domain above" },
	{ "psd", "u",
	    "the tree walk decides whether this is an organizational"
	    " domain" },
	{ "psd", "",
	    "the tree walk decides whether this is an organizational"
	    " domain" },
	{ "rua", "", "send no aggregate reports" },
	{ "rua", NULL, "send aggregate reports to these addresses" },
	{ "ruf", "", "send no failure reports" },
	{ "ruf", NULL,
	    "send failure reports about individual messages to these "
	    "addresses" },
	{ "fo", "0",
	    "send a failure report if neither SPF nor DKIM produces an aligned "
	    "pass" },
	{ "fo", "1",
	    "send a failure report if SPF or DKIM does not produce an aligned "
	    "pass" },
	{ "fo", "d", "send a report about every DKIM signature that fails" },
	{ "fo", "s", "send a report about every SPF check that fails" },
	{ "fo", NULL,
	    "when to report: 0 if neither SPF nor DKIM produces an aligned "
	    "pass, 1 if either of them does not, d for any DKIM failure, s for "
	    "any SPF failure" },
	{ "pct", NULL,
	    "removed from DMARC (RFC 9989 appendix A.6): ignored; the policy"
	    " applies to all mail" },
	{ "rf", NULL, "removed from DMARC: ignored" },
	{ "ri", NULL, "removed from DMARC: ignored" },
};

/* Tags that have a default value. */
static const char *const defaults[] = { "p", "sp", "np", "adkim", "aspf", "t",
	"psd", "rua", "ruf" };

static const char *
find_meaning(struct span tag, struct span value)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		const struct meaning *m = &meanings[i];

		if (span_is_nocase(tag, m->tag) &&
		    (m->value == NULL || span_is_nocase(value, m->value)))
			return m->text;
	}
	return "unknown: ignored";
}

/* Returns an absent span if memory ran out. */
static struct span
printable_value(struct arena *a, struct span text)
{
	char memory[DMARC_TEXT_MAX + 1];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_printable(&b, text, DMARC_TEXT_MAX);
	return arena_copy(a, buf_view(&b));
}

static const char *
explain_tag(const struct dmarc_tag *tag)
{
	switch (tag->state) {
	case DMARC_TAG_OK:
	case DMARC_TAG_UNKNOWN:
	case DMARC_TAG_HISTORIC:
		break;
	case DMARC_TAG_BAD_VALUE:
		return "not valid: ignored";
	case DMARC_TAG_TWICE:
		return "repeated: ignored";
	case DMARC_TAG_GARBLED:
		return "not of the form tag=value: ignored";
	}
	return find_meaning(tag->name, tag->value);
}

static bool
is_given(const struct dmarc_tag *tags, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (span_is_nocase(tags[i].name, name))
			return true;
	}
	return false;
}

static bool
explain_record(const struct dmarc_record *r, struct arena *a,
    struct dmarc_explanation *out)
{
	struct dmarc_tag tags[DMARC_TAGS_MAX];
	size_t n = dmarc_record_tags(r->text, tags);
	struct dmarc_meaning *m;

	if (n > DMARC_TAGS_MAX)
		n = DMARC_TAGS_MAX;
	m = arena_array(a, n + ARRAY_SIZE(defaults), sizeof(*m));
	if (m == NULL)
		return false;
	out->meanings = m;
	for (size_t i = 0; i < n; i++) {
		m[out->n_meanings++] = (struct dmarc_meaning){
			.tag = tags[i].name,
			.value = printable_value(a, tags[i].value),
			.text = span_str(explain_tag(&tags[i])),
		};
	}
	for (size_t i = 0; n > 0 && i < ARRAY_SIZE(defaults); i++) {
		if (is_given(tags, n, defaults[i]))
			continue;
		m[out->n_meanings++] = (struct dmarc_meaning){
			.tag = span_str(defaults[i]),
			.value = SPAN(""),
			.is_default = true,
			.text = span_str(
			    find_meaning(span_str(defaults[i]), SPAN(""))),
		};
	}
	return true;
}

static const char *
role_of(const struct dmarc_walk *walk, const struct dmarc_step *step)
{
	bool policy = walk->policy == step;

	if (step->record == NULL)
		return NULL;
	if (step->record->psd == DMARC_PSD_YES && step != &walk->steps[0])
		return policy ? "policy and public suffix" : "public suffix";
	if (!walk->failed &&
	    domain_equal(step->domain, walk->organizational_domain))
		return policy ? "policy and organizational domain"
			      : "organizational domain";
	return policy ? "policy" : NULL;
}

/* Writes the record, or the reason why there is none. */
static void
buf_hop_answer(struct buf *b, const struct dmarc_step *step)
{
	const struct dns_answer *answer = step->answer;

	switch (answer->state) {
	case DNS_FOUND:
		if (step->record != NULL) {
			buf_printable(b, step->record->text, DMARC_TEXT_MAX);
			return;
		}
		buf_text(b, "no DMARC record: ");
		buf_text(b, step->note != NULL ? step->note : "");
		if (answer->n_records == 1) {
			buf_text(b, ": ");
			buf_printable(
			    b, answer->records[0].text, DMARC_TEXT_MAX);
		}
		return;
	case DNS_NODATA:
		buf_text(b, "no TXT record");
		return;
	case DNS_NXDOMAIN:
		buf_text(b, "no such name");
		return;
	case DNS_BADNAME:
		buf_text(b, "not a valid DNS name");
		return;
	case DNS_FAILED:
	case DNS_PENDING:
		buf_text(b, "no answer: ");
		buf_text(b, dns_error_text(answer->fault));
		return;
	}
}

static bool
explain_walk(const struct dmarc_walk *walk, struct arena *a,
    struct dmarc_explanation *out)
{
	struct dmarc_hop *hops =
	    arena_array(a, walk->n_steps, sizeof(struct dmarc_hop));

	if (hops == NULL)
		return false;
	out->hops = hops;
	for (size_t i = 0; i < walk->n_steps; i++) {
		const struct dmarc_step *step = &walk->steps[i];
		char memory[DMARC_TEXT_MAX + 1];
		struct buf b = buf_wrap(memory, sizeof(memory));

		buf_text(&b, "_dmarc.");
		buf_printable(&b, step->domain, DOMAIN_MAX);
		hops[i].name = arena_copy(a, buf_view(&b));
		buf_cut(&b, 0);
		buf_hop_answer(&b, step);
		hops[i].text = arena_copy(a, buf_view(&b));
		hops[i].state = dns_state_name(step->answer->state);
		hops[i].role = role_of(walk, step);
		out->n_hops++;
	}
	return true;
}

/*
 * If a name directly below the domain has no record, its tree walk continues
 * with the steps of `above`.  Unlike in the domain's own walk, psd=y also
 * counts in the first of them (RFC 9989 section 4.10.2 rule 2).
 */
const struct dmarc_step *
dmarc_policy_below(const struct dmarc_walk *above)
{
	const struct dmarc_step *fewest = NULL;

	if (above->failed)
		return NULL;
	for (size_t i = 0; i < above->n_steps; i++) {
		const struct dmarc_step *step = &above->steps[i];

		if (step->record == NULL)
			continue;
		if (step->record->psd == DMARC_PSD_NO)
			return step;
		/* use the record of the organizational domain, one label below
		 * the public suffix, or else the record of the suffix */
		if (step->record->psd == DMARC_PSD_YES)
			return i > 0 && above->steps[i - 1].record != NULL &&
				domain_equal(above->steps[i - 1].domain,
				    above->organizational_domain)
			    ? &above->steps[i - 1]
			    : step;
		fewest = step;
	}
	return fewest;
}

static void
add_case(struct dmarc_explanation *out, const struct dmarc_walk *walk,
    const char *before, struct span domain, const struct dmarc_step *step,
    enum dmarc_target target, struct arena *a)
{
	char memory[DMARC_TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct dmarc_case *c = &out->cases[out->n_cases++];

	buf_text(&b, before);
	buf_printable(&b, domain, DOMAIN_MAX);
	c->from = arena_copy(a, buf_view(&b));
	buf_cut(&b, 0);
	if (step == NULL) {
		buf_text(&b,
		    walk->failed ? "a DNS query failed: temporary error"
				 : "no record applies: no DMARC policy");
	} else if (step->broken) {
		buf_text(&b, "the record is not usable: no DMARC policy");
	} else {
		c->policy = dmarc_record_policy(step->record, target, &c->tag);
		c->disposition =
		    dmarc_policy_asked(c->policy, step->record->testing);
		c->record_domain = step->domain;
		buf_printf(
		    &b, "%s=%s of ", c->tag, dmarc_policy_name(c->policy));
		buf_printable(&b, step->domain, DOMAIN_MAX);
		if (step->record->testing)
			buf_printf(&b, ", with t=y %s",
			    dmarc_policy_name(c->disposition));
	}
	c->text = arena_copy(a, buf_view(&b));
}

static bool
explain_cases(struct span domain, const struct dmarc_walk *walk,
    const struct dmarc_walk *above, bool exists, struct arena *a,
    struct dmarc_explanation *out)
{
	const struct dmarc_step *below = dmarc_policy_below(above);
	enum dmarc_target own = walk->policy == &walk->steps[0]
	    ? DMARC_TARGET_ITSELF
	    : exists ? DMARC_TARGET_SUBDOMAIN
		     : DMARC_TARGET_NONEXISTENT;

	out->cases = arena_array(a, DMARC_CASES_MAX, sizeof(*out->cases));
	if (out->cases == NULL)
		return false;
	add_case(out, walk, "", domain, walk->policy, own, a);
	add_case(out, above, "an existing name without a record below ", domain,
	    below, DMARC_TARGET_SUBDOMAIN, a);
	add_case(out, above, "a nonexistent name below ", domain, below,
	    DMARC_TARGET_NONEXISTENT, a);
	return true;
}

bool
dmarc_explain(struct span domain, const struct dmarc_walk *walk,
    const struct dmarc_walk *above, bool exists, struct arena *a,
    struct dmarc_explanation *out)
{
	*out = (struct dmarc_explanation){ .hops = NULL };
	if (!explain_walk(walk, a, out))
		return false;
	if (walk->policy != NULL &&
	    !explain_record(walk->policy->record, a, out))
		return false;
	return explain_cases(domain, walk, above, exists, a, out) &&
	    !arena_has_failed(a);
}

enum core_status
dmarc_explain_alignment(const struct dmarc_facts *f, struct span author,
    struct dns_questions *questions, struct arena *a,
    struct dmarc_relations *out)
{
	struct dmarc_align c;
	struct dmarc_author au;
	struct dmarc_relation *list;

	*out = (struct dmarc_relations){ .n = 0 };
	if (!dmarc_align_open(&c, f, true, questions, a))
		return CORE_DONE;
	if (dmarc_align_ask(&c, author, &au) == CORE_WAIT)
		return CORE_WAIT;
	out->walk = au.walk;
	if (au.walk.policy != NULL) /* make it point into the copy */
		out->walk.policy =
		    &out->walk.steps[au.walk.policy - au.walk.steps];
	out->nonexistent = au.existence == DMARC_EXISTS_NOT;
	list = arena_array(a, c.n_parties, sizeof(*list));
	if (list == NULL || dmarc_align_record(&au) == NULL)
		return CORE_DONE;
	for (size_t i = 0; i < c.n_parties; i++) {
		const struct dmarc_identifier_state *p = &c.parties[i];

		list[i] = (struct dmarc_relation){
			.domain = p->id->domain,
			.is_dkim = p->is_dkim,
			.fact = p->id->fact,
			.mode = dmarc_align_mode(&au, p),
			.aligned = dmarc_align_identifier(&au, p),
			.organizational_domain =
			    p->known ? p->organizational_domain : SPAN_NONE,
		};
	}
	out->list = list;
	out->n = c.n_parties;
	return CORE_DONE;
}
