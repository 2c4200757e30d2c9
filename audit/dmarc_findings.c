#include "audit/dmarc_findings.h"

#include <assert.h>

#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/scan.h"
#include "lib/enum_names.h"

enum {
	DETAIL_MAX = 253, /* bytes shown of a text from outside */
	TEXT_MAX = 1024,  /* of a finding, with two names and a detail */
};

static const struct enum_token severities[] = {
	{ "note", DMARC_SEVERITY_NOTE },
	{ "warning", DMARC_SEVERITY_WARNING },
	{ "error", DMARC_SEVERITY_ERROR },
};

const char *
dmarc_severity_name(enum dmarc_severity severity)
{
	return enum_name(severities, ARRAY_SIZE(severities), (int)severity);
}

/* In the texts %d stands for the domain, %v for the value that is at fault, %t
 * for its tag. */
static const struct rule {
	const char *id;
	enum dmarc_severity severity;
	const char *section;
	const char *text;
	const char *cure;
} rules[] = {
	/* the walk */
	{ "bad-name", DMARC_SEVERITY_ERROR, "RFC 1035 section 2.3.4",
	    "%v is not a domain name", "check how it is written" },
	{ "no-record", DMARC_SEVERITY_WARNING, "RFC 9989 section 5.1.4",
	    "no DMARC record applies to %d: receivers do nothing about mail"
	    " that forges it",
	    "publish TXT at _dmarc.%d: \"v=DMARC1; p=none;"
	    " rua=mailto:ADDRESS\", read the reports, then tighten p" },
	{ "no-own-record", DMARC_SEVERITY_NOTE, "RFC 9989 section 8",
	    "%d has no record of its own, that of %v applies",
	    "publish one at _dmarc.%d if it is an author domain of mail" },
	{ "several-records", DMARC_SEVERITY_ERROR, "RFC 9989 section 4.10",
	    "more than one record of %d begins with v=DMARC1: all are"
	    " discarded",
	    "leave one of them at _dmarc.%d" },
	{ "near-miss", DMARC_SEVERITY_ERROR, "RFC 9989 section 4.7",
	    "a record is ignored since it does not begin with v=DMARC1 as its"
	    " first tag: \"%v\"",
	    "begin it with \"v=DMARC1;\", in capitals, without a space before"
	    " it" },
	{ "foreign-record", DMARC_SEVERITY_NOTE, "RFC 9989 section 4.10",
	    "a TXT record that is not of DMARC is ignored: \"%v\"",
	    "remove it; if a wildcard puts it there it does no harm" },
	{ "no-answer", DMARC_SEVERITY_ERROR, "RFC 9989 section 5.3.6",
	    "the question for _dmarc.%d is not answered (%v)",
	    "see that all name servers of the zone answer it; until then mail"
	    " of the domain may get a temperror" },
	{ "misplaced", DMARC_SEVERITY_ERROR, "RFC 9989 section 4.5",
	    "a DMARC record stands at %d, where it is not looked for",
	    "move it to _dmarc.%d" },
	{ "suffix-without-psd", DMARC_SEVERITY_WARNING, "RFC 9989 section 11.8",
	    "the record of the top-level domain %v has no psd=y: it is taken"
	    " for the organizational domain of all below it, whose identifiers"
	    " align with %d",
	    "add psd=n to the record of the domain that is yours" },
	{ "deep-name", DMARC_SEVERITY_WARNING, "RFC 9989 section 5.1.8",
	    "%d has more than eight labels: records of names between it and"
	    " the last seven labels are not found",
	    "publish a record at _dmarc.%d itself" },
	{ "alias", DMARC_SEVERITY_NOTE, "RFC 9989 section 4.5",
	    "_dmarc.%d is an alias: the policy is what %v says",
	    "see that %v stays with whom you trust" },

	/* the record */
	{ "broken-policy", DMARC_SEVERITY_ERROR, "RFC 9989 section 4.10.1",
	    "DMARC is not applied at all: %v",
	    "write p=none, p=quarantine or p=reject" },
	{ "defaulted-policy", DMARC_SEVERITY_ERROR, "RFC 9989 section 4.10.1",
	    "%v", "write p=none, p=quarantine or p=reject" },
	{ "bad-value", DMARC_SEVERITY_ERROR, "RFC 9989 section 4.8",
	    "\"%t=%v\" is not valid: the tag is ignored", NULL },
	{ "repeated-tag", DMARC_SEVERITY_ERROR, "RFC 6376 section 3.2",
	    "the tag %t is given twice: receivers differ in what they make of"
	    " it, here the first one counts",
	    "leave one of them" },
	{ "unknown-tag", DMARC_SEVERITY_NOTE, "RFC 9989 section 4.7",
	    "%t is no tag of DMARC and is ignored",
	    "check how it is written, or remove it" },
	{ "pct", DMARC_SEVERITY_WARNING, "RFC 9989 appendix A.6",
	    "pct is no longer a tag: the policy applies to all mail, whatever"
	    " pct=%v says",
	    "remove it; where it was 0 write t=y" },
	{ "historic-tag", DMARC_SEVERITY_NOTE, "RFC 9989 section 9.3",
	    "%t is no longer a tag and is ignored", "remove it" },
	{ "garbled", DMARC_SEVERITY_ERROR, "RFC 9989 section 4.8",
	    "\"%v\" is no tag=value and is ignored",
	    "write tag=value, with semicolons between" },
	{ "upper-case-tag", DMARC_SEVERITY_NOTE, "RFC 6376 section 3.2",
	    "the tag %t is written in capitals, which not every receiver"
	    " reads",
	    "write it in lower case" },
	{ "sp-weaker", DMARC_SEVERITY_WARNING, "RFC 9989 section 4.7",
	    "sp=%v asks for less than p: mail that forges a subdomain is"
	    " treated better than mail that forges %d",
	    "remove sp, or give subdomains that need it a record of their"
	    " own" },
	{ "np-weaker", DMARC_SEVERITY_WARNING, "RFC 9989 section 4.7",
	    "np=%v asks for less than is asked for names that exist, though"
	    " names that do not exist send no mail",
	    "write np=reject" },
	{ "np-hint", DMARC_SEVERITY_NOTE, "RFC 9989 section 4.7",
	    "subdomains that do not exist are open to forgery",
	    "add np=reject: names that do not exist send no mail" },
	{ "sp-unused", DMARC_SEVERITY_WARNING, "RFC 9989 section 4.7",
	    "%t has no effect in the record of %d, which is not an"
	    " organizational domain: subdomains without a record follow %v",
	    "remove it, or add psd=n to make %d an organizational domain" },
	{ "testing", DMARC_SEVERITY_NOTE, "RFC 9989 section 4.7",
	    "t=y: receivers are asked for one level less than the policy",
	    "remove it when the reports show that your mail passes" },
	{ "testing-none", DMARC_SEVERITY_NOTE, "RFC 9989 section 4.7",
	    "t=y has no effect on a policy of none", "remove it" },
	{ "monitoring", DMARC_SEVERITY_NOTE, "RFC 9989 section 5.1.7",
	    "p=none: forged mail is reported, but nothing is asked for",
	    "when the reports show that your mail passes, write p=quarantine,"
	    " later p=reject" },
	{ "monitoring-blind", DMARC_SEVERITY_WARNING, "RFC 9989 section 5.1.5",
	    "p=none without rua: the record has no effect at all",
	    "add rua=mailto:ADDRESS and read the reports" },
	{ "no-rua", DMARC_SEVERITY_WARNING, "RFC 9989 section 5.1.3",
	    "no rua: nobody tells you which of your own mail fails",
	    "add rua=mailto:ADDRESS and read the reports" },
	{ "reject", DMARC_SEVERITY_NOTE, "RFC 9989 section 7.4",
	    "p=reject: mail of your users by way of mailing lists and"
	    " forwarders may be refused",
	    "sign all mail with DKIM, never rely on SPF alone; keep people who"
	    " post to lists in a domain with a milder policy" },
	{ "psd", DMARC_SEVERITY_WARNING, "RFC 9989 section 4.7",
	    "psd=y: %d calls itself a public suffix, under which each name"
	    " belongs to somebody else and none aligns with another",
	    "remove psd, unless others register names below %d" },
	{ "psd-ruf", DMARC_SEVERITY_ERROR, "RFC 9989 section 10.2",
	    "a public suffix must not ask for failure reports", "remove ruf" },
	{ "fo-without-ruf", DMARC_SEVERITY_NOTE, "RFC 9989 section 4.7",
	    "fo is ignored without ruf", "remove fo, or add ruf" },
	{ "ruf", DMARC_SEVERITY_NOTE, "RFC 9989 section 10.2",
	    "failure reports hold personal data: few receivers send them, and"
	    " who gets them must handle them with care",
	    "remove ruf unless you need it" },

	/* report addresses */
	{ "bad-uri", DMARC_SEVERITY_ERROR, "RFC 9989 section 4.8",
	    "\"%v\" in %t is no address for reports and is ignored",
	    "write mailto:NAME@DOMAIN, a comma between two of them, \"!\" as"
	    " %21" },
	{ "uri-size", DMARC_SEVERITY_NOTE, "RFC 9989 section 4.8",
	    "the size behind \"!\" of %v is obsolete and is ignored",
	    "remove it" },
	{ "uri-scheme", DMARC_SEVERITY_WARNING, "RFC 9989 section 4.7",
	    "%v in %t: receivers need to know mailto: only",
	    "add a mailto: address" },
	{ "many-uris", DMARC_SEVERITY_WARNING, "RFC 9989 section 4.7",
	    "%t has more addresses than receivers will send reports to",
	    "use one address, and distribute the reports yourself" },
	{ "no-mail-host", DMARC_SEVERITY_ERROR, "RFC 9989 section 5.1.3",
	    "%v takes no mail: reports to it are lost",
	    "give an address that takes mail" },
	{ "no-consent", DMARC_SEVERITY_ERROR, "RFC 9990 section 4",
	    "%v has not agreed to take reports of %d: they are not sent",
	    "let its owner publish TXT at %d._report._dmarc.%v:"
	    " \"v=DMARC1;\"" },
	{ "consent-unknown", DMARC_SEVERITY_WARNING, "RFC 9990 section 4",
	    "whether %v agreed to take reports of %d could not be found out",
	    "see that all name servers of %v answer for"
	    " %d._report._dmarc.%v" },
};

/* What a tag may hold: the cure of bad-value. */
static const struct {
	const char *tag, *cure;
} values[] = {
	{ "p", "write p=none, p=quarantine or p=reject" },
	{ "sp", "write sp=none, sp=quarantine or sp=reject" },
	{ "np", "write np=none, np=quarantine or np=reject" },
	{ "adkim", "write adkim=r or adkim=s" },
	{ "aspf", "write aspf=r or aspf=s" },
	{ "psd", "write psd=y, psd=n or psd=u" },
	{ "t", "write t=y or t=n" },
	{ "fo", "write one of 0 and 1, and d or s, with colons between" },
	{ "rua", "write rua=mailto:NAME@DOMAIN" },
	{ "ruf", "write ruf=mailto:NAME@DOMAIN" },
};

static struct span
fill_in(struct dmarc_linter *l, const char *template,
    const struct dmarc_about *about)
{
	struct scan s = scan_of(span_str(template));
	char memory[TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	for (;;) {
		buf_span(&b, scan_until(&s, '%'));
		if (scan_done(&s))
			return arena_copy(l->arena, buf_view(&b));
		if (scan_text_nocase(&s, "%d"))
			buf_printable(&b, about->domain, DOMAIN_MAX);
		else if (scan_text_nocase(&s, "%v"))
			buf_printable(&b, about->value, DETAIL_MAX);
		else if (scan_text_nocase(&s, "%t"))
			buf_printable(&b, about->tag, DETAIL_MAX);
		else
			buf_byte(&b, (char)scan_next(&s));
	}
}

static const struct rule *
find_rule(const char *id)
{
	const struct rule *rule = rules;

	while (!span_is(span_str(rule->id), id)) {
		rule++;
		assert(rule < rules + ARRAY_SIZE(rules));
	}
	return rule;
}

struct dmarc_finding *
dmarc_lint_add(struct dmarc_linter *l, const char *id, struct dmarc_about about)
{
	const struct rule *rule = find_rule(id);
	struct dmarc_finding *f;

	if (l->findings == NULL || l->out->n_findings == DMARC_FINDINGS_MAX) {
		l->out->cut = true;
		return NULL;
	}
	f = &l->findings[l->out->n_findings++];
	*f = (struct dmarc_finding){
		.id = rule->id,
		.severity = rule->severity,
		.name = fill_in(l, "_dmarc.%d", &about),
		.text = fill_in(l, rule->text, &about),
		.section = rule->section,
		.cure = fill_in(l, rule->cure, &about),
	};
	return f;
}

void
dmarc_lint_add_bad_value(struct dmarc_linter *l, struct dmarc_about about)
{
	struct dmarc_finding *f = dmarc_lint_add(l, "bad-value", about);

	for (size_t i = 0; f != NULL && i < ARRAY_SIZE(values); i++) {
		if (span_is_nocase(about.tag, values[i].tag))
			f->cure = span_str(values[i].cure);
	}
}
