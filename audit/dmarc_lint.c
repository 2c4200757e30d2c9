#include "audit/dmarc_lint.h"

#include "audit/dmarc_findings.h"
#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"

/* Whether the text is probably meant as a DMARC record, although receivers
 * ignore it because its first tag is not exactly v=DMARC1 (RFC 9989
 * section 4.7). */
static bool
is_near_miss(struct span text)
{
	for (; text.n > 0; text = span_skip(text, 1)) {
		if (span_starts_nocase(text, "dmarc1") ||
		    span_starts_nocase(text, "v=dmarc"))
			return true;
	}
	return false;
}

static bool
is_dmarc(struct span text)
{
	struct dmarc_record record;
	const char *reason;

	return dmarc_record_parse(text, &record, &reason) !=
	    DMARC_RECORD_NOT_DMARC;
}

static void
lint_step(struct dmarc_linter *l, const struct dmarc_step *step)
{
	const struct dns_answer *answer = step->answer;
	struct dmarc_about about = { .domain = step->domain };
	size_t ours = 0;

	if (answer->state == DNS_FAILED) {
		about.value = span_str(dns_error_text(answer->fault));
		dmarc_lint_add(l, DMARC_RULE_NO_ANSWER, about);
	}
	if (answer->alias.p != NULL && answer->state == DNS_FOUND) {
		about.value = answer->alias;
		dmarc_lint_add(l, DMARC_RULE_ALIAS, about);
	}
	for (size_t i = 0; i < answer->n_records; i++)
		ours += is_dmarc(answer->records[i].text);
	for (size_t i = 0; i < answer->n_records; i++) {
		about.value = answer->records[i].text;
		if (!is_dmarc(about.value))
			dmarc_lint_add(l,
			    ours == 0 && is_near_miss(about.value)
				? DMARC_RULE_NEAR_MISS
				: DMARC_RULE_FOREIGN_RECORD,
			    about);
	}
	if (ours > 1)
		dmarc_lint_add(l, DMARC_RULE_SEVERAL_RECORDS, about);
}

static void
lint_walk(struct dmarc_linter *l)
{
	const struct dmarc_walk *walk = &l->out->walk;
	struct dmarc_about about = { .domain = l->out->domain };

	for (size_t i = 0; i < walk->n_steps; i++)
		lint_step(l, &walk->steps[i]);
	if (walk->policy == NULL && !walk->failed)
		dmarc_lint_add(l, DMARC_RULE_NO_RECORD, about);
	if (walk->policy != NULL && walk->policy != &walk->steps[0]) {
		about.value = walk->policy->domain;
		dmarc_lint_add(l, DMARC_RULE_NO_OWN_RECORD, about);
	}
	if (domain_labels(about.domain) > DMARC_MAX_QUERIES &&
	    walk->policy != &walk->steps[0])
		dmarc_lint_add(l, DMARC_RULE_DEEP_NAME, about);
	about.value = walk->organizational_domain;
	if (!walk->failed && domain_labels(about.value) == 1 &&
	    domain_labels(about.domain) > 1)
		dmarc_lint_add(l, DMARC_RULE_SUFFIX_WITHOUT_PSD, about);
}

static void
lint_uri(struct dmarc_linter *l, struct dmarc_about about,
    enum dmarc_uri_state state)
{
	if (state == DMARC_URI_BAD) {
		dmarc_lint_add(l, DMARC_RULE_BAD_URI, about);
		return;
	}
	if (state == DMARC_URI_SIZED)
		dmarc_lint_add(l, DMARC_RULE_URI_SIZE, about);
	if (!span_starts_nocase(about.value, "mailto:"))
		dmarc_lint_add(l, DMARC_RULE_URI_SCHEME, about);
}

static void
lint_uris(struct dmarc_linter *l, const struct dmarc_tag *tag,
    struct dmarc_about about)
{
	struct scan s = scan_of(tag->value);
	enum dmarc_uri_state state;
	size_t n = 0;

	while (dmarc_uri_next(&s, &about.value, &state)) {
		if (++n > DMARC_URIS_MAX) {
			dmarc_lint_add(l, DMARC_RULE_MANY_URIS, about);
			return;
		}
		lint_uri(l, about, state);
	}
}

static bool
is_upper(unsigned char c)
{
	return ascii_lower(c) != c;
}

static void
lint_tag(
    struct dmarc_linter *l, const struct dmarc_tag *tag, struct span domain)
{
	struct dmarc_about about = { domain, tag->value, tag->name };
	struct scan name = scan_of(tag->name);
	bool is_list = span_is_nocase(tag->name, "rua") ||
	    span_is_nocase(tag->name, "ruf");

	while (!scan_done(&name) && !is_upper((unsigned char)*name.p))
		name.p++;
	switch (tag->state) {
	case DMARC_TAG_UNKNOWN:
		dmarc_lint_add(l, DMARC_RULE_UNKNOWN_TAG, about);
		return;
	case DMARC_TAG_HISTORIC:
		/* pct=100 is the default */
		dmarc_lint_add(l,
		    span_is_nocase(tag->name, "pct") &&
			    !span_is(tag->value, "100")
			? DMARC_RULE_PCT
			: DMARC_RULE_HISTORIC_TAG,
		    about);
		return;
	case DMARC_TAG_GARBLED:
		/* an empty tag, as in "a=b;;c=d", is harmless */
		if (tag->value.n > 0)
			dmarc_lint_add(l, DMARC_RULE_GARBLED, about);
		return;
	case DMARC_TAG_TWICE:
		dmarc_lint_add(l, DMARC_RULE_REPEATED_TAG, about);
		return;
	case DMARC_TAG_BAD_VALUE:
		if (!is_list || tag->value.n == 0)
			dmarc_lint_add(l,
			    span_is_nocase(tag->name, "fo")
				? DMARC_RULE_BAD_FO
				: DMARC_RULE_BAD_VALUE,
			    about);
		break;
	case DMARC_TAG_OK:
		break;
	}
	if (!scan_done(&name))
		dmarc_lint_add(l, DMARC_RULE_UPPER_CASE_TAG, about);
	if (is_list)
		lint_uris(l, tag, about);
}

/* Checks sp and np: RFC 9989 section 4.7. */
static void
lint_subdomains(struct dmarc_linter *l, const struct dmarc_record *r,
    struct dmarc_about about)
{
	const struct dmarc_walk *walk = &l->out->walk;
	const struct dmarc_step *below = dmarc_policy_below(&l->out->above);
	const char *tag;
	enum dmarc_policy existing =
	    dmarc_record_policy(r, DMARC_TARGET_SUBDOMAIN, &tag);
	enum dmarc_policy missing =
	    dmarc_record_policy(r, DMARC_TARGET_NONEXISTENT, &tag);

	if (walk->policy == &walk->steps[0] && !l->out->above.failed &&
	    (below == NULL || !domain_equal(below->domain, about.domain))) {
		about.value = below != NULL ? below->domain : SPAN("no record");
		about.tag = SPAN("sp");
		if (r->sp != DMARC_POLICY_ABSENT)
			dmarc_lint_add(l, DMARC_RULE_SP_UNUSED, about);
		about.tag = SPAN("np");
		if (r->np != DMARC_POLICY_ABSENT)
			dmarc_lint_add(l, DMARC_RULE_SP_UNUSED, about);
		return;
	}
	about.value = span_str(dmarc_policy_name(existing));
	if (r->sp != DMARC_POLICY_ABSENT && existing < r->p)
		dmarc_lint_add(l, DMARC_RULE_SP_WEAKER, about);
	about.value = span_str(dmarc_policy_name(missing));
	if (r->np != DMARC_POLICY_ABSENT && missing < existing)
		dmarc_lint_add(l, DMARC_RULE_NP_WEAKER, about);
	else if (missing == DMARC_POLICY_NONE && r->p != DMARC_POLICY_NONE)
		dmarc_lint_add(l, DMARC_RULE_NP_HINT, about);
}

static void
lint_policy(struct dmarc_linter *l, const struct dmarc_record *r,
    struct dmarc_about about)
{
	const struct dmarc_walk *walk = &l->out->walk;
	bool any = r->p > DMARC_POLICY_NONE || r->sp > DMARC_POLICY_NONE ||
	    r->np > DMARC_POLICY_NONE;
	const char *tag;
	enum dmarc_policy own = dmarc_record_policy(r,
	    walk->policy == &walk->steps[0] ? DMARC_TARGET_ITSELF
		: l->out->exists            ? DMARC_TARGET_SUBDOMAIN
					    : DMARC_TARGET_NONEXISTENT,
	    &tag);

	about.tag = span_str(tag);
	if (r->testing)
		dmarc_lint_add(l,
		    any ? DMARC_RULE_TESTING : DMARC_RULE_TESTING_NONE, about);
	if (own == DMARC_POLICY_NONE && r->n_rua == 0)
		dmarc_lint_add(l, DMARC_RULE_MONITORING_BLIND, about);
	else if (r->n_rua == 0)
		dmarc_lint_add(l, DMARC_RULE_NO_RUA, about);
	else if (own == DMARC_POLICY_NONE)
		dmarc_lint_add(l, DMARC_RULE_MONITORING, about);
	if (own == DMARC_POLICY_REJECT)
		dmarc_lint_add(l, DMARC_RULE_REJECT, about);
	if (r->psd == DMARC_PSD_YES) {
		dmarc_lint_add(l,
		    domain_labels(about.domain) == 1 ? DMARC_RULE_PSD_TLD
						     : DMARC_RULE_PSD,
		    about);
		if (r->n_ruf > 0)
			dmarc_lint_add(l, DMARC_RULE_PSD_RUF, about);
	} else if (r->n_ruf > 0) {
		dmarc_lint_add(l, DMARC_RULE_RUF, about);
	}
}

/* Checks the record that applies to the domain. */
static void
lint_record(struct dmarc_linter *l, const struct dmarc_step *step)
{
	struct dmarc_tag tags[DMARC_TAGS_MAX];
	size_t n = dmarc_record_tags(step->record->text, tags);
	struct dmarc_about about = { .domain = step->domain };
	bool fo = false;

	about.value = span_str(step->note);
	if (step->broken)
		dmarc_lint_add(l, DMARC_RULE_BROKEN_POLICY, about);
	else if (step->record->p_defaulted)
		dmarc_lint_add(l, DMARC_RULE_DEFAULTED_POLICY, about);
	l->out->findings.cut |= n > DMARC_TAGS_MAX;
	for (size_t i = 0; i < n && i < DMARC_TAGS_MAX; i++) {
		fo |= span_is_nocase(tags[i].name, "fo");
		lint_tag(l, &tags[i], step->domain);
	}
	if (fo && step->record->n_ruf == 0)
		dmarc_lint_add(l, DMARC_RULE_FO_WITHOUT_RUF, about);
	if (step->broken)
		return;
	lint_policy(l, step->record, about);
	if (!step->record->p_defaulted)
		lint_subdomains(l, step->record, about);
}

/* ---- the hosts of report addresses ---- */

struct host {
	struct span name;
	struct dmarc_walk walk;
	const struct dns_answer *consent, *mx, *a, *aaaa;
};

static enum core_status
host_ask_dns(struct dmarc_linter *l, struct span domain, struct host *h)
{
	char memory[2 * DOMAIN_MAX + sizeof("._report._dmarc.")];
	struct buf b = buf_wrap(memory, sizeof(memory));
	enum core_status step =
	    dmarc_walk(h->name, l->questions, l->arena, &h->walk);

	/* RFC 9990 section 4 steps 2, 3 and 5.  A name that is too long has the
	 * state DNS_BADNAME (step 4). */
	buf_span(&b, domain);
	buf_text(&b, "._report._dmarc.");
	buf_span(&b, h->name);
	h->mx = dns_ask(l->questions, h->name, DNS_MX);
	h->a = dns_ask(l->questions, h->name, DNS_A);
	h->aaaa = dns_ask(l->questions, h->name, DNS_AAAA);
	if (!domain_equal(h->name, domain))
		h->consent = dns_ask(l->questions, buf_view(&b), DNS_TXT);
	if (h->mx->state == DNS_PENDING || h->a->state == DNS_PENDING ||
	    h->aaaa->state == DNS_PENDING ||
	    (h->consent != NULL && h->consent->state == DNS_PENDING))
		step = CORE_WAIT;
	return step;
}

/* RFC 5321 section 5.1: mail goes to the MX hosts or, without MX records, to
 * the host itself.  RFC 7505: a host with MX "." accepts no mail. */
static bool
host_takes_mail(const struct host *h)
{
	if (h->mx->state == DNS_FOUND)
		return h->mx->n_records != 1 || h->mx->records[0].text.n > 0;
	return h->mx->state == DNS_FAILED || h->a->state == DNS_FAILED ||
	    h->a->state == DNS_FOUND || h->aaaa->state == DNS_FAILED ||
	    h->aaaa->state == DNS_FOUND;
}

static bool
host_agrees(const struct host *h)
{
	for (size_t i = 0; i < h->consent->n_records; i++)
		if (is_dmarc(h->consent->records[i].text))
			return true;
	return false;
}

/*
 * A host is external if its organizational domain differs from that of the
 * record.  For the record of a public suffix, that suffix is used instead (RFC
 * 9989 section 4.10.2 rule 3).
 */
static void
host_check(struct dmarc_linter *l, struct span domain, const struct host *h)
{
	const struct dmarc_walk *walk = &l->out->walk;
	struct dmarc_about about = { .domain = domain, .value = h->name };
	struct span organizational = walk->organizational_domain;

	if (!host_takes_mail(h))
		dmarc_lint_add(l, DMARC_RULE_NO_MAIL_HOST, about);
	if (!domain_is_under(domain, organizational))
		organizational = domain;
	if (h->consent == NULL || walk->failed ||
	    domain_equal(h->walk.organizational_domain, organizational))
		return;
	if (h->consent->state == DNS_FAILED || h->walk.failed)
		dmarc_lint_add(l, DMARC_RULE_CONSENT_UNKNOWN, about);
	else if (!host_agrees(h))
		dmarc_lint_add(l, DMARC_RULE_NO_CONSENT, about);
}

static bool
is_listed(const struct host *hosts, size_t n, struct span name)
{
	for (size_t i = 0; i < n; i++) {
		if (domain_equal(hosts[i].name, name))
			return true;
	}
	return false;
}

static void
list_hosts(struct dmarc_linter *l, const struct span *uris, size_t n_uris,
    struct host *hosts, size_t *n)
{
	for (size_t i = 0; i < n_uris; i++) {
		struct span name =
		    domain_normal(l->arena, dmarc_uri_domain(uris[i]));

		if (name.p == NULL || is_listed(hosts, *n, name))
			continue;
		if (*n == DMARC_HOSTS_MAX) {
			l->out->findings.cut = true;
			return;
		}
		hosts[(*n)++].name = name;
	}
}

static enum core_status
lint_hosts(struct dmarc_linter *l, const struct dmarc_step *policy)
{
	struct host *hosts =
	    arena_array(l->arena, DMARC_HOSTS_MAX, sizeof(*hosts));
	enum core_status step = CORE_DONE;
	size_t n = 0;

	if (hosts == NULL)
		return CORE_DONE;
	list_hosts(l, policy->record->rua, policy->record->n_rua, hosts, &n);
	list_hosts(l, policy->record->ruf, policy->record->n_ruf, hosts, &n);
	for (size_t i = 0; i < n; i++) {
		if (host_ask_dns(l, policy->domain, &hosts[i]) == CORE_WAIT)
			step = CORE_WAIT;
	}
	for (size_t i = 0; step == CORE_DONE && i < n; i++)
		host_check(l, policy->domain, &hosts[i]);
	return step;
}

/* ---- the domain ---- */

static bool
is_misplaced(const struct dns_answer *own)
{
	for (size_t i = 0; i < own->n_records; i++)
		if (is_dmarc(own->records[i].text))
			return true;
	return false;
}

static enum core_status
lint_domain(struct dmarc_linter *l)
{
	struct dmarc_lint *out = l->out;
	struct dmarc_about about = { .domain = out->domain };
	const struct dns_answer *own =
	    dns_ask(l->questions, out->domain, DNS_TXT);

	enum core_status step =
	    dmarc_walk(out->domain, l->questions, l->arena, &out->walk);

	if (dmarc_walk(domain_suffix(out->domain, DMARC_MAX_QUERIES - 1),
		l->questions, l->arena, &out->above) == CORE_WAIT ||
	    step == CORE_WAIT || own->state == DNS_PENDING)
		return CORE_WAIT;
	out->exists = own->state != DNS_NXDOMAIN || own->alias.p != NULL ||
	    out->walk.steps[0].answer->state == DNS_FOUND ||
	    out->walk.steps[0].answer->state == DNS_NODATA;
	lint_walk(l);
	if (is_misplaced(own))
		dmarc_lint_add(l, DMARC_RULE_MISPLACED, about);
	if (out->walk.policy == NULL)
		return CORE_DONE;
	lint_record(l, out->walk.policy);
	return lint_hosts(l, out->walk.policy);
}

enum core_status
dmarc_lint(struct span domain, struct dns_questions *questions, struct arena *a,
    struct dmarc_lint *out)
{
	struct dmarc_linter l = {
		.questions = questions, .arena = a, .out = out
	};
	struct dmarc_about about = { .domain = domain, .value = domain };

	*out = (struct dmarc_lint){ .domain = SPAN_NONE };
	audit_findings_init(&out->findings, a);
	if (span_starts_nocase(domain, "_dmarc."))
		domain = span_skip(domain, sizeof("_dmarc.") - 1);
	out->domain = domain_normal(a, domain);
	if (out->domain.p == NULL) {
		if (!arena_has_failed(a))
			dmarc_lint_add(&l, DMARC_RULE_BAD_NAME, about);
		out->findings.cut |= arena_has_failed(a);
		return CORE_DONE;
	}
	if (lint_domain(&l) == CORE_WAIT)
		return CORE_WAIT;
	audit_findings_sort(&out->findings);
	if (!dmarc_explain(out->domain, &out->walk, &out->above, out->exists, a,
		&out->explanation) ||
	    arena_has_failed(a))
		out->findings.cut = true;
	return CORE_DONE;
}
