#include "cli/import_internal.h"

#include <inttypes.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/ip.h"
#include "lib/scan.h"

/* A network with a shorter prefix is too large to belong to one site. */
enum { WIDEST_V4 = 8, WIDEST_V6 = 16 };

/* ---- types of values ---- */

/* Looks only at the first byte, as the other programs do. */
static bool
is_true(struct span value)
{
	return value.n > 0 && strchr("TtYy1", value.p[0]) != NULL;
}

static void
set_quoted(struct import *im, const struct import_entry *e, const char *section,
    const char *name, struct span text)
{
	char value[1200];
	struct buf b = buf_wrap(value, sizeof(value));

	import_put_quoted(&b, text);
	if (b.full)
		import_note(im, e, IMPORT_CHANGES, "it is too long");
	else
		import_set(im, e, section, name, value);
}

static void
set_seconds(struct import *im, const struct import_entry *e,
    const char *section, const char *name)
{
	struct scan s = scan_of(e->value);
	char value[32];
	struct buf b = buf_wrap(value, sizeof(value));
	uint64_t n;

	if (!scan_number(&s, UINT32_MAX, &n) || !scan_done(&s)) {
		import_note(
		    im, e, IMPORT_CHANGES, "it is not a number of seconds");
		return;
	}
	buf_number(&b, n);
	buf_byte(&b, 's');
	import_set(im, e, section, name, value);
}

static void
add_network(struct import *im, const struct import_entry *e, const char *name,
    struct span element)
{
	char text[IP_TEXT_MAX + sizeof("/128")];
	struct buf b = buf_wrap(text, sizeof(text));
	struct span address = element;
	struct ip_net net;

	if (span_starts_nocase(element, "!")) {
		import_note(im, e, IMPORT_TODO,
		    "%.*s is excluded there; %s has no exceptions, so list the "
		    "networks around it instead",
		    SPAN_FMT(span_first(element, 100)), name);
		return;
	}
	if (address.n > 2 && address.p[0] == '[' &&
	    address.p[address.n - 1] == ']')
		address = span_skip(span_first(address, address.n - 1), 1);
	switch (ip_net_parse(address, &net)) {
	case IP_NET_OK:
	case IP_NET_HOST_BITS: /* the other programs ignore host bits too */
		break;
	case IP_NET_NO_ADDRESS:
	case IP_NET_NO_PREFIX:
		if (span_is_nocase(element, "localhost"))
			return; /* our list contains it by default */
		import_note(im, e, IMPORT_CHANGES,
		    "%.*s: only addresses and networks can be listed in %s",
		    SPAN_FMT(span_first(element, 100)), name);
		return;
	}
	if (net.bits < (net.ip.family == IP_V4 ? WIDEST_V4 : WIDEST_V6)) {
		import_note(im, e, IMPORT_CHANGES,
		    "%.*s: this network is too large to be listed",
		    SPAN_FMT(span_first(element, 100)));
		return;
	}
	ip_put(&b, &net.ip);
	buf_byte(&b, '/');
	buf_number(&b, net.bits);
	import_list(im, e, "", name, buf_view(&b));
}

static void
add_networks(struct import *im, const struct import_entry *e, const char *name)
{
	struct span element;
	struct scan s;
	bool is_file;

	if (!import_list_open(im, e, &s, &is_file))
		return;
	while (import_list_next(&s, is_file, &element))
		add_network(im, e, name, element);
}

static void
add_domains(struct import *im, const struct import_entry *e,
    const char *section, const char *name)
{
	struct span element;
	struct scan s;
	bool is_file;

	if (!import_list_open(im, e, &s, &is_file))
		return;
	while (import_list_next(&s, is_file, &element))
		import_list(im, e, section, name, element);
}

/* ---- options of several programs ---- */

static void
to_authserv_id(struct import *im, const struct import_entry *e)
{
	if (span_is_nocase(e->value, "HOSTNAME") ||
	    span_is_nocase(e->value, "HEADER"))
		import_note(
		    im, e, IMPORT_MOOT, "the MTA's name is the default");
	else
		set_quoted(im, e, "", "authserv_id", e->value);
}

static void
to_log(struct import *im, const struct import_entry *e)
{
	if (is_true(e->value))
		import_set(im, e, "", "log_target", "syslog");
	else
		import_note(im, e, IMPORT_CHANGES,
		    "messages are logged; to turn that off, write log = none");
}

static void
to_facility(struct import *im, const struct import_entry *e)
{
	if (!span_is_nocase(e->value, "mail"))
		import_note(
		    im, e, IMPORT_CHANGES, "the facility is always mail");
}

static void
to_skip_networks(struct import *im, const struct import_entry *e)
{
	add_networks(im, e, "skip_networks");
}

/* ---- opendkim ---- */

static void
to_min_rsa_bits(struct import *im, const struct import_entry *e)
{
	char value[32];
	struct buf b = buf_wrap(value, sizeof(value));

	buf_printable(&b, e->value, sizeof(value) - 1);
	if (!span_all(e->value, ascii_is_digit) || e->value.n == 0)
		import_note(im, e, IMPORT_CHANGES, "it is not a number");
	else
		import_set(im, e, "dkim", "min_rsa_bits", value);
}

static void
to_nameservers(struct import *im, const struct import_entry *e)
{
	struct scan s = scan_of(e->value);
	char value[400];
	struct buf b = buf_wrap(value, sizeof(value));
	struct span element;

	buf_byte(&b, '{');
	while (import_list_next(&s, false, &element)) {
		buf_text(&b, b.n > 1 ? ", " : "");
		import_put_quoted(&b, element);
	}
	buf_byte(&b, '}');
	if (b.full)
		import_note(im, e, IMPORT_CHANGES, "it is too long");
	else
		import_set(im, e, "", "nameservers", value);
}

/* The actions of the other programs have the same names as ours, except for
 * "discard". */
static void
to_dkim_temperror(struct import *im, const struct import_entry *e)
{
	static const struct {
		char first;
		const char *ours;
	} actions[] = { { 'a', "accept" }, { 'q', "quarantine" },
		{ 'r', "reject" }, { 't', "tempfail" } };
	unsigned char first = 0;

	if (e->value.n > 0)
		first = ascii_lower((unsigned char)e->value.p[0]);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if ((unsigned char)actions[i].first == first) {
			import_set(
			    im, e, "dkim", "on_temperror", actions[i].ours);
			return;
		}
	}
	import_note(im, e, IMPORT_CHANGES,
	    "mail is never silently discarded; use quarantine or "
	    "reject");
}

/* In opendkim, On-Default sets all other actions that are not set. */
static void
to_on_default(struct import *im, const struct import_entry *e)
{
	if (import_entry_find(e->file, "On-DNSError") == NULL)
		to_dkim_temperror(im, e);
	import_note(im, e, IMPORT_CHANGES,
	    "each outcome has its own option; see sections spf, dkim and "
	    "dmarc");
}

/* An action, or for Quarantine a Boolean value. */
static void
to_nothing_but_accept(struct import *im, const struct import_entry *e)
{
	if (e->value.n > 0 &&
	    strchr("anf0", ascii_lower((unsigned char)e->value.p[0])) != NULL)
		return; /* avouch does the same */
	import_note(im, e, IMPORT_CHANGES,
	    "a message with a bad or missing signature is not treated worse "
	    "(RFC 6376 section 6.1); DMARC decides: see section dmarc");
}

static bool
has_key(const struct import_file *file)
{
	return import_entry_find(file, "KeyFile") != NULL ||
	    import_entry_find(file, "KeyTable") != NULL;
}

static void
to_mode(struct import *im, const struct import_entry *e)
{
	if (span_has(e->value, 's') && has_key(e->file))
		import_note(im, e, IMPORT_TODO,
		    "opendkim keeps signing: leave its socket in "
		    "smtpd_milters and non_smtpd_milters.  When mode is "
		    "enforce, write \"Mode s\", so that it no longer "
		    "verifies; or let avouch sign, see `avouch key import`");
	else
		import_note(im, e, IMPORT_TODO,
		    "it does not sign: when mode is enforce, remove its socket "
		    "from smtpd_milters and non_smtpd_milters, and stop "
		    "opendkim");
}

/* ---- opendmarc ---- */

static void
to_on_reject(struct import *im, const struct import_entry *e)
{
	bool reject = is_true(e->value);

	import_set(im, e, "dmarc", "on_reject", reject ? "reject" : "accept");
	if (reject)
		import_set(im, e, "dmarc", "on_temperror", "tempfail");
	else
		import_note(im, e, IMPORT_TODO,
		    "nothing is refused because of DMARC, even if mode is "
		    "enforce, except for an invalid From field "
		    "(on_invalid_from): set dmarc { on_reject = reject } to "
		    "refuse mail that its domain wants refused");
}

static void
to_on_quarantine(struct import *im, const struct import_entry *e)
{
	import_set(im, e, "dmarc", "on_quarantine",
	    is_true(e->value) ? "quarantine" : "accept");
}

static void
to_skip_authenticated(struct import *im, const struct import_entry *e)
{
	if (is_true(e->value))
		import_set(im, e, "", "skip_authenticated", "yes");
	else
		import_note(im, e, IMPORT_CHANGES,
		    "mail of clients that logged in is not checked; see "
		    "skip_authenticated");
}

static void
to_trusted_sealers(struct import *im, const struct import_entry *e)
{
	add_domains(im, e, "arc", "trusted_sealers");
}

static void
to_reject_text(struct import *im, const struct import_entry *e)
{
	struct scan s = scan_of(e->value);
	char text[400];
	struct buf b = buf_wrap(text, sizeof(text));

	while (!scan_done(&s)) {
		buf_span(&b, scan_until(&s, '%'));
		if (!scan_byte(&s, '%'))
			break;
		if (scan_byte(&s, 's'))
			buf_text(&b, "{domain}");
		else
			buf_byte(&b, '%');
	}
	set_quoted(im, e, "reply", "reject_text", buf_view(&b));
}

static void
to_store(struct import *im, const struct import_entry *e)
{
	import_set(im, e, "report", "store", "\"/var/lib/avouch/avouch.db\"");
}

static void
to_email(struct import *im, const struct import_entry *e)
{
	if (import_entry_find(e->file, "HistoryFile") != NULL)
		set_quoted(im, e, "report", "email", e->value);
	else
		import_note(im, e, IMPORT_CHANGES,
		    "no results are stored, so no reports are sent; see store "
		    "and email in section report");
}

/* ---- policyd-spf ---- */

/* Whether TestOnly is 0, which makes policyd-spf only report results. */
static bool
is_spf_test(const struct import_entry *e)
{
	const struct import_entry *test =
	    import_entry_find(e->file, "TestOnly");

	if (test == NULL)
		test = import_entry_find(e->file, "defaultSeedOnly");
	return test != NULL && span_is(test->value, "0");
}

static void
set_spf(struct import *im, const struct import_entry *e, const char *name,
    const char *action)
{
	if (!is_spf_test(e))
		import_set(im, e, "spf", name, action);
}

static void
to_spf_test(struct import *im, const struct import_entry *e)
{
	if (span_is(e->value, "0"))
		import_set(im, e, "spf", "on_fail", "accept");
}

static void
to_spf_fail(struct import *im, const struct import_entry *e)
{
	bool no_pass = span_is_nocase(e->value, "SPF_Not_Pass");
	bool soft = no_pass || span_is_nocase(e->value, "Softfail");
	const struct import_entry *no_mail =
	    import_entry_find(e->file, "No_Mail");

	if (no_mail != NULL && is_true(no_mail->value))
		return; /* to_no_mail() */
	if (span_is_nocase(e->value, "No_Check"))
		import_note(im, e, IMPORT_CHANGES,
		    "SPF is always checked: DMARC needs it");
	if (no_pass)
		import_note(im, e, IMPORT_CHANGES,
		    "neutral is the same as none (RFC 7208 section 8.2) and "
		    "is never refused");
	if (soft)
		set_spf(im, e, "on_softfail", "reject");
	set_spf(im, e, "on_fail",
	    soft || span_is_nocase(e->value, "Fail") ? "reject" : "accept");
}

static void
to_no_mail(struct import *im, const struct import_entry *e)
{
	if (!is_true(e->value))
		return;
	import_note(im, e, IMPORT_TODO,
	    "only mail from domains whose record is \"v=spf1 -all\" was "
	    "refused; avouch cannot do that, so nothing is refused because of "
	    "SPF");
	set_spf(im, e, "on_fail", "accept");
}

static void
to_spf_permerror(struct import *im, const struct import_entry *e)
{
	set_spf(im, e, "on_permerror", is_true(e->value) ? "reject" : "accept");
}

static void
to_spf_temperror(struct import *im, const struct import_entry *e)
{
	set_spf(
	    im, e, "on_temperror", is_true(e->value) ? "tempfail" : "accept");
}

static void
to_several_authors(struct import *im, const struct import_entry *e)
{
	if (is_true(e->value))
		import_note(im, e, IMPORT_CHANGES,
		    "mail with several authors is not refused for that alone: "
		    "each author's domain is checked, and the strictest result "
		    "applies");
}

static void
to_header_type(struct import *im, const struct import_entry *e)
{
	if (span_is_nocase(e->value, "SPF"))
		import_note(im, e, IMPORT_CHANGES,
		    "no Received-SPF field is added, and those that senders "
		    "write are not removed; filters must read "
		    "Authentication-Results");
}

static void
to_trusted_forwarders(struct import *im, const struct import_entry *e)
{
	add_networks(im, e, "trusted_forwarders");
}

static void
to_timeout(struct import *im, const struct import_entry *e)
{
	set_seconds(im, e, "", "timeout");
}

/* ---- the table ---- */

#define DKIM (1U << IMPORT_OPENDKIM)
#define DMARC (1U << IMPORT_OPENDMARC)
#define POLICYD (1U << IMPORT_POLICYD_SPF)
#define MILTERS (DKIM | DMARC)
#define ALL (DKIM | DMARC | POLICYD)

#define SIGNING                                                                \
	.kind = IMPORT_MOOT,                                                   \
	.why = "this is about signing; if opendkim signs, it keeps doing so"
#define SERVICE .kind = IMPORT_MOOT, .why = "the service manager does that"
#define NEEDLESS .kind = IMPORT_MOOT, .why = "avouch always does this"
#define LOGGED                                                                 \
	.kind = IMPORT_MOOT,                                                   \
	.why = "every message gets a log line with all results"
#define BUILT_IN .kind = IMPORT_MOOT, .why = "the limit is built in"
#define MTA_DOES                                                               \
	.kind = IMPORT_CHANGES,                                                \
	.why = "checking the form of messages is up to the MTA"
#define RESOLVER                                                               \
	.kind = IMPORT_MOOT, .why = "DNSSEC is validated by the resolver"
#define SCRIPT                                                                 \
	.kind = IMPORT_CHANGES,                                                \
	.why = "avouch runs no scripts; see section override"
#define OWN_PROGRAM .kind = IMPORT_MOOT, .why = "only that program needs it"
#define OWN_SOCKET                                                             \
	.kind = IMPORT_MOOT, .why = "avouch has its own socket and user"
#define DKIM_REPORTS                                                           \
	.kind = IMPORT_CHANGES,                                                \
	.why = "reports about DKIM alone (RFC 6651) are not sent"
#define DMARC_REPORTS                                                          \
	.kind = IMPORT_CHANGES, .why = "see failure_reports in section report"
#define VBR .kind = IMPORT_CHANGES, .why = "VBR (RFC 5518) is not checked"
#define USERS_FOUND                                                            \
	.kind = IMPORT_MOOT,                                                   \
	.why = "our own users are recognized by their login or their network"
#define BY_NAME                                                                \
	.kind = IMPORT_CHANGES,                                                \
	.why = "names can be forged; list the networks in trusted_forwarders"
#define DEBUGGING                                                              \
	.kind = IMPORT_MOOT, .why = "avouch has no such option for debugging"

/* clang-format off */
const struct import_rule import_rules[] = {
	{ ALL, "AuthservID", .convert = to_authserv_id },
	{ POLICYD, "Authserv_Id", .convert = to_authserv_id },
	{ MILTERS, "AuthservIDWithJobID",
	  .kind = IMPORT_CHANGES, .why = "the id must not change, because forged fields are recognized by it" },
	{ MILTERS, "AutoRestart", SERVICE },
	{ MILTERS, "AutoRestartCount", SERVICE },
	{ MILTERS, "AutoRestartRate", SERVICE },
	{ MILTERS, "Background",
	  .kind = IMPORT_MOOT, .why = "the daemon's option -f controls that" },
	{ MILTERS, "BaseDirectory", SERVICE },
	{ MILTERS, "ChangeRootDirectory", SERVICE },
	{ MILTERS, "DNSTimeout",
	  .kind = IMPORT_MOOT, .why = "the timeout of a DNS query is derived from the option timeout" },
	{ MILTERS, "EnableCoredumps", SERVICE },
	{ MILTERS, "MilterDebug", DEBUGGING },
	{ ALL, "PidFile",
	  .kind = IMPORT_MOOT, .why = "service managers do not need one" },
	{ MILTERS, "RequiredHeaders", MTA_DOES },
	{ ALL, "Socket", OWN_SOCKET },
	{ MILTERS, "SoftwareHeader", .kind = IMPORT_MOOT, .why = "no such field is added" },
	{ MILTERS, "Syslog", .convert = to_log },
	{ MILTERS, "SyslogFacility", .convert = to_facility },
	{ ALL, "UMask", OWN_SOCKET },
	{ ALL, "UserID", OWN_SOCKET },

	{ DKIM, "AddAllSignatureResults", NEEDLESS },
	{ DKIM, "AllowSHA1Only", .kind = IMPORT_MOOT, .why = "rsa-sha1 is obsolete (RFC 8301)" },
	{ DKIM, "AlwaysAddARHeader", NEEDLESS },
	{ DKIM, "BodyLengthDB", SIGNING },
	{ DKIM, "BogusKey", RESOLVER },
	{ DKIM, "Canonicalization", SIGNING },
	{ DKIM, "CaptureUnknownErrors", DEBUGGING },
	{ DKIM, "ClockDrift",
	  .kind = IMPORT_MOOT, .why = "a signature's t= may be at most 5 minutes in the future" },
	{ DKIM, "DiagnosticDirectory", DEBUGGING },
	{ DKIM, "Diagnostics", SIGNING },
	{ DKIM, "DisableCryptoInit", OWN_PROGRAM },
	{ DKIM, "DNSConnect", OWN_PROGRAM },
	{ DKIM, "Domain", SIGNING },
	{ DKIM, "DomainKeysCompat",
	  .kind = IMPORT_MOOT, .why = "DomainKeys (RFC 4870) is obsolete" },
	{ DKIM, "DontSignMailTo", SIGNING },
	{ DKIM, "ExemptDomains",
	  .kind = IMPORT_CHANGES, .why = "anyone can put any domain in From; for one that you trust, see section override" },
	{ DKIM, "ExternalIgnoreList", SIGNING },
	{ DKIM, "FinalPolicyScript", SCRIPT },
	{ DKIM, "FixCRLF", OWN_PROGRAM },
	{ DKIM, "IdentityHeader", SIGNING },
	{ DKIM, "IdentityHeaderRemove", SIGNING },
	{ DKIM, "IgnoreMalformedMail", MTA_DOES },
	{ DKIM, "Include",
	  .kind = IMPORT_TODO, .why = "name that file too: avouch config import FILE FILE" },
	{ DKIM | POLICYD, "InternalHosts", .convert = to_skip_networks },
	{ POLICYD, "IntHosts", .convert = to_skip_networks },
	{ DKIM, "KeepAuthResults",
	  .kind = IMPORT_CHANGES, .why = "fields that claim to come from this host are always removed" },
	{ DKIM, "KeepTemporaryFiles", OWN_PROGRAM },
	{ DKIM, "KeyFile", SIGNING },
	{ DKIM, "KeyTable", SIGNING },
	{ DKIM, "LDAPAuthMechanism", OWN_PROGRAM },
	{ DKIM, "LDAPAuthName", OWN_PROGRAM },
	{ DKIM, "LDAPAuthRealm", OWN_PROGRAM },
	{ DKIM, "LDAPAuthUser", OWN_PROGRAM },
	{ DKIM, "LDAPBindPassword", OWN_PROGRAM },
	{ DKIM, "LDAPBindUser", OWN_PROGRAM },
	{ DKIM, "LDAPDisableCache", OWN_PROGRAM },
	{ DKIM, "LDAPKeepaliveIdle", OWN_PROGRAM },
	{ DKIM, "LDAPKeepaliveInterval", OWN_PROGRAM },
	{ DKIM, "LDAPKeepaliveProbes", OWN_PROGRAM },
	{ DKIM, "LDAPSoftStart", OWN_PROGRAM },
	{ DKIM, "LDAPTimeout", OWN_PROGRAM },
	{ DKIM, "LDAPUseTLS", OWN_PROGRAM },
	{ DKIM, "LogResults", LOGGED },
	{ DKIM, "LogWhy", LOGGED },
	{ DKIM | POLICYD, "MacroList", USERS_FOUND },
	{ POLICYD, "MacroListVerify", USERS_FOUND },
	{ DKIM, "MaximumHeaders", BUILT_IN },
	{ DKIM, "MaximumSignaturesToVerify",
	  .kind = IMPORT_CHANGES, .why = "at most 10 signatures of a message are verified" },
	{ DKIM, "MaximumSignedBytes", SIGNING },
	{ DKIM, "Minimum",
	  .kind = IMPORT_CHANGES, .why = "the whole body must be signed (RFC 6376 section 8.2)" },
	{ DKIM, "MinimumKeyBits", .convert = to_min_rsa_bits },
	{ DKIM, "Mode", .convert = to_mode, .standard = "sv" },
	{ DKIM, "MTA", SIGNING },
	{ DKIM, "MTACommand", DKIM_REPORTS },
	{ DKIM, "MultipleSignatures", SIGNING },
	{ DKIM, "MustBeSigned",
	  .kind = IMPORT_CHANGES, .why = "a signature does not fail because it leaves out a field" },
	{ DKIM, "Nameservers", .convert = to_nameservers },
	{ DKIM, "NoHeaderB",
	  .kind = IMPORT_MOOT, .why = "header.b identifies the signature (RFC 6008)" },
	{ DKIM, "OmitHeaders", SIGNING },
	{ DKIM, "On-BadSignature", .convert = to_nothing_but_accept },
	{ DKIM, "On-Default", .convert = to_on_default },
	{ DKIM, "On-DNSError", .convert = to_dkim_temperror, .standard = "tempfail",
	  .otherwise = "On-Default" },
	{ DKIM, "On-InternalError",
	  .kind = IMPORT_MOOT, .why = "see the option on_overload" },
	{ DKIM, "On-KeyNotFound", .convert = to_nothing_but_accept },
	{ DKIM, "On-NoSignature", .convert = to_nothing_but_accept },
	{ DKIM, "On-Security",
	  .kind = IMPORT_CHANGES, .why = "a suspect signature gets the result \"policy\" and does not count" },
	{ DKIM, "On-SignatureError", SIGNING },
	{ DKIM, "OversignHeaders", SIGNING },
	{ DKIM, "PeerList", .convert = to_skip_networks },
	{ DKIM, "POPDBFile", OWN_PROGRAM },
	{ DKIM, "Quarantine", .convert = to_nothing_but_accept },
	{ DKIM, "QueryCache", NEEDLESS },
	{ DKIM, "RedirectFailuresTo",
	  .kind = IMPORT_CHANGES, .why = "recipients are never changed" },
	{ DKIM, "RemoveARAll",
	  .kind = IMPORT_CHANGES, .why = "only fields that claim to come from this host are removed" },
	{ DKIM, "RemoveARFrom",
	  .kind = IMPORT_CHANGES, .why = "only fields that claim to come from this host are removed" },
	{ DKIM, "RemoveOldSignatures", SIGNING },
	{ DKIM, "ReplaceHeaders", SIGNING },
	{ DKIM, "ReplaceRules", SIGNING },
	{ DKIM, "ReportAddress", DKIM_REPORTS },
	{ DKIM, "ReportBccAddress", DKIM_REPORTS },
	{ DKIM, "RequestReports", SIGNING },
	{ DKIM, "RequireSafeKeys", SIGNING },
	{ DKIM, "ResignAll", SIGNING },
	{ DKIM, "ResignMailTo", SIGNING },
	{ DKIM, "ResolverConfiguration", RESOLVER },
	{ DKIM, "ResolverTracing", DEBUGGING },
	{ DKIM, "ScreenPolicyScript", SCRIPT },
	{ DKIM, "SelectCanonicalizationHeader", SIGNING },
	{ DKIM, "Selector", SIGNING },
	{ DKIM, "SenderHeaders", SIGNING },
	{ DKIM, "SenderMacro", SIGNING },
	{ DKIM, "SendReports", DKIM_REPORTS },
	{ DKIM, "SetupPolicyScript", SCRIPT },
	{ DKIM, "SignatureAlgorithm", SIGNING },
	{ DKIM, "SignatureTTL", SIGNING },
	{ DKIM, "SignHeaders", SIGNING },
	{ DKIM, "SigningTable", SIGNING },
	{ DKIM, "SMTPURI", DKIM_REPORTS },
	{ DKIM, "SingleAuthResult", NEEDLESS },
	{ DKIM, "SoftStart", OWN_PROGRAM },
	{ DKIM, "Statistics", OWN_PROGRAM },
	{ DKIM, "StatisticsName", OWN_PROGRAM },
	{ DKIM, "StatisticsPolicyScript", SCRIPT },
	{ DKIM, "StatisticsPrefix", OWN_PROGRAM },
	{ DKIM, "StrictHeaders", MTA_DOES },
	{ DKIM, "StrictTestMode", DEBUGGING },
	{ DKIM, "SubDomains", SIGNING },
	{ DKIM, "SyslogName", .kind = IMPORT_MOOT, .why = "the name is avouch-milter" },
	{ DKIM, "SyslogSuccess", LOGGED },
	{ DKIM, "TemporaryDirectory", .kind = IMPORT_MOOT, .why = "no such files are created" },
	{ DKIM, "TestDNSData",
	  .kind = IMPORT_MOOT, .why = "the option --zone of avouch does that" },
	{ DKIM, "TestPublicKeys",
	  .kind = IMPORT_MOOT, .why = "the option --zone of avouch does that" },
	{ DKIM, "TrustAnchorFile", RESOLVER },
	{ DKIM, "TrustSignaturesFrom",
	  .kind = IMPORT_MOOT, .why = "DMARC decides whose signatures count" },
	{ DKIM, "UnprotectedKey", RESOLVER },
	{ DKIM, "VBR-Certifiers", VBR },
	{ DKIM, "VBR-PurgeFields", VBR },
	{ DKIM, "VBR-TrustedCertifiers", VBR },
	{ DKIM, "VBR-TrustedCertifiersOnly", VBR },
	{ DKIM, "VBR-Type", VBR },
	{ DKIM, "WeakSyntaxChecks", OWN_PROGRAM },
	{ DKIM, "X-Header", .kind = IMPORT_MOOT, .why = "no such field is added" },

	{ DMARC, "CopyFailuresTo", .kind = IMPORT_CHANGES, .why = "recipients are never changed" },
	{ DMARC, "DomainWhitelist", .convert = to_trusted_sealers },
	{ DMARC, "DomainWhitelistFile", .convert = to_trusted_sealers },
	{ DMARC, "DomainWhitelistSize", OWN_PROGRAM },
	{ DMARC, "FailureReports", DMARC_REPORTS },
	{ DMARC, "FailureReportsBcc", DMARC_REPORTS },
	{ DMARC, "FailureReportsOnNone", DMARC_REPORTS },
	{ DMARC, "FailureReportsSentBy", .convert = to_email },
	{ DMARC, "HistoryFile", .convert = to_store },
	{ DMARC, "HoldQuarantinedMessages", .convert = to_on_quarantine,
	  .standard = "false" },
	{ DMARC, "IgnoreAuthenticatedClients", .convert = to_skip_authenticated },
	{ DMARC, "IgnoreHosts", .convert = to_skip_networks },
	{ DMARC, "IgnoreMailFrom", .kind = IMPORT_CHANGES,
	  .why = "anyone can put any domain in From; if this one signs its mail, see dkim_domain in section override" },
	{ DMARC, "IgnoreMailTo",
	  .kind = IMPORT_CHANGES, .why = "reports count messages to all recipients" },
	{ DMARC, "PublicSuffixList",
	  .kind = IMPORT_MOOT, .why = "RFC 9989 needs none: it walks the DNS tree" },
	{ DMARC, "RecordAllMessages",
	  .kind = IMPORT_CHANGES, .why = "reports are only about domains that ask for them" },
	{ DMARC, "RejectFailures", .convert = to_on_reject, .standard = "false" },
	{ DMARC, "RejectMultiValueFrom", .convert = to_several_authors },
	{ DMARC, "RejectString", .convert = to_reject_text },
	{ DMARC, "ReportCommand", DMARC_REPORTS },
	{ DMARC, "SPFIgnoreResults", NEEDLESS },
	{ DMARC, "SPFSelfValidate", NEEDLESS },
	{ DMARC, "TemporaryDirectory", .kind = IMPORT_MOOT, .why = "no such files are created" },
	{ DMARC, "TestDNSData",
	  .kind = IMPORT_MOOT, .why = "the option --zone of avouch does that" },
	{ DMARC, "TrustedAuthservIDs",
	  .kind = IMPORT_CHANGES, .why = "results found in the message are not trusted; SPF and DKIM are checked here" },

	{ POLICYD, "debugLevel", LOGGED },
	{ POLICYD, "TestOnly", .convert = to_spf_test },
	{ POLICYD, "defaultSeedOnly", .convert = to_spf_test },
	{ POLICYD, "HELO_reject",
	  .kind = IMPORT_CHANGES, .why = "the HELO result is only reported, except for the null sender, for which it is the MAIL FROM result" },
	{ POLICYD, "HELO_pass_restriction", OWN_PROGRAM },
	{ POLICYD, "Mail_From_reject", .convert = to_spf_fail, .standard = "Fail" },
	{ POLICYD, "Mail_From_pass_restriction", OWN_PROGRAM },
	{ POLICYD, "No_Mail", .convert = to_no_mail },
	{ POLICYD, "Reject_Not_Pass_Domains",
	  .kind = IMPORT_CHANGES, .why = "on_softfail applies to all domains, and neutral is never refused" },
	{ POLICYD, "PermError_reject", .convert = to_spf_permerror },
	{ POLICYD, "TempError_Defer", .convert = to_spf_temperror },
	{ POLICYD, "Prospective",
	  .kind = IMPORT_MOOT, .why = "use `avouch spf --ip ADDRESS` to test an address" },
	{ POLICYD, "skip_addresses", .convert = to_skip_networks },
	{ POLICYD, "Whitelist", .convert = to_trusted_forwarders },
	{ POLICYD, "HELO_Whitelist", BY_NAME },
	{ POLICYD, "Domain_Whitelist", BY_NAME },
	{ POLICYD, "Domain_Whitelist_PTR", BY_NAME },
	{ POLICYD, "SPF_Enhanced_Status_Codes", NEEDLESS },
	{ POLICYD, "Header_Type", .convert = to_header_type, .standard = "SPF" },
	{ POLICYD, "Hide_Receiver",
	  .kind = IMPORT_MOOT, .why = "recipients are never written into our fields" },
	{ POLICYD, "Lookup_Time", .convert = to_timeout },
	{ POLICYD, "Whitelist_Lookup_Time", OWN_PROGRAM },
	{ POLICYD, "Void_Limit",
	  .kind = IMPORT_MOOT, .why = "the limit is always 2 (RFC 7208 section 4.6.4)" },
	{ POLICYD, "Mock", OWN_PROGRAM },
	{ POLICYD, "QueueID", LOGGED },
	{ POLICYD, "Reason_Message",
	  .kind = IMPORT_CHANGES, .why = "reply texts use other placeholders; see section reply" },
	{ POLICYD, "Per_User",
	  .kind = IMPORT_CHANGES, .why = "there are no per-user settings; see section "
	         "override, recipient_domain" },
};
/* clang-format on */

const size_t import_n_rules = sizeof(import_rules) / sizeof(import_rules[0]);

const struct import_rule *
import_rule_find(enum import_program program, struct span name)
{
	for (size_t i = 0; i < import_n_rules; i++)
		if ((import_rules[i].programs & 1U << program) != 0 &&
		    span_is_nocase(name, import_rules[i].name))
			return &import_rules[i];
	return NULL;
}
