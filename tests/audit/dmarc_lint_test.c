/* dmarc_lint_test.c - findings and explanations of `avouch dmarc`: RFC 9989
 * sections 4.7, 4.8, 4.10, 5.1, 7.4, 10.2 and 11.8, RFC 9990 section 4. */
#include "audit/dmarc_lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/enum_names.h"
#include "tests/support/core_driver.h"

#define TXT(name, text) name ". 60 IN TXT \"" text "\"\n"
#define DMARC(name, text) TXT("_dmarc." name, text)
#define HOST(name) name ". 60 IN A 192.0.2.1\n"
#define FAILS(name) ";!failed " name ". TXT servfail\n"
#define RUA "; rua=mailto:d@example.com"
#define HOSTS HOST("example.com") HOST("a.example.com")

struct dmarc_lint_run {
	struct core_run core;
	struct dmarc_lint lint;
};

static enum core_status
lint(void *arg)
{
	struct dmarc_lint_run *r = arg;

	arena_rewind(r->core.arena);
	return dmarc_lint(
	    r->core.domain, r->core.questions, r->core.arena, &r->lint);
}

static void
is_text(const char *name, const char *what, struct span text, bool required)
{
	if (required && text.n == 0)
		fail_msg("%s: %s is empty", name, what);
	if (!span_all(text, ascii_is_print) || span_has(text, '\t'))
		fail_msg("%s: %s is not printable", name, what);
}

/* Checks conditions that must hold for all findings and explanations. */
static void
is_sound(const char *name, const struct dmarc_lint *l)
{
	const struct dmarc_explanation *e = &l->explanation;

	for (size_t i = 0; i < l->findings.n; i++) {
		const struct audit_finding *f = &l->findings.list[i];

		is_text(name, f->id, f->where, true);
		is_text(name, f->id, f->text, true);
		is_text(name, f->id, f->fix, true);
		if (!span_starts_nocase(span_str(f->section), "RFC "))
			fail_msg("%s: %s has no section", name, f->id);
		if (i > 0 && f[-1].severity > f->severity)
			fail_msg("%s: errors are not first", name);
	}
	for (size_t i = 0; i < e->n_hops; i++) {
		is_text(name, "a hop", e->hops[i].name, true);
		is_text(name, "a hop", e->hops[i].text, true);
	}
	for (size_t i = 0; i < e->n_meanings; i++) {
		is_text(name, "a value", e->meanings[i].value, false);
		is_text(name, "a meaning", e->meanings[i].text, true);
	}
	for (size_t i = 0; i < e->n_cases; i++) {
		is_text(name, "a case", e->cases[i].from, true);
		is_text(name, "a case", e->cases[i].text, true);
	}
}

/* Makes each allocation fail once: findings may be missing, but `cut` must then
 * be set. */
static void
survives(const char *name, struct dmarc_lint_run *r)
{
	size_t whole = r->lint.findings.n;
	unsigned long nth = 1;
	bool failed;

	do {
		arena_fail_at(r->core.arena, nth);
		assert_int_equal(lint(r), CORE_DONE);
		failed = arena_has_failed(r->core.arena);
		if (failed && !r->lint.findings.cut)
			fail_msg(
			    "%s: memory failed at %lu in silence", name, nth);
		assert_true(r->lint.findings.n <= whole + 1);
	} while (failed && nth++ < 10000);
	assert_true(nth > 1 && nth < 10000);
	assert_int_equal(r->lint.findings.n, whole);
	arena_fail_at(r->core.arena, 0);
}

struct dmarc_lint_vector {
	const char *name;
	const char *domain;
	const char *zone;
	const char *want; /* ids in order; "!" marks an error, "?" a warning */
};

static void
finds(const struct dmarc_lint_vector *v, size_t n)
{
	static const char marks[] = {
		[AUDIT_ERROR] = '!',
		[AUDIT_WARNING] = '?',
	};

	for (; n > 0; n--, v++) {
		struct dmarc_lint_run r;
		char got[1024] = "";
		struct buf b = buf_wrap(got, sizeof(got));

		core_run_open(&r.core, v->domain, v->zone, lint);
		for (size_t i = 0; i < r.lint.findings.n; i++) {
			const struct audit_finding *f =
			    &r.lint.findings.list[i];

			buf_text(&b, i > 0 ? " " : "");
			if (f->severity != AUDIT_NOTE)
				buf_byte(&b, marks[f->severity]);
			buf_text(&b, f->id);
		}
		if (strcmp(got, v->want) != 0)
			fail_msg(
			    "%s:\n got  %s\n want %s", v->name, got, v->want);
		is_sound(v->name, &r.lint);
		survives(v->name, &r);
		core_run_close(&r.core);
	}
}

static void
the_walk(void **state)
{
	static const struct dmarc_lint_vector vectors[] = {
		{ "nothing wrong", "example.com",
		    HOSTS DMARC("example.com", "v=DMARC1; p=quarantine" RUA),
		    "" },
		{ "as a user types it", "_dmarc.Example.COM.",
		    HOSTS DMARC("example.com", "v=DMARC1; p=quarantine" RUA),
		    "" },
		{ "5.1.4 none", "example.com", HOSTS, "?no-record" },
		{ "8 the parent's", "a.example.com",
		    HOSTS DMARC("example.com", "v=DMARC1; p=quarantine" RUA),
		    "no-own-record" },
		{ "an invalid domain", "exa..mple", "", "!bad-name" },
		{ "an empty domain", "", "", "!bad-name" },
		{ "4.10 several", "example.com",
		    HOSTS DMARC("example.com", "v=DMARC1; p=none")
			DMARC("example.com", "v=DMARC1; p=reject"),
		    "!several-records ?no-record" },
		{ "4.7 v in lower case", "example.com",
		    HOSTS DMARC("example.com", "v=dmarc1; p=none"),
		    "!near-miss ?no-record" },
		{ "4.7 v is not the first", "example.com",
		    HOSTS DMARC("example.com", "p=none; v=DMARC1"),
		    "!near-miss ?no-record" },
		{ "4.7 another version", "example.com",
		    HOSTS DMARC("example.com", "v=DMARC2; p=none"),
		    "!near-miss ?no-record" },
		{ "4.8 a leading space", "example.com",
		    HOSTS DMARC("example.com", " v=DMARC1; p=none"),
		    "!near-miss ?no-record" },
		{ "4.10 something like it beside a record", "example.com",
		    HOSTS DMARC("example.com", "V=dmarc1; p=none")
			DMARC("example.com", "v=DMARC1; p=quarantine" RUA),
		    "foreign-record" },
		{ "4.10.1 sp of the parent", "a.example.com",
		    HOSTS DMARC(
			"example.com", "v=DMARC1; p=none; sp=quarantine" RUA),
		    "no-own-record" },
		{ "4.10.1 weak sp of the parent", "a.example.com",
		    HOSTS DMARC("example.com",
			"v=DMARC1; p=reject; sp=none; np=reject" RUA),
		    "?monitoring ?sp-weaker no-own-record" },
		{ "4.10.1 np of the parent", "none.example.com",
		    HOSTS DMARC(
			"example.com", "v=DMARC1; p=none; np=quarantine" RUA),
		    "no-own-record" },
		{ "4.10 something else", "example.com",
		    HOSTS DMARC("example.com", "v=spf1 -all"),
		    "?no-record foreign-record" },
		{ "4.5 a record at the wrong name", "example.com",
		    HOSTS TXT("example.com", "v=DMARC1; p=none"),
		    "!misplaced ?no-record" },
		{ "5.3.6 no answer", "example.com",
		    HOSTS FAILS("_dmarc.example.com"), "!no-answer" },
		{ "5.3.6 no answer above", "example.com",
		    HOSTS DMARC("example.com", "v=DMARC1; p=quarantine" RUA)
			FAILS("_dmarc.com"),
		    "!no-answer" },
		{ "11.8 a top-level domain without psd=y", "example.com",
		    HOSTS DMARC("example.com", "v=DMARC1; p=quarantine" RUA)
			DMARC("com", "v=DMARC1; p=none"),
		    "?suffix-without-psd" },
		{ "11.8 a top-level domain with psd=y", "example.com",
		    HOSTS DMARC("example.com", "v=DMARC1; p=quarantine" RUA)
			DMARC("com", "v=DMARC1; p=none; psd=y"),
		    "" },
		{ "5.1.8 nine labels", "g.f.e.d.c.b.a.example.com",
		    HOSTS DMARC("example.com", "v=DMARC1; p=quarantine" RUA),
		    "?deep-name no-own-record" },
		{ "an alias", "example.com",
		    HOSTS
		    "_dmarc.example.com. 60 IN CNAME d.example.net.\n" TXT(
			"d.example.net", "v=DMARC1; p=quarantine" RUA),
		    "alias" },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

static void
the_record(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} vectors[] = {
		{ "4.10.1 broken", "v=DMARC1; p=nosuch",
		    "!broken-policy !bad-value" },
		{ "4.10.1 broken, no p", "v=DMARC1", "!broken-policy" },
		{ "4.10.1 as p=none", "v=DMARC1; p=nosuch" RUA,
		    "!defaulted-policy !bad-value ?monitoring" },
		{ "4.10.1 sp", "v=DMARC1; p=reject; sp=x" RUA,
		    "!defaulted-policy !bad-value ?monitoring" },
		{ "4.8 values",
		    "v=DMARC1; p=quarantine; adkim=x; t=1; psd=" RUA,
		    "!bad-value !bad-value !bad-value" },
		{ "twice", "v=DMARC1; p=quarantine; p=none" RUA,
		    "!repeated-tag" },
		{ "4.7 unknown", "v=DMARC1; p=quarantine; pt=none" RUA,
		    "unknown-tag" },
		{ "A.6 pct", "v=DMARC1; p=quarantine; pct=50" RUA, "?pct" },
		{ "A.6 pct=100", "v=DMARC1; p=quarantine; pct=100" RUA,
		    "historic-tag" },
		{ "9.3 historic", "v=DMARC1; p=quarantine; rf=afrf; ri=1" RUA,
		    "historic-tag historic-tag" },
		{ "4.8 garbled", "v=DMARC1; p=quarantine; sp none" RUA,
		    "!garbled" },
		{ "4.8 empty", "v=DMARC1;; p=quarantine;" RUA, "" },
		{ "capitals", "v=DMARC1; P=quarantine" RUA, "upper-case-tag" },
		{ "4.7 sp weaker",
		    "v=DMARC1; p=quarantine; sp=none; np=reject" RUA,
		    "?sp-weaker" },
		{ "4.7 np weaker", "v=DMARC1; p=quarantine; np=none" RUA,
		    "?np-weaker" },
		{ "4.7 np wanted", "v=DMARC1; p=quarantine; sp=none" RUA,
		    "?sp-weaker np-hint" },
		{ "A.6 testing", "v=DMARC1; p=quarantine; t=y" RUA,
		    "?testing" },
		{ "4.7 testing nothing", "v=DMARC1; p=none; t=y" RUA,
		    "?monitoring testing-none" },
		{ "4.7 testing np", "v=DMARC1; p=none; np=reject; t=y" RUA,
		    "?testing ?monitoring" },
		{ "5.1.7 monitoring", "v=DMARC1; p=none" RUA, "?monitoring" },
		{ "5.1.5 blind", "v=DMARC1; p=none", "?monitoring-blind" },
		{ "5.1.3 no rua", "v=DMARC1; p=quarantine", "no-rua" },
		{ "7.4 reject", "v=DMARC1; p=reject" RUA, "reject" },
		{ "4.7 psd=y", "v=DMARC1; p=quarantine; psd=y" RUA, "?psd" },
		{ "10.2 psd=y and ruf",
		    "v=DMARC1; p=quarantine; psd=y; "
		    "ruf=mailto:d@example.com" RUA,
		    "!psd-ruf ?psd" },
		{ "10.2 ruf",
		    "v=DMARC1; p=quarantine; ruf=mailto:d@example.com" RUA,
		    "ruf" },
		{ "4.7 fo without ruf", "v=DMARC1; p=quarantine; fo=1" RUA,
		    "fo-without-ruf" },
		{ "4.8 fo=0:1",
		    "v=DMARC1; p=quarantine; fo=0:1; "
		    "ruf=mailto:d@example.com" RUA,
		    "bad-value ruf" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char zone[1024];
		struct buf b = buf_wrap(zone, sizeof(zone));

		buf_printf(&b, "%s_dmarc.example.com. 60 IN TXT \"%s\"\n",
		    HOSTS, vectors[i].text);
		finds(&(struct dmarc_lint_vector){ vectors[i].name,
			  "example.com", zone, vectors[i].want },
		    1);
	}
}

/* "sp will be ignored for records on subdomains of organizational domains" */
static void
rfc9989_4_7_unused(void **state)
{
	static const struct dmarc_lint_vector vectors[] = {
		{ "sp below", "a.example.com",
		    HOSTS DMARC("example.com", "v=DMARC1; p=quarantine" RUA)
			DMARC("a.example.com",
			    "v=DMARC1; p=quarantine; sp=reject; np=reject" RUA),
		    "?sp-unused ?sp-unused" },
		{ "psd=n makes it one", "a.example.com",
		    HOSTS DMARC("example.com", "v=DMARC1; p=quarantine" RUA)
			DMARC("a.example.com",
			    "v=DMARC1; p=quarantine; sp=reject; psd=n; "
			    "rua=mailto:d@a.example.com"),
		    "" },
		{ "a public suffix", "a.example.com",
		    HOSTS DMARC("a.example.com",
			"v=DMARC1; p=quarantine; sp=reject; psd=y; "
			"rua=mailto:d@a.example.com"),
		    "?psd" },
		{ "eight labels: never found for those below",
		    "f.e.d.c.b.a.example.com",
		    HOSTS HOST("f.e.d.c.b.a.example.com")
			DMARC("f.e.d.c.b.a.example.com",
			    "v=DMARC1; p=quarantine; sp=reject; "
			    "rua=mailto:d@f.e.d.c.b.a.example.com"),
		    "?sp-unused" },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

static void
report_addresses(void **state)
{
#define WITH(uris) DMARC("example.com", "v=DMARC1; p=quarantine; rua=" uris)
	static const struct dmarc_lint_vector vectors[] = {
		{ "4.8 no mailto:", "example.com", HOSTS WITH("d@example.com"),
		    "!bad-uri no-rua" },
		{ "4.8 one of two", "example.com",
		    HOSTS WITH("d@example.com,mailto:d@example.com"),
		    "!bad-uri" },
		{ "4.8 size", "example.com",
		    HOSTS WITH("mailto:d@example.com!10m"), "uri-size" },
		{ "4.7 scheme", "example.com",
		    HOSTS WITH("https://example.com/d"), "?uri-scheme" },
		{ "5.1.3 no such host", "example.com",
		    HOSTS WITH("mailto:d@none.example.com"), "?no-mail-host" },
		{ "5.1.3 null MX", "example.com",
		    HOSTS WITH("mailto:d@null.example.com") HOST(
			"null.example.com") "null.example.com. 60 IN MX 0 .\n",
		    "?no-mail-host" },
		{ "5.1.3 MX", "example.com",
		    HOSTS WITH(
			"mailto:d@mx.example.com") "mx.example.com. 60 IN MX 0 "
						   "a.example.com.\n",
		    "" },
		{ "RFC 9990 4 no consent", "example.com",
		    HOSTS WITH("mailto:d@other.test") HOST("other.test"),
		    "?no-consent" },
		{ "RFC 9990 4 consent", "example.com",
		    HOSTS WITH("mailto:d@other.test") HOST("other.test") TXT(
			"example.com._report._dmarc.other.test", "v=DMARC1;"),
		    "" },
		{ "RFC 9990 4 consent to all", "example.com",
		    HOSTS WITH("mailto:d@other.test") HOST("other.test")
			TXT("*._report._dmarc.other.test", "v=DMARC1"),
		    "" },
		{ "RFC 9990 4 no consent but a TXT", "example.com",
		    HOSTS WITH("mailto:d@other.test") HOST("other.test")
			TXT("example.com._report._dmarc.other.test", "yes"),
		    "?no-consent" },
		{ "RFC 9990 4 no answer", "example.com",
		    HOSTS WITH("mailto:d@other.test") HOST("other.test")
			FAILS("example.com._report._dmarc.other.test"),
		    "?consent-unknown" },
		{ "RFC 9990 4 the same organization", "a.example.com",
		    HOSTS DMARC("example.com",
			"v=DMARC1; p=quarantine" RUA) DMARC("a.example.com",
			"v=DMARC1; p=quarantine; rua=mailto:d@b.example.com")
			HOST("b.example.com"),
		    "" },
		{ "a subdomain of a different organization", "example.com",
		    HOSTS WITH("mailto:d@b.example.com") HOST("b.example.com")
			DMARC("b.example.com", "v=DMARC1; p=none; psd=n"),
		    "?no-consent" },
		{ "each host once", "example.com",
		    HOSTS WITH("mailto:a@other.test,mailto:b@Other.Test")
			HOST("other.test"),
		    "?no-consent" },
	};

	(void)state;
	finds(vectors, ARRAY_SIZE(vectors));
}

static void
many_of_everything(void **state)
{
	static char zone[16384];
	struct buf b = buf_wrap(zone, sizeof(zone));
	struct dmarc_lint_run r;

	(void)state;
	buf_text(&b, HOSTS "_dmarc.example.com. 60 IN TXT \"v=DMARC1; p=none;");
	for (int i = 0; i < 12; i++)
		buf_printf(&b, " foo%c=x;", 'a' + i);
	for (int i = 0; i < 8; i++)
		buf_text(&b, "\" \" bad; worse; worst;");
	for (int i = 0; i < 30; i++)
		buf_printf(&b, "%smailto:d@host%d.test",
		    i == 0           ? "\" \" rua="
			: i % 8 == 0 ? ",\" \""
				     : ",",
		    i);
	buf_text(&b, ";");
	for (int i = 0; i < 60; i++)
		buf_printf(
		    &b, "%s a%c=b;", i % 30 == 0 ? "\" \"" : "", 'a' + i % 26);
	buf_text(&b, "\"\n");
	core_run_open(&r.core, "example.com", zone, lint);
	assert_true(r.lint.findings.cut);
	assert_int_equal(r.lint.findings.n, 83);
	assert_true(
	    dns_questions_count(r.core.questions) <= 3 + DMARC_HOSTS_MAX * 6);
	is_sound("many", &r.lint);
	core_run_close(&r.core);
}

/* Checking report addresses must cost no more round trips than necessary. */
static void
waves(void **state)
{
	struct dmarc_lint_run r;

	(void)state;
	assert_int_equal(core_run_open(&r.core, "example.com", HOSTS, lint), 1);
	core_run_close(&r.core);
	assert_int_equal(core_run_open(&r.core, "example.com",
			     HOSTS DMARC("example.com",
				 "v=DMARC1; p=none; rua=mailto:d@other.test"),
			     lint),
	    2);
	core_run_close(&r.core);
}

static void
texts_name_what_is_meant(void **state)
{
	struct dmarc_lint_run r;

	(void)state;
	core_run_open(&r.core, "a.example.com",
	    HOSTS DMARC("example.com",
		"v=DMARC1; p=quarantine; adkim=strict; rua=mailto:d@other.test")
		HOST("other.test"),
	    lint);
	assert_int_equal(r.lint.findings.n, 3);
	const struct audit_finding *f = r.lint.findings.list;

	assert_string_equal(f[0].id, "bad-value");
	assert_true(span_is(f[0].where, "_dmarc.example.com"));
	assert_true(span_is(f[0].text,
	    "\"adkim=strict\" is not valid: receivers ignore the tag"));
	assert_true(span_is(f[0].fix, "Write adkim=r or adkim=s."));
	assert_string_equal(f[0].section, "RFC 9989 section 4.8");
	assert_true(span_is(f[1].text,
	    "other.test has not agreed to receive reports about example.com:"
	    " receivers do not send them"));
	assert_true(span_is(f[1].fix,
	    "Ask its owner to publish the TXT record \"v=DMARC1;\" at"
	    " example.com._report._dmarc.other.test."));
	assert_string_equal(f[2].id, "no-own-record");
	assert_string_equal(audit_severity_name(f[0].severity), "error");
	assert_string_equal(audit_severity_name(f[2].severity), "note");
	core_run_close(&r.core);
}

static void
shows_cases(const char *domain, const char *zone, const char *const want[3])
{
	struct dmarc_lint_run r;

	core_run_open(&r.core, domain, zone, lint);
	assert_int_equal(r.lint.explanation.n_cases, DMARC_CASES_MAX);
	for (size_t i = 0; i < DMARC_CASES_MAX; i++) {
		struct span got = r.lint.explanation.cases[i].text;

		if (!span_is(got, want[i]))
			fail_msg("%s, case %zu:\n got  %.*s\n want %s", domain,
			    i, SPAN_FMT(got), want[i]);
	}
	core_run_close(&r.core);
}

static void
what_applies(void **state)
{
	static const char zone[] = HOSTS DMARC(
	    "example.com", "v=DMARC1; p=reject; sp=quarantine; np=reject; t=y")
	    DMARC("b.example.com", "v=DMARC1; p=none; sp=reject")
		DMARC("bank.test", "v=DMARC1; p=none; sp=reject; psd=y")
		    DMARC("own.example.com", "v=DMARC1; p=none; psd=n")
			FAILS("_dmarc.lost.example")
			    DMARC("x.broken.example", "v=DMARC1; p=?");

	(void)state;
	shows_cases("example.com", zone,
	    (const char *const[3]){
		"p=reject of example.com, with t=y quarantine",
		"sp=quarantine of example.com, with t=y none",
		"np=reject of example.com, with t=y quarantine" });
	shows_cases("a.example.com", zone,
	    (const char *const[3]){
		"sp=quarantine of example.com, with t=y none",
		"sp=quarantine of example.com, with t=y none",
		"np=reject of example.com, with t=y quarantine" });
	shows_cases("nowhere.example.com", zone,
	    (const char *const[3]){
		"np=reject of example.com, with t=y quarantine",
		"sp=quarantine of example.com, with t=y none",
		"np=reject of example.com, with t=y quarantine" });
	shows_cases("b.example.com", zone,
	    (const char *const[3]){ "p=none of b.example.com",
		"sp=quarantine of example.com, with t=y none",
		"np=reject of example.com, with t=y quarantine" });
	shows_cases("own.example.com", zone,
	    (const char *const[3]){ "p=none of own.example.com",
		"p=none of own.example.com", "p=none of own.example.com" });
	shows_cases("bank.test", zone,
	    (const char *const[3]){ "p=none of bank.test",
		"sp=reject of bank.test", "sp=reject of bank.test" });
	shows_cases("shop.bank.test", zone,
	    (const char *const[3]){ "sp=reject of bank.test",
		"sp=reject of bank.test", "sp=reject of bank.test" });
	shows_cases("lost.example", zone,
	    (const char *const[3]){ "a DNS query failed: temporary error",
		"a DNS query failed: temporary error",
		"a DNS query failed: temporary error" });
	shows_cases("none.example", zone,
	    (const char *const[3]){ "no record applies: no DMARC policy",
		"no record applies: no DMARC policy",
		"no record applies: no DMARC policy" });
	shows_cases("x.broken.example", zone,
	    (const char *const[3]){ "the record is not usable: no DMARC policy",
		"the record is not usable: no DMARC policy",
		"the record is not usable: no DMARC policy" });
}

/* The result must equal that of a real tree walk that starts at a subdomain. */
static void
what_applies_below(void **state)
{
	static const char *const psd[] = { NULL, "u", "y", "n" };
	static const char *const names[] = { "b.example.com", "example.com",
		"com" };
	static const char *const deep[] = { "h.g.f.e.d.c.b.a", "g.f.e.d.c.b.a",
		"f.e.d.c.b.a" };

	(void)state;
	for (unsigned bits = 0; bits < 2 * 4 * 4 * 4; bits++) {
		const char *const *at = (bits & 64) != 0 ? deep : names;
		char zone[1024], below[64];
		struct buf b = buf_wrap(zone, sizeof(zone));
		struct buf n = buf_wrap(below, sizeof(below));
		struct dmarc_lint_run own, child;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			const char *p = psd[bits >> 2 * i & 3];

			if (p != NULL)
				buf_printf(&b,
				    "_dmarc.%s. 60 IN TXT \"v=DMARC1; p=none;"
				    " psd=%s\"\n",
				    at[i], p);
		}
		buf_printf(&n, "x.%s", at[0]);
		core_run_open(&own.core, at[0], zone, lint);
		core_run_open(&child.core, below, zone, lint);
		const struct dmarc_step *got =
		    dmarc_policy_below(&own.lint.above);
		const struct dmarc_step *want = child.lint.walk.policy;

		if ((got == NULL) != (want == NULL) ||
		    (got != NULL && !span_equal(got->domain, want->domain)))
			fail_msg("below %s, %s: got %.*s, want %.*s", at[0],
			    zone,
			    SPAN_FMT(got != NULL ? got->domain : SPAN("")),
			    SPAN_FMT(want != NULL ? want->domain : SPAN("")));
		core_run_close(&own.core);
		core_run_close(&child.core);
	}
}

static void
the_walk_in_words(void **state)
{
	static const struct {
		const char *name, *text, *role;
	} want[] = {
		{ "_dmarc.x.a.bank.test", "no such name", NULL },
		{ "_dmarc.a.bank.test", "v=DMARC1; p=none",
		    "organizational domain" },
		{ "_dmarc.bank.test", "v=DMARC1; p=reject; psd=y",
		    "public suffix" },
	};
	struct dmarc_lint_run r;

	(void)state;
	core_run_open(&r.core, "x.a.bank.test",
	    DMARC("a.bank.test", "v=DMARC1; p=none")
		DMARC("bank.test", "v=DMARC1; p=reject; psd=y"),
	    lint);
	assert_int_equal(r.lint.explanation.n_hops, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const struct dmarc_hop *hop = &r.lint.explanation.hops[i];

		assert_true(span_is(hop->name, want[i].name));
		assert_true(span_is(hop->text, want[i].text));
		if (want[i].role == NULL)
			assert_null(hop->role);
	}
	assert_string_equal(r.lint.explanation.hops[1].role,
	    "policy and organizational domain");
	assert_string_equal(r.lint.explanation.hops[2].role, "public suffix");
	core_run_close(&r.core);

	core_run_open(&r.core, "a.test",
	    DMARC("a.test", "hello \\007") FAILS("_dmarc.test"), lint);
	assert_true(span_is(r.lint.explanation.hops[0].text,
	    "no DMARC record: does not begin with v=DMARC1: hello ?"));
	assert_true(
	    span_is(r.lint.explanation.hops[1].text, "no answer: servfail"));
	core_run_close(&r.core);
}

static void
every_tag_in_words(void **state)
{
	struct dmarc_lint_run r;

	(void)state;
	core_run_open(&r.core, "example.com",
	    HOSTS DMARC("example.com",
		"v=DMARC1; p=reject; pct=5; foo=bar; adkim=x; p=none; fo=1"),
	    lint);
	const struct dmarc_explanation *e = &r.lint.explanation;
	static const struct {
		const char *tag, *value, *text;
	} want[] = {
		{ "v", "DMARC1", "this is a DMARC policy record" },
		{ "p", "reject",
		    "mail that fails is not from this domain: receivers may"
		    " refuse it" },
		{ "pct", "5",
		    "removed from DMARC (RFC 9989 appendix A.6): ignored; the"
		    " policy applies to all mail" },
		{ "foo", "bar", "unknown: ignored" },
		{ "adkim", "x", "not valid: ignored" },
		{ "p", "none", "repeated: ignored" },
		{ "fo", "1",
		    "send a failure report if SPF or DKIM does not"
		    " produce an aligned pass" },
		{ "sp", "",
		    "subdomains without a DMARC record: the same as p" },
		{ "np", "",
		    "subdomains that do not exist: the same as existing"
		    " ones" },
		{ "aspf", "",
		    "relaxed: SPF counts if the MAIL FROM domain has the same"
		    " organizational domain as the author domain" },
		{ "t", "", "not testing: receivers should apply the policy" },
		{ "psd", "",
		    "the tree walk decides whether this is an organizational"
		    " domain" },
		{ "rua", "", "send no aggregate reports" },
		{ "ruf", "", "send no failure reports" },
	};

	assert_int_equal(e->n_meanings, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const struct dmarc_meaning *m = &e->meanings[i];

		assert_true(span_is(m->tag, want[i].tag));
		assert_true(span_is(m->value, want[i].value));
		assert_true(m->is_default == (i >= 7));
		if (!span_is(m->text, want[i].text))
			fail_msg("%s: %.*s", want[i].tag, SPAN_FMT(m->text));
	}
	core_run_close(&r.core);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_walk),
		cmocka_unit_test(the_record),
		cmocka_unit_test(rfc9989_4_7_unused),
		cmocka_unit_test(report_addresses),
		cmocka_unit_test(many_of_everything),
		cmocka_unit_test(waves),
		cmocka_unit_test(texts_name_what_is_meant),
		cmocka_unit_test(what_applies),
		cmocka_unit_test(what_applies_below),
		cmocka_unit_test(the_walk_in_words),
		cmocka_unit_test(every_tag_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
