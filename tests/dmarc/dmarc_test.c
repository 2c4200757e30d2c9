/* dmarc_test.c - RFC 9989 sections 4.4, 4.7, 4.10.1, 4.10.2, 5.3, 11.5 and
 * appendix B. */
#include "dmarc/dmarc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "tests/support/dmarc_run.h"
#include "tests/support/core_driver.h"

static void
rfc9989_5_3_5_pass_and_fail(void **state)
{
	static const struct dmarc_vector vectors[] = {
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
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
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
	static const struct dmarc_vector vectors[] = {
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
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_7_t(void **state)
{
	static const struct dmarc_vector vectors[] = {
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
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_4_table_1(void **state)
{
	static const struct dmarc_vector vectors[] = {
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
		{ "an author that is not a host name (RFC 2181 section 11)",
		    "a+b.bank.example", "+attack.example", "",
		    DMARC("bank.example", REJECT),
		    "fail p=reject bank.example -> reject (bank.example)" },
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
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
}

/* 11.8: an attacker's sibling of the domain that is its own organization */
static void
rfc9989_11_8_psd_n(void **state)
{
	static const char zone[] = DMARC("mail.example.com", NONE "; psd=n")
	    DMARC("example.com", REJECT);
	static const struct dmarc_vector vectors[] = {
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
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_b_1_alignment(void **state)
{
	static const char zone[] = DMARC("example.com", REJECT);
	static const struct dmarc_vector vectors[] = {
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
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
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
	static const struct dmarc_vector vectors[] = {
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
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_5_3_6_errors(void **state)
{
	static const struct dmarc_vector vectors[] = {
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
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_5_3_1_and_11_5_authors(void **state)
{
	static const char zone[] =
	    DMARC("good.test", NONE) DMARC("strict.example", REJECT)
		DMARC("soft.example", "v=DMARC1; p=quarantine")
		    DMARC("broken.example", "v=DMARC1; p=?")
			FAILS("_dmarc.lost.example");
	static const struct dmarc_vector vectors[] = {
		{ "none", "!", "+good.test", "+good.test", zone, "permerror" },
		{ "none, and that is no fault", "", "+good.test", "+good.test",
		    zone, "none" },
		{ "invalid, though it would pass", "!good.test", "+good.test",
		    "", zone, "permerror" },
		{ "invalid, and it would fail", "!strict.example", "+good.test",
		    "", zone, "permerror" },
		{ "invalid, no record", "!free.example", "+free.example", "",
		    zone, "permerror" },
		{ "invalid, no answer", "!lost.example", "", "", zone,
		    "permerror" },
		{ "invalid, two", "!good.test strict.example", "+good.test",
		    "+good.test", zone, "permerror" },
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
		{ "a possible one without a record", "good.test ~free.example",
		    "+good.test", "", zone,
		    "pass p=none good.test spf (good.test)" },
		{ "the only certain one has no record",
		    "free.example ~good.test", "+free.example", "", zone,
		    "fail p=none good.test -> none (good.test)" },
		{ "none of both has a record", "free.example ~open.example",
		    "+free.example", "", zone, "none (free.example)" },
		{ "a possible one that fails", "good.test ~strict.example",
		    "+good.test", "", zone,
		    "fail p=reject strict.example -> reject"
		    " (strict.example)" },
		{ "a possible one without an answer", "good.test ~lost.example",
		    "+good.test", "", zone, "temperror" },
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
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
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
		{ "several authors at once, their own records first",
		    "a.test b.example", "+c.a.test", "-b.example", "", 1,
		    "_dmarc.a.test _dmarc.b.example _dmarc.test"
		    " _dmarc.example _dmarc.c.a.test" },
		{ "an invalid From: nothing", "!a.test b.example", "+c.a.test",
		    "-b.example", "", 0, "" },
		{ "a walk is never more than eight", DEEP, "", "", "", 1,
		    "_dmarc." DEEP " _dmarc.g.h.i.j.k.example.com"
		    " _dmarc.h.i.j.k.example.com _dmarc.i.j.k.example.com"
		    " _dmarc.j.k.example.com _dmarc.k.example.com"
		    " _dmarc.example.com _dmarc.com" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct waves *v = &vectors[i];
		struct dns_source *zone = pump_zone(v->zone);
		struct dmarc_run r;
		char got[1024];
		struct buf b = buf_wrap(got, sizeof(got));

		dmarc_run_open(&r, v->authors, v->spf, v->dkim);
		unsigned waves =
		    pump_core(r.questions, zone, false, dmarc_run_ask, &r);

		assert_int_equal(
		    pump_core(r.questions, zone, false, dmarc_run_check, &r),
		    0);
		for (const struct dns_question *q =
			 dns_questions_first(r.questions);
		     q != NULL; q = q->next) {
			buf_text(&b, b.n > 0 ? " " : "");
			buf_span(&b, q->name);
		}
		if (strcmp(got, v->names) != 0)
			fail_msg(
			    "%s:\n got  %s\n want %s", v->name, got, v->names);
		if (waves != v->waves)
			fail_msg("%s: %u waves", v->name, waves);
		dmarc_run_close(&r);
		zone->close(zone);
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
	struct dmarc_run r;

	(void)state;
	dmarc_run_open(&r, "", "+example.com", "");
	for (size_t i = 0; i < MANY; i++) {
		struct buf b = buf_wrap(names[i], sizeof(names[i]));

		for (size_t label = 0; label < 110; label++)
			buf_printf(&b, "%c.", (char)('a' + (label + i) % 26));
		buf_printf(&b, "x%zu.example.com", i);
		authors[i] = buf_view(&b);
	}
	for (size_t i = 0; i < MANY; i++)
		dkim[i] = (struct dmarc_identifier){ authors[MANY - 1 - i],
			DMARC_FACT_PASS };
	r.facts.authors = authors;
	r.facts.n_authors = MANY;
	r.facts.dkim = dkim;
	r.facts.n_dkim = MANY;
	/* with questions enough */
	dns_questions_free(r.questions);
	r.questions = dns_questions_new(8 * MANY + 16);
	pump_core(r.questions, zone, false, dmarc_run_ask, &r);
	assert_int_equal(
	    pump_core(r.questions, zone, false, dmarc_run_check, &r), 0);
	assert_true(dns_questions_count(r.questions) <= 8 * MANY);
	assert_int_equal(r.result.code, DMARC_PASS);
	assert_int_equal(r.result.n_authors, MANY);

	/* and without */
	dns_questions_free(r.questions);
	r.questions = dns_questions_new(20);
	pump_core(r.questions, zone, false, dmarc_run_check, &r);
	assert_int_equal(r.result.code, DMARC_TEMPERROR);
	dmarc_run_is_sound("too many questions", &r);
	dmarc_run_close(&r);
	zone->close(zone);
}

/* Seven authors with deep names and many signatures in front: the record of the
 * eighth is known, since it was asked before all that is above the others. */
static void
no_author_spends_what_another_needs(void **state)
{
	enum { AUTHORS = 8, SIGNATURES = 8, BUDGET = AUTHORS + 4 };
	char names[AUTHORS][64], signers[SIGNATURES][64];
	struct dns_source *zone = pump_zone(DMARC("bank.example", REJECT));
	struct dmarc_run r;

	(void)state;
	dmarc_run_open(&r, "", "+attack.test", "");
	for (size_t i = 0; i < AUTHORS; i++) {
		struct buf b = buf_wrap(names[i], sizeof(names[i]));

		if (i == AUTHORS - 1)
			buf_text(&b, "bank.example");
		else
			buf_printf(&b, "a%zu.b.c.d.e.f.g%zu.t%zu", i, i, i);
		r.authors[r.facts.n_authors++] = buf_view(&b);
	}
	for (size_t i = 0; i < SIGNATURES; i++) {
		struct buf b = buf_wrap(signers[i], sizeof(signers[i]));

		buf_printf(&b, "s%zu.x.y.z.g0.t0", i);
		r.dkim[r.facts.n_dkim++] =
		    (struct dmarc_identifier){ buf_view(&b), DMARC_FACT_PASS };
	}
	dns_questions_free(r.questions);
	r.questions = dns_questions_new(BUDGET);
	pump_core(r.questions, zone, false, dmarc_run_ask, &r);
	assert_int_equal(
	    pump_core(r.questions, zone, false, dmarc_run_check, &r), 0);
	assert_int_equal(dns_questions_count(r.questions), BUDGET);
	assert_true(dns_questions_budget_exceeded(r.questions));
	assert_int_equal(r.result.code, DMARC_FAIL);
	assert_int_equal(r.result.disposition, DMARC_POLICY_REJECT);
	assert_true(span_is(r.result.author_domain, "bank.example"));
	dmarc_run_close(&r);
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
	struct dmarc_run r;

	(void)state;
	dmarc_run_open(&r, "example.com", "", "");
	assert_int_equal(dmarc_run_check(&r), CORE_WAIT);
	for (struct dns_question *q = dns_questions_first(r.questions);
	     q != NULL; q = q->next)
		dns_questions_set_answer(q, answer);
	assert_int_equal(dmarc_run_check(&r), CORE_DONE);
	assert_true(r.result.stale);
	assert_int_equal(r.result.code, DMARC_FAIL);
	dmarc_run_close(&r);
	dns_answer_unref(answer);
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
		cmocka_unit_test(hostile_sizes),
		cmocka_unit_test(no_author_spends_what_another_needs),
		cmocka_unit_test(stale_answers_are_said_so),
		cmocka_unit_test(names_of_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
