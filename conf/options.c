#include "conf/options.h"

#include <limits.h>
#include <string.h>

/* Times in seconds. */
#define DAY 86400u

static const struct enum_token modes[] = {
	{ "enforce", CONF_ENFORCE },
	{ "monitor", CONF_MONITOR },
};

static const struct enum_token sandboxes[] = {
	{ "off", CONF_SANDBOX_OFF },
	{ "basic", CONF_SANDBOX_BASIC },
	{ "full", CONF_SANDBOX_FULL },
};

static const struct enum_token formats[] = {
	{ "text", LOG_FORMAT_TEXT },
	{ "json", LOG_FORMAT_JSON },
	{ "none", LOG_FORMAT_NONE },
};

static const struct enum_token targets[] = {
	{ "syslog", LOG_TARGET_SYSLOG },
	{ "stderr", LOG_TARGET_STDERR },
};

static const struct enum_token xml_formats[] = {
	{ "broad", CONF_XML_BROAD },
	{ "strict", CONF_XML_STRICT },
};

const char *
conf_sandbox_name(enum conf_sandbox sandbox)
{
	return enum_name(sandboxes, ARRAY_SIZE(sandboxes), (int)sandbox);
}

static const struct enum_token actions[] = {
	{ "accept", CONF_ACCEPT },
	{ "annotate", CONF_ANNOTATE },
	{ "quarantine", CONF_QUARANTINE },
	{ "reject", CONF_REJECT },
	{ "tempfail", CONF_TEMPFAIL },
};

const char *
conf_action_name(enum conf_action action)
{
	return enum_name(actions, ARRAY_SIZE(actions), (int)action);
}

/* Actions for a message that could not be checked.  Permanent rejection is not
 * one of them. */
static const struct enum_token overload_actions[] = {
	{ "accept", CONF_ACCEPT },
	{ "tempfail", CONF_TEMPFAIL },
};

static const struct enum_token authors[] = {
	{ "any", CONF_AUTHOR_ANY },
	{ "envelope", CONF_AUTHOR_ENVELOPE },
	{ "login", CONF_AUTHOR_LOGIN },
};

static const struct enum_token mismatch_actions[] = {
	{ "accept", CONF_ACCEPT },
	{ "reject", CONF_REJECT },
};

static const struct enum_token oversign_presets[] = {
	{ "full", CONF_OVERSIGN_FULL },
	{ "lists", CONF_OVERSIGN_LISTS },
	{ "off", CONF_OVERSIGN_OFF },
};

static const struct enum_token guard_modes[] = {
	{ "warn", CONF_GUARD_WARN },
	{ "off", CONF_GUARD_OFF },
};

/* clang-format off */
#define AT(member) .offset = offsetof(struct conf, member)
#define COUNT(member) .count = offsetof(struct conf, member)
#define OVER(member) .offset = offsetof(struct conf_override, member)
#define OVER_COUNT(member) .count = offsetof(struct conf_override, member)
#define ONE_OF(names) .choices = (names), .n_choices = ARRAY_SIZE(names)

const struct conf_option conf_options[] = {
{ "", "socket", CONF_SOCKET, "unix:/run/avouch/avouch.sock", AT(socket),
  .help = "Socket on which the MTA reaches the milter." },
{ "", "socket_mode", CONF_OCTAL, "0660", .max = 0777, AT(socket_mode),
  .help = "Permissions of a unix socket." },
{ "", "socket_group", CONF_TEXT, "", AT(socket_group),
  .help = "Name of the group that a unix socket belongs to." },
{ "", "user", CONF_TEXT, "", AT(user),
  .help = "User that the daemon switches to if it is started as root." },
{ "", "sandbox", CONF_CHOICE, "basic", ONE_OF(sandboxes), AT(sandbox),
  .help = "Restrictions on the daemon once it runs." },
{ "", "authserv_id", CONF_HOST, "", AT(authserv_id),
  .help = "Name of this mail system in our Authentication-Results fields." },
{ "", "log", CONF_CHOICE, "text", ONE_OF(formats), AT(log),
  .help = "Format of the log line that each message gets." },
{ "", "log_target", CONF_CHOICE, "syslog", ONE_OF(targets), AT(log_target),
  .help = "Destination of log lines." },
{ "", "nameservers", CONF_SERVERS, "{}", AT(dns.servers),
  COUNT(dns.n_servers),
  .help = "Recursive resolvers to use instead of those in /etc/resolv.conf." },
{ "", "mode", CONF_CHOICE, "monitor", ONE_OF(modes), AT(mode),
  .help = "Carry out decisions, or only report them." },
{ "", "sample", CONF_PERCENT, "100%", .max = 1000, AT(sample),
  .help = "Share of domains for which decisions are carried out." },
{ "", "skip_networks", CONF_NETWORKS, "{\"127.0.0.0/8\", \"::1/128\"}",
  AT(skip_networks), COUNT(n_skip_networks),
  .help = "Clients whose mail is our own and is not checked." },
{ "", "skip_authenticated", CONF_BOOL, "true", AT(skip_authenticated),
  .help = "Do not check mail from clients that logged in." },
{ "", "auth_login", CONF_BOOL, "false", AT(auth_login),
  .help = "Include the client's login in Authentication-Results." },
{ "", "trusted_mtas", CONF_MTAS, "{}", AT(trusted_mtas), COUNT(n_trusted_mtas),
  .help = "Our own MTAs that pass on mail that already has our results." },
{ "", "trusted_forwarders", CONF_NETWORKS, "{}", AT(trusted_forwarders),
  COUNT(n_trusted_forwarders),
  .help = "Clients that forward mail to us on behalf of our users." },
{ "", "on_overload", CONF_CHOICE, "tempfail", ONE_OF(overload_actions),
  AT(on_overload),
  .help = "Action if this host lacks the resources to check a message." },
{ "", "timeout", CONF_MILLISECONDS, "15s", .min = 1000, .max = 120000,
  AT(timeout_ms),
  .help = "Longest time that a message waits for DNS." },

{ "cache", "size", CONF_SIZE, "16M", .min = 1 << 20, .max = (size_t)1 << 34,
  AT(cache.bytes),
  .help = "Memory for DNS answers." },

{ "spf", "on_fail", CONF_CHOICE, "annotate", ONE_OF(actions), AT(spf.on_fail),
  .help = "Action if the SPF result is fail." },
{ "spf", "on_softfail", CONF_CHOICE, "accept", ONE_OF(actions),
  AT(spf.on_softfail),
  .help = "Action if the SPF result is softfail." },
{ "spf", "on_temperror", CONF_CHOICE, "accept", ONE_OF(actions),
  AT(spf.on_temperror),
  .help = "Action if SPF cannot be checked at the moment." },
{ "spf", "on_permerror", CONF_CHOICE, "accept", ONE_OF(actions),
  AT(spf.on_permerror),
  .help = "Action if the domain's SPF record is broken." },

{ "dkim", "on_temperror", CONF_CHOICE, "accept", ONE_OF(actions),
  AT(dkim_actions.on_temperror),
  .help = "Action if no signature passes and a key cannot be fetched at "
	"the moment." },
{ "dkim", "min_rsa_bits", CONF_NUMBER, "1024", .min = 1024, .max = 4096,
  AT(dkim.min_rsa_bits),
  .help = "Shortest RSA key that is accepted." },

{ "arc", "trusted_sealers", CONF_DOMAINS, "{}", AT(arc.trusted_sealers),
  .help = "Domains whose ARC seals are trusted." },

{ "dmarc", "on_reject", CONF_CHOICE, "reject", ONE_OF(actions),
  AT(dmarc.on_reject),
  .help = "Action if DMARC fails and the policy is reject." },
{ "dmarc", "on_quarantine", CONF_CHOICE, "annotate", ONE_OF(actions),
  AT(dmarc.on_quarantine),
  .help = "Action if DMARC fails and the policy is quarantine." },
{ "dmarc", "on_temperror", CONF_CHOICE, "accept", ONE_OF(actions),
  AT(dmarc.on_temperror),
  .help = "Action if DMARC cannot be checked at the moment." },
{ "dmarc", "on_invalid_from", CONF_CHOICE, "reject", ONE_OF(actions),
  AT(dmarc.on_invalid_from),
  .help = "Action if the From field is missing or invalid." },
{ "dmarc", "indirect_as_quarantine", CONF_BOOL, "true",
  AT(dmarc.indirect_as_quarantine),
  .help = "Quarantine forwarded and list mail if the policy is reject." },

{ "unauthenticated", "action", CONF_CHOICE, "accept", ONE_OF(actions),
  AT(unauthenticated.action),
  .help = "Action if neither SPF nor DKIM passes and no DMARC policy "
	"applies." },

{ "reply", "reject_text", CONF_TEMPLATE, "", AT(reply.reject_text),
  .help = "Rejection text to use instead of the built-in texts." },
{ "reply", "url", CONF_URL, "", AT(reply.url),
  .help = "Link to an explanation, added to the rejection text." },

{ "report", "store", CONF_STORE, "", AT(report.store),
  .help = "Database of results, from which reports are made." },
{ "report", "local_store", CONF_PATH, "/var/lib/avouch/avouch.db",
  AT(report.local_store),
  .help = "Database for this host alone if store is shared by several hosts." },
{ "report", "retention", CONF_SECONDS, "400d", .min = DAY, .max = 3650 * DAY,
  AT(report.retention),
  .help = "Time for which results are kept." },
{ "report", "replay_retention", CONF_SECONDS, "14d", .min = DAY,
  .max = 400 * DAY, AT(report.replay_retention),
  .help = "Time for which messages can be replayed with another configuration." },
{ "report", "max_store", CONF_SIZE, "2G", .min = 1 << 20,
  .max = (size_t)1 << 40, AT(report.max_store),
  .help = "Maximum size of this host's store." },
{ "report", "min_free", CONF_PERCENT, "5%", .max = 1000, AT(report.min_free),
  .help = "Share of the store's file system that is kept free." },
{ "report", "org_name", CONF_TEXT, "", AT(report.org_name),
  .help = "Name of the organization that reports come from." },
{ "report", "email", CONF_ADDRESS, "", AT(report.email),
  .help = "Address that reports come from." },
{ "report", "xml_format", CONF_CHOICE, "broad", ONE_OF(xml_formats),
  AT(report.xml_format),
  .help = "Variant of the XML format of aggregate reports." },
{ "report", "sendmail", CONF_PATH, "/usr/sbin/sendmail",
  AT(report.sendmail),
  .help = "Program that sends the reports." },
{ "report", "failure_reports", CONF_BOOL, "false",
  AT(report.failure_reports),
  .help = "Send reports about individual failed messages to domains that "
	"request them." },
{ "report", "failure_headers", CONF_FIELDS,
  "{\"From\", \"Date\", \"Message-ID\", \"DKIM-Signature\"}",
  AT(report.failure_headers),
  .help = "Header fields of a message that a failure report includes." },
{ "report", "failure_domains", CONF_PATTERNS, "{}",
  AT(report.failure_domains),
  .help = "Author domains that get failure reports, instead of all that "
	"request them." },

{ "sign", "socket", CONF_SOCKET, "", AT(sign.socket),
  .help = "Socket of the signer; all mail that arrives on it is our own." },
{ "sign", "author", CONF_CHOICE, "any", ONE_OF(authors), AT(sign.author),
  .help = "From addresses that are allowed for a client that logged in." },
{ "sign", "senders", CONF_PATH, "", AT(sign.senders),
  .help = "File of addresses and the logins that may use them." },
{ "sign", "on_author_mismatch", CONF_CHOICE, "accept",
  ONE_OF(mismatch_actions), AT(sign.on_author_mismatch),
  .help = "Action on mail if its login is not allowed to use the author's "
	"address." },
{ "sign", "lists", CONF_BOOL, "false", AT(sign.lists),
  .help = "Sign list mail from other authors with the list's domain." },
{ "sign", "oversign", CONF_CHOICE, "full", ONE_OF(oversign_presets),
  AT(sign.oversign),
  .help = "Header fields that a signature prevents others from adding." },
{ "sign", "omit", CONF_FIELDS, "{}", AT(sign.omit),
  .help = "Header fields that are not signed, because a relay rewrites them." },
{ "sign", "expire", CONF_SECONDS, "0s", .max = 365 * DAY, AT(sign.expire),
  .help = "Time after which a signature expires (x=)." },
{ "sign", "short_expire", CONF_BOOL, "false", AT(sign.short_expire),
  .help = "Allow expire to be shorter than the time that mail may wait "
	"in queues." },
{ "sign", "guard", CONF_CHOICE, "warn", ONE_OF(guard_modes), AT(sign.guard),
  .help = "Warn about problems that receivers will see in our mail." },
{ "sign", "outgoing", CONF_NETWORKS, "{}", AT(sign.outgoing),
  COUNT(sign.n_outgoing),
  .help = "Addresses that send our mail; guard checks that they pass SPF." },
{ "sign", "keys", CONF_PATH, "/var/lib/avouch/keys", AT(sign.keys),
  .help = "Directory of the private keys that sign outgoing mail." },
{ "sign", "publish", CONF_PATH, "", AT(sign.publish),
  .help = "Program that changes the records of our keys in DNS." },

{ "metrics", "listen", CONF_SOCKET_LOCAL, "", AT(metrics.listen),
  .help = "Address that serves metrics in Prometheus' text format." },

{ "override", "from_domain", CONF_PATTERNS, "{}", OVER(from_domain),
  .help = "Domain of the From field." },
{ "override", "mail_from_domain", CONF_PATTERNS, "{}", OVER(mail_from_domain),
  .help = "Domain of MAIL FROM; <> is the null sender." },
{ "override", "dkim_domain", CONF_PATTERNS, "{}", OVER(dkim_domain),
  .help = "Domain of a DKIM signature that passes." },
{ "override", "client", CONF_NETWORKS, "{}", OVER(client),
  OVER_COUNT(n_client),
  .help = "Network of the client." },
{ "override", "recipient_domain", CONF_PATTERNS, "{}", OVER(recipient_domain),
  .help = "Domain of a recipient." },
{ "override", "list_id", CONF_PATTERNS, "{}", OVER(list_id),
  .help = "Identifier of a mailing list (List-Id)." },
{ "override", "action", CONF_CHOICE, "", ONE_OF(actions), OVER(action),
  .help = "Action on a message that meets all conditions." },
{ "override", "reason", CONF_TEXT, "", OVER(reason),
  .help = "Reason to show in the log and the header field." },
{ "override", "expires", CONF_DATE, "", OVER(expires),
  .help = "Last day on which the section applies." },
};
/* clang-format on */

const size_t conf_n_options = ARRAY_SIZE(conf_options);

const struct conf_option *
conf_option_find(const char *section, const char *name)
{
	for (size_t i = 0; i < conf_n_options; i++)
		if (strcmp(conf_options[i].section, section) == 0 &&
		    strcmp(conf_options[i].name, name) == 0)
			return &conf_options[i];
	return NULL;
}

bool
conf_type_is_list(enum conf_type type)
{
	return type >= CONF_NETWORKS;
}
