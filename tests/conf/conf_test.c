/* conf_test.c - the values in a configuration file */
#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/conf_text.h"
#include "conf/options.h"
#include "conf/value.h"
#include "verify/core_options.h"

struct wanted {
	const char
	    *name; /* such as "section.name", "override X.name" or "name" */
	char value[2000];
	char origin[100]; /* "default", "f:3", "f" */
	size_t found;
};

static void
look(void *arg, const struct conf_setting *s)
{
	struct wanted *w = arg;
	char name[200];

	if (s->override != NULL)
		snprintf(
		    name, sizeof(name), "override %s.%s", s->override, s->name);
	else
		snprintf(name, sizeof(name), "%s%s%s", s->section,
		    s->section[0] != '\0' ? "." : "", s->name);
	assert_true(s->help[0] != '\0');
	if (strcmp(name, w->name) != 0)
		return;
	w->found++;
	snprintf(w->value, sizeof(w->value), "%s", s->value);
	if (s->file == NULL)
		snprintf(w->origin, sizeof(w->origin), "default");
	else if (s->line == 0)
		snprintf(w->origin, sizeof(w->origin), "%s", s->file);
	else
		snprintf(
		    w->origin, sizeof(w->origin), "%s:%u", s->file, s->line);
}

/* ---- values ---- */

struct value_vector {
	const char *text;
	const char *name;
	const char *value; /* as conf_each() shows it */
	const char *origin;
};

static void
each_value(const struct value_vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		const struct conf *c = conf_text_good(v->text);
		struct wanted w = { .name = v->name };

		conf_each(c, look, &w);
		if (w.found != 1)
			fail_msg("%s: %s: found %zu times", v->text, v->name,
			    w.found);
		if (strcmp(w.value, v->value) != 0)
			fail_msg("%s: %s = %s, want %s", v->text, v->name,
			    w.value, v->value);
		if (strcmp(w.origin, v->origin) != 0)
			fail_msg("%s: %s is from %s, want %s", v->text, v->name,
			    w.origin, v->origin);
		conf_unref(c);
	}
}

static void
values_of_every_kind(void **state)
{
	static const struct value_vector vectors[] = {
		{ "user = \"avouch\"", "user", "\"avouch\"", "f:1" },
		{ "user = avouch", "user", "\"avouch\"", "f:1" },
		{ "user = 'a\"b\\\\$'", "user", "\"a\\\"b\\\\$\"", "f:1" },
		{ "user = \"\"", "user", "\"\"", "f:1" },
		{ "authserv_id = MX.Example.ORG.", "authserv_id",
		    "\"mx.example.org\"", "f:1" },
		{ "authserv_id = \"b\303\274cher.example\"", "authserv_id",
		    "\"xn--bcher-kva.example\"", "f:1" },
		{ "/* a\n * b */ mode /* c */ = // d\n monitor # e\n", "mode",
		    "monitor", "f:2" },
		{ "skip_networks = { # a\n10.0.0.0/8, // b\n/* c\n */\n"
		  "11.0.0.0/8 # \"}\n} # d",
		    "skip_networks", "{\"10.0.0.0/8\", \"11.0.0.0/8\"}",
		    "f:1" },
		{ "user = \"a # b // c /* d */\"", "user",
		    "\"a # b // c /* d */\"", "f:1" },
		{ "user = '# // /*'", "user", "\"# // /*\"", "f:1" },
		{ "report {\n\nsendmail = /run/p }", "report.sendmail",
		    "\"/run/p\"", "f:3" },
		{ "socket = \"unix:/a/b\"", "socket", "\"unix:/a/b\"", "f:1" },
		{ "socket = \"local:/a/b\"", "socket", "\"unix:/a/b\"", "f:1" },
		{ "socket = \"inet:8894\"", "socket", "\"inet:8894@127.0.0.1\"",
		    "f:1" },
		{ "socket = \"inet:8894@localhost\"", "socket",
		    "\"inet:8894@127.0.0.1\"", "f:1" },
		{ "socket = inet:1@192.0.2.1", "socket", "\"inet:1@192.0.2.1\"",
		    "f:1" },
		{ "socket = inet6:65535", "socket", "\"inet6:65535@::1\"",
		    "f:1" },
		{ "socket = \"inet6:8894@[2001:DB8::1]\"", "socket",
		    "\"inet6:8894@2001:db8::1\"", "f:1" },
		{ "socket = \"inet6:8894@::\"", "socket", "\"inet6:8894@::\"",
		    "f:1" },
		{ "metrics { listen = inet:9000@127.1.2.3 }", "metrics.listen",
		    "\"inet:9000@127.1.2.3\"", "f:1" },
		{ "metrics { listen = inet6:9000@::1 }", "metrics.listen",
		    "\"inet6:9000@::1\"", "f:1" },
		{ "socket_mode = 0600", "socket_mode", "0600", "f:1" },
		{ "socket_mode = 000", "socket_mode", "0000", "f:1" },
		{ "user = ''", "user", "\"\"", "f:1" },
		{ "report { failure_headers += {Subject, X-Spam} }",
		    "report.failure_headers",
		    "{\"From\", \"Date\", \"Message-ID\", "
		    "\"DKIM-Signature\", \"Subject\", \"X-Spam\"}",
		    "f:1" },
		{ "report { failure_headers = {} }", "report.failure_headers",
		    "{}", "f:1" },
		{ "report { failure_domains = {.A.example} }",
		    "report.failure_domains", "{\"*.a.example\"}", "f:1" },
		{ "report { email = dmarc@example.org }", "report.email",
		    "\"dmarc@example.org\"", "f:1" },
		{ "reply { reject_text = 'No: {reason} {url} {rule}' }",
		    "reply.reject_text", "\"No: {reason} {url} {rule}\"",
		    "f:1" },
		{ "reply { url = 'https://a.example/?d={domain}&c={client}' }",
		    "reply.url", "\"https://a.example/?d={domain}&c={client}\"",
		    "f:1" },
		{ "skip_authenticated = no", "skip_authenticated", "false",
		    "f:1" },
		{ "skip_authenticated = false", "skip_authenticated", "false",
		    "f:1" },
		{ "auth_login = yes", "auth_login", "true", "f:1" },
		{ "auth_login = true", "auth_login", "true", "f:1" },
		{ "mode = monitor", "mode", "monitor", "f:1" },
		/* names from earlier versions */
		{ "confine = off", "sandbox", "off", "f:1" },
		{ "spf { on_fail = hold }", "spf.on_fail", "quarantine",
		    "f:1" },
		{ "log = json", "log", "json", "f:1" },
		{ "log = none", "log", "none", "f:1" },
		{ "log_target = stderr", "log_target", "stderr", "f:1" },
		{ "dkim { min_rsa_bits = 2048 }", "dkim.min_rsa_bits", "2048",
		    "f:1" },
		{ "timeout = 90s", "timeout", "90s", "f:1" },
		{ "timeout = 60s", "timeout", "1m", "f:1" },
		{ "timeout = 1500ms", "timeout", "1500ms", "f:1" },
		{ "report { retention = 24h }", "report.retention", "1d",
		    "f:1" },
		{ "sign { expire = 0 }", "sign.expire", "0s", "f:1" },
		{ "cache { size = 64M }", "cache.size", "64M", "f:1" },
		{ "cache { size = 1g }", "cache.size", "1G", "f:1" },
		{ "cache { size = 1048577 }", "cache.size", "1048577", "f:1" },
		{ "sample = 5%", "sample", "5%", "f:1" },
		{ "sample = 0.5%", "sample", "0.5%", "f:1" },
		{ "sample = 0%", "sample", "0%", "f:1" },
		{ "sample = 100.0%", "sample", "100%", "f:1" },
		{ "nameservers = { \"127.0.0.1@53\", ::1 }", "nameservers",
		    "{\"127.0.0.1@53\", \"::1@53\"}", "f:1" },
		{ "nameservers = 192.0.2.1@5353", "nameservers",
		    "{\"192.0.2.1@5353\"}", "f:1" },
		{ "nameservers = zone:/a/b", "nameservers", "{\"zone:/a/b\"}",
		    "f:1" },
		{ "skip_networks = {}", "skip_networks", "{}", "f:1" },
		{ "", "skip_networks", "{\"127.0.0.0/8\", \"::1/128\"}",
		    "default" },
		{ "trusted_mtas = { 127.0.0.1@10025, \"::1@65535\", "
		  "10.0.0.0/8 }",
		    "trusted_mtas",
		    "{\"127.0.0.1/32@10025\", \"::1/128@65535\", "
		    "\"10.0.0.0/8\"}",
		    "f:1" },
		{ "skip_networks = 192.0.2.0/24", "skip_networks",
		    "{\"192.0.2.0/24\"}", "f:1" },
		{ "skip_networks += { 192.0.2.1, 2001:db8::/32 }",
		    "skip_networks",
		    "{\"127.0.0.0/8\", \"::1/128\", \"192.0.2.1/32\", "
		    "\"2001:db8::/32\"}",
		    "f:1" },
		{ "skip_networks = {\n10.0.0.0/8,\n11.0.0.0/8}\n"
		  "skip_networks += 12.0.0.0/8",
		    "skip_networks",
		    "{\"10.0.0.0/8\", \"11.0.0.0/8\", \"12.0.0.0/8\"}", "f:1" },
		{ "arc { trusted_sealers = { Lists.Example, example.ORG. } }",
		    "arc.trusted_sealers",
		    "{\"lists.example\", \"example.org\"}", "f:1" },
	};
	(void)state;
	each_value(vectors, ARRAY_SIZE(vectors));
}

#define OVERRIDE(text) "override \"o\" { action = accept\n" text "}"

static void
overrides(void **state)
{
	static const struct value_vector vectors[] = {
		{ OVERRIDE("from_domain = Example.NET"),
		    "override o.from_domain", "{\"example.net\"}", "f:2" },
		{ OVERRIDE("from_domain = { .a.example, \"*.b.example\", "
			   "\"**.c.example\" }"),
		    "override o.from_domain",
		    "{\"*.a.example\", \"*.b.example\", \"**.c.example\"}",
		    "f:2" },
		{ OVERRIDE("mail_from_domain = \"<>\""),
		    "override o.mail_from_domain", "{\"<>\"}", "f:2" },
		{ OVERRIDE(
		      "list_id = \"**.lists.example\"\nreason = \"why 'so'\""),
		    "override o.reason", "\"why 'so'\"", "f:3" },
		{ OVERRIDE("client = { 192.0.2.0/24 }"), "override o.client",
		    "{\"192.0.2.0/24\"}", "f:2" },
		{ OVERRIDE("dkim_domain = a.example\nexpires = 2027-03-31"),
		    "override o.expires", "2027-03-31", "f:3" },
		{ OVERRIDE("dkim_domain = a.example\nexpires = 2028-02-29"),
		    "override o.expires", "2028-02-29", "f:3" },
		{ OVERRIDE("dkim_domain = a.example\nexpires = 1999-12-31"),
		    "override o.expires", "1999-12-31", "f:3" },
		{ OVERRIDE("client = ::1\nexpires = \"\""),
		    "override o.expires", "\"\"", "f:3" },
		{ OVERRIDE("recipient_domain = a.example"), "override o.action",
		    "accept", "f:1" },
	};
	const struct conf *c;

	(void)state;
	each_value(vectors, ARRAY_SIZE(vectors));

	c = conf_text_good(
	    "mode = monitor\n"
	    "override b { from_domain = b.example action = hold }\n"
	    "\noverride a {\nfrom_domain = a.example\n"
	    "action = tempfail }\n");
	assert_int_equal(c->n_overrides, 2);
	assert_string_equal(c->overrides[0].name, "b");
	assert_int_equal(c->overrides[0].line, 2);
	assert_int_equal(c->overrides[0].action, CONF_QUARANTINE);
	assert_null(c->overrides[0].list_id);
	assert_string_equal(c->overrides[1].name, "a");
	assert_int_equal(c->overrides[1].line, 4);
	assert_int_equal(c->overrides[1].action, CONF_TEMPFAIL);
	assert_int_equal(c->overrides[1].expires, 0);
	conf_unref(c);
}

/* The override applies until the end of its last day. */
static void
last_day_of_an_override(void **state)
{
	static const struct {
		const char *day;
		int64_t end;
	} vectors[] = {
		{ "1970-01-01", 86400 },
		{ "2027-03-31", 1806537600 },
		{ "2024-02-29", 1709251200 },
		{ "2000-02-29", 951868800 },
		{ "2100-02-28", 4107542400 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char text[200];
		const struct conf *c;

		snprintf(text, sizeof(text),
		    OVERRIDE("client = 192.0.2.1 expires = %s"),
		    vectors[i].day);
		c = conf_text_good(text);
		if (c->overrides[0].expires != vectors[i].end)
			fail_msg("%s: got %lld", vectors[i].day,
			    (long long)c->overrides[0].expires);
		assert_false(conf_override_expired(
		    &c->overrides[0], vectors[i].end - 1));
		assert_true(
		    conf_override_expired(&c->overrides[0], vectors[i].end));
		conf_unref(c);
	}
}

/* The output of `avouch config show` can be read again and gives the same
 * values. */
static void
output_of_show_can_be_read_again(void **state)
{
	static const char *const texts[] = {
		"",
		"skip_networks = {}\nuser = \"a$\\\"{b}\"\nsample = 0.1%\n"
		"reply { url = \"https://x.example/%41?{rule}\" }\n"
		"override \"na$\\\"me\\\\\" { action = reject\n"
		"list_id = { a.example, '*.b.example' } reason = \"\\${x\"\n"
		"expires = 2030-01-01 client = 2001:db8::/32 }\n"
		"override z { action = annotate mail_from_domain = \"<>\" }\n",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct conf *a = conf_text_good(texts[i]), *b;
		char *first = conf_text_shown(a), *second;

		b = conf_text_good(first);
		second = conf_text_shown(b);
		for (char *p = first; (p = strstr(p, "  # ")) != NULL;)
			memmove(p, p + strcspn(p, "\n"),
			    strlen(p + strcspn(p, "\n")) + 1);
		for (char *p = second; (p = strstr(p, "  # ")) != NULL;)
			memmove(p, p + strcspn(p, "\n"),
			    strlen(p + strcspn(p, "\n")) + 1);
		assert_string_equal(first, second);
		free(first);
		free(second);
		conf_unref(a);
		conf_unref(b);
	}
}

static void
defaults(void **state)
{
	const struct conf *c = conf_defaults();

	(void)state;
	assert_non_null(c);
	assert_string_equal(c->socket, "unix:/run/avouch/avouch.sock");
	assert_int_equal(c->socket_mode, 0660);
	assert_null(c->socket_group);
	assert_null(c->user);
	assert_null(c->authserv_id);
	assert_int_equal(c->mode, CONF_MONITOR);
	assert_int_equal(c->sample, 1000);
	assert_int_equal(c->n_skip_networks, 2);
	assert_true(c->skip_authenticated);
	assert_int_equal(c->timeout_ms, 15000);
	assert_int_equal(c->dns.n_servers, 0);
	assert_int_equal(c->cache.bytes, 16 << 20);
	assert_int_equal(c->spf.on_fail, CONF_ANNOTATE);
	assert_int_equal(c->spf.on_temperror, CONF_ACCEPT);
	assert_int_equal(c->dmarc.on_reject, CONF_REJECT);
	assert_int_equal(c->dmarc.on_quarantine, CONF_ANNOTATE);
	assert_true(c->dmarc.indirect_as_quarantine);
	assert_int_equal(c->dkim.min_rsa_bits, 1024);
	assert_null(c->report.store);
	assert_null(c->metrics.listen);
	assert_null(c->arc.trusted_sealers);
	assert_int_equal(c->n_overrides, 0);
	conf_unref(c);
}

/* The message timeout leaves time for several questions, and the question
 * timeout for several attempts. */
static void
dns_timeouts_are_derived_from_timeout(void **state)
{
	static const struct {
		const char *text;
		unsigned first_ms, total_ms;
	} vectors[] = {
		{ "", 500, 12000 },
		{ "timeout = 1s", 100, 800 },
		{ "timeout = 6s", 200, 4800 },
		{ "timeout = 2m", 500, 96000 },
		{ "timeout = 1501ms", 100, 1200 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct conf *c = conf_text_good(vectors[i].text);

		struct dns_resolver_options o = core_options_resolver(c);

		assert_int_equal(o.first_ms, vectors[i].first_ms);
		assert_int_equal(o.total_ms, vectors[i].total_ms);
		conf_unref(c);
	}
}

/* Option names that benchmarks and the configurations of other hosts rely on;
 * they must not change.  dkim.max_signatures was removed, but is not an
 * error. */
static void
names_others_rely_on(void **state)
{
	const struct conf *c = conf_text_good(
	    "socket = \"unix:/tmp/x/avouch.sock\"\n"
	    "authserv_id = \"mx.example.org\"\n"
	    "nameservers = { \"127.0.0.1@5300\" }\nmode = monitor\n"
	    "skip_networks = {}\nlog = none\n"
	    "dkim {\n\tmax_signatures = 20\n}\n"
	    "report {\n\tstore = \"/tmp/x/avouch.db\"\n}\n"
	    "socket_group = \"postfix\" user = \"avouch\"\n"
	    "dmarc { on_reject = reject on_quarantine = quarantine }\n"
	    "metrics { listen = \"unix:/run/avouch/m.sock\" }\n");

	(void)state;
	assert_int_equal(c->n_skip_networks, 0);
	assert_int_equal(c->dns.servers[0].port, 5300);
	assert_int_equal(c->log, LOG_FORMAT_NONE);
	conf_unref(c);
}

/* The default of each option is valid for that option and within its range. */
static void
table_is_valid(void **state)
{
	struct arena *a = arena_new(1 << 20);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < conf_n_options; i++) {
		const struct conf_option *o = &conf_options[i];
		size_t n = strlen(o->help);
		struct conf_errors errors = { .arena = a };
		struct conf_value v = { NULL, o->default_text, 1 };
		max_align_t base[sizeof(struct conf) / sizeof(max_align_t) + 1];
		char text[200];
		struct buf b = buf_wrap(text, sizeof(text));

		assert_true(n > 10 && o->help[n - 1] == '.');
		assert_true(conf_type_name(o->type)[0] != '\0');
		assert_ptr_equal(conf_option_find(o->section, o->name), o);
		if (conf_type_is_list(o->type) || o->default_text[0] == '\0')
			continue;
		assert_true(conf_value_read(o, &v, base, a, &errors));
		conf_value_put(&b, o, base);
		if (strcmp(text, o->default_text) != 0 &&
		    (text[0] != '"' ||
			strncmp(text + 1, o->default_text,
			    strlen(o->default_text)) != 0))
			fail_msg("%s.%s: default %s is shown as %s", o->section,
			    o->name, o->default_text, text);
	}
	arena_free(a);
}

static void
action_names(void **state)
{
	(void)state;
	assert_string_equal(conf_action_name(CONF_ACCEPT), "accept");
	assert_string_equal(conf_action_name(CONF_ANNOTATE), "annotate");
	assert_string_equal(conf_action_name(CONF_QUARANTINE), "quarantine");
	assert_string_equal(conf_action_name(CONF_REJECT), "reject");
	assert_string_equal(conf_action_name(CONF_TEMPFAIL), "tempfail");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_every_kind),
		cmocka_unit_test(overrides),
		cmocka_unit_test(last_day_of_an_override),
		cmocka_unit_test(output_of_show_can_be_read_again),
		cmocka_unit_test(defaults),
		cmocka_unit_test(dns_timeouts_are_derived_from_timeout),
		cmocka_unit_test(names_others_rely_on),
		cmocka_unit_test(table_is_valid),
		cmocka_unit_test(action_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
