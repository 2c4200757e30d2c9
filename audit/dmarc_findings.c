#include "audit/dmarc_findings.h"

#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"

#define FIX_POLICY "Write p=none, p=quarantine or p=reject."

static const struct audit_rule rules[] = {
	/* the tree walk */
	[DMARC_RULE_BAD_NAME] = { AUDIT_ERROR, "bad-name",
	    "RFC 1035 section 2.3.4", "not a valid domain name: \"%v\"",
	    "Check the spelling." },
	[DMARC_RULE_NO_RECORD] = { AUDIT_WARNING, "no-record",
	    "RFC 9989 section 5.1.4",
	    "no DMARC record applies to %d: receivers do not act on forged"
	    " mail",
	    "Publish TXT at _dmarc.%d: \"v=DMARC1; p=none;"
	    " rua=mailto:ADDRESS\", read the reports, then tighten p." },
	[DMARC_RULE_NO_OWN_RECORD] = { AUDIT_NOTE, "no-own-record",
	    "RFC 9989 section 8",
	    "%d has no DMARC record; the record of %v applies",
	    "Publish a record at _dmarc.%d if mail uses it as the author"
	    " domain." },
	[DMARC_RULE_SEVERAL_RECORDS] = { AUDIT_ERROR, "several-records",
	    "RFC 9989 section 4.10",
	    "more than one record of %d begins with v=DMARC1: receivers"
	    " ignore all of them",
	    "Keep one of the records at _dmarc.%d and remove the others." },
	[DMARC_RULE_NEAR_MISS] = { AUDIT_ERROR, "near-miss",
	    "RFC 9989 section 4.7",
	    "receivers ignore a record because it does not begin with"
	    " v=DMARC1: \"%v\"",
	    "Begin it with \"v=DMARC1;\", in capitals and without a leading"
	    " space." },
	[DMARC_RULE_FOREIGN_RECORD] = { AUDIT_NOTE, "foreign-record",
	    "RFC 9989 section 4.10",
	    "receivers ignore a TXT record that is not a DMARC record:"
	    " \"%v\"",
	    "Remove it, unless it comes from a wildcard: then it does no"
	    " harm." },
	[DMARC_RULE_NO_ANSWER] = { AUDIT_ERROR, "no-answer",
	    "RFC 9989 section 5.3.6", "the DNS query for _dmarc.%d failed (%v)",
	    "Fix the zone's name servers: until all of them answer, DMARC "
	    "checks of the domain's mail may end with temperror." },
	[DMARC_RULE_MISPLACED] = { AUDIT_ERROR, "misplaced",
	    "RFC 9989 section 4.5",
	    "a DMARC record is published at %d, where receivers do not look",
	    "Publish one at _dmarc.%d, and remove this one." },
	[DMARC_RULE_SUFFIX_WITHOUT_PSD] = { AUDIT_WARNING, "suffix-without-psd",
	    "RFC 9989 section 11.8",
	    "the record of the top-level domain %v has no psd=y: receivers"
	    " treat it as the organizational domain of all domains below it,"
	    " and their identifiers align with %d",
	    "Add psd=n to the record of your domain." },
	[DMARC_RULE_DEEP_NAME] = { AUDIT_WARNING, "deep-name",
	    "RFC 9989 section 5.1.8",
	    "%d has more than eight labels: receivers do not find records at "
	    "names between it and its last seven labels",
	    "Publish a record at _dmarc.%d." },
	[DMARC_RULE_ALIAS] = { AUDIT_NOTE, "alias", "RFC 9989 section 4.5",
	    "_dmarc.%d is an alias (CNAME): %v sets the policy",
	    "Make sure that you trust the owner of %v." },

	/* the record */
	[DMARC_RULE_BROKEN_POLICY] = { AUDIT_ERROR, "broken-policy",
	    "RFC 9989 section 4.10.1", "receivers do not apply the record: %v",
	    FIX_POLICY },
	[DMARC_RULE_DEFAULTED_POLICY] = { AUDIT_ERROR, "defaulted-policy",
	    "RFC 9989 section 4.10.1", "%v", FIX_POLICY },
	[DMARC_RULE_BAD_VALUE] = { AUDIT_ERROR, "bad-value",
	    "RFC 9989 section 4.8",
	    "\"%t=%v\" is not valid: receivers ignore the tag",
	    "Correct the value, or remove the tag." },
	/* affects only failure reports, which few receivers send */
	[DMARC_RULE_BAD_FO] = { AUDIT_NOTE, "bad-value", "RFC 9989 section 4.8",
	    "\"%t=%v\" is not valid: receivers ignore the tag",
	    "Write 0, 1, d or s, or several of them with colons between them, "
	    "such as 1:d:s." },
	[DMARC_RULE_REPEATED_TAG] = { AUDIT_ERROR, "repeated-tag",
	    "RFC 6376 section 3.2",
	    "the tag %t appears twice: receivers differ in which one they use;"
	    " avouch uses the first",
	    "Remove one of the two." },
	[DMARC_RULE_UNKNOWN_TAG] = { AUDIT_NOTE, "unknown-tag",
	    "RFC 9989 section 4.7",
	    "%t is not a DMARC tag; receivers ignore it",
	    "Check the spelling, or remove it." },
	[DMARC_RULE_PCT] = { AUDIT_WARNING, "pct", "RFC 9989 appendix A.6",
	    "pct=%v has no effect: the tag was removed from DMARC, and the"
	    " policy applies to all mail",
	    "Remove it when the reports show that your mail passes; instead of "
	    "pct=0 write t=y." },
	[DMARC_RULE_HISTORIC_TAG] = { AUDIT_NOTE, "historic-tag",
	    "RFC 9989 section 9.3",
	    "%t was removed from DMARC; receivers ignore it", "Remove it." },
	[DMARC_RULE_GARBLED] = { AUDIT_ERROR, "garbled", "RFC 9989 section 4.8",
	    "\"%v\" is not of the form tag=value; receivers ignore it",
	    "Write tag=value, and separate tags with semicolons." },
	[DMARC_RULE_UPPER_CASE_TAG] = { AUDIT_NOTE, "upper-case-tag",
	    "RFC 6376 section 3.2",
	    "the tag %t is in capitals, which some receivers do not accept",
	    "Write it in lower case." },
	[DMARC_RULE_SP_WEAKER] = { AUDIT_WARNING, "sp-weaker",
	    "RFC 9989 section 4.7",
	    "sp=%v is weaker than p: mail that forges a subdomain is treated "
	    "less strictly than mail that forges %d",
	    "Remove sp when the reports show that the mail of subdomains "
	    "passes;"
	    " publish a separate record for subdomains that need one." },
	[DMARC_RULE_NP_WEAKER] = { AUDIT_WARNING, "np-weaker",
	    "RFC 9989 section 4.7",
	    "np=%v is weaker than the policy for existing subdomains, but "
	    "names that do not exist send no mail",
	    "Write np=reject." },
	[DMARC_RULE_NP_HINT] = { AUDIT_NOTE, "np-hint", "RFC 9989 section 4.7",
	    "anyone can send mail as a subdomain that does not exist",
	    "Add np=reject: names that do not exist send no mail." },
	[DMARC_RULE_SP_UNUSED] = { AUDIT_WARNING, "sp-unused",
	    "RFC 9989 section 4.7",
	    "%t has no effect in the record of %d, which is not an"
	    " organizational domain: subdomains without a record follow %v",
	    "Remove it, or add psd=n to make %d an organizational domain." },
	[DMARC_RULE_TESTING] = { AUDIT_WARNING, "testing",
	    "RFC 9989 section 4.7",
	    "t=y asks receivers to apply a policy one level weaker",
	    "Remove it when the reports show that your mail passes." },
	[DMARC_RULE_TESTING_NONE] = { AUDIT_NOTE, "testing-none",
	    "RFC 9989 section 4.7", "t=y has no effect with a policy of none",
	    "Remove it." },
	[DMARC_RULE_MONITORING] = { AUDIT_WARNING, "monitoring",
	    "RFC 9989 section 5.1.7",
	    "%t=none: receivers report forged mail, but do not act on it",
	    "When the reports show that your mail passes, change to "
	    "%t=quarantine, and later to %t=reject." },
	[DMARC_RULE_MONITORING_BLIND] = { AUDIT_WARNING, "monitoring-blind",
	    "RFC 9989 section 5.1.5",
	    "%t=none without rua: receivers neither act on forged mail nor "
	    "report it",
	    "Add rua=mailto:ADDRESS and read the reports." },
	[DMARC_RULE_NO_RUA] = { AUDIT_NOTE, "no-rua", "RFC 9989 section 5.1.3",
	    "no rua: you cannot see which of your own mail fails",
	    "Add rua=mailto:ADDRESS and read the reports." },
	[DMARC_RULE_REJECT] = { AUDIT_NOTE, "reject", "RFC 9989 section 7.4",
	    "%t=reject: receivers may refuse mail that your users send through"
	    " mailing lists and forwarders",
	    "Sign all mail with DKIM and do not rely on SPF alone; give users"
	    " who post to lists a domain with a weaker policy." },
	[DMARC_RULE_PSD] = { AUDIT_WARNING, "psd", "RFC 9989 section 4.7",
	    "psd=y declares %d a public suffix: each name below it belongs to"
	    " a different owner, and none of them aligns with another",
	    "Remove psd, unless others register names below %d." },
	[DMARC_RULE_PSD_TLD] = { AUDIT_NOTE, "psd", "RFC 9989 section 4.7",
	    "psd=y declares %d a public suffix: each name below it belongs to"
	    " a different owner, and none of them aligns with another",
	    "Remove psd, unless others register names below %d." },
	[DMARC_RULE_PSD_RUF] = { AUDIT_ERROR, "psd-ruf",
	    "RFC 9989 section 10.2",
	    "a public suffix must not ask for failure reports", "Remove ruf." },
	[DMARC_RULE_FO_WITHOUT_RUF] = { AUDIT_NOTE, "fo-without-ruf",
	    "RFC 9989 section 4.7", "fo has no effect without ruf",
	    "Remove fo, or add ruf." },
	[DMARC_RULE_RUF] = { AUDIT_NOTE, "ruf", "RFC 9989 section 10.2",
	    "failure reports contain personal data: few receivers send them,"
	    " and their recipients must handle them with care",
	    "Remove ruf unless you need it." },

	/* report addresses */
	[DMARC_RULE_BAD_URI] = { AUDIT_ERROR, "bad-uri", "RFC 9989 section 4.8",
	    "\"%v\" in %t is not a valid report address; receivers ignore it",
	    "Write mailto:NAME@DOMAIN, separate addresses with commas, and"
	    " write \"!\" as %21." },
	[DMARC_RULE_URI_SIZE] = { AUDIT_NOTE, "uri-size",
	    "RFC 9989 section 4.8",
	    "the size limit after \"!\" in %v is obsolete; receivers ignore"
	    " it",
	    "Remove it." },
	[DMARC_RULE_URI_SCHEME] = { AUDIT_WARNING, "uri-scheme",
	    "RFC 9989 section 4.7",
	    "%v in %t: receivers only have to support mailto:",
	    "Add a mailto: address." },
	[DMARC_RULE_MANY_URIS] = { AUDIT_WARNING, "many-uris",
	    "RFC 9989 section 4.7",
	    "%t has too many addresses: receivers may ignore some of them",
	    "Use one address, and distribute the reports from there." },
	[DMARC_RULE_NO_MAIL_HOST] = { AUDIT_WARNING, "no-mail-host",
	    "RFC 9989 section 5.1.3",
	    "%v does not accept mail: reports to it are lost",
	    "Use an address that accepts mail." },
	[DMARC_RULE_NO_CONSENT] = { AUDIT_WARNING, "no-consent",
	    "RFC 9990 section 4",
	    "%v has not agreed to receive reports about %d: receivers do not"
	    " send them",
	    "Ask its owner to publish the TXT record \"v=DMARC1;\" at"
	    " %d._report._dmarc.%v." },
	[DMARC_RULE_CONSENT_UNKNOWN] = { AUDIT_WARNING, "consent-unknown",
	    "RFC 9990 section 4",
	    "cannot determine whether %v has agreed to receive reports about "
	    "%d:"
	    " a DNS query failed",
	    "Make sure that all name servers of %v answer for"
	    " %d._report._dmarc.%v." },
};

/* How to fix a bad value, by tag: RFC 9989 section 4.8. */
static const struct {
	const char *tag, *fix;
} value_fixes[] = {
	{ "p", FIX_POLICY },
	{ "sp", "Write sp=none, sp=quarantine or sp=reject." },
	{ "np", "Write np=none, np=quarantine or np=reject." },
	{ "adkim", "Write adkim=r or adkim=s." },
	{ "aspf", "Write aspf=r or aspf=s." },
	{ "psd", "Write psd=y, psd=n or psd=u." },
	{ "t", "Write t=y or t=n." },
	{ "rua", "Write rua=mailto:NAME@DOMAIN." },
	{ "ruf", "Write ruf=mailto:NAME@DOMAIN." },
};

/* Returns NULL if there is no fix specific to the tag. */
static const char *
value_fix_of(struct span tag)
{
	for (size_t i = 0; i < ARRAY_SIZE(value_fixes); i++)
		if (span_is_nocase(tag, value_fixes[i].tag))
			return value_fixes[i].fix;
	return NULL;
}

void
dmarc_lint_add(
    struct dmarc_linter *l, enum dmarc_rule rule, struct dmarc_about about)
{
	char memory[sizeof("_dmarc.") + DOMAIN_MAX];
	struct buf where = buf_wrap(memory, sizeof(memory));
	struct audit_about a = {
		.domain = about.domain,
		.value = about.value,
		.tag = about.tag,
	};

	buf_text(&where, "_dmarc.");
	buf_span(&where, span_first(about.domain, DOMAIN_MAX));
	a.where = buf_view(&where);
	if (rule == DMARC_RULE_BAD_VALUE)
		a.fix = value_fix_of(about.tag);
	audit_findings_add(&l->out->findings, &rules[rule], &a);
}
