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

static bool
is_dropped(const struct audit_finding *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(dmarc_left_out); i++)
		if (strcmp(f->id, dmarc_left_out[i]) == 0)
			return true;
	return false;
}

/* ---- the record that fixes the findings ---- */

struct dmarc_fix {
	struct auditing *d;
	struct span owner;             /* domain of the record */
	const struct dmarc_step *step; /* NULL: there is no record to change */
	struct buf text;
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
		if (state == DMARC_URI_BAD || is_lost(f, uri) ||
		    !span_starts_nocase(uri, "mailto:"))
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
}

static void
put_tag(struct dmarc_fix *f, const char *name, const char *value)
{
	buf_text(&f->text, "; ");
	buf_text(&f->text, name);
	buf_byte(&f->text, '=');
	buf_text(&f->text, value);
}

static const char *
policy_to_write(const struct dmarc_fix *f)
{
	const struct dmarc_record *r = f->step != NULL ? f->step->record : NULL;

	if (!f->d->out->sends_mail)
		return "reject";
	if (r == NULL || f->step->broken || r->p_defaulted)
		return "none";
	return r->p == DMARC_POLICY_NONE ? "quarantine"
					 : dmarc_policy_name(r->p);
}

/* Copies the other valid tags that have an effect. */
static void
put_others(struct dmarc_fix *f, struct span text)
{
	static const char *const kept[] = { "adkim", "aspf", "fo" };
	struct dmarc_tag tags[DMARC_TAGS_MAX];
	size_t n = dmarc_record_tags(text, tags);
	bool has_ruf = f->step->record->n_ruf > 0;

	for (size_t i = 0; i < n && i < DMARC_TAGS_MAX; i++) {
		if (tags[i].state != DMARC_TAG_OK)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(kept); k++) {
			if (!span_is_nocase(tags[i].name, kept[k]) ||
			    (k == 2 && !has_ruf))
				continue;
			buf_text(&f->text, "; ");
			buf_text(&f->text, kept[k]);
			buf_byte(&f->text, '=');
			buf_span(&f->text, tags[i].value);
		}
	}
	for (size_t i = 0; i < n && i < DMARC_TAGS_MAX; i++)
		if (span_is_nocase(tags[i].name, "rua") ||
		    span_is_nocase(tags[i].name, "ruf"))
			put_addresses(f, tags[i].value,
			    span_is_nocase(tags[i].name, "rua"));
}

static void
put_text(struct dmarc_fix *f)
{
	const struct dmarc_record *r = f->step != NULL ? f->step->record : NULL;
	const char *p = policy_to_write(f);

	buf_text(&f->text, "v=DMARC1; p=");
	buf_text(&f->text, p);
	if (r == NULL) {
		if (f->d->out->sends_mail)
			put_addresses(f, SPAN(""), true);
		return;
	}
	/* keep sp and np only if they are at least as strict as p */
	if (r->sp >= r->p && r->sp != DMARC_POLICY_ABSENT &&
	    r->p != DMARC_POLICY_NONE)
		put_tag(f, "sp", dmarc_policy_name(r->sp));
	if (r->np >= r->p && r->np != DMARC_POLICY_ABSENT &&
	    r->p != DMARC_POLICY_NONE)
		put_tag(f, "np", dmarc_policy_name(r->np));
	if (r->psd == DMARC_PSD_NO)
		put_tag(f, "psd", "n");
	put_others(f, r->text);
	if (r->n_rua == 0 && f->d->out->sends_mail)
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
	size_t n = 0;

	put_text(f);
	if (f->text.full || answer->alias.p != NULL)
		return NULL; /* an alias: the record belongs to someone else */
	for (size_t i = 0; i < answer->n_records; i++) {
		if (!must_go(answer->records[i].text))
			continue;
		audit_change_remove_txt(change, name, answer->records[i].text);
		n++;
	}
	for (size_t i = 0; i < d->txt->n_records; i++)
		if (span_starts_nocase(d->txt->records[i].text, "v=DMARC1"))
			audit_change_remove_txt(
			    change, d->out->domain, d->txt->records[i].text);
	if (n == 1 && f->step != NULL &&
	    span_equal(f->step->record->text, buf_view(&f->text)))
		return NULL;
	audit_change_publish_txt(change, name, buf_view(&f->text));
	return change;
}

const struct audit_change *
auditing_dmarc_change(struct auditing *d)
{
	const struct dmarc_walk *walk = &d->out->dmarc.walk;
	struct dmarc_fix f = { .d = d, .owner = d->out->domain };

	if (d->has_dmarc_change)
		return d->dmarc_change;
	if (walk->policy != NULL) {
		f.step = walk->policy;
		f.owner = walk->policy->domain;
	}
	f.text = buf_alloc(d->a, DMARC_RECORD_MAX);
	d->dmarc_change = make_dmarc_change(&f);
	d->has_dmarc_change = true;
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

/* Checks whether _dmarc.DOMAIN has an SPF record but no DMARC record. */
static void
audit_spf_text(struct auditing *d)
{
	struct span name = auditing_name(d->a, "_dmarc", d->out->domain);
	const struct dns_answer *answer = auditing_ask(d, name, DNS_TXT);
	bool has_spf = false;

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
		buf_text(&b, " or before");
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

		if (is_dropped(&one) ||
		    (strcmp(one.id, "no-rua") == 0 && !d->out->sends_mail))
			continue;
		one.area = "dmarc";
		one.change = strcmp(one.id, "no-consent") == 0
		    ? consent_change(d, &one)
		    : auditing_dmarc_change(d);
		audit_findings_copy(&d->out->findings, &one);
		if (strcmp(one.id, "monitoring") == 0)
			audit_monitoring(d);
	}
	if (policy != NULL && policy->record != NULL)
		audit_bounced(d, policy);
	audit_spf_text(d);
}
