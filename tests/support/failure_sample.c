#include "tests/support/failure_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct hash_secret key = { 1, 2 };

void
failure_sample_open(
    struct failure_sample *s, const char *record, const char *options)
{
	const char *reason;
	char text[1000];

	*s = (struct failure_sample){ .arena = arena_new(4 << 20) };
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

void
failure_sample_close(struct failure_sample *s)
{
	arena_free(s->arena);
	conf_unref(s->conf);
}

struct dkim_result *
failure_sample_sign(
    struct failure_sample *s, const char *domain, enum dkim_code code)
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

void
failure_sample_field(
    struct failure_sample *s, const char *name, const char *value)
{
	assert_true(mail_header_add(
	    &s->header, s->arena, span_str(name), span_str(value)));
}

const char *
failure_sample_feedback(struct failure_sample *s, struct failure_draft *d)
{
	assert_true(
	    failure_of(&s->v, s->conf, key, SPAN("4Q"), FAILURE_NOW, d));
	assert_true(d->failure.feedback.p[d->failure.feedback.n] == '\0');
	return d->failure.feedback.p;
}

void
text_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in:\n%s", part, text);
}

void
text_lacks(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("\"%s\" in:\n%s", part, text);
}
