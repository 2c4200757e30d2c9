/*
 * services.c - services and their DKIM selectors.  Sources:
 * globalcyberalliance/domain-security-scanner (2026-02),
 * projectdiscovery/nuclei-templates, ryancdotorg/dkimscan (2018), and the setup
 * pages of the services.  Amazon SES and Postmark use random or dated
 * selectors, which cannot be guessed.
 */
#include "audit/domain/services.h"

#include "lib/domain.h"
#include "lib/enum_names.h"

static const struct audit_service services[] = {
	{ "_spf.google.com", "Google Workspace", { "google" }, NULL, NULL },
	{ "spf.protection.outlook.com", "Microsoft 365",
	    { "selector1", "selector2" }, NULL, NULL },
	{ "servers.mcsv.net", "Mailchimp", { "k1", "k2", "k3" }, NULL, NULL },
	{ "spf.mandrillapp.com", "Mandrill", { "mandrill" }, NULL, NULL },
	{ "sendgrid.net", "SendGrid", { "s1", "s2", "smtpapi" }, NULL, NULL },
	{ "mailgun.org", "Mailgun", { "k1", "mg", "pic", "mailo" }, NULL,
	    NULL },
	{ "amazonses.com", "Amazon SES", { NULL }, NULL, NULL },
	{ "spf.mtasv.net", "Postmark", { NULL }, NULL, NULL },
	{ "spf.messagingengine.com", "Fastmail", { "fm1", "fm2", "fm3" }, NULL,
	    NULL },
	{ "_spf.protonmail.ch", "Proton",
	    { "protonmail", "protonmail2", "protonmail3" }, NULL, NULL },
	{ "zoho.com", "Zoho", { "zoho", "zmail" }, NULL, NULL },
	{ "zoho.eu", "Zoho", { "zoho", "zmail" }, NULL, NULL },
	{ "spf.brevo.com", "Brevo", { "mail", "brevo1", "brevo2" }, NULL,
	    NULL },
	{ "spf.sendinblue.com", "Brevo", { "mail", "brevo1", "brevo2" }, NULL,
	    NULL },
	{ "mailbox.org", "mailbox.org",
	    { "MBO0001", "MBO0002", "MBO0003", "MBO0004" }, NULL, NULL },
	{ "icloud.com", "iCloud", { "sig1" }, NULL, NULL },
	{ "mail.zendesk.com", "Zendesk", { "zendesk1", "zendesk2" }, NULL,
	    NULL },
	{ "spf.constantcontact.com", "Constant Contact", { "ctct1", "ctct2" },
	    NULL, NULL },
	{ "_spf.mlsend.com", "MailerLite", { "litesrv" }, NULL, NULL },
	{ "spf.mailjet.com", "Mailjet", { "mailjet" }, NULL, NULL },
	{ "_spf.perfora.net", "IONOS", { "s1-ionos", "s2-ionos" }, NULL, NULL },
	{ "spf.titan.email", "Titan", { "titan1", "titan2" }, NULL, NULL },
	{ "_spf.mx.cloudflare.net", "Cloudflare", { "cf2024-1" }, NULL, NULL },
	/* MailChannels calls this Domain Lockdown */
	{ "relay.mailchannels.net", "MailChannels", { "mailchannels" },
	    "_mailchannels", "v=mc1" },
};

const char *const audit_known_selectors[] = { "google", "selector1",
	"selector2", "default", "dkim", "mail", "email", "k1", "k2", "k3", "s1",
	"s2", "smtpapi", "mandrill", "x", "mxvault", "everlytickey1",
	"everlytickey2", "ctct1", "ctct2", "sm", "sig1", "litesrv", "zendesk1",
	"zendesk2", "20161025", "20210112", "20230601",
	"selector1-azurecomm-prod-net", "mbo0001", "mbo0002", "mbo0003",
	"mbo0004", "mailjet", "sailthru", "responsys", "mesmtp", "pm", "cm",
	"dk", "m1", "mx", "key1", "dkim1", "main", "postfix", "smtp", "mta",
	"pic", "krs", "mailo", "mg", "fm1", "fm2", "fm3", "protonmail",
	"protonmail2", "protonmail3", "zoho", "zmail", "kl", "kl2", "hs1",
	"hs2", "pm-bounces", "titan1", "titan2", "s1-ionos", "s2-ionos",
	"brevo1", "brevo2", "cf2024-1", "modoboa", NULL };

const struct audit_service *
audit_service_find(struct span include)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (domain_is_under(include, span_str(services[i].include)))
			return &services[i];
	return NULL;
}
