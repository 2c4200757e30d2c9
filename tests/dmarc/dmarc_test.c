/* dmarc_test.c - RFC 9989 sections 4.4, 4.7, 4.10.1, 4.10.2, 5.3.5, 11.8 and
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
		{ .name = "nothing authenticated, p=none",
		    .authors = "example.com",
		    .spf = "-example.com",
		    .dkim = "-example.com",
		    .zone = DMARC("example.com", NONE),
		    .want = "fail p=none example.com -> none (example.com)" },
		{ .name = "p=quarantine",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", "v=DMARC1; p=quarantine"),
		    .want = "fail p=quarantine example.com -> quarantine"
			    " (example.com)" },
		{ .name = "p=reject",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT),
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
		{ .name = "SPF",
		    .authors = "example.com",
		    .spf = "+example.com",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT),
		    .want = "pass p=reject example.com spf (example.com)" },
		{ .name = "DKIM",
		    .authors = "example.com",
		    .spf = "-example.com",
		    .dkim = "+example.com",
		    .zone = DMARC("example.com", REJECT),
		    .want = "pass p=reject example.com dkim (example.com)" },
		{ .name = "both",
		    .authors = "example.com",
		    .spf = "+example.com",
		    .dkim = "+example.com",
		    .zone = DMARC("example.com", REJECT),
		    .want =
			"pass p=reject example.com spf dkim (example.com)" },
		{ .name = "passes, but other domains",
		    .authors = "example.com",
		    .spf = "+other.test",
		    .dkim = "+other.example",
		    .zone = DMARC("example.com", REJECT),
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
		{ .name = "one of several signatures",
		    .authors = "example.com",
		    .spf = "+other.test",
		    .dkim = "-example.com +other.test +mail.example.com",
		    .zone = DMARC("example.com", REJECT),
		    .want = "pass p=reject example.com dkim (example.com)" },
		{ .name = "no record",
		    .authors = "example.com",
		    .spf = "+example.com",
		    .dkim = "+example.com",
		    .zone = HOST("example.com"),
		    .want = "none (example.com)" },
		{ .name = "a record that cannot be used",
		    .authors = "example.com",
		    .spf = "+example.com",
		    .dkim = "",
		    .zone = DMARC("example.com", "v=DMARC1; p=nosuch"),
		    .want = "permerror example.com (example.com)" },
		{ .name = "p=none because of its rua",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com",
			"v=DMARC1; p=nosuch; rua=mailto:a@example.com"),
		    .want = "fail p=none example.com -> none (example.com)" },
		{ .name = "several records, then the parent's",
		    .authors = "a.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("a.example.com", NONE)
			DMARC("a.example.com", REJECT)
			    DMARC("example.com", "v=DMARC1; p=none; sp=reject"),
		    .want =
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
		{ .name = "the domain itself",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = all,
		    .want = "fail p=none example.com -> none (example.com)" },
		{ .name = "a subdomain that exists",
		    .authors = "a.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = all,
		    .want = "fail sp=quarantine example.com -> quarantine"
			    " (example.com)" },
		{ .name = "NODATA means existence (A.4)",
		    .authors = "b.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = all,
		    .want = "fail sp=quarantine example.com -> quarantine"
			    " (example.com)" },
		{ .name = "names below show existence (RFC 8020)",
		    .authors = "c.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = all,
		    .want = "fail sp=quarantine example.com -> quarantine"
			    " (example.com)" },
		{ .name = "an alias exists although its target does not",
		    .authors = "d.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = all,
		    .want = "fail sp=quarantine example.com -> quarantine"
			    " (example.com)" },
		{ .name = "by a wildcard",
		    .authors = "x.w.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = all,
		    .want = "fail sp=quarantine example.com -> quarantine"
			    " (example.com)" },
		{ .name = "a subdomain that does not exist",
		    .authors = "x.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = all,
		    .want = "fail np=reject example.com -> reject nonexistent"
			    " (example.com)" },
		{ .name = "its pass counts",
		    .authors = "x.example.com",
		    .spf = "+example.com",
		    .dkim = "",
		    .zone = all,
		    .want = "pass np=reject example.com spf nonexistent"
			    " (example.com)" },
		{ .name = "milder np",
		    .authors = "x.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com",
			"v=DMARC1; p=reject; sp=reject; np=none"),
		    .want = "fail np=none example.com -> none nonexistent"
			    " (example.com)" },
		{ .name = "np without sp, exists",
		    .authors = "a.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", "v=DMARC1; p=none; np=reject")
			HOST("a.example.com"),
		    .want = "fail p=none example.com -> none (example.com)" },
		{ .name = "np without sp, does not exist",
		    .authors = "a.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", "v=DMARC1; p=none; np=reject"),
		    .want = "fail np=reject example.com -> reject nonexistent"
			    " (example.com)" },
		{ .name = "sp for nonexistent names",
		    .authors = "x.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", "v=DMARC1; p=none; sp=reject"),
		    .want =
			"fail sp=reject example.com -> reject (example.com)" },
		{ .name = "neither",
		    .authors = "x.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT),
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
		{ .name = "not for its own record",
		    .authors = "x.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("x.example.com",
			"v=DMARC1; p=none; sp=quarantine; np=reject"),
		    .want =
			"fail p=none x.example.com -> none (x.example.com)" },
		{ .name = "record of the PSD",
		    .authors = "x.bank.example",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("bank.example",
			"v=DMARC1; p=none; sp=none; np=reject; psd=y"),
		    .want = "fail np=reject bank.example -> reject nonexistent"
			    " (x.bank.example)" },
		{ .name = "existence unknown",
		    .authors = "x.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", "v=DMARC1; p=none; np=reject")
			FAILS("x.example.com"),
		    .want = "temperror p=none example.com (example.com)" },
		{ .name = "not needed for a pass",
		    .authors = "x.example.com",
		    .spf = "",
		    .dkim = "+example.com",
		    .zone = DMARC("example.com", "v=DMARC1; p=none; np=reject")
			FAILS("x.example.com"),
		    .want = "pass p=none example.com dkim (example.com)" },
	};

	(void)state;
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_7_t(void **state)
{
	static const struct dmarc_vector vectors[] = {
		{ .name = "reject",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT "; t=y"),
		    .want = "fail p=reject example.com -> quarantine t "
			    "(example.com)" },
		{ .name = "quarantine",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", "v=DMARC1; p=quarantine; t=y"),
		    .want = "fail p=quarantine example.com -> none t "
			    "(example.com)" },
		{ .name = "none",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", NONE "; t=y"),
		    .want = "fail p=none example.com -> none t (example.com)" },
		{ .name = "sp",
		    .authors = "a.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", NONE "; sp=reject; t=y"),
		    .want = "fail sp=reject example.com -> quarantine t"
			    " (example.com)" },
		{ .name = "np",
		    .authors = "a.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", NONE "; np=quarantine; t=y"),
		    .want =
			"fail np=quarantine example.com -> none t nonexistent"
			" (example.com)" },
		{ .name = "a pass is not affected",
		    .authors = "example.com",
		    .spf = "+example.com",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT "; t=y"),
		    .want = "pass p=reject example.com spf t (example.com)" },
		{ .name = "pct has no effect (A.6)",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT "; pct=0"),
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
	};

	(void)state;
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_4_table_1(void **state)
{
	static const struct dmarc_vector vectors[] = {
		{ .name = "foo and news",
		    .authors = "news.example.com",
		    .spf = "",
		    .dkim = "+foo.example.com",
		    .zone = DMARC("example.com", REJECT),
		    .want = "pass p=reject example.com dkim (example.com)" },
		{ .name = "foo and news, strict",
		    .authors = "news.example.com",
		    .spf = "",
		    .dkim = "+foo.example.com",
		    .zone = DMARC("example.com", REJECT "; adkim=s"),
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
		{ .name = "identical",
		    .authors = "news.example.com",
		    .spf = "",
		    .dkim = "+news.example.com",
		    .zone = DMARC("example.com", REJECT "; adkim=s"),
		    .want = "pass p=reject example.com dkim (example.com)" },
		{ .name = "example.net",
		    .authors = "news.example.com",
		    .spf = "",
		    .dkim = "+foo.example.net",
		    .zone = DMARC("example.com", REJECT)
			DMARC("example.net", REJECT),
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
		{ .name = "adkim=s does not apply to SPF",
		    .authors = "news.example.com",
		    .spf = "+foo.example.com",
		    .dkim = "+foo.example.com",
		    .zone = DMARC("example.com", REJECT "; adkim=s"),
		    .want = "pass p=reject example.com spf (example.com)" },
		{ .name = "aspf=s does not apply to DKIM",
		    .authors = "news.example.com",
		    .spf = "+foo.example.com",
		    .dkim = "+foo.example.com",
		    .zone = DMARC("example.com", REJECT "; aspf=s"),
		    .want = "pass p=reject example.com dkim (example.com)" },
		{ .name = "an author that is not a host name (RFC 2181 section "
			  "11)",
		    .authors = "a+b.bank.example",
		    .spf = "+attack.example",
		    .dkim = "",
		    .zone = DMARC("bank.example", REJECT),
		    .want =
			"fail p=reject bank.example -> reject (bank.example)" },
		{ .name = "not a suffix of whole labels",
		    .authors = "example.com",
		    .spf = "+badexample.com",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT),
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
		{ .name = "only a record at the common top-level domain",
		    .authors = "a.test",
		    .spf = "+b.test",
		    .dkim = "",
		    .zone = DMARC("test", REJECT),
		    .want = "pass p=reject test spf (test)" },
		{ .name = "a public suffix there",
		    .authors = "a.test",
		    .spf = "+b.test",
		    .dkim = "",
		    .zone = DMARC("test", REJECT "; psd=y"),
		    .want = "fail p=reject test -> reject (a.test)" },
	};

	(void)state;
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
}

/* 11.8: a domain is its own Organizational Domain (psd=n), and an attacker
 * controls one of its siblings */
static void
rfc9989_11_8_psd_n(void **state)
{
	static const char zone[] = DMARC("mail.example.com", NONE "; psd=n")
	    DMARC("example.com", REJECT);
	static const struct dmarc_vector vectors[] = {
		{ .name = "identifier below its own psd=n",
		    .authors = "evil.example.com",
		    .spf = "+mail.example.com",
		    .dkim = "",
		    .zone = zone,
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
		{ .name = "author below psd=n",
		    .authors = "a.mail.example.com",
		    .spf = "+example.com",
		    .dkim = "+mail.example.com",
		    .zone = zone,
		    .want = "pass p=none mail.example.com dkim "
			    "(mail.example.com)" },
		{ .name = "author is psd=n, signed by the parent",
		    .authors = "mail.example.com",
		    .spf = "",
		    .dkim = "+example.com",
		    .zone = zone,
		    .want = "fail p=none mail.example.com -> none"
			    " (mail.example.com)" },
		{ .name = "a deep identifier whose psd=n the walk jumps over",
		    .authors = "example.com",
		    .spf = "+i.h.g.f.e.d.c.b.a.example.com",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT)
			DMARC("h.g.f.e.d.c.b.a.example.com", NONE "; psd=n"),
		    .want = "pass p=reject example.com spf (example.com)" },
	};

	(void)state;
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_b_1_alignment(void **state)
{
	static const char zone[] = DMARC("example.com", REJECT);
	static const struct dmarc_vector vectors[] = {
		{ .name = "B.1.1 example 1",
		    .authors = "example.com",
		    .spf = "+example.com",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT "; aspf=s"),
		    .want = "pass p=reject example.com spf (example.com)" },
		{ .name = "B.1.1 example 2",
		    .authors = "example.com",
		    .spf = "+child.example.com",
		    .dkim = "",
		    .zone = zone,
		    .want = "pass p=reject example.com spf (example.com)" },
		{ .name = "B.1.1 example 2, strict",
		    .authors = "example.com",
		    .spf = "+child.example.com",
		    .dkim = "",
		    .zone = DMARC("example.com", REJECT "; aspf=s"),
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
		{ .name = "B.1.1 example 3",
		    .authors = "child.example.com",
		    .spf = "+example.net",
		    .dkim = "",
		    .zone = zone,
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
		{ .name = "B.1.2 example 1",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "+example.com",
		    .zone = DMARC("example.com", REJECT "; adkim=s"),
		    .want = "pass p=reject example.com dkim (example.com)" },
		{ .name = "B.1.2 example 2",
		    .authors = "child.example.com",
		    .spf = "",
		    .dkim = "+example.com",
		    .zone = zone,
		    .want = "pass p=reject example.com dkim (example.com)" },
		{ .name = "B.1.2 example 3",
		    .authors = "child.example.com",
		    .spf = "",
		    .dkim = "+example.net",
		    .zone = zone,
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
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
		{ .name = "B.2.1",
		    .authors = "example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = DMARC("example.com",
			NONE "; rua=mailto:dmarc-feedback@example.com"),
		    .want = "fail p=none example.com -> none (example.com)" },
		{ .name = "B.2.5 testing",
		    .authors = "test.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = test,
		    .want = "fail p=quarantine test.example.com -> none t"
			    " (example.com)" },
		{ .name = "B.2.5 only this subdomain",
		    .authors = "other.example.com",
		    .spf = "",
		    .dkim = "",
		    .zone = test,
		    .want = "fail p=none example.com -> none (example.com)" },
		{ .name = "B.3.1",
		    .authors = "example.com",
		    .spf = "+mail.example.com",
		    .dkim = "+example.com",
		    .zone = DMARC("example.com",
			REJECT
			"; aspf=r; rua=mailto:dmarc-feedback@example.com"),
		    .want =
			"pass p=reject example.com spf dkim (example.com)" },
		{ .name = "B.4.1",
		    .authors = "example.com",
		    .spf = "+example.com",
		    .dkim = "+signing.example.com",
		    .zone = ZONE_B_4_1,
		    .want =
			"pass p=reject example.com spf dkim (example.com)" },
		{ .name = "B.4.1 DKIM alone",
		    .authors = "example.com",
		    .spf = "-example.com",
		    .dkim = "+signing.example.com",
		    .zone = ZONE_B_4_1,
		    .want = "pass p=reject example.com dkim (example.com)" },
		{ .name = "B.4.1 neither",
		    .authors = "example.com",
		    .spf = "-example.com",
		    .dkim = "-signing.example.com",
		    .zone = ZONE_B_4_1,
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
		{ .name = "B.4.2",
		    .authors = DEEP,
		    .spf = "+example.com",
		    .dkim = "+signing.example.com",
		    .zone = ZONE_B_4_1,
		    .want =
			"pass p=reject example.com spf dkim (example.com)" },
		{ .name = "B.4.2 neither",
		    .authors = DEEP,
		    .spf = "-example.com",
		    .dkim = "-signing.example.com",
		    .zone = ZONE_B_4_1,
		    .want =
			"fail p=reject example.com -> reject (example.com)" },
		{ .name = "B.4.3",
		    .authors = "giant.bank.example",
		    .spf = "+mail.giant.bank.example",
		    .dkim = "+mail.mega.bank.example",
		    .zone = ZONE_B_4_3,
		    .want = "pass p=quarantine giant.bank.example spf"
			    " (giant.bank.example)" },
		{ .name = "B.4.3 DKIM alone",
		    .authors = "giant.bank.example",
		    .spf = "-mail.giant.bank.example",
		    .dkim = "+mail.mega.bank.example",
		    .zone = ZONE_B_4_3,
		    .want = "fail p=quarantine giant.bank.example -> quarantine"
			    " (giant.bank.example)" },
	};

	(void)state;
	dmarc_run_judges(vectors, ARRAY_SIZE(vectors));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9989_5_3_5_pass_and_fail),
		cmocka_unit_test(rfc9989_4_10_1_p_sp_np),
		cmocka_unit_test(rfc9989_4_7_t),
		cmocka_unit_test(rfc9989_4_4_table_1),
		cmocka_unit_test(rfc9989_11_8_psd_n),
		cmocka_unit_test(rfc9989_b_1_alignment),
		cmocka_unit_test(rfc9989_b_2_to_b_4_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
