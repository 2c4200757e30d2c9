/*
 * failure_test.c - which failures are reported, and the contents of a report
 * (RFC 9991, RFC 6591, RFC 5965; RFC 9989 section 4.7).
 */
#include "report/record/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/enum_names.h"
#include "report/write/failure_message.h"
#include "report/store/failure_queue.h"
#include "report/store/queue.h"
#include "report/store/writer.h"
#include "tests/support/failure_sample.h"
#include "tests/support/store_fixture.h"

#define RUF "ruf=mailto:r@example.com"

static const struct hash_secret key = { 1, 2 };

/* ---- which failures are reported ---- */

struct option {
	const char *fo;
	bool dkim_aligned, spf_aligned;
	enum dkim_code dkim; /* result of one signature; NONE: no signature */
	enum spf_code spf;
	enum failure_kind want;
};

static void
rfc9989_4_7_fo(void **state)
{
	static const struct option vectors[] = {
		/* fo=0, which is also the default: report only if all fail */
		{ .fo = "",
		    .dkim = DKIM_NONE,
		    .spf = SPF_FAIL,
		    .want = FAILURE_DMARC },
		{ .fo = "fo=0;",
		    .dkim = DKIM_FAIL,
		    .spf = SPF_NONE,
		    .want = FAILURE_DMARC },
		{ .fo = "fo=0;",
		    .dkim_aligned = true,
		    .dkim = DKIM_PASS,
		    .spf = SPF_FAIL,
		    .want = FAILURE_NONE },
		{ .fo = "fo=0;",
		    .spf_aligned = true,
		    .dkim = DKIM_FAIL,
		    .spf = SPF_PASS,
		    .want = FAILURE_NONE },
		/* fo=1: report if any fails */
		{ .fo = "fo=1;",
		    .dkim = DKIM_NONE,
		    .spf = SPF_FAIL,
		    .want = FAILURE_DMARC },
		{ .fo = "fo=1;",
		    .dkim_aligned = true,
		    .dkim = DKIM_PASS,
		    .spf = SPF_FAIL,
		    .want = FAILURE_DMARC },
		{ .fo = "fo=1;",
		    .spf_aligned = true,
		    .dkim = DKIM_FAIL,
		    .spf = SPF_PASS,
		    .want = FAILURE_DMARC },
		{ .fo = "fo=1;",
		    .spf_aligned = true,
		    .dkim = DKIM_NONE,
		    .spf = SPF_PASS,
		    .want = FAILURE_DMARC },
		{ .fo = "fo=1;",
		    .spf_aligned = true,
		    .dkim = DKIM_PASS,
		    .spf = SPF_PASS,
		    .want = FAILURE_DMARC },
		{ .fo = "fo=1;",
		    .dkim_aligned = true,
		    .spf_aligned = true,
		    .dkim = DKIM_PASS,
		    .spf = SPF_PASS,
		    .want = FAILURE_NONE },
		{ .fo = "fo=1;",
		    .spf_aligned = true,
		    .dkim = DKIM_TEMPERROR,
		    .spf = SPF_PASS,
		    .want = FAILURE_NONE },
		{ .fo = "fo=1;",
		    .dkim_aligned = true,
		    .dkim = DKIM_PASS,
		    .spf = SPF_TEMPERROR,
		    .want = FAILURE_NONE },
		/* fo=d: report if a signature of any domain fails */
		{ .fo = "fo=d;",
		    .spf_aligned = true,
		    .dkim = DKIM_FAIL,
		    .spf = SPF_PASS,
		    .want = FAILURE_DKIM },
		{ .fo = "fo=d;",
		    .dkim = DKIM_FAIL,
		    .spf = SPF_FAIL,
		    .want = FAILURE_DKIM },
		{ .fo = "fo=d;",
		    .spf_aligned = true,
		    .dkim = DKIM_PERMERROR,
		    .spf = SPF_PASS,
		    .want = FAILURE_DKIM },
		{ .fo = "fo=d;",
		    .spf_aligned = true,
		    .dkim = DKIM_NEUTRAL,
		    .spf = SPF_PASS,
		    .want = FAILURE_DKIM },
		{ .fo = "fo=d;",
		    .spf_aligned = true,
		    .dkim = DKIM_POLICY,
		    .spf = SPF_PASS,
		    .want = FAILURE_NONE },
		{ .fo = "fo=d;",
		    .spf_aligned = true,
		    .dkim = DKIM_TEMPERROR,
		    .spf = SPF_PASS,
		    .want = FAILURE_NONE },
		{ .fo = "fo=d;",
		    .dkim = DKIM_NONE,
		    .spf = SPF_FAIL,
		    .want = FAILURE_NONE },
		/* fo=s: report if SPF fails, for any domain */
		{ .fo = "fo=s;",
		    .dkim_aligned = true,
		    .dkim = DKIM_PASS,
		    .spf = SPF_FAIL,
		    .want = FAILURE_SPF },
		{ .fo = "fo=s;",
		    .dkim_aligned = true,
		    .dkim = DKIM_PASS,
		    .spf = SPF_SOFTFAIL,
		    .want = FAILURE_SPF },
		{ .fo = "fo=s;",
		    .dkim_aligned = true,
		    .dkim = DKIM_PASS,
		    .spf = SPF_PERMERROR,
		    .want = FAILURE_SPF },
		{ .fo = "fo=s;",
		    .dkim = DKIM_FAIL,
		    .spf = SPF_FAIL,
		    .want = FAILURE_SPF },
		{ .fo = "fo=s;",
		    .dkim_aligned = true,
		    .dkim = DKIM_PASS,
		    .spf = SPF_NEUTRAL,
		    .want = FAILURE_NONE },
		{ .fo = "fo=s;",
		    .dkim_aligned = true,
		    .dkim = DKIM_PASS,
		    .spf = SPF_NONE,
		    .want = FAILURE_NONE },
		{ .fo = "fo=s;",
		    .dkim_aligned = true,
		    .dkim = DKIM_PASS,
		    .spf = SPF_TEMPERROR,
		    .want = FAILURE_NONE },
		/* several options: one report */
		{ .fo = "fo=0:d:s;",
		    .dkim = DKIM_FAIL,
		    .spf = SPF_FAIL,
		    .want = FAILURE_DMARC },
		{ .fo = "fo=d:s;",
		    .dkim = DKIM_FAIL,
		    .spf = SPF_FAIL,
		    .want = FAILURE_DKIM },
		{ .fo = "fo=s:d;",
		    .dkim_aligned = true,
		    .dkim = DKIM_PASS,
		    .spf = SPF_FAIL,
		    .want = FAILURE_SPF },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct option *o = &vectors[i];
		char record[200];
		struct failure_sample s;

		snprintf(
		    record, sizeof(record), "v=DMARC1; p=none; %s " RUF, o->fo);
		failure_sample_open(&s, record, "");
		if (o->dkim != DKIM_NONE)
			failure_sample_sign(&s, "third.example", o->dkim);
		s.v.spf_mail_from.code = o->spf;
		s.v.dmarc.dkim_aligned = o->dkim_aligned;
		s.v.dmarc.spf_aligned = o->spf_aligned;
		if (o->dkim_aligned || o->spf_aligned)
			s.v.dmarc.code = DMARC_PASS;
		if (failure_kind_of(&s.v) != o->want)
			fail_msg(
			    "vector %zu: %d", i, (int)failure_kind_of(&s.v));
		failure_sample_close(&s);
	}
}

static void
rfc9991_2_who_asks(void **state)
{
	static const struct {
		const char *record;
		enum failure_kind want;
	} vectors[] = {
		{ "v=DMARC1; p=reject; " RUF, FAILURE_DMARC },
		{ "v=DMARC1; p=reject; psd=n; " RUF, FAILURE_DMARC },
		{ "v=DMARC1; p=reject; psd=u; " RUF, FAILURE_DMARC },
		{ "v=DMARC1; p=reject; t=y; " RUF, FAILURE_DMARC },
		{ "v=DMARC1; p=reject; psd=y; " RUF, FAILURE_NONE },
		{ "v=DMARC1; p=reject; fo=1", FAILURE_NONE },
		{ "v=DMARC1; p=reject; rua=mailto:r@example.com",
		    FAILURE_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct failure_sample s;

		failure_sample_open(&s, vectors[i].record, "");
		if (failure_kind_of(&s.v) != vectors[i].want)
			fail_msg("%s", vectors[i].record);
		failure_sample_close(&s);
	}
}

/* Each of these conditions alone prevents a report. */
static void
silence(void **state)
{
	enum { WAYS = 13 };

	(void)state;
	for (int way = 0; way <= WAYS; way++) {
		struct failure_sample s;

		failure_sample_open(
		    &s, "v=DMARC1; p=reject; fo=1:d:s; " RUF, "");
		failure_sample_sign(&s, "example.com", DKIM_FAIL);
		if (way == 1)
			s.v.skip = "skip.authenticated";
		if (way == 2)
			s.v.decision.skipped = true;
		if (way == 3)
			s.v.mail_from = SPAN("");
		if (way == 4)
			s.v.automatic = true;
		if (way == 5)
			s.v.facts.is_list = true;
		if (way == 6)
			s.v.decision.override = POLICY_OVERRIDE_LIST;
		if (way == 7)
			s.v.decision.override = POLICY_OVERRIDE_FORWARDER;
		if (way == 8)
			s.v.faulty = true;
		if (way == 9)
			s.v.gave_up = true;
		if (way == 10)
			s.v.decision.action = CONF_TEMPFAIL;
		if (way == 11)
			s.v.dmarc.record = NULL;
		if (way == 12)
			s.v.dmarc.author_domain = SPAN_NONE;
		if (way == 13)
			s.v.dmarc.policy_domain = SPAN_NONE;
		if ((failure_kind_of(&s.v) != FAILURE_NONE) != (way == 0))
			fail_msg("way %d", way);
		failure_sample_close(&s);
	}
}

static void
options(void **state)
{
	static const struct {
		const char *options;
		bool want;
	} vectors[] = {
		{ "", true },
		{ "failure_reports = false", false },
		{ "failure_domains = {\"**.example.com\"}", true },
		{ "failure_domains = {\"example.com\"}", false },
		{ "failure_domains = {\"a.example\", \"mail.example.com\"}",
		    true },
	};
	struct failure_draft *d = malloc(sizeof(*d));
	const struct conf *standard;

	(void)state;
	assert_non_null(d);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct failure_sample s;

		failure_sample_open(
		    &s, "v=DMARC1; p=reject; " RUF, vectors[i].options);
		if (failure_of(&s.v, s.conf, key, SPAN(""), FAILURE_NOW, d) !=
		    vectors[i].want)
			fail_msg("%s", vectors[i].options);
		failure_sample_close(&s);
	}
	standard = conf_defaults();
	assert_false(standard->report.failure_reports);
	conf_unref(standard);
	free(d);
}

/* ---- contents of a report ---- */

static void
rfc6591_3_fields(void **state)
{
	struct failure_draft *d = malloc(sizeof(*d));
	struct failure_sample s;
	const char *f;

	(void)state;
	assert_non_null(d);
	failure_sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
	f = failure_sample_feedback(&s, d);
	text_has(f,
	    "Feedback-Type: auth-failure\n"
	    "User-Agent: avouch/" AVOUCH_VERSION "\nVersion: 1\n"
	    "Auth-Failure: dmarc\n"
	    "Authentication-Results: mx.example.net;\n\tdmarc=fail");
	text_has(f, "\nIdentity-Alignment: dkim, spf\n");
	text_has(f, "\nDelivery-Result: reject\n");
	text_has(f, "\nArrival-Date: Fri, 4 Oct 2024 00:10:00 +0000\n");
	text_has(f, "\nSource-IP: 192.0.2.1\nSource-Port: 2525\n");
	text_has(f, "\nReported-Domain: mail.example.com\n");
	text_has(f, "@other.example>\n");
	text_has(f, "\nOriginal-Envelope-Id: 4Q\n");
	text_lacks(f, "evil");
	/* RFC 6591 section 3.1: the results of one method only */
	text_lacks(f, "spf=");
	/* neither identifier is aligned */
	text_lacks(f, "DKIM-");
	text_lacks(f, "SPF-DNS");
	failure_sample_close(&s);
	free(d);
}

static void
rfc6591_3_2_2_delivery_result(void **state)
{
	static const struct {
		enum conf_action action;
		enum dmarc_policy disposition;
		const char *want;
	} vectors[] = {
		{ CONF_ACCEPT, DMARC_POLICY_NONE, "delivered" },
		{ CONF_ANNOTATE, DMARC_POLICY_NONE, "delivered" },
		{ CONF_ANNOTATE, DMARC_POLICY_QUARANTINE, "policy" },
		{ CONF_QUARANTINE, DMARC_POLICY_QUARANTINE, "policy" },
		{ CONF_REJECT, DMARC_POLICY_REJECT, "reject" },
	};
	struct failure_draft *d = malloc(sizeof(*d));

	(void)state;
	assert_non_null(d);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char want[100];
		struct failure_sample s;

		failure_sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
		s.v.decision.action = vectors[i].action;
		s.v.decision.disposition = vectors[i].disposition;
		snprintf(want, sizeof(want), "\nDelivery-Result: %s\n",
		    vectors[i].want);
		text_has(failure_sample_feedback(&s, d), want);
		failure_sample_close(&s);
	}
	free(d);
}

static void
rfc9991_4_identity_alignment(void **state)
{
	static const char *const want[] = { "dkim, spf", "dkim", "spf",
		"none" };
	struct failure_draft *d = malloc(sizeof(*d));

	(void)state;
	assert_non_null(d);
	for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
		char line[100];
		struct failure_sample s;

		failure_sample_open(&s, "v=DMARC1; p=reject; fo=1:s; " RUF, "");
		s.v.dmarc.spf_aligned = (i & 1) != 0;
		s.v.dmarc.dkim_aligned = (i & 2) != 0;
		s.v.dmarc.code = i > 0 ? DMARC_PASS : DMARC_FAIL;
		snprintf(
		    line, sizeof(line), "\nIdentity-Alignment: %s\n", want[i]);
		text_has(failure_sample_feedback(&s, d), line);
		failure_sample_close(&s);
	}
	free(d);
}

/* RFC 6591 sections 3.2.3 and 3.3; RFC 9991 section 4. */
static void
rfc6591_3_3_dkim(void **state)
{
	static const struct {
		enum dkim_auth_failure auth_failure;
		const char *want;
	} vectors[] = {
		{ DKIM_FLAW_OTHER, "Auth-Failure: signature\n" },
		{ DKIM_FLAW_BODY, "Auth-Failure: bodyhash\n" },
		{ DKIM_FLAW_REVOKED, "Auth-Failure: revoked\n" },
	};
	struct failure_draft *d = malloc(sizeof(*d));
	struct failure_sample s;
	const char *f;

	(void)state;
	assert_non_null(d);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		failure_sample_open(&s, "v=DMARC1; p=reject; fo=d; " RUF, "");
		failure_sample_sign(&s, "third.example", DKIM_PASS);
		failure_sample_sign(&s, "fourth.example", DKIM_FAIL)
		    ->auth_failure = vectors[i].auth_failure;
		f = failure_sample_feedback(&s, d);
		text_has(f, vectors[i].want);
		text_has(f, "\nDKIM-Domain: fourth.example\n");
		text_has(f, "@mail.example.com\nDKIM-Selector: sel\n");
		text_has(f, "dkim=fail reason=why header.d=fourth.example");
		text_lacks(f, "third.example");
		text_lacks(f, "ann");
		failure_sample_close(&s);
	}
	/* the aligned signature is preferred; these fields are REQUIRED with
	 * "dmarc" too */
	failure_sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
	failure_sample_sign(&s, "third.example", DKIM_FAIL);
	failure_sample_sign(&s, "example.com", DKIM_FAIL);
	f = failure_sample_feedback(&s, d);
	text_has(f, "Auth-Failure: dmarc\n");
	text_has(f, "\nDKIM-Domain: example.com\n");
	failure_sample_close(&s);
	/* in strict mode, the organizational domain is not aligned */
	failure_sample_open(&s, "v=DMARC1; p=reject; adkim=s; " RUF, "");
	failure_sample_sign(&s, "example.com", DKIM_FAIL);
	text_lacks(failure_sample_feedback(&s, d), "DKIM-Domain");
	failure_sample_close(&s);
	free(d);
}

static void
rfc6591_3_2_6_spf_dns(void **state)
{
	struct failure_draft *d = malloc(sizeof(*d));
	struct spf_source *sources;
	char word[3000];
	struct failure_sample s;
	const char *f;

	(void)state;
	assert_non_null(d);
	failure_sample_open(&s, "v=DMARC1; p=reject; fo=s; " RUF, "");
	sources = s.v.spf_mail_from.sources;
	s.v.spf_mail_from.n_sources = 2;
	sources[0] = (struct spf_source){ SPAN("other.example"),
		SPAN("v=spf1 include:b.example -all") };
	sources[1] = (struct spf_source){ SPAN("b.example"),
		SPAN("v=spf1 \"a\\b\" x\r\nX: y") };
	f = failure_sample_feedback(&s, d);
	text_has(f, "Auth-Failure: spf\n");
	text_has(f, "\tspf=fail smtp.mailfrom=");
	text_has(f,
	    "\nSPF-DNS: txt : other.example : "
	    "\"v=spf1 include:b.example -all\"\n"
	    "SPF-DNS: txt : b.example : \"v=spf1 \\\"a\\\\b\\\" x??X: y\"\n");
	/* a name that contains the local part of the sender */
	sources[0].record = SPAN("v=spf1 include:%{L1r-}.b.example -all");
	sources[1].domain = SPAN("evil.one.b.example");
	f = failure_sample_feedback(&s, d);
	text_has(f, "txt : other.example : \"v=spf1 include:%{L1r-}.b");
	text_lacks(f, "evil");
	sources[0].record = SPAN("v=spf1 include:%{s}.b.example -all");
	text_lacks(failure_sample_feedback(&s, d), "evil");
	sources[1].domain = SPAN("b.example");
	/* a long record is folded between words, and a very long word is cut */
	memset(word, 'x', sizeof(word));
	sources[0].record = span_of(word, sizeof(word));
	for (size_t i = 100; i < 2000; i += 60)
		word[i] = ' ';
	f = failure_sample_feedback(&s, d);
	for (struct scan line = scan_of(d->failure.feedback); !scan_done(&line);
	     scan_byte(&line, '\n'))
		assert_true(scan_until(&line, '\n').n < 990);
	/* a record that does not fit is left out completely */
	for (size_t i = 0; i < 1 + SPF_MAX_LOOKUPS; i++)
		sources[i] = sources[0];
	s.v.spf_mail_from.n_sources = 1 + SPF_MAX_LOOKUPS;
	f = failure_sample_feedback(&s, d);
	text_has(f, "x\"\n");
	assert_true(f[d->failure.feedback.n - 1] == '\n');
	assert_true(f[d->failure.feedback.n - 2] == '"');
	failure_sample_close(&s);
	/* "dmarc" reports have SPF-DNS if the SPF domain is aligned */
	failure_sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
	s.v.spf_mail_from.domain = SPAN("example.com");
	s.v.spf_mail_from.n_sources = 1;
	s.v.spf_mail_from.sources[0] =
	    (struct spf_source){ SPAN("example.com"), SPAN("v=spf1 -all") };
	text_has(failure_sample_feedback(&s, d),
	    "\nSPF-DNS: txt : example.com : \"v=spf1 -all\"\n");
	failure_sample_close(&s);
	free(d);
}

/* RFC 5965 section 3.2 uses the address literal of RFC 5321; most readers
 * expect the bare address. */
static void
rfc5965_3_2_source_ip(void **state)
{
	struct failure_draft *d = malloc(sizeof(*d));

	(void)state;
	assert_non_null(d);
	for (int strict = 0; strict < 2; strict++) {
		struct failure_sample s;

		failure_sample_open(&s, "v=DMARC1; p=reject; " RUF,
		    strict != 0 ? "xml_format = strict" : "");
		assert_true(ip_parse(SPAN("2001:db8::1"), &s.v.client));
		s.v.client_port = 0;
		text_has(failure_sample_feedback(&s, d),
		    strict != 0 ? "\nSource-IP: IPv6:2001:db8::1\nReported"
				: "\nSource-IP: 2001:db8::1\nReported");
		failure_sample_close(&s);
	}
	free(d);
}

static void
rfc9991_7_header(void **state)
{
	struct failure_draft *d = malloc(sizeof(*d));
	struct failure_sample s;
	const char *h;

	(void)state;
	assert_non_null(d);
	failure_sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
	failure_sample_sign(&s, "example.com", DKIM_FAIL);
	failure_sample_field(&s, "From", " \"Ann\" <ann@mail.example.com>");
	failure_sample_field(&s, "To", " bob@example.net");
	failure_sample_field(&s, "Subject", " secret");
	failure_sample_field(&s, "Authentication-Results", " x; spf=pass");
	failure_sample_field(&s, "date", " now");
	failure_sample_feedback(&s, d);
	h = d->failure.header.p;
	text_has(h,
	    "Authentication-Results: mx.example.net;\n\tspf=fail "
	    "smtp.mailfrom=");
	text_has(h, ";\n\tdkim=fail reason=why header.d=example.com");
	text_has(h, ";\n\tdmarc=fail");
	text_has(h, "@mail.example.com>\ndate: now\n");
	text_lacks(h, "nn");
	text_lacks(h, "To:");
	text_lacks(h, "ubject");
	text_lacks(h, "spf=pass");
	assert_int_equal(d->failure.subject.n, 0);
	failure_sample_close(&s);
	/* RFC 5965 section 2 (f) */
	failure_sample_open(
	    &s, "v=DMARC1; p=reject; " RUF, "failure_headers = {\"Subject\"}");
	failure_sample_field(&s, "From", " ann@mail.example.com");
	failure_sample_field(&s, "Subject", " Re: ann@mail.example.com");
	failure_sample_feedback(&s, d);
	text_lacks(d->failure.header.p, "From:");
	text_has(d->failure.subject.p, "Re: ");
	text_lacks(d->failure.subject.p, "ann");
	failure_sample_close(&s);
	free(d);
}

/* The contents are bounded and clean for any input. */
static void
giant_headers(void **state)
{
	static const char *const names[] = { "From", "Subject", "X",
		"DKIM-Signature", "Received" };
	struct failure_draft *d = malloc(sizeof(*d));
	char *value = malloc(200000);
	struct failure_sample s;

	(void)state;
	assert_true(d != NULL && value != NULL);
	failure_sample_open(&s, "v=DMARC1; p=reject; " RUF,
	    "failure_headers = {\"From\", \"Subject\", \"X\", "
	    "\"DKIM-Signature\", \"Received\"}");
	for (size_t i = 0; i < FAILURE_SIGNATURES; i++)
		failure_sample_sign(&s, "example.com", DKIM_FAIL);
	for (unsigned i = 0; i < 400; i++) {
		size_t n = i % 11 == 0 ? 20000 : i;

		for (size_t k = 0; k < n; k++)
			value[k] = "a@b;\"\n \xff,<>"[(k * 7 + i) % 11];
		value[n] = '\0';
		failure_sample_field(&s, names[i % ARRAY_SIZE(names)], value);
	}
	failure_sample_feedback(&s, d);
	assert_true(d->failure.header.n < FAILURE_HEADER_MAX);
	assert_true(d->failure.header.n > FAILURE_HEADER_MAX / 4);
	assert_true(
	    failure_size(&d->failure) < sizeof(struct failure) + FAILURE_MAX);
	for (size_t i = 0; i < d->failure.header.n; i++) {
		unsigned char c = (unsigned char)d->failure.header.p[i];

		assert_true(ascii_is_print(c) || c == '\n' || c == '\t');
	}
	failure_sample_close(&s);
	free(value);
	free(d);
}

static void
rfc6591_6_5_likeness(void **state)
{
	struct failure_draft *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));

	(void)state;
	assert_true(a != NULL && b != NULL);
	for (int way = 0; way <= 5; way++) {
		struct failure_sample s;

		failure_sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
		failure_sample_sign(&s, "example.com", DKIM_FAIL);
		failure_sample_feedback(&s, a);
		/* the sender and the contents of the message do not matter */
		s.v.mail_from = SPAN("another@other.example");
		s.v.client_port = 1;
		failure_sample_field(&s, "Subject", " x");
		if (way == 1)
			s.v.client.bytes[3]++;
		if (way == 2)
			s.v.facts.mail_from_domain = SPAN("b.example");
		if (way == 3)
			s.dkim[0].code = DKIM_PERMERROR;
		if (way == 4)
			s.v.spf_mail_from.code = SPF_SOFTFAIL;
		if (way == 5)
			s.v.decision.action = CONF_QUARANTINE;
		failure_sample_feedback(&s, b);
		assert_int_equal(
		    span_equal(a->failure.likeness, b->failure.likeness),
		    way == 0);
		failure_sample_close(&s);
	}
	free(a);
	free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9989_4_7_fo),
		cmocka_unit_test(rfc9991_2_who_asks),
		cmocka_unit_test(silence),
		cmocka_unit_test(options),
		cmocka_unit_test(rfc6591_3_fields),
		cmocka_unit_test(rfc6591_3_2_2_delivery_result),
		cmocka_unit_test(rfc9991_4_identity_alignment),
		cmocka_unit_test(rfc6591_3_3_dkim),
		cmocka_unit_test(rfc6591_3_2_6_spf_dns),
		cmocka_unit_test(rfc5965_3_2_source_ip),
		cmocka_unit_test(rfc9991_7_header),
		cmocka_unit_test(giant_headers),
		cmocka_unit_test(rfc6591_6_5_likeness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
