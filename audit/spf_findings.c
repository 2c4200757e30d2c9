#include "audit/spf_findings.h"

#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"

enum {
	TEXT_MAX = 400,   /* bytes of a finding's text */
	DETAIL_MAX = 260, /* of them what was found */
};

#define ERROR SPF_SEVERITY_ERROR
#define WARNING SPF_SEVERITY_WARNING
#define NOTE SPF_SEVERITY_NOTE

static const struct {
	enum spf_severity severity;
	const char *name;
	const char *section;
	const char *text;
	const char *cure;
} rules[] = {
	[SPF_RULE_NO_NAME] = { ERROR, "no-domain-name", "RFC 7208 section 4.3",
	    "this is no domain name with two labels",
	    "Give the domain as it stands behind the \"@\" of addresses." },
	[SPF_RULE_NO_RECORD] = { WARNING, "no-record", "RFC 7208 section 4.5",
	    "the domain has no SPF record",
	    "Publish one TXT record; \"v=spf1 -all\" if it sends no mail." },
	[SPF_RULE_SEVERAL_RECORDS] = { ERROR, "several-records",
	    "RFC 7208 section 4.5", "there is more than one SPF record",
	    "Join their terms in one record and remove the others." },
	[SPF_RULE_LOOKALIKE] = { WARNING, "looks-like-spf",
	    "RFC 7208 section 4.5",
	    "a TXT record looks like SPF and is not read as such",
	    "Let it begin with exactly \"v=spf1\" and a space, or remove "
	    "it." },
	[SPF_RULE_SENDER_ID] = { NOTE, "sender-id", "RFC 7208 section 4.5",
	    "a record of Sender ID, which is not in use any more",
	    "Remove the \"spf2.0\" record." },
	[SPF_RULE_NO_ANSWER] = { WARNING, "dns-failure", "RFC 7208 section 4.4",
	    "the DNS gave no answer",
	    "Repair the name servers: mail gets temperror while they fail." },
	[SPF_RULE_TOO_LONG_TO_READ] = { ERROR, "too-long-to-read",
	    "RFC 7208 section 3.4", "the record has more than 8192 bytes",
	    "Move networks to the records of names that are included." },
	[SPF_RULE_LONG_ANSWER] = { WARNING, "long-answer",
	    "RFC 7208 section 3.4",
	    "the answer does not fit in 512 bytes of UDP",
	    "Shorten the record, or move other TXT records elsewhere: name "
	    "and texts should stay under 450 bytes." },
	[SPF_RULE_SYNTAX] = { ERROR, "syntax", "RFC 7208 section 4.6",
	    "a syntax error makes the whole record invalid",
	    "Correct the term; where the record has several strings, see that "
	    "a space stands at their joints." },
	[SPF_RULE_LOOKUPS] = { ERROR, "too-many-lookups",
	    "RFC 7208 section 4.6.4", "more than 10 terms look up DNS",
	    "Replace include, a and mx by the networks they stand for, or "
	    "drop services that are not used." },
	[SPF_RULE_LOOKUPS_FULL] = { NOTE, "lookups-at-limit",
	    "RFC 7208 section 4.6.4",
	    "the 10 terms that may look up DNS are used up",
	    "Leave room: an included domain may need more tomorrow." },
	[SPF_RULE_VOIDS_V4] = { ERROR, "too-many-void-lookups",
	    "RFC 7208 section 4.6.4",
	    "for IPv4 clients, more than 2 terms find nothing in the DNS",
	    "Remove the terms whose names have no records." },
	[SPF_RULE_VOIDS_V6] = { ERROR, "too-many-void-lookups-ipv6",
	    "RFC 7208 section 4.6.4",
	    "for IPv6 clients, more than 2 terms find nothing in the DNS",
	    "Write ip4: in the place of a and mx whose hosts have no AAAA "
	    "records." },
	[SPF_RULE_VOID] = { WARNING, "void-lookup", "RFC 7208 section 4.6.4",
	    "the term finds nothing in the DNS, and only 2 such are allowed",
	    "Remove the term, or correct the name." },
	[SPF_RULE_MX_MANY] = { ERROR, "too-many-mx-hosts",
	    "RFC 7208 section 4.6.4", "more than 10 MX hosts",
	    "Write ip4: and ip6: for the hosts that send." },
	[SPF_RULE_MX_NULL] = { NOTE, "null-mx", "RFC 7208 section 5.4",
	    "the domain takes no mail (a null MX), so mx matches nothing",
	    "Remove the term." },
	[SPF_RULE_MX_HOST] = { NOTE, "mx-host-without-address",
	    "RFC 7208 section 4.6.4",
	    "an MX host has no address, which makes the term a void look-up",
	    "Correct the MX records." },
	[SPF_RULE_INCLUDE_NONE] = { ERROR, "include-without-record",
	    "RFC 7208 section 5.2", "the included domain has no SPF record",
	    "Remove the term, or ask the provider for the right name." },
	[SPF_RULE_REDIRECT_NONE] = { ERROR, "redirect-without-record",
	    "RFC 7208 section 6.1", "the domain of redirect= has no SPF record",
	    "Correct the name, or end the record with \"all\"." },
	[SPF_RULE_LOOP] = { ERROR, "loop", "RFC 7208 section 4.6.4",
	    "the record leads back to itself",
	    "Remove one of the terms of the circle." },
	[SPF_RULE_INCLUDED_TWICE] = { WARNING, "included-twice",
	    "RFC 7208 section 4.6.4",
	    "the same domain is included once more, and counts once more",
	    "Remove one of the two." },
	[SPF_RULE_NOT_FOLLOWED] = { NOTE, "not-followed",
	    "RFC 7208 section 4.6.4", "there is more than is looked at here",
	    "Remove includes until the record is within the limits." },
	[SPF_RULE_MACRO] = { NOTE, "depends-on-message", "RFC 7208 section 7",
	    "what the term looks up depends on the message: it is counted "
	    "and not followed",
	    "Nothing, if it is meant so." },
	[SPF_RULE_LOCAL_MACRO] = { NOTE, "depends-on-sender",
	    "RFC 7208 section 7.3",
	    "%{s} and %{l} make each sender a question of its own, and do "
	    "not match senders with UTF-8 (RFC 8616 section 4)",
	    "Leave them out unless users have policies of their own." },
	[SPF_RULE_PTR] = { WARNING, "ptr", "RFC 7208 section 5.5",
	    "ptr is slow, unreliable, and should not be published",
	    "Write a:, mx: or ip4: instead." },
	[SPF_RULE_PTR_MACRO] = { WARNING, "ptr-macro", "RFC 7208 section 7.2",
	    "%{p} is slow, unreliable, and should not be published",
	    "Use %{i} or %{d} instead." },
	[SPF_RULE_PLUS_ALL] = { WARNING, "plus-all", "RFC 7208 section 5.1",
	    "\"+all\" lets anyone send in the domain's name",
	    "End the record with \"-all\" or \"~all\"." },
	[SPF_RULE_NEUTRAL_ALL] = { NOTE, "neutral-all", "RFC 7208 section 8.2",
	    "\"?all\" says nothing about clients that do not match",
	    "Once all senders are known, end with \"~all\" or \"-all\"." },
	[SPF_RULE_NO_ALL] = { WARNING, "no-all", "RFC 7208 section 4.7",
	    "the record ends without \"all\" or redirect=, as if by "
	    "\"?all\"",
	    "End the record with \"-all\" or \"~all\"." },
	[SPF_RULE_BEHIND_ALL] = { WARNING, "behind-all", "RFC 7208 section 5.1",
	    "a term behind \"all\" is never reached",
	    "Put it before \"all\", or remove it." },
	[SPF_RULE_REDIRECT_IGNORED] = { WARNING, "redirect-ignored",
	    "RFC 7208 section 6.1",
	    "redirect= is ignored, since the record has \"all\"",
	    "Remove one of the two." },
	[SPF_RULE_MODIFIER_FIRST] = { NOTE, "modifier-before-mechanism",
	    "RFC 7208 section 6", "redirect= or exp= before a mechanism",
	    "Put modifiers at the end of the record." },
	[SPF_RULE_UNKNOWN_MODIFIER] = { NOTE, "unknown-modifier",
	    "RFC 7208 section 6", "a modifier that most readers ignore",
	    "Remove it, or see whether a mechanism was meant (\":\" for "
	    "\"=\")." },
	[SPF_RULE_FINAL_DOT] = { NOTE, "final-dot", "RFC 7208 section 7.3",
	    "a dot at the end of a domain, which some readers refuse",
	    "Leave the dot out." },
	[SPF_RULE_DUPLICATE] = { WARNING, "duplicate", "RFC 7208 section 4.6.2",
	    "the term stands in the record twice", "Remove one of the two." },
	[SPF_RULE_COVERED] = { NOTE, "covered", "RFC 7208 section 4.6.2",
	    "a term before this one matches all that it would match",
	    "Remove this term, or put it first if its qualifier differs." },
	[SPF_RULE_BROAD] = { WARNING, "broad-range", "RFC 7208 section 5.6",
	    "the range is so broad that strangers are within",
	    "Name the networks that really send." },
	[SPF_RULE_HOST_BITS] = { NOTE, "host-bits", "RFC 7208 section 5.6",
	    "the address has bits behind the length of its prefix",
	    "Write the first address of the network." },
	[SPF_RULE_NOT_PUBLIC] = { NOTE, "not-public", "RFC 7208 section 5.6",
	    "addresses that no client on the Internet has",
	    "Remove the term." },
	[SPF_RULE_EXP_NONE] = { WARNING, "exp-without-text",
	    "RFC 7208 section 6.2",
	    "exp= does not lead to exactly one TXT record, and is ignored",
	    "Publish the text, or remove exp=." },
	[SPF_RULE_EXP_TEXT] = { WARNING, "exp-syntax", "RFC 7208 section 6.2",
	    "the text of exp= cannot be read",
	    "Write \"%%\" for a percent sign, and ASCII alone." },
};

static const struct enum_token severities[] = {
	{ "error", SPF_SEVERITY_ERROR },
	{ "warning", SPF_SEVERITY_WARNING },
	{ "note", SPF_SEVERITY_NOTE },
};

const char *
spf_severity_name(enum spf_severity severity)
{
	return enum_name(severities, ARRAY_SIZE(severities), (int)severity);
}

static void
count(struct spf_lint *out, enum spf_severity severity)
{
	switch (severity) {
	case SPF_SEVERITY_ERROR:
		out->errors++;
		break;
	case SPF_SEVERITY_WARNING:
		out->warnings++;
		break;
	case SPF_SEVERITY_NOTE:
		out->notes++;
		break;
	}
}

/* The text of a rule, and of what was found. */
static struct span
text_of(struct spf_linting *l, enum spf_rule rule, struct span detail)
{
	struct buf b = buf_alloc(l->a, TEXT_MAX);

	buf_text(&b, rules[rule].text);
	if (detail.n > 0) {
		buf_text(&b, ": ");
		buf_printable(&b, detail, DETAIL_MAX);
	}
	return buf_view(&b);
}

void
spf_lint_add(struct spf_linting *l, const struct spf_lint_frame *f,
    enum spf_rule rule, struct span term, struct span detail)
{
	struct spf_lint *out = l->out;
	struct spf_finding *found;

	if (!f->is_first)
		return;
	count(out, rules[rule].severity);
	if (l->waiting || out->n_findings == SPF_LINT_FINDINGS_MAX)
		return;
	found = arena_alloc(l->a, sizeof(*found));
	if (found == NULL)
		return;
	*found = (struct spf_finding){
		.severity = rules[rule].severity,
		.name = rules[rule].name,
		.section = rules[rule].section,
		.domain = f->domain,
		.term = term,
		.text = text_of(l, rule, detail),
		.cure = rules[rule].cure,
	};
	if (l->last != NULL)
		l->last->next = found;
	else
		out->findings = found;
	l->last = found;
	out->n_findings++;
}

void
spf_lint_add_number(struct spf_linting *l, const struct spf_lint_frame *f,
    enum spf_rule rule, size_t number)
{
	char memory[24];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_number(&b, number);
	spf_lint_add(l, f, rule, SPAN_NONE, buf_view(&b));
}
