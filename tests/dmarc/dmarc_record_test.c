/* dmarc_record_test.c - RFC 9989 sections 4.7, 4.8, 4.10.1 (missing and invalid
 * tags) and 9.3, and the records of appendix B.2. */
#include "dmarc/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"

struct dmarc_record_vector {
	const char *text;
	const char *want; /* in the format of show(); or "foreign", "broken" */
};

static const char *
letter(enum dmarc_psd psd)
{
	switch (psd) {
	case DMARC_PSD_YES:
		return " psd=y";
	case DMARC_PSD_NO:
		return " psd=n";
	case DMARC_PSD_UNKNOWN:
		break;
	}
	return "";
}

static void
show_uris(struct buf *b, const char *name, const struct span *uris, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_text(b, i == 0 ? name : ",");
		buf_span(b, uris[i]);
	}
}

static void
show(struct buf *b, const struct dmarc_record *r)
{
	buf_printf(b, "p=%s", dmarc_policy_name(r->p));
	if (r->p_defaulted)
		buf_text(b, "(default)");
	if (r->sp != DMARC_POLICY_ABSENT)
		buf_printf(b, " sp=%s", dmarc_policy_name(r->sp));
	if (r->np != DMARC_POLICY_ABSENT)
		buf_printf(b, " np=%s", dmarc_policy_name(r->np));
	buf_text(b, r->adkim == DMARC_STRICT ? " adkim=s" : "");
	buf_text(b, r->aspf == DMARC_STRICT ? " aspf=s" : "");
	buf_text(b, letter(r->psd));
	buf_text(b, r->testing ? " t=y" : "");
	if (!r->fo_0 || r->fo_1 || r->fo_d || r->fo_s)
		buf_printf(b, " fo=%s%s%s%s", r->fo_0 ? "0" : "",
		    r->fo_1 ? "1" : "", r->fo_d ? "d" : "", r->fo_s ? "s" : "");
	show_uris(b, " rua=", r->rua, r->n_rua);
	show_uris(b, " ruf=", r->ruf, r->n_ruf);
}

static void
reads(const struct dmarc_record_vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		struct dmarc_record r;
		const char *reason;
		char got[1024];
		struct buf b = buf_wrap(got, sizeof(got));

		switch (dmarc_record_parse(span_str(v->text), &r, &reason)) {
		case DMARC_RECORD_OK:
			show(&b, &r);
			assert_true(r.p_defaulted == (reason != NULL));
			break;
		case DMARC_RECORD_NOT_DMARC:
			buf_text(&b, "foreign");
			assert_non_null(reason);
			break;
		case DMARC_RECORD_BROKEN:
			buf_text(&b, "broken");
			buf_text(&b, letter(r.psd));
			assert_non_null(reason);
			break;
		}
		if (strcmp(got, v->want) != 0)
			fail_msg("%s: got %s, want %s", v->text, got, v->want);
		assert_true(r.text.p == v->text);
	}
}

static void
rfc9989_4_7_version(void **state)
{
	static const struct dmarc_record_vector vectors[] = {
		{ "v=DMARC1;p=none", "p=none" },
		{ "v=DMARC1; p=none", "p=none" },
		{ "v=DMARC1; p=none;", "p=none" },
		{ "v=DMARC1; p=none; ", "p=none" },
		{ "v = DMARC1 ; p = none ; ", "p=none" },
		{ "v\t=\tDMARC1\t;\tp\t=\tnone\t", "p=none" },
		{ "V=DMARC1; p=none", "p=none" },
		{ "v=dmarc1; p=none", "foreign" },
		{ "v=Dmarc1; p=none", "foreign" },
		{ "v=DMARC2; p=none", "foreign" },
		{ "v=DMARC10; p=none", "foreign" },
		{ "v=DMARC1.0; p=none", "foreign" },
		{ "v=DMARC1 p=none", "foreign" },
		{ "v=DMARC1, p=none", "foreign" },
		{ "v=DMARC1:p=none", "foreign" },
		{ "v=DMARC; p=none", "foreign" },
		{ "v=; p=none", "foreign" },
		{ "v; p=none", "foreign" },
		{ "v", "foreign" },
		{ "", "foreign" },
		{ " ", "foreign" },
		{ ";", "foreign" },
		{ " v=DMARC1; p=none", "foreign" },
		{ ";v=DMARC1; p=none", "foreign" },
		{ "p=none; v=DMARC1", "foreign" },
		{ "DMARC1; p=none", "foreign" },
		{ "version=DMARC1; p=none", "foreign" },
		{ "v=\"DMARC1\"; p=none", "foreign" },
		{ "v=spf1 -all", "foreign" },
		{ "v=DKIM1; p=none", "foreign" },
		{ "hello world", "foreign" },
		{ "v=DMARC1", "broken" },
		{ "v=DMARC1;", "broken" },
		{ "v=DMARC1 ; ", "broken" },
	};

	(void)state;
	reads(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_7_policies(void **state)
{
	static const struct dmarc_record_vector vectors[] = {
		{ "v=DMARC1; p=none", "p=none" },
		{ "v=DMARC1; p=quarantine", "p=quarantine" },
		{ "v=DMARC1; p=reject", "p=reject" },
		{ "v=DMARC1; p=Reject", "p=reject" },
		{ "v=DMARC1; P=reject", "p=reject" },
		{ "v=DMARC1; sp=none; p=reject", "p=reject sp=none" },
		{ "v=DMARC1; p=none; sp=quarantine; np=reject",
		    "p=none sp=quarantine np=reject" },
		{ "v=DMARC1; np=QUARANTINE; p=none", "p=none np=quarantine" },
		/* p need not be the second tag */
		{ "v=DMARC1; rua=mailto:a@example.com; t=n; p=reject",
		    "p=reject rua=mailto:a@example.com" },
		{ "v=DMARC1; p=reject; p=none", "p=reject" },
		{ "v=DMARC1; p=none; p=reject", "p=none" },
	};

	(void)state;
	reads(vectors, ARRAY_SIZE(vectors));
}

/* "does not contain a valid p tag, or contains an sp or np that is not valid"
 */
static void
rfc9989_4_10_1_not_valid(void **state)
{
	static const struct dmarc_record_vector vectors[] = {
		{ "v=DMARC1; rua=mailto:a@b.example",
		    "p=none(default) rua=mailto:a@b.example" },
		{ "v=DMARC1; p=; rua=mailto:a@b.example",
		    "p=none(default) rua=mailto:a@b.example" },
		{ "v=DMARC1; p=nosuch; rua=mailto:a@b.example",
		    "p=none(default) rua=mailto:a@b.example" },
		{ "v=DMARC1; p=no ne; rua=mailto:a@b.example",
		    "p=none(default) rua=mailto:a@b.example" },
		{ "v=DMARC1; p=rejected; rua=mailto:a@b.example",
		    "p=none(default) rua=mailto:a@b.example" },
		{ "v=DMARC1; p=reject; sp=nosuch; rua=mailto:a@b.example",
		    "p=none(default) rua=mailto:a@b.example" },
		{ "v=DMARC1; p=reject; sp=; rua=mailto:a@b.example",
		    "p=none(default) rua=mailto:a@b.example" },
		{ "v=DMARC1; p=reject; sp=reject; np=x; rua=https://b.example/",
		    "p=none(default) rua=https://b.example/" },
		{ "v=DMARC1; p=nosuch; adkim=s; psd=n; rua=mailto:a@b.example",
		    "p=none(default) adkim=s psd=n rua=mailto:a@b.example" },
		{ "v=DMARC1; p=nosuch", "broken" },
		{ "v=DMARC1; p=nosuch; psd=y", "broken psd=y" },
		{ "v=DMARC1; psd=n", "broken psd=n" },
		{ "v=DMARC1; p=", "broken" },
		{ "v=DMARC1; adkim=s", "broken" },
		{ "v=DMARC1; p=reject; sp=nosuch", "broken" },
		{ "v=DMARC1; p=reject; np=nosuch", "broken" },
		{ "v=DMARC1; p=nosuch; rua=", "broken" },
		{ "v=DMARC1; p=nosuch; rua=a@b.example", "broken" },
		{ "v=DMARC1; p=nosuch; rua=mailto:", "broken" },
		{ "v=DMARC1; p=nosuch; rua=mailto:nobody", "broken" },
		{ "v=DMARC1; p=nosuch; ruf=mailto:a@b.example", "broken" },
	};

	(void)state;
	reads(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_7_alignment_psd_t(void **state)
{
	static const struct dmarc_record_vector vectors[] = {
		{ "v=DMARC1; p=none; adkim=r; aspf=r", "p=none" },
		{ "v=DMARC1; p=none; adkim=s", "p=none adkim=s" },
		{ "v=DMARC1; p=none; aspf=s", "p=none aspf=s" },
		{ "v=DMARC1; p=none; adkim=S; aspf=S",
		    "p=none adkim=s aspf=s" },
		{ "v=DMARC1; p=none; adkim=strict; aspf=", "p=none" },
		{ "v=DMARC1; p=none; psd=y", "p=none psd=y" },
		{ "v=DMARC1; p=none; psd=N", "p=none psd=n" },
		{ "v=DMARC1; p=none; psd=u", "p=none" },
		{ "v=DMARC1; p=none; psd=yes", "p=none" },
		{ "v=DMARC1; p=none; t=y", "p=none t=y" },
		{ "v=DMARC1; p=none; t=Y", "p=none t=y" },
		{ "v=DMARC1; p=none; t=n", "p=none" },
		{ "v=DMARC1; p=none; t=x", "p=none" },
		{ "v=DMARC1; p=none; t=1", "p=none" },
	};

	(void)state;
	reads(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_4_8_fo(void **state)
{
	static const struct dmarc_record_vector vectors[] = {
		{ "0", "" },
		{ "1", " fo=1" },
		{ "d", " fo=d" },
		{ "s", " fo=s" },
		{ "D", " fo=d" },
		{ "0:d", " fo=0d" },
		{ "d:0", " fo=0d" },
		{ "1:d:s", " fo=1ds" },
		{ "d:1:s", " fo=1ds" },
		{ "s:d:1", " fo=1ds" },
		{ "d:s", " fo=ds" },
		{ "0:1", "" },
		{ "1:0:d:s", "" },
		{ "d:d", "" },
		{ "1:1", "" },
		{ "", "" },
		{ "2", "" },
		{ "d:", "" },
		{ ":d", "" },
		{ "1d", "" },
		{ "d : s", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char text[128], want[128];
		struct buf t = buf_wrap(text, sizeof(text));
		struct buf w = buf_wrap(want, sizeof(want));

		buf_printf(&t,
		    "v=DMARC1; p=none; ruf=mailto:a@b.example; fo=%s",
		    vectors[i].text);
		buf_printf(
		    &w, "p=none%s ruf=mailto:a@b.example", vectors[i].want);
		reads(&(struct dmarc_record_vector){ text, want }, 1);

		/* section 4.7: fo is ignored without ruf */
		buf_cut(&t, 0);
		buf_printf(&t, "v=DMARC1; fo=%s; p=none", vectors[i].text);
		reads(&(struct dmarc_record_vector){ text, "p=none" }, 1);
	}
}

static void
rfc9989_4_8_addresses(void **state)
{
	static const struct dmarc_record_vector vectors[] = {
		{ "mailto:a@b.example", " rua=mailto:a@b.example" },
		{ "MAILTO:a@b.example", " rua=MAILTO:a@b.example" },
		{ "mailto:a@b.example,mailto:c@d.example",
		    " rua=mailto:a@b.example,mailto:c@d.example" },
		{ "mailto:a@b.example , mailto:c@d.example ",
		    " rua=mailto:a@b.example,mailto:c@d.example" },
		/* the obsolete size is accepted and ignored */
		{ "mailto:a@b.example!10m", " rua=mailto:a@b.example" },
		{ "mailto:a@b.example!1", " rua=mailto:a@b.example" },
		{ "mailto:a@b.example!50K, mailto:c@d.example!1t",
		    " rua=mailto:a@b.example,mailto:c@d.example" },
		{ "mailto:a%21b@c.example", " rua=mailto:a%21b@c.example" },
		{ "mailto:a@b.example?subject=dmarc",
		    " rua=mailto:a@b.example?subject=dmarc" },
		{ "https://b.example/dmarc", " rua=https://b.example/dmarc" },
		/* an invalid URI is discarded, the rest is kept */
		{ "mailto:a@b.example,,mailto:c@d.example,",
		    " rua=mailto:a@b.example,mailto:c@d.example" },
		{ "a@b.example,mailto:c@d.example", " rua=mailto:c@d.example" },
		{ "mailto:a@b.example!10x", "" },
		{ "mailto:a@b.example!m", "" },
		{ "mailto:a@b.example!", "" },
		{ "mailto:a!b@c.example", "" },
		{ "mailto:a@b.example!10m!10m", "" },
		{ "!10m", "" },
		{ "mailto:@b.example", "" },
		{ "mailto:a@", "" },
		{ "mailto:a@b..example", "" },
		{ "mailto:a b@c.example", "" },
		{ "mailto:a%2@c.example", "" },
		{ "mailto:a%zz@c.example", "" },
		{ "mailto:<a@b.example>", "" },
		{ "mailto:a@b.example mailto:c@d.example", "" },
		{ "1http://b.example/", "" },
		{ "://b.example/", "" },
		{ "https:", "" },
		{ "mailto:\303\244@b.example", "" },
		{ "", "" },
		{ ",", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char text[256], want[256];
		struct buf t = buf_wrap(text, sizeof(text));
		struct buf w = buf_wrap(want, sizeof(want));

		buf_printf(&t, "v=DMARC1; p=none; rua=%s", vectors[i].text);
		buf_printf(&w, "p=none%s", vectors[i].want);
		reads(&(struct dmarc_record_vector){ text, want }, 1);
	}
}

/* More addresses than the limit: the first ones are kept, and reading continues
 * after them. */
static void
rfc9989_4_8_many_addresses(void **state)
{
	char text[4096];
	struct buf b = buf_wrap(text, sizeof(text));
	struct dmarc_record r;
	const char *reason;

	(void)state;
	buf_text(&b, "v=DMARC1; rua=");
	for (int i = 0; i < 100; i++)
		buf_printf(
		    &b, "%smailto:report%d@example.com", i > 0 ? "," : "", i);
	buf_text(&b, "; p=reject");
	assert_int_equal(
	    dmarc_record_parse(buf_view(&b), &r, &reason), DMARC_RECORD_OK);
	assert_int_equal(r.p, DMARC_POLICY_REJECT);
	assert_int_equal(r.n_rua, DMARC_URIS_MAX);
	assert_true(
	    span_is(r.rua[DMARC_URIS_MAX - 1], "mailto:report19@example.com"));
}

static void
rfc9989_4_8_errors_are_discarded(void **state)
{
	static const struct dmarc_record_vector vectors[] = {
		{ "v=DMARC1;; p=reject", "p=reject" },
		{ "v=DMARC1; ; ;p=reject;;", "p=reject" },
		{ "v=DMARC1; p=reject; sp", "p=reject" },
		{ "v=DMARC1; nonsense; p=reject", "p=reject" },
		{ "v=DMARC1; =none; p=reject", "p=reject" },
		{ "v=DMARC1; 1p=none; p=reject", "p=reject" },
		{ "v=DMARC1; p none; p=reject", "p=reject" },
		{ "v=DMARC1; foo=\001; p=reject", "p=reject" },
		{ "v=DMARC1; p=reject\001; p=none", "p=none" },
		{ "v=DMARC1; p=reject, sp=none", "broken" },
		{ "v=DMARC1; p=reject sp=none; rua=mailto:a@b.example",
		    "p=none(default) rua=mailto:a@b.example" },
		/* unknown and historic tags */
		{ "v=DMARC1; foo=bar; p=reject; x1=y; x_1=z", "p=reject" },
		{ "v=DMARC1; p=reject; pct=0; rf=afrf; ri=3600", "p=reject" },
		{ "v=DMARC1; p=reject; pct=nosuch; rf=; ri=-1", "p=reject" },
		{ "v=DMARC1; p=reject; v=DMARC1", "p=reject" },
		{ "v=DMARC1; p=reject\r\n", "p=reject" },
	};

	(void)state;
	reads(vectors, ARRAY_SIZE(vectors));
}

static void
rfc9989_b_2_records(void **state)
{
	static const struct dmarc_record_vector vectors[] = {
		{ "v=DMARC1; p=none; "
		  "rua=mailto:dmarc-feedback@example.com",
		    "p=none rua=mailto:dmarc-feedback@example.com" },
		{ "v=DMARC1; p=none; "
		  "rua=mailto:dmarc-feedback@example.com; "
		  "ruf=mailto:auth-reports@example.com",
		    "p=none rua=mailto:dmarc-feedback@example.com"
		    " ruf=mailto:auth-reports@example.com" },
		{ "v=DMARC1; p=none; "
		  "rua=mailto:dmarc-feedback@example.com; "
		  "ruf=mailto:auth-reports@thirdparty.example.net",
		    "p=none rua=mailto:dmarc-feedback@example.com"
		    " ruf=mailto:auth-reports@thirdparty.example.net" },
		{ "v=DMARC1; p=quarantine; "
		  "rua=mailto:dmarc-feedback@example.com,"
		  "mailto:tld-test@thirdparty.example.net; t=y",
		    "p=quarantine t=y rua=mailto:dmarc-feedback@example.com,"
		    "mailto:tld-test@thirdparty.example.net" },
		{ "v=DMARC1; p=reject; "
		  "rua=mailto:dmarc-feedback@example.com,"
		  "mailto:tld-test@thirdparty.example.net",
		    "p=reject rua=mailto:dmarc-feedback@example.com,"
		    "mailto:tld-test@thirdparty.example.net" },
		{ "v=DMARC1; p=reject; aspf=r; "
		  "rua=mailto:dmarc-feedback@example.com",
		    "p=reject rua=mailto:dmarc-feedback@example.com" },
		/* B.2.3, B.2.4: records that only give consent, without a
		 * policy */
		{ "v=DMARC1;", "broken" },
		{ "v=DMARC1; rua=mailto:aggregate-reports@t.example.net; "
		  "ruf=mailto:failure-reports@t.example.net",
		    "p=none(default)"
		    " rua=mailto:aggregate-reports@t.example.net"
		    " ruf=mailto:failure-reports@t.example.net" },
	};

	(void)state;
	reads(vectors, ARRAY_SIZE(vectors));
}

/* A record may have any length, contain NUL, and be truncated at any byte. */
static void
limits_and_cuts(void **state)
{
	static const char text[] =
	    "v=DMARC1; p=reject; sp=none; np=quarantine; adkim=s; aspf=s; "
	    "psd=n; t=y; fo=1:d:s; rua=mailto:a@b.example!1m; "
	    "ruf=mailto:c@d.example;";
	static char big[DMARC_RECORD_MAX + 1];
	struct dmarc_record r;
	const char *reason;

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *exact = test_malloc(n + 1);

		memcpy(exact, text, n);
		enum dmarc_record_state got =
		    dmarc_record_parse(span_of(exact, n), &r, &reason);

		assert_true((got == DMARC_RECORD_NOT_DMARC) == (n < 8));
		test_free(exact);
	}
	memset(big, 'x', sizeof(big));
	memcpy(big, "v=DMARC1; p=reject; ", 20);
	assert_int_equal(
	    dmarc_record_parse(span_of(big, sizeof(big) - 1), &r, &reason),
	    DMARC_RECORD_OK);
	assert_int_equal(
	    dmarc_record_parse(span_of(big, sizeof(big)), &r, &reason),
	    DMARC_RECORD_BROKEN);
	assert_int_equal(
	    dmarc_record_parse(span_of("v=DMARC1\0;p=none", 16), &r, &reason),
	    DMARC_RECORD_NOT_DMARC);
	assert_int_equal(
	    dmarc_record_parse(span_of("v=DMARC1;p=none\0", 16), &r, &reason),
	    DMARC_RECORD_BROKEN);
	assert_int_equal(
	    dmarc_record_parse(SPAN_NONE, &r, &reason), DMARC_RECORD_NOT_DMARC);
}

static void
pieces_of_a_record(void **state)
{
	static const char text[] =
	    "v=DMARC1; p=reject; pct=50; adkim=x; fnord=1; P=none; what?; "
	    "rua=mailto:a@b.example";
	static const struct {
		const char *name, *value;
		enum dmarc_tag_state state;
	} want[] = {
		{ "v", "DMARC1", DMARC_TAG_OK },
		{ "p", "reject", DMARC_TAG_OK },
		{ "pct", "50", DMARC_TAG_HISTORIC },
		{ "adkim", "x", DMARC_TAG_BAD_VALUE },
		{ "fnord", "1", DMARC_TAG_UNKNOWN },
		{ "P", "none", DMARC_TAG_TWICE },
		{ "", "what?", DMARC_TAG_GARBLED },
		{ "rua", "mailto:a@b.example", DMARC_TAG_OK },
	};
	static char many[DMARC_RECORD_MAX];
	struct dmarc_tag tags[DMARC_TAGS_MAX];
	struct buf b = buf_wrap(many, sizeof(many));

	(void)state;
	assert_int_equal(
	    dmarc_record_tags(span_str(text), tags), ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_true(span_is(tags[i].name, want[i].name));
		assert_true(span_is(tags[i].value, want[i].value));
		assert_int_equal(tags[i].state, want[i].state);
	}
	assert_int_equal(dmarc_record_tags(SPAN("v=spf1"), tags), 0);

	buf_text(&b, "v=DMARC1");
	for (int i = 0; i < 1000; i++)
		buf_text(&b, ";a=b");
	assert_int_equal(dmarc_record_tags(buf_view(&b), tags), 1001);
}

static void
hosts_of_addresses(void **state)
{
	static const struct dmarc_record_vector vectors[] = {
		{ "mailto:a@b.example", "b.example" },
		{ "MailTo:a@B.Example?subject=x@y.example", "B.Example" },
		{ "mailto:a@b@c.example", "c.example" },
		{ "https://b.example/a@c.example", "" },
		{ "mailto:a", "" },
		{ "mailto:a@b_.example/", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct span got = dmarc_uri_domain(span_str(vectors[i].text));

		assert_true(span_is(got, vectors[i].want));
		assert_true((got.p == NULL) == (vectors[i].want[0] == '\0'));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9989_4_7_version),
		cmocka_unit_test(rfc9989_4_7_policies),
		cmocka_unit_test(rfc9989_4_10_1_not_valid),
		cmocka_unit_test(rfc9989_4_7_alignment_psd_t),
		cmocka_unit_test(rfc9989_4_8_fo),
		cmocka_unit_test(rfc9989_4_8_addresses),
		cmocka_unit_test(rfc9989_4_8_many_addresses),
		cmocka_unit_test(rfc9989_4_8_errors_are_discarded),
		cmocka_unit_test(rfc9989_b_2_records),
		cmocka_unit_test(limits_and_cuts),
		cmocka_unit_test(pieces_of_a_record),
		cmocka_unit_test(hosts_of_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
