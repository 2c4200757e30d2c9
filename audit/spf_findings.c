#include "audit/spf_findings.h"

#include "lib/buf.h"

/* In the texts, %v is the value passed to spf_lint_add(). */
static const struct audit_rule rules[] = {
	[SPF_RULE_NO_NAME] = { AUDIT_ERROR, "no-domain-name",
	    "RFC 7208 section 4.3",
	    "not a domain name with at least two labels: \"%v\"",
	    "Specify the domain, the part of an address after the \"@\"." },
	[SPF_RULE_NO_RECORD] = { AUDIT_WARNING, "no-record",
	    "RFC 7208 section 4.5", "the domain has no SPF record",
	    "Publish one TXT record; \"v=spf1 -all\" if it sends no mail." },
	[SPF_RULE_SEVERAL_RECORDS] = { AUDIT_ERROR, "several-records",
	    "RFC 7208 section 4.5", "there is more than one SPF record: %v",
	    "Merge their terms into one record and remove the others." },
	[SPF_RULE_LOOKALIKE] = { AUDIT_WARNING, "looks-like-spf",
	    "RFC 7208 section 4.5",
	    "a TXT record looks like SPF but receivers ignore it: %v",
	    "Begin it with exactly \"v=spf1\" and a space, or remove it." },
	[SPF_RULE_SENDER_ID] = { AUDIT_NOTE, "sender-id",
	    "RFC 7208 section 4.5", "a Sender ID record, which is obsolete: %v",
	    "Remove the \"spf2.0\" record." },
	[SPF_RULE_NO_ANSWER] = { AUDIT_WARNING, "dns-failure",
	    "RFC 7208 section 4.4", "the DNS query failed: %v",
	    "Fix the name servers: SPF checks end with temperror while they "
	    "fail." },
	[SPF_RULE_TOO_LONG_TO_READ] = { AUDIT_ERROR, "too-long-to-read",
	    "RFC 7208 section 3.4", "the record has more than 8192 bytes: %v",
	    "Move networks into records at other names, and include those." },
	[SPF_RULE_LONG_ANSWER] = { AUDIT_NOTE, "long-answer",
	    "RFC 7208 section 3.4",
	    "the DNS answer may not fit in a 512-byte UDP reply: at least %v "
	    "bytes",
	    "Shorten the record, or move other TXT records elsewhere: keep the "
	    "name and all strings under 450 bytes in total." },
	[SPF_RULE_SYNTAX] = { AUDIT_ERROR, "syntax", "RFC 7208 section 4.6",
	    "a syntax error makes the whole record invalid: %v",
	    "Correct the term; if the record has several strings, make sure "
	    "that they are separated by a space." },
	[SPF_RULE_LOOKUPS] = { AUDIT_ERROR, "too-many-lookups",
	    "RFC 7208 section 4.6.4",
	    "more than 10 terms cause DNS lookups: %v",
	    "Replace include, a and mx with ip4: and ip6: networks, or remove "
	    "services that are not used." },
	[SPF_RULE_LOOKUPS_FULL] = { AUDIT_WARNING, "lookups-at-limit",
	    "RFC 7208 section 4.6.4",
	    "the record uses %v of the 10 DNS lookups that SPF allows",
	    "Leave room: an included domain may need more lookups later." },
	[SPF_RULE_VOIDS_V4] = { AUDIT_ERROR, "too-many-void-lookups",
	    "RFC 7208 section 4.6.4",
	    "for IPv4 clients, more than 2 terms find nothing in the DNS: %v",
	    "Remove the terms whose names have no records." },
	[SPF_RULE_VOIDS_V6] = { AUDIT_WARNING, "too-many-void-lookups-ipv6",
	    "RFC 7208 section 4.6.4",
	    "for IPv6 clients, more than 2 terms find nothing in the DNS: %v",
	    "Write ip4: instead of a and mx for hosts without AAAA records." },
	[SPF_RULE_VOID] = { AUDIT_WARNING, "void-lookup",
	    "RFC 7208 section 4.6.4",
	    "the term finds nothing in the DNS; only 2 such terms are allowed",
	    "Remove the term, or correct the name." },
	[SPF_RULE_MX_MANY] = { AUDIT_ERROR, "too-many-mx-hosts",
	    "RFC 7208 section 4.6.4", "the domain has more than 10 MX hosts",
	    "Write ip4: and ip6: for the hosts that send mail." },
	[SPF_RULE_MX_NULL] = { AUDIT_NOTE, "null-mx", "RFC 7208 section 5.4",
	    "the domain accepts no mail (null MX), so mx matches nothing",
	    "Remove the term." },
	[SPF_RULE_MX_HOST] = { AUDIT_NOTE, "mx-host-without-address",
	    "RFC 7208 section 4.6.4",
	    "an MX host has no address, which counts as a void lookup: %v",
	    "Correct the MX records." },
	[SPF_RULE_INCLUDE_NONE] = { AUDIT_ERROR, "include-without-record",
	    "RFC 7208 section 5.2", "the included domain has no SPF record: %v",
	    "Remove the term, or ask the provider for the right name; for a "
	    "host, write a: instead of include:." },
	[SPF_RULE_REDIRECT_NONE] = { AUDIT_ERROR, "redirect-without-record",
	    "RFC 7208 section 6.1",
	    "the domain of redirect= has no SPF record: %v",
	    "Correct the name, or end the record with \"all\"." },
	[SPF_RULE_LOOP] = { AUDIT_ERROR, "loop", "RFC 7208 section 4.6.4",
	    "a loop: the term leads back to %v",
	    "Remove one of the terms of the loop." },
	[SPF_RULE_INCLUDED_TWICE] = { AUDIT_WARNING, "included-twice",
	    "RFC 7208 section 4.6.4",
	    "the domain is included twice, and its lookups count twice: %v",
	    "Remove one of the two." },
	[SPF_RULE_NOT_FOLLOWED] = { AUDIT_NOTE, "not-followed",
	    "RFC 7208 section 4.6.4",
	    "not checked: there are too many records or DNS lookups",
	    "Remove includes until the record is within the limits." },
	[SPF_RULE_MACRO] = { AUDIT_NOTE, "depends-on-message",
	    "RFC 7208 section 7",
	    "the lookup of this term depends on the message: it is counted "
	    "but not followed",
	    "Leave it if this is intended; otherwise replace the macro." },
	[SPF_RULE_LOCAL_MACRO] = { AUDIT_NOTE, "depends-on-sender",
	    "RFC 7208 section 7.3",
	    "%{s} and %{l} cause a separate DNS query for each sender, and do "
	    "not match senders with UTF-8 local parts (RFC 8616 section 4)",
	    "Remove them unless each user has a separate policy." },
	[SPF_RULE_PTR] = { AUDIT_WARNING, "ptr", "RFC 7208 section 5.5",
	    "ptr is slow and unreliable, and should not be published",
	    "Write a:, mx: or ip4: instead." },
	[SPF_RULE_PTR_MACRO] = { AUDIT_WARNING, "ptr-macro",
	    "RFC 7208 section 7.2",
	    "%{p} is slow and unreliable, and should not be published",
	    "Use %{i} or %{d} instead." },
	[SPF_RULE_PLUS_ALL] = { AUDIT_ERROR, "plus-all", "RFC 7208 section 5.1",
	    "\"+all\" allows anyone to send in the domain's name",
	    "End the record with \"-all\" or \"~all\"." },
	[SPF_RULE_NEUTRAL_ALL] = { AUDIT_WARNING, "neutral-all",
	    "RFC 7208 section 8.2",
	    "\"?all\" says nothing about clients that do not match",
	    "Once all senders are known, end with \"~all\" or \"-all\"." },
	[SPF_RULE_NO_ALL] = { AUDIT_WARNING, "no-all", "RFC 7208 section 4.7",
	    "the record ends without \"all\" or redirect=, which means "
	    "\"?all\"",
	    "End the record with \"-all\" or \"~all\"." },
	[SPF_RULE_AFTER_ALL] = { AUDIT_WARNING, "behind-all",
	    "RFC 7208 section 5.1", "a term after \"all\" is never used",
	    "Put it before \"all\", or remove it." },
	[SPF_RULE_REDIRECT_IGNORED] = { AUDIT_WARNING, "redirect-ignored",
	    "RFC 7208 section 6.1",
	    "redirect= is ignored because the record has \"all\"",
	    "Remove one of the two." },
	[SPF_RULE_MODIFIER_FIRST] = { AUDIT_NOTE, "modifier-before-mechanism",
	    "RFC 7208 section 6", "redirect= or exp= before a mechanism",
	    "Put modifiers at the end of the record." },
	[SPF_RULE_UNKNOWN_MODIFIER] = { AUDIT_NOTE, "unknown-modifier",
	    "RFC 7208 section 6", "an unknown modifier, which is ignored",
	    "Remove it; if it is meant as a mechanism, write \":\" instead "
	    "of \"=\"." },
	[SPF_RULE_FINAL_DOT] = { AUDIT_NOTE, "final-dot",
	    "RFC 7208 section 7.3",
	    "some receivers reject a dot at the end of a domain",
	    "Remove the dot." },
	[SPF_RULE_DUPLICATE] = { AUDIT_WARNING, "duplicate",
	    "RFC 7208 section 4.6.2", "the record has this term twice",
	    "Remove one of the two." },
	[SPF_RULE_COVERED] = { AUDIT_NOTE, "covered", "RFC 7208 section 4.6.2",
	    "an earlier term already matches all addresses of this one: %v",
	    "Remove this term, or put it first if its qualifier differs." },
	[SPF_RULE_BROAD] = { AUDIT_WARNING, "broad-range",
	    "RFC 7208 section 5.6",
	    "the range is so broad that it includes hosts that belong to "
	    "others",
	    "List only the networks that send your mail." },
	[SPF_RULE_HOST_BITS] = { AUDIT_NOTE, "host-bits",
	    "RFC 7208 section 5.6",
	    "the address has bits set beyond the prefix length",
	    "Write the first address of the network." },
	[SPF_RULE_NOT_PUBLIC] = { AUDIT_NOTE, "not-public",
	    "RFC 7208 section 5.6",
	    "no client on the Internet has one of these addresses",
	    "Remove the term." },
	[SPF_RULE_EXP_NONE] = { AUDIT_NOTE, "exp-without-text",
	    "RFC 7208 section 6.2",
	    "exp= is ignored: the name does not have exactly one TXT record: "
	    "%v",
	    "Publish the text, or remove exp=." },
	[SPF_RULE_EXP_TEXT] = { AUDIT_NOTE, "exp-syntax",
	    "RFC 7208 section 6.2", "the text of exp= is not valid: %v",
	    "Write \"%%\" for a percent sign, and use only ASCII." },
};

void
spf_lint_add(struct spf_linting *l, const struct spf_lint_frame *f,
    enum spf_rule rule, struct span term, struct span value)
{
	const struct audit_about about = {
		.where = f->domain,
		.term = term,
		.value = value,
	};

	if (f->is_first && !l->waiting)
		audit_findings_add(&l->out->findings, &rules[rule], &about);
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
