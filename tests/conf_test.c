/* conf_test.c - the configuration file, its faults, its snapshot */
#include "verify/conf.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/table.h"
#include "verify/conf_build.h"
#include "verify/conf_file.h"
#include "verify/conf_table.h"
#include "verify/conf_value.h"

/* ---- helpers ---- */

/* What is read from `text`; `errors` gets the faults, to be freed. */
static const struct conf *
read_text(const char *text, char **errors)
{
	size_t size;
	FILE *f = open_memstream(errors, &size);
	const struct conf *c;

	assert_non_null(f);
	c = conf_read_text(span_str(text), "f", f);
	fclose(f);
	return c;
}

static const struct conf *
read_good(const char *text)
{
	char *errors;
	const struct conf *c = read_text(text, &errors);

	if (c == NULL || errors[0] != '\0')
		fail_msg("%s\nis refused: %s", text, errors);
	free(errors);
	return c;
}

struct wanted {
	const char *name; /* "section.name", "override X.name", "name" */
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

static char *
shown(const struct conf *c)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	conf_show(c, f);
	fclose(f);
	return text;
}

/* ---- values ---- */

struct value_vector {
	const char *text;
	const char *name;
	const char *value; /* as it is shown */
	const char *origin;
};

static void
each_value(const struct value_vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		const struct conf *c = read_good(v->text);
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
		conf_drop(c);
	}
}

static void
values_of_every_kind(void **state)
{
	static const struct value_vector vectors[] = {
		{ "user = \"avouch\"", "user", "\"avouch\"", "f:1" },
		{ "user = avouch", "user", "\"avouch\"", "f:1" },
		{ "user = 'a\"b\\\\$'", "user", "\"a\\\"b\\\\\\$\"", "f:1" },
		{ "user = \"\"", "user", "\"\"", "f:1" },
		{ "authserv_id = MX.Example.ORG.", "authserv_id",
		    "\"mx.example.org\"", "f:1" },
		{ "authserv_id = \"b\303\274cher.example\"", "authserv_id",
		    "\"xn--bcher-kva.example\"", "f:1" },
		{ "/* a\n * b */ mode /* c */ = // d\n monitor # e\n", "mode",
		    "monitor", "f:3" },
		{ "skip_networks = { # a\n10.0.0.0/8, // b\n/* c\n */\n"
		  "11.0.0.0/8 # \"}\n} # d",
		    "skip_networks", "{\"10.0.0.0/8\", \"11.0.0.0/8\"}",
		    "f:2" },
		{ "user = \"a # b // c /* d */\"", "user",
		    "\"a # b // c /* d */\"", "f:1" },
		{ "user = '# // /*'", "user", "\"# // /*\"", "f:1" },
		{ "\n\npid_file = /run/p", "pid_file", "\"/run/p\"", "f:3" },
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
		{ "dmarc { quarantine_header = X-Spam }",
		    "dmarc.quarantine_header", "\"X-Spam\"", "f:1" },
		{ "dmarc { quarantine_header = '' }", "dmarc.quarantine_header",
		    "\"\"", "f:1" },
		{ "report { failure_headers += {Subject, X-Spam} }",
		    "report.failure_headers",
		    "{\"From\", \"Date\", \"Message-ID\", "
		    "\"DKIM-Signature\", \"Subject\", \"X-Spam\"}",
		    "f:1" },
		{ "report { failure_headers = {} }", "report.failure_headers",
		    "{}", "f" },
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
		{ "dns { trust_ad = yes }", "dns.trust_ad", "true", "f:1" },
		{ "dns { trust_ad = true }", "dns.trust_ad", "true", "f:1" },
		{ "mode = monitor", "mode", "monitor", "f:1" },
		{ "log = json", "log", "json", "f:1" },
		{ "log = none", "log", "none", "f:1" },
		{ "log_target = stderr", "log_target", "stderr", "f:1" },
		{ "dkim { max_signatures = 20 }", "dkim.max_signatures", "20",
		    "f:1" },
		{ "timeout = 90s", "timeout", "90s", "f:1" },
		{ "timeout = 60s", "timeout", "1m", "f:1" },
		{ "timeout = 1500ms", "timeout", "1500ms", "f:1" },
		{ "report { retention = 24h }", "report.retention", "1d",
		    "f:1" },
		{ "cache { serve_stale = 0 }", "cache.serve_stale", "0s",
		    "f:1" },
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
		{ "skip_networks = {}", "skip_networks", "{}", "f" },
		{ "", "skip_networks", "{\"127.0.0.0/8\", \"::1/128\"}",
		    "default" },
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
		    "{\"10.0.0.0/8\", \"11.0.0.0/8\", \"12.0.0.0/8\"}", "f:2" },
		{ "arc { trusted_sealers = { Lists.Example, example.ORG. } }",
		    "arc.trusted_sealers",
		    "{\"lists.example\", \"example.org\"}", "f:1" },
	};
	(void)state;
	each_value(vectors, TABLE_SIZE(vectors));
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
	each_value(vectors, TABLE_SIZE(vectors));

	c = read_good("mode = monitor\n"
		      "override b { from_domain = b.example action = hold }\n"
		      "\noverride a {\nfrom_domain = a.example\n"
		      "action = tempfail }\n");
	assert_int_equal(c->n_overrides, 2);
	assert_string_equal(c->overrides[0].name, "b");
	assert_int_equal(c->overrides[0].line, 2);
	assert_int_equal(c->overrides[0].action, CONF_HOLD);
	assert_null(c->overrides[0].list_id);
	assert_string_equal(c->overrides[1].name, "a");
	assert_int_equal(c->overrides[1].line, 4);
	assert_int_equal(c->overrides[1].action, CONF_TEMPFAIL);
	assert_int_equal(c->overrides[1].expires, 0);
	conf_drop(c);
}

/* The last day belongs to it; the next second does not. */
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
	for (size_t i = 0; i < TABLE_SIZE(vectors); i++) {
		char text[200];
		const struct conf *c;

		snprintf(text, sizeof(text),
		    OVERRIDE("client = 192.0.2.1 expires = %s"),
		    vectors[i].day);
		c = read_good(text);
		if (c->overrides[0].expires != vectors[i].end)
			fail_msg("%s: got %lld", vectors[i].day,
			    (long long)c->overrides[0].expires);
		assert_false(conf_override_expired(
		    &c->overrides[0], vectors[i].end - 1));
		assert_true(
		    conf_override_expired(&c->overrides[0], vectors[i].end));
		conf_drop(c);
	}
}

/* What `avouch config show` prints can be read again and shows the same. */
static void
shown_is_read_again(void **state)
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
	for (size_t i = 0; i < TABLE_SIZE(texts); i++) {
		const struct conf *a = read_good(texts[i]), *b;
		char *first = shown(a), *second;

		b = read_good(first);
		second = shown(b);
		for (char *p = first; (p = strstr(p, "  # ")) != NULL;)
			memmove(p, p + strcspn(p, "\n"),
			    strlen(p + strcspn(p, "\n")) + 1);
		for (char *p = second; (p = strstr(p, "  # ")) != NULL;)
			memmove(p, p + strcspn(p, "\n"),
			    strlen(p + strcspn(p, "\n")) + 1);
		assert_string_equal(first, second);
		free(first);
		free(second);
		conf_drop(a);
		conf_drop(b);
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
	assert_int_equal(c->mode, CONF_ENFORCE);
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
	assert_int_equal(c->dkim.max_signatures, 10);
	assert_null(c->report.store);
	assert_null(c->metrics.listen);
	assert_null(c->arc.trusted_sealers);
	assert_int_equal(c->n_overrides, 0);
	conf_drop(c);
}

/* The names of the design that benchmarks and other hosts' files rely on. */
static void
names_others_rely_on(void **state)
{
	const struct conf *c =
	    read_good("socket = \"unix:/tmp/x/avouch.sock\"\n"
		      "authserv_id = \"mx.example.org\"\n"
		      "nameservers = { \"127.0.0.1@5300\" }\nmode = monitor\n"
		      "skip_networks = {}\nlog = none\n"
		      "dkim {\n\tmax_signatures = 20\n}\n"
		      "report {\n\tstore = \"/tmp/x/avouch.db\"\n}\n"
		      "socket_group = \"postfix\" user = \"avouch\"\n"
		      "dmarc { on_reject = reject on_quarantine = hold }\n"
		      "metrics { listen = \"unix:/run/avouch/m.sock\" }\n");

	(void)state;
	assert_int_equal(c->n_skip_networks, 0);
	assert_int_equal(c->dns.servers[0].port, 5300);
	assert_int_equal(c->log, LOG_FORMAT_NONE);
	assert_int_equal(c->dkim.max_signatures, 20);
	conf_drop(c);
}

/* Every row's default is a value the row itself takes, within its range. */
static void
table_is_sound(void **state)
{
	struct arena *a = arena_new(1 << 20);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < conf_n_options; i++) {
		const struct conf_option *o = &conf_options[i];
		size_t n = strlen(o->help);
		struct conf_faults faults = { .arena = a };
		struct conf_word w = { NULL, o->standard, 1 };
		max_align_t base[sizeof(struct conf) / sizeof(max_align_t) + 1];
		char text[200];
		struct buf b = buf_over(text, sizeof(text));

		assert_true(n > 10 && o->help[n - 1] == '.');
		assert_true(conf_type_name(o->type)[0] != '\0');
		assert_ptr_equal(conf_option_find(o->section, o->name), o);
		if (conf_type_is_list(o->type) || o->standard[0] == '\0')
			continue;
		assert_true(conf_value_read(o, &w, base, a, &faults));
		conf_value_put(&b, o, base);
		if (strcmp(text, o->standard) != 0 &&
		    (text[0] != '"' ||
			strncmp(text + 1, o->standard, strlen(o->standard)) !=
			    0))
			fail_msg("%s.%s: default %s is shown as %s", o->section,
			    o->name, o->standard, text);
	}
	arena_free(a);
}

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
		const struct conf *c = read_text(v->text, &errors);

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
		    "f:1: missing title for section 'override'\n" },
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

		assert_null(read_text(bad[i], &errors));
		assert_true(errors[0] != '\0');
		free(errors);
		conf_drop(read_good("mode = monitor"));
	}
}

/* ---- limits ---- */

/* `each` stands there `n` times, its "@" as 0, 1, 2 ... */
static char *
repeated(const char *before, const char *each, size_t n, const char *after)
{
	size_t at = strcspn(each, "@"), size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fputs(before, f);
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "%.*s", (int)at, each);
		if (each[at] == '@')
			fprintf(f, "%08zu%s", i, each + at + 1);
	}
	fputs(after, f);
	fclose(f);
	return text;
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
		char *text = repeated(vectors[i].before, vectors[i].each,
		    vectors[i].good, vectors[i].after);
		struct fault_vector v = { NULL, vectors[i].want };

		conf_drop(read_good(text));
		free(text);
		text = repeated(vectors[i].before, vectors[i].each,
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
	char *text = repeated(
	    "skip_networks = { ::1", ",\n10.0.0.0/8", 5000, "}\nuser = x\n");
	const struct conf *c = read_good(text), *again;
	char *out = shown(c);

	(void)state;
	assert_true(strlen(out) > 50000);
	again = read_good(out);
	assert_int_equal(again->n_skip_networks, 5001);
	conf_drop(c);
	conf_drop(again);
	free(out);
	free(text);
}

static void
many_faults_are_cut(void **state)
{
	char *text = repeated("", "override n@ { }\n", 60, ""), *errors;
	size_t lines = 0;

	(void)state;
	assert_null(read_text(text, &errors));
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
	char *text = repeated("", "zz@ = 1\n", CONF_UNKNOWN_MAX + 9, "");
	char *errors;
	size_t lines = 0;

	(void)state;
	assert_null(read_text(text, &errors));
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

/* ---- files ---- */

static void
files(void **state)
{
	char path[] = "/tmp/conf-test-XXXXXX", *errors, want[200];
	int fd = mkstemp(path);
	size_t size;
	FILE *f = open_memstream(&errors, &size);
	char *large = repeated("", "# @\n", CONF_FILE_MAX / 11 + 1, "");
	const struct conf *c;

	(void)state;
	assert_true(fd >= 0);
	assert_non_null(f);
	assert_int_equal(write(fd, "\nmode = monitor\n", 16), 16);
	c = conf_read(path, f);
	assert_non_null(c);
	assert_int_equal(c->mode, CONF_MONITOR);
	conf_drop(c);

	assert_int_equal(
	    write(fd, large, strlen(large)), (ssize_t)strlen(large));
	assert_null(conf_read(path, f));
	close(fd);
	unlink(path);
	assert_null(conf_read(path, f));
	assert_null(conf_read("/", f));
	fclose(f);
	snprintf(want, sizeof(want),
	    "%s: is larger than 1048576 bytes\n"
	    "%s: No such file or directory\n/: Is a directory\n",
	    path, path);
	assert_string_equal(errors, want);
	free(errors);
	free(large);
}

/* ---- snapshots ---- */

static void
counted_snapshots(void **state)
{
	const struct conf *c = read_good("user = x");
	struct conf own = { .user = NULL };

	(void)state;
	assert_ptr_equal(conf_hold(c), c);
	conf_drop(c);
	assert_string_equal(c->user, "x");
	conf_drop(c);
	conf_drop(NULL);
	assert_null(conf_hold(NULL));
	/* one that was not made here is nobody's to free */
	assert_ptr_equal(conf_hold(&own), &own);
	conf_drop(&own);
	conf_drop(&own);
}

static void *
read_many(void *arg)
{
	const struct conf **last = arg;

	for (int i = 0; i < 50; i++) {
		char *errors;
		const struct conf *bad = read_text("foo = 1 bar = 2", &errors);

		conf_drop(*last);
		*last = bad != NULL ? NULL : read_good("user = y sample = 3%");
		free(errors);
	}
	return NULL;
}

static void
several_threads(void **state)
{
	pthread_t threads[4];
	const struct conf *last[4] = { NULL };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, read_many, &last[i]), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_non_null(last[i]);
		assert_int_equal(last[i]->sample, 30);
		conf_drop(last[i]);
	}
}

/* With the arena failing at each of its allocations. */
static void
no_memory(void **state)
{
	static const char text[] =
	    "user = x\nfoo = 1\nskip_networks += ::2\ndmrac { q = 1 }\n"
	    "override a { client = ::1 from_domain = {} }\n"
	    "override b { }\n";

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct arena *a = arena_new(1 << 20);
		struct conf_faults faults = { .arena = a };
		struct conf_file file;

		assert_non_null(a);
		arena_fail_at(a, nth);
		conf_file_parse(text, &faults, &file);
		if (!arena_has_failed(a)) {
			assert_true(nth > 30);
			assert_false(faults.lost);
			assert_int_equal(faults.n, 2);
			assert_int_equal(file.n_titles, 2);
			arena_free(a);
			break;
		}
		if (!faults.lost)
			fail_msg("allocation %lu: not noticed", nth);
		arena_free(a);
	}
}

/* The same for what becomes of it; nothing is half a configuration. */
static void
no_memory_for_the_snapshot(void **state)
{
	static const char text[] =
	    "user = x\nskip_networks += ::2\nnameservers = ::1\n"
	    "arc { trusted_sealers = { a.example, b.example } }\n"
	    "override a { client = ::1 from_domain = x.example action = hold "
	    "}\noverride b { list_id = x.example action = accept reason = y "
	    "}\n";

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct arena *a = arena_new(1 << 20);
		struct arena *snapshot = arena_new(1 << 20);
		struct conf_faults faults = { .arena = a };
		const struct conf *c;

		assert_non_null(a);
		assert_non_null(snapshot);
		arena_fail_at(snapshot, nth);
		c = conf_build(text, "f", snapshot, &faults);
		if (c != NULL) {
			assert_true(nth > 20);
			assert_false(faults.lost);
			assert_int_equal(c->n_overrides, 2);
			conf_drop(c);
			arena_free(a);
			break;
		}
		if (!faults.lost || faults.n > 0)
			fail_msg("allocation %lu: %zu faults", nth, faults.n);
		arena_free(a);
	}
}

static void
no_memory_at_all(void **state)
{
	struct arena *a = arena_new(1 << 16);
	struct conf_faults faults = { .arena = a };
	char *told;
	size_t size;
	FILE *f = open_memstream(&told, &size);

	(void)state;
	assert_null(conf_build("", "f", NULL, &faults));
	conf_faults_print(&faults, "f", f);
	fclose(f);
	assert_string_equal(told, "f: out of memory\n");
	free(told);
	arena_free(a);
}

static void
values_without_memory(void **state)
{
	static const struct {
		const char *section, *name, *text;
	} vectors[] = {
		{ "", "user", "avouch" },
		{ "", "socket", "unix:/a" },
		{ "", "socket", "inet:8894" },
		{ "", "authserv_id", "mx.example" },
		{ "", "skip_networks", "10.0.0.0/8" },
		{ "arc", "trusted_sealers", "example.net" },
		{ "override", "from_domain", "*.example.net" },
	};
	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(vectors); i++) {
		const struct conf_option *o =
		    conf_option_find(vectors[i].section, vectors[i].name);
		struct conf_word w = { NULL, vectors[i].text, 1 };

		assert_non_null(o);
		for (unsigned long nth = 1;; nth++) {
			struct arena *a = arena_new(1 << 16);
			struct arena *told = arena_new(1 << 16);
			struct conf_faults faults = { .arena = told };
			struct conf c = { .user = NULL };
			struct conf_override v = { .name = NULL };
			bool good, failed;

			arena_fail_at(a, nth);
			good = conf_value_read(o, &w,
			    vectors[i].section[0] == 'o' ? (void *)&v
							 : (void *)&c,
			    a, &faults);
			failed = arena_has_failed(a);
			arena_free(a);
			arena_free(told);
			if (!failed) {
				assert_true(good && nth > 1);
				break;
			}
			if (good || (!faults.lost && faults.n == 0))
				fail_msg("%s: allocation %lu: not noticed",
				    vectors[i].name, nth);
		}
	}
}

static void
action_names(void **state)
{
	(void)state;
	assert_string_equal(conf_action_name(CONF_ACCEPT), "accept");
	assert_string_equal(conf_action_name(CONF_ANNOTATE), "annotate");
	assert_string_equal(conf_action_name(CONF_HOLD), "hold");
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
		cmocka_unit_test(shown_is_read_again),
		cmocka_unit_test(defaults),
		cmocka_unit_test(names_others_rely_on),
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(unknown_names),
		cmocka_unit_test(faulty_values),
		cmocka_unit_test(faults_of_form),
		cmocka_unit_test(after_a_fault),
		cmocka_unit_test(limits),
		cmocka_unit_test(long_lists_are_shown),
		cmocka_unit_test(many_faults_are_cut),
		cmocka_unit_test(unknown_names_are_cut),
		cmocka_unit_test(nul_in_the_file),
		cmocka_unit_test(files),
		cmocka_unit_test(counted_snapshots),
		cmocka_unit_test(several_threads),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(no_memory_for_the_snapshot),
		cmocka_unit_test(no_memory_at_all),
		cmocka_unit_test(values_without_memory),
		cmocka_unit_test(action_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
