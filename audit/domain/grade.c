/*
 * grade.c - derives the two grades of a domain.  Each finding limits them;
 * the strictest limit applies.
 *
 *	arrive	does mail from and to the domain arrive?
 *	spoof	can others send mail in the domain's name?
 *
 *	A	yes; no, forged mail is refused or filtered
 *	B	works, but something will break or is incomplete
 *	C	some forged mail passes, or some mail is lost
 *	D	mail is lost at some receivers; forged mail is only reported
 *	F	mail is lost, or anyone can forge it
 *
 * Findings that are not in the table below limit `arrive`, or `spoof` if they
 * are about DMARC: an error to D, a warning to B.  A hint limits nothing.
 */
#include <string.h>

#include "audit/domain/internal.h"
#include "lib/enum_names.h"

enum { NO_GRADE = '-', BEST = 'A' };

static const struct grade_rule {
	const char *area, *id;
	char arrive, spoof; /* 'A': no effect */
} grade_rules[] = {
	{ "domain", "bad-name", 'F', 'F' },
	{ "domain", "no-such-domain", 'F', 'F' },

	/* Without SPF, a signature can still pass, so DMARC still protects the
	   domain.  Gmail (5.7.26) requires SPF or DKIM to pass. */
	{ "spf", "no-record", 'B', 'A' },
	/* receivers see permerror, which is neither pass nor fail */
	{ "spf", "several-records", 'D', 'A' },
	{ "spf", "syntax", 'D', 'A' },
	{ "spf", "too-many-lookups", 'D', 'A' },
	/* a pass for everyone is an aligned pass, so DMARC does not help */
	{ "spf", "plus-all", 'D', 'F' },
	{ "spf", "registrable-include", 'D', 'F' },
	{ "spf", "broad-range", 'B', 'C' },
	{ "spf", "no-sender-lock", 'A', 'C' },
	{ "spf", "neutral-all", 'A', 'B' },
	{ "spf", "no-all", 'A', 'B' },

	/* a small key can be factored, and then anyone can sign */
	{ "dkim", "small-key", 'B', 'B' },
	{ "dkim", "testing-key", 'B', 'A' },
	{ "dkim", "no-key-at-all", 'C', 'A' },

	/* only DMARC prevents others from using the name */
	{ "dmarc", "no-record", 'B', 'F' },
	{ "dmarc", "broken-policy", 'B', 'F' },
	/* if they leave the domain without a policy, "no-record" says so */
	{ "dmarc", "several-records", 'A', 'A' },
	{ "dmarc", "misplaced", 'A', 'A' },
	{ "dmarc", "spf-text", 'A', 'A' },
	{ "dmarc", "near-miss", 'A', 'A' },
	{ "dmarc", "defaulted-policy", 'A', 'D' },
	{ "dmarc", "monitoring", 'A', 'D' },
	{ "dmarc", "monitoring-blind", 'A', 'D' },
	{ "dmarc", "testing", 'A', 'C' },
	{ "dmarc", "sp-weaker", 'A', 'C' },
	{ "dmarc", "np-weaker", 'A', 'C' },
	{ "dmarc", "suffix-without-psd", 'A', 'C' },

	/* the most common reasons why mail to a domain is lost */
	{ "mx", "no-address", 'C', 'A' },
	{ "mx", "no-addresses", 'F', 'A' },
	{ "mx", "private-address", 'C', 'A' },
	{ "mx", "private-addresses", 'F', 'A' },
	{ "mx", "null-mx-sends", 'D', 'A' },
	{ "mx", "no-mail-host", 'C', 'A' },
	{ "mta-sts", "uncovered-host", 'F', 'A' },
	{ "dane", "mismatch", 'F', 'A' },
	{ "smtp", "certificate", 'F', 'A' },
	/* mail is still delivered, but its transport is not protected */
	{ "dane", "not-signed", 'B', 'A' },
};

static struct grade_rule
rule_of(const struct audit_finding *f)
{
	bool is_dmarc = strcmp(f->area, "dmarc") == 0;
	struct grade_rule rule = { f->area, f->id, BEST, BEST };
	char most = f->severity == AUDIT_ERROR ? 'D' : 'B';

	if (f->severity == AUDIT_NOTE)
		return rule;
	for (size_t i = 0; i < ARRAY_SIZE(grade_rules); i++)
		if (strcmp(grade_rules[i].area, f->area) == 0 &&
		    strcmp(grade_rules[i].id, f->id) == 0)
			return grade_rules[i];
	if (is_dmarc)
		rule.spoof = most;
	else
		rule.arrive = most;
	return rule;
}

void
audit_domain_grade(struct audit_domain *d)
{
	audit_findings_sort(&d->findings);
	d->arrive = d->spoof = NO_GRADE;
	if (d->is_unsure || d->findings.cut)
		return;
	d->arrive = d->spoof = BEST;
	for (size_t i = 0; i < d->findings.n; i++) {
		struct grade_rule rule = rule_of(&d->findings.list[i]);

		if (rule.arrive > d->arrive)
			d->arrive = rule.arrive;
		if (rule.spoof > d->spoof)
			d->spoof = rule.spoof;
	}
}
