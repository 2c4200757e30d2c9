/*
 * conf_errors_test.c - what is wrong in a configuration file: the line and the
 * text of each error and warning, and the limits.
 */
#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/conf_text.h"
#include "conf/errors.h"
#include "conf/parse.h"
#include "conf/options.h"

struct error_vector {
	const char *text;
	const char *want; /* all errors, a line each */
};

static void
expect_errors(const char *text, const char *want)
{
	char *errors;
	const struct conf *c = conf_text_read(text, &errors);

	if (strcmp(errors, want) != 0)
		fail_msg("%s\ngot:\n%swant:\n%s", text, errors, want);
	if (c != NULL)
		fail_msg("%s: is valid", text);
	free(errors);
}

static void
expect_each(const struct error_vector *v, size_t n)
{
	for (; n > 0; n--, v++)
		expect_errors(v->text, v->want);
}

/* ---- options that depend on each other ---- */

static void
options_of_signing(void **state)
{
	static const struct error_vector vectors[] = {
		{ .text = "socket = \"\"",
		    .want = "f:1: socket: is empty; set it, or sign.socket, or "
			    "both\n" },
		{ .text = "socket = unix:/a\nsign {\nsocket = unix:/a\n}",
		    .want = "f:3: sign.socket: is the same as socket; mail on "
			    "the one is verified, on the other it is signed, "
			    "so they must differ\n" },
		{ .text = "sign { expire = 5d }",
		    .want = "f:1: sign.expire: is less than 6d: mail that "
			    "waits in a queue would arrive with an expired "
			    "signature; if you want that, set short_expire = "
			    "true\n" },
		{ .text = "sign { omit = {date, FROM} }",
		    .want = "f:1: sign.omit: From must be signed (RFC 6376 "
			    "section 5.4)\n" },
		{ .text = "sign { on_author_mismatch = reject }",
		    .want = "f:1: sign.on_author_mismatch: needs author = "
			    "envelope or author = login\n" },
		{ .text = "sign { outgoing = {192.0.2.1, 2001:db8::/32} }",
		    .want = "f:1: sign.outgoing: takes single addresses, not "
			    "networks\n" },
	};

	(void)state;
	expect_each(vectors, ARRAY_SIZE(vectors));
}

static void
options_of_signing_that_go_together(void **state)
{
	static const char *const texts[] = {
		"socket = \"\"\nsign { socket = unix:/a }",
		"sign { socket = unix:/a }",
		"sign { expire = 6d }",
		"sign { expire = 1h short_expire = true }",
		"sign { author = login on_author_mismatch = reject }",
		"sign { outgoing = {192.0.2.1, 2001:db8::1} }",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		conf_unref(conf_text_good(texts[i]));
}

/* ---- names ---- */

static void
unknown_names(void **state)
{
	static const struct error_vector vectors[] = {
		{ "sockt = x",
		    "f:1: sockt: unknown name; did you mean socket?\n" },
		{ "zzz = x", "f:1: zzz: unknown name; see avouch.conf(5)\n" },
		{ "on_reject = reject",
		    "f:1: on_reject: belongs in section dmarc\n" },
		{ "spf { mode = monitor }",
		    "f:1: spf.mode: belongs before all sections\n" },
		{ "spf { on_fial = reject }",
		    "f:1: spf.on_fial: unknown name; did you mean on_fail?\n" },
		{ "\ndmrac {\non_reject = reject\nfoo = { a, b }\n}\nx1 = {}",
		    "f:2: dmrac: unknown name; did you mean dmarc?\n"
		    "f:6: x1: unknown name; see avouch.conf(5)\n" },
		{ "overide \"x\" {\nq = 1\n}\noverride \"y\" { acton = accept\n"
		  "client = 10.0.0.0/8 }",
		    "f:1: overide: unknown name; did you mean override?\n"
		    "f:4: override.acton: unknown name; did you mean action?\n"
		    "f:4: override \"y\": has no action; add one, such as "
		    "action = accept\n" },
		{ "this_name_is_much_longer_than_any_of_ours_and_near_none = 1",
		    "f:1: this_name_is_much_longer_than_any_of_ours_and_near_"
		    "none: unknown name; see avouch.conf(5)\n" },
		{ "a = 1\nb = 2\nmode = x\nd = { 4, 5 }\ne += 6",
		    "f:1: a: unknown name; see avouch.conf(5)\n"
		    "f:2: b: unknown name; see avouch.conf(5)\n"
		    "f:3: mode: \"x\" is not valid; use enforce or monitor\n"
		    "f:4: d: unknown name; see avouch.conf(5)\n"
		    "f:5: e: unknown name; see avouch.conf(5)\n" },
		{ "\"\" = x", "f:1: : unknown name; see avouch.conf(5)\n" },
		{ "spf|on_fail = reject",
		    "f:1: spf|on_fail: unknown name; see avouch.conf(5)\n" },
		{ "foo { foo { a = b } }",
		    "f:1: foo: unknown name; see avouch.conf(5)\n" },
		{ "\xc3\xbc = 1",
		    "f:1: ??: unknown name; see avouch.conf(5)\n" },
	};
	(void)state;
	expect_each(vectors, ARRAY_SIZE(vectors));
}

/* ---- values ---- */

static void
wrong_values(void **state)
{
	static const struct error_vector vectors[] = {
		{ "mode = on",
		    "mode: \"on\" is not valid; use enforce or monitor" },
		{ "log = xml",
		    "log: \"xml\" is not valid; use text, json or none" },
		{ "skip_authenticated = on",
		    "skip_authenticated: \"on\" is not valid; use true or "
		    "false" },
		{ "skip_authenticated = 1",
		    "skip_authenticated: \"1\" is not valid; use true or "
		    "false" },
		{ "skip_networks = 10.0.0.1/8",
		    "skip_networks: \"10.0.0.1/8\" has bits set after its "
		    "prefix; write 10.0.0.0/8" },
		{ "skip_networks = { 10.0.0.0/8 2001:db8::1/32 }",
		    "skip_networks: \"2001:db8::1/32\" has bits set after its "
		    "prefix; write 2001:db8::/32" },
		{ "skip_networks = { 1.2.3.4/33 }",
		    "skip_networks: \"1.2.3.4/33\" needs a prefix length from "
		    "0 to 32 after \"/\"" },
		{ "skip_networks = { ::/129 }",
		    "skip_networks: \"::/129\" needs a prefix length from 0 to "
		    "128 after \"/\"" },
		{ "skip_networks = { 1.2.3.4/ }",
		    "skip_networks: \"1.2.3.4/\" needs a prefix length from 0 "
		    "to 32 after \"/\"" },
		{ "skip_networks = example.net",
		    "skip_networks: \"example.net\" is not a network; write "
		    "192.0.2.0/24 or 2001:db8::/32" },
		{ "sample = 5", "sample: \"5\" has no percent sign; write 5%" },
		{ "sample = 0.05",
		    "sample: \"0.05\" has no percent sign; write 5%" },
		{ "sample = 0.5",
		    "sample: \"0.5\" has no percent sign; write 50%" },
		{ "sample = 1.5",
		    "sample: \"1.5\" has no percent sign; write 1.5%" },
		{ "sample = 101%", "sample: \"101%\" is more than 100%" },
		{ "sample = 100.1%", "sample: \"100.1%\" is more than 100%" },
		{ "sample = 0.55%",
		    "sample: \"0.55%\" has more than one digit after \".\"; "
		    "write it as 0.5%" },
		{ "sample = half",
		    "sample: \"half\" is not a percentage; write 5% or 0.5%" },
		{ "sample = 5.%",
		    "sample: \"5.%\" is not a percentage; write 5% or 0.5%" },
		{ "sample = 5%%",
		    "sample: \"5%%\" is not a percentage; write 5% or 0.5%" },
		{ "timeout = 15",
		    "timeout: \"15\" has no unit; write 15s or 5m" },
		{ "report { retention = 400 }",
		    "report.retention: \"400\" has no unit; write 400d or "
		    "12h" },
		{ "timeout = s",
		    "timeout: \"s\" is not a duration, such as 15s, 800ms or "
		    "2m" },
		{ "timeout = 15sec",
		    "timeout: \"15sec\" is not a duration, such as 15s, 800ms "
		    "or 2m" },
		{ "timeout = 1h",
		    "timeout: \"1h\" is out of range; it must be 1s to 2m" },
		{ "timeout = 99999999999999999999s",
		    "timeout: \"99999999999999999999s\" is out of range; it "
		    "must be 1s to 2m" },
		{ "timeout = -5s",
		    "timeout: \"-5s\" is not a duration, such as 15s, 800ms or "
		    "2m" },
		{ "cache { size = 16X }",
		    "cache.size: \"16X\" is not a size, such as 65536, 64K, "
		    "16M or 1G" },
		{ "cache { size = 1K }",
		    "cache.size: \"1K\" is out of range; it must be 1M to "
		    "16G" },
		{ "dkim { max_signatures = 1e3 }",
		    "dkim.max_signatures: \"1e3\" is not a whole number" },
		{ "dkim { max_signatures = 0 }",
		    "dkim.max_signatures: \"0\" is out of range; it must be 1 "
		    "to 100" },
		{ "socket_mode = rw",
		    "socket_mode: \"rw\" is not an octal number; write it as "
		    "0660" },
		{ "socket_mode = 0888",
		    "socket_mode: \"0888\" is not an octal number; write it as "
		    "0660" },
		{ "socket_mode = 7777",
		    "socket_mode: \"7777\" is not a file mode; write 0000 to "
		    "0777, such as 0660" },
		{ "socket = 8894",
		    "socket: \"8894\" is not a socket; write unix:/PATH, "
		    "inet:PORT@ADDRESS or inet6:PORT@ADDRESS" },
		{ "socket = unix:relative",
		    "socket: \"unix:relative\" needs an absolute path of at "
		    "most 107 bytes after \"unix:\"" },
		{ "socket = inet:0",
		    "socket: \"inet:0\" must be inet:PORT or "
		    "inet:PORT@ADDRESS, PORT from 1 to 65535" },
		{ "socket = inet:65536",
		    "socket: \"inet:65536\" must be inet:PORT or "
		    "inet:PORT@ADDRESS, PORT from 1 to 65535" },
		{ "socket = inet:127.0.0.1:8894",
		    "socket: \"inet:127.0.0.1:8894\" must be "
		    "inet:PORT@ADDRESS: write inet:8894@127.0.0.1" },
		{ "socket = inet6:[::1]:8894",
		    "socket: \"inet6:[::1]:8894\" must be "
		    "inet6:PORT@ADDRESS: write inet6:8894@[::1]" },
		{ "socket = inet::8894",
		    "socket: \"inet::8894\" must be inet:PORT@ADDRESS: write "
		    "inet:8894" },
		{ "socket = inet:1@mx.example",
		    "socket: \"inet:1@mx.example\" must have an IPv4 address "
		    "after \"@\"" },
		{ "socket = inet:1@::1",
		    "socket: \"inet:1@::1\" must have an IPv4 address after "
		    "\"@\"" },
		{ "socket = inet6:1@127.0.0.1",
		    "socket: \"inet6:1@127.0.0.1\" must have an IPv6 address "
		    "after \"@\"" },
		{ "socket = inet:1,2",
		    "socket: takes one value; put one that holds a comma in "
		    "quotes" },
		{ "metrics { listen = inet:9@0.0.0.0 }",
		    "metrics.listen: \"inet:9@0.0.0.0\" can be reached from "
		    "other hosts; write inet:9 or use a unix socket" },
		{ "metrics { listen = inet6:9@:: }",
		    "metrics.listen: \"inet6:9@::\" can be reached from other "
		    "hosts; write inet6:9 or use a unix socket" },
		{ "nameservers = ns.example",
		    "nameservers: \"ns.example\" is not an address; write "
		    "192.0.2.1 or 192.0.2.1@53" },
		{ "nameservers = 192.0.2.1:53",
		    "nameservers: \"192.0.2.1:53\" is not an address; write "
		    "192.0.2.1 or 192.0.2.1@53" },
		{ "nameservers = 192.0.2.1@0",
		    "nameservers: \"192.0.2.1@0\" has no valid port; write "
		    "192.0.2.1@53" },
		{ "nameservers = fe80::1",
		    "nameservers: \"fe80::1\" is a link-local address, which "
		    "needs the name of an interface; write fe80::1%eth0" },
		{ "nameservers = { ::1, ::2, ::3, ::4, ::5, ::6, ::7, ::8, ::9 "
		  "}",
		    "nameservers: \"::9\" is one resolver too many; list at "
		    "most 8" },
		{ "nameservers = zone:b",
		    "nameservers: \"zone:b\" must be the only value, with an "
		    "absolute path after \"zone:\"" },
		{ "nameservers = { zone:/b ::1 }",
		    "nameservers: \"zone:/b\" must be the only value, with an "
		    "absolute path after \"zone:\"" },
		{ "user = \"a\tb\"",
		    "user: \"a?b\" must be a single line of at most 200 "
		    "bytes" },
		{ "authserv_id = \"mx example\"",
		    "authserv_id: \"mx example\" is not a host name; write it "
		    "as mx.example.org" },
		{ "pid_file = run/p",
		    "pid_file: \"run/p\" is not an absolute path; it must "
		    "begin with \"/\"" },
		{ "dmarc { quarantine_header = \"X Spam\" }",
		    "dmarc.quarantine_header: \"X Spam\" is not the name of a "
		    "header field: at most 60 letters, digits and hyphens" },
		{ "dmarc { quarantine_header = authentication-Results }",
		    "dmarc.quarantine_header: \"authentication-Results\" is a "
		    "field that avouch writes already" },
		{ "report { failure_headers = {\"\"} }",
		    "report.failure_headers: \"\" is not the name of a header "
		    "field" },
		{ "report { failure_headers = {From, \"X:Y\"} }",
		    "report.failure_headers: \"X:Y\" is not the name of a "
		    "header field: at most 60 letters, digits and hyphens" },
		{ "report { email = example.org }",
		    "report.email: \"example.org\" is not a mail address; "
		    "write it as dmarc@example.org" },
		{ "reply { reject_text = \"{who}\" }",
		    "reply.reject_text: \"{who}\" has an unknown placeholder "
		    "at \"{who\"; use {domain}, {rule}, {client}, {reason} or "
		    "{url}" },
		{ "reply { reject_text = \"{rule\" }",
		    "reply.reject_text: \"{rule\" has an unknown placeholder "
		    "at \"{rule\"; use {domain}, {rule}, {client}, {reason} or "
		    "{url}" },
		{ "reply { reject_text = \"\303\274\" }",
		    "reply.reject_text: \"??\" must be at most 200 bytes of "
		    "printable ASCII" },
		{ "reply { url = \"https://x/{url}\" }",
		    "reply.url: \"https://x/{url}\" has an unknown placeholder "
		    "at \"{url\"; use {domain}, {rule}, {client}, {reason}" },
		{ "reply { url = 'ftp://x' }",
		    "reply.url: \"ftp://x\" is not a link; it must begin with "
		    "https:// and have no space" },
		{ "arc { trusted_sealers = \"a..b\" }",
		    "arc.trusted_sealers: \"a..b\" is not a domain; write it "
		    "as example.net" },
		{ "override o { action = accept from_domain = \"a*.b\" }",
		    "override.from_domain: \"a*.b\" is not a domain pattern; "
		    "write example.net, *.example.net for its subdomains or "
		    "**.example.net for both" },
		{ "override o { action = accept from_domain = <> }",
		    "override.from_domain: \"<>\" is not a domain pattern; "
		    "write example.net, *.example.net for its subdomains or "
		    "**.example.net for both" },
		{ "override o { action = accept client = ::1 expires = "
		  "31.3.2027 }",
		    "override.expires: \"31.3.2027\" is not a valid date; "
		    "write it "
		    "as 2027-03-31" },
		{ "override o { action = accept client = ::1 expires = "
		  "2027-02-29 }",
		    "override.expires: \"2027-02-29\" is not a valid date; "
		    "write it as 2027-03-31" },
	};
	char want[600];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		snprintf(want, sizeof(want), "f:1: %s\n", vectors[i].want);
		expect_errors(vectors[i].text, want);
	}
}

/* The line is that of the value, all wrong ones are found. */
static void
wrong_values_of_a_list(void **state)
{
	(void)state;
	expect_errors("skip_networks = { 10.0.0.0/8,\n2001:db8::1/32,\n x }",
	    "f:2: skip_networks: \"2001:db8::1/32\" has bits set after its "
	    "prefix; write 2001:db8::/32\n"
	    "f:3: skip_networks: \"x\" is not a network; write 192.0.2.0/24 "
	    "or 2001:db8::/32\n");
}

#define MTA_FORM                                                               \
	" is not an MTA; write its address or network, and after \"@\" the "   \
	"port of this MTA on which its mail comes: 127.0.0.1@10025\n"
#define MTA_PORT " has no port from 1 to 65535 after \"@\"\n"
#define MTA_ALL                                                                \
	" would let every client bring its own results; list the addresses "   \
	"of your MTAs\n"

static void
rfc8601_section_5_trusted_mtas(void **state)
{
	static const struct error_vector vectors[] = {
		{ "trusted_mtas = { mx.example, 10.0.0.1/8, @25 }",
		    "f:1: trusted_mtas: \"mx.example\"" MTA_FORM
		    "f:1: trusted_mtas: \"10.0.0.1/8\"" MTA_FORM
		    "f:1: trusted_mtas: \"@25\"" MTA_FORM },
		{ "trusted_mtas = { 127.0.0.1@0, 127.0.0.1@65536,\n"
		  "\"127.0.0.1@\", \"::1@25x\" }",
		    "f:1: trusted_mtas: \"127.0.0.1@0\"" MTA_PORT
		    "f:1: trusted_mtas: \"127.0.0.1@65536\"" MTA_PORT
		    "f:2: trusted_mtas: \"127.0.0.1@\"" MTA_PORT
		    "f:2: trusted_mtas: \"::1@25x\"" MTA_PORT },
		{ "trusted_mtas = { 0.0.0.0/0, ::/0@10025 }",
		    "f:1: trusted_mtas: \"0.0.0.0/0\"" MTA_ALL
		    "f:1: trusted_mtas: \"::/0@10025\"" MTA_ALL },
	};
	(void)state;
	expect_each(vectors, ARRAY_SIZE(vectors));
}

/* A field that we remove from all mail must not be a standard one. */
static void
quarantine_header_is_not_a_standard_field(void **state)
{
	static const char *const names[] = { "From", "To", "Received",
		"subject", "ARC-Seal", "DKIM-Signature", "List-Id",
		"Received-SPF", "Spam-Flag", "X", "X-" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char text[100], want[400];

		snprintf(text, sizeof(text),
		    "dmarc {\nquarantine_header = \"%s\" }", names[i]);
		snprintf(want, sizeof(want),
		    "f:2: dmarc.quarantine_header: \"%s\" does not begin with "
		    "\"X-\"; a standard field would be removed from all mail; "
		    "write X-Avouch-Quarantine or another such name\n",
		    names[i]);
		expect_errors(text, want);
	}
}

/* ---- form ---- */

static void
wrong_assignments(void **state)
{
	static const struct error_vector vectors[] = {
		{ "mode = monitor\nmode = enforce",
		    "f:2: mode: is already set on line 1; keep one of them\n" },
		{ "skip_networks = { ::1, ::2 }\n\nskip_networks = ::3",
		    "f:3: skip_networks: is already set on line 1; keep one of "
		    "them\n" },
		{ "spf { on_fail = accept }\nspf { on_fail = accept }",
		    "f:2: on_fail: is already set on line 1; keep one of "
		    "them\n" },
		{ "mode enforce\nuser = x y",
		    "f:1: mode: needs \"=\" and a value\n"
		    "f:2: \"y\" has no \"=\"; a text with spaces must be in "
		    "quotes\n" },
		{ "report { org_name = Example Corp\nemail = x }",
		    "f:1: \"Corp\" has no \"=\"; a text with spaces must be in "
		    "quotes\n"
		    "f:2: report.email: \"x\" is not a mail address; write it "
		    "as dmarc@example.org\n" },
		{ "mode", "f:1: mode: needs \"=\" and a value\n" },
		{ "spf = reject",
		    "f:1: spf: is a section; write spf { ... }\n" },
		{ "spf\nuser = x",
		    "f:1: spf: is a section; write spf { ... }\n" },
		{ "mode = { enforce }",
		    "f:1: mode: takes one value, without braces\n" },
		{ "mode += enforce",
		    "f:1: mode: is not a list; write = instead of +=\n" },
		{ "user =", "f:1: user: has no value\n" },
		{ "user =\nmode = enforce\nsample = 1",
		    "f:1: user: has no value\n"
		    "f:3: sample: \"1\" has no percent sign; write 1%\n" },
		{ "spf { on_fail = }\nmode = x",
		    "f:1: on_fail: has no value\n"
		    "f:2: mode: \"x\" is not valid; use enforce or monitor\n" },
		{ "nameservers = 1.1.1.1 8.8.8.8 9.9.9.9\nmode = x",
		    "f:1: nameservers: put the list in braces: nameservers = "
		    "{1.1.1.1, ...}\n"
		    "f:2: mode: \"x\" is not valid; use enforce or monitor\n" },
		{ "nameservers = 1.1.1.1 mode = x",
		    "f:1: mode: \"x\" is not valid; use enforce or monitor\n" },
		{ "nameservers = 1.1.1.1, 8.8.8.8\nmode = x",
		    "f:1: nameservers: put the list in braces: nameservers = "
		    "{1.1.1.1, ...}\n"
		    "f:2: mode: \"x\" is not valid; use enforce or monitor\n" },
		{ "= = =\nmode = x",
		    "f:1: the name of an option is missing before \"=\"\n"
		    "f:2: mode: \"x\" is not valid; use enforce or monitor\n" },
		{ "+= , {\n",
		    "f:1: the name of an option is missing before \"+\"\n" },
	};
	(void)state;
	expect_each(vectors, ARRAY_SIZE(vectors));
}

static void
wrong_quotes(void **state)
{
	static const struct error_vector vectors[] = {
		{ "user = a\"b\npid_file = /a//b\nauthserv_id = a#b\n",
		    "f:1: a value that holds one of = { \" ' # // /* must be "
		    "in quotes\n"
		    "f:2: a value that holds one of = { \" ' # // /* must be "
		    "in quotes\n"
		    "f:3: a value that holds one of = { \" ' # // /* must be "
		    "in quotes\n"
		    "f:3: authserv_id: \"a#b\" is not a host name; write it as "
		    "mx.example.org\n" },
		{ "user = a=b",
		    "f:1: a value that holds one of = { \" ' # // /* must be "
		    "in quotes\n" },
		{ "mode = monitor\nuser = \"never closed\nsample = 1",
		    "f:2: the text that begins here has no closing \" on its "
		    "line\n"
		    "f:3: sample: \"1\" has no percent sign; write 1%\n" },
		{ "user = 'never closed",
		    "f:1: the text that begins here has no closing ' on its "
		    "line\n" },
		{ "user = \"x\\\"",
		    "f:1: the text that begins here has no closing \" on its "
		    "line\n" },
		{ "user = \"x\\",
		    "f:1: the text that begins here has no closing \" on its "
		    "line\n" },
		{ "user = \"\\999\"",
		    "f:1: \\9 is not an escape; write \\\\ for a backslash\n" },
		{ "user = \"a\\nb\"",
		    "f:1: \\n is not an escape; write \\\\ for a backslash\n" },
	};
	(void)state;
	expect_each(vectors, ARRAY_SIZE(vectors));
}

static void
what_is_not_closed_is_reported_where_it_begins(void **state)
{
	static const struct error_vector vectors[] = {
		{ "}\nmode = x",
		    "f:1: \"}\" closes no section\n"
		    "f:2: mode: \"x\" is not valid; use enforce or monitor\n" },
		{ "\nspf {\non_fail = accept\n",
		    "f:2: the section that begins here has no \"}\"\n" },
		{ "\nfoo {\non_fail = accept\n",
		    "f:2: foo: unknown name; see avouch.conf(5)\n"
		    "f:2: the section that begins here has no \"}\"\n" },
		{ "skip_networks = {\n::1\nspf { on_fail = x }",
		    "f:1: skip_networks: the list that begins here has no "
		    "\"}\"\n"
		    "f:3: spf.on_fail: \"x\" is not valid; use accept, "
		    "annotate, quarantine, reject or tempfail\n" },
		{ "skip_networks = {\n::1,\nmode = x",
		    "f:1: skip_networks: the list that begins here has no "
		    "\"}\"\n"
		    "f:3: mode: \"x\" is not valid; use enforce or monitor\n" },
		{ "skip_networks = {\n::1,\noverride \"x\" {\naction = accept\n"
		  "client = ::2\n}",
		    "f:1: skip_networks: the list that begins here has no "
		    "\"}\"\n" },
		{ "skip_networks = {\n::1\n",
		    "f:1: skip_networks: the list that begins here has no "
		    "\"}\"\n" },
		{ "mode = monitor\n/* never closed\nuser = x\n",
		    "f:2: the comment that begins here has no \"*/\"\n" },
		{ "mode = monitor /*/",
		    "f:1: the comment that begins here has no \"*/\"\n" },
		/* of what follows, each once */
		{ "spf {\ndkim { max_signatures = 0 }\n}",
		    "f:2: dkim: cannot be within the section of line 1; is the "
		    "\"}\" of that one missing?\n"
		    "f:2: dkim.max_signatures: \"0\" is out of range; it must "
		    "be 1 to 100\n" },
		{ "spf {\n\ndkim { }\narc { }\nmode = x",
		    "f:3: dkim: cannot be within the section of line 1; is the "
		    "\"}\" of that one missing?\n"
		    "f:5: mode: \"x\" is not valid; use enforce or monitor\n" },
		{ "spf {\nfoo { a = b }\n}",
		    "f:2: foo: cannot be within the section of line 1; is the "
		    "\"}\" of that one missing?\n" },
	};
	(void)state;
	expect_each(vectors, ARRAY_SIZE(vectors));
}

static void
wrong_sections(void **state)
{
	static const struct error_vector vectors[] = {
		{ "mode { enforce = x }",
		    "f:1: mode: needs \"=\" and a value\n" },
		{ "spf \"x\" { on_fail = accept }",
		    "f:1: spf: takes no name; write \"{\" after it\n" },
		{ "override { action = accept }",
		    "f:1: override: needs a name, as in override \"a "
		    "partner\" {\n" },
		{ "override o { action = accept client = ::1 }\n"
		  "override o { action = accept client = ::1 }",
		    "f:2: override \"o\": is already on line 1; give each its "
		    "own name\n" },
		{ "\noverride o {\nclient = ::1 }",
		    "f:2: override \"o\": has no action; add one, such as "
		    "action = accept\n" },
		{ "override o { action = accept\nreason = x }",
		    "f:1: override \"o\": has no condition and would match all "
		    "mail; add one, such as from_domain = example.net\n" },
		{ "override o { }",
		    "f:1: override \"o\": has no action; add one, such as "
		    "action = accept\n"
		    "f:1: override \"o\": has no condition and would match all "
		    "mail; add one, such as from_domain = example.net\n" },
		{ "override o { action = accept\nfrom_domain = {} }",
		    "f:2: from_domain: an empty list matches nothing; delete "
		    "the line to match all\n" },
		{ "override \"\" { action = accept client = ::1 }",
		    "f:1: override \"\": needs a name of 1 to 60 printable "
		    "ASCII characters\n" },
		{ "override \"a\tb\" { action = accept client = ::1 }",
		    "f:1: override \"a?b\": needs a name of 1 to 60 printable "
		    "ASCII characters\n" },
	};
	(void)state;
	expect_each(vectors, ARRAY_SIZE(vectors));
}

#define TEXT(literal)                                                          \
	{                                                                      \
		literal, sizeof(literal) - 1                                   \
	}

/* Files that an editor of another system wrote, or that are none. */
static void
broken_files(void **state)
{
	static const struct {
		const char *name;
		struct span text;
		const char *want; /* "": it is valid */
	} vectors[] = {
		{ "NUL", TEXT("mode = monitor\nuser\0 = x\n"),
		    "f:2: holds a NUL byte; save the file as plain text "
		    "(UTF-8)\n" },
		{ "UTF-16", TEXT("\xff\xfem\0o\0d\0e\0"),
		    "f:1: holds a NUL byte; save the file as plain text "
		    "(UTF-8)\n" },
		{ "CR alone", TEXT("# x\rmode = monitor\r"),
		    "f:1: holds a CR without LF; save the file with line ends "
		    "of Unix\n" },
		{ "CR LF", TEXT("# x\r\nmode = monitor\r\nuser = 'x'\r\n"),
		    "" },
		{ "CR LF within quotes", TEXT("user = 'x\r\n"),
		    "f:1: the text that begins here has no closing ' on its "
		    "line\n" },
		{ "byte order mark", TEXT("\xef\xbb\xbfmode = monitor\n"), "" },
		{ "no final line end", TEXT("mode = monitor"), "" },
		{ "only a comment", TEXT("# mode"), "" },
		{ "form feed", TEXT("\fmode = monitor"),
		    "f:1: ?mode: unknown name; did you mean mode?\n" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char *errors;
		size_t size;
		FILE *f = open_memstream(&errors, &size);
		const struct conf *c;

		assert_non_null(f);
		c = conf_read_text(vectors[i].text, "f", f);
		fclose(f);
		if (strcmp(errors, vectors[i].want) != 0)
			fail_msg("%s: %s", vectors[i].name, errors);
		assert_int_equal(c != NULL, vectors[i].want[0] == '\0');
		conf_unref(c);
		free(errors);
	}
}

/* ---- warnings ---- */

static void
names_of_earlier_versions_are_warnings(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} vectors[] = {
		{ "mode = monitor", "" },
		{ "\ndns { trust_ad = yes }",
		    "f:2: dns.trust_ad was removed: it had no effect; delete "
		    "the line\n" },
		{ "spf { on_fail = Hold }\ndmarc { on_reject = quarantine }",
		    "f:1: on_fail: \"Hold\" is now called quarantine; write "
		    "the new name\n" },
		{ "confine = off\nspf { spare_dmarc_pass = no }\n"
		  "report { compat = strict spread = 0s }",
		    "f:1: confine is now called sandbox; write the new name\n"
		    "f:2: spf.spare_dmarc_pass is now called "
		    "ignore_spf_if_dmarc_passes; write the new name\n"
		    "f:3: report.compat is now called xml_format; write the "
		    "new name\n"
		    "f:3: report.spread is now called send_window; write the "
		    "new name\n" },
		{ "max_questions = 5\ndns { zone = /x }",
		    "f:1: max_questions was removed: it is always 200; delete "
		    "the line\n"
		    "f:2: dns.zone was removed: nameservers = \"zone:/PATH\" "
		    "does the same; delete the line\n" },
		{ "dns { first_timeout = 1s\ntimeout = 4s }\n"
		  "cache { max_ttl = 1s max_negative_ttl = 1s\n"
		  "failure_ttl = 1s }",
		    "f:1: dns.first_timeout was removed: it follows from "
		    "timeout; delete the line\n"
		    "f:2: dns.timeout was removed: it follows from the timeout "
		    "of messages; delete the line\n"
		    "f:3: cache.max_ttl was removed: it is always 1d; delete "
		    "the line\n"
		    "f:3: cache.max_negative_ttl was removed: it is always "
		    "1h; delete the line\n"
		    "f:4: cache.failure_ttl was removed: it is always 5s; "
		    "delete the line\n" },
		{ "reply { tempfail_text = x }\n"
		  "report { max_per_address = 1 max_rows = 1\n"
		  "max_size = 1 bounce_pause = 1\n"
		  "failure_max_per_domain = 1 failure_max_per_day = 1 }",
		    "f:1: reply.tempfail_text was removed: the built-in text "
		    "is always used; delete the line\n"
		    "f:2: report.max_per_address was removed: it is always "
		    "5000; delete the line\n"
		    "f:2: report.max_rows was removed: it is always 50000; "
		    "delete the line\n"
		    "f:3: report.max_size was removed: it is always 10M; "
		    "delete the line\n"
		    "f:3: report.bounce_pause was removed: it is always 30d; "
		    "delete the line\n"
		    "f:4: report.failure_max_per_domain was removed: it is "
		    "always 10; delete the line\n"
		    "f:4: report.failure_max_per_day was removed: it is always "
		    "500; delete the line\n" },
		/* what it was set to no longer matters */
		{ "dns { trust_ad = { what, ever } }",
		    "f:1: dns.trust_ad was removed: it had no effect; delete "
		    "the line\n" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct conf *c = conf_text_good(vectors[i].text);
		char *warnings;
		size_t size;
		FILE *f = open_memstream(&warnings, &size);

		assert_non_null(f);
		conf_print_warnings(c, f);
		fclose(f);
		if (strcmp(warnings, vectors[i].want) != 0)
			fail_msg("%s\ngot:\n%s", vectors[i].text, warnings);
		free(warnings);
		conf_unref(c);
	}
}

/* ---- limits ---- */

#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void
limits(void **state)
{
	static const struct {
		const char *before, *each, *after;
		size_t good;
		const char *want; /* with one more */
	} vectors[] = {
		{ .before = "skip_networks = { ::1",
		    .each = ",\n10.0.0.0/8",
		    .after = "}\n",
		    .good = CONF_VALUES_MAX - 1,
		    .want = "f:10001: skip_networks: has more than 10000 "
			    "values\n" },
		{ .before = "",
		    .each = "override n@ { action = reject client = ::1 }\n",
		    .after = "",
		    .good = CONF_OVERRIDES_MAX,
		    .want = "f:1001: override: there are more than 1000\n" },
		{ .before = "user = \"",
		    .each = "x",
		    .after = "\"",
		    .good = 200,
		    .want =
			"f:1: user: \"" X60 "...\" must be a single line of at "
			"most 200 bytes\n" },
		{ .before = "pid_file = "
			    "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			    "xxxxxxxxxxx",
		    .each = "x",
		    .after = "",
		    .good = 940,
		    .want = "f:1: pid_file: "
			    "\"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			    "xxxxxxxxxxxxxxxxxxx...\" must be a path of at "
			    "most 1000 "
			    "bytes\n" },
		{ .before = "socket = unix:/",
		    .each = "x",
		    .after = "",
		    .good = 106,
		    .want = "f:1: socket: "
			    "\"unix:/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			    "xxxxxxxxxxxxxxxx...\" needs an absolute path of "
			    "at most "
			    "107 bytes after \"unix:\"\n" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char *text = conf_text_repeated(vectors[i].before,
		    vectors[i].each, vectors[i].good, vectors[i].after);

		conf_unref(conf_text_good(text));
		free(text);
		text = conf_text_repeated(vectors[i].before, vectors[i].each,
		    vectors[i].good + 1, vectors[i].after);
		expect_errors(text, vectors[i].want);
		free(text);
	}
}

/* A megabyte of one thing: it ends, and does not take long. */
static void
hostile_files(void **state)
{
	static const struct {
		const char *before, *each;
	} vectors[] = {
		{ "user = \"", "x" },
		{ "user = ", "x" },
		{ "", "{" },
		{ "", "}" },
		{ "", "spf{" },
		{ "", "foo{" },
		{ "", "=" },
		{ "", "a=" },
		{ "", "a=b " },
		{ "", "a\n" },
		{ "", "/*" },
		{ "", "/**/" },
		{ "", "\"" },
		{ "", "'\\" },
		{ "skip_networks = {", "," },
		{ "skip_networks = {", "x," },
		{ "skip_networks = {", "{" },
		{ "skip_networks = ", ",x" },
		{ "", "skip_networks += ::1 " },
		{ "", "override o {}" },
		{ "", "override @ {" },
		{ "user = x ", "/**/" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		size_t n = CONF_FILE_MAX / 2 / strlen(vectors[i].each);
		char *text = conf_text_repeated(
			 vectors[i].before, vectors[i].each, n, ""),
		     *errors;
		const struct conf *c = conf_text_read(text, &errors);

		if (c != NULL && strcmp(vectors[i].each, "/**/") != 0)
			fail_msg("%s: is valid", vectors[i].each);
		if (strstr(errors, "out of memory") != NULL)
			fail_msg("%s: %s", vectors[i].each, errors);
		conf_unref(c);
		free(errors);
		free(text);
	}
}

/* A list of thousands is shown whole. */
static void
long_lists_are_shown(void **state)
{
	char *text = conf_text_repeated(
	    "skip_networks = { ::1", ",\n10.0.0.0/8", 5000, "}\nuser = x\n");
	const struct conf *c = conf_text_good(text), *again;
	char *out = conf_text_shown(c);

	(void)state;
	assert_true(strlen(out) > 50000);
	again = conf_text_good(out);
	assert_int_equal(again->n_skip_networks, 5001);
	conf_unref(c);
	conf_unref(again);
	free(out);
	free(text);
}

static void
many_errors_are_cut(void **state)
{
	char *text = conf_text_repeated("", "override n@ { }\n", 60, ""),
	     *errors;
	size_t lines = 0;

	(void)state;
	assert_null(conf_text_read(text, &errors));
	for (const char *p = errors; *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, CONF_ERRORS_MAX + 1);
	assert_non_null(strstr(errors, "f: only the first 100 are shown\n"));
	free(errors);
	free(text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_names),
		cmocka_unit_test(wrong_values),
		cmocka_unit_test(wrong_values_of_a_list),
		cmocka_unit_test(rfc8601_section_5_trusted_mtas),
		cmocka_unit_test(quarantine_header_is_not_a_standard_field),
		cmocka_unit_test(wrong_assignments),
		cmocka_unit_test(wrong_quotes),
		cmocka_unit_test(
		    what_is_not_closed_is_reported_where_it_begins),
		cmocka_unit_test(wrong_sections),
		cmocka_unit_test(broken_files),
		cmocka_unit_test(names_of_earlier_versions_are_warnings),
		cmocka_unit_test(options_of_signing),
		cmocka_unit_test(options_of_signing_that_go_together),
		cmocka_unit_test(limits),
		cmocka_unit_test(hostile_files),
		cmocka_unit_test(long_lists_are_shown),
		cmocka_unit_test(many_errors_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
