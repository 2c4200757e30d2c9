/* dmarc_test.c - RFC 9989 sections 4.4, 4.7, 4.10.1, 4.10.2, 5.3, 11.5 and
 * appendix B. */
#include "dmarc/dmarc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dmarc/explain.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/scan.h"
#include "lib/table.h"
#include "tests/support/pump.h"

#define DMARC(name, text) "_dmarc." name ". 60 IN TXT \"" text "\"\n"
#define HOST(name) name ". 60 IN A 192.0.2.1\n"
#define FAILS(name) ";!failed " name ". TXT servfail\n"
#define REJECT "v=DMARC1; p=reject"
#define NONE "v=DMARC1; p=none"

enum { IDENTIFIERS_MAX = 8, AUTHORS_MAX = 8, QUESTIONS_MAX = 128 };

struct vector {
	const char *name;
	const char *authors; /* "a b"; a leading "!" makes them bad */
	const char *spf;     /* "+domain" passes, "?domain" is a temperror,
	                        "-domain" is neither; "": none */
	const char *dkim;    /* several of them */
	const char *zone;
	const char *want; /* as show() writes it */
};

struct run {
	struct dmarc_facts facts;
	struct span authors[AUTHORS_MAX];
	struct dmarc_identifier dkim[IDENTIFIERS_MAX];
	struct dns_talk *talk;
	struct arena *arena;
	struct dmarc_result result;
};

static struct span
next_word(struct scan *s)
{
	struct span word = scan_until(s, ' ');

	scan_byte(s, ' ');
	return word;
}

static struct dmarc_identifier
identifier(struct span word)
{
	struct dmarc_identifier id = { .domain = span_skip(word, 1) };

	if (word.n == 0)
		id.domain = SPAN_NONE;
	else if (word.p[0] == '+')
		id.fact = DMARC_FACT_PASS;
	else if (word.p[0] == '?')
		id.fact = DMARC_FACT_TEMPERROR;
	return id;
}

static void
run_open(struct run *r, const char *authors, const char *spf, const char *dkim)
{
	struct scan s = scan_of(span_str(authors));

	*r =
	    (struct run){ .facts = { .authors = r->authors, .dkim = r->dkim } };
	r->facts.authors_bad = scan_byte(&s, '!');
	r->facts.authors_reason = r->facts.authors_bad ? "bad From" : NULL;
	while (!scan_done(&s)) {
		assert_true(r->facts.n_authors < AUTHORS_MAX);
		r->authors[r->facts.n_authors++] = next_word(&s);
	}
	r->facts.spf = identifier(span_str(spf));
	s = scan_of(span_str(dkim));
	while (!scan_done(&s)) {
		assert_true(r->facts.n_dkim < IDENTIFIERS_MAX);
		r->dkim[r->facts.n_dkim++] = identifier(next_word(&s));
	}
	r->talk = dns_talk_new(QUESTIONS_MAX);
	r->arena = arena_new(1 << 18);
	assert_non_null(r->talk);
	assert_non_null(r->arena);
}

static void
run_close(struct run *r)
{
	dns_talk_free(r->talk);
	arena_free(r->arena);
}

static enum step
ask(void *arg)
{
	struct run *r = arg;

	arena_rewind(r->arena);
	return dmarc_ask(&r->facts, r->talk, r->arena);
}

static enum step
check(void *arg)
{
	struct run *r = arg;

	arena_rewind(r->arena);
	return dmarc_check(&r->facts, r->talk, r->arena, &r->result);
}

/* "fail sp=reject example.com -> quarantine (org example.com) spf dkim t np" */
static void
show(struct buf *b, const struct dmarc_result *r)
{
	buf_text(b, dmarc_code_name(r->code));
	if (r->policy_tag != NULL)
		buf_printf(
		    b, " %s=%s", r->policy_tag, dmarc_policy_name(r->policy));
	if (r->policy_domain.p != NULL) {
		buf_byte(b, ' ');
		buf_span(b, r->policy_domain);
	}
	if (r->code == DMARC_FAIL)
		buf_printf(b, " -> %s", dmarc_policy_name(r->disposition));
	if (r->spf_aligned)
		buf_text(b, " spf");
	if (r->dkim_aligned)
		buf_text(b, " dkim");
	if (r->testing)
		buf_text(b, " t");
	if (r->nonexistent)
		buf_text(b, " nonexistent");
	if (r->organizational_domain.p != NULL) {
		buf_text(b, " (");
		buf_span(b, r->organizational_domain);
		buf_text(b, ")");
	}
}

/* What must hold of any result. */
static void
is_sound(const char *name, const struct run *r)
{
	const struct dmarc_result *d = &r->result;
	bool pass = d->code == DMARC_PASS;

	if (pass && (r->facts.authors_bad || r->facts.n_authors == 0))
		fail_msg("%s: passes without an author", name);
	if (pass != (d->spf_aligned || d->dkim_aligned))
		fail_msg("%s: pass and alignment differ", name);
	if (pass != (d->aligned_by.p != NULL))
		fail_msg("%s: aligned by whom?", name);
	if (d->code != DMARC_FAIL && d->disposition != DMARC_POLICY_NONE)
		fail_msg("%s: asks for something without a failure", name);
	if (d->disposition > d->policy && d->policy_tag != NULL)
		fail_msg("%s: asks for more than the policy", name);
	if ((d->policy_tag == NULL) != (d->record == NULL))
		fail_msg("%s: a policy without a record", name);
	if (d->reason.n == 0)
		fail_msg("%s: no reason", name);
	for (size_t i = 0; i < d->reason.n; i++) {
		if (d->reason.p[i] < ' ' || d->reason.p[i] > '~')
			fail_msg("%s: reason is not printable", name);
	}
}

/* Every allocation fails once: the same verdict, or a temperror. */
static void
survives(const struct vector *v, struct run *r)
{
	struct dmarc_result whole = r->result;
	unsigned long nth = 1;

	do {
		arena_fail_at(r->arena, nth);
		if (check(r) != STEP_DONE)
			fail_msg("%s: waits without memory", v->name);
		is_sound(v->name, r);
		if (r->result.code != DMARC_TEMPERROR &&
		    r->result.code != whole.code)
			fail_msg("%s: %s without memory at %lu", v->name,
			    dmarc_code_name(r->result.code), nth);
	} while (arena_has_failed(r->arena) && nth++ < 1000);
	assert_true(nth > 1 && nth < 1000);
	assert_int_equal(r->result.code, whole.code);
	arena_fail_at(r->arena, 0);
}

static bool
passes_aligned(const struct dmarc_relations *r, bool is_dkim)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].is_dkim == is_dkim &&
		    r->list[i].fact == DMARC_FACT_PASS &&
		    r->list[i].aligned == DMARC_ALIGNED)
			return true;
	return false;
}

/* What explains the verdict says the same, and asks nothing more; also where
 * an allocation fails. */
static void
explains(const char *name, struct run *r)
{
	const struct dmarc_result *d = &r->result;
	struct arena *a = arena_new(1 << 18);
	struct dmarc_relations out;

	assert_non_null(a);
	for (unsigned long nth = 0; nth == 0 || arena_has_failed(a); nth++) {
		arena_rewind(a);
		arena_fail_at(a, nth + 1);
		if (dmarc_relate(&r->facts, d->author_domain, r->talk, a,
			&out) != STEP_DONE)
			fail_msg("%s: asks what the verdict did not", name);
	}
	arena_fail_at(a, 0);
	if (d->record != NULL &&
	    (passes_aligned(&out, false) != d->spf_aligned ||
		passes_aligned(&out, true) != d->dkim_aligned))
		fail_msg("%s: explained otherwise", name);
	if ((d->record != NULL) !=
	    (out.walk.policy != NULL && !out.walk.policy->broken))
		fail_msg("%s: another record", name);
	if (d->record == NULL && out.n > 0)
		fail_msg("%s: aligned without a record", name);
	if (d->nonexistent != out.nonexistent)
		fail_msg("%s: exists, or not", name);
	arena_free(a);
}

static void
judges(const struct vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		struct dns_source *zone = pump_zone(v->zone);
		struct run r;
		char got[1024];
		struct buf b = buf_over(got, sizeof(got));

		run_open(&r, v->authors, v->spf, v->dkim);
		unsigned ahead = pump_core(r.talk, zone, false, ask, &r);
		unsigned after = pump_core(r.talk, zone, false, check, &r);

		if (ahead > 2 || after > 0)
			fail_msg("%s: %u and %u waves", v->name, ahead, after);
		show(&b, &r.result);
		if (strcmp(got, v->want) != 0)
			fail_msg("%s:\n got  %s\n want %s\n since %.*s",
			    v->name, got, v->want, SPAN_FMT(r.result.reason));
		is_sound(v->name, &r);
		if (r.result.author_domain.n > 0)
			explains(v->name, &r);
		survives(v, &r);
		run_close(&r);
		zone->close(zone);
	}
}

static void
rfc9989_5_3_5_pass_and_fail(void **state)
{
	static const struct vector vectors[] = {
		{ "nothing authenticated, p=none", "example.com",
		    "-example.com", "-example.com", DMARC("example.com", NONE),
		    "fail p=none example.com -> none (example.com)" },
		{ "p=quarantine", "example.com", "", "",
		    DMARC("example.com", "v=DMARC1; p=quarantine"),
		    "fail p=quarantine example.com -> quarantine"
		    " (example.com)" },
		{ "p=reject", "example.com", "", "",
		    DMARC("example.com", REJECT),
		    "fail p=reject example.com -> reject (example.com)" },
		{ "SPF", "example.com", "+example.com", "",
		    DMARC("example.com", REJECT),
		    "pass p=reject example.com spf (example.com)" },
		{ "DKIM", "example.com", "-example.com", "+example.com",
		    DMARC("example.com", REJECT),
		    "pass p=reject example.com dkim (example.com)" },
		{ "both", "example.com", "+example.com", "+example.com",
		    DMARC("example.com", REJECT),
		    "pass p=reject example.com spf dkim (example.com)" },
		{ "passes, but of others", "example.com", "+other.test",
		    "+other.example", DMARC("example.com", REJECT),
		    "fail p=reject example.com -> reject (example.com)" },
		{ "one of several signatures", "example.com", "+other.test",
		    "-example.com +other.test +mail.example.com",
		    DMARC("example.com", REJECT),
		    "pass p=reject example.com dkim (example.com)" },
		{ "no record", "example.com", "+example.com", "+example.com",
		    HOST("example.com"), "none (example.com)" },
		{ "a record that cannot be used", "example.com", "+example.com",
		    "", DMARC("example.com", "v=DMARC1; p=nosuch"),
		    "permerror example.com (example.com)" },
		{ "as p=none by its rua", "example.com", "", "",
		    DMARC("example.com",
			"v=DMARC1; p=nosuch; rua=mailto:a@example.com"),
		    "fail p=none example.com -> none (example.com)" },
		{ "several records, then the parent's", "a.example.com", "", "",
		    DMARC("a.example.com", NONE) DMARC("a.example.com", REJECT)
			DMARC("example.com", "v=DMARC1; p=none; sp=reject"),
		    "fail sp=reject example.com -> reject (example.com)" },
	};

	(void)state;
	judges(vectors, TABLE_SIZE(vectors));
}

static void
rfc9989_4_10_1_p_sp_np(void **state)
{
	static const char all[] =
	    DMARC("example.com", "v=DMARC1; p=none; sp=quarantine; np=reject")
		HOST("a.example.com") "b.example.com. 60 IN MX 10 mx.test.\n"
				      "k._domainkey.c.example.com. 60 IN TXT "
				      "\"v=DKIM1; p=\"\n"
				      "d.example.com. 60 IN CNAME gone.test.\n"
				      "*.w.example.com. 60 IN A 192.0.2.1\n";
	static const struct vector vectors[] = {
		{ "the domain itself", "example.com", "", "", all,
		    "fail p=none example.com -> none (example.com)" },
		{ "a subdomain that exists", "a.example.com", "", "", all,
		    "fail sp=quarantine example.com -> quarantine"
		    " (example.com)" },
		{ "NODATA is existence (A.4)", "b.example.com", "", "", all,
		    "fail sp=quarantine example.com -> quarantine"
		    " (example.com)" },
		{ "names below are existence (RFC 8020)", "c.example.com", "",
		    "", all,
		    "fail sp=quarantine example.com -> quarantine"
		    " (example.com)" },
		{ "an alias exists, though its target does not",
		    "d.example.com", "", "", all,
		    "fail sp=quarantine example.com -> quarantine"
		    " (example.com)" },
		{ "by a wildcard", "x.w.example.com", "", "", all,
		    "fail sp=quarantine example.com -> quarantine"
		    " (example.com)" },
		{ "a subdomain that does not exist", "x.example.com", "", "",
		    all,
		    "fail np=reject example.com -> reject nonexistent"
		    " (example.com)" },
		{ "its pass is a pass", "x.example.com", "+example.com", "",
		    all,
		    "pass np=reject example.com spf nonexistent"
		    " (example.com)" },
		{ "milder np", "x.example.com", "", "",
		    DMARC("example.com",
			"v=DMARC1; p=reject; sp=reject; np=none"),
		    "fail np=none example.com -> none nonexistent"
		    " (example.com)" },
		{ "np without sp, exists", "a.example.com", "", "",
		    DMARC("example.com", "v=DMARC1; p=none; np=reject")
			HOST("a.example.com"),
		    "fail p=none example.com -> none (example.com)" },
		{ "np without sp, does not exist", "a.example.com", "", "",
		    DMARC("example.com", "v=DMARC1; p=none; np=reject"),
		    "fail np=reject example.com -> reject nonexistent"
		    " (example.com)" },
		{ "sp for what does not exist", "x.example.com", "", "",
		    DMARC("example.com", "v=DMARC1; p=none; sp=reject"),
		    "fail sp=reject example.com -> reject (example.com)" },
		{ "neither", "x.example.com", "", "",
		    DMARC("example.com", REJECT),
		    "fail p=reject example.com -> reject (example.com)" },
		{ "not of the own record", "x.example.com", "", "",
		    DMARC("x.example.com",
			"v=DMARC1; p=none; sp=quarantine; np=reject"),
		    "fail p=none x.example.com -> none (x.example.com)" },
		{ "of the PSD's record", "x.bank.example", "", "",
		    DMARC("bank.example",
			"v=DMARC1; p=none; sp=none; np=reject; psd=y"),
		    "fail np=reject bank.example -> reject nonexistent"
		    " (x.bank.example)" },
		{ "existence cannot be told", "x.example.com", "", "",
		    DMARC("example.com", "v=DMARC1; p=none; np=reject")
			FAILS("x.example.com"),
		    "temperror p=none example.com (example.com)" },
		{ "nor need it be for a pass", "x.example.com", "",
		    "+example.com",
		    DMARC("example.com", "v=DMARC1; p=none; np=reject")
			FAILS("x.example.com"),
		    "pass p=none example.com dkim (example.com)" },
	};

	(void)state;
	judges(vectors, TABLE_SIZE(vectors));
}

static void
rfc9989_4_7_t(void **state)
{
	static const struct vector vectors[] = {
		{ "reject", "example.com", "", "",
		    DMARC("example.com", REJECT "; t=y"),
		    "fail p=reject example.com -> quarantine t (example.com)" },
		{ "quarantine", "example.com", "", "",
		    DMARC("example.com", "v=DMARC1; p=quarantine; t=y"),
		    "fail p=quarantine example.com -> none t (example.com)" },
		{ "none", "example.com", "", "",
		    DMARC("example.com", NONE "; t=y"),
		    "fail p=none example.com -> none t (example.com)" },
		{ "sp", "a.example.com", "", "",
		    DMARC("example.com", NONE "; sp=reject; t=y"),
		    "fail sp=reject example.com -> quarantine t"
		    " (example.com)" },
		{ "np", "a.example.com", "", "",
		    DMARC("example.com", NONE "; np=quarantine; t=y"),
		    "fail np=quarantine example.com -> none t nonexistent"
		    " (example.com)" },
		{ "a pass is none of its business", "example.com",
		    "+example.com", "", DMARC("example.com", REJECT "; t=y"),
		    "pass p=reject example.com spf t (example.com)" },
		{ "pct has no say (A.6)", "example.com", "", "",
		    DMARC("example.com", REJECT "; pct=0"),
		    "fail p=reject example.com -> reject (example.com)" },
	};

	(void)state;
	judges(vectors, TABLE_SIZE(vectors));
}

static void
rfc9989_4_4_table_1(void **state)
{
	static const struct vector vectors[] = {
		{ "foo and news", "news.example.com", "", "+foo.example.com",
		    DMARC("example.com", REJECT),
		    "pass p=reject example.com dkim (example.com)" },
		{ "foo and news, strict", "news.example.com", "",
		    "+foo.example.com",
		    DMARC("example.com", REJECT "; adkim=s"),
		    "fail p=reject example.com -> reject (example.com)" },
		{ "identical", "news.example.com", "", "+news.example.com",
		    DMARC("example.com", REJECT "; adkim=s"),
		    "pass p=reject example.com dkim (example.com)" },
		{ "example.net", "news.example.com", "", "+foo.example.net",
		    DMARC("example.com", REJECT) DMARC("example.net", REJECT),
		    "fail p=reject example.com -> reject (example.com)" },
		{ "adkim=s says nothing of SPF", "news.example.com",
		    "+foo.example.com", "+foo.example.com",
		    DMARC("example.com", REJECT "; adkim=s"),
		    "pass p=reject example.com spf (example.com)" },
		{ "aspf=s says nothing of DKIM", "news.example.com",
		    "+foo.example.com", "+foo.example.com",
		    DMARC("example.com", REJECT "; aspf=s"),
		    "pass p=reject example.com dkim (example.com)" },
		{ "no suffix of labels", "example.com", "+badexample.com", "",
		    DMARC("example.com", REJECT),
		    "fail p=reject example.com -> reject (example.com)" },
		{ "only a record at the common top-level domain", "a.test",
		    "+b.test", "", DMARC("test", REJECT),
		    "pass p=reject test spf (test)" },
		{ "a public suffix there", "a.test", "+b.test", "",
		    DMARC("test", REJECT "; psd=y"),
		    "fail p=reject test -> reject (a.test)" },
	};

	(void)state;
	judges(vectors, TABLE_SIZE(vectors));
}

/* 11.8: an attacker's sibling of the domain that is its own organization */
static void
rfc9989_11_8_psd_n(void **state)
{
	static const char zone[] = DMARC("mail.example.com", NONE "; psd=n")
	    DMARC("example.com", REJECT);
	static const struct vector vectors[] = {
		{ "identifier below its own psd=n", "evil.example.com",
		    "+mail.example.com", "", zone,
		    "fail p=reject example.com -> reject (example.com)" },
		{ "author below psd=n", "a.mail.example.com", "+example.com",
		    "+mail.example.com", zone,
		    "pass p=none mail.example.com dkim (mail.example.com)" },
		{ "author is psd=n, signed by the parent", "mail.example.com",
		    "", "+example.com", zone,
		    "fail p=none mail.example.com -> none"
		    " (mail.example.com)" },
		{ "a deep identifier whose psd=n the walk jumps over",
		    "example.com", "+i.h.g.f.e.d.c.b.a.example.com", "",
		    DMARC("example.com", REJECT)
			DMARC("h.g.f.e.d.c.b.a.example.com", NONE "; psd=n"),
		    "pass p=reject example.com spf (example.com)" },
	};

	(void)state;
	judges(vectors, TABLE_SIZE(vectors));
}

static void
rfc9989_b_1_alignment(void **state)
{
	static const char zone[] = DMARC("example.com", REJECT);
	static const struct vector vectors[] = {
		{ "B.1.1 example 1", "example.com", "+example.com", "",
		    DMARC("example.com", REJECT "; aspf=s"),
		    "pass p=reject example.com spf (example.com)" },
		{ "B.1.1 example 2", "example.com", "+child.example.com", "",
		    zone, "pass p=reject example.com spf (example.com)" },
		{ "B.1.1 example 2, strict", "example.com",
		    "+child.example.com", "",
		    DMARC("example.com", REJECT "; aspf=s"),
		    "fail p=reject example.com -> reject (example.com)" },
		{ "B.1.1 example 3", "child.example.com", "+example.net", "",
		    zone, "fail p=reject example.com -> reject (example.com)" },
		{ "B.1.2 example 1", "example.com", "", "+example.com",
		    DMARC("example.com", REJECT "; adkim=s"),
		    "pass p=reject example.com dkim (example.com)" },
		{ "B.1.2 example 2", "child.example.com", "", "+example.com",
		    zone, "pass p=reject example.com dkim (example.com)" },
		{ "B.1.2 example 3", "child.example.com", "", "+example.net",
		    zone, "fail p=reject example.com -> reject (example.com)" },
	};

	(void)state;
	judges(vectors, TABLE_SIZE(vectors));
}

#define ZONE_B_4_1                                                             \
	DMARC("example.com", REJECT) DMARC("signing.example.com", NONE)
#define ZONE_B_4_3                                                             \
	DMARC("bank.example", REJECT "; psd=y")                                \
	DMARC("giant.bank.example", "v=DMARC1; p=quarantine")
#define DEEP "a.b.c.d.e.f.g.h.i.j.k.example.com"

static void
rfc9989_b_2_to_b_4_figures(void **state)
{
	static const char test[] =
	    DMARC("example.com", NONE) DMARC("test.example.com",
		"v=DMARC1; p=quarantine; rua=mailto:dmarc-feedback@example.com,"
		"mailto:tld-test@thirdparty.example.net; t=y");
	static const struct vector vectors[] = {
		{ "B.2.1", "example.com", "", "",
		    DMARC("example.com",
			NONE "; rua=mailto:dmarc-feedback@example.com"),
		    "fail p=none example.com -> none (example.com)" },
		{ "B.2.5 testing", "test.example.com", "", "", test,
		    "fail p=quarantine test.example.com -> none t"
		    " (example.com)" },
		{ "B.2.5 only this subdomain", "other.example.com", "", "",
		    test, "fail p=none example.com -> none (example.com)" },
		{ "B.3.1", "example.com", "+mail.example.com", "+example.com",
		    DMARC("example.com",
			REJECT
			"; aspf=r; rua=mailto:dmarc-feedback@example.com"),
		    "pass p=reject example.com spf dkim (example.com)" },
		{ "B.4.1", "example.com", "+example.com",
		    "+signing.example.com", ZONE_B_4_1,
		    "pass p=reject example.com spf dkim (example.com)" },
		{ "B.4.1 DKIM alone", "example.com", "-example.com",
		    "+signing.example.com", ZONE_B_4_1,
		    "pass p=reject example.com dkim (example.com)" },
		{ "B.4.1 neither", "example.com", "-example.com",
		    "-signing.example.com", ZONE_B_4_1,
		    "fail p=reject example.com -> reject (example.com)" },
		{ "B.4.2", DEEP, "+example.com", "+signing.example.com",
		    ZONE_B_4_1,
		    "pass p=reject example.com spf dkim (example.com)" },
		{ "B.4.2 neither", DEEP, "-example.com", "-signing.example.com",
		    ZONE_B_4_1,
		    "fail p=reject example.com -> reject (example.com)" },
		{ "B.4.3", "giant.bank.example", "+mail.giant.bank.example",
		    "+mail.mega.bank.example", ZONE_B_4_3,
		    "pass p=quarantine giant.bank.example spf"
		    " (giant.bank.example)" },
		{ "B.4.3 DKIM alone", "giant.bank.example",
		    "-mail.giant.bank.example", "+mail.mega.bank.example",
		    ZONE_B_4_3,
		    "fail p=quarantine giant.bank.example -> quarantine"
		    " (giant.bank.example)" },
	};

	(void)state;
	judges(vectors, TABLE_SIZE(vectors));
}

static void
rfc9989_5_3_6_errors(void **state)
{
	static const struct vector vectors[] = {
		{ "the record", "example.com", "+example.com", "",
		    FAILS("_dmarc.example.com"), "temperror" },
		{ "above, needed for the policy", "a.example.com", "", "",
		    DMARC("example.com", REJECT) FAILS("_dmarc.com"),
		    "temperror" },
		{ "above, of no matter", "example.com", "-example.com", "",
		    DMARC("example.com", REJECT) FAILS("_dmarc.com"),
		    "fail p=reject example.com -> reject" },
		{ "above, and identical", "example.com", "+example.com", "",
		    DMARC("example.com", REJECT) FAILS("_dmarc.com"),
		    "pass p=reject example.com spf" },
		{ "above, and strict", "example.com", "+mail.example.com", "",
		    DMARC("example.com", REJECT "; aspf=s") FAILS("_dmarc.com"),
		    "fail p=reject example.com -> reject" },
		{ "above, no common suffix", "example.com", "+other.test", "",
		    DMARC("example.com", REJECT) FAILS("_dmarc.com"),
		    "fail p=reject example.com -> reject" },
		{ "above, needed for alignment", "example.com",
		    "+mail.example.com", "",
		    DMARC("example.com", REJECT) FAILS("_dmarc.com"),
		    "temperror p=reject example.com" },
		{ "the identifier's walk", "example.com", "",
		    "+mail.example.com",
		    DMARC("example.com", REJECT)
			FAILS("_dmarc.mail.example.com"),
		    "temperror p=reject example.com (example.com)" },
		{ "the identifier's walk, another passes", "example.com",
		    "+example.com", "+mail.example.com",
		    DMARC("example.com", REJECT)
			FAILS("_dmarc.mail.example.com"),
		    "pass p=reject example.com spf (example.com)" },
		{ "DKIM's, aligned", "example.com", "", "?example.com",
		    DMARC("example.com", REJECT),
		    "temperror p=reject example.com (example.com)" },
		{ "DKIM's, aligned, SPF passes", "example.com", "+example.com",
		    "?example.com", DMARC("example.com", REJECT),
		    "pass p=reject example.com spf (example.com)" },
		{ "DKIM's, relaxed", "example.com", "", "?mail.example.com",
		    DMARC("example.com", REJECT),
		    "temperror p=reject example.com (example.com)" },
		{ "DKIM's, of another", "example.com", "", "?other.test",
		    DMARC("example.com", REJECT),
		    "fail p=reject example.com -> reject (example.com)" },
		{ "SPF's, aligned", "example.com", "?example.com",
		    "+other.test", DMARC("example.com", REJECT),
		    "temperror p=reject example.com (example.com)" },
		{ "SPF's, strict and not identical", "example.com",
		    "?a.example.com", "",
		    DMARC("example.com", REJECT "; aspf=s"),
		    "fail p=reject example.com -> reject (example.com)" },
		{ "no record is no error", "example.com", "?example.com", "",
		    HOST("example.com"), "none (example.com)" },
	};

	(void)state;
	judges(vectors, TABLE_SIZE(vectors));
}

static void
rfc9989_5_3_1_and_11_5_authors(void **state)
{
	static const char zone[] =
	    DMARC("good.test", NONE) DMARC("strict.example", REJECT)
		DMARC("soft.example", "v=DMARC1; p=quarantine")
		    DMARC("broken.example", "v=DMARC1; p=?")
			FAILS("_dmarc.lost.example");
	static const struct vector vectors[] = {
		{ "none", "!", "+good.test", "+good.test", zone, "permerror" },
		{ "none, and nothing said", "", "+good.test", "+good.test",
		    zone, "permerror" },
		{ "bad, though it would pass", "!good.test", "+good.test", "",
		    zone, "permerror" },
		{ "bad, and it fails", "!strict.example", "+good.test", "",
		    zone,
		    "fail p=reject strict.example -> reject"
		    " (strict.example)" },
		{ "bad, no record", "!free.example", "+free.example", "", zone,
		    "permerror" },
		{ "bad, a temperror", "!lost.example", "", "", zone,
		    "temperror" },
		{ "bad, two, one fails", "!good.test strict.example",
		    "+good.test", "+good.test", zone,
		    "fail p=reject strict.example -> reject"
		    " (strict.example)" },
		{ "two, the second fails", "good.test strict.example",
		    "+good.test", "", zone,
		    "fail p=reject strict.example -> reject"
		    " (strict.example)" },
		{ "two, the first fails", "strict.example good.test",
		    "+good.test", "", zone,
		    "fail p=reject strict.example -> reject"
		    " (strict.example)" },
		{ "two, both pass", "strict.example good.test", "+good.test",
		    "+strict.example", zone,
		    "pass p=reject strict.example dkim (strict.example)" },
		{ "two, one without a record", "good.test free.example",
		    "+good.test", "", zone, "none (free.example)" },
		{ "one whose record is broken", "good.test broken.example",
		    "+good.test", "", zone,
		    "permerror broken.example (broken.example)" },
		{ "a failure of p=none", "good.test broken.example", "", "",
		    zone, "fail p=none good.test -> none (good.test)" },
		{ "a temperror goes before it", "good.test lost.example", "",
		    "", zone, "temperror" },
		{ "but hides no quarantine", "lost.example soft.example", "",
		    "", zone,
		    "fail p=quarantine soft.example -> quarantine"
		    " (soft.example)" },
		{ "nor a rejection",
		    "soft.example lost.example strict.example good.test", "",
		    "", zone,
		    "fail p=reject strict.example -> reject"
		    " (strict.example)" },
	};

	(void)state;
	judges(vectors, TABLE_SIZE(vectors));
}

struct waves {
	const char *name;
	const char *authors, *spf, *dkim, *zone;
	unsigned waves;
	const char *names; /* all that is asked, in order */
};

/* What is asked, and in how many waves: before the facts are known. */
static void
questions_in_waves(void **state)
{
	static const struct waves vectors[] = {
		{ "identical: one walk", "example.com", "+example.com",
		    "+example.com", DMARC("example.com", REJECT), 1,
		    "_dmarc.example.com _dmarc.com" },
		{ "of others: none", "example.com", "+other.test",
		    "-third.example +other.test", DMARC("example.com", REJECT),
		    1, "_dmarc.example.com _dmarc.com" },
		{ "a subdomain: at once", "example.com", "-mail.example.com",
		    "+example.com", DMARC("example.com", REJECT), 1,
		    "_dmarc.example.com _dmarc.com _dmarc.mail.example.com" },
		{ "only the top-level domain in common", "example.com",
		    "-other.com", "+third.com", DMARC("example.com", REJECT), 1,
		    "_dmarc.example.com _dmarc.com" },
		{ "which is the organizational domain", "a.test", "+b.test",
		    "-c.d.test", DMARC("test", REJECT), 2,
		    "_dmarc.a.test _dmarc.test _dmarc.b.test _dmarc.c.d.test"
		    " _dmarc.d.test" },
		{ "existence where it matters", "a.example.com", "", "",
		    DMARC("example.com", NONE "; np=reject"), 2,
		    "_dmarc.a.example.com _dmarc.example.com _dmarc.com"
		    " a.example.com" },
		{ "not for the same policy", "a.example.com", "", "",
		    DMARC("example.com", NONE "; sp=reject; np=reject"), 1,
		    "_dmarc.a.example.com _dmarc.example.com _dmarc.com" },
		{ "not without np", "a.example.com", "", "",
		    DMARC("example.com", NONE "; sp=reject"), 1,
		    "_dmarc.a.example.com _dmarc.example.com _dmarc.com" },
		{ "not where the walk has told", "a.example.com", "", "",
		    DMARC("example.com", NONE "; np=reject")
			DMARC("a.example.com", "hello"),
		    1, "_dmarc.a.example.com _dmarc.example.com _dmarc.com" },
		{ "not with a record of its own", "a.example.com", "", "",
		    DMARC("example.com", NONE "; np=reject")
			DMARC("a.example.com", NONE "; np=reject"),
		    1, "_dmarc.a.example.com _dmarc.example.com _dmarc.com" },
		{ "several authors at once", "a.test b.example", "+c.a.test",
		    "-b.example", "", 1,
		    "_dmarc.a.test _dmarc.test _dmarc.c.a.test _dmarc.b.example"
		    " _dmarc.example" },
		{ "a walk is never more than eight", DEEP, "", "", "", 1,
		    "_dmarc." DEEP " _dmarc.g.h.i.j.k.example.com"
		    " _dmarc.h.i.j.k.example.com _dmarc.i.j.k.example.com"
		    " _dmarc.j.k.example.com _dmarc.k.example.com"
		    " _dmarc.example.com _dmarc.com" },
	};

	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(vectors); i++) {
		const struct waves *v = &vectors[i];
		struct dns_source *zone = pump_zone(v->zone);
		struct run r;
		char got[1024];
		struct buf b = buf_over(got, sizeof(got));

		run_open(&r, v->authors, v->spf, v->dkim);
		unsigned waves = pump_core(r.talk, zone, false, ask, &r);

		assert_int_equal(pump_core(r.talk, zone, false, check, &r), 0);
		for (const struct dns_question *q = dns_talk_questions(r.talk);
		     q != NULL; q = q->next) {
			buf_text(&b, b.n > 0 ? " " : "");
			buf_span(&b, q->name);
		}
		if (strcmp(got, v->names) != 0)
			fail_msg(
			    "%s:\n got  %s\n want %s", v->name, got, v->names);
		if (waves != v->waves)
			fail_msg("%s: %u waves", v->name, waves);
		run_close(&r);
		zone->close(zone);
	}
}

/*
 * ---- the rules once more, as naively as can be, to compare with ----
 *
 * A small world: each name may have a record, said in one word.
 */
struct world {
	const char *name[8];
	const char *text[8]; /* NULL: none */
	size_t n;
	bool everything_exists;
};

static const char *
record_of(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++) {
		if (strcmp(w->name[i], name) == 0)
			return w->text[i];
	}
	return NULL;
}

static bool
says(const char *record, const char *tag)
{
	return record != NULL && strstr(record, tag) != NULL;
}

static const char *
parent_of(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot != NULL ? dot + 1 : NULL;
}

/* Section 4.10.2, names of fewer than eight labels. */
static const char *
naive_organizational(const struct world *w, const char *domain)
{
	const char *below = NULL, *fewest = domain;

	for (const char *at = domain; at != NULL; at = parent_of(at)) {
		const char *record = record_of(w, at);

		if (says(record, "psd=n"))
			return at;
		if (says(record, "psd=y"))
			return below != NULL ? below : at;
		if (record != NULL)
			fewest = at;
		below = at;
	}
	return fewest;
}

/* Section 4.10.1: where the policy is; NULL: nowhere. */
static const char *
naive_policy(const struct world *w, const char *domain)
{
	const char *org = naive_organizational(w, domain);

	if (record_of(w, domain) != NULL)
		return domain;
	if (record_of(w, org) != NULL)
		return org;
	for (const char *at = domain; at != NULL; at = parent_of(at)) {
		if (says(record_of(w, at), "psd=y"))
			return at;
	}
	return NULL;
}

static bool
naive_aligned(const struct world *w, const char *author, const char *id,
    const char *strict)
{
	const char *record = record_of(w, naive_policy(w, author));

	if (says(record, strict))
		return strcmp(author, id) == 0;
	return strcmp(naive_organizational(w, author),
		   naive_organizational(w, id)) == 0;
}

static const char *
naive_value(const char *record, const char *tag)
{
	const char *at = strstr(record, tag);

	if (at == NULL)
		return NULL;
	at += strlen(tag);
	return strncmp(at, "reject", 6) == 0     ? "reject"
	    : strncmp(at, "quarantine", 10) == 0 ? "quarantine"
						 : "none";
}

/* The line that show() writes. */
static void
naive(const struct world *w, const char *author, const char *spf,
    const char *dkim, struct buf *b)
{
	const char *org = naive_organizational(w, author);
	const char *where = naive_policy(w, author);
	const char *tag = "p", *value = NULL;
	bool by_spf = false, by_dkim = false;

	if (where == NULL) {
		buf_printf(b, "none (%s)", org);
		return;
	}
	const char *record = record_of(w, where);
	bool testing = says(record, " t=y");
	bool missing = false;

	if (strcmp(where, author) != 0) {
		const char *np = naive_value(record, " np=");
		const char *sp = naive_value(record, " sp=");

		value = sp;
		tag = sp != NULL ? "sp" : "p";
		if (sp == NULL)
			sp = naive_value(record, " p=");
		if (!w->everything_exists && np != NULL &&
		    strcmp(np, sp) != 0) {
			value = np;
			tag = "np";
			missing = true;
		}
	}
	if (value == NULL)
		value = naive_value(record, " p=");
	by_spf = spf != NULL && naive_aligned(w, author, spf, "aspf=s");
	by_dkim = dkim != NULL && naive_aligned(w, author, dkim, "adkim=s");
	buf_printf(b, "%s %s=%s %s", by_spf || by_dkim ? "pass" : "fail", tag,
	    value, where);
	if (!by_spf && !by_dkim)
		buf_printf(b, " -> %s",
		    !testing                           ? value
			: strcmp(value, "reject") == 0 ? "quarantine"
						       : "none");
	buf_printf(b, "%s%s%s%s (%s)", by_spf ? " spf" : "",
	    by_dkim ? " dkim" : "", testing ? " t" : "",
	    missing ? " nonexistent" : "", org);
}

/* A source that answers from such a world. */
struct world_source {
	struct dns_source source; /* first */
	const struct world *world;
};

static void
world_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	const struct world *w = ((struct world_source *)source)->world;
	char text[DOMAIN_MAX + 1];
	struct buf b = buf_over(text, sizeof(text));
	struct dns_record record = { .strings = 1 };
	struct dns_answer answer = { .state = DNS_NXDOMAIN };

	buf_span(&b, name);
	assert_int_equal(type, DNS_TXT);
	if (strncmp(text, "_dmarc.", 7) == 0)
		record.text = span_str(record_of(w, text + 7));
	else if (w->everything_exists)
		answer.state = DNS_NODATA;
	if (record.text.p != NULL) {
		answer.state = DNS_FOUND;
		answer.n_records = 1;
		answer.records = &record;
	}
	const struct dns_answer *shared = dns_answer_new(&answer);

	assert_non_null(shared);
	wait->done(wait, shared);
	dns_answer_drop(shared);
}

static void
compare(const struct world *w, const char *author, const char *spf,
    const char *dkim)
{
	struct world_source source = { .source = { .ask = world_ask },
		.world = w };
	char pass_spf[128], pass_dkim[128], got[512], want[512];
	struct buf s = buf_over(pass_spf, sizeof(pass_spf));
	struct buf d = buf_over(pass_dkim, sizeof(pass_dkim));
	struct buf g = buf_over(got, sizeof(got));
	struct buf n = buf_over(want, sizeof(want));
	struct run r;

	if (spf != NULL)
		buf_printf(&s, "+%s", spf);
	if (dkim != NULL)
		buf_printf(&d, "+%s", dkim);
	run_open(&r, author, pass_spf, pass_dkim);
	pump_core(r.talk, &source.source, false, check, &r);
	show(&g, &r.result);
	naive(w, author, spf, dkim, &n);
	if (strcmp(got, want) != 0) {
		for (size_t i = 0; i < w->n; i++)
			print_error("%s: %s\n", w->name[i],
			    w->text[i] != NULL ? w->text[i] : "-");
		fail_msg("author %s, SPF %s, DKIM %s:\n got  %s\n want %s",
		    author, spf != NULL ? spf : "-", dkim != NULL ? dkim : "-",
		    got, want);
	}
	run_close(&r);
}

/*
 * adkim x aspf x (same, parent, child, sibling, unrelated, a nephew, one that
 * shares the top-level domain) x psd at every name: each of them without a
 * record, or with one of psd=u, y, n.
 */
static void
matrix_of_alignment(void **state)
{
	static const char author[] = "b.example.com";
	static const char *const related[] = { "b.example.com", "example.com",
		"a.b.example.com", "c.example.com", "other.test",
		"d.c.example.com", "other.com", "com" };
	static const char *const psd[] = { NULL, "u", "y", "n" };
	size_t runs = 0;

	(void)state;
	for (size_t id = 0; id < TABLE_SIZE(related); id++) {
		for (unsigned bits = 0; bits < 4 * 4 * 4 * 4 * 4 * 4; bits++) {
			struct world w = { .name = { "com", "example.com",
					       author, related[id] },
				.n = id == 0 || id == 1 || id == 7 ? 3 : 4 };
			char text[4][80];
			unsigned modes = bits >> 8 & 3;
			unsigned by = bits >> 10 & 3;

			if (w.n == 3 && (bits & 3 << 6) != 0)
				continue;
			for (size_t i = 0; i < w.n; i++) {
				const char *p = psd[bits >> 2 * i & 3];
				struct buf b =
				    buf_over(text[i], sizeof(text[i]));

				buf_printf(&b,
				    "v=DMARC1; p=reject; adkim=%s; aspf=%s;"
				    " psd=%s",
				    (modes & 1) != 0 ? "s" : "r",
				    (modes & 2) != 0 ? "s" : "r",
				    p != NULL ? p : "");
				w.text[i] = p != NULL ? text[i] : NULL;
			}
			compare(&w, author, (by & 1) != 0 ? related[id] : NULL,
			    (by & 2) != 0 ? related[id] : NULL);
			runs++;
		}
	}
	assert_true(runs > 20000);
}

/* p x sp x np x t x psd x existence, at the author, its parent, above. */
static void
matrix_of_policies(void **state)
{
	static const char *const policy[] = { "none", "quarantine", "reject",
		NULL };
	static const char *const names[] = { "a.example.com", "example.com",
		"com" };
	static const char *const psd[] = { "u", "y", "n" };

	(void)state;
	for (unsigned bits = 0; bits < 3 * 4 * 4 * 2 * 3 * 2 * 3; bits++) {
		unsigned at = bits;
		const char *p = policy[at % 3];
		const char *sp = policy[(at /= 3) % 4];
		const char *np = policy[(at /= 4) % 4];
		const char *t = (at /= 4) % 2 == 0 ? "n" : "y";
		const char *flag = psd[(at /= 2) % 3];
		bool exists = (at /= 3) % 2 == 0;
		size_t where = (at / 2) % 3;
		char text[128];
		struct buf b = buf_over(text, sizeof(text));
		struct world w = { .name = { names[where] },
			.text = { text },
			.n = 1,
			.everything_exists = exists };

		buf_printf(&b, "v=DMARC1; p=%s;", p);
		if (sp != NULL)
			buf_printf(&b, " sp=%s;", sp);
		if (np != NULL)
			buf_printf(&b, " np=%s;", np);
		buf_printf(&b, " t=%s; psd=%s", t, flag);
		compare(&w, "a.example.com", NULL, NULL);
		compare(&w, "a.example.com", "a.example.com", "example.com");
	}
}

/* Unreadable sizes: bounded time, a verdict, no more questions than allowed. */
static void
hostile_sizes(void **state)
{
	enum { MANY = 32 };
	char names[MANY][2 * 120 + 16];
	struct span authors[MANY];
	struct dmarc_identifier dkim[MANY];
	struct dns_source *zone = pump_zone(DMARC("example.com", REJECT));
	struct run r;

	(void)state;
	run_open(&r, "", "+example.com", "");
	for (size_t i = 0; i < MANY; i++) {
		struct buf b = buf_over(names[i], sizeof(names[i]));

		for (size_t label = 0; label < 110; label++)
			buf_printf(&b, "%c.", (char)('a' + (label + i) % 26));
		buf_printf(&b, "x%zu.example.com", i);
		authors[i] = buf_done(&b);
	}
	for (size_t i = 0; i < MANY; i++)
		dkim[i] = (struct dmarc_identifier){ authors[MANY - 1 - i],
			DMARC_FACT_PASS };
	r.facts.authors = authors;
	r.facts.n_authors = MANY;
	r.facts.dkim = dkim;
	r.facts.n_dkim = MANY;
	/* with questions enough */
	dns_talk_free(r.talk);
	r.talk = dns_talk_new(8 * MANY + 16);
	pump_core(r.talk, zone, false, ask, &r);
	assert_int_equal(pump_core(r.talk, zone, false, check, &r), 0);
	assert_true(dns_talk_asked(r.talk) <= 8 * MANY);
	assert_int_equal(r.result.code, DMARC_PASS);
	assert_int_equal(r.result.n_authors, MANY);

	/* and without */
	dns_talk_free(r.talk);
	r.talk = dns_talk_new(20);
	pump_core(r.talk, zone, false, check, &r);
	assert_int_equal(r.result.code, DMARC_TEMPERROR);
	is_sound("too many questions", &r);
	run_close(&r);
	zone->close(zone);
}

/* A source that has answers only past their TTL. */
static void
stale_answers_are_said_so(void **state)
{
	struct dns_record record = { .text = SPAN(REJECT), .strings = 1 };
	struct dns_answer found = { .state = DNS_FOUND,
		.stale = true,
		.n_records = 1,
		.records = &record };
	const struct dns_answer *answer = dns_answer_new(&found);
	struct run r;

	(void)state;
	run_open(&r, "example.com", "", "");
	assert_int_equal(check(&r), STEP_WAIT);
	for (struct dns_question *q = dns_talk_questions(r.talk); q != NULL;
	     q = q->next)
		dns_talk_tell(q, answer);
	assert_int_equal(check(&r), STEP_DONE);
	assert_true(r.result.stale);
	assert_int_equal(r.result.code, DMARC_FAIL);
	run_close(&r);
	dns_answer_drop(answer);
}

static void
names_of_codes(void **state)
{
	(void)state;
	assert_string_equal(dmarc_code_name(DMARC_NONE), "none");
	assert_string_equal(dmarc_code_name(DMARC_PASS), "pass");
	assert_string_equal(dmarc_code_name(DMARC_FAIL), "fail");
	assert_string_equal(dmarc_code_name(DMARC_TEMPERROR), "temperror");
	assert_string_equal(dmarc_code_name(DMARC_PERMERROR), "permerror");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9989_5_3_5_pass_and_fail),
		cmocka_unit_test(rfc9989_4_10_1_p_sp_np),
		cmocka_unit_test(rfc9989_4_7_t),
		cmocka_unit_test(rfc9989_4_4_table_1),
		cmocka_unit_test(rfc9989_11_8_psd_n),
		cmocka_unit_test(rfc9989_b_1_alignment),
		cmocka_unit_test(rfc9989_b_2_to_b_4_figures),
		cmocka_unit_test(rfc9989_5_3_6_errors),
		cmocka_unit_test(rfc9989_5_3_1_and_11_5_authors),
		cmocka_unit_test(questions_in_waves),
		cmocka_unit_test(matrix_of_alignment),
		cmocka_unit_test(matrix_of_policies),
		cmocka_unit_test(hostile_sizes),
		cmocka_unit_test(stale_answers_are_said_so),
		cmocka_unit_test(names_of_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
