/* import_test.c - imports settings from opendkim, opendmarc and policyd-spf */
#include "cli/import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/import_internal.h"
#include "lib/enum_names.h"
#include "conf/conf.h"

enum { MEMORY = 16 << 20 };

/* Returns the contents of a file named by a setting. */
static struct span
read_named(void *arg, const char *path, struct arena *a)
{
	(void)arg;
	if (strcmp(path, "/etc/hosts.list") == 0)
		return arena_copy(a,
		    SPAN("# ours\n10.0.0.0/8\n\n"
			 "192.0.2.77/24 # cut\n"
			 "mx.example.org\n!10.1.2.3\n"
			 "[2001:db8::1]\nlocalhost"));
	if (strcmp(path, "/etc/sealers") == 0)
		return arena_copy(a, SPAN("lists.example\nSeal.Example\n"));
	return SPAN_NONE;
}

/* Returns the output for one file; it must be a valid configuration. */
static char *
printed(const char *path, const char *text)
{
	struct arena *a = arena_new(MEMORY);
	struct import *im = import_new(a, read_named, NULL);
	const struct conf *c;
	char *out;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	assert_non_null(im);
	assert_non_null(f);
	if (!import_add(im, path, span_str(text)))
		fail_msg("%s: is not recognized", path);
	assert_true(import_print(im, f));
	fclose(f);
	c = conf_read_text(span_of(out, size), "printed", stderr);
	if (c == NULL)
		fail_msg("%s\nis printed as\n%s", text, out);
	conf_unref(c);
	arena_free(a);
	return out;
}

struct import_vector {
	const char *path;
	const char *text;
	const char
	    *want; /* must be in the output; NULL: only `not` is checked */
	const char * not ; /* must not be in the output; NULL: not checked */
};

static void
each(const struct import_vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		char *out = printed(v->path, v->text);

		if (v->want != NULL && strstr(out, v->want) == NULL)
			fail_msg(
			    "%s: lacks\n%s\ngot\n%s", v->text, v->want, out);
		if (v->not != NULL && strstr(out, v->not ) != NULL)
			fail_msg(
			    "%s: holds\n%s\ngot\n%s", v->text, v->not, out);
		free(out);
	}
}

#define EACH(vectors) each((vectors), ARRAY_SIZE(vectors))

static void
opendkim(void **state)
{
#define F "/etc/opendkim.conf"
#define AT(line) "# " F ":" line ": "
	static const struct import_vector vectors[] = {
		{ F, "AuthservID mx.example.org",
		    AT("1") "AuthservID mx.example.org\n"
			    "authserv_id = \"mx.example.org\"\n",
		    NULL },
		{ F, "AuthservID HOSTNAME", "#\tthe MTA's name is the default",
		    "authserv_id =" },
		{ F, "\n# c\nSocket local:/run/opendkim/opendkim.sock # x",
		    AT("3") "Socket local:/run/opendkim/opendkim.sock\n"
			    "#\tavouch has its own socket and user\n",
		    "socket = \"local" },
		{ F, "Socket inet:8891@localhost",
		    "\nsocket = \"inet:8894@127.0.0.1\"\n", "= \"inet:8891" },
		{ F, "UMask 007", "#\tavouch has its own socket",
		    "socket_mode" },
		{ F, "UserID opendkim:postfix", "\nuser = \"avouch\"\n",
		    "socket_group" },
		{ F, "", "\nmode = monitor\n", "enforce =" },
		{ F, "",
		    "metrics {\n\t# for `avouch status`\n\tlisten = "
		    "\"unix:/run/avouch/metrics.sock\"\n}\n",
		    NULL },
		{ F, "Syslog yes", "log_target = syslog\n", NULL },
		{ F, "Syslog no", "#\tmessages are logged; to turn that off",
		    "log_target" },
		{ F, "SyslogFacility local3", "#\tthe facility is always mail",
		    NULL },
		{ F, "SyslogFacility MAIL", NULL, "facility" },
		{ F, "ClockDrift 600",
		    "#\ta signature's t= may be at most 5 minutes in the "
		    "future",
		    "clock_skew" },
		{ F, "DNSTimeout 5",
		    "#\tthe timeout of a DNS query is derived from the "
		    "option timeout",
		    "timeout = " },
		{ F, "MaximumSignaturesToVerify 3", "#\tat most 10 signatures",
		    "max_signatures" },
		{ F, "MinimumKeyBits 2048", "\tmin_rsa_bits = 2048\n", NULL },
		{ F, "MinimumKeyBits 512",
		    "#\tnot valid in avouch: dkim.min_rsa_bits: \"512\" is out "
		    "of range; it "
		    "must be 1024 to 4096",
		    "min_rsa_bits =" },
		{ F, "Nameservers 192.0.2.1, 2001:db8::1",
		    "nameservers = {\"192.0.2.1\", \"2001:db8::1\"}\n", NULL },
		{ F, "On-DNSError accept", "\ton_temperror = accept\n",
		    "tempfail" },
		{ F, "",
		    "\t# " F ": On-DNSError tempfail (not set: the default of "
		    "opendkim)\n\ton_temperror = tempfail\n",
		    NULL },
		{ F, "On-DNSError r", "\ton_temperror = reject\n", NULL },
		{ F, "On-DNSError quarantine", "\ton_temperror = quarantine\n",
		    NULL },
		{ F, "On-DNSError discard",
		    "#\tmail is never silently discarded", "on_temperror" },
		{ F, "On-KeyNotFound reject", "RFC 6376 section 6.1", NULL },
		{ F, "On-KeyNotFound accept", NULL, "KeyNotFound" },
		{ F, "On-BadSignature reject", "RFC 6376 section 6.1", NULL },
		{ F, "On-BadSignature accept", NULL, "BadSignature" },
		{ F, "Mode v\nKeyFile /etc/k",
		    "#\tit does not sign:", "keeps signing: leave" },
		{ F, "Mode sv",
		    "#\tit does not sign:", "keeps signing: leave" },
		{ F, "Mode sv\nKeyTable /etc/k",
		    AT("1") "Mode sv\n#\topendkim keeps signing: leave its "
			    "socket",
		    "does not sign" },
		{ F, "KeyFile /etc/k",
		    "# " F ": Mode sv (not set: the default of opendkim)\n"
		    "#\topendkim keeps signing",
		    NULL },
		{ F, "KeyFile /etc/k\nSyslog yes\nDomain a.example",
		    AT("1") "KeyFile /etc/k\n" AT(
			"3") "Domain a.example\n#\tthis is about signing",
		    NULL },
		/* if an opendkim only signs, its file is not imported */
		{ F, "Mode s\nAuthservID a.example\nNameservers 192.0.2.1",
		    AT("1") "Mode s\n#\tthis opendkim only signs",
		    "192.0.2.1" },
		{ F, "Mode S", "#\tit does not sign", "only signs" },
		{ F, "PeerList 10.0.0.0/8,192.0.2.1",
		    "skip_networks += {\n\t\"10.0.0.0/8\",\n"
		    "\t\"192.0.2.1/32\"\n}\n",
		    NULL },
		{ F, "PeerList 0.0.0.0/0, ::/0,10.0.0.0/8",
		    "#\t0.0.0.0/0: this network is too large to be listed\n",
		    "\t\"::/0" },
		{ F, "PeerList csl:10.0.0.0/8", "\t\"10.0.0.0/8\"\n", NULL },
		{ F, "PeerList file:/etc/hosts.list",
		    "{\n\t\"10.0.0.0/8\",\n\t\"192.0.2.0/24\",\n"
		    "\t\"2001:db8::1/128\"\n}\n",
		    NULL },
		{ F, "InternalHosts refile:/etc/hosts.list",
		    "#\tmx.example.org: only addresses and networks can be "
		    "listed in skip_networks",
		    NULL },
		{ F, "PeerList /etc/hosts.list",
		    "#\t!10.1.2.3 is excluded there; skip_networks has no "
		    "exceptions",
		    "!10.1.2.3: " },
		{ F, "On-Default accept", "\ton_temperror = accept\n",
		    "tempfail" },
		{ F, "On-Default accept\nOn-DNSError reject",
		    "\ton_temperror = reject\n", "is already" },
		{ F, "Quarantine No", NULL, "Quarantine" },
		{ F, "PeerList /not/there", "#\tthe file cannot be read",
		    "skip_networks" },
		{ F, "PeerList mysql://u:p@h/db",
		    "#\tthis type of data set cannot be read", NULL },
		{ F, "authservid a.example\nAuthservID b.example",
		    "#\tit is set again further down", "\"a.example\"" },
		{ F, "NoSuchThing 3",
		    AT("1") "NoSuchThing 3\n#\tnot a known option of "
			    "opendkim\n",
		    NULL },
		{ F, "Canonicalization\trelaxed/simple\r\nSyslog\tyes\r\n",
		    AT("1") "Canonicalization relaxed/simple\n", NULL },
	};
	(void)state;
	EACH(vectors);
#undef F
}

static void
opendmarc(void **state)
{
#define F "/etc/opendmarc.conf"
	static const struct import_vector vectors[] = {
		{ F, "RejectFailures true",
		    "dmarc {\n\t" AT("1") "RejectFailures true\n"
					  "\ton_reject = reject\n",
		    NULL },
		{ F, "RejectFailures true", "\ton_temperror = tempfail\n",
		    NULL },
		{ F, "RejectFailures false", "\ton_reject = accept\n",
		    "on_temperror" },
		{ F, "RejectFailures false",
		    "enforce, except for an invalid From field", NULL },
		{ F, "RejectFailures false",
		    AT("1") "RejectFailures false\n#\tnothing is refused "
			    "because of DMARC, even if mode is enforce",
		    NULL },
		{ F, "",
		    "\t# " F ": RejectFailures false (not set: the default of "
		    "opendmarc)\n\ton_reject = accept\n",
		    NULL },
		{ F, "", "\ton_quarantine = accept\n", NULL },
		{ F, "HoldQuarantinedMessages yes",
		    "\ton_quarantine = quarantine\n", NULL },
		{ F, "IgnoreAuthenticatedClients true",
		    "skip_authenticated = yes\n", NULL },
		{ F, "IgnoreAuthenticatedClients false",
		    "#\tmail of clients that logged in is not checked",
		    "skip_authenticated = " },
		{ F, "Syslog 1", NULL, "skip_authenticated" },
		{ F, "IgnoreHosts /etc/hosts.list",
		    "skip_networks += {\n\t\"10.0.0.0/8\",", NULL },
		{ F, "IgnoreMailFrom a.example,B.example",
		    "# What changes:\n#\n" AT(
			"1") "IgnoreMailFrom a.example,B.example\n"
			     "#\tanyone can put any domain in From",
		    "from_domain" },
		{ F,
		    "DomainWhitelist a.example\nDomainWhitelistFile "
		    "/etc/sealers",
		    "arc {\n\t" AT(
			"1") "DomainWhitelist a.example\n"
			     "\t" AT("2") "DomainWhitelistFile /etc/sealers\n"
					  "\ttrusted_sealers = "
					  "{\n\t\t\"a.example\",\n"
					  "\t\t\"lists.example\",\n\t\t\"Seal."
					  "Example\"\n\t}\n",
		    NULL },
		{ F, "RejectMultiValueFrom true",
		    "#\tmail with several authors", NULL },
		{ F, "RejectMultiValueFrom false", NULL, "several authors" },
		{ F, "RejectString refused: DMARC of %s says \"no\"",
		    "\treject_text = \"refused: DMARC of {domain} says "
		    "\\\"no\\\"\"\n",
		    NULL },
		{ F, "HistoryFile /var/run/opendmarc/opendmarc.dat",
		    "\tstore = \"/var/lib/avouch/avouch.db\"\n", NULL },
		{ F,
		    "FailureReportsSentBy dmarc@example.org\n"
		    "HistoryFile /x",
		    "\temail = \"dmarc@example.org\"\n", NULL },
		{ F, "FailureReportsSentBy dmarc@example.org",
		    "#\tno results are stored", "email = " },
		{ F, "TrustedAuthservIDs mx.example",
		    "#\tresults found in the message are not trusted", NULL },
		{ F, "PublicSuffixList /usr/share/x", "#\tRFC 9989 needs none",
		    NULL },
		{ F, "PeerList 10.0.0.0/8",
		    "#\tnot a known option of opendmarc", NULL },
	};
	(void)state;
	EACH(vectors);
#undef F
}

static void
policyd_spf(void **state)
{
#define F "policyd-spf.conf"
	static const struct import_vector vectors[] = {
		{ F, "Mail_From_reject = Fail",
		    "spf {\n\t" AT("1") "Mail_From_reject Fail\n"
					"\ton_fail = reject\n",
		    NULL },
		{ F, "mail_from_reject=False", "\ton_fail = accept\n",
		    "reject\n" },
		{ F, "Mail_From_reject = Softfail", "\ton_softfail = reject\n",
		    NULL },
		{ F, "Mail_From_reject = SPF_Not_Pass",
		    "#\tneutral is the same as none", NULL },
		{ F, "Mail_From_reject = No_Check", "#\tSPF is always checked",
		    "= reject" },
		{ F, "",
		    "\t# " F ": Mail_From_reject Fail (not set: the default of "
		    "policyd-spf)\n\ton_fail = reject\n",
		    NULL },
		{ F,
		    "TestOnly = 0\nMail_From_reject = Fail\n"
		    "PermError_reject = True",
		    "\t" AT("1") "TestOnly 0\n\ton_fail = accept\n",
		    "= reject" },
		{ F, "defaultSeedOnly = 0", "\ton_fail = accept\n",
		    "= reject" },
		{ F, "TestOnly = 1", "\ton_fail = reject\n", NULL },
		{ F, "PermError_reject = True", "\ton_permerror = reject\n",
		    NULL },
		{ F, "TempError_Defer = True", "\ton_temperror = tempfail\n",
		    NULL },
		{ F, "No_Mail = True", "\ton_fail = accept\n", "= reject" },
		{ F, "Mail_From_reject = Softfail\nNo_Mail = True",
		    "only mail from domains whose record is \"v=spf1 -all\" "
		    "was "
		    "refused",
		    "= reject" },
		{ F, "No_Mail = False", "\ton_fail = reject\n", "v=spf1" },
		{ F, "skip_addresses = 127.0.0.0/8,::ffff:10.0.0.0/104,::1",
		    "\t\"127.0.0.0/8\",\n\t\"10.0.0.0/8\",\n\t\"::1/128\"\n",
		    NULL },
		{ F, "Whitelist = 192.0.2.0/24",
		    "trusted_forwarders = {\n\t\"192.0.2.0/24\"\n}\n", NULL },
		{ F, "Domain_Whitelist = x.example",
		    "#\tnames can be forged; list the networks in "
		    "trusted_forwarders",
		    NULL },
		{ F, "", "#\tno Received-SPF field is added", "received_spf" },
		{ F, "Header_Type = AR", NULL, "Received-SPF" },
		{ F, "Authserv_Id = HEADER", "#\tthe MTA's name", NULL },
		{ F, "Authserv_Id = mx.example",
		    "authserv_id = \"mx.example\"\n", NULL },
		{ F, "Lookup_Time = 20", "\ntimeout = 20s\n", NULL },
		{ F, "Void_Limit = 5", "#\tthe limit is always 2 (RFC 7208",
		    NULL },
	};
	(void)state;
	EACH(vectors);
#undef F
}

/* Several files are merged, and the first one that sets an option wins. */
static void
files_together(void **state)
{
	static const struct {
		const char *path, *text;
	} files[] = {
		{ "opendkim.conf",
		    "AuthservID a.example\nAuthservID b.example"
		    "\nSyslog yes\nPeerList 10.0.0.0/8" },
		{ "opendmarc.conf",
		    "AuthservID c.example\nSyslog 1\n"
		    "IgnoreHosts /etc/hosts.list" },
	};
	struct arena *a = arena_new(MEMORY);
	struct import *im = import_new(a, read_named, NULL);
	char *out;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_true(
		    import_add(im, files[i].path, span_str(files[i].text)));
	assert_true(import_print(im, f));
	fclose(f);
	assert_non_null(strstr(out,
	    "# opendkim.conf:3: Syslog yes\n# opendmarc.conf:2: Syslog 1\n"
	    "log_target = syslog\n"));
	assert_non_null(strstr(out,
	    "# opendmarc.conf:1: AuthservID c.example\n"
	    "#\tauthserv_id is already \"b.example\", set by "
	    "opendkim.conf:2\n"));
	assert_non_null(strstr(out,
	    "# opendkim.conf:4: PeerList 10.0.0.0/8\n"
	    "# opendmarc.conf:3: IgnoreHosts /etc/hosts.list\n"
	    "skip_networks += {\n\t\"10.0.0.0/8\",\n\t\"192.0.2.0/24\","));
	free(out);
	arena_free(a);
}

/* The output begins with what to do, followed by the settings, what changes,
 * and what is not needed. */
static void
the_order_of_notes(void **state)
{
	static const char *const order[] = { "# What to do now;",
		"# opendmarc.conf:1: RejectFailures 0\n#\tnothing is refused",
		"\nmode = monitor\n", "\n# What changes:\n",
		"# opendmarc.conf:2: ReportCommand x",
		"\n# What avouch does not need:\n",
		"# opendmarc.conf:3: Background no" };
	char *out = printed("opendmarc.conf",
	    "RejectFailures 0\nReportCommand x\nBackground no\n");
	const char *at = out;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		at = strstr(at, order[i]);
		if (at == NULL)
			fail_msg(
			    "%s is missing or too early in\n%s", order[i], out);
	}
	free(out);
}

static void
whose_file_it_is(void **state)
{
	static const struct {
		const char *path, *text;
		const char *program; /* NULL: none */
	} vectors[] = {
		{ "/etc/opendkim.conf", "", "opendkim" },
		{ "/etc/opendkim/opendmarc.conf", "", "opendmarc" },
		{ "/x/policyd-spf.conf.old", "", "policyd-spf" },
		{ "/tmp/a", "Canonicalization simple\nSyslog yes", "opendkim" },
		{ "/tmp/a", "RejectFailures true\nSyslog yes", "opendmarc" },
		{ "-", "debugLevel = 1\nHELO_reject = Fail", "policyd-spf" },
		{ "/tmp/a", "", NULL },
		{ "/tmp/a", "myhostname = mx.example.org", NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct arena *a = arena_new(MEMORY);
		struct import *im = import_new(a, read_named, NULL);
		bool good =
		    import_add(im, vectors[i].path, span_str(vectors[i].text));
		char want[100], *out;
		size_t size;
		FILE *f = open_memstream(&out, &size);

		if (good != (vectors[i].program != NULL))
			fail_msg("%s: %s: %d", vectors[i].path, vectors[i].text,
			    good);
		assert_true(import_print(im, f));
		fclose(f);
		snprintf(want, sizeof(want), "#\t%s (%s)\n", vectors[i].path,
		    good ? vectors[i].program : "");
		assert_int_equal(strstr(out, want) != NULL, good);
		free(out);
		arena_free(a);
	}
}

static void
table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < import_n_rules; i++) {
		const struct import_rule *r = &import_rules[i];

		assert_true(r->programs != 0);
		assert_true((r->convert != NULL) != (r->why != NULL));
		assert_true(r->standard == NULL || r->convert != NULL);
		for (int p = IMPORT_OPENDKIM; p <= IMPORT_POLICYD_SPF; p++) {
			const struct import_rule *found = import_rule_find(
			    (enum import_program)p, span_str(r->name));

			if ((r->programs & 1U << p) != 0 && found != r)
				fail_msg("%s: appears twice", r->name);
		}
	}
}

/* Sets each option to values that may be invalid for it; the file must still be
 * read. */
static void
any_value_of_any_option(void **state)
{
	static const char *const values[] = { "", "1", "yes", "no", "x y",
		"a.example", "10.0.0.0/8", "/etc/hosts.list", "\"", "'", "\\",
		"${HOME}", "{", "}", "/* x", "%s", "inet:1", "99999999999999" };

	(void)state;
	for (size_t i = 0; i < import_n_rules; i++) {
		const char *path =
		    import_rules[i].programs & 1U << IMPORT_OPENDKIM
		    ? "opendkim.conf"
		    : import_rules[i].programs & 1U << IMPORT_OPENDMARC
		    ? "opendmarc.conf"
		    : "policyd-spf.conf";

		for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
			char text[200];

			snprintf(text, sizeof(text), "%s %s",
			    import_rules[i].name, values[j]);
			free(printed(path, text));
		}
	}
}

static void
limits(void **state)
{
	struct arena *a = arena_new(MEMORY);
	struct import *im = import_new(a, read_named, NULL);
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	for (int i = 0; i < IMPORT_SETTINGS_MAX; i++)
		fputs("Domain x\n", f);
	fflush(f);
	assert_true(import_add(im, "opendkim.conf", span_of(text, size)));
	fputs("Domain x\n", f);
	fclose(f);
	assert_false(import_add(im, "opendkim.conf", span_of(text, size)));
	free(text);
	arena_free(a);
}

static void
no_memory(void **state)
{
	static const char text[] = "Socket inet:8891\nKeyFile x\nUMask 002\n"
				   "PeerList /etc/hosts.list\nFoo bar\n";

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct arena *a = arena_new(MEMORY);
		struct import *im;
		char *out;
		size_t size;
		FILE *f = open_memstream(&out, &size);
		bool good;

		arena_fail_at(a, nth);
		im = import_new(a, read_named, NULL);
		good = im != NULL &&
		    import_add(
			im, "opendkim.conf", span_of(text, sizeof(text) - 1)) &&
		    import_print(im, f);
		fclose(f);
		free(out);
		if (!arena_has_failed(a)) {
			assert_true(good && nth > 20);
			arena_free(a);
			return;
		}
		if (good)
			fail_msg("allocation %lu: not noticed", nth);
		arena_free(a);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(opendkim),
		cmocka_unit_test(opendmarc),
		cmocka_unit_test(policyd_spf),
		cmocka_unit_test(files_together),
		cmocka_unit_test(the_order_of_notes),
		cmocka_unit_test(whose_file_it_is),
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(any_value_of_any_option),
		cmocka_unit_test(limits),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
