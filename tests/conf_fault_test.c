/* conf_fault_test.c - what is wrong in a configuration file, and its limits */
#include "verify/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/table.h"
#include "tests/support/conf_text.h"
#include "verify/conf_fault.h"
#include "verify/conf_file.h"
#include "verify/conf_table.h"

/* ---- faults ---- */

struct fault_vector {
	const char *text;
	const char *want; /* all that is told */
};

static void
each_fault(const struct fault_vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		char *errors;
		const struct conf *c = conf_text_read(v->text, &errors);

		if (strcmp(errors, v->want) != 0)
			fail_msg(
			    "%s\ngot:\n%swant:\n%s", v->text, errors, v->want);
		if (c != NULL)
			fail_msg("%s: is taken", v->text);
		free(errors);
	}
}

static void
unknown_names(void **state)
{
	static const struct fault_vector vectors[] = {
		{ "sockt = x",
		    "f:1: sockt: there is no such option; did you mean "
		    "socket?\n" },
		{ "zzz = x",
		    "f:1: zzz: there is no such option; avouch.conf(5) lists "
		    "all\n" },
		{ "on_reject = reject",
		    "f:1: on_reject: there is no such option; section dmarc "
		    "has it\n" },
		{ "spf { mode = monitor }",
		    "f:1: mode: there is no such option in section spf; it "
		    "stands before all sections\n" },
		{ "spf { on_fial = reject }",
		    "f:1: on_fial: there is no such option in section spf; did "
		    "you mean on_fail?\n" },
		{ "\ndmrac {\non_reject = reject\nfoo = { a, b }\n}\nx1 = {}",
		    "f:2: dmrac: there is no such option; did you mean dmarc?\n"
		    "f:6: x1: there is no such option; avouch.conf(5) lists "
		    "all\n" },
		{ "overide \"x\" {\nq = 1\n}\noverride \"y\" { acton = accept\n"
		  "client = 10.0.0.0/8 }",
		    "f:1: overide: there is no such option; did you mean "
		    "override?\n"
		    "f:4: acton: there is no such option in section override; "
		    "did you mean action?\n"
		    "f:4: override \"y\": says no action; add one, such as "
		    "action = accept\n" },
		{ "spf {\ndkim { max_signatures = 3 }\n}",
		    "f:2: dkim: a section cannot stand within section spf; is "
		    "the \"}\" of that one missing?\n" },
		{ "spf|on_fail = reject",
		    "f:1: on_fail: can only be set within the braces of its "
		    "section\n" },
		{ "this_name_is_much_longer_than_any_of_ours_and_near_none = 1",
		    "f:1: this_name_is_much_longer_than_any_of_ours_and_near_"
		    "none: there is no such option; avouch.conf(5) lists "
		    "all\n" },
		{ "a = 1\nb = 2\nc = 3\nmode = x\nd = { 4, 5 }\ne += 6",
		    "f:1: a: there is no such option; avouch.conf(5) lists "
		    "all\n"
		    "f:2: b: there is no such option; avouch.conf(5) lists "
		    "all\n"
		    "f:3: c: there is no such option; avouch.conf(5) lists "
		    "all\n"
		    "f:4: mode: \"x\" is no choice; there are enforce and "
		    "monitor\n"
		    "f:5: d: there is no such option; avouch.conf(5) lists "
		    "all\n"
		    "f:6: e: there is no such option; avouch.conf(5) lists "
		    "all\n" },
		{ "\"\" = x", "f:1: cannot be read; is a name missing?\n" },
		{ "root { a = b }",
		    "f:1: root: there is no such option; avouch.conf(5) lists "
		    "all\n" },
		{ "foo { foo { a = b } }",
		    "f:1: foo: there is no such option; avouch.conf(5) lists "
		    "all\n" },
	};
	(void)state;
	each_fault(vectors, TABLE_SIZE(vectors));
}

#define MTA_FORM                                                               \
	" is not an MTA; write its address or network, and after \"@\" the "   \
	"port of this MTA on which its mail comes: 127.0.0.1@10025\n"
#define MTA_PORT " has no port from 1 to 65535 after \"@\"\n"
#define MTA_ALL                                                                \
	" would let every client bring its own results; list the addresses "   \
	"of your MTAs\n"

/* A field that we remove from all mail must not be a standard one. */
static void
quarantine_header_is_none_of_a_standard(void **state)
{
	static const char *const names[] = { "From", "To", "Received",
		"subject", "ARC-Seal", "DKIM-Signature", "List-Id",
		"Received-SPF", "Spam-Flag", "X", "X-" };

	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(names); i++) {
		char text[100], wanted[400];

		snprintf(text, sizeof(text),
		    "dmarc {\nquarantine_header = \"%s\" }", names[i]);
		snprintf(wanted, sizeof(wanted),
		    "f:2: quarantine_header: \"%s\" does not begin with "
		    "\"X-\"; it could be the name of a standard field, which "
		    "we would remove from all mail; write X-Avouch-Quarantine "
		    "or another such name\n",
		    names[i]);
		each_fault(&(struct fault_vector){ text, wanted }, 1);
	}
}

static void
faulty_values(void **state)
{
	static const struct fault_vector vectors[] = {
		{ "mode = on",
		    "f:1: mode: \"on\" is no choice; there are enforce and "
		    "monitor\n" },
		{ "log = xml",
		    "f:1: log: \"xml\" is no choice; there are text, json and "
		    "none\n" },
		{ "skip_authenticated = on",
		    "f:1: skip_authenticated: \"on\" is neither true nor false "
		    "(nor yes nor no)\n" },
		{ "skip_authenticated = 1",
		    "f:1: skip_authenticated: \"1\" is neither true nor false "
		    "(nor yes nor no)\n" },
		{ "skip_networks = 10.0.0.1/8",
		    "f:1: skip_networks: \"10.0.0.1/8\" is no network, bits "
		    "behind the prefix are set; 10.0.0.0/8 would be right\n" },
		{ "skip_networks = { 10.0.0.0/8,\n2001:db8::1/32 }",
		    "f:2: skip_networks: \"2001:db8::1/32\" is no network, "
		    "bits behind the prefix are set; 2001:db8::/32 would be "
		    "right\n" },
		{ "skip_networks = { 1.2.3.4/33, ::/129, 1.2.3.4/ }",
		    "f:1: skip_networks: \"1.2.3.4/33\" has no length of a "
		    "prefix behind \"/\"; it may be 0 to 32\n"
		    "f:1: skip_networks: \"::/129\" has no length of a prefix "
		    "behind \"/\"; it may be 0 to 128\n"
		    "f:1: skip_networks: \"1.2.3.4/\" has no length of a "
		    "prefix behind \"/\"; it may be 0 to 32\n" },
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
		{ "skip_networks = example.net",
		    "f:1: skip_networks: \"example.net\" is no network; "
		    "192.0.2.0/24 or 2001:db8::/32 would be one\n" },
		{ "sample = 5",
		    "f:1: sample: \"5\" lacks its percent sign; 5% would be "
		    "right\n" },
		{ "sample = 101%",
		    "f:1: sample: \"101%\" is no share from 0% to 100%, such "
		    "as 5% or 0.5%\n" },
		{ "sample = 100.1%",
		    "f:1: sample: \"100.1%\" is more than 100%\n" },
		{ "sample = 0.55%",
		    "f:1: sample: \"0.55%\" is finer than tenths of a percent, "
		    "such as 0.5%\n" },
		{ "sample = half",
		    "f:1: sample: \"half\" is no share from 0% to 100%, such "
		    "as 5% or 0.5%\n" },
		{ "timeout = 15",
		    "f:1: timeout: \"15\" is not a duration, such as 15s, "
		    "800ms or 2m\n" },
		{ "timeout = s",
		    "f:1: timeout: \"s\" is not a duration, such as 15s, 800ms "
		    "or 2m\n" },
		{ "timeout = 15sec",
		    "f:1: timeout: \"15sec\" is not a duration, such as 15s, "
		    "800ms or 2m\n" },
		{ "timeout = 1h",
		    "f:1: timeout: \"1h\" is out of range; it may be 1s to "
		    "2m\n" },
		{ "timeout = 99999999999999999999s",
		    "f:1: timeout: \"99999999999999999999s\" is out of range; "
		    "it may be 1s to 2m\n" },
		{ "timeout = -5s",
		    "f:1: timeout: \"-5s\" is not a duration, such as 15s, "
		    "800ms or 2m\n" },
		{ "cache { size = 16X }",
		    "f:1: size: \"16X\" is not a size, such as 65536, 64K, 16M "
		    "or 1G\n" },
		{ "cache { size = 1K }",
		    "f:1: size: \"1K\" is out of range; it may be 1M to "
		    "16G\n" },
		{ "max_questions = 1e3",
		    "f:1: max_questions: \"1e3\" is not a whole number\n" },
		{ "max_questions = 5",
		    "f:1: max_questions: \"5\" is out of range; it may be 20 "
		    "to 5000\n" },
		{ "socket_mode = rw",
		    "f:1: socket_mode: \"rw\" is no octal number; 0660 would "
		    "be one\n" },
		{ "socket_mode = 0888",
		    "f:1: socket_mode: \"0888\" is no octal number; 0660 would "
		    "be one\n" },
		{ "socket_mode = 7777",
		    "f:1: socket_mode: \"7777\" is no mode; it may be 0000 to "
		    "0777, such as 0660\n" },
		{ "socket = 8894",
		    "f:1: socket: \"8894\" is no socket; there are unix:/PATH, "
		    "inet:PORT@ADDRESS and inet6:PORT@ADDRESS\n" },
		{ "socket = \"\"",
		    "f:1: socket: \"\" is no socket; there are unix:/PATH, "
		    "inet:PORT@ADDRESS and inet6:PORT@ADDRESS\n" },
		{ "socket = unix:relative",
		    "f:1: socket: \"unix:relative\" needs an absolute path of "
		    "at most 107 bytes behind \"unix:\"\n" },
		{ "socket = inet:0",
		    "f:1: socket: \"inet:0\" names no port from 1 to 65535 "
		    "behind \"inet:\"\n" },
		{ "socket = inet:65536",
		    "f:1: socket: \"inet:65536\" names no port from 1 to 65535 "
		    "behind \"inet:\"\n" },
		{ "socket = inet:1@mx.example",
		    "f:1: socket: \"inet:1@mx.example\" names no IPv4 address "
		    "behind \"@\"\n" },
		{ "socket = inet:1@::1",
		    "f:1: socket: \"inet:1@::1\" names no IPv4 address behind "
		    "\"@\"\n" },
		{ "socket = inet6:1@127.0.0.1",
		    "f:1: socket: \"inet6:1@127.0.0.1\" names no IPv6 address "
		    "behind \"@\"\n" },
		{ "socket = inet:1:2",
		    "f:1: socket: \"inet:1:2\" must be inet:PORT or "
		    "inet:PORT@ADDRESS\n" },
		{ "metrics { listen = inet:9@0.0.0.0 }",
		    "f:1: listen: \"inet:9@0.0.0.0\" can be reached from other "
		    "hosts; take inet:9 or a unix socket\n" },
		{ "metrics { listen = inet6:9@:: }",
		    "f:1: listen: \"inet6:9@::\" can be reached from other "
		    "hosts; take inet6:9 or a unix socket\n" },
		{ "nameservers = ns.example",
		    "f:1: nameservers: \"ns.example\" is no resolver; "
		    "192.0.2.1 or 192.0.2.1@53 would be one\n" },
		{ "nameservers = 192.0.2.1:53",
		    "f:1: nameservers: \"192.0.2.1:53\" is no resolver; "
		    "192.0.2.1 or 192.0.2.1@53 would be one\n" },
		{ "nameservers = 192.0.2.1@0",
		    "f:1: nameservers: \"192.0.2.1@0\" is no resolver; "
		    "192.0.2.1 or 192.0.2.1@53 would be one\n" },
		{ "nameservers = { ::1, ::2, ::3, ::4, ::5, ::6, ::7, ::8, ::9 "
		  "}",
		    "f:1: nameservers: \"::9\" is one resolver too many; 8 are "
		    "used\n" },
		{ "user = \"a\nb\"",
		    "f:2: user: \"a?b\" is no text of one line and at most 200 "
		    "bytes\n" },
		{ "authserv_id = \"mx example\"",
		    "f:1: authserv_id: \"mx example\" is no host name; "
		    "mx.example.org would be one\n" },
		{ "pid_file = run/p",
		    "f:1: pid_file: \"run/p\" is no absolute path; it must "
		    "begin with \"/\"\n" },
		{ "dmarc { quarantine_header = \"X Spam\" }",
		    "f:1: quarantine_header: \"X Spam\" is no name of a header "
		    "field: letters, digits and hyphens, at most 60\n" },
		{ "dmarc { quarantine_header = authentication-Results }",
		    "f:1: quarantine_header: \"authentication-Results\" is a "
		    "field we write already\n" },
		{ "report { failure_headers = {\"\"} }",
		    "f:1: failure_headers: \"\" is no name of a header "
		    "field\n" },
		{ "report { failure_headers = {From, \"X:Y\"} }",
		    "f:1: failure_headers: \"X:Y\" is no name of a header "
		    "field: letters, digits and hyphens, at most 60\n" },
		{ "report { email = example.org }",
		    "f:1: email: \"example.org\" is no mail address; "
		    "dmarc@example.org would be one\n" },
		{ "reply { reject_text = \"{who}\" }",
		    "f:1: reject_text: \"{who}\" names no value we have at "
		    "\"{who\"; there are {domain}, {rule}, {client}, {reason} "
		    "and {url}\n" },
		{ "reply { reject_text = \"{rule\" }",
		    "f:1: reject_text: \"{rule\" names no value we have at "
		    "\"{rule\"; there are {domain}, {rule}, {client}, {reason} "
		    "and {url}\n" },
		{ "reply { reject_text = \"\303\274\" }",
		    "f:1: reject_text: \"??\" must be at most 200 bytes of "
		    "printable ASCII\n" },
		{ "reply { url = \"https://x/{url}\" }",
		    "f:1: url: \"https://x/{url}\" names no value we have at "
		    "\"{url\"; there are {domain}, {rule}, {client}, "
		    "{reason}\n" },
		{ "reply { url = 'ftp://x' }",
		    "f:1: url: \"ftp://x\" is no link; it must begin with "
		    "https:// and hold no space\n" },
		{ "arc { trusted_sealers = \"a..b\" }",
		    "f:1: trusted_sealers: \"a..b\" is no domain; example.net "
		    "would be one\n" },
		{ "override o { action = accept from_domain = \"a*.b\" }",
		    "f:1: from_domain: \"a*.b\" is no pattern; there are "
		    "example.net, *.example.net for what is below it and "
		    "**.example.net for both\n" },
		{ "override o { action = accept from_domain = \"<>\" }",
		    "f:1: from_domain: \"<>\" is no pattern; there are "
		    "example.net, *.example.net for what is below it and "
		    "**.example.net for both\n" },
		{ "override o { action = accept client = ::1 expires = "
		  "31.3.2027 }",
		    "f:1: expires: \"31.3.2027\" is no date; it is written as "
		    "2027-03-31\n" },
		{ "override o { action = accept client = ::1 expires = "
		  "2027-02-29 }",
		    "f:1: expires: \"2027-02-29\" is no day of the "
		    "calendar\n" },
	};
	(void)state;
	each_fault(vectors, TABLE_SIZE(vectors));
}

static void
faults_of_form(void **state)
{
	static const struct fault_vector vectors[] = {
		{ "mode = monitor\nmode = enforce",
		    "f:2: mode: is already set on line 1; keep one of them\n" },
		{ "skip_networks = { ::1, ::2 }\n\nskip_networks = ::3",
		    "f:3: skip_networks: is already set on line 1; keep one of "
		    "them\n" },
		{ "spf { on_fail = hold }\nspf { on_fail = hold }",
		    "f:2: on_fail: is already set on line 1; keep one of "
		    "them\n" },
		{ "mode enforce",
		    "f:1: mode: an equal sign and a value must follow\n" },
		{ "spf = reject",
		    "f:1: spf: a section in braces must follow\n" },
		{ "mode = { enforce }", "f:1: unexpected token '{'\n" },
		{ "mode += enforce",
		    "f:1: attempt to append to non-list option 'mode'\n" },
		{ "}", "f:1: unexpected closing brace\n" },
		{ "override { action = accept }",
		    "f:1: override: a name must follow, such as override \"a "
		    "partner\" {\n" },
		{ "\nspf {\non_fail = hold\n",
		    "f:2: this \"{\" is not closed by \"}\"\n" },
		{ "skip_networks = {\n::1\nspf { on_fail = hold }",
		    "f:1: this \"{\" is not closed by \"}\"\n" },
		{ "mode = monitor\n/* never closed\nuser = x\n",
		    "f:2: this comment is not closed by \"*/\"\n" },
		{ "mode = monitor\nuser = \"never closed\n\\\"",
		    "f:2: this text is not closed by \"\n" },
		{ "user = 'never closed\n",
		    "f:1: this text is not closed by '\n" },
		{ "user = a*b\npid_file = /a//b\nauthserv_id = a#b\n",
		    "f:1: a value with *, +, $, # or // must stand in "
		    "quotes\n"
		    "f:2: a value with *, +, $, # or // must stand in "
		    "quotes\n"
		    "f:3: a value with *, +, $, # or // must stand in "
		    "quotes\n" },
		{ "user = $USER\n",
		    "f:1: a value with *, +, $, # or // must stand in "
		    "quotes\n" },
		{ "user = \"x${USER:-y}\"\n",
		    "f:1: ${...} would be a variable of the environment, "
		    "which is not taken; for the text itself write "
		    "\\${\n" },
		{ "user + = x",
		    "f:1: a value with *, +, $, # or // must stand in "
		    "quotes\n" },
		{ "user =", "f:1: premature end of file\n" },
		{ "user = \"\\999\"", "f:1: bad escape sequence '\\999'\n" },
		{ "override o { action = accept client = ::1 }\n"
		  "override o { action = accept client = ::1 }",
		    "f:2: override \"o\": stands twice; give each its own "
		    "name\n" },
		{ "\noverride o {\nclient = ::1 }",
		    "f:2: override \"o\": says no action; add one, such as "
		    "action = accept\n" },
		{ "override o { action = accept\nreason = x }",
		    "f:1: override \"o\": has no condition and would decide "
		    "about all mail; add one, such as from_domain\n" },
		{ "override o { }",
		    "f:1: override \"o\": says no action; add one, such as "
		    "action = accept\n"
		    "f:1: override \"o\": has no condition and would decide "
		    "about all mail; add one, such as from_domain\n" },
		{ "override o { action = accept from_domain = {} }",
		    "f:1: override \"o\": from_domain is empty and matches "
		    "nothing; leave it out to match all\n" },
		{ "override \"\" { action = accept client = ::1 }",
		    "f:1: override \"\": needs a name of 1 to 60 printable "
		    "ASCII characters\n" },
		{ "dkim { min_rsa_bits = 4096\nmax_rsa_bits = 2048 }",
		    "f:1: min_rsa_bits: 4096 is more than max_rsa_bits, which "
		    "is 2048\n" },
		{ "dns { first_timeout = 5s timeout = 2s }",
		    "f:1: first_timeout: is longer than the timeout of section "
		    "dns\n" },
	};
	(void)state;
	each_fault(vectors, TABLE_SIZE(vectors));
}

/* A reading that failed leaves nothing of itself to the next one. */
static void
after_a_fault(void **state)
{
	static const char *const bad[] = { "user = \"open", "/* open",
		"user = 'open", "spf {", "x { y {", "foo = bar" };

	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(bad); i++) {
		char *errors;

		assert_null(conf_text_read(bad[i], &errors));
		assert_true(errors[0] != '\0');
		free(errors);
		conf_unref(conf_text_good("mode = monitor"));
	}
}

static void
limits(void **state)
{
	static const struct {
		const char *before, *each, *after;
		size_t good;
		const char *want; /* with one more */
	} vectors[] = {
		{ "skip_networks = { ::1", ",\n10.0.0.0/8", "}\n", 9999,
		    "f:10001: skip_networks: more than 10000 values\n" },
		{ "", "override n@ { action = hold client = ::1 }\n", "", 1000,
		    "f:1001: override: more than 1000 sections\n" },
		{ "user = \"", "x", "\"", 200,
		    "f:1: user: "
		    "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		    "xxxx...\" is no text of one line and at most 200 "
		    "bytes\n" },
		{ "pid_file = /", "x", "", 999,
		    "f:1: pid_file: "
		    "\"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		    "xxxx...\" is no path of at most 1000 bytes\n" },
		{ "socket = unix:/", "x", "", 106,
		    "f:1: socket: "
		    "\"unix:/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		    "xxxx...\" needs an absolute path of at most 107 bytes "
		    "behind \"unix:\"\n" },
	};
	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(vectors); i++) {
		char *text = conf_text_repeated(vectors[i].before,
		    vectors[i].each, vectors[i].good, vectors[i].after);
		struct fault_vector v = { NULL, vectors[i].want };

		conf_unref(conf_text_good(text));
		free(text);
		text = conf_text_repeated(vectors[i].before, vectors[i].each,
		    vectors[i].good + 1, vectors[i].after);
		v.text = text;
		each_fault(&v, 1);
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
many_faults_are_cut(void **state)
{
	char *text = conf_text_repeated("", "override n@ { }\n", 60, ""),
	     *errors;
	size_t lines = 0;

	(void)state;
	assert_null(conf_text_read(text, &errors));
	for (const char *p = errors; *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, CONF_FAULTS_MAX + 1);
	assert_non_null(
	    strstr(errors, "f: more than 100 faults, the rest is not told\n"));
	free(errors);
	free(text);
}

static void
unknown_names_are_cut(void **state)
{
	char *text =
	    conf_text_repeated("", "zz@ = 1\n", CONF_UNKNOWN_MAX + 9, "");
	char *errors;
	size_t lines = 0;

	(void)state;
	assert_null(conf_text_read(text, &errors));
	for (const char *p = errors; *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, CONF_UNKNOWN_MAX + 1);
	free(errors);
	free(text);
}

static void
nul_in_the_file(void **state)
{
	static const char text[] = "mode = monitor\nuser\0 = x\n";
	char *errors;
	size_t size;
	FILE *f = open_memstream(&errors, &size);

	(void)state;
	assert_non_null(f);
	assert_null(conf_read_text(span_of(text, sizeof(text) - 1), "f", f));
	fclose(f);
	assert_string_equal(errors, "f:2: holds a NUL byte\n");
	free(errors);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_names),
		cmocka_unit_test(faulty_values),
		cmocka_unit_test(quarantine_header_is_none_of_a_standard),
		cmocka_unit_test(faults_of_form),
		cmocka_unit_test(after_a_fault),
		cmocka_unit_test(limits),
		cmocka_unit_test(long_lists_are_shown),
		cmocka_unit_test(many_faults_are_cut),
		cmocka_unit_test(unknown_names_are_cut),
		cmocka_unit_test(nul_in_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
