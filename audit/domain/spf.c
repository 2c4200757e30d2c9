/* spf.c - SPF: copies lint findings, and adds checks that the linter lacks */
#include <string.h>

#include "audit/domain/internal.h"
#include "audit/domain/services.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "spf/spf.h"

/* Findings that do not show a problem with the domain; they are useful only to
 * a user who lints the record. */
static const char *const spf_left_out[] = { "dns-failure", "depends-on-message",
	"null-mx", "mx-host-without-address", "include-without-record",
	"redirect-without-record" };

/* Findings whose fix passes less mail, or is stricter.  Only the owner can know
 * whether that would lose mail, so no record is proposed. */
static const char *const spf_advice[] = { "ptr", "ptr-macro",
	"depends-on-sender", "broad-range", "not-public", "included-twice",
	"plus-all", "neutral-all", "no-all" };

static bool
is_listed(const char *const *ids, size_t n, const struct audit_finding *f)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(f->id, ids[i]) == 0)
			return true;
	return false;
}

/* ---- includes of names without an SPF record ---- */

/* Whether anyone can register names directly below `name`: it is a top-level
 * domain, or a name such as co.uk. */
static bool
is_registry(struct span name)
{
	static const char *const seconds[] = { "ac", "co", "com", "edu", "gov",
		"net", "org" };

	if (domain_labels(name) == 1)
		return true;
	if (domain_labels(name) != 2 || domain_suffix(name, 1).n != 2)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(seconds); i++)
		if (span_is_nocase(
			span_first(name, span_index(name, '.')), seconds[i]))
			return true;
	return false;
}

/* Returns the registrable domain at or above `name` if no one has registered
 * it, otherwise an absent span. */
static struct span
registrable_part(struct auditing *d, struct span name)
{
	for (size_t labels = 2; labels <= domain_labels(name); labels++) {
		struct span part = domain_suffix(name, labels);

		if (is_registry(domain_parent(part)) && !is_registry(part))
			return auditing_ask(d, part, DNS_NS)->state ==
				DNS_NXDOMAIN
			    ? part
			    : SPAN_NONE;
	}
	return SPAN_NONE;
}

/* Whether a record of the domain's owner leads to `node`, and the term that
 * does so can be removed because it never passes. */
static bool
can_leave(const struct auditing *d, const struct spf_lint_node *node)
{
	const struct spf_lint_node *parent = auditing_spf_parent(d, node);

	return parent != NULL &&
	    domain_is_under(parent->domain, d->out->domain) &&
	    auditing_spf_is_dead(d, node);
}

static const struct audit_change *
leaving_change(struct auditing *d, const struct spf_lint_node *node)
{
	return can_leave(d, node)
	    ? auditing_spf_change(d, auditing_spf_parent(d, node)->domain)
	    : NULL;
}

static void
audit_include(struct auditing *d, const struct spf_lint_node *node)
{
	struct span part;

	if (node->depth == 0 || node->has_record || node->state == DNS_FAILED ||
	    node->state == DNS_FOUND || node->state == DNS_NODATA)
		return;
	part = registrable_part(d, node->domain);
	auditing_add(d->out,
	    part.p != NULL ? AUDIT_RULE_SPF_REGISTRABLE
			   : AUDIT_RULE_SPF_DANGLING,
	    d->out->domain, part.p != NULL ? part : node->domain,
	    leaving_change(d, node));
}

/* ---- services ---- */

static void
audit_lock(struct auditing *d, const struct audit_service *service)
{
	struct span name = auditing_name(d->a, service->lock, d->out->domain);
	const struct dns_answer *answer = auditing_ask(d, name, DNS_TXT);
	struct audit_change *change = audit_change_new(d->a);

	for (size_t i = 0; i < answer->n_records; i++)
		if (span_starts_nocase(
			answer->records[i].text, service->lock_text))
			return;
	if (answer->state == DNS_FAILED)
		return;
	audit_change_publish_txt(change, name, SPAN("v=mc1 auth=ACCOUNT"));
	auditing_add(d->out, AUDIT_RULE_SPF_NO_LOCK, d->out->domain,
	    span_str(service->name), change);
}

static void
note_service(struct auditing *d, const struct spf_lint_node *node)
{
	struct audit_domain *out = d->out;
	const struct audit_service *service = audit_service_find(node->domain);

	if (service == NULL || node->depth == 0 ||
	    out->n_services == ARRAY_SIZE(out->services))
		return;
	for (size_t i = 0; i < out->n_services; i++)
		if (strcmp(out->services[i], service->name) == 0)
			return;
	out->services[out->n_services++] = service->name;
	if (service->lock != NULL)
		audit_lock(d, service);
}

/* ---- outgoing addresses ---- */

static void
check_outgoing(struct auditing *d, size_t i)
{
	const struct ip *ip = &d->q->outgoing[i];
	/* null sender: SPF checks postmaster at the HELO name */
	const struct spf_query q = {
		.identity = SPF_IDENTITY_MAILFROM,
		.ip = *ip,
		.helo = d->out->domain,
		.sender = SPAN(""),
		.now = d->q->now,
	};
	struct spf_result result;

	if (spf_check(&q, d->questions, d->a, &result) == CORE_WAIT) {
		d->waiting = true;
		return;
	}
	d->passes_outgoing[i] =
	    result.code == SPF_PASS || result.code == SPF_TEMPERROR;
}

static void
audit_outgoing(struct auditing *d)
{
	for (size_t i = 0; i < d->q->n_outgoing; i++) {
		char text[IP_TEXT_MAX];
		struct buf b = buf_wrap(text, sizeof(text));

		if (d->passes_outgoing[i])
			continue;
		ip_put(&b, &d->q->outgoing[i]);
		auditing_add(d->out, AUDIT_RULE_SPF_OUTGOING, d->out->domain,
		    buf_view(&b), auditing_spf_change(d, d->out->domain));
	}
}

/* ---- lint findings ---- */

/* Counts the lookups that the owner cannot avoid by writing addresses instead
 * of names. */
static unsigned
include_lookups(const struct spf_lint *lint)
{
	unsigned n = 0;

	for (size_t i = 0; i < lint->n_tree; i++)
		if (lint->tree[i].depth == 1)
			n += lint->tree[i].lookups;
	return n;
}

/* Fills in the fix of an error in the record of another domain. */
static void
fix_elsewhere(struct auditing *d, struct audit_finding *f)
{
	const struct spf_lint *lint = &d->out->spf;

	f->fix = SPAN("Ask the owner of that domain to correct its record.");
	for (size_t i = 0; i < lint->n_tree; i++) {
		const struct spf_lint_node *node = &lint->tree[i];

		if (!domain_equal(node->domain, f->where) ||
		    !can_leave(d, node))
			continue;
		f->change = leaving_change(d, node);
		f->fix = SPAN("Ask the owner of that domain to correct its"
			      " record; until then, remove the term that"
			      " includes it.");
		return;
	}
}

/*
 * Copies a finding if the owner of the domain can act on it: it is about the
 * domain's own records, or is an error in a record that they include.
 */
static void
take_finding(struct auditing *d, const struct audit_finding *f)
{
	struct audit_finding one = *f;
	bool is_own = domain_is_under(f->where, d->out->domain);

	if (is_listed(spf_left_out, ARRAY_SIZE(spf_left_out), f) ||
	    (!is_own && f->severity != AUDIT_ERROR))
		return;
	if (strcmp(f->id, "no-record") == 0 && d->txt->state == DNS_FAILED)
		return;
	one.area = "spf";
	if (!is_own)
		fix_elsewhere(d, &one);
	else if (!is_listed(spf_advice, ARRAY_SIZE(spf_advice), f))
		one.change = auditing_spf_change(d, f->where);
	if (strcmp(f->id, "too-many-lookups") == 0 &&
	    include_lookups(&d->out->spf) > SPF_MAX_LOOKUPS) {
		one.change = NULL;
		one.fix = SPAN("Remove the includes of services that you no"
			       " longer use; each costs the lookups shown in"
			       " the tree.");
	}
	audit_findings_copy(&d->out->findings, &one);
}

/* Copies a finding about an include or redirect whose target exists, but has no
 * SPF record.  If it has no TXT record at all, it is probably a host. */
static void
take_missing(struct auditing *d, const struct audit_finding *f)
{
	const struct spf_lint *lint = &d->out->spf;

	if (strcmp(f->id, "include-without-record") != 0 &&
	    strcmp(f->id, "redirect-without-record") != 0)
		return;
	for (size_t i = 0; i < lint->n_tree; i++) {
		struct audit_finding one = *f;
		const struct spf_lint_node *node = &lint->tree[i];

		if (!span_equal(node->term, f->term) || node->has_record ||
		    (node->state != DNS_FOUND && node->state != DNS_NODATA))
			continue;
		one.area = "spf";
		if (node->state == DNS_FOUND)
			one.change = leaving_change(d, node);
		audit_findings_copy(&d->out->findings, &one);
		return;
	}
}

static bool
ends_hard(struct span record)
{
	return span_ends_nocase(record, " -all");
}

void
auditing_spf(struct auditing *d)
{
	struct audit_domain *out = d->out;
	const struct spf_lint *lint = &out->spf;

	for (size_t i = 0; i < d->q->n_outgoing; i++)
		check_outgoing(d, i);
	for (size_t i = 0; i < lint->n_tree; i++)
		note_service(d, &lint->tree[i]);
	if (d->waiting)
		return;
	for (size_t i = 0; i < lint->findings.n; i++) {
		take_finding(d, &lint->findings.list[i]);
		take_missing(d, &lint->findings.list[i]);
	}
	for (size_t i = 0; i < lint->n_tree; i++)
		audit_include(d, &lint->tree[i]);
	audit_outgoing(d);
	if (out->sends_mail && out->is_enforced && ends_hard(lint->record))
		auditing_add(out, AUDIT_RULE_SPF_HARD_FAIL, out->domain,
		    SPAN_NONE, auditing_spf_change(d, out->domain));
}
