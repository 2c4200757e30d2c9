/*
 * rules.c - the findings that do not come from linting a single record: what is
 * wrong, why, and how to fix it.  An error means that mail is being lost or
 * that anyone can forge it; a warning means that something will fail later, or
 * that some forged mail passes; a hint is a possible improvement.
 */
#include "audit/domain/internal.h"

#include "lib/enum_names.h"

static const struct {
	const char *area;
	struct audit_rule rule;
} domain_rules[] = {
	[AUDIT_RULE_BAD_NAME] = { "domain",
	    { AUDIT_ERROR, "bad-name", "RFC 1035 section 2.3.4",
		"not a valid domain name: \"%v\"", "Check the spelling." } },
	[AUDIT_RULE_NO_DOMAIN] = { "domain",
	    { AUDIT_ERROR, "no-such-domain", "RFC 8020 section 2",
		"%d does not exist in the DNS",
		"Check the spelling, and that the registration has not"
		" expired." } },

	/* SPF */
	[AUDIT_RULE_SPF_OUTGOING] = { "spf",
	    { AUDIT_ERROR, "outgoing-not-allowed", "RFC 7208 section 2.6",
		"mail sent from %v does not pass SPF",
		"Publish a record that allows this address." } },
	[AUDIT_RULE_SPF_DANGLING] = { "spf",
	    { AUDIT_ERROR, "dangling-include", "RFC 7208 section 5.2",
		"the record includes %v, a name that does not exist: checks"
		" that reach this term end with permerror",
		"Remove the term; if it is in a provider's record, ask the"
		" provider to remove it." } },
	[AUDIT_RULE_SPF_REGISTRABLE] = { "spf",
	    { AUDIT_ERROR, "registrable-include", "RFC 7208 section 5.2",
		"the record includes %v, a domain that is not registered:"
		" anyone can register it and then send mail as %d",
		"Remove the term immediately; if it is in a provider's record,"
		" ask the provider to remove it." } },
	[AUDIT_RULE_SPF_NO_LOCK] = { "spf",
	    { AUDIT_WARNING, "no-sender-lock", "RFC 7208 section 11.4",
		"all customers of %v share the servers that the record allows,"
		" and no record says which of them may send as %d",
		"Publish the provider's domain lockdown record with the ID of "
		"your account." } },
	[AUDIT_RULE_SPF_HARD_FAIL] = { "spf",
	    { AUDIT_NOTE, "hard-fail", "RFC 9989 section 7.1",
		"with \"-all\" some receivers refuse forwarded mail before they"
		" look at its DKIM signature; DMARC already protects %d",
		"End the record with \"~all\"." } },

	/* DKIM */
	[AUDIT_RULE_DKIM_NO_RECORD] = { "dkim",
	    { AUDIT_ERROR, "no-key", "RFC 6376 section 3.6.2.1",
		"the selector has no key: signatures that use it fail",
		"Publish the public key of your signer." } },
	[AUDIT_RULE_DKIM_SEVERAL] = { "dkim",
	    { AUDIT_ERROR, "several-keys", "RFC 6376 section 3.6.2.2",
		"the selector has %v TXT records: receivers differ in which one"
		" they use",
		"Keep the record of the key that your signer uses." } },
	[AUDIT_RULE_DKIM_UNUSABLE] = { "dkim",
	    { AUDIT_ERROR, "unusable-key", "RFC 6376 section 6.1.2",
		"signatures that use this key fail: %v",
		"Publish the complete public key of your signer; if it is an "
		"RSA key of fewer than 1024 bits, make a new one of 2048 "
		"bits." } },
	[AUDIT_RULE_DKIM_REVOKED] = { "dkim",
	    { AUDIT_ERROR, "unusable-key", "RFC 6376 section 3.6.1",
		"signatures that use this key fail: the key is revoked",
		"Sign with another selector. Do not publish the revoked key"
		" again." } },
	[AUDIT_RULE_DKIM_SMALL] = { "dkim",
	    { AUDIT_WARNING, "small-key", "RFC 8301 section 3.2",
		"the RSA key has %v bits; Gmail advises 2048",
		"Make a key of 2048 bits with another selector, sign with it,"
		" then remove this one." } },
	[AUDIT_RULE_DKIM_TESTING] = { "dkim",
	    { AUDIT_WARNING, "testing-key", "RFC 6376 section 3.6.1",
		"t=y says that the domain is only testing DKIM: receivers may"
		" treat its mail as unsigned",
		"Remove t=y." } },
	[AUDIT_RULE_DKIM_OLD] = { "dkim",
	    { AUDIT_WARNING, "old-key", "RFC 6376 section 3.1",
		"the key has been in use for %v days: anyone who once copied "
		"the"
		" private key can still sign as %d",
		"Make a new key with `avouch key new %d`, and retire this"
		" one." } },
	[AUDIT_RULE_DKIM_DATED] = { "dkim",
	    { AUDIT_NOTE, "dated-selector", "RFC 6376 section 3.1",
		"the selector contains the date %v, so the key may be that old:"
		" anyone who once copied the private key can still sign as %d",
		"Make a new key with a new selector, and retire this one." } },
	[AUDIT_RULE_DKIM_NO_KEY] = { "dkim",
	    { AUDIT_WARNING, "no-key-at-all",
		"RFC 8020 section 2, Gmail 5.7.30",
		"%d has no DKIM key at all: nothing exists below _domainkey",
		"Sign all mail, and publish the public key at a selector of"
		" your choice." } },
	[AUDIT_RULE_DKIM_NONE_FOUND] = { "dkim",
	    { AUDIT_NOTE, "no-key-found", "RFC 6376 section 3.1",
		"no key was found, but selectors can have any name, so your "
		"mail may still be signed",
		"Use --selector with the s= value of a DKIM-Signature field in "
		"your mail." } },
	[AUDIT_RULE_DKIM_WILDCARD] = { "dkim",
	    { AUDIT_NOTE, "wildcard", "RFC 6376 section 3.6.2.1",
		"a wildcard answers for every selector, so keys cannot be "
		"searched for",
		"Remove the wildcard TXT record of %d, or use --selector with "
		"the s= value of a DKIM-Signature." } },

	/* DMARC */
	[AUDIT_RULE_DMARC_SPF_TEXT] = { "dmarc",
	    { AUDIT_ERROR, "spf-text", "RFC 9989 section 4.7",
		"an SPF record is published where a DMARC record belongs",
		"Publish a DMARC record there." } },
	[AUDIT_RULE_DMARC_SINCE] = { "dmarc",
	    { AUDIT_NOTE, "monitoring-since", "RFC 9989 section 5.1.7",
		"receivers have seen p=none since %v",
		"Make mail from your own servers and services pass; when only"
		" forged and forwarded mail fails, publish p=quarantine." } },
	[AUDIT_RULE_DMARC_BOUNCED] = { "dmarc",
	    { AUDIT_WARNING, "rua-bounced", "RFC 9990 section 4",
		"a report that was sent to %v bounced: other receivers' "
		"reports"
		" are probably lost too",
		"Correct the address in rua, or repair its mailbox." } },

	/* MX */
	[AUDIT_RULE_MX_NO_ADDRESS] = { "mx",
	    { AUDIT_ERROR, "no-address", "RFC 5321 section 5.1",
		"the MX host %v has no address: senders can only use the other"
		" MX hosts",
		"Publish the address of the host." } },
	[AUDIT_RULE_MX_NO_ADDRESSES] = { "mx",
	    { AUDIT_ERROR, "no-addresses", "RFC 5321 section 5.1",
		"neither the MX host %v nor any other has an address: mail to"
		" %d bounces",
		"Publish the address of the host." } },
	[AUDIT_RULE_MX_PRIVATE] = { "mx",
	    { AUDIT_ERROR, "private-address", "RFC 5321 section 5.1, RFC 6890",
		"the MX host %v has only private addresses: senders can only"
		" use the other MX hosts",
		"Publish its public address. If the resolver shows names as "
		"they are inside your network, select another one with "
		"--nameserver." } },
	[AUDIT_RULE_MX_ALL_PRIVATE] = { "mx",
	    { AUDIT_ERROR, "private-addresses",
		"RFC 5321 section 5.1, RFC 6890",
		"the MX host %v has only private addresses, and no other can"
		" be reached: mail to %d is lost",
		"Publish its public address. If the resolver shows names as "
		"they are inside your network, select another one with "
		"--nameserver." } },
	[AUDIT_RULE_MX_ALIAS] = { "mx",
	    { AUDIT_ERROR, "alias", "RFC 2181 section 10.3",
		"the MX host is an alias (CNAME) of %v: some servers do not"
		" deliver there",
		"Use the name of the host itself." } },
	[AUDIT_RULE_MX_LITERAL] = { "mx",
	    { AUDIT_ERROR, "literal", "RFC 5321 section 5.1",
		"an MX record must name a host, not an address: %v",
		"Publish the address at a host name, and use that name in "
		"the MX record." } },
	[AUDIT_RULE_MX_NULL_BESIDE] = { "mx",
	    { AUDIT_ERROR, "null-mx-beside", "RFC 7505 section 3",
		"a null MX must be the only MX record: senders differ in how "
		"they treat the combination",
		"Remove the null MX, or all others." } },
	[AUDIT_RULE_MX_NULL_SENDS] = { "mx",
	    { AUDIT_ERROR, "null-mx-sends",
		"RFC 7505 section 4.2, Yahoo 550/554",
		"%d has a null MX, but SPF lets it send: large receivers refuse"
		" mail that cannot be answered",
		"Remove the null MX; or, if %d sends no mail, publish"
		" \"v=spf1 -all\"." } },
	[AUDIT_RULE_MX_NONE] = { "mx",
	    { AUDIT_WARNING, "no-mail-host", "RFC 5321 section 5.1, Yahoo 451",
		"%d sends mail but accepts none: replies and bounces are lost,"
		" and some receivers refuse such mail",
		"Publish an MX record." } },

	/* outgoing addresses */
	[AUDIT_RULE_PTR_NONE] = { "ptr",
	    { AUDIT_ERROR, "no-ptr", "RFC 1912 section 2.1, Gmail 5.7.25",
		"the outgoing address %v has no PTR record",
		"Ask the owner of the network for one." } },
	[AUDIT_RULE_PTR_UNCONFIRMED] = { "ptr",
	    { AUDIT_ERROR, "unconfirmed-ptr",
		"RFC 8601 section 2.7.3, Gmail 5.7.25",
		"the name in the PTR record, %v, does not have this address",
		"Publish the address at that name." } },
	[AUDIT_RULE_PTR_GENERIC] = { "ptr",
	    { AUDIT_WARNING, "generic-ptr", "Yahoo and GMX: own host name",
		"the name in the PTR record, %v, is generic, like those that "
		"networks assign to all their addresses",
		"Use a name of your own." } },

	[AUDIT_RULE_PTR_HELO_NONE] = { "ptr",
	    { AUDIT_NOTE, "helo-no-spf", "RFC 7208 section 10.1.3",
		"%v has no SPF record: if the server at the outgoing address"
		" says HELO with this name, its bounces do not pass SPF",
		"Publish one for this name that allows the server's own "
		"address." } },
	[AUDIT_RULE_PTR_HELO_FAIL] = { "ptr",
	    { AUDIT_NOTE, "helo-spf-fails", "RFC 7208 section 10.1.3",
		"the SPF record of %v does not allow its own address: if the"
		" server says HELO with this name, its bounces fail SPF",
		"Change it to allow the server's own address." } },

	/* MTA-STS and TLS-RPT */
	[AUDIT_RULE_STS_ABSENT] = { "mta-sts",
	    { AUDIT_NOTE, "absent", "RFC 8461 section 3.1",
		"senders do not know that %d expects TLS: an attacker on the"
		" path can turn encryption off",
		"Consider MTA-STS: a TXT record, and a policy on a web "
		"server." } },
	[AUDIT_RULE_STS_SEVERAL] = { "mta-sts",
	    { AUDIT_ERROR, "several-records", "RFC 8461 section 3.1",
		"there is more than one MTA-STS record: senders ignore all of"
		" them",
		"Keep one." } },
	[AUDIT_RULE_STS_RECORD] = { "mta-sts",
	    { AUDIT_ERROR, "bad-record", "RFC 8461 section 3.1",
		"senders ignore the record: \"%v\"",
		"Publish v=STSv1 and an id of letters and digits." } },
	[AUDIT_RULE_STS_FETCH] = { "mta-sts",
	    { AUDIT_ERROR, "no-policy", "RFC 8461 section 3.3",
		"the policy cannot be fetched: %v",
		"Serve it at https://mta-sts.%d/.well-known/mta-sts.txt, or"
		" remove the record at _mta-sts.%d." } },
	[AUDIT_RULE_STS_POLICY] = { "mta-sts",
	    { AUDIT_ERROR, "bad-policy", "RFC 8461 section 3.2",
		"the policy is not valid: %v", "Correct the file." } },
	[AUDIT_RULE_STS_UNCOVERED] = { "mta-sts",
	    { AUDIT_ERROR, "uncovered-host", "RFC 8461 section 4.1",
		"the policy says enforce, but it does not list the MX host %v:"
		" senders do not deliver there",
		"Add \"mx: %v\" to the policy, and change id= in the _mta-sts "
		"record." } },
	[AUDIT_RULE_STS_UNCOVERED_TESTING] = { "mta-sts",
	    { AUDIT_WARNING, "uncovered-host-testing", "RFC 8461 section 4.1",
		"the policy does not list the MX host %v; with mode enforce"
		" mail to it would be lost",
		"Add \"mx: %v\" to the policy, and change id= in the _mta-sts "
		"record." } },
	[AUDIT_RULE_STS_SHORT] = { "mta-sts",
	    { AUDIT_WARNING, "short-max-age", "RFC 8461 section 3.2",
		"max_age is only %v seconds: a policy that is cached for less "
		"than a week offers little protection",
		"Write max_age: 604800 or more." } },
	[AUDIT_RULE_STS_TESTING] = { "mta-sts",
	    { AUDIT_NOTE, "testing", "RFC 8461 section 5",
		"the policy is in mode testing: senders report problems, but"
		" still deliver without TLS",
		"When the TLS reports show no errors, write mode: enforce." } },
	[AUDIT_RULE_STS_TESTING_LONG] = { "mta-sts",
	    { AUDIT_WARNING, "testing-long", "RFC 8461 section 5",
		"judging by its id, the policy has been in mode testing for %v"
		" days: it does not protect mail",
		"If the TLS reports show no errors, write mode: enforce, and"
		" change the id." } },
	[AUDIT_RULE_TLSRPT_ABSENT] = { "tls-rpt",
	    { AUDIT_NOTE, "absent", "RFC 8460 section 3",
		"%d receives no reports when TLS fails",
		"Publish an address for TLS reports." } },
	[AUDIT_RULE_TLSRPT_ABSENT_ENFORCED] = { "tls-rpt",
	    { AUDIT_WARNING, "absent-but-enforced", "RFC 8460 section 3",
		"MTA-STS or DANE makes senders hold back mail when TLS fails,"
		" and %d receives no reports about it",
		"Publish an address for TLS reports." } },
	[AUDIT_RULE_TLSRPT_SEVERAL] = { "tls-rpt",
	    { AUDIT_ERROR, "several-records", "RFC 8460 section 3",
		"there is more than one record: senders ignore all of them",
		"Keep one." } },
	[AUDIT_RULE_TLSRPT_RECORD] = { "tls-rpt",
	    { AUDIT_ERROR, "bad-record", "RFC 8460 section 3",
		"senders ignore the record: \"%v\"",
		"Publish v=TLSRPTv1, and a rua= with mailto: or https:." } },

	/* DANE and SMTP */
	[AUDIT_RULE_DANE_INSECURE] = { "dane",
	    { AUDIT_ERROR, "not-signed", "RFC 7672 section 2.2",
		"%v has TLSA records that are not signed with DNSSEC: all "
		"senders"
		" ignore them",
		"Sign the zone with DNSSEC, or remove the TLSA records." } },
	[AUDIT_RULE_DANE_BAD] = { "dane",
	    { AUDIT_ERROR, "bad-record", "RFC 6698 section 2.1",
		"not a valid TLSA record: %v", "Correct the record." } },
	[AUDIT_RULE_DANE_USAGE] = { "dane",
	    { AUDIT_WARNING, "usage", "RFC 7672 section 3.1.3",
		"mail servers ignore TLSA records with usage 0 or 1: %v",
		"Publish it with usage 3 and selector 1." } },
	[AUDIT_RULE_DANE_SELECTOR] = { "dane",
	    { AUDIT_NOTE, "selector", "RFC 7672 section 3.1.1",
		"the record is based on the whole certificate, so it breaks at "
		"each renewal: %v",
		"Publish the public key: \"3 1 1\" and its hash." } },
	[AUDIT_RULE_DANE_MISMATCH] = { "dane",
	    { AUDIT_ERROR, "mismatch", "RFC 7672 section 2.2",
		"no TLSA record of %v matches its certificate: senders that use"
		" DANE do not deliver. Was the certificate renewed?",
		"Publish a record for the new certificate." } },
	[AUDIT_RULE_SMTP_CONNECT] = { "smtp",
	    { AUDIT_WARNING, "no-connection", "RFC 5321 section 3.1",
		"the MX host does not answer: %v",
		"Open port 25 to everyone. If no host can be reached on port "
		"25 from here, this host's network blocks it." } },
	[AUDIT_RULE_SMTP_NO_TLS] = { "smtp",
	    { AUDIT_WARNING, "no-tls", "RFC 3207 section 4, Gmail 5.7.29",
		"the MX host does not offer STARTTLS: mail to it is not"
		" encrypted",
		"Enable STARTTLS on the mail server, with a certificate." } },
	[AUDIT_RULE_SMTP_CERTIFICATE] = { "smtp",
	    { AUDIT_NOTE, "certificate", "RFC 8461 section 4.2",
		"the certificate would not pass MTA-STS: %v",
		"Use a certificate for the host's name from a public "
		"certificate authority." } },
	[AUDIT_RULE_SMTP_CERTIFICATE_ENFORCED] = { "smtp",
	    { AUDIT_ERROR, "certificate", "RFC 8461 section 4.2",
		"MTA-STS is enforced, but the certificate does not pass, so"
		" senders do not deliver mail: %v",
		"Use a certificate for the host's name from a public "
		"certificate authority." } },

	[AUDIT_RULE_DNSSEC_ABSENT] = { "dnssec",
	    { AUDIT_NOTE, "not-signed", "RFC 4033 section 3",
		"%d is not signed with DNSSEC",
		"Consider signing it: DANE requires DNSSEC." } },
	[AUDIT_RULE_DNSSEC_UNKNOWN] = { "dnssec",
	    { AUDIT_NOTE, "not-validated", "RFC 4035 section 4.9.3",
		"the resolver that was used does not validate DNSSEC, so DANE "
		"and DNSSEC were not checked",
		"Select one that does with --nameserver." } },
	[AUDIT_RULE_BIMI_POLICY] = { "bimi",
	    { AUDIT_NOTE, "policy", "BIMI: DMARC must be enforced",
		"%d publishes a BIMI record, which mail clients ignore without"
		" an enforced DMARC policy",
		"Enforce DMARC first." } },
};

void
auditing_add(struct audit_domain *out, enum audit_domain_rule rule,
    struct span where, struct span value, const struct audit_change *change)
{
	const struct audit_about about = {
		.where = where,
		.domain = out->domain,
		.value = value,
		.area = domain_rules[rule].area,
		.change = change,
	};

	audit_findings_add(&out->findings, &domain_rules[rule].rule, &about);
}
