/*
 * conf_errors_test.c - the line and the text of each error about names and
 * values in a configuration file.
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

/* ---- options that depend on each other ---- */

static void
signing_options(void **state)
{
	static const struct conf_error_vector vectors[] = {
		{ .text = "socket = \"\"",
		    .want = "f:1: socket: is empty; set it, or sign.socket, or "
			    "both\n" },
		{ .text = "socket = unix:/a\nsign {\nsocket = unix:/a\n}",
		    .want = "f:3: sign.socket: is the same as socket; mail on "
			    "socket is verified and mail on sign.socket is "
			    "signed, so they must differ\n" },
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
		    .want = "f:1: sign.outgoing: must be addresses, not "
			    "networks\n" },
	};

	(void)state;
	conf_text_each_error(vectors, ARRAY_SIZE(vectors));
}

static void
signing_options_that_depend_on_each_other(void **state)
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
	static const struct conf_error_vector vectors[] = {
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
	conf_text_each_error(vectors, ARRAY_SIZE(vectors));
}

/* ---- values ---- */

static void
wrong_values(void **state)
{
	static const struct conf_error_vector vectors[] = {
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
		{ "dkim { min_rsa_bits = 1e3 }",
		    "dkim.min_rsa_bits: \"1e3\" is not a whole number" },
		{ "dkim { min_rsa_bits = 0 }",
		    "dkim.min_rsa_bits: \"0\" is out of range; it must be 1024 "
		    "to 4096" },
		{ "socket_mode = rw",
		    "socket_mode: \"rw\" is not an octal number; write it as "
		    "0660" },
		{ "socket_mode = 0888",
		    "socket_mode: \"0888\" is not an octal number; write it as "
		    "0660" },
		{ "socket_mode = 7777",
		    "socket_mode: \"7777\" is not a file mode; use a "
		    "number from 0000 to "
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
		    "socket: accepts only one value; put a value that contains "
		    "a comma in quotes" },
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
		    "needs an interface name; write fe80::1%eth0" },
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
		    "authserv_id: \"mx example\" is not a host name; use a "
		    "name such as mx.example.org" },
		{ "report { sendmail = run/p }",
		    "report.sendmail: \"run/p\" is not an absolute path; it "
		    "must begin with \"/\"" },
		{ "report { failure_headers = authentication-Results }",
		    "report.failure_headers: \"authentication-Results\" is a "
		    "field that avouch already writes" },
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
		conf_text_errors(vectors[i].text, want);
	}
}

/* Each error names the line of its value, and all invalid values are
 * reported. */
static void
wrong_values_of_a_list(void **state)
{
	(void)state;
	conf_text_errors("skip_networks = { 10.0.0.0/8,\n2001:db8::1/32,\n x }",
	    "f:2: skip_networks: \"2001:db8::1/32\" has bits set after its "
	    "prefix; write 2001:db8::/32\n"
	    "f:3: skip_networks: \"x\" is not a network; write 192.0.2.0/24 "
	    "or 2001:db8::/32\n");
}

#define MTA_FORM                                                               \
	" is not an MTA; write its address or network, optionally followed "   \
	"by \"@\" and the port of this MTA on which its mail arrives, such "   \
	"as "                                                                  \
	"127.0.0.1@10025\n"
#define MTA_PORT " has no port from 1 to 65535 after \"@\"\n"
#define MTA_ALL                                                                \
	" would trust results that any client sends; list the addresses of "   \
	"your MTAs\n"

static void
rfc8601_section_5_trusted_mtas(void **state)
{
	static const struct conf_error_vector vectors[] = {
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
	conf_text_each_error(vectors, ARRAY_SIZE(vectors));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_names),
		cmocka_unit_test(wrong_values),
		cmocka_unit_test(wrong_values_of_a_list),
		cmocka_unit_test(rfc8601_section_5_trusted_mtas),
		cmocka_unit_test(signing_options),
		cmocka_unit_test(signing_options_that_depend_on_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
