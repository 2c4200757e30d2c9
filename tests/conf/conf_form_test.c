/*
 * conf_form_test.c - errors in the syntax of a configuration file: the line and
 * the text of each error and warning, and the limits.
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

/* ---- form ---- */

static void
wrong_assignments(void **state)
{
	static const struct conf_error_vector vectors[] = {
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
		    "f:2: \"y\" has no \"=\"; a value with spaces must be in "
		    "quotes\n" },
		{ "report { org_name = Example Corp\nemail = x }",
		    "f:1: \"Corp\" has no \"=\"; a value with spaces must be "
		    "in quotes\n"
		    "f:2: report.email: \"x\" is not a mail address; write it "
		    "as dmarc@example.org\n" },
		{ "mode", "f:1: mode: needs \"=\" and a value\n" },
		{ "spf = reject",
		    "f:1: spf: is a section; write spf { ... }\n" },
		{ "spf\nuser = x",
		    "f:1: spf: is a section; write spf { ... }\n" },
		{ "mode = { enforce }",
		    "f:1: mode: accepts only one value, without braces\n" },
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
	conf_text_each_error(vectors, ARRAY_SIZE(vectors));
}

static void
wrong_quotes(void **state)
{
	static const struct conf_error_vector vectors[] = {
		{ "user = a\"b\nsocket_group = /a//b\nauthserv_id = a#b\n",
		    "f:1: a value that contains one of = { \" ' # // /* must "
		    "be in quotes\n"
		    "f:2: a value that contains one of = { \" ' # // /* must "
		    "be in quotes\n"
		    "f:3: a value that contains one of = { \" ' # // /* must "
		    "be in quotes\n"
		    "f:3: authserv_id: \"a#b\" is not a host name; use a name "
		    "such as mx.example.org\n" },
		{ "user = a=b",
		    "f:1: a value that contains one of = { \" ' # // /* must "
		    "be in quotes\n" },
		{ "mode = monitor\nuser = \"never closed\nsample = 1",
		    "f:2: the string that begins here has no closing \" on its "
		    "line\n"
		    "f:3: sample: \"1\" has no percent sign; write 1%\n" },
		{ "user = 'never closed",
		    "f:1: the string that begins here has no closing ' on its "
		    "line\n" },
		{ "user = \"x\\\"",
		    "f:1: the string that begins here has no closing \" on its "
		    "line\n" },
		{ "user = \"x\\",
		    "f:1: the string that begins here has no closing \" on its "
		    "line\n" },
		{ "user = \"\\999\"",
		    "f:1: \\9 is not an escape; write \\\\ for a backslash\n" },
		{ "user = \"a\\nb\"",
		    "f:1: \\n is not an escape; write \\\\ for a backslash\n" },
	};
	(void)state;
	conf_text_each_error(vectors, ARRAY_SIZE(vectors));
}

static void
unclosed_parts_are_reported_where_they_begin(void **state)
{
	static const struct conf_error_vector vectors[] = {
		{ "}\nmode = x",
		    "f:1: \"}\" without an open section\n"
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
		/* two mistakes, each reported once */
		{ "spf {\ndkim { min_rsa_bits = 0 }\n}",
		    "f:2: dkim: cannot be inside the section that begins on "
		    "line 1; is its \"}\" missing?\n"
		    "f:2: dkim.min_rsa_bits: \"0\" is out of range; it must "
		    "be 1024 to 4096\n" },
		{ "spf {\n\ndkim { }\narc { }\nmode = x",
		    "f:3: dkim: cannot be inside the section that begins on "
		    "line 1; is its \"}\" missing?\n"
		    "f:5: mode: \"x\" is not valid; use enforce or monitor\n" },
		{ "spf {\nfoo { a = b }\n}",
		    "f:2: foo: cannot be inside the section that begins on "
		    "line 1; is its \"}\" missing?\n" },
	};
	(void)state;
	conf_text_each_error(vectors, ARRAY_SIZE(vectors));
}

static void
wrong_sections(void **state)
{
	static const struct conf_error_vector vectors[] = {
		{ "mode { enforce = x }",
		    "f:1: mode: needs \"=\" and a value\n" },
		{ "spf \"x\" { on_fail = accept }",
		    "f:1: spf: has no name; write \"{\" directly after it\n" },
		{ "override { action = accept }",
		    "f:1: override: needs a name, as in override \"a "
		    "partner\" {\n" },
		{ "override o { action = accept client = ::1 }\n"
		  "override o { action = accept client = ::1 }",
		    "f:2: override \"o\": is already defined on line 1; give "
		    "each override a different name\n" },
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
	conf_text_each_error(vectors, ARRAY_SIZE(vectors));
}

#define TEXT(literal)                                                          \
	{                                                                      \
		literal, sizeof(literal) - 1                                   \
	}

/* Files from an editor on another system, and files that are not text. */
static void
broken_files(void **state)
{
	static const struct {
		const char *name;
		struct span text;
		const char *want; /* "": the file is valid */
	} vectors[] = {
		{ "NUL", TEXT("mode = monitor\nuser\0 = x\n"),
		    "f:2: contains a NUL byte; save the file as plain text "
		    "(UTF-8)\n" },
		{ "UTF-16", TEXT("\xff\xfem\0o\0d\0e\0"),
		    "f:1: contains a NUL byte; save the file as plain text "
		    "(UTF-8)\n" },
		{ "CR alone", TEXT("# x\rmode = monitor\r"),
		    "f:1: contains a CR without LF; save the file with Unix "
		    "line endings\n" },
		{ "CR LF", TEXT("# x\r\nmode = monitor\r\nuser = 'x'\r\n"),
		    "" },
		{ "CR LF within quotes", TEXT("user = 'x\r\n"),
		    "f:1: the string that begins here has no closing ' on its "
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

struct warning_vector {
	const char *text;
	const char *want;
};

static void
expect_warnings(const struct warning_vector *v)
{
	const struct conf *c = conf_text_good(v->text);
	char *warnings;
	size_t size;
	FILE *f = open_memstream(&warnings, &size);

	assert_non_null(f);
	conf_print_warnings(c, f);
	fclose(f);
	if (strcmp(warnings, v->want) != 0)
		fail_msg("%s\ngot:\n%s", v->text, warnings);
	free(warnings);
	conf_unref(c);
}

static void
sign_socket_for_other_hosts(void **state)
{
#define WARNING(socket)                                                        \
	"f:1: sign.socket: \"" socket "\" can be reached from other hosts, "   \
	"and anyone who connects gets your signatures; use a loopback "        \
	"address or a unix socket, or allow only your MTA in a firewall\n"
	static const struct warning_vector vectors[] = {
		{ "sign { socket = \"inet:8895\" }", "" },
		{ "sign { socket = \"inet6:8895\" }", "" },
		{ "sign { socket = \"inet:8895@10.1.2.3\" }", "" },
		{ "sign { socket = \"inet:8895@172.31.2.3\" }", "" },
		{ "sign { socket = \"inet:8895@192.168.2.3\" }", "" },
		{ "sign { socket = \"inet6:8895@fd00::1\" }", "" },
		{ "sign { socket = \"unix:/run/@0.0.0.0\" }", "" },
		{ "socket = \"inet:8894@0.0.0.0\"", "" },
		{ "sign { socket = \"inet:8895@0.0.0.0\" }",
		    WARNING("inet:8895@0.0.0.0") },
		{ "sign { socket = \"inet6:8895@[::]\" }",
		    WARNING("inet6:8895@::") },
		{ "sign { socket = \"inet:8895@192.0.2.1\" }",
		    WARNING("inet:8895@192.0.2.1") },
		{ "sign { socket = \"inet6:8895@2001:db8::1\" }",
		    WARNING("inet6:8895@2001:db8::1") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		expect_warnings(&vectors[i]);
}

static void
names_of_earlier_versions_are_warnings(void **state)
{
	static const struct warning_vector vectors[] = {
		{ "mode = monitor", "" },
		{ "\ndns { trust_ad = yes }",
		    "f:2: dns.trust_ad was removed: it had no effect; delete "
		    "the line\n" },
		{ "spf { on_fail = Hold }\ndmarc { on_reject = quarantine }",
		    "f:1: spf.on_fail: \"Hold\" is now called quarantine; "
		    "write the new name\n" },
		{ "confine = off\nspf { spare_dmarc_pass = no }\n"
		  "report { compat = strict spread = 0s }",
		    "f:1: confine is now called sandbox; write the new name\n"
		    "f:2: spf.spare_dmarc_pass was removed: SPF actions never "
		    "apply to mail that passes DMARC; delete the line\n"
		    "f:3: report.compat is now called xml_format; write the "
		    "new name\n"
		    "f:3: report.spread was removed: it is always 8h, so run "
		    "avouch report send every hour; delete the line\n" },
		{ "max_questions = 5 pid_file = /run/x\ndns { zone = /x }",
		    "f:1: max_questions was removed: it is always 200; delete "
		    "the line\n"
		    "f:1: pid_file was removed: service managers do not need "
		    "one; delete the line\n"
		    "f:2: dns.zone was removed: nameservers = \"zone:/PATH\" "
		    "does the same; delete the line\n" },
		{ "dns { first_timeout = 1s\ntimeout = 4s }\n"
		  "cache { max_ttl = 1s max_negative_ttl = 1s\n"
		  "failure_ttl = 1s }",
		    "f:1: dns.first_timeout was removed: it is derived from "
		    "timeout; delete the line\n"
		    "f:2: dns.timeout was removed: it is derived from the "
		    "option timeout; delete the line\n"
		    "f:3: cache.max_ttl was removed: it is always 1d; delete "
		    "the line\n"
		    "f:3: cache.max_negative_ttl was removed: it is always "
		    "1h; delete the line\n"
		    "f:4: cache.failure_ttl was removed: it is always 5s; "
		    "delete the line\n" },
		{ "sign { max_age = 1d }",
		    "f:1: sign.max_age was removed: it is 180d unless avouch "
		    "key due has --age; delete the line\n" },
		{ "reply { tempfail_text = x }\n"
		  "report { contact = x min_messages = 5 send_window = 0s\n"
		  "max_per_address = 1 max_rows = 1\n"
		  "max_size = 1 bounce_pause = 1\n"
		  "failure_max_per_domain = 1 failure_max_per_day = 1 }",
		    "f:1: reply.tempfail_text was removed: the built-in text "
		    "is always used; delete the line\n"
		    "f:2: report.contact was removed: email is the contact "
		    "address; delete the line\n"
		    "f:2: report.min_messages was removed: it is always 1; "
		    "delete the line\n"
		    "f:2: report.send_window was removed: it is always 8h, "
		    "so run avouch report send every hour; delete the line\n"
		    "f:3: report.max_per_address was removed: it is always "
		    "5000; delete the line\n"
		    "f:3: report.max_rows was removed: it is always 50000; "
		    "delete the line\n"
		    "f:4: report.max_size was removed: it is always 10M; "
		    "delete the line\n"
		    "f:4: report.bounce_pause was removed: it is always 30d; "
		    "delete the line\n"
		    "f:5: report.failure_max_per_domain was removed: it is "
		    "always 10; delete the line\n"
		    "f:5: report.failure_max_per_day was removed: it is always "
		    "500; delete the line\n" },
		{ "cache { serve_stale = 1d }",
		    "f:1: cache.serve_stale was removed: a resolver can do "
		    "this: serve-expired and serve-expired-ttl of unbound; "
		    "delete the line\n" },
		{ "spf { received_spf = yes }",
		    "f:1: spf.received_spf was removed: filters must "
		    "read Authentication-Results, because Received-SPF is "
		    "neither written nor removed; delete the line\n" },
		{ "dkim { allow_body_tail = yes }",
		    "f:1: dkim.allow_body_tail was removed: signatures that "
		    "leave the end of the body unsigned never pass; delete the "
		    "line\n" },
		{ "dkim { max_signatures = 20 }",
		    "f:1: dkim.max_signatures was removed: it is always 10; "
		    "delete the line\n" },
		{ "dmarc { quarantine_header = X-Spam }",
		    "f:1: dmarc.quarantine_header was removed: it is always "
		    "X-Avouch-Quarantine, so filters must look for that; "
		    "delete the line\n" },
		{ "spf { on_weak_pass = reject\n"
		  "ignore_spf_if_dmarc_passes = no }\n"
		  "dkim { on_permerror = reject }\n"
		  "dmarc { on_permerror = reject pct_zero_is_testing = yes }\n"
		  "override o { client = ::1 action = accept\n"
		  "report_reason = yes }",
		    "f:1: spf.on_weak_pass was removed: a pass is accepted, "
		    "however weak the record is; delete the line\n"
		    "f:2: spf.ignore_spf_if_dmarc_passes was removed: SPF "
		    "actions never apply to mail that passes DMARC; delete "
		    "the line\n"
		    "f:3: dkim.on_permerror was removed: such mail is not "
		    "refused: a broken signature is treated like none; delete "
		    "the line\n"
		    "f:4: dmarc.on_permerror was removed: a record that "
		    "cannot be used is treated like none; see "
		    "unauthenticated.action; delete the line\n"
		    "f:4: dmarc.pct_zero_is_testing was removed: pct is "
		    "always ignored (RFC 9989 appendix A.6); delete the line\n"
		    "f:6: override.report_reason was removed: aggregate "
		    "reports never contain the reason; delete the line\n" },
		/* the value of a removed option is ignored */
		{ "dns { trust_ad = { what, ever } }",
		    "f:1: dns.trust_ad was removed: it had no effect; delete "
		    "the line\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		expect_warnings(&vectors[i]);
}

/* ---- limits ---- */

#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void
limits(void **state)
{
	static const struct {
		const char *before, *each, *after;
		size_t good;
		const char *want; /* the error with `good` + 1 repetitions */
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
		    .want = "f:1001: override: has more than 1000 sections\n" },
		{ .before = "user = \"",
		    .each = "x",
		    .after = "\"",
		    .good = 200,
		    .want =
			"f:1: user: \"" X60 "...\" must be a single line of at "
			"most 200 bytes\n" },
		{ .before = "report { sendmail = "
			    "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			    "xxxxxxxxxxx",
		    .each = "x",
		    .after = " }",
		    .good = 940,
		    .want = "f:1: report.sendmail: "
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
		conf_text_errors(text, vectors[i].want);
		free(text);
	}
}

/* Many repetitions of one string are parsed quickly and in little memory. */
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

/* A list of thousands of values is shown in full. */
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_assignments),
		cmocka_unit_test(wrong_quotes),
		cmocka_unit_test(unclosed_parts_are_reported_where_they_begin),
		cmocka_unit_test(wrong_sections),
		cmocka_unit_test(broken_files),
		cmocka_unit_test(sign_socket_for_other_hosts),
		cmocka_unit_test(names_of_earlier_versions_are_warnings),
		cmocka_unit_test(limits),
		cmocka_unit_test(hostile_files),
		cmocka_unit_test(long_lists_are_shown),
		cmocka_unit_test(many_errors_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
