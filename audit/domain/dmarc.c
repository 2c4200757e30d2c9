/* dmarc.c - DMARC: copies the linter's findings, and writes a record that fixes
 * them */
#include <string.h>

#include "audit/domain/internal.h"
#include "lib/buf.h"
#include "lib/date.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "spf/record.h"

enum { SINCE_MAX = 253 }; /* bytes of the text that audit_monitoring() writes */

/*
 * Linter findings that the audit omits.  A DNS failure is not a finding.  RFC
 * 9989 ignores other TXT records.  Aliases and records of a parent domain are
 * normal.  An owner who enforces DMARC knows the consequences.
 */
static const char *const dmarc_left_out[] = { "no-answer", "consent-unknown",
	"foreign-record", "alias", "no-own-record", "reject", "ruf",
	"sp-unused" };

/* Linter findings whose fix changes a policy.  Only the owner can know whether
 * a stricter one would lose mail, so no record is proposed. */
static const char *const dmarc_advice[] = { "monitoring", "testing", "pct",
	"sp-weaker", "np-weaker", "np-hint", "psd" };

static bool
is_listed(const char *const *ids, size_t n, const struct audit_finding *f)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(f->id, ids[i]) == 0)
			return true;
	return false;
}

/* Whether the finding is about a record above the one that applies. */
static bool
is_above(const struct auditing *d, const struct audit_finding *f)
{
	const struct dmarc_step *policy = d->out->dmarc.walk.policy;
	struct span name = span_skip(f->where, strlen("_dmarc."));

	return policy != NULL && domain_is_under(policy->domain, name) &&
	    !domain_equal(policy->domain, name);
}

static bool
is_dropped(const struct auditing *d, const struct audit_finding *f)
{
	return is_listed(dmarc_left_out, ARRAY_SIZE(dmarc_left_out), f) ||
	    is_above(d, f) ||
	    (strcmp(f->id, "no-rua") == 0 && !d->out->sends_mail);
}

/* ---- the record that fixes the findings ---- */

enum { ADDRESS_MAX = 512 }; /* bytes of a report address */

struct dmarc_fix {
	struct auditing *d;
	struct span owner;             /* domain of the record */
	const struct dmarc_step *step; /* NULL: there is no record to change */
	struct buf text;
	bool has_rua; /* rua= is written */
};

/* Whether a finding says that this report address cannot receive mail (RFC 9990
 * section 4). */
static bool
is_lost(const struct dmarc_fix *f, struct span uri)
{
	const struct audit_findings *list = &f->d->out->dmarc.findings;
	struct span host = dmarc_uri_domain(uri);

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->list[i].id, "no-mail-host") == 0 &&
		    domain_equal(list->list[i].value, host))
			return true;
	return false;
}

/* Returns the URI for an address that is written without "mailto:", or an
 * absent span if it is not an address. */
static struct span
uri_of_address(const struct dmarc_fix *f, struct span address)
{
	struct buf b = buf_alloc(f->d->a, ADDRESS_MAX);
	enum dmarc_uri_state state;
	struct span uri;
	struct scan s;

	buf_text(&b, "mailto:");
	buf_span(&b, address);
	s = scan_of(buf_view(&b));
	return !b.full && dmarc_uri_next(&s, &uri, &state) &&
		state == DMARC_URI_OK
	    ? uri
	    : SPAN_NONE;
}

/* Writes the report addresses that work, or the postmaster's if none does. */
static void
put_addresses(struct dmarc_fix *f, struct span value, bool is_rua)
{
	struct scan s = scan_of(value);
	enum dmarc_uri_state state;
	struct span uri;
	size_t n = 0, before = f->text.n;

	buf_text(&f->text, is_rua ? "; rua=" : "; ruf=");
	while (dmarc_uri_next(&s, &uri, &state) && n < DMARC_URIS_MAX) {
		if (state == DMARC_URI_BAD)
			uri = uri_of_address(f, uri);
		if (!span_starts_nocase(uri, "mailto:") || is_lost(f, uri))
			continue;
		buf_text(&f->text, n++ > 0 ? "," : "");
		buf_span(&f->text, uri);
	}
	if (n == 0 && is_rua) {
		buf_text(&f->text, "mailto:postmaster@");
		buf_span(&f->text, f->owner);
	} else if (n == 0) {
		buf_cut(&f->text, before);
	}
	f->has_rua |= is_rua;
}

static void
put_tag(struct dmarc_fix *f, const char *name, const char *value)
{
	buf_text(&f->text, "; ");
	buf_text(&f->text, name);
	buf_byte(&f->text, '=');
	buf_text(&f->text, value);
}

/* Whether the domain declares that it sends no mail, and nothing says that it
 * does. */
static bool
is_silent(const struct auditing *d)
{
	const struct audit_domain *out = d->out;

	for (size_t i = 0; i < out->n_keys; i++)
		if (out->keys[i].key.is_good)
			return false;
	return !out->sends_mail && out->spf.record.p != NULL &&
	    d->q->n_seen == 0 && d->q->n_passing == 0;
}

/* Writes the policies as they are: the new record must not be stricter or
 * weaker. */
static void
put_policies(struct dmarc_fix *f, const struct dmarc_record *r)
{
	buf_text(&f->text, dmarc_policy_name(r->p));
	if (r->sp != DMARC_POLICY_ABSENT)
		put_tag(f, "sp", dmarc_policy_name(r->sp));
	if (r->np != DMARC_POLICY_ABSENT)
		put_tag(f, "np", dmarc_policy_name(r->np));
	if (r->testing &&
	    (r->p > DMARC_POLICY_NONE || r->sp > DMARC_POLICY_NONE ||
		r->np > DMARC_POLICY_NONE))
		put_tag(f, "t", "y");
}

/* Whether the record keeps this tag.  Receivers that implement RFC 7489 apply
 * the policy to only pct percent of the mail. */
static bool
is_kept(const struct dmarc_fix *f, const struct dmarc_tag *tag)
{
	if (tag->state == DMARC_TAG_HISTORIC)
		return span_is_nocase(tag->name, "pct") &&
		    !span_is(tag->value, "100");
	return tag->state == DMARC_TAG_OK &&
	    (span_is_nocase(tag->name, "adkim") ||
		span_is_nocase(tag->name, "aspf") ||
		span_is_nocase(tag->name, "psd") ||
		(span_is_nocase(tag->name, "fo") &&
		    f->step->record->n_ruf > 0));
}

/* Copies the other tags that have an effect. */
static void
put_others(struct dmarc_fix *f, struct span text)
{
	struct dmarc_tag tags[DMARC_TAGS_MAX];
	size_t n = dmarc_record_tags(text, tags);

	for (size_t i = 0; i < n && i < DMARC_TAGS_MAX; i++) {
		if (!is_kept(f, &tags[i]))
			continue;
		buf_text(&f->text, "; ");
		buf_span(&f->text, tags[i].name);
		buf_byte(&f->text, '=');
		buf_span(&f->text, tags[i].value);
	}
	for (size_t i = 0; i < n && i < DMARC_TAGS_MAX; i++)
		if (tags[i].state != DMARC_TAG_TWICE &&
		    (span_is_nocase(tags[i].name, "rua") ||
			(span_is_nocase(tags[i].name, "ruf") &&
			    f->step->record->psd != DMARC_PSD_YES)))
			put_addresses(f, tags[i].value,
			    span_is_nocase(tags[i].name, "rua"));
}

static void
put_text(struct dmarc_fix *f)
{
	const struct dmarc_record *r = f->step != NULL ? f->step->record : NULL;

	buf_text(&f->text, "v=DMARC1; p=");
	if (r == NULL || f->step->broken)
		buf_text(&f->text, is_silent(f->d) ? "reject" : "none");
	else
		put_policies(f, r);
	if (r != NULL)
		put_others(f, r->text);
	if (!f->has_rua && f->d->out->sends_mail)
		put_addresses(f, SPAN(""), true);
}

/* Whether a TXT record must be removed because it is an SPF record or resembles
 * a DMARC record. */
static bool
must_go(struct span text)
{
	struct span bare = span_trim(text);

	return span_starts_nocase(bare, "v=dmarc") ||
	    span_starts_nocase(bare, "dmarc1") || spf_record_is(text);
}

static const struct audit_change *
make_dmarc_change(struct dmarc_fix *f)
{
	struct auditing *d = f->d;
	struct audit_change *change = audit_change_new(d->a);
	struct span name = auditing_name(d->a, "_dmarc", f->owner);
	const struct dns_answer *answer = auditing_ask(d, name, DNS_TXT);
	bool is_published = false;

	put_text(f);
	if (f->text.full || change == NULL || answer->alias.p != NULL)
		return NULL; /* an alias: the record belongs to someone else */
	for (size_t i = 0; i < answer->n_records; i++) {
		struct span text = answer->records[i].text;

		if (!is_published && span_equal(text, buf_view(&f->text)))
			is_published = true;
		else if (must_go(text))
			audit_change_remove_txt(change, name, text);
	}
	for (size_t i = 0; i < d->txt->n_records; i++)
		if (span_starts_nocase(d->txt->records[i].text, "v=DMARC1"))
			audit_change_remove_txt(
			    change, d->out->domain, d->txt->records[i].text);
	if (!is_published)
		audit_change_publish_txt(change, name, buf_view(&f->text));
	return change->n_remove + change->n_publish > 0 ? change : NULL;
}

const struct audit_change *
auditing_dmarc_change(struct auditing *d)
{
	const struct dmarc_walk *walk = &d->out->dmarc.walk;
	struct dmarc_fix f = {
		.d = d, .owner = d->out->domain, .step = walk->policy
	};

	if (d->has_dmarc_change)
		return d->dmarc_change;
	d->has_dmarc_change = true;
	/* a record above also applies to domains that were not audited */
	if (walk->policy != NULL && walk->policy != &walk->steps[0])
		return NULL;
	if (walk->policy == NULL && !d->out->sends_mail && !is_silent(d))
		return NULL;
	f.text = buf_alloc(d->a, DMARC_RECORD_MAX);
	d->dmarc_change = make_dmarc_change(&f);
	return d->dmarc_change;
}

/* ---- findings ---- */

/* Returns the change that publishes the report receiver's consent (RFC 9990
 * section 4). */
static const struct audit_change *
consent_change(struct auditing *d, const struct audit_finding *f)
{
	const struct dmarc_step *policy = d->out->dmarc.walk.policy;
	struct audit_change *change = audit_change_new(d->a);
	struct span name = auditing_name(d->a, "_report._dmarc", f->value);
	struct buf b = buf_alloc(d->a, 2 * DOMAIN_MAX + 32);

	if (policy == NULL)
		return NULL;
	buf_span(&b, policy->domain);
	buf_byte(&b, '.');
	buf_span(&b, name);
	audit_change_publish_txt(change, buf_view(&b), SPAN("v=DMARC1;"));
	return change;
}

/* Checks whether _dmarc.DOMAIN has an SPF record, and no DMARC record
 * applies. */
static void
audit_spf_text(struct auditing *d)
{
	struct span name = auditing_name(d->a, "_dmarc", d->out->domain);
	const struct dns_answer *answer = auditing_ask(d, name, DNS_TXT);
	bool has_spf = false;

	if (d->out->dmarc.walk.policy != NULL)
		return;
	for (size_t i = 0; i < answer->n_records; i++) {
		if (span_starts_nocase(answer->records[i].text, "v=DMARC1"))
			return;
		has_spf |= spf_record_is(answer->records[i].text);
	}
	if (has_spf)
		auditing_add(d->out, AUDIT_RULE_DMARC_SPF_TEXT, name, SPAN_NONE,
		    auditing_dmarc_change(d));
}

/* Reports when p=none began, and how much mail p=reject would stop. */
static void
audit_monitoring(struct auditing *d)
{
	const struct audit_reports *r = &d->q->reports;
	struct buf b = buf_alloc(d->a, SINCE_MAX);

	if (r->none_since == 0)
		return;
	date_put_day(&b, r->none_since / DATE_DAY);
	if (r->none_always)
		buf_text(&b, " or earlier");
	if (r->messages > 0) {
		buf_text(&b, "; of ");
		buf_number(&b, r->messages);
		buf_printf(&b,
		    " messages reported in the last %d days, p=reject would "
		    "stop ",
		    AUDIT_REPORT_DAYS);
		buf_number(&b, r->mixed);
		buf_text(&b,
		    " from addresses that also send mail that passes, and ");
		buf_number(&b, r->failed - r->mixed);
		buf_text(&b, " from others");
	}
	auditing_add(d->out, AUDIT_RULE_DMARC_SINCE,
	    auditing_name(d->a, "_dmarc", d->out->domain), buf_view(&b), NULL);
}

static bool
is_bounced(const struct auditing *d, struct span address)
{
	for (size_t i = 0; i < d->q->n_bounced; i++)
		if (span_equal_nocase(d->q->bounced[i], address))
			return true;
	return false;
}

/* Reports the addresses in the record that bounced our reports. */
static void
audit_bounced(struct auditing *d, const struct dmarc_step *policy)
{
	static const char scheme[] = "mailto:";

	for (size_t i = 0; i < policy->record->n_rua; i++) {
		struct span uri = policy->record->rua[i];
		struct span address = span_skip(uri, strlen(scheme));

		if (span_starts_nocase(uri, scheme) && is_bounced(d, address))
			auditing_add(d->out, AUDIT_RULE_DMARC_BOUNCED,
			    auditing_name(d->a, "_dmarc", policy->domain),
			    address, NULL);
	}
}

void
auditing_dmarc(struct auditing *d)
{
	const struct dmarc_step *policy = d->out->dmarc.walk.policy;
	const struct audit_findings *list = &d->out->dmarc.findings;

	if (d->waiting)
		return;
	for (size_t i = 0; i < list->n; i++) {
		struct audit_finding one = list->list[i];

		if (is_dropped(d, &one))
			continue;
		one.area = "dmarc";
		if (strcmp(one.id, "no-consent") == 0)
			one.change = consent_change(d, &one);
		else if (!is_listed(
			     dmarc_advice, ARRAY_SIZE(dmarc_advice), &one))
			one.change = auditing_dmarc_change(d);
		if (strcmp(one.id, "no-record") == 0 && !d->out->sends_mail)
			one.fix = SPAN("If the domain sends no mail, publish"
				       " \"v=DMARC1; p=reject\" there.");
		if (strcmp(one.id, "misplaced") == 0 &&
		    policy == &d->out->dmarc.walk.steps[0]) {
			one.severity = AUDIT_NOTE;
			one.fix = SPAN("Remove this one.");
		}
		audit_findings_copy(&d->out->findings, &one);
		if (strcmp(one.id, "monitoring") == 0)
			audit_monitoring(d);
	}
	if (policy != NULL && policy->record != NULL)
		audit_bounced(d, policy);
	audit_spf_text(d);
}
