/*
 * The providers' rules as of 2026, from their own pages: Gmail's list of SMTP
 * errors (2026-02-12) and its sender guidelines (2026-03), and the sender
 * requirements of Yahoo (2026-02), Microsoft for Outlook.com (2025-08), Apple
 * for iCloud Mail (2025-02), GMX and WEB.DE (2026-05), and laposte.net (read in
 * 2026-09).  Gmail's rules are for personal accounts.  At Gmail and
 * Outlook.com, "bulk" means 5,000 messages a day.
 */
#include "audit/message/providers.h"

#include "lib/enum_names.h"

#define GMAIL "Gmail", "gmail"
#define YAHOO "Yahoo", "yahoo"
#define OUTLOOK "Outlook.com", "outlook"
#define ICLOUD "iCloud", "icloud"
#define GMX "GMX and WEB.DE", "gmx"
#define LAPOSTE "laposte.net", "laposte"
#define ANYONE "any receiver", "any"

/* clang-format off */
const struct audit_provider_rule audit_provider_rules[] = {
/* fault, provider, replies, date, bulk, advice */
{ AUDIT_FAULT_UNAUTHENTICATED, GMAIL, "550 5.7.26", "421 4.7.26", "2026-02-12", false, false },
{ AUDIT_FAULT_UNAUTHENTICATED, YAHOO, "550 5.7.9", NULL, "2026-02", false, false },
{ AUDIT_FAULT_UNAUTHENTICATED, OUTLOOK, NULL, NULL, "2025-08", false, true },
{ AUDIT_FAULT_UNAUTHENTICATED, ICLOUD, NULL, NULL, "2025-02", false, false },
{ AUDIT_FAULT_UNAUTHENTICATED, LAPOSTE, NULL, NULL, "2026-09", false, false },
{ AUDIT_FAULT_SPF_REFUSES, GMAIL, "550 5.7.26", NULL, "2026-02-12", false, false },
{ AUDIT_FAULT_SPF_REFUSES, LAPOSTE, NULL, NULL, "2026-09", false, false },
{ AUDIT_FAULT_DMARC_POLICY, GMAIL, "550 5.7.26", NULL, "2026-02-12", false, false },
{ AUDIT_FAULT_DMARC_POLICY, YAHOO, "554 5.7.9", NULL, "2026-02", false, false },
{ AUDIT_FAULT_DMARC_POLICY, OUTLOOK, "550 5.7.509", NULL, "2025-08", false, false },
{ AUDIT_FAULT_DMARC_POLICY, ICLOUD, NULL, NULL, "2025-02", false, false },
{ AUDIT_FAULT_DMARC_POLICY, GMX, "554", NULL, "2026-05", false, false },
{ AUDIT_FAULT_DMARC_POLICY, LAPOSTE, NULL, NULL, "2026-09", false, false },
{ AUDIT_FAULT_SPF, GMAIL, "550 5.7.27", "421 4.7.27", "2026-02-12", true, false },
{ AUDIT_FAULT_SPF, YAHOO, NULL, NULL, "2026-02", true, false },
{ AUDIT_FAULT_SPF, OUTLOOK, "550 5.7.515", NULL, "2025-08", true, false },
{ AUDIT_FAULT_SPF, ICLOUD, NULL, NULL, "2025-02", true, false },
{ AUDIT_FAULT_DKIM, GMAIL, "550 5.7.30", "421 4.7.30", "2026-02-12", true, false },
{ AUDIT_FAULT_DKIM, YAHOO, NULL, NULL, "2026-02", true, false },
{ AUDIT_FAULT_DKIM, OUTLOOK, "550 5.7.515", NULL, "2025-08", true, false },
{ AUDIT_FAULT_DKIM, ICLOUD, NULL, NULL, "2025-02", true, false },
{ AUDIT_FAULT_DKIM, GMX, NULL, NULL, "2026-05", false, false },
{ AUDIT_FAULT_NO_DMARC, GMAIL, "550 5.7.40", "421 4.7.40", "2026-02-12", true, false },
{ AUDIT_FAULT_NO_DMARC, YAHOO, NULL, NULL, "2026-02", true, false },
{ AUDIT_FAULT_NO_DMARC, OUTLOOK, "550 5.7.515", NULL, "2025-08", true, false },
{ AUDIT_FAULT_NO_DMARC, ICLOUD, NULL, NULL, "2025-02", true, false },
{ AUDIT_FAULT_NO_DMARC, LAPOSTE, NULL, NULL, "2026-09", true, true },
{ AUDIT_FAULT_UNALIGNED, GMAIL, "421 5.7.32", "421 4.7.32", "2026-02-12", true, false },
{ AUDIT_FAULT_UNALIGNED, YAHOO, NULL, NULL, "2026-02", true, false },
{ AUDIT_FAULT_UNALIGNED, OUTLOOK, "550 5.7.515", NULL, "2025-08", true, false },
{ AUDIT_FAULT_UNALIGNED, GMX, NULL, NULL, "2026-05", true, false },
{ AUDIT_FAULT_UNALIGNED, LAPOSTE, NULL, NULL, "2026-09", false, true },
{ AUDIT_FAULT_SMALL_KEY, GMAIL, NULL, NULL, "2026-03", false, false },
{ AUDIT_FAULT_SMALL_KEY, YAHOO, NULL, NULL, "2026-02", false, false },
{ AUDIT_FAULT_PTR, GMAIL, "550 5.7.25", "421 4.7.23", "2026-02-12", false, false },
{ AUDIT_FAULT_PTR, YAHOO, NULL, NULL, "2026-02", false, true },
{ AUDIT_FAULT_PTR, OUTLOOK, NULL, NULL, "2025-08", false, true },
{ AUDIT_FAULT_PTR, ICLOUD, NULL, NULL, "2025-02", false, true },
{ AUDIT_FAULT_PTR, GMX, NULL, NULL, "2026-05", false, false },
{ AUDIT_FAULT_PTR, LAPOSTE, NULL, NULL, "2026-09", false, true },
{ AUDIT_FAULT_PTR_GENERIC, YAHOO, NULL, NULL, "2026-02", false, true },
{ AUDIT_FAULT_PTR_GENERIC, GMX, NULL, NULL, "2026-05", false, true },
{ AUDIT_FAULT_TLS, GMAIL, "550 5.7.29", "421 4.7.29", "2026-02-12", true, false },
{ AUDIT_FAULT_FROM, GMAIL, "550 5.7.1", NULL, "2026-02-12", false, false },
{ AUDIT_FAULT_FROM, YAHOO, "554", NULL, "2025-04", false, false },
{ AUDIT_FAULT_MESSAGE_ID, GMAIL, "550 5.7.1", NULL, "2026-02-12", false, false },
{ AUDIT_FAULT_DATE, YAHOO, "554", NULL, "2025-04", false, false },
{ AUDIT_FAULT_DUPLICATE, GMAIL, "550 5.7.1", "554 5.6.0", "2026-02-12", false, false },
{ AUDIT_FAULT_DUPLICATE, YAHOO, "554", NULL, "2025-04", false, false },
{ AUDIT_FAULT_EIGHT_BIT, GMAIL, "550 5.7.1", NULL, "2026-02-12", false, false },
{ AUDIT_FAULT_UNSUBSCRIBE, GMAIL, NULL, NULL, "2026-03", true, true },
{ AUDIT_FAULT_UNSUBSCRIBE, YAHOO, NULL, NULL, "2026-02", true, true },
{ AUDIT_FAULT_UNSUBSCRIBE_UNSIGNED, GMAIL, NULL, NULL, "2026-03", true, true },
{ AUDIT_FAULT_UNSUBSCRIBE_UNSIGNED, GMX, NULL, NULL, "2026-05", true, true },
{ AUDIT_FAULT_NO_DOMAIN, YAHOO, "554", "451", "2026-02", false, false },
{ AUDIT_FAULT_NO_DOMAIN, GMAIL, "550 5.7.1", NULL, "2026-02-12", false, false },
{ AUDIT_FAULT_NULL_MX, YAHOO, "554", NULL, "2026-02", false, false },
{ AUDIT_FAULT_NO_MAIL, OUTLOOK, NULL, NULL, "2025-08", false, true },
{ AUDIT_FAULT_ENCODED_WORD, GMAIL, "550 5.7.1", NULL, "2026-02-12", false, false },
{ AUDIT_FAULT_SPF_RECORD, GMAIL, "550 5.7.24", "421 4.7.24", "2026-02-12", false, false },
{ AUDIT_FAULT_SPF_BROKEN, LAPOSTE, NULL, NULL, "2026-09", false, false },
/* occurs only in SMTP replies; no check of a message finds it */
{ AUDIT_FAULT_TEMPORARY, GMAIL, "451 4.7.26", "451 4.4.2", "2026-02-12", false, false },
/* RFC 7372, RFC 7505, RFC 7293: registered status codes */
{ AUDIT_FAULT_DKIM, ANYONE, "550 5.7.20", "550 5.7.21", "2014-09", false, false },
{ AUDIT_FAULT_UNALIGNED, ANYONE, "550 5.7.22", NULL, "2014-09", false, false },
{ AUDIT_FAULT_SPF, ANYONE, "550 5.7.23", NULL, "2014-09", false, false },
{ AUDIT_FAULT_SPF_RECORD, ANYONE, "550 5.7.24", "451 4.7.24", "2014-09", false, false },
{ AUDIT_FAULT_PTR, ANYONE, "550 5.7.25", NULL, "2014-09", false, false },
{ AUDIT_FAULT_UNAUTHENTICATED, ANYONE, "550 5.7.26", NULL, "2014-09", false, false },
{ AUDIT_FAULT_NULL_MX, ANYONE, "550 5.7.27", "556 5.1.10", "2015-06", false, false },
};
/* clang-format on */

const size_t audit_n_provider_rules = ARRAY_SIZE(audit_provider_rules);

static const struct audit_fault_text texts[] = {
	[AUDIT_FAULT_UNAUTHENTICATED] = { "unauthenticated",
	    "neither SPF nor DKIM passes",
	    "Sign the mail with DKIM, and allow the sending server in SPF." },
	[AUDIT_FAULT_SPF_REFUSES] = { "spf-refuses",
	    "SPF fails under \"-all\", and no DKIM signature passes",
	    "Allow the sending server in the SPF record, and sign with"
	    " DKIM." },
	[AUDIT_FAULT_DMARC_POLICY] = { "dmarc-policy",
	    "the message fails DMARC, and the domain in From asks receivers to"
	    " refuse or quarantine such mail",
	    "Sign with the From domain in d=, or use a MAIL FROM in that "
	    "domain that passes SPF." },
	[AUDIT_FAULT_SPF] = { "spf", "SPF does not pass",
	    "Allow the sending server in the SPF record of the MAIL FROM "
	    "domain;"
	    " for bounces, in that of its HELO name." },
	[AUDIT_FAULT_DKIM] = { "dkim", "no DKIM signature passes",
	    "Sign with DKIM; `avouch dkim` shows why a signature fails." },
	[AUDIT_FAULT_NO_DMARC] = { "no-dmarc",
	    "the domain in From has no DMARC record",
	    "Publish at least \"v=DMARC1; p=none\" with a rua= address." },
	[AUDIT_FAULT_UNALIGNED] = { "unaligned",
	    "neither the SPF domain nor the d= of a passing signature belongs"
	    " to the domain in From",
	    "Sign with the From domain in d=." },
	[AUDIT_FAULT_SMALL_KEY] = { "small-key",
	    "the DKIM key has fewer than 1024 bits",
	    "Sign with a key of 2048 bits." },
	[AUDIT_FAULT_PTR] = { "ptr",
	    "the sending server has no PTR record whose host name resolves to "
	    "its address",
	    "Ask the owner of the network for a PTR record, and publish the"
	    " address at that name." },
	[AUDIT_FAULT_TLS] = { "tls", "the message was transmitted without TLS",
	    "Enable TLS for outgoing mail on the sending server." },
	[AUDIT_FAULT_FROM] = { "from",
	    "From does not have exactly one valid address: %v",
	    "Write one From field with one address." },
	[AUDIT_FAULT_MESSAGE_ID] = { "message-id",
	    "Message-ID is missing, not valid, or present more than once",
	    "Write one Message-ID of the form <unique@host.name>." },
	[AUDIT_FAULT_DATE] = { "date",
	    "Date is missing, not valid, or far from the time of delivery",
	    "Write one Date of the form \"Sun, 22 Nov 2026 04:37:26 +0000\"." },
	[AUDIT_FAULT_DUPLICATE] = { "duplicate",
	    "a field that may appear only once appears several times: %v",
	    "Write it once (RFC 5322 section 3.6)." },
	[AUDIT_FAULT_EIGHT_BIT] = { "eight-bit",
	    "the header has bytes that are not ASCII: %v",
	    "Encode them (RFC 2047), or transmit with SMTPUTF8." },
	[AUDIT_FAULT_UNSUBSCRIBE] = { "unsubscribe",
	    "this is bulk mail without one-click unsubscribe: both"
	    " List-Unsubscribe with an https address and"
	    " List-Unsubscribe-Post are needed",
	    "Add both fields (RFC 8058)." },
	[AUDIT_FAULT_UNSUBSCRIBE_UNSIGNED] = { "unsubscribe-unsigned",
	    "no passing signature covers List-Unsubscribe and"
	    " List-Unsubscribe-Post",
	    "Add both to h= of the signature (RFC 8058 section 4)." },
	[AUDIT_FAULT_TEMPORARY] = { "temporary",
	    "the receiver was temporarily unable to determine whether the "
	    "message is authentic",
	    "Check that all name servers of the domain answer; `avouch audit"
	    " DOMAIN` queries them." },
	[AUDIT_FAULT_SPF_RECORD] = { "spf-record",
	    "the SPF record is broken, or allows nearly everyone",
	    "Run `avouch spf --lint DOMAIN`." },
	[AUDIT_FAULT_SPF_BROKEN] = { "spf-broken",
	    "the SPF record is broken: every check ends with permerror",
	    "Run `avouch spf --lint DOMAIN`." },
	[AUDIT_FAULT_PTR_GENERIC] = { "generic-ptr",
	    "the host name of the sending server is generic, like those that "
	    "networks assign to all their addresses: %v",
	    "Ask the owner of the network for a PTR record with a name of your"
	    " own." },
	[AUDIT_FAULT_NULL_MX] = { "null-mx",
	    "the sender's domain accepts no mail (null MX)",
	    "Publish an MX record, or send from another domain." },
	[AUDIT_FAULT_NO_DOMAIN] = { "no-domain",
	    "the sender's domain does not exist in the DNS: %v",
	    "Send from a domain that exists." },
	[AUDIT_FAULT_NO_MAIL] = { "no-mail",
	    "the domain in From accepts no mail: %v",
	    "Publish an MX record, so that people can reply." },
	[AUDIT_FAULT_ENCODED_WORD] = { "encoded-word",
	    "an encoded word appears where it is not allowed: %v",
	    "Encode only display names and free text (RFC 2047 section 5)." },
};

const struct audit_fault_text *
audit_fault_text(enum audit_fault fault)
{
	return &texts[fault];
}
