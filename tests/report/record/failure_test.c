/*
 * failure_test.c - which failures are reported, what a report tells, and how
 * many are kept (RFC 9991, RFC 6591, RFC 5965; RFC 9989 section 4.7).
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
#include "tests/support/store_fixture.h"

enum {
	NOW = ROWS_DAY * DATE_DAY + 600,
	SIGNATURES = 20,
	FLOOD = 10000,
	SLOW_MS = 60000
};

#define RUF "ruf=mailto:r@example.com"

static const struct hash_secret key = { 1, 2 };

/* ---- a message that fails ---- */

struct sample {
	struct verdict v;
	struct dmarc_record record;
	struct dkim_result dkim[SIGNATURES];
	struct mail_header header;
	struct arena *arena;
	const struct conf *conf;
};

static void
sample_open(struct sample *s, const char *record, const char *options)
{
	const char *reason;
	char text[1000];

	*s = (struct sample){ .arena = arena_new(4 << 20) };
	assert_non_null(s->arena);
	snprintf(text, sizeof(text), "report { %s %s }",
	    strstr(options, "failure_reports") == NULL
		? "failure_reports = true"
		: "",
	    options);
	s->conf = conf_read_text(span_str(text), "test", stderr);
	assert_non_null(s->conf);
	assert_int_equal(
	    dmarc_record_parse(span_str(record), &s->record, &reason),
	    DMARC_RECORD_OK);
	s->v = (struct verdict){
		.mail_from = SPAN("evil.one@other.example"),
		.dkim = s->dkim,
		.header = &s->header,
		.client_port = 2525,
		.authentication_results = SPAN("mx.example.net; spf=fail"),
		.dmarc = { .code = DMARC_FAIL,
		    .author_domain = SPAN("mail.example.com"),
		    .organizational_domain = SPAN("example.com"),
		    .policy_domain = SPAN("example.com"),
		    .record = &s->record,
		    .reason = SPAN("nothing is aligned"),
		    .policy = DMARC_POLICY_REJECT },
		.spf_mail_from = { .code = SPF_FAIL,
		    .domain = SPAN("other.example") },
		.decision = { .action = CONF_REJECT,
		    .disposition = DMARC_POLICY_REJECT },
	};
	s->v.facts.mail_from_domain = SPAN("other.example");
	assert_true(ip_parse(SPAN("192.0.2.1"), &s->v.client));
}

static void
sample_close(struct sample *s)
{
	arena_free(s->arena);
	conf_unref(s->conf);
}

static struct dkim_result *
add_signature(struct sample *s, const char *domain, enum dkim_code code)
{
	struct dkim_result *r = &s->dkim[s->v.n_dkim++];

	*r = (struct dkim_result){ .code = code,
		.domain = span_str(domain),
		.selector = SPAN("sel"),
		.identity = SPAN("ann@mail.example.com"),
		.b = SPAN("abcdefgh"),
		.reason = SPAN("why") };
	return r;
}

static void
add_field(struct sample *s, const char *name, const char *value)
{
	assert_true(mail_header_add(
	    &s->header, s->arena, span_str(name), span_str(value)));
}

static const char *
feedback_of(struct sample *s, struct failure_draft *d)
{
	assert_true(failure_of(&s->v, s->conf, key, SPAN("4Q"), NOW, d));
	assert_true(d->failure.feedback.p[d->failure.feedback.n] == '\0');
	return d->failure.feedback.p;
}

static void
assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void
assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("\"%s\" in:\n%s", part, text);
}

/* ---- which are reported ---- */

struct option {
	const char *fo;
	bool dkim_aligned, spf_aligned;
	enum dkim_code dkim; /* of one signature; NONE: there is none */
	enum spf_code spf;
	enum failure_kind want;
};

static void
rfc9989_4_7_fo(void **state)
{
	static const struct option vectors[] = {
		/* fo=0, also where there is none: all fail */
		{ "", false, false, DKIM_NONE, SPF_FAIL, FAILURE_DMARC },
		{ "fo=0;", false, false, DKIM_FAIL, SPF_NONE, FAILURE_DMARC },
		{ "fo=0;", true, false, DKIM_PASS, SPF_FAIL, FAILURE_NONE },
		{ "fo=0;", false, true, DKIM_FAIL, SPF_PASS, FAILURE_NONE },
		/* fo=1: any fails */
		{ "fo=1;", false, false, DKIM_NONE, SPF_FAIL, FAILURE_DMARC },
		{ "fo=1;", true, false, DKIM_PASS, SPF_FAIL, FAILURE_DMARC },
		{ "fo=1;", false, true, DKIM_FAIL, SPF_PASS, FAILURE_DMARC },
		{ "fo=1;", false, true, DKIM_NONE, SPF_PASS, FAILURE_DMARC },
		{ "fo=1;", false, true, DKIM_PASS, SPF_PASS, FAILURE_DMARC },
		{ "fo=1;", true, true, DKIM_PASS, SPF_PASS, FAILURE_NONE },
		{ "fo=1;", false, true, DKIM_TEMPERROR, SPF_PASS,
		    FAILURE_NONE },
		{ "fo=1;", true, false, DKIM_PASS, SPF_TEMPERROR,
		    FAILURE_NONE },
		/* fo=d: a signature fails, whosever it is */
		{ "fo=d;", false, true, DKIM_FAIL, SPF_PASS, FAILURE_DKIM },
		{ "fo=d;", false, false, DKIM_FAIL, SPF_FAIL, FAILURE_DKIM },
		{ "fo=d;", false, true, DKIM_PERMERROR, SPF_PASS,
		    FAILURE_DKIM },
		{ "fo=d;", false, true, DKIM_NEUTRAL, SPF_PASS, FAILURE_DKIM },
		{ "fo=d;", false, true, DKIM_POLICY, SPF_PASS, FAILURE_NONE },
		{ "fo=d;", false, true, DKIM_TEMPERROR, SPF_PASS,
		    FAILURE_NONE },
		{ "fo=d;", false, false, DKIM_NONE, SPF_FAIL, FAILURE_NONE },
		/* fo=s: SPF fails, whosever the domain is */
		{ "fo=s;", true, false, DKIM_PASS, SPF_FAIL, FAILURE_SPF },
		{ "fo=s;", true, false, DKIM_PASS, SPF_SOFTFAIL, FAILURE_SPF },
		{ "fo=s;", true, false, DKIM_PASS, SPF_PERMERROR, FAILURE_SPF },
		{ "fo=s;", false, false, DKIM_FAIL, SPF_FAIL, FAILURE_SPF },
		{ "fo=s;", true, false, DKIM_PASS, SPF_NEUTRAL, FAILURE_NONE },
		{ "fo=s;", true, false, DKIM_PASS, SPF_NONE, FAILURE_NONE },
		{ "fo=s;", true, false, DKIM_PASS, SPF_TEMPERROR,
		    FAILURE_NONE },
		/* several: one report */
		{ "fo=0:d:s;", false, false, DKIM_FAIL, SPF_FAIL,
		    FAILURE_DMARC },
		{ "fo=d:s;", false, false, DKIM_FAIL, SPF_FAIL, FAILURE_DKIM },
		{ "fo=s:d;", true, false, DKIM_PASS, SPF_FAIL, FAILURE_SPF },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct option *o = &vectors[i];
		char record[200];
		struct sample s;

		snprintf(
		    record, sizeof(record), "v=DMARC1; p=none; %s " RUF, o->fo);
		sample_open(&s, record, "");
		if (o->dkim != DKIM_NONE)
			add_signature(&s, "third.example", o->dkim);
		s.v.spf_mail_from.code = o->spf;
		s.v.dmarc.dkim_aligned = o->dkim_aligned;
		s.v.dmarc.spf_aligned = o->spf_aligned;
		if (o->dkim_aligned || o->spf_aligned)
			s.v.dmarc.code = DMARC_PASS;
		if (failure_kind_of(&s.v) != o->want)
			fail_msg(
			    "vector %zu: %d", i, (int)failure_kind_of(&s.v));
		sample_close(&s);
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
		struct sample s;

		sample_open(&s, vectors[i].record, "");
		if (failure_kind_of(&s.v) != vectors[i].want)
			fail_msg("%s", vectors[i].record);
		sample_close(&s);
	}
}

/* Each of these alone is a reason for silence. */
static void
silence(void **state)
{
	enum { WAYS = 13 };

	(void)state;
	for (int way = 0; way <= WAYS; way++) {
		struct sample s;

		sample_open(&s, "v=DMARC1; p=reject; fo=1:d:s; " RUF, "");
		add_signature(&s, "example.com", DKIM_FAIL);
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
		sample_close(&s);
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
		struct sample s;

		sample_open(&s, "v=DMARC1; p=reject; " RUF, vectors[i].options);
		if (failure_of(&s.v, s.conf, key, SPAN(""), NOW, d) !=
		    vectors[i].want)
			fail_msg("%s", vectors[i].options);
		sample_close(&s);
	}
	standard = conf_defaults();
	assert_false(standard->report.failure_reports);
	conf_unref(standard);
	free(d);
}

/* ---- what is told ---- */

static void
rfc6591_3_fields(void **state)
{
	struct failure_draft *d = malloc(sizeof(*d));
	struct sample s;
	const char *f;

	(void)state;
	assert_non_null(d);
	sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
	f = feedback_of(&s, d);
	assert_has(f,
	    "Feedback-Type: auth-failure\n"
	    "User-Agent: avouch/" AVOUCH_VERSION "\nVersion: 1\n"
	    "Auth-Failure: dmarc\n"
	    "Authentication-Results: mx.example.net;\n\tdmarc=fail");
	assert_has(f, "\nIdentity-Alignment: dkim, spf\n");
	assert_has(f, "\nDelivery-Result: reject\n");
	assert_has(f, "\nArrival-Date: Fri, 4 Oct 2024 00:10:00 +0000\n");
	assert_has(f, "\nSource-IP: 192.0.2.1\nSource-Port: 2525\n");
	assert_has(f, "\nReported-Domain: mail.example.com\n");
	assert_has(f, "@other.example>\n");
	assert_has(f, "\nOriginal-Envelope-Id: 4Q\n");
	assert_lacks(f, "evil");
	/* RFC 6591 section 3.1: a single method's result */
	assert_lacks(f, "spf=");
	/* neither is of an aligned identifier */
	assert_lacks(f, "DKIM-");
	assert_lacks(f, "SPF-DNS");
	sample_close(&s);
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
		struct sample s;

		sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
		s.v.decision.action = vectors[i].action;
		s.v.decision.disposition = vectors[i].disposition;
		snprintf(want, sizeof(want), "\nDelivery-Result: %s\n",
		    vectors[i].want);
		assert_has(feedback_of(&s, d), want);
		sample_close(&s);
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
		struct sample s;

		sample_open(&s, "v=DMARC1; p=reject; fo=1:s; " RUF, "");
		s.v.dmarc.spf_aligned = (i & 1) != 0;
		s.v.dmarc.dkim_aligned = (i & 2) != 0;
		s.v.dmarc.code = i > 0 ? DMARC_PASS : DMARC_FAIL;
		snprintf(
		    line, sizeof(line), "\nIdentity-Alignment: %s\n", want[i]);
		assert_has(feedback_of(&s, d), line);
		sample_close(&s);
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
	struct sample s;
	const char *f;

	(void)state;
	assert_non_null(d);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		sample_open(&s, "v=DMARC1; p=reject; fo=d; " RUF, "");
		add_signature(&s, "third.example", DKIM_PASS);
		add_signature(&s, "fourth.example", DKIM_FAIL)->auth_failure =
		    vectors[i].auth_failure;
		f = feedback_of(&s, d);
		assert_has(f, vectors[i].want);
		assert_has(f, "\nDKIM-Domain: fourth.example\n");
		assert_has(f, "@mail.example.com\nDKIM-Selector: sel\n");
		assert_has(f, "dkim=fail reason=why header.d=fourth.example");
		assert_lacks(f, "third.example");
		assert_lacks(f, "ann");
		sample_close(&s);
	}
	/* the aligned one before others; REQUIRED with "dmarc" too */
	sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
	add_signature(&s, "third.example", DKIM_FAIL);
	add_signature(&s, "example.com", DKIM_FAIL);
	f = feedback_of(&s, d);
	assert_has(f, "Auth-Failure: dmarc\n");
	assert_has(f, "\nDKIM-Domain: example.com\n");
	sample_close(&s);
	/* strict: the organization's domain is another one */
	sample_open(&s, "v=DMARC1; p=reject; adkim=s; " RUF, "");
	add_signature(&s, "example.com", DKIM_FAIL);
	assert_lacks(feedback_of(&s, d), "DKIM-Domain");
	sample_close(&s);
	free(d);
}

static void
rfc6591_3_2_6_spf_dns(void **state)
{
	struct failure_draft *d = malloc(sizeof(*d));
	struct spf_source *sources;
	char word[3000];
	struct sample s;
	const char *f;

	(void)state;
	assert_non_null(d);
	sample_open(&s, "v=DMARC1; p=reject; fo=s; " RUF, "");
	sources = s.v.spf_mail_from.sources;
	s.v.spf_mail_from.n_sources = 2;
	sources[0] = (struct spf_source){ SPAN("other.example"),
		SPAN("v=spf1 include:b.example -all") };
	sources[1] = (struct spf_source){ SPAN("b.example"),
		SPAN("v=spf1 \"a\\b\" x\r\nX: y") };
	f = feedback_of(&s, d);
	assert_has(f, "Auth-Failure: spf\n");
	assert_has(f, "\tspf=fail smtp.mailfrom=");
	assert_has(f,
	    "\nSPF-DNS: txt : other.example : "
	    "\"v=spf1 include:b.example -all\"\n"
	    "SPF-DNS: txt : b.example : \"v=spf1 \\\"a\\\\b\\\" x??X: y\"\n");
	/* a name that has the sender's local part in it */
	sources[0].record = SPAN("v=spf1 include:%{L1r-}.b.example -all");
	sources[1].domain = SPAN("evil.one.b.example");
	f = feedback_of(&s, d);
	assert_has(f, "txt : other.example : \"v=spf1 include:%{L1r-}.b");
	assert_lacks(f, "evil");
	sources[0].record = SPAN("v=spf1 include:%{s}.b.example -all");
	assert_lacks(feedback_of(&s, d), "evil");
	sources[1].domain = SPAN("b.example");
	/* long ones are folded, endless words are cut */
	memset(word, 'x', sizeof(word));
	sources[0].record = span_of(word, sizeof(word));
	for (size_t i = 100; i < 2000; i += 60)
		word[i] = ' ';
	f = feedback_of(&s, d);
	for (struct scan line = scan_of(d->failure.feedback); !scan_done(&line);
	     scan_byte(&line, '\n'))
		assert_true(scan_until(&line, '\n').n < 990);
	/* one that has no room is left out as a whole */
	for (size_t i = 0; i < 1 + SPF_MAX_LOOKUPS; i++)
		sources[i] = sources[0];
	s.v.spf_mail_from.n_sources = 1 + SPF_MAX_LOOKUPS;
	f = feedback_of(&s, d);
	assert_has(f, "x\"\n");
	assert_true(f[d->failure.feedback.n - 1] == '\n');
	assert_true(f[d->failure.feedback.n - 2] == '"');
	sample_close(&s);
	/* with "dmarc" where the domain is aligned */
	sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
	s.v.spf_mail_from.domain = SPAN("example.com");
	s.v.spf_mail_from.n_sources = 1;
	s.v.spf_mail_from.sources[0] =
	    (struct spf_source){ SPAN("example.com"), SPAN("v=spf1 -all") };
	assert_has(feedback_of(&s, d),
	    "\nSPF-DNS: txt : example.com : \"v=spf1 -all\"\n");
	sample_close(&s);
	free(d);
}

/* RFC 5965 section 3.2 has RFC 5321's literal; readers have the address. */
static void
rfc5965_3_2_source_ip(void **state)
{
	struct failure_draft *d = malloc(sizeof(*d));

	(void)state;
	assert_non_null(d);
	for (int strict = 0; strict < 2; strict++) {
		struct sample s;

		sample_open(&s, "v=DMARC1; p=reject; " RUF,
		    strict != 0 ? "xml_format = strict" : "");
		assert_true(ip_parse(SPAN("2001:db8::1"), &s.v.client));
		s.v.client_port = 0;
		assert_has(feedback_of(&s, d),
		    strict != 0 ? "\nSource-IP: IPv6:2001:db8::1\nReported"
				: "\nSource-IP: 2001:db8::1\nReported");
		sample_close(&s);
	}
	free(d);
}

static void
rfc9991_7_header(void **state)
{
	struct failure_draft *d = malloc(sizeof(*d));
	struct sample s;
	const char *h;

	(void)state;
	assert_non_null(d);
	sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
	add_signature(&s, "example.com", DKIM_FAIL);
	add_field(&s, "From", " \"Ann\" <ann@mail.example.com>");
	add_field(&s, "To", " bob@example.net");
	add_field(&s, "Subject", " secret");
	add_field(&s, "Authentication-Results", " x; spf=pass");
	add_field(&s, "date", " now");
	feedback_of(&s, d);
	h = d->failure.header.p;
	assert_has(h,
	    "Authentication-Results: mx.example.net;\n\tspf=fail "
	    "smtp.mailfrom=");
	assert_has(h, ";\n\tdkim=fail reason=why header.d=example.com");
	assert_has(h, ";\n\tdmarc=fail");
	assert_has(h, "@mail.example.com>\ndate: now\n");
	assert_lacks(h, "nn");
	assert_lacks(h, "To:");
	assert_lacks(h, "ubject");
	assert_lacks(h, "spf=pass");
	assert_int_equal(d->failure.subject.n, 0);
	sample_close(&s);
	/* RFC 5965 section 2 (f) */
	sample_open(
	    &s, "v=DMARC1; p=reject; " RUF, "failure_headers = {\"Subject\"}");
	add_field(&s, "From", " ann@mail.example.com");
	add_field(&s, "Subject", " Re: ann@mail.example.com");
	feedback_of(&s, d);
	assert_lacks(d->failure.header.p, "From:");
	assert_has(d->failure.subject.p, "Re: ");
	assert_lacks(d->failure.subject.p, "ann");
	sample_close(&s);
	free(d);
}

/* Whatever comes, what is kept is bounded and clean. */
static void
giant_headers(void **state)
{
	static const char *const names[] = { "From", "Subject", "X",
		"DKIM-Signature", "Received" };
	struct failure_draft *d = malloc(sizeof(*d));
	char *value = malloc(200000);
	struct sample s;

	(void)state;
	assert_true(d != NULL && value != NULL);
	sample_open(&s, "v=DMARC1; p=reject; " RUF,
	    "failure_headers = {\"From\", \"Subject\", \"X\", "
	    "\"DKIM-Signature\", \"Received\"}");
	for (size_t i = 0; i < SIGNATURES; i++)
		add_signature(&s, "example.com", DKIM_FAIL);
	for (unsigned i = 0; i < 400; i++) {
		size_t n = i % 11 == 0 ? 20000 : i;

		for (size_t k = 0; k < n; k++)
			value[k] = "a@b;\"\n \xff,<>"[(k * 7 + i) % 11];
		value[n] = '\0';
		add_field(&s, names[i % ARRAY_SIZE(names)], value);
	}
	feedback_of(&s, d);
	assert_true(d->failure.header.n < FAILURE_HEADER_MAX);
	assert_true(d->failure.header.n > FAILURE_HEADER_MAX / 4);
	assert_true(
	    failure_size(&d->failure) < sizeof(struct failure) + FAILURE_MAX);
	for (size_t i = 0; i < d->failure.header.n; i++) {
		unsigned char c = (unsigned char)d->failure.header.p[i];

		assert_true(ascii_is_print(c) || c == '\n' || c == '\t');
	}
	sample_close(&s);
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
		struct sample s;

		sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
		add_signature(&s, "example.com", DKIM_FAIL);
		feedback_of(&s, a);
		/* who it is from and what it says does not matter */
		s.v.mail_from = SPAN("another@other.example");
		s.v.client_port = 1;
		add_field(&s, "Subject", " x");
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
		feedback_of(&s, b);
		assert_int_equal(
		    span_equal(a->failure.likeness, b->failure.likeness),
		    way == 0);
		sample_close(&s);
	}
	free(a);
	free(b);
}

/* ---- the spool ---- */

struct texts { /* of a failure that is made by number */
	struct failure f;
	char likeness[50], organization[50], domain[50];
};

static const struct failure *
numbered(struct texts *t, unsigned organization, unsigned cause)
{
	snprintf(
	    t->likeness, sizeof(t->likeness), "%u %u", organization, cause);
	snprintf(t->organization, sizeof(t->organization), "o%u.example",
	    organization);
	t->f = (struct failure){
		.when = NOW,
		.likeness = span_str(t->likeness),
		.organization = span_str(t->organization),
		.domain = span_str(t->organization),
		.record = SPAN("v=DMARC1; p=none; " RUF),
		.author = SPAN("a.example"),
		.source = SPAN("192.0.2.1"),
		.subject = SPAN(""),
		.feedback = SPAN("Feedback-Type: auth-failure\n"),
		.header = SPAN("From: <a@b>\n"),
	};
	return &t->f;
}

static struct ledger *
open_ledger(void)
{
	char error[SQL_ERROR_MAX];
	struct ledger *l =
	    ledger_open_file(place.file, SQLITE_FOR_COMMAND, error);

	assert_non_null(l);
	return l;
}

static void
put(struct ledger *l, const struct failure *f)
{
	struct failure_spool p = { .db = ledger_sql(l) };

	assert_true(failure_spool_put(&p, f));
	failure_spool_end(&p);
}

struct sum {
	uint64_t n, incidents, others;
	int64_t id; /* of the first */
};

static bool
add(void *arg, const struct ledger_failure *f)
{
	struct sum *s = arg;

	if (s->n++ == 0)
		s->id = f->id;
	s->incidents += f->incidents;
	s->others += f->others;
	return true;
}

static struct sum
due(struct ledger *l, int64_t since)
{
	struct sum s = { .n = 0 };

	assert_int_equal(
	    ledger_each_failure(l, SPAN_NONE, since, add, &s), LEDGER_OK);
	return s;
}

static void
assert_due(struct ledger *l, int64_t since, uint64_t n, uint64_t incidents,
    uint64_t others)
{
	struct sum s = due(l, since);

	if (s.n != n || s.incidents != incidents || s.others != others)
		fail_msg("%llu due, %llu incidents, %llu others",
		    (unsigned long long)s.n, (unsigned long long)s.incidents,
		    (unsigned long long)s.others);
}

static void
merged_by_cause(void **state)
{
	struct ledger *l = open_ledger();
	struct texts t;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		put(l, numbered(&t, 1, i % 3));
		put(l, numbered(&t, 2, 0));
	}
	assert_due(l, NOW, 4, 20, 0);
	ledger_close(l);
}

/* RFC 9991 section 6.1: of one organization only so many, the rest counted. */
static void
bounded_by_organization(void **state)
{
	struct ledger *l = open_ledger();
	struct texts t;

	(void)state;
	put(l, numbered(&t, 2, 0));
	for (unsigned i = 0; i < 3 * FAILURE_SPOOL_OPEN_MAX; i++)
		put(l, numbered(&t, 1, i));
	assert_due(l, NOW, FAILURE_SPOOL_OPEN_MAX + 1,
	    3 * FAILURE_SPOOL_OPEN_MAX + 1, 2 * FAILURE_SPOOL_OPEN_MAX);
	/* another domain's report does not count what is not its own */
	numbered(&t, 1, 12345);
	t.f.domain = SPAN("sub.o1.example");
	put(l, &t.f);
	assert_due(l, NOW, FAILURE_SPOOL_OPEN_MAX + 1,
	    3 * FAILURE_SPOOL_OPEN_MAX + 1, 2 * FAILURE_SPOOL_OPEN_MAX);
	ledger_close(l);
}

static void
bounded_in_all(void **state)
{
	struct ledger *l = open_ledger();
	struct texts t;
	struct sum s;
	uint64_t n;

	(void)state;
	assert_int_equal(ledger_begin(l), LEDGER_OK);
	for (unsigned i = 0; i < FAILURE_SPOOL_HELD_MAX + 50; i++)
		put(l, numbered(&t, i, 0));
	assert_int_equal(ledger_end(l, true), LEDGER_OK);
	assert_due(l, NOW, FAILURE_SPOOL_HELD_MAX, FAILURE_SPOOL_HELD_MAX, 0);
	/* what is settled makes room */
	s = due(l, NOW);
	assert_int_equal(
	    ledger_close_failure(l, s.id, false, NOW, &n), LEDGER_OK);
	put(l, numbered(&t, 5000, 0));
	assert_due(
	    l, NOW + 1, FAILURE_SPOOL_HELD_MAX, FAILURE_SPOOL_HELD_MAX, 0);
	ledger_close(l);
}

/* One cause is one report a day. */
static void
one_a_day(void **state)
{
	struct ledger *l = open_ledger();
	struct arena *a = arena_new(1 << 16);
	struct ledger_failure f;
	struct texts t;
	uint64_t n;
	int64_t id;

	(void)state;
	put(l, numbered(&t, 1, 0));
	put(l, numbered(&t, 1, 0));
	id = due(l, NOW).id;
	assert_int_equal(ledger_close_failure(l, id, true, NOW, &n), LEDGER_OK);
	assert_int_equal(n, 2);
	assert_int_equal(
	    ledger_close_failure(l, id, true, NOW, &n), LEDGER_NONE);
	put(l, numbered(&t, 1, 0)); /* for the next one */
	put(l, numbered(&t, 1, 0));
	put(l, numbered(&t, 1, 0));
	assert_due(l, NOW, 0, 0, 0);
	assert_due(l, NOW + 1, 1, 3, 0);
	assert_int_equal(ledger_get_failure(l, id, a, &f), LEDGER_OK);
	assert_int_equal(f.incidents, 2);
	assert_true(span_is(f.header, "From: <a@b>\n"));
	assert_int_equal(
	    ledger_failures_sent(l, SPAN_NONE, NOW, &n), LEDGER_OK);
	assert_int_equal(n, 1);
	assert_int_equal(
	    ledger_failures_sent(l, SPAN("o1.example"), NOW + 1, &n),
	    LEDGER_OK);
	assert_int_equal(n, 0);
	/* nobody is to deliver it: its texts go */
	assert_int_equal(ledger_empty_failures(l), LEDGER_OK);
	assert_int_equal(ledger_get_failure(l, id, a, &f), LEDGER_NONE);
	arena_free(a);
	ledger_close(l);
}

/* A disk may be slow; a failure that is let go then is not what is meant. */
static void
wait_until_empty(struct store *store)
{
	struct store_counts counts = { .queued = 1 };

	for (unsigned ms = 0; ms < SLOW_MS && counts.queued > 0; ms += 10) {
		usleep(10000);
		store_counts(store, &counts);
	}
	assert_int_equal(counts.queued, 0);
}

/* By the daemon's hand: ten thousand forged messages of as many sources. */
static void
flood(void **state)
{
	struct failure_draft *d = malloc(sizeof(*d));
	struct store_options o = { .path = place.file,
		.retention = { 400, 14, 400 } };
	struct store_counts counts;
	char error[200];
	struct store *store = store_open(&o, error, sizeof(error));
	int64_t now = (int64_t)time(NULL); /* the store keeps house by it */
	struct sample s;
	struct ledger *l;
	struct stat st;

	(void)state;
	assert_true(d != NULL && store != NULL);
	sample_open(&s, "v=DMARC1; p=reject; " RUF, "");
	add_field(&s, "From", " ann@mail.example.com");
	add_field(&s, "DKIM-Signature",
	    " v=1; d=example.com; s=x; b=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	for (unsigned i = 0; i < FLOOD; i++) {
		s.v.client.bytes[2] = (uint8_t)(i >> 8);
		s.v.client.bytes[3] = (uint8_t)i;
		feedback_of(&s, d);
		d->failure.when = now;
		if (!store_put(store, NULL, &s.v.facts, &s.v.decision,
			i % 100 != 0 ? &d->failure : NULL, now))
			wait_until_empty(store);
	}
	wait_until_empty(store);
	store_counts(store, &counts);
	assert_int_equal(counts.committed, FLOOD);
	store_close(store, 5000);
	l = open_ledger();
	assert_due(l, now, FAILURE_SPOOL_OPEN_MAX, FLOOD - FLOOD / 100,
	    FLOOD - FLOOD / 100 - FAILURE_SPOOL_OPEN_MAX);
	ledger_close(l);
	assert_int_equal(stat(place.file, &st), 0);
	print_message(
	    "%d messages, %lld bytes\n", FLOOD, (long long)st.st_size);
	assert_true(st.st_size < 1 << 20);
	sample_close(&s);
	free(d);
}

static void
retention(void **state)
{
	struct ledger *l = open_ledger();
	struct writer *w = writer_new(&(struct writer_options){
	    .path = place.file, .retention = { 400, 400, 400 } });
	struct texts t;

	(void)state;
	assert_int_equal(writer_open(w, NOW), SQL_FINE);
	put(l, numbered(&t, 1, 0));
	while (writer_housekeep(w, NOW + RETENTION_FAILURE_DAYS * DATE_DAY))
		;
	assert_due(l, NOW, 1, 1, 0);
	while (
	    writer_housekeep(w, NOW + (RETENTION_FAILURE_DAYS + 1) * DATE_DAY))
		;
	assert_due(l, NOW, 0, 0, 0);
	writer_free(w);
	ledger_close(l);
}

/* ---- the mail ---- */

static void
rfc5965_3_2_incidents(void **state)
{
	const struct mime_message letter = {
		.from = SPAN("us@b.example"),
		.to = SPAN("r@a.example"),
		.domain = SPAN("a.example"),
		.submitter = SPAN("b.example"),
		.report_id = SPAN("20241004abc"),
		.message_id = SPAN("20241004abc.1@b.example"),
		.date = NOW,
	};
	struct ledger_failure f = {
		.author = SPAN("a.example"),
		.source = SPAN("192.0.2.1"),
		.subject = SPAN("Re: x"),
		.feedback = SPAN("Feedback-Type: auth-failure\n"),
		.header = SPAN("From: <a@b>\n"),
		.incidents = 1,
	};
	uint64_t incidents[] = { 1, 2, UINT64_MAX };
	const char *const want[] = { "", "Incidents: 2\n",
		"Incidents: 4294967295\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(incidents); i++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		f.incidents = incidents[i];
		assert_true(failure_letter_write(out, &letter, &f));
		fclose(out);
		assert_has(text, "\nSubject: FW: Re: x\n");
		assert_has(text,
		    "\nContent-Type: multipart/report; "
		    "report-type=feedback-report;\n"
		    " boundary=\"=_20241004abc\"\n");
		assert_has(text, want[i]);
		if (i == 0)
			assert_lacks(text, "Incidents");
		assert_has(text, "\n--=_20241004abc--\n");
		free(text);
	}
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
		AT_PLACE(merged_by_cause),
		AT_PLACE(bounded_by_organization),
		AT_PLACE(bounded_in_all),
		AT_PLACE(one_a_day),
		AT_PLACE(flood),
		AT_PLACE(retention),
		cmocka_unit_test(rfc5965_3_2_incidents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
